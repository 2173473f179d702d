"""The stand-in's devices: which is current, how much memory is taken on each, how often the host waited; CuPy's names for all of it."""

from __future__ import annotations

import threading
from collections import Counter
from time import perf_counter
from types import SimpleNamespace
from typing import Any

from ...budget import machine_memory
from ..backend import np

BLOCK = 512  # bytes in which CuPy's pool, and torch's, hand out memory


class State:
    """What is simulated: how many devices, their memory, and the `syncs`, the places where the host waited for a device."""

    def __init__(self) -> None:
        self.count = 0
        self.used: Counter[int] = Counter()
        self.peak: Counter[int] = Counter()
        self.syncs: Counter[str] = Counter()
        self.local = threading.local()
        self.linalg = "ignore"  # what happens with matrices that an algorithm cannot do, as cupyx.seterr says

    @property
    def current(self) -> int:
        """The device that work goes to, one for each thread as in CUDA."""
        return getattr(self.local, "device", 0)

    def waited(self, why: str) -> None:
        """Count one wait of the host for the device."""
        self.syncs[why] += 1


STATE = State()


class CUDARuntimeError(RuntimeError):
    """What CuPy raises for a call that CUDA refuses."""


class Memory:
    """One block on a device. `bytes` is the host memory that stands in for it."""

    __slots__ = ("_used", "bytes", "device_id", "size", "start")

    def __init__(self, values: Any, device_id: int):
        self.bytes, self.device_id = values, device_id
        self._used = STATE.used  # which at the end of Python goes before the last blocks do
        self.start = int(values.ctypes.data)
        self.size = -(-values.size // BLOCK) * BLOCK
        STATE.used[device_id] += self.size
        STATE.peak[device_id] = max(STATE.peak[device_id], STATE.used[device_id])

    def __del__(self) -> None:
        self._used[self.device_id] -= self.size


class MemoryPointer:
    """A place in a block, as `array.data` gives it."""

    __slots__ = ("mem", "ptr")

    def __init__(self, mem: Memory, offset: int):
        self.mem, self.ptr = mem, mem.start + offset

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self.mem, self.ptr - self.mem.start + offset)

    @property
    def device_id(self) -> int:
        """The number of the device."""
        return self.mem.device_id


class Device:
    """A device by number; `with Device(1):` makes it current."""

    def __init__(self, device: int | None = None):
        self.id = STATE.current if device is None else int(device)
        self._before: list[int] = []

    def use(self) -> None:
        """Make it the current device."""
        set_device(self.id)

    def __enter__(self) -> Device:
        self._before.append(STATE.current)
        self.use()
        return self

    def __exit__(self, *error: object) -> None:
        set_device(self._before.pop())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"

    def synchronize(self) -> None:
        """Nothing to wait for: work is done when its call returns."""
        STATE.waited("synchronize")

    @property
    def mem_info(self) -> tuple[int, int]:
        """(free, total) bytes; the machine's memory stands for each device's."""
        total = machine_memory()
        return total - STATE.used[self.id], total

    @property
    def compute_capability(self) -> str:
        """None that a GPU has."""
        return "00"


def set_device(device: int) -> None:
    """Make a device current for this thread.

    Raises CUDARuntimeError for one that is not simulated.
    """
    if not 0 <= device < STATE.count:
        raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
    STATE.local.device = device


def _properties(device: int) -> dict[str, Any]:
    return {
        "name": b"simulated",
        "totalGlobalMem": machine_memory(),
        "major": 0,
        "minor": 0,
        "multiProcessorCount": 1,
        "warpSize": 32,
        "maxThreadsPerMultiProcessor": 1,
        "l2CacheSize": 0,
    }


class Pool:
    """CuPy's memory pool of the current device."""

    def used_bytes(self) -> int:
        """Bytes in use."""
        return STATE.used[STATE.current]

    def total_bytes(self) -> int:
        """Bytes taken from the device: the stand-in keeps none for later."""
        return STATE.used[STATE.current]

    def free_all_blocks(self) -> None:
        """Give back what is kept for later: nothing."""

    def malloc(self, size: int) -> MemoryPointer:
        """A fresh block on the current device."""
        return MemoryPointer(Memory(np.empty(size, np.uint8), STATE.current), 0)


class Event:
    """A moment in a stream; the stand-in's streams are the host's own time."""

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False):
        self.at: float | None = None

    def record(self, stream: Any = None) -> None:
        """Note the time."""
        self.at = perf_counter()

    def synchronize(self) -> None:
        """Nothing to wait for."""
        STATE.waited("synchronize")

    @property
    def done(self) -> bool:
        """Always: work is done when its call returns."""
        return True


def get_elapsed_time(start: Event, end: Event) -> float:
    """Milliseconds between two recorded events.

    Raises CUDARuntimeError for one that was not recorded.
    """
    if start.at is None or end.at is None:
        raise CUDARuntimeError("cudaErrorInvalidResourceHandle: invalid resource handle")
    return (end.at - start.at) * 1e3


class Stream:
    """A queue of work; the stand-in does all work at once, so that streams differ in nothing."""

    def __init__(self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: int | None = None):
        self.ptr = 0 if null else id(self)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *error: object) -> None:
        """The stream before comes back."""

    def synchronize(self) -> None:
        """Nothing to wait for."""
        STATE.waited("synchronize")

    def record(self, event: Event | None = None) -> Event:
        """An event of now."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Nothing to wait for."""

    @property
    def done(self) -> bool:
        """Always."""
        return True


Stream.null = Stream(null=True)  # type: ignore[attr-defined]  # CuPy's own spelling
POOL = Pool()
runtime = SimpleNamespace(
    getDeviceCount=lambda: STATE.count,
    getDevice=lambda: STATE.current,
    setDevice=set_device,
    getDeviceProperties=_properties,
    memGetInfo=lambda: Device().mem_info,
    deviceSynchronize=lambda: STATE.waited("synchronize"),
    driverGetVersion=lambda: 0,
    runtimeGetVersion=lambda: 0,
    CUDARuntimeError=CUDARuntimeError,
)
cuda = SimpleNamespace(
    runtime=runtime,
    Device=Device,
    Stream=Stream,
    Event=Event,
    Memory=Memory,
    MemoryPointer=MemoryPointer,
    get_elapsed_time=get_elapsed_time,
    get_device_id=lambda: STATE.current,
    get_current_stream=lambda: Stream.null,  # type: ignore[attr-defined]  # as above
    is_available=lambda: STATE.count > 0,
)
