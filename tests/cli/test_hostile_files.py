"""Files that lie or are damaged: one line each, no memory beyond what a program may take, no crash."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from cli_run import tcalc

from tcalc import budget
from tcalc.cli import array_files
from tcalc.cli.escape import safe_line
from tcalc.cli.tensor_files import save_tensors
from tcalc.cli.tensor_reading import load_tensors, read_tensors
from tcalc.cli.trouble import FileTrouble
from tcalc.engine.namespace import table

TORCH = table("torch")
MUTATIONS = int(os.environ.get("TCALC_FUZZ", "300"))
MEBIBYTE = 1 << 20


@pytest.fixture
def little_memory() -> Iterator[None]:
    """16 MiB for programs."""
    budget.limit_memory(16 * MEBIBYTE)
    yield
    budget.limit_memory(None)


def peak(run: Callable[..., object], *arguments: object) -> int:
    """Bytes that a call had at once, NumPy's among them."""
    tracemalloc.start()
    try:
        run(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def refusal(data: bytes | Path, suffix: str = "") -> str:
    """What is said of a file, or of its bytes."""
    said = outcome(data, suffix)
    assert said
    return said


def outcome(data: bytes | Path, suffix: str = "") -> str:
    """The same, empty when the file is read after all. No control characters are in it."""
    try:
        load_tensors(str(data)) if isinstance(data, Path) else read_tensors(data, suffix, "f")
    except FileTrouble as trouble:
        said = str(trouble)
    else:
        return ""
    assert said == safe_line(said)
    return said.removeprefix("f: ")


def npy(
    shape: str = "(2,)", descr: str = "'<f4'", data: bytes = bytes(8), order: str = "False", version: int = 1, length: int | None = None
) -> bytes:
    """A .npy file whose header says this."""
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}".encode("latin-1")
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(header) if length is None else length)
    return b"\x93NUMPY" + bytes((version, 0)) + size + header + data


def archive(*members: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)
    return buffer.getvalue()


# --- headers that lie -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (npy("(10**3,)"), "malformed node or string on line 1: <ast.BinOp>"),  # not even a product is worked out
        (npy("(1000000000000,)"), "expected 4000000000000 bytes got 8"),
        (npy("(4611686018427387904, 8)"), "expected 147573952589676412928 bytes got 8"),
        (npy("(-2,)"), "the shape (-2,) has a negative size"),
        (npy("(-1, -2)"), "the shape (-1, -2) has a negative size"),
        (npy("(0, 1180591620717411303424)", data=b""), "dimension"),
        (npy("[2]"), "shape is not valid"),
        (npy("(2.0,)"), "shape is not valid"),
        (npy(order="1"), "fortran_order is not a valid bool"),
        (npy(descr="'|O'"), "it holds Python objects, which are not read"),
        (npy(descr="[('a', '|O')]"), "it holds Python objects, which are not read"),
        (npy(descr="[('a', '<f4')]"), "elements of type [('a', '<f4')], which tcalc does not have"),
        (npy(descr="('<f4', (1000000000,))"), "dtype size in bytes must fit into a C int"),
        (npy(descr="'|S1000000000'"), "elements of type |S1000000000, which tcalc does not have"),
        (npy(descr="'<U0'"), "elements of type <U0, which tcalc does not have"),
        (npy(descr="'<m8'"), "elements of type timedelta64, which tcalc does not have"),
        (npy(descr="'<f16'"), "elements of type float128, which tcalc does not have"),
        (npy(descr="'|V3'"), "elements of type |V3, which tcalc does not have"),
        (npy(descr="'nothing'"), "descr is not a valid dtype descriptor"),
        (npy(descr="__import__('os')"), "malformed node or string on line 1: <ast.Call>"),
        (npy(descr="'|b1'", data=b"\1\2"), "true and false are 1 and 0, and there is another number in it"),
        (npy(version=3), "version 3.0 of NumPy's format, which is not for numbers"),
        (npy(version=9), "version 9.0 of NumPy's format, which is not for numbers"),
        (npy(version=2, length=2**32 - 1), "its header is too long"),
        (npy(version=2, length=2**32 - 1, data=bytes(20_000)), "its header is too long"),
        (npy(length=60_000), "its header is too long"),
        (npy(shape="(" * 3000), ""),
        (npy(shape="\x00"), ""),
        (npy(shape="(2L,)\n  x"), ""),
        (b"\x93NUMPY", "EOF"),
    ],
)  # fmt: skip
def test_a_header_that_lies(data: bytes, said: str) -> None:
    for suffix, content in ((".npy", data), ("", data), (".npz", archive(("x.npy", data)))):
        assert said in refusal(content, suffix)
        assert peak(refusal, content, suffix) < MEBIBYTE


def test_a_shape_from_python_2_is_read() -> None:
    (found,) = read_tensors(npy("(2L,)"), ".npy", "x").values()
    assert found.tolist() == [0, 0]


@pytest.mark.usefixtures("little_memory")
def test_what_does_not_fit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    large = npy("(5000000,)", data=bytes(20_000_000))
    said = "20000000 bytes are more than the 16777216 that a program may take (--max-memory)"
    assert refusal(large, ".npy") == said
    bomb = archive(("x.npy", large))
    assert len(bomb) < 30_000
    assert refusal(bomb, ".npz") == said
    assert peak(refusal, bomb, ".npz") < MEBIBYTE
    (tmp_path / "x.npy").write_bytes(large)
    assert peak(refusal, tmp_path / "x.npy") < MEBIBYTE
    (tmp_path / "x.json").write_bytes(b"[" + b" " * (17 * MEBIBYTE) + b"1]")
    assert peak(refusal, tmp_path / "x.json") < MEBIBYTE


@pytest.mark.skipif(os.name != "posix", reason="a pipe with a name")
def test_what_has_no_size_is_read_as_far_as_it_fits(tmp_path: Path) -> None:
    said = "bytes are more than the 1048576 that a program may take (--max-memory)\n"
    result = tcalc("--max-memory", "1M", "-l", "x=-", "x.sum()", stdin="1\n" * (1 << 20))
    assert (result.stdout, result.returncode) == ("", 2)
    assert result.stderr.startswith("tcalc: ")
    assert result.stderr.endswith(said)
    os.mkfifo(tmp_path / "pipe")
    writer = subprocess.Popen(["/bin/sh", "-c", "exec 2>&-; cat /dev/zero > pipe"], cwd=tmp_path)
    result = tcalc("--max-memory", "1M", "-l", "x=pipe", "x.sum()", cwd=tmp_path)
    assert writer.wait(20) != 0
    assert (result.stdout, result.returncode) == ("", 2)
    assert result.stderr.endswith(said)
    assert tcalc("--max-memory", "1M", "-l", "x=-", "x.sum()", stdin="1\n" * 1000).stdout == "1000\n"


@pytest.mark.usefixtures("little_memory")
def test_members_are_added_up() -> None:
    one = npy("(2000000,)", data=bytes(8_000_000))
    assert set(read_tensors(archive(("a.npy", one), ("b.npy", one)), ".npz", "x")) == {"a", "b"}
    assert refusal(archive(("a.npy", one), ("b.npy", one), ("c.npy", one)), ".npz").startswith("24000000 bytes are more than")


def sized(data: bytes, inflated: int) -> bytes:
    """An archive of one member that says, at both places, that it has `inflated` bytes."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = packed.compress(data) + packed.flush()
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, zlib.crc32(data), len(content), inflated, 5, 0) + b"x.npy"
    central = (
        struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, zlib.crc32(data), len(content), inflated, 5, 0, 0, 0, 0, 0, 0) + b"x.npy"
    )
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local) + len(content), 0)
    return local + content + central + end


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    ("data", "claimed", "said"),
    [
        (npy() + bytes(10**8), 136, "Bad CRC-32"),  # more comes out than the archive says
        (npy() + bytes(10**8), 10**8 + 136, None),  # what lies behind the array is not read, as in NumPy
        (npy("(10000000,)", data=bytes(4 * 10**7)), 136, "Bad CRC-32"),
        (npy("(10000000,)"), 4 * 10**7 + 128, "40000000 bytes are more than"),
        (npy("(1000000,)"), 4 * 10**6 + 128, "expected 4000000 bytes got 8"),
        (npy(version=2, length=10**8) + b" " * 10**8, 10**8 + 140, "its header is too long"),
    ],
)
def test_a_member_that_inflates_to_something_else(data: bytes, claimed: int, said: str | None) -> None:
    bomb = sized(data, claimed)
    if said is None:
        assert peak(lambda: read_tensors(bomb, ".npz", "x")) < 6 * MEBIBYTE
        assert read_tensors(bomb, ".npz", "x")["x"].tolist() == [0, 0]
        return
    assert said in refusal(bomb, ".npz")
    assert peak(refusal, bomb, ".npz") < 6 * MEBIBYTE


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (archive(), "it holds no arrays"),
        (archive(("x", npy())), "x in it is no .npy file"),
        (archive(("x.npy", npy()), compression=zipfile.ZIP_BZIP2), "x is compressed in a way that NumPy does not use"),
        (archive(("x.npy", npy()), compression=zipfile.ZIP_LZMA), "x is compressed in a way that NumPy does not use"),
        (archive(("x.npy", archive(("y.npy", npy())))), "the magic string is not correct"),
    ],
)
def test_an_archive_of_other_things(data: bytes, said: str) -> None:
    assert said in refusal(data, ".npz")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice() -> None:
    assert refusal(archive(("x.npy", npy()), ("x.npy", npy())), ".npz") == "x is in it twice"


def test_names_are_only_names(tmp_path: Path) -> None:
    """A path in an archive leads nowhere, and control characters do not reach the terminal."""
    (tmp_path / "x.npz").write_bytes(archive(("../../evil\x1b[31m.npy", npy())))
    result = tcalc("-l", "x=x.npz", "x", cwd=tmp_path)
    assert (result.stdout, result.stderr) == ("[0.0, 0.0]\n", "")
    (tmp_path / "x.npz").write_bytes(archive(("\x1b[31m", npy())))
    assert tcalc("-l", "x=x.npz", "x", cwd=tmp_path).stderr == "tcalc: x.npz: \\x1b[31m in it is no .npy file\n"


# --- damage -----------------------------------------------------------------------------------------------------------


def good_files(tmp_path: Path) -> Iterator[tuple[str, bytes]]:
    """Small whole files of each kind."""
    state = {"w": TORCH["tensor"]([[1.5, 2.0], [3.0, 4.0]]), "b": TORCH["tensor"]([True, False])}
    suffixes = [".npy", ".npz", ".json", ".csv"]
    try:
        import safetensors  # noqa: F401

        suffixes.append(".safetensors")
    except ModuleNotFoundError:
        pass  # an optional library: the others are damaged without it
    for suffix in suffixes:
        path = tmp_path / f"x{suffix}"
        save_tensors(state if suffix in (".npz", ".safetensors") else {"w": state["w"]}, str(path))
        yield suffix, path.read_bytes()
    yield ".npz", archive(*((f"{name}.npy", npy("(2, 1)", data=bytes(8))) for name in "ab"))


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The same with a few bytes changed, cut out, doubled, or put in."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(found) + 1)
        kind = chance.randrange(6)
        if kind == 0 and found:
            found[at % len(found)] = chance.choice((0, 255, chance.randrange(256)))
        elif kind == 1 and found:
            found[at % len(found)] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del found[at : at + chance.choice((1, 2, 8, 1000))]
        elif kind == 3:
            found[at:at] = found[at : at + chance.randrange(40)]
        elif kind == 4:
            found[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
        else:
            found[at : at + 1] = chance.choice((b"9" * 20, b"-", b"(", b"[", b"'", b"\xff\xff\xff\xff", b"e999", b"\n", b'"', b",", b"{"))
    return bytes(found)


@pytest.mark.usefixtures("little_memory")
def test_damage_is_one_line(tmp_path: Path) -> None:
    chance = random.Random(0)
    refused = 0
    for suffix, data in good_files(tmp_path):
        for count in range(MUTATIONS):
            broken = damaged(data, chance)
            said: list[str] = []
            assert peak(lambda data, kind, to: to.append(outcome(data, kind)), broken, suffix if count % 4 else "", said) < 20 * MEBIBYTE, (
                broken
            )
            refused += bool(said[0])
    assert refused > MUTATIONS


# --- more than a program may take -------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="files with holes, and a limit on what a process maps")
@pytest.mark.parametrize(
    ("source", "out", "said"),
    [
        ("x[5:7]", "[0.0, 0.0]\n", ""),
        ("x.view(1000, -1)[::100, 3].sum()", "0.0\n", ""),
        ("x + 1", "", "you tried to allocate 4000000000 bytes"),
        ("x.clone()", "", "you tried to allocate 4000000000 bytes"),
        ("x.add_(1)", "", "programs may take 314572800 bytes here; --max-memory SIZE sets that"),
        ("x[3] = 1", "", "this memory can only be read"),
        ("y = x[:9]; y.fill_(2)", "", "this memory can only be read"),
        ("y = x[:9].clone(); y.fill_(2).sum()", "18.0\n", ""),
    ],
)  # fmt: skip
def test_a_file_larger_than_the_memory_is_mapped(tmp_path: Path, source: str, out: str, said: str) -> None:
    with open(tmp_path / "x.npy", "wb") as file:
        file.write(npy("(1000000000,)", data=b""))
        file.truncate(file.tell() + 4 * 10**9)  # holes
    result = tcalc("--max-memory", "300M", "-l", "x=x.npy", source, cwd=tmp_path)
    assert (result.stdout, result.returncode) == (out, 1 if said else 0), result.stderr
    assert said in result.stderr
    assert "internal" not in result.stderr
    assert bool(said) == bool(result.stderr)


def test_mapped_elements_in_another_order_are_copied_only_if_they_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_files, "MAPPED", 100)
    np.save(tmp_path / "f.npy", np.asfortranarray(np.arange(100.0).reshape(10, 10)))
    np.save(tmp_path / "b.npy", np.arange(100.0, dtype=">f8"))
    for name in ("f.npy", "b.npy"):
        assert load_tensors(str(tmp_path / name))[""].sum().item() == 4950
    budget.limit_memory(500)
    try:
        for name in ("f.npy", "b.npy"):
            with pytest.raises(FileTrouble, match=rf"{name}: 800 bytes are more than the 500 that a program may take"):
                load_tensors(str(tmp_path / name))
    finally:
        budget.limit_memory(None)
