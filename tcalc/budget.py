"""How much memory programs may take: asked by every plan before it allocates, set by --max-memory. Needs no library."""

from __future__ import annotations

import os
import sys
from functools import lru_cache

UNASKED = 1 << 30  # bytes that fit without asking the machine
RESERVE = 1 << 24  # bytes kept back, so that "out of memory" can be said when there is no more

_set: list[int] = []
_reserve: list[bytes] = []


@lru_cache(maxsize=1)
def machine_memory() -> int:
    """Bytes of the machine's memory, or of its control group's when that is less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else sys.maxsize
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                text = file.read().strip()
            if text.isdecimal():
                total = min(total, int(text))
    return total


def limit_memory(count: int | None) -> None:
    """Refuse results of more than `count` bytes from now on; None: of more than three quarters of the machine's memory."""
    _set[:] = [] if count is None else [count]


def memory_limit() -> int:
    """Bytes that one result may take."""
    return _set[0] if _set else machine_memory() // 4 * 3


def fits(count: int) -> bool:
    """Whether a result of `count` bytes may be made."""
    return count <= (_set[0] if _set else UNASKED) or count <= memory_limit()


def keep_reserve() -> None:
    """Put some memory aside, as long as there is some; pages that nobody touches cost nothing."""
    if not _reserve:
        _reserve.append(bytes(RESERVE))


def spend_reserve() -> None:
    """Give that memory back: something has to be said although there is none left."""
    _reserve.clear()
