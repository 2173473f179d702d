"""Modules and parameters kept in lists and dicts, so that the module around them knows of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import TensorIndexError
from ..tensor import Parameter, Tensor
from .modules import Module


def _at(length: int, index: int) -> str:
    """The name of a place.

    Raises IndexError with torch's sentence.
    """
    if not -length <= index < length:
        raise TensorIndexError(f"index {index} is out of range")
    return str(index % length)


class ModuleList(Module):
    """Modules in a list: indexed, sliced, appended to; called one by one by the program.

    See: nn.Sequential, nn.ModuleDict

    >>> layers = nn.ModuleList([nn.Linear(2, 3), nn.Linear(3, 1)])
    >>> len(layers)
    2
    >>> layers[1](layers[0](ones(5, 2))).shape
    torch.Size([5, 1])
    """

    names = frozenset(("append", "extend"))

    def __init__(self, modules: Iterable[Module] = ()):
        self.extend(modules)

    def append(self, module: Module) -> ModuleList:
        """Add one at the end; returns the list."""
        vars(self)[str(len(self))] = module
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add several at the end; returns the list."""
        for module in modules:
            self.append(module)
        return self

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return ModuleList(list(self.children())[index])
        return vars(self)[_at(len(self), index)]

    def __repr__(self) -> str:
        runs: list[list[Any]] = []  # [first place, last place, text]
        for i, child in enumerate(self.children()):
            text = repr(child)
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        if not runs:
            return "ModuleList()"
        lines = [f"({a}): {t}" if a == b else f"({a}-{b}): {b - a + 1} x {t}" for a, b, t in runs]
        return "ModuleList(\n  " + "\n".join(lines).replace("\n", "\n  ") + "\n)"


class _Named(Module):
    """What is held by name: read like a dict."""

    names = frozenset(("keys", "values", "items"))
    _held: dict[str, Any]

    def keys(self) -> list[str]:
        """The names."""
        return list(self._held)

    def values(self) -> list[Any]:
        """What is held."""
        return list(self._held.values())

    def items(self) -> list[tuple[str, Any]]:
        """(name, what is held) of each."""
        return list(self._held.items())

    def __getitem__(self, key: str) -> Any:
        return self._held[key]

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._held))

    def __contains__(self, key: object) -> bool:
        return key in self._held


class ModuleDict(_Named):
    """Modules by name.

    See: nn.ModuleList, nn.Sequential

    >>> parts = nn.ModuleDict({"inner": nn.Linear(2, 3), "act": nn.ReLU()})
    >>> parts["inner"](ones(5, 2)).shape
    torch.Size([5, 3])
    """

    def __init__(self, modules: Mapping[str, Module] | None = None):
        self._held = dict(modules or {})

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of the modules held directly."""
        return iter(self.items())


class ParameterList(Module):
    """Parameters in a list; tensors become parameters.

    See: nn.Parameter, nn.ModuleList

    >>> weights = nn.ParameterList([ones(2), zeros(3)])
    >>> [p.shape for p in weights]
    [torch.Size([2]), torch.Size([3])]
    """

    names = frozenset(("append",))

    def __init__(self, values: Iterable[Tensor] = ()):
        for value in values:
            self.append(value)

    def append(self, value: Tensor) -> ParameterList:
        """Add one at the end; returns the list."""
        vars(self)[str(len(self))] = value if isinstance(value, Parameter) else Parameter(value)
        return self

    def __len__(self) -> int:
        return sum(1 for _ in self.parameters(recurse=False))

    def __iter__(self) -> Iterator[Parameter]:
        return self.parameters(recurse=False)

    def __getitem__(self, index: int) -> Any:
        return vars(self)[_at(len(self), index)]

    def extra_repr(self) -> str:
        kinds = [
            f"  ({i}): Parameter containing: [torch.{p.spec.dtype.name} of size {'x'.join(map(str, p.shape))}]" for i, p in enumerate(self)
        ]
        return "\n".join(kinds)


class ParameterDict(_Named):
    """Parameters by name; tensors become parameters.

    See: nn.Parameter, nn.ParameterList

    >>> weights = nn.ParameterDict({"scale": ones(2)})
    >>> [name for name, p in weights.named_parameters()]
    ['scale']
    >>> weights["scale"].shape
    torch.Size([2])
    """

    def __init__(self, parameters: Mapping[str, Tensor] | None = None):
        self._held = {name: value if isinstance(value, Parameter) else Parameter(value) for name, value in (parameters or {}).items()}

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) of each."""
        return ((f"{prefix}{name}", value) for name, value in self.items())

    def extra_repr(self) -> str:
        kinds = [
            f"  ({name}): Parameter containing: [{p.spec.legacy_type} of size {'x'.join(map(str, p.shape))}]" for name, p in self.items()
        ]
        return "\n".join(kinds)
