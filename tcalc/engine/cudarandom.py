"""The samplers of GPUs, on Philox: the same functions as in `random`, drawing from a CudaGenerator onto the device of a tensor.

Every sampler returns a flat array of the device in fill order, and none waits for the device, except `multinomial`, which looks at its
weights as torch does. Uniform numbers, whole numbers and what is made of them follow the published sources of torch's CUDA kernels,
threads included, so that a seed gives torch's numbers on the same GPU, and on any GPU while a tensor has no more elements than it has
threads. Normal numbers agree to some 1e-6, since torch's kernels use faster, coarser sines. Not torch's numbers: `randperm` where two
of its keys are equal (in fewer than one case of ten), `multinomial` with replacement, `dropout`, `poisson` and `binomial`.
"""

from __future__ import annotations

import math
from functools import lru_cache, partial

from . import philox, rejection
from .backend import Array, device, dtype_of, gpu, np, numpy_dtype, simulated, xp_of
from .distributions import check_cauchy, check_exponential, check_geometric, check_log_normal, check_multinomial
from .dtypes import dtype, float64
from .errors import TensorError
from .generator import CudaGenerator
from .permutation import cast, check_randperm
from .random import (
    ONE_WORD_SPANS,
    check_full_range,
    check_normal,
    check_odds,
    check_uniform,
    integer_range,
    last_of,
    range_from,
)
from .registry import on_host

_STAND_IN = 132, 2048  # a stand-in for a GPU has no threads: it draws as a GPU of so many multiprocessors and threads on each


class Source:
    """Where numbers for a tensor come from: the generator, and the device they are for, which may be another GPU than the generator's."""

    __slots__ = ("gen", "where", "xp")

    def __init__(self, gen: CudaGenerator, where: device):
        self.gen, self.where, self.xp = gen, where, xp_of(where)

    def draw(self, n: int, convert: philox.Convert, per_call: int) -> Array:
        """n results of `convert`, in the order of torch's kernels; moves the generator on."""
        if not n:
            kind = np.float64 if per_call == 2 else np.float32
            return self.xp.empty(0, np.uint64 if convert in (philox.words32, philox.words64) else kind)
        threads = philox.threads_for(n, *_processors(self.where))
        offset = self.gen.advance(philox.offset_for(n, threads, per_call))
        return philox.spread(self.xp, self.gen.initial_seed(), offset, n, threads, convert, per_call)

    def uniform(self, n: int, wide: bool) -> Array:
        """n numbers in (0, 1]: float64 when `wide`, else float32."""
        return self.draw(n, philox.uniform64, 2) if wide else self.draw(n, philox.uniform32, 4)

    def normal(self, n: int, wide: bool) -> Array:
        """n normal numbers: float64 when `wide`, else float32."""
        return self.draw(n, philox.normal64, 2) if wide else self.draw(n, philox.normal32, 4)

    def words(self, n: int, wide: bool) -> Array:
        """n whole numbers (uint64) of 64 bits when `wide`, else of 32."""
        return self.draw(n, philox.words64, 2) if wide else self.draw(n, philox.words32, 4)


def _processors(where: device) -> tuple[int, int]:
    """(multiprocessors, threads on each) of a GPU."""
    return _STAND_IN if simulated() else _told(where)


@lru_cache(maxsize=64)
def _told(where: device) -> tuple[int, int]:
    properties = gpu().cuda.runtime.getDeviceProperties(where.index)
    return int(properties["multiProcessorCount"]), int(properties["maxThreadsPerMultiProcessor"])


def uniform(source: Source, n: int, dtype: dtype, low: float = 0.0, high: float = 1.0) -> Array:
    """n numbers in [low, high) of a floating dtype: `rand`, `Tensor.uniform_`.

    Raises RuntimeError for bounds in the wrong order or out of the dtype's range.
    """
    if dtype.is_complex:
        return uniform(source, 2 * n, dtype.to_real(), low, high).view(dtype.name)
    check_uniform(dtype, low, high)
    kind = numpy_dtype(dtype).type
    first, last, width = float(kind(low)), float(kind(high)), float(kind(high) - kind(low))
    values = source.uniform(n, dtype is float64)
    if low != 0.0 or high != 1.0:
        # in float64 the product is exact and the sum all but exact, so that one rounding is left, as in a fused multiply-add
        values = values.astype(np.float64) * width + first
    values = _narrow(values, dtype)
    return source.xp.where(values == last, first, values)


def normal(source: Source, n: int, dtype: dtype, mean: float = 0.0, std: float = 1.0, contiguous: bool = True) -> Array:
    """n normal numbers of a floating dtype: `randn`, `Tensor.normal_`; the same whether the output is `contiguous` or not.

    Raises RuntimeError for a negative std.
    """
    if dtype.is_complex:  # the variance is shared by the parts
        return normal(source, 2 * n, dtype.to_real(), mean, std / math.sqrt(2)).view(dtype.name)
    check_normal(n, dtype, std, "cuda")
    return _narrow(_scaled(source, n, dtype, mean, std), dtype)


def _scaled(source: Source, n: int, dtype: dtype, mean: float, std: float) -> Array:
    """n normal numbers of a mean and a deviation, in the precision that kernels compute in."""
    values = source.normal(n, dtype is float64)
    return values * values.dtype.type(std) + values.dtype.type(mean)


def _narrow(values: Array, dtype: dtype) -> Array:
    """float32 or float64 values as a dtype, the two-byte floats by way of float32."""
    if dtype.itemsize == 2:
        values = values.astype(np.float32)
    return values.astype(numpy_dtype(dtype), copy=False)


def randint(source: Source, n: int, low: int, high: int, dtype: dtype) -> Array:
    """n integers in [low, high), as any dtype: `randint`, `Tensor.random_(low, high)`.

    Raises RuntimeError for an empty range or bounds the dtype cannot hold, ValueError past 64 bits.
    """
    return _integers(source, n, *integer_range(low, high, dtype), dtype)


def random_(source: Source, n: int, dtype: dtype, low: int | None = None, high: int | None = None) -> Array:
    """n integers as `Tensor.random_` draws them; see `random.random_`.

    Raises as `randint`.
    """
    if high is not None:
        return randint(source, n, low or 0, high, dtype)
    if low is None:
        return cast(source.words(n, dtype.itemsize == 8) % np.uint64(last_of(dtype) + 1), dtype)
    if low == -(2**63):
        check_full_range(dtype, "cuda")
        return cast(source.words(n, True).view(np.int64), dtype)
    return _integers(source, n, *range_from(low, dtype), dtype)


def _integers(source: Source, n: int, low: int, span: int, dtype: dtype) -> Array:
    """n integers in [low, low + span)."""
    values = (source.words(n, span >= ONE_WORD_SPANS) % np.uint64(span)).view(np.int64)
    return cast(values + np.int64(low), dtype)


def randperm(source: Source, n: int, dtype: dtype) -> Array:
    """A permutation of 0..n-1: the order of random keys.

    torch sorts as many bits of the keys as leave all different nine times out of ten, and shuffles those that are equal; here the rest
    of their bits decides. Raises RuntimeError where the dtype cannot hold n - 1, NotImplementedError for bool.
    """
    check_randperm(n, dtype)
    if n < 2:
        return cast(source.xp.arange(n), dtype)
    bits = min(63, math.ceil(math.log2(n - (6.0 * n * n + 1) / (12 * math.log(0.9)))))
    keys = source.words(n, True) % np.uint64(2 ** (32 if bits <= 32 else 64) - 1)
    keys = keys << np.uint64(64 - bits) | keys >> np.uint64(bits)
    source.gen.advance(n)  # what torch's shuffle of equal keys may use
    return cast(source.xp.argsort(keys), dtype)


def bernoulli(source: Source, n: int, dtype: dtype, p: float) -> Array:
    """n zeros and ones, one with probability `p`, as any dtype: `Tensor.bernoulli_(p)`, the noise of dropout.

    Raises RuntimeError unless 0 <= p <= 1.
    """
    check_odds(p)
    values = source.uniform(n, dtype is float64)
    kept = values < values.dtype.type(p) if p < 1 else values > 0  # numbers in (0, 1]: torch's kernel drops a 1 even where p is 1
    return kept.astype(numpy_dtype(dtype))


def bernoulli_tensor(source: Source, p: Array, dtype: dtype) -> Array:
    """Zeros and ones of any dtype, a probability each: `p`, flat, in the fill order of the output.

    The odds are not looked at: that would wait for the GPU. Those below 0 give 0 and those above 1 give 1. Raises RuntimeError
    for integer probabilities.
    """
    if p.dtype.kind in "iub" and p.size:
        raise TensorError(f"expected probabilities tensor to have floating type, got {dtype_of(p.dtype).kernel_name}", "bernoulli")
    if not p.size:
        return source.xp.empty(0, numpy_dtype(dtype))
    offset = source.gen.advance(10)
    values = philox.in_fours(source.xp, source.gen.initial_seed(), offset, p.size, philox.uniform32)
    return (values <= p.astype(np.float64 if dtype is float64 else np.float32)).astype(numpy_dtype(dtype))


def exponential(source: Source, n: int, dtype: dtype, lambd: float = 1.0) -> Array:
    """n numbers of density lambd * exp(-lambd * x): `Tensor.exponential_`; never 0.

    Raises RuntimeError unless lambd > 0 and the dtype is floating.
    """
    check_exponential(dtype, lambd)
    values = source.uniform(n, dtype is float64)
    kind = values.dtype.type
    half_step = np.finfo(kind).eps / 2
    logs = source.xp.where(values >= kind(1) - half_step, -half_step, source.xp.log(values))
    return _narrow(logs * (kind(-1.0) / kind(lambd)), dtype)


def geometric(source: Source, n: int, dtype: dtype, p: float) -> Array:
    """n counts of trials up to the first success of probability `p`: `Tensor.geometric_`, any dtype but bool.

    Raises RuntimeError unless 0 < p < 1.
    """
    check_geometric(dtype, p, "cuda")
    values = source.uniform(n, dtype is float64)
    kind = values.dtype.type
    return _narrow(source.xp.ceil(source.xp.log(values) / np.log1p(-kind(p))), dtype)


def cauchy(source: Source, n: int, dtype: dtype, median: float = 0.0, sigma: float = 1.0) -> Array:
    """n numbers of the Cauchy distribution: `Tensor.cauchy_`.

    Raises RuntimeError unless sigma > 0 and the dtype is floating.
    """
    check_cauchy(dtype, sigma)
    values = source.uniform(n, dtype is float64)
    kind = values.dtype.type
    if dtype is not float64:  # the tangent must not be taken of its poles
        step = np.finfo(kind).eps
        values = source.xp.clip(values, step, kind(1) - step)
    return _narrow(source.xp.tan((values - kind(0.5)) * kind(np.pi)) * kind(sigma) + kind(median), dtype)


def log_normal(source: Source, n: int, dtype: dtype, mean: float = 1.0, std: float = 2.0) -> Array:
    """n numbers whose logarithm is normal: `Tensor.log_normal_`.

    Raises RuntimeError unless std > 0, NotImplementedError for integer dtypes.
    """
    check_log_normal(dtype, std, "cuda")
    return _narrow(source.xp.exp(_scaled(source, n, dtype, mean, std)), dtype)


def multinomial(source: Source, probs: Array, num_samples: int, replacement: bool = False) -> Array:
    """Indices drawn with the weights `probs` (1-D, or 2-D row by row), int64, `num_samples` a row.

    Waits for the GPU to look at the weights. Raises RuntimeError with torch's sentences for weights or counts that make no distribution.
    """
    xp, kind = source.xp, check_multinomial(probs, num_samples, replacement)
    wide = probs.astype(np.float64)
    if wide.size and not bool(((wide >= 0) & xp.isfinite(wide)).all()):
        raise TensorError("probability tensor contains either `inf`, `nan` or element < 0", "multinomial")
    if bool((wide.sum(-1) <= 0).any()):
        raise TensorError("invalid multinomial distribution (sum of probabilities <= 0)", "multinomial")
    if not replacement or num_samples == 1:
        wins = probs / exponential(source, probs.size, kind).reshape(probs.shape)
        if num_samples == 1:
            return xp.argmax(wins, -1)[..., None]
        return xp.argsort(-wins.astype(np.float64), -1)[..., :num_samples].copy()
    rows = wide.reshape(-1, wide.shape[-1])
    sums = xp.cumsum(rows, -1)
    sums = sums / sums[:, -1:]
    places = source.uniform(rows.shape[0] * num_samples, True).reshape(rows.shape[0], num_samples)
    found = [xp.searchsorted(sums[i], places[i]) for i in range(rows.shape[0])]
    result = xp.minimum(xp.stack(found) if found else xp.empty((0, num_samples), np.int64), probs.shape[-1] - 1)
    return result if probs.ndim == 2 else result[0]


def rrelu(source: Source, x: Array, lower: float, upper: float) -> Array:
    """Random slopes for the flat floating `x`, uniform where x <= 0 and else 1."""
    values = source.uniform(x.size, x.dtype == np.float64)
    return source.xp.where(x <= 0, values * (upper - lower) + lower, 1.0).astype(x.dtype)


# --- on the host --------------------------------------------------------------------------------------------------------


class _HostWords:
    """A CUDA generator's words on the host, drawn in blocks, for samplers that try again and again, one element after the other."""

    BLOCK = 4096

    def __init__(self, gen: CudaGenerator):
        self.gen = gen
        self.cached: float | None = None
        self._left = np.empty(0, np.uint64)

    def words(self, n: int) -> Array:
        """The next n words (uint64)."""
        while self._left.size < n:
            fresh = philox.spread(np, self.gen.initial_seed(), self.gen.advance(4), self.BLOCK, self.BLOCK // 4, philox.words32, 4)
            self._left = np.concatenate((self._left, fresh))
        drawn, self._left = self._left[:n], self._left[n:]
        return drawn


def poisson(source: Source, rates: Array) -> Array:
    """A Poisson count for every element of `rates`, same dtype, flat in C order; drawn on the host.

    Raises RuntimeError for a negative or nan rate, NotImplementedError for integer dtypes.
    """
    return on_host("poisson", partial(rejection.poisson, _HostWords(source.gen)), rates)  # type: ignore[arg-type]  # all it asks of a generator


def binomial(source: Source, count: Array, prob: Array) -> Array:
    """A binomial count for every pair of elements (same floating dtype and shape), that dtype, flat in C order; drawn on the host.

    Raises ValueError for an integer `count`, RuntimeError for two dtypes.
    """
    return on_host("binomial", partial(rejection.binomial, _HostWords(source.gen)), count, prob)  # type: ignore[arg-type]  # as above
