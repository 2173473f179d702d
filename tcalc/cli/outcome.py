"""What becomes of the last value of a run: -o writes it to a file, --test makes it the exit status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..session.tensors import is_tensor
from .escape import safe_line
from .files import writable_mode
from .tensor_files import SEVERAL, save_tensors, suffix_of
from .tensor_reading import safetensors, trouble_with
from .trouble import FileTrouble

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

NOTHING = "there is no value: the program ends without an expression that has one"


def check_target(path: str) -> None:
    """Raise FileTrouble where a file of this name could not be written, so that this is known before the program runs."""
    if suffix_of(path) == ".safetensors":
        safetensors()
    try:
        writable_mode(Path(path).expanduser())
    except (OSError, ValueError, RuntimeError) as error:
        raise trouble_with(path, error) from None


def write_value(value: object, path: str) -> None:
    """Write a tensor, number or list of numbers, or where the file can hold several a dict, list or tuple of tensors.

    Raises FileTrouble.
    """
    if value is None:
        raise FileTrouble(f"{safe_line(path)}: {NOTHING}")
    save_tensors(_named(value, path), path)


def _named(value: object, path: str) -> dict[str, Tensor]:
    """The tensors of a value by the names they get in the file: NumPy's arr_0, arr_1, ... for those without."""
    if is_tensor(value):
        return {"arr_0": value}
    if suffix_of(path) in SEVERAL:
        parts: dict[str, Any] = {}
        if isinstance(value, dict):
            parts = {str(key): part for key, part in value.items()}
        elif isinstance(value, (list, tuple)):
            parts = {f"arr_{index}": part for index, part in enumerate(value)}
        if parts and all(map(is_tensor, parts.values())):
            return parts
    if isinstance(value, (bool, int, float, complex, list, tuple)):
        from ..engine.data import tensor

        try:
            return {"arr_0": tensor(value)}
        except (ValueError, TypeError, RuntimeError, OverflowError) as error:
            raise FileTrouble(f"{safe_line(path)}: {safe_line(str(error))}") from None
    raise FileTrouble(f"{safe_line(path)}: the last value is no tensor but a value of type {type(value).__name__}")


def truth(value: object) -> bool:
    """Whether the last value is true.

    Raises FileTrouble when there is none, or when it is a tensor of several elements.
    """
    if value is None:
        raise FileTrouble(f"--test: {NOTHING}")
    try:
        return bool(value)
    except (RuntimeError, ValueError, TypeError) as error:
        raise FileTrouble(f"--test: {safe_line(str(error))}") from None
