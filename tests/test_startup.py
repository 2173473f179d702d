"""What a command imports is part of how fast it starts: the modules left in `sys.modules` after each kind of run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REPORT = """
import json, sys
from tcalc.cli.main import main
try:
    status = main({args!r})
except SystemExit as stop:
    status = stop.code
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""
TOP_LEVEL = {"numpy", "scipy", "ml_dtypes", "cupy", "rich", "prompt_toolkit", "asyncio", "torch", "importlib.metadata"}
ENGINE = {"tcalc.engine.backend", "tcalc.engine.tensor"}
TENSOR = TOP_LEVEL - {"numpy"} | {"numpy.random"}
READING = {"tcalc.lang.parse", "tcalc.session.session"}
PLAIN = {"click", "dataclasses", "inspect"}  # NumPy imports inspect


def modules(*args: str) -> set[str]:
    """Names of the modules that `tcalc ARGS` leaves imported when it succeeds."""
    result = subprocess.run(
        [sys.executable, "-c", REPORT.format(args=list(args))],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=60,
        check=True,
    )
    status, names = json.loads(result.stderr)
    assert status == 0
    assert result.stdout
    return set(names)


@pytest.fixture(scope="module")
def bare() -> set[str]:
    """What the interpreter imports by itself here (a `.pth` file may add to it)."""
    code = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, timeout=60)
    return set(json.loads(result.stdout))


@pytest.mark.parametrize(
    ("args", "refused"),
    [
        (("--version",), TOP_LEVEL | PLAIN | READING | {"tcalc.engine"}),
        (("--help",), TOP_LEVEL | READING | {"tcalc.engine"}),
        (("1+1",), TOP_LEVEL | PLAIN | ENGINE),
        (("for i in range(3):\n    print(i)",), TOP_LEVEL | PLAIN | ENGINE),
        (("ones(2, 3).sum()",), TENSOR | {"click", "dataclasses"}),
        (("x = ones(2, requires_grad=True)", "(x * 2).sum().backward()", "x.grad"), TENSOR),
    ],
    ids=["version", "help", "number", "loop", "tensor", "backward"],
)
def test_imports_nothing_it_does_not_need(args: tuple[str, ...], refused: set[str], bare: set[str]) -> None:
    """Neither the libraries of the prompt nor those of ops that were not called are imported."""
    assert modules(*args) & refused - bare == set()
