"""Diagonals and triangles of matrices, and matrices made of a diagonal."""

from __future__ import annotations

from .. import backend
from ..errors import TensorError
from ..families.structural import composite, structural
from ..families.view import view
from ..layout import Geometry, Size, contiguous_strides, wrap_dim
from .joining import _fresh_like
from .shape import _plan_scatter_window


@view(
    self=lambda grad, self_spec, offset, dim1, dim2, F: F.diagonal_backward(grad, self_spec.sizes, offset, dim1, dim2),
)
def diagonal(geom, offset: Count = 0, dim1: Dim = 0, dim2: Dim = 1):
    """The diagonal of two dims as a new last dim, sharing storage.

    Shapes: (n, n)  ->  (n), (b, n, n), dim1=1, dim2=2  ->  (b, n)
    Grad: placed on the diagonal of zeros
    See: diag (copies), diag_embed, trace

    >>> diagonal(tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return geom.diagonal(offset, dim1, dim2)


@structural(
    plan=_plan_scatter_window, grad=lambda grad, offset, dim1, dim2, F: F.diagonal(grad, offset, dim1, dim2), function=False, method=False, out=False
)
def diagonal_backward(xp, grad, shape: Size, offset: Int, dim1: Dim, dim2: Dim):
    """Zeros of `shape` with a diagonal set."""
    result = xp.zeros(shape, grad.dtype)
    part = Geometry(shape, contiguous_strides(shape)).diagonal(offset, dim1, dim2)
    backend.window(result, *backend.in_bytes(part, result.itemsize))[...] = grad
    return result


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
