"""Pooling: maxima with their places, means of windows and of parts, and the weighted sums along each dim they are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from .. import dtypes
from ..backend import np
from ..dtypes import BOOL, FLOAT, INT
from ..errors import TensorError, TensorValueError
from ..families.common import not_implemented
from ..families.structural import composite, structural
from ..spec import spec_of
from .conv import laid_out, padded, windows

NN = "torch.nn.functional"


# --- maxima -----------------------------------------------------------------------------------------------------------


def _pooled_sizes(sizes, kernel, stride, padding, dilation, ceil_mode):
    """Places of a pooling window; with ceil_mode also those that begin inside and end outside."""
    found = []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        free = n + 2 * p - d * (k - 1) - 1
        count = (-(-free // s) if ceil_mode else free // s) + 1
        found.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)
    return tuple(found)


def _check_pool(self, n, kernel, stride, padding, dilation, ceil_mode):
    if any(s == 0 for s in stride):
        raise TensorError("stride should not be zero")
    if any(k <= 0 for k in kernel):
        raise TensorError("kernel size should be greater than zero, but got " + " ".join(f"k{side}: {k}" for side, k in zip("HW", kernel, strict=False)))
    if any(d <= 0 for d in dilation):
        raise TensorError("dilation should be greater than zero, but got dilation " + " ".join(map(str, dilation)))
    for p, k, d in zip(padding, kernel, dilation, strict=True):
        if p < 0:
            raise TensorError(f"pad must be non-negative, but got pad: {p}")
        if p > (d * (k - 1) + 1) // 2:
            raise TensorError(f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={d}")
    out = _pooled_sizes(self.shape[-n:], kernel, stride, padding, dilation, ceil_mode)
    if any(o <= 0 for o in out):
        have, want = ("x".join(map(str, (self.shape[-n - 1], *sizes))) for sizes in (self.shape[-n:], [max(o, 0) for o in out]))
        raise TensorError(f"Given input size: ({have}). Calculated output size: ({want}). Output size is too small")
    return out


def _plan_max_pool(self, kernel, stride, padding, dilation, ceil_mode):
    if self.dtype.category == BOOL:
        raise not_implemented(f"max_pool{len(kernel)}d", self.dtype)
    out = _check_pool(self, len(kernel), kernel, stride, padding, dilation, ceil_mode)
    spec = laid_out(self, (*self.sizes[: self.ndim - len(kernel)], *out))
    return [spec, spec_of(dtypes.int64, self.device, spec.sizes, spec.strides)]


def _max_pool(xp, self, kernel, stride, padding, dilation, ceil_mode):
    n = len(kernel)
    sizes = self.shape[-n:]
    out = _pooled_sizes(sizes, kernel, stride, padding, dilation, ceil_mode)
    lowest = -xp.inf if self.dtype.kind not in "iu" else xp.iinfo(self.dtype).min
    reach = [max(p, (o - 1) * s + d * (k - 1) + 1 - size - p) for p, o, s, d, k, size in zip(padding, out, stride, dilation, kernel, sizes, strict=True)]
    wide = padded(xp, self, reach, lowest)
    wide = wide[(..., *[slice(r - p, None) for r, p in zip(reach, padding, strict=True)])]
    seen = windows(xp, wide, kernel, stride, dilation, out).reshape(*self.shape[:-n], math.prod(kernel), *out)
    best = seen.argmax(-n - 1)
    values = xp.take_along_axis(seen, xp.expand_dims(best, -n - 1), -n - 1).reshape(best.shape)
    place = xp.zeros_like(best)
    for i, (o, s, p, d) in enumerate(zip(out, stride, padding, dilation, strict=True)):
        inner = best // math.prod(kernel[i + 1 :]) % kernel[i]
        spots = inner * d + (xp.arange(o) * s - p).reshape(-1, *(1,) * (n - 1 - i))
        place = place * sizes[i] + spots
    return values, place


def _unpooled(grad, indices, self_spec, n, F):
    """Each gradient added where its maximum came from."""
    lead, sizes = self_spec.sizes[: self_spec.ndim - n], self_spec.sizes[self_spec.ndim - n :]
    flat = (*lead, math.prod(grad.shape[len(grad.shape) - n :]))
    spread = F.scatter_add_to((*lead, math.prod(sizes)), len(lead), F.reshape(indices, flat), F.reshape(grad, flat))
    return F.reshape(spread, (*lead, *sizes))


_maxima = partial(structural, fields=("values", "indices"), function=False, method=False)


@_maxima(
    plan=_plan_max_pool,
    node="MaxPool2DWithIndicesBackward",
    self=lambda grad, indices, self_spec, kernel, F: _unpooled(grad, indices, self_spec, len(kernel), F),
)
def max_pool2d_with_indices(xp, self, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: Bool):
    """Maxima of windows of the last 2 dims, and their places counted over both."""
    return _max_pool(xp, self, kernel, stride, padding, dilation, ceil_mode)


@_maxima(
    plan=_plan_max_pool,
    node="MaxPool3DWithIndicesBackward",
    self=lambda grad, indices, self_spec, kernel, F: _unpooled(grad, indices, self_spec, len(kernel), F),
)
def max_pool3d_with_indices(xp, self, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: Bool):
    """Maxima of windows of the last 3 dims, and their places counted over all three."""
    return _max_pool(xp, self, kernel, stride, padding, dilation, ceil_mode)


def _sized(self, n, output_size, name, wrong):
    """The sizes asked for, None meaning the input's.

    Raises RuntimeError with torch's sentences for another count or sizes below 0, ValueError for too few dims.
    """
    output_size = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * n
    if len(output_size) != n:
        raise TensorError(wrong)
    if len(self.shape) <= n:
        raise TensorValueError(f"Input dimension should be at least {n + 1}")
    if any(size is not None and size < 0 for size in output_size):
        sizes = ", ".join(map(str, output_size))
        if "max" in name:
            least = min(output_size)
            raise TensorError(f"Trying to create tensor with negative dimension {least}: [{', '.join(map(str, self.shape[:-n]))}, {sizes}]")
        raise TensorError(f"{name}: elements of output_size must be greater than or equal to 0 but received {{{sizes}}}")
    return tuple([have if want is None else want for have, want in zip(self.shape[-n:], output_size, strict=True)])


def _plan_adaptive_max(self, output_size):
    if self.dtype.category < FLOAT:
        raise not_implemented("adaptive_max_pool2d", self.dtype)
    spec = laid_out(self, (*self.sizes[: self.ndim - len(output_size)], *output_size))
    return [spec, spec_of(dtypes.int64, self.device, spec.sizes, spec.strides)]


def _adaptive_max(xp, self, output_size):
    """The maximum of each part, dim by dim from the last, with the places so far carried along."""
    n = len(output_size)
    values, place, step = self, None, 1
    for axis in range(-1, -n - 1, -1):
        size, out = self.shape[axis], output_size[axis]
        spots, weights, _ = _adaptive_taps(size, out)
        seen = xp.take(values, xp.asarray(spots), axis)  # the kernel's places stand behind the output's
        shown = xp.asarray(weights != 0).reshape(*weights.shape, *(1,) * (-1 - axis))
        best = xp.where(shown, seen, -xp.inf).argmax(axis)
        pick = xp.expand_dims(best, axis)
        values = xp.take_along_axis(seen, pick, axis).squeeze(axis)
        chosen = xp.take_along_axis(xp.broadcast_to(xp.asarray(spots).reshape(*spots.shape, *(1,) * (-1 - axis)), seen.shape), pick, axis).squeeze(axis)
        if place is not None:
            inner = xp.take(place, xp.asarray(spots), axis)
            chosen = chosen * step + xp.take_along_axis(inner, pick, axis).squeeze(axis)
        place, step = chosen, step * size
    return values, place


@_maxima(
    plan=_plan_adaptive_max,
    node="AdaptiveMaxPool2DBackward",
    self=lambda grad, indices, self_spec, output_size, F: _unpooled(grad, indices, self_spec, len(output_size), F),
)
def adaptive_max_pool2d_with_indices(xp, self, output_size: Ints):
    """Maxima of as many parts of the last 2 dims as asked for, and their places counted over both."""
    return _adaptive_max(xp, self, output_size)


# --- weighted sums along each dim: averages and resizing ----------------------------------------------------------------


def _adaptive_taps(size, out):
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


_TAPS: dict[str, Callable[..., Any]] = {"average": _average_taps, "adaptive": _adaptive_taps}


@lru_cache(maxsize=512)
def _taps(kind, turned, *settings):
    """(places, weights, divisors) of one dim; turned: of the way back, from the output to what it was made of."""
    spots, weights, divisors = _TAPS[kind](*settings)
    if not turned:
        return spots, weights, divisors
    back: list[list[tuple[int, float]]] = [[] for _ in range(settings[0])]
    for o, (places, shares) in enumerate(zip(spots.tolist(), weights.tolist(), strict=True)):
        for place, share in zip(places, shares, strict=True):
            if share:
                back[place].append((o, share))
    widest = max(map(len, back), default=0)
    rows = [row + [(row[0][0] if row else 0, 0.0)] * (widest - len(row)) for row in back]
    pairs = np.array(rows, dtype="float64").reshape(len(back), widest, 2)
    return pairs[..., 0].astype("int64"), pairs[..., 1], divisors


def _turned(ways):
    """The way back along each dim."""
    return tuple([(kind, not turned, *settings) for kind, turned, *settings in ways])


def _plan_resample(self, ways, label, least=INT):
    if self.dtype.category < least and (self.numel or least == INT):
        raise not_implemented(label, self.dtype)
    sizes = [settings[0] if turned else settings[1] for _, turned, *settings in ways]
    return laid_out(self, (*self.sizes[: self.ndim - len(ways)], *sizes))


def _divided(xp, a, divisors):
    """The values over those of each dim; ints are cut towards 0."""
    below = xp.ones((1,) * len(divisors), "int64")
    for axis, found in enumerate(reversed(divisors)):
        below = below * xp.asarray(found).reshape(-1, *(1,) * axis)
    return a / below.astype(a.dtype) if a.dtype.kind not in "iu" else xp.trunc(a / below).astype(a.dtype)


def _resampled(xp, self, ways):
    n = len(ways)
    found = [_taps(*way) for way in ways]
    backwards = bool(ways) and ways[0][1]
    a = self.astype("float32") if self.dtype.itemsize == 2 and self.dtype.kind not in "iu" else self
    if backwards:
        a = _divided(xp, a, [divisors for _, _, divisors in found])
    for i, (spots, weights, _) in enumerate(found):
        axis = a.ndim - n + i
        beside = (-1, *(1,) * (n - 1 - i))
        total = xp.zeros((*a.shape[:axis], len(spots), *a.shape[axis + 1 :]), a.dtype)
        for tap in range(spots.shape[1]):
            share = xp.asarray(weights[:, tap].astype(a.dtype)).reshape(beside)
            part = xp.take(a, xp.asarray(spots[:, tap]), axis)
            if not weights[:, tap].all():
                part = xp.where(share == 0, a.dtype.type(0), part)  # nothing times infinity is nothing here
            total += part * share
        a = total
    return a if backwards else _divided(xp, a, [divisors for _, _, divisors in found])


_resampling = partial(structural, function=False, method=False, out=False)


def _back(grad, ways, F):
    return F.avg_pool_of(grad, _turned(ways))


@_resampling(plan=lambda self, ways: _plan_resample(self, ways, "avg_pool2d"), node="AvgPool2DBackward", self=lambda grad, ways, F: _back(grad, ways, F))
def avg_pool_of(xp, self, ways: Any):
    """Weighted sums along the last dims, one way a dim: (kind, whether turned back, size, out, ...)."""
    return _resampled(xp, self, ways)


@_resampling(plan=lambda self, ways: _plan_resample(self, ways, "avg_pool3d_out_frame"), node="AvgPool3DBackward", self=lambda grad, ways, F: _back(grad, ways, F))
def avg_pool3d_of(xp, self, ways: Any):
    """avg_pool_of as a node of three dims."""
    return _resampled(xp, self, ways)


@_resampling(plan=lambda self, ways: _plan_resample(self, ways, "adaptive_avg_pool2d", FLOAT), node="AdaptiveAvgPool2DBackward", self=lambda grad, ways, F: _back(grad, ways, F))
def adaptive_avg_pool2d_of(xp, self, ways: Any):
    """avg_pool_of as a node of parts."""
    return _resampled(xp, self, ways)



# --- the public names -------------------------------------------------------------------------------------------------


def _steps(n, kernel_size, stride, padding, dilation=(1,)):
    """(kernel, stride, padding, dilation), one number a dim; no stride means the kernel's."""
    kernel = kernel_size * n if len(kernel_size) == 1 else kernel_size
    stride = kernel if not stride else stride * n if len(stride) == 1 else stride
    return kernel, stride, *(v * n if len(v) == 1 else v for v in (padding, dilation))


def _refuse_dims(self, n, name):
    if len(self.shape) not in (n + 1, n + 2):
        raise TensorError(f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input")
    if 0 in self.shape[len(self.shape) - n - 1 :]:
        raise TensorError(
            f"{name}: Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size for input, but got:{list(self.shape)}"
        )


@composite(namespace=NN, method=False)
def max_pool1d(
    F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), dilation: Ints = (1,), ceil_mode: Bool = False, return_indices: Bool = False
):
    """The largest element of each window; with return_indices also where it lies.

    Shapes: (n, c, l)  ->  (n, c, l_out)
    Grad: grad at the place of each maximum, summed
    See: nn.functional.max_pool2d, nn.functional.avg_pool1d

    >>> nn.functional.max_pool1d(tensor([[1., 3., 2., 0.]]), 2)
    tensor([[3., 2.]])
    """
    if len(self.shape) not in (2, 3) or 0 in self.shape[len(self.shape) - 2 :]:
        raise TensorError(f"max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:{list(self.shape)}")
    kernel, stride, padding, dilation = _steps(1, kernel_size, stride, padding, dilation)
    if stride[0] <= 0:
        raise TensorError(f"max_pool1d() stride must be greater than zero, but got {stride[0]}")
    if padding[0] > kernel[0] // 2:
        raise TensorError(f"max_pool1d() padding should be at most half of kernel size, but got padding={padding[0]} and kernel_size={kernel[0]}")
    if _pooled_sizes(self.shape[-1:], kernel, stride, padding, dilation, ceil_mode)[0] <= 0:
        raise TensorError("max_pool1d() Invalid computed output size: 0")
    found = F.max_pool2d_with_indices(F.unsqueeze(self, -2), (1, *kernel), (1, *stride), (0, *padding), (1, *dilation), ceil_mode)
    values = F.squeeze_dim(found[0], -2)
    return (values, F.squeeze_dim(found[1], -2)) if return_indices else values


@composite(namespace=NN, method=False)
def max_pool2d(
    F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), dilation: Ints = (1,), ceil_mode: Bool = False, return_indices: Bool = False
):
    """The largest element of each window; with return_indices also where it lies, counted over height and width.

    Shapes: (n, c, h, w)  ->  (n, c, h_out, w_out)
    Grad: grad at the place of each maximum, summed
    See: nn.MaxPool2d, nn.functional.avg_pool2d, nn.functional.conv2d

    >>> nn.functional.max_pool2d(tensor([[[1., 3.], [2., 0.]]]), 2)
    tensor([[[3.]]])
    """
    _refuse_dims(self, 2, "max_pool2d")
    found = F.max_pool2d_with_indices(self, *_steps(2, kernel_size, stride, padding, dilation), ceil_mode)
    return (found[0], found[1]) if return_indices else found[0]


@composite(namespace=NN, method=False)
def max_pool3d(
    F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), dilation: Ints = (1,), ceil_mode: Bool = False, return_indices: Bool = False
):
    """The largest element of each window of volumes; with return_indices also where it lies.

    Shapes: (n, c, d, h, w)  ->  (n, c, d_out, h_out, w_out)
    Grad: grad at the place of each maximum, summed
    See: nn.functional.max_pool2d

    >>> nn.functional.max_pool3d(ones(1, 1, 2, 2, 2), 2)
    tensor([[[[[1.]]]]])
    """
    _refuse_dims(self, 3, "max_pool3d")
    found = F.max_pool3d_with_indices(self, *_steps(3, kernel_size, stride, padding, dilation), ceil_mode)
    return (found[0], found[1]) if return_indices else found[0]


def _averaged(F, op, self, n, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    kernel, stride, padding, _ = _steps(n, kernel_size, stride, padding)
    out = _check_pool(self, n, kernel, stride, padding, (1,) * n, ceil_mode)
    fixed = [divisor_override] + [None if divisor_override is None else 1] * (n - 1)
    steps = zip(self.shape[-n:], out, kernel, stride, padding, [count_include_pad] * n, fixed, strict=True)
    return op(self, tuple([("average", False, *step) for step in steps]))


@composite(namespace=NN, method=False)
def avg_pool1d(F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), ceil_mode: Bool = False, count_include_pad: Bool = True):
    """The mean of each window.

    Shapes: (n, c, l)  ->  (n, c, l_out)
    Grad: grad over the window's size, spread over the window
    See: nn.functional.avg_pool2d, nn.functional.max_pool1d

    >>> nn.functional.avg_pool1d(tensor([[1., 3., 2., 0.]]), 2)
    tensor([[2., 1.]])
    """
    if len(self.shape) not in (2, 3):
        raise TensorError(f"Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:{list(self.shape)}")
    kernel, stride, padding, _ = _steps(1, kernel_size, stride, padding)
    image = F.unsqueeze(self, -2)
    result = _averaged(F, F.avg_pool_of, image, 2, (1, *kernel), (1, *stride), (0, *padding), ceil_mode, count_include_pad, None)
    return F.squeeze_dim(result, -2)


@composite(namespace=NN, method=False)
def avg_pool2d(
    F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), ceil_mode: Bool = False, count_include_pad: Bool = True, divisor_override: Int | None = None
):
    """The mean of each window; divisor_override divides the sums by another number.

    Shapes: (n, c, h, w)  ->  (n, c, h_out, w_out)
    Grad: grad over the window's size, spread over the window
    See: nn.AvgPool2d, nn.functional.max_pool2d, nn.functional.adaptive_avg_pool2d

    >>> nn.functional.avg_pool2d(tensor([[[1., 3.], [2., 0.]]]), 2)
    tensor([[[1.5000]]])
    """
    if divisor_override == 0:
        raise TensorError("divisor must be not zero")
    _refuse_dims(self, 2, "avg_pool2d")
    return _averaged(F, F.avg_pool_of, self, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@composite(namespace=NN, method=False)
def avg_pool3d(
    F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), ceil_mode: Bool = False, count_include_pad: Bool = True, divisor_override: Int | None = None
):
    """The mean of each window of volumes; divisor_override divides the sums by another number.

    Shapes: (n, c, d, h, w)  ->  (n, c, d_out, h_out, w_out)
    Grad: grad over the window's size, spread over the window
    See: nn.functional.avg_pool2d

    >>> nn.functional.avg_pool3d(ones(1, 1, 2, 2, 2), 2)
    tensor([[[[[1.]]]]])
    """
    if divisor_override == 0:
        raise TensorError("divisor must be not zero")
    _refuse_dims(self, 3, "avg_pool3d")
    return _averaged(F, F.avg_pool3d_of, self, 3, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _one(output_size, name):
    if len(output_size) != 1:
        raise TensorError(f"{name}() argument 'output_size' should contain one int (got {len(output_size)})")
    return output_size


def _parts(self, output_size):
    return tuple(("adaptive", False, size, out) for size, out in zip(self.shape[-len(output_size) :], output_size, strict=True))


@composite(namespace=NN, method=False)
def adaptive_avg_pool1d(F, self, output_size: Ints):
    """Means of `output_size` parts of about equal length.

    Shapes: (n, c, l)  ->  (n, c, output_size)
    Grad: grad over the part's size, spread over the part
    See: nn.functional.avg_pool1d, nn.functional.adaptive_avg_pool2d

    >>> nn.functional.adaptive_avg_pool1d(tensor([[1., 3., 2., 0.]]), 2)
    tensor([[2., 1.]])
    """
    image = F.unsqueeze(self, -2)
    sizes = _sized(image, 2, (1, *_one(output_size, "adaptive_avg_pool1d")), "adaptive_avg_pool2d", "")
    return F.squeeze_dim(F.adaptive_avg_pool2d_of(image, _parts(image, sizes)), -2)


@composite(namespace=NN, method=False)
def adaptive_avg_pool2d(F, self, output_size: Any):
    """Means of as many parts of height and width as asked for; None keeps a size.

    Shapes: (n, c, h, w)  ->  (n, c, *output_size)
    Grad: grad over the part's size, spread over the part
    See: nn.AdaptiveAvgPool2d, nn.functional.avg_pool2d

    >>> nn.functional.adaptive_avg_pool2d(tensor([[[1., 3.], [2., 0.]]]), 1)
    tensor([[[1.5000]]])
    """
    sizes = _sized(self, 2, output_size, "adaptive_avg_pool2d", "adaptive_avg_pool2d: output_size must be 2")
    if sizes == (1, 1):
        return F.mean_dim(self, (-1, -2), True)
    return F.adaptive_avg_pool2d_of(self, _parts(self, sizes))


@composite(namespace=NN, method=False)
def adaptive_max_pool1d(F, self, output_size: Ints, return_indices: Bool = False):
    """Maxima of `output_size` parts of about equal length; with return_indices also where they lie.

    Shapes: (n, c, l)  ->  (n, c, output_size)
    Grad: grad at the place of each maximum, summed
    See: nn.functional.max_pool1d, nn.functional.adaptive_avg_pool1d

    >>> nn.functional.adaptive_max_pool1d(tensor([[1., 3., 2., 0.]]), 2)
    tensor([[3., 2.]])
    """
    image = F.unsqueeze(self, -2)
    sizes = _sized(image, 2, (1, *_one(output_size, "adaptive_max_pool1d")), "adaptive_max_pool2d", "")
    found = F.adaptive_max_pool2d_with_indices(image, sizes)
    values = F.squeeze_dim(found[0], -2)
    return (values, F.squeeze_dim(found[1], -2)) if return_indices else values


@composite(namespace=NN, method=False)
def adaptive_max_pool2d(F, self, output_size: Any, return_indices: Bool = False):
    """Maxima of as many parts of height and width as asked for; None keeps a size.

    Shapes: (n, c, h, w)  ->  (n, c, *output_size)
    Grad: grad at the place of each maximum, summed
    See: nn.functional.max_pool2d, nn.functional.adaptive_avg_pool2d

    >>> nn.functional.adaptive_max_pool2d(tensor([[[1., 3.], [2., 0.]]]), 1)
    tensor([[[3.]]])
    """
    sizes = _sized(self, 2, output_size, "adaptive_max_pool2d", "adaptive_max_pool2d(): internal error: output_size.size() must be 2")
    found = F.adaptive_max_pool2d_with_indices(self, sizes)
    return (found[0], found[1]) if return_indices else found[0]
