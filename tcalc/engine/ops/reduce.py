"""Sums, means, products, extremes, norms and other foldings of dims, with their derivatives."""

from __future__ import annotations

import math

from .. import dtypes
from ..backend import ndarray
from ..dtypes import FLOAT
from ..errors import TensorError, TensorIndexError, TensorNotImplemented
from ..families.common import no_kernel, not_implemented, refuses
from ..families.reduction import reduction
from ..families.structural import composite, structural
from ..layout import reduced_shape, wrap_dim
from ..rows import LEAST, added, running
from ..spec import spec_of


def spread(value, self_spec, dim, keepdim, F):
    """A reduced value shown again at the shape it came from."""
    if not keepdim and dim:
        kept = tuple(1 if i in dim else n for i, n in enumerate(self_spec.shape))
        value = F.reshape(value, kept)
    return F.expand(value, self_spec.sizes)


def count(self_spec, dim):
    return math.prod(self_spec.shape[d] for d in dim) if dim is not None else self_spec.numel


def folded(array, dim):
    """Elements that go into one of the result."""
    return math.prod(array.shape[d] for d in dim)


# --- sums and means ---------------------------------------------------------------------------------------------------


@reduction(result="sum", self=lambda grad, self_spec, F: F.expand(grad, self_spec.sizes), out=False)
def sum_(xp, self, *, dtype: DType | None = None):
    """All elements added up; ints add up in int64.

    Grad: every element receives grad: expanded to input's shape
    See: mean, nansum, cumsum, prod

    >>> sum(tensor([[1., 2.], [3., 4.]]))
    tensor(10.)
    """
    return added(self, None) if self.size >= LEAST and self.__class__ is ndarray else xp.add.reduce(self, axis=None)


@reduction(public="sum", overload=1, result="sum", self=lambda grad, self_spec, dim, keepdim, F: spread(grad, self_spec, dim, keepdim, F))
def sum_dim(xp, self, dim: Dims | None, keepdim: Bool = False, *, dtype: DType | None = None):
    """Elements added up along `dim`.

    >>> sum(tensor([[1., 2.], [3., 4.]]), 0)
    tensor([4., 6.])
    """
    return added(self, dim, keepdim) if self.size >= LEAST and self.__class__ is ndarray else xp.add.reduce(self, dim, keepdims=keepdim)


@reduction(result="float", self=lambda grad, self_spec, F: F.expand(grad, self_spec.sizes) / self_spec.numel, out=False)
def mean(xp, self, *, dtype: DType | None = None):
    """The average of all elements.

    Grad: every element receives grad / n, for n elements averaged
    See: sum, median, var

    >>> mean(tensor([1., 2., 6.]))
    tensor(3.)
    """
    total = added(self, None) if self.size >= LEAST and self.__class__ is ndarray else xp.add.reduce(self, axis=None)
    return total / self.dtype.type(self.size)


@reduction(
    public="mean", overload=1, result="float", self=lambda grad, self_spec, dim, keepdim, F: spread(grad, self_spec, dim, keepdim, F) / count(self_spec, dim)
)
def mean_dim(xp, self, dim: Dims | None, keepdim: Bool = False, *, dtype: DType | None = None):
    """The average along `dim`.

    >>> mean(tensor([[1., 2.], [3., 4.]]), 0)
    tensor([2., 3.])
    """
    total = added(self, dim, keepdim) if self.size >= LEAST and self.__class__ is ndarray else xp.add.reduce(self, dim, keepdims=keepdim)
    return total / self.dtype.type(folded(self, dim))


@reduction(
    result="sum", self=lambda grad, self, self_spec, dim, keepdim, F: spread(grad, self_spec, dim, keepdim, F) * (self == self), real_only=refuses("nansum on CPU does not support complex inputs"),
)
def nansum(xp, self, dim: Dims | None = None, keepdim: Bool = False, *, dtype: DType | None = None):
    """The sum along `dim`, nan counted as 0.

    Grad: grad expanded to input's shape, 0 where input is nan
    See: sum, nan_to_num, isnan

    >>> nansum(tensor([1., float("nan"), 2.]))
    tensor(3.)
    """
    return xp.nansum(self, axis=dim, keepdims=keepdim)


def var_grad(grad, self, self_spec, dim, keepdim, correction, F):
    axes = tuple(range(self_spec.ndim)) if dim is None else dim
    wide = spread(grad, self_spec, axes, keepdim, F)
    freedom = max(count(self_spec, axes) - (1 if correction is None else correction), 0)
    scale = 2.0 / freedom if freedom else math.nan if not freedom else 0.0
    return wide * (self - F.mean_dim(self, axes, True)) * scale


def _squared_size(xp, a):
    return a.real * a.real + a.imag * a.imag if a.dtype.kind == "c" else xp.square(a)


def variance(xp, self, dim, keepdim, correction):
    count = folded(self, dim)
    mean = xp.add.reduce(self, dim, keepdims=True) / self.dtype.type(count)
    squares = xp.add.reduce(_squared_size(xp, self - mean), dim, keepdims=keepdim)
    return squares / squares.dtype.type(max(count - (1 if correction is None else correction), 0))


_FLOATS_ONLY = "std and var only support floating point and complex dtypes"


@reduction(
    result="float",
    only_float=_FLOATS_ONLY,
    self=lambda grad, self, self_spec, dim, keepdim, correction, F: var_grad(grad, self, self_spec, dim, keepdim, correction, F),
    gives_real=True, holomorphic=False,
)
def var(xp, self, dim: Dims | None = None, *, correction: Scalar | None = None, keepdim: Bool = False):
    """Variance along `dim`: the mean squared distance from the mean, over n - correction.

    Grad: 2 / (n - correction) * (input - mean) * grad
    See: std, mean, std_mean

    >>> var(tensor([1., 2., 3.]))
    tensor(1.)
    """
    return variance(xp, self, dim, keepdim, correction)


@reduction(
    result="float",
    only_float=_FLOATS_ONLY,
    self=lambda grad, self, self_spec, result, dim, keepdim, correction, F: var_grad(
        F.where(result == 0, 0.0, grad / (result * 2)), self, self_spec, dim, keepdim, correction, F
    ),
    gives_real=True, holomorphic=False,
)
def std(xp, self, dim: Dims | None = None, *, correction: Scalar | None = None, keepdim: Bool = False):
    """Standard deviation along `dim`: the square root of the variance.

    Grad: (input - mean) / ((n - correction) * result) * grad, 0 where the result is 0
    See: var, mean, std_mean

    >>> std(tensor([1., 2., 3.]))
    tensor(1.)
    """
    return xp.sqrt(variance(xp, self, dim, keepdim, correction))


@composite(public="var")
def var_unbiased(F, self, unbiased: Bool):
    """Variance of all elements, over n - 1 when unbiased, else over n.

    >>> var(tensor([1., 3.]), False)
    tensor(1.)
    """
    return F.var(self, correction=int(unbiased))


@composite(public="var", out=True)
def var_dim_unbiased(F, self, dim: Dims | None, unbiased: Bool = True, keepdim: Bool = False):
    """Variance along `dim`, over n - 1 when unbiased, else over n.

    >>> var(tensor([1., 3.]), 0, False)
    tensor(1.)
    """
    return F.var(self, dim, correction=int(unbiased), keepdim=keepdim)


@composite(public="std")
def std_unbiased(F, self, unbiased: Bool):
    """Standard deviation of all elements, over n - 1 when unbiased, else over n.

    >>> std(tensor([1., 3.]), False)
    tensor(1.)
    """
    return F.std(self, correction=int(unbiased))


@composite(public="std", out=True)
def std_dim_unbiased(F, self, dim: Dims | None, unbiased: Bool = True, keepdim: Bool = False):
    """Standard deviation along `dim`, over n - 1 when unbiased, else over n.

    >>> std(tensor([1., 3.]), 0, False)
    tensor(1.)
    """
    return F.std(self, dim, correction=int(unbiased), keepdim=keepdim)


def _prod_grad(grad, self, dim, keepdim, F):
    """The product of all others: the running product from the left times that from the right, right even at zeros."""
    ndim = len(self.shape)
    if ndim == 0:
        return grad
    if not keepdim:
        grad = F.unsqueeze(grad, dim)
    ones = F.slice(self, dim, 0, 1, 1) * 0 + 1
    size = self.shape[dim]
    left = F.cumprod(F.cat([ones, F.slice(self, dim, 0, size - 1, 1)], dim), dim)
    right = F.flip(F.cumprod(F.cat([ones, F.slice(F.flip(self, (dim,)), dim, 0, size - 1, 1)], dim), dim), (dim,))
    return grad * (left * right)


@reduction(
    result="sum", self=lambda grad, self, self_spec, result, F: F.reshape(_prod_grad(grad, F.reshape(self, (self_spec.numel,)), 0, False, F), self_spec.sizes), out=False
)
def prod(xp, self, *, dtype: DType | None = None):
    """All elements multiplied.

    Grad: the product of all the other elements, times grad
    See: sum, cumprod

    >>> prod(tensor([2., 3., 4.]))
    tensor(24.)
    """
    return xp.multiply.reduce(self, axis=None)


@reduction(public="prod", overload=1, result="sum", self=lambda grad, self, result, dim, keepdim, F: _prod_grad(grad, self, dim[0] if dim else 0, keepdim, F))
def prod_dim(xp, self, dim: Dim, keepdim: Bool = False, *, dtype: DType | None = None):
    """Elements multiplied along `dim`.

    >>> prod(tensor([[1., 2.], [3., 4.]]), 1)
    tensor([ 2., 12.])
    """
    return xp.multiply.reduce(self, dim, keepdims=keepdim)


@reduction(
    self=lambda grad, self, self_spec, result, dim, keepdim, F: spread(grad, self_spec, dim, keepdim, F)
    * F.exp(self - spread(result, self_spec, dim, keepdim, F)),
    result="promote",
    out_rule="floating",
)
def logsumexp(xp, self, dim: Dims, keepdim: Bool = False):
    """`log(sum(exp(self)))` along `dim`, without overflow.

    Grad: softmax of input along dim, times grad
    See: softmax, log_softmax, sum

    >>> logsumexp(tensor([0., 0.]), 0)
    tensor(0.6931)
    """
    if any(self.shape[d] == 0 for d in dim):
        return xp.full(reduced_shape(self.shape, dim, keepdim), -xp.inf, self.dtype)
    top = self.real.max(dim, keepdims=True)
    top = xp.where(xp.isfinite(top), top, top.dtype.type(0))
    total = xp.log(xp.add.reduce(xp.exp(self - top), dim, keepdims=True)) + top
    return total if keepdim else total.reshape(reduced_shape(self.shape, dim, False))


# --- extremes ---------------------------------------------------------------------------------------------------------


def _even_share(grad, self, self_spec, result, dim, keepdim, F):
    """The gradient split evenly among the elements that reach the extreme."""
    axes = tuple(range(self_spec.ndim)) if dim is None else dim
    mask = self == spread(result, self_spec, axes, keepdim, F)
    counts = F.sum_dim(F.cast(mask, self_spec.dtype), axes, True)
    return spread(grad, self_spec, axes, keepdim, F) * mask / counts


@reduction(
    public="max", overload=1, empty_ok=False, self=lambda grad, self, self_spec, result, F: _even_share(grad, self, self_spec, result, None, False, F), out=False, real_only=no_kernel("max_all"),
)
def max_(xp, self):
    """The largest element; nan wins.

    Grad: to the largest element; equal ones share it (with dim, the one at indices gets all)
    See: min, amax, argmax, maximum (of two tensors)

    >>> max(tensor([1., 5., 3.]))
    tensor(5.)
    """
    return self.max()


@reduction(
    public="min", overload=1, empty_ok=False, self=lambda grad, self, self_spec, result, F: _even_share(grad, self, self_spec, result, None, False, F), out=False, real_only=no_kernel("min_all"),
)
def min_(xp, self):
    """The smallest element; nan wins.

    Grad: to the smallest element; equal ones share it (with dim, the one at indices gets all)
    See: max, amin, argmin, minimum (of two tensors)

    >>> min(tensor([1., 5., 3.]))
    tensor(1.)
    """
    return self.min()


@reduction(
    empty_ok=False,
    out_rule="same",
    self=lambda grad, self, self_spec, result, dim, keepdim, F: _even_share(grad, self, self_spec, result, dim, keepdim, F),
    real_only=no_kernel("max_values_cpu"),
)
def amax(xp, self, dim: Dims = (), keepdim: Bool = False):
    """The largest along `dim`; equal ones share the gradient.

    Grad: to the largest elements, equal ones share it
    See: max, amin, argmax

    >>> amax(tensor([[1., 5.], [3., 2.]]), 1)
    tensor([5., 3.])
    """
    return self.max(dim, keepdims=keepdim)


@reduction(
    empty_ok=False,
    out_rule="same",
    self=lambda grad, self, self_spec, result, dim, keepdim, F: _even_share(grad, self, self_spec, result, dim, keepdim, F),
    real_only=no_kernel("min_values_cpu"),
)
def amin(xp, self, dim: Dims = (), keepdim: Bool = False):
    """The smallest along `dim`; equal ones share the gradient.

    Grad: to the smallest elements, equal ones share it
    See: min, amax, argmin

    >>> amin(tensor([[1., 5.], [3., 2.]]), 1)
    tensor([1., 2.])
    """
    return self.min(dim, keepdims=keepdim)


def _plan_values_indices(self, dim, keepdim, name="max"):
    dim = wrap_dim(dim, self.ndim)
    if self.ndim and self.shape[dim] == 0:
        raise TensorIndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    shape = reduced_shape(self.shape, (dim,) if self.ndim else (), keepdim)
    return [spec_of(self.dtype, self.device, shape), spec_of(dtypes.int64, self.device, shape)]


def gather_back(grad, self_spec, dim, keepdim, index, F):
    """The gradient added where the values were taken from along `dim`."""
    if not self_spec.ndim:
        return grad
    if not keepdim:
        grad, index = F.unsqueeze(grad, dim), F.unsqueeze(index, dim)
    return F.scatter_add_to(self_spec.sizes, dim, index, grad)


def _extreme_with_place(xp, self, dim, keepdim, find):
    if not self.ndim:
        return self.copy(), xp.zeros((), "int64")
    places = xp.expand_dims(getattr(xp, find)(self, axis=dim), dim)
    values = xp.take_along_axis(self, places, dim)
    if keepdim:
        return values, places
    return xp.squeeze(values, dim), xp.squeeze(places, dim)


@composite(public="max")
def max_other(F, self, other):
    """The larger of two elements: `maximum`.

    >>> max(tensor([1., 5.]), tensor([3., 2.]))
    tensor([3., 5.])
    """
    return F.maximum(self, other)


@composite(public="min")
def min_other(F, self, other):
    """The smaller of two elements: `minimum`.

    >>> min(tensor([1., 5.]), tensor([3., 2.]))
    tensor([1., 2.])
    """
    return F.minimum(self, other)


@structural(
    apart=True, public="max", plan=_plan_values_indices, fields=("values", "indices"),
    self=lambda grad, self_spec, dim, keepdim, indices, F: gather_back(grad, self_spec, dim, keepdim, indices, F),
    real_only=refuses("max(): does not support complex input"),
)
def max_dim(xp, self, dim: Dim, keepdim: Bool = False):
    """The largest along `dim` and where it is.

    >>> max(tensor([[1., 5.], [3., 2.]]), 1)
    torch.return_types.max(
    values=tensor([5., 3.]),
    indices=tensor([1, 0]))
    """
    return _extreme_with_place(xp, self, dim, keepdim, "argmax")


@structural(
    apart=True, public="min", plan=lambda self, dim, keepdim: _plan_values_indices(self, dim, keepdim, "min"), fields=("values", "indices"),
    self=lambda grad, self_spec, dim, keepdim, indices, F: gather_back(grad, self_spec, dim, keepdim, indices, F),
    real_only=refuses("min(): does not support complex input"),
)
def min_dim(xp, self, dim: Dim, keepdim: Bool = False):
    """The smallest along `dim` and where it is.

    >>> min(tensor([[1., 5.], [3., 2.]]), 1)
    torch.return_types.min(
    values=tensor([1., 2.]),
    indices=tensor([0, 1]))
    """
    return _extreme_with_place(xp, self, dim, keepdim, "argmin")


def _plan_arg(self, dim, keepdim, name="argmax"):
    if self.dtype is dtypes.bool_:
        raise TensorNotImplemented(f"{name}(): does not support bool input")
    if dim is None:
        if self.numel == 0:
            raise TensorIndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        return spec_of(dtypes.int64, self.device, (1,) * self.ndim if keepdim else ())
    dim = wrap_dim(dim, self.ndim)
    if self.ndim and self.shape[dim] == 0:
        raise TensorIndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    return spec_of(dtypes.int64, self.device, reduced_shape(self.shape, (dim,) if self.ndim else (), keepdim))


@structural(plan=_plan_arg, real_only=refuses("argmax(): does not support complex input"))
def argmax(xp, self, dim: Dim | None = None, keepdim: Bool = False):
    """Where the largest element is: its index along `dim`, or in the flattened tensor.

    Shapes: any  ->  (), (a, b), dim=0: (b), keepdim=True: (1, b)
    Grad: none: the result is int64
    See: argmin, max, topk

    >>> argmax(tensor([1., 5., 3.]))
    tensor(1)
    """
    return xp.asarray(xp.argmax(self, axis=dim if self.ndim else None))


@structural(
    plan=lambda self, dim, keepdim: _plan_arg(self, dim, keepdim, "argmin"), real_only=refuses("argmin(): does not support complex input"),
)
def argmin(xp, self, dim: Dim | None = None, keepdim: Bool = False):
    """Where the smallest element is: its index along `dim`, or in the flattened tensor.

    Shapes: any  ->  (), (a, b), dim=0: (b), keepdim=True: (1, b)
    Grad: none: the result is int64
    See: argmax, min, topk

    >>> argmin(tensor([1., 5., 3.]))
    tensor(0)
    """
    return xp.asarray(xp.argmin(self, axis=dim if self.ndim else None))


# --- truth and counting -----------------------------------------------------------------------------------------------


@reduction(result="bool", out_rule="bool")
def all_(xp, self, dim: Dims | None = None, keepdim: Bool = False):
    """Whether all elements are nonzero.

    See: any, count_nonzero, logical_and

    >>> all(tensor([True, False]))
    tensor(False)
    """
    return xp.all(self, axis=dim, keepdims=keepdim)


@reduction(result="bool", out_rule="bool")
def any_(xp, self, dim: Dims | None = None, keepdim: Bool = False):
    """Whether any element is nonzero.

    See: all, count_nonzero, logical_or

    >>> any(tensor([True, False]))
    tensor(True)
    """
    return xp.any(self, axis=dim, keepdims=keepdim)


@reduction(result="index", out=False)
def count_nonzero(xp, self, dim: Dims | None = None):
    """How many elements are nonzero.

    See: nonzero, all, any

    >>> count_nonzero(tensor([0, 3, 5]))
    tensor(2)
    """
    return xp.add.reduce(xp.not_equal(self, 0), dim, dtype="int64")


# --- norms ------------------------------------------------------------------------------------------------------------


def _norm_grad(grad, self, self_spec, result, ord, dim, keepdim, F):
    axes = tuple(range(self_spec.ndim)) if dim is None else dim
    g, norm = spread(grad, self_spec, axes, keepdim, F), spread(result, self_spec, axes, keepdim, F)
    if ord == 0:
        return None
    if ord == 1:
        return g * F.sgn(self)
    if ord == 2:
        return F.where(norm == 0, 0.0, g * (self / norm))
    if math.isinf(ord):
        mask = F.abs(self) == norm
        return g * F.sgn(self) * mask / F.sum_dim(F.cast(mask, self_spec.dtype), axes, True)
    return F.where(norm == 0, 0.0, g * (F.sgn(self) * F.pow_scalar(F.abs(self) / norm, ord - 1)))


@reduction(
    namespace="torch.linalg",
    result="float",
    only_float="linalg.vector_norm: Expected a floating point or complex tensor as input. Got {}",
    out_rule="expected",
    method=False,
    node="LinalgVectorNormBackward",
    self=lambda grad, self, self_spec, result, ord, dim, keepdim, F: _norm_grad(grad, self, self_spec, result, ord, dim, keepdim, F),
    gives_real=True, holomorphic=False,
)
def vector_norm(xp, self, ord: Scalar = 2, dim: Dims | None = None, keepdim: Bool = False, *, dtype: DType | None = None):
    """The `ord`-norm of all elements along `dim`: (sum of |x|^ord)^(1/ord).

    Grad: for the 2-norm input / result * grad, 0 where the result is 0
    See: norm, nn.functional.normalize

    >>> linalg.vector_norm(tensor([3., 4.]))
    tensor(5.)
    """
    return _norm(xp, self, ord, dim, keepdim)


@reduction(
    result="float",
    node="NormBackward",
    overload=1,
    function=False,
    method=False,
    out=False,
    self=lambda grad, self, self_spec, result, ord, dim, keepdim, F: _norm_grad(grad, self, self_spec, result, ord, dim, keepdim, F),
    gives_real=True, holomorphic=False,
)
def norm_dim(xp, self, ord: Scalar, dim: Dims, keepdim: Bool = False):
    """vector_norm as torch's distances record it: a node of its own."""
    return _norm(xp, self, ord, dim, keepdim)


def _norm(xp, self, ord, dim, keepdim):
    if ord == 2:
        return xp.sqrt(xp.add.reduce(_squared_size(xp, self), dim, keepdims=keepdim))
    size = xp.absolute(self)
    if math.isinf(ord) and not self.size and not all(self.shape[d] for d in (range(self.ndim) if dim is None else dim)):
        raise TensorError(
            f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the operation does not have an identity"
        )
    if ord == math.inf:
        return size.max(dim, keepdims=keepdim)
    if ord == -math.inf:
        return size.min(dim, keepdims=keepdim)
    if ord == 0:
        return xp.add.reduce((self != 0).astype(size.dtype), dim, keepdims=keepdim)
    if ord == 1:
        return xp.add.reduce(size, dim, keepdims=keepdim)
    return xp.power(xp.add.reduce(xp.power(size, ord), dim, keepdims=keepdim), 1.0 / ord)


@composite()
def norm(F, self, p: Any = "fro", dim: Dims | None = None, keepdim: Bool = False, *, dtype: DType | None = None):
    """The norm of all elements along `dim`; p="fro" is the 2-norm.

    Shapes: (a, b)  ->  (), dim=0: (b), keepdim=True: (1, b)
    Grad: for the 2-norm input / result * grad, 0 where the result is 0
    See: linalg.vector_norm, nn.functional.normalize

    >>> norm(tensor([3., 4.]))
    tensor(5.)
    """
    if isinstance(p, str) and (p != "fro" or (dim is not None and len(dim) > 2)):
        return F.linalg_matrix_norm(self, p, tuple(range(len(self.shape))) if dim is None else dim, keepdim, dtype=dtype)
    if self.dtype.category < FLOAT and dtype is None:
        raise TensorError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {self.dtype.kernel_name}")
    return F.vector_norm(self, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)


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
    if self.ndim == 1 and self.size >= LEAST and self.__class__ is ndarray and self.dtype.char == "f" and dtype in (None, dtypes.float32):
        found = running(self)
    else:
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
