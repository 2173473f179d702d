"""The texts that tcalc runs when not interactive: stdin, files and arguments, line by line."""

from __future__ import annotations

import sys
from collections import deque
from typing import BinaryIO

from ..lang.errors import LangError, Span

MAX_LINE = 1_000_000
STDIN = "<stdin>"  # what errors call it


class Lines:
    """A text read line by line; `name` is what errors call it."""

    name = "<input>"

    def read(self) -> str | None:
        """The next line without its end, None after the last.

        Raises LangError for bytes that are no text; reading can go on behind them.
        """
        raise NotImplementedError

    def outdented(self, line: str) -> str:
        """The line just read, as the start of a statement: without blanks that are no indentation."""
        return line

    def locate(self, line: int) -> tuple[str, int]:
        """What to call line `line`, and its number there."""
        return self.name, line


class StreamLines(Lines):
    """The lines of a byte stream as they arrive, UTF-8; `\\n`, `\\r\\n` and `\\r` end a line."""

    def __init__(self, name: str, stream: BinaryIO | None) -> None:
        self.name, self.stream = name, stream
        self._number = 0
        self._waiting: deque[bytes] = deque()
        self._rest = b""

    def read(self) -> str | None:
        """The next line as soon as it is there."""
        if not self._waiting and not self._fetch():
            if not self._rest:
                return None
            self._waiting.append(self._rest)
            self._rest = b""
        raw = self._waiting.popleft()
        self._number += 1
        if len(raw) > MAX_LINE:
            self.stream = None
            raise LangError(f"a line of more than {MAX_LINE} bytes", self._place(), "limit")
        try:
            return raw.decode("utf-8-sig" if self._number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise LangError(f"the line is not UTF-8 text (byte {error.start + 1})", self._place()) from None

    def _place(self) -> Span:
        return Span(self._number, 0, self._number, 1)

    def _fetch(self) -> bool:
        """Wait for the next bytes up to a newline; False at the end."""
        raw = self.stream.readline(MAX_LINE + 2) if self.stream is not None else b""
        if not raw:
            return False
        lines = (self._rest + raw).removesuffix(b"\n").removesuffix(b"\r").split(b"\r")
        # a text without newlines comes in pieces: the last line of a piece goes on in the next
        cut = len(raw) == MAX_LINE + 2 and not raw.endswith((b"\n", b"\r")) and len(lines) > 1
        self._rest = lines.pop() if cut else b""
        self._waiting.extend(lines)
        return True


def with_newlines(text: str) -> str:
    """`text` with every line end written as a newline."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class ArgumentLines(Lines):
    """The expressions of the command line, each one line of source (or more, when it holds line ends).

    Blanks before an expression are no indentation, unless it goes on with a block.
    """

    name = "<arguments>"

    def __init__(self, arguments: tuple[str, ...]) -> None:
        self._arguments = tuple(with_newlines(argument) for argument in arguments)
        lines = [list(enumerate(argument.split("\n"))) for argument in self._arguments]
        self._lines = iter([line for argument in lines for line in argument])
        self._is_first = False

    def read(self) -> str | None:
        """The next line of the arguments."""
        index, line = next(self._lines, (1, None))
        self._is_first = index == 0
        return line

    def outdented(self, line: str) -> str:
        """The first line of an argument without its blanks."""
        return line.lstrip(" \t") if self._is_first else line

    def locate(self, line: int) -> tuple[str, int]:
        """`<argument 2>` and the line within it."""
        for position, argument in enumerate(self._arguments, start=1):
            count = argument.count("\n") + 1
            if line <= count:
                return f"<argument {position}>", line
            line -= count
        return self.name, line


def standard_input() -> StreamLines:
    """stdin as a script; a closed one is empty."""
    return StreamLines(STDIN, None if sys.stdin is None else sys.stdin.buffer)
