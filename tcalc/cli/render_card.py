"""Style `card`: the value and its facts in a frame, side by side where the width allows it."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from .layout import NARROW, cells, cut, sentence
from .render_facts import NOT_KEPT, source_of
from .theme import Line, Segment

if TYPE_CHECKING:
    from ..session.facts import Facts
    from .terminal import Screen

BORDER = 4  # columns that the frame and the blanks inside it take
_GAP = 4
_Row = tuple[str, str, str]  # label, value, style
_ASCII = ("+", "-", "+", "|", "+", "+")
_UNICODE = ("┌", "─", "┐", "│", "└", "┘")


def card_lines(title: str, value: list[Line], facts: Facts, below: list[Line], screen: Screen, *, with_source: bool) -> list[Line]:
    """The card of one tensor: `title` in the frame, `below` under the value and the facts."""
    room = screen.width - BORDER
    body = _beside(value, _memory(facts), _gradient(facts, with_source), room)
    if not facts.grad_kept:
        body += sentence([], NOT_KEPT, room, 0, "autograd")
    body += [_without_indent(line) for line in below]
    width = max(min(max(map(_length, body)), room), min(cells(title) + 2, room))
    top_left, across, top_right, side, bottom_left, bottom_right = _UNICODE if screen.unicode else _ASCII
    head = f" {cut(title, width - 2)} "
    lines: list[Line] = [
        [
            Segment("quiet", top_left + across),
            Segment("word", head),
            Segment("quiet", across * (width + 1 - cells(head)) + top_right),
        ]
    ]
    for line in body:
        pad = " " * max(width - _length(line), 0)
        lines.append([Segment("quiet", side + " "), *line, Segment("text", pad), Segment("quiet", " " + side)])
    return [*lines, [Segment("quiet", bottom_left + across * (width + 2) + bottom_right)]]


def _beside(value: list[Line], memory: list[_Row], gradient: list[_Row], room: int) -> list[Line]:
    """Value and facts in as few lines as the width allows: side by side, one under the other, one fact a line."""
    left, right = _columns(memory), _columns(gradient)
    first = max(map(_length, left))
    both = _side_by_side(left, right, first + 2)
    wide = max(map(_length, value))
    if room + BORDER >= NARROW and wide + _GAP + max(map(_length, both)) <= room:
        return _side_by_side(value, both, wide + _GAP)
    if room + BORDER >= NARROW and max(map(_length, both)) <= room:
        return [*value, *both]
    return [*value, *_columns(memory + gradient)]


def _memory(facts: Facts) -> list[_Row]:
    usual_stride = facts.contiguous and not facts.expanded
    rows = [
        ("shape", str(facts.shape), "shape"),
        ("stride", str(facts.stride), "usual" if usual_stride else "unusual"),
        ("dtype", facts.dtype, "shape"),
        ("device", facts.device, "usual" if facts.device == "cpu" else "unusual"),
        ("contiguous", "yes" if facts.contiguous else "no", "usual" if facts.contiguous else "unusual"),
    ]
    if facts.offset:
        rows.insert(2, ("offset", str(facts.offset), "unusual"))
    return rows


def _gradient(facts: Facts, with_source: bool) -> list[_Row]:
    rows = [
        ("is_leaf", str(facts.is_leaf), "usual" if facts.is_leaf else "autograd"),
        ("requires_grad", str(facts.requires_grad), "autograd" if facts.requires_grad else "usual"),
        ("grad_fn", str(facts.grad_fn), "autograd" if facts.grad_fn else "usual"),
        ("grad", str(facts.grad.shape) if facts.grad else "None", "autograd" if facts.grad else "usual"),
    ]
    source = source_of(facts) if with_source else None
    if source is not None:
        rows.append((*source, "word"))
    return rows


def _columns(rows: list[_Row]) -> list[Line]:
    """The labels in one column, the values in another."""
    pad = max(len(label) for label, _, _ in rows) + 2
    return [[Segment("usual", label.ljust(pad)), Segment(style, value)] for label, value, style in rows]


def _side_by_side(left: list[Line], right: list[Line], column: int) -> list[Line]:
    """The lines of `right` behind those of `left`, from a column on."""
    empty: Line = []
    pairs = zip_longest(left, right, fillvalue=empty)
    return [[*a, Segment("text", " " * (column - _length(a))), *b] if b else a for a, b in pairs]


def _without_indent(line: Line) -> Line:
    return line[1:] if line and not line[0].text.strip() else line


def _length(line: Line) -> int:
    return sum(cells(segment.text) for segment in line)
