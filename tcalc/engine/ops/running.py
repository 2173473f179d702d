"""Running extremes and sums along a dim, the two extremes at once, and copies with a part replaced."""

from __future__ import annotations

from .. import dtypes
from ..dtypes import FLOAT
from ..errors import TensorError, TensorIndexError
from ..families.common import no_kernel, not_implemented, real_for
from ..families.structural import composite, structural
from ..layout import like_strides, reduced_shape, wrap_dim, wrap_dims
from ..spec import spec_of
from .exponentials import log_of_sum
from .reduce import gather_back

# --- running extremes -------------------------------------------------------------------------------------------------


def _plan_running(self, dim):
    wrap_dim(dim, self.ndim)
    return [spec_of(self.dtype, self.device, self.shape), spec_of(dtypes.int64, self.device, self.shape)]


def scan(xp, ufunc, a, dim):
    """The running result of a ufunc along `dim`, by doubling: CuPy accumulates sums and products only."""
    found = xp.ascontiguousarray(xp.moveaxis(a, dim, 0))
    step = 1
    while step < found.shape[0]:
        found = xp.concatenate((found[:step], ufunc(found[step:], found[:-step])))
        step *= 2
    return xp.moveaxis(found, 0, dim)


def _running(xp, self, dim, ufunc, keeps):
    """The running extreme along `dim` and the place of its last holder."""
    if not self.ndim:
        return self.copy(), xp.zeros((), "int64")
    values = scan(xp, ufunc, self, dim)
    shape = [1] * self.ndim
    shape[dim] = self.shape[dim]
    places = xp.broadcast_to(xp.arange(self.shape[dim]).reshape(shape), self.shape)
    before = xp.roll(values, 1, axis=dim)
    holds = keeps(self, before) | ((self != self) if self.dtype.kind not in "iub" else False)
    first = [slice(None)] * self.ndim
    first[dim] = slice(0, 1)
    holds[tuple(first)] = True
    return values, scan(xp, xp.maximum, xp.where(holds, places, 0), dim)


@structural(
    out_rule="scalar_type", plan=_plan_running, fields=("values", "indices"), self=lambda grad, self_spec, dim, indices, F: gather_back(grad, self_spec, dim, True, indices, F),
    real_only=no_kernel("cummax_cpu"),
)
def cummax(xp, self, dim: Dim):
    """The largest so far along `dim`, and where it is.

    Shapes: any; kept
    Grad: hands grad to the places the values came from
    See: max, cummin, cumsum

    >>> cummax(tensor([1., 3., 2.]), 0)
    torch.return_types.cummax(
    values=tensor([1., 3., 3.]),
    indices=tensor([0, 1, 1]))
    """
    return _running(xp, self, dim, xp.maximum, lambda a, before: a >= before)


@structural(
    out_rule="scalar_type", plan=_plan_running, fields=("values", "indices"), self=lambda grad, self_spec, dim, indices, F: gather_back(grad, self_spec, dim, True, indices, F),
    real_only=no_kernel("cummin_cpu"),
)
def cummin(xp, self, dim: Dim):
    """The smallest so far along `dim`, and where it is.

    Shapes: any; kept
    Grad: hands grad to the places the values came from
    See: min, cummax, cumsum

    >>> cummin(tensor([3., 1., 2.]), 0)
    torch.return_types.cummin(
    values=tensor([3., 1., 1.]),
    indices=tensor([0, 1, 1]))
    """
    return _running(xp, self, dim, xp.minimum, lambda a, before: a <= before)


def _plan_aminmax(self, dim, keepdim):
    if dim is None:
        if not self.numel:
            raise TensorError("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.")
        shape = (1,) * self.ndim if keepdim else ()
    else:
        dim = wrap_dim(dim, self.ndim)
        if self.ndim and not self.shape[dim]:
            raise TensorIndexError(f"aminmax: Expected reduction dim {dim} to have non-zero size.")
        shape = reduced_shape(tuple(self.shape), (dim,) if self.ndim else (), keepdim)
    return [spec_of(self.dtype, self.device, shape)] * 2


def _aminmax_grads(grad, self, self_spec, result, max, dim, keepdim, F):
    """Each gradient to the elements equal to that extreme, in equal parts where several are."""
    dims = tuple(range(self_spec.ndim)) if dim is None or not self_spec.ndim else (dim,)
    kept = tuple([1 if d in dims else n for d, n in enumerate(self_spec.shape)])
    parts = []
    for g, extreme in zip(grad, (result, max), strict=True):
        mask = F.cast(self == F.reshape(extreme, kept), self_spec.dtype)
        parts.append(mask * (F.reshape(g, kept) / (F.sum_dim(mask, dims, True) if dims else mask)))
    return [parts[0] + parts[1]]


@structural(apart=True, plan=_plan_aminmax, fields=("min", "max"), grads=_aminmax_grads, real_only=no_kernel("aminmax_cpu"))
def aminmax(xp, self, *, dim: Dim | None = None, keepdim: Bool = False):
    """The smallest and the largest element, of all or along `dim`.

    Shapes: (a, b)  ->  (), (); with dim=1 (a), (a)
    Grad: hands each gradient to the elements equal to that extreme, in equal parts where several are
    See: amin, amax, min

    >>> aminmax(tensor([1., 5., 3.]))
    torch.return_types.aminmax(
    min=tensor(1.),
    max=tensor(5.))
    """
    axis = dim if self.ndim else None
    return xp.amin(self, axis, keepdims=keepdim), xp.amax(self, axis, keepdims=keepdim)


LOWEST = -3.4e38  # the log of 0, near enough: a finite number, so that no inf - inf arises


def _later_sums(logs, self, result, dim, F):
    """exp of self times the sums of exp(logs - result) from each place on."""
    return F.exp(F.flip(F.logcumsumexp(F.flip(logs - result, (dim,)), dim), (dim,)) + self)


def _logcumsumexp_grad(grad, self, result, dim, F):
    """In logs, each sign of the gradient apart, lest exp(-result) overflow (torch's rule)."""
    if not len(self.shape) or 0 in self.shape:
        return grad
    if self.dtype.kind == "c":
        return _later_sums(F.log(grad), self, result, dim, F)
    logs = F.log(F.abs(grad))
    above = _later_sums(F.where(grad > 0, logs, LOWEST), self, result, dim, F)
    return above - _later_sums(F.where(grad < 0, logs, LOWEST), self, result, dim, F)


def _plan_logcumsumexp(self, dim):
    wrap_dim(dim, self.ndim)
    if self.dtype.category < FLOAT:
        raise not_implemented("logcumsumexp_out_cpu", self.dtype)
    return spec_of(self.dtype, self.device, self.shape)


@structural(plan=_plan_logcumsumexp, out_rule="scalar_type", self=lambda grad, self, result, dim, F: _logcumsumexp_grad(grad, self, result, dim, F))
def logcumsumexp(xp, self, dim: Dim):
    """The log of the running sum of exponentials along `dim`, without overflow.

    Shapes: any; kept
    Grad: exp(input - result) of the places from each on, times grad, summed
    See: logsumexp, cumsum, logaddexp

    >>> logcumsumexp(tensor([0., 0.]), 0)
    tensor([0.0000, 0.6931])
    """
    if not self.ndim:
        return self.copy()
    wide = self.astype("float32") if self.dtype.itemsize == 2 else self
    if self.dtype.kind != "c":
        return scan(xp, xp.logaddexp, wide, dim) + 0.0  # the first as torch's, which adds to -inf: never -0.0
    found = xp.array(xp.moveaxis(self, dim, 0), order="C")
    for i in range(1, found.shape[0]):  # one by one, as torch adds: another order would end on another branch of the logarithm
        found[i] = log_of_sum(xp, found[i], found[i - 1])
    return xp.moveaxis(found, 0, dim)


# --- turned and laid into ---------------------------------------------------------------------------------------------


def _plan_rot90(self, k, dims):
    if len(dims) != 2:
        raise TensorError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if self.ndim < 2:
        raise TensorError(f"expected total dims >= 2, but got total dims = {self.ndim}")
    a, b = dims
    if a == b or abs(a - b) == self.ndim:
        raise TensorError(f"expected rotation dims to be different, but got dim0 = {a} and dim1 = {b}")
    for name, d in (("dim0", a), ("dim1", b)):
        if not -self.ndim <= d < self.ndim:
            raise TensorError(f"Rotation {name} out of range, {name} = {d}")
    a, b = wrap_dims(dims, self.ndim)
    shape, strides = list(self.shape), list(self.strides)
    if k % 2:
        shape[a], shape[b] = shape[b], shape[a]
        strides[a], strides[b] = strides[b], strides[a]
    if k % 4 == 0:
        return spec_of(self.dtype, self.device, self.shape)
    return spec_of(self.dtype, self.device, tuple(shape), like_strides(tuple(shape), tuple(strides)))


@structural(plan=_plan_rot90, self=lambda grad, k, dims, F: F.rot90(grad, -k, dims), out=False)
def rot90(xp, self, k: Int = 1, dims: Size = (0, 1)):
    """Turned by `k` quarter turns from the first of `dims` towards the second, copied.

    Shapes: (a, b)  ->  (b, a) for odd k
    See: flip, transpose

    >>> rot90(tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    return xp.rot90(self, k, tuple(dims)).copy()


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


# --- averages that leave nan out --------------------------------------------------------------------------------------


@composite()
def nanmean(F, self, dim: Dims | None = None, keepdim: Bool = False, *, dtype: DType | None = None):
    """The mean of the elements that are not nan.

    Shapes: (a, b)  ->  (), with dim=1 (a)
    Grad: grad over their number, 0 at nan
    See: mean, nansum

    >>> nanmean(tensor([1., float("nan"), 3.]))
    tensor(2.)
    """
    if self.spec.dtype.category < FLOAT:
        raise TensorError(f"nanmean(): expected input to have floating point or complex dtype but got {self.spec.dtype.kernel_name}")
    counted = F.logical_not(F.isnan(self.detach()))
    count = F.sum(counted) if dim is None else F.sum_dim(counted, dim, keepdim)
    return F.nansum(self, dim, keepdim, dtype=dtype) / count
