"""Running without a prompt: sources in, results out statement by statement, errors on stderr, the exit status."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import click

from ..lang.errors import Exit, LangError
from ..lang.parse import Reader
from ..session.session import Session
from .output import prepare_streams
from .running import Running
from .setup import SetupError, prepare_session
from .sources import ArgumentLines, Lines, StreamLines, standard_input
from .view import View, view_for

if TYPE_CHECKING:
    from ..lang.parse import Statement
    from ..session.record import Record
    from .options import Settings

FAILED, INTERRUPTED = 1, 130


def run_script(settings: Settings) -> int:
    """Run the files and expressions of the command line, or stdin when there are none; then the prompt with `-i`.

    Returns the exit status.
    """
    prepare_streams(ascii_only=settings.ascii, quiet_pipe=True)
    view = view_for(settings)
    session = Session(observe=view.observes, show_assigned=settings.all)
    with ExitStack() as stack:
        try:
            sources = list(_sources(settings, stack))
            prepare_session(settings)
        except click.ClickException as exc:
            exc.show()
            return exc.exit_code
        except SetupError as exc:
            print(f"tcalc: {exc}", file=sys.stderr)
            return FAILED
        status = Script(session, view, keep_going=settings.keep_going).run(sources)
    if settings.interactive and status != INTERRUPTED:
        from .repl import interact

        return interact(settings, session)
    return status


def _sources(settings: Settings, stack: ExitStack) -> Iterator[Lines]:
    """The texts to run, in order. Raises click's usage error for a file that cannot be read."""
    for path in settings.file:
        yield standard_input() if path == "-" else _open(path, stack)
    if "-" in settings.expressions[1:] or settings.expressions[:1] == ("-",) != settings.expressions:
        raise click.UsageError("- stands for stdin when it is alone; before expressions it is -f -")
    if settings.expressions == ("-",):
        yield standard_input()
    elif settings.expressions:
        yield ArgumentLines(settings.expressions)
    elif not settings.file:
        yield standard_input()


def _open(path: str, stack: ExitStack) -> Lines:
    try:
        return StreamLines(path, stack.enter_context(open(path, "rb")))
    except OSError as error:
        raise click.BadParameter(f"{path!r}: {error.strerror}.", param_hint="'-f' / '--file'") from None


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
                with Running(self.view) as running:
                    record = self.session.run_statement(statement, running.emit, source.name)
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
