"""Norms of vectors over dims."""

from __future__ import annotations

import math

from ..dtypes import FLOAT
from ..errors import TensorError
from ..families.reduction import reduction
from ..families.structural import composite
from .reduce import _squared_size, spread


def _norm_grad(grad, self, self_spec, result, ord, dim, keepdim, F):
    axes = tuple(range(self_spec.ndim)) if dim is None else dim
    g, norm = spread(grad, self_spec, axes, keepdim, F), spread(result, self_spec, axes, keepdim, F)
    if ord == 0:
        return None
    if ord == 1:
        return g * F.sgn(self)
    if ord == 2:
        return F.where(norm == 0, 0.0, g * (self / norm))
    if math.isinf(ord):
        mask = F.abs(self) == norm
        return g * F.sgn(self) * mask / F.sum_dim(F.cast(mask, self_spec.dtype), axes, True)
    return F.where(norm == 0, 0.0, g * (F.sgn(self) * F.pow_scalar(F.abs(self) / norm, ord - 1)))


@reduction(
    namespace="torch.linalg",
    result="float",
    only_float="linalg.vector_norm: Expected a floating point or complex tensor as input. Got {}",
    out_rule="expected",
    method=False,
    node="LinalgVectorNormBackward",
    self=lambda grad, self, self_spec, result, ord, dim, keepdim, F: _norm_grad(grad, self, self_spec, result, ord, dim, keepdim, F),
    gives_real=True, holomorphic=False,
)
def vector_norm(xp, self, ord: Scalar = 2, dim: Dims | None = None, keepdim: Bool = False, *, dtype: DType | None = None):
    """The `ord`-norm of all elements along `dim`: (sum of |x|^ord)^(1/ord).

    Grad: for the 2-norm input / result * grad, 0 where the result is 0
    See: norm, nn.functional.normalize

    >>> linalg.vector_norm(tensor([3., 4.]))
    tensor(5.)
    """
    return _norm(xp, self, ord, dim, keepdim)


@reduction(
    result="float",
    node="NormBackward",
    overload=1,
    function=False,
    method=False,
    out=False,
    self=lambda grad, self, self_spec, result, ord, dim, keepdim, F: _norm_grad(grad, self, self_spec, result, ord, dim, keepdim, F),
    gives_real=True, holomorphic=False,
)
def norm_dim(xp, self, ord: Scalar, dim: Dims, keepdim: Bool = False):
    """vector_norm as torch's distances record it: a node of its own."""
    return _norm(xp, self, ord, dim, keepdim)


def _norm(xp, self, ord, dim, keepdim):
    if ord == 2:
        return xp.sqrt(xp.add.reduce(_squared_size(xp, self), dim, keepdims=keepdim))
    size = xp.absolute(self)
    if math.isinf(ord) and not self.size and not all(self.shape[d] for d in (range(self.ndim) if dim is None else dim)):
        raise TensorError(
            f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the operation does not have an identity"
        )
    if ord == math.inf:
        return size.max(dim, keepdims=keepdim)
    if ord == -math.inf:
        return size.min(dim, keepdims=keepdim)
    if ord == 0:
        return xp.add.reduce((self != 0).astype(size.dtype), dim, keepdims=keepdim)
    if ord == 1:
        return xp.add.reduce(size, dim, keepdims=keepdim)
    return xp.power(xp.add.reduce(xp.power(size, ord), dim, keepdims=keepdim), 1.0 / ord)


@composite()
def norm(F, self, p: Any = "fro", dim: Dims | None = None, keepdim: Bool = False, *, dtype: DType | None = None):
    """The norm of all elements along `dim`; p="fro" is the 2-norm.

    Shapes: (a, b)  ->  (), dim=0: (b), keepdim=True: (1, b)
    Grad: for the 2-norm input / result * grad, 0 where the result is 0
    See: linalg.vector_norm, nn.functional.normalize

    >>> norm(tensor([3., 4.]))
    tensor(5.)
    """
    if isinstance(p, str) and (p != "fro" or (dim is not None and len(dim) > 2)):
        return F.linalg_matrix_norm(self, p, tuple(range(len(self.shape))) if dim is None else dim, keepdim, dtype=dtype)
    if self.dtype.category < FLOAT and dtype is None:
        raise TensorError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {self.dtype.kernel_name}")
    return F.vector_norm(self, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)
