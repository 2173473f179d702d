"""Work along rows: sums by products, kernels on a few rows at a time, running sums; the same answers as without, wherever blocks end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tcalc
from tcalc.engine import backend, blocks, rows
from tcalc.engine.ops import nn, norm, reduce

np = backend.np
F = tcalc.nn.functional
NUMBERS = np.random.default_rng(0).standard_normal(1 << 19)


def _array(*shape: int, dtype: str = "float32", start: int = 0) -> Any:
    """The same random numbers each time."""
    return NUMBERS[start : start + math.prod(shape)].reshape(shape).astype(dtype)


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Sets how many threads work, until the test ends."""
    before = blocks.get_num_threads()
    yield blocks.set_num_threads
    blocks.set_num_threads(before)


# --- sums -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 31, 512, 1024, 1025, 1535, 1536, 5000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_rows(length: int, dtype: str) -> None:
    """Pieces and what is left of a row; error below that of a few roundings of the sum of sizes."""
    a, b = _array(7, length, dtype=dtype), _array(7, length, dtype=dtype, start=9)
    bound = 8 * np.finfo(dtype).eps
    for found, terms in (
        (rows.sums(a), a.astype("float64")),
        (rows.dots(a, b), a.astype("float64") * b),
        (rows.dots(a, b[0]), a.astype("float64") * b[0]),
    ):
        exact = np.array([[math.fsum(row)] for row in terms.tolist()])
        assert found.dtype == a.dtype
        assert (np.abs(found - exact) <= bound * np.abs(terms).sum(1, keepdims=True)).all()


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [None, (2,), (1, 2), (2, 1), (0, 1, 2), (1,), (0, 2), (0,)])
@pytest.mark.parametrize("turned", [False, True])
def test_added_as_numpy_adds(dim: tuple[int, ...] | None, keepdim: bool, turned: bool) -> None:
    """Whatever lies in one piece goes by products, the rest by NumPy: shapes and dtypes are the same."""
    a = _array(6, 50, 70)
    a = a.transpose(1, 0, 2)[:, :, 3:] if turned else a
    found, expected = rows.added(a, dim, keepdim), np.add.reduce(a, dim, keepdims=keepdim)
    assert (type(found), found.shape, found.dtype) == (type(expected), expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("special", [math.inf, -math.inf, math.nan])
def test_inf_and_nan_in_sums(special: float) -> None:
    """Only their own row."""
    x = tcalc.from_numpy(_array(40, 1000))
    x[3, 5] = special
    found = x.sum(1)
    assert found.isfinite().sum() == 39
    assert repr(found[3].item()) == repr(special)


def test_a_row_does_not_depend_on_the_others() -> None:
    a = _array(300, 700)
    assert (rows.sums(a)[17:90] == rows.sums(a[17:90])).all()
    assert (rows.sums(a)[41] == rows.sums(a[41])).all()


# --- blocks of rows ---------------------------------------------------------------------------------------------------


def _layer_norm(x: Any, **more: Any) -> Any:
    return F.layer_norm(x, x.shape[-1:], **more)


ALONG: dict[str, Callable[..., Any]] = {
    "softmax": lambda x, w, b: x.softmax(-1),
    "log_softmax": lambda x, w, b: x.log_softmax(x.ndim - 1),
    "layer_norm": lambda x, w, b: F.layer_norm(x, x.shape[1:], w, b),
    "layer_norm without bias": lambda x, w, b: F.layer_norm(x, x.shape[-1:], w),
    "layer_norm alone": lambda x, w, b: F.layer_norm(x, x.shape[-1:]),
    "group_norm": lambda x, w, b: F.group_norm(x.reshape(-1, 4, x.shape[-1] // 4), 2),
    "sum": lambda x, w, b: x.sum(-1),
    "mean": lambda x, w, b: x.mean(-1, True),
}


def _nowhere(dims: tuple[int, ...], *arrays: Any) -> int:
    """`width_of` as it is for small arrays."""
    return 0


def _both_ways(op: Callable[..., Any], *arrays: Any) -> list[Any]:
    """The result and all gradients."""
    inputs = [tcalc.from_numpy(a.copy()).requires_grad_() for a in arrays]
    result = op(*inputs)
    result.backward(tcalc.from_numpy(_array(*result.shape, dtype=str(arrays[0].dtype), start=5)))
    return [result.detach().numpy(), *[t.grad.numpy() for t in inputs if t.grad is not None]]


@pytest.mark.parametrize("name", ALONG)
@pytest.mark.parametrize("shape", [(4, 4096), (1, 20000), (40, 700), (600, 32), (520, 44)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_as_the_formulas_say(name: str, shape: tuple[int, int], dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values and gradients beside those of the plain kernels and formulas in float64."""
    arrays = [_array(*shape, dtype=dtype), *(_array(shape[1], dtype=dtype, start=s) for s in (1, 2))]
    found = _both_ways(ALONG[name], *arrays)
    for module, name_there, value in ((nn, "width_of", _nowhere), (norm, "width_of", _nowhere), (reduce, "LEAST", math.inf)):
        monkeypatch.setattr(module, name_there, value)
    expected = _both_ways(ALONG[name], *(a.astype("float64") for a in arrays))
    bound = 200 * np.finfo(dtype).eps
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=bound, atol=bound * np.abs(b).max())


@pytest.mark.parametrize("name", ALONG)
@pytest.mark.parametrize("shape", [(400, 64), (30, 700), (3, 9000)])
def test_blocks_and_threads_give_the_same_bits(
    name: str, shape: tuple[int, int], threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows at once, a few, and one (a row may be longer than a block), on one thread and on three; sums over rows to a rounding."""
    arrays = [_array(*shape), *(_array(shape[1], start=s) for s in (1, 2))]
    whole = _both_ways(ALONG[name], *arrays)
    monkeypatch.setattr(blocks, "SHARED", 4096)
    for block in (2048, 1):
        monkeypatch.setattr(blocks, "BLOCK", block)
        found = []
        for count in (1, 3):
            threads(count)
            found.append(_both_ways(ALONG[name], *arrays))
        for one, three, before in zip(*found, whole, strict=True):
            assert one.tobytes() == three.tobytes()
            if before.ndim > 1 or name in ("sum", "mean"):
                assert one.tobytes() == before.tobytes()
            np.testing.assert_allclose(one, before, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "most"), [("softmax", 2), ("log_softmax", 2), ("layer_norm", 2), ("group_norm", 1), ("sum", 0)])
def test_large_arrays_go_by_blocks(name: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forward and backward; small ones do not."""
    calls: list[int] = []

    def mapped(work: Callable[..., None], width: int, *arrays: Any, apart: bool = True) -> Any:
        calls.append(width)
        return rows.mapped(work, width, *arrays, apart=apart)

    for module in (nn, norm):
        monkeypatch.setattr(module, "mapped", mapped)
    for count, expected in ((163, 0), (164, most)):
        calls.clear()
        _both_ways(ALONG[name], _array(count, 100), _array(100), _array(100))
        assert calls == [100 if name != "group_norm" else 50] * expected


@pytest.mark.parametrize("op", [tcalc.softmax, tcalc.log_softmax])
def test_rows_with_inf_and_nan(op: Callable[..., Any]) -> None:
    """As the plain kernel has them."""
    x = tcalc.from_numpy(_array(40, 500))
    x[1] = -math.inf
    x[2, 3] = math.inf
    x[3, 4] = math.nan
    x[4, :499] = -math.inf
    few = op(x[:8].clone(), 1)  # too few elements for blocks
    assert op(x, 1)[:8].isnan().equal(few.isnan())
    np.testing.assert_allclose(op(x, 1)[:8].numpy(), few.numpy(), rtol=1e-6)


@pytest.mark.parametrize("op", [tcalc.softmax, tcalc.log_softmax])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_other_dims_and_layouts(op: Callable[..., Any], dtype: str) -> None:
    """Along a dim that is no row, and of what does not lie row by row, with a gradient that does or does not."""
    x = tcalc.from_numpy(_array(300, 200)).to(getattr(tcalc, dtype))
    expected = op(x, 1)
    for turned in (op(x.t(), 0).t(), op(x.t().contiguous(), 0).t(), op(x[:, None], 2)[:, 0]):
        assert (turned - expected).abs().max() <= 2e-6 * (4096 if dtype != "float32" else 1) * expected.abs().max()
    first, second = (x.clone().requires_grad_() for _ in range(2))
    op(first, 1).backward(tcalc.ones((), dtype=x.dtype).expand(300, 200))
    op(second, 1).backward(tcalc.ones_like(x))
    assert first.grad.dtype is x.dtype
    assert (first.grad - second.grad).abs().max() < 0.05


def test_what_is_not_in_rows() -> None:
    a = _array(200, 100)
    assert rows.width_of((1,), a, a) == rows.width_of((-1,), a) == 100
    assert rows.width_of((0, 1), a) == 20000
    assert rows.width_of((1,), a.reshape(200, 10, 10)) == 0
    for other in (a[:, :50], a.T, a.astype("int32"), a[:3], np.broadcast_to(a[0], (200, 100)), a.reshape(2000, 10)):
        assert rows.width_of((1,), other) == 0
    assert rows.width_of((1,), a, a.astype("float64")) == rows.width_of((1,), a, a.T) == 0


def test_numpys_buffer_is_put_back() -> None:
    """Also where the work fails."""
    before = np.getbufsize()
    seen = []
    rows.uncopied(1000, lambda: seen.append(np.getbufsize()))
    rows.uncopied(100, lambda: seen.append(np.getbufsize()))
    with pytest.raises(ZeroDivisionError):
        rows.uncopied(1000, lambda: 1 // 0)  # type: ignore[arg-type,return-value]  # on purpose
    assert seen == [64, before]
    assert np.getbufsize() == before


def test_no_rows() -> None:
    for op in (lambda x: x.softmax(1), lambda x: x.log_softmax(1), _layer_norm):
        x = tcalc.zeros(0, 5000, requires_grad=True)
        op(x).backward(tcalc.zeros(0, 5000))
        assert x.grad.shape == (0, 5000)


# --- running sums -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 15, 16, 17, 63, 64, 65, 100, 20001])
def test_running_sums(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As NumPy adds in float64 one by one, rounded, wherever parts end."""
    monkeypatch.setattr(rows, "PART", 64)
    a = _array(size)
    assert rows.running(a).tobytes() == np.add.accumulate(a.astype("float64")).astype("float32").tobytes()


@pytest.mark.parametrize("special", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("place", [0, 7, 63, 64, 70, 129])
def test_running_sums_before_inf_and_nan_stay(special: float, place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PART", 64)
    a = _array(130)
    a[place] = special
    np.testing.assert_array_equal(rows.running(a), np.add.accumulate(a.astype("float64")).astype("float32"))


def test_cumsum_of_a_long_row() -> None:
    """No sum of zeros is -0.0; what does not lie in one piece, and in-place and out= forms, all the same."""
    assert not tcalc.full((20000,), -0.0).cumsum(0).signbit().any()
    x = tcalc.from_numpy(_array(40000))[::2]
    expected = x.double().cumsum(0).float()
    assert x.cumsum(0).equal(expected)
    assert x.clone().cumsum_(0).equal(expected)
    assert tcalc.cumsum(x, 0, out=tcalc.empty(20000)).equal(expected)


# --- losses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5,), (7, 5), (2, 5, 3, 4)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_of_classes_that_all_count(shape: tuple[int, ...], reduction: str) -> None:
    """The same values and gradients as with a weight of 1 for each class, and as with one more sample that is ignored."""
    batch = shape[:1] + shape[2:] if len(shape) > 1 else ()
    target = tcalc.arange(math.prod(batch)).reshape(batch) % 5
    results = []
    for weight in (None, tcalc.ones(5)):
        x = tcalc.from_numpy(_array(*shape)).requires_grad_()
        loss = F.nll_loss(x, target, weight, reduction=reduction)
        loss.sum().backward()
        results.append((loss.detach(), x.grad))
    assert results[0][0].equal(results[1][0])
    assert results[0][1].equal(results[1][1])
    with pytest.raises(IndexError, match="Target 5 is out of bounds"):
        F.nll_loss(x.detach(), tcalc.full(batch, 5))


# --- plans of ops with arguments ------------------------------------------------------------------------------------------


def test_plans_tell_arguments_apart() -> None:
    """By value and by kind, on the first call and on later ones."""
    x = tcalc.from_numpy(_array(3, 4))
    for _ in range(3):
        assert x.softmax(0).sum(0).sub(1).abs().max() < 1e-6
        assert x.softmax(1).sum(1).sub(1).abs().max() < 1e-6
        assert x.softmax(0, dtype=tcalc.float64).dtype is tcalc.float64
        assert x.softmax(0).dtype is tcalc.float32
        assert _layer_norm(x, eps=1.0).abs().max() < _layer_norm(x, eps=1e-5).abs().max()
        assert F.layer_norm(x, (3, 4)).ne(F.layer_norm(x, (4,))).any()
        with pytest.raises(TypeError):
            x.softmax(True)
        with pytest.raises(TypeError):
            x.softmax(1.0)
        with pytest.raises(IndexError):
            x.softmax(2)
