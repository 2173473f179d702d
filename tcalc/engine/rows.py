"""Large work along the last dims of row-major arrays: sums by BLAS, and kernels on a few rows at a time, which stay in the cache.

What a row comes to depends neither on the rows beside it nor on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import isfinite, prod
from typing import Any

from . import blocks
from .backend import ndarray, np

LEAST = 1 << 14  # elements from which on rows are summed by products, and worked on in blocks
WIDTH = 1 << 10  # elements that one product adds up, 32 or more running sums at once; longer rows are cut into halves of that
NARROW = 1 << 5  # rows below this length cost a call of BLAS each
COPIED = range(1 << 9, 1 << 12)  # lengths at which NumPy copies rows that are broadcast or lie apart, at twice the time: see uncopied


def width_of(dims: tuple[int, ...], *arrays: Any) -> int:
    """The length of the rows that `dims` make of arrays of one shape: 0 unless these are large float arrays of NumPy's, row-major, and
    `dims` their last ones."""
    first = arrays[0]
    if first.__class__ is not ndarray or first.size < LEAST or first.dtype.char not in "fd":
        return 0
    start = first.ndim - len(dims)
    if not all([d % first.ndim >= start for d in dims]):
        return 0
    width = prod(first.shape[start:])
    alike = all([a.__class__ is ndarray and a.dtype is first.dtype and a.shape == first.shape and a.flags.c_contiguous for a in arrays])
    return width if alike and width >= NARROW else 0


_ONES = {d: np.ones(WIDTH, d) for d in "fd"}  # made now: later they would lie in a gap that a large array left, and cut it


def _cut(a: Any, whole: int) -> Any:
    """The first `whole` elements of each row in pieces."""
    return a[..., :whole].reshape(*a.shape[:-1], -1, WIDTH // 2)


def dots(a: Any, b: Any) -> Any:
    """The sum of products along the last dim, which is kept: (..., n), (..., n) or (n)  ->  (..., 1)."""
    n = a.shape[-1]
    if n <= WIDTH:
        return np.vecdot(a, b)[..., None]
    whole = n - n % (WIDTH // 2)
    found = np.add.reduce(np.vecdot(_cut(a, whole), _cut(b, whole)), -1, keepdims=True)
    return found if whole == n else found + np.vecdot(a[..., whole:], b[..., whole:])[..., None]


def sums(a: Any) -> Any:
    """The sum along the last dim, which is kept."""
    n, ones = a.shape[-1], _ONES[a.dtype.char]
    if n <= WIDTH:
        return np.vecdot(a, ones[:n])[..., None]
    whole = n - n % (WIDTH // 2)
    found = np.add.reduce(np.vecdot(_cut(a, whole), ones[: WIDTH // 2]), -1, keepdims=True)
    return found if whole == n else found + np.vecdot(a[..., whole:], ones[: n - whole])[..., None]


def added(array: Any, dim: tuple[int, ...] | None, keepdim: bool = False) -> Any:
    """`np.add.reduce` of an array of NumPy's along `dim`, or all of it: by products where these are the last dims and lie in one piece."""
    plain: Any = np.add.reduce
    dims = tuple(range(array.ndim)) if dim is None else dim
    first = array.ndim - len(dims)
    near = array.itemsize
    for d in range(array.ndim - 1, first - 1, -1):
        if d not in dims or (array.strides[d] != near and array.shape[d] > 1):
            return plain(array, dim, keepdims=keepdim)
        near *= array.shape[d]
    width = near // array.itemsize
    if width < NARROW or array.dtype.char not in "fd":
        return plain(array, dim, keepdims=keepdim)
    kept = array.shape[:first]
    found = sums(array if len(dims) == 1 else array.reshape(*kept, width))
    return found.reshape(kept + (1,) * len(dims) if keepdim else kept)[()]


STEP, PART = 16, 1 << 15  # elements whose running sums are one row of a product; those that lie in the cache at once
LONG = 1 << 12  # elements from which on their running sums are made by products


@cache
def _above() -> Any:
    """The matrix that turns a row into its running sums."""
    return np.triu(np.ones((STEP, STEP)))


def _running(numbers: Any, before: Any, out: Any) -> None:
    """The running sums of float64 numbers, a multiple of STEP, after `before`; the numbers are written over."""
    grid = numbers.reshape(-1, STEP)
    totals = grid @ _above()[:, -1]
    if len(totals) > STEP**2 and not len(totals) % STEP:
        ends = np.empty_like(totals)
        _running(totals, before, ends)
    else:
        totals[0] += before
        ends = np.add.accumulate(totals, out=totals)
    grid[0, 0] += before
    grid[1:, 0] += ends[:-1]
    np.matmul(grid, _above(), out=out.reshape(-1, STEP))


def running(row: Any) -> Any:
    """The running sums of a float32 row from 0 on, in float64 as PyTorch's are, and rounded; by products, as NumPy adds them one by one.

    Adding in another order shows in the last bit of a sum in a hundred million.
    """
    size = row.size
    out = np.empty(size, row.dtype)
    whole = size - size % STEP
    wide = np.empty(min(PART, whole))
    found = np.empty_like(wide)
    before: Any = 0.0
    for at in range(0, whole, PART):
        count = min(PART, whole - at)
        wide[:count] = row[at : at + count]
        _running(wide[:count], before, found[:count])
        if not isfinite(found[count - 1]):  # a product carries inf and nan to sums that come before them
            whole = at
            break
        before = found[count - 1]
        out[at : at + count] = found[:count]
    if whole < size:
        out[whole:] = np.add.accumulate(np.concatenate(([before], row[whole:])))[1:]
    return out


def uncopied(width: int, work: Callable[[], None]) -> None:
    """Run work on rows of that length with a small buffer where NumPy would else copy them out."""
    before = np.setbufsize(64) if width in COPIED else 0
    try:
        work()
    finally:
        if before:
            np.setbufsize(before)


def mapped(work: Callable[..., None], width: int, *arrays: Any, apart: bool = True) -> Any:
    """An array like the first, filled by `work(*rows of each array, rows of the result)`, a block of rows at a time: in order where the
    blocks do not stand `apart`."""
    result = np.empty(arrays[0].shape, arrays[0].dtype)
    *flat, out = [a.reshape(-1, width) for a in (*arrays, result)]
    step = max(blocks.BLOCK // width, 1)

    def part(start: int, stop: int) -> None:
        for at in range(start, stop, step):
            to = min(at + step, stop)
            work(*[a[at:to] for a in flat], out[at:to])

    if apart and result.size >= blocks.SHARED:
        count = min(blocks.get_num_threads(), result.size // (blocks.SHARED // 2))
        uncopied(width, lambda: blocks.share(len(out), part, count))
    else:
        uncopied(width, lambda: part(0, len(out)))
    return result
