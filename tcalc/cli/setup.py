"""The options that change how a session computes: default device, default dtype, seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .settings import Settings


class SetupError(Exception):
    """An option asks for something this machine does not have; the text is one line."""


def prepare_session(settings: Settings) -> None:
    """Set the default dtype, the devices, seed and print width. The engine's arrays are loaded only where that needs them.

    Raises SetupError.
    """
    from ..engine.errors import EngineError

    try:
        if settings.dtype is not None:
            from ..engine import dtypes

            dtypes.set_default_dtype(dtypes.BY_NAME[settings.dtype])
        if settings.simulate_cuda is not None:
            from ..engine.backend import simulate

            simulate(settings.simulate_cuda)
        if settings.device is not None:
            _torch("set_default_device")(settings.device)
            _torch("empty")(0)  # a device that does not exist is an error now, not at the first use
        if settings.seed is not None:
            _torch("manual_seed")(settings.seed)
        options = print_options(settings)
        if any(value is not None for value in options.values()):
            _torch("set_printoptions")(**options)
    except (EngineError, OSError) as error:
        raise SetupError(str(error)) from None


def print_options(settings: Settings) -> dict[str, Any]:
    """The arguments of set_printoptions that the settings stand for; None is torch's default."""
    return {
        "linewidth": settings.width,
        "precision": settings.precision,
        "threshold": settings.threshold,
        "edgeitems": settings.edgeitems,
        "sci_mode": settings.sci_mode,
    }


def change_print_options(before: Settings, after: Settings) -> None:
    """Set those print options that differ; one that is unset becomes torch's default."""
    old, new = print_options(before), print_options(after)
    changed = {name: value for name, value in new.items() if value != old[name]}
    if not changed:
        return
    from ..engine.printing import PROFILES

    default = PROFILES["default"]._asdict()
    given = {name: default[name] if value is None else value for name, value in changed.items()}
    _torch("set_printoptions")(**{"sci_mode": new["sci_mode"]} | given)  # leaving sci_mode out would set it back


def _torch(name: str) -> Any:
    from ..engine.namespace import table

    return table("torch")[name]
