"""Tensors from files: .npy and .npz (NumPy's), .safetensors, .json, and tables. Nothing in a file is ever run, pickles are refused."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .array_files import afford, as_tensor, read_npy, read_npz, whole
from .escape import safe_line
from .tables import TableTrouble, read_table
from .trouble import FileTrouble

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

NEEDS_SAFETENSORS = "reading and writing .safetensors needs the package safetensors: pip install 'tcalc[safetensors]'"
# what NumPy, zipfile and the engine raise for a file that is not what its suffix says
DAMAGE = (ValueError, TypeError, RuntimeError, EOFError, KeyError, MemoryError, OverflowError, RecursionError, zipfile.BadZipFile)
_ODD = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
_BARE = re.compile(r'(?<![\w"])(?:(-?)inf\b|nan\b|(\([^()"]*j\)|[-+.\w]*(?:\d|nan|inf)j\b))(?!")')
_SAFETENSORS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U8": "uint8", "BOOL": "bool", "C64": "complex64",
}  # fmt: skip


def load_tensors(path: str) -> dict[str, Tensor]:
    """The tensors of a file by their names there; the name is empty where the file holds one without a name.

    The suffix says what it holds, or else its first bytes. A large .npy file is mapped: its elements are read when they are used, and
    never written to. Raises FileTrouble.
    """
    try:
        with Path(path).expanduser().open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
                raise FileTrouble(f"{safe_line(path)}: neither a plain file nor a pipe")
            if not stat.S_ISREG(mode):
                return read_tensors(whole(file), "", path)
            return _read(file, _suffix(path), path, os.path.abspath(file.name))
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        raise trouble_with(path, error) from None


def read_tensors(data: bytes, suffix: str, label: str) -> dict[str, Tensor]:
    """The tensors in the bytes of a file of that suffix (empty: of whatever kind they are); `label` is what errors call it.

    Raises FileTrouble.
    """
    return _read(io.BytesIO(data), suffix, label, None)


def kind_of(data: bytes) -> str:
    """The suffix for data that came without a name, by its first bytes: a table unless they say otherwise."""
    if data.startswith(b"\x93NUMPY"):
        return ".npy"
    if data.startswith(b"PK\x03\x04"):
        return ".npz"
    if data[8:10] == b'{"':  # behind the length of the header
        return ".safetensors"
    return ".json" if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{") else ".txt"


def trouble_with(path: str, error: BaseException) -> FileTrouble:
    """What is said of a file that the system does not let us use."""
    reason = error.strerror if isinstance(error, OSError) else None
    return FileTrouble(f"{safe_line(path)}: {reason or _first_line(error)}")


def _suffix(path: str) -> str:
    suffix = Path(path).suffix.lower()
    return suffix if suffix in _READERS else ""


def _read(stream: BinaryIO, suffix: str, label: str, path: str | None) -> dict[str, Tensor]:
    if not suffix:
        suffix = kind_of(stream.read(64))
        stream.seek(0)
    try:
        return _READERS[suffix](stream, path)
    except (FileTrouble, TableTrouble) as trouble:
        raise FileTrouble(f"{safe_line(label)}: {trouble}") from None
    except UnicodeDecodeError:
        raise FileTrouble(f"{safe_line(label)}: not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise FileTrouble(f"{safe_line(label)}: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except DAMAGE as error:
        raise FileTrouble(f"{safe_line(label)}: {_first_line(error)}") from None


def _first_line(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "it takes more memory than there is"
    return safe_line((str(error) or type(error).__name__).split("\n", 1)[0])


def _content(stream: BinaryIO) -> bytes:
    """All of a file or of bytes. Raises FileTrouble when that does not fit."""
    afford(stream.seek(0, os.SEEK_END))
    stream.seek(0)
    return stream.read()


# --- safetensors ------------------------------------------------------------------------------------------------------


def _from_safetensors(stream: BinaryIO, path: str | None) -> dict[str, Tensor]:
    from ..engine.backend import NUMPY, np
    from ..engine.dtypes import BY_NAME

    library = safetensors()
    found = {}
    try:
        entries = library.deserialize(_content(stream))
    except library.SafetensorError as error:
        raise FileTrouble(_first_line(error)) from None
    for name, entry in sorted(entries, key=lambda each: each[0]):  # the file has no order of its own
        if entry["dtype"] not in _SAFETENSORS:
            raise FileTrouble(f"elements of type {safe_line(entry['dtype'])}, which tcalc does not have")
        kind = NUMPY[BY_NAME[_SAFETENSORS[entry["dtype"]]]]
        data = entry["data"] if isinstance(entry["data"], bytearray) else bytearray(entry["data"])  # what can be written to
        found[name] = as_tensor(np.frombuffer(data, kind).reshape(entry["shape"]))
    if not found:
        raise FileTrouble("it holds no tensors")
    return found


def safetensors() -> Any:
    """The library of that name. Raises FileTrouble when it is not installed."""
    from importlib import import_module

    try:
        return import_module("safetensors")
    except ModuleNotFoundError:
        raise FileTrouble(NEEDS_SAFETENSORS) from None


# --- text -------------------------------------------------------------------------------------------------------------


def _from_json(stream: BinaryIO, path: str | None) -> dict[str, Tensor]:
    """An object as it is written here (or several, a line each), or nested lists alone, typed as torch types them."""
    text = _content(stream).decode("utf-8-sig")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        found = _several(text) if text.lstrip().startswith("{") and error.msg == "Extra data" else _relaxed(text, error)
    if isinstance(found, list) and found and isinstance(found[0], dict):
        return _named(found)
    if not isinstance(found, dict):
        return {"": _numbers(found, None)}
    return {"": _object(found)}


def _several(text: str) -> Any:
    """Objects that stand on a line each."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _relaxed(text: str, error: json.JSONDecodeError) -> Any:
    """Lists as `-F list` writes them: nan, inf and complex numbers are bare. Raises `error` when it is not that."""
    try:
        return json.loads(_BARE.sub(_as_json, text))
    except json.JSONDecodeError:
        raise error from None


def _as_json(match: re.Match[str]) -> str:
    if match[2]:
        return f'"{match[2]}"'
    return "NaN" if match[1] is None else f"{match[1]}Infinity"


def _named(objects: list[Any]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for index, each in enumerate(objects):
        if not isinstance(each, dict):
            raise FileTrouble("objects and lists side by side")
        name = each.get("name")
        found[name if isinstance(name, str) and name not in found else f"arr_{index}"] = _object(each)
    return found


def _object(found: dict[str, Any]) -> Tensor:
    from ..engine.dtypes import BY_NAME

    if "data" not in found:
        raise FileTrouble('an object without "data"')
    name = found.get("dtype")
    if name is not None and name not in BY_NAME:
        raise FileTrouble(f"no dtype {safe_line(str(name))}")
    made = _numbers(found["data"], None if name is None else BY_NAME[name])
    shape = found.get("shape", list(made.shape))
    if not isinstance(shape, list) or not all(isinstance(size, int) for size in shape):
        raise FileTrouble('"shape" is no list of sizes')
    if list(made.shape) != shape and (made.numel() or 0 not in shape):
        raise FileTrouble(f"data of shape {tuple(made.shape)}, but shape says {tuple(shape)}")
    reshaped: Tensor = made.reshape(shape)
    return reshaped


def _numbers(data: Any, wanted: Any) -> Tensor:
    """A tensor of nested lists, as `torch.tensor` makes it; NumPy reads what is of one kind, the engine the rest."""
    from ..engine import data as engine
    from ..engine.backend import NUMPY, np
    from ..engine.dtypes import float64, get_default_dtype

    try:
        array: Any = np.array(data)
    except (ValueError, OverflowError):
        array = None
    if array is not None and array.size and array.dtype.kind == "f":
        return engine.from_numpy(array.astype(NUMPY[get_default_dtype() if wanted is None else wanted], copy=False))
    if array is not None and array.size and array.dtype.kind in "bi" and wanted in (None, float64):
        return engine.from_numpy(array if wanted is None else array.astype("float64"))
    return engine.tensor(_checked(data), dtype=wanted)


def _checked(data: Any) -> Any:
    """Nested lists with the texts `nan`, `inf`, `-inf` and those of complex numbers as numbers."""
    if isinstance(data, list):
        return [_checked(each) for each in data]
    if isinstance(data, str):
        if data in _ODD:
            return _ODD[data]
        if data.endswith(("j", "j)")):
            return complex(data)
    elif isinstance(data, (bool, int, float)):
        return data
    raise FileTrouble(f"{safe_line(json.dumps(data))[:40]} is no number")


def _table(separator: str | None) -> Callable[[BinaryIO, str | None], dict[str, Tensor]]:
    return lambda stream, path: {"": read_table(stream, separator, path)}


_READERS: dict[str, Callable[[BinaryIO, str | None], dict[str, Tensor]]] = {
    ".npy": read_npy,
    ".npz": read_npz,
    ".safetensors": _from_safetensors,
    ".json": _from_json,
    ".csv": _table(None),  # many have semicolons or blanks in it
    ".tsv": _table("\t"),
    ".txt": _table(None),
    ".dat": _table(None),
}
READ_SUFFIXES = tuple(_READERS)
