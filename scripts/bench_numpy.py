"""The operations of bench_ops.py by hand: forward and gradients as one would write them in NumPy, without a graph."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from itertools import product
from typing import Any

Step = Callable[[], object]
np = import_module("numpy")


def _random(*shape: int, dtype: str = "float32") -> Any:
    """The numbers that the other sides get."""
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def add_broadcast(n: int) -> Step:
    x, b = _random(n, 3), _random(3)
    return lambda: x + b


def add_scalar(n: int) -> Step:
    x = _random(n, 3)
    return lambda: x + 1.5


def row(n: int) -> Step:
    x, i = _random(n, 3), n // 2
    return lambda: x[i]


def rows(n: int) -> Step:
    x = _random(n, 3)
    return lambda: x[1:3]


def softmax(n: int) -> Step:
    x, weights = _random(64, n), _random(64, n)

    def step() -> Any:
        e = np.exp(x - x.max(1, keepdims=True))
        e /= e.sum(1, keepdims=True)
        total = (e * weights).sum()
        return total, (weights - (weights * e).sum(1, keepdims=True)) * e

    return step


def cross_entropy(n: int) -> Step:
    x, target, places = _random(64, n), np.arange(64) % n, np.arange(64)

    def step() -> Any:
        logs = x - x.max(1, keepdims=True)
        logs -= np.log(np.exp(logs).sum(1, keepdims=True))
        loss = -logs[places, target].mean()
        slope = np.exp(logs)
        slope[places, target] -= 1
        slope /= np.float32(len(x))
        return loss, slope

    return step


def layer_norm(n: int) -> Step:
    x, weight, bias, weights = _random(n, 1024), _random(1024), _random(1024), _random(n, 1024)

    def step() -> Any:
        units = x - x.mean(1, keepdims=True)
        rate = 1 / np.sqrt((units * units).mean(1, keepdims=True) + np.float32(1e-5))
        units *= rate
        total = ((units * weight + bias) * weights).sum()
        by_bias, by_weight = weights.sum(0), (weights * units).sum(0)
        g = weights * weight
        return total, by_bias, by_weight, rate * (g - g.mean(1, keepdims=True) - units * (g * units).mean(1, keepdims=True))

    return step


def conv2d(n: int) -> Step:
    x, kernels, weights = _random(n, 16, 32, 32), _random(32, 16, 3, 3), _random(n, 32, 32, 32)
    flat = kernels.reshape(32, 144)

    def columns() -> Any:
        wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        seen = np.lib.stride_tricks.sliding_window_view(wide, (3, 3), (2, 3))
        return seen.transpose(0, 1, 4, 5, 2, 3).reshape(n, 144, 1024)

    def step() -> Any:
        seen = columns()
        total = ((flat @ seen).reshape(weights.shape) * weights).sum()
        grad = weights.reshape(n, 32, 1024)
        by_kernels = (grad @ seen.transpose(0, 2, 1)).sum(0)
        parts = (flat.T @ grad).reshape(n, 16, 3, 3, 32, 32)
        wide = np.zeros((n, 16, 34, 34), np.float32)
        for i, j in product(range(3), repeat=2):
            wide[:, :, i : i + 32, j : j + 32] += parts[:, :, i, j]
        return total, by_kernels, wide[:, :, 1:33, 1:33]

    return step


def embedding(n: int) -> Step:
    table, places, weights = _random(50_000, 64), (np.arange(n * 128) * 7919 % 50_000).reshape(n, 128), _random(n, 128, 64)

    def step() -> Any:
        total = (table[places] * weights).sum()
        grad = np.zeros_like(table)
        np.add.at(grad, places, weights)
        return total, grad

    return step


def cumsum(n: int) -> Step:
    x = _random(n)
    return lambda: np.cumsum(x, dtype=np.float64).astype(np.float32)


def sort(n: int) -> Step:
    x = _random(n)

    def step() -> Any:
        places = np.argsort(x, stable=True)
        return x[places], places

    return step


def gather(n: int) -> Step:
    x, places = _random(n), np.arange(n) * 7919 % n
    return lambda: x[places]


def scatter(n: int) -> Step:
    x, values, places = np.zeros(n, np.float32), _random(n), np.arange(n) * 7919 % n

    def step() -> None:
        x[places] = values

    return step


def sum_rows(n: int) -> Step:
    x = _random(n, n)
    return lambda: x.sum(1)


def sum_columns(n: int) -> Step:
    x = _random(n, n)
    return lambda: x.sum(0)


def contiguous(n: int) -> Step:
    x = _random(n, n)
    return lambda: np.ascontiguousarray(x.T)


def cat(n: int) -> Step:
    parts = [_random(n) for _ in range(100)]
    return lambda: np.concatenate(parts)


def matmul(dtype: str) -> Callable[[int], Step]:
    """The product in one dtype."""

    def build(n: int) -> Step:
        a, b = _random(n, n, dtype=dtype), _random(n, n, dtype=dtype)
        return lambda: a @ b

    return build


if __name__ == "__main__":
    sys.exit("run scripts/bench.py --rows ops")
