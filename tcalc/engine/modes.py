"""Grad modes: the context managers and decorators that switch the recording of history, one state a context."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

from .errors import TensorTypeError

_enabled: ContextVar[bool] = ContextVar("grad_enabled", default=True)
_inference: ContextVar[bool] = ContextVar("inference_mode", default=False)
_asked: ContextVar[bool] = ContextVar("grad_asked", default=True)  # what enable_grad and no_grad say inside inference mode
is_grad_enabled = _enabled.get  # whether history is recorded
is_inference_mode_enabled = _inference.get
transform_depth: ContextVar[int] = ContextVar("transform_depth", default=0)  # how many function transforms run around this one
inferring: list[None] = []  # not empty while any context is in inference mode or a transform: the one thing that making a tensor looks at
entered: list[None] = []  # not empty once inference mode was ever on: only then inference tensors may exist


def grad_mode() -> bool:
    """Whether grad mode is on. Inside inference mode it may be, and yet nothing is recorded.

    See: no_grad, enable_grad, set_grad_enabled

    >>> is_grad_enabled()
    True
    >>> with no_grad(): print(is_grad_enabled())
    False
    """
    return _asked.get() if _inference.get() else _enabled.get()


grad_mode.__name__ = grad_mode.__qualname__ = "is_grad_enabled"

F = TypeVar("F", bound=Callable[..., Any])


def _switch(enabled: bool) -> None:
    _asked.set(enabled)
    _enabled.set(enabled and not _inference.get())


class _Mode:
    """A grad mode as `with mode():` or as decorator; the former state comes back on any exit."""

    enabled = True

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(grad_mode())
        _switch(self.enabled)

    def __exit__(self, *exc: object) -> None:
        _switch(self._before.pop())

    def __repr__(self) -> str:
        return f"<torch.autograd.grad_mode.{type(self).__name__} object at {id(self):#x}>"

    def __call__(self, function: F) -> F:
        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return run  # type: ignore[return-value]  # wraps keeps the signature


class no_grad(_Mode):  # noqa: N801 - torch's own spelling
    """Results inside do not require grad, whatever their inputs.

    See: enable_grad, inference_mode, Tensor.detach, requires_grad

    >>> w = ones(2, requires_grad=True)
    >>> with no_grad(): y = w * 2
    >>> y.requires_grad
    False
    """

    enabled = False


class enable_grad(_Mode):  # noqa: N801 - torch's own spelling
    """History is recorded again inside a no_grad block.

    See: no_grad, set_grad_enabled

    >>> w = ones(2, requires_grad=True)
    >>> with no_grad():
    ...     with enable_grad(): y = w * 2
    >>> y.requires_grad
    True
    """


class set_grad_enabled(_Mode):  # noqa: N801 - torch's own spelling
    """Switch the recording of history on or off, at once; as a context manager the former state comes back.

    See: no_grad, enable_grad, is_grad_enabled

    >>> w = ones(2, requires_grad=True)
    >>> with set_grad_enabled(False): y = w * 2
    >>> y.requires_grad
    False
    """

    def __init__(self, mode: bool):
        super().__init__()
        if not isinstance(mode, bool):
            raise TensorTypeError(f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}")
        self.enabled = mode
        self._first = grad_mode()
        _switch(self.enabled)

    def __enter__(self) -> None:
        self._before.append(self._first)
        _switch(self.enabled)

    def __call__(self, function: F) -> F:
        _switch(self._first)
        return super().__call__(function)

    def __repr__(self) -> str:
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.enabled})"


class inference_mode(_Mode):  # noqa: N801 - torch's own spelling
    """As no_grad, and tensors made inside can never take part in autograd.

    See: no_grad, is_inference_mode_enabled, Tensor.is_inference

    >>> with inference_mode(): x = ones(2)
    >>> x.is_inference()
    True
    """

    def __init__(self, mode: bool = True):
        super().__init__()
        self.mode = bool(mode)
        self.enabled = not self.mode
        self._inference_before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(grad_mode())
        self._inference_before.append(_inference.get())
        _inference.set(self.mode)
        _switch(self.enabled)
        inferring.append(None)
        entered[:] = [None]

    def __exit__(self, *exc: object) -> None:
        inferring.pop()
        _inference.set(self._inference_before.pop())
        _switch(self._before.pop())


for _mode in (no_grad, enable_grad, set_grad_enabled, inference_mode):
    _mode.__module__ = "torch.autograd.grad_mode"  # what a user sees when one is printed
