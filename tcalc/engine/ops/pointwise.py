"""Arithmetic of each element: sums, products, quotients, powers, roots, signs."""

from __future__ import annotations

import cmath
import math

from .. import dtypes
from ..backend import dtype_of, insist
from ..dtypes import BOOL, COMPLEX, FLOAT, INT
from ..errors import TensorError, TensorNotImplemented
from ..families.common import fitting, no_complex, not_implemented, without_formula
from ..families.elementwise import ANY, elementwise, fit
from ..families.structural import composite

NUMBERS = (INT, FLOAT)


_BOOL_MINUS = (
    "Subtraction, the `-` operator, with {} is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
)


def _alpha(alpha, d):
    """`alpha` as the kernel takes it.

    Raises RuntimeError with torch's sentences for one that the result's dtype cannot hold.
    """
    if isinstance(alpha, bool) and d.category != BOOL:
        raise TensorError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, (float, complex)) and d.category < FLOAT:
        raise TensorError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, complex) and not d.is_complex:
        raise TensorError("For non-complex input tensors, argument alpha must not be a complex number.")
    return fitting(alpha, d)


def _exponent(value, d):
    """A power as the kernel takes it: whole numbers and 16-bit floats look whether it fits."""
    if d.category == INT and value < 0:
        raise TensorError("Integers to negative integer powers are not allowed.")
    return fitting(value, d) if d.category == INT or d in dtypes.REDUCED else value


def _check_sub(common, specs):
    kinds = [s is bool if isinstance(s, type) else s.dtype.category == BOOL for s in specs]
    if all(kinds):
        raise TensorError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead."
        )
    if any(kinds):
        raise TensorError(_BOOL_MINUS.format("a bool tensor"))


def _check_pow(common, specs):
    if common.category == BOOL:
        raise TensorNotImplemented("\"pow\" not implemented for 'Bool'")


def _check_neg(common, specs):
    if common.category == BOOL:
        raise TensorError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()`"
            " operator instead."
        )


@elementwise(
    self=lambda grad: grad,
    other=lambda grad, alpha: grad if alpha == 1 else grad * alpha,
    ufunc="add",
    operator="+",
    fits={"alpha": _alpha},
    only=ANY,
)
def add(xp, self, other: Operand, *, alpha: Scalar = 1):
    """`self + alpha * other`, broadcast.

    See: sub, mul, addcmul, broadcast

    >>> add(tensor([1., 2.]), 10)
    tensor([11., 12.])
    """
    return xp.add(self, other if alpha == 1 else xp.multiply(other, self.dtype.type(alpha)))


@elementwise(
    check=_check_sub,
    self=lambda grad: grad,
    other=lambda grad, alpha: -grad if alpha == 1 else grad * -alpha,
    ufunc="subtract",
    operator="-",
    aliases=("subtract",),
    fits={"alpha": _alpha},
    only=ANY,
)
def sub(xp, self, other: Operand, *, alpha: Scalar = 1):
    """`self - alpha * other`, broadcast.

    See: add, rsub, neg, broadcast

    >>> sub(tensor([1., 2.]), tensor([3., 5.]), alpha=2)
    tensor([-5., -8.])
    """
    return xp.subtract(self, other if alpha == 1 else xp.multiply(other, self.dtype.type(alpha)))


@elementwise(check=_check_sub, joins=("other",), fits={"other": fit, "alpha": _alpha}, self=lambda grad, alpha: -grad if alpha == 1 else grad * -alpha, overload=1, inplace=False, out=False, only=ANY)
def rsub(xp, self, other: Number, alpha: Scalar = 1):
    """`other - alpha * self` for a number `other`.

    See: sub, neg

    >>> rsub(tensor([1., 2.]), 10)
    tensor([9., 8.])
    """
    return xp.subtract(other, self if alpha == 1 else self * self.dtype.type(alpha))


@elementwise(
    public="rsub",
    check=_check_sub,
    self=lambda grad, alpha: -grad if alpha == 1 else grad * -alpha,
    other=lambda grad: grad,
    fits={"alpha": _alpha},
    inplace=False,
    out=False,
    only=ANY,
)
def rsub_tensor(xp, self, other, *, alpha: Scalar = 1):
    """`other - alpha * self` for a tensor `other`.

    >>> rsub(tensor([1., 2.]), tensor([3., 5.]))
    tensor([2., 3.])
    """
    return xp.subtract(other, self if alpha == 1 else self * self.dtype.type(alpha))


@elementwise(self=lambda grad, other: grad * other, other=lambda grad, self: grad * self, ufunc="multiply", operator="*", aliases=("multiply",), only=ANY)
def mul(xp, self, other: Operand):
    """`self * other`, broadcast.

    See: div, matmul (of matrices), square, broadcast

    >>> mul(tensor([1., 2.]), tensor([3., 4.]))
    tensor([3., 8.])
    """
    return xp.multiply(self, other)


@elementwise(
    self=lambda grad, other: grad / other,
    other=lambda grad, self, other: -grad * ((self / other) / other),
    promote="float",
    ufunc="true_divide",
    operator="/",
    aliases=("divide", "true_divide"),
    domain="nonzero other",
    only=ANY,
)
def div(xp, self, other: Operand):
    """`self / other`, broadcast; ints give floats.

    See: mul, floor_divide, remainder, reciprocal

    >>> div(tensor([1, 2]), 4)
    tensor([0.2500, 0.5000])
    """
    return xp.true_divide(self, other)


@elementwise(self=lambda grad, other: grad / other, promote="float", node="DivBackward", overload=1, function=False, method=False, inplace=False, only=ANY)
def div_number(xp, self, other: Float):
    """`self / other` as torch's own code divides by a number: a node of its own."""
    return xp.true_divide(self, other)


@elementwise(self=lambda grad, other: grad * other, node="MulBackward", overload=1, function=False, method=False, inplace=False, only=ANY)
def mul_number(xp, self, other: Float):
    """`self * other` as torch's own code multiplies by a number: a node of its own."""
    return xp.multiply(self, other)


def _rounded_quotient(xp, self, other, mode):
    if self.dtype.kind in "iu":
        insist((xp.asarray(other) == 0).any(), lambda: TensorError("ZeroDivisionError"))
        if mode == "floor":
            return xp.floor_divide(self, other)
        quotient = xp.abs(self) // xp.abs(other)
        return (xp.sign(self) * xp.sign(other) * quotient).astype(self.dtype)
    return xp.trunc(xp.true_divide(self, other)) if mode == "trunc" else xp.floor_divide(self, other)


@elementwise(
    public="div", overload=2, self=lambda self_spec, F: F.zeros_of(self_spec), other=lambda other_spec, F: F.zeros_of(other_spec),
    only=ANY,
)
def div_mode(xp, self, other: Operand, *, rounding_mode: Str):
    """`self / other` rounded: rounding_mode "floor" or "trunc" (toward 0).

    >>> div(tensor([-7, 7]), 2, rounding_mode="trunc")
    tensor([-3,  3])
    """
    if rounding_mode not in ("floor", "trunc"):
        raise TensorError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    if self.dtype.kind in "bc":
        raise not_implemented(f"div_{rounding_mode}_cpu", dtype_of(self.dtype))
    return _rounded_quotient(xp, self, other, rounding_mode)


@elementwise(
    public="div", overload=2, self=lambda grad, other: grad / other, other=lambda grad, self, other: -grad * ((self / other) / other), promote="float",
    domain="nonzero other", only=ANY,
)
def div_unrounded(xp, self, other: Operand, *, rounding_mode: Str | None):
    """`self / other`, for rounding_mode=None.

    >>> div(tensor([1.]), 4, rounding_mode=None)
    tensor([0.2500])
    """
    return xp.true_divide(self, other)


@elementwise(only=NUMBERS, label="div_floor_cpu", operator="//", **without_formula("floor_divide"))
def floor_divide(xp, self, other: Operand):
    """The largest integer not above `self / other`, element by element.

    Grad: none: torch has no derivative here and refuses backward

    >>> floor_divide(tensor([-7., 7.]), 2)
    tensor([-4.,  3.])
    """
    return _rounded_quotient(xp, self, other, "floor")


@elementwise(scalar_overload=0, 
    self=lambda grad: grad,
    other=lambda grad, self, other, F: -grad * F.floor(self / other),
    operator="%",
    overload=1,
    domain="nonzero other",
    only=NUMBERS,
)
def remainder(xp, self, other: Either):
    """Python's `%`: the rest of a floored division, with the sign of `other`.

    See: fmod (sign of the dividend), floor_divide, div

    >>> remainder(tensor([-3., 3.]), 2)
    tensor([1., 1.])
    """
    if not xp.issubdtype(self.dtype, xp.floating):
        return xp.remainder(self, other)
    rest = xp.fmod(self, other)  # xp.remainder loses the sign of a zero
    return xp.where((rest != 0) & ((other < 0) != (rest < 0)), rest + other, rest)


@elementwise(scalar_overload=0, self=lambda grad: grad, other=lambda grad, self, other, F: -grad * F.trunc(self / other), ufunc="fmod", overload=1, domain="nonzero other", only=NUMBERS)
def fmod(xp, self, other: Either):
    """C's fmod: the rest of a division rounded toward 0, with the sign of `self`.

    See: remainder (sign of the divisor), trunc

    >>> fmod(tensor([-3., 3.]), 2)
    tensor([-1.,  1.])
    """
    return xp.fmod(self, other)


@elementwise(
    check=_check_pow,
    joins=("exponent",),
    fits={"exponent": _exponent},
    public="pow",
    self=lambda grad, self, exponent: grad * 0 if exponent == 0 else grad * (exponent * self ** (exponent - 1)),
    operator="**",
    domain="positive",
    only=ANY,
)
def pow_scalar(xp, self, exponent: Number):
    """`self ** exponent`, broadcast.

    See: square, sqrt, exp, log

    >>> pow(tensor([1., 2., 3.]), 2)
    tensor([1., 4., 9.])
    """
    if exponent == 2:
        return self * self
    if exponent == -0.5:
        return self.dtype.type(1) / xp.sqrt(self)
    return xp.sqrt(self) if exponent == 0.5 else xp.power(self, exponent)


@elementwise(check=_check_pow, 
    public="pow",
    self=lambda grad, self, exponent, F: grad * F.where(exponent == 0, 0.0, exponent * self ** (exponent - 1)),
    exponent=lambda grad, self, exponent, result, F: grad * F.where((self == 0) & (F.real(exponent) >= 0), 0.0, result * F.log(self)),
    overload=1,
    domain="positive",
    only=ANY,
)
def pow_tensor(xp, self, exponent):
    """`self ** exponent` for a tensor exponent.

    >>> pow(tensor([1., 2., 3.]), tensor([2., 3., 2.]))
    tensor([1., 8., 9.])
    """
    if self.dtype.kind in "iu":
        negative = exponent < 0
        values = xp.power(self, xp.where(negative, 0, exponent))
        return xp.where(negative, xp.where(self == 1, 1, xp.where(self == -1, 1 - 2 * (exponent & 1), 0)), values).astype(self.dtype)
    return xp.power(self, exponent)


def _log_of(number):
    """The logarithm of a Python number."""
    return cmath.log(number) if isinstance(number, complex) else math.log(number) if number > 0 else math.nan


@elementwise(check=_check_pow, 
    public="pow",
    exponent=lambda grad, self, exponent, result: grad * 0 if self == 0 else grad * (result * _log_of(self)),
    overload=2,
    method=False,
    inplace=False,
    domain="positive",
    only=ANY,
)
def pow_base(xp, self: Operand, exponent):
    """A number to the power of each element.

    Grad: grad * result * the logarithm of the number; 0 for the number 0

    >>> pow(2, tensor([1., 2., 3.]))
    tensor([2., 4., 8.])
    """
    return xp.power(self, exponent)


@elementwise(check=_check_neg, self=lambda grad: -grad, ufunc="negative", aliases=("negative",), out_rule="found", only=ANY)
def neg(xp, self):
    """`-self`.

    See: abs, sign, sub

    >>> neg(tensor([1., -2.]))
    tensor([-1.,  2.])
    """
    return xp.negative(self)


@composite()
def positive(F, self):
    """`+self`: the tensor itself.

    Shapes: any; kept
    Storage: the tensor itself
    Grad: grad

    >>> positive(tensor([1., -2.]))
    tensor([ 1., -2.])
    """
    if self.dtype is dtypes.bool_:
        raise TensorError("The `+` operator, on a bool tensor is not supported.")
    return self


@elementwise(
    self=lambda grad, self, F: grad * F.sgn(self), ufunc="absolute", aliases=("absolute",), only=(INT, FLOAT, COMPLEX), label="abs_cpu", out_rule="found",
    gives=dtypes.dtype.to_real, holomorphic=False,
)
def abs_(xp, self):
    """Distance from 0.

    See: sign, neg, square

    >>> abs(tensor([1., -2.]))
    tensor([1., 2.])
    """
    return xp.absolute(self)


@elementwise(
    self=lambda self_spec, F: F.zeros_of(self_spec), out_rule="found", real_only=no_complex("Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."),
)
def sign(xp, self):
    """-1, 0 or 1 as the element is below, at or above 0.

    See: abs, copysign, heaviside

    >>> sign(tensor([-3., 0., 5.]))
    tensor([-1.,  0.,  1.])
    """
    return self.copy() if self.dtype == bool else xp.subtract(self > 0, self < 0, dtype=self.dtype)  # 0 for nan, unlike NumPy's


@composite()
def square(F, self):
    """`self ** 2`.

    Shapes: any; kept
    Grad: 2 * input * grad
    See: pow, sqrt

    >>> square(tensor([1., -2.]))
    tensor([1., 4.])
    """
    return F.pow_scalar(self, 2)


@elementwise(self=lambda grad, result: grad / (2 * result), promote="float", ufunc="sqrt", domain="positive", only=ANY)
def sqrt(xp, self):
    """Square root; nan below 0.

    See: rsqrt, square, pow

    >>> sqrt(tensor([1., 4., 9.]))
    tensor([1., 2., 3.])
    """
    return xp.sqrt(self)


@elementwise(self=lambda grad, result: -0.5 * grad * (result * result * result), promote="float", domain="positive", only=ANY)
def rsqrt(xp, self):
    """`1 / sqrt(self)`.

    See: sqrt, reciprocal

    >>> rsqrt(tensor([1., 4.]))
    tensor([1.0000, 0.5000])
    """
    return 1 / xp.sqrt(self)


@elementwise(self=lambda grad, result: -grad * result * result, promote="float", ufunc="reciprocal", domain="positive", only=ANY)
def reciprocal(xp, self):
    """`1 / self`.

    See: div, rsqrt

    >>> reciprocal(tensor([2., 4.]))
    tensor([0.5000, 0.2500])
    """
    return xp.reciprocal(self)
