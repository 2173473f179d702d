"""Counts and sets: how often values occur, which are different, and elements repeated. Sizes of results depend on values."""

from __future__ import annotations

from .. import dtypes
from ..backend import check_fits, check_work, dtype_of, module_of, on_device
from ..dtypes import BOOL, FLOAT
from ..errors import TensorError, TensorNotImplemented
from ..families.common import not_implemented, refuses, underivable, without_formula
from ..families.structural import composite, structural
from ..layout import wrap_dim
from ..signature import contiguous_format
from ..spec import spec_of
from ..tensor import Tensor, wrap


def _values(t, name):
    """The array of a tensor, whose values decide the size of the result.

    Raises NotImplementedError for a meta tensor.
    """
    if t.a is None:
        raise TensorNotImplemented(f"aten::{name}: attempted to run this operator with Meta tensors, but the size of the result depends on values", name)
    check_work(t.spec.numel, name)
    on_device(t.a)
    return t.a


@composite()
def bincount(F, self, weights: Tensor | None = None, minlength: Int = 0):
    """How often each number from 0 on occurs, or the sum of the weights where it does.

    Shapes: (n)  ->  (largest + 1), at least (minlength)
    Grad: none: torch has no derivative here and refuses backward
    See: unique, unique_consecutive

    >>> bincount(tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    if self.dtype.is_complex:
        raise not_implemented("bincount_cpu", self.dtype)
    if self.dtype.category == FLOAT or self.dtype.category == BOOL:
        raise TensorNotImplemented(f"\"bincount_cpu\" not implemented for '{self.dtype.kernel_name}'", "bincount")
    if minlength < 0:
        raise TensorError("minlength should be >= 0")
    a = _values(self, "bincount")
    if a.ndim != 1 or (a.size and a.min() < 0):
        raise TensorError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and tuple(weights.shape) != tuple(self.shape):
        raise TensorError("weights should be 1-d and have the same length as input")
    xp = module_of(a)
    check_fits(8 * max(minlength, int(a.max()) + 1 if a.size else 0), self.device)
    found = xp.bincount(a, None if weights is None else weights.a, minlength)
    if weights is None:
        return wrap(found.astype("int64"))
    return F.weighed_counts(weights, found.astype("float32" if weights.dtype is dtypes.float32 else "float64"))


def _plan_found(self, found):
    return spec_of(dtype_of(found.dtype), self.device, found.shape, tuple([step // found.itemsize for step in found.strides]))


_INSIDE = {"plan": _plan_found, "function": False, "method": False, "out": False}


@structural(**without_formula("bincount"), **_INSIDE)
def weighed_counts(xp, weights, found: Any):
    """The sums of weights that bincount found."""
    return found


@structural(node="Unique2Backward", self=underivable("_unique2"), **_INSIDE)
def unique_elements(xp, self, found: Any):
    """The elements that unique found."""
    return found


@structural(node="UniqueDimBackward", self=underivable("unique_dim"), **_INSIDE)
def unique_slices(xp, self, found: Any):
    """The slices that unique found."""
    return found


@structural(node="UniqueConsecutiveBackward", self=underivable("unique_consecutive"), **_INSIDE)
def unique_runs(xp, self, found: Any):
    """The elements or slices that unique_consecutive found."""
    return found


def _unique(F, self, dim):
    """(values, inverse, counts) in ascending order."""
    a = _values(self, "unique")
    xp = module_of(a)
    if dim is None:
        values, inverse, counts = xp.unique(a, return_inverse=True, return_counts=True, equal_nan=False)
        return F.unique_elements(self, values), inverse.reshape(a.shape), counts
    dim = wrap_dim(dim, self.ndim)
    values, inverse, counts = xp.unique(xp.moveaxis(a, dim, 0), return_inverse=True, return_counts=True, axis=0)
    return F.unique_slices(self, _moved(xp, values, dim)), inverse.reshape(-1), counts


def _moved(xp, values, dim):
    """Slices that lie one after the other, shown along `dim`: torch's layout of them."""
    return xp.moveaxis(xp.ascontiguousarray(values), 0, dim)


def _asked(found, return_inverse, return_counts):
    values, inverse, counts = (part if isinstance(part, Tensor) else wrap(part) for part in found)
    given = [values, *([inverse] if return_inverse else []), *([counts] if return_counts else [])]
    return tuple(given) if len(given) > 1 else values


@composite()
def unique(F, self, sorted: Bool = True, return_inverse: Bool = False, return_counts: Bool = False, dim: Dim | None = None):
    """The different elements, or slices along `dim`, in ascending order; on request which one each element is, and how many.

    Shapes: any  ->  (k), for k different elements; with dim=1 (a, k)
    Grad: none: torch has no derivative here and refuses backward
    See: unique_consecutive, bincount

    >>> unique(tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    if self.dtype.is_complex:
        raise not_implemented("unique" if dim is None else "unique_dim", self.dtype)
    return _asked(_unique(F, self, dim), return_inverse, return_counts)


@composite()
def unique_consecutive(F, self, return_inverse: Bool = False, return_counts: Bool = False, dim: Dim | None = None):
    """The elements, or slices along `dim`, each run of equal ones once.

    Shapes: any  ->  (k), for k runs; with dim=1 (a, k)
    Grad: none: torch has no derivative here and refuses backward
    See: unique

    >>> unique_consecutive(tensor([3, 3, 1, 3]))
    tensor([3, 1, 3])
    """
    if self.dtype.is_complex:
        raise not_implemented("unique" if dim is None else "unique_dim", self.dtype)
    a = _values(self, "unique_consecutive")
    xp = module_of(a)
    if dim is None:
        rows, shape = a.reshape(-1, 1), a.shape
    else:
        dim = wrap_dim(dim, self.ndim)
        turned = xp.moveaxis(a, dim, 0)
        rows, shape = turned.reshape(turned.shape[0], -1), (turned.shape[0],)
    starts = xp.ones(rows.shape[0], bool)
    starts[1:] = (rows[1:] != rows[:-1]).any(1)
    places = xp.nonzero(starts)[0]
    values = a.reshape(-1)[places] if dim is None else _moved(xp, xp.moveaxis(a, dim, 0)[places], dim)
    counts = xp.diff(xp.append(places, rows.shape[0]))
    inverse = (xp.cumsum(starts) - 1).reshape(shape)
    return _asked((F.unique_runs(self, values), inverse, counts), return_inverse, return_counts)


def _along(F, self, dim):
    """The tensor and the dim whose slices are repeated: one flat row when none is given."""
    x = F.reshape(self, (self.numel(),)) if dim is None else self
    dim = wrap_dim(0 if dim is None else dim, max(len(x.shape), 1))
    return (x if x.shape else F.reshape(x, (1,))), dim


@composite()
def repeat_interleave(F, self, repeats: Int, dim: Dim | None = None, *, output_size: Int | None = None):
    """Each element, or slice along `dim`, so many times in a row.

    Shapes: any of n elements, k  ->  (n * k); (a, b), k, dim=1  ->  (a, b * k)
    Grad: summed over the copies
    See: repeat, tile, expand

    >>> repeat_interleave(tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    if repeats < 0:
        raise TensorError("Repeats must be non-negative")
    x, dim = _along(F, self, dim)
    shape = tuple(x.shape)
    grown = F.clone(F.expand(F.unsqueeze(x, dim + 1), (*shape[: dim + 1], repeats, *shape[dim + 1 :])), memory_format=contiguous_format)
    return F.reshape(grown, (*shape[:dim], shape[dim] * repeats, *shape[dim + 1 :]))


@composite(public="repeat_interleave")
def repeat_interleave_each(F, self, repeats, dim: Dim | None = None, *, output_size: Int | None = None):
    """Each element, or slice along `dim`, as often as `repeats` says for it.

    >>> repeat_interleave(tensor([1, 2]), tensor([1, 3]))
    tensor([1, 2, 2, 2])
    """
    if repeats.dtype not in (dtypes.int64, dtypes.int32):
        raise TensorError("repeats has to be Long or Int tensor")
    x, dim = _along(F, self, dim)
    counts = _values(repeats, "repeat_interleave").reshape(-1)
    xp = module_of(counts)
    if (counts < 0).any():
        raise TensorError("repeats can not be negative")
    if counts.size == 1:
        counts = xp.broadcast_to(counts, (x.shape[dim],))
    elif counts.size != x.shape[dim]:
        raise TensorError(f"repeats must have the same size as input along dim, but got repeats.size(0) = {counts.size} and input.size({dim}) = {x.shape[dim]}")
    return F.index_select(x, dim, wrap(xp.repeat(xp.arange(x.shape[dim]), counts)))


def _plan_isin(elements, test_elements, assume_unique, invert):
    for x in (elements, test_elements):
        if x.dtype.category == BOOL:
            raise TensorError("Unsupported input type encountered for isin(): Bool")
    return spec_of(dtypes.bool_, elements.device, elements.shape)


@structural(plan=_plan_isin, method=False, real_only=refuses("Unsupported input type encountered for isin(): {}"))
def isin(xp, elements, test_elements, *, assume_unique: Bool = False, invert: Bool = False):
    """Whether each element is among the test elements.

    Shapes: any; kept
    Grad: none: the result is bool
    See: eq, unique

    >>> isin(tensor([1, 2, 3]), tensor([2, 5]))
    tensor([False,  True, False])
    """
    return xp.isin(elements, test_elements, assume_unique=assume_unique, invert=invert)


