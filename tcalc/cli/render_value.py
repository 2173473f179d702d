"""The value of a result: torch's own text, lowered to a dozen lines by showing fewer elements at the edges."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import NamedTuple

from ..lang.text import echo_repr
from ..session.tensors import is_tensor
from .theme import Line, Segment

MAX_LINES = 12
MIN_WIDTH = 20
DOTS = len("  ...,")


class Shown(NamedTuple):
    """Lines of text and whether elements were left out."""

    lines: list[str]
    elided: bool


def value_block(
    value: object, name: str | None, width: int, max_lines: int | None = MAX_LINES
) -> tuple[list[Line], bool]:
    """The lines of a value, after `name = ` when it has a name, and whether elements were left out.

    `max_lines` None shows every element.
    """
    head = f"{name} = " if name else ""
    shown = value_text(value, max(width - len(head), MIN_WIDTH), max_lines)
    first: Line = [Segment("name", name), Segment("text", " = ")] if name else []
    lines: list[Line] = [[*first, Segment("text", shown.lines[0])]]
    lines += [[Segment("text", " " * len(head) + line if line else "")] for line in shown.lines[1:]]
    return lines, shown.elided


def value_text(value: object, linewidth: int, max_lines: int | None = MAX_LINES) -> Shown:
    """The text of a value in at most `max_lines` lines."""
    with print_options(linewidth, None, inf if max_lines is None else None):
        lines = echo_repr(value).split("\n")
    elided = is_tensor(value) and max_lines is not None and value.numel() > _threshold()
    if max_lines is None or len(lines) <= max_lines:
        return Shown(lines, elided)
    if is_tensor(value):
        for edge in (3, 2, 1):
            lines = _summary(value, linewidth, edge)
            if len(lines) <= max_lines:
                return Shown(lines, True)
    left = len(lines) - max_lines + 1
    return Shown([*lines[: max_lines - 1], f"... {left} more lines"], True)


def _summary(value: object, linewidth: int, edge: int) -> list[str]:
    """A value with `edge` elements at each end of a dim, its lines no longer than `linewidth` where that can be had."""
    lines: list[str] = []
    for tried in range(linewidth, linewidth - DOTS, -1):  # torch does not count the dots in a line
        with print_options(tried, edge, 0):
            lines = echo_repr(value).split("\n")
        if max(map(len, lines)) <= linewidth:
            break
    return lines


@contextmanager
def print_options(linewidth: int, edgeitems: int | None, threshold: float | None) -> Iterator[None]:
    """The engine's print options, changed for a while where given; never more edge items or width than the user set."""
    printing = sys.modules.get("tcalc.engine.printing")
    if printing is None:
        yield
        return
    now = printing.get_printoptions()
    options = dict(now)
    options["linewidth"] = min(linewidth, now["linewidth"])
    if edgeitems is not None:
        options["edgeitems"] = min(edgeitems, now["edgeitems"])
    if threshold is not None:
        options["threshold"] = threshold
    with printing.printoptions(**options):
        yield


def _threshold() -> float:
    printing = sys.modules.get("tcalc.engine.printing")
    return printing.get_printoptions()["threshold"] if printing is not None else 1000.0
