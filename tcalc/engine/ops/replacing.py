"""Copies with a part replaced: a slice, elements by step, a diagonal, a view by strides."""

from __future__ import annotations

from .. import backend
from ..errors import TensorError
from ..families.common import real_for
from ..families.structural import structural
from ..layout import Geometry, Size, extent, wrap_dim, wrap_dims
from ..spec import spec_of


def _laid_into(self, src, part, name):
    if tuple(src.shape) != part:
        raise TensorError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = {list(part)}"
        )
    return spec_of(self.dtype, self.device, self.shape, self.strides)


def _plan_select_scatter(self, src, dim, index):
    dim = wrap_dim(dim, self.ndim)
    return _laid_into(self, src, (*self.shape[:dim], *self.shape[dim + 1 :]), "select_scatter")


@structural(
    plan=_plan_select_scatter,
    self=lambda grad, src_spec, dim, index, F: F.select_scatter(grad, F.zeros_of(src_spec), dim, index),
    src=lambda grad, dim, index, F: F.select(grad, dim, index),
    out=False,
)
def select_scatter(xp, self, src, dim: Dim, index: Int):
    """A copy with `src` as one slice along `dim`.

    Shapes: input (a, b), src (b), dim=0  ->  (a, b)
    Grad: input: grad, 0 at the slice; src: grad at the slice
    See: select, slice_scatter, diagonal_scatter

    >>> select_scatter(zeros(2, 2), ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    result = self.copy()
    place = [slice(None)] * self.ndim
    place[dim] = index
    result[tuple(place)] = real_for(src, result)
    return result


def _plan_diagonal_scatter(self, src, offset, dim1, dim2):
    a, b = wrap_dims((dim1, dim2), self.ndim)
    rows, columns = self.shape[a], self.shape[b]
    length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    return _laid_into(self, src, (*[n for d, n in enumerate(self.shape) if d not in (a, b)], length), "diagonal_scatter")


@structural(
    plan=_plan_diagonal_scatter,
    self=lambda grad, src_spec, offset, dim1, dim2, F: F.diagonal_scatter(grad, F.zeros_of(src_spec), offset, dim1, dim2),
    src=lambda grad, offset, dim1, dim2, F: F.diagonal(grad, offset, dim1, dim2),
    out=False,
)
def diagonal_scatter(xp, self, src, offset: Int = 0, dim1: Dim = 0, dim2: Dim = 1):
    """A copy with `src` on a diagonal.

    Shapes: input (a, b), src (min(a, b))  ->  (a, b)
    Grad: input: grad, 0 on the diagonal; src: grad on the diagonal
    See: diagonal, select_scatter, slice_scatter

    >>> diagonal_scatter(zeros(2, 2), ones(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    result = self.copy()
    n = src.shape[-1]
    turned = xp.moveaxis(result, (dim1, dim2), (-2, -1))
    turned[..., xp.arange(n) + max(-offset, 0), xp.arange(n) + max(offset, 0)] = real_for(src, result)
    return result


def _slice_part(self, dim, start, end, step):
    """Sizes of the slice, and its places along `dim`."""
    dim = wrap_dim(dim, self.ndim)
    if step <= 0:
        raise TensorError("slice step must be positive")
    places = range(*slice(start, end, step).indices(self.shape[dim]))
    return dim, places, (*self.shape[:dim], len(places), *self.shape[dim + 1 :])


def _within(place, default, size):
    """A bound of a slice as a place from 0 to `size`, as Python's slices read it."""
    place = default if place is None else place
    return min(max(place + size if place < 0 else place, 0), size)


def _plan_slice_scatter(self, src, dim, start, end, step):
    return _laid_into(self, src, _slice_part(self, dim, start, end, step)[2], "slice_scatter")


@structural(
    plan=_plan_slice_scatter,
    self=lambda grad, src_spec, dim, start, end, step, F: F.slice_scatter(grad, F.zeros_of(src_spec), dim, start, end, step),
    src=lambda grad, self_spec, dim, start, end, step, F: F.slice(
        grad, dim, _within(start, 0, self_spec.shape[dim]), _within(end, self_spec.shape[dim], self_spec.shape[dim]), step
    ),
    out=False,
)
def slice_scatter(xp, self, src, dim: Dim = 0, start: Int | None = None, end: Int | None = None, step: Int = 1):
    """A copy with `src` in the slice start:end:step along `dim`.

    Shapes: input (a, b), src (n, b), dim=0  ->  (a, b)
    Grad: input: grad, 0 in the slice; src: grad in the slice
    See: select_scatter, diagonal_scatter, narrow

    >>> slice_scatter(zeros(3), ones(2), 0, 1)
    tensor([0., 1., 1.])
    """
    result = self.copy()
    place = [slice(None)] * self.ndim
    place[dim] = slice(start, end, step)
    result[tuple(place)] = real_for(src, result)
    return result


def _window(value, self_spec, size, stride, storage_offset, F):
    """The values that a geometry of self's storage shows."""
    return F.restride(value, size, stride, self_spec.sizes, self_spec.strides, storage_offset or 0)


def _plan_as_strided_scatter(self, src, size, stride, storage_offset):
    slots, item = extent(self.shape, self.strides), self.dtype.itemsize
    Geometry(tuple(self.shape), self.strides).strided(size, stride, storage_offset, slots * item, item)
    if tuple(src.shape) != tuple(size):
        raise TensorError(f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = {list(size)}")
    return spec_of(self.dtype, self.device, self.shape, self.strides if self.dense else None)


@structural(
    plan=_plan_as_strided_scatter,
    self=lambda grad, self_spec, size, stride, storage_offset, F: grad
    - F.restride(_window(grad, self_spec, size, stride, storage_offset, F), self_spec.sizes, self_spec.strides, size, stride, -(storage_offset or 0)),
    src=lambda grad, self_spec, size, stride, storage_offset, F: _window(grad, self_spec, size, stride, storage_offset, F),
    out=False,
)
def as_strided_scatter(xp, self, src, size: Size, stride: Size, storage_offset: Int | None = None):
    """A copy of `self` whose part of the given geometry is `src`.

    Shapes: input's; src has the shape size
    Grad: input: 0 where src was written; src: the part of that geometry
    See: as_strided, index_put, scatter

    >>> as_strided_scatter(zeros(4), ones(2), (2,), (2,))
    tensor([1., 0., 1., 0.])
    """
    result = xp.array(self, order="K")
    raw = backend.bytes_of(result)
    part = backend.lens(raw, tuple(size), result.dtype, (storage_offset or 0) * result.itemsize, tuple(s * result.itemsize for s in stride))
    part[...] = real_for(src, result)
    return result
