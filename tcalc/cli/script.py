"""Running without a prompt: sources in, results out statement by statement, errors on stderr, the exit status."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from ..lang.errors import Exit, LangError
from ..lang.parse import Reader
from ..session.session import Session
from .escape import safe_line
from .limits import TIMED_OUT, TimeUp, bounded_time, out_of_time
from .output import OutputRefused, prepare_streams
from .running import Running
from .setup import SetupError, prepare_session
from .sources import STDIN, ArgumentLines, Lines, StreamLines, standard_input
from .terminal import is_terminal
from .trouble import FileTrouble, UsageTrouble
from .view import View, view_for

if TYPE_CHECKING:
    from ..lang.parse import Statement
    from ..session.record import Record
    from .settings import Settings

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def run_script(settings: Settings) -> int:
    """Run the files and expressions of the command line, or stdin when there are none; then the prompt with `-i`.

    Returns the exit status.
    """
    prepare_streams(ascii_only=settings.ascii, quiet_pipe=True)
    if settings.torch:
        from .torch_script import print_torch

        return print_torch(settings)
    view = view_for(settings)
    session = Session(observe=view.observes, show_assigned=settings.all)
    with ExitStack() as stack:
        try:
            sources = list(open_sources(settings, stack))
            _check(settings, view)
            prepare_session(settings)
        except UsageTrouble as trouble:
            return refused(trouble)
        except SetupError as exc:
            print(f"tcalc: {exc}", file=sys.stderr)
            return FAILED
        try:
            if settings.load:
                from .inputs import bind_inputs

                bind_inputs(settings, session, view)
            with bounded_time(settings.max_seconds):
                status = Script(session, view, keep_going=settings.keep_going).run(sources)
        except TimeUp:
            print(out_of_time(settings.max_seconds or 0), file=sys.stderr)
            return TIMED_OUT
        except FileTrouble as trouble:
            print(f"tcalc: {trouble}", file=sys.stderr)
            return USAGE
    if status == 0 or (settings.keep_going and status == FAILED):
        status = _conclude(settings, session, view) or status
    if settings.interactive and status != INTERRUPTED:
        from .repl import interact

        return interact(settings, session)
    return status


def refused(trouble: UsageTrouble) -> int:
    """Say why the command line cannot be followed, as click does; the exit status."""
    print(f"Error: {trouble}", file=sys.stderr)
    return USAGE


def _check(settings: Settings, view: View) -> None:
    """Raise UsageTrouble for what could only fail at the end."""
    if settings.format == "npy" and is_terminal(sys.stdout):
        raise UsageTrouble("npy is binary and stdout is a terminal: redirect it, or write -o FILE.npy")
    if settings.output is not None:
        from .outcome import check_target

        try:
            check_target(settings.output)
        except FileTrouble as trouble:
            raise UsageTrouble(str(trouble)) from None


def _conclude(settings: Settings, session: Session, view: View) -> int:
    """Write the last value and test it, as far as that was asked for; the exit status."""
    try:
        view.close()
        if settings.output is not None:
            from .outcome import write_value

            with Running(view, f"... writing {safe_line(settings.output)}", beside_pipe=True):
                write_value(session.env.last, settings.output)
        if settings.test:
            from .outcome import truth

            return 0 if truth(session.env.last) else FAILED
    except OutputRefused as refusal:
        print(f"tcalc: {refusal.reason}", file=sys.stderr)
        return FAILED
    except FileTrouble as trouble:
        print(f"tcalc: {trouble}", file=sys.stderr)
        return FAILED
    return 0


def open_sources(settings: Settings, stack: ExitStack) -> Iterator[Lines]:
    """The texts to run, in order. Raises UsageTrouble for a file that cannot be read, and for two uses of stdin."""
    data = sum(binding.partition("=")[2] == "-" for binding in settings.load)
    stays = settings.interactive and (data > 0 or is_terminal(sys.stdin))
    nothing = not (settings.expressions or settings.file or stays)
    if data and data + nothing + (settings.expressions == ("-",)) + settings.file.count("-") > 1:
        raise UsageTrouble(f"{STDIN} can be read once: as a script (-f -, - or no argument at all) or as data (-l NAME=-)")
    for path in settings.file:
        yield standard_input() if path == "-" else _open(path, stack)
    if "-" in settings.expressions[1:] or settings.expressions[:1] == ("-",) != settings.expressions:
        raise UsageTrouble("- stands for stdin when it is alone; before expressions it is -f -")
    if settings.expressions == ("-",):
        yield standard_input()
    elif settings.expressions:
        yield ArgumentLines(settings.expressions)
    elif nothing:
        yield standard_input()


def _open(path: str, stack: ExitStack) -> Lines:
    try:
        return StreamLines(path, stack.enter_context(open(path, "rb")))
    except OSError as error:
        raise UsageTrouble(f"Invalid value for '-f' / '--file': {path!r}: {error.strerror}.") from None


class Unreadable(NamedTuple):
    """Lines that are not in the language; `first` is the number of the first."""

    error: LangError
    text: str
    first: int


def statements_of(source: Lines) -> Iterator[Statement | Unreadable]:
    """The statements of a source as soon as its lines complete them, with what cannot be read in between."""
    reader = Reader("file")
    waiting: list[str] = []
    number = 0
    while True:
        try:
            line = source.read()
        except LangError as error:
            yield Unreadable(error, "", number + 1)
            line = ""
        number += line is not None
        try:
            if line is None:
                yield from reader.finish()
                return
            if not reader.needs_more:
                line = source.outdented(line)
            waiting.append(line)
            yield from reader.feed(line)
        except LangError as error:
            yield Unreadable(error, "\n".join(waiting), number - len(waiting) + 1)
            if line is None:
                return
        if not reader.needs_more:
            waiting.clear()


class Script:
    """Runs sources in a session until something fails."""

    def __init__(self, session: Session, view: View, *, keep_going: bool) -> None:
        self.session, self.view, self.keep_going = session, view, keep_going
        self.failed = False

    def run(self, sources: Iterable[Lines]) -> int:
        """Run the sources one after the other; the exit status."""
        try:
            for source in sources:
                status = self._run_source(source)
                if status is not None:
                    return status
        except Exit as exc:
            return exc.code
        return FAILED if self.failed else 0

    def _run_source(self, source: Lines) -> int | None:
        """Run one source; the exit status when it is time to stop."""
        self.view.add_source(source)
        for statement in statements_of(source):
            if isinstance(statement, Unreadable):
                record = self.session.unreadable(statement.error, statement.text, statement.first, source.name)
            else:
                self.view.heading = statement.source
                try:
                    with Running(self.view) as running:
                        record = self.session.run_statement(statement, running.emit, source.name)
                except OutputRefused as refusal:
                    self.view.refuse(refusal.reason, source.name, statement.line)
                    self.failed = True
                    if self.keep_going:
                        continue
                    return FAILED
                self.view.finish(record)
            status = self._judge(record)
            if status is not None:
                return status
        return None

    def _judge(self, record: Record) -> int | None:
        """Report the error of a record, if any; the exit status when it ends the run."""
        if record.error is None:
            return None
        self.view.fail(record.error)
        self.failed = True
        if record.error.kind == "interrupt":
            return INTERRUPTED
        return None if self.keep_going else FAILED
