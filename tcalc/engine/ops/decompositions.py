"""The Cholesky and QR factorizations, and what all factorizations of matrices share: checks, layouts, error codes."""

from __future__ import annotations

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
