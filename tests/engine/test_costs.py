"""What an op costs, counted: Python calls, objects built, NumPy kernels. Times vary with the machine; these do not."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

import tcalc
from tcalc.engine import backend
from tcalc.engine.simulated.ufuncs import Ufunc

np = backend.np
A, B = tcalc.tensor([1.0, 2.0, 3.0]), tcalc.tensor([4.0, 5.0, 6.0])
X, Y = (t.clone().requires_grad_() for t in (A, B))
M = tcalc.ones(2, 3)
W1, W2, C1, C2 = (tcalc.rand(*shape, requires_grad=True) for shape in ((16, 32), (32, 4), (32,), (4,)))
LOGITS, CLASSES, ROWS = tcalc.rand(8, 4, requires_grad=True), tcalc.tensor([0, 1, 2, 3] * 2), tcalc.rand(2, 16, requires_grad=True).unbind()
functional: Any = tcalc.nn.functional
INPUT, TARGET = tcalc.rand(8, 16), tcalc.rand(8, 4)


def _micro() -> None:
    (X * Y + X).sum().backward()
    X.grad = Y.grad = None


def _cross_entropy() -> None:
    functional.cross_entropy(LOGITS, CLASSES).backward()
    LOGITS.grad = None


def _step() -> None:
    (((INPUT @ W1 + C1).relu() @ W2 + C2 - TARGET) ** 2).mean().backward()
    with tcalc.no_grad():
        for p in (W1, W2, C1, C2):
            p -= 0.01 * p.grad
            p.grad = None


# (Python functions called, tensors and nodes built): the most that each may take. They are what was counted when this was written; more of
# them is slower, so a change that needs more says why here.
BUDGETS: dict[str, tuple[Callable[[], Any], int, int]] = {
    "a + b": (lambda: A + B, 1, 1),
    "x + b": (lambda: X + B, 2, 2),
    "x + 1.5": (lambda: X + 1.5, 3, 2),
    "x * y": (lambda: X * Y, 2, 2),
    "a.add_(b)": (lambda: A.add_(B), 1, 0),
    "m.view(3, 2)": (lambda: M.view(3, 2), 2, 1),
    "m[0]": (lambda: M[0], 4, 1),
    "m[1:2]": (lambda: M[1:2], 3, 1),
    "m.T": (lambda: M.T, 2, 1),
    "m @ m.T": (lambda: M @ M.T, 7, 2),
    "x ** 2": (lambda: X**2, 8, 2),
    "x.exp()": (lambda: X.exp(), 5, 4),
    "x.sum()": (lambda: X.sum(), 6, 2),
    "x.softmax(0)": (lambda: X.softmax(0), 13, 4),
    "x.sum(dim=0)": (lambda: X.sum(dim=0), 9, 2),
    "cat": (lambda: tcalc.cat([A, B]), 9, 1),
    "layer_norm": (lambda: functional.layer_norm(INPUT, (16,), ROWS[0], bias=ROWS[1]), 26, 2),
    "cross_entropy": (_cross_entropy, 60, 7),
    "(x*y+x).sum().backward()": (_micro, 29, 8),
    "a training step of an MLP": (_step, 107, 26),
}


def counted(step: Callable[[], Any]) -> tuple[int, int]:
    """Python functions that a step calls, its own apart, and objects it builds, once all its plans are made."""
    for _ in range(3):
        step()
    calls: Counter[str] = Counter()
    new = object.__new__

    def look(frame: FrameType, event: str, arg: object) -> None:
        if event == "call":
            calls["functions"] += 1
        elif event == "c_call" and arg == new:
            calls["objects"] += 1

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        step()
    finally:
        sys.setprofile(before)
    return calls["functions"] - 1, calls["objects"]


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize("name", BUDGETS)
def test_costs_no_more_than_it_did(name: str) -> None:
    step, functions, objects = BUDGETS[name]
    assert counted(step) <= (functions, objects)


# Elementwise kernels that each may start, forward and backward: on the stand-in for a GPU, where each is a call that can be counted.
KERNELS: dict[str, tuple[Callable[[tcalc.Tensor, tcalc.Tensor], Any], int]] = {
    "x + y": (lambda x, y: x + y, 1),
    "x.relu()": (lambda x, y: x.relu(), 1),
    "x.softmax(0)": (lambda x, y: x.softmax(0), 3),
    "(x*y+x).sum().backward()": (lambda x, y: (x * y + x).sum().backward(), 5),
    "x.tanh().sum().backward()": (lambda x, y: x.tanh().sum().backward(), 4),
    "(x**2).mean().backward()": (lambda x, y: (x**2).mean().backward(), 6),
}


@pytest.fixture
def stand_in() -> Iterator[None]:
    """One simulated cuda device."""
    backend.simulate(1)
    yield
    backend.simulate(0)


@pytest.mark.usefixtures("stand_in", "unwatched")
@pytest.mark.parametrize("name", KERNELS)
def test_starts_no_more_kernels_than_it_did(name: str) -> None:
    step, most = KERNELS[name]
    x, y = (tcalc.tensor([1.0, 2.0, 3.0], device="cuda", requires_grad=True) for _ in range(2))
    started = 0

    def look(frame: FrameType, event: str, arg: object) -> None:
        nonlocal started
        started += event == "call" and frame.f_code is Ufunc.__call__.__code__

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        step(x, y)
    finally:
        sys.setprofile(before)
    assert 0 < started <= most
