"""Normalisations as modules: of layers, groups, batches and instances, and over neighbouring channels."""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..data import tensor
from ..errors import TensorValueError
from ..notices import notice
from ..registry import PUBLIC
from ..tensor import Tensor
from . import init
from .activations import _Called
from .modules import Module, _parameter, _tuple


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
        self.normalized_shape, self.eps, self.elementwise_affine = _tuple(normalized_shape), eps, elementwise_affine
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
        self.normalized_shape, self.eps, self.elementwise_affine = _tuple(normalized_shape), eps, elementwise_affine
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


class _Statistics(Module):
    """A norm of channels: its weight and bias, and running statistics where they are tracked."""

    names = frozenset(
        "num_features eps momentum affine track_running_stats weight bias running_mean running_var num_batches_tracked".split()
    )
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
        self.num_features, self.eps, self.momentum, self.affine, self.track_running_stats = (
            num_features,
            eps,
            momentum,
            affine,
            track_running_stats,
        )
        self.weight, self.bias = _affine((num_features,), affine, bias, device, dtype)
        self.running_mean: Any = None
        self.running_var: Any = None
        self.num_batches_tracked: Any = None
        if track_running_stats:
            self.running_mean = PUBLIC["zeros"].call(num_features, dtype=dtype, device=device)
            self.running_var = PUBLIC["ones"].call(num_features, dtype=dtype, device=device)
            self.num_batches_tracked = tensor(0, device=device)

    def _check_dims(self, input: Tensor) -> None:
        """Refuse other dims.

        Raises ValueError with torch's sentence.
        """
        if input.ndim not in self.dims:
            expected = " or ".join(f"{n}D" for n in self.dims)
            raise TensorValueError(f"expected {expected} input (got {input.ndim}D input)")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, bias={self.bias is not None},"
            f" track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Statistics):
    """Each channel (dim 1) brought to mean 0 and variance 1 over the batch in training, by running statistics else."""

    def forward(self, input: Tensor) -> Any:
        """(n, num_features, ...); kept."""
        self._check_dims(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                momentum = 1.0 / self.num_batches_tracked.item()
        training = self.training or self.running_mean is None
        kept = (self.running_mean, self.running_var) if not self.training or self.track_running_stats else (None, None)
        return PUBLIC["batch_norm"].call(input, *kept, self.weight, self.bias, training, momentum, self.eps)


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


class BatchNorm3d(_BatchNorm):
    """Each channel of volumes (n, c, d, h, w) brought to mean 0 and variance 1 over the batch in training, by the running
    statistics else.

    See: nn.functional.batch_norm, nn.BatchNorm2d, nn.Conv3d

    >>> nn.BatchNorm3d(3)(ones(2, 3, 4, 4, 4)).shape
    torch.Size([2, 3, 4, 4, 4])
    """

    dims = (5,)


class _InstanceNorm(_Statistics):
    """Each channel of each sample brought to mean 0 and variance 1, by running statistics only where they are tracked and in eval mode."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
        *,
        bias: bool = True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Any:
        """(n, num_features, ...) or (num_features, ...); kept."""
        self._check_dims(input)
        at = input.ndim - self.dims[0]
        if input.shape[at] != self.num_features:
            if self.affine:
                raise TensorValueError(
                    f"expected input's size at dim={at} to match num_features ({self.num_features}), but got: {input.shape[at]}."
                )
            notice(
                "idle-features",
                f"input's size at dim={at} does not match num_features. You can silence this warning by not passing in num_features, which is not"
                " used because affine=False",
            )
        rows = PUBLIC["unsqueeze"].call(input, 0) if not at else input
        found = PUBLIC["instance_norm"].call(
            rows,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return found if at else PUBLIC["squeeze"].call(found, 0)


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample of (n, c, length) or (c, length) brought to mean 0 and variance 1.

    See: nn.functional.instance_norm, nn.BatchNorm1d, nn.GroupNorm

    >>> nn.InstanceNorm1d(1)(tensor([[[1., 3.]]]))
    tensor([[[-1.0000,  1.0000]]])
    """

    dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each image of (n, c, h, w) or (c, h, w) brought to mean 0 and variance 1.

    See: nn.functional.instance_norm, nn.BatchNorm2d, nn.GroupNorm

    >>> nn.InstanceNorm2d(3)(ones(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """

    dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Each channel of each volume of (n, c, d, h, w) or (c, d, h, w) brought to mean 0 and variance 1.

    See: nn.functional.instance_norm, nn.BatchNorm3d, nn.GroupNorm

    >>> nn.InstanceNorm3d(3)(ones(2, 3, 4, 4, 4)).shape
    torch.Size([2, 3, 4, 4, 4])
    """

    dims = (4, 5)


class LocalResponseNorm(_Called):
    """Each element over a power of the mean square of its neighbouring channels.

    See: nn.functional.local_response_norm, nn.GroupNorm

    >>> nn.LocalResponseNorm(2, alpha=3., beta=1.)(ones(1, 2, 1))
    tensor([[[0.4000],
             [0.2500]]])
    """

    op = "local_response_norm"
    settings = ("size", "alpha", "beta", "k")

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
