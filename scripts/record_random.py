"""Write tests/engine/golden/random.json: what real torch draws for the recorded jobs of tests/engine/test_random.py.

Run it on an x86-64 machine with AVX2: torch draws other normal numbers without.
"""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "engine")]

from test_random import CALLS, GOLDEN, JOBS, job_seed, tensor_bytes


def record(index: int, name: str, kind: str, n: int) -> dict[str, Any]:
    """The first numbers of one job, and hashes of all of them and of the state after."""
    g = torch.Generator().manual_seed(job_seed(index))
    if name == "normal strided":
        CALLS[name].torchs(torch, g, 2, "float64")
    values = CALLS[name].torchs(torch, g, n, kind)
    data = tensor_bytes(torch, values)
    return {
        "start": data[: 4 * values.element_size()].hex(),
        "values": hashlib.sha256(data).hexdigest()[:16],
        "state": hashlib.sha256(bytes(g.get_state().numpy())).hexdigest()[:16],
    }


def main() -> None:
    """Record every job and say where."""
    warnings.simplefilter("ignore")  # about integers a float cannot count to
    jobs = [record(index, *job) for index, job in enumerate(JOBS)]
    GOLDEN.parent.mkdir(exist_ok=True)
    text = ",\n".join(json.dumps(job) for job in jobs)
    GOLDEN.write_text(f'{{"torch": "{torch.__version__}", "jobs": [\n{text}\n]}}\n')
    print(f"{len(jobs)} jobs in {GOLDEN}")


if __name__ == "__main__":
    main()
