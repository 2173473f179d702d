"""Number theory, the anatomy of floating-point numbers, and choices that look at nan and sign."""

from __future__ import annotations

import math

from .. import dtypes
from ..dtypes import FLOAT, INT
from ..errors import TensorError
from ..families.common import no_complex, refuses
from ..families.elementwise import ANY, elementwise
from ..families.structural import composite, structural
from ..layout import elementwise_strides
from ..spec import spec_of

NUMBERS = (INT, FLOAT)


@elementwise(ufunc="gcd", only=(INT,), label="gcd_cpu")
def gcd(xp, self, other):
    """Greatest common divisor, never negative.

    See: lcm, remainder

    >>> gcd(tensor([12, 7]), tensor([18, 0]))
    tensor([6, 7])
    """
    return xp.gcd(self, other)


@elementwise(ufunc="lcm", only=(INT,), label="lcm_cpu")
def lcm(xp, self, other):
    """Least common multiple, never negative.

    See: gcd

    >>> lcm(tensor([4, 6]), tensor([6, 0]))
    tensor([12,  0])
    """
    return xp.lcm(self, other)


@elementwise(
    self=lambda grad, self, other, F: F.where((self >= other) | (other != other), grad, 0.0),
    other=lambda grad, self, other, F: F.where((self >= other) | (other != other), 0.0, grad),
    ufunc="fmax",
    inplace=False,
    real_only=refuses("fmax not implemented for complex tensors."),
)
def fmax(xp, self, other):
    """The larger of two elements; a number wins over nan.

    See: maximum, fmin

    >>> fmax(tensor([1., float("nan")]), tensor([3., 2.]))
    tensor([3., 2.])
    """
    return xp.fmax(self, other)


@elementwise(
    self=lambda grad, self, other, F: F.where((self <= other) | (other != other), grad, 0.0),
    other=lambda grad, self, other, F: F.where((self <= other) | (other != other), 0.0, grad),
    ufunc="fmin",
    inplace=False,
    real_only=refuses("fmin not implemented for complex tensors."),
)
def fmin(xp, self, other):
    """The smaller of two elements; a number wins over nan.

    See: minimum, fmax

    >>> fmin(tensor([1., float("nan")]), tensor([3., 2.]))
    tensor([1., 2.])
    """
    return xp.fmin(self, other)


@elementwise(
    self=lambda grad, self, other, F: grad / (1 + F.exp2(other - self)),
    other=lambda grad, self, other, F: grad / (1 + F.exp2(self - other)),
    ufunc="logaddexp2",
    inplace=False,
    only=(FLOAT,),
)
def logaddexp2(xp, self, other):
    """`log2(2**self + 2**other)` without overflow.

    See: logaddexp, exp2

    >>> logaddexp2(tensor([1.]), tensor([1.]))
    tensor([2.])
    """
    return xp.logaddexp2(self, other)


@elementwise(
    self=lambda grad: grad * (math.pi / 180), promote="float", ufunc="deg2rad", node="Deg2RadBackward", real_only=refuses("deg2rad is not supported for complex tensors."),
)
def deg2rad(xp, self):
    """Degrees in radians.

    See: rad2deg, sin

    >>> deg2rad(tensor([180., 90.]))
    tensor([3.1416, 1.5708])
    """
    return self * self.dtype.type(math.pi / 180)


@elementwise(
    self=lambda grad: grad * (180 / math.pi), promote="float", ufunc="rad2deg", node="Rad2DegBackward", real_only=refuses("rad2deg is not supported for complex tensors."),
)
def rad2deg(xp, self):
    """Radians in degrees.

    See: deg2rad

    >>> rad2deg(tensor([3.14159265, 0.]))
    tensor([180.,   0.])
    """
    return self * self.dtype.type(180 / math.pi)


@elementwise(returns=dtypes.bool_, inplace=False, out_rule="boolean", real_only=no_complex("signbit is not implemented for complex tensors."))
def signbit(xp, self):
    """Whether the sign is minus, that of -0. included.

    See: sign, copysign

    >>> signbit(tensor([-1., 0., -0.]))
    tensor([ True, False,  True])
    """
    return xp.signbit(self) if xp.issubdtype(self.dtype, xp.floating) else self < 0


@elementwise(returns=dtypes.bool_, inplace=False, out_rule="boolean", real_only=refuses("isposinf does not support complex inputs."))
def isposinf(xp, self):
    """Whether the element is infinity.

    See: isneginf, isinf

    >>> isposinf(tensor([float("inf"), -float("inf"), 1.]))
    tensor([ True, False, False])
    """
    return self == xp.inf if xp.issubdtype(self.dtype, xp.floating) else xp.zeros(self.shape, bool)


@elementwise(returns=dtypes.bool_, inplace=False, out_rule="boolean", real_only=refuses("isneginf does not support complex inputs."))
def isneginf(xp, self):
    """Whether the element is minus infinity.

    See: isposinf, isinf

    >>> isneginf(tensor([float("inf"), -float("inf"), 1.]))
    tensor([False,  True, False])
    """
    return self == -xp.inf if xp.issubdtype(self.dtype, xp.floating) else xp.zeros(self.shape, bool)


@composite()
def isreal(F, self):
    """Whether the imaginary part is 0; real numbers have none.

    See: isfinite, imag

    >>> isreal(tensor([1+0j, 2j]))
    tensor([ True, False])
    """
    return F.eq(F.imag(self), 0) if self.dtype.is_complex else F.ones_like(self, dtype=dtypes.bool_)


@elementwise(
    self=lambda grad: grad,
    other=lambda other_spec, F: F.zeros_of(other_spec),
    ufunc="nextafter",
    only=(FLOAT,),
    label="nextafter_cpu",
)
def nextafter(xp, self, other):
    """The next number of the dtype after `self`, towards `other`.

    See: finfo

    >>> nextafter(tensor([1.]), tensor([2.])) > 1
    tensor([True])
    """
    return xp.nextafter(self, other)


@composite()
def float_power(F, self, exponent: Operand):
    """`self ** exponent` computed in float64, or complex128 where either is complex.

    See: pow

    >>> float_power(tensor([2, 3]), 2)
    tensor([4., 9.], dtype=torch.float64)
    """
    number = not hasattr(exponent, "dtype")
    whole = self.dtype.is_complex or (isinstance(exponent, complex) if number else exponent.dtype.is_complex)
    wanted = dtypes.complex128 if whole else dtypes.float64
    base = F.to_copy(self, wanted, None, None)
    return F.pow_scalar(base, exponent) if number else F.pow_tensor(base, F.to_copy(exponent, wanted, None, None))


@elementwise(
    self=lambda grad, other, F: grad * F.pow_base(2.0, other),
    other=lambda grad, result: grad * result * math.log(2),
    promote="float",
    only=ANY,
)
def ldexp(xp, self, other):
    """`self * 2**other`.

    See: frexp, exp2

    >>> ldexp(tensor([1., 3.]), tensor([2, -1]))
    tensor([4.0000, 1.5000])
    """
    return self * xp.exp2(other)


def _plan_frexp(self):
    if self.dtype.category != FLOAT:
        raise TensorError("torch.frexp() only supports floating-point dtypes")
    shape = tuple(self.shape)
    strides = elementwise_strides(shape, ((shape, self.strides),))
    return [spec_of(self.dtype, self.device, shape, strides), spec_of(dtypes.int32, self.device, shape, strides)]


@structural(out_rule=("mantissa", "exponent"), plan=_plan_frexp, fields=("mantissa", "exponent"), self=lambda grad, self_spec, exponent, F: grad / F.exp2(F.cast(exponent, self_spec.dtype)))
def frexp(xp, self):
    """The number as mantissa * 2**exponent, the mantissa in [0.5, 1).

    Grad: mantissa: grad / 2**exponent
    See: ldexp

    >>> frexp(tensor([8., 3.])).exponent
    tensor([4, 2], dtype=torch.int32)
    """
    return xp.frexp(self)


