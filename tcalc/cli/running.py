"""The one line that says that a command is still at work; it goes away when there is something else to see."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .output import write

if TYPE_CHECKING:
    from threading import Timer

    from ..session.record import Emit, Item
    from .view import View

DELAY = 1.0  # seconds; what is over sooner needs no word
ECHO = 2  # columns of the ^C that the terminal may have put behind the line


class Running:
    """Watches over what `text` says on a terminal: after DELAY its line is written to stderr, and wiped before any output.

    With `beside_pipe` also when stdout is no terminal, for what writes nothing there meanwhile.
    """

    def __init__(self, view: View, text: str = "... running", *, beside_pipe: bool = False) -> None:
        self._text = f"{text}, Ctrl-C stops"[: max(view.errors.width - ECHO - 1, 0)]
        self._shown = self._over = False
        self._show_item = view.show
        self._timer: Timer | None = None
        if view.errors.tty and (view.screen.tty or beside_pipe):
            from threading import Lock, Timer

            self._lock, self._timer = Lock(), Timer(DELAY, self._show)

    def __enter__(self) -> Self:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._clear()

    @property
    def emit(self) -> Emit:
        """What shows the items of the command."""
        return self._show_item if self._timer is None else self._emit

    def _emit(self, item: Item) -> None:
        self._clear()
        self._show_item(item)

    def _show(self) -> None:
        with self._lock:
            if not self._over:
                write((self._text,), sys.stderr)
                self._shown = True

    def _clear(self) -> None:
        """Wipe the line, if it is there, with blanks: every terminal can do that. It does not come back."""
        if self._timer is None or self._over:
            return
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._shown:
                write(("\r" + " " * (len(self._text) + ECHO) + "\r",), sys.stderr)
