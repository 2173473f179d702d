"""From an exception to an Error: one sentence, the place in the source, the operands, torch's own words last."""

from __future__ import annotations

import ast
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from .carets import Mark, marks_of
from .hints import Hint
from .misuse import PLAIN_ERRORS, misuse
from .provenance import Related
from .scene import Scene
from .sentences import Operand, sentence_for
from .shapes import shape_hints
from .slips import python_slip, slip_of
from .stories import story_of

if TYPE_CHECKING:
    from types import FrameType

    from ..lang.errors import Span
    from ..lang.places import Spot
    from .trail import Trail

MAX_LINE, MAX_LINES = 2000, 100
MAX_DEPTH = 10


class Call(NamedTuple):
    """Where a function of the program was called: line `line` of `filename`, which reads `text`."""

    filename: str
    line: int
    text: str


@dataclass(slots=True)
class Error:
    """Why a command failed.

    `message` is one line. `kind` is "error", or "syntax", "refused", "name", "limit" for what the language does not
    take, "interrupt" for Ctrl-C, "internal" for a bug of tcalc. `line` and `column` are 1-based and 0-based, None
    when the place is unknown; `text` is that source line. `aligned` says that the operands' sizes are to be read from
    the right. `calls` are the calls that led there, innermost first. `torch` is torch's sentence when `message` is not
    it.
    """

    message: str
    kind: str = "error"
    type_name: str = "RuntimeError"
    filename: str = "<input>"
    line: int | None = None
    column: int | None = None
    text: str = ""
    marks: list[Mark] = field(default_factory=list)
    operands: list[Operand] = field(default_factory=list)
    aligned: bool = False
    hints: list[Hint] = field(default_factory=list)
    related: list[Related] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    torch: str | None = None
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The source an error points into: `text` are the lines of `filename` from line `first` on."""

    filename: str
    text: str
    first: int = 1

    def line(self, number: int) -> str:
        """Line `number` of the file, empty when it is outside."""
        lines = self.text.split("\n")  # as Python's parser counts: \\f and the like end no line
        index = number - self.first
        return lines[index][:MAX_LINE] if 0 <= index < len(lines) else ""


def error_of(
    exc: BaseException,
    place: Place,
    span: Span | None,
    variables: Mapping[str, object],
    trail: Trail,
    callers: Sequence[Spot] = (),
    session: Mapping[str, object] | None = None,
) -> Error:
    """The Error for an exception that left a statement.

    `span` is where in `place` it happened, `variables` are the names seen there, `callers` the program's frames around
    it, `session` the session's variables (`variables` themselves by default). `trail` finds the earlier commands that led
    to it. An exception that user code cannot cause is "internal".
    """
    error = Error(_sentence(exc), type_name=type(exc).__name__, filename=place.filename)
    error.trace = "".join(traceback.format_exception(exc))
    node = _locate(error, place, span)
    error.calls = [_call(spot) for spot in callers]
    kind = getattr(exc, "kind", None)
    if _is_lang_error(exc):
        error.kind = str(kind)
        error.message = _first_line(str(exc.message))  # type: ignore[attr-defined]
        error.hints = [Hint(str(hint)) for hint in exc.hints if str(hint) not in error.message]  # type: ignore[attr-defined]
    elif _is_engine_error(exc):
        scene = Scene(exc, node, variables, variables if session is None else session, trail)
        _settle(scene, error, place)
        _explain(error, scene)
    elif isinstance(exc, KeyboardInterrupt):
        error.kind, error.message = "interrupt", "interrupted"
    elif isinstance(exc, RecursionError):
        error.message = "recursion is too deep"
    elif isinstance(exc, MemoryError):
        error.message = "out of memory" + (f": {error.message}" if error.message else "")
    elif isinstance(exc, ValueError) and error.message.endswith("is read-only"):
        error.message = (
            "this memory can only be read: it is a read-only array's, or that of a file too large to be changed; .clone() gives a copy"
        )
    elif _is_internal(exc) and (misused := misuse(exc, error.message)) is not None:
        error.message = misused
    elif _is_internal(exc):
        error.trace = places_of(exc)
        error.kind, error.message = "internal", f"internal error: {type(exc).__name__}: {error.message}"
    elif isinstance(exc, AssertionError):
        error.message = "assertion failed" + (f": {error.message}" if error.message else "")
        if error.marks:
            error.marks = [Mark(error.marks[0].start, error.marks[-1].end, "^")]
            error.column = error.marks[0].start
    else:
        error.message = f"{type(exc).__name__}: {error.message}" if error.message else type(exc).__name__
        if not isinstance(exc, (TypeError, AttributeError)):
            return error
        scene = Scene(exc, node, variables, variables if session is None else session, trail)
        _settle(scene, error, place)
        slip = python_slip(scene)
        if slip is not None:
            error.torch, error.message, error.hints = error.message, slip.text, slip.hints
    return error


def places_of(exc: BaseException) -> str:
    """The traceback of a bug as it may be passed on: places and kinds of exceptions, none of their texts, which hold values."""
    parts: list[str] = []
    seen: BaseException | None = exc
    while seen is not None and len(parts) < MAX_DEPTH:
        parts.append("".join([*traceback.format_tb(seen.__traceback__), type(seen).__name__]))
        seen = seen.__cause__ or seen.__context__
    return "\n\nafter\n\n".join(parts) + "\n"


def _sentence(exc: BaseException) -> str:
    """The first line of an exception's text, in Python's and torch's names for the things it names."""
    try:
        text = _first_line(str(exc))
    except ValueError as failure:  # an integer in it that Python will not print
        return _first_line(str(failure)).partition(";")[0]
    if _is_engine_error(exc):
        return text
    return _TORCH_CLASS.sub(r"'torch.\1' object", _OUR_MODULE.sub("", text))


_OUR_MODULE = re.compile(r"\btcalc\.(?:[\w<>]+\.)+(?=\w+\(\))")
_TORCH_CLASS = re.compile(r"'(Size|dtype|device|Generator|finfo|iinfo)' object")


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0].strip()


def _locate(error: Error, place: Place, span: Span | None) -> ast.expr | None:
    """Fill in the place of `error`; the expression written there, when it is one."""
    if span is None:
        return None
    lines = [place.line(number) for number in range(span.line, min(span.end_line, span.line + MAX_LINES) + 1)]
    index, error.marks, node = marks_of(lines, span.col, span.end_col)
    error.line, error.column, error.text = span.line + index, span.col, lines[index]
    if not error.text:
        error.marks = []
        return None
    error.column = next((mark.start for mark in error.marks if mark.char == "^"), span.col)
    return node


def _call(spot: Spot) -> Call:
    line = spot.span.line
    place = Place(spot.filename, spot.source.text, spot.source.first)
    return Call(spot.filename, line, place.line(line).strip())


def _settle(scene: Scene, error: Error, place: Place) -> None:
    """Find the command whose text holds the failed expression, and the place in it."""
    if error.line is None:
        return
    scene.owner = owner = scene.trail.holding(place.filename, place.text, error.line)
    if owner is None:
        return
    scene.line = error.line - owner.line + 1
    before = error.text.find(owner.source.split("\n", 1)[0]) if scene.line == 1 else 0
    scene.column = None if error.column is None else error.column - max(before, 0)


def _explain(error: Error, scene: Scene) -> None:
    """Say an engine error in terms of the user's names; torch's sentence stays, last."""
    exc = scene.exc
    story = story_of(scene)
    if story is None:
        story = slip_of(scene)
    found = None if story is not None else sentence_for(exc.op, exc.operands, str(exc), scene.node, scene.variables)
    if story is not None:
        error.message, error.related, error.hints = story.text, story.related, story.hints
        error.operands = story.operands
        if story.placed:
            error.marks = []
    elif found is not None:
        error.message, error.operands, error.aligned = found.text, found.operands, found.aligned
        error.hints = shape_hints(scene)
    elif "\n" not in str(exc).strip():
        return
    error.torch = str(exc).strip()


def _is_lang_error(exc: BaseException) -> bool:
    module = sys.modules.get("tcalc.lang.errors")
    return module is not None and isinstance(exc, module.LangError)


def _is_engine_error(exc: BaseException) -> bool:
    module = sys.modules.get("tcalc.engine.errors")
    return module is not None and isinstance(exc, module.EngineError)


def _is_internal(exc: BaseException) -> bool:
    """Whether it came out of tcalc's own engine or session code by no rule of theirs.

    The last frame of user code or of the language decides: what was raised below it was raised by the engine. Errors
    of plain Python values there (a size that does not exist, a number out of range) are still the user's.
    """
    internal = True
    engine: FrameType | None = None
    for frame, _ in traceback.walk_tb(exc.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("tcalc.engine"):
            internal, engine = True, frame if not internal or engine is not None else None
        elif module.startswith("tcalc.lang") or frame.f_code.co_filename.startswith("<"):
            internal, engine = False, None
    if engine is not None and isinstance(exc, TypeError) and engine.f_code.co_name == "__call__":
        return False  # a module or a transform hands on what it was called with
    if engine is not None and isinstance(exc, PLAIN_ERRORS):
        return not all(_is_plain(value) for value in engine.f_locals.values())
    return internal


def _is_plain(value: object, depth: int = 0) -> bool:
    """Whether a value is made of Python's own numbers, texts and containers; a torch.Size is a tuple."""
    if isinstance(value, (tuple, list)):
        return depth < MAX_DEPTH and all(_is_plain(each, depth + 1) for each in value)
    if isinstance(value, (dict, set)):
        return depth < MAX_DEPTH and all(_is_plain(each, depth + 1) for each in (value.values() if isinstance(value, dict) else value))
    if callable(value) or type(value).__module__.startswith("tcalc.lang"):
        return True  # a function, a namespace, an iterator where something else was wanted
    return value is None or isinstance(value, (bool, int, float, complex, str, slice, range))
