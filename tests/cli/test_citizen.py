"""A program among others: script files, `--torch`, completion, who wins among option, variable, config and default."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from cli_run import environment, tcalc
from cli_screen import Terminal

from tcalc.cli.main import main
from tcalc.cli.options import command
from tcalc.cli.settings import Settings, read

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX shells and terminals")


def on_path(folder: Path) -> str:
    """A PATH on which `tcalc` is found."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "tcalc"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m tcalc \"$@\"\n")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


# --- script files -----------------------------------------------------------------------------------------------------


@posix_only
def test_a_file_that_begins_with_tcalc_is_a_program(tmp_path: Path) -> None:
    script = tmp_path / "mean it"
    script.write_text("#!/usr/bin/env tcalc\nx = arange(4.)\nx.mean()\n")
    script.chmod(0o755)
    result = subprocess.run(
        [script, "x + 1"], env=environment(PATH=on_path(tmp_path)), capture_output=True, timeout=60, text=True, check=False
    )
    assert (result.stdout, result.stderr, result.returncode) == ("1.5\n[1.0, 2.0, 3.0, 4.0]\n", "", 0)


def test_a_first_argument_that_ends_in_tc_is_a_file_when_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "s.tc").write_text("x = 2\n1/0\n")
    assert tcalc("s.tc", cwd=tmp_path).stderr.startswith("tcalc: s.tc:2:2: ZeroDivisionError")
    assert tcalc("x = 1", "s.tc", cwd=tmp_path).stderr.startswith("tcalc: <argument 2>:1:1: no name 's'")
    assert tcalc("zz.tc", cwd=tmp_path).stderr.startswith("tcalc: <argument 1>:1:1: no name 'zz'")
    (tmp_path / "x").write_text("not a program\n")
    assert tcalc("x", cwd=tmp_path).stderr.startswith("tcalc: <argument 1>:1:1: no name 'x'")


def test_a_program_is_printed_as_a_pytorch_script_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "s.tc").write_text("#!/usr/bin/env tcalc\nx = ones(2)\nprint('ran')\nx.sum()\n1/0\n")
    result = tcalc("-f", "s.tc", "--torch", "--seed", "3", "--dtype", "float64", "-l", "y=y.npy", cwd=tmp_path)
    assert (result.stderr, result.returncode) == ("", 0)
    for line in (
        "torch.set_default_dtype(torch.float64)",
        "torch.manual_seed(3)",
        "y = torch.from_numpy(np.load('y.npy'))",
        "x = torch.ones(2)",
    ):
        assert f"\n{line}\n" in result.stdout
    compile(result.stdout, "s.py", "exec")
    assert tcalc("--torch", stdin="x = ones(2)\n").stdout.endswith("x = torch.ones(2)\n")


@pytest.mark.parametrize(
    ("names", "program", "printed"),
    [
        (("a", "b"), "[*state], state['b'].sum()", "['a', 'b'] tensor(2.)"),
        (("state", "b"), "state.sum(), state.ndim", "tensor(2.) 1"),
        (("a",), "state.sum(), state.ndim", "tensor(2.) 1"),
    ],
)
def test_the_script_binds_of_an_archive_what_the_option_binds(tmp_path: Path, names: tuple[str, ...], program: str, printed: str) -> None:
    import numpy as np

    np.savez(tmp_path / "s.npz", **{name: np.ones(2, np.float32) for name in names})
    assert tcalc("-l", "state=s.npz", "-F", "repr", f"print(*({program}))", cwd=tmp_path).stdout == f"{printed}\n"
    script = tcalc("-l", "state=s.npz", "--torch", f"print(*({program}))", cwd=tmp_path).stdout
    pytest.importorskip("torch", reason="the script is PyTorch's")
    result = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert (result.stdout, result.stderr) == (f"{printed}\n", "")


def test_what_has_no_pytorch_form_is_one_line(tmp_path: Path) -> None:
    result = tcalc("--torch", "-l", "x=x.csv", "x", cwd=tmp_path)
    assert (result.stdout, result.stderr, result.returncode) == (
        "",
        "tcalc: x came from x.csv, which PyTorch cannot read: save it as .npy and load that\n",
        1,
    )
    result = tcalc("--torch", "x = (", cwd=tmp_path)
    assert (result.stdout, result.returncode) == ("", 1)
    assert result.stderr.startswith("tcalc: <argument 1>:1:5: '(' was never closed")


@posix_only
@pytest.mark.parametrize("option", [("-o", "x.npy"), ("--test",), ("--torch",)])
def test_what_needs_a_program_is_no_prompt(option: tuple[str, ...]) -> None:
    with Terminal(*option) as terminal:
        assert "need a program" in terminal.wait("need a program")
        assert terminal.status() == 2


@posix_only
def test_npy_is_not_for_a_terminal() -> None:
    with Terminal("-F", "npy", "ones(1)") as terminal:
        assert "npy is binary and stdout is a terminal" in terminal.wait("npy is binary").replace("\n", " ")
        assert terminal.status() == 2


@pytest.mark.parametrize("words", [("ones(2)",), ("-F", "panel", "ones(2)"), ("-o", "x.npz", "linalg.lu_factor(eye(2))[0]"), ("--completion", "bash")])
def test_nothing_is_imported_from_the_working_directory(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A folder may come from anywhere, with files called as the libraries are."""
    names = ["numpy", "scipy", "click", "rich", "prompt_toolkit", "ml_dtypes", "cupy", "torch", "safetensors", "json", "zipfile", "tomllib", "sitecustomize"]
    for name in names:
        (tmp_path / f"{name}.py").write_text(f"open('{tmp_path}/trapped', 'a').write(__name__)\n")
    result = tcalc(*words, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert not (tmp_path / "trapped").exists()


# --- completion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete -o nosort -F"), ("zsh", "#compdef tcalc"), ("fish", "complete --no-files --command tcalc")]
)
def test_completion_is_printed_for_each_shell(shell: str, word: str) -> None:
    result = tcalc("--completion", shell)
    assert (result.stderr, result.returncode) == ("", 0)
    assert word in result.stdout
    assert "_TCALC_COMPLETE" in result.stdout
    if shell == "bash" and os.path.exists("/bin/bash"):
        assert subprocess.run(["/bin/bash", "-n"], input=result.stdout, text=True, capture_output=True, check=True).stderr == ""


def completed(tmp_path: Path, *words: str) -> list[str]:
    """What bash is offered for the last of these words."""
    result = tcalc(
        env=environment(_TCALC_COMPLETE="bash_complete", COMP_WORDS=" ".join(["tcalc", *words]), COMP_CWORD=str(len(words))), cwd=tmp_path
    )
    assert result.stderr == ""
    return result.stdout.split()


def test_what_is_completed(tmp_path: Path) -> None:
    (tmp_path / "data.csv").touch()
    (tmp_path / "dir").mkdir()
    assert completed(tmp_path, "-F", "s") == ["plain,shape"]
    assert completed(tmp_path, "--dtype", "floa") == ["plain,float16", "plain,float32", "plain,float64"]
    assert {"plain,--test", "plain,--torch"} <= set(completed(tmp_path, "--t"))
    assert completed(tmp_path, "-f", "da") == ["file,da"]
    assert completed(tmp_path, "-o", "da") == ["file,da"]
    assert completed(tmp_path, "-l", "x=d") == ["plain,x=data.csv", "plain,x=dir/"]
    assert completed(tmp_path, "-l", "x=none/d") == []


def test_completion_loads_neither_arrays_nor_a_screen() -> None:
    code = "import sys, tcalc.cli.main as m\ntry: m.main([])\nfinally: print('\\n'.join(sys.modules), file=sys.stderr)"
    env = environment(_TCALC_COMPLETE="bash_complete", COMP_WORDS="tcalc --t", COMP_CWORD="1")
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "--test" in result.stdout
    assert not set(result.stderr.split()) & {"numpy", "rich", "prompt_toolkit", "asyncio", "tcalc.session.session", "tcalc.lang.parse"}


@pytest.mark.skipif(not os.path.exists("/bin/bash"), reason="bash is not here")
def test_bash_completes(tmp_path: Path) -> None:
    lines = 'eval "$(tcalc --completion bash)"\nCOMP_WORDS=(tcalc -F js)\nCOMP_CWORD=2\n_tcalc_completion tcalc\necho "${COMPREPLY[@]}"\n'
    env = environment(PATH=on_path(tmp_path))
    result = subprocess.run(["/bin/bash", "-c", lines], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (result.stdout, result.stderr) == ("json\n", "")


# --- option, then variable, then config, then default -----------------------------------------------------------------

# name, the option, the variable's value, the config's, the default; and what each of them gives
ORDER = [
    ("panel", ["--panel", "card"], "min", '"lines"', ("card", "min", "lines", "lines")),
    ("color", ["--color", "always"], "never", '"auto"', ("always", "never", "auto", "auto")),
    ("width", ["--width", "30"], "40", "50", (30, 40, 50, None)),
    ("vi", ["--vi"], "0", "true", (True, False, True, False)),
    ("ascii", ["--ascii"], "0", "true", (True, False, True, False)),
    ("plain", ["--plain"], "0", "true", (True, False, True, False)),
]


@pytest.mark.parametrize(("name", "option", "variable", "config", "gives"), ORDER, ids=[row[0] for row in ORDER])
def test_option_beats_variable_beats_config_beats_default(
    name: str, option: list[str], variable: str, config: str, gives: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tcalc.cli.config import with_config

    path = tmp_path / "c.toml"
    path.write_text(f"{name} = {config}\n")

    def value(*words: str) -> object:
        settings = read(["1", *words])
        assert isinstance(settings, Settings)
        return getattr(with_config(settings, pytest.fail), name)

    default = value()
    from_config = value("--config", str(path))
    monkeypatch.setenv(f"TCALC_{name.upper()}", variable)
    from_variable = value("--config", str(path))
    assert (value("--config", str(path), *option), from_variable, from_config, default) == gives


# every option that a variable may set: its words, the variable's value, and what the option, the variable and neither give
EVERY = [
    ("format", ["-F", "shape"], "repr", ("shape", "repr", "auto")),
    ("device", ["-d", "cpu"], "meta", ("cpu", "meta", None)),
    ("dtype", ["--dtype", "float16"], "float64", ("float16", "float64", None)),
    ("seed", ["--seed", "1"], "2", (1, 2, None)),
    ("color", ["--color", "always"], "never", ("always", "never", "auto")),
    ("width", ["--width", "30"], "40", (30, 40, None)),
    ("panel", ["--panel", "card"], "min", ("card", "min", "lines")),
    ("max_memory", ["--max-memory", "2k"], "1k", (2048, 1024, None)),
    ("max_seconds", ["--max-seconds", "2"], "1.5", (2.0, 1.5, None)),
    ("simulate_cuda", ["--simulate-cuda", "2"], "1", (2, 1, None)),
    ("config", ["--config", "a"], "b", ("a", "b", None)),
    *[
        (name, [f"--{name.replace('_', '-')}"], "0", (True, False, False))
        for name in ("keep_going", "all", "interactive", "ascii", "plain", "vi", "no_history", "no_config", "debug")
    ],
]
NO_VARIABLE = {"file", "load", "output", "test", "torch", "completion", "version", "help"}


@pytest.mark.parametrize(("name", "words", "variable", "gives"), EVERY, ids=[row[0] for row in EVERY])
def test_the_option_beats_the_variable(
    name: str, words: list[str], variable: str, gives: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def value(*more: str) -> tuple[object, str | None]:
        settings = read(["1", *more])
        assert isinstance(settings, Settings)
        return getattr(settings, name), settings.sources.get(name)

    assert value() == (gives[2], None)
    monkeypatch.setenv(f"TCALC_{name.upper()}", variable)
    assert value() == (gives[1], f"TCALC_{name.upper()}")
    assert value(*words) == (gives[0], f"--{name.replace('_', '-')}")
    if variable == "0":
        monkeypatch.setenv(f"TCALC_{name.upper()}", "1")
        assert value() == (True, f"TCALC_{name.upper()}")


def test_no_option_is_left_out() -> None:
    options = {parameter.name for parameter in command.params if isinstance(parameter, click.Option)}
    assert options == {row[0] for row in EVERY} | NO_VARIABLE


# name, the option, the variable's value; the program, and what it prints by option, by variable and by default
RUNS = [
    ("FORMAT", ("-F", "shape"), "repr", "ones(1)", ("float32 (1,)", "tensor([1.])", "[1.0]")),
    ("DTYPE", ("--dtype", "float16"), "float64", "ones(1).dtype", ("torch.float16", "torch.float64", "torch.float32")),
    ("DEVICE", ("-d", "cpu"), "meta", "ones(1).device.type", ('"cpu"', '"meta"', '"cpu"')),
    ("SEED", ("--seed", "1"), "2", "initial_seed()", ("1", "2", None)),
    ("ALL", ("-a",), "0", "x = 1", ("x = 1", "", "")),
    ("WIDTH", ("--width", "30"), "40", "print(str(arange(20)).count('\\n'))", ("3", "2", "1")),
]


@pytest.mark.parametrize(("name", "option", "variable", "program", "printed"), RUNS, ids=[row[0] for row in RUNS])
def test_variables_in_a_process(name: str, option: tuple[str, ...], variable: str, program: str, printed: tuple[str | None, ...]) -> None:
    env = environment(**{f"TCALC_{name}": variable})
    by_option, by_variable, by_default = (
        result.stdout.strip() for result in (tcalc(*option, program, env=env), tcalc(program, env=env), tcalc(program))
    )
    assert (by_option, by_variable) == printed[:2]
    assert by_default not in (by_option, by_variable) if printed[2] is None else by_default == printed[2]


@pytest.mark.parametrize("name", ["LOAD", "OUTPUT", "TEST", "TORCH", "COMPLETION"])
def test_no_variable_reads_or_writes_files(name: str, tmp_path: Path) -> None:
    result = tcalc("1 > 2", env=environment(**{f"TCALC_{name}": "x.npy" if name != "COMPLETION" else "bash"}), cwd=tmp_path)
    assert (result.stdout, result.returncode, os.listdir(tmp_path)) == ("false\n", 0, [])


# --- the garbage collector --------------------------------------------------------------------------------------------


def test_garbage_is_looked_for_while_a_program_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only loading goes without."""
    seen: list[bool] = []

    def run(settings: Settings) -> int:
        seen.append(gc.isenabled())
        return 0

    monkeypatch.setattr("tcalc.cli.script.run_script", run)
    assert main(["1"]) == 0
    assert main(["--width"]) == 2
    assert (seen, gc.isenabled()) == ([True], True)


def test_what_is_open_at_the_end_is_closed(tmp_path: Path) -> None:
    """The interpreter is spared its last search for garbage, nothing else."""
    assert tcalc("-o", "x.npy", "x = ones(3)", "x", cwd=tmp_path).returncode == 0
    assert tcalc("-l", "x=x.npy", "x.sum()", "print('end', end='')", cwd=tmp_path).stdout == "3.0\nend"
