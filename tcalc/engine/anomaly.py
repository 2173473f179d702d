"""Anomaly detection: whether backward stops at the first node that gives NaN, and what it says then."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from .errors import TensorError
from .graph import Node
from .notices import notice


class Looked:
    """Whether anything in this process ever asked to look on at backward; until then backward need not ask who does."""

    ever = False


_state: ContextVar[tuple[bool, bool]] = ContextVar("anomaly", default=(False, True))


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on.

    >>> is_anomaly_enabled()
    False
    """
    return _state.get()[0]


def is_anomaly_check_nan_enabled() -> bool:
    """Whether backward looks for NaN while anomaly detection is on.

    >>> is_anomaly_check_nan_enabled()
    True
    """
    return _state.get()[1]


class _Detection:
    """A state that a `with` block gives back at its end."""

    _before: tuple[bool, bool]

    def __exit__(self, *error: object) -> None:
        _state.set(self._before)

    def __repr__(self) -> str:
        return f"<torch.autograd.anomaly_mode.{type(self).__name__} object at {id(self):#x}>"


class set_detect_anomaly(_Detection):  # noqa: N801 - torch's own spelling
    """Switch anomaly detection on or off, at once; as a context manager the former state comes back.

    While it is on, backward raises RuntimeError at the first node that gives a NaN (unless `check_nan` is False) and names it.

    See: autograd.detect_anomaly, is_anomaly_enabled, isnan

    >>> with autograd.set_detect_anomaly(True): print(is_anomaly_enabled())
    True
    """

    def __init__(self, mode: bool, check_nan: bool = True):
        Looked.ever = True
        self._before = _state.get()
        _state.set((bool(mode), bool(check_nan)))

    def __enter__(self) -> None:
        """The state was set already."""


class detect_anomaly(_Detection):  # noqa: N801 - torch's own spelling
    """Anomaly detection inside a `with` block; warns that it costs time.

    See: autograd.set_detect_anomaly, is_anomaly_enabled

    >>> with autograd.detect_anomaly(): print(is_anomaly_enabled())
    True
    """

    def __init__(self, check_nan: bool = True):
        self._check_nan = bool(check_nan)
        self._before = _state.get()
        notice("anomaly", "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging.")

    def __enter__(self) -> None:
        Looked.ever = True
        self._before = _state.get()
        _state.set((True, self._check_nan))


def check(node: Node, grad: Any, grads: Sequence[Any], level: Any) -> None:
    """Raise RuntimeError with torch's sentence when one of the gradients that `node` gave holds a NaN; `node` goes with it."""
    for i, each in enumerate(grads):
        if each is not None and bool(level.expose(each).isnan().any()):
            raise TensorError(f"Function '{node.label}' returned nan values in its {i}th output.", "backward", node=node, anomaly=True)


for _mode in (set_detect_anomaly, detect_anomaly):
    _mode.__module__ = "torch.autograd.anomaly_mode"  # what a user sees when one is printed
