"""Attention: weights from the products of queries and keys, and with them means of the values."""

from __future__ import annotations

import math

from ..backend import META
from ..dtypes import BOOL, FLOAT
from ..errors import TensorAssertion, TensorError
from ..families.common import C_NAMES, no_kernel, not_implemented
from ..families.structural import composite, structural
from ..layout import like_strides
from ..notices import notice
from ..spec import spec_of

NN = "torch.nn.functional"


# --- the softmax of masked scores -------------------------------------------------------------------------------------


def _safe_softmax(xp, scores):
    """The softmax of the last dim; zeros where nothing but -inf stands."""
    wide = scores.astype("float32") if scores.dtype.itemsize == 2 else scores
    if not wide.size:
        return wide
    top = wide.max(-1, keepdims=True)
    wide = xp.exp(wide - xp.where(top == -xp.inf, wide.dtype.type(0), top))
    total = xp.add.reduce(wide, -1, keepdims=True)
    return wide / xp.where(total == 0, wide.dtype.type(1), total)


def _plan_scores(self):
    if self.dtype.category != FLOAT:
        raise not_implemented("softmax_lastdim_kernel_impl", self.dtype)
    return spec_of(self.dtype, self.device, self.shape)


@structural(plan=_plan_scores, self=lambda grad, result, F: result * (grad - F.sum_dim(grad * result, (-1,), True)), function=False, method=False, out=False)
def safe_softmax(xp, self):
    """softmax of the last dim, with zeros where every element is -inf."""
    return _safe_softmax(xp, self)


def _weights(F, query, key, mask, scale):
    scores = F.matmul(query, F.transpose(key, -2, -1)) * scale
    return F.safe_softmax(scores if mask is None else scores + mask)


def _attention_grads(grad, query, key, value, mask, scale, needs, F):
    weights = _weights(F, query, key, mask, scale)
    slope = F.matmul(grad, F.transpose(value, -2, -1))
    slope = weights * (slope - F.sum_dim(slope * weights, (-1,), True)) * scale
    return [
        F.matmul(slope, key) if needs[0] else None,
        F.matmul(F.transpose(slope, -2, -1), query) if needs[1] else None,
        F.matmul(F.transpose(weights, -2, -1), grad) if needs[2] else None,
        None,
    ]


@structural(
    plan=lambda query, key, value, mask, scale: spec_of(query.dtype, query.device, query.shape, like_strides(query.sizes, query.strides)),
    grads=_attention_grads,
    node="ScaledDotProductFlashAttentionForCpuBackward",
    function=False,
    method=False,
    out=False,
    real_only=no_kernel("softmax_lastdim_kernel_impl"),
)
def attention_of_heads(xp, query, key, value, mask: Tensor | None, scale: Float):
    """scaled_dot_product_attention of (n, heads, length, width) as one node; the weights are computed again in backward."""
    q, k, v = (a.astype("float32") if a.dtype.itemsize == 2 else a for a in (query, key, value))
    scores = xp.matmul(q, xp.swapaxes(k, -1, -2)) * q.dtype.type(scale)
    return xp.matmul(_safe_softmax(xp, scores if mask is None else scores + mask), v)


# --- scaled dot products ----------------------------------------------------------------------------------------------


def _check_attention(query, key, value, mask, dropout_p, is_causal):
    """Refuse what torch refuses before it chooses a kernel."""
    given = query.spec, key.spec, value.spec
    if not given[0].dtype is given[1].dtype is given[2].dtype:
        names = [C_NAMES[s.dtype.name] for s in given]
        raise TensorError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {names[0]} key.dtype: {names[1]} and value.dtype: {names[2]} instead."
        )
    if min(s.ndim for s in given) < 2:
        raise TensorError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {given[0].ndim} key.dim: {given[1].ndim} and"
            f" value.dim: {given[2].ndim} instead."
        )
    d = given[0].dtype
    if mask is not None and mask.dtype.category != BOOL and mask.dtype is not d and mask.dtype.name != "float32":
        raise TensorError(
            f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {C_NAMES[mask.dtype.name]} and "
            f" query.dtype: {C_NAMES[d.name]} instead."
        )
    if d.category < FLOAT:
        raise TensorError(f"expected scalar type Float but found {d.kernel_name}")
    if dropout_p > 1:
        raise TensorError(f"dropout probability has to be between 0 and 1, but got {dropout_p:g}")


def _mask_fits(spec, query, key):
    """Whether torch's one-node attention takes a mask of this shape."""
    lengths = spec.ndim >= 2 and spec.shape[-2] in (1, query.shape[-2]) and spec.shape[-1] in (1, key.shape[-2])
    return lengths and (spec.ndim == 2 or (spec.ndim == 4 and spec.shape[0] in (1, query.shape[0]) and spec.shape[1] in (1, query.shape[1])))


def _one_node(query, key, value, mask, dropout_p, enable_gqa):
    """torch's conditions for attention as one node: images of heads that agree, no dropout, and no gradient for the mask."""
    q, k, v = query.spec, key.spec, value.spec
    heads = q.ndim == k.ndim == v.ndim == 4 and q.shape[0] == k.shape[0] == v.shape[0] and k.shape[1] == v.shape[1]
    if not heads or not (q.shape[1] == k.shape[1] or (enable_gqa and not q.shape[1] % k.shape[1])):
        return False
    if dropout_p > 0 or not q.shape[3] == k.shape[3] == v.shape[3] or k.shape[2] != v.shape[2] or q.device is META:
        return False
    if not all(s.strides[3] == 1 for s in (q, k, v)):
        return False
    return mask is None or (not mask.requires_grad and _mask_fits(mask.spec, q, k))


def _added(F, mask, is_causal, query, key):
    """Masks as numbers to add to the scores: -inf where there is to be no attention."""
    d, where = query.dtype, query.device
    found = mask
    if mask is not None and mask.dtype.category == BOOL:
        found = F.masked_fill(F.zeros_like(mask, dtype=d), F.logical_not(mask), -math.inf)
    if is_causal:
        ahead = F.triu(F.full((query.shape[-2], key.shape[-2]), -math.inf, dtype=d, device=where), 1)
        found = ahead if found is None else found + ahead
    return found


@composite(namespace=NN, method=False)
def scaled_dot_product_attention(
    F,
    query,
    key,
    value,
    attn_mask: Tensor | None = None,
    dropout_p: Float = 0.0,
    is_causal: Bool = False,
    *,
    scale: Float | None = None,
    enable_gqa: Bool = False,
):
    """softmax(query @ key.T * scale + mask) @ value: each query's mean of the values, weighed by its likeness to their keys (Vaswani et al. 2017).

    A bool mask says where to look, a float one is added; is_causal hides what comes after; scale is 1/sqrt(width) unless given; enable_gqa
    lets several heads of queries share one of keys.

    Shapes: (..., l, e), (..., s, e), (..., s, v)  ->  (..., l, v)
    Grad: those of both products and of softmax
    See: nn.MultiheadAttention, nn.functional.multi_head_attention_forward, softmax

    >>> nn.functional.scaled_dot_product_attention(zeros(1, 2), ones(2, 2), tensor([[1., 2.], [3., 6.]]))
    tensor([[2., 4.]])
    """
    _check_attention(query, key, value, attn_mask, dropout_p, is_causal)
    if not (query.spec.numel and key.spec.numel and value.spec.numel):
        zeros = F.zeros((*query.shape[:-1], value.shape[-1]), dtype=query.dtype, device=query.device)
        return zeros + F.mul_number(F.sum(query) + F.sum(key) + F.sum(value), 0)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    single = _one_node(query, key, value, attn_mask, dropout_p, enable_gqa)
    if is_causal and attn_mask is not None and not single:
        raise TensorError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if enable_gqa:
        key, value = (_shared_heads(F, t, query) for t in (key, value))
    mask = _added(F, attn_mask, is_causal, query, key)
    if single:
        return F.attention_of_heads(query, key, value, mask, scale)
    root = math.sqrt(abs(scale))
    scaled = F.mul_number(query, math.copysign(root, scale)), F.mul_number(F.transpose(key, -2, -1), root)
    scores = F.matmul(*scaled)
    weights = F.safe_softmax(scores if mask is None else scores + mask)
    return F.matmul(F.dropout(weights, dropout_p, True) if dropout_p > 0 else weights, value)


def _shared_heads(F, t, query):
    """Each head of keys or values once for every head of queries that shares it.

    Raises RuntimeError with torch's sentence for heads that cannot be shared out.
    """
    have, wanted = t.shape[-3], query.shape[-3]
    if wanted % have:
        raise TensorError("Number of heads in key and value must divide the number of heads in ")
    return t if have == wanted else F.repeat_interleave(t, wanted // have, -3)


# --- several heads ----------------------------------------------------------------------------------------------------


def _demand(holds, sentence):
    """An assertion of torch's.

    Raises AssertionError with the sentence.
    """
    if not holds:
        raise TensorAssertion(sentence)


def _check_dims(query, key, value, key_padding_mask, attn_mask, num_heads):
    """Whether the inputs come in batches.

    Raises AssertionError with torch's sentences for dims that do not go together.
    """
    _demand(query.ndim in (2, 3), f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query tensor")
    n, kind = query.ndim, f"For {'batched (3-D)' if query.ndim == 3 else 'unbatched (2-D)'} `query`, expected"
    _demand(key.ndim == value.ndim == n, f"{kind} `key` and `value` to be {n}-D but found {key.ndim}-D and {value.ndim}-D tensors respectively")
    if key_padding_mask is not None:
        found = key_padding_mask.ndim
        _demand(found == n - 1, f"{kind} `key_padding_mask` to be `None` or {n - 1}-D but found {found}-D tensor instead")
    if attn_mask is not None:
        _demand(attn_mask.ndim in (2, 3), f"{kind} `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.ndim}-D tensor instead")
        wanted = (num_heads, query.shape[0], key.shape[0])
        if n == 2 and attn_mask.ndim == 3:
            _demand(tuple(attn_mask.shape) == wanted, f"Expected `attn_mask` shape to be {wanted} but got {attn_mask.shape!r}")
    return n == 3


def _number_mask(F, mask, name, other, d):
    """A mask as numbers to add; `other` is one that should have the same dtype.

    Raises AssertionError with torch's sentence for a mask of ints.
    """
    if mask is None:
        return None
    _demand(mask.dtype.category in (BOOL, FLOAT), f"only bool and floating types of {name} are supported")
    if other is not None and other.dtype is not mask.dtype:
        notice("mismatched-masks", f"Support for mismatched {name} and attn_mask is deprecated. Use same type for both instead.", mask=mask)
    return F.masked_fill(F.zeros_like(mask, dtype=d), mask, -math.inf) if mask.dtype.category == BOOL else mask


def _parts(F, x, weight, bias, count):
    """One product for several projections of the same input, apart again."""
    width = x.shape[-1]
    found = F.unflatten(F.linear(x, weight, bias), -1, (count, width))
    found = F.contiguous(F.squeeze_dim(F.transpose(F.unsqueeze(found, 0), 0, -2), -2))
    return [F.select(found, 0, i) for i in range(count)]


def _projected(F, query, key, value, weight, bias):
    """Queries, keys and values by the three parts of one weight."""
    width = query.shape[-1]
    if key is value and query is key:
        return _parts(F, query, weight, bias, 3)
    if key is value:
        first, rest = F.split_sizes(weight, (width, 2 * width))
        biases = (None, None) if bias is None else F.split_sizes(bias, (width, 2 * width))
        return [F.linear(query, first, biases[0]), *_parts(F, key, rest, biases[1], 2)]
    biases = (None,) * 3 if bias is None else F.chunk(bias, 3)
    return [F.linear(*each) for each in zip((query, key, value), F.chunk(weight, 3), biases, strict=True)]


def _projected_apart(F, inputs, weights, bias):
    """Queries, keys and values by a weight each."""
    biases = (None,) * 3 if bias is None else F.chunk(bias, 3)
    width = inputs[0].shape[-1]
    for name, x, weight in zip(("query", "key", "value"), inputs, weights, strict=True):
        wanted = (width, x.shape[-1])
        _demand(tuple(weight.shape) == wanted, f"expecting {name} weights shape of {wanted}, but got {weight.shape!r}")
    return [F.linear(*each) for each in zip(inputs, weights, biases, strict=True)]


def _one_more(F, mask):
    """A mask with a place for one more key, open to all."""
    return None if mask is None else F.pad(mask, (0, 1))


@composite(namespace=NN, method=False)
def multi_head_attention_forward(
    F,
    query,
    key,
    value,
    embed_dim_to_check: Int,
    num_heads: Int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: Bool,
    dropout_p: Float,
    out_proj_weight,
    out_proj_bias: Tensor | None,
    training: Bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: Bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: Bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: Bool = True,
    is_causal: Bool = False,
):
    """Attention in several heads, each with its own share of the projected width, put together by a last product; and the weights.

    Shapes: (l, n, e), (s, n, e), (s, n, e)  ->  (l, n, e), (n, l, s)
    Grad: those of its products and of softmax
    See: nn.MultiheadAttention, nn.functional.scaled_dot_product_attention

    >>> x = ones(1, 1, 2)
    >>> nn.functional.multi_head_attention_forward(x, x, x, 2, 1, ones(6, 2), None, None, None, False, 0.0, eye(2), None)[0]
    tensor([[[2., 2.]]])
    """
    batched = _check_dims(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        same_kv, same_qk = key is value, query is key
        query = F.unsqueeze(query, 1)
        key = query if same_qk else F.unsqueeze(key, 1)
        value = key if same_kv else F.unsqueeze(value, 1)
        key_padding_mask = None if key_padding_mask is None else F.unsqueeze(key_padding_mask, 0)
    length, batch, width = query.shape
    key_padding_mask = _number_mask(F, key_padding_mask, "key_padding_mask", attn_mask, query.dtype)
    if is_causal and attn_mask is None:
        raise TensorError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method `generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask = _number_mask(F, attn_mask, "attn_mask", None, query.dtype)
        is_causal = is_causal and key_padding_mask is None
    _demand(width == embed_dim_to_check, f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}")
    share = width // num_heads
    _demand(share * num_heads == width, f"embed_dim {width} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        _demand(
            key.shape[:2] == value.shape[:2],
            f"key's sequence and batch dims {key.shape[:2]!r} do not match value's {value.shape[:2]!r}",
        )
        q, k, v = _projected_apart(F, (query, key, value), (q_proj_weight, k_proj_weight, v_proj_weight), in_proj_bias)
    else:
        _demand(key.shape == value.shape, f"key shape {key.shape!r} does not match value shape {value.shape!r}")
        _demand(in_proj_weight is not None, "use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _projected(F, query, key, value, in_proj_weight, in_proj_bias)
    attn_mask = _mask_of_heads(F, attn_mask, (length, key.shape[0]), batch * num_heads)
    if bias_k is not None and bias_v is not None:
        _demand(static_k is None, "bias cannot be added to static key.")
        _demand(static_v is None, "bias cannot be added to static value.")
        k, v = F.cat([k, bias_k.repeat(1, batch, 1)], 0), F.cat([v, bias_v.repeat(1, batch, 1)], 0)
        attn_mask, key_padding_mask = _one_more(F, attn_mask), _one_more(F, key_padding_mask)
    else:
        _demand(bias_k is None, "bias_k is set but bias_v is None")
        _demand(bias_v is None, "bias_v is set but bias_k is None")
    q = _heads_first(F, q, batch * num_heads, share)
    k = _heads_first(F, k, batch * num_heads, share) if static_k is None else _static(static_k, "static_k", batch * num_heads, share)
    v = _heads_first(F, v, batch * num_heads, share) if static_v is None else _static(static_v, "static_v", batch * num_heads, share)
    if add_zero_attn:
        zeros = F.zeros((batch * num_heads, 1, share), dtype=k.dtype, device=k.device)
        k, v = F.cat([k, zeros], 1), F.cat([v, zeros], 1)
        attn_mask, key_padding_mask = _one_more(F, attn_mask), _one_more(F, key_padding_mask)
    sources = k.shape[1]
    if key_padding_mask is not None:
        have = tuple(key_padding_mask.shape)
        _demand(have[0] == batch, f"Expected key_padded_mask.shape[0] to be {batch}, but got {have[0]}")
        _demand(have[1] == sources, f"Expected key_padded_mask.shape[1] to be {sources}, but got {have[1]}")
        wide = F.expand(F.view(key_padding_mask, (batch, 1, 1, sources)), (-1, num_heads, -1, -1))
        padding = F.reshape(wide, (batch * num_heads, 1, sources))
        attn_mask = padding if attn_mask is None else attn_mask + padding
    dropout_p = dropout_p if training else 0.0
    if not need_weights:
        if attn_mask is not None:
            alone = attn_mask.shape[0] == 1 and attn_mask.ndim == 3
            attn_mask = F.unsqueeze(attn_mask, 0) if alone else F.view(attn_mask, (batch, num_heads, -1, sources))
        q, k, v = (F.view(t, (batch, num_heads, n, share)) for t, n in ((q, length), (k, sources), (v, sources)))
        found = F.scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal)
        found = F.linear(F.reshape(F.permute(found, (2, 0, 1, 3)), (batch * length, width)), out_proj_weight, out_proj_bias)
        found = F.view(found, (length, batch, found.shape[1]))
        return (found if batched else F.squeeze_dim(found, 1)), None
    q = q * math.sqrt(1.0 / float(share))
    across = F.transpose(k, -2, -1)
    weights = F.softmax(F.bmm(q, across) if attn_mask is None else F.baddbmm(attn_mask, q, across), -1)
    if dropout_p > 0:
        weights = F.dropout(weights, dropout_p)
    found = F.reshape(F.transpose(F.bmm(weights, v), 0, 1), (length * batch, width))
    found = F.linear(found, out_proj_weight, out_proj_bias)
    found = F.view(found, (length, batch, found.shape[1]))
    weights = F.view(weights, (batch, num_heads, length, sources))
    if average_attn_weights:
        weights = F.mean_dim(weights, (1,), False)
    return (found, weights) if batched else (F.squeeze_dim(found, 1), F.squeeze_dim(weights, 0))


def _mask_of_heads(F, mask, lengths, heads):
    """A mask (1 or heads, l, s).

    Raises RuntimeError with torch's sentences for other shapes.
    """
    if mask is None:
        return None
    wanted = lengths if mask.ndim == 2 else (heads, *lengths)
    if tuple(mask.shape) != wanted:
        raise TensorError(f"The shape of the {mask.ndim}D attn_mask is {mask.shape!r}, but should be {wanted}.")
    return F.unsqueeze(mask, 0) if mask.ndim == 2 else mask


def _heads_first(F, t, heads, share):
    """(l, n, e) as (n * heads, l, e / heads)."""
    return F.transpose(F.view(t, (t.shape[0], heads, share)), 0, 1)


def _static(t, name, heads, share):
    """Keys or values given ready.

    Raises AssertionError with torch's sentences for other sizes.
    """
    _demand(t.shape[0] == heads, f"expecting {name}.size(0) of {heads}, but got {t.shape[0]}")
    _demand(t.shape[2] == share, f"expecting {name}.size(2) of {share}, but got {t.shape[2]}")
    return t
