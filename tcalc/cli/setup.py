"""The options that change how a session computes: default device, default dtype, seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .options import Settings


class SetupError(Exception):
    """An option asks for something this machine does not have; the text is one line."""


def prepare_session(settings: Settings) -> None:
    """Set the default dtype, device, seed and print width. The engine's arrays are loaded only where that needs them.

    Raises SetupError.
    """
    from ..engine.errors import EngineError

    try:
        if settings.dtype is not None:
            from ..engine import dtypes

            dtypes.set_default_dtype(dtypes.BY_NAME[settings.dtype])
        if settings.device is not None:
            _torch("set_default_device")(settings.device)
            _torch("empty")(0)  # a device that does not exist is an error now, not at the first use
        if settings.seed is not None:
            _torch("manual_seed")(settings.seed)
        if settings.width is not None:
            _torch("set_printoptions")(linewidth=settings.width)
    except (EngineError, OSError) as error:
        raise SetupError(str(error)) from None


def _torch(name: str) -> Any:
    from ..engine.namespace import table

    return table("torch")[name]
