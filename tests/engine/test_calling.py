"""Plans that calls are kept by: a second call like the first takes nothing from it but what both decide alike."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tcalc
from tcalc import Tensor
from tcalc.engine.calling import recognised
from tcalc.engine.errors import EngineError
from tcalc.engine.families.structural import composite
from tcalc.engine.registry import OPS, PUBLIC

functional: Any = tcalc.nn.functional
A, B = tcalc.tensor([1.0, 2.0]), tcalc.tensor([10.0, 30.0])


def twice(call: Callable[[], Any]) -> Any:
    """What the second of two equal calls gives: the one by a plan that was kept."""
    call()
    return call()


def test_named_arguments_in_another_order() -> None:
    """One tensor given for two names does not say which is which."""
    twice(lambda: functional.mse_loss(target=A, input=A, reduction="none"))
    assert functional.mse_loss(target=B, input=A, reduction="none").tolist() == [81.0, 784.0]
    twice(lambda: tcalc.sub(other=A, input=A, alpha=2))
    assert tcalc.sub(other=B, input=A, alpha=2).tolist() == [-19.0, -58.0]
    twice(lambda: tcalc.sub(other=A, input=B, alpha=2))
    assert tcalc.sub(other=B, input=A, alpha=2).tolist() == [-19.0, -58.0]


def test_equal_arguments_of_other_kinds() -> None:
    """1, 1.0 and True are equal, and so are the zeros; what they do is not."""
    x = tcalc.tensor([[0.0, 1.0]])
    assert [twice(lambda k=k: x.sum(dim=1, keepdim=k)).shape for k in (True, False)] == [(1, 1), (1,)]
    assert [str(twice(lambda v=v: tcalc.full((1,), fill_value=v)).dtype) for v in (1, 1.0, True)] == ["torch.int64", "torch.float32", "torch.bool"]
    assert [str(twice(lambda v=v: tcalc.full((1,), fill_value=v)).item()) for v in (0.0, -0.0)] == ["0.0", "-0.0"]


def test_a_tensor_that_stands_for_a_number() -> None:
    """What it holds, and whether it has a history, decide about the call."""
    for number in (3, 5):
        assert twice(lambda n=number: tcalc.full((2,), fill_value=tcalc.tensor(n))).tolist() == [number] * 2
        assert twice(lambda n=number: tcalc.arange(10).narrow(0, tcalc.tensor(n), length=2)).tolist() == [number, number + 1]
    x = tcalc.ones(3)
    assert twice(lambda: x.clamp(min=tcalc.tensor(2.0))).tolist() == [2.0] * 3
    limit = tcalc.tensor(4.0, requires_grad=True)
    found = x.clamp(min=limit)
    found.sum().backward()
    assert found.tolist() == [4.0] * 3
    assert limit.grad is not None
    assert limit.grad.item() == 3


def test_lists_with_tensors_in_some_places() -> None:
    x = tcalc.arange(12.0).view(3, 4).requires_grad_()
    for first, second in (([0, -1], [0.0, 3.0]), ([1, 1], [1.0, 1.0]), ([2, 3], [2.0, 3.0])):
        picked = x[:, first]
        assert picked[0].tolist() == second
        (grad,) = tcalc.autograd.grad(picked.sum(), x)
        assert grad[0].tolist() == [float(first.count(i) + first.count(i - 4)) for i in range(4)]
        assert tcalc.index_put(x.detach(), [tcalc.tensor([0]), tcalc.tensor(first[:1])], tcalc.tensor([9.0]))[0].tolist()[first[0]] == 9


@pytest.fixture
def wide() -> Iterator[Callable[[], None]]:
    """Make floats wide by default, for one test."""
    yield lambda: tcalc.set_default_dtype(tcalc.float64)
    tcalc.set_default_dtype(tcalc.float32)


@pytest.mark.parametrize("name", ["logsumexp", "softmin", "fft", "std", "normalize", "linspace"])
def test_the_default_dtype_may_change(wide: Callable[[], None], name: str) -> None:
    ints = tcalc.tensor([1, 2, 3])
    call: Callable[[], Tensor] = {
        "logsumexp": lambda: tcalc.logsumexp(ints, 0),
        "softmin": lambda: functional.softmin(ints / 2, dim=0),
        "fft": lambda: tcalc.fft.rfft(ints, norm="ortho").real,
        "std": lambda: (ints / 1).std(dim=0),
        "normalize": lambda: functional.normalize(ints / 1, dim=0),
        "linspace": lambda: tcalc.linspace(0, 1, steps=3),
    }[name]
    twice(call)
    assert call().dtype is tcalc.float32
    wide()
    assert call().dtype is tcalc.float64


def test_an_error_comes_from_one_run() -> None:
    """An op that fails by a plan is not run again to say so: what it drew or wrote before stays so."""
    runs = []

    def failing(F: Any, self: Any, other: Any = None, *, word: Any = "") -> Any:
        runs.append(word)
        if self.sum() > 10:
            raise EngineError("too much")
        return self

    failing.__name__, failing.__annotations__ = "failing_for_this_test", {"other": "Tensor | None", "word": "Str"}
    op = composite(function=False, method=False)(failing)
    try:
        twice(lambda: op.call(A, word="w"))
        runs.clear()
        with pytest.raises(EngineError, match="too much") as caught:
            op.call(B, word="w")
        assert runs == ["w"]
        assert caught.value.op == op.public
        assert caught.value.operands == {"self": B, "word": "w"}
        twice(lambda: op.call(A))
        runs.clear()
        with pytest.raises(EngineError, match="too much"):
            op.call(B)
        assert runs == [""]
    finally:
        dict.pop(OPS, op.name)
        dict.pop(PUBLIC, op.public)


def test_plans_keep_no_tensor_alive() -> None:
    x = tcalc.rand(3, 4, requires_grad=True)
    rows = [tcalc.rand(4), tcalc.rand(4)]
    for _ in range(2):
        functional.layer_norm(x, (4,), rows[0], bias=rows[1]).sum().backward()
        functional.cross_entropy(x, tcalc.tensor([0, 1, 2]), weight=rows[0], reduction="sum").backward()
        tcalc.cat([rows[0], rows[1]], dim=0)
    found = [weakref.ref(t) for t in (x, *rows)]
    del x, rows
    gc.collect()
    assert [ref() for ref in found] == [None] * 3


def test_lists_of_lists_are_not_walked_through() -> None:
    """Sixteen million elements in five short lines are refused by the first look at the arguments, not by the last."""
    row = [1] * 256
    key: list[object] = []
    assert not recognised([[[row] * 256] * 256], key, [])
    assert len(key) < 1024
    with pytest.raises(TypeError, match="expected Tensor as element 0 in argument 0, but got list"):
        tcalc.cat([[row] * 256] * 256)
