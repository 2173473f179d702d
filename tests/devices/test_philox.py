"""Random numbers of GPUs: Philox's published answers, torch's layout of them, and every random op on simulated devices."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tcalc
from tcalc.engine import backend, cudarandom, philox
from tcalc.engine.errors import TensorError, TensorTypeError
from tcalc.engine.registry import OPS

# (counter, key, answer): the lines "philox4x32 10" of kat_vectors in the Random123 library of Salmon et al.
KNOWN = (
    ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), 0x299F31D0A4093822, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
)
# What torch prints on GPUs after manual_seed(0), as published in tests and posts: rand(12), a second rand(10), randn(16)
FIRST = [0.3990, 0.5167, 0.0249, 0.9401, 0.9459, 0.7967, 0.4150, 0.8203, 0.2290, 0.9096, 0.1183, 0.0752]
SECOND = [0.9722, 0.7910, 0.4690, 0.3300, 0.3345, 0.3783, 0.7640, 0.6405, 0.1103, 0.3594]
NORMAL = [
    *(-0.9247, -0.4253, -2.6438, 0.1452, -0.1209, -0.5797, -0.6229, -0.3284),
    *(-1.0745, -0.3631, -1.6711, 2.2655, 0.3117, -0.1842, 1.2866, 1.1820),
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("two_devices", "same_random_numbers")


@pytest.fixture(params=["numpy", "stand-in"])
def xp(request: pytest.FixtureRequest) -> Any:
    """The array modules that can be had without a GPU."""
    return np if request.param == "numpy" else backend.xp_of(backend.device("cuda", 0))


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(xp: Any, counter: tuple[int, ...], key: int, answer: tuple[int, ...]) -> None:
    """The three published blocks."""
    words: Any = tuple(xp.full((1,), word, np.uint64) for word in counter)
    assert tuple(int(word.item()) for word in philox.philox4x32(words, key)) == answer


def block(seed: int, offset: int, thread: int) -> tuple[int, ...]:
    """The four words of one counter, one by one in Python's integers."""
    counter = [offset // 4 & 0xFFFFFFFF, offset // 4 >> 32, thread & 0xFFFFFFFF, thread >> 32]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [b >> 32 ^ counter[1] ^ key[0], b & 0xFFFFFFFF, a >> 32 ^ counter[3] ^ key[1], a & 0xFFFFFFFF]
        key = [key[0] + 0x9E3779B9 & 0xFFFFFFFF, key[1] + 0xBB67AE85 & 0xFFFFFFFF]
    return tuple(counter)


@pytest.mark.parametrize("n", [1, 255, 256, 257, 1000, 5000])
@pytest.mark.parametrize("offset", [0, 12, 2**34 + 8])
@pytest.mark.parametrize("per_call", [4, 2])
def test_layout_of_a_grid_stride_loop(xp: Any, n: int, offset: int, per_call: int) -> None:
    """Element by element as torch's kernel writes: thread t takes t, t + T, ..., `per_call` of one counter, then the next counter."""
    threads, seed = philox.threads_for(n, 3, 256), 0x123456789ABCDEF
    convert = philox.words32 if per_call == 4 else philox.words64
    found = backend.to_host(philox.spread(xp, seed, offset, n, threads, convert, per_call)).tolist()
    expected = {}
    for thread in range(threads):
        at, step = thread, 0
        while at < n:
            words = block(seed, offset + 4 * step, thread)
            values = words if per_call == 4 else (words[0] << 32 | words[1], words[2] << 32 | words[3])
            for lane, value in enumerate(values):
                expected[at + lane * threads] = value
            at, step = at + threads * per_call, step + 1
    assert found == [expected[i] for i in range(n)]


def test_threads_and_offsets() -> None:
    """What CUDAGeneratorImpl is told, for an H100 of 132 multiprocessors: one block for 256 elements, at most 8 for each of them."""
    assert philox.threads_for(1, 132, 2048) == 256
    assert philox.threads_for(257, 132, 2048) == 512
    assert philox.threads_for(10**9, 132, 2048) == 132 * 2048
    for n in (1, 270336, 270337, 4 * 270336, 4 * 270336 + 1, 10**8):
        threads = philox.threads_for(n, 132, 2048)
        assert philox.offset_for(n, threads, 4) == ((n - 1) // (threads * 4) + 1) * 4


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long draws are worked out in parts."""
    whole = philox.spread(np, 5, 8, 9000, 512, philox.uniform32, 4)
    monkeypatch.setattr(philox, "_CHUNK", 1024)
    assert np.array_equal(philox.spread(np, 5, 8, 9000, 512, philox.uniform32, 4), whole)


def rounded(t: Any) -> list[float]:
    """The values to four places."""
    return [round(value, 4) for value in t.tolist()]


def test_torch_s_numbers() -> None:
    """The numbers that torch prints on GPUs, of which small tensors get the same everywhere."""
    tcalc.manual_seed(0)
    assert rounded(tcalc.rand(12, device="cuda")) == FIRST
    assert rounded(tcalc.rand(10, device="cuda")) == SECOND
    tcalc.manual_seed(0)
    assert rounded(tcalc.randn(16, device="cuda")) == NORMAL


# --- every random op ----------------------------------------------------------------------------------------------------

ones: Callable[..., Any] = lambda *size, **kind: tcalc.ones(*size, device="cuda", **kind)  # noqa: E731 - a name for the table below
CALLS: dict[str, Callable[[], Any]] = {
    "rand": lambda: tcalc.rand(40, device="cuda"),
    "rand double": lambda: tcalc.rand(40, device="cuda", dtype=tcalc.float64),
    "rand half": lambda: tcalc.rand(40, device="cuda", dtype=tcalc.float16),
    "rand complex": lambda: tcalc.rand(40, device="cuda", dtype=tcalc.complex64),
    "randn": lambda: tcalc.randn(40, device="cuda"),
    "randn double": lambda: tcalc.randn(40, device="cuda", dtype=tcalc.float64),
    "randn complex": lambda: tcalc.randn(40, device="cuda", dtype=tcalc.complex64),
    "randint": lambda: tcalc.randint(10, (40,), device="cuda"),
    "randint_from": lambda: tcalc.randint(5, 2**40, (40,), device="cuda"),
    "randperm": lambda: tcalc.randperm(40, device="cuda"),
    "rand_like": lambda: tcalc.rand_like(ones(40)),
    "randn_like": lambda: tcalc.randn_like(ones(40)),
    "randint_like": lambda: tcalc.randint_like(ones(40), 10),
    "randint_like_from": lambda: tcalc.randint_like(ones(40), 5, 10),
    "normal": lambda: tcalc.normal(1.0, 2.0, (40,), device="cuda"),
    "bernoulli": lambda: tcalc.bernoulli(ones(40) * 0.5),
    "uniform_": lambda: ones(40).uniform_(2, 3),
    "fill_normal": lambda: ones(40).normal_(2, 3),
    "random_": lambda: ones(40).random_(),
    "random_to": lambda: ones(40, dtype=tcalc.int64).random_(7),
    "random_from": lambda: ones(40).random_(250, None),
    "fill_bernoulli": lambda: ones(40).bernoulli_(0.3),
    "fill_bernoulli_tensor": lambda: ones(40).bernoulli_(ones(40) * 0.5),
    "exponential_": lambda: ones(40).exponential_(2.0),
    "geometric_": lambda: ones(40).geometric_(0.4),
    "cauchy_": lambda: ones(40).cauchy_(),
    "log_normal_": lambda: ones(40).log_normal_(),
    "dropout": lambda: tcalc.nn.functional.dropout(ones(40)),
    "alpha_dropout": lambda: tcalc.nn.functional.alpha_dropout(ones(40), 0.5, True),
    "rrelu": lambda: tcalc.nn.functional.rrelu(-ones(40), training=True),
    "multinomial": lambda: tcalc.multinomial(ones(40), 10),
    "multinomial again": lambda: tcalc.multinomial(ones(2, 40), 50, True),
    "poisson": lambda: tcalc.poisson(ones(40) * 5),
    "binomial": lambda: tcalc.binomial(ones(40) * 9, ones(40) * 0.5),
    "normal_tensors": lambda: tcalc.normal(ones(40), ones(40)),
    "normal_mean": lambda: tcalc.normal(ones(40), 2.0),
    "normal_std": lambda: tcalc.normal(0.0, ones(40)),
}
WAITS = {"multinomial", "multinomial again", "poisson", "binomial", "normal_tensors", "normal_std"}  # they look at weights, as torch does


def test_every_random_op_is_here() -> None:
    """An op with a generator among its parameters is in the table above."""
    random = {name for name, op in OPS.items() if any(p.name == "generator" for p in op.signature.params)} | {
        "rand_like",
        "randn_like",
        "dropout",
        "rrelu",
    }
    assert not random - {call.partition(" ")[0].strip("_") for call in CALLS}


@pytest.mark.parametrize("name", CALLS)
def test_reproducible_on_its_device_and_without_waiting(name: str) -> None:
    """The same seed gives the same numbers and another another; the host does not wait for the device."""
    from tcalc.engine.simulated.devices import STATE

    call = CALLS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of poisson and binomial, which tell that they use the host
        tcalc.manual_seed(3)
        STATE.syncs.clear()
        first = call()
        assert bool(STATE.syncs) == (name in WAITS)
        second = call()
        tcalc.manual_seed(3)
        again = call()
    assert str(first.device) == "cuda:0"
    assert first.cpu().equal(again.cpu())
    assert not first.cpu().equal(second.cpu())


def test_the_last_device_s_numbers_are_its_own() -> None:
    """Each device has a generator; manual_seed starts all of them, those too that were not used yet."""
    tcalc.manual_seed(4)
    a = tcalc.rand(5, device="cuda:0").cpu()
    b = tcalc.rand(5, device="cuda:1").cpu()
    c = tcalc.rand(5, device="cuda:0").cpu()
    assert a.equal(b)
    assert not a.equal(c)
    with tcalc.cuda.device(1):
        tcalc.cuda.manual_seed(9)
    assert not tcalc.rand(5, device="cuda:1").cpu().equal(tcalc.rand(5, device="cuda:0").cpu())


def test_filled_in_memory_order() -> None:
    """A transposed result holds the same memory as one that is not; normal numbers do not depend on the strides either."""
    for like in (tcalc.rand_like, tcalc.randn_like):
        tcalc.manual_seed(1)
        plain = like(ones(3, 20))
        tcalc.manual_seed(1)
        turned = like(ones(3, 20).t())
        assert turned.stride() == (1, 20)
        assert turned.t().cpu().equal(plain.cpu())


def moments(name: str, n: int = 40_000) -> tuple[float, float]:
    """Mean and variance of one sampler's numbers."""
    tcalc.manual_seed(12)
    source = cudarandom.Source(tcalc.cuda.default_generators[0], backend.device("cuda", 0))
    draw: dict[str, Callable[[], Any]] = {
        "uniform": lambda: cudarandom.uniform(source, n, tcalc.float32, 2.0, 5.0),
        "uniform64": lambda: cudarandom.uniform(source, n, tcalc.float64, -1.0, 1.0),
        "normal": lambda: cudarandom.normal(source, n, tcalc.float32, 1.0, 2.0),
        "normal64": lambda: cudarandom.normal(source, n, tcalc.float64),
        "randint": lambda: cudarandom.randint(source, n, -5, 6, tcalc.int64),
        "randint64": lambda: cudarandom.randint(source, n, 0, 2**40, tcalc.float64),
        "bernoulli": lambda: cudarandom.bernoulli(source, n, tcalc.float32, 0.3),
        "exponential": lambda: cudarandom.exponential(source, n, tcalc.float32, 2.0),
        "geometric": lambda: cudarandom.geometric(source, n, tcalc.float32, 0.25),
        "log_normal": lambda: cudarandom.log_normal(source, n, tcalc.float64, 0.0, 0.5),
    }
    values = backend.to_host(draw[name]()).astype(np.float64)
    return float(values.mean()), float(values.var())


DISTRIBUTIONS = {
    "uniform": (3.5, 9 / 12),
    "uniform64": (0.0, 4 / 12),
    "normal": (1.0, 4.0),
    "normal64": (0.0, 1.0),
    "randint": (0.0, 10.0),
    "randint64": (2**39, 2**80 / 12),
    "bernoulli": (0.3, 0.21),
    "exponential": (0.5, 0.25),
    "geometric": (4.0, 12.0),
    "log_normal": (math.exp(0.125), (math.exp(0.25) - 1) * math.exp(0.25)),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_means_and_variances(name: str) -> None:
    """Within five standard errors of the distribution's own mean, and its variance within 6 %."""
    mean, variance = moments(name)
    expected, spread = DISTRIBUTIONS[name]
    assert abs(mean - expected) < 5 * math.sqrt(spread / 40_000)
    assert variance == pytest.approx(spread, rel=0.06)


def test_uniform_leaves_its_upper_bound_out() -> None:
    """The numbers are in (0, 1] first; one that is the upper bound becomes the lower one."""
    source = cudarandom.Source(tcalc.cuda.default_generators[0], backend.device("cuda", 0))
    top = backend.xp_of(source.where).ones(4, np.float32)
    source_type = type(source)
    drawn = source_type.draw
    try:
        source_type.draw = lambda self, n, convert, per_call: top  # type: ignore[method-assign]
        assert cudarandom.uniform(source, 4, tcalc.float32).get().tolist() == [0.0] * 4
        assert cudarandom.uniform(source, 4, tcalc.float16, 2.0, 3.0).get().tolist() == [2.0] * 4
        assert cudarandom.bernoulli(source, 4, tcalc.float32, 1.0).get().tolist() == [1.0] * 4
        assert (cudarandom.exponential(source, 4, tcalc.float32).get() > 0).all()
    finally:
        source_type.draw = drawn  # type: ignore[method-assign]


def test_integers_from_a_bound_upwards() -> None:
    """`random_` without an upper bound: up to the largest the dtype counts to, or all of 64 bits."""
    source = cudarandom.Source(tcalc.cuda.default_generators[0], backend.device("cuda", 0))
    low = cudarandom.random_(source, 100, tcalc.uint8, 250).get()
    assert (low.min(), low.max(), low.dtype.name) == (250, 255, "uint8")
    whole = cudarandom.random_(source, 100, tcalc.int64, -(2**63)).get()
    assert whole.min() < 0 < whole.max()
    with pytest.raises(TensorError, match="random_full_64_bits_range_kernel_cuda handles only"):
        cudarandom.random_(source, 3, tcalc.int32, -(2**63))
    assert set(cudarandom.random_(source, 100, tcalc.bool).get().tolist()) == {False, True}


def test_randperm_sorts_torch_s_keys() -> None:
    """The order of the low bits of 64-bit draws modulo 2**32 - 1, as many bits as torch sorts."""
    n, seed = 100, 77
    generator = tcalc.Generator(device="cuda").manual_seed(seed)
    found = tcalc.randperm(n, device="cuda", generator=generator).tolist()
    bits = math.ceil(math.log2(n - (6 * n * n + 1) / (12 * math.log(0.9))))
    keys = []
    for thread in range(n):
        words = block(seed, 0, thread)
        keys.append((words[0] << 32 | words[1]) % (2**32 - 1) % 2**bits)
    assert len(set(keys)) == n  # no two are equal with this seed: torch's own rule for those is left out
    assert found == sorted(range(n), key=keys.__getitem__)
    assert generator.get_offset() == 4 + n


def test_multinomial_refuses_what_torch_refuses() -> None:
    """Weights that make no distribution, in torch's words."""
    for weights, message in (([-1.0, 1.0], "either `inf`, `nan` or element < 0"), ([0.0, 0.0], "sum of probabilities <= 0")):
        with pytest.raises(TensorError, match=message):
            tcalc.multinomial(tcalc.tensor(weights, device="cuda"), 1)
    drawn = tcalc.multinomial(tcalc.tensor([0.0, 1.0, 0.0], device="cuda"), 20, True)
    assert drawn.tolist() == [1] * 20


# --- generators ---------------------------------------------------------------------------------------------------------


def test_a_generator_of_another_kind_of_device_is_refused() -> None:
    """torch's sentence, both ways round."""
    here, there = tcalc.Generator(), tcalc.Generator(device="cuda")
    with pytest.raises(TensorError, match=r"^Expected a 'cuda' device type for generator but found 'cpu'$"):
        tcalc.rand(2, device="cuda", generator=here)
    for call in (lambda: tcalc.rand(2, generator=there), lambda: tcalc.zeros(2).normal_(generator=there)):
        with pytest.raises(TensorError, match=r"^Expected a 'cpu' device type for generator but found 'cuda'$"):
            call()


def test_state_is_seed_and_offset() -> None:
    """16 bytes on cpu; a state, or a seed alone, goes back in."""
    g = tcalc.Generator(device="cuda")
    assert (str(g.device), g.initial_seed(), g.get_offset()) == ("cuda:0", 67280421310721, 0)
    g.manual_seed(258)
    tcalc.rand(300, device="cuda", generator=g)
    assert (g.get_offset(), g.get_state().tolist()) == (4, [2, 1, *[0] * 6, 4, *[0] * 7])
    state, twin = g.get_state(), g.clone_state()
    a = tcalc.randn(5, device="cuda", generator=g).cpu()
    assert tcalc.randn(5, device="cuda", generator=g.set_state(state)).cpu().equal(a)
    assert tcalc.randn(5, device="cuda", generator=twin).cpu().equal(a)
    assert g.set_state(state[:8]).get_offset() == 0
    g.set_offset(12)
    assert g.get_offset() == 12
    for wrong, error in (
        (tcalc.zeros(15, dtype=tcalc.uint8), "RNG state is wrong size"),
        (tcalc.zeros(16), "RNG state must be a torch.ByteTensor"),
    ):
        with pytest.raises((TensorError, TensorTypeError), match=error):
            g.set_state(wrong)
    with pytest.raises(TensorError, match="offset must be a multiple of 4"):
        g.set_offset(3)


def test_states_of_the_default_generators() -> None:
    """torch.cuda's functions for them."""
    cuda = tcalc.cuda
    cuda.manual_seed_all(5)
    states = cuda.get_rng_state_all()
    a = [tcalc.rand(3, device=f"cuda:{i}").cpu() for i in (0, 1)]
    cuda.set_rng_state_all(states)
    assert tcalc.rand(3, device="cuda:1").cpu().equal(a[1])
    cuda.set_rng_state(states[0], "cuda:0")
    assert tcalc.rand(3, device="cuda:0").cpu().equal(a[0])
    cuda.manual_seed(8)
    assert cuda.initial_seed() == 8
    cuda.seed_all()
    assert cuda.default_generators[0].initial_seed() == cuda.default_generators[1].initial_seed() != 8
    cuda.seed()
    assert cuda.default_generators[0].initial_seed() != cuda.default_generators[1].initial_seed()


def test_hints_draw_nothing_from_the_gpus() -> None:
    """Commands that are run again to try a hint out leave the GPUs' generators where they stood."""
    from tcalc.session.session import Session

    tcalc.cuda.manual_seed_all(5)
    session, before = Session(observe=True), tcalc.cuda.default_generators[0].get_offset()
    for command in (
        "x = rand(3, device='cuda').requires_grad_()",
        "y = x.exp() if x.sum().item() > 0 else x",
        "y.add_(1)",
        "y.sum().backward()",
    ):
        (record,) = session.run(command)
    assert record.error is not None
    assert record.error.hints
    assert tcalc.cuda.default_generators[0].get_offset() == before + 4  # of the first command


def test_kept_and_put_back() -> None:
    """What `kept_gpus` saw comes back."""
    from tcalc.engine.generator import kept_gpus, put_back_gpus

    tcalc.cuda.manual_seed_all(6)
    kept = kept_gpus()
    first = tcalc.rand(3, device="cuda").cpu()
    tcalc.manual_seed(99)
    put_back_gpus(kept)
    assert tcalc.rand(3, device="cuda").cpu().equal(first)


def test_in_the_language() -> None:
    """A program sees one kind of generator."""
    from tcalc.session.session import Session

    shown = Session().run(
        "g = Generator(device='cuda'); print(type(g), g.device, g.manual_seed(3).initial_seed(), g.get_offset(), isinstance(g, Generator))"
    )
    assert shown[-1].error is None, shown[-1].error
    assert shown[-1].output == "<class 'torch._C.Generator'> cuda:0 3 0 True\n"


def test_no_generator_on_meta() -> None:
    """torch's sentence."""
    with pytest.raises(TensorError, match="META device type not an accelerator"):
        tcalc.Generator(device="meta")
