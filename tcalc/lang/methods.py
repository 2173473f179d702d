"""The attributes of Python's own values: listed methods, with those that can grow a value without bound replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tcalc.lang.bounded import MAX_ITEMS, BigRange, check_length, checked_tuple, comparable, spread
from tcalc.lang.bounded import iadd as bounded_iadd
from tcalc.lang.iterators import Items, Lazy

Method = Callable[[Any], Any]


def _bound(function: Callable[..., Any]) -> Method:
    """An attribute that gives `function` with the value as first argument."""

    def access(value: Any) -> Any:
        def method(*args: Any, **kwargs: Any) -> Any:
            return function(value, *args, **kwargs)

        method.__name__ = function.__name__
        return method

    return access


def extend(value: list[Any], items: Any) -> None:
    bounded_iadd(value, spread(items) if hasattr(type(items), "__len__") else list(items))


def sort(value: list[Any], *, key: Any = None, reverse: Any = False) -> None:
    comparable(value)
    value.sort(key=key, reverse=bool(reverse))


def index(value: Any, item: Any, *bounds: Any) -> int:
    found: int = comparable(value).index(item, *bounds)
    return found


def count(value: Any, item: Any) -> int:
    found: int = comparable(value).count(item)
    return found


def remove(value: list[Any], item: Any) -> None:
    comparable(value).remove(item)


def update(value: Any, *others: Any, **named: Any) -> None:
    for each in others:
        value.update(spread(each))
    if named:
        value.update(named)
    if len(value) > MAX_ITEMS:
        check_length(len(value), [])


def replace(value: str, old: str, new: str, times: int = -1) -> str:
    if type(old) is str and type(new) is str:
        found = value.count(old)
        check_length(len(value) + (found if times < 0 else min(found, times)) * max(0, len(new) - len(old)), value)
    return value.replace(old, new, times)


def join(value: str, parts: Any) -> str:
    texts = list(spread(parts))
    check_length(sum(len(each) for each in texts if type(each) is str) + len(value) * len(texts), value)
    return value.join(texts)


def _padded(name: str) -> Method:
    def access(value: str) -> Any:
        def method(width: int, *fill: str) -> str:
            check_length(width if type(width) is int else 0, value)
            padded: str = getattr(value, name)(width, *fill)
            return padded

        method.__name__ = name
        return method

    return access


def popitem(value: dict[Any, Any]) -> tuple[Any, Any]:
    return checked_tuple(value.popitem())


def _listed(names: str) -> dict[str, bool | Method]:
    return dict.fromkeys(names.split(), True)


_TEXT = _listed(
    "capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit isidentifier islower "
    "isnumeric isspace istitle isupper lower lstrip partition removeprefix removesuffix rfind rindex rpartition rsplit "
    "rstrip split splitlines startswith strip swapcase title upper"
)
_SET = _listed(
    "add clear copy difference difference_update discard intersection intersection_update isdisjoint issubset "
    "issuperset pop remove symmetric_difference union"
)
BUILTIN_ATTRIBUTES: dict[type, dict[str, bool | Method]] = {
    int: _listed("real imag numerator denominator bit_length bit_count conjugate is_integer as_integer_ratio"),
    bool: _listed("real imag numerator denominator bit_length conjugate"),
    float: _listed("real imag is_integer as_integer_ratio hex conjugate"),
    complex: _listed("real imag conjugate"),
    str: {
        **_TEXT,
        "replace": _bound(replace),
        "join": _bound(join),
        **{name: _padded(name) for name in ("ljust", "rjust", "center", "zfill")},
    },
    list: {
        **_listed("append clear copy insert pop reverse"),
        **{each.__name__: _bound(each) for each in (extend, sort, index, count, remove)},
    },
    tuple: {each.__name__: _bound(each) for each in (index, count)},
    dict: {
        **_listed("clear copy get keys pop setdefault values"),
        "items": _bound(Items),
        "popitem": _bound(popitem),
        "update": _bound(update),
    },
    set: {**_SET, "update": _bound(update)},
    range: _listed("start stop step index count"),
    BigRange: {},
    slice: _listed("start stop step"),
    Lazy: {},
    Items: {},
}
