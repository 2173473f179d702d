"""Elements written at places along a dim, of the flattened tensor and of masks: index_add, index_fill, index_copy, put, masked_scatter."""

from __future__ import annotations

from .. import dtypes
from ..at import add_at
from ..backend import dtype_of, insist
from ..errors import TensorError, TensorIndexError, TensorTypeError, TensorValueError
from ..families.common import element, fitting
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, wrap_dim
from ..spec import spec_of
from .gathering import _bounded, _check_index_vector, _fresh
from .index import _kept, check_bounds

# --- places along a dim -----------------------------------------------------------------------------------------------


def _plan_index_add(self, dim, index, source, alpha):
    _check_index_vector("index_add", index)
    dim = wrap_dim(dim, self.ndim)
    if source.dtype is not self.dtype:
        raise TensorError(f"index_add_(): self and source expected to have the same dtype, but got (self) {self.dtype.kernel_name} and (source) {source.dtype.kernel_name}")
    expected = (*self.shape[:dim], index.numel, *self.shape[dim + 1 :])
    if self.ndim and tuple(source.shape) != expected:
        raise TensorError(
            f"source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = {list(self.shape)} source.shape = {list(source.shape)}"
        )
    return _fresh(self)


@structural(
    plan=_plan_index_add,
    self=lambda grad: grad,
    source=lambda grad, dim, index, alpha, F: F.index_select(grad, dim, index) * alpha,
    inplace=True,
)
def index_add(xp, self, dim: Dim, index, source, *, alpha: Scalar = 1):
    """A copy with the slices of `source`, times alpha, added at the places of `index` along `dim`.

    Shapes: input's; source as input with n slices along dim, for an index (n)
    See: scatter_add, index_copy, index_put

    >>> index_add(zeros(3), 0, tensor([0, 0]), tensor([1., 2.]))
    tensor([3., 0., 0.])
    """
    result = xp.array(self, order="C")
    _bounded(self.shape, dim, index)
    if not self.ndim:
        return result + element(alpha, self.dtype) * source.sum()
    add_at(xp, result, (slice(None),) * (dim % self.ndim) + (index.reshape(-1),), source * element(alpha, self.dtype))
    return result


@structural(
    plan=lambda self, dim, index, value: (_check_index_vector("index_fill_", index), wrap_dim(dim, self.ndim), _kept(self))[-1],
    self=lambda grad, dim, index, F: F.index_fill(grad, dim, index, 0),
    inplace=True,
    out=False,
)
def index_fill(xp, self, dim: Dim, index, value: Number):
    """A copy with the slices at the places of `index` along `dim` set to `value`.

    Shapes: input's
    See: index_copy, masked_fill

    >>> index_fill(zeros(3), 0, tensor([0, 2]), 7)
    tensor([7., 0., 7.])
    """
    if isinstance(value, complex) and self.dtype.kind != "c":
        raise TensorError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
    result = xp.array(self, order="C")
    check_bounds((self.shape[dim] if self.ndim else 1,), [index])
    result[(slice(None),) * (dim % max(self.ndim, 1)) + (index.reshape(-1),) if self.ndim else ...] = value if value.__class__ is self.__class__ else fitting(value, dtype_of(self.dtype))
    return result


@structural(
    public="index_fill",
    overload=1,
    plan=lambda self, dim, index, value: _plan_index_fill_tensor(self, dim, index, value),
    self=lambda grad, dim, index, F: F.index_fill(grad, dim, index, 0),
    value=lambda grad, dim, index, F: F.sum(grad - F.index_fill(grad, dim, index, 0)),  # an index given twice counts once
    inplace=True,
    out=False,
)
def index_fill_tensor(xp, self, dim: Dim, index, value):
    """A copy with the slices at the places of `index` along `dim` set to the one element of `value`.

    >>> index_fill(zeros(3), 0, tensor([0, 2]), tensor(7.))
    tensor([7., 0., 7.])
    """
    if value.dtype != self.dtype:
        value = value.item()  # only a look tells whether it fits
    return index_fill.kernel(xp, self, dim, index, value)


def _plan_index_fill_tensor(self, dim, index, value):
    _check_index_vector("index_fill_", index)
    wrap_dim(dim, self.ndim)
    if value.ndim:
        raise TensorError(f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).")
    return _kept(self)


def _plan_index_copy(self, dim, index, source):
    _check_index_vector("index_copy_", index)
    if source.dtype is not self.dtype:
        raise TensorError(f"index_copy_(): self and source expected to have the same dtype, but got (self) {self.dtype.kernel_name} and (source) {source.dtype.kernel_name}")
    return _fresh(self)


@structural(
    plan=_plan_index_copy,
    self=lambda grad, dim, index, F: F.index_fill(grad, dim, index, 0),
    source=lambda grad, dim, index, source_spec, F: F.reshape(F.index_select(grad, dim, index), source_spec.sizes),
    inplace=True,
)
def index_copy(xp, self, dim: Dim, index, source):
    """A copy with the slices of `source` written at the places of `index` along `dim`.

    Shapes: input's; source as input with n slices along dim, for an index (n)
    See: index_add, index_fill, scatter

    >>> index_copy(zeros(3), 0, tensor([0, 2]), tensor([1., 2.]))
    tensor([1., 0., 2.])
    """
    result = xp.array(self, order="C")
    check_bounds((self.shape[dim] if self.ndim else 1,), [index])
    if self.ndim:
        result[(slice(None),) * (dim % self.ndim) + (index.reshape(-1),)] = source
    else:
        result[...] = source.reshape(())
    return result


# --- places of the flattened tensor, and of masks ---------------------------------------------------------------------


def _plan_put(self, index, source, accumulate):
    if index.dtype is not dtypes.int64:
        raise TensorError(f"put_(): Expected a long tensor for index, but got {index.dtype.kernel_name}")
    if self.dtype is not source.dtype:
        raise TensorError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {self.dtype.kernel_name} and source.dtype = {source.dtype.kernel_name}"
        )
    if source.numel != index.numel:
        raise TensorIndexError(
            f"put_(): Expected source and index to have the same number of elements, but got source.numel() = {source.numel}, index.numel() = {index.numel}"
        )
    if not self.numel and index.numel:
        raise TensorIndexError("put_(): Tried to put elements into an empty tensor")
    return _kept(self)


@structural(
    plan=_plan_put,
    self=lambda grad, index, source_spec, accumulate, F: grad if accumulate else F.put(grad, index, F.zeros_of(source_spec)),
    source=lambda grad, index, source_spec, F: F.reshape(F.take(grad, index), source_spec.sizes),
    inplace=True,
    out=False,
)
def put(xp, self, index, source, accumulate: Bool = False):
    """A copy with the elements of `source` written (or added, with `accumulate`) at places of the flattened tensor.

    Shapes: input's; index and source with as many elements as each other
    Grad: input: 0 at the written places, all of grad with accumulate; source: grad at index
    See: take, index_put, scatter

    >>> put(zeros(2, 2), tensor([3, 0]), tensor([5., 6.]))
    tensor([[6., 0.],
            [0., 5.]])
    """
    size = self.size
    if index.size:
        outside = ((index < -size) | (index >= size)).reshape(-1)
        first = xp.take(index.reshape(-1), xp.argmax(outside))
        insist(outside.any(), lambda: TensorIndexError(f"out of range: tried to access index {int(first)} on a tensor of {size} elements."))
    result = xp.array(self, order="C").reshape(-1)
    if accumulate:
        add_at(xp, result, index.reshape(-1), source.reshape(-1))
    else:
        result[index.reshape(-1)] = source.reshape(-1)
    return result.reshape(self.shape)


def _plan_masked_scatter(self, mask, source):
    if self.dtype is not source.dtype:
        raise TensorError(
            f"masked_scatter: expected self and source to have same dtypes but got{self.dtype.kernel_name} and {source.dtype.kernel_name}"
        )
    if mask.dtype is not dtypes.bool_:
        raise TensorError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {mask.dtype.kernel_name}")
    shape = broadcast_shapes(tuple(self.shape), tuple(mask.shape))
    return spec_of(self.dtype, self.device, shape)


@structural(
    plan=lambda self, mask, shape: spec_of(self.dtype, self.device, shape),
    self=lambda grad, self_spec, mask, F: F.masked_scatter(F.zeros_of(self_spec), mask, grad),
    function=False,
    method=False,
    out=False,
)
def masked_scatter_backward(xp, self, mask, shape: Size):
    """The elements where the mask holds, in their order, then zeros up to `shape`."""
    result = xp.zeros(shape, self.dtype)
    taken = self[xp.broadcast_to(mask, self.shape)]
    result.reshape(-1)[: taken.size] = taken
    return result


@structural(
    plan=_plan_masked_scatter,
    self=lambda grad, self_spec, mask, F: F.sum_to(F.where(mask, 0.0, grad), self_spec.sizes),
    source=lambda grad, mask, source_spec, F: F.masked_scatter_backward(grad, mask, source_spec.sizes),
    inplace=True,
    out=False,
)
def masked_scatter(xp, self, mask, source):
    """A copy with elements of `source`, in their order, where the mask holds.

    Shapes: input's and the mask's, broadcast; source with as many elements as the mask holds, or more
    Grad: input: 0 where the mask holds; source: grad there
    See: masked_fill, masked_select, where

    >>> masked_scatter(zeros(4), tensor([True, False, True, False]), tensor([5., 6., 7.]))
    tensor([5., 0., 6., 0.])
    """
    shape = xp.broadcast_shapes(self.shape, mask.shape)
    result, where = xp.array(xp.broadcast_to(self, shape), order="C"), xp.broadcast_to(mask, shape)
    count = int(where.sum())
    if count > source.size:
        raise TensorError("Number of elements of source < number of ones in mask")
    result[where] = source.reshape(-1)[:count]
    return result


@composite(method=False)
def unravel_index(F, indices, shape: Ints):
    """The coordinates, one tensor for each dim, of places of a flattened tensor of `shape`.

    Raises TypeError for indices that are no integers, ValueError for a negative size.

    Shapes: (n), shape (a, b)  ->  (n), (n)
    Grad: none; places have no gradient
    See: nonzero, argwhere, take

    >>> unravel_index(tensor([7, 1]), (3, 4))
    (tensor([1, 0]), tensor([3, 1]))
    """
    if indices.dtype.category != dtypes.INT:
        raise TensorTypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype!r}")
    if any(n < 0 for n in shape):
        raise TensorValueError(f"'shape' cannot have negative values, but got {shape}")
    coordinates, step = [], 1
    for n in shape[::-1]:
        coordinates.append(F.remainder(F.floor_divide(indices, step), n))
        step *= n
    return F.unbind(F.stack(coordinates[::-1], -1), -1)
