"""Activations, dropouts and distances as modules."""

from __future__ import annotations

from typing import Any

from ..errors import TensorValueError
from ..modes import no_grad
from ..registry import PUBLIC
from ..tensor import Tensor
from .modules import Module, _parameter


class _Called(Module):
    """A function of nn.functional with its settings."""

    op = ""
    settings: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        cls.names = frozenset(cls.settings)

    def forward(self, *inputs: Any) -> Any:
        """The function of the inputs."""
        return PUBLIC[self.op].call(*inputs, **{name: getattr(self, name) for name in self.settings})

    def extra_repr(self) -> str:
        shown = [name for name in self.settings if name != "inplace" or self.inplace]
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)

    inplace = False


class _Quiet(_Called):
    """One whose printed form leaves the settings out."""

    def extra_repr(self) -> str:
        return ""


class _Bare(_Called):
    """One whose printed form has the values alone."""

    def extra_repr(self) -> str:
        return ", ".join(str(getattr(self, name)) for name in self.settings)


class _AlongDim(_Called):
    """One along a dim; when none is given, the one that torch picks: the first of 0, 1 or 3 dims, else the second."""

    dim: int | None = None

    def forward(self, *inputs: Any) -> Any:
        """The function of the input along the dim."""
        dim = (0 if inputs[0].ndim in (0, 1, 3) else 1) if self.dim is None else self.dim
        return PUBLIC[self.op].call(*inputs, dim)


class ELU(_Called):
    """x, or alpha * (exp(x) - 1) where it is negative.

    See: nn.functional.elu, nn.ReLU

    >>> nn.ELU()(tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
    """

    op = "elu"
    settings = ("alpha", "inplace")

    def __init__(self, alpha: float = 1.0, inplace: bool = False):
        self.alpha, self.inplace = alpha, inplace


class SELU(_Called):
    """elu with the scale and alpha that keep mean 0 and variance 1.

    See: nn.functional.selu, nn.ELU

    >>> nn.SELU()(tensor([-1., 2.]))
    tensor([-1.1113,  2.1014])
    """

    op = "selu"
    settings = ("inplace",)

    def __init__(self, inplace: bool = False):
        self.inplace = inplace


class CELU(_Called):
    """x, or alpha * (exp(x / alpha) - 1) where it is negative.

    See: nn.functional.celu, nn.ELU

    >>> nn.CELU()(tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
    """

    op = "celu"
    settings = ("alpha", "inplace")

    def __init__(self, alpha: float = 1.0, inplace: bool = False):
        self.alpha, self.inplace = alpha, inplace


class ReLU6(_Called):
    """x cut to [0, 6].

    See: nn.functional.relu6, nn.ReLU

    >>> nn.ReLU6()(tensor([-1., 8.]))
    tensor([0., 6.])
    """

    op = "relu6"
    settings = ("inplace",)

    def __init__(self, inplace: bool = False):
        self.inplace = inplace


class LeakyReLU(_Called):
    """x, times negative_slope where it is negative.

    See: nn.functional.leaky_relu, nn.ReLU

    >>> nn.LeakyReLU()(tensor([-1., 2.]))
    tensor([-0.0100,  2.0000])
    """

    op = "leaky_relu"
    settings = ("negative_slope", "inplace")

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False):
        self.negative_slope, self.inplace = negative_slope, inplace


class Hardtanh(_Called):
    """x cut to [min_val, max_val].

    See: nn.functional.hardtanh, nn.Tanh

    >>> nn.Hardtanh()(tensor([-3., 0.5]))
    tensor([-1.0000,  0.5000])
    """

    op = "hardtanh"
    settings = ("min_val", "max_val", "inplace")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False):
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace


class Hardsigmoid(_Called):
    """(x + 3) / 6 cut to [0, 1].

    See: nn.functional.hardsigmoid, nn.Sigmoid

    >>> nn.Hardsigmoid()(tensor([-4., 0.]))
    tensor([0.0000, 0.5000])
    """

    op = "hardsigmoid"
    settings = ("inplace",)

    def __init__(self, inplace: bool = False):
        self.inplace = inplace


class Hardswish(_Called):
    """x * hardsigmoid(x).

    See: nn.functional.hardswish, nn.SiLU

    >>> nn.Hardswish()(tensor([1., 4.]))
    tensor([0.6667, 4.0000])
    """

    op = "hardswish"
    settings = ("inplace",)

    def __init__(self, inplace: bool = False):
        self.inplace = inplace


class SiLU(_Called):
    """x * sigmoid(x).

    See: nn.functional.silu, nn.GELU

    >>> nn.SiLU()(tensor([0., 1.]))
    tensor([0.0000, 0.7311])
    """

    op = "silu"
    settings = ("inplace",)

    def __init__(self, inplace: bool = False):
        self.inplace = inplace


class Mish(_Called):
    """x * tanh(softplus(x)).

    See: nn.functional.mish, nn.SiLU

    >>> nn.Mish()(tensor([0., 1.]))
    tensor([0.0000, 0.8651])
    """

    op = "mish"
    settings = ("inplace",)

    def __init__(self, inplace: bool = False):
        self.inplace = inplace


class GELU(_Called):
    """x times the normal distribution's cumulative probability.

    See: nn.functional.gelu, nn.SiLU

    >>> nn.GELU()(tensor([0., 1.]))
    tensor([0.0000, 0.8413])
    """

    op = "gelu"
    settings = ("approximate",)

    def __init__(self, approximate: str = "none"):
        self.approximate = approximate


class Softplus(_Called):
    """log(1 + exp(beta * x)) / beta.

    See: nn.functional.softplus, nn.ReLU

    >>> nn.Softplus()(tensor([0., 1.]))
    tensor([0.6931, 1.3133])
    """

    op = "softplus"
    settings = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0):
        self.beta, self.threshold = beta, threshold


class Hardshrink(_Bare):
    """x, or 0 within lambd of 0.

    See: nn.functional.hardshrink, nn.Softshrink

    >>> nn.Hardshrink()(tensor([-1., 0.3]))
    tensor([-1.,  0.])
    """

    op = "hardshrink"
    settings = ("lambd",)

    def __init__(self, lambd: float = 0.5):
        self.lambd = lambd


class Softshrink(_Bare):
    """x moved lambd towards 0.

    See: nn.functional.softshrink, nn.Hardshrink

    >>> nn.Softshrink()(tensor([-1., 0.3]))
    tensor([-0.5000,  0.0000])
    """

    op = "softshrink"
    settings = ("lambd",)

    def __init__(self, lambd: float = 0.5):
        self.lambd = lambd


class Tanhshrink(_Called):
    """x - tanh(x).

    See: nn.functional.tanhshrink, nn.Tanh

    >>> nn.Tanhshrink()(tensor([0., 1.]))
    tensor([0.0000, 0.2384])
    """

    op = "tanhshrink"


class Softsign(_Called):
    """x / (1 + |x|).

    See: nn.functional.softsign, nn.Tanh

    >>> nn.Softsign()(tensor([-1., 3.]))
    tensor([-0.5000,  0.7500])
    """

    op = "softsign"


class LogSigmoid(_Called):
    """The logarithm of sigmoid.

    See: nn.functional.logsigmoid, nn.Sigmoid

    >>> nn.LogSigmoid()(tensor([0., 2.]))
    tensor([-0.6931, -0.1269])
    """

    op = "logsigmoid"


class Threshold(_Called):
    """x where it is above threshold, value elsewhere.

    See: nn.functional.threshold, nn.ReLU

    >>> nn.Threshold(0, 7)(tensor([-1., 2.]))
    tensor([7., 2.])
    """

    op = "threshold"
    settings = ("threshold", "value", "inplace")

    def __init__(self, threshold: float, value: float, inplace: bool = False):
        self.threshold, self.value, self.inplace = threshold, value, inplace


class GLU(_Called):
    """The first half along dim times the sigmoid of the second.

    See: nn.functional.glu, nn.Sigmoid

    >>> nn.GLU()(tensor([1., 0.]))
    tensor([0.5000])
    """

    op = "glu"
    settings = ("dim",)

    def __init__(self, dim: int = -1):
        self.dim = dim


class Softmin(_Called):
    """softmax of -x.

    See: nn.functional.softmin, nn.Softmax

    >>> nn.Softmin(0)(tensor([0., 0.]))
    tensor([0.5000, 0.5000])
    """

    op = "softmin"
    settings = ("dim",)

    def __init__(self, dim: int | None = None):
        self.dim = dim


class Softmax(_AlongDim):
    """exp(x) over its sum along dim.

    See: softmax, nn.LogSoftmax

    >>> nn.Softmax(0)(tensor([0., 0.]))
    tensor([0.5000, 0.5000])
    """

    op = "softmax"
    settings = ("dim",)

    def __init__(self, dim: int | None = None):
        self.dim = dim


class LogSoftmax(_AlongDim):
    """The logarithm of softmax.

    See: log_softmax, nn.NLLLoss

    >>> nn.LogSoftmax(0)(tensor([0., 0.]))
    tensor([-0.6931, -0.6931])
    """

    op = "log_softmax"
    settings = ("dim",)

    def __init__(self, dim: int | None = None):
        self.dim = dim


class Softmax2d(_Quiet):
    """softmax over the channels of images (n, c, h, w) or (c, h, w).

    See: nn.Softmax, softmax

    >>> nn.Softmax2d()(zeros(2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    def forward(self, *inputs: Any) -> Any:
        """(n, c, h, w) or (c, h, w); kept.

        Raises ValueError for other dims.
        """
        ndim = inputs[0].ndim
        if ndim not in (3, 4):
            raise TensorValueError(f"Softmax2d: expected input to be 3D or 4D, got {ndim}D instead")
        return PUBLIC["softmax"].call(inputs[0], -3)


class CosineSimilarity(_Quiet):
    """The cosine of the angle between vectors along dim.

    See: nn.functional.cosine_similarity, nn.PairwiseDistance

    >>> nn.CosineSimilarity()(tensor([[1., 0.]]), tensor([[3., 3.]]))
    tensor([0.7071])
    """

    op = "cosine_similarity"
    settings = ("dim", "eps")

    def __init__(self, dim: int = 1, eps: float = 1e-08):
        self.dim, self.eps = dim, eps


class PairwiseDistance(_Quiet):
    """The p-norm of the difference along the last dim.

    See: nn.functional.pairwise_distance, nn.CosineSimilarity

    >>> nn.PairwiseDistance()(tensor([[0., 0.]]), tensor([[3., 4.]]))
    tensor([5.0000])
    """

    op = "pairwise_distance"
    settings = ("p", "eps", "keepdim")

    def __init__(self, p: float = 2.0, eps: float = 1e-06, keepdim: bool = False):
        self.p, self.eps, self.keepdim = p, eps, keepdim


class _Dropping(Module):
    """A dropout, which does nothing outside training."""

    op = ""
    names = frozenset(("p", "inplace"))

    def __init__(self, p: float = 0.5, inplace: bool = False):
        if p < 0 or p > 1:
            raise TensorValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Any:
        """The input with elements dropped in training, else the input."""
        return PUBLIC[self.op].call(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropping):
    """Each element 0 with probability p in training, the others over 1 - p.

    See: nn.functional.dropout, nn.Module

    >>> nn.Dropout().eval()(ones(1, 2))
    tensor([[1., 1.]])
    """

    op = "dropout"


class Dropout1d(_Dropping):
    """dropout of whole channels of (n, c, length).

    See: nn.functional.dropout1d, nn.Dropout

    >>> nn.Dropout1d().eval()(ones(1, 2))
    tensor([[1., 1.]])
    """

    op = "dropout1d"


class Dropout2d(_Dropping):
    """dropout of whole channels of images (n, c, h, w).

    See: nn.functional.dropout2d, nn.Dropout

    >>> nn.Dropout2d().eval()(ones(1, 1, 1, 2))
    tensor([[[[1., 1.]]]])
    """

    op = "dropout2d"


class Dropout3d(_Dropping):
    """dropout of whole channels of volumes (n, c, d, h, w).

    See: nn.functional.dropout3d, nn.Dropout

    >>> nn.Dropout3d().eval()(ones(1, 1, 1, 1, 2))
    tensor([[[[[1., 1.]]]]])
    """

    op = "dropout3d"


class AlphaDropout(_Dropping):
    """dropout for selu.

    See: nn.functional.alpha_dropout, nn.SELU

    >>> nn.AlphaDropout().eval()(ones(1, 2))
    tensor([[1., 1.]])
    """

    op = "alpha_dropout"


class FeatureAlphaDropout(_Dropping):
    """alpha_dropout of whole channels.

    See: nn.functional.feature_alpha_dropout, nn.AlphaDropout

    >>> nn.FeatureAlphaDropout().eval()(ones(1, 2))
    tensor([[1., 1.]])
    """

    op = "feature_alpha_dropout"


class RReLU(Module):
    """leaky_relu with slopes drawn from [lower, upper) in training, and their mean else.

    See: nn.functional.rrelu, nn.LeakyReLU

    >>> nn.RReLU(0.25, 0.75).eval()(tensor([-2., 3.]))
    tensor([-1.,  3.])
    """

    names = frozenset(("lower", "upper", "inplace"))

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False):
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input: Tensor) -> Any:
        """The element, times a slope where it is negative."""
        return PUBLIC["rrelu"].call(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}" + ", inplace=True" * self.inplace


class PReLU(Module):
    """The element, times a learned weight where it is negative: one weight, or one for each channel (dim 1).

    See: nn.functional.prelu, nn.LeakyReLU

    >>> nn.PReLU()(tensor([-2., 3.])).detach()
    tensor([-0.5000,  3.0000])
    """

    names = frozenset(("num_parameters", "weight"))

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None):
        self.num_parameters = num_parameters
        self.weight = _parameter(num_parameters, dtype=dtype, device=device)
        with no_grad():
            values: Any = self.weight
            values.fill_(init)

    def forward(self, input: Tensor) -> Any:
        """(n, c, ...) -> (n, c, ...)."""
        return PUBLIC["prelu"].call(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"
