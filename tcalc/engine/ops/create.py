"""Tensors from nothing: filled, counted, spaced, and like another tensor."""

from __future__ import annotations

import math

from .. import dtypes
from ..backend import CPU, check_fits, np
from ..errors import TensorError
from ..families.common import fitting, not_implemented
from ..families.creation import creation, filled
from ..rounding import fma32, fma64
from ..spec import spec_of


def _plan_zeros(size):
    if any(n < 0 for n in size):
        raise TensorError("zeros: Dimension size must be non-negative.")
    return size, None


@creation(plan=_plan_zeros, out=True)
def zeros(xp, spec, size: Size):
    """All 0.

    See: ones, full, zeros_like, new_zeros

    >>> zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return xp.zeros(spec.shape, spec.numpy)


@creation(plan=lambda size: (size, None), out=True)
def ones(xp, spec, size: Size):
    """All 1.

    See: zeros, full, ones_like, eye

    >>> ones(2, 3)
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """
    return xp.ones(spec.shape, spec.numpy)


@creation(plan=lambda size: (size, None), out=True)
def empty(xp, spec, size: Size):
    """Memory without values of its own; tcalc gives zeros, where torch gives whatever was there.

    See: zeros, empty_like

    >>> empty(2, 3).shape
    torch.Size([2, 3])
    """
    return xp.zeros(spec.shape, spec.numpy)


def _strided(size, stride, dtype=None):
    if len(size) != len(stride):
        raise TensorError(f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})")
    for n in size:
        if n < 0:
            raise TensorError(f"Trying to create tensor with negative dimension {n}: {list(size)}")
    if any(s < 0 for s in stride):
        raise TensorError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}")
    return tuple(size), dtype, tuple(stride)


@creation(plan=_strided)
def empty_strided(xp, spec, size: Size, stride: Size):
    """Memory of the given size and strides; tcalc gives zeros, where torch gives whatever was there.

    Shapes: size
    See: empty, empty_permuted, as_strided

    >>> empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    return filled(spec, lambda a: a.fill(0))


@creation(plan=lambda source, size, stride: _strided(size, stride, source.dtype), like="new")
def new_empty_strided(xp, spec, self, size: Size, stride: Size):
    """Memory of the given size and strides, with the dtype and device of `self`; zeros.

    >>> ones(1).new_empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    return filled(spec, lambda a: a.fill(0))


def _permuted(size, physical_layout):
    if len(size) != len(physical_layout):
        raise TensorError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) ="
            f" {len(size)} is not equal to len(physical_layout) = {len(physical_layout)}"
        )
    for i, d in enumerate(physical_layout):
        if not 0 <= d < len(size):
            raise TensorError(
                f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {d} at index {i}).  NB: negative dims not currently"
                " supported; file an issue if you want it."
            )
    if len(set(physical_layout)) != len(size):
        raise TensorError("Duplicate dim not allowed")
    strides, step = [0] * len(size), 1
    for d in physical_layout[::-1]:
        strides[d] = step
        step *= max(size[d], 1)
    return tuple(size), None, tuple(strides)


@creation(plan=_permuted)
def empty_permuted(xp, spec, size: Size, physical_layout: Size):
    """Memory without gaps whose dims lie, outermost first, in the order `physical_layout`; zeros.

    Shapes: size
    See: empty, empty_strided, permute

    >>> empty_permuted((2, 3), (1, 0)).stride()
    (1, 2)
    """
    return filled(spec, lambda a: a.fill(0))


def _plan_indices(name, find):
    def plan(row, col, offset):
        for label, n in (("row", row), ("col", col)):
            if n < 0:
                raise TensorError(f"{label} must be non-negative, got{n}")
        check_fits(row * col, CPU)  # NumPy marks the places in a matrix of bools
        return (2, len(find(row, offset, col)[0])), dtypes.int64

    return plan


def _pairs(spec, places, name):
    if spec.dtype.category != dtypes.INT or spec.dtype.itemsize < 2:
        raise not_implemented(name, spec.dtype)
    return places


@creation(plan=_plan_indices("tril_indices", np.tril_indices))
def tril_indices(xp, spec, row: Int, col: Int, offset: Int = 0):
    """The places of a (row, col) matrix on and below diagonal `offset`, row by row: rows first, then columns.

    Shapes: (2, n), for n places
    See: tril, triu_indices, nonzero

    >>> tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return xp.stack(_pairs(spec, xp.tril_indices(row, offset, col), "tril_indices"))


@creation(plan=_plan_indices("triu_indices", np.triu_indices))
def triu_indices(xp, spec, row: Int, col: Int, offset: Int = 0):
    """The places of a (row, col) matrix on and above diagonal `offset`, row by row: rows first, then columns.

    Shapes: (2, n), for n places
    See: triu, tril_indices, nonzero

    >>> triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return xp.stack(_pairs(spec, xp.triu_indices(row, offset, col), "triu_indices"))


def _kind(value):
    return dtypes.scalar_dtype(type(value))


@creation(plan=lambda size, fill_value: (size, _kind(fill_value)), out=True)
def full(xp, spec, size: Size, fill_value: Scalar):
    """All `fill_value`, in its dtype.

    See: zeros, ones, full_like

    >>> full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    return xp.full(spec.shape, fitting(fill_value, spec.dtype), spec.numpy)


def _plan_arange(start, end, step):
    start, end, step = [fitting(v, dtypes.float64) for v in (start, end, step)]
    if step == 0:
        raise TensorError("step must be nonzero")
    if (end - start) * step < 0:
        raise TensorError("upper bound and lower bound inconsistent with step sign")
    if not all(map(math.isfinite, (start, end))):
        raise TensorError(f"unsupported range: {start} -> {end}")
    whole = all(isinstance(v, int) for v in (start, end, step))
    count = -(-(end - start) // step) if whole else math.ceil((end - start) / step)
    return (int(count),), dtypes.int64 if whole else None


@creation(plan=lambda end: _plan_arange(0, end, 1), out=True)
def arange(xp, spec, end: Scalar):
    """0, 1, ... below `end`.

    Shapes: (ceil((end - start) / step))
    See: linspace (by count), range

    >>> arange(3)
    tensor([0, 1, 2])
    """
    return _steps(xp, spec, 0, 1)


@creation(public="arange", plan=lambda start, end, step: _plan_arange(start, end, step), out=True)
def arange_from(xp, spec, start: Scalar, end: Scalar, step: Scalar = 1):
    """start, start + step, ... below `end`.

    >>> arange(1, 10, 3)
    tensor([1, 4, 7])
    """
    return _steps(xp, spec, start, step)


def _steps(xp, spec, start, step):
    """start + i * step, in float64 or int64 as torch's kernel accumulates, then cast."""
    d = spec.dtype
    if d.is_complex:
        raise not_implemented("arange_cpu", d)
    exact = "int64" if d.category < dtypes.FLOAT else "float64"
    return (xp.arange(spec.numel, dtype=exact) * step + start).astype(spec.numpy)


@creation(plan=lambda start, end, steps: _plan_linspace(steps, start, end), out=True)
def linspace(xp, spec, start: Scalar, end: Scalar, steps: Int):
    """`steps` numbers from `start` to `end`, both included, evenly spaced.

    Shapes: (steps)
    See: arange (by step), logspace

    >>> linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    return even_steps(xp, spec, start, end, steps)


def _plan_linspace(steps, *ends):
    if steps < 0:
        raise TensorError("number of steps must be non-negative")
    return (steps,), dtypes.scalar_dtype(complex) if any(isinstance(end, complex) for end in ends) else None


def even_steps(xp, spec, start, end, steps):
    """From both ends toward the middle, each value one fused multiply-add: how torch's kernel rounds."""
    i = np.arange(steps)
    if spec.dtype.is_complex:
        step = (complex(end) - complex(start)) / max(steps - 1, 1)
        return xp.asarray(np.where(i < steps // 2, start + step * i, end - step * (steps - 1 - i)).astype(spec.numpy))
    start, end = fitting(start, spec.dtype), fitting(end, spec.dtype)
    if spec.dtype.category < dtypes.FLOAT:
        step = (end - start) / max(steps - 1, 1)
        return xp.asarray(np.trunc(np.where(i < steps // 2, start + step * i, end - step * (steps - 1 - i))).astype(spec.numpy))
    kind, fused = ("float64", fma64) if spec.dtype is dtypes.float64 else ("float32", fma32)
    first, last = np.asarray([start, end], kind)
    step = (last - first) / np.asarray(max(steps - 1, 1), kind)
    low, high = fused(i.astype(kind), step, first), fused((steps - 1 - i).astype(kind), -step, last)
    values = np.asarray(np.where(i < steps // 2, low, high) if steps > 1 else np.full(steps, first))
    return xp.asarray(values.astype(spec.numpy))


@creation(plan=lambda start, end, steps, base: _plan_linspace(steps), out=True)
def logspace(xp, spec, start: Scalar, end: Scalar, steps: Int, base: Float = 10.0):
    """`base` to the power of `steps` evenly spaced numbers from `start` to `end`.

    Shapes: (steps)
    See: linspace

    >>> logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    exponents = even_steps(xp, spec_of(dtypes.float64, spec.device, spec.shape), start, end, steps)
    return xp.power(base, exponents).astype(spec.numpy)


@creation(plan=lambda n, m: _plan_eye(n, m), out=True)
def eye(xp, spec, n: Int, m: Int | None = None):
    """The identity matrix (n, n), or its first n rows of m.

    Shapes: (n, n), or (n, m)
    See: diag, zeros

    >>> eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return xp.eye(spec.shape[0], spec.shape[1], dtype=spec.numpy)


def _plan_eye(n, m):
    if n < 0:
        raise TensorError(f"n must be greater or equal to 0, got {n}")
    if m is not None and m < 0:
        raise TensorError(f"m must be greater or equal to 0, got {m}")
    return (n, n if m is None else m), None


# --- like another tensor ----------------------------------------------------------------------------------------------


@creation(plan=lambda source: (source.shape, source.dtype), like="like")
def zeros_like(xp, spec, self):
    """All 0, with the shape, dtype, device and strides of `self`.

    >>> zeros_like(ones(2))
    tensor([0., 0.])
    """
    return filled(spec, lambda a: a.fill(0))


@creation(plan=lambda source: (source.shape, source.dtype), like="like")
def ones_like(xp, spec, self):
    """All 1, with the shape, dtype, device and strides of `self`.

    >>> ones_like(zeros(2))
    tensor([1., 1.])
    """
    return filled(spec, lambda a: a.fill(1))


@creation(plan=lambda source: (source.shape, source.dtype), like="like")
def empty_like(xp, spec, self):
    """Memory with the shape, dtype, device and strides of `self`; zeros.

    >>> empty_like(ones(2, 3)).shape
    torch.Size([2, 3])
    """
    return filled(spec, lambda a: a.fill(0))


@creation(plan=lambda source, fill_value: (source.shape, source.dtype), like="like")
def full_like(xp, spec, self, fill_value: Scalar):
    """All `fill_value`, with the shape, dtype, device and strides of `self`.

    >>> full_like(ones(2), 7)
    tensor([7., 7.])
    """
    return filled(spec, lambda a: a.fill(fitting(fill_value, spec.dtype)))


@creation(plan=lambda source, size: (size, source.dtype), like="new")
def new_zeros(xp, spec, self, size: Size):
    """All 0 of another size, with the dtype and device of `self`.

    >>> ones(1).new_zeros(2)
    tensor([0., 0.])
    """
    return xp.zeros(spec.shape, spec.numpy)


@creation(plan=lambda source, size: (size, source.dtype), like="new")
def new_ones(xp, spec, self, size: Size):
    """All 1 of another size, with the dtype and device of `self`.

    >>> ones(1).new_ones(2)
    tensor([1., 1.])
    """
    return xp.ones(spec.shape, spec.numpy)


@creation(plan=lambda source, size: (size, source.dtype), like="new")
def new_empty(xp, spec, self, size: Size):
    """Memory of another size, with the dtype and device of `self`; zeros.

    >>> ones(1).new_empty(2).shape
    torch.Size([2])
    """
    return xp.zeros(spec.shape, spec.numpy)


@creation(plan=lambda source, size, fill_value: (size, source.dtype), like="new")
def new_full(xp, spec, self, size: Size, fill_value: Scalar):
    """All `fill_value` of another size, with the dtype and device of `self`.

    >>> ones(1).new_full((2,), 7)
    tensor([7., 7.])
    """
    return xp.full(spec.shape, fitting(fill_value, spec.dtype), spec.numpy)
