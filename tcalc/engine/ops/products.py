"""Chains of products, dots of vectors, and sums with outer and batched products."""

from __future__ import annotations

from itertools import pairwise

from ..dtypes import FLOAT, result_type
from ..errors import TensorError
from ..families.common import element, fitting_computed
from ..families.structural import composite, structural
from ..spec import spec_of
from .decompositions import SPACE
from .linalg import _plan_dot, _refuse_bool, check_addmm_dtypes, check_expandable

# --- chains of products -----------------------------------------------------------------------------------------------


def _splits(sizes):
    """Where to split each run of matrices so that the products cost least (Cormen et al., 15.2)."""
    count = len(sizes) - 1
    cost, split = {(i, i): 0 for i in range(count)}, {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            found = [(cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)]
            cost[i, j], split[i, j] = min(found)
    return split


def _chained(F, tensors):
    count = len(tensors)
    if count < 2:
        raise TensorError(f"multi_dot(): expected at least 2 tensors but got {count}")
    for place, name in ((0, "first"), (-1, "last")):
        if tensors[place].spec.ndim not in (1, 2):
            raise TensorError(f"multi_dot(): the {name} tensor must be 1D or 2D but got {tensors[place].spec.ndim}D")
    for i, t in enumerate(tensors[1:-1], start=1):
        if t.spec.ndim != 2:
            raise TensorError(f"multi_dot(): tensor {i} must be 2D but got {t.spec.ndim}D")
    shape = (*tensors[0].shape[:-1], *tensors[-1].shape[1:])
    first = F.unsqueeze(tensors[0], 0) if tensors[0].spec.ndim == 1 else tensors[0]
    last = F.unsqueeze(tensors[-1], -1) if tensors[-1].spec.ndim == 1 else tensors[-1]
    chain = [first, *tensors[1:-1], last]
    for i, (a, b) in enumerate(pairwise(chain)):
        if a.shape[1] != b.shape[0]:
            raise TensorError(f"multi_dot(): tensors {i} and {i + 1} with shapes {list(a.shape)} and {list(b.shape)} cannot be multiplied")
    split = _splits([chain[0].shape[0], *[t.shape[1] for t in chain]])

    def product(i, j):
        return chain[i] if i == j else F.mm(product(i, split[i, j]), product(split[i, j] + 1, j))

    return F.view(product(0, count - 1), shape)


@composite(namespace=SPACE, method=False)
def linalg_multi_dot(F, tensors: Tensors):
    """The product of two or more matrices, in the order that costs least; the first and the last may be vectors.

    Shapes: (a, b), (b, c), (c, d)  ->  (a, d)
    Grad: through the products it is made of
    See: matmul, mm, chain_matmul

    >>> linalg.multi_dot([tensor([[1., 2.]]), eye(2), tensor([[3.], [4.]])])
    tensor([[11.]])
    """
    return _chained(F, tensors)


@composite(method=False)
def chain_matmul(F, matrices: Spread):
    """The older linalg.multi_dot: the product of matrices, given one by one.

    Shapes: (a, b), (b, c), (c, d)  ->  (a, d)
    Grad: through the products it is made of
    See: linalg.multi_dot, mm

    >>> chain_matmul(tensor([[1., 2.]]), tensor([[3.], [4.]]))
    tensor([[11.]])
    """
    if not matrices:
        raise TensorError("chain_matmul(): Expected one or more matrices")
    return matrices[0] if len(matrices) == 1 else _chained(F, matrices)


# --- dots -------------------------------------------------------------------------------------------------------------


@structural(plan=_plan_dot, self=lambda grad, other, F: F.conj(grad) * other, other=lambda grad, self: grad * self, holomorphic=False, out_rule="result")
def vdot(xp, self, other):
    """The sum of the products of two vectors, of which the first is conjugated.

    Shapes: (n), (n)  ->  ()
    See: dot, linalg.vecdot

    >>> vdot(tensor([1., 2.]), tensor([3., 4.]))
    tensor(11.)
    """
    return xp.vdot(self, other)


@composite(namespace=SPACE, method=False)
def linalg_vecdot(F, x, y, *, dim: Dim = -1):
    """The sum of products along `dim`, broadcast; the first factor is conjugated.

    Shapes: (..., n), (..., n)  ->  (...)
    Grad: each input: grad * the other
    See: dot, matmul, linalg.vector_norm

    >>> linalg.vecdot(tensor([[1., 2.], [3., 4.]]), tensor([1., 1.]))
    tensor([3., 7.])
    """
    if x.dtype.category < FLOAT:
        raise TensorError(f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {x.dtype.kernel_name}")
    if len(x.shape) == 1 == len(y.shape):
        return F.vdot(x, y)
    return F.sum_dim(F.conj(x) * y, (dim,))


# --- sums with outer and batched products -----------------------------------------------------------------------------


def _refuse_fractions(dtype, **factors):
    for name, factor in factors.items():
        if dtype.category < FLOAT and isinstance(factor, float):
            raise TensorError(f"For integral input tensors, argument {name} must not be a floating point number.")


def _plan_addr(self, vec1, vec2, beta, alpha):
    for name, vector in (("vec1", vec1), ("vec2", vec2)):
        if vector.ndim != 1:
            raise TensorError(f"addr: Expected 1-D argument {name}, but got {vector.ndim}-D")
    shape = (vec1.shape[0], vec2.shape[0])
    check_expandable(self, shape)
    dtype = result_type([vec1.dtype, vec2.dtype, *([self.dtype] if self.ndim else [])], [] if self.ndim else [self.dtype], [])
    _refuse_fractions(dtype, beta=beta, alpha=alpha)
    return spec_of(dtype, self.device, shape)


@structural(
    inplace=True,
    plan=_plan_addr,
    out_rule="cast",
    self=lambda grad, self_spec, beta, F: F.sum_to(grad * beta, self_spec.sizes),
    vec1=lambda grad, vec2, alpha, F: F.mv(grad, vec2) * alpha,
    vec2=lambda grad, vec1, alpha, F: F.mv(F.t(grad), vec1) * alpha,
)
def addr(xp, self, vec1, vec2, *, beta: Scalar = 1, alpha: Scalar = 1):
    """`beta * self + alpha * outer(vec1, vec2)`.

    Shapes: (n, m), (n), (m)  ->  (n, m), the first broadcast
    Grad: input: beta * grad; vec1: alpha * grad @ vec2; vec2: alpha * grad.T @ vec1
    See: outer, addmm

    >>> addr(zeros(2, 2), tensor([1., 2.]), tensor([3., 4.]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    outer = vec1[:, None] * vec2
    if outer.dtype == self.dtype == bool:
        return (outer & bool(alpha)) | (self & bool(beta))
    outer = outer if alpha == 1 else outer * element(alpha, outer.dtype)
    return outer if beta == 0 else outer + self * element(beta, self.dtype)


def _plan_addbmm(self, batch1, batch2, beta, alpha):
    for name, batch in (("batch1", batch1), ("batch2", batch2)):
        if batch.ndim != 3:
            raise TensorError(f"{name} must be a 3D tensor")
    shape = (batch1.shape[1], batch2.shape[2])
    check_expandable(self, shape)
    if batch1.shape[0] != batch2.shape[0]:
        raise TensorError(f"batch1 and batch2 must have same number of batches, got {batch1.shape[0]} and {batch2.shape[0]}")
    if batch1.shape[2] != batch2.shape[1]:
        raise TensorError(f"Incompatible matrix sizes for bmm ({batch1.shape[1]}x{batch1.shape[2]} and {batch2.shape[1]}x{batch2.shape[2]})")
    if batch1.shape[0]:
        check_addmm_dtypes(self, batch1, batch2)
    _refuse_bool("addmm_impl_cpu_", batch1)
    return spec_of(self.dtype, self.device, shape)


@structural(
    inplace=True,
    plan=_plan_addbmm,
    self=lambda grad, self_spec, beta, F: F.sum_to(grad * beta, self_spec.sizes),
    batch1=lambda grad, batch2, alpha, F: F.matmul(grad, F.transpose(batch2, 1, 2)) * alpha,
    batch2=lambda grad, batch1, alpha, F: F.matmul(F.transpose(batch1, 1, 2), grad) * alpha,
)
def addbmm(xp, self, batch1, batch2, *, beta: Scalar = 1, alpha: Scalar = 1):
    """`beta * self + alpha *` the sum of the products of a batch of matrices.

    Shapes: (n, p), (b, n, m), (b, m, p)  ->  (n, p), the first broadcast
    Grad: input: beta * grad; batch1: alpha * grad @ batch2.mT; batch2: alpha * batch1.mT @ grad
    See: baddbmm, addmm, bmm

    >>> addbmm(zeros(1, 1), ones(2, 1, 3), ones(2, 3, 1))
    tensor([[6.]])
    """
    product = xp.add.reduce(xp.matmul(batch1, batch2), 0) * element(alpha, self.dtype, fitting_computed)
    return product if beta == 0 else product + self * element(beta, self.dtype, fitting_computed)
