"""Which earlier command did what: made a graph node, wrote a storage, freed a graph. Keeps no values alive."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import Any, NamedTuple

from .weak import WeakIds

REMEMBERED = 10_000


class Past(NamedTuple):
    """What is remembered of a command once it is over.

    `first_node` is the number its first graph node could have had; `elapsed` is in seconds; `end` is the `;` that made
    its last line silent.
    """

    number: int
    source: str
    filename: str
    line: int
    ok: bool
    first_node: int
    elapsed: float = 0.0
    end: str = ""


class Aside(NamedTuple):
    """Variables that changed otherwise than by a command, before command `before`.

    With a `path` the names were read from that file, else they were forgotten.
    """

    before: int
    names: tuple[str, ...]
    path: str = ""


class Trail:
    """The last REMEMBERED commands, and what observed ones wrote and freed.

    `failed` is the command whose error is being told; it is not among `commands` yet.
    """

    def __init__(self) -> None:
        self.commands: deque[Past] = deque(maxlen=REMEMBERED)
        self.failed: Past | None = None
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
        number: int = node.seq
        if self.failed is not None and number >= self.failed.first_node:
            return self.failed
        index: int = bisect_right(self.commands, number, key=lambda past: past.first_node)
        return self.commands[index - 1] if index else None

    def writer(self, storage: object, after: int) -> tuple[Past, int] | None:
        """The observed command that first wrote to `storage` when it was at version `after`, and the version it left."""
        for version, number in self._writes.get(storage) or ():
            if version > after:
                past = self._command(number)
                return None if past is None else (past, version)
        return None

    def freer(self, node: object) -> Past | None:
        """The observed command that freed a graph node."""
        number = self._freed.get(node)
        return None if number is None else self._command(number)

    def since(self, past: Past | None) -> list[Past]:
        """The commands from `past` on, oldest first, the failed one last; all of them when it is None or forgotten."""
        found = [each for each in self.commands if past is None or each.number >= past.number]
        return found if self.failed is None else [*found, self.failed]

    def holding(self, filename: str, text: str, line: int) -> Past | None:
        """The newest command whose own text has line `line` of `filename`, which lies in the input `text`."""
        for past in reversed(self.since(None)):
            if past.filename == filename and 0 <= line - past.line <= past.source.count("\n") and past.source in text:
                return past
        return None

    def _command(self, number: int) -> Past | None:
        return next((past for past in reversed(self.commands) if past.number == number), None)
