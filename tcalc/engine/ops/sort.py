"""Sorting, searching and picking by rank."""

from __future__ import annotations

from .. import dtypes
from ..backend import np
from ..errors import TensorError
from ..families.common import no_kernel, not_implemented, refuses
from ..families.structural import composite, structural
from ..layout import like_strides, wrap_dim
from ..spec import spec_of
from ..tensor import Tensor
from .extremes import gather_back
from .quantiles import ascending, least, middle_share, picked, plan_picked, select, sortable


def _plan_sort(self, dim, descending):
    wrap_dim(dim, self.ndim)
    strides = like_strides(tuple(self.shape), self.strides)
    return [spec_of(self.dtype, self.device, self.shape, strides), spec_of(dtypes.int64, self.device, self.shape, strides)]


def _order(xp, self, dim, descending):
    """Stable order along `dim`; nan counts as the largest."""
    self = sortable(xp, self)
    if not descending:
        return ascending(xp, self, dim)
    backward = ascending(xp, xp.flip(self, dim), dim)
    return xp.flip(self.shape[dim] - 1 - backward, dim)


@structural(
    plan=_plan_sort, fields=("values", "indices"), self=lambda grad, self_spec, dim, indices, F: gather_back(grad, self_spec, dim, True, indices, F),
    real_only=refuses(" Sort does not support complex dtypes on CPU"),
)
def sort(xp, self, dim: Dim = -1, descending: Bool = False):
    """Sorted along `dim`, with the places the values came from; equal values keep their order.

    Shapes: any; kept, twice
    Grad: moved back to the places the values came from
    See: argsort, topk, kthvalue

    >>> sort(tensor([3., 1., 2.]))
    torch.return_types.sort(
    values=tensor([1., 2., 3.]),
    indices=tensor([1, 2, 0]))
    """
    if not self.ndim:
        return self.copy(), xp.zeros((), "int64")
    order = _order(xp, self, dim, descending)
    return xp.take_along_axis(self, order, dim), order


@structural(
    public="sort", overload=1, plan=lambda self, stable, dim, descending: _plan_sort(self, dim, descending), fields=("values", "indices"),
    self=lambda grad, self_spec, dim, indices, F: gather_back(grad, self_spec, dim, True, indices, F),
)
def sort_stable(xp, self, *, stable: Bool | None, dim: Dim = -1, descending: Bool = False):
    """Sorted along `dim`, with the places the values came from; `stable` asks for what tcalc always does.

    >>> sort(tensor([3., 1., 3.]), stable=True)[1]
    tensor([1, 0, 2])
    """
    return sort.kernel(xp, self, dim, descending)


@composite()
def argsort(F, self, dim: Dim = -1, descending: Bool = False, stable: Bool = False):
    """The places that sort the tensor along `dim`.

    Shapes: any; kept
    Grad: none: the result is int64
    See: sort, topk, take_along_dim

    >>> argsort(tensor([3., 1., 2.]))
    tensor([1, 2, 0])
    """
    return F.sort(self, dim, descending)[1]


def _plan_topk(self, k, dim, largest, sorted):
    dim = wrap_dim(dim, self.ndim)
    size = self.shape[dim] if self.ndim else 1
    if not 0 <= k <= size:
        raise TensorError("selected index k out of range")
    if self.dtype is dtypes.bool_:
        raise TensorError("topk does not support bool dtypes on CPU")
    shape = (*self.shape[:dim], k, *self.shape[dim + 1 :]) if self.ndim else ()
    return [spec_of(self.dtype, self.device, shape), spec_of(dtypes.int64, self.device, shape)]


@structural(
    plan=_plan_topk, fields=("values", "indices"), self=lambda grad, self_spec, dim, indices, F: gather_back(grad, self_spec, dim, True, indices, F),
    real_only=refuses(" topk does not support complex dtypes on CPU"),
)
def topk(xp, self, k: Int, dim: Dim = -1, largest: Bool = True, sorted: Bool = True):
    """The k largest (or smallest) along `dim`, and where they are.

    Shapes: (a, b), k, dim=-1  ->  (a, k), twice
    Grad: placed into zeros at the places the values came from
    See: sort, kthvalue, max

    >>> topk(tensor([1., 5., 3.]), 2)
    torch.return_types.topk(
    values=tensor([5., 3.]),
    indices=tensor([1, 2]))
    """
    if not self.ndim:
        return self.copy(), xp.zeros((), "int64")
    order = _order(xp, self, dim, largest)
    order = order[(slice(None),) * (dim % self.ndim) + (slice(0, k),)]
    return xp.take_along_axis(self, order, dim), order


def _plan_kthvalue(self, k, dim, keepdim):
    planned = plan_picked(self, dim, keepdim, "kthvalue") if not self.numel else None
    dim = wrap_dim(dim, self.ndim)
    if not 1 <= k <= (self.shape[dim] if self.ndim else 1):
        raise TensorError("kthvalue(): selected number k out of range for dimension " + str(dim))
    if self.dtype is dtypes.bool_:
        raise not_implemented("kthvalue_cpu", self.dtype)
    return planned or plan_picked(self, dim, keepdim, "kthvalue")


@structural(
    plan=_plan_kthvalue, fields=("values", "indices"), out_rule=("kth values", "kth indices"), apart=True,
    self=lambda grad, self_spec, dim, keepdim, indices, F: gather_back(grad, self_spec, dim, keepdim, indices, F),
    real_only=no_kernel("kthvalue_cpu"),
)
def kthvalue(xp, self, k: Int, dim: Dim = -1, keepdim: Bool = False):
    """The k-th smallest along `dim` (counted from 1) and where it is.

    Shapes: (a, b), k, dim=-1  ->  (a), twice
    Grad: placed into zeros at the places the values came from
    See: topk, sort, median

    >>> kthvalue(tensor([3., 1., 2.]), 2)
    torch.return_types.kthvalue(
    values=tensor(2.),
    indices=tensor(2))
    """
    if not self.ndim:
        return self.copy(), xp.zeros((), "int64")
    order = _order(xp, self, dim, False)
    values, places = picked(xp, self, order, xp.full([1 if d == dim % self.ndim else n for d, n in enumerate(self.shape)], k - 1), dim, True)
    rows = xp.moveaxis(self, dim, -1)
    equal = rows == xp.moveaxis(values, dim, -1)
    if self.dtype.kind not in "iu":
        equal |= (rows != rows) & xp.moveaxis(values != values, dim, -1)
    found = xp.moveaxis(places, dim, -1)
    several = xp.argwhere(xp.add.reduce(equal, -1) > 1).tolist() if xp is np else []  # on cuda the first of several equal ones, without a look
    for place in map(tuple, several):  # which of several equal ones is torch's choice
        found[place] = select(xp, rows[place], k - 1)
    return (values, places) if keepdim else (xp.squeeze(values, dim), xp.squeeze(places, dim))


def _plan_median_dim(self, dim, keepdim):
    planned = plan_picked(self, dim, keepdim, "median")
    if self.dtype is dtypes.bool_:
        raise not_implemented("median_out", self.dtype)
    return planned


@structural(
    out_rule=("median values", "median indices"), apart=True, public="median", overload=1, plan=_plan_median_dim, fields=("values", "indices"),
    self=lambda grad, self_spec, dim, keepdim, indices, F: gather_back(grad, self_spec, dim, keepdim, indices, F),
)
def median_dim(xp, self, dim: Dim, keepdim: Bool = False):
    """The middle value along `dim` (the lower of two; nan when there is one) and where it is.

    >>> median(tensor([[3., 1., 2.]]), 1)
    torch.return_types.median(
    values=tensor([2.]),
    indices=tensor([2]))
    """
    if not self.ndim:
        return self.copy(), xp.zeros((), "int64")
    size = self.shape[dim]
    numbers = xp.add.reduce(self == self, dim, dtype="int64", keepdims=True)
    ranks = xp.where(numbers < size, numbers, (size - 1) // 2)  # the first nan, where there is one: nan is last in order
    return picked(xp, self, _order(xp, self, dim, False), ranks, dim, keepdim)


def _plan_median(self):
    if self.dtype is dtypes.bool_:
        raise not_implemented("median_cpu", self.dtype)
    return spec_of(self.dtype, self.device, ())


@structural(
    plan=_plan_median, self=lambda grad, self, self_spec, result, F: middle_share(grad, self, self_spec, result, F), out=False, real_only=no_kernel("median_cpu"),
)
def median(xp, self):
    """The middle of all values, the lower of two; nan when there is one.

    Shapes: any  ->  (), (a, b), dim=0: (b), twice
    Grad: with dim to the place the value came from; without, shared by the elements equal to it
    See: mean, kthvalue, sort

    >>> median(tensor([3., 1., 2.]))
    tensor(2.)
    """
    if not self.size:
        return least(xp, self.dtype)
    flat = xp.sort(sortable(xp, self.reshape(-1)))
    return xp.where(flat[-1] != flat[-1], flat[-1], flat[(flat.size - 1) // 2])


def _plan_searchsorted(sorted_sequence, self, out_int32, right, side, sorter):
    name = "torch.searchsorted()"
    if side not in (None, "left", "right"):
        raise TensorError(f"{name}: side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise TensorError(f"{name}: side and right can't be set to opposites, got side of left while right was True")
    if not sorted_sequence.ndim:
        raise TensorError(f"{name}: boundaries tensor should have positive dimension, but got 0 dimension")
    if sorted_sequence.ndim > 1 and sorted_sequence.shape[:-1] != self.shape[:-1]:
        raise TensorError(
            f"{name}: boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match, but we got"
            f" boundaries tensor {list(sorted_sequence.shape)} and input value tensor {list(self.shape)}"
        )
    if self.dtype is dtypes.bool_ and self.numel:
        raise not_implemented("searchsorted_out_cpu", self.dtype)
    return spec_of(dtypes.int32 if out_int32 else dtypes.int64, self.device, self.shape)


@structural(plan=_plan_searchsorted, method=False, out_rule="searchsorted", real_only=no_kernel("searchsorted_out_cpu"))
def searchsorted(
    xp, sorted_sequence, self, *, out_int32: Bool = False, right: Bool = False, side: Str | None = None, sorter: Tensor | None = None
):
    """Where each value would go into a sorted vector, or row by row, to keep it sorted; `sorter` puts an unsorted one in order.

    Shapes: (n), any  ->  that of the values; (a, n), (a, m)  ->  (a, m)
    Grad: none: the result is int64
    See: sort, argsort

    >>> searchsorted(tensor([1., 3., 5.]), tensor([2., 5.]))
    tensor([1, 2])
    """
    if sorter is not None:
        sorted_sequence = xp.take_along_axis(sorted_sequence, sorter, -1)
    side = "right" if right or side == "right" else "left"
    if sorted_sequence.ndim == 1:
        return xp.searchsorted(sorted_sequence, self, side=side)
    if not self.size or not sorted_sequence.size:
        return xp.zeros(self.shape, "int64")
    rows = sorted_sequence.reshape(-1, sorted_sequence.shape[-1])
    values = self.reshape(rows.shape[0], -1)
    return xp.stack([xp.searchsorted(row, value, side=side) for row, value in zip(rows, values, strict=True)]).reshape(self.shape)


@composite(public="searchsorted", method=False, out=True, out_rule="searchsorted")
def searchsorted_number(
    F, sorted_sequence, self: Number, *, out_int32: Bool = False, right: Bool = False, side: Str | None = None, sorter: Tensor | None = None
):
    """Where one number would go into a sorted vector.

    >>> searchsorted(tensor([1., 3., 5.]), 2)
    tensor(1)
    """
    if len(sorted_sequence.shape) != 1:
        raise TensorError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor"
            f" dim({len(sorted_sequence.shape)}) and input value's dim(0) numel(1)"
        )
    value = F.full((), self, device=sorted_sequence.device)
    return F.searchsorted(sorted_sequence, value, out_int32=out_int32, right=right, side=side, sorter=sorter)


@composite(method=False, out=True, out_rule="searchsorted")
def bucketize(F, self: Operand, boundaries, *, out_int32: Bool = False, right: Bool = False):
    """Between which of the sorted `boundaries` each value lies: searchsorted the other way round.

    Shapes: any, (n)  ->  kept
    Grad: none: the result is int64
    See: searchsorted, histogram

    >>> bucketize(tensor([2., 5.]), tensor([1., 3., 5.]))
    tensor([1, 2])
    """
    if len(boundaries.shape) != 1:
        raise TensorError(f"boundaries tensor must be 1 dimension, but got dim({len(boundaries.shape)})")
    return F.searchsorted(boundaries, self, out_int32=out_int32, right=right) if isinstance(self, Tensor) else F.searchsorted_number(
        boundaries, self, out_int32=out_int32, right=right
    )
