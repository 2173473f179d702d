"""Plans of expressions: what comes out is what running them gives, and nothing is run."""

from __future__ import annotations

from typing import Any

import pytest

from tcalc.session.errors import Error
from tcalc.session.explain import Explanation, Refused, explain
from tcalc.session.lessons import reshape_groups
from tcalc.session.session import Session
from tcalc.session.tensors import is_tensor, memory_of, named_tensors, version_of

NAMES = """
x = arange(6.).view(2, 3)
y = x.T
v = arange(3.)
s = tensor(2.5)
n = tensor([0, 2, 1])
k = tensor([[1], [0]])
m = zeros(2, 3, dtype=torch.bool)
a = randn(5, 3, 4)
b = randn(4, 2).requires_grad_()
c = a.permute(2, 0, 1)
d = x.double()
e = zeros(0, 3)
g = x.half()
h = ones(2, 1, 3)
p = [x, x + 1]
size = (3, 2)
"""

EXPRESSIONS = """
x + v; v + x; x - 1; 2 * x; x / n; x ** 2; x // 2; x % 2; -x; x @ y; y @ x; a @ b; v @ y; x @ v; v @ v; a @ ones(5, 4, 1)
c @ ones(3, 2); x > 1; x == v; x <= h; ~m; m & True; m | (x > 1); n << 1; s + x; s * n; x + d; g + x; n + 1.5; n / 2; d * g; e + 1
e + v; c + 1; c * c; c + a.permute(2, 0, 1); y + y; y + x.T; y * 2 + 1; h + x; x + h; h * a[:2, :1, :3]; a.transpose(0, 2) - 1
cat([x, x]); cat([x, d], dim=1); cat((x, e)); torch.cat([y, y], -1); stack([x, x]); stack([v, v, v], 1); stack(p, dim=-1); cat(p, 1)
hstack([v, v]); vstack([v, v]); x.view(3, 2); x.view(-1); x.view(size); x.reshape(6); y.reshape(6); y.reshape(3, 2); a.reshape(15, 4)
c.reshape(4, 15); c.reshape(20, 3); x.flatten(); c.flatten(1); a.unflatten(2, (2, 2)); s.reshape(1, 1); e.reshape(3, 0); x.ravel()
x.permute(1, 0); a.permute(2, 0, 1); a.transpose(0, 2); x.t(); x.T; a.mT; a.movedim(0, 2); s.T; x.sum(); x.sum(0)
x.sum(1, keepdim=True); a.sum((0, 2)); a.mean(-1); a.mean((1, 2), keepdim=True); x.prod(); x.amax(1); a.amin((0, 1)); x.max(1); x.min()
x.argmax(); x.argmax(1, keepdim=True); x.std(0); x.var(); m.any(); m.all(0); n.sum(); m.sum(1); x.norm(); a.logsumexp(1); x.median(1)
e.sum(0); s.sum(); c.sum(1); c.mean(0); x[0]; x[-1, 1]; x[:, 1]; x[0:1]; x[:, ::2]; x[None]; x[..., 0]; x[:, None]; x[0, ..., None]
a[1:3, :, 2]; a[:, n]; a[n]; a[n, :, n]; a[:, n, n]; a[0, n]; a[n, 0]; a[k, n]; a[[0, 1]]; a[:, [0, 2], 1:]; y[1]; y[:, 0]; s[None]
s[...]; a[..., n, None]; x[x.shape[0] - 1]; x[True]; v.expand(4, 3); h.expand(2, 5, 3); h.expand(-1, 4, -1); v.expand_as(x)
torch.broadcast_to(v, (2, 3)); s.expand(2); v[None].expand(4, -1); where(m, x, v); where(x > 1, x, 0.0); torch.maximum(x, v)
torch.clamp(x, 0, 1); x.clamp(min=1); x.lerp(v, 0.5); x.relu(); torch.exp(y); F.relu(c); torch.sigmoid(x) * y.T; x.abs().sqrt()
torch.atan2(x, v); x.masked_fill(m, 0.0); x.unsqueeze(1); h.squeeze(1); h.squeeze(); x.select(0, 1); x.narrow(1, 0, 2); x.diagonal()
x.unfold(1, 2, 1); x.repeat(2, 1); x.flip(0); x.roll(1); x.tril(); x.chunk(2, 1); a.split(2); x.unbind(); x.contiguous()
y.contiguous(); x.clone(); c.clone(); x.detach(); x.to(torch.float64); x.float(); x.int(); x.cumsum(1); x.sort(1); x.topk(2)
softmax(x, dim=1); F.log_softmax(a, -1); F.linear(x, ones(4, 3)); F.mse_loss(x, h[:, 0]); torch.outer(v, v); x.gather(1, k)
x.index_select(1, n); torch.diag(v); torch.zeros_like(c); torch.ones_like(x, dtype=torch.int32); x.new_zeros(2); b.grad_fn
b.detach() + 1; (b * 2).T; b.sum() * 2; (x - x.mean(0)) / x.std(0); (x @ y).sum(1).softmax(0); cat([x.T, y], 1)[:, n].reshape(-1)
(a @ b).permute(2, 0, 1)[0].T; x.view(3, 2).T.reshape(6)[::2]; torch.stack([x, x]).mean(0).T @ x; ((x + v) * (x > 1)).sum(); x.shape
x.shape[0] * 2; len(x); x.dim()
"""


def table() -> list[str]:
    """The expressions one by one."""
    return [each.strip() for line in EXPRESSIONS.strip().split("\n") for each in line.split(";") if each.strip()]


@pytest.fixture
def session() -> Session:
    """A session with NAMES in it."""
    session = Session(observe=True)
    for record in session.run("manual_seed(0)" + NAMES):
        assert record.error is None, record.error
    return session


def state(session: Session) -> list[Any]:
    """All that a plan must not change."""
    from tcalc.engine.generator import default_generator

    held = [(name, id(tensor), version_of(tensor), id(tensor._grad)) for name, tensor in named_tensors(session.env.variables)]
    drawn = default_generator.state() if "_twister" in vars(default_generator) else None
    return [held, list(session.env.variables), session.number, drawn]


def run(session: Session, expression: str) -> Any:
    """What the expression gives when it is run; the Error when it fails."""
    found = Session()
    found.env.variables.update(session.env.variables)
    record = found.run(expression)[0]
    return record.error if record.error is not None else record.results[0].value if record.results else None


def test_there_are_many_expressions() -> None:
    assert len(table()) > 150


def test_plans_are_what_running_gives(session: Session) -> None:
    wrong = []
    for expression in table():
        before = state(session)
        found = explain(expression, session)
        assert state(session) == before, expression
        value = run(session, expression)
        assert not isinstance(value, Error), (expression, value)
        parts = [each for each in (value if isinstance(value, (tuple, list)) else [value]) if is_tensor(each)]
        real = [(each.dtype.name, tuple(each.shape), each.stride(), each.storage_offset()) for each in parts]
        planned = [(each.dtype, each.shape, each.stride, each.offset) for each in found.results]
        if found.error is not None or planned != real:
            wrong.append((expression, planned, real, found.error))
        elif len(found.lessons) == 1 and found.lessons[0].op and len(parts) == 1:
            shares = any(memory_of(tensor) is memory_of(parts[0]) for _, tensor in named_tensors(session.env.variables))
            said = " ".join(row.remark for row in found.lessons[0].rows)
            if shares == said.endswith("new storage"):
                wrong.append((expression, said, shares))
    assert not wrong


FAILING = """
x + ones(2); x @ x; a + b; y.view(6); x.view(4); x[5]; x[0, 0, 0]; x.sum(3); x.expand(2, 4); cat([x, v]); cat([x, ones(3, 2)]); stack([x, v])
x.permute(0); x.reshape(4, 2); nosuch + 1; siez; b.detsch(); x.nosuch(); x.sum(dim='a'); torch.nosuch(x); a @ v; where(m, x, ones(5)); x.squeeze(4); x + ones(2) * 3
"""


def test_failures_are_told_as_running_tells_them(session: Session) -> None:
    for expression in (each.strip() for line in FAILING.strip().split("\n") for each in line.split(";")):
        error = explain(expression, session).error
        assert error is not None, expression
        real = run(session, expression)
        assert isinstance(real, Error), expression
        assert error.message == real.message, expression
        assert error.torch == real.torch
        assert (error.text, error.marks, error.operands) == (real.text, real.marks, real.operands)
        assert [(hint.text, hint.remark) for hint in error.hints] == [(hint.text, hint.remark) for hint in real.hints], expression


@pytest.mark.parametrize(
    "expression",
    [
        "q = x + 1", "x += 1", "x.add_(1)", "x.relu_()", "b.sum().backward()", "print(x)", "own(x)", "anon(x)", "layer(x)", "p.append(x)",
        "torch.add(x, 1, out=x)", "F.relu(x, inplace=True)", "[t for t in p]", "(lambda: x)()", "x if m.any() else v", "x.item()",
        "x[m]", "x[x > 1]", "x.nonzero()", "torch.manual_seed(3)", "torch.autograd.grad(b.sum(), b)", "x.tolist()", "layer.weight + 1",
        "x; v", "def f(): 1", "torch.set_default_dtype(torch.float64)", "b.retain_grad()", "(w := x)", "f'{x}'",
    ],
)  # fmt: skip
def test_what_is_not_planned_is_refused_in_one_line(session: Session, expression: str) -> None:
    session.run("def own(t): return t\nanon = lambda t: t\nlayer = nn.Linear(3, 2)\n")
    before = state(session)
    with pytest.raises(Refused) as refused:
        explain(expression, session)
    assert "\n" not in str(refused.value)
    assert str(refused.value)
    assert state(session) == before


def notes(found: Explanation) -> dict[str, str]:
    """The notes of the last lesson."""
    return dict(found.lessons[-1].notes)


def test_broadcasting(session: Session) -> None:
    lesson = explain("x + v", session).lessons[-1]
    assert [(row.name, row.cells) for row in lesson.rows] == [("x", ("2", "3")), ("v", ("-", "3")), ("result", ("2", "3"))]
    assert "stride (0, 1)" in lesson.rows[1].remark
    assert dict(lesson.notes) == {"backward": "v would get the sum over dim 0, back to (3,)"}


def test_what_backward_would_do_is_what_it_does(session: Session) -> None:
    """The dims named in the note are those over which autograd sums."""
    assert notes(explain("h + a[:2, :, :3]", session))["backward"] == "h would get the sum over dim 1, back to (2, 1, 3)"
    session.run("q = h.clone().requires_grad_(); t = a[:2, :, :3]; w = randn(2, 3, 3); ((q + t) * w).sum().backward()")
    q, w = session.env.variables["q"], session.env.variables["w"]
    assert q.grad.tolist() == w.sum(1, keepdim=True).tolist()


def test_reductions_name_the_dims(session: Session) -> None:
    found = explain("a.sum((0, 2))", session)
    assert found.lessons[-1].rows[-1].cells == ("-", "3", "-")
    assert notes(found)["dims"] == "dims 0, 2 vanish (keepdim=True would keep size 1)"
    assert notes(explain("a.mean(1, keepdim=True)", session))["dims"] == "dim 1 stays with size 1 (keepdim)"


def test_steps_go_from_the_inside_out_and_are_limited(session: Session) -> None:
    found = explain("(x - x.mean(0)) / x.std(0)", session)
    assert [lesson.op for lesson in found.lessons] == ["mean", "sub", "std", "div"]
    long = explain(" + ".join(["x"] * 30), session)
    assert (len(long.lessons), long.left_out) == (8, 21)


@pytest.mark.parametrize(
    ("old", "new", "groups"),
    [
        ((2, 3), (6,), [([0, 1], [6])]),
        ((6,), (2, 3), [([0], [2, 3])]),
        ((4, 6), (2, 2, 6), [([0], [2, 2]), ([1], [6])]),
        ((4, 6), (8, 3), [([0, 1], [8, 3])]),
        ((2, 1, 3), (2, 3), [([0], [2]), ([1, 2], [3])]),
        ((), (1, 1), [([], [1]), ([], [1])]),
    ],
)
def test_reshape_groups(old: tuple[int, ...], new: tuple[int, ...], groups: list[tuple[list[int], list[int]]]) -> None:
    assert reshape_groups(old, new) == groups
