"""Comparisons, logic and bits: element by element, without gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import dtypes
from ..backend import META
from ..dtypes import BOOL, INT
from ..errors import TensorError, TensorNotImplemented
from ..families.common import sorted_out
from ..families.elementwise import ANY, Elementwise, elementwise
from ..families.structural import structural
from ..layout import broadcast_shapes
from ..modes import is_grad_enabled
from ..registry import Op
from ..spec import spec_of
from ..tensor import Tensor

BITS = (BOOL, INT)


class BuiltFromDerivable(Elementwise):
    """An op that torch makes of ops with derivatives (abs): a history that may not be asked for is refused, though the result has none."""

    def build(self, method: bool = False) -> Callable[..., Any]:
        return Op.build(self, method)

    def run(self, values: list[Any]) -> Tensor:
        if is_grad_enabled():
            for value in values[: len(self.inputs)]:
                value.refuse_stale()
        return super().run(values)


def built_from_derivable(**options: Any) -> Callable[[Callable[..., Any]], BuiltFromDerivable]:
    """Declare such an op."""
    return lambda kernel: BuiltFromDerivable(kernel, **sorted_out(kernel, options))


@elementwise(returns=dtypes.bool_, ufunc="equal", operator="==", only=ANY)
def eq(xp, self, other: Either):
    """Whether two elements are equal; nan equals nothing.

    See: ne, isclose, equal (one answer), allclose

    >>> eq(tensor([1, 2]), tensor([1, 3]))
    tensor([ True, False])
    """
    return xp.equal(self, other)


@elementwise(returns=dtypes.bool_, ufunc="not_equal", operator="!=", aliases=("not_equal",), only=ANY)
def ne(xp, self, other: Either):
    """Whether two elements differ.

    See: eq, isclose

    >>> ne(tensor([1, 2]), tensor([1, 3]))
    tensor([False,  True])
    """
    return xp.not_equal(self, other)


@elementwise(returns=dtypes.bool_, ufunc="less", operator="<", aliases=("less",))
def lt(xp, self, other: Either):
    """Whether `self` is below `other`.

    See: le, gt, ge

    >>> lt(tensor([1, 2]), 2)
    tensor([ True, False])
    """
    return xp.less(self, other)


@elementwise(returns=dtypes.bool_, ufunc="less_equal", operator="<=", aliases=("less_equal",))
def le(xp, self, other: Either):
    """Whether `self` is at most `other`.

    See: lt, gt, ge

    >>> le(tensor([1, 3]), 2)
    tensor([ True, False])
    """
    return xp.less_equal(self, other)


@elementwise(returns=dtypes.bool_, ufunc="greater", operator=">", aliases=("greater",))
def gt(xp, self, other: Either):
    """Whether `self` is above `other`.

    See: ge, lt, le

    >>> gt(tensor([1, 3]), 2)
    tensor([False,  True])
    """
    return xp.greater(self, other)


@elementwise(returns=dtypes.bool_, ufunc="greater_equal", operator=">=", aliases=("greater_equal",))
def ge(xp, self, other: Either):
    """Whether `self` is at least `other`.

    See: gt, lt, le

    >>> ge(tensor([1, 2]), 2)
    tensor([False,  True])
    """
    return xp.greater_equal(self, other)


def _truth(a):
    """What a logical function of CuPy takes: it has none of complex numbers."""
    return a != 0 if a.dtype.kind == "c" else a


@elementwise(returns=dtypes.bool_, only=ANY)
def logical_not(xp, self):
    """Whether the element is 0.

    See: logical_and, bitwise_not

    >>> logical_not(tensor([0, 3]))
    tensor([ True, False])
    """
    return xp.logical_not(_truth(self))


@elementwise(returns=dtypes.bool_, only=ANY)
def logical_and(xp, self, other):
    """Whether both elements are nonzero.

    See: logical_or, logical_not, bitwise_and

    >>> logical_and(tensor([True, True]), tensor([True, False]))
    tensor([ True, False])
    """
    return xp.logical_and(_truth(self), _truth(other))


@elementwise(returns=dtypes.bool_, only=ANY)
def logical_or(xp, self, other):
    """Whether either element is nonzero.

    See: logical_and, logical_xor, bitwise_or

    >>> logical_or(tensor([False, False]), tensor([True, False]))
    tensor([ True, False])
    """
    return xp.logical_or(_truth(self), _truth(other))


@elementwise(returns=dtypes.bool_, only=ANY)
def logical_xor(xp, self, other):
    """Whether exactly one element is nonzero.

    See: logical_or, ne

    >>> logical_xor(tensor([True, True]), tensor([True, False]))
    tensor([False,  True])
    """
    return xp.logical_xor(_truth(self), _truth(other))


@elementwise(only=BITS, operator="&", label="bitwise_and_cpu")
def bitwise_and(xp, self, other: Either):
    """Bits set in both; logical and on bools.

    Grad: none: the result is whole numbers or bools

    >>> bitwise_and(tensor([6]), 3)
    tensor([2])
    """
    return xp.bitwise_and(self, other)


@elementwise(only=BITS, operator="|", label="bitwise_or_cpu")
def bitwise_or(xp, self, other: Either):
    """Bits set in either; logical or on bools.

    Grad: none: the result is whole numbers or bools

    >>> bitwise_or(tensor([6]), 3)
    tensor([7])
    """
    return xp.bitwise_or(self, other)


@elementwise(only=BITS, operator="^", label="bitwise_xor_cpu")
def bitwise_xor(xp, self, other: Either):
    """Bits set in exactly one; logical xor on bools.

    Grad: none: the result is whole numbers or bools

    >>> bitwise_xor(tensor([6]), 3)
    tensor([5])
    """
    return xp.bitwise_xor(self, other)


@elementwise(only=BITS, label="bitwise_not_cpu", out_rule="found")
def bitwise_not(xp, self):
    """Every bit turned; logical not on bools.

    Grad: none: the result is whole numbers or bools

    >>> bitwise_not(tensor([0, 1]))
    tensor([-1, -2])
    """
    return xp.invert(self)


@elementwise(returns=dtypes.bool_, inplace=False, out=False, only=ANY)
def isnan(xp, self):
    """Whether the element is not a number.

    See: isinf, isfinite, nan_to_num

    >>> isnan(tensor([1., float("nan")]))
    tensor([False,  True])
    """
    return xp.isnan(self)


@elementwise(returns=dtypes.bool_, inplace=False, out=False, only=ANY)
def isinf(xp, self):
    """Whether the element is infinite.

    See: isnan, isfinite

    >>> isinf(tensor([1., float("inf")]))
    tensor([False,  True])
    """
    return xp.isinf(self)


@built_from_derivable(returns=dtypes.bool_, inplace=False, out=False, only=ANY)
def isfinite(xp, self):
    """Whether the element is neither infinite nor nan.

    See: isnan, isinf

    >>> isfinite(tensor([1., float("inf")]))
    tensor([ True, False])
    """
    return xp.isfinite(self)


def _check_isclose(common, specs):
    if specs[0].dtype is not specs[1].dtype:
        raise TensorError(f"{specs[0].dtype.kernel_name} did not match {specs[1].dtype.kernel_name}")


def _check_tolerances(rtol, atol):
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise TensorError(f"{name} must be greater than or equal to zero, but got {value:g}")


@built_from_derivable(returns=dtypes.bool_, inplace=False, out=False, check=_check_isclose, only=ANY)
def isclose(xp, self, other, rtol: Float = 1e-5, atol: Float = 1e-8, equal_nan: Bool = False):
    """Whether `|self - other| <= atol + rtol * |other|`.

    See: allclose (one answer), eq

    >>> isclose(tensor([1., 2.]), tensor([1.000001, 2.1]))
    tensor([ True, False])
    """
    _check_tolerances(rtol, atol)
    return xp.isclose(self, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


def _one_bool(self, other):
    if META in (self.device, other.device):
        raise TensorNotImplemented("aten::equal: attempted to run this operator with Meta tensors, which have no values")
    return spec_of(dtypes.bool_, self.device)


def _one_bool_broadcast(self, other, *rest):
    if META in (self.device, other.device):
        raise TensorError("Tensor.item() cannot be called on meta tensors")
    broadcast_shapes(self.shape, other.shape)
    return spec_of(dtypes.bool_, self.device)


@structural(plan=_one_bool_broadcast, out=False, function=False, method=False)
def allclose_tensor(xp, self, other, rtol: Float = 1e-5, atol: Float = 1e-8, equal_nan: Bool = False):
    """0-dim bool: whether all elements are close."""
    _check_tolerances(rtol, atol)
    return xp.asarray(xp.allclose(self, other, rtol=rtol, atol=atol, equal_nan=equal_nan))


@structural(plan=_one_bool, out=False, function=False, method=False)
def equal_tensor(xp, self, other):
    """0-dim bool: whether shape and all elements agree."""
    return xp.asarray(self.shape == other.shape and bool((self == other).all()))


@elementwise(only=(INT,), operator="<<", label="lshift_cpu")
def bitwise_left_shift(xp, self, other: Either):
    """Bits moved up by `other` places: `self * 2 ** other` on ints.

    Grad: none: the result is whole numbers

    >>> bitwise_left_shift(tensor([1, 3]), 2)
    tensor([ 4, 12])
    """
    return xp.left_shift(self, other)


@elementwise(only=(INT,), operator=">>", label="rshift_cpu")
def bitwise_right_shift(xp, self, other: Either):
    """Bits moved down by `other` places, the sign kept.

    Grad: none: the result is whole numbers

    >>> bitwise_right_shift(tensor([4, 13]), 2)
    tensor([1, 3])
    """
    return xp.right_shift(self, other)
