"""Keys at the prompt, through prompt_toolkit's own pipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("prompt_toolkit")

from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from tcalc.cli.prompt import PromptReader
from tcalc.cli.repl import Repl
from tcalc.cli.settings import Settings
from tcalc.cli.view import view_for
from tcalc.session.session import Session

TAB = "\t"
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
    repl = Repl(Session(), view_for(settings, at_prompt=True), settings)
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


@pytest.mark.parametrize(
    ("typed", "entry"),
    [
        ("onesl" + "\b" + TAB + ENTER, "ones"),  # what is common goes in
        ("ones_l" + TAB + ENTER, "ones_like"),
        ("x.unsq" + TAB + ENTER, "x.unsqueeze"),
        ("ones(2, dtype=float3" + TAB + ")" + ENTER, "ones(2, dtype=float32)"),
        ("'x.unsq" + TAB + "'" + ENTER, "'x.unsq'"),
        ("1 # x.unsq" + TAB + ENTER, "1 # x.unsq"),
        ("for i in x:" + ENTER + TAB + "x.unsq" + TAB + ENTER + ENTER, "for i in x:\n    x.unsqueeze\n"),
        (":inf" + TAB + " x" + ENTER, ":info x"),
        ("?unsq" + TAB + ENTER, "?unsqueeze"),
        ("?cat" + ENTER, "?cat"),
        ("cat?" + ENTER, "cat?"),
    ],
)
def test_tab_completes(keys: PipeInput, typed: str, entry: str) -> None:
    read = reader(keys)
    read._repl.session.run("x = ones(2, 3)")
    keys.send_text(typed)
    assert read() == entry


def test_nothing_is_offered_while_typing(keys: PipeInput, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only Tab asks."""
    from tcalc.cli import offers

    asked: list[str] = []
    monkeypatch.setattr(offers, "offers_for", lambda entry, cursor, environment: asked.append(entry) or offers.Offers(cursor, []))
    read = reader(keys)
    keys.send_text("ones(2)" + ENTER)
    read()
    assert asked == []
    keys.send_text("one" + TAB + ENTER)
    read()
    assert asked == ["one"]


@pytest.mark.parametrize(
    ("typed", "entry"),
    [
        ("abc" + ESCAPE + "0dw" + "iz" + ENTER, "z"),
        ("f(1," + ENTER + "2)" + ENTER, "f(1,\n2)"),
        ("ones_l" + TAB + ENTER, "ones_like"),
    ],
)
def test_vi_keys(keys: PipeInput, typed: str, entry: str) -> None:
    read = reader(keys, Settings(vi=True))
    for part in typed.partition(ESCAPE)[:2]:
        keys.send_text(part)
    keys.send_text(typed.partition(ESCAPE)[2])
    assert read() == entry


def test_vi_history_and_search(keys: PipeInput) -> None:
    read = reader(keys, Settings(vi=True))
    for line in ("xa = 1", "y = 2", "xb = 3"):
        keys.send_text(line + ENTER)
        read()
    keys.send_text("x" + UP + UP + ENTER)
    assert read() == "xa = 1"
    keys.send_text(CTRL_R + "xb" + ENTER + ENTER)
    assert read() == "xb = 3"


def test_the_cursor_shows_the_vi_mode(keys: PipeInput) -> None:
    from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig

    assert isinstance(reader(keys, Settings(vi=True)).prompt.cursor, ModalCursorShapeConfig)
    assert reader(keys).prompt.cursor is None


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ("cat([x], ", [("cat(", False), ("", False), ("tensors", False), (", ", False), ("dim=0", True), (")", False)]),
        ("ones(2, dtype=", [("ones(", False), ("", False), ("*size", False), (", ", False), ("dtype=None", True), (")", False)]),
        (
            "sum(x, 0, True, dtype=",
            [
                ("sum(", False),
                ("", False),
                ("input", False),
                (", ", False),
                ("dim", False),
                (", ", False),
                ("keepdim=False", False),
                (", *, ", False),
                ("dtype=None", True),
                (")", False),
            ],
        ),
        ("'cat(", []),
        ("# cat(", []),
        ("cat([x])", []),
        (":info cat(", []),
        ("unknown(", []),
        ("(", []),
    ],
)
def test_the_toolbar_shows_the_open_call(entry: str, shown: list[tuple[str, bool]]) -> None:
    from tcalc.cli.toolbar import signature_parts

    session = Session()
    session.run("x = ones(2, 3)")
    assert signature_parts(session, entry, len(entry)) == shown


def test_the_toolbar_never_grows_beyond_its_line() -> None:
    from tcalc.cli.toolbar import fitted

    status = " cpu  float32  grad on   5 names 120 B   [15] 0.3 ms"
    parts = [("cat(", False), ("", False), ("tensors", False), (", ", False), ("dim=0", True), (")", False)]

    def shown(columns: int) -> str:
        return "".join(text for text, _ in fitted(status, parts, columns))

    assert shown(79) == status + "   cat(tensors, dim=0)"
    assert shown(60) == " cpu  float32  grad on   5 names 120 B   cat(tensors, dim=0)"
    assert shown(45) == " cpu  float32  grad on   cat(tensors, dim=0)"
    assert shown(22) == " cat(tensors, dim=0)"
    assert shown(18) == " cat(..., dim=0)"
    assert all(len(shown(columns)) <= columns for columns in range(1, 90))
    assert "".join(text for text, _ in fitted(status, [], 79)) == status


def test_colours_are_of_the_languages_pieces() -> None:
    from prompt_toolkit.document import Document

    from tcalc.cli.lexer import EntryLexer

    line = EntryLexer().lex_document(Document("for i in 'a b':  # c\n    x = 1.5"))
    assert [each for each in line(0) if each[0]] == [("bold", "for"), ("bold", "in"), ("ansigreen", "'a b'"), ("dim", "# c")]
    assert [each for each in line(1) if each[0]] == [("ansicyan", "1.5")]
    assert line(2) == []
    assert EntryLexer().lex_document(Document(":info x"))(0) == [("bold", ":info"), ("", " x")]


def test_no_colour_no_styles(keys: PipeInput) -> None:
    """The palette has sixteen names; without colour nothing is styled."""
    from tcalc.cli.prompt import COLOURED, COLOURLESS

    read = reader(keys)
    assert read.prompt.lexer is None
    assert read.prompt.input_processors is None
    assert set(COLOURLESS.values()) == {"noinherit"}
    assert not any("#" in style for style in COLOURED.values())
    coloured = reader(keys, Settings(color="always"))
    assert coloured.prompt.lexer is not None


def test_matching_brackets_are_marked(keys: PipeInput) -> None:
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.document import Document
    from prompt_toolkit.layout.controls import BufferControl
    from prompt_toolkit.layout.processors import TransformationInput

    from tcalc.cli.lexer import MATCHING, MatchingBrackets

    def marked(text: str, cursor: int) -> list[int]:
        with create_app_session(input=keys, output=DummyOutput()):
            given = TransformationInput(BufferControl(Buffer()), Document(text, cursor), 0, lambda i: i, [("", text)], 80, 24)
            fragments = MatchingBrackets().apply_transformation(given).fragments
        places, at = [], 0
        for style, piece, *_ in fragments:
            if MATCHING in style:
                places.append(at)
            at += len(piece)
        return places

    assert marked("f(a[0])", 7) == [1, 6]
    assert marked("f(a[0])", 3) == [3, 5]
    assert marked("f(')')", 6) == [1, 5]
    assert marked("f(')')", 3) == []
    assert marked("f a", 1) == []
