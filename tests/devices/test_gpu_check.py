"""scripts/gpu_check.py, run on the stand-in: it finds agreement, reports differences, and says in one line that there is no GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tcalc.engine import backend

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "gpu_check.py"
# as on a machine that has neither pytest nor prompt_toolkit
WITHOUT = "import sys, runpy; sys.modules.update(dict.fromkeys(('pytest', 'prompt_toolkit'))); sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own."""
    words = [sys.executable, "-c", WITHOUT, str(SCRIPT), *options]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    monkeypatch.delitem(sys.modules, "gpu_check", raising=False)
    import gpu_check  # type: ignore[import-not-found]  # from scripts

    yield gpu_check
    backend.simulate(0)


def test_all_agrees_on_the_stand_in(tmp_path: Path) -> None:
    """Every section but the timings, and a JSON file of what was found."""
    done = run("--simulate", "--quick", "--json", str(tmp_path / "found.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("gpu_check: all agrees on 2 x simulated")
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["agrees"] is True
    assert found["timings"] == []
    cases = {check["what"]: check["cases"] for check in found["checks"]}
    assert cases["ops: calls recorded from PyTorch"] > 800
    assert cases["ops: gradients"] > 100
    assert cases["ops: examples"] > 600
    assert cases["several devices"] == 2
    assert cases["snippets"] >= 13


def test_one_line_without_a_gpu() -> None:
    """Status 2, and what is missing."""
    if backend.cuda_problem() is None:
        pytest.skip("there is a GPU here")
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "nothing was checked: cuda" in done.stderr


def test_a_difference_is_a_failure(script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What differs and what breaks off is told, in the status too."""

    def broken(_: object) -> Any:
        raise ValueError("broke off")

    differing = [f"number {i}" for i in range(20)]
    monkeypatch.setattr(script, "SECTIONS", (lambda _: script.Check("some", 30, differing), broken))
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", "--simulate"])
    assert script.main() == 1
    printed = capsys.readouterr().out
    assert "number 11" in printed
    assert "and 8 more" in printed
    assert "ValueError: broke off" in printed
    assert printed.splitlines()[-1] == "gpu_check: 21 differences on 2 x simulated, 30 cases"


def test_a_wrong_kernel_is_found(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One op that computes something else on the device."""
    from tcalc.engine.namespace import OPS

    backend.simulate(2)
    op = OPS["tril"]
    real, broken = op.kernel, [True]  # plans that were made meanwhile keep the kernel: it must be right again afterwards
    monkeypatch.setattr(op, "kernel", lambda xp, *args: real(xp, *args) + 1 if broken and xp is not backend.np else real(xp, *args))
    found = script.recorded_calls(script.argparse.Namespace(quick=True))
    broken.clear()
    assert any(text.startswith("tril") for text in found.wrong)


def test_timings_have_a_meaning(script: Any) -> None:
    """Each workload runs on the stand-in at a small size, and gives what its name says."""
    import gpu_timings  # type: ignore[import-not-found]  # from scripts

    import tcalc

    backend.simulate(1)
    assert gpu_timings.product(tcalc, 3, "float16")().shape == (3, 3)
    assert gpu_timings.chain(tcalc, 5, True)().shape == (5,)
    assert gpu_timings.on_square(tcalc, 3, lambda x: x.sum(0))().shape == (3,)
    assert gpu_timings.on_vector(tcalc, 4, lambda x: x.sum())().shape == ()
    assert gpu_timings.small(tcalc, True)() is None
    assert gpu_timings.small(tcalc, False)().shape == (3,)
    step = gpu_timings.training(tcalc, (4, 3, 5, 2))
    losses = [step().item() for _ in range(5)]
    assert losses[-1] < losses[0]
    assert str(gpu_timings.copying(tcalc, 4, "cpu")().device) == "cpu"
    assert str(gpu_timings.copying(tcalc, 4, "cuda")().device) == "cuda:0"
    assert 0 < gpu_timings.seconds(lambda: None, lambda: None) < 1e-3
    assert [gpu_timings.shown(t) for t in (2e-6, 3.5e-3, 1.25)] == ["2.00 us", "3.50 ms", "1.25 s"]
    assert len(list(gpu_timings.workloads(True))) == len(list(gpu_timings.workloads(False))) == 16
