"""Sines, tangents and their kin, hyperbolic ones too, and the way back."""

from __future__ import annotations

from ..dtypes import FLOAT
from ..families.elementwise import ANY, elementwise


@elementwise(self=lambda grad, self, F: grad * F.cos(self), promote="float", ufunc="sin", only=ANY)
def sin(xp, self):
    """Sine of an angle in radians.

    See: cos, tan, asin, sinc

    >>> sin(tensor([0., 1.]))
    tensor([0.0000, 0.8415])
    """
    return xp.sin(self)


@elementwise(self=lambda grad, self, F: -grad * F.sin(self), promote="float", ufunc="cos", only=ANY)
def cos(xp, self):
    """Cosine of an angle in radians.

    See: sin, tan, acos

    >>> cos(tensor([0., 1.]))
    tensor([1.0000, 0.5403])
    """
    return xp.cos(self)


@elementwise(self=lambda grad, result: grad * (1 + result * result), promote="float", ufunc="tan", only=ANY)
def tan(xp, self):
    """Tangent of an angle in radians.

    See: sin, cos, atan

    >>> tan(tensor([0., 1.]))
    tensor([0.0000, 1.5574])
    """
    return xp.tan(self)


@elementwise(self=lambda grad, self, F: grad * F.rsqrt(1 - self * self), promote="float", ufunc="arcsin", aliases=("arcsin",), domain="unit", only=ANY)
def asin(xp, self):
    """Angle in radians whose sine is the element.

    See: acos, atan, sin

    >>> asin(tensor([0., 1.]))
    tensor([0.0000, 1.5708])
    """
    return xp.arcsin(self)


@elementwise(self=lambda grad, self, F: -grad * F.rsqrt(1 - self * self), promote="float", ufunc="arccos", aliases=("arccos",), domain="unit", only=ANY)
def acos(xp, self):
    """Angle in radians whose cosine is the element.

    See: asin, atan, cos

    >>> acos(tensor([1., 0.]))
    tensor([0.0000, 1.5708])
    """
    return xp.arccos(self)


@elementwise(self=lambda grad, self: grad / (self * self + 1), promote="float", ufunc="arctan", aliases=("arctan",), only=ANY)
def atan(xp, self):
    """Angle in radians whose tangent is the element.

    See: atan2, asin, tan

    >>> atan(tensor([0., 1.]))
    tensor([0.0000, 0.7854])
    """
    return xp.arctan(self)


def _over_squares(self, other, F):
    """1 / (self^2 + other^2), 0 at the origin."""
    total = self * self + other * other
    return F.where(total == 0, 0.0, F.reciprocal(total))


@elementwise(
    self=lambda grad, self, other, F: grad * other * _over_squares(self, other, F),
    other=lambda grad, self, other, F: grad * -self * _over_squares(self, other, F),
    promote="float",
    ufunc="arctan2",
    aliases=("arctan2",),
    domain="positive",
)
def atan2(xp, self, other):
    """Angle in radians of the point (other, self) seen from the origin.

    Grad: input: grad * other / (input * input + other * other); other: -grad * input / (input * input + other * other)

    See: atan, hypot

    >>> atan2(tensor([1.]), tensor([-1.]))
    tensor([2.3562])
    """
    return xp.arctan2(self, other)


@elementwise(self=lambda grad, self, F: grad * F.cosh(self), promote="float", ufunc="sinh", only=ANY)
def sinh(xp, self):
    """Hyperbolic sine.

    See: cosh, tanh, asinh

    >>> sinh(tensor([0., 1.]))
    tensor([0.0000, 1.1752])
    """
    return xp.sinh(self)


@elementwise(self=lambda grad, self, F: grad * F.sinh(self), promote="float", ufunc="cosh", only=ANY)
def cosh(xp, self):
    """Hyperbolic cosine.

    See: sinh, tanh, acosh

    >>> cosh(tensor([0., 1.]))
    tensor([1.0000, 1.5431])
    """
    return xp.cosh(self)


@elementwise(self=lambda grad, result: grad * (1 - result * result), promote="float", ufunc="tanh", only=ANY)
def tanh(xp, self):
    """Hyperbolic tangent.

    See: sigmoid, sinh, atanh

    >>> tanh(tensor([0., 1.]))
    tensor([0.0000, 0.7616])
    """
    return xp.tanh(self)


@elementwise(inplace_derivative=False, self=lambda grad, self, F: grad * F.rsqrt(self * self + 1), promote="float", ufunc="arcsinh", aliases=("arcsinh",), only=ANY)
def asinh(xp, self):
    """Inverse hyperbolic sine.

    See: acosh, atanh, sinh

    >>> asinh(tensor([0., 1.]))
    tensor([0.0000, 0.8814])
    """
    return xp.arcsinh(self)


@elementwise(inplace_derivative=False, self=lambda grad, self, F: grad * F.rsqrt(self * self - 1), promote="float", ufunc="arccosh", aliases=("arccosh",), domain="above one", only=ANY)
def acosh(xp, self):
    """Inverse hyperbolic cosine.

    See: asinh, atanh, cosh

    >>> acosh(tensor([1., 2.]))
    tensor([0.0000, 1.3170])
    """
    return xp.arccosh(self)


@elementwise(inplace_derivative=False, self=lambda grad, self: grad / (1 - self * self), promote="float", ufunc="arctanh", aliases=("arctanh",), domain="unit", only=ANY)
def atanh(xp, self):
    """Inverse hyperbolic tangent.

    See: asinh, acosh, tanh

    >>> atanh(tensor([0., 0.5]))
    tensor([0.0000, 0.5493])
    """
    return xp.arctanh(self)


@elementwise(
    self=lambda grad, self, result: grad * (self / result),
    other=lambda grad, other, result: grad * (other / result),
    ufunc="hypot",
    only=(FLOAT,),
    domain="positive",
)
def hypot(xp, self, other):
    """Length of the hypotenuse over legs `self` and `other`.

    See: atan2, sqrt

    >>> hypot(tensor([3.]), tensor([4.]))
    tensor([5.])
    """
    return xp.hypot(self, other)
