"""nn.Module and the layers, activations and losses built on it."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from .. import dtypes
from ..errors import TensorError, TensorIndexError, TensorTypeError
from ..families.creation import current_device, refuse_negative
from ..ops.convert import converted, target_of
from ..registry import OPS
from ..spec import spec_of
from ..tensor import Parameter, Tensor, allocate
from . import init


class IncompatibleKeys(NamedTuple):
    """What load_state_dict did not find, and what it had no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module:
    """A function with parameters. Subclasses set `names`, the attributes a program may read, and `forward`.

    See: nn.Linear, nn.Sequential, nn.Parameter, optim.SGD

    >>> model = nn.Linear(2, 1)
    >>> [name for name, p in model.named_parameters()]
    ['weight', 'bias']
    >>> model.eval().training
    False
    """

    training = True
    names: frozenset[str] = frozenset()

    def forward(self, *args: Any) -> Any:
        """The module's result.

        Raises NotImplementedError on a bare Module.
        """
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

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

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """(dotted name, module) of this module, whose name is empty, and all inside."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        """This module and all inside."""
        return (m for _, m in self.named_modules())

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """(dotted name, tensor) of what is kept beside parameters, such as running statistics."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and not isinstance(value, Parameter):
                yield f"{prefix}{name}", value
        if recurse:
            for name, child in self.named_children():
                yield from child.named_buffers(f"{prefix}{name}.")

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """What is kept beside parameters, such as running statistics."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def apply(self, fn: Callable[[Module], Any]) -> Module:
        """Call a function on every module inside, then on this one; returns the module."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def _changed(self, change: Callable[[Any], Tensor]) -> Module:
        for t in [*self.parameters(), *self.buffers()]:
            given: Any = t
            given.data = change(given.data)
            if t._grad is not None:
                t._grad.data = change(t._grad.data)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Module:
        """Parameters with their gradients, and buffers, moved as Tensor.to does, and cast where they are floating; returns the module.

        Raises TypeError for a dtype that is not floating, RuntimeError for a device that is not there.
        """
        target = target_of(args, kwargs)
        if target.dtype is not None and not target.dtype.continuous:
            raise TensorTypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={target.dtype!r}", "to"
            )

        def change(t: Tensor) -> Tensor:
            laid = target.memory_format if t.spec.ndim in (4, 5) else None
            return converted(t, target.dtype if t.spec.dtype.continuous else None, target.device, memory_format=laid)

        return self._changed(change)

    def cuda(self, device: Any = None) -> Module:
        """Parameters and buffers on a GPU, the current one unless a device or its number is given; returns the module.

        Raises RuntimeError when there is none.
        """
        return self._changed(lambda t: t.cuda(device))

    def cpu(self) -> Module:
        """Parameters and buffers on the CPU; returns the module."""
        return self._changed(lambda t: t.cpu())

    def to_empty(self, *, device: Any, recurse: bool = True) -> Module:
        """Parameters and buffers as they are, but with memory of their own on a device, and no values; returns the module."""
        return self._changed(lambda t: OPS["empty_like"].call(t, device=device))

    def double(self) -> Module:
        """Parameters and floating buffers as float64, in place; returns the module."""
        return self.to(dtypes.float64)

    def half(self) -> Module:
        """Parameters and floating buffers as float16, in place; returns the module."""
        return self.to(dtypes.float16)

    def bfloat16(self) -> Module:
        """Parameters and floating buffers as bfloat16, in place; returns the module."""
        return self.to(dtypes.bfloat16)

    def float(self) -> Module:
        """Parameters and floating buffers as float32, in place; returns the module."""
        return self.to(dtypes.float32)

    def state_dict(self, prefix: str = "") -> OrderedDict[str, Tensor]:
        """Dotted name to a detached view of each parameter and buffer."""
        found: OrderedDict[str, Tensor] = OrderedDict()
        for name, value in [*self.named_parameters(recurse=False), *self.named_buffers(recurse=False)]:
            found[f"{prefix}{name}"] = value.detach()
        for name, child in self.named_children():
            found.update(child.state_dict(f"{prefix}{name}."))
        return found

    def load_state_dict(self, state_dict: Mapping[str, Tensor], strict: bool = True) -> IncompatibleKeys:
        """Copy values into the parameters and buffers of the same names; returns the names that were missing or too many.

        Raises RuntimeError for other shapes and, when `strict`, for other names.
        """
        own = self.state_dict()
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        problems = []
        if strict and unexpected:
            problems.append("Unexpected key(s) in state_dict: " + ", ".join(f'"{name}"' for name in unexpected) + ". ")
        if strict and missing:
            problems.append("Missing key(s) in state_dict: " + ", ".join(f'"{name}"' for name in missing) + ". ")
        for name, held in own.items():
            given: Any = state_dict.get(name)
            if given is not None and given.shape != held.shape:
                problems.append(
                    f"size mismatch for {name}: copying a param with shape {given.shape!r} from checkpoint, the shape in current model is {held.shape!r}."
                )
            elif given is not None:
                values: Any = held
                values.copy_(given.detach())
        if problems:
            raise TensorError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(problems))
        return IncompatibleKeys(missing, unexpected)

    def extra_repr(self) -> str:
        """What stands between the brackets of the printed module."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = [f"({name}): " + repr(child).replace("\n", "\n  ") for name, child in self.named_children()]
        if not lines and "\n" not in extra:
            return f"{type(self).__name__}({extra})"
        inner = "\n  ".join([*extra.split("\n"), *lines] if extra else lines)
        return f"{type(self).__name__}(\n  {inner}\n)"


PUBLIC_NAMES = frozenset(
    (
        "forward children named_children modules named_modules named_parameters parameters named_buffers buffers zero_grad requires_grad_ train eval apply"
        " to cuda cpu to_empty double half bfloat16 float state_dict load_state_dict training"
    ).split()
)


def _tuple(value: Any, n: int = 1) -> tuple[Any, ...]:
    """Several settings as they are, one as often as there are dims."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


def _parameter(*shape: int, dtype: dtypes.dtype | None, device: Any) -> Parameter:
    from ..backend import resolve

    where = current_device() if device is None else resolve(device)
    return Parameter(allocate(spec_of(dtype or dtypes.get_default_dtype(), where, shape)))


class Linear(Module):
    """`x @ weight.T + bias`: (..., in_features) -> (..., out_features).

    weight (out, in) and bias (out,) start uniform in +-1/sqrt(in_features), drawn in this order.

    See: nn.functional.linear, nn.Sequential, nn.Parameter, matmul

    >>> layer = nn.Linear(3, 2)
    >>> layer(ones(5, 3)).shape
    torch.Size([5, 2])
    >>> layer.weight.shape
    torch.Size([2, 3])
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
    """Modules one after the other.

    See: nn.Linear, nn.ReLU, nn.Module

    >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    >>> model(ones(5, 3)).shape
    torch.Size([5, 1])
    """

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

    def __getitem__(self, index: Any) -> Module:
        held: list[Module] = list(self.children())
        if isinstance(index, slice):  # the modules keep their names, as in torch
            part = Sequential()
            vars(part).update(list(self.named_children())[index])
            return part
        if not -len(held) <= index < len(held):
            raise TensorIndexError(f"index {index} is out of range")
        found: Module = held[index]
        return found

    def __iter__(self) -> Iterator[Module]:
        return self.children()


class Identity(Module):
    """Gives back what it gets.

    See: nn.Sequential, nn.Flatten

    >>> nn.Identity()(ones(2))
    tensor([1., 1.])
    """

    def forward(self, input: Any) -> Any:
        """The input."""
        return input


class Flatten(Module):
    """Dims start_dim to end_dim folded into one; the batch dim stays by default.

    See: flatten, nn.Sequential, nn.Linear

    >>> nn.Flatten()(ones(5, 2, 3)).shape
    torch.Size([5, 6])
    """

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
    """max(x, 0).

    See: relu, nn.Sigmoid, nn.Tanh

    >>> nn.ReLU()(tensor([-1., 2.]))
    tensor([0., 2.])
    """

    op = "relu"
    names = frozenset(("inplace",))

    def __init__(self, inplace: bool = False):
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """The larger of each element and 0."""
        return input.relu_() if self.inplace else OPS["relu"].call(input)

    def extra_repr(self) -> str:
        return "inplace=True" * self.inplace


class Sigmoid(_Pointwise):
    """1 / (1 + exp(-x)).

    See: sigmoid, nn.Tanh, nn.ReLU

    >>> nn.Sigmoid()(tensor([0., 2.]))
    tensor([0.5000, 0.8808])
    """

    op = "sigmoid"


class Tanh(_Pointwise):
    """Hyperbolic tangent.

    See: tanh, nn.Sigmoid, nn.ReLU

    >>> nn.Tanh()(tensor([0., 2.]))
    tensor([0.0000, 0.9640])
    """

    op = "tanh"


class MSELoss(Module):
    """Mean squared difference; reduction "mean", "sum" or "none".

    See: nn.functional.mse_loss, nn.CrossEntropyLoss

    >>> nn.MSELoss()(tensor([1., 2.]), tensor([1., 4.]))
    tensor(2.)
    """

    names = frozenset(("reduction",))

    def __init__(self, reduction: str = "mean"):
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Any:
        """Equal shapes -> () (or the shape itself for "none")."""
        return OPS["mse_loss"].call(input, target, reduction=self.reduction)


class CrossEntropyLoss(Module):
    """Cross entropy of logits (n, classes) with class numbers (n,) or probabilities.

    See: nn.functional.cross_entropy, nn.MSELoss

    >>> nn.CrossEntropyLoss()(tensor([[2., 0.], [0., 2.]]), tensor([0, 0]))
    tensor(1.1269)
    """

    names = frozenset(("reduction", "ignore_index", "label_smoothing", "weight"))

    def __init__(self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0):
        self.weight, self.ignore_index, self.reduction, self.label_smoothing = weight, ignore_index, reduction, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Any:
        """(n, classes), (n,) -> () (or (n,) for "none")."""
        return OPS["cross_entropy"].call(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction, label_smoothing=self.label_smoothing
        )
