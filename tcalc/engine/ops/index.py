"""Indexing, gathering and scattering: bounds are checked by us before any array is read."""

from __future__ import annotations

from functools import partial

from .. import dtypes
from ..at import add_at
from ..backend import check_work, device_of, dtype_of, module_of, np, transfer, within
from ..dtypes import BOOL, INT
from ..errors import TensorError, TensorIndexError, TensorNotImplemented
from ..families.common import check_writable, fitting, real_for
from ..families.mutation import mutation
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, broadcast_strides, contiguous_strides, elementwise_strides, view_strides, wrap_dim
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
    """Whether index arrays (a slice for a dim that has none) pick any element; torch looks at none of them where they do not.

    Raises IndexError for one outside its dim.
    """
    given = [(d, place) for d, place in enumerate(places) if not isinstance(place, slice)]
    if not all([place.size for _, place in given]) or (0 in shape and all([shape[d] for d, _ in given])):
        return False
    check_bounds(shape, [None if isinstance(place, slice) else place for place in places])
    return True


@structural(
    plan=_plan_index, self=lambda grad, self_spec, indices, F: F.index_backward(grad, self_spec.sizes, indices), function=False, method=False, out=False
)
def index(xp, self, indices: Indices):
    """Elements picked by integer tensors, one a dim, broadcast against each other: what `x[i, j]` does."""
    places = _arrays(indices)
    if not _picks_any(self.shape, places):
        return xp.empty(_index_shape(self.shape, indices), self.dtype)
    return np.take(self, places[0]) if xp is np and self.ndim == 1 else self[places]


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


@structural(
    plan=_plan_index_put,
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
    places = _arrays(indices)
    result = xp.array(self, order="C")
    if not _picks_any(self.shape, places):
        return result
    if accumulate:
        add_at(xp, result, places, values)
    else:
        result[places] = values
    return result


@structural(plan=lambda like: spec_of(like.dtype, like.device, like.shape), function=False, method=False, out=False)
def zeros_of(xp, like: Any):
    """Zeros of a spec."""
    return xp.zeros(like.shape, like.numpy)


def _check_gather(self, dim, index, name="gather"):
    if index.dtype.category != INT:
        raise TensorError(f"{name}(): Expected dtype int32/int64 for index")
    if not index.numel:
        return
    if index.ndim != self.ndim and (index.ndim or 1) != (self.ndim or 1):
        raise TensorError(f"Index tensor must have the same number of dimensions as {'input' if name == 'gather' else 'self'} tensor")
    dim = wrap_dim(dim, self.ndim)
    for d in range(self.ndim):
        if d != dim and index.shape[d] > self.shape[d]:
            raise TensorError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self {list(self.shape)} apart from dimension {dim}"
            )


def _plan_gather(self, dim, index):
    _check_gather(self, dim, index)
    return spec_of(self.dtype, self.device, index.shape)


def _grid(xp, dim, index):
    """Full index arrays: `index` along `dim`, the place itself along the others."""
    if not index.ndim:
        return (index,)
    places = list(xp.ogrid[tuple(slice(0, n) for n in index.shape)])
    places[dim % index.ndim] = index
    return tuple(places)


def _bounded(self_shape, dim, index):
    if index.size:
        dim = wrap_dim(dim, len(self_shape))
        size = self_shape[dim] if self_shape else 1
        within(index, 0, size, lambda bad: TensorError(f"index {bad} is out of bounds for dimension {dim} with size {size}"))


@structural(apart=True, plan=_plan_gather, self=lambda grad, self_spec, dim, index, F: F.scatter_add_to(self_spec.sizes, dim, index, grad))
def gather(xp, self, dim: Dim, index):
    """Elements picked along `dim`: result[i][j] = self[index[i][j]][j] for dim 0.

    Shapes: index's, at most input's except along dim
    Grad: added to the places that were picked
    See: take_along_dim, index_select, scatter

    >>> gather(tensor([[1, 2], [3, 4]]), 1, tensor([[1], [0]]))
    tensor([[2],
            [3]])
    """
    if not self.ndim:
        _bounded((), 0, index)
        return self.reshape(-1)[index.reshape(-1)].reshape(index.shape)
    if not index.size:
        return xp.zeros(index.shape, self.dtype)
    dim %= self.ndim
    _bounded(self.shape, dim, index)
    return self[_grid(xp, dim, index)]


@structural(
    plan=lambda shape, dim, index, src: spec_of(src.dtype, src.device, shape),
    src=lambda grad, dim, index, F: F.gather(grad, dim, index),
    function=False,
    method=False,
    out=False,
)
def scatter_add_to(xp, shape: Size, dim: Dim, index, src):
    """Zeros of `shape` with `src` added at the places `index` names along `dim`."""
    result = xp.zeros(shape, widened(src.dtype))
    if isinstance(index, Tensor):
        index = index.a
    if not shape:
        return result + src.reshape(())
    if not index.size:
        return result
    _bounded(shape, dim, index)  # what was saved may have been given other data since
    add_at(xp, result, _grid(xp, dim, index), src)
    return result


def widened(d):
    """The array dtype in which many values are added up at one place: float32 for 16-bit floats."""
    return "float32" if d.itemsize == 2 and d.kind not in "iu" else d


def _kept(self):
    return spec_of(self.dtype, self.device, self.shape, self.strides if self.dense else None)


def _fresh(self):
    return spec_of(self.dtype, self.device, self.shape)


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


def _check_index_vector(name, index):
    if index.dtype.name not in ("int32", "int64"):
        raise TensorError(f"{name}(): Expected dtype int32 or int64 for index")
    if index.ndim > 1:
        detail = "" if name == "index_select" else f", but got dim: {index.ndim}"
        raise TensorIndexError(f"{name}(): Index is supposed to be a vector{detail}")


def _plan_index_select(self, dim, index):
    _check_index_vector("index_select", index)
    dim = wrap_dim(dim, self.ndim)
    return spec_of(self.dtype, self.device, (*self.shape[:dim], index.numel, *self.shape[dim + 1 :]) if self.ndim else ())


@structural(
    apart=True,
    plan=_plan_index_select, out_rule="scalar type", self=lambda grad, self_spec, dim, index, F: F.index_add_to(self_spec.sizes, dim, index, grad)
)
def index_select(xp, self, dim: Dim, index):
    """Slices picked along `dim` by a vector of places.

    Shapes: (a, b), dim=0, index (n)  ->  (n, b)
    Grad: added to the slices that were picked
    See: gather, take, narrow (a view)

    >>> index_select(tensor([[1, 2], [3, 4]]), 1, tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    within(index, 0, self.shape[dim] if self.ndim else 1, lambda bad: TensorIndexError("index out of range in self"))
    return xp.take(self, index.reshape(-1), axis=dim) if self.ndim else self.copy()


@structural(
    plan=lambda shape, dim, index, src: spec_of(src.dtype, src.device, shape),
    src=lambda grad, dim, index, F: F.index_select(grad, dim, index),
    function=False,
    method=False,
    out=False,
)
def index_add_to(xp, shape: Size, dim: Dim, index, src):
    """Zeros of `shape` with the slices of `src` added at the places of `index` along `dim`."""
    result = xp.zeros(shape, src.dtype)
    if not shape:
        return result + src
    add_at(xp, result, (slice(None),) * (dim % len(shape)) + (index.reshape(-1),), src)
    return result


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
        return result + alpha * source.sum()
    add_at(xp, result, (slice(None),) * (dim % self.ndim) + (index.reshape(-1),), source * self.dtype.type(alpha))
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


def _plan_take(self, index):
    if index.dtype is not dtypes.int64:
        raise TensorError(f"take(): Expected a long tensor for index, but got {index.dtype.kernel_name}")
    if not self.numel and index.numel:
        raise TensorIndexError("take(): tried to take from an empty tensor")
    return spec_of(self.dtype, self.device, index.shape, elementwise_strides(tuple(index.shape), ((tuple(index.shape), index.strides),)))


@structural(
    apart=True,
    plan=_plan_take,
    out_rule="take",
    self=lambda grad, self_spec, index, F: F.reshape(F.index_backward(grad, (self_spec.numel,), [index]), self_spec.sizes),
)
def take(xp, self, index):
    """Elements of the flattened tensor by place.

    Shapes: index's
    Grad: added to the places that were picked
    See: gather, index_select

    >>> take(tensor([[1, 2], [3, 4]]), tensor([3, 0]))
    tensor([4, 1])
    """
    size = self.size
    within(index, -size, size, lambda bad: TensorIndexError(f"out of range: tried to access index {bad} on a tensor of {size} elements."))
    return self.reshape(-1)[index]


@composite()
def take_along_dim(F, self, indices, dim: Dim | None = None):
    """Elements picked along `dim` by places of the same rank, as argsort gives them.

    Shapes: indices and input broadcast except along dim
    Grad: added to the places that were picked
    See: gather, argsort

    >>> take_along_dim(tensor([[3, 1, 2]]), tensor([[1, 2, 0]]), 1)
    tensor([[1, 2, 3]])
    """
    if dim is None:
        return F.gather(F.view(self, (-1,)), 0, F.view(indices, (-1,)))
    dim = wrap_dim(dim, len(self.shape))
    shape = list(broadcast_shapes(tuple(n if d != dim else 1 for d, n in enumerate(self.shape)), tuple(n if d != dim else 1 for d, n in enumerate(indices.shape))))
    mine, theirs = list(shape), list(shape)
    mine[dim], theirs[dim] = self.shape[dim], indices.shape[dim]
    size = self.shape[dim]
    return F.gather(F.expand(self, tuple(mine)), dim, F.remainder(F.expand(indices, tuple(theirs)), size) if size else indices)


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
    """Refuse a source that does not broadcast to the target's shape."""
    if src.shape != target.shape:
        check_writable(target)
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
