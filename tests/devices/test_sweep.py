"""Every op on a simulated cuda device as on the CPU: values, strides, aliasing, gradients, second gradients, errors; and where the host waits."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import both
import pytest
from gradient_cases import ALL, Case, cases
from recorded import decode, function, load

from tcalc.engine import backend
from tcalc.engine.namespace import manual_seed
from tcalc.engine.registry import OPS, PUBLIC, Op
from tcalc.engine.simulated import STATE

pytestmark = [pytest.mark.usefixtures("two_devices"), pytest.mark.filterwarnings("ignore")]

CUDA = backend.device("cuda", 1)  # not the one that CuPy works on until it is told otherwise
ROUNDED = {"renorm", "multi_head_attention_forward"}  # sums in another order: the stand-in's copies lie row by row
DRAWS = {
    "rand", "randn", "randint", "randint_from", "randperm", "rand_like", "randn_like", "randint_like", "randint_like_from", "normal", "normal_tensors",
    "normal_mean", "normal_std", "multinomial", "uniform", "fill_normal", "random", "random_from", "random_to", "fill_bernoulli", "bernoulli", "exponential", "multi_head_attention_forward",
    "scaled_dot_product_attention", "dropout3d", "fractional_max_pool2d", "fractional_max_pool3d", "svd_lowrank", "pca_lowrank",
}  # fmt: skip  # cuda has random numbers of its own
TIES = {"kthvalue"}  # which of several equal elements is named is nobody's promise
WAITS = {
    **dict.fromkeys("nonzero nonzero_static argwhere masked_select unique unique_consecutive bincount repeat_interleave".split(), "values decide the size"),
    **dict.fromkeys("one_hot masked_scatter histc histogram histogramdd embedding_bag combinations".split(), "values decide the size"),
    **dict.fromkeys("index_put item is_nonzero equal allclose tensor_split narrow nanquantile quantile cov gaussian_nll_loss".split(), "it asks for a number"),
    **dict.fromkeys(("scatter_reduce", "index_reduce", "scatter", "special_airy_ai", "linalg_ldl_factor", "linalg_ldl_factor_ex", "linalg_ldl_solve", "linalg_lstsq"), "on the CPU"),
}  # fmt: skip  # and all of linear algebra, where CuPy waits to know whether it went well; polynomials, whose degree is a tensor
WAITING_FAMILIES = re.compile(
    r"(linalg_|special_.*polynomial|cholesky|lu|qr|svd|det|logdet|slogdet|pinverse|norm$|matrix_|inverse|geqrf|ormqr|masked_norm|triangular_solve)"
)


@cache
def recorded() -> dict[str, list[Any]]:
    """The calls of the recorded truth, by op."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for call in load("calls"):
        found[call["name"]].append(call)
    return dict(found)


def differences(call: dict[str, Any]) -> list[str]:
    """What differs when a recorded call is made on both devices."""
    args, kwargs = [decode(a) for a in call["args"]], {key: decode(value) for key, value in call["kwargs"].items()}
    return both.differences(function(call), args, kwargs, CUDA, exact=call["name"] not in ROUNDED)


@pytest.mark.parametrize("name", sorted({call["name"] for call in load("calls")} - DRAWS - TIES))
def test_recorded_calls(name: str, full: bool) -> None:
    """The calls that scripts/record_truth.py made in PyTorch."""
    found = [text for call in (recorded()[name] if full else recorded()[name][:2]) for text in differences(call)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("op", [op for op in OPS.values() if (op.function or op.method) and op.name not in DRAWS], ids=lambda op: op.name)
def test_examples(op: Op) -> None:
    """The example of every public op, with cuda as the default device."""
    manual_seed(0)
    with CUDA:  # type: ignore[attr-defined]  # a method of the namespace's
        shown = list(both.printed(op.doc))
    assert [both.plain(here, CUDA) for here, _ in shown] == [both.plain(want, CUDA) for _, want in shown]


@cache
def on_cuda() -> dict[int, Case]:
    """The gradient cases, their inputs made on cuda."""
    with CUDA:  # type: ignore[attr-defined]  # as above
        return dict(enumerate(cases()))


@pytest.mark.parametrize("number", range(len(ALL)), ids=[case[0] for case in ALL])
def test_gradients(number: int) -> None:
    """Results, gradients and second gradients of every differentiable op, inputs not row-major."""
    name, here, inputs = ALL[number]
    _, there, moved = on_cuda()[number]
    results = []
    for call, given, device in ((here, inputs, backend.CPU), (there, moved, CUDA)):
        manual_seed(both.SEED)
        with device:  # type: ignore[attr-defined]  # as above
            results.append(call(*given))
    a, b = both.tensors_in(inputs), both.tensors_in(moved)
    found = both.compared(*results, a, b, CUDA, exact=False) or both.gradients(*results, a, b, CUDA, exact=False)
    assert not found, f"{name}: {found}"


def test_where_the_host_waits() -> None:
    """Only ops whose size or error hangs on values make the host wait, and they are listed."""
    waited: defaultdict[str, set[str]] = defaultdict(set)
    for name, calls in recorded().items():
        for call in calls[:2]:
            args, kwargs = [decode(a) for a in call["args"]], {key: decode(value) for key, value in call["kwargs"].items()}
            memo: dict[int, Any] = {}
            there, named = both.moved(args, CUDA, memo), {key: both.moved(value, CUDA, memo) for key, value in kwargs.items()}
            STATE.syncs.clear()
            result = both.attempt(lambda: function(call)(*there, **named))  # noqa: B023 - called at once
            if not isinstance(result, both.Failed) and sum(STATE.syncs.values()):
                waited[name].update(STATE.syncs)
    backend.simulate(2)  # which forgets what was insisted on
    unlisted = {name: why for name, why in waited.items() if name not in WAITS and not WAITING_FAMILIES.match(name)}
    assert not unlisted
    assert "nonzero" in waited


def test_ops_that_compute_on_the_cpu_say_so() -> None:
    """What falls back is declared, with a reason, and the ops that use it are found."""
    declared = {op.name for op in OPS.values() if op.host}
    assert declared >= {"scatter_reduce", "index_reduce", "special_airy_ai", "linalg_ldl_factor_ex", "linalg_ldl_solve", "linalg_lstsq"}
    text = "".join(path.read_text() for path in (Path(backend.__file__).parent / "ops").glob("*.py"))
    assert text.count("host=") == len(declared)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(name for name in PUBLIC if name == PUBLIC[name].name))
def test_samples_of_torch(name: str) -> None:
    """torch's own samples (op_db), in ten dtypes and three layouts, in place and with out=."""
    pytest.importorskip("torch")
    pytest.importorskip("expecttest")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from samples import calls
    found = []
    for label, call, args, kwargs in calls(name):
        if name not in DRAWS | TIES:
            found += [f"{label}: {text}" for text in both.differences(call, args, kwargs, CUDA, exact=False)]
    assert not found, "\n".join(islice(found, 5))
