"""What is an option and what is an expression."""

from pathlib import Path

import click
import pytest

from tcalc.cli.options import command, parsed
from tcalc.cli.settings import VARIABLES, Settings, read


def settings(*args: str) -> Settings:
    """The Settings of a command line that is expected to be valid."""
    result = read(list(args))
    assert isinstance(result, Settings)
    return result._replace(sources=Settings().sources)


@pytest.mark.parametrize("word", ["-ones(3)", "-x", "-1", "-Frepr", "--x[0]", "-k2", "- f", "--1", "-", "-kx"])
def test_only_declared_short_options_are_options(word: str) -> None:
    assert settings(word).expressions == (word,)


def test_an_option_after_an_expression_counts() -> None:
    assert settings("1", "-k", "2") == Settings(expressions=("1", "2"), keep_going=True)


def test_a_value_may_look_like_anything() -> None:
    assert settings("-f", "-", "--seed", "-3", "-F", "repr") == Settings(file=("-",), seed=-3, format="repr")


def test_all_after_two_dashes_is_source() -> None:
    assert settings("-a", "--", "-k", "--help") == Settings(expressions=("-k", "--help"), all=True)


def test_every_option_arrives() -> None:
    args = "-f a -f b -l x=a -l y=- -o c.npy --test --torch -F list -k -a -i -d cuda:1 --dtype float64 --seed 7 --color never --ascii --plain --width 40"
    assert settings(*args.split(), "--panel", "min", "--vi", "--no-history", "--debug") == Settings(
        file=("a", "b"),
        load=("x=a", "y=-"),
        output="c.npy",
        test=True,
        torch=True,
        format="list",
        keep_going=True,
        all=True,
        interactive=True,
        device="cuda:1",
        dtype="float64",
        seed=7,
        color="never",
        ascii=True,
        plain=True,
        width=40,
        panel="min",
        vi=True,
        no_history=True,
        debug=True,
    )


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--formta", "list"], "Did you mean"),
        (["--versoin"], "Did you mean '--version'?"),
        (["--formta", "list"], "--format"),
        (["--keep-goin=1"], "--keep-going"),
        (["-F", "xml"], "'xml' is not one of"),
        (["-F", "npz"], "npz goes into a file: -o FILE.npz."),
        (["-F"], "requires an argument"),
        (["-d", "gpu"], "is not cpu, cuda, cuda:N or meta"),
        (["-d", "cpu:x"], "is not cpu, cuda, cuda:N or meta"),
        (["--dtype", "int64"], "is not one of"),
        (["--width", "3"], "is not in the range"),
        (["--seed", "x"], "is not a valid int"),
    ],
)
def test_usage_errors(args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert read(args) == 2
    assert said.replace("'", "") in capsys.readouterr().err.replace("'", "")  # click quotes suggestions from 8.4 on


def test_options_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCALC_FORMAT", "repr")
    monkeypatch.setenv("TCALC_ASCII", "1")
    assert settings("1") == Settings(expressions=("1",), format="repr", ascii=True)
    assert settings("-F", "list", "1").format == "list"


def test_help_and_version_are_no_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert read(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tcalc ")
    for flag in ("-h", "--help"):
        assert read([flag]) == 0
        assert "--keep-going" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [[], ["1"], ["x = 1", " x"], [""], ["a=b", "=", "\udcff"], ["s.tc", "1"], ["--version"], ["1 -k", "x--1"]]
)
def test_what_click_is_spared_it_would_read_alike(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.tc").write_text("1")
    seen = [(read(words), capsys.readouterr()), (parsed(words), capsys.readouterr())]
    assert seen[0] == seen[1]
    assert isinstance(seen[0][0], Settings) or seen[0][1].out


def test_every_variable_that_click_reads_is_known() -> None:
    """A command line without options is read without click only where no such variable is set."""
    read_by_click = {f"TCALC_{each.name}".upper() for each in command.params if isinstance(each, click.Option) and each.allow_from_autoenv}
    assert read_by_click < VARIABLES
    assert "_TCALC_COMPLETE" in VARIABLES
