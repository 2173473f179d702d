"""The memory and the time that a run may take: what --max-memory and --max-seconds put in force."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from ..budget import limit_memory, memory_limit

if TYPE_CHECKING:
    from types import FrameType

    from .settings import Settings

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_LIBRARIES = 2**30  # what the interpreter and the array libraries map for themselves, results apart
_THREAD = 2**26  # stack and buffers of one thread of the math library
_GRACE = 5.0  # seconds that one kernel may go on after the time is up
TIMED_OUT = 1


class TimeUp(BaseException):
    """--max-seconds are over; like Ctrl-C, no `try` of a program may catch it."""


def size_of(text: str) -> int | None:
    """The bytes that a size like 500M, 2G or 1.5GiB stands for (powers of 1024); None for other text."""
    match = _SIZE.fullmatch(text.strip())
    return int(float(match[1]) * _UNITS[match[2].lower()]) if match else None


def bound_memory(settings: Settings) -> None:
    """Refuse results larger than the limit, and let the system refuse more than the limit and the libraries' own share in all."""
    limit_memory(settings.max_memory)
    try:
        from resource import RLIM_INFINITY, RLIMIT_DATA, getrlimit, setrlimit
    except ImportError:  # Windows has no such limits
        return
    soft, hard = getrlimit(RLIMIT_DATA)
    count = memory_limit() + _LIBRARIES + _THREAD * (os.cpu_count() or 1)
    if soft == RLIM_INFINITY or count < soft:
        setrlimit(RLIMIT_DATA, (count if hard == RLIM_INFINITY else min(count, hard), hard))


@contextmanager
def bounded_time(seconds: float | None) -> Iterator[None]:
    """Raise TimeUp in the block when it has taken so long, and once more each second, since a `finally` of the program runs on.

    A kernel that does not return in good time ends the process. Where there are no alarms (Windows), it is the only end.
    """
    if seconds is None:
        yield
        return
    from threading import Timer

    last = Timer(seconds + _GRACE, _end, (seconds,))
    last.daemon = True
    last.start()
    alarm = hasattr(signal, "setitimer")
    if alarm:
        signal.signal(signal.SIGALRM, _time_up)
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        if alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
        last.cancel()


def _time_up(number: int, frame: FrameType | None) -> NoReturn:
    raise TimeUp


def _end(seconds: float) -> NoReturn:
    print(out_of_time(seconds), file=sys.stderr, flush=True)
    os._exit(TIMED_OUT)


def out_of_time(seconds: float) -> str:
    """The line that says that the time is up."""
    return f"tcalc: stopped after {seconds:g} seconds (--max-seconds)"
