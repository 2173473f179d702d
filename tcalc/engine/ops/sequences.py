"""Losses and looks-up of sequences: connectionist temporal classification, and sums of rows bag by bag."""

from __future__ import annotations

import math

from .. import dtypes
from ..at import add_at, extreme_at
from ..data import tensor
from ..dtypes import FLOAT
from ..errors import TensorError, TensorNotImplemented, TensorValueError
from ..families.common import no_derivative, no_kernel, not_implemented
from ..families.structural import composite, structural
from ..notices import notice
from ..spec import spec_of
from .gathering import widened
from .nn import renormed

NN = "torch.nn.functional"


# --- connectionist temporal classification ----------------------------------------------------------------------------


def _plan_ctc(log_probs, targets, input_lengths, target_lengths, blank):
    n = log_probs.shape[1]
    if not log_probs.numel:
        raise TensorError("log_probs tensor must not be empty")
    if log_probs.dtype.category < FLOAT or log_probs.dtype.itemsize == 2:
        raise not_implemented("ctc_loss_cpu", log_probs.dtype)
    if not 0 <= blank < log_probs.shape[2]:
        raise TensorError("blank must be in label range")
    for name, lengths in (("input_lengths", input_lengths), ("target_lengths", target_lengths)):
        if len(lengths) != n:
            raise TensorError(f"{name} must be of size batch_size")
    source = " (while checking arguments for ctc_loss_allocate_outputs)"
    for length in target_lengths:
        if length < 0:
            raise TensorError(f"Expected target_lengths to have value at least 0, but got value {length}{source}")
    longest = max(target_lengths, default=0)
    needs = [(0, sum(target_lengths))] if targets.ndim == 1 else [(0, n), (1, longest)]
    for dim, size in needs:
        if targets.shape[dim] < size or (dim == 0 and targets.shape[0] != size):
            least = "at least " if dim else ""
            raise TensorError(
                f"Expected tensor to have size {least}{size} at dimension {dim}, but got size {targets.shape[dim]} for argument #2 'targets'{source}"
            )
    for length in input_lengths:
        if length < 0:
            raise TensorError(f"Expected input_lengths to have value at least 0, but got value {length}{source}")
        if length > log_probs.shape[0]:
            raise TensorError(f"Expected input_lengths to have value at most {log_probs.shape[0]}, but got value {length}{source}")
    return spec_of(log_probs.dtype, log_probs.device, (n,))


def _states(xp, targets, target_lengths, blank):
    """(labels with blanks between, where a blank may be skipped): (n, 2 * longest + 1) each; beyond a sample's own labels stand blanks."""
    longest = max(target_lengths, default=0)
    lengths = xp.asarray(target_lengths, dtype="int64")
    inside = xp.arange(longest) < lengths[:, None]
    if targets.ndim == 1:
        places = (xp.cumsum(lengths) - lengths)[:, None] + xp.arange(longest)
        labels = targets[xp.where(inside, places, 0)] if targets.size else xp.zeros(inside.shape, "int64")
    else:
        labels = targets[:, :longest]
    states = xp.full((len(target_lengths), 2 * longest + 1), blank, "int64")
    states[:, 1::2] = xp.where(inside, labels, blank)
    skips = xp.zeros(states.shape, bool)
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    return states, skips


def _moved(xp, a, by):
    """Values one or two states on, -inf coming in."""
    found = xp.full_like(a, -xp.inf)
    if by > 0:
        found[:, by:] = a[:, :-by]
    else:
        found[:, :by] = a[:, -by:]
    return found


def _forward_sums(xp, seen, skips):
    """Log-probabilities of all ways to each state at each time, its own included: (t, n, states)."""
    steps = xp.full_like(seen, -xp.inf)
    steps[0, :, :2] = seen[0, :, :2]
    for t in range(1, len(seen)):
        before = steps[t - 1]
        two = xp.where(skips, _moved(xp, before, 2), -xp.inf)
        steps[t] = xp.logaddexp(xp.logaddexp(before, _moved(xp, before, 1)), two) + seen[t]
    return steps


def _backward_sums(xp, seen, skips, input_lengths, ends):
    """Those of all ways from each state to the sample's end, its own included."""
    steps, after = xp.full_like(seen, -xp.inf), xp.full_like(seen[0], -xp.inf)
    onward = xp.zeros_like(skips)
    onward[:, :-2] = skips[:, 2:]
    for t in range(len(seen) - 1, -1, -1):
        two = xp.where(onward, _moved(xp, after, -2), -xp.inf)
        ways = xp.logaddexp(xp.logaddexp(after, _moved(xp, after, -1)), two)
        last = (input_lengths == t + 1)[:, None]
        after = steps[t] = xp.where(last, xp.where(ends, 0, -xp.inf), ways) + seen[t]
    return steps


def _parts(xp, log_probs, targets, target_lengths, blank):
    """(states, skips, log-probability of each state at each time, the one or two last states of each sample); the sums are made in float64."""
    states, skips = _states(xp, targets.astype("int64"), target_lengths, blank)
    seen = xp.take_along_axis(log_probs.astype("float64"), xp.broadcast_to(states, (len(log_probs), *states.shape)), 2)
    last = 2 * xp.asarray(target_lengths, dtype="int64")[:, None]
    places = xp.arange(states.shape[1])
    return states, skips, seen, (places == last) | (places == last - 1)


@structural(
    plan=_plan_ctc,
    node="CtcLossBackward",
    log_probs=lambda grad, log_probs, targets, result, input_lengths, target_lengths, blank, F: F.ctc_backward(
        grad, log_probs, targets, result, input_lengths, target_lengths, blank
    ),
    function=False,
    method=False,
    out=False,
    real_only=no_kernel("ctc_loss_cpu"),
)
def ctc_losses(xp, log_probs, targets, input_lengths: Ints, target_lengths: Ints, blank: Int):
    """ctc_loss of each sample."""
    _, skips, seen, ends = _parts(xp, log_probs, targets, target_lengths, blank)
    steps = _forward_sums(xp, seen, skips)
    lengths = xp.asarray(input_lengths, dtype="int64")
    final = xp.where(ends, steps[xp.maximum(lengths - 1, 0), xp.arange(len(lengths))], -xp.inf)
    empty = xp.where(xp.asarray(target_lengths) == 0, 0.0, xp.inf)
    top = final.max(1)
    top = xp.where(top == -xp.inf, 0.0, top)
    found = top + xp.log(xp.add.reduce(xp.exp(final - top[:, None]), 1))
    return xp.where(lengths == 0, empty, -found).astype(log_probs.dtype)


@structural(
    plan=lambda grad, log_probs, targets, losses, input_lengths, target_lengths, blank: spec_of(log_probs.dtype, log_probs.device, log_probs.shape),
    grad=no_derivative("_ctc_loss_backward"),
    log_probs=no_derivative("_ctc_loss_backward"),
    function=False,
    method=False,
    out=False,
)
def ctc_backward(xp, grad, log_probs, targets, losses, input_lengths: Ints, target_lengths: Ints, blank: Int):
    """The gradient of the logits under log_softmax: probabilities less the share of ways that pass through each class (Graves et al. 2006)."""
    states, skips, seen, ends = _parts(xp, log_probs, targets, target_lengths, blank)
    lengths = xp.asarray(input_lengths, dtype="int64")
    ways = _forward_sums(xp, seen, skips) + _backward_sums(xp, seen, skips, lengths, ends)
    shares = xp.exp(ways + losses[:, None] - seen)
    found = xp.exp(log_probs)
    times, samples = xp.arange(len(seen)).reshape(-1, 1, 1), xp.arange(len(lengths)).reshape(1, -1, 1)
    add_at(xp, found, (times, samples, states[None]), -shares)
    return xp.where(times < lengths[None, :, None], found * grad[None, :, None], 0)


def _lengths(given, name):
    """Lengths as plain numbers.

    Raises RuntimeError with torch's sentence for a tensor of floats.
    """
    if isinstance(given, (tuple, list)):
        return tuple([int(n) for n in given])
    if given.dtype.category >= FLOAT:
        raise TensorError(f"{name} must be integral")
    return tuple(given.reshape(-1).tolist())


@composite(namespace=NN, method=False)
def ctc_loss(F, log_probs, targets, input_lengths: Any, target_lengths: Any, blank: Int = 0, reduction: Str = "mean", zero_infinity: Bool = False):
    """Minus the log-probability of labels however they are stretched over time, blanks between them (Graves et al. 2006); "mean" divides
    each sample's by its number of labels first. zero_infinity makes impossible samples count nothing.

    Shapes: (t, n, classes), targets (n, labels) or all behind one another  ->  (), reduction="none": (n)
    Grad: exp(log_probs) less the share of ways through each class: that of the logits under log_softmax
    See: nn.CTCLoss, log_softmax

    >>> nn.functional.ctc_loss(log_softmax(zeros(2, 1, 2), 2), tensor([[1]]), (2,), (1,))
    tensor(0.2877)
    """
    if reduction not in ("none", "mean", "sum"):
        raise TensorValueError(f"{reduction} is not a valid value for reduction")
    times, labels = _lengths(input_lengths, "input_lengths"), _lengths(target_lengths, "target_lengths")
    single = len(log_probs.shape) == 2
    if single:
        log_probs = F.unsqueeze(log_probs, 1)
        targets = F.unsqueeze(targets, 0) if len(targets.shape) == 1 else targets
    if len(log_probs.shape) != 3:
        raise TensorError(
            f"Expected 3-dimensional tensor, but got {len(log_probs.shape)}-dimensional tensor for argument #1 'log_probs' (while checking"
            " arguments for ctc_loss_allocate_outputs)"
        )
    losses = F.ctc_losses(log_probs, targets, times, labels, blank)
    if zero_infinity:
        losses = F.where(losses == math.inf, 0.0, losses)
    if reduction == "mean":
        counts = tensor([max(n, 1) for n in labels], dtype=losses.dtype, device=losses.device)
        return F.mean(losses / counts)
    losses = F.sum(losses) if reduction == "sum" else losses
    return F.squeeze_dim(losses, 0) if single and reduction == "none" else losses


# --- rows added up bag by bag -----------------------------------------------------------------------------------------


def _bag_rates(rates, factor):
    return factor if rates is None else factor * rates


@structural(
    plan=lambda weight, per_sample, places, bags, shares, rates, count: spec_of(weight.dtype, weight.device, (count, weight.shape[1])),
    node="EmbeddingBagBackward",
    weight=lambda grad, per_sample, places, bags, shares, rates, weight_spec, F: F.index_add_to(
        weight_spec.sizes,
        0,
        places,
        F.index_select(grad, 0, bags) * F.unsqueeze(_bag_rates(rates, shares if per_sample is None else shares * per_sample), 1),
    ),
    per_sample=lambda grad, weight, places, bags, shares, F: F.sum_dim(F.index_select(grad, 0, bags) * F.index_select(weight, 0, places), (1,), False) * shares,
    function=False,
    method=False,
    out=False,
)
def bag_sums(xp, weight, per_sample: Tensor | None, places, bags, shares, rates: Tensor | None, count: Int):
    """Rows of a table times their shares, added up bag by bag; `rates` count in the table's gradient only."""
    factor = shares if per_sample is None else shares * per_sample
    found = xp.zeros((count, weight.shape[1]), widened(weight.dtype))
    add_at(xp, found, bags, weight[places].astype(found.dtype, copy=False) * factor[:, None])
    return found


def _bag_winners(xp, weight, places, bags, count):
    """(largest elements, the rows they came from), bag by bag; an empty bag has 0 and row -1."""
    rows = weight[places]
    top = xp.full((count, weight.shape[1]), -xp.inf, weight.dtype)
    extreme_at(xp, "maximum", top, bags, rows)
    first = xp.full(top.shape, len(places), "int64")
    order = xp.arange(len(places)).reshape(-1, 1)
    extreme_at(xp, "minimum", first, bags, xp.where(rows == top[bags], order, len(places)))
    empty = first == len(places)
    return xp.where(empty, 0, top), xp.where(empty, -1, xp.append(places, -1)[first])


@structural(plan=lambda weight, places, bags, count: spec_of(dtypes.int64, weight.device, (count, weight.shape[1])), function=False, method=False, out=False)
def bag_winners(xp, weight, places, bags, count: Int):
    """The rows that the largest elements of each bag came from; -1 for an empty bag."""
    return _bag_winners(xp, weight, places, bags, count)[1]


def _to_winners(grad, weight, places, bags, weight_spec, count, F):
    winners = F.bag_winners(weight, places, bags, count)
    return F.scatter_add_to(weight_spec.sizes, 0, F.clamp_min(winners, 0), F.where(winners < 0, 0.0, grad))


@structural(
    plan=lambda weight, places, bags, count: spec_of(weight.dtype, weight.device, (count, weight.shape[1])),
    node="EmbeddingBagBackward",
    weight=_to_winners,
    function=False,
    method=False,
    out=False,
)
def bag_maxima(xp, weight, places, bags, count: Int):
    """The largest elements of a table's rows, bag by bag."""
    return _bag_winners(xp, weight, places, bags, count)[0]


def _check_bags(self, weight, offsets, per_sample_weights):
    """Refuse what torch refuses before it looks at the mode."""
    if per_sample_weights is not None and per_sample_weights.shape != self.shape:
        raise TensorValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape!r}) is not None, then it must have the same shape as the input ({self.shape!r})"
        )
    if len(weight.shape) != 2:
        raise TensorValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {len(weight.shape)}")
    if len(self.shape) not in (1, 2):
        raise TensorValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {len(self.shape)}")
    if len(self.shape) == 2 and offsets is not None:
        raise TensorValueError(
            "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. However, found offsets of"
            " type <class 'torch.Tensor'>"
        )
    if len(self.shape) == 1 and offsets is None:
        raise TensorValueError("offsets has to be a 1D Tensor but got None")
    if len(self.shape) == 1 and len(offsets.shape) != 1:
        raise TensorValueError("offsets has to be a 1D Tensor")


def _check_places(self, weight, offsets, per_sample_weights, short):
    """Refuse what torch's kernel refuses: dtypes, places outside the table (worded otherwise by its kernel for `short` floats), bags that do
    not begin at 0."""
    if self.dtype.name not in ("int32", "int64"):
        raise TensorError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got"
            f" torch.{self.dtype.kernel_name}Tensor instead (while checking arguments for embedding_bag)"
        )
    if per_sample_weights is not None and per_sample_weights.dtype is not weight.dtype:
        raise TensorError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 'per_sample_weights'; but type"
            f" torch.{weight.dtype.kernel_name}Tensor does not equal torch.{per_sample_weights.dtype.kernel_name}Tensor (while checking arguments"
            " for embedding_bag)"
        )
    if offsets.numel():
        first, last, length = int(offsets[0]), int(offsets[-1]), self.numel()
        if first:
            raise TensorError(f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {first}")
        if last > length:
            raise TensorError(f"offsets[-1] can not be greater than input's length {length} but got offsets[-1] of {last}")
    outside = (self < 0) | (self >= weight.shape[0])
    if outside.any():
        bad = int(self[outside][0])
        if short:
            place = int(outside.to(dtypes.int64).argmax())
            raise TensorError(f"Index {place} of input takes value {bad} which is not in the valid range [0, {weight.shape[0]})")
        raise TensorError(f"embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be {bad}")


@composite(namespace=NN, method=False)
def embedding_bag(
    F,
    self,
    weight,
    offsets: Tensor | None = None,
    max_norm: Float | None = None,
    norm_type: Float = 2.0,
    scale_grad_by_freq: Bool = False,
    mode: Str = "mean",
    sparse: Bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: Bool = False,
    padding_idx: Int | None = None,
):
    """Rows of `weight` picked by place and put together bag by bag: their mean, sum or maximum. A bag is a row of the input, or begins at each
    of the offsets; the row `padding_idx` is left out.

    Shapes: input (n, places), weight (rows, m)  ->  (n, m); input (places), offsets (n)  ->  (n, m)
    Grad: weight: added to the rows that were picked, over the bag's size for "mean", to the largest for "max"; input (places): none
    See: nn.EmbeddingBag, nn.functional.embedding

    >>> nn.functional.embedding_bag(tensor([[0, 1]]), tensor([[1., 2.], [3., 4.]]))
    tensor([[2., 3.]])
    """
    if weight.dtype is dtypes.int64 and self.dtype.is_floating_point:
        notice(
            "embedding-bag-order",
            "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, input, ...)` is deprecated, and should now be"
            " `embedding_bag(input, weight, ...)`.",
            input=self,
        )
        self, weight = weight, self
    _check_bags(self, weight, offsets, per_sample_weights)
    if offsets is None:  # each row is a bag
        kind = {"dtype": self.dtype, "device": self.device}
        offsets = F.arange_from(0, self.numel(), self.shape[1], **kind) if self.shape[1] else F.zeros((self.shape[0],), **kind)
        include_last_offset, self = False, F.reshape(self, (-1,))
        per_sample_weights = None if per_sample_weights is None else F.reshape(per_sample_weights, (-1,))
    if mode not in ("sum", "mean", "max"):
        raise TensorValueError("mode has to be one of sum, mean or max")
    for word, given in (("scaling the gradient by the frequency", scale_grad_by_freq), ("sparse weights", sparse)):
        if mode == "max" and given:
            raise TensorValueError(f"max mode does not support {word}")
    if max_norm is not None:
        renormed(weight, self, max_norm, norm_type)
    if per_sample_weights is not None and mode != "sum":
        raise TensorNotImplemented(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum'"
            f" (got mode='{mode}'). Please open a feature request on GitHub."
        )
    short = weight.dtype.itemsize < 8 and mode != "max" and padding_idx is None
    _check_places(self, weight, offsets, per_sample_weights, short)
    starts = offsets.to(dtypes.int64)
    count = max(starts.numel() - include_last_offset, 0)
    bags = F.searchsorted(starts[:count].contiguous(), F.arange(self.numel(), dtype=dtypes.int64, device=self.device), right=True) - 1
    places, kept = self.to(dtypes.int64), None
    if include_last_offset:
        places, bags = places[: int(starts[-1])], bags[: int(starts[-1])]
    if padding_idx is not None:
        kept = places != padding_idx % weight.shape[0]
        places, bags = places[kept], bags[kept]
    if mode == "max":
        return F.bag_maxima(weight, places, bags, count)
    sizes = F.bincount(bags, minlength=count)
    shares = F.ones((places.numel(),), dtype=weight.dtype, device=weight.device) if mode == "sum" else 1 / sizes[bags].to(weight.dtype)
    rates = 1 / F.bincount(places)[places].to(weight.dtype) if scale_grad_by_freq and places.numel() else None
    if per_sample_weights is not None and kept is not None:
        per_sample_weights = per_sample_weights[kept]
    return F.bag_sums(weight, per_sample_weights, places, bags, shares, rates, count)
