"""What a running script shows: results in one of the formats, and errors as one line with carets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..session.record import Printed
from .escape import safe, safe_line
from .formats import FormatTrouble, text_of
from .output import OutputRefused, write
from .terminal import Screen, screen_for

if TYPE_CHECKING:
    from ..session.errors import Error
    from ..session.record import Item, Note, Record
    from .settings import Settings
    from .sources import Lines


class View:
    """Plain text for pipes and files: no facts, no colour, each item written and flushed at once.

    `screen` is stdout, `errors` is stderr. `at_prompt` says that commands have numbers the user sees. `heading` is the
    command that runs now, as the user sees it. Notes are not shown without `notes`, nor those whose ids are `muted`.
    """

    observes = False

    def __init__(self, format_name: str, screen: Screen, errors: Screen, *, at_prompt: bool, debug: bool) -> None:
        self.format, self.screen, self.errors = format_name, screen, errors
        self.at_prompt, self.debug = at_prompt, debug
        self.heading = ""
        self.notes, self.muted = True, frozenset[str]()
        self._locators: dict[str, Callable[[int], tuple[str, int]]] = {}

    def add_source(self, source: Lines) -> None:
        """Make the lines of `source` known by their names."""
        self._locators[source.name] = source.locate

    def show(self, item: Item) -> None:
        """Write one result or piece of printed text."""
        if isinstance(item, Printed):
            self._write((item.text,))
        elif self.format != "none":
            try:
                self._write(text_of(item.name, item.value, self.format))
            except FormatTrouble as trouble:
                raise OutputRefused(f"{self.format}: {trouble}") from None

    def close(self) -> None:
        """The run is over. Raises OutputRefused where the format needs more than came."""

    def refuse(self, reason: str, filename: str, line: int) -> None:
        """Say on stderr, with the place, why a result could not be written."""
        where = "".join(f"{part}:" for part in self._locate(filename, line))
        print(f"tcalc: {safe_line(where)} {safe_line(reason)}", file=sys.stderr)

    def finish(self, record: Record) -> None:
        """The command is over; its notes go to stderr, as torch's warnings do."""
        notes = self.heard(record)
        if notes:
            from .paint import paint
            from .render_error import warning

            where = "" if self.at_prompt else ":".join(map(str, self._locate(record.filename, record.line)))
            paint([warning(note, where) for note in notes], self.errors, sys.stderr)

    def heard(self, record: Record) -> list[Note]:
        """The notes of a command that are shown."""
        return [note for note in record.notes if self.notes and note.ident not in self.muted]

    def fail(self, error: Error) -> None:
        """Report an error on stderr; a bug of tcalc leaves its trace in a file."""
        from .paint import paint
        from .render_error import prompt_error, script_error

        if error.kind == "internal":
            from ..session.hints import Hint

            error.hints.append(Hint(f"this is a bug of tcalc, its trace is in {save_trace(error.trace)}"))
        elif "DefaultCPUAllocator" in error.message or error.type_name == "MemoryError":
            from ..budget import memory_limit
            from ..session.hints import Hint

            error.hints.append(Hint(f"programs may take {memory_limit()} bytes here; --max-memory SIZE sets that"))
        if self.at_prompt:
            lines = prompt_error(error, self.errors.width, self.debug)
        else:
            lines = script_error(error, self._locate, self.debug)
        if error.kind == "interrupt" and self.errors.tty:
            lines.insert(0, [])  # the terminal has just echoed ^C
        paint(lines, self.errors, sys.stderr)

    def _locate(self, filename: str, line: int) -> tuple[str, int]:
        locator = self._locators.get(filename)
        return locator(line) if locator is not None else (filename, line)

    def _write(self, pieces: Iterable[str]) -> None:
        """Hand text to stdout: as it is in a pipe, without control characters on a terminal."""
        write(map(safe, pieces) if self.screen.tty else pieces)


def save_trace(trace: str) -> str:
    """Write a traceback to a temporary file; its path, or why there is none."""
    import tempfile

    try:
        with tempfile.NamedTemporaryFile("w", prefix="tcalc-", suffix=".trace", delete=False, encoding="utf-8") as file:
            file.write(trace)
            return file.name
    except OSError as failure:
        return f"no file ({failure.strerror}); --debug shows it"


def view_for(settings: Settings, *, at_prompt: bool = False) -> View:
    """The View that the options and stdout ask for."""
    colour, ascii_only, plain = settings.color, settings.ascii, settings.plain
    errors = screen_for(sys.stderr, colour=colour, ascii_only=ascii_only, plain=plain)
    screen = screen_for(sys.stdout, colour=colour, ascii_only=ascii_only, plain=plain, width=settings.width)
    name = settings.format
    if not at_prompt and (settings.output or settings.test) and "format" not in settings.sources:
        name = "none"  # the value goes to the file, or is the exit status
    if name == "auto":
        name = "panel" if screen.tty else "list"
    if name == "panel":
        from .panel_view import PanelView

        view: View = PanelView(screen, errors, settings.panel, at_prompt=at_prompt, debug=settings.debug)
    elif name == "npy":
        from .npy_view import NpyView

        view = NpyView(screen, errors, at_prompt=at_prompt, debug=settings.debug)
    else:
        view = View(name, screen, errors, at_prompt=at_prompt, debug=settings.debug)
    view.notes, view.muted = settings.notes, frozenset(settings.mute)
    return view
