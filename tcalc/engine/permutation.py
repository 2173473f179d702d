"""Random permutations: torch's shuffle, step by step or vectorised."""

from __future__ import annotations

from .backend import Array, np, numpy_dtype
from .dtypes import bfloat16, bool_, dtype, float16, float32, int8, int16, int32, int64, uint8
from .errors import TensorError, TensorNotImplemented
from .generator import CHUNK, Generator, random64

_TWO_WORD_PERMUTATIONS = (2**32 - 1) // 20
_PYTHON_PERMUTATIONS = 600  # below it a Python loop beats the vectorised shuffle
INT_MAX = {bool_: 1, uint8: 2**8 - 1, int8: 2**7 - 1, int16: 2**15 - 1, int32: 2**31 - 1, int64: 2**63 - 1}


def randperm(gen: Generator, n: int, dtype: dtype) -> Array:
    """A permutation of 0..n-1 (Fisher and Yates).

    Raises RuntimeError where the dtype cannot hold n - 1, NotImplementedError for bool.
    """
    check_randperm(n, dtype)
    if n >= _TWO_WORD_PERMUTATIONS:
        order = _shuffled_inside_out(gen, n)
    elif n < 2:
        order = np.arange(n)
    else:
        words = gen.words(n - 1)
        words %= np.arange(n, 1, -1, dtype=np.uint64)
        steps = words.view(np.int64)
        order = _shuffled(steps) if n >= _PYTHON_PERMUTATIONS else _shuffled_list(steps.tolist())
    return cast(order, dtype)


def check_randperm(n: int, dtype: dtype) -> None:
    if n < 0:
        raise TensorError(f"Trying to create tensor with negative dimension {n}: [{n}]", "randperm")
    if dtype is bool_:
        raise TensorNotImplemented("\"randperm\" not implemented for 'Bool'", "randperm")
    if dtype.is_floating_point:
        limits = {float16: (2049, "2049"), float32: (2**24 + 1, "2^24+1")}
        limit, text = limits.get(dtype, (n, ""))
        if n > limit:
            raise TensorError(f"n cannot be greater than {text} for {dtype.kernel_name} type.", "randperm")
    elif n > INT_MAX[dtype] + 1:
        raise TensorError(f"value cannot be converted to type {dtype.name}_t without overflow", "randperm")


def _shuffled_list(steps: list[int]) -> Array:
    """0..n-1 after swapping, for i = 0..n-2, the places i and i + steps[i]."""
    order = list(range(len(steps) + 1))
    for i, step in enumerate(steps):
        order[i], order[i + step] = order[i + step], order[i]
    return np.array(order, np.int64)


def _shuffled(steps: Array) -> Array:
    """`_shuffled_list` without the loop.

    Step i takes what lies at its target j and leaves there what lay at i. So the result at i is what the last
    earlier step k with the same target left, or j itself; and what lay at i before step i is what the last earlier
    step with target i left, or i itself. The second rule is followed back along its (short) chains.
    """
    n = steps.size + 1
    ids = np.arange(n - 1)
    keys = (ids + steps) << 32
    keys |= ids
    keys.sort()  # by target, then by time
    target, step = keys >> 32, keys & 0xFFFFFFFF
    same = target[1:] == target[:-1]
    repeated = np.flatnonzero(same)
    later, before = step[repeated + 1], step[repeated]
    earlier = np.full(n, -1)  # the last step before i with the target of step i
    earlier[later] = before
    left_by = np.full(n, -1)  # the last step before i with target i
    ends = np.flatnonzero(np.append(~same, True))
    left_by[target[ends]] = step[ends]
    own = np.flatnonzero(left_by == np.arange(n))  # a step onto itself: the one before it counts
    left_by[own] = earlier[own]
    source = np.arange(n)  # what lay at i before step i
    open_ = np.flatnonzero(left_by >= 0)
    at = left_by[open_]
    while open_.size:
        source[open_] = at
        further = left_by[at]
        more = np.flatnonzero(further >= 0)
        open_, at = open_[more], further[more]
    result = np.empty(n, np.int64)
    result[: n - 1] = ids + steps
    result[later] = source[before]
    result[n - 1] = source[n - 1]
    return result


def _shuffled_inside_out(gen: Generator, n: int) -> Array:
    """The permutation torch makes past 2**32 / 20 elements, where one word is too coarse."""
    order = np.arange(n)
    for start in range(0, n, CHUNK):
        counts = np.arange(start + 1, min(start + CHUNK, n) + 1, dtype=np.uint64)
        for i, z in enumerate((random64(gen, counts.size) % counts).tolist(), start):
            order[i] = order[z]
            order[z] = i
    return order


def cast(values: Array, dtype: dtype) -> Array:
    """64-bit integers as `dtype`, the two-byte floats by way of float32."""
    if dtype is float16 or dtype is bfloat16:
        values = values.astype(np.float32)
    return values.astype(numpy_dtype(dtype), copy=False)
