"""The interactive prompt on a drawn screen."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import pytest

if os.name != "posix":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)
pytest.importorskip("pexpect")
pytest.importorskip("pyte")

from cli_screen import Terminal

CTRL_C, CTRL_D, UP = "\x03", "\x04", "\x1b[A"


def test_a_first_session() -> None:
    with Terminal() as terminal:
        terminal.wait("1> ")
        terminal.enter("x = 20", "2> ")
        screen = terminal.enter("x + 1", "3> ")
        assert screen.splitlines()[:6] == ["1> x = 20", "x = 20", "", "2> x + 1", "21", ""]
        terminal.type(CTRL_D)
        assert terminal.status() == 0
        assert "CPR" not in terminal.raw


def test_the_toolbar_is_on_the_last_line() -> None:
    with Terminal() as terminal:
        terminal.wait("grad on")
        assert "grad on" in terminal.screen.display[-1]
        terminal.enter("x = 1", "2> ")
        assert "1 name" in terminal.wait("[1] ").splitlines()[-1]


def test_tab_opens_a_menu_and_the_toolbar_shows_the_call() -> None:
    """The first Tab puts in what is common or opens the menu, the next ones walk through it; Enter runs the line."""
    with Terminal() as terminal:
        terminal.wait("grad on")
        terminal.enter("x = ones(2, 3);", "2> ")
        terminal.type("x.unsq\t")
        menu = terminal.wait("unsqueeze_  (dim)").splitlines()
        assert menu[1] == "2> x.unsqueeze"
        assert [line.split() for line in menu[2:4]] == [["unsqueeze", "(dim)"], ["unsqueeze_", "(dim)"]]
        terminal.type("\t\t")
        terminal.wait("2> x.unsqueeze_")
        terminal.type("(0)\r")
        terminal.wait("3> ")
        assert "unsqueeze_(0)" in terminal.text().splitlines()[1]
        terminal.type("cat([x], ")
        assert terminal.wait("cat(tensors, dim=0)").splitlines()[-1].endswith(" ms   cat(tensors, dim=0)")
        terminal.type(CTRL_C)
        assert "tcalc: internal" not in terminal.raw


@pytest.mark.parametrize(("args", "rows"), [((), 10), (("--plain",), 24)])
def test_no_toolbar_when_low_or_plain(args: tuple[str, ...], rows: int) -> None:
    with Terminal(*args, rows=rows, columns=40) as terminal:
        terminal.wait("1> ")
        assert "grad on" not in terminal.enter("1", "2> ")


def test_ctrl_c_clears_the_line_and_never_leaves() -> None:
    with Terminal() as terminal:
        terminal.wait("1> ")
        terminal.type("garbage here")
        terminal.wait("garbage here")
        terminal.type(CTRL_C)
        terminal.enter("2 * 21", "42")
        for _ in range(3):
            terminal.type(CTRL_C)
        assert "12" in terminal.enter("3 * 4", "12")


def test_ctrl_c_stops_a_command_and_keeps_what_is_done() -> None:
    with Terminal() as terminal:
        terminal.wait("1> ")
        terminal.enter("n = 0;", "2> ")
        terminal.type("while True: n += 1\r\r")
        terminal.wait("..")
        time.sleep(0.5)
        terminal.type(CTRL_C)
        terminal.wait("interrupted")
        assert "True" in terminal.enter("n > 0", "True")


def test_ctrl_c_stops_printing() -> None:
    with Terminal() as terminal:
        terminal.wait("1> ")
        terminal.type("for i in range(10**9): print(i)\r\r")
        terminal.wait("5 ")  # of twenty numbers in a row two end so, wherever the screen has come to
        terminal.type(CTRL_C)
        terminal.wait("interrupted")
        assert "42" in terminal.enter("6 * 7", "42")


def test_a_block_ends_with_a_blank_line() -> None:
    with Terminal() as terminal:
        terminal.wait("1> ")
        terminal.type("for i in range(2):\r")
        terminal.wait(".. ")
        terminal.type("    print('i =', i)\r\r")
        lines = terminal.wait("2> ").splitlines()
        assert lines[:6] == ["1> for i in range(2):", "..     print('i =', i)", "..", "i = 0", "i = 1", ""]


def test_a_paste_runs_statement_by_statement_and_stops() -> None:
    with Terminal() as terminal:
        terminal.wait("1> ")
        terminal.type("\x1b[200~a = 1\nfor i in range(2):\n    if i:\n        i\n\nb = a / 0\nc = 3\n\x1b[201~")
        terminal.wait("c = 3")
        terminal.type("\r")
        screen = terminal.wait("not run")
        assert "error: ZeroDivisionError" in screen
        assert "1 more statement was not run" in screen
        assert "no name 'c'" in terminal.enter("c", "no name")


def test_an_error_names_the_place_and_uses_up_its_number() -> None:
    with Terminal(NO_COLOR="1") as terminal:
        terminal.wait("1> ")
        screen = terminal.enter("1 + abx", "2> ")
        assert "error: no name 'abx'" in screen
        assert "    1 + abx\n        ^^^" in screen


def test_colour_is_on_and_can_be_off() -> None:
    with Terminal() as terminal:
        terminal.wait("1> ")
        terminal.enter("abx", "error")
        assert "\x1b[1;31merror: " in terminal.raw
    with Terminal("--color", "never") as terminal:
        terminal.wait("1> ")
        terminal.enter("abx", "error")
        assert "\x1b[1;31m" not in terminal.raw


SGR = re.compile(r"\x1b\[[0-9;]*m")


def test_no_color_is_no_attribute_at_all() -> None:
    with Terminal(NO_COLOR="1") as terminal:
        terminal.wait("1> ")
        terminal.enter("x = ones(2, 3)", "2> ")
        terminal.enter("x @ x", "error")
        terminal.enter("?cat", "cat(")
        assert set(SGR.findall(terminal.raw)) <= {"\x1b[0m", "\x1b[m"}  # the editor's own "as it was"
    with Terminal("--color", "auto", "x = ones(2, 3)", "x", "x @ x", NO_COLOR="1") as terminal:
        terminal.wait("matmul")
        assert not SGR.findall(terminal.raw)


def test_colour_is_decided_for_each_stream_by_itself(tmp_path: Path) -> None:
    line = f"'{sys.executable}' -m tcalc -F panel -k 'ones(2)' 'x'"
    with Terminal("-c", f"cd {tmp_path} && {line} > out; echo over", command="/bin/sh") as terminal:
        terminal.wait("over")
        assert SGR.findall(terminal.raw)
    assert not SGR.findall((tmp_path / "out").read_text())
    with Terminal("-c", f"cd {tmp_path} && {line} 2> err; echo over", command="/bin/sh") as terminal:
        terminal.wait("over")
        assert SGR.findall(terminal.raw)
    assert "no name 'x'" in (tmp_path / "err").read_text()
    assert not SGR.findall((tmp_path / "err").read_text())


def test_history_lasts_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "history"
    for number, keys in enumerate(("old_name = 5\r", "old" + UP + "\r")):
        with Terminal(TCALC_HISTORY=str(path)) as terminal:
            terminal.wait("1> ")
            terminal.type(keys)
            assert "old_name = 5" in terminal.wait("2> "), number
            terminal.type(CTRL_D)
            assert terminal.status() == 0
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_broken_history_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Terminal(TCALC_HISTORY=str(tmp_path / "file" / "history")) as terminal:
        terminal.wait("1> ")
        screen = terminal.enter("1", "2> ")
        assert screen.count("warning: history is not kept") == 1


@pytest.mark.parametrize("word", ["exit", "quit", ":q", ":quit", "exit()", "quit()"])
def test_words_that_leave(word: str) -> None:
    with Terminal() as terminal:
        terminal.wait("1> ")
        terminal.type(word + "\r")
        assert terminal.status() == 0


def test_a_dumb_terminal_has_a_plain_prompt() -> None:
    with Terminal(TERM="dumb") as terminal:
        terminal.wait("1> ")
        terminal.type("for i in range(2):\r")
        terminal.wait(".. ")
        terminal.type("    i\r\r")
        terminal.wait("2> ")
        terminal.enter("abx", "error")
        terminal.type(CTRL_C)
        terminal.enter(":vars", "i     int  1")
        assert "\x1b" not in terminal.raw
        terminal.type(CTRL_D)
        assert terminal.status() == 0


def test_interactive_after_a_file(tmp_path: Path) -> None:
    (tmp_path / "s.tc").write_text("x = 41\nx\n")
    with Terminal("-f", str(tmp_path / "s.tc"), "-i") as terminal:
        terminal.wait("3> ")
        assert "42" in terminal.enter("x + 1", "42")


def test_interactive_after_stdin_reopens_the_terminal() -> None:
    import sys

    with Terminal("-c", f"echo 'x = 41' | '{sys.executable}' -m tcalc -i", command="/bin/sh") as terminal:
        terminal.wait("2> ")
        assert "42" in terminal.enter("x + 1", "42")
        terminal.type(CTRL_D)
        assert terminal.status() == 0


def test_vi_mode_is_shown() -> None:
    with Terminal("--vi") as terminal:
        terminal.wait("vi insert")
        terminal.type("abc\x1b")
        terminal.wait("vi command")


def test_a_resize_is_survived() -> None:
    with Terminal() as terminal:
        terminal.wait("1> ")
        terminal.child.setwinsize(10, 40)
        terminal.screen.resize(10, 40)
        terminal.enter("1 + 1", "2> ")
        assert "grad on" not in terminal.enter("2 + 2", "3> ")


def test_a_hangup_restores_the_terminal() -> None:
    import signal

    for number in (signal.SIGTERM, signal.SIGHUP):
        with Terminal() as terminal:
            terminal.wait("1> ")
            terminal.child.kill(number)
            assert terminal.status() == 128 + number
            assert "\x1b[?2004l" in terminal.raw


def test_one_shot_on_a_terminal_shows_the_panel() -> None:
    with Terminal("--color", "never", "[1, 2]") as terminal:
        assert terminal.status() == 0
        assert terminal.text() == "[1, 2]"


def test_one_shot_on_a_terminal_shows_facts_and_changes_but_no_assignments() -> None:
    with Terminal("--color", "never", "w = ones(2, requires_grad=True)", "(w * 3).sum().backward()", "w.grad") as terminal:
        assert terminal.status() == 0
        assert terminal.text().splitlines() == [
            "  filled   w.grad  float32 (2,), was None",
            "           tensor([3., 3.])",
            "tensor([3., 3.])",
            "  float32 (2,)  stride (1,)  cpu  contiguous",
            "  leaf  requires_grad False  grad_fn None  grad None",
        ]


def test_another_format_at_the_prompt() -> None:
    with Terminal("-F", "repr", NO_COLOR="1") as terminal:
        terminal.wait("1> ")
        terminal.enter("x = ones(2)", "2> ")
        assert terminal.enter("x", "3> ").splitlines()[:4] == ["1> x = ones(2)", "2> x", "tensor([1., 1.])", "3>"]


def test_the_block_after_each_command() -> None:
    with Terminal(NO_COLOR="1") as terminal:
        terminal.wait("1> ")
        terminal.enter("x = arange(6.).view(2, 3);", "2> ")
        lines = terminal.enter("y = x.T", "3> ").splitlines()
        assert lines[2:8] == [
            "y = tensor([[0., 3.],",
            "            [1., 4.],",
            "            [2., 5.]])",
            "  float32 (3, 2)  stride (1, 3)  cpu  NOT contiguous",
            "  leaf  requires_grad False  grad_fn None  grad None",
            "  view of x  (storage #1, nothing copied)",
        ]
        assert "2 names 24 B" in terminal.wait("2 names")


def test_escape_codes_in_values_cannot_reach_the_terminal() -> None:
    with Terminal("--color", "never", "print('\x1b]0;owned\x07')") as terminal:
        terminal.status()
        assert "\x1b" not in terminal.raw
