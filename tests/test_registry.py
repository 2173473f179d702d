"""Every public op is documented, and the example in its docstring prints what it shows, in tcalc and in PyTorch."""

from __future__ import annotations

import builtins
import doctest
import warnings
from collections.abc import Iterator

import pytest

import tcalc.engine.methods  # noqa: F401 - declares every op
from tcalc.engine.registry import OPS, Op
from tcalc.lang.compile import compile_statement
from tcalc.lang.parse import parse
from tcalc.lang.run import Environment
from tcalc.lang.text import echo_repr

PUBLIC = [op for op in OPS.values() if op.function or op.method]
SEED = 0


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
