"""Modules that lay elements out anew: padding, shuffles, patches, other sizes, dims split."""

from __future__ import annotations

from typing import Any

from ..errors import TensorTypeError
from ..registry import PUBLIC
from ..tensor import Tensor
from .activations import _Called
from .modules import Module


class Unflatten(Module):
    """A dim split into several.

    See: unflatten, nn.Flatten

    >>> nn.Unflatten(1, (2, 3))(ones(5, 6)).shape
    torch.Size([5, 2, 3])
    """

    names = frozenset(("dim", "unflattened_size"))

    def __init__(self, dim: int, unflattened_size: Any):
        if not isinstance(unflattened_size, (tuple, list)):
            raise TensorTypeError(f"unflattened_size must be a tuple of ints, but found type {type(unflattened_size).__name__}")
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Tensor) -> Any:
        """(n, a * b, ...) -> (n, a, b, ...)."""
        return PUBLIC["unflatten"].call(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Unfold(_Called):
    """Each window of an image as a column.

    See: nn.functional.unfold, nn.Fold, nn.Conv2d

    >>> nn.Unfold((1, 2))(tensor([[[[1., 2., 3.]]]]))
    tensor([[[1., 2.],
             [2., 3.]]])
    """

    op = "functional_unfold"
    settings = ("kernel_size", "dilation", "padding", "stride")

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1):
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride


class Fold(_Called):
    """Columns added up to an image, each over the window it stands for.

    See: nn.functional.fold, nn.Unfold

    >>> nn.Fold((1, 3), (1, 2))(tensor([[[1., 2.], [2., 3.]]]))
    tensor([[[[1., 4., 3.]]]])
    """

    op = "fold"
    settings = ("output_size", "kernel_size", "dilation", "padding", "stride")

    def __init__(self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1):
        self.output_size, self.kernel_size, self.dilation, self.padding, self.stride = output_size, kernel_size, dilation, padding, stride


class PixelShuffle(_Called):
    """Channels laid out as pixels: an image upscale_factor times as large, with fewer channels.

    See: nn.functional.pixel_shuffle, nn.PixelUnshuffle

    >>> nn.PixelShuffle(2)(arange(4.).reshape(1, 4, 1, 1))
    tensor([[[[0., 1.],
              [2., 3.]]]])
    """

    op = "pixel_shuffle"
    settings = ("upscale_factor",)

    def __init__(self, upscale_factor: int):
        self.upscale_factor = upscale_factor


class PixelUnshuffle(_Called):
    """Blocks of pixels as channels: PixelShuffle undone.

    See: nn.functional.pixel_unshuffle, nn.PixelShuffle

    >>> nn.PixelUnshuffle(2)(arange(4.).reshape(1, 1, 2, 2)).shape
    torch.Size([1, 4, 1, 1])
    """

    op = "pixel_unshuffle"
    settings = ("downscale_factor",)

    def __init__(self, downscale_factor: int):
        self.downscale_factor = downscale_factor


class ChannelShuffle(_Called):
    """The channels dealt out anew: the first of each group, then the second of each.

    See: nn.functional.channel_shuffle, nn.PixelShuffle

    >>> nn.ChannelShuffle(2)(arange(4.).reshape(1, 4, 1)).flatten()
    tensor([0., 2., 1., 3.])
    """

    op = "channel_shuffle"
    settings = ("groups",)

    def __init__(self, groups: int):
        self.groups = groups


class Upsample(_Called):
    """The input at another size, or times a factor; between elements by mode.

    See: nn.functional.interpolate, nn.ConvTranspose2d

    >>> nn.Upsample(scale_factor=2)(tensor([[[1., 3.]]]))
    tensor([[[1., 1., 3., 3.]]])
    """

    op = "interpolate"
    settings = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor")

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ):
        self.size, self.mode, self.align_corners, self.recompute_scale_factor = size, mode, align_corners, recompute_scale_factor
        several = isinstance(scale_factor, (tuple, list))
        self.scale_factor = tuple(map(float, scale_factor)) if several else float(scale_factor) if scale_factor else None

    def extra_repr(self) -> str:
        name = "size" if self.scale_factor is None else "scale_factor"
        return f"{name}={getattr(self, name)!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Images at another size, each element the nearest.

    See: nn.Upsample, nn.functional.interpolate

    >>> nn.UpsamplingNearest2d(scale_factor=2)(ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None):
        super().__init__(size, scale_factor)


class UpsamplingBilinear2d(Upsample):
    """Images at another size, by straight lines between their elements, the corners on each other.

    See: nn.Upsample, nn.functional.interpolate

    >>> nn.UpsamplingBilinear2d((1, 3))(tensor([[[[1., 3.]]]]))
    tensor([[[[1., 2., 3.]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None):
        super().__init__(size, scale_factor, "bilinear", True)


# --- padding ----------------------------------------------------------------------------------------------------------


class _Pad(Module):
    """Elements added before and after the last dims."""

    names = frozenset(("padding",))
    dims, mode = 1, "constant"

    def __init__(self, padding: Any):
        self.padding = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * 2 * self.dims

    def forward(self, input: Tensor) -> Any:
        """(n, c, *sizes) -> (n, c, *sizes with what was added)."""
        return PUBLIC["pad"].call(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    names = frozenset(("padding", "value"))

    def __init__(self, padding: Any, value: float):
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Any:
        """(n, c, *sizes) -> (n, c, *sizes with what was added)."""
        return PUBLIC["pad"].call(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    """A constant of 0, which the printed form leaves out."""

    def __init__(self, padding: Any):
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return str(self.padding)


class ConstantPad1d(_ConstantPad):
    """`value` before and after the last dim.

    See: nn.functional.pad, nn.ZeroPad1d

    >>> nn.ConstantPad1d((1, 0), 7.)(tensor([[[1., 2.]]]))
    tensor([[[7., 1., 2.]]])
    """

    dims = 1


class ConstantPad2d(_ConstantPad):
    """`value` before and after the last 2 dims of images.

    See: nn.functional.pad, nn.ZeroPad2d

    >>> nn.ConstantPad2d(1, 7.)(ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    dims = 2


class ConstantPad3d(_ConstantPad):
    """`value` before and after the last 3 dims of volumes.

    See: nn.functional.pad, nn.ZeroPad3d

    >>> nn.ConstantPad3d(1, 7.)(ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    dims = 3


class ZeroPad1d(_ZeroPad, ConstantPad1d):
    """Zeros before and after the last dim.

    See: nn.functional.pad, nn.ConstantPad1d

    >>> nn.ZeroPad1d((1, 0))(tensor([[[1., 2.]]]))
    tensor([[[0., 1., 2.]]])
    """


class ZeroPad2d(_ZeroPad, ConstantPad2d):
    """Zeros before and after the last 2 dims of images.

    See: nn.functional.pad, nn.ConstantPad2d

    >>> nn.ZeroPad2d(1)(ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """


class ZeroPad3d(_ZeroPad, ConstantPad3d):
    """Zeros before and after the last 3 dims of volumes.

    See: nn.functional.pad, nn.ConstantPad3d

    >>> nn.ZeroPad3d(1)(ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """


class ReflectionPad1d(_Pad):
    """The elements mirrored at the ends, before and after the last dim.

    See: nn.functional.pad, nn.ZeroPad1d

    >>> nn.ReflectionPad1d((1, 0))(tensor([[[1., 2., 3.]]]))
    tensor([[[2., 1., 2., 3.]]])
    """

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """The elements mirrored at the ends, before and after the last 2 dims of images.

    See: nn.functional.pad, nn.ZeroPad2d

    >>> nn.ReflectionPad2d(1)(ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    dims, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """The elements mirrored at the ends, before and after the last 3 dims of volumes.

    See: nn.functional.pad, nn.ZeroPad3d

    >>> nn.ReflectionPad3d(1)(ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    dims, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """The outermost elements again, before and after the last dim.

    See: nn.functional.pad, nn.ZeroPad1d

    >>> nn.ReplicationPad1d((1, 0))(tensor([[[1., 2., 3.]]]))
    tensor([[[1., 1., 2., 3.]]])
    """

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The outermost elements again, before and after the last 2 dims of images.

    See: nn.functional.pad, nn.ZeroPad2d

    >>> nn.ReplicationPad2d(1)(ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    dims, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """The outermost elements again, before and after the last 3 dims of volumes.

    See: nn.functional.pad, nn.ZeroPad3d

    >>> nn.ReplicationPad3d(1)(ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    dims, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """The elements of the other end, before and after the last dim.

    See: nn.functional.pad, nn.ZeroPad1d

    >>> nn.CircularPad1d((1, 0))(tensor([[[1., 2., 3.]]]))
    tensor([[[3., 1., 2., 3.]]])
    """

    dims, mode = 1, "circular"


class CircularPad2d(_Pad):
    """The elements of the other end, before and after the last 2 dims of images.

    See: nn.functional.pad, nn.ZeroPad2d

    >>> nn.CircularPad2d(1)(ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    dims, mode = 2, "circular"


class CircularPad3d(_Pad):
    """The elements of the other end, before and after the last 3 dims of volumes.

    See: nn.functional.pad, nn.ZeroPad3d

    >>> nn.CircularPad3d(1)(ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    dims, mode = 3, "circular"
