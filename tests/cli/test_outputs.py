"""What goes out: every format and dtype back bit for bit, `-o` whole or not at all, little memory, `--test`."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cli_run import environment, tcalc
from cli_screen import Terminal

from tcalc.cli.formats import text_of
from tcalc.cli.tensor_files import save_tensors, write_npy
from tcalc.cli.tensor_reading import NEEDS_SAFETENSORS, load_tensors, read_tensors
from tcalc.engine import dtypes
from tcalc.engine.backend import NUMPY, to_host
from tcalc.engine.dtypes import ALL, dtype
from tcalc.engine.namespace import table
from tcalc.engine.tensor import Tensor

TORCH = table("torch")
posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and modes")


def bits(value: Tensor) -> tuple[str, tuple[int, ...], bytes]:
    """All that two equal tensors have in common."""
    return value.dtype.name, tuple(value.shape), np.ascontiguousarray(to_host(value.a)).tobytes()


def extremes(kind: dtype) -> Tensor:
    """Twelve elements of a dtype, the strangest it has."""
    if kind.is_floating_point:
        data: list[object] = [0.0, -0.0, 0.1, 1 / 3, -2.5e-3, float("nan"), float("inf"), float("-inf"), 3e-5, 448.0, 1e-7, 65504.0]
    elif kind.is_complex:
        parts = [0.0, -0.0, 0.1, float("nan"), float("-inf"), float("inf")]
        data = [complex(a, b) for a, b in zip(parts * 2, [*parts, *parts[::-1]], strict=True)]
    elif kind.name == "bool":
        data = [True, False, False] * 4
    else:
        limits = np.iinfo(NUMPY[kind])
        data = [int(limits.min), int(limits.max), 0, 1, 2, 3] * 2
    made: Tensor = TORCH["tensor"](data, dtype=kind)
    return made


@pytest.fixture
def default() -> Iterator[None]:
    """The default dtype as it was."""
    before = dtypes.get_default_dtype()
    yield
    dtypes.set_default_dtype(before)


@pytest.mark.usefixtures("default")
@pytest.mark.parametrize("kind", ALL, ids=str)
@pytest.mark.parametrize("form", ["list", "json", "csv", "tsv", "npy"])
def test_each_format_reads_back_bit_for_bit(form: str, kind: dtype) -> None:
    if kind.is_floating_point:
        dtypes.set_default_dtype(kind)  # as --dtype does: list and csv do not name the dtype
    elif kind.name == "complex128":
        dtypes.set_default_dtype(dtypes.float64)
    one = extremes(kind)
    for value in (one, one.reshape(3, 4), one.reshape(3, 4).t(), one.reshape(12, 1), one.reshape(2, 3, 2), one[1:11:3]):
        if form == "npy":
            buffer = io.BytesIO()
            write_npy({"x": value}, buffer)
            data = buffer.getvalue()
        elif form in ("csv", "tsv") and value.dim() > 2:
            continue
        else:
            data = "".join(text_of(None, value, form)).encode()
        (found,) = read_tensors(data, "", "x").values()
        assert bits(found if form in ("json", "npy") else found.to(kind)) == bits(value.contiguous())


@posix_only
@pytest.mark.parametrize("form", ["list", "json", "csv", "npy"])
@pytest.mark.parametrize("source", ["rand(3, 4)", "tensor([[0.1, nan], [-inf, -0.]])", "randn(50)"])
def test_one_tcalc_reads_what_another_writes(form: str, source: str) -> None:
    command = "\"$PY\" -m tcalc --seed 3 -F {form} '{source}' | \"$PY\" -m tcalc -l x=- 'x * 2'"
    piped = subprocess.run(
        ["/bin/sh", "-c", command.format(form=form, source=source)],
        env=environment(PY=sys.executable),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (piped.stdout.decode(), piped.stderr) == (tcalc("--seed", "3", f"{source} * 2").stdout, b"")


def test_a_scalar_in_a_pipe_stays_one() -> None:
    assert tcalc("-l", "x=-", "-F", "shape", "x", stdin="2.5\n").stdout == "float32 ()\n"
    assert tcalc("-l", "x=-", "-F", "shape", "x", stdin="true\n").stdout == "bool ()\n"
    assert tcalc("-l", "x=-", "-F", "shape", "x", stdin="[2]\n").stdout == "int64 (1,)\n"


def test_json_is_one_object_a_line() -> None:
    result = tcalc(
        "-a", "-F", "json", "x = ones(2, 1, requires_grad=True); y = x * 2; y.sum().backward()", "x", "y", "3, 'a', nan", "x.shape"
    )
    first, *rest = [json.loads(line) for line in result.stdout.splitlines()]
    assert (first["name"], first["dtype"], first["grad"]) == ("x", "float32", None)
    x, y, plain, shape = rest[-4:]
    assert x == {
        "name": None, "dtype": "float32", "shape": [2, 1], "stride": [1, 1], "device": "cpu", "contiguous": True, "requires_grad": True,
        "is_leaf": True, "grad_fn": None, "grad": [[2.0], [2.0]], "data": [[1.0], [1.0]],
    }  # fmt: skip
    assert (y["grad_fn"], y["is_leaf"], y["grad"]) == ("MulBackward0", False, None)
    assert plain == {"name": None, "type": "tuple", "data": [3, "a", "nan"]}
    assert shape["data"] == [2, 1]
    assert result.stderr == ""


def test_several_objects_are_several_tensors() -> None:
    lines = tcalc("-a", "-F", "json", "a = ones(1); b = zeros(2, dtype=int8)").stdout
    assert tcalc("-l", "b=-", "-F", "shape", "b", stdin=lines).stdout == "int8 (2,)\n"
    assert tcalc("-l", "all=-", "list(all)", stdin=lines).stdout == '["a", "b"]\n'


@pytest.mark.parametrize(
    ("source", "out"),
    [
        ("eye(2)", "1.0,0.0\n0.0,1.0\n"),
        ("arange(3)", "0,1,2\n"),
        ("tensor(2.5)", "2.5\n"),
        ("7", "7\n"),
        ("[1, 2.5]", "1.0,2.5\n"),
        ("1 == 1", "true\n"),
    ],
)
def test_csv(source: str, out: str) -> None:
    assert tcalc("-F", "csv", source).stdout == out
    assert tcalc("-F", "tsv", source).stdout == out.replace(",", "\t")


@pytest.mark.parametrize(
    ("form", "source", "said"),
    [
        ("csv", "ones(1, 2, 3)", "csv: a table has at most 2 dims, this has 3: (1, 2, 3)"),
        ("csv", "ones(0)", "csv: a table does not keep the shape (0,) of a tensor without elements"),
        ("tsv", "'a'", "tsv: a table holds numbers, this is a value of type str"),
        ("csv", "[1, 'a']", "csv: a table holds numbers: "),
        ("csv", "ones(2, device='meta')", "csv: a tensor on meta has no values"),
        ("npy", "3", "npy: a value of type int is no tensor; tensor(...) makes one"),
    ],
)
def test_what_a_format_cannot_hold_is_one_line_with_its_place(form: str, source: str, said: str) -> None:
    result = tcalc("-F", form, "x = 1", f"try:\n    {source}\nexcept Exception:\n    print('caught')")
    assert (result.stdout, result.returncode) == ("", 1)
    assert result.stderr.startswith(f"tcalc: <argument 2>:1: {said}")
    assert result.stderr.count("\n") == 1


def test_keep_going_passes_over_what_a_format_cannot_hold() -> None:
    result = tcalc("-k", "-F", "csv", "1", "ones(1, 1, 1)", "2")
    assert (result.stdout, result.returncode) == ("1\n2\n", 1)


def test_npy_is_exactly_one_result() -> None:
    assert tcalc("-F", "npy", "x = 1").stderr == "tcalc: npy: there was no result to write\n"
    result = tcalc("-F", "npy", "ones(1)", "ones(2)")
    assert (result.stdout, result.returncode) == ("", 1)
    assert "<argument 2>:1: npy: there is room for one result" in result.stderr


@posix_only
def test_npy_holds_what_was_shown_and_print_goes_beside_it() -> None:
    code = [sys.executable, "-m", "tcalc", "-F", "npy", "x = zeros(2)", "x", "x += 1", "print('hello')"]
    result = subprocess.run(code, env=environment(), capture_output=True, timeout=60, check=True)
    assert (np.load(io.BytesIO(result.stdout)).tolist(), result.stderr) == ([0.0, 0.0], b"hello\n")


# --- -o ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".json", ".csv", ".tsv"])
def test_the_last_value_goes_to_the_file(tmp_path: Path, suffix: str) -> None:
    result = tcalc("-o", f"y{suffix}", "x = arange(6.).view(2, 3)", "x + 1", "x * 2;", "z = 1", cwd=tmp_path)
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)
    (found,) = load_tensors(str(tmp_path / f"y{suffix}")).values()
    assert found.tolist() == [[0, 2, 4], [6, 8, 10]]
    assert os.listdir(tmp_path) == [f"y{suffix}"]


def test_a_format_beside_the_file_prints_too(tmp_path: Path) -> None:
    assert tcalc("-o", "y.npy", "-F", "list", "ones(1)", "print(2)", cwd=tmp_path).stdout == "[1.0]\n2\n"
    assert tcalc("-o", "y.npy", "ones(1)", "print(2)", cwd=tmp_path).stdout == "2\n"


def test_several_tensors_go_into_npz(tmp_path: Path) -> None:
    assert tcalc("-o", "y.npz", "ones(1), zeros(2)", cwd=tmp_path).returncode == 0
    assert tcalc("-o", "d.npz", "{'a b': ones(1), 'c': zeros(2)}", cwd=tmp_path).returncode == 0
    assert set(load_tensors(str(tmp_path / "y.npz"))) == {"arr_0", "arr_1"}
    assert set(load_tensors(str(tmp_path / "d.npz"))) == {"a b", "c"}


@pytest.mark.parametrize(
    ("target", "source", "said", "status"),
    [
        ("y.xls", "1", "y.xls: the suffix says how tensors are written: .npy,", 2),
        ("folder.npy", "1", "folder.npy: Is a directory", 2),
        ("nowhere/y.npy", "1", "nowhere/y.npy: No such file or directory", 2),
        ("readonly.npy", "1", "readonly.npy: the file is read-only", 2),
        ("y.npy", "x = 1", "y.npy: there is no value: the program ends without an expression that has one", 1),
        ("y.npy", "'a'", "y.npy: the last value is no tensor but a value of type str", 1),
        ("y.npy", "ones(2), ones(3)", "y.npy: ", 1),
        ("y.csv", "ones(1, 1, 1)", "y.csv: arr_0: a table has at most 2 dims", 1),
    ],
)
@posix_only
def test_what_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path: Path, target: str, source: str, said: str, status: int) -> None:
    (tmp_path / "folder.npy").mkdir()
    (tmp_path / "readonly.npy").write_bytes(b"old")
    (tmp_path / "readonly.npy").chmod(0o444)
    result = tcalc("-o", target, "-F", "list", "print('ran')", source, cwd=tmp_path)
    assert ("ran" in result.stdout, result.returncode) == (status == 1, status)
    assert said.removeprefix("y.csv: ") in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["folder.npy", "readonly.npy"]
    assert (tmp_path / "readonly.npy").read_bytes() == b"old"


def test_a_missing_library_is_known_before_the_program_runs(tmp_path: Path) -> None:
    (tmp_path / "safetensors.py").write_text("raise ModuleNotFoundError('safetensors')\n")
    env = environment()
    env["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{env['PYTHONPATH']}"
    result = tcalc("-o", "x.safetensors", "print('ran')", cwd=tmp_path, env=env)
    assert (result.stdout, result.returncode) == ("", 2)
    assert result.stderr == f"Error: {NEEDS_SAFETENSORS}\n"


def test_a_program_that_fails_leaves_the_file(tmp_path: Path) -> None:
    (tmp_path / "y.csv").write_text("old\n")
    assert tcalc("-o", "y.csv", "ones(2)", "1/0", cwd=tmp_path).returncode == 1
    assert tcalc("-o", "y.csv", "ones(2)", "exit(3)", cwd=tmp_path).returncode == 3
    assert (tmp_path / "y.csv").read_text() == "old\n"
    assert tcalc("-k", "-o", "y.csv", "ones(2)", "1/0", cwd=tmp_path).returncode == 1
    assert (tmp_path / "y.csv").read_text() == "1.0,1.0\n"


@posix_only
def test_a_kill_leaves_the_old_file_whole(tmp_path: Path) -> None:
    (tmp_path / "y.csv").write_text("old\n")
    process = subprocess.Popen([sys.executable, "-m", "tcalc", "-o", "y.csv", "ones(30000, 1000)"], env=environment(), cwd=tmp_path)
    end = time.monotonic() + 60
    while not any(path.stat().st_size for path in tmp_path.glob(".y.csv-*")) and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    assert list(tmp_path.glob(".y.csv-*"))
    assert (tmp_path / "y.csv").read_text() == "old\n"


@posix_only
def test_ctrl_c_while_a_file_is_written_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tcalc", "-o", "y.csv", "ones(30000, 1000)"], env=environment(), cwd=tmp_path, stderr=subprocess.PIPE
    )
    end = time.monotonic() + 60
    while not any(path.stat().st_size for path in tmp_path.glob(".y.csv-*")) and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said, os.listdir(tmp_path)) == (130, b"", [])


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the memory of a process")
@pytest.mark.parametrize("args", [("-F", "csv"), ("-F", "list"), ("-o", "y.csv")])
def test_writing_takes_little_memory_beside_the_array(tmp_path: Path, args: tuple[str, ...]) -> None:
    def peak(*words: str) -> int:
        code = "import sys; from tcalc.cli.main import main; main(sys.argv[1:]); print(next(l for l in open('/proc/self/status') if 'VmHWM' in l), file=sys.stderr)"
        result = subprocess.run(
            [sys.executable, "-c", code, *words],
            env=environment(),
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=60,
            check=True,
        )
        return int(result.stderr.split()[1]) * 1024

    array = 2_000_000 * 4
    assert peak(*args, "zeros(2000, 1000)") - peak(*args, "zeros(1)") < 3 * array
    assert peak(*args, "zeros(2000000)") - peak(*args, "zeros(1)") < 3 * array


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has the device that is always full")
@pytest.mark.parametrize("form", ["npy", "csv", "json"])
def test_a_full_disk_is_one_line(form: str) -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "tcalc", "-F", form, "zeros(3, 3)"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=60,
            check=False,
        )
    assert (result.returncode, result.stderr) == (1, b"tcalc: cannot write the output: No space left on device\n")


@posix_only
@pytest.mark.parametrize("form", ["npy", "csv", "list"])
def test_a_reader_that_leaves_ends_it_silently(form: str) -> None:
    command = f"'{sys.executable}' -m tcalc -F {form} 'zeros(1000, 1000)' | head -c 10 > /dev/null"
    result = subprocess.run(["/bin/sh", "-c", command], env=environment(), capture_output=True, timeout=60, check=False)
    assert (result.stdout, result.stderr) == (b"", b"")


@posix_only
def test_writing_that_takes_long_says_so_on_the_terminal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "slow.csv")
    with Terminal("-o", str(tmp_path / "slow.csv"), "ones(2)", rows=10, columns=160) as terminal:
        terminal.wait("slow.csv, Ctrl-C stops")
        assert (tmp_path / "slow.csv").read_text() == "1.0,1.0\n"
        assert terminal.status() == 0
        assert "Ctrl-C" not in terminal.text()


# --- --test -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("1 < 2",), 0, ""),
        (("ones(2).sum() > 3",), 1, ""),
        (("tensor([1])", "x = 3"), 0, ""),
        (("[]",), 1, ""),
        (("x = 1",), 1, "--test: there is no value"),
        (("ones(2) > 0",), 1, "--test: Boolean value of Tensor with more than one value is ambiguous"),
        (("1/0", "1"), 1, "ZeroDivisionError"),
        (("-k", "1/0", "1"), 1, "ZeroDivisionError"),
        (("exit(4)",), 4, ""),
        (("assert 1 == 2",), 1, "assertion failed"),
    ],
)
def test_the_last_value_is_the_status(words: tuple[str, ...], status: int, said: str) -> None:
    result = tcalc("--test", *words)
    assert (result.stdout, result.returncode) == ("", status)
    assert said in result.stderr
    assert bool(said) == bool(result.stderr)


def test_a_format_beside_test_prints_too() -> None:
    result = tcalc("--test", "-F", "list", "1 > 2")
    assert (result.stdout, result.returncode) == ("false\n", 1)


def test_files_hold_the_same_as_pipes(tmp_path: Path) -> None:
    value = TORCH["arange"](6.0).view(2, 3)
    for form in ("csv", "tsv", "json"):
        save_tensors({"arr_0": value}, str(tmp_path / f"x.{form}"))
        written = (tmp_path / f"x.{form}").read_text()
        assert written.replace('"name": "arr_0"', '"name": null') == tcalc("-F", form, "arange(6.).view(2, 3)").stdout
