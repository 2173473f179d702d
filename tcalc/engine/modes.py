"""Grad modes: the context managers and decorators that switch the recording of history, one state a context."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

from .errors import TensorTypeError

_enabled: ContextVar[bool] = ContextVar("grad_enabled", default=True)
_inference: ContextVar[bool] = ContextVar("inference_mode", default=False)
is_grad_enabled = _enabled.get
is_inference_mode_enabled = _inference.get

F = TypeVar("F", bound=Callable[..., Any])


class _Mode:
    """A grad mode as `with mode():` or as decorator; the former state comes back on any exit."""

    enabled = True

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(_enabled.get())
        _enabled.set(self.enabled)

    def __exit__(self, *exc: object) -> None:
        _enabled.set(self._before.pop())

    def __repr__(self) -> str:
        return f"<torch.autograd.grad_mode.{type(self).__name__} object at {id(self):#x}>"

    def __call__(self, function: F) -> F:
        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return run  # type: ignore[return-value]  # wraps keeps the signature


class no_grad(_Mode):  # noqa: N801 - torch's own spelling
    """Results inside do not require grad, whatever their inputs."""

    enabled = False


class enable_grad(_Mode):  # noqa: N801 - torch's own spelling
    """History is recorded again inside a no_grad block."""


class set_grad_enabled(_Mode):  # noqa: N801 - torch's own spelling
    """Switch the recording of history on or off, at once; as a context manager the former state comes back."""

    def __init__(self, mode: bool):
        super().__init__()
        if not isinstance(mode, bool):
            raise TensorTypeError(f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}")
        self.enabled = mode
        self._first = _enabled.get()
        _enabled.set(self.enabled)

    def __enter__(self) -> None:
        self._before.append(self._first)
        _enabled.set(self.enabled)

    def __call__(self, function: F) -> F:
        _enabled.set(self._first)
        return super().__call__(function)

    def __repr__(self) -> str:
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.enabled})"


class inference_mode(_Mode):  # noqa: N801 - torch's own spelling
    """As no_grad, and tensors made inside can never take part in autograd."""

    def __init__(self, mode: bool = True):
        super().__init__()
        self.mode = bool(mode)
        self.enabled = not self.mode
        self._inference_before: list[bool] = []

    def __enter__(self) -> None:
        self._inference_before.append(_inference.get())
        _inference.set(self.mode)
        super().__enter__()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        _inference.set(self._inference_before.pop())


for _mode in (no_grad, enable_grad, set_grad_enabled, inference_mode):
    _mode.__module__ = "torch.autograd.grad_mode"  # what a user sees when one is printed
