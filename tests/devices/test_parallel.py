"""nn.DataParallel and torch.nn.parallel on two simulated devices: the same results and gradients as on one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import tcalc
from tcalc.engine import autograd, notices
from tcalc.engine.errors import DeviceError, TensorError
from tcalc.engine.nn import parallel

nn = tcalc.nn
two = pytest.mark.usefixtures("two_devices", "same_random_numbers")


def mlp() -> Any:
    """A small model on the first device."""
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to("cuda:0")


MODELS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "mlp": (mlp, (5, 3)),
    "conv": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1)).to("cuda"), (4, 1, 4, 4)),
    "attention": (lambda: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True).to("cuda"), (4, 3, 4)),
    "embedding of one batch row": (mlp, (1, 3)),
    "list": (lambda: nn.Sequential(nn.Linear(3, 3), nn.PReLU(3)).to("cuda"), (6, 3)),
}


@two
@pytest.mark.parametrize("name", MODELS)
def test_same_as_one_device(name: str) -> None:
    """Output, gradients of parameters and of the input, computed over two devices and on one."""
    make, shape = MODELS[name]
    model = make()
    results = []
    for run in (model, nn.DataParallel(model)):
        tcalc.manual_seed(7)
        x = tcalc.randn(*shape).to("cuda:0").requires_grad_()
        y = run(x)
        y.pow(2).sum().backward()
        results.append([t.cpu() for t in (y.detach(), x.grad, *(p.grad for p in model.parameters()))])
        assert {str(p.grad.device) for p in model.parameters()} == {"cuda:0"}
        model.zero_grad()
    for one, several in zip(*results, strict=True):
        assert one.allclose(several, atol=1e-6)


@two
def test_both_devices_work() -> None:
    """The copies run on both, each on its part of the batch."""
    seen: list[str] = []

    class Look(nn.Module):  # type: ignore[misc,name-defined]  # from a lazy namespace
        def forward(self, x: Any) -> Any:
            seen.append(f"{x.device} {tuple(x.shape)} {tcalc.ones(1, device='cuda').device}")
            return x

    nn.DataParallel(Look())(tcalc.ones(5, 2, device="cuda"))
    assert seen == ["cuda:0 (3, 2) cuda:0", "cuda:1 (2, 2) cuda:1"]


@two
def test_trains_like_one_device() -> None:
    """Ten steps of SGD end at the same weights."""
    weights = []
    for wrap in (lambda m: m, nn.DataParallel):
        tcalc.manual_seed(0)
        model = mlp()
        run, opt = wrap(model), tcalc.optim.SGD(model.parameters(), lr=0.1)
        x, target = tcalc.randn(8, 3).to("cuda"), tcalc.randn(8, 2).to("cuda")
        for _ in range(10):
            opt.zero_grad()
            nn.functional.mse_loss(run(x), target).backward()
            opt.step()
        weights.append(tcalc.cat([p.detach().flatten() for p in model.parameters()]).cpu())
    assert weights[0].allclose(weights[1], atol=1e-6)


@two
def test_names_of_the_graph() -> None:
    """The nodes are called what torch's Functions are."""
    model = nn.DataParallel(mlp())
    y = model(tcalc.ones(4, 3, device="cuda", requires_grad=True))
    names, nodes = set(), [y.grad_fn]
    while nodes:
        node = nodes.pop()
        names.add(node.name())
        nodes += [after for after, _ in node.next_functions if after is not None]
    assert y.grad_fn.name() == "GatherBackward"
    assert {"ScatterBackward", "BroadcastBackward"} <= names
    (first,) = autograd.grad(y.pow(2).sum(), [model.module[0].weight], create_graph=True)
    assert first.grad_fn.name() == "ReduceAddCoalescedBackward"


@two
def test_second_derivatives() -> None:
    """A gradient's gradient over two devices and on one."""
    model, found = mlp(), []
    x = tcalc.linspace(-1, 1, 12).view(4, 3).to("cuda").requires_grad_()
    for run in (model, nn.DataParallel(model)):
        (g,) = autograd.grad(run(x).pow(3).sum(), [x], create_graph=True)
        found.append([t.cpu() for t in autograd.grad(g.pow(2).sum(), [x, *model.parameters()], allow_unused=True) if t is not None])
    assert len(found[0]) == len(found[1]) == 5
    for one, several in zip(*found, strict=True):
        assert one.allclose(several, atol=1e-5)


@two
def test_buffers_of_the_first_copy_are_the_module_s() -> None:
    """Running statistics are those of the part on the first device, as in torch."""
    model = nn.BatchNorm1d(2).to("cuda")
    x = tcalc.arange(8.0).view(4, 2).to("cuda")
    nn.DataParallel(model)(x)
    alone = nn.BatchNorm1d(2).to("cuda")
    alone(x[:2])
    assert model.running_mean.cpu().allclose(alone.running_mean.cpu())
    assert model.num_batches_tracked.item() == 1


@two
def test_no_history_without_grad_mode() -> None:
    """Under no_grad nothing is recorded."""
    with tcalc.no_grad():
        assert nn.DataParallel(mlp())(tcalc.ones(4, 3, device="cuda")).grad_fn is None


@two
def test_scatter_and_gather_of_trees() -> None:
    """Tensors are cut, other values go to all; what comes back is joined part by part."""
    dealt = parallel.scatter({"x": tcalc.arange(5.0).to("cuda"), "k": [1, (tcalc.ones(4, 2),)]}, [0, 1])
    assert [each["k"][0] for each in dealt] == [1, 1]
    assert [tuple(each["x"].shape) for each in dealt] == [(3,), (2,)]
    assert [str(each["k"][1][0].device) for each in dealt] == ["cuda:0", "cuda:1"]
    whole = parallel.gather([{"x": each["x"], "n": None} for each in dealt], "cpu")
    assert whole["n"] is None
    assert whole["x"].tolist() == [0, 1, 2, 3, 4]
    assert str(whole["x"].device) == "cpu"
    rows = [tcalc.eye(2).to(place).max(1) for place in ("cuda:0", "cuda:1")]
    joined = parallel.gather(rows, 0)
    assert type(joined) is type(rows[0])
    assert (joined.values.tolist(), joined.indices.tolist()) == ([1, 1, 1, 1], [0, 1, 0, 1])
    with pytest.raises(AssertionError, match="not implemented for CPU"):
        parallel.gather([tcalc.ones(1), tcalc.ones(1)], 0)
    with pytest.raises(ValueError, match="same number of keys"):
        parallel.gather([{"a": 1}, {}], 0)


@two
def test_gathered_numbers_become_a_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    """With torch's remark, and each gradient a number again."""
    monkeypatch.setattr(notices, "collected", None)  # as where no session asks for them
    x = tcalc.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    parts = [p.sum() for p in parallel.scatter(x, [0, 1])]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y = parallel.gather(parts, 0)
    assert "will instead unsqueeze and return a vector" in str(caught[0].message)
    (y * tcalc.tensor([3.0, 4.0], device="cuda")).sum().backward()
    assert x.grad.tolist() == [3, 4]


@two
def test_a_cut_gradient_comes_home() -> None:
    """scatter's gradient is the parts joined, where one part is not used as zeros."""
    x = tcalc.arange(4.0).to("cuda").requires_grad_()
    first, second = parallel.scatter(x, [0, 1])
    (second * 3).sum().backward()
    assert str(second.device) == "cuda:1"
    assert x.grad.tolist() == [0, 0, 3, 3]
    assert first.grad_fn.name() == "ScatterBackward"


@two
def test_replicas() -> None:
    """A module held twice is one in the copy; detached copies send no gradients home."""
    inner = nn.Linear(2, 2)
    twice = nn.Sequential(inner, inner).to("cuda")
    copies = parallel.replicate(twice, [0, 1])
    assert copies[1][0] is copies[1][1]
    assert [str(c[0].weight.device) for c in copies] == ["cuda:0", "cuda:1"]
    sum(c(tcalc.ones(1, 2, device=f"cuda:{i}")).sum().to("cuda:0") for i, c in enumerate(copies)).backward()
    assert inner.weight.grad is not None
    assert parallel.replicate(twice, [0], detach=True)[0][0].weight.grad_fn is None


@two
def test_wrong_places() -> None:
    """The module off its first device, devices that do not exist, no device at all."""
    model = nn.DataParallel(nn.Linear(3, 1))
    with pytest.raises(TensorError, match=r"on device cuda:0 \(device_ids\[0\]\) but found one of them on device: cpu"):
        model(tcalc.ones(2, 3))
    with pytest.raises(DeviceError, match="cuda:7 does not exist"):
        nn.DataParallel(nn.Linear(3, 1), device_ids=[0, 7])
    with pytest.raises(TensorError, match="no available devices were found"):
        nn.DataParallel(nn.Linear(3, 1), device_ids=[])
    with pytest.raises(TypeError, match="must be a module"):
        nn.DataParallel(3)
    with pytest.raises(AssertionError, match="not equal to the number of inputs"):
        parallel.parallel_apply([nn.Identity()], [])


@two
def test_one_device_takes_the_module_along() -> None:
    """With one device the module moves there and runs as it is; results may be wanted elsewhere."""
    model = nn.DataParallel(nn.Linear(3, 1), device_ids=["cuda:1"])
    assert str(model.module.weight.device) == "cuda:1"
    assert model(tcalc.ones(2, 3)).grad_fn.name() == "AddmmBackward0"
    elsewhere = nn.DataParallel(mlp(), output_device=1)
    assert str(elsewhere(tcalc.ones(4, 3)).device) == "cuda:1"
    assert str(parallel.data_parallel(mlp(), tcalc.ones(4, 3), output_device="cpu").device) == "cpu"


def test_without_gpus_it_is_the_module() -> None:
    """As in torch: the module itself, with names that begin with module."""
    model = nn.DataParallel(nn.Linear(2, 1))
    assert list(model.state_dict()) == ["module.weight", "module.bias"]
    assert repr(model) == "DataParallel(\n  (module): Linear(in_features=2, out_features=1, bias=True)\n)"
    x = tcalc.ones(3, 2)
    assert model(x).equal(model.module(x))
    assert model.device_ids == []
    with pytest.raises(TensorError, match="device type could not be determined"):
        parallel.data_parallel(nn.Linear(2, 1), x)


def test_without_gpus_as_torch() -> None:
    """Names, printed form and results of torch's DataParallel on its CPU build."""
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("torch has a GPU here")
    theirs, ours = torch.nn.DataParallel(torch.nn.Linear(2, 1)), nn.DataParallel(nn.Linear(2, 1))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.device_ids == theirs.device_ids


@two
def test_a_model_cut_over_two_devices_trains() -> None:
    """The first half on one device, the second on the other, as the tutorials cut large networks."""
    losses = []
    for places in (("cpu", "cpu"), ("cuda:0", "cuda:1")):
        tcalc.manual_seed(1)
        halves = [nn.Linear(3, 8), nn.Linear(8, 1)]
        for half, place in zip(halves, places, strict=True):
            half.to(place)
        x, target = tcalc.randn(6, 3).to(places[0]), tcalc.randn(6, 1).to(places[1])
        opt = tcalc.optim.Adam([p for half in halves for p in half.parameters()], lr=0.05)
        for _ in range(8):
            opt.zero_grad()
            loss = nn.functional.mse_loss(halves[1](halves[0](x).tanh().to(places[1])), target)
            loss.backward()
            opt.step()
        losses.append(loss.item())
        assert [str(half.weight.grad.device) for half in halves] == [*places]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
