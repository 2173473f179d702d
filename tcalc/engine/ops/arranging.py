"""Elements in another order: dims moved or spread over several, reversed, rolled and turned."""

from __future__ import annotations

from ..errors import TensorError, TensorIndexError
from ..families.structural import composite, structural
from ..layout import like_strides, wrap_dim, wrap_dims
from ..spec import spec_of
from .joining import _fresh_like


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


def _plan_rot90(self, k, dims):
    if len(dims) != 2:
        raise TensorError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if self.ndim < 2:
        raise TensorError(f"expected total dims >= 2, but got total dims = {self.ndim}")
    a, b = dims
    if a == b or abs(a - b) == self.ndim:
        raise TensorError(f"expected rotation dims to be different, but got dim0 = {a} and dim1 = {b}")
    for name, d in (("dim0", a), ("dim1", b)):
        if not -self.ndim <= d < self.ndim:
            raise TensorError(f"Rotation {name} out of range, {name} = {d}")
    a, b = wrap_dims(dims, self.ndim)
    shape, strides = list(self.shape), list(self.strides)
    if k % 2:
        shape[a], shape[b] = shape[b], shape[a]
        strides[a], strides[b] = strides[b], strides[a]
    if k % 4 == 0:
        return spec_of(self.dtype, self.device, self.shape)
    return spec_of(self.dtype, self.device, tuple(shape), like_strides(tuple(shape), tuple(strides)))


@structural(plan=_plan_rot90, self=lambda grad, k, dims, F: F.rot90(grad, -k, dims), out=False)
def rot90(xp, self, k: Int = 1, dims: Size = (0, 1)):
    """Turned by `k` quarter turns from the first of `dims` towards the second, copied.

    Shapes: (a, b)  ->  (b, a) for odd k
    See: flip, transpose

    >>> rot90(tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    return xp.rot90(self, k, tuple(dims)).copy()
