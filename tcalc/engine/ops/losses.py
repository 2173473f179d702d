"""Losses of torch.nn.functional beyond the everyday ones: of differences, of signs, of distances and of likelihoods."""

from __future__ import annotations

import math

from ..dtypes import BOOL, FLOAT
from ..errors import TensorError, TensorValueError
from ..families.common import no_kernel, not_implemented
from ..families.structural import composite, structural
from ..layout import broadcast_shapes
from ..modes import no_grad
from .common_losses import _fold, _plan_loss, reduced

NN = "torch.nn.functional"


# --- of each element's difference -------------------------------------------------------------------------------------


def _plan_smooth(self, target, reduction, bound, name, word):
    for s in (self, target):
        if s.dtype.category < FLOAT:
            raise not_implemented(f"{name}_cpu", s.dtype)
    if bound < (0 if word == "beta" else math.ulp(0.0)):
        raise TensorError(f"{name}_loss does not support {'negative' if word == 'beta' else 'non-positive'} values for {word}.")
    return _plan_loss(self, target, reduction)


def _to_input(F, grad, slope, shape, self_spec, target_spec, reduction):
    """The slope of each element times its gradient, in the input's shape."""
    count = max(math.prod(broadcast_shapes(self_spec.shape, target_spec.shape)), 1)
    return F.sum_to((grad / count if reduction == "mean" else grad) * slope, tuple(shape))


def _cut(F, difference, bound):
    """The difference, cut at plus and minus the bound."""
    return F.where(difference <= -bound, -bound, F.where(difference >= bound, bound, difference))


@structural(
    namespace=NN,
    method=False,
    plan=lambda self, target, reduction, beta: _plan_smooth(self, target, reduction, beta, "smooth_l1", "beta"),
    node="SmoothL1LossBackward",
    self=lambda grad, self, target, self_spec, target_spec, reduction, beta, F: _to_input(
        F, grad, _cut(F, self - target, beta) / beta, self_spec.shape, self_spec, target_spec, reduction
    ),
    target=lambda grad, self, target, self_spec, target_spec, reduction, beta, F: _to_input(
        F, grad, _cut(F, target - self, beta) / beta, target_spec.shape, self_spec, target_spec, reduction
    ),
    function=False,
    out=False,
    real_only=no_kernel("smooth_l1_cpu"),
)
def smooth_l1(xp, self, target, reduction: Str, beta: Float):
    """smooth_l1_loss for a beta above 0."""
    size = xp.absolute(self - target)
    return _fold(xp, xp.where(size < beta, size * size * 0.5 / self.dtype.type(beta), size - self.dtype.type(0.5 * beta)), reduction)


@composite(namespace=NN, method=False)
def smooth_l1_loss(F, self, target, *, reduction: Str = "mean", beta: Float = 1.0):
    """Half the squared difference over `beta` where it is below it, the absolute difference less half of beta above, averaged.

    Shapes: equal (or broadcast)  ->  (), reduction="none": kept
    Grad: input: (input - target) / beta cut to [-1, 1], * grad / n; target: minus that
    See: nn.SmoothL1Loss, nn.functional.huber_loss, nn.functional.l1_loss

    >>> nn.functional.smooth_l1_loss(tensor([1., 2.]), tensor([1., 4.]))
    tensor(0.7500)
    """
    return F.l1_loss(self, target, reduction=reduction) if beta == 0 else F.smooth_l1(self, target, reduction, beta)


@structural(
    namespace=NN,
    method=False,
    plan=lambda self, target, reduction, delta: _plan_smooth(self, target, reduction, delta, "huber", "delta"),
    self=lambda grad, self, target, self_spec, target_spec, reduction, delta, F: _to_input(
        F, grad, _cut(F, self - target, delta), self_spec.shape, self_spec, target_spec, reduction
    ),
    target=lambda grad, self, target, self_spec, target_spec, reduction, delta, F: _to_input(
        F, grad, _cut(F, target - self, delta), target_spec.shape, self_spec, target_spec, reduction
    ),
    out=False,
    real_only=no_kernel("huber_cpu"),
)
def huber_loss(xp, self, target, *, reduction: Str = "mean", delta: Float = 1.0):
    """Half the squared difference where it is at most `delta`, a straight line above, averaged (Huber 1964).

    Shapes: equal (or broadcast)  ->  (), reduction="none": kept
    Grad: input: input - target cut to [-delta, delta], * grad / n; target: minus that
    See: nn.HuberLoss, nn.functional.smooth_l1_loss, nn.functional.mse_loss

    >>> nn.functional.huber_loss(tensor([1., 2.]), tensor([1., 4.]))
    tensor(0.7500)
    """
    size, bound = xp.absolute(self - target), self.dtype.type(delta)
    return _fold(xp, xp.where(size <= bound, size * size * self.dtype.type(0.5), bound * (size - bound * self.dtype.type(0.5))), reduction)


def _plan_soft_margin(self, target, reduction):
    if target.dtype.category == BOOL:
        raise TensorError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()`"
            " operator instead."
        )
    if self.dtype.category < FLOAT:
        raise TensorError(f"result type Float can't be cast to the desired output type {self.dtype.kernel_name}")
    return _plan_loss(self, target, reduction)


# --- of signs and distances -------------------------------------------------------------------------------------------


@structural(
    namespace=NN,
    method=False,
    plan=lambda self, target, reduction: _plan_soft_margin(self, target, reduction),
    fixed={"target": "soft_margin_loss: target"},
    self=lambda grad, self, target, self_spec, target_spec, reduction, F: _to_input(
        F, grad, -target * F.sigmoid(-target * self), self_spec.shape, self_spec, target_spec, reduction
    ),
    out=False,
)
def soft_margin_loss(xp, self, target, *, reduction: Str = "mean"):
    """`log(1 + exp(-target * self))` for targets 1 and -1, averaged.

    Shapes: equal (or broadcast)  ->  (), reduction="none": kept
    Grad: input: -target * sigmoid(-target * input) * grad / n; target: none, as in torch
    See: nn.SoftMarginLoss, nn.functional.binary_cross_entropy_with_logits

    >>> nn.functional.soft_margin_loss(tensor([0.]), tensor([1.]))
    tensor(0.6931)
    """
    return _fold(xp, xp.log1p(xp.exp(-target * self)), reduction)


@composite(namespace=NN, method=False)
def hinge_embedding_loss(F, self, target, *, margin: Float = 1.0, reduction: Str = "mean"):
    """The element where the target is 1, `max(0, margin - self)` where it is -1, averaged.

    Shapes: equal (or broadcast)  ->  (), reduction="none": kept
    Grad: grad / n where the target is 1, minus that inside the margin where it is -1
    See: nn.HingeEmbeddingLoss, nn.functional.cosine_embedding_loss

    >>> nn.functional.hinge_embedding_loss(tensor([0.5, 0.5]), tensor([1., -1.]))
    tensor(0.5000)
    """
    zeros = F.zeros_like(self)
    apart = F.where(target != 1, F.clamp_min(margin - self, 0), zeros)
    return reduced(F, apart + F.where(target != -1, self, zeros), reduction)


@composite(namespace=NN, method=False)
def margin_ranking_loss(F, input1, input2, target, *, margin: Float = 0.0, reduction: Str = "mean"):
    """`max(0, -target * (input1 - input2) + margin)`, averaged: target 1 wants the first larger, -1 the second.

    Shapes: equal (or broadcast)  ->  (), reduction="none": kept
    Grad: input1: -target * grad / n where the loss is positive; input2: minus that
    See: nn.MarginRankingLoss

    >>> nn.functional.margin_ranking_loss(tensor([1.]), tensor([2.]), tensor([1.]))
    tensor(1.)
    """
    if not len(input1.shape) == len(input2.shape) == len(target.shape):
        sizes = ", ".join(f"{name}: {t.shape!r}" for name, t in (("input1", input1), ("input2", input2), ("target", target)))
        raise TensorError(f"margin_ranking_loss : All input tensors should have same dimension but got sizes: {sizes} ")
    difference = input1 - input2
    return reduced(F, F.clamp_min(-target * difference + margin, 0), reduction)


@composite(namespace=NN, method=False)
def cosine_embedding_loss(F, input1, input2, target, *, margin: Float = 0.0, reduction: Str = "mean"):
    """`1 - cos` of the angle between two vectors where the target is 1, `max(0, cos - margin)` where it is -1, averaged.

    Shapes: (n, d), (n, d), (n)  ->  (), reduction="none": (n)
    Grad: that of the cosine, through the pieces
    See: nn.CosineEmbeddingLoss, nn.functional.cosine_similarity

    >>> nn.functional.cosine_embedding_loss(tensor([[1., 0.]]), tensor([[0., 1.]]), tensor([1]))
    tensor(1.)
    """
    if len(target.shape) not in (0, 1):
        raise TensorError("0D or 1D target tensor expected, multi-target not supported")
    dims = (len(target.shape),)
    if len(input1.shape) != dims[0] + 1 or len(input2.shape) != dims[0] + 1:
        kind = "0D target tensor expects 1D" if not target.ndim else "1D target tensor expects 2D"
        raise TensorError(f"{kind} input tensors, but found inputs with sizes {list(input1.shape)} and {list(input2.shape)}.")
    products = F.sum_dim(input1 * input2, dims, False)
    sizes = (F.sum_dim(F.square(input1), dims, False) + 1e-12) * (F.sum_dim(F.square(input2), dims, False) + 1e-12)
    cosine = products / F.sqrt(sizes)
    zeros = F.zeros_like(cosine)
    near = F.where(target == 1, 1 - cosine, zeros)
    return reduced(F, near + F.where(target == -1, F.clamp_min(cosine - margin, 0), zeros), reduction)


def check_triplet(anchor, positive, negative, margin):
    """Refuse what torch refuses of three tensors and a margin.

    Raises ValueError and RuntimeError with its sentences.
    """
    if margin <= 0:
        raise TensorValueError(f"margin must be greater than 0, got {margin}")
    if not len(anchor.shape) == len(positive.shape) == len(negative.shape):
        raise TensorError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got:"
            f" anchor {len(anchor.shape)}D, positive {len(positive.shape)}D, and negative {len(negative.shape)}D inputs"
        )


@composite(namespace=NN, method=False)
def triplet_margin_loss(
    F, anchor, positive, negative, *, margin: Float = 1.0, p: Float = 2.0, eps: Float = 1e-6, swap: Bool = False, reduction: Str = "mean"
):
    """`max(0, margin + |anchor - positive| - |anchor - negative|)` in the p-norm, averaged; with `swap` the negative's distance
    is the smaller of those from anchor and positive.

    Shapes: (n, d) each  ->  (), reduction="none": (n)
    Grad: that of both norms where the loss is positive
    See: nn.TripletMarginLoss, nn.functional.pairwise_distance

    >>> nn.functional.triplet_margin_loss(tensor([[0.]]), tensor([[1.]]), tensor([[1.5]]))
    tensor(0.5000)
    """
    check_triplet(anchor, positive, negative, margin)
    near, far = F.pairwise_distance(anchor, positive, p, eps), F.pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = F.minimum(F.pairwise_distance(positive, negative, p, eps), far)
    return reduced(F, F.clamp_min(margin + near - far, 0), reduction)


# --- of likelihoods ---------------------------------------------------------------------------------------------------


@composite(namespace=NN, method=False)
def kl_div(F, self, target, *, reduction: Str = "mean", log_target: Bool = False):
    """`target * (log(target) - self)` for log-probabilities `self`, averaged over all elements ("batchmean": over the first dim).

    Shapes: equal (or broadcast)  ->  (), reduction="none": kept
    Grad: input: -target * grad / n
    See: nn.KLDivLoss, nn.functional.cross_entropy

    >>> nn.functional.kl_div(tensor([-1.]), tensor([0.5]), reduction="sum")
    tensor(0.1534)
    """
    if self.dtype.is_complex or target.dtype.is_complex:
        raise TensorError("kl_div: Complex inputs not supported.")
    if self.dtype.category < FLOAT or target.dtype.category < FLOAT:
        raise TensorError("kl_div: Integral inputs not supported.")
    loss = F.exp(target) * (target - self) if log_target else F.xlogy(target, target) - target * self
    if reduction == "batchmean":
        return F.sum(loss) / self.shape[0]
    return reduced(F, loss, reduction)


@composite(namespace=NN, method=False)
def poisson_nll_loss(F, self, target, *, log_input: Bool = True, full: Bool = False, eps: Float = 1e-8, reduction: Str = "mean"):
    """Minus the log-likelihood of counts under Poisson rates, `exp(self)` or, without `log_input`, `self`; `full` adds
    Stirling's term of the counts above 1.

    Shapes: equal (or broadcast)  ->  (), reduction="none": kept
    Grad: input: (exp(input) - target) * grad / n
    See: nn.PoissonNLLLoss, nn.functional.gaussian_nll_loss

    >>> nn.functional.poisson_nll_loss(tensor([0.]), tensor([2.]))
    tensor(1.)
    """
    loss = F.exp(self) - target * self if log_input else self - target * F.log(self + eps)
    if full:
        stirling = target * F.log(target) - target + 0.5 * F.log(2 * math.pi * target)
        loss = loss + F.masked_fill(stirling, target <= 1, 0)
    return reduced(F, loss, reduction)


@composite(namespace=NN, method=False)
def gaussian_nll_loss(F, self, target, var: Operand, *, full: Bool = False, eps: Float = 1e-6, reduction: Str = "mean"):
    """Minus the log-likelihood under normal distributions of means `self` and variances `var`, at least `eps`; `full` adds
    the constant.

    Shapes: equal, var also (..., 1) or without the last dim  ->  (), reduction="none": kept
    Grad: input: (input - target) / var * grad / n
    See: nn.GaussianNLLLoss, nn.functional.mse_loss

    >>> nn.functional.gaussian_nll_loss(tensor([0.]), tensor([2.]), tensor([1.]))
    tensor(2.)
    """
    if isinstance(var, (int, float)):
        if var < 0:
            raise TensorValueError("var has negative entry/entries")
        var = var * F.ones_like(self)
    elif bool(F.any(var < 0)):
        raise TensorValueError("var has negative entry/entries")
    if tuple(var.shape) != tuple(self.shape):
        if tuple(self.shape[:-1]) == tuple(var.shape):
            var = F.unsqueeze(var, -1)
        elif len(self.shape) != len(var.shape) or tuple(self.shape[:-1]) != tuple(var.shape[:-1]) or var.shape[-1] != 1:
            raise TensorValueError("var is of incorrect size")
    var = F.clone(var)
    with no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (F.log(var) + (self - target) ** 2 / var)
    return reduced(F, loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


@composite(namespace=NN, method=False)
def multilabel_soft_margin_loss(F, self, target, weight: Tensor | None = None, *, reduction: Str = "mean"):
    """binary_cross_entropy of sigmoid(self) averaged over the classes (the last dim), then over the rest.

    Shapes: (..., classes) each  ->  (), reduction="none": (...)
    Grad: (sigmoid(input) - target) / classes * grad / n
    See: nn.functional.binary_cross_entropy_with_logits

    >>> nn.functional.multilabel_soft_margin_loss(tensor([[0., 0.]]), tensor([[1., 0.]]))
    tensor(0.6931)
    """
    loss = -(target * F.logsigmoid(self) + (1 - target) * F.logsigmoid(-self))
    if weight is not None:
        loss = loss * weight
    last = len(self.shape) - 1
    return reduced(F, F.sum_dim(loss, (last,), False) / self.shape[last], reduction)
