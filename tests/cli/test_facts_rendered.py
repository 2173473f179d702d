"""Facts and deltas as text."""

from __future__ import annotations

from dataclasses import replace

from tcalc.cli.render_card import card_lines
from tcalc.cli.render_delta import delta_lines
from tcalc.cli.render_facts import facts_lines, plain_facts, source_line, statistics_lines
from tcalc.cli.terminal import Screen
from tcalc.cli.theme import STYLES, Segment, plain_text, text
from tcalc.session.delta import Changed, Delta, Freed, GradChange
from tcalc.session.facts import Facts, Statistics

PLAIN = Facts(
    dtype="float32",
    shape=(2, 3),
    stride=(3, 1),
    offset=0,
    device="cpu",
    contiguous=True,
    storage=1,
    version=0,
    same_as=(),
    view_of=(),
    shared_with=(),
    is_view=False,
    is_leaf=True,
    requires_grad=False,
    grad_fn=None,
    grad=None,
    grad_kept=True,
    floating=True,
    itemsize=4,
    storage_nbytes=24,
)
VIEW = replace(PLAIN, shape=(3, 2), stride=(1, 3), offset=1, contiguous=False, view_of=("x",), is_view=True)
RESULT = replace(PLAIN, shape=(), stride=(), is_leaf=False, requires_grad=True, grad_fn="SumBackward0", grad_kept=False)


def test_usual_facts() -> None:
    assert plain_text(facts_lines(PLAIN, 80)) == (
        "  float32 (2, 3)  stride (3, 1)  cpu  contiguous\n  leaf  requires_grad False  grad_fn None  grad None\n"
    )


def test_usual_facts_are_dim_and_unusual_ones_bold() -> None:
    usual = {segment.text: segment.style for line in facts_lines(PLAIN, 80) for segment in line}
    assert usual["contiguous"] == usual["cpu"] == usual["grad None"] == usual["stride (3, 1)"] == "usual"
    unusual = {segment.text: segment.style for line in facts_lines(VIEW, 80) for segment in line}
    assert unusual["NOT contiguous"] == unusual["offset 1"] == unusual["stride (1, 3)"] == "unusual"
    expanded = replace(PLAIN, stride=(0, 1), contiguous=False)
    assert {segment.text: segment.style for segment in facts_lines(expanded, 80)[0]}["stride (0, 1)"] == "unusual"
    assert (STYLES["usual"], STYLES["unusual"]) == ("dim", "bold")


def test_a_result_says_that_its_grad_is_not_kept() -> None:
    assert plain_text(facts_lines(RESULT, 80)).splitlines()[1:] == [
        "  not leaf  requires_grad True  grad_fn SumBackward0  grad None",
        "  grad is not kept here: not a leaf (retain_grad() keeps it)",
    ]


def card(facts: Facts, width: int, title: str = "1> y", *, unicode: bool = False) -> list[str]:
    """The lines of a card over a short value."""
    screen = Screen(True, False, unicode, False, width, 24)
    return plain_text(card_lines(title, [text("tensor(1.)")], facts, [[Segment("text", "  "), Segment("unusual", "1 nan")]], screen, with_source=True)).splitlines()


def test_a_card_has_value_and_facts_side_by_side() -> None:
    assert card(VIEW, 80) == [
        "+- 1> y --------------------------------------------------+",
        "| tensor(1.)    shape       (3, 2)   is_leaf        True  |",
        "|               stride      (1, 3)   requires_grad  False |",
        "|               offset      1        grad_fn        None  |",
        "|               dtype       float32  grad           None  |",
        "|               device      cpu      view of        x     |",
        "|               contiguous  no                            |",
        "| 1 nan                                                   |",
        "+---------------------------------------------------------+",
    ]


def test_a_narrow_card_has_one_fact_a_line_and_every_line_fits() -> None:
    lines = card(PLAIN, 40, "12> " + "long " * 20, unicode=True)
    assert {len(line) for line in lines} == {40}
    assert lines[0].startswith("┌─ 12> long long")
    assert lines[0].endswith("... ─┐")
    assert [line.split()[1] for line in lines[2:11]] == "shape stride dtype device contiguous is_leaf requires_grad grad_fn grad".split()


def test_plain_facts_are_labelled_lines() -> None:
    assert plain_text(plain_facts(VIEW)).splitlines() == [
        "dtype: float32",
        "shape: 3, 2",
        "stride: 1, 3",
        "offset: 1",
        "device: cpu",
        "contiguous: no",
        "leaf: yes",
        "requires_grad: False",
        "grad_fn: None",
        "grad: None",
    ]
    assert "shape: none (a scalar)" in plain_text(plain_facts(RESULT))


def test_where_it_comes_from() -> None:
    assert plain_text(source_line(PLAIN, 80, False)) == ""
    assert plain_text(source_line(VIEW, 80, False)) == "  view of x  (storage #1, nothing copied)\n"
    assert plain_text(source_line(VIEW, 80, True)) == "view of x (storage #1, nothing copied)\n"
    assert plain_text(source_line(replace(VIEW, same_as=("y",)), 80, False)) == "  same tensor as y\n"
    detached = replace(VIEW, is_view=False)
    assert plain_text(source_line(detached, 80, False)) == "  shares memory with x  (storage #1, nothing copied)\n"
    many = replace(VIEW, same_as=tuple("abcdefgh"))
    assert plain_text(source_line(many, 80, False)) == "  same tensor as a, b, c, d, e, f and 2 more\n"


def test_statistics() -> None:
    numbers = Statistics(115248, -4.2912, 4.2056, 0.00123, 1.0, 0, 0)
    facts = replace(PLAIN, shape=(3, 196, 196))
    assert plain_text(statistics_lines(numbers, facts, True, 80)) == (
        "  115248 values  450 KiB  min -4.29  max 4.21  mean 0.00  std 1.00  no nan/inf\n"
    )
    assert statistics_lines(numbers, facts, False, 80) == []
    odd = replace(numbers, nan=1, inf=2)
    assert plain_text(statistics_lines(odd, facts, False, 80)) == "  1 nan  2 inf\n"


def test_changes() -> None:
    delta = Delta(
        changed=[Changed(("x", "y"), 1, 0, 1), Changed(tuple("abcdefgh"), 2, 3, 3)],
        grads=[GradChange("cleared", "w", None, 0)],
        freed=[Freed("loss", 2, False), Freed("l", 1, False), Freed("big", 100000, True)],
    )
    assert plain_text(delta_lines(delta, 80, False)) == (
        "  changed  x, y  through storage #1, version 0 -> 1\n"
        "  changed  a, b, c, d, e, f and 2 more  through storage #2, unseen by autograd\n"
        "           (version stays 3)\n"
        "  cleared  w.grad  is None now\n"
        "  freed    graph of loss, 2 nodes (a second backward needs retain_graph=True)\n"
        "  freed    graph of l, 1 node (a second backward needs retain_graph=True)\n"
        "  freed    graph of big, more than 100000 nodes (a second backward needs\n"
        "           retain_graph=True)\n"
    )
    assert plain_text(delta_lines(delta, 80, True)).startswith("changed: x, y, through storage #1, version 0 -> 1\n")


def test_long_lists_are_cut() -> None:
    changed = [Changed((f"p{n}",), n, 0, 1) for n in range(9)]
    lines = plain_text(delta_lines(Delta(changed=changed), 80, False)).splitlines()
    assert len(lines) == 7
    assert lines[-1] == "           and 3 more"
