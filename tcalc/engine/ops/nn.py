"""Functions of neural networks: softmax, losses, linear layers, dropout, embedding, normalisation."""

from __future__ import annotations

import math

from .. import dtypes, random
from ..at import add_at
from ..backend import insist, ndarray, np, within
from ..dtypes import FLOAT
from ..errors import TensorAssertion, TensorError, TensorIndexError, TensorValueError
from ..families.common import no_kernel, not_implemented
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, elementwise_strides, wrap_dim
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


# --- losses -----------------------------------------------------------------------------------------------------------


def reduced(F, loss, reduction):
    """A loss for each element as is, averaged or added up.

    Raises ValueError for another word.
    """
    if reduction == "mean":
        return F.mean(loss)
    if reduction == "sum":
        return F.sum(loss)
    if reduction == "none":
        return loss
    raise TensorValueError(f"{reduction} is not a valid value for reduction")


def _only_floats(label, *specs):
    """Refuse integers where torch has kernels for floats only.

    Raises NotImplementedError with torch's sentence.
    """
    for s in specs:
        if s is not None and s.dtype.category < FLOAT:
            raise not_implemented(label, s.dtype)


def _plan_mse(self, target, reduction):
    _only_floats("mse_cpu", self, target)
    return _plan_loss(self, target, reduction)


def _plan_bce(self, target, weight, reduction):
    _only_floats("binary_cross_entropy", self, target)
    if target.shape != self.shape:
        raise TensorValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({self.shape}) is deprecated. Please ensure they have the same size."
        )
    return _plan_loss(self, target, reduction)


def _plan_bce_logits(self, target, weight, pos_weight, reduction):
    _only_floats("log_sigmoid_cpu", self)
    if target.shape != self.shape:
        raise TensorValueError(f"Target size ({target.shape}) must be the same as input size ({self.shape})")
    return _plan_loss(self, target, reduction)


def _plan_loss(self, target, reduction, *rest):
    if reduction not in ("none", "mean", "sum"):
        raise TensorValueError(f"{reduction} is not a valid value for reduction")
    shape = broadcast_shapes(self.shape, target.shape)
    d = dtypes.promote_types(self.dtype, target.dtype)
    if reduction != "none":
        return spec_of(d, self.device)
    geometries = tuple((tuple(s.shape), s.strides) for s in (self, target))
    return spec_of(d, self.device, shape, elementwise_strides(tuple(shape), geometries))


def _weighed(grad, self_spec, target_spec, reduction):
    """The gradient of each element's loss."""
    count = max(math.prod(broadcast_shapes(self_spec.shape, target_spec.shape)), 1)
    return grad / count if reduction == "mean" else grad


def _to_input(F, grad, spec):
    grad = F.sum_to(grad, tuple(spec.shape))
    return F.cast(grad, spec.dtype)


def _fold(xp, loss, reduction):
    if reduction == "none":
        return loss
    total = xp.add.reduce(loss, axis=None)
    return total / loss.dtype.type(loss.size) if reduction == "mean" else total


@structural(
    namespace=NN,
    method=False,
    plan=_plan_mse,
    self=lambda grad, self, target, self_spec, target_spec, reduction, F: _to_input(
        F, _weighed(grad, self_spec, target_spec, reduction) * 2 * (self - target), self_spec
    ),
    target=lambda grad, self, target, self_spec, target_spec, reduction, F: _to_input(
        F, _weighed(grad, self_spec, target_spec, reduction) * 2 * (target - self), target_spec
    ),
    out=False,
    real_only=no_kernel("mse_cpu"),
)
def mse_loss(xp, self, target, *, reduction: Str = "mean"):
    """The squared difference, averaged.

    Shapes: equal (or broadcast)  ->  (), reduction="none": kept
    Grad: input: 2 * (input - target) * grad / n; target: minus that
    See: nn.MSELoss, nn.functional.l1_loss

    >>> nn.functional.mse_loss(tensor([1., 2.]), tensor([1., 4.]))
    tensor(2.)
    """
    return _fold(xp, xp.square(self - target), reduction)


@composite(namespace=NN, method=False)
def l1_loss(F, self, target, *, reduction: Str = "mean"):
    """The absolute difference, averaged.

    Shapes: equal (or broadcast)  ->  (), reduction="none": kept
    Grad: input: sign(input - target) * grad / n; target: minus that
    See: nn.functional.mse_loss

    >>> nn.functional.l1_loss(tensor([1., 2.]), tensor([1., 4.]))
    tensor(1.)
    """
    return reduced(F, F.abs(self - target), reduction)


def _plan_nll(self, target, weight, reduction, ignore_index):
    if self.ndim == 0 or (self.ndim > 2 and target.ndim != self.ndim - 1):
        raise TensorError("input tensor should be 1D or 2D")
    if reduction not in ("none", "mean", "sum"):
        raise TensorValueError(f"{reduction} is not a valid value for reduction")
    batch = () if self.ndim == 1 else (self.shape[0], *self.shape[2:])
    if tuple(target.shape) != batch:
        if self.ndim == 2 and target.ndim != 1:
            raise TensorError("0D or 1D target tensor expected, multi-target not supported")
        raise TensorValueError(f"Expected input batch_size ({self.shape[0]}) to match target batch_size ({target.shape[0] if target.ndim else 1}).")
    if target.dtype.name not in ("int64", "uint8"):
        raise TensorError(f"expected target dtype to be Long or Byte, but got {target.dtype.kernel_name}")
    _only_floats("nll_loss_out_frame", self)
    return spec_of(self.dtype, self.device, batch if reduction == "none" else ())


def _places(xp, shape, target):
    """The index of each target's class among values of a shape."""
    if len(shape) == 1:
        return (target,)
    first, *rest = [xp.arange(n).reshape(-1, *(1,) * (target.ndim - 1 - d)) for d, n in enumerate(target.shape)]
    return (first, target, *rest)


def _class_weights(xp, target, weight, ignore_index, d):
    """Classes, 0 where they are ignored, and how much each counts: None where all count 1."""
    kept = target != ignore_index
    if weight is None and kept.__class__ is ndarray and d.itemsize > 2 and kept.all():
        return target, None
    safe = xp.where(kept, target, 0)
    return safe, (kept.astype(d) if weight is None else xp.where(kept, weight[safe], weight.dtype.type(0)))


def _nll(xp, self, target, weight, reduction, ignore_index):
    """Minus the value of each target's class, weighted, then reduced."""
    classes = self.shape[0 if self.ndim == 1 else 1]
    safe, weights = _class_weights(xp, target, weight, ignore_index, self.dtype)
    within(safe, 0, classes, lambda bad: TensorIndexError(f"Target {bad} is out of bounds."))
    losses = -self[_places(xp, self.shape, safe)]
    if weights is not None:
        losses = losses * weights
    if reduction == "none":
        return losses
    total = xp.add.reduce(losses, axis=None)
    if reduction == "sum":
        return total
    return total / (self.dtype.type(losses.size) if weights is None else xp.add.reduce(weights, axis=None))


def _nll_grad(grad, target, weight, self_spec, reduction, ignore_index, F):
    return F.nll_loss_backward(grad, target, weight, self_spec.sizes, reduction, ignore_index)


@structural(
    node="NllLossBackward", plan=_plan_nll, self=_nll_grad, fixed={"weight": "nll_loss_forward: weight"}, function=False, method=False, out=False, real_only=no_kernel("nll_loss_out_frame"),
)
def nll_loss_rows(xp, self, target, weight: Tensor | None = None, *, reduction: Str = "mean", ignore_index: Int = -100):
    """nll_loss of (classes,) or (n, classes)."""
    return _nll(xp, self, target, weight, reduction, ignore_index)


@structural(node="NllLoss2DBackward", plan=_plan_nll, self=_nll_grad, fixed={"weight": "nll_loss2d_forward: weight"}, function=False, method=False, out=False)
def nll_loss_images(xp, self, target, weight: Tensor | None = None, *, reduction: Str = "mean", ignore_index: Int = -100):
    """nll_loss of (n, classes, height, width)."""
    return _nll(xp, self, target, weight, reduction, ignore_index)


@composite(namespace=NN, method=False)
def nll_loss(F, self, target, weight: Tensor | None = None, *, reduction: Str = "mean", ignore_index: Int = -100):
    """Minus the value of each target's class, averaged (weighted when weights are given); (n, classes) with (n,), or with
    more sizes behind both.

    Shapes: (n, classes), (n)  ->  (), reduction="none": (n)
    Grad: -weight / (sum of weights) * grad at each target's class, 0 elsewhere
    See: nn.functional.cross_entropy, log_softmax

    >>> nn.functional.nll_loss(tensor([[-1., -2.]]), tensor([1]))
    tensor(2.)
    """
    loss = F.nll_loss_rows if self.ndim < 3 else F.nll_loss_images
    if self.ndim < 3 or self.ndim == 4 or target.ndim != self.ndim - 1:
        return loss(self, target, weight, reduction=reduction, ignore_index=ignore_index)
    n, classes, *sizes = self.shape
    rest = (1, math.prod(sizes)) if self.numel() else (0, 0)  # torch lays what is not an image out as one of height 1
    found = loss(
        F.reshape(self, (n, classes, *rest)), F.reshape(target, (n, *rest)), weight, reduction=reduction, ignore_index=ignore_index
    )
    return F.view(found, (n, *sizes)) if reduction == "none" else found


@structural(
    plan=lambda grad, target, weight, shape, reduction, ignore_index: spec_of(grad.dtype, grad.device, shape),
    grad=lambda grad, target, weight, reduction, ignore_index, F: F.nll_loss_rows(
        grad, target, weight, reduction=reduction, ignore_index=ignore_index
    ),
    function=False,
    method=False,
    out=False,
)
def nll_loss_backward(xp, grad, target, weight: Tensor | None, shape: Size, reduction: Str, ignore_index: Int):
    """The gradient of nll_loss: minus the weight at each target's class."""
    safe, weights = _class_weights(xp, target, weight, ignore_index, grad.dtype)
    if weights is None:
        weights = grad.dtype.type(1)
        if reduction == "mean":
            weights = weights / grad.dtype.type(target.size)
    elif reduction == "mean":
        weights = weights / xp.add.reduce(weights, axis=None)
    result = xp.zeros(shape, grad.dtype)
    result[_places(xp, shape, safe)] = -(grad * weights)
    return result


@composite(namespace=NN, method=False)
def cross_entropy(F, self, target, weight: Tensor | None = None, *, ignore_index: Int = -100, reduction: Str = "mean", label_smoothing: Float = 0.0):
    """nll_loss of log_softmax: logits (n, classes) and class numbers (n,), or probabilities of the logits' shape.

    Shapes: (n, classes), (n)  ->  (), reduction="none": (n)
    Grad: (softmax(input) - one_hot(target)) * grad / n
    See: nn.CrossEntropyLoss, nn.functional.nll_loss, log_softmax

    >>> nn.functional.cross_entropy(tensor([[0., 0.]]), tensor([1]))
    tensor(0.6931)
    """
    dim = 0 if len(self.shape) == 1 else 1
    logs = F.log_softmax(self, dim)
    if tuple(target.shape) == tuple(self.shape) and target.dtype.category == FLOAT:
        return _soft_targets(F, logs, target, weight, dim, reduction, label_smoothing)
    nll_loss = F.nll_loss_rows if dim == 0 or len(self.shape) == 2 else F.nll_loss
    loss = nll_loss(logs, target, weight, reduction=reduction, ignore_index=ignore_index)
    if not label_smoothing:
        return loss
    kept = F.unsqueeze(target != ignore_index, dim)
    shares = logs if weight is None else logs * F.reshape(weight, (-1,) + (1,) * (len(self.shape) - 1 - dim))
    smooth = -F.sum_dim(F.where(kept, shares, 0.0), (dim,), False)
    if reduction == "mean":
        count = F.sum(kept) if weight is None else F.sum(F.where(kept, F.unsqueeze(weight[F.where(target != ignore_index, target, 0)], dim), 0.0))
        smooth = F.sum(smooth) / count
    elif reduction == "sum":
        smooth = F.sum(smooth)
    classes = self.shape[dim]
    return F.mul_number(loss, 1 - label_smoothing) + F.mul_number(smooth, label_smoothing / classes)


def _soft_targets(F, logs, target, weight, dim, reduction, label_smoothing):
    classes = logs.shape[dim]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    shares = logs * target
    if weight is not None:
        shares = shares * F.reshape(weight, (-1,) + (1,) * (len(logs.shape) - 1 - dim))
    if reduction == "none":
        return -F.sum_dim(shares, (dim,), False)
    total = -F.sum(shares)
    return F.div_number(total, max(math.prod(logs.shape) // classes, 1)) if reduction == "mean" else total


def _bce_slope(grad, self_spec, target_spec, weight, reduction):
    g = _weighed(grad, self_spec, target_spec, reduction)
    return g if weight is None else g * weight


@structural(
    namespace=NN,
    method=False,
    plan=_plan_bce,
    self=lambda grad, self, target, weight, self_spec, target_spec, reduction, F: _to_input(
        F, _bce_slope(grad, self_spec, target_spec, weight, reduction) * (self - target) / F.clamp_min((1 - self) * self, 1e-12), self_spec
    ),
    target=lambda grad, self, weight, self_spec, target_spec, reduction, F: _to_input(
        F, _bce_slope(grad, self_spec, target_spec, weight, reduction) * (F.clamp_min(F.log1p(-self), -100) - F.clamp_min(F.log(self), -100)), target_spec
    ),
    out=False,
    fixed={"weight": "binary_cross_entropy: weight"},
    real_only=no_kernel("binary_cross_entropy"),
)
def binary_cross_entropy(xp, self, target, weight: Tensor | None = None, *, reduction: Str = "mean"):
    """`-(t log p + (1 - t) log(1 - p))` for probabilities p, logarithms cut at -100, times `weight`, averaged.

    Shapes: equal  ->  (), reduction="none": kept
    Grad: (input - target) / (input * (1 - input)) * grad / n
    See: nn.functional.binary_cross_entropy_with_logits, sigmoid

    >>> nn.functional.binary_cross_entropy(tensor([0.5]), tensor([1.]))
    tensor(0.6931)
    """
    insist(((self < 0) | (self > 1)).any(), lambda: TensorError("all elements of input should be between 0 and 1"))
    floor = self.dtype.type(-100)
    loss = (target - 1) * xp.maximum(xp.log1p(-self), floor) - target * xp.maximum(xp.log(self), floor)
    return _fold(xp, loss if weight is None else loss * weight, reduction)


def _logit_loss_slope(self, target, pos_weight, F):
    """d loss / d logit: sigmoid(x) - t, the positive part weighed."""
    if pos_weight is None:
        return F.sigmoid(self) - target
    share = target * pos_weight
    return (share + 1 - target) * F.sigmoid(self) - share


@structural(
    namespace=NN,
    method=False,
    plan=_plan_bce_logits,
    node="BinaryCrossEntropyWithLogitsBackward",
    self=lambda grad, self, target, weight, pos_weight, self_spec, target_spec, reduction, F: _to_input(
        F, _bce_slope(grad, self_spec, target_spec, weight, reduction) * _logit_loss_slope(self, target, pos_weight, F), self_spec
    ),
    target=lambda grad, self, weight, pos_weight, self_spec, target_spec, reduction, F: _to_input(
        F,
        _bce_slope(grad, self_spec, target_spec, weight, reduction)
        * (-self if pos_weight is None else F.softplus(-self) * pos_weight - F.softplus(-self) - self),
        target_spec,
    ),
    out=False,
    fixed={"weight": "binary_cross_entropy_with_logits: weight"},
    real_only=no_kernel("log_sigmoid_cpu"),
)
def binary_cross_entropy_with_logits(
    xp, self, target, weight: Tensor | None = None, pos_weight: Tensor | None = None, *, reduction: Str = "mean"
):
    """binary_cross_entropy of sigmoid(self), without overflow; `pos_weight` weighs the part of the targets.

    Shapes: equal  ->  (), reduction="none": kept
    Grad: (sigmoid(input) - target) * grad / n
    See: nn.functional.binary_cross_entropy, sigmoid

    >>> nn.functional.binary_cross_entropy_with_logits(tensor([0.]), tensor([1.]))
    tensor(0.6931)
    """
    tail = xp.logaddexp(self.dtype.type(0), -self)
    if pos_weight is not None:
        tail = tail * (1 + (pos_weight - 1) * target)
    loss = (1 - target) * self + tail
    return _fold(xp, loss if weight is None else loss * weight, reduction)


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
def one_hot(F, self, num_classes: Int = -1):
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
