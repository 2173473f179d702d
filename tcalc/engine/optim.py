"""Optimisers: in-place updates of parameters under no_grad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .errors import TensorTypeError, TensorValueError
from .modes import no_grad
from .tensor import Tensor


class SGD:
    """Gradient descent with momentum, dampening, weight decay and Nesterov's look-ahead, as torch.optim.SGD steps.

    Raises ValueError for an empty parameter list or negative settings.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
    ):
        if isinstance(params, Tensor):
            given = params.type()
            raise TensorTypeError(f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got {given}")
        if not isinstance(params, Iterable):
            raise TensorTypeError(f"'{type(params).__name__}' object is not iterable")
        self.params: list[Any] = list(params)
        if not self.params:
            raise TensorValueError("optimizer got an empty parameter list")
        for p in self.params:
            if not isinstance(p, Tensor):
                raise TensorTypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not p.is_leaf:
                raise TensorValueError("can't optimize a non-leaf Tensor")
        for value, name in ((lr, "learning rate"), (momentum, "momentum value"), (weight_decay, "weight_decay value")):
            if value < 0:
                raise TensorValueError(f"Invalid {name}: {value}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise TensorValueError("Nesterov momentum requires a momentum and zero dampening")
        self.lr, self.momentum, self.dampening, self.weight_decay, self.nesterov = lr, momentum, dampening, weight_decay, nesterov
        self._velocity: dict[int, Any] = {}

    def __repr__(self) -> str:
        own = ("dampening", "lr", "momentum", "nesterov", "weight_decay")
        fixed = {"differentiable": False, "foreach": None, "fused": None, "maximize": False}  # torch's settings that change no result here
        settings = fixed | {name: getattr(self, name) for name in own}
        lines = "\n".join(f"    {name}: {settings[name]}" for name in sorted(settings))
        return f"SGD (\nParameter Group 0\n{lines}\n)"

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients (or set them to 0)."""
        for p in self.params:
            if p.grad is not None:
                if set_to_none:
                    p.grad = None
                else:
                    p.grad.detach().zero_()

    def step(self) -> None:
        """Move every parameter that has a gradient one step down."""
        with no_grad():
            for i, p in enumerate(self.params):
                if p.grad is None:
                    continue
                direction = p.grad if not self.weight_decay else p.grad.add(p, alpha=self.weight_decay)
                if self.momentum:
                    direction = self._with_momentum(i, direction)
                p.add_(direction, alpha=-self.lr)

    def _with_momentum(self, i: int, direction: Any) -> Any:
        velocity = self._velocity.get(i)
        if velocity is None:
            velocity = self._velocity[i] = direction.clone()
        else:
            velocity.mul_(self.momentum).add_(direction, alpha=1 - self.dampening)
        return direction.add(velocity, alpha=self.momentum) if self.nesterov else velocity
