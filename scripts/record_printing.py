"""Write tests/engine/golden/printing.json: what real torch prints for the recorded cases of tests/engine/test_printing.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "engine")]

from test_printing import GOLDEN, RECORDED_SEEDS, random_case, truth


def main() -> None:
    """Record every case and say where."""
    texts = [truth(random_case(seed), torch) for seed in RECORDED_SEEDS]
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps({"torch": torch.__version__, "texts": texts}, indent=0) + "\n")
    print(f"{len(texts)} texts in {GOLDEN}")


if __name__ == "__main__":
    main()
