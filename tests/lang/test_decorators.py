"""The grad modes above `def`, and `del x.grad`: the only decorators and the only deletion of an attribute."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("decorator", "tracked"),
    [
        ("torch.no_grad()", False), ("no_grad()", False), ("torch.no_grad", False), ("no_grad", False),
        ("torch.enable_grad()", True), ("enable_grad", True), ("torch.inference_mode()", False),
        ("inference_mode", False), ("torch.set_grad_enabled(False)", False), ("set_grad_enabled(1 > 0)", True),
    ],
)  # fmt: skip
def test_grad_modes(program: Any, decorator: str, tracked: bool) -> None:
    program(f"@{decorator}\ndef f(x, k=2):\n    return x * k\n\ny = f(ones(2, requires_grad=True), k=3)")
    assert program("y.requires_grad; torch.is_grad_enabled()") == f"{tracked}\nTrue\n"
    assert program("f").startswith("<function f at 0x")


def test_a_gradient_can_be_deleted(program: Any) -> None:
    program("x = ones(2, requires_grad=True); x.sum().backward(); del x.grad")
    assert program("x.grad is None") == "True\n"
    with pytest.raises(AttributeError):
        program("y = 5; del y.grad")
