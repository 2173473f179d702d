"""Modules, optimisers and learning-rate schedules beside PyTorch's: numbers from the same seed, printed form, steps, state."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tcalc
from tcalc.engine.random import default_generator

GOLDEN = Path(__file__).with_name("golden") / "nn.json"
ULPS = 64  # steps of the last bit after twenty updates: torch fuses products and sums, which round once

MODULES: dict[str, tuple[str, tuple[int, ...]]] = {
    "Linear(3, 4)": ("randn", (2, 3)),
    "Conv1d(3, 4, 2)": ("randn", (2, 3, 7)),
    "Conv2d(4, 6, 3, padding=1, groups=2)": ("randn", (2, 4, 7, 7)),
    "Conv2d(3, 4, (2, 3), stride=2, bias=False, dilation=2)": ("randn", (2, 3, 7, 7)),
    "Conv2d(3, 4, 3, padding='same')": ("randn", (2, 3, 7, 7)),
    "Conv3d(1, 2, 2)": ("randn", (1, 1, 3, 3, 3)),
    "ConvTranspose1d(3, 4, 2)": ("randn", (2, 3, 7)),
    "ConvTranspose2d(3, 4, 2, stride=2, output_padding=1)": ("randn", (2, 3, 4, 4)),
    "Embedding(5, 3, padding_idx=1)": ("places", (4,)),
    "LayerNorm((4, 5))": ("randn", (2, 4, 5)),
    "LayerNorm(5, bias=False)": ("randn", (2, 5)),
    "RMSNorm(5)": ("randn", (2, 5)),
    "GroupNorm(2, 4)": ("randn", (2, 4, 3)),
    "BatchNorm1d(4)": ("randn", (5, 4)),
    "BatchNorm2d(4, momentum=None)": ("randn", (2, 4, 3, 3)),
    "PReLU()": ("randn", (2, 3)),
    "RReLU()": ("randn", (2, 3)),
    "Dropout(0.3)": ("randn", (4, 5)),
    "Dropout1d(0.3)": ("randn", (2, 4, 5)),
    "Dropout2d(0.3)": ("randn", (2, 4, 5, 2)),
    "AlphaDropout(0.3)": ("randn", (4, 5)),
    "MaxPool1d(2)": ("randn", (2, 3, 7)),
    "MaxPool2d((2, 3), 1)": ("randn", (2, 3, 7, 7)),
    "AvgPool1d(2)": ("randn", (2, 3, 7)),
    "AvgPool2d(2, padding=1, count_include_pad=False)": ("randn", (2, 3, 7, 7)),
    "AdaptiveAvgPool1d(3)": ("randn", (2, 3, 7)),
    "AdaptiveAvgPool2d((2, None))": ("randn", (2, 3, 7, 7)),
    "AdaptiveMaxPool1d(3)": ("randn", (2, 3, 7)),
    "AdaptiveMaxPool2d(2)": ("randn", (2, 3, 7, 7)),
    "AvgPool3d(2, divisor_override=3)": ("randn", (1, 2, 3, 4, 4)),
    "MaxPool3d((1, 2, 2), 1)": ("randn", (1, 2, 3, 4, 4)),
    "LPPool1d(2, 3, ceil_mode=True)": ("randn", (2, 3, 7)),
    "LPPool2d(3, (2, 1), stride=2)": ("rand", (2, 3, 5, 5)),
    "LPPool3d(2, 2)": ("randn", (1, 2, 4, 4, 4)),
    "AdaptiveAvgPool3d((2, None, 1))": ("randn", (1, 2, 3, 4, 4)),
    "AdaptiveMaxPool3d(2)": ("randn", (1, 2, 3, 4, 5)),
    "FractionalMaxPool2d(2, output_size=3)": ("randn", (2, 3, 7, 7)),
    "FractionalMaxPool3d(2, output_ratio=(0.5, 0.6, 0.7))": ("randn", (1, 2, 6, 6, 6)),
    "Unflatten(1, (2, 2))": ("randn", (2, 4)),
    "Unfold(2, padding=1, stride=2)": ("randn", (2, 3, 5, 4)),
    "Fold((4, 5), (2, 3), padding=1)": ("randn", (2, 6, 25)),
    "PixelShuffle(2)": ("randn", (2, 8, 3, 2)),
    "PixelUnshuffle(2)": ("randn", (2, 2, 4, 6)),
    "ChannelShuffle(3)": ("randn", (2, 6, 3)),
    "Upsample(5)": ("randn", (1, 2, 3, 3)),
    "Upsample(scale_factor=(2, 1.5), mode='bicubic')": ("randn", (1, 2, 4, 4)),
    "Upsample(scale_factor=2.3, mode='linear', align_corners=True, recompute_scale_factor=True)": ("randn", (1, 2, 4)),
    "UpsamplingNearest2d(scale_factor=2)": ("randn", (1, 2, 2, 2)),
    "UpsamplingBilinear2d((3, 5))": ("randn", (1, 2, 2, 2)),
    "ConstantPad1d((1, 2), 7.5)": ("randn", (2, 3, 4)),
    "ConstantPad3d(1, 0)": ("randn", (1, 1, 2, 2, 2)),
    **{f"{kind}Pad2d((1, 2, 0, 1))": ("randn", (1, 2, 3, 4)) for kind in ("Zero", "Reflection", "Replication", "Circular")},
    **{f"{kind}Pad1d(2)": ("randn", (1, 2, 4)) for kind in ("Zero", "Reflection", "Replication", "Circular")},
    **{f"{kind}Pad3d(1)": ("randn", (1, 1, 2, 3, 2)) for kind in ("Zero", "Reflection", "Replication", "Circular")},
    "Conv2d(3, 4, 3, padding=1, padding_mode='circular')": ("randn", (2, 3, 5, 5)),
    "Conv1d(3, 4, 4, padding='same', padding_mode='reflect')": ("randn", (2, 3, 7)),
    "ConvTranspose3d(2, 3, 2, stride=2)": ("randn", (1, 2, 2, 3, 2)),
    "Embedding(5, 3, max_norm=1.0, scale_grad_by_freq=True)": ("places", (4,)),
    "EmbeddingBag(5, 3, mode='max', padding_idx=2)": ("bags", (4,)),
    "EmbeddingBag(5, 3, max_norm=1.0, mode='sum')": ("bags", (4,)),
    "BatchNorm3d(2)": ("randn", (2, 2, 3, 2, 2)),
    "InstanceNorm1d(3)": ("randn", (2, 3, 4)),
    "InstanceNorm2d(3, affine=True, track_running_stats=True)": ("randn", (2, 3, 4, 4)),
    "InstanceNorm3d(2, affine=True)": ("randn", (2, 3, 2, 4)),
    "LocalResponseNorm(2)": ("randn", (2, 4, 3, 3)),
    "Softmax2d()": ("randn", (3, 2, 2)),
    "Dropout3d(0.4)": ("randn", (2, 4, 2, 2, 2)),
    "RNNCell(3, 4)": ("randn", (2, 3)),
    "RNNCell(3, 4, bias=False, nonlinearity='relu')": ("randn", (3,)),
    "LSTMCell(3, 4)": ("randn", (2, 3)),
    "GRUCell(3, 4)": ("randn", (2, 3)),
    "RNN(3, 4, num_layers=2, nonlinearity='relu', dropout=0.5)": ("randn", (5, 2, 3)),
    "RNN(3, 4, bias=False, bidirectional=True, batch_first=True)": ("randn", (2, 5, 3)),
    "LSTM(3, 4)": ("randn", (5, 3)),
    "LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True, dropout=0.3)": ("randn", (2, 5, 3)),
    "LSTM(3, 4, proj_size=2)": ("randn", (5, 2, 3)),
    "GRU(3, 4, num_layers=2, bidirectional=True)": ("randn", (5, 2, 3)),
    "MultiheadAttention(4, 2, dropout=0.3)": ("thrice", (5, 2, 4)),
    "MultiheadAttention(4, 2, batch_first=True, add_bias_kv=True, add_zero_attn=True)": ("thrice", (2, 5, 4)),
    "MultiheadAttention(4, 1, bias=False)": ("thrice", (5, 4)),
    "TransformerEncoderLayer(4, 2, 8)": ("randn", (5, 2, 4)),
    "TransformerEncoderLayer(4, 2, 8, activation='gelu', norm_first=True, batch_first=True, bias=False)": ("randn", (2, 5, 4)),
    "TransformerDecoderLayer(4, 2, 8, norm_first=True)": ("twice", (5, 2, 4)),
    "TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2)": ("randn", (2, 5, 4)),
    "Transformer(4, 2, 1, 2, 8)": ("twice", (5, 2, 4)),
    "ReLU(True)": ("randn", (2, 3)),
    "Threshold(0.1, 20)": ("randn", (2, 3)),
    "GLU()": ("randn", (2, 4)),
    "Softmin(1)": ("randn", (2, 4)),
    "Softmax()": ("randn", (2, 4)),
    "LogSoftmax(dim=0)": ("randn", (2, 4)),
    **{
        f"{name}()": ("randn", (2, 3))
        for name in "ELU SELU CELU ReLU6 LeakyReLU Hardtanh Hardsigmoid Hardswish SiLU Mish GELU Softplus Hardshrink Softshrink Tanhshrink Softsign LogSigmoid".split()
    },
    "Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))": ("randn", (2, 1, 6, 6)),
}
LOSSES = {
    "L1Loss()": "a, b",
    "MSELoss()": "a, b",
    "SmoothL1Loss(beta=0.5)": "a, b",
    "HuberLoss(delta=0.5)": "a, b",
    "KLDivLoss(reduction='batchmean')": "a, p",
    "BCELoss()": "p, p",
    "BCEWithLogitsLoss()": "a, p",
    "NLLLoss()": "a, c",
    "CrossEntropyLoss()": "a, c",
    "SoftMarginLoss()": "a, t",
    "HingeEmbeddingLoss()": "a, t",
    "MarginRankingLoss(margin=0.1)": "a, b, t",
    "CosineEmbeddingLoss()": "a, b, t[:, 0]",
    "TripletMarginLoss(swap=True)": "a, b, p",
    "PoissonNLLLoss(full=True)": "a, p",
    "GaussianNLLLoss(full=True)": "a, b, p",
    "MultiLabelSoftMarginLoss()": "a, p",
    "MultiLabelMarginLoss()": "a, l",
    "MultiMarginLoss(p=2)": "a, c",
    "CTCLoss()": "a.log_softmax(1), c[:1], (3,), (1,)",
    "TripletMarginWithDistanceLoss(swap=True)": "a, b, p",
    "CosineSimilarity()": "a, b",
    "PairwiseDistance(p=1.0)": "a, b",
    "Bilinear(4, 4, 2)": "a, b",
}
OPTIMIZERS = [
    "SGD([w], lr=0.1)",
    "SGD([w], lr=0.01, momentum=0.9, weight_decay=0.01)",
    "SGD([w], lr=0.01, momentum=0.9, nesterov=True)",
    "SGD([w], lr=0.01, momentum=0.9, dampening=0.5, maximize=True)",
    "Adam([w])",
    "Adam([w], lr=0.1, weight_decay=0.1, amsgrad=True)",
    "AdamW([w], lr=0.1)",
    "RMSprop([w])",
    "RMSprop([w], momentum=0.9, centered=True, weight_decay=0.1)",
    "Adagrad([w], lr=0.1, lr_decay=0.1, initial_accumulator_value=0.2)",
    "Adadelta([w], weight_decay=0.1)",
    "Adamax([w], lr=0.1, weight_decay=0.1)",
]
SCHEDULES = [
    "StepLR(o, 3)",
    "MultiStepLR(o, [2, 5, 5])",
    "ExponentialLR(o, 0.9)",
    "CosineAnnealingLR(o, 5, eta_min=0.01)",
    "LambdaLR(o, lambda epoch: 0.95**epoch)",
    "ReduceLROnPlateau(o, patience=2, cooldown=1, factor=0.5)",
]
METRICS = [3, 2, 2, 2, 2, 2, 2, 2, 1.9, 1.9, 1.9, 1.9, 1.9, 1.9, 5, 5, 5, 5]


@pytest.fixture(autouse=True)
def _same_stream_after() -> Any:
    state = default_generator.state()
    yield
    default_generator.restore(state)


def listed(value: Any) -> Any:
    """A result, or several, as lists of numbers."""
    return [listed(v) for v in value] if isinstance(value, tuple) else value.tolist()


def leading(value: Any) -> Any:
    """The first tensor of a result."""
    return leading(value[0]) if isinstance(value, tuple) else value


INPUTS: dict[str, Callable[[Any, tuple[int, ...]], tuple[Any, ...]]] = {
    "randn": lambda lib, shape: (lib.randn(*shape),),
    "rand": lambda lib, shape: (lib.rand(*shape),),
    "twice": lambda lib, shape: (lib.randn(*shape), lib.randn(*shape)),
    "thrice": lambda lib, shape: (lib.randn(*shape),) * 3,
    "places": lambda lib, shape: (lib.arange(1, 1 + shape[0]),),
    "bags": lambda lib, shape: (lib.tensor([0, 2, 2, 4]), lib.tensor([0, 3])),
}


def module_facts(lib: Any, text: str) -> dict[str, Any]:
    """A module made after manual_seed(0): printed form, parameters, then two results, the second in eval mode, sums of the first's
    gradients, and what changed of the state."""
    kind, shape = MODULES[text]
    lib.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a transformer says why it does not pack its samples
        module = eval(f"nn.{text}", {"nn": lib.nn})
    start = {name: value.tolist() for name, value in module.state_dict().items()}
    results = []
    for _ in range(2):
        found = module(*INPUTS[kind](lib, shape))
        results.append(listed(found))
        if leading(found).requires_grad and module.training:
            (leading(found) ** 3).sum().backward()
        module.eval()
    grads = {name: None if p.grad is None else [p.grad.abs().sum().item(), p.grad.square().sum().item()] for name, p in module.named_parameters()}
    end = {name: value.tolist() for name, value in module.state_dict().items() if value.tolist() != start[name]}
    return {"shown": repr(module), "start": start, "results": results, "grads": grads, "end": end}


def loss_facts(lib: Any, text: str) -> dict[str, Any]:
    """A loss of fixed numbers, and the gradient of its first input."""
    lib.manual_seed(0)
    names = {"a": lib.randn(3, 4, requires_grad=True), "b": lib.randn(3, 4), "p": lib.rand(3, 4) + 1e-3, "c": lib.tensor([1, 0, 3])}
    names["p"] = (names["p"] / 2).detach().requires_grad_()
    names["l"] = lib.tensor([[1, 3, -1, 0], [0, -1, 1, 1], [-1, 2, 2, 2]])
    names["t"] = lib.tensor([[1.0, -1.0, 1.0, -1.0]] * 3)
    module = eval(f"nn.{text}", {"nn": lib.nn})
    loss = eval(f"m({LOSSES[text]})", names | {"m": module})
    loss.sum().backward()
    return {"shown": repr(module), "loss": loss.tolist(), "grads": [None if names[n].grad is None else names[n].grad.tolist() for n in ("a", "p")]}


def optimizer_facts(lib: Any, text: str) -> dict[str, Any]:
    """Twenty steps down a bowl."""
    lib.manual_seed(0)
    w = lib.randn(3, 4, requires_grad=True)
    optimizer = eval(f"o.{text}", {"o": lib.optim, "w": w})
    for _ in range(20):
        optimizer.zero_grad()
        ((w - 1) ** 2 * lib.arange(12.0).reshape(3, 4)).sum().backward()
        optimizer.step()
    state = optimizer.state_dict()
    return {"shown": repr(optimizer), "w": w.tolist(), "groups": state["param_groups"], "state": [sorted(state["state"].get(0, {}))]}


def schedule_facts(lib: Any, text: str) -> list[Any]:
    """The rates of eighteen epochs."""
    optimizer = lib.optim.SGD([lib.zeros(1, requires_grad=True)], lr=0.3)
    schedule = eval(f"s.{text}", {"s": lib.optim.lr_scheduler, "o": optimizer})
    rates = [schedule.get_last_lr()]
    for metric in METRICS:
        optimizer.step()
        schedule.step(*[metric] * text.startswith("Reduce"))
        rates.append(schedule.get_last_lr())
    return rates


FACTS: dict[str, tuple[Callable[[Any, str], Any], Any]] = {
    "modules": (module_facts, MODULES),
    "losses": (loss_facts, LOSSES),
    "optimizers": (optimizer_facts, OPTIMIZERS),
    "schedules": (schedule_facts, SCHEDULES),
}
EACH = [(kind, text) for kind, (_, texts) in FACTS.items() for text in texts]


def close(theirs: Any, mine: Any, kind: str) -> bool:
    """Whether two facts agree: texts and structure exactly, starting numbers exactly, computed ones to float32's last bits."""
    if isinstance(theirs, dict):
        return theirs.keys() == mine.keys() and all(close(theirs[k], mine[k], "exact" if k == "start" else kind) for k in theirs)
    if isinstance(theirs, list):
        return len(theirs) == len(mine) and all(close(a, b, kind) for a, b in zip(theirs, mine, strict=True))
    if isinstance(theirs, float) and kind in ("modules", "losses"):
        return bool(np.isclose(theirs, mine, rtol=3e-5, atol=3e-6, equal_nan=True))
    if isinstance(theirs, float) and kind == "optimizers":
        return abs(theirs - mine) <= ULPS * float(np.spacing(np.float32(max(abs(theirs), 1.0))))
    return bool(theirs == mine)


def plain(facts: Any) -> Any:
    """Facts as JSON keeps them: tuples as lists."""
    return json.loads(json.dumps(facts))


@pytest.mark.parametrize(("kind", "text"), EACH, ids=[f"{kind}:{text}" for kind, text in EACH])
def test_as_recorded(kind: str, text: str) -> None:
    """As PyTorch did when the golden file was written (python tests/engine/test_nn.py writes it anew)."""
    assert close(json.loads(GOLDEN.read_text())[kind][text], plain(FACTS[kind][0](tcalc, text)), kind)


@pytest.mark.parametrize(("kind", "text"), EACH, ids=[f"{kind}:{text}" for kind, text in EACH])
def test_as_torch(kind: str, text: str) -> None:
    """As the PyTorch that is here."""
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = plain(FACTS[kind][0](torch, text))
    assert close(theirs, plain(FACTS[kind][0](tcalc, text)), kind)


def test_state_goes_from_one_model_to_another() -> None:
    """state_dict and load_state_dict, with PyTorch's sentences for what does not fit."""
    nn: Any = tcalc.nn
    one, other = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    assert repr(other.load_state_dict(one.state_dict())) == "<All keys matched successfully>"
    assert other[0].weight.tolist() == one[0].weight.tolist()
    with pytest.raises(RuntimeError, match=r'Missing key.s. in state_dict: "bias"'):
        nn.Linear(1, 1).load_state_dict({"weight": tcalc.ones(1, 1)})
    with pytest.raises(RuntimeError, match=r"size mismatch for weight: copying a param with shape"):
        nn.Linear(1, 1).load_state_dict({"weight": tcalc.ones(1, 2), "bias": tcalc.ones(1)})


def test_optimizer_state_goes_on_where_it_stopped() -> None:
    """Ten steps, another optimiser with the state of the first, ten more: as twenty."""
    optim: Any = tcalc.optim

    def run(split: int | None) -> list[float]:
        w: Any = tcalc.ones(3).requires_grad_()
        optimizer = optim.Adam([{"params": [w], "lr": 0.1}])
        for i in range(20):
            if i == split:
                again = optim.Adam([w])
                again.load_state_dict(optimizer.state_dict())
                optimizer = again
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
        return w.tolist()  # type: ignore[no-any-return]

    assert run(None) == run(10)


def test_modules_hold_and_change() -> None:
    """Lists, dicts, slices, casts, apply."""
    nn: Any = tcalc.nn
    layers = nn.ModuleList([nn.Linear(1, 1)] * 3 + [nn.ReLU()])
    assert repr(layers) == "ModuleList(\n  (0-2): 3 x Linear(in_features=1, out_features=1, bias=True)\n  (3): ReLU()\n)"
    model = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2), nn.ReLU())
    assert [name for name, _ in model[1:].named_modules()] == ["", "1", "2"]
    model.double()
    assert (model[0].weight.dtype, model[1].running_mean.dtype, model[1].num_batches_tracked.dtype) == (tcalc.float64, tcalc.float64, tcalc.int64)
    seen: list[str] = []
    model.apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "BatchNorm1d", "ReLU", "Sequential"]
    with pytest.raises(IndexError, match="index 3 is out of range"):
        model[3]


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    GOLDEN.write_text(json.dumps({kind: {text: facts(torch, text) for text in texts} for kind, (facts, texts) in FACTS.items()}) + "\n")
