"""The status line under the prompt: default device and dtype, grad mode, names, time of the last command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..engine.dtypes import get_default_dtype
from ..session.tensors import memory_of, named_tensors
from .layout import size_text

if TYPE_CHECKING:
    from ..session.session import Session


def status_text(session: Session, elapsed: float | None) -> str:
    """`cpu  float32  grad on   5 names 120 B   [15] 0.3 ms`."""
    names = sum(name != "_" for name in session.env.variables)
    storages = {id(memory): memory.nbytes for memory in (memory_of(t) for _, t in named_tensors(session.env.variables))}
    parts = [f"{_device()}  {get_default_dtype().name}  grad {_grad_mode()}"]
    parts.append(f"{names} name{'' if names == 1 else 's'} {size_text(sum(storages.values()))}")
    if elapsed is not None:
        parts.append(f"[{session.number - 1}] {_time(elapsed)}")
    return "   ".join(parts)


def signature_parts(session: Session, entry: str, cursor: int) -> list[tuple[str, bool]]:
    """The signature of the innermost call that is open at the cursor, in pieces: `name(`, then for each argument what
    separates it and its text, `)`. True marks the argument being written. Empty outside of calls."""
    if "(" not in entry[:cursor] or entry.startswith((":", "?")):
        return []
    from ..lang.calls import best, call_at
    from ..lang.pieces import pieces

    found = pieces(entry[:cursor])
    if found[-1].kind == "comment" or not found[-1].closed:
        return []
    open_call = call_at(found, cursor, session.env)
    chosen = best(*open_call) if open_call is not None else None
    if chosen is None:
        return []
    parts: list[tuple[str, bool]] = [(f"{chosen.name}(", False)]
    star = any(argument.spread for argument in chosen.arguments)
    for index, argument in enumerate(chosen.arguments):
        if argument.common and index != chosen.current:
            continue
        comma = ", " if len(parts) > 1 else ""
        if argument.keyword_only and not star:
            comma, star = f"{comma}*, ", True
        parts += [(comma, False), (str(argument), index == chosen.current)]
    return [*parts, (")", False)]


def fitted(status: str, parts: list[tuple[str, bool]], columns: int) -> list[tuple[str, bool]]:
    """The status line with a signature behind it, in at most `columns`: first the end of the status gives way, then the arguments before the
    marked one."""
    pieces = status.split("   ")
    while parts and pieces and len("   ".join(pieces)) + 3 + _length(parts) > columns:
        pieces.pop()
    left = "   ".join(pieces) + "   " * bool(pieces and parts) or " "
    while len(left) + _length(parts) > columns and any(marked for _, marked in parts[3:]):
        parts = [(f"{parts[0][0].removesuffix('...')}...", False), *parts[3:]]
    return _cut([(left, False), *parts], columns)


def _length(parts: list[tuple[str, bool]]) -> int:
    return sum(len(text) for text, _ in parts)


def _cut(parts: list[tuple[str, bool]], columns: int) -> list[tuple[str, bool]]:
    kept, room = [], columns
    for text, marked in parts:
        kept.append((text[:room], marked))
        room -= len(kept[-1][0])
    return [part for part in kept if part[0]]


def _device() -> str:
    namespace = sys.modules.get("tcalc.engine.namespace")
    return namespace.backend.label(namespace.table("torch")["get_default_device"]()) if namespace is not None else "cpu"


def _grad_mode() -> str:
    modes = sys.modules.get("tcalc.engine.modes")
    return "on" if modes is None or modes.is_grad_enabled() else "off"


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.2f} s" if seconds < 60 else f"{seconds / 60:.1f} min"
