"""Linear systems: general, triangular, by Cholesky factors, and least squares."""

from __future__ import annotations

from .. import backend, dtypes
from ..errors import TensorError
from ..families.structural import composite, structural
from ..layout import broadcast_shapes
from ..spec import spec_of
from .decompositions import SPACE, adjoint_of, by_columns, by_rows, check_codes, check_float, check_kernel, check_matrices, each, reals
from .determinants import first_zero


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
