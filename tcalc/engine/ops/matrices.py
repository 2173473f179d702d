"""What is made of factorizations: norms, condition, rank, pseudoinverse, powers and the exponential; matrices of powers, tensors as matrices."""

from __future__ import annotations

import math
from math import prod

from .. import backend, dtypes
from ..dtypes import FLOAT
from ..errors import TensorError
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, wrap_dim
from ..signature import contiguous_format
from ..spec import Spec, spec_of
from .decompositions import SPACE, adjoint_of, by_rows, check_float, check_matrices
from .determinants import inverted
from .eigenvalues import eigen, singular


def _mt(matrix, F):
    return F.transpose(matrix, -2, -1)


# --- norms and condition ----------------------------------------------------------------------------------------------


def _singular_values(F, A, dims):
    """Singular values over two dims, and the permutation that puts those last."""
    order = (*[d for d in range(len(A.shape)) if d not in dims], *dims)
    return F.linalg_svdvals(F.permute(A, order)), order


def _kept(F, value, order, keepdim):
    """With keepdim: the last dim doubled and both back at their old places."""
    return F.permute(F.unsqueeze(value, -1), tuple(order.index(d) for d in range(len(order)))) if keepdim else value


@composite(namespace=SPACE, method=False)
def linalg_matrix_norm(F, self, ord: Any = "fro", dim: Ints = (-2, -1), keepdim: Bool = False, *, dtype: DType | None = None):
    """The norm of matrices: "fro", "nuc" (sum of singular values), 2, -2 (largest, smallest), inf, -inf (rows), 1, -1 (columns).

    Shapes: (..., m, n)  ->  (...), keepdim=True: (..., 1, 1)
    Grad: through the ops it is made of: "fro": input / result * grad; "nuc", 2, -2: U @ diag @ Vh
    See: linalg.norm, linalg.vector_norm, linalg.svdvals

    >>> linalg.matrix_norm(tensor([[3., 0.], [0., 4.]]), "nuc")
    tensor(7.)
    """
    if len(self.shape) < 2:
        raise TensorError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if self.dtype.category < FLOAT:
        raise TensorError(f"linalg.matrix_norm: Expected a floating point or complex tensor as input. Got {self.dtype.kernel_name}")
    if len(dim) != 2:
        raise TensorError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    first, last = wrap_dim(dim[0], len(self.shape)), wrap_dim(dim[1], len(self.shape))
    if first == last:
        raise TensorError(f"linalg.matrix_norm: dims must be different. Got ({', '.join(map(str, dim))})")
    if ord not in ("fro", "nuc") and (isinstance(ord, str) or abs(ord) not in (1, 2, math.inf)):
        raise TensorError(f"linalg.matrix_norm: Order {ord} not supported.")
    if ord == "fro":
        return F.vector_norm(self, 2, (first, last), keepdim, dtype=dtype)
    A = self if dtype is None else F.to_copy(self, dtype, None, None)
    if ord == "nuc":
        values, order = _singular_values(F, A, (first, last))
        return _kept(F, F.sum_dim(values, (-1,), keepdim), order, keepdim)
    extreme = F.amax if ord > 0 else F.amin
    if abs(ord) == 2:
        values, order = _singular_values(F, A, (first, last))
        return _kept(F, extreme(values, (-1,), keepdim), order, keepdim)
    if abs(ord) == math.inf:
        first, last = last, first
    sums = F.vector_norm(A, 1, (first,), keepdim)
    return extreme(sums, (last - (not keepdim and first < last),), keepdim)


@composite(namespace=SPACE, method=False)
def linalg_norm(F, self, ord: Any = None, dim: Ints | None = None, keepdim: Bool = False, *, dtype: DType | None = None):
    """linalg.matrix_norm over two dims, linalg.vector_norm over one; without `ord` the 2-norm of all elements.

    Shapes: (a, b)  ->  (); dim=1: (a)
    Grad: for the 2-norm input / result * grad, 0 where the result is 0
    See: linalg.vector_norm, linalg.matrix_norm, norm

    >>> linalg.norm(tensor([3., 4.]))
    tensor(5.)
    """
    if dim is not None and len(dim) not in (1, 2) and ord is not None:
        raise TensorError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    if dim is None and ord is not None and len(self.shape) not in (1, 2):
        raise TensorError(f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {len(self.shape)}D.")
    matrix = isinstance(ord, str) or (ord is not None and (len(dim) == 2 if dim is not None else len(self.shape) == 2))
    if matrix:
        return F.linalg_matrix_norm(self, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    if self.dtype.category < FLOAT and dtype is None:
        raise TensorError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {self.dtype.kernel_name}")
    return F.vector_norm(self, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


@composite(namespace=SPACE, method=False)
def linalg_cond(F, self, p: Any = None):
    """The condition number: the norm of a matrix times that of its inverse; inf for a singular one.

    Shapes: (..., m, n)  ->  (...)
    Grad: through the ops it is made of
    See: linalg.svdvals, linalg.matrix_norm, linalg.inv

    >>> linalg.cond(tensor([[4., 0.], [0., 2.]]))
    tensor(2.)
    """
    if len(self.shape) < 2:
        raise TensorError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if p is None or p in (2, -2):
        values = F.linalg_svdvals(self)
        large, small = F.narrow(values, -1, 0, 1), F.narrow(values, -1, values.shape[-1] - 1, 1)
        return F.squeeze_dim(small / large if p == -2 else large / small, -1)
    if p not in ("fro", "nuc") and (isinstance(p, str) or abs(p) not in (1, math.inf)):
        raise TensorError(f"linalg.cond got an invalid norm type: {p}")
    check_matrices(f"linalg.cond(ord={p})", self.spec)
    if p == "nuc":
        values = F.linalg_svdvals(self)
        return F.sum_dim(values, (-1,)) * F.sum_dim(F.reciprocal(values), (-1,))
    if not self.spec.numel:
        return F.zeros(tuple(self.shape[:-2]), dtype=self.dtype.to_real(), device=self.device)
    inverse, info = F.linalg_inv_ex(self)
    inverse = F.masked_fill(inverse, F.unsqueeze(F.unsqueeze(info > 0, -1), -1), math.inf)
    product = F.linalg_matrix_norm(self, p) * F.linalg_matrix_norm(inverse, p)
    return F.nan_to_num(product, math.inf, math.inf, -math.inf)


# --- rank and pseudoinverse -------------------------------------------------------------------------------------------


def _tolerance(xp, largest, atol, rtol, dtype, sizes):
    """What counts as 0: max(atol, rtol * largest); rtol is eps * the larger size where neither is given."""
    absolute = xp.zeros((), dtype) if atol is None else xp.asarray(atol)
    if rtol is None:
        rtol = xp.where(absolute > 0, 0.0, xp.finfo(dtype).eps * max(sizes))
    return xp.maximum(absolute, xp.asarray(rtol) * largest)


def _plan_rank(self, tol, hermitian, atol, rtol):
    check_matrices("torch.linalg.matrix_rank", self, hermitian, "input") if not hermitian or self.ndim < 2 else check_matrices("linalg.eigh", self)
    if self.dtype.category < FLOAT or self.dtype in dtypes.REDUCED:
        raise TensorError("This function doesn't handle types other than float and double")
    shapes = [tuple(t.shape) for t in (tol, atol, rtol) if hasattr(t, "shape")]
    return spec_of(dtypes.int64, self.device, broadcast_shapes(tuple(self.shape[:-2]), *shapes))


@structural(namespace=SPACE, method=False, plan=_plan_rank, out=False)
def linalg_matrix_rank(xp, self, tol: Any = None, hermitian: Bool = False, *, atol: Any = None, rtol: Any = None):
    """How many singular values (with hermitian=True: sizes of eigenvalues) are larger than max(atol, rtol * the largest).

    Shapes: (..., m, n)  ->  (...)
    Grad: none: the result is int64
    See: linalg.svdvals, linalg.pinv, linalg.cond

    >>> linalg.matrix_rank(tensor([[1., 2.], [2., 4.]]))
    tensor(1)
    """
    if tol is not None:
        atol, rtol = tol, 0.0
    if not min(self.shape[-2:]):
        return xp.zeros(self.shape[:-2], "int64")
    values = xp.absolute(eigen(xp, self, "L", True)) if hermitian else singular(xp, self, compute_uv=False)
    limit = _tolerance(xp, values.max(-1), atol, rtol, self.dtype, self.shape[-2:])
    return xp.add.reduce(values > limit[..., None], -1)


def _plan_pinv(self, rcond, hermitian, atol, rtol):
    if self.ndim < 2 or self.dtype.category < FLOAT or self.dtype in dtypes.REDUCED:
        raise TensorError(
            f"linalg.pinv({self.dtype.kernel_name}{{{list(self.shape)}}}): expected a tensor with 2 or more dimensions of float, double, cfloat"
            " or cdouble types"
        )
    for name, given in (("rcond", rcond), ("atol", atol), ("rtol", rtol)):
        if isinstance(given, Spec) and given.dtype.is_complex:
            raise TensorError(f"torch.linalg.pinv: {name} tensor of complex type is not supported. Got {given.dtype.kernel_name}")
    if hermitian:
        check_matrices("linalg.eigh", self)
    *batch, m, n = self.shape
    return by_rows(self, *batch, n, m)


def _pinv_grad(grad, A, pinv, F):
    """Golub and Pereyra (1973): three terms, ordered so that the smaller side is squared."""
    turned = F.mH(grad)
    if A.shape[-2] <= A.shape[-1]:
        inner = F.matmul(turned, pinv)
        outer = F.matmul(inner, F.mH(pinv))
        first = outer - F.mH(F.matmul(pinv, inner)) - F.matmul(A, F.matmul(pinv, outer))
        return first + F.matmul(F.matmul(F.mH(pinv), pinv), turned - F.matmul(inner, A))
    inner = F.matmul(pinv, turned)
    outer = F.matmul(F.mH(pinv), inner)
    first = outer - F.mH(F.matmul(inner, pinv)) - F.matmul(F.matmul(outer, pinv), A)
    return first + F.matmul(F.matmul(turned - F.matmul(A, inner), pinv), F.mH(pinv))


@structural(
    namespace=SPACE, method=False, plan=_plan_pinv, out=False, holomorphic=False, self=lambda grad, self, result, F: _pinv_grad(grad, self, result, F),
    fixed={"atol": "linalg_pinv: atol", "rtol": "linalg_pinv: rtol", "rcond": "linalg_pinv: rtol"},
)
def linalg_pinv(xp, self, rcond: Any = None, hermitian: Bool = False, *, atol: Any = None, rtol: Any = None):
    """The pseudoinverse (Moore and Penrose); singular values not larger than max(atol, rtol * the largest) count as 0.

    Shapes: (..., m, n)  ->  (..., n, m)
    Grad: -(P @ G @ P).mT + two terms for the rows and columns that A does not reach, P the result, G = grad.mT
    See: linalg.inv, linalg.solve, linalg.svd

    >>> linalg.pinv(tensor([[2., 0.], [0., 0.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    if rcond is not None:
        atol, rtol = 0.0, rcond
    if not self.size:
        return xp.zeros((*self.shape[:-2], self.shape[-1], self.shape[-2]), self.dtype)
    if hermitian:
        values, u = eigen(xp, self, "L")
        sizes, v = xp.absolute(values), u
    else:
        u, values, vh = singular(xp, self, full_matrices=False)
        sizes, v = values, adjoint_of(xp, vh)
    limit = _tolerance(xp, sizes.max(-1), atol, rtol, self.dtype, self.shape[-2:])
    inverse = xp.where(sizes > limit[..., None], 1 / values, xp.zeros((), values.dtype))
    return xp.matmul(v * inverse[..., None, :], adjoint_of(xp, u))


@composite()
def pinverse(F, self, rcond: Float = 1e-15):
    """linalg.pinv: the pseudoinverse; singular values not larger than rcond * the largest count as 0.

    Shapes: (..., m, n)  ->  (..., n, m)
    Grad: as linalg.pinv's
    See: linalg.pinv, inverse

    >>> pinverse(tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return F.linalg_pinv(self, rcond)


# --- powers and the exponential ---------------------------------------------------------------------------------------


def _power(F, A, n):
    check_matrices("linalg.matrix_power", A.spec)
    if n == 0:
        return F.copy(F.clone(A, memory_format=contiguous_format), F.eye(A.shape[-1], dtype=A.dtype, device=A.device))
    if n == 1:
        return F.clone(A)
    square = A if n > 0 else inverted(F, A)
    n, result = abs(n), None
    if n == 3:
        return F.matmul(F.matmul(square, square), square)
    while True:
        if n & 1:
            result = square if result is None else F.matmul(result, square)
        n >>= 1
        if not n:
            return result
        square = F.matmul(square, square)


@composite(namespace=SPACE, method=False)
def linalg_matrix_power(F, self, n: Int):
    """The product of n equal square matrices, by repeated squaring; negative n: of the inverse, 0: the identity.

    Shapes: (..., n, n); kept
    Grad: through the products it is made of
    See: matmul, linalg.inv, linalg.matrix_exp

    >>> linalg.matrix_power(tensor([[1, 1], [0, 1]]), 3)
    tensor([[1, 3],
            [0, 1]])
    """
    return _power(F, self, n)


@composite()
def matrix_power(F, self, n: Int):
    """linalg.matrix_power: the product of n equal square matrices.

    Shapes: (..., n, n); kept
    Grad: through the products it is made of
    See: linalg.matrix_power, matmul

    >>> matrix_power(tensor([[1, 1], [0, 1]]), 3)
    tensor([[1, 3],
            [0, 1]])
    """
    return _power(F, self, n)


def _plan_exp(self):
    check_matrices("linalg.matrix_exp", self)
    if self.dtype.category < FLOAT:
        check_float("linalg.matrix_exp", self)
    return by_rows(self, *self.shape)


def _exp_grad(grad, self, F):
    """The upper right block of exp([[A.mT, grad], [0, A.mT]]) (Najfeld and Havel 1995)."""
    turned, n = _mt(self, F), self.shape[-1]
    block = F.cat([F.cat([turned, grad], -1), F.cat([turned * 0, turned], -1)], -2)
    return F.slice(F.slice(F.linalg_matrix_exp(block), -2, 0, n, 1), -1, n, 2 * n, 1)


@structural(namespace=SPACE, method=False, plan=_plan_exp, out=False, self=lambda grad, self, F: _exp_grad(grad, self, F))
def linalg_matrix_exp(xp, self):
    """The exponential of each square matrix: the sum of A^k / k!.

    Shapes: (..., n, n); kept
    Grad: the upper right block of exp([[A.mT, grad], [0, A.mT]])
    See: linalg.matrix_power, linalg.eigh, exp

    >>> linalg.matrix_exp(tensor([[0., 1.], [0., 0.]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    wide = self.astype("float32") if self.dtype.itemsize == 2 else self
    return backend.scipy_module("linalg", xp).expm(wide) if self.size else self.copy()


@composite()
def matrix_exp(F, self):
    """linalg.matrix_exp: the exponential of each square matrix.

    Shapes: (..., n, n); kept
    Grad: the upper right block of exp([[A.mT, grad], [0, A.mT]])
    See: linalg.matrix_exp, exp

    >>> matrix_exp(tensor([[0., 1.], [0., 0.]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    return F.linalg_matrix_exp(self)


# --- matrices of powers, tensors as matrices --------------------------------------------------------------------------


@composite(namespace=SPACE, method=False)
def linalg_vander(F, x, *, N: Int | None = None):
    """Powers 0 to N - 1 of each element as a new last dim (Vandermonde matrices).

    Shapes: (..., n)  ->  (..., n, N)
    Grad: through the running products it is made of
    See: vander, cumprod

    >>> linalg.vander(tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    if x.dtype is dtypes.bool_:
        raise TensorError("linalg.vander supports floating point, complex, and integer tensors, but got Bool")
    x = F.reshape(x, (1,)) if not x.shape else x
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise TensorError("N must be greater than 1.")
    wide = F.expand(F.unsqueeze(x, -1), (*x.shape, count - 1))
    powers = F.cumprod(wide, -1)
    return F.cat([F.ones((*x.shape, 1), dtype=powers.dtype, device=x.device), powers], -1)


@composite(method=False)
def vander(F, x, N: Int | None = None, increasing: Bool = False):
    """Powers N - 1 down to 0 of each element as columns, 0 up to N - 1 with `increasing`.

    Shapes: (n)  ->  (n, N)
    Grad: none: backward refuses, as torch's does (a saved value is overwritten); linalg.vander has one
    See: linalg.vander, cumprod

    >>> vander(tensor([2, 3]), N=3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    if len(x.shape) != 1:
        raise TensorError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise TensorError("N must be non-negative.")
    dtype = dtypes.int64 if x.dtype.category < FLOAT else x.dtype
    result = F.ones((x.shape[0], count), dtype=dtype, device=x.device)
    if count > 1:
        rest = F.slice(result, 1, 1, count, 1)
        rest.copy_(F.unsqueeze(x, 1))
        rest.copy_(F.cumprod(F.slice(result, 1, 1, count, 1), 1))
    return result if increasing else F.flip(result, (1,))


@composite(namespace=SPACE, method=False)
def linalg_tensorinv(F, self, ind: Int = 2):
    """The inverse of a tensor seen as a matrix: its first `ind` dims are the rows, the rest the columns.

    Shapes: (a, b, a * b), ind=2  ->  (a * b, a, b)
    Grad: as linalg.inv's
    See: linalg.inv, linalg.tensorsolve

    >>> linalg.tensorinv(eye(4).reshape(2, 2, 4)).shape
    torch.Size([4, 2, 2])
    """
    if ind <= 0:
        raise TensorError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    rows, columns = prod(self.shape[:ind]), prod(self.shape[ind:])
    if rows != columns:
        raise TensorError(f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got {columns} != {rows}")
    return F.reshape(inverted(F, F.reshape(self, (rows, columns)), "inv"), (*self.shape[ind:], *self.shape[:ind]))


@composite(namespace=SPACE, method=False)
def linalg_tensorsolve(F, self, other, dims: Ints | None = None):
    """The X with tensordot(input, X, X.ndim) = other: a linear system of tensors. `dims` go to the end of input first.

    Shapes: (a, b, a * b), (a, b)  ->  (a * b)
    Grad: as linalg.solve's
    See: linalg.solve, linalg.tensorinv, tensordot

    >>> linalg.tensorsolve(eye(4).reshape(2, 2, 4), ones(2, 2))
    tensor([1., 1., 1., 1.])
    """
    A = self
    if dims is not None:
        A = F.movedim(A, dims, tuple(range(len(A.shape) - len(dims), len(A.shape))))
    shape = tuple(A.shape[len(other.shape) :])
    rows, columns = prod(A.shape[: len(other.shape)]), prod(shape)
    if rows != columns:
        raise TensorError(
            f"Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got {columns} != {rows}"
        )
    return F.reshape(F.linalg_solve(F.reshape(A, (rows, columns)), F.flatten(other)), shape)
