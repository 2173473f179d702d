"""Networks train on simulated devices as on the CPU, without the host ever waiting; also cut over two devices."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

import tcalc
from tcalc.engine.namespace import manual_seed
from tcalc.engine.simulated import STATE

pytestmark = pytest.mark.usefixtures("two_devices")
nn, optim, F = tcalc.nn, tcalc.optim, tcalc.nn.functional

MODELS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "mlp": (lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 4)), (5, 8)),
    "conv": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(4, 4)
        ),
        (5, 1, 8, 8),
    ),
}  # fmt: skip
OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3, nesterov=True), "Adam": lambda p: optim.Adam(p, lr=0.01),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01, amsgrad=True), "RMSprop": lambda p: optim.RMSprop(p, momentum=0.1), "Adagrad": lambda p: optim.Adagrad(p),
}  # fmt: skip


def step(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
    """One step of training, with clipped gradients."""
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("network", MODELS)
def test_a_step_never_waits(network: str, optimizer: str) -> None:
    """No host sync in twenty steps; losses and weights are those of the CPU, up to rounding."""
    make, shape = MODELS[network]
    manual_seed(0)
    model, x, y = make(), tcalc.randn(*shape), tcalc.tensor([0, 1, 2, 3, 0])
    moved = copy.deepcopy(model).to("cuda:1")
    results = []
    for net, inputs, labels in ((model, x, y), (moved, x.to("cuda:1"), y.to("cuda:1"))):
        opt = OPTIMIZERS[optimizer](net.parameters())
        STATE.syncs.clear()
        losses = [step(net, opt, inputs, labels) for _ in range(20)]
        assert not STATE.syncs
        results.append([loss.item() for loss in losses])
        assert {str(p.grad.device) for p in net.parameters()} == {str(inputs.device)}
    assert results[0] == pytest.approx(results[1], rel=1e-4, abs=1e-5)
    assert results[0][-1] < results[0][0]
    for a, b in zip(model.parameters(), moved.parameters(), strict=True):
        assert tcalc.allclose(a, b.cpu(), 1e-3, 1e-4)


def test_waiting_would_be_seen() -> None:
    """A look at the loss counts."""
    model, x = nn.Linear(2, 1).cuda(), tcalc.ones(1, 2, device="cuda")
    STATE.syncs.clear()
    model(x).sum().item()
    assert sum(STATE.syncs.values()) == 1


def test_a_model_cut_over_two_devices() -> None:
    """Its first half on cuda:0, its second on cuda:1: the gradients, and the losses of training, are those of one device."""
    manual_seed(0)
    first, second = nn.Linear(4, 8), nn.Linear(8, 2)
    x, y = tcalc.randn(6, 4), tcalc.randn(6, 2)
    losses: list[list[float]] = []
    for places in (("cpu", "cpu"), ("cuda:0", "cuda:1")):
        a, b = copy.deepcopy(first).to(places[0]), copy.deepcopy(second).to(places[1])
        optimizer = optim.SGD([*a.parameters(), *b.parameters()], lr=0.1)
        losses.append([])
        for _ in range(5):
            optimizer.zero_grad()
            out = b(F.relu(a(x.to(places[0]))).to(places[1]))
            loss = F.mse_loss(out, y.to(places[1]))
            loss.backward()
            optimizer.step()
            losses[-1].append(loss.item())
        assert [str(p.grad.device) for p in (a.weight, b.weight)] == list(places)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0][-1] < losses[0][0]


def test_modules_move() -> None:
    """to, cuda and cpu take parameters, gradients and buffers along; optimisers go on with them."""
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    model(tcalc.ones(4, 2)).sum().backward()
    weight = model[0].weight
    assert model.cuda(1) is model
    assert model[0].weight is weight
    assert {str(t.device) for t in [*model.parameters(), *model.buffers(), weight.grad]} == {"cuda:1"}
    optimizer.step()
    assert model[1].num_batches_tracked.dtype == tcalc.int64
    model.to("cuda:0", tcalc.float64)
    assert (weight.dtype, str(weight.device), str(model[1].num_batches_tracked.dtype)) == (tcalc.float64, "cuda:0", "torch.int64")
    assert {str(t.device) for t in model.cpu().state_dict().values()} == {"cpu"}
    assert model.half()[0].weight.dtype == tcalc.float16
    model.load_state_dict({name: value.cuda() for name, value in model.state_dict().items()})
    with pytest.raises(
        TypeError, match=r"^nn\.Module\.to only accepts floating point or complex dtypes, but got desired dtype=torch.int64"
    ):
        model.to(tcalc.int64)
    assert str(model.to_empty(device="cuda")[0].weight.device) == "cuda:0"


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.LSTM(3, 4, 2, bidirectional=True), (5, 2, 3)), (lambda: nn.GRU(3, 4), (5, 2, 3)), (lambda: nn.RNN(3, 4), (5, 2, 3)),
        (lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0), (3, 2, 8)), (lambda: nn.GroupNorm(2, 4), (2, 4, 3)), (lambda: nn.InstanceNorm1d(4), (2, 4, 3)),
        (lambda: nn.ConvTranspose2d(1, 2, 3), (1, 1, 4, 4)), (lambda: nn.AdaptiveMaxPool2d(2), (1, 1, 5, 5)), (lambda: nn.Upsample(scale_factor=2), (1, 1, 3, 3)),
        (lambda: nn.PReLU(), (4,)), (lambda: nn.Softmax(0), (4,)), (lambda: nn.LPPool1d(2, 2), (1, 1, 4)),
    ],
)  # fmt: skip
def test_layers(make: Any, shape: tuple[int, ...]) -> None:
    """Results and gradients of layers as on the CPU."""
    manual_seed(0)
    layer, x = make(), tcalc.randn(*shape)
    results = []
    for where in ("cpu", "cuda:1"):
        net, given = copy.deepcopy(layer).to(where), x.clone().to(where).requires_grad_()
        out = net(given)
        out = out[0] if isinstance(out, tuple) else out
        out.pow(2).sum().backward()
        assert str(out.device) == where
        results.append([out, given.grad, *(p.grad for p in net.parameters())])
    for a, b in zip(*results, strict=True):
        assert tcalc.allclose(a, b.cpu(), 1e-4, 1e-5)
