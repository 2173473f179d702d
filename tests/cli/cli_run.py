"""Starting tcalc as a program with an environment that the tests control, and asking a loop what it says."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from tcalc.cli.repl import Repl

ROOT = Path(__file__).resolve().parents[2]


def unwrapped(errors: str) -> str:
    """Errors of the prompt as they were before they were wrapped to the screen, one line each."""
    return errors.replace("\n" + " " * len("error: "), " ")


def said(repl: Repl, capsys: pytest.CaptureFixture[str], entry: str) -> str:
    """What an entry writes, errors too."""
    capsys.readouterr()
    repl.enter(entry)
    captured = capsys.readouterr()
    return (unwrapped(captured.err) + captured.out).rstrip("\n")


def environment(**changes: str) -> dict[str, str]:
    """A small environment, the same on every machine."""
    keep = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMPDIR") if name in os.environ}
    return {
        **keep,
        "PYTHONPATH": str(ROOT),
        "HOME": tempfile.gettempdir(),
        "TCALC_HISTORY": "",
        "LANG": "C.UTF-8",
        **changes,
    }


def tcalc(
    *args: str, stdin: str | bytes | None = None, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `tcalc` with these arguments; stdin is /dev/null unless text is given."""
    result = subprocess.run(
        [sys.executable, "-m", "tcalc", *args],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env=env or environment(),
        cwd=cwd,
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(result.args, result.returncode, result.stdout.decode(), result.stderr.decode())
