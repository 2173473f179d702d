"""Random shapes and strides (sizes 0 and 1, permuted, narrowed, expanded) through views, indexing, arithmetic, reductions, matmul, cat."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import torch
from mirror import mirror
from sweep import Report, attempt, compare, gradients, refusals, show, tensors_in

Numbers = random.Random
SIZES = (0, 1, 1, 2, 2, 3, 4)


def tensor(numbers: Numbers, ndim: int | None = None, shape: list[int] | None = None, grad: bool = True) -> Any:
    """A float64 tensor of random geometry: dims permuted, some narrowed, some size-1 dims expanded."""
    if shape is None:
        shape = [numbers.choice(SIZES) for _ in range(numbers.randint(0, 4) if ndim is None else ndim)]
        free = True
    else:
        free = False
    order = list(range(len(shape)))
    if numbers.random() < 0.6:
        numbers.shuffle(order)
    wide = [shape[d] + (numbers.random() < 0.2) for d in order]
    count = 1
    for size in wide:
        count *= size
    base = torch.arange(count, dtype=torch.float64).sub_(count // 2).mul_(0.5).reshape(wide)
    t = base[tuple(slice(0, shape[d]) for d in order)].permute([order.index(i) for i in range(len(shape))])
    if free and t.ndim and numbers.random() < 0.15:
        d = numbers.randrange(t.ndim)
        if t.shape[d] == 1:
            t = t.expand(*t.shape[:d], 3, *t.shape[d + 1 :])
    t = t.detach()
    return t.requires_grad_() if grad and numbers.random() < 0.5 else t


def both(report: Report, text: str, call: Callable[..., Any], *given: Any, loose: float = 1) -> None:
    """The same call on torch's tensors and on their mirrors, compared with gradients."""
    memo: dict[int, Any] = {}
    taken = mirror(list(given), memo)
    theirs, mine = attempt(call, *given), attempt(call, *taken)
    ts, ms = tensors_in(list(given)), tensors_in(taken)
    text = f"{text} on {', '.join(show(g) for g in given)}"
    if refusals(report, theirs, mine, text) and compare(report, theirs, mine, ts, ms, text, loose=loose):
        gradients(report, theirs, mine, ts, ms, text, loose=loose)


def views(report: Report, numbers: Numbers) -> None:
    """transpose, permute, select, narrow, squeeze, unsqueeze, expand, diagonal, unfold, flatten, split, chunk, movedim."""
    t = tensor(numbers)
    n = max(t.ndim, 1)
    a, b, i = numbers.randint(-n - 1, n), numbers.randint(-n, n - 1), numbers.randint(-3, 3)
    k = numbers.randint(1, 3)
    order = list(range(t.ndim))
    numbers.shuffle(order)
    sizes = [numbers.choice((-1, s)) if s != 1 else numbers.choice((1, -1, 3, 0)) for s in t.shape]
    sizes = [numbers.choice((1, 2)) for _ in range(numbers.randint(0, 2))] + sizes
    calls: dict[str, Callable[[Any], Any]] = {
        f"transpose({a}, {b})": lambda x: x.transpose(a, b),
        f"permute({order})": lambda x: x.permute(order),
        f"select({a}, {i})": lambda x: x.select(a, i),
        f"narrow({b}, {i}, {k})": lambda x: x.narrow(b, i, k),
        "squeeze()": lambda x: x.squeeze(),
        f"squeeze({b})": lambda x: x.squeeze(b),
        f"unsqueeze({a})": lambda x: x.unsqueeze(a),
        f"expand({sizes})": lambda x: x.expand(sizes),
        f"diagonal({i}, {a}, {b})": lambda x: x.diagonal(i, a, b),
        f"unfold({b}, {k}, {k})": lambda x: x.unfold(b, k, k),
        f"flatten({a}, {b})": lambda x: x.flatten(a, b),
        f"split({k}, {b})": lambda x: x.split(k, b),
        f"chunk({k}, {b})": lambda x: x.chunk(k, b),
        f"movedim({a}, {b})": lambda x: x.movedim(a, b),
        f"unbind({b})": lambda x: x.unbind(b),
        "T": lambda x: x.T,
        "t()": lambda x: x.t(),
        f"index_select({b})": lambda x: x[...].unsqueeze(0),
    }
    text = numbers.choice(list(calls))
    both(report, text, calls[text], t)


def factors(numbers: Numbers, count: int) -> list[int]:
    """Sizes whose product is `count`, in random order, ones mixed in."""
    sizes, rest = [], count
    while rest > 1 and numbers.random() < 0.8:
        size = numbers.choice([d for d in range(1, rest + 1) if rest % d == 0])
        sizes.append(size)
        rest //= size
    sizes.append(rest)
    numbers.shuffle(sizes)
    if numbers.random() < 0.3:
        sizes.insert(numbers.randint(0, len(sizes)), 1)
    if numbers.random() < 0.2:
        sizes[numbers.randrange(len(sizes))] = -1
    return sizes


def reshapes(report: Report, numbers: Numbers) -> None:
    """view and reshape to random sizes."""
    t = tensor(numbers)
    sizes = factors(numbers, t.numel())
    if numbers.random() < 0.5:
        both(report, f"view({sizes})", lambda x: x.view(sizes), t)
    else:
        both(report, f"reshape({sizes})", lambda x: x.reshape(sizes), t)


def _index(numbers: Numbers, shape: Any, advanced: bool) -> tuple[Any, ...]:
    items: list[Any] = []
    for size in shape[: numbers.randint(0, len(shape))]:
        kind = numbers.random()
        if kind < 0.25:
            items.append(numbers.randint(-size - 1, size) if numbers.random() < 0.1 else numbers.randint(-size, size - 1) if size else 0)
        elif kind < 0.65 or not advanced:
            step = numbers.randint(1, 3)
            items.append(slice(numbers.choice((None, numbers.randint(-4, 4))), numbers.choice((None, numbers.randint(-4, 4))), step))
        elif kind < 0.8:
            items.append(torch.tensor([numbers.random() < 0.5 for _ in range(size)], dtype=torch.bool))
        else:
            count = numbers.choice((1, 2, 2, 0))
            items.append(torch.tensor([numbers.randint(-size, size - 1) if size else 0 for _ in range(count)], dtype=torch.int64))
        if numbers.random() < 0.15:
            items.append(None)
    if numbers.random() < 0.2 and Ellipsis not in items:
        items.append(Ellipsis)
    return tuple(items)


def getitem(report: Report, numbers: Numbers) -> None:
    """x[...] with ints, slices, None and Ellipsis, half the time with index tensors and masks."""
    t = tensor(numbers)
    index = _index(numbers, t.shape, numbers.random() < 0.5)
    both(report, f"x[{index}]", lambda x, *i: x[i], t, *index)


def setitem(report: Report, numbers: Numbers) -> None:
    """x[...] = number or tensor, on a computed copy."""
    t = tensor(numbers)
    index = _index(numbers, t.shape, numbers.random() < 0.4)
    shown = attempt(lambda: t.detach()[index])
    value: Any = 7.0
    if isinstance(shown, torch.Tensor) and numbers.random() < 0.6:
        value = tensor(numbers, shape=[s if numbers.random() < 0.8 else 1 for s in shown.shape])

    def write(x: Any, v: Any, *i: Any) -> Any:
        y = x.clone()
        y[i] = v
        return y

    both(report, f"x[{index}] = v", write, t, value, *index)


def _partner(numbers: Numbers, t: Any) -> Any:
    shape = [s if numbers.random() < 0.7 else 1 for s in t.shape]
    if numbers.random() < 0.2:
        shape = shape[1:]
    if numbers.random() < 0.05 and shape:
        shape[0] += 2
    return tensor(numbers, shape=shape)


def elementwise(report: Report, numbers: Numbers) -> None:
    """One and two operands, broadcast."""
    t = tensor(numbers)
    if numbers.random() < 0.4:
        both(report, "neg", lambda x: -x, t)
    else:
        both(report, "x * y", lambda x, y: x * y, t, _partner(numbers, t))


def in_place(report: Report, numbers: Numbers) -> None:
    """y = view of x; y += z: what x and y become."""
    t = tensor(numbers)
    u = _partner(numbers, t)

    def write(x: Any, z: Any) -> Any:
        y = x.clone()
        v = y.t() if y.ndim == 2 else y[...]
        v += z if z.ndim < 2 else z.transpose(-1, -2) if y.ndim == 2 and z.ndim == 2 else z
        return y, v

    both(report, "in place", write, t, u)


def reductions(report: Report, numbers: Numbers) -> None:
    """sum, mean, amax, max, std, cumsum, all along random dims."""
    t = tensor(numbers)
    n = max(t.ndim, 1)
    d, keep = numbers.randint(-n, n - 1), numbers.random() < 0.5
    some = sorted(numbers.sample(range(t.ndim), numbers.randint(0, t.ndim)))
    calls: dict[str, Callable[[Any], Any]] = {
        f"sum({some}, {keep})": lambda x: x.sum(some, keep),
        f"mean({d}, {keep})": lambda x: x.mean(d, keep),
        f"amax({d}, {keep})": lambda x: x.amax(d, keep),
        f"max({d}, {keep})": lambda x: x.max(d, keep),
        f"std({d})": lambda x: x.std(d, keepdim=keep),
        f"cumsum({d})": lambda x: x.cumsum(d),
        f"softmax({d})": lambda x: x.softmax(d),
        f"sort({d})": lambda x: x.sort(d),
        f"argmax({d}, {keep})": lambda x: x.argmax(d, keep),
        "sum()": lambda x: x.sum(),
        "max()": lambda x: x.max(),
        f"prod({d})": lambda x: x.prod(d, keep),
        f"all({d})": lambda x: x.all(d, keep),
        f"logsumexp({d})": lambda x: x.logsumexp(d, keep),
        f"flip({d})": lambda x: x.flip(d),
        f"roll(1, {d})": lambda x: x.roll(1, d),
    }
    text = numbers.choice(list(calls))
    if text.startswith(("argmax", "sort", "max")):
        flat = t.detach().clone()  # equal values may be found in any order
        t = flat.copy_(torch.randperm(flat.numel(), generator=torch.Generator().manual_seed(3)).reshape(flat.shape))
    both(report, text, calls[text], t)


def products(report: Report, numbers: Numbers) -> None:
    """matmul of 1 to 4 dims, batch dims broadcast."""
    m, k, p = (numbers.choice((1, 2, 3, 3, 0)) for _ in range(3))
    batch = [numbers.choice((1, 2, 3)) for _ in range(numbers.randint(0, 2))]
    left = tensor(numbers, shape=[*[b if numbers.random() < 0.8 else 1 for b in batch], m, k] if numbers.random() < 0.8 else [k])
    other = [b if numbers.random() < 0.8 else 1 for b in batch][numbers.randint(0, len(batch)) :]
    right = tensor(numbers, shape=[*other, k, p] if numbers.random() < 0.8 else [k])
    both(report, "matmul", lambda x, y: x @ y, left, right)


def joins(report: Report, numbers: Numbers) -> None:
    """cat and stack of tensors laid out differently."""
    t = tensor(numbers)
    n = max(t.ndim, 1)
    d = numbers.randint(-n, n - 1)
    others = [t]
    for _ in range(numbers.randint(0, 2)):
        shape = list(t.shape)
        if shape and numbers.random() < 0.5:
            shape[d] = numbers.choice(SIZES)
        others.append(tensor(numbers, shape=shape))
    from tcalc.engine.registry import PUBLIC

    def join(name: str) -> Callable[..., Any]:
        return lambda *ts: (getattr(torch, name) if isinstance(ts[0], torch.Tensor) else PUBLIC[name].call)(list(ts), d)

    name = numbers.choice(("cat", "cat", "stack"))
    both(report, f"{name} dim {d}", join(name), *others)


def copies(report: Report, numbers: Numbers) -> None:
    """clone, contiguous, to, empty_like, masked_fill, where: strides of fresh results."""
    t = tensor(numbers)
    from tcalc.engine import dtypes
    from tcalc.engine.registry import PUBLIC

    def to(x: Any) -> Any:
        return x.to(torch.float32 if isinstance(x, torch.Tensor) else dtypes.float32)

    def where(x: Any) -> Any:
        return torch.where(x > 0, x, 0.5) if isinstance(x, torch.Tensor) else PUBLIC["where"].call(x > 0, x, 0.5)

    def like(x: Any) -> Any:
        return torch.zeros_like(x) if isinstance(x, torch.Tensor) else PUBLIC["zeros_like"].call(x)

    calls: dict[str, Callable[[Any], Any]] = {
        "clone": lambda x: x.clone(),
        "contiguous": lambda x: x.contiguous(),
        "to": to,
        "where": where,
        "zeros_like": like,
        "masked_fill": lambda x: x.masked_fill(x > 0, 3.0),
        "x > 0": lambda x: x > 0,
        "clamp": lambda x: x.clamp(-1, 1),
        "detach": lambda x: x.detach(),
        "repeat": lambda x: x.repeat(*([2] * (x.ndim + 1))),
        "tril": lambda x: x.tril(),
        "x == x": lambda x: x == x,
    }
    text = numbers.choice(list(calls))
    both(report, text, calls[text], t)


CASES: dict[str, Callable[[Report, Numbers], None]] = {
    "views": views, "reshapes": reshapes, "getitem": getitem, "setitem": setitem, "elementwise": elementwise, "in_place": in_place,
    "reductions": reductions, "products": products, "joins": joins, "copies": copies,
}  # fmt: skip
