"""Styles by meaning. Sixteen-colour names only, never black, white, yellow or bright black; every colour has a word beside it."""

from __future__ import annotations

from typing import NamedTuple

STYLES = {
    "text": "",
    "name": "bold",
    "usual": "dim",
    "unusual": "bold",
    "shape": "cyan",
    "autograd": "magenta",
    "word": "bold",
    "error": "bold red",
    "hint": "green",
    "quiet": "dim",
}


class Segment(NamedTuple):
    """A piece of a line and what it means; `style` is a key of STYLES."""

    style: str
    text: str


Line = list[Segment]


def text(content: str, style: str = "text") -> Line:
    """A line in one style."""
    return [Segment(style, content)]


def plain_text(lines: list[Line]) -> str:
    """The lines without styles, each ended by a line break."""
    return "".join("".join(segment.text for segment in line) + "\n" for line in lines)
