"""Record what torch shows for the programs of tests/engine/programs.txt into tests/engine/golden/programs.json."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
ENGINE_TESTS = ROOT / "tests" / "engine"


def main() -> None:
    """Run every program with torch and write the file."""
    golden = ENGINE_TESTS / "golden" / "programs.json"
    if not golden.exists():
        golden.write_text("{}")
    sys.path.insert(0, str(ROOT))
    spec = importlib.util.spec_from_file_location("test_programs", ENGINE_TESTS / "test_programs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    golden.write_text(json.dumps({p: module.run(p, torch) for p in module.PROGRAMS}, indent=0) + "\n")


if __name__ == "__main__":
    main()
