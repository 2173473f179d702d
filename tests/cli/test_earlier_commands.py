"""`:history` and `:edit`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from cli_run import said

from tcalc.cli.repl import Repl
from tcalc.cli.settings import Settings
from tcalc.cli.view import view_for
from tcalc.session.session import Session

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def repl() -> Repl:
    """A loop over a new session."""
    settings = Settings(format="panel")
    return Repl(Session(observe=True, show_assigned=True), view_for(settings, at_prompt=True), settings)


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that stands in for the editor: what it does is written into this file as Python, over `path`."""
    script = tmp_path / "my editor.py"
    monkeypatch.setenv("EDITOR", f"'{sys.executable}' '{script}' --wait")
    monkeypatch.delenv("VISUAL", raising=False)
    return script


def act(editor: Path, code: str) -> None:
    """Let the editor do this."""
    editor.write_text(f"import sys, pathlib\npath = pathlib.Path(sys.argv[2])\n{code}\n")


def test_history_numbers_commands_and_marks_failures(repl: Repl, capsys: Captured) -> None:
    assert said(repl, capsys, ":history") == "no commands yet"
    for entry in ("x = 2;", "for i in range(2):\n    i\n", "onse(2)", "1 +", ":vars", "a = 1; b = 2"):
        repl.enter(entry)
    lines = ["1> x = 2;", "2> for i in range(2):", "..     i", "3> onse(2)   failed", "4> 1 +   failed", "5> a = 1", "6> b = 2"]
    assert said(repl, capsys, ":history").splitlines() == lines
    assert said(repl, capsys, ":history 2").splitlines() == ["4 earlier, :history 6 shows all", "5> a = 1", "6> b = 2"]
    assert said(repl, capsys, ":history 0") == "6 earlier, :history 6 shows all"
    assert said(repl, capsys, ":history x") == "error: :history takes a number of commands"


def test_history_shows_the_last_twenty(repl: Repl, capsys: Captured) -> None:
    repl.enter("\n".join(f"{number};" for number in range(30)))
    lines = said(repl, capsys, ":history").splitlines()
    assert lines[:2] == ["10 earlier, :history 30 shows all", "11> 10;"]
    assert len(lines) == 21


def test_edit_runs_what_is_saved(repl: Repl, capsys: Captured, editor: Path) -> None:
    remembered: list[str] = []
    repl.remember = remembered.append
    repl.enter("for i in range(2):\n    i\n\nx = 1")
    act(editor, "path.write_text(path.read_text().replace('range(2)', 'range(3)').replace('x = 1', 'x = 5'))")
    assert said(repl, capsys, ":edit").splitlines() == ["for i in range(3):", "    i", "", "x = 5", "0", "1", "2", "", "x = 5"]
    assert remembered == ["for i in range(3):\n    i\n\nx = 5"]
    act(editor, "path.write_text(path.read_text() + '\\n')")
    assert said(repl, capsys, ":edit 2").splitlines() == ["x = 1", "x = 1"]
    assert repl.session.number == 6


def test_edit_mends_an_entry_that_could_not_be_read(repl: Repl, capsys: Captured, editor: Path) -> None:
    repl.enter("(1 +")
    act(editor, "path.write_text('(1 + 2)')")
    assert said(repl, capsys, ":edit").splitlines() == ["(1 + 2)", "3"]


def test_a_file_that_was_not_saved_is_not_run(repl: Repl, capsys: Captured, editor: Path) -> None:
    repl.enter("x = 1")
    act(editor, "")
    assert said(repl, capsys, ":edit") == "not saved, not run"
    act(editor, "path.write_text('  \\n')")
    assert said(repl, capsys, ":edit") == "nothing to run"
    assert repl.session.number == 2


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("sys.exit(3)", " ended with status 3; nothing was run"),
        ("path.write_text(':quit')", ":commands are not run from the editor"),
        ("path.write_bytes(b'\\xff')", "the editor did not leave UTF-8 text"),
        ("path.unlink()", "nothing to edit in: No such file or directory"),
    ],
)
def test_an_editor_that_fails_is_one_line(repl: Repl, capsys: Captured, editor: Path, code: str, message: str) -> None:
    repl.enter("x = 1")
    act(editor, code)
    text = said(repl, capsys, ":edit")
    assert text.startswith("error: ")
    assert text.endswith(message)


def test_without_an_editor(repl: Repl, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    assert said(repl, capsys, ":edit") == "error: there is no command to edit yet"
    repl.enter("x = 1")
    assert said(repl, capsys, ":edit") == "error: no editor: set $VISUAL or $EDITOR"
    assert said(repl, capsys, ":edit 7") == "error: no command 7; :history lists them"
    monkeypatch.setenv("VISUAL", "/no/such/editor -x")
    assert said(repl, capsys, ":edit") == "error: cannot start /no/such/editor -x: No such file or directory"
    monkeypatch.setenv("VISUAL", "'")
    assert said(repl, capsys, ":edit") == "error: cannot start ': No closing quotation"


def test_nothing_stays_in_the_temporary_folder(repl: Repl, editor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    repl.enter("x = 1")
    for code in ("", "path.write_text('2')", "sys.exit(1)", "path.unlink()"):
        act(editor, code)
        repl.enter(":edit")
        assert os.listdir(folder) == []
