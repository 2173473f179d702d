"""`:set`: shows settings with where they come from, changes them, and writes them to the config file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .commands import CommandError
from .config import ConfigError, user_config
from .config_edit import store
from .escape import safe_line
from .file_commands import words_of
from .layout import described
from .preferences import PREFERENCES, Preference, Value, find, from_words, words_for
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from .repl import Repl
    from .settings import Settings
    from .terminal import Screen

SAVE = "--save"
HERE = ":set"


def change(repl: Repl, argument: str) -> list[Line]:
    """`:set` lists, `:set NAME` shows one, `:set NAME VALUE [--save]` changes it."""
    words = words_of(argument)
    keep = SAVE in words
    words = [word for word in words if word != SAVE]
    if not words:
        if keep:
            raise CommandError(f":set {SAVE} needs NAME VALUE")
        return _table(repl.settings, repl.view.screen)
    name, *given = words
    try:
        preference = find(name)
        if not given and not keep:
            return [text(f"{name} is {_shown(repl.settings, preference)}; it takes {preference.takes}")]
        value = from_words(preference, given) if given else getattr(repl.settings, name)
    except ValueError as error:
        raise CommandError(safe_line(str(error))) from None
    repl.apply(repl.settings.changed(HERE, {name: value}))
    if keep:
        return [text(f"{name} is {words_for(value)}, saved in {_save(repl.settings, name, value)}")]
    return [text(f"{name} is {words_for(value)}")]


def _save(settings: Settings, name: str, value: Value) -> str:
    path = user_config(settings)
    if path is None:
        raise CommandError("there is no home folder to save it in; it holds until you leave")
    try:
        store(path, name, value)
    except ConfigError as error:
        raise CommandError(f"{error}; it holds until you leave") from None
    return safe_line(path)


def _shown(settings: Settings, preference: Preference) -> str:
    source = settings.sources.get(preference.name, "default")
    return f"{words_for(getattr(settings, preference.name))} ({source})"


def _table(settings: Settings, screen: Screen) -> list[Line]:
    rows = [
        (each.name, words_for(getattr(settings, each.name)), settings.sources.get(each.name, "default"), each.summary)
        for each in PREFERENCES
    ]
    if screen.plain:
        return [text(f"{name}: {value}, {source}, {summary}") for name, value, source, summary in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines: list[Line] = []
    for name, value, source, summary in rows:
        head = [
            Segment("word", name.ljust(widths[0])),
            Segment("text", f"  {value.ljust(widths[1])}  "),
            Segment("usual" if source == "default" else "unusual", source.ljust(widths[2])),
        ]
        lines += described(head, summary, screen.width, "usual")
    return lines
