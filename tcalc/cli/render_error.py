"""An Error as lines: one sentence, the source with carets, operands, hints, earlier commands, torch's words last."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from .escape import safe_line
from .layout import cells, cut, sentence
from .terminal import DEFAULT_WIDTH
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from ..session.carets import Mark
    from ..session.errors import Error
    from ..session.sentences import Operand
    from ..session.stories import Related

MAX_HINTS = 3
MAX_SOURCE = 160
MAX_MESSAGE = 500
MAX_TORCH = 1000


_LINE_NUMBER = re.compile(r"(?<=\b(?:on|at) line )\d+")  # in Python's sentences about syntax
Locate = Callable[[str, int], tuple[str, int]]


def prompt_error(error: Error, width: int, debug: bool = False) -> list[Line]:
    """An error at the interactive prompt, `error: ...`; earlier commands are called by their numbers."""
    if error.kind == "interrupt":
        return [text("interrupted", "error"), *_debug(error, debug)]
    head: Line = [Segment("error", "error: ")]
    lines = sentence(head, cut(safe_line(error.message), MAX_MESSAGE), width, 7)
    lines += _source(error, width) + _operands(error)
    lines += [text(cut(f"    called from  {safe_line(call.text)}", width)) for call in error.calls]
    lines += _related([(f"[{item.command.number}]", item) for item in error.related], width)
    return lines + _closing(error, width) + _debug(error, debug)


def script_error(error: Error, locate: Locate, debug: bool = False) -> list[Line]:
    """An error of a script, `tcalc: FILE:LINE:COL: ...` as editors read it.

    `locate` turns a file name and line of the session into what to call them.
    """
    if error.kind == "interrupt":
        return [text("tcalc: interrupted", "error"), *_debug(error, debug)]
    where = ""
    message = error.message
    if error.line is not None:
        name, line = locate(error.filename, error.line)
        if error.kind == "syntax":
            message = _LINE_NUMBER.sub(lambda match: str(locate(error.filename, int(match.group()))[1]), message)
        where = f"{safe_line(name)}:{line}:{(error.column or 0) + 1}: "
    head: Line = [Segment("error", "tcalc: "), Segment("name", where)]
    lines = [[*head, Segment("text", cut(safe_line(message), MAX_MESSAGE))]]
    lines += _source(error, DEFAULT_WIDTH) + _operands(error) + _calls(error, locate)
    places = [locate(item.command.filename, item.command.line) for item in error.related]
    named = [(f"{safe_line(name)}:{line}", item) for (name, line), item in zip(places, error.related, strict=True)]
    lines += _related(named, DEFAULT_WIDTH)
    return lines + _closing(error, DEFAULT_WIDTH) + _debug(error, debug)


def _calls(error: Error, locate: Locate) -> list[Line]:
    """One line for each call that led to the place of the error."""
    places = [locate(call.filename, call.line) for call in error.calls]
    return [
        text(cut(f"    called from {safe_line(name)}:{line}  {safe_line(call.text)}", MAX_SOURCE))
        for (name, line), call in zip(places, error.calls, strict=True)
    ]


def _source(error: Error, width: int) -> list[Line]:
    """The line of source without its indentation, and the carets under it; long lines are cut around the carets."""
    if not error.text.strip() or not error.marks:
        return []
    start = len(error.text) - len(error.text.lstrip())
    first, last = min(mark.start for mark in error.marks), max(mark.end for mark in error.marks)
    room = min(max(width - 8, 24), MAX_SOURCE)
    if last - start > room:
        start = max(start, min(first, last - room))
    shown = error.text[start : start + room]
    carets = "".join(_under(error.text, index, error.marks) for index in range(start, min(last, start + room)))
    return [text("    " + safe_line(shown.replace("\t", " "))), text("    " + carets.rstrip(), "error")]


def _under(line: str, index: int, marks: list[Mark]) -> str:
    """What stands under character `index`, as wide as that character is shown."""
    char = next((mark.char for mark in marks if mark.start <= index < mark.end), " ")
    return char * cells(safe_line(line[index])) if index < len(line) else char


def _operands(error: Error) -> list[Line]:
    """The operands' sizes: the bad ones in brackets, or in columns aligned from the right as broadcasting reads them."""
    if not error.operands:
        return []
    names = [safe_line(operand.name) for operand in error.operands]
    pad = max(map(len, names))
    if error.aligned:
        return _aligned(error.operands, names, pad)
    return [
        [Segment("text", f"    {name.ljust(pad)}  "), Segment("shape", _bracketed(operand))]
        for name, operand in zip(names, error.operands, strict=True)
    ]


def _bracketed(operand: Operand) -> str:
    sizes = [f"[{size}]" if dim in operand.bad else str(size) for dim, size in enumerate(operand.shape)]
    return "(" + ", ".join(sizes) + ("," if len(sizes) == 1 else "") + ")"


def _aligned(operands: list[Operand], names: list[str], pad: int) -> list[Line]:
    ndim = max(len(operand.shape) for operand in operands)
    columns = [f"dim {dim}" for dim in range(ndim)]
    lines = [text("    " + " " * pad + "  " + "  ".join(columns))]
    for name, operand in zip(names, operands, strict=True):
        sizes = ["-"] * (ndim - len(operand.shape)) + [str(size) for size in operand.shape]
        cells_ = "  ".join(size.rjust(len(column)) for size, column in zip(sizes, columns, strict=True))
        line: Line = [Segment("text", f"    {name.ljust(pad)}  "), Segment("shape", cells_)]
        if operand.why:
            line.append(Segment("unusual", f"    <- {operand.why}"))
        lines.append(line)
    return lines


def _related(items: list[tuple[str, Related]], width: int) -> list[Line]:
    """Earlier commands in columns: place, source, what it did."""
    if not items:
        return []
    room = max(width // 2, 20)
    rows = [(place, cut(safe_line(item.command.source.split("\n", 1)[0]), room), item.what) for place, item in items]
    pads = [max(cells(row[column]) for row in rows) for column in (0, 1)]
    return [
        [
            Segment("text", f"    {place.ljust(pads[0])} {source.ljust(pads[1])}  "),
            Segment("quiet", safe_line(what)),
        ]
        for place, source, what in rows
    ]


def _closing(error: Error, width: int) -> list[Line]:
    lines: list[Line] = []
    for hint in error.hints[:MAX_HINTS]:
        lines += sentence([Segment("text", "  "), Segment("hint", "hint  ")], safe_line(hint), width, 8)
    head = "  torch: "
    for line in cut(error.torch or "", MAX_TORCH).splitlines():
        lines += sentence([Segment("quiet", head)], safe_line(line.strip()), width, 9)
        head = "         "
    return lines


def _debug(error: Error, debug: bool) -> list[Line]:
    return [text(line, "quiet") for line in error.trace.splitlines()] if debug else []
