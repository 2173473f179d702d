"""Operators on plain Python values with their results bounded, so that one short line cannot eat memory or hours.

Tensors and every other operand go straight to Python's operator: only the exact types in `_GROWS` are looked at.
"""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from tcalc.lang.errors import limit

MAX_BITS = 1_000_000
MAX_ITEMS = 10_000_000
MAX_TEXT = 10_000_000
MAX_TUPLE_DEPTH = 50
MAX_TUPLE_SIZE = 1_000_000
MAX_MODULAR_BITS = 8_192

_SEQUENCES: frozenset[type] = frozenset({str, list, tuple})
_INTEGERS: frozenset[type] = frozenset({int, bool})
_PLAIN: set[type] = {str, list, tuple, int, bool}
_NESTS: frozenset[type] = frozenset({list, tuple, dict})


# Handles on the right of an in-place operator, and who carries it out then; their modules enter themselves.
AUGMENTED: dict[type, Callable[[Callable[[Any, Any], Any], Any, Any], Any]] = {}


def _room(value: object) -> int:
    return MAX_TEXT if type(value) is str else MAX_ITEMS


def check_length(count: int, value: object) -> None:
    """Refuse a str, list or tuple like `value` of `count` items."""
    if count > _room(value):
        what = "characters" if type(value) is str else "items"
        raise limit(f"a {type(value).__name__} of {count} {what}; at most {_room(value)} are allowed")


def check_bits(bits: int) -> None:
    """Refuse an integer of so many bits."""
    if bits > MAX_BITS:
        raise limit(f"an integer of about {bits} bits; at most {MAX_BITS} are allowed")


def add(a: Any, b: Any) -> Any:
    """`a + b`."""
    if type(a) in _SEQUENCES and type(b) is type(a):
        check_length(len(a) + len(b), a)
    return a + b


def iadd(a: Any, b: Any) -> Any:
    """`a += b`; the value that `a` is bound to afterwards."""
    if type(a) in _SEQUENCES:
        check_length(len(a) + _count(b), a)
    if type(b) in AUGMENTED:
        return AUGMENTED[type(b)](operator.iadd, a, b)
    a += b
    return a


def _count(value: Any) -> int:
    """How many items an operand brings, as far as that can be known."""
    return len(value) if type(value) in _COUNTED else 0


def mul(a: Any, b: Any) -> Any:
    """`a * b`."""
    if type(a) in _PLAIN or type(b) in _PLAIN:
        _check_product(a, b)
    return a * b


def imul(a: Any, b: Any) -> Any:
    """`a *= b`."""
    if type(a) in _PLAIN or type(b) in _PLAIN:
        _check_product(a, b)
    if type(b) in AUGMENTED:
        return AUGMENTED[type(b)](operator.imul, a, b)
    a *= b
    return a


def _check_product(a: Any, b: Any) -> None:
    if type(a) in _INTEGERS and type(b) in _INTEGERS:
        if a > 1 or a < -1:
            check_bits(a.bit_length() + b.bit_length())
    elif type(a) in _SEQUENCES:
        _check_repeat(a, b)
    elif type(b) in _SEQUENCES:
        _check_repeat(b, a)


def _check_repeat(sequence: Any, count: Any) -> None:
    try:
        times = operator.index(count)
    except (TypeError, RuntimeError):
        return  # Python's own operator raises the right error
    check_length(len(sequence) * max(times, 0), sequence)


def power(a: Any, b: Any) -> Any:
    """`a ** b`."""
    if type(a) in _INTEGERS and type(b) in _INTEGERS:
        _check_power(a, b)
    return a**b


def ipower(a: Any, b: Any) -> Any:
    """`a **= b`."""
    if type(a) in _INTEGERS and type(b) in _INTEGERS:
        _check_power(a, b)
    if type(b) in AUGMENTED:
        return AUGMENTED[type(b)](operator.ipow, a, b)
    a **= b
    return a


def _check_power(a: int, b: int) -> None:
    if b > 1 and (a > 1 or a < -1):
        check_bits((a.bit_length() - 1) * b + 1)


def modular_power(a: Any, b: Any, modulus: Any) -> Any:
    """`pow(a, b, modulus)`."""
    for each in (a, b, modulus):
        if type(each) in _INTEGERS and each.bit_length() > MAX_MODULAR_BITS:
            raise limit(f"pow() with a modulus takes integers of at most {MAX_MODULAR_BITS} bits")
    return pow(a, b, modulus)


def left_shift(a: Any, b: Any) -> Any:
    """`a << b`."""
    if type(a) in _INTEGERS and type(b) in _INTEGERS and a:
        check_bits(a.bit_length() + b)
    return a << b


def ileft_shift(a: Any, b: Any) -> Any:
    """`a <<= b`."""
    if type(a) in _INTEGERS and type(b) in _INTEGERS and a:
        check_bits(a.bit_length() + b)
    if type(b) in AUGMENTED:
        return AUGMENTED[type(b)](operator.ilshift, a, b)
    a <<= b
    return a


def modulo(a: Any, b: Any) -> Any:
    """`a % b`; on text it would be formatting, which f-strings do here."""
    if type(a) is str:
        raise TypeError("% does not format text here; use an f-string")
    return a % b


def imodulo(a: Any, b: Any) -> Any:
    """`a %= b`."""
    if type(a) is str:
        raise TypeError("% does not format text here; use an f-string")
    if type(b) in AUGMENTED:
        return AUGMENTED[type(b)](operator.imod, a, b)
    a %= b
    return a


def _in_place(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An in-place operator whose results cannot grow."""

    def operate(a: Any, b: Any) -> Any:
        return AUGMENTED[type(b)](function, a, b) if type(b) in AUGMENTED else function(a, b)

    return operate


class Cell:
    """A list or dict whose items are about to be changed by an augmented operator; hands them out boxed."""

    __slots__ = ("_holder",)

    def __init__(self, holder: Any) -> None:
        self._holder = holder

    def __getitem__(self, key: Any) -> Any:
        value = self._holder[key]
        return Box(value) if type(value) in _PLAIN else value

    def __setitem__(self, key: Any, value: Any) -> None:
        if type(key) is slice:
            roomy(self._holder)
        self._holder[key] = value


class Box:
    """A plain value whose in-place operators are the bounded ones; each hands back the bare result."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __iadd__(self, other: Any) -> Any:
        return iadd(self._value, other)

    def __imul__(self, other: Any) -> Any:
        return imul(self._value, other)

    def __imod__(self, other: Any) -> Any:
        return imodulo(self._value, other)

    def __ipow__(self, other: Any) -> Any:
        return ipower(self._value, other)

    def __ilshift__(self, other: Any) -> Any:
        return ileft_shift(self._value, other)


def cell(value: Any) -> Any:
    """What stands for `value` in `value[i] += x`."""
    return Cell(value) if type(value) in (list, dict, OrderedDict) else value


class BigRange:
    """A range longer than any list may be: it can be looped over and indexed, each step open to an interrupt."""

    __slots__ = ("_range",)

    def __init__(self, spread: range) -> None:
        self._range = spread

    def __repr__(self) -> str:
        return repr(self._range)

    def __iter__(self) -> Iterator[int]:
        for value in self._range:  # noqa: UP028 - a generator's frame is what lets an interrupt in
            yield value

    def __len__(self) -> int:
        return len(self._range)

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, key: Any) -> Any:
        found = self._range[key]
        return make_range(found.start, found.stop, found.step) if type(found) is range else found

    def __contains__(self, value: object) -> bool:
        if type(value) not in _INTEGERS:
            raise limit(f"a search through {self._range}; only integers are found without walking it")
        return value in self._range

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BigRange) and self._range == other._range

    def __hash__(self) -> int:
        return hash(self._range)


def make_range(*bounds: Any) -> Any:
    """`range(...)`."""
    spread = range(*bounds)
    if not spread:
        return spread
    # len() refuses what does not fit a C integer; the last index is exact.
    count = (spread.stop - spread.start + spread.step - (1 if spread.step > 0 else -1)) // spread.step
    return BigRange(spread) if count > MAX_ITEMS else spread


_COUNTED: frozenset[type] = frozenset({str, list, tuple, dict, set, range, BigRange})


def spread(value: Any, stars: int = 1) -> Any:
    """A value about to be expanded into a list, tuple, set or arguments, where `stars` values share the room."""
    if type(value) is BigRange:
        raise limit(f"{value!r} expands to more than {MAX_ITEMS} items")
    if stars > 1:
        if type(value) not in _COUNTED and hasattr(type(value), "__next__"):
            value = list(value)
        check_length(_count(value) * stars, [])
    return value


def roomy(value: Any) -> Any:
    """A value whose slice is about to be replaced: a list must not be at its largest already."""
    if type(value) is list:
        check_length(len(value), value)
    return value


def deletable(value: Any) -> Any:
    """The value of `del value[key]`: lists and dicts only."""
    if type(value) not in (list, dict):
        name = type(value).__name__
        if name in ("Tensor", "Parameter"):
            raise TypeError("Tensor does not support deleting items")
        raise TypeError(f"'{name}' object doesn't support item deletion")
    return value


def checked_tuple(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """A new tuple, refused when nested so deep that hashing it could end the process."""
    for each in value:
        if type(each) is tuple:
            _check_tuple(value)
            break
    return value


def shallow(value: Any) -> Any:
    """A value that is about to become an item of a tuple that no display makes."""
    if type(value) is tuple:
        _check_tuple(value)
    return value


def _check_tuple(value: tuple[Any, ...]) -> None:
    """Count depth and size with shared parts counted each time: hashing walks them each time."""
    stack, seen = [(value, 1)], 0
    while stack:
        current, depth = stack.pop()
        seen += len(current)
        if depth > MAX_TUPLE_DEPTH:
            raise limit(f"tuples nested more than {MAX_TUPLE_DEPTH} deep")
        if seen > MAX_TUPLE_SIZE and depth > 1:
            raise limit(f"nested tuples of more than {MAX_TUPLE_SIZE} items")
        stack.extend((each, depth + 1) for each in current if type(each) is tuple)


def comparable(value: Any) -> Any:
    """An operand of a comparison: nested containers are walked first, since C code would walk them without a stop."""
    if type(value) in _NESTS:
        _check_nested(value)
    return value


def member_of(value: Any) -> Any:
    """The right side of `in`: sets and dicts look items up by hash and need no walk."""
    if type(value) is list or type(value) is tuple:
        _check_nested(value)
    return value


def _check_nested(value: Any) -> None:
    stack, seen = [value], 0
    while stack:
        current = stack.pop()
        for each in current.values() if type(current) is dict else current:
            if type(each) in _NESTS:
                seen += len(each) + 1
                if seen > MAX_ITEMS:
                    raise limit(f"a comparison of more than {MAX_ITEMS} nested items")
                stack.append(each)


def keywords(value: Any) -> Any:
    """What `**value` passes: a dict whose keys a program could have written as keywords."""
    if type(value) is not dict:
        raise TypeError(f"argument after ** must be a dict, not {type(value).__name__}")
    for key in value:
        if type(key) is str and key.startswith("_"):
            raise TypeError(f"keywords that start with an underscore are not part of the language: {key}")
    return value


HELPERS: dict[str, Callable[..., Any]] = {
    ".add": add,
    ".mul": mul,
    ".mod": modulo,
    ".pow": power,
    ".lshift": left_shift,
    ".iadd": iadd,
    ".imul": imul,
    ".imod": imodulo,
    ".ipow": ipower,
    ".ilshift": ileft_shift,
    ".isub": _in_place(operator.isub),
    ".itruediv": _in_place(operator.itruediv),
    ".ifloordiv": _in_place(operator.ifloordiv),
    ".cell": cell,
    ".spread": spread,
    ".roomy": roomy,
    ".deletable": deletable,
    ".tuple": checked_tuple,
    ".shallow": shallow,
    ".comparable": comparable,
    ".member_of": member_of,
    ".keywords": keywords,
}

# Python's sentences name the class of a value; ours stand for these.
BigRange.__name__ = "range"
