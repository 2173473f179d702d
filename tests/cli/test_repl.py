"""Entries at the prompt: statements, pastes, `:` commands, ways out."""

from __future__ import annotations

import pytest

from tcalc.cli.commands import Quit
from tcalc.cli.panel_view import PanelView
from tcalc.cli.repl import Repl
from tcalc.cli.settings import Settings
from tcalc.cli.terminal import Screen
from tcalc.cli.view import view_for
from tcalc.lang.errors import Exit
from tcalc.session.session import Session


@pytest.fixture
def repl() -> Repl:
    """A loop over a new session with the panel as output."""
    settings = Settings(format="panel")
    return Repl(Session(observe=True, show_assigned=True), view_for(settings, at_prompt=True), settings)


NARROW = Screen(tty=True, colour=False, unicode=False, plain=False, width=40, height=24)
Captured = pytest.CaptureFixture[str]


def test_values_are_shown_and_numbered(repl: Repl, capsys: Captured) -> None:
    repl.enter("x = 2; x + 1")
    assert capsys.readouterr().out == "x = 2\n\n3\n\n"
    assert repl.session.number == 3


def test_an_indented_entry_runs(repl: Repl, capsys: Captured) -> None:
    repl.enter(" x = 2")
    repl.enter("    for i in range(2):\n        x += i\n    x\n")
    assert repl.session.env.variables["x"] == 3
    assert capsys.readouterr().err == ""


def test_a_semicolon_at_the_end_is_silence(repl: Repl, capsys: Captured) -> None:
    repl.enter("x = 2;")
    repl.enter("x;  # quiet")
    assert capsys.readouterr().out == ""


def test_a_paste_stops_at_the_first_error(repl: Repl, capsys: Captured) -> None:
    repl.enter(">>> a = 1\n>>> b = 1 // 0\n>>> c = 3\n>>> d = 4")
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ZeroDivisionError: ")
    assert captured.out == "a = 1\n\n2 more statements were not run\n\n"
    assert "c" not in repl.session.env.variables


@pytest.mark.parametrize("word", ["exit", "quit", " exit() ", "quit()", ":q", ":quit", ":exit"])
def test_ways_out(repl: Repl, word: str) -> None:
    with pytest.raises((Quit, Exit)):
        repl.enter(word)


def test_a_paste_does_not_run_commands(repl: Repl, capsys: Captured) -> None:
    repl.enter("x = 1\n:reset")
    assert capsys.readouterr().err == "error: :commands are not run from a paste\n"
    assert repl.session.env.variables == {"x": 1}
    repl.enter("x = 2\n:reset\nx = 3\n\nx = 4")
    assert capsys.readouterr().err == "error: :commands are not run from a paste; 2 more lines were not run\n"
    assert repl.session.env.variables == {"x": 2}
    repl.enter("y = [1, 2][\n:1]\nz = \'\'\'\n:reset\'\'\'")
    assert (capsys.readouterr().err, repl.session.env.variables["y"]) == ("", [1])
    repl.enter("1 / 0\n:reset")
    assert "paste" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (":vras", "no command :vras. Did you mean :vars?"),
        (":zzz", "no command :zzz. Type :help for the list."),
        (":info", ":info needs NAME"),
        (":vars x", ":vars takes no argument"),
        (":show alpah", "no variable 'alpah'. Did you mean alpha?"),
        (":info alpha", "alpha is no tensor but a value of type int"),
        (":", "no command :"),
    ],
)
def test_wrong_commands(repl: Repl, capsys: Captured, entry: str, said: str) -> None:
    repl.enter("alpha = 1")
    repl.enter(entry)
    assert said in capsys.readouterr().err


def test_help_lists_every_command(repl: Repl, capsys: Captured) -> None:
    from tcalc.cli.commands import COMMANDS

    repl.enter(":help")
    out = capsys.readouterr().out
    assert all(f":{command.name}" in out for command in COMMANDS)
    repl.enter(":help :vars")
    assert capsys.readouterr().out == ":vars  all variables with shape, stride, storage and grad\n"


def test_lists_fit_a_narrow_screen(capsys: Captured) -> None:
    repl = Repl(Session(observe=True, show_assigned=True), PanelView(NARROW, NARROW, at_prompt=True, debug=False))
    repl.enter("pred = ones(4, 1, requires_grad=True); target = ones(4); long_name = pred.T;")
    repl.enter("pred.sum().backward();")
    repl.enter("(pred - target).shape")
    repl.enter("pred_sums = ones(100)")
    for entry in (":help", ":vars", ":info long_name", "?", ":set", ":zzzzzzzzzzzzzzzzz", ":show nothing_of_this_name"):
        repl.enter(entry)
    out, err = capsys.readouterr()
    assert max(map(len, (out + err).splitlines())) <= 40
    assert "pred\n  float32 (4, 1)  stride (1, 1)  cpu\n  leaf  grad (4, 1)  #1  16 B\n" in out
    assert "  note: pred (4, 1) - target (4,) grew\n        to (4, 4)\n        meant element by element? pred -\n" in out
    assert "error: no command :zzzzzzzzzzzzzzzzz.\n       Type :help for the list.\n" in err


def test_reset_forgets_names_but_not_numbers(repl: Repl, capsys: Captured) -> None:
    repl.enter("a = 1; b = 2")
    repl.enter(":reset")
    assert capsys.readouterr().out.endswith("forgot 2 names\n")
    assert repl.session.number == 3
    repl.enter(":vars")
    assert capsys.readouterr().out == "no variables yet\n"


def test_the_loop_survives_ctrl_c_and_ends_by_end_of_input(repl: Repl, capsys: Captured) -> None:
    entries = iter(["x = 1", KeyboardInterrupt(), "x + 1", EOFError()])

    def read() -> str:
        entry = next(entries)
        if isinstance(entry, BaseException):
            raise entry
        return entry

    assert repl.loop(read) == 0
    assert capsys.readouterr().out == "x = 1\n\n2\n\n"
