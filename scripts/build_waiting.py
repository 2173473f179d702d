"""Write tcalc/engine/waiting.py: which files of ops are read late, and the names that have them read.

    python scripts/build_waiting.py

To be run after an op was declared, renamed or removed; tests/test_registry.py says when.
"""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
TARGET = ROOT / "tcalc" / "engine" / "waiting.py"
MARK = "FILES: dict[str, File] = {\n"


def text() -> str:
    """The file as it should be."""
    head, _, rest = TARGET.read_text(encoding="utf-8").partition(MARK)
    tail = rest[rest.index("}\n") :]
    return head + MARK + "".join(map(_entry, _files())) + tail


def _files() -> list[str]:
    """The files of ops that the package does not read at once."""
    from tcalc.engine import ops

    return sorted(path.stem for path in (ROOT / "tcalc" / "engine" / "ops").glob("*.py") if path.stem not in ("__init__", *ops.__all__))


def _entry(file: str) -> str:
    """The lines of one file."""
    from tcalc.engine import methods  # methods come with it
    from tcalc.engine.registry import OPS, PUBLIC
    from tcalc.engine.tensor import Tensor

    ops = [name for name, op in OPS.items() if op.file == file]
    names = [name for name, public in PUBLIC.items() if any(op.file == file for op in public.ops)]
    here = {name: [op for op in PUBLIC[name].ops if op.function] for name in names}
    functions = [name for name, found in here.items() if not name.endswith("_") and any(op.namespace == "torch" for op in found)]
    attributes = [each for name in names if any(op.method for op in PUBLIC[name].ops) for each in (name, f"{name}_") if each in vars(Tensor)]
    own = [each for each in attributes if each not in methods.OWN and each not in methods.PROPERTIES]
    namespaces = {op.namespace for found in here.values() for op in found} - {"torch"}
    lists = (ops, names, functions, own, namespaces)
    return f'    "{file}": File(\n' + "".join(f"        {_words(each)},\n" for each in lists) + "    ),\n"


def _words(names: object) -> str:
    """Names as the text of one string, cut at 120 columns."""
    lines = wrap(" ".join(sorted(names)), 118)  # type: ignore[call-overload]  # lists of strings
    return "\n        ".join(f'"{line}{" " if i < len(lines) - 1 else ""}"' for i, line in enumerate(lines)) or '""'


if __name__ == "__main__":
    found = text()
    TARGET.write_text(found, encoding="utf-8")
