"""Write tcalc/engine/simulated/names.py anew from the installed CuPy: what the stand-in may offer. Needs CuPy, but no GPU."""

from __future__ import annotations

import ast
import importlib
import inspect
import warnings
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy

TARGET = Path(__file__).parents[1] / "tcalc" / "engine" / "simulated" / "names.py"
MODULES = ("linalg", "fft")  # of cupy
SCIPY = ("special", "linalg", "fft")  # of cupyx.scipy
HEAD = '"""What CuPy {version} offers, as scripts/record_cupy.py found it: ufuncs with their loops, functions and methods with their parameters."""\n'


def loops(ufunc: Any) -> str:
    """The types a ufunc computes in, as `types` lists them."""
    return " ".join(ufunc.types)


def parameters(function: Any) -> str | None:
    """Names of the parameters, `*` before those that are keywords only, stars as Python writes them; None where Python does not know them."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    words: list[str] = []
    for parameter in found:
        if parameter.kind is parameter.KEYWORD_ONLY and not any(word.startswith("*") for word in words):
            words.append("*")
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
        words.append(stars.get(parameter.kind, "") + parameter.name)
    return " ".join(words)


def members(module: ModuleType) -> tuple[dict[str, str], dict[str, str]]:
    """(ufuncs, functions) of a module."""
    ufuncs, functions = {}, {}
    for name in sorted(dir(module)):
        value = getattr(module, name)
        if name.startswith("_") or isinstance(value, (type, ModuleType)) or not callable(value):
            continue
        if hasattr(value, "types"):
            ufuncs[name] = loops(value)
        elif (said := parameters(value)) is not None:
            functions[name] = said
    return ufuncs, functions


def source_of(package: str) -> dict[str, str]:
    """Functions of a package by its source: it cannot be imported without CUDA's libraries."""
    found: dict[str, str] = {}
    where = find_spec(package)
    assert where is not None
    assert where.submodule_search_locations
    for path in sorted(Path(where.submodule_search_locations[0]).glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                star = ["*", *(a.arg for a in node.args.kwonlyargs)] if node.args.kwonlyargs else []
                found[node.name] = " ".join([*(a.arg for a in node.args.args), *star])
    return found


def methods(cls: type) -> dict[str, str]:
    """Parameters of the methods of cupy.ndarray, as Cython wrote them into the docstrings."""
    found = {}
    for name in sorted(dir(cls)):
        doc = (getattr(cls, name).__doc__ or "").partition("\n")[0]
        if name.startswith("_") or "(self" not in doc:
            continue
        inside = doc.partition("(self")[2].rpartition(")")[0].removeprefix(",")
        words = [part.partition("=")[0].split()[-1] for part in inside.split(",") if part.strip()]
        found[name] = " ".join(words)
    return found


def is_value(value: object) -> bool:
    """Whether a name of CuPy's is numpy's own: a type of elements, what tells of one, or a constant."""
    return (
        isinstance(value, float)
        or value in (numpy.finfo, numpy.iinfo, numpy.dtype)
        or (isinstance(value, type) and issubclass(value, numpy.generic))
    )


def lines(name: str, table: dict[str, str]) -> list[str]:
    """One table as Python source."""
    return [f"{name}: dict[str, str] = {{", *(f'    "{key}": "{value}",' for key, value in sorted(table.items())), "}"]


def main() -> None:
    """Write the file."""
    warnings.simplefilter("ignore")
    cupy = importlib.import_module("cupy")
    ufuncs, functions = members(cupy)
    text = [
        HEAD.format(version=cupy.__version__),
        *lines("UFUNCS", ufuncs),
        *lines("FUNCTIONS", functions),
        *lines("METHODS", methods(cupy.ndarray)),
    ]
    values = sorted(n for n in dir(cupy) if is_value(getattr(cupy, n)) and not n.startswith("_"))
    text += ["VALUES = (", *(f'    "{name}",' for name in values), ")"]
    for module in MODULES:
        text += lines(module.upper(), members(importlib.import_module(f"cupy.{module}"))[1])
    for module in SCIPY:
        try:
            special, plain = members(importlib.import_module(f"cupyx.scipy.{module}"))
        except ImportError:
            special, plain = {}, source_of(f"cupyx.scipy.{module}")
        text += lines(f"SCIPY_{module.upper()}_UFUNCS", special) if special else []
        text += lines(f"SCIPY_{module.upper()}", plain)
    TARGET.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
