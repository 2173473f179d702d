"""Recurrent layers as modules: RNN, LSTM and GRU, and one step of each as a cell."""

from __future__ import annotations

import math
from typing import Any

from .. import dtypes
from ..errors import TensorError, TensorValueError
from ..notices import notice
from ..registry import TENSOR_OPS as F
from ..tensor import Tensor
from . import init
from .modules import Module, _parameter

LAYERS = 8  # of how many layers a program may name the weights; those of further ones stand in parameters() and state_dict()


# --- one step ---------------------------------------------------------------------------------------------------------


def _plain_step(gates: Any, hidden: Any, weights: Any, act: Any) -> tuple[Any, ...]:
    return (act(F.linear(hidden[0], weights[0], weights[1]) + gates),)


def _tanh_step(gates: Any, hidden: Any, weights: Any) -> tuple[Any, ...]:
    return _plain_step(gates, hidden, weights, F.tanh)


def _relu_step(gates: Any, hidden: Any, weights: Any) -> tuple[Any, ...]:
    return _plain_step(gates, hidden, weights, F.relu)


def _lstm_step(gates: Any, hidden: Any, weights: Any) -> tuple[Any, ...]:
    """The long short-term memory (Hochreiter and Schmidhuber 1997): what comes in, what is forgotten, what is new, what goes out."""
    came, kept, new, shown = F.chunk(F.linear(hidden[0], weights[0], weights[1]) + gates, 4, 1)
    cell = F.sigmoid(kept) * hidden[1] + F.sigmoid(came) * F.tanh(new)
    found = F.sigmoid(shown) * F.tanh(cell)
    return (found if weights[2] is None else F.matmul(found, F.t(weights[2]))), cell


def _gru_step(gates: Any, hidden: Any, weights: Any) -> tuple[Any, ...]:
    """The gated recurrent unit (Cho et al. 2014): a reset, an update and a new state."""
    ours = F.chunk(F.linear(hidden[0], weights[0], weights[1]), 3, 1)
    theirs = F.chunk(gates, 3, 1)
    reset, update = F.sigmoid(ours[0] + theirs[0]), F.sigmoid(ours[1] + theirs[1])
    new = F.tanh(theirs[2] + ours[2] * reset)
    return ((hidden[0] - new) * update + new,)


STEPS = {"tanh": _tanh_step, "relu": _relu_step, "LSTM": _lstm_step, "GRU": _gru_step}
GATES = {"LSTM": 4, "GRU": 3}


def _known(nonlinearity: str) -> str:
    """tanh or relu.

    Raises ValueError with torch's sentence.
    """
    if nonlinearity not in ("tanh", "relu"):
        raise TensorValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
    return nonlinearity


# --- cells ------------------------------------------------------------------------------------------------------------


class _Cell(Module):
    """Weights and biases of one step, uniform in +-1/sqrt(hidden_size)."""

    names = frozenset("input_size hidden_size bias weight_ih weight_hh bias_ih bias_hh".split())
    kind = ""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: dtypes.dtype | None = None):
        rows = GATES.get(self.kind, 1) * hidden_size
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self.weight_ih = _parameter(rows, input_size, dtype=dtype, device=device)
        self.weight_hh = _parameter(rows, hidden_size, dtype=dtype, device=device)
        self.bias_ih = _parameter(rows, dtype=dtype, device=device) if bias else None
        self.bias_hh = _parameter(rows, dtype=dtype, device=device) if bias else None
        bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0
        for each in self.parameters():
            init.uniform_(each, -bound, bound)

    def step(self, input: Tensor, hidden: tuple[Tensor, ...] | None) -> tuple[Any, ...]:
        """The next state, or states, with a dim for the batch put in and taken out where the input has none.

        Raises ValueError and RuntimeError with torch's sentences for sizes that do not fit.
        """
        name = type(self).__name__
        if input.ndim not in (1, 2):
            raise TensorValueError(f"{name}: Expected input to be 1D or 2D, got {input.ndim}D instead")
        for i, state in enumerate(hidden or ()):
            if state.ndim not in (1, 2):
                word = f"hx[{i}]" if self.kind == "LSTM" else "hidden"
                raise TensorValueError(f"{name}: Expected {word} to be 1D or 2D, got {state.ndim}D instead")
        batched = input.ndim == 2
        rows: Any = input if batched else F.unsqueeze(input, 0)
        if hidden is None:
            zeros = F.zeros((rows.shape[0], self.hidden_size), dtype=rows.dtype, device=rows.device)
            hidden = (zeros, zeros) if self.kind == "LSTM" else (zeros,)
        elif not batched:
            hidden = tuple([F.unsqueeze(state, 0) for state in hidden])
        self._check(rows, hidden)
        gates = F.linear(rows, self.weight_ih, self.bias_ih)
        found = STEPS[self.kind](gates, hidden, (self.weight_hh, self.bias_hh, None))
        return found if batched else tuple([F.squeeze_dim(state, 0) for state in found])

    def _check(self, rows: Any, hidden: Any) -> None:
        if rows.shape[1] != self.input_size:
            raise TensorError(f"input has inconsistent input_size: got {rows.shape[1]} expected {self.input_size}")
        for i, state in enumerate(hidden):
            if state.shape[0] != rows.shape[0]:
                raise TensorError(f"Input batch size {rows.shape[0]} doesn't match hidden{i} batch size {state.shape[0]}")
            if state.shape[1] != self.hidden_size:
                raise TensorError(f"hidden{i} has inconsistent hidden_size: got {state.shape[1]}, expected {self.hidden_size}")

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ", bias=False" * (not self.bias)


class RNNCell(_Cell):
    """One step of a plain recurrent layer: tanh(x @ weight_ih.T + bias_ih + h @ weight_hh.T + bias_hh), or relu.

    See: nn.RNN, nn.LSTMCell, nn.GRUCell

    >>> nn.RNNCell(3, 4)(ones(2, 3)).shape
    torch.Size([2, 4])
    """

    names = _Cell.names | {"nonlinearity"}

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self.kind = self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        """(n, input_size), (n, hidden_size) -> (n, hidden_size)."""
        if self.kind not in STEPS:
            raise TensorError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self.step(input, None if hx is None else (hx,))[0]

    def extra_repr(self) -> str:
        return super().extra_repr() + (f", nonlinearity={self.nonlinearity}" if self.nonlinearity != "tanh" else "")


class LSTMCell(_Cell):
    """One step of a long short-term memory: the next (hidden state, cell state).

    See: nn.LSTM, nn.GRUCell, nn.RNNCell

    >>> h, c = nn.LSTMCell(3, 4)(ones(2, 3))
    >>> h.shape, c.shape
    (torch.Size([2, 4]), torch.Size([2, 4]))
    """

    kind = "LSTM"

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> Any:
        """(n, input_size), two states (n, hidden_size) -> the next two."""
        return self.step(input, None if hx is None else tuple(hx))


class GRUCell(_Cell):
    """One step of a gated recurrent unit.

    See: nn.GRU, nn.LSTMCell, nn.RNNCell

    >>> nn.GRUCell(3, 4)(ones(2, 3)).shape
    torch.Size([2, 4])
    """

    kind = "GRU"

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        """(n, input_size), (n, hidden_size) -> (n, hidden_size)."""
        return self.step(input, None if hx is None else (hx,))[0]


# --- layers -----------------------------------------------------------------------------------------------------------


class _Recurrent(Module):
    """Layers of steps along a sequence, there and, when bidirectional, back; weights uniform in +-1/sqrt(hidden_size)."""

    names = frozenset("input_size hidden_size num_layers bias batch_first dropout bidirectional proj_size mode".split()) | {
        f"{stem}_l{layer}{way}"
        for stem in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        for layer in range(LAYERS)
        for way in ("", "_reverse")
    }
    kind = ""
    mode = ""
    proj_size = 0

    def _build(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        device: Any,
        dtype: dtypes.dtype | None,
    ) -> None:
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise TensorValueError("dropout should be a number in range [0, 1] representing the probability of an element being zeroed")
        if dropout > 0 and num_layers == 1:
            notice(
                "idle-dropout",
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, but got"
                f" dropout={dropout} and num_layers={num_layers}",
            )
        for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            if value <= 0:
                raise TensorValueError(f"{name} must be greater than zero")
        if self.proj_size < 0:
            raise TensorValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= hidden_size:
            raise TensorValueError("proj_size has to be smaller than hidden_size")
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, float(dropout), bidirectional
        rows, shown = GATES.get(self.kind, 1) * hidden_size, self.proj_size or hidden_size
        for layer, way in self._ways():
            seen = input_size if layer == 0 else shown * (1 + bidirectional)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, seen), "weight_hh": (rows, shown)}
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
            shapes |= {"weight_hr": (self.proj_size, hidden_size)} if self.proj_size else {}
            for stem, shape in shapes.items():
                vars(self)[f"{stem}_l{layer}{way}"] = _parameter(*shape, dtype=dtype, device=device)
        bound = 1 / math.sqrt(hidden_size)
        for each in self.parameters():
            init.uniform_(each, -bound, bound)

    def _ways(self) -> list[tuple[int, str]]:
        """(layer, suffix of its weights' names) of each run along the sequence."""
        return [(layer, way) for layer in range(self.num_layers) for way in ("", "_reverse")[: 1 + self.bidirectional]]

    def _weights(self, layer: int, way: str) -> list[Any]:
        return [vars(self).get(f"{stem}_l{layer}{way}") for stem in ("weight_ih", "bias_ih", "weight_hh", "bias_hh", "weight_hr")]

    def _run(self, input: Any, states: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """(output, last states) of a sequence (t, n, width)."""
        ends: list[tuple[Any, ...]] = []
        runs: list[Any] = []
        for i, (layer, way) in enumerate(self._ways()):
            w_ih, b_ih, *weights = self._weights(layer, way)
            steps = F.unbind(F.linear(input, w_ih, b_ih), 0)
            hidden = tuple([F.select(state, 0, i) for state in states])
            shown = []
            for gates in steps[::-1] if way else steps:
                hidden = STEPS[self.kind](gates, hidden, weights)
                shown.append(hidden[0])
            runs.append(F.stack(shown[::-1] if way else shown, 0))
            ends.append(hidden)
            if len(runs) > self.bidirectional:
                input = F.cat(runs, -1) if self.bidirectional else runs[0]
                runs = []
                if self.dropout and self.training and layer < self.num_layers - 1:
                    input = F.dropout(input, self.dropout)
        return input, tuple([F.stack(each, 0) for each in zip(*ends, strict=True)])

    def _zeros(self, input: Any, widths: tuple[int, ...]) -> tuple[Any, ...]:
        count = self.num_layers * (1 + self.bidirectional)
        batch = input.shape[0 if self.batch_first else 1]
        return tuple([F.zeros((count, batch, width), dtype=input.dtype, device=input.device) for width in widths])

    def _check(self, input: Any, states: tuple[Any, ...]) -> None:
        """Refuse sizes and dtypes that do not fit, with torch's sentences."""
        held = next(self.parameters()).dtype
        if input.dtype is not held:
            raise TensorValueError(
                f"RNN input dtype ({input.dtype!r}) does not match weight dtype ({held!r}). Convert input: input.to({held!r}), or convert model:"
                f" model.to({input.dtype!r})"
            )
        if input.shape[-1] != self.input_size:
            raise TensorError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}")
        widths = (self.proj_size or self.hidden_size, self.hidden_size)
        for i, state in enumerate(states):
            wanted = (self.num_layers * (1 + self.bidirectional), input.shape[0 if self.batch_first else 1], widths[i])
            if tuple(state.shape) != wanted:
                raise TensorError(f"Expected hidden{f'[{i}]' if self.kind == 'LSTM' else ''} size {wanted}, got {list(state.shape)}")
        if not input.shape[1 if self.batch_first else 0]:
            raise TensorError("Expected sequence length to be larger than 0 in RNN")

    def _forward(self, input: Any, states: tuple[Any, ...] | None, widths: tuple[int, ...]) -> tuple[Any, tuple[Any, ...]]:
        """The run with dims for the batch put in and taken out, and the batch first where it is so."""
        name = "LSTM" if self.kind == "LSTM" else "GRU" if self.kind == "GRU" else "RNN"
        if input.ndim not in (2, 3):
            raise TensorValueError(f"{name}: Expected input to be 2D or 3D, got {input.ndim}D{' tensor' * (name == 'RNN')} instead")
        batched, place = input.ndim == 3, 0 if self.batch_first else 1
        if states is not None and any(state.ndim != input.ndim for state in states):
            kind = f"For {'batched 3-D' if batched else 'unbatched 2-D'} input,"
            if len(widths) == 2:
                have = ", ".join(f"{state.ndim}-D" for state in states)
                raise TensorError(f"{kind} hx and cx should also be {input.ndim}-D but got ({have}) tensors")
            raise TensorError(f"{kind} hx should also be {input.ndim}-D but got {states[0].ndim}-D tensor")
        if not batched:
            input = F.unsqueeze(input, place)
            states = None if states is None else tuple([F.unsqueeze(state, 1) for state in states])
        given = self._zeros(input, widths) if states is None else states
        self._check(input, given)
        found, ends = self._run(F.transpose(input, 0, 1) if self.batch_first else input, given)
        if self.batch_first:
            found = F.transpose(found, 0, 1)
        return (found, ends) if batched else (F.squeeze_dim(found, place), tuple([F.squeeze_dim(end, 1) for end in ends]))

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        for name, usual in (
            ("proj_size", 0),
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0),
            ("bidirectional", False),
        ):
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        return text


class RNN(_Recurrent):
    """A plain recurrent layer, or several: h = tanh(x @ weight_ih.T + bias_ih + h @ weight_hh.T + bias_hh) along the sequence (Elman 1990).

    Gives (output, last hidden states): (t, n, hidden_size * ways), (num_layers * ways, n, hidden_size).

    See: nn.LSTM, nn.GRU, nn.RNNCell

    >>> output, h = nn.RNN(3, 4)(ones(5, 2, 3))
    >>> output.shape, h.shape
    (torch.Size([5, 2, 4]), torch.Size([1, 2, 4]))
    """

    names = _Recurrent.names | {"nonlinearity"}

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self.kind = self.nonlinearity = _known(nonlinearity)
        self.mode = f"RNN_{nonlinearity.upper()}"
        self._build(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        """(t, n, input_size) -> (t, n, hidden_size * ways), (num_layers * ways, n, hidden_size)."""
        found, ends = self._forward(input, None if hx is None else (hx,), (self.hidden_size,))
        return found, ends[0]


class GRU(_Recurrent):
    """Gated recurrent units along a sequence, in one layer or several (Cho et al. 2014).

    Gives (output, last hidden states): (t, n, hidden_size * ways), (num_layers * ways, n, hidden_size).

    See: nn.LSTM, nn.RNN, nn.GRUCell

    >>> output, h = nn.GRU(3, 4, batch_first=True)(ones(2, 5, 3))
    >>> output.shape, h.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    kind = mode = "GRU"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self._build(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        """(t, n, input_size) -> (t, n, hidden_size * ways), (num_layers * ways, n, hidden_size)."""
        found, ends = self._forward(input, None if hx is None else (hx,), (self.hidden_size,))
        return found, ends[0]


class LSTM(_Recurrent):
    """Long short-term memories along a sequence, in one layer or several (Hochreiter and Schmidhuber 1997); proj_size narrows what they show.

    Gives (output, (last hidden states, last cell states)): (t, n, hidden_size * ways), both (num_layers * ways, n, hidden_size).

    See: nn.GRU, nn.RNN, nn.LSTMCell

    >>> output, (h, c) = nn.LSTM(3, 4)(ones(5, 2, 3))
    >>> output.shape, h.shape, c.shape
    (torch.Size([5, 2, 4]), torch.Size([1, 2, 4]), torch.Size([1, 2, 4]))
    """

    kind = mode = "LSTM"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ):
        self.proj_size = proj_size
        self._build(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> Any:
        """(t, n, input_size) -> (t, n, hidden_size * ways), two states (num_layers * ways, n, hidden_size)."""
        widths = (self.proj_size or self.hidden_size, self.hidden_size)
        return self._forward(input, None if hx is None else tuple(hx), widths)
