"""Indexing by tensors and masks, and elements written over: bounds are checked by us before any kernel runs."""

from __future__ import annotations

from functools import partial
from operator import setitem

from .. import dtypes
from ..at import add_at
from ..backend import check_work, device_of, dtype_of, module_of, ndarray, np, transfer, within
from ..blocks import taken
from ..dtypes import BOOL
from ..errors import TensorError, TensorIndexError, TensorNotImplemented
from ..families.common import check_no_partial_overlap, check_writable, fitting, real_for
from ..families.mutation import mutation
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, broadcast_strides, contiguous_strides, elementwise_strides, view_strides
from ..modes import is_grad_enabled
from ..spec import spec_of
from ..tensor import Tensor, allocate, wrap


def _arrays(indices):
    """Index tensors as arrays, a full slice where a dim is not indexed."""
    return tuple(slice(None) if i is None else i.a if isinstance(i, Tensor) else i for i in indices)


def _index_shape(shape, indices):
    """Result shape of advanced indexing: the indexed dims give way to the broadcast index shape, in front when they are apart."""
    if len(indices) > len(shape):
        raise TensorIndexError(f"too many indices for tensor of dimension {len(shape)} (got {len(indices)})")
    places = [d for d, i in enumerate(indices) if i is not None]
    try:
        common = broadcast_shapes(*[tuple(i.shape) for i in indices if i is not None])
    except TensorError:
        shapes = ", ".join(str(list(i.shape)) for i in indices if i is not None)
        raise TensorIndexError(f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}") from None
    rest = [n for d, n in enumerate(shape) if d not in places]
    together = places[-1] - places[0] + 1 == len(places)
    lead = places[0] if together else 0
    return (*rest[:lead], *common, *rest[lead:])


def _plan_index(self, indices):
    """torch lays the result out as an elementwise op over the source, its indexed dims at stride 0, and the index tensors would."""
    shape = _index_shape(tuple(self.shape), indices)
    places = [d for d, i in enumerate(indices) if i is not None]
    given = [indices[d] for d in places]
    picked = broadcast_shapes(*[tuple(i.shape) for i in given])
    rest = [d for d in range(self.ndim) if d not in places]
    together = places[-1] - places[0] + 1 == len(places)
    lead = places[0] if together else 0
    source = [self.strides[d] for d in rest]
    operands = [(shape, (*source[:lead], *(0,) * len(picked), *source[lead:]))]
    reshaped = ((1,) * lead + tuple(picked)) + (1,) * (len(rest) - lead)
    for i in given:
        expanded = broadcast_strides(tuple(i.shape), i.strides, picked)
        operands.append((reshaped, view_strides(tuple(picked), expanded, reshaped) or contiguous_strides(reshaped)))
    return spec_of(self.dtype, self.device, shape, elementwise_strides(shape, tuple(operands)))


def _outside(dim, size, bad):
    return TensorIndexError(f"index {bad} is out of bounds for dimension {dim} with size {size}")


def check_bounds(shape, indices):
    """Refuse an index outside its dim, before anything is read.

    Raises IndexError with torch's sentence.
    """
    for dim, index in enumerate(indices):
        if index is None or not index.size:
            continue
        size = shape[dim]
        if not size:
            raise TensorIndexError("index is out of bounds for dimension with size 0")
        within(index, -size, size, partial(_outside, dim, size))


def _picks_any(shape, places):
    """Whether index arrays (a slice for a dim that has none) pick any element; torch looks at none of them where they do not."""
    given = [(d, place) for d, place in enumerate(places) if not isinstance(place, slice)]
    return all([place.size for _, place in given]) and not (0 in shape and all([shape[d] for d, _ in given]))


def _check_places(shape, places):
    check_bounds(shape, [None if isinstance(place, slice) else place for place in places])


def _in_bounds(shape, places, access):
    """What `access()` gives, which uses index arrays; NumPy looks at all of them before it reads or writes.

    Raises IndexError with torch's sentence.
    """
    if 0 in shape or not all([isinstance(place, (slice, ndarray)) for place in places]):
        _check_places(shape, places)
    try:
        return access()
    except IndexError as error:
        refused = error
    _check_places(shape, places)
    raise refused


@structural(
    plan=_plan_index, self=lambda grad, self_spec, indices, F: F.index_backward(grad, self_spec.sizes, indices), function=False, method=False, out=False
)
def index(xp, self, indices: Indices):
    """Elements picked by integer tensors, one a dim, broadcast against each other: what `x[i, j]` does."""
    places = _arrays(indices)
    if not _picks_any(self.shape, places):
        return xp.empty(_index_shape(self.shape, indices), self.dtype)
    return _in_bounds(self.shape, places, lambda: taken(self, places[0]) if xp is np and self.ndim == 1 else self[places])


@structural(
    plan=lambda grad, shape, indices: spec_of(grad.dtype, grad.device, shape),
    grad=lambda grad, indices, F: F.index(grad, indices),
    function=False,
    method=False,
    out=False,
)
def index_backward(xp, grad, shape: Size, indices: Indices):
    """Zeros of `shape` with each picked element's gradient added where it came from."""
    result = xp.zeros(shape, grad.dtype)
    if grad.size:
        add_at(xp, result, _arrays(indices), grad)
    return result


def _plan_index_put(self, indices, values, accumulate):
    target = _index_shape(tuple(self.shape), indices)
    try:
        fits = broadcast_shapes(target, tuple(values.shape)) == target
    except TensorError:
        fits = False
    if not fits:
        raise TensorError(f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of shape {list(target)}")
    if values.dtype is not self.dtype and values.ndim:
        raise TensorError(f"Index put requires the source and destination dtypes match, got {self.dtype.kernel_name} for the destination and {values.dtype.kernel_name} for the source.")
    return spec_of(self.dtype, self.device, self.shape, self.strides if self.dense else None)


def _put(xp, target, indices, values, accumulate):
    """Set the elements of an array that integer tensors pick, or add to them."""
    places = _arrays(indices)
    if _picks_any(target.shape, places):
        if accumulate:
            _check_places(target.shape, places)
            add_at(xp, target, places, values)
        else:
            _in_bounds(target.shape, places, partial(setitem, target, places, values))


@structural(
    plan=_plan_index_put,
    over=_put,
    self=lambda grad, indices, values_spec, accumulate, F: grad if accumulate else F.index_put(grad, indices, F.zeros_of(values_spec), False),
    values=lambda grad, indices, values_spec, F: F.sum_to(F.index(grad, indices), values_spec.sizes),
    inplace=True,
    apart=True,
    out=False,
)
def index_put(xp, self, indices: Indices, values, accumulate: Bool = False):
    """A copy with the elements picked by integer tensors set to `values`, or `values` added to them.

    Shapes: input's; values broadcast to what the indices pick
    Grad: input: 0 where values were written (grad when accumulate); values: what the indices pick
    See: scatter, masked_fill, where

    >>> index_put(zeros(3), (tensor([0, 2]),), tensor([1., 2.]))
    tensor([1., 0., 2.])
    """
    result = xp.array(self, order="C")
    _put(xp, result, indices, values, accumulate)
    return result


@structural(plan=lambda like: spec_of(like.dtype, like.device, like.shape), function=False, method=False, out=False)
def zeros_of(xp, like: Any):
    """Zeros of a spec."""
    return xp.zeros(like.shape, like.numpy)


def _kept(self):
    return spec_of(self.dtype, self.device, self.shape, self.strides if self.dense else None)


def nonzero_places(mask):
    """One vector of places a dim for the nonzero elements of a Tensor."""
    check_work(mask.spec.numel, "nonzero")
    xp = module_of(mask.a)
    found = xp.nonzero(mask.a) if mask.a.ndim else (xp.zeros(int(bool(mask.a)), "int64"),)
    return [wrap(xp.ascontiguousarray(p)) for p in found]


@composite()
def nonzero(F, self, *, as_tuple: Bool = False):
    """The places of the nonzero elements: one row each, or with as_tuple one vector a dim.

    Shapes: (a, b)  ->  (n, 2), one row for each of n nonzero elements
    Grad: none: the result is int64
    See: argwhere, where, masked_select

    >>> nonzero(tensor([0, 5, 7]))
    tensor([[1],
            [2]])
    """
    if self.a is None:
        raise TensorNotImplemented("aten::nonzero: attempted to run this operator with Meta tensors, but the number of results depends on values", "nonzero")
    places = nonzero_places(self)
    if as_tuple:
        return tuple(places)
    count, ndim = places[0].spec.numel, len(self.shape)
    rows = allocate(spec_of(dtypes.int64, self.spec.device, (count, ndim), (1, count)))
    for i in range(ndim):
        rows.a[:, i] = places[i].a
    return rows


@composite()
def nonzero_static(F, self, *, size: Int, fill_value: Int = -1):
    """The places of the first `size` nonzero elements, one row each; rows of `fill_value` where there are fewer.

    Shapes: (a, b)  ->  (size, 2)
    Grad: none: the result is int64
    See: nonzero, argwhere

    >>> nonzero_static(tensor([0, 5, 7]), size=3)
    tensor([[ 1],
            [ 2],
            [-1]])
    """
    if size < 0:
        raise TensorError("nonzero_static: 'size' must be an non-negative integer")
    found = F.nonzero(self)[:size]
    return F.cat([found, F.full((size - found.shape[0], found.shape[1]), fill_value, device=self.device)], 0)


@composite()
def argwhere(F, self):
    """The places of the nonzero elements, one row each.

    Shapes: (a, b)  ->  (n, 2), one row for each of n nonzero elements
    Grad: none: the result is int64
    See: nonzero, where

    >>> argwhere(tensor([0, 5]))
    tensor([[1]])
    """
    return F.nonzero(self)


@composite()
def masked_select(F, self, mask):
    """The elements where the mask holds, in one dim.

    Shapes: input and mask broadcast  ->  (n), for n elements where the mask holds
    Grad: placed into zeros where the mask holds
    See: where, masked_fill, nonzero

    >>> masked_select(tensor([1, 2, 3]), tensor([True, False, True]))
    tensor([1, 3])
    """
    if is_grad_enabled():
        self.refuse_stale()
    if mask.dtype.category != BOOL:
        raise TensorError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shapes(tuple(self.shape), tuple(mask.shape))
    return F.masked_pick(F.expand(self, shape), nonzero_places(F.expand(mask, shape)))


@structural(
    node="MaskedSelectBackward",
    plan=lambda self, places: spec_of(self.dtype, self.device, (places[0].numel,)),
    self=lambda grad, self_spec, places, F: F.index_backward(grad if self_spec.ndim else F.sum(grad), self_spec.sizes, places if self_spec.ndim else []),
    function=False,
    method=False,
    out=False,
)
def masked_pick(xp, self, places: Any):
    """The elements at the places of a mask."""
    return self[_arrays(places)] if self.ndim else xp.broadcast_to(self, places[0].shape)


# --- writes -----------------------------------------------------------------------------------------------------------


def _check_copy(target, src, non_blocking):
    """Refuse a source that does not broadcast to the target's shape, or shows some of its memory otherwise."""
    if src.shape != target.shape:
        check_writable(target)
    check_no_partial_overlap(target, (src,))
    both = broadcast_shapes(tuple(target.shape), tuple(src.shape))
    if both != tuple(target.shape):
        raise TensorError(f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(both)}")


@mutation(public="copy_", node="torch::autograd::CopyBackwards", overload=None, self=lambda self_spec, F: F.zeros_of(self_spec), src=lambda grad: grad, check=_check_copy)
def copy_(xp, self, src, non_blocking: Bool = False):
    """The values of `src` written over the tensor, broadcast and cast.

    See: clone, fill_, to

    >>> zeros(2).copy_(tensor([1, 2]))
    tensor([1., 2.])
    """
    here = device_of(self)
    if device_of(src) is not here:
        src = transfer(src, here)
    self[...] = src.real if src.dtype.kind == "c" and self.dtype.kind in "iuf" else src


@mutation(public="fill_", overload=2, overlap_ok=True, self=lambda self_spec, F: F.zeros_of(self_spec))
def fill_(xp, self, value: Number):
    """Every element set to `value`.

    >>> zeros(2).fill_(3)
    tensor([3., 3.])
    """
    check_work(self.size, "fill_")
    self[...] = fitting(value, dtype_of(self.dtype))


@structural(public="fill", plan=lambda self, value: _kept(self), self=lambda self_spec, F: F.zeros_of(self_spec), method=False, out=False)
def fill_number(xp, self, value: Number):
    """The shape of `self`, every element `value`.

    Shapes: any; kept
    Grad: none of it reaches input
    See: full_like, Tensor.fill_

    >>> fill(zeros(2), 3)
    tensor([3., 3.])
    """
    return xp.full_like(self, fitting(value, dtype_of(self.dtype)))


def _plan_fill(self, value):
    _check_fill(self, value)
    return _kept(self)


@structural(
    public="fill", overload=1, plan=_plan_fill, self=lambda self_spec, F: F.zeros_of(self_spec), value=lambda grad, F: F.sum(grad), method=False, out=False
)
def fill_with(xp, self, value):
    """The shape of `self`, every element the one element of `value`.

    >>> fill(zeros(2), tensor(3))
    tensor([3., 3.])
    """
    return xp.broadcast_to(real_for(value, self), self.shape).astype(self.dtype)


def _check_fill(target, value):
    if value.ndim:
        raise TensorError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")


@mutation(
    public="fill_", overload=3, check=_check_fill, self=lambda self_spec, F: F.zeros_of(self_spec), value=lambda grad, F: F.sum(grad)
)
def fill_tensor(xp, self, value):
    """Every element set to the one element of `value`.

    >>> zeros(2).fill_(tensor(3))
    tensor([3., 3.])
    """
    self[...] = value.real if value.dtype.kind == "c" and self.dtype.kind in "iuf" else value


@mutation(public="zero_", overlap_ok=True, self=lambda self_spec, F: F.zeros_of(self_spec))
def zero_(xp, self):
    """Every element set to 0.

    >>> ones(2).zero_()
    tensor([0., 0.])
    """
    check_work(self.size, "zero_")
    self[...] = 0
