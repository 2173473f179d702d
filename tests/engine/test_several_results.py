"""A tuple out= of ops with several results, the place kthvalue finds among equals, and states of generators as tensors."""

from __future__ import annotations

import random

import pytest

import tcalc
from tcalc.engine.backend import np
from tcalc.engine.ops.quantiles import select


def test_out_takes_the_results() -> None:
    values, places = tcalc.empty(0), tcalc.zeros(2, dtype=tcalc.int64)
    found = tcalc.sort(tcalc.tensor([3.0, 1.0]), out=(values, places))
    assert found.values is values
    assert found.indices is places
    assert repr(found).startswith("torch.return_types.sort_out(")
    assert (values.tolist(), places.tolist()) == ([1.0, 3.0], [1, 0])


def test_nothing_is_written_when_one_is_refused() -> None:
    values, places = tcalc.zeros(2), tcalc.zeros(2)
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype long int, but got float instead"):
        tcalc.sort(tcalc.tensor([3.0, 1.0]), out=(values, places))
    assert values.tolist() == [0.0, 0.0]
    assert values._version == 0


def test_out_of_another_count_is_refused() -> None:
    with pytest.raises(TypeError, match="expected tuple of 2 elements but got 1"):
        tcalc.sort(tcalc.tensor([3.0, 1.0]), out=(tcalc.empty(0),))


def test_out_may_not_be_the_input_of_a_fold() -> None:
    x = tcalc.tensor([[3.0, 1.0]])
    with pytest.raises(RuntimeError, match="some elements of the input tensor and the written-to tensor"):
        tcalc.max(x, 1, out=(x.view(2)[:1], tcalc.empty(0, dtype=tcalc.int64)))


def _one_by_one(row: list[float], k: int) -> int:
    """The quickselect of torch, an element at a time."""
    values, places = list(row), list(range(len(row)))
    low, high = 0, len(row) - 1

    def swap(a: int, b: int) -> None:
        for each in (values, places):
            each[a], each[b] = each[b], each[a]  # type: ignore[index]  # either list

    while high > low:
        if high == low + 1:
            if values[low] > values[high]:
                swap(low, high)
            break
        swap(low + (high - low) // 2, low + 1)
        for a, b in ((low + 1, high), (low, high), (low + 1, low)):
            if values[a] > values[b]:
                swap(a, b)
        i, j, pivot = low + 1, high, values[low]
        while True:
            i += 1
            while pivot > values[i]:
                i += 1
            j -= 1
            while values[j] > pivot:
                j -= 1
            if j < i:
                break
            swap(i, j)
        swap(low, j)
        if j <= k:
            low = i
        if j >= k:
            high = j - 1
    return places[k]


def test_the_place_among_equals() -> None:
    """A round's swaps found at once lead to the places that the loop finds."""
    numbers = random.Random(3)
    for _ in range(300):
        row = [float(numbers.randrange(6)) for _ in range(numbers.randrange(2, 60))]
        k = numbers.randrange(len(row))
        assert select(np, np.array(row), k) == _one_by_one(row, k)


def test_states_of_generators() -> None:
    generator = tcalc.Generator().manual_seed(3)
    state = generator.get_state()
    assert (state.dtype, tuple(state.shape)) == (tcalc.uint8, (5056,))
    other = generator.clone_state()
    first = tcalc.rand(3, generator=generator)
    assert tcalc.equal(first, tcalc.rand(3, generator=other))
    assert tcalc.equal(first, tcalc.rand(3, generator=tcalc.Generator().set_state(state)))
    with pytest.raises(TypeError, match=r"RNG state must be a torch\.ByteTensor"):
        generator.set_state(tcalc.zeros(3))
