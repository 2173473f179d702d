"""Facts and deltas of real tensors."""

from __future__ import annotations

import pytest

from tcalc.session.delta import Changed, Delta, Freed
from tcalc.session.facts import Facts, GradFacts, statistics
from tcalc.session.record import Record
from tcalc.session.session import Session


@pytest.fixture
def session() -> Session:
    """A session that observes."""
    return Session(observe=True, show_assigned=True)


def last(session: Session, source: str) -> Record:
    """The last Record of a source that must not fail."""
    records = session.run(source)
    for record in records:
        assert record.error is None, record.error
    return records[-1]


def facts(session: Session, source: str) -> Facts:
    """The facts of the last value of a source."""
    found = last(session, source).results[-1].facts
    assert found is not None
    return found


def delta(session: Session, source: str) -> Delta:
    """The delta of the last statement of a source."""
    found = last(session, source).delta
    assert found is not None
    return found


def changed(session: Session, source: str) -> list[tuple[str, ...]]:
    """The names that the last statement changed elsewhere."""
    return [change.names for change in delta(session, source).changed]


def test_facts_of_a_view(session: Session) -> None:
    found = facts(session, "x = arange(6.).view(2, 3)\ny = x.T[1:]")
    assert (found.dtype, found.shape, found.stride, found.offset) == ("float32", (2, 2), (1, 3), 1)
    assert (found.contiguous, found.view_of, found.is_view, found.storage) == (False, ("x",), True, 1)
    assert (found.numel, found.nbytes, found.storage_nbytes, found.device) == (4, 16, 24, "cpu")


def test_facts_of_autograd(session: Session) -> None:
    found = facts(session, "w = ones(2, requires_grad=True)\ny = w * 2")
    assert (found.is_leaf, found.requires_grad, found.grad_fn, found.grad_kept) == (False, True, "MulBackward0", False)
    leaf = facts(session, "y.sum().backward()\nw")
    assert (leaf.is_leaf, leaf.grad_fn, leaf.grad, leaf.grad_kept) == (True, None, GradFacts("float32", (2,)), True)
    session.run("z = w * 2; z.retain_grad(); z.sum().backward()")
    kept = facts(session, "z")
    assert (kept.grad_kept, kept.grad) == (True, GradFacts("float32", (2,)))


def test_the_base_comes_first(session: Session) -> None:
    assert facts(session, "a = ones(4)\nb = a[1:]\nc = b[1:]\nd = c[1:]").view_of == ("a", "b", "c")
    assert facts(session, "b").view_of == ("a",)
    assert (facts(session, "a").view_of, facts(session, "a").shared_with) == ((), ("b", "c", "d"))


def test_of_two_views_of_nothing_named_the_later_comes_from_the_earlier(session: Session) -> None:
    session.run("x = arange(4.).view(2, 2); y = x.T")
    assert (facts(session, "x").view_of, facts(session, "y").view_of) == ((), ("x",))
    assert facts(session, "x = y.T").view_of == ("y",)


def test_the_same_tensor_under_two_names(session: Session) -> None:
    found = facts(session, "x = ones(2)\ny = x")
    assert (found.same_as, found.view_of) == (("x",), ())
    assert facts(session, "x.add_(1)").same_as == ("x", "y")
    assert facts(session, "x").same_as == ("y",)


def test_data_and_detach_share_memory(session: Session) -> None:
    for source in ("x = ones(2, requires_grad=True)\ny = x.detach()", "z = x.data"):
        found = facts(session, source)
        assert "x" in found.view_of
        assert found.storage == 1


def test_storages_keep_their_numbers(session: Session) -> None:
    assert facts(session, "a = ones(1)").storage == 1
    assert facts(session, "b = ones(1)").storage == 2
    assert facts(session, "del a\nc = ones(1)").storage == 3
    assert facts(session, "b").storage == 2


def test_a_new_view_is_news_once(session: Session) -> None:
    assert [view.name for view in delta(session, "x = ones(2, 2)\ny = x.T").views] == ["y"]
    assert delta(session, "y[0, 0] = 3").views == []
    assert delta(session, "z = x + 1").views == []


def test_a_write_through_a_view(session: Session) -> None:
    assert delta(session, "x = arange(6.).view(2, 3); y = x.T\ny[0, 1] = 9").changed == [Changed(("x",), 1, 0, 1)]


def test_only_what_overlaps_has_changed(session: Session) -> None:
    session.run("x = zeros(4, 4); a = x[0]; b = x[1]; even = x[:, ::2]; odd = x[:, 1::2]")
    assert changed(session, "x[0] = 5") == [("a", "even", "odd")]
    assert changed(session, "a.add_(1)") == [("x", "even", "odd")]
    assert changed(session, "even += 1") == [("x", "a", "b")]
    assert changed(session, "x[1, 0] = 2") == [("b", "even")]
    assert changed(session, "i = 1; x[i, -1] = 2") == [("b", "odd")]
    assert changed(session, "x[2:].zero_()") == [("x", "even", "odd")]
    assert changed(session, "odd[1].copy_(ones(2))") == [("x", "b", "odd")]


def test_an_unknown_write_counts_for_the_whole_storage(session: Session) -> None:
    session.run("x = zeros(4); a = x[:2]; b = x[2:]")
    assert changed(session, "x[tensor([0])] = 5") == [("a", "b")]
    assert changed(session, "for i in range(2): a[i] = 1\n") == [("x", "a", "b")]
    assert changed(session, "def f(): a.add_(1)\n\nf()") == [("x", "a", "b")]


def test_out_is_a_write(session: Session) -> None:
    assert changed(session, "z = zeros(2); v = z[:1]\ntorch.add(ones(2), ones(2), out=z)") == [("v",)]


def test_a_write_through_data_is_seen(session: Session) -> None:
    session.run("w = ones(2, requires_grad=True); y = w.detach()")
    assert changed(session, "w.data[0] = 5") == [("y",)] or changed(session, "w.data[1] = 5")


def test_a_failed_write_changes_nothing(session: Session) -> None:
    session.run("x = zeros(2); y = x[:]")
    [record] = session.run("x[5] = 1")
    assert record.error is not None
    assert record.delta is not None
    assert not record.delta


def test_gradients_are_counted(session: Session) -> None:
    def step(source: str) -> list[tuple[str, str, int | None]]:
        return [(change.kind, change.name, change.count) for change in delta(session, source).grads]

    session.run("w = ones(2, requires_grad=True)")
    assert step("(w * 2).sum().backward()") == [("filled", "w", 1)]
    assert step("(w * 2).sum().backward()") == [("added", "w", 2)]
    assert step("(w * 2).sum().backward()") == [("added", "w", 3)]
    assert step("w.grad.zero_()") == [("zeroed", "w", None)]
    assert step("(w * 2).sum().backward()") == [("added", "w", 1)]
    assert step("w.grad.mul_(3)") == [("changed", "w", None)]
    assert step("(w * 2).sum().backward()") == [("added", "w", None)]
    assert step("w.grad = None") == [("cleared", "w", 0)]
    assert step("for i in range(2): (w * 2).sum().backward()\n") == [("filled", "w", None)]


def test_a_graph_is_freed_once_and_counted(session: Session) -> None:
    session.run("w = ones(2, requires_grad=True); y = w * w; loss = y.sum()")
    assert delta(session, "loss.backward()").freed == [Freed("loss", 2, False)]
    session.run("loss = (w * w).sum(); loss.backward(retain_graph=True)")
    assert delta(session, "1").freed == []
    assert delta(session, "loss.backward()").freed == [Freed("loss", 2, False)]


def test_modules_have_named_parameters(session: Session) -> None:
    session.run("model = nn.Linear(2, 1)")
    found = delta(session, "model(ones(1, 2)).sum().backward()")
    assert [(change.kind, change.name) for change in found.grads] == [
        ("filled", "model.weight"),
        ("filled", "model.bias"),
    ]


def test_parts_of_a_tuple_have_facts(session: Session) -> None:
    parts = last(session, "x = ones(2, 2).unbind()").results[0].parts
    assert [(part.name, part.facts is not None) for part in parts] == [("x[0]", True), ("x[1]", True)]
    assert last(session, "[1, ones(1)]").results[0].parts == ()


def test_statistics(session: Session) -> None:
    value = last(session, "tensor([1., 3., float('nan'), float('inf'), -float('inf')])").results[0].value
    found = statistics(value)  # type: ignore[arg-type]
    assert found is not None
    assert (found.count, found.low, found.high, found.mean, found.std, found.nan, found.inf) == (5, 1, 3, 2, 1, 1, 2)
    assert statistics(value, limit=4) is None  # type: ignore[arg-type]
    empty = statistics(last(session, "zeros(0)").results[0].value)  # type: ignore[arg-type]
    assert empty is not None
    assert (empty.count, empty.low) == (0, None)


def test_meta_tensors_have_facts_but_no_statistics(session: Session) -> None:
    [result] = last(session, "x = ones(2, device='meta')").results
    assert result.facts is not None
    assert result.facts.device == "meta"
    assert statistics(result.value) is None  # type: ignore[arg-type]


def test_the_session_keeps_no_tensor_alive(session: Session) -> None:
    import gc
    from weakref import ref

    session.run("x = ones(3)")
    alive = ref(session.env.variables["x"])
    session.run("x = 1; _ = 2; 3")
    gc.collect()
    assert alive() is None


def test_an_overwritten_value_names_the_commands(session: Session) -> None:
    error = session.run("w = ones(2, requires_grad=True)\ny = w.exp()\ny.add_(1)\ny.sum().backward()")[-1].error
    assert error is not None
    assert error.message == "backward: y was overwritten after exp saved it"
    assert [(item.command.number, item.what) for item in error.related] == [
        (2, "ExpBackward0 saved y, version 0"),
        (3, "version 1"),
        (4, "needs version 0"),
    ]
    assert error.torch is not None
    assert error.torch.startswith("one of the variables needed for gradient computation")


def test_a_second_backward_names_the_commands(session: Session) -> None:
    error = session.run("w = ones(2, requires_grad=True)\ny = (w * w).sum()\ny.backward()\ny.backward()")[-1].error
    assert error is not None
    assert error.message == "backward: the values that mul saved are freed already"
    assert [item.command.number for item in error.related] == [2, 3, 4]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x @ x", "matmul: inner sizes differ, 3 (x dim 1) and 2 (x dim 0)"),
        ("torch.mm(x, ones(4, 1))", "mm: inner sizes differ, 3 (x dim 1) and 4 (ones(4, 1) dim 0)"),
        ("x + ones(2)", "add: sizes 3 (x dim 1) and 2 (ones(2) dim 0) do not broadcast"),
        ("x.T.view(6)", "view: x.T (3, 2) with stride (1, 3) cannot become (6,) without a copy"),
        ("x += ones(4)", "add: sizes 3 (x dim 1) and 4 (ones(4) dim 0) do not broadcast"),
        ("nn.functional.linear(x, ones(4, 2))", "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x4)"),
        ("onse(2)", "no name 'onse'. Did you mean ones?"),
    ],
)
def test_sentences_use_the_users_names(session: Session, source: str, message: str) -> None:
    session.run("x = ones(2, 3)")
    error = session.run(source)[-1].error
    assert error is not None
    assert error.message == message


def test_torchs_own_sentence_comes_last(session: Session) -> None:
    error = session.run("x = ones(2, 3)\nx @ x")[-1].error
    assert error is not None
    assert error.torch == "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"
    assert [(operand.name, operand.shape, operand.bad) for operand in error.operands] == [
        ("x", (2, 3), (1,)),
        ("x", (2, 3), (0,)),
    ]
