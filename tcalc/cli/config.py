"""The config file: where it is, and what it sets. Only the standard library's TOML reader is loaded, when there is a file."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .escape import safe_line
from .preferences import Value, checked, find

if TYPE_CHECKING:
    from .settings import Settings

_PLACE = re.compile(r" \(at line (\d+), column \d+\)\Z")


class ConfigError(Exception):
    """A config file that cannot be read or written; the text is one line that names it."""


def config_path(env: Mapping[str, str]) -> str | None:
    """Where the config file is by default; None where there is no home."""
    base = env.get("XDG_CONFIG_HOME") or (env.get("APPDATA") if sys.platform == "win32" else None)
    if not base:
        home = env.get("HOME") or os.path.expanduser("~")
        if not os.path.isabs(home):
            return None
        base = home if sys.platform == "win32" else os.path.join(home, ".config")
    return os.path.join(base, "tcalc", "config.toml")


def user_config(settings: Settings, env: Mapping[str, str] = os.environ) -> str | None:
    """The file that is read, and that `:set --save` changes."""
    return os.path.expanduser(settings.config) if settings.config is not None else config_path(env)


def with_config(settings: Settings, warn: Callable[[str], None], env: Mapping[str, str] = os.environ) -> Settings:
    """The settings with what the config file says where neither an option nor a variable of the environment did.

    A file that is not there counts as empty. What is wrong in one is told to `warn`, a line each, and left out. Raises
    ConfigError when a file was asked for by name and cannot be read.
    """
    path = user_config(settings, env)
    if path is None:
        return settings
    label = safe_line(path)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        message = f"{label}: {error.strerror}"
        if settings.config is not None:
            raise ConfigError(message) from None
        if not isinstance(error, FileNotFoundError):
            warn(message)
        return settings
    try:
        found = parsed(data)
    except ValueError as error:
        warn(f"{label}: {error}")
        return settings
    values = _values(found, lambda message: warn(f"{label}: {message}"))
    new = {name: value for name, value in values.items() if name not in settings.sources}
    return settings.changed(os.path.basename(path), new)


def parsed(data: bytes) -> dict[str, Any]:
    """The keys of a config file.

    Raises ValueError with the number of the wrong line first.
    """
    import tomllib

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"line {data[: error.start].count(10) + 1}: not UTF-8 text") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        line = int(place[1]) if place else max(len(text.splitlines()), 1)
        reason = message[: place.start()] if place else message.replace(" (at end of document)", ", but the file ends")
        raise ValueError(f"line {line}: {safe_line(reason)}") from None
    except RecursionError:
        raise ValueError("line 1: nested too deeply") from None


def _values(found: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Value]:
    """Those keys that exist and whose values are right."""
    values: dict[str, Value] = {}
    for name, value in found.items():
        try:
            values[name] = checked(find(name), value)
        except ValueError as error:
            warn(safe_line(str(error)))
    return values
