"""Large elementwise work is done in blocks on several threads, and gives the same bits as without."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

import tcalc
from tcalc.engine import autograd, backend, blocks, execute
from tcalc.engine.families.elementwise import Elementwise
from tcalc.engine.families.reduction import Reduction
from tcalc.engine.registry import OPS

np = backend.np
# one operand, any dtype that the op takes: the rest of its arguments have defaults
UNARY = [op for op in OPS.values() if isinstance(op, Elementwise) and len(op.inputs) == 1 and (op.function or op.method)]
BINARY = [op for op in OPS.values() if isinstance(op, Elementwise) and len(op.inputs) == 2 and op.ufunc and op.function]
FOLDING = [op for op in OPS.values() if isinstance(op, Reduction) and {"dim", "keepdim"} <= op.places.keys()]
COUNT = 1000


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything of 256 elements is large, a block has 64, and three threads work."""
    before = blocks.get_num_threads()
    for module in (blocks, execute):
        monkeypatch.setattr(module, "LARGE", 256)
    monkeypatch.setattr(blocks, "BLOCK", 64)
    monkeypatch.setattr(blocks, "SHARED", 256)
    ops = [op for op in OPS.values() if isinstance(op, Elementwise)]
    plans = [{**op.plans} for op in ops]  # which remember whether they are for large tensors
    for op in ops:
        op.plans.clear()
    blocks.set_num_threads(3)
    yield
    blocks.set_num_threads(before)
    monkeypatch.undo()
    for op, kept in zip(ops, plans, strict=True):
        op.plans.clear()
        op.plans.update(kept)


def _samples(dtype: tcalc.dtype) -> tcalc.Tensor:
    """Numbers of all sizes, among them those that kernels treat apart."""
    special = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 1e-30, 3e38]
    numbers = np.random.default_rng(0).standard_normal(COUNT - len(special)) * 3
    return tcalc.tensor([*special, *numbers.tolist()], dtype=dtype)


def _results(op: Elementwise, operands: list[tcalc.Tensor]) -> list[bytes | str]:
    """The bits of the result and of all gradients, or the error."""
    inputs = [t.clone().requires_grad_() if t.dtype.is_floating_point else t.clone() for t in operands]
    try:
        result = op.call(*inputs)
        grads = autograd.grad(result, inputs, (result * 0 + 0.5).detach(), allow_unused=True) if result.requires_grad else ()
        summed = autograd.grad(op.call(*inputs).sum(), inputs, allow_unused=True) if result.requires_grad else ()
    except (RuntimeError, TypeError) as error:
        return [f"{type(error).__name__}: {error}"]
    return [t.numpy().tobytes() for t in (result.detach(), *grads, *summed) if t is not None]


@pytest.mark.parametrize("op", [*UNARY, *BINARY], ids=lambda op: op.name)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_blocks_give_the_same_bits(op: Elementwise, dtype: str, request: pytest.FixtureRequest) -> None:
    """Forward and backward, with a gradient of its own for each element and with one for all of them."""
    operands = [_samples(getattr(tcalc, dtype)) if dtype != "int32" else tcalc.arange(COUNT, dtype=tcalc.int32) % 60 + 1 for _ in op.inputs]
    plain = _results(op, operands)
    request.getfixturevalue("small_blocks")
    assert _results(op, operands) == plain


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    ("op", "axes"),
    [(op, axes) for op in FOLDING for axes in ((0,), (1,), (2,), (0, 2), (1, 2)) if len(axes) == 1 or op.name != "prod_dim"],
    ids=lambda each: getattr(each, "name", str(each)),
)
@pytest.mark.parametrize("keepdim", [False, True])
def test_reductions_give_the_same_bits(op: Reduction, axes: tuple[int, ...], keepdim: bool) -> None:
    """Cut along the largest dim that is kept."""
    array = np.random.default_rng(0).standard_normal((70, 130, 150)).astype(np.float32)
    rest = {name: 2.0 for name in ("p", "ord") if name in op.places}
    dim = axes if len(axes) > 1 else axes[0]
    plan = op.prepare(op.signature.bind((tcalc.from_numpy(array),), {"dim": dim, "keepdim": keepdim} | rest)).__self__
    parts = blocks.folded(plan.fold, axes, keepdim, array.shape)
    assert parts is not plan.fold
    assert np.asarray(parts(array)).tobytes() == np.asarray(plan.fold(array)).tobytes()


@pytest.mark.usefixtures("small_blocks")
def test_large_work_is_cut_and_small_work_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forward and backward of one op each share their work once; below the size nothing is shared, nor is a formula of one operation
    whose gradient someone else holds."""
    sizes = []
    monkeypatch.setattr(blocks, "share", lambda size, work: sizes.append(size) or work(0, size))
    x, y = tcalc.rand(1000, requires_grad=True), tcalc.rand(200, requires_grad=True)
    x.tanh().backward(tcalc.rand(1000))
    y.tanh().backward(tcalc.rand(200))
    assert sizes == [1000, 1000]
    x.exp().backward(tcalc.rand(1000))
    assert sizes == [1000] * 3


@pytest.mark.usefixtures("small_blocks", "unwatched")
def test_a_gradient_that_nobody_holds_gives_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last result of the next formula, but never where a hook, a retained gradient, .grad or a second consumer sees it."""
    made = []
    monkeypatch.setattr(blocks, "_room", lambda shape, dtype, size: made.append(size) or np.empty(shape, dtype))
    x, seen = tcalc.rand(1000, requires_grad=True), []

    def run(*, retain: bool = False, hook: bool = False, twice: bool = False) -> Any:
        x.grad = None
        a = x.tanh()
        b = a.exp()
        c = b * b if twice else b * 2
        for each in (a, b):
            if retain:
                each.retain_grad()
            if hook:
                each.register_hook(seen.append)
        made.clear()
        c.sin().sum().backward()
        if retain:
            seen[:] = [b.grad, a.grad]
        return x.grad, len(made)

    with monkeypatch.context() as plainly:
        plainly.setattr("tcalc.engine.execute.LARGE", 1 << 40)
        plain, plain_twice = run(), run(twice=True)
    assert (plain[1], run()[1]) == (2, 1)
    assert run()[0].equal(plain[0])
    assert run(twice=True)[0].equal(plain_twice[0])
    for how in ({"retain": True}, {"hook": True}):
        assert run(**how)[0].equal(plain[0])
        b = x.detach().tanh().exp()
        expected = (b * 2).cos() * 2
        assert seen[0].allclose(expected)
        assert seen[1].allclose(expected * b)
        seen.clear()


@pytest.mark.usefixtures("small_blocks")
def test_work_is_shared_and_what_fails_in_a_thread_is_told() -> None:
    """Each element once; an error in any part reaches the caller."""
    seen = np.zeros(1000, dtype=int)

    def work(start: int, stop: int) -> None:
        seen[start:stop] += 1

    blocks.share(1000, work)
    assert seen.min() == seen.max() == 1

    def broken(start: int, stop: int) -> None:
        if not start:
            raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        blocks.share(1000, broken)


@pytest.mark.parametrize("count", [2, 5, 8, 64])
def test_no_part_is_empty(count: int) -> None:
    """Parts end where cache lines do; of few elements there are fewer parts than were asked for."""
    parts: list[tuple[int, int]] = []
    blocks.share(70, lambda start, stop: parts.append((start, stop)), count)
    assert sorted(place for part in parts for place in range(*part)) == [*range(70)]
    assert all(start < stop for start, stop in parts)


@pytest.mark.usefixtures("small_blocks")
def test_threads_warn_of_nothing() -> None:
    """NumPy's error state belongs to a context; threads work in a copy of the caller's."""
    x = tcalc.full((1000,), -1.0, requires_grad=True)
    x.log().sqrt().sum().backward()
    assert x.grad.isnan().all()


@pytest.mark.usefixtures("small_blocks")
def test_large_gradients_are_added_up() -> None:
    """In place, with one that lies otherwise as well."""
    x = tcalc.ones(40, 25, requires_grad=True)
    (x * 2 + x * 3 + x.sum() + (x.t() * tcalc.arange(1000.0).view(25, 40)).t()).sum().backward()
    expected = 5 + 1000 + tcalc.arange(1000.0).view(25, 40).t()
    assert (x.grad == expected).all()


def test_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the environment, of the processors, or as set; torch's sentences for what it cannot be."""
    monkeypatch.setattr(blocks, "_threads", [])
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert blocks.get_num_threads() == 3
    blocks.set_num_threads(1)
    assert blocks.get_num_threads() == 1
    for wrong in (0, -1):
        with pytest.raises(RuntimeError, match="set_num_threads expects a positive integer"):
            blocks.set_num_threads(wrong)
    with pytest.raises(RuntimeError, match="set_num_threads expects an int, but got float"):
        blocks.set_num_threads(2.0)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
@pytest.mark.parametrize(("shape", "row"), [((1024, 3), (3,)), ((64, 16, 10), (1, 10)), ((516, 16), (16,))], ids=str)
def test_short_rows_beside_one_give_the_same_bits(op: Elementwise, shape: tuple[int, ...], row: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Several rows at once, on either side and in place, for floats and ints."""
    kinds = [d for d in (tcalc.float32, tcalc.int64) if d.category in op.only]
    numbers = np.random.default_rng(0)

    def operands(d: tcalc.dtype) -> list[tcalc.Tensor]:
        return [tcalc.from_numpy(numbers.integers(1, 9, size)).to(d) for size in (shape, row)]

    for many, one in map(operands, kinds):
        calls = [lambda a, b: op.call(a, b), lambda a, b: op.call(b, a)]
        found = [call(many, one) for call in calls]
        assert any(getattr(plan.ufunc, "__qualname__", "").startswith("tiled.") for plan in op.plans.values())
        with monkeypatch.context() as patch:
            patch.setattr(op, "plans", {})
            patch.setattr(blocks, "NARROW", range(0))
            plain = [op.run([*pair, *op.signature.defaults[2:]]) for pair in ((many, one), (one, many))]
        assert [t.numpy().tobytes() for t in found] == [t.numpy().tobytes() for t in plain]
        assert [t.stride() for t in found] == [t.stride() for t in plain]
        if op.inplace and plain[0].dtype is many.dtype:
            assert op.inplace_call()(many.clone(), one).numpy().tobytes() == plain[0].numpy().tobytes()


@pytest.mark.usefixtures("small_blocks")
def test_elements_are_picked_by_several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    shared: list[int] = []
    monkeypatch.setattr(blocks, "share", lambda size, work, count: shared.append(count) or [work(0, size // 2), work(size // 2, size)])
    x = tcalc.arange(100.0)
    places = np.random.default_rng(0).integers(-100, 100, (20, 40))
    assert (x[tcalc.from_numpy(places)].numpy() == x.numpy()[places]).all()
    assert shared == [3]
    places[3, 5] = 100
    with pytest.raises(IndexError, match="index 100 is out of bounds for dimension 0 with size 100"):
        x[tcalc.from_numpy(places)]


def test_elements_are_set_where_they_are_once_all_places_are_known() -> None:
    x = tcalc.arange(12.0).view(3, 4).t()
    memory = x.numpy()
    x[tcalc.tensor([0, -1])] = tcalc.tensor([5.0, 6.0, 7.0])
    assert memory[[0, 3]].tolist() == [[5.0, 6.0, 7.0], [5.0, 6.0, 7.0]]
    before = memory.copy()
    with pytest.raises(IndexError, match="index 4 is out of bounds for dimension 0 with size 4"):
        x[tcalc.tensor([0, 4])] = 1.0
    assert (memory == before).all()
    x.index_put_((tcalc.tensor([1, 1]),), tcalc.tensor(2.0), accumulate=True)
    assert (memory[1] == before[1] + 4).all()
    shared = tcalc.zeros(1).expand(3)
    shared[tcalc.tensor([1])] = 4.0
    assert shared.tolist() == [4.0, 4.0, 4.0]
