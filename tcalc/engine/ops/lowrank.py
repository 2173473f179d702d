"""Approximations of low rank by random projections (Halko, Martinsson and Tropp 2009)."""

from __future__ import annotations

from ..dtypes import FLOAT, float32
from ..errors import TensorValueError
from ..families.structural import composite


def _basis(F, A, q, niter, M):
    """A matrix of q orthonormal columns that nearly span A - M."""
    dtype = A.dtype if A.dtype.category >= FLOAT else float32
    start = F.randn((A.shape[-1], q), dtype=dtype, device=A.device)
    away = lambda a, m, x: F.matmul(a, x) if m is None else F.matmul(a, x) - F.matmul(m, x)  # noqa: E731 - (a - m) @ x
    turned, turned_mean = F.mH(A), None if M is None else F.mH(M)
    Q = F.linalg_qr(away(A, M, start))[0]
    for _ in range(niter):
        Q = F.linalg_qr(away(turned, turned_mean, Q))[0]
        Q = F.linalg_qr(away(A, M, Q))[0]
    return Q


def _sides(A):
    """Rows and columns. Raises ValueError, as torch's own Python does, for what is no matrix."""
    if len(A.shape) < 2:
        raise TensorValueError(f"not enough values to unpack (expected 2, got {len(A.shape)})")
    return A.shape[-2:]


def _approximated(F, A, q, niter, M):
    """The q largest singular values of A - M, nearly, and their vectors."""
    m, n = _sides(A)
    M = None if M is None else F.expand(M, tuple(A.shape))
    if m < n:
        A, M = F.mH(A), None if M is None else F.mH(M)
    Q = _basis(F, A, q, niter, M)
    B = F.matmul(F.mH(Q), A)
    if M is not None:
        B = B - F.matmul(F.mH(Q), M)
    U, S, Vh = F.linalg_svd(B, False)
    U, V = F.matmul(Q, U), F.mH(Vh)
    return (V, S, U) if m < n else (U, S, V)


@composite(method=False)
def svd_lowrank(F, A, q: Int | None = 6, niter: Int | None = 2, M: Tensor | None = None):
    """The q largest singular values, nearly, and their vectors, of A, or of A - M.

    Shapes: (..., m, n)  ->  (..., m, q), (..., q), (..., n, q)
    See: linalg.svd, pca_lowrank

    >>> svd_lowrank(tensor([[3., 0.], [0., 4.]]), q=2)[1].round()
    tensor([4., 3.])
    """
    return _approximated(F, A, 6 if q is None else q, 2 if niter is None else niter, M)


@composite(method=False)
def pca_lowrank(F, A, q: Int | None = None, center: Bool = True, niter: Int = 2):
    """The principal components of samples in rows: the q largest singular values, nearly, of A less its mean, and their vectors.

    Shapes: (..., m, n)  ->  (..., m, q), (..., q), (..., n, q)
    See: svd_lowrank, cov

    >>> pca_lowrank(tensor([[3., 0.], [-3., 0.]]), q=1)[1].round(decimals=2)
    tensor([4.2400])
    """
    m, n = _sides(A)
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise TensorValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise TensorValueError(f"niter(={niter}) must be non-negative integer")
    return _approximated(F, A - F.mean_dim(A, (-2,), True) if center else A, q, niter, None)
