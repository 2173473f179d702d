"""Notes: remarks on a command that is no error, made from what the engine noticed while it ran."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .record import Note

if TYPE_CHECKING:
    from ..engine.notices import Notice

NON_LEAF_GRAD = "non-leaf-grad"


def heard() -> list[Notice]:
    """What the engine noticed since the last call; empty while it is not loaded."""
    module: Any = sys.modules.get("tcalc.engine.notices")
    if module is None or not module.collected:
        return []
    found: list[Notice] = module.collected
    module.collected = []
    return found


def notes_of(notices: Sequence[Notice], statement: ast.stmt, variables: Mapping[str, object]) -> list[Note]:
    """The Notes for what was noticed in a statement, each once."""
    found: dict[Note, None] = {}
    for notice in notices:
        found[_note(notice, statement, variables)] = None
    return list(found)


def _note(notice: Notice, statement: ast.stmt, variables: Mapping[str, object]) -> Note:
    if notice.ident != NON_LEAF_GRAD:
        return Note(notice.ident, notice.text)
    tensor = notice.operands["self"]
    name = _name(tensor, statement, variables)
    return Note(
        NON_LEAF_GRAD,
        f"{name} is not a leaf (grad_fn {tensor.grad_fn.label}), so backward() dropped its grad",
        (f"call {name}.retain_grad() before backward()" if name.isidentifier() else "call retain_grad() on it before backward()",),
    )


def _name(tensor: Any, statement: ast.stmt, variables: Mapping[str, object]) -> str:
    """The variable that holds a tensor, else what the statement asked for the gradient of."""
    for name, value in variables.items():
        if value is tensor and name != "_":
            return name
    asked = {ast.unparse(node.value) for node in ast.walk(statement) if isinstance(node, ast.Attribute) and node.attr == "grad"}
    return asked.pop() if len(asked) == 1 else "this tensor"
