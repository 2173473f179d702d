"""Normal numbers from uniform ones: torch's float32 kernel (Cephes polynomials, fused steps), its float64 one, the serial one."""

from __future__ import annotations

import math

from .backend import Array, np
from .generator import Generator, fractions53
from .rounding import libm, sampled

BLOCK = 16  # torch turns 16 uniform numbers into 16 normal ones: 8 radii, 8 angles
TWO_PI = 2.0 * math.pi


def _f32(*values: float) -> list[float]:
    return [float(v) for v in np.array(values, np.float32)]


# Cephes logf, sinf and cosf, as float32 constants
_LOG = _f32(
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
_SIN = _f32(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = _f32(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_LN2_LOW, _LN2_HIGH = _f32(-2.12194440e-4, 0.693359375)
_SQRT_HALF, _FOUR_OVER_PI, _TWO_PI_F32 = _f32(0.707106781186547524, 1.27323954473516, TWO_PI)
# pi / 4 in three parts; their sum times 0..8 is exact in float64
_MINUS_QUARTER_PI = sum(_f32(-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8))

# addends of the Horner steps log, cos and sin share: one row each
_SHARED = np.array([[_LOG[7], _COS[1], _SIN[1]], [_LOG[8], _COS[2], _SIN[2]]])[:, :, None]
_FIRST = np.array([_COS[0], _SIN[0]], np.float32)[:, None]


def block32(u: Array) -> Array:
    """Standard normal float32 numbers of the uniform float32 `u`, whose size is a multiple of 16."""
    # rows of 8 travel as one 32-byte item, three times as fast as slices of 8 floats
    pairs = u.view("V32").reshape(-1, 2)
    radius, cos, sin = polar32(np.ascontiguousarray(pairs[:, 0]).view(np.float32), np.ascontiguousarray(pairs[:, 1]).view(np.float32))
    cos *= radius
    sin *= radius
    out = np.empty(u.size, np.float32)
    halves = out.view("V32").reshape(-1, 2)
    halves[:, 0] = cos.view("V32")
    halves[:, 1] = sin.view("V32")
    return out


def polar32(u1: Array, u2: Array) -> tuple[Array, Array, Array]:
    """(sqrt(-2 log(1 - u1)), cos(2 pi u2), sin(2 pi u2)) in float32, every bit as torch's AVX2 kernel has it.

    Every product that feeds a sum is fused with it: computed in float64, where it is exact, and rounded once. The
    three polynomials run as the rows of one array.
    """
    m = u1.size
    # log: 1 - u = mantissa * 2**exponent, the mantissa in [sqrt(1/2), sqrt(2))
    mantissa, exponent = np.frexp(np.subtract(np.float32(1), u1))
    small = mantissa < np.float32(_SQRT_HALF)
    exponent = (exponent - small).astype(np.float64)
    mantissa += mantissa * small
    mantissa -= np.float32(1)
    # cos, sin: the angle minus the nearest even multiple of pi/4, and the octant it was in
    angle = u2 * np.float32(_TWO_PI_F32)
    octant = (angle * np.float32(_FOUR_OVER_PI)).astype(np.int32)
    octant += 1
    octant &= -2
    reduced = (octant * _MINUS_QUARTER_PI + angle).astype(np.float32)

    x = np.empty((3, m))
    x[0] = mantissa
    log_square = (mantissa * mantissa).astype(np.float64)
    x[1:] = reduced * reduced
    y = np.empty((3, m), np.float32)
    wide = np.empty((3, m))

    log_y, log_wide, log_x = y[0], wide[0], x[0]
    log_y.fill(_LOG[0])
    for coefficient in _LOG[1:7]:
        np.multiply(log_y, log_x, out=log_wide)
        np.add(log_wide, coefficient, out=log_y, casting="same_kind")
    y[1:] = _FIRST
    for addends in _SHARED:
        np.multiply(y, x, out=wide)
        np.add(wide, addends, out=y, casting="same_kind")
    np.multiply(y, x, out=y, casting="same_kind")

    # the last two steps: log y*z + e*q1, cos y*z - z/2, sin y*t + t; then log y - z/2, cos y + 1
    addend = np.empty((3, m))
    addend[0] = (exponent * _LN2_LOW).astype(np.float32)
    addend[1] = x[1] * -0.5
    addend[2] = reduced
    x[0] = log_square
    x[2] = reduced
    np.multiply(y, x, out=wide)
    np.add(wide, addend, out=y, casting="same_kind")
    log_y -= (log_square * 0.5).astype(np.float32)
    log_y += mantissa
    np.multiply(exponent, _LN2_HIGH, out=log_wide)
    np.add(log_wide, log_y, out=log_y, casting="same_kind")
    y[1] += np.float32(1)

    radius = np.sqrt(log_y * np.float32(-2))
    return (radius, *_into_octant(y[1], y[2], octant))


def _into_octant(cos: Array, sin: Array, octant: Array) -> tuple[Array, Array]:
    """Swap cos and sin and set their signs for the octant (an even number 0..8) the angle was in."""
    cos_bits, sin_bits = cos.view(np.int32), sin.view(np.int32)
    swap = cos_bits ^ sin_bits
    swap &= -((octant >> 1) & 1)  # XOR with all or no bits: a masked copy is slower on random masks
    cos_bits ^= swap
    cos_bits ^= (octant + 2 & 4) << 29
    sin_bits ^= swap
    sin_bits ^= (octant & 4) << 29
    return cos, sin


def block64(u: Array) -> Array:
    """Standard normal float64 numbers of the uniform float64 `u`, whose size is a multiple of 16."""
    pairs = u.reshape(-1, 2, BLOCK // 2)
    radius = np.sqrt(libm("log")(1.0 - pairs[:, 0].reshape(-1)) * -2.0)
    angle = pairs[:, 1].reshape(-1) * TWO_PI
    out = np.empty_like(pairs)
    out[:, 0] = (radius * libm("cos")(angle)).reshape(-1, BLOCK // 2)
    out[:, 1] = (radius * libm("sin")(angle)).reshape(-1, BLOCK // 2)
    return out.reshape(-1)


def serial(gen: Generator, n: int, exact: bool) -> Array:
    """n standard normal float64 numbers drawn pair by pair: the generator's cached one first, an odd one out cached.

    `exact` asks for every bit of the float64 numbers; without it they are right once rounded to float32.
    """
    if n <= 32:
        return np.array([next_normal(gen) for _ in range(n)], np.float64)
    out = np.empty(n)
    start = 0
    if gen.cached is not None:
        out[0], gen.cached, start = gen.cached, None, 1
    u = fractions53(gen, (n - start + 1) // 2 * 2)
    radius = np.sqrt(sampled("log1p", n, exact)(-u[1::2]) * -2.0)
    angle = u[::2] * TWO_PI
    sines = radius * sampled("sin", n, exact)(angle)
    out[start::2] = radius * sampled("cos", n, exact)(angle)
    second = out[start + 1 :: 2]
    second[...] = sines[: second.size]
    if second.size < sines.size:
        gen.cached = _pair(*u[-2:].tolist())[1]  # every bit: a float64 call may take it
    return out


def next_normal(gen: Generator) -> float:
    """One standard normal number, from the cache or from a new pair."""
    if gen.cached is not None:
        result, gen.cached = gen.cached, None
        return result
    a, b, c, d = gen.words(4).tolist()
    u1 = ((a & 0x1FFFFF) << 32 | b) * 2.0**-53
    u2 = ((c & 0x1FFFFF) << 32 | d) * 2.0**-53
    result, gen.cached = _pair(u1, u2)
    return result


def _pair(u1: float, u2: float) -> tuple[float, float]:
    radius = math.sqrt(-2.0 * math.log1p(-u2))
    angle = TWO_PI * u1
    return radius * math.cos(angle), radius * math.sin(angle)
