"""The format npy: one result as the bytes of NumPy's array file on stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..session.record import Printed
from ..session.tensors import is_tensor
from .output import OutputClosed, OutputFailed, OutputRefused, write
from .terminal import Screen
from .view import View

if TYPE_CHECKING:
    from ..engine.tensor import Tensor
    from ..session.record import Item


class _Stdout:
    """stdout as NumPy writes to what is no file of its own: it would ask a pipe for its position."""

    def write(self, data: bytes) -> int:
        """Hand on bytes."""
        return sys.stdout.buffer.write(data)


class NpyView(View):
    """Keeps the one result until the program is over; what it prints goes to stderr, since stdout is binary."""

    def __init__(self, screen: Screen, errors: Screen, *, at_prompt: bool, debug: bool) -> None:
        super().__init__("npy", screen, errors, at_prompt=at_prompt, debug=debug)
        self._kept: Tensor | None = None

    def show(self, item: Item) -> None:
        """Keep a result.

        Raises OutputRefused for a second one, and for what is no tensor.
        """
        if isinstance(item, Printed):
            write((item.text,), sys.stderr)
            return
        if self._kept is not None:
            raise OutputRefused("npy: there is room for one result, and this is the second; a ; behind the others keeps them quiet")
        if not is_tensor(item.value):
            raise OutputRefused(f"npy: a value of type {type(item.value).__name__} is no tensor; tensor(...) makes one")
        if item.value.a is None:
            raise OutputRefused("npy: a tensor on meta has no values")
        self._kept = item.value.detach().clone()  # what it is now, whatever the program writes into it later

    def close(self) -> None:
        """Write the result."""
        from .tensor_files import write_npy

        if self._kept is None:
            raise OutputRefused("npy: there was no result to write")
        try:
            write_npy({"it": self._kept}, _Stdout())
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise OutputClosed from None
        except OSError as error:
            raise OutputFailed(error.strerror or str(error)) from None
