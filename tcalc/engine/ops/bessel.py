"""Bessel and Airy functions by SciPy (cupyx.scipy on a GPU); torch has derivatives for the four of exponential growth only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backend import np, scipy_module
from ..dtypes import REDUCED
from ..families.common import not_implemented
from ..families.elementwise import Elementwise, elementwise

TINY = 2.0**-52  # below it the quotients of the derivatives stand for their limits


def bessel(**options: Any) -> Callable[[Callable[..., Any]], Elementwise]:
    """The decorator of a function of torch.special: no method, no in-place form, whole numbers in the default dtype."""
    return elementwise(namespace="torch.special", method=False, inplace=False, promote="float", **options)


def no_halves(label):
    """The check of a kernel that torch has for float32 and float64 only."""

    def check(common, specs):
        if common in REDUCED:
            raise not_implemented(label, common)

    return check


@elementwise(self=lambda grad, self, F: grad * F.special_i1(self), promote="float", label="i0_vml_cpu")
def i0(xp, self):
    """The modified Bessel function of the first kind, order 0.

    Grad: grad * special.i1(input)
    See: special.i0e, special.i1

    >>> i0(tensor([0., 1.]))
    tensor([1.0000, 1.2661])
    """
    return scipy_module("special", xp).i0(self)


@bessel(self=lambda grad, self, result, F: grad * (F.special_i1e(self) - F.sgn(self) * result), node="SpecialI0EBackward", label="i0e_cpu")
def special_i0e(xp, self):
    """`i0` times exp(-|input|), which does not overflow.

    Grad: grad * (special.i1e(input) - sign(input) * result)
    See: i0, special.i1e

    >>> special.i0e(tensor([0., 1.]))
    tensor([1.0000, 0.4658])
    """
    return scipy_module("special", xp).i0e(self)


def _i1_slope(self, result, F):
    far = F.abs(self) > TINY
    x = F.where(far, self, TINY)
    return F.where(far, F.i0(x) - result / x, 0.5)


def _i1e_slope(self, result, F):
    far = F.abs(self) > TINY
    x = F.where(far, self, TINY)
    return F.where(far, F.special_i0e(x) - result * (F.sgn(x) + 1 / x), 0.5)


@bessel(self=lambda grad, self, result, F: grad * _i1_slope(self, result, F), label="i1_cpu")
def special_i1(xp, self):
    """The modified Bessel function of the first kind, order 1.

    Grad: grad * (i0(input) - result / input), half of grad at 0
    See: i0, special.i1e

    >>> special.i1(tensor([0., 1.]))
    tensor([0.0000, 0.5652])
    """
    return scipy_module("special", xp).i1(self)


@bessel(self=lambda grad, self, result, F: grad * _i1e_slope(self, result, F), node="SpecialI1EBackward", label="i1e_cpu")
def special_i1e(xp, self):
    """`special.i1` times exp(-|input|), which does not overflow.

    Grad: grad * (special.i0e(input) - result * (sign(input) + 1 / input)), half of grad at 0
    See: special.i1, special.i0e

    >>> special.i1e(tensor([0., 1.]))
    tensor([0.0000, 0.2079])
    """
    return scipy_module("special", xp).i1e(self)


AIRY_GONE = 103.892  # Ai underflows from here on; SciPy gives nan far out


# --- without derivatives ----------------------------------------------------------------------------------------------


@bessel(label="airy_ai_cpu", check=no_halves("airy_ai_cpu"), host="CuPy has no Airy functions")
def special_airy_ai(xp, x):
    """The Airy function Ai; torch has no derivative for it.

    See: special.bessel_j0

    >>> special.airy_ai(tensor([0., 1.]))
    tensor([0.3550, 0.1353])
    """
    found = scipy_module("special", np).airy(x)[0]
    return xp.where((x > AIRY_GONE) & xp.isfinite(x), x.dtype.type(0), found)


@bessel(label="bessel_j0_cpu", check=no_halves("bessel_j0_cpu"))
def special_bessel_j0(xp, self):
    """The Bessel function of the first kind, order 0; torch has no derivative for it.

    See: special.bessel_j1, special.bessel_y0

    >>> special.bessel_j0(tensor([0., 1.]))
    tensor([1.0000, 0.7652])
    """
    return scipy_module("special", xp).j0(self)


@bessel(label="bessel_j1_cpu", check=no_halves("bessel_j1_cpu"))
def special_bessel_j1(xp, self):
    """The Bessel function of the first kind, order 1; torch has no derivative for it.

    See: special.bessel_j0, special.bessel_y1

    >>> special.bessel_j1(tensor([0., 1.]))
    tensor([0.0000, 0.4401])
    """
    return scipy_module("special", xp).j1(self)


@bessel(label="bessel_y0_cpu", check=no_halves("bessel_y0_cpu"))
def special_bessel_y0(xp, self):
    """The Bessel function of the second kind, order 0; torch has no derivative for it.

    See: special.bessel_y1, special.bessel_j0

    >>> special.bessel_y0(tensor([1., 2.]))
    tensor([0.0883, 0.5104])
    """
    return scipy_module("special", xp).y0(self)


@bessel(label="bessel_y1_cpu", check=no_halves("bessel_y1_cpu"))
def special_bessel_y1(xp, self):
    """The Bessel function of the second kind, order 1; torch has no derivative for it.

    See: special.bessel_y0, special.bessel_j1

    >>> special.bessel_y1(tensor([1., 2.]))
    tensor([-0.7812, -0.1070])
    """
    return scipy_module("special", xp).y1(self)


@bessel(label="modified_bessel_i0_cpu", check=no_halves("modified_bessel_i0_cpu"))
def special_modified_bessel_i0(xp, self):
    """`i0` without a derivative.

    See: i0, special.modified_bessel_i1

    >>> special.modified_bessel_i0(tensor([0., 1.]))
    tensor([1.0000, 1.2661])
    """
    return scipy_module("special", xp).i0(self)


@bessel(label="modified_bessel_i1_cpu", check=no_halves("modified_bessel_i1_cpu"))
def special_modified_bessel_i1(xp, self):
    """`special.i1` without a derivative.

    See: special.i1, special.modified_bessel_i0

    >>> special.modified_bessel_i1(tensor([0., 1.]))
    tensor([0.0000, 0.5652])
    """
    return scipy_module("special", xp).i1(self)


@bessel(label="modified_bessel_k0_cpu", check=no_halves("modified_bessel_k0_cpu"))
def special_modified_bessel_k0(xp, self):
    """The modified Bessel function of the second kind, order 0; torch has no derivative for it.

    See: special.scaled_modified_bessel_k0, special.modified_bessel_k1

    >>> special.modified_bessel_k0(tensor([1., 2.]))
    tensor([0.4210, 0.1139])
    """
    return scipy_module("special", xp).k0(self)


@bessel(label="modified_bessel_k1_cpu", check=no_halves("modified_bessel_k1_cpu"))
def special_modified_bessel_k1(xp, self):
    """The modified Bessel function of the second kind, order 1; torch has no derivative for it.

    See: special.scaled_modified_bessel_k1, special.modified_bessel_k0

    >>> special.modified_bessel_k1(tensor([1., 2.]))
    tensor([0.6019, 0.1399])
    """
    return scipy_module("special", xp).k1(self)


@bessel(label="scaled_modified_bessel_k0_cpu", check=no_halves("scaled_modified_bessel_k0_cpu"))
def special_scaled_modified_bessel_k0(xp, x):
    """`special.modified_bessel_k0` times exp(input), which does not underflow.

    See: special.modified_bessel_k0

    >>> special.scaled_modified_bessel_k0(tensor([1., 2.]))
    tensor([1.1445, 0.8416])
    """
    return scipy_module("special", xp).k0e(x)


@bessel(label="scaled_modified_bessel_k1_cpu", check=no_halves("scaled_modified_bessel_k1_cpu"))
def special_scaled_modified_bessel_k1(xp, x):
    """`special.modified_bessel_k1` times exp(input), which does not underflow.

    See: special.modified_bessel_k1

    >>> special.scaled_modified_bessel_k1(tensor([1., 2.]))
    tensor([1.6362, 1.0335])
    """
    return scipy_module("special", xp).k1e(x)


@bessel(label="spherical_bessel_j0_cpu", check=no_halves("spherical_bessel_j0_cpu"))
def special_spherical_bessel_j0(xp, x):
    """The spherical Bessel function of the first kind, order 0: sin(x) / x, 1 at 0; torch has no derivative for it.

    See: sinc, special.bessel_j0

    >>> special.spherical_bessel_j0(tensor([0., 1.]))
    tensor([1.0000, 0.8415])
    """
    return xp.where(xp.isinf(x), x.dtype.type(0), xp.sinc(x / x.dtype.type(xp.pi)))
