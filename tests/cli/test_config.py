"""Settings: the config file, `:set`, and who wins."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_run import environment, said, tcalc

from tcalc.cli.config import ConfigError, config_path, with_config
from tcalc.cli.config_edit import changed, store
from tcalc.cli.preferences import PREFERENCES, checked, find, from_words, toml_for, words_for
from tcalc.cli.repl import Repl
from tcalc.cli.settings import Settings, read
from tcalc.cli.view import view_for
from tcalc.engine.printing import printoptions
from tcalc.session.session import Session

Captured = pytest.CaptureFixture[str]


def configured(path: Path, text: str, *args: str) -> tuple[Settings, list[str]]:
    """The settings of a command line with a config file, and what was warned about without the file's name."""
    path.write_text(text, encoding="utf-8")
    settings = read([*args, "--config", str(path)])
    assert isinstance(settings, Settings)
    warnings: list[str] = []
    found = with_config(settings, warnings.append)
    return found, [warning.removeprefix(f"{path}: ") for warning in warnings]


@pytest.mark.skipif(os.name == "nt", reason="paths are POSIX")
def test_places() -> None:
    assert config_path({"XDG_CONFIG_HOME": "/c", "HOME": "/h"}) == "/c/tcalc/config.toml"
    assert config_path({"HOME": "/h"}) == "/h/.config/tcalc/config.toml"
    assert config_path({"XDG_CONFIG_HOME": "", "HOME": "/h"}) == "/h/.config/tcalc/config.toml"
    assert config_path({}) == os.path.expanduser("~/.config/tcalc/config.toml")


def test_xdg_counts_on_a_mac_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert config_path({"XDG_CONFIG_HOME": "/c"}) == "/c/tcalc/config.toml"


def test_every_setting_is_read(tmp_path: Path) -> None:
    text = """
panel = "card"      # framed
notes = false
mute = ["broadcast-grow",
        "non-leaf-grad"]
toolbar = false
suggest = true
vi = true
color = "never"
ascii = true
plain = true
width = 100
precision = 2
threshold = 50
edgeitems = 2
sci_mode = false
history_size = 500
"""
    settings, warnings = configured(tmp_path / "c.toml", text)
    assert warnings == []
    assert {name: getattr(settings, name) for name in tomllib.loads(text)} == {
        **tomllib.loads(text),
        "mute": ("broadcast-grow", "non-leaf-grad"),
    }
    assert set(tomllib.loads(text)) == {preference.name for preference in PREFERENCES}
    assert {settings.sources[preference.name] for preference in PREFERENCES} == {"c.toml"}


def test_option_before_environment_before_config_before_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'panel = "card"\nwidth = 50\nvi = true\n'
    assert Settings().panel == "lines"
    settings, _ = configured(tmp_path / "c", text)
    assert (settings.panel, settings.width, settings.vi, settings.ascii) == ("card", 50, True, False)
    monkeypatch.setenv("TCALC_PANEL", "min")
    monkeypatch.setenv("TCALC_WIDTH", "60")
    monkeypatch.setenv("TCALC_VI", "0")
    settings, _ = configured(tmp_path / "c", text)
    assert (settings.panel, settings.width, settings.vi) == ("min", 60, False)
    settings, _ = configured(tmp_path / "c", text, "--width", "70", "--vi", "--panel=lines")
    assert (settings.panel, settings.width, settings.vi) == ("lines", 70, True)
    assert {name: settings.sources[name] for name in ("panel", "width", "vi")} == {"panel": "--panel", "width": "--width", "vi": "--vi"}


@pytest.mark.parametrize(
    "name",
    [
        "FORMAT",
        "KEEP_GOING",
        "ALL",
        "DEVICE",
        "DTYPE",
        "SEED",
        "COLOR",
        "ASCII",
        "PLAIN",
        "WIDTH",
        "PANEL",
        "VI",
        "NO_HISTORY",
        "NO_CONFIG",
        "DEBUG",
    ],
)
def test_every_option_has_a_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"FORMAT": "shape", "DEVICE": "meta", "DTYPE": "float64", "SEED": "3", "COLOR": "never", "WIDTH": "33", "PANEL": "min"}.get(
        name, "1"
    )
    monkeypatch.setenv(f"TCALC_{name}", value)
    settings = read(["1"])
    assert isinstance(settings, Settings)
    assert settings.sources == {name.lower(): f"TCALC_{name}"}
    assert str(getattr(settings, name.lower())) in (value, "True")


@pytest.mark.parametrize("name", ["VERSION", "HELP", "FILE", "EXPRESSIONS"])
def test_no_variable_makes_tcalc_do_something_else(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"TCALC_{name}", "1")
    assert read(["2"]) == Settings(expressions=("2",))._replace(sources={})


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("pannel = 'card'", "no setting 'pannel'. Did you mean panel?"),
        ("zzz = 1", "no setting 'zzz'. There are panel, notes, "),
        ("panel = 'crad'", "panel takes lines or card or min"),
        ("panel = true", "panel takes lines or card or min"),
        ("vi = 1", "vi takes on or off"),
        ("width = 5", "width takes a number from 20 to 10000, or auto"),
        ("width = true", "width takes a number from 20 to 10000, or auto"),
        ("mute = 'a'", "mute takes words, or nothing"),
        ("mute = ['A B']", "mute takes words, or nothing"),
        ("[tool]\npanel = 'min'", "no setting 'tool'."),
        ("vi = true\npanel = ", "line 2: Invalid value"),
        ("vi = true\n\nmute = [", "line 3: "),
        ("vi = true\nvi = false", "line 2: Cannot overwrite a value"),
        ("a\x00", "line 1: "),
        ("x = " + "[" * 5000, "line 1: "),
    ],
)
def test_what_is_wrong_is_one_warning_and_the_rest_counts(tmp_path: Path, text: str, warning: str) -> None:
    settings, warnings = configured(tmp_path / "c", "ascii = true\n" + text if "line" not in warning else text)
    assert [each[: len(warning)] for each in warnings] == [warning]
    assert warnings[0].isprintable()
    assert (settings.panel, settings.ascii) == ("lines", "line" not in warning)


def test_bytes_that_are_no_text_are_one_warning(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"vi = true\n\xff")
    warnings: list[str] = []
    settings = Settings(config=str(tmp_path / "c"))
    assert with_config(settings, warnings.append) == settings
    assert warnings == [f"{tmp_path / 'c'}: line 2: not UTF-8 text"]


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none: No such file"):
        with_config(Settings(config=str(tmp_path / "none")), pytest.fail)
    result = tcalc("--config", str(tmp_path / "none"), "1")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"tcalc: {tmp_path / 'none'}: No such file or directory\n"


def test_a_default_file_need_not_be_there_but_a_strange_one_is_a_warning(tmp_path: Path) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert with_config(Settings(), pytest.fail, env) == Settings()
    (tmp_path / "tcalc" / "config.toml").mkdir(parents=True)
    warnings: list[str] = []
    assert with_config(Settings(), warnings.append, env) == Settings()
    assert len(warnings) == 1


def test_pipes_read_a_config_file_only_when_it_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "tcalc"
    folder.mkdir()
    (folder / "config.toml").write_text("precision = 2\nwidth = 20\n")
    env = environment(XDG_CONFIG_HOME=str(tmp_path))
    assert tcalc("-F", "repr", "tensor([3.14159])", env=env).stdout == "tensor([3.1416])\n"
    named = ("--config", str(folder / "config.toml"))
    assert tcalc(*named, "-F", "repr", "tensor([3.14159])", env=env).stdout == "tensor([3.14])\n"
    assert tcalc("--no-config", *named, "-F", "repr", "tensor([3.14159])", env=env).stdout == "tensor([3.1416])\n"


# --- one key written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("", 'panel = "card"\n'),
        ("# mine\nvi = true", '# mine\nvi = true\npanel = "card"\n'),
        ('vi = true\npanel = "min"  # small # really\nascii = true\n', 'vi = true\npanel = "card"  # small # really\nascii = true\n'),
        ('"panel"="min"\n', 'panel = "card"\n'),
        ("panel = 'a # b' # c\n", 'panel = "card" # c\n'),
        ('panel = [\n  "#x", # one\n  "y",\n]\nvi = true\n', 'panel = "card"\nvi = true\n'),
        ("vi = true\n\n[other]\npanel = 1\n", 'vi = true\n\npanel = "card"\n[other]\npanel = 1\n'),
        ('x = """\npanel = 1\n[a]\n"""\n', 'x = """\npanel = 1\n[a]\n"""\npanel = "card"\n'),
        ("mute = [\n[1],\n]\n", 'mute = [\n[1],\n]\npanel = "card"\n'),
    ],
)
def test_one_line_changes_and_the_others_stay(text: str, new: str) -> None:
    assert changed(text, "panel", "card") == new
    assert tomllib.loads(new) == {**tomllib.loads(text), "panel": "card"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("vi", True), ("width", 40), ("width", None), ("mute", ("a", "b-c")), ("mute", ()), ("sci_mode", None), ("color", "never")],
)
def test_what_is_written_reads_the_same(name: str, value: object, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "c.toml"
    store(str(path), name, value)  # type: ignore[arg-type]
    assert checked(find(name), tomllib.loads(path.read_text())[name]) == value
    if os.name == "posix":
        assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]


@pytest.mark.parametrize(("words", "value"), [(["on"], True), (["OFF"], None), (["off"], False)])
def test_switches_are_words(words: list[str], value: bool | None) -> None:
    if value is None:
        with pytest.raises(ValueError, match="vi takes on or off"):
            from_words(find("vi"), words)
    else:
        assert from_words(find("vi"), words) is value
        assert words_for(value) == words[0]
        assert toml_for(value) == str(value).lower()


# --- :set -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def repl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repl]:
    """A loop over a new session; the config file is in `tmp_path`."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    settings = Settings(format="panel", width=70, sources={"width": "--width"})
    with printoptions():
        yield Repl(Session(observe=True, show_assigned=True), view_for(settings, at_prompt=True), settings)


def test_set_lists_all_with_their_sources(repl: Repl, capsys: Captured) -> None:
    lines = said(repl, capsys, ":set").splitlines()
    assert [line.split()[0] for line in lines if line[0] != " "] == [preference.name for preference in PREFERENCES]
    assert lines[0] == "panel         lines  default  the block after a command"
    assert lines[10] == "width         70     --width  line width of printed tensors"
    assert said(repl, capsys, ":set width") == "width is 70 (--width); it takes a number from 20 to 10000, or auto"
    repl.enter(":set width 60")
    assert "width         60     :set     line width of printed tensors" in said(repl, capsys, ":set").splitlines()
    repl.enter(":set width 40")
    narrow = said(repl, capsys, ":set").splitlines()
    assert narrow[:2] == ["panel         lines  default", "      the block after a command"]
    assert max(map(len, narrow)) <= 40
    repl.enter(":set plain on")
    assert said(repl, capsys, ":set").splitlines()[9] == "width: 40, :set, line width of printed tensors"


def test_set_holds_from_the_next_line(repl: Repl, capsys: Captured) -> None:
    repl.enter("x = ones(2)")
    assert said(repl, capsys, ":set panel min") == "panel is min"
    assert said(repl, capsys, "x") == "tensor([1., 1.])"
    assert said(repl, capsys, ":set plain on") == "plain is on"
    repl.enter(":set panel lines")
    assert "shape: 2" in said(repl, capsys, "x")
    for entry in (":set panel min", ":set precision 2", ":set sci_mode on"):
        repl.enter(entry)
    assert said(repl, capsys, "x / 3") == "tensor([3.33e-01, 3.33e-01])"
    for entry in (":set sci_mode auto", ":set precision auto"):
        repl.enter(entry)
    assert said(repl, capsys, "x / 3") == "tensor([0.3333, 0.3333])"
    repl.enter(":set threshold 3")
    repl.enter(":set edgeitems 1")
    assert said(repl, capsys, "arange(9)") == "tensor([0,  ..., 8])"
    repl.enter(":set threshold auto")
    repl.enter(":set edgeitems auto")


def test_notes_can_be_off_or_muted(repl: Repl, capsys: Captured) -> None:
    repl.enter("w = ones(2, requires_grad=True); h = w * 2;")
    assert "not a leaf" in said(repl, capsys, "h.grad")
    repl.enter(":set mute other non-leaf-grad")
    assert said(repl, capsys, "h.grad") == ""
    assert said(repl, capsys, ":set mute") == "mute is other non-leaf-grad (:set); it takes words, or nothing"
    repl.enter(":set mute none")
    assert "not a leaf" in said(repl, capsys, "h.grad")
    repl.enter(":set notes off")
    assert said(repl, capsys, "h.grad") == ""


def test_set_save_writes_the_key(repl: Repl, capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "tcalc" / "config.toml"
    assert said(repl, capsys, ":set panel card --save") == f"panel is card, saved in {path}"
    assert path.read_text() == 'panel = "card"\n'
    assert said(repl, capsys, ":set --save width") == f"width is 70, saved in {path}"
    assert with_config(Settings(), pytest.fail).panel == "card"
    path.write_text("# broken\n= 1\n")
    assert said(repl, capsys, ":set vi on --save").startswith(f"error: {path}: line 2: ")
    assert path.read_text() == "# broken\n= 1\n"
    assert repl.settings.vi


def test_a_place_that_cannot_be_written_is_one_line(repl: Repl, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    message = said(repl, capsys, ":set panel card --save")
    assert message.startswith(f"error: {tmp_path / 'file' / 'tcalc' / 'config.toml'}: Not a directory")
    assert message.endswith("; it holds until you leave")
    assert repl.settings.panel == "card"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (":set panle card", "no setting 'panle'. Did you mean panel?"),
        (":set panel crad", "panel takes lines or card or min"),
        (":set panel card min", "panel takes lines or card or min"),
        (":set width 19", "width takes a number from 20 to 10000, or auto"),
        (":set width -5", "width takes a number from 20 to 10000, or auto"),
        (":set mute A!", "mute takes words, or nothing"),
        (":set --save", ":set --save needs NAME VALUE"),
    ],
)
def test_wrong_settings_are_one_line_and_change_nothing(repl: Repl, capsys: Captured, entry: str, message: str) -> None:
    before = repl.settings
    assert said(repl, capsys, entry) == f"error: {message}"
    assert repl.settings is before
