"""Layers with weights as modules: convolutions, bilinear forms, tables of rows."""

from __future__ import annotations

import math
from typing import Any

from .. import dtypes
from ..errors import TensorAssertion, TensorValueError
from ..modes import no_grad
from ..registry import PUBLIC
from ..tensor import Parameter, Tensor
from . import init
from .modules import Module, _parameter, _tuple

Sizes = int | tuple[int, ...]


class _Convolution(Module):
    """Weights (out, in / groups, *kernel), or with `transposed` (in, out / groups, *kernel), and a bias, both uniform in +-1/sqrt(fan_in)."""

    names = frozenset("in_channels out_channels kernel_size stride padding dilation groups output_padding padding_mode weight bias".split())
    op, dims, transposed = "", 1, False

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
        padding_mode: str,
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
        self.in_channels, self.out_channels, self.groups, self.padding_mode = in_channels, out_channels, groups, padding_mode
        self.kernel_size, self.stride, self.dilation = _tuple(kernel_size, n), _tuple(stride, n), _tuple(dilation, n)
        self.padding = padding if isinstance(padding, str) else _tuple(padding, n)
        self.output_padding = _tuple(output_padding, n)
        if padding == "same" and any(s != 1 for s in self.stride):
            raise TensorValueError("padding='same' is not supported for strided convolutions")
        modes = ("zeros", "reflect", "replicate", "circular")
        if padding_mode not in modes:
            raise TensorValueError(f"padding_mode must be one of {set(modes)}, but got padding_mode='{padding_mode}'")
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = _parameter(first, second // groups, *self.kernel_size, dtype=dtype, device=device)
        self.bias = _parameter(out_channels, dtype=dtype, device=device) if bias else None
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = second // groups * math.prod(self.kernel_size)
        if self.bias is not None and fan_in:
            bound = 1 / math.sqrt(fan_in)
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        for name, usual in (("padding", zeros), ("dilation", ones), ("output_padding", zeros), ("groups", 1)):
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        mode = f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else ""
        return text + ", bias=False" * (self.bias is None) + mode


class _Forward(_Convolution):
    """A convolution; a padding_mode other than zeros lays its own elements around the input first."""

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
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self._build(in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias, padding_mode, device, dtype)

    def forward(self, input: Tensor) -> Any:
        """(n, in_channels, *sizes) -> (n, out_channels, *sizes)."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = PUBLIC["pad"].call(input, self._around(), self.padding_mode), 0
        return PUBLIC[self.op].call(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _around(self) -> tuple[int, ...]:
        """Elements before and after each dim, first the last one."""
        if isinstance(self.padding, str):
            total = [d * (k - 1) * (self.padding == "same") for k, d in zip(self.kernel_size, self.dilation, strict=True)]
            pairs = [(t // 2, t - t // 2) for t in total]
        else:
            pairs = [(p, p) for p in self.padding]
        return tuple([side for pair in reversed(pairs) for side in pair])


class _Backward(_Convolution):
    """A transposed convolution; output_size, when given to the call, picks among the sizes that a convolution would take to the input's."""

    transposed = True

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
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        if padding_mode != "zeros":
            raise TensorValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        self._build(
            in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias, padding_mode, device, dtype
        )

    def forward(self, input: Tensor, output_size: Any = None) -> Any:
        """(n, in_channels, *sizes) -> (n, out_channels, *sizes)."""
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        return PUBLIC[self.op].call(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    def _extra(self, input: Tensor, wanted: Any) -> tuple[int, ...]:
        """The output padding for a size.

        Raises ValueError with torch's sentences for one that is out of reach.
        """
        n = self.dims
        if len(wanted) == n + 2:
            wanted = wanted[2:]
        if len(wanted) != n:
            raise TensorValueError(
                f"ConvTranspose{n}D: for {input.ndim}D input, output_size must have {n} or {n + 2} elements (got {len(wanted)})"
            )
        padding: Any = self.padding
        least = [
            (size - 1) * s - 2 * p + d * (k - 1) + 1
            for size, s, p, d, k in zip(input.shape[-n:], self.stride, padding, self.dilation, self.kernel_size, strict=True)
        ]
        most = [low + s - 1 for low, s in zip(least, self.stride, strict=True)]
        if any(want < low or want > high for want, low, high in zip(wanted, least, most, strict=True)):
            raise TensorValueError(
                f"requested an output size of {wanted}, but valid sizes range from {least} to {most} (for an input of {input.shape[2:]!r})"
            )
        return tuple([want - low for want, low in zip(wanted, least, strict=True)])


class Conv1d(_Forward):
    """Kernels slid over (n, in_channels, length): see nn.functional.conv1d.

    See: nn.functional.conv1d, nn.Linear

    >>> nn.Conv1d(1, 2, 3)(ones(1, 1, 5)).shape
    torch.Size([1, 2, 3])
    """

    op, dims = "conv1d", 1


class Conv2d(_Forward):
    """Kernels slid over (n, in_channels, height, width): see nn.functional.conv2d.

    See: nn.functional.conv2d, nn.Linear, nn.MaxPool2d

    >>> nn.Conv2d(1, 2, 3)(ones(1, 1, 5, 5)).shape
    torch.Size([1, 2, 3, 3])
    """

    op, dims = "conv2d", 2


class Conv3d(_Forward):
    """Kernels slid over (n, in_channels, depth, height, width): see nn.functional.conv3d.

    See: nn.functional.conv3d, nn.Linear

    >>> nn.Conv3d(1, 2, 3)(ones(1, 1, 3, 3, 3)).shape
    torch.Size([1, 2, 1, 1, 1])
    """

    op, dims = "conv3d", 3


class ConvTranspose1d(_Backward):
    """Each element of (n, in_channels, length) spread by the kernels: see nn.functional.conv_transpose1d.

    See: nn.functional.conv_transpose1d, nn.Conv1d

    >>> nn.ConvTranspose1d(1, 2, 3)(ones(1, 1, 5)).shape
    torch.Size([1, 2, 7])
    """

    op, dims = "conv_transpose1d", 1


class ConvTranspose2d(_Backward):
    """Each element of (n, in_channels, height, width) spread by the kernels: see nn.functional.conv_transpose2d.

    See: nn.functional.conv_transpose2d, nn.Conv2d

    >>> nn.ConvTranspose2d(1, 2, 3)(ones(1, 1, 5, 5)).shape
    torch.Size([1, 2, 7, 7])
    """

    op, dims = "conv_transpose2d", 2


class ConvTranspose3d(_Backward):
    """Each element of (n, in_channels, depth, height, width) spread by the kernels: see nn.functional.conv_transpose3d.

    See: nn.functional.conv_transpose3d, nn.Conv3d

    >>> nn.ConvTranspose3d(1, 2, 3)(ones(1, 1, 1, 1, 1)).shape
    torch.Size([1, 2, 3, 3, 3])
    """

    op, dims = "conv_transpose3d", 3


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

    See: nn.functional.embedding, nn.EmbeddingBag, nn.Linear

    >>> nn.Embedding(10, 3)(tensor([1, 2])).shape
    torch.Size([2, 3])
    """

    names = frozenset("num_embeddings embedding_dim padding_idx max_norm norm_type scale_grad_by_freq sparse weight".split())

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self.num_embeddings, self.embedding_dim, self.max_norm, self.norm_type = num_embeddings, embedding_dim, max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.padding_idx = _row("Padding_idx", num_embeddings, padding_idx)
        self.weight = _table(num_embeddings, embedding_dim, self.padding_idx, _weight, device, dtype)
        self.weight.requires_grad_(not _freeze)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """An Embedding of given rows (n, width), which keep still unless `freeze` is False."""
        rows, width = embeddings.shape
        return cls(rows, width, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def forward(self, input: Tensor) -> Any:
        """(...) of places -> (..., embedding_dim)."""
        return PUBLIC["embedding"].call(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, usual in (("padding_idx", None), ("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False), ("sparse", False)):
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        return text


class EmbeddingBag(Module):
    """A table with a row for each of num_embeddings places, normally distributed; looked up bag by bag, each bag's rows put together by mode.

    See: nn.functional.embedding_bag, nn.Embedding

    >>> nn.EmbeddingBag(10, 3)(tensor([[1, 2], [4, 5]])).shape
    torch.Size([2, 3])
    """

    names = frozenset(
        "num_embeddings embedding_dim max_norm norm_type scale_grad_by_freq mode sparse include_last_offset padding_idx weight".split()
    )

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self.num_embeddings, self.embedding_dim, self.max_norm, self.norm_type = num_embeddings, embedding_dim, max_norm, norm_type
        self.scale_grad_by_freq, self.mode, self.sparse, self.include_last_offset = scale_grad_by_freq, mode, sparse, include_last_offset
        self.padding_idx = _row("padding_idx", num_embeddings, padding_idx)
        self.weight = _table(num_embeddings, embedding_dim, self.padding_idx, _weight, device, dtype)

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Any:
        """(n, places), or (places) with offsets (n), -> (n, embedding_dim)."""
        return PUBLIC["embedding_bag"].call(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, usual in (("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False)):
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        return f"{text}, mode={self.mode!r}" + (f", padding_idx={self.padding_idx}" if self.padding_idx is not None else "")


def _row(name: str, count: int, place: int | None) -> int | None:
    """A row counted from the front.

    Raises AssertionError with torch's sentence for one that is not there.
    """
    if place is not None and not -count <= place < count:
        raise TensorAssertion(f"{name} must be within num_embeddings")
    return place + count if place is not None and place < 0 else place


def _table(rows: int, width: int, padding: int | None, given: Tensor | None, device: Any, dtype: dtypes.dtype | None) -> Any:
    """Rows given, or drawn normally distributed, the row for padding 0."""
    if given is not None:
        return given if isinstance(given, Parameter) else Parameter(given)
    weight: Any = _parameter(rows, width, dtype=dtype, device=device)
    init.normal_(weight)
    if padding is not None:
        with no_grad():
            weight[padding].fill_(0)
    return weight
