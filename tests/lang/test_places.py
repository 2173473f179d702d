"""Where an error points: the innermost place in the text that the statement came from."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest

from tcalc.lang import places
from tcalc.lang.compile import compile_statement
from tcalc.lang.errors import LangError, Span
from tcalc.lang.parse import parse
from tcalc.lang.places import spots
from tcalc.lang.run import Environment, where


def underlined(text: str, line: int = 1, names: dict[str, Any] | None = None) -> str:
    """The source that the error of a text points at."""
    environment = Environment()
    environment.variables.update(names or {})
    for statement in parse(text, line):
        code = compile_statement(statement)
        try:
            environment.run(code, lambda value: None, lambda text: None)
        except (LangError, ArithmeticError, TypeError, LookupError, AttributeError, ValueError) as error:
            span = error.span if isinstance(error, LangError) else where(error)
            assert span is not None
            assert span.line == span.end_line
            return text.split("\n")[span.line - line][span.col : span.end_col]
    raise AssertionError("no error")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1 + 2 * (3 / 0) - 4", "3 / 0"),
        ("x = 'a' + 1", "'a' + 1"),
        ("x = 1 + 'a' + 2", "1 + 'a'"),
        ("x = [1]; y = x[5] + 1", "x[5]"),
        ("x = 5; x.foo + 1", "x.foo"),
        ("x = 5; x.foo = 1", "x.foo"),
        ("x = 5; x.foo += 1", "x.foo"),
        ("x = [1]; (x)(2)", "(x)(2)"),
        ("x = 'é'; 'ü' + x + (1 / 0)", "1 / 0"),
        ("for i in range(3):\n    1 / (2 - i)", "1 / (2 - i)"),
        ("def f(a):\n    return a / 0\nf(1)", "a / 0"),
        ("f = lambda a: a / 0\nlist(map(f, [1]))", "a / 0"),
        ("try:\n    1 / 0\nexcept KeyError:\n    2", "1 / 0"),
        ("[x / 0 for x in [1]]", "x / 0"),
        ("x = 2\nx **= 10 ** 9", "x **= 10 ** 9"),
        ("x = [2]\nx[0] **= 10 ** 9", "x[0] **= 10 ** 9"),
        ("x = 1\nx < 'a'", "x < 'a'"),
        ("onse(2)", "onse"),
        ("def f():\n    return onse(2)\nf()", "onse"),
        ("open('x')", "open"),
        ("from math import sin, coss", "from math import sin, coss"),
        ("len(5)", "len(5)"),
        ("raise ValueError('x')", "raise ValueError('x')"),
        ("max(range(10 ** 10))", "max(range(10 ** 10))"),
        ("'a' * 10 ** 9", "'a' * 10 ** 9"),
        ("f'{1:d}{2:q}'", None),
    ],
)
@pytest.mark.usefixtures("engine")
def test_underlined(text: str, place: str | None) -> None:
    for line in (1, 40):
        if place is None:
            assert underlined(text, line)
        else:
            assert underlined(text, line) == place


def test_a_function_from_another_text_is_pointed_at_in_that_text(program: Any) -> None:
    program("def f(a):\n    return a / 0")
    code = compile_statement(parse("x = 1 + f(3)")[0], "other")
    with pytest.raises(ZeroDivisionError) as caught:
        program.env.run(code, print, print)
    inner, outer = spots(caught.value)
    assert where(caught.value) == inner.span == Span(2, 11, 2, 16)
    assert (outer.filename, outer.span) == ("other", Span(1, 8, 1, 12))
    assert inner.names["a"] == 3


def test_a_comprehension_belongs_to_its_frame_and_a_recursion_counts_once(program: Any) -> None:
    program("def f(n):\n    return f(n - 1) if n else [a / n for a in [1]]")
    code = compile_statement(parse("f(5)")[0])
    with pytest.raises(ZeroDivisionError) as caught:
        program.env.run(code, print, print)
    found = spots(caught.value)
    assert [spot.span.col for spot in found] == [31, 11, 0]
    assert found[0].names["n"] == 0
    if sys.version_info < (3, 12):  # from then on the variables of a comprehension are gone when its error arrives
        assert found[0].names["a"] == 1


def test_code_that_is_gone_is_forgotten(program: Any) -> None:
    gc.collect()
    before = len(places._STATEMENTS)
    program("def f():\n    return [x for x in [1]]")
    assert len(places._STATEMENTS) > before
    program("del f")
    gc.collect()
    assert len(places._STATEMENTS) == before


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("if x: pass", "x"),
        ("if 1 and x: pass", "x"),
        ("if y and not x: pass", "x"),
        ("if 0: pass\nelif x: pass", "x"),
        ("while not x: pass", "x"),
        ("for i in 5: pass", "5"),
        ("z = y and x and y", "x"),
        ("z = x or y", "x"),
        ("z = not x", "x"),
        ("z = 1 if x else 2", "x"),
        ("assert x", "x"),
        ("with 5: pass", "5"),
        ("[i for i in 5]", "5"),
        ("[i for i in [1] for j in 5]", "5"),
        ("[i for i in [1] if y and x]", "x"),
    ],
)
def test_what_was_tested_or_looped_over(text: str, place: str) -> None:
    assert underlined("y = 1\n" + text, names={"x": Ambiguous()}) == place


class Ambiguous:
    """A value without truth."""

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("onse(2)", "no name 'onse'. Did you mean ones?"),
        ("qqqqqq", "no name 'qqqqqq'"),
        ("array([1])", "no name 'array'. Did you mean tensor?"),
        ("my_value = 1; my_valeu", "no name 'my_valeu'. Did you mean my_value?"),
        ("Ones(2)", "no name 'Ones'. Did you mean ones?"),
        ("pritn(1)", "no name 'pritn'. Did you mean print?"),
    ],
)
def test_unknown_names(program: Any, text: str, message: str) -> None:
    with pytest.raises(LangError) as caught:
        program(text)
    assert caught.value.message == message
    assert caught.value.kind == "name"


@pytest.mark.usefixtures("engine")
def test_unknown_attributes(program: Any) -> None:
    for text, message in (
        ("torch.onse(2)", "torch has no 'onse'. Did you mean ones?"),
        ("tensor(1.).itm()", "'Tensor' object has no attribute 'itm'. Did you mean item?"),
        ("[].apend(1)", "'list' object has no attribute 'apend'. Did you mean append?"),
        ("int.x", "type int has no attribute 'x'"),
        ("len.x", "'builtin_function_or_method' object has no attribute 'x'"),
    ):
        with pytest.raises(AttributeError) as caught:
            program(text)
        assert str(caught.value) == message


@pytest.mark.usefixtures("engine")
def test_name_errors_can_be_caught(program: Any) -> None:
    assert program("try:\n    x\nexcept NameError as e:\n    print(e)") == "name 'x' is not defined\n"
    with pytest.raises(UnboundLocalError):
        program("def f():\n    y += 1\nf()")
