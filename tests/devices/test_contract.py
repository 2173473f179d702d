"""The engine's kernels name only what CuPy has too: every `xp.NAME`, every ufunc method and every scipy function, found by AST."""

from __future__ import annotations

import ast
import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ENGINE = Path(__file__).parents[2] / "tcalc" / "engine"
# what CuPy's ufuncs can do (cupy/_core/_kernel.pyx): every ufunc has the methods by name, most raise NotImplementedError
UFUNC_METHODS = {
    "reduce": {"add", "multiply"},
    "accumulate": {"add", "multiply"},
    "at": {"add", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"},
    "outer": None,
}


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Every source file of the engine, parsed."""
    for path in sorted(ENGINE.rglob("*.py")):
        yield str(path.relative_to(ENGINE)), ast.parse(path.read_text())


def is_module(node: ast.expr) -> bool:
    """Whether an expression is the array module: `xp`, `plan.xp`, `self.xp`."""
    return (isinstance(node, ast.Name) and node.id == "xp") or (isinstance(node, ast.Attribute) and node.attr == "xp")


def _on_host(call: ast.Call) -> bool:
    """Whether a SciPy function is asked for on the host, whatever the device."""
    return isinstance(call.args[1], ast.Name) and call.args[1].id == "np"


def used() -> Iterator[tuple[str, int, str, str]]:
    """(file, line, "array" or a scipy module, dotted name) of all that kernels use."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                if is_module(node.value):
                    yield file, node.lineno, "array", node.attr
                inner = node.value
                if isinstance(inner, ast.Attribute) and is_module(inner.value):
                    yield file, node.lineno, "array", f"{inner.attr}.{node.attr}"
                if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "scipy_module" and not _on_host(inner):
                    name = inner.args[0]
                    assert isinstance(name, ast.Constant)
                    yield file, node.lineno, str(name.value), node.attr
            elif isinstance(node, ast.keyword) and node.arg == "ufunc" and isinstance(node.value, ast.Constant) and node.value.value:
                yield file, node.value.lineno, "array", str(node.value.value)


def cupy_module(name: str) -> Any:
    """CuPy, or a module of cupyx.scipy; imports without a GPU or a driver."""
    pytest.importorskip("cupy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("cupy" if name == "array" else f"cupyx.scipy.{name}")


def test_something_is_found() -> None:
    """The search itself works."""
    names = {name for _, _, _, name in used()}
    assert {"where", "zeros", "expit", "arctan2"} <= names


def test_every_name_is_in_cupy() -> None:
    """All functions that kernels call exist in CuPy and cupyx.scipy."""
    missing = []
    for file, line, module, name in used():
        head, _, method = name.partition(".")
        found = getattr(cupy_module(module), head, None)
        if found is None and not (method and hasattr(cupy_module(module), head)):
            missing.append(f"{file}:{line}: {module}.{head}")
    assert not missing, "\n".join(sorted(set(missing)))


def test_every_ufunc_method_works_in_cupy() -> None:
    """`xp.add.reduce` and the like only where CuPy implements them."""
    wrong = []
    for file, line, module, name in used():
        head, _, method = name.partition(".")
        if module == "array" and method in UFUNC_METHODS:
            allowed = UFUNC_METHODS[method]
            if allowed is not None and head not in allowed:
                wrong.append(f"{file}:{line}: xp.{name}")
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_ufuncs_passed_around_are_only_accumulated_where_cupy_can() -> None:
    """`ufunc.accumulate` on a parameter: its callers hand over add and multiply only."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_accumulate":
                given = node.args[1]
                assert isinstance(given, ast.Attribute), file
                assert given.attr in {"add", "multiply"}, f"{file}:{node.lineno}: xp.{given.attr}"
