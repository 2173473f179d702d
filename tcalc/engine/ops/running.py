"""Running sums, products and extremes along a dim, differences of neighbours, the two extremes at once, and means without nan."""

from __future__ import annotations

from .. import dtypes
from ..backend import ndarray
from ..dtypes import FLOAT
from ..errors import TensorError, TensorIndexError
from ..families.common import no_kernel, not_implemented
from ..families.structural import composite, structural
from ..layout import reduced_shape, wrap_dim
from ..rows import LONG, running
from ..spec import spec_of
from .exponentials import log_of_sum
from .extremes import gather_back

# --- running sums and products ----------------------------------------------------------------------------------------


def _plan_cumulative(self, dim, dtype, name):
    wrap_dim(dim, self.ndim)
    d = dtype or (dtypes.int64 if self.dtype.category < FLOAT else self.dtype)
    if d is dtypes.bool_ and self.ndim and self.numel:
        raise not_implemented(f"{name}_out_cpu", d)
    return spec_of(d, self.device, self.shape)


def _accumulate(xp, ufunc, self, dim, dtype):
    wanted = dtype or (dtypes.int64 if self.dtype.kind in "iub" else None)
    source = self if wanted is None else self.astype(spec_of(wanted).numpy)
    if not self.ndim:
        return source.copy()
    if source.dtype.itemsize == 2 and source.dtype.kind not in "iu":
        return ufunc.accumulate(source.astype("float32"), axis=dim)
    wide = _WIDER.get(source.dtype.name)  # what torch keeps the running value in
    return ufunc.accumulate(source, axis=dim) if wide is None else ufunc.accumulate(source.astype(wide), axis=dim).astype(source.dtype)


_WIDER = {"float32": "float64", "complex64": "complex128"}


def _reversed_cumsum(grad, dim, F):
    return F.flip(F.cumsum(F.flip(grad, (dim,)), dim), (dim,)) if len(grad.shape) else grad


@structural(plan=lambda self, dim, dtype: _plan_cumulative(self, dim, dtype, "cumsum"), inplace=True, structured=True, out_rule="decides", self=lambda grad, dim, F: _reversed_cumsum(grad, dim, F))
def cumsum(xp, self, dim: Dim, *, dtype: DType | None = None):
    """The running sum along `dim`.

    Shapes: any; kept
    Grad: the running sum of grad from the other end
    See: sum, cumprod, diff

    >>> cumsum(tensor([1., 2., 3.]), 0)
    tensor([1., 3., 6.])
    """
    if self.ndim == 1 and self.size >= LONG and self.__class__ is ndarray and self.dtype.char == "f" and dtype in (None, dtypes.float32):
        return running(self)
    found = _accumulate(xp, xp.add, self, dim, dtype)
    if self.ndim and found.dtype.kind not in "iu":
        found += 0.0  # torch counts from 0, so that no sum is -0.0
    return found


def _cumprod_grad(grad, self, result, dim, F):
    """d cumprod: with no zeros, the reversed running sum of grad * result over self; zeros are handled slot by slot."""
    if not len(self.shape) or 0 in self.shape:
        return grad
    size = self.shape[dim]
    parts = []
    for k in range(size):  # O(n^2) like torch's path for inputs with zeros; exact everywhere and differentiable again
        before = F.prod_dim(F.slice(self, dim, 0, k, 1), dim, True)
        after = F.slice(self, dim, k + 1, size, 1)
        ones = before * 0 + 1
        running = F.cumprod(F.cat([ones, after], dim), dim)
        parts.append(F.sum_dim(F.slice(grad, dim, k, size, 1) * (before * running), (dim,), True))
    return F.cat(parts, dim)


@structural(
    plan=lambda self, dim, dtype: _plan_cumulative(self, dim, dtype, "cumprod"), inplace=True, structured=True, out_rule="decides",
    self=lambda grad, self, result, dim, F: _cumprod_grad(grad, self, result, dim, F),
)
def cumprod(xp, self, dim: Dim, *, dtype: DType | None = None):
    """The running product along `dim`.

    Shapes: any; kept
    Grad: each element: the sum of grad * result / element over the places from it on
    See: prod, cumsum

    >>> cumprod(tensor([1., 2., 3.]), 0)
    tensor([1., 2., 6.])
    """
    return _accumulate(xp, xp.multiply, self, dim, dtype)


@composite()
def diff(F, self, n: Int = 1, dim: Dim = -1, prepend: Tensor | None = None, append: Tensor | None = None):
    """Differences of neighbours along `dim`, `n` times, `prepend` and `append` joined on first; bools: where neighbours differ.

    Shapes: (a, b), dim=-1, n  ->  (a, b - n)
    Grad: minus to the left neighbour, plus to the right one
    See: cumsum, sub

    >>> diff(tensor([1., 4., 9.]))
    tensor([3., 5.])
    """
    if not self.shape:
        raise TensorError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise TensorError(f"order must be non-negative but got {n}")
    dim = wrap_dim(dim, len(self.shape))
    if n == 0:
        return F.copy(F.zeros_like(self), self)
    if prepend is not None or append is not None:
        self = F.cat([t for t in (prepend, self, append) if t is not None], dim)
    subtract = F.logical_xor if self.dtype is dtypes.bool_ else F.sub
    for _ in range(min(n, self.shape[dim])):
        size = self.shape[dim]
        self = subtract(F.slice(self, dim, 1, size, 1), F.slice(self, dim, 0, max(size - 1, 0), 1))
    return self


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
    places = scan(xp, xp.maximum, xp.where(holds, places, 0), dim)
    return xp.take_along_axis(self, places, axis=dim), places  # of zeros of either sign the one that is there


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
