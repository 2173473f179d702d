"""Tables of variables and the long form of one tensor's facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..session.facts import Facts, Statistics
from ..session.tensors import is_tensor, named_tensors
from .escape import safe_line
from .layout import cells, cut, flow, sentence, size_text
from .render_facts import range_text
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from ..engine.tensor import Tensor
    from ..session.session import Session
    from .terminal import Screen

_HEAD = ("name", "dtype", "shape", "stride", "device", "leaf", "grad", "storage")
MAX_VALUE = 40


def vars_lines(session: Session, screen: Screen) -> list[Line]:
    """Tensors as a table, one row each, then the other variables with their values."""
    tensors = dict(named_tensors(session.env.variables))
    names = list(tensors)
    rows = [_row(session, name, tensor, names[:index]) for index, (name, tensor) in enumerate(tensors.items())]
    others = [(name, value) for name, value in session.env.variables.items() if name != "_" and not is_tensor(value)]
    if not rows and not others:
        return [text("no variables yet")]
    lines = []
    if rows and screen.plain:
        lines = [text(", ".join(f"{head}: {cell}" for head, cell in zip(_HEAD, row, strict=True))) for row in rows]
    elif rows:
        lines = _table([_HEAD, *rows])
        if max(cells("".join(segment.text for segment in line)) for line in lines) > screen.width:
            lines = [line for row in rows for line in _stacked(row, screen.width)]
    pad = max(cells(name) for name in [*(row[0] for row in rows), *(name for name, _ in others), _HEAD[0]])
    for name, value in others:
        kind = type(value).__name__
        lines.append([Segment("name", name.ljust(pad)), Segment("text", f"  {kind}  {_short(value)}".rstrip())])
    return lines


def info_lines(facts: Facts, statistics: Statistics | None, screen: Screen) -> list[Line]:
    """Every fact of a tensor, one a line, longer ones wrapped under their beginning."""
    pairs = [
        ("dtype", f"{facts.dtype}, {facts.itemsize} bytes each"),
        ("shape", str(facts.shape)),
        ("stride", str(facts.stride)),
        ("offset", str(facts.offset)),
        ("device", facts.device),
        ("contiguous", "yes" if facts.contiguous else "NOT contiguous"),
        ("values", f"{facts.numel}, {size_text(facts.nbytes)}"),
        ("storage", f"#{facts.storage}, {size_text(facts.storage_nbytes)}, version {facts.version}"),
        ("shared with", ", ".join(facts.shared_with) or "no other name"),
        ("same tensor", ", ".join(facts.same_as) or "no other name"),
        ("view", "yes" if facts.is_view else "no"),
        ("leaf", "yes" if facts.is_leaf else "no"),
        ("requires_grad", str(facts.requires_grad)),
        ("grad_fn", facts.grad_fn or "None"),
        ("grad", f"{facts.grad.dtype} {facts.grad.shape}" if facts.grad else "None"),
        ("grad kept", "yes" if facts.grad_kept else "no: not a leaf (retain_grad() keeps it)"),
    ]
    if statistics is not None and facts.numel:
        pairs.append(("range", range_text(statistics, facts.floating) or "no finite values"))
        pairs.append(("nan, inf", f"{statistics.nan}, {statistics.inf}"))
    width = max(len(label) for label, _ in pairs) + 2
    if screen.plain:
        return [text(f"{label}: {content}") for label, content in pairs]
    return [line for label, content in pairs for line in sentence([Segment("usual", label.ljust(width))], content, screen.width, width)]


def _row(session: Session, name: str, tensor: Tensor, above: Sequence[str]) -> tuple[str, ...]:
    facts = session.facts(tensor, name)
    assert facts is not None
    leaf, grad = "yes" if facts.is_leaf else "no", str(facts.grad.shape) if facts.grad else "-"
    return name, facts.dtype, str(facts.shape), str(facts.stride), facts.device, leaf, grad, _storage(facts, above)


def _storage(facts: Facts, above: Sequence[str]) -> str:
    """The storage's number, and its size or the name further up in the table that it is shared with."""
    same = [name for name in facts.same_as if name in above]
    if same:
        return f"#{facts.storage}  same as {same[0]}"
    if facts.view_of:
        return f"#{facts.storage}  {'view of' if facts.is_view else 'shared with'} {facts.view_of[0]}"
    return f"#{facts.storage}  {size_text(facts.storage_nbytes)}"


def _table(rows: list[tuple[str, ...]]) -> list[Line]:
    widths = [max(cells(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines: list[Line] = []
    for number, row in enumerate(rows):
        padded = [cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)]
        content = "  ".join(padded).rstrip()
        if number:
            name = padded[0]
            lines.append([Segment("name", name), Segment("text", content[len(name) :])])
        else:
            lines.append([Segment("usual", content)])
    return lines


def _stacked(row: tuple[str, ...], width: int) -> list[Line]:
    """A row of a table that is too wide: the name, and its facts below."""
    name, dtype, shape, stride, device, leaf, grad, storage = row
    facts = [f"{dtype} {shape}", f"stride {stride}", device, "leaf" if leaf == "yes" else "not leaf", storage]
    if grad != "-":
        facts.insert(-1, f"grad {grad}")
    return [[Segment("name", name)], *flow([Segment("text", fact) for fact in facts], width, narrow=0)]


def _short(value: object) -> str:
    from ..lang.text import echo_repr

    return cut(safe_line(echo_repr(value)), MAX_VALUE)
