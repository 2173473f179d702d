"""Where results and errors go when tcalc is not interactive: written and flushed at once, failures told apart."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from io import TextIOWrapper
from typing import TextIO


class OutputClosed(BaseException):
    """Nobody reads stdout any more; like Ctrl-C, no `try` of a program may catch it."""


class OutputFailed(BaseException):
    """stdout cannot take more (a full disk); like Ctrl-C, no `try` of a program may catch it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutputRefused(BaseException):
    """The format has no way to write a result; like Ctrl-C, no `try` of a program may catch it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def prepare_streams(*, ascii_only: bool, quiet_pipe: bool) -> None:
    """Make every character printable, as an escape where the encoding (or `ascii_only`) does not have it.

    With `quiet_pipe` a closed pipe ends the process silently, as it ends other programs.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="ascii" if ascii_only else None, errors="backslashreplace")
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL if quiet_pipe else signal.SIG_IGN)


def write(pieces: Iterable[str], stream: TextIO | None = None) -> None:
    """Write pieces to stdout and flush.

    Raises OutputClosed or OutputFailed.
    """
    target = stream if stream is not None else sys.stdout
    if target is None:
        return
    try:
        for piece in pieces:
            target.write(piece)
        target.flush()
    except BrokenPipeError:
        raise OutputClosed from None
    except OSError as error:
        raise OutputFailed(error.strerror or str(error)) from None


def guarded(run: Callable[[], int]) -> int:
    """`run()`, with trouble of stdout turned into an exit status: 0 when nobody reads on, 1 when it cannot be written."""
    try:
        return run()
    except OutputClosed:
        _abandon_stdout()
        return 0
    except OutputFailed as failure:
        _abandon_stdout()
        print(f"tcalc: cannot write the output: {failure.reason}", file=sys.stderr)
        return 1


def _abandon_stdout() -> None:
    """Point stdout at nothing, so that the flush at exit does not fail once more."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
