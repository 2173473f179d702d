"""Write docs/conformance.md: how many of op_db's names agree with real torch, family by family and aspect by aspect, and which do not.

Run with a Python that has torch 2.13, from anywhere: python scripts/build_conformance.py [--full]. Takes some minutes on two cores.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "conformance")]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import opdb
    import torch

from program_texts import covered

from tcalc.engine.namespace import table
from tcalc.engine.registry import PUBLIC
from tcalc.engine.tensor import Tensor

TABLE = [  # what a column counts: aspects of a report that must not disagree
    ("strides", ("stride", "in-place stride", "out stride", "grad stride")),
    ("aliasing", ("alias", "in-place alias")),
    ("node names", ("grad_fn", "in-place grad_fn")),
    ("second gradients", ("second grad", "second grad runs")),
    ("out=", ("out runs", "out value", "out dtype", "out shape", "out identity", "out structure", "out refuses")),
    ("error types", ("error type", "out error type", "in-place error type")),
    ("error sentences", ("error text", "out error text", "in-place error text")),
]
BESIDE = {aspect for _, aspects in TABLE for aspect in aspects} | {"repr", "in-place repr", "out repr"}


def swept(task: tuple[str, bool]) -> tuple[str, dict[str, int], dict[str, int]]:
    """A name's comparisons that agree and that do not, by aspect."""
    torch.set_num_threads(1)
    report = opdb.sweep(*task)
    return task[0], dict(report.agreed), {aspect: len(texts) for aspect, texts in report.disagreed.items()}


def family(name: str) -> str:
    """Where a public name is documented: the namespace, and within torch itself the theme of the module that declares it."""
    op = PUBLIC[name].ops[0]
    return op.namespace if op.namespace != "torch" else f"torch: {op.kernel.__module__.rpartition('.')[2].replace('_', ' ')}"


def known(name: str) -> bool:
    """Whether one of op_db's names is reachable here."""
    path, _, leaf = f"torch.{name}".rpartition(".")
    try:
        found = table(path)
    except KeyError:
        return False
    return leaf in found or (path == "torch" and hasattr(Tensor, leaf))


def reasons() -> dict[str, dict[str, str]]:
    """xfail.txt by name and aspect."""
    listed: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for line in (ROOT / "tests" / "conformance" / "xfail.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, aspect, reason = line.split(None, 2)
            listed[name][aspect.replace("-", " ").replace("in place", "in-place")] = reason
    return listed


def row(cells: list[object]) -> str:
    """A line of a table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Sweep every name on two processes and write the page."""
    full = "--full" in sys.argv
    with ProcessPoolExecutor(2) as pool:
        reports = {name: (good, bad) for name, good, bad in pool.map(swept, [(n, full) for n in opdb.swept_names()], chunksize=4)}
    reach = opdb.in_reach()
    missing = [n for n in reach if not known(n)]
    passed = {name: not (set(bad) - BESIDE) for name, (_, bad) in reports.items()}
    listed = reasons()
    theirs: dict[str, bool] = {}  # op_db's names that are tested here, and whether they pass
    for name, good in passed.items():
        entry = opdb.infos_of(name)[0].name
        theirs[entry] = theirs.get(entry, True) and good
    for name in opdb.other_names():
        theirs[name] = not (set(opdb.sweep_other(name).disagreed) - BESIDE)
    programs = covered()
    for name in reach:
        leaf = name.rpartition(".")[2]
        if name in programs or leaf in programs:
            theirs.setdefault(name, not (set(listed.get(f"program:{leaf}", {})) - BESIDE))
    lines = [
        "# Agreement with torch",
        "",
        f"Every name of torch's own operator test database (`op_db`, torch {torch.__version__.partition('+')[0]}, CPU), run live against torch by"
        " `scripts/build_conformance.py`, which wrote this page. A name passes when all of its samples, in float64, float32, int64, bool and the"
        " complex dtypes where it takes them, non-contiguous and size-0 and size-1 layouts added, agree in values, dtype, shape, result structure,"
        " requires_grad, gradients, method and in-place forms. The other columns are counted beside that: names without a disagreement of names with"
        " such comparisons.",
        "",
        f"- names of op_db in reach: {len(reach)}; here: {len(reach) - len(missing)}; tested: {len(theirs)}; passing: {sum(theirs.values())}",
        f"- public names of tcalc swept, aliases among them: {len(reports)}; passing: {sum(passed.values())}",
        f"- comparisons that agree: {sum(sum(g.values()) for g, _ in reports.values())}; that do not: {sum(sum(b.values()) for _, b in reports.values())}",
        f"- names tested by programs instead (creation, random numbers, indexing; `tests/conformance/programs.py`): {len(covered())}",
        "",
        row(["family", "names", "pass", *[title for title, _ in TABLE]]),
        row(["---"] * (3 + len(TABLE))),
    ]
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in reports:
        groups[family(name)].append(name)
    for title, names in [*sorted(groups.items()), ("**all**", list(reports))]:
        cells: list[object] = [title, len(names), sum(passed[n] for n in names)]
        for _, aspects in TABLE:
            counts: Counter[bool] = Counter()
            for n in names:
                good, bad = reports[n]
                if any(a in good or a in bad for a in aspects):
                    counts[not any(a in bad for a in aspects)] += 1
            cells.append(f"{counts[True]}/{sum(counts.values())}")
        lines.append(row(cells))
    lines += ["", "## Names that do not pass, and why", ""]
    for name in sorted(n for n, good in passed.items() if not good):
        aspects = sorted(set(reports[name][1]) - BESIDE)
        lines.append(f"- `{name}` ({', '.join(aspects)}): {listed[name].get(aspects[0], 'not listed in xfail.txt')}")
    untested = [n for n in reach if n not in theirs and n not in missing]
    lines += ["", "## Names of op_db that are not here", "", ", ".join(f"`{n}`" for n in missing) + "."]
    lines += ["", "Here, and tested in no sweep: " + ", ".join(f"`{n}`" for n in untested) + "."]
    lines += ["", "Out of reach: " + ", ".join(f"`{n}`" for n in sorted(set(opdb.entries()) - set(reach))) + " (CUDA kernels, sparse and float8 tensors, torch's internals).", ""]
    (ROOT / "docs" / "conformance.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
