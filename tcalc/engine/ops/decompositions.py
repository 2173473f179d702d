"""Determinants, inverses and the factorizations of matrices (Cholesky, QR, LU, eigenvalues, singular values), with their derivatives."""

from __future__ import annotations

import warnings
from math import prod

from .. import backend, dtypes
from ..dtypes import FLOAT
from ..errors import LinAlgError, TensorError
from ..families.common import not_implemented
from ..families.structural import composite, structural
from ..layout import contiguous_strides
from ..spec import spec_of
from ..tensor import Tensor

SPACE = "torch.linalg"

# --- what is refused, and how results lie -----------------------------------------------------------------------------


def check_matrices(name, spec, square=True, what="A"):
    """Refuse what is no matrix or batch of matrices, square ones unless told.

    Raises RuntimeError with torch's sentence.
    """
    if spec.ndim < 2:
        raise TensorError(f"{name}: The input tensor {what} must have at least 2 dimensions.")
    if square and spec.shape[-1] != spec.shape[-2]:
        raise TensorError(f"{name}: {what} must be batches of square matrices, but they are {spec.shape[-2]} by {spec.shape[-1]} matrices")


def check_float(name, spec, kernel=None):
    """Refuse what no kernel computes: integers, and 16-bit floats by the kernel's name where torch does so.

    Raises RuntimeError or NotImplementedError with torch's sentence.
    """
    if spec.dtype.category < FLOAT:
        raise TensorError(f"{name}: Expected a floating point or complex tensor as input. Got {spec.dtype.kernel_name}")
    if spec.dtype in dtypes.REDUCED:
        raise (
            TensorError(f"{name}: Low precision dtypes not supported. Got {spec.dtype.kernel_name}") if kernel is None else not_implemented(kernel, spec.dtype)
        )


def check_kernel(kernel, spec):
    """Refuse what only the kernel of that name refuses.

    Raises NotImplementedError with torch's sentence.
    """
    if spec.dtype.category < FLOAT or spec.dtype in dtypes.REDUCED:
        raise not_implemented(kernel, spec.dtype)


def by_columns(like, *shape):
    """Spec of matrices that lie as LAPACK leaves them: column by column, the batch row-major."""
    rows, columns = shape[-2:]
    strides = (*[step * 1 for step in contiguous_strides((*shape[:-2], max(rows, 1) * max(columns, 1)))[:-1]], 1, max(rows, 1))
    return spec_of(like.dtype, like.device, tuple(shape), strides)


def by_rows(like, *shape):
    """Spec of the operand's dtype, row-major."""
    return spec_of(like.dtype, like.device, tuple(shape))


def reals(like, *shape):
    """Spec of the operand's real dtype, row-major."""
    return spec_of(like.dtype.to_real(), like.device, tuple(shape))


def codes(like):
    """Spec of one LAPACK code a matrix."""
    return spec_of(dtypes.int32, like.device, tuple(like.shape[:-2]))


def check_codes(info, sentence, kind=LinAlgError):
    """Refuse a batch in which a code is not 0; `{i}` in the sentence is that code.

    Raises LinAlgError (or `kind`) with torch's sentence.
    """
    array = info.a if isinstance(info, Tensor) else info
    if array is None or not array.any():
        return
    flat = backend.to_host(array).reshape(-1)
    first = int(flat.nonzero()[0][0])
    name, _, text = sentence.partition(": ")
    batch = f"(Batch element {first}): " if array.ndim else ""
    raise kind(f"{name}: {batch}{text.replace('{i}', str(flat[first]))}")


def of_finite(xp, function, A, read=None):
    """The function of a batch of matrices, nan for those that are not finite: LAPACK, which may print, fail or not end, never sees them.

    `read` is the part that counts (all of each matrix unless given).
    """
    sound = xp.isfinite(A if read is None else read).all((-2, -1))
    if sound.all():
        return function(A)
    found = function(xp.where(sound[..., None, None], A, xp.zeros((), A.dtype)))
    alone = not isinstance(found, tuple)
    filled = [xp.where(sound.reshape(sound.shape + (1,) * (r.ndim - sound.ndim)), r, r.dtype.type(xp.nan)) for r in ([found] if alone else found)]
    return filled[0] if alone else filled


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


def each(xp, shape, function, *arrays):
    """The function on every matrix of a batch, its results stacked."""
    batch = arrays[0].shape[:-2]
    flat = [a.reshape((prod(batch), *a.shape[len(batch) :])) for a in arrays]
    found = [function(*one) for one in zip(*flat, strict=True)]
    if not found:
        return [xp.zeros((*batch, *s), arrays[0].dtype) for s in shape]
    return [xp.stack([xp.asarray(one[i]) for one in found]).reshape((*batch, *s)) for i, s in enumerate(shape)]


def _mt(matrix, F):
    return F.transpose(matrix, -2, -1)


def adjoint_of(xp, a):
    """A raw matrix transposed and conjugated."""
    turned = xp.swapaxes(a, -1, -2)
    return xp.conjugate(turned) if a.dtype.kind == "c" else turned


def _on_diagonal(vector, F):
    return F.diag_embed(vector, 0, -2, -1)


def _diagonal(matrix, F):
    return F.diagonal(matrix, 0, -2, -1)


def _column(vector, F):
    return F.unsqueeze(vector, -1)


def _row(vector, F):
    return F.unsqueeze(vector, -2)


# --- determinants and inverses ----------------------------------------------------------------------------------------


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


# --- Cholesky ---------------------------------------------------------------------------------------------------------


def _cholesky_grad(grad, result, upper, F):
    """Murray (2016): with phi the lower triangle of L.mT @ grad, its diagonal halved, the symmetric part of L.mT^-1 @ phi @ L^-1."""
    factor, grad = (F.mH(result), F.mH(grad)) if upper else (result, grad)
    phi = F.tril(F.matmul(F.mH(factor), grad))
    inner = phi + F.mH(F.tril(phi, -1))
    right = F.linalg_solve_triangular(factor, inner, upper=False, left=False)
    return F.linalg_solve_triangular(F.mH(factor), right, upper=True) / 2


def _factor_and_code(xp, a):
    """The factor of one matrix, and 0 or the order of the first leading minor that is not positive."""
    for k in range(1, a.shape[-1] + 1):
        try:
            found = backend.strict_linalg(xp).cholesky(a[:k, :k])
        except xp.linalg.LinAlgError:
            return xp.tril(a), k
    return found, 0


def factors(xp, A, upper):
    """Lower (or upper) Cholesky factors, read off that triangle, and a code for each matrix."""
    lower = adjoint_of(xp, A) if upper else A
    try:
        found, info = backend.strict_linalg(xp).cholesky(lower), xp.zeros(A.shape[:-2], "int32")
    except xp.linalg.LinAlgError:
        found, info = each(xp, (A.shape[-2:], ()), lambda a: _factor_and_code(xp, a), lower)
    return (adjoint_of(xp, found) if upper else found), info


MINOR = "The factorization could not be completed because the input is not positive-definite (the leading minor of order {i} is not positive-definite)."


def _plan_cholesky(A, upper, check_errors):
    check_matrices("linalg.cholesky", A)
    check_float("linalg.cholesky", A, "cholesky_cpu")
    return [by_columns(A, *A.shape), codes(A)]


@structural(
    namespace=SPACE, method=False, plan=_plan_cholesky, fields=("L", "info"), self=lambda grad, result, upper, F: _cholesky_grad(grad, result, upper, F),
    holomorphic=False,
)
def linalg_cholesky_ex(xp, self, *, upper: Bool = False, check_errors: Bool = False):
    """Cholesky factors, and a code for each matrix instead of an error: 0, or the order of the leading minor that is not positive.

    Shapes: (..., n, n)  ->  (..., n, n), (...)
    Grad: L^-T @ phi @ L^-1, symmetric, with phi from the lower triangle of L.mT @ grad
    See: linalg.cholesky, linalg.inv_ex

    >>> linalg.cholesky_ex(tensor([[4., 2.], [2., 5.]]))
    torch.return_types.linalg_cholesky_ex(
    L=tensor([[2., 0.],
            [1., 2.]]),
    info=tensor(0, dtype=torch.int32))
    """
    found, info = factors(xp, self, upper)
    if check_errors:
        check_codes(info, f"linalg.cholesky_ex: {MINOR}")
    return found, info


@composite(namespace=SPACE, method=False)
def linalg_cholesky(F, self, *, upper: Bool = False):
    """The lower triangular L with L @ L.mT = A, for a symmetric positive-definite A; with `upper` the U with U.mT @ U = A.

    Shapes: (..., n, n); kept
    Grad: L^-T @ phi @ L^-1, symmetric, with phi from the lower triangle of L.mT @ grad
    See: cholesky_solve, linalg.cholesky_ex, linalg.eigh

    >>> linalg.cholesky(tensor([[4., 2.], [2., 5.]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    found, info = F.linalg_cholesky_ex(self, upper=upper)
    check_codes(info, f"linalg.cholesky: {MINOR}")
    return found


def _plan_old_cholesky(self, upper):
    check_matrices("cholesky", self)
    check_kernel("cholesky_cpu", self)
    return by_rows(self, *self.shape) if upper and not self.numel else by_columns(self, *self.shape)


@structural(plan=_plan_old_cholesky, out_rows=True, out_rule="castable", holomorphic=False, self=lambda grad, result, upper, F: _cholesky_grad(grad, result, upper, F))
def cholesky(xp, self, upper: Bool = False):
    """linalg.cholesky: the lower triangular L with L @ L.mT = input.

    Shapes: (..., n, n); kept
    Grad: L^-T @ phi @ L^-1, symmetric, with phi from the lower triangle of L.mT @ grad
    See: linalg.cholesky, cholesky_solve

    >>> cholesky(tensor([[4., 2.], [2., 5.]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    found, info = factors(xp, self, upper)
    check_codes(info, f"cholesky: {MINOR}")
    return found


# --- QR ---------------------------------------------------------------------------------------------------------------


def _plan_qr(A, mode):
    check_matrices("linalg.qr", A, square=False)
    if mode not in ("reduced", "r", "complete"):
        raise TensorError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'")
    check_float("linalg.qr", A, "geqrf_cpu")
    *batch, m, n = A.shape
    k = m if mode == "complete" else min(m, n)
    return [by_rows(A, 0) if mode == "r" else by_columns(A, *batch, m, k), by_columns(A, *batch, k, n)]


def _square_qr_grad(grad_q, grad_r, q, r, F):
    """(grad_q + Q sym(triu(grad_r R.mT - Q.mT grad_q))) R^-T, where sym mirrors the strict triangle (Walter and Lehmann 2018)."""
    inner = F.matmul(grad_r, F.mH(r)) - F.matmul(F.mH(q), grad_q)
    strict = F.triu(inner, 1)
    inner = strict + F.mH(strict) + _on_diagonal(F.real(_diagonal(inner, F)), F)
    return F.linalg_solve_triangular(F.mH(r), grad_q + F.matmul(q, inner), upper=False, left=False)


def _qr_grads(grad, result, R, mode, F):
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if you are"
            " going to differentiate through linalg.qr."
        )
    grad_q, grad_r = grad
    m, n = result.shape[-2], R.shape[-1]
    if mode == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
    if m >= n:
        return [_square_qr_grad(grad_q, grad_r, result, R, F)]
    # a wide matrix: its first m columns have the same Q, the rest are Q @ the rest of R (Roberts and Roberts 2020)
    rest, grad_rest = F.slice(R, -1, m, n, 1), F.slice(grad_r, -1, m, n, 1)
    grad_q = grad_q + F.matmul(F.matmul(result, rest), F.mH(grad_rest))
    first = _square_qr_grad(grad_q, F.slice(grad_r, -1, 0, m, 1), result, F.slice(R, -1, 0, m, 1), F)
    return [F.cat([first, F.matmul(result, grad_rest)], -1)]


def _qr(xp, A, mode):
    if mode == "r":
        return xp.zeros((0,), A.dtype), xp.linalg.qr(A, "r")
    return xp.linalg.qr(A, mode)


@structural(namespace=SPACE, method=False, plan=_plan_qr, fields=("Q", "R"), holomorphic=False, grads=_qr_grads)
def linalg_qr(xp, A, mode: Str = "reduced"):
    """A = Q @ R with orthonormal columns in Q and R upper triangular; mode="complete": a square Q, "r": R only.

    Shapes: (..., m, n)  ->  (..., m, k), (..., k, n) with k = min(m, n)
    Grad: (gQ + Q @ M) @ R^-T with M the symmetric matrix of the upper triangle of gR @ R.mT - Q.mT @ gQ
    See: linalg.lstsq, linalg.svd, linalg.solve_triangular

    >>> linalg.qr(tensor([[3., 1.], [4., 2.]])).R
    tensor([[-5.0000, -2.2000],
            [ 0.0000,  0.4000]])
    """
    return _qr(xp, A, mode)


def _qr_mode(some):
    return "reduced" if some else "complete"


@structural(
    plan=lambda self, some: _plan_qr(self, _qr_mode(some)), fields=("Q", "R"), node="LinalgQrBackward", holomorphic=False,
    grads=lambda grad, result, R, some, F: _qr_grads(grad, result, R, "reduced" if some else "complete", F),
)  # fmt: skip
def qr(xp, self, some: Bool = True):
    """linalg.qr: input = Q @ R with orthonormal columns in Q and R upper triangular; some=False: a square Q.

    Shapes: (..., m, n)  ->  (..., m, k), (..., k, n) with k = min(m, n)
    Grad: (gQ + Q @ M) @ R^-T with M the symmetric matrix of the upper triangle of gR @ R.mT - Q.mT @ gQ
    See: linalg.qr

    >>> qr(tensor([[3., 1.], [4., 2.]])).R
    tensor([[-5.0000, -2.2000],
            [ 0.0000,  0.4000]])
    """
    return _qr(xp, self, _qr_mode(some))


# --- eigenvalues and singular values ----------------------------------------------------------------------------------


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
