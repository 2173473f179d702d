"""Eigenvalues and singular values of matrices, with their derivatives."""

from __future__ import annotations

from .. import backend, dtypes
from ..errors import LinAlgError, TensorError
from ..families.common import not_implemented
from ..families.structural import composite, structural
from ..spec import spec_of
from .decompositions import SPACE, _column, _diagonal, _on_diagonal, _row, by_columns, check_codes, check_float, check_kernel, check_matrices, of_finite, reals

NOT_FINITE = "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values."
ILL = "The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated"


def singular(xp, A, **options):
    """NumPy's svd; infinities give nan.

    Raises LinAlgError with torch's sentence for nan, and where LAPACK finds no end.
    """
    check_codes(xp.isnan(A).any((-2, -1)), NOT_FINITE)
    try:
        return of_finite(xp, lambda a: backend.strict_linalg(xp).svd(a, **options), A)
    except xp.linalg.LinAlgError:
        raise LinAlgError(f"linalg.svd: {ILL} singular values.") from None


def eigen(xp, A, triangle, values_only=False):
    """NumPy's eigh (or eigvalsh) of the triangle "L" or "U"; what is not finite there gives nan.

    Raises LinAlgError with torch's sentence where LAPACK finds no end.
    """
    linalg = backend.strict_linalg(xp)
    found = linalg.eigvalsh if values_only else linalg.eigh
    try:
        return of_finite(xp, lambda a: found(a, triangle), A, xp.tril(A) if triangle == "L" else xp.triu(A))
    except xp.linalg.LinAlgError:
        raise LinAlgError(f"linalg.eigh: {ILL} eigenvalues.") from None


# --- eigenvalues of Hermitian matrices, and singular values -----------------------------------------------------------


def _plan_eigh(self, UPLO):
    check_matrices("linalg.eigh", self)
    if UPLO.upper() not in ("L", "U"):
        raise TensorError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    check_kernel("linalg_eigh_cpu", self)
    return [reals(self, *self.shape[:-1]), by_columns(self, *self.shape)]


def _gaps(high, low, numerator, F):
    """Differences to divide by; 1 where 0 would be divided by 0, as for a gradient that is not asked for."""
    gap = high - low
    return F.where((gap == 0) * (numerator == 0), 1.0, gap)


@composite(function=False, method=False)
def free_of_phases(F, self, what: Str, why: Str):
    """The numbers given, refused where a complex one has an imaginary part, by which a gradient would turn vectors: no factorization
    decides phases."""
    if self.dtype.kind == "c" and getattr(self, "a", self) is not None and bool((F.abs(F.imag(self)) > 1e-2).any()):
        raise TensorError(
            f"{what} in the complex case are specified up to multiplication by e^{{i phi}}. The specified loss function depends on this {why}"
        )
    return self


def _eigh_grads(grad, result, eigenvectors, F):
    inner = F.matmul(F.mH(eigenvectors), grad[1])
    turns = F.free_of_phases(_diagonal(inner, F), "linalg_eigh_backward: The eigenvectors", "quantity, so it is ill-defined.")
    inner = inner - _on_diagonal(turns, F)
    inner = inner / _gaps(_row(result, F), _column(result, F), inner, F) + _on_diagonal(grad[0], F)
    return [F.matmul(F.matmul(eigenvectors, inner + F.mH(inner)), F.mH(eigenvectors)) / 2]


@structural(namespace=SPACE, method=False, plan=_plan_eigh, fields=("eigenvalues", "eigenvectors"), holomorphic=False, grads=_eigh_grads)
def linalg_eigh(xp, self, UPLO: Str = "L"):
    """Eigenvalues of a symmetric matrix in rising order, and eigenvectors as columns; one triangle is read.

    Shapes: (..., n, n)  ->  (..., n), (..., n, n)
    Grad: V @ (diag(gL) + V.mT @ gV / (lj - li)) @ V.mT
    See: linalg.eigvalsh, linalg.svd, linalg.cholesky

    >>> linalg.eigh(tensor([[2., 0.], [0., 1.]])).eigenvalues
    tensor([1., 2.])
    """
    return eigen(xp, self, UPLO.upper())


@composite(namespace=SPACE, method=False)
def linalg_eigvalsh(F, self, UPLO: Str = "L"):
    """Eigenvalues of a symmetric matrix in rising order.

    Shapes: (..., n, n)  ->  (..., n)
    Grad: V @ diag(grad) @ V.mT
    See: linalg.eigh, linalg.svdvals

    >>> linalg.eigvalsh(tensor([[2., 0.], [0., 1.]]))
    tensor([1., 2.])
    """
    return F.linalg_eigh(self, UPLO)[0]


def _plan_svd(A, full_matrices, driver):
    check_matrices("linalg.svd", A, square=False)
    check_float("linalg.svd", A, "linalg_svd_cpu")
    if driver is not None:
        raise TensorError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend.")
    *batch, m, n = A.shape
    k = min(m, n)
    return [
        by_columns(A, *batch, m, m if full_matrices else k),
        reals(A, *batch, k),
        by_columns(A, *batch, n if full_matrices else k, n),
    ]


def _skew(matrix, F):
    """What is skew in a matrix, without the diagonal, which only complex matrices have, and that diagonal."""
    found = matrix - F.mH(matrix)
    if found.dtype.kind != "c":
        return found, None
    turns = _diagonal(found, F)
    return found - _on_diagonal(turns, F), turns


def _svd_grads(grad, result, S, Vh, F):
    """Townsend (2016), one term for each of U, S and V; the columns that full_matrices adds have no derivative."""
    k = S.shape[-1]
    u, v = F.slice(result, -1, 0, k, 1), F.mH(F.slice(Vh, -2, 0, k, 1))
    grad_u, grad_v = F.slice(grad[0], -1, 0, k, 1), F.mH(F.slice(grad[2], -2, 0, k, 1))
    inner_u, inner_v = F.matmul(F.mH(u), grad_u), F.matmul(F.mH(v), grad_v)
    (turn_u, phase_u), (turn_v, phase_v) = _skew(inner_u, F), _skew(inner_v, F)
    squares = S * S
    inner = turn_u / _gaps(_row(squares, F), _column(squares, F), turn_u, F) * _row(S, F)
    inner = inner + _column(S, F) * (turn_v / _gaps(_row(squares, F), _column(squares, F), turn_v, F)) + _on_diagonal(grad[1], F)
    if phase_u is not None:  # what turns one of U and V by a phase turns the other back
        F.free_of_phases(_diagonal(inner_u + inner_v, F), "svd_backward: The singular vectors", "phase term, making it ill-defined.")
        turn = phase_u - phase_v
        inner = inner + _on_diagonal(turn / _gaps(4 * S, 0, turn, F), F)
    found = F.matmul(F.matmul(u, inner), F.mH(v))
    if u.shape[-2] > k:
        beside = grad_u - F.matmul(u, inner_u)
        found = found + F.matmul(beside / _gaps(_row(S, F), 0, beside, F), F.mH(v))
    if v.shape[-2] > k:
        beside = grad_v - F.matmul(v, inner_v)
        found = found + F.matmul(u, F.mH(beside / _gaps(_row(S, F), 0, beside, F)))
    return [found]


@structural(namespace=SPACE, method=False, plan=_plan_svd, fields=("U", "S", "Vh"), holomorphic=False, grads=_svd_grads)
def linalg_svd(xp, A, full_matrices: Bool = True, *, driver: Str | None = None):
    """A = U @ diag(S) @ Vh: orthonormal columns in U, rows in Vh, singular values S in falling order.

    Shapes: (..., m, n)  ->  (..., m, m), (..., k), (..., n, n) with k = min(m, n); full_matrices=False: (..., m, k), (..., k), (..., k, n)
    Grad: U @ (diag(gS) + terms of skew(U.mT @ gU) and skew(V.mT @ gV) over sj^2 - si^2) @ Vh
    See: linalg.svdvals, linalg.pinv, linalg.eigh

    >>> linalg.svd(tensor([[3., 0.], [0., 4.]])).S
    tensor([4., 3.])
    """
    return singular(xp, A, full_matrices=full_matrices)


@composite(namespace=SPACE, method=False)
def linalg_svdvals(F, A, *, driver: Str | None = None):
    """Singular values in falling order.

    Shapes: (..., m, n)  ->  (..., min(m, n))
    Grad: U @ diag(grad) @ Vh
    See: linalg.svd, linalg.matrix_rank, linalg.cond

    >>> linalg.svdvals(tensor([[3., 0.], [0., 4.]]))
    tensor([4., 3.])
    """
    return F.linalg_svd(A, False, driver=driver)[1]


@composite(out=True, fields=("U", "S", "V"))
def svd(F, self, some: Bool = True, compute_uv: Bool = True):
    """The older linalg.svd: input = U @ diag(S) @ V.mT; some=False: square U and V, compute_uv=False: S only, U and V zeros.

    Shapes: (..., m, n)  ->  (..., m, k), (..., k), (..., n, k) with k = min(m, n)
    Grad: as linalg.svd's
    See: linalg.svd, linalg.svdvals, pinverse

    >>> svd(tensor([[3., 0.], [0., 4.]])).S
    tensor([4., 3.])
    """
    if self.spec.ndim < 2:
        raise TensorError(f"linalg.svd: input should have at least 2 dimensions, but has {self.spec.ndim} dimensions instead")
    if not compute_uv:
        *batch, m, n = self.shape
        sides = [F.zeros((*batch, side, side), dtype=self.dtype, device=self.device) for side in (m, n)]
        return sides[0], F.linalg_svdvals(self), sides[1]
    u, s, vh = F.linalg_svd(self, not some)
    return u, s, F.mH(vh)


# --- eigenvalues of any square matrix ---------------------------------------------------------------------------------


def _plan_eig(self):
    check_matrices("linalg.eig", self)
    d = self.dtype.to_complex()
    if self.dtype in dtypes.REDUCED:
        raise not_implemented("linalg_eig_out_cpu", self.dtype)
    values = spec_of(d, self.device, tuple(self.shape[:-1]))
    return [values, by_columns(values, *self.shape)]


def _eig_grads(grad, result, eigenvectors, F):
    """V^-H @ (diag(gL) + (V^H gV - V^H V diag(Re(V^H gV))) / conj(lj - li)) @ V^H: eigenvectors are of length 1 and turn by no phase."""
    turned = F.mH(eigenvectors)
    inner = F.matmul(turned, grad[1])
    along = _diagonal(inner, F)
    settled = F.real(F.free_of_phases(along, "linalg_eig_backward: The eigenvectors", "quantity, so it is ill-defined."))
    inner = inner - F.matmul(turned, eigenvectors) * _row(settled, F)
    inner = inner - _on_diagonal(_diagonal(inner, F), F)
    inner = inner / F.conj(_gaps(_row(result, F), _column(result, F), inner, F)) + _on_diagonal(grad[0], F)
    return [F.linalg_solve_ex(turned, F.matmul(inner, turned))[0]]


@structural(namespace=SPACE, method=False, plan=_plan_eig, fields=("eigenvalues", "eigenvectors"), holomorphic=False, grads=_eig_grads)
def linalg_eig(xp, self):
    """Eigenvalues of a square matrix, complex and in no order, and eigenvectors of length 1 as columns.

    Raises RuntimeError for infinities and nan.

    Shapes: (..., n, n)  ->  (..., n), (..., n, n), complex
    Grad: V^-H @ (diag(gL) + (V^H gV - V^H V diag(Re(V^H gV))) / conj(lj - li)) @ V^H, its real part for a real input
    See: linalg.eigvals, linalg.eigh, linalg.svd

    >>> linalg.eig(tensor([[0., 1.], [-1., 0.]])).eigenvalues
    tensor([0.+1.j, 0.-1.j])
    """
    if not xp.isfinite(self).all():
        raise TensorError("torch.linalg.eig: input tensor should not contain infs or NaNs.")
    return xp.linalg.eig(self)


@composite(namespace=SPACE, method=False, out=True, out_rule="eigenvalues")
def linalg_eigvals(F, self):
    """Eigenvalues of a square matrix, complex and in no order.

    Raises RuntimeError for infinities and nan.

    Shapes: (..., n, n)  ->  (..., n), complex
    Grad: V^-H @ diag(grad) @ V^H, its real part for a real input
    See: linalg.eig, linalg.eigvalsh

    >>> linalg.eigvals(tensor([[0., 1.], [-1., 0.]]))
    tensor([0.+1.j, 0.-1.j])
    """
    check_matrices("linalg.eigvals", self.spec)
    return F.linalg_eig(self)[0]
