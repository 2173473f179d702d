"""What is suggested for a name that does not exist, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from tcalc.lang.errors import LangError
from tcalc.lang.suggest import nearest

KNOWN = [
    "floor", "cos", "fmod", "randperm", "copysign", "relu", "ones", "zeros", "item", "manual_seed", "requires_grad",
    "linspace", "print", "matmul", "sum", "shape", "std",
]  # fmt: skip


@pytest.mark.parametrize("name", ["foo", "cross", "mode", "vander", "copyright", "elu", "cov", "x", "qqqqqq", "sin"])
def test_nothing_absurd(name: str) -> None:
    assert nearest(name, KNOWN) is None


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("onse", "ones"), ("noes", "ones"), ("zeors", "zeros"), ("itm", "item"), ("flor", "floor"), ("sumn", "sum"),
        ("manual_sed", "manual_seed"), ("requires_gard", "requires_grad"),
        ("lin_space", "linspace"), ("pritn", "print"), ("matmull", "matmul"), ("Ones", "ones"), ("shspe", "shape"),
        ("mtamuls", "matmul"),
    ],
)  # fmt: skip
def test_slips_of_the_finger(name: str, meant: str) -> None:
    assert nearest(name, KNOWN) == meant


@pytest.mark.parametrize(("name", "meant"), [("null", "None"), ("true", "True"), ("FALSE", "False")])
def test_constants_of_other_languages(program: Any, name: str, meant: str) -> None:
    with pytest.raises(LangError) as caught:
        program(name)
    assert caught.value.message == f"no name '{name}'. Did you mean {meant}?"
