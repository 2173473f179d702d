"""The one gate through which a program reaches attributes: listed names per exact type, everything else refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType, MethodType
from typing import Any

from tcalc.lang import library
from tcalc.lang.bounded import checked_tuple
from tcalc.lang.errors import LangError
from tcalc.lang.iterators import Lazy
from tcalc.lang.methods import BUILTIN_ATTRIBUTES
from tcalc.lang.namespaces import REFUSED_ATTRIBUTES, Namespace
from tcalc.lang.suggest import nearest
from tcalc.lang.text import is_shown
from tcalc.lang.tokens import TypeToken, as_dtype, is_users, shown_exception, type_of

# True: read the attribute as it is. A function: what stands for it, made from the value.
Access = bool | Callable[[Any], Any]

_TABLE: dict[type, Mapping[str, Access]] = dict(BUILTIN_ATTRIBUTES)
_NOTHING: Mapping[str, Access] = {}
_STORABLE = ("grad", "requires_grad", "data", "real", "imag")


def allow(cls: type, names: Mapping[str, Access]) -> None:
    """Let programs read these attributes of values of exact type `cls`."""
    _TABLE[cls] = names


def get(value: Any, name: str) -> Any:
    """`value.name`; raises AttributeError for anything not listed for the exact type of `value`."""
    kind = type(value)
    if kind is Namespace:
        return value.member(name)
    names = _TABLE.get(kind)
    if names is None:
        names = _names_of(value)
    how = names.get(name)
    if how is True:
        return getattr(value, name)
    if how is None and library.loaded() and name in library.attributes().get(kind, ()) and not name.startswith("_"):
        del _TABLE[kind]  # an op that was declared since
        return get(value, name)
    if how is None or how is False:
        raise _missing(value, name, names)
    return how(value)


def known(value: Any) -> list[str]:
    """The attributes that programs may read of a value, for completion."""
    if type(value) is Namespace:
        return value.names()
    if type(value) is TypeToken:
        return [name for name in _CLASS_FUNCTIONS if has(value, name)]
    names = _TABLE.get(type(value))
    return sorted(_names_of(value) if names is None else names)


def has(value: Any, name: object) -> bool:
    """`hasattr(value, name)`."""
    if type(name) is not str:
        raise TypeError("attribute name must be string")
    try:
        get(value, name)
    except AttributeError:
        return False
    except LangError as error:
        if error.kind != "refused":
            raise
        return False
    return True


class Put:
    """The target of `value.name = x`: a subscript by the attribute's name, so that it can stand wherever a target can."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getitem__(self, name: str) -> Any:
        return get(self._value, name)

    def __setitem__(self, name: str, new: Any) -> None:
        value = self._value
        if not (library.loaded() and isinstance(value, library.tensor_type())):
            raise AttributeError(f"attributes of {_called(value)} cannot be assigned")
        if name not in _STORABLE:
            raise AttributeError(f"'{name}' of a Tensor cannot be assigned; only {', '.join(_STORABLE)} can")
        setattr(value, name, new)

    def __delitem__(self, name: str) -> None:
        self[name] = None  # only `del x.grad` passes the check, and torch sets it to None


def _names_of(value: Any) -> Mapping[str, Access]:
    """The listed attributes of a type met for the first time, remembered."""
    kind = type(value)
    if isinstance(value, BaseException):
        names: Mapping[str, Access] = {"args": _exception_args}
    elif kind is TypeToken:
        names = {name: _of_class(name) for name in _CLASS_FUNCTIONS}
    elif library.loaded() and kind in library.attributes():
        listed = {name: True for name in library.attributes()[kind] if not name.startswith("_")}
        names = {**listed, **_overrides(kind, listed)}
    else:
        names = _NOTHING
    _TABLE[kind] = names
    return names


_CLASS_FUNCTIONS = ("from_pretrained", "generate_square_subsequent_mask")  # of Embedding and Transformer, called on the class


def _of_class(name: str) -> Access:
    """Reads a function off the class of modules that has it."""

    def read(token: TypeToken) -> Any:
        if library.loaded() and token.cls in library.attributes() and name in vars(token.cls):
            return getattr(token.cls, name)
        raise _missing(token, name, _NOTHING)

    return read


def _exception_args(error: BaseException) -> Any:
    """What the exception was made with, or its text alone where a library put values of its own in (NumPy its ufuncs)."""
    args = checked_tuple(error.args)  # whatever is nested in it is few and not deep
    return args if all(map(is_offered, args)) else (str(error),)


_OFFERED = frozenset({*BUILTIN_ATTRIBUTES, type(None), type(Ellipsis), type(NotImplemented), TypeToken, Namespace, MethodType})


def is_offered(value: object) -> bool:
    """Whether a value is of a kind that programs come by in other ways too; a tuple, if what it holds is."""
    kind = type(value)
    if kind is tuple:
        return all(map(is_offered, value))  # type: ignore[call-overload]  # a tuple
    if kind is FunctionType:
        return is_users(value) or is_shown(value)  # type: ignore[arg-type]  # a function
    return kind in _OFFERED or kind in _TABLE or isinstance(value, Exception) or (library.loaded() and kind in library.attributes())


def _overrides(kind: type, listed: Mapping[str, Access]) -> dict[str, Access]:
    overrides = _TENSOR_OVERRIDES if issubclass(kind, library.tensor_type()) else _GENERATORS
    return {name: how for name, how in overrides.items() if name in listed}


def _generator(name: str) -> Access:
    """A method of nn modules that gives a generator, which programs see as an iterator of ours."""

    def access(module: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Lazy:
            return Lazy(iter(getattr(module, name)(*args, **kwargs)), "generator", 1, f" Module.{name}")

        call.__name__ = name
        return call

    return access


_GENERATORS: dict[str, Access] = {
    name: _generator(name)
    for name in ["parameters", "named_parameters", "buffers", "named_buffers", "children", "named_children", "modules", "named_modules"]
}


def _numpy_method(tensor: Any) -> Any:
    def numpy(*, force: bool = False) -> Any:
        """The tensor's array, sharing memory."""
        from tcalc.lang import arraynames  # noqa: F401 - lists the attributes of handles
        from tcalc.lang.arrays import wrap

        return wrap(tensor.numpy(force=force) if force else tensor.numpy())

    return numpy


def _with_dtypes(name: str) -> Access:
    """A method that takes a dtype by position, where int, float and bool are meant as dtypes."""

    def access(tensor: Any) -> Any:
        method = getattr(tensor, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            return method(*map(as_dtype, args), **kwargs)

        call.__name__ = name
        return call

    return access


_TENSOR_OVERRIDES: dict[str, Access] = {"numpy": _numpy_method, "to": _with_dtypes("to"), "type": _with_dtypes("type")}


def _called(value: Any) -> str:
    """How an error speaks of a value's type."""
    if type(value) is TypeToken:
        return f"type {value.name}"
    return f"'{type_of(value).name.rsplit('.', 1)[-1]}' object"


def _missing(value: Any, name: str, names: Mapping[str, Access]) -> AttributeError:
    if isinstance(value, BaseException):
        return AttributeError(f"'{shown_exception(type(value)).__name__}' object has no attribute '{name}', only args")
    if name in REFUSED_ATTRIBUTES and "reshape" in names:
        return AttributeError(f"{_called(value)} has no attribute '{name}': {REFUSED_ATTRIBUTES[name]}")
    near = nearest(name, names)
    hint = f". Did you mean {near}?" if near else ""
    return AttributeError(f"{_called(value)} has no attribute '{name}'{hint}")
