"""Linear systems: general, triangular, by Cholesky and LU factors, least squares; the LU factorization itself; pseudoinverses."""

from __future__ import annotations

from math import prod

from .. import backend, dtypes
from ..errors import TensorError
from ..families.structural import composite, structural
from ..layout import broadcast_shapes
from ..spec import spec_of
from .decompositions import (
    SPACE,
    adjoint_of,
    by_columns,
    by_rows,
    check_codes,
    check_float,
    check_kernel,
    check_matrices,
    codes,
    each,
    factored,
    first_zero,
    reals,
)


def _mt(matrix, F):
    return F.transpose(matrix, -2, -1)


def _turned(xp, a):
    return xp.swapaxes(a, -1, -2)


def _fit(name, A, B, left):
    """Refuse matrices whose sizes do not make an equation."""
    if B.ndim < 2:
        raise TensorError(f"{name}: The input tensor B must have at least 2 dimensions.")
    if A.shape[-1] != B.shape[-2 if left else -1]:
        equation = "AX = B" if left else "XA = B"
        raise TensorError(f"{name}: Incompatible shapes of A and B for the equation {equation} ({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})")


# --- general systems --------------------------------------------------------------------------------------------------


def _is_vector(a_shape, b_shape):
    """Whether the right side is a vector (for each matrix), as torch decides it."""
    return len(b_shape) == 1 or (len(a_shape) == len(b_shape) + 1 and tuple(b_shape) == tuple(a_shape[:-1]))


def _plan_solve(A, B, left, check_errors):
    check_matrices("linalg.solve", A)
    check_float("linalg.solve", A)
    if A.dtype is not B.dtype:
        raise TensorError(
            f"linalg.solve: Expected A and B to have the same dtype, but found A of type {A.dtype.kernel_name} and B of type {B.dtype.kernel_name} instead"
        )
    vector = _is_vector(A.shape, B.shape)
    if vector and not left:
        raise TensorError(
            "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case linalg.solve is equivalent to B / A.squeeze(-1)"
        )
    if vector:
        if B.shape[-1] != A.shape[-1]:
            raise TensorError(f"linalg.solve: Incompatible shapes of A and B for the equation AX = B ({A.shape[-2]}x{A.shape[-1]} and {B.shape[-1]}x1)")
        batch = broadcast_shapes(tuple(B.shape[:-1]), tuple(A.shape[:-2]))
        shape = (*batch, A.shape[-1])
    else:
        _fit("linalg.solve", A, B, left)
        batch = broadcast_shapes(tuple(B.shape[:-2]), tuple(A.shape[:-2]))
        shape = (*batch, *B.shape[-2:])
    result = by_columns(A, *shape) if left and len(shape) > 1 else by_rows(A, *shape)
    return [result, spec_of(dtypes.int32, A.device, tuple(A.shape[:-2]))]


def _solve_grads(grad, A, A_spec, B_spec, result, left, needs, F):
    turned = _mt(A, F)
    if _is_vector(A_spec.shape, B_spec.shape):
        inner = F.linalg_solve_ex(turned, F.unsqueeze(grad, -1))[0]
        back, outer = F.squeeze_dim(inner, -1), F.matmul(inner, F.unsqueeze(result, -2))
    else:
        back = F.linalg_solve_ex(turned, grad, left=left)[0]
        outer = F.matmul(back, _mt(result, F)) if left else F.matmul(_mt(result, F), back)
    return [F.sum_to(-outer, A_spec.sizes) if needs[0] else None, F.sum_to(back, B_spec.sizes) if needs[1] else None]


def _solved_one(xp, a, b):
    try:
        return backend.strict_linalg(xp).solve(a, b), 0
    except xp.linalg.LinAlgError:
        return xp.full(b.shape, xp.inf, b.dtype), first_zero(xp, a)


def _solved(xp, a, b):
    """Solutions of matrices of right sides, and for each matrix 0 or the number of the first zero on its LU factor's diagonal."""
    if xp is not backend.np:  # CuPy's does not broadcast
        batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
        b = xp.broadcast_to(b, (*batch, *b.shape[-2:]))
    try:
        wide = a if xp is backend.np else xp.broadcast_to(a, (*batch, *a.shape[-2:]))
        return backend.strict_linalg(xp).solve(wide, b), xp.zeros(a.shape[:-2], "int32")
    except xp.linalg.LinAlgError:
        batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
        wide = xp.broadcast_to(a, (*batch, *a.shape[-2:])), xp.broadcast_to(b, (*batch, *b.shape[-2:]))
        found, info = each(xp, (b.shape[-2:], ()), lambda one, side: _solved_one(xp, one, side), *wide)
        own = info[(0,) * (len(batch) - a.ndim + 2)]
        for axis, size in enumerate(a.shape[:-2]):
            own = xp.take(own, xp.arange(size), axis=axis)
        return found, own


SINGULAR = "The solver failed because the input matrix is singular."


@structural(namespace=SPACE, method=False, plan=_plan_solve, fields=("result", "info"), grads=_solve_grads)
def linalg_solve_ex(xp, A, B, *, left: Bool = True, check_errors: Bool = False):
    """Solutions of A @ X = B, and a code for each matrix instead of an error: 0, or the place of the zero that made it singular.

    Shapes: (..., n, n), (..., n, k)  ->  (..., n, k), (...)
    Grad: B: solve(A.mT, grad); A: -solve(A.mT, grad) @ X.mT
    See: linalg.solve, linalg.inv_ex

    >>> linalg.solve_ex(tensor([[2., 0.], [0., 4.]]), ones(2)).result
    tensor([0.5000, 0.2500])
    """
    if _is_vector(A.shape, B.shape):
        found, info = _solved(xp, A, B[..., None])
        found = found[..., 0]
    elif left:
        found, info = _solved(xp, A, B)
    else:
        found, info = _solved(xp, _turned(xp, A), _turned(xp, B))
        found = _turned(xp, found)
    if check_errors:
        check_codes(info, f"torch.linalg.solve_ex: {SINGULAR}")
    return found, info


@composite(namespace=SPACE, method=False)
def linalg_solve(F, A, B, *, left: Bool = True):
    """The X with A @ X = B for square A, B a matrix or a vector for each; left=False: X @ A = B.

    Shapes: (..., n, n), (..., n, k)  ->  (..., n, k); (..., n, n), (n)  ->  (..., n)
    Grad: B: solve(A.mT, grad); A: -solve(A.mT, grad) @ X.mT
    See: linalg.inv, linalg.lstsq, linalg.lu_solve, linalg.solve_triangular

    >>> linalg.solve(tensor([[2., 0.], [0., 4.]]), tensor([2., 2.]))
    tensor([1.0000, 0.5000])
    """
    found, info = F.linalg_solve_ex(A, B, left=left)
    check_codes(info, f"torch.linalg.solve: {SINGULAR}")
    return found


# --- triangular systems and Cholesky factors --------------------------------------------------------------------------


def _plan_triangular(self, B, upper, left, unitriangular):
    check_matrices("linalg.solve_triangular", self)
    _fit("linalg.solve_triangular", self, B, left)
    check_kernel("triangular_solve_cpu", self)
    batch = broadcast_shapes(tuple(self.shape[:-2]), tuple(B.shape[:-2]))
    return by_columns(B, *batch, *B.shape[-2:])


def _triangle(xp, a, upper, unit):
    """The triangle that is read, with ones on its diagonal where they are taken for granted."""
    if unit:
        return (xp.triu(a, 1) if upper else xp.tril(a, -1)) + xp.eye(a.shape[-1], dtype=a.dtype)
    return xp.triu(a) if upper else xp.tril(a)


def _triangular(xp, a, b, upper, left=True, unit=False):
    triangle = _triangle(xp, a, upper, unit)
    return _solved(xp, triangle, b)[0] if left else _turned(xp, _solved(xp, _turned(xp, triangle), _turned(xp, b))[0])


def _triangular_grads(grad, self, self_spec, B_spec, result, upper, left, unitriangular, needs, F):
    back = F.linalg_solve_triangular(_mt(self, F), grad, upper=not upper, left=left, unitriangular=unitriangular)
    slope = None
    if needs[0]:
        outer = -(F.matmul(back, _mt(result, F)) if left else F.matmul(_mt(result, F), back))
        inside = F.triu(outer, int(unitriangular)) if upper else F.tril(outer, -int(unitriangular))
        slope = F.sum_to(inside, self_spec.sizes)
    return [slope, F.sum_to(back, B_spec.sizes) if needs[1] else None]


@structural(namespace=SPACE, method=False, plan=_plan_triangular, out_rule="scalar kind", grads=_triangular_grads)
def linalg_solve_triangular(xp, self, B, *, upper: Bool, left: Bool = True, unitriangular: Bool = False):
    """The X with A @ X = B for a triangular A, of which one triangle is read; left=False: X @ A = B.

    Shapes: (..., n, n), (..., n, k)  ->  (..., n, k)
    Grad: B: solve_triangular(A.mT, grad); A: -that @ X.mT, in its triangle
    See: linalg.solve, cholesky_solve, linalg.lu_solve

    >>> linalg.solve_triangular(tensor([[2., 1.], [0., 1.]]), tensor([[4.], [2.]]), upper=True)
    tensor([[1.],
            [2.]])
    """
    return _triangular(xp, self, B, upper, left, unitriangular)


def _plan_old_triangular(self, A, upper, transpose, unitriangular):
    for name, each_spec in (("b", self), ("A", A)):
        if each_spec.ndim < 2:
            raise TensorError(f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has {each_spec.ndim} dimensions instead")
    if A.shape[-1] != A.shape[-2]:
        raise TensorError(f"A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} matrices")
    if A.shape[-1] != self.shape[-2]:
        raise TensorError(
            f"Incompatible matrix sizes for triangular_solve: each A matrix is {A.shape[-1]} by {A.shape[-1]} but each b matrix is {self.shape[-2]} by"
            f" {self.shape[-1]}"
        )
    check_kernel("triangular_solve_cpu", self)
    batch = broadcast_shapes(tuple(self.shape[:-2]), tuple(A.shape[:-2]))
    return [by_columns(self, *batch, *self.shape[-2:]), by_columns(A, *batch, *A.shape[-2:])]


def _old_triangular_grads(grad, self_spec, A, A_spec, result, upper, transpose, unitriangular, needs, F):
    back = F.triangular_solve(grad[0], A, upper, not transpose, unitriangular)[0]
    slope = None
    if needs[1]:
        outer = -(F.matmul(result, _mt(back, F)) if transpose else F.matmul(back, _mt(result, F)))
        inside = F.triu(outer, int(unitriangular)) if upper else F.tril(outer, -int(unitriangular))
        slope = F.sum_to(inside + grad[1], A_spec.sizes)
    return [F.sum_to(back, self_spec.sizes) if needs[0] else None, slope]


@structural(plan=_plan_old_triangular, fields=("solution", "cloned_coefficient"), grads=_old_triangular_grads)
def triangular_solve(xp, self, A, upper: Bool = True, transpose: Bool = False, unitriangular: Bool = False):
    """The older linalg.solve_triangular, the right side first; A comes back, too.

    Shapes: (..., n, k), (..., n, n)  ->  (..., n, k), (..., n, n)
    Grad: input: triangular_solve(grad, A, transpose=True); A: -that @ X.mT, in its triangle
    See: linalg.solve_triangular

    >>> triangular_solve(tensor([[4.], [2.]]), tensor([[2., 1.], [0., 1.]])).solution
    tensor([[1.],
            [2.]])
    """
    matrix, high = (_turned(xp, A), not upper) if transpose else (A, upper)
    found = _triangular(xp, matrix, self, high, unit=unitriangular)
    return found, xp.broadcast_to(A, (*found.shape[:-2], *A.shape[-2:]))


def _plan_cholesky_solve(self, input2, upper):
    for name, each_spec in (("b", self), ("u", input2)):
        if each_spec.ndim < 2:
            raise TensorError(f"{name} should have at least 2 dimensions, but has {each_spec.ndim} dimensions instead")
    if self.dtype is not input2.dtype:
        raise TensorError(
            f"Expected b and A to have the same dtype, but found b of type {self.dtype.kernel_name} and A of type {input2.dtype.kernel_name} instead."
        )
    if input2.shape[-1] != input2.shape[-2]:
        raise TensorError(f"A must be batches of square matrices, but they are {input2.shape[-2]} by {input2.shape[-1]} matrices")
    if input2.shape[-1] != self.shape[-2]:
        raise TensorError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {input2.shape[-1]} by {input2.shape[-1]} but each b matrix is"
            f" {self.shape[-2]} by {self.shape[-1]}"
        )
    check_kernel("cholesky_solve_cpu", self)
    batch = broadcast_shapes(tuple(self.shape[:-2]), tuple(input2.shape[:-2]))
    return by_columns(self, *batch, *self.shape[-2:])


def _by_factor(xp, b, factor, upper):
    """The solution of L @ L.mT @ X = b, or U.mT @ U @ X = b."""
    lower = adjoint_of(xp, factor) if upper else factor
    return _triangular(xp, adjoint_of(xp, lower), _triangular(xp, lower, b, False), True)


def _cholesky_solve_grads(grad, self_spec, input2, input2_spec, result, upper, needs, F):
    back = F.cholesky_solve(grad, input2, upper)
    slope = None
    if needs[1]:
        outer = F.matmul(back, F.mH(result))
        common = outer + F.mH(outer)
        slope = F.sum_to(-(F.matmul(input2, common) if upper else F.matmul(common, input2)), input2_spec.sizes)
    return [F.sum_to(back, self_spec.sizes) if needs[0] else None, slope]


@structural(plan=_plan_cholesky_solve, out_rows=True, out_rule="castable", holomorphic=False, grads=_cholesky_solve_grads)
def cholesky_solve(xp, self, input2, upper: Bool = False):
    """The X with A @ X = input, from the Cholesky factor of A.

    Shapes: (..., n, k), (..., n, n)  ->  (..., n, k)
    Grad: input: cholesky_solve(grad, L); L: -(G + G.mT) @ L with G = cholesky_solve(grad, L) @ X.mT
    See: linalg.cholesky, linalg.solve

    >>> cholesky_solve(tensor([[4.], [5.]]), tensor([[2., 0.], [1., 2.]]))
    tensor([[0.6250],
            [0.7500]])
    """
    return _by_factor(xp, self, input2, upper)


def _plan_cholesky_inverse(self, upper):
    check_matrices("cholesky_inverse", self)
    check_kernel("cholesky_inverse_out_cpu", self)
    return by_columns(self, *self.shape)


def _cholesky_inverse_grad(grad, self, result, upper, F):
    common = F.matmul(F.matmul(result, grad + F.mH(grad)), result)
    return -(F.matmul(self, common) if upper else F.matmul(common, self))


@structural(plan=_plan_cholesky_inverse, out_rule="castable", holomorphic=False, self=lambda grad, self, result, upper, F: _cholesky_inverse_grad(grad, self, result, upper, F))
def cholesky_inverse(xp, self, upper: Bool = False):
    """The inverse of A from its Cholesky factor.

    Shapes: (..., n, n); kept
    Grad: -(inverse @ (grad + grad.mT) @ inverse) @ L
    See: linalg.cholesky, cholesky_solve, linalg.inv

    >>> cholesky_inverse(tensor([[2., 0.], [1., 1.]]))
    tensor([[ 0.5000, -0.5000],
            [-0.5000,  1.0000]])
    """
    zeros = xp.diagonal(self, axis1=-2, axis2=-1) == 0
    info = xp.where(zeros.any(-1), zeros.argmax(-1) + 1, 0) if self.shape[-1] else xp.zeros(self.shape[:-2], "int32")
    check_codes(info, "cholesky_inverse: The diagonal element {i} is zero, the inversion could not be completed because the input matrix is singular.")
    return _by_factor(xp, xp.eye(self.shape[-1], dtype=self.dtype), self, upper)


# --- LU factors -------------------------------------------------------------------------------------------------------


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


# --- least squares ----------------------------------------------------------------------------------------------------

_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def _plan_lstsq(self, b, rcond, driver):
    name = "torch.linalg.lstsq"
    if self.ndim < 2:
        raise TensorError(f"{name}: input must have at least 2 dimensions.")
    if b.ndim < 1:
        raise TensorError(f"{name}: other must have at least 1 dimension.")
    if not 0 <= self.ndim - b.ndim <= 1:
        raise TensorError(f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1")
    vector = _is_vector_side(self.shape, b.shape)
    rows = b.shape[-1 if vector else -2]
    if rows != self.shape[-2]:
        raise TensorError(f"{name}: input.size(-2) should match other.size({'-1' if vector else '-2'})")
    if self.dtype is not b.dtype:
        raise TensorError(
            f"{name}: Expected input and other to have the same dtype, but got input's dtype {self.dtype.kernel_name} and other's dtype {b.dtype.kernel_name}"
        )
    if driver is not None and driver not in _DRIVERS:
        raise TensorError(f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    if self.dtype.category < dtypes.FLOAT or self.dtype in dtypes.REDUCED:
        raise TensorError("This function doesn't handle types other than float and double")
    m, n = self.shape[-2:]
    driver, k = driver or "gelsy", 1 if vector else b.shape[-1]
    batch = broadcast_shapes(tuple(self.shape[:-2]), tuple(b.shape[: -1 if vector else -2]))
    whole = by_columns(self, *batch, max(m, n), k).strides
    solution = spec_of(self.dtype, self.device, (*batch, n), whole[:-1]) if vector else spec_of(self.dtype, self.device, (*batch, n, k), whole)
    nothing = reals(self, 0)
    return [
        solution,
        reals(self, *batch, k) if m > n and driver != "gelsy" else nothing,
        spec_of(dtypes.int64, self.device, tuple(self.shape[:-2]) if driver != "gels" else (0,)),
        reals(self, *self.shape[:-2], min(m, n)) if driver in ("gelsd", "gelss") else nothing,
    ]


def _is_vector_side(a_shape, b_shape):
    return len(b_shape) + 1 == len(a_shape)


def _lstsq_grads(grad, self, self_spec, b, b_spec, result, residuals, needs, F):
    """Through the pseudoinverse: the solution is pinv(A) @ B; a residual is the squared length of A @ X - B."""
    slope, side = grad[0], b
    solution = result
    if len(b_spec.shape) + 1 == len(self_spec.shape):
        slope, side, solution = F.unsqueeze(slope, -1), F.unsqueeze(b, -1), F.unsqueeze(result, -1)
    pinv = F.linalg_pinv(self)
    back = F.matmul(F.mH(pinv), slope)
    missing = side - F.matmul(self, solution)
    # d pinv(A) @ B, split into the change of the solution in range and in size (Golub and Pereyra 1973)
    own = -F.matmul(back, F.mH(solution)) + F.matmul(missing, F.matmul(F.mH(slope), F.matmul(pinv, F.mH(pinv))))
    reach = slope - F.matmul(pinv, F.matmul(self, slope))
    own = own + F.matmul(F.matmul(F.mH(pinv), solution), F.mH(reach))
    if residuals.shape[-1]:
        push = 2 * missing * F.unsqueeze(grad[1], -2)
        back, own = back + push, own - F.matmul(push, F.mH(solution))
    if len(b_spec.shape) + 1 == len(self_spec.shape):
        back = F.squeeze_dim(back, -1)
    return [F.sum_to(own, self_spec.sizes) if needs[0] else None, F.sum_to(back, b_spec.sizes) if needs[1] else None]


def _least(xp, a, b, rcond, driver):
    """Solution, squared residuals, rank and singular values of one system; LAPACK sees only what is finite, the rest gives nan."""
    scipy = backend.scipy_module("linalg", xp)
    cut = xp.finfo(a.dtype).eps * max(a.shape) if rcond is None else rcond
    known, asked = xp.isfinite(a).all(), xp.isfinite(b).all(0)
    nothing = xp.zeros((), a.dtype)
    found, _, rank, values = scipy.lstsq(
        a if known else xp.zeros_like(a),
        xp.where(asked, b, nothing),
        cond=cut,
        lapack_driver="gelsd" if driver == "gels" else driver,
        check_finite=False,
    )
    found = xp.where(asked & known, found, a.dtype.type(xp.nan))
    if values is not None and not known:
        values = xp.full_like(values, xp.nan)
    rest = xp.square(xp.absolute(b - xp.matmul(a, found))).sum(0)
    return found, rest, rank, values if driver in ("gelsd", "gelss") else xp.zeros(0, a.dtype)


@structural(
    namespace=SPACE,
    method=False,
    plan=_plan_lstsq,
    fields=("solution", "residuals", "rank", "singular_values"),
    out_rule=("lstsq", "lstsq", "lstsq rank", "lstsq values"),
    constant=("singular_values",),
    host="CuPy solves least squares for one matrix at a time, and not by LAPACK's drivers",
    grads=_lstsq_grads,
    holomorphic=False,
)
def linalg_lstsq(xp, self, b, rcond: Float | None = None, *, driver: Str | None = None):
    """The X with the least squares of A @ X - B; of several the shortest. Which further results are there depends on `driver`.

    Shapes: (..., m, n), (..., m, k)  ->  (..., n, k), residuals (..., k), rank (...), singular values (..., min(m, n))
    Grad: B: pinv(A).mT @ grad; A: as linalg.pinv's, with pinv(A) @ B
    See: linalg.pinv, linalg.solve, linalg.qr

    >>> linalg.lstsq(tensor([[1., 0.], [0., 2.], [0., 0.]]), tensor([[1.], [4.], [5.]])).solution
    tensor([[1.],
            [2.]])
    """
    vector = _is_vector_side(self.shape, b.shape)
    side, driver = b[..., None] if vector else b, driver or "gelsy"
    m, n = self.shape[-2:]
    batch = broadcast_shapes(self.shape[:-2], side.shape[:-2])
    if not self.size or not side.size:
        empty = xp.zeros((*batch, n, side.shape[-1]), self.dtype)
        rest, rank, values = xp.square(xp.absolute(side)).sum(-2), xp.zeros(self.shape[:-2], "int64"), xp.zeros((*self.shape[:-2], min(m, n)), self.dtype)
    else:
        wide = xp.broadcast_to(self, (*batch, m, n)), xp.broadcast_to(side, (*batch, *side.shape[-2:]))
        shapes = ((n, side.shape[-1]), (side.shape[-1],), (), (min(m, n) if driver in ("gelsd", "gelss") else 0,))
        empty, rest, rank, values = each(xp, shapes, lambda one, two: _least(xp, one, two, rcond, driver), *wide)
    nothing = xp.zeros(0, self.dtype)
    return (
        empty[..., 0] if vector else empty,
        rest if m > n and driver != "gelsy" else nothing,
        rank if driver != "gels" else xp.zeros(0, "int64"),
        values if driver in ("gelsd", "gelss") else nothing,
    )
