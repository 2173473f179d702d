"""Maxima of windows with their places: sliding, adaptive and fractional, and values put back where maxima came from."""

from __future__ import annotations

import math
from functools import partial

from .. import dtypes
from ..backend import insist, np
from ..dtypes import BOOL, FLOAT
from ..errors import TensorError, TensorIndexError, TensorValueError
from ..families.common import no_kernel, not_implemented
from ..families.structural import composite, structural
from ..spec import spec_of
from .conv import laid_out, padded, windows
from .resampling import adaptive_taps

NN = "torch.nn.functional"


# --- maxima -----------------------------------------------------------------------------------------------------------


def pooled_sizes(sizes, kernel, stride, padding, dilation, ceil_mode):
    """Places of a pooling window; with ceil_mode also those that begin inside and end outside."""
    found = []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        free = n + 2 * p - d * (k - 1) - 1
        count = (-(-free // s) if ceil_mode else free // s) + 1
        found.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)
    return tuple(found)


def check_pool(self, n, kernel, stride, padding, dilation, ceil_mode):
    """Places of the windows, dim by dim.

    Raises RuntimeError with torch's sentences for a geometry that cannot be.
    """
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
    out = pooled_sizes(self.shape[-n:], kernel, stride, padding, dilation, ceil_mode)
    if any(o <= 0 for o in out):
        have, want = ("x".join(map(str, (self.shape[-n - 1], *sizes))) for sizes in (self.shape[-n:], [max(o, 0) for o in out]))
        raise TensorError(f"Given input size: ({have}). Calculated output size: ({want}). Output size is too small")
    return out


def _plan_max_pool(self, kernel, stride, padding, dilation, ceil_mode):
    if self.dtype.category == BOOL:
        raise not_implemented(f"max_pool{len(kernel)}d", self.dtype)
    out = check_pool(self, len(kernel), kernel, stride, padding, dilation, ceil_mode)
    spec = laid_out(self, (*self.sizes[: self.ndim - len(kernel)], *out))
    return [spec, spec_of(dtypes.int64, self.device, spec.sizes, spec.strides)]


def _largest(xp, seen, axis):
    """Where torch's loops find the largest along `axis`, which is kept: at the first of equals, at the last nan."""
    best = xp.expand_dims(seen.argmax(axis), axis)
    values = xp.take_along_axis(seen, best, axis)
    nan = values != values
    if xp is np and not nan.any():  # elsewhere the question costs more than the answer
        return best
    return xp.where(nan, seen.shape[axis] - 1 - xp.expand_dims(xp.flip(seen != seen, axis).argmax(axis), axis), best)


def _max_pool(xp, self, kernel, stride, padding, dilation, ceil_mode):
    n = len(kernel)
    sizes = self.shape[-n:]
    out = pooled_sizes(sizes, kernel, stride, padding, dilation, ceil_mode)
    lowest = -xp.inf if self.dtype.kind not in "iu" else xp.iinfo(self.dtype).min
    reach = [max(p, (o - 1) * s + d * (k - 1) + 1 - size - p) for p, o, s, d, k, size in zip(padding, out, stride, dilation, kernel, sizes, strict=True)]
    wide = padded(xp, self, reach, lowest)
    wide = wide[(..., *[slice(r - p, None) for r, p in zip(reach, padding, strict=True)])]
    seen = windows(xp, wide, kernel, stride, dilation, out).reshape(*self.shape[:-n], math.prod(kernel), *out)
    best = _largest(xp, seen, -n - 1)
    values = xp.take_along_axis(seen, best, -n - 1).squeeze(-n - 1)
    best = best.squeeze(-n - 1)
    place = xp.zeros_like(best)
    for i, (o, s, p, d) in enumerate(zip(out, stride, padding, dilation, strict=True)):
        starts = (xp.arange(o) * s - p).reshape(-1, *(1,) * (n - 1 - i))
        inner = best // math.prod(kernel[i + 1 :]) % kernel[i]
        inner = xp.where(values == lowest, xp.maximum(-(starts // d), 0), inner)  # the padding is no less: the first element inside
        place = place * sizes[i] + starts + inner * d
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
    real_only=no_kernel("max_pool2d"),
)
def max_pool2d_with_indices(xp, self, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: Bool):
    """Maxima of windows of the last 2 dims, and their places counted over both."""
    return _max_pool(xp, self, kernel, stride, padding, dilation, ceil_mode)


@_maxima(
    plan=_plan_max_pool,
    node="MaxPool3DWithIndicesBackward",
    self=lambda grad, indices, self_spec, kernel, F: _unpooled(grad, indices, self_spec, len(kernel), F),
    real_only=no_kernel("max_pool3d"),
)
def max_pool3d_with_indices(xp, self, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: Bool):
    """Maxima of windows of the last 3 dims, and their places counted over all three."""
    return _max_pool(xp, self, kernel, stride, padding, dilation, ceil_mode)


def _plan_adaptive_max(self, output_size):
    if self.dtype.category < FLOAT:
        raise not_implemented("adaptive_max_pool2d" if len(output_size) == 2 else "adaptive_max_pool3d_cpu", self.dtype)
    spec = laid_out(self, (*self.sizes[: self.ndim - len(output_size)], *output_size))
    return [spec, spec_of(dtypes.int64, self.device, spec.sizes, spec.strides)]


def _adaptive_max(xp, self, output_size):
    """The maximum of each part, dim by dim from the last, with the places so far carried along."""
    n = len(output_size)
    values, place, step = self, None, 1
    for axis in range(-1, -n - 1, -1):
        size, out = self.shape[axis], output_size[axis]
        spots, weights, _ = adaptive_taps(size, out)
        seen = xp.take(values, xp.asarray(spots), axis)  # the kernel's places stand behind the output's
        shown = xp.asarray(weights != 0).reshape(*weights.shape, *(1,) * (-1 - axis))
        pick = _largest(xp, xp.where(shown, seen, -xp.inf), axis)
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
    real_only=no_kernel("adaptive_max_pool2d"),
)
def adaptive_max_pool2d_with_indices(xp, self, output_size: Ints):
    """Maxima of as many parts of the last 2 dims as asked for, and their places counted over both."""
    return _adaptive_max(xp, self, output_size)


@_maxima(
    plan=_plan_adaptive_max,
    node="AdaptiveMaxPool3DBackward",
    self=lambda grad, indices, self_spec, output_size, F: _unpooled(grad, indices, self_spec, len(output_size), F),
    real_only=no_kernel("adaptive_max_pool3d_cpu"),
)
def adaptive_max_pool3d_with_indices(xp, self, output_size: Ints):
    """Maxima of as many parts of the last 3 dims as asked for, and their places counted over all three."""
    return _adaptive_max(xp, self, output_size)


# --- fractional windows -----------------------------------------------------------------------------------------------


def _plan_fractional(self, samples, kernel, sizes):
    n = len(kernel)
    name, words = (f"fractional_max_pool{n}d", "Ints" if n == 2 else "three Ints")
    for what, given in (("kernel_size", kernel), ("output_size", sizes)):
        if len(given) != n:
            raise TensorError(f"fractional_max_pool{n}d: {what} must either be a single Int or tuple of {words}")
    label = f"{name}()" if n == 2 else f"{name}_out()"
    for dim in range(self.ndim - n - 1, self.ndim):
        if not self.shape[dim]:
            raise TensorError(
                f"{label}: Expected input to have non-zero size for non-batch dimensions, but got{list(self.shape)} with dimension {dim} being empty."
            )
    for side, size, k, out in zip(("time", "height", "width")[3 - n :], self.shape[-n:], kernel, sizes, strict=True):
        if out + k - (n == 2) > size:  # torch wants one element more for volumes
            raise TensorError(f"{label}: pool {side} {k} too large relative to input {side} {size}")
    _check_samples(self, samples, n)
    spec = spec_of(self.dtype, self.device, (*self.sizes[: self.ndim - n], *sizes))
    return [spec, spec_of(dtypes.int64, self.device, spec.sizes)]


def _check_samples(self, samples, n):
    """Refuse numbers that are not one for each dim of each channel of each sample."""
    if samples.dtype is not self.dtype:
        raise TensorError("Expect _random_samples to have the same dtype as input")
    if samples.ndim != 3:
        raise TensorError(f"Expect _random_samples to have 3 dimensions, got {samples.ndim}")
    if samples.shape[0] < (1 if self.ndim == n + 1 else self.shape[0]):
        raise TensorError("Expect _random_samples.size(0) no less then input batch size.")
    if samples.shape[1] != self.shape[-n - 1]:
        raise TensorError("Expect _random_samples.size(1) equals to input channel size.")
    if samples.shape[2] != n:
        raise TensorError(f"Expect _random_samples.size(2) equals to {n}; got {samples.shape[2]}.")


def _starts(xp, sample, size, out, kernel):
    """Where the windows of one dim begin, for each channel: steps of about equal length from a random one (Graham 2014)."""
    step = sample.dtype.type((size - kernel) / (out - 1)) if out > 1 else sample.dtype.type(0)
    places = xp.arange(out).astype(sample.dtype)
    found = ((places + sample[..., None]) * step).astype("int64") - (sample[..., None] * step).astype("int64")
    found[..., -1:] = size - kernel
    return found


def _fractional(xp, self, samples, kernel, sizes):
    n = len(kernel)
    x = self.reshape(-1, *self.shape[-n - 1 :])
    batch, channels = x.shape[:2]
    samples = samples[:batch].astype("float32") if samples.dtype.itemsize == 2 else samples[:batch]
    index, place = [xp.arange(batch).reshape(batch, 1, *(1,) * 2 * n), xp.arange(channels).reshape(channels, *(1,) * 2 * n)], 0
    for i, (size, out, k) in enumerate(zip(self.shape[-n:], sizes, kernel, strict=True)):
        sample = samples[..., n - 1 - i if n == 2 else i]  # torch draws the width first for images, the depth first for volumes
        spots = _starts(xp, sample, size, out, k)[..., None] + xp.arange(k)
        spots = spots.reshape(batch, channels, *[out if j == i else 1 for j in range(n)], *[k if j == i else 1 for j in range(n)])
        index.append(spots)
        place = place * size + spots
    seen = x[tuple(index)].reshape(batch, channels, *sizes, math.prod(kernel))
    places = xp.broadcast_to(place, (batch, channels, *sizes, *kernel)).reshape(seen.shape)
    best = _largest(xp, seen, -1) if seen.size else xp.zeros((*seen.shape[:-1], 1), "int64")
    shape = (*self.shape[:-n], *sizes)
    return xp.take_along_axis(seen, best, -1).reshape(shape), xp.take_along_axis(places, best, -1).reshape(shape)


@_maxima(
    plan=_plan_fractional,
    node="FractionalMaxPool2DBackward",
    self=lambda grad, indices, self_spec, kernel, F: _unpooled(grad, indices, self_spec, len(kernel), F),
    real_only=no_kernel("fractional_max_pool2d_out_frame"),
)
def fractional_maxima2d(xp, self, samples, kernel: Ints, sizes: Ints):
    """Maxima of windows of the last 2 dims that begin at random steps, and their places."""
    return _fractional(xp, self, samples, kernel, sizes)


@_maxima(
    plan=_plan_fractional,
    node="FractionalMaxPool3DBackward",
    self=lambda grad, indices, self_spec, kernel, F: _unpooled(grad, indices, self_spec, len(kernel), F),
    real_only=no_kernel("fractional_max_pool3d_out_frame"),
)
def fractional_maxima3d(xp, self, samples, kernel: Ints, sizes: Ints):
    """Maxima of windows of the last 3 dims that begin at random steps, and their places."""
    return _fractional(xp, self, samples, kernel, sizes)


def _fractional_pool(F, self, kernel_size, output_size, output_ratio, return_indices, samples, n):
    """The sizes asked for, the random numbers, then the maxima.

    Raises ValueError with torch's sentences when no size follows from the arguments.
    """
    name, shape = f"fractional_max_pool{n}d", self.shape
    if output_size is None and output_ratio is None:
        raise TensorValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * n
        if len(ratios) != n:
            raise TensorValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
        output_size = tuple([int(size * ratio) for size, ratio in zip(shape[-n:], ratios, strict=True)])
    if samples is None:
        if len(shape) < n + 1:
            raise TensorIndexError(f"Dimension out of range (expected to be in range of [-{len(shape)}, {len(shape) - 1}], but got {-n - 1})")
        if self.dtype.category < FLOAT:
            raise not_implemented("check_uniform_bounds", self.dtype)
        samples = F.rand((1 if len(shape) == n + 1 else shape[0], shape[-n - 1], n), dtype=self.dtype, device=self.device)
    kernel, sizes = (tuple(v) if isinstance(v, (tuple, list)) else (v,) * n for v in (kernel_size, output_size))
    found = (F.fractional_maxima2d if n == 2 else F.fractional_maxima3d)(self, samples, kernel, sizes)
    return (found[0], found[1]) if return_indices else found[0]


@composite(namespace=NN, method=False)
def fractional_max_pool2d(
    F,
    self,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: Bool = False,
    _random_samples: Tensor | None = None,
):
    """The largest element of windows that begin at random steps, as many as asked for (Graham 2014); with return_indices also where it lies.

    Shapes: (n, c, h, w)  ->  (n, c, *output_size)
    Grad: grad at the place of each maximum, summed
    See: nn.FractionalMaxPool2d, nn.functional.max_pool2d

    >>> nn.functional.fractional_max_pool2d(tensor([[[1., 3.], [2., 0.]]]), 2, 1)
    tensor([[[3.]]])
    """
    return _fractional_pool(F, self, kernel_size, output_size, output_ratio, return_indices, _random_samples, 2)


@composite(namespace=NN, method=False)
def fractional_max_pool3d(
    F,
    self,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: Bool = False,
    _random_samples: Tensor | None = None,
):
    """The largest element of windows of volumes that begin at random steps; with return_indices also where it lies.

    Shapes: (n, c, d, h, w)  ->  (n, c, *output_size)
    Grad: grad at the place of each maximum, summed
    See: nn.FractionalMaxPool3d, nn.functional.max_pool3d

    >>> nn.functional.fractional_max_pool3d(ones(1, 3, 3, 3), 2, 1)
    tensor([[[[1.]]]])
    """
    return _fractional_pool(F, self, kernel_size, output_size, output_ratio, return_indices, _random_samples, 3)


# --- back to where maxima came from -----------------------------------------------------------------------------------


def _plan_unpool(self, places, sizes):
    n = len(sizes)
    if places.dtype is not dtypes.int64:
        raise TensorError("elements in indices should be type int64" + f" but got: {places.dtype.kernel_name}" * (n == 2))
    if self.ndim not in (n + 1, n + 2):
        raise TensorError(f"Input to max_unpooling{n}d should be a {n + 1}d or {n + 2}d Tensor, but got a tensor with {self.ndim} dimensions.")
    if self.shape != places.shape:
        raise TensorError(
            f"Expected shape of indices to be same as that of the input tensor ({list(self.shape)}) but got indices tensor with shape: {list(places.shape)}"
        )
    for dim in range(self.ndim - n - 1, self.ndim):
        if not self.shape[dim]:
            raise TensorError(
                f"max_unpooling{n}d_forward_out_cpu(): Expected input to have non-zero size for non-batch dimensions, but got {list(self.shape)} with"
                f" dimension {dim} being empty."
            )
    if self.dtype.category < FLOAT:
        raise not_implemented(f"max_unpool{n}d", self.dtype)
    shape = (*self.sizes[: self.ndim - n], *sizes)
    return laid_out(self, shape) if n == 2 else spec_of(self.dtype, self.device, shape)


def _unpool(xp, self, places, sizes):
    n, total = len(sizes), math.prod(sizes)
    flat = (*self.shape[:-n], math.prod(self.shape[-n:]))
    if places.size:
        outside = ((places < 0) | (places >= total)).reshape(-1)
        first = xp.take(places.reshape(-1), xp.argmax(outside))
        volumes = "x".join(map(str, sizes))
        insist(outside.any(), lambda: TensorError(f"Found an invalid max index: {int(first)} (output volumes are of size {volumes})"))
    found = xp.zeros((*flat[:-1], total), self.dtype)
    xp.put_along_axis(found, places.reshape(flat), self.reshape(flat), -1)
    return found.reshape(*self.shape[:-n], *sizes)


def _picked(grad, places, places_spec, sizes, F):
    """The gradient at the places that were written."""
    lead = places_spec.sizes[: places_spec.ndim - len(sizes)]
    flat = F.reshape(places, (*lead, math.prod(places_spec.sizes[len(lead) :])))
    return F.reshape(F.gather(F.reshape(grad, (*lead, math.prod(sizes))), len(lead), flat), places_spec.sizes)


_unpooling = partial(structural, function=False, method=False, out=False, plan=_plan_unpool)


@_unpooling(
    node="MaxUnpool2DBackward",
    self=lambda grad, places, places_spec, sizes, F: _picked(grad, places, places_spec, sizes, F),
    real_only=no_kernel("max_unpool2d"),
)
def unpooled2d(xp, self, places, sizes: Ints):
    """Zeros with the values at their places in the last 2 dims."""
    return _unpool(xp, self, places, sizes)


@_unpooling(
    node="MaxUnpool3DBackward",
    self=lambda grad, places, places_spec, sizes, F: _picked(grad, places, places_spec, sizes, F),
    real_only=no_kernel("max_unpool3d"),
)
def unpooled3d(xp, self, places, sizes: Ints):
    """Zeros with the values at their places in the last 3 dims."""
    return _unpool(xp, self, places, sizes)


def _unpooled_sizes(self, n, kernel_size, stride, padding, output_size):
    """The sizes to put values back into: those the windows cover, or others that they could have come from.

    Raises ValueError with torch's sentences for sizes that no such pooling starts from.
    """
    kernel = kernel_size * n if len(kernel_size) == 1 else kernel_size
    stride = kernel if stride is None else stride * n if len(stride) == 1 else stride
    padding = padding * n if len(padding) == 1 else padding
    usual = [(size - 1) * s + k - 2 * p for size, s, k, p in zip(self.shape[-n:], stride, kernel, padding, strict=True)]
    wanted = usual if output_size is None else list(output_size)
    if len(wanted) == n + 2:
        wanted = wanted[2:]
    if len(wanted) != n:
        raise TensorValueError(f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a length of '{len(wanted)}'")
    for d, (have, want, s) in enumerate(zip(usual, wanted, stride, strict=True)):
        if output_size is not None and not have - s < want < have + s:
            raise TensorValueError(f'invalid output_size "{output_size}" (dim {d} must be between {have - s} and {have + s})')
    for d, want in enumerate(wanted):
        if want < 0:
            raise TensorValueError(f"max_unpooling: output_size must contain non-negative spatial dimensions, but got output_size[{d}]={want}")
    return tuple(wanted)


@composite(namespace=NN, method=False)
def max_unpool1d(F, self, indices, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), output_size: Any = None):
    """Values put back where max_pool1d found them, zeros elsewhere.

    Shapes: (n, c, l), indices (n, c, l)  ->  (n, c, l_out)
    Grad: grad at the places of the values
    See: nn.functional.max_pool1d, nn.MaxUnpool1d

    >>> nn.functional.max_unpool1d(tensor([[3., 2.]]), tensor([[1, 2]]), 2)
    tensor([[0., 3., 2., 0.]])
    """
    sizes = _unpooled_sizes(self, 1, kernel_size, stride, padding, output_size)
    return F.squeeze_dim(F.unpooled2d(F.unsqueeze(self, -1), F.unsqueeze(indices, -1), (*sizes, 1)), -1)


@composite(namespace=NN, method=False)
def max_unpool2d(F, self, indices, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), output_size: Any = None):
    """Values put back where max_pool2d found them, zeros elsewhere.

    Shapes: (n, c, h, w), indices (n, c, h, w)  ->  (n, c, h_out, w_out)
    Grad: grad at the places of the values
    See: nn.functional.max_pool2d, nn.MaxUnpool2d

    >>> nn.functional.max_unpool2d(tensor([[[3.]]]), tensor([[[1]]]), 2)
    tensor([[[0., 3.],
             [0., 0.]]])
    """
    return F.unpooled2d(self, indices, _unpooled_sizes(self, 2, kernel_size, stride, padding, output_size))


@composite(namespace=NN, method=False)
def max_unpool3d(F, self, indices, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), output_size: Any = None):
    """Values put back where max_pool3d found them, zeros elsewhere.

    Shapes: (n, c, d, h, w), indices (n, c, d, h, w)  ->  (n, c, d_out, h_out, w_out)
    Grad: grad at the places of the values
    See: nn.functional.max_pool3d, nn.MaxUnpool3d

    >>> nn.functional.max_unpool3d(tensor([[[[3.]]]]), tensor([[[[1]]]]), (1, 1, 2))
    tensor([[[[0., 3.]]]])
    """
    return F.unpooled3d(self, indices, _unpooled_sizes(self, 3, kernel_size, stride, padding, output_size))
