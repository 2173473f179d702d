"""Values combined at places: scatter_reduce, index_reduce, scatter's reduce=, put, masked_scatter, and what they hand back."""

from __future__ import annotations

from .. import dtypes
from ..at import add_at, extreme_at, product_at
from ..backend import insist, within
from ..dtypes import BOOL
from ..errors import TensorError, TensorIndexError, TensorTypeError, TensorValueError
from ..families.common import not_implemented, without_formula
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, wrap_dim
from ..registry import never
from ..spec import spec_of
from .index import _bounded, _check_gather, _corner, _covered, _grid, _kept, _padded, check_scatter, widened

_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")
_NO_PRODUCTS = "CUDA has no operation that multiplies many values into one place, which reduce=\"prod\" needs"
_EXTREMES = {"amax": "maximum", "amin": "minimum"}


# --- many values at one place -----------------------------------------------------------------------------------------


def _combined(xp, op, self, places, values, reduce, include_self, wide=False):
    """`values` combined into a copy of `self` at index arrays `places`; without `include_self` as if nothing had stood there.
    `wide` combines 16-bit floats in float32."""
    result = xp.array(self, widened(self.dtype) if wide else self.dtype, order="C")
    counts = None
    if reduce == "mean":
        counts = xp.full(result.shape, 1 if include_self else 0, "int64")
        add_at(xp, counts, places, 1)
        counts = xp.maximum(counts, 1)
    if not include_self:
        result[places] = _neutral(result.dtype, xp, reduce)
    if reduce == "prod":
        product_at(xp, op, result, places, values)
    elif reduce in _EXTREMES:
        extreme_at(xp, _EXTREMES[reduce], result, places, values)
    else:
        add_at(xp, result, places, values)
    result = result.astype(self.dtype, copy=False)
    if counts is None:
        return result
    return (result // counts if result.dtype.kind in "iub" else result / counts).astype(result.dtype)


def _neutral(dtype, xp, reduce):
    """What leaves any value as it is when the two are combined."""
    if reduce not in ("amax", "amin"):
        return int(reduce == "prod")
    largest = reduce == "amin"
    if dtype.kind == "b":
        return largest
    if dtype.kind in "iu":
        return xp.iinfo(dtype).max if largest else xp.iinfo(dtype).min
    return xp.inf if largest else -xp.inf


def _plan_scatter_reduce(self, dim, index, src, reduce, include_self):
    if reduce not in _REDUCTIONS:
        raise TensorError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    wrap_dim(dim, self.ndim)
    if index.dtype.category != dtypes.INT:
        raise TensorError("scatter(): Expected dtype int32/int64 for index")
    if src.dtype is not self.dtype:
        raise TensorError("scatter(): Expected self.dtype to be equal to src.dtype")
    if index.numel:
        check_scatter(self, dim, index, src)
    if (reduce == "mean" and self.dtype.category == BOOL) or (reduce in _EXTREMES and self.dtype.is_complex):
        raise not_implemented(f"scatter_gather_tensor_cpu_reduce_{reduce}", self.dtype)
    return spec_of(self.dtype, self.device, self.shape)


def _reduced_grads(grad, self, self_spec, values, result, reduce, include_self, F, taken, added, combined):
    """Gradients of (self, values) for a combination at places; `taken(x)` reads x there, `added(x, v)` adds v to x there,
    `combined(x, v)` is the product at those places.

    A value that is the only 0 among its fellows gets the product of the others, found with a 1 in its place.
    """
    if reduce == "sum":
        own, theirs = grad, taken(grad)
    elif reduce == "mean":
        counts = added(F.mul(grad, 0) + (1 if include_self else 0), F.mul(values, 0) + 1)
        counts = F.where(counts == 0, 1.0, counts)
        own, theirs = grad / counts, taken(grad) / taken(counts)
    elif reduce == "prod":
        whole = F.where(self == 0, 1.0, self)
        own = grad * combined(whole, values) / whole
        zero = values == 0
        zeros = taken(added(F.mul(self, 0), F.cast(zero, self_spec.dtype)))
        lone = F.logical_and(zero, zeros == 1)
        others = taken(grad * combined(self, F.where(lone, 1.0, values)))
        theirs = F.where(lone, others, taken(grad * result) / F.where(zero, 1.0, values))
    else:
        mine, its = F.cast(self == result, self_spec.dtype), F.cast(values == taken(result), self_spec.dtype)
        share = grad / added(mine, its)
        own, theirs = share * mine, its * taken(share)
    return own, theirs


def _scatter_reduce_grads(grad, self, self_spec, src, src_spec, result, dim, index, reduce, include_self, needs, F):
    own, theirs = _reduced_grads(
        grad, self, self_spec, _covered(F, src, index), result, reduce, include_self, F,
        lambda x: F.gather(x, dim, index),
        lambda x, v: F.scatter_add(x, dim, index, v),
        lambda x, v: F.scatter_reduce(x, dim, index, v, "prod", include_self=include_self),
    )  # fmt: skip
    if not include_self:
        own = F.scatter_value(own, dim, index, 0)
    return [own, None, _padded(F, theirs, src_spec)]


@structural(plan=_plan_scatter_reduce, grads=_scatter_reduce_grads, inplace=True, host=_NO_PRODUCTS, host_when=never)
def scatter_reduce(xp, self, dim: Dim, index, src, reduce: Str, *, include_self: Bool = True):
    """A copy with the values of `src` combined at the places `index` names along `dim`: "sum", "prod", "mean", "amax" or "amin".

    Shapes: input's; index at most as large as src, and as input except along dim
    Grad: as the combination hands it on: all of it for a sum, the share for a mean, to the extremes in equal parts, the other factors
    See: scatter_add, index_reduce, gather

    >>> scatter_reduce(tensor([1., 2.]), 0, tensor([0, 0, 1]), tensor([3., 5., 1.]), "amax")
    tensor([5., 2.])
    """
    _bounded(self.shape, dim, index)
    if not self.ndim or not index.size:
        flat = _combined(xp, "scatter_reduce", self.reshape(-1), (index.reshape(-1),), _corner(src, index).reshape(-1), reduce, include_self, True) if index.size else self.copy()
        return flat.reshape(self.shape)
    return _combined(xp, "scatter_reduce", self, _grid(xp, dim, index), _corner(src, index), reduce, include_self, True)


def _plan_index_reduce(self, dim, index, source, reduce, include_self):
    if reduce not in _REDUCTIONS[1:]:
        raise TensorError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    dim = wrap_dim(dim, self.ndim)
    if index.ndim > 1:
        raise TensorIndexError(
            f"index_reduce_(): Index is supposed to be a vector, but got dim: {index.ndim} with type: {index.dtype.kernel_name} and size: {list(index.shape)}"
        )
    if index.dtype.name not in ("int32", "int64"):
        raise TensorError(f"index_reduce_(): Expected dtype int32/int64 for index but got: {index.dtype.kernel_name}")
    if self.dtype is not source.dtype:
        raise TensorError(f"index_reduce_(): self ({self.dtype.kernel_name}) and source ({source.dtype.kernel_name}) must have the same scalar type")
    given = source.shape[wrap_dim(dim, source.ndim)] if source.ndim else 1
    if index.numel != given:
        raise TensorError(f"index_reduce_(): Number of indices ({index.numel}) should be equal to source.size(dim): ({given}), for dim: {dim}")
    if [n for d, n in enumerate(self.shape) if d != dim] != [n for d, n in enumerate(source.shape) if d != dim] or self.ndim != source.ndim:
        raise TensorError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape ="
            f" {list(self.shape)} source.shape = {list(source.shape)}"
        )
    if self.dtype.category == BOOL and (reduce == "mean" or self.ndim < 2):
        raise not_implemented("div_floor_cpu" if self.ndim > 1 else "index_func_", self.dtype)
    if self.dtype.is_complex and (self.ndim < 2 or reduce in _EXTREMES):
        raise not_implemented(f"{_EXTREMES[reduce]}_cpu" if self.ndim > 1 else "index_func_", self.dtype)
    return spec_of(self.dtype, self.device, self.shape)


def _index_reduce_grads(grad, self, self_spec, source, result, dim, index, reduce, include_self, needs, F):
    own, theirs = _reduced_grads(
        grad, self, self_spec, source, result, reduce, include_self, F,
        lambda x: F.index_select(x, dim, index),
        lambda x, v: F.index_add(x, dim, index, v),
        lambda x, v: F.index_reduce(x, dim, index, v, "prod", include_self=include_self),
    )  # fmt: skip
    if not include_self:
        own = F.index_fill(own, dim, index, 0)
    return [own, None, theirs if source.shape else F.reshape(theirs, ())]


@structural(plan=_plan_index_reduce, grads=_index_reduce_grads, inplace=True, host=_NO_PRODUCTS, host_when=never)
def index_reduce(xp, self, dim: Dim, index, source, reduce: Str, *, include_self: Bool = True):
    """A copy with the slices of `source` combined at the places of `index` along `dim`: "prod", "mean", "amax" or "amin".

    Shapes: input's; source as input with n slices along dim, for an index (n)
    Grad: as the combination hands it on: the share for a mean, to the extremes in equal parts, the other factors
    See: index_add, scatter_reduce

    >>> index_reduce(tensor([1., 2.]), 0, tensor([0, 0]), tensor([3., 5.]), "prod")
    tensor([15.,  2.])
    """
    size = self.shape[dim] if self.ndim else 1
    within(index, 0, size, lambda bad: TensorIndexError("index out of range in self"))
    places = (slice(None),) * (dim % max(self.ndim, 1)) + (index.reshape(-1),)
    if not self.ndim:
        return _combined(xp, "index_reduce", self.reshape(1), places, source.reshape(1), reduce, include_self).reshape(())
    return _combined(xp, "index_reduce", self, places, source, reduce, include_self) if index.size else self.copy()


def _plan_scatter_by(self, dim, index, src, reduce):
    if reduce not in ("add", "multiply"):
        raise TensorError("reduce argument must be either add or multiply.")
    _check_gather(self, dim, index, "scatter")
    if src.dtype is not self.dtype:
        raise TensorError("scatter(): Expected self.dtype to be equal to src.dtype")
    if index.numel:
        check_scatter(self, dim, index, src)
    return spec_of(self.dtype, self.device, self.shape)


@structural(public="scatter", plan=_plan_scatter_by, inplace=True, **without_formula("scatter"))
def scatter_by(xp, self, dim: Dim, index, src, *, reduce: Str):
    """A copy with `src` added to ("add") or multiplied into ("multiply") the places `index` names along `dim`.

    Grad: none: torch has no derivative here and refuses backward

    >>> scatter(ones(3), 0, tensor([2, 2]), tensor([5., 6.]), reduce="add")
    tensor([ 1.,  1., 12.])
    """
    return scatter_reduce.kernel(xp, self, dim, index, src, "sum" if reduce == "add" else "prod", include_self=True)


def _plan_scatter_value_by(self, dim, index, value, reduce):
    if reduce not in ("add", "multiply"):
        raise TensorError("reduce argument must be either add or multiply.")
    _check_gather(self, dim, index, "scatter")
    return spec_of(self.dtype, self.device, self.shape)


@structural(public="scatter", plan=_plan_scatter_value_by, inplace=True, **without_formula("scatter"))
def scatter_value_by(xp, self, dim: Dim, index, value: Number, *, reduce: Str):
    """A copy with `value` added to ("add") or multiplied into ("multiply") the places `index` names along `dim`.

    Grad: none: torch has no derivative here and refuses backward

    >>> scatter(ones(3), 0, tensor([2, 2]), 2, reduce="multiply")
    tensor([1., 1., 4.])
    """
    return scatter_by.kernel(xp, self, dim, index, xp.full(index.shape, value, self.dtype), reduce=reduce)


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
