"""The only module that imports numpy, cupy and ml_dtypes: devices, allocation, lenses onto storage, transfer."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any, ClassVar

import numpy

from ..budget import fits, machine_memory
from . import dtypes
from .errors import DeviceError, OutOfMemory, TensorError, TensorTypeError

np = numpy
np.seterr(all="ignore")  # once: nan and inf are values here, and np.errstate costs more than a small op

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
        if colon and not number.isdecimal():
            raise TensorError(f"Invalid device string: '{type}'")
        if number:
            if index is not None:
                raise TensorError(f"type (string) must not include an index because index was passed explicitly: {type}")
            index = int(number)
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


@lru_cache(maxsize=1)
def cuda_problem() -> str | None:
    """What is missing for CUDA (package, driver or device) and what to do, or None when a GPU can be used."""
    try:
        cupy = importlib.import_module("cupy")
    except ImportError:
        return "cuda needs the package CuPy: pip install 'tcalc[cuda13]' (or 'tcalc[cuda12]' for an older driver)"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        if "Insufficient" in str(error) or "insufficient" in str(error):
            return f"cuda needs an NVIDIA driver, and none (or too old a one) answers: {error}"
        return f"cuda has no usable device: {error}"
    return None if count else "cuda has no usable device: the driver reports none"


def cuda_count() -> int:
    """Number of usable CUDA devices; 0 when package, driver or device is missing.

    See: cuda.is_available, device

    >>> cuda.device_count() >= 0
    True
    """
    return 0 if cuda_problem() else int(importlib.import_module("cupy").cuda.runtime.getDeviceCount())


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
            d = device("cuda", int(importlib.import_module("cupy").cuda.runtime.getDevice()))
        if d.index is not None and d.index >= cuda_count():
            raise DeviceError(f"cuda:{d.index} does not exist: this machine has {cuda_count()} cuda device(s)", device=str(d))
    elif d.type == "cpu" and d.index is not None:
        d = CPU
    return d


def xp_of(d: device) -> Any:
    """The array module that computes on a device: numpy, or cupy for cuda."""
    return importlib.import_module("cupy") if d.type == "cuda" else np


@lru_cache(maxsize=64)
def scipy_module(name: str, xp: Any) -> Any:
    """scipy.NAME for numpy arrays, cupyx.scipy.NAME for cupy's; imported when first asked for."""
    return importlib.import_module(f"scipy.{name}" if xp is np else f"cupyx.scipy.{name}")


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
    cupy = importlib.import_module("cupy")
    return cupy.ndarray(shape, d, memptr=raw.data + byte_offset, strides=byte_strides)


def bytes_of(array: Array) -> Array:
    """The bytes from the array's first element to the end of its last, shared; its strides must not be negative."""
    if array.flags.c_contiguous:
        return array.reshape(-1).view(np.uint8)
    module = np if isinstance(array, ndarray) else importlib.import_module("cupy")
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


def to_host(array: Array) -> Any:
    """The array on the host: itself on CPU, a copy from the GPU."""
    return array if isinstance(array, (ndarray, np.generic)) else array.get()


def transfer(array: Array, where: device) -> Array:
    """A row-major copy of the array on another device."""
    if where.type == "cuda":
        cupy = importlib.import_module("cupy")
        with cupy.cuda.Device(where.index):
            return cupy.array(array, order="C")
    return np.ascontiguousarray(to_host(array)).reshape(array.shape)


def in_bytes(geometry: tuple[tuple[int, ...], tuple[int, ...], int], item: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """(shape, strides, offset) in elements as `window` wants them; an empty view starts at 0, where there is memory."""
    shape, strides, offset = geometry
    return tuple(shape), tuple(s * item for s in strides), offset * item if 0 not in shape else 0


def window(array: Array, shape: tuple[int, ...], byte_strides: tuple[int, ...], byte_offset: int) -> Array:
    """A view of a row-major array by geometry in bytes, for derivative formulas on raw arrays."""
    if array.__class__ is ndarray:
        return ndarray(shape, array.dtype, array, byte_offset, byte_strides)
    cupy = importlib.import_module("cupy")
    return cupy.ndarray(shape, array.dtype, memptr=array.data + byte_offset, strides=byte_strides)


def module_of(array: Array) -> Any:
    """The array module an array belongs to."""
    return np if isinstance(array, (ndarray, np.generic)) else importlib.import_module("cupy")


def copy_of(array: Array) -> Array:
    """A row-major copy on the same device."""
    return np.array(array, order="C") if isinstance(array, (ndarray, np.generic)) else array.copy(order="C")


def full(shape: tuple[int, ...], value: Any, d: np.dtype[Any], where: device) -> Array:
    """A row-major array of one value."""
    array = empty(shape, d, where)
    array.fill(value)
    return array
