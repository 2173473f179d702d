"""One line of the config file changed; the others, comments among them, stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .config import ConfigError, parsed
from .escape import safe_line
from .files import write_file
from .preferences import UNSET, Value, toml_for

_TABLE = re.compile(r"[ \t]*\[")


def store(path: str, name: str, value: Value) -> None:
    """Set one key in a config file. A new file is the user's alone.

    Raises ConfigError; the file is unchanged then.
    """
    file = Path(path)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not file.exists()
        write_file(path, changed("" if is_new else file.read_text(encoding="utf-8"), name, value))
        if is_new:
            file.chmod(0o600)
    except OSError as error:
        raise ConfigError(f"{safe_line(path)}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{safe_line(path)}: {safe_line(str(error))}") from None


def changed(text: str, name: str, value: Value) -> str:
    """The text of a config file with one key set: in its old place, else before the first table.

    Raises ValueError for a text that is no TOML.
    """
    wanted = {**parsed(text.encode()), name: list(value) if isinstance(value, tuple) else UNSET if value is None else value}
    lines = text.splitlines(keepends=True)
    head = next((index for index, line in enumerate(lines) if _TABLE.match(line) and _reads("".join(lines[:index]))), len(lines))
    setting = re.compile(rf"""[ \t]*["']?{re.escape(name)}["']?[ \t]*=""")
    new = f"{name} = {toml_for(value)}"
    for start in (index for index in range(head) if setting.match(lines[index])):
        for end in range(start + 1, head + 1):  # a list may go on for several lines
            comment = _comment_of(lines[start]) if end == start + 1 else ""
            candidate = "".join([*lines[:start], new + comment + "\n", *lines[end:]])
            if _reads(candidate, wanted):
                return candidate
    before = "".join(lines[:head])
    gap = "" if not before or before.endswith("\n") else "\n"
    return before + gap + new + "\n" + "".join(lines[head:])


def _reads(text: str, wanted: Mapping[str, object] | None = None) -> bool:
    """Whether a text is TOML, and says what is wanted."""
    try:
        found = parsed(text.encode())
    except ValueError:
        return False
    return wanted is None or found == wanted


def _comment_of(line: str) -> str:
    """The comment behind a setting, with the blanks before it."""
    for match in re.finditer(r"[ \t]*#", line):
        if _reads(line[: match.start()]):
            return line[match.start() :].rstrip("\r\n")
    return ""
