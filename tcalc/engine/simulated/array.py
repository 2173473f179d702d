"""The stand-in's array: memory on a simulated device that the host cannot look into, with the methods of cupy.ndarray."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ..backend import np
from .devices import STATE, Device, Memory, MemoryPointer
from .names import METHODS

HOST = np.ndarray
NO_PEER = (
    "The device where the array resides ({}) is different from the current device ({}). Peer access is unavailable between these devices."
)
SCATTERED = {
    "add": frozenset("int32 uint32 uint64 float16 float32 float64".split()),
    "maximum": frozenset("int32 uint32 uint64 float32 float64".split()),
    "minimum": frozenset("int32 uint32 uint64 float32 float64".split()),
}  # what CUDA's atomic operations take
VIEWS = frozenset("reshape ravel transpose swapaxes squeeze diagonal".split())
_chance = np.random.Generator(np.random.PCG64(0))


class Flags(NamedTuple):
    """How an array lies."""

    c_contiguous: bool
    f_contiguous: bool
    owndata: bool


class ndarray:  # noqa: N801 - CuPy's own spelling
    """An array on a simulated device, as cupy.ndarray makes it: `ndarray(shape, dtype, memptr, strides)`.

    Nothing of it can be read but by `get`, `item`, `tolist` and the conversions to Python's numbers, which are counted.
    """

    __slots__ = ("__weakref__", "_memory", "_values", "base")
    __array_priority__ = 100
    __array_ufunc__ = None  # numpy's operators leave theirs to this class
    __hash__ = None  # type: ignore[assignment]  # == compares elements
    base: ndarray | None
    _values: np.ndarray[tuple[int, ...], np.dtype[Any]]
    _memory: Memory

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: MemoryPointer | None = None, strides: Sequence[int] | None = None, order: str = "C"
    ):
        self.base = None
        if memptr is None:
            fresh = np.empty(shape, dtype, order=order)  # type: ignore[call-overload]  # "C" or "F"
            self._values, self._memory = fresh, Memory(_bytes(fresh), STATE.current)
            return
        self._memory = memptr.mem
        kind, size = np.dtype(dtype), memptr.mem.bytes.size
        empty = not size or shape == 0 or (isinstance(shape, (tuple, list)) and 0 in shape)
        offset = 0 if empty else memptr.ptr - memptr.mem.start
        self._values = np.ndarray(shape, kind, memptr.mem.bytes, offset, strides)

    # --- leaving the device ---------------------------------------------------------------------------------------

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> Any:
        """A copy on the host."""
        if out is not None:
            raise NotImplementedError("get(out=)")
        STATE.waited("get")
        return np.array(self._values, order=order)  # type: ignore[call-overload]  # "C" or "F"

    def item(self) -> Any:
        """The one element as a Python number."""
        STATE.waited("item")
        return self._values.item()

    def tolist(self) -> Any:
        """The elements as nested lists."""
        STATE.waited("tolist")
        return self._values.tolist()

    def tobytes(self, order: str = "C") -> bytes:
        """The elements' bytes."""
        STATE.waited("tobytes")
        return self._values.tobytes(order)  # type: ignore[arg-type]  # "C" or "F"

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly.")

    def __bool__(self) -> bool:
        STATE.waited("bool")
        return bool(self._values)

    def __int__(self) -> int:
        STATE.waited("int")
        return int(self._values)

    def __float__(self) -> float:
        STATE.waited("float")
        return float(self._values)

    def __complex__(self) -> complex:
        STATE.waited("complex")
        return complex(self._values)

    def __repr__(self) -> str:
        STATE.waited("repr")
        return repr(self._values)

    def set(self, arr: Any, stream: Any = None) -> None:
        """Write an array of the host.

        Raises TypeError for one of another dtype, ValueError for another shape.
        """
        if not isinstance(arr, HOST):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if self.dtype != arr.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if self.shape != arr.shape:
            raise ValueError("Shape mismatch.")
        self._values[...] = arr

    # --- what it is -----------------------------------------------------------------------------------------------

    @property
    def device(self) -> Device:
        """The device it is on."""
        return Device(self._memory.device_id)

    @property
    def data(self) -> MemoryPointer:
        """Where its first element is."""
        return MemoryPointer(self._memory, self._values.ctypes.data - self._memory.start if self._values.size else 0)

    @property
    def flags(self) -> Flags:
        """How it lies."""
        found = self._values.flags
        return Flags(found.c_contiguous, found.f_contiguous, self.base is None)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes."""
        return self._values.shape

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes between neighbours."""
        return self._values.strides

    @property
    def dtype(self) -> Any:
        """Element type."""
        return self._values.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._values.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._values.size

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self._values.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._values.nbytes

    @property
    def T(self) -> ndarray:  # noqa: N802 - CuPy's own spelling
        """All axes reversed, sharing memory."""
        return _shown(self._values.T, self)

    @property
    def mT(self) -> ndarray:  # noqa: N802 - CuPy's own spelling
        """The last two axes swapped, sharing memory."""
        return _shown(self._values.mT, self)

    @property
    def real(self) -> ndarray:
        """The real parts, sharing memory."""
        return self if self.dtype.kind != "c" else _shown(self._values.real, self)

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> ndarray:
        """The imaginary parts, sharing memory; zeros of a real array."""
        return wrapped(self._values.imag, [self])  # type: ignore[no-any-return]  # an array gives an array

    @imag.setter
    def imag(self, value: Any) -> None:
        self.imag[...] = value

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[ndarray]:
        return iter([self[i] for i in range(len(self))])

    # --- elements -------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> ndarray:
        found = places(self, key)
        if _picks(found):
            return wrapped(taken(self)[found], [self])  # type: ignore[no-any-return]  # an array gives an array
        whole = found if any(k is Ellipsis for k in found) else (*found, Ellipsis)  # with which numpy, too, shows single elements
        return _shown(self._values[whole], self)

    def __setitem__(self, key: Any, value: Any) -> None:
        target, given = taken(self), taken(value)
        found = places(self, key)
        if isinstance(given, HOST):
            refuse_race(value, target[found] if not _picks(found) else target)
        if not _picks(found) or not isinstance(given, HOST) or not given.ndim or _is_mask(found):
            target[found] = given
            return
        slots = np.arange(target.size).reshape(target.shape)[found]
        order = _chance.permutation(slots.size)  # where a place is named twice, CUDA says nothing of which value stays
        target.flat[slots.reshape(-1)[order]] = np.broadcast_to(given, slots.shape).reshape(-1)[order]

    def fill(self, value: Any) -> None:
        """Write one value everywhere."""
        taken(self).fill(taken(value))

    def astype(self, dtype: Any, order: str = "K", casting: Any = None, subok: Any = None, copy: bool = True) -> ndarray:
        """The values in another dtype; the array itself where nothing changes and `copy` is False."""
        if not copy and self.dtype == dtype:
            return self
        return wrapped(taken(self).astype(dtype, order), [], keep=order == "K")  # type: ignore[no-any-return]  # an array gives an array

    def copy(self, order: str = "C") -> ndarray:
        """A copy on the current device, wherever this one is."""
        return wrapped(np.array(self._values, order=order), [], keep=order == "K")  # type: ignore[call-overload,no-any-return]  # an order

    def view(self, dtype: Any = None) -> ndarray:
        """The same memory, read as another dtype."""
        return _shown(self._values.view(self.dtype if dtype is None else dtype), self)

    def scatter_add(self, slices: Any, value: Any) -> None:
        """Add values at places, each as often as it is named."""
        scatter("add", self, slices, value)

    def scatter_max(self, slices: Any, value: Any) -> None:
        """Keep the larger of what is there and each value."""
        scatter("maximum", self, slices, value)

    def scatter_min(self, slices: Any, value: Any) -> None:
        """Keep the smaller of what is there and each value."""
        scatter("minimum", self, slices, value)

    def nonzero(self) -> tuple[ndarray, ...]:
        """Where the elements are not 0; their number is asked of the device."""
        STATE.waited("nonzero")
        return wrapped(taken(self).nonzero(), [])  # type: ignore[no-any-return]  # a tuple of arrays

    def __deepcopy__(self, memo: dict[int, Any]) -> ndarray:
        with self.device:
            return self.copy()


def _bytes(values: Any) -> Any:
    """The memory of a fresh array, byte by byte."""
    return (values if values.flags.c_contiguous else values.T).reshape(-1).view(np.uint8)


def _shown(values: Any, source: ndarray) -> ndarray:
    """A view of an array's memory, writeable as CuPy's are."""
    t: ndarray = object.__new__(ndarray)
    memory = source._memory
    if values.size:
        values = np.ndarray(values.shape, values.dtype, memory.bytes, values.ctypes.data - memory.start, values.strides)
    t._values, t._memory, t.base = values, memory, source if source.base is None else source.base
    return t


def wrapped(found: Any, sources: Sequence[ndarray], keep: bool = False) -> Any:
    """What numpy gave as CuPy gives it: views on the sources' memory, all else row by row in fresh memory of the current device (in the
    order that it has if `keep`); no numpy scalars."""
    if isinstance(found, (tuple, list)):
        items = [wrapped(item, sources, keep) for item in found]
        return items if isinstance(found, list) else tuple(items)
    if isinstance(found, np.generic):
        found = np.asarray(found)
    if not isinstance(found, HOST):
        return found
    if found.size:
        at = found.ctypes.data
        for source in sources:
            if source._memory.start <= at < source._memory.start + source._memory.bytes.size:
                return _shown(found, source)
    if not found.flags.c_contiguous and not (keep and found.flags.f_contiguous):
        found = np.array(found, order="C")
    t: ndarray = object.__new__(ndarray)
    t._values, t._memory, t.base = found, Memory(_bytes(found), STATE.current), None
    return t


def taken(value: Any) -> Any:
    """An argument of a kernel as numpy wants it.

    Raises TypeError for an array of the host, ValueError for one of a device that is not current.
    """
    if value.__class__ is ndarray:
        where = value._memory.device_id
        if where != STATE.current:
            raise ValueError(NO_PEER.format(where, STATE.current))
        return value._values
    if isinstance(value, HOST):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, (tuple, list)):
        return type(value)([taken(item) for item in value])
    return value


def arrays_in(values: Any) -> list[ndarray]:
    """The arrays among arguments, and in lists among them."""
    found: list[ndarray] = []
    for value in values:
        if value.__class__ is ndarray:
            found.append(value)
        elif isinstance(value, (tuple, list)):
            found += arrays_in(value)
    return found


def places(array: ndarray, key: Any) -> Any:
    """An index as numpy wants it, ints of index arrays wrapped into the axis: CuPy does not check them.

    Raises ValueError for a mask beside other arrays, which CuPy does not take.
    """
    whole = key if isinstance(key, tuple) else (key,)
    given = [np.asarray(k) if isinstance(k, list) else k._values if k.__class__ is ndarray else k for k in whole]
    for k in whole:
        if k.__class__ is ndarray:
            taken(k)
    masks = [k for k in given if isinstance(k, HOST) and k.dtype == bool]
    if masks:
        STATE.waited("mask")
        if sum(isinstance(k, HOST) for k in given) > 1:
            raise ValueError("currently, CuPy only supports slices that consist of one boolean array.")
    axis, found = 0, []
    used = sum((k.ndim if isinstance(k, HOST) and k.dtype == bool else 1) for k in given if k is not None and k is not Ellipsis)
    for k in given:
        if k is Ellipsis:
            axis += array.ndim - used
        elif isinstance(k, HOST) and k.dtype == bool:
            axis += k.ndim
        elif k is not None:
            if isinstance(k, HOST) and array.shape[axis]:
                k = k.astype(np.int64) % array.shape[axis]
            axis += 1
        found.append(k)
    return tuple(found)


def _picks(found: tuple[Any, ...]) -> bool:
    """Whether an index names elements one by one."""
    return any(isinstance(k, HOST) for k in found)


def _is_mask(found: tuple[Any, ...]) -> bool:
    return any(isinstance(k, HOST) and k.dtype == bool for k in found)


def scatter(name: str, array: ndarray, key: Any, value: Any) -> None:
    """`ufunc.at`, for the dtypes that CUDA has atomic operations for.

    Raises TypeError for others.
    """
    if array.dtype.name not in SCATTERED[name]:
        raise TypeError(f"scatter_{name} only supports {', '.join(sorted(SCATTERED[name]))} as data type, not {array.dtype.name}")
    given = taken(value)
    getattr(np, name).at(taken(array), places(array, key), given.astype(array.dtype, copy=False) if isinstance(given, HOST) else given)


def refuse_race(source: Any, target: Any) -> None:
    """Refuse to write memory that is read in the same kernel at other places: CUDA gives no order.

    Raises ValueError.
    """
    values = source._values if source.__class__ is ndarray else source
    if not isinstance(values, HOST) or not np.may_share_memory(values, target):
        return
    same = values.ctypes.data == target.ctypes.data and values.strides == target.strides and values.shape == target.shape
    if not same and np.shares_memory(values, target):
        raise ValueError("a kernel reads memory that it writes at other places")


def method(name: str) -> Callable[..., Any]:
    """A method that numpy's array has under the same name, with the parameters that CuPy's has."""
    known = METHODS[name].split()

    def call(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        unknown = set(kwargs) - set(known)
        if unknown or (len(args) > len(known) and not any(word.startswith("*") for word in known)):
            raise TypeError(f"ndarray.{name}() takes {known}, got {len(args)} arguments and {sorted(kwargs)}")
        out = kwargs.pop("out", None)
        found = getattr(self._values, name)(*taken(args), **{key: taken(value) for key, value in kwargs.items()})
        if isinstance(found, HOST) and (np.may_share_memory(found, self._values) or (not found.size and name in VIEWS)):
            return _shown(found, self)  # which needs no kernel, and so no device
        taken(self)
        if out is None:
            return wrapped(found, [self, *arrays_in(args)])
        out[...] = wrapped(found, [])
        return out

    call.__name__ = name
    return call


for _name in (
    "all any argmax argmin argpartition argsort clip compress conj conjugate cumprod cumsum diagonal dot flatten max mean min partition prod put ravel repeat"
    " reshape round searchsorted sort squeeze std sum swapaxes take trace transpose var"
).split():
    setattr(ndarray, _name, method(_name))
