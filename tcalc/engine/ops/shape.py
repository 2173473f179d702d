"""Views of another shape, and the ops that join, repeat or reorder elements into new memory."""

from __future__ import annotations

from functools import lru_cache

from .. import backend, dtypes
from ..at import add_at
from ..dtypes import INT
from ..errors import TensorError, TensorIndexError, TensorValueError
from ..families.common import real_for
from ..families.structural import composite, structural
from ..families.view import view
from ..layout import (
    Geometry,
    Size,
    contiguous_strides,
    extent,
    is_channels_last,
    like_strides,
    strides_in_order,
    view_strides,
    wrap_dim,
    wrap_dims,
)
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


@view(inplace_overload=1, array=lambda array: array.T, self=lambda grad, F: F.t(grad))
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


@view(
    self=lambda grad, self_spec, dimension, size, step, F: F.unfold_backward(grad, self_spec.sizes, dimension, size, step), function=False
)
def unfold(geom, dimension: Dim, size: Int, step: Int):
    """Windows of `size` every `step` along a dim, sharing storage; the window is the last dim.

    Shapes: (a), size s, step t  ->  ((a - s) // t + 1, s)
    Grad: each element receives the sum over the windows it is in
    See: as_strided, split

    >>> arange(5).unfold(0, 3, 1)
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    return geom.unfolded(dimension, size, step)


@view(
    inplace_overload=1,
    absolute=True,
    self=lambda grad, self_spec, size, stride, storage_offset, F: _unstrided(grad, self_spec, size, stride, storage_offset, F),
)
def as_strided(geom, source, size: Size, stride: Size, storage_offset: Int | None = None):
    """Any sizes and strides inside the storage; bounds are checked before anything is read.

    Shapes: any, size (c, d)  ->  (c, d)
    Grad: each slot receives the sum over the places that show it
    See: stride, storage, unfold, view

    >>> as_strided(arange(6), (2, 2), (2, 1))
    tensor([[0, 1],
            [2, 3]])
    """
    storage = source.get_storage()
    return geom.strided(size, stride, storage_offset, storage.nbytes // source.itemsize, source.itemsize)


@view(
    self=lambda grad, self_spec, offset, dim1, dim2, F: F.diagonal_backward(grad, self_spec.sizes, offset, dim1, dim2),
)
def diagonal(geom, offset: Int = 0, dim1: Dim = 0, dim2: Dim = 1):
    """The diagonal of two dims as a new last dim, sharing storage.

    Shapes: (n, n)  ->  (n), (b, n, n), dim1=1, dim2=2  ->  (b, n)
    Grad: placed on the diagonal of zeros
    See: diag (copies), diag_embed, trace

    >>> diagonal(tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return geom.diagonal(offset, dim1, dim2)


@view(self=lambda grad: grad, function=False, method=False)
def alias_(geom):
    """The tensor again, sharing storage: what `x[...]` does."""
    return geom


def _pieces(geom, dim, sizes):
    parts, start = [], 0
    for size in sizes:
        parts.append(geom.sliced(dim, start, start + size))
        start += size
    return parts


def _as_list(F, grads, dim):
    return [F.cat(grads, dim)]


@view(grads=lambda grad, dim, F: [F.cat(grad, dim)])
def split(geom, split_size: Int, dim: Dim = 0) -> Tensors:
    """Pieces of `split_size` along `dim`, sharing storage; the last may be smaller.

    Shapes: (a, b), n  ->  (n, b), (n, b), ..., the last (a % n, b) if that is not 0
    Grad: the pieces' gradients joined again
    See: chunk (by count), unbind, cat

    >>> split(arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    dim = wrap_dim(dim, geom.ndim)
    if not geom.shape:
        raise TensorError("split expects at least a 1-dimensional tensor")
    if split_size < 0:
        raise TensorError(f"split expects split_size be non-negative, but got split_size={split_size}")
    length = geom.shape[dim]
    if split_size == 0:
        if length:
            raise TensorError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {length}")
        return [geom]
    count = max(-(-length // split_size), 1)
    backend.check_handles(count)
    return _pieces(geom, dim, [min(split_size, length - i * split_size) for i in range(count)])


@view(public="split", node="SplitWithSizesBackward", grads=lambda grad, dim, F: [F.cat(grad, dim)], aliases=("split_with_sizes",))
def split_sizes(geom, split_size: Size, dim: Dim = 0) -> Tensors:
    """Pieces of the given sizes along `dim`, sharing storage.

    >>> split(arange(5), [1, 4])
    (tensor([0]), tensor([1, 2, 3, 4]))
    """
    dim = wrap_dim(dim, geom.ndim)
    length = geom.shape[dim]
    if any(s < 0 for s in split_size):
        raise TensorError(f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={list(split_size)}")
    if sum(split_size) != length:
        raise TensorError(
            f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at dimension {dim}), but got"
            f" split_sizes={list(split_size)}"
        )
    return _pieces(geom, dim, split_size)


def chunk_size(self, chunks, dim):
    """How many elements along `dim` each of `chunks` pieces has.

    Raises RuntimeError with torch's sentences for a tensor without dims and for less than one piece.
    """
    if not self.shape:
        raise TensorError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise TensorError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    length = self.shape[wrap_dim(dim, len(self.shape))]
    if not length:
        backend.check_handles(chunks)
    return -(-length // chunks)


@composite()
def chunk(F, self, chunks: Int, dim: Dim = 0) -> Tensors:
    """At most `chunks` pieces of equal size along `dim`, sharing storage.

    Shapes: (a, b), n  ->  n times (a / n, b), rounded up
    Storage: shares input's, nothing copied
    Grad: the pieces' gradients joined again
    See: split (by size), unbind, cat

    >>> chunk(arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    size = chunk_size(self, chunks, dim)
    return F.split(self, size, dim) if size else F.split_sizes(self, (0,) * chunks, dim)


@view(grads=lambda grad, dim, F: [F.stack(grad, dim)])
def unbind(geom, dim: Dim = 0) -> Tensors:
    """The slices along `dim`, sharing storage.

    Shapes: (a, b)  ->  a times (b)
    Grad: the slices' gradients stacked again
    See: select, split, stack

    >>> unbind(tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    dim = wrap_dim(dim, geom.ndim)
    if not geom.shape:
        raise TensorIndexError("Dimension specified as 0 but tensor has no dimensions")
    backend.check_handles(geom.shape[dim])
    return [geom.selected(dim, i) for i in range(geom.shape[dim])]


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
    except TensorError as error:
        error.data["at_once"] = True
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


@composite()
def unflatten(F, self, dim: Dim, sizes: Size):
    """One dim spread over several; one size may be -1.

    Shapes: (a * b, c), dim=0, sizes (a, b)  ->  (a, b, c)
    Storage: shares input's, nothing copied
    Grad: reshaped back
    See: flatten, view, reshape

    >>> unflatten(ones(2, 6), 1, (2, 3)).shape
    torch.Size([2, 2, 3])
    """
    dim = wrap_dim(dim, len(self.shape))
    length = self.shape[dim]
    known = 1
    for s in sizes:
        known *= s if s != -1 else 1
    if (-1 not in sizes and known != length) or (-1 in sizes and (known == 0 or length % known)):
        raise TensorError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({length}) in the input tensor")
    full = [length // known if s == -1 else s for s in sizes]
    return F.view(self, (*self.shape[:dim], *full, *self.shape[dim + 1 :]))


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


@composite(aliases=("moveaxis",))
def movedim(F, self, source: Dims, destination: Dims):
    """Dims moved to other places, the rest in order, sharing storage.

    Shapes: (a, b, c), 0, -1  ->  (b, c, a)
    Storage: shares input's, nothing copied
    Grad: moved back
    See: permute, transpose

    >>> movedim(ones(2, 3, 4), 0, 2).shape
    torch.Size([3, 4, 2])
    """
    ndim = len(self.shape)
    if len(source) != len(destination):
        raise TensorError(
            f"movedim: Invalid source or destination dims: source ({list(source)} dims) should contain the same number of dims as destination"
            f" ({list(destination)} dims)"
        )
    for word, dims in (("source", source), ("destination", destination)):
        if len({wrap_dim(d, ndim) for d in dims}) < len(dims):
            raise TensorError(f"movedim: repeated dim in `{word}` ({list(dims)})")
    if not ndim:
        return F.alias(self)
    at = dict(zip(wrap_dims(destination, ndim), wrap_dims(source, ndim), strict=True))
    rest = iter([d for d in range(ndim) if d not in at.values()])
    return F.permute(self, tuple(at[i] if i in at else next(rest) for i in range(ndim)))


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


def _cat_shape(specs, dim):
    specs = [s for s in specs if s.ndim != 1 or s.shape[0]] or specs[:1]
    first = specs[0]
    dim = wrap_dim(dim, first.ndim)
    total = 0
    for i, s in enumerate(specs):
        if s.ndim != first.ndim:
            raise TensorError(f"Tensors must have same number of dimensions: got {first.ndim} and {s.ndim}")
        for d in range(first.ndim):
            if d != dim and s.shape[d] != first.shape[d]:
                raise TensorError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {first.shape[d]} but got size {s.shape[d]} for tensor number"
                    f" {i} in the list.",
                    data_kind="cat",
                )
        total += s.shape[dim]
    return (*first.shape[:dim], total, *first.shape[dim + 1 :]), dim


def _plan_cat(tensors, dim):
    if not tensors:
        raise TensorValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, s in enumerate(tensors):
        if s.ndim == 0:
            raise TensorError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    shape, _ = _cat_shape(tensors, dim)
    d = dtypes.result_type([s.dtype for s in tensors], [], [])
    last = all(is_channels_last(s.shape, s.strides) and not s.contiguous for s in tensors)
    return spec_of(d, tensors[0].device, shape, strides_in_order(shape, (1, 3, 2, 0)) if last else None)


def _cat_grads(grad, tensors_spec, result_spec, dim, needs, F):
    dim = dim % max(s.ndim for s in tensors_spec)
    start, grads = 0, list[object]()
    for spec, need in zip(tensors_spec, needs, strict=True):
        if spec.ndim == 1 and spec.shape[0] == 0:
            grads.append(F.zeros_of(spec) if need else None)
            continue
        size = spec.shape[dim]
        if need:
            grads.append(F.slice(grad, dim, start, start + size, 1))
        else:
            grads.append(None)
        start += size
    return grads


@structural(apart=True, plan=_plan_cat, out_rule="cast", grads=_cat_grads, method=False, aliases=("concat", "concatenate"))
def cat(xp, tensors: Tensors, dim: Dim = 0):
    """Tensors joined along an existing dim; all other sizes must be equal.

    Shapes: (a, n), (b, n), dim=0  ->  (a + b, n)
    Grad: each input receives its slice
    See: stack (makes a new dim), hstack, vstack, split

    >>> cat([ones(1, 2), zeros(1, 2)])
    tensor([[1., 1.],
            [0., 0.]])
    """
    if len({a.ndim for a in tensors}) > 1:  # empty ones of one dim go with any
        ndim = max([a.ndim for a in tensors])
        tensors = [a for a in tensors if a.ndim == ndim]
    return xp.concatenate(tensors, axis=dim)


def _plan_stack(tensors, dim):
    if not tensors:
        raise TensorError("stack expects a non-empty TensorList")
    first = tensors[0]
    dim = wrap_dim(dim, first.ndim + 1)
    for i, s in enumerate(tensors):
        if s.shape != first.shape:
            raise TensorError(
                f"stack expects each tensor to be equal size, but got {list(first.shape)} at entry 0 and {list(s.shape)} at entry {i}", data_kind="stack"
            )
    d = dtypes.result_type([s.dtype for s in tensors], [], [])
    return spec_of(d, first.device, (*first.shape[:dim], len(tensors), *first.shape[dim:]))


@structural(plan=_plan_stack, out_rule="cast", grads=lambda grad, dim, F: list(F.unbind(grad, dim)), method=False)
def stack(xp, tensors: Tensors, dim: Dim = 0):
    """Tensors of one shape joined along a new dim.

    Shapes: (n), (n), dim=0  ->  (2, n), dim=1: (n, 2)
    Grad: each input receives its slice
    See: cat (along an existing dim), hstack, vstack, unbind

    >>> stack([tensor([1, 2]), tensor([3, 4])], 1)
    tensor([[1, 3],
            [2, 4]])
    """
    return xp.stack(tensors, axis=dim)


@composite(method=False)
def hstack(F, tensors: Tensors):
    """Joined along dim 1 (dim 0 for vectors).

    Shapes: (n, a), (n, b)  ->  (n, a + b); (a), (b)  ->  (a + b)
    Grad: each input receives its slice
    See: cat, vstack, stack

    >>> hstack([tensor([1]), tensor([2, 3])])
    tensor([1, 2, 3])
    """
    if not tensors:
        raise TensorError("hstack expects a non-empty TensorList")
    tensors = [F.reshape(x, (1,)) if not x.shape else x for x in tensors]
    return F.cat(tensors, 0 if len(tensors[0].shape) == 1 else 1)


@composite(method=False, aliases=("row_stack",))
def vstack(F, tensors: Tensors):
    """Joined along dim 0, vectors as rows.

    Shapes: (a, n), (b, n)  ->  (a + b, n); (n), (n)  ->  (2, n)
    Grad: each input receives its slice
    See: cat, hstack, stack

    >>> vstack([tensor([1, 2]), tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    if not tensors:
        raise TensorError("vstack expects a non-empty TensorList")
    return F.cat([F.reshape(x, (1, -1)) if len(x.shape) < 2 else x for x in tensors], 0)


def _fresh_like(self, shape=None):
    return spec_of(self.dtype, self.device, self.shape if shape is None else shape)


def _plan_flip(self, dims):
    wrap_dims(dims, self.ndim)
    return spec_of(self.dtype, self.device, self.shape, like_strides(tuple(self.shape), self.strides))


@structural(plan=_plan_flip, self=lambda grad, dims, F: F.flip(grad, dims), out=False)
def flip(xp, self, dims: Size):
    """Elements in reverse order along `dims`, copied.

    Shapes: any; kept
    See: roll, sort

    >>> flip(tensor([1, 2, 3]), (0,))
    tensor([3, 2, 1])
    """
    return xp.flip(self, tuple(dims)).copy() if self.ndim else self.copy()


@structural(plan=lambda self, shifts, dims: _plan_roll(self, shifts, dims), self=lambda grad, shifts, dims, F: F.roll(grad, tuple(-s for s in shifts), dims), out=False)
def roll(xp, self, shifts: Ints, dims: Dims = ()):
    """Elements shifted along `dims`, those pushed out at the end coming in at the front; no dims: shifted as one flat row.

    Shapes: any; kept
    See: flip

    >>> roll(tensor([1, 2, 3]), 1)
    tensor([3, 1, 2])
    """
    return xp.roll(self, shifts, dims) if dims else xp.roll(self, shifts[0])


def _plan_roll(self, shifts, dims):
    if not shifts:
        raise TensorError("`shifts` required")
    if not dims and len(shifts) == 1:
        return _fresh_like(self)
    if len(shifts) != len(dims):
        raise TensorError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if not self.ndim:
        raise TensorIndexError(f"Dimension specified as {dims[0]} but tensor has no dimensions")
    wrap_dims(dims, self.ndim)
    return _fresh_like(self) if self.numel else self


def _plan_repeat(self, repeats):
    if len(repeats) < self.ndim:
        raise TensorError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    lead = len(repeats) - self.ndim
    sizes = tuple(r * (self.shape[i - lead] if i >= lead else 1) for i, r in enumerate(repeats))
    negative = next((size for size in sizes if size < 0), None)
    if negative is not None:
        raise TensorError(f"Trying to create tensor with negative dimension {negative}: {list(sizes)}")
    return _fresh_like(self, sizes)


def _repeat_grad(grad, self_spec, repeats, F):
    lead = len(repeats) - self_spec.ndim
    sizes, folded = list[int](), list[int]()
    for i, r in enumerate(repeats):
        folded.append(len(sizes))
        sizes += [r, self_spec.shape[i - lead] if i >= lead else 1]
    if not sizes:
        return grad
    if 0 in repeats:
        return F.zeros_of(self_spec)
    return F.reshape(F.sum_dim(F.reshape(grad, tuple(sizes)), tuple(folded), False), self_spec.sizes)


@structural(plan=_plan_repeat, self=_repeat_grad, function=False, out=False)
def repeat(xp, self, repeats: Size):
    """The tensor laid out `repeats` times along each dim, copied.

    Shapes: (a, b), repeats (m, n)  ->  (m * a, n * b)
    Grad: summed back over the copies
    See: expand (copies nothing), tile, cat

    >>> tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    return xp.tile(self, repeats) if repeats else self.copy()


@composite()
def tile(F, self, dims: Size):
    """As repeat, with `dims` filled up by ones in front.

    Shapes: (a, b), dims (n)  ->  (a, n * b)
    Grad: summed back over the copies
    See: repeat, expand

    >>> tile(tensor([1, 2]), (2,))
    tensor([1, 2, 1, 2])
    """
    return F.repeat(self, (1,) * (len(self.shape) - len(dims)) + tuple(dims))


def _plan_tri(self, diagonal, name="tril"):
    if self.ndim < 2:
        raise TensorError(f"{name}: input tensor must have at least 2 dimensions")
    return _fresh_like(self)


@structural(inplace=True, plan=_plan_tri, self=lambda grad, diagonal, F: F.tril(grad, diagonal))
def tril(xp, self, diagonal: Int = 0):
    """The lower triangle of each matrix, zeros above the diagonal.

    Shapes: (..., a, b); kept
    See: triu, diagonal

    >>> tril(ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    return xp.tril(self, diagonal)


@structural(inplace=True, plan=lambda self, diagonal: _plan_tri(self, diagonal, "triu"), self=lambda grad, diagonal, F: F.triu(grad, diagonal))
def triu(xp, self, diagonal: Int = 0):
    """The upper triangle of each matrix, zeros below the diagonal.

    Shapes: (..., a, b); kept
    See: tril, diagonal

    >>> triu(ones(2, 2))
    tensor([[1., 1.],
            [0., 1.]])
    """
    return xp.triu(self, diagonal)


def _plan_diag_embed(self, offset, dim1, dim2):
    first, second = sorted((wrap_dim(dim1, self.ndim + 1), wrap_dim(dim2, self.ndim + 1)))
    if first == second:
        raise TensorError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    size = self.shape[-1] + abs(offset)
    shape = list(self.shape[:-1])
    shape.insert(first, size)
    shape.insert(second, size)
    return _fresh_like(self, tuple(shape))


@structural(plan=_plan_diag_embed, self=lambda grad, offset, dim1, dim2, F: F.diagonal(grad, offset, dim1, dim2), out=False)
def diag_embed(xp, self, offset: Int = 0, dim1: Dim = -2, dim2: Dim = -1):
    """Matrices with the last dim on their diagonal.

    Shapes: (..., n)  ->  (..., n, n)
    See: diag, diagonal, eye

    >>> diag_embed(tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    size = self.shape[-1] + abs(offset)
    shape = list(self.shape[:-1])
    for dim in sorted((dim1 % (self.ndim + 1), dim2 % (self.ndim + 1))):
        shape.insert(dim, size)
    result = xp.zeros(shape, self.dtype)
    part = Geometry(tuple(shape), contiguous_strides(shape)).diagonal(offset, dim1, dim2)
    steps = tuple(s * result.itemsize for s in part.strides)
    backend.lens(backend.bytes_of(result), part.shape, result.dtype, part.offset * result.itemsize, steps)[...] = self
    return result


@composite()
def diag(F, self, diagonal: Int = 0):
    """The diagonal of a matrix, or the matrix with a vector on its diagonal; copied.

    Shapes: (n)  ->  (n, n); (n, m)  ->  (min(n, m))
    Grad: taken from the diagonal, or placed on it
    See: diagonal (a view), diag_embed, eye

    >>> diag(tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    if len(self.shape) == 1:
        return F.diag_embed(self, diagonal)
    if len(self.shape) != 2:
        raise TensorError(f"diag(): Supports 1D or 2D tensors. Got {len(self.shape)}D")
    return F.diagonal_copy(self, diagonal)


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


@structural(
    plan=_plan_scatter_window, grad=lambda grad, offset, dim1, dim2, F: F.diagonal(grad, offset, dim1, dim2), function=False, method=False, out=False
)
def diagonal_backward(xp, grad, shape: Size, offset: Int, dim1: Dim, dim2: Dim):
    """Zeros of `shape` with a diagonal set."""
    result = xp.zeros(shape, grad.dtype)
    part = Geometry(shape, contiguous_strides(shape)).diagonal(offset, dim1, dim2)
    backend.window(result, *backend.in_bytes(part, result.itemsize))[...] = grad
    return result


@structural(
    plan=_plan_scatter_window, grad=lambda grad, dim, size, step, F: F.unfold(grad, dim, size, step), function=False, method=False, out=False
)
def unfold_backward(xp, grad, shape: Size, dim: Dim, size: Int, step: Int):
    """Zeros of `shape` with every window added where it came from."""
    result = xp.zeros(shape, grad.dtype)
    part = Geometry(shape, contiguous_strides(shape)).unfolded(dim, size, step)
    windows = backend.window(result, *backend.in_bytes(part, result.itemsize))
    for i in range(size):  # windows overlap, so one element of each at a time
        windows[..., i] += grad[..., i]
    return result


def _flat_positions(xp, shape, strides, offset):
    positions = xp.asarray(offset)
    for size, stride in zip(shape, strides, strict=True):
        positions = positions[..., None] + xp.arange(size) * stride
    return positions.reshape(-1)


@structural(
    plan=lambda grad, shape, *rest: spec_of(grad.dtype, grad.device, shape),
    grad=lambda grad, shape, strides, from_shape, from_strides, shift, F: F.restride(grad, from_shape, from_strides, shape, strides, -shift),
    function=False,
    method=False,
    out=False,
)
def restride(xp, grad, shape: Size, strides: Size, from_shape: Size, from_strides: Size, shift: Int):
    """Values written through one geometry of a storage (added where slots meet), read back through another `shift` slots further on."""
    low = min(0, shift)
    length = max(extent(from_shape, from_strides), shift + extent(shape, strides)) - low
    buffer = xp.zeros(length, grad.dtype)
    add_at(xp, buffer, _flat_positions(xp, from_shape, from_strides, -low), grad.reshape(-1))
    places = _flat_positions(xp, shape, strides, shift - low)
    if len(shape) and any(st == 0 and n > 1 for n, st in zip(shape, strides, strict=True)):
        counts = xp.zeros(length, grad.dtype)
        add_at(xp, counts, places, grad.dtype.type(1))
        buffer /= xp.maximum(counts, 1)
    return buffer[places].reshape(shape)


def _unstrided(grad, self_spec, size, stride, storage_offset, F):
    """The gradient of `as_strided`; that of nothing has no history, as in torch."""
    return F.zeros_of(self_spec) if 0 in size else F.restride(grad, self_spec.sizes, self_spec.strides, size, stride, -storage_offset)


def _window(value, self_spec, size, stride, storage_offset, F):
    """The values that a geometry of self's storage shows."""
    return F.restride(value, size, stride, self_spec.sizes, self_spec.strides, storage_offset or 0)


def _plan_as_strided_scatter(self, src, size, stride, storage_offset):
    Geometry(tuple(self.shape), self.strides).strided(size, stride, storage_offset, extent(self.shape, self.strides), self.dtype.itemsize)
    if tuple(src.shape) != tuple(size):
        raise TensorError(f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = {list(size)}")
    return spec_of(self.dtype, self.device, self.shape, self.strides if self.dense else None)


@structural(
    plan=_plan_as_strided_scatter,
    self=lambda grad, self_spec, size, stride, storage_offset, F: grad
    - F.restride(_window(grad, self_spec, size, stride, storage_offset, F), self_spec.sizes, self_spec.strides, size, stride, -(storage_offset or 0)),
    src=lambda grad, self_spec, size, stride, storage_offset, F: _window(grad, self_spec, size, stride, storage_offset, F),
    out=False,
)
def as_strided_scatter(xp, self, src, size: Size, stride: Size, storage_offset: Int | None = None):
    """A copy of `self` whose part of the given geometry is `src`.

    Shapes: input's; src has the shape size
    Grad: input: 0 where src was written; src: the part of that geometry
    See: as_strided, index_put, scatter

    >>> as_strided_scatter(zeros(4), ones(2), (2,), (2,))
    tensor([1., 0., 1., 0.])
    """
    result = xp.array(self, order="K")
    raw = backend.bytes_of(result)
    part = backend.lens(raw, tuple(size), result.dtype, (storage_offset or 0) * result.itemsize, tuple(s * result.itemsize for s in stride))
    part[...] = real_for(src, result)
    return result
