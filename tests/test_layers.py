"""The house stands as it is drawn: imports point down, arrays come in by one door, formulas use operators and `F` only."""

from __future__ import annotations

import ast
import builtins
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tcalc"
LAYERS = ("engine", "lang", "session", "cli")  # from the bottom up
SOURCES = sorted(PACKAGE.rglob("*.py"))
OPS = sorted((PACKAGE / "engine" / "ops").glob("*.py"))
TESTS = [path for path in sorted((ROOT / "tests").rglob("*.py")) if path.parent.name != "snippets"]
ALL_FILES = [*SOURCES, *sorted((ROOT / "scripts").glob("*.py")), *TESTS]

IMPORT_ALONE = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if any(name == layer or name.startswith(layer + ".") for layer in {blocked!r}):
            raise ImportError("blocked: " + name)

sys.meta_path.insert(0, Blocked())
package = importlib.import_module({package!r})
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if module.name not in {left_out!r}:
        importlib.import_module(module.name)
"""


def relative(path: Path) -> str:
    """A path as test ids and messages show it."""
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """Absolute names of the modules that a file imports anywhere, by statement or by `import_module` with a constant name."""
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            yield start
            yield from (f"{start}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__"):
            name = node.args[0]
            if isinstance(name, ast.Constant):
                yield str(name.value)
            elif isinstance(name, ast.JoinedStr) and isinstance(name.values[0], ast.Constant):
                yield str(name.values[0].value)


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_with_the_layers_above_blocked(layer: str) -> None:
    """Every module of a layer can be imported where the layers above do not exist."""
    import_alone(f"tcalc.{layer}", LAYERS[LAYERS.index(layer) + 1 :])


def test_language_without_the_engine() -> None:
    """The language needs no engine to be imported, but for the three modules that stand for `numpy` in it."""
    import_alone("tcalc.lang", ("engine", "session", "cli"), left_out=("tcalc.lang.arrays", "tcalc.lang.arraydata", "tcalc.lang.arraynames"))


def import_alone(package: str, blocked: tuple[str, ...], left_out: tuple[str, ...] = ()) -> None:
    """Import all modules of a package but those `left_out` in a process where the `blocked` layers do not exist."""
    code = IMPORT_ALONE.format(blocked=[f"tcalc.{layer}" for layer in blocked], package=package, left_out=left_out)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=ROOT, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_imports_point_down(path: Path) -> None:
    """No import of a layer above, inside functions neither."""
    parts = path.relative_to(PACKAGE).parts
    height = LAYERS.index(parts[0]) if parts[0] in LAYERS else len(LAYERS)
    above = tuple(f"tcalc.{layer}" for layer in LAYERS[height + 1 :])
    assert [name for name in imports(path) if name.startswith(above)] == []


def test_only_the_backend_imports_array_libraries() -> None:
    """numpy, cupy, ml_dtypes and scipy come in through tcalc/engine/backend.py."""
    libraries = {"numpy", "cupy", "cupyx", "ml_dtypes", "scipy"}
    found = {relative(path) for path in SOURCES if any(name.partition(".")[0] in libraries for name in imports(path))}
    assert found == {"tcalc/engine/backend.py"}


@pytest.mark.parametrize("path", ALL_FILES, ids=relative)
def test_opens_with_a_sentence(path: Path) -> None:
    """The first thing in a file says what it is for."""
    doc = ast.get_docstring(tree(path)) or ""
    first = doc.partition("\n\n")[0]
    assert first.endswith("."), first
    assert len(first) > 20


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_refers_to_nothing_outside(path: Path) -> None:
    """A clone is complete: no source speaks of files that it does not bring along."""
    text = path.read_text(encoding="utf-8")
    assert "shared/" not in text
    assert "../" not in text


# --- formulas ---------------------------------------------------------------------------------------------------------

SPEC_FIELDS = {"shape", "sizes", "strides", "ndim", "numel", "dtype", "device", "kind"}  # plain values of arrays, Tensors and specs
LIST_METHODS = {"append", "index"}
PURE_MODULES = {"math", "cmath", "dtypes"}


class Formula:
    """One derivative formula and the local functions it calls, checked together."""

    def __init__(self, functions: dict[str, ast.FunctionDef], constants: set[str]) -> None:
        self.functions, self.constants = functions, constants
        self.seen: set[str] = set()
        self.wrong: list[str] = []

    def check(self, node: ast.Lambda | ast.FunctionDef) -> list[str]:
        """What in the formula is neither operator, `F`, pure integer work nor a local function of the same kind."""
        bound = {argument.arg for part in ast.walk(node) if isinstance(part, ast.arguments) for argument in (*part.args, *part.kwonlyargs)}
        bound |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        annotations = {id(n) for part in ast.walk(node) if isinstance(part, ast.arg) and part.annotation for n in ast.walk(part.annotation)}
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and id(part) not in annotations:
                self._name(part.id, bound)
            elif isinstance(part, ast.Attribute):
                owner = part.value.id if isinstance(part.value, ast.Name) else ""
                if owner != "F" and owner not in PURE_MODULES and part.attr not in SPEC_FIELDS | LIST_METHODS:
                    self.wrong.append(ast.unparse(part))
        return self.wrong

    def _name(self, name: str, bound: set[str]) -> None:
        known = name in bound or name in PURE_MODULES | self.constants | self.functions.keys() or hasattr(builtins, name)
        if name == "xp" or not known:
            self.wrong.append(name)
        elif name in self.functions and name not in bound and name not in self.seen:
            self.seen.add(name)
            self.check(self.functions[name])


def formulas(path: Path) -> Iterator[tuple[str, ast.expr]]:
    """(op.input, formula) of the declarations in a file: what decorators give by the names of the kernel's parameters, or as `grads`."""
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef):
            inputs = {argument.arg for argument in node.args.args} | {"self", "grads"}
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call):
                    yield from ((f"{node.name}.{word.arg}", word.value) for word in decorator.keywords if word.arg in inputs)


def integer_rules(module: ast.Module) -> Iterator[str]:
    """Names of a file's numeric constants, and of the functions on plain sizes that it takes from the layout rules."""
    for node in module.body:
        if isinstance(node, ast.Assign) and {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)} <= {"math"}:
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.ImportFrom) and node.module == "layout":
            yield from (name.name for name in node.names)


def borrowed(path: Path, module: ast.Module) -> Iterator[tuple[Path, ast.Module]]:
    """A file of ops, and those that its formulas take functions from."""
    yield path, module
    for node in module.body:
        source = path.with_name(f"{node.module}.py") if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module else None
        if source is not None and source.exists():
            yield from borrowed(source, tree(source))


@pytest.mark.parametrize("path", OPS, ids=relative)
def test_formulas_use_operators_and_ops_only(path: Path) -> None:
    """A formula runs on raw arrays and on Tensors alike, so it names no array module, no Tensor and no method of either."""
    functions: dict[str, ast.FunctionDef] = {}
    constants: set[str] = set()
    for _, module in borrowed(path, tree(path)):
        functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)} | functions
        constants |= set(integer_rules(module))
    wrong = {}
    for name, value in formulas(path):
        if isinstance(value, ast.Lambda):
            wrong[name] = Formula(functions, constants).check(value)
        elif isinstance(value, ast.Name):
            wrong[name] = Formula(functions, constants).check(functions[value.id])
    assert {name: found for name, found in wrong.items() if found} == {}


def test_formulas_are_found() -> None:
    """The test above looks at something."""
    assert sum(len(list(formulas(path))) for path in OPS) > 150
