"""A session exported as a PyTorch script prints under PyTorch what it printed here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tcalc.engine.printing import printoptions
from tcalc.lang.text import echo_repr
from tcalc.session.export import ExportError, torch_script, translated_source
from tcalc.session.record import Printed
from tcalc.session.session import Session

FOLDER = Path(__file__).resolve().parents[1] / "snippets"
SNIPPETS = sorted(path for path in FOLDER.glob("*.py") if "cuda" not in path.stem)  # PyTorch's CPU build, too, runs the scripts that come out

SESSIONS = {
    "views": "x = arange(6.).view(2, 3)\ny = x.T\ny[0, 1] = 9\nx\ny.stride(), y.is_contiguous()\ny.shape",
    "autograd": "w = tensor([1., 2.], requires_grad=True);\nloss = (w * w).sum()\nloss\nloss.backward()\nw.grad\nw.grad_fn",
    "last value": "ones(2, 3)\n_ + 1\n_.sum().item()\n_ * 2;\n_",
    "underscore as a variable": "a, _ = tensor([3., 1.]).max(0)\n_\n5\n_",
    "shared names": "max(3, 4)\nmax(tensor([3, 7]))\nsum([1, 2]), sum(ones(2, 2)), sum(ones(2, 2), 0)\nabs(-1), abs(tensor([-1.]))\nround(2.567, 1)",
    "hidden names": "ones(2)\nones = 3\nones + zeros(1)\ndel ones\nones(1)",
    "functions": "def f(v, scale=full((1,), 2.)):\n    zeros = v * scale\n    return zeros + eye(2)\n\nf(ones(2, 2))\ng = lambda ones: ones + 1\ng(1)\n[rand for rand in range(3)]",
    "blocks": "for i in range(3):\n    i * ones(1)\n    i * 100;\n    if i == 1:\n        'one'\n\n"
    "with no_grad():\n    is_grad_enabled()\n\ntry:\n    mm(ones(2), ones(2))\nexcept RuntimeError as e:\n    print(e)",
    "tuples": "1, 2\n(ones(1), zeros(1))\nones(1),\n(1), (2)\n()",
    "f-strings": "x = tensor([1.5])\nf'{x.item():.3f} {sqrt(x).item():.2f} {ones(2).sum()}'\nprint(f'{float32}')",
    "random": "manual_seed(3);\nrandn(3)\nrand(2, 2)\nrandperm(5)\nnn.Linear(2, 1).weight",
    "modules": "manual_seed(0);\nmodel = nn.Sequential(nn.Linear(2, 3), nn.ReLU())\nmodel(ones(1, 2))\nF.relu(tensor([-1., 2.]))\nmath.pi, np.arange(3)\nlinalg.norm(ones(4))",
    "training": "manual_seed(1);\nw = zeros(2, requires_grad=True)\nopt = optim.SGD([w], lr=0.1)\n"
    "for step in range(3):\n    opt.zero_grad()\n    loss = ((w - 1) ** 2).sum()\n    loss.backward()\n    opt.step();\n\nw, loss",
    "failures": "x = ones(2, 3)\nx @ x\nonse(2)\ny = x + 1\ny",
    "dtypes": "zeros(2, dtype=int32), tensor([True]), tensor([1.], dtype=bfloat16)\ntensor([1.7]).to(int)\nset_default_dtype(float64)\nones(1).dtype\nset_default_dtype(float32)",
    "walrus and unpacking": "(n := 4)\na, *b = 1, 2, 3\nb, n\ne = exp(tensor([0.]))\ne",
    "texts": "'it\\'s'\nNone\nx = '''a\n>>> b'''\nx\nprint('no', 'repr')",
    "multi-line": "cat((\n    ones(1, 2),\n    zeros(1, 2),\n))\nx = (ones(2)\n     + ones(2))\n(x\n + 1)",
    "names the helpers would take": "show = 1\nshow\neither = 2\neither, max(1, 2)",
    "imports": "import torch as t\nfrom torch import ones as uns\nt.zeros(1), uns(1)\nimport numpy as np\nnp.ones(1)",
    "seedless": "rand(3)\nrandn(2)",
    "nothing": "",
}  # fmt: skip

RUN_ALL = """
import builtins, contextlib, io, json, sys, traceback
import torch
found = {}
for name, script in json.load(sys.stdin).items():
    torch.set_default_dtype(torch.float32)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            exec(compile(script, name, "exec"), {"__name__": "__main__"})
        except Exception:
            traceback.print_exc(file=out)
    builtins.__dict__.pop("_", None)
    found[name] = out.getvalue()
json.dump(found, sys.stdout)
"""


def run_here(source: str) -> tuple[Session, str]:
    """A session in which `source` ran statement by statement past its failures, and what it printed as torch's prompt would."""
    from tcalc.lang.parse import parse

    session, lines = Session(), []
    for statement in parse(source):
        record = session.run_statement(statement)
        lines += [item.text if isinstance(item, Printed) else echo_repr(item.value) + "\n" for item in record.items]
    return session, "".join(lines)


def bare(text: str) -> str:
    """Without addresses."""
    return re.sub(r"0x[0-9a-f]+", "0x...", text)


@pytest.fixture(scope="module")
def pairs() -> dict[str, tuple[str, str, str]]:
    """For each session: its script, what it printed here, what the script printed under PyTorch."""
    pytest.importorskip("torch")
    sources = SESSIONS | {path.stem: path.read_text(encoding="utf-8") for path in SNIPPETS}
    scripts, here = {}, {}
    for name, source in sources.items():
        with printoptions(profile="default"):
            session, here[name] = run_here(source)
        scripts[name] = torch_script(session)
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN_ALL],
        input=json.dumps(scripts),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    there = json.loads(result.stdout)
    return {name: (scripts[name], here[name], there[name]) for name in sources}


@pytest.mark.parametrize("name", [*SESSIONS, *(path.stem for path in SNIPPETS)])
def test_prints_the_same_under_torch(name: str, pairs: dict[str, tuple[str, str, str]]) -> None:
    script, here, there = pairs[name]
    assert bare(there) == bare(here), script


def test_failed_commands_are_named_and_left_out() -> None:
    session, _ = run_here("x = ones(2)\nx @ ones(3)\nx")
    lines = torch_script(session).splitlines()
    assert lines[-3:] == ["x = torch.ones(2)", "# [2] failed: x @ ones(3)", "show(x)"]


def test_the_text_stays_as_it_was_written() -> None:
    source = "y = torch.cat( [ones(1),   # one\n      zeros(2)] )"
    assert translated_source(source).endswith("\ny = torch.cat( [torch.ones(1),   # one\n      torch.zeros(2)] )\n")


def test_only_what_is_needed_stands_above() -> None:
    assert (
        translated_source("x = ones(2)") == '"""A session of tcalc, exported: runs under PyTorch."""\n\nimport torch\n\nx = torch.ones(2)\n'
    )


def test_a_reset_gives_library_names_back() -> None:
    session, _ = run_here("eye = 2\nx = eye")
    session.reset()
    session.run("eye(2)")
    assert torch_script(session).splitlines()[-4:] == ["eye = 2", "x = eye", "del eye, x", "show(torch.eye(2))"]


def test_loaded_arrays_are_loaded_there_too() -> None:
    session, _ = run_here("x = ones(2)")
    session.bind({"x": 1}, "my x.npy")
    session.bind({"a": 1, "b": 2}, "both.npz")
    lines = torch_script(session).splitlines()
    assert "import numpy as np" in lines
    assert lines[-4:] == [
        "x = torch.from_numpy(np.load('my x.npy'))",
        "with np.load('both.npz') as arrays:",
        "    a = torch.from_numpy(arrays['a'])",
        "    b = torch.from_numpy(arrays['b'])",
    ]
    session.bind({"c": 1}, "t.csv")
    with pytest.raises(ExportError, match=r"c came from t\.csv"):
        torch_script(session)
