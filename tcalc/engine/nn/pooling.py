"""Pooling as modules: windows slid over the last dims, parts of them, and values put back where maxima came from."""

from __future__ import annotations

from typing import Any

from ..errors import TensorValueError
from ..registry import PUBLIC
from ..tensor import Tensor
from .activations import _Called
from .modules import Module, _tuple

Sizes = int | tuple[int, ...]


class _Pool(_Called):
    """A function of nn.functional with its settings, some of them shown."""

    shown: tuple[str, ...] = ()

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.shown)


# --- windows ----------------------------------------------------------------------------------------------------------


class _MaxPool(_Pool):
    """Maxima of windows; without a stride they lie side by side."""

    shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    settings = (*shown, "return_indices")

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ):
        self.kernel_size, self.stride, self.padding, self.dilation = (
            kernel_size,
            kernel_size if stride is None else stride,
            padding,
            dilation,
        )
        self.return_indices, self.ceil_mode = return_indices, ceil_mode


class MaxPool1d(_MaxPool):
    """The largest element of each window; with return_indices also where it lies.

    See: nn.functional.max_pool1d, nn.AvgPool1d, nn.Conv1d

    >>> nn.MaxPool1d(2)(tensor([[1., 3., 2., 0.]]))
    tensor([[3., 2.]])
    """

    op = "max_pool1d"


class MaxPool2d(_MaxPool):
    """The largest element of each window; with return_indices also where it lies.

    See: nn.functional.max_pool2d, nn.AvgPool2d, nn.Conv2d

    >>> nn.MaxPool2d(2)(tensor([[[1., 3.], [2., 0.]]]))
    tensor([[[3.]]])
    """

    op = "max_pool2d"


class MaxPool3d(_MaxPool):
    """The largest element of each window of volumes; with return_indices also where it lies.

    See: nn.functional.max_pool3d, nn.AvgPool3d, nn.Conv3d

    >>> nn.MaxPool3d((1, 2, 2))(tensor([[[[1., 3.], [2., 0.]]]]))
    tensor([[[[3.]]]])
    """

    op = "max_pool3d"


class AvgPool1d(_Pool):
    """The mean of each window.

    See: nn.functional.avg_pool1d, nn.MaxPool1d, nn.AdaptiveAvgPool1d

    >>> nn.AvgPool1d(2)(tensor([[1., 3., 2., 0.]]))
    tensor([[2., 1.]])
    """

    op = "avg_pool1d"
    shown = ("kernel_size", "stride", "padding")
    settings = (*shown, "ceil_mode", "count_include_pad")

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ):
        stride = kernel_size if stride is None else stride
        self.kernel_size, self.stride, self.padding = _tuple(kernel_size, 1), _tuple(stride, 1), _tuple(padding, 1)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad


class _AvgPool(_Pool):
    """Means of windows of several dims; without a stride they lie side by side."""

    shown = ("kernel_size", "stride", "padding")
    settings = (*shown, "ceil_mode", "count_include_pad", "divisor_override")

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override


class AvgPool2d(_AvgPool):
    """The mean of each window.

    See: nn.functional.avg_pool2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d

    >>> nn.AvgPool2d(2)(tensor([[[1., 3.], [2., 0.]]]))
    tensor([[[1.5000]]])
    """

    op = "avg_pool2d"


class AvgPool3d(_AvgPool):
    """The mean of each window of volumes.

    See: nn.functional.avg_pool3d, nn.MaxPool3d, nn.AdaptiveAvgPool3d

    >>> nn.AvgPool3d((1, 2, 2))(tensor([[[[1., 3.], [2., 0.]]]]))
    tensor([[[[1.5000]]]])
    """

    op = "avg_pool3d"


class _LPPool(_Pool):
    """Norms of windows; without a stride they lie side by side."""

    settings = shown = ("norm_type", "kernel_size", "stride", "ceil_mode")

    def __init__(self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False):
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode


class LPPool1d(_LPPool):
    """The norm_type-norm of each window.

    See: nn.functional.lp_pool1d, nn.AvgPool1d

    >>> nn.LPPool1d(2, 2)(tensor([[3., 4., 0., 1.]]))
    tensor([[5., 1.]])
    """

    op = "lp_pool1d"


class LPPool2d(_LPPool):
    """The norm_type-norm of each window.

    See: nn.functional.lp_pool2d, nn.AvgPool2d

    >>> nn.LPPool2d(2, (1, 2))(tensor([[[3., 4.]]]))
    tensor([[[5.]]])
    """

    op = "lp_pool2d"


class LPPool3d(_LPPool):
    """The norm_type-norm of each window of volumes.

    See: nn.functional.lp_pool3d, nn.AvgPool3d

    >>> nn.LPPool3d(2, (1, 1, 2))(tensor([[[[3., 4.]]]]))
    tensor([[[[5.]]]])
    """

    op = "lp_pool3d"


# --- parts ------------------------------------------------------------------------------------------------------------


class _AdaptiveAvg(_Pool):
    settings = shown = ("output_size",)

    def __init__(self, output_size: Any):
        self.output_size = output_size


class _AdaptiveMax(_Pool):
    shown = ("output_size",)
    settings = ("output_size", "return_indices")

    def __init__(self, output_size: Any, return_indices: bool = False):
        self.output_size, self.return_indices = output_size, return_indices


class AdaptiveAvgPool1d(_AdaptiveAvg):
    """Means of output_size parts of about equal length.

    See: nn.functional.adaptive_avg_pool1d, nn.AvgPool1d

    >>> nn.AdaptiveAvgPool1d(1)(tensor([[1., 3., 2., 0.]]))
    tensor([[1.5000]])
    """

    op = "adaptive_avg_pool1d"


class AdaptiveAvgPool2d(_AdaptiveAvg):
    """Means of as many parts of height and width as asked for; None keeps a size.

    See: nn.functional.adaptive_avg_pool2d, nn.AvgPool2d

    >>> nn.AdaptiveAvgPool2d(1)(tensor([[[1., 3.], [2., 0.]]]))
    tensor([[[1.5000]]])
    """

    op = "adaptive_avg_pool2d"


class AdaptiveAvgPool3d(_AdaptiveAvg):
    """Means of as many parts of depth, height and width as asked for; None keeps a size.

    See: nn.functional.adaptive_avg_pool3d, nn.AvgPool3d

    >>> nn.AdaptiveAvgPool3d(1)(tensor([[[[1., 3.], [2., 0.]]]]))
    tensor([[[[1.5000]]]])
    """

    op = "adaptive_avg_pool3d"


class AdaptiveMaxPool1d(_AdaptiveMax):
    """Maxima of output_size parts of about equal length.

    See: nn.functional.adaptive_max_pool1d, nn.MaxPool1d

    >>> nn.AdaptiveMaxPool1d(1)(tensor([[1., 3., 2., 0.]]))
    tensor([[3.]])
    """

    op = "adaptive_max_pool1d"


class AdaptiveMaxPool2d(_AdaptiveMax):
    """Maxima of as many parts of height and width as asked for; None keeps a size.

    See: nn.functional.adaptive_max_pool2d, nn.MaxPool2d

    >>> nn.AdaptiveMaxPool2d(1)(tensor([[[1., 3.], [2., 0.]]]))
    tensor([[[3.]]])
    """

    op = "adaptive_max_pool2d"


class AdaptiveMaxPool3d(_AdaptiveMax):
    """Maxima of as many parts of depth, height and width as asked for; None keeps a size.

    See: nn.functional.adaptive_max_pool3d, nn.MaxPool3d

    >>> nn.AdaptiveMaxPool3d(1)(tensor([[[[1., 3.], [2., 0.]]]]))
    tensor([[[[3.]]]])
    """

    op = "adaptive_max_pool3d"


# --- windows at random steps ------------------------------------------------------------------------------------------


class _Fractional(_Pool):
    settings = ("kernel_size", "output_size", "output_ratio", "return_indices", "_random_samples")
    dims = 2

    def __init__(
        self, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False, _random_samples: Any = None
    ):
        name, n = type(self).__name__, self.dims
        self.kernel_size, self.return_indices, self._random_samples = _tuple(kernel_size, n), return_indices, _random_samples
        self.output_size = None if output_size is None else _tuple(output_size, n)
        self.output_ratio = None if output_ratio is None else _tuple(output_ratio, n)
        if output_size is None and output_ratio is None:
            raise TensorValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise TensorValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise TensorValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")


class FractionalMaxPool2d(_Fractional):
    """The largest element of windows that begin at random steps, as many as output_size or output_ratio asks for (Graham 2014).

    See: nn.functional.fractional_max_pool2d, nn.MaxPool2d

    >>> nn.FractionalMaxPool2d(2, output_size=1)(tensor([[[1., 3.], [2., 0.]]]))
    tensor([[[3.]]])
    """

    op = "fractional_max_pool2d"


class FractionalMaxPool3d(_Fractional):
    """The largest element of windows of volumes that begin at random steps, as many as output_size or output_ratio asks for.

    See: nn.functional.fractional_max_pool3d, nn.MaxPool3d

    >>> nn.FractionalMaxPool3d(2, output_size=1)(ones(1, 3, 3, 3))
    tensor([[[[1.]]]])
    """

    op = "fractional_max_pool3d"
    dims = 3


# --- back to where maxima came from -----------------------------------------------------------------------------------


class _Unpool(Module):
    """Values put back where a pooling of the same settings found them."""

    names = frozenset(("kernel_size", "stride", "padding"))
    op, dims = "", 1

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0):
        n = self.dims
        self.kernel_size, self.padding = _tuple(kernel_size, n), _tuple(padding, n)
        self.stride = _tuple(kernel_size if stride is None else stride, n)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Any:
        """(n, c, *places), indices likewise -> (n, c, *sizes)."""
        return PUBLIC[self.op].call(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_Unpool):
    """Values put back where MaxPool1d with return_indices found them, zeros elsewhere.

    See: nn.functional.max_unpool1d, nn.MaxPool1d

    >>> nn.MaxUnpool1d(2)(tensor([[3., 2.]]), tensor([[1, 2]]))
    tensor([[0., 3., 2., 0.]])
    """

    op, dims = "max_unpool1d", 1


class MaxUnpool2d(_Unpool):
    """Values put back where MaxPool2d with return_indices found them, zeros elsewhere.

    See: nn.functional.max_unpool2d, nn.MaxPool2d

    >>> nn.MaxUnpool2d(2)(tensor([[[3.]]]), tensor([[[1]]]))
    tensor([[[0., 3.],
             [0., 0.]]])
    """

    op, dims = "max_unpool2d", 2


class MaxUnpool3d(_Unpool):
    """Values put back where MaxPool3d with return_indices found them, zeros elsewhere.

    See: nn.functional.max_unpool3d, nn.MaxPool3d

    >>> nn.MaxUnpool3d((1, 1, 2))(tensor([[[[3.]]]]), tensor([[[[1]]]]))
    tensor([[[[0., 3.]]]])
    """

    op, dims = "max_unpool3d", 3
