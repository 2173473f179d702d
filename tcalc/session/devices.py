"""The devices of this machine: which there are, how much memory they have, and why others cannot be used."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..budget import machine_memory


@dataclass(frozen=True, slots=True)
class Device:
    """One device. `free` and `total` are bytes, None when the system does not say."""

    name: str
    about: str
    free: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Devices:
    """All devices, the default one's name, and why there is no cuda device (None when there is one)."""

    found: list[Device]
    default: str
    problem: str | None


def devices() -> Devices:
    """What can be used here. Loads the engine, and CuPy where it is installed."""
    from ..engine import backend, cuda
    from ..engine.families.creation import current_device

    found = [Device("cpu", f"{os.cpu_count() or 1} cores", _free(), machine_memory())]
    problem = backend.cuda_problem()
    for index in range(backend.cuda_count()):
        where = backend.device("cuda", index)
        free, total = cuda.mem_get_info(where)
        about = "the CPU stands in for it" if backend.simulated() else cuda.get_device_name(where)
        found.append(Device(backend.label(where), about, free, total))
    found.append(Device("meta", "shapes only, no memory"))
    return Devices(found, backend.label(current_device()), problem)


def _free() -> int | None:
    """Bytes of main memory that are free now."""
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" not in names:
        return None
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
