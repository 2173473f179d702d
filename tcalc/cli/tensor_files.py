"""Tensors into files, by suffix: .npy and .npz (NumPy's), .safetensors, .json, .csv and .tsv; whole or not at all."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from .escape import safe_line
from .files import replacing
from .formats import SEPARATORS, FormatTrouble, host_array, json_text, table_text
from .tensor_reading import safetensors, trouble_with
from .trouble import FileTrouble

if TYPE_CHECKING:
    from ..engine.tensor import Tensor


class SupportsWrite(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes, /) -> int:
        """Write bytes; how many they were."""


SUFFIXES = (".npy", ".npz", ".safetensors", ".json", ".csv", ".tsv")
SEVERAL = (".npz", ".safetensors")  # what holds more than one tensor


def suffix_of(path: str) -> str:
    """The suffix that says how a file is written.

    Raises FileTrouble when it is none of SUFFIXES.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        *most, last = SUFFIXES
        raise FileTrouble(f"{safe_line(path)}: the suffix says how tensors are written: {', '.join(most)} or {last}")
    return suffix


def save_tensors(tensors: Mapping[str, Tensor], path: str) -> str:
    """Write tensors to a file, whole or not at all; returns what the file does not keep (empty: nothing is lost).

    Only SEVERAL take more than one. Raises FileTrouble.
    """
    suffix = suffix_of(path)
    if len(tensors) > 1 and suffix not in SEVERAL:
        raise FileTrouble(f"{safe_line(path)}: {suffix} holds one tensor; several go into {' or '.join(SEVERAL)}")
    for name, tensor in tensors.items():
        if tensor.a is None:
            raise FileTrouble(f"{name} is on meta and has no values")
    try:
        with replacing(path) as file:
            _WRITERS[suffix](tensors, file)
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        raise trouble_with(path, error) from None
    return _lost_in_table(next(iter(tensors.values()))) if suffix in (".csv", ".tsv") else ""


def write_npy(tensors: Mapping[str, Tensor], file: SupportsWrite) -> None:
    """Write one tensor as NumPy's array file; bfloat16 is `<V2` there, as ml_dtypes has it."""
    from ..engine.backend import np

    (array,) = _arrays(tensors).values()
    np.lib.format.write_array(file, array, allow_pickle=False)


def _npz(tensors: Mapping[str, Tensor], file: BinaryIO) -> None:
    from ..engine.backend import np

    with zipfile.ZipFile(file, "w") as archive:  # np.savez has arguments of its own, which names may not take
        for name, array in _arrays(tensors).items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def _safetensors(tensors: Mapping[str, Tensor], file: BinaryIO) -> None:
    library = safetensors()
    from importlib import import_module

    for name, tensor in tensors.items():
        if tensor.dtype.name == "complex128":
            raise FileTrouble(f".safetensors has no complex128: save {name} as .npy, or its parts, view_as_real({name})")
    try:
        file.write(import_module("safetensors.numpy").save(_arrays(tensors)))
    except library.SafetensorError as error:
        raise FileTrouble(safe_line(str(error))) from None


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The elements in main memory, row by row."""
    from ..engine.backend import np

    return {name: np.asarray(host_array(tensor), order="C") for name, tensor in tensors.items()}


def _json(tensors: Mapping[str, Tensor], file: BinaryIO) -> None:
    ((name, tensor),) = tensors.items()
    _write_text(json_text(name, tensor), file)


def _table(separator: str) -> _Writer:
    def write(tensors: Mapping[str, Tensor], file: BinaryIO) -> None:
        ((name, tensor),) = tensors.items()
        try:
            _write_text(table_text(tensor, separator), file)
        except FormatTrouble as trouble:
            raise FileTrouble(f"{name}: {trouble}") from None

    return write


def _write_text(pieces: Iterable[str], file: BinaryIO) -> None:
    for piece in pieces:
        file.write(piece.encode())


def _lost_in_table(tensor: Tensor) -> str:
    """What reading the table again would change."""
    from ..engine.dtypes import get_default_dtype, scalar_dtype

    kind = tensor.dtype
    comes_back = get_default_dtype() if kind.is_floating_point else scalar_dtype(complex) if kind.is_complex else None
    reads_as = comes_back.name if comes_back is not None else kind.name if kind.name == "bool" else "int64"
    lost = [] if reads_as == kind.name else [f"dtype {kind.name}: it reads as {reads_as}"]
    if tensor.ndim == 0 or (tensor.ndim == 2 and tensor.shape[0] == 1):
        lost.append(f"shape {tuple(tensor.shape)}: it reads as ({tensor.numel()},)")
    return f"a table does not keep {' or '.join(lost)}" if lost else ""


_Writer = Callable[[Mapping[str, "Tensor"], BinaryIO], None]
_WRITERS: dict[str, _Writer] = {
    ".npy": write_npy,
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".json": _json,
    ".csv": _table(SEPARATORS["csv"]),
    ".tsv": _table(SEPARATORS["tsv"]),
}
