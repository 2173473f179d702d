"""The `_copy` forms of the view ops: the same elements in memory of their own."""

from __future__ import annotations

from ..errors import TensorError, TensorIndexError
from ..families.copies import copies
from ..families.structural import composite, structural
from ..families.view import view
from ..layout import wrap_dim
from ..spec import spec_of
from .complex_numbers import view_as_real
from .diagonals import diagonal
from .joining import chunk_size, split, split_sizes, unbind
from .shape import alias_, expand, permute, select, slice_, squeeze, squeeze_dim, squeeze_dims, t, transpose, unsqueeze, view_
from .strided import as_strided, unfold


@copies(alias_)
def alias_copy():
    """The elements in memory of their own.

    Shapes: any; kept
    Grad: that of `alias`
    See: clone, detach

    >>> alias_copy(tensor([1., 2.]))
    tensor([1., 2.])
    """


@copies(as_strided)
def as_strided_copy():
    """What `as_strided` shows, copied.

    Shapes: any, size (c, d)  ->  (c, d)
    Grad: that of `as_strided`
    See: as_strided, clone

    >>> as_strided_copy(arange(6), (2, 2), (2, 1))
    tensor([[0, 1],
            [2, 3]])
    """


@copies(diagonal)
def diagonal_copy():
    """The diagonal of two dims as a new last dim, copied.

    Shapes: (n, n)  ->  (n)
    Grad: that of `diagonal`
    See: diagonal, diag

    >>> diagonal_copy(tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """


@copies(expand)
def expand_copy():
    """Dims of size 1 repeated, copied.

    Shapes: (a, 1), size (a, b)  ->  (a, b)
    Grad: that of `expand`
    See: expand, repeat

    >>> expand_copy(tensor([[1], [2]]), (2, 2))
    tensor([[1, 1],
            [2, 2]])
    """


@copies(permute)
def permute_copy():
    """Dims in another order, copied.

    Shapes: (a, b, c), dims (2, 0, 1)  ->  (c, a, b)
    Grad: that of `permute`
    See: permute, contiguous

    >>> permute_copy(ones(2, 3, 4), (2, 0, 1)).stride()
    (6, 3, 1)
    """


@copies(select)
def select_copy():
    """One slice along `dim`, copied, without that dim.

    Shapes: (a, b, c), dim=1  ->  (a, c)
    Grad: that of `select`
    See: select, index_select

    >>> select_copy(tensor([[1, 2], [3, 4]]), 0, 1)
    tensor([3, 4])
    """


@copies(slice_, function=True)
def slice_copy():
    """Elements start, start + step, ... below stop along `dim`, copied.

    Shapes: (a, b), dim 0, 1, 3  ->  (2, b)
    Grad: that of `slice`
    See: narrow_copy, select_copy

    >>> slice_copy(arange(6), 0, 1, 6, 2)
    tensor([1, 3, 5])
    """


@copies(split)
def split_copy():
    """Pieces of `split_size` along `dim`, the last one smaller, each copied.

    Shapes: (n, a), split_size s  ->  pieces of (s, a), the last smaller
    Grad: that of `split`
    See: split, chunk

    >>> split_copy(arange(3), 2)
    (tensor([0, 1]), tensor([2]))
    """


@copies(split_sizes, public="split_with_sizes_copy")
def split_with_sizes_copy():
    """Pieces of the given sizes along `dim`, each copied.

    Shapes: (n, a), sizes (s, t)  ->  (s, a), (t, a)
    Grad: that of `split_with_sizes`
    See: split_with_sizes, split_copy

    >>> split_with_sizes_copy(arange(3), (1, 2))
    (tensor([0]), tensor([1, 2]))
    """


@copies(squeeze, node="SqueezeBackward0_copy")
def squeeze_copy():
    """Without the dims of size 1, copied.

    Shapes: (1, a, 1)  ->  (a)
    Grad: that of `squeeze`
    See: squeeze, unsqueeze_copy

    >>> squeeze_copy(ones(1, 3, 1)).shape
    torch.Size([3])
    """


@copies(squeeze_dim, public="squeeze_copy")
def squeeze_dim_copy():
    """Without dim `dim` when its size is 1, copied.

    >>> squeeze_copy(ones(1, 3, 1), 0).shape
    torch.Size([3, 1])
    """


@copies(squeeze_dims, public="squeeze_copy")
def squeeze_dims_copy():
    """Without those of several dims whose size is 1, copied.

    >>> squeeze_copy(ones(1, 3, 1), (0, 2)).shape
    torch.Size([3])
    """


@copies(t)
def t_copy():
    """A matrix transposed, copied.

    Shapes: (a, b)  ->  (b, a)
    Grad: that of `t`
    See: t, transpose_copy

    >>> t_copy(tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """


@copies(transpose)
def transpose_copy():
    """Two dims swapped, copied.

    Shapes: (a, b, c), 0, 2  ->  (c, b, a)
    Grad: that of `transpose`
    See: transpose, permute_copy

    >>> transpose_copy(tensor([[1, 2], [3, 4]]), 0, 1)
    tensor([[1, 3],
            [2, 4]])
    """


@copies(unbind)
def unbind_copy():
    """The slices along `dim`, each copied.

    Shapes: (a, b)  ->  a times (b)
    Grad: that of `unbind`
    See: unbind, select_copy

    >>> unbind_copy(tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """


@copies(unfold, function=True)
def unfold_copy():
    """Windows of `size` every `step` along a dim, copied; the window is the last dim.

    Shapes: (a), size s, step t  ->  ((a - s) // t + 1, s)
    Grad: that of `unfold`
    See: as_strided_copy

    >>> unfold_copy(arange(4), 0, 3, 1)
    tensor([[0, 1, 2],
            [1, 2, 3]])
    """


@copies(unsqueeze)
def unsqueeze_copy():
    """A new dim of size 1 at `dim`, copied.

    Shapes: (a, b), dim=1  ->  (a, 1, b)
    Grad: that of `unsqueeze`
    See: unsqueeze, squeeze_copy

    >>> unsqueeze_copy(ones(2, 3), 1).shape
    torch.Size([2, 1, 3])
    """


@copies(view_, function=True)
def view_copy():
    """The elements in another shape, copied; one size may be -1.

    Shapes: (a, b), size (b, a)  ->  (b, a)
    Grad: that of `view`
    See: reshape, clone

    >>> view_copy(tensor([[1, 2], [3, 4]]), (4,))
    tensor([1, 2, 3, 4])
    """


@copies(view_as_real)
def view_as_real_copy():
    """Complex numbers as pairs in a last dim of 2, copied.

    Shapes: (a)  ->  (a, 2)
    Grad: that of `view_as_real`
    See: view_as_real, real

    >>> view_as_real_copy(tensor([1+2j]))
    tensor([[1., 2.]])
    """


def _from_front(start, size):
    """A place counted from the end as one counted from the front."""
    return start + size if start < 0 else start


def _plan_narrow(self, dim, start, length):
    if not self.ndim:
        raise TensorError("narrow() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, self.ndim)
    size = self.shape[dim]
    if not -size <= start <= size:
        raise TensorIndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start = _from_front(start, size)
    if length < 0 or start + length > size:
        raise TensorError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return spec_of(self.dtype, self.device, (*self.shape[:dim], length, *self.shape[dim + 1 :]))


@structural(
    plan=_plan_narrow,
    self=lambda grad, self_spec, dim, start, length, F: F.slice_backward(
        grad, self_spec.sizes, dim, _from_front(start, self_spec.shape[dim]), _from_front(start, self_spec.shape[dim]) + length, 1
    ),
)
def narrow_copy(xp, self, dim: Dim, start: Int, length: Int):
    """`length` elements from `start` along `dim`, copied.

    Shapes: (a, b), dim=1, length n  ->  (a, n)
    Grad: placed into zeros at that part
    See: narrow, select_copy

    >>> narrow_copy(tensor([1, 2, 3, 4]), 0, 1, 2)
    tensor([2, 3])
    """
    places = [slice(None)] * self.ndim
    first = _from_front(start, self.shape[dim])
    places[dim] = slice(first, first + length)
    return self[tuple(places)].copy()


# --- pieces that are no views for autograd ----------------------------------------------------------------------------


@view(tracked=False, grads=lambda grad, dim, F: [F.cat(grad, dim)])
def unsafe_split(geom, split_size: Int, dim: Dim = 0) -> Tensors:
    """Pieces as `split` gives them, on the same memory but no views for autograd: one written in place changes no other's history.

    Shapes: (n, a), split_size s  ->  pieces of (s, a), the last smaller
    Grad: the pieces' gradients joined again
    See: split, unsafe_chunk

    >>> unsafe_split(arange(3), 2)
    (tensor([0, 1]), tensor([2]))
    """
    return split.kernel(geom, split_size, dim)


@view(tracked=False, grads=lambda grad, dim, F: [F.cat(grad, dim)])
def unsafe_split_with_sizes(geom, split_size: Size, dim: Dim = 0) -> Tensors:
    """Pieces of the given sizes, on the same memory but no views for autograd.

    Shapes: (n, a), sizes (s, t)  ->  (s, a), (t, a)
    Grad: the pieces' gradients joined again
    See: split_with_sizes, unsafe_split

    >>> unsafe_split_with_sizes(arange(3), (1, 2))
    (tensor([0]), tensor([1, 2]))
    """
    return split_sizes.kernel(geom, split_size, dim)


@composite()
def unsafe_chunk(F, self, chunks: Int, dim: Dim = 0) -> Tensors:
    """`chunks` pieces of one size, the last one smaller, on the same memory but no views for autograd.

    Shapes: (n, a), chunks k  ->  k pieces of (n / k, a)
    Storage: shares input's, nothing copied
    Grad: the pieces' gradients joined again
    See: chunk, unsafe_split

    >>> unsafe_chunk(arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    size = chunk_size(self, chunks, dim)
    return F.unsafe_split(self, size, dim) if size else F.unsafe_split_with_sizes(self, (0,) * chunks, dim)
