"""Elements of tensors as text with the shortest digits that read back exactly, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf, isfinite, nan
from typing import Any

CHUNK = 1 << 14  # elements that are text at the same time

Writer = Callable[[Any], list[str]]


def writer(dtype: str) -> Writer:
    """The function that writes the elements of a 1-d array of this dtype."""
    if dtype == "bool":
        return lambda row: ["true" if x else "false" for x in row.tolist()]
    if dtype in ("float32", "complex64"):
        return lambda row: [str(x) for x in row]
    if dtype in ("float16", "bfloat16"):
        return _bfloat16_texts if dtype == "bfloat16" else _float16_texts
    return lambda row: [repr(x) for x in row.tolist()]


def rows_of(array: Any, write: Writer, separator: str, between: str) -> Iterator[str]:
    """The text of a 2-d array in pieces: elements with `separator` between them, rows with `between`."""
    count, columns = array.shape
    if not columns:
        yield between * max(count - 1, 0)
        return
    if columns > CHUNK:
        for index in range(count):
            for start in range(0, columns, CHUNK):
                yield (separator if start else between if index else "") + separator.join(write(array[index, start : start + CHUNK]))
        return
    step = CHUNK // columns
    for first in range(0, count, step):
        texts = write(array[first : first + step].reshape(-1))
        rows = [separator.join(texts[at : at + columns]) for at in range(0, len(texts), columns)] if columns > 1 else texts
        yield (between if first else "") + between.join(rows)


def _float16_texts(row: Any) -> list[str]:
    return _few(row, lambda values: [str(x) for x in values])


def _bfloat16_texts(row: Any) -> list[str]:
    return _few(row, lambda values: [_bfloat16_text(x) for x in values.astype("float32").tolist()])


def _few(row: Any, write: Writer) -> list[str]:
    """The texts of 16-bit elements: each different one is worked out once."""
    from ..engine.backend import np

    patterns, places = np.unique(np.ascontiguousarray(row).view(np.uint16), return_inverse=True)
    texts = write(patterns.view(row.dtype))
    return [texts[place] for place in places.tolist()]


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
