"""Lines become statements as soon as they are complete; prompts, semicolons and blocks as at Python's prompt."""

from __future__ import annotations

import ast

import pytest

from tcalc.lang.errors import LangError, Span
from tcalc.lang.parse import KNOWN_LINES, KNOWN_WIDTH, Reader, Statement, is_complete, parse, strip_prompts


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


def told(statement: Statement) -> tuple[object, ...]:
    """Everything that a statement says of itself."""
    origin, node = statement.origin, ast.dump(statement.node, include_attributes=True)
    return (
        statement.source,
        statement.line,
        statement.col,
        statement.silent,
        statement.quiet_lines,
        statement.end,
        origin.text,
        origin.first,
        node,
    )


@pytest.mark.parametrize(
    "line", ["x = x * 2 + 1", "f(a); ", "'é' + x # ;", r"x = '\d'", "a; b", "lambda: x", "[i for i in x]", "import torch as t"]
)
def test_a_line_that_comes_again_reads_as_the_first_time(line: str) -> None:
    reader = Reader()
    for number in range(1, 6):
        assert [told(each) for each in reader.feed(line)] == [told(each) for each in parse(line, number)]


def test_which_statements_have_come_before() -> None:
    reader = Reader()
    name, wide = "f" * KNOWN_WIDTH, "f" * (KNOWN_WIDTH + 1)
    lines = ["x", "y", "x", ">>> x", "a; b", "a; b", "y = (", "x", ")", "def f():", "  1", name, name, wide, wide]
    found = [(each.source, each.again) for line in lines for each in reader.feed(line)]
    assert found == [
        *[("x", False), ("y", False), ("x", True), ("x", True), ("a", False), ("b", False), ("a", False), ("b", False)],
        *[("y = (\nx\n)", False), ("def f():\n  1", False), (name, False), (name, True), (wide, False), (wide, False)],
    ]


def test_a_line_that_cannot_be_read_is_refused_each_time() -> None:
    reader = Reader()
    for number in range(1, 5):
        with pytest.raises(LangError) as caught:
            list(reader.feed("x = = 1"))
        assert caught.value.span == Span(number, 4, number, 5)


def test_few_lines_are_remembered() -> None:
    reader = Reader()
    for number in range(2 * KNOWN_LINES + 2):
        assert [each.line for each in reader.feed(f"x = {number}")] == [number + 1]
        assert len(reader._known) <= KNOWN_LINES
