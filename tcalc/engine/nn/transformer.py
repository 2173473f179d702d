"""Attention and transformers as modules (Vaswani et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import backend, dtypes
from ..errors import TensorAssertion, TensorError, TensorValueError
from ..modes import is_grad_enabled
from ..notices import notice
from ..registry import PUBLIC
from ..registry import TENSOR_OPS as F
from ..tensor import Parameter, Tensor
from . import init
from .activations import GELU, Dropout
from .containers import ModuleList
from .modules import Linear, Module, ReLU, _parameter
from .normalisation import LayerNorm

Activation = str | Callable[[Any], Any]


class NonDynamicallyQuantizableLinear(Linear):
    """nn.Linear as MultiheadAttention holds it; torch shows it by this name.

    See: nn.MultiheadAttention, nn.Linear

    >>> nn.MultiheadAttention(4, 2).out_proj
    NonDynamicallyQuantizableLinear(in_features=4, out_features=4, bias=True)
    """


class MultiheadAttention(Module):
    """Attention in num_heads heads: queries, keys and values projected, attended to head by head, put together by out_proj.

    Gives (output, weights averaged over the heads), or (output, None) with need_weights=False.

    See: nn.functional.scaled_dot_product_attention, nn.TransformerEncoderLayer

    >>> x = ones(5, 2, 4)
    >>> output, weights = nn.MultiheadAttention(4, 2)(x, x, x)
    >>> output.shape, weights.shape
    (torch.Size([5, 2, 4]), torch.Size([2, 5, 5]))
    """

    names = frozenset(
        (
            "embed_dim kdim vdim num_heads dropout batch_first head_dim add_zero_attn in_proj_weight in_proj_bias q_proj_weight k_proj_weight"
            " v_proj_weight bias_k bias_v out_proj"
        ).split()
    )

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        if embed_dim <= 0 or num_heads <= 0:
            raise TensorValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        self.embed_dim, self.kdim, self.vdim = embed_dim, kdim or embed_dim, vdim or embed_dim
        self.num_heads, self.dropout, self.batch_first, self.head_dim = num_heads, dropout, batch_first, embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise TensorAssertion("embed_dim must be divisible by num_heads")
        same = self.kdim == self.vdim == embed_dim
        weights = (
            {"in_proj_weight": (3 * embed_dim, embed_dim)}
            if same
            else {
                "q_proj_weight": (embed_dim, embed_dim),
                "k_proj_weight": (embed_dim, self.kdim),
                "v_proj_weight": (embed_dim, self.vdim),
            }
        )
        self.in_proj_weight: Any = None
        self.q_proj_weight: Any = None
        self.k_proj_weight: Any = None
        self.v_proj_weight: Any = None
        for name, shape in weights.items():
            vars(self)[name] = _parameter(*shape, dtype=dtype, device=device)
        self.in_proj_bias = _parameter(3 * embed_dim, dtype=dtype, device=device) if bias else None
        self.out_proj: Any = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        self.bias_k = _parameter(1, 1, embed_dim, dtype=dtype, device=device) if add_bias_kv else None
        self.bias_v = _parameter(1, 1, embed_dim, dtype=dtype, device=device) if add_bias_kv else None
        self.add_zero_attn = add_zero_attn
        for name in weights:
            init.xavier_uniform_(vars(self)[name])
        if bias:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for each in (self.bias_k, self.bias_v):
            if each is not None:
                init.xavier_normal_(each)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> Any:
        """(l, n, e), (s, n, kdim), (s, n, vdim) -> (l, n, e), (n, l, s); with batch_first (n, l, e), ..."""
        turned = self.batch_first and query.ndim == 3
        if turned:
            known: dict[int, Any] = {}
            for t in (query, key, value):
                known.setdefault(id(t), F.transpose(t, 1, 0))
            query, key, value = (known[id(t)] for t in (query, key, value))
        found, weights = PUBLIC["multi_head_attention_forward"].call(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=self.in_proj_weight is None,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (F.transpose(found, 1, 0) if turned else found), weights


def _activation(given: Activation) -> Callable[[Any], Any]:
    """A function, by name or as it is.

    Raises RuntimeError with torch's sentence for another name.
    """
    if not isinstance(given, str):
        return given
    if given not in ("relu", "gelu"):
        raise TensorError(f"activation should be relu/gelu, not {given}")
    return PUBLIC[given].call


class _Layer(Module):
    """Attention, then a feed-forward part, each added to its input and normalised, after it or (norm_first) before."""

    names = frozenset("self_attn linear1 linear2 dropout norm1 norm2 dropout1 dropout2 norm_first activation".split())
    self_attn: Any
    linear1: Any
    linear2: Any
    dropout: Any
    norm1: Any
    norm2: Any
    dropout1: Any
    dropout2: Any

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, device=device, dtype=dtype)
        if self.across:
            self.multihead_attn: Any = MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, device=device, dtype=dtype
            )
        self.linear1 = Linear(d_model, dim_feedforward, bias, device, dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, device, dtype)
        self.norm_first = norm_first
        count = 3 if self.across else 2
        for i in range(1, count + 1):
            vars(self)[f"norm{i}"] = LayerNorm(d_model, layer_norm_eps, True, bias, device, dtype)
        for i in range(1, count + 1):
            vars(self)[f"dropout{i}"] = Dropout(dropout)
        self.activation = _activation(activation)

    across = False

    def _added(self, x: Any, norm: Any, part: Callable[[Any], Any]) -> Any:
        """A part's result added to its input, normalised before or after."""
        return x + part(norm(x)) if self.norm_first else norm(x + part(x))

    def _attended(self, x: Any, mask: Any, padding: Any, is_causal: bool) -> Any:
        found = self.self_attn(x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal)
        return self.dropout1(found[0])

    def _fed(self, x: Any, last: Any) -> Any:
        return last(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoderLayer(_Layer):
    """Self-attention and a feed-forward part, each added to its input and normalised.

    See: nn.TransformerEncoder, nn.MultiheadAttention, nn.LayerNorm

    >>> nn.TransformerEncoderLayer(4, 2, 8)(ones(5, 3, 4)).shape
    torch.Size([5, 3, 4])
    """

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """(s, n, d_model); kept."""
        x = self._added(src, self.norm1, lambda x: self._attended(x, src_mask, src_key_padding_mask, is_causal))
        return self._added(x, self.norm2, lambda x: self._fed(x, self.dropout2))


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the encoder's memory and a feed-forward part, each added to its input and normalised.

    See: nn.TransformerDecoder, nn.TransformerEncoderLayer

    >>> nn.TransformerDecoderLayer(4, 2, 8)(ones(5, 3, 4), ones(6, 3, 4)).shape
    torch.Size([5, 3, 4])
    """

    names = _Layer.names | {"multihead_attn", "norm3", "dropout3"}
    across = True
    norm3: Any
    dropout3: Any

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """(t, n, d_model), memory (s, n, d_model) -> (t, n, d_model)."""

        def looked_up(x: Any) -> Any:
            found = self.multihead_attn(
                x,
                memory,
                memory,
                attn_mask=memory_mask,
                key_padding_mask=memory_key_padding_mask,
                need_weights=False,
                is_causal=memory_is_causal,
            )
            return self.dropout2(found[0])

        x = self._added(tgt, self.norm1, lambda x: self._attended(x, tgt_mask, tgt_key_padding_mask, tgt_is_causal))
        x = self._added(x, self.norm2, looked_up)
        return self._added(x, self.norm3, lambda x: self._fed(x, self.dropout3))


def _clone(module: Module) -> Module:
    """A module like another, with parameters and modules of its own of the same values."""
    twin = object.__new__(type(module))
    for name, value in vars(module).items():
        if isinstance(value, Module):
            value = _clone(value)
        elif isinstance(value, Parameter):
            value = Parameter(value.detach().clone(), value.requires_grad)
        elif isinstance(value, Tensor):
            value = value.detach().clone()
        vars(twin)[name] = value
    return twin


def _ahead(size: int, device: Any = None, dtype: Any = None) -> Any:
    """-inf above the diagonal."""
    return F.triu(F.full((size, size), float("-inf"), dtype=dtype, device=device), 1)


def _is_causal(mask: Any, given: bool | None, size: int) -> bool:
    """Whether a mask hides just what comes after, as told or as it is."""
    if given is not None or mask is None:
        return given is True
    return tuple(mask.shape) == (size, size) and bool(F.all(mask == _ahead(size, mask.device, mask.dtype)))


class _Stack(Module):
    """Layers of one kind, each fed the one before's result, and a norm at the end."""

    names = frozenset("layers num_layers norm".split())
    layers: Any
    norm: Any

    def _build(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        backend.check_handles(max(num_layers, 0))
        self.layers, self.num_layers, self.norm = ModuleList([_clone(layer) for _ in range(num_layers)]), num_layers, norm

    def _length(self, x: Any) -> int:
        return int(x.shape[1 if x.ndim == 3 and self.layers[0].self_attn.batch_first else 0])


class TransformerEncoder(_Stack):
    """num_layers copies of an encoder layer, one after the other, and a norm.

    See: nn.TransformerEncoderLayer, nn.Transformer

    >>> nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2)(ones(3, 5, 4)).shape
    torch.Size([3, 5, 4])
    """

    names = _Stack.names | {"enable_nested_tensor", "mask_check"}

    def __init__(
        self, encoder_layer: Any, num_layers: int, norm: Module | None = None, enable_nested_tensor: bool = True, mask_check: bool = True
    ):
        self._build(encoder_layer, num_layers, norm)
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check
        why = _why_not_nested(encoder_layer)
        if enable_nested_tensor and why:
            notice("no-nested-tensor", f"enable_nested_tensor is True, but self.use_nested_tensor is False because {why}")
        self._packs = enable_nested_tensor and not why

    def forward(self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None) -> Any:
        """(s, n, d_model); kept."""
        packed = self._packed(src, mask, src_key_padding_mask)
        causal, x = _is_causal(mask, is_causal, self._length(src)), src
        for layer in self.layers:
            x = layer(x, mask, src_key_padding_mask, causal)
        if packed:
            x = F.masked_fill(x, F.unsqueeze(src_key_padding_mask, -1), 0.0)
        return x if self.norm is None else self.norm(x)

    def _packed(self, src: Any, mask: Any, padding: Any) -> bool:
        """Whether torch packs the samples without their padding, so that it comes back as zeros: in eval mode, without gradients."""
        if not self._packs or self.layers[0].training or src.ndim != 3 or padding is None or mask is not None:
            return False
        if padding.dtype is not dtypes.bool_ or (is_grad_enabled() and any(t.requires_grad for t in (src, *self.layers[0].parameters()))):
            return False
        return not bool(F.any(F.logical_and(padding[:, :-1], F.logical_not(padding[:, 1:]))))


def _why_not_nested(layer: Any) -> str:
    """torch's reason why samples cannot be packed without their padding, empty when they can."""
    if not isinstance(layer, TransformerEncoderLayer):
        return "encoder_layer was not TransformerEncoderLayer"
    if layer.norm_first:
        return "encoder_layer.norm_first was True"
    if not layer.self_attn.batch_first:
        return "encoder_layer.self_attn.batch_first was not True(use batch_first for better inference performance)"
    if layer.self_attn.in_proj_bias is None:
        return "encoder_layer.self_attn was passed bias=False"
    if layer.activation not in (PUBLIC["relu"].call, PUBLIC["gelu"].call) and not isinstance(layer.activation, (ReLU, GELU)):
        return "encoder_layer.activation_relu_or_gelu was not True"
    return "encoder_layer.self_attn.num_heads is odd" if layer.self_attn.num_heads % 2 else ""


class TransformerDecoder(_Stack):
    """num_layers copies of a decoder layer, one after the other, and a norm.

    See: nn.TransformerDecoderLayer, nn.Transformer

    >>> nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8), 2)(ones(5, 3, 4), ones(6, 3, 4)).shape
    torch.Size([5, 3, 4])
    """

    def __init__(self, decoder_layer: Any, num_layers: int, norm: Module | None = None):
        self._build(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """(t, n, d_model), memory (s, n, d_model) -> (t, n, d_model)."""
        causal, x = _is_causal(tgt_mask, tgt_is_causal, self._length(tgt)), tgt
        for layer in self.layers:
            x = layer(x, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, causal, memory_is_causal)
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """An encoder of the source and a decoder of the target that attends to it.

    See: nn.TransformerEncoder, nn.TransformerDecoder, nn.MultiheadAttention

    >>> nn.Transformer(4, 2, 1, 1, 8)(ones(6, 3, 4), ones(5, 3, 4)).shape
    torch.Size([5, 3, 4])
    """

    names = frozenset("encoder decoder d_model nhead batch_first generate_square_subsequent_mask".split())

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        settings: Any = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype)
        self.encoder, self.decoder = custom_encoder, custom_decoder
        if custom_encoder is None:
            layer: Module = TransformerEncoderLayer(*settings)
            norm = LayerNorm(d_model, layer_norm_eps, True, bias, device, dtype)
            self.encoder = TransformerEncoder(layer, num_encoder_layers, norm)
        if custom_decoder is None:
            layer = TransformerDecoderLayer(*settings)
            norm = LayerNorm(d_model, layer_norm_eps, True, bias, device, dtype)
            self.decoder = TransformerDecoder(layer, num_decoder_layers, norm)
        for each in self.parameters():
            if each.ndim > 1:
                init.xavier_uniform_(each)
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """(s, n, d_model), (t, n, d_model) -> (t, n, d_model).

        Raises RuntimeError for batches or widths that differ.
        """
        place = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[place] != tgt.shape[place]:
            raise TensorError("the batch number of src and tgt must be equal")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise TensorError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
        return self.decoder(tgt, memory, *masks, tgt_is_causal, memory_is_causal)

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Any:
        """A mask (sz, sz) to add to scores that hides what comes after: -inf above the diagonal, 0 elsewhere."""
        return _ahead(sz, device, dtype)
