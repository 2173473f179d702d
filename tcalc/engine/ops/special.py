"""Special functions by SciPy (cupyx.scipy on a GPU), with their derivatives."""

from __future__ import annotations

import math

from ..backend import scipy_module
from ..dtypes import FLOAT
from ..families.elementwise import elementwise


@elementwise(self=lambda grad, self, F: grad * (2 / math.sqrt(math.pi)) * F.exp(-self * self), promote="float")
def erf(xp, self):
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0.

    See: erfc, erfinv, nn.functional.gelu

    >>> erf(tensor([0., 1.]))
    tensor([0.0000, 0.8427])
    """
    return scipy_module("special", xp).erf(self)


@elementwise(self=lambda grad, self, F: grad * (-2 / math.sqrt(math.pi)) * F.exp(-self * self), promote="float")
def erfc(xp, self):
    """`1 - erf(self)`, exact for large arguments.

    >>> erfc(tensor([0., 1.]))
    tensor([1.0000, 0.1573])
    """
    return scipy_module("special", xp).erfc(self)


@elementwise(self=lambda grad, result, F: grad * (math.sqrt(math.pi) / 2) * F.exp(result * result), promote="float", domain="unit")
def erfinv(xp, self):
    """The inverse of erf on (-1, 1).

    >>> erfinv(tensor([0., 0.5]))
    tensor([0.0000, 0.4769])
    """
    return scipy_module("special", xp).erfinv(self)


@elementwise(self=lambda grad, self, F: grad * F.digamma(self), promote="float", domain="positive")
def lgamma(xp, self):
    """The logarithm of the absolute value of the gamma function.

    >>> lgamma(tensor([1., 5.]))
    tensor([0.0000, 3.1781])
    """
    return scipy_module("special", xp).gammaln(self)


@elementwise(self=lambda grad, self, F: grad * F.polygamma_of(self, 1), promote="float", domain="positive", aliases=("psi",))
def digamma(xp, self):
    """The derivative of lgamma.

    Grad: grad * the trigamma function of input

    >>> digamma(tensor([1., 2.]))
    tensor([-0.5772,  0.4228])
    """
    return scipy_module("special", xp).digamma(self)


@elementwise(
    self=lambda grad, self, n, F: grad * F.polygamma_of(self, n + 1), promote="float", domain="positive", function=False, method=False, inplace=False, out=False,
    node="PolygammaBackward",
)
def polygamma_of(xp, self, n: Int):
    """The n-th derivative of digamma."""
    return scipy_module("special", xp).polygamma(n, self).astype(self.dtype)


@elementwise(
    self=lambda grad, self, eps, F: grad / (self * (1 - self))
    if eps is None
    else F.where((self < eps) | (self > 1 - eps), 0.0, grad / (self * (1 - self))),
    promote="float",
    domain="probability",
)
def logit(xp, self, eps: Float | None = None):
    """`log(self / (1 - self))`; with eps the argument is moved into [eps, 1 - eps] first.

    See: sigmoid, log

    >>> logit(tensor([0.5, 0.75]))
    tensor([0.0000, 1.0986])
    """
    p = self if eps is None else xp.clip(self, self.dtype.type(eps), self.dtype.type(1 - eps))
    return xp.log(p / (1 - p))


@elementwise(
    self=lambda grad, self, other, F: grad * F.where((self == 0) & (other <= 0), 0.0, F.log(other)),
    other=lambda grad, self, other: grad * self / other,
    promote="float",
    domain="positive",
)
def xlogy(xp, self, other: Either):
    """`self * log(other)`, 0 where self is 0.

    >>> xlogy(tensor([0., 2.]), tensor([0., 3.]))
    tensor([0.0000, 2.1972])
    """
    return xp.where(xp.isnan(xp.asarray(other)), xp.asarray(other), xp.where(self == 0, self.dtype.type(0), self * xp.log(other)))


@elementwise(self=lambda grad, self, F: grad * _sinc_slope(self, F), promote="float")
def sinc(xp, self):
    """`sin(pi x) / (pi x)`, 1 at 0.

    Grad: grad * (cos(pi * input) - result) / input, 0 where input is 0

    >>> sinc(tensor([0., 0.5]))
    tensor([1.0000, 0.6366])
    """
    return xp.sinc(self).astype(self.dtype)


def _sinc_slope(self, F):
    scaled = self * math.pi
    slope = (scaled * F.cos(scaled) - F.sin(scaled)) / (scaled * self)
    return F.where(self == 0, 0.0, slope)


@elementwise(self=lambda grad, self, F: grad * F.bessel_i1(self), promote="float", only=(FLOAT, 0, 1))
def i0(xp, self):
    """The modified Bessel function of the first kind, order 0.

    Grad: grad * the first-order Bessel function of input

    >>> i0(tensor([0., 1.]))
    tensor([1.0000, 1.2661])
    """
    return scipy_module("special", xp).i0(self)


@elementwise(
    self=lambda grad, self, result, F: grad * (F.i0(self) - F.where(self == 0, 0.5, result / self)),
    promote="float", function=False, method=False, inplace=False, out=False,
)
def bessel_i1(xp, self):
    """The modified Bessel function of the first kind, order 1."""
    return scipy_module("special", xp).i1(self)
