"""Remarks that torch makes as Python warnings: collected while a session asks for them, warned about otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

MAX_COLLECTED = 100


class Notice(NamedTuple):
    """A remark: `ident` names the kind, `text` is torch's sentence, `operands` the values it is about."""

    ident: str
    text: str
    operands: dict[str, Any]


collected: list[Notice] | None = None
_made: set[str] = set()  # what notice_once said


def collect() -> None:
    """From now on keep remarks in `collected` (the last MAX_COLLECTED at most), for a session to take away."""
    global collected
    if collected is None:
        _made.clear()
        collected = []


@contextmanager
def unheard() -> Iterator[None]:
    """Remarks made inside are made to nobody."""
    global collected
    before, made = collected, {*_made}
    collected = []
    try:
        yield
    finally:
        collected = before
        _made.clear()
        _made.update(made)


def notice_once(key: str, ident: str, text: str) -> None:
    """Make a remark that a session hears once."""
    if key not in _made:
        _made.add(key)
        notice(ident, text)


def notice(ident: str, text: str, **operands: Any) -> None:
    """Make a remark: into `collected`, or as a UserWarning for the caller's caller."""
    if collected is None:
        warnings.warn(text, UserWarning, stacklevel=3)
    elif len(collected) < MAX_COLLECTED:
        collected.append(Notice(ident, text, operands))
