"""QR factors kept as Householder reflections: geqrf, the orthogonal matrix they stand for, and products with it."""

from __future__ import annotations

from ..dtypes import FLOAT
from ..errors import TensorError
from ..families.common import not_implemented, underivable
from ..families.structural import composite, structural
from ..spec import spec_of
from .decompositions import SPACE, adjoint_of, by_columns, check_kernel


def _plan_geqrf(self):
    if self.ndim < 2:
        raise TensorError("torch.geqrf: input must have at least 2 dimensions.")
    check_kernel("geqrf_cpu", self)
    *batch, m, n = self.shape
    return [by_columns(self, *self.shape), spec_of(self.dtype, self.device, (*batch, min(m, n)))]


@structural(plan=_plan_geqrf, fields=("a", "tau"), out_rule=("geqrf a", "geqrf tau"), grads=underivable("geqrf"))
def geqrf(xp, self):
    """The QR factorization as LAPACK leaves it: R above the diagonal of `a`, below it the reflections that make Q, with their factors `tau`.

    Shapes: (..., m, n)  ->  (..., m, n), (..., min(m, n))
    Grad: torch has none
    See: linalg.qr, linalg.householder_product, ormqr

    >>> geqrf(tensor([[3., 0.], [4., 5.]])).tau
    tensor([1.6000, 0.0000])
    """
    if not self.size:
        return self, xp.zeros((*self.shape[:-2], min(self.shape[-2:])), self.dtype)
    found, tau = xp.linalg.qr(self, "raw")
    return xp.swapaxes(found, -1, -2), tau


# --- applying reflections ---------------------------------------------------------------------------------------------


def _apply(xp, vectors, tau, target, backwards):
    """The reflections on the columns of `target`, so that the first stands leftmost, or `backwards` the last."""
    m, k = vectors.shape[-2], tau.shape[-1]
    unit = xp.tril(vectors[..., :k], -1)
    places = xp.arange(min(m, k))
    unit[..., places, places] = 1
    for i in range(k) if backwards else range(k - 1, -1, -1):
        v = unit[..., i : i + 1]
        factor = xp.conjugate(tau) if backwards else tau
        target = target - factor[..., None, i : i + 1] * v * xp.matmul(adjoint_of(xp, v), target)
    return target


def _vector(vectors, i, F):
    """The i-th reflection's vector as a column: 0 above the diagonal, 1 on it."""
    m = vectors.shape[-2]
    column = F.slice(vectors, -1, i, i + 1, 1)
    above, at = F.slice(column, -2, 0, i, 1) * 0, F.slice(column, -2, i, i + 1, 1) * 0 + 1
    return F.cat([above, at, F.slice(column, -2, i + 1, m, 1)], -2)


def _reflection_grads(grad, result, vectors, tau, backwards, F):
    """Gradients to the vectors, to tau and to what was reflected, for a result with the first reflection leftmost, or `backwards` the last.

    Each reflection is taken off the result in turn by its inverse, I - s v v^H with s = tau / (tau v^H v - 1), and its adjoint applied
    to grad; `backwards` they are the adjoints, with tau conjugated.
    """
    m, n, k = vectors.shape[-2], vectors.shape[-1], tau.shape[-1]
    columns, factors = [None] * k, [None] * k
    for i in range(k - 1, -1, -1) if backwards else range(k):
        v = _vector(vectors, i, F)
        turned, t = F.mH(v), F.unsqueeze(F.slice(tau, -1, i, i + 1, 1), -1)
        t = F.conj(t) if backwards else t
        inverse = t / (t * F.matmul(turned, v) - 1)
        result = result - inverse * F.matmul(v, F.matmul(turned, result))
        right, left = F.matmul(turned, result), F.matmul(turned, grad)  # rows: v^H R, v^H G
        slope = -(F.conj(t) * F.matmul(grad, F.mH(right)) + t * F.matmul(result, F.mH(left)))
        columns[i] = F.cat([F.slice(slope, -2, 0, i + 1, 1) * 0, F.slice(slope, -2, i + 1, m, 1)], -2)
        factor = -F.sum_dim(left * F.conj(right), (-2, -1), False)
        factors[i] = F.conj(factor) if backwards else factor
        grad = grad - F.conj(t) * F.matmul(v, left)
    if n > k:
        columns.append(F.slice(vectors, -1, k, n, 1) * 0)
    found = F.cat(columns, -1) if len(columns) else vectors * 0
    return found, F.stack(factors, -1) if k else tau * 0, grad


def _plan_householder(self, tau):
    name = "torch.linalg.householder_product"
    if self.ndim < 2:
        raise TensorError(f"{name}: input must have at least 2 dimensions.")
    if self.shape[-2] < self.shape[-1]:
        raise TensorError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if self.shape[-1] < tau.shape[-1]:
        raise TensorError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if self.ndim - tau.ndim != 1:
        raise TensorError(
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {tau.ndim} and input.ndim is equal to {self.ndim}"
        )
    if self.ndim > 2 and tuple(tau.shape[:-1]) != tuple(self.shape[:-2]):
        raise TensorError(f"{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got {list(tau.shape[:-1])}")
    if tau.dtype is not self.dtype:
        raise TensorError(f"{name}: tau dtype {tau.dtype.kernel_name} does not match input dtype {self.dtype.kernel_name}")
    check_kernel("orgqr_cpu", self)
    return by_columns(self, *self.shape)


def _householder_grads(grad, self, tau, result, needs, F):
    if 0 in self.shape or 0 in tau.shape:
        return [None, None]
    vectors, factors, _ = _reflection_grads(grad, result, self, tau, False, F)
    return [vectors, factors]


@structural(namespace=SPACE, method=False, plan=_plan_householder, out_rule="orgqr", grads=_householder_grads, holomorphic=False)
def linalg_householder_product(xp, self, tau):
    """The first columns of the product of reflections I - tau * v @ v.T, v the columns below the diagonal of `self`: the Q of geqrf.

    Shapes: (..., m, n), (..., k)  ->  (..., m, n)
    Grad: each reflection's part of grad, taken off one after the other
    See: geqrf, ormqr, linalg.qr

    >>> linalg.householder_product(tensor([[-5.], [0.5]]), tensor([1.6]))
    tensor([[-0.6000],
            [-0.8000]])
    """
    start = xp.broadcast_to(xp.eye(*self.shape[-2:], dtype=self.dtype), self.shape)
    return _apply(xp, self, tau, start, False)


@composite()
def orgqr(F, self, input2):
    """`linalg.householder_product` by LAPACK's name.

    Shapes: (..., m, n), (..., k)  ->  (..., m, n)
    See: linalg.householder_product

    >>> orgqr(tensor([[-5.], [0.5]]), tensor([1.6]))
    tensor([[-0.6000],
            [-0.8000]])
    """
    return F.linalg_householder_product(self, input2)


def _plan_ormqr(self, input2, input3, left, transpose):
    if self.ndim < 2:
        raise TensorError("torch.ormqr: input must have at least 2 dimensions.")
    if input3.ndim < 2:
        raise TensorError("torch.ormqr: other must have at least 2 dimensions.")
    side = -2 if left else -1
    if input3.shape[side] < input2.shape[-1]:
        raise TensorError(f"torch.ormqr: other.shape[{side}] must be greater than or equal to tau.shape[-1]")
    if input3.shape[side] != self.shape[-2]:
        raise TensorError(f"torch.ormqr: other.shape[{side}] must be equal to input.shape[-2]")
    if input2.shape[-1] != min(input3.shape[side], self.shape[-1]):
        raise TensorError(f"torch.ormqr: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])")
    if self.ndim - input2.ndim != 1:
        raise TensorError(
            f"torch.ormqr: Expected tau to have one dimension less than input, but got tau.ndim equal to {input2.ndim} and input.ndim is equal to {self.ndim}"
        )
    if self.ndim != input3.ndim:
        raise TensorError(
            f"torch.ormqr: Expected other to have the same number of dimensions as input, but got other.ndim equal to {input3.ndim} and input.ndim is equal to"
            f" {self.ndim}"
        )
    for name, given, wanted in (("tau", input2.shape[:-1], self.shape[:-2]), ("other", input3.shape[:-2], self.shape[:-2])):
        if tuple(given) != tuple(wanted):
            raise TensorError(f"torch.ormqr: Expected batch dimensions of {name} to be equal to input.shape[:-2], but got {list(given)}")
    for name, given in (("tau", input2), ("other", input3)):
        if given.dtype is not self.dtype:
            raise TensorError(
                f"torch.ormqr: Expected input and {name} to have the same dtype, but input has dtype {self.dtype.kernel_name} and {name} has dtype"
                f" {given.dtype.kernel_name}"
            )
    if self.dtype.category < FLOAT or self.dtype.itemsize == 2:
        raise not_implemented("ormqr_cpu", self.dtype)
    return by_columns(input3, *input3.shape)


def _ormqr_grads(grad, self, input2, result, left, transpose, needs, F):
    if not left:  # C @ Q = (Q^H @ C^H)^H
        grad, result = F.mH(grad), F.mH(result)
    vectors, tau, other = _reflection_grads(grad, result, self, input2, transpose is left, F)
    if 0 in self.shape or 0 in input2.shape:
        vectors = tau = None
    return [vectors if needs[0] else None, tau if needs[1] else None, (other if left else F.mH(other)) if needs[2] else None]


@structural(plan=_plan_ormqr, out_rule="ormqr", grads=_ormqr_grads, holomorphic=False)
def ormqr(xp, self, input2, input3, left: Bool = True, transpose: Bool = False):
    """The square Q of the reflections in `self` and their factors `input2` (as geqrf gives them) times `input3`, or `input3` times Q.

    Shapes: (..., m, k), (..., k), (..., m, n)  ->  (..., m, n)
    Grad: each reflection's part of grad, taken off one after the other; input3: Q.T @ grad
    See: geqrf, linalg.householder_product

    >>> ormqr(tensor([[-5.], [0.5]]), tensor([1.6]), tensor([[1.], [0.]]))
    tensor([[-0.6000],
            [-0.8000]])
    """
    if left:
        return _apply(xp, self, input2, input3, transpose)
    return adjoint_of(xp, _apply(xp, self, input2, adjoint_of(xp, input3), not transpose))
