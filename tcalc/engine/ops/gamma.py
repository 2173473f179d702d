"""The gamma function's relatives by SciPy (cupyx.scipy on a GPU): logarithm, derivatives, incomplete integrals, Hurwitz zeta."""

from __future__ import annotations

import math

from ..backend import check_work, scipy_module
from ..dtypes import BOOL, FLOAT
from ..errors import TensorError
from ..families.common import underivable
from ..families.elementwise import elementwise
from ..families.structural import composite
from .bessel import bessel, no_halves


def _log_gamma(xp, x):
    """SciPy's gammaln, but for -inf, where C and torch have inf."""
    return xp.where(x == -xp.inf, x.dtype.type(xp.inf), scipy_module("special", xp).gammaln(x))


@elementwise(self=lambda grad, self, F: grad * F.digamma(self), promote="float", domain="positive", label="lgamma_vml_cpu")
def lgamma(xp, self):
    """The logarithm of the absolute value of the gamma function.

    See: digamma, mvlgamma, special.gammainc

    >>> lgamma(tensor([1., 5.]))
    tensor([0.0000, 3.1781])
    """
    return _log_gamma(xp, self)


@elementwise(self=lambda grad, self, F: grad * F.polygamma_of(self, 1), promote="float", domain="positive", aliases=("psi",), label="digamma")
def digamma(xp, self):
    """The derivative of lgamma.

    Grad: grad * the trigamma function of input
    See: lgamma, polygamma

    >>> digamma(tensor([1., 2.]))
    tensor([-0.5772,  0.4228])
    """
    return scipy_module("special", xp).digamma(self)


def _polygamma(xp, x, n):
    """The n-th derivative of digamma.

    Raises RuntimeError with torch's sentence for n < 0.
    """
    if n < 0:
        raise TensorError("polygamma(n, x) does not support negative n.")
    special = scipy_module("special", xp)
    return (special.digamma(x) if n == 0 else special.polygamma(n, x)).astype(x.dtype)


@elementwise(
    public="polygamma", self=lambda grad, self, n, F: grad * F.polygamma_of(self, n + 1), promote="float", domain="positive", function=False, label="polygamma",
    inplace=False,
)
def polygamma_of(xp, self, n: Int):
    """The n-th derivative of digamma, as a method.

    >>> tensor([1., 2.]).polygamma(1)
    tensor([1.6449, 0.6449])
    """
    return _polygamma(xp, self, n)


@elementwise(
    public="polygamma", overload=1, self=lambda grad, self, n, F: grad * F.polygamma_of(self, n + 1), promote="float", domain="positive", function=False, method=False,
    out=False,
)
def polygamma_here(xp, self, n: Int):
    """The n-th derivative of digamma in place: a node of its own."""
    return _polygamma(xp, self, n)


@composite(public="polygamma", method=False, out=True)
def polygamma(F, n: Int, self):
    """The n-th derivative of digamma.

    Shapes: n, any  ->  kept
    Grad: grad * polygamma(n + 1, input)
    See: digamma, lgamma, special.zeta

    >>> polygamma(1, tensor([1., 2.]))
    tensor([1.6449, 0.6449])
    """
    return F.polygamma_of(self, n)


def _check_mvlgamma(common, specs):
    if common.category == BOOL:
        raise TensorError("The input tensor may not be a boolean tensor.")


def _mvlgamma_slope(self, p, F):
    total = F.digamma(self)
    for i in range(1, p):
        total = total + F.digamma(self - i / 2)
    return total


@elementwise(
    self=lambda grad, self, p, F: grad * _mvlgamma_slope(self, p, F), promote="float", domain="above one", check=_check_mvlgamma, row_major=True,
)
def mvlgamma(xp, self, p: Int):
    """The logarithm of the multivariate gamma function of dimension `p`.

    Grad: grad * (digamma(input) + digamma(input - 1/2) + ... p terms)
    See: lgamma

    >>> mvlgamma(tensor([2., 3.]), 2)
    tensor([0.4516, 1.5502])
    """
    if p < 1:
        raise TensorError("p has to be greater than or equal to 1")
    check_work(self.size * p, "mvlgamma")
    total = _log_gamma(xp, self)
    for i in range(1, p):
        total = total + _log_gamma(xp, self - self.dtype.type(i / 2))
    return total + self.dtype.type(p * (p - 1) * math.log(math.pi) / 4)


def _density(self, other, F):
    """The integrand of the incomplete gamma function over the whole integral."""
    return F.exp((self - 1) * F.log(other) - other - F.lgamma(self))


@elementwise(
    self=underivable("igamma: input"), other=lambda grad, self, other, F: grad * _density(self, other, F), only=(FLOAT,),
)
def igamma(xp, self, other):
    """The regularized lower incomplete gamma function: the gamma distribution of shape `self` up to `other`.

    Grad: other: grad * exp((input - 1) * log(other) - other - lgamma(input)); input: torch has none
    See: igammac, lgamma

    >>> igamma(tensor([1., 2.]), tensor([1., 1.]))
    tensor([0.6321, 0.2642])
    """
    return scipy_module("special", xp).gammainc(self, other)


@elementwise(
    self=underivable("igammac: input"), other=lambda grad, self, other, F: -grad * _density(self, other, F), only=(FLOAT,),
)
def igammac(xp, self, other):
    """The regularized upper incomplete gamma function, 1 - igamma.

    Grad: other: -grad * exp((input - 1) * log(other) - other - lgamma(input)); input: torch has none
    See: igamma, lgamma

    >>> igammac(tensor([1., 2.]), tensor([1., 1.]))
    tensor([0.3679, 0.7358])
    """
    return scipy_module("special", xp).gammaincc(self, other)


@bessel(
    self=underivable("zeta"), other=lambda grad, self, other, F: grad * -self * F.special_zeta(self + 1.0, other), scalar_overload=(1, 2), label="zeta_cpu",
    check=no_halves("zeta_cpu"),
)
def special_zeta(xp, self: Either, other: Either):
    """The Hurwitz zeta function: the sum of 1 / (k + other) ** input over k = 0, 1, ...

    Grad: other: -grad * input * special.zeta(input + 1, other); input: torch has none
    See: polygamma

    >>> special.zeta(tensor([2., 4.]), tensor([1., 1.]))
    tensor([1.6449, 1.0823])
    """
    return scipy_module("special", xp).zeta(self, other)
