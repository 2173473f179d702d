"""What a command changed: new views, values written through shared storage, gradients, freed graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .facts import Storages, gradient, overlap
from .tensors import memory_of, named_tensors, version_of
from .trail import Trail
from .weak import WeakIds

if TYPE_CHECKING:
    from ..engine.tensor import Tensor
    from .writes import Plan

NODE_LIMIT = 10_000
ACCUMULATE = "AccumulateGrad"


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


Snapshot = dict[str, _State]


def snapshot(variables: Mapping[str, object]) -> Snapshot:
    """The state of every named tensor; no data is copied."""
    return {name: _state(tensor) for name, tensor in named_tensors(variables)}


def _state(tensor: Tensor) -> _State:
    grad = gradient(tensor)
    return _State(
        tensor,
        memory_of(tensor),
        version_of(tensor),
        grad,
        0 if grad is None else version_of(grad),
    )


class Comparer:
    """Compares snapshots, and counts the backwards since each gradient was None or zero."""

    def __init__(self, storages: Storages, trail: Trail) -> None:
        self.storages, self.trail = storages, trail
        self._backwards: WeakIds[int] = WeakIds()

    def compare(
        self,
        before: Snapshot,
        variables: Mapping[str, object],
        plan: Plan,
        shown: Sequence[object],
        number: int,
        *,
        failed: bool,
    ) -> Delta:
        """What differs between `before` and now, after command `number`.

        `plan` is what was seen of the command beforehand; `shown` are the values whose new state is displayed anyway.
        """
        after = snapshot(variables)
        for state in after.values():
            self.storages.number(state.tensor)
        self._note_writes(before, after, number)
        return Delta(
            views=self._views(before, after),
            changed=self._changed(before, after, plan.written, shown, failed),
            grads=self._grads(before, after, plan.writes_grad, plan.repeats),
            freed=[] if failed else self._freed(plan.roots, number),
        )

    def _note_writes(self, before: Snapshot, after: Snapshot, number: int) -> None:
        seen: set[int] = set()
        for name, new in after.items():
            old = before.get(name)
            storage = new.tensor.get_storage()
            if old is not None and old.tensor is new.tensor and old.version != new.version and id(storage) not in seen:
                seen.add(id(storage))
                self.trail.note_write(storage, new.version, number)

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
        self,
        before: Snapshot,
        after: Snapshot,
        written: Sequence[Tensor] | None,
        shown: Sequence[object],
        failed: bool,
    ) -> list[Changed]:
        hidden = {id(value) for value in shown}
        groups: dict[int, list[str]] = {}
        for name, old in before.items():
            new = after.get(name)
            if new is None or new.tensor is not old.tensor or id(new.tensor) in hidden:
                continue
            regions = [region for region in written or () if memory_of(region) is new.memory]
            if new.version == old.version:
                # a write through .data leaves the version of the others alone
                storage = new.tensor.get_storage()
                regions = [region for region in regions if not failed and region.get_storage() is not storage]
                hit = any(overlap(region, new.tensor) for region in regions)
            else:
                # without a known region the whole storage counts as written
                hit = not regions or any(overlap(region, new.tensor) for region in regions)
            if hit:
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

    def _freed(self, roots: Sequence[tuple[str, Tensor]], number: int) -> list[Freed]:
        """The graphs among `roots` that have given up saved values."""
        found = []
        for name, tensor in roots:
            nodes = [] if tensor.grad_fn is None else _nodes(tensor.grad_fn)
            gone = [node for node in nodes if node.freed]
            if gone and self.trail.freer(gone[0]) is None:
                for node in gone:
                    self.trail.note_freed(node, number)
                found.append(Freed(name, len(nodes), len(nodes) >= NODE_LIMIT))
        return found


def _is_new(name: str, before: Snapshot, after: Snapshot) -> bool:
    return name not in before or before[name].tensor is not after[name].tensor


def _is_zero(tensor: Tensor) -> bool:
    from ..engine.backend import to_host

    return tensor.a is not None and not to_host(tensor.a).any()


def _nodes(root: Any) -> list[Any]:
    """The nodes of a graph, leaves' accumulators left out, up to NODE_LIMIT."""
    found, seen = [root], {id(root)}
    for node in found:
        for following, _ in node.next_functions:
            if following is not None and id(following) not in seen and not following.name().endswith(ACCUMULATE):
                seen.add(id(following))
                found.append(following)
        if len(found) >= NODE_LIMIT:
            return found[:NODE_LIMIT]
    return found
