"""The machine: thousands of random autograd, view and in-place steps in torch and tcalc side by side, all tensors compared as they go."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("torch")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import machine
    import torch

from machine_steps import KINDS

from tcalc.engine import inplace
from tcalc.engine.families import view
from tcalc.engine.storage import Storage
from tcalc.engine.views import View

STEPS = 20_000
SEED = 20


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """torch on one core; its warnings (create_graph, .grad of a non-leaf) are no part of the comparison."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.set_num_threads(before)


def run(steps: int, seed: int) -> machine.Run:
    """At least so many steps, or a failure with the shortened program."""
    done = machine.Run(seed)
    while done.steps < steps:
        lines, looks, found = done.program()
        if found is not None:
            short, again = machine.shorten(lines, looks, found)
            pytest.fail(f"after {done.steps} steps of seed {seed}:\n{machine.report(short, again)}", pytrace=False)
    return done


def test_steps_agree_with_torch(pytestconfig: pytest.Config) -> None:
    """Every live tensor after every step: values, geometry, memory, version, leaf or node, gradients, hooks, errors."""
    steps = pytestconfig.getoption("--machine-steps") or STEPS
    done = run(steps, pytestconfig.getoption("--machine-seed") or SEED)
    assert done.steps >= steps >= STEPS
    for kind in KINDS:
        assert done.kinds[kind] >= 20, f"{kind} came {done.kinds[kind]} times in {done.steps} steps"
    for error in ("RuntimeError", "IndexError", "TypeError", "ZeroDivisionError"):
        assert done.errors[error] >= 5, f"{error} was raised {done.errors[error]} times in {done.steps} steps"


def _keep_stale(stale: View) -> None:
    """A view that keeps the node it was made with."""
    stale.seen = stale.get_storage().version


PLANTED: dict[str, tuple[Any, str, Any, set[str]]] = {
    "a write is not counted": (Storage, "version", property(lambda self: 0, lambda self, value: None), {"_version", "error", "calls"}),
    "a written view keeps its node": (
        inplace,
        "regenerate",
        _keep_stale,
        {"grad_fn", "next_functions", "error", "grad", "requires_grad", "is_leaf"},
    ),
    "no view is one of several": (view, "MULTI_VIEW", None, {"error", "grad_fn", "next_functions", "is_leaf"}),
    "leaves may be written": (inplace, "check", lambda target, op: None, {"error"}),
}


@pytest.mark.parametrize("what", PLANTED)
def test_planted_mistakes_are_caught(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine fails, and says why in few lines, when a rule is taken out of the engine."""
    module, name, instead, facts = PLANTED[what]
    monkeypatch.setattr(module, name, instead)
    done = machine.Run(SEED)
    seen: Counter[str] = Counter()
    while done.steps < 6000 and not seen:
        lines, looks, found = done.program()
        if found is not None:
            short, again = machine.shorten(lines, looks, found)
            assert again.fact in facts, machine.report(short, again)
            assert len(short) <= 12, machine.report(short, again)
            seen[again.fact] += 1
    assert seen, f"{what}, and {done.steps} steps did not show it"
