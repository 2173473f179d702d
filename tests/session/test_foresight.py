"""Notes on growth, copies, stores, gradients and graphs: when they are made, and when they are not."""

from __future__ import annotations

import pytest

from tcalc.session.session import Session
from tcalc.session.topics import TOPICS

BEFORE = """
pred = ones(100, 1); target = ones(100)
a = arange(3.); b = arange(4.)
x = arange(6).view(2, 3)
e = ones(1).expand(3)
f = ones(2)
w = ones(2, requires_grad=True)
h = w * w
def own(t): return t - target
"""
NOTED = [
    ("loss = ((pred - target) ** 2).mean()", "broadcast-grow", "pred (100, 1) - target (100,) grew to (100, 100)", "meant element by element? pred - target[:, None]   -> (100, 1)"),
    ("target - pred", "broadcast-grow", "target (100,) - pred (100, 1) grew to (100, 100)", "meant element by element? target[:, None] - pred   -> (100, 1)"),
    ("F.mse_loss(pred, target)", "broadcast-grow", "pred (100, 1) with target (100,) grew to (100, 100)", "meant element by element? F.mse_loss(pred, target[:, None])   -> ()"),
    ("pred.sub(target)", "broadcast-grow", "pred (100, 1) with target (100,) grew to (100, 100)", "meant element by element? pred.sub(target[:, None])   -> (100, 1)"),
    ("y = x.T.reshape(6)", "reshape-copied", "reshape copied 6 values: x.T, stride (1, 3), cannot be read as (6,)", "writing the result does not write the original"),
    ("x[0, 0] = 1.7", "int-tensor", "x is int64: fractions are cut off", "x = x.float() keeps them"),
    ("x.fill_(2.5)", "int-tensor", "x is int64: fractions are cut off", "x = x.float() keeps them"),
    ("e[0] = 5", "expanded-write", "e is expanded, stride (0,): one slot shows at several indices, and all of them change", None),
    ("f[:] = ones(2, dtype=float64)", "narrowing", "float64 values are stored in f, which is float32", None),
    ("h = w * 3", "unused-graph", "the former h had a graph (MulBackward0) that was dropped without a backward", None),
    ("h.grad", "non-leaf-grad", "h is not a leaf (grad_fn MulBackward0), so backward() dropped its grad", "call h.retain_grad() before backward()"),
]  # fmt: skip
QUIET = [
    "a[:, None] * b[None, :]", "a + 1", "a + ones(2, 3)", "ones(2, 3) + 1.5", "y = x.reshape(6)", "y = x.T.reshape(3, 2)", "x[0, 0] = 2", "f[0] = 1.5", "f[0] = 0.1",
    "h = h * 2", "own(pred)", "for i in range(2): pred - target", "pred = pred.squeeze(1)", "e = e + 1", "x.T.contiguous()", "w.sum().backward()", "f = f.double()",
]  # fmt: skip


def session_before() -> Session:
    session = Session(observe=True)
    session.run(BEFORE)
    return session


@pytest.mark.parametrize(("source", "ident", "text", "detail"), NOTED, ids=[case[0] for case in NOTED])
def test_noted(source: str, ident: str, text: str, detail: str | None) -> None:
    (record,) = session_before().run(source)
    assert record.error is None
    assert [(note.ident, note.text, *note.details) for note in record.notes] == [(ident, text, *([detail] if detail else []))]
    assert ident in TOPICS


@pytest.mark.parametrize("source", QUIET)
def test_quiet(source: str) -> None:
    (record,) = session_before().run(source)
    assert record.error is None
    assert record.notes == []


def test_a_second_backward_is_noted_until_the_gradient_is_cleared() -> None:
    session = session_before()
    idents = [[note.ident for note in session.run(line)[-1].notes] for line in ("w.sum().backward()", "w.sum().backward()", "w.grad = None", "w.sum().backward()")]
    assert idents == [[], ["grad-accumulated"], [], []]


def test_scripts_are_not_looked_at() -> None:
    session = Session()
    session.run(BEFORE)
    assert session.run("pred - target")[-1].notes == []


def test_looking_ahead_leaves_no_trace() -> None:
    session = session_before()
    before = session.run("(manual_seed(0), rand(2).tolist())[1]")[-1].results[-1].value
    session.run("manual_seed(0);")
    session.run("y = (rand(3, 1) - rand(3)).sum()")
    session.run("manual_seed(0);")
    assert session.run("rand(2).tolist()")[-1].results[-1].value == before
    assert session.run("is_grad_enabled()")[-1].results[-1].value is True
