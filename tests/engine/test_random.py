"""Random streams against recorded torch output, hashes of whole kernels and, where torch is installed, torch itself."""

from __future__ import annotations

import hashlib
import json
import math
import random as py_random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tcalc.engine import backend, boxmuller, dtypes, permutation, random, rounding

GOLDEN = Path(__file__).parent / "golden" / "random.json"
SIZES = (1, 3, 15, 16, 17, 33, 700)
FLOATS = ("float32", "float64", "float16", "bfloat16")
ALL = (*FLOATS, "int64", "int32", "int16", "int8", "uint8", "bool")
SINGLE_AND_DOUBLE = ("float32", "float64")


@dataclass
class Call:
    """One sampler: `ours(gen, n, dtype)` gives an array, `torchs(torch, g, n, dtype)` the tensor it must equal.

    `libm` marks float64 results that follow the C library's log, exp or tan, which other platforms round otherwise.
    """

    ours: Callable[..., Any]
    torchs: Callable[..., Any]
    kinds: tuple[str, ...] = FLOATS
    libm: bool = False


def _weights(n: int, kind: str) -> Any:
    values = np.arange(1, n + 1) * 7 % 11 / 11
    return (values + 0.0625).astype(np.float32).astype(backend.numpy_dtype(dtypes.BY_NAME[kind]))


def _tensor(torch: Any, array: Any) -> Any:
    if array.dtype == backend.numpy_dtype(dtypes.bfloat16):
        return torch.from_numpy(array.astype(np.float32)).to(torch.bfloat16)
    return torch.from_numpy(array)


def _filled(method: str, *args: Any) -> Callable[..., Any]:
    def call(torch: Any, g: Any, n: int, kind: str) -> Any:
        return getattr(torch.empty(n, dtype=getattr(torch, kind)), method)(*args, generator=g)

    return call


def _mapped(name: str, *arrays: Callable[[int, str], Any], **more: Any) -> Callable[..., Any]:
    def call(torch: Any, g: Any, n: int, kind: str) -> Any:
        return getattr(torch, name)(*(_tensor(torch, make(n, kind)) for make in arrays), generator=g, **more)

    return call


def _rates(n: int, kind: str) -> Any:
    return _weights(n, kind) * backend.numpy_dtype(dtypes.BY_NAME[kind]).type(25)


def _counts(n: int, kind: str) -> Any:
    return (np.arange(n) % 90).astype(kind)


def _strided_normal(torch: Any, g: Any, n: int, kind: str) -> Any:
    return torch.empty(n, 2, dtype=getattr(torch, kind))[:, 0].normal_(0.3, 0.7, generator=g)


CALLS = {
    "rand": Call(lambda g, n, d: random.uniform(g, n, d), _filled("uniform_")),
    "uniform": Call(lambda g, n, d: random.uniform(g, n, d, 2.5, 7.3), _filled("uniform_", 2.5, 7.3)),
    "uniform symmetric": Call(lambda g, n, d: random.uniform(g, n, d, -0.1, 0.1), _filled("uniform_", -0.1, 0.1)),
    "randn": Call(lambda g, n, d: random.normal(g, n, d), _filled("normal_"), libm=True),
    "normal": Call(lambda g, n, d: random.normal(g, n, d, 0.3, 0.7), _filled("normal_", 0.3, 0.7), libm=True),
    "normal strided": Call(
        lambda g, n, d: random.normal(g, n, d, 0.3, 0.7, contiguous=n == 1), _strided_normal, libm=True
    ),
    "randint": Call(lambda g, n, d: random.randint(g, n, 0, 2, d), _filled("random_", 0, 2), ALL),
    "randint wide": Call(
        lambda g, n, d: random.randint(g, n, -(2**40), 2**60 + 7, d),
        _filled("random_", -(2**40), 2**60 + 7),
        ("int64", "float64", "float32", "bfloat16"),
    ),
    "random_": Call(lambda g, n, d: random.random_(g, n, d), _filled("random_"), ALL),
    "random_ from": Call(lambda g, n, d: random.random_(g, n, d, 1), _filled("random_", 1, None), ALL),
    "random_ 64 bits": Call(
        lambda g, n, d: random.random_(g, n, d, -(2**63)),
        _filled("random_", -(2**63), None),
        ("int64", "float64", "float32", "bfloat16"),
    ),
    "randperm": Call(
        lambda g, n, d: random.randperm(g, n, d),
        lambda torch, g, n, kind: torch.randperm(n, generator=g, dtype=getattr(torch, kind)),
        ("int64", "int32", "float32"),
    ),
    "bernoulli": Call(lambda g, n, d: random.bernoulli(g, n, d, 0.3), _filled("bernoulli_", 0.3), ALL),
    "bernoulli tensor": Call(
        lambda g, n, d: random.bernoulli_tensor(g, _weights(n, d.name), d), _mapped("bernoulli", _weights)
    ),
    "exponential": Call(lambda g, n, d: random.exponential(g, n, d, 1.5), _filled("exponential_", 1.5), libm=True),
    "geometric": Call(
        lambda g, n, d: random.geometric(g, n, d, 0.3), _filled("geometric_", 0.3), (*FLOATS, "int64", "int32")
    ),
    "cauchy": Call(lambda g, n, d: random.cauchy(g, n, d, 1, 2), _filled("cauchy_", 1, 2), libm=True),
    "log_normal": Call(lambda g, n, d: random.log_normal(g, n, d, 0.3, 0.7), _filled("log_normal_", 0.3, 0.7), libm=True),
    "multinomial": Call(
        lambda g, n, d: random.multinomial(g, _weights(n, d.name), min(n, 5)),
        lambda torch, g, n, kind: torch.multinomial(_tensor(torch, _weights(n, kind)), min(n, 5), generator=g),
        SINGLE_AND_DOUBLE,
    ),
    "multinomial with replacement": Call(
        lambda g, n, d: random.multinomial(g, _weights(n, d.name), 20, True),
        _mapped("multinomial", _weights, num_samples=20, replacement=True),
    ),
    "poisson": Call(lambda g, n, d: random.poisson(g, _rates(n, d.name)), _mapped("poisson", _rates)),
    "binomial": Call(
        lambda g, n, d: random.binomial(g, _counts(n, d.name), _weights(n, d.name)),
        _mapped("binomial", _counts, _weights),
        SINGLE_AND_DOUBLE,
    ),
    "standard_gamma": Call(
        lambda g, n, d: random.standard_gamma(g, _weights(n, d.name) * 3),
        _mapped("_standard_gamma", lambda n, kind: _weights(n, kind) * 3),
        SINGLE_AND_DOUBLE,
        libm=True,
    ),
    "rrelu": Call(
        lambda g, n, d: (x := _weights(n, d.name) - 0.5) * random.rrelu(g, x, 0.125, 1 / 3),
        lambda torch, g, n, kind: torch.ops.aten.rrelu_with_noise(
            t := _tensor(torch, _weights(n, kind) - 0.5), torch.empty_like(t), 0.125, 1 / 3, True, g
        ),
        SINGLE_AND_DOUBLE,
    ),
}

JOBS = [(name, kind, n) for name, call in CALLS.items() for kind in call.kinds for n in SIZES]


def job_seed(index: int) -> int:
    """The seed of recorded job number `index`."""
    return index * 1_000_003 % 2**64


def tensor_bytes(torch: Any, tensor: Any) -> bytes:
    """The memory of a tensor in logical order."""
    flat = torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor).reshape(-1)
    return bytes(flat.view(torch.uint8).numpy())


def ours(name: str, gen: random.Generator, n: int, kind: str) -> Any:
    return CALLS[name].ours(gen, n, dtypes.BY_NAME[kind])


def test_recorded_streams() -> None:
    golden = json.loads(GOLDEN.read_text())["jobs"]
    assert len(golden) == len(JOBS)
    gen = random.Generator()
    for index, ((name, kind, n), recorded) in enumerate(zip(JOBS, golden, strict=True)):
        gen.manual_seed(job_seed(index))
        ours(name, gen, 2, "float64") if name == "normal strided" else None  # leaves a cached normal behind
        values = ours(name, gen, n, kind)
        start = np.frombuffer(bytes.fromhex(recorded["start"]), values.dtype)
        if CALLS[name].libm and kind == "float64":
            np.testing.assert_allclose(values[: start.size], start, rtol=1e-14)
            continue
        assert np.array_equal(values[: start.size], start), f"{name} {kind} {n}"
        assert hashlib.sha256(values.tobytes()).hexdigest()[:16] == recorded["values"], f"{name} {kind} {n}"
        if not CALLS[name].libm:
            state = hashlib.sha256(gen.state()).hexdigest()[:16]
            assert state == recorded["state"], f"state after {name} {kind} {n}"


@pytest.mark.filterwarnings("ignore:.*is out of bounds:UserWarning")
def test_live_against_torch() -> None:
    torch = pytest.importorskip("torch")
    pick = py_random.Random(5)
    gen, g = random.Generator(), torch.Generator()
    assert gen.state() == bytes(g.get_state().numpy())
    for step in range(1500):
        name, kind, n = pick.choice(JOBS)
        n = pick.choice((n, n, n, pick.randrange(1, 1300), 40_000 if step % 50 == 0 else n))
        n = min(n, 300) if name in ("poisson", "binomial", "standard_gamma") else n
        truth = CALLS[name].torchs(torch, g, n, kind)
        values = ours(name, gen, n, kind)
        assert values.tobytes() == tensor_bytes(torch, truth), f"{name} {kind} {n} at step {step}"
        if step % 10 == 0:
            assert gen.state() == bytes(g.get_state().numpy()), f"state after {name} {kind} {n} at step {step}"
        if step % 97 == 0:
            seed = pick.choice((0, 1, -1, 2**64 - 1, -(2**63), pick.getrandbits(64)))
            gen.manual_seed(seed)
            g.manual_seed(seed)


def test_live_strided_outputs() -> None:
    torch = pytest.importorskip("torch")
    pick = py_random.Random(6)
    gen, g = random.Generator(), torch.Generator()
    for _ in range(400):
        shape = [pick.choice((1, 2, 3, 5)) for _ in range(pick.randrange(1, 5))]
        t = torch.empty([2 * size for size in shape]).permute(pick.sample(range(len(shape)), len(shape)))
        t = t[tuple(slice(None, None, pick.choice((1, 2))) for _ in shape)]
        out = np.ndarray(t.shape, np.float32, np.empty(8**4 * 4, np.float32), 0, [4 * step for step in t.stride()])
        random.put(random.uniform(gen, t.numel(), dtypes.float32), out)
        assert out.tobytes() == tensor_bytes(torch, t.uniform_(generator=g)), t.stride()
        random.put(random.normal(gen, t.numel(), dtypes.float32, contiguous=t.is_contiguous()), out)
        assert out.tobytes() == tensor_bytes(torch, t.normal_(generator=g)), t.stride()


def test_float32_box_muller_on_every_input() -> None:
    """torch's own results for all 2**24 values of either uniform number hash to the same (made with torch 2.13)."""
    hashes = [hashlib.sha256() for _ in range(3)]
    step = 2**16
    # a first number whose radius is exactly 1
    unit = np.full(step, 6601320 * 2.0**-24, np.float32)
    for start in range(0, 2**24, step):
        k = np.arange(start, start + step).astype(np.float32) * np.float32(2**-24)
        radius, cos, _ = boxmuller.polar32(k, np.zeros_like(k))
        one, cos_k, sin_k = boxmuller.polar32(unit, k)
        for digest, values in zip(hashes, (radius * cos, one * cos_k, one * sin_k), strict=True):
            digest.update((values + np.float32(0)).tobytes())
    assert [digest.hexdigest() for digest in hashes] == [
        "88bdc07f060915411482e9b2ad8b371868cdd1af288cf6919cde64fc97babecd",
        "0159be50a0cb9ad5d1e32bf5a361bd792fd09b17bdcf5b000e8a4fe4638cde4d",
        "cf51824cdb98f1c2f535f4cc1c24ce27ce429632ece60d42249e211f555b8dca",
    ]


def test_known_numbers() -> None:
    gen = random.Generator().manual_seed(0)
    assert [f"{x:.4f}" for x in random.uniform(gen, 3, dtypes.float32)] == ["0.4963", "0.7682", "0.0885"]
    gen.manual_seed(0)
    assert [f"{x:.4f}" for x in random.normal(gen, 3, dtypes.float32)] == ["1.5410", "-0.2934", "-2.1788"]


def test_generator_state_round_trip() -> None:
    gen = random.Generator()
    assert gen.initial_seed() == 67280421310721
    random.normal(gen, 5, dtypes.float32)
    state = gen.state()
    assert len(state) == 5056
    expected = random.normal(gen, 700, dtypes.float64)
    other = random.Generator().restore(state)
    assert other.state() == state
    assert np.array_equal(random.normal(other, 700, dtypes.float64), expected)


def test_generator_seeds() -> None:
    gen = random.Generator()
    assert gen.manual_seed(-1).initial_seed() == 2**64 - 1
    assert gen.seed() == gen.initial_seed()
    assert gen.device.type == "cpu"
    assert repr(gen).startswith("<torch._C.Generator object at 0x")
    assert random.default_generator.initial_seed() != random.Generator().initial_seed()


@pytest.mark.parametrize(
    ("run", "kind", "sentence"),
    [
        (lambda g: g.manual_seed(1.5), RuntimeError, "manual_seed expected a long, but got float"),
        (lambda g: g.manual_seed(True), RuntimeError, "manual_seed expected a long, but got bool"),
        (lambda g: g.manual_seed(2**64), ValueError, "Overflow when unpacking long long"),
        (
            lambda g: g.restore(b"abc"),
            RuntimeError,
            "Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size to be 3",
        ),
        (lambda g: g.restore(bytes(5056)), RuntimeError, "Invalid mt19937 state"),
        (
            lambda g: random.uniform(g, 3, dtypes.float32, 1, 0),
            RuntimeError,
            "uniform_ expects to return a [from, to) range, but found from=1 > to=0",
        ),
        (
            lambda g: random.uniform(g, 3, dtypes.float32, -3e38, 3e38),
            RuntimeError,
            (
                "uniform_ expects to-from <= std::numeric_limits<Float>::max(), but found to=3e+38 and from=-3e+38 which"
                " result in to-from to exceed the limit"
            ),
        ),
        (
            lambda g: random.uniform(g, 3, dtypes.float16, 0, 1e5),
            RuntimeError,
            "to is out of bounds for c10::Half",
        ),
        (
            lambda g: random.uniform(g, 3, dtypes.int64),
            NotImplementedError,
            "\"check_uniform_bounds\" not implemented for 'Long'",
        ),
        (
            lambda g: random.normal(g, 3, dtypes.float32, 0, -1),
            RuntimeError,
            "normal expects std >= 0.0, but found std -1",
        ),
        (
            lambda g: random.normal(g, 3, dtypes.int64),
            NotImplementedError,
            "\"normal_kernel_cpu\" not implemented for 'Long'",
        ),
        (
            lambda g: random.randint(g, 3, 5, 5, dtypes.int64),
            RuntimeError,
            "random_ expects 'from' to be less than 'to', but got from=5 >= to=5",
        ),
        (
            lambda g: random.randint(g, 3, 0, 300, dtypes.uint8),
            RuntimeError,
            "to - 1 is out of bounds for unsigned char",
        ),
        (lambda g: random.randint(g, 3, 0, 2**63, dtypes.int64), ValueError, "Overflow when unpacking long long"),
        (
            lambda g: random.random_(g, 3, dtypes.float32, 2**24),
            RuntimeError,
            (
                "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but got"
                " from=16777216 > to_inc=16777216"
            ),
        ),
        (
            lambda g: random.randperm(g, 257, dtypes.uint8),
            RuntimeError,
            "value cannot be converted to type uint8_t without overflow",
        ),
        (
            lambda g: random.randperm(g, 2050, dtypes.float16),
            RuntimeError,
            "n cannot be greater than 2049 for Half type.",
        ),
        (
            lambda g: random.bernoulli(g, 3, dtypes.float32, 2),
            RuntimeError,
            "bernoulli_ expects p to be in [0, 1], but got p=2",
        ),
        (
            lambda g: random.bernoulli_tensor(g, np.ones(2, np.int64), dtypes.int64),
            NotImplementedError,
            "\"bernoulli_tensor_cpu_p_\" not implemented for 'Long'",
        ),
        (
            lambda g: random.exponential(g, 3, dtypes.float32, 0),
            RuntimeError,
            "exponential_ expects lambda > 0.0, but found lambda=0",
        ),
        (
            lambda g: random.cauchy(g, 3, dtypes.int64),
            RuntimeError,
            (
                "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you"
                " specified long int"
            ),
        ),
        (
            lambda g: random.multinomial(g, np.ones(3, np.float32), 4),
            RuntimeError,
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement",
        ),
        (
            lambda g: random.multinomial(g, np.array([1.0, -1.0]), 2, True),
            RuntimeError,
            "invalid multinomial distribution (encountering probability entry < 0)",
        ),
        (
            lambda g: random.multinomial(g, np.array([1.0, math.nan]), 1),
            RuntimeError,
            "probability tensor contains either `inf`, `nan` or element < 0",
        ),
        (
            lambda g: random.poisson(g, np.array([-1.0])),
            RuntimeError,
            "invalid Poisson rate, expected rate to be non-negative",
        ),
    ],
)
def test_errors_draw_nothing(run: Callable[[Any], Any], kind: type[Exception], sentence: str) -> None:
    gen = random.Generator()
    state = gen.state()
    with pytest.raises(kind) as caught:
        run(gen)
    assert str(caught.value) == sentence
    assert gen.state() == state


def test_fill_order() -> None:
    assert random.fill_order((2, 3, 4), (12, 4, 1)) == (0, 1, 2)
    assert random.fill_order((4, 3), (1, 4)) == (1, 0)
    assert random.fill_order((2, 3, 4, 5), (60, 1, 15, 3)) == (0, 2, 3, 1)
    out = np.empty((3, 2)).T
    random.put(np.arange(6.0), out)
    assert out.T.reshape(-1).tolist() == [0, 1, 2, 3, 4, 5]


def test_shuffle_equals_the_plain_loop() -> None:
    pick = py_random.Random(1)
    for n in [2, 3, 5, *(pick.randrange(2, 400) for _ in range(100))]:
        steps = [pick.randrange(n - i) for i in range(n - 1)]
        assert np.array_equal(permutation._shuffled(np.array(steps)), permutation._shuffled_list(steps))


def test_permutation_past_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation, "_TWO_WORD_PERMUTATIONS", 50)
    gen, other = random.Generator(), random.Generator()
    order = random.randperm(gen, 100, dtypes.int64)
    assert sorted(order.tolist()) == list(range(100))
    other.words(200)
    assert gen.state() == other.state()


def test_fused_multiply_add_rounds_once() -> None:
    """Against exact rational arithmetic."""
    from fractions import Fraction

    pick = py_random.Random(2)
    a = np.array([pick.random() for _ in range(300)])
    for b, c in ((4.8, 2.5), (1e-17, 1.0), (-3.7, 3.7), (2.0, 0.1), (0.3, 0.0)):
        exact = [float(Fraction(x) * Fraction(b) + Fraction(c)) for x in a.tolist()]
        assert rounding.fma64(a, b, c).tolist() == exact
    # just below the middle of two float32 numbers; rounded to float64 first, it would sit on it and go up
    a32 = np.array([1 + 2.0**-23], np.float32)
    assert rounding.fma32(a32, 2.0**-24 * (1 - 2.0**-23), 1 + 2.0**-23).tolist() == [1 + 2.0**-23]
