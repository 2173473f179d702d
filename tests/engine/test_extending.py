"""docs/extending.md is one module that works: its blocks run in a process of their own, since what they declare stays declared."""

from __future__ import annotations
import __future__

import doctest
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "extending.md"
BLOCK = re.compile(r"^```py\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_page() -> dict[str, Any]:
    """Run the page; what its examples got wrong, and what the library then says of the ops that it declared."""
    import tcalc
    from tcalc.engine.registry import OPS, PUBLIC
    from tcalc.lang import gate
    from tcalc.lang.compile import compile_statement
    from tcalc.lang.parse import parse
    from tcalc.lang.run import Environment
    from tcalc.lang.text import echo_repr

    environment = Environment()

    def language(text: str) -> str:
        shown: list[str] = []
        for statement in parse(text):
            environment.run(compile_statement(statement), lambda value: shown.append(echo_repr(value) + "\n"), shown.append)
        return "".join(shown)

    language("early = tensor([0., 1.]); early.sum(); hasattr(early, 'logcosh'); hasattr(torch, 'logcosh')")
    before = set(OPS)
    names: dict[str, Any] = {"__name__": "extension"}
    failures = io.StringIO()
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    for block in blocks:
        if block.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(block, names, PAGE.name, PAGE.name, 0)
            doctest.DocTestRunner(verbose=False).run(test, out=failures.write, clear_globs=False)
            names.update(test.globs)
        else:
            exec(compile(block, PAGE.name, "exec", flags=__future__.annotations.compiler_flag), names)
    declared = [name for name in OPS if name not in before]
    examples = {}
    for name in declared:
        for example in doctest.DocTestParser().get_examples(OPS[name].doc):
            examples[name] = [language(example.source), example.want]
    return {
        "blocks": len(blocks),
        "failures": failures.getvalue(),
        "declared": declared,
        "examples": examples,
        "early": language("early.logcosh(); hasattr(torch, 'logcosh'); torch.logcosh(early); early.logcosh_(); early"),
        "known": [name in gate.known(tcalc.ones(1)) for name in (*declared, "logcosh_")],
        "help": PUBLIC["logcosh"].signature + ": " + PUBLIC["logcosh"].doc.splitlines()[0],
        "functions": [callable(getattr(tcalc, name)) for name in declared],
    }


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What `run_page` found."""
    result = subprocess.run([sys.executable, __file__], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_blocks_print_what_they_show(page: dict[str, Any]) -> None:
    assert page["blocks"] > 15
    assert page["failures"] == ""


def test_every_family_is_shown(page: dict[str, Any]) -> None:
    assert page["declared"] == ["logcosh", "relative", "energy", "every_other", "pairs", "rmse", "hilbert"]
    assert all(page["functions"])


def test_docstring_examples_run_in_the_language(page: dict[str, Any]) -> None:
    assert list(page["examples"]) == page["declared"]
    for name, (got, want) in page["examples"].items():
        assert got == want, name


def test_a_program_that_runs_already_sees_them(page: dict[str, Any]) -> None:
    assert page["early"] == "tensor([0.0000, 0.4338])\nTrue\n" + "tensor([0.0000, 0.4338])\n" * 3
    assert page["known"] == [True, True, True, True, True, True, False, True]  # hilbert is a function only


def test_help_record(page: dict[str, Any]) -> None:
    assert page["help"] == "input, *, out=None: The logarithm of the hyperbolic cosine."


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    print(json.dumps(run_page()))
