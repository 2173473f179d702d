"""Other dtypes and devices: to, type, half ... long, cpu, cuda, and the casts that derivative formulas need."""

from __future__ import annotations

from .. import backend, dtypes
from ..backend import META, resolve
from ..dtypes import dtype
from ..errors import TensorTypeError
from ..families.structural import composite, structural
from ..layout import is_channels_last
from ..signature import MemoryFormat, channels_last, contiguous_format
from ..spec import spec_of
from ..tensor import Tensor
from .shape import format_strides


def _plan_to_copy(self, d, where, memory_format):
    return spec_of(d or self.dtype, where or self.device, self.shape, format_strides(self, memory_format))


@structural(
    plan=_plan_to_copy,
    self=lambda grad, self_spec, F: F.to_copy(grad, self_spec.dtype, self_spec.device, None),
    function=False,
    method=False,
    out=False,
    mixed=True,
)
def to_copy(xp, self, d: Any, where: Any, memory_format: Any):
    """A copy in another dtype or on another device."""
    array = self
    if where is not None and (backend.module_of(array) is not xp or where.type == "cuda"):
        array = backend.transfer(array, where)
    if array.dtype.kind == "c" and d is not None and d.category < dtypes.COMPLEX and d is not dtypes.bool_:
        array = array.real  # as torch casts: the imaginary part is dropped
    return array if d is None else array.astype(backend.NUMPY[d])


@composite(function=False, method=False)
def cast(F, self, d: Any):
    """The values in another dtype."""
    return F.to_copy(self, d, None, None)


@composite(function=False, method=False)
def move(F, self, where: Any):
    """The values on another device."""
    return F.to_copy(self, None, where, None)


def converted(t: Tensor, d: dtype | None, where: backend.device | None, copy: bool = False, memory_format: MemoryFormat | None = None) -> Tensor:
    """The tensor itself when dtype and device are right already, else a copy (`_to_copy` in torch's graphs)."""
    from ..registry import OPS

    spec = t.spec
    right = (d is None or d is spec.dtype) and (where is None or where is spec.device)
    if right and memory_format in (contiguous_format, channels_last):  # what lies as the other of the two is copied, too
        right = is_channels_last(spec.sizes, spec.strides) == (memory_format is channels_last)
    if right and not copy:
        return t
    if spec.device is META and where not in (None, META):
        raise TensorTypeError("Cannot copy out of meta tensor; no data!", "to", {"self": t})
    return OPS["to_copy"].call(t, d or spec.dtype, where, memory_format)  # type: ignore[no-any-return]  # the registry holds functions


def to(self: Tensor, *args: object, **kwargs: object) -> Tensor:
    """The tensor in another dtype, on another device, or like another tensor: to(dtype), to(device), to(device, dtype), to(other).

    Returns self when nothing changes and copy is not asked for. Raises TypeError for other arguments, RuntimeError for
    a device that is not there.

    Storage: the tensor itself when nothing changes, else new
    Grad: cast or copied back
    See: dtype-promotion, device, type_as, cpu

    >>> tensor([1, 2]).to(float32)
    tensor([1., 2.])
    """
    d: dtype | None = None
    where: backend.device | None = None
    named = dict(kwargs)
    copy, memory_format = bool(named.pop("copy", False)), named.pop("memory_format", None)
    named.pop("non_blocking", None)
    given = list(args)
    if "other" in named:
        given.insert(0, named.pop("other"))
    for key, value in named.items():
        if key not in ("dtype", "device"):
            raise TensorTypeError(f"to() got an unexpected keyword argument '{key}'", "to")
        given.append(value)
    flags: list[bool] = []  # non_blocking, then copy
    for value in given:
        kind = {float: dtypes.float64, int: dtypes.int64, bool: dtypes.bool_, complex: dtypes.complex128}.get(value) if isinstance(value, type) else None
        if isinstance(value, dtypes.dtype) or kind is not None:
            d = kind or value  # type: ignore[assignment]  # checked by isinstance above
        elif isinstance(value, Tensor):
            d, where = value.spec.dtype, value.spec.device
        elif isinstance(value, bool):
            flags.append(value)
        elif isinstance(value, (str, backend.device, int)):
            where = resolve(value)
        elif value is not None:
            raise TensorTypeError(
                f"to() received an invalid combination of arguments - got ({', '.join(type(v).__name__ for v in args)}), but expected one of:\n"
                " * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False, *, torch.memory_format"
                " memory_format = None)\n * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)\n"
                " * (Tensor tensor, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)\n",
                "to",
            )
    return converted(self, d, where, copy or flags[1:] == [True], memory_format if isinstance(memory_format, MemoryFormat) else None)


def type_of(self: Tensor, dtype: object = None) -> str | Tensor:
    """Without an argument torch's type string ('torch.FloatTensor'); with a dtype, the tensor in it.

    >>> tensor([1.]).type()
    'torch.FloatTensor'
    """
    if dtype is None:
        return self.spec.type_name
    if isinstance(dtype, str):
        name = dtype.rpartition(".")[2].removesuffix("Tensor")
        found = next((d for d in dtypes.ALL if d.kernel_name == name), None)
        if found is None:
            raise TensorTypeError(f"invalid type: '{dtype}'", "type")
        return converted(self, found, None)
    return to(self, dtype)


def cpu(self: Tensor) -> Tensor:
    """The tensor on the CPU.

    >>> ones(2).cpu().device
    device(type='cpu')
    """
    return converted(self, None, backend.CPU)


def cuda(self: Tensor, device: object = None) -> Tensor:
    """The tensor on a GPU, the current one unless a device or its number is given.

    Raises RuntimeError with one line that says what is missing when there is none.

    See: cpu, to, cuda.is_available

    >>> x = ones(2).cuda() if cuda.is_available() else ones(2)
    >>> x.is_cuda == cuda.is_available()
    True
    """
    return converted(self, None, resolve("cuda" if device is None else device))


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of another.

    >>> tensor([1]).type_as(ones(1))
    tensor([1.])
    """
    return converted(self, other.spec.dtype, other.spec.device)


def _caster(name: str, d: dtype) -> object:
    def convert(self: Tensor, *, memory_format: MemoryFormat | None = None) -> Tensor:
        return converted(self, d, None, memory_format=memory_format)

    convert.__name__ = name
    convert.__doc__ = f"The tensor in {d!r}; itself when it is already."
    return convert


CASTS = {
    "half": dtypes.float16, "bfloat16": dtypes.bfloat16, "float": dtypes.float32, "double": dtypes.float64, "byte": dtypes.uint8,
    "char": dtypes.int8, "short": dtypes.int16, "int": dtypes.int32, "long": dtypes.int64, "bool": dtypes.bool_,
    "cfloat": dtypes.complex64, "cdouble": dtypes.complex128,
}  # fmt: skip
METHODS = {"to": to, "type": type_of, "type_as": type_as, "cpu": cpu, "cuda": cuda} | {name: _caster(name, d) for name, d in CASTS.items()}

