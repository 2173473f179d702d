"""Recurrent layers, attention, initial values and parameter utilities beside PyTorch: states, masks, refusals, from the same seed."""

from __future__ import annotations

import ast
import warnings
from typing import Any

import numpy as np
import pytest

import tcalc
from tcalc.engine.errors import EngineError
from tcalc.engine.random import default_generator

PROGRAMS = """
nn.LSTM(3, 4, 2)(t.randn(5, 2, 3), (t.randn(2, 2, 4), t.randn(2, 2, 4)))
nn.LSTM(3, 4, proj_size=2, bidirectional=True)(t.randn(5, 3), (t.randn(2, 2), t.randn(2, 4)))
nn.GRU(3, 4, batch_first=True)(t.randn(2, 5, 3), t.randn(1, 2, 4))
nn.RNN(3, 4)(t.randn(5, 3), t.randn(1, 4))
nn.LSTMCell(3, 4)(t.randn(3), (t.randn(4), t.randn(4)))
nn.GRUCell(3, 4)(t.randn(2, 3), t.randn(2, 4))
nn.RNN(3, 4)(t.randn(3))
nn.GRU(3, 4)(t.randn(3))
nn.LSTM(3, 4)(t.randn(3))
nn.RNN(3, 4)(t.randn(5, 2, 2))
nn.RNN(3, 4)(t.randn(5, 2, 3), t.randn(1, 3, 4))
nn.RNN(3, 4)(t.randn(5, 2, 3), t.randn(1, 4))
nn.RNN(3, 4)(t.randn(5, 3), t.randn(1, 1, 4))
nn.LSTM(3, 4)(t.randn(5, 2, 3), (t.randn(1, 2, 4), t.randn(1, 2, 3)))
nn.LSTM(3, 4)(t.randn(5, 2, 3), (t.randn(2, 4), t.randn(2, 4)))
nn.LSTM(3, 4)(t.randn(5, 2, 3).double())
nn.RNN(3, 4)(t.randn(0, 2, 3))
nn.RNN(3, 4, nonlinearity='sigmoid')
nn.RNN(3, 4, dropout=2)
nn.RNN(3, 0)
nn.RNN(3, 4, 0)
nn.LSTM(3, 4, proj_size=4)
nn.RNNCell(3, 4)(t.randn(2, 2, 3))
nn.RNNCell(3, 4)(t.randn(2, 2))
nn.RNNCell(3, 4)(t.randn(2, 3), t.randn(3, 4))
nn.GRUCell(3, 4)(t.randn(2, 3), t.randn(2, 3))
nn.LSTMCell(3, 4)(t.randn(2, 3), (t.randn(2, 4), t.randn(1, 2, 4)))
x = t.randn(3, 2, 4); nn.MultiheadAttention(4, 2)(x, x, x, need_weights=False)[0]
x = t.randn(3, 2, 4); nn.MultiheadAttention(4, 2)(x, x, x, average_attn_weights=False)
x = t.randn(3, 2, 4); nn.MultiheadAttention(4, 2)(t.randn(5, 2, 4), x, x, key_padding_mask=t.tensor([[False, False, True], [False, True, True]]))
x = t.randn(3, 2, 4); nn.MultiheadAttention(4, 2, kdim=3, vdim=5)(x, t.randn(6, 2, 3), t.randn(6, 2, 5), attn_mask=t.randn(3, 6))
x = t.randn(3, 4); nn.MultiheadAttention(4, 2)(x, x, x, attn_mask=t.ones(3, 3).triu(1).bool(), is_causal=True, need_weights=False)[0]
x = t.randn(3, 2, 4); nn.MultiheadAttention(4, 2)(x, x, x, is_causal=True)
x = t.randn(3, 2, 4); nn.MultiheadAttention(4, 2)(x, x, x, attn_mask=t.ones(2, 3).bool())
x = t.randn(3, 2, 4); nn.MultiheadAttention(4, 2)(x, x, x, attn_mask=t.ones(3, 3, dtype=t.int64))
x = t.randn(3, 2, 4); nn.MultiheadAttention(4, 2)(x, x[0], x)
x = t.randn(3, 2, 5); nn.MultiheadAttention(4, 2)(x, x, x)
x = t.randn(1, 3, 2, 4); nn.MultiheadAttention(4, 2)(x, x, x)
nn.MultiheadAttention(4, 3)
nn.MultiheadAttention(0, 3)
nn.Transformer.generate_square_subsequent_mask(3)
nn.TransformerEncoderLayer(4, 2, activation='tanh')
nn.Transformer(4, 2, 1, 1, 8)(t.randn(3, 2, 4), t.randn(3, 1, 4))
nn.Transformer(4, 2, 1, 1, 8)(t.randn(3, 2, 5), t.randn(3, 2, 4))
m = nn.Transformer(4, 2, 1, 1, 8, dropout=0.); m(t.randn(3, 2, 4), t.randn(5, 2, 4), tgt_mask=m.generate_square_subsequent_mask(5))
m = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2, nn.LayerNorm(4)).eval().requires_grad_(False); m(t.randn(2, 3, 4), src_key_padding_mask=hidden)
m = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2).eval(); m(t.randn(2, 3, 4), src_key_padding_mask=hidden)
m = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, norm_first=True), 2).eval().requires_grad_(False); m(t.randn(2, 3, 4), src_key_padding_mask=hidden)
list(nn.Transformer(4, 2, 1, 1, 8).state_dict())
list(nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2).state_dict())
list(nn.MultiheadAttention(4, 2, add_bias_kv=True, kdim=3).state_dict())
nn.ConvTranspose2d(2, 3, 3, stride=2)(t.randn(1, 2, 3, 3), output_size=(8, 7))
nn.ConvTranspose2d(2, 3, 3, stride=2)(t.randn(1, 2, 3, 3), output_size=(9, 7))
nn.ConvTranspose2d(2, 3, 3, stride=2)(t.randn(1, 2, 3, 3), output_size=(1, 3, 2, 9, 7))
nn.Embedding.from_pretrained(t.tensor([[1., 2.], [3., 4.]]))(t.tensor([1]))
nn.Embedding(3, 2, padding_idx=3)
nn.MaxUnpool2d(2, 2)(t.ones(1, 1, 2, 2), t.tensor([[[[0, 3], [8, 11]]]]), output_size=(5, 5))
nn.FractionalMaxPool2d(2)
nn.FractionalMaxPool2d(2, output_size=2, output_ratio=0.5)
nn.FractionalMaxPool2d(2, output_ratio=(0.5, 2))
nn.MultiMarginLoss(p=3)
nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().sum(1))(t.randn(3, 2), t.randn(3, 2), t.randn(3, 2))
nn.LinearCrossEntropyLoss(3, 4, bias=True)(t.randn(2, 3), t.tensor([1, 3]))
nn.ParameterDict({'a': t.ones(2), 'b': t.ones(2, 3)})
nn.ParameterList([t.ones(2), t.ones(2, 3)])
nn.InstanceNorm1d(3, affine=True)(t.randn(2, 4, 5))
nn.BatchNorm3d(2)(t.randn(2, 2))
nn.Softmax2d()(t.randn(2))
nn.init.trunc_normal_(t.empty(3, 4))
nn.init.trunc_normal_(t.empty(3, 4), 0., 1., 1.5, 3.)
nn.init.kaiming_normal_(t.empty(3, 4, 2), mode='fan_out', nonlinearity='relu')
nn.init.orthogonal_(t.empty(3, 5), gain=2.)
nn.init.orthogonal_(t.empty(4, 2, 3))
nn.init.orthogonal_(t.empty(3))
nn.init.sparse_(t.empty(6, 3), 0.4)
nn.init.sparse_(t.empty(6), 0.4)
nn.init.eye_(t.empty(2, 3))
nn.init.eye_(t.empty(2))
nn.init.dirac_(t.empty(4, 2, 3, 3), 2)
nn.init.dirac_(t.empty(3, 2, 3), 2)
nn.init.dirac_(t.empty(3, 2))
nn.init.constant_(t.empty(2), 0.3)
nn.init.calculate_gain('leaky_relu', 0.2)
nn.init.calculate_gain('leaky_relu', True)
nn.init.calculate_gain('swish')
nn.init.kaiming_uniform_(t.empty(2, 3), mode='fan')
w = t.ones(2, 3, requires_grad=True); (w * t.randn(2, 3)).sum().backward(); nn.utils.clip_grad_norm_([w], 0.5), w.grad
w = t.ones(2, 3, requires_grad=True); (w * t.randn(2, 3)).sum().backward(); nn.utils.clip_grad_norm_(w, 0.5, float('inf')), w.grad
w = t.ones(2, 3, requires_grad=True); (w * t.randn(2, 3)).sum().backward(); nn.utils.clip_grad_value_(w, 0.5); w.grad
w = t.ones(2, requires_grad=True); (w / 0).sum().backward(); nn.utils.clip_grad_norm_([w], 0.5, error_if_nonfinite=True)
nn.utils.clip_grad_norm_([], 1.)
w = [t.ones(2, 1), t.zeros(3)]; nn.utils.parameters_to_vector(w)
w = [t.ones(2, 1), t.zeros(3)]; nn.utils.vector_to_parameters(t.randn(5), w); tuple(w)
"""


@pytest.fixture(autouse=True)
def _same_stream_after() -> Any:
    state = default_generator.get_state()
    yield
    default_generator.set_state(state)


def outcome(lib: Any, program: str) -> Any:
    """The value of a program's last expression, or the type and text of its error."""
    lib.manual_seed(0)
    names: dict[str, Any] = {"t": lib, "nn": lib.nn, "hidden": lib.tensor([[False, False, True], [False, True, True]])}
    *steps, last = ast.parse(program).body
    assert isinstance(last, ast.Expr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(ast.Module(steps, []), "program", "exec"), names)
            return plain(eval(compile(ast.Expression(last.value), "program", "eval"), names))
        except Exception as error:
            kind = next(k for k in type(error).__mro__ if k.__module__ == "builtins" and not issubclass(EngineError, k))
            return kind.__name__, str(error)


def plain(value: Any) -> Any:
    """Tensors as lists, the rest as it is; modules as they print."""
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    return value if value is None or isinstance(value, (list, str, int, float)) else repr(value)


def same(theirs: Any, mine: Any) -> bool:
    """Whether two outcomes agree: texts exactly, numbers to float32's last bits."""
    if isinstance(theirs, (list, tuple)):
        return type(theirs) is type(mine) and len(theirs) == len(mine) and all(map(same, theirs, mine))
    if isinstance(theirs, float):
        return isinstance(mine, float) and bool(np.isclose(theirs, mine, rtol=3e-5, atol=3e-6, equal_nan=True))
    return bool(theirs == mine)


@pytest.mark.parametrize("program", [line for line in PROGRAMS.splitlines() if line])
def test_as_torch(program: str) -> None:
    """The same value or refusal from the same seed."""
    torch = pytest.importorskip("torch")
    theirs, mine = outcome(torch, program), outcome(tcalc, program)
    assert same(theirs, mine), f"torch {theirs}\ntcalc {mine}"


def test_copies_of_a_layer_start_equal_and_learn_apart() -> None:
    """A stack's layers have the given layer's numbers, in tensors of their own."""
    nn: Any = tcalc.nn
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    first, second = nn.TransformerEncoder(layer, 2).layers
    for name, value in layer.state_dict().items():
        assert first.state_dict()[name].tolist() == value.tolist() == second.state_dict()[name].tolist()
    with tcalc.no_grad():
        first.linear1.weight.zero_()
    assert second.linear1.weight.tolist() == layer.linear1.weight.tolist() != first.linear1.weight.tolist()
