"""torch.cuda: which devices there are, which is current, their memory, events and streams; over CuPy, or what stands in for it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, NamedTuple

from . import backend, cudaseeds
from .backend import cuda_count, current_cuda, gpu
from .errors import TensorError, TensorValueError


def is_available() -> bool:
    """Whether a GPU can be used.

    See: cuda.device_count, device, Tensor.cuda

    >>> cuda.is_available() == (cuda.device_count() > 0)
    True
    """
    return backend.cuda_problem() is None


def is_initialized() -> bool:
    """Whether cuda can be used: there is nothing to initialise.

    See: cuda.is_available

    >>> cuda.is_initialized() == cuda.is_available()
    True
    """
    return is_available()


def _index(where: Any) -> int:
    """The number of a device given as number, string, device or None (the current one).

    Raises RuntimeError when there is no such device, ValueError when it is not a cuda device.
    """
    if where is None:
        where = "cuda"
    d = backend.device(where)
    if d.type != "cuda":
        raise TensorValueError(f"Expected a cuda device, but got: {d}")
    return int(backend.resolve(d).index or 0)


def _on(where: Any) -> Any:
    """CuPy, from now on working on a device."""
    return backend.xp_of(backend.device("cuda", _index(where)))


def current_device() -> int:
    """The number of the device that "cuda" means.

    Raises RuntimeError when there is none.

    See: cuda.set_device, cuda.device

    >>> cuda.current_device() if cuda.is_available() else 0
    0
    """
    return _index(None)


def set_device(device: Any) -> None:
    """Make a device the one that "cuda" means; a negative number changes nothing.

    Raises RuntimeError when there is no such device.

    See: cuda.current_device, cuda.device

    >>> if cuda.is_available(): cuda.set_device(0)
    """
    if not isinstance(device, int) or device >= 0:
        current_cuda.set(_index(device))


class CudaDevice:
    """`with cuda.device(1):` makes a device the one that "cuda" means inside the block; a negative number or None changes nothing.

    See: cuda.set_device, device

    >>> with cuda.device(-1): print(ones(2).device)
    cpu
    """

    def __init__(self, device: Any):
        self.idx = -1 if device is None or (isinstance(device, int) and device < 0) else _index(device)
        self._before: list[int] = []

    def __enter__(self) -> None:
        self._before.append(current_cuda.get())
        if self.idx >= 0:
            current_cuda.set(self.idx)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        current_cuda.set(self._before.pop())


CudaDevice.__name__ = CudaDevice.__qualname__ = "device"


class DeviceProperties(NamedTuple):
    """What a GPU is: its name, compute capability (`major`, `minor`), bytes of memory and number of multiprocessors."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int

    def __repr__(self) -> str:
        return (
            f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, total_memory={self.total_memory // 2**20}MB,"
            f" multi_processor_count={self.multi_processor_count})"
        )


def get_device_properties(device: Any = None) -> DeviceProperties:
    """Name, compute capability, memory and number of multiprocessors of a device.

    Raises RuntimeError when there is no such device.

    See: cuda.get_device_name, cuda.mem_get_info

    >>> cuda.get_device_properties(0).total_memory > 0 if cuda.is_available() else True
    True
    """
    index = _index(device)
    found = gpu().cuda.runtime.getDeviceProperties(index)
    name = found["name"]
    return DeviceProperties(
        name.decode() if isinstance(name, bytes) else str(name),
        int(found["major"]),
        int(found["minor"]),
        int(found["totalGlobalMem"]),
        int(found["multiProcessorCount"]),
    )


def get_device_name(device: Any = None) -> str:
    """The name of a device; that of a stand-in is "simulated".

    Raises RuntimeError when there is no such device.

    See: cuda.get_device_properties

    >>> isinstance(cuda.get_device_name() if cuda.is_available() else '', str)
    True
    """
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability of a device as (major, minor); (0, 0) of a stand-in.

    Raises RuntimeError when there is no such device.

    See: cuda.get_device_properties

    >>> len(cuda.get_device_capability()) if cuda.is_available() else 2
    2
    """
    found = get_device_properties(device)
    return found.major, found.minor


def synchronize(device: Any = None) -> None:
    """Wait until a GPU has done all its work.

    Raises RuntimeError when there is none.

    See: cuda.is_available, cuda.Event, Tensor.cuda

    >>> if cuda.is_available(): cuda.synchronize()
    """
    _on(device).cuda.runtime.deviceSynchronize()
    backend.settle()


# --- memory -----------------------------------------------------------------------------------------------------------


def memory_allocated(device: Any = None) -> int:
    """Bytes that tensors take on a device; 0 without one.

    See: cuda.max_memory_allocated, cuda.memory_reserved, cuda.mem_get_info

    >>> cuda.memory_allocated() >= 0
    True
    """
    return int(_on(device).get_default_memory_pool().used_bytes()) if is_available() else 0


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that tensors have taken on a device since the start, or since reset_peak_memory_stats; 0 without one.

    See: cuda.memory_allocated, cuda.reset_peak_memory_stats

    >>> cuda.max_memory_allocated() >= cuda.memory_allocated()
    True
    """
    return max(backend.peaks()[_index(device)], memory_allocated(device)) if is_available() else 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Begin anew to note the most bytes that tensors take on a device.

    Raises RuntimeError when there is none.

    See: cuda.max_memory_allocated

    >>> if cuda.is_available(): cuda.reset_peak_memory_stats()
    """
    backend.peaks()[_index(device)] = memory_allocated(device)


def memory_reserved(device: Any = None) -> int:
    """Bytes taken from a device, with what is kept for later tensors; 0 without one.

    See: cuda.memory_allocated, cuda.empty_cache

    >>> cuda.memory_reserved() >= cuda.memory_allocated()
    True
    """
    return int(_on(device).get_default_memory_pool().total_bytes()) if is_available() else 0


def empty_cache() -> None:
    """Give memory that is kept for later tensors back to the devices.

    See: cuda.memory_reserved

    >>> cuda.empty_cache()
    """
    for index in range(cuda_count()):
        _on(index).get_default_memory_pool().free_all_blocks()


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """(free, total) bytes of a device.

    Raises RuntimeError when there is none.

    See: cuda.memory_allocated

    >>> cuda.mem_get_info()[1] > 0 if cuda.is_available() else True
    True
    """
    free, total = _on(device).cuda.runtime.memGetInfo()
    return int(free), int(total)


# --- time -------------------------------------------------------------------------------------------------------------


class Stream:
    """A queue of work on a device; `with cuda.stream(s):` sends work there. On a stand-in all work is done at once.

    See: cuda.stream, cuda.current_stream, cuda.Event

    >>> if cuda.is_available(): cuda.Stream().synchronize()
    """

    def __init__(self, device: Any = None, priority: int = 0):
        self._begin(_on(device).cuda.Stream(non_blocking=True, priority=priority), device)

    def _begin(self, raw: Any, device: Any) -> None:
        self._raw, self.index = raw, _index(device)

    def synchronize(self) -> None:
        """Wait until all its work is done."""
        self._raw.synchronize()

    def query(self) -> bool:
        """Whether all its work is done."""
        return bool(self._raw.done)

    def record_event(self, event: Event | None = None) -> Event:
        """An event at this point of the stream."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Begin no more work before the event; one that was not recorded yet is not waited for."""
        if event._raw is not None:
            self._raw.wait_event(event._raw)

    def wait_stream(self, stream: Stream) -> None:
        """Begin no more work before the other stream has done what it has now."""
        self.wait_event(stream.record_event())


def current_stream(device: Any = None) -> Stream:
    """The stream that work goes to.

    Raises RuntimeError when there is no device.

    See: cuda.Stream, cuda.stream

    >>> if cuda.is_available(): cuda.current_stream().synchronize()
    """
    found: Stream = object.__new__(Stream)
    found._begin(_on(device).cuda.get_current_stream(), device)
    return found


class StreamContext:
    """`with cuda.stream(s):` sends work to a stream, and makes its device the one that "cuda" means; None changes nothing.

    See: cuda.Stream, cuda.current_stream

    >>> with cuda.stream(None): print(1)
    1
    """

    def __init__(self, stream: Stream | None):
        self._stream = stream
        self._device = CudaDevice(None if stream is None else stream.index)

    def __enter__(self) -> None:
        self._device.__enter__()
        if self._stream is not None:
            _on(self._stream.index)  # CuPy has a current stream for each device
            self._stream._raw.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream is not None:
            _on(self._stream.index)
            self._stream._raw.__exit__(kind, error, trace)
        self._device.__exit__(kind, error, trace)


StreamContext.__name__ = StreamContext.__qualname__ = "stream"


class Event:
    """A moment of a device's work: record it, wait for it, measure between two. On a stand-in it is the host's time.

    See: cuda.synchronize, cuda.Stream

    >>> if cuda.is_available(): event = cuda.Event(enable_timing=True)
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False):
        _index(None)
        self._timed = bool(enable_timing)
        self._options = {"block": bool(blocking), "disable_timing": not enable_timing, "interprocess": bool(interprocess)}
        self._raw: Any = None  # made when it is first recorded, on the device of that stream, as torch's are

    def record(self, stream: Stream | None = None) -> None:
        """Note the moment when the work given to a stream so far (the current one by default) is done."""
        cuda = _on(None if stream is None else stream.index).cuda
        if self._raw is None:
            self._raw = cuda.Event(**self._options)
        self._raw.record(cuda.get_current_stream() if stream is None else stream._raw)

    def recorded(self) -> Any:
        """The event of CuPy.

        Raises RuntimeError before `record`.
        """
        if self._raw is None:
            raise TensorError("Both events must be recorded before calculating elapsed time.", "Event")
        return self._raw

    def synchronize(self) -> None:
        """Wait for the moment."""
        if self._raw is not None:
            self._raw.synchronize()

    def query(self) -> bool:
        """Whether the moment has come."""
        return self._raw is None or bool(self._raw.done)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this moment to another.

        Raises ValueError for events that do not keep time, RuntimeError for one that was not recorded.
        """
        if not (self._timed and end_event._timed):
            raise TensorValueError("Both events must be created with argument 'enable_timing=True'.", "elapsed_time")
        return float(gpu().cuda.get_elapsed_time(self.recorded(), end_event.recorded()))


def names() -> dict[str, Any]:
    """The namespace torch.cuda."""
    functions = (
        is_available, is_initialized, current_device, set_device, get_device_properties, get_device_name, get_device_capability, synchronize,
        memory_allocated, max_memory_allocated, reset_peak_memory_stats, memory_reserved, empty_cache, mem_get_info, current_stream, Stream, Event,
    )  # fmt: skip
    found: dict[str, Any] = {function.__name__: function for function in functions}
    return found | cudaseeds.names() | {"device_count": cuda_count, "device": CudaDevice, "stream": StreamContext}


for _kind in (CudaDevice, StreamContext, Stream, Event, DeviceProperties):
    _kind.__module__ = "torch.cuda"  # what a user sees when one is printed


def attributes() -> dict[type, frozenset[str]]:
    """Attributes that a program may read, by the exact type of the value."""
    return {
        DeviceProperties: frozenset(DeviceProperties._fields),
        Stream: frozenset(("synchronize", "query", "record_event", "wait_event", "wait_stream")),
        Event: frozenset(("record", "synchronize", "query", "elapsed_time")),
        CudaDevice: frozenset(("idx",)),
        StreamContext: frozenset(),
    }
