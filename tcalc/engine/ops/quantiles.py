"""Values by rank and frequency: quantiles, the median of the numbers, the most frequent value, the place torch finds among equals."""

from __future__ import annotations

from .. import dtypes
from ..backend import np
from ..errors import TensorError, TensorIndexError
from ..families.common import no_kernel, not_implemented
from ..families.structural import composite, structural
from ..layout import reduced_shape, wrap_dim
from ..spec import spec_of
from ..tensor import Tensor
from .extremes import gather_back
from .running import scan

MODES = ("linear", "lower", "higher", "midpoint", "nearest")
LARGEST = 2**24  # ranks are computed in the dtype of the values


def _check_quantile(self, q, interpolation):
    if not self.spec.numel:
        raise TensorError("quantile() input tensor must be non-empty")
    if len(q.shape) > 1:
        raise TensorError("quantile() q must be a scalar or 1D tensor")
    if self.dtype not in (dtypes.float32, dtypes.float64):
        raise TensorError("quantile() input tensor must be either float or double dtype")
    if q.dtype is not self.dtype:
        raise TensorError("quantile() q tensor must be same dtype as the input tensor")
    if interpolation not in MODES:
        raise TensorError(f"quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}")
    if not bool(((q >= 0) & (q <= 1)).all()):
        raise TensorError("quantile() q values must be in the range [0, 1]")


def _sorted_rows(F, self, dim):
    """The values in order along the last dim, which `dim` was moved to; all of them in one row for None."""
    if dim is None:
        return F.sort(F.reshape(self, (self.spec.numel,)))[0]
    if dim == len(self.shape) - 1 or not self.shape:
        return F.sort(self)[0]
    return F.sort(F.transpose(F.unsqueeze(self, -1), dim, -1))[0]


def _ranks(F, rows, q, ignoring):
    """Where the quantiles lie along the sorted rows; the last place, where nan is, for rows that have one."""
    if ignoring:
        ranks = q * (F.sum_dim(F.logical_not(F.isnan(rows)), (-1,), True) - 1)
        return F.where(ranks < 0, 0.0, ranks)
    last = rows.shape[-1] - 1
    return F.where(F.any(F.isnan(rows), (-1,), True), float(last), q * last)


def _quantile(F, self, q, dim, keepdim, interpolation, ignoring):
    """torch's steps, so that its graph comes of them."""
    if not isinstance(q, Tensor) and not 0 <= q <= 1:
        raise TensorError(f"quantile() q must be in the range [0, 1] but got {q:g}")
    q = F.new_full(self.detach(), (), q) if not isinstance(q, Tensor) else q
    _check_quantile(self, q, interpolation)
    where = None if dim is None else wrap_dim(dim, len(self.shape))
    rows = _sorted_rows(F, self, where)
    if where is not None and self.shape:
        kept = reduced_shape(tuple(self.shape), (where,), keepdim)
    else:
        kept = (1,) * len(self.shape) if keepdim else ()
    if rows.shape[-1:] and rows.shape[-1] > LARGEST:
        raise TensorError("quantile() input tensor is too large")
    rows = F.view(rows, (*kept, rows.shape[-1] if rows.shape else 1))
    ranks = _ranks(F, rows.detach(), q, ignoring)
    ranks = {"lower": F.floor, "higher": F.ceil, "nearest": F.round}.get(interpolation, lambda r: r)(ranks)
    below = F.to_copy(ranks, dtypes.int64, None, None)
    values = F.gather(rows, -1, below)
    if interpolation in ("linear", "midpoint"):
        weights = F.full_like(ranks, 0.5) if interpolation == "midpoint" else ranks - below
        values = F.lerp_tensor(values, F.gather(rows, -1, F.to_copy(F.ceil(ranks), dtypes.int64, None, None)), weights)
    if not q.shape:
        return values.squeeze_(-1)
    return values.unsqueeze_(0).transpose_(0, -1).squeeze_(-1)


@composite(out=True, out_rule="quantile")
def quantile(F, self, q: Operand, dim: Dim | None = None, keepdim: Bool = False, *, interpolation: Str = "linear"):
    """The value below which a share `q` of the values along `dim` lies; nan where there is one.

    Shapes: (a, b), q (), dim=1  ->  (a); q (n)  ->  (n, a)
    Grad: to the one or two values it lies between, by their weights
    See: nanquantile, median, kthvalue

    >>> quantile(tensor([0., 1., 2., 3.]), 0.5)
    tensor(1.5000)
    """
    return _quantile(F, self, q, dim, keepdim, interpolation, False)


@composite(out=True, out_rule="quantile")
def nanquantile(F, self, q: Operand, dim: Dim | None = None, keepdim: Bool = False, *, interpolation: Str = "linear"):
    """quantile of the values that are not nan.

    Shapes: (a, b), q (), dim=1  ->  (a); q (n)  ->  (n, a)
    Grad: to the one or two values it lies between, by their weights
    See: quantile, nanmedian

    >>> nanquantile(tensor([0., 1., float("nan")]), 0.5)
    tensor(0.5000)
    """
    return _quantile(F, self, q, dim, keepdim, interpolation, True)


# --- medians and modes ------------------------------------------------------------------------------------------------


def plan_picked(self, dim, keepdim, name):
    """Values and places of one element along `dim`, which must have one.

    Raises IndexError with torch's sentence for an empty dim.
    """
    dim = wrap_dim(dim, self.ndim)
    if self.ndim and not self.shape[dim]:
        raise TensorIndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    shape = reduced_shape(tuple(self.shape), (dim,) if self.ndim else (), keepdim)
    return [spec_of(self.dtype, self.device, shape), spec_of(dtypes.int64, self.device, shape)]


def picked(xp, self, order, ranks, dim, keepdim):
    """The elements at `ranks` (with `dim` kept) of an order along `dim`, and their places."""
    places = xp.take_along_axis(order, ranks, dim)
    values = xp.take_along_axis(self, places, dim)
    return (values, places) if keepdim else (xp.squeeze(values, dim), xp.squeeze(places, dim))


def middle_share(grad, self, self_spec, result, F):
    """The gradient in equal parts to the elements equal to the result, nan to nan."""
    if not len(self.shape):
        return grad
    weights = F.cast((self == result) | ((self != self) & (result != result)), self_spec.dtype)
    return grad * (weights / F.sum(weights))


def sortable(xp, self):
    """Numbers that NumPy puts in torch's order, nan last: bfloat16, whose own order has no place for nan, as float32."""
    return self.astype("float32") if self.dtype.kind == "V" else self


def ascending(xp, self, dim):
    """Stable order along `dim`. Many numbers of up to 32 bits are sorted together with their places, as integers of 64: NumPy sorts those
    with vector instructions, which its stable argsort does not have."""
    if xp is not np or self.shape[dim] < 1 << 10 or self.dtype.name not in ("float16", "float32", "int8", "int16", "int32", "uint8", "uint16"):
        return xp.argsort(self, axis=dim, kind="stable")
    if self.dtype.kind == "f":
        plain = np.where(self == self, self + np.float32(0), np.float32(np.nan))  # one zero, one nan
        bits = plain.view(np.int32)
        self = bits ^ (bits >> 31 & 0x7FFFFFFF)  # integers in the order of the floats
    places = np.arange(self.shape[dim]).reshape(-1, *(1,) * (self.ndim - 1 - dim % self.ndim))
    return np.sort((self.astype(np.int64) << 32) | places, axis=dim) & 0xFFFFFFFF


def least(xp, d):
    """The median of nothing: nan, or the least integer."""
    return xp.asarray(xp.iinfo(d).min if d.kind in "iu" else xp.nan, d)


def _plan_nanmedian(self):
    if self.dtype is dtypes.bool_:
        raise not_implemented("median_cpu", self.dtype)
    return spec_of(self.dtype, self.device, ())


@structural(
    plan=_plan_nanmedian, self=lambda grad, self, self_spec, result, F: middle_share(grad, self, self_spec, result, F), out=False, real_only=no_kernel("median_cpu"),
)
def nanmedian(xp, self):
    """The middle of the values that are not nan, the lower of two.

    Shapes: any  ->  (), (a, b), dim=0: (b), twice
    Grad: with dim to the place the value came from; without, shared by the elements equal to it
    See: median, nanquantile

    >>> nanmedian(tensor([3., float("nan"), 1., 2.]))
    tensor(2.)
    """
    flat = xp.sort(sortable(xp, self.reshape(-1)))
    if not flat.size:
        return least(xp, self.dtype)
    return xp.take(flat, xp.maximum(xp.add.reduce(flat == flat, 0) - 1, 0) // 2)


def _plan_nanmedian_dim(self, dim, keepdim):
    planned = plan_picked(self, dim, keepdim, "median")
    if self.dtype is dtypes.bool_:
        raise not_implemented("median_out", self.dtype)
    return planned


@structural(
    public="nanmedian", overload=1, plan=_plan_nanmedian_dim, fields=("values", "indices"), out_rule=("median values", "median indices"), apart=True,
    self=lambda grad, self_spec, dim, keepdim, indices, F: gather_back(grad, self_spec, dim, keepdim, indices, F),
)
def nanmedian_dim(xp, self, dim: Dim, keepdim: Bool = False):
    """The middle along `dim` of the values that are not nan, and where it is.

    >>> nanmedian(tensor([[3., float("nan"), 1.]]), 1)
    torch.return_types.nanmedian(
    values=tensor([1.]),
    indices=tensor([2]))
    """
    if not self.ndim:
        return self.copy(), xp.zeros((), "int64")
    count = xp.add.reduce(self == self, dim, dtype="int64", keepdims=True)
    return picked(xp, self, ascending(xp, sortable(xp, self), dim), xp.maximum(count - 1, 0) // 2, dim, keepdim)


@structural(
    plan=lambda self, dim, keepdim: plan_picked(self, dim, keepdim, "mode"), fields=("values", "indices"), out_rule=("mode values", "mode indices"), apart=True,
    self=lambda grad, self_spec, dim, keepdim, indices, F: gather_back(grad, self_spec, dim, keepdim, indices, F),
    real_only=no_kernel("mode_cpu"),
)
def mode(xp, self, dim: Dim = -1, keepdim: Bool = False):
    """The most frequent value along `dim`, the smallest of several, and the last place where it is.

    Shapes: (a, b), dim=1  ->  (a), twice
    Grad: to that place
    See: median, unique, bincount

    >>> mode(tensor([2, 3, 2]))
    torch.return_types.mode(
    values=tensor(2),
    indices=tensor(2))
    """
    if not self.ndim:
        return self.copy(), xp.zeros((), "int64")
    order = xp.moveaxis(ascending(xp, self, dim), dim, -1)
    values = xp.take_along_axis(xp.moveaxis(self, dim, -1), order, -1)
    size = values.shape[-1]
    ends = xp.ones(values.shape, bool)
    ends[..., :-1] = values[..., 1:] != values[..., :-1]
    places = xp.broadcast_to(xp.arange(size), values.shape)
    before = xp.full(values.shape, -1)
    before[..., 1:] = scan(xp, xp.maximum, xp.where(ends, places, -1), -1)[..., :-1]
    ranks = xp.argmax(xp.where(ends, places - before, 0), axis=-1)[..., None]  # of the longest run, the first of several
    return picked(xp, self, xp.moveaxis(order, -1, dim), xp.moveaxis(ranks, -1, dim), dim, keepdim)


# --- torch's quickselect ----------------------------------------------------------------------------------------------


def select(xp, row, k):
    """The place where torch's quickselect finds the k-th smallest (from 0) of a vector: one among the equal ones.

    Hoare's partition around the median of three as torch writes it; a round's swaps are found at once, since each scan stops where it
    would have stopped before any of them was made.
    """
    values, places = row.copy(), xp.arange(row.size)
    low, high = 0, row.size - 1

    def above(a, b):
        """a > b, nan the largest."""
        return (a > b) | ((a != a) & (b == b))

    def swap(a, b):
        for array in (values, places):
            array[[a, b]] = array[[b, a]]

    while high > low:
        if high == low + 1:
            if above(values[low], values[high]):
                swap(low, high)
            break
        swap(low + (high - low) // 2, low + 1)
        for a, b in ((low + 1, high), (low, high), (low + 1, low)):
            if above(values[a], values[b]):
                swap(a, b)
        pivot, part = values[low], values[low + 2 : high]
        left = xp.flatnonzero(~above(pivot, part)) + low + 2  # where the scan from the left stops
        right = xp.flatnonzero(~above(part, pivot))[::-1] + low + 2
        pairs = min(left.size, right.size)
        count = int(xp.argmin(xp.append(left[:pairs] <= right[:pairs], False)))
        a, b = left[:count], right[:count]
        for array in (values, places):
            array[a], array[b] = array[b], array[a]
        before = count - 2 if count and a[-1] == b[-1] else count - 1  # where the scans met they go on to the stops of the swap before
        last = int(b[before]) if before >= 0 else high
        first = int(a[before]) if before >= 0 else low + 1
        i = min(int(left[count]) if count < left.size else high, last)
        j = max(int(right[count]) if count < right.size else low + 1, first)
        swap(low, j)
        if j <= k:
            low = i
        if j >= k:
            high = j - 1
    return int(places[k])
