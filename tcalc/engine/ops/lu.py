"""The LU factorization and what is solved with it."""

from __future__ import annotations

from math import prod

from .. import backend, dtypes
from ..errors import TensorError
from ..families.structural import composite, structural
from ..layout import broadcast_shapes
from ..spec import spec_of
from .decompositions import SPACE, adjoint_of, by_columns, by_rows, check_codes, check_float, check_kernel, check_matrices, codes, each
from .determinants import factored
from .solvers import _fit, _mt, _triangular, _turned


def _rows_of(xp, pivots, n):
    """For each place after all swaps the row that it came from; pivots count from 1."""
    flat = pivots.reshape(prod(pivots.shape[:-1]), pivots.shape[-1])
    order = xp.broadcast_to(xp.arange(n), (len(flat), n)).copy()
    every = xp.arange(len(flat))
    for i in range(flat.shape[-1]):
        other, mine = flat[:, i] - 1, order[:, i].copy()
        order[:, i] = order[every, other]
        order[every, other] = mine
    return order.reshape(*pivots.shape[:-1], n)


def _permutation(xp, pivots, n, dtype):
    """The matrices P of A = P @ L @ U."""
    return _turned(xp, xp.eye(n, dtype=dtype)[_rows_of(xp, pivots, n)])


def _plan_lu_factor(A, pivot, check_errors):
    if A.ndim < 2:
        raise TensorError(f"torch.lu_factor: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead")
    check_kernel("lu_cpu", A)
    if not pivot and A.device.type == "cpu":
        raise TensorError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    *batch, m, n = A.shape
    return [by_columns(A, *A.shape), spec_of(dtypes.int32, A.device, (*batch, min(m, n))), codes(A)]


def _lu_core(grad_l, grad_u, P, L, U, F):
    """The derivative of A = P @ L @ U for the first k rows and columns of each factor, k = min(m, n) (de Hoog et al. 2011)."""
    m, n, k = L.shape[-2], U.shape[-1], L.shape[-1]
    if not k:
        return F.matmul(L, U)
    top, left = F.slice(L, -2, 0, k, 1), F.slice(U, -1, 0, k, 1)
    grad_top, grad_left = F.slice(grad_l, -2, 0, k, 1), F.slice(grad_u, -1, 0, k, 1)
    inner_l, inner_u = F.matmul(_mt(top, F), grad_top), F.matmul(grad_left, _mt(left, F))
    if m > k:
        inner_u = inner_u - F.matmul(_mt(F.slice(L, -2, k, m, 1), F), F.slice(grad_l, -2, k, m, 1))
    if n > k:
        inner_l = inner_l - F.matmul(F.slice(grad_u, -1, k, n, 1), _mt(F.slice(U, -1, k, n, 1), F))
    inner = F.tril(inner_l, -1) + F.triu(inner_u)
    found = F.linalg_solve_triangular(_mt(left, F), inner, upper=False, left=False)
    found = F.linalg_solve_triangular(_mt(top, F), found, upper=True, unitriangular=True)
    if m > k:
        below = F.linalg_solve_triangular(_mt(left, F), F.slice(grad_l, -2, k, m, 1), upper=False, left=False)
        found = F.cat([found, below], -2)
    if n > k:
        beside = F.linalg_solve_triangular(_mt(top, F), F.slice(grad_u, -1, k, n, 1), upper=True, unitriangular=True)
        found = F.cat([found, beside], -1)
    return F.matmul(P, found)


def _lu_factor_grad(grad, result, pivots, F):
    m, n = result.shape[-2], result.shape[-1]
    P, L, U = F.lu_unpack(result, pivots)
    grad_l = F.tril(F.slice(grad, -1, 0, min(m, n), 1), -1)
    grad_u = F.triu(F.slice(grad, -2, 0, min(m, n), 1))
    return _lu_core(grad_l, grad_u, P, L, U, F)


@structural(
    namespace=SPACE, method=False, plan=_plan_lu_factor, fields=("LU", "pivots", "info"),
    A=lambda grad, result, pivots, F: _lu_factor_grad(grad, result, pivots, F),
)  # fmt: skip
def linalg_lu_factor_ex(xp, A, *, pivot: Bool = True, check_errors: Bool = False):
    """LU factors in one matrix, the rows that were swapped (from 1), and a code for each matrix: 0, or the place of a zero in U.

    Shapes: (..., m, n)  ->  (..., m, n), (..., min(m, n)), (...)
    Grad: P @ L^-T @ (tril(L.mT @ gL, -1) + triu(gU @ U.mT)) @ U^-T
    See: linalg.lu_factor, linalg.lu, lu_unpack

    >>> linalg.lu_factor_ex(tensor([[0., 2.], [4., 0.]])).pivots
    tensor([2, 2], dtype=torch.int32)
    """
    k = min(A.shape[-2:])
    found, pivots = each(xp, (A.shape[-2:], (k,)), lambda a: factored(xp, a), A) if A.size else (A, xp.zeros((*A.shape[:-2], k)))
    zeros = xp.diagonal(found, axis1=-2, axis2=-1) == 0
    info = xp.where(zeros.any(-1), zeros.argmax(-1) + 1, 0) if k else xp.zeros(A.shape[:-2], "int32")
    if check_errors:
        check_codes(info, f"torch.linalg.lu_factor_ex: {ZERO}", TensorError)
    return found, pivots.astype("int32") + 1, info


ZERO = (
    "U[{i},{i}] is zero and using it on lu_solve would result in a division by zero. If you still want to perform the factorization, consider"
    " calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
)


@composite(namespace=SPACE, method=False, out=True, fields=("LU", "pivots"))
def linalg_lu_factor(F, A, *, pivot: Bool = True):
    """LU factors in one matrix, and the rows that were swapped, counted from 1: what linalg.lu_solve takes.

    Shapes: (..., m, n)  ->  (..., m, n), (..., min(m, n))
    Grad: P @ L^-T @ (tril(L.mT @ gL, -1) + triu(gU @ U.mT)) @ U^-T
    See: linalg.lu, linalg.lu_solve, lu_unpack

    >>> linalg.lu_factor(tensor([[0., 2.], [4., 0.]]))
    torch.return_types.linalg_lu_factor(
    LU=tensor([[4., 0.],
            [0., 2.]]),
    pivots=tensor([2, 2], dtype=torch.int32))
    """
    found, pivots, info = F.linalg_lu_factor_ex(A, pivot=pivot)
    check_codes(info, f"torch.linalg.lu_factor: {ZERO}", TensorError)
    return found, pivots


def _plan_lu(A, pivot):
    if A.ndim < 2:
        raise TensorError(f"linalg.lu: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead")
    check_kernel("lu_cpu", A)
    if not pivot and A.device.type == "cpu":
        raise TensorError("linalg.lu: LU without pivoting is not implemented on the CPU")
    *batch, m, n = A.shape
    k = min(m, n)
    return [by_rows(A, *batch, m, m), by_rows(A, *batch, m, k), by_rows(A, *batch, k, n)]


def _lu_grads(grad, result, L, U, F):
    return [_lu_core(grad[1], grad[2], result, L, U, F)]


@structural(namespace=SPACE, method=False, plan=_plan_lu, fields=("P", "L", "U"), constant=("P",), grads=_lu_grads)
def linalg_lu(xp, A, *, pivot: Bool = True):
    """A = P @ L @ U: a permutation, a lower triangle with ones on its diagonal, and an upper triangle.

    Shapes: (..., m, n)  ->  (..., m, m), (..., m, k), (..., k, n) with k = min(m, n)
    Grad: P @ L^-T @ (tril(L.mT @ gL, -1) + triu(gU @ U.mT)) @ U^-T
    See: linalg.lu_factor, linalg.qr

    >>> linalg.lu(tensor([[0., 2.], [4., 0.]])).P
    tensor([[0., 1.],
            [1., 0.]])
    """
    return backend.scipy_module("linalg", xp).lu(A, check_finite=False)


def _plan_unpack(LU_data, LU_pivots, unpack_data, unpack_pivots):
    if LU_pivots.dtype is not dtypes.int32:
        raise TensorError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
            "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor"
        )
    *batch, m, n = LU_data.shape
    k, nothing = min(m, n), by_rows(LU_data, 0)
    return [
        by_rows(LU_data, *batch, m, m) if unpack_pivots else nothing,
        by_rows(LU_data, *batch, m, k) if unpack_data else nothing,
        by_rows(LU_data, *batch, k, n) if unpack_data else nothing,
    ]


def _unpack_grads(grad, LU_data_spec, F):
    m, n = LU_data_spec.shape[-2], LU_data_spec.shape[-1]
    lower, upper = F.tril(grad[1], -1), F.triu(grad[2])
    if n > m:
        lower = F.cat([lower, F.slice(upper, -1, m, n, 1) * 0], -1)
    if m > n:
        upper = F.cat([upper, F.slice(lower, -2, n, m, 1) * 0], -2)
    return [lower + upper, None]


@structural(method=False, plan=_plan_unpack, fields=("P", "L", "U"), constant=("P",), grads=_unpack_grads)
def lu_unpack(xp, LU_data, LU_pivots, unpack_data: Bool = True, unpack_pivots: Bool = True):
    """P, L and U from the one matrix and the swaps that linalg.lu_factor gives.

    Shapes: (..., m, n), (..., k)  ->  (..., m, m), (..., m, k), (..., k, n) with k = min(m, n)
    Grad: gL below the diagonal and gU from it on
    See: linalg.lu_factor, linalg.lu

    >>> lu, pivots = linalg.lu_factor(tensor([[0., 2.], [4., 0.]]))
    >>> lu_unpack(lu, pivots).U
    tensor([[4., 0.],
            [0., 2.]])
    """
    m, n = LU_data.shape[-2:]
    k, nothing = min(m, n), xp.zeros(0, LU_data.dtype)
    pivots = _permutation(xp, LU_pivots, m, LU_data.dtype) if unpack_pivots else nothing
    if not unpack_data:
        return pivots, nothing, nothing
    return pivots, xp.tril(LU_data[..., :k], -1) + xp.eye(m, k, dtype=LU_data.dtype), xp.triu(LU_data[..., :k, :])


def _plan_lu_solve(LU, pivots, B, left, adjoint):
    check_float("torch.linalg.lu_solve", LU)
    if pivots.dtype is not dtypes.int32:
        raise TensorError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32")
    check_matrices("torch.linalg.lu_solve", LU)
    if LU.dtype is not B.dtype:
        raise TensorError(
            f"linalg.lu_solve: Expected LU and B to have the same dtype, but found LU of type {LU.dtype.kernel_name} and B of type {B.dtype.kernel_name} instead"
        )
    _fit("linalg.lu_solve", LU, B, left)
    if LU.shape[-1] != pivots.shape[-1]:
        raise TensorError("linalg.lu_solve: Number of pivots per batch should be same as the dimension of the matrix")
    batch = broadcast_shapes(tuple(B.shape[:-2]), tuple(LU.shape[:-2]))
    shape = (*batch, *B.shape[-2:])
    return by_columns(LU, *shape) if left else by_rows(LU, *shape)


def _lu_steps(LU, P, B, adjoint, F):
    """The solution of A @ X = B (of A.mT @ X = B with adjoint) for A = P @ L @ U, and the one after the first triangle."""
    if adjoint:
        half = F.linalg_solve_triangular(F.mH(LU), B, upper=False)
        return F.matmul(P, F.linalg_solve_triangular(F.mH(LU), half, upper=True, unitriangular=True)), half
    half = F.linalg_solve_triangular(LU, F.matmul(F.mH(P), B), upper=False, unitriangular=True)
    return F.linalg_solve_triangular(LU, half, upper=True), half


def _lu_solve_grads(grad, LU, LU_spec, pivots, B_spec, result, left, adjoint, needs, F):
    P = F.lu_unpack(LU, pivots, False, True)[0]
    if not left:  # X @ A = B is A.mT @ X.mT = B.mT
        grad, result, adjoint = F.mH(grad), F.mH(result), not adjoint
    back, half = _lu_steps(LU, P, grad, not adjoint, F)
    slope = None
    if needs[0]:
        if adjoint:  # half is L^-1 @ P.mT @ grad
            turned = F.matmul(F.mH(P), result)
            middle = F.matmul(F.triu(F.mH(LU), 1), turned) + turned
            slope = F.tril(-F.matmul(turned, F.mH(half)), -1) + F.triu(-F.matmul(middle, F.mH(back)))
        else:  # half is U^-T @ grad
            middle = F.matmul(F.triu(LU), result)
            inner = F.linalg_solve_triangular(F.mH(LU), half, upper=True, unitriangular=True)
            slope = F.tril(-F.matmul(inner, F.mH(middle)), -1) + F.triu(-F.matmul(half, F.mH(result)))
        slope = F.sum_to(slope, LU_spec.sizes)
    back = back if left else F.mH(back)
    return [slope, None, F.sum_to(back, B_spec.sizes) if needs[2] else None]


@structural(namespace=SPACE, method=False, plan=_plan_lu_solve, grads=_lu_solve_grads, holomorphic=False)
def linalg_lu_solve(xp, LU, pivots, B, *, left: Bool = True, adjoint: Bool = False):
    """The X with A @ X = B, from what linalg.lu_factor gives for A; left=False: X @ A = B, adjoint=True: A.mT instead of A.

    Shapes: (..., n, n), (..., n), (..., n, k)  ->  (..., n, k)
    Grad: B: lu_solve with the other adjoint; LU: that @ X.mT, split into the triangles
    See: linalg.lu_factor, linalg.solve

    >>> linalg.lu_solve(*linalg.lu_factor(tensor([[0., 2.], [4., 0.]])), ones(2, 1))
    tensor([[0.2500],
            [0.5000]])
    """
    rows = _permutation(xp, pivots, LU.shape[-1], LU.dtype)
    b, turned = (B, adjoint) if left else (adjoint_of(xp, B), not adjoint)
    if turned:
        half = _triangular(xp, adjoint_of(xp, LU), b, False)
        found = xp.matmul(rows, _triangular(xp, adjoint_of(xp, LU), half, True, unit=True))
    else:
        half = _triangular(xp, LU, xp.matmul(adjoint_of(xp, rows), b), False, unit=True)
        found = _triangular(xp, LU, half, True)
    return found if left else adjoint_of(xp, found)


@composite()
def lu_solve(F, self, LU_data, LU_pivots):
    """The older linalg.lu_solve, the right side first.

    Shapes: (..., n, k), (..., n, n), (..., n)  ->  (..., n, k)
    Grad: as linalg.lu_solve's
    See: linalg.lu_solve

    >>> lu_solve(ones(2, 1), *linalg.lu_factor(tensor([[0., 2.], [4., 0.]])))
    tensor([[0.2500],
            [0.5000]])
    """
    return F.linalg_lu_solve(LU_data, LU_pivots, self)
