"""The interactive loop: reads one entry after the other, runs its statements, never ends by an error or Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ..lang.errors import Exit, LangError
from ..lang.parse import is_complete, parse, strip_prompts
from ..session.session import Session
from .commands import CommandError, Quit, parse_call, run_call
from .escape import safe_line
from .layout import sentence
from .output import prepare_streams
from .paint import paint
from .running import Running
from .settings import Settings
from .setup import SetupError, change_print_options, prepare_session
from .terminal import is_dumb, is_terminal
from .theme import Line, Segment, text
from .view import view_for

if TYPE_CHECKING:
    from ..lang.parse import Statement
    from ..session.record import Record
    from .view import View

LEAVE = frozenset(("exit", "quit", "exit()", "quit()"))
FAILED, USAGE = 1, 2
TYPED = "<input>"  # where statements come from that were typed here


_COMMAND_LINE = re.compile(r"^:[A-Za-z]", re.MULTILINE)
_QUESTION = re.compile(
    r"\?+ *(?P<before>[^?\n]*)|(?P<after>[^\W\d][\w.-]*) *\?+|help(?:\( *(?P<quote>['\"]?)(?P<argument>[\w.: -]*)(?P=quote) *\))?"
)


def _before_command(entry: str) -> str | None:
    """The lines before the first `:command` of an entry of several lines, None when there is no command in it."""
    for match in _COMMAND_LINE.finditer(entry):
        before = entry[: match.start()]
        if is_complete(before + "\n"):  # else it stands between brackets or in a text
            return before
    return None


def _asked(word: str) -> str | None:
    """The `:help` command that `?name`, `name?`, `help(name)` or `help` stand for, None for another entry."""
    match = _QUESTION.fullmatch(word)
    if match is None:
        return None
    name = (match["before"] or match["after"] or match["argument"] or "").strip()
    return f":help {name or '?' * word.startswith('?')}"


def _unindented(entry: str) -> str:
    """Without the blanks that all lines begin with: those of a paste, or the one that keeps an entry out of the history."""
    if not entry.startswith((" ", "\t")):
        return entry
    from textwrap import dedent

    return dedent(entry)


class EntryReader(Protocol):
    """Asks the user for one entry: a command, or one or more statements.

    Raises EOFError when the user leaves, KeyboardInterrupt on Ctrl-C.
    """

    def __call__(self) -> str: ...


class Repl:
    """A session with a screen."""

    def __init__(self, session: Session, view: View, settings: Settings | None = None) -> None:
        self.session, self.view = session, view
        self.settings = Settings() if settings is None else settings
        self.elapsed: float | None = None
        self.last_entry = ""
        self.remember: Callable[[str], None] = lambda entry: None

    def loop(self, read: EntryReader) -> int:
        """Read and run until the user leaves; the exit status."""
        while True:
            try:
                entry = read()
                self.view = view_for(self.settings, at_prompt=True)  # the window may have another size by now
                self.enter(entry)
            except KeyboardInterrupt:
                continue
            except (EOFError, Quit):
                return 0
            except Exit as exc:
                return exc.code

    def enter(self, entry: str) -> None:
        """Run one entry.

        Raises Quit or lang's Exit when it asks to leave.
        """
        entry = _unindented(strip_prompts(entry))
        word = entry.strip()
        if word in LEAVE:
            raise Quit
        if word.startswith(":") and "\n" not in word:
            self._command(word)
        elif (question := _asked(word)) is not None and "help" not in self.session.env.variables:
            self._command(question)
        elif word:
            self.last_entry = entry
            before = _before_command(entry)
            if before is None:
                self._statements(entry)
            elif not before.strip() or self._statements(before):
                left = sum(bool(line.strip()) for line in entry[len(before) :].splitlines()) - 1
                behind = f"; {left} more line{'s were' if left > 1 else ' was'} not run" if left else ""
                self.complain(f":commands are not run from a paste{behind}")

    def _command(self, word: str) -> None:
        try:
            lines = run_call(parse_call(word), self.session, self.view.screen, self)
            self.say(lines)
        except CommandError as error:
            self.complain(str(error))

    def _statements(self, entry: str) -> bool:
        """Run statements until one fails; whether none did."""
        try:
            statements = parse(entry)
        except LangError as exc:
            self.fail(self.session.unreadable(exc, entry), 0)
            return False
        return all(self.run_statement(each, len(statements) - index) for index, each in enumerate(statements, start=1))

    def run_statement(self, statement: Statement, left: int, filename: str = TYPED) -> bool:
        """Run one statement and show what came of it; whether it worked. `left` more of its source wait behind it."""
        self.view.heading = f"{self.session.number}> {statement.source}"
        with Running(self.view, f"... {self.session.number}> running") as running:
            record = self.session.run_statement(statement, running.emit, filename)
        self.elapsed = record.elapsed
        self.view.finish(record)
        if record.error is not None:
            self.fail(record, left)
        return record.error is None

    def apply(self, settings: Settings) -> None:
        """Let changed settings hold from now on."""
        change_print_options(self.settings, settings)
        self.settings = settings
        self.view = view_for(settings, at_prompt=True)

    def fail(self, record: Record, left: int) -> None:
        """Report an error, in which line of a file it was, and how many statements of the source were left."""
        if record.error is not None:
            self.view.fail(record.error)
        words = [] if record.filename == TYPED else [f"stopped at {safe_line(record.filename)}:{record.line}"]
        if left:
            words.append(f"{left} more statement{'s were' if left > 1 else ' was'} not run")
        if words:
            self.say([text("; ".join(words), "quiet")])
        if self.view.observes:
            self.say([[]])

    def say(self, lines: list[Line]) -> None:
        """Write lines to the screen."""
        paint(lines, self.view.screen, sys.stdout)

    def complain(self, message: str) -> None:
        """Write one line of error to stderr."""
        head = Segment("error", "error: ")
        paint(sentence([head], message, self.view.errors.width, len(head.text)), self.view.errors, sys.stderr)


def interact(settings: Settings, session: Session | None = None) -> int:
    """The interactive prompt, in `session` or a new one; the exit status."""
    if not reopen_terminal():
        print("tcalc: -i needs a terminal on stdin and stdout", file=sys.stderr)
        return USAGE
    prepare_streams(ascii_only=settings.ascii, quiet_pipe=False)
    view = view_for(settings, at_prompt=True)
    if session is None:
        session = Session()
        try:
            prepare_session(settings)
        except SetupError as exc:
            print(f"tcalc: {exc}", file=sys.stderr)
            return FAILED
    session.observe = view.observes
    session.show_assigned = view.observes or settings.all
    _leave_on_hangup()
    repl = Repl(session, view, settings)
    return repl.loop(_reader(settings, repl))


def _leave_on_hangup() -> None:
    """Let SIGTERM and SIGHUP end the loop from within, so that the editor puts the terminal back in order."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), leave)


def _reader(settings: Settings, repl: Repl) -> EntryReader:
    if is_dumb():
        from .plain_reader import PlainReader

        return PlainReader(lambda: repl.session.number)
    from .prompt import PromptReader

    reader = PromptReader(settings, repl)
    repl.remember = reader.prompt.history.append_string
    return reader


def reopen_terminal() -> bool:
    """Make stdin a terminal again after a script came through it; False when there is no terminal to go to."""
    if not is_terminal(sys.stdout):
        return False
    if is_terminal(sys.stdin):
        return True
    try:
        # not /dev/tty: kqueue cannot wait for that name
        handle = os.open(os.ttyname(sys.stdout.fileno()), os.O_RDWR)
        os.dup2(handle, 0)
        os.close(handle)
    except (OSError, AttributeError):
        return False
    sys.stdin = os.fdopen(0, encoding="utf-8", errors="replace", closefd=False)
    return True
