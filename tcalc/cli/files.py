"""Files that commands of the prompt write: all of the new content appears at once, or the old file stays as it was."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def write_file(name: str, content: str | bytes) -> None:
    """Write `content` to a file through a temporary one beside it; text as UTF-8.

    An existing file keeps its mode, a link its target. What is no plain file (a terminal, a pipe) is written to directly.
    Raises OSError; nothing is left behind then.
    """
    data = content.encode() if isinstance(content, str) else content
    path = Path(os.path.realpath(Path(name).expanduser()))
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        path.write_bytes(data)
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_mask() if mode is None else stat.S_IMODE(mode))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _mask() -> int:
    """The permission bits that new files do not get; asking for them means setting them."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
