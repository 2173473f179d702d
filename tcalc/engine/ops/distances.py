"""Distances between rows and between tensors, rows brought under a norm, and the vector product along the first dim of size 3."""

from __future__ import annotations

import math

from .. import dtypes
from ..backend import META
from ..dtypes import FLOAT
from ..errors import TensorError, TensorValueError
from ..families.common import not_implemented
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, wrap_dim
from ..spec import spec_of


def _norm_grad(difference, norm, p, grad, F):
    """The gradient of a p-norm to the differences it was taken of, `norm` and `grad` of a shape that broadcasts to theirs (torch's rule)."""
    if p == 0:
        return difference * 0
    sign, size = F.sgn(difference), F.abs(difference)
    if p == 1:
        return sign * grad
    if math.isinf(p):
        return grad * sign * (size == norm)
    if p == 2:
        return F.where(norm == 0, 0.0, grad / norm) * difference
    scale = F.where(norm == 0, 0.0, grad / F.pow_scalar(norm, p - 1))
    return scale * (sign * F.where(size == 0, 0.0, F.pow_scalar(F.where(size == 0, 1.0, size), p - 1)))


def _norms(xp, differences, p, dim):
    """The p-norms along `dim`."""
    size = xp.absolute(differences)
    if p == 0:
        return xp.add.reduce((size != 0).astype(size.dtype), dim)
    if p == 1:
        return xp.add.reduce(size, dim)
    if p == 2:
        return xp.sqrt(xp.add.reduce(xp.square(size), dim))
    if math.isinf(p):
        if not size.shape[dim]:
            return xp.full(xp.add.reduce(size, dim).shape, 0 if p > 0 else xp.inf, size.dtype)
        return size.max(dim) if p > 0 else size.min(dim)
    return xp.power(xp.add.reduce(xp.power(size, p), dim), 1 / p)


# --- between tensors --------------------------------------------------------------------------------------------------


def _plan_dist(self, other, p):
    broadcast_shapes(tuple(self.shape), tuple(other.shape))
    found = dtypes.result_type([self.dtype, other.dtype], [], [])
    if found is dtypes.bool_:
        raise TensorError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead."
        )
    if found.category < FLOAT:
        raise TensorError(f"norm(): input dtype should be either floating point or complex. Got {found.kernel_name} instead.")
    return spec_of(found.to_real(), META if other.device is META else self.device, ())  # a 0-dim tensor is at home everywhere


def _dist_grads(grad, self, other, result, p, self_spec, other_spec, needs, F):
    slope = _norm_grad(self - other, result, p, grad, F)
    if math.isinf(p):
        slope = slope / F.sum(F.cast(F.abs(self - other) == result, self_spec.dtype))
    return [F.sum_to(slope, self_spec.sizes) if needs[0] else None, F.sum_to(-slope, other_spec.sizes) if needs[1] else None]


@structural(plan=_plan_dist, grads=_dist_grads, out=False, holomorphic=False)
def dist(xp, self, other, p: Scalar = 2):
    """The p-norm of the difference of two tensors.

    Shapes: any two that broadcast  ->  ()
    Grad: for the 2-norm (input - other) / result * grad, and minus that
    See: cdist, norm, nn.functional.pairwise_distance

    >>> dist(tensor([0., 0.]), tensor([3., 4.]))
    tensor(5.)
    """
    difference = (self - other).reshape(-1)
    return _norms(xp, difference.astype("float32") if difference.dtype.itemsize == 2 else difference, p, 0)


# --- between rows -----------------------------------------------------------------------------------------------------

MODES = {"use_mm_for_euclid_dist_if_necessary": 0, "use_mm_for_euclid_dist": 1, "donot_use_mm_for_euclid_dist": 2}


def _plan_rows_apart(self, x2, p):
    if self.dtype in dtypes.REDUCED and self.numel and x2.numel:
        raise not_implemented("cdist", self.dtype)
    return _plan_rows(self, x2)


def _plan_rows(self, x2):
    batch = broadcast_shapes(tuple(self.shape[:-2]), tuple(x2.shape[:-2]))
    return spec_of(self.dtype, self.device, (*batch, self.shape[-2], x2.shape[-2]))


def _rows_grads(grad, self, x2, result, p, self_spec, x2_spec, needs, F):
    if p == 2:
        return _euclidean_grads(grad, self, x2, result, self_spec, x2_spec, needs, F)
    slope = _norm_grad(F.unsqueeze(self, -2) - F.unsqueeze(x2, -3), F.unsqueeze(result, -1), p, F.unsqueeze(grad, -1), F)
    return [
        F.sum_to(F.sum_dim(slope, (-2,), False), self_spec.sizes) if needs[0] else None,
        F.sum_to(-F.sum_dim(slope, (-3,), False), x2_spec.sizes) if needs[1] else None,
    ]


def _euclidean_grads(grad, self, x2, result, self_spec, x2_spec, needs, F):
    ratio = F.where(result == 0, 0.0, grad / result)
    first = self * F.sum_dim(ratio, (-1,), True) - F.matmul(ratio, x2) if needs[0] else None
    second = x2 * F.unsqueeze(F.sum_dim(ratio, (-2,), False), -1) - F.matmul(F.transpose(ratio, -1, -2), self) if needs[1] else None
    return [None if first is None else F.sum_to(first, self_spec.sizes), None if second is None else F.sum_to(second, x2_spec.sizes)]


@structural(plan=_plan_rows_apart, grads=_rows_grads, node="CdistBackward", function=False, method=False, out=False)
def rows_apart(xp, self, x2, p: Float):
    """The distances of cdist, each from its difference."""
    batch = xp.broadcast_shapes(self.shape[:-2], x2.shape[:-2])
    found = xp.zeros((*batch, self.shape[-2], x2.shape[-2]), self.dtype)
    for i in range(self.shape[-2] if self.shape[-1] else 0):  # a row at a time: all differences at once could be too many
        found[..., i, :] = _norms(xp, self[..., i : i + 1, :] - x2, p, -1)
    return found


@structural(
    plan=_plan_rows, grads=_euclidean_grads, node="EuclideanDistBackward", function=False, method=False, out=False,
)
def euclidean_dist(xp, self, x2):
    """The distances of cdist by one matrix product: the sum of the squares less twice the products."""
    ones = [xp.ones((*x.shape[:-1], 1), x.dtype) for x in (self, x2)]
    squares = [xp.add.reduce(xp.square(x), -1, keepdims=True) for x in (self, x2)]
    left = xp.concatenate((-2 * self, squares[0], ones[0]), -1)
    right = xp.concatenate((x2, ones[1], squares[1]), -1)
    return xp.sqrt(xp.maximum(xp.matmul(left, xp.swapaxes(right, -1, -2)), 0))


def _check_rows(x1, x2, p, compute_mode):
    if compute_mode is not None and compute_mode not in MODES:
        raise TensorValueError(f"{compute_mode} is not a valid value for compute_mode")
    for name, x in (("X1", x1), ("X2", x2)):
        if len(x.shape) < 2:
            raise TensorError(f"cdist only supports at least 2D tensors, {name} got: {len(x.shape)}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise TensorError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    for name, x in (("X1", x1), ("X2", x2)):
        if x.dtype.category != FLOAT:
            raise TensorError(f"cdist only supports floating-point dtypes, {name} got: {x.dtype.kernel_name}")
    if p < 0:
        raise TensorError("cdist only supports non-negative p values")
    if x1.dtype is not x2.dtype:
        raise TensorError(f"expected scalar type {x1.dtype.kernel_name} but found {x2.dtype.kernel_name}")


@composite(method=False)
def cdist(F, x1, x2, p: Float = 2.0, compute_mode: Str | None = "use_mm_for_euclid_dist_if_necessary"):
    """The p-norm distance of each row of `x1` to each row of `x2`. Many rows are compared by one matrix product where p is 2.

    Shapes: (..., n, c), (..., m, c)  ->  (..., n, m)
    Grad: for the 2-norm (x1 - x2) / result * grad, summed over the other's rows
    See: dist, nn.functional.pdist

    >>> cdist(tensor([[0., 0.]]), tensor([[3., 4.], [0., 1.]]))
    tensor([[5., 1.]])
    """
    _check_rows(x1, x2, p, compute_mode)
    mode = 0 if compute_mode is None else MODES[compute_mode]
    n, m = x1.shape[-2], x2.shape[-2]
    batch = broadcast_shapes(tuple(x1.shape[:-2]), tuple(x2.shape[:-2]))
    product = p == 2 and (mode == 1 or (mode == 0 and (n > 25 or m > 25)))
    if not product or 0 in (*batch, n, m) or not x1.shape[-1]:
        return F.rows_apart(x1, x2, p)
    if math.prod(batch) == 1:
        found = F.euclidean_dist(x1, x2)
    else:
        rows = [F.reshape(F.expand(x, (*batch, *x.shape[-2:])), (math.prod(batch), *x.shape[-2:])) for x in (x1, x2)]
        found = F.euclidean_dist(*rows)
    return F.view(found, (*batch, n, m))


def _plan_pdist(self, p):
    if self.ndim != 2:
        raise TensorError(f"pdist only supports 2D tensors, got: {self.ndim}D")
    if self.dtype.category != FLOAT:
        raise TensorError("pdist only supports floating-point dtypes")
    if p < 0:
        raise TensorError("pdist only supports non-negative p values")
    if self.dtype in dtypes.REDUCED and self.numel and self.shape[0] > 1:
        raise not_implemented("pdist", self.dtype)
    return spec_of(self.dtype, self.device, (self.shape[0] * (self.shape[0] - 1) // 2,))


def _pdist_grad(grad, self, result, p, F):
    n = self.shape[0]
    total = self * 0
    start = 0
    for i in range(n - 1):  # row i with those after it
        count = n - 1 - i
        part, norm = (F.unsqueeze(F.slice(x, 0, start, start + count, 1), 1) for x in (grad, result))
        slope = _norm_grad(F.slice(self, 0, i, i + 1, 1) - F.slice(self, 0, i + 1, n, 1), norm, p, part, F)
        before = F.slice(self, 0, 0, i, 1) * 0
        total = total + F.cat([before, F.sum_dim(slope, (0,), True), -slope], 0)
        start = start + count
    return total


@structural(
    plan=_plan_pdist, self=lambda grad, self, result, p, F: _pdist_grad(grad, self, result, p, F), namespace="torch.nn.functional", method=False, out=False,
)
def pdist(xp, self, p: Float = 2.0):
    """The p-norm distance of each two rows, without repeats: of 0 and 1, 0 and 2, ..., 1 and 2, ...

    Shapes: (n, c)  ->  (n * (n - 1) / 2)
    Grad: for the 2-norm the differences / result * grad, summed at each row
    See: cdist, dist

    >>> nn.functional.pdist(tensor([[0., 0.], [3., 4.], [0., 1.]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    first, second = xp.triu_indices(self.shape[0], 1)
    return _norms(xp, self[first] - self[second], p, -1)


# --- norms kept in bounds ---------------------------------------------------------------------------------------------


def _plan_renorm(self, p, dim, maxnorm):
    if p <= 0:
        raise TensorError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise TensorError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if self.ndim < 2:
        raise TensorError(f"renorm: input needs at least 2 dimensions, got {self.ndim} dimensions")
    wrap_dim(dim, self.ndim)
    if self.dtype.category < FLOAT:
        raise TensorError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {self.dtype.kernel_name}")
    return spec_of(self.dtype, self.device, self.shape)


def _renorm_grad(grad, self, p, dim, maxnorm, F):
    dims = tuple([d for d in range(len(self.shape)) if d != dim % len(self.shape)])
    norm = F.vector_norm(self, ord=p, dim=dims, keepdim=True)
    slope = _norm_grad(self, norm, p, F.real(F.sum_dim(F.conj(self) * grad, dims, True)), F)
    inverse = 1 / (norm + 1e-7)
    return F.where(norm > maxnorm, maxnorm * inverse * (grad - inverse * slope), grad)


@structural(
    plan=_plan_renorm, self=lambda grad, self, p, dim, maxnorm, F: _renorm_grad(grad, self, p, dim, maxnorm, F), inplace=True, holomorphic=False,
)
def renorm(xp, self, p: Scalar, dim: Dim, maxnorm: Scalar):
    """Each slice along `dim` whose p-norm is above `maxnorm` scaled down to it.

    Shapes: any of two dims or more; kept
    Grad: grad where nothing was scaled, else maxnorm / norm * (grad - its part along the slice)
    See: nn.functional.normalize, norm

    >>> renorm(tensor([[3., 4.], [0.3, 0.4]]), 2, 0, 1)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    dims = tuple(d for d in range(self.ndim) if d != dim % self.ndim)
    moved = xp.moveaxis(self, dim, 0).reshape(self.shape[dim], -1)
    wide = moved.astype("float32") if self.dtype.itemsize == 2 else moved
    norm = _norms(xp, wide, p, -1)
    factor = xp.where(norm > maxnorm, maxnorm / (norm + norm.dtype.type(1e-7)), norm.dtype.type(1))
    return self * xp.expand_dims(factor.astype(self.dtype), dims)


# --- the vector product -----------------------------------------------------------------------------------------------


@composite(out=True, out_rule="expected")
def cross(F, self, other, dim: Dim | None = None):
    """The vector product of three-vectors along `dim`, by default the first dim of size 3.

    Shapes: (a, 3), (a, 3)  ->  (a, 3)
    Grad: input: cross(other, grad); other: cross(grad, input)
    See: linalg.cross, dot, outer

    >>> cross(tensor([1., 0., 0.]), tensor([0., 1., 0.]))
    tensor([0., 0., 1.])
    """
    if dim is None:
        dim = next((d for d, n in enumerate(self.shape) if n == 3), None)
        if dim is None:
            raise TensorError("no dimension of size 3 in input")
    return F.linalg_cross(self, other, dim=dim)
