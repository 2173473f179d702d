"""Every public op is documented, and the example in its docstring prints what it shows, in tcalc and in PyTorch."""

from __future__ import annotations

import builtins
import doctest
import importlib.util
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import tcalc.engine.methods  # noqa: F401 - declares every op
from tcalc.engine import waiting
from tcalc.engine.registry import OPS, Op
from tcalc.engine.registry import PUBLIC as PUBLIC_NAMES
from tcalc.lang.compile import compile_statement
from tcalc.lang.parse import parse
from tcalc.lang.run import Environment
from tcalc.lang.text import echo_repr

PUBLIC = [op for op in OPS.values() if op.function or op.method]
SEED = 0
ROOT = Path(__file__).resolve().parent.parent


pytestmark = pytest.mark.usefixtures("same_random_numbers")  # each example starts with the same seed


def examples(op: Op) -> list[doctest.Example]:
    """The `>>>` statements of a docstring with what each prints."""
    return doctest.DocTestParser().get_examples(op.doc)


def printed_by_tcalc(found: list[doctest.Example]) -> Iterator[str]:
    """What each statement prints in the language, as at Python's prompt."""
    environment = Environment()
    for example in found:
        printed: list[str] = []

        def echo(value: object, printed: list[str] = printed) -> None:
            if value is not None:
                printed.append(echo_repr(value) + "\n")

        for statement in parse(example.source):
            environment.run(compile_statement(statement), echo, printed.append)
        yield "".join(printed)


def test_registry_is_full() -> None:
    """Importing the methods has declared every family."""
    assert len(PUBLIC) > 200
    assert {op.family for op in PUBLIC} >= {"elementwise", "reduction", "view", "structural", "creation", "mutation"}


def test_the_list_of_late_files_is_up_to_date() -> None:
    """tcalc/engine/waiting.py names what scripts/build_waiting.py finds."""
    specification = importlib.util.spec_from_file_location("build_waiting", ROOT / "scripts" / "build_waiting.py")
    assert specification is not None
    assert specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    assert script.TARGET.read_text(encoding="utf-8") == script.text(), "run scripts/build_waiting.py"


def test_overloads_of_one_name_are_read_together() -> None:
    """A call tries all overloads of its name, so they may not lie in a file that is read and in one that waits."""
    for name, public in PUBLIC_NAMES.items():
        late = {op.file for op in public.ops if op.file in waiting.FILES}
        assert len(late) + any(op.file not in waiting.FILES for op in public.ops) == 1, name


@pytest.mark.parametrize(
    ("program", "files"),
    [
        ("x = ones(2, 3, requires_grad=True); (x @ x.T).sum().backward(); x.grad", set()),
        (
            "linalg.det(eye(2))",
            set("contraction decompositions determinants diagonals eigenvalues ldl lu matrices products reflections solvers vector_norms".split()),
        ),
        ("ones(3).sort().values", {"sort", "quantiles", "running"}),
        ("ones(2).sinc_()", {"special", "bessel"}),
    ],
)
def test_files_are_read_when_a_name_is_wanted(program: str, files: set[str]) -> None:
    """Files of ops that a program names nothing of are not read."""
    code = f"import sys; from tcalc.cli.main import main\ntry: main(['{program}'])\nexcept SystemExit: pass\nprint(*[m.rpartition('.')[2] for m in sys.modules if '.ops.' in m], file=sys.stderr)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8", cwd=ROOT, stdin=subprocess.DEVNULL)
    late = set(found.stderr.split()) & set(waiting.FILES)
    assert late <= files
    assert bool(late) == bool(files)


@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_has_a_docstring(op: Op) -> None:
    """One sentence at least."""
    first = op.doc.strip().partition("\n\n")[0]
    assert first.endswith("."), first


@pytest.mark.parametrize("op", PUBLIC, ids=lambda op: op.name)
def test_example_prints_what_it_shows(op: Op) -> None:
    """The example runs in the language."""
    found = examples(op)
    assert found, "no example"
    assert list(printed_by_tcalc(found)) == [example.want for example in found]


@pytest.mark.parametrize("op", PUBLIC, ids=lambda op: op.name)
def test_example_agrees_with_torch(op: Op, capsys: pytest.CaptureFixture[str]) -> None:
    """The same lines print the same in PyTorch."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(SEED)
    names = vars(torch) | {"torch": torch, "F": torch.nn.functional}
    names |= {name: getattr(builtins, name) for name in ("bool", "float", "int", "range")}  # Python's in the language, too
    for example in examples(op):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some names are deprecated in torch
            exec(compile(example.source, "<example>", "single"), names)
        assert capsys.readouterr().out == example.want
