"""Which earlier command did what: made a graph node, wrote a storage, freed a graph. Keeps no values alive."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import Any, NamedTuple

from .weak import WeakIds

REMEMBERED = 10_000


class Past(NamedTuple):
    """What is remembered of a command once it is over. `first_node` is the number its first graph node could have had."""

    number: int
    source: str
    filename: str
    line: int
    ok: bool
    first_node: int


class Trail:
    """The last REMEMBERED commands, and what observed ones wrote and freed."""

    def __init__(self) -> None:
        self.commands: deque[Past] = deque(maxlen=REMEMBERED)
        self._writes: WeakIds[list[tuple[int, int]]] = WeakIds()
        self._freed: WeakIds[int] = WeakIds()

    def note_write(self, storage: object, version: int, number: int) -> None:
        """Command `number` brought `storage` to `version`."""
        writes = self._writes.get(storage)
        if writes is None:
            writes = []
            self._writes.set(storage, writes)
        writes.append((version, number))
        del writes[:-REMEMBERED]

    def note_freed(self, node: object, number: int) -> None:
        """Command `number` freed the saved values of a graph node."""
        self._freed.set(node, number)

    def maker(self, node: Any) -> Past | None:
        """The command that made a graph node."""
        index = bisect_right(self.commands, node.seq, key=lambda past: past.first_node)
        return self.commands[index - 1] if index else None

    def writer(self, storage: object, after: int) -> Past | None:
        """The command that first wrote to `storage` when it was at version `after`."""
        for version, number in self._writes.get(storage) or ():
            if version > after:
                return self._command(number)
        return None

    def freer(self, node: object) -> Past | None:
        """The command that freed a graph node."""
        number = self._freed.get(node)
        return None if number is None else self._command(number)

    def _command(self, number: int) -> Past | None:
        return next((past for past in reversed(self.commands) if past.number == number), None)
