"""What the screen can do: colour, glyphs, width. Decided here and nowhere else, for stdout and stderr apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NamedTuple, TextIO

DEFAULT_WIDTH = 80
DEFAULT_HEIGHT = 24


class Screen(NamedTuple):
    """One output stream. `plain` asks for labelled lines without art; `unicode` allows glyphs beyond ASCII."""

    tty: bool
    colour: bool
    unicode: bool
    plain: bool
    width: int
    height: int


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; a closed or missing one is not."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def is_dumb(env: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal cannot move its cursor."""
    return env.get("TERM", "") in ("dumb", "unknown")


def wants_colour(tty: bool, when: str, env: Mapping[str, str]) -> bool:
    """Policy: --color, then NO_COLOR (non-empty), FORCE_COLOR (non-empty and not 0), TERM=dumb, terminal."""
    if when != "auto":
        return when == "always"
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return tty and not is_dumb(env)


def wants_unicode(encoding: str | None, ascii_only: bool, env: Mapping[str, str]) -> bool:
    """Whether glyphs beyond ASCII are safe: the encoding alone cannot tell, since Python turns UTF-8 on in the C locale."""
    if ascii_only or (encoding or "").lower().replace("-", "") != "utf8":
        return False
    if sys.platform == "win32":
        return True
    locale = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    return "utf" in locale.lower()


def screen_for(
    stream: TextIO | None,
    *,
    colour: str = "auto",
    ascii_only: bool = False,
    plain: bool = False,
    width: int | None = None,
    env: Mapping[str, str] = os.environ,
) -> Screen:
    """The Screen behind `stream` under the user's options and environment."""
    tty = is_terminal(stream)
    columns, rows = _size(stream) if tty and stream is not None else (DEFAULT_WIDTH, DEFAULT_HEIGHT)
    return Screen(
        tty=tty,
        colour=wants_colour(tty, colour, env),
        unicode=wants_unicode(getattr(stream, "encoding", None), ascii_only, env),
        plain=plain or bool(env.get("ACCESSIBLE")),
        width=width or columns,
        height=rows,
    )


def _size(stream: TextIO) -> tuple[int, int]:
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return DEFAULT_WIDTH, DEFAULT_HEIGHT
    return size.columns or DEFAULT_WIDTH, size.lines or DEFAULT_HEIGHT
