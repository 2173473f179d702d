"""Products of vectors and matrices, with their derivatives."""

from __future__ import annotations

from math import prod

from .. import dtypes
from ..backend import dtype_of
from ..errors import TensorError
from ..families.common import C_NAMES, element, fitting, fitting_computed, not_implemented
from ..families.structural import composite, structural
from ..layout import broadcast_shapes
from ..spec import spec_of
from ..tensor import Tensor


def _same_dtype(op, a, b):
    if a.dtype is not b.dtype:
        raise TensorError(f"expected m1 and m2 to have the same dtype, but got: {_c_name(a)} != {_c_name(b)}", op)


_C_NAMES = {
    "Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16", "Long": "long int", "Int": "int", "Short": "short",
    "Char": "signed char", "Byte": "unsigned char", "Bool": "bool",
}  # fmt: skip


def _c_name(spec):
    return _C_NAMES[spec.dtype.kernel_name]


def _refuse_bool(label, spec):
    if spec.dtype is dtypes.bool_:
        raise not_implemented(label, spec.dtype)


def _scaled(array, factor):
    """An array times a number, which is first cut to the array's dtype as torch's kernels do.

    Raises RuntimeError with torch's sentence for one that does not fit.
    """
    return array if factor == 1 else array * element(factor, array.dtype, fitting_computed)


def _product(xp, a, b):
    """matmul, 16-bit floats through float32 and bools as sums of ands."""
    if a.dtype.itemsize == 2 and a.dtype.kind not in "iu":
        return xp.matmul(a.astype("float32"), b.astype("float32"))
    return xp.matmul(a, b)


def _plan_mm(self, mat2):
    if self.ndim != 2:
        raise TensorError("self must be a matrix")
    if mat2.ndim != 2:
        raise TensorError("mat2 must be a matrix")
    if self.shape[1] != mat2.shape[0]:
        raise TensorError(
            f"mat1 and mat2 shapes cannot be multiplied ({self.shape[0]}x{self.shape[1]} and {mat2.shape[0]}x{mat2.shape[1]})", data_kind="matmul"
        )
    _same_dtype("mm", self, mat2)
    if self.numel and mat2.numel:
        _refuse_bool("addmm_impl_cpu_", self)
    return spec_of(self.dtype, self.device, (self.shape[0], mat2.shape[1]))


@structural(plan=_plan_mm, ufunc="matmul", self=lambda grad, mat2, F: F.mm(grad, F.t(mat2)), mat2=lambda grad, self, F: F.mm(F.t(self), grad))
def mm(xp, self, mat2):
    """Matrix product (n, m) @ (m, p) -> (n, p), no broadcasting.

    Shapes: (n, m), (m, p)  ->  (n, p)
    See: matmul (any rank), bmm, mv

    >>> mm(tensor([[1., 2.]]), tensor([[3.], [4.]]))
    tensor([[11.]])
    """
    return _product(xp, self, mat2)


def _plan_bmm(self, mat2, label="bmm"):
    if self.ndim != 3:
        raise TensorError("batch1 must be a 3D tensor")
    if mat2.ndim != 3:
        raise TensorError("batch2 must be a 3D tensor")
    if self.shape[0] != mat2.shape[0] or self.shape[2] != mat2.shape[1]:
        want = [self.shape[0], self.shape[2]]
        raise TensorError(f"Expected size for first two dimensions of batch2 tensor to be: {want} but got: {list(mat2.shape[:2])}.", data_kind="matmul")
    if self.dtype is not mat2.dtype and self.dtype.category != dtypes.BOOL:
        raise TensorError(f"expected scalar type {self.dtype.kernel_name} but found {mat2.dtype.kernel_name}", "bmm")
    _refuse_bool(label if self.numel * mat2.shape[2] < 400 * self.shape[0] else "addmm_impl_cpu_", self)  # torch's two kernels
    return spec_of(self.dtype, self.device, (*self.shape[:2], mat2.shape[2]))


@structural(
    plan=_plan_bmm,
    ufunc="matmul",
    self=lambda grad, mat2, F: F.bmm(grad, F.transpose(mat2, 1, 2)),
    mat2=lambda grad, self, F: F.bmm(F.transpose(self, 1, 2), grad),
)
def bmm(xp, self, mat2):
    """Matrix products of a batch: (b, n, m) @ (b, m, p) -> (b, n, p).

    Shapes: (b, n, m), (b, m, p)  ->  (b, n, p)
    See: matmul (broadcasts the batch), mm, baddbmm

    >>> bmm(ones(2, 1, 3), ones(2, 3, 1)).shape
    torch.Size([2, 1, 1])
    """
    return _product(xp, self, mat2)


def _plan_mv(self, vec):
    if self.ndim != 2 or vec.ndim != 1:
        raise TensorError(f"vector + matrix @ vector expected, got 1, {self.ndim}, {vec.ndim}")
    if self.shape[1] != vec.shape[0]:
        raise TensorError(f"size mismatch, got input ({self.shape[0]}), mat ({self.shape[0]}x{self.shape[1]}), vec ({vec.shape[0]})", data_kind="matmul")
    _check_addmv_dtypes(vec, self, vec)
    return spec_of(self.dtype, self.device, (self.shape[0],))


def _check_addmv_dtypes(*operands):
    if len({s.dtype for s in operands}) > 1:
        a, b, c = [s.dtype.kernel_name for s in operands]
        raise TensorError(f"addmv input tensors must have the same dtype, but got {a}, {b}, and {c}")
    _refuse_bool("addmv_impl_cpu", operands[1])


@structural(plan=_plan_mv, self=lambda grad, vec, F: F.mul(F.unsqueeze(grad, 1), F.unsqueeze(vec, 0)), vec=lambda grad, self, F: F.mv(F.t(self), grad), out_rule="addmv")
def mv(xp, self, vec):
    """Matrix times vector: (n, m) @ (m,) -> (n,).

    Shapes: (n, m), (m)  ->  (n)
    See: matmul, mm, dot

    >>> mv(tensor([[1., 2.], [3., 4.]]), tensor([1., 1.]))
    tensor([3., 7.])
    """
    return _product(xp, self, vec)


def _plan_dot(self, tensor):
    if self.ndim != 1 or tensor.ndim != 1:
        raise TensorError(f"1D tensors expected, but got {self.ndim}D and {tensor.ndim}D tensors")
    if self.dtype is not tensor.dtype:
        raise TensorError(f"dot : expected both vectors to have same dtype, but found {self.dtype.kernel_name} and {tensor.dtype.kernel_name}")
    if self.numel != tensor.numel:
        raise TensorError(
            f"inconsistent tensor size, expected tensor [{self.numel}] and src [{tensor.numel}] to have the same number of elements, but got {self.numel} and"
            f" {tensor.numel} elements respectively"
        )
    _refuse_bool("dot", self)
    return spec_of(self.dtype, self.device, ())


@structural(plan=_plan_dot, self=lambda grad, tensor: grad * tensor, tensor=lambda grad, self: grad * self, aliases=("inner_vectors",), out_rule="result")
def dot(xp, self, tensor):
    """Sum of the products of two vectors.

    Shapes: (n), (n)  ->  ()
    See: matmul, mv, outer

    >>> dot(tensor([1., 2.]), tensor([3., 4.]))
    tensor(11.)
    """
    return _product(xp, self, tensor)


@composite(aliases=("ger",))
def outer(F, self, vec2):
    """All products of two vectors: (n,), (m,) -> (n, m).

    Shapes: (n), (m)  ->  (n, m)
    Grad: input: grad @ vec2; vec2: grad.T @ input
    See: dot, matmul, mul

    >>> outer(tensor([1., 2.]), tensor([3., 4.]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    if len(self.shape) != 1:
        raise TensorError(f"outer: Expected 1-D argument self, but got {len(self.shape)}-D")
    if len(vec2.shape) != 1:
        raise TensorError(f"outer: Expected 1-D argument vec2, but got {len(vec2.shape)}-D")
    return F.mul(F.reshape(self, (self.shape[0], 1)), vec2)


def _check_matmul(self, other):
    if not self.shape or not other.shape:
        raise TensorError(f"both arguments to matmul need to be at least 1D, but they are {len(self.shape)}D and {len(other.shape)}D")


@composite(out=True, namespace="torch", aliases=("linalg_matmul",))
def matmul(F, self, other):
    """Matrix product with broadcast batch dims; vectors count as rows on the left, columns on the right.

    Shapes: (..., n, m), (..., m, p)  ->  (..., n, p); (m), (m)  ->  ()
    Grad: input: grad @ other.mT; other: input.mT @ grad, each summed back over broadcast batch dims
    See: mm, bmm, mv, dot

    >>> matmul(tensor([[1., 2.], [3., 4.]]), tensor([1., 1.]))
    tensor([3., 7.])
    """
    _check_matmul(self, other)
    a, b = len(self.shape), len(other.shape)
    if a == 1 and b == 1:
        return F.dot(self, other)
    if a == 2 and b == 1:
        return F.mv(self, other)
    if a == 1 and b == 2:
        row = F.mm(F.unsqueeze(self, 0), other)
        return row.squeeze_(0) if isinstance(row, Tensor) else F.squeeze_dim(row, 0)
    if a == 2 and b == 2:
        return F.mm(self, other)
    return _batched(F, self, other, a, b)


def _batched(F, self, other, a, b):
    """matmul with at least one operand of 3 or more dims, by torch's own choice between one mm and a bmm."""
    if _folds(self, other, a, b):
        return _folded(F, self, other, a, b)
    if a == b == 3 and self.shape[0] != other.shape[0]:
        if self.shape[0] == 1 and _wants_grad(self):
            return F.matmul(F.squeeze_dim(self, 0), other)
        if other.shape[0] == 1 and _wants_grad(other):
            return F.matmul(self, F.squeeze_dim(other, 0))
    batch = broadcast_shapes(tuple(self.shape[:-2]), tuple(other.shape[:-2]))
    count = prod(batch)
    n, m = (self.shape[-2] if a > 1 else 1), self.shape[-1]
    left = F.reshape(F.expand(self, (*batch, n, m)), (count, n, m))
    shape = (*batch, n) if a > 1 else batch
    if b == 1:
        right = F.unsqueeze(F.reshape(F.expand(other, (*batch, other.shape[0])), (count, other.shape[0])), 2)
        return F.unsafe_view(F.squeeze_dim(F.bmm(left, right), -1), shape)
    k, p = other.shape[-2:]
    right = F.reshape(F.expand(other, (*batch, k, p)), (count, k, p))
    return F.unsafe_view(F.bmm(left, right), (*shape, p))


def _wants_grad(value):
    return isinstance(value, Tensor) and value.requires_grad


def _folds(self, other, a, b):
    """Whether the batch of the larger operand folds into rows, so that one mm serves all (torch's should_fold)."""
    large, small = (self, other) if a >= b else (other, self)
    if max(a, b) < 3 or min(a, b) > 2:
        return False
    if _wants_grad(small):
        return True
    if a == 2:
        return False
    if not isinstance(large, Tensor) or not large.spec.numel:
        return True
    shape, strides = tuple(large.shape), large.stride()
    if a < b:  # its matrices are turned
        shape, strides = (*shape[:-2], shape[-1], shape[-2]), (*strides[:-2], strides[-1], strides[-2])
    return all(strides[i] == strides[i + 1] * shape[i + 1] for i in range(len(shape) - 2))


def _folded(F, self, other, a, b):
    turned = a < b
    large = F.transpose(other, -1, -2) if turned else self
    small = (F.t(self) if a == 2 else self) if turned else other
    batch = tuple(large.shape[:-1])
    rows = F.reshape(large, (prod(batch), large.shape[-1]))
    if len(small.shape) == 1:
        return F.unsafe_view(F.mv(rows, small), batch)
    result = F.unsafe_view(F.mm(rows, small), (*batch, small.shape[1]))
    return F.contiguous(F.transpose(result, -1, -2)) if turned else result


def check_expandable(self, shape):
    """Refuse an addend that does not broadcast to the product's shape."""
    shape = tuple(shape)
    if self.ndim > len(shape):
        raise TensorError(
            f"expand({self.type_name}{{{list(self.shape)}}}, size={list(shape)}): the number of sizes provided ({len(shape)}) must be greater or"
            f" equal to the number of dimensions in the tensor ({self.ndim})"
        )
    for at in range(-1, -self.ndim - 1, -1):
        if self.shape[at] not in (1, shape[at]):
            raise TensorError(
                f"The expanded size of the tensor ({shape[at]}) must match the existing size ({self.shape[at]}) at non-singleton dimension"
                f" {at + len(shape)}.  Target sizes: {list(shape)}.  Tensor sizes: {list(self.shape)}"
            )


def check_addmm_dtypes(self, mat1, mat2):
    """Refuse an addend or a left factor of another dtype than the right factor's."""
    for name, spec in (("self", self), ("mat1", mat1)):
        if spec.dtype is not mat2.dtype:
            raise TensorError(f"{name} and mat2 must have the same dtype, but got {spec.dtype.kernel_name} and {mat2.dtype.kernel_name}", "addmm")


def _plan_addmm(self, mat1, mat2, beta, alpha):
    check_addmm_dtypes(self, mat1, mat2)
    if mat1.ndim != 2 or mat2.ndim != 2:
        which = "mat1" if mat1.ndim != 2 else "mat2"
        raise TensorError(f"{which} must be a matrix, got {(mat1 if which == 'mat1' else mat2).ndim}-D tensor")
    product = _plan_mm(mat1, mat2)
    check_expandable(self, product.shape)
    return product


@structural(
    inplace=True,
    structured=True,
    plan=_plan_addmm,
    self=lambda grad, self_spec, beta, F: F.sum_to(grad if beta == 1 else grad * beta, self_spec.sizes),
    mat1=lambda grad, mat2, alpha, F: _times(F.mm(grad, F.t(mat2)), alpha),
    mat2=lambda grad, mat1, alpha, F: _times(F.mm(F.t(mat1), grad), alpha),
)
def addmm(xp, self, mat1, mat2, *, beta: Scalar = 1, alpha: Scalar = 1):
    """`beta * self + alpha * mat1 @ mat2`, self broadcast.

    Shapes: (n, p), (n, m), (m, p)  ->  (n, p), the first broadcast
    Grad: input: beta * grad; mat1: alpha * grad @ mat2.T; mat2: alpha * mat1.T @ grad
    See: matmul, addmv, baddbmm

    >>> addmm(tensor([[10.]]), tensor([[1., 2.]]), tensor([[3.], [4.]]))
    tensor([[21.]])
    """
    product = _scaled(_product(xp, mat1, mat2), alpha)
    if beta == 0:
        return product
    product += _scaled(self, beta)
    return product


def _times(value, factor):
    return value if factor == 1 else value * factor


def _plan_addmv(self, mat, vec, beta, alpha):
    if mat.ndim != 2 or vec.ndim != 1 or self.ndim > 1:
        raise TensorError(f"vector + matrix @ vector expected, got {self.ndim}, {mat.ndim}, {vec.ndim}")
    if mat.shape[1] != vec.shape[0] or (self.numel != 1 and self.shape[0] != mat.shape[0]):
        rows = self.shape[0] if self.ndim else 1
        raise TensorError(f"size mismatch, got input ({rows}), mat ({mat.shape[0]}x{mat.shape[1]}), vec ({vec.shape[0]})", data_kind="matmul")
    _check_addmv_dtypes(self, mat, vec)
    return spec_of(mat.dtype, mat.device, (mat.shape[0],))


@structural(
    inplace=True,
    structured=True,
    plan=_plan_addmv,
    self=lambda grad, self_spec, beta, F: F.sum_to(_times(grad, beta), self_spec.sizes),
    mat=lambda grad, vec, alpha, F: _times(F.mul(F.unsqueeze(grad, 1), F.unsqueeze(vec, 0)), alpha),
    vec=lambda grad, mat, alpha, F: _times(F.mv(F.t(mat), grad), alpha),
)
def addmv(xp, self, mat, vec, *, beta: Scalar = 1, alpha: Scalar = 1):
    """`beta * self + alpha * mat @ vec`.

    Shapes: (n), (n, m), (m)  ->  (n), the first broadcast
    Grad: input: beta * grad; mat: alpha * outer(grad, vec); vec: alpha * mat.T @ grad
    See: matmul, addmm

    >>> addmv(tensor([10., 20.]), tensor([[1., 2.], [3., 4.]]), tensor([1., 1.]))
    tensor([13., 27.])
    """
    d = dtype_of(self.dtype)  # in which this kernel takes numbers, unlike those for matrices
    product = _scaled(_product(xp, mat, vec), fitting(alpha, d))
    return product if beta == 0 else _scaled(self, fitting(beta, d)) + product


def _plan_baddbmm(self, batch1, batch2, beta, alpha):
    if batch1.ndim == batch2.ndim == 3:
        check_expandable(self, (*batch1.shape[:2], batch2.shape[2]))
    if self.dtype is not batch1.dtype:
        a, b, c = [C_NAMES[s.dtype.name] for s in (self, batch1, batch2)]
        raise TensorError(f"Input dtypes must be the same, got: input {a}, batch1: {b}, batch2: {c}")
    return _plan_bmm(batch1, batch2, "baddbmm")


@structural(
    inplace=True,
    structured=True,
    plan=_plan_baddbmm,
    self=lambda grad, self_spec, beta, F: F.sum_to(_times(grad, beta), self_spec.sizes),
    batch1=lambda grad, batch2, alpha, F: _times(F.bmm(grad, F.transpose(batch2, 1, 2)), alpha),
    batch2=lambda grad, batch1, alpha, F: _times(F.bmm(F.transpose(batch1, 1, 2), grad), alpha),
)
def baddbmm(xp, self, batch1, batch2, *, beta: Scalar = 1, alpha: Scalar = 1):
    """`beta * self + alpha * batch1 @ batch2` for a batch of matrices.

    Shapes: (b, n, p), (b, n, m), (b, m, p)  ->  (b, n, p), the first broadcast
    Grad: input: beta * grad; batch1: alpha * grad @ batch2.mT; batch2: alpha * batch1.mT @ grad
    See: bmm, addmm, matmul

    >>> baddbmm(zeros(1, 1, 1), ones(1, 1, 3), ones(1, 3, 1))
    tensor([[[3.]]])
    """
    product = _scaled(_product(xp, batch1, batch2), alpha)
    return product if beta == 0 else _scaled(self, beta) + product


def _plan_trace(self):
    if self.ndim != 2:
        raise TensorError(f"trace: expected a matrix, but got tensor with dim {self.ndim}")
    _refuse_bool("trace", self)
    return spec_of(self.dtype if self.dtype.continuous else dtypes.int64, self.device)


@structural(
    plan=_plan_trace,
    self=lambda grad, self_spec, F: F.diagonal_backward(F.expand(grad, (min(self_spec.shape),)), tuple(self_spec.shape), 0, 0, 1),
    out=False,
)
def trace(xp, self):
    """The sum of the diagonal of a matrix.

    Shapes: (n, n)  ->  ()
    Grad: grad on the diagonal, 0 elsewhere
    See: diagonal, diag, sum

    >>> trace(tensor([[1., 2.], [3., 4.]]))
    tensor(5.)
    """
    diagonal = xp.diagonal(self)
    return xp.add.reduce(diagonal.astype("float32") if diagonal.dtype.itemsize == 2 and diagonal.dtype.kind not in "iu" else diagonal)
