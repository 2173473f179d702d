"""What a statement is about to write, read off its syntax tree without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from .facts import gradient
from .targets import assigned, unpacked
from .tensors import is_tensor

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

_BLOCKS = (ast.For, ast.While, ast.With, ast.If, ast.Try)
_SAME_ELEMENTS = frozenset(("T", "mT", "data", "grad"))


@dataclass(slots=True)
class Plan:
    """What the session should expect of one statement.

    `written`: the tensors it visibly writes to, None when any could be written (blocks, calls of user functions).
    `writes_grad`: it assigns to gradients itself. `repeats`: backward may run more than once. `roots`: the named
    tensors that backward starts from.
    """

    written: list[Tensor] | None = None
    writes_grad: bool = False
    repeats: bool = False
    roots: list[tuple[str, Tensor]] = field(default_factory=list)


def plan_of(statement: ast.stmt, variables: Mapping[str, object]) -> Plan:
    """What `statement` is about to do, seen before it runs."""
    plan = Plan(writes_grad=any(_writes_grad(node) for node in ast.walk(statement)))
    calls_user_code = any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and isinstance(variables.get(node.func.id), FunctionType)
        for node in ast.walk(statement)
    )
    plan.repeats = isinstance(statement, (*_BLOCKS, ast.FunctionDef)) or calls_user_code
    if plan.repeats:
        return plan
    for root in _backward_roots(statement):
        tensor = _look_up(root, variables)
        if tensor is not None:
            plan.roots.append((ast.unparse(root), tensor))
    written: list[Tensor] = []
    for path in _write_paths(statement):
        tensor = _look_up(path, variables)
        if tensor is None:
            return plan
        written.append(tensor)
    plan.written = written
    return plan


def _write_paths(statement: ast.stmt) -> Iterator[ast.expr]:
    """Expressions whose tensor is written in place: targets, `x.add_(...)`, `out=x`."""
    for target in assigned(statement):
        for part in unpacked(target):
            if isinstance(part, ast.Subscript) or isinstance(statement, ast.AugAssign):
                yield part
    for node in ast.walk(statement):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr.endswith("_"):
            yield node.func.value
        for keyword in node.keywords:
            if keyword.arg == "out":
                yield from unpacked(keyword.value)


def _backward_roots(statement: ast.stmt) -> Iterator[ast.expr]:
    """What backward starts from: `x` in `x.backward()`, `autograd.backward(x)` and `autograd.grad(x, ...)`."""
    for node in ast.walk(statement):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = ast.unparse(node.func.value)
        if owner in ("autograd", "torch.autograd") and node.func.attr in ("backward", "grad") and node.args:
            yield from unpacked(node.args[0])
        elif node.func.attr == "backward":
            yield node.func.value


def _writes_grad(node: ast.AST) -> bool:
    """Whether `node` writes to a gradient otherwise than by backward."""
    if isinstance(node, ast.Attribute):
        return isinstance(node.ctx, (ast.Store, ast.Del)) and node.attr == "grad"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        inner = node.func.value
        return node.func.attr.endswith("_") and isinstance(inner, ast.Attribute) and inner.attr == "grad"
    return False


def _look_up(path: ast.expr, variables: Mapping[str, object]) -> Tensor | None:
    """The tensor that `path` stands for, as far as names, indices and views without effect lead; else None.

    An index that would copy (a tensor, a list) or that cannot be known leads to the whole indexed tensor.
    """
    if isinstance(path, ast.Name):
        value = variables.get(path.id)
        return value if is_tensor(value) else None
    if isinstance(path, ast.Attribute) and path.attr in _SAME_ELEMENTS:
        owner = _look_up(path.value, variables)
        try:
            value = None if owner is None else gradient(owner) if path.attr == "grad" else getattr(owner, path.attr)
        except RuntimeError:
            return None
        return value if is_tensor(value) else None
    if isinstance(path, ast.Subscript):
        owner = _look_up(path.value, variables)
        if owner is None:
            return None
        try:
            index = _index(path.slice, variables)
        except LookupError:
            return owner
        return _narrowed(owner, index)
    return None


def _index(node: ast.expr, variables: Mapping[str, object]) -> object:
    """The value of an index made of integers, slices, None and `...`.

    Raises LookupError for any other.
    """
    if isinstance(node, ast.Tuple):
        return tuple(_index(part, variables) for part in node.elts)
    if isinstance(node, ast.Slice):
        parts = (node.lower, node.upper, node.step)
        return slice(*(None if part is None else _index(part, variables) for part in parts))
    value: object = None
    if isinstance(node, ast.Constant):
        value = node.value
    elif isinstance(node, ast.Name):
        value = variables.get(node.id, LookupError)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        operand = _index(node.operand, variables)
        value = -operand if type(operand) is int else LookupError
    else:
        value = LookupError
    if value is None or value is Ellipsis or type(value) is int:
        return value
    raise LookupError


def _narrowed(tensor: Tensor, index: object) -> Tensor:
    """`tensor[index]`, or `tensor` itself where the index does not fit (the statement will fail then)."""
    from ..engine.modes import no_grad

    try:
        with no_grad():
            part = cast("Any", tensor)[index]
    except (IndexError, ValueError, TypeError, RuntimeError):
        return tensor
    return part if is_tensor(part) else tensor
