"""How long a statement takes: the best of several batches, each long enough to be measured."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from .failed import FILENAME, failure_of

if TYPE_CHECKING:
    from .errors import Error
    from .session import Session

BATCH = 0.2  # seconds that a batch should take
BUDGET = 2.0  # seconds for all batches, unless one alone takes longer
BATCHES = 5
MAX_RUNS = 10_000_000
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Timing:
    """`seconds` a run, best of `batches` of `runs` runs each."""

    seconds: float
    runs: int
    batches: int


def timing(source: str, session: Session) -> Timing | Error:
    """Time one line; the Error when it fails.

    Names it binds are bound in a copy of the session's variables and forgotten; what it writes in place stays written, as often as it
    ran. Raises LangError for what is not in the language.
    """
    from ..lang.compile import compile_statement
    from ..lang.parse import parse
    from ..lang.run import Environment

    environment = Environment()
    environment.variables.update(session.env.variables)
    environment.last = session.env.last

    def run(text: str) -> float:
        codes = [compile_statement(statement, FILENAME) for statement in parse(text)]
        _wait()
        start = perf_counter()
        for code in codes:
            environment.run(code, lambda value: None, lambda printed: None)
        _wait()
        return perf_counter() - start

    try:
        once = run(source)  # loads what is loaded on first use
        body = _silent(source)
        runs, taken = 1, run(_loop(body, 1))
        if max(once, taken) < BATCH:
            while taken < BATCH and runs < MAX_RUNS:
                runs = _next(runs, taken)
                taken = run(_loop(body, runs))
        batches = max(1, min(BATCHES, int(BUDGET / max(taken, 1e-9))))
        best = min([taken, *(run(_loop(body, runs)) for _ in range(batches - 1))])
        idle = min(run(_loop("pass", runs)) for _ in range(2))
    except Exception as exc:
        return failure_of(exc, source, session, environment.variables)
    return Timing(max(best - idle, 0.0) / runs, runs, batches)


def _wait() -> None:
    """Let cuda finish what it was given: calls return before that."""
    if "cupy" in sys.modules:
        from ..engine.cuda import is_available, synchronize

        if is_available():
            synchronize()


def _silent(source: str) -> str:
    """An expression as an assignment, so that nothing is echoed; statements as they are."""
    body = ast.parse(source).body
    return f"timed_ = ({source}\n)" if len(body) == 1 and isinstance(body[0], ast.Expr) else source


def _loop(body: str, runs: int) -> str:
    return f"for run_ in range({runs}):\n    {body}\n"


def _next(runs: int, taken: float) -> int:
    """The next of 1, 2, 5, 10, ... that may be long enough."""
    wanted = min(max(runs * 1.2 * BATCH / max(taken, 1e-9), runs * 2), runs * 100, MAX_RUNS)
    scale = 1
    while True:
        for step in _STEPS:
            if step * scale >= wanted:
                return step * scale
        scale *= 10
