"""Settings, long work and editors on a drawn screen."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

if os.name != "posix":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)
pytest.importorskip("pexpect")
pytest.importorskip("pyte")

from cli_screen import Terminal

CTRL_C, CTRL_D, CTRL_E = "\x03", "\x04", "\x05"
WORKING = "... 2> running, Ctrl-C stops"


def test_long_work_is_announced_once_and_the_line_goes_away() -> None:
    with Terminal(NO_COLOR="1") as terminal:
        terminal.wait("1> ")
        terminal.enter("n = 0;", "2> ")
        terminal.type("while n < 10 ** 8: n += 1\r\r")
        terminal.wait(WORKING)
        start = time.monotonic()
        terminal.type(CTRL_C)
        screen = terminal.wait("3> ")
        assert time.monotonic() - start < 1.5
        assert "interrupted" in screen
        assert "running" not in screen
        assert terminal.raw.count("running") == 1
        assert "True" in terminal.enter("0 < n < 10 ** 8", "True")


def test_ctrl_c_between_tensor_operations_keeps_what_was_done() -> None:
    with Terminal(NO_COLOR="1") as terminal:
        terminal.wait("1> ")
        terminal.enter("x = zeros(200, 200);", "2> ")
        terminal.type("while True: x += (x @ x) * 0 + 1\r\r")
        terminal.wait(WORKING)
        start = time.monotonic()
        terminal.type(CTRL_C)
        terminal.wait("3> ")
        assert time.monotonic() - start < 1.5
        assert "True" in terminal.enter("bool((x > 1).all())", "True")


def test_short_work_and_printing_work_are_not_announced() -> None:
    with Terminal(NO_COLOR="1") as terminal:
        terminal.wait("1> ")
        terminal.enter("n = 0;", "2> ")
        terminal.type("for i in range(8 * 10 ** 6):\r    if i % (2 * 10 ** 6) == 0: print('at', i)\r\r")
        terminal.wait("at 6000000", 60)
        terminal.wait("3> ")
        assert "running" not in terminal.raw


def test_output_wipes_the_line() -> None:
    with Terminal(NO_COLOR="1") as terminal:
        terminal.wait("1> ")
        terminal.enter("n = 0;", "2> ")
        terminal.type("for i in range(10 ** 10):\r    if i == 10 ** 7: print(6 * 7)\r\r")
        terminal.wait(WORKING)
        lines = terminal.wait("42", 60).splitlines()
        assert "42" in lines
        terminal.type(CTRL_C)
        terminal.wait("3> ")


def test_long_work_of_a_one_shot_run_is_announced_on_a_terminal() -> None:
    with Terminal("n = 0", "while True: n += 1", NO_COLOR="1") as terminal:
        terminal.wait("... running, Ctrl-C stops")
        terminal.type(CTRL_C)
        assert terminal.status() == 130
        assert "running" not in terminal.text()


def test_settings_reach_the_line_editor() -> None:
    with Terminal(rows=24) as terminal:
        terminal.wait("grad on")
        terminal.enter(":set vi on", "vi insert")
        terminal.enter(":set toolbar off", "toolbar is off")
        assert "grad on" not in terminal.enter("1 + 1", "2> ")
        terminal.enter(":set suggest on", "suggest is on")
        terminal.type("1 +")
        terminal.wait("1 + 1")
        terminal.type(CTRL_C)
        terminal.enter(":set color never", "color is never")
        before = len(terminal.raw)
        terminal.enter("abx", "no name")
        assert "\x1b[1;31m" not in terminal.raw[before:]


def test_a_config_file_is_read_at_the_start_and_saved_to(tmp_path: Path) -> None:
    (tmp_path / "tcalc").mkdir()
    path = tmp_path / "tcalc" / "config.toml"
    path.write_text('panel = "card"\npannel = 1\n')
    with Terminal(NO_COLOR="1", XDG_CONFIG_HOME=str(tmp_path)) as terminal:
        screen = terminal.wait("1> ")
        assert "config.toml: no setting 'pannel'. Did you mean panel?" in screen.replace("\n", "")
        assert "─ 1> ones(2) ─" in terminal.enter("ones(2)", "2> ")
        terminal.enter(":set panel min --save", "saved in")
        assert path.read_text() == 'panel = "min"\npannel = 1\n'
    with Terminal("--no-config", NO_COLOR="1", XDG_CONFIG_HOME=str(tmp_path)) as terminal:
        assert "pannel" not in terminal.wait("1> ")
        assert "contiguous" in terminal.enter("ones(2)", "2> ")


def test_a_resize_is_noticed_by_the_next_command() -> None:
    with Terminal(NO_COLOR="1") as terminal:
        terminal.wait("1> ")
        terminal.child.setwinsize(24, 40)
        terminal.screen.resize(24, 40)
        lines = terminal.enter("ones(2)", "2> ").splitlines()
        assert "  float32 (2,)" in lines


def test_edited_commands_are_in_the_history(tmp_path: Path) -> None:
    script = tmp_path / "editor.py"
    script.write_text("import sys, pathlib\npathlib.Path(sys.argv[1]).write_text('6 * 7')\n")
    with Terminal(NO_COLOR="1", EDITOR=f"{sys.executable} {script}") as terminal:
        terminal.wait("1> ")
        terminal.enter("1 + 1", "2> ")
        assert "42" in terminal.enter(":edit", "42")
        terminal.wait("3> ")
        terminal.type("\x1b[A")
        assert terminal.wait("3> 6 * 7")
