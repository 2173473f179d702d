"""Data that the option -l binds to names before anything runs: files, and stdin as `-`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .array_files import whole
from .escape import safe_line
from .sources import STDIN
from .tensor_reading import kind_of, load_tensors, read_tensors
from .trouble import FileTrouble

if TYPE_CHECKING:
    from ..engine.tensor import Tensor
    from ..session.session import Session
    from .settings import Settings
    from .view import View


def bind_inputs(settings: Settings, session: Session, view: View) -> None:
    """Bind what -l names, in order; a line on the terminal says so when that takes long.

    Raises FileTrouble.
    """
    if not settings.load:
        return
    from ..engine.namespace import table
    from .running import Running

    table("torch")  # tensors get their methods with it
    for binding in settings.load:
        name, _, path = binding.partition("=")
        with Running(view, f"... reading {safe_line(path)}", beside_pipe=True):
            value = chosen(_standard_input() if path == "-" else load_tensors(path), name)
            if settings.device is not None:
                where = settings.device
                value = {key: each.to(where) for key, each in value.items()} if isinstance(value, dict) else value.to(where)
        session.bind({name: value}, STDIN if path == "-" else path)


def chosen(found: dict[str, Tensor], name: str) -> Tensor | dict[str, Tensor]:
    """What a file means by one name: the tensor called so, or its only tensor, or all of them by their names."""
    if name in found:
        return found[name]
    return next(iter(found.values())) if len(found) == 1 else found


def _standard_input() -> dict[str, Tensor]:
    """What is on stdin; a number alone is a scalar there, as `-F list` writes one."""
    data = b"" if sys.stdin is None else whole(sys.stdin.buffer)
    if not data.strip():
        raise FileTrouble(f"{STDIN}: no data in it")
    found = read_tensors(data, "", STDIN)
    if kind_of(data) == ".txt" and found[""].shape == (1,):
        found[""] = found[""].reshape(())
    return found
