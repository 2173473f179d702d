"""The history file: private, appended entry by entry, tolerant of damage, never a reason to fail."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

MAX_LINES = 10_000


def history_path(env: Mapping[str, str]) -> Path | None:
    """Where the history lives: TCALC_HISTORY (empty: nowhere), else the state folder of the platform."""
    if "TCALC_HISTORY" in env:
        return Path(env["TCALC_HISTORY"]).expanduser() if env["TCALC_HISTORY"] else None
    state = env.get("XDG_STATE_HOME")
    if state:
        return Path(state) / "tcalc" / "history"
    try:
        if sys.platform == "win32":
            return Path(env.get("LOCALAPPDATA") or Path.home()) / "tcalc" / "history"
        return Path.home() / ".local" / "state" / "tcalc" / "history"
    except RuntimeError:  # nobody's home
        return None


def open_history(path: Path | None, warn: Callable[[str], None], most: int = MAX_LINES) -> History:
    """The history kept at `path`, or only in memory when there is no path or it cannot be used (one warning).

    It is trimmed to its last `most` lines.
    """
    if path is None:
        return UnlessBlank()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "not a regular file")  # reading a device may never end
        os.close(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600))
        path.chmod(0o600)
        with alone(path):
            trim(path, most)
    except (OSError, RuntimeError) as error:
        warn(f"history is not kept: {path}: {getattr(error, 'strerror', None) or error}")
        return UnlessBlank()
    return PrivateHistory(path, warn)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other prompts from changing the history meanwhile: what one appends while another trims would be lost.

    The folder is locked, since trimming puts a new file in place. Where there are no such locks, nothing is locked.
    """
    if fcntl is None:
        yield
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network drives have no locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def trim(path: Path, most: int = MAX_LINES) -> None:
    """Drop the oldest entries when the file has more than `most` lines; the file is replaced whole or not at all."""
    lines = path.read_bytes().splitlines(keepends=True)
    if len(lines) <= most:
        return
    kept = lines[len(lines) - most :]
    start = next((index for index, line in enumerate(kept) if line.startswith(b"#")), 0)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".history-")
    with os.fdopen(handle, "wb") as file:
        file.writelines(kept[start:])
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


class UnlessBlank(InMemoryHistory):
    """History of this session only; entries that begin with a blank are not kept."""

    def append_string(self, string: str) -> None:
        """Remember an entry."""
        if not string.startswith(" "):
            super().append_string(string)


class PrivateHistory(FileHistory):
    """prompt_toolkit's history file; a write that fails warns once. Entries that begin with a blank are not kept."""

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        super().__init__(str(path))
        self._path = path
        self._warn: Callable[[str], None] | None = warn

    def append_string(self, string: str) -> None:
        """Remember an entry."""
        if not string.startswith(" "):
            super().append_string(string)

    def load_history_strings(self) -> Iterable[str]:
        """The stored entries, newest first; none when the file cannot be read."""
        try:
            return list(super().load_history_strings())
        except OSError as error:
            self._complain(error)
            return []

    def store_string(self, string: str) -> None:
        """Append one entry to the file."""
        try:
            with alone(self._path):
                super().store_string(string)
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if self._warn is not None:
            self._warn(f"history is not kept: {error.strerror or error}")
            self._warn = None
