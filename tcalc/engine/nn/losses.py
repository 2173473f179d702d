"""Losses as modules: functions of nn.functional that keep their settings."""

from __future__ import annotations

import math
from typing import Any

from .. import dtypes
from ..errors import TensorValueError
from ..registry import PUBLIC
from ..tensor import Tensor
from .activations import PairwiseDistance, _Quiet
from .modules import Linear, Module


class L1Loss(_Quiet):
    """Mean absolute difference.

    See: nn.functional.l1_loss, nn.MSELoss

    >>> nn.L1Loss()(tensor([1., 2.]), tensor([1., 4.]))
    tensor(1.)
    """

    op = "l1_loss"
    settings = ("reduction",)

    def __init__(self, reduction: str = "mean"):
        self.reduction = reduction


class SmoothL1Loss(_Quiet):
    """Squared difference below beta, absolute above, averaged.

    See: nn.functional.smooth_l1_loss, nn.HuberLoss

    >>> nn.SmoothL1Loss()(tensor([1., 2.]), tensor([1., 4.]))
    tensor(0.7500)
    """

    op = "smooth_l1_loss"
    settings = ("reduction", "beta")

    def __init__(self, reduction: str = "mean", beta: float = 1.0):
        self.reduction, self.beta = reduction, beta


class HuberLoss(_Quiet):
    """Squared difference below delta, straight above, averaged.

    See: nn.functional.huber_loss, nn.SmoothL1Loss

    >>> nn.HuberLoss()(tensor([1., 2.]), tensor([1., 4.]))
    tensor(0.7500)
    """

    op = "huber_loss"
    settings = ("reduction", "delta")

    def __init__(self, reduction: str = "mean", delta: float = 1.0):
        self.reduction, self.delta = reduction, delta


class KLDivLoss(_Quiet):
    """Kullback-Leibler divergence of log-probabilities from probabilities.

    See: nn.functional.kl_div, nn.CrossEntropyLoss

    >>> nn.KLDivLoss()(tensor([-1.]), tensor([0.5]))
    tensor(0.1534)
    """

    op = "kl_div"
    settings = ("reduction", "log_target")

    def __init__(self, reduction: str = "mean", log_target: bool = False):
        self.reduction, self.log_target = reduction, log_target


class BCELoss(_Quiet):
    """Cross entropy of probabilities with targets in [0, 1].

    See: nn.functional.binary_cross_entropy, nn.BCEWithLogitsLoss

    >>> nn.BCELoss()(tensor([0.5]), tensor([1.]))
    tensor(0.6931)
    """

    op = "binary_cross_entropy"
    settings = ("weight", "reduction")

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean"):
        self.weight, self.reduction = weight, reduction


class BCEWithLogitsLoss(_Quiet):
    """Cross entropy of sigmoid(x) with targets in [0, 1].

    See: nn.functional.binary_cross_entropy_with_logits, nn.BCELoss

    >>> nn.BCEWithLogitsLoss()(tensor([0.]), tensor([1.]))
    tensor(0.6931)
    """

    op = "binary_cross_entropy_with_logits"
    settings = ("weight", "reduction", "pos_weight")

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean", pos_weight: Tensor | None = None):
        self.weight, self.reduction, self.pos_weight = weight, reduction, pos_weight


class NLLLoss(_Quiet):
    """Minus the log-probability of each target's class, averaged.

    See: nn.functional.nll_loss, nn.LogSoftmax

    >>> nn.NLLLoss()(tensor([[-1., -2.]]), tensor([1]))
    tensor(2.)
    """

    op = "nll_loss"
    settings = ("weight", "ignore_index", "reduction")

    def __init__(self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"):
        self.weight, self.ignore_index, self.reduction = weight, ignore_index, reduction


class SoftMarginLoss(_Quiet):
    """log(1 + exp(-target * x)) for targets 1 and -1, averaged.

    See: nn.functional.soft_margin_loss, nn.HingeEmbeddingLoss

    >>> nn.SoftMarginLoss()(tensor([0.]), tensor([1.]))
    tensor(0.6931)
    """

    op = "soft_margin_loss"
    settings = ("reduction",)

    def __init__(self, reduction: str = "mean"):
        self.reduction = reduction


class HingeEmbeddingLoss(_Quiet):
    """x for target 1, max(0, margin - x) for -1, averaged.

    See: nn.functional.hinge_embedding_loss

    >>> nn.HingeEmbeddingLoss()(tensor([0.5, 0.5]), tensor([1., -1.]))
    tensor(0.5000)
    """

    op = "hinge_embedding_loss"
    settings = ("margin", "reduction")

    def __init__(self, margin: float = 1.0, reduction: str = "mean"):
        self.margin, self.reduction = margin, reduction


class MarginRankingLoss(_Quiet):
    """max(0, -target * (x1 - x2) + margin), averaged.

    See: nn.functional.margin_ranking_loss

    >>> nn.MarginRankingLoss()(tensor([1.]), tensor([2.]), tensor([1.]))
    tensor(1.)
    """

    op = "margin_ranking_loss"
    settings = ("margin", "reduction")

    def __init__(self, margin: float = 0.0, reduction: str = "mean"):
        self.margin, self.reduction = margin, reduction


class CosineEmbeddingLoss(_Quiet):
    """1 - cos(x1, x2) for target 1, max(0, cos - margin) for -1, averaged.

    See: nn.functional.cosine_embedding_loss, nn.CosineSimilarity

    >>> nn.CosineEmbeddingLoss()(tensor([[1., 0.]]), tensor([[0., 1.]]), tensor([1]))
    tensor(1.)
    """

    op = "cosine_embedding_loss"
    settings = ("margin", "reduction")

    def __init__(self, margin: float = 0.0, reduction: str = "mean"):
        self.margin, self.reduction = margin, reduction


class TripletMarginLoss(_Quiet):
    """How much nearer than the negative the positive should be, less how much it is.

    See: nn.functional.triplet_margin_loss

    >>> nn.TripletMarginLoss()(tensor([[0.]]), tensor([[1.]]), tensor([[3.]]))
    tensor(0.)
    """

    op = "triplet_margin_loss"
    settings = ("margin", "p", "eps", "swap", "reduction")

    def __init__(self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, reduction: str = "mean"):
        self.margin, self.p, self.eps, self.swap, self.reduction = margin, p, eps, swap, reduction


class PoissonNLLLoss(_Quiet):
    """Minus the log-likelihood of counts under Poisson rates.

    See: nn.functional.poisson_nll_loss

    >>> nn.PoissonNLLLoss()(tensor([0.]), tensor([2.]))
    tensor(1.)
    """

    op = "poisson_nll_loss"
    settings = ("log_input", "full", "eps", "reduction")

    def __init__(self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"):
        self.log_input, self.full, self.eps, self.reduction = log_input, full, eps, reduction


class GaussianNLLLoss(_Quiet):
    """Minus the log-likelihood under normal distributions of given means and variances.

    See: nn.functional.gaussian_nll_loss

    >>> nn.GaussianNLLLoss()(tensor([0.]), tensor([2.]), tensor([1.]))
    tensor(2.)
    """

    op = "gaussian_nll_loss"
    settings = ("full", "eps", "reduction")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean"):
        self.full, self.eps, self.reduction = full, eps, reduction


class MultiLabelSoftMarginLoss(_Quiet):
    """Cross entropy of sigmoid(x) averaged over the classes, then over the rest.

    See: nn.functional.multilabel_soft_margin_loss, nn.BCEWithLogitsLoss

    >>> nn.MultiLabelSoftMarginLoss()(tensor([[0., 0.]]), tensor([[1., 0.]]))
    tensor(0.6931)
    """

    op = "multilabel_soft_margin_loss"
    settings = ("weight", "reduction")

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean"):
        self.weight, self.reduction = weight, reduction


class MultiLabelMarginLoss(_Quiet):
    """Margins between each sample's labels, up to the first -1, and all other classes, averaged.

    See: nn.functional.multilabel_margin_loss, nn.MultiMarginLoss

    >>> nn.MultiLabelMarginLoss()(tensor([[0., 2., 0.]]), tensor([[1, -1, 0]]))
    tensor(0.)
    """

    op = "multilabel_margin_loss"
    settings = ("reduction",)

    def __init__(self, reduction: str = "mean"):
        self.reduction = reduction


class MultiMarginLoss(_Quiet):
    """Margins between each target's class and the others, averaged.

    See: nn.functional.multi_margin_loss, nn.CrossEntropyLoss

    >>> nn.MultiMarginLoss()(tensor([[0., 2.]]), tensor([0]))
    tensor(1.5000)
    """

    op = "multi_margin_loss"
    settings = ("p", "margin", "weight", "reduction")

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, reduction: str = "mean"):
        if p not in (1, 2):
            raise TensorValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.ndim != 1:
            raise TensorValueError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.ndim}D instead")
        self.p, self.margin, self.weight, self.reduction = p, margin, weight, reduction


class CTCLoss(_Quiet):
    """Minus the log-probability of labels however they are stretched over time.

    See: nn.functional.ctc_loss, nn.LogSoftmax

    >>> nn.CTCLoss()(log_softmax(zeros(2, 1, 2), 2), tensor([[1]]), (2,), (1,))
    tensor(0.2877)
    """

    op = "ctc_loss"
    settings = ("blank", "reduction", "zero_infinity")

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False):
        self.blank, self.reduction, self.zero_infinity = blank, reduction, zero_infinity


class TripletMarginWithDistanceLoss(_Quiet):
    """TripletMarginLoss by a distance function of the caller's: a module, or any function of two tensors.

    See: nn.functional.triplet_margin_with_distance_loss, nn.TripletMarginLoss

    >>> nn.TripletMarginWithDistanceLoss()(tensor([[0.]]), tensor([[1.]]), tensor([[3.]]))
    tensor(0.)
    """

    op = "triplet_margin_with_distance_loss"
    settings = ("distance_function", "margin", "swap", "reduction")

    def __init__(self, *, distance_function: Any = None, margin: float = 1.0, swap: bool = False, reduction: str = "mean"):
        if margin <= 0:
            raise TensorValueError(f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {margin} instead")
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin, self.swap, self.reduction = margin, swap, reduction


class NLLLoss2d(NLLLoss):
    """NLLLoss by its older name for images.

    See: nn.NLLLoss

    >>> nn.NLLLoss2d()(tensor([[[[-1.]], [[-2.]]]]), tensor([[[1]]]))
    tensor(2.)
    """


class LinearCrossEntropyLoss(Module):
    """A linear layer to the classes and the cross entropy of its result, in one.

    See: nn.functional.linear_cross_entropy, nn.CrossEntropyLoss, nn.Linear

    >>> nn.LinearCrossEntropyLoss(3, 2)(zeros(1, 3), tensor([1])).detach()
    tensor(0.6931)
    """

    names = frozenset("in_features num_classes out_features reduction ignore_index label_smoothing weight linear".split())

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
    ):
        self.in_features, self.num_classes, self.out_features, self.weight = in_features, num_classes, tuple(out_features), weight
        self.reduction, self.ignore_index, self.label_smoothing = reduction, ignore_index, label_smoothing
        self.linear = Linear(in_features, math.prod(self.out_features, start=num_classes), bias, device, dtype)

    def forward(self, input: Tensor, target: Tensor) -> Any:
        """(n, in_features), (n) -> () (or (n) for "none")."""
        form = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return PUBLIC["linear_cross_entropy"].call(
            input,
            PUBLIC["reshape"].call(self.linear.weight, (*form, self.in_features)) if self.out_features else self.linear.weight,
            target,
            linear_bias=PUBLIC["reshape"].call(bias, form) if bias is not None and self.out_features else bias,
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, num_classes={self.num_classes}, out_features={self.out_features},"
            f" bias={self.linear.bias is not None}, reduction={self.reduction}, ignore_index={self.ignore_index},"
            f" label_smoothing={self.label_smoothing}, options=None"
        )
