"""The only module that imports numpy, cupy and ml_dtypes: devices, allocation, lenses onto storage, transfer."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import Any, ClassVar

import numpy

from ..budget import fits, machine_memory
from . import dtypes
from .errors import DeviceError, OutOfMemory, TensorError, TensorTypeError

np = numpy
np.seterr(all="ignore")  # once: nan and inf are values here, and np.errstate costs more than a small op


def _keep_memory() -> None:
    """Have the C library keep freed memory for the next arrays. By default glibc gives a megabyte back to the system when it is freed,
    and the next array pays for fresh pages: half of the time of a training step (docs/performance.md).

    Up to 256 MiB stay at the heap's end. Where the user has set malloc's variables, and with other C libraries, all stays as it is.
    """
    if sys.platform == "linux" and not any(name.startswith("MALLOC_") for name in os.environ):
        mallopt = getattr(importlib.import_module("ctypes").CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(-1, 1 << 28)  # M_TRIM_THRESHOLD
            mallopt(-4, 0)  # M_MMAP_MAX: arrays over M_MMAP_THRESHOLD, 32 MiB at most, would be mapped afresh each


_keep_memory()

Array = Any  # numpy.ndarray or cupy.ndarray
ndarray = np.ndarray
asarray = np.asarray
BYTE = np.dtype(np.uint8)
TENSOR_BYTES = 512  # what a tensor takes beside its elements, at least


class _Numpy(dict[dtypes.dtype, "np.dtype[Any]"]):
    """Our dtypes to the array library's; bfloat16 comes from ml_dtypes, which is imported when first asked for."""

    def __missing__(self, d: dtypes.dtype) -> np.dtype[Any]:
        found: np.dtype[Any] = np.dtype(importlib.import_module("ml_dtypes").bfloat16)
        self[d] = found
        return found


NUMPY = _Numpy({d: np.dtype(d.name) for d in dtypes.ALL if d is not dtypes.bfloat16})
TORCH = {n: d for d, n in NUMPY.items()}


def numpy_dtype(d: dtypes.dtype) -> np.dtype[Any]:
    """The array library's dtype for ours (bfloat16 comes from ml_dtypes)."""
    return NUMPY[d]


def dtype_of(array_dtype: Any) -> dtypes.dtype:
    """Our dtype for an array library's.

    Raises TypeError with torch's sentence for one that torch cannot hold.
    """
    given = np.dtype(array_dtype)
    if given in TORCH:
        return TORCH[given]
    if given.name == "bfloat16" and given == NUMPY[dtypes.bfloat16]:
        return dtypes.bfloat16
    raise TensorTypeError(
        f"can't convert np.ndarray of type numpy.{_scalar_name(array_dtype)}. The only supported types are: float64, float32, float16,"
        " complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
    )


def _scalar_name(array_dtype: Any) -> str:
    name = np.dtype(array_dtype).type.__name__
    return "object_" if name == "object" else name


class device:  # noqa: N801 - torch's own spelling
    """Where a tensor's memory is: `device("cpu")`, `device("cuda", 1)`, `device("cuda:1")`, `device("meta")`.

    See: set_default_device, Tensor.to, Tensor.device, cuda.is_available

    >>> device('cpu')
    device(type='cpu')
    >>> ones(2, device='meta').device
    device(type='meta')
    """

    __slots__ = ("index", "type")
    _known: ClassVar[dict[tuple[str, int | None], device]] = {}
    type: str
    index: int | None

    def __new__(cls, type: Any = "cpu", index: int | None = None) -> device:
        if isinstance(type, device):
            return type
        if isinstance(type, bool) or not isinstance(type, (str, int)):
            raise TensorTypeError(f"device(): argument 'type' (position 1) must be str, not {type.__class__.__name__}")
        if isinstance(type, int):
            type, index = "cuda", type
        kind, colon, number = type.partition(":")
        if kind not in ("cpu", "cuda", "meta"):
            raise TensorError(f"Expected one of cpu, cuda, meta device type at start of device string: {type}")
        if colon and not (number.isdecimal() and number == str(int(number))):
            raise TensorError(f"Invalid device string: '{type}'")
        if number:
            if index is not None:
                raise TensorError(f"type (string) must not include an index because index was passed explicitly: {type}")
            index = int(number)
        if index is not None and index < 0:
            raise TensorError("Device index must not be negative")
        key = kind, index
        found = cls._known.get(key)
        if found is None:
            found = object.__new__(cls)
            found.type, found.index = kind, index
            cls._known[key] = found
        return found

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}')" if self.index is None else f"device(type='{self.type}', index={self.index})"

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)


CPU = device("cpu")
META = device("meta")


stand_in: list[Any] = []  # the package of the simulated devices, while there are any: see simulate
current_cuda: ContextVar[int] = ContextVar("current_cuda", default=0)  # what "cuda" without a number means
_OR_SIMULATE = "; --simulate-cuda 2 has the CPU stand in for two"


def simulate(count: int) -> None:
    """Have the CPU stand in for `count` cuda devices from now on; 0 ends it.

    They compute what a GPU would, through CuPy's names, and are as strict as CuPy or stricter. Real devices are not used meanwhile.
    """
    package = importlib.import_module("tcalc.engine.simulated")
    package.simulate(count)
    stand_in[:] = [package] if count else []
    current_cuda.set(0)
    insisted.clear()
    if "tcalc.engine.generator" in sys.modules:
        sys.modules["tcalc.engine.generator"].forget_gpus()


def simulated() -> bool:
    """Whether cuda devices are stand-ins."""
    return bool(stand_in)


def gpu() -> Any:
    """The array module of cuda devices: cupy, or what stands in for it."""
    return stand_in[0].xp if stand_in else importlib.import_module("cupy")


def cuda_problem() -> str | None:
    """What is missing for CUDA (package, driver or device) and what to do, or None when there is a device."""
    return None if stand_in else _missing()


@lru_cache(maxsize=1)
def _missing() -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CuPy's own, when CUDA's libraries are not found: the sentence below says it
            runtime = importlib.import_module("cupy").cuda.runtime
    except ImportError:
        return f"cuda needs the package CuPy: pip install 'tcalc[cuda13]' (or 'tcalc[cuda12]' for an older driver){_OR_SIMULATE}"
    try:
        count = runtime.getDeviceCount()
    except runtime.CUDARuntimeError as error:
        if "nsufficient" in str(error):
            return f"cuda needs an NVIDIA driver, and none (or too old a one) answers: {error}{_OR_SIMULATE}"
        return f"cuda has no usable device: {error}{_OR_SIMULATE}"
    if not count:
        return f"cuda has no usable device: the driver reports none{_OR_SIMULATE}"
    _watch_memory()
    return None


_used: Counter[int] = Counter()
_peaks: Counter[int] = Counter()  # the most bytes that were in use, by device


def _watch_memory() -> None:
    """Note the most memory that CuPy hands out: its pool does not."""
    cuda = importlib.import_module("cupy").cuda

    class Watch(cuda.MemoryHook):  # type: ignore[misc,name-defined]  # a class of CuPy, which is there only now
        """Called by CuPy's pool with every block it hands out and takes back."""

        name = "tcalc"

        def malloc_postprocess(self, *, device_id: int, mem_size: int, mem_ptr: int, **rest: Any) -> None:
            if mem_ptr:  # 0 says that there was no memory
                _used[device_id] += mem_size
                _peaks[device_id] = max(_peaks[device_id], _used[device_id])

        def free_postprocess(self, *, device_id: int, mem_size: int, **rest: Any) -> None:
            _used[device_id] -= mem_size

    Watch().__enter__()


def peaks() -> Counter[int]:
    """The most bytes that were in use since they were last set, by device."""
    return stand_in[0].STATE.peak if stand_in else _peaks


def cuda_count() -> int:
    """Number of usable CUDA devices; 0 when package, driver or device is missing.

    See: cuda.is_available, device

    >>> cuda.device_count() >= 0
    True
    """
    return 0 if cuda_problem() else int(gpu().cuda.runtime.getDeviceCount())


def resolve(where: Any) -> device:
    """The concrete device of a new tensor: `cuda` means the current cuda device.

    Raises RuntimeError with one clear line when CUDA cannot be used.
    """
    if where is None:
        return CPU
    d = device(where)
    if d.type == "cuda":
        problem = cuda_problem()
        if problem:
            raise DeviceError(problem, device=str(d))
        if d.index is None:
            d = device("cuda", current_cuda.get())
        if d.index is not None and d.index >= cuda_count():
            raise DeviceError(f"cuda:{d.index} does not exist: this machine has {cuda_count()} cuda device(s)", device=str(d))
    elif d.type == "cpu" and d.index is not None:
        d = CPU
    return d


def label(d: device) -> str:
    """The device as tcalc's own displays name it: stand-ins are called so."""
    return f"{d} (simulated)" if stand_in and d.type == "cuda" else str(d)


def xp_of(d: device) -> Any:
    """The array module that computes on a device: numpy, or for cuda cupy, which from now on works on that device."""
    if d.type != "cuda":
        return np
    module = gpu()
    runtime = module.cuda.runtime
    if runtime.getDevice() != d.index:
        runtime.setDevice(d.index)
    return module


def on_device(array: Array) -> None:
    """Make the device of a raw array the one that kernels run on."""
    where = array.device
    if where.__class__ is not str and where.__class__ is not device:  # neither numpy's nor a Tensor's
        xp_of(device("cuda", int(where.id)))


def starting(kernel: Callable[..., Any], where: device) -> Callable[..., Any]:
    """A kernel that waits for its arrays; on cuda its device is made current each time."""
    if where.type == "cuda":
        return lambda *args, **kwargs: kernel(xp_of(where), *args, **kwargs)
    return partial(kernel, np)


@lru_cache(maxsize=64)
def scipy_module(name: str, xp: Any) -> Any:
    """scipy.NAME for numpy arrays, cupyx.scipy.NAME for cupy's; imported when first asked for."""
    if stand_in and xp is stand_in[0].xp:
        return stand_in[0].SCIPY[name]
    return importlib.import_module(f"scipy.{name}" if xp is np else f"cupyx.scipy.{name}")


def strict_linalg(xp: Any) -> Any:
    """The linear algebra of an array module, failing for matrices that it cannot do: CuPy leaves that out unless asked, since the host has
    to wait for the answer."""
    if xp is not np:
        (stand_in[0].cupyx if stand_in else importlib.import_module("cupyx")).seterr(linalg="raise")
    return xp.linalg


def no_memory(count: int, d: device) -> OutOfMemory:
    """torch's out-of-memory sentence for a device."""
    if d.type == "cpu":
        return OutOfMemory(
            f"[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate {count} bytes."
            " Error code 12 (Cannot allocate memory)",
            bytes=count,
        )
    return OutOfMemory(f"CUDA out of memory. Tried to allocate {count / 2**30:.2f} GiB.", bytes=count)


def check_fits(count: int, d: device) -> None:
    """Refuse a planned result that can never fit, before anything is allocated.

    Raises OutOfMemory with torch's sentence.
    """
    if count > TENSOR_BYTES and d.type == "cpu" and not fits(count):
        raise no_memory(count, d)


def check_handles(count: int) -> None:
    """Refuse to make so many tensors at once that they could not be held, however small or shared their elements are.

    Raises OutOfMemory with torch's sentence.
    """
    check_fits(count * TENSOR_BYTES, CPU)


def check_work(numel: int, op: str) -> None:
    """Refuse to read more elements than the machine has bytes: only an expanded view has so many, and no key would stop the loop.

    Raises RuntimeError.
    """
    if numel > 1 << 32 and numel > machine_memory():
        raise TensorError(f"{op}: the expanded input has {numel} elements, more than this machine could visit", op, numel=numel)


def empty(shape: tuple[int, ...], d: np.dtype[Any], where: device) -> Array:
    """A fresh row-major array whose values do not matter yet."""
    try:
        return xp_of(where).empty(shape, d)
    except (MemoryError, ValueError) as error:
        count = d.itemsize
        for size in shape:
            count *= size
        raise no_memory(count, where) from error


def lens(raw: Array, shape: tuple[int, ...], d: np.dtype[Any], byte_offset: int, byte_strides: tuple[int, ...]) -> Array:
    """An array onto raw bytes with any strides; the only constructor of views.

    Raises RuntimeError for a place outside the bytes, and for more elements than can be counted.
    """
    if raw.__class__ is ndarray:
        try:
            return ndarray(shape, d, raw, byte_offset if 0 not in shape else 0, byte_strides)
        except ValueError as error:  # every op checks in words of its own before; NumPy has the last word
            raise TensorError(f"a view of shape {list(shape)} is not possible on {raw.size} bytes: {error}") from None
    return raw.__class__(shape, d, memptr=raw.data + byte_offset, strides=byte_strides)


def bytes_of(array: Array) -> Array:
    """The bytes from the array's first element to the end of its last, shared; its strides must not be negative."""
    if array.flags.c_contiguous:
        return array.reshape(-1).view(np.uint8)
    module = module_of(array)
    item = array.itemsize
    slots = 1 + sum((size - 1) * stride // item for size, stride in zip(array.shape, array.strides, strict=True))
    return module.lib.stride_tricks.as_strided(array, (slots,), (item,)).view(np.uint8)


def owner_of(array: Array) -> Array:
    """The array whose memory this one looks at: itself when it is no view."""
    while isinstance(array.base, array.__class__):
        array = array.base
    return array


def address(array: Array) -> int:
    """Where the array's first element lies."""
    return int(array.ctypes.data if array.__class__ is ndarray else array.data.ptr)


insisted: list[tuple[Array, Callable[[], Exception]]] = []  # what is to be looked at when the host next waits for a GPU
MAX_BROKEN = 1024  # conditions that wait; then the host waits for them


def insist(broken: Array, error: Callable[[], Exception]) -> None:
    """Raise an error where a condition (one bool) holds: at once on the CPU. On cuda the host would have to wait for the answer, so it comes
    when the host next waits for the device anyway, as CUDA's own assertions do."""
    if not is_away(broken):
        if broken:
            raise error()
        return
    insisted.append((broken, error))
    if len(insisted) >= MAX_BROKEN:
        settle()


_INT64 = np.dtype(np.int64)


def all_within(places: Array, count: int) -> bool:
    """Whether these are NumPy's int64 numbers from 0 up to `count`; False where one look does not tell."""
    if places.__class__ is not ndarray or places.dtype is not _INT64 or not places.size:
        return False
    return bool(np.maximum.reduce(places.view(np.uint64), axis=None) < count)  # a negative one would be large


def within(places: Array, low: int, high: int, error: Callable[[int], Exception]) -> None:
    """Refuse a place below `low`, or at `high` or above, with `error(the place)`; on cuda when `insist` does."""
    if not places.size or (low <= 0 and all_within(places, high)):
        return
    if places.__class__ is ndarray:
        first, last = int(places.min()), int(places.max())
        if first < low or last >= high:
            raise error(first if first < low else last)
        return
    least, most = places.min(), places.max()
    insist((least < low) | (most >= high), lambda: error(int(least) if int(least) < low else int(most)))


def settle(raises: bool = True) -> None:
    """Look at all that was insisted on, or drop it; called wherever the host waits for a GPU.

    Raises the error of the first condition that holds.
    """
    waiting = insisted[:] if raises else []
    insisted.clear()
    for broken, error in waiting:
        on_device(broken)
        if broken:
            raise error()


def is_away(value: Any) -> bool:
    """Whether a value is an array of a GPU."""
    return not isinstance(value, (ndarray, np.generic)) and hasattr(value, "dtype") and hasattr(value, "get")


def device_of(array: Array) -> device:
    """The device an array is on."""
    return CPU if isinstance(array, (ndarray, np.generic)) else device("cuda", int(array.device.id))


def to_host(array: Array) -> Any:
    """The array on the host: itself on CPU, a copy from the GPU."""
    if isinstance(array, (ndarray, np.generic)):
        return array
    if insisted:
        settle()
    return array.get()


def transfer(array: Array, where: device) -> Array:
    """A row-major copy of the array on another device."""
    if where.type == "cuda":
        xp = xp_of(where)
        return xp.array(array, order="C") if isinstance(array, (ndarray, np.generic)) else array.copy()
    return np.ascontiguousarray(to_host(array)).reshape(array.shape)


def in_bytes(geometry: tuple[tuple[int, ...], tuple[int, ...], int], item: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """(shape, strides, offset) in elements as `window` wants them; an empty view starts at 0, where there is memory."""
    shape, strides, offset = geometry
    return tuple(shape), tuple(s * item for s in strides), offset * item if 0 not in shape else 0


def window(array: Array, shape: tuple[int, ...], byte_strides: tuple[int, ...], byte_offset: int) -> Array:
    """A view of a row-major array by geometry in bytes, for derivative formulas on raw arrays."""
    if array.__class__ is ndarray:
        return ndarray(shape, array.dtype, array, byte_offset, byte_strides)
    return array.__class__(shape, array.dtype, memptr=array.data + byte_offset, strides=byte_strides)


def module_of(array: Array) -> Any:
    """The array module an array belongs to; cupy from now on works on the array's device."""
    if isinstance(array, (ndarray, np.generic)):
        return np
    on_device(array)
    return gpu()


def nccl() -> Any:
    """CuPy's class for exchanging arrays between the GPUs of several processes."""
    return importlib.import_module("cupyx.distributed").NCCLBackend


def copy_of(array: Array) -> Array:
    """A row-major copy on the same device."""
    if array.__class__ is ndarray and array.size >= 1 << 18 and array.strides[-1] >= 1 << 11 and array.strides[-1] == max(array.strides):
        return _turned(array)
    if isinstance(array, (ndarray, np.generic)):
        return np.array(array, order="C")
    on_device(array)
    return array.copy(order="C")


def _turned(array: Array) -> Array:
    """A row-major copy of a large array whose last dim lies far apart: tile by tile, so that each cache line is fetched once."""
    near = min((d for d in range(array.ndim) if array.shape[d] > 1), key=lambda d: array.strides[d])
    if near == array.ndim - 1 or array.shape[near] < 32:  # no other dim lies nearer, or it is too short to be worth it
        return np.array(array, order="C")
    fresh = np.empty(array.shape, array.dtype)
    wide, narrow = 256, max(64 // array.itemsize, 1)
    for at in range(0, array.shape[near], wide):
        rows = (slice(None),) * near + (slice(at, at + wide),)
        source, target = array[rows], fresh[rows]
        for to in range(0, array.shape[-1], narrow):
            target[..., to : to + narrow] = source[..., to : to + narrow]
    return fresh


def full(shape: tuple[int, ...], value: Any, d: np.dtype[Any], where: device) -> Array:
    """A row-major array of one value."""
    array = empty(shape, d, where)
    array.fill(value)
    return array
