"""Creation ops: a planned spec, a fill, and the keywords every one takes (dtype, device, requires_grad, out, ...)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from .. import backend, dtypes
from ..backend import META, resolve, xp_of
from ..errors import TensorError
from ..layout import like_strides, strides_in_order
from ..registry import Op
from ..signature import KINDS, OUT, Param, channels_last, contiguous_format
from ..spec import Spec, spec_of
from ..tensor import Tensor, allocate, make
from .common import adopt, write_out


def _keyword(name: str, kind: str, default: Any = None) -> Param:
    return Param(name, KINDS[kind], default is None, default, True, False)


COMMON = [
    _keyword("dtype", "DType"),
    _keyword("layout", "Layout"),
    _keyword("device", "Device"),
    _keyword("pin_memory", "Bool", False),
    _keyword("requires_grad", "Bool", False),
]
# What set_default_device was given (at most one) and the devices of the `with` blocks around, in each context of its own.
default_devices: ContextVar[tuple[Any, ...]] = ContextVar("default_devices", default=())


class Creation(Op):
    """An op that makes a tensor. `plan(*arguments) -> (shape, dtype or None for the default dtype[, strides])` is pure; the kernel
    `(xp, spec, *arguments) -> array` fills it. With `like`, the first argument is a Tensor that lends dtype, device and
    (for *_like) strides; `strided` kernels write into an array of the planned strides themselves."""

    family = "creation"

    def __init__(self, kernel: Callable[..., Any], *, plan: Callable[..., Any], like: str = "", out: bool = False, **rest: Any):
        self.plan, self.like, self.takes_out = plan, like, out
        super().__init__(kernel, skip=2, method=like == "new", function=like != "new", **rest)

    def extra_params(self) -> Sequence[Param]:
        extra = list(COMMON)
        if self.like == "like":
            extra.append(_keyword("memory_format", "Format"))
        return [*extra, OUT] if self.takes_out else extra

    def run(self, values: list[Any]) -> Tensor:
        given, (wanted, _, where, _, requires_grad, *rest) = values[: self.arguments], values[self.arguments :]
        out = rest.pop() if self.takes_out else None
        if self.like:
            source = given[0].spec
            shape, d, *laid = self.plan(source, *given[1:])
            device = source.device if where is None else resolve(where)
        else:
            shape, d, *laid = self.plan(*given)
            device = current_device() if where is None else resolve(where)
        d = wanted or (out.spec.dtype if out is not None else None) or d or dtypes.get_default_dtype()
        refuse_negative(shape)
        strides = _like_strides(given[0].spec, rest[0] if rest else None) if self.like == "like" else laid[0] if laid else None
        spec = spec_of(d, device, tuple(shape), strides)
        if requires_grad and not d.continuous:
            raise TensorError("Only Tensors of floating point and complex dtype can require gradients", self.public, dtype=d.name)
        backend.check_fits(spec.nbytes, device)
        if device is META:
            t = make(None, spec)
        else:
            t = adopt(self.invoke([xp_of(device), spec], given), spec)
        if out is not None:
            return write_out(out, t, self.public)
        return t.requires_grad_() if requires_grad else t


def _like_strides(spec: Spec, memory_format: Any) -> tuple[int, ...] | None:
    if memory_format is contiguous_format:
        return None
    if memory_format is channels_last:
        return strides_in_order(spec.shape, (1, 3, 2, 0))
    return like_strides(tuple(spec.shape), spec.strides)


def refuse_negative(shape: Any) -> None:
    """Refuse a negative size.

    Raises RuntimeError with torch's sentence.
    """
    for size in shape:
        if size < 0:
            raise TensorError(f"Trying to create tensor with negative dimension {size}: {list(shape)}")


def current_device() -> Any:
    """The device of tensors made without `device=`: the innermost `with device(...)`, else set_default_device's, else cpu.

    See: set_default_device, device

    >>> get_default_device()
    device(type='cpu')
    """
    devices = default_devices.get()
    return resolve(devices[-1]) if devices else resolve(None)


def set_default_device(device: Any) -> None:
    """Make tensors on `device` unless told otherwise; None means cpu again.

    Raises RuntimeError when the device cannot be used.

    See: device, get_default_device, meta

    >>> set_default_device('meta')
    >>> ones(2).device
    device(type='meta')
    >>> set_default_device('cpu')
    """
    where = resolve(device)
    default_devices.set((where, *default_devices.get()[1:]))


def creation(**options: Any) -> Callable[[Callable[..., Any]], Creation]:
    """Declare a creation op."""
    return lambda kernel: Creation(kernel, **options)


def filled(spec: Spec, fill: Callable[[Any], None]) -> Any:
    """An array laid out as `spec`, its values written by `fill(array)`."""
    t = allocate(spec)
    fill(t.a)
    return t.a
