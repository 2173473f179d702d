"""Values combined at places that may be named several times: numpy's `ufunc.at`, and what CuPy's atomic operations can do of it."""

from __future__ import annotations

from typing import Any

from .backend import ndarray, np
from .registry import on_host

_ATOMIC = frozenset("int32 uint32 uint64 float32 float64".split())  # what CuPy adds, and takes the larger or smaller of
_SIGN = 1 << 63


def add_at(xp: Any, target: Any, places: Any, values: Any) -> None:
    """`target[places] += values`, each place as often as it is named.

    CuPy adds in no fixed order, and not in all dtypes: those with 8 bytes are added as unsigned, complex ones part by part, small ones
    in 4 bytes and then rounded once.
    """
    if xp is np:
        if not _add_rows(target, places, values):
            np.add.at(target, places, values)
    elif target.dtype.kind == "c":
        given = xp.asarray(values, target.dtype)
        xp.add.at(target.real, places, given.real)
        xp.add.at(target.imag, places, given.imag)
    elif target.dtype == np.int64:
        xp.add.at(target.view(np.uint64), places, xp.asarray(values, target.dtype).view(np.uint64))
    elif target.dtype.name in _ATOMIC:
        xp.add.at(target, places, values)
    else:
        wide = target.astype(_wide(target.dtype))
        xp.add.at(wide, places, xp.asarray(values, target.dtype).astype(wide.dtype))
        target[...] = wide.astype(target.dtype)


def _add_rows(target: Any, places: Any, values: Any) -> bool:
    """`np.add.at` for whole rows at a list of places, which NumPy does element by element: all rows that are named for the first time at
    once, then those for the second time, ..., so that each row's sum has its usual order. False where that is no gain."""
    if not isinstance(places, ndarray) or places.ndim != 1 or target.ndim < 2 or values.shape != (places.size, *target.shape[1:]):
        return False
    if places.size < 64 or places.dtype.kind not in "iu" or places.min() < 0:
        return False
    times = int(np.bincount(places, minlength=1).max())
    if times == 1:
        target[places] += values
        return True
    if times > 16:
        return False
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    turn = np.arange(places.size) - np.repeat(starts, np.diff(np.append(starts, places.size)))
    for i in range(times):
        now = order[turn == i]
        target[places[now]] += values[now]
    return True


def extreme_at(xp: Any, name: str, target: Any, places: Any, values: Any) -> None:
    """The larger ("maximum") or smaller ("minimum") of what stands at each place and of all values for it; nan wins."""
    if xp is np:
        getattr(np, name).at(target, places, values)
        return
    given = xp.asarray(values, target.dtype)
    if target.dtype == np.int64:
        _turned(xp, name, target, places, given)
        return
    floats = target.dtype.kind not in "iub"
    wide = target if target.dtype.name in _ATOMIC else target.astype(_wide(target.dtype))
    getattr(xp, name).at(wide, places, given.astype(wide.dtype))
    if wide is not target:
        target[...] = wide.astype(target.dtype)
    if floats:  # CUDA's operations leave out nan
        missing = xp.zeros(target.shape, np.int32)
        xp.add.at(missing, places, xp.isnan(given).astype(np.int32))
        xp.copyto(target, xp.asarray(np.nan, target.dtype), where=missing > 0)


def _turned(xp: Any, name: str, target: Any, places: Any, given: Any) -> None:
    """Numbers of 8 bytes as unsigned ones in the same order: with the sign's bit turned."""
    sign = np.uint64(_SIGN)
    wide = target.view(np.uint64) ^ sign
    getattr(xp, name).at(wide, places, given.view(np.uint64) ^ sign)
    target[...] = (wide ^ sign).view(np.int64)


def _wide(d: Any) -> Any:
    """The dtype of 4 bytes that holds all values of a smaller one."""
    return np.dtype(np.int32 if d.kind in "iub" else np.float32)


def product_at(xp: Any, op: str, target: Any, places: Any, values: Any) -> None:
    """`target[places] *= values`, each place as often as it is named; on the CPU, as CUDA has no operation for it: see `op`'s `host`."""
    if xp is np:
        np.multiply.at(target, places, values)
        return

    def multiplied(array: Any, spots: Any, factors: Any) -> Any:
        np.multiply.at(array, spots, factors)
        return array

    target[...] = on_host(op, multiplied, target, places, values)
