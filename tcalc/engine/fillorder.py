"""The order in which torch's CPU kernels fill an output: memory order, not logical order."""

from __future__ import annotations

from collections.abc import Sequence

from .backend import Array


def fill_order(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    """The axes of an output from the slowest to the fastest of the fill; strides in any unit.

    Rule (TensorIterator's): insertion sort by stride, starting from the logical order; a zero stride tells nothing,
    of two equal strides the longer dimension is the slower.
    """
    inner_first = list(range(len(shape)))[::-1]
    for i in range(1, len(inner_first)):
        at = i
        for other in range(i - 1, -1, -1):
            a, b = inner_first[other], inner_first[at]
            if strides[a] == 0 or strides[b] == 0:
                continue
            if strides[a] < strides[b]:
                break
            if strides[a] == strides[b] and shape[a] <= shape[b]:
                continue
            inner_first[other], inner_first[at] = b, a
            at = other
    return tuple(inner_first[::-1])


def put(flat: Array, out: Array) -> None:
    """Write `flat`, numbers in fill order, into the array `out` of any strides and as many elements."""
    ordered = out.transpose(fill_order(out.shape, out.strides))
    ordered[...] = flat.reshape(ordered.shape)
