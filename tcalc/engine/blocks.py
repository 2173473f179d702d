"""Large elementwise work in blocks that fit a core's cache, on several threads: NumPy lets go of Python's lock inside its loops.

Every element is computed by the same NumPy call as without blocks, so the results are the same bits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import cache
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

from .backend import all_within, ndarray, np
from .errors import TensorError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

LARGE = 1 << 18  # elements from which on formulas run in blocks
SHARED = 1 << 22  # elements from which on threads share them: waking one costs as much as a million additions (docs/performance.md)
BLOCK = 1 << 16  # elements of a block: the handful of arrays that a formula makes of it stay in the second-level cache
SAMPLE = 16  # elements that show what a formula gives: few, so that a gap left by a large array is not cut before the result takes it
GAP = 1 << 21  # bytes
_threads: list[int] = []  # how many threads work, once that was asked or set


def get_num_threads() -> int:
    """How many threads share the work on large tensors: OMP_NUM_THREADS, else one for each processor that this process may use.

    See: set_num_threads

    >>> get_num_threads() >= 1
    True
    """
    if not _threads:
        given = os.environ.get("OMP_NUM_THREADS", "")
        able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        _threads.append(min(int(given), _most()) if re.fullmatch("0*[1-9][0-9]{0,8}", given) else able)
    return _threads[0]


def _most() -> int:
    """As many threads as can be asked for."""
    return 4 * (os.cpu_count() or 1)


def set_num_threads(count: int) -> None:
    """Have so many threads share the work on large tensors. Results do not depend on it. The BLAS behind `@` has threads of its own.

    Raises RuntimeError unless `count` is positive.

    See: get_num_threads

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    if isinstance(count, bool) or not isinstance(count, int):
        raise TensorError(f"set_num_threads expects an int, but got {type(count).__name__}")
    if count <= 0:
        raise TensorError("set_num_threads expects a positive integer")
    _threads[:] = [min(count, _most())]


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that wait for work, beside the one that asks for it; those that are asked for as a rule are started at once."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(_most(), thread_name_prefix="tcalc")
    for started in [pool.submit(np.add, 0.0, 0.0) for _ in range(get_num_threads() - 1)]:
        started.result()
    return pool


_prepared: list[None] = []  # not empty once a large result was made


def _room(shape: Any, dtype: Any, size: int) -> Any:
    """An array for a large result.

    With the first one threads are started, and a gap is left for what else is kept from then on: that would lie in gaps that large arrays
    leave, and no array of the same size would fit in there.
    """
    gap = None
    if size >= SHARED and not _prepared:
        _prepared.append(None)
        if get_num_threads() > 1:
            _pool()
        gap = np.empty(GAP, "uint8")
    result = np.empty(shape, dtype)
    del gap  # it lies below the result now
    return result


_COMPUTES = frozenset(("BINARY_OP", "UNARY_NEGATIVE", "UNARY_INVERT", "COMPARE_OP", "CALL", "CALL_KW", "CALL_FUNCTION_EX"))


@cache
def worth_blocks(function: Any) -> bool:
    """Whether a formula or kernel makes arrays on its way that a cache could keep: blocks cost a copy of the result."""
    from dis import get_instructions

    return sum(step.opname in _COMPUTES for step in get_instructions(function)) > 2


def share(size: int, work: Callable[[int, int], None], count: int = 0) -> None:
    """Call `work(start, stop)` on parts of `range(size)`, each on a thread of its own; the last here. `count` is the number of parts where
    it does not follow from the size."""
    count = count or min(get_num_threads(), max(1, size // (SHARED // 2)))
    cuts = [size * i // count // 16 * 16 for i in range(count)] + [size]  # whole cache lines
    parts = [(start, stop) for start, stop in pairwise(cuts) if start < stop]
    if count == 1:
        work(0, size)
        return
    pool: Any = _pool()
    others = [pool.submit(copy_context().run, work, *part) for part in parts[:-1]]  # NumPy's error state goes along
    try:
        work(*parts[-1])
    finally:
        for other in others:
            other.result()


def threaded(ufunc: Any, dtype: Any) -> Callable[..., Any]:
    """A ufunc for large row-major arrays of one shape, and numbers beside them; `dtype` is that of the result."""
    count = ufunc.nin

    def run(*operands: Any) -> Any:
        shape = next(o.shape for o in operands if o.__class__ is ndarray)
        out = operands[count] if len(operands) > count else _room(shape, dtype, prod(shape))
        flat, target = [o.reshape(-1) if o.__class__ is ndarray and o.ndim else o for o in operands[:count]], out.reshape(-1)

        def work(start: int, stop: int) -> None:
            ufunc(*[o[start:stop] if o.__class__ is ndarray and o.ndim else o for o in flat], out=target[start:stop])

        share(out.size, work)
        return out

    return run


def kernel(function: Callable[[Any, Any], Any], dtype: Any) -> Callable[[Any], Any]:
    """A kernel of one operand, `function(xp, array)`, for large row-major arrays."""

    def run(array: Any) -> Any:
        out, flat = _room(array.size, dtype, array.size), array.reshape(-1)

        def work(start: int, stop: int) -> None:
            for at in range(start, stop, BLOCK):
                to = min(at + BLOCK, stop)
                out[at:to] = function(np, flat[at:to])

        share(array.size, work)
        return out.reshape(array.shape)

    return run


NARROW = range(2, 17)  # lengths of a last dim over which NumPy's inner loop costs more to start than to run
TILE = 192  # elements to which such rows are joined


def tiled(ufunc: Any, specs: Sequence[Any], result: Any) -> Callable[..., Any] | None:
    """A ufunc for many short rows beside one such row (a bias of 3 colours, of 10 classes): on several rows at once, the one row repeated.

    None for row-major operands of other shapes.
    """
    width = result.sizes[-1] if result.ndim else 0
    rows = result.numel // width if width in NARROW else 0
    places = [i for i, spec in enumerate(specs) if spec.sizes != result.sizes]
    if rows < 512 or len(specs) != 2 or len(places) != 1 or specs[places[0]].numel != width:
        return None
    joined = next((count for count in (64, 32, 16, 8, 4) if rows % count == 0 and count * width <= TILE), 0)
    if not joined:
        return None
    pattern, right, shape = np.arange(joined * width) % width, places == [1], result.sizes

    def run(left: Any, other: Any, out: Any = None) -> Any:
        many, one = (left, other) if right else (other, left)
        many, one = many.reshape(-1, joined * width), one.reshape(-1).take(pattern)
        into = None if out is None else out.reshape(-1, joined * width)
        found = ufunc(many, one, out=into) if right else ufunc(one, many, out=into)
        return found.reshape(shape) if out is None else out

    return run


def taken(array: Any, places: Any) -> Any:
    """`array[places]` for a row of elements. One access each, wherever it lies, is worth two threads sooner than arithmetic is.

    Raises NumPy's IndexError for a place outside the row.
    """
    count = min(get_num_threads(), places.size // (LARGE // 2)) if places.flags.c_contiguous else 1
    size = len(array)
    if count < 2 or not (all_within(places, size) or (places.min() >= -size and places.max() < size)):
        return np.take(array, places)
    out, flat = _room(places.size, array.dtype, places.size), places.reshape(-1)
    share(out.size, lambda start, stop: np.take(array, flat[start:stop], out=out[start:stop], mode="wrap"), count)
    return out.reshape(places.shape)


def folded(fold: Callable[[Any], Any], axes: Sequence[int], keepdim: bool, shape: Sequence[int]) -> Callable[[Any], Any]:
    """A reduction of large arrays along `axes`, shared by cutting the largest dim that is kept; as it is where none is worth it."""
    kept = [d for d in range(len(shape)) if d not in axes]
    along = max(kept, key=lambda d: shape[d], default=None)
    if along is None or shape[along] < 64:
        return fold
    place = along if keepdim else along - sum(d < along for d in axes)

    def run(array: Any) -> Any:
        found: dict[int, Any] = {}

        def work(start: int, stop: int) -> None:
            found[start] = fold(array[(slice(None),) * along + (slice(start, stop),)])

        count = min(get_num_threads(), array.size // (SHARED // 2))
        if count < 2:
            return fold(array)
        share(shape[along], work, count)
        return np.concatenate([found[at] for at in sorted(found)], axis=place)

    return run


def added(held: Any, more: Any) -> None:
    """`held += more`."""
    if held.size >= LARGE and held.__class__ is ndarray and held.shape == more.shape and held.flags.c_contiguous:
        flat, other = held.reshape(-1), _flat(more)
        if other is not None:
            share(held.size, lambda start, stop: np.add(flat[start:stop], other[start:stop], out=flat[start:stop]))
            return
    held += more


def _flat(array: Any) -> Any:
    """A row-major array, or one whose elements share a slot, as one dim; None for one that lies otherwise."""
    if array.flags.c_contiguous:
        return array.reshape(-1)
    if array.__class__ is ndarray and not any(array.strides):
        return np.broadcast_to(array[(0,) * array.ndim], (array.size,))
    return None


_spare: set[int] = set()  # ids of gradients that nobody looks at once they have been handed on


def sparing(apply: Callable[[Any, Any], Sequence[Any]], grad: Any, level: Any) -> tuple[Sequence[Any], bool]:
    """A node's gradients from its own, which they may take the memory of; and whether one of them did."""
    _spare.add(id(grad))
    try:
        return apply(grad, level), id(grad) not in _spare
    finally:
        _spare.discard(id(grad))


def blockwise(vjps: Callable[..., Sequence[Any]], worth: bool) -> Callable[..., Sequence[Any]]:
    """Compiled formulas of an elementwise op, on large arrays a block at a time: what a formula makes on its way never leaves the cache.

    Formulas of elementwise ops treat each element alone, so that a block's gradients are those of its elements, and that the last of them
    may be written over the incoming one where that is spare. Short formulas are `worth` blocks only then.
    """

    def run(grad: Any, saved: Any, params: Any, specs: Any, needs: Any, F: Any) -> Sequence[Any]:
        arrays = [grad, *saved]
        spare = id(grad) in _spare
        if not (worth or spare):
            return vjps(grad, saved, params, specs, needs, F)
        if grad.__class__ is not ndarray or grad.size < LARGE or not all([a.__class__ is ndarray and a.shape == grad.shape for a in saved]):
            return vjps(grad, saved, params, specs, needs, F)
        flat = [_flat(a) for a in arrays]
        if any([a is None for a in flat]):
            return vjps(grad, saved, params, specs, needs, F)

        def part(start: int, stop: int) -> tuple[list[Any], Sequence[Any]]:
            given = [a[start:stop] for a in flat]
            return given, vjps(given[0], given[1:], params, specs, needs, F)

        given, first = part(0, SAMPLE)
        results: list[Any] = [next((arrays[i] for i, block in enumerate(given) if found is block), None) for found in first]
        fresh = [i for i, found in enumerate(first) if found is not None and results[i] is None]
        if not all([first[i].__class__ is ndarray and first[i].shape == (SAMPLE,) for i in fresh]):
            return vjps(grad, saved, params, specs, needs, F)
        if spare and fresh and grad.flags.c_contiguous and first[fresh[-1]].dtype is grad.dtype and all([r is not grad for r in results]):
            results[fresh[-1]] = flat[0]
            _spare.discard(id(grad))
        for i in fresh:
            if results[i] is None:
                results[i] = _room(grad.size, first[i].dtype, grad.size)

        def work(start: int, stop: int) -> None:
            for at in range(start, stop, BLOCK):
                to = min(at + BLOCK, stop)
                found = part(at, to)[1]
                for i in fresh:
                    results[i][at:to] = found[i]

        if fresh:
            share(grad.size, work)
        return [grad if r is flat[0] else r.reshape(grad.shape) if i in fresh else r for i, r in enumerate(results)]

    return run
