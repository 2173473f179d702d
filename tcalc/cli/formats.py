"""Values as text for pipes: `list` (lossless, one line), `json` (an object a line), `repr`, `shape`, and tables (csv, tsv)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..lang.text import echo_repr
from ..session.tensors import is_tensor
from .elements import Writer, rows_of, writer

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

MAX_DEPTH = 64
SEPARATORS = {"csv": ",", "tsv": "\t"}
_ODD = re.compile(r"-?\b(?:nan|inf)\b")
_COMPLEX = re.compile(r"\([^()]*\)|[^\s,\[\]]+j")


class FormatTrouble(Exception):
    """A value that a format has no way to write; the text is one line."""


def text_of(name: str | None, value: object, format_name: str) -> Iterator[str]:
    """The text of one result in pieces, its last line end included; `name` is the variable's, if it was assigned.

    `format_name` is list, repr, shape, json, csv or tsv. Raises FormatTrouble, before the first piece.
    """
    if format_name in SEPARATORS:
        yield from table_text(value, SEPARATORS[format_name])
        return
    if format_name == "json":
        yield from json_text(name, value)
        return
    head = f"{name} = " if name is not None else ""
    yield head
    if format_name == "list":
        yield from list_text(value)
    elif format_name == "shape":
        yield shape_text(value)
    else:
        yield echo_repr(value).replace("\n", "\n" + " " * len(head))
    yield "\n"


def list_text(value: object, depth: int = 0, strict: bool = False) -> Iterator[str]:
    """Nested lists on one line with the shortest digits that read back exactly; a scalar is bare.

    JSON unless nan, inf or complex numbers occur (bare; with `strict` they are texts). What JSON has no form for is written as
    Python's prompt would (with `strict` as a text).
    """
    if is_tensor(value):
        yield from _tensor_text(value, strict)
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
            yield from list_text(part, depth + 1, strict)
        yield "]"
    elif isinstance(value, dict) and depth < MAX_DEPTH:
        yield "{"
        for index, (key, part) in enumerate(value.items()):
            yield (", " if index else "") + _quoted(str(key)) + ": "
            yield from list_text(part, depth + 1, strict)
        yield "}"
    else:
        text = echo_repr(value)
        is_number = isinstance(value, (int, float)) and not _ODD.search(text)
        yield _quoted(text) if strict and not is_number else text


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def host_array(tensor: Tensor) -> Any:
    """The elements of a tensor that has some, in main memory."""
    from ..engine.backend import to_host

    return to_host(tensor.a)


def _tensor_text(tensor: Tensor, strict: bool) -> Iterator[str]:
    """A tensor row by row, so that a large one never becomes one string."""
    if tensor.a is None:
        yield "null" if strict else echo_repr(tensor)
        return
    pieces = _array_text(host_array(tensor), writer(tensor.dtype.name))
    if strict and tensor.dtype.is_complex:
        pieces = (_COMPLEX.sub(r'"\g<0>"', piece) for piece in pieces)
    elif strict and tensor.dtype.is_floating_point:
        pieces = (_ODD.sub(r'"\g<0>"', piece) for piece in pieces)
    yield from pieces


def _array_text(array: Any, write: Writer) -> Iterator[str]:
    if array.ndim == 0:
        yield write(array.reshape(1))[0]
        return
    yield "["
    if array.ndim == 1:
        yield from rows_of(array[None], write, ", ", "")
    elif array.ndim == 2:
        if array.shape[0]:
            yield "["
            yield from rows_of(array, write, ", ", "], [")
            yield "]"
    else:
        for index in range(array.shape[0]):
            if index:
                yield ", "
            yield from _array_text(array[index], write)
    yield "]"


# --- json -------------------------------------------------------------------------------------------------------------


def json_text(name: str | None, value: object) -> Iterator[str]:
    """One object on one line: a tensor's facts and elements (nan, inf and complex numbers as texts), another value's type and form."""
    import json

    facts: dict[str, object] = {"name": name}
    if not is_tensor(value):
        yield json.dumps(facts | {"type": type(value).__name__}, ensure_ascii=False)[:-1] + ', "data": '
        yield from list_text(value, strict=True)
        yield "}\n"
        return
    from ..session.facts import gradient

    facts |= {
        "dtype": value.dtype.name,
        "shape": list(value.shape),
        "stride": list(value.stride()),
        "device": str(value.device),
        "contiguous": value.is_contiguous(),
        "requires_grad": value.requires_grad,
        "is_leaf": value.is_leaf,
        "grad_fn": _grad_fn(value),
    }
    yield json.dumps(facts, ensure_ascii=False)[:-1] + ', "grad": '
    yield from list_text(gradient(value), strict=True)
    yield ', "data": '
    yield from list_text(value, strict=True)
    yield "}\n"


def _grad_fn(tensor: Tensor) -> str | None:
    try:
        node = tensor.grad_fn
    except RuntimeError:  # a view that autograd has given up; torch prints it like this
        return "Invalid"
    return None if node is None else node.label


# --- tables -----------------------------------------------------------------------------------------------------------


def table_text(value: object, separator: str) -> Iterator[str]:
    """Rows of at most two dims, one line each, no header; a scalar is one cell.

    Raises FormatTrouble for more dims, for a tensor without elements and for what is neither tensor, number nor list of numbers.
    """
    if is_tensor(value):
        tensor = value
    else:
        tensor = _tensor_of(value)
    if tensor.a is None:
        raise FormatTrouble("a tensor on meta has no values")
    if tensor.ndim > 2:
        raise FormatTrouble(f"a table has at most 2 dims, this has {tensor.ndim}: {tuple(tensor.shape)}")
    if not tensor.numel():
        raise FormatTrouble(f"a table does not keep the shape {tuple(tensor.shape)} of a tensor without elements")
    array = host_array(tensor)
    yield from rows_of(array if array.ndim == 2 else array.reshape(1, -1), writer(tensor.dtype.name), separator, "\n")
    yield "\n"


def _tensor_of(value: object) -> Tensor:
    from ..engine.data import tensor
    from ..engine.errors import EngineError

    if isinstance(value, (bool, int, float, complex, list, tuple)):
        try:
            return tensor(value)
        except (EngineError, ValueError, TypeError, OverflowError, RuntimeError) as error:
            raise FormatTrouble(f"a table holds numbers: {str(error).splitlines()[0]}") from None
    raise FormatTrouble(f"a table holds numbers, this is a value of type {type(value).__name__}")


# --- shapes -----------------------------------------------------------------------------------------------------------


def shape_text(value: object, depth: int = 0) -> str:
    """`float32 (2, 2)` for a tensor, the type's name for anything else, parts of lists and tuples one by one."""
    if is_tensor(value):
        return f"{value.dtype.name} {tuple(value.shape)}"
    if type(value) in (list, tuple) and depth < MAX_DEPTH:
        parts = ", ".join(shape_text(part, depth + 1) for part in value)  # type: ignore[attr-defined]
        return f"[{parts}]" if type(value) is list else f"({parts})"
    return type(value).__name__
