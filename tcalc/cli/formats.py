"""Values as text for pipes: `list` (lossless, one line), `repr` (what Python's prompt with torch prints), `shape`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf, isfinite, nan
from typing import TYPE_CHECKING, Any

from ..lang.text import echo_repr
from ..session.tensors import is_tensor

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

MAX_DEPTH = 64
_ROW_CHUNK = 4096


def text_of(value: object, format_name: str) -> Iterator[str]:
    """The text of one result in pieces, without the final line end; `format_name` is repr, list or shape."""
    if format_name == "list":
        return list_text(value)
    return iter((shape_text(value) if format_name == "shape" else echo_repr(value),))


def list_text(value: object, depth: int = 0) -> Iterator[str]:
    """Nested lists on one line with the shortest digits that read back exactly; a scalar is bare.

    JSON unless nan or inf occur (bare). What JSON has no form for is written as Python's prompt would.
    """
    if is_tensor(value):
        yield from _tensor_text(value)
    elif value is None:
        yield "null"
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str):
        yield _quoted(value)
    elif isinstance(value, (list, tuple)) and depth < MAX_DEPTH:
        yield "["
        for index, part in enumerate(value):
            if index:
                yield ", "
            yield from list_text(part, depth + 1)
        yield "]"
    elif isinstance(value, dict) and depth < MAX_DEPTH:
        yield "{"
        for index, (key, part) in enumerate(value.items()):
            yield (", " if index else "") + _quoted(str(key)) + ": "
            yield from list_text(part, depth + 1)
        yield "}"
    else:
        yield echo_repr(value)


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def _tensor_text(tensor: Tensor) -> Iterator[str]:
    """A tensor row by row, so that a large one never becomes one string."""
    if tensor.a is None:
        yield echo_repr(tensor)
        return
    from ..engine.backend import to_host

    yield from _array_text(to_host(tensor.a), _writer(tensor.dtype.name))


def _array_text(array: Any, write: Callable[[Any], list[str]]) -> Iterator[str]:
    if array.ndim == 0:
        yield write(array.reshape(1))[0]
    elif array.ndim == 1:
        yield "["
        for start in range(0, array.shape[0], _ROW_CHUNK):
            yield (", " if start else "") + ", ".join(write(array[start : start + _ROW_CHUNK]))
        yield "]"
    else:
        yield "["
        for index in range(array.shape[0]):
            if index:
                yield ", "
            yield from _array_text(array[index], write)
        yield "]"


def _writer(dtype: str) -> Callable[[Any], list[str]]:
    """The function that writes the elements of a 1-d array of this dtype."""
    if dtype == "bool":
        return lambda row: ["true" if x else "false" for x in row.tolist()]
    if dtype in ("float32", "float16"):
        return lambda row: [str(x) for x in row]
    if dtype == "bfloat16":
        return lambda row: [_bfloat16_text(x) for x in row.astype("float32").tolist()]
    return lambda row: [repr(x) for x in row.tolist()]


def _bfloat16_text(value: float) -> str:
    """Shortest decimal that rounds to the same bfloat16; 8 bits of mantissa never need more than 4 digits."""
    if not isfinite(value):
        return str({inf: inf, -inf: -inf}.get(value, nan))
    for digits in range(1, 4):
        text = f"{value:.{digits}g}"
        if _to_bfloat16(float(text)) == value:
            return repr(float(text))
    return repr(float(f"{value:.4g}"))


def _to_bfloat16(value: float) -> float:
    from ..engine.backend import NUMPY, np
    from ..engine.dtypes import bfloat16

    return float(np.array(value, NUMPY[bfloat16]))


def shape_text(value: object, depth: int = 0) -> str:
    """`float32 (2, 2)` for a tensor, the type's name for anything else, parts of lists and tuples one by one."""
    if is_tensor(value):
        return f"{value.dtype.name} {tuple(value.shape)}"
    if type(value) in (list, tuple) and depth < MAX_DEPTH:
        parts = ", ".join(shape_text(part, depth + 1) for part in value)  # type: ignore[attr-defined]
        return f"[{parts}]" if type(value) is list else f"({parts})"
    return type(value).__name__
