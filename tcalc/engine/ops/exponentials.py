"""Exponentials and logarithms of each element."""

from __future__ import annotations

import math

from ..dtypes import COMPLEX, FLOAT
from ..families.elementwise import ANY, elementwise


@elementwise(self=lambda grad, result: grad * result, promote="float", ufunc="exp", only=ANY)
def exp(xp, self):
    """e to the power of each element.

    See: log, exp2, expm1, softmax

    >>> exp(tensor([0., 1.]))
    tensor([1.0000, 2.7183])
    """
    return xp.exp(self)


@elementwise(self=lambda grad, result: grad * result * math.log(2), promote="float", ufunc="exp2", only=ANY)
def exp2(xp, self):
    """2 to the power of each element.

    See: exp, log2

    >>> exp2(tensor([0., 3.]))
    tensor([1., 8.])
    """
    return xp.exp2(self)


@elementwise(self=lambda grad, result: grad * (result + 1), promote="float", ufunc="expm1", only=ANY)
def expm1(xp, self):
    """`exp(self) - 1`, exact near 0.

    See: exp, log1p

    >>> expm1(tensor([0., 1.]))
    tensor([0.0000, 1.7183])
    """
    return xp.expm1(self)


@elementwise(self=lambda grad, self: grad / self, promote="float", ufunc="log", domain="positive", only=ANY)
def log(xp, self):
    """Natural logarithm; nan below 0, -inf at 0.

    See: exp, log2, log10, log1p

    >>> log(tensor([1., 2.]))
    tensor([0.0000, 0.6931])
    """
    return xp.log(self)


@elementwise(self=lambda grad, self: grad / (self * math.log(2)), promote="float", ufunc="log2", domain="positive", only=ANY)
def log2(xp, self):
    """Logarithm to base 2.

    See: log, exp2

    >>> log2(tensor([1., 8.]))
    tensor([0., 3.])
    """
    return xp.log2(self)


@elementwise(self=lambda grad, self: grad / (self * math.log(10)), promote="float", domain="positive", only=ANY)
def log10(xp, self):
    """Logarithm to base 10.

    See: log, log2

    >>> log10(tensor([1., 100.]))
    tensor([0., 2.])
    """
    if self.dtype.kind == "c":
        return xp.log10(self)
    return xp.log10(self.astype(xp.float64)).astype(self.dtype)  # numpy's float32 log10(100) is 2.0000002


@elementwise(self=lambda grad, self: grad / (self + 1), promote="float", ufunc="log1p", node="Log1PBackward", domain="positive", only=ANY)
def log1p(xp, self):
    """`log(1 + self)`, exact near 0.

    See: log, expm1

    >>> log1p(tensor([0., 1.]))
    tensor([0.0000, 0.6931])
    """
    return xp.log1p(self)


def log_of_sum(xp, a, b):
    """log(exp(a) + exp(b)); of complex numbers the one with the larger real part is taken out first."""
    if a.dtype.kind != "c":
        return xp.logaddexp(a, b)
    larger, smaller = xp.where(a.real >= b.real, a, b), xp.where(a.real >= b.real, b, a)
    return xp.where(xp.isneginf(larger.real) & xp.isneginf(smaller.real), larger, larger + xp.log1p(xp.exp(smaller - larger)))


@elementwise(
    self=lambda grad, self, other, F: grad * F.sigmoid(self - other),
    other=lambda grad, self, other, F: grad * F.sigmoid(other - self),
    inplace=False,
    only=(FLOAT, COMPLEX),
)
def logaddexp(xp, self, other):
    """`log(exp(self) + exp(other))` without overflow.

    See: logsumexp, log, exp

    >>> logaddexp(tensor([0.]), tensor([0.]))
    tensor([0.6931])
    """
    return log_of_sum(xp, self, other)
