"""Normalisations as torch's lowest layer has them: with the means and rates they were made with."""

from __future__ import annotations

import math

from ..errors import TensorError
from ..families.structural import composite
from ..layout import is_channels_last
from ..modes import no_grad
from .norm import refuse_moving, remember


def _moments(F, self, dims, eps):
    """(mean, one over the root of the variance and eps) along dims, kept, without history."""
    with no_grad():
        mean = F.mean_dim(self, dims, True)
        return mean, F.rsqrt(F.mean_dim(F.square(self - mean), dims, True) + eps)


@composite(method=False)
def native_layer_norm(F, self, normalized_shape: Ints, weight: Tensor | None, bias: Tensor | None, eps: Float):
    """nn.functional.layer_norm, the means and the rates.

    Shapes: (..., n), normalized_shape (n)  ->  (..., n), (..., 1), (..., 1)
    Grad: as layer_norm's; means and rates have none
    See: nn.functional.layer_norm

    >>> native_layer_norm(tensor([[1., 3.]]), (2,), None, None, 0.0)
    (tensor([[-1.,  1.]]), tensor([[2.]]), tensor([[1.]]))
    """
    found = F.layer_norm(self, normalized_shape, weight, bias, eps)
    ndim = len(self.shape)
    return found, *_moments(F, self, tuple(range(ndim - len(normalized_shape), ndim)), eps)


@composite(method=False)
def native_batch_norm(
    F,
    self,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: Bool,
    momentum: Float,
    eps: Float,
):
    """nn.functional.batch_norm, and in training the means and the rates of the batch.

    Shapes: (n, c, ...)  ->  (n, c, ...), (c), (c)
    Grad: as batch_norm's; means and rates have none
    See: nn.functional.batch_norm

    >>> native_batch_norm(tensor([[1.], [3.]]), None, None, None, None, True, 0.1, 0.0)[1:]
    (tensor([2.]), tensor([1.]))
    """
    refuse_moving(running_mean, running_var)
    if not training:
        empty = F.zeros((0,), dtype=self.dtype, device=self.device)
        return F.batch_norm_values(self, weight, bias, running_mean, running_var, False, eps), empty, F.clone(empty)
    found = F.batch_norm_values(self, weight, bias, None, None, True, eps)
    mean, rate = _moments(F, self, (0, *range(2, len(self.shape))), eps)
    if self.a is not None:
        remember(self, running_mean, running_var, momentum)
    return found, F.reshape(mean, (self.shape[1],)), F.reshape(rate, (self.shape[1],))


def _expected(condition):
    """torch's error of an internal check."""
    return TensorError(
        f"Expected {condition} to be true, but got false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)"
    )


@composite(method=False)
def native_group_norm(F, self, weight: Tensor | None, bias: Tensor | None, N: Int, C: Int, HxW: Int, group: Int, eps: Float):
    """nn.functional.group_norm of n samples of c channels, the means and the rates.

    Shapes: (n, c, ...)  ->  (n, c, ...), (n, groups), (n, groups)
    Grad: as group_norm's; means and rates have none
    See: nn.functional.group_norm

    >>> native_group_norm(tensor([[1., 3., 5., 9.]]), None, None, 1, 4, 1, 2, 0.0)[1:]
    (tensor([[2., 7.]]), tensor([[1.0000, 0.5000]]))
    """
    if math.prod(self.shape) != N * C * HxW:
        raise _expected("X.numel() == N * C * HxW")
    if not (self.spec.contiguous or is_channels_last(self.shape, self.spec.strides)):
        raise _expected("X.is_contiguous(memory_format)")
    found = F.group_norm(self, group, weight, bias, eps)
    mean, rate = _moments(F, F.reshape(self, (N, group, C // group * HxW)), (2,), eps)
    return found, F.reshape(mean, (N, group)), F.reshape(rate, (N, group))
