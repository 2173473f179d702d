"""Other dtypes and devices: to, type, half ... long, cpu, cuda, and the casts that derivative formulas need."""

from __future__ import annotations

from typing import NamedTuple

from .. import backend, dtypes
from ..backend import META, resolve
from ..dtypes import dtype
from ..errors import TensorError, TensorNotImplemented, TensorTypeError
from ..families.structural import composite, structural
from ..layout import is_channels_last
from ..signature import KINDS, MemoryFormat, Mismatch, Signature, channels_last, contiguous_format, refusal, type_name
from ..spec import spec_of
from ..tensor import Tensor
from .shape import format_strides


def _plan_to_copy(self, d, where, memory_format):
    return spec_of(d or self.dtype, where or self.device, self.shape, format_strides(self, memory_format))


@structural(
    plan=_plan_to_copy,
    self=lambda grad, self_spec, result_spec, F: grad
    if self_spec.dtype is result_spec.dtype and self_spec.device is result_spec.device
    else F.to_copy(grad, self_spec.dtype, self_spec.device, None),
    function=False,
    method=False,
    out=False,
    mixed=True,
)
def to_copy(xp, self, d: Any, where: Any, memory_format: Any):
    """A copy in another dtype or on another device."""
    array = self
    if where is not None and backend.device_of(array) is not where:
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
        raise TensorNotImplemented("Cannot copy out of meta tensor; no data!", "to", {"self": t})
    return OPS["to_copy"].call(t, d or spec.dtype, where, memory_format)  # type: ignore[no-any-return]  # the registry holds functions


class Target(NamedTuple):
    """What `to` is asked for; None leaves a thing as it is."""

    dtype: dtype | None
    device: backend.device | None
    copy: bool
    memory_format: MemoryFormat | None


def _to_device(self, device: Device | None = None, dtype: DType | None = None, non_blocking: Bool = False, copy: Bool = False, *, memory_format: Format | None = None):
    """`to` with a device first, or with keywords."""


def _to_dtype(self, dtype: DType, non_blocking: Bool = False, copy: Bool = False, *, memory_format: Format | None = None):
    """`to` with a dtype first."""


def _to_tensor(self, tensor: Tensor, non_blocking: Bool = False, copy: Bool = False, *, memory_format: Format | None = None):
    """`to` with a tensor whose dtype and device are wanted."""


FORMS = tuple([Signature(form, 1) for form in (_to_device, _to_dtype, _to_tensor)])
for _form in FORMS:
    _form.extend(())


def target_of(args: tuple[object, ...], kwargs: dict[str, object]) -> Target:
    """The arguments of `to`, in any of their three forms.

    Raises TypeError with torch's sentence for others, RuntimeError for a device that is not there.
    """
    for form in reversed(FORMS):  # a tensor of one int could be the number of a device, too
        try:
            values = form.bind(args, kwargs)
        except Mismatch as error:
            mismatch = error.with_traceback(None)
            continue
        if form is FORMS[2]:
            like = values[0].spec
            return Target(like.dtype, like.device, values[2], values[3])
        where, d = (values[0], values[1]) if form is FORMS[0] else (None, values[0])
        return Target(d, None if where is None else resolve(where), values[-2], values[-1])
    raise refusal("to", FORMS, args, kwargs, mismatch, False)


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
    target = target_of(args, kwargs)
    return converted(self, target.dtype, target.device, target.copy, target.memory_format)


def type_of(self: Tensor, dtype: object = None) -> str | Tensor:
    """Without an argument torch's type string ('torch.FloatTensor'); with a dtype, the tensor in it.

    >>> tensor([1.]).type()
    'torch.FloatTensor'
    """
    if dtype is None:
        return self.spec.legacy_type
    if isinstance(dtype, str):
        name = dtype.rpartition(".")[2].removesuffix("Tensor")
        found = next((d for d in dtypes.ALL if d.kernel_name == name), None)
        if found is None:
            raise TensorTypeError(f"invalid type: '{dtype}'", "type")
        return converted(self, found, None)
    return to(self, dtype)


def cpu(self: Tensor, *, memory_format: MemoryFormat | None = None) -> Tensor:
    """The tensor on the CPU: itself when it is there.

    See: cuda, to, device

    >>> ones(2).cpu().device
    device(type='cpu')
    """
    return converted(self, None, backend.CPU, memory_format=memory_format)


def cuda(self: Tensor, device: object = None, non_blocking: bool = False, *, memory_format: MemoryFormat | None = None) -> Tensor:
    """The tensor on a GPU, the current one unless a device or its number is given; itself when it is there.

    Raises RuntimeError with one line that says what is missing when there is none, TypeError for what is no device.

    See: cpu, to, cuda.is_available

    >>> x = ones(2).cuda() if cuda.is_available() else ones(2)
    >>> x.is_cuda == cuda.is_available()
    True
    """
    if device is not None and not KINDS["Device"].accepts(device):
        raise TensorTypeError(f"cuda(): argument 'device' (position 1) must be torch.device, not {type_name(device)}", "cuda")
    where = resolve("cuda" if device is None else device)
    if where.type != "cuda":
        raise TensorError(f"Invalid device, must be cuda device, got {where.type}", "cuda")
    return converted(self, None, where, memory_format=memory_format)


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of another.

    >>> tensor([1]).type_as(ones(1))
    tensor([1.])
    """
    if not isinstance(other, Tensor):
        raise TensorTypeError(f"type_as(): argument 'other' (position 1) must be Tensor, not {type_name(other)}", "type_as")
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

