"""Where in a source line an error is shown: `^` under the failing part, `~` under its operands."""

from __future__ import annotations

import ast
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters `start` to `end` (0-based, end excluded) of the shown line, drawn as `^` or `~`."""

    start: int
    end: int
    char: str


def marks_of(line: str, start: int, end: int) -> list[Mark]:
    """Marks for the characters `start` to `end` of `line`.

    For `a @ b` the operator is the failing part, for `x.view(6)` the method name, for `cat(...)` the function name,
    for `x[5]` the index; anything else is marked as a whole. An empty range marks one character.
    """
    end = min(max(end, start + 1), max(len(line), start + 1))
    node = expression(line[start:end])
    if node is None:
        return [Mark(start, end, "^")]
    text = line[start:end]
    if isinstance(node, ast.BinOp):
        return _operator(text, start, node.left, node.right)
    if isinstance(node, ast.Compare):
        return _operator(text, start, node.left, node.comparators[0])
    if isinstance(node, ast.Call):
        return [_name(text, start, node.func)]
    if isinstance(node, ast.Attribute):
        return [_name(text, start, node)]
    if isinstance(node, ast.Subscript):
        split = start + _column(text, node.value.end_col_offset)
        return [Mark(start, split, "~"), Mark(split, end, "^")]
    return [Mark(start, end, "^")]


def expression(text: str) -> ast.expr | None:
    """The expression that `text` is, `a += b` as the operation it does; None for anything else."""
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    statement = body[0] if len(body) == 1 else None
    if isinstance(statement, ast.AugAssign):
        return ast.BinOp(statement.target, statement.op, statement.value)
    return statement.value if isinstance(statement, ast.Expr) else None


def _column(text: str, offset: int | None) -> int:
    """Characters for a byte offset of `ast`; tabs and wide characters count as one."""
    return len(text.encode()[: offset or 0].decode(errors="ignore"))


def _operator(text: str, start: int, left: ast.expr, right: ast.expr) -> list[Mark]:
    left_end, right_start = _column(text, left.end_col_offset), _column(text, right.col_offset)
    gap = text[left_end:right_start]
    symbol = gap.strip(" \t()")
    if not symbol:
        return [Mark(start, start + len(text), "^")]
    at = start + left_end + gap.index(symbol)
    first, last = start + _column(text, left.col_offset), start + _column(text, right.end_col_offset)
    return [
        Mark(first, start + left_end, "~"),
        Mark(at, at + len(symbol), "^"),
        Mark(start + right_start, last, "~"),
    ]


def _name(text: str, start: int, function: ast.expr) -> Mark:
    """The last word of what is called: `view` of `x.view`."""
    end = _column(text, function.end_col_offset)
    begin = _column(text, function.col_offset)
    if isinstance(function, ast.Attribute):
        begin = end - len(function.attr)
    return Mark(start + begin, start + end, "^")
