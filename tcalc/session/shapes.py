"""Hints for operands whose sizes do not fit: transposed, with a dim inserted, or copied, as far as the shape rules accept it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from .hints import MAX_HINTS, Hint, verified
from .reading import of_library, text_of
from .tensors import is_tensor

if TYPE_CHECKING:
    from .scene import Scene



def shape_hints(scene: Scene) -> list[Hint]:
    """What to write for operands that do not multiply, do not broadcast, or do not lie as `view` needs them."""
    failed = scene.expression
    if failed is None or scene.owner is None:
        return []
    if scene.sentence.startswith("view size is not compatible"):
        return _copied(scene, failed)
    operands = _operands(failed)
    if len(operands) != 2:
        return []
    if scene.sentence.startswith("The size of tensor a"):
        return _broadcast(scene, failed, operands)
    return _transposed(scene, failed, operands)


def _operands(node: ast.expr | ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.AugAssign):
        return [node.target, node.value]
    if isinstance(node, ast.Compare):
        return [node.left, node.comparators[0]]
    if isinstance(node, ast.Call):
        function = node.func
        first = [function.value] if isinstance(function, ast.Attribute) and not of_library(function) else []
        return [*first, *node.args][:2]
    return []


def _shape(text: str, scene: Scene) -> str | None:
    """The shape of an expression as text, None for what is no tensor."""
    found = verified(text, scene.variables)
    return found if found is not None and found.startswith("(") else None


def _transposed(scene: Scene, failed: ast.expr | ast.stmt, operands: list[ast.expr]) -> list[Hint]:
    a, b = operands
    choices = [{b: _turned(scene, b)}, {a: _turned(scene, a)}, {a: _turned(scene, a), b: _turned(scene, b)}]
    hints: list[Hint] = []
    for changes in choices:
        given = {operand: text for operand, text in changes.items() if text is not None}
        if len(given) != len(changes):
            continue
        text = scene.changed(failed, given)
        result = _shape(text, scene)
        shapes = [_shape(given.get(each, scene.written(each)), scene) for each in operands]
        hint = scene.instead(text, failed, f"{shapes[0]} @ {shapes[1]} -> {result}")
        if result is not None and None not in shapes and hint is not None:
            hints.append(hint)
    return hints[:2]


def _turned(scene: Scene, node: ast.expr) -> str | None:
    """The text of a matrix, transposed; of a stack of matrices, each transposed. None for a vector."""
    text = scene.written(node)
    shape = _shape(text, scene)
    dims = 0 if shape in (None, "()") else len(shape.rstrip(",)").split(",")) if shape is not None else 0
    if dims < 2:
        return None
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT") and scene.owner is not None:
        return text_of(scene.owner.source, node.value)
    return f"{text}.T" if dims == 2 else f"{text}.mT"


def _broadcast(scene: Scene, failed: ast.expr | ast.stmt, operands: list[ast.expr]) -> list[Hint]:
    """Those changes of one operand that lead to the size of one of the two, else those that lead to any."""
    values = [value for value in scene.exc.operands.values() if is_tensor(value)]
    sizes = {str(tuple(value.shape)) for value in values}
    same: list[Hint] = []
    grown: list[Hint] = []
    for operand in reversed(operands):
        for text in _spread(scene, operand):
            whole = scene.changed(failed, {operand: text})
            result = _shape(whole, scene) if not isinstance(failed, ast.AugAssign) else _added(whole, failed, scene)
            if result is None:
                continue
            name = text_of(scene.owner.source, operand) if scene.owner is not None else text
            hint = scene.instead(whole, failed, f"{name} as {_shape(text, scene)} -> {result}")
            if hint is not None:
                (same if result in sizes else grown).append(hint)
    return (same or grown)[: MAX_HINTS - 1]


def _added(text: str, statement: ast.AugAssign, scene: Scene) -> str | None:
    """The shape of the target when the statement runs."""
    return None if verified(text, scene.variables) is None else _shape(scene.written(statement.target), scene)


def _spread(scene: Scene, node: ast.expr) -> Iterator[str]:
    """An operand with a dim of size 1 put behind or between its dims, or transposed."""
    text = scene.written(node)
    shape = _shape(text, scene)
    dims = 0 if shape in (None, "()") else len(shape.rstrip(",)").split(",")) if shape is not None else 0
    if dims == 1:
        yield f"{text}[:, None]"
    elif dims > 1:
        for place in range(1, dims + 1):
            index = [":"] * dims
            index.insert(place, "None")
            yield f"{text}[{', '.join(index)}]"
        if dims == 2:
            yield f"{text}.T"


def _copied(scene: Scene, failed: ast.expr | ast.stmt) -> list[Hint]:
    """`reshape`, or a contiguous copy first, for a `view` that memory does not allow."""
    tensor = scene.operand("self")[1]
    if not isinstance(failed, ast.Call) or not isinstance(failed.func, ast.Attribute) or scene.owner is None:
        return []
    rest = text_of(scene.owner.source, failed)[len(text_of(scene.owner.source, failed.func)) :]
    text = scene.written(failed.func.value)
    remark = f"copies {prod(tensor.shape)} values"
    hints = [scene.instead(f"{text}.{call}{rest}", failed, remark) for call in ("reshape", "contiguous().view")]
    return scene.checked(hints)
