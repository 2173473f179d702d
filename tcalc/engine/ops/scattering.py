"""Values put or combined at places along a dim: scatter and its reductions, scatter_add, index_reduce."""

from __future__ import annotations

from .. import dtypes
from ..at import add_at, extreme_at, product_at
from ..backend import dtype_of, within
from ..dtypes import BOOL
from ..errors import TensorError, TensorIndexError
from ..families.common import fitting, not_implemented, without_formula
from ..families.structural import structural
from ..layout import wrap_dim
from ..registry import never
from ..spec import spec_of
from .gathering import _bounded, _check_gather, _fresh, _grid, widened

_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")
_NO_PRODUCTS = "CUDA has no operation that multiplies many values into one place, which reduce=\"prod\" needs"
_EXTREMES = {"amax": "maximum", "amin": "minimum"}

# --- values at places -------------------------------------------------------------------------------------------------


def check_scatter(self, dim, index, src):
    """Refuse an index of other rank than self or src, or one that reaches beyond either."""
    for name, other in (("self", self), ("src", src)):
        if (other.ndim or 1) != (index.ndim or 1):
            raise TensorError(f"Index tensor must have the same number of dimensions as {name} tensor")
    dim = wrap_dim(dim, self.ndim)
    for d, n in enumerate(index.shape):
        if (d != dim and self.ndim and n > self.shape[d]) or n > (src.shape[d] if src.ndim else 1):
            raise TensorError(
                f"Expected index {list(index.shape)} to be no larger than self {list(self.shape)} apart from dimension {dim} and to be no larger"
                f" size than src {list(src.shape)}"
            )


def _plan_scatter(self, dim, index, src):
    _check_gather(self, dim, index, "scatter")
    if index.numel and (src.ndim or 1) != (index.ndim or 1):
        raise TensorError("Index tensor must have the same number of dimensions as src tensor")
    if src.dtype is not self.dtype:
        raise TensorError("scatter(): Expected self.dtype to be equal to src.dtype")
    if index.numel:
        check_scatter(self, dim, index, src)
    return _fresh(self)


def _corner(src, index):
    """The part of `src` that `index` covers; either, without dims, is a row of one."""
    if not index.ndim:
        return src.reshape(-1)[:1].reshape(())
    if not src.ndim:
        src = src.reshape(1)
    return src[tuple(slice(0, n) for n in index.shape)]


def _covered(F, src, index):
    """`_corner` at every level."""
    if not index.ndim and src.ndim:
        return F.reshape(F.slice(src, 0, 0, 1, 1), ())
    if index.ndim and not src.ndim:
        src = F.reshape(src, (1,))
    for d, n in enumerate(index.shape):
        if src.shape[d] != n:
            src = F.slice(src, d, 0, n, 1)
    return src


def _padded(F, value, src_spec):
    if not src_spec.ndim:
        return F.sum(value)  # of one, or none
    if not value.ndim:
        value = F.reshape(value, (1,))
    for d, n in enumerate(src_spec.shape):
        if value.shape[d] != n:
            value = F.slice_backward(value, (*value.shape[:d], n, *value.shape[d + 1 :]), d, 0, value.shape[d], 1)
    return value


@structural(
    plan=_plan_scatter,
    self=lambda grad, dim, index, F: F.scatter_value(grad, dim, index, 0),
    src=lambda grad, dim, index, src_spec, F: _padded(F, F.gather(grad, dim, index), src_spec),
    inplace=True,
)
def scatter(xp, self, dim: Dim, index, src):
    """A copy with `src` written at the places `index` names along `dim`.

    Shapes: input's; index at most as large as src, and as input except along dim
    Grad: input: 0 at the written places; src: what came to stand there
    See: gather, scatter_add, index_put

    >>> scatter(zeros(3), 0, tensor([2, 0]), tensor([5., 6.]))
    tensor([6., 0., 5.])
    """
    result = xp.array(self, order="C")
    _bounded(self.shape, dim, index)
    if self.ndim:
        result[_grid(xp, dim, index)] = _corner(src, index)
    else:
        result[...] = src.reshape(())
    return result


def _plan_scatter_value(self, dim, index, value):
    _check_gather(self, dim, index, "scatter")
    return _fresh(self)


@structural(public="scatter", overload=1, plan=_plan_scatter_value, self=lambda grad, dim, index, F: F.scatter_value(grad, dim, index, 0), inplace=True)
def scatter_value(xp, self, dim: Dim, index, value: Number):
    """A copy with `value` written at the places `index` names along `dim`.

    >>> scatter(zeros(3), 0, tensor([2, 0]), 1)
    tensor([1., 0., 1.])
    """
    result = xp.array(self, order="C")
    _bounded(self.shape, dim, index)
    result[_grid(xp, dim, index) if self.ndim else ...] = fitting(value, dtype_of(self.dtype))
    return result


@structural(
    plan=_plan_scatter,
    self=lambda grad: grad,
    src=lambda grad, dim, index, src_spec, F: _padded(F, F.gather(grad, dim, index), src_spec),
    inplace=True,
)
def scatter_add(xp, self, dim: Dim, index, src):
    """A copy with `src` added at the places `index` names along `dim`.

    Shapes: input's; index at most as large as src, and as input except along dim
    Grad: input: grad; src: grad picked at index
    See: gather, scatter, index_add

    >>> scatter_add(zeros(3), 0, tensor([2, 2]), tensor([5., 6.]))
    tensor([ 0.,  0., 11.])
    """
    result = xp.array(self, widened(self.dtype), order="C")
    _bounded(self.shape, dim, index)
    if self.ndim:
        add_at(xp, result, _grid(xp, dim, index), _corner(src, index))
        return result
    return result + src.reshape(())


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
