"""Losses of class numbers by margins, and losses whose parts are chosen by the caller."""

from __future__ import annotations

import math

from ..backend import within
from ..dtypes import FLOAT
from ..errors import TensorError, TensorValueError
from ..families.common import no_kernel, not_implemented
from ..families.structural import composite, structural
from ..spec import spec_of
from .common_losses import _fold, reduced
from .losses import check_triplet

NN = "torch.nn.functional"


def _rows(spec):
    """(samples, classes) of what may also be one sample or one number."""
    return (spec.shape[0], spec.shape[1]) if spec.ndim == 2 else (1, spec.numel)


def _check_rows(self, reduction):
    """Refuse what torch refuses of an input (n, classes) or (classes)."""
    if reduction not in ("none", "mean", "sum"):
        raise TensorValueError(f"{reduction} is not a valid value for reduction")
    if self.ndim > 2 or (self.ndim and not self.shape[-1]):
        raise TensorError(f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(self.shape)}")


def _check_kinds(self, target, label):
    if self.dtype.category < FLOAT or self.dtype.itemsize == 2:
        raise not_implemented(label, self.dtype)
    if target.dtype.name != "int64":
        raise TensorError(f"expected scalar type Long but found {target.dtype.kernel_name}")


# --- one class a sample -----------------------------------------------------------------------------------------------


def _plan_multi_margin(self, target, weight, p, margin, reduction):
    _check_rows(self, reduction)
    n, classes = _rows(self)
    if target.ndim > 1 or target.numel != n:
        raise TensorError(
            f"multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). Expected target size"
            f" [{n}], but got {list(target.shape)}. Input has shape {list(self.shape)}."
        )
    if weight is not None and weight.shape != (classes,):
        raise TensorError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    _check_kinds(self, target, "multi_margin_loss_cpu_kernel")
    if weight is not None and weight.dtype is not self.dtype:
        raise TensorError(f"expected scalar type {self.dtype.kernel_name} but found {weight.dtype.kernel_name}")
    return spec_of(self.dtype, self.device, tuple(target.shape) if reduction == "none" else ())


def _multi_margin_grad(grad, self, target, weight, self_spec, p, margin, reduction, F):
    n, classes = _rows(self_spec)
    rows, places = F.reshape(self, (n, classes)), F.reshape(target, (n, 1))
    chosen = F.cast(F.reshape(F.one_hot_of(places, classes), (n, classes)), self_spec.dtype)
    gap = rows - F.gather(rows, 1, places) + margin
    slope = F.cast(gap > 0, self_spec.dtype)
    slope = slope if p == 1 else slope * gap * 2  # the target's own drops out of the difference below
    if weight is not None:
        slope = slope * F.reshape(F.index_select(weight, 0, F.reshape(target, (n,))), (n, 1))
    slope = (slope - chosen * F.sum_dim(slope, (1,), True)) / classes
    each = F.reshape(grad, (n, 1)) if reduction == "none" else grad / n if reduction == "mean" else grad
    return F.reshape(slope * each, self_spec.sizes)


@structural(
    plan=_plan_multi_margin,
    fixed={"weight": "multi_margin_loss: weight"},
    node="MultiMarginLossBackward",
    self=_multi_margin_grad,
    function=False,
    method=False,
    out=False,
    real_only=no_kernel("multi_margin_loss_cpu_kernel"),
)
def multi_margin(xp, self, target, weight: Tensor | None, p: Int, margin: Float, reduction: Str):
    """multi_margin_loss, its checks of numbers left out."""
    rows = self.reshape(-1, self.shape[-1] if self.ndim else 1)
    places = target.reshape(-1, 1)
    within(places, 0, rows.shape[1], lambda bad: TensorError("target out of range"))
    gap = xp.maximum(rows - xp.take_along_axis(rows, places, 1) + rows.dtype.type(margin), 0) ** p
    xp.put_along_axis(gap, places, 0, 1)
    if weight is not None:
        gap = gap * weight[places]
    losses = xp.add.reduce(gap, 1) / rows.dtype.type(rows.shape[1])
    return _fold(xp, losses.reshape(target.shape), reduction)


@composite(namespace=NN, method=False)
def multi_margin_loss(F, self, target, p: Int = 1, margin: Float = 1.0, weight: Tensor | None = None, *, reduction: Str = "mean"):
    """The mean over the other classes of `max(0, margin - self[target] + self[i]) ** p`, times the target's weight, averaged.

    Shapes: (n, classes), (n)  ->  (), reduction="none": (n)
    Grad: p * gap ** (p - 1) / classes * grad / n where the gap is positive, minus their sum at the target
    See: nn.MultiMarginLoss, nn.functional.cross_entropy, nn.functional.multilabel_margin_loss

    >>> nn.functional.multi_margin_loss(tensor([[0., 2.]]), tensor([0]))
    tensor(1.5000)
    """
    if p not in (1, 2):
        raise TensorValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise TensorValueError("weight must be one-dimensional")
    return F.multi_margin(self, target, weight, p, margin, reduction)


# --- several classes a sample -----------------------------------------------------------------------------------------


def _plan_multilabel(self, target, reduction):
    _check_rows(self, reduction)
    if target.shape != self.shape:
        raise TensorError(f"inconsistent target size: {list(target.shape)} for input of size: {list(self.shape)}")
    _check_kinds(self, target, "multilabel_margin_loss_forward_out_frame")
    return spec_of(self.dtype, self.device, (self.shape[0],) if reduction == "none" and self.ndim == 2 else ())


@structural(plan=lambda target, classes: spec_of(target.dtype, target.device, (*target.shape, classes)), function=False, method=False, out=False)
def label_pairs(xp, target, classes: Int):
    """1 for each label before the first -1 and each class that is no such label: (n, labels) -> (n, labels, classes)."""
    valid = xp.cumsum(target < 0, 1) == 0
    labels = (target[..., None] == xp.arange(classes)) & valid[..., None]
    return (valid[..., None] & ~labels.any(1, keepdims=True)).astype("int64")


def _multilabel_grad(grad, self, target, self_spec, reduction, F):
    n, classes = _rows(self_spec)
    rows, labels = F.reshape(self, (n, classes)), F.reshape(target, (n, classes))
    safe = F.clamp_min(labels, 0)
    gap = F.unsqueeze(rows, 1) - F.unsqueeze(F.gather(rows, 1, safe), 2) + 1
    slope = F.cast(F.label_pairs(labels, classes) * (gap > 0), self_spec.dtype)
    slope = (F.sum_dim(slope, (1,), False) - F.scatter_add_to((n, classes), 1, safe, F.sum_dim(slope, (2,), False))) / classes
    each = F.reshape(grad, (n, 1)) if reduction == "none" else grad / n if reduction == "mean" else grad
    return F.reshape(slope * each, self_spec.sizes)


@structural(
    namespace=NN,
    method=False,
    out=False,
    plan=_plan_multilabel,
    self=_multilabel_grad,
    real_only=no_kernel("multilabel_margin_loss_forward_out_frame"),
)
def multilabel_margin_loss(xp, self, target, *, reduction: Str = "mean"):
    """The sum of `max(0, 1 - self[label] + self[i])` over each sample's labels, up to the first -1, and all other classes, over the number
    of classes, averaged.

    Shapes: (n, classes), (n, classes) of labels  ->  (), reduction="none": (n)
    Grad: the number of positive gaps of each class / classes * grad / n, minus that of each label
    See: nn.MultiLabelMarginLoss, nn.functional.multi_margin_loss

    >>> nn.functional.multilabel_margin_loss(tensor([[0., 2., 0.]]), tensor([[1, -1, 0]]))
    tensor(0.)
    """
    classes = self.shape[-1] if self.ndim else 1
    rows, labels = self.reshape(-1, classes), target.reshape(-1, classes)
    within(labels, -1, classes, lambda bad: TensorError("argument #2 'target' is out of range"))
    pairs = label_pairs.kernel(xp, labels, classes)
    gap = xp.maximum(rows[:, None] - xp.take_along_axis(rows, xp.maximum(labels, 0), 1)[..., None] + 1, 0) * pairs.astype(rows.dtype)
    losses = xp.add.reduce(gap, (1, 2)) / rows.dtype.type(classes)
    return _fold(xp, losses if self.ndim == 2 else losses.reshape(()), reduction)


# --- with parts of the caller's ---------------------------------------------------------------------------------------


@composite(namespace=NN, method=False)
def triplet_margin_with_distance_loss(
    F, anchor, positive, negative, *, distance_function: Any = None, margin: Float = 1.0, swap: Bool = False, reduction: Str = "mean"
):
    """triplet_margin_loss by a distance function of the caller's: it takes two tensors and gives their distances.

    Shapes: (n, d) each  ->  (), reduction="none": (n)
    Grad: that of both distances where the loss is positive
    See: nn.TripletMarginWithDistanceLoss, nn.functional.triplet_margin_loss

    >>> nn.functional.triplet_margin_with_distance_loss(tensor([[0.]]), tensor([[1.]]), tensor([[1.5]]))
    tensor(0.5000)
    """
    if reduction not in ("mean", "sum", "none"):
        raise TensorValueError(f"{reduction} is not a valid value for reduction")
    check_triplet(anchor, positive, negative, margin)
    distance = distance_function or F.pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = F.minimum(far, distance(positive, negative))
    return reduced(F, F.clamp_min(margin + near - far, 0), reduction)


@composite(namespace=NN, method=False)
def linear_cross_entropy(
    F,
    self,
    linear_weight,
    target,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: Str = "mean",
    ignore_index: Int | None = None,
    label_smoothing: Float = 0.0,
    options: Nothing | None = None,
):
    """cross_entropy of linear: the last layer of a classifier and its loss in one call.

    Shapes: (n, features), weight (classes, features), (n)  ->  (), reduction="none": (n)
    Grad: (softmax - one_hot) * grad / n through the layer
    See: nn.functional.cross_entropy, nn.functional.linear, nn.LinearCrossEntropyLoss

    >>> nn.functional.linear_cross_entropy(zeros(1, 3), ones(2, 3), tensor([1]))
    tensor(0.6931)
    """
    shape, form = tuple(self.shape), tuple(linear_weight.shape)
    if len(shape) not in (1, 2):
        raise TensorError(f"expected input with dimensionality 1 or 2, got {len(shape)}")
    if len(form) < 2:
        raise TensorError(f"expected linear_weight with dimensionality at least 2, got {len(form)}")
    if shape[-1] != form[-1]:
        raise TensorError(f"expected equal input and linear_weight last dimensions (in_features), got {shape[-1]} and {form[-1]}, respectively")
    if linear_bias is not None and tuple(linear_bias.shape) != form[:-1]:
        raise TensorError(f"expected linear_bias shape {form[:-1]}, got {tuple(linear_bias.shape)}")
    if len(form) > 2 and len(shape) == 1:
        raise TensorError(
            f"K-dimensional loss defined by linear_weight shape {form} requires batched input, (N, {shape[-1]}), got unbatched input with shape {shape}"
        )
    logits_shape = (*shape[:-1], *form[:-1])
    if tuple(target.shape) == logits_shape and ignore_index is not None:
        raise TensorError("ignore_index cannot be specified when target contains probabilities")
    if len(form) > 2:
        linear_weight = F.reshape(linear_weight, (math.prod(form[:-1]), form[-1]))
        linear_bias = None if linear_bias is None else F.reshape(linear_bias, (math.prod(form[:-1]),))
    logits = F.reshape(F.linear(self, linear_weight, linear_bias), logits_shape)
    ignored = -100 if ignore_index is None else ignore_index
    return F.cross_entropy(logits, target, weight, reduction=reduction, ignore_index=ignored, label_smoothing=label_smoothing)
