"""What `:set` and the config file can change: names, values, and how values are written."""

from __future__ import annotations

import re
from typing import NamedTuple

from .names import COLOUR_WHEN, PANELS

Value = bool | int | str | tuple[str, ...] | None

_IDENT = re.compile(r"[a-z][a-z0-9-]*")
_SWITCH = {"on": True, "off": False, "true": True, "false": False, "yes": True, "no": False}
UNSET = "auto"  # how a count or switch that is left to tcalc is written


class Preference(NamedTuple):
    """One setting: a switch, a word out of `choices`, a whole number from `least` to `most`, or a list of words.

    `optional` allows `auto`, which stands for None.
    """

    name: str
    kind: str
    summary: str
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 0
    optional: bool = False

    @property
    def takes(self) -> str:
        """What values it has, in words."""
        words = {
            "switch": "on or off",
            "word": " or ".join(self.choices),
            "count": f"a number from {self.least} to {self.most}",
            "list": "words, or nothing",
        }[self.kind]
        return f"{words}, or {UNSET}" if self.optional else words


PREFERENCES = (
    Preference("panel", "word", "the block after a command", PANELS),
    Preference("notes", "switch", "remarks on what is no error"),
    Preference("mute", "list", "notes that are not shown, by their ids"),
    Preference("toolbar", "switch", "the status line under the prompt"),
    Preference("suggest", "switch", "offer the rest of a line from the history"),
    Preference("vi", "switch", "vi keys"),
    Preference("color", "word", "when to use colour", COLOUR_WHEN),
    Preference("ascii", "switch", "ASCII characters only"),
    Preference("plain", "switch", "labelled lines for screen readers"),
    Preference("width", "count", "line width of printed tensors", least=20, most=10_000, optional=True),
    Preference("precision", "count", "digits after the point", least=0, most=17, optional=True),
    Preference("threshold", "count", "elements before a tensor is summarised", least=0, most=10**9, optional=True),
    Preference("edgeitems", "count", "elements at each end of a summary", least=1, most=100, optional=True),
    Preference("sci_mode", "switch", "scientific notation", optional=True),
    Preference("history_size", "count", "lines kept in the history file", least=0, most=10_000_000),
)
BY_NAME = {preference.name: preference for preference in PREFERENCES}


def find(name: str) -> Preference:
    """The preference of this name.

    Raises ValueError with a suggestion.
    """
    if name in BY_NAME:
        return BY_NAME[name]
    from difflib import get_close_matches

    close = get_close_matches(name, BY_NAME, n=1, cutoff=0.6)
    raise ValueError(f"no setting {name!r}." + (f" Did you mean {close[0]}?" if close else f" There are {', '.join(BY_NAME)}."))


def from_words(preference: Preference, words: list[str]) -> Value:
    """The value that a user typed.

    Raises ValueError with what the preference takes.
    """
    if preference.kind == "list":
        return checked(preference, [] if words in (["none"], ["off"]) else [part for word in words for part in word.split(",") if part])
    if len(words) != 1:
        raise ValueError(f"{preference.name} takes {preference.takes}")
    (word,) = words
    if preference.kind == "switch" and word in _SWITCH:
        return _SWITCH[word]
    if preference.kind == "count" and re.fullmatch(r"\d{1,10}", word):
        return checked(preference, int(word))
    return checked(preference, word)


def checked(preference: Preference, value: object) -> Value:
    """A value as a config file gives it.

    Raises ValueError with what the preference takes.
    """
    if preference.optional and value == UNSET:
        return None
    if preference.kind == "switch" and isinstance(value, bool):
        return value
    if preference.kind == "word" and isinstance(value, str) and value in preference.choices:
        return value
    if preference.kind == "count" and type(value) is int and preference.least <= value <= preference.most:
        return value
    if preference.kind == "list" and isinstance(value, list) and all(isinstance(each, str) and _IDENT.fullmatch(each) for each in value):
        return tuple(value)
    raise ValueError(f"{preference.name} takes {preference.takes}")


def words_for(value: Value) -> str:
    """A value as `:set` shows it and takes it."""
    if value is None:
        return UNSET
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return " ".join(value) or "none"
    return str(value)


def toml_for(value: Value) -> str:
    """A value as the config file has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{word}"' for word in value) + "]"
    return f'"{words_for(value)}"'
