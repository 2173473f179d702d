"""Determinants and inverses of matrices, with their derivatives."""

from __future__ import annotations

import warnings

from .. import backend
from ..families.structural import composite, structural
from .decompositions import SPACE, _column, _mt, by_columns, by_rows, check_codes, check_float, check_matrices, codes, each, of_finite, reals

# --- determinants -----------------------------------------------------------------------------------------------------


def _plan_det(A):
    check_matrices("linalg.det", A)
    check_float("linalg.det", A, "lu_cpu")
    return by_rows(A, *A.shape[:-2])


@structural(namespace=SPACE, method=False, plan=_plan_det, A=lambda grad, A, result, F: _column(_column(grad, F), F) * F.cofactors(A))
def linalg_det(xp, A):
    """The determinant of each square matrix.

    Shapes: (..., n, n)  ->  (...)
    Grad: grad * det(A) * inv(A).mT, the matrix of cofactors; so it is right for singular matrices, too
    See: linalg.slogdet, linalg.inv, logdet

    >>> linalg.det(tensor([[1., 2.], [3., 5.]]))
    tensor(-1.)
    """
    return xp.linalg.det(A)


def _plan_cofactors(A):
    return by_rows(A, *A.shape)


def _cofactors_grad(grad, A, result, F):
    back = _mt(F.linalg_inv_ex(A)[0], F)
    share = F.sum_dim(grad * result, (-2, -1), True)
    return share * back - F.matmul(F.matmul(back, _mt(grad, F)), result)


@structural(plan=_plan_cofactors, function=False, method=False, out=False, A=lambda grad, A, result, F: _cofactors_grad(grad, A, result, F))
def cofactors(xp, A):
    """The derivative of the determinant, from singular values: each is left out of the product in turn, so none is divided by.

    Grad: sum(grad * result) * inv(A).mT - inv(A).mT @ grad.mT @ result
    """
    u, s, vh = of_finite(xp, lambda a: xp.linalg.svd(a, full_matrices=False), A)
    n = s.shape[-1]
    others = xp.where(xp.eye(n, dtype=bool), xp.ones((), s.dtype), s[..., None, :]).prod(-1)
    turn = xp.linalg.det(u) * xp.linalg.det(vh)
    return xp.matmul(xp.conjugate(u) * (others * turn[..., None])[..., None, :], xp.conjugate(vh))


def _plan_slogdet(A, name="linalg.slogdet"):
    check_matrices(name, A)
    check_float(name, A)
    return [by_rows(A, *A.shape[:-2]), reals(A, *A.shape[:-2])]


def _slogdet_grads(grad, A, result, F):
    """The logarithm's real part is logabsdet, and its imaginary part turns sign."""
    share = grad[1] - F.imag(F.conj(grad[0]) * result) * 1j if A.dtype.kind == "c" else grad[1]
    return [_column(_column(share, F), F) * F.mH(F.linalg_inv_ex(A)[0])]


@structural(namespace=SPACE, method=False, plan=_plan_slogdet, fields=("sign", "logabsdet"), grads=_slogdet_grads, holomorphic=False)
def linalg_slogdet(xp, A):
    """Sign and logarithm of the absolute value of the determinant, which may be too large or small for a number.

    Shapes: (..., n, n)  ->  (...), (...)
    Grad: of logabsdet: grad * inv(A).mT
    See: linalg.det, logdet

    >>> linalg.slogdet(tensor([[0., 1.], [1., 0.]]))
    torch.return_types.linalg_slogdet(
    sign=tensor(-1.),
    logabsdet=tensor(0.))
    """
    return xp.linalg.slogdet(A)


@structural(
    plan=_plan_slogdet, fields=("sign", "logabsdet"), node="LinalgSlogdetBackward", grads=lambda grad, self, result, F: _slogdet_grads(grad, self, result, F),
    holomorphic=False,
)  # fmt: skip
def slogdet(xp, self):
    """linalg.slogdet: sign and logarithm of the absolute value of the determinant.

    Shapes: (..., n, n)  ->  (...), (...)
    Grad: of logabsdet: grad * inv(input).mT
    See: linalg.slogdet, logdet, det

    >>> slogdet(eye(2))
    torch.return_types.slogdet(
    sign=tensor(1.),
    logabsdet=tensor(0.))
    """
    return xp.linalg.slogdet(self)


@composite()
def det(F, self):
    """linalg.det: the determinant of each square matrix.

    Shapes: (..., n, n)  ->  (...)
    Grad: grad * det(input) * inv(input).mT
    See: linalg.det, slogdet, logdet

    >>> det(tensor([[1., 2.], [3., 5.]]))
    tensor(-1.)
    """
    return F.linalg_det(self)


@composite()
def logdet(F, self):
    """The logarithm of the determinant: -inf where it is 0, nan where it is negative (a complex one has a logarithm there, too).

    Shapes: (..., n, n)  ->  (...)
    Grad: grad * inv(input).mT
    See: slogdet, det

    >>> logdet(tensor([[2., 0.], [0., 2.]]))
    tensor(1.3863)
    """
    _plan_slogdet(self.spec, "logdet")
    sign, size = F.linalg_slogdet(self)
    if self.dtype.is_complex:
        return F.log(sign) + size
    return F.where(sign == -1, float("nan"), size)


# --- inverses ---------------------------------------------------------------------------------------------------------


def _plan_inv(A, check_errors):
    check_matrices("linalg.inv", A)
    check_float("linalg.inv", A)
    return [by_columns(A, *A.shape), codes(A)]


def factored(xp, a):
    """(LU, rows swapped) of one matrix; a zero on the diagonal is no error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return backend.scipy_module("linalg", xp).lu_factor(a, check_finite=False)


def first_zero(xp, a):
    """The number (from 1) of the first zero on the diagonal of the LU factor of a singular matrix."""
    return int((xp.diagonal(factored(xp, a)[0]) == 0).argmax()) + 1


def _inverse_and_code(xp, a):
    try:
        return backend.strict_linalg(xp).inv(a), 0
    except xp.linalg.LinAlgError:
        return xp.full(a.shape, xp.inf, a.dtype), first_zero(xp, a)


def inverses(xp, A):
    """Inverses, and for each matrix 0 or the number of the first zero on the diagonal of its LU factor."""
    try:
        return backend.strict_linalg(xp).inv(A), xp.zeros(A.shape[:-2], "int32")
    except xp.linalg.LinAlgError:
        return each(xp, (A.shape[-2:], ()), lambda a: _inverse_and_code(xp, a), A)


SINGULAR = "The diagonal element {i} is zero, the inversion could not be completed because the input matrix is singular."


@structural(
    namespace=SPACE, method=False, plan=_plan_inv, fields=("inverse", "info"),
    A=lambda grad, result, F: -F.matmul(F.matmul(_mt(result, F), grad), _mt(result, F)),
)  # fmt: skip
def linalg_inv_ex(xp, A, *, check_errors: Bool = False):
    """Inverses, and a code for each matrix instead of an error: 0, or the place of the zero that made it singular.

    Shapes: (..., n, n)  ->  (..., n, n), (...)
    Grad: -inverse.mT @ grad @ inverse.mT
    See: linalg.inv, linalg.solve_ex

    >>> linalg.inv_ex(tensor([[2., 0.], [0., 4.]])).info
    tensor(0, dtype=torch.int32)
    """
    inverse, info = inverses(xp, A)
    if check_errors:
        check_codes(info, f"linalg.inv_ex: {SINGULAR}")
    return inverse, info


def inverted(F, A, name="linalg.inv"):
    """The inverse, or the error of a singular matrix."""
    inverse, info = F.linalg_inv_ex(A)
    check_codes(info, f"{name}: {SINGULAR}")
    return inverse


@composite(namespace=SPACE, method=False)
def linalg_inv(F, A):
    """The inverse of each square matrix.

    Shapes: (..., n, n); kept
    Grad: -inverse.mT @ grad @ inverse.mT
    See: linalg.solve (better than inv(A) @ B), linalg.pinv, linalg.inv_ex

    >>> linalg.inv(tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return inverted(F, A)


@composite()
def inverse(F, self):
    """linalg.inv: the inverse of each square matrix.

    Shapes: (..., n, n); kept
    Grad: -inverse.mT @ grad @ inverse.mT
    See: linalg.inv, linalg.solve, pinverse

    >>> inverse(tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return inverted(F, self)
