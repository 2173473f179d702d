"""Colour, glyphs and width are decided by tcalc: the whole table of UX policy."""

import io

import pytest

from tcalc.cli.escape import safe, safe_line
from tcalc.cli.terminal import screen_for, wants_colour, wants_unicode


@pytest.mark.parametrize(
    ("tty", "when", "env", "expected"),
    [
        (True, "auto", {}, True),
        (False, "auto", {}, False),
        (True, "never", {"FORCE_COLOR": "1"}, False),
        (False, "always", {"NO_COLOR": "1"}, True),
        (True, "auto", {"NO_COLOR": "1"}, False),
        (True, "auto", {"NO_COLOR": ""}, True),
        (True, "auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (False, "auto", {"FORCE_COLOR": "1"}, True),
        (False, "auto", {"FORCE_COLOR": "0"}, False),
        (False, "auto", {"FORCE_COLOR": ""}, False),
        (True, "auto", {"TERM": "dumb"}, False),
        (True, "auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
def test_colour(tty: bool, when: str, env: dict[str, str], expected: bool) -> None:
    assert wants_colour(tty, when, env) is expected


@pytest.mark.parametrize(
    ("encoding", "ascii_only", "env", "expected"),
    [
        ("utf-8", False, {"LANG": "en_US.UTF-8"}, True),
        ("utf-8", False, {"LC_ALL": "C", "LANG": "en_US.UTF-8"}, False),
        ("utf-8", False, {}, False),
        ("utf-8", True, {"LANG": "en_US.UTF-8"}, False),
        ("ascii", False, {"LANG": "en_US.UTF-8"}, False),
    ],
)
def test_unicode(
    monkeypatch: pytest.MonkeyPatch, encoding: str, ascii_only: bool, env: dict[str, str], expected: bool
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert wants_unicode(encoding, ascii_only, env) is expected


def test_a_pipe_is_eighty_columns_without_colour() -> None:
    screen = screen_for(io.StringIO(), env={})
    assert (screen.tty, screen.colour, screen.plain, screen.width) == (False, False, False, 80)


def test_a_missing_stream_is_no_terminal() -> None:
    assert screen_for(None, env={}).tty is False


def test_width_and_plain_are_asked_for() -> None:
    assert screen_for(io.StringIO(), width=40, env={}).width == 40
    assert screen_for(io.StringIO(), env={"ACCESSIBLE": "1"}).plain
    assert screen_for(io.StringIO(), plain=True, env={}).plain


def test_control_and_bidi_characters_become_escapes() -> None:
    assert safe("a\x1b[31mb\tc\n\x9b\u202e") == "a\\x1b[31mb\tc\n\\x9b\\u202e"
    assert safe_line("a\nb\rc\u2028") == "a\\nb\\rc\\u2028"
