"""Pieces of a tensor along a dim, tensors joined into one, and elements repeated."""

from __future__ import annotations

from .. import backend, dtypes
from ..errors import TensorError, TensorIndexError, TensorValueError
from ..families.structural import composite, structural
from ..families.view import view
from ..layout import Size, strides_in_order, suggests_channels_last, wrap_dim
from ..spec import spec_of

# --- pieces -----------------------------------------------------------------------------------------------------------


def _pieces(geom, dim, sizes):
    parts, start = [], 0
    for size in sizes:
        parts.append(geom.sliced(dim, start, start + size))
        start += size
    return parts


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
def chunk(F, self, chunks: Count, dim: Dim = 0) -> Tensors:
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


# --- joined -----------------------------------------------------------------------------------------------------------


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
    last = all(suggests_channels_last(s.shape, s.strides) for s in tensors)
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
    try:
        return xp.concatenate(tensors, axis=dim)
    except ValueError:  # empty ones of one dim go with any
        ndim = max([a.ndim for a in tensors])
        return xp.concatenate([a for a in tensors if a.ndim == ndim], axis=dim)
    except TypeError:
        return xp.concatenate(_alike(tensors), axis=dim)


def _alike(arrays):
    """Arrays in their common dtype, where NumPy knows of none: bfloat16 beside others."""
    common = backend.NUMPY[dtypes.result_type([backend.dtype_of(a.dtype) for a in arrays], [], [])]
    return [a.astype(common, copy=False) for a in arrays]


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
    shape = (*first.shape[:dim], len(tensors), *first.shape[dim:])
    last = dim == first.ndim == 3 and all(suggests_channels_last(*_with_dim(s, dim)) for s in tensors)  # where torch calls cat
    return spec_of(d, first.device, shape, strides_in_order(shape, (1, 3, 2, 0)) if last else None)


def _with_dim(spec, dim):
    """Shape and strides with another dim of one element, as unsqueeze gives it."""
    shape, strides = spec.sizes, spec.strides
    step = shape[dim] * strides[dim] if dim < len(shape) else 1
    return (*shape[:dim], 1, *shape[dim:]), (*strides[:dim], step, *strides[dim:])


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
    try:
        return xp.stack(tensors, axis=dim)
    except TypeError:
        return xp.stack(_alike(tensors), axis=dim)


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


# --- repeated ---------------------------------------------------------------------------------------------------------


def _fresh_like(self, shape=None):
    return spec_of(self.dtype, self.device, self.shape if shape is None else shape)


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
