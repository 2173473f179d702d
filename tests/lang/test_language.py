"""Names with and without prefix, imports, Python's names that torch shares, and the way a statement is run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from tcalc.lang import check, names
from tcalc.lang.compile import compile_statement
from tcalc.lang.errors import Exit, LangError
from tcalc.lang.parse import parse


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "text",
    [
        "ones(2, dtype=float32)",
        "torch.ones(2, dtype=torch.float32)",
        "import torch; torch.ones(2, dtype=torch.float32)",
        "import torch as th; th.ones(2, dtype=th.float32)",
        "from torch import ones as make, float32; make(2, dtype=float32)",
        "def f():\n    import torch as t\n    return t.ones(2, dtype=t.float32)\nf()",
    ],
)
def test_prefixes_and_imports(program: Any, text: str) -> None:
    assert program.value(text) == "torch.float32"


@pytest.mark.usefixtures("engine")
def test_imports_leave_no_variables_where_the_name_means_the_same(program: Any) -> None:
    program(
        "import torch, math\nimport numpy as np\nimport torch.nn as nn, torch.nn.functional as F\nfrom torch import nn"
    )
    assert program.env.variables == {}
    program("import torch.nn.functional\nfrom torch import linalg\nfrom torch.linalg import det\nimport math as m")
    assert set(program.env.variables) == {"det", "m"}
    program("np = 3; torch = 4")
    program("import torch")
    assert set(program.env.variables) == {"det", "m", "np"}
    assert program.value("torch") is program.value("import torch\ntorch")


@pytest.mark.usefixtures("engine")
def test_namespaces(program: Any) -> None:
    assert program(
        "torch; nn; F; torch.nn.functional == F; torch.nn is nn; linalg.det(-3); nn.functional.relu(-1)"
    ) == ("<module 'torch'>\n<module 'torch.nn'>\n<module 'torch.nn.functional'>\nTrue\nTrue\n3\n1\n")
    for text in ("from torch import onse", "from math import coss", "import torch.optim as o; o.SGD"):
        with pytest.raises(LangError) as caught:
            program(text)
        assert caught.value.kind == "name"


@pytest.mark.usefixtures("engine")
def test_names_that_python_and_torch_share(program: Any) -> None:
    assert program("sum([1, 2]); sum(tensor(3.)); sum(tensor(3.), dim=1); sum([tensor(1.), tensor(2.)])") == (
        "3\n'torch.sum 3.0 None'\n'torch.sum 3.0 1'\ntensor(3.0)\n"
    )


@pytest.mark.usefixtures("engine")
def test_python_types_as_dtypes(program: Any) -> None:
    assert program.value("ones(2, dtype=float)") is float
    assert program.value("tensor(1.).to(int, 'cpu')") == (int, "cpu")
    assert program("type(1.0) == float; type(tensor(1.)) == Tensor; isinstance(tensor(1.), (int, torch.Tensor))") == (
        "True\nTrue\nTrue\n"
    )


@pytest.mark.usefixtures("engine")
def test_tensors_in_fstrings(program: Any) -> None:
    assert program("f'{tensor(1.5)} {tensor(1.5):.3f} {tensor(1.5)!r}'") == "'1.5 1.500 tensor(1.5)'\n"


@pytest.mark.usefixtures("engine")
def test_a_deleted_variable_uncovers_the_library(program: Any) -> None:
    program("def f(): return ones(2, dtype=1)")
    program("ones = lambda *a, **k: 'mine'")
    assert program("f()") == "'mine'\n"
    assert program("del ones\nf()") == "1\n"
    assert program("sum = 3; del sum; sum([1])") == "1\n"


def test_variables_are_the_programs_own(program: Any) -> None:
    program("x = 1\ndef f(): return x\nfor i in range(2): y = math.pi")
    assert set(program.env.variables) == {"x", "f", "i", "y"}
    program.env.variables["z"] = 5
    assert program("z + x") == "6\n"


def test_the_last_value(program: Any) -> None:
    program.env.last = 7
    assert program("_ + 1") == "8\n"
    assert program("for _ in range(3): pass\n_") == "2\n"


def test_exit(program: Any) -> None:
    for text, status in (("exit()", 0), ("quit(3)", 3), ("exit('no')", 1), ("try: exit()\nexcept: 1", 0)):
        with pytest.raises(Exit) as caught:
            program(text)
        assert caught.value.code == status


def test_an_interrupt_passes_through_a_loop(program: Any) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    program.env.variables["interrupt"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        program("x = 0\nwhile True:\n    try:\n        x += 1\n        if x > 5: interrupt()\n    except: pass")
    assert program.env.variables["x"] == 6


def test_a_statement_can_be_compiled_twice(program: Any) -> None:
    statement = parse("x = [1]; x[0] + 1")[0]
    first, second = compile_statement(statement), compile_statement(statement)
    assert first.code.co_code == second.code.co_code


def test_plain_python_needs_neither_engine_nor_numpy() -> None:
    text = (
        "import sys\n"
        "from tcalc.lang.parse import parse\n"
        "from tcalc.lang.compile import compile_statement\n"
        "from tcalc.lang.run import Environment\n"
        "env = Environment()\n"
        "program = 'import torch, math, numpy as np; x = 1 + 1; i = 3; print(x, math.pi)\\n'\n"
        "program += 'for i in range(3):\\n    j = [k for k in range(i)]\\n'\n"
        "program += 'try: 1 / 0\\nexcept ZeroDivisionError as e: print(e)'\n"
        "for statement in parse(program):\n"
        "    env.run(compile_statement(statement), print, lambda text: None)\n"
        "print(sorted({'numpy', 'scipy', 'asyncio', 'inspect', 'difflib', 'dataclasses'} & set(sys.modules)))\n"
        "print([name for name in sys.modules if name.startswith('tcalc.engine')])\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-3:] == ["[]", "[]", ""]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("body", "most"),
    [
        ("y = t + t", 1),
        ("y = t + 1", 0),
        ("y = t * t", 1),
        ("y = t ** 2", 1),
        ("t += t", 1),
        ("y = t.item()", 1),
        ("y = t[i]", 0),
        ("y = i < 3", 0),
        ("x[0] = i", 0),
        ("a, b = i, t", 0),
    ],
)
def test_calls_of_ours_per_operation(program: Any, body: str, most: int) -> None:
    """The language adds at most so many Python calls to one step of a loop, whatever the machine's speed."""
    program("t = tensor(1.); x = [0]")
    code = compile_statement(parse(f"for i in range(100): {body}")[0])
    calls: Counter[str] = Counter()

    def count(frame: Any, event: str, argument: object) -> None:
        if event == "call" and frame.f_globals.get("__name__", "").startswith("tcalc.lang"):
            calls[frame.f_code.co_name] += 1

    sys.setprofile(count)
    try:
        program.env.run(code, print, print)
    finally:
        sys.setprofile(None)
    assert sum(number for number in calls.values() if number >= 100) <= most * 100


def test_operators_and_contexts_are_all_part_of_the_language() -> None:
    """The check of a statement passes them by without a look."""
    marks = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
    bygone = {"AugLoad", "AugStore", "Param"}  # Python 2's, which no parser makes any more
    assert {mark for kind in marks for mark in kind.__subclasses__() if mark.__name__ not in bygone} <= check._ALLOWED


def test_no_field_that_is_passed_by_holds_nodes() -> None:
    """ASDL's own words, as the docstrings of the node classes have them."""
    plain = {"identifier", "int", "string", "constant", "expr_context", "operator", "unaryop", "boolop", "cmpop"}
    found = {(kind.__name__, field) for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.AST)
             for text in re.findall(r"\((.*)\)", kind.__doc__ or "", re.DOTALL) for typed, field in re.findall(r"(\w+)[?*]* (\w+)", text) if typed not in plain}
    assert ("Call", "args") in found
    assert {(kind, field) for kind, field in found if field in names.PLAIN_FIELDS} == set()
