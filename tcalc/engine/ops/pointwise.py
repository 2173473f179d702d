"""Arithmetic and elementary functions of each element, with their derivatives."""

from __future__ import annotations

import cmath
import math

from .. import dtypes
from ..backend import dtype_of, insist, scipy_module
from ..dtypes import BOOL, COMPLEX, FLOAT, INT
from ..errors import TensorError, TensorNotImplemented
from ..families.activation import activation
from ..families.common import C_NAMES, fitting, no_complex, no_derivative, no_kernel, not_implemented, refuses
from ..families.elementwise import ANY, elementwise
from ..families.structural import composite
from ..spec import Spec

INTS = (BOOL, INT)
NUMBERS = (INT, FLOAT)


_BOOL_MINUS = (
    "Subtraction, the `-` operator, with {} is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
)


def _alpha(d, alpha):
    """`alpha` as the kernel takes it.

    Raises RuntimeError with torch's sentences for one that the result's dtype cannot hold.
    """
    if isinstance(alpha, complex) and d.kind == "f":
        raise TensorError("For non-complex input tensors, argument alpha must not be a complex number.")
    if isinstance(alpha, (float, complex)) and d.kind in "iub":
        raise TensorError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, bool) and d.kind != "b":
        raise TensorError("Boolean alpha only supported for Boolean results.")
    return d.type(alpha)


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


def _check_addcdiv(common, specs):
    if all(s.dtype.category < FLOAT for s in specs[1:3]):
        raise TensorError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2."
            " The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and"
            " as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter implementation:"
            " (input + value * tensor1 / tensor2), for all dtypes."
        )


def _check_where(common, specs):
    condition = specs[0]
    if condition.dtype.name not in ("bool", "uint8"):
        raise TensorError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype.kernel_name}")


def _check_masked_fill(common, specs):
    if specs[1].dtype.category != BOOL:
        raise TensorError(f"masked_fill_ only supports boolean masks, but got mask with dtype {C_NAMES[specs[1].dtype.name]}")


def _check_lerp(common, specs):
    start = specs[0].dtype
    for name, spec in zip(("end", "weight"), specs[1:], strict=False):
        if isinstance(spec, Spec) and spec.dtype is not start and (name == "end" or spec.ndim):
            raise TensorError(f"expected dtype {C_NAMES[start.name]} for `{name}` but got dtype {C_NAMES[spec.dtype.name]}")


# --- arithmetic -------------------------------------------------------------------------------------------------------


@elementwise(self=lambda grad: grad, other=lambda grad, alpha: grad if alpha == 1 else grad * alpha, ufunc="add", operator="+", only=ANY)
def add(xp, self, other: Operand, *, alpha: Scalar = 1):
    """`self + alpha * other`, broadcast.

    See: sub, mul, addcmul, broadcast

    >>> add(tensor([1., 2.]), 10)
    tensor([11., 12.])
    """
    return xp.add(self, other if alpha == 1 else xp.multiply(other, _alpha(self.dtype, alpha)))


@elementwise(check=_check_sub, self=lambda grad: grad, other=lambda grad, alpha: -grad if alpha == 1 else grad * -alpha, ufunc="subtract", operator="-", aliases=("subtract",), only=ANY)
def sub(xp, self, other: Operand, *, alpha: Scalar = 1):
    """`self - alpha * other`, broadcast.

    See: add, rsub, neg, broadcast

    >>> sub(tensor([1., 2.]), tensor([3., 5.]), alpha=2)
    tensor([-5., -8.])
    """
    return xp.subtract(self, other if alpha == 1 else xp.multiply(other, _alpha(self.dtype, alpha)))


@elementwise(check=_check_sub, joins=("other",), self=lambda grad, alpha: -grad if alpha == 1 else grad * -alpha, overload=1, inplace=False, out=False, only=ANY)
def rsub(xp, self, other: Number, alpha: Scalar = 1):
    """`other - alpha * self` for a number `other`.

    See: sub, neg

    >>> rsub(tensor([1., 2.]), 10)
    tensor([9., 8.])
    """
    return xp.subtract(other, self if alpha == 1 else self * _alpha(self.dtype, alpha))


@elementwise(
    public="rsub",
    check=_check_sub,
    self=lambda grad, alpha: -grad if alpha == 1 else grad * -alpha,
    other=lambda grad: grad,
    inplace=False,
    out=False,
    only=ANY,
)
def rsub_tensor(xp, self, other, *, alpha: Scalar = 1):
    """`other - alpha * self` for a tensor `other`.

    >>> rsub(tensor([1., 2.]), tensor([3., 5.]))
    tensor([2., 3.])
    """
    return xp.subtract(other, self if alpha == 1 else self * _alpha(self.dtype, alpha))


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
    if xp.issubdtype(self.dtype, xp.integer):
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


@composite(public="div")
def div_unrounded(F, self, other: Operand, *, rounding_mode: Any):
    """`self / other`, for rounding_mode=None.

    >>> div(tensor([1.]), 4, rounding_mode=None)
    tensor([0.2500])
    """
    return F.div(self, other)


@elementwise(
    only=NUMBERS,
    label="div_floor_cpu",
    node="torch::autograd::NotImplemented",
    overload=None,
    self=no_derivative("floor_divide"),
    other=no_derivative("floor_divide"),
    operator="//",
)
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
    if xp.issubdtype(self.dtype, xp.integer) and exponent < 0:
        raise TensorError("Integers to negative integer powers are not allowed.")
    if exponent == 2:
        return self * self
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
    if xp.issubdtype(self.dtype, xp.integer):
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


# --- rounding ---------------------------------------------------------------------------------------------------------


@elementwise(
    self=lambda self_spec, F: F.zeros_of(self_spec), only=NUMBERS, label="floor_vml_cpu", out_rule="found", real_only=no_complex("floor is not supported for complex inputs"),
)
def floor(xp, self):
    """The largest integer not above.

    See: ceil, trunc, round, floor_divide

    >>> floor(tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """
    return xp.floor(self).astype(self.dtype)


@elementwise(
    self=lambda self_spec, F: F.zeros_of(self_spec), only=NUMBERS, label="ceil_vml_cpu", out_rule="found", real_only=no_complex("ceil is not supported for complex inputs"),
)
def ceil(xp, self):
    """The smallest integer not below.

    See: floor, trunc, round

    >>> ceil(tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """
    return xp.ceil(self).astype(self.dtype)


@elementwise(
    self=lambda self_spec, F: F.zeros_of(self_spec), only=NUMBERS, label="trunc_vml_cpu", out_rule="found", aliases=("fix",), real_only=no_complex("trunc is not supported for complex inputs"),
)
def trunc(xp, self):
    """The integer part, toward 0.

    See: floor, ceil, frac

    >>> trunc(tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """
    return xp.trunc(self).astype(self.dtype)


@elementwise(self=lambda self_spec, F: F.zeros_of(self_spec), only=NUMBERS, label="round_vml_cpu", out_rule="found")
def round_(xp, self):
    """The nearest integer, halves to even.

    See: floor, ceil, trunc

    >>> round(tensor([0.5, 1.5, 2.6]))
    tensor([0., 2., 3.])
    """
    return xp.rint(self).astype(self.dtype)


@elementwise(
    public="round", overload=1, self=lambda self_spec, F: F.zeros_of(self_spec), label="round_cpu", out_rule="found",
    real_only=no_kernel("round_vml_cpu"),
)
def round_decimals(xp, self, *, decimals: Int):
    """`decimals` digits kept after the point (before it, when negative), halves to even.

    >>> round(tensor([0.125, 1.56]), decimals=1)
    tensor([0.1000, 1.6000])
    """
    if self.dtype.kind in "iub":
        raise not_implemented("round_vml_cpu" if decimals == 0 else "round_cpu", dtype_of(self.dtype))
    if decimals == 0:
        return xp.rint(self)
    scale = self.dtype.type(10.0 ** abs(decimals))
    return xp.rint(self * scale) / scale if decimals > 0 else xp.rint(self / scale) * scale


@elementwise(self=lambda grad: grad, only=(FLOAT,), out_rule="found")
def frac(xp, self):
    """The part after the point: `self - trunc(self)`.

    See: trunc, floor

    >>> frac(tensor([1.5, -1.25]))
    tensor([ 0.5000, -0.2500])
    """
    return self - xp.trunc(self)


# --- exponentials and logarithms --------------------------------------------------------------------------------------


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


# --- trigonometry -----------------------------------------------------------------------------------------------------


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


# --- choosing and blending --------------------------------------------------------------------------------------------


@elementwise(check=_check_where, 
    self=lambda grad, condition, F: F.where(condition, grad, 0.0),
    other=lambda grad, condition, F: F.where(condition, 0.0, grad),
    free=(0,),
    inplace=False,
    only=ANY,
    out_rule="out type",
)
def where(xp, condition, self: Operand, other: Operand):
    """`self` where the condition holds, `other` elsewhere, broadcast.

    Shapes: broadcast: (a, 1), (b), ()  ->  (a, b)

    See: masked_fill, clamp, maximum, nonzero

    >>> where(tensor([True, False]), tensor([1., 2.]), 0.)
    tensor([1., 0.])
    """
    return xp.where(condition, self, other)


@elementwise(
    self=lambda grad, self, min, max, F: F.where(_inside(self, min, max), grad, 0.0), overload=1, joins=("min", "max"), aliases=("clip",), only=NUMBERS,
    real_only=no_complex("clamp is not supported for complex types"),
)
def clamp(xp, self, min: Number | None = None, max: Number | None = None):
    """Each element moved into the range `min` to `max`.

    Grad: grad where the element lay within the bounds, 0 elsewhere; a tensor as bound receives the rest

    See: clamp_min, clamp_max, maximum, minimum

    >>> clamp(tensor([-1., 0.5, 3.]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise TensorError("torch.clamp: At least one of 'min' or 'max' must not be None")
    low = self if min is None else _at_least(xp, self, self.dtype.type(min))
    return low if max is None else xp.where(low > self.dtype.type(max), self.dtype.type(max), low)


def _at_least(xp, self, low):
    """The larger of both; of two zeros self's, and nan stays."""
    return xp.where(self < low, low, self)


def _inside(self, low, high):
    if low is None:
        return self <= high
    return (self >= low) if high is None else (self >= low) & (self <= high)


@elementwise(
    self=lambda grad, self, min, F: F.where(self >= min, grad, 0.0), joins=("min",), only=NUMBERS, real_only=no_complex("clamp is not supported for complex types"),
)
def clamp_min(xp, self, min: Number):
    """Each element, or `min` where it is smaller.

    See: clamp, maximum

    >>> clamp_min(tensor([-1., 3.]), 0)
    tensor([0., 3.])
    """
    return xp.maximum(self, self.dtype.type(min))


@elementwise(
    self=lambda grad, self, max, F: F.where(self <= max, grad, 0.0), joins=("max",), only=NUMBERS, real_only=no_complex("clamp is not supported for complex types"),
)
def clamp_max(xp, self, max: Number):
    """Each element, or `max` where it is larger.

    See: clamp, minimum

    >>> clamp_max(tensor([-1., 3.]), 0)
    tensor([-1.,  0.])
    """
    return xp.minimum(self, self.dtype.type(max))


@elementwise(
    public="clamp",
    self=lambda grad, self, min, max, F: F.where((self >= min) & (self <= max), grad, 0.0),
    min=lambda grad, self, min, max, F: F.where((min < max) & (self < min), grad, 0.0),
    max=lambda grad, self, min, max, F: F.where((self > max) | (max < min), grad, 0.0),
    only=NUMBERS,
    label="clamp_cpu",
    real_only=no_complex("clamp is not supported for complex types"),
)
def clamp_tensor(xp, self, min, max):
    """Each element moved into the range `min` to `max`, both tensors.

    >>> clamp(tensor([-1., 3.]), tensor([0., 0.]), tensor([1., 2.]))
    tensor([0., 2.])
    """
    return xp.minimum(xp.maximum(self, min), max)


@elementwise(
    public="clamp",
    self=lambda grad, self, min, F: F.where(self >= min, grad, 0.0),
    min=lambda grad, self, min, F: F.where(self < min, grad, 0.0),
    ufunc="maximum",
    real_only=no_complex("clamp is not supported for complex types"),
)
def clamp_low(xp, self, min, max: Nothing | None = None):
    """Each element, or that of `min` where it is smaller.

    >>> clamp(tensor([-1., 3.]), min=tensor([0., 5.]))
    tensor([0., 5.])
    """
    return xp.maximum(self, min)


@elementwise(
    public="clamp",
    self=lambda grad, self, max, F: F.where(self <= max, grad, 0.0),
    max=lambda grad, self, max, F: F.where(self > max, grad, 0.0),
    ufunc="minimum",
    real_only=no_complex("clamp is not supported for complex types"),
)
def clamp_high(xp, self, max, *, min: Nothing | None = None):
    """Each element, or that of `max` where it is larger.

    >>> clamp(tensor([-1., 3.]), max=tensor([0., 2.]))
    tensor([-1.,  2.])
    """
    return xp.minimum(self, max)


@composite(public="clamp")
def clamp_given(F, self, min: Nothing | None, max):
    """Each element, or that of `max` where it is larger; None in the place of `min`.

    >>> clamp(tensor([-1., 3.]), None, tensor([0., 2.]))
    tensor([-1.,  2.])
    """
    return F.clamp_high(self, max)


@elementwise(
    public="clamp_min",
    overload=1,
    self=lambda grad, self, min, F: F.where(self >= min, grad, 0.0),
    min=lambda grad, self, min, F: F.where(self < min, grad, 0.0),
    ufunc="maximum",
    real_only=no_kernel("maximum_cpu"),
)
def clamp_min_tensor(xp, self, min):
    """Each element, or that of `min` where it is smaller.

    >>> clamp_min(tensor([-1., 3.]), tensor([0., 5.]))
    tensor([0., 5.])
    """
    return xp.maximum(self, min)


@elementwise(
    public="clamp_max",
    overload=1,
    self=lambda grad, self, max, F: F.where(self <= max, grad, 0.0),
    max=lambda grad, self, max, F: F.where(self > max, grad, 0.0),
    ufunc="minimum",
    real_only=no_kernel("minimum_cpu"),
)
def clamp_max_tensor(xp, self, max):
    """Each element, or that of `max` where it is larger.

    >>> clamp_max(tensor([-1., 3.]), tensor([0., 5.]))
    tensor([-1.,  3.])
    """
    return xp.minimum(self, max)


def _larger_share(grad, mine, other, F):
    """All of the gradient where mine wins, half where both are equal (torch's rule for maximum and minimum)."""
    return F.where(mine == other, grad / 2, F.where(mine < other, 0.0, grad))


@elementwise(
    self=lambda grad, self, other, F: _larger_share(grad, self, other, F),
    other=lambda grad, self, other, F: _larger_share(grad, other, self, F),
    ufunc="maximum",
    inplace=False,
    real_only=refuses("maximum not implemented for complex tensors."),
)
def maximum(xp, self, other):
    """The larger of two elements; nan wins.

    Grad: to the larger of the two, half each where they are equal
    See: max, minimum, clamp

    >>> maximum(tensor([1., 5.]), tensor([3., 2.]))
    tensor([3., 5.])
    """
    return xp.maximum(self, other)


@elementwise(
    self=lambda grad, self, other, F: _larger_share(grad, other, self, F),
    other=lambda grad, self, other, F: _larger_share(grad, self, other, F),
    ufunc="minimum",
    inplace=False,
    real_only=refuses("minimum not implemented for complex tensors."),
)
def minimum(xp, self, other):
    """The smaller of two elements; nan wins.

    Grad: to the smaller of the two, half each where they are equal
    See: min, maximum, clamp

    >>> minimum(tensor([1., 5.]), tensor([3., 2.]))
    tensor([1., 2.])
    """
    return xp.minimum(self, other)


@elementwise(check=_check_masked_fill, self=lambda grad, mask, F: F.where(mask, 0.0, grad), free=(1,), row_major=True, out=False, overlap_ok=True, only=ANY)
def masked_fill(xp, self, mask, value: Number):
    """`value` where the mask holds, the element elsewhere.

    See: where, masked_select, index_fill

    >>> masked_fill(tensor([1., 2.]), tensor([True, False]), 0)
    tensor([0., 2.])
    """
    return xp.where(mask, self.dtype.type(fitting(value, dtype_of(self.dtype))), self)


def _check_masked_fill_tensor(common, specs):
    _check_masked_fill(common, specs)
    value = specs[2]
    if value.ndim:
        raise TensorError(f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).")


@elementwise(
    public="masked_fill",
    overload=1,
    check=_check_masked_fill_tensor,
    self=lambda grad, mask, F: F.where(mask, 0.0, grad),
    value=lambda grad, mask, F: F.sum(F.where(mask, grad, 0.0)),
    free=(1, 2),
    row_major=True,
    out=False,
    overlap_ok=True,
    only=ANY,
)
def masked_fill_tensor(xp, self, mask, value):
    """The one element of `value` where the mask holds, the element elsewhere.

    >>> masked_fill(tensor([1., 2.]), tensor([True, False]), tensor(0.))
    tensor([0., 2.])
    """
    if value.dtype.kind == "c" and self.dtype.kind != "c":
        value = self.dtype.type(fitting(value.item(), dtype_of(self.dtype)))  # only a look at the value tells whether it fits
    return xp.where(mask, value.astype(self.dtype), self)


@elementwise(
    check=_check_lerp, self=lambda grad, weight: grad * (1 - weight), end=lambda grad, weight: grad * weight, only=(FLOAT, COMPLEX), label="lerp_kernel_scalar"
)
def lerp(xp, self, end, weight: Number):
    """`self + weight * (end - self)`: from start to end as weight goes from 0 to 1.

    See: addcmul, linspace

    >>> lerp(tensor([0., 10.]), tensor([10., 20.]), 0.5)
    tensor([ 5., 15.])
    """
    weight = self.dtype.type(fitting(weight, dtype_of(self.dtype)))
    return self + weight * (end - self) if abs(weight) < 0.5 else end - (end - self) * (1 - weight)


@elementwise(
    public="lerp",
    check=_check_lerp,
    self=lambda grad, weight: grad * (1 - weight),
    end=lambda grad, weight: grad * weight,
    weight=lambda grad, self, end: grad * (end - self),
    overload=1,
    only=(FLOAT, COMPLEX),
    label="lerp_kernel_tensor",
    out_rule="found",
)
def lerp_tensor(xp, self, end, weight):
    """`self + weight * (end - self)` for a tensor of weights.

    >>> lerp(tensor([0., 10.]), tensor([10., 20.]), tensor([0.5, 1.]))
    tensor([ 5., 20.])
    """
    return xp.where(xp.abs(weight) < 0.5, self + weight * (end - self), end - (end - self) * (1 - weight))


@elementwise(
    self=lambda grad: grad,
    tensor1=lambda grad, tensor2, value: grad * (tensor2 * value),
    tensor2=lambda grad, tensor1, value: grad * (tensor1 * value),
    only=(INT, FLOAT, COMPLEX),
    label="addcmul_cpu_out",
)
def addcmul(xp, self, tensor1, tensor2, *, value: Scalar = 1):
    """`self + value * tensor1 * tensor2`.

    See: addcdiv, mul, add

    >>> addcmul(tensor([1.]), tensor([2.]), tensor([3.]), value=10)
    tensor([61.])
    """
    return self + self.dtype.type(fitting(value, dtype_of(self.dtype))) * tensor1 * tensor2


@elementwise(
    self=lambda grad: grad,
    tensor1=lambda grad, tensor2, value: grad * (value / tensor2),
    tensor2=lambda grad, tensor1, tensor2, value: -grad * (value * tensor1 / (tensor2 * tensor2)),
    check=_check_addcdiv,
    domain="positive",
    only=ANY,
)
def addcdiv(xp, self, tensor1, tensor2, *, value: Scalar = 1):
    """`self + value * tensor1 / tensor2`.

    See: addcmul, div

    >>> addcdiv(tensor([1.]), tensor([6.]), tensor([3.]), value=10)
    tensor([21.])
    """
    return self + self.dtype.type(fitting(value, dtype_of(self.dtype))) * tensor1 / tensor2


@elementwise(self=lambda grad, self, F: F.where((self == self) & (F.abs(self) != math.inf), grad, 0.0), out_rule="nan_to_num", only=ANY)
def nan_to_num(xp, self, nan: Float | None = None, posinf: Float | None = None, neginf: Float | None = None):
    """nan replaced by `nan` (0), infinities by the largest and smallest finite numbers unless given.

    See: isnan, isinf, nansum

    >>> nan_to_num(tensor([1., float("nan")]))
    tensor([1., 0.])
    """
    if self.dtype.kind in "iub":
        return self.copy()
    return xp.nan_to_num(self, nan=nan or 0.0, posinf=posinf, neginf=neginf)


@elementwise(
    scalar_overload=1,
    self=lambda grad, self, result, F: grad * F.where(self == 0, 0.0, result / self), other=lambda other_spec, F: F.zeros_of(other_spec), promote="float", ufunc="copysign"
)
def copysign(xp, self, other: Either):
    """The size of `self` with the sign of `other`.

    See: sign, abs

    >>> copysign(tensor([1., 2.]), tensor([-1., 1.]))
    tensor([-1.,  2.])
    """
    return xp.copysign(self, other)


def _check_heaviside(common, specs):
    if len({s.dtype for s in specs if s is not None}) > 1:
        raise TensorError("heaviside is not yet implemented for tensors with different dtypes.")


@elementwise(
    check=_check_heaviside,
    node="torch::autograd::NotImplemented",
    overload=None,
    self=no_derivative("heaviside"),
    values=no_derivative("heaviside"),
    out_rule="heaviside",
    real_only=refuses("heaviside is not yet implemented for complex tensors."),
)
def heaviside(xp, self, values):
    """0 below 0, 1 above 0, `values` at 0.

    Grad: none: torch has no derivative here and refuses backward

    See: sign, where

    >>> heaviside(tensor([-1., 0., 1.]), tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    return xp.where(self == 0, values, (self > 0).astype(self.dtype))


# --- activations that are plain functions of an element ---------------------------------------------------------------


@elementwise(self=lambda grad, result: grad * ((1 - result) * result), promote="float", only=ANY)
def sigmoid(xp, self):
    """`1 / (1 + exp(-self))`.

    See: tanh, softmax, logit, nn.Sigmoid

    >>> sigmoid(tensor([0., 2.]))
    tensor([0.5000, 0.8808])
    """
    return _logistic(xp, self)


def _logistic(xp, self):
    return 1 / (1 + xp.exp(-self)) if self.dtype.kind == "c" else scipy_module("special", xp).expit(self)


def _check_relu(common, specs):
    if common.category == BOOL:
        raise TensorError("Boolean inputs not supported for relu")


@elementwise(
    check=_check_relu, self=lambda grad, result, F: F.where(result <= 0, 0.0, grad), out=False, real_only=no_complex("clamp is not supported for complex types"),
)
def relu(xp, self):
    """The element, or 0 where it is negative.

    See: clamp, nn.functional.leaky_relu, nn.functional.gelu, nn.ReLU

    >>> relu(tensor([-1., 2.]))
    tensor([0., 2.])
    """
    return xp.maximum(self, 0)


@composite(public="relu", namespace="torch.nn.functional", method=False)
def relu_inplace(F, self, inplace: Bool):
    """The element, or 0 where it is negative, written over the tensor when `inplace`.

    Storage: always new; input's own when inplace

    >>> nn.functional.relu(tensor([-1., 2.]), inplace=True)
    tensor([0., 2.])
    """
    return self.relu_() if inplace else F.relu(self)


@activation(self=lambda grad, self, F: grad * (F.sigmoid(self) * (1 + self * (1 - F.sigmoid(self)))), only=(FLOAT, COMPLEX))
def silu(xp, self):
    """`self * sigmoid(self)`.

    See: relu, sigmoid, nn.functional.gelu

    >>> nn.functional.silu(tensor([0., 1.]))
    tensor([0.0000, 0.7311])
    """
    return self * _logistic(xp, self)


@activation(self=lambda grad, self, negative_slope, F: F.where(self > 0, grad, grad * negative_slope), only=(FLOAT,))
def leaky_relu(xp, self, negative_slope: Float = 0.01):
    """The element, times `negative_slope` where it is negative.

    See: relu, nn.functional.softplus

    >>> nn.functional.leaky_relu(tensor([-1., 2.]))
    tensor([-0.0100,  2.0000])
    """
    return xp.where(self > 0, self, self * self.dtype.type(negative_slope))


@elementwise(
    self=lambda grad, self, beta, threshold, F: F.where(self * beta > threshold, grad, grad * F.sigmoid(self * beta)),
    namespace="torch.nn.functional",
    method=False,
    only=(FLOAT,),
    out_rule="found",
)
def softplus(xp, self, beta: Float = 1.0, threshold: Float = 20.0):
    """`log(1 + exp(beta * self)) / beta`; the element itself beyond `threshold`.

    See: relu, logaddexp

    >>> nn.functional.softplus(tensor([0., 1.]))
    tensor([0.6931, 1.3133])
    """
    scaled = self * self.dtype.type(beta)
    return xp.where(scaled > threshold, self, xp.log1p(xp.exp(scaled)) / self.dtype.type(beta))


_GELU = math.sqrt(2 / math.pi)


@elementwise(
    self=lambda grad, self, approximate, F: grad * _gelu_slope(self, approximate, F), namespace="torch.nn.functional", method=False, only=(FLOAT,), label="GeluKernelImpl", out_rule="found",
)
def gelu(xp, self, approximate: Str = "none"):
    """`self` times the normal distribution's cumulative probability (Hendrycks and Gimpel 2016); approximate="tanh" is their formula.

    Grad: grad * (cdf(input) + input * pdf(input)), cdf and pdf of the normal distribution

    See: relu, nn.functional.silu

    >>> nn.functional.gelu(tensor([0., 1.]))
    tensor([0.0000, 0.8413])
    """
    if approximate == "tanh":
        return 0.5 * self * (1 + xp.tanh(self.dtype.type(_GELU) * (self + self.dtype.type(0.044715) * self * self * self)))
    if approximate != "none":
        raise TensorError("approximate argument must be either none or tanh.")
    return self * scipy_module("special", xp).ndtr(self)


def _gelu_slope(self, approximate, F):
    if approximate == "tanh":
        inner = F.tanh(_GELU * (self + 0.044715 * self * self * self))
        return 0.5 * (1 + inner) + 0.5 * self * (1 - inner * inner) * (_GELU * (1 + 3 * 0.044715 * self * self))
    return 0.5 * (1 + F.erf(self * math.sqrt(0.5))) + self * F.exp(-0.5 * self * self) * (1 / math.sqrt(2 * math.pi))
