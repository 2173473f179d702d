"""Times tcalc beside PyTorch, MyGrad, HIPS autograd and hand-written NumPy in one run, with the budget of each row.

    python scripts/bench.py [--rows startup,small,...] [--repeats N] [--json]

Every figure is a median; the sides of a row take turns, so that a busy machine slows all of them. A ratio is tcalc's figure over the
peer's. Peers that are not installed are named as such. Two threads each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
THREADS = 2
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ |= dict.fromkeys(THREAD_VARIABLES, str(THREADS)) | {"PYTHONPATH": str(ROOT), "TCALC_HISTORY": ""}
sys.path.insert(0, str(ROOT))

BULK, CHAIN, LOOP, PRINTED = 10_000_000, 1_000_000, 100_000, 100_000_000
Step = Callable[[], object]


class Row(NamedTuple):
    """One thing that is timed. `sides` gives each side's work, tcalc's first; `budgets` the largest allowed ratio to a peer,
    or for "absolute" the largest allowed figure itself. `how` times them."""

    group: str
    what: str
    how: Callable[[dict[str, Any], int], dict[str, float]]
    sides: dict[str, Any]
    budgets: dict[str, float]
    unit: str = "s"


# --- ways of timing ---------------------------------------------------------------------------------------------------


def in_turns(run: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """The median of each side over `repeats` rounds in which the sides take turns."""
    found: dict[str, list[float]] = {side: [] for side in run}
    for _ in range(repeats):
        for side, once in run.items():
            found[side].append(once())
    return {side: median(figures) for side, figures in found.items()}


def in_process(sides: dict[str, Callable[[], Step]], repeats: int) -> dict[str, float]:
    """Seconds of one step, timed in batches long enough for the clock.

    Sides are builders of steps; one that lacks its library is left out.
    """
    run = {}
    for side, build in sides.items():
        try:
            step = build()
        except ImportError:
            continue
        step()
        count = max(1, int(0.02 / timed(step, 3)))
        run[side] = partial(timed, step, count)
    return in_turns(run, repeats)


def timed(step: Step, count: int) -> float:
    """Mean seconds of `count` steps."""
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


def as_commands(sides: dict[str, list[str]], repeats: int) -> dict[str, float]:
    """Seconds a command takes, interpreter included. A Python command that lacks its library is left out."""
    return in_turns({side: partial(timed, partial(command, words), 1) for side, words in sides.items() if works(words)}, repeats)


def command(words: list[str]) -> str:
    """Run a command; what it printed."""
    return subprocess.run(words, check=True, capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL).stdout


def works(words: list[str]) -> bool:
    """Whether a command runs at all; only a missing library may stop one. Warms the file cache, too."""
    try:
        command(words)
    except subprocess.CalledProcessError as error:
        if "ModuleNotFoundError" in error.stderr:
            return False
        raise RuntimeError(f"{' '.join(words)}: {error.stderr}") from None
    return True


def child(task: str, figure: str, sides: list[str]) -> tuple[Callable[[dict[str, Any], int], dict[str, float]], dict[str, Any]]:
    """The figures of a task that gets a process to itself, each process running it once; kept, for rows on other figures of the task."""

    def how(sides: dict[str, Any], repeats: int) -> dict[str, float]:
        if task not in CHILD_FIGURES:
            found: dict[str, dict[str, list[float]]] = {}
            able = [side for side in sides if works([sys.executable, "-c", f"import {side}"])]
            for _ in range(min(repeats, 3)):
                for side in able:
                    for name, value in json.loads(command(sides[side])).items():
                        found.setdefault(name, {}).setdefault(side, []).append(value)
            CHILD_FIGURES[task] = {name: {side: median(values) for side, values in by_side.items()} for name, by_side in found.items()}
        return CHILD_FIGURES[task][figure]

    return how, {side: [sys.executable, __file__, "--child", task, side] for side in sides}


CHILD_FIGURES: dict[str, dict[str, dict[str, float]]] = {}


# --- the work ---------------------------------------------------------------------------------------------------------


def library(name: str) -> Any:
    """A module that speaks torch, held to the threads of this run."""
    module = import_module(name)
    if name == "torch":
        module.set_num_threads(THREADS)
    return module


def expression(text: str, name: str) -> Step:
    """A step that evaluates an expression on small tensors."""
    lib = library(name)
    names = {
        "a": lib.tensor([1.0, 2.0, 3.0]),
        "b": lib.tensor([4.0, 5.0, 6.0]),
        "m": lib.ones(2, 3),
        "x": lib.tensor([1.0, 2.0, 3.0], requires_grad=True),
    }
    return eval(f"lambda: {text}", names)  # type: ignore[no-any-return]  # the expressions of ROWS


def micro_torch(name: str) -> Step:
    """`(x*y+x).sum().backward()` in the torch API."""
    lib = library(name)
    x, y = (lib.tensor(values, requires_grad=True) for values in ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]))

    def step() -> None:
        (x * y + x).sum().backward()
        x.grad = y.grad = None

    return step


def micro_mygrad() -> Step:
    """The same with MyGrad, which forgets old gradients by itself."""
    mg = import_module("mygrad")
    x, y = mg.tensor([1.0, 2.0, 3.0], dtype="float32"), mg.tensor([4.0, 5.0, 6.0], dtype="float32")
    return lambda: (x * y + x).sum().backward()


def micro_autograd() -> Step:
    """The same with HIPS autograd."""
    grad, np = import_module("autograd").grad, import_module("autograd.numpy")
    both = grad(lambda x, y: np.sum(x * y + x), (0, 1))
    x, y = np.array([1.0, 2.0, 3.0], np.float32), np.array([4.0, 5.0, 6.0], np.float32)
    return lambda: both(x, y)


def micro_numpy() -> Step:
    """The same by hand."""
    np = import_module("numpy")
    x, y = np.array([1.0, 2.0, 3.0], np.float32), np.array([4.0, 5.0, 6.0], np.float32)

    def step() -> Any:
        (x * y + x).sum()
        grad = np.ones_like(x)
        return grad * y + grad, grad * x

    return step


def mlp_arrays(sizes: tuple[int, int, int, int]) -> list[Any]:
    """Inputs, targets, and the weights and biases of two layers, float32."""
    np = import_module("numpy")
    batch, inputs, hidden, outputs = sizes
    rng = np.random.default_rng(0)
    shapes = [(batch, inputs), (batch, outputs), (inputs, hidden), (hidden,), (hidden, outputs), (outputs,)]
    return [0.1 * rng.standard_normal(shape, np.float32) for shape in shapes]


RATE = 0.01


def mlp_torch(sizes: tuple[int, int, int, int], name: str) -> Step:
    """Forward, backward and SGD by hand in the torch API."""
    lib = library(name)
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


def mlp_mygrad(sizes: tuple[int, int, int, int]) -> Step:
    """The same with MyGrad."""
    mg = import_module("mygrad")
    x, target, *parameters = mlp_arrays(sizes)
    w1, b1, w2, b2 = (mg.tensor(p) for p in parameters)

    def step() -> None:
        h = mg.maximum(x @ w1 + b1, 0)
        (((h @ w2 + b2) - target) ** 2).mean().backward()
        for p in (w1, b1, w2, b2):
            p.data -= RATE * p.grad

    return step


def mlp_autograd(sizes: tuple[int, int, int, int]) -> Step:
    """The same with HIPS autograd."""
    grad, np = import_module("autograd").grad, import_module("autograd.numpy")
    x, target, *parameters = mlp_arrays(sizes)

    def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        return np.mean(((np.maximum(x @ w1 + b1, 0) @ w2 + b2) - target) ** 2)

    gradients = grad(loss, (0, 1, 2, 3))

    def step() -> None:
        for p, g in zip(parameters, gradients(*parameters), strict=True):
            p -= RATE * g

    return step


def mlp_numpy(sizes: tuple[int, int, int, int]) -> Step:
    """The same by hand."""
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


def mlp(sizes: tuple[int, int, int, int], **budgets: float) -> Row:
    """The row of one network: batch, inputs, hidden units, outputs."""
    sides: dict[str, Any] = {side: partial(mlp_torch, sizes, side) for side in ("tcalc", "torch")}
    others = {"numpy": mlp_numpy, "mygrad": mlp_mygrad, "autograd": mlp_autograd}
    sides |= {side: partial(build, sizes) for side, build in others.items()}
    return Row("mlp", "MLP step " + "x".join(map(str, sizes)), in_process, sides, budgets)


# --- tasks that get a process to themselves -----------------------------------------------------------------------------


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


CHILDREN = {"bulk": bulk, "chain": chain, "printing": printing}


# --- the table --------------------------------------------------------------------------------------------------------


def rows(folder: Path) -> Iterator[Row]:
    """All rows; scripts that are run lie in `folder`."""
    python, tcalc = [sys.executable, "-c"], [sys.executable, "-m", "tcalc"]
    imports = {f"import {name}": [*python, f"import {name}"] for name in ("numpy", "torch")}
    yield Row("startup", "tcalc --version", as_commands, {"tcalc": [*tcalc, "--version"], **imports}, {"absolute": 0.060})
    yield Row("startup", "tcalc '1+1'", as_commands, {"tcalc": [*tcalc, "1+1"], **imports}, {"import numpy": 1.4, "import torch": 0.12})
    yield Row("startup", "tcalc 'ones(2)'", as_commands, {"tcalc": [*tcalc, "ones(2)"], **imports}, {"absolute": 0.130})

    small = {
        "add, no grad": "a + b",
        "add, grad": "x + b",
        "in-place add": "a.add_(b)",
        "view": "m.view(3, 2)",
        "transpose": "m.T",
        "index": "m[0]",
    }
    for what, text in small.items():
        sides = {side: partial(expression, text, side) for side in ("tcalc", "torch")}
        yield Row("small", f"{what}: {text}", in_process, sides, {"torch": 1.0})

    micro: dict[str, Any] = {side: partial(micro_torch, side) for side in ("tcalc", "torch")}
    micro |= {"numpy": micro_numpy, "mygrad": micro_mygrad, "autograd": micro_autograd}
    yield Row("micro", "(x*y+x).sum().backward(), 3 elements", in_process, micro, {"torch": 0.5})

    yield mlp((8, 16, 32, 4), torch=0.6)
    yield mlp((64, 784, 256, 10), torch=1.0)
    yield mlp((256, 1024, 1024, 100), torch=1.0, numpy=1.1)

    what = "(tanh(t)*t + exp(-t*t)).sum().backward(), 1e7"
    yield Row("bulk", what, *child("bulk", "seconds", ["tcalc", "torch", "numpy"]), {"torch": 0.7, "numpy": 1.0})
    yield Row("bulk", "  its peak memory beyond t", *child("bulk", "bytes", ["tcalc", "torch", "numpy"]), {"torch": 1.0}, "B")
    yield Row("chain", "1e6 ops forward, backward, free", *child("chain", "seconds", ["tcalc", "torch"]), {"torch": 0.6})

    loop = f"x = tensor(1.)\nfor i in range({LOOP}):\n    x = x * 1.0001\nprint(x)\n"
    (folder / "loop.tc").write_text(loop)
    (folder / "loop.py").write_text(f"from torch import tensor\n{loop}")
    scripts = {"tcalc": [*tcalc, "-f", str(folder / "loop.tc")], "torch": [sys.executable, str(folder / "loop.py")]}
    yield Row("loop", "script of 1e5 scalar ops, with start-up", as_commands, scripts, {"torch": 0.5})
    yield Row("print", "repr of 1e8 elements", *child("printing", "seconds", ["tcalc", "torch"]), {"absolute": 0.050})


def compared(row: Row, figures: dict[str, float]) -> Iterator[dict[str, Any]]:
    """A row's result, peer by peer."""
    own = figures["tcalc"]
    base = {"group": row.group, "what": row.what, "unit": row.unit, "tcalc": own}
    limit = row.budgets.get("absolute")
    if limit is not None:
        yield base | {"peer": "absolute", "figure": limit, "ratio": own / limit, "budget": 1.0}
    for peer in row.sides:
        if peer != "tcalc":
            figure = figures.get(peer)
            yield base | {"peer": peer, "figure": figure, "ratio": own / figure if figure else None, "budget": row.budgets.get(peer)}


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
    groups = ("startup", "small", "micro", "mlp", "bulk", "chain", "loop", "print")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", default=",".join(groups), help=f"groups of rows, any of {','.join(groups)}")
    parser.add_argument("--repeats", type=int, default=11, help="rounds behind each median (at most 3 for rows that need a process each)")
    parser.add_argument("--json", action="store_true", help="print a list of results instead of a table")
    parser.add_argument("--child", nargs=2, metavar=("TASK", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        task, side = options.child
        print(json.dumps(CHILDREN[task](side)))
        return
    wanted = options.rows.split(",")
    if unknown := set(wanted) - set(groups):
        parser.error(f"no rows called {', '.join(sorted(unknown))}")
    results: list[dict[str, Any]] = []
    if not options.json:
        print(f"{'':<46} {'tcalc':>9}  {'peer':<12} {'its figure':>13}  {'ratio':>6}  {'budget':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder)):
            if row.group in wanted:
                found = list(compared(row, row.how(row.sides, options.repeats)))
                results += found
                if not options.json:
                    print("\n".join(map(line, found)), flush=True)
    if options.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
