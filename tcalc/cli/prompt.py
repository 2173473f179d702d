"""The line editor of the prompt: keys, history, paste, toolbar; prompt_toolkit lives here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig
from prompt_toolkit.enums import DEFAULT_BUFFER, EditingMode
from prompt_toolkit.filters import Condition, emacs_insert_mode, has_focus, is_searching, vi_insert_mode, vi_mode
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.styles import Style

from ..lang.parse import is_complete
from .completer import TabCompleter, tab
from .history import history_path, open_history
from .lexer import EntryLexer, MatchingBrackets
from .toolbar import fitted, signature_parts, status_text

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from .repl import Repl
    from .settings import Settings

TOOLBAR_ROWS = 12
INDENT = "    "
MENU_ROWS = 4
_MENU = ("completion-menu", "completion-menu.completion", "completion-menu.meta.completion", "scrollbar.background", "scrollbar.button")
_CHOSEN = ("completion-menu.completion.current", "completion-menu.meta.completion.current")
COLOURLESS = dict.fromkeys((*_MENU, *_CHOSEN, "bottom-toolbar", "bottom-toolbar current"), "noinherit")
COLOURED = {
    **COLOURLESS,
    **dict.fromkeys((*_CHOSEN, "scrollbar.button", "bottom-toolbar"), "noinherit reverse"),
    "completion-menu.meta.completion": "noinherit dim",
    "bottom-toolbar current": "bold underline",
}


class PromptReader:
    """Reads entries with prompt_toolkit."""

    def __init__(self, settings: Settings, repl: Repl, source: Input | None = None, screen: Output | None = None) -> None:
        self._repl = repl
        path = None if settings.no_history else history_path(os.environ)
        self.prompt: PromptSession[str] = PromptSession(
            history=open_history(path, _warn, settings.history_size),
            multiline=True,
            key_bindings=_bindings(has_menu=lambda: self.prompt.complete_style is CompleteStyle.COLUMN),
            enable_history_search=True,
            completer=TabCompleter(repl.session),
            complete_while_typing=False,
            enable_suspend=True,
            reserve_space_for_menu=MENU_ROWS,
            prompt_continuation=_continuation,
            include_default_pygments_style=False,
            input=source,
            output=screen,
        )
        self._settings = settings
        self._adopt(settings)

    def _adopt(self, settings: Settings) -> None:
        """Let the line editor be as the settings say; `:set` may have changed them since the last entry."""
        prompt, screen = self.prompt, self._repl.view.screen
        colour = screen.colour
        self.toolbar = settings.toolbar and not screen.plain
        prompt.editing_mode = EditingMode.VI if settings.vi else EditingMode.EMACS
        prompt.cursor = ModalCursorShapeConfig() if settings.vi else None
        prompt.auto_suggest = AutoSuggestFromHistory() if settings.suggest else None
        prompt.complete_style = CompleteStyle.READLINE_LIKE if screen.plain else CompleteStyle.COLUMN
        prompt.lexer = EntryLexer() if colour else None
        prompt.input_processors = [MatchingBrackets()] if colour else None
        prompt.color_depth = ColorDepth.DEPTH_4_BIT if colour else ColorDepth.DEPTH_1_BIT
        prompt.style = Style.from_dict(COLOURED if colour else COLOURLESS)

    def __call__(self) -> str:
        """One entry as typed or pasted.

        Raises KeyboardInterrupt on Ctrl-C, EOFError on Ctrl-D.
        """
        if self._repl.settings is not self._settings:
            self._settings = self._repl.settings
            self._adopt(self._settings)
        rows = self.prompt.output.get_size().rows
        # set anew each time: the toolbar gives way when the window has become too low for it
        self.prompt.bottom_toolbar = self._status if self.toolbar and rows >= TOOLBAR_ROWS else None
        return self.prompt.prompt(f"{self._repl.session.number}> ")

    def _status(self) -> FormattedText:
        mode = ""
        if vi_mode():
            mode = "vi insert  " if vi_insert_mode() else "vi command  "
        app, session = get_app(), self._repl.session
        status = f" {mode}{status_text(session, self._repl.elapsed)}"
        document = app.current_buffer.document
        parts = [] if app.is_done else signature_parts(session, document.text, document.cursor_position)
        if not self._repl.view.screen.colour:
            parts = [(f"<{text}>" if marked else text, marked) for text, marked in parts]
        columns = app.output.get_size().columns - 1
        return FormattedText([("class:current" if marked else "", text) for text, marked in fitted(status, parts, columns)])


def _warn(message: str) -> None:
    print(f"tcalc: warning: {message}", file=sys.stderr)


def _continuation(width: int, line_number: int, wrap_count: int) -> str:
    return ("" if wrap_count else ".. ").rjust(width)


def _bindings(has_menu: Callable[[], bool]) -> KeyBindings:
    """Enter runs what is complete, Alt-Enter never does; Tab indents at the start of a line and offers names elsewhere."""
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

    @keys.add("tab", filter=editing & (vi_insert_mode | emacs_insert_mode) & ~Condition(_at_line_start) & Condition(has_menu))
    def _(event: KeyPressEvent) -> None:
        tab(event.current_buffer)

    return keys


def _at_line_start() -> bool:
    return not get_app().current_buffer.document.current_line_before_cursor.strip()
