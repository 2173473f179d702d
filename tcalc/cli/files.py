"""Files that tcalc writes: all of the new content appears at once, or the old file stays as it was."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(name: str) -> Iterator[BinaryIO]:
    """A file to write the new content of `name` to: a temporary one beside it, which takes its place at the end.

    An existing file keeps its mode, a link its target. What is no plain file (a terminal, a pipe) is written to directly.
    Raises OSError, also for a file that nobody may write; nothing is left behind then.
    """
    path = Path(os.path.realpath(Path(name).expanduser()))
    mode = writable_mode(path)
    if mode is not None and not stat.S_ISREG(mode):
        with path.open("wb") as file:
            yield file
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_mask() if mode is None else stat.S_IMODE(mode))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_file(name: str, content: str | bytes) -> None:
    """Write `content` to a file, text as UTF-8. Raises OSError as `replacing` does."""
    with replacing(name) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def writable_mode(path: Path) -> int | None:
    """The mode of a file that may be written, None when there is none yet.

    Raises OSError for a directory, for a file that is read-only, and where no file can be.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not mode & 0o222 or not os.access(path, os.W_OK):  # a new file could take its place, but somebody has said no
        raise PermissionError(errno.EACCES, "the file is read-only", str(path))
    return mode


def _mask() -> int:
    """The permission bits that new files do not get; asking for them means setting them."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
