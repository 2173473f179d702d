"""No text crashes or hangs the parser: one line, one place, and long sums still work."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import pytest

from tcalc.lang.compile import compile_statement
from tcalc.lang.errors import LangError
from tcalc.lang.parse import Reader, parse

HOSTILE = {
    "brackets": "(" * 10_000,
    "closed brackets": "(" * 10_000 + "1" + ")" * 10_000,
    "lists": "[" * 150 + "]" * 150,
    "minuses": "-" * 100_000 + "1",
    "spaced minuses": "- " * 100_000 + "1",
    "nots": "not " * 100_000 + "1",
    "tildes and minuses": "~-" * 5_000 + "1",
    "attributes": "x" + ".a" * 100_000,
    "short attribute chain": "x" + ".a" * 2_500,
    "calls": "x" + "()" * 2_500,
    "subscripts": "x" + "[0]" * 2_500,
    "powers": "**".join(["x"] * 5_000),
    "conditionals": " if a else ".join(["x"] * 5_000),
    "lambdas": "lambda:" * 5_000 + "1",
    "elifs": "if a: b\n" + "elif a: b\n" * 5_000,
    "blocks": "".join(" " * depth + "if a:\n" for depth in range(150)) + " " * 150 + "b",
    "sum of 100 000 terms": "+".join(["x"] * 100_000),
    "ten megabytes": "a" * 10_000_000,
    "digits": "9" * 5_000,
    "hex digits": "0x" + "f" * 500_000,
    "null": "x\0y",
    "surrogate": "x = '\ud800' + \ud800",
    "open string": "x = 'abc",
    "open triple string": "x = '''abc",
    "tabs": "if a:\n\tb\n        c",
    "form feed": "\f)",
    "f-string nesting": "f'{" * 50,
    "backslash": "\\",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_one_line(text: str) -> None:
    with pytest.raises(LangError) as caught:
        for statement in parse(text):
            compile_statement(statement)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 200
    assert caught.value.span is not None


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_stream_is_one_line_and_the_reader_goes_on(text: str) -> None:
    reader = Reader()
    with pytest.raises(LangError):
        for line in text.split("\n"):
            for statement in reader.feed(line):
                compile_statement(statement)
        for statement in reader.finish():
            compile_statement(statement)
    for line in ("", "''' '''", ""):
        list(reader.feed(line))
    list(reader.finish())
    assert [each.source for each in reader.feed("z")] == ["z"]


_SHALLOW = pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="CPython 3.12 bounds its own compiler's depth")


@pytest.mark.parametrize("terms", [400, pytest.param(4_000, marks=_SHALLOW)])
def test_long_sums(program: Any, terms: int) -> None:
    program("x = 2")
    assert program.value("+".join(["x"] * terms)) == 2 * terms
    assert program.value("-".join(["x"] * terms)) == 2 - 2 * (terms - 1)
    assert program.value(" + ".join(["[x]"] * terms)) == [2] * terms


def test_a_string_of_signs_is_no_chain_of_signs(program: Any) -> None:
    assert program.value("'" + "-" * 200 + "'") == "-" * 200
    assert program.value("1  # " + "(" * 500) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("return 1", "'return' outside function"),
        ("break", "'break' outside loop"),
        ("continue", "'continue' not properly in loop"),
        ("f(a=1, a=2)", "keyword argument repeated: a"),
        ("def f(a, a): pass", "duplicate argument 'a' in function definition"),
        ("nonlocal x", "nonlocal declaration not allowed at module level"),
        ("x = (1 2)", "invalid syntax. Perhaps you forgot a comma?"),
    ],
)
def test_what_only_the_compiler_finds(text: str, message: str) -> None:
    with pytest.raises(LangError) as caught:
        for statement in parse(text):
            compile_statement(statement)
    assert caught.value.message == message
    assert caught.value.kind == "syntax"
    assert caught.value.span is not None
    assert caught.value.span.line == 1


def test_what_the_compiler_warns_of_is_not_heard() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = warnings.filters
        for text in (r'x = "\d"', "1 is 1", 'assert (1, "never false")', "[1](0) if False else 2"):
            (statement,) = parse(text)
            compile_statement(statement)
        assert warnings.filters is before
        with pytest.raises(LangError):
            parse("1 +")
        assert warnings.filters is before
