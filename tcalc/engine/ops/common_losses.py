"""The losses of everyday training (squared and absolute error, negative log likelihood, cross entropy) and what all losses share."""

from __future__ import annotations

import math

from .. import dtypes
from ..backend import all_within, insist, within
from ..dtypes import FLOAT
from ..errors import TensorError, TensorIndexError, TensorValueError
from ..families.common import no_kernel, not_implemented
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, elementwise_strides
from ..spec import spec_of
from ..tensor import Tensor

NN = "torch.nn.functional"


def reduced(F, loss, reduction):
    """A loss for each element as is, averaged or added up.

    Raises ValueError for another word.
    """
    if reduction == "mean":
        return F.mean(loss)
    if reduction == "sum":
        return F.sum(loss)
    if reduction == "none":
        return loss
    raise TensorValueError(f"{reduction} is not a valid value for reduction")


def _only_floats(label, *specs):
    """Refuse integers where torch has kernels for floats only.

    Raises NotImplementedError with torch's sentence.
    """
    for s in specs:
        if s is not None and s.dtype.category < FLOAT:
            raise not_implemented(label, s.dtype)


def _plan_mse(self, target, reduction):
    _only_floats("mse_cpu", self, target)
    return _plan_loss(self, target, reduction)


def _plan_bce(self, target, weight, reduction):
    _only_floats("binary_cross_entropy", self, target)
    if target.shape != self.shape:
        raise TensorValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({self.shape}) is deprecated. Please ensure they have the same size."
        )
    return _plan_loss(self, target, reduction)


def _plan_bce_logits(self, target, weight, pos_weight, reduction):
    _only_floats("log_sigmoid_cpu", self)
    if target.shape != self.shape:
        raise TensorValueError(f"Target size ({target.shape}) must be the same as input size ({self.shape})")
    return _plan_loss(self, target, reduction)


def _plan_loss(self, target, reduction, *rest):
    if reduction not in ("none", "mean", "sum"):
        raise TensorValueError(f"{reduction} is not a valid value for reduction")
    shape = broadcast_shapes(self.shape, target.shape)
    d = dtypes.promote_types(self.dtype, target.dtype)
    if reduction != "none":
        return spec_of(d, self.device)
    geometries = tuple((tuple(s.shape), s.strides) for s in (self, target))
    return spec_of(d, self.device, shape, elementwise_strides(tuple(shape), geometries))


def _weighed(grad, self_spec, target_spec, reduction):
    """The gradient of each element's loss."""
    count = max(math.prod(broadcast_shapes(self_spec.shape, target_spec.shape)), 1)
    return grad / count if reduction == "mean" else grad


def _to_input(F, grad, spec):
    grad = F.sum_to(grad, tuple(spec.shape))
    return F.cast(grad, spec.dtype)


def _fold(xp, loss, reduction):
    if reduction == "none":
        return loss
    total = xp.add.reduce(loss, axis=None)
    return total / loss.dtype.type(loss.size) if reduction == "mean" else total


@structural(
    namespace=NN,
    method=False,
    plan=_plan_mse,
    self=lambda grad, self, target, self_spec, target_spec, reduction, F: _to_input(
        F, _weighed(grad, self_spec, target_spec, reduction) * 2 * (self - target), self_spec
    ),
    target=lambda grad, self, target, self_spec, target_spec, reduction, F: _to_input(
        F, _weighed(grad, self_spec, target_spec, reduction) * 2 * (target - self), target_spec
    ),
    out=False,
    real_only=no_kernel("mse_cpu"),
)
def mse_loss(xp, self, target, *, reduction: Str = "mean"):
    """The squared difference, averaged.

    Shapes: equal (or broadcast)  ->  (), reduction="none": kept
    Grad: input: 2 * (input - target) * grad / n; target: minus that
    See: nn.MSELoss, nn.functional.l1_loss

    >>> nn.functional.mse_loss(tensor([1., 2.]), tensor([1., 4.]))
    tensor(2.)
    """
    return _fold(xp, xp.square(self - target), reduction)


@composite(namespace=NN, method=False)
def l1_loss(F, self, target, *, reduction: Str = "mean"):
    """The absolute difference, averaged.

    Shapes: equal (or broadcast)  ->  (), reduction="none": kept
    Grad: input: sign(input - target) * grad / n; target: minus that
    See: nn.functional.mse_loss

    >>> nn.functional.l1_loss(tensor([1., 2.]), tensor([1., 4.]))
    tensor(1.)
    """
    return reduced(F, F.abs(self - target), reduction)


def _plan_nll(self, target, weight, reduction, ignore_index):
    if self.ndim == 0 or (self.ndim > 2 and target.ndim != self.ndim - 1):
        raise TensorError("input tensor should be 1D or 2D")
    if reduction not in ("none", "mean", "sum"):
        raise TensorValueError(f"{reduction} is not a valid value for reduction")
    batch = () if self.ndim == 1 else (self.shape[0], *self.shape[2:])
    if tuple(target.shape) != batch:
        if self.ndim == 2 and target.ndim != 1:
            raise TensorError("0D or 1D target tensor expected, multi-target not supported")
        raise TensorValueError(f"Expected input batch_size ({self.shape[0]}) to match target batch_size ({target.shape[0] if target.ndim else 1}).")
    if target.dtype.name not in ("int64", "uint8"):
        raise TensorError(f"expected target dtype to be Long or Byte, but got {target.dtype.kernel_name}")
    _only_floats("nll_loss_out_frame", self)
    return spec_of(self.dtype, self.device, batch if reduction == "none" else ())


def _places(xp, shape, target):
    """The index of each target's class among values of a shape."""
    if len(shape) == 1:
        return (target,)
    if len(shape) == 2:
        return xp.arange(shape[0]), target
    first, *rest = [xp.arange(n).reshape(-1, *(1,) * (target.ndim - 1 - d)) for d, n in enumerate(target.shape)]
    return (first, target, *rest)


def _class_weights(xp, target, weight, ignore_index, d, classes):
    """Classes, 0 where they are ignored, and how much each counts: None where all count 1 and are within bounds."""
    if weight is None and d.itemsize > 2 and not 0 <= ignore_index < classes and all_within(target, classes):
        return target, None
    kept = target != ignore_index
    safe = xp.where(kept, target, 0)
    within(safe, 0, classes, lambda bad: TensorIndexError(f"Target {bad} is out of bounds."))
    return safe, (kept.astype(d) if weight is None else xp.where(kept, weight[safe], weight.dtype.type(0)))


def _nll(xp, self, target, weight, reduction, ignore_index):
    """Minus the value of each target's class, weighted, then reduced."""
    classes = self.shape[0 if self.ndim == 1 else 1]
    safe, weights = _class_weights(xp, target, weight, ignore_index, self.dtype, classes)
    losses = -self[_places(xp, self.shape, safe)]
    if weights is not None:
        losses = losses * weights
    if reduction == "none":
        return losses
    total = xp.add.reduce(losses, axis=None)
    if reduction == "sum":
        return total
    return total / (self.dtype.type(losses.size) if weights is None else xp.add.reduce(weights, axis=None))


def _nll_grad(grad, target, weight, self_spec, reduction, ignore_index, F):
    return F.nll_loss_backward(grad, target, weight, self_spec.sizes, reduction, ignore_index)


@structural(
    node="NllLossBackward", plan=_plan_nll, self=_nll_grad, fixed={"weight": "nll_loss_forward: weight"}, function=False, method=False, out=False, real_only=no_kernel("nll_loss_out_frame"),
)
def nll_loss_rows(xp, self, target, weight: Tensor | None = None, *, reduction: Str = "mean", ignore_index: Int = -100):
    """nll_loss of (classes,) or (n, classes)."""
    return _nll(xp, self, target, weight, reduction, ignore_index)


@structural(node="NllLoss2DBackward", plan=_plan_nll, self=_nll_grad, fixed={"weight": "nll_loss2d_forward: weight"}, function=False, method=False, out=False)
def nll_loss_images(xp, self, target, weight: Tensor | None = None, *, reduction: Str = "mean", ignore_index: Int = -100):
    """nll_loss of (n, classes, height, width)."""
    return _nll(xp, self, target, weight, reduction, ignore_index)


@composite(namespace=NN, method=False)
def nll_loss(F, self, target, weight: Tensor | None = None, *, reduction: Str = "mean", ignore_index: Int = -100):
    """Minus the value of each target's class, averaged (weighted when weights are given); (n, classes) with (n,), or with
    more sizes behind both.

    Shapes: (n, classes), (n)  ->  (), reduction="none": (n)
    Grad: -weight / (sum of weights) * grad at each target's class, 0 elsewhere
    See: nn.functional.cross_entropy, log_softmax

    >>> nn.functional.nll_loss(tensor([[-1., -2.]]), tensor([1]))
    tensor(2.)
    """
    loss = F.nll_loss_rows if self.ndim < 3 else F.nll_loss_images
    if self.ndim < 3 or self.ndim == 4 or target.ndim != self.ndim - 1:
        return loss(self, target, weight, reduction=reduction, ignore_index=ignore_index)
    n, classes, *sizes = self.shape
    rest = (1, math.prod(sizes)) if self.numel() else (0, 0)  # torch lays what is not an image out as one of height 1
    found = loss(
        F.reshape(self, (n, classes, *rest)), F.reshape(target, (n, *rest)), weight, reduction=reduction, ignore_index=ignore_index
    )
    return F.view(found, (n, *sizes)) if reduction == "none" else found


@structural(
    plan=lambda grad, target, weight, shape, reduction, ignore_index: spec_of(grad.dtype, grad.device, shape),
    grad=lambda grad, target, weight, reduction, ignore_index, F: F.nll_loss_rows(
        grad, target, weight, reduction=reduction, ignore_index=ignore_index
    ),
    function=False,
    method=False,
    out=False,
)
def nll_loss_backward(xp, grad, target, weight: Tensor | None, shape: Size, reduction: Str, ignore_index: Int):
    """The gradient of nll_loss: minus the weight at each target's class."""
    safe, weights = _class_weights(xp, target, weight, ignore_index, grad.dtype, shape[0 if len(shape) == 1 else 1])
    if weights is None:
        weights = grad.dtype.type(1)
        if reduction == "mean":
            weights = weights / grad.dtype.type(target.size)
    elif reduction == "mean":
        weights = weights / xp.add.reduce(weights, axis=None)
    result = xp.zeros(shape, grad.dtype)
    result[_places(xp, shape, safe)] = -(grad * weights)
    return result


@composite(namespace=NN, method=False)
def cross_entropy(F, self, target, weight: Tensor | None = None, *, ignore_index: Int = -100, reduction: Str = "mean", label_smoothing: Float = 0.0):
    """nll_loss of log_softmax: logits (n, classes) and class numbers (n,), or probabilities of the logits' shape.

    Shapes: (n, classes), (n)  ->  (), reduction="none": (n)
    Grad: (softmax(input) - one_hot(target)) * grad / n
    See: nn.CrossEntropyLoss, nn.functional.nll_loss, log_softmax

    >>> nn.functional.cross_entropy(tensor([[0., 0.]]), tensor([1]))
    tensor(0.6931)
    """
    label_smoothing = max(label_smoothing, 0.0)
    if label_smoothing > 1:
        raise TensorError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    dim = 0 if len(self.shape) == 1 else 1
    logs = F.log_softmax(self, dim)
    if tuple(target.shape) == tuple(self.shape) and target.dtype.category == FLOAT:
        return _soft_targets(F, logs, target, weight, dim, reduction, label_smoothing)
    nll_loss = F.nll_loss_rows if dim == 0 or len(self.shape) == 2 else F.nll_loss
    loss = nll_loss(logs, target, weight, reduction=reduction, ignore_index=ignore_index)
    if not label_smoothing:
        return loss
    kept = F.unsqueeze(target != ignore_index, dim)
    shares = logs if weight is None else logs * F.reshape(weight, (-1,) + (1,) * (len(self.shape) - 1 - dim))
    smooth = -F.sum_dim(F.where(kept, shares, 0.0), (dim,), False)
    if reduction == "mean":
        count = F.sum(kept) if weight is None else F.sum(F.where(kept, F.unsqueeze(weight[F.where(target != ignore_index, target, 0)], dim), 0.0))
        smooth = F.sum(smooth) / count
    elif reduction == "sum":
        smooth = F.sum(smooth)
    classes = self.shape[dim]
    return F.mul_number(loss, 1 - label_smoothing) + F.mul_number(smooth, label_smoothing / classes)


def _soft_targets(F, logs, target, weight, dim, reduction, label_smoothing):
    classes = logs.shape[dim]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    shares = logs * target
    if weight is not None:
        shares = shares * F.reshape(weight, (-1,) + (1,) * (len(logs.shape) - 1 - dim))
    if reduction == "none":
        return -F.sum_dim(shares, (dim,), False)
    total = -F.sum(shares)
    return F.div_number(total, max(math.prod(logs.shape) // classes, 1)) if reduction == "mean" else total


def _bce_slope(grad, self_spec, target_spec, weight, reduction):
    g = _weighed(grad, self_spec, target_spec, reduction)
    return g if weight is None else g * weight


@structural(
    namespace=NN,
    method=False,
    plan=_plan_bce,
    self=lambda grad, self, target, weight, self_spec, target_spec, reduction, F: _to_input(
        F, _bce_slope(grad, self_spec, target_spec, weight, reduction) * (self - target) / F.clamp_min((1 - self) * self, 1e-12), self_spec
    ),
    target=lambda grad, self, weight, self_spec, target_spec, reduction, F: _to_input(
        F, _bce_slope(grad, self_spec, target_spec, weight, reduction) * (F.clamp_min(F.log1p(-self), -100) - F.clamp_min(F.log(self), -100)), target_spec
    ),
    out=False,
    fixed={"weight": "binary_cross_entropy: weight"},
    real_only=no_kernel("binary_cross_entropy"),
)
def binary_cross_entropy(xp, self, target, weight: Tensor | None = None, *, reduction: Str = "mean"):
    """`-(t log p + (1 - t) log(1 - p))` for probabilities p, logarithms cut at -100, times `weight`, averaged.

    Shapes: equal  ->  (), reduction="none": kept
    Grad: (input - target) / (input * (1 - input)) * grad / n
    See: nn.functional.binary_cross_entropy_with_logits, sigmoid

    >>> nn.functional.binary_cross_entropy(tensor([0.5]), tensor([1.]))
    tensor(0.6931)
    """
    insist(((self < 0) | (self > 1)).any(), lambda: TensorError("all elements of input should be between 0 and 1"))
    floor = self.dtype.type(-100)
    loss = (target - 1) * xp.maximum(xp.log1p(-self), floor) - target * xp.maximum(xp.log(self), floor)
    return _fold(xp, loss if weight is None else loss * weight, reduction)


def _logit_loss_slope(self, target, pos_weight, F):
    """d loss / d logit: sigmoid(x) - t, the positive part weighed."""
    if pos_weight is None:
        return F.sigmoid(self) - target
    share = target * pos_weight
    return (share + 1 - target) * F.sigmoid(self) - share


@structural(
    namespace=NN,
    method=False,
    plan=_plan_bce_logits,
    node="BinaryCrossEntropyWithLogitsBackward",
    self=lambda grad, self, target, weight, pos_weight, self_spec, target_spec, reduction, F: _to_input(
        F, _bce_slope(grad, self_spec, target_spec, weight, reduction) * _logit_loss_slope(self, target, pos_weight, F), self_spec
    ),
    target=lambda grad, self, weight, pos_weight, self_spec, target_spec, reduction, F: _to_input(
        F,
        _bce_slope(grad, self_spec, target_spec, weight, reduction)
        * (-self if pos_weight is None else F.softplus(-self) * pos_weight - F.softplus(-self) - self),
        target_spec,
    ),
    out=False,
    fixed={"weight": "binary_cross_entropy_with_logits: weight"},
    real_only=no_kernel("log_sigmoid_cpu"),
)
def binary_cross_entropy_with_logits(
    xp, self, target, weight: Tensor | None = None, pos_weight: Tensor | None = None, *, reduction: Str = "mean"
):
    """binary_cross_entropy of sigmoid(self), without overflow; `pos_weight` weighs the part of the targets.

    Shapes: equal  ->  (), reduction="none": kept
    Grad: (sigmoid(input) - target) * grad / n
    See: nn.functional.binary_cross_entropy, sigmoid

    >>> nn.functional.binary_cross_entropy_with_logits(tensor([0.]), tensor([1.]))
    tensor(0.6931)
    """
    tail = xp.logaddexp(self.dtype.type(0), -self)
    if pos_weight is not None:
        tail = tail * (1 + (pos_weight - 1) * target)
    loss = (1 - target) * self + tail
    return _fold(xp, loss if weight is None else loss * weight, reduction)
