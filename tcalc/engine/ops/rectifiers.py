"""Sigmoid, relu and the smooth functions like it, of each element."""

from __future__ import annotations

import math

from ..backend import scipy_module
from ..dtypes import BOOL, COMPLEX, FLOAT
from ..errors import TensorError
from ..families.activation import activation
from ..families.common import fitting_computed, no_complex
from ..families.elementwise import ANY, elementwise
from ..families.structural import composite


@elementwise(self=lambda grad, result: grad * ((1 - result) * result), promote="float", only=ANY)
def sigmoid(xp, self):
    """`1 / (1 + exp(-self))`.

    See: tanh, softmax, logit, nn.Sigmoid

    >>> sigmoid(tensor([0., 2.]))
    tensor([0.5000, 0.8808])
    """
    return _logistic(xp, self)


def _logistic(xp, self):
    return 1 / (1 + xp.exp(-self)) if self.dtype.kind == "c" else scipy_module("special", xp).expit(self)


def _check_relu(common, specs):
    if common.category == BOOL:
        raise TensorError("Boolean inputs not supported for relu")


@elementwise(
    check=_check_relu, self=lambda grad, result, F: F.where(result <= 0, 0.0, grad), out=False, real_only=no_complex("clamp is not supported for complex types"),
)
def relu(xp, self):
    """The element, or 0 where it is negative.

    See: clamp, nn.functional.leaky_relu, nn.functional.gelu, nn.ReLU

    >>> relu(tensor([-1., 2.]))
    tensor([0., 2.])
    """
    return xp.maximum(self, 0)


@composite(public="relu", namespace="torch.nn.functional", method=False)
def relu_inplace(F, self, inplace: Bool):
    """The element, or 0 where it is negative, written over the tensor when `inplace`.

    Storage: always new; input's own when inplace

    >>> nn.functional.relu(tensor([-1., 2.]), inplace=True)
    tensor([0., 2.])
    """
    return self.relu_() if inplace else F.relu(self)


@activation(self=lambda grad, self, F: grad * (F.sigmoid(self) * (1 + self * (1 - F.sigmoid(self)))), only=(FLOAT, COMPLEX))
def silu(xp, self):
    """`self * sigmoid(self)`.

    See: relu, sigmoid, nn.functional.gelu

    >>> nn.functional.silu(tensor([0., 1.]))
    tensor([0.0000, 0.7311])
    """
    return self * _logistic(xp, self)


@activation(self=lambda grad, self, negative_slope, F: F.where(self > 0, grad, grad * negative_slope), fits={"negative_slope": fitting_computed}, only=(FLOAT,))
def leaky_relu(xp, self, negative_slope: Float = 0.01):
    """The element, times `negative_slope` where it is negative.

    See: relu, nn.functional.softplus

    >>> nn.functional.leaky_relu(tensor([-1., 2.]))
    tensor([-0.0100,  2.0000])
    """
    return xp.where(self > 0, self, self * self.dtype.type(negative_slope))


@elementwise(
    self=lambda grad, self, beta, threshold, F: F.where(self * beta > threshold, grad, grad * F.sigmoid(self * beta)),
    namespace="torch.nn.functional",
    method=False,
    fits={"beta": fitting_computed, "threshold": fitting_computed},
    only=(FLOAT,),
    out_rule="found",
)
def softplus(xp, self, beta: Float = 1.0, threshold: Float = 20.0):
    """`log(1 + exp(beta * self)) / beta`; the element itself beyond `threshold`.

    See: relu, logaddexp

    >>> nn.functional.softplus(tensor([0., 1.]))
    tensor([0.6931, 1.3133])
    """
    scaled = self * self.dtype.type(beta)
    return xp.where(scaled > threshold, self, xp.log1p(xp.exp(scaled)) / self.dtype.type(beta))


_GELU = math.sqrt(2 / math.pi)


@elementwise(
    self=lambda grad, self, approximate, F: grad * _gelu_slope(self, approximate, F), namespace="torch.nn.functional", method=False, only=(FLOAT,), label="GeluKernelImpl", out_rule="found",
)
def gelu(xp, self, approximate: Str = "none"):
    """`self` times the normal distribution's cumulative probability (Hendrycks and Gimpel 2016); approximate="tanh" is their formula.

    Grad: grad * (cdf(input) + input * pdf(input)), cdf and pdf of the normal distribution

    See: relu, nn.functional.silu

    >>> nn.functional.gelu(tensor([0., 1.]))
    tensor([0.0000, 0.8413])
    """
    if approximate == "tanh":
        return 0.5 * self * (1 + xp.tanh(self.dtype.type(_GELU) * (self + self.dtype.type(0.044715) * self * self * self)))
    if approximate != "none":
        raise TensorError("approximate argument must be either none or tanh.")
    return self * scipy_module("special", xp).ndtr(self)


def _gelu_slope(self, approximate, F):
    if approximate == "tanh":
        inner = F.tanh(_GELU * (self + 0.044715 * self * self * self))
        return 0.5 * (1 + inner) + 0.5 * self * (1 - inner * inner) * (_GELU * (1 + 3 * 0.044715 * self * self))
    return 0.5 * (1 + F.erf(self * math.sqrt(0.5))) + self * F.exp(-0.5 * self * self) * (1 / math.sqrt(2 * math.pi))
