"""Rounding each element: down, up, to the nearest whole number, to decimals."""

from __future__ import annotations

from ..backend import dtype_of
from ..dtypes import FLOAT, INT
from ..families.common import no_complex, no_kernel, not_implemented
from ..families.elementwise import elementwise

NUMBERS = (INT, FLOAT)


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
