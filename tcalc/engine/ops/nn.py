"""Functions of neural networks: softmax, linear layers, dropout, embedding, rows of length one, one-hot rows."""

from __future__ import annotations

import math

from .. import dtypes, random
from ..at import add_at
from ..backend import np, within
from ..dtypes import FLOAT
from ..errors import TensorAssertion, TensorError, TensorIndexError, TensorValueError
from ..families.common import not_implemented
from ..families.structural import composite, structural
from ..layout import wrap_dim
from ..modes import no_grad
from ..rows import dots, mapped, sums, width_of
from ..spec import spec_of
from ..tensor import Tensor, allocate, make

NN = "torch.nn.functional"


# --- softmax ----------------------------------------------------------------------------------------------------------


def _plan_softmax(self, dim, dtype, log=False):
    wrap_dim(dim, self.ndim)
    d = dtype or self.dtype
    if d.category != FLOAT:
        kind = "softmax_lastdim_kernel_impl" if dim in (-1, max(self.ndim - 1, 0)) else "softmax_kernel_impl"
        raise not_implemented(f"log_{kind}" if log else kind, d)
    return spec_of(d, self.device, self.shape)


def _plan_log_softmax(self, dim, dtype):
    return _plan_softmax(self, dim, dtype, log=True)


def _up(xp, self, dtype):
    """The values in the dtype softmax computes in."""
    d = self.dtype if dtype is None else spec_of(dtype).numpy
    wide = (self.real if self.dtype.kind == "c" else self).astype(d, copy=False)
    return wide.astype("float32") if wide.dtype.itemsize == 2 else wide


def _softmax_rows(rows, out):
    np.subtract(rows, np.maximum.reduce(rows, -1, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= sums(out)


def _softmax_slopes(grad, result, out):
    np.subtract(grad, dots(grad, result), out=out)
    out *= result


def _softmax_grads(grad, result, dim):
    width = width_of((dim,), grad, result)
    return [mapped(_softmax_slopes, width, grad, result)] if width else None


@structural(
    plan=_plan_softmax,
    self=lambda grad, result, dim, F: (grad - (F.sum_dim(grad * result, (dim,), True) if len(grad.shape) else grad * result)) * result,
    in_rows=_softmax_grads,
)
def softmax(xp, self, dim: Dim, dtype: DType | None = None):
    """exp(self) over its sum along `dim`: positive numbers that add up to 1.

    Shapes: any; kept
    Grad: result * (grad - sum(grad * result, dim, keepdim=True))
    See: log_softmax (stable under log), sigmoid, nn.functional.cross_entropy

    >>> softmax(tensor([0., 0.]), 0)
    tensor([0.5000, 0.5000])
    """
    values = _up(xp, self, dtype)
    if not self.ndim:
        return xp.exp(values - values)  # 1, or nan where there is no softmax
    width = width_of((dim,), values)
    if width:
        return mapped(_softmax_rows, width, values)
    if values.size:
        values = values - values.max(dim, keepdims=True)
        xp.exp(values, out=values)
        values /= xp.add.reduce(values, dim, keepdims=True)
    return values


def _log_softmax_rows(rows, out):
    np.subtract(rows, np.maximum.reduce(rows, -1, keepdims=True), out=out)
    out -= np.log(sums(np.exp(out)))


def _log_softmax_slopes(grad, result, out):
    np.exp(result, out=out)
    out *= sums(grad)
    np.subtract(grad, out, out=out)


def _log_softmax_grads(grad, result, dim):
    width = width_of((dim,), grad, result)
    return [mapped(_log_softmax_slopes, width, grad, result)] if width else None


@structural(
    plan=_plan_log_softmax,
    self=lambda grad, result, dim, F: grad - F.exp(result) * (F.sum_dim(grad, (dim,), True) if len(grad.shape) else grad),
    in_rows=_log_softmax_grads,
)
def log_softmax(xp, self, dim: Dim, dtype: DType | None = None):
    """The logarithm of softmax, without overflow.

    Shapes: any; kept
    Grad: grad - exp(result) * sum(grad, dim, keepdim=True)
    See: softmax, logsumexp, nn.functional.nll_loss

    >>> log_softmax(tensor([0., 0.]), 0)
    tensor([-0.6931, -0.6931])
    """
    if not self.ndim:
        return xp.zeros((), self.dtype)
    values = _up(xp, self, dtype)
    width = width_of((dim,), values)
    if width:
        return mapped(_log_softmax_rows, width, values)
    if not values.size:
        return values
    shifted = values - values.max(dim, keepdims=True)
    shifted -= xp.log(xp.add.reduce(xp.exp(shifted), dim, keepdims=True))
    return shifted


# --- layers -----------------------------------------------------------------------------------------------------------


@composite(namespace=NN, method=False)
def linear(F, self, weight, bias: Tensor | None = None):
    """`self @ weight.T + bias`: (..., n), (m, n), (m,) -> (..., m).

    Shapes: (..., n), weight (m, n), bias (m)  ->  (..., m)
    Grad: input: grad @ weight; weight: grad.T @ input; bias: grad summed
    See: nn.Linear, matmul, addmm

    >>> nn.functional.linear(ones(2, 3), ones(1, 3))
    tensor([[3.],
            [3.]])
    """
    if len(weight.shape) == 1:
        result = F.matmul(self, weight)
        return result if bias is None else result + bias
    if bias is not None and len(self.shape) == 2:
        return F.addmm(bias, self, F.t(weight))
    if bias is not None and isinstance(self, Tensor) and self.spec.contiguous:
        rows = F.reshape(self, (math.prod(self.shape[:-1]), self.shape[-1]))
        return F.view(F.addmm(bias, rows, F.t(weight)), (*self.shape[:-1], weight.shape[0]))
    result = F.matmul(self, F.t(weight))
    return result if bias is None else result + bias


@composite(namespace=NN, method=False)
def dropout(F, self, p: Float = 0.5, training: Bool = True, inplace: Bool = False):
    """In training, each element 0 with probability `p`, the others over 1 - p; else the tensor itself.

    Shapes: any; kept
    Storage: always new in training, else the tensor itself
    Grad: grad * the same mask over 1 - p
    See: bernoulli, nn.Module.train

    >>> nn.functional.dropout(ones(3), training=False)
    tensor([1., 1., 1.])
    """
    if not 0 <= p <= 1:
        raise TensorValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return self
    if p == 1:
        return self.mul_(0) if inplace else self * F.zeros_like(self)
    noise = make(None, self.spec) if self.a is None else allocate(F.zeros_like(self).spec)
    if noise.a is not None:
        samplers, source = random.drawing(None, self.spec.device)
        random.put(samplers.bernoulli(source, self.spec.numel, self.dtype, 1 - p), noise.a)
        noise = noise.div_(1 - p)
    return self.mul_(noise) if inplace else self * noise


def _plan_embedding(self, weight, padding_idx, by_freq):
    if weight.ndim != 2:
        raise TensorError("'weight' must be 2-D")
    if self.dtype.name not in ("int32", "int64"):
        raise TensorError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got torch.{self.dtype.kernel_name}Tensor"
            " instead (while checking arguments for embedding)"
        )
    return spec_of(weight.dtype, weight.device, (*self.shape, weight.shape[1]))


@structural(
    plan=_plan_embedding,
    node="EmbeddingBackward",
    weight=lambda grad, self, weight_spec, padding_idx, by_freq, F: F.embedding_backward(grad, self, weight_spec.sizes, padding_idx, by_freq),
    function=False,
    method=False,
    out=False,
)
def embedding_rows(xp, self, weight, padding_idx: Int | None, by_freq: Bool = False):
    """Rows of a table by place."""
    within(self, 0, weight.shape[0], lambda bad: TensorIndexError("index out of range in self"))
    return weight[self]


@composite(namespace=NN, method=False)
def embedding(
    F,
    self,
    weight,
    padding_idx: Int | None = None,
    max_norm: Float | None = None,
    norm_type: Float = 2.0,
    scale_grad_by_freq: Bool = False,
    sparse: Bool = False,
):
    """Rows of `weight` by place; the row `padding_idx` gets no gradient. max_norm brings the rows that are looked up down to a norm, in
    place; scale_grad_by_freq divides their gradients by how often they were.

    Shapes: input (any), weight (n, m)  ->  (any, m)
    Grad: weight: added to the rows that were picked; input (places): none
    See: nn.Embedding, nn.functional.embedding_bag, nn.functional.one_hot, index_select

    >>> nn.functional.embedding(tensor([1, 0]), tensor([[1., 2.], [3., 4.]]))
    tensor([[3., 4.],
            [1., 2.]])
    """
    rows = weight.shape[0] if len(weight.shape) else 0
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise TensorAssertion("Padding_idx must be within num_embeddings")
    if max_norm is not None:
        renormed(weight, self, max_norm, norm_type)
    return F.embedding_rows(self, weight, None if padding_idx is None else padding_idx % rows, scale_grad_by_freq)


def renormed(weight, places, max_norm, norm_type):
    """Rows of a table that are to be looked up brought down to a norm, in place."""
    with no_grad():
        rows = places.reshape(-1).unique()
        picked = weight[rows]
        norms = picked.norm(norm_type, 1, True)
        weight[rows] = picked * (norms > max_norm).to(weight.dtype).mul(max_norm / (norms + 1e-7) - 1).add(1)


def _rates(xp, places, padding_idx, by_freq, d):
    """What each looked-up row counts in the table's gradient."""
    rates = xp.ones(places.shape, d)
    if by_freq and places.size:
        rates = 1 / xp.bincount(places)[places].astype(d)
    return rates if padding_idx is None else xp.where(places == padding_idx, d.type(0), rates)


@structural(
    plan=lambda grad, indices_of, shape, padding_idx, by_freq: spec_of(grad.dtype, grad.device, shape),
    grad=lambda grad, indices_of, padding_idx, by_freq, F: F.embedding_shares(grad, indices_of, padding_idx, by_freq),
    function=False,
    method=False,
    out=False,
)
def embedding_backward(xp, grad, indices_of, shape: Size, padding_idx: Int | None, by_freq: Bool = False):
    """Zeros of the table with each looked-up row's gradient added; `by_freq` over how often it was looked up."""
    result, places = xp.zeros(shape, grad.dtype), indices_of.reshape(-1)
    rows = grad.reshape(-1, shape[1])
    if padding_idx is not None or by_freq:
        rows = rows * _rates(xp, places, padding_idx, by_freq, grad.dtype)[:, None]
    add_at(xp, result, places, rows)
    return result


@structural(
    plan=lambda self, indices_of, padding_idx, by_freq: spec_of(self.dtype, self.device, (*indices_of.shape, self.shape[1])),
    self=lambda grad, indices_of, self_spec, padding_idx, by_freq, F: F.embedding_backward(grad, indices_of, self_spec.sizes, padding_idx, by_freq),
    function=False,
    method=False,
    out=False,
)
def embedding_shares(xp, self, indices_of, padding_idx: Int | None, by_freq: Bool):
    """Rows of a table by place, each as much as it counts in the table's gradient."""
    places = indices_of.reshape(-1)
    rates = _rates(xp, places, padding_idx, by_freq, self.dtype)
    return (self[places] * rates[:, None]).reshape(*indices_of.shape, self.shape[1])


# --- rows of length one, and one-hot rows -----------------------------------------------------------------------------


@composite(namespace=NN, method=False)
def normalize(F, self, p: Float = 2.0, dim: Dim = 1, eps: Float = 1e-12):
    """The tensor over its p-norm along `dim`.

    Shapes: any; kept
    Grad: of the division and of the norm: what points along input drops out
    See: norm, linalg.vector_norm

    >>> nn.functional.normalize(tensor([[3., 4.]]))
    tensor([[0.6000, 0.8000]])
    """
    size = F.clamp_min(F.vector_norm(self, p, (dim,), True), eps)
    return self / F.expand(size, tuple(self.shape))


def _plan_one_hot(self, num_classes):
    if self.dtype is not dtypes.int64:
        raise TensorError("one_hot is only applicable to index tensor of type LongTensor.")
    return spec_of(dtypes.int64, self.device, (*self.shape, num_classes))


@structural(plan=_plan_one_hot, function=False, method=False, out=False)
def one_hot_of(xp, self, num_classes: Int):
    """1 at each class number, 0 elsewhere."""
    return (xp.expand_dims(self, -1) == xp.arange(num_classes)).astype("int64")


@composite(namespace=NN, method=False)
def one_hot(F, self, num_classes: Count = -1):
    """A row of zeros with a 1 at each class number.

    Shapes: (a)  ->  (a, num_classes)
    Grad: none: the result is int64
    See: nn.functional.embedding, eye

    >>> nn.functional.one_hot(tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    low, high = (int(F.amin(self)), int(F.amax(self))) if self.numel() else (0, -1)
    if low < 0:
        raise TensorError("Class values must be non-negative.")
    if num_classes == -1:
        if not self.numel():
            raise TensorError("Can not infer total number of classes from empty tensor.")
        num_classes = high + 1
    elif high >= num_classes:
        raise TensorError("Class values must be smaller than num_classes.")
    return F.one_hot_of(self, num_classes)
