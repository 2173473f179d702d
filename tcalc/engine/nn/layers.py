"""Layers with parameters or geometry as modules: convolutions, normalisations, pooling, embedding, bilinear forms, reshaping."""

from __future__ import annotations

import math
from typing import Any

from .. import dtypes
from ..data import tensor
from ..errors import TensorValueError
from ..modes import no_grad
from ..registry import PUBLIC
from ..tensor import Tensor
from . import init
from .modules import Module, _parameter

Sizes = int | tuple[int, ...]


def _tuple(value: Any, n: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


class _Convolution(Module):
    """Weights (out, in / groups, *kernel), or with `transposed` (in, out / groups, *kernel), and a bias, both uniform in +-1/sqrt(fan_in)."""

    names = frozenset("in_channels out_channels kernel_size stride padding dilation groups output_padding padding_mode weight bias".split())
    op, dims, transposed = "", 1, False
    padding_mode = "zeros"

    def _build(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        output_padding: Sizes,
        dilation: Sizes,
        groups: int,
        bias: bool,
        device: Any,
        dtype: dtypes.dtype | None,
    ) -> None:
        if groups <= 0:
            raise TensorValueError("groups must be a positive integer")
        if in_channels % groups:
            raise TensorValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise TensorValueError("out_channels must be divisible by groups")
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise TensorValueError(f"Invalid padding string '{padding}', should be one of {{'valid', 'same'}}")
        n = self.dims
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = _tuple(kernel_size, n), _tuple(stride, n), _tuple(dilation, n)
        self.padding = padding if isinstance(padding, str) else _tuple(padding, n)
        self.output_padding = _tuple(output_padding, n)
        if padding == "same" and any(s != 1 for s in self.stride):
            raise TensorValueError("padding='same' is not supported for strided convolutions")
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = _parameter(first, second // groups, *self.kernel_size, dtype=dtype, device=device)
        self.bias = _parameter(out_channels, dtype=dtype, device=device) if bias else None
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = second // groups * math.prod(self.kernel_size)
        if self.bias is not None and fan_in:
            bound = 1 / math.sqrt(fan_in)
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Any:
        """(n, in_channels, *sizes) -> (n, out_channels, *sizes)."""
        return PUBLIC[self.op].call(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        for name, usual in (("padding", zeros), ("dilation", ones), ("output_padding", zeros), ("groups", 1)):
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        return text + ", bias=False" * (self.bias is None)


class Conv1d(_Convolution):
    """Kernels slid over (n, in_channels, length): see nn.functional.conv1d.

    See: nn.functional.conv1d, nn.Linear

    >>> nn.Conv1d(1, 2, 3)(ones(1, 1, 5)).shape
    torch.Size([1, 2, 3])
    """

    op, dims = "conv1d", 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self._build(in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias, device, dtype)


class Conv2d(_Convolution):
    """Kernels slid over (n, in_channels, height, width): see nn.functional.conv2d.

    See: nn.functional.conv2d, nn.Linear, nn.MaxPool2d

    >>> nn.Conv2d(1, 2, 3)(ones(1, 1, 5, 5)).shape
    torch.Size([1, 2, 3, 3])
    """

    op, dims = "conv2d", 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self._build(in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias, device, dtype)


class Conv3d(_Convolution):
    """Kernels slid over (n, in_channels, depth, height, width): see nn.functional.conv3d.

    See: nn.functional.conv3d, nn.Linear

    >>> nn.Conv3d(1, 2, 3)(ones(1, 1, 3, 3, 3)).shape
    torch.Size([1, 2, 1, 1, 1])
    """

    op, dims = "conv3d", 3

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self._build(in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias, device, dtype)


class ConvTranspose1d(_Convolution):
    """Each element of (n, in_channels, length) spread by the kernels: see nn.functional.conv_transpose1d.

    See: nn.functional.conv_transpose1d, nn.Conv1d

    >>> nn.ConvTranspose1d(1, 2, 3)(ones(1, 1, 5)).shape
    torch.Size([1, 2, 7])
    """

    op, dims, transposed = "conv_transpose1d", 1, True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        *,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self._build(in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias, device, dtype)

    def forward(self, input: Tensor) -> Any:
        """(n, in_channels, *sizes) -> (n, out_channels, *sizes)."""
        return PUBLIC[self.op].call(input, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation)


class ConvTranspose2d(_Convolution):
    """Each element of (n, in_channels, height, width) spread by the kernels: see nn.functional.conv_transpose2d.

    See: nn.functional.conv_transpose2d, nn.Conv2d

    >>> nn.ConvTranspose2d(1, 2, 3)(ones(1, 1, 5, 5)).shape
    torch.Size([1, 2, 7, 7])
    """

    op, dims, transposed = "conv_transpose2d", 2, True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        *,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self._build(in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias, device, dtype)

    def forward(self, input: Tensor) -> Any:
        """(n, in_channels, *sizes) -> (n, out_channels, *sizes)."""
        return PUBLIC[self.op].call(input, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation)


class Bilinear(Module):
    """`x1 @ weight[k] @ x2 + bias[k]` for each output k: (..., in1), (..., in2) -> (..., out).

    weight (out, in1, in2) and bias (out,) start uniform in +-1/sqrt(in1).

    See: nn.Linear

    >>> nn.Bilinear(2, 3, 4)(ones(5, 2), ones(5, 3)).shape
    torch.Size([5, 4])
    """

    names = frozenset("in1_features in2_features out_features weight bias".split())

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        if in1_features <= 0:
            raise TensorValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = _parameter(out_features, in1_features, in2_features, dtype=dtype, device=device)
        self.bias = _parameter(out_features, dtype=dtype, device=device) if bias else None
        bound = 1 / math.sqrt(in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Any:
        """(..., in1), (..., in2) -> (..., out)."""
        return PUBLIC["bilinear"].call(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        features = f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}"
        return f"{features}, bias={self.bias is not None}"


class Embedding(Module):
    """A table with a row for each of num_embeddings places, normally distributed; the row `padding_idx` starts at 0 and stays.

    See: nn.functional.embedding, nn.Linear

    >>> nn.Embedding(10, 3)(tensor([1, 2])).shape
    torch.Size([2, 3])
    """

    names = frozenset("num_embeddings embedding_dim padding_idx weight".split())

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, device: Any = None, dtype: dtypes.dtype | None = None
    ):
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise TensorValueError("Padding_idx must be within num_embeddings")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = padding_idx + num_embeddings if padding_idx is not None and padding_idx < 0 else padding_idx
        self.weight: Any = _parameter(num_embeddings, embedding_dim, dtype=dtype, device=device)
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input: Tensor) -> Any:
        """(...) of places -> (..., embedding_dim)."""
        return PUBLIC["embedding"].call(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class LayerNorm(Module):
    """The last dims, of shape normalized_shape, brought to mean 0 and variance 1, then scaled and moved.

    See: nn.functional.layer_norm, nn.RMSNorm, nn.BatchNorm1d

    >>> nn.LayerNorm(2, elementwise_affine=False)(tensor([[1., 3.]]))
    tensor([[-1.0000,  1.0000]])
    """

    names = frozenset("normalized_shape eps elementwise_affine weight bias".split())

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self.normalized_shape, self.eps, self.elementwise_affine = _tuple(normalized_shape, 1), eps, elementwise_affine
        self.weight, self.bias = _affine(self.normalized_shape, elementwise_affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Any:
        """(..., *normalized_shape); kept."""
        return PUBLIC["layer_norm"].call(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"


def _affine(shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: dtypes.dtype | None) -> tuple[Any, Any]:
    """A weight of ones and a bias of zeros, or None for them."""
    ones = init.ones_(_parameter(*shape, dtype=dtype, device=device)) if weight else None
    return ones, init.zeros_(_parameter(*shape, dtype=dtype, device=device)) if weight and bias else None


class RMSNorm(Module):
    """The last dims, of shape normalized_shape, over the root of their mean square, times a weight.

    See: nn.functional.rms_norm, nn.LayerNorm

    >>> nn.RMSNorm(2, elementwise_affine=False)(tensor([[3., 3.]]))
    tensor([[1., 1.]])
    """

    names = frozenset("normalized_shape eps elementwise_affine weight".split())

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self.normalized_shape, self.eps, self.elementwise_affine = _tuple(normalized_shape, 1), eps, elementwise_affine
        self.weight, _ = _affine(self.normalized_shape, elementwise_affine, False, device, dtype)

    def forward(self, input: Tensor) -> Any:
        """(..., *normalized_shape); kept."""
        return PUBLIC["rms_norm"].call(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """The channels (dim 1) in groups, each brought to mean 0 and variance 1, then scaled and moved channel by channel.

    See: nn.functional.group_norm, nn.LayerNorm

    >>> nn.GroupNorm(2, 4, affine=False)(tensor([[1., 3., 5., 9.]]))
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """

    names = frozenset("num_groups num_channels eps affine weight bias".split())

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
        *,
        bias: bool = True,
    ):
        if num_channels % num_groups:
            raise TensorValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.weight, self.bias = _affine((num_channels,), affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Any:
        """(n, num_channels, ...); kept."""
        return PUBLIC["group_norm"].call(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"


class _BatchNorm(Module):
    """Each channel (dim 1) brought to mean 0 and variance 1 over the batch in training, by running statistics else."""

    names = frozenset("num_features eps momentum affine track_running_stats weight bias running_mean running_var num_batches_tracked".split())
    dims: tuple[int, ...] = ()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
        *,
        bias: bool = True,
    ):
        self.num_features, self.eps, self.momentum, self.affine, self.track_running_stats = num_features, eps, momentum, affine, track_running_stats
        self.weight, self.bias = _affine((num_features,), affine, bias, device, dtype)
        self.running_mean: Any = None
        self.running_var: Any = None
        self.num_batches_tracked: Any = None
        if track_running_stats:
            self.running_mean = PUBLIC["zeros"].call(num_features, dtype=dtype, device=device)
            self.running_var = PUBLIC["ones"].call(num_features, dtype=dtype, device=device)
            self.num_batches_tracked = tensor(0)

    def forward(self, input: Tensor) -> Any:
        """(n, num_features, ...); kept."""
        if input.ndim not in self.dims:
            expected = " or ".join(f"{n}D" for n in self.dims)
            raise TensorValueError(f"expected {expected} input (got {input.ndim}D input)")
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                momentum = 1.0 / self.num_batches_tracked.item()
        training = self.training or self.running_mean is None
        kept = (self.running_mean, self.running_var) if not self.training or self.track_running_stats else (None, None)
        return PUBLIC["batch_norm"].call(input, *kept, self.weight, self.bias, training, momentum, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, bias={self.bias is not None},"
            f" track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Each feature of (n, c), or channel of (n, c, length), brought to mean 0 and variance 1 over the batch in training, by the
    running statistics else.

    See: nn.functional.batch_norm, nn.BatchNorm2d, nn.LayerNorm

    >>> nn.BatchNorm1d(1, affine=False)(tensor([[1.], [3.]]))
    tensor([[-1.0000],
            [ 1.0000]])
    """

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Each channel of images (n, c, h, w) brought to mean 0 and variance 1 over the batch in training, by the running
    statistics else.

    See: nn.functional.batch_norm, nn.BatchNorm1d, nn.Conv2d

    >>> nn.BatchNorm2d(3)(ones(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """

    dims = (4,)


class _Pool(Module):
    """Windows slid over the last dims; without a stride they lie side by side."""

    op = ""
    settings: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        cls.names = frozenset(cls.settings)

    def forward(self, input: Tensor) -> Any:
        """(n, c, *sizes) -> (n, c, *places)."""
        return PUBLIC[self.op].call(input, **{name: getattr(self, name) for name in self.settings})

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.shown)


class MaxPool1d(_Pool):
    """The largest element of each window; with return_indices also where it lies.

    See: nn.functional.max_pool1d, nn.AvgPool1d, nn.Conv1d

    >>> nn.MaxPool1d(2)(tensor([[1., 3., 2., 0.]]))
    tensor([[3., 2.]])
    """

    op = "max_pool1d"
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
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, kernel_size if stride is None else stride, padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode


class MaxPool2d(_Pool):
    """The largest element of each window; with return_indices also where it lies.

    See: nn.functional.max_pool2d, nn.AvgPool2d, nn.Conv2d

    >>> nn.MaxPool2d(2)(tensor([[[1., 3.], [2., 0.]]]))
    tensor([[[3.]]])
    """

    op = "max_pool2d"
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
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, kernel_size if stride is None else stride, padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode


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


class AvgPool2d(_Pool):
    """The mean of each window.

    See: nn.functional.avg_pool2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d

    >>> nn.AvgPool2d(2)(tensor([[[1., 3.], [2., 0.]]]))
    tensor([[[1.5000]]])
    """

    op = "avg_pool2d"
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
        stride = kernel_size if stride is None else stride
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.divisor_override = divisor_override


class AdaptiveAvgPool1d(_Pool):
    """Means of output_size parts of about equal length.

    See: nn.functional.adaptive_avg_pool1d, nn.AvgPool1d

    >>> nn.AdaptiveAvgPool1d(1)(tensor([[1., 3., 2., 0.]]))
    tensor([[1.5000]])
    """

    op = "adaptive_avg_pool1d"
    shown = ("output_size",)
    settings = shown

    def __init__(self, output_size: Any):
        self.output_size = output_size


class AdaptiveAvgPool2d(_Pool):
    """Means of as many parts of height and width as asked for.

    See: nn.functional.adaptive_avg_pool2d, nn.AvgPool2d

    >>> nn.AdaptiveAvgPool2d(1)(tensor([[[1., 3.], [2., 0.]]]))
    tensor([[[1.5000]]])
    """

    op = "adaptive_avg_pool2d"
    shown = ("output_size",)
    settings = shown

    def __init__(self, output_size: Any):
        self.output_size = output_size


class AdaptiveMaxPool1d(_Pool):
    """Maxima of output_size parts of about equal length.

    See: nn.functional.adaptive_max_pool1d, nn.MaxPool1d

    >>> nn.AdaptiveMaxPool1d(1)(tensor([[1., 3., 2., 0.]]))
    tensor([[3.]])
    """

    op = "adaptive_max_pool1d"
    shown = ("output_size",)
    settings = ("output_size", "return_indices")

    def __init__(self, output_size: Any, return_indices: bool = False):
        self.output_size, self.return_indices = output_size, return_indices


class AdaptiveMaxPool2d(_Pool):
    """Maxima of as many parts of height and width as asked for.

    See: nn.functional.adaptive_max_pool2d, nn.MaxPool2d

    >>> nn.AdaptiveMaxPool2d(1)(tensor([[[1., 3.], [2., 0.]]]))
    tensor([[[3.]]])
    """

    op = "adaptive_max_pool2d"
    shown = ("output_size",)
    settings = ("output_size", "return_indices")

    def __init__(self, output_size: Any, return_indices: bool = False):
        self.output_size, self.return_indices = output_size, return_indices


class Unflatten(Module):
    """A dim split into several.

    See: unflatten, nn.Flatten

    >>> nn.Unflatten(1, (2, 3))(ones(5, 6)).shape
    torch.Size([5, 2, 3])
    """

    names = frozenset(("dim", "unflattened_size"))

    def __init__(self, dim: int, unflattened_size: Any):
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Tensor) -> Any:
        """(n, a * b, ...) -> (n, a, b, ...)."""
        return PUBLIC["unflatten"].call(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
