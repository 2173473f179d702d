"""Lines become statements as soon as they are complete; prompts, semicolons and blocks as at Python's prompt."""

from __future__ import annotations

import pytest

from tcalc.lang.errors import LangError, Span
from tcalc.lang.parse import Reader, is_complete, parse, strip_prompts


def stream(text: str, mode: str = "file") -> list[tuple[int, list[str]]]:
    """(number of lines fed, statements that came out) for every line that completed something; 0 for the end."""
    reader = Reader(mode)  # type: ignore[arg-type]
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if done := [each.source for each in reader.feed(line)]:
            found.append((number, done))
    if done := [each.source for each in reader.finish()]:
        found.append((0, done))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb", [(1, ["a = 1"]), (2, ["b"])]),
        ("a; b; c", [(1, ["a", "b", "c"])]),
        ("for i in x:\n    i\n\n    j\nk", [(5, ["for i in x:\n    i\n\n    j", "k"])]),
        ("if a:\n  b\nelif c:\n  d\nelse:\n  e\nf", [(7, ["if a:\n  b\nelif c:\n  d\nelse:\n  e", "f"])]),
        ("try:\n  a\nexcept E as e:\n  b\nfinally:\n  c", [(0, ["try:\n  a\nexcept E as e:\n  b\nfinally:\n  c"])]),
        ("with a: b\nc", [(2, ["with a: b", "c"])]),
        ("f(1,\n  2,\n)\ng", [(3, ["f(1,\n  2,\n)"]), (4, ["g"])]),
        ('x = """a\n\nb"""\ny', [(3, ['x = """a\n\nb"""']), (4, ["y"])]),
        ("x = 'a\\\nb'\ny", [(2, ["x = 'a\\\nb'"]), (3, ["y"])]),
        ("x = 1 + \\\n  2", [(2, ["x = 1 + \\\n  2"])]),
        ("x = [  # (\n 1]", [(2, ["x = [  # (\n 1]"])]),
        ("def f():\n  return (\n1)\nf()", [(4, ["def f():\n  return (\n1)", "f()"])]),
        ("# only a comment\n\n", []),
        ("if a:\n  b\n# c\n  d\ne", [(5, ["if a:\n  b\n# c\n  d", "e"])]),
        ("match = 3\nmatch", [(1, ["match = 3"]), (2, ["match"])]),
        ("form = 3", [(1, ["form = 3"])]),
        (">>> for i in x:\n...     i\n...\n>>> y", [(4, ["for i in x:\n    i", "y"])]),
        ("x = 1\r\ny\r", [(1, ["x = 1"]), (2, ["y"])]),
    ],
)
def test_file(text: str, expected: list[tuple[int, list[str]]]) -> None:
    assert stream(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("for i in x:\n    i\n\nk", [(3, ["for i in x:\n    i"]), (4, ["k"])]),
        ("if a: b\n", [(2, ["if a: b"])]),
        ("for i in x:\n    i\nk", [(3, ["for i in x:\n    i", "k"])]),
        ("x = (\n\n1)", [(3, ["x = (\n\n1)"])]),
    ],
)
def test_interactive(text: str, expected: list[tuple[int, list[str]]]) -> None:
    assert stream(text, "interactive") == expected


def test_a_finished_block_comes_out_before_the_error_of_the_line_that_ended_it() -> None:
    reader = Reader()
    assert not list(reader.feed("for i in x: i"))
    statements = reader.feed("1 +")
    assert next(statements).source == "for i in x: i"
    with pytest.raises(LangError):
        next(statements)
    assert [each.source for each in reader.feed("y")] == ["y"]


def test_places_count_in_the_whole_input() -> None:
    reader = Reader()
    list(reader.feed("a"))
    list(reader.feed(""))
    first, second = reader.feed("b; c")
    assert (first.line, first.col, second.line, second.col) == (3, 0, 3, 3)
    with pytest.raises(LangError) as caught:
        list(reader.feed("x = (1 2)"))
    assert caught.value.span == Span(4, 5, 4, 8)


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("a", [False]),
        ("a;", [True]),
        ("a;  # why", [True]),
        ("a; b;", [True, True]),
        ("a; b", [False, False]),
        ("a\nb;", [False, True]),
        ("f(1,\n2);", [True]),
        ("'a;'", [False]),
        ("a  # b;", [False]),
        ("for i in x: i;", [True]),
        ("for i in x:\n  i;", [False]),
    ],
)
def test_silence(text: str, silent: list[bool]) -> None:
    assert [each.silent for each in parse(text)] == silent


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("1", True), ("", True), ("(", False), ("[1,\n", False), ('"""a', False), ("x = \\", False), ("1 +", True),
        ("for i in x:", False), ("for i in x:\n    i", False), ("for i in x:\n    i\n", True), ("if a: b", False),
        ("if a: b\n", True), (")", True), ("'a", True), ("def f():\n\n", True), ("x = 'if a:'", True),
    ],
)  # fmt: skip
def test_is_complete(text: str, complete: bool) -> None:
    assert is_complete(text) is complete


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("x = 1", "x = 1"),
        (">>> x = 1\n>>> x\n1\n", "x = 1\nx\n\n"),
        (">>> for i in y:\n...     i\n...\n0\n1", "for i in y:\n    i\n\n\n"),
        ("  >>> x", "x"),
        ("In [3]: x = 1\n   ...: y\n\nOut[3]: 4", "x = 1\ny\n\n"),
        ("7> x = 1\nx = 1\n  float32 (2, 3)\n8> for i in x:\n..     i", "x = 1\n\n\nfor i in x:\n    i"),
        ("7> x", "7> x"),
        ("7> x = 3", "x = 3"),
        ("x = '''\n>>> y\n'''", "x = '''\n>>> y\n'''"),
    ],
)
def test_strip_prompts(text: str, stripped: str) -> None:
    assert strip_prompts(text) == stripped


def test_source_and_tree_of_a_statement() -> None:
    first, second = parse("é = 1; ü = 'ö'")
    assert (first.source, second.source, second.col) == ("é = 1", "ü = 'ö'", 7)
    taken = second.take_node()
    assert second.node is not taken
    assert second.node.lineno == taken.lineno
