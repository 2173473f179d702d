"""The rarer samplers of torch's CPU generator: transformed uniforms, multinomial, and the rejection samplers."""

from __future__ import annotations

import math

from .backend import Array, dtype_of, np, numpy_dtype
from .boxmuller import serial
from .dtypes import bfloat16, bool_, dtype, float16, float64
from .errors import TensorError, TensorNotImplemented
from .families.common import C_NAMES
from .fillorder import put
from .generator import Generator, fractions53, in_chunks
from .rounding import fma64, sampled


def exponential(gen: Generator, n: int, dtype: dtype, lambd: float = 1.0) -> Array:
    """n numbers of density lambd * exp(-lambd * x): `Tensor.exponential_`.

    Raises RuntimeError unless lambd > 0 and the dtype is floating.
    """
    check_exponential(dtype, lambd)
    log1p = sampled("log1p", n, dtype is float64)
    scale = -1.0 / lambd
    return in_chunks(n, numpy_dtype(dtype), lambda m: narrow(log1p(-fractions53(gen, m)) * scale, dtype))


def check_exponential(dtype: dtype, lambd: float) -> None:
    """Refuse what `exponential` refuses."""
    if not lambd > 0.0:
        raise TensorError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}", "exponential_")
    if not dtype.is_floating_point:
        _refuse_integers("Exponential", dtype.kernel_name)


def geometric(gen: Generator, n: int, dtype: dtype, p: float) -> Array:
    """n counts of trials up to the first success of probability `p`: `Tensor.geometric_`, any dtype but bool.

    Raises RuntimeError unless 0 < p < 1.
    """
    check_geometric(dtype, p, "cpu")
    log = sampled("log", n, dtype is float64)
    scale = math.log1p(-p)
    return in_chunks(n, numpy_dtype(dtype), lambda m: narrow(np.ceil(log(fractions53(gen, m)) / scale), dtype))


def check_geometric(dtype: dtype, p: float, kind: str) -> None:
    """Refuse what `geometric` refuses, in the words of the kernel of that kind of device."""
    if not 0.0 < p < 1.0:
        raise TensorError(f"geometric_ expects p to be in (0, 1), but got p={p:g}", "geometric_")
    if dtype is bool_:
        raise TensorNotImplemented(f"\"geometric_{kind}\" not implemented for 'Bool'", "geometric_")


def cauchy(gen: Generator, n: int, dtype: dtype, median: float = 0.0, sigma: float = 1.0) -> Array:
    """n numbers of the Cauchy distribution: `Tensor.cauchy_`.

    Raises RuntimeError unless sigma > 0 and the dtype is floating.
    """
    check_cauchy(dtype, sigma)
    tan = sampled("tan", n, dtype is float64)

    def draw(m: int) -> Array:
        return narrow(fma64(tan((fractions53(gen, m) - 0.5) * math.pi), sigma, median), dtype)

    return in_chunks(n, numpy_dtype(dtype), draw)


def check_cauchy(dtype: dtype, sigma: float) -> None:
    """Refuse what `cauchy` refuses."""
    if not sigma > 0.0:
        raise TensorError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}", "cauchy_")
    if not dtype.is_floating_point:
        _refuse_integers("Cauchy", C_NAMES[dtype.name])


def log_normal(gen: Generator, n: int, dtype: dtype, mean: float = 1.0, std: float = 2.0) -> Array:
    """n numbers whose logarithm is normal: `Tensor.log_normal_`, always drawn one by one.

    Raises RuntimeError unless std > 0, NotImplementedError for integer dtypes.
    """
    check_log_normal(dtype, std, "cpu")
    exact = dtype is float64
    exp = sampled("exp", n, exact)
    return narrow(exp(fma64(serial(gen, n, exact), std, mean)), dtype)


def check_log_normal(dtype: dtype, std: float, kind: str) -> None:
    """Refuse what `log_normal` refuses, in the words of the kernel of that kind of device."""
    if not std > 0.0:
        raise TensorError(f"log_normal_ expects std > 0.0, but found std={std:g}", "log_normal_")
    if not dtype.is_floating_point:
        raise TensorNotImplemented(f"\"log_normal_{kind}\" not implemented for '{dtype.kernel_name}'", "log_normal_")


def narrow(values: Array, dtype: dtype) -> Array:
    """float64 values as `dtype`, the two-byte floats by way of float32."""
    if dtype is float16 or dtype is bfloat16:
        values = values.astype(np.float32)
    return values.astype(numpy_dtype(dtype), copy=False)


def _refuse_integers(family: str, name: str) -> None:
    raise TensorError(
        f"{family} distribution is a continuous probability distribution. dtype must be a floating point but you specified {name}",
        family.lower() + "_",
    )


def multinomial(gen: Generator, probs: Array, num_samples: int, replacement: bool = False) -> Array:
    """Indices drawn with the weights `probs` (1-D, or 2-D row by row; any strides), int64, `num_samples` a row.

    Without replacement, indices whose quotients of weight and random number are exactly equal come in index order;
    torch's order of such ties (about one pair in 100 calls that draw 1000 of 1000) is that of its sorting library.
    Raises RuntimeError with torch's sentences for weights or counts that make no distribution.
    """
    kind = check_multinomial(probs, num_samples, replacement)
    if replacement and num_samples > 1:
        return _with_replacement(gen, probs, num_samples)
    low_high = probs.astype(np.float64)
    if low_high.size and not (low_high.min() >= 0 and low_high.max() < np.inf):
        raise TensorError("probability tensor contains either `inf`, `nan` or element < 0", "multinomial")
    if (low_high.sum(-1) == 0).any():
        raise TensorError("invalid multinomial distribution (sum of probabilities <= 0)", "multinomial")
    races = np.empty_like(probs)
    put(exponential(gen, probs.size, kind), races)
    wins = probs / races
    if num_samples == 1:
        return np.argmax(wins, -1, keepdims=True)
    # nan (0 / 0) never occurs: a race of length 0 would need a uniform number of exactly 0 and a weight of 0
    return np.argsort(-wins.astype(np.float64), -1, kind="stable")[..., :num_samples].copy()


def check_multinomial(probs: Array, num_samples: int, replacement: bool) -> dtype:
    """The dtype of weights that can be drawn from.

    Raises RuntimeError with torch's sentences.
    """
    kind = dtype_of(probs.dtype)
    problem = None
    if probs.ndim not in (1, 2):
        problem = "prob_dist must be 1 or 2 dim"
    elif not kind.is_floating_point:
        problem = f"multinomial only supports floating-point dtypes for input, got: {kind.kernel_name}"
    elif num_samples <= 0:
        problem = "cannot sample n_sample <= 0 samples"
    elif not replacement and num_samples > probs.shape[-1]:
        problem = "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
    elif probs.shape[-1] > 2**24:
        problem = "number of categories cannot exceed 2^24"
    elif probs.size == 0 and num_samples == 1:
        problem = "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        if probs.shape[0] == 0 and probs.ndim == 2:
            problem = None
    if problem:
        raise TensorError(problem, "multinomial")
    return kind


def _with_replacement(gen: Generator, probs: Array, num_samples: int) -> Array:
    rows = np.atleast_2d(probs)
    if rows.dtype != np.float64:
        rows = rows.astype(np.float32)
    problem = None
    if (rows < 0).any():
        problem = "encountering probability entry < 0"
    elif not np.isfinite(rows).all():
        problem = "encountering probability entry = infinity or NaN"
    sums = np.add.accumulate(rows, -1)  # strictly from left to right, in the weights' precision
    if problem is None and rows.shape[0] and (rows.shape[1] == 0 or not (sums[:, -1] > 0).all()):
        problem = "sum of probabilities <= 0"
    if problem:
        raise TensorError(f"invalid multinomial distribution ({problem})", "multinomial")
    if rows.shape[0]:
        sums /= sums[:, -1:].copy()
        sums[:, -1] = 1
    result = np.empty((rows.shape[0], num_samples), np.int64)
    for i in range(rows.shape[0]):
        result[i] = np.searchsorted(sums[i].astype(np.float64), fractions53(gen, num_samples))
    return result if probs.ndim == 2 else result[0]


def rrelu(gen: Generator, x: Array, lower: float, upper: float) -> Array:
    """The slopes of `rrelu` in training for the flat floating `x`: random where x <= 0, else 1.

    Raises RuntimeError for bounds in the wrong order, NotImplementedError for integer dtypes.
    """
    if lower > upper:
        raise TensorError("Lower bound should be less than or equal to the upper bound", "rrelu")
    kind = dtype_of(x.dtype)
    if not kind.is_floating_point:
        message = f"\"rrelu_with_noise_out_cpu\" not implemented for '{kind.kernel_name}'"
        raise TensorNotImplemented(message, "rrelu")
    low, high = (float(x.dtype.type(bound)) for bound in (lower, upper))
    noise = np.ones_like(x)
    negative = x <= 0
    noise[negative] = narrow(fractions53(gen, int(negative.sum())) * (high - low) + low, kind)
    return noise
