"""Tables of numbers as text: rows of cells between commas, tabs, semicolons or blanks; the first row may be names."""

from __future__ import annotations

import io
import re
import warnings
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from .escape import safe_line

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

LOOKED_AT = 100  # rows that say whether the numbers are whole
LONGEST_LOOK = 1 << 16  # bytes of them
_INTEGER = re.compile(r"[+-]?\d+")
_SWITCHES = {"true": True, "false": False}


class TableTrouble(Exception):
    """Text that is no table of numbers; one line, with the place."""


def read_table(stream: BinaryIO, separator: str | None, path: str | None = None) -> Tensor:
    """The numbers of a table; one row gives one dim. Without a `separator` it is what the first row has, else blanks.

    `stream` can be read twice; `path` names a plain file with the same content, which is read faster. Whole numbers give int64, true
    and false bool, complex numbers the default complex dtype, all others the default dtype. Raises TableTrouble with line and column.
    """
    start = _Start(stream, separator)
    found = _fast(start, stream, path)
    return _exact(start, stream) if found is None else found


class _Start:
    """What the first rows say: the separator, how many lines to skip, whether all numbers are whole."""

    def __init__(self, stream: BinaryIO, separator: str | None) -> None:
        head = stream.read(LONGEST_LOOK)
        complete = len(head) < LONGEST_LOOK
        text = head.decode("utf-8-sig", "strict" if complete else "ignore")
        lines = text.splitlines()
        filled = [(index, line) for index, line in enumerate(lines) if line.strip()]
        if not filled:
            raise TableTrouble("no numbers in it")
        first = filled[0][1]
        self.separator = _separator(first) if separator is None else separator
        named = not any(is_number(cell) for cell in cells(first, self.separator)) and (len(filled) > 1 or not complete)
        self.skipped = filled[0][0] + named
        looked = [line for _, line in filled[named : LOOKED_AT + named]]
        if not complete and len(looked) > 1 and len(filled) <= LOOKED_AT:
            looked.pop()  # the look may have ended within it
        if not complete and len(looked) == 1:
            looked = [looked[0].rpartition(self.separator or " ")[0]]
        self.whole = all(_INTEGER.fullmatch(cell) for line in looked for cell in cells(line, self.separator))
        stream.seek(0)


def _fast(start: _Start, stream: BinaryIO, path: str | None) -> Tensor | None:
    """The table as NumPy's reader sees it, None when that finds anything it does not like."""
    from ..engine.backend import NUMPY, np
    from ..engine.data import from_numpy
    from ..engine.dtypes import bfloat16, get_default_dtype

    default = get_default_dtype()
    wanted = NUMPY[default] if default is not bfloat16 else np.dtype("float64")
    for dtype in (np.dtype("int64"), wanted) if start.whole else (wanted,):
        stream.seek(0)
        source = path if path is not None else io.TextIOWrapper(stream, "utf-8-sig")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a fraction read as a whole number is only a warning
                found: Any = np.loadtxt(
                    source,
                    dtype,
                    comments=None,
                    delimiter=start.separator or None,
                    skiprows=start.skipped,
                    ndmin=2,
                    encoding="utf-8-sig",
                )
        except (ValueError, Warning, OverflowError):
            continue
        finally:
            if not isinstance(source, str):
                source.detach()
        if dtype == wanted:
            if start.whole and (found == np.trunc(found)).all():
                return None  # whole numbers too large for int64
            found = found.astype(NUMPY[default], copy=False)
        return from_numpy(found[0] if found.shape[0] == 1 else found)
    return None


def _exact(start: _Start, stream: BinaryIO) -> Tensor:
    """The table cell by cell, with all words that numbers have here, and the place of the first that is none."""
    from ..engine.data import tensor

    stream.seek(0)
    rows: list[list[complex]] = []
    lines = stream.read().decode("utf-8-sig").splitlines()
    for number, line in islice(enumerate(lines, start=1), start.skipped, None):
        if not line.strip():
            continue
        rows.append([_number(cell, number, column) for column, cell in enumerate(cells(line, start.separator), start=1)])
        if len(rows[-1]) != len(rows[0]):
            raise TableTrouble(f"line {number} has {len(rows[-1])} numbers, the first has {len(rows[0])}")
    return tensor(rows[0] if len(rows) == 1 else rows)


def _separator(line: str) -> str:
    """What separates the cells: a tab, comma or semicolon where there is one, else blanks."""
    return next((each for each in ("\t", ",", ";") if each in line), "")


def cells(line: str, separator: str) -> list[str]:
    """The cells of a row."""
    return [cell.strip() for cell in line.split(separator)] if separator else line.split()


def is_number(cell: str) -> bool:
    """Whether a cell is a number, true or false."""
    try:
        _number(cell, 0, 0)
    except TableTrouble:
        return False
    return True


def _number(cell: str, line: int, column: int) -> complex:
    if cell.lower() in _SWITCHES:
        return _SWITCHES[cell.lower()]
    if _INTEGER.fullmatch(cell):
        return int(cell)
    try:
        if "_" in cell:
            raise ValueError
        return complex(cell) if cell.endswith(("j", "j)")) else float(cell)
    except ValueError:
        raise TableTrouble(f"line {line}, column {column}: {safe_line(cell)[:40]!r} is no number") from None
