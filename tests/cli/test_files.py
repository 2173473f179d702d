"""`:save` and `:load`: tensors bit for bit, commands as they were, files whole or not at all."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import numpy as np
import pytest
from cli_run import said, tcalc

from tcalc.cli.repl import Repl
from tcalc.cli.settings import Settings
from tcalc.cli.tensor_files import save_tensors
from tcalc.cli.tensor_reading import kind_of, load_tensors, read_tensors
from tcalc.cli.trouble import FileTrouble
from tcalc.cli.view import view_for
from tcalc.engine.backend import NUMPY, to_host
from tcalc.engine.dtypes import ALL, bfloat16, dtype
from tcalc.engine.namespace import table
from tcalc.engine.tensor import Tensor
from tcalc.session.session import Session

Captured = pytest.CaptureFixture[str]
TORCH = table("torch")
tensor = TORCH["tensor"]


@pytest.fixture
def repl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repl:
    """A loop over a new session, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    settings = Settings(format="panel")
    return Repl(Session(observe=True, show_assigned=True), view_for(settings, at_prompt=True), settings)


def bits(value: Tensor) -> tuple[str, tuple[int, ...], bytes]:
    """All that two equal tensors have in common."""
    return value.dtype.name, tuple(value.shape), np.ascontiguousarray(to_host(value.a)).tobytes()


def samples(kind: dtype) -> list[Tensor]:
    """Tensors of a dtype with its extremes, in several shapes, not all contiguous."""
    if kind.is_floating_point:
        data = [0.0, -0.0, 1.0, 0.1, -2.5e-3, float("nan"), float("inf"), float("-inf"), 3.0517578125e-05, 448.0, 1e-7, 65504.0]
        one = tensor(data, dtype=kind)
    elif kind.is_complex:
        parts = [0.0, -0.0, 0.1, float("nan"), float("-inf"), 1e-7]
        one = tensor([complex(a, b) for a, b in zip(parts * 2, [*parts, *parts[::-1]], strict=True)], dtype=kind)
    elif kind.name == "bool":
        one = tensor([True, False, True, True] * 3)
    else:
        limits = np.iinfo(NUMPY[kind])
        one = tensor([int(limits.min), int(limits.max), 0, 1, 2, 3] * 2, dtype=kind)
    two = one.reshape(3, 4)
    return [one, two, two.t(), two[:, 1:3], one.reshape(2, 3, 2), one[3], one[:0], one.reshape(1, 12), one.expand(2, 12)]


@pytest.mark.parametrize("kind", ALL, ids=str)
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".json", ".safetensors"])
def test_what_is_saved_comes_back_bit_for_bit(tmp_path: Path, suffix: str, kind: dtype) -> None:
    if suffix == ".safetensors":
        pytest.importorskip("safetensors", reason="an optional library")
    path = str(tmp_path / f"x{suffix}")
    for value in samples(kind):
        if suffix == ".safetensors" and kind.name == "complex128":
            with pytest.raises(FileTrouble, match=r"has no complex128: save x as \.npy, or its parts, view_as_real\(x\)"):
                save_tensors({"x": value}, path)
            continue
        assert save_tensors({"x": value}, path) == ""
        found = load_tensors(path)
        assert [bits(each) for each in found.values()] == [bits(value)]
        assert next(iter(found.values())).is_contiguous()


@pytest.mark.parametrize("kind", ALL, ids=str)
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_table_keeps_the_numbers_and_says_what_it_does_not(tmp_path: Path, suffix: str, kind: dtype) -> None:
    path = str(tmp_path / f"x{suffix}")
    for value in samples(kind):
        if value.dim() > 2 or not value.numel():
            with pytest.raises(FileTrouble, match="a table"):
                save_tensors({"x": value}, path)
            continue
        lost = save_tensors({"x": value}, path)
        (found,) = load_tensors(path).values()
        assert ("dtype" in lost) == (found.dtype is not value.dtype)
        assert ("shape" in lost) == (found.shape != value.shape)
        if kind.itemsize <= 4 or kind.name not in ("float64", "complex128"):
            assert bits(found.to(kind).reshape(value.shape)) == bits(value)


def test_bfloat16_is_as_ml_dtypes_writes_it(tmp_path: Path) -> None:
    """NumPy has no name for it: two bytes, which `view` makes bfloat16 again."""
    values = np.array([1.5, -2.0, np.inf], NUMPY[bfloat16])
    np.save(tmp_path / "n.npy", values)
    save_tensors({"x": tensor([1.5, -2.0, float("inf")], dtype=bfloat16)}, str(tmp_path / "t.npy"))
    assert (tmp_path / "n.npy").read_bytes() == (tmp_path / "t.npy").read_bytes()
    assert np.load(tmp_path / "t.npy").view(NUMPY[bfloat16]).tolist() == values.tolist()
    (found,) = load_tensors(str(tmp_path / "n.npy")).values()
    assert (found.dtype, found.tolist()) == (bfloat16, [1.5, -2.0, float("inf")])


def test_numpy_reads_what_is_written_and_the_other_way_round(tmp_path: Path) -> None:
    save_tensors({"a b": tensor([1, 2]), "self": tensor([True])}, str(tmp_path / "x.npz"))
    with np.load(tmp_path / "x.npz", allow_pickle=False) as arrays:
        assert {name: arrays[name].tolist() for name in arrays} == {"a b": [1, 2], "self": [True]}
    np.save(tmp_path / "f.npy", np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3)))
    (found,) = load_tensors(str(tmp_path / "f.npy")).values()
    assert (found.dtype.name, found.tolist(), found.stride()) == ("float32", [[0, 1, 2], [3, 4, 5]], (3, 1))


@pytest.mark.parametrize(
    ("suffix", "data", "found"),
    [
        (".csv", b"1,2\n3,4\n", [[1, 2], [3, 4]]),
        (".csv", b"\xef\xbb\xbfa,b\r\n1, 2.5\r\n\r\n", [1.0, 2.5]),
        (".csv", b"true,False", [True, False]),
        (".csv", b"7", [7]),
        (".csv", b"-inf,1e3,+4", [float("-inf"), 1000.0, 4.0]),
        (".tsv", b"1\t2\n3\t4", [[1, 2], [3, 4]]),
        (".json", b"[[1, 2], [3, 4.5]]", [[1.0, 2.0], [3.0, 4.5]]),
        (".json", b'{"dtype": "int8", "data": 5}', 5),
        (".json", b'{"dtype": "float16", "shape": [0, 3], "data": []}', []),
        (".json", b'["inf", 1]', [float("inf"), 1.0]),
    ],
)
def test_text_as_others_write_it(suffix: str, data: bytes, found: object) -> None:
    (value,) = read_tensors(data, suffix, "x").values()
    assert value.tolist() == found


def npy(value: object, **options: object) -> bytes:
    """The bytes of a .npy file, made by NumPy."""
    import io

    buffer = io.BytesIO()
    np.save(buffer, np.array(value, **options), allow_pickle=True)  # type: ignore[call-overload]
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("suffix", "data", "said"),
    [
        (".npy", b"", "expected 8 bytes got 0"),
        (".npy", npy([1.0] * 9)[:-8], "expected 72 bytes got 64"),
        (".npy", npy([{}], dtype=object), "it holds Python objects, which are not read"),
        (".npy", npy(["a"]), "elements of type <U1, which tcalc does not have"),
        (".npy", npy([1], dtype="uint16"), "elements of type uint16, which tcalc does not have"),
        (".npy", npy([1])[:12].replace(b"v", b"\x09"), ""),
        (".npy", npy(0).replace(b"()", b"(9000000000000000,)"), ""),
        (".npz", b"PK\x03\x04", "File is not a zip file"),
        (".npz", b"", "File is not a zip file"),
        (".json", b"{", "line 1, column 2"),
        (".json", b"[1, [2]]", "not a sequence"),
        (".json", b"[[1, 2], [3]]", "expected sequence of length 2 at dim 1"),
        (".json", b'["x"]', '"x" is no number'),
        (".json", b'{"a": 1}', 'an object without "data"'),
        (".json", b'{"dtype": "int3", "data": 1}', "no dtype int3"),
        (".json", b'{"shape": [3], "data": [1, 2]}', "data of shape (2,), but shape says (3,)"),
        (".json", b'{"shape": "x", "data": [1, 2]}', "is no list of sizes"),
        (".json", b'{"dtype": "int8", "data": 300}', "without overflow"),
        (".json", b"[" * 100_000, ""),
        (".json", b"\xff", "not UTF-8 text"),
        (".csv", b"", "no numbers in it"),
        (".csv", b"1,2\n3\n", "line 2 has 1 numbers, the first has 2"),
        (".csv", b"1,2\n3,x\n", "line 2, column 2: 'x' is no number"),
        (".csv", b"1,,2", "line 1, column 2: '' is no number"),
        (".csv", b"a,b", "line 1, column 1: 'a' is no number"),
        (".csv", b"1_000", "is no number"),
        (".csv", b"99999999999999999999", "verflow"),
    ],
)
def test_a_damaged_file_is_one_clear_line(suffix: str, data: bytes, said: str) -> None:
    with pytest.raises(FileTrouble) as trouble:
        read_tensors(data, suffix, "the\nfile")
    message = str(trouble.value)
    assert message.startswith("the\\nfile: ")
    assert said in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("data", "suffix"),
    [(npy([1]), ".npy"), (b"PK\x03\x04...", ".npz"), (b" [1]", ".json"), (b'{"data": 1}', ".json"), (b"1,2", ".txt"), (b"", ".txt")],
)
def test_data_without_a_name_is_told_by_its_first_bytes(data: bytes, suffix: str) -> None:
    assert kind_of(data) == suffix


# --- at the prompt ----------------------------------------------------------------------------------------------------


def test_tensors_at_the_prompt(repl: Repl, capsys: Captured) -> None:
    repl.enter("x = arange(6.).view(2, 3).t(); w = ones(2, dtype=bfloat16); d = zeros(1, dtype=float64)")
    assert said(repl, capsys, ":save x 'my file.npy'") == "saved x float32 (3, 2) to my file.npy"
    assert said(repl, capsys, ':load y="my file.npy"') == "loaded y float32 (3, 2) from my file.npy"
    assert said(repl, capsys, ":save x d both.npz") == "saved x float32 (3, 2), d float64 (1,) to both.npz"
    assert said(repl, capsys, ":load x = both.npz") == "loaded x float32 (3, 2) from both.npz"
    assert said(repl, capsys, ":load both.npz") == "loaded x float32 (3, 2), d float64 (1,) from both.npz"
    assert (
        said(repl, capsys, ":save d d.csv")
        == "saved d float64 (1,) to d.csv\n  note: a table does not keep dtype float64: it reads as float32"
    )
    assert said(repl, capsys, ":save w ./w.JSON") == "saved w bfloat16 (2,) to ./w.JSON"
    assert said(repl, capsys, ":load w2=./w.JSON") == "loaded w2 bfloat16 (2,) from ./w.JSON"
    assert repl.session.env.variables["y"].tolist() == repl.session.env.variables["x"].tolist()
    assert repl.session.number == 4
    assert said(repl, capsys, ":load state=both.npz") == "loaded state, a dict of x float32 (3, 2), d float64 (1,), from both.npz"
    assert list(repl.session.env.variables["state"]) == ["x", "d"]
    assert said(repl, capsys, "state['d']").startswith("tensor([0.], dtype=torch.float64)\n")


def null_in_a_name() -> str:
    """What Python says of one; it depends on the version."""
    try:
        os.lstat("\0")
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (":save", ":save needs [NAME...] FILE"),
        (":save x", "x does not end in .tc: :save x x.npy"),
        (":save s.py", "s.py does not end in .tc: commands go into a file.tc, tensors by :save NAME s.py"),
        (":save x s.tc", ".tc files hold commands; tensors go into .npy, .npz, .safetensors, .json, .csv, .tsv"),
        (":save x x.pt", "x.pt: the suffix says how tensors are written: .npy, .npz, .safetensors, .json, .csv or .tsv"),
        (":save y y.npy", "no variable 'y'."),
        (":save n n.npy", "n is no tensor but a value of type int; tensor(n) makes one"),
        (":save m m.npy", "m is on meta and has no values"),
        (":save x x2 both.npy", "both.npy: .npy holds one tensor; several go into .npz or .safetensors"),
        (":save x3 x.csv", "x3: a table has at most 2 dims, this has 3: (1, 1, 1)"),
        (":save x nowhere/x.npy", "nowhere/x.npy: No such file or directory"),
        (":save x file/x.npy", "file/x.npy: Not a directory"),
        (":save x folder.npy", "folder.npy: Is a directory"),
        (":save s/s.tc", "s/s.tc: No such file or directory"),
        (":save x 'x.npy", "a quote is not closed in x 'x.npy"),
        (":save x \x00.npy", rf"\x00.npy: {null_in_a_name()}"),
        (":load", ":load needs FILE | NAME=FILE"),
        (":load none.tc", "none.tc: No such file or directory"),
        (":load x=none.npy", "none.npy: No such file or directory"),
        (":load folder.tc", "folder.tc: Is a directory"),
        (":load a.npy", "a tensor needs a name: :load x=a.npy"),
        (":load a b.tc", ":load takes one file; write a name with blanks in quotes"),
        (":load odd.npz", "'a b' in odd.npz is no name for a variable"),
        (":torch a b", ":torch takes one file; write a name with blanks in quotes"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="the sentences are POSIX's")
def test_what_cannot_be_done_is_one_line(repl: Repl, capsys: Captured, entry: str, message: str) -> None:
    repl.enter("x = ones(2); x2 = ones(2); x3 = ones(1, 1, 1); n = 3; m = ones(2, device='meta')")
    Path("file").touch()
    Path("folder.npy").mkdir()
    Path("folder.tc").mkdir()
    save_tensors({"a": tensor([1]), "b": tensor([2])}, "two.npz")
    save_tensors({"a b": tensor([1])}, "odd.npz")
    before = sorted(os.listdir())
    assert said(repl, capsys, entry) == f"error: {message}"
    assert sorted(os.listdir()) == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has the device that is always full")
def test_a_full_disk(repl: Repl, capsys: Captured) -> None:
    Path("x.npy").symlink_to("/dev/full")
    repl.enter("x = ones(2)")
    assert said(repl, capsys, ":save x x.npy") == "error: x.npy: No space left on device"


def test_a_disk_that_fills_up_leaves_the_old_file(repl: Repl, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    repl.enter("x = ones(2)")
    repl.enter(":save x x.npy")
    before = Path("x.npy").read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    repl.enter("x = zeros(2)")
    assert said(repl, capsys, ":save x x.npy") == "error: x.npy: No space left on device"
    assert (Path("x.npy").read_bytes(), os.listdir()) == (before, ["x.npy"])


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_an_overwritten_file_keeps_its_mode_and_a_new_one_gets_the_usual(repl: Repl) -> None:
    repl.enter("x = ones(2)")
    mask = os.umask(0o027)
    try:
        repl.enter(":save x x.npy")
        assert stat.S_IMODE(os.stat("x.npy").st_mode) == 0o640
        os.chmod("x.npy", 0o600)
        repl.enter(":save x x.npy")
        assert stat.S_IMODE(os.stat("x.npy").st_mode) == 0o600
    finally:
        os.umask(mask)


def test_home_is_understood(repl: Repl, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", os.getcwd())
    monkeypatch.setenv("USERPROFILE", os.getcwd())
    repl.enter("x = ones(2)")
    assert said(repl, capsys, ":save x ~/h.npy") == "saved x float32 (2,) to ~/h.npy"
    assert said(repl, capsys, ":load y=~/h.npy") == "loaded y float32 (2,) from ~/h.npy"
    assert said(repl, capsys, ":save ~/s.tc") == "saved 2 lines to ~/s.tc"
    assert sorted(os.listdir()) == ["h.npy", "s.tc"]


def test_a_pickle_in_a_file_is_not_run(repl: Repl, capsys: Captured) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, ("trapped",)

    np.save("t.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    assert said(repl, capsys, ":load t=t.npy") == "error: t.npy: it holds Python objects, which are not read"
    assert not os.path.exists("trapped")


# --- commands ---------------------------------------------------------------------------------------------------------

COMMANDS = [
    "x = arange(4.)",
    "x.sum();",
    "onse(2)",
    "def f(v):\n    '''a\n\n    b'''\n    # why\n    return v + 1\n",
    "for i in range(2):\n    f(x) * i\n    i;\n",
    "a = 1; b = 2",
    "@no_grad()\ndef g(v):\n    return v * 2\n",
    "if a:\n    g(x)\nelse:\n    x\n",
    "cat((x,\n     x))",
    ":vars",
    "1 +",
    "x @ ones(3)",
    "_",
]


def test_a_saved_session_runs_and_shows_the_same(repl: Repl, capsys: Captured) -> None:
    for entry in COMMANDS:
        repl.enter(entry)
    assert said(repl, capsys, ":save s.tc") == "saved 23 lines to s.tc"
    text = Path("s.tc").read_text(encoding="utf-8")
    assert "onse" not in text
    assert ":vars" not in text
    assert "x.sum();\n" in text
    assert COMMANDS[3] in text
    result = tcalc("-f", "s.tc")
    assert (result.returncode, result.stderr) == (0, "")
    shown = ["[0.0, 0.0, 0.0, 0.0]", "[1.0, 2.0, 3.0, 4.0]", "[0.0, 2.0, 4.0, 6.0]", *["[0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0]"] * 2]
    assert result.stdout.splitlines() == shown
    again = Repl(Session(observe=True, show_assigned=True), repl.view, repl.settings)
    assert said(again, capsys, ":load s.tc").endswith("ran 10 commands of s.tc")
    assert said(again, capsys, ":save again.tc") == "saved 23 lines to again.tc"
    assert Path("again.tc").read_text(encoding="utf-8") == text


def test_loading_stops_at_the_first_error(repl: Repl, capsys: Captured) -> None:
    Path("bad.tc").write_text("a = 1\nb = onse(2)\nc = 3\nd = 4\n")
    assert said(repl, capsys, ":load bad.tc").splitlines()[-1] == "stopped at bad.tc:2; 2 more statements were not run"
    assert repl.session.env.variables == {"a": 1}
    Path("odd.tc").write_text("e = 1\nf = = 2\ng = 3\n")
    text = said(repl, capsys, ":load odd.tc")
    assert "invalid syntax" in text
    assert text.splitlines()[-1] == "stopped at odd.tc:2; 1 more statement was not run"
    assert set(repl.session.env.variables) == {"a", "e"}


def test_a_reset_between_gives_hidden_names_back(repl: Repl, capsys: Captured) -> None:
    for entry in ("ones = 3; y = 1", "for q in onse: pass", ":reset", "z = ones(1)", ":save s.tc"):
        repl.enter(entry)
    assert Path("s.tc").read_text() == "ones = 3\ny = 1\ndel ones, y\nz = ones(1)\n"
    assert tcalc("-f", "s.tc", "z").stdout == "[1.0]\n"


def test_a_loaded_tensor_is_named_in_the_file(repl: Repl) -> None:
    for entry in ("x = ones(1)", ":save x x.npy", ":load y=x.npy", "y + 1", ":save s.tc"):
        repl.enter(entry)
    assert Path("s.tc").read_text() == "x = ones(1)\n# needs  :load y=x.npy\ny + 1\n"


def test_the_session_as_a_pytorch_script(repl: Repl, capsys: Captured) -> None:
    repl.enter("x = ones(2)")
    script = said(repl, capsys, ":torch")
    assert script.startswith('"""A session of tcalc')
    lines = len(script.splitlines())  # one more when this process has drawn random numbers before
    assert said(repl, capsys, ":torch s.py") == f"wrote {lines} lines to s.py"
    assert Path("s.py").read_text() == script + "\n"
    repl.settings = Settings(dtype="float64", device="cpu", seed=3)
    lines = said(repl, capsys, ":torch").splitlines()
    assert lines[4:7] == ["torch.set_default_dtype(torch.float64)", "torch.set_default_device('cpu')", "torch.manual_seed(3)"]
    repl.enter(":save x x.csv")
    repl.enter(":load x=x.csv")
    assert re.search(r"x came from x\.csv, which PyTorch cannot read", said(repl, capsys, ":torch"))
