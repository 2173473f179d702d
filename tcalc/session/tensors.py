"""Tensors among the values of a session. Never imports the engine: while it is not loaded there are none."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from ..engine.graph import Node
    from ..engine.storage import Storage
    from ..engine.tensor import Tensor

MAX_NAMES = 10_000


def is_tensor(value: object) -> TypeGuard[Tensor]:
    """Whether `value` is a tensor."""
    module = sys.modules.get("tcalc.engine.tensor")
    return module is not None and isinstance(value, module.Tensor)


def memory_of(tensor: Tensor) -> Storage:
    """The storage that owns the memory: `.data` has a storage of its own, with its own version, on the same memory."""
    storage = tensor.get_storage()
    while isinstance(storage.keep, type(storage)):
        storage = storage.keep
    return storage


def version_of(tensor: Tensor) -> int:
    """How often the memory was written in place; 0 for an inference tensor, which does not count."""
    storage = tensor.storage
    return 0 if storage is None else storage.version


def node_of(tensor: Tensor) -> Node | None:
    """The graph node that gets a tensor's gradient; None also for a view that autograd has given up."""
    try:
        return tensor.node
    except RuntimeError:
        return None


def named_tensors(variables: Mapping[str, object]) -> Iterator[tuple[str, Tensor]]:
    """(name, tensor) for every variable that holds a tensor, and for the parameters of modules (`model.weight`).

    `_` is left out: it always repeats another value. Ends after MAX_NAMES names.
    """
    module = sys.modules.get("tcalc.engine.nn.modules")
    module_type: type = module.Module if module is not None else _Never
    left = MAX_NAMES
    for name, value in variables.items():
        if name == "_":
            continue
        if is_tensor(value):
            yield name, value
            left -= 1
        elif isinstance(value, module_type):
            for path, parameter in value.named_parameters():  # type: ignore[attr-defined]
                yield f"{name}.{path}", parameter
                left -= 1
        if left <= 0:
            return


class _Never:
    """A type without instances, standing in for a class that is not loaded."""
