"""Styled lines onto a stream: rich's Text where there is colour, plain text elsewhere."""

from __future__ import annotations

from typing import TextIO

from .escape import safe
from .output import write
from .terminal import Screen
from .theme import STYLES, Line, plain_text


def paint(lines: list[Line], screen: Screen, stream: TextIO | None) -> None:
    """Write lines to a stream and flush; rich is loaded only when there is colour."""
    if stream is None or not lines:
        return
    if screen.colour:
        write((_coloured(lines),), stream)
    else:
        write((safe(plain_text(lines)),), stream)


def _coloured(lines: list[Line]) -> str:
    """The lines with SGR codes. rich sees Text objects only, never user text as markup, and none of the environment."""
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    buffer = StringIO()
    console = Console(
        file=buffer,
        force_terminal=True,
        color_system="standard",
        no_color=False,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
        legacy_windows=False,
        width=10_000,
        _environ={},
    )
    for line in lines:
        painted = Text(no_wrap=True, end="\n")
        for segment in line:
            painted.append(safe(segment.text), STYLES[segment.style] or None)
        console.print(painted)
    return buffer.getvalue()
