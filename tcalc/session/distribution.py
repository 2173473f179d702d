"""Numbers about all elements of a tensor, however many, read in pieces: range, mean, spread, odd values and a histogram."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

BINS = 10
PIECE = 1 << 18  # elements that are read at once


@dataclass(frozen=True, slots=True)
class Distribution:
    """`low`, `high`, `mean`, `std` (divided by n - 1, as torch's) and `bins` are of the finite elements, None and empty where there are none.

    `bins` are counts in BINS equal parts from low to high, or of each value (`each`) where integers have no more of them than that.
    """

    count: int
    zeros: int
    nan: int
    inf: int
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    std: float | None = None
    bins: tuple[int, ...] = ()
    each: bool = False


def distribution(tensor: Tensor) -> Distribution | None:
    """The numbers of a tensor, None where it has no data (meta) and for complex numbers, which have no order. Costs two readings and little memory."""
    from ..engine.backend import check_work, np

    if tensor.a is None or tensor.dtype.is_complex:
        return None
    check_work(tensor.spec.numel, "stats")
    count = zeros = nan = finite = 0
    low, high, mean, squares = float("inf"), float("-inf"), 0.0, 0.0
    for values in _pieces(tensor):
        count += values.size
        zeros += int(values.size - np.count_nonzero(values))
        nan += int(np.isnan(values).sum())
        values = values[np.isfinite(values)]
        if not values.size:
            continue
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        own = float(values.mean())
        shift, total = own - mean, finite + values.size  # the pieces' means and squares are put together as Chan does
        squares += float(((values - own) ** 2).sum()) + shift * shift * finite * values.size / total
        mean, finite = mean + shift * values.size / total, total
    if not finite:
        return Distribution(count, zeros, nan, count - nan)
    std = (squares / (finite - 1)) ** 0.5 if finite > 1 else None
    each = not tensor.dtype.is_floating_point and high - low < BINS
    parts = int(high - low) + 1 if each else BINS if high > low else 1
    return Distribution(count, zeros, nan, count - nan - finite, low, high, mean, std, _histogram(tensor, low, high, parts, each), each)


def _histogram(tensor: Tensor, low: float, high: float, parts: int, each: bool) -> tuple[int, ...]:
    """How many finite elements lie in each of `parts` equal parts from low to high, or have each of so many values."""
    from ..engine.backend import np

    bins = np.zeros(parts, np.int64)
    for values in _pieces(tensor):
        values = values[np.isfinite(values)]
        if each:
            places = (values - low).astype(np.int64)
        elif high > low:  # halved first: the range itself may be larger than any float
            places = ((values / 2 - low / 2) / (high / 2 - low / 2) * parts).astype(np.int64)
        else:
            places = np.zeros(values.size, np.int64)
        bins += np.bincount(np.clip(places, 0, parts - 1), minlength=parts)
    return tuple(int(count) for count in bins)


def _pieces(tensor: Tensor) -> Iterator[Any]:
    """All elements as float64, in pieces and in no particular order."""
    from ..engine.backend import np, to_host

    array = to_host(tensor.a)
    if array.flags.c_contiguous:
        flat = array.reshape(-1)
        for start in range(0, flat.size, PIECE):
            yield flat[start : start + PIECE].astype(np.float64)
    else:
        for piece in np.nditer(array, ["external_loop", "buffered", "zerosize_ok"], order="K", buffersize=PIECE):
            yield np.asarray(piece).astype(np.float64)
