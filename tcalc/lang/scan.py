"""A line scanner that knows strings, brackets and comments: whether a statement is still open, and how deep it nests."""

from __future__ import annotations

import re

from tcalc.lang.errors import LangError, Span

MAX_BRACKETS = 100
MAX_PREFIXES = 50

_STOP = re.compile(r"""["'#()\[\]{}\\;]""")
_PREFIXES = re.compile(rf"[-+~](?:\s*[-+~]){{{MAX_PREFIXES},}}|\bnot(?:\s+not\b){{{MAX_PREFIXES},}}")
STRING_END = {
    '"': re.compile(r'(?:[^"\\]|\\.)*(")?'),
    "'": re.compile(r"(?:[^'\\]|\\.)*(')?"),
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*(""")?'),
    "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*(''')?"),
}
_QUIET_END = re.compile(r";\s*(?:#|$)")


class Scanner:
    """Reads lines one by one; `open` is true while brackets, a string or a backslash ask for another line.

    `quiet_lines` collects the numbers of all lines of logical lines that end in `;` (a comment may follow).
    """

    def __init__(self, line: int = 1) -> None:
        self.quiet_lines: set[int] = set()
        self._line = line
        self._logical_start = line
        self._depth = 0
        self._quote = ""
        self._joined = False

    @property
    def open(self) -> bool:
        """Whether the logical line goes on."""
        return bool(self._depth or self._quote or self._joined)

    def feed(self, text: str) -> None:
        """Scan one line (no newline); raises LangError for nesting that no honest program has."""
        if not self.open:
            self._logical_start = self._line
        self._joined = False
        position = self._end_of_string(text, 0) if self._quote else 0
        quiet = False
        while match := _STOP.search(text, position):
            start, mark = match.start(), match.group()
            self._check_prefixes(text, position, start)
            position = start + 1
            if mark in "([{":
                self._depth += 1
                if self._depth > MAX_BRACKETS:
                    self._refuse(f"brackets nested more than {MAX_BRACKETS} deep", start)
            elif mark in ")]}":
                self._depth = max(0, self._depth - 1)
            elif mark in "\"'":
                self._quote = mark * 3 if text.startswith(mark * 3, start) else mark
                position = self._end_of_string(text, start + len(self._quote))
            elif mark == "#":
                break
            elif mark == ";":
                quiet = not self._depth and _QUIET_END.match(text, start) is not None
            elif position == len(text):
                self._joined = True
        else:
            self._check_prefixes(text, position, len(text))
        if quiet and not self.open:
            self.quiet_lines.update(range(self._logical_start, self._line + 1))
        self._line += 1

    def _check_prefixes(self, text: str, start: int, end: int) -> None:
        if end - start > MAX_PREFIXES and (match := _PREFIXES.search(text, start, end)):
            self._refuse(f"more than {MAX_PREFIXES} signs in a row", match.start())

    def _end_of_string(self, text: str, position: int) -> int:
        """Where the string that is open at `position` ends in this line, or the line's end if it goes on."""
        match = STRING_END[self._quote].match(text, position)
        end = match.end() if match else position
        if match and match.group(1):
            self._quote = ""
            return end
        # A one-line string goes on only over a final backslash; without one it is an error that the parser reports.
        if len(self._quote) == 1 and not text.endswith("\\"):
            self._quote = ""
        return len(text)

    def _refuse(self, message: str, col: int) -> None:
        raise LangError(message, Span(self._line, col, self._line, col + 1), "limit")
