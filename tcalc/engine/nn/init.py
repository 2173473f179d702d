"""Initial values of parameters, drawn in torch's order from torch's stream."""

from __future__ import annotations

import math
from typing import Any

from ..errors import TensorValueError
from ..modes import no_grad
from ..tensor import Tensor


def _fans(t: Tensor) -> tuple[int, int]:
    """(inputs, outputs) that meet in one unit of a weight (out, in, *kernel).

    Raises ValueError below 2 dims.
    """
    if t.ndim < 2:
        raise TensorValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    kernel = math.prod(t.shape[2:])
    return t.shape[1] * kernel, t.shape[0] * kernel


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0) -> Any:
    """Fill with uniform numbers in [a, b).

    >>> nn.init.uniform_(empty(2), 0, 0)
    tensor([0., 0.])
    """
    with no_grad():
        return tensor.uniform_(a, b)


def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0) -> Any:
    """Fill with normal numbers.

    >>> nn.init.normal_(empty(2), 5., 0.)
    tensor([5., 5.])
    """
    with no_grad():
        return tensor.normal_(mean, std)


def zeros_(tensor: Any) -> Any:
    """Fill with 0.

    >>> nn.init.zeros_(empty(2))
    tensor([0., 0.])
    """
    with no_grad():
        return tensor.zero_()


def ones_(tensor: Any) -> Any:
    """Fill with 1.

    >>> nn.init.ones_(empty(2))
    tensor([1., 1.])
    """
    with no_grad():
        return tensor.fill_(1.0)


def xavier_uniform_(tensor: Any, gain: float = 1.0) -> Any:
    """Uniform in +-gain * sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).

    >>> bool((nn.init.xavier_uniform_(empty(3, 3)).abs() <= 1).all())
    True
    """
    fan_in, fan_out = _fans(tensor)
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(fan_in + fan_out)))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Any, gain: float = 1.0) -> Any:
    """Normal with standard deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010).

    >>> nn.init.xavier_normal_(empty(2, 3)).shape
    torch.Size([2, 3])
    """
    fan_in, fan_out = _fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)))


def kaiming_uniform_(tensor: Any, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Any:
    """Uniform with the bound sqrt(3) * gain / sqrt(fan) that keeps variance through a (leaky) relu (He et al. 2015).

    Raises ValueError for another mode or nonlinearity.

    >>> bool((nn.init.kaiming_uniform_(empty(2, 6)).abs() <= 1).all())
    True
    """
    gains = {"leaky_relu": math.sqrt(2.0 / (1 + a**2)), "relu": math.sqrt(2.0), "linear": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3}
    if nonlinearity not in gains:
        raise TensorValueError(f"Unsupported nonlinearity {nonlinearity}")
    if mode not in ("fan_in", "fan_out"):
        raise TensorValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = _fans(tensor)[mode == "fan_out"]
    std = gains[nonlinearity] / math.sqrt(fan)
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound)
