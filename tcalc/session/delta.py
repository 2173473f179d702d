"""What a command changed: new views, values written through shared storage, gradients, freed graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .facts import Storages, gradient, overlap
from .tensors import memory_of, named_tensors
from .weak import WeakIds

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

NODE_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class View:
    """`name` was bound to a tensor that shares storage number `storage` with `sources`."""

    name: str
    sources: tuple[str, ...]
    storage: int


@dataclass(frozen=True, slots=True)
class Changed:
    """The elements of `names` were written through storage number `storage`."""

    names: tuple[str, ...]
    storage: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class GradChange:
    """What became of the gradient of `name`.

    `kind`: "filled" (was None), "added" (backward summed into it), "changed" (written in another way), "zeroed",
    "cleared" (is None now). `count` is the number of backwards since it was None or zero, None when unknown.
    """

    kind: str
    name: str
    grad: Tensor | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Freed:
    """The graph of `name` gave up its saved values: `nodes` nodes, or at least so many when `more`."""

    name: str
    nodes: int
    more: bool


@dataclass(slots=True)
class Delta:
    """All that a command changed apart from the values it shows."""

    views: list[View] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    grads: list[GradChange] = field(default_factory=list)
    freed: list[Freed] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.views or self.changed or self.grads or self.freed)


@dataclass(frozen=True, slots=True)
class _State:
    tensor: Tensor
    memory: Any
    version: int
    grad: Tensor | None
    grad_version: int
    node: Any
    freed: bool


Snapshot = dict[str, _State]


def snapshot(variables: Mapping[str, object]) -> Snapshot:
    """The state of every named tensor; no data is copied."""
    return {name: _state(tensor) for name, tensor in named_tensors(variables)}


def _state(tensor: Tensor) -> _State:
    grad = gradient(tensor)
    node = tensor.grad_fn
    return _State(
        tensor,
        memory_of(tensor),
        tensor._version,
        grad,
        0 if grad is None else grad._version,
        node,
        node is not None and bool(node.freed),
    )


class Comparer:
    """Compares snapshots, and counts the backwards since each gradient was None or zero."""

    def __init__(self, storages: Storages) -> None:
        self.storages = storages
        self._backwards: WeakIds[int] = WeakIds()

    def compare(
        self,
        before: Snapshot,
        variables: Mapping[str, object],
        *,
        written: Sequence[Tensor] | None,
        shown: Sequence[object],
        writes_grad: bool,
        repeats: bool,
    ) -> Delta:
        """What differs between `before` and now.

        `written` holds the tensors the command wrote to, as far as that was seen beforehand (None: unknown).
        `shown` are the values whose new state is displayed anyway. `writes_grad` says that the command assigns to
        gradients itself; `repeats` that it may have called backward any number of times.
        """
        after = snapshot(variables)
        for state in after.values():
            self.storages.number(state.tensor)
        delta = Delta()
        delta.views = self._views(before, after)
        delta.changed = self._changed(before, after, written, shown)
        delta.grads = self._grads(before, after, writes_grad, repeats)
        delta.freed = _freed(before)
        return delta

    def _views(self, before: Snapshot, after: Snapshot) -> list[View]:
        views = []
        sharing: dict[int, list[str]] = {}
        for name, state in after.items():
            sharing.setdefault(id(state.memory), []).append(name)
        for name, state in after.items():
            old = before.get(name)
            if old is not None and old.tensor is state.tensor:
                continue
            base = state.tensor.base
            others = [n for n in sharing[id(state.memory)] if after[n].tensor is not state.tensor]
            # of two names bound by one command only the view is news, not its base
            if others and not (base is None and all(_is_new(n, before, after) for n in others)):
                others.sort(key=lambda n: after[n].tensor is not base)
                views.append(View(name, tuple(others), self.storages.number(state.tensor)))
        return views

    def _changed(
        self, before: Snapshot, after: Snapshot, written: Sequence[Tensor] | None, shown: Sequence[object]
    ) -> list[Changed]:
        hidden = {id(value) for value in shown}
        groups: dict[int, list[str]] = {}
        for name, old in before.items():
            new = after.get(name)
            if new is None or new.tensor is not old.tensor or id(new.tensor) in hidden:
                continue
            regions = [region for region in written or () if memory_of(region) is new.memory]
            hit = any(region is new.tensor or overlap(region, new.tensor) for region in regions)
            # a new version without a known region: the whole storage counts as written
            if hit or (new.version != old.version and not regions):
                groups.setdefault(id(new.memory), []).append(name)
        return [
            Changed(
                tuple(names),
                self.storages.number(after[names[0]].tensor),
                before[names[0]].version,
                after[names[0]].version,
            )
            for names in groups.values()
        ]

    def _grads(self, before: Snapshot, after: Snapshot, writes_grad: bool, repeats: bool) -> list[GradChange]:
        changes = []
        seen: set[int] = set()
        for name, new in after.items():
            old = before.get(name)
            if old is None or old.tensor is not new.tensor or id(new.tensor) in seen:
                continue
            seen.add(id(new.tensor))
            change = self._grad_change(name, old, new, writes_grad, repeats)
            if change is not None:
                changes.append(change)
        return changes

    def _grad_change(self, name: str, old: _State, new: _State, writes_grad: bool, repeats: bool) -> GradChange | None:
        if new.grad is old.grad and new.grad_version == old.grad_version:
            return None
        tensor = new.tensor
        if new.grad is None:
            self._backwards.discard(tensor)
            return GradChange("cleared", name, None, 0)
        if writes_grad:
            zero = _is_zero(new.grad)
            self._count(tensor, 0 if zero else None)
            return GradChange("zeroed" if zero else "changed", name, new.grad, None)
        if repeats:
            self._count(tensor, None)
            return GradChange("filled" if old.grad is None else "changed", name, new.grad, None)
        if old.grad is None:
            self._count(tensor, 1)
            return GradChange("filled", name, new.grad, 1)
        if _is_zero(new.grad):
            self._count(tensor, 0)
            return GradChange("zeroed", name, new.grad, 0)
        known = self._backwards.get(tensor)
        count = None if known is None else known + 1
        self._count(tensor, count)
        return GradChange("added", name, new.grad, count)

    def _count(self, tensor: Tensor, count: int | None) -> None:
        if count is None:
            self._backwards.discard(tensor)
        else:
            self._backwards.set(tensor, count)


def _is_new(name: str, before: Snapshot, after: Snapshot) -> bool:
    return name not in before or before[name].tensor is not after[name].tensor


def _is_zero(tensor: Tensor) -> bool:
    return tensor.a is not None and not tensor.a.any()


def _freed(before: Snapshot) -> list[Freed]:
    """The graphs that were whole before and are freed now, named after their youngest named node."""
    roots = [(name, s.node) for name, s in before.items() if s.node is not None and not s.freed and s.node.freed]
    roots.sort(key=lambda pair: -pair[1].seq)
    found: list[Freed] = []
    visited: set[int] = set()
    for name, node in roots:
        if id(node) in visited:
            continue
        count, more = _count_nodes(node, visited)
        found.append(Freed(name, count, more))
    return found


def _count_nodes(root: Any, visited: set[int]) -> tuple[int, bool]:
    """Nodes reachable from `root` and not yet in `visited`, leaves' accumulators left out, up to NODE_LIMIT."""
    stack, count = [root], 0
    visited.add(id(root))
    while stack:
        node = stack.pop()
        count += 1
        if count >= NODE_LIMIT:
            return count, True
        for following, _ in node.next_functions:
            if following is not None and id(following) not in visited and following.name() != "AccumulateGrad":
                visited.add(id(following))
                stack.append(following)
    return count, False
