"""Watching a session: facts of each value, and the delta of each command."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from .delta import Comparer, Delta, snapshot
from .facts import Facts, Storages, facts_of
from .foresight import foreseen, left_behind
from .record import Note, Result
from .tensors import is_tensor
from .trail import Trail
from .writes import plan_of

MAX_PARTS = 8


class Observer:
    """Keeps what outlives one command: numbers of storages and counts of backwards."""

    def __init__(self, trail: Trail) -> None:
        self.storages = Storages()
        self.comparer = Comparer(self.storages, trail)

    def facts(
        self, value: object, variables: Mapping[str, object], name: str | None, *, fresh: bool = False
    ) -> Facts | None:
        """The facts of a tensor that is known as `name`, None for any other value; `fresh` when only since now."""
        return facts_of(value, variables, self.storages, name, fresh=fresh) if is_tensor(value) else None

    def watch(self, statement: ast.stmt, variables: Mapping[str, object]) -> Watch:
        """Begin to watch one statement, before it runs."""
        return Watch(self, statement, variables)


class Watch:
    """One statement under observation."""

    def __init__(self, observer: Observer, statement: ast.stmt, variables: Mapping[str, object]) -> None:
        self._observer, self._variables, self._statement = observer, variables, statement
        self._shown: list[object] = []
        self._plan = plan_of(statement, variables)
        self._before = snapshot(variables)
        self._loops = any(isinstance(node, (ast.For, ast.While)) for node in ast.walk(statement))
        whole = statement.value if isinstance(statement, ast.Expr) else None
        self._own_name = ast.unparse(whole) if isinstance(whole, (ast.Name, ast.Attribute)) else None

    def result(self, name: str | None, value: object, echo: bool) -> Result:
        """The Result for a value of the statement, with facts."""
        facts = self._facts(value, name or self._own_name)
        parts = self._parts(name or "", value, echo)
        self._shown += [value, *(part.value for part in parts)]
        return Result(name, value, echo, facts, self._loops, parts)

    def foreseen(self) -> list[Note]:
        """Notes on what the statement is about to do; none while there are no tensors."""
        return foreseen(self._statement, self._variables) if self._before else []

    def left_behind(self, delta: Delta) -> list[Note]:
        """Notes on what it left behind, now that it is over."""
        return left_behind(delta, {name: state.tensor for name, state in self._before.items()}, self._variables)

    def delta(self, number: int, *, failed: bool) -> Delta:
        """What the statement, command `number`, changed, now that it is over or has failed."""
        return self._observer.comparer.compare(
            self._before, self._variables, self._plan, self._shown, number, failed=failed
        )

    def _facts(self, value: object, name: str | None) -> Facts | None:
        old = self._before.get(name or "")
        fresh = old is None or old.tensor is not value
        return self._observer.facts(value, self._variables, name, fresh=fresh)

    def _parts(self, name: str, value: object, echo: bool) -> tuple[Result, ...]:
        """The members of a short tuple or list that holds tensors only."""
        if not isinstance(value, (tuple, list)) or not 0 < len(value) <= MAX_PARTS or not all(map(is_tensor, value)):
            return ()
        return tuple(
            Result(f"{name}[{index}]", part, echo, self._facts(part, None), self._loops)
            for index, part in enumerate(value)
        )
