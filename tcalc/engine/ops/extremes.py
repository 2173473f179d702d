"""The largest and smallest elements over dims, and where they are."""

from __future__ import annotations

from .. import dtypes
from ..errors import TensorIndexError, TensorNotImplemented
from ..families.common import no_kernel, refuses
from ..families.reduction import reduction
from ..families.structural import composite, structural
from ..layout import reduced_shape, wrap_dim
from ..spec import spec_of
from .reduce import spread


def _even_share(grad, self, self_spec, result, dim, keepdim, F):
    """The gradient split evenly among the elements that reach the extreme."""
    axes = tuple(range(self_spec.ndim)) if dim is None else dim
    mask = self == spread(result, self_spec, axes, keepdim, F)
    counts = F.sum_dim(F.cast(mask, self_spec.dtype), axes, True)
    return spread(grad, self_spec, axes, keepdim, F) * mask / counts


@reduction(
    public="max", overload=1, empty_ok=False, self=lambda grad, self, self_spec, result, F: _even_share(grad, self, self_spec, result, None, False, F), out=False, real_only=no_kernel("max_all"),
)
def max_(xp, self):
    """The largest element; nan wins.

    Grad: to the largest element; equal ones share it (with dim, the one at indices gets all)
    See: min, amax, argmax, maximum (of two tensors)

    >>> max(tensor([1., 5., 3.]))
    tensor(5.)
    """
    return self.max()


@reduction(
    public="min", overload=1, empty_ok=False, self=lambda grad, self, self_spec, result, F: _even_share(grad, self, self_spec, result, None, False, F), out=False, real_only=no_kernel("min_all"),
)
def min_(xp, self):
    """The smallest element; nan wins.

    Grad: to the smallest element; equal ones share it (with dim, the one at indices gets all)
    See: max, amin, argmin, minimum (of two tensors)

    >>> min(tensor([1., 5., 3.]))
    tensor(1.)
    """
    return self.min()


@reduction(
    empty_ok=False,
    out_rule="same",
    self=lambda grad, self, self_spec, result, dim, keepdim, F: _even_share(grad, self, self_spec, result, dim, keepdim, F),
    real_only=no_kernel("max_values_cpu"),
)
def amax(xp, self, dim: Dims = (), keepdim: Bool = False):
    """The largest along `dim`; equal ones share the gradient.

    Grad: to the largest elements, equal ones share it
    See: max, amin, argmax

    >>> amax(tensor([[1., 5.], [3., 2.]]), 1)
    tensor([5., 3.])
    """
    return self.max(dim, keepdims=keepdim)


@reduction(
    empty_ok=False,
    out_rule="same",
    self=lambda grad, self, self_spec, result, dim, keepdim, F: _even_share(grad, self, self_spec, result, dim, keepdim, F),
    real_only=no_kernel("min_values_cpu"),
)
def amin(xp, self, dim: Dims = (), keepdim: Bool = False):
    """The smallest along `dim`; equal ones share the gradient.

    Grad: to the smallest elements, equal ones share it
    See: min, amax, argmin

    >>> amin(tensor([[1., 5.], [3., 2.]]), 1)
    tensor([1., 2.])
    """
    return self.min(dim, keepdims=keepdim)


def _plan_values_indices(self, dim, keepdim, name="max"):
    dim = wrap_dim(dim, self.ndim)
    if self.ndim and self.shape[dim] == 0:
        raise TensorIndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    shape = reduced_shape(self.shape, (dim,) if self.ndim else (), keepdim)
    return [spec_of(self.dtype, self.device, shape), spec_of(dtypes.int64, self.device, shape)]


def gather_back(grad, self_spec, dim, keepdim, index, F):
    """The gradient added where the values were taken from along `dim`."""
    if not self_spec.ndim:
        return grad
    if not keepdim:
        grad, index = F.unsqueeze(grad, dim), F.unsqueeze(index, dim)
    return F.scatter_add_to(self_spec.sizes, dim, index, grad)


def _extreme_with_place(xp, self, dim, keepdim, find):
    if not self.ndim:
        return self.copy(), xp.zeros((), "int64")
    places = xp.expand_dims(getattr(xp, find)(self, axis=dim), dim)
    values = xp.take_along_axis(self, places, dim)
    if keepdim:
        return values, places
    return xp.squeeze(values, dim), xp.squeeze(places, dim)


@composite(public="max")
def max_other(F, self, other):
    """The larger of two elements: `maximum`.

    >>> max(tensor([1., 5.]), tensor([3., 2.]))
    tensor([3., 5.])
    """
    return F.maximum(self, other)


@composite(public="min")
def min_other(F, self, other):
    """The smaller of two elements: `minimum`.

    >>> min(tensor([1., 5.]), tensor([3., 2.]))
    tensor([1., 2.])
    """
    return F.minimum(self, other)


@structural(
    apart=True, public="max", plan=_plan_values_indices, fields=("values", "indices"),
    self=lambda grad, self_spec, dim, keepdim, indices, F: gather_back(grad, self_spec, dim, keepdim, indices, F),
    real_only=refuses("max(): does not support complex input"),
)
def max_dim(xp, self, dim: Dim, keepdim: Bool = False):
    """The largest along `dim` and where it is.

    >>> max(tensor([[1., 5.], [3., 2.]]), 1)
    torch.return_types.max(
    values=tensor([5., 3.]),
    indices=tensor([1, 0]))
    """
    return _extreme_with_place(xp, self, dim, keepdim, "argmax")


@structural(
    apart=True, public="min", plan=lambda self, dim, keepdim: _plan_values_indices(self, dim, keepdim, "min"), fields=("values", "indices"),
    self=lambda grad, self_spec, dim, keepdim, indices, F: gather_back(grad, self_spec, dim, keepdim, indices, F),
    real_only=refuses("min(): does not support complex input"),
)
def min_dim(xp, self, dim: Dim, keepdim: Bool = False):
    """The smallest along `dim` and where it is.

    >>> min(tensor([[1., 5.], [3., 2.]]), 1)
    torch.return_types.min(
    values=tensor([1., 2.]),
    indices=tensor([0, 1]))
    """
    return _extreme_with_place(xp, self, dim, keepdim, "argmin")


def _plan_arg(self, dim, keepdim, name="argmax"):
    if self.dtype is dtypes.bool_:
        raise TensorNotImplemented(f"{name}(): does not support bool input")
    if dim is None:
        if self.numel == 0:
            raise TensorIndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        return spec_of(dtypes.int64, self.device, (1,) * self.ndim if keepdim else ())
    dim = wrap_dim(dim, self.ndim)
    if self.ndim and self.shape[dim] == 0:
        raise TensorIndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    return spec_of(dtypes.int64, self.device, reduced_shape(self.shape, (dim,) if self.ndim else (), keepdim))


@structural(plan=_plan_arg, real_only=refuses("argmax(): does not support complex input"))
def argmax(xp, self, dim: Dim | None = None, keepdim: Bool = False):
    """Where the largest element is: its index along `dim`, or in the flattened tensor.

    Shapes: any  ->  (), (a, b), dim=0: (b), keepdim=True: (1, b)
    Grad: none: the result is int64
    See: argmin, max, topk

    >>> argmax(tensor([1., 5., 3.]))
    tensor(1)
    """
    return xp.asarray(xp.argmax(self, axis=dim if self.ndim else None))


@structural(
    plan=lambda self, dim, keepdim: _plan_arg(self, dim, keepdim, "argmin"), real_only=refuses("argmin(): does not support complex input"),
)
def argmin(xp, self, dim: Dim | None = None, keepdim: Bool = False):
    """Where the smallest element is: its index along `dim`, or in the flattened tensor.

    Shapes: any  ->  (), (a, b), dim=0: (b), keepdim=True: (1, b)
    Grad: none: the result is int64
    See: argmax, min, topk

    >>> argmin(tensor([1., 5., 3.]))
    tensor(0)
    """
    return xp.asarray(xp.argmin(self, axis=dim if self.ndim else None))
