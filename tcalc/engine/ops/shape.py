"""Views of another order, shape or part, and the copies of a tensor that views fall back to."""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter

from .. import backend
from ..dtypes import INT
from ..errors import TensorError, TensorIndexError
from ..families.structural import composite, structural
from ..families.view import view
from ..layout import Geometry, Size, like_strides, strides_in_order, view_strides, wrap_dim, wrap_dims
from ..modes import is_grad_enabled
from ..signature import channels_last, contiguous_format
from ..spec import spec_of
from ..tensor import Tensor

# --- views ------------------------------------------------------------------------------------------------------------


@view(self=lambda grad, self_spec, F: F.reshape(grad, self_spec.sizes), function=False)
def view_(geom, size: Size):
    """The same elements in another shape, sharing storage; one size may be -1. Refused when strides do not allow it.

    Shapes: (a, b), size (b, a)  ->  (b, a), size -1  ->  (a * b)
    See: reshape (copies when it must), flatten, is_contiguous, stride

    >>> tensor([[1, 2, 3], [4, 5, 6]]).view(3, 2)
    tensor([[1, 2],
            [3, 4],
            [5, 6]])
    """
    return geom.viewed(size)


@view(self=lambda grad, dims, F: F.permute(grad, _inverse(dims)))
def permute(geom, dims: Size):
    """Dims in another order, sharing storage: result dim i is dim dims[i].

    Shapes: (a, b, c), dims (2, 0, 1)  ->  (c, a, b)
    Grad: permuted back
    See: transpose, movedim, T

    >>> permute(ones(2, 3, 4), (2, 0, 1)).shape
    torch.Size([4, 2, 3])
    """
    if len(dims) != geom.ndim:
        raise TensorError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions"
            f" i.e. input.dim() = {geom.ndim} is not equal to len(dims) = {len(dims)}"
        )
    wrapped = [wrap_dim(d, geom.ndim) for d in dims]
    if len(set(wrapped)) != len(wrapped):
        raise TensorError("permute(): duplicate dims are not allowed.")
    return geom.permuted(wrapped)


def _inverse(dims):
    wrapped = [d % len(dims) for d in dims]
    return tuple(wrapped.index(i) for i in range(len(dims)))


def _swapped(geom, dim0, dim1):
    a, b = wrap_dim(dim0, geom.ndim), wrap_dim(dim1, geom.ndim)
    order = list(range(geom.ndim))
    if order:
        order[a], order[b] = order[b], order[a]
    return geom.permuted(order)


@view(
    inplace_overload=1,
    array=lambda array, dim0, dim1: array.swapaxes(dim0, dim1) if array.ndim else array,
    self=lambda grad, dim0, dim1, F: F.transpose(grad, dim0, dim1),
    aliases=("swapaxes", "swapdims"),
)
def transpose(geom, dim0: Dim, dim1: Dim):
    """Two dims swapped, sharing storage.

    Shapes: (a, b, c), 0, 2  ->  (c, b, a)
    See: t, T, mT, permute

    >>> transpose(tensor([[1, 2, 3], [4, 5, 6]]), 0, 1)
    tensor([[1, 4],
            [2, 5],
            [3, 6]])
    """
    return _swapped(geom, dim0, dim1)


@view(inplace_overload=1, array=attrgetter("T"), self=lambda grad, F: F.t(grad))
def t(geom):
    """A matrix transposed, sharing storage; vectors and numbers as they are.

    Shapes: (a, b)  ->  (b, a)

    >>> t(tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    if geom.ndim > 2:
        raise TensorError(f"t() expects a tensor with <= 2 dimensions, but self is {geom.ndim}D")
    return geom.permuted(range(geom.ndim)[::-1])


@view(inplace_overload=3, self=lambda grad, self_spec, F: F.reshape(grad, self_spec.sizes))
def squeeze(geom):
    """Without the dims of size 1, sharing storage.

    Shapes: (1, a, 1)  ->  (a), dim=0: (a, 1)
    See: unsqueeze, reshape, flatten

    >>> squeeze(ones(1, 3, 1)).shape
    torch.Size([3])
    """
    return geom.squeezed(range(geom.ndim))


@view(inplace_overload=4, public="squeeze", overload=1, self=lambda grad, self_spec, F: F.reshape(grad, self_spec.sizes))
def squeeze_dim(geom, dim: Dim):
    """Without dim `dim` when its size is 1, sharing storage.

    >>> squeeze(ones(1, 3, 1), 0).shape
    torch.Size([3, 1])
    """
    return geom.squeezed((wrap_dim(dim, geom.ndim),))


@view(inplace_overload=5, public="squeeze", overload=2, self=lambda grad, self_spec, F: F.reshape(grad, self_spec.sizes))
def squeeze_dims(geom, dim: Dims):
    """Without those of several dims whose size is 1, sharing storage.

    >>> squeeze(ones(1, 3, 1), (0, 2)).shape
    torch.Size([3])
    """
    return geom.squeezed(wrap_dims(dim, geom.ndim))


@view(inplace_overload=1, self=lambda grad, dim, self_spec, F: F.reshape(grad, self_spec.sizes))
def unsqueeze(geom, dim: Dim):
    """A new dim of size 1 at `dim`, sharing storage.

    Shapes: (a, b), dim=1  ->  (a, 1, b)
    See: squeeze, newaxis, expand

    >>> unsqueeze(tensor([1, 2]), 1)
    tensor([[1],
            [2]])
    """
    return geom.unsqueezed(dim)


@view(self=lambda grad, self_spec, F: grad if tuple(grad.shape) == self_spec.sizes else F.sum_to(grad, self_spec.sizes), function=False)
def expand(geom, size: Size):
    """Size-1 dims repeated without a copy (stride 0); -1 keeps a size.

    Shapes: (a, 1), size (a, b)  ->  (a, b), new dims in front: (c, a, b)
    Grad: summed back over the repeated dims
    See: repeat (copies), broadcast_to, expand_as, broadcast

    >>> tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    try:
        return geom.expanded(size)
    except TensorError as error:
        if "number of sizes provided" not in str(error):
            raise
        raise TensorError(
            f"expand(torch.FloatTensor{{{list(geom.shape)}}}, size={list(size)}): the number of sizes provided ({len(size)}) must be greater or"
            f" equal to the number of dimensions in the tensor ({geom.ndim})"
        ) from None


@composite(function=False)
def expand_as(F, self, other):
    """Expanded to the shape of `other`, sharing storage.

    Shapes: (a, 1), other (a, b)  ->  (a, b)
    Storage: shares input's, nothing copied (stride 0 where repeated)
    Grad: summed back over the repeated dims

    >>> tensor([1, 2]).expand_as(ones(3, 2)).shape
    torch.Size([3, 2])
    """
    return F.expand(self, tuple(other.shape))


@composite()
def broadcast_to(F, self, size: Size):
    """Expanded to `size`, sharing storage.

    Shapes: (a, 1), size (a, b)  ->  (a, b)
    Storage: shares input's, nothing copied (stride 0 where repeated)
    Grad: summed back over the repeated dims

    >>> broadcast_to(tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return F.expand(self, size)


@view(self=lambda grad, self_spec, dim, index, F: F.select_backward(grad, self_spec.sizes, dim, index))
def select(geom, dim: Dim, index: Int):
    """One slice along `dim`, sharing storage; the dim goes away.

    Shapes: (a, b, c), dim=1  ->  (a, c)
    Grad: placed into zeros at that slice
    See: narrow (keeps the dim), index_select, unbind

    >>> select(tensor([[1, 2], [3, 4]]), 0, 1)
    tensor([3, 4])
    """
    return geom.selected(dim, index)


@view(
    node="SliceBackward", self=lambda grad, self_spec, dim, start, stop, step, F: F.slice_backward(grad, self_spec.sizes, dim, start, stop, step),
    function=False, method=False,
)
def slice_(geom, dim: Dim = 0, start: Int | None = None, stop: Int | None = None, step: Int = 1):
    """Elements start, start + step, ... below stop along `dim`, sharing storage: what `x[a:b]` does."""
    return geom.sliced(dim, start, stop, step)


@composite()
def narrow(F, self, dim: Dim, start: Place, length: Int):
    """`length` elements from `start` along `dim`, sharing storage.

    Shapes: (a, b), dim=1, length n  ->  (a, n)
    Storage: shares input's, nothing copied
    Grad: placed into zeros at that part
    See: select, split, chunk

    >>> narrow(tensor([1, 2, 3, 4]), 0, 1, 2)
    tensor([2, 3])
    """
    if length < 0:
        raise TensorError("narrow(): length must be non-negative.")
    ndim = len(self.shape)
    if ndim == 0:
        raise TensorError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, Tensor):
        if start.ndim or start.dtype.category != INT:
            raise TensorError("start must be an 0-dim integral Tensor.")
        start = int(start)
    size = self.shape[wrap_dim(dim, ndim)]
    if not -size <= start <= size:
        raise TensorIndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start = start + size if start < 0 else start
    if start + length > size:
        raise TensorError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return F.slice(self, dim, start, start + length, 1)


@view(self=lambda grad: grad, function=False, method=False)
def alias_(geom):
    """The tensor again, sharing storage: what `x[...]` does."""
    return geom


@view(self=lambda grad, self_spec, F: F.reshape(grad, self_spec.sizes), function=False, method=False)
def reshape_alias(geom, size: Size):
    """The same elements in another shape, sharing storage: what `reshape` does where memory is not row-major."""
    return geom.viewed(size)


# --- views when they can be, copies when they must --------------------------------------------------------------------


@composite()
def reshape(F, self, shape: Size):
    """Another shape: a view when the strides allow it, else a copy; one size may be -1.

    Shapes: (a, b), shape (b, a)  ->  (b, a), shape -1  ->  (a * b)
    Storage: a view when the strides allow it, else new
    Grad: reshaped back
    See: view (never copies), flatten, contiguous, storage

    >>> reshape(tensor([[1, 2], [3, 4]]), (4,))
    tensor([1, 2, 3, 4])
    """
    if not isinstance(self, Tensor):
        return self.reshape(shape)
    geometry = Geometry(tuple(self.spec.shape), self.spec.strides)
    from ..layout import infer_size

    try:
        size = infer_size(shape, self.spec.numel)
    except TensorError:
        if self.spec.contiguous and is_grad_enabled():  # torch calls view at once
            self.refuse_stale()
        raise
    if view_strides(geometry.shape, geometry.strides, size) is not None:
        return F.view(self, size) if self.spec.contiguous else F.reshape_alias(self, size)
    return F.unsafe_view(F.clone(self, memory_format=contiguous_format), size)


@structural(
    plan=lambda self, size: spec_of(self.dtype, self.device, size),
    self=lambda grad, self_spec, F: F.reshape(grad, self_spec.sizes),
    function=False,
    method=False,
    out=False,
)
def unsafe_view(xp, self, size: Size):
    """A fresh row-major copy shown in another shape; no one else holds the copy."""
    return self.reshape(size)


@composite()
def flatten(F, self, start_dim: Dim = 0, end_dim: Dim = -1):
    """Dims start_dim to end_dim folded into one.

    Shapes: (a, b, c)  ->  (a * b * c), start_dim=1: (a, b * c)
    Storage: a view when the strides allow it, else new
    Grad: reshaped back
    See: reshape, unflatten, ravel

    >>> flatten(ones(2, 3, 4), 1).shape
    torch.Size([2, 12])
    """
    ndim = len(self.shape)
    first, last = wrap_dim(start_dim, ndim), wrap_dim(end_dim, ndim)
    if first > last:
        raise TensorError("flatten() has invalid args: start_dim cannot come after end_dim")
    if ndim == 0:
        return F.reshape(self, (1,))
    if first == last:
        return self
    folded = 1
    for size in self.shape[first : last + 1]:
        folded *= size
    return F.reshape(self, (*self.shape[:first], folded, *self.shape[last + 1 :]))


@composite(function=False)
def view_as(F, self, other):
    """The same elements in the shape of `other`, sharing storage.

    Shapes: (a, b), other (b, a)  ->  (b, a)
    Storage: shares input's, nothing copied
    Grad: reshaped back

    >>> arange(4).view_as(ones(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return F.view(self, tuple(other.shape))


@composite(function=False)
def reshape_as(F, self, other):
    """Reshaped to the shape of `other`.

    Shapes: (a, b), other (b, a)  ->  (b, a)
    Storage: a view when the strides allow it, else new
    Grad: reshaped back

    >>> arange(4).reshape_as(ones(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return F.reshape(self, tuple(other.shape))


@composite()
def ravel(F, self):
    """All elements in one dim: a view when the memory is row-major.

    Shapes: (a, b)  ->  (a * b)
    Storage: a view when the tensor is contiguous, else new
    Grad: reshaped back
    See: flatten, reshape

    >>> ravel(tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return F.reshape(F.contiguous(self), (-1,))


# --- copies -----------------------------------------------------------------------------------------------------------


def format_strides(self, memory_format):
    if memory_format is contiguous_format:
        return None
    if memory_format is channels_last and self.ndim != 4:
        raise TensorError("required rank 4 tensor to use channels_last format")
    if memory_format is channels_last:
        return strides_in_order(self.shape, (1, 3, 2, 0))
    return like_strides(tuple(self.shape), self.strides)


@structural(
    plan=lambda self, memory_format: spec_of(self.dtype, self.device, self.shape, format_strides(self, memory_format)), self=lambda grad: grad, out=False
)
def clone(xp, self, *, memory_format: Format | None = None):
    """A copy with memory of its own, laid out as the original.

    Shapes: any; kept
    See: detach (shares), contiguous, copy_

    >>> clone(tensor([1., 2.]))
    tensor([1., 2.])
    """
    return backend.copy_of(self) if memory_format is contiguous_format else xp.array(self, order="K")


@composite(function=False)
def contiguous(F, self, memory_format: Format = contiguous_format):
    """The tensor itself when it is row-major, else a row-major copy.

    Shapes: any; kept
    Storage: the tensor itself when it is contiguous already, else new
    Grad: passed on unchanged
    See: is_contiguous, clone, view, stride

    >>> tensor([[1, 2], [3, 4]]).t().contiguous().stride()
    (2, 1)
    """
    if not isinstance(self, Tensor) or (memory_format is contiguous_format and self.spec.contiguous):
        return self  # raw arrays: kernels that need row-major memory see to it
    return F.clone(self, memory_format=memory_format)


# --- what derivative formulas need ------------------------------------------------------------------------------------


def _plan_sum_to(self, size):
    return spec_of(self.dtype, self.device, size)


@lru_cache(maxsize=1024)
def _grown(shape, size):
    """The dims by which `shape` outgrew `size`, and whether to keep them for a reshape: not where those that stay are the result."""
    lead = len(shape) - len(size)
    inner = [i + lead for i, s in enumerate(size) if s == 1 and shape[i + lead] != 1]
    return (*range(lead), *inner), bool(inner) or not size


@structural(plan=_plan_sum_to, self=lambda grad, self_spec, F: F.expand(grad, self_spec.sizes), function=False, method=False, out=False, node="SumBackward")
def sum_to(xp, self, size: Size):
    """Summed over the dims that broadcasting grew, back to `size`."""
    axes, kept = _grown(self.shape, size)
    if not axes:
        return self.reshape(size)
    found = xp.add.reduce(self, axes, keepdims=True).reshape(size) if kept else xp.add.reduce(self, axes)
    return found if len(size) < 2 or found.flags.c_contiguous else xp.ascontiguousarray(found)  # as planned: NumPy keeps the order of strides


def _plan_scatter_window(grad, shape, *rest):
    return spec_of(grad.dtype, grad.device, shape)


@structural(plan=_plan_scatter_window, grad=lambda grad, dim, index, F: F.select(grad, dim, index), function=False, method=False, out=False)
def select_backward(xp, grad, shape: Size, dim: Dim, index: Int):
    """Zeros of `shape` with one slice along `dim` set."""
    result = xp.zeros(shape, grad.dtype)
    result[(slice(None),) * (dim % len(shape)) + (index,)] = grad
    return result


@structural(
    plan=_plan_scatter_window, grad=lambda grad, dim, start, stop, step, F: F.slice(grad, dim, start, stop, step), function=False, method=False, out=False
)
def slice_backward(xp, grad, shape: Size, dim: Dim, start: Int | None, stop: Int | None, step: Int):
    """Zeros of `shape` with the sliced elements set."""
    result = xp.zeros(shape, grad.dtype)
    result[(slice(None),) * (dim % len(shape)) + (slice(start, stop, step),)] = grad
    return result
