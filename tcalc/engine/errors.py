"""Exception classes: torch's types and sentences, plus the op's name and operands as data for whoever explains them."""

from __future__ import annotations

from typing import Any


class EngineError(Exception):
    """Base of every error the engine raises; `str(error)` is torch's own sentence.

    `op` is the public op name ("matmul") or None; `operands` maps parameter names to the values given;
    `data` holds whatever else helps to explain (sizes, sequence numbers of nodes, storages).
    """

    def __init__(self, message: str, op: str | None = None, operands: dict[str, Any] | None = None, **data: Any):
        super().__init__(message)
        self.op = op
        self.operands = operands or {}
        self.data = data


class TensorError(EngineError, RuntimeError):
    """torch raises RuntimeError here."""


class TensorIndexError(EngineError, IndexError):
    """torch raises IndexError here."""


class TensorTypeError(EngineError, TypeError):
    """torch raises TypeError here."""


class TensorValueError(EngineError, ValueError):
    """torch raises ValueError here."""


class TensorNotImplemented(EngineError, NotImplementedError):
    """torch raises NotImplementedError here."""


class TensorAttributeError(EngineError, AttributeError):
    """torch raises AttributeError here."""


class TensorAssertion(EngineError, AssertionError):
    """torch raises AssertionError here."""


class LinAlgError(TensorError):
    """torch raises torch.linalg.LinAlgError here, which is a RuntimeError."""


class DeviceError(TensorError):
    """A device, driver or package is missing; the sentence says which and what to install."""


class OutOfMemory(TensorError):
    """The planned result does not fit into memory; nothing was allocated."""
