"""What real torch answered (scripts/record_truth.py), replayed without torch: values, strides, graphs, gradients, errors of every op."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from program_texts import own_names, player
from recorded import SEED, decode, differences, function, load, tensors_in
from recorded_exceptions import CALLS, PROGRAMS

from tcalc.engine import autograd
from tcalc.engine.errors import EngineError
from tcalc.engine.namespace import manual_seed

pytestmark = pytest.mark.filterwarnings("ignore")  # what torch deprecates it also warns of


def grouped(name: str) -> dict[str, list[dict[str, Any]]]:
    """Records by op name."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in load(name):
        found[record["name"]].append(record)
    return dict(found)


RECORDED, PRINTED = grouped("calls"), grouped("programs")


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_calls(name: str) -> None:
    """Results and gradients of the recorded calls of one op."""
    found = [f"call {i}: {text}" for i, call in enumerate(RECORDED[name]) for text in outcome(call)]
    if name in CALLS:
        assert found, f"{name} agrees with the record now: take it out of recorded_exceptions.py"
    else:
        assert not found, "\n".join(found)


def outcome(call: dict[str, Any]) -> list[str]:
    """What disagrees in one recorded call, an error included."""
    try:
        return replay(call)
    except EngineError as error:
        return [f"{type(error).__name__}: {error}"]


def replay(call: dict[str, Any]) -> list[str]:
    """What disagrees when one recorded call is made again."""
    args, kwargs = [decode(a) for a in call["args"]], {k: decode(v) for k, v in call["kwargs"].items()}
    manual_seed(SEED)
    outs = tensors_in(function(call)(*args, **kwargs))
    if len(outs) != len(call["results"]):
        return [f"{len(outs)} results, recorded {len(call['results'])}"]
    found = [text for expected, t in zip(call["results"], outs, strict=True) for text in differences(expected, t)]
    if "grads" in call and not found:
        found += gradients(call, outs, [t for t in tensors_in([args, kwargs]) if t.requires_grad])
    return found


def gradients(call: dict[str, Any], outs: Sequence[Any], leaves: Sequence[Any]) -> list[str]:
    """What disagrees among the gradients of one recorded call."""
    graded = [t for t in outs if t.grad_fn is not None]
    grads = autograd.grad(graded, list(leaves), [decode(w) for w in call["weights"]], allow_unused=True)
    found = []
    for expected, g in zip(call["grads"], grads, strict=True):
        if (expected is None) != (g is None):
            found.append(f"gradient: recorded {expected}, tcalc {g}")
        elif expected is not None and g is not None:
            found += [f"gradient {text}" for text in differences(expected, g) if not text.startswith("stride")]
    return found


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_programs(name: str) -> None:
    """What small programs print, or how they fail."""
    for record in PRINTED[name]:
        manual_seed(0)
        text = record["program"]
        play, _ = player(text, own_names())
        try:
            shown: tuple[str, ...] = ("shown", repr(play()))
        except Exception as error:
            kind = next(t for t in type(error).__mro__ if t.__module__ == "builtins")
            shown = ("error", kind.__name__, str(error).strip().split("\n")[0])
        expected = ("shown", record["shown"]) if "shown" in record else ("error", record["error"], record["sentence"])
        if text in PROGRAMS:
            assert shown != expected, f"{text}: agrees with the record now: take it out of recorded_exceptions.py"
        else:
            assert shown == expected, text
