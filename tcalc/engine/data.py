"""Tensors from Python data and numpy arrays: tensor, as_tensor, from_numpy, scalar_tensor, Tensor(...)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import backend, dtypes
from .backend import META, ndarray, resolve
from .dtypes import dtype
from .errors import TensorError, TensorTypeError, TensorValueError
from .families.common import fitting
from .families.creation import current_device
from .layout import Size
from .spec import spec_of
from .tensor import Tensor, make, wrap


def _shape_of(data: Any) -> tuple[int, ...]:
    """Sizes of nested sequences by their first members, as torch looks at them."""
    shape: list[int] = []
    while isinstance(data, (list, tuple, range)) or (isinstance(data, ndarray) and data.ndim):
        if isinstance(data, ndarray):
            return (*shape, *data.shape)
        shape.append(len(data))
        if not data:
            break
        data = data[0]
        if len(shape) > 128:
            raise TensorValueError("too many dimensions 'list'")
    return tuple(shape)


def _flatten(data: Any, shape: Sequence[int], dim: int, into: list[Any]) -> None:
    """Numbers of nested sequences in order, each level checked against `shape`."""
    if dim == len(shape):
        if isinstance(data, Tensor) and data.spec.numel != 1:
            raise TensorValueError("only one element tensors can be converted to Python scalars", "tensor", {"data": data})
        if isinstance(data, (Tensor, backend.np.generic)) or (isinstance(data, ndarray) and not data.ndim):
            data = data.item()
        if isinstance(data, (list, tuple)) and dim:
            raise TensorTypeError("not a sequence")
        if isinstance(data, str):
            raise TensorTypeError("new(): invalid data type 'str'")
        if not isinstance(data, (bool, int, float, complex)):
            raise (
                TensorValueError(f"too many dimensions '{type(data).__name__}'")
                if isinstance(data, (list, tuple))
                else TensorError(f"Could not infer dtype of {type(data).__name__}")
            )
        into.append(data)
        return
    if isinstance(data, ndarray):
        data = data.tolist()
    if not isinstance(data, (list, tuple, range)):
        raise TensorTypeError("not a sequence")
    if len(data) != shape[dim]:
        raise TensorValueError(
            f"expected sequence of length {shape[dim]} at dim {dim} (got {len(data)})", "tensor", {"data": data}, dim=dim
        )
    for item in data:
        _flatten(item, shape, dim + 1, into)


def _infer(values: list[Any]) -> dtype:
    """complex for any complex number, float for any float, else int64, else bool; the default dtype when there is nothing."""
    kinds = {type(v) for v in values}
    if any(issubclass(k, complex) for k in kinds):
        return dtypes.scalar_dtype(complex)
    if not kinds or any(issubclass(k, float) for k in kinds):
        return dtypes.get_default_dtype()
    return dtypes.bool_ if kinds == {bool} else dtypes.int64


def array_of(data: Any, wanted: dtype | None) -> Any:
    """A fresh row-major numpy array of nested Python numbers.

    Raises ValueError for ragged sequences, TypeError for what is no number.
    """
    shape = _shape_of(data)
    values: list[Any] = []
    _flatten(data, shape, 0, values)
    d = wanted
    if d is None:
        inner = data
        while isinstance(inner, (list, tuple)) and inner:
            inner = inner[0]
        d = inner.spec.dtype if isinstance(inner, Tensor) and values else _infer(values)
    numpy = backend.NUMPY[d]
    try:
        if d.category == dtypes.INT and any(isinstance(v, float) for v in values):
            values = [_whole(v, d) if isinstance(v, float) else v for v in values]
        if d.category in (dtypes.INT, dtypes.FLOAT) and any(isinstance(v, complex) for v in values):
            raise TensorTypeError(
                "must be real number, not complex" if d.category == dtypes.FLOAT else "'complex' object cannot be interpreted as an integer"
            )
        if d is dtypes.bfloat16:
            values = [float(v) for v in values]  # ml_dtypes takes no ints beyond 64 bits
        array = backend.np.array(values, dtype=numpy) if values else backend.np.empty(0, numpy)
    except OverflowError:
        if any(not -(2**63) <= v < 2**63 for v in values):
            raise TensorValueError("Overflow when unpacking long long") from None
        info = dtypes.iinfo(d)
        bad = next((v for v in values if not -info.max <= v <= info.max and v != info.min), None)
        if bad is None:  # unsigned types take the negatives of their range, modulo 2^bits
            return backend.np.array([v % (info.max + 1) for v in values], dtype=numpy).reshape(shape)
        raise _unfit(bad, d) from None
    return array.reshape(shape)


def _whole(value: float, d: dtype) -> int:
    """A float cut to a whole number.

    Raises RuntimeError with torch's sentence for one outside the dtype's range.
    """
    info = dtypes.iinfo(d)
    if not info.min <= value <= info.max:
        raise _unfit(value, d)
    return int(value)


def _unfit(value: Any, d: dtype) -> TensorError:
    return TensorError(f"value cannot be converted to type {d.name} without overflow", "tensor", {"value": value})


def tensor(data: Any, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A new leaf from numbers, nested lists or tuples of numbers, an array or a Tensor; always a copy.

    The dtype follows the data (floats: the default dtype, ints: int64, bools: bool) unless given.
    Raises ValueError for ragged lists, RuntimeError when a non-float tensor is asked to require grad.

    See: as_tensor, from_numpy, zeros, arange

    >>> tensor([[1., 2.], [3., 4.]])
    tensor([[1., 2.],
            [3., 4.]])
    """
    where = current_device() if device is None else resolve(device)
    dtype = _dtype(dtype)
    if isinstance(data, Tensor):
        source = data.detach().clone() if data.a is not None else data
        if device is None:
            where = data.spec.device
        t: Tensor = source.to(where, dtype or data.spec.dtype)
        t.node = None
    elif isinstance(data, (ndarray, backend.np.generic)):
        array = backend.np.array(data, order="C")
        d = dtype or backend.dtype_of(array.dtype)
        t = _placed(array.astype(backend.NUMPY[d], copy=False), where)
    else:
        t = _placed(array_of(data, dtype), where)
    if requires_grad:
        if not t.spec.dtype.continuous:
            raise TensorError("Only Tensors of floating point and complex dtype can require gradients", "tensor", {"data": data}, dtype=t.spec.dtype.name)
        t.requires_grad_()
    return t


def _dtype(given: Any) -> dtype | None:
    if given is None or isinstance(given, dtypes.dtype):
        return given
    named = {float: dtypes.float64, int: dtypes.int64, bool: dtypes.bool_, complex: dtypes.complex128}.get(given)
    if named is None:
        raise TensorTypeError(f"tensor(): argument 'dtype' must be torch.dtype, not {type(given).__name__}")
    return named


def _placed(array: Any, where: backend.device) -> Tensor:
    if where is META:
        return make(None, spec_of(backend.dtype_of(array.dtype), META, array.shape))
    if where.type == "cuda":
        array = backend.transfer(array, where)
    return make(array, spec_of(backend.dtype_of(array.dtype), where, array.shape))


def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """The data as a Tensor, sharing memory with an array or Tensor when dtype and device allow.

    See: tensor (copies), from_numpy

    >>> as_tensor([1, 2])
    tensor([1, 2])
    """
    if isinstance(data, Tensor):
        return data.to(device or data.spec.device, _dtype(dtype) or data.spec.dtype)  # type: ignore[no-any-return]  # an op
    if isinstance(data, ndarray):
        shared = from_numpy(data)
        return shared if dtype is None and device is None else as_tensor(shared, dtype, device)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(array: Any) -> Tensor:
    """A Tensor on the memory of a numpy array: writing one writes the other.

    Raises TypeError for anything else and for element types torch does not have, ValueError for negative strides.

    See: Tensor.numpy, as_tensor, tensor

    >>> import numpy as np
    >>> from_numpy(np.array([1., 2.]))
    tensor([1., 2.], dtype=torch.float64)
    """
    if not isinstance(array, ndarray):
        raise TensorTypeError(f"expected np.ndarray (got {type(array).__name__})", "from_numpy", {"array": array})
    return wrap(array)


def scalar_tensor(value: Any, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A 0-dim tensor of one number, in the default dtype unless given.

    >>> scalar_tensor(3)
    tensor(3.)
    """
    wanted = dtype or dtypes.get_default_dtype()
    return tensor(fitting(value, wanted), dtype=wanted, device=device, requires_grad=requires_grad)


def legacy_tensor(*args: Any, d: dtype | None = None) -> Tensor:
    """`Tensor(2, 3)` (sizes; zeros here) or `Tensor([1, 2])` (data), in the default dtype.

    Raises TypeError for anything else.
    """
    d = d or dtypes.get_default_dtype()
    if len(args) == 1 and isinstance(args[0], Size):
        args = tuple(args[0])
    elif len(args) == 1 and isinstance(args[0], (list, tuple)):
        return tensor(args[0], dtype=d)
    if len(args) == 1 and isinstance(args[0], Tensor):
        if args[0].spec.dtype is not d:
            raise TensorTypeError(f"expected {d.kernel_name} (got {args[0].spec.dtype.kernel_name})")
        return args[0].detach()
    for bad in (a for a in args if not isinstance(a, int) or isinstance(a, bool)):
        raise TensorTypeError(
            f"new(): invalid data type '{type(bad).__name__}'"
            if isinstance(bad, str)
            else f"new() received an invalid combination of arguments - got ({type(bad).__name__})"
        )
    spec = spec_of(d, backend.CPU, tuple(args))
    backend.check_fits(spec.nbytes, backend.CPU)
    return make(backend.full(tuple(args), 0, backend.NUMPY[d], backend.CPU), spec)
