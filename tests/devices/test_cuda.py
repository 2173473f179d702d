"""cuda in the engine: devices, moves between them, what mixes and what does not, errors that come later, memory, events. On simulated devices."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import tcalc
from tcalc.engine import backend
from tcalc.engine.errors import DeviceError
from tcalc.engine.simulated import STATE

pytestmark = pytest.mark.usefixtures("two_devices")
cuda = tcalc.cuda
MIXED = "Expected all tensors to be on the same device, but found at least two devices, {} and {}!"


def test_the_devices_that_there_are() -> None:
    """Number, names, properties; the current one is the first."""
    assert (cuda.is_available(), cuda.device_count(), cuda.current_device(), cuda.is_initialized()) == (True, 2, 0, True)
    assert cuda.get_device_name() == cuda.get_device_name(1) == "simulated"
    assert cuda.get_device_capability() == (0, 0)
    found = cuda.get_device_properties("cuda:1")
    assert repr(found).startswith("_CudaDeviceProperties(name='simulated', major=0, minor=0, total_memory=")
    assert cuda.mem_get_info()[1] == found.total_memory
    with pytest.raises(DeviceError, match=r"^cuda:2 does not exist: this machine has 2 cuda device\(s\)$"):
        tcalc.ones(1, device="cuda:2")
    with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
        cuda.set_device("cpu")


def test_what_cuda_without_a_number_means() -> None:
    """The current device, which set_device and `with cuda.device` change, for each thread and context by itself."""
    assert str(tcalc.ones(1, device="cuda").device) == "cuda:0"
    with cuda.device(1):
        assert str(tcalc.ones(1).cuda().device) == "cuda:1"
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(cuda.current_device()))
        thread.start()
        thread.join()
        assert found == [0]
    assert cuda.current_device() == 0
    cuda.set_device(1)
    assert cuda.current_device() == 1
    with cuda.device(-1):
        assert cuda.current_device() == 1
    cuda.set_device(0)


@pytest.mark.parametrize(
    "make",
    [
        lambda d: tcalc.ones(2, device=d), lambda d: tcalc.zeros(2, device=d), lambda d: tcalc.empty(2, device=d), lambda d: tcalc.full((2,), 1, device=d),
        lambda d: tcalc.arange(3, device=d), lambda d: tcalc.linspace(0, 1, 3, device=d), lambda d: tcalc.logspace(0, 1, 3, device=d), lambda d: tcalc.eye(2, device=d),
        lambda d: tcalc.tensor([1, 2], device=d), lambda d: tcalc.as_tensor([1, 2], device=d), lambda d: tcalc.scalar_tensor(1, device=d),
        lambda d: tcalc.rand(2, device=d), lambda d: tcalc.randn(2, device=d), lambda d: tcalc.randint(3, (2,), device=d), lambda d: tcalc.randperm(3, device=d),
        lambda d: tcalc.ones_like(tcalc.ones(2), device=d), lambda d: tcalc.ones(1).new_zeros(2, device=d), lambda d: tcalc.ones(1).new_tensor([1], device=d),
        lambda d: tcalc.tril_indices(2, 2, device=d), lambda d: tcalc.hann_window(3, device=d), lambda d: tcalc.empty_strided((2,), (1,), device=d),
        lambda d: tcalc.nn.Linear(2, 2, device=d).weight, lambda d: tcalc.complex(tcalc.ones(1, device=d), tcalc.ones(1, device=d)),
    ],
)  # fmt: skip
def test_creation(make: Any) -> None:
    """device= on every creation op, and the default device where it is left out."""
    for where in ("cuda:1", tcalc.device("cuda", 1), 1):
        assert str(make(where).device) == "cuda:1"
    with tcalc.device("cuda:1"):
        assert str(make(None).device) == "cuda:1"
    assert str(tcalc.get_default_device()) == "cpu"


def test_default_device() -> None:
    """set_default_device, and lists as indices and numbers as values all the same."""
    tcalc.set_default_device("cuda:1")
    try:
        x = tcalc.arange(4.0)
        assert str(x.device) == "cuda:1"
        x[[0, 2]] = 5
        x[tcalc.tensor([1], device="cpu")] = 7
        assert x.tolist() == [5, 7, 5, 3]
        y = tcalc.ones(3, device="cpu")
        y[[0]] = 2.0
        assert y[[0, 1]].tolist() == [2, 1]
    finally:
        tcalc.set_default_device("cpu")


def test_moves() -> None:
    """.to in all its forms, .cuda, .cpu: the tensor itself when nothing changes, else a copy that is one on the graph."""
    x = tcalc.ones(2, 3, requires_grad=True)
    moved = [
        x.cuda(1), x.cuda("cuda:1"), x.cuda(device=tcalc.device("cuda:1")), x.to("cuda:1"), x.to(1), x.to(device="cuda:1"), x.to("cuda:1", tcalc.float32),
        x.to("cuda:1", non_blocking=True), x.to("cuda:1", None, True), x.to(tcalc.zeros(1, device="cuda:1")), x.to(tensor=tcalc.zeros(1, device="cuda:1")),
        x.to("cuda:1", copy=True), x.to("cuda:1", memory_format=tcalc.contiguous_format),
    ]  # fmt: skip
    for y in moved:
        assert (str(y.device), y.grad_fn.name(), y.dtype) == ("cuda:1", "ToCopyBackward0", tcalc.float32)
    y = moved[0]
    assert y.cuda(1) is y
    assert y.to("cuda:1") is y
    assert y.to(y) is y
    assert y.to("cuda:1", copy=True) is not y
    assert y.cpu().device == tcalc.device("cpu")
    assert x.cpu() is x
    both = x.to("cuda", tcalc.float64)
    assert (both.dtype, str(both.device)) == (tcalc.float64, "cuda:0")
    assert x.T.cuda().stride() == (1, 3)
    assert (y.is_cuda, y.is_cpu, y.get_device(), x.get_device(), y.type()) == (True, False, 1, -1, "torch.cuda.FloatTensor")
    with pytest.raises(TypeError, match=r"^to\(\) received an invalid combination of arguments - got \(str, str\)"):
        x.to("cuda", "cuda")
    with pytest.raises(TypeError, match=r"^cuda\(\): argument 'device' \(position 1\) must be torch.device, not float$"):
        x.cuda(1.5)


def test_gradients_stay_on_their_device() -> None:
    """And cross `.to` back; leaves on two devices, a 0-dim leaf of the CPU among them."""
    x = tcalc.ones(3, device="cuda:0", requires_grad=True)
    w = tcalc.full((3,), 2.0, device="cuda:1", requires_grad=True)
    s = tcalc.tensor(3.0, requires_grad=True)
    ((x * x).to("cuda:1") * w * s).cpu().sum().backward()
    assert (str(x.grad.device), x.grad.tolist()) == ("cuda:0", [12, 12, 12])
    assert (str(w.grad.device), w.grad.tolist()) == ("cuda:1", [3, 3, 3])
    assert (str(s.grad.device), s.grad.item()) == ("cpu", 6)
    (x * s).sum().backward(create_graph=True)
    assert x.grad.tolist() == [15, 15, 15]


def test_second_gradients_over_devices() -> None:
    """create_graph, with a factor on the CPU."""
    x = tcalc.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    s = tcalc.tensor(3.0, requires_grad=True)
    (first,) = tcalc.autograd.grad((x**3).to("cuda:1").sum() * s, x, create_graph=True)
    second = tcalc.autograd.grad(first.sum(), [x, s])
    assert [g.tolist() for g in second] == [[18, 36], 15]


def test_what_does_not_mix() -> None:
    """Tensors of two devices: torch names the GPU first."""
    here, there, other = tcalc.ones(2), tcalc.ones(2, device="cuda"), tcalc.ones(2, device="cuda:1")
    for call, first, second in (
        (lambda: here + there, "cuda:0", "cpu"), (lambda: there + here, "cuda:0", "cpu"), (lambda: there * other, "cuda:0", "cuda:1"),
        (lambda: there.add_(here), "cuda:0", "cpu"), (lambda: tcalc.dot(other, here), "cuda:1", "cpu"), (lambda: tcalc.stack([there, other]), "cuda:0", "cuda:1"),
        (lambda: tcalc.where(there > 0, there, here), "cuda:0", "cpu"), (lambda: tcalc.nn.functional.mse_loss(there, here), "cuda:0", "cpu"),
    ):  # fmt: skip
        with pytest.raises(RuntimeError) as caught:
            call()
        assert str(caught.value) == MIXED.format(first, second)
    with pytest.raises(RuntimeError, match=r"^indices should be either on cpu or on the same device as the indexed tensor \(cpu\)$"):
        here[tcalc.tensor([0], device="cuda")]
    with pytest.raises(
        TypeError, match=r"^can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu\(\) to copy the tensor to host memory first.$"
    ):
        there.numpy()
    assert there.numpy(force=True).tolist() == [1, 1]
    with pytest.raises(RuntimeError, match=r"^attempting to assign a gradient with device type 'cpu' to a tensor with device type 'cuda'"):
        there.requires_grad_().grad = here


def test_what_mixes() -> None:
    """0-dim tensors of the CPU, and index tensors of the CPU."""
    x, two = tcalc.arange(6.0, device="cuda").view(2, 3), tcalc.tensor(2.0)
    assert (x * two).tolist() == (two * x).tolist() == [[0, 2, 4], [6, 8, 10]]
    assert tcalc.where(x > two, x, two).tolist() == [[2, 2, 2], [3, 4, 5]]
    assert x[:, tcalc.tensor([2, 0])].tolist() == [[2, 0], [5, 3]]
    assert x[tcalc.tensor([True, False])].tolist() == [[0, 1, 2]]
    assert x[tcalc.tensor(1)].tolist() == [3, 4, 5]
    x[tcalc.tensor([0])] = two
    x[1, 1] = tcalc.tensor(9.0)
    assert x.tolist() == [[2, 2, 2], [3, 9, 5]]
    assert str((two.int() + tcalc.ones(2, dtype=tcalc.int64, device="cuda")).dtype) == "torch.int64"


def test_printing() -> None:
    """The device stands behind the values."""
    assert repr(tcalc.ones(2, device="cuda:1")) == "tensor([1., 1.], device='cuda:1')"
    assert repr(tcalc.ones(2, dtype=tcalc.int32, device="cuda")) == "tensor([1, 1], device='cuda:0', dtype=torch.int32)"
    assert repr(tcalc.ones(2, device="cuda", requires_grad=True) * 1) == "tensor([1., 1.], device='cuda:0', grad_fn=<MulBackward0>)"
    assert f"{tcalc.tensor(0.25, device='cuda'):.3f}" == "0.250"


@pytest.mark.parametrize(
    ("fail", "error", "sentence"),
    [
        (lambda x, i: x[i], IndexError, "index 7 is out of bounds for dimension 0 with size 3"),
        (lambda x, i: x.gather(0, i), RuntimeError, "index 7 is out of bounds for dimension 0 with size 3"),
        (lambda x, i: x.index_select(0, i), IndexError, "index out of range in self"),
        (lambda x, i: x.take(i), IndexError, "out of range: tried to access index 7 on a tensor of 3 elements."),
        (lambda x, i: x.index_put((i,), x[:1]), IndexError, "index 7 is out of bounds for dimension 0 with size 3"),
        (lambda x, i: tcalc.nn.functional.embedding(i, x.view(3, 1)), IndexError, "index out of range in self"),
        (lambda x, i: tcalc.nn.functional.nll_loss(x.view(1, 3), i), IndexError, "Target 7 is out of bounds."),
        (lambda x, i: i // 0, RuntimeError, "ZeroDivisionError"),
    ],
)
def test_what_hangs_on_values_fails_later(fail: Any, error: type[Exception], sentence: str) -> None:
    """As CUDA's assertions do: when the host next waits, be it for another tensor, and only once."""
    x, i = tcalc.arange(3.0, device="cuda"), tcalc.tensor([7], device="cuda")
    STATE.syncs.clear()
    fail(x, i)
    assert not STATE.syncs
    with pytest.raises(error) as caught:
        x.tolist()
    assert str(caught.value) == sentence
    assert x.tolist() == [0, 1, 2]
    with pytest.raises(error):
        fail(x.cpu(), i.cpu())
    fail(x, i)
    with pytest.raises(error):
        cuda.synchronize()


def test_failed_decompositions_are_told() -> None:
    """torch's sentences, though CuPy would say nothing."""
    zeros = tcalc.zeros(2, 2, device="cuda")
    with pytest.raises(
        RuntimeError, match="The diagonal element 1 is zero, the inversion could not be completed because the input matrix is singular"
    ):
        tcalc.linalg.inv(zeros)
    with pytest.raises(RuntimeError, match="the leading minor of order 1 is not positive-definite"):
        tcalc.linalg.cholesky(zeros)
    with pytest.raises(RuntimeError, match="The solver failed because the input matrix is singular"):
        tcalc.linalg.solve(zeros, tcalc.ones(2, device="cuda"))


def test_falling_back_is_remarked_once(recwarn: pytest.WarningsRecorder) -> None:
    """An op that CuPy cannot do says that its arrays went to the CPU and back."""
    x = tcalc.ones(3, 2, device="cuda", dtype=tcalc.float64)
    backend.simulate(2)
    for _ in range(2):
        found = tcalc.linalg.lstsq(x, x)
    assert str(found.solution.device) == "cuda:0"
    said = [str(w.message) for w in recwarn if "linalg.lstsq" in str(w.message)]
    assert len(said) <= 1
    assert all("ran on the CPU, and its arrays went there and back: CuPy solves least squares" in text for text in said)


def test_memory() -> None:
    """What tensors take, by device and at most."""
    before = cuda.memory_allocated(1)
    cuda.reset_peak_memory_stats(1)
    x = tcalc.ones(1000, device="cuda:1")
    y = x * 2
    assert cuda.memory_allocated(1) - before == 2 * 4096
    del y
    assert cuda.memory_allocated("cuda:1") - before == 4096
    assert cuda.max_memory_allocated(1) - before >= 2 * 4096
    assert cuda.memory_reserved(1) >= cuda.memory_allocated(1)
    del x
    cuda.empty_cache()
    assert cuda.memory_allocated(1) == before


def test_events_and_streams() -> None:
    """Events measure time; on a stand-in the host's."""
    start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    with cuda.stream(cuda.Stream()):
        start.record()
        tcalc.ones(10, device="cuda") * 2
        end.record()
    end.synchronize()
    assert start.elapsed_time(end) > 0
    assert end.query()
    with pytest.raises(ValueError, match="enable_timing=True"):
        cuda.Event().elapsed_time(end)
    with pytest.raises(RuntimeError, match="must be recorded"):
        cuda.Event(enable_timing=True).elapsed_time(end)
    cuda.current_stream().wait_event(cuda.current_stream().record_event())
    cuda.current_stream().wait_event(cuda.Event())  # one that is not recorded is not waited for
    last = cuda.device_count() - 1
    with cuda.stream(cuda.Stream(last)):
        assert cuda.current_device() == last
        assert tcalc.ones(1, device="cuda").device.index == last
    assert cuda.current_device() == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("cuda:x", "Invalid device string: 'cuda:x'"),
        ("cuda:01", "Invalid device string: 'cuda:01'"),
        ("cuda:-1", "Invalid device string: 'cuda:-1'"),
    ],
)
def test_device_strings(text: str, sentence: str) -> None:
    """torch's sentences."""
    with pytest.raises(RuntimeError) as caught:
        tcalc.device(text)
    assert str(caught.value) == sentence


def test_without_a_device() -> None:
    """One line that says what is missing, what to install, and how to try without."""
    backend.simulate(0)
    if cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert (cuda.device_count(), cuda.memory_allocated(), cuda.max_memory_allocated()) == (0, 0, 0)
    with pytest.raises(DeviceError) as caught:
        tcalc.ones(1).cuda()
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(
        ("cuda needs the package CuPy: pip install 'tcalc[cuda13]'", "cuda needs an NVIDIA driver", "cuda has no usable device")
    )
    assert said.endswith("--simulate-cuda 2 has the CPU stand in for two")
