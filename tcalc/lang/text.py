"""The text of values: `str`, `repr`, what the prompt echoes, and f-strings, all of bounded size."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from tcalc.lang import library
from tcalc.lang.bounded import MAX_TEXT
from tcalc.lang.errors import limit
from tcalc.lang.iterators import Items
from tcalc.lang.tokens import is_users, shown_exception, type_of

MAX_DEPTH = 60
MAX_SHOWN = 1_000_000
MAX_WIDTH = 10_000
MAX_PRECISION = 1_000
_TOO_MANY_DIGITS = "Exceeds the limit (4300 digits) for integer string conversion"
_MAX_DIGIT_BITS = 14_284  # 10**4300 has so many bits: CPython refuses to print more digits

_SPEC = re.compile(r"(?:.?[<>=^])?[-+ ]?z?#?0?(?P<width>\d+)?[,_]?(?:\.(?P<precision>\d+))?[a-zA-Z%]?", re.DOTALL)


def echo_repr(value: object) -> str:
    """What Python's interactive prompt with torch would show for a value (an empty string for None)."""
    return "" if value is None else _Writer(shows_size=True).text(value)


def to_str(value: object) -> str:
    """`str(value)`."""
    if type(value) is str:
        return value
    if isinstance(value, BaseException):
        return _exception_str(value)
    if type(value) is int or type(value) in _CONTAINERS or type(value) in _VIEWS:
        return to_repr(value)
    return _opaque(value) or str(value)


def to_repr(value: object) -> str:
    """`repr(value)`; containers are walked to a bounded depth and size, cycles shown as Python shows them."""
    return _Writer().text(value)


class _Writer:
    """`shows_size` puts the size of an integer in place of digits that Python refuses to print."""

    def __init__(self, *, shows_size: bool = False) -> None:
        self.shows_size = shows_size
        self.left = MAX_SHOWN
        self.inside: list[int] = []

    def text(self, value: Any) -> str:
        kind = type(value)
        if kind is int:
            return _size_or_digits(value) if self.shows_size else integer(value)
        if kind in _VIEWS:
            return f"{_VIEWS[kind]}({self.text(list(value))})"
        if kind not in _CONTAINERS:
            return _leaf(value)
        opening, closing = _CONTAINERS[kind]
        if id(value) in self.inside or len(self.inside) > MAX_DEPTH:
            return f"{opening}...{closing}"
        self.inside.append(id(value))
        try:
            return self.container(value, kind, opening, closing)
        finally:
            self.inside.pop()

    def container(self, value: Any, kind: type, opening: str, closing: str) -> str:
        parts: list[str] = []
        for each in value.items() if kind is dict else value:
            self.left -= 1
            if self.left < 0:
                parts.append("...")
                break
            parts.append(f"{self.text(each[0])}: {self.text(each[1])}" if kind is dict else self.text(each))
        if kind is set and not parts:
            return "set()"
        if kind is tuple and len(parts) == 1:
            closing = ",)"
        return f"{opening}{', '.join(parts)}{closing}"


_CONTAINERS: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), dict: ("{", "}"), set: ("{", "}")}


_VIEWS: dict[type, str] = {type({}.keys()): "dict_keys", type({}.values()): "dict_values", Items: "dict_items"}


def integer(value: int) -> str:
    """An integer's digits; raises ValueError for more than Python prints, in its words."""
    if value.bit_length() > _MAX_DIGIT_BITS:
        raise ValueError(_TOO_MANY_DIGITS)
    return str(value)


def _size_or_digits(value: int) -> str:
    return f"<integer of {value.bit_length()} bits>" if value.bit_length() > _MAX_DIGIT_BITS else str(value)


def _leaf(value: Any) -> str:
    if isinstance(value, BaseException):
        name = shown_exception(type(value)).__name__
        return f"{name}({', '.join(to_repr(each) for each in value.args)})"
    return _opaque(value) or repr(value)


# The library's functions by identity, with the form they print in; held here, so that no identity is reused.
_SHOWN: dict[int, tuple[object, str]] = {}


def show_as(function: object, path: str) -> None:
    """Let a library function print as torch prints the one of that path."""
    space, _, name = path.rpartition(".")
    form = "<function {} at {:#x}>" if space in _PYTHON_FUNCTIONS else "<built-in method {} of type object at {:#x}>"
    _SHOWN.setdefault(id(function), (function, form.format(name, id(function))))


def is_shown(function: object) -> bool:
    """Whether a function is the library's that a namespace has handed out."""
    return id(function) in _SHOWN


_PYTHON_FUNCTIONS = frozenset({"torch.nn.functional", "torch.nn.init", "torch.nn.utils", "torch.autograd", "torch.autograd.functional", "torch.func"})


def _opaque(value: Any) -> str | None:
    """The printed form of functions, which is Python's for the user's own and torch's for the library's."""
    if isinstance(value, FunctionType) and is_users(value):
        return repr(value)
    if id(value) in _SHOWN:
        return _SHOWN[id(value)][1]
    if isinstance(value, FunctionType):
        return f"<built-in function {value.__name__.rstrip('_')}>"
    if isinstance(value, MethodType):
        owner = type_of(value.__self__).name.rsplit(".", 1)[-1]
        return f"<built-in method {value.__name__} of {owner} object at {id(value.__self__):#x}>"
    return None


def _exception_str(error: BaseException) -> str:
    args = error.args
    if not args:
        return ""
    if len(args) > 1:
        return to_repr(args)
    return to_repr(args[0]) if isinstance(error, KeyError) else to_str(args[0])


def joined(*parts: str) -> str:
    """The text of an f-string from the texts of its parts."""
    total = sum(map(len, parts))
    if total > MAX_TEXT:
        raise limit(f"a text of {total} characters; at most {MAX_TEXT} are allowed")
    return "".join(parts)


def formatted(value: Any, conversion: int, spec: str = "") -> str:
    """One `{value!conversion:spec}` of an f-string: numbers, bools, text and 0-dim tensors take a spec.

    Raises TypeError for a spec on any other value and ValueError for a malformed one, as Python does.
    """
    if conversion != -1:
        value = to_str(value) if conversion == ord("s") else to_repr(value)
        if conversion == ord("a"):
            value = value.encode("ascii", "backslashreplace").decode("ascii")
    elif library.loaded() and isinstance(value, library.tensor_type()):
        if value.dim() == 0 and value.device.type != "meta":
            value = value.item()
        elif spec:
            raise TypeError("unsupported format string passed to Tensor.__format__")
    if type(value) not in _FORMATTED and spec:
        if type(value) not in AS_NUMBER:
            raise TypeError(f"unsupported format string passed to {type_of(value).name}.__format__")
        value = AS_NUMBER[type(value)](value)
    if not spec or type(value) not in _FORMATTED:
        return to_str(value)
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise ValueError(f"Invalid format specifier '{spec[:40]}'")
    if int(match["width"] or 0) > MAX_WIDTH or int(match["precision"] or 0) > MAX_PRECISION:
        raise limit(f"a format wider than {MAX_WIDTH} or more precise than {MAX_PRECISION}")
    if type(value) is int and value.bit_length() > _MAX_DIGIT_BITS:
        return integer(value)
    return format(value, spec)


# Handles that a format spec sees as a number, and how; their modules enter themselves here.
AS_NUMBER: dict[type, Callable[[Any], Any]] = {}
_FORMATTED = (int, float, complex, str, bool)


def written(values: tuple[Any, ...], sep: object, end: object) -> str:
    """What `print(*values, sep=sep, end=end)` writes."""
    for name, each in (("sep", sep), ("end", end)):
        if each is not None and type(each) is not str:
            raise TypeError(f"{name} must be None or a string, not {type(each).__name__}")
    between, last = " " if sep is None else str(sep), "\n" if end is None else str(end)
    parts = [to_str(each) for each in values]
    total = sum(map(len, parts)) + len(between) * len(parts) + len(last)
    if total > 10 * MAX_TEXT:
        raise limit(f"a text of {total} characters; at most {10 * MAX_TEXT} are printed at once")
    return between.join(parts) + last
