"""What one command left behind, as plain data: results, printed text, changes, notes and the error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .delta import Delta
    from .errors import Error
    from .facts import Facts


class Printed(NamedTuple):
    """Text that `print` wrote, line ends included."""

    text: str


class Result(NamedTuple):
    """One value to show.

    `name` is the variable it was assigned to, None for a bare expression; `echo` is True for a bare expression;
    `repeated` says that the value was echoed from inside a loop; `parts` are the members of a short tuple or list of
    tensors, named by index. `facts` is None for a value that is no tensor and in sessions that do not observe.
    """

    name: str | None
    value: object
    echo: bool
    facts: Facts | None = None
    repeated: bool = False
    parts: tuple[Result, ...] = ()


class Note(NamedTuple):
    """A remark that is not an error. `ident` is what mutes it."""

    ident: str
    text: str
    details: tuple[str, ...] = ()


Item = Printed | Result
Emit = Callable[[Item], None]


class Record:
    """One statement that was run.

    `items` holds results and printed text in the order they came; it stays empty when the items were handed to an
    `emit` callback instead. `silent` says that the line ended in `;`. `elapsed` is in seconds, and so is `loading`, the part of it
    in which the engine was loaded.
    """

    __slots__ = ("delta", "elapsed", "error", "filename", "items", "line", "loading", "notes", "number", "silent", "source")

    def __init__(self, number: int, source: str, filename: str = "<input>", line: int = 1, silent: bool = False) -> None:
        self.number, self.source, self.filename, self.line, self.silent = number, source, filename, line, silent
        self.items: list[Item] = []
        self.delta: Delta | None = None
        self.notes: list[Note] = []
        self.error: Error | None = None
        self.elapsed = self.loading = 0.0

    @property
    def computing(self) -> float:
        """The seconds it took, without those in which the engine was loaded."""
        return self.elapsed - self.loading

    @property
    def results(self) -> list[Result]:
        """The values among the items."""
        return [item for item in self.items if isinstance(item, Result)]

    @property
    def output(self) -> str:
        """All printed text."""
        return "".join(item.text for item in self.items if isinstance(item, Printed))
