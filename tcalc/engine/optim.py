"""Optimisers: in-place updates of parameters under no_grad, in torch's order of arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .data import tensor
from .errors import TensorNotImplemented, TensorTypeError, TensorValueError
from .modes import enable_grad, no_grad
from .registry import PUBLIC
from .tensor import Tensor

Group = dict[str, Any]


class Optimizer:
    """Parameters in groups, each with its settings, and what is remembered of each parameter between steps.

    Raises ValueError for an empty parameter list, a parameter in two groups or one that is no leaf, TypeError for anything but Tensors.

    See: optim.SGD, optim.Adam

    >>> w = zeros(2, requires_grad=True)
    >>> optim.SGD([w], lr=0.1).param_groups[0]["lr"]
    0.1
    """

    def __init__(self, params: Iterable[Any], defaults: Group):
        if isinstance(params, Tensor):
            given = params.type()
            raise TensorTypeError(f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got {given}")
        if not isinstance(params, Iterable):
            raise TensorTypeError(f"'{type(params).__name__}' object is not iterable")
        self.defaults, self.param_groups, self.state = defaults, [], {}  # type: tuple[Group, list[Group], dict[Tensor, Group]]
        given_params = list(params)
        if not given_params:
            raise TensorValueError("optimizer got an empty parameter list")
        for group in given_params if isinstance(given_params[0], dict) else [{"params": given_params}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Parameters to move from now on: {"params": [...], "lr": ...}; settings left out are the optimiser's own."""
        if not isinstance(param_group, dict):
            raise TensorTypeError(f"param_group must be a dict, but got {type(param_group)}")
        group: Group = {"params": None} | self.defaults | param_group
        params = group["params"]
        group["params"] = [params] if isinstance(params, Tensor) else list(params)
        for p in group["params"]:
            if not isinstance(p, Tensor):
                raise TensorTypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not p.is_leaf:
                raise TensorValueError("can't optimize a non-leaf Tensor")
            if p.dtype.is_complex and not isinstance(self, SGD):  # torch moves the parts of its numbers apart
                raise TensorNotImplemented(f"{type(self).__name__} moves no complex parameters here: keep the parts, and make view_as_complex of them")
        known = {id(p) for each in self.param_groups for p in each["params"]}
        if any(id(p) in known for p in group["params"]):
            raise TensorValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients (or set them to 0)."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    if set_to_none:
                        p.grad = None
                    else:
                        p.grad.detach().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient one step down. A `closure` is called first and its loss returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self._move(p, -p.grad if group["maximize"] else p.grad, group)
        return loss

    def _move(self, p: Any, grad: Any, group: Group) -> None:
        """One parameter's step.

        Raises NotImplementedError on the bare class.
        """
        raise NotImplementedError

    def _begun(self, p: Tensor, **starts: float) -> Group:
        """A parameter's new state: no step yet, and tensors that start as given."""
        self.state[p] = {"step": tensor(0.0)} | {name: PUBLIC["full_like"].call(p.detach(), value) for name, value in starts.items()}
        return self.state[p]

    def _remembered(self, p: Tensor, **starts: float) -> Group:
        """The parameter's state, begun if it has none, with one more step counted."""
        state = self.state.get(p) or self._begun(p, **starts)
        state["step"] += 1
        return state

    def state_dict(self) -> Group:
        """{"state": by number of the parameter, "param_groups": settings with the numbers of their parameters}."""
        numbers = {id(p): i for i, p in enumerate(p for group in self.param_groups for p in group["params"])}
        groups = [{k: v for k, v in group.items() if k != "params"} | {"params": [numbers[id(p)] for p in group["params"]]} for group in self.param_groups]
        return {"state": {numbers[id(p)]: dict(state) for p, state in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: Group) -> None:
        """Take settings and memory from another optimiser's state_dict.

        Raises ValueError when its groups are not as large as these.
        """
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise TensorValueError("loaded state dict has a different number of parameter groups")
        if any(len(mine["params"]) != len(theirs["params"]) for mine, theirs in zip(self.param_groups, groups, strict=True)):
            raise TensorValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's group")
        params = [p for group in self.param_groups for p in group["params"]]
        self.state = {params[i]: dict(state) for i, state in state_dict["state"].items()}
        for mine, theirs in zip(self.param_groups, groups, strict=True):
            mine.update({k: v for k, v in theirs.items() if k != "params"})

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            lines = "\n".join(f"    {name}: {group[name]}" for name in sorted(group) if name != "params")
            text += f"\nParameter Group {i}\n{lines}\n"
        return text + ")"


def _refuse(**settings: float) -> None:
    """Refuse negative settings.

    Raises ValueError with torch's sentences.
    """
    for name, value in settings.items():
        if not value >= 0.0:
            raise TensorValueError(f"Invalid {name.replace('__', ' ')}: {value}")


def _refuse_betas(betas: tuple[float, float]) -> None:
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise TensorValueError(f"Invalid beta parameter at index {i}: {beta}")


def _decayed(p: Any, grad: Any, group: Group) -> Any:
    """The gradient with that of the squared parameters added."""
    return grad.add(p, alpha=group["weight_decay"]) if group["weight_decay"] != 0 else grad


class SGD(Optimizer):
    """Gradient descent with momentum, dampening, weight decay and Nesterov's look-ahead, as torch.optim.SGD steps.

    Raises ValueError for an empty parameter list or negative settings.

    See: nn.Parameter, Tensor.backward, no_grad, in-place

    >>> w = tensor([1., 2.], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ):
        _refuse(learning__rate=lr, momentum__value=momentum, weight_decay__value=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise TensorValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov, "maximize": maximize}
        super().__init__(params, defaults | {"foreach": foreach, "differentiable": False, "fused": fused})

    def _move(self, p: Any, grad: Any, group: Group) -> None:
        direction = _decayed(p, grad, group)
        momentum = group["momentum"]
        if momentum != 0:
            state = self.state.setdefault(p, {})
            velocity = state.get("momentum_buffer")
            if velocity is None:
                velocity = state["momentum_buffer"] = direction.detach().clone()
            else:
                velocity.mul_(momentum).add_(direction, alpha=1 - group["dampening"])
            direction = direction.add(velocity, alpha=momentum) if group["nesterov"] else velocity
        p.add_(direction, alpha=-group["lr"])


class Adam(Optimizer):
    """Steps by running means of the gradient and its square (Kingma and Ba 2014), as torch.optim.Adam steps.

    Raises ValueError for negative settings, or betas outside [0, 1).

    See: optim.AdamW, optim.SGD, Tensor.backward

    >>> w = tensor([1., 2.], requires_grad=True)
    >>> optimizer = optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ):
        _refuse(learning__rate=lr, epsilon__value=eps)
        _refuse_betas(betas)
        _refuse(weight_decay__value=weight_decay)
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach}
        defaults |= {"capturable": False, "differentiable": False, "fused": fused, "decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, defaults)

    def _move(self, p: Any, grad: Any, group: Group) -> None:
        (beta1, beta2), lr = group["betas"], group["lr"]
        state = self._remembered(p, exp_avg=0.0, exp_avg_sq=0.0, **({"max_exp_avg_sq": 0.0} if group["amsgrad"] else {}))
        if group["weight_decay"] != 0 and group["decoupled_weight_decay"]:
            p.mul_(1 - lr * group["weight_decay"])
        else:
            grad = _decayed(p, grad, group)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        count = state["step"].item()
        if group["amsgrad"]:
            square = state["max_exp_avg_sq"]
            square.copy_(square.maximum(state["exp_avg_sq"]))
        size = (square.sqrt() / (1 - beta2**count) ** 0.5).add_(group["eps"])
        p.addcdiv_(mean, size, value=-(lr / (1 - beta1**count)))


class AdamW(Adam):
    """Adam with weight decay taken off the parameters themselves (Loshchilov and Hutter 2017).

    Raises ValueError for negative settings, or betas outside [0, 1).

    See: optim.Adam

    >>> w = tensor([1., 2.], requires_grad=True)
    >>> optimizer = optim.AdamW([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8990, 1.8980], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ):
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, fused=fused, decoupled_weight_decay=True
        )


class RMSprop(Optimizer):
    """Steps over the root of a running mean of the squared gradient (Hinton 2012), as torch.optim.RMSprop steps.

    Raises ValueError for negative settings.

    See: optim.Adam, optim.Adagrad

    >>> w = tensor([1., 2.], requires_grad=True)
    >>> optimizer = optim.RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ):
        _refuse(learning__rate=lr, epsilon__value=eps, momentum__value=momentum, weight_decay__value=weight_decay, alpha__value=alpha)
        defaults = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered, "weight_decay": weight_decay, "capturable": False}
        super().__init__(params, defaults | {"foreach": foreach, "maximize": maximize, "differentiable": False})

    def _move(self, p: Any, grad: Any, group: Group) -> None:
        names = ["square_avg"] + ["momentum_buffer"] * (group["momentum"] > 0) + ["grad_avg"] * group["centered"]
        state = self._remembered(p, **dict.fromkeys(names, 0.0))
        grad = _decayed(p, grad, group)
        alpha, square = group["alpha"], state["square_avg"]
        square.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            mean = state["grad_avg"]
            mean.lerp_(grad, 1 - alpha)
            size = square.addcmul(mean, mean, value=-1).sqrt_()
        else:
            size = square.sqrt()
        size.add_(group["eps"])
        if group["momentum"] > 0:
            velocity = state["momentum_buffer"].mul_(group["momentum"]).addcdiv_(grad, size)
            p.add_(velocity, alpha=-group["lr"])
        else:
            p.addcdiv_(grad, size, value=-group["lr"])


class Adagrad(Optimizer):
    """Steps over the root of the sum of all squared gradients (Duchi et al. 2011), as torch.optim.Adagrad steps.

    Raises ValueError for negative settings.

    See: optim.RMSprop, optim.Adam

    >>> w = tensor([1., 2.], requires_grad=True)
    >>> optimizer = optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        fused: bool | None = None,
    ):
        _refuse(learning__rate=lr, lr_decay__value=lr_decay, weight_decay__value=weight_decay)
        _refuse(initial_accumulator_value__value=initial_accumulator_value, epsilon__value=eps)
        defaults = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay, "initial_accumulator_value": initial_accumulator_value}
        super().__init__(params, defaults | {"foreach": foreach, "maximize": maximize, "differentiable": False, "fused": fused})
        for group in self.param_groups:
            for p in group["params"]:
                self._begun(p, sum=initial_accumulator_value)

    def _move(self, p: Any, grad: Any, group: Group) -> None:
        state = self._remembered(p, sum=group["initial_accumulator_value"])
        grad = _decayed(p, grad, group)
        state["sum"].addcmul_(grad, grad, value=1)
        rate = group["lr"] / (1 + (state["step"].item() - 1) * group["lr_decay"])
        p.addcdiv_(grad, state["sum"].sqrt().add_(group["eps"]), value=-rate)


class Adadelta(Optimizer):
    """Steps as large as the root mean square of earlier ones (Zeiler 2012), as torch.optim.Adadelta steps.

    Raises ValueError for negative settings, or rho outside [0, 1].

    See: optim.Adagrad, optim.RMSprop

    >>> w = tensor([1., 2.], requires_grad=True)
    >>> optimizer = optim.Adadelta([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9968, 1.9968], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
    ):
        _refuse(learning__rate=lr)
        if not 0.0 <= rho <= 1.0:
            raise TensorValueError(f"Invalid rho value: {rho}")
        _refuse(epsilon__value=eps, weight_decay__value=weight_decay)
        defaults = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "capturable": False}
        super().__init__(params, defaults | {"foreach": foreach, "differentiable": False})

    def _move(self, p: Any, grad: Any, group: Group) -> None:
        state = self._remembered(p, square_avg=0.0, acc_delta=0.0)
        grad = _decayed(p, grad, group)
        rho, eps = group["rho"], group["eps"]
        state["square_avg"].mul_(rho).addcmul_(grad, grad, value=1 - rho)
        size = state["square_avg"].add(eps).sqrt_()
        delta = state["acc_delta"].add(eps).sqrt_().div_(size).mul_(grad)
        state["acc_delta"].mul_(rho).addcmul_(delta, delta, value=1 - rho)
        p.add_(delta, alpha=-group["lr"])


class Adamax(Optimizer):
    """Adam with the largest gradient so far in place of the mean square (Kingma and Ba 2014), as torch.optim.Adamax steps.

    Raises ValueError for negative settings, or betas outside [0, 1).

    See: optim.Adam

    >>> w = tensor([1., 2.], requires_grad=True)
    >>> optimizer = optim.Adamax([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
    ):
        _refuse(learning__rate=lr, epsilon__value=eps)
        _refuse_betas(betas)
        _refuse(weight_decay__value=weight_decay)
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize}
        super().__init__(params, defaults | {"differentiable": False, "capturable": False})

    def _move(self, p: Any, grad: Any, group: Group) -> None:
        (beta1, beta2), state = group["betas"], self._remembered(p, exp_avg=0.0, exp_inf=0.0)
        grad = _decayed(p, grad, group)
        state["exp_avg"].lerp_(grad, 1 - beta1)
        largest = state["exp_inf"].mul_(beta2)
        largest.copy_(largest.maximum(grad.abs().add_(group["eps"])))
        p.addcdiv_(state["exp_avg"], largest, value=-(group["lr"] / (1 - beta1 ** state["step"].item())))


OPTIMIZERS: tuple[type[Optimizer], ...] = (SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax)
PUBLIC_NAMES = frozenset("step zero_grad state_dict load_state_dict add_param_group param_groups state defaults".split())
