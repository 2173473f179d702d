"""The derivative formulas as text: read from the source of their declarations, for help, traces and the mutation test."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .registry import Op


@cache
def _lambdas(filename: str) -> list[ast.Lambda]:
    """The lambdas of a source file."""
    with open(filename, encoding="utf-8") as file:
        return [node for node in ast.walk(ast.parse(file.read())) if isinstance(node, ast.Lambda)]


def syntax_tree(formula: Callable[..., Any]) -> ast.Lambda | ast.FunctionDef:
    """The formula as a tree: the innermost lambda around its instructions, or the function of its name.

    Raises OSError when its source is not there.
    """
    if formula.__name__ != "<lambda>":
        node = ast.parse(textwrap.dedent(inspect.getsource(formula))).body[0]
        assert isinstance(node, ast.FunctionDef)
        return node
    code = formula.__code__
    places = [(line, col) for line, _, col, end in code.co_positions() if line is not None and col is not None and end]
    around = [each for each in _lambdas(code.co_filename) if all(_start(each.body) <= place < _end(each.body) for place in places)]
    if not around:
        raise OSError(f"no source of a formula in {code.co_filename}")
    return max(around, key=_start)


def _start(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.expr) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


class _Plain(ast.NodeTransformer):
    """Formulas as a user would write them: no F., shapes as attributes."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id in ("F", "math"):
            return ast.Name(node.attr)
        if node.attr == "sizes":
            return ast.Attribute(node.value, "shape")
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(node.id.removesuffix("_spec"))


def gradient_text(op: Op, name: str) -> str | None:
    """The formula of one input as an expression of grad, the inputs and the result: `grad * (1 - result * result)`.

    None when there is none, or when it is a function of its own and no expression.
    """
    formula = op.formulas.get(name)
    if formula is None:
        return None
    try:
        tree = syntax_tree(formula)
    except OSError:
        return None
    if isinstance(tree, ast.FunctionDef) or any(isinstance(n, ast.Name) and n.id.startswith("_") for n in ast.walk(tree.body)):
        return None
    return ast.unparse(_Plain().visit(ast.parse(ast.unparse(tree.body), mode="eval").body))
