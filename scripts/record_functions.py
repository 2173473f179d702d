"""Record what torch gives for the calls of tests/engine/test_func.py into tests/engine/golden/functions.json."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Make every call with torch and write the file."""
    sys.path.insert(0, str(ROOT))
    spec = importlib.util.spec_from_file_location("test_func", ROOT / "tests" / "engine" / "test_func.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.record(torch)


if __name__ == "__main__":
    main()
