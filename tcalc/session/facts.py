"""Facts about one tensor: its type, geometry, storage and place in the autograd graph. Costs O(number of names)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from .tensors import memory_of, named_tensors, version_of
from .weak import WeakIds

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

MAX_WORK = 10_000  # candidates numpy may try before an overlap test falls back to address bounds
STATISTICS_LIMIT = 10_000_000  # elements; beyond it statistics are only made when asked for


@dataclass(frozen=True, slots=True)
class GradFacts:
    """Geometry of the gradient of a tensor."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one tensor. `dtype` is without the `torch.` prefix; `offset` counts elements.

    `same_as`: names of the very same tensor. `shared_with`: names of the other tensors on the same memory; `view_of`:
    those among them that it comes from, as far as names tell: its base, else the earlier ones.
    `grad_kept`: False when backward would drop the gradient (not a leaf, requires grad, no retain_grad()).
    """

    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    device: str
    contiguous: bool
    storage: int
    version: int
    same_as: tuple[str, ...]
    view_of: tuple[str, ...]
    shared_with: tuple[str, ...]
    is_view: bool
    is_leaf: bool
    requires_grad: bool
    grad_fn: str | None
    grad: GradFacts | None
    grad_kept: bool
    floating: bool
    itemsize: int
    storage_nbytes: int

    @property
    def numel(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes the elements take, each counted once."""
        return self.numel * self.itemsize

    @property
    def expanded(self) -> bool:
        """Whether some dimension repeats the same memory (stride 0 and more than one element)."""
        return any(step == 0 and size > 1 for size, step in zip(self.shape, self.stride, strict=True))


@dataclass(frozen=True, slots=True)
class Statistics:
    """Numbers about the elements; those that do not exist (no elements, no finite ones) are None."""

    count: int
    low: float | None
    high: float | None
    mean: float | None
    std: float | None
    nan: int
    inf: int


class Storages:
    """Numbers for storages, given in the order they are first met and never reused."""

    def __init__(self) -> None:
        self._numbers: WeakIds[int] = WeakIds()
        self._last = 0

    def number(self, tensor: Tensor) -> int:
        """The number of the storage of `tensor`."""
        storage = memory_of(tensor)
        known = self._numbers.get(storage)
        if known is None:
            self._last += 1
            known = self._last
            self._numbers.set(storage, known)
        return known


def facts_of(tensor: Tensor, variables: Mapping[str, object], storages: Storages, name: str | None = None, *, fresh: bool = False) -> Facts:
    """The facts of `tensor`, which the user knows as `name` (None for an unnamed value); `fresh` when only since now."""
    from ..engine.backend import label

    same, sharing, sources = _relatives(tensor, variables, name, fresh)
    grad = gradient(tensor)
    leaf, requires, made_by, kept = _history(tensor)
    return Facts(
        dtype=tensor.dtype.name,
        shape=tuple(tensor.shape),
        stride=tensor.spec.strides,
        offset=tensor.storage_offset(),
        device=label(tensor.device),
        contiguous=tensor.spec.contiguous,
        storage=storages.number(tensor),
        version=version_of(tensor),
        same_as=same,
        view_of=sources,
        shared_with=sharing,
        is_view=tensor.base is not None,
        is_leaf=leaf,
        requires_grad=requires,
        grad_fn=made_by,
        grad=None if grad is None else GradFacts(grad.dtype.name, tuple(grad.shape)),
        grad_kept=kept,
        floating=tensor.dtype.is_floating_point,
        itemsize=tensor.dtype.itemsize,
        storage_nbytes=tensor.get_storage().nbytes,
    )


def _history(tensor: Tensor) -> tuple[bool, bool, str | None, bool]:
    """is_leaf, requires_grad, the name of grad_fn, and whether backward would leave a gradient in `.grad`."""
    try:
        node = tensor.grad_fn
    except RuntimeError:  # a view that autograd has given up; torch prints it like this
        return False, True, "Invalid", False
    return tensor.is_leaf, tensor.requires_grad, None if node is None else node.label, keeps_grad(tensor)


def keeps_grad(tensor: Tensor) -> bool:
    """Whether backward would leave a gradient in `.grad`, or none is wanted at all."""
    return tensor.is_leaf or not tensor.requires_grad or bool(tensor.retains_grad)


def gradient(tensor: Tensor) -> Tensor | None:
    """The gradient that a tensor holds; asking a non-leaf for `.grad` would be remarked on."""
    return tensor._grad


def _relatives(
    tensor: Tensor, variables: Mapping[str, object], name: str | None, fresh: bool
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Names of the same tensor, names that share its memory, and those of the latter that it comes from."""
    memory, base = memory_of(tensor), tensor.base
    same: list[str] = []
    sharing: list[str] = []
    sources: list[str] = []
    earlier = True
    for other_name, other in named_tensors(variables):
        if other_name == name:
            earlier = fresh
        elif other is tensor:
            same.append(other_name)
        elif memory_of(other) is memory:
            sharing.append(other_name)
            if other is base:
                sources.insert(0, other_name)
            elif earlier:
                sources.append(other_name)
    return tuple(same), tuple(sharing), tuple(sources)


def overlap(a: Tensor, b: Tensor) -> bool:
    """Whether some element of `a` and some element of `b` are the same memory.

    Exact as numpy.shares_memory is, within MAX_WORK candidates; past that, and for arrays that are not in main
    memory, whether their address ranges meet.
    """
    if memory_of(a) is not memory_of(b) or 0 in a.shape or 0 in b.shape:
        return False
    if a.a is not None and a.device.type == "cpu":
        from ..engine.backend import np

        share: Any = np.shares_memory  # numpy's stubs know only two of the values that max_work takes
        try:
            return bool(share(a.a, b.a, max_work=MAX_WORK))
        except np.exceptions.TooHardError:
            return bool(np.may_share_memory(a.a, b.a))
    low_a, high_a = _bounds(a)
    low_b, high_b = _bounds(b)
    return low_a < high_b and low_b < high_a


def _bounds(tensor: Tensor) -> tuple[int, int]:
    """First byte and one past the last byte of the elements, from the start of the storage."""
    last = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.spec.strides, strict=True))
    start = tensor.storage_offset() * tensor.dtype.itemsize
    return start, start + (last + 1) * tensor.dtype.itemsize


def statistics(tensor: Tensor, limit: int = STATISTICS_LIMIT) -> Statistics | None:
    """Least, greatest, mean and standard deviation (divided by n) of the finite elements, and the number of others.

    None when there is no data (meta), when there are more than `limit` elements, and for complex numbers, which have no order.
    """
    array: Any = tensor.a
    if array is None or array.size > limit or tensor.dtype.is_complex:
        return None
    from ..engine.backend import to_host

    values = to_host(array).astype("float64").reshape(-1)
    if not tensor.dtype.is_floating_point:
        nan = inf = 0
    else:
        finite = values - values == 0
        inf = int((abs(values) == float("inf")).sum())
        nan = int(values.size - finite.sum()) - inf
        values = values[finite]
    if values.size == 0:
        return Statistics(array.size, None, None, None, None, nan, inf)
    return Statistics(array.size, float(values.min()), float(values.max()), float(values.mean()), float(values.std()), nan, inf)
