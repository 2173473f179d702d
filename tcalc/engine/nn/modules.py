"""nn.Module and the layers, activations and losses built on it."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from .. import dtypes
from ..errors import TensorTypeError
from ..families.creation import current_device, refuse_negative
from ..registry import OPS
from ..spec import spec_of
from ..tensor import Parameter, Tensor, allocate
from . import init


class Module:
    """A function with parameters. Subclasses set `names`, the attributes a program may read, and `forward`."""

    training = True
    names: frozenset[str] = frozenset()

    def forward(self, *args: Any) -> Any:
        """The module's result.

        Raises NotImplementedError on a bare Module.
        """
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any) -> Any:
        return self.forward(*args)

    def children(self) -> Iterator[Module]:
        """The modules held directly."""
        return (m for _, m in self.named_children())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of the modules held directly."""
        return ((k, v) for k, v in vars(self).items() if isinstance(v, Module))

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """(dotted name, parameter) of this module and, with `recurse`, those inside."""
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield f"{prefix}{name}", value
        if recurse:
            for name, child in self.named_children():
                yield from child.named_parameters(f"{prefix}{name}.")

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module and, with `recurse`, those inside."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters (or set them to 0)."""
        for p in self.parameters():
            if p.grad is not None:
                if set_to_none:
                    p.grad = None
                else:
                    p.grad.detach().zero_()

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Switch the recording of all parameters; returns the module."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def train(self, mode: bool = True) -> Module:
        """Training mode on or off, for this module and those inside; returns the module."""
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Module:
        """Training mode off; returns the module."""
        return self.train(False)

    def state_dict(self) -> OrderedDict[str, Tensor]:
        """Dotted name to a detached view of each parameter."""
        return OrderedDict((name, p.detach()) for name, p in self.named_parameters())

    def extra_repr(self) -> str:
        """What stands between the brackets of the printed module."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): " + repr(child).replace("\n", "\n  ") for name, child in self.named_children()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        inner = "\n  ".join(lines)
        return f"{type(self).__name__}(\n  {inner}\n)"


PUBLIC_NAMES = frozenset(
    "forward children named_children named_parameters parameters zero_grad requires_grad_ train eval state_dict training".split()
)


def _parameter(*shape: int, dtype: dtypes.dtype | None, device: Any) -> Parameter:
    from ..backend import resolve

    where = current_device() if device is None else resolve(device)
    return Parameter(allocate(spec_of(dtype or dtypes.get_default_dtype(), where, shape)))


class Linear(Module):
    """`x @ weight.T + bias`: (..., in_features) -> (..., out_features).

    weight (out, in) and bias (out,) start uniform in +-1/sqrt(in_features), drawn in this order.
    """

    names = frozenset(("weight", "bias", "in_features", "out_features"))

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: dtypes.dtype | None = None):
        for value in (in_features, out_features):
            if not isinstance(value, int):
                raise TensorTypeError(f"Linear(): sizes must be int, not {type(value).__name__}", "Linear")
        refuse_negative((out_features, in_features))
        self.in_features, self.out_features = in_features, out_features
        self.weight = _parameter(out_features, in_features, dtype=dtype, device=device)
        self.bias = _parameter(out_features, dtype=dtype, device=device) if bias else None
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(in_features) if in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Any:
        """(..., in_features) -> (..., out_features)."""
        return OPS["linear"].call(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Sequential(Module):
    """Modules one after the other."""

    def __init__(self, *modules: Module):
        for i, module in enumerate(modules):
            vars(self)[str(i)] = module

    def forward(self, input: Any) -> Any:
        """The last module's result on the one before's."""
        for module in self.children():
            input = module(input)
        return input

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __getitem__(self, index: int) -> Module:
        return list(self.children())[index]


class Identity(Module):
    """Gives back what it gets."""

    def forward(self, input: Any) -> Any:
        """The input."""
        return input


class Flatten(Module):
    """Dims start_dim to end_dim folded into one; the batch dim stays by default."""

    names = frozenset(("start_dim", "end_dim"))

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Any:
        """(n, a, b, ...) -> (n, a * b * ...)."""
        return OPS["flatten"].call(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class _Pointwise(Module):
    op = ""

    def forward(self, input: Any) -> Any:
        """The function of each element."""
        return OPS[self.op].call(input)


class ReLU(_Pointwise):
    """max(x, 0)."""

    op = "relu"


class Sigmoid(_Pointwise):
    """1 / (1 + exp(-x))."""

    op = "sigmoid"


class Tanh(_Pointwise):
    """Hyperbolic tangent."""

    op = "tanh"


class MSELoss(Module):
    """Mean squared difference; reduction "mean", "sum" or "none"."""

    names = frozenset(("reduction",))

    def __init__(self, reduction: str = "mean"):
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Any:
        """Equal shapes -> () (or the shape itself for "none")."""
        return OPS["mse_loss"].call(input, target, reduction=self.reduction)


class CrossEntropyLoss(Module):
    """Cross entropy of logits (n, classes) with class numbers (n,) or probabilities."""

    names = frozenset(("reduction", "ignore_index", "label_smoothing", "weight"))

    def __init__(self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0):
        self.weight, self.ignore_index, self.reduction, self.label_smoothing = weight, ignore_index, reduction, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Any:
        """(n, classes), (n,) -> () (or (n,) for "none")."""
        return OPS["cross_entropy"].call(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction, label_smoothing=self.label_smoothing
        )
