"""Tensors put together, taken apart and turned in other ops' terms: stacks, splits, products over indices, diagonals, repeats."""

from __future__ import annotations

from itertools import combinations as _combinations
from itertools import combinations_with_replacement as _with_replacement
from itertools import pairwise
from math import comb, prod

from .. import backend, dtypes
from ..data import tensor
from ..errors import TensorError
from ..families.structural import composite, structural
from ..layout import wrap_dim
from ..spec import spec_of
from ..tensor import Tensor
from .contraction import contracted

# --- ranks ------------------------------------------------------------------------------------------------------------


@composite(method=False)
def atleast_1d(F, self):
    """The tensor with one dim at least; of several tensors, a tuple.

    Shapes: ()  ->  (1); any other as it is
    Storage: shares input's, nothing copied
    Grad: reshaped back
    See: atleast_2d, atleast_3d, unsqueeze

    >>> atleast_1d(tensor(2.))
    tensor([2.])
    """
    return self if self.shape else F.reshape(self, (1,))


@composite(method=False)
def atleast_2d(F, self):
    """The tensor with two dims at least, a vector as a row; of several tensors, a tuple.

    Shapes: ()  ->  (1, 1); (a)  ->  (1, a); any other as it is
    Storage: shares input's, nothing copied
    Grad: reshaped back
    See: atleast_1d, atleast_3d, unsqueeze

    >>> atleast_2d(tensor([1., 2.]))
    tensor([[1., 2.]])
    """
    if len(self.shape) == 1:
        return F.unsqueeze(self, 0)
    return self if self.shape else F.reshape(self, (1, 1))


@composite(method=False)
def atleast_3d(F, self):
    """The tensor with three dims at least: a vector as (1, a, 1), a matrix as (a, b, 1); of several tensors, a tuple.

    Shapes: ()  ->  (1, 1, 1); (a)  ->  (1, a, 1); (a, b)  ->  (a, b, 1); any other as it is
    Storage: shares input's, nothing copied
    Grad: reshaped back
    See: atleast_2d, dstack

    >>> atleast_3d(tensor([1., 2.])).shape
    torch.Size([1, 2, 1])
    """
    return self if len(self.shape) > 2 else _with_depth(F, self)


@composite(public="atleast_1d", method=False)
def atleast_1d_of(F, tensors: Spread):
    """Each tensor with one dim at least.

    >>> atleast_1d(tensor(2.), tensor([3.]))
    (tensor([2.]), tensor([3.]))
    """
    return tuple([F.atleast_1d(x) for x in tensors])


@composite(public="atleast_2d", method=False)
def atleast_2d_of(F, tensors: Spread):
    """Each tensor with two dims at least.

    >>> atleast_2d(tensor(2.), tensor([3.]))
    (tensor([[2.]]), tensor([[3.]]))
    """
    return tuple([F.atleast_2d(x) for x in tensors])


@composite(public="atleast_3d", method=False)
def atleast_3d_of(F, tensors: Spread):
    """Each tensor with three dims at least.

    >>> atleast_3d(tensor(2.), tensor([3.]))
    (tensor([[[2.]]]), tensor([[[3.]]]))
    """
    return tuple([F.atleast_3d(x) for x in tensors])


# --- stacks and splits ------------------------------------------------------------------------------------------------


@composite(method=False)
def column_stack(F, tensors: Tensors):
    """Joined along dim 1, vectors as columns.

    Shapes: (n), (n)  ->  (n, 2); (n, a), (n, b)  ->  (n, a + b)
    Grad: each input receives its slice
    See: hstack, vstack, stack

    >>> column_stack([tensor([1, 2]), tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    if not tensors:
        raise TensorError("column_stack expects a non-empty TensorList")
    return F.cat([F.reshape(x, (x.numel(), 1)) if len(x.shape) < 2 else x for x in tensors], 1)


@composite(method=False)
def dstack(F, tensors: Tensors):
    """Joined along dim 2, vectors as (1, n, 1).

    Shapes: (n), (n)  ->  (1, n, 2)
    Grad: each input receives its slice
    See: hstack, vstack, cat

    >>> dstack([tensor([1, 2]), tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
    """
    if not tensors:
        raise TensorError("dstack expects a non-empty TensorList")
    return F.cat([_with_depth(F, x) for x in tensors], 2)


def _with_depth(F, x):
    """The tensor with three dims at least: a vector as (1, n, 1), a matrix as (a, b, 1)."""
    if not x.shape:
        return F.reshape(x, (1, 1, 1))
    if len(x.shape) < 2:
        x = F.unsqueeze(x, 0)
    return F.unsqueeze(x, -1) if len(x.shape) < 3 else x


def _equal_parts(F, self, sections, dim, name):
    size = self.shape[dim]
    if sections <= 0 or size % sections:
        raise TensorError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {size} is not divisible by the split_size {sections}!"
        )
    return _parts(F, self, sections, dim)


def _parts(F, self, sections, dim):
    """So many parts along `dim`, the first ones longer by one where it does not come out even."""
    size, more = divmod(self.shape[dim], sections)
    backend.check_handles(sections)
    ends = [0]
    for i in range(sections):
        ends.append(ends[-1] + size + (i < more))
    return tuple([F.slice(self, dim, start, end, 1) for start, end in pairwise(ends)])


def _cut(F, self, places, dim):
    """The parts between places along `dim`."""
    size = self.shape[dim]
    starts, ends = [0, *places], [*places, size]
    return tuple([F.slice(self, dim, start, end, 1) for start, end in zip(starts, ends, strict=True)])


@composite()
def tensor_split(F, self, sections: Count, dim: Dim = 0) -> Tensors:
    """Parts along `dim`, as equal as can be, or cut at the given places; sharing storage.

    Shapes: (a, b), n  ->  n times (a / n, b), the first ones longer by one where it does not come out even
    Storage: shares input's, nothing copied
    Grad: placed into zeros at that part
    See: split, chunk, hsplit

    >>> tensor_split(arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if not self.shape:
        raise TensorError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    if sections <= 0:
        raise TensorError(f"number of sections must be larger than 0, got {sections}")
    return _parts(F, self, sections, wrap_dim(dim, len(self.shape)))


@composite(public="tensor_split")
def tensor_split_at(F, self, indices: Size, dim: Dim = 0) -> Tensors:
    """Parts along `dim`, cut at the given places; sharing storage.

    >>> tensor_split(arange(5), (1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    if not self.shape:
        raise TensorError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    return _cut(F, self, indices, wrap_dim(dim, len(self.shape)))


@composite(public="tensor_split")
def tensor_split_by(F, self, tensor_indices_or_sections, dim: Dim = 0) -> Tensors:
    """Parts along `dim`, their number or places given by a tensor.

    >>> tensor_split(arange(5), tensor([1, 3]))
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    given = tensor_indices_or_sections
    if given.spec.dtype is not dtypes.int64 or len(given.shape) > 1:
        raise TensorError(
            f"tensor_split expected tensor_indices_or_sections to have dtype of long, but got {given.spec.dtype.kernel_name}"
            if given.spec.dtype is not dtypes.int64
            else f"tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but got a tensor with {len(given.shape)} dims"
        )
    return F.tensor_split_at(self, tuple(given.tolist()), dim) if given.shape else F.tensor_split(self, given.item(), dim)


def _hsplit_dim(self):
    if not self.shape:
        raise TensorError("torch.hsplit requires a tensor with at least 1 dimension, but got a tensor with 0 dimensions!")
    return 0 if len(self.shape) == 1 else 1


@composite()
def hsplit(F, self, sections: Int) -> Tensors:
    """Equal parts along dim 1 (dim 0 of a vector), or cut at the given places; sharing storage.

    Shapes: (a, b), n  ->  n times (a, b / n)
    Storage: shares input's, nothing copied
    Grad: placed into zeros at that part
    See: vsplit, tensor_split, split

    >>> hsplit(arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    return _equal_parts(F, self, sections, _hsplit_dim(self), "hsplit")


@composite(public="hsplit")
def hsplit_at(F, self, indices: Size) -> Tensors:
    """Parts along dim 1 (dim 0 of a vector), cut at the given places.

    >>> hsplit(arange(4), (1,))
    (tensor([0]), tensor([1, 2, 3]))
    """
    return _cut(F, self, indices, _hsplit_dim(self))


def _split_dim(self, dims, name):
    if len(self.shape) < dims:
        raise TensorError(f"torch.{name} requires a tensor with at least {dims} dimension, but got a tensor with {len(self.shape)} dimensions!")
    return dims - 2 if name == "vsplit" else dims - 1


@composite()
def vsplit(F, self, sections: Int) -> Tensors:
    """Equal parts along dim 0, or cut at the given places; sharing storage.

    Shapes: (a, b), n  ->  n times (a / n, b)
    Storage: shares input's, nothing copied
    Grad: placed into zeros at that part
    See: hsplit, tensor_split, split

    >>> vsplit(eye(2), 2)
    (tensor([[1., 0.]]), tensor([[0., 1.]]))
    """
    return _equal_parts(F, self, sections, _split_dim(self, 2, "vsplit"), "vsplit")


@composite(public="vsplit")
def vsplit_at(F, self, indices: Size) -> Tensors:
    """Parts along dim 0, cut at the given places.

    >>> vsplit(eye(2), (1,))
    (tensor([[1., 0.]]), tensor([[0., 1.]]))
    """
    return _cut(F, self, indices, _split_dim(self, 2, "vsplit"))


@composite()
def dsplit(F, self, sections: Int) -> Tensors:
    """Equal parts along dim 2, or cut at the given places; sharing storage.

    Shapes: (a, b, c), n  ->  n times (a, b, c / n)
    Storage: shares input's, nothing copied
    Grad: placed into zeros at that part
    See: hsplit, vsplit, tensor_split

    >>> [t.shape for t in dsplit(ones(1, 2, 4), 2)]
    [torch.Size([1, 2, 2]), torch.Size([1, 2, 2])]
    """
    return _equal_parts(F, self, sections, _split_dim(self, 3, "dsplit"), "dsplit")


@composite(public="dsplit")
def dsplit_at(F, self, indices: Size) -> Tensors:
    """Parts along dim 2, cut at the given places.

    >>> [t.shape for t in dsplit(ones(1, 2, 4), (1,))]
    [torch.Size([1, 2, 1]), torch.Size([1, 2, 3])]
    """
    return _cut(F, self, indices, _split_dim(self, 3, "dsplit"))


# --- flips and turns --------------------------------------------------------------------------------------------------


@composite()
def fliplr(F, self):
    """The columns in reverse order, copied.

    Shapes: (a, b, ...); kept
    See: flipud, flip

    >>> fliplr(tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if len(self.shape) < 2:
        raise TensorError("Input must be >= 2-d.")
    return F.flip(self, (1,))


@composite()
def flipud(F, self):
    """The rows in reverse order, copied.

    Shapes: (a, ...); kept
    See: fliplr, flip

    >>> flipud(tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    if not self.shape:
        raise TensorError("Input must be >= 1-d.")
    return F.flip(self, (0,))


# --- combinations -----------------------------------------------------------------------------------------------------


@composite(method=False)
def cartesian_prod(F, tensors: Spread):
    """All combinations of one element of each vector, as rows.

    Shapes: (a), (b)  ->  (a * b, 2)
    See: combinations, meshgrid

    >>> cartesian_prod(tensor([1, 2]), tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    if not tensors:
        raise TensorError("meshgrid expects a non-empty TensorList")
    for x in tensors:
        if len(x.shape) != 1:
            raise TensorError(f"Expect a 1D vector, but got shape {list(x.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    sizes = tuple(x.shape[0] for x in tensors)
    grids = [F.expand(F.reshape(x, tuple(-1 if i == at else 1 for i in range(len(tensors)))), sizes) for at, x in enumerate(tensors)]
    return F.stack([F.reshape(grid, (prod(sizes),)) for grid in grids], 1)


@composite(method=False)
def combinations(F, self, r: Int = 2, with_replacement: Bool = False):
    """All choices of `r` elements of a vector in order, as rows.

    Shapes: (n)  ->  (n over r, r)
    See: cartesian_prod

    >>> combinations(tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if len(self.shape) != 1:
        raise TensorError(f"Expect a 1D vector, but got shape {list(self.shape)}")
    if r < 0:
        raise TensorError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return F.slice(self, 0, 0, 0, 1)
    count = comb(self.shape[0] + r - 1, r) if with_replacement else comb(self.shape[0], r)
    backend.check_handles(count * r)  # the choices are listed as Python's integers before the elements are taken
    choices = list((_with_replacement if with_replacement else _combinations)(range(self.shape[0]), r))
    columns = [tensor([choice[k] for choice in choices], dtype=dtypes.int64, device=self.device) for k in range(r)]
    return F.stack([F.index_select(self, 0, column) for column in columns], 1)


def _plan_block_diag(tensors):
    for i, x in enumerate(tensors):
        if x.ndim > 2:
            raise TensorError(f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {x.ndim} dimensions")
    if not tensors:
        return spec_of(dtypes.get_default_dtype(), backend.CPU, (1, 0))
    blocks = [_block(x.shape) for x in tensors]
    d = dtypes.result_type([x.dtype for x in tensors], [], [])
    return spec_of(d, tensors[0].device, (sum(n for n, _ in blocks), sum(m for _, m in blocks)))


def _block(shape):
    """Rows and columns of a block: a vector is a row."""
    return (1, 1) if not shape else (1, shape[0]) if len(shape) == 1 else tuple(shape)


def _block_diag_grads(grad, tensors_spec, needs, F):
    grads, top, left = [], 0, 0
    for spec, need in zip(tensors_spec, needs, strict=True):
        rows, columns = _block(spec.shape)
        part = F.slice(F.slice(grad, 0, top, top + rows, 1), 1, left, left + columns, 1) if need else None
        grads.append(None if part is None else F.reshape(part, spec.sizes))
        top, left = top + rows, left + columns
    return grads


@structural(plan=_plan_block_diag, grads=_block_diag_grads, method=False, out=False)
def block_diag(xp, tensors: Spread):
    """Matrices along the diagonal of a larger one, 0 elsewhere; vectors are rows.

    Shapes: (a, b), (c, d)  ->  (a + c, b + d)
    Grad: each input receives its block
    See: diag_embed, kron

    >>> block_diag(ones(1, 2), tensor([[5.]]))
    tensor([[1., 1., 0.],
            [0., 0., 5.]])
    """
    if not tensors:
        return xp.zeros((1, 0), backend.NUMPY[dtypes.get_default_dtype()])
    blocks = [x.reshape(_block(x.shape)) for x in tensors]
    found = xp.zeros((sum(x.shape[0] for x in blocks), sum(x.shape[1] for x in blocks)), xp.result_type(*[x.dtype for x in blocks]))
    top = left = 0
    for x in blocks:
        found[top : top + x.shape[0], left : left + x.shape[1]] = x
        top, left = top + x.shape[0], left + x.shape[1]
    return found


# --- products over indices --------------------------------------------------------------------------------------------


@composite()
def inner(F, self, other):
    """Sums of products over the last dim of both.

    Shapes: (a, n), (b, n)  ->  (a, b)
    See: dot, tensordot, einsum

    >>> inner(tensor([1., 2.]), tensor([3., 4.]))
    tensor(11.)
    """
    if not self.shape or not other.shape:
        return self * other
    if self.shape[-1] != other.shape[-1]:
        raise TensorError(f"inner() the last dimension must match on both input tensors but got shapes {list(self.shape)} and {list(other.shape)}")
    return contracted(F, self, other, (len(self.shape) - 1,), (len(other.shape) - 1,))


@composite()
def kron(F, self, other):
    """Every element of the first times the whole of the second.

    Shapes: (a, b), (c, d)  ->  (a * c, b * d)
    See: outer, block_diag

    >>> kron(eye(2), tensor([[1., 2.]]))
    tensor([[1., 2., 0., 0.],
            [0., 0., 1., 2.]])
    """
    n = max(len(self.shape), len(other.shape))
    a = (1,) * (n - len(self.shape)) + tuple(self.shape)
    b = (1,) * (n - len(other.shape)) + tuple(other.shape)
    left = F.reshape(self, tuple(s for size in a for s in (size, 1)))
    right = F.reshape(other, tuple(s for size in b for s in (1, size)))
    return F.unsafe_view(left * right, tuple(x * y for x, y in zip(a, b, strict=True)))


# --- diagonals --------------------------------------------------------------------------------------------------------


@composite()
def diagflat(F, self, offset: Int = 0):
    """A matrix with all elements on a diagonal, 0 elsewhere.

    Shapes: any with n elements  ->  (n, n)
    See: diag, diag_embed

    >>> diagflat(tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    return F.diag_embed(F.reshape(self, (self.numel(),)), offset, 0, 1)


def _pairs(F, y, x, dim, name):
    """(sums of neighbours along `dim`, the steps between their places or None where they are evenly spaced)."""
    n = y.shape[dim]
    sums = F.slice(y, dim, 0, n - 1, 1) + F.slice(y, dim, 1, n, 1)
    if x is None:
        return sums, None
    if len(x.shape) == 1 and x.shape[0] != n:
        raise TensorError(f"{name}: There must be one `x` value for each sample point")
    if len(x.shape) == 1 and len(y.shape) > 1:
        x = F.reshape(x, tuple(n if d == dim else 1 for d in range(len(y.shape))))
    at = wrap_dim(dim - len(y.shape), len(x.shape))
    m = x.shape[at]
    return sums, F.slice(x, at, 1, m, 1) - F.slice(x, at, 0, m - 1, 1)


def _refuse_bools(y, x, name):
    if any(t is not None and t.spec.dtype is dtypes.bool_ for t in (y, x)):
        raise TensorError(f"{name}: received a bool input for `{'y' if x is None else 'x` or `y'}`, but bool is not supported")


@composite(method=False)
def trapezoid(F, y, x: Tensor | None = None, *, dx: Scalar = 1, dim: Dim = -1):
    """The area under points along `dim` by straight lines between them; `x` are their places, else `dx` apart.

    Shapes: (..., n)  ->  (...)
    See: cumsum, diff

    >>> trapezoid(tensor([1., 3., 5.]))
    tensor(6.)
    """
    _refuse_bools(y, x, "trapezoid")
    dim = wrap_dim(dim, len(y.shape))
    if not y.shape[dim]:
        return F.sum_dim(y, (dim,), False)
    sums, steps = _pairs(F, y, x, dim, "trapezoid")
    if steps is None:
        return F.mul_number(F.sum_dim(sums, (dim,), False), dx / 2.0)
    return F.div_number(F.sum_dim(sums * steps, (dim,), False), 2.0)


@composite(method=False)
def cumulative_trapezoid(F, y, x: Tensor | None = None, *, dx: Scalar = 1, dim: Dim = -1):
    """The area under points along `dim` up to each of them, from the second on.

    Shapes: (..., n)  ->  (..., n - 1)
    See: trapezoid, cumsum

    >>> cumulative_trapezoid(tensor([1., 3., 5.]))
    tensor([2., 6.])
    """
    _refuse_bools(y, x, "cumulative_trapezoid")
    dim = wrap_dim(dim, len(y.shape))
    sums, steps = _pairs(F, y, x, dim, "cumulative_trapezoid")
    if steps is None:
        return F.cumsum(F.mul_number(sums, dx / 2.0), dim)
    return F.div_number(F.cumsum(sums * steps, dim), 2.0)


# --- counts -----------------------------------------------------------------------------------------------------------


@composite()
def sum_to_size(F, self, size: Size):
    """Summed over the dims that broadcasting `size` would grow.

    Shapes: (a, b), size (b)  ->  (b)
    Grad: expanded back
    See: sum, expand

    >>> ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    shape = tuple(self.shape)
    if len(size) > len(shape) or any(n not in (1, m) for n, m in zip(size[::-1], shape[::-1], strict=False)):
        raise TensorError(f"size {{{list(size)}}} is not expandable to size {{{list(shape)}}}.")
    if not size:
        return F.sum(self)
    leading = len(shape) - len(size)
    dims = [d for d, n in enumerate(shape) if d < leading or (size[d - leading] == 1 and n != 1)]
    if not dims:
        return self
    found = F.sum_dim(self, tuple(dims), True)
    return F.view(found, tuple(size)) if leading else found
