"""A session: variables, numbered commands, and for each command a Record of what it showed and changed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from ..budget import keep_reserve, spend_reserve
from ..lang.compile import compile_statement
from ..lang.errors import LangError, Span
from ..lang.parse import parse
from ..lang.places import spots
from ..lang.run import Environment
from .notes import heard, notes_of
from .record import Emit, Note, Printed, Record, Result
from .targets import targets_of
from .trail import Aside, Past, Trail

if TYPE_CHECKING:
    from ..lang.parse import Statement
    from .errors import Error
    from .facts import Facts
    from .observe import Observer, Watch


class Session:
    """Runs statements one after the other in one environment.

    `observe` asks for facts and deltas; without it a command costs what the language costs. `show_assigned` asks
    for the assigned values as results too.
    """

    def __init__(self, *, observe: bool = False, show_assigned: bool = False) -> None:
        self.env = Environment()
        self.number = 1
        self.observe = observe
        self.show_assigned = show_assigned
        self.trail = Trail()
        self.asides: list[Aside] = []
        self._observer: Observer | None = None
        keep_reserve()
        heard()  # what was noticed before is no command's of this session

    @property
    def records(self) -> Sequence[Past]:
        """What is remembered of earlier commands, oldest first."""
        return self.trail.commands

    @property
    def observer(self) -> Observer:
        """What makes facts and deltas; loaded when first asked for."""
        if self._observer is None:
            from .observe import Observer

            self._observer = Observer(self.trail)
        return self._observer

    def run(self, source: str, line: int = 1, filename: str = "<input>", emit: Emit | None = None) -> list[Record]:
        """Run the statements of `source` until one fails; `line` is the number of its first line.

        Source that cannot be read gives one Record with the error.
        """
        try:
            statements = parse(source, line)
        except LangError as exc:
            return [self.unreadable(exc, source, line, filename)]
        records = []
        for statement in statements:
            record = self.run_statement(statement, emit, filename)
            records.append(record)
            if record.error is not None:
                break
        return records

    def unreadable(self, exc: LangError, source: str, line: int = 1, filename: str = "<input>") -> Record:
        """The Record of source that is not in the language: nothing of it was run."""
        from .errors import Place, error_of

        record = Record(self._take_number(), source, filename, line)
        record.error = error_of(exc, Place(filename, source, line), exc.span, self.env.variables, self.trail)
        self._remember(record, _next_node())
        return record

    def run_statement(self, statement: Statement, emit: Emit | None = None, filename: str = "<input>") -> Record:
        """Run one statement. What it shows goes to `emit` as it comes, or else into the Record.

        Exceptions of the statement, Ctrl-C included, become `record.error`; only lang's Exit passes through.
        """
        record = Record(self._take_number(), statement.source, filename, statement.line, statement.silent)
        first_node = _next_node()
        run = _Run(self, record, statement, emit or record.items.append, first_node)
        try:
            run.execute()
        finally:
            run.measure()
            self._remember(record, first_node, statement.end)
        return record

    def facts(self, value: object, name: str | None = None) -> Facts | None:
        """The facts of a tensor, None for any other value."""
        return self.observer.facts(value, self.env.variables, name)

    def reset(self) -> None:
        """Forget all variables; numbers of commands and storages go on."""
        self.asides.append(Aside(self.number, tuple(self.env.variables)))
        self.env = Environment()

    def bind(self, values: Mapping[str, object], path: str) -> None:
        """Give names to values that were read from the file `path`."""
        self.asides.append(Aside(self.number, tuple(values), path))
        self.env.variables.update(values)

    def _take_number(self) -> int:
        self.number += 1
        return self.number - 1

    def _remember(self, record: Record, first_node: int, end: str = "") -> None:
        ok = record.error is None
        past = Past(record.number, record.source, record.filename, record.line, ok, first_node, record.computing, end)
        self.trail.commands.append(past)


def loading() -> float:
    """The seconds that loading the engine took, 0 while it is not loaded."""
    ready = getattr(sys.modules.get("tcalc.engine.namespace"), "ready", None)
    return 0.0 if ready is None else ready - sys.modules["tcalc.engine"].began


def settle(raises: bool = True) -> None:
    """Raise here what is wrong with values on a GPU and would be told when the host next waits for it; or, after another error, drop it."""
    backend = sys.modules.get("tcalc.engine.backend")
    if backend is not None and backend.insisted:
        backend.settle(raises)


class _Run:
    """One statement on its way."""

    def __init__(self, session: Session, record: Record, statement: Statement, emit: Emit, first_node: int) -> None:
        self.session, self.record, self.statement, self.emit = session, record, statement, emit
        self.first_node, self.loaded, self.start = first_node, loading(), perf_counter()
        self.watch: Watch | None = None
        self.ran = False  # to its end: what fails now, no part of it is to blame for more than another

    def measure(self) -> None:
        """How long it has taken by now."""
        self.record.elapsed = perf_counter() - self.start
        if not self.loaded:
            self.record.loading = loading()

    def execute(self) -> None:
        """Run it, fill in the record."""
        session, record = self.session, self.record
        ahead: list[Note] = []
        if session.observe:
            self.watch = session.observer.watch(self.statement.node, session.env.variables)
            ahead = self.watch.foreseen()
        targets = targets_of(self.statement.node) if session.show_assigned and not record.silent else []
        try:
            code = compile_statement(self.statement, record.filename)
            session.env.run(code, self._echo, self._print)
            self.ran = True
            settle()
            self._show_assigned(targets)
        except (Exception, KeyboardInterrupt) as exc:
            settle(raises=False)
            if isinstance(exc, MemoryError):
                spend_reserve()
            self.measure()
            record.error = self._error(exc)
        notices = heard()
        if notices:
            record.notes += notes_of(notices, self.statement.node, session.env.variables)
        if self.watch is not None:
            record.delta = self.watch.delta(record.number, failed=record.error is not None)
            if record.error is None:
                record.notes += [*ahead, *self.watch.left_behind(record.delta)]

    def _error(self, exc: BaseException) -> Error:
        trail, record = self.session.trail, self.record
        trail.failed = Past(record.number, record.source, record.filename, record.line, False, self.first_node, record.computing)
        try:
            return self._told(exc)
        finally:
            trail.failed = None

    def _told(self, exc: BaseException) -> Error:
        from .errors import Place, error_of

        session, found = self.session, spots(exc)
        if not found:
            origin = self.statement.origin
            span = exc.span if isinstance(exc, LangError) else self._whole() if self.ran else None
            place = Place(self.record.filename, origin.text, origin.first)
            return error_of(exc, place, span, session.env.variables, session.trail)
        inner = found[0]
        place = Place(inner.filename, inner.source.text, inner.source.first)
        return error_of(exc, place, inner.span, inner.names, session.trail, found[1:], session.env.variables)

    def _whole(self) -> Span:
        lines, statement = self.statement.source.split("\n"), self.statement
        end = len(lines[-1]) + (statement.col if len(lines) == 1 else 0)
        return Span(statement.line, statement.col, statement.line + len(lines) - 1, end)

    def _echo(self, value: object) -> None:
        if value is None:
            return
        self.session.env.last = value
        if not self.record.silent:
            self._show(None, value)

    def _print(self, text: str) -> None:
        self.emit(Printed(text))

    def _show_assigned(self, targets: list[str]) -> None:
        variables = self.session.env.variables
        for name in targets:
            if name in variables:
                self._show(name, variables[name])

    def _show(self, name: str | None, value: object) -> None:
        echo = name is None
        self.emit(self.watch.result(name, value, echo) if self.watch is not None else Result(name, value, echo))


def _next_node() -> int:
    """The sequence number the next graph node will get; 0 while no engine is loaded."""
    module = sys.modules.get("tcalc.engine.graph")
    return int(module.next_seq()) if module is not None else 0
