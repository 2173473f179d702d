"""A statement that is run for real while its backward is written down, node by node: which gradient arrived, and what was handed on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .derivatives import rule_of
from .facts import gradient
from .origins import Origin, Origins
from .tensors import is_tensor

if TYPE_CHECKING:
    from ..engine.tensor import Tensor
    from ..lang.parse import Statement
    from .record import Record
    from .session import Session

MAX_STEPS = 40  # nodes of a backward that is told whole
HEAD = 12  # nodes that are told of a longer one
MAX_LEAVES = 40
MAX_WHOLE = 12  # elements of a gradient that is kept whole
_LEAF = "AccumulateGrad"


@dataclass(frozen=True, slots=True)
class Value:
    """A gradient as it was then: a copy of its values when there are few, else their range.

    `constant` is the one value that all elements have, `nan` whether one is no number.
    """

    shape: tuple[int, ...]
    whole: Tensor | None = None
    constant: float | None = None
    low: float | None = None
    high: float | None = None
    nan: bool = False


@dataclass(slots=True)
class Target:
    """Where a node handed a gradient.

    `kind`: "passed" (to another node), "kept" (there too, and retain_grad() keeps it), "part" (to a leaf that gets more, `part` of `parts`),
    "filled" or "added" (to a leaf's `.grad`, `value` is what that holds now), "stops" (no gradient is needed), "none" (no gradient came).
    `count` is the number of backwards since the gradient was None or zero, None when unknown. `hooked`: a hook changed it on arrival.
    """

    name: str
    kind: str
    value: Value | None = None
    part: int = 0
    parts: int = 0
    count: int | None = None
    hooked: bool = False


@dataclass(slots=True)
class TraceStep:
    """One node that ran: torch's name of it, the command and the part of it that made it, what it does to a gradient, and where that went."""

    label: str
    origin: Origin
    rule: str
    grad: Value | None
    targets: list[Target] = field(default_factory=list)
    hooked: bool = False
    node_hooks: bool = False


@dataclass(slots=True)
class Trace:
    """The steps of all backwards in a statement, in the order in which they ran.

    `root` is the name of what backward started from. `folded` counts the nodes that are not among the steps, `leaves` are gradients
    that those filled. `nodes` ran in all; `freed` of them gave up what they had saved.
    """

    record: Record
    root: str = ""
    start: Value | None = None
    steps: list[TraceStep] = field(default_factory=list)
    folded: Counter[str] = field(default_factory=Counter)
    leaves: list[Target] = field(default_factory=list)
    more_leaves: int = 0
    nodes: int = 0
    freed: int = 0


def trace(statement: Statement, session: Session) -> Trace:
    """Run a statement as a command of the session, watching its backward."""
    from ..engine.observing import watching

    watch = _Watch(session)
    with watching(watch.saw):
        record = session.run_statement(statement)
    return watch.told(record)


@dataclass(slots=True)
class _Seen:
    """One node that ran, before its story is told."""

    node: Any
    grad: Value | None
    given: list[Value | None]
    hooked: bool


class _Watch:
    """Takes notes while backward runs; little is computed then, and nothing is kept of what may be large."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.seen: list[_Seen] = []
        self.folded: Counter[str] = Counter()
        self.nodes = self.freed = 0
        self.before: dict[Any, bool] = {}  # leaf node: whether it had a gradient
        self.filled: dict[Any, Value | None] = {}
        self.parts: Counter[Any] = Counter()  # leaf node: how many gradients were handed to it
        self.changed: set[Any] = set()  # leaves whose gradient a hook changed
        self._sums: dict[Any, Any] = {}  # what was handed to nodes with hooks, to see whether these change it

    def saw(self, node: Any, grad: Any, grads: Sequence[Any], level: Any) -> None:
        """One node has run; a leaf was filled. What runs while an error is explained is no part of the statement."""
        if self.session.trail.failed is not None:
            return
        hooked = self._was_changed(node, grad, level)
        if node.label == _LEAF:
            leaf = node.variable
            self.filled[node] = None if leaf is None else _value(gradient(leaf))
            if hooked:
                self.changed.add(node)
            return
        self.nodes += 1
        self.freed += bool(node.freed)
        for edge, given in zip(node.edges, grads, strict=False):
            if edge is not None and given is not None:
                self._hand_on(edge, given, level)
        if len(self.seen) >= MAX_STEPS:
            self.folded[node.label] += 1
            return
        first = next((each for each in grad if each is not None), None) if isinstance(grad, list) else grad
        exposed = [None if given is None else level.expose(given) for given in grads]
        self.seen.append(_Seen(node, None if first is None else _value(level.expose(first)), [_value(each) for each in exposed], hooked))

    def _hand_on(self, edge: Any, given: Any, level: Any) -> None:
        if edge.label == _LEAF:
            self.parts[edge] += 1
            if edge not in self.before:
                leaf = edge.variable
                self.before[edge] = leaf is not None and gradient(leaf) is not None
        if edge.watched or getattr(getattr(edge, "owner", None), "watched", False):
            array = _on_host(level.expose(given))
            if array is not None:
                held = self._sums.get(edge)
                self._sums[edge] = array.copy() if held is None else held + array

    def _was_changed(self, node: Any, grad: Any, level: Any) -> bool:
        """Whether a hook gave the node another gradient than the one it was handed."""
        handed = self._sums.pop(node, None)
        if handed is None or grad is None or isinstance(grad, list):
            return False
        array = _on_host(level.expose(grad))
        return bool(((handed != array) & ((handed == handed) | (array == array))).any())

    def told(self, record: Record) -> Trace:
        """The trace, now that the command is over and its names are known."""
        session, variables = self.session, self.session.env.variables
        found = Trace(record, folded=self.folded, nodes=self.nodes, freed=self.freed)
        if not self.seen:
            return found
        if self.nodes > MAX_STEPS:
            self.folded.update(each.node.label for each in self.seen[HEAD:])
            del self.seen[HEAD:]
        origins = Origins(session.trail, [each.node for each in self.seen], variables)
        counts = {change.name: change.count for change in record.delta.grads} if record.delta else {}
        done: Counter[Any] = Counter()
        first = self.seen[0]
        found.root, found.start = origins.name(first.node), first.grad
        for each in self.seen:
            step = TraceStep(each.node.label, origins.of(each.node), "", each.grad, hooked=each.hooked, node_hooks=bool(each.node.hooks))
            names = _input_names(each.node, step.origin, origins)
            step.rule = rule_of(each.node, names)
            step.targets = self._targets(each, names, origins, counts, done)
            found.steps.append(step)
        rest = [node for node in self.filled if done[node] < self.parts[node]]
        for node in rest[:MAX_LEAVES]:
            found.leaves.append(self._filled(node, origins.names.get(id(node), ""), counts, self.parts[node]))
        found.more_leaves = len(rest) - len(found.leaves)
        return found

    def _targets(
        self, seen: _Seen, names: Sequence[str], origins: Origins, counts: dict[str, int | None], done: Counter[Any]
    ) -> list[Target]:
        specs = getattr(seen.node, "specs", ())
        targets = []
        for place, edge in enumerate(seen.node.edges):
            given = seen.given[place] if place < len(seen.given) else None
            name = names[place] if place < len(names) else ""
            if edge is None:
                if place < len(specs) - 1 and hasattr(specs[place], "shape"):
                    targets.append(Target(name, "stops"))
            elif given is None:
                targets.append(Target(name, "none"))
            elif edge.label == _LEAF:
                done[edge] += 1
                name = origins.names.get(id(edge), name)
                last = done[edge] == self.parts[edge]
                if self.parts[edge] > 1 or (last and edge not in self.filled):
                    targets.append(Target(name, "part", given, done[edge], self.parts[edge]))
                if last and edge in self.filled:
                    targets.append(self._filled(edge, name, counts, self.parts[edge]))
            else:
                owner = getattr(edge, "owner", edge)
                kept = any(ref() is not None for _, ref in owner.retained or ())
                targets.append(Target(origins.name(owner) or name, "kept" if kept else "passed", given))
        return targets

    def _filled(self, node: Any, name: str, counts: dict[str, int | None], parts: int = 1) -> Target:
        kind = "added" if self.before.get(node) else "filled"
        return Target(name, kind, self.filled[node], parts=parts, count=counts.get(name), hooked=node in self.changed)


def _input_names(node: Any, origin: Origin, origins: Origins) -> list[str]:
    """What to call each input of a node: a variable, its text, else the parameter's name."""
    op = getattr(node, "op", None)
    parameters = [] if op is None else ["input" if name == "self" else name for name in op.inputs]
    saved = {place: value for place, value, _ in node.kept()}
    names = []
    for place in range(max(len(node.edges), len(parameters) if parameters and parameters[0] != "tensors" else 0)):
        edge = node.edges[place] if place < len(node.edges) else None
        leaf = origins.names.get(id(edge), "") if edge is not None and edge.label == _LEAF else ""
        text = origin.inputs[place] if place < len(origin.inputs) else ""
        behind = origins.name(getattr(edge, "owner", edge)) if edge is not None and edge.label != _LEAF else ""
        value = saved.get(place)
        number = "" if value is None or is_tensor(value) else str(value)
        names.append(
            leaf
            or text
            or behind
            or number
            or (parameters[place] if place < len(parameters) and parameters[place] != "tensors" else f"tensors[{place}]")
        )
    return names


def _on_host(tensor: Tensor) -> Any:
    """The values of a tensor, None when it has none."""
    from ..engine.backend import to_host

    return None if tensor.a is None else to_host(tensor.a)


def _value(tensor: Tensor | None) -> Value | None:
    """What is kept of a gradient."""
    if tensor is None:
        return None
    shape = tuple(tensor.shape)
    array = _on_host(tensor)
    if array is None or array.size == 0:
        return Value(shape)
    from ..engine.tensor import wrap

    low, high = float(array.min()), float(array.max())
    nan = low != low or high != high
    constant = low if low == high and len(shape) > 0 and array.size > 1 else None
    whole = wrap(array.copy()) if array.size <= MAX_WHOLE else None
    return Value(shape, whole, constant, low, high, nan)
