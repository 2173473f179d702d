"""The history file: place, privacy, damage."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tcalc.cli.history import PrivateHistory, history_path, open_history, trim


def stored(path: Path) -> list[str]:
    """The entries a new session would find, oldest first."""
    return list(PrivateHistory(path, lambda _: None).load_history_strings())[::-1]


def test_places() -> None:
    assert history_path({"TCALC_HISTORY": "/a/h"}) == Path("/a/h")
    assert history_path({"TCALC_HISTORY": ""}) is None
    assert history_path({"XDG_STATE_HOME": "/s"}) == Path("/s/tcalc/history")
    if sys.platform != "win32":
        assert history_path({}) == Path.home() / ".local/state/tcalc/history"


def test_entries_are_appended_and_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "history"
    history = open_history(path, pytest.fail)
    history.append_string("x = 1")
    history.append_string("for i in x:\n    i\n")
    assert stored(path) == ["x = 1", "for i in x:\n    i\n"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_entry_with_a_leading_blank_is_not_kept(tmp_path: Path) -> None:
    history = open_history(tmp_path / "h", pytest.fail)
    history.append_string(" secret")
    history.append_string("x")
    assert stored(tmp_path / "h") == ["x"]
    assert history.get_strings() == ["x"]


def test_damage_is_tolerated(tmp_path: Path) -> None:
    path = tmp_path / "h"
    path.write_bytes(b"\xff\xfe nonsense\n+half\n# 2020\n+x = 1\n")
    open_history(path, pytest.fail)
    assert stored(path)[-1] == "x = 1"


def test_an_unusable_place_warns_once_and_works_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    warnings: list[str] = []
    history = open_history(tmp_path / "file" / "history", warnings.append)
    history.append_string("x")
    history.append_string(" y")
    assert len(warnings) == 1
    assert "history is not kept" in warnings[0]
    assert history.get_strings() == ["x"]


def test_a_write_that_fails_warns_once(tmp_path: Path) -> None:
    warnings: list[str] = []
    history = open_history(tmp_path / "h", warnings.append)
    (tmp_path / "h").unlink()
    (tmp_path / "h").mkdir()
    history.append_string("x")
    history.append_string("y")
    assert len(warnings) == 1


def test_trimming_keeps_the_newest_whole_entries(tmp_path: Path) -> None:
    path = tmp_path / "h"
    path.write_text("".join(f"\n# 2020\n+x{n}\n+y\n" for n in range(10)))
    trim(path, most=10)
    assert stored(path) == ["x8\ny", "x9\ny"]
    assert list(tmp_path.iterdir()) == [path]


def test_the_size_is_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "h"
    path.write_text("".join(f"\n# 2020\n+x{n}\n" for n in range(10)))
    open_history(path, pytest.fail, 6)
    assert stored(path) == ["x8", "x9"]
    open_history(path, pytest.fail, 0)
    assert stored(path) == []


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert history_path({}) is None


WRITE = """
import sys
from pathlib import Path
from tcalc.cli.history import open_history
path, name = Path(sys.argv[1]), sys.argv[2]
for number in range(60):
    open_history(path, print, 10_000_000 if number % 3 else 2_000).append_string(f"{name} {number}\\n" + "long " * 3000)
"""


def test_two_prompts_do_not_lose_each_others_lines(tmp_path: Path) -> None:
    path = tmp_path / "h"
    path.write_text("\n# 2020\n+old\n" * 3000)
    root = Path(__file__).resolve().parents[2]
    both = [subprocess.Popen([sys.executable, "-c", WRITE, str(path), name], cwd=root, stdout=subprocess.PIPE) for name in ("a", "b")]
    assert [each.communicate(timeout=60)[0] for each in both] == [b"", b""]
    found = [entry.split("\n")[0] for entry in stored(path) if entry != "old"]
    assert sorted(found) == sorted(f"{name} {number}" for name in ("a", "b") for number in range(60))
    assert [path] == list(tmp_path.iterdir())
