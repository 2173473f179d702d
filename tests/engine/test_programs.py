"""Short programs on autograd, in-place rules, views, promotion and errors: what they show is what torch showed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import tcalc

pytestmark = pytest.mark.usefixtures("unwatched")  # else backward would soon go the general way only

HERE = Path(__file__).parent
PROGRAMS = [text for file in sorted(HERE.glob("programs*.txt")) for text in file.read_text().rstrip().split("\n\n")]
NAMES = [p.partition("\n")[0].removeprefix("# ") if p.startswith("#") else f"{i}" for i, p in enumerate(PROGRAMS)]
GOLDEN: dict[str, list[str]] = json.loads((HERE / "golden" / "programs.json").read_text())


def run(program: str, library: Any) -> list[str]:
    """What a program shows with `out(...)`, and the error it ends in: builtin type and first line."""
    shown: list[str] = []

    def out(*values: Any) -> None:
        shown.append(re.sub(r"0x[0-9a-f]+", "0x", " ".join(map(repr, values))))

    try:
        exec(compile(program, "program", "exec"), {"T": library, "out": out})
    except Exception as error:
        builtin = next(c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins")
        shown.append(f"{builtin}: {str(error).splitlines()[0]}")
    return shown


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_program_shows_what_torch_showed(program: str) -> None:
    assert run(program, tcalc) == GOLDEN[program]


@pytest.mark.filterwarnings("ignore")  # torch warns about create_graph and .grad of non-leaves
def test_recording_is_what_torch_shows_now() -> None:
    torch = pytest.importorskip("torch")
    assert {p: run(p, torch) for p in PROGRAMS} == GOLDEN
