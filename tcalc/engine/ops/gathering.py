"""Elements picked along a dim and what their gradients add up: gather, index_select, take."""

from __future__ import annotations

from .. import dtypes
from ..at import add_at
from ..backend import within
from ..dtypes import INT
from ..errors import TensorError, TensorIndexError
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, elementwise_strides, wrap_dim
from ..spec import spec_of
from ..tensor import Tensor


def _check_gather(self, dim, index, name="gather"):
    if index.dtype.category != INT:
        raise TensorError(f"{name}(): Expected dtype int32/int64 for index")
    if not index.numel:
        return
    if index.ndim != self.ndim and (index.ndim or 1) != (self.ndim or 1):
        raise TensorError(f"Index tensor must have the same number of dimensions as {'input' if name == 'gather' else 'self'} tensor")
    dim = wrap_dim(dim, self.ndim)
    for d in range(self.ndim):
        if d != dim and index.shape[d] > self.shape[d]:
            raise TensorError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self {list(self.shape)} apart from dimension {dim}"
            )


def _plan_gather(self, dim, index):
    _check_gather(self, dim, index)
    return spec_of(self.dtype, self.device, index.shape)


def _grid(xp, dim, index):
    """Full index arrays: `index` along `dim`, the place itself along the others."""
    if not index.ndim:
        return (index,)
    places = list(xp.ogrid[tuple(slice(0, n) for n in index.shape)])
    places[dim % index.ndim] = index
    return tuple(places)


def _bounded(self_shape, dim, index):
    if index.size:
        dim = wrap_dim(dim, len(self_shape))
        size = self_shape[dim] if self_shape else 1
        within(index, 0, size, lambda bad: TensorError(f"index {bad} is out of bounds for dimension {dim} with size {size}"))


@structural(apart=True, plan=_plan_gather, self=lambda grad, self_spec, dim, index, F: F.scatter_add_to(self_spec.sizes, dim, index, grad))
def gather(xp, self, dim: Dim, index):
    """Elements picked along `dim`: result[i][j] = self[index[i][j]][j] for dim 0.

    Shapes: index's, at most input's except along dim
    Grad: added to the places that were picked
    See: take_along_dim, index_select, scatter

    >>> gather(tensor([[1, 2], [3, 4]]), 1, tensor([[1], [0]]))
    tensor([[2],
            [3]])
    """
    if not self.ndim:
        _bounded((), 0, index)
        return self.reshape(-1)[index.reshape(-1)].reshape(index.shape)
    if not index.size:
        return xp.zeros(index.shape, self.dtype)
    dim %= self.ndim
    _bounded(self.shape, dim, index)
    return self[_grid(xp, dim, index)]


@structural(
    plan=lambda shape, dim, index, src: spec_of(src.dtype, src.device, shape),
    src=lambda grad, dim, index, F: F.gather(grad, dim, index),
    function=False,
    method=False,
    out=False,
)
def scatter_add_to(xp, shape: Size, dim: Dim, index, src):
    """Zeros of `shape` with `src` added at the places `index` names along `dim`."""
    result = xp.zeros(shape, widened(src.dtype))
    if isinstance(index, Tensor):
        index = index.a
    if not shape:
        return result + src.reshape(())
    if not index.size:
        return result
    _bounded(shape, dim, index)  # what was saved may have been given other data since
    add_at(xp, result, _grid(xp, dim, index), src)
    return result


def widened(d):
    """The array dtype in which many values are added up at one place: float32 for 16-bit floats."""
    return "float32" if d.itemsize == 2 and d.kind not in "iu" else d


def _fresh(self):
    return spec_of(self.dtype, self.device, self.shape)


def _check_index_vector(name, index):
    if index.dtype.name not in ("int32", "int64"):
        raise TensorError(f"{name}(): Expected dtype int32 or int64 for index")
    if index.ndim > 1:
        detail = "" if name == "index_select" else f", but got dim: {index.ndim}"
        raise TensorIndexError(f"{name}(): Index is supposed to be a vector{detail}")


def _plan_index_select(self, dim, index):
    dim = wrap_dim(dim, self.ndim)
    _check_index_vector("index_select", index)
    if not self.ndim and index.numel != 1:
        raise TensorError(f"index_select(): Index to scalar can have only 1 value, got {index.numel} value(s)")
    return spec_of(self.dtype, self.device, (*self.shape[:dim], index.numel, *self.shape[dim + 1 :]) if self.ndim else ())


@structural(
    apart=True,
    plan=_plan_index_select, out_rule="scalar type", self=lambda grad, self_spec, dim, index, F: F.index_add_to(self_spec.sizes, dim, index, grad)
)
def index_select(xp, self, dim: Dim, index):
    """Slices picked along `dim` by a vector of places.

    Shapes: (a, b), dim=0, index (n)  ->  (n, b)
    Grad: added to the slices that were picked
    See: gather, take, narrow (a view)

    >>> index_select(tensor([[1, 2], [3, 4]]), 1, tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    size = self.shape[dim] if self.ndim else 1
    if self.size or self.ndim < 2:
        within(index, 0, size, lambda bad: TensorIndexError("index out of range in self"))
    elif index.size and not size:
        raise TensorError("index_select(): self indexing axis dim should be positive")
    else:
        within(index, 0, size, lambda bad: TensorError(f"INDICES element is out of DATA bounds, id={bad} axis_dim={size}"))
    return xp.take(self, index.reshape(-1), axis=dim) if self.ndim else self.copy()


@structural(
    plan=lambda shape, dim, index, src: spec_of(src.dtype, src.device, shape),
    src=lambda grad, dim, index, F: F.index_select(grad, dim, index),
    function=False,
    method=False,
    out=False,
)
def index_add_to(xp, shape: Size, dim: Dim, index, src):
    """Zeros of `shape` with the slices of `src` added at the places of `index` along `dim`."""
    result = xp.zeros(shape, src.dtype)
    if not shape:
        return result + src
    add_at(xp, result, (slice(None),) * (dim % len(shape)) + (index.reshape(-1),), src)
    return result


def _plan_take(self, index):
    if index.dtype is not dtypes.int64:
        raise TensorError(f"take(): Expected a long tensor for index, but got {index.dtype.kernel_name}")
    if not self.numel and index.numel:
        raise TensorIndexError("take(): tried to take from an empty tensor")
    return spec_of(self.dtype, self.device, index.shape, elementwise_strides(tuple(index.shape), ((tuple(index.shape), index.strides),)))


@structural(
    apart=True,
    plan=_plan_take,
    out_rule="take",
    self=lambda grad, self_spec, index, F: F.reshape(F.index_backward(grad, (self_spec.numel,), [index]), self_spec.sizes),
)
def take(xp, self, index):
    """Elements of the flattened tensor by place.

    Shapes: index's
    Grad: added to the places that were picked
    See: gather, index_select

    >>> take(tensor([[1, 2], [3, 4]]), tensor([3, 0]))
    tensor([4, 1])
    """
    size = self.size
    within(index, -size, size, lambda bad: TensorIndexError(f"out of range: tried to access index {bad} on a tensor of {size} elements."))
    return self.reshape(-1)[index]


@composite()
def take_along_dim(F, self, indices, dim: Dim | None = None):
    """Elements picked along `dim` by places of the same rank, as argsort gives them.

    Shapes: indices and input broadcast except along dim
    Grad: added to the places that were picked
    See: gather, argsort

    >>> take_along_dim(tensor([[3, 1, 2]]), tensor([[1, 2, 0]]), 1)
    tensor([[1, 2, 3]])
    """
    if dim is None:
        return F.gather(F.view(self, (-1,)), 0, F.view(indices, (-1,)))
    dim = wrap_dim(dim, len(self.shape))
    shape = list(broadcast_shapes(tuple(n if d != dim else 1 for d, n in enumerate(self.shape)), tuple(n if d != dim else 1 for d, n in enumerate(indices.shape))))
    mine, theirs = list(shape), list(shape)
    mine[dim], theirs[dim] = self.shape[dim], indices.shape[dim]
    size = self.shape[dim]
    return F.gather(F.expand(self, tuple(mine)), dim, F.remainder(F.expand(indices, tuple(theirs)), size) if size else indices)
