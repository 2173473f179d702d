"""The samplers that try until a candidate is accepted: Poisson, binomial and gamma numbers, element by element."""

from __future__ import annotations

import math
from typing import Any

from .backend import Array, dtype_of, np, numpy_dtype
from .boxmuller import next_normal
from .distributions import narrow
from .dtypes import bfloat16, float16, float32, float64
from .errors import TensorError, TensorNotImplemented, TensorValueError
from .generator import Generator


def poisson(gen: Generator, rates: Array) -> Array:
    """A Poisson count for every element of `rates` (floating, any shape), same dtype, flat in C order.

    Raises RuntimeError for a negative or nan rate, NotImplementedError for integer dtypes.
    """
    kind = dtype_of(rates.dtype)
    if not kind.is_floating_point:
        raise TensorNotImplemented(f"\"poisson_cpu\" not implemented for '{kind.kernel_name}'", "poisson")
    values = rates.astype(np.float64).reshape(-1).tolist()
    if not all(rate >= 0 for rate in values):
        raise TensorError("invalid Poisson rate, expected rate to be non-negative", "poisson")
    return narrow(np.array([float(_poisson(gen, rate)) for rate in values], np.float64), kind)


def _fraction(gen: Generator) -> float:
    high, low = gen.words(2).tolist()
    return float((high & 0x1FFFFF) << 32 | low) * 2.0**-53


def _poisson(gen: Generator, rate: float) -> int:
    """One count: products of uniform numbers for small rates, Hoermann's PTRS (1993) from 10 on."""
    if rate == 0.0:
        return 0
    if rate < 10.0:
        limit, product, count = math.exp(-rate), 1.0, 0
        while True:
            product *= _fraction(gen)
            if product <= limit:
                return count
            count += 1
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2.0)
    log_rate = math.log(rate)
    while True:
        u, v = _fraction(gen) - 0.5, _fraction(gen)
        us = 0.5 - abs(u)
        if us == 0.0:
            continue
        k = _floor((2.0 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= v_r:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        accepted = -rate + k * log_rate - math.lgamma(k + 1)
        if _log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b) <= accepted:
            return k


def _floor(x: float) -> int:
    """floor as a C conversion to 64 bits: -2**63 for what does not fit."""
    return math.floor(x) if abs(x) < 2.0**63 else -(2**63)


def _log(x: float) -> float:
    return math.log(x) if x else -math.inf


def binomial(gen: Generator, count: Array, prob: Array) -> Array:
    """A binomial count for every pair of elements (same floating dtype and shape), that dtype, flat in C order.

    Raises ValueError for an integer `count`, RuntimeError for two dtypes.
    """
    kind = dtype_of(count.dtype)
    if not kind.is_floating_point:
        raise TensorValueError(f"binomial only supports floating-point dtypes for count, got: {kind.kernel_name}", "binomial")
    if dtype_of(prob.dtype) is not kind:
        found = dtype_of(prob.dtype).kernel_name
        raise TensorError(f"Found dtype {found} but expected {kind.kernel_name}", "binomial")
    pairs = zip(count.reshape(-1).tolist(), prob.reshape(-1).tolist(), strict=True)
    round_ = numpy_dtype(kind).type
    return narrow(np.array([_binomial(gen, round_(c), round_(p)) for c, p in pairs], np.float64), kind)


def _binomial(gen: Generator, count: Any, prob: Any) -> float:
    """One count; `count` and `prob` are NumPy scalars, and what is made of them alone is rounded to their dtype."""
    if count <= 0 or prob <= 0:
        return 0.0
    if prob >= 1:
        return float(count)
    if prob <= 0.5:
        return _binomial_half(gen, count, prob)
    if prob > 0.5:
        return float(count) - _binomial_half(gen, count, type(prob)(1 - prob))
    return math.nan


def _binomial_half(gen: Generator, count: Any, prob: Any) -> float:
    """One count for prob <= 1/2: sums of geometric numbers, or Hoermann's BTRS (1993) from a mean of 10 on."""
    if count * prob >= 10:
        return _binomial_btrs(gen, count, prob)
    # correctly rounded; the C library's log1pf can be a bit off, which moves one sample in a million
    log_miss = float(type(prob)(math.log1p(-float(prob))))
    limit, total, successes = float(count), 0.0, 0.0
    while True:
        total += math.ceil(_log_or_lowest(_fraction(gen)) / log_miss)
        if total > limit:
            return successes
        successes += 1.0


def _log_or_lowest(x: float) -> float:
    """log, with a finite number far below all others for 0 (which ceil could not take as -inf)."""
    return math.log(x) if x else -1e300


def _binomial_btrs(gen: Generator, count: Any, prob: Any) -> float:
    deviation = float(np.sqrt(count * prob * (1 - prob)))
    odds = float(prob / (1 - prob))
    mode = math.floor((count + 1) * prob)
    centre = float(count * prob) + 0.5
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * float(prob)
    v_r = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * deviation
    n, above = float(count), float(count + 1)
    fixed = (mode + 0.5) * math.log((mode + 1) / (odds * (n - mode + 1)))
    while True:
        u, v = _fraction(gen) - 0.5, _fraction(gen)
        us = 0.5 - abs(u)
        if us == 0.0:
            continue
        k = float(math.floor((2 * a / us + b) * u + centre))
        if k < 0 or k > n:
            continue
        if us >= 0.07 and v <= v_r:
            return k
        bound = (
            fixed
            + above * math.log((n - mode + 1) / (n - k + 1))
            + (k + 0.5) * math.log(odds * (n - k + 1) / (k + 1))
            + _stirling_tail(mode)
            + _stirling_tail(n - mode)
            - _stirling_tail(k)
            - _stirling_tail(n - k)
        )
        if _log(v * alpha / (a / (us * us) + b)) <= bound:
            return k


_STIRLING_TAILS = (
    0.0810614667953272,
    0.0413406959554092,
    0.0276779256849983,
    0.02079067210376509,
    0.0166446911898211,
    0.0138761288230707,
    0.0118967099458917,
    0.0104112652619720,
    0.00925546218271273,
    0.00833056343336287,
)


def _stirling_tail(k: float) -> float:
    """What Stirling's formula leaves out of log(k!)."""
    if k <= 9:
        return _STIRLING_TAILS[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


_THIRD = float(np.float32(1) / np.float32(3))
_SQUEEZE = float(np.float32(0.0331))


def standard_gamma(gen: Generator, alphas: Array) -> Array:
    """A gamma number of scale 1 for every element of `alphas` (floating), same dtype, flat in C order.

    Marsaglia and Tsang (2000), with the serial normal numbers. Raises NotImplementedError for integer dtypes.
    """
    kind = dtype_of(alphas.dtype)
    if not kind.is_floating_point:
        raise TensorNotImplemented(f"\"gamma_cpu\" not implemented for '{kind.kernel_name}'", "_standard_gamma")
    values = narrow(np.array([_gamma(gen, alpha) for alpha in alphas.reshape(-1)], np.float64), kind)
    return np.maximum(values, values.dtype.type(_SMALLEST_NORMAL[kind]))


_SMALLEST_NORMAL = {float16: 2.0**-14, bfloat16: 2.0**-126, float32: 2.0**-126, float64: 2.0**-1022}


def _gamma(gen: Generator, alpha: Any) -> float:
    """One number; `alpha` is a NumPy scalar, and what is made of it alone is rounded to its dtype."""
    one = type(alpha)(1)
    scale = 1.0
    if alpha < 1:
        if alpha == 0:
            return 0.0
        scale = math.pow(1.0 - _fraction(gen), float(one / alpha))
        alpha = alpha + one
    d = float(alpha - type(alpha)(_THIRD))
    c = 1.0 / math.sqrt(9.0 * d) if d > 0 else math.nan
    while True:
        x = next_normal(gen)
        y = 1.0 + c * x
        if y <= 0:
            continue
        v = y * y * y
        u = 1.0 - _fraction(gen)
        square = x * x
        if u < 1.0 - _SQUEEZE * square * square or math.log(u) < 0.5 * square + d * (1.0 - v + math.log(v)):
            return scale * d * v
