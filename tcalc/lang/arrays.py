"""NumPy's arrays as the language shows them: a thin handle that computes, indexes and prints, and shares memory.

The array itself never leaves this module except into the engine: its other methods write files, hand out pointers and
reinterpret memory. Imported only when a program first names NumPy.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

from tcalc.lang import library
from tcalc.lang.bounded import AUGMENTED, comparable
from tcalc.lang.errors import limit
from tcalc.lang.tokens import TypeToken, type_of

np = library.numpy()

MAX_ELEMENTS = 100_000_000
KINDS = "biufc"


class Array:
    """A NumPy array, or with `scalar` one of NumPy's numbers, behind a handle. Its type prints as NumPy's."""

    __slots__ = ("_array", "_scalar")
    __array_ufunc__ = None  # NumPy's own values leave operators with a handle to the handle

    def __init__(self, array: Any, scalar: bool = False) -> None:
        self._array, self._scalar = array, scalar

    def __repr__(self) -> str:
        return repr(self._array[()] if self._scalar else self._array)

    def __str__(self) -> str:
        return str(self._array[()] if self._scalar else self._array)

    def __len__(self) -> int:
        return len(self._array)

    def __bool__(self) -> bool:
        return bool(self._array)

    def __int__(self) -> int:
        return int(self._array)

    def __float__(self) -> float:
        return float(self._array)

    def __complex__(self) -> complex:
        return complex(self._array)

    def __index__(self) -> int:
        return operator.index(self._array[()])

    def __iter__(self) -> Iterator[Any]:
        return map(wrap, iter(self._array))

    def __contains__(self, value: Any) -> bool:
        return bool(unwrap(value) in self._array)

    def __getitem__(self, key: Any) -> Any:
        return wrap(self._array[_index(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._array[_index(key)] = unwrap(value)

    def __hash__(self) -> int:
        return hash(self._array[()])

    def __eq__(self, other: object) -> Any:
        return _operate(operator.eq, self, other)

    def __ne__(self, other: object) -> Any:
        return _operate(operator.ne, self, other)


class DType:
    """A NumPy dtype, or with `is_type` the scalar type of that name: printed, compared, called, passed as `dtype=`."""

    __slots__ = ("dtype", "is_type")

    def __init__(self, dtype: Any, is_type: bool) -> None:
        self.dtype, self.is_type = dtype, is_type

    def __repr__(self) -> str:
        return f"<class 'numpy.{self.dtype.name}'>" if self.is_type else repr(self.dtype)

    def __str__(self) -> str:
        return repr(self) if self.is_type else str(self.dtype)

    def __eq__(self, other: object) -> bool:
        other = other.cls if isinstance(other, TypeToken) else other
        other = other.dtype if isinstance(other, DType) else other
        return other is not None and bool(self.dtype == other)

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __call__(self, value: Any = 0) -> Any:
        if not self.is_type:
            raise TypeError("'numpy.dtype' object is not callable")
        return wrap(_checked(self.dtype.type(unwrap(value))))


def wrap(value: Any) -> Any:
    """What the language sees of a NumPy result; object arrays and the like are refused with a TypeError."""
    if isinstance(value, np.ndarray):
        return Array(_checked(value))
    if isinstance(value, np.generic):
        return Array(np.asarray(_checked(value)), scalar=True)
    if isinstance(value, (tuple, list)):
        return type(value)(map(wrap, value)) if type(value) in (tuple, list) else tuple(map(wrap, value))
    if isinstance(value, np.dtype):
        return DType(value, is_type=False)
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return value
    raise TypeError(f"a NumPy value of type {type(value).__name__} is not part of the language")


def _checked(value: Any) -> Any:
    if value.dtype.kind not in KINDS:
        raise TypeError(f"NumPy arrays of {value.dtype} are not part of the language")
    if value.size > MAX_ELEMENTS and value.nbytes > library.owner_of(value).nbytes:
        check_size(value.size)  # few bytes shown many times: a loop over them would not end
    return value


def unwrap(value: Any) -> Any:
    """What NumPy is handed for a value of the language: numbers, and lists and tuples of them."""
    kind = type(value)
    if kind is Array:
        return value._array[()] if value._scalar else value._array
    if kind in _PASSED:
        return value
    if kind is DType:
        return value.dtype
    if kind is TypeToken:
        return value.cls
    if kind is list or kind is tuple:
        check_size(_leaves(comparable(value)))
        return kind(map(unwrap, value))
    if kind is range or value in (int, float, bool, complex):
        return value
    if library.loaded() and isinstance(value, library.tensor_type()):
        return _checked(value.detach().numpy())
    raise TypeError(f"NumPy cannot use a value of type '{type_of(value).name}' here")


def _leaves(value: Any) -> int:
    """How many numbers a nested list stands for, the arrays in it opened."""
    stack, total = [value], 0
    while stack:
        for each in stack.pop():
            if type(each) is list or type(each) is tuple:
                stack.append(each)
            else:
                total += each._array.size if type(each) is Array else 1
    return total


_PASSED = frozenset({int, float, bool, complex, str, type(None), type(Ellipsis), slice})


def _index(key: Any) -> Any:
    return tuple(map(unwrap, key)) if type(key) is tuple else unwrap(key)


def _operate(function: Callable[..., Any], *values: Any) -> Any:
    """An operator on two values of which one is a handle, or on one handle."""
    if library.loaded() and len(values) == 2:
        left, right = values
        if isinstance(right, library.tensor_type()):
            return _before_tensor(function, left, right)
        if isinstance(left, library.tensor_type()):
            return _after_tensor(function, left, right)
    try:
        arrays = [unwrap(value) for value in values]
    except TypeError:
        return NotImplemented
    check_size(result_size(function, arrays))
    return wrap(function(*arrays))


def _before_tensor(function: Callable[..., Any], handle: Array, tensor: Any) -> Any:
    """`handle` op `tensor` as torch does it: one of NumPy's numbers counts as Python's, an array only divides."""
    if handle._scalar:
        number = handle._array.item()
        if function in _SHIFTS:
            return function(_torch("tensor")(number), tensor)
        return NotImplemented if function is operator.matmul else function(number, tensor)
    if function is operator.truediv:
        return _after_tensor(operator.mul, tensor.reciprocal(), handle)
    if function is operator.eq:
        return _after_tensor(function, tensor, handle)
    if function is operator.add:
        raise TypeError(_CONCATENATION)
    return NotImplemented


def _after_tensor(function: Callable[..., Any], tensor: Any, handle: Array) -> Any:
    """`tensor` op `handle` as torch does it: with an array NumPy computes, and a tensor without history comes out."""
    if handle._scalar:
        return NotImplemented if function is operator.matmul else function(tensor, handle._array.item())
    if function in _NOT_WITH_ARRAYS:
        return NotImplemented
    arrays = [tensor.numpy(), handle._array]
    check_size(result_size(function, arrays))
    result = np.asarray(function(*arrays))
    if result.dtype == np.bool_ and function is not operator.eq:
        result = result.astype(np.uint8)  # what torch makes of NumPy's bool there
    return _torch("from_numpy")(result)


def augmented(function: Callable[[Any, Any], Any], target: Any, handle: Array) -> Any:
    """`target op= handle`; a tensor takes NumPy's numbers in place, and a new tensor comes out with an array."""
    if library.loaded() and isinstance(target, library.tensor_type()):
        return function(target, handle._array.item()) if handle._scalar else _NOT_IN_PLACE[function](target, handle)
    return function(target, handle)


_NOT_IN_PLACE: dict[Callable[[Any, Any], Any], Callable[[Any, Any], Any]] = {
    getattr(operator, f"i{name}"): getattr(operator, name)
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lshift")
}


def _torch(name: str) -> Any:
    return library.table("torch")[name]


_SHIFTS = frozenset({operator.__lshift__, operator.__rshift__})
_NOT_WITH_ARRAYS = frozenset({operator.lt, operator.le, operator.gt, operator.ge, operator.ne})
# NumPy's own sentence, which torch's refusal turns into.
_CONCATENATION = (
    "Concatenation operation is not implemented for NumPy arrays, use np.concatenate() instead. "
    "Please do not rely on this error; it may not be given on all Python implementations."
)


def result_size(function: Callable[..., Any], arrays: list[Any]) -> int:
    """How many elements an operator would make of these operands; 0 where it will refuse them itself."""
    shapes = [np.shape(each) for each in arrays]
    if function is operator.matmul and len(shapes) == 2 and all(shapes):
        left, right = shapes
        rows, columns = left[:-1], right[:-2] + right[-1:] if len(right) > 1 else ()
        return int(math.prod(rows) * math.prod(columns))
    try:
        return int(math.prod(np.broadcast_shapes(*shapes)))
    except ValueError:
        return 0


def check_size(count: int) -> None:
    """Refuse an array of so many elements before NumPy allocates it."""
    if count > MAX_ELEMENTS:
        raise limit(f"an array of {count} elements; at most {MAX_ELEMENTS} are allowed")


def _binary(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: _operate(function, self, other)


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: _operate(function, other, self)


def _unary(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self: _operate(function, self)


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Array, other: Any) -> Any:
        if self._scalar:
            return _operate(function, self, other)
        if library.loaded() and isinstance(other, library.tensor_type()):
            return NotImplemented  # the plain operator knows what torch does
        function(self._array, unwrap(other))
        return self

    return method


_BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift"]
for _name in _BINARY:
    _plain = getattr(operator, f"__{_name}__")
    setattr(Array, f"__{_name}__", _binary(_plain))
    setattr(Array, f"__r{_name}__", _reflected(_plain))
    setattr(Array, f"__i{_name}__", _in_place(getattr(operator, f"__i{_name}__")))
for _name in ("lt", "le", "gt", "ge"):
    setattr(Array, f"__{_name}__", _binary(getattr(operator, _name)))
AUGMENTED[Array] = augmented
Array.__name__ = "numpy.ndarray"  # what Python's and torch's sentences call it
DType.__name__ = "numpy.dtype"
for _name in ("neg", "pos", "abs", "invert"):
    setattr(Array, f"__{_name}__", _unary(getattr(operator, _name)))
