"""Feeds the language what atheris, guided by coverage, finds: programs of the grammar of tests/lang/test_fuzz.py, and any text.

    pip install atheris                                     (Linux and macOS; not needed by anything else)
    python scripts/fuzz_atheris.py [FOLDER] -max_total_time=600

FOLDER keeps what was interesting from run to run; the options are libFuzzer's. It ends at the first program that gives a traceback, an
error of several lines, a crash, or that takes more than ten seconds, and prints it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module, util
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESET_EVERY = 50  # programs that change settings for the next ones

sys.path.insert(0, str(ROOT))


def grammar() -> ModuleType:
    """The tests whose programs these are."""
    spec = util.spec_from_file_location("test_fuzz", ROOT / "tests" / "lang" / "test_fuzz.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def one_input(tests: ModuleType) -> Callable[[bytes], None]:
    """What is called with bytes again and again: the first one says whether they are a program of the grammar or text as it stands."""
    from hypothesis import given, settings

    @settings(tests.CHECKS, deadline=None)
    @given(tests.PROGRAMS)
    def program(text: str) -> None:
        run(text)

    count = 0

    def run(text: str) -> None:
        nonlocal count
        count += 1
        try:
            tests.run(text, observe=count % 2 == 0)
        except BaseException:
            print(f"--- program\n{text}\n---", file=sys.stderr)
            raise
        if count % RESET_EVERY == 0:
            tests.reset()

    def feed(data: bytes) -> None:
        if data[:1] < b"\xc0":
            program.hypothesis.fuzz_one_input(data[1:])  # type: ignore[attr-defined]  # hypothesis puts it there
        else:
            run(data[1:].decode("utf-8", "replace"))

    return feed


def main(arguments: list[str]) -> int:
    """Run atheris; the exit status."""
    try:
        atheris: Any = import_module("atheris")
    except ModuleNotFoundError:
        print("fuzz_atheris: atheris is not installed: pip install atheris", file=sys.stderr)
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with atheris.instrument_imports(include=["tcalc"]):
        tests = grammar()
        import_module("tcalc.engine.namespace").table("torch")
    tests.limit()
    signal.signal(signal.SIGALRM, tests.too_slow)
    atheris.Setup([sys.argv[0], *arguments], one_input(tests))
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
