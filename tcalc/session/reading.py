"""Reads the text of commands again, when an error is told: statements, calls and writes in it, and pieces of it replaced."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from .carets import position
from .targets import root_name

_WORD = re.compile(r"[^\W\d]\w*")
_LIBRARIES = frozenset(("torch", "np", "nn", "F", "math"))


@lru_cache(maxsize=512)
def tree_of(source: str) -> ast.Module | None:
    """The syntax tree of a command; None for what cannot be read. Not to be changed by the caller."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def words_of(source: str) -> set[str]:
    """Every word in a text, names among them."""
    return set(_WORD.findall(source))


def statements_of(source: str) -> list[ast.stmt]:
    """All statements of a command, those in blocks and functions too, in the order of the text."""
    tree = tree_of(source)
    found = [] if tree is None else [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def own_parts(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement without those of the statements inside it."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt))


def statement_at(source: str, line: int, column: int | None = None) -> ast.stmt | None:
    """The innermost statement on line `line` (1-based) of a command, at character `column` when it is given."""
    found = None
    for node in statements_of(source):
        if not node.lineno <= line <= (node.end_lineno or node.lineno):
            continue
        start, end = bounds(source, node)
        at = None if column is None else position(source, line, 0) + column
        if at is None or start <= at < max(end, start + 1):
            found = node
    return found


def bounds(source: str, node: ast.expr | ast.stmt) -> tuple[int, int]:
    """Where the text of a node starts and ends in the command."""
    return position(source, node.lineno, node.col_offset), position(source, node.end_lineno, node.end_col_offset)


def text_of(source: str, node: ast.expr | ast.stmt) -> str:
    """The text of a node as it was written."""
    start, end = bounds(source, node)
    return source[start:end]


_TIGHT = (ast.Constant, ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.List, ast.Tuple)


def bracketed(text: str, node: ast.expr, *, operator: bool = False) -> str:
    """An expression's text, in brackets where an attribute or an index may not follow it, or beside an `operator` where it would bind less."""
    number = isinstance(node, ast.Constant) and not isinstance(node.value, str)
    return text if isinstance(node, _TIGHT) and (operator or not number) else f"({text})"


def replaced(source: str, node: ast.expr | ast.stmt, text: str) -> str:
    """The command with the text of one node replaced; further lines get the node's indentation."""
    start, end = bounds(source, node)
    return source[:start] + text.replace("\n", "\n" + " " * node.col_offset) + source[end:]


def with_part(source: str, whole: ast.expr, part: ast.expr, text: str) -> str:
    """The text of an expression with that of a part of it replaced."""
    at, (start, end), inside = bounds(source, whole)[0], bounds(source, part), text_of(source, whole)
    return inside[: start - at] + text + inside[end - at :]


def first_line(text: str) -> str:
    """The first line of a text, `...` after it when there are more."""
    head, more, _ = text.partition("\n")
    return head.rstrip() + (" ..." if more else "")


def calls_in(nodes: Iterator[ast.AST] | Sequence[ast.AST]) -> Iterator[ast.Call]:
    """The calls among some nodes."""
    return (node for node in nodes if isinstance(node, ast.Call))


def last_word(function: ast.expr) -> str:
    """The last name of what is called: `backward` of `y.sum().backward`."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def of_library(function: ast.expr) -> bool:
    """Whether a called function is a namespace's (`torch.relu`, `nn.init.zeros_`), and not a tensor's method."""
    return isinstance(function, ast.Attribute) and root_name(function.value) in _LIBRARIES


def names_in(node: ast.AST) -> list[str]:
    """The names that a node loads, each once, in order of the text."""
    found = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    found.sort(key=lambda each: (each.lineno, each.col_offset))
    return list(dict.fromkeys(each.id for each in found))
