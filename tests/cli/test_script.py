"""tcalc as a program without a terminal: flags, stdin rules, exit statuses, what goes where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from run import environment, tcalc

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and devices")


# --- arguments ----------------------------------------------------------------------------------------------------


def test_each_argument_is_a_line_of_one_session() -> None:
    result = tcalc("x = 2", "x * 21")
    assert (result.stdout, result.stderr, result.returncode) == ("42\n", "", 0)


def test_a_block_may_span_arguments() -> None:
    assert tcalc("for i in range(2):", "    i", "'done'").stdout == '0\n1\n"done"\n'


def test_an_argument_may_hold_lines() -> None:
    assert tcalc("x = 1\nx + 1").stdout == "2\n"


def test_a_leading_minus_is_an_expression() -> None:
    assert tcalc("-abs(-3)").stdout == "-3\n"
    assert tcalc("--", "-k").stderr.startswith("tcalc: <argument 1>:1:2: no name 'k'")


def test_stdin_is_not_touched_when_an_expression_is_given() -> None:
    assert tcalc("1", stdin="2\n").stdout == "1\n"


# --- stdin and files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [(), ("-",), ("-f", "-"), ("--file", "-")])
def test_stdin_is_the_script(args: tuple[str, ...]) -> None:
    assert tcalc(*args, stdin="x = 2\nx + 1\n").stdout == "3\n"


@pytest.mark.parametrize("script", ["", "\n\n", "# nothing\n", "\ufeff"])
def test_an_empty_script_is_success(script: str) -> None:
    result = tcalc(stdin=script)
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


def test_dev_null_is_an_empty_script() -> None:
    assert tcalc().returncode == 0


@posix_only
def test_a_closed_stdin_is_an_empty_script() -> None:
    command = f"exec '{sys.executable}' -m tcalc <&-"
    result = subprocess.run(["/bin/sh", "-c", command], env=environment(), capture_output=True, timeout=60, check=False)
    assert (result.stdout, result.stderr, result.returncode) == (b"", b"", 0)


def test_files_run_in_order_and_before_expressions(tmp_path: Path) -> None:
    (tmp_path / "a.tc").write_text("x = 1\n")
    (tmp_path / "b.tc").write_text("for i in range(2):\n    x += 1\n\n    x\n", encoding="utf-8")
    result = tcalc("-f", "a.tc", "--file", "b.tc", "x * 10", cwd=tmp_path)
    assert result.stdout == "2\n3\n30\n"


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    for name in ("missing.tc", "."):
        result = tcalc("-f", name, cwd=tmp_path)
        assert (result.returncode, result.stdout) == (2, "")
        assert name in result.stderr


def test_nothing_runs_when_one_of_the_files_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.tc").write_text("1\n")
    assert tcalc("-f", "a.tc", "-f", "missing", cwd=tmp_path).stdout == ""


def test_windows_line_ends_and_a_missing_last_one() -> None:
    assert tcalc(stdin="x = 1\r\nif x:\r\n    x\r\n\r\nx + 1").stdout == "1\n2\n"


def test_pasted_prompts_are_stripped() -> None:
    assert tcalc(stdin=">>> for i in range(2):\n...     i\n...\n>>> 'end'\n").stdout == '0\n1\n"end"\n'


def test_bytes_that_are_no_text_are_one_line() -> None:
    result = tcalc("-k", stdin=b"1\n\xff\n2\n")
    assert (result.stdout, result.returncode) == ("1\n2\n", 1)
    assert result.stderr == "tcalc: <stdin>:2:1: the line is not UTF-8 text (byte 1)\n"


def test_statements_run_and_are_flushed_as_they_arrive() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tcalc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for n in range(3):
        process.stdin.write(f"{n} + 1\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"{n + 1}\n"
    process.stdin.write("print('a', end='')\n")
    process.stdin.flush()
    assert process.stdout.read(1) == "a"
    process.stdin.close()
    assert process.wait(60) == 0
    process.stdout.close()


# --- errors -------------------------------------------------------------------------------------------------------


def test_the_first_error_stops() -> None:
    result = tcalc(stdin="1\nx = 1 / 0\n2\n")
    assert (result.stdout, result.returncode) == ("1\n", 1)
    assert result.stderr == ("tcalc: <stdin>:2:7: ZeroDivisionError: division by zero\n    x = 1 / 0\n        ~ ^ ~\n")


def test_keep_going_runs_on_and_still_fails() -> None:
    for flag in ("-k", "--keep-going"):
        result = tcalc(flag, stdin="1\n1 / 0\n(\n2\n)\n3 +\n4\n")
        assert (result.stdout, result.returncode) == ("1\n2\n4\n", 1)
        assert [line.split(": ")[1] for line in result.stderr.splitlines() if line.startswith("tcalc")] == [
            "<stdin>:2:3",
            "<stdin>:6:4",
        ]


def test_a_block_before_a_broken_line_still_runs() -> None:
    result = tcalc(stdin="for i in range(2):\n    i\n3 +\n")
    assert (result.stdout, result.returncode) == ("0\n1\n", 1)
    assert result.stderr.startswith("tcalc: <stdin>:3:4: ")


def test_places_in_files_and_arguments(tmp_path: Path) -> None:
    (tmp_path / "s.tc").write_text("x = 1\n\nif x:\n    y = x + onse\n")
    assert tcalc("-f", "s.tc", cwd=tmp_path).stderr.startswith("tcalc: s.tc:4:13: no name 'onse'. Did you mean ones?\n")
    assert tcalc("x = 1", "y = 2\nx + z").stderr.startswith("tcalc: <argument 2>:2:5: no name 'z'")


def test_an_error_inside_a_function_points_into_it(tmp_path: Path) -> None:
    (tmp_path / "s.tc").write_text("def f(x):\n    return x[9]\n\nf([1])\n")
    result = tcalc("-f", "s.tc", cwd=tmp_path)
    assert result.returncode == 1
    assert "IndexError: list index out of range" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import os", "os"),
        ("x.__class__", "__class__"),
        ("open('f')", "open"),
        ("eval('1')", "eval"),
        ("assert 1 == 2, 'no'", "assertion failed: no"),
        ("raise ValueError('bad')", "ValueError: bad"),
        ("def f(): return f()\nf()", "recursion is too deep"),
        ("'a' + 1", "TypeError"),
    ],
)
def test_mistakes_are_one_line_and_a_caret(source: str, said: str) -> None:
    result = tcalc(source)
    first = result.stderr.splitlines()[0]
    assert result.returncode == 1
    assert said in first
    assert "^" in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_adds_pythons_traceback() -> None:
    assert "Traceback (most recent call last)" in tcalc("--debug", "1/0").stderr


def test_exit_ends_with_its_code() -> None:
    assert tcalc("1", "exit(3)", "2").returncode == 3
    result = tcalc(stdin="1\nquit()\n2\n")
    assert (result.stdout, result.returncode) == ("1\n", 0)


def test_names_of_files_are_escaped(tmp_path: Path) -> None:
    if os.name != "posix":
        pytest.skip("file names with control characters")
    (tmp_path / "a\x1b[31m\nb").write_text("1/0\n")
    result = tcalc("-f", "a\x1b[31m\nb", cwd=tmp_path)
    assert result.stderr.startswith("tcalc: a\\x1b[31m\\nb:1:2: ")


# --- formats ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "out"),
    [
        ((), '[1, 2.5, true, "a"]\n'),
        (("-F", "list"), '[1, 2.5, true, "a"]\n'),
        (("--format=repr",), "[1, 2.5, True, 'a']\n"),
        (("-F", "shape"), "[int, float, bool, str]\n"),
        (("-F", "none"), ""),
        (("-F", "panel"), "[1, 2.5, True, 'a']\n"),
    ],
)
def test_formats_of_plain_values(args: tuple[str, ...], out: str) -> None:
    assert tcalc(*args, "[1, 2.5, True, 'a']").stdout == out


def test_none_assignments_and_semicolons_print_nothing() -> None:
    assert tcalc("None", "x = 1", "x;", "x; x;", "x;  # no").stdout == ""


def test_all_shows_assignments() -> None:
    for flag in ("-a", "--all"):
        assert (
            tcalc(flag, "x = 1", "a, (b, *c) = 2, (3, 4)", "x", "x = 5;").stdout == "x = 1\na = 2\nb = 3\nc = [4]\n1\n"
        )


def test_print_reaches_stdout_in_every_format() -> None:
    assert tcalc("-F", "none", "print('a', 1)").stdout == "a 1\n"


def test_results_inside_blocks_are_echoed() -> None:
    assert (
        tcalc("-F", "repr", stdin="for i in range(2):\n    'v'\ntry:\n    i\nfinally:\n    -i\n").stdout
        == "'v'\n'v'\n1\n-1\n"
    )


# --- the streams --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("env", [{}, {"TERM": "xterm-256color"}, {"LC_ALL": "C"}, {"NO_COLOR": "1"}, {"COLUMNS": "20"}])
def test_pipes_carry_no_escape_codes(env: dict[str, str]) -> None:
    result = tcalc("-k", "[1] * 40", "1/0", "x", env=environment(**env))
    assert "\x1b" not in result.stdout + result.stderr
    assert result.stdout == "[" + ", ".join(["1"] * 40) + "]\n"


@pytest.mark.parametrize(("args", "env"), [(("--color", "always"), {}), ((), {"FORCE_COLOR": "1"})])
def test_colour_when_asked_for(args: tuple[str, ...], env: dict[str, str]) -> None:
    assert "\x1b[" in tcalc(*args, "1/0", env=environment(**env)).stderr


def test_colour_never_wins() -> None:
    assert "\x1b" not in tcalc("--color", "never", "1/0", env=environment(FORCE_COLOR="1")).stderr


def test_an_ascii_stream_takes_every_character() -> None:
    result = tcalc("print('é漢')", "'é'", env=environment(PYTHONIOENCODING="ascii"))
    assert result.stdout == '\\xe9\\u6f22\n"\\xe9"\n'


def test_ascii_writes_escapes() -> None:
    result = tcalc("--ascii", "print('é漢')", "z + é")
    assert result.stdout == "\\xe9\\u6f22\n"
    assert result.stderr.isascii()


@posix_only
def test_a_reader_that_leaves_ends_it_silently() -> None:
    command = f"'{sys.executable}' -m tcalc 'for i in range(100000): print(i)' | head -n 1"
    result = subprocess.run(["/bin/sh", "-c", command], env=environment(), capture_output=True, timeout=60, check=False)
    assert (result.stdout, result.stderr) == (b"0\n", b"")


@posix_only
def test_sigpipe_is_the_status() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tcalc", "for i in range(100000): print(i)"], stdout=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == -signal.SIGPIPE


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "tcalc", "1", "2"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr == b"tcalc: cannot write the output: No space left on device\n"


@posix_only
def test_ctrl_c_is_130_and_keeps_what_was_printed() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tcalc", "-k", "1", "while True: pass", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == (b"", b"tcalc: interrupted\n", 130)


@posix_only
def test_ctrl_c_while_waiting_for_stdin_is_130() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tcalc"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"1\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"1\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == (b"", b"", 130)


def test_interactive_without_a_terminal_is_a_usage_error() -> None:
    result = tcalc("-i", "1")
    assert result.returncode == 2
    assert "-i needs a terminal" in result.stderr


# --- cost ---------------------------------------------------------------------------------------------------------


def imported(*args: str) -> set[str]:
    """The modules that are loaded when tcalc has run with these arguments."""
    code = (
        "import sys, tcalc.cli.main as m\nstatus = m.main(sys.argv[1:])\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\nraise SystemExit(status)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, env=environment(), timeout=60, text=True, check=True
    )
    return set(result.stderr.split())


def test_version_loads_nothing_but_options() -> None:
    loaded = imported("--version")
    assert "tcalc.session.session" not in loaded
    assert not {name for name in loaded if name.startswith(("tcalc.lang", "tcalc.engine", "tcalc.session"))}


def test_a_plain_calculation_loads_no_arrays_and_no_screen() -> None:
    loaded = imported("1+1")
    assert not loaded & {
        "numpy",
        "scipy",
        "ml_dtypes",
        "cupy",
        "rich",
        "prompt_toolkit",
        "asyncio",
        "tempfile",
        "difflib",
    }


def test_a_tensor_loads_no_screen() -> None:
    loaded = imported("x = ones(2); x")
    assert "numpy" in loaded
    assert not loaded & {"scipy", "cupy", "rich", "prompt_toolkit", "asyncio"}
