"""Reading at a terminal that cannot move its cursor: one line at a time, no editing of our own."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ..lang.parse import is_complete


class PlainReader:
    """Prompts with `7> ` and `.. ` and reads lines until they are complete."""

    def __init__(self, number: Callable[[], int]) -> None:
        self._number = number

    def __call__(self) -> str:
        """One entry.

        Raises EOFError at the end of input.
        """
        entry = self._line(f"{self._number()}> ")
        while not is_complete(entry):
            entry += "\n" + self._line(".. ")
        return entry

    def _line(self, prompt: str) -> str:
        sys.stdout.write(prompt)
        sys.stdout.flush()
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            raise
        if not line:
            sys.stdout.write("\n")
            raise EOFError
        return line.rstrip("\r\n")
