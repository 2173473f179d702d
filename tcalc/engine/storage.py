"""Storage: the memory that one or more tensors look at, and how it counts its writes."""

from __future__ import annotations

from typing import Any

from . import backend
from .backend import Array, device
from .errors import TensorError
from .modes import is_inference_mode_enabled


class Storage:
    """Memory that one or more tensors look at. `version` counts the in-place writes through any of them.

    `raw` are its bytes, None where there are none; those of a `whole` row-major array are found when they are asked for.
    """

    __slots__ = ("__weakref__", "device", "itemsize", "keep", "known", "size", "version", "whole")
    known: Array | None  # raw, once it was asked for
    whole: Array | None

    def __init__(self, raw: Array | None, nbytes: int, where: device, itemsize: int, keep: Any = None):
        self.known, self.size, self.device, self.itemsize = raw, nbytes, where, itemsize
        self.version = 0
        self.keep, self.whole = keep, None

    @property
    def raw(self) -> Array | None:
        """The bytes, as an array of one dim."""
        if self.known is None and self.whole is not None:
            self.known = backend.bytes_of(self.whole)
        return self.known

    @property
    def nbytes(self) -> int:
        """How many bytes there are, or would be on meta."""
        return self.size if self.whole is None else self.whole.nbytes

    def data_ptr(self) -> int:
        """Address of the first byte; 0 where there is none."""
        if self.raw is None or not self.nbytes:
            return 0
        return backend.address(self.raw)


class InferenceStorage(Storage):
    """Memory made in inference mode, as detach() or .data show it outside: it takes no part in autograd, and its writes are counted."""

    __slots__ = ()


class Untracked(InferenceStorage):
    """Memory of inference tensors: writes are not counted, and are refused outside inference mode."""

    __slots__ = ()

    @property
    def version(self) -> int:
        return 0

    @version.setter
    def version(self, value: int) -> None:
        if value and not is_inference_mode_enabled():  # torch, too, looks after it has written
            raise TensorError(
                "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor before"
                " doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
            )


new_storage = Storage.__new__


def shown_as(storage: Storage, untracked: bool) -> Storage:
    """The same memory with a count of writes of its own, as torch gives to detached inference tensors, .data and what is set as .data;
    `untracked` memory of inference tensors goes without."""
    kind = Storage if not isinstance(storage, InferenceStorage) else Untracked if untracked else InferenceStorage
    return kind(storage.raw, storage.nbytes, storage.device, storage.itemsize, keep=storage)
