"""Fused multiply-add and the C library's functions on arrays: the roundings torch's CPU kernels make."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from .backend import Array, np

_SPLITTER = 2.0**27 + 1.0
# where the arguments of each function lie when torch samples
_PROBE_RANGES = {
    "log": (0.0, 1.0),
    "log1p": (-1.0, 0.0),
    "exp": (-30.0, 30.0),
    "tan": (-math.pi / 2, math.pi / 2),
    "sin": (0.0, 2 * math.pi),
    "cos": (0.0, 2 * math.pi),
}


def fma32(a: Array, b: float, c: float) -> Array:
    """a * b + c rounded once to float32; `a` is float32, `b` and `c` are float32 values.

    The product is exact in float64. Rounding the sum to float64 first goes wrong only where it lands on the middle
    between two float32 numbers without being there; those elements are rounded to odd instead.
    """
    if c == 0.0:
        return a * np.float32(b) + np.float32(0)  # a fused sum turns -0 into 0
    if b == 1.0:
        return a + np.float32(c)
    product = np.multiply(a, b, dtype=np.float64)
    total = product + c
    at_middle = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    if at_middle.any():
        places = np.flatnonzero(at_middle)
        total[places] = _add_to_odd(product[places], np.full(places.size, c))
    return total.astype(np.float32)


def fma64(a: Array, b: float, c: float) -> Array:
    """a * b + c rounded once to float64.

    Boldo and Melquiond's emulation: exact product, exact sum, the small parts added with rounding to odd.
    """
    if c == 0.0:
        return a * b + 0.0  # a fused sum turns -0 into 0
    if math.frexp(b)[0] in (0.5, -0.5) or not math.isfinite(b) or not math.isfinite(c):
        return a * b + c  # the product is exact, or the result infinite or nan
    if max(abs(b), abs(c)) > 2.0**900:  # the splitting of the product would overflow
        return fma64(a, b * 2.0**-200, c * 2.0**-200) * 2.0**200
    product, product_error = _two_product(a, b)
    low, low_error = _two_sum(product_error, np.float64(c))
    high, high_error = _two_sum(product, low)
    return high + _add_to_odd(low_error, high_error)


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """(rounded a + b, its error), exact."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def _two_product(a: Array, b: float) -> tuple[Array, Array]:
    """(rounded a * b, its error), exact; Dekker's splitting."""
    product = a * b
    scaled = a * _SPLITTER
    a_high = scaled - (scaled - a)
    a_low = a - a_high
    b_high = b * _SPLITTER - (b * _SPLITTER - b)
    b_low = b - b_high
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _add_to_odd(a: Array, b: Array) -> Array:
    """a + b rounded to float64 so that an inexact sum always ends in an odd bit."""
    total, error = _two_sum(a, b)
    even = (total.view(np.int64) & 1) == 0
    towards = np.where(error > 0, np.inf, -np.inf)
    return np.where((error != 0) & even, np.nextafter(total, towards), total)


@lru_cache(maxsize=len(_PROBE_RANGES))
def libm(name: str) -> Callable[[Array], Array]:
    """The C library's `name` on flat float64 arrays, which torch uses, bit for bit.

    NumPy's own is used where it agrees (it does not on machines with AVX512, in up to 7 % of the elements); the slow
    way is Python's math module, one element at a time.
    """
    ufunc: Callable[[Array], Array] = getattr(np, name)
    scalar = getattr(math, name)
    low, high = _PROBE_RANGES[name]
    points = low + (high - low) * (np.arange(1, 6001) / 6001.37)
    if ufunc(points).tolist() == [scalar(x) for x in points.tolist()]:
        return ufunc

    def careful(x: float) -> float:
        try:
            return float(scalar(x))
        except (ValueError, OverflowError):  # math raises where C returns an infinity or nan
            return float(ufunc(np.float64(x)))

    def exact(x: Array) -> Array:
        values = x.tolist()
        try:
            return np.fromiter(map(scalar, values), np.float64, len(values))
        except (ValueError, OverflowError):
            return np.fromiter(map(careful, values), np.float64, len(values))

    return exact


def sampled(name: str, n: int, exact: bool) -> Callable[[Array], Array]:
    """The function `name` for n samples: the C library's where every bit counts or few are asked for.

    Rounded to float32, NumPy's own differs about once in a billion samples, at a tenth of the price.
    """
    return libm(name) if exact or n <= 64 else getattr(np, name)
