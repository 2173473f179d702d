"""The commands of the prompt that explain: graphs, memory, plans, traced backwards, statistics, times and devices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..lang.errors import LangError
from ..session.facts import gradient
from ..session.record import Printed
from ..session.tensors import is_tensor
from .commands import CommandError, variable
from .escape import safe_line
from .files import write_file
from .panel_view import PanelView
from .render_delta import note_lines
from .render_error import prompt_error
from .render_graph import dot_text, graph_lines
from .theme import Line, text

if TYPE_CHECKING:
    from ..engine.tensor import Tensor
    from ..session.session import Session
    from ..session.trace import Trace
    from .repl import Repl
    from .terminal import Screen
    from .view import View


def graph(session: Session, screen: Screen, argument: str) -> list[Line]:
    """`:graph NAME`, or `:graph NAME --dot FILE`."""
    from ..session.graph_tree import dot_of_graph, tree_of_graph
    from .file_commands import words_of

    words = words_of(argument)
    if "--dot" not in words:
        return graph_lines(tree_of_graph(_tensor(session, argument), argument, session.env.variables, session.trail), screen)
    place = words.index("--dot")
    names, files = words[:place], words[place + 1 :]
    if len(names) != 1 or len(files) != 1:
        raise CommandError(":graph takes NAME --dot FILE")
    dot = dot_of_graph(_tensor(session, names[0]), names[0], session.env.variables, session.trail)
    try:
        write_file(files[0], dot_text(dot))
    except OSError as exc:
        raise CommandError(f"{safe_line(files[0])}: {exc.strerror}") from None
    return [text(f"wrote {len(dot.nodes)} values and {len(dot.edges)} edges to {safe_line(files[0])}")]


def storage(session: Session, screen: Screen, argument: str) -> list[Line]:
    """`:storage NAME`."""
    from ..session.memory_map import memory_map
    from .render_storage import storage_lines

    found = memory_map(_tensor(session, argument), argument, session.env.variables, session.observer.storages)
    return storage_lines(found, screen)


def explain(session: Session, screen: Screen, argument: str) -> list[Line]:
    """`:explain EXPRESSION`."""
    from ..session.explain import Refused
    from ..session.explain import explain as plan
    from .render_explain import explain_lines

    try:
        return explain_lines(plan(argument, session), screen)
    except Refused as refused:
        raise CommandError(safe_line(str(refused))) from None
    except LangError as exc:
        raise CommandError(safe_line(exc.message)) from None


def trace(repl: Repl, argument: str) -> list[Line]:
    """`:trace STATEMENT`: runs it as a command of the session."""
    from ..lang.parse import parse
    from ..session.trace import trace as traced
    from .render_trace import trace_lines

    try:
        statements = parse(argument)
    except LangError as exc:
        raise CommandError(safe_line(exc.message)) from None
    session, view = repl.session, _panel(repl.view)
    screen = view.screen
    lines: list[Line] = []
    for statement in statements:
        view.heading = f"{session.number}> {statement.source}"
        found = traced(statement, session)
        lines += [text(line) for item in found.record.items if isinstance(item, Printed) for line in item.text.splitlines()]
        if found.steps or (found.record.error is None and len(statements) == 1):
            lines += trace_lines(found, screen)
        lines += _shown(found, view)
        if found.record.error is not None:
            return lines + prompt_error(found.record.error, screen.width)
    return lines


def _shown(found: Trace, view: PanelView) -> list[Line]:
    """The values a traced command gave, and what it changed apart from what its trace tells."""
    record = found.record
    lines = [line for result in record.results for line in view.result_lines(result, with_source=True)]
    if record.delta is not None and not record.silent:
        lines += view.delta_lines(replace(record.delta, grads=[], freed=[]) if found.steps else record.delta)
    if not record.silent:
        lines += note_lines(view.heard(record), view.screen.width)
    return lines


def _panel(view: View) -> PanelView:
    """The view of the prompt; another one that shows blocks and mutes the same notes where the prompt prints values only."""
    if isinstance(view, PanelView):
        return view
    panel = PanelView(view.screen, view.errors, at_prompt=True, debug=view.debug)
    panel.notes, panel.muted = view.notes, view.muted
    return panel


def stats(session: Session, screen: Screen, argument: str) -> list[Line]:
    """`:stats NAME`."""
    from ..session.distribution import distribution
    from .render_stats import stats_lines

    tensor = _tensor(session, argument)
    found = distribution(tensor)
    if found is None and tensor.dtype.is_complex:
        raise CommandError(f"complex numbers have no order: ask for {argument}.abs(), {argument}.real or {argument}.imag")
    if found is None:
        raise CommandError(f"{argument} is on meta and has no values")
    return stats_lines(found, tensor.dtype.name, tensor.dtype.is_floating_point, screen)


def time(session: Session, screen: Screen, argument: str) -> list[Line]:
    """`:time STATEMENT`: names that it binds are forgotten, in-place writes stay."""
    from ..session.errors import Error
    from ..session.timing import timing
    from .render_stats import timing_lines

    try:
        found = timing(argument, session)
    except LangError as exc:
        raise CommandError(safe_line(exc.message)) from None
    return prompt_error(found, screen.width) if isinstance(found, Error) else timing_lines(found, screen)


def device(session: Session, screen: Screen, argument: str) -> list[Line]:
    """`:device`."""
    from ..session.devices import devices
    from .render_stats import device_lines

    return device_lines(devices(), screen)


def _tensor(session: Session, name: str) -> Tensor:
    """The tensor behind a variable, a module's parameter, or `NAME.grad`.

    Raises CommandError.
    """
    owner = name.removesuffix(".grad")
    value = variable(session, owner)
    if not is_tensor(value):
        raise CommandError(f"{safe_line(owner)} is no tensor but a value of type {type(value).__name__}")
    if owner == name:
        return value
    grad = gradient(value)
    if grad is None:
        raise CommandError(f"{safe_line(name)} is None")
    return grad


COMMANDS = {"graph": graph, "storage": storage, "explain": explain, "stats": stats, "time": time, "device": device}
