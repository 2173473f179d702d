"""What happens to a session at a real terminal when the world around it fails: signals, folders, files, the disk."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

if os.name != "posix":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)
pytest.importorskip("pexpect")
pytest.importorskip("pyte")

import termios

from cli_screen import Terminal

CTRL_C, CTRL_D, UP = "\x03", "\x04", "\x1b[A"
humble = pytest.mark.skipif(os.geteuid() == 0 and sys.platform != "linux", reason="root may write anywhere")


def is_cooked(terminal: Terminal) -> bool:
    """Whether the terminal echoes and reads lines, as a shell wants it."""
    flags = termios.tcgetattr(terminal.child.child_fd)[3]
    return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("busy", [False, True])
def test_a_signal_leaves_the_terminal_usable(number: signal.Signals, busy: bool, tmp_path: Path) -> None:
    history = tmp_path / "history"
    with Terminal(TCALC_HISTORY=str(history)) as terminal:
        terminal.wait("1> ")
        terminal.enter("x = 20", "2> ")
        if busy:
            terminal.type("while True: x = x + 1\r")
            terminal.type("\r")
            time.sleep(0.5)
        os.kill(terminal.child.pid, number)
        end = time.monotonic() + 10
        while terminal.child.isalive() and time.monotonic() < end:
            terminal.read()
        assert not terminal.child.isalive()
        assert is_cooked(terminal)
        assert "Traceback" not in terminal.raw
    assert "+x = 20" in history.read_text()


def test_ctrl_c_at_any_moment_keeps_the_session() -> None:
    with Terminal() as terminal:
        terminal.wait("1> ")
        terminal.enter("kept = 41", "2> ")
        for delay in (0.0, 0.05, 0.2, 0.5):
            terminal.type("for i in range(10**9): y = i\r\r")
            time.sleep(delay)
            terminal.type(CTRL_C)
            time.sleep(0.2)
            terminal.read()
        terminal.type(CTRL_C)
        terminal.type("kept + 1\r")
        assert "42" in terminal.wait("42")
        assert "Traceback" not in terminal.raw
        terminal.type(CTRL_D)
        assert terminal.status() == 0


@pytest.mark.parametrize("text", ["panel = [", "\x00\xff", "panel = 'nothing such'", "[table]\nx = 1"])
def test_a_broken_config_is_a_warning(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "tcalc"
    folder.mkdir()
    (folder / "config.toml").write_text(text, encoding="latin-1")
    with Terminal(XDG_CONFIG_HOME=str(tmp_path)) as terminal:
        terminal.wait("1> ")
        terminal.enter("1 + 1", "2> ")
        assert "Traceback" not in terminal.raw
        assert "warning" in terminal.raw
        terminal.type(CTRL_D)
        assert terminal.status() == 0


@pytest.mark.parametrize("home", ["", "/nonexistent/home", "/dev/null"])
def test_a_strange_home(home: str) -> None:
    with Terminal(HOME=home, XDG_STATE_HOME="", TCALC_HISTORY=f"{home}/history" if home else "") as terminal:
        terminal.wait("1> ")
        terminal.enter("6 * 7", "2> ")
        assert "42" in terminal.text()
        assert "Traceback" not in terminal.raw
        terminal.type(CTRL_D)
        assert terminal.status() == 0


@pytest.fixture
def folder_of_others() -> Iterator[Path]:
    """A folder that can be read and not written."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


@humble
def test_a_home_that_cannot_be_written(folder_of_others: Path) -> None:
    history = folder_of_others / "state" / "history"
    with Terminal(humble=True, HOME=str(folder_of_others), TCALC_HISTORY=str(history)) as terminal:
        terminal.wait("1> ")
        terminal.enter("6 * 7", "2> ")
        assert "history is not kept" in terminal.raw
        terminal.enter("x = ones(2)", "3> ")
        terminal.enter(f":save x {folder_of_others / 'x.npy'}", "Permission denied")
        terminal.enter(":set panel min --save", "Permission denied")
        terminal.enter("x.sum() + 40", "tensor(42.)")
        assert "Traceback" not in terminal.raw
    assert list(folder_of_others.iterdir()) == []


@humble
def test_a_history_that_may_only_be_read(folder_of_others: Path) -> None:
    history = folder_of_others / "history"
    folder_of_others.chmod(0o755)
    history.write_text("\n# 2025-01-01 00:00:00\n+kept = 1\n")
    history.chmod(0o444)
    folder_of_others.chmod(0o555)
    with Terminal(humble=True, TCALC_HISTORY=str(history)) as terminal:
        terminal.wait("1> ")
        terminal.enter("6 * 7", "2> ")
        assert "history is not kept" in terminal.raw
        assert "Traceback" not in terminal.raw
    assert history.read_text().endswith("+kept = 1\n")


@pytest.mark.parametrize("busy", ["", "while True: pass", "x = ones(1000, 1000)\rfor i in range(10**6): y = x @ x"])
def test_a_terminal_that_is_closed(tmp_path: Path, busy: str) -> None:
    """The window is gone: the program ends soon, what was entered is in the history, and no trace is left."""
    history = tmp_path / "history"
    with Terminal(TCALC_HISTORY=str(history), TMPDIR=str(tmp_path)) as terminal:
        terminal.wait("1> ")
        terminal.enter("x = 20", "2> ")
        if busy:
            terminal.type(busy + "\r\r")
            time.sleep(0.5)
        terminal.child.ptyproc.fileobj.close()
        end = time.monotonic() + 15
        while terminal.child.isalive() and time.monotonic() < end:
            time.sleep(0.05)
        assert not terminal.child.isalive()
    assert "+x = 20" in history.read_text()
    assert not list(tmp_path.glob("*.trace"))


@pytest.mark.parametrize("kind", ["device", "folder", "pipe"])
def test_a_history_that_is_no_file(tmp_path: Path, kind: str) -> None:
    """It is neither read (a device may have no end) nor given another mode."""
    place = tmp_path / "history"
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("/dev/zero")
    before = place.stat().st_mode
    with Terminal(TCALC_HISTORY=str(place)) as terminal:
        terminal.wait("1> ")
        terminal.enter("6 * 7", "2> ")
        assert "history is not kept" in terminal.raw
        assert "Traceback" not in terminal.raw
    assert place.stat().st_mode == before


def test_a_history_that_vanishes(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with Terminal(TCALC_HISTORY=str(folder / "history")) as terminal:
        terminal.wait("1> ")
        terminal.enter("x = 1", "2> ")
        (folder / "history").unlink()
        folder.rmdir()
        terminal.enter("x = 2", "3> ")
        terminal.enter("x + 40", "42")
        assert "Traceback" not in terminal.raw


def test_two_prompts_on_one_history(tmp_path: Path) -> None:
    history = tmp_path / "history"
    with Terminal(TCALC_HISTORY=str(history)) as one, Terminal(TCALC_HISTORY=str(history)) as two:
        one.wait("1> ")
        two.wait("1> ")
        for k in range(4):
            one.enter(f"a{k} = {k}", f"{k + 2}> ")
            two.enter(f"b{k} = {k}", f"{k + 2}> ")
        for each in (one, two):
            each.type(CTRL_D)
            assert each.status() == 0
    lines = history.read_text().splitlines()
    assert [line for line in lines if line.startswith("+")] == [f"+{name}{k} = {k}" for k in range(4) for name in "ab"]
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_saving_is_interrupted(tmp_path: Path) -> None:
    """Ctrl-C while a large file is written leaves the old file, or the new one whole."""
    target = tmp_path / "x.npy"
    target.write_bytes(b"old")
    with Terminal() as terminal:
        terminal.wait("1> ")
        terminal.enter("x = ones(3 * 10**7);", "2> ")
        terminal.type(f":save {target} x\r")
        time.sleep(0.05)
        terminal.type(CTRL_C)
        time.sleep(1.0)
        terminal.read()
        terminal.type("1 + 1\r")
        terminal.wait("2")
    assert target.read_bytes() == b"old" or target.stat().st_size == 128 + 12 * 10**7
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]
