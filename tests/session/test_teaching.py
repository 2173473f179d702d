"""Graph trees, memory maps, traced backwards, statistics and timing, as data."""

from __future__ import annotations

import math
from itertools import product
from random import Random
from typing import Any

import pytest

from tcalc.session.derivatives import HELPERS, documented
from tcalc.session.distribution import PIECE, distribution
from tcalc.session.errors import Error
from tcalc.session.graph_tree import MAX_SHOWN, GraphTree, dot_of_graph, tree_of_graph
from tcalc.session.memory_map import EDGE_SLOTS, MemoryMap, memory_map, place_of_slot
from tcalc.session.session import Session
from tcalc.session.timing import Timing, timing
from tcalc.session.trace import HEAD, Trace
from tcalc.session.trace import trace as traced


@pytest.fixture
def session() -> Session:
    """A session with a few names."""
    session = Session(observe=True)
    ran(
        session,
        """
manual_seed(0)
w = tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True)
x = tensor([[0., 1., 2.], [9., 4., 5.]])
b = ones(3, requires_grad=True)
""",
    )
    return session


def ran(session: Session, source: str) -> None:
    """Run statements that must not fail."""
    for record in session.run(source):
        assert record.error is None, record.error


def tree(session: Session, name: str) -> GraphTree:
    return tree_of_graph(session.env.variables[name], name, session.env.variables, session.trail)


def storage(session: Session, name: str) -> MemoryMap:
    return memory_map(session.env.variables[name], name, session.env.variables, session.observer.storages)


def trace(session: Session, source: str) -> Trace:
    from tcalc.lang.parse import parse

    found = [traced(statement, session) for statement in parse(source)]
    return found[-1]


# --- graphs -----------------------------------------------------------------------------------------------------------


def test_tree_of_a_product(session: Session) -> None:
    ran(session, "loss = (w * x).sum()")
    rows = tree(session, "loss").rows
    assert [(row.kind, row.name, row.shape, row.label) for row in rows] == [
        ("op", "loss", (), "SumBackward0"),
        ("op", "w * x", (2, 3), "MulBackward0"),
        ("leaf", "w", (2, 3), ""),
        ("constant", "x", (2, 3), ""),
    ]
    assert rows[1].saved == ("x",)  # of a product each input saves the other, and x needs no gradient
    assert [row.levels for row in rows] == [(), (False,), (False, True), (False, False)]


def test_shared_values_are_shown_once_and_grads_are_named(session: Session) -> None:
    ran(session, "h = w * 2; h.retain_grad(); z = (h + h * x).sum(); z.backward(retain_graph=True)")
    rows = tree(session, "z").rows
    shared = [row for row in rows if row.number]
    assert [(row.kind, row.name, row.number) for row in shared] == [("op", "h", 1), ("seen", "h", 1)]
    assert shared[0].keeps_grad
    assert shared[0].grad == (2, 3)
    assert [row.grad for row in rows if row.kind == "leaf"] == [(2, 3)]


def test_freed_nodes_say_so(session: Session) -> None:
    ran(session, "z = (w * w).sum(); z.backward()")
    assert [row.freed for row in tree(session, "z").rows][1]


@pytest.mark.parametrize("source", ["tanh(h * w + 1)", "h * 2.0", "cat([h, w])[:2]"])
def test_long_chains_are_folded_and_every_node_is_counted(session: Session, source: str) -> None:
    ran(session, f"h = w\nfor i in range(60): h = {source}\n")
    found = tree(session, "h")
    folded = sum(row.labels.total() for row in found.rows)
    assert len(found.rows) < MAX_SHOWN
    assert folded + sum(row.kind == "op" for row in found.rows) == found.nodes


def test_a_shared_value_ends_a_chain(session: Session) -> None:
    ran(session, "r = w * 2; s = r * 3; p = s; q = s\nfor i in range(30): p = p.tanh()\n\nfor i in range(30): q = q.exp()\n\nz = p + q")
    found = tree(session, "z")
    assert [(row.kind, row.number) for row in found.rows if row.name == "s"] == [("op", 1), ("seen", 1)]
    assert sum(row.labels.total() for row in found.rows) + sum(row.kind == "op" for row in found.rows) == found.nodes == 63


def test_wide_graphs_are_cut(session: Session) -> None:
    ran(session, "z = cat([w * i for i in range(100)])")
    found = tree(session, "z")
    assert sum(row.kind == "op" for row in found.rows) == MAX_SHOWN
    assert found.rows[-1].labels == {"": 101 - MAX_SHOWN}


def test_a_deep_graph_needs_no_recursion(session: Session) -> None:
    ran(session, "h = b\nfor i in range(100000): h = h * 1.0\n")
    assert tree(session, "h").nodes == 100_000
    assert len(dot_of_graph(session.env.variables["h"], "h", session.env.variables, session.trail).nodes) == 100_001


def test_leaves_and_constants_are_a_row_each(session: Session) -> None:
    assert [(row.kind, row.grad) for row in tree(session, "w").rows] == [("leaf", None)]
    assert [row.kind for row in tree(session, "x").rows] == ["constant"]


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("z = (x * x + 2 * w - w * x).sum()", ["x * x + 2 * w - w * x", "x * x + 2 * w", "2 * w", "w * x"]),
        ("z = torch.where(x > 1, w, -w).pow(2).sum()", ["torch.where(x > 1, w, -w).pow(2)", "torch.where(x > 1, w, -w)", "-w"]),
        ("z = F.cross_entropy(x @ w.T, tensor([0, 1]))", ["x @ w.T", "w.T"]),
        ("def f(u): return (u * u).exp()\n\nz = f(w) - 1", ["(u * u).exp()", "u * u"]),
        ("c = w.clone(); c[0] = b * 2; c *= 3; z = c.view(6).sum()", ["c.view(6)", "c", "c[0] = b * 2", "b * 2", "w.clone()"]),
    ],
)
def test_nodes_get_the_text_that_made_them(session: Session, source: str, texts: list[str]) -> None:
    ran(session, source)
    named = {row.name for row in tree(session, "z").rows if row.kind == "op"}
    assert set(texts) <= named


# --- memory -----------------------------------------------------------------------------------------------------------

VIEWS = (
    "t.T", "t[1:]", "t[:, ::2]", "t[0]", "t.view(-1)", "t.permute(2, 0, 1)", "t[:, 1:, None]", "t.select(1, 1)", "t.diagonal()",
    "t.unfold(-1, 2, 1)", "t[:1].expand(3, -1, -1)", "t[1, 1, 1]", "t.as_strided((2, 2), (1, 1), 3)", "t.as_strided((3, 3), (2, 3))",
    "t[:0]", "t.mT[..., 1]",
)  # fmt: skip


@pytest.mark.parametrize("size", ["(2, 3, 4)", "(4, 4, 4)", "(6, 5, 7)"])
@pytest.mark.parametrize("view", VIEWS)
def test_slots_are_where_the_data_is(size: str, view: str) -> None:
    session = Session(observe=True)
    dtype = Random(view + size).choice(["float32", "bfloat16", "bool", "int64"])
    ran(session, f"t = arange({size.replace(', ', '*')[1:-1]}).reshape{size}.to(torch.{dtype}); v = {view}")
    found, v = storage(session, "v"), session.env.variables["v"]
    base = v.get_storage().data_ptr()
    itemsize = v.dtype.itemsize
    shown = next(each for each in found.views if each.name == "v")
    reached: dict[int, list[tuple[int, ...]]] = {}
    for index in product(*map(range, v.shape)):
        slot, rest = divmod(v[index].data_ptr() - base, itemsize)
        assert rest == 0
        reached.setdefault(slot, []).append(index)
    assert set(shown.places) == reached.keys() & set(found.slots)
    for slot, place in shown.places.items():
        first = tuple(0 if each is None else each for each in place.index)
        assert first in reached[slot]
        free = math.prod(size for size, each in zip(v.shape, place.index, strict=True) if each is None)
        assert place.more == (len(reached[slot]) > free)
    values = found.values
    assert values is not None
    whole = session.env.variables["t"].reshape(-1)
    assert values.tolist() == [whole[slot].item() for slot in found.slots]


def test_large_storages_show_both_ends(session: Session) -> None:
    ran(session, "t = arange(1000)")
    found = storage(session, "t")
    assert not found.whole
    assert found.slots == (*range(EDGE_SLOTS), *range(1000 - EDGE_SLOTS, 1000))


def test_empty_and_meta_storages(session: Session) -> None:
    ran(session, "e = zeros(0, 3); m = ones(2, 2, device='meta'); s = tensor(2.)")
    assert (storage(session, "e").count, storage(session, "e").views[0].places) == (0, {})
    assert storage(session, "m").values is None
    assert storage(session, "s").views[0].places[0].index == ()


def test_an_index_is_found_in_a_huge_view() -> None:
    assert place_of_slot(10**9 + 7, (10**6, 10**6), (10**6, 1)).index == (1000, 7)  # type: ignore[union-attr]
    assert place_of_slot(5, (3, 3), (7, 2)) is None
    assert place_of_slot(3, (2,) * 40, tuple(2 * (i + 2) for i in range(40))) is None  # given up, not tried to the end


# --- backward ---------------------------------------------------------------------------------------------------------

PROGRAMS = (
    "(w * x).sum().backward()",
    "((w * x + b).relu() ** 2).mean().backward()",
    "(w.T @ w).trace().backward(); (w * w).sum().backward()",
    "F.cross_entropy(x @ w.T, tensor([0, 1])).backward()",
    "h = w * 2; (h + h * b).sum(0)[1].backward()",
    "torch.cat([w, w * b]).amax(1).prod().backward()",
    "c = w.clone(); c[0] *= b; c.exp().sum().backward()",
    "p, q = (w * b).chunk(2); (p.sum() * q.mean()).backward()",
    "torch.autograd.backward([w.sum(), b.sum()])",
)


@pytest.mark.parametrize("source", PROGRAMS)
def test_narrated_gradients_are_those_of_the_leaves(session: Session, source: str) -> None:
    found = trace(session, source)
    assert found.record.error is None
    told: dict[str, Any] = {}
    for target in [*(target for step in found.steps for target in step.targets), *found.leaves]:
        if target.kind in ("filled", "added"):
            assert target.value is not None
            assert target.value.whole is not None
            told[target.name] = target.value.whole.tolist()
    names = session.env.variables
    assert told == {f"{name}": names[name]._grad.tolist() for name in ("w", "b") if names[name]._grad is not None}


def test_parts_add_up(session: Session) -> None:
    ran(session, "q = (w * b).sum() + (w * 3).sum() + w.sum()")
    found = trace(session, "q.backward()")
    parts = [target for step in found.steps for target in step.targets if target.kind == "part" and target.name == "w"]
    assert [(part.part, part.parts) for part in parts] == [(1, 3), (2, 3), (3, 3)]
    total = sum(part.value.whole if part.value.whole is not None else 0 for part in parts)  # type: ignore[union-attr,misc]
    assert total.tolist() == session.env.variables["w"]._grad.tolist()  # type: ignore[attr-defined]


def test_a_traced_statement_is_a_command(session: Session) -> None:
    number = session.number
    ran(session, "loss = (w * x).sum()")
    found = trace(session, "loss.backward()")
    assert found.record.number == number + 1
    assert session.number == number + 2
    assert [(step.label, step.origin.text) for step in found.steps] == [("SumBackward0", "(w * x).sum()"), ("MulBackward0", "w * x")]
    assert all(step.origin.command is not None and step.origin.command.number == number for step in found.steps)
    assert found.steps[1].rule == "d/dw = grad * x, d/dx is not needed"
    assert (found.nodes, found.freed) == (2, 1)
    again = trace(session, "(w * x).sum().backward()")
    assert again.steps[1].targets[0].kind == "added"
    assert again.steps[1].targets[0].count == 2


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("(1 - w * x).sum()", "d/d(w * x) = -grad"),
        ("(2 * w).sum()", "d/dw = grad * 2"),
        ("(w / x).sum()", "d/dw = grad / x, d/dx is not needed"),
        ("(w + b).sum()", "d/dw = grad, d/db = grad summed to (3,)"),
        ("(w @ x.T).sum()", "d/dw = grad @ x, d/dx.T is not needed"),
        ("(w ** 2).sum()", "d/dw = grad * (2 * w)"),
        ("(x * w).sum()", "d/dx is not needed, d/dw = grad * x"),
        ("w.amax(1).sum()", "hands grad to the largest values, in equal parts where several are"),
    ],
)
def test_rules_are_in_the_users_names(session: Session, source: str, rule: str) -> None:
    assert trace(session, f"{source}.backward()").steps[1].rule == rule


def test_hooks_that_change_a_gradient_are_told(session: Session) -> None:
    ran(session, "h = w * 2; h.retain_grad(); k = h.register_hook(lambda g: g * 10); s = w.register_hook(lambda g: None); z = h.sum()")
    found = trace(session, "z.backward()")
    assert [step.hooked for step in found.steps] == [False, True]
    assert found.steps[0].targets[0].kind == "kept"
    assert not found.steps[1].targets[0].hooked
    ran(session, "s.remove(); s = w.register_hook(lambda g: g * 0)")
    assert trace(session, "(w * 2).sum().backward()").steps[1].targets[0].hooked


def test_long_backwards_are_folded(session: Session) -> None:
    ran(session, "h = b\nfor i in range(100): h = h * 1.5 + b\n\nz = h.sum()")
    found = trace(session, "z.backward()")
    assert len(found.steps) == HEAD
    assert found.folded.total() + HEAD == found.nodes == 201
    assert [(leaf.name, leaf.kind, leaf.parts) for leaf in found.leaves] == [("b", "filled", 101)]


def test_what_runs_while_an_error_is_told_is_not_traced(session: Session) -> None:
    ran(session, "z = (w * w).sum(); z.backward()")
    found = trace(session, "z.backward()")
    assert found.record.error is not None
    assert [step.label for step in found.steps] == ["SumBackward0"]


def test_nothing_to_trace(session: Session) -> None:
    assert trace(session, "y = x + 1").steps == []


def test_gradients_that_are_returned_are_not_called_kept(session: Session) -> None:
    found = trace(session, "g = torch.autograd.grad((w * x).sum(), w)")
    assert [target.kind for target in found.steps[1].targets] == ["part", "stops"]
    assert session.env.variables["w"]._grad is None


def test_every_derivative_can_be_told() -> None:
    from tcalc.engine import namespace  # noqa: F401  # declares every op
    from tcalc.engine.formulas import gradient_text
    from tcalc.engine.registry import OPS

    silent = {op.name for op in OPS.values() for name in op.formulas if gradient_text(op, name) is None}
    silent |= {op.name for op in OPS.values() if op.grads is not None}
    shown = {name for name in silent - HELPERS if OPS[name].function or OPS[name].method}  # others are told by their name alone
    assert {name for name in shown if not documented(OPS[name])} == set()
    assert HELPERS - OPS.keys() == set()


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    ["randn(7, 300)", "randn(300, 7).T", "arange(10)", "tensor(True)", "zeros(0)", "tensor([float('nan'), 1., float('inf'), 0.])",
     "randn(50).to(torch.bfloat16)", f"randn({PIECE + 5})", "ones(3).expand(1000, 3)", "tensor([-3e38, 3e38])", "full((4,), float('nan'))"],
)  # fmt: skip
def test_statistics_are_those_of_the_elements(session: Session, source: str) -> None:
    ran(session, f"t = {source}")
    found = distribution(session.env.variables["t"])
    assert found is not None
    values = [float(each) for each in session.env.variables["t"].reshape(-1).tolist()]
    finite = [each for each in values if math.isfinite(each)]
    assert (found.count, found.zeros) == (len(values), values.count(0.0))
    assert (found.nan, found.inf) == (sum(map(math.isnan, values)), sum(map(math.isinf, values)))
    assert sum(found.bins) == len(finite)
    if finite:
        mean = math.fsum(finite) / len(finite)
        assert (found.low, found.high) == (min(finite), max(finite))
        assert found.mean == pytest.approx(mean, abs=1e-12 * max(map(abs, finite)))
        if len(finite) > 1:
            assert found.std == pytest.approx(math.sqrt(math.fsum((each - mean) ** 2 for each in finite) / (len(finite) - 1)))
        else:
            assert found.std is None
    else:
        assert (found.low, found.bins) == (None, ())


def test_timing_binds_nothing_and_tells_errors(session: Session) -> None:
    names = list(session.env.variables)
    found = timing("q = x + 1", session)
    assert isinstance(found, Timing)
    assert found.runs > 1
    assert 0 < found.seconds < 1
    assert list(session.env.variables) == names
    failed = timing("x @ x", session)
    assert isinstance(failed, Error)
    assert failed.message.startswith("matmul: inner sizes differ")
