"""An Error as lines: one sentence, the source with carets, operands, hints, earlier commands, torch's words last."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..session.reading import first_line
from .escape import safe_line
from .layout import cells, cut, sentence
from .terminal import DEFAULT_WIDTH
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from ..session.carets import Mark
    from ..session.errors import Error
    from ..session.hints import Hint
    from ..session.provenance import Related
    from ..session.record import Note
    from ..session.sentences import Operand
    from ..session.trail import Past

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
    lines += _related([(_number(item.command), _called(item, _number), item) for item in error.related], width)
    hints = [("" if hint.where is None else _number(hint.where), hint) for hint in error.hints]
    return lines + _hints(hints, width) + _torch(error, width) + _debug(error, debug)


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
    named = [(_place(item.command, locate, item.line), _called(item, partial(_place, locate=locate)), item) for item in error.related]
    lines += _related(named, DEFAULT_WIDTH)
    hints = [("" if hint.where is None else _place(hint.where, locate, hint.line), hint) for hint in error.hints]
    return lines + _hints(hints, DEFAULT_WIDTH) + _torch(error, DEFAULT_WIDTH) + _debug(error, debug)


def warning(note: Note, where: str) -> Line:
    """A note in a pipe: one line, as `tcalc: FILE:LINE: warning: ...` in a script, where `where` is the place."""
    head = f"tcalc: {safe_line(where)}: " if where else ""
    said = "; ".join((note.text, *note.details))
    return [Segment("name", head), Segment("word", "warning: "), Segment("text", cut(safe_line(said), MAX_MESSAGE))]


def _number(command: Past) -> str:
    """A command as the prompt names it."""
    return f"[{command.number}]"


def _called(item: Related, name: Callable[[Past], str]) -> str:
    """What a related command did, and from where when it is a function's line."""
    return item.what + (f" (called in {name(item.caller)})" if item.caller is not None else "")


def _place(command: Past, locate: Locate, line: int = 0) -> str:
    """A line of a command, its first by default, as scripts name it."""
    name, number = locate(command.filename, line or command.line)
    return f"{safe_line(name)}:{number}"


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


def _related(items: list[tuple[str, str, Related]], width: int) -> list[Line]:
    """Earlier commands in columns: place, source, what it did, and an arrow to the one that matters."""
    if not items:
        return []
    room = max(width // 2, 20)
    rows = [
        (place, cut(safe_line(item.text or item.command.source.split("\n", 1)[0]), room), safe_line(what), item.here)
        for place, what, item in items
    ]
    pads = [max(cells(row[0]) for row in rows), max(cells(row[1]) for row in rows), max(cells(row[2]) for row in rows)]
    lines: list[Line] = []
    for place, source, what, here in rows:
        line = [Segment("text", f"    {_pad(place, pads[0])} {_pad(source, pads[1])}    ")]
        line.append(Segment("quiet", _pad(what, pads[2]) if here else what))
        if here:
            line.append(Segment("unusual", "  <- here"))
        lines.append(line)
    return lines


def _pad(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _hints(hints: list[tuple[str, Hint]], width: int) -> list[Line]:
    """What to write instead: in an earlier command with its place, else in columns with what comes of it."""
    lines: list[Line] = []
    shown = [(place, safe_line(first_line(hint.text)), safe_line(hint.remark), hint) for place, hint in hints[:MAX_HINTS]]
    pad = max([cells(code) for _, code, remark, hint in shown if remark and not hint.earlier], default=0)
    for place, code, remark, hint in shown:
        code, remark = (f"in {place} write {code}", f"({remark})" if remark else "") if hint.earlier else (_pad(code, pad), remark)
        gap = " " if hint.earlier else "   "
        head = [Segment("text", "  "), Segment("hint", "hint  ")]
        if 8 + cells(code + gap + remark) <= width:
            lines.append([*head, Segment("text", (code + gap + remark).rstrip())])
        elif remark:  # code is never broken, what is said of it may be
            lines += [[*head, Segment("text", code.rstrip())], *sentence([Segment("text", " " * 10)], remark, width, 10)]
        else:
            lines += [[*head, Segment("text", code.rstrip())]] if hint.source else sentence(head, code, width, 8)
    return lines


def _torch(error: Error, width: int) -> list[Line]:
    """torch's sentence, to be searched for."""
    lines: list[Line] = []
    head = "  torch: "
    for line in cut(error.torch or "", MAX_TORCH).splitlines():
        lines += sentence([Segment("quiet", head)], safe_line(line.strip()), width, 9)
        head = "         "
    return lines


def _debug(error: Error, debug: bool) -> list[Line]:
    return [text(line, "quiet") for line in error.trace.splitlines()] if debug else []
