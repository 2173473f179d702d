"""A traced backward as numbered nodes with the gradients they hand on, and what became of the leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .escape import safe_line
from .layout import cells, cut, number_text, ordinal, sentence
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from ..session.trace import Target, Trace, TraceStep, Value
    from .terminal import Screen

MAX_LABELS = 4
MAX_NAME = 24
INDENT = 7


def trace_lines(found: Trace, screen: Screen) -> list[Line]:
    """The nodes in the order in which they ran; one line when none did."""
    if not found.steps:
        return [text("no backward ran in this statement", "quiet")]
    lines = _start(found, screen)
    for number, step in enumerate(found.steps, start=1):
        lines += _step(step, number, screen)
    if found.folded:
        labels = ", ".join(f"{count} {label}" for label, count in found.folded.most_common(MAX_LABELS))
        more = ", ..." if len(found.folded) > MAX_LABELS else ""
        lines += sentence(
            [Segment("text", "" if screen.plain else "  ")],
            f"... {found.folded.total()} more nodes: {labels}{more}",
            screen.width,
            6,
            "quiet",
        )
    lines += _targets(found.leaves, screen)
    if found.more_leaves:
        lines.append(text(f"{'' if screen.plain else ' ' * INDENT}and {found.more_leaves} more leaves"))
    nodes = f"{found.nodes} node{'' if found.nodes == 1 else 's'}"
    ending = f"freed {nodes}" if found.freed else f"{nodes} ran, nothing was freed"
    return [*lines, text(ending if screen.plain else f"  {ending}")]


def _start(found: Trace, screen: Screen) -> list[Line]:
    name = safe_line(found.root)
    if screen.plain:
        return [text(f"start: {name or 'backward'}, grad {_written(found.start)}")]
    head: Line = [Segment("text", "  "), Segment("word", "start"), Segment("text", "  "), Segment("name", cut(name, MAX_NAME).ljust(18))]
    return sentence(head, f"  grad {_written(found.start)}".rstrip(), screen.width, INDENT)


def _step(step: TraceStep, number: int, screen: Screen) -> list[Line]:
    where = "" if step.origin.command is None else f"[{step.origin.command.number}] "
    made = f"{where}{'in ' if step.origin.inner else ''}{safe_line(step.origin.text)}".strip()
    rule = step.rule
    if step.grad is not None and step.grad.shape == () and step.grad.whole is not None and rule.startswith("spreads grad "):
        rule = rule.replace("grad", _written(step.grad), 1)
    if screen.plain:
        pieces = [piece for piece in (made and f"made by {made}", rule) if piece]
        lines: list[Line] = [[Segment("word", f"{number}: {step.label}, "), Segment("text", ", ".join(pieces))]]
    else:
        head: Line = [Segment("text", f"  {number} "), Segment("autograd", step.label)]
        if made:
            head += [Segment("text", "  "), Segment("name", made)]
        used = sum(cells(segment.text) for segment in head)
        if used + 2 + cells(rule) <= screen.width:
            lines = [[*head, Segment("text", "  " + rule)]]
        else:
            lines = [head, *sentence([Segment("text", " " * (INDENT - 1))], rule, screen.width, INDENT)]
    if step.hooked:
        lines += _said(f"a hook changed the gradient that arrived: {_written(step.grad)}", screen)
    if step.node_hooks:
        lines += _said("a hook on the node saw, and may have changed, what it hands on", screen)
    return lines + _targets(step.targets, screen)


def _said(words: str, screen: Screen) -> list[Line]:
    return sentence([Segment("text", "" if screen.plain else " " * INDENT)], words, screen.width, INDENT + 2, "unusual")


def _targets(targets: list[Target], screen: Screen) -> list[Line]:
    names = [cut(safe_line(_name(target)), MAX_NAME) for target in targets]
    pad = max([8, *map(cells, names)])
    room = screen.width - INDENT - pad - 2
    values = [_written(target.value, room if target.kind in ("filled", "added") else room - len(_remark(target)) - 4) for target in targets]
    wide = max((cells(value) for value, target in zip(values, targets, strict=True) if _remark(target)), default=0)
    lines: list[Line] = []
    for name, value, target in zip(names, values, targets, strict=True):
        remark = _remark(target)
        if screen.plain:
            parts = [piece for piece in (value, remark) if piece]
            lines.append([Segment("name", f"{name}: "), Segment("text", ", ".join(parts))])
            continue
        line: Line = [Segment("text", " " * INDENT), Segment("name", name), Segment("text", " " * (pad - cells(name) + 2))]
        used = INDENT + pad + 2
        if value and used + cells(value.ljust(wide)) + 4 + cells(remark) <= screen.width:
            lines.append([*line, Segment("text", value.ljust(wide) + "    " if remark else value), Segment("autograd", remark)])
        elif value:
            lines += sentence(line, value, screen.width, INDENT + 2)
            lines += sentence([Segment("text", " " * (INDENT + 2))], remark, screen.width, INDENT + 2, "autograd") if remark else []
        else:
            lines += sentence(line, remark, screen.width, INDENT + 2, "autograd")
    return lines


def _name(target: Target) -> str:
    name = target.name or "a leaf"
    return f"{name}.grad" if target.kind in ("filled", "added") and target.name else name


def _remark(target: Target) -> str:
    said = {
        "passed": "not kept: not a leaf",
        "kept": "kept: retain_grad()",
        "stops": "requires_grad False: stops here",
        "none": "no gradient came",
        "part": f"part {target.part} of {target.parts}" if target.parts > 1 else "handed over, not added to .grad",
        "filled": "filled, was None",
        "added": "added",
    }[target.kind]
    if target.kind == "added":
        said += f", {ordinal(target.count)} backward since None or zero" if target.count else " to what was there"
    if target.kind in ("filled", "added") and target.parts > 1:
        said += f": the sum of {target.parts} parts"
    return said + (", changed by a hook" if target.hooked else "")


def _written(value: Value | None, room: int = 40) -> str:
    """A gradient in one line: whole when it fits into `room` columns, else its shape and range."""
    if value is None:
        return ""
    shape = str(value.shape)
    if value.constant is not None and value.constant in (0, 1):
        return f"{'ones' if value.constant else 'zeros'} {shape}"
    if value.whole is not None:
        whole = _values(value.whole)
        if len(whole) <= max(room, 16):
            return whole
    if value.low is None or value.high is None:
        return shape
    if value.constant is not None:
        return f"all {number_text(value.constant)} {shape}"
    if value.nan:
        return f"{shape} with nan"
    largest = max(abs(value.low), abs(value.high))
    return f"{shape} {number_text(value.low, largest)} to {number_text(value.high, largest)}"


def _values(tensor: object) -> str:
    """The numbers of a small tensor as torch writes them, in one line."""
    from ..engine.printing import PrintOptions, tensor_repr

    written = tensor_repr(tensor, options=PrintOptions(linewidth=1 << 20))
    body = written.removeprefix("tensor(").rpartition(")")[0]
    end = body.rfind("]")
    body = body[: end + 1] if end >= 0 else body.split(",")[0]
    return " ".join(body.split()).replace("[ ", "[")
