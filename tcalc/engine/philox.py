"""Philox 4x32-10, a random number for every counter, and the layout in which torch's CUDA kernels spend the counters.

Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), and what torch publishes of its kernels
(ATen/native/cuda/DistributionTemplates.h): the seed is the key, the low half of the counter is a quarter of the generator's offset,
the high half the number of the thread. A kernel of T threads gives its n elements to the threads in turn, `per_call` results of one
counter a thread: the elements t, t + T, t + 2T, ... are the thread's. T follows from n and from the GPU (`threads_for`), so that
large tensors differ from GPU to GPU, in torch as here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from .backend import Array, module_of, np

BLOCK = 256  # threads in a block of torch's kernels
_CHUNK = 1 << 22  # counters worked out at once: the temporaries are 32 MB each
_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10

Words = tuple[Array, Array, Array, Array]
Convert = Callable[[Words], Iterator[Array]]


def philox4x32(counter: Words, key: int) -> Words:
    """The four 32-bit words of each counter under a 64-bit key, in uint64 arrays.

    The counter's words, lowest first, are uint64 arrays of values below 2**32 of any array library, which broadcast.
    """
    x, y, z, w = counter
    first, second = key & 0xFFFFFFFF, key >> 32 & 0xFFFFFFFF
    for _ in range(_ROUNDS):
        a, b = x * _MULTIPLIERS[0], z * _MULTIPLIERS[1]  # below 2**64: both factors are below 2**32
        x, y, z, w = b >> _SHIFT ^ y ^ np.uint64(first), b & _MASK, a >> _SHIFT ^ w ^ np.uint64(second), a & _MASK
        first, second = first + _WEYL[0] & 0xFFFFFFFF, second + _WEYL[1] & 0xFFFFFFFF
    return x, y, z, w


def threads_for(n: int, processors: int, threads_each: int) -> int:
    """Threads that torch starts for n elements on a GPU of so many multiprocessors of so many threads."""
    return BLOCK * min(processors * (threads_each // BLOCK), -(-n // BLOCK))


def offset_for(n: int, threads: int, per_call: int) -> int:
    """How far the generator's offset moves when n > 0 elements are drawn: four for every counter of a thread."""
    return 4 * -(-n // (threads * per_call))


def spread(xp: Any, seed: int, offset: int, n: int, threads: int, convert: Convert, per_call: int) -> Array:
    """n results in torch's order; `convert` yields the `per_call` results of each counter's words."""
    steps = -(-n // (threads * per_call))
    lanes = per_call if steps > 1 else -(-n // threads)
    at_once = max(1, _CHUNK // threads)
    numbers = xp.arange(threads, dtype=np.uint64)
    nothing = xp.zeros((), np.uint64)
    parts = []
    for first in range(0, steps, at_once):
        rows = xp.arange(min(at_once, steps - first), dtype=np.uint64)[:, None] + np.uint64(offset // 4 + first)
        words = philox4x32((rows & _MASK, rows >> _SHIFT, numbers, nothing), seed)
        parts.append(xp.stack(list(islice(convert(words), lanes)), 1).reshape(-1))
    return (parts[0] if len(parts) == 1 else xp.concatenate(parts))[:n]


def in_fours(xp: Any, seed: int, offset: int, n: int, convert: Convert) -> Array:
    """n results, the four of a counter side by side: the layout of torch's `bernoulli` with a probability each."""
    numbers = xp.arange(-(-n // 4), dtype=np.uint64)
    start = offset // 4
    low, high = (xp.full((1,), part, np.uint64) for part in (start & 0xFFFFFFFF, start >> 32))
    words = philox4x32((low, high, numbers, xp.zeros((), np.uint64)), seed)
    return xp.stack(list(convert(words)), 1).reshape(-1)[:n]


# --- what is made of the four words -------------------------------------------------------------------------------------


def words32(words: Words) -> Iterator[Array]:
    """Four 32-bit numbers (uint64)."""
    yield from words


def words64(words: Words) -> Iterator[Array]:
    """Two 64-bit numbers (uint64), the first word the high half."""
    for high, low in (words[:2], words[2:]):
        yield high << _SHIFT | low


def uniform32(words: Words) -> Iterator[Array]:
    """Four float32 numbers in (0, 1]: the middle of one of 2**32 steps, rounded."""
    for word in words:
        yield word.astype(np.float32) * np.float32(2.0**-32) + np.float32(2.0**-33)


def uniform64(words: Words) -> Iterator[Array]:
    """Two float64 numbers in (0, 1], of 53 bits each."""
    for low, high in (words[:2], words[2:]):
        yield _fraction53(low, high)


def normal32(words: Words) -> Iterator[Array]:
    """Four float32 normal numbers: sine and cosine of Box and Muller's pair, twice."""
    step = np.float32(2.0**-32 * 2.0 * np.pi)
    for first, second in (words[:2], words[2:]):
        xp = module_of(first)
        u = first.astype(np.float32) * np.float32(2.0**-32) + np.float32(2.0**-33)
        angle = second.astype(np.float32) * step + np.float32(step / 2)
        radius = xp.sqrt(xp.log(u) * np.float32(-2.0))
        yield xp.sin(angle) * radius
        yield xp.cos(angle) * radius


def normal64(words: Words) -> Iterator[Array]:
    """Two float64 normal numbers, of one pair."""
    xp = module_of(words[2])
    radius = xp.sqrt(xp.log(_fraction53(words[0], words[1])) * -2.0)
    angle = _fraction53(words[2], words[3]) * (2.0 * np.pi)
    yield xp.sin(angle) * radius
    yield xp.cos(angle) * radius


def _fraction53(low: Array, high: Array) -> Array:
    return (low ^ high << np.uint64(21)).astype(np.float64) * 2.0**-53 + 2.0**-54
