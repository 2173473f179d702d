"""Iterators of the language: zip, map and the like, whose nesting is bounded because CPython follows it in C."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tcalc.lang.bounded import checked_tuple
from tcalc.lang.errors import limit

MAX_CHAIN = 50


class Lazy:
    """An iterator that knows how many iterators it stands on; `name` is what `type()` calls it.

    `label` is what a generator's printed form says before the address.
    """

    __slots__ = ("depth", "label", "name", "source")

    def __init__(self, source: Iterator[Any], name: str, depth: int, label: str = "") -> None:
        self.source, self.name, self.depth, self.label = source, name, depth, label

    def __iter__(self) -> Lazy:
        return self

    def __next__(self) -> Any:
        value = next(self.source)
        return checked_tuple(value) if type(value) is tuple else value

    def __repr__(self) -> str:
        return f"<{self.name} object{self.label} at {id(self):#x}>"


class Items:
    """What `d.items()` gives: pairs, each checked like every other tuple that the program comes by."""

    __slots__ = ("source",)

    def __init__(self, source: dict[Any, Any]) -> None:
        self.source = source

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return map(checked_tuple, self.source.items())

    def __reversed__(self) -> Iterator[tuple[Any, Any]]:
        return map(checked_tuple, reversed(self.source.items()))

    def __len__(self) -> int:
        return len(self.source)

    def __contains__(self, pair: Any) -> bool:
        return pair in self.source.items()


def lazy(source: Iterator[Any], name: str, *inputs: Any) -> Lazy:
    """An iterator over `inputs`; raises LangError when it would stand on too many others."""
    depth = 1 + max((each.depth for each in inputs if type(each) is Lazy), default=0)
    if depth > MAX_CHAIN:
        raise limit(f"more than {MAX_CHAIN} iterators on top of each other")
    return Lazy(source, name, depth)


def generated(values: list[Any]) -> Lazy:
    """What a generator expression gives: its values are computed at once, and handed out one by one."""
    return Lazy(iter(values), "generator", 1, " <genexpr>")


# What Python's sentences call them.
Lazy.__name__ = "iterator"
Items.__name__ = "dict_items"
