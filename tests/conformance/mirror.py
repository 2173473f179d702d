"""torch's tensors made again as tcalc's, bit for bit and stride for stride; tcalc's arrays compared with torch's values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tcalc.engine import backend, dtypes, namespace
from tcalc.engine.registry import OPS
from tcalc.engine.signature import channels_last, contiguous_format, preserve_format, strided
from tcalc.engine.spec import spec_of
from tcalc.engine.storage import Storage
from tcalc.engine.tensor import Tensor, make

KNOWN: dict[Any, Any] = {getattr(torch, d.name): d for d in dtypes.ALL}
FORMATS: dict[Any, Any] = {
    torch.contiguous_format: contiguous_format,
    torch.preserve_format: preserve_format,
    torch.channels_last: channels_last,
    torch.strided: strided,
}
TOLERANCE = {"float64": (1e-7, 1e-9), "complex128": (1e-7, 1e-9), "float32": (3e-5, 3e-5), "complex64": (3e-5, 3e-5), "float16": (4e-3, 4e-3), "bfloat16": (3e-2, 3e-2)}


class Unsupported(Exception):
    """A value that tcalc has nothing like (sparse tensors, ...)."""


def mirror(value: Any, memo: dict[Any, Any] | None = None) -> Any:
    """The same value for tcalc; equal tensors stay one tensor, and shared memory stays shared, within a `memo`.

    Raises Unsupported for what tcalc does not have.
    """
    memo = {} if memo is None else memo
    if isinstance(value, torch.Tensor):
        if id(value) not in memo:
            memo[id(value)] = _tensor(value, memo)
        return memo[id(value)]
    if isinstance(value, torch.dtype):
        if value not in KNOWN:
            raise Unsupported(value)
        return KNOWN[value]
    if isinstance(value, (torch.memory_format, torch.layout)):
        if value not in FORMATS:
            raise Unsupported(value)
        return FORMATS[value]
    if isinstance(value, torch.device):
        return backend.device(str(value))
    if isinstance(value, (torch.Generator, torch.nn.LinearCrossEntropyOptions)) or (callable(value) and not isinstance(value, type)):
        raise Unsupported(value)
    if type(value) in (list, tuple, torch.Size):
        items = [mirror(v, memo) for v in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, slice):
        return slice(mirror(value.start, memo), mirror(value.stop, memo), mirror(value.step, memo))
    return value


def _tensor(t: Any, memo: dict[Any, Any]) -> Tensor:
    if t.ndim > 64 or t.dtype not in KNOWN or t.layout is not torch.strided or t.device.type not in ("cpu", "meta"):
        raise Unsupported(t)
    if t.is_conj() or t.is_neg():
        return _lazy(t)
    d = KNOWN[t.dtype]
    spec = spec_of(d, backend.device(t.device.type), tuple(t.shape), tuple(t.stride()))
    if t.device.type == "meta":
        copy = make(None, spec)
    else:
        place = ("memory", t.untyped_storage().data_ptr(), t.untyped_storage().nbytes())
        if place not in memo:
            raw = np.frombuffer(bytes(t.untyped_storage()), "uint8").copy()
            memo[place] = Storage(raw, raw.size, spec.device, d.itemsize)
        storage = memo[place]
        copy = make(backend.lens(storage.raw, spec.shape, spec.numpy, t.storage_offset() * d.itemsize, spec.byte_strides), spec)
        copy.storage = storage
        copy.offset = t.storage_offset()
    if t.requires_grad:
        copy.requires_grad_()
    return copy


def _lazy(t: Any) -> Tensor:
    """A conjugated or negated view as one of a tensor of its own."""
    with torch.no_grad():
        below = _tensor(t.detach().conj() if t.is_conj() else torch._neg_view(t.detach()), {})
    copy = (below.conj() if t.is_conj() else OPS["neg_view"].call(below)).detach()
    return copy.requires_grad_(t.requires_grad)


def values(t: Any) -> np.ndarray[Any, Any]:
    """Values of a tensor of either library, 16-bit floats widened."""
    if isinstance(t, Tensor):
        array = np.asarray(t.a)
        return array.astype("float32") if array.dtype.name in ("bfloat16", "float16") else array
    t = t.detach()
    return np.asarray((t.float() if t.dtype in (torch.bfloat16, torch.float16) else t).numpy(force=True))


def close(theirs: Any, mine: Tensor, loose: float = 1, dtype: Any = None) -> bool:
    """Whether values agree within what the dtype (or a narrower one they were computed in) can hold; ints and bools exactly."""
    a, b = values(theirs), values(mine)
    if a.shape != b.shape:
        return False
    name = str(dtype or theirs.dtype).removeprefix("torch.")
    if name not in TOLERANCE:
        return bool(np.array_equal(a, b))
    rtol, atol = TOLERANCE[name]
    return bool(np.allclose(b, a, rtol=rtol * loose, atol=atol * loose, equal_nan=True))


def identical(theirs: Any, mine: Tensor) -> bool:
    """Whether values agree to the last bit (nan with nan)."""
    return bool(np.array_equal(values(theirs), values(mine), equal_nan=theirs.dtype.is_floating_point or theirs.dtype.is_complex))


def function_of(namespace_path: str, name: str) -> Any:
    """tcalc's function of a name, or None."""
    return namespace.table(namespace_path).get(name)
