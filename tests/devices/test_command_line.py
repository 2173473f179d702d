"""--simulate-cuda: stand-in devices for a program, by option or variable, always called so; and what is said without a GPU."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cli_run import environment, tcalc

from tcalc.cli.repl import Repl
from tcalc.cli.settings import Settings
from tcalc.cli.setup import prepare_session
from tcalc.cli.toolbar import status_text
from tcalc.cli.view import view_for
from tcalc.engine import backend
from tcalc.engine.namespace import table
from tcalc.session.session import Session


def test_option_and_variable() -> None:
    """The option wins; 0 simulates nothing."""
    count = "cuda.device_count()"
    assert tcalc("--simulate-cuda", "2", count).stdout == "2\n"
    assert tcalc(count, env=environment(TCALC_SIMULATE_CUDA="3")).stdout == "3\n"
    assert tcalc("--simulate-cuda", "1", count, env=environment(TCALC_SIMULATE_CUDA="3")).stdout == "1\n"
    assert tcalc("--simulate-cuda", "0", "cuda.current_device()", env=environment(TCALC_SIMULATE_CUDA="3")).returncode == (
        0 if backend.cuda_count() else 1
    )
    for wrong in ("-1", "65", "two"):
        result = tcalc("--simulate-cuda", wrong, "1")
        assert result.returncode == 2
        assert "--simulate-cuda" in result.stderr


def test_default_device() -> None:
    """--device cuda:1 on simulated devices; one that is not there is one line and status 1."""
    result = tcalc("--simulate-cuda", "2", "--device", "cuda:1", "-F", "repr", "ones(2)", "nn.Linear(1, 1).weight.device")
    assert result.stdout == "tensor([1., 1.], device='cuda:1')\ndevice(type='cuda', index=1)\n"
    result = tcalc("--simulate-cuda", "2", "--device", "cuda:2", "1")
    assert (result.returncode, result.stderr) == (1, "tcalc: cuda:2 does not exist: this machine has 2 cuda device(s)\n")


def test_facts_say_so() -> None:
    """The panel's device is marked; what a program sees is not."""
    result = tcalc("--simulate-cuda", "1", "-F", "panel", "x = ones(2, device='cuda')", "x", "print(x.device)")
    assert "cuda:0 (simulated)" in result.stdout
    assert "\ncuda:0\n" in result.stdout


def test_a_program_cannot_claim_a_gpu() -> None:
    """cuda.simulate is Python's only."""
    result = tcalc("cuda.simulate(2)")
    assert result.returncode == 1
    assert "a program cannot claim a GPU: start tcalc with --simulate-cuda 2" in result.stderr
    assert "simulate" not in table("torch.cuda")


def test_without_a_gpu() -> None:
    """One clear line."""
    if backend.cuda_count():
        pytest.skip("this machine has a GPU")
    result = tcalc("--device", "cuda", "1")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "--simulate-cuda 2 has the CPU stand in for two" in result.stderr


def test_without_cupy() -> None:
    """The package to install is named."""
    source = "import sys; sys.modules['cupy'] = None; from tcalc.cli.main import main; sys.exit(main(['ones(2).cuda()']))"
    result = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert result.returncode == 1
    said = result.stderr.splitlines()[0]
    assert said.endswith(
        "cuda needs the package CuPy: pip install 'tcalc[cuda13]' (or 'tcalc[cuda12]' for an older driver); --simulate-cuda 2 has the CPU stand in for two"
    )


def test_a_fallback_is_a_note() -> None:
    """Said once, on the terminal's side of the output."""
    line = "linalg.lstsq(eye(2, device='cuda'), ones(2, 1, device='cuda')).solution.device"
    result = tcalc("--simulate-cuda", "1", line, line)
    assert result.stdout == "device(type='cuda', index=0)\n" * 2
    assert result.stderr.count("ran on the CPU") == 1


@pytest.mark.usefixtures("two_devices")
def test_toolbar_and_list_of_devices() -> None:
    """Both mark stand-ins."""
    from tcalc.session.devices import devices

    session = Session()
    with backend.device("cuda", 1):  # type: ignore[attr-defined]  # a method of the namespace's
        assert status_text(session, None).startswith("cuda:1 (simulated)  float32  grad on")
        found = devices()
    assert [each.name for each in found.found] == ["cpu", "cuda:0 (simulated)", "cuda:1 (simulated)", "meta"]
    assert found.default == "cuda:1 (simulated)"
    assert found.problem is None
    assert found.found[1].about == "the CPU stands in for it"


def test_settings_default() -> None:
    """Nothing is simulated unless asked for."""
    assert Settings().simulate_cuda is None
    assert not backend.simulated()


def test_errors_that_come_later_have_their_place() -> None:
    """What hangs on values is looked at when the statement is over, and told of the statement."""
    result = tcalc("--simulate-cuda", "1", "x = ones(3, device='cuda')", "y = x[tensor([5], device='cuda')]")
    assert result.returncode == 1
    assert result.stderr.startswith("tcalc: <argument 2>:1:1: index 5: dim 0 of x has size 3")
    assert "y = x[tensor([5], device='cuda')]\n    ^^^^^" in result.stderr
    result = tcalc("--simulate-cuda", "1", "-k", "y = ones(3, device='cuda')[tensor([5], device='cuda')]; nothing", "1")
    assert result.stdout == "1\n"


def test_the_prompt_on_simulated_devices(capsys: pytest.CaptureFixture[str]) -> None:
    """Commands that look at tensors do so wherever they are."""
    settings = Settings(format="panel", simulate_cuda=2)
    prepare_session(settings)
    try:
        repl = Repl(Session(observe=True, show_assigned=True), view_for(settings, at_prompt=True), settings)
        repl.enter("x = arange(6., device='cuda:1').view(2, 3).requires_grad_()")
        repl.enter("y = ones(2, device='cuda:0')")  # which CuPy works on from now
        for entry in (
            ":info x", ":storage x", ":stats x", ":show x", ":vars", ":device", ":explain x @ x.T", ":trace (x * x).sum().backward()", ":time x * 2", "x.T", "z = x.detach()",
            "z[0] = 7", "x.grad", "x.grad.zero_()", "w = x * 2", ":graph w", "f'{x.sum():.1f}'", "x.tolist()", "(x * 2).mT.contiguous()", "del z", "unique(x.detach())",
            "bincount(x.detach().long().view(-1))", "x.detach().sigmoid().bernoulli().shape", "nonzero(x.detach())", "(x * 1).numpy(force=True)", "?linalg.lstsq", "x[x > 2]",
        ):  # fmt: skip
            capsys.readouterr()
            repl.enter(entry)
            said = capsys.readouterr().err
            assert "error" not in said, (entry, said)
        repl.enter("x + y")
        assert "found at least two" in capsys.readouterr().err
        repl.enter("x[tensor([9])]")
        repl.enter("x.shape")
        captured = capsys.readouterr()
        assert "index 9" in captured.err
        assert "torch.Size([2, 3])" in captured.out
    finally:
        backend.simulate(0)
