"""Python's own functions, as the language offers them: bounded, and torch's where the argument is a tensor."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from tcalc.lang import gate, library
from tcalc.lang.bounded import (
    BigRange,
    add,
    check_length,
    checked_tuple,
    comparable,
    make_range,
    modular_power,
    power,
    spread,
)
from tcalc.lang.errors import Exit, limit
from tcalc.lang.iterators import Items, Lazy, lazy
from tcalc.lang.namespaces import Namespace
from tcalc.lang.text import to_repr, to_str
from tcalc.lang.tokens import (
    EXCEPTIONS,
    TypeToken,
    answers,
    is_instance,
    named,
    register,
    stands_for,
    token_of,
    type_of,
)

_MAX_ROUND = 5_000
_NUMBERS: tuple[type, ...] = (int, float, bool, complex)


def is_tensor(value: object) -> bool:
    """Whether a value is a tensor; the tensor library is not loaded for the question."""
    return library.loaded() and isinstance(value, library.tensor_type())


def _torch(name: str, *args: Any, **kwargs: Any) -> Any:
    function: Any = library.table("torch")[name]
    return function(*args, **kwargs)


def publish(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Give a function the name that Python's sentences about its arguments shall use."""
    function.__name__ = function.__qualname__ = name
    function.__module__ = "builtins"
    return function


def sum_(values: Any, *args: Any, **kwargs: Any) -> Any:
    """Python's sum of values, torch's of a tensor."""
    if is_tensor(values):
        return _torch("sum", values, *args, **kwargs)
    start = _sum_start(*args, **kwargs)
    if type(start) in _NUMBERS:
        return builtins.sum(spread(values), start)
    if type(start) is str:
        raise TypeError("sum() can't sum strings [use ''.join(seq) instead]")
    for each in spread(values):
        start = add(start, each)
    return start


def _sum_start(start: Any = 0) -> Any:
    return start


def abs_(value: Any) -> Any:
    """Absolute value."""
    return _torch("abs", value) if is_tensor(value) else builtins.abs(value)


def all_(values: Any, *args: Any, **kwargs: Any) -> Any:
    """Whether all are true."""
    if is_tensor(values):
        return _torch("all", values, *args, **kwargs)
    return builtins.all(values, *args, **kwargs)


def any_(values: Any, *args: Any, **kwargs: Any) -> Any:
    """Whether any is true."""
    if is_tensor(values):
        return _torch("any", values, *args, **kwargs)
    return builtins.any(values, *args, **kwargs)


def max_(*args: Any, **kwargs: Any) -> Any:
    """Python's max of values, torch's of a tensor."""
    return _extreme("max", builtins.max, args, kwargs)


def min_(*args: Any, **kwargs: Any) -> Any:
    """Python's min of values, torch's of a tensor."""
    return _extreme("min", builtins.min, args, kwargs)


def _extreme(name: str, python: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if args and is_tensor(args[0]) and "key" not in kwargs:
        return _torch(name, *args, **kwargs)
    for each in args:
        comparable(spread(each))
    return python(*args, **kwargs)


def round_(value: Any, *args: Any, **kwargs: Any) -> Any:
    """Round half to even."""
    if is_tensor(value):
        digits = {"decimals": args[0]} if args else {}
        return _torch("round", value, **digits, **kwargs)
    for each in (*args, *kwargs.values()):
        if type(each) is int and builtins.abs(each) > _MAX_ROUND:
            raise limit(f"round() to {each} digits; at most {_MAX_ROUND}")
    return builtins.round(value, *args, **kwargs)


def pow_(base: Any, exp: Any, mod: Any = None) -> Any:
    """`base ** exp`, or the same modulo `mod`."""
    return power(base, exp) if mod is None else modular_power(base, exp, mod)


def sorted_(values: Any, /, *, key: Any = None, reverse: Any = False) -> list[Any]:
    """A sorted list."""
    found = list_(values)
    comparable(found)
    found.sort(key=key, reverse=bool(reverse))
    return found


def int_(*args: Any, **kwargs: Any) -> int:
    """`int(...)`; Python's advice about its limit cannot be followed here."""
    try:
        return int(*args, **kwargs)
    except ValueError as error:
        sentence, advice, _ = str(error).partition("; use sys.")
        if not advice:
            raise
        raise ValueError(sentence) from None


def list_(*values: Any) -> list[Any]:
    """`list(...)`."""
    return builtins.list(*(spread(each) for each in values))


def tuple_(*values: Any) -> tuple[Any, ...]:
    """`tuple(...)`."""
    return checked_tuple(builtins.tuple(*(spread(each) for each in values)))


def set_(*values: Any) -> set[Any]:
    """`set(...)`."""
    return builtins.set(*(spread(each) for each in values))


def dict_(*values: Any, **named: Any) -> dict[Any, Any]:
    """`dict(...)`."""
    found: dict[Any, Any] = builtins.dict(*(spread(each) for each in values), **named)
    check_length(len(found), [])
    return found


def str_(*values: Any) -> str:
    """`str(...)`."""
    if len(values) > 1:
        raise TypeError("str() takes one value here")
    return to_str(values[0]) if values else ""


def slice_(*bounds: Any) -> slice:
    """`slice(...)`; only of numbers and None."""
    for each in bounds:
        if each is not None and type(each) is not int and not is_tensor(each):
            raise TypeError("slice indices must be integers or None")
    return builtins.slice(*bounds)


def zip_(*values: Any, strict: Any = False) -> Lazy:
    """`zip(...)`."""
    return lazy(builtins.zip(*values, strict=bool(strict)), "zip", *values)


def map_(function: Any, *values: Any) -> Lazy:
    """`map(...)`."""
    return lazy(builtins.map(function, *values), "map", *values)


def filter_(function: Any, values: Any) -> Lazy:
    """`filter(...)`."""
    python = builtins.bool if isinstance(function, TypeToken) and function.cls is builtins.bool else function
    return lazy(builtins.filter(python, values), "filter", values)


def enumerate_(values: Any, start: Any = 0) -> Lazy:
    """`enumerate(...)`."""
    return lazy(builtins.enumerate(values, start), "enumerate", values)


def reversed_(values: Any) -> Lazy:
    """`reversed(...)`."""
    source = values._range if type(values) is BigRange else values
    return lazy(builtins.reversed(source), "reversed", values)


def iter_(values: Any) -> Lazy:
    """`iter(...)` of one value."""
    if type(values) is Lazy:
        return values
    return lazy(builtins.iter(values), f"{type_of(values).name}_iterator", values)


def next_(iterator: Any, *default: Any) -> Any:
    """`next(...)` of an iterator of the language."""
    if type(iterator) is not Lazy:
        raise TypeError(f"'{type_of(iterator).name}' object is not an iterator")
    return builtins.next(iterator, *default)


def len_(value: Any) -> int:
    """`len(...)`."""
    return builtins.len(value)


def type_(*args: Any) -> TypeToken:
    """`type(x)`; nothing can be made with it."""
    if len(args) != 1:
        raise TypeError("type() takes 1 argument here: classes are not part of the language")
    return type_of(args[0])


def isinstance_(value: Any, kinds: Any) -> bool:
    """`isinstance(...)`."""
    return is_instance(value, kinds)


def repr_(value: Any) -> str:
    """`repr(...)`."""
    return to_repr(value)


def hasattr_(value: Any, name: Any) -> bool:
    """`hasattr(...)`, as far as the language can reach."""
    return gate.has(value, name)


def id_(value: Any) -> int:
    """The address of a value."""
    return builtins.id(value)


def divmod_(a: Any, b: Any) -> Any:
    """`(a // b, a % b)`."""
    if type(a) is str:
        raise TypeError("unsupported operand type(s) for divmod(): 'str'")
    return builtins.divmod(a, b)


def chr_(code: Any) -> str:
    """The character of a code point."""
    return builtins.chr(code)


def ord_(character: Any) -> int:
    """The code point of a character."""
    return builtins.ord(character)


def bin_(value: Any) -> str:
    """Binary digits."""
    return builtins.bin(value)


def hex_(value: Any) -> str:
    """Hexadecimal digits."""
    return builtins.hex(value)


def oct_(value: Any) -> str:
    """Octal digits."""
    return builtins.oct(value)


def callable_(value: Any) -> bool:
    """Whether a value can be called."""
    return builtins.callable(value)


class Quit:
    """`exit` and `quit`: called, they end the session."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, code: Any = 0) -> None:
        raise Exit(code if type(code) is int else int(code is not None))

    __call__.__qualname__ = "exit"

    def __repr__(self) -> str:
        return f"Use {self._name}() or Ctrl-D (i.e. EOF) to exit"


_CALLABLE = (
    sum_, abs_, all_, any_, max_, min_, round_, pow_, sorted_, zip_, map_, filter_, enumerate_, reversed_, iter_, next_,
    len_, type_, isinstance_, repr_, hasattr_, id_, divmod_, chr_, ord_, bin_, hex_, oct_, callable_,
)  # fmt: skip

FUNCTIONS: dict[str, Any] = {each.__name__.removesuffix("_"): each for each in _CALLABLE}
for _name, _function in FUNCTIONS.items():
    publish(_function, _name)
for _make in (list_, tuple_, set_, dict_, str_, slice_):
    _cls = getattr(builtins, _make.__name__.removesuffix("_"))
    FUNCTIONS[_cls.__name__] = register(_cls, publish(_make, _cls.__name__))
FUNCTIONS["range"] = register(range, make_range)
token_of(int).make = publish(int_, "int")
for _plain in (*_NUMBERS, *EXCEPTIONS):
    FUNCTIONS[_plain.__name__] = token_of(_plain)
FUNCTIONS["BaseException"] = token_of(Exception)
FUNCTIONS["exit"], FUNCTIONS["quit"] = Quit("exit"), Quit("quit")
stands_for(Namespace, type(builtins))
stands_for(TypeToken, type)
stands_for(Items, type({}.items()))
answers(Lazy, lambda value: named(value.name, Lazy))
