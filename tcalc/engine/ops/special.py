"""Special functions by SciPy (cupyx.scipy on a GPU), with their derivatives."""

from __future__ import annotations

import math

from ..backend import scipy_module
from ..dtypes import FLOAT, get_default_dtype
from ..families.common import fitting, no_kernel
from ..families.elementwise import ANY, elementwise
from ..families.structural import composite
from .bessel import bessel, no_halves


@elementwise(
    self=lambda grad, self, F: grad * (2 / math.sqrt(math.pi)) * F.exp(-self * self), promote="float", real_only=no_kernel("erf_vml_cpu"),
)
def erf(xp, self):
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0.

    See: erfc, erfinv, nn.functional.gelu

    >>> erf(tensor([0., 1.]))
    tensor([0.0000, 0.8427])
    """
    return scipy_module("special", xp).erf(self)


@elementwise(
    self=lambda grad, self, F: grad * (-2 / math.sqrt(math.pi)) * F.exp(-self * self), promote="float", real_only=no_kernel("erfc_vml_cpu"),
)
def erfc(xp, self):
    """`1 - erf(self)`, exact for large arguments.

    >>> erfc(tensor([0., 1.]))
    tensor([1.0000, 0.1573])
    """
    return scipy_module("special", xp).erfc(self)


@elementwise(
    self=lambda grad, result, F: grad * (math.sqrt(math.pi) / 2) * F.exp(result * result), promote="float", domain="unit", real_only=no_kernel("erfinv_vml_cpu"),
)
def erfinv(xp, self):
    """The inverse of erf on (-1, 1).

    >>> erfinv(tensor([0., 0.5]))
    tensor([0.0000, 0.4769])
    """
    return scipy_module("special", xp).erfinv(self)


@elementwise(
    self=lambda grad, self, eps, F: F.where((self < 0) | (self > 1), math.nan, grad / (self * (1 - self)))
    if eps is None
    else F.where((self < eps) | (self > 1 - eps), 0.0, grad / (self * (1 - self))),
    promote="float",
    domain="probability",
    fits={"eps": fitting},
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
    scalar_overload=(1, 2),
)
def xlogy(xp, self: Either, other: Either):
    """`self * log(other)`, 0 where self is 0.

    See: special.xlog1py, log, special.entr

    >>> xlogy(tensor([0., 2.]), tensor([0., 3.]))
    tensor([0.0000, 2.1972])
    """
    return xp.where(xp.isnan(xp.asarray(other)), xp.asarray(other), xp.where(self == 0, self.dtype.type(0), self * xp.log(other)))


@elementwise(self=lambda grad, self, F: grad * _sinc_slope(self, F), promote="float", only=ANY)
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


@bessel(
    self=lambda grad, self, other, F: grad * F.where((self == 0) & (other <= -1), 0.0, F.log1p(other)),
    other=lambda grad, self, other: grad * self / (other + 1),
    domain="positive",
    node="SpecialXlog1PyBackward",
    scalar_overload=(1, 2),
    label="xlog1py_cpu",
)
def special_xlog1py(xp, self: Either, other: Either):
    """`self * log1p(other)`, 0 where self is 0.

    See: xlogy, log1p

    >>> special.xlog1py(tensor([0., 2.]), tensor([-1., 2.]))
    tensor([0.0000, 2.1972])
    """
    return xp.where(xp.isnan(other), other, xp.where(self == 0, self.dtype.type(0), self * xp.log1p(other)))


@bessel(self=lambda grad, self, F: grad * -(1 + F.log(self)), domain="positive", label="entr_cpu")
def special_entr(xp, self):
    """`-self * log(self)`, 0 at 0 and -inf below: an outcome's part of the entropy.

    See: xlogy, log

    >>> special.entr(tensor([0., 0.5, 1.]))
    tensor([0.0000, 0.3466, -0.0000])
    """
    return scipy_module("special", xp).entr(self)


# --- the error function and the normal distribution --------------------------------------------------------------------


@bessel(
    self=lambda grad, self, result, F: grad * (2 * self * result - 2 / math.sqrt(math.pi)), label="erfcx_cpu", check=no_halves("erfcx_cpu"),
)
def special_erfcx(xp, self):
    """`erfc(self)` times exp(self ** 2), which does not underflow.

    See: erfc, special.log_ndtr

    >>> special.erfcx(tensor([0., 1., 10.]))
    tensor([1.0000, 0.4276, 0.0561])
    """
    return scipy_module("special", xp).erfcx(self)


@composite(namespace="torch.special", method=False, out=True)
def special_ndtr(F, self):
    """The probability that a standard normal number is below the element.

    See: special.ndtri, special.log_ndtr, erf

    >>> special.ndtr(tensor([0., 1.]))
    tensor([0.5000, 0.8413])
    """
    x = self if self.dtype.category >= FLOAT else F.to_copy(self, get_default_dtype(), None, None)
    return F.mul_number(1 + F.erf(F.mul_number(x, math.sqrt(0.5))), 0.5)


@bessel(
    self=lambda grad, self, result, F: grad / math.sqrt(2 * math.pi) * F.exp(-(result + self * self / 2)), label="log_ndtr_cpu", check=no_halves("log_ndtr_cpu"),
)
def special_log_ndtr(xp, self):
    """The logarithm of `special.ndtr`, exact far to the left.

    See: special.ndtr, erfc

    >>> special.log_ndtr(tensor([-10., 0.]))
    tensor([-53.2313,  -0.6931])
    """
    return scipy_module("special", xp).log_ndtr(self)


@bessel(
    self=lambda grad, result, F: grad * math.sqrt(2 * math.pi) * F.exp(result * result / 2), domain="probability", label="ndtri_cpu", check=no_halves("ndtri_cpu"),
)
def special_ndtri(xp, self):
    """The number that a standard normal one is below with the given probability.

    See: special.ndtr, erfinv

    >>> special.ndtri(tensor([0.5, 0.8413447]))
    tensor([0.0000, 1.0000])
    """
    return scipy_module("special", xp).ndtri(self)
