"""Patches of images as columns and back, elements moved between channels and places, and the norm over neighbouring channels."""

from __future__ import annotations

import math

from ..dtypes import BOOL, FLOAT
from ..errors import TensorError, TensorValueError
from ..families.common import not_implemented
from ..families.structural import composite, structural
from ..spec import spec_of
from .conv import folded, laid_out, out_sizes, padded, windows

NN = "torch.nn.functional"


# --- patches as columns -----------------------------------------------------------------------------------------------


def _check_steps(kernel, dilation, padding, stride):
    """Refuse what torch refuses of a window's geometry."""
    for name, pair in (("kernel_size", kernel), ("dilation", dilation), ("padding", padding), ("stride", stride)):
        if len(pair) != 2:
            raise TensorError(f"It is expected {name} equals to 2, but got size {len(pair)}")
    for name, key, pair, least in (
        ("kernel size", "kernel", kernel, 1),
        ("dilation", "dilation", dilation, 1),
        ("padding", "pad", padding, 0),
        ("stride", "stride", stride, 1),
    ):
        if min(pair) < least:
            words = "non-negative" if not least else "greater than zero"
            raise TensorError(f"{name} should be {words}, but got {key}_height: {pair[0]} {key}_width: {pair[1]}")


def _plan_im2col(self, kernel, dilation, padding, stride):
    _check_steps(kernel, dilation, padding, stride)
    if self.ndim not in (3, 4) or 0 in self.shape[-3:]:
        raise TensorError(
            f"Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {list(self.shape)}"
        )
    sizes = self.sizes[-2:]
    out = out_sizes(sizes, kernel, stride, padding, dilation)
    if min(out) < 1:
        raise TensorError(
            f"Given input with spatial size {sizes}, kernel_size={kernel}, dilation={dilation}, padding={padding}, calculated shape of the array"
            f" of sliding blocks as {out}, but its components must be at least one."
        )
    if self.dtype.category < FLOAT and self.dtype.category != BOOL:
        raise not_implemented("im2col_out_cpu", self.dtype)
    return spec_of(self.dtype, self.device, (*self.sizes[:-3], self.shape[-3] * math.prod(kernel), math.prod(out)))


@structural(
    plan=_plan_im2col,
    node="Im2ColBackward",
    self=lambda grad, self_spec, kernel, dilation, padding, stride, F: F.col2im(grad, self_spec.sizes[-2:], kernel, dilation, padding, stride),
    function=False,
    method=False,
    out=False,
)
def im2col(xp, self, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints):
    """Each window of an image as a column."""
    out = out_sizes(self.shape[-2:], kernel, stride, padding, dilation)
    seen = windows(xp, padded(xp, self, padding), kernel, stride, dilation, out)
    return seen.reshape(*self.shape[:-3], self.shape[-3] * math.prod(kernel), math.prod(out))


def _plan_col2im(self, sizes, kernel, dilation, padding, stride):
    if len(sizes) != 2:
        raise TensorError(f"It is expected output_size equals to 2, but got size {len(sizes)}")
    _check_steps(kernel, dilation, padding, stride)
    if self.ndim not in (2, 3) or 0 in self.shape[-2:]:
        raise TensorError(
            f"Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: {list(self.shape)}"
        )
    channels = self.shape[-2]
    if channels % math.prod(kernel):
        raise TensorError(
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)={channels} and kernel_size={kernel}."
        )
    out = out_sizes(sizes, kernel, stride, padding, dilation)
    if math.prod(out) != self.shape[-1] or min(out) < 1:
        raise TensorError(
            f"Given output_size={sizes}, kernel_size={kernel}, dilation={dilation}, padding={padding}, stride={stride}, expected size of input's"
            f" dimension 2 to match the calculated number of sliding blocks {out[0]} * {out[1]} = {math.prod(out)}, but got"
            f" input.size(2)={self.shape[-1]}."
        )
    if self.dtype.category < FLOAT and self.dtype.category != BOOL:
        raise not_implemented("col2im_out_cpu", self.dtype)
    return spec_of(self.dtype, self.device, (*self.sizes[:-2], channels // math.prod(kernel), *sizes))


@structural(
    plan=_plan_col2im,
    node="Col2ImBackward",
    self=lambda grad, kernel, dilation, padding, stride, F: F.im2col(grad, kernel, dilation, padding, stride),
    function=False,
    method=False,
    out=False,
)
def col2im(xp, self, sizes: Ints, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints):
    """Columns added up where their windows lie."""
    out = out_sizes(sizes, kernel, stride, padding, dilation)
    columns = self.reshape(*self.shape[:-2], self.shape[-2] // math.prod(kernel), *kernel, *out)
    return folded(xp, columns, kernel, stride, dilation, padding, out, sizes)


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


@composite(namespace=NN, method=False)
def functional_unfold(F, self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1):
    """Each window of an image as a column, its channels below one another.

    Shapes: (n, c, h, w)  ->  (n, c * kh * kw, places)
    Grad: grad's columns added up where their windows lie
    See: nn.Unfold, nn.functional.fold, nn.functional.conv2d, Tensor.unfold

    >>> nn.functional.unfold(tensor([[[[1., 2., 3.]]]]), (1, 2))
    tensor([[[1., 2.],
             [2., 3.]]])
    """
    return F.im2col(self, _pair(kernel_size), _pair(dilation), _pair(padding), _pair(stride))


@composite(namespace=NN, method=False)
def fold(F, self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1):
    """Columns added up to an image, each over the window it stands for: what unfold took apart, with overlaps summed.

    Shapes: (n, c * kh * kw, places)  ->  (n, c, *output_size)
    Grad: grad's windows as columns
    See: nn.Fold, nn.functional.unfold, nn.functional.conv_transpose2d

    >>> nn.functional.fold(tensor([[[1., 2.], [2., 3.]]]), (1, 3), (1, 2))
    tensor([[[[1., 4., 3.]]]])
    """
    return F.col2im(self, _pair(output_size), _pair(kernel_size), _pair(dilation), _pair(padding), _pair(stride))


# --- between channels and places --------------------------------------------------------------------------------------


def _check_shuffle(self, name, factor, word):
    if self.ndim < 3:
        raise TensorError(f"{name} expects input to have at least 3 dimensions, but got input with {self.ndim} dimension(s)")
    if factor <= 0:
        raise TensorError(f"{name} expects a positive {word}, but got {factor}")


def _plan_pixel_shuffle(self, upscale_factor):
    _check_shuffle(self, "pixel_shuffle", upscale_factor, "upscale_factor")
    *lead, c, h, w = self.sizes
    if c % upscale_factor**2:
        raise TensorError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but"
            f" input.size(-3)={c} is not divisible by {upscale_factor**2}"
        )
    return laid_out(self, (*lead, c // upscale_factor**2, h * upscale_factor, w * upscale_factor))


@structural(namespace=NN, method=False, out=False, plan=_plan_pixel_shuffle, self=lambda grad, upscale_factor, F: F.pixel_unshuffle(grad, upscale_factor))
def pixel_shuffle(xp, self, upscale_factor: Int):
    """Channels laid out as r * r pixels each: an image r times as large, with fewer channels (Shi et al. 2016).

    Shapes: (..., c * r * r, h, w)  ->  (..., c, h * r, w * r)
    Grad: pixel_unshuffle of grad
    See: nn.PixelShuffle, nn.functional.pixel_unshuffle

    >>> nn.functional.pixel_shuffle(arange(4.).reshape(1, 4, 1, 1), 2)
    tensor([[[[0., 1.],
              [2., 3.]]]])
    """
    *lead, c, h, w = self.shape
    r, n = upscale_factor, len(lead)
    apart = self.reshape(*lead, c // r**2, r, r, h, w)
    return apart.transpose(*range(n + 1), n + 3, n + 1, n + 4, n + 2).reshape(*lead, c // r**2, h * r, w * r)


def _plan_pixel_unshuffle(self, downscale_factor):
    _check_shuffle(self, "pixel_unshuffle", downscale_factor, "downscale_factor")
    *lead, c, h, w = self.sizes
    for name, size, place in (("height", h, -2), ("width", w, -1)):
        if size % downscale_factor:
            raise TensorError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({place})={size} is not divisible by {downscale_factor}"
            )
    return laid_out(self, (*lead, c * downscale_factor**2, h // downscale_factor, w // downscale_factor))


@structural(namespace=NN, method=False, out=False, plan=_plan_pixel_unshuffle, self=lambda grad, downscale_factor, F: F.pixel_shuffle(grad, downscale_factor))
def pixel_unshuffle(xp, self, downscale_factor: Int):
    """Each block of r * r pixels as channels: pixel_shuffle undone.

    Shapes: (..., c, h * r, w * r)  ->  (..., c * r * r, h, w)
    Grad: pixel_shuffle of grad
    See: nn.PixelUnshuffle, nn.functional.pixel_shuffle

    >>> nn.functional.pixel_unshuffle(arange(4.).reshape(1, 1, 2, 2), 2).flatten()
    tensor([0., 1., 2., 3.])
    """
    *lead, c, h, w = self.shape
    r, n = downscale_factor, len(lead)
    apart = self.reshape(*lead, c, h // r, r, w // r, r)
    return apart.transpose(*range(n + 1), n + 2, n + 4, n + 1, n + 3).reshape(*lead, c * r**2, h // r, w // r)


def _plan_channel_shuffle(self, groups):
    if self.ndim < 3:
        raise TensorError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(self.shape)}")
    if groups <= 0:
        raise TensorError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    if self.shape[1] % groups:
        raise TensorError(f"Number of channels must be divisible by groups. Got {self.shape[1]} channels and {groups} groups.")
    return laid_out(self, self.sizes)


@structural(
    namespace=NN,
    method=False,
    out=False,
    plan=_plan_channel_shuffle,
    self=lambda grad, self_spec, groups, F: F.channel_shuffle(grad, max(self_spec.shape[1] // groups, 1)),
)
def channel_shuffle(xp, self, groups: Int):
    """The channels (dim 1) dealt out anew: the first of each group, then the second of each (Zhang et al. 2018).

    Shapes: (n, c, ...); kept
    Grad: grad's channels dealt back
    See: nn.ChannelShuffle, nn.functional.pixel_shuffle

    >>> nn.functional.channel_shuffle(arange(4.).reshape(1, 4, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    n, c, *rest = self.shape
    return xp.swapaxes(self.reshape(n, groups, c // groups, *rest), 1, 2).reshape(self.shape)


# --- the norm over neighbouring channels ------------------------------------------------------------------------------


@composite(namespace=NN, method=False)
def local_response_norm(F, self, size: Int, alpha: Float = 1e-4, beta: Float = 0.75, k: Float = 1.0):
    """Each element over (k + alpha * mean of the squares of `size` neighbouring channels) ** beta (Krizhevsky et al. 2012).

    Shapes: (n, c, ...); kept
    Grad: that of the quotient
    See: nn.LocalResponseNorm, nn.functional.group_norm

    >>> nn.functional.local_response_norm(ones(1, 2, 1), 2, alpha=3., beta=1.)
    tensor([[[0.4000],
             [0.2500]]])
    """
    ndim = len(self.shape)
    if ndim < 3:
        raise TensorValueError(f"Expected 3D or higher dimensionality                          input (got {ndim} dimensions)")
    if not self.spec.numel:
        return self
    squares, before, after = self * self, size // 2, (size - 1) // 2
    if ndim == 3:
        wide = F.pad(F.unsqueeze(squares, 1), (0, 0, before, after))
        means = F.squeeze_dim(F.avg_pool2d(wide, (size, 1), 1), 1)
    else:
        n, c, h, *_ = self.shape
        wide = F.pad(F.view(squares, (n, 1, c, h, -1)), (0, 0, 0, 0, before, after))
        means = F.view(F.squeeze_dim(F.avg_pool3d(wide, (size, 1, 1), 1), 1), tuple(self.shape))
    return self / (means * alpha + k) ** beta
