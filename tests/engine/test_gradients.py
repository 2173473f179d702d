"""First and second derivatives of every differentiable op, against differences of the op itself (float64, not row-major)."""

from __future__ import annotations

from typing import Any

import pytest
from gradient_cases import ALL, FIRST_ONLY, Case

from tcalc.engine.gradcheck import gradcheck, gradgradcheck
from tcalc.engine.levels import RAW
from tcalc.engine.record import OpNode


@pytest.mark.parametrize("case", ALL, ids=[case[0] for case in ALL])
def test_first_and_second_derivatives(case: Case) -> None:
    name, function, inputs = case
    assert gradcheck(function, inputs)
    assert name in FIRST_ONLY or gradgradcheck(function, inputs)


def node_of(case: Case) -> Any:
    """The node of a case's (first) result; None where it is no op's, or of several results, whose gradients come as a list."""
    _, function, inputs = case
    found = function(*inputs)
    node = (found[0] if isinstance(found, (tuple, list)) else found).grad_fn
    return node if isinstance(node, OpNode) and not isinstance(node.specs[-1], list) else None


def bits(array: Any) -> Any:
    return None if array is None else (array.dtype, array.shape, array.tobytes())


@pytest.mark.parametrize("case", ALL, ids=[case[0] for case in ALL])
def test_the_compiled_way_gives_the_same_bits(case: Case) -> None:
    """What a Vjp compiles for its specs, from its second run on, is what the general way gives."""
    node = node_of(case)
    if node is None:
        return  # which always goes the general way
    grad = RAW.zeros(node.specs[-1]) + 1
    general = [bits(g) for g in node.apply(grad, RAW)]
    assert [bits(g) for g in node.vjp.compiled(RAW.direct_ops)(node, grad, RAW)] == general


@pytest.mark.parametrize("case", ALL, ids=[case[0] for case in ALL])
def test_no_two_inputs_get_one_fresh_array(case: Case) -> None:
    """Backward adds in place to a fresh gradient array, so a formula must not hand the same one to two inputs."""
    node = node_of(case)
    if node is None:
        return  # several outputs: one input each, no second array to share
    grad = RAW.zeros(node.specs[-1]) + 1
    fresh = [g for g in node.apply(grad, RAW) if g is not None and g is not grad and g.base is None]
    assert len({id(g) for g in fresh}) == len(fresh)
