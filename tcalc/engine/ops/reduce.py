"""Sums, means, variances, products, truth and counts over dims, with their derivatives."""

from __future__ import annotations

import math

from ..backend import ndarray
from ..families.common import refuses
from ..families.reduction import reduction
from ..families.structural import composite
from ..layout import reduced_shape
from ..rows import LEAST, added


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
