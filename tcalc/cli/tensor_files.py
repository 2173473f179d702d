"""Tensors in files: .npy and .npz (NumPy's), .json, .csv and .tsv. Nothing in a file is ever run, pickles are refused."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .escape import safe_line
from .files import write_file
from .formats import list_text

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

SUFFIXES = (".npy", ".npz", ".json", ".csv", ".tsv")
SEPARATORS = {".csv": ",", ".tsv": "\t"}
# what NumPy, zipfile and the engine raise for a file that is not what its suffix says
DAMAGE = (ValueError, TypeError, RuntimeError, EOFError, KeyError, MemoryError, OverflowError, RecursionError, zipfile.BadZipFile)
_INTEGER = re.compile(r"[+-]?\d+")
_SWITCHES = {"true": True, "false": False}
_ODD = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


class FileTrouble(Exception):
    """A file that cannot be read or written; the text is one line that names it."""


def suffix_of(path: str) -> str:
    """The suffix that says how a file is written.

    Raises FileTrouble when it is none of SUFFIXES.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        *most, last = SUFFIXES
        raise FileTrouble(f"{safe_line(path)}: the suffix says how tensors are written: {', '.join(most)} or {last}")
    return suffix


# --- writing ----------------------------------------------------------------------------------------------------------


def save_tensors(tensors: Mapping[str, Tensor], path: str) -> str:
    """Write tensors to a file, whole or not at all; returns what the file does not keep (empty: nothing is lost).

    Only .npz takes more than one. Raises FileTrouble.
    """
    suffix = suffix_of(path)
    if len(tensors) > 1 and suffix != ".npz":
        raise FileTrouble(f"{safe_line(path)}: {suffix} holds one tensor; several go into .npz")
    arrays = {name: _array_of(tensor, name) for name, tensor in tensors.items()}
    content, lost = _WRITERS[suffix](arrays, tensors)
    try:
        write_file(path, content)
    except (OSError, ValueError, RuntimeError) as error:
        raise _trouble(path, error) from None
    return lost


def _array_of(tensor: Tensor, name: str) -> Any:
    """The elements in main memory, row by row."""
    if tensor.a is None:
        raise FileTrouble(f"{name} is on meta and has no values")
    from ..engine.backend import np, to_host

    return np.asarray(to_host(tensor.a), order="C")


def _npy(arrays: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> tuple[bytes, str]:
    from ..engine.backend import np

    _refuse_bfloat16(tensors, ".npy")
    buffer = io.BytesIO()
    (array,) = arrays.values()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue(), ""


def _npz(arrays: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> tuple[bytes, str]:
    from ..engine.backend import np

    _refuse_bfloat16(tensors, ".npz")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # np.savez has arguments of its own, which names may not take
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    return buffer.getvalue(), ""


def _refuse_bfloat16(tensors: Mapping[str, Tensor], suffix: str) -> None:
    for name, tensor in tensors.items():
        if tensor.dtype.name == "bfloat16":
            raise FileTrouble(f"{suffix} has no bfloat16: save {name} as .json, or {name}.float(), which holds the same values")


def _refuse_complex(name: str, tensor: Tensor, what: str) -> None:
    if tensor.dtype.is_complex:
        raise FileTrouble(f"{what} has no complex numbers: save {name} as .npy, or its parts, view_as_real({name})")


def _json(arrays: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> tuple[str, str]:
    """One object; nan and inf are texts in it, as JSON has no words for them."""
    ((name, tensor),) = tensors.items()
    _refuse_complex(name, tensor, ".json")
    data = "".join(list_text(tensor.detach()))
    if tensor.dtype.is_floating_point:
        data = re.sub(r"-?\b(?:nan|inf)\b", r'"\g<0>"', data)
    return f'{{"dtype": "{tensor.dtype.name}", "shape": {list(tensor.shape)}, "data": {data}}}\n', ""


def _table(arrays: Mapping[str, Any], tensors: Mapping[str, Tensor], separator: str) -> tuple[str, str]:
    ((name, tensor),) = tensors.items()
    _refuse_complex(name, tensor, "a table")
    if tensor.ndim > 2:
        raise FileTrouble(f"{name} has {tensor.ndim} dims; a table has at most 2")
    if not tensor.numel() and tensor.ndim:
        raise FileTrouble(f"{name} has no elements, a table would not keep its shape {tuple(tensor.shape)}")
    flat = tensor.detach()
    rows = [flat.reshape(1)] if not flat.ndim else [flat] if flat.ndim == 1 else list(flat)
    text = "".join("".join(list_text(row))[1:-1].replace(", ", separator) + "\n" for row in rows)
    return text, _lost_in_table(name, tensor)


def _lost_in_table(name: str, tensor: Tensor) -> str:
    """What reading the table again would change."""
    from ..engine.dtypes import get_default_dtype

    kind = tensor.dtype
    comes_back = get_default_dtype().name if kind.is_floating_point else kind.name if kind.name == "bool" else "int64"
    lost = [] if comes_back == kind.name else [f"dtype {kind.name}: it reads as {comes_back}"]
    if tensor.ndim == 0 or (tensor.ndim == 2 and tensor.shape[0] == 1):
        lost.append(f"shape {tuple(tensor.shape)}: it reads as ({tensor.numel()},)")
    return f"a table does not keep {' or '.join(lost)}" if lost else ""


_Writer = Callable[[Mapping[str, Any], Mapping[str, "Tensor"]], tuple[bytes | str, str]]
_WRITERS: dict[str, _Writer] = {
    ".npy": _npy,
    ".npz": _npz,
    ".json": _json,
    ".csv": lambda arrays, tensors: _table(arrays, tensors, ","),
    ".tsv": lambda arrays, tensors: _table(arrays, tensors, "\t"),
}


# --- reading ----------------------------------------------------------------------------------------------------------


def load_tensors(path: str) -> dict[str, Tensor]:
    """The tensors of a file by their names there; the name is empty where the file holds one without a name.

    Raises FileTrouble.
    """
    suffix = suffix_of(path)
    try:
        data = Path(path).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        raise _trouble(path, error) from None
    return read_tensors(data, suffix, path)


def kind_of(data: bytes) -> str:
    """The suffix for data that came without a name: by its first bytes, else a table."""
    if data.startswith(b"\x93NUMPY"):
        return ".npy"
    if data.startswith(b"PK\x03\x04"):
        return ".npz"
    return ".json" if data.lstrip()[:1] in (b"[", b"{") else ".csv"


def read_tensors(data: bytes, suffix: str, label: str) -> dict[str, Tensor]:
    """The tensors in the bytes of a file of that suffix; `label` is what errors call it.

    Raises FileTrouble.
    """
    try:
        return _READERS[suffix](data)
    except FileTrouble as trouble:
        raise FileTrouble(f"{safe_line(label)}: {trouble}") from None
    except UnicodeDecodeError:
        raise FileTrouble(f"{safe_line(label)}: not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise FileTrouble(f"{safe_line(label)}: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except DAMAGE as error:
        raise FileTrouble(f"{safe_line(label)}: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    """NumPy's advice about pickles cannot be followed here."""
    line = safe_line((str(error) or type(error).__name__).split("\n", 1)[0])
    return "it holds Python objects, which are not read" if "allow_pickle" in line else line


def _from_npy(data: bytes) -> dict[str, Tensor]:
    return {"": _tensor(_array_in(io.BytesIO(data)))}


def _from_npz(data: bytes) -> dict[str, Tensor]:
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.namelist():
            name = entry.removesuffix(".npy")
            if name == entry:
                raise FileTrouble(f"{safe_line(entry)} in it is no .npy file")
            with archive.open(entry) as file:
                found[name] = _tensor(_array_in(file))
    if not found:
        raise FileTrouble("it holds no arrays")
    return found


def _array_in(file: Any) -> Any:
    """The array of a .npy stream; one whose header promises more than there is costs no memory for it."""
    from ..engine.backend import np

    return np.lib.format.read_array(file, allow_pickle=False)


def _tensor(array: Any) -> Tensor:
    """A new tensor, contiguous, in this machine's byte order.

    Raises FileTrouble for element types that tcalc does not have.
    """
    from ..engine.backend import dtype_of, np
    from ..engine.data import tensor

    native = array.dtype.newbyteorder("=")
    try:
        dtype_of(native)
    except TypeError:
        raise FileTrouble(f"elements of type {safe_line(str(array.dtype))}, which tcalc does not have") from None
    return tensor(np.ascontiguousarray(array, dtype=native).reshape(array.shape))


def _from_json(data: bytes) -> dict[str, Tensor]:
    """An object as it is written here, or nested lists alone, typed as torch types them."""
    from ..engine import data as engine
    from ..engine.dtypes import BY_NAME

    found = json.loads(data.decode("utf-8-sig"))
    if not isinstance(found, dict):
        return {"": engine.tensor(_numbers(found))}
    if "data" not in found:
        raise FileTrouble('an object without "data"')
    name = found.get("dtype")
    if name is not None and name not in BY_NAME:
        raise FileTrouble(f"no dtype {safe_line(str(name))}")
    made = engine.tensor(_numbers(found["data"]), dtype=None if name is None else BY_NAME[name])
    shape = found.get("shape", list(made.shape))
    if not isinstance(shape, list) or not all(isinstance(size, int) for size in shape):
        raise FileTrouble('"shape" is no list of sizes')
    if list(made.shape) != shape and (made.numel() or 0 not in shape):
        raise FileTrouble(f"data of shape {tuple(made.shape)}, but shape says {tuple(shape)}")
    reshaped: Tensor = made.reshape(shape)
    return {"": reshaped}


def _numbers(data: Any) -> Any:
    """Nested lists with the texts `nan`, `inf` and `-inf` as numbers."""
    if isinstance(data, list):
        return [_numbers(each) for each in data]
    if isinstance(data, str) and data in _ODD:
        return _ODD[data]
    if isinstance(data, (bool, int, float)):
        return data
    raise FileTrouble(f"{safe_line(json.dumps(data))[:40]} is no number")


def _from_table(data: bytes, separator: str | None) -> dict[str, Tensor]:
    """Rows of numbers; the first row may be names. One row gives one dim. Blanks separate where nothing else does."""
    from ..engine import data as engine

    lines = data.decode("utf-8-sig").splitlines()
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not filled:
        raise FileTrouble("no numbers in it")
    separator = separator if separator is not None else _separator(filled[0][1])
    if not any(_is_number(cell) for cell in _cells(filled[0][1], separator)) and len(filled) > 1:
        filled = filled[1:]
    rows: list[list[bool | int | float]] = []
    for number, line in filled:
        rows.append([_number(cell, number, column) for column, cell in enumerate(_cells(line, separator), start=1)])
        if len(rows[-1]) != len(rows[0]):
            raise FileTrouble(f"line {number} has {len(rows[-1])} numbers, the first has {len(rows[0])}")
    return {"": engine.tensor(rows[0] if len(rows) == 1 else rows)}


def _separator(line: str) -> str:
    """What separates the cells of data that came without a suffix: a tab or comma where there is one, else blanks."""
    return next((each for each in ("\t", ",", ";") if each in line), "")


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in line.split(separator)] if separator else line.split()


def _is_number(cell: str) -> bool:
    try:
        _number(cell, 0, 0)
    except FileTrouble:
        return False
    return True


def _number(cell: str, line: int, column: int) -> bool | int | float:
    if cell.lower() in _SWITCHES:
        return _SWITCHES[cell.lower()]
    if _INTEGER.fullmatch(cell):
        return int(cell)
    try:
        if "_" in cell:
            raise ValueError
        return float(cell)
    except ValueError:
        raise FileTrouble(f"line {line}, column {column}: {safe_line(cell)[:40]!r} is no number") from None


_READERS: dict[str, Callable[[bytes], dict[str, Tensor]]] = {
    ".npy": _from_npy,
    ".npz": _from_npz,
    ".json": _from_json,
    ".csv": lambda data: _from_table(data, ","),
    ".tsv": lambda data: _from_table(data, "\t"),
}


def _trouble(path: str, error: Exception) -> FileTrouble:
    reason = error.strerror if isinstance(error, OSError) else None
    return FileTrouble(f"{safe_line(path)}: {reason or _first_line(error)}")
