"""Single operations for scripts/bench.py, each at three sizes, with the bytes and operations that it cannot do without."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import bench_numpy as by_hand

Step = Callable[[], object]


class Work(NamedTuple):
    """One operation. `build(lib, n)` gives a step in the torch API at size n, `by_hand(n)` the same in NumPy; `bytes(n)` and `flops(n)` are
    what it moves and computes at least, for the physical floor; `passes(n)` are (bytes, operations) of the fewest NumPy calls that do it,
    where these are many; `sizes` are small, middle and the one with the budget."""

    what: str
    sizes: tuple[int, int, int]
    build: Callable[[Any, int], Step]
    by_hand: Callable[[int], Step]
    bytes: Callable[[int], float]
    flops: Callable[[int], float] = lambda n: 0.0
    passes: Callable[[int], tuple[float, float]] | None = None


def _random(lib: Any, *shape: int, grad: bool = False, dtype: str = "float32") -> Any:
    """The same random numbers on each side."""
    array = import_module("numpy").random.default_rng(0).standard_normal(shape).astype(dtype)
    tensor = lib.from_numpy(array)
    return tensor.requires_grad_() if grad else tensor


def _backward(forward: Callable[[], Any], *leaves: Any) -> Step:
    """A step forward and backward that forgets its gradients."""

    def step() -> None:
        forward().backward()
        for leaf in leaves:
            leaf.grad = None

    return step


def _add_broadcast(lib: Any, n: int) -> Step:
    x, b = _random(lib, n, 3, grad=True), _random(lib, 3, grad=True)
    return lambda: x + b


def _add_scalar(lib: Any, n: int) -> Step:
    x = _random(lib, n, 3, grad=True)
    return lambda: x + 1.5


def _row(lib: Any, n: int) -> Step:
    x, i = _random(lib, n, 3), n // 2
    return lambda: x[i]


def _rows(lib: Any, n: int) -> Step:
    x = _random(lib, n, 3)
    return lambda: x[1:3]


def _cross_entropy(lib: Any, n: int) -> Step:
    x, target = _random(lib, 64, n, grad=True), lib.arange(64) % n
    cross_entropy = lib.nn.functional.cross_entropy
    return _backward(lambda: cross_entropy(x, target), x)


def _softmax(lib: Any, n: int) -> Step:
    x, weights = _random(lib, 64, n, grad=True), _random(lib, 64, n)
    return _backward(lambda: (x.softmax(-1) * weights).sum(), x)


def _layer_norm(lib: Any, n: int) -> Step:
    x, weight, bias = _random(lib, n, 1024, grad=True), _random(lib, 1024, grad=True), _random(lib, 1024, grad=True)
    weights, layer_norm = _random(lib, n, 1024), lib.nn.functional.layer_norm
    return _backward(lambda: (layer_norm(x, (1024,), weight, bias) * weights).sum(), x, weight, bias)


def _conv2d(lib: Any, n: int) -> Step:
    x, kernels = _random(lib, n, 16, 32, 32, grad=True), _random(lib, 32, 16, 3, 3, grad=True)
    weights, conv2d = _random(lib, n, 32, 32, 32), lib.nn.functional.conv2d
    return _backward(lambda: (conv2d(x, kernels, padding=1) * weights).sum(), x, kernels)


def _embedding(lib: Any, n: int) -> Step:
    table, places = _random(lib, 50_000, 64, grad=True), (lib.arange(n * 128) * 7919 % 50_000).view(n, 128)
    weights, embedding = _random(lib, n, 128, 64), lib.nn.functional.embedding
    return _backward(lambda: (embedding(places, table) * weights).sum(), table)


def _cumsum(lib: Any, n: int) -> Step:
    x = _random(lib, n)
    return lambda: x.cumsum(0)


def _sort(lib: Any, n: int) -> Step:
    x = _random(lib, n)
    return lambda: x.sort()


def _gather(lib: Any, n: int) -> Step:
    x, places = _random(lib, n), lib.arange(n) * 7919 % n
    return lambda: x[places]


def _scatter(lib: Any, n: int) -> Step:
    x, values, places = lib.zeros(n), _random(lib, n), lib.arange(n) * 7919 % n

    def step() -> None:
        x[places] = values

    return step


def _sum_rows(lib: Any, n: int) -> Step:
    x = _random(lib, n, n)
    return lambda: x.sum(1)


def _sum_columns(lib: Any, n: int) -> Step:
    x = _random(lib, n, n)
    return lambda: x.sum(0)


def _contiguous(lib: Any, n: int) -> Step:
    x = _random(lib, n, n)
    return lambda: x.t().contiguous()


def _cat(lib: Any, n: int) -> Step:
    parts = [_random(lib, n) for _ in range(100)]
    return lambda: lib.cat(parts)


def _matmul(dtype: str) -> Callable[[Any, int], Step]:
    def build(lib: Any, n: int) -> Step:
        a, b = _random(lib, n, n, dtype=dtype), _random(lib, n, n, dtype=dtype)
        return lambda: a @ b

    return build


def _convolved(n: int) -> float:
    """Multiplications and additions of three products of that size: forward and two gradients."""
    return 3 * 2.0 * n * 32 * 32 * 32 * 16 * 9


# What NumPy's calls read and write, an array a time; a row of numbers, one for each of many rows, is left out.
# softmax: max, -, exp, sum, / of the rows; the product with the weights, its sum and gradient; dot, -, * of the gradient
_SOFTMAX = (1 + 2 + 2 + 1 + 2) + (3 + 1 + 2) + (2 + 2 + 3)
# log_softmax: max, -, exp, sum, -; nll's zeros; sum, exp, *, - of the gradient
_CROSS_ENTROPY = (1 + 2 + 2 + 1 + 2) + 1 + (1 + 2 + 2 + 3)
# sum, -, dot, *, *, +; the product with the weights, its sum and gradient; sum, -, dot, *, two sums of columns, dot, *, dot, +, *, -, *
_LAYER_NORM = (1 + 2 + 1 + 2 + 2 + 2) + (3 + 1 + 2) + (1 + 2 + 1 + 3 + 2 + 1 + 2 + 1 + 2 + 2 + 3 + 2)
# 9 times the input: columns written and read by a product, twice; a product written, and read, added and written in the input's gradient
_CONV = 9 * (2 + 2 + 1 + 3)


WORKS = (
    Work("x + b broadcast, with grad", (4, 64, 1024), _add_broadcast, by_hand.add_broadcast, lambda n: 24.0 * n),
    Work("x + 1.5, with grad", (4, 64, 1024), _add_scalar, by_hand.add_scalar, lambda n: 24.0 * n),
    Work("x[i]", (4, 64, 1024), _row, by_hand.row, lambda n: 0.0),
    Work("x[1:3]", (4, 64, 1024), _rows, by_hand.rows, lambda n: 0.0),
    Work("softmax 64xN forward and backward", (10, 100, 1000), _softmax, by_hand.softmax, lambda n: 5 * 256.0 * n, passes=lambda n: (_SOFTMAX * 256.0 * n, 0.0)),
    Work("cross_entropy 64xN forward and backward", (10, 100, 1000), _cross_entropy, by_hand.cross_entropy, lambda n: 4 * 256.0 * n, passes=lambda n: (_CROSS_ENTROPY * 256.0 * n, 0.0)),
    Work("layer_norm Nx1024 forward and backward", (16, 64, 256), _layer_norm, by_hand.layer_norm, lambda n: 6 * 4096.0 * n, passes=lambda n: (_LAYER_NORM * 4096.0 * n, 0.0)),
    Work("conv2d Nx16x32x32, 32 3x3 kernels, both ways", (1, 4, 8), _conv2d, by_hand.conv2d, lambda n: 8 * 65536.0 * n, _convolved, passes=lambda n: (_CONV * 65536.0 * n, _convolved(n))),
    Work("embedding Nx128 of 50000x64, both ways", (2, 8, 32), _embedding, by_hand.embedding, lambda n: 50_000 * 64 * 4 + 4 * 32768.0 * n),
    Work("cumsum", (10_000, 100_000, 1_000_000), _cumsum, by_hand.cumsum, lambda n: 8.0 * n, passes=lambda n: ((4 + 8 + 8 + 16 + 8 + 4) * float(n), 2 * 34.0 * n)),
    Work("sort", (10_000, 100_000, 1_000_000), _sort, by_hand.sort, lambda n: 16.0 * n),
    Work("gather x[places]", (10_000, 100_000, 1_000_000), _gather, by_hand.gather, lambda n: 16.0 * n),
    Work("scatter x[places] = values", (10_000, 100_000, 1_000_000), _scatter, by_hand.scatter, lambda n: 16.0 * n, passes=lambda n: ((8 + 4 + 2 * 64) * float(n), 0.0)),
    Work("sum(1) NxN", (256, 1024, 4096), _sum_rows, by_hand.sum_rows, lambda n: 4.0 * n * n),
    Work("sum(0) NxN", (256, 1024, 4096), _sum_columns, by_hand.sum_columns, lambda n: 4.0 * n * n),
    Work("t().contiguous() NxN", (256, 1024, 4096), _contiguous, by_hand.contiguous, lambda n: 8.0 * n * n),
    Work("cat of 100 of N", (100, 1000, 10_000), _cat, by_hand.cat, lambda n: 800.0 * n),
    Work("matmul NxN float32", (64, 256, 1024), _matmul("float32"), by_hand.matmul("float32"), lambda n: 12.0 * n * n, lambda n: 2.0 * n**3),
    Work("matmul NxN float64", (64, 256, 1024), _matmul("float64"), by_hand.matmul("float64"), lambda n: 24.0 * n * n, lambda n: 2.0 * n**3),
)


def ceilings() -> dict[str, float]:
    """Bytes a second of NumPy's copy, and operations a second of its product, on this machine now."""
    from timeit import repeat

    np = import_module("numpy")
    a = np.zeros(1 << 25, np.float32)
    b, m = np.empty_like(a), np.ones((1536, 1536), np.float32)
    copied = min(repeat(lambda: np.copyto(b, a), number=1, repeat=7))
    multiplied = min(repeat(lambda: m @ m, number=1, repeat=7))
    return {"bytes": 2 * a.nbytes / copied, "flops": 2 * 1536**3 / multiplied}


if __name__ == "__main__":
    sys.exit("run scripts/bench.py --rows ops,growth")
