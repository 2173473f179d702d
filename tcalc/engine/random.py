"""torch's CPU samplers on NumPy, bit for bit: uniform, normal, integers, permutations, bernoulli; the rest re-exported.

Every sampler returns a flat array in fill order (`fill_order`, `put`). Source of the rules: torch 2.13 on x86-64 with
AVX2 or AVX512, compared with it in long runs of interleaved calls: values and generator state.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from .backend import CPU, Array, np, numpy_dtype
from .boxmuller import BLOCK, block32, block64, serial
from .distributions import cauchy, exponential, geometric, log_normal, multinomial, rrelu
from .dtypes import INT, bfloat16, bool_, dtype, float16, float32, float64, int64
from .errors import TensorError, TensorNotImplemented, TensorValueError
from .families.common import C_NAMES
from .fillorder import fill_order, put
from .generator import (
    CHUNK,
    CudaGenerator,
    DefaultGenerator,
    Generator,
    bits53,
    default_generator,
    default_of,
    fractions24,
    fractions53,
    in_chunks,
    random64,
    seed_gpus,
    source_for,
)
from .permutation import INT_MAX, cast, randperm
from .rejection import binomial, poisson, standard_gamma
from .rounding import fma32, fma64

__all__ = [
    "CudaGenerator",
    "DefaultGenerator",
    "Generator",
    "bernoulli",
    "bernoulli_tensor",
    "binomial",
    "cauchy",
    "default_generator",
    "default_of",
    "drawing",
    "exponential",
    "fill_order",
    "geometric",
    "log_normal",
    "multinomial",
    "normal",
    "poisson",
    "put",
    "randint",
    "random_",
    "randperm",
    "rrelu",
    "seed_gpus",
    "standard_gamma",
    "uniform",
]

THIS = sys.modules[__name__]
ONE_WORD_SPANS = 2**28  # torch draws spans below it from one word, others from two

_FLOAT_DIGITS = {float16: 11, bfloat16: 8, float32: 24, float64: 53}
_FLOAT_MAX = {
    float16: 65504.0,
    bfloat16: float.fromhex("0x1.fep127"),
    float32: float.fromhex("0x1.fffffep127"),
    float64: float.fromhex("0x1.fffffffffffffp1023"),
}


def drawing(given: Generator | None, where: Any) -> tuple[Any, Any]:
    """(the samplers for tensors of a device, what they draw from): this module and a generator, or `cudarandom` and a Source.

    Raises RuntimeError with torch's sentence for a generator of another kind of device.
    """
    if given is None and where is CPU:
        return THIS, default_generator
    gen = source_for(given, where)
    if where.type != "cuda":
        return THIS, gen
    from . import cudarandom  # only programs that draw on a GPU pay for it

    return cudarandom, cudarandom.Source(gen, where)  # type: ignore[arg-type]  # source_for gives what goes with the device


def uniform(gen: Generator, n: int, dtype: dtype, low: float = 0.0, high: float = 1.0) -> Array:
    """n numbers in [low, high) of a floating dtype: `rand`, `Tensor.uniform_`.

    Raises RuntimeError for bounds in the wrong order or out of the dtype's range.
    """
    if dtype.is_complex:
        return uniform(gen, 2 * n, dtype.to_real(), low, high).view(dtype.name)
    check_uniform(dtype, low, high)
    if dtype is float64:
        return in_chunks(n, np.float64, lambda m: _spread64(fractions53(gen, m), low, high))
    low32, high32 = float(np.float32(low)), float(np.float32(high))
    if dtype is float32:
        if low32 == 0.0 and high32 == 1.0 and n <= CHUNK:
            return fractions24(gen, n)
        return in_chunks(n, np.float32, lambda m: _spread32(fractions24(gen, m), low32, high32))
    kind = numpy_dtype(dtype)

    def draw(m: int) -> Array:
        values = _spread32(fractions24(gen, m), low32, high32).astype(kind)
        values[values == kind.type(high32)] = kind.type(low32)
        return values

    return in_chunks(n, kind, draw)


def _spread32(u: Array, low: float, high: float) -> Array:
    """float32 `u` in [0, 1) carried to [low, high): u * (high - low) + low, rounded once."""
    if low == 0.0 and high == 1.0:
        return u
    if low == -high:
        values = (u + u - np.float32(1)) * np.float32(high)  # 2u - 1 is exact, so this is the fused result
    else:
        values = fma32(u, float(np.float32(high) - np.float32(low)), low)
    values[values == np.float32(high)] = low
    return values


def _spread64(u: Array, low: float, high: float) -> Array:
    """`_spread32` for float64."""
    if low == 0.0 and high == 1.0:
        return u
    values = (u + u - 1.0) * high if low == -high else fma64(u, high - low, low)
    values[values == high] = low
    return values


def check_uniform(dtype: dtype, low: float, high: float) -> None:
    """Refuse bounds that no numbers of the dtype lie between.

    Raises RuntimeError, NotImplementedError for integer dtypes, with torch's sentences.
    """
    if not dtype.is_floating_point:
        raise TensorNotImplemented(f"\"check_uniform_bounds\" not implemented for '{dtype.kernel_name}'", "uniform_")
    limit = _FLOAT_MAX[dtype]
    for name, value in (("from", low), ("to", high)):
        if not -limit <= value <= limit:
            raise TensorError(f"{name} is out of bounds for {C_NAMES[dtype.name]}", "uniform_")
    if low > high:
        raise TensorError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}", "uniform_")
    if high - low > limit:
        raise TensorError(
            f"uniform_ expects to-from <= std::numeric_limits<{dtype.kernel_name}>::max(), but found to={high:g} and"
            f" from={low:g} which result in to-from to exceed the limit",
            "uniform_",
        )


def normal(gen: Generator, n: int, dtype: dtype, mean: float = 0.0, std: float = 1.0, contiguous: bool = True) -> Array:
    """n normal numbers of a floating dtype: `randn`, `Tensor.normal_`.

    From 16 elements on, torch fills a contiguous output (`contiguous`) by blocks and any other one by one; the
    numbers differ. Raises RuntimeError for a negative std.
    """
    if dtype.is_complex:  # the variance is shared by the parts
        return normal(gen, 2 * n, dtype.to_real(), mean, std / math.sqrt(2), contiguous).view(dtype.name)
    check_normal(n, dtype, std, "cpu")
    if n < BLOCK or not contiguous:
        values = fma64(serial(gen, n, dtype is float64), std, mean)
        return values if dtype is float64 else values.astype(np.float32).astype(numpy_dtype(dtype), copy=False)
    out = np.empty(n, numpy_dtype(dtype))
    start = 0
    while n - start >= 2 * CHUNK:
        out[start : start + CHUNK] = _normal_blocks(gen, CHUNK, dtype, mean, std)
        start += CHUNK
    out[start:] = _normal_blocks(gen, n - start, dtype, mean, std)
    return out


def check_normal(n: int, dtype: dtype, std: float, kind: str) -> None:
    """Refuse a negative deviation, and integer dtypes in the words of the kernel of that kind of device.

    Raises RuntimeError, NotImplementedError, with torch's sentences.
    """
    if not std >= 0.0:
        raise TensorError(f"normal expects std >= 0.0, but found std {std:g}", "normal_")
    if not dtype.is_floating_point and n:
        raise TensorNotImplemented(f"\"normal_kernel_{kind}\" not implemented for '{dtype.kernel_name}'", "normal_")


def _normal_blocks(gen: Generator, n: int, dtype: dtype, mean: float, std: float) -> Array:
    """n >= 16 numbers by blocks of 16; a rest makes the last 16 numbers a fresh block over the end of the others."""
    full = n - n % BLOCK
    draw, block = (fractions53, block64) if dtype is float64 else (fractions24, block32)
    # torch leaves the rest's uniform numbers undrawn only where it computes in another dtype than the output's
    u = draw(gen, full if dtype.itemsize == 2 else n)
    if full < n:
        u = np.concatenate((u[:full], draw(gen, BLOCK)))
    values = block(u)
    if full < n:
        values[n - BLOCK : n] = values[full:].copy()
        values = values[:n]
    return fma64(values, std, mean) if dtype is float64 else fma32(values, float(np.float32(std)), float(np.float32(mean)))


def randint(gen: Generator, n: int, low: int, high: int, dtype: dtype) -> Array:
    """n integers in [low, high), as any dtype: `randint`, `Tensor.random_(low, high)`.

    Raises RuntimeError for an empty range or bounds the dtype cannot hold, ValueError past 64 bits.
    """
    first, span = integer_range(low, high, dtype)
    return _integers(gen, n, first, span, dtype)


def integer_range(low: int, high: int, dtype: dtype) -> tuple[int, int]:
    """(first number, count of numbers) of [low, high) in a dtype.

    Raises as `randint`.
    """
    for bound in (low, high):
        if not -(2**63) <= bound < 2**63:
            raise TensorValueError("Overflow when unpacking long long", "random_")
    if low >= high:
        raise TensorError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}", "random_")
    if dtype.is_floating_point:
        low, high = _representable(low, high, dtype)
        if low >= high:
            raise TensorError(
                f"random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got from={low} >= to={high}",
                "random_",
            )
    _check_in_range("from", low, dtype)
    _check_in_range("to - 1", high - 1, dtype)
    return low, high - low


def random_(gen: Generator, n: int, dtype: dtype, low: int | None = None, high: int | None = None) -> Array:
    """n integers as `Tensor.random_` draws them.

    Without bounds from 0 to the largest integer the dtype can count to; with `low` alone from there to that integer;
    `low` -2**63 alone means all 64-bit integers. Raises as `randint`.
    """
    if high is not None:
        return randint(gen, n, low or 0, high, dtype)
    if low is None:
        # the count of values is torch's modulus; 64-bit types take two words whatever the modulus
        draw = random64 if dtype.itemsize == 8 else _words
        return in_chunks(n, numpy_dtype(dtype), lambda m: cast(draw(gen, m) % np.uint64(last_of(dtype) + 1), dtype))
    if low == -(2**63):
        check_full_range(dtype, "cpu")
        return in_chunks(n, numpy_dtype(dtype), lambda m: cast(random64(gen, m).view(np.int64), dtype))
    first, span = range_from(low, dtype)
    return _integers(gen, n, first, span, dtype)


def last_of(dtype: dtype) -> int:
    """The largest integer that a dtype can count to."""
    return 2 ** _FLOAT_DIGITS[dtype] if dtype.is_floating_point else INT_MAX[dtype]


def range_from(low: int, dtype: dtype) -> tuple[int, int]:
    """(first number, count of numbers) from `low` to the largest integer of a dtype.

    Raises as `randint`.
    """
    last = last_of(dtype)
    if dtype.is_floating_point:
        low = _representable(low, low + 1, dtype)[0]
        if low >= last:
            raise TensorError(
                "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but got"
                f" from={low} > to_inc={last}",
                "random_",
            )
    _check_in_range("from", low, dtype)
    return low, last - low + 1


def check_full_range(dtype: dtype, kind: str) -> None:
    """Refuse dtypes that torch does not fill with 64-bit numbers, in the words of the kernel of that kind of device.

    Raises RuntimeError or NotImplementedError.
    """
    kernel = f"random_full_64_bits_range_kernel_{kind}"
    if dtype is float16 or dtype is bool_:
        raise TensorNotImplemented(f"\"{kernel}\" not implemented for '{dtype.kernel_name}'", "random_")
    if dtype.category == INT and dtype is not int64:
        raise TensorError(f"{kernel} handles only int64, double, float and bfloat16", "random_")


def _words(gen: Generator, n: int) -> Array:
    return gen.words(n)


def _integers(gen: Generator, n: int, low: int, span: int, dtype: dtype) -> Array:
    """n integers in [low, low + span)."""
    draw = _words if span < ONE_WORD_SPANS else random64
    modulus, offset = np.uint64(span), np.int64(low)

    def chunk(m: int) -> Array:
        values = (draw(gen, m) % modulus).view(np.int64)
        values += offset
        return cast(values, dtype)

    return in_chunks(n, numpy_dtype(dtype), chunk)


def _check_in_range(name: str, value: int, dtype: dtype) -> None:
    if dtype.is_floating_point:
        inside = abs(value) <= _FLOAT_MAX[dtype]
    else:
        top = INT_MAX[dtype]
        inside = (-top - 1 if dtype.is_signed else 0) <= value <= top
    if not inside:
        raise TensorError(f"{name} is out of bounds for {C_NAMES[dtype.name]}", "random_")


def _representable(low: int, high: int, dtype: dtype) -> tuple[int, int]:
    """The bounds moved inward where `low` or `high - 1` would be rounded to a number outside the range."""
    digits = _FLOAT_DIGITS[dtype]
    if max(abs(low + 1), abs(high - 1)) > _FLOAT_MAX[dtype]:
        return low, high  # refused by the caller
    rounded = _rounded(low + 1, dtype)
    if rounded < low:
        low = rounded + (1 << abs(low + 1).bit_length() - digits)
    rounded = _rounded(high - 1, dtype)
    if rounded >= high:
        high = rounded - (1 << abs(high - 1).bit_length() - digits)
    return low, high


def _rounded(value: int, dtype: dtype) -> int:
    return int(float(cast(np.array([value]), dtype)[0]))


def bernoulli(gen: Generator, n: int, dtype: dtype, p: float) -> Array:
    """n zeros and ones, one with probability `p`, as any dtype: `Tensor.bernoulli_(p)`, the noise of dropout.

    Raises RuntimeError unless 0 <= p <= 1.
    """
    check_odds(p)
    threshold = math.ceil(p * 2.0**53)
    return in_chunks(n, numpy_dtype(dtype), lambda m: bits53(gen, m) < threshold)


def check_odds(p: float) -> None:
    """Refuse what is no probability.

    Raises RuntimeError with torch's sentence.
    """
    if not 0.0 <= p <= 1.0:
        raise TensorError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}", "bernoulli_")


def bernoulli_tensor(gen: Generator, p: Array, dtype: dtype) -> Array:
    """Zeros and ones of any dtype, a probability each: `p`, flat, in the fill order of the output.

    Raises RuntimeError unless all 0 <= p <= 1, NotImplementedError for integer probabilities.
    """
    if p.dtype.kind in "iub" and p.size:
        name = next(d.kernel_name for d in INT_MAX if numpy_dtype(d) == p.dtype)
        raise TensorNotImplemented(f"\"bernoulli_tensor_cpu_p_\" not implemented for '{name}'", "bernoulli")
    wide = p.dtype == np.float64
    p = p if wide else p.astype(np.float32, copy=False)
    if not ((p >= 0) & (p <= 1)).all():
        raise TensorError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If"
            " so, please report an enhancement request to PyTorch.)",
            "bernoulli",
        )
    draw = fractions53 if wide else fractions24
    return (in_chunks(p.size, p.dtype, lambda m: draw(gen, m)) < p).astype(numpy_dtype(dtype))
