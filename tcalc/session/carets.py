"""Where in the source an error is shown: `^` under the failing part, `~` under its operands."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters `start` to `end` (0-based, end excluded) of the shown line, drawn as `^` or `~`."""

    start: int
    end: int
    char: str


class Marked(NamedTuple):
    """Which of the lines to show, the marks under it, and the failing expression when it is one."""

    line: int
    marks: list[Mark]
    node: ast.expr | None


class _Part(NamedTuple):
    """A piece of the source by character positions in the joined lines."""

    start: int
    end: int
    char: str


def marks_of(lines: Sequence[str], start: int, end: int) -> Marked:
    """What to show of the source from column `start` of the first line to column `end` of the last.

    For `a @ b` the operator is the failing part, for `x.view(6)` the method name, for `cat(...)` the function name,
    for `x[5]` the index; anything else is marked as a whole. Of several lines the one with the failing part is shown.
    An empty range marks one character.
    """
    text = "\n".join(lines)
    last = len(text) - len(lines[-1]) + end
    last = min(max(last, start + 1), max(len(text), start + 1))
    node = expression(text[start:last])
    parts = [_Part(start, last, "^")] if node is None else _parts(text[start:last], start, node)
    return _on_one_line(lines, parts, node)


def _on_one_line(lines: Sequence[str], parts: Sequence[_Part], node: ast.expr | None) -> Marked:
    failing = next(part for part in parts if part.char == "^")
    begin, index = 0, 0
    while index + 1 < len(lines) and begin + len(lines[index]) < failing.start:
        begin += len(lines[index]) + 1
        index += 1
    width = len(lines[index])
    marks = []
    for part in parts:
        first, past = max(part.start - begin, 0), part.end - begin
        if len(lines) > 1:
            past = min(past, width)
            first = first if part.start >= begin else len(lines[index]) - len(lines[index].lstrip())
        if first < past:
            marks.append(Mark(first, past, part.char))
    return Marked(index, marks, node)


def expression(text: str) -> ast.expr | None:
    """The expression that `text` is, `a += b` as the operation it does; None for anything else.

    Lines may follow each other as between brackets. Positions in the tree count in `text`.
    """
    for source in (text, f"({text}\n)") if "\n" in text else (text,):
        try:
            body = ast.parse(source).body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        statement = body[0] if len(body) == 1 else None
        if source is not text:
            for node in ast.walk(ast.Module(body, [])):
                if isinstance(node, ast.expr):
                    node.col_offset -= node.lineno == 1
                    node.end_col_offset = (node.end_col_offset or 0) - (node.end_lineno == 1)
        if isinstance(statement, ast.AugAssign):
            place = {name: getattr(statement, name) for name in statement._attributes}
            return ast.BinOp(statement.target, statement.op, statement.value, **place)
        if isinstance(statement, ast.Expr):
            return statement.value
    return None


def position(text: str, line: int | None, offset: int | None) -> int:
    """Characters from the start of `text` for a line and byte offset of `ast`."""
    lines = text.split("\n")
    index = (line or 1) - 1
    before = sum(len(each) + 1 for each in lines[:index])
    return before + len(lines[index].encode()[: offset or 0].decode(errors="ignore"))


def _begin(text: str, node: ast.expr) -> int:
    return position(text, node.lineno, node.col_offset)


def _end(text: str, node: ast.expr) -> int:
    return position(text, node.end_lineno, node.end_col_offset)


def _parts(text: str, start: int, node: ast.expr) -> list[_Part]:
    if isinstance(node, ast.BinOp):
        return _operator(text, start, node.left, node.right)
    if isinstance(node, ast.Compare):
        return _operator(text, start, node.left, node.comparators[0])
    if isinstance(node, ast.Call):
        return [_name(text, start, node.func)]
    if isinstance(node, ast.Attribute):
        return [_name(text, start, node)]
    if isinstance(node, ast.Subscript):
        split = start + _end(text, node.value)
        return [_Part(start, split, "~"), _Part(split, start + len(text), "^")]
    return [_Part(start, start + len(text), "^")]


def _operator(text: str, start: int, left: ast.expr, right: ast.expr) -> list[_Part]:
    left_end, right_start = _end(text, left), _begin(text, right)
    gap = text[left_end:right_start]
    symbol = gap.strip(" \t\n\\()")
    if not symbol:
        return [_Part(start, start + len(text), "^")]
    at = start + left_end + gap.index(symbol)
    first, last = start + _begin(text, left), start + _end(text, right)
    return [
        _Part(first, start + left_end, "~"),
        _Part(at, at + len(symbol), "^"),
        _Part(start + right_start, last, "~"),
    ]


def _name(text: str, start: int, function: ast.expr) -> _Part:
    """The last word of what is called: `view` of `x.view`."""
    end, begin = _end(text, function), _begin(text, function)
    if isinstance(function, ast.Attribute):
        begin = end - len(function.attr)
    return _Part(start + begin, start + end, "^")
