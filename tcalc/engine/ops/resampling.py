"""Weighted sums along each dim: what means of windows and parts, and images of another size, are made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ..backend import np
from ..dtypes import INT
from ..families.common import not_implemented
from ..families.structural import structural
from .conv import laid_out

# --- which elements, with which weights -------------------------------------------------------------------------------


def adaptive_taps(size, out):
    """(places, weights, divisors) of `out` parts that cover `size` elements."""
    starts = [o * size // out for o in range(out)]
    ends = [-(-(o + 1) * size // out) for o in range(out)]
    return _span_taps(starts, ends, [e - s for s, e in zip(starts, ends, strict=True)])


def _average_taps(size, out, kernel, stride, padding, whole, fixed):
    """Those of windows; `whole` windows count their padding, `fixed` is a divisor instead."""
    starts = [o * stride - padding for o in range(out)]
    ends = [min(s + kernel, size + padding) for s in starts]
    cut = [(max(s, 0), min(e, size)) for s, e in zip(starts, ends, strict=True)]
    divisors = [e - s for s, e in (zip(starts, ends, strict=True) if whole else cut)]
    return _span_taps([s for s, _ in cut], [e for _, e in cut], divisors if fixed is None else [fixed] * out)


def _span_taps(starts, ends, divisors):
    widest = max([e - s for s, e in zip(starts, ends, strict=True)], default=0)
    spots, weights = np.zeros((len(starts), widest), "int64"), np.zeros((len(starts), widest))
    for o, (s, e) in enumerate(zip(starts, ends, strict=True)):
        spots[o, : e - s], weights[o, : e - s] = range(s, e), 1
        spots[o, e - s :] = s
    return spots, weights, np.array(divisors)


def _step(size, out, corners, factor, kind):
    """How far apart in the input two neighbours of the output lie, as torch rounds it."""
    if corners:
        return kind(size - 1) / kind(out - 1) if out > 1 else kind(0)
    return kind(1 / factor) if factor else kind(size) / kind(out)


def _nearest_taps(size, out, exact, factor, short):
    """One element each, found in float32; `short`: an output of the same or twice the size takes no notice of the factor."""
    places = np.arange(out)
    if short and not exact and out in (size, 2 * size):
        spots = places * size // out
    else:
        shift, step = np.float32(0.5 if exact else 0), _step(size, out, False, factor, np.float32)
        spots = np.minimum(np.floor((places.astype("float32") + shift) * step).astype("int64"), size - 1)
    return spots.reshape(-1, 1), np.ones((out, 1)), None


def _sources(size, out, corners, factor, kind):
    """Where the outputs lie among the inputs, in the kind of numbers torch computes it in."""
    step, places = _step(size, out, corners, factor, kind), np.arange(out).astype(kind)
    return step * places if corners else step * (places + kind(0.5)) - kind(0.5)


def _linear_taps(size, out, corners, factor, kind):
    """The two neighbours, by distance."""
    if size == out:
        spots, share = np.arange(out), np.zeros(out, kind)
    else:
        where = np.maximum(_sources(size, out, corners, factor, kind), 0)
        spots = np.minimum(where.astype("int64"), size - 1)
        share = np.clip(where - spots.astype(kind), 0, 1)
    return np.stack([spots, spots + (spots < size - 1)], 1), np.stack([1 - share, share], 1), None


def _cubic(x, a):
    """Keys' cubic convolution kernel (1981) of distances."""
    x = abs(x)
    return np.where(x <= 1, ((a + 2) * x - (a + 3)) * x * x + 1, np.where(x < 2, ((x - 5) * x + 8) * x * a - 4 * a, 0))


def _cubic_taps(size, out, corners, factor, kind):
    """The four neighbours, by Keys' kernel; the edge goes on outside."""
    where = _sources(size, out, corners, factor, kind)
    first = np.minimum(np.floor(where).astype("int64"), size - 1)
    share = np.clip(where - first.astype(kind), 0, 1)
    spots = np.clip(first[:, None] + np.arange(-1, 3), 0, size - 1)
    return spots, _cubic(share[:, None] - np.arange(-1, 3).astype(kind), kind(-0.75)), None


_FILTERS: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "linear": (2, lambda x: np.maximum(1 - abs(x), 0)),
    "cubic": (4, lambda x: _cubic(x, -0.5)),
    "lanczos": (6, lambda x: np.where(abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)),
}


def _smooth_taps(size, out, corners, factor, kind, name):
    """All elements that a filter, as wide as the step, reaches."""
    reach, shape = _FILTERS[name]
    step = _step(size, out, corners, factor, kind)
    wide = max(step, kind(1))
    half = kind(0 if corners else 0.5)
    centres = step * (np.arange(out).astype(kind) + half)
    support = kind(reach / 2) * wide
    first = np.maximum((centres - support + half).astype("int64"), 0)
    last = np.minimum((centres + support + half).astype("int64"), size)
    spots = first[:, None] + np.arange(max(int((last - first).max()), 1))
    weights = np.where(spots < last[:, None], shape((spots - centres[:, None] + half) / wide), 0)
    return np.minimum(spots, size - 1), weights / weights.sum(1, keepdims=True), None


_TAPS: dict[str, Callable[..., Any]] = {
    "average": _average_taps,
    "adaptive": adaptive_taps,
    "nearest": _nearest_taps,
    "linear": _linear_taps,
    "cubic": _cubic_taps,
    "smooth": _smooth_taps,
}


@lru_cache(maxsize=512)
def _taps(kind, back, *settings):
    """(places, weights, divisors) of one dim; `back`: of the way back, from the output to what it was made of."""
    spots, weights, divisors = _TAPS[kind](*settings)
    if not back:
        return spots, weights, divisors
    size, (count, width) = settings[0], spots.shape
    outputs = np.repeat(np.arange(count), width)
    kept = weights.ravel() != 0
    places, outputs, weights = spots.ravel()[kept], outputs[kept], weights.ravel()[kept]
    order = np.argsort(places, kind="stable")
    places = places[order]
    counts = np.bincount(places, minlength=size)
    rank = np.arange(places.size) - np.repeat(np.cumsum(counts) - counts, counts)
    widest = int(counts.max()) if size else 0
    spots, shares = np.zeros((size, widest), "int64"), np.zeros((size, widest))
    spots[places, rank], shares[places, rank] = outputs[order], weights[order]
    return spots, shares, divisors


# --- the sums ---------------------------------------------------------------------------------------------------------


def plan_resampled(self, ways, label, least=INT):
    """The result's Spec: the last dims as long as the ways say, the channels innermost where the input has them there.

    Raises NotImplementedError with torch's sentence for a dtype of a lower category than `least`.
    """
    if self.dtype.category < least and (self.numel or least == INT):
        raise not_implemented(label, self.dtype)
    return laid_out(self, (*self.sizes[: self.ndim - len(ways)], *[out for _, _, out, *_ in ways]))


def _plan_resampled(self, ways, back):
    sizes = [size if back else out for _, size, out, *_ in ways]
    return laid_out(self, (*self.sizes[: self.ndim - len(ways)], *sizes))


def _divided(xp, a, divisors):
    """The values over those of each dim; ints are cut towards 0."""
    below = xp.ones((1,) * len(divisors), "int64")
    for axis, found in enumerate(reversed(divisors)):
        below = below * xp.asarray(found).reshape(-1, *(1,) * axis)
    return a / below.astype(a.dtype) if a.dtype.kind not in "iu" else xp.trunc(a / below).astype(a.dtype)


def resample(xp, self, ways, back=False):
    """Weighted sums along the last dims, one way a dim: (kind of taps, size, out, settings); `back` runs them the other way round."""
    n = len(ways)
    found = [_taps(kind, back, *settings) for kind, *settings in ways]
    divisors = [below for _, _, below in found if below is not None]
    a = self.astype("float32") if self.dtype.itemsize == 2 and self.dtype.kind not in "iu" else self
    if back and divisors:
        a = _divided(xp, a, divisors)
    for i, (spots, weights, _) in enumerate(found):
        a = _summed(xp, a, a.ndim - n + i, (-1, *(1,) * (n - 1 - i)), spots, weights)
    return a if back or not divisors else _divided(xp, a, divisors)


def _summed(xp, a, axis, beside, spots, weights):
    """The weighted sums along one dim, tap by tap."""
    if spots.shape[1] == 1 and (weights == 1).all():
        return xp.take(a, xp.asarray(spots[:, 0]), axis)
    total = xp.zeros((*a.shape[:axis], len(spots), *a.shape[axis + 1 :]), a.dtype)
    for tap in range(spots.shape[1]):
        share = xp.asarray(weights[:, tap].astype(a.dtype)).reshape(beside)
        part = xp.take(a, xp.asarray(spots[:, tap]), axis)
        if not weights[:, tap].all():
            part = xp.where(share == 0, a.dtype.type(0), part)  # nothing times infinity is nothing here
        total += part * share
    return total


@structural(plan=_plan_resampled, self=lambda grad, ways, back, F: F.resampled(grad, ways, not back), function=False, method=False, out=False)
def resampled(xp, self, ways: Any, back: Bool):
    """Weighted sums along the last dims, one way a dim, there or back."""
    return resample(xp, self, ways, back)
