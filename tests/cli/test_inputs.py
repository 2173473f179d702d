"""What comes in: `-l NAME=FILE` in every format, errors with their place, and the six rules of stdin."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_run import environment, tcalc
from cli_screen import Terminal

from tcalc.cli import array_files
from tcalc.cli.tables import LONGEST_LOOK, LOOKED_AT
from tcalc.cli.tensor_files import save_tensors
from tcalc.cli.tensor_reading import NEEDS_SAFETENSORS, load_tensors, read_tensors
from tcalc.cli.trouble import FileTrouble
from tcalc.engine.namespace import table

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX shells and terminals")
tensor = table("torch")["tensor"]


def in_shell(command: str, cwd: Path | None = None, **env: str) -> tuple[str, str, int]:
    """What a line of /bin/sh prints with `$TC` as tcalc: stdout, stderr, status."""
    line = command.replace("$TC", f"'{sys.executable}' -m tcalc")
    result = subprocess.run(["/bin/sh", "-c", line], env=environment(**env), capture_output=True, cwd=cwd, timeout=60, check=False)
    return result.stdout.decode(), result.stderr.decode(), result.returncode


# --- files ------------------------------------------------------------------------------------------------------------


def test_each_kind_of_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([1.5, 2.5], np.float32))
    np.savez(tmp_path / "b.npz", first=np.array([1]), second=np.array([True]))
    (tmp_path / "c.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "d.tsv").write_text("1\t2\n")
    (tmp_path / "e.json").write_text('{"dtype": "float16", "data": [0.1]}')
    (tmp_path / "f.txt").write_text("  1  2\n\n 3 4.5 \n")
    (tmp_path / "g").write_text("1;2\n3;4\n")
    (tmp_path / "h").write_bytes((tmp_path / "a.npy").read_bytes())
    words = ["a=a.npy", "first=b.npz", "all=b.npz", "c=c.csv", "d=d.tsv", "e=e.json", "f=f.txt", "g=g", "h=h"]
    options = [word for each in words for word in ("-l", each)]
    result = tcalc(*options, "-F", "repr", "a, first, all", "c, d, e", "f, g, h", cwd=tmp_path)
    assert result.stderr == ""
    assert result.stdout == (
        "(tensor([1.5000, 2.5000]), tensor([1]), {'first': tensor([1]), 'second': tensor([True])})\n"
        "(tensor([[1, 2],\n        [3, 4]]), tensor([1, 2]), tensor([0.1000], dtype=torch.float16))\n"
        "(tensor([[1.0000, 2.0000],\n        [3.0000, 4.5000]]), tensor([[1, 2],\n        [3, 4]]), tensor([1.5000, 2.5000]))\n"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,2\n3,4.5\n", [[1.0, 2.0], [3.0, 4.5]]),
        ("a b\n1 2\n", [1, 2]),
        ("1 2\n\n\n3 4", [[1, 2], [3, 4]]),
        ("\ufeffa\tb\r\n1\t2\r\n", [1, 2]),
        ("1, 2\r\n3 ,4\r\n", [[1, 2], [3, 4]]),
        ("nan,-inf,Infinity\n", [float("nan"), float("-inf"), float("inf")]),
        ("true,false\n", [True, False]),
        ("true,2\n", [1, 2]),
        ("(1+2j),(-0-infj)\n", [1 + 2j, complex(-0.0, float("-inf"))]),
        ("1\n" * (LOOKED_AT + 5) + "0.5\n", [[1.0]] * (LOOKED_AT + 5) + [[0.5]]),
        ("7," * LONGEST_LOOK + "8\n", [7] * LONGEST_LOOK + [8]),
        ("9007199254740993\n", [9007199254740993]),
    ],
)
def test_tables(text: str, found: list[object]) -> None:
    (value,) = read_tensors(text.encode(), "", "x").values()
    assert repr(value.tolist()) == repr(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2\n3\n", "line 2 has 1 numbers, the first has 2"),
        ("a,b\n1,2\n\n3,x\n", "line 4, column 2: 'x' is no number"),
        ("1 2\n3 0x4\n", "line 2, column 2: '0x4' is no number"),
        ("1,2\n" * 300 + "3,\n", "line 301, column 2: '' is no number"),
        ("1\n" * 300 + "99999999999999999999\n", "verflow"),
        ("# comment\n1\n", ""),
    ],
)
def test_tables_with_something_wrong(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    if not said:
        assert tcalc("-l", "t=t.csv", "t", cwd=tmp_path).stdout == "[1]\n"  # a first row without numbers is names
        return
    result = tcalc("-l", "t=t.csv", "t", cwd=tmp_path)
    assert (result.stdout, result.returncode) == ("", 2)
    assert result.stderr.startswith("tcalc: t.csv: ")
    assert said in result.stderr


def test_numbers_of_a_file_are_numpys(tmp_path: Path) -> None:
    values = np.random.default_rng(1).standard_normal((200, 7)) * 10.0 ** np.random.default_rng(2).integers(-30, 30, (200, 7))
    np.savetxt(tmp_path / "x.csv", values, delimiter=",", fmt="%.17g")
    (value,) = load_tensors(str(tmp_path / "x.csv")).values()
    assert value.dtype.name == "float32"
    assert np.array_equal(np.array(value.tolist(), np.float32), values.astype(np.float32))


def test_a_large_npy_is_mapped_and_never_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_files, "MAPPED", 100)
    np.save(tmp_path / "x.npy", np.zeros((10, 10)))
    before = (tmp_path / "x.npy").read_bytes()
    (value,) = load_tensors(str(tmp_path / "x.npy")).values()
    base = value.a
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert base is not None
    value.fill_(3)
    assert value.sum().item() == 300
    assert (tmp_path / "x.npy").read_bytes() == before
    (tmp_path / "x.npy").write_bytes(before[:-8])
    with pytest.raises(FileTrouble, match=r"x\.npy: expected 800 bytes got 792"):
        load_tensors(str(tmp_path / "x.npy"))
    np.save(tmp_path / "f.npy", np.asfortranarray(np.arange(100.0, dtype=">f8").reshape(10, 10)))
    (odd,) = load_tensors(str(tmp_path / "f.npy")).values()
    assert (odd.is_contiguous(), odd.sum().item()) == (True, 4950)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the memory of a process")
def test_what_is_mapped_and_not_used_takes_no_memory(tmp_path: Path) -> None:
    np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=(10**8,)).flush()  # 400 MB of holes
    result = subprocess.run(
        [sys.executable, "-c", "import sys, resource; from tcalc.cli.main import main; s = main(sys.argv[1:]); "
         "print(next(l for l in open('/proc/self/status') if 'VmHWM' in l), file=sys.stderr); sys.exit(s)",
         "-l", f"x={tmp_path / 'x.npy'}", "x[5:7]"],
        env=environment(), capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert result.stdout == b"[0.0, 0.0]\n"
    assert int(result.stderr.split()[1]) < 200_000


def test_pickles_are_not_read(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "trapped"),)

    np.save(tmp_path / "t.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "t.npz", t=np.array([Trap()], dtype=object))
    for name in ("t.npy", "t.npz"):
        result = tcalc("-l", f"t={name}", "t", cwd=tmp_path)
        assert (result.returncode, result.stderr) == (2, f"tcalc: {name}: it holds Python objects, which are not read\n")
    assert not (tmp_path / "trapped").exists()


@posix_only
def test_pipes_are_read_and_devices_and_folders_are_not(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p")
    assert in_shell("(printf '1 2\\n' > p &) ; $TC -l x=p x", tmp_path) == ("[1, 2]\n", "", 0)
    assert in_shell("$TC -l x=/dev/zero x") == ("", "tcalc: /dev/zero: neither a plain file nor a pipe\n", 2)
    assert in_shell("$TC -l x=. x", tmp_path) == ("", "tcalc: .: Is a directory\n", 2)
    assert in_shell("$TC -l x=none.npy x", tmp_path) == ("", "tcalc: none.npy: No such file or directory\n", 2)


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ("x", "'x' is not NAME=FILE"),
        ("x=", "'x=' is not NAME=FILE"),
        ("1=a", "'1' is no name"),
        ("for=a", "'for' is no name"),
        ("__x=a", "'__x' is no name"),
    ],
)
def test_bindings_are_checked(binding: str, said: str) -> None:
    result = tcalc("-l", binding, "1")
    assert (result.stdout, result.returncode) == ("", 2)
    assert said in result.stderr


def test_nothing_runs_when_data_is_missing(tmp_path: Path) -> None:
    result = tcalc("-l", "x=none.csv", "print(1)", cwd=tmp_path)
    assert (result.stdout, result.returncode) == ("", 2)


def test_data_goes_where_device_says() -> None:
    assert tcalc("-d", "meta", "-l", "x=-", "-F", "repr", "x", stdin="1.5 2\n").stdout == "tensor(..., device='meta', size=(2,))\n"
    assert tcalc("--dtype", "float64", "-l", "x=-", "x", stdin="[0.1, 0.2]").stdout == "[0.1, 0.2]\n"


# --- safetensors ------------------------------------------------------------------------------------------------------


def test_safetensors_come_back_bit_for_bit(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="an optional library")
    kinds = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64".split()
    state = {f"layer.{kind}": tensor([[1, 0, 3]]).to(table("torch")[kind]) for kind in kinds}
    path = str(tmp_path / "m.safetensors")
    assert save_tensors(state, path) == ""
    found = load_tensors(path)
    assert {name: (each.dtype.name, each.tolist()) for name, each in found.items()} == {
        name: (each.dtype.name, each.tolist()) for name, each in state.items()
    }
    assert load_tensors(path)["layer.bool"].storage_offset() == 0
    (tmp_path / "plain").write_bytes((tmp_path / "m.safetensors").read_bytes())
    assert set(load_tensors(str(tmp_path / "plain"))) == set(state)
    with pytest.raises(FileTrouble, match=r"m\.safetensors: "):
        read_tensors((tmp_path / "m.safetensors").read_bytes()[:-4], ".safetensors", "m.safetensors")
    with pytest.raises(FileTrouble, match="has no complex128"):
        save_tensors({"x": tensor([1j], dtype=table("torch")["complex128"])}, path)
    assert sorted(os.listdir(tmp_path)) == ["m.safetensors", "plain"]


def test_without_the_library_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(FileTrouble) as trouble:
        save_tensors({"x": tensor([1])}, str(tmp_path / "x.safetensors"))
    assert str(trouble.value) == NEEDS_SAFETENSORS
    with pytest.raises(FileTrouble, match=r"^x: reading and writing \.safetensors needs the package safetensors"):
        read_tensors(b"", ".safetensors", "x")
    assert os.listdir(tmp_path) == []


# --- the six rules of stdin -------------------------------------------------------------------------------------------


@posix_only
@pytest.mark.parametrize("stdin", ["< /dev/null", "<&-", "< script", "| cat"])
def test_1_an_expression_or_file_leaves_stdin_alone(tmp_path: Path, stdin: str) -> None:
    (tmp_path / "script").write_text("'touched'\n")
    if stdin == "| cat":
        assert in_shell("printf \"'touched'\\n\" | ($TC 1+1; cat)", tmp_path) == ("2\n'touched'\n", "", 0)
        assert in_shell("printf '1+2\\n' > s.tc; printf \"'touched'\\n\" | ($TC -f s.tc; cat)", tmp_path) == ("3\n'touched'\n", "", 0)
    else:
        assert in_shell(f"$TC 1+1 {stdin}", tmp_path) == ("2\n", "", 0)


@posix_only
def test_2_without_anything_stdin_is_the_script() -> None:
    assert in_shell("printf '1+1\\n' | $TC") == ("2\n", "", 0)
    assert in_shell("printf '1+1' | $TC -") == ("2\n", "", 0)


@posix_only
def test_3_on_a_terminal_it_is_the_prompt() -> None:
    with Terminal(rows=20) as terminal:
        terminal.wait("1>")
        terminal.enter("1+1", "\n2")
        terminal.type("exit\r")
        assert terminal.status() == 0
    with Terminal("1+1") as terminal:
        assert terminal.wait("2") == "2"
        assert terminal.status() == 0


@posix_only
@pytest.mark.parametrize("stdin", ["< /dev/null", "<&-", "< empty"])
def test_4_an_empty_script_is_success(tmp_path: Path, stdin: str) -> None:
    (tmp_path / "empty").touch()
    assert in_shell(f"$TC {stdin}", tmp_path) == ("", "", 0)


@posix_only
@pytest.mark.parametrize("words", ["-l x=-", "-l x=- -", "-l x=- -f -", "-l x=- -l y=- x"])
def test_5_stdin_is_read_once(words: str) -> None:
    out, said, status = in_shell(f"printf '1\\n' | $TC {words}")
    assert (out, status) == ("", 2)
    assert said.startswith("Error: <stdin> can be read once")


@posix_only
@pytest.mark.parametrize("stdin", ["< /dev/null", "<&-"])
def test_5_data_that_is_not_there_is_one_line(stdin: str) -> None:
    assert in_shell(f"$TC -l x=- x {stdin}") == ("", "tcalc: <stdin>: no data in it\n", 2)


@posix_only
def test_6_no_prompt_without_a_terminal() -> None:
    assert in_shell("printf '1\\n' | $TC -i")[2] == 2
    assert in_shell("$TC -i 1 < /dev/null")[1] == "tcalc: -i needs a terminal on stdin and stdout\n"


@posix_only
@pytest.mark.parametrize("words", ["1+1", "-F panel 1+1", "-F repr 'ones(2)'", "-l x=- 'x.sum()'", ""])
def test_cron_has_neither_home_nor_terminal(words: str, tmp_path: Path) -> None:
    keep = {name: value for name, value in environment().items() if name in ("PATH", "PYTHONPATH")}
    for stdin in ("< /dev/null", "<&-", "< data"):
        (tmp_path / "data").write_text("2\n")
        result = subprocess.run(
            ["/bin/sh", "-c", f"'{sys.executable}' -m tcalc {words} {stdin}"],
            env=keep,
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == (2 if "x=-" in words and stdin != "< data" else 0), result.stderr
        assert b"\x1b" not in result.stdout + result.stderr
        assert b"Traceback" not in result.stderr
        assert bool(result.stdout) == (result.returncode == 0 and (bool(words) or stdin == "< data"))


# --- the terminal beside data -----------------------------------------------------------------------------------------


@posix_only
def test_data_then_the_prompt(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2\n")
    with Terminal("-l", f"x={tmp_path / 'x.csv'}") as terminal:
        terminal.wait("1>")
        terminal.enter("x.sum()", "tensor(3)")
    line = f"'{sys.executable}' -m tcalc -l x=- -i < x.csv"
    with Terminal("-c", f"cd {tmp_path} && {line}", command="/bin/sh") as terminal:
        terminal.wait("1>")
        terminal.enter("x.sum()", "tensor(3)")


@posix_only
def test_a_script_then_the_prompt(tmp_path: Path) -> None:
    (tmp_path / "s.tc").write_text("#!/usr/bin/env tcalc\nx = 41\n'ran'\n")
    with Terminal("-f", str(tmp_path / "s.tc"), "-i") as terminal:
        assert "ran" in terminal.wait("3>")
        terminal.enter("x + 1", "\n42")


@posix_only
def test_reading_that_takes_long_says_so_on_the_terminal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "slow")
    with Terminal("-l", f"x={tmp_path / 'slow'}", "x", rows=10, columns=120) as terminal:
        terminal.wait("slow, Ctrl-C stops")
        (tmp_path / "slow").write_text("1 2\n")
        terminal.wait("tensor([1, 2])")
        assert "Ctrl-C" not in terminal.text()
        assert terminal.status() == 0
    line = f"'{sys.executable}' -m tcalc -l x=slow -F csv x > out"
    with Terminal("-c", f"cd {tmp_path} && {line}", command="/bin/sh", rows=10, columns=120) as terminal:
        terminal.wait("slow, Ctrl-C stops")
        (tmp_path / "slow").write_text("1 2\n")
        assert terminal.status() == 0
    assert (tmp_path / "out").read_text() == "1,2\n"


def test_objects_with_facts_are_read_again() -> None:
    found = read_tensors(json.dumps({"dtype": "int8", "shape": [0, 2], "data": []}).encode(), "", "x")
    assert tuple(found[""].shape) == (0, 2)
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    assert read_tensors(buffer.getvalue(), "", "x")[""].tolist() == [0, 1, 2]
