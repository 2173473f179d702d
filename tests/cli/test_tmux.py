"""One session in a real terminal emulator."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from cli_run import environment

TMUX = shutil.which("tmux")


@pytest.fixture
def socket() -> Iterator[str]:
    """The name of a tmux server of our own."""
    name = f"tcalc-test-{time.time_ns()}"
    yield name
    subprocess.run([TMUX or "tmux", "-L", name, "kill-server"], capture_output=True, check=False)


@pytest.mark.skipif(TMUX is None, reason="tmux is not installed")
def test_a_session_in_tmux(socket: str) -> None:
    def tmux(*args: str) -> str:
        command = [TMUX or "tmux", "-f", "/dev/null", "-L", socket, *args]
        return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout

    def wait(text: str) -> str:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            screen = tmux("capture-pane", "-p")
            if text in screen:
                return screen
            time.sleep(0.05)
        raise AssertionError(f"no {text!r} on the screen:\n{tmux('capture-pane', '-p')}")

    tmux("new-session", "-d", "-x", "80", "-y", "24", f"'{sys.executable}' -m tcalc; echo left with $?; sleep 60")
    wait("1>")
    tmux("send-keys", "x = arange(6.).view(2, 3)", "Enter")
    wait("\n2>")
    tmux("send-keys", "y = x.T", "Enter")
    assert "view of x  (storage #1, nothing copied)" in wait("\n3>")
    screen = wait("grad on")  # drawn once the terminal has told where the cursor is
    assert "grad on" in screen.rstrip().splitlines()[-1]
    tmux("send-keys", "C-d")
    wait("left with 0")
