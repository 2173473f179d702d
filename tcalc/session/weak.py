"""A mapping keyed by object identity that does not keep its keys alive (tensors compare element by element)."""

from __future__ import annotations

from typing import Generic, TypeVar
from weakref import ref

V = TypeVar("V")


class WeakIds(Generic[V]):
    """Values remembered for objects, forgotten with them."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[ref[object], V]] = {}

    def get(self, key: object) -> V | None:
        """The value stored for `key`, None when there is none."""
        entry = self._entries.get(id(key))
        return entry[1] if entry is not None and entry[0]() is key else None

    def set(self, key: object, value: V) -> None:
        """Store `value` for `key`."""
        ident = id(key)
        self._entries[ident] = (ref(key, lambda _: self._entries.pop(ident, None)), value)

    def discard(self, key: object) -> None:
        """Forget `key`."""
        self._entries.pop(id(key), None)

    def __len__(self) -> int:
        return len(self._entries)
