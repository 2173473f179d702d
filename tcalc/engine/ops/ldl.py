"""Symmetric indefinite matrices by their LDL factors, and LU by its old name."""

from __future__ import annotations

from .. import backend, dtypes
from ..errors import TensorError
from ..families.common import without_formula
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, wrap_dim
from ..spec import spec_of
from .decompositions import SPACE, by_columns, check_codes, check_float, check_matrices, codes, each

_NO_LDL = "CuPy has no LDL factors"


def _plan_ldl(self, hermitian, check_errors):
    check_matrices("torch.linalg.ldl_factor_ex", self)
    check_float("torch.linalg.ldl_factor_ex", self, "ldl_factor_cpu")
    return [by_columns(self, *self.shape), spec_of(dtypes.int32, self.device, self.shape[:-1]), codes(self)]


def _lapack(name, a, hermitian=False):
    """LAPACK's routine for the dtype of an array: that of Hermitian matrices has another name where numbers are complex."""
    kind = "he" if hermitian and a.dtype.kind == "c" else "sy"
    return backend.scipy_module("linalg.lapack", backend.np).get_lapack_funcs(f"{kind}{name}", (a,))


@structural(
    namespace=SPACE, method=False, plan=_plan_ldl, fields=("LD", "pivots", "info"), host=_NO_LDL, **without_formula("linalg_ldl_factor_ex")
)
def linalg_ldl_factor_ex(xp, self, *, hermitian: Bool = False, check_errors: Bool = False):
    """A = P @ L @ D @ L.mT @ P.mT of symmetric matrices, L and D (blocks of 1 and 2) in one matrix, as LAPACK's sytrf leaves them.

    Shapes: (..., n, n)  ->  (..., n, n), (..., n), (...)
    Grad: torch has none
    See: linalg.ldl_factor, linalg.ldl_solve, linalg.cholesky_ex

    >>> linalg.ldl_factor_ex(tensor([[2., 1.], [1., 3.]])).LD
    tensor([[2.0000, 0.0000],
            [0.5000, 2.5000]])
    """
    n = self.shape[-1]

    def factor(a):
        found, pivots, info = _lapack("trf", a, hermitian)(a, lower=1)
        return backend.np.tril(found), pivots, info

    if not self.size:
        return self, xp.zeros(self.shape[:-1], "int32"), xp.zeros(self.shape[:-2], "int32")
    found, pivots, info = each(xp, ((n, n), (n,), ()), factor, self)
    if check_errors:
        check_codes(info, LDL)
    return found, pivots, info


LDL = "torch.linalg.ldl_factor_ex: D[{i},{i}] is zero. Using it on ldl_solve would divide by zero"


@composite(namespace=SPACE, method=False, out=True, fields=("LD", "pivots"))
def linalg_ldl_factor(F, self, *, hermitian: Bool = False):
    """A = P @ L @ D @ L.mT @ P.mT of symmetric matrices, as linalg.ldl_solve takes it.

    Shapes: (..., n, n)  ->  (..., n, n), (..., n)
    Grad: torch has none
    See: linalg.ldl_factor_ex, linalg.ldl_solve

    >>> linalg.ldl_factor(tensor([[2., 1.], [1., 3.]])).pivots
    tensor([1, 2], dtype=torch.int32)
    """
    found, pivots, info = F.linalg_ldl_factor_ex(self, hermitian=hermitian)
    check_codes(info, LDL.replace("_ex", ""))
    return found, pivots


def _plan_ldl_solve(LD, pivots, B, hermitian):
    check_matrices("torch.linalg.ldl_solve", LD)
    check_float("torch.linalg.ldl_solve", LD)
    wrap_dim(-2, B.ndim)
    if tuple(LD.shape[:-1]) != tuple(pivots.shape):
        raise TensorError(
            f"torch.linalg.ldl_solve: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape {list(pivots.shape)} instead"
        )
    if pivots.dtype.category != dtypes.INT:
        raise TensorError(f"torch.linalg.ldl_solve: Expected pivots to be integers. Got {pivots.dtype.kernel_name}")
    if LD.dtype is not B.dtype:
        raise TensorError(f"torch.linalg.ldl_solve: LD dtype{LD.dtype.kernel_name} does not match b dtype {B.dtype.kernel_name}")
    if LD.shape[-1] != B.shape[-2]:
        raise TensorError(
            f"Incompatible matrix sizes for torch.linalg.ldl_solve: each A matrix is {LD.shape[-1]} by {LD.shape[-1]} but each b matrix is {B.shape[-2]} by"
            f" {B.shape[-1]}"
        )
    batch = broadcast_shapes(tuple(LD.shape[:-2]), tuple(B.shape[:-2]))
    return by_columns(LD, *batch, *B.shape[-2:])


@structural(namespace=SPACE, method=False, plan=_plan_ldl_solve, host=_NO_LDL, **without_formula("linalg_ldl_solve"))
def linalg_ldl_solve(xp, LD, pivots, B, *, hermitian: Bool = False):
    """The X of A @ X = B, for the factors of A that linalg.ldl_factor gives.

    Shapes: (..., n, n), (..., n), (..., n, k)  ->  (..., n, k)
    Grad: torch has none
    See: linalg.ldl_factor, linalg.solve

    >>> LD, pivots = linalg.ldl_factor(tensor([[2., 1.], [1., 3.]]))
    >>> linalg.ldl_solve(LD, pivots, tensor([[3.], [4.]]))
    tensor([[1.],
            [1.]])
    """
    batch = xp.broadcast_shapes(LD.shape[:-2], B.shape[:-2])
    factors, right = xp.broadcast_to(LD, (*batch, *LD.shape[-2:])), xp.broadcast_to(B, (*batch, *B.shape[-2:]))
    places = xp.broadcast_to(pivots, (*batch, pivots.shape[-1]))
    if not right.size:
        return xp.zeros(right.shape, right.dtype)
    (found,) = each(xp, (right.shape[-2:],), lambda a, p, b: [_lapack("trs", a, hermitian)(a, p, b, lower=1)[0]], factors, places, right)
    return found


@composite(public="_lu_with_info", function=False, method=False, fields=("LU", "pivots", "info"))
def lu_with_info(F, self, pivot: Bool):
    """linalg.lu_factor_ex under the name that lu's results carry."""
    return F.linalg_lu_factor_ex(self, pivot=pivot)


@composite()
def lu(F, self, pivot: Bool = True, get_infos: Bool = False):
    """LU factors in one matrix and the swapped rows, and on request a code for each matrix: linalg.lu_factor_ex by its old name.

    Shapes: (..., m, n)  ->  (..., m, n), (..., min(m, n)), (...)
    See: linalg.lu_factor, linalg.lu, lu_unpack

    >>> lu(tensor([[0., 2.], [4., 0.]]))[1]
    tensor([2, 2], dtype=torch.int32)
    """
    found = F.lu_with_info(self, pivot)
    return found if get_infos else tuple(found)[:2]
