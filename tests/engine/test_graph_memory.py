"""What the recorded graph holds on to: nothing after backward, nothing in cycles, and never Python's stack."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from gradient_cases import ALL, Case

import tcalc
from tcalc.engine.graph import Node
from tcalc.engine.storage import Storage
from tcalc.engine.tensor import Tensor


@pytest.fixture
def no_collector() -> Iterator[None]:
    """The cyclic collector off, so that only reference counts free anything, and blind to what was there before."""
    gc.disable()
    gc.freeze()
    yield
    gc.unfreeze()
    gc.enable()


def living() -> Counter[str]:
    """How many Tensors, Storages and graph nodes there are since the collector was frozen."""
    return Counter(kind.__name__ for kind in map(type, gc.get_objects()) if issubclass(kind, (Tensor, Storage, Node)))


def spread_over(result: Any) -> Any:
    """A scalar that every differentiable part of an op's result takes part in."""
    parts = result if isinstance(result, (tuple, list)) else (result,)
    return sum((part * 1.0).abs().sum() if part.is_complex() else (part * 1.0).sum() for part in parts if part.requires_grad)


ONCE_ONLY = {"ctc_losses[0]"}  # refused the second time, as in torch


@pytest.mark.parametrize("case", ALL, ids=[case[0] for case in ALL])
@pytest.mark.usefixtures("no_collector")
def test_no_op_makes_a_cycle(case: Case) -> None:
    name, function, inputs = case

    def once(create_graph: bool) -> None:
        leaves = [t.detach().requires_grad_() for t in inputs]
        result = spread_over(function(*leaves))
        grads = tcalc.autograd.grad(result, leaves, create_graph=create_graph, allow_unused=True)
        again = [g for g in grads if g is not None and g.requires_grad]
        if again and name not in ONCE_ONLY:
            spread_over(again).backward()

    once(False), once(True)  # what is made once and kept: interned specs, plans, compiled formulas
    before = living()
    once(False), once(True)
    assert living() == before


@pytest.mark.usefixtures("no_collector")
def test_saved_values_go_as_backward_passes() -> None:
    x = tcalc.ones(3, requires_grad=True)
    steps, saved = [x], []
    for _ in range(6):
        y = steps[-1].exp() * 0.1
        node = y.grad_fn.next_functions[0][0]
        saved.append(weakref.ref(next(node.kept())[1].storage))
        steps.append(y)
    seen: list[list[bool]] = []
    steps[3].register_hook(lambda grad: seen.append([ref() is not None for ref in saved]))
    out = steps[-1].sum()
    del steps, y, node
    out.backward()
    assert seen == [[True, True, True, False, False, False]]
    assert not any(ref() for ref in saved)
    assert out.grad_fn is not None  # the graph itself is still there: a second backward says that it was freed
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        out.backward()


@pytest.mark.usefixtures("no_collector")
def test_a_training_loop_does_not_grow() -> None:
    tcalc.manual_seed(0)
    model = tcalc.nn.Sequential(tcalc.nn.Linear(4, 8), tcalc.nn.Tanh(), tcalc.nn.Linear(8, 2))
    optimizer = tcalc.optim.SGD(model.parameters(), lr=0.01)
    x, y = tcalc.randn(5, 4), tcalc.randn(5, 2)

    def train(steps: int) -> Any:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = ((model(x) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
        return loss.item()

    first = train(10)
    before = living()
    last = train(10_000)
    assert living() == before
    assert last < first


@pytest.mark.usefixtures("no_collector")
def test_a_million_deep_graph_needs_no_stack() -> None:
    x = tcalc.ones(1, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y + 1
    y.backward()
    assert x.grad.tolist() == [1.0]
    assert y.item() == 1_000_001
    root = weakref.ref(y.grad_fn)
    del y
    assert root() is None


@pytest.mark.usefixtures("no_collector")
def test_a_deep_graph_is_freed_without_backward_and_after_create_graph() -> None:
    x = tcalc.ones(1, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    (g,) = tcalc.autograd.grad(y, x, create_graph=True)
    assert g.tolist() == [1.0]
    root = weakref.ref(g.grad_fn if g.grad_fn is not None else y.grad_fn)
    del g, y
    assert root() is None
