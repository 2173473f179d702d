"""The programs of program_texts run in torch and in tcalc, values and gradients compared."""

from __future__ import annotations

from typing import Any

import torch
from program_texts import own_names, player
from sweep import Failed, Report, attempt, compare, gradients, refusals, seed_own, tensors_in


def _run(text: str, names: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The program's value and its variables."""
    torch.manual_seed(0)
    seed_own(0)
    play, variables = player(text, names)
    result = attempt(play)
    return result, variables()


def torch_names() -> dict[str, Any]:
    """torch's names as a program's globals."""
    return {name: getattr(torch, name) for name in dir(torch) if not name.startswith("_")} | {"torch": torch}


def run_program(report: Report, text: str) -> None:
    """Run one program in both libraries; compare its value, and the gradients of its leaves."""
    theirs, given = _run(text, torch_names())
    mine, taken = _run(text, own_names())
    given_leaves, taken_leaves = tensors_in(given), tensors_in(taken)
    if not refusals(report, theirs, mine, text) or isinstance(theirs, Failed):
        return
    if compare(report, theirs, mine, given_leaves, taken_leaves, text) and len(given_leaves) == len(taken_leaves):
        gradients(report, theirs, mine, given_leaves, taken_leaves, text)
