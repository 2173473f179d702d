"""The line editor of the prompt: keys, history, paste, toolbar; prompt_toolkit lives here."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig
from prompt_toolkit.enums import DEFAULT_BUFFER, EditingMode
from prompt_toolkit.filters import Condition, has_focus, is_searching, vi_insert_mode, vi_mode
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from ..lang.parse import is_complete
from .history import history_path, open_history
from .toolbar import status_text

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from .options import Settings
    from .repl import Repl

TOOLBAR_ROWS = 12
INDENT = "    "


class PromptReader:
    """Reads entries with prompt_toolkit."""

    def __init__(
        self, settings: Settings, repl: Repl, source: Input | None = None, screen: Output | None = None
    ) -> None:
        self._repl = repl
        self._toolbar = not repl.view.screen.plain
        path = None if settings.no_history else history_path(os.environ)
        colour = repl.view.screen.colour
        self.prompt: PromptSession[str] = PromptSession(
            history=open_history(path, _warn),
            multiline=True,
            key_bindings=_bindings(),
            editing_mode=EditingMode.VI if settings.vi else EditingMode.EMACS,
            cursor=ModalCursorShapeConfig() if settings.vi else None,
            enable_history_search=True,
            complete_while_typing=False,
            enable_suspend=True,
            reserve_space_for_menu=0,
            prompt_continuation=_continuation,
            include_default_pygments_style=False,
            color_depth=ColorDepth.DEPTH_4_BIT if colour else ColorDepth.DEPTH_1_BIT,
            style=Style.from_dict({"bottom-toolbar": "noreverse" if not colour else "reverse"}),
            input=source,
            output=screen,
        )

    def __call__(self) -> str:
        """One entry as typed or pasted.

        Raises KeyboardInterrupt on Ctrl-C, EOFError on Ctrl-D.
        """
        rows = self.prompt.output.get_size().rows
        # set anew each time: the toolbar gives way when the window has become too low for it
        self.prompt.bottom_toolbar = self._status if self._toolbar and rows >= TOOLBAR_ROWS else None
        return self.prompt.prompt(f"{self._repl.session.number}> ")

    def _status(self) -> FormattedText:
        mode = ""
        if vi_mode():
            mode = "vi insert  " if vi_insert_mode() else "vi command  "
        columns = get_app().output.get_size().columns
        return FormattedText([("", f" {mode}{status_text(self._repl.session, self._repl.elapsed)}"[: columns - 1])])


def _warn(message: str) -> None:
    print(f"tcalc: warning: {message}", file=sys.stderr)


def _continuation(width: int, line_number: int, wrap_count: int) -> str:
    return ("" if wrap_count else ".. ").rjust(width)


def _bindings() -> KeyBindings:
    """Enter runs what is complete, Alt-Enter never does; Tab indents."""
    keys = KeyBindings()
    editing = has_focus(DEFAULT_BUFFER) & ~is_searching

    @keys.add("enter", filter=editing)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        word = buffer.text.strip()
        if not word or word.startswith(":") or is_complete(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    @keys.add("escape", "enter", filter=editing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("tab", filter=editing & Condition(_at_line_start))
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(INDENT)

    return keys


def _at_line_start() -> bool:
    return not get_app().current_buffer.document.current_line_before_cursor.strip()
