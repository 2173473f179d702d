"""The commands of a session that worked, in order, and the text of a file that runs them again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..lang.names import bound_in
from .reading import tree_of
from .trail import Aside, Past

if TYPE_CHECKING:
    from .session import Session


def worked(session: Session) -> Iterator[Past | Aside]:
    """The commands that succeeded, and what became of the variables between them."""
    asides = list(session.asides)
    for past in session.trail.commands:
        while asides and asides[0].before <= past.number:
            yield asides.pop(0)
        if past.ok:
            yield past
    yield from asides


def forgotten(session: Session) -> int:
    """How many of the first commands are no longer remembered."""
    commands = session.trail.commands
    return commands[0].number - 1 if commands else 0


def bound_by(statement: ast.stmt) -> frozenset[str]:
    """The variables that a statement may bind."""
    return frozenset() if isinstance(statement, ast.Delete) else bound_in([statement])


def unbound_by(statement: ast.stmt) -> frozenset[str]:
    """The variables that a `del` unbinds."""
    targets = statement.targets if isinstance(statement, ast.Delete) else []
    return frozenset(target.id for target in targets if isinstance(target, ast.Name))


class Bound:
    """The variables that the commands so far have bound, as far as their text tells."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def follow(self, statement: ast.stmt) -> None:
        """One more statement has run."""
        self.names |= bound_by(statement)
        self.names -= unbound_by(statement)

    def forget(self, aside: Aside) -> list[str]:
        """The variables that a `:reset` took away, sorted."""
        gone = sorted(self.names & set(aside.names))
        self.names.clear()
        return gone


def command_text(session: Session) -> str:
    """The source of a file that does what the session did.

    `:reset` becomes `del`, for a hidden library name is back after it; a loaded file becomes a comment.
    """
    lines: list[str] = []
    bound = Bound()
    for step in worked(session):
        if isinstance(step, Past):
            lines.append(step.source + step.end)
            tree = tree_of(step.source)
            for statement in tree.body if tree is not None else []:
                bound.follow(statement)
        elif step.path:
            lines.append(f"# needs  :load {', '.join(step.names)}={step.path}")
        elif gone := bound.forget(step):
            lines.append(f"del {', '.join(gone)}")
    return "".join(line + "\n" for line in lines)
