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


def _device() -> str:
    namespace = sys.modules.get("tcalc.engine.namespace")
    return str(namespace.table("torch")["get_default_device"]()) if namespace is not None else "cpu"


def _grad_mode() -> str:
    modes = sys.modules.get("tcalc.engine.modes")
    return "on" if modes is None or modes.is_grad_enabled() else "off"


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.2f} s" if seconds < 60 else f"{seconds / 60:.1f} min"
