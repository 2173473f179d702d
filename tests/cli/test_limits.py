"""--max-memory and --max-seconds: one line and the status, whatever the program does."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_run import environment, tcalc

from tcalc.cli.limits import size_of
from tcalc.cli.settings import Settings, read

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds what a process maps")


@pytest.mark.parametrize(
    ("text", "count"),
    [("500", 500), ("1k", 1024), ("500M", 500 << 20), ("2G", 2 << 30), ("1.5GiB", 3 << 29), ("1 tb", 1 << 40), ("", None), ("G", None), ("-1", None), ("1e9", None), ("0", 0)],
)
def test_sizes(text: str, count: int | None) -> None:
    assert size_of(text) == count


def test_they_are_options_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCALC_MAX_SECONDS", "3")
    settings = read(["--max-memory", "1G", "1"])
    assert isinstance(settings, Settings)
    assert (settings.max_memory, settings.max_seconds) == (1 << 30, 3.0)


@pytest.mark.parametrize("args", [("--max-memory", "much"), ("--max-memory", "0"), ("--max-seconds", "0"), ("--max-seconds", "-1"), ("--max-seconds", "x")])
def test_usage_errors(args: tuple[str, str]) -> None:
    result = tcalc(*args, "1")
    assert (result.returncode, result.stdout) == (2, "")
    assert "Invalid value" in result.stderr


def test_a_result_that_is_too_large_is_refused_with_its_size() -> None:
    result = tcalc("--max-memory", "100M", "zeros(10 ** 8).sum()")
    assert result.returncode == 1
    assert "you tried to allocate 400000000 bytes" in result.stderr
    assert result.stderr.endswith("  hint  programs may take 104857600 bytes here; --max-memory SIZE sets that\n")
    assert tcalc("--max-memory", "500M", "zeros(10 ** 8).sum()").stdout == "0.0\n"


@linux
@pytest.mark.parametrize(
    "program",
    [
        "x = []\nwhile True: x.append([0] * 10 ** 6)",
        "x = [ones(10 ** 6) for i in range(10 ** 6)]",
        "x = {}\nfor i in range(10 ** 9): x[i] = str(i) * 100",
        "x = ones(10 ** 6, requires_grad=True)\nwhile True: x = x.exp()",
        "x = [[str(i)] for i in range(10 ** 9)]",
    ],
)
def test_what_piles_up_is_refused_in_one_line_and_the_session_lives(program: str) -> None:
    result = tcalc("-k", "--max-memory", "150M", program, "1 + 1")
    assert result.returncode == 1
    assert result.stdout == "2\n"
    assert "out of memory" in result.stderr or "you tried to allocate" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "program",
    [
        "while True: pass",
        "def f():\n  try:\n    while True: pass\n  except Exception: pass\n  finally:\n    while True: pass\nf()",
        "while True:\n  try:\n    while True: pass\n  except: pass",
        "x = ones(100, 100)\nwhile True: y = x @ x",
        "def f(): return f()\nwhile True:\n  try: f()\n  except RecursionError: pass",
    ],
)
def test_the_time_is_up(program: str) -> None:
    start = time.monotonic()
    result = tcalc("-k", "--max-seconds", "0.5", "print('begun')", program, "print('never')")
    assert time.monotonic() - start < 20
    assert (result.returncode, result.stdout) == (1, "begun\n")
    assert result.stderr == "tcalc: stopped after 0.5 seconds (--max-seconds)\n"


def test_the_time_is_up_while_waiting_for_stdin() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tcalc", "--max-seconds", "0.5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.wait(20) == 1
        assert process.stderr is not None
        assert process.stderr.read() == b"tcalc: stopped after 0.5 seconds (--max-seconds)\n"


def test_a_kernel_that_does_not_return_is_ended() -> None:
    result = tcalc("--max-seconds", "0.2", "zeros(1).expand(2 ** 32).sum()", "zeros(1).expand(2 ** 32).sum()", "1")
    assert result.returncode == 1
    assert result.stderr == "tcalc: stopped after 0.2 seconds (--max-seconds)\n"


def test_a_bug_leaves_a_trace_without_values(tmp_path: Path) -> None:
    """The trace names places and kinds; neither the program's texts nor its numbers are in it."""
    code = (
        "import sys\nfrom tcalc.engine import namespace\nfrom tcalc.cli.main import main\n"
        "source = 'def broken(*a, **k):\\n    raise OSError(\"secret text\", 271828)'\n"
        "exec(compile(source, namespace.__file__, 'exec'), vars(namespace))\n"
        "namespace.table('torch')['numel'] = namespace.broken\n"
        "sys.exit(main(['y = tensor([[3.14159]])', 'numel(y)']))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=environment(TMPDIR=str(tmp_path)), stdin=subprocess.DEVNULL, timeout=60, check=False
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    found = re.search(r"\S+\.trace", result.stderr)
    assert found is not None, result.stderr
    trace = Path(found.group()).read_text(encoding="utf-8")
    assert "OSError" in trace
    assert "broken" in trace
    for value in ("secret text", "271828", "3.14159"):
        assert value not in trace
