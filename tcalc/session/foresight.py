"""Notes that follow from a statement and the shapes it meets: seen on mirrors before it runs, or in what it left behind."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .hints import on_mirrors
from .provenance import graph_has
from .reading import bracketed, last_word, own_parts
from .record import Note
from .tensors import is_tensor, named_tensors, node_of

if TYPE_CHECKING:
    from .delta import Delta

_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign)
_ELEMENTWISE = frozenset("add sub subtract mul multiply div divide pow maximum minimum mse_loss l1_loss eq ne lt le gt ge".split())
_COPYING = frozenset(("reshape", "flatten", "ravel"))
_EFFECTS = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
MAX_LOOKED_AT = 8  # sub-expressions of one statement


def foreseen(statement: ast.stmt, variables: Mapping[str, object]) -> list[Note]:
    """Notes on what a statement is about to do, worked out on meta mirrors of the variables; nothing of theirs is touched."""
    if not isinstance(statement, _SIMPLE):
        return []
    found = [*_growing(statement, variables), *_copying(statement, variables), *_stored(statement, variables)]
    return list(dict.fromkeys(found))


def _pure(node: ast.expr, variables: Mapping[str, object]) -> bool:
    """Whether an expression can be planned: no loops, no functions of the program, nothing that writes."""
    for each in ast.walk(node):
        if isinstance(each, _EFFECTS):
            return False
        if isinstance(each, ast.Call):
            word = last_word(each.func)
            known = isinstance(each.func, ast.Name) and word in variables
            if known or not word or word.endswith("_") or word in ("backward", "print", "step"):
                return False
    return True


def _tensors(texts: Sequence[str], variables: Mapping[str, object]) -> list[Any] | None:
    """What expressions give on mirrors; None when one fails or is no tensor."""
    values = on_mirrors(texts, variables)
    return values if values is not None and all(map(is_tensor, values)) else None


# --- growth by broadcasting -------------------------------------------------------------------------------------------


def _growing(statement: ast.stmt, variables: Mapping[str, object]) -> Iterator[Note]:
    """Operands of different rank that both grow: (n, 1) with (n,) gives (n, n)."""
    for node, left, right in _pairs(statement)[:MAX_LOOKED_AT]:
        if not (_pure(left, variables) and _pure(right, variables)):
            continue
        a_text, b_text, whole = ast.unparse(left), ast.unparse(right), ast.unparse(node)
        values = _tensors([a_text, b_text, whole], variables)
        if values is None:
            continue
        a, b = (tuple(t.shape) for t in values[:2])
        result = _common(a, b)
        if len(a) == len(b) or result is None or result in (a, b):
            continue
        sign = _sign(node)
        text = f"{a_text} {a} {sign} {b_text} {b} grew to {result}"
        yield Note("broadcast-grow", text, tuple(_by_element(node, left, right, (a, b), variables)))


def _pairs(statement: ast.stmt) -> list[tuple[ast.expr, ast.expr, ast.expr]]:
    """(expression, one operand, the other) of the element by element operations in a statement."""
    found: list[tuple[ast.expr, ast.expr, ast.expr]] = []
    for node in own_parts(statement):
        if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.MatMult):
            found.append((node, node.left, node.right))
        elif isinstance(node, ast.Compare) and len(node.comparators) == 1:
            found.append((node, node.left, node.comparators[0]))
        elif isinstance(node, ast.Call) and last_word(node.func) in _ELEMENTWISE:
            receiver = [node.func.value] if isinstance(node.func, ast.Attribute) and len(node.args) == 1 else []
            operands = [*receiver, *node.args][:2]
            if len(operands) == 2:
                found.append((node, operands[0], operands[1]))
    return found


def _common(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...] | None:
    """The broadcast shape; None when there is none."""
    size = max(len(a), len(b))
    rows = [(1,) * (size - len(s)) + s for s in (a, b)]
    if any(n != m and 1 not in (n, m) for n, m in zip(*rows, strict=True)):
        return None
    return tuple(m if n == 1 else n for n, m in zip(*rows, strict=True))


def _sign(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp):
        return ast.unparse(ast.BinOp(ast.Name("a"), node.op, ast.Name("b")))[2:-2]
    return "with"


def _by_element(
    node: ast.expr, left: ast.expr, right: ast.expr, shapes: tuple[tuple[int, ...], tuple[int, ...]], variables: Mapping[str, object]
) -> Iterator[str]:
    """What to write where element by element was meant: the operand of lower rank with a dim behind."""
    short = right if len(shapes[1]) < len(shapes[0]) else left
    longer = shapes[0] if short is right else shapes[1]
    text = ast.unparse(short)
    text = bracketed(text, short)
    wanted = f"{text}[:, None]"
    if isinstance(node, ast.BinOp):
        whole = f"{ast.unparse(left)}{_spaced(node)}{wanted}" if short is right else f"{wanted}{_spaced(node)}{ast.unparse(right)}"
    else:
        whole = ast.unparse(node).replace(ast.unparse(short), wanted, 1)
    values = _tensors([wanted, whole], variables)
    if values is not None and _common(longer, tuple(values[0].shape)) == longer:
        yield f"meant element by element? {whole}   -> {tuple(values[1].shape)}"


def _spaced(node: ast.BinOp) -> str:
    return f" {_sign(node).strip()} "


# --- reshape that copies ----------------------------------------------------------------------------------------------


def _copying(statement: ast.stmt, variables: Mapping[str, object]) -> Iterator[Note]:
    """reshape, flatten and ravel of a named tensor whose strides do not allow a view."""
    for node in own_parts(statement):
        if not isinstance(node, ast.Call) or last_word(node.func) not in _COPYING or not isinstance(node.func, ast.Attribute):
            continue
        source = node.func.value
        if not isinstance(source, (ast.Name, ast.Attribute, ast.Subscript)) or not _pure(node, variables):
            continue
        text = ast.unparse(source)
        values = _tensors([text, ast.unparse(node)], variables)
        if values is None or not values[0].numel() or values[1].get_storage() is values[0].get_storage():
            continue
        why = f"{text}, stride {values[0].stride()}, cannot be read as {tuple(values[1].shape)}"
        yield Note("reshape-copied", f"{node.func.attr} copied {values[0].numel()} values: {why}", ("writing the result does not write the original",))


# --- what is stored where ---------------------------------------------------------------------------------------------


def _stored(statement: ast.stmt, variables: Mapping[str, object]) -> Iterator[Note]:
    """`x[i] = value`, `x.copy_(value)` and `x.fill_(value)`: into whole numbers, fewer digits, or a slot that shows at several indices."""
    for target, value in _stores(statement):
        root = ast.unparse(target.value if isinstance(target, ast.Subscript) else target)
        if not _pure(target, variables) or not _pure(value, variables):
            continue
        tensors = _tensors([root], variables)
        given = on_mirrors([ast.unparse(value)], variables)
        if tensors is None or given is None:
            continue
        held, new = tensors[0], given[0]
        if any(step == 0 and size > 1 for size, step in zip(held.shape, held.stride(), strict=True)):
            yield Note("expanded-write", f"{root} is expanded, stride {held.stride()}: one slot shows at several indices, and all of them change")
        real = (is_tensor(new) and new.dtype.is_floating_point) or isinstance(new, float)
        if real and not held.dtype.is_floating_point and held.dtype.name != "bool":
            yield Note("int-tensor", f"{root} is {held.dtype.name}: fractions are cut off", (f"{root} = {root}.float() keeps them",))
        elif is_tensor(new) and new.ndim and new.dtype.name == "float64" and held.dtype.is_floating_point and held.dtype.itemsize < 8:
            yield Note("narrowing", f"float64 values are stored in {root}, which is {held.dtype.name}", ())


def _stores(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(where, what) of the values that a statement stores into tensors."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Subscript):
                yield target, statement.value
    for node in own_parts(statement):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("copy_", "fill_") and node.args:
            yield node.func.value, node.args[0]


# --- what was left behind ---------------------------------------------------------------------------------------------


def left_behind(delta: Delta, before: Mapping[str, object], variables: Mapping[str, object]) -> list[Note]:
    """Notes on what a statement left: gradients on top of old ones, graphs that nobody can run any more.

    `before` are the tensors that names stood for.
    """
    notes = []
    added = [change.name for change in delta.grads if change.kind == "added" and (change.count or 0) > 1]
    if added:
        names = ", ".join(f"{name}.grad" for name in added[:3]) + (", ..." if len(added) > 3 else "")
        notes.append(Note("grad-accumulated", f"{names} held a gradient already, and the new one was added", (f"for a new step: {added[0]}.grad = None",)))
    for name, old in before.items():
        new = variables.get(name)
        if name == "_" or old is new or not is_tensor(old) or not is_tensor(new):
            continue
        node = node_of(old)
        if node is None or not node.edges or node.freed or not [*node.kept()]:
            continue
        if not any(graph_has(tensor, node) for _, tensor in named_tensors(variables)):
            notes.append(Note("unused-graph", f"the former {name} had a graph ({node.label}) that was dropped without a backward"))
    return notes
