"""Losses as modules: functions of nn.functional that keep their settings."""

from __future__ import annotations

from ..tensor import Tensor
from .activations import _Quiet


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
