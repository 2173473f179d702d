"""The stride arithmetic: recorded examples, properties that always hold, random comparison with torch where it is installed."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import pytest

from tcalc.engine.errors import EngineError
from tcalc.engine.layout import (
    Geometry,
    broadcast_shapes,
    contiguous_strides,
    elementwise_strides,
    extent,
    has_overlap,
    infer_size,
    is_channels_last,
    is_contiguous,
    is_dense,
    like_strides,
    view_strides,
    wrap_dim,
)

Ints = tuple[int, ...]
Numbers = random.Random


@pytest.mark.parametrize(
    ("shape", "strides"),
    [((), ()), ((2, 3), (3, 1)), ((2, 0, 3), (3, 3, 1)), ((0,), (1,)), ((4, 1, 2), (2, 2, 1))],
)
def test_row_major_strides(shape: Ints, strides: Ints) -> None:
    """A size-0 dim counts as one."""
    assert contiguous_strides(shape) == strides
    assert is_contiguous(shape, strides)


@pytest.mark.parametrize(
    ("shape", "strides", "contiguous", "dense"),
    [
        ((2, 3), (1, 2), False, True),
        ((2, 3), (4, 1), False, False),
        ((1, 3), (99, 1), True, True),
        ((2, 0), (7, 5), True, True),
        ((3,), (0,), False, False),
        ((2, 3, 4), (1, 8, 2), False, True),
    ],
)
def test_contiguous_and_dense(shape: Ints, strides: Ints, contiguous: bool, dense: bool) -> None:
    """Recorded from torch 2.13."""
    assert is_contiguous(shape, strides) is contiguous
    assert is_dense(shape, strides) is dense


@pytest.mark.parametrize(
    ("shape", "operands", "strides"),
    [
        ((2, 3), (((2, 3), (3, 1)), ((2, 3), (3, 1))), (3, 1)),
        ((2, 3), (((2, 3), (1, 2)), ((2, 3), (1, 2))), (1, 2)),
        ((2, 3), (((2, 3), (1, 2)), ((2, 3), (3, 1))), (1, 2)),
        ((2, 3), (((2, 3), (6, 2)),), (3, 1)),
        ((2, 3), (((2, 1), (1, 1)), ((3,), (1,))), (3, 1)),
        ((4, 2, 3), (((4, 2, 3), (1, 12, 4)), ((), ())), (1, 12, 4)),
        ((2, 3, 2, 2), (((2, 3, 2, 2), (12, 1, 6, 3)), ((3, 1, 1), (1, 1, 1))), (12, 1, 6, 3)),
    ],
)
def test_elementwise_strides(shape: Ints, operands: Any, strides: Ints) -> None:
    """Recorded from torch 2.13."""
    assert elementwise_strides(shape, operands) == strides


@pytest.mark.parametrize(
    ("shape", "strides", "new", "expected"),
    [
        ((2, 3), (3, 1), (6,), (1,)),
        ((2, 3), (1, 2), (6,), None),
        ((4, 2), (4, 2), (8,), (2,)),
        ((2, 3), (0, 1), (2, 3, 1), (0, 1, 1)),
        ((6,), (2,), (2, 1, 3), (6, 6, 2)),
        ((2, 0), (1, 1), (0, 5), (5, 1)),
        ((), (), (1, 1), (1, 1)),
    ],
)
def test_view_strides(shape: Ints, strides: Ints, new: Ints, expected: Ints | None) -> None:
    """Recorded from torch 2.13: None where view refuses."""
    assert view_strides(shape, strides, new) == expected


def test_channels_last() -> None:
    """Only four dims can lie so."""
    assert is_channels_last((2, 3, 4, 5), (60, 1, 15, 3))
    assert not is_channels_last((2, 3, 4, 5), (60, 20, 5, 1))
    assert not is_channels_last((2, 3, 4), (12, 1, 3))


def test_overlap() -> None:
    """A stride of 0 overlaps only where there is more than one element."""
    assert has_overlap((2, 3), (0, 1))
    assert not has_overlap((1, 3), (0, 1))
    assert not has_overlap((2, 0), (0, 1))


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (
            lambda: broadcast_shapes((2, 3), (4, 3)),
            RuntimeError,
            "The size of tensor a (2) must match the size of tensor b (4) at non-singleton dimension 0",
        ),
        (lambda: infer_size((-1, -1), 4), RuntimeError, "only one dimension can be inferred"),
        (lambda: infer_size((2, -3), 6), RuntimeError, "invalid shape dimension -3 at index 1 of shape [2, -3]"),
        (lambda: infer_size((4,), 6), RuntimeError, "shape '[4]' is invalid for input of size 6"),
        (lambda: wrap_dim(2, 2), IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got 2)"),
        (lambda: Geometry((2,), (1,)).selected(0, 2), IndexError, "select(): index 2 out of range for tensor of size [2] at dimension 0"),
        (lambda: Geometry((3,), (1,)).unfolded(0, 4, 1), RuntimeError, "maximum size for tensor at dimension 0 is 3 but size is 4"),
        (lambda: Geometry((3, 3), (3, 1)).diagonal(0, 1, 1), RuntimeError, "diagonal dimensions cannot be identical 1, 1"),
    ],
)
def test_refusals(call: Callable[[], Any], kind: type[Exception], sentence: str) -> None:
    """torch's exception types and sentences."""
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence


def geometry(numbers: Numbers) -> Geometry:
    """A random geometry: permuted, some dims narrowed, some size-1 dims expanded."""
    shape = [numbers.choice((0, 1, 1, 2, 3, 4)) for _ in range(numbers.randint(0, 4))]
    g = Geometry(tuple(shape), contiguous_strides(shape))
    order = list(range(g.ndim))
    numbers.shuffle(order)
    g = g.permuted(order)
    for d in range(g.ndim):
        chance = numbers.random()
        if chance < 0.15 and g.shape[d] > 1:
            g = g.sliced(d, 0, g.shape[d] - 1)
        elif chance < 0.25 and g.shape[d] == 1:
            g = g.expanded([*g.shape[:d], 3, *g.shape[d + 1 :]])
    return g


def slots(g: Geometry) -> list[int]:
    """The storage slot of each element, in row-major order."""
    places = np.asarray(g.offset)
    for size, stride in zip(g.shape, g.strides, strict=True):
        places = places[..., None] + np.arange(size) * stride
    return [int(p) for p in places.reshape(-1)]


def test_views_show_the_same_slots() -> None:
    """A view that is granted shows the same elements in the same order; a fresh layout is dense; extents bound all slots."""
    numbers = random.Random(1)
    for _ in range(2000):
        g = geometry(numbers)
        found = slots(g)
        assert len(found) == prod(g.shape)
        assert max(found, default=-1) < extent(g.shape, g.strides) or not found
        assert is_dense(g.shape, like_strides(g.shape, g.strides))
        strides = elementwise_strides(g.shape, ((g.shape, g.strides),))
        assert is_dense(g.shape, strides)
        sizes = factors(numbers, prod(g.shape))
        shown = view_strides(g.shape, g.strides, tuple(sizes))
        if shown is not None:
            assert slots(Geometry(tuple(sizes), shown, g.offset)) == found
        else:
            assert not is_contiguous(g.shape, g.strides)


def factors(numbers: Numbers, count: int) -> list[int]:
    """Sizes whose product is `count`, in random order."""
    sizes, rest = [], count
    while rest > 1 and numbers.random() < 0.8:
        size = numbers.choice([d for d in range(1, rest + 1) if rest % d == 0])
        sizes.append(size)
        rest //= size
    sizes.append(rest)
    numbers.shuffle(sizes)
    if numbers.random() < 0.2:
        sizes.insert(numbers.randint(0, len(sizes)), 1)
    return sizes


def outcome(call: Callable[[], Any], own: bool) -> Any:
    """Geometry of a view, or type and sentence of the refusal."""
    try:
        made = call()
    except (EngineError, RuntimeError, IndexError) as error:
        builtin = next(t for t in type(error).__mro__ if t.__module__ == "builtins")
        return builtin.__name__, str(error)
    return tuple(made) if own else (tuple(made.shape), made.stride(), made.storage_offset())


def test_random_geometry_against_torch() -> None:
    """Contiguity, fresh layouts and every view method, on random geometry."""
    torch = pytest.importorskip("torch")
    numbers = random.Random(2)
    for _ in range(1500):
        g = geometry(numbers)
        storage = torch.zeros(max(extent(g.shape, g.strides), 1))
        t = storage.as_strided(g.shape, g.strides)
        assert t.is_contiguous() == is_contiguous(g.shape, g.strides)
        assert t.neg().stride() == elementwise_strides(g.shape, ((g.shape, g.strides),))
        assert torch.empty_like(t).stride() == like_strides(g.shape, g.strides)
        _pairs(torch, numbers, g, t)
        _views(numbers, g, t)


def _pairs(torch: Any, numbers: Numbers, g: Geometry, t: Any) -> None:
    shape = [s if numbers.random() < 0.7 else 1 for s in g.shape]
    order = list(range(len(shape)))
    if numbers.random() < 0.5:
        numbers.shuffle(order)
    other = torch.zeros([shape[d] for d in order]).permute([order.index(d) for d in range(len(order))])
    if numbers.random() < 0.3 and other.ndim and other.shape[0]:
        other = other[0]
    theirs = outcome(lambda: t + other, own=False)
    ours: Any = outcome(lambda: (broadcast_shapes(g.shape, tuple(other.shape)), 0, 0), own=True)
    if isinstance(ours[0], tuple):
        strides = elementwise_strides(ours[0], ((g.shape, g.strides), (tuple(other.shape), other.stride())))
        ours = (ours[0], strides, 0)
    assert theirs == ours


def _views(numbers: Numbers, g: Geometry, t: Any) -> None:
    d, i, step = numbers.randint(-5, 4), numbers.randint(-4, 4), numbers.randint(1, 3)
    sizes = factors(numbers, prod(g.shape))
    wide = [numbers.choice([-1, s]) if s != 1 else numbers.choice([1, -1, 3, 0]) for s in g.shape]
    wide = [numbers.choice([2, 1, 3]) for _ in range(numbers.randint(0, 2))] + wide
    calls: list[tuple[str, Callable[[], Any], Callable[[], Any]]] = [
        (f"view {sizes}", lambda: t.view(sizes), lambda: g.viewed(sizes)),
        (f"select {d} {i}", lambda: t.select(d, i), lambda: g.selected(d, i)),
        (f"unsqueeze {d}", lambda: t.unsqueeze(d), lambda: g.unsqueezed(d)),
        ("squeeze", lambda: t.squeeze(), lambda: g.squeezed(range(9))),
        (f"expand {wide}", lambda: t.expand(wide), lambda: g.expanded(wide)),
        (f"unfold {d} {i + 2}", lambda: t.unfold(d, i + 2, step), lambda: g.unfolded(d, i + 2, step)),
    ]
    if g.ndim:
        at, start, stop = d % g.ndim, numbers.randint(-5, 5), numbers.randint(-5, 5)
        index = (slice(None),) * at + (slice(start, stop, step),)
        calls.append((f"slice {index}", lambda: t[index], lambda: g.sliced(at, start, stop, step)))
    if g.ndim > 1:
        one, two = d % g.ndim, (d + 1) % g.ndim
        calls.append((f"diagonal {i} {one} {two}", lambda: t.diagonal(i, one, two), lambda: g.diagonal(i, one, two)))
    for text, theirs, own in calls:
        assert outcome(theirs, own=False) == outcome(own, own=True), f"{text} on {g}"
