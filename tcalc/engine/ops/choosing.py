"""Choosing, bounding and blending elements: where, clamp, maximum, masked_fill, lerp and their kin."""

from __future__ import annotations

import math

from .. import blocks
from ..backend import dtype_of, ndarray
from ..dtypes import BOOL, COMPLEX, FLOAT, INT
from ..errors import TensorError
from ..families.common import C_NAMES, fitting, fitting_loosely, no_complex, no_kernel, refuses, without_formula
from ..families.elementwise import ANY, elementwise
from ..families.structural import composite
from ..spec import Spec

NUMBERS = (INT, FLOAT)


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


@composite(public="where", method=False)
def where_places(F, condition) -> Tensors:
    """The places where the condition holds, one vector a dim: `nonzero(condition, as_tuple=True)`.

    >>> where(tensor([True, False, True]))
    (tensor([0, 2]),)
    """
    return F.nonzero(condition, as_tuple=True)


@elementwise(
    check=_check_where,
    fits={"self": fitting_loosely, "other": fitting_loosely},
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
    if self.__class__ is float and other.__class__ is ndarray and other.size < blocks.LARGE and other.shape == condition.shape and other.dtype.kind == "f":
        found = other.copy()  # which takes half the time of NumPy's where on a small array
        xp.putmask(found, condition, self)
        return found
    return xp.where(condition, self, other)


@elementwise(
    self=lambda grad, self, min, max, F: F.where(_inside(self, min, max), grad, 0.0), overload=1, joins=("min", "max"), aliases=("clip",), only=NUMBERS,
    fits={"min": fitting, "max": fitting}, out_rule="found", in_c=True,
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
    return low if max is None else _at_most(xp, low, self.dtype.type(max))


def _at_least(xp, self, low):
    """The larger of both; of two zeros self's, and nan wins."""
    return xp.maximum(self, low) if low else xp.where(self < low, low, self)


def _at_most(xp, self, high):
    """The smaller of both; of two zeros self's, and nan wins."""
    return xp.minimum(self, high) if high else xp.where(self > high, high, self)


def _inside(self, low, high):
    if low is None:
        return self <= high
    return (self >= low) if high is None else (self >= low) & (self <= high)


@elementwise(
    self=lambda grad, self, min, F: F.where(self >= min, grad, 0.0), joins=("min",), fits={"min": fitting}, out_rule="found", in_c=True, only=NUMBERS,
    real_only=no_complex("clamp is not supported for complex types"),
)
def clamp_min(xp, self, min: Number):
    """Each element, or `min` where it is smaller.

    See: clamp, maximum

    >>> clamp_min(tensor([-1., 3.]), 0)
    tensor([0., 3.])
    """
    return _at_least(xp, self, self.dtype.type(min))


@elementwise(
    self=lambda grad, self, max, F: F.where(self <= max, grad, 0.0), joins=("max",), fits={"max": fitting}, out_rule="found", in_c=True, only=NUMBERS,
    real_only=no_complex("clamp is not supported for complex types"),
)
def clamp_max(xp, self, max: Number):
    """Each element, or `max` where it is larger.

    See: clamp, minimum

    >>> clamp_max(tensor([-1., 3.]), 0)
    tensor([-1.,  0.])
    """
    return _at_most(xp, self, self.dtype.type(max))


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


@elementwise(check=_check_masked_fill, fits={"value": fitting}, self=lambda grad, mask, F: F.where(mask, 0.0, grad), free=(1,), row_major=True, out=False, overlap_ok=True, only=ANY)
def masked_fill(xp, self, mask, value: Number):
    """`value` where the mask holds, the element elsewhere.

    See: where, masked_select, index_fill

    >>> masked_fill(tensor([1., 2.]), tensor([True, False]), 0)
    tensor([0., 2.])
    """
    return xp.where(mask, self.dtype.type(value), self)


def _check_masked_fill_tensor(common, specs):
    _check_masked_fill(common, specs)
    value = specs[2]
    if value.ndim:
        raise TensorError(f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).")


@elementwise(
    public="masked_fill",
    overload=1,
    check=_check_masked_fill_tensor,
    fits={"value": fitting},
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
    return xp.nan_to_num(self, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


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
    out_rule="heaviside",
    real_only=refuses("heaviside is not yet implemented for complex tensors."),
    **without_formula("heaviside"),
)
def heaviside(xp, self, values):
    """0 below 0, 1 above 0, `values` at 0.

    Grad: none: torch has no derivative here and refuses backward

    See: sign, where

    >>> heaviside(tensor([-1., 0., 1.]), tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    return xp.where(self == 0, values, (self > 0).astype(self.dtype))
