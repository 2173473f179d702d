"""Looking on while backward runs: anomaly detection and traces see each node once it has run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from . import anomaly
from .graph import Node

Observer = Callable[[Node, Any, Sequence[Any], Any], None]
_watching: ContextVar[Observer | None] = ContextVar("watching", default=None)


def observer() -> Observer | None:
    """What wants to see (node, the gradient that reached it, those it handed on, the level), None when nobody does.

    A leaf is seen after its `.grad` was filled, with nothing handed on.
    """
    watching = _watching.get()
    if not (anomaly.is_anomaly_enabled() and anomaly.is_anomaly_check_nan_enabled()):
        return watching
    if watching is None:
        return anomaly.check

    def both(node: Node, grad: Any, grads: Sequence[Any], level: Any) -> None:
        watching(node, grad, grads, level)
        anomaly.check(node, grad, grads, level)

    return both


@contextmanager
def watching(each: Observer) -> Iterator[None]:
    """Call `each` for every node that runs in a backward inside the block."""
    anomaly.Looked.ever = True
    token = _watching.set(each)
    try:
        yield
    finally:
        _watching.reset(token)
