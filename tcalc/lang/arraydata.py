"""Array handles as the data of tensors: `tensor(np.ones(2))`, `tensor([np.float32(1)])`, `Tensor(np.ones(2))`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tcalc.lang import library
from tcalc.lang.arrays import Array, check_size, unwrap
from tcalc.lang.bounded import comparable


def opened(value: Any, kwargs: dict[str, Any], *, is_given: bool = False) -> tuple[Any, dict[str, Any]]:
    """The data and keywords for `tensor(value, **kwargs)` with the handles in `value` opened.

    The dtype of numbers and arrays in a list counts as torch counts it: all are promoted together. `is_given` says
    that a dtype was given by position.
    """
    if type(value) is Array:
        return unwrap(value), kwargs
    if type(value) not in (list, tuple):
        return value, kwargs
    leaves = list(_leaves(comparable(value)))
    if not any(type(each) is Array for each in leaves):
        return value, kwargs
    check_size(sum(each._array.size if type(each) is Array else 1 for each in leaves))
    if kwargs.get("dtype") is None and not is_given:
        kwargs = {**kwargs, "dtype": _common_dtype(leaves)}
    return _opened(value), kwargs


def legacy_argument(value: Any, make: Callable[..., Any]) -> Any:
    """`Tensor(value)`: the numbers of an array in the default dtype; anything else is `make`'s own matter."""
    if type(value) is Array and not value._scalar:
        torch: Any = library.table("torch")
        return torch["tensor"](unwrap(value), dtype=torch["get_default_dtype"]())
    if type(value) is Array:
        return make(value._array.item())
    return make(opened(value, {})[0])


def _opened(value: Any) -> Any:
    if type(value) is list or type(value) is tuple:
        return [_opened(each) for each in value]
    return unwrap(value) if type(value) is Array else value


def _leaves(value: Any) -> Iterator[Any]:
    for each in value:
        if type(each) is list or type(each) is tuple:
            yield from _leaves(each)
        else:
            yield each


def _common_dtype(leaves: list[Any]) -> Any:
    torch: Any = library.table("torch")
    found = None
    for kind in {_dtype(each) for each in leaves} - {None}:
        found = kind if found is None else torch["promote_types"](found, kind)
    return found


def _dtype(value: Any) -> Any:
    """The dtype a member of a list asks for, None for what `tensor` itself will refuse."""
    torch: Any = library.table("torch")
    if type(value) is Array:
        return torch["from_numpy"](value._array).dtype
    if isinstance(value, library.tensor_type()):
        return value.dtype
    named = {bool: "bool", int: "int64"}.get(type(value))
    return torch[named] if named else torch["get_default_dtype"]() if type(value) is float else None
