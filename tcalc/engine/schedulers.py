"""Learning rates that change from epoch to epoch: torch.optim.lr_scheduler."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .errors import TensorTypeError, TensorValueError
from .optim import Optimizer


class _Scheduler:
    """Sets the rate of every group of an optimiser's parameters; `step` begins the next epoch."""

    def __init__(self, optimizer: Optimizer):
        if not isinstance(optimizer, Optimizer):
            raise TensorTypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer, self.last_epoch = optimizer, 0
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]

    def _rate(self, i: int, lr: float) -> float:
        """The new rate of group `i`.

        Raises NotImplementedError on the bare class.
        """
        raise NotImplementedError

    def _set(self) -> None:
        for i, group in enumerate(self.optimizer.param_groups):
            group["lr"] = self._rate(i, group["lr"])

    def step(self) -> None:
        """Begin the next epoch."""
        self.last_epoch += 1
        self._set()

    def get_last_lr(self) -> list[float]:
        """The rates now, one a group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take everything but the optimiser from another scheduler's state_dict."""
        vars(self).update({name: value for name, value in state_dict.items() if name in vars(self) and name != "optimizer"})


class StepLR(_Scheduler):
    """The rate times `gamma` every `step_size` epochs.

    See: optim.SGD, optim.lr_scheduler.ExponentialLR

    >>> optimizer = optim.SGD([zeros(1, requires_grad=True)], lr=1.)
    >>> scheduler = optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1):
        super().__init__(optimizer)
        self.step_size, self.gamma = step_size, gamma

    def _rate(self, i: int, lr: float) -> float:
        return lr if self.last_epoch % self.step_size else lr * self.gamma


class MultiStepLR(_Scheduler):
    """The rate times `gamma` at each epoch of `milestones`.

    See: optim.lr_scheduler.StepLR

    >>> optimizer = optim.SGD([zeros(1, requires_grad=True)], lr=1.)
    >>> scheduler = optim.lr_scheduler.MultiStepLR(optimizer, [1, 5], gamma=0.5)
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1):
        super().__init__(optimizer)
        self.milestones, self.gamma = list(milestones), gamma

    def _rate(self, i: int, lr: float) -> float:
        return lr * float(self.gamma) ** self.milestones.count(self.last_epoch) if self.last_epoch in self.milestones else lr


class ExponentialLR(_Scheduler):
    """The rate times `gamma` every epoch.

    See: optim.lr_scheduler.StepLR

    >>> optimizer = optim.SGD([zeros(1, requires_grad=True)], lr=1.)
    >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, gamma: float):
        super().__init__(optimizer)
        self.gamma = gamma

    def _rate(self, i: int, lr: float) -> float:
        return lr * self.gamma


class CosineAnnealingLR(_Scheduler):
    """The rate along half a cosine from its start to `eta_min` in `T_max` epochs, and back (Loshchilov and Hutter 2016).

    See: optim.lr_scheduler.ExponentialLR

    >>> optimizer = optim.SGD([zeros(1, requires_grad=True)], lr=1.)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, 2)
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, T_max: float, eta_min: float = 0.0):
        super().__init__(optimizer)
        self.T_max, self.eta_min = T_max, eta_min

    def _rate(self, i: int, lr: float) -> float:
        epoch, period = self.last_epoch, self.T_max
        if (epoch - 1 - period) % (2 * period) == 0:
            return float(lr + (self.base_lrs[i] - self.eta_min) * (1 - math.cos(math.pi / period)) / 2)
        before: float = 1 + math.cos(math.pi * (epoch - 1) / period)
        return (1 + math.cos(math.pi * epoch / period)) / before * (lr - self.eta_min) + self.eta_min


class LambdaLR(_Scheduler):
    """The first rate times a function of the epoch, one function or one for each group.

    Raises ValueError for another number of functions than groups.

    See: optim.lr_scheduler.StepLR

    >>> optimizer = optim.SGD([zeros(1, requires_grad=True)], lr=1.)
    >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (epoch + 1))
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]):
        super().__init__(optimizer)
        groups = len(optimizer.param_groups)
        self.lr_lambdas: list[Any] = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        if len(self.lr_lambdas) != groups:
            raise TensorValueError(f"Expected {groups} lr_lambdas, but got {len(self.lr_lambdas)}")
        self._set()

    def _rate(self, i: int, lr: float) -> float:
        rate: float = self.base_lrs[i] * self.lr_lambdas[i](self.last_epoch)
        return rate

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser and the functions."""
        return {name: value for name, value in super().state_dict().items() if name != "lr_lambdas"}


class ReduceLROnPlateau(_Scheduler):
    """The rate times `factor` once a metric has not become better for more than `patience` epochs; `step(metric)` says what it is.

    Better means lower (mode "min") or higher ("max") by `threshold`, as a share of the best ("rel") or outright ("abs").
    Raises ValueError for a factor of 1 or more, or another mode.

    See: optim.lr_scheduler.StepLR

    >>> optimizer = optim.SGD([zeros(1, requires_grad=True)], lr=1.)
    >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    >>> scheduler.step(3.); scheduler.step(3.)
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ):
        if factor >= 1.0:
            raise TensorValueError("Factor should be < 1.0.")
        if mode not in ("min", "max"):
            raise TensorValueError("mode " + mode + " is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise TensorValueError("threshold mode " + threshold_mode + " is unknown!")
        super().__init__(optimizer)
        groups = len(optimizer.param_groups)
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != groups:
            raise TensorValueError(f"expected {groups} min_lrs, got {len(min_lr)}")
        self.min_lrs: list[Any] = list(min_lr) if isinstance(min_lr, (list, tuple)) else [min_lr] * groups
        self.mode, self.factor, self.patience, self.threshold, self.threshold_mode = mode, factor, patience, threshold, threshold_mode
        self.cooldown, self.eps, self.cooldown_counter, self.num_bad_epochs = cooldown, eps, 0, 0
        self.best = math.inf if mode == "min" else -math.inf

    def _better(self, metric: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            bar = self.best * (1 + sign * self.threshold)
        else:
            bar = self.best + sign * self.threshold
        return metric < bar if self.mode == "min" else metric > bar

    def step(self, metrics: Any) -> None:  # type: ignore[override]  # torch's takes the metric
        """Look at the epoch's metric, and lower the rate when it has stayed for too long."""
        metric = float(metrics)
        self.last_epoch += 1
        if self._better(metric):
            self.best, self.num_bad_epochs = metric, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._set()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def _rate(self, i: int, lr: float) -> float:
        lower: float = max(lr * self.factor, self.min_lrs[i])
        return lower if lr - lower > self.eps else lr


SCHEDULERS: tuple[type[_Scheduler], ...] = (StepLR, MultiStepLR, ExponentialLR, CosineAnnealingLR, LambdaLR, ReduceLROnPlateau)
PUBLIC_NAMES = frozenset("step get_last_lr state_dict load_state_dict last_epoch base_lrs".split())
