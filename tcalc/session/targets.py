"""The names that a statement binds or writes into, read off its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def targets_of(statement: ast.stmt) -> list[str]:
    """The names that an assignment statement binds or writes into, each once, in order."""
    names: dict[str, None] = {}
    for target in assigned(statement):
        for part in unpacked(target):
            root = root_name(part)
            if root is not None:
                names[root] = None
    return list(names)


def assigned(statement: ast.stmt) -> list[ast.expr]:
    """The targets of an assignment as written, none for other statements."""
    if isinstance(statement, ast.Assign):
        return statement.targets
    if isinstance(statement, ast.AugAssign) or (isinstance(statement, ast.AnnAssign) and statement.value is not None):
        return [statement.target]
    return []


def unpacked(target: ast.expr) -> Iterator[ast.expr]:
    """The parts of a tuple target, however nested; else the target itself."""
    if isinstance(target, (ast.Tuple, ast.List)):
        for part in target.elts:
            yield from unpacked(part)
    elif isinstance(target, ast.Starred):
        yield from unpacked(target.value)
    else:
        yield target


def root_name(path: ast.expr) -> str | None:
    """The name that a path of attributes and indices starts from, None for any other expression."""
    while isinstance(path, (ast.Attribute, ast.Subscript)):
        path = path.value
    return path.id if isinstance(path, ast.Name) else None
