"""Small changes to the derivative formulas (another operator, sign, number or name), each of which gradcheck must notice."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from tcalc.engine.formulas import syntax_tree
from tcalc.engine.registry import OPS, Op

SWAPPED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
}
COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.Lt, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
CALLED = {"sin": "cos", "cos": "sin", "exp": "log", "log": "exp", "sqrt": "exp", "sinh": "cosh", "cosh": "sinh", "tan": "sin"}


class Mutant(NamedTuple):
    """One formula of an op with one place changed: `which` is the input (or "grads"), `text` the changed formula."""

    op: str
    which: str
    text: str
    formula: Callable[..., Any]


def _changes(node: ast.AST) -> Iterator[Callable[[Any], None]]:
    """The changes that can be made at one node, as functions of its copy."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPPED:
        yield lambda copy: setattr(copy, "op", SWAPPED[type(copy.op)]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda copy: setattr(copy, "op", ast.UAdd())
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        yield lambda copy: setattr(copy, "value", copy.value + 1)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARED:
        yield lambda copy: setattr(copy, "ops", [COMPARED[type(copy.ops[0])]()])
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLED:
        yield lambda copy: setattr(copy.func, "attr", CALLED[copy.func.attr])


def _mutants_of(op: Op, which: str, formula: Callable[..., Any]) -> Iterator[Mutant]:
    tree = syntax_tree(formula)
    body = list(ast.walk(tree))
    for place, node in enumerate(body):
        for change in _changes(node):
            copy = deepcopy(tree)
            change(list(ast.walk(copy))[place])
            yield Mutant(op.name, which, ast.unparse(copy), _compiled(copy, formula))


def _compiled(tree: ast.Lambda | ast.FunctionDef, formula: Callable[..., Any]) -> Callable[..., Any]:
    names = dict(zip(formula.__code__.co_freevars, [cell.cell_contents for cell in formula.__closure__ or ()], strict=True))
    scope = formula.__globals__ | names
    ast.fix_missing_locations(tree)
    if isinstance(tree, ast.Lambda):
        return eval(compile(ast.Expression(tree), "mutant", "eval"), scope)  # type: ignore[no-any-return]
    exec(compile(ast.Module([tree], []), "mutant", "exec"), scope)
    return scope[tree.name]  # type: ignore[no-any-return]


def mutants() -> Iterator[Mutant]:
    """Every mutant of every formula."""
    for op in OPS.values():
        for which, formula in [*op.formulas.items(), *([("grads", op.grads)] if op.grads else [])]:
            yield from _mutants_of(op, which, formula)
