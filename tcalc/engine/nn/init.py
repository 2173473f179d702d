"""Initial values of parameters, drawn in torch's order from torch's stream."""

from __future__ import annotations

import math
from typing import Any

from ..errors import TensorValueError
from ..modes import no_grad
from ..notices import notice
from ..registry import PUBLIC
from ..tensor import Tensor


def _fans(t: Tensor) -> tuple[int, int]:
    """(inputs, outputs) that meet in one unit of a weight (out, in, *kernel).

    Raises ValueError below 2 dims.
    """
    if t.ndim < 2:
        raise TensorValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    kernel = math.prod(t.shape[2:])
    return t.shape[1] * kernel, t.shape[0] * kernel


_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much a nonlinearity shrinks what passes through it, to be made up for by the weights; `param` is leaky_relu's slope.

    Raises ValueError for an unknown nonlinearity.

    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, (int, float))):
            raise TensorValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    gains = {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4} | dict.fromkeys(_LINEAR, 1)
    if nonlinearity not in gains:
        raise TensorValueError(f"Unsupported nonlinearity {nonlinearity}")
    return gains[nonlinearity]


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Any:
    """Fill with uniform numbers in [a, b).

    >>> nn.init.uniform_(empty(2), 0, 0)
    tensor([0., 0.])
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Any:
    """Fill with normal numbers.

    >>> nn.init.normal_(empty(2), 5., 0.)
    tensor([5., 5.])
    """
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


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


def xavier_uniform_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Uniform in +-gain * sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).

    >>> bool((nn.init.xavier_uniform_(empty(3, 3)).abs() <= 1).all())
    True
    """
    fan_in, fan_out = _fans(tensor)
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(fan_in + fan_out)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Normal with standard deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010).

    >>> nn.init.xavier_normal_(empty(2, 3)).shape
    torch.Size([2, 3])
    """
    fan_in, fan_out = _fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)), generator)


def _spread(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """The standard deviation that keeps variance through a nonlinearity (He et al. 2015).

    Raises ValueError for another mode or nonlinearity.
    """
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise TensorValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return calculate_gain(nonlinearity, a) / math.sqrt(_fans(tensor)[mode == "fan_out"])


def _nothing_to_fill(tensor: Tensor) -> bool:
    """Whether a tensor has no elements, with torch's remark."""
    if 0 in tensor.shape:
        notice("empty-init", "Initializing zero-element tensors is a no-op", tensor=tensor)
    return 0 in tensor.shape


def kaiming_uniform_(tensor: Any, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None) -> Any:
    """Uniform with the bound sqrt(3) * gain / sqrt(fan) that keeps variance through a (leaky) relu (He et al. 2015).

    Raises ValueError for another mode or nonlinearity.

    >>> bool((nn.init.kaiming_uniform_(empty(2, 6)).abs() <= 1).all())
    True
    """
    if _nothing_to_fill(tensor):
        return tensor
    bound = math.sqrt(3.0) * _spread(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor: Any, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None) -> Any:
    """Normal with the standard deviation gain / sqrt(fan) that keeps variance through a (leaky) relu (He et al. 2015).

    Raises ValueError for another mode or nonlinearity.

    >>> nn.init.kaiming_normal_(empty(2, 6)).shape
    torch.Size([2, 6])
    """
    return tensor if _nothing_to_fill(tensor) else normal_(tensor, 0.0, _spread(tensor, a, mode, nonlinearity), generator)


def constant_(tensor: Any, val: float) -> Any:
    """Fill with one number.

    >>> nn.init.constant_(empty(2), 0.5)
    tensor([0.5000, 0.5000])
    """
    with no_grad():
        return tensor.fill_(val)


def eye_(tensor: Any) -> Any:
    """Ones on the diagonal of a matrix, zeros elsewhere.

    Raises ValueError for other dims.

    >>> nn.init.eye_(empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise TensorValueError("Only tensors with 2 dimensions are supported")
    with no_grad():
        tensor.zero_().diagonal().fill_(1)
    return tensor


def dirac_(tensor: Any, groups: int = 1) -> Any:
    """A 1 in the middle of each channel's own kernel, zeros elsewhere: a convolution that changes nothing, group by group.

    Raises ValueError for other dims, and channels that cannot be grouped.

    >>> nn.init.dirac_(empty(1, 1, 3))
    tensor([[[0., 1., 0.]]])
    """
    if tensor.ndim not in (3, 4, 5):
        raise TensorValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups:
        raise TensorValueError("dim 0 must be divisible by groups")
    each = tensor.shape[0] // groups
    count = min(each, tensor.shape[1])
    inputs = PUBLIC["arange"].call(count, device=tensor.device)
    middle = tuple([size // 2 for size in tensor.shape[2:]])
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            tensor[(inputs + group * each, inputs, *middle)] = 1
    return tensor


def orthogonal_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Rows (or columns, where they are fewer) at right angles and of length gain, drawn uniformly (Saxe et al. 2013).

    Raises ValueError below 2 dims.

    >>> nn.init.orthogonal_(empty(2, 3)).shape
    torch.Size([2, 3])
    """
    if tensor.ndim < 2:
        raise TensorValueError("Only tensors with 2 or more dimensions are supported")
    if not tensor.numel() or tensor.is_meta:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    with no_grad():
        drawn = tensor.new_empty((rows, columns)).normal_(0, 1, generator=generator)
        q, r = PUBLIC["linalg_qr"].call(drawn.t() if rows < columns else drawn)
        q = q * r.diagonal().sign()  # so that no direction is favoured (Mezzadri 2006)
        tensor.view(rows, columns).copy_(q.t() if rows < columns else q)
        return tensor.mul_(gain)


def sparse_(tensor: Any, sparsity: float, std: float = 0.01, generator: Any = None) -> Any:
    """Normal numbers, of which the share `sparsity` of each column is set to 0 (Martens 2010).

    Raises ValueError for other dims.

    >>> (nn.init.sparse_(empty(4, 2), 0.5) == 0).sum(0)
    tensor([2, 2])
    """
    if tensor.ndim != 2:
        raise TensorValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[PUBLIC["randperm"].call(rows)[:zeros], column] = 0
    return tensor


def _below(x: float) -> float:
    """The probability that a standard normal number is below x."""
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def trunc_normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None) -> Any:
    """Normal numbers within [a, b]: those outside are drawn again.

    >>> bool((nn.init.trunc_normal_(empty(9), 0., 1., -1., 1.).abs() <= 1).all())
    True
    """
    if tensor.is_meta:
        return tensor
    if mean < a - 2 * std or mean > b + 2 * std:
        notice(
            "far-truncation",
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect.",
            tensor=tensor,
        )
    with no_grad():
        likely = _below((b - mean) / std) - _below((a - mean) / std) > 0.3
        tensor.copy_(_redrawn(tensor, mean, std, a, b, generator) if likely else _accepted(tensor, mean, std, a, b, generator))
    return tensor


def _redrawn(tensor: Any, mean: float, std: float, a: float, b: float, generator: Any) -> Any:
    """Normal numbers, all drawn again until none lies outside, kept where they lay inside."""
    low, high = (tensor.new_tensor(bound).item() for bound in (a, b))
    found = tensor.normal_(mean, std, generator=generator)
    outside = (found < low) | (found > high)
    while outside.any():
        found = PUBLIC["where"].call(outside, PUBLIC["empty_like"].call(found).normal_(mean, std, generator=generator), found)
        outside = (found < low) | (found > high)
    return found


def _accepted(tensor: Any, mean: float, std: float, a: float, b: float, generator: Any) -> Any:
    """Uniform numbers taken with the probability of a normal one beside the largest, drawn again until all are."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2

    def refused(drawn: Any) -> Any:
        density = drawn.clone().sub_(mean).div_(std).pow_(2).mul_(-0.5).sub_(peak)
        return PUBLIC["empty_like"].call(tensor).uniform_(generator=generator).log_().gt(density)

    found = tensor.uniform_(a, b, generator=generator)
    pending = refused(found)
    while pending.any():
        drawn = PUBLIC["empty_like"].call(tensor).uniform_(a, b, generator=generator)
        found = PUBLIC["where"].call(pending, drawn, found)
        pending = PUBLIC["where"].call(pending, refused(drawn), pending)
    return found
