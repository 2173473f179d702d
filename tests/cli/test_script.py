"""tcalc as a program without a terminal: flags, stdin rules, exit statuses, what goes where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_run import environment, tcalc

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and devices")


# --- arguments ----------------------------------------------------------------------------------------------------


def test_each_argument_is_a_line_of_one_session() -> None:
    result = tcalc("x = 2", "x * 21")
    assert (result.stdout, result.stderr, result.returncode) == ("42\n", "", 0)


def test_a_block_may_span_arguments() -> None:
    assert tcalc("for i in range(2):", "    i", "'done'").stdout == '0\n1\n"done"\n'


def test_blanks_before_an_argument_are_no_indentation() -> None:
    assert tcalc(" x = 1", "  x + 1").stdout == "2\n"


@pytest.mark.parametrize("arguments", [("-", "1"), ("1", "-"), ("-", "-")])
def test_stdin_beside_expressions_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    result = tcalc(*arguments, stdin="2\n")
    assert (result.stdout, result.returncode) == ("", 2)
    assert "before expressions it is -f -" in result.stderr
    assert tcalc("-f", "-", "3", stdin="2\n").stdout == "2\n3\n"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_every_line_end(end: str, tmp_path: Path) -> None:
    text = end.join(["x = 1", "for i in range(2):", "    i", "", "x + 1", "1/0"])
    expected = ("0\n1\n2\n", "6:2: ZeroDivisionError: division by zero")
    (tmp_path / "s.tc").write_bytes(text.encode())
    for result in (tcalc(stdin=text), tcalc(text), tcalc("-f", str(tmp_path / "s.tc"))):
        assert (result.stdout, expected[1] in result.stderr) == (expected[0], True)


def test_a_long_text_with_carriage_returns_only_is_cut_at_lines() -> None:
    text = "\r".join(f"x = {index}" for index in range(200_000)) + "\rx"
    assert tcalc(stdin=text).stdout == "199999\n"


def test_other_separators_end_no_line() -> None:
    result = tcalc(stdin="x = 'a\x0bb\x1c\x85\u2028'\n\x0c1/0\n")
    assert result.stderr.splitlines()[0] == "tcalc: <stdin>:2:3: ZeroDivisionError: division by zero"
    assert "1/0" in result.stderr.splitlines()[1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1\n(2,\n", "<stdin>:2:1: '(' was never closed\n    (2,\n    ^\n"),
        ("1\nx = (2,\n3]\n", "<stdin>:3:2: closing parenthesis ']' does not match opening parenthesis '(' on line 2\n    3]\n     ^\n"),
        ("1\nfor i in [1]:\n", "<stdin>:2:14: expected an indented block after 'for' statement on line 2\n    for i in [1]:\n                 ^\n"),
        ("1\nx = '''a\nb\n", "<stdin>:2:5: unterminated triple-quoted string literal (detected at line 3)\n    x = '''a\n        ^\n"),
        ("1\n  x\n", "<stdin>:2:3: unexpected indent\n    x\n    ^\n"),
    ],
)  # fmt: skip
def test_syntax_errors_show_their_line(text: str, shown: str) -> None:
    assert tcalc(stdin=text).stderr == "tcalc: " + shown


def test_lines_in_syntax_messages_count_in_the_argument() -> None:
    assert "'(' on line 1\n" in tcalc("1", "(2,\n3]").stderr


def test_an_unreadable_line_counts_as_a_line() -> None:
    result = tcalc("-k", stdin=b"1\n\xff\n1/0\n")
    assert [line.split(": ")[1] for line in result.stderr.splitlines() if line.startswith("tcalc")] == ["<stdin>:2:1", "<stdin>:3:2"]


def test_the_calls_that_led_to_an_error() -> None:
    result = tcalc(stdin="def f(a):\n    return a / 0\n\ndef g(a):\n    return f(a)\n\ng(1)\n")
    assert result.stderr == (
        "tcalc: <stdin>:2:14: ZeroDivisionError: division by zero\n"
        "    return a / 0\n"
        "           ~ ^ ~\n"
        "    called from <stdin>:5  return f(a)\n"
        "    called from <stdin>:7  g(1)\n"
    )


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


@pytest.mark.parametrize(
    ("source", "out", "said"),
    [
        ("np.mean(np.ones(0))", "np.float64(nan)\n", "tcalc: warning: Mean of empty slice\n"),
        ("np.array([1j]).astype('float64')", "array([0.])\n", "tcalc: warning: Casting complex values to real discards the imaginary part\n"),
        ("tensor([1j]).float()", "[0.0]\n", ""),
        ("torch.fill(zeros(1), tensor(1j))", "[0.0]\n", ""),
    ],
)
def test_warnings_of_libraries_are_one_line_without_places(source: str, out: str, said: str) -> None:
    result = tcalc(source)
    assert (result.stdout, result.stderr, result.returncode) == (out, said, 0)


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


@pytest.mark.parametrize(
    ("source", "out"),
    [
        ("tensor([0.1, 1/3, 1e-7, 16777216.])", "[0.1, 0.33333334, 1e-07, 1.6777216e+07]"),
        ("tensor([0.1, 1/3, 1e300], dtype=float64)", "[0.1, 0.3333333333333333, 1e+300]"),
        ("tensor([0.1, 65504.], dtype=float16)", "[0.1, 6.55e+04]"),
        ("tensor([0.1, 1/3, 3e38, -0.], dtype=bfloat16)", "[0.1, 0.334, 3e+38, -0.0]"),
        ("tensor([[1, 2], [3, 4]])", "[[1, 2], [3, 4]]"),
        ("tensor([True, False])", "[true, false]"),
        ("tensor(2.5)", "2.5"),
        ("tensor([1., float('nan'), float('inf'), -float('inf')])", "[1.0, nan, inf, -inf]"),
        ("zeros(0), zeros(2, 0)", "[[], [[], []]]"),
        ("ones(2, 3).T[1:]", "[[1.0, 1.0], [1.0, 1.0]]"),
        ("ones(2, requires_grad=True) * 2", "[2.0, 2.0]"),
        ("{'a': ones(1), 'b': None}", '{"a": [1.0], "b": null}'),
        ("ones(2, 3).shape", "[2, 3]"),
        ("float32", "torch.float32"),
    ],
)
def test_the_list_format_is_lossless(source: str, out: str) -> None:
    assert tcalc(source).stdout == out + "\n"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_what_is_written_reads_back_exactly(dtype: str) -> None:
    make = f"manual_seed(1); x = (randn(500, dtype=float64) * (randn(500, dtype=float64) * 3).exp()).to({dtype});"
    written = tcalc(make, "x").stdout.strip()
    assert tcalc(stdin=f"{make}\ny = tensor({written}, dtype={dtype})\n(x == y).all()\n").stdout == "true\n"


def test_a_large_tensor_is_written_whole() -> None:
    result = tcalc("arange(100000).view(10, 10000)")
    assert result.stdout == str([list(range(n * 10000, n * 10000 + 10000)) for n in range(10)]) + "\n"


def test_tensors_in_the_other_formats() -> None:
    assert tcalc("-F", "repr", "x = ones(2); x, x * 2").stdout == "(tensor([1., 1.]), tensor([2., 2.]))\n"
    assert tcalc("-F", "shape", "ones(2, 3), [zeros(1, dtype=int64)]").stdout == "(float32 (2, 3), [int64 (1,)])\n"
    assert tcalc("-F", "repr", "-a", "x = ones(2, 2)").stdout == "x = tensor([[1., 1.],\n            [1., 1.]])\n"
    assert tcalc("-a", "x = ones(2, 2)").stdout == "x = [[1.0, 1.0], [1.0, 1.0]]\n"


def test_the_panel_in_a_pipe() -> None:
    result = tcalc("-F", "panel", "x = arange(6.).view(2, 3); y = x.T", "y", "y[0, 1] = 9")
    assert result.stdout == (
        "tensor([[0., 3.],\n        [1., 4.],\n        [2., 5.]])\n"
        "  float32 (3, 2)  stride (1, 3)  cpu  NOT contiguous\n"
        "  leaf  requires_grad False  grad_fn None  grad None\n"
        "  view of x  (storage #1, nothing copied)\n"
        "  changed  x, y  through storage #1, version 0 -> 1\n"
    )


def test_panel_styles() -> None:
    assert tcalc("-F", "panel", "--panel", "min", "ones(2)").stdout == "tensor([1., 1.])\n"
    assert "| is_leaf        True" in tcalc("-F", "panel", "--panel", "card", "--width", "40", "--ascii", "ones(2)").stdout
    assert "shape: 2\n" in tcalc("-F", "panel", "--plain", "ones(2)").stdout
    assert "shape: 2\n" in tcalc("-F", "panel", "ones(2)", env=environment(ACCESSIBLE="1")).stdout
    assert "  float32 (2,)\n  stride (1,)\n" in tcalc("-F", "panel", "--width", "40", "ones(2)").stdout


# --- options that set the session up ------------------------------------------------------------------------------


def test_width_is_torchs_line_width() -> None:
    assert len(tcalc("-F", "repr", "arange(30)").stdout.splitlines()) == 2
    assert len(tcalc("-F", "repr", "--width", "40", "arange(30)").stdout.splitlines()) == 4
    assert len(tcalc("-F", "repr", "--width", "200", "arange(30)").stdout.splitlines()) == 1


def test_dtype_is_the_default() -> None:
    assert tcalc("--dtype", "float64", "-F", "shape", "ones(1), tensor(1.5)").stdout == "(float64 (1,), float64 ())\n"


def test_seed_is_torchs() -> None:
    assert tcalc("--seed", "0", "-F", "repr", "rand(3)").stdout == "tensor([0.4963, 0.7682, 0.0885])\n"
    assert tcalc("--seed", "0", "rand(3)").stdout == tcalc("manual_seed(0);", "rand(3)").stdout


def test_device_is_the_default() -> None:
    for flag in ("-d", "--device"):
        assert tcalc(flag, "meta", "-F", "repr", "ones(2)").stdout == "tensor(..., device='meta', size=(2,))\n"
    assert tcalc("--device", "cpu", "ones(1)").stdout == "[1.0]\n"


def test_a_missing_device_is_one_clear_line() -> None:
    result = tcalc("--device", "cuda:99", "1")
    assert (result.stdout, result.returncode) == ("", 1)
    assert result.stderr.startswith("tcalc: ")
    assert "cuda" in result.stderr
    assert result.stderr.count("\n") == 1


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
    time.sleep(0.3)  # the command that printed it is over then
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


# --- lines that come again ----------------------------------------------------------------------------------------


def test_an_error_in_a_line_that_came_before_has_its_own_place() -> None:
    result = tcalc(stdin="x = 3\n" + "x = x - 1\n60 / x\n" * 5)
    assert result.stdout == "30.0\n60.0\n"
    assert result.stderr == "tcalc: <stdin>:7:4: ZeroDivisionError: division by zero\n    60 / x\n    ~~ ^ ~\n"


def test_a_name_that_is_gone_is_missed_in_a_line_that_came_before() -> None:
    result = tcalc("-k", stdin="x = 1\n" + "x + 1\n" * 4 + "del x\n" + "x + 1\n" * 2)
    assert result.stdout == "2\n" * 4
    assert [line.split(": ", 1)[1] for line in result.stderr.splitlines() if line.startswith("tcalc")] == ["<stdin>:7:1: no name 'x'", "<stdin>:8:1: no name 'x'"]


def test_functions_of_lines_that_came_before_keep_their_places() -> None:
    program = "fs = []\n" + "fs.append(lambda a: 1 / a)\n" * 5 + "fs[2](0)\n"
    result = tcalc(stdin=program)
    assert result.stderr == (
        "tcalc: <stdin>:4:23: ZeroDivisionError: division by zero\n"
        "    fs.append(lambda a: 1 / a)\n"
        "                        ~ ^ ~\n"
        "    called from <stdin>:7  fs[2](0)\n"
    )


def test_a_library_name_that_was_hidden_in_between() -> None:
    result = tcalc(stdin="abs(-2)\n" * 4 + "abs = 5\n" + "abs\n" * 4 + "del abs\n" + "abs(-2)\n" * 2)
    assert (result.stdout, result.stderr) == ("2\n" * 4 + "5\n" * 4 + "2\n" * 2, "")


def test_the_story_of_an_error_names_the_right_one_of_equal_lines() -> None:
    lines = ["x = ones(2, requires_grad=True)"] + ["y = x.exp()", "z = y.sum()"] * 4 + ["y.add_(1); ", "z.backward()"]
    result = tcalc(stdin="\n".join(lines))
    assert result.stderr.startswith("tcalc: <stdin>:11:3: backward: y was overwritten")
    assert "<stdin>:8  y = x.exp()" in result.stderr
