"""Entries at the prompt: statements, pastes, `:` commands, ways out."""

from __future__ import annotations

import pytest

from tcalc.cli.commands import Quit
from tcalc.cli.options import Settings
from tcalc.cli.repl import Repl
from tcalc.cli.view import view_for
from tcalc.lang.errors import Exit
from tcalc.session.session import Session


@pytest.fixture
def repl() -> Repl:
    """A loop over a new session with the panel as output."""
    settings = Settings(format="panel")
    return Repl(Session(observe=True, show_assigned=True), view_for(settings, at_prompt=True), settings)


Captured = pytest.CaptureFixture[str]


def test_values_are_shown_and_numbered(repl: Repl, capsys: Captured) -> None:
    repl.enter("x = 2; x + 1")
    assert capsys.readouterr().out == "x = 2\n\n3\n\n"
    assert repl.session.number == 3


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
