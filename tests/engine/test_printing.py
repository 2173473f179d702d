"""Tensor text against hand-written rules, recorded torch output and, where torch is installed, torch itself."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tcalc.engine import dtypes, printing

GOLDEN = Path(__file__).parent / "golden" / "printing.json"
RECORDED_SEEDS = range(10_000, 10_160)
LIVE_SEEDS = range(400)
FLOATS = ("float32", "float32", "float32", "float64", "float16", "bfloat16")
INTS = ("int64", "int32", "int16", "int8", "uint8", "bool")
SPECIAL = (0.0, -0.0, 1.0, 1000.0, 1001.0, 1e8, 100000008.0, 1e-4, 0.99e-4, 999.99995, -1e-5)


@dataclass
class Device:
    """Stands in for the engine's device class."""

    name: str = "cpu"

    @property
    def type(self) -> str:
        return self.name.split(":")[0]

    def __str__(self) -> str:
        return self.name


@dataclass
class GradFn:
    """Stands in for an autograd node."""

    label: str



@dataclass
class Fake:
    """The attributes of a Tensor that printing reads."""

    a: Any
    dtype: Any
    shape: tuple[int, ...]
    device: Device
    requires_grad: bool = False
    grad_fn: GradFn | None = None

    def item(self) -> Any:
        return self.a.item()

    def __repr__(self) -> str:
        return printing.tensor_repr(self)


def fake(values: Any, dtype: str | None = None, device: str = "cpu", **autograd: Any) -> Fake:
    """A Fake of nested lists or an array; dtype as torch.tensor would choose it."""
    array = np.asarray(values)
    if dtype is None:
        dtype = "float32" if array.dtype == np.float64 else str(array.dtype)
    if dtype == "bfloat16":
        import ml_dtypes

        array = array.astype(np.float32).astype(ml_dtypes.bfloat16)
    elif dtype == "float16":
        array = array.astype(np.float32).astype(np.float16)
    else:
        array = array.astype(dtype)
    there = None if device == "meta" else array
    return Fake(there, dtypes.BY_NAME[dtype], array.shape, Device(device), **autograd)


@dataclass
class Case:
    """One random printing job; `torch_tensor` and `fake` build the same tensor."""

    values: list[Any]
    shape: list[int]
    dtype: str
    device: str
    autograd: str
    default: str
    options: dict[str, Any]

    def array(self) -> Any:
        kind = np.float64 if self.dtype in FLOATS else np.int64
        return np.array(self.values, kind).reshape(self.shape)

    def fake(self) -> Fake:
        with np.errstate(all="ignore"):
            result = fake(self.array(), self.dtype, self.device)
        if self.autograd:
            result.requires_grad = True
            result.grad_fn = None if self.autograd == "leaf" else GradFn("MulBackward0")
        return result

    def torch_tensor(self, torch: Any) -> Any:
        t = torch.from_numpy(self.array())
        if self.dtype in ("float16", "bfloat16"):
            t = t.to(torch.float32)
        t = t.to(getattr(torch, self.dtype)).to(self.device)
        if self.autograd:
            t.requires_grad_()
        return t * 1 if self.autograd == "result" else t


def random_case(seed: int) -> Case:
    """The printing job number `seed`; Python's own generator keeps it the same everywhere."""
    r = random.Random(seed)
    shape = [r.choice([1, 2, 2, 3, 3, 4, 5, 7, 8, 13, 30]) for _ in range(r.choice([0, 1, 1, 2, 2, 3, 4]))]
    while math.prod(shape) > 400:
        shape.pop()
    if shape and r.random() < 0.08:
        shape[r.randrange(len(shape))] = 0
    n = math.prod(shape)
    is_float = r.random() < 0.7
    dtype = r.choice(FLOATS if is_float else INTS)
    values = _floats(r, n) if is_float else _ints(r, n, dtype)
    return Case(
        values,
        shape,
        dtype,
        "meta" if r.random() < 0.05 else "cpu",
        r.choice(["leaf", "result"]) if is_float and r.random() < 0.25 else "",
        r.choice(["float32"] * 4 + ["float64", "float16"]),
        _options(r),
    )


def _floats(r: random.Random, n: int) -> list[float]:
    scale = 10.0 ** r.uniform(-10, 12)
    values = r.choice(
        [
            lambda: [r.random() for _ in range(n)],
            lambda: [float(r.randrange(-20, 20)) for _ in range(n)],
            lambda: [r.uniform(-1, 1) * 10.0 ** r.randrange(-8, 9) for _ in range(n)],
            lambda: [float(round(r.uniform(-scale, scale))) for _ in range(n)],
            lambda: [r.uniform(-scale, scale) for _ in range(n)],
            lambda: [0.0] * n,
            lambda: [r.choice(SPECIAL) for _ in range(n)],
        ]
    )()
    if r.random() < 0.25:
        share = r.choice([0.1, 0.5, 1.0])
        odd = (math.nan, math.inf, -math.inf, 0.0, -0.0)
        values = [r.choice(odd) if r.random() < share else value for value in values]
    return values


def _ints(r: random.Random, n: int, dtype: str) -> list[int]:
    if dtype == "bool":
        return [r.randrange(2) for _ in range(n)]
    info = np.iinfo(dtype)
    size = 10 ** r.randrange(1, 18)
    return [r.randrange(max(int(info.min), -size), min(int(info.max), size)) for _ in range(n)]


def _options(r: random.Random) -> dict[str, Any]:
    choices = {
        "profile": ["default", "short", "full"],
        "precision": [0, 1, 2, 3, 6, 10],
        "threshold": [0, 1, 5, 20, 100],
        "edgeitems": [0, 1, 2, 3, 5],
        "linewidth": [1, 10, 20, 40, 79, 81, 120],
        "sci_mode": [True, False],
    }
    if r.random() < 0.5:
        return {}
    return {name: r.choice(values) for name, values in choices.items() if r.random() < 0.35}


@pytest.fixture(autouse=True)
def fresh_state() -> Iterator[None]:
    """Default options and dtype for every test."""
    yield
    printing.set_printoptions(profile="default")
    dtypes.set_default_dtype(dtypes.float32)


def ours(case: Case) -> str:
    dtypes.set_default_dtype(dtypes.BY_NAME[case.default])
    with printing.printoptions(profile="default"), printing.printoptions(**case.options):
        return printing.tensor_repr(case.fake())


def truth(case: Case, torch: Any) -> str:
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, case.default))
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**case.options)
    try:
        return repr(case.torch_tensor(torch))
    finally:
        torch.set_printoptions(profile="default")
        torch.set_default_dtype(before)


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (fake(1), "tensor(1)"),
        (fake(1.0), "tensor(1.)"),
        (fake(1.5, requires_grad=True), "tensor(1.5000, requires_grad=True)"),
        (fake(True), "tensor(True)"),
        (fake([]), "tensor([])"),
        (fake(np.zeros((0, 3))), "tensor([], size=(0, 3))"),
        (fake([], "int64"), "tensor([], dtype=torch.int64)"),
        (fake(np.zeros((2, 3)), device="meta"), "tensor(..., device='meta', size=(2, 3))"),
        (fake([1, 2], device="meta"), "tensor(..., device='meta', size=(2,), dtype=torch.int64)"),
        (fake([1.0], device="cuda:0"), "tensor([1.], device='cuda:0')"),
        (fake([1.0, math.nan, -math.inf]), "tensor([1., nan, -inf])"),
        (fake([1.5, math.nan, -math.inf]), "tensor([1.5000,    nan,   -inf])"),
        (fake([0.0, 1e-9]), "tensor([0.0000e+00, 1.0000e-09])"),
        (fake([1.0, 1001.0]), "tensor([1.0000e+00, 1.0010e+03])"),
        (fake([-1, 10, -100]), "tensor([  -1,   10, -100])"),
        (fake([True, False]), "tensor([ True, False])"),
        (fake([1 / 3], "bfloat16"), "tensor([0.3340], dtype=torch.bfloat16)"),
        (fake(np.arange(1001)), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
        (
            fake([2.0], "float64", requires_grad=True, grad_fn=GradFn("MulBackward0")),
            "tensor([2.], dtype=torch.float64, grad_fn=<MulBackward0>)",
        ),
    ],
)
def test_forms(tensor: Fake, text: str) -> None:
    assert printing.tensor_repr(tensor) == text


def test_parameter_prefix() -> None:
    t = fake([1.0], requires_grad=True)
    text = printing.tensor_repr(t, prefix="Parameter containing:\n")
    assert text == "Parameter containing:\ntensor([1.], requires_grad=True)"


def test_suffix_moves_to_a_new_line_when_the_last_one_is_full() -> None:
    t = fake(list(range(24)), "int16")
    assert printing.tensor_repr(t).endswith("23], dtype=torch.int16)")
    with printing.printoptions(linewidth=40):
        assert printing.tensor_repr(t).endswith("],\n       dtype=torch.int16)")


def test_summary_reads_only_the_corners() -> None:
    big = np.broadcast_to(np.float32(1.5), (10_000, 10_000, 1_000))
    t = Fake(big, dtypes.float32, big.shape, Device())
    start = time.perf_counter()
    text = printing.tensor_repr(t)
    assert time.perf_counter() - start < 0.05
    assert text.count("1.5000") == 6 * 6 * 6


def test_options_argument_leaves_the_state_alone() -> None:
    t = fake(np.arange(2000))
    small = printing.PrintOptions(edgeitems=1)
    assert printing.tensor_repr(t, options=small) == "tensor([   0,  ..., 1999])"
    assert printing.tensor_repr(t) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"


def test_printoptions_block_ends() -> None:
    with printing.printoptions(precision=1):
        assert printing.tensor_repr(fake([1.25])) == "tensor([1.2])"
    assert printing.tensor_repr(fake([1.25])) == "tensor([1.2500])"


def test_profiles_and_sci_mode() -> None:
    printing.set_printoptions(profile="short", sci_mode=True)
    expected = {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80, "sci_mode": True}
    assert printing.get_printoptions() == expected
    printing.set_printoptions(precision=3)
    assert printing.get_printoptions() == expected | {"precision": 3, "sci_mode": None}


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"profile": "loud"}, ValueError),
        ({"precision": -1}, ValueError),
        ({"edgeitems": 1.5}, TypeError),
        ({"threshold": "many"}, TypeError),
    ],
)
def test_bad_options_change_nothing(options: dict[str, Any], kind: type[Exception]) -> None:
    before = printing.get_printoptions()
    with pytest.raises(kind):
        printing.set_printoptions(**options)
    assert printing.get_printoptions() == before


def test_format_scalar() -> None:
    assert printing.format_scalar(fake(1.5), ".3f") == "1.500"
    assert printing.format_scalar(fake(0.1), "") == "0.10000000149011612"
    assert printing.format_scalar(fake(True), "d") == "1"
    assert printing.format_scalar(fake([1.5]), "") == "tensor([1.5000])"
    with pytest.raises(TypeError, match=r"^unsupported format string passed to Fake\.__format__$"):
        printing.format_scalar(fake([1.5]), ".2f")
    with pytest.raises(ValueError, match="Unknown format code 'z' for object of type 'float'"):
        printing.format_scalar(fake(1.5), "zz")
    with pytest.raises(TypeError):
        printing.format_scalar(fake(1.5), ".2f", plain=False)


def test_recorded_texts() -> None:
    golden = json.loads(GOLDEN.read_text())
    assert len(golden["texts"]) == len(RECORDED_SEEDS)
    for seed, text in zip(RECORDED_SEEDS, golden["texts"], strict=True):
        assert ours(random_case(seed)) == text, f"seed {seed}"


def test_live_against_torch() -> None:
    torch = pytest.importorskip("torch")
    for seed in LIVE_SEEDS:
        case = random_case(seed)
        assert ours(case) == truth(case, torch), f"seed {seed}"
