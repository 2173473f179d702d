"""Times tcalc beside PyTorch, MyGrad, HIPS autograd and hand-written NumPy in one run, with the budget of each row.

    python scripts/bench.py [--rows startup,small,...] [--repeats N] [--threads N] [--json] [--imports]

Every figure is a median; the sides of a row take turns, a process each time, so that a busy machine slows all of them. A ratio is tcalc's
figure over the peer's. Peers that are not installed are named as such.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
sys.path.insert(0, str(ROOT))

from bench_ops import WORKS, Work, ceilings

BOUNDS = ("floor", "passes")  # seconds at the measured rates: of the work's least bytes and operations, and of those of NumPy's calls for it
QUICK = ("small", "micro", "mlp")  # groups that time themselves in a second or two a side
BULK, CHAIN, LOOP, PRINTED = 10_000_000, 1_000_000, 100_000, 100_000_000
Step = Callable[[], object]
Sizes = tuple[int, int, int, int]  # batch, inputs, hidden units, outputs


class Row(NamedTuple):
    """One thing that is timed.

    `sides` gives each side's command, tcalc's first. `figure` picks from what the commands print; without it a command's own time counts.
    `budgets` are the largest allowed ratios to a peer, or for "absolute" the largest allowed figure itself. Where a row is `bounded`,
    tcalc's runs also say how long the work takes at least (BOUNDS).
    """

    group: str
    what: str
    sides: dict[str, list[str]]
    budgets: dict[str, float]
    figure: str = ""
    unit: str = "s"
    bounded: bool = False


# --- timing -----------------------------------------------------------------------------------------------------------


def figures(row: Row, repeats: int) -> dict[str, float]:
    """The median of each side over rounds in which the sides take turns; a side that lacks its library is left out.

    Each round has a process of its own: in one process the libraries' thread pools keep each other from the cores.
    """
    able = {side: words for side, words in row.sides.items() if works(words)}
    key = str(row.sides)
    if key not in _PRINTED:
        rounds = repeats if not row.figure or row.group in QUICK else min(repeats, 3)
        _PRINTED[key] = [{side: measured(row, words) for side, words in able.items()} for _ in range(rounds)]
    found = {side: median(printed[side][row.figure] for printed in _PRINTED[key]) for side in able}
    bounds = [name for name in BOUNDS if row.bounded and name in _PRINTED[key][0]["tcalc"]]
    return found | {name: median(printed["tcalc"][name] for printed in _PRINTED[key]) for name in bounds}


_PRINTED: dict[str, list[dict[str, dict[str, float]]]] = {}  # by sides, for rows on several figures of the same runs


def measured(row: Row, words: list[str]) -> dict[str, float]:
    """The figures of one run of a command."""
    if row.figure:
        return json.loads(command(words))  # type: ignore[no-any-return]  # printed by main() below
    start = time.perf_counter()
    command(words)
    return {"": time.perf_counter() - start}


def command(words: list[str]) -> str:
    """Run a command; what it printed."""
    return subprocess.run(words, check=True, capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL).stdout


def works(words: list[str]) -> bool:
    """Whether the library behind a command is installed. Warms the file cache, too."""
    return runs(sys.executable, "-c", f"import {words[-1]}") if words[1] == __file__ else runs(*words)


@cache
def runs(*words: str) -> bool:
    """Whether a command finds its library. Raises RuntimeError when it fails for another reason."""
    try:
        command(list(words))
    except subprocess.CalledProcessError as error:
        if "ModuleNotFoundError" in error.stderr:
            return False
        raise RuntimeError(f"{' '.join(words)}: {error.stderr}") from None
    return True


def timed(step: Step, count: int) -> float:
    """Mean seconds of `count` steps."""
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


def stepped(build: Callable[[str], Step], side: str) -> dict[str, float]:
    """Seconds of one step, the median of batches that are long enough for the clock."""
    step = build(side)
    for _ in range(3):
        step()
    count = max(1, int(0.05 / timed(step, 3)))
    return {"seconds": median(timed(step, count) for _ in range(9))}


# --- the work ---------------------------------------------------------------------------------------------------------


def library(name: str) -> Any:
    """A module that speaks torch, held to the threads of this run."""
    module = import_module(name)
    if name == "torch":
        module.set_num_threads(int(os.environ[THREAD_VARIABLES[0]]))
    return module


def expression(text: str, side: str) -> Step:
    """A step that evaluates an expression on small tensors."""
    lib = library(side)
    names = {
        "a": lib.tensor([1.0, 2.0, 3.0]),
        "b": lib.tensor([4.0, 5.0, 6.0]),
        "m": lib.ones(2, 3),
        "x": lib.tensor([1.0, 2.0, 3.0], requires_grad=True),
    }
    return eval(f"lambda: {text}", names)  # type: ignore[no-any-return]  # the expressions of ROWS


def micro(side: str) -> Step:
    """`(x*y+x).sum().backward()` on 3 elements."""
    others = {"numpy": micro_numpy, "mygrad": micro_mygrad, "autograd": micro_autograd}
    return others[side]() if side in others else micro_torch(side)


def micro_torch(side: str) -> Step:
    """In the torch API."""
    lib = library(side)
    x, y = (lib.tensor(values, requires_grad=True) for values in ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]))

    def step() -> None:
        (x * y + x).sum().backward()
        x.grad = y.grad = None

    return step


def micro_mygrad() -> Step:
    """With MyGrad, which forgets old gradients by itself."""
    mg = import_module("mygrad")
    x, y = mg.tensor([1.0, 2.0, 3.0], dtype="float32"), mg.tensor([4.0, 5.0, 6.0], dtype="float32")
    return lambda: (x * y + x).sum().backward()


def micro_autograd() -> Step:
    """With HIPS autograd."""
    grad, np = import_module("autograd").grad, import_module("autograd.numpy")
    both = grad(lambda x, y: np.sum(x * y + x), (0, 1))
    x, y = np.array([1.0, 2.0, 3.0], np.float32), np.array([4.0, 5.0, 6.0], np.float32)
    return lambda: both(x, y)


def micro_numpy() -> Step:
    """By hand."""
    np = import_module("numpy")
    x, y = np.array([1.0, 2.0, 3.0], np.float32), np.array([4.0, 5.0, 6.0], np.float32)

    def step() -> Any:
        (x * y + x).sum()
        grad = np.ones_like(x)
        return grad * y + grad, grad * x

    return step


def mlp_arrays(sizes: Sizes) -> list[Any]:
    """Inputs, targets, and the weights and biases of two layers, float32."""
    np = import_module("numpy")
    batch, inputs, hidden, outputs = sizes
    rng = np.random.default_rng(0)
    shapes = [(batch, inputs), (batch, outputs), (inputs, hidden), (hidden,), (hidden, outputs), (outputs,)]
    return [0.1 * rng.standard_normal(shape, np.float32) for shape in shapes]


RATE = 0.01


def mlp(sizes: Sizes, side: str) -> Step:
    """Forward, backward and SGD by hand of a network with one hidden layer."""
    others = {"numpy": mlp_numpy, "mygrad": mlp_mygrad, "autograd": mlp_autograd}
    return others[side](sizes) if side in others else mlp_torch(sizes, side)


def mlp_torch(sizes: Sizes, side: str) -> Step:
    """In the torch API."""
    lib = library(side)
    x, target, *parameters = (lib.from_numpy(array) for array in mlp_arrays(sizes))
    w1, b1, w2, b2 = (p.requires_grad_() for p in parameters)

    def step() -> None:
        h = (x @ w1 + b1).relu()
        (((h @ w2 + b2) - target) ** 2).mean().backward()
        with lib.no_grad():
            for p in (w1, b1, w2, b2):
                p -= RATE * p.grad
                p.grad = None

    return step


def mlp_mygrad(sizes: Sizes) -> Step:
    """With MyGrad."""
    mg = import_module("mygrad")
    x, target, *parameters = mlp_arrays(sizes)
    w1, b1, w2, b2 = (mg.tensor(p) for p in parameters)

    def step() -> None:
        h = mg.maximum(x @ w1 + b1, 0)
        (((h @ w2 + b2) - target) ** 2).mean().backward()
        for p in (w1, b1, w2, b2):
            p.data -= RATE * p.grad

    return step


def mlp_autograd(sizes: Sizes) -> Step:
    """With HIPS autograd."""
    grad, np = import_module("autograd").grad, import_module("autograd.numpy")
    x, target, *parameters = mlp_arrays(sizes)

    def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        return np.mean(((np.maximum(x @ w1 + b1, 0) @ w2 + b2) - target) ** 2)

    gradients = grad(loss, (0, 1, 2, 3))

    def step() -> None:
        for p, g in zip(parameters, gradients(*parameters), strict=True):
            p -= RATE * g

    return step


def mlp_numpy(sizes: Sizes) -> Step:
    """By hand."""
    np = import_module("numpy")
    x, target, w1, b1, w2, b2 = mlp_arrays(sizes)

    def step() -> None:
        h = np.maximum(x @ w1 + b1, 0)
        difference = h @ w2 + b2 - target
        (difference**2).mean()
        grad = difference * np.float32(2 / difference.size)
        grad_h = grad @ w2.T * (h > 0)
        for p, g in ((w2, h.T @ grad), (b2, grad.sum(0)), (w1, x.T @ grad_h), (b1, grad_h.sum(0))):
            p -= RATE * g

    return step




def bulk(side: str) -> dict[str, float]:
    """`(tanh(t)*t + exp(-t*t)).sum().backward()` on 1e7 float32: seconds, and bytes of memory at its peak beyond those of `t`."""
    np = import_module("numpy")
    array = np.linspace(-3, 3, BULK, dtype=np.float32)
    if side == "numpy":

        def step() -> None:
            tanh, exp = np.tanh(array), np.exp(-array * array)
            (tanh * array + exp).sum()
            (1 - tanh * tanh) * array + tanh - 2 * array * exp  # the gradient, by hand
    else:
        lib = library(side)
        t = lib.from_numpy(array).requires_grad_()

        def step() -> None:
            (lib.tanh(t) * t + lib.exp(-t * t)).sum().backward()
            t.grad = None

    before = resident(reset=True)
    step()
    peak = resident() - before
    return {"seconds": median(timed(step, 1) for _ in range(5)), "bytes": float(peak)}


def resident(reset: bool = False) -> int:
    """The peak of resident memory in bytes, or with `reset` the memory now, the peak starting afresh where the system can do that.

    Linux's own record of this process is asked first: there `ru_maxrss` starts at the peak of the process that started this one.
    """
    if sys.platform == "linux":
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        field = "VmRSS:" if reset else "VmHWM:"
        return next(int(line.split()[1]) * 1024 for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def chain(side: str) -> dict[str, float]:
    """A graph of 1e6 multiplications: forward, backward and freeing it, seconds."""
    lib = library(side)
    leaf = lib.tensor(1.0, requires_grad=True)
    (leaf * 1.0).backward()

    def step() -> None:
        x = leaf
        for _ in range(CHAIN):
            x = x * 1.0000001
        x.backward()

    return {"seconds": timed(step, 1)}


def printing(side: str) -> dict[str, float]:
    """The printed form of 1e8 elements, seconds."""
    lib = library(side)
    repr(lib.ones(2000))
    t = lib.ones(PRINTED)
    return {"seconds": timed(lambda: repr(t), 1)}


PROMPTS = {"tcalc": (["-m", "tcalc"], "1>"), "torch": (["-i", "-c", "import torch"], ">>>"), "ptpython": (["-m", "ptpython"], ">>>")}


def prompt(side: str) -> dict[str, float]:
    """From the start of the process to the first prompt on a terminal that answers where its cursor is, seconds."""
    pexpect = import_module("pexpect")
    words, shown = PROMPTS[side]
    start = time.perf_counter()
    child = pexpect.spawn(sys.executable, words, dimensions=(24, 80), env=os.environ | {"TERM": "xterm", "NO_COLOR": "1"}, timeout=60)
    while child.expect_exact(["\x1b[6n", shown]) == 0:
        child.send("\x1b[1;1R")
    seconds = time.perf_counter() - start
    child.close(force=True)
    return {"seconds": seconds}


SHOTS = {"tcalc": ["-m", "tcalc", "ones(2)"], "torch": ["-c", "import torch; print(torch.ones(2))"], "numpy": ["-c", "import numpy; print(numpy.ones(2))"]}


def shot(side: str) -> dict[str, float]:
    """One command on a terminal from the start of its process to its end, seconds."""
    pexpect = import_module("pexpect")
    start = time.perf_counter()
    child = pexpect.spawn(sys.executable, SHOTS[side], dimensions=(24, 80), env=os.environ | {"TERM": "xterm-256color"}, timeout=60)
    child.expect(pexpect.EOF)
    seconds = time.perf_counter() - start
    child.close()
    return {"seconds": seconds}


def operation(work: Work, side: str) -> dict[str, float]:
    """One operation at its three sizes: seconds of each, and bytes of memory at the peak of the largest beyond what was there."""
    found: dict[str, float] = {}
    for size in work.sizes:
        step = work.by_hand(size) if side == "numpy" else work.build(library(side), size)
        before = resident(reset=True)
        step()
        found["bytes"] = float(resident() - before)
        count = max(1, int(0.05 / max(timed(step, 1), 1e-7)))
        found[str(size)] = median(timed(step, count) for _ in range(7))
    if side == "tcalc":
        limits, size = ceilings(), work.sizes[2]
        found["floor"] = max(work.bytes(size) / limits["bytes"], work.flops(size) / limits["flops"])
        if work.passes:
            moved, computed = work.passes(size)
            found["passes"] = moved / limits["bytes"] + computed / limits["flops"]
    return found


def numbers() -> Any:
    """A float32 table of 1e7 numbers."""
    return import_module("numpy").random.default_rng(0).standard_normal((BULK // 100, 100), "float32")


def csv_written(side: str) -> dict[str, float]:
    """1e7 float32 written as csv: seconds, and bytes of memory at its peak beyond those of the array."""
    array, files = numbers(), import_module("tcalc.cli.tensor_files")
    tensors = {"x": library("tcalc").from_numpy(array)}
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/table.csv"
        save = partial(import_module("numpy").savetxt, path, array, delimiter=",")
        before = resident(reset=True)
        seconds = timed(save if side == "numpy" else partial(files.save_tensors, tensors, path), 1)
        return {"seconds": seconds, "bytes": float(resident() - before)}


def csv_read(side: str) -> dict[str, float]:
    """1e7 numbers read from csv: seconds, and bytes of memory at its peak."""
    files, reading = import_module("tcalc.cli.tensor_files"), import_module("tcalc.cli.tensor_reading")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/table.csv"
        files.save_tensors({"x": library("tcalc").from_numpy(numbers())}, path)
        load = partial(import_module("numpy").loadtxt, path, delimiter=",")
        before = resident(reset=True)
        seconds = timed(load if side == "numpy" else partial(reading.load_tensors, path), 1)
        return {"seconds": seconds, "bytes": float(resident() - before)}


SMALL = {
    "add, no grad": "a + b",
    "add, grad": "x + b",
    "in-place add": "a.add_(b)",
    "view": "m.view(3, 2)",
    "transpose": "m.T",
    "index": "m[0]",
}
NETWORKS: dict[Sizes, dict[str, float]] = {
    (8, 16, 32, 4): {"torch": 0.6},
    (64, 784, 256, 10): {"torch": 1.0},
    (256, 1024, 1024, 100): {"torch": 1.0, "numpy": 1.1},
}
TASKS: dict[str, Callable[[str], dict[str, float]]] = {
    **{what: partial(stepped, partial(expression, text)) for what, text in SMALL.items()},
    **{f"MLP step {'x'.join(map(str, sizes))}": partial(stepped, partial(mlp, sizes)) for sizes in NETWORKS},
    "micro": partial(stepped, micro),
    "bulk": bulk,
    "chain": chain,
    "printing": printing,
    "csv written": csv_written,
    "csv read": csv_read,
    "prompt": prompt,
    "shot": shot,
    "ceilings": lambda side: ceilings(),
    **{f"op {work.what}": partial(operation, work) for work in WORKS},
}


# --- the table --------------------------------------------------------------------------------------------------------


def task(name: str, *sides: str) -> dict[str, list[str]]:
    """The commands that run a task for each side, tcalc first."""
    return {side: [sys.executable, __file__, "--task", name, side] for side in ("tcalc", "torch", *sides)}


def rows(folder: Path) -> Iterator[Row]:
    """All rows; scripts that are run lie in `folder`."""
    python, tcalc = [sys.executable, "-c"], [sys.executable, "-m", "tcalc"]
    imports = {f"import {name}": [*python, f"import {name}"] for name in ("numpy", "torch")}
    yield Row("startup", "tcalc --version", {"tcalc": [*tcalc, "--version"], **imports}, {"absolute": 0.060})
    yield Row("startup", "tcalc '1+1'", {"tcalc": [*tcalc, "1+1"], **imports}, {"import numpy": 1.4, "import torch": 0.12})
    yield Row("startup", "tcalc 'ones(2)'", {"tcalc": [*tcalc, "ones(2)"], **imports}, {"absolute": 0.130})
    piped = {side: ["sh", "-c", f"echo '{text}' | {shlex.join(words)}"] for side, words, text in (("tcalc", tcalc, "ones(2)"), ("torch", [sys.executable], "import torch; print(torch.ones(2))"))}
    yield Row("startup", "echo 'ones(2)' | tcalc", piped, {})
    yield Row("startup", "tcalc 'ones(2)' on a terminal", task("shot", "numpy"), {}, "seconds")
    yield Row("startup", "first prompt on a terminal", task("prompt", "ptpython"), {"absolute": 0.300}, "seconds")
    for what, text in SMALL.items():
        yield Row("small", f"{what}: {text}", task(what), {"torch": 1.0}, "seconds")
    every = ("numpy", "mygrad", "autograd")
    yield Row("micro", "(x*y+x).sum().backward(), 3 elements", task("micro", *every), {"torch": 0.5}, "seconds")
    for sizes, budgets in NETWORKS.items():
        what = f"MLP step {'x'.join(map(str, sizes))}"
        yield Row("mlp", what, task(what, *every), budgets, "seconds")
    what = "(tanh(t)*t + exp(-t*t)).sum().backward(), 1e7"
    yield Row("bulk", what, task("bulk", "numpy"), {"torch": 0.7, "numpy": 1.0}, "seconds")
    yield Row("bulk", "  its peak memory beyond t", task("bulk", "numpy"), {"torch": 1.0}, "bytes", "B")
    yield Row("chain", "1e6 ops forward, backward, free", task("chain"), {"torch": 0.6}, "seconds")
    loop = f"x = tensor(1.)\nfor i in range({LOOP}):\n    x = x * 1.0001\nprint(x)\n"
    (folder / "loop.tc").write_text(loop)
    (folder / "loop.py").write_text(f"from torch import tensor\n{loop}")
    scripts = {"tcalc": [*tcalc, "-f", str(folder / "loop.tc")], "torch": [sys.executable, str(folder / "loop.py")]}
    yield Row("loop", "script of 1e5 scalar ops, with start-up", scripts, {"torch": 0.5})
    yield Row("print", "repr of 1e8 elements", task("printing"), {"absolute": 0.050}, "seconds")
    yield from pipes(folder, "", [f"x{i % 100} = x{(i + 37) % 100} * 1.0001 + {i % 7}\n" for i in range(LOOP)])  # 700 that come again and again
    yield from pipes(folder, ", no two alike", [f"x{i % 100} = x{(i + 37) % 100} * 1.00{i:06d} + {i}\n" for i in range(LOOP)])
    for work in WORKS:
        sides = task(f"op {work.what}", "numpy")
        for i, size in enumerate(work.sizes):
            what = work.what.replace("N", str(size)) if "N" in work.what else f"{work.what}, {size}"
            last = i == 2
            yield Row("ops" if last else "growth", what, sides, {"torch": 1.0} if last else {}, str(size), "s", last)
        yield Row("growth", "  its peak memory beyond what was there", sides, {}, "bytes", "B")
    for what, peer in (("written", "savetxt"), ("read", "loadtxt")):
        sides = {side: words for side, words in task(f"csv {what}", "numpy").items() if side != "torch"}
        yield Row("csv", f"1e7 numbers {what} as csv, NumPy's by {peer}", sides, {"numpy": 1.0}, "seconds")
        yield Row("csv", "  its peak memory beyond what was there", sides, {}, "bytes", "B")


def pipes(folder: Path, how: str, lines: list[str]) -> Iterator[Row]:
    """The rows of a program that comes through a pipe, on tensors and on plain numbers."""
    text, stem = "".join(lines), folder / f"lines{len(how)}"
    start = "".join(f"x{i} = tensor({i}.)\n" for i in range(100))
    numbers = start.replace("tensor(", "(")
    programs = {".tc": f"{start}{text}print(x0)\n", ".py": f"from torch import tensor\n{start}{text}print(x0)\n", ".numbers": f"{numbers}{text}print(x0)\n", ".bc": f"{numbers}{text}x0\n"}
    for suffix, program in programs.items():
        stem.with_suffix(suffix).write_text(program)
    tcalc = f"{shlex.quote(sys.executable)} -m tcalc"
    tensors = {"tcalc": ["sh", "-c", f"{tcalc} <{stem}.tc"], "torch": ["sh", "-c", f"{shlex.quote(sys.executable)} - <{stem}.py"]}
    yield Row("pipe", f"1e5 piped lines of scalar tensors{how}", tensors, {})
    plain = {"tcalc": ["sh", "-c", f"{tcalc} <{stem}.numbers"], "bc": ["bc", "-lq", f"{stem}.bc"]}
    yield Row("pipe", f"1e5 piped lines of plain numbers{how}", plain, {})


def compared(row: Row, found: dict[str, float]) -> Iterator[dict[str, Any]]:
    """A row's result, peer by peer."""
    own = found["tcalc"]
    base = {"group": row.group, "what": row.what, "unit": row.unit, "tcalc": own}
    limit = row.budgets.get("absolute")
    if limit is not None:
        yield base | {"peer": "absolute", "figure": limit, "ratio": own / limit, "budget": 1.0}
    for peer in row.sides:
        if peer != "tcalc":
            figure = found.get(peer)
            yield base | {"peer": peer, "figure": figure, "ratio": own / figure if figure else None, "budget": row.budgets.get(peer)}
    for bound in BOUNDS:
        if found.get(bound):
            yield base | {"peer": bound, "figure": found[bound], "ratio": own / found[bound], "budget": None}


def slopes(repeats: int) -> Iterator[str]:
    """How the cost of each operation grows between its sizes: the exponent of size, from the smallest to the middle and on to the largest."""
    for work in WORKS:
        found = {side: [figures(Row("growth", "", task(f"op {work.what}", "numpy"), {}, str(n)), repeats).get(side) for n in work.sizes] for side in ("tcalc", "torch")}
        shown = [f"{side} {slope(work.sizes, times)}" for side, times in found.items() if all(times)]
        yield f"  {work.what:<46} {'   '.join(shown)}"


def slope(sizes: tuple[int, int, int], times: list[Any]) -> str:
    """The two exponents of three times."""
    steps = zip(sizes, sizes[1:], times, times[1:], strict=False)
    return " ".join(f"{math.log(after / before) / math.log(more / less):5.2f}" for less, more, before, after in steps)


# --- imports ----------------------------------------------------------------------------------------------------------

OWN_FLOOR = 500  # microseconds of its own from which on a module has a line


class Imported(NamedTuple):
    """What importing a module took, in microseconds: by itself, and with what it imported first."""

    own: int
    whole: int


def imports(words: list[str], repeats: int) -> Iterator[str]:
    """Which modules a command imports and how long that takes: totals by package, then the modules that take OWN_FLOOR or more."""
    runs_of = [imported(words) for _ in range(repeats)]
    found = {name: Imported(*(int(median(run[name][i] for run in runs_of if name in run)) for i in range(2))) for name in runs_of[0]}
    totals: dict[str, int] = {}
    for name, module in found.items():
        package = name.partition(".")[0]
        package = package if package in ("tcalc", "numpy", "click") else "python"
        totals[package] = totals.get(package, 0) + module.own
    yield f"{shlex.join(words[1:])}: {len(found)} modules, milliseconds, medians of {repeats} runs"
    yield ", ".join(f"{package} {total / 1e3:.1f}" for package, total in sorted(totals.items(), key=lambda each: -each[1]))
    yield f"{'own':>8}  {'whole':>7}  module"
    for name, module in sorted(found.items(), key=lambda each: -each[1].own):
        if module.own >= OWN_FLOOR:
            yield f"{module.own / 1e3:8.1f}  {module.whole / 1e3:7.1f}  {name}"


def imported(words: list[str]) -> dict[str, Imported]:
    """The modules that one run of a command imports, as `-X importtime` tells it."""
    told = subprocess.run([words[0], "-X", "importtime", *words[1:]], check=True, capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL)
    found = {}
    for told_line in told.stderr.splitlines():
        own, _, rest = told_line.removeprefix("import time:").partition("|")
        whole, _, name = rest.partition("|")
        if own.strip().isdigit():
            found[name.strip()] = Imported(int(own), int(whole))
    return found


def machine() -> str:
    """What was measured on, and with what."""
    from importlib.metadata import PackageNotFoundError, version

    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")] if sys.platform == "linux" else []
    versions = []
    for package in ("numpy", "scipy", "torch", "mygrad", "autograd"):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"no {package}")
    limits = json.loads(command(task("ceilings")["tcalc"]))  # in a process of its own, which has this run's threads
    return (
        f"{time.strftime('%Y-%m-%d')}, {names[0] if names else platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, {', '.join(versions)};"
        f" copies {limits['bytes'] / 1e9:.0f} GB/s, multiplies {limits['flops'] / 1e9:.0f} GFLOP/s"
    )


def shown(value: float | None, unit: str) -> str:
    """A figure for people."""
    if value is None:
        return "not installed"
    if unit == "B":
        return f"{value / 2**20:.0f} MiB"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.1f} ms" if value >= 1e-3 else f"{value * 1e6:.2f} us"


def line(result: dict[str, Any]) -> str:
    """One line of the table."""
    ratio, budget = result["ratio"], result["budget"]
    verdict = "" if budget is None or ratio is None else "ok" if ratio <= budget else "over"
    peer = "budget" if result["peer"] == "absolute" else result["peer"]
    return (
        f"{result['what']:<46} {shown(result['tcalc'], result['unit']):>9}  {peer:<12} {shown(result['figure'], result['unit']):>13}"
        f"  {'' if ratio is None else f'{ratio:.2f}':>6}  {'' if budget is None else f'<= {budget:.2f}':>7}  {verdict}".rstrip()
    )


def main() -> None:
    """Run the rows that were asked for."""
    groups = ("startup", "small", "micro", "mlp", "bulk", "chain", "loop", "pipe", "print", "csv", "ops", "growth")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", default=",".join(groups), help=f"groups of rows, any of {','.join(groups)}")
    parser.add_argument("--repeats", type=int, default=11, help="rounds behind each median (at most 3 for rows that time themselves for long)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side; 1 is steadier where others use the machine")
    parser.add_argument("--json", action="store_true", help="print a list of results instead of a table")
    parser.add_argument("--imports", action="store_true", help="print what tcalc 'ones(2)' imports, and how long each module takes")
    parser.add_argument("--task", nargs=2, metavar=("TASK", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        name, side = options.task
        print(json.dumps(TASKS[name](side)))
        return
    os.environ |= dict.fromkeys(THREAD_VARIABLES, str(options.threads)) | {"PYTHONPATH": str(ROOT), "TCALC_HISTORY": ""}
    if options.imports:
        print("\n".join(imports([sys.executable, "-m", "tcalc", "ones(2)"], options.repeats)))
        return
    wanted = options.rows.split(",")
    if unknown := set(wanted) - set(groups):
        parser.error(f"no rows called {', '.join(sorted(unknown))}")
    results: list[dict[str, Any]] = []
    if not options.json:
        print(f"{machine()}; {options.threads} threads each\n")
        print(f"{'':<46} {'tcalc':>9}  {'peer':<12} {'its figure':>13}  {'ratio':>6}  {'budget':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder)):
            if row.group in wanted:
                found = list(compared(row, figures(row, options.repeats)))
                results += found
                if not options.json:
                    print("\n".join(map(line, found)), flush=True)
    if "growth" in wanted and not options.json:
        print("\nexponents of size, small to middle and middle to large")
        print("\n".join(slopes(options.repeats)))
    if options.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
