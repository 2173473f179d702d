"""The engine's kernels name only what CuPy has too: every `xp.NAME`, keyword, ufunc method and scipy function, found by AST. What the stand-in
offers is what CuPy has: names, parameters, types of ufuncs."""

from __future__ import annotations

import ast
import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tcalc.engine.simulated import names, ndarray

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


def scipy_of(node: ast.expr) -> str:
    """The module of SciPy that `scipy_module("NAME", xp)` gives; empty for other expressions, and where it is the host's whatever the device."""
    if (
        not isinstance(node, ast.Call)
        or ast.unparse(node.func).rpartition(".")[2] != "scipy_module"
        or ast.unparse(node.args[1]).endswith("np")
    ):
        return ""
    name = node.args[0]
    assert isinstance(name, ast.Constant)
    return str(name.value)


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
                if scipy_of(inner):
                    yield file, node.lineno, scipy_of(inner), node.attr
            elif isinstance(node, ast.keyword) and node.arg == "ufunc" and isinstance(node.value, ast.Constant) and node.value.value:
                yield file, node.value.lineno, "array", str(node.value.value)


def cupy_module(name: str) -> Any:
    """CuPy, or a module of cupyx.scipy; imports without a GPU or a driver."""
    pytest.importorskip("cupy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("cupy" if name == "array" else f"cupyx.scipy.{name}")


def scipy_names(module: str) -> set[str]:
    """What a module of cupyx.scipy has; by its source where it needs libraries of CUDA."""
    try:
        return set(dir(cupy_module(module)))
    except ImportError:
        return set(record_cupy().source_of(f"cupyx.scipy.{module}"))


def record_cupy() -> Any:
    """scripts/record_cupy.py as a module."""
    path = Path(__file__).parents[2] / "scripts" / "record_cupy.py"
    spec = importlib.util.spec_from_file_location("record_cupy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_something_is_found() -> None:
    """The search itself works."""
    found = {name for _, _, _, name in used()}
    assert {"where", "zeros", "expit", "arctan2", "lu_factor", "linalg.svd"} <= found


def test_every_name_is_in_cupy() -> None:
    """All functions that kernels call exist in CuPy and cupyx.scipy."""
    missing = []
    cupy = cupy_module("array")
    for file, line, module, name in used():
        head, _, method = name.partition(".")
        there = hasattr(cupy, head) if module == "array" else head in scipy_names(module)
        if there and module == "array" and head in ("linalg", "fft") and method:
            there = hasattr(getattr(cupy, head), method)
        if not there:
            missing.append(f"{file}:{line}: {module}.{name}")
    assert not missing, "\n".join(sorted(set(missing)))


UFUNC_WORDS = {"out", "dtype", "casting"}
METHOD_WORDS = {"reduce": {"axis", "dtype", "out", "keepdims"}, "accumulate": {"axis", "dtype", "out"}, "outer": UFUNC_WORDS, "at": set()}


def calls() -> Iterator[tuple[str, str, set[str], int]]:
    """(place, dotted name, keywords, positional arguments) of every call of a function of the array module."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                words = {word.arg for word in node.keywords if word.arg is not None}
                count = 0 if any(isinstance(a, ast.Starred) for a in node.args) else len(node.args)
                inner = node.func.value
                if is_module(inner):
                    yield f"{file}:{node.lineno}", node.func.attr, words, count
                elif isinstance(inner, ast.Attribute) and is_module(inner.value):
                    yield f"{file}:{node.lineno}", f"{inner.attr}.{node.func.attr}", words, count


def test_every_keyword_is_cupys() -> None:
    """Kernels give CuPy's functions no more arguments, and no other keywords, than these take."""
    wrong = []
    for place, name, words, count in calls():
        head, _, method = name.partition(".")
        known = names.LINALG.get(method) if head == "linalg" else names.FUNCTIONS.get(name)
        if head in names.UFUNCS:
            allowed = METHOD_WORDS[method] if method else UFUNC_WORDS
            fits = words <= allowed
        elif known is not None:
            parameters = known.split()
            plain = parameters[: parameters.index("*")] if "*" in parameters else parameters
            anything = any(word.startswith("**") for word in parameters)
            fits = (anything or words <= set(parameters)) and (count <= len(plain) or any(word.startswith("*") for word in plain))
        else:
            continue  # types, constants, exceptions
        if not fits:
            wrong.append(f"{place}: xp.{name} with {sorted(words)} and {count} arguments")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("table", ["UFUNCS", "FUNCTIONS", "METHODS", "VALUES", "LINALG", "FFT"])
def test_what_was_recorded_of_cupy_is_so(table: str) -> None:
    """Names, parameters and types of ufuncs in simulated/names.py are those of the installed CuPy."""
    cupy, record = cupy_module("array"), record_cupy()
    if table == "METHODS":
        found = record.methods(cupy.ndarray)
    elif table == "VALUES":
        found = dict.fromkeys(dir(cupy), "")
    else:
        ufuncs, functions = record.members(getattr(cupy, table.lower()) if table in ("LINALG", "FFT") else cupy)
        found = ufuncs if table == "UFUNCS" else functions
    recorded = getattr(names, table)
    gone = [name for name in recorded if name not in found]
    assert not gone
    if table != "VALUES":
        changed = [name for name, said in recorded.items() if not set(said.split()) <= set(found[name].split())]
        assert not changed


@pytest.mark.parametrize("module", ["special", "linalg", "fft"])
def test_what_was_recorded_of_cupyx_is_so(module: str) -> None:
    """The same for cupyx.scipy."""
    recorded = {**getattr(names, f"SCIPY_{module.upper()}_UFUNCS", {}), **getattr(names, f"SCIPY_{module.upper()}")}
    assert not [name for name in recorded if name not in scipy_names(module)]
    if module == "special":
        special = cupy_module(module)
        assert not [name for name, said in names.SCIPY_SPECIAL_UFUNCS.items() if not set(said.split()) <= set(getattr(special, name).types)]


def test_the_stand_ins_array_has_no_more_than_cupys() -> None:
    """Every public attribute of the simulated array is one of cupy.ndarray."""
    theirs = set(dir(cupy_module("array").ndarray))
    assert not [name for name in dir(ndarray) if not name.startswith("_") and name not in theirs]
    assert not [
        name for name in vars(ndarray) if name.startswith("__") and name not in theirs | {"__init__", "__weakref__", "__annotations__"}
    ]


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
