"""Text to statements: prompts stripped, lines gathered as they stream in, every parse failure one LangError."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from threading import RLock
from typing import Any, Literal

from tcalc.lang.errors import LangError, Span
from tcalc.lang.scan import Scanner

MAX_SOURCE = 1_000_000
KNOWN_LINES, KNOWN_WIDTH = 2_000, 200  # how many lines a reader remembers, in case they come again, and of how many characters
RECURSION_FOR_LONG_SUMS = 6_000

_PRIMARY = re.compile(r">>> ?|In \[\d+\]: ?")
_CONTINUED = re.compile(r"\.\.\.(?: |$)|\s*\.\.\.: ?")
_NUMBERED = re.compile(r"\d+> ")
_NUMBERED_CONTINUED = re.compile(r"\.\.(?: |$)")
_LINE_NUMBER = re.compile(r"(?<=\b(?:on|at) line )\d+")  # in CPython's messages
_BLOCK_WORD = re.compile(r"(?:if|for|while|with|def|try|class|async)\b|match\b(?=[^=]*:\s*(?:#.*)?$)|@")
_CLAUSE_WORD = re.compile(r"(?:else|elif|except|finally)\b")
_AFTER_DECORATOR = re.compile(r"(?:def|class|async)\b|@")


class Source:
    """The text that some statements came from; `first` is the number of its first line in the whole input."""

    def __init__(self, text: str, first: int = 1) -> None:
        # Python's parser counts these three as line ends, and no others
        self.text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
        self.first = first
        self.lines = self.text.split("\n")
        self._ascii = text.isascii()

    def column(self, line: int, byte_col: int) -> int:
        """The character column of a UTF-8 byte column, as CPython's positions count it; `line` counts from 1 here."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if text.isascii():
            return byte_col
        return len(text.encode("utf-8", "surrogatepass")[:byte_col].decode("utf-8", "ignore"))

    def span(self, line: int, col: int, end_line: int, end_col: int) -> Span:
        """A span of the whole input from CPython's position within this text."""
        shift = self.first - 1
        if self._ascii:
            return Span(line + shift, col, end_line + shift, end_col)
        return Span(line + shift, self.column(line, col), end_line + shift, self.column(end_line, end_col))

    def node_span(self, node: ast.AST) -> Span:
        """Where a node of this text stands."""
        line, col = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        end_line, end_col = getattr(node, "end_lineno", None), getattr(node, "end_col_offset", None)
        return self.span(line, col, end_line or line, col + 1 if end_col is None else end_col)


class Statement:
    """One top-level statement: exact text, place of its start, and whether its line ends in `;`.

    `quiet_lines` are the lines (counted within `origin`) that end in `;`: nothing on them is echoed. `end` is the `;` of
    its last line, where that is one of them and `source` does not have it. `again` says that it is all of its line, and that a line
    like it came before.
    """

    def __init__(self, source: str, place: Span, silent: bool, node: ast.stmt | None, origin: Source, index: int) -> None:
        self.source = source
        self.line = place.line
        self.col = place.col
        self.silent = silent
        self.origin = origin
        self.quiet_lines: frozenset[int] = frozenset()
        self.end = ""
        self.again = False
        self.compiled: list[Any] = []  # shared by all that repeat it, filled by whoever compiles it
        self._index = index
        self._node: ast.stmt | None = node

    def repeated(self, line: int) -> Statement:
        """The same once more, on line `line`."""
        place = Span(line, self.col, line, self.col + len(self.source))
        twin = Statement(self.source, place, self.silent, None, Source(self.origin.text, line), self._index)
        twin.quiet_lines, twin.end, twin.again, twin.compiled = self.quiet_lines, self.end, True, self.compiled
        return twin

    @property
    def node(self) -> ast.stmt:
        """The tree as parsed."""
        if self._node is None:
            self._node = _tree(self.origin).body[self._index]
        return self._node

    def take_node(self) -> ast.stmt:
        """The tree, to be changed by the caller; whoever asks for `node` later gets a fresh one."""
        node, self._node = self.node, None
        return node


_COMPILING = RLock()  # what is exchanged is the whole process's
_NO_WARNINGS = [("ignore", None, Warning, None, 0)]


class Compiling:
    """Around CPython's parser and compiler: room for the trees of sums with thousands of terms, which lean to the left without
    brackets, and no warnings.

    The filters are exchanged as `warnings.catch_warnings` does it, which takes a tenth of a short line: it copies them and has the
    interpreter forget whom it has warned before.
    """

    def __enter__(self) -> None:
        _COMPILING.acquire()
        self._before, self._filters = sys.getrecursionlimit(), warnings.filters
        warnings.filters = _NO_WARNINGS
        sys.setrecursionlimit(max(self._before, RECURSION_FOR_LONG_SUMS))

    def __exit__(self, *failure: Any) -> None:
        warnings.filters = self._filters
        sys.setrecursionlimit(self._before)
        _COMPILING.release()


def parse(text: str, line: int = 1) -> list[Statement]:
    """The statements of a text whose first line has number `line`; raises LangError, and nothing else."""
    origin = Source(text, line)
    if len(text) > MAX_SOURCE:
        message = f"source of {len(text)} characters; at most {MAX_SOURCE} are read at once"
        raise LangError(message, _line_span(origin, 1), "limit")
    scanner = Scanner(line)
    for each in origin.lines:
        scanner.feed(each)
    return _statements(origin, scanner.quiet_lines)


def _statements(origin: Source, quiet_lines: Iterable[int]) -> list[Statement]:
    """The statements of a text whose lines were scanned; `quiet_lines` are those that end in `;`, counted in the whole input."""
    quiet = frozenset(number - origin.first + 1 for number in quiet_lines)
    return [_statement(node, origin, quiet, index) for index, node in enumerate(_tree(origin).body)]


def _statement(node: ast.stmt, origin: Source, quiet: frozenset[int], index: int) -> Statement:
    start, end_line = node.lineno, node.end_lineno or node.lineno
    decorators = getattr(node, "decorator_list", None)
    if decorators:
        start = min([start, *(each.lineno for each in decorators)])
    place = origin.span(start, node.col_offset, end_line, node.end_col_offset or 0)
    if start == end_line:
        source = origin.lines[start - 1][place.col : place.end_col]
    else:
        inner = origin.lines[start : end_line - 1]
        first, last = origin.lines[start - 1][place.col :], origin.lines[end_line - 1][: place.end_col]
        source = "\n".join([first, *inner, last])
    silent = bool(quiet) and quiet.issuperset(range(start, end_line + 1))
    statement = Statement(source, place, silent, node, origin, index)
    statement.quiet_lines = quiet
    statement.end = ";" if end_line in quiet and not source.endswith(";") else ""
    return statement


def _tree(origin: Source) -> ast.Module:
    try:
        with Compiling():
            return ast.parse(origin.text)
    except SyntaxError as error:
        raise _from_syntax_error(error, origin) from None
    except (MemoryError, RecursionError):
        raise LangError("nested too deeply to read", _line_span(origin, 1), "limit") from None
    except UnicodeError:
        raise LangError("the text is not valid Unicode", _line_span(origin, 1)) from None
    except (ValueError, OverflowError) as error:
        raise LangError(_first_line(str(error)), _line_span(origin, 1)) from None


def _from_syntax_error(error: SyntaxError, origin: Source) -> LangError:
    # CPython counts these offsets from 1 and in characters; 0 or None stand for "unknown".
    line = min(max(error.lineno or 1, 1), len(origin.lines))
    width = len(origin.lines[line - 1])
    col = min(max((error.offset or 1) - 1, 0), width)
    indent = width - len(origin.lines[line - 1].lstrip())
    if isinstance(error, IndentationError) and col < indent < width:
        col = indent
    end_line = error.end_lineno or line
    end_col = (error.end_offset or 0) - 1
    if end_line < line or end_line > len(origin.lines) or (end_line == line and end_col <= col):
        end_line, end_col = line, col + 1
    shift = origin.first - 1
    message = _LINE_NUMBER.sub(lambda match: str(int(match.group()) + shift), _first_line(error.msg or "invalid syntax"))
    if "integer string conversion" in message:
        message = "a decimal literal of more than 4300 digits"
    return LangError(message, Span(line + shift, col, end_line + shift, end_col))


def _line_span(origin: Source, line: int) -> Span:
    width = len(origin.lines[line - 1])
    return Span(line + origin.first - 1, 0, line + origin.first - 1, max(1, min(width, 80)))


def _first_line(message: str) -> str:
    return message.split("\n", 1)[0]


def strip_prompts(text: str) -> str:
    """A pasted transcript without its prompts and outputs; other text comes back unchanged.

    Known are `>>> `/`... `, `In [3]: `/`   ...: ` and tcalc's own `7> `/`.. `. As in doctest, the lines of a transcript
    that carry no prompt are what the program printed, and are blanked (not removed, so line numbers stay).
    """
    lines = text.split("\n")
    first = next((line.lstrip() for line in lines if line.strip()), "")
    if _PRIMARY.match(first):
        return "\n".join(_strip_line(line, _PRIMARY, _CONTINUED) for line in lines)
    if _NUMBERED.match(first) and not _is_program(text):
        return "\n".join(_strip_line(line, _NUMBERED, _NUMBERED_CONTINUED) for line in lines)
    return text


def _strip_line(line: str, primary: re.Pattern[str], continued: re.Pattern[str]) -> str:
    bare = line.lstrip()
    if match := primary.match(bare):
        return bare[match.end() :]
    if match := continued.match(line) or continued.match(bare):
        return (line if continued.match(line) else bare)[match.end() :]
    return ""


def _is_program(text: str) -> bool:
    """Whether the text parses as it stands: `7> x` is also a comparison."""
    try:
        parse(text)
    except LangError:
        return False
    return True


class Reader:
    """Gathers lines into statements, each handed out as soon as it is known to be complete.

    A block ends at the first line that does not belong to it; in 'interactive' mode also at a blank line.
    Prompts of a pasted `>>> ` transcript are stripped. `feed` and `finish` raise LangError and are then ready for more.
    A line that is one statement is not parsed when it comes for the third time.
    """

    def __init__(self, mode: Literal["interactive", "file"] = "file", line: int = 1) -> None:
        self.mode = mode
        self._next = self._first = line
        self._scanner = Scanner(line)
        self._known: dict[str, Statement | None] = {}  # None for a line that came once: most do not come again
        self._forget()

    @property
    def needs_more(self) -> bool:
        """Whether lines are waiting for the rest of their statement."""
        return bool(self._lines)

    def feed(self, line: str) -> Iterator[Statement]:
        """Take one line, with or without its newline; yields the statements that it completed.

        A generator, so that a block which this line ended runs before an error in the line itself is raised.
        """
        line = self._stripped(line.rstrip("\n").rstrip("\r"))
        number, self._next = self._next, self._next + 1
        if self._lines and not self._scanner.open and self._ends_block(line):
            yield from self._take()
        if not self._lines:
            known = self._known.get(line)
            if known is not None:
                yield known.repeated(number)
                return
            if not line.strip():
                return
            self._start(line, number)
        self._append(line)
        if not self._scanner.open and not self._block:
            yield from self._take()

    def finish(self) -> Iterator[Statement]:
        """The text is over: yields the statements still waiting."""
        if self._lines:
            yield from self._take()

    def _forget(self) -> None:
        self._lines: list[str] = []
        self._size = 0
        self._block = ""

    def _start(self, line: str, number: int) -> None:
        self._first = number
        self._scanner = Scanner(number)
        match = _BLOCK_WORD.match(line)
        self._block = match.group() if match else ""

    def _append(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line) + 1
        try:
            if self._size > MAX_SOURCE:
                place = Span(self._first, 0, self._first, 1)
                raise LangError(f"a statement of more than {MAX_SOURCE} characters", place, "limit")
            self._scanner.feed(line)
        except LangError:
            self._forget()
            raise

    def _ends_block(self, line: str) -> bool:
        if not line.strip():
            return self.mode == "interactive"
        if line[0] in " \t" or line.lstrip().startswith("#"):
            return False
        if self._block == "@":
            match = _AFTER_DECORATOR.match(line)
            if match:
                self._block = match.group()
            return match is None
        return _CLAUSE_WORD.match(line) is None

    def _take(self) -> list[Statement]:
        text, scanner = "\n".join(self._lines), self._scanner
        one_line = len(self._lines) == 1
        self._forget()
        if "\r" in text:  # more lines than were scanned
            return parse(text, self._first)
        found = _statements(Source(text, self._first), scanner.quiet_lines)
        if one_line and len(found) == 1 and len(text) <= KNOWN_WIDTH:
            self._know(text, found[0])
        return found

    def _know(self, line: str, statement: Statement) -> None:
        statement.again = line in self._known
        if len(self._known) == KNOWN_LINES:
            self._known.clear()
        self._known[line] = statement if statement.again else None

    def _stripped(self, line: str) -> str:
        if not line or line[0] not in ">.I \t":
            return line
        if self._lines and (match := _CONTINUED.match(line)):
            return line[match.end() :]
        match = _PRIMARY.match(line)
        return line[match.end() :] if match else line


def is_complete(text: str) -> bool:
    """Whether Enter should run the text: nothing is open, and a block has its closing blank line.

    Text that can never be completed counts as complete, so that its error is shown.
    """
    reader = Reader("interactive")
    try:
        for line in text.split("\n"):
            for _ in reader.feed(line):
                pass
    except LangError:
        return True
    return not reader.needs_more
