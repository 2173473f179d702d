"""The timings of gpu_check.py: products, elementwise chains, reductions, small ops, training steps and copies, beside PyTorch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple


class Timing(NamedTuple):
    """Seconds of one call, tcalc's and PyTorch's (None where it is not there), and what they mean."""

    what: str
    tcalc: float
    torch: float | None
    rate: str = ""


def timed(quick: bool, torch: Any) -> Iterator[Timing]:
    """Each row of the table, printed as it is found: tcalc's time, PyTorch's on the same GPU (None where it is not there), their ratio."""
    import tcalc

    print(f"{'':44} {'tcalc':>11} {'torch':>11} {'ratio':>7}")
    for what, make, rate in workloads(quick):
        sides = []
        for side in (tcalc, torch):
            if side is None:
                sides.append(None)
                continue
            sides.append(seconds(make(side), side.cuda.synchronize))
            side.cuda.empty_cache()
        ours, theirs = sides
        assert ours is not None
        row = Timing(what, ours, theirs, rate(ours) if rate else "")
        peer = f"{shown(theirs):>11} {ours / theirs:7.2f}" if theirs else f"{'-':>11} {'-':>7}"
        print(f"{what:44} {shown(ours):>11} {peer}  {row.rate}")
        yield row


def shown(duration: float) -> str:
    """Seconds in a unit that fits."""
    return f"{duration * 1e6:.2f} us" if duration < 1e-3 else f"{duration * 1e3:.2f} ms" if duration < 1 else f"{duration:.2f} s"


def seconds(call: Callable[[], object], wait: Callable[[], None]) -> float:
    """The median time of one call over seven rounds of as many calls as take some 50 ms; the GPU's queue is emptied between rounds."""
    for _ in range(3):
        call()
    wait()
    start = time.perf_counter()
    call()
    wait()
    count = max(1, min(2000, int(0.05 / max(time.perf_counter() - start, 1e-6))))
    rounds = []
    for _ in range(7):
        wait()
        start = time.perf_counter()
        for _ in range(count):
            call()
        wait()
        rounds.append((time.perf_counter() - start) / count)
    return median(rounds)


Workload = tuple[str, Callable[[Any], Callable[[], object]], Callable[[float], str] | None]


def workloads(quick: bool) -> Iterator[Workload]:
    """(what, what makes the call on a library, what the time means)."""
    side, many = (2048, 10**7) if quick else (8192, 10**8)

    def flops(duration: float) -> str:
        return f"{2 * side**3 / duration / 1e12:.1f} Tflop/s"

    def moved(count: int) -> Callable[[float], str]:
        return lambda duration: f"{count / duration / 1e9:.0f} GB/s"

    for kind in ("float32", "float16"):
        yield f"matmul {side} {kind}", lambda t, kind=kind: product(t, side, kind), flops  # type: ignore[misc]  # bound in the loop
    yield f"tanh(x) * x + exp(-x * x), {many:.0e}", lambda t: chain(t, many, False), moved(8 * many)
    yield f"the same, with its gradient, {many:.0e}", lambda t: chain(t, many, True), None
    yield f"softmax of {side} rows of {side}", lambda t: on_square(t, side, lambda x: t.softmax(x, -1)), moved(8 * side * side)
    yield f"sum of {many:.0e}", lambda t: on_vector(t, many, lambda x: x.sum()), moved(4 * many)
    yield f"sum over rows of {side} x {side}", lambda t: on_square(t, side, lambda x: x.sum(0)), moved(4 * side * side)
    yield f"max along rows of {side} x {side}", lambda t: on_square(t, side, lambda x: x.max(1)), moved(4 * side * side)
    yield "x + y of 3 elements", lambda t: small(t, False), None
    yield "(x * y + x).sum().backward() of 3 elements", lambda t: small(t, True), None
    yield "MLP step 64x784x256x10, SGD", lambda t: training(t, (64, 784, 256, 10)), None
    yield "MLP step 4096x1024x4096x100, SGD", lambda t: training(t, (4096, 1024, 4096, 100)), None
    yield "3 random numbers", lambda t: lambda: t.rand(3, device="cuda"), None
    yield "normal random numbers, 1e7", lambda t: lambda: t.randn(10**7, device="cuda"), moved(4 * 10**7)
    yield f"host to GPU, {many // 4:.0e} float32", lambda t: copying(t, many // 4, "cuda"), moved(many)
    yield f"GPU to host, {many // 4:.0e} float32", lambda t: copying(t, many // 4, "cpu"), moved(many)


def product(t: Any, side: int, kind: str) -> Callable[[], object]:
    """A square matrix times another."""
    a, b = (t.rand(side, side, device="cuda").to(getattr(t, kind)) for _ in range(2))
    return lambda: a @ b


def chain(t: Any, count: int, backward: bool) -> Callable[[], object]:
    """A chain of elementwise ops."""
    x = t.rand(count, device="cuda").requires_grad_(backward)

    def run() -> object:
        y = t.tanh(x) * x + t.exp(-x * x)
        if backward:
            x.grad = None
            y.sum().backward()
        return y

    return run


def on_square(t: Any, side: int, call: Callable[[Any], object]) -> Callable[[], object]:
    """A function of a square matrix."""
    x = t.rand(side, side, device="cuda")
    return lambda: call(x)


def on_vector(t: Any, count: int, call: Callable[[Any], object]) -> Callable[[], object]:
    """A function of a long vector."""
    x = t.rand(count, device="cuda")
    return lambda: call(x)


def small(t: Any, backward: bool) -> Callable[[], object]:
    """Ops whose time is that of being called."""
    x, y = (t.rand(3, device="cuda").requires_grad_(backward) for _ in range(2))
    return (lambda: (x * y + x).sum().backward()) if backward else (lambda: x + y)


def training(t: Any, sizes: tuple[int, int, int, int]) -> Callable[[], object]:
    """One step of a small network: forward, loss, backward, update."""
    batch, inputs, hidden, outputs = sizes
    model = t.nn.Sequential(t.nn.Linear(inputs, hidden), t.nn.ReLU(), t.nn.Linear(hidden, outputs)).to("cuda")
    x, target = t.rand(batch, inputs, device="cuda"), t.randint(outputs, (batch,), device="cuda")
    optimizer, criterion = t.optim.SGD(model.parameters(), lr=0.01), t.nn.CrossEntropyLoss()

    def step() -> object:
        optimizer.zero_grad()
        loss = criterion(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    return step


def copying(t: Any, count: int, to: str) -> Callable[[], object]:
    """A copy from or to the host."""
    x = t.rand(count, device="cpu" if to == "cuda" else "cuda")
    return lambda: x.to(to)
