"""Views by sizes and strides of the storage, windows along a dim, and what goes back through them."""

from __future__ import annotations

from .. import backend
from ..at import add_at
from ..families.structural import structural
from ..families.view import view
from ..layout import Geometry, Size, contiguous_strides, extent
from ..spec import spec_of
from .shape import _plan_scatter_window


@view(
    self=lambda grad, self_spec, dimension, size, step, F: F.unfold_backward(grad, self_spec.sizes, dimension, size, step), function=False
)
def unfold(geom, dimension: Dim, size: Int, step: Int):
    """Windows of `size` every `step` along a dim, sharing storage; the window is the last dim.

    Shapes: (a), size s, step t  ->  ((a - s) // t + 1, s)
    Grad: each element receives the sum over the windows it is in
    See: as_strided, split

    >>> arange(5).unfold(0, 3, 1)
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    return geom.unfolded(dimension, size, step)


@structural(
    plan=_plan_scatter_window, grad=lambda grad, dim, size, step, F: F.unfold(grad, dim, size, step), function=False, method=False, out=False
)
def unfold_backward(xp, grad, shape: Size, dim: Dim, size: Int, step: Int):
    """Zeros of `shape` with every window added where it came from."""
    result = xp.zeros(shape, grad.dtype)
    part = Geometry(shape, contiguous_strides(shape)).unfolded(dim, size, step)
    windows = backend.window(result, *backend.in_bytes(part, result.itemsize))
    for i in range(size):  # windows overlap, so one element of each at a time
        windows[..., i] += grad[..., i]
    return result


@view(
    inplace_overload=1,
    absolute=True,
    self=lambda grad, self_spec, size, stride, storage_offset, F: _unstrided(grad, self_spec, size, stride, storage_offset, F),
)
def as_strided(geom, source, size: Size, stride: Size, storage_offset: Int | None = None):
    """Any sizes and strides inside the storage; bounds are checked before anything is read.

    Shapes: any, size (c, d)  ->  (c, d)
    Grad: each slot receives the sum over the places that show it
    See: stride, storage, unfold, view

    >>> as_strided(arange(6), (2, 2), (2, 1))
    tensor([[0, 1],
            [2, 3]])
    """
    storage = source.get_storage()
    return geom.strided(size, stride, storage_offset, storage.nbytes, source.itemsize)


def _unstrided(grad, self_spec, size, stride, storage_offset, F):
    """The gradient of `as_strided`; that of nothing has no history, as in torch."""
    return F.zeros_of(self_spec) if 0 in size else F.restride(grad, self_spec.sizes, self_spec.strides, size, stride, -storage_offset)


def _flat_positions(xp, shape, strides, offset):
    positions = xp.asarray(offset)
    for size, stride in zip(shape, strides, strict=True):
        positions = positions[..., None] + xp.arange(size) * stride
    return positions.reshape(-1)


@structural(
    plan=lambda grad, shape, *rest: spec_of(grad.dtype, grad.device, shape),
    grad=lambda grad, shape, strides, from_shape, from_strides, shift, F: F.restride(grad, from_shape, from_strides, shape, strides, -shift),
    node="AsStridedBackward",
    function=False,
    method=False,
    out=False,
)
def restride(xp, grad, shape: Size, strides: Size, from_shape: Size, from_strides: Size, shift: Int):
    """Values written through one geometry of a storage (added where slots meet), read back through another `shift` slots further on."""
    low = min(0, shift)
    length = max(extent(from_shape, from_strides), shift + extent(shape, strides)) - low
    buffer = xp.zeros(length, grad.dtype)
    add_at(xp, buffer, _flat_positions(xp, from_shape, from_strides, -low), grad.reshape(-1))
    places = _flat_positions(xp, shape, strides, shift - low)
    if len(shape) and any(st == 0 and n > 1 for n, st in zip(shape, strides, strict=True)):
        counts = xp.zeros(length, grad.dtype)
        add_at(xp, counts, places, grad.dtype.type(1))
        buffer /= xp.maximum(counts, 1)
    return buffer[places].reshape(shape)
