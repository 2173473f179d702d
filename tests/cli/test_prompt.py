"""Keys at the prompt, through prompt_toolkit's own pipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("prompt_toolkit")

from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from tcalc.cli.options import Settings
from tcalc.cli.prompt import PromptReader
from tcalc.cli.repl import Repl
from tcalc.cli.view import view_for
from tcalc.session.session import Session

ENTER, ALT_ENTER, UP, DOWN, CTRL_C, CTRL_D, CTRL_R, ESCAPE = (
    "\r",
    "\x1b\r",
    "\x1b[A",
    "\x1b[B",
    "\x03",
    "\x04",
    "\x12",
    "\x1b",
)


def pasted(text: str) -> str:
    """What a terminal sends for a paste."""
    return f"\x1b[200~{text}\x1b[201~"


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PipeInput]:
    """A keyboard; the history is a fresh file."""
    monkeypatch.setenv("TCALC_HISTORY", str(tmp_path / "history"))
    with create_pipe_input() as source:
        yield source


def reader(keys: PipeInput, settings: Settings | None = None) -> PromptReader:
    """The line editor in front of an empty session."""
    settings = settings or Settings()
    repl = Repl(Session(), view_for(settings, at_prompt=True))
    return PromptReader(settings, repl, keys, DummyOutput())


@pytest.mark.parametrize(
    ("typed", "entry"),
    [
        ("1 + 1" + ENTER, "1 + 1"),
        ("f(1," + ENTER + "2)" + ENTER, "f(1,\n2)"),
        ("x = 1" + ALT_ENTER + "y" + ENTER, "x = 1\ny"),
        ("for i in x:" + ENTER + "\ti" + ENTER + ENTER, "for i in x:\n    i\n"),
        ("'''a" + ENTER + ENTER + "b'''" + ENTER, "'''a\n\nb'''"),
        (":vars" + ENTER, ":vars"),
        ("1 +" + ENTER, "1 +"),
        (pasted("for i in x:\n    if i:\n        i\n\ny") + ENTER, "for i in x:\n    if i:\n        i\n\ny"),
        (pasted("a = 1\r\nb = 2") + ENTER, "a = 1\nb = 2"),
    ],
)
def test_enter_runs_what_is_complete(keys: PipeInput, typed: str, entry: str) -> None:
    keys.send_text(typed)
    assert reader(keys)() == entry


def test_ctrl_c_clears_the_line_and_ctrl_d_leaves(keys: PipeInput) -> None:
    read = reader(keys)
    keys.send_text("half a li" + CTRL_C)
    with pytest.raises(KeyboardInterrupt):
        read()
    keys.send_text("1" + ENTER)
    assert read() == "1"
    keys.send_text(CTRL_D)
    with pytest.raises(EOFError):
        read()


def test_up_searches_by_prefix_and_enter_runs(keys: PipeInput) -> None:
    read = reader(keys)
    for line in ("xa = 1", "y = 2", "xb = 3", "z = 4"):
        keys.send_text(line + ENTER)
        read()
    keys.send_text("x" + UP + UP + ENTER)
    assert read() == "xa = 1"
    keys.send_text("x" + UP + UP + UP + DOWN + ENTER)
    assert read() == "xb = 3"


def test_ctrl_r_searches(keys: PipeInput) -> None:
    read = reader(keys)
    for line in ("alpha = 1", "beta = 2"):
        keys.send_text(line + ENTER)
        read()
    keys.send_text(CTRL_R + "lph" + ENTER + ENTER)
    assert read() == "alpha = 1"


def test_history_is_written_but_not_for_a_leading_blank(keys: PipeInput, tmp_path: Path) -> None:
    read = reader(keys)
    for line in ("x = 1", " secret"):
        keys.send_text(line + ENTER)
        read()
    text = (tmp_path / "history").read_text()
    assert "x = 1" in text
    assert "secret" not in text


def test_no_history_touches_no_file(keys: PipeInput, tmp_path: Path) -> None:
    read = reader(keys, Settings(no_history=True))
    keys.send_text("x = 1" + ENTER)
    read()
    assert not (tmp_path / "history").exists()


def test_vi_mode(keys: PipeInput) -> None:
    read = reader(keys, Settings(vi=True))
    keys.send_text("abc" + ESCAPE)
    keys.send_text("0x" + ENTER)
    assert read() == "bc"


def test_the_toolbar_says_what_is_default(keys: PipeInput) -> None:
    from tcalc.cli.toolbar import status_text

    session = Session()
    session.run("x = 1; y = 2")
    assert status_text(session, None) == "cpu  float32  grad on   2 names 0 B"
    assert status_text(session, 0.0003).endswith("[2] 0.3 ms")
    assert status_text(session, 75.0).endswith("[2] 1.2 min")


@pytest.mark.parametrize(("settings", "shown"), [(Settings(), True), (Settings(plain=True), False)])
def test_plain_has_no_toolbar(keys: PipeInput, settings: Settings, shown: bool) -> None:
    read = reader(keys, settings)
    keys.send_text("1" + ENTER)
    read()
    assert (read.prompt.bottom_toolbar is not None) is shown
