"""Ops on the memory itself: the bytes read as another dtype, a tensor given another size or another tensor's storage."""

from __future__ import annotations

from .. import backend, inplace
from ..backend import META
from ..errors import TensorError
from ..families.common import C_NAMES
from ..families.structural import composite
from ..layout import contiguous_strides, extent, strides_in_order
from ..modes import is_grad_enabled, is_inference_mode_enabled
from ..signature import channels_last, preserve_format
from ..spec import spec_of
from ..storage import Storage, Untracked
from ..tensor import alias, allocate, on_storage


@composite(public="view", function=False)
def view_dtype(F, self, dtype: DType):
    """The same bytes read as another dtype, sharing storage; the last dim grows or shrinks with the size of an element.

    >>> tensor([1.]).view(int32)
    tensor([1065353216], dtype=torch.int32)
    """
    spec, size, given = self.spec, dtype.itemsize, self.spec.dtype.itemsize
    shape, strides, offset = spec.sizes, spec.strides, self.offset
    about = f"to view {spec.dtype.kernel_name} as {dtype.kernel_name} (different element sizes)"
    if size != given:
        if not shape:
            raise TensorError(f"self.dim() cannot be 0 {about}")
        if size < given:
            ratio = given // size
            if strides[-1] != 1:
                raise TensorError(f"self.stride(-1) must be 1 {about}, but got {strides[-1]}")
            shape, strides, offset = (*shape[:-1], shape[-1] * ratio), (*[s * ratio for s in strides[:-1]], 1), offset * ratio
        else:
            ratio = size // given
            if shape[-1] % ratio:
                raise TensorError(f"self.size(-1) must be divisible by {ratio} {about}, but got {shape[-1]}")
            if offset % ratio:
                raise TensorError(f"self.storage_offset() must be divisible by {ratio} {about}, but got {offset}")
            if strides[-1] != 1:
                raise TensorError(f"self.stride(-1) must be 1 {about}, but got {strides[-1]}")
            for d, s in enumerate(strides[:-1]):
                if s % ratio:
                    raise TensorError(f"self.stride({d}) must be divisible by {ratio} {about}, but got {s}")
            shape, strides, offset = (*shape[:-1], shape[-1] // ratio), (*[s // ratio for s in strides[:-1]], 1), offset // ratio
    t, storage = alias(self), self.get_storage()
    t.spec, t.offset = spec_of(dtype, spec.device, shape, strides), offset
    t.a = on_storage(storage, t.spec, offset)
    inside = is_inference_mode_enabled()
    if inside or self.inference:  # an inference tensor only inside, whatever it shows; it counts its writes apart
        t.storage = (Untracked if inside else Storage)(storage.raw, storage.nbytes, storage.device, storage.itemsize, keep=storage)
    return t


@composite(public="resize_", function=False)
def resize_(F, self, size: Size, *, memory_format: Format | None = None):
    """The tensor in another size, row by row over its own storage; where that is too small, over fresh memory that begins with the old values.

    Views made before keep the old memory when fresh memory is taken (torch lets the shared storage grow).

    Raises RuntimeError for a tensor that requires grad, and for a negative size.

    Shapes: any, size (a, b)  ->  (a, b)
    Grad: none: refused for what requires grad
    See: reshape, set_, resize_as_

    >>> x = arange(6)
    >>> x.resize_(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    if self.requires_grad and is_grad_enabled():
        raise TensorError("cannot resize variables that require grad")
    if any(n < 0 for n in size):
        raise TensorError("numel: integer multiplication overflow")
    if memory_format is channels_last and len(size) != 4:
        raise TensorError("required rank 4 tensor to use channels_last format")
    strides = strides_in_order(tuple(size), (1, 3, 2, 0)) if memory_format is channels_last else contiguous_strides(tuple(size))
    if memory_format is None and tuple(size) == self.spec.sizes:
        return self
    spec = spec_of(self.spec.dtype, self.spec.device, tuple(size), strides)
    storage = self.get_storage()
    need = (self.offset + extent(spec.sizes, spec.strides)) * spec.dtype.itemsize if spec.numel else 0
    if need > storage.nbytes and spec.device is not META:
        backend.check_fits(need, spec.device)
        grown = allocate(spec_of(spec.dtype, spec.device, (need // spec.dtype.itemsize,)))
        fresh, bytes_of, old = grown.get_storage(), backend.bytes_of(grown.a), storage.raw
        bytes_of[...] = 0
        bytes_of[: storage.nbytes] = old
        fresh.version = storage.version
        storage = fresh
    self.become(on_storage(storage, spec, self.offset), spec, storage, self.offset)
    inplace.bump(self)
    return self


@composite(public="resize_as_", function=False)
def resize_as_(F, self, the_template, *, memory_format: Format | None = None):
    """The tensor in the size of another, as `resize_` does it.

    Shapes: any  ->  the_template's
    Grad: none: refused for what requires grad
    See: resize_, reshape_as

    >>> arange(6).resize_as_(ones(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return F.resize(self, the_template.spec.sizes, memory_format=channels_last if memory_format is preserve_format else memory_format)


def _given_memory(self, source, offset, size, strides):
    """Make `self` look at `source`'s storage."""
    if self.spec.dtype is not source.spec.dtype:
        raise TensorError(f"Could not set tensor of type {C_NAMES[source.spec.dtype.name]} to a tensor of type {C_NAMES[self.spec.dtype.name]}")
    if is_grad_enabled() and (self.requires_grad or source.requires_grad):
        inplace.check(self, "set_")
        raise TensorError("set_(): a tensor that requires grad has no derivative through set_; use detach() first", "set_")
    storage = source.get_storage()
    spec = spec_of(self.spec.dtype, source.spec.device, size, strides)
    if offset < 0:
        raise TensorError(f"Tensor: invalid storage offset {offset}")
    need = (offset + extent(spec.sizes, spec.strides)) * spec.dtype.itemsize if spec.numel else 0
    if need > storage.nbytes:
        raise TensorError(
            f"setStorage: sizes {list(size)}, strides {list(strides)}, storage offset {offset}, and itemsize {spec.dtype.itemsize} requiring a"
            f" storage size of {need} are out of bounds for storage of size {storage.nbytes}"
        )
    version = self._version
    self.become(on_storage(storage, spec, offset), spec, storage, offset)
    storage.version = max(storage.version, version) + 1
    return self


@composite(public="set_", function=False)
def set_(F, self):
    """The tensor without elements, on memory of its own; `set_(source)` has it look at another tensor's memory, `set_(source, offset, size,
    stride)` at a part of that.

    Raises RuntimeError for another dtype, for places outside the storage, and for what requires grad.

    Shapes: any  ->  (0); source's; size
    Storage: shares source's
    Grad: none: refused for what requires grad
    See: Tensor.data, as_strided, resize_

    >>> x, y = zeros(2), tensor([1., 2., 3.])
    >>> x.set_(y)
    tensor([1., 2., 3.])
    >>> x.data_ptr() == y.data_ptr()
    True
    """
    return _given_memory(self, allocate(spec_of(self.spec.dtype, self.spec.device, (0,))), 0, (0,), (1,))


@composite(public="set_", function=False)
def set_to(F, self, source):
    """The tensor on the memory of `source`, with its size and strides.

    >>> zeros(2).set_(ones(3))
    tensor([1., 1., 1.])
    """
    return _given_memory(self, source, source.offset, source.spec.sizes, source.spec.strides)


@composite(public="set_", function=False)
def set_part(F, self, source, storage_offset: Int, size: Ints, stride: Ints = ()):
    """The tensor on a part of the storage of `source`, row by row unless `stride` is given.

    >>> zeros(2).set_(arange(6.), 2, (2, 2), (1, 2))
    tensor([[2., 4.],
            [3., 5.]])
    """
    return _given_memory(self, source, storage_offset, size, stride or contiguous_strides(tuple(size)))
