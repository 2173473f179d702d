"""Activations of torch.nn.functional beyond those in pointwise.py, with torch's in-place switch, and what is measured between vectors."""

from __future__ import annotations

from math import prod

from .. import dtypes, random
from ..backend import scipy_module
from ..dtypes import BOOL, FLOAT, INT
from ..errors import TensorError, TensorValueError
from ..families.activation import activation
from ..families.common import fitting, fitting_computed, no_complex, no_kernel, not_implemented
from ..families.elementwise import elementwise
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, elementwise_strides, wrap_dim
from ..modes import no_grad
from ..spec import spec_of
from ..tensor import allocate

NN = "torch.nn.functional"
FLOATS = (FLOAT,)
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946
_SIXTH = 0.1666666716337204  # torch multiplies gradients by 1/6 as a float32, whatever the dtype


def _check_hardtanh(common, specs):
    if common.category == BOOL:
        raise TensorError("Bool inputs not supported for hardtanh")


def _limit(value, d):
    """A limit of hardtanh.

    Raises RuntimeError with torch's sentences for one that the dtype cannot hold.
    """
    if d.category == INT:
        value = fitting(value, dtypes.int64)
        if value < 0 and not dtypes.iinfo(d).min:
            raise TensorError("cannot do hardtanh on an unsigned type with negative limits")
    return fitting(value, d)


def _shrinkage(lambd, d):
    """By how much softshrink moves elements.

    Raises RuntimeError with torch's sentence for what is negative or no finite number of the dtype.
    """
    lambd, largest = float(fitting(lambd, dtypes.float64)), dtypes.finfo(d).max
    if not 0 <= lambd <= largest:
        raise TensorError(f"lambda must be in range [0, {largest:g}] for input dtype {d.kernel_name}, but found {lambd:g}")
    return lambd


# --- smooth -----------------------------------------------------------------------------------------------------------


@activation(self=lambda grad, self, alpha, F: F.where(self > 0, grad, grad * (alpha * F.exp(self))), fits={"alpha": fitting_computed}, only=FLOATS)
def elu(xp, self, alpha: Scalar = 1.0):
    """The element, or `alpha * (exp(self) - 1)` where it is negative (Clevert et al. 2015).

    See: nn.functional.selu, nn.functional.celu, relu

    >>> nn.functional.elu(tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
    """
    return xp.where(self > 0, self, xp.expm1(xp.minimum(self, self.dtype.type(0))) * self.dtype.type(alpha))


@activation(
    self=lambda grad, self, F: F.where(self > 0, grad * _SELU_SCALE, grad * (_SELU_SCALE * _SELU_ALPHA * F.exp(self))),
    node="EluBackward",
    only=FLOATS,
    label="elu_cpu",
)
def selu(xp, self):
    """elu with the scale and alpha that keep mean 0 and variance 1 from layer to layer (Klambauer et al. 2017).

    Grad: scale * grad where input > 0, else (result + scale * alpha) * grad, for scale 1.0507 and alpha 1.6733
    See: nn.functional.elu, nn.functional.alpha_dropout

    >>> nn.functional.selu(tensor([-1., 2.]))
    tensor([-1.1113,  2.1014])
    """
    negative = xp.expm1(xp.minimum(self, self.dtype.type(0))) * self.dtype.type(_SELU_ALPHA * _SELU_SCALE)
    return xp.where(self > 0, self * self.dtype.type(_SELU_SCALE), negative)


@activation(self=lambda grad, self, alpha, F: F.where(self > 0, grad, grad * F.exp(self / alpha)), fits={"alpha": fitting_computed}, only=FLOATS, label="elu_cpu")
def celu(xp, self, alpha: Scalar = 1.0):
    """The element, or `alpha * (exp(self / alpha) - 1)` where it is negative (Barron 2017).

    See: nn.functional.elu

    >>> nn.functional.celu(tensor([-1., 2.]), 2.)
    tensor([-0.7869,  2.0000])
    """
    if alpha == 0:
        raise TensorError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return xp.where(self > 0, self, xp.expm1(xp.minimum(self * self.dtype.type(1 / alpha), self.dtype.type(0))) * self.dtype.type(alpha))


def _mish_slope(self, F):
    """d mish / dx: tanh(softplus) and what moves it."""
    squashed = F.tanh(F.softplus(self))
    return squashed + self * F.sigmoid(self) * (1 - squashed * squashed)


@activation(self=lambda grad, self, F: grad * _mish_slope(self, F), only=FLOATS)
def mish(xp, self):
    """`self * tanh(softplus(self))` (Misra 2019).

    Grad: grad * (t + input * sigmoid(input) * (1 - t * t)), t = tanh(softplus(input))
    See: nn.functional.silu, nn.functional.softplus

    >>> nn.functional.mish(tensor([0., 1.]))
    tensor([0.0000, 0.8651])
    """
    return self * xp.tanh(xp.logaddexp(self, self.dtype.type(0)))


@elementwise(
    self=lambda grad, self, F: grad * F.sigmoid(-self),
    node="LogSigmoidBackward",
    namespace=NN,
    method=False,
    inplace=False,
    out=False,
    only=FLOATS,
    label="log_sigmoid_cpu",
)
def logsigmoid(xp, self):
    """The logarithm of sigmoid, without overflow.

    See: sigmoid, nn.functional.softplus, log_softmax

    >>> nn.functional.logsigmoid(tensor([0., 2.]))
    tensor([-0.6931, -0.1269])
    """
    return xp.minimum(self, self.dtype.type(0)) - xp.log1p(xp.exp(-xp.abs(self)))


@composite(namespace=NN, method=False)
def softsign(F, self):
    """`self / (1 + |self|)`.

    Shapes: any; kept
    Grad: grad / (1 + |input|) ** 2
    See: tanh, nn.functional.hardtanh

    >>> nn.functional.softsign(tensor([-1., 3.]))
    tensor([-0.5000,  0.7500])
    """
    return self / (F.abs(self) + 1)


@composite(namespace=NN, method=False)
def tanhshrink(F, self):
    """`self - tanh(self)`.

    Shapes: any; kept
    Grad: grad * tanh(input) ** 2
    See: tanh, nn.functional.softshrink

    >>> nn.functional.tanhshrink(tensor([0., 1.]))
    tensor([0.0000, 0.2384])
    """
    return F.sub(self, F.tanh(self))


# --- of straight pieces -----------------------------------------------------------------------------------------------


@activation(
    self=lambda grad, self, min_val, max_val, F: F.where((self > min_val) & (self < max_val), grad, 0.0),
    check=_check_hardtanh,
    fits={"min_val": _limit, "max_val": _limit},
    only=(BOOL, INT, FLOAT),
    real_only=no_complex("clamp is not supported for complex types"),
)
def hardtanh(xp, self, min_val: Scalar = -1.0, max_val: Scalar = 1.0):
    """The element cut to [min_val, max_val].

    See: clamp, nn.functional.relu6, tanh

    >>> nn.functional.hardtanh(tensor([-3., 0.5, 2.]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min_val > max_val:
        raise TensorValueError("min_val cannot be greater than max_val")
    return xp.minimum(xp.maximum(self, self.dtype.type(min_val)), self.dtype.type(max_val))


@activation(
    self=lambda grad, self, F: F.where((self > 0) & (self < 6), grad, 0.0),
    node="HardtanhBackward",
    check=_check_hardtanh,
    only=(BOOL, INT, FLOAT),
    out=False,
    real_only=no_complex("clamp is not supported for complex types"),
)
def relu6(xp, self):
    """The element cut to [0, 6].

    See: relu, nn.functional.hardtanh

    >>> nn.functional.relu6(tensor([-1., 2., 8.]))
    tensor([0., 2., 6.])
    """
    return xp.minimum(xp.maximum(self, self.dtype.type(0)), self.dtype.type(6))


@activation(self=lambda grad, self, F: F.where((self > -3) & (self < 3), grad * _SIXTH, 0.0), only=FLOATS, out=False)
def hardsigmoid(xp, self):
    """`(self + 3) / 6` cut to [0, 1]: a sigmoid of three straight pieces.

    Grad: grad / 6 between -3 and 3, 0 outside
    See: sigmoid, nn.functional.hardswish

    >>> nn.functional.hardsigmoid(tensor([-4., 0., 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """
    return xp.minimum(xp.maximum(self + self.dtype.type(3), self.dtype.type(0)), self.dtype.type(6)) / self.dtype.type(6)


@activation(
    self=lambda grad, self, F: grad * F.where(self >= 3, 1.0, F.where(self > -3, self / 3 + 0.5, 0.0)),
    only=FLOATS,
    out=False,
)
def hardswish(xp, self):
    """`self * hardsigmoid(self)` (Howard et al. 2019).

    See: nn.functional.silu, nn.functional.hardsigmoid

    >>> nn.functional.hardswish(tensor([-1., 1., 4.]))
    tensor([-0.3333,  0.6667,  4.0000])
    """
    return self * xp.minimum(xp.maximum(self + self.dtype.type(3), self.dtype.type(0)), self.dtype.type(6)) / self.dtype.type(6)


@elementwise(
    self=lambda grad, self, lambd, F: F.where((self < -lambd) | (self > lambd), grad, 0.0), namespace=NN, inplace=False, only=FLOATS, out_rule="found", fits={"lambd": fitting}
)
def hardshrink(xp, self, lambd: Scalar = 0.5):
    """The element, or 0 within `lambd` of 0.

    See: nn.functional.softshrink, nn.functional.threshold

    >>> nn.functional.hardshrink(tensor([-1., 0.3, 2.]))
    tensor([-1.,  0.,  2.])
    """
    bound = self.dtype.type(lambd)
    return xp.where((self >= -bound) & (self <= bound), self.dtype.type(0), self)


@elementwise(
    self=lambda grad, self, lambd, F: F.where((self < -lambd) | (self > lambd), grad, 0.0),
    namespace=NN,
    method=False,
    inplace=False,
    only=FLOATS,
    label="softshrink_check",
    out_rule="found",
    fits={"lambd": _shrinkage},
)
def softshrink(xp, self, lambd: Scalar = 0.5):
    """The element moved `lambd` towards 0, and 0 within.

    See: nn.functional.hardshrink, nn.functional.tanhshrink

    >>> nn.functional.softshrink(tensor([-1., 0.3, 2.]))
    tensor([-0.5000,  0.0000,  1.5000])
    """
    bound = self.dtype.type(lambd)
    return xp.where(self > bound, self - bound, xp.where(self < -bound, self + bound, self * self.dtype.type(0)))


@activation(
    self=lambda grad, self, threshold, F: F.where(self <= threshold, 0.0, grad),
    fits={"threshold": fitting_computed, "value": fitting},
    only=(INT, FLOAT),
)
def threshold(xp, self, threshold: Scalar, value: Scalar):
    """The element where it is above `threshold`, `value` elsewhere.

    See: relu, where, nn.functional.hardshrink

    >>> nn.functional.threshold(tensor([-1., 2.]), 0, 7)
    tensor([7., 2.])
    """
    return xp.where(self <= threshold, self.dtype.type(value), self)


# --- of several operands or channels ----------------------------------------------------------------------------------


def _plan_glu(self, dim):
    if not self.ndim:
        raise TensorError("glu does not support scalars because halving size must be even")
    at = wrap_dim(dim, self.ndim)
    if self.dtype.category < FLOAT:
        raise not_implemented("glu_cpu", self.dtype)
    if self.shape[at] % 2:
        raise TensorError(f"Halving dimension must be even, but dimension {at} is size {self.shape[at]}")
    shape = (*self.sizes[:at], self.shape[at] // 2, *self.sizes[at + 1 :])
    return spec_of(self.dtype, self.device, shape, elementwise_strides(shape, ((shape, self.strides),) * 2))


def _glu_grad(grad, self, dim, F):
    half = self.shape[dim] // 2
    gate = F.sigmoid(F.slice(self, dim, half, 2 * half, 1))
    return F.cat([grad * gate, grad * F.slice(self, dim, 0, half, 1) * gate * (1 - gate)], dim)


@structural(
    plan=_plan_glu, self=lambda grad, self, dim, F: _glu_grad(grad, self, dim, F), namespace=NN, method=False, real_only=no_kernel("glu_cpu"),
)
def glu(xp, self, dim: Dim = -1):
    """The first half along `dim` times the sigmoid of the second (Dauphin et al. 2016).

    Shapes: (..., 2 n)  ->  (..., n)
    Grad: first half: grad * sigmoid(b); second: grad * a * sigmoid(b) * (1 - sigmoid(b))
    See: sigmoid, chunk

    >>> nn.functional.glu(tensor([1., 2., 0., 0.]))
    tensor([0.5000, 1.0000])
    """
    a, b = xp.split(self, 2, dim)
    return a * scipy_module("special", xp).expit(b)


def _implicit_dim(ndim):
    """The dim that torch's softmax takes when none is given."""
    return 0 if ndim in (0, 1, 3) else 1


@composite(namespace=NN, method=False)
def softmin(F, self, dim: Dim | None = None, _stacklevel: Int = 3, dtype: DType | None = None):
    """softmax of `-self`: most weight on the smallest. Without `dim` the first of 1 or 3 dims, else the second.

    Shapes: any; kept
    Grad: that of softmax, negated
    See: softmax

    >>> nn.functional.softmin(tensor([0., 0.]), 0)
    tensor([0.5000, 0.5000])
    """
    return F.softmax(-self, _implicit_dim(len(self.shape)) if dim is None else dim, dtype)


@elementwise(
    self=lambda grad, self, weight, F: F.where(self > 0, grad, grad * weight),
    weight=lambda grad, self, F: F.where(self > 0, 0.0, grad * self),
    node="PreluKernelBackward",
    function=False,
    method=False,
    inplace=False,
    out=False,
    only=FLOATS,
    label="prelu_cpu",
)
def prelu_kernel(xp, self, weight):
    """prelu with the weights broadcast."""
    return xp.where(self > 0, self, self * weight)


@composite(namespace=NN)
def prelu(F, self, weight):
    """The element, times the weight of its channel (dim 1) where it is negative (He et al. 2015); one weight serves all.

    Shapes: (n, c, ...), (c) or (1)  ->  (n, c, ...)
    Grad: input: grad, times weight where negative; weight: input * grad where negative, summed
    See: nn.functional.leaky_relu, nn.functional.rrelu

    >>> nn.functional.prelu(tensor([-2., 3.]), tensor([0.5]))
    tensor([-1.,  3.])
    """
    if self.dtype is not weight.dtype:
        raise TensorError(f"prelu: Type promoting not supported. Got {self.dtype.kernel_name} and {weight.dtype.kernel_name}")
    ndim, count = len(self.shape), weight.spec.numel
    if count != 1:
        if not ndim:
            raise TensorError("Not allow zero-dim input tensor.")
        channels = self.shape[1] if ndim > 1 else 1
        if channels != count:
            raise TensorError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} and channel size = {channels}."
            )
    if len(weight.shape) > 1:
        raise TensorError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {len(weight.shape)}")
    shape = () if not ndim else (1, count, *(1,) * (ndim - 2)) if ndim > 1 else (count,)
    return F.prelu_kernel(self, weight if tuple(weight.shape) == shape else F.reshape(weight, shape))


@elementwise(
    self=lambda grad, noise: grad * noise,
    node="RreluWithNoiseBackward",
    function=False,
    method=False,
    inplace=False,
    out=False,
    only=FLOATS,
    label="rrelu_with_noise_out_cpu",
)
def rrelu_with_noise(xp, noise, self):
    """rrelu with its slopes drawn: 1 where the element is positive."""
    return self * noise


@composite(namespace=NN, method=False)
def rrelu(F, self, lower: Scalar = 1.0 / 8, upper: Scalar = 1.0 / 3, training: Bool = False, inplace: Bool = False):
    """leaky_relu with a slope drawn from [lower, upper) for each negative element in training, and their mean else.

    Shapes: any; kept
    Grad: grad, times the slope where negative
    See: nn.functional.leaky_relu, nn.functional.prelu

    >>> nn.functional.rrelu(tensor([-2., 3.]), 0.25, 0.75)
    tensor([-1.,  3.])
    """
    if self.dtype.category < FLOAT:
        raise not_implemented("rrelu_with_noise_out_cpu" if training else "leaky_relu_cpu", self.dtype)
    if lower > upper:
        raise TensorError("Lower bound should be less than or equal to the upper bound")
    with no_grad():
        noise = F.where(self > 0, 1.0, (lower + upper) / 2).to(self.dtype)
    if training and self.a is not None:
        samplers, source = random.drawing(None, self.spec.device)
        slopes = samplers.rrelu(source, self.a.reshape(-1), lower, upper)
        noise = allocate(spec_of(self.dtype, self.spec.device, self.spec.sizes))
        noise.a[...] = slopes.reshape(self.spec.sizes)
    return self.mul_(noise) if inplace else F.rrelu_with_noise(noise, self)


# --- between vectors --------------------------------------------------------------------------------------------------


@composite(namespace=NN, method=False)
def cosine_similarity(F, x1, x2, dim: Dim = 1, eps: Float = 1e-8):
    """The cosine of the angle between vectors along `dim`; norms count as at least `eps`.

    Shapes: equal (or broadcast), dim folded away
    Grad: x1: (x2 / |x2| - cos * x1 / |x1|) / |x1| * grad
    See: nn.functional.normalize, nn.functional.cosine_embedding_loss, dot

    >>> nn.functional.cosine_similarity(tensor([[1., 0.]]), tensor([[3., 3.]]))
    tensor([0.7071])
    """
    for x in (x1, x2):
        if x.dtype.category != FLOAT:
            raise TensorError(f"expected common dtype to be floating point, yet common dtype is {x.dtype.kernel_name}")
    shape = tuple(broadcast_shapes(tuple(x1.shape), tuple(x2.shape)))
    directions = []
    for x in (x1, x2):
        x = x if tuple(x.shape) == shape else F.expand(x, shape)
        size = F.clone(F.vector_norm(x, 2, (dim,), True))
        with no_grad():  # torch lets the gradient of the norm pass where it was too small
            size.clamp_min_(eps)
        directions.append(x / size)
    return F.sum_dim(directions[0] * directions[1], (dim,), False)


@composite(namespace=NN, method=False)
def pairwise_distance(F, x1, x2, p: Float = 2.0, eps: Float = 1e-6, keepdim: Bool = False):
    """The p-norm of `x1 - x2 + eps` along the last dim.

    Shapes: (..., n) each  ->  (...)
    Grad: x1: that of the norm; x2: minus that
    See: norm, nn.functional.cosine_similarity, nn.functional.triplet_margin_loss

    >>> nn.functional.pairwise_distance(tensor([[0., 0.]]), tensor([[3., 4.]]))
    tensor([5.0000])
    """
    last = max(len(x1.shape), len(x2.shape)) - 1
    return F.norm_dim(F.sub(x1, x2) + eps, p, (last,), keepdim)


@composite(namespace=NN, method=False)
def bilinear(F, input1, input2, weight, bias: Tensor | None = None):
    """`input1 @ weight[k] @ input2 + bias[k]` for each output k.

    Shapes: (..., n), (..., m), weight (k, n, m), bias (k)  ->  (..., k)
    Grad: input1: sum over k of grad[k] * weight[k] @ input2; input2 likewise; weight: products of both; bias: grad summed
    See: nn.Bilinear, nn.functional.linear

    >>> nn.functional.bilinear(tensor([[1., 2.]]), tensor([[3., 4.]]), ones(1, 2, 2))
    tensor([[21.]])
    """
    lead = tuple(input1.shape[:-1])
    if len(input1.shape) != len(input2.shape):
        raise TensorError(f"bilinear(): input dimensions do not match: got {len(input1.shape)} and {len(input2.shape)}")
    for i, (a, b) in enumerate(zip(input1.shape[:-1], input2.shape[:-1], strict=True)):
        if a != b:
            raise TensorError(f"bilinear(): input batch dimensions do not match at dim {i}: got {a} and {b}")
    for i, x in ((1, input1), (2, input2)):
        if x.shape[-1] != weight.shape[i]:
            raise TensorError(
                f"bilinear(): input{i} size does not match weight size: got {x.shape[-1]} but expected {weight.shape[i]}"
            )
    k, n, m = weight.shape
    rows = prod(lead)
    first = F.reshape(input1, (rows, n))
    halfway = F.reshape(F.matmul(first, F.reshape(F.permute(weight, (1, 0, 2)), (n, k * m))), (rows, k, m))
    products = F.matmul(halfway, F.reshape(input2, (rows, m, 1)))
    result = F.view(products, (*lead, k))
    return result if bias is None else result + bias
