"""Help pages as text at three widths and in every style, against files; TCALC_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tcalc.cli.panel_view import PanelView
from tcalc.cli.repl import Repl
from tcalc.cli.terminal import Screen
from tcalc.session.session import Session

GOLDEN = Path(__file__).parent / "golden"
ASKED = ["cat", "view", "softmax", "x.add_", "nn.Linear", "leaf", "broadcast-grow", "max", "float32", "x"]
STYLES = [(width, style) for width in (40, 80, 120) for style in ("ascii", "unicode", "plain")] + [(80, "colour")]


def repl(width: int = 80, style: str = "ascii") -> Repl:
    """A prompt in a session with one variable."""
    screen = Screen(True, style == "colour", style == "unicode", style == "plain", width, 24)
    session = Session(observe=True)
    session.run("x = ones(2, 3)")
    return Repl(session, PanelView(screen, screen, "lines", at_prompt=True, debug=False))


@pytest.mark.parametrize(("width", "style"), STYLES)
def test_pages(width: int, style: str, capsys: pytest.CaptureFixture[str]) -> None:
    prompt = repl(width, style)
    parts = []
    for name in ASKED:
        prompt.enter(f"?{name}")
        parts.append(f"> ?{name}\n{capsys.readouterr().out}\n")
    text = "".join(parts).replace("\x1b", "ESC")
    assert text.isascii()
    file = GOLDEN / f"help-{width}-{'ascii' if style == 'unicode' else style}.txt"  # a page needs no glyphs
    if os.environ.get("TCALC_UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
    if width >= 60 and style != "colour":
        assert max(map(len, text.splitlines())) <= width or style == "plain"


@pytest.mark.parametrize(
    "entry",
    ["?cat", "cat?", "cat ??", "? cat", "help(cat)", "help('cat')", 'help( "torch.cat" )', ":help cat", "?concat", "torch.concatenate?"],
)
def test_every_way_to_ask(entry: str, capsys: pytest.CaptureFixture[str]) -> None:
    prompt = repl()
    prompt.enter(entry)
    assert capsys.readouterr().out.startswith("cat(tensors, dim=0) -> Tensor                     also: concat, concatenate\n")
    assert prompt.session.number == 2  # a question is no command


def test_the_mock_up_of_cat(capsys: pytest.CaptureFixture[str]) -> None:
    repl().enter("?cat")
    assert capsys.readouterr().out == (
        "cat(tensors, dim=0) -> Tensor                     also: concat, concatenate\n"
        "  Tensors joined along an existing dim; all other sizes must be equal.\n"
        "  shapes    (a, n), (b, n), dim=0  ->  (a + b, n)\n"
        "  storage   always new          grad   each input receives its slice\n"
        "  example   cat([ones(1, 2), zeros(1, 2)])\n"
        "            tensor([[1., 1.],\n"
        "                    [0., 0.]])\n"
        "  see also  stack (makes a new dim), hstack, vstack, split\n"
    )


def test_a_question_mark_alone_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    repl().enter("?")
    text = capsys.readouterr().out
    assert all(word in text for word in ("broadcast_to", "nn.Linear", "dtype-promotion", "non-leaf-grad"))
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("entry", ["help", "help()", ":help"])
def test_help_alone_lists_the_commands(entry: str, capsys: pytest.CaptureFixture[str]) -> None:
    repl().enter(entry)
    assert ":vars" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("entry", "start"), [("?:info", ":info NAME"), (":help vars", ":vars"), (":help :vars", ":vars"), ("?vars", ":vars")]
)
def test_commands_are_explained(entry: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    repl().enter(entry)
    assert capsys.readouterr().out.startswith(start)


def test_a_name_that_is_also_a_command_has_both(capsys: pytest.CaptureFixture[str]) -> None:
    repl().enter("?device")
    text = capsys.readouterr().out
    assert text.startswith("device(")
    assert text.splitlines()[-1].startswith(":device")


def test_an_unknown_name_is_one_line_of_error(capsys: pytest.CaptureFixture[str]) -> None:
    repl().enter("?catt")
    assert capsys.readouterr() == ("", "error: nothing is known of 'catt'. Did you mean ?cat?\n")


def test_help_of_the_program_goes_before(capsys: pytest.CaptureFixture[str]) -> None:
    """A variable called help is called as any other."""
    prompt = repl()
    prompt.enter("def help(a): return a + 1\n")
    prompt.enter("help(1)")
    assert "2" in capsys.readouterr().out


def test_scripts_are_told_where_help_is() -> None:
    error = Session().run("help(cat)")[0].error
    assert error is not None
    assert "at the prompt ?NAME explains a name" in error.message
