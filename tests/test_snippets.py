"""Scripts as tutorials write them print exactly what PyTorch 2.13 printed for them (`snippets/*.expected`)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted((ROOT / "tests" / "snippets").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_snippet(script: Path) -> None:
    """`tcalc -f SCRIPT -F repr` prints the expected file, addresses aside; those for a GPU run on simulated devices."""
    simulated = ["--simulate-cuda", "2"] if "cuda" in script.stem else []
    result = subprocess.run(
        [sys.executable, "-m", "tcalc", "-f", str(script), "-F", "repr", *simulated],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    warned = [line for line in result.stderr.splitlines() if "backward() dropped its grad" not in line]  # torch warns there, too
    assert warned == []
    assert result.returncode == 0
    assert re.sub(r"0x[0-9a-f]+", "0x...", result.stdout) == script.with_suffix(".expected").read_text(encoding="utf-8")


def test_snippets_are_there() -> None:
    """The folder is found, and every script has its expected output."""
    assert len(SCRIPTS) >= 13
    assert all(script.with_suffix(".expected").is_file() for script in SCRIPTS)
