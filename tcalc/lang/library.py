"""The language's one door to the tensor library, which is imported when a program first needs it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

_ENGINE = "tcalc.engine.namespace"


def loaded() -> bool:
    """Whether the tensor library is in memory; before that, no value can be a tensor."""
    return _ENGINE in sys.modules


def table(path: str) -> dict[str, Any]:
    """The public names of a namespace ('torch', 'torch.nn', ...), the library's own dict; KeyError if there is no such namespace."""
    if not loaded():
        _load()
    from tcalc.engine import namespace, notices

    notices.collect()  # what the engine remarks is for the session to say, not for Python's warnings
    return namespace.table(path)


def _load() -> None:
    """Load the library without looking for garbage meanwhile: there is none, and the search costs some of the start."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        import_module(_ENGINE)
    finally:
        if collecting:
            gc.enable()


def attributes() -> dict[type, frozenset[str]]:
    """The attributes that programs may read, by exact type of the value."""
    from tcalc.engine import namespace

    return namespace.attributes()


def describe() -> Any:
    """The module that tells signatures of functions, classes and methods, for completion and help."""
    from tcalc.engine import describe, namespace  # noqa: F401 - the names to be described

    return describe


def sub_path(value: object) -> str | None:
    """The path, if a table's value stands for a namespace inside it."""
    from tcalc.engine.namespace import Sub

    return value.path if isinstance(value, Sub) else None


@cache
def tensor_type() -> type[Any]:
    """The class of tensors."""
    from tcalc.engine.tensor import Tensor

    return Tensor


@cache
def node_type() -> type[Any]:
    """The class of nodes of the autograd graph."""
    from tcalc.engine.graph import Node

    return Node


def constructor(cls: type) -> Callable[..., Any]:
    """What calling a class of the library does; torch's `Tensor(2, 3)` takes sizes or data."""
    if cls is tensor_type():
        from tcalc.engine.data import legacy_tensor

        return legacy_tensor
    return cls


def owner_of(array: Any) -> Any:
    """The array whose memory this one looks at."""
    from tcalc.engine import backend

    return backend.owner_of(array)


def numpy() -> Any:
    """The array module, which only the engine imports."""
    from tcalc.engine import backend

    return backend.xp_of(backend.device("cpu"))
