"""A storage slot by slot: the values in it, and for each name that shares it the index that leads to each slot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .facts import Storages
from .tensors import memory_of, named_tensors, version_of

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

MAX_SLOTS = 64  # a storage of so many slots is drawn whole
EDGE_SLOTS = 16  # drawn at each end of a larger one
MAX_NAMES = 12
MAX_STEPS = 2_000  # tries when an index is looked for in dims that overlap
Index = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """The index that leads to a slot, None for a dim of stride 0 where any index does; `more` when there are others."""

    index: Index
    more: bool = False


@dataclass(frozen=True, slots=True)
class NamedView:
    """How one name reads the storage: slot = offset + the sum of index * stride.

    `places` holds the slots shown that it reaches.
    """

    name: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    places: dict[int, Place]

    @property
    def expanded(self) -> tuple[int, ...]:
        """The dims whose elements are all the same memory."""
        return tuple(dim for dim, (size, step) in enumerate(zip(self.shape, self.stride, strict=True)) if step == 0 and size > 1)


@dataclass(frozen=True, slots=True)
class MemoryMap:
    """A storage as one of its tensors reads it. `slots` are the ones shown, `values` a tensor of what they hold (None on meta)."""

    number: int
    dtype: str
    device: str
    count: int
    nbytes: int
    version: int
    slots: tuple[int, ...]
    values: Tensor | None
    views: list[NamedView]
    more_names: int

    @property
    def whole(self) -> bool:
        """Whether every slot is shown."""
        return len(self.slots) == self.count


def memory_map(tensor: Tensor, name: str, variables: Mapping[str, object], storages: Storages) -> MemoryMap:
    """The map of the storage under `tensor`, which the user knows as `name`. No data is copied but the slots shown."""
    from ..engine.backend import label

    storage, memory, spec = tensor.get_storage(), memory_of(tensor), tensor.spec
    count = storage.nbytes // spec.itemsize
    slots = tuple(range(count)) if count <= MAX_SLOTS else (*range(EDGE_SLOTS), *range(count - EDGE_SLOTS, count))
    sharing = [(each, other) for each, other in named_tensors(variables) if memory_of(other) is memory]
    if not any(other is tensor for _, other in sharing):
        sharing.insert(0, (name, tensor))
    views = [_view(each, other, slots) for each, other in sharing[:MAX_NAMES]]
    return MemoryMap(
        storages.number(tensor),
        spec.dtype.name,
        label(spec.device),
        count,
        storage.nbytes,
        version_of(tensor),
        slots,
        _values(tensor, slots),
        views,
        len(sharing) - len(views),
    )


def _view(name: str, tensor: Tensor, slots: tuple[int, ...]) -> NamedView:
    shape, stride = tuple(tensor.spec.shape), tensor.spec.strides
    found = ((slot, place_of_slot(slot - tensor.offset, shape, stride)) for slot in slots)
    return NamedView(name, shape, stride, tensor.offset, {slot: place for slot, place in found if place is not None})


def _values(tensor: Tensor, slots: tuple[int, ...]) -> Tensor | None:
    from ..engine.backend import np, to_host
    from ..engine.tensor import wrap

    storage, spec = tensor.get_storage(), tensor.spec
    if storage.raw is None:
        return None
    raw = storage.raw.view(spec.numpy)
    if len(slots) == raw.size:
        return wrap(np.array(to_host(raw)))
    return wrap(np.concatenate([to_host(raw[:EDGE_SLOTS]), to_host(raw[-EDGE_SLOTS:])]))


def place_of_slot(slot: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> Place | None:
    """The first index with index * stride = slot (counted from the tensor's first element), None when there is none.

    Dims of stride 0 are left open. Overlapping dims are searched, at most MAX_STEPS tries.
    """
    if 0 in shape or slot < 0:
        return None
    dims = sorted((dim for dim in range(len(shape)) if stride[dim] and shape[dim] > 1), key=lambda dim: -stride[dim])
    reach = [sum((shape[dim] - 1) * stride[dim] for dim in dims[place + 1 :]) for place in range(len(dims))]
    found: list[dict[int, int]] = []
    waiting: list[tuple[int, int, dict[int, int]]] = [(0, slot, {})]
    steps = 0
    while waiting and len(found) < 2 and steps < MAX_STEPS:
        steps += 1
        place, left, chosen = waiting.pop()
        if place == len(dims):
            if left == 0:
                found.append(chosen)
            continue
        dim = dims[place]
        low, high = max(-((reach[place] - left) // stride[dim]), 0), min(left // stride[dim], shape[dim] - 1)
        waiting += [(place + 1, left - index * stride[dim], {**chosen, dim: index}) for index in range(high, low - 1, -1)]
    if not found:
        return None
    index = tuple(None if not stride[dim] and size > 1 else found[0].get(dim, 0) for dim, size in enumerate(shape))
    return Place(index, len(found) > 1)
