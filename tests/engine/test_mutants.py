"""Mutation test of the derivative formulas: gradcheck fails on every changed formula, but for those that change nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gradient_cases import ALL, Case
from mutants import Mutant, mutants

from tcalc.engine.gradcheck import gradcheck
from tcalc.engine.record import Applied, Vjp
from tcalc.engine.registry import OPS

# OP.INPUT: FORMULA  # why the change cannot be noticed
EQUIVALENT = {
    line.partition("  # ")[0].strip() for line in Path(__file__).with_name("mutants_equivalent.txt").read_text().splitlines() if line.strip() and line[0] != "#"
}
CASES = {name: [case for case in ALL if case[0] == name or case[0].startswith(f"{name}[")] for name in OPS}
MUTANTS = [mutant for mutant in mutants() if CASES[mutant.op]]


def label(mutant: Mutant) -> str:
    """How a mutant is named, here and in the file of the equivalent ones."""
    return f"{mutant.op}.{mutant.which}: {' '.join(mutant.text.split())}"


def passes(case: Case) -> bool:
    """Whether gradcheck finds nothing wrong; a formula that cannot even run is wrong."""
    _, function, inputs = case
    try:
        return gradcheck(function, inputs, raise_exception=False)
    except Exception:
        return False


def survives(mutant: Mutant, patch: pytest.MonkeyPatch) -> bool:
    """Whether no case of its op notices the mutant."""
    op = OPS[mutant.op]
    patch.setattr(Applied, "__getitem__", lambda applied, mask: Vjp(applied.op, mask, applied.params, applied.specs), raising=False)  # plans keep none
    patch.setattr(op, "vjps", {})
    patch.setattr(op, "masks", {})
    if mutant.which == "grads":
        patch.setattr(op, "grads", mutant.formula)
    else:
        patch.setitem(op.formulas, mutant.which, mutant.formula)
    return all(passes(case) for case in CASES[mutant.op])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mutant", MUTANTS, ids=[f"{m.op}.{m.which}{i}" for i, m in enumerate(MUTANTS)])
def test_a_changed_formula_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert survives(mutant, monkeypatch) == (label(mutant) in EQUIVALENT), label(mutant)


def test_equivalent_mutants_all_exist() -> None:
    assert {label(m) for m in MUTANTS} >= EQUIVALENT


def _wrong(formula: Callable[..., Any]) -> Callable[..., Any]:
    """The formula with every gradient off by a little; its parameters keep their names, which say what is saved."""
    names = formula.__code__.co_varnames[: formula.__code__.co_argcount]

    def off(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [off(v) for v in value]
        return None if value is None else value * 1.1 + 0.05

    return eval(f"lambda {', '.join(names)}: off(f({', '.join(names)}))", {"f": formula, "off": off})  # type: ignore[no-any-return]


REFUSING = {("igamma", "self"), ("igammac", "self"), ("special_zeta", "self")}  # torch has no derivative there
FORMULAS = [
    (name, which) for name, op in OPS.items() for which in [*op.formulas, *(["grads"] if op.grads else [])] if CASES[name] and (name, which) not in REFUSING
]


@pytest.mark.parametrize(("name", "which"), FORMULAS, ids=[f"{name}.{which}" for name, which in FORMULAS])
def test_a_formula_that_is_a_little_off_is_caught(name: str, which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op = OPS[name]
    right = op.grads if which == "grads" else op.formulas[which]
    assert not survives(Mutant(name, which, "", _wrong(right)), monkeypatch)
