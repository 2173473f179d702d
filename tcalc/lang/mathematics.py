"""The `math` namespace: Python's functions, with those that can build huge integers bounded."""

from __future__ import annotations

import math
from typing import Any

from tcalc.lang.bounded import check_bits, mul, spread
from tcalc.lang.errors import limit

_MAX_FACTORIAL = 50_000


def factorial(n: Any) -> int:
    """`math.factorial(n)`."""
    if type(n) is int and n > _MAX_FACTORIAL:
        raise limit(f"factorial of {n}; at most {_MAX_FACTORIAL}")
    return math.factorial(n)


def comb(n: Any, k: Any) -> int:
    """`math.comb(n, k)`."""
    _check_choice(n, min(k, n - k) if type(n) is int and type(k) is int else 0)
    return math.comb(n, k)


def perm(n: Any, k: Any = None) -> int:
    """`math.perm(n, k)`."""
    if k is None:
        return factorial(n)
    _check_choice(n, k)
    return math.perm(n, k)


def _check_choice(n: Any, k: Any) -> None:
    if type(n) is int and type(k) is int and k > 0:
        check_bits(n.bit_length() * k)


def prod(values: Any, *, start: Any = 1) -> Any:
    """`math.prod(values)`."""
    for each in spread(values):
        start = mul(start, each)
    return start


def lcm(*values: Any) -> int:
    """`math.lcm(...)`."""
    check_bits(sum(each.bit_length() for each in values if type(each) is int))
    return math.lcm(*values)


_NAMES = (
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh degrees dist e erf erfc exp exp2 expm1 fabs "
    "floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt ldexp lgamma log log10 log1p log2 "
    "modf nan nextafter pi pow radians remainder sin sinh sqrt tan tanh tau trunc ulp"
)
TABLE: dict[str, Any] = {
    **{name: getattr(math, name) for name in _NAMES.split() if hasattr(math, name)},
    **{each.__name__: each for each in (factorial, comb, perm, prod, lcm)},
}
