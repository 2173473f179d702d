"""The graph behind a tensor as a tree: each value once, chains of a large graph folded; and the same graph as nodes and edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .facts import gradient
from .origins import Origins
from .tensors import is_tensor, named_tensors, node_of

if TYPE_CHECKING:
    from ..engine.tensor import Tensor
    from .trail import Trail

MAX_SHOWN = 40  # nodes of a graph that is shown whole
CHAIN = 6  # links of a chain that are not worth folding
HEAD = 2  # links shown before the folded ones; one is shown behind them
MAX_NAMED = 10_000  # nodes whose text is looked for
_LEAF = "AccumulateGrad"


@dataclass(slots=True)
class Row:
    """One line of the tree.

    `kind`: "op", "leaf", "constant" (needs no grad), "seen" (shown above under `number`), "folded" (`labels` counts
    what was left out). `name` is the variable or the text that made the value, empty when unknown; `label` is torch's
    name of the node. `saved` names what the node keeps for backward. `levels` says of each level above whether it goes on below
    this line, the last entry whether this line has a later sibling. `number` is not 0 where a line is referred to.
    """

    kind: str
    name: str = ""
    shape: tuple[int, ...] | None = None
    label: str = ""
    saved: tuple[str, ...] = ()
    freed: bool = False
    keeps_grad: bool = False
    grad: tuple[int, ...] | None = None
    number: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    levels: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphTree:
    """The rows, the root first, and the number of op nodes in the whole graph."""

    rows: list[Row]
    nodes: int


def tree_of_graph(tensor: Tensor, name: str, variables: Mapping[str, object], trail: Trail) -> GraphTree:
    """The tree behind `tensor`, which the user knows as `name`. Costs O(nodes); nothing recurses."""
    return _Graph(tensor, name, variables, trail).tree()


@dataclass(frozen=True, slots=True)
class Item:
    """An edge's end: a node, or an input that needs no gradient (`node` None)."""

    node: Any
    name: str = ""
    shape: tuple[int, ...] | None = None


class _Graph:
    """A graph while it is turned into rows."""

    def __init__(self, tensor: Tensor, name: str, variables: Mapping[str, object], trail: Trail) -> None:
        self.tensor, self.name = tensor, name
        self.constants = [(each, t) for each, t in named_tensors(variables) if node_of(t) is None]
        root = node_of(tensor)
        self.root = None if root is None else _owner(root)
        self.nodes = [] if self.root is None else _reached(self.root)
        self.users = Counter(below for node in self.nodes for below in _below(node))
        self.ops = [node for node in self.nodes if not _is_leaf(node)]
        self.origins = Origins(trail, self.ops if len(self.ops) <= MAX_NAMED else (), variables)
        self.folds = self._folds() if len(self.ops) > MAX_SHOWN else {}
        self.shown: dict[Any, Row] = {}

    def tree(self) -> GraphTree:
        if self.root is None or _is_leaf(self.root):
            return GraphTree([self._leaf_row(self.tensor, self.name)], 0)
        rows: list[Row] = []
        waiting: list[tuple[Item | Row, tuple[bool, ...]]] = [(Item(self.root, self.name), ())]
        shown, left = 0, Counter[str]()
        while waiting:
            item, levels = waiting.pop()
            if isinstance(item, Row):
                item.levels = levels
                rows.append(item)
                continue
            row = self._row(item)
            if row.kind == "op":
                if shown >= MAX_SHOWN:
                    left[row.label] += 1
                    continue
                shown += 1
            elif shown >= MAX_SHOWN and left:
                continue
            row.levels = levels
            rows.append(row)
            if row.kind == "op":
                self._queue(item.node, levels, waiting)
        if left:
            folded = sum(sum(row.labels.values()) for row in rows)
            rows.append(Row("folded", labels=Counter({"": len(self.ops) - shown - folded})))
        return GraphTree(rows, len(self.ops))

    def _queue(self, node: Any, levels: tuple[bool, ...], waiting: list[tuple[Item | Row, tuple[bool, ...]]]) -> None:
        """Put the children of a node on the stack, the first on top; in place of the first one of a folded chain its last."""
        items: list[Item | Row] = []
        for item in self._inputs(node):
            fold = self.folds.get(item.node)
            if fold is None:
                items.append(item)
            else:
                inside, last = fold
                row = Row("folded", labels=Counter(each.label for each in inside))
                self.shown.update((each, row) for each in inside)
                items += [row, Item(last, self.origins.name(last))]
        for place in range(len(items) - 1, -1, -1):
            waiting.append((items[place], (*levels, place < len(items) - 1)))

    def _folds(self) -> dict[Any, tuple[list[Any], Any]]:
        """What is left out of each long chain, by its first node, and the chain's last node. A link is the only way on from the one before."""
        following = {}
        for node in self.ops:
            on = [each for each in _below(node) if not _is_leaf(each)]
            if len(on) == 1 and self.users[on[0]] == 1:
                following[node] = on[0]
        folds = {}
        for head in following.keys() - following.values():
            run = [head]
            while run[-1] in following:
                run.append(following[run[-1]])
            if len(run) > CHAIN:
                folds[run[HEAD]] = run[HEAD:-1], run[-1]
        return folds

    def _row(self, item: Item) -> Row:
        node = item.node
        if node is None:
            return Row("constant", item.name, item.shape)
        if _is_leaf(node):
            leaf = node.variable
            return Row("leaf", item.name) if leaf is None else self._leaf_row(leaf, self.origins.names.get(id(node), item.name))
        name = item.name or self.origins.name(node)
        above = self.shown.get(node)
        if above is not None:
            if not above.number:
                above.number = 1 + max((row.number for row in self.shown.values()), default=0)
            return Row("seen", above.name or name, number=above.number)
        kept = [ref() for _, ref in node.retained or ()]
        tensor = next((each for each in kept if each is not None), None)
        grad = None if tensor is None else gradient(tensor)
        row = Row(
            "op",
            name,
            result_shape(node),
            node.label,
            self._saved(node),
            bool(node.freed),
            tensor is not None,
            None if grad is None else tuple(grad.shape),
        )
        self.shown[node] = row
        return row

    def _leaf_row(self, tensor: Tensor, name: str) -> Row:
        grad = gradient(tensor)
        kind = "leaf" if tensor.requires_grad else "constant"
        return Row(kind, name, tuple(tensor.shape), grad=None if grad is None else tuple(grad.shape))

    def _saved(self, node: Any) -> tuple[str, ...]:
        op = getattr(node, "op", None)
        if op is None:
            return ()
        texts = self.origins.of(node).inputs
        return tuple(
            "result" if place >= len(op.inputs) else self._named(value, texts[place] if place < len(texts) else "") or op.inputs[place]
            for place, value, _ in node.kept()
            if is_tensor(value)
        )

    def _named(self, value: object, text: str) -> str:
        """What to call an input: the variable that holds it, else its text."""
        if is_tensor(value):
            found = self.origins.names.get(id(value.node)) if value.node is not None else None
            same = found or next((name for name, tensor in self.constants if _is_same(tensor, value)), None)
            return same or text
        return text

    def _inputs(self, node: Any) -> list[Item]:
        """What a node was computed from: the ends of its edges, and the tensors that need no gradient."""
        specs, texts = getattr(node, "specs", ()), self.origins.of(node).inputs
        saved = {place: value for place, value, _ in node.kept()}
        items = []
        for place, edge in enumerate(node.edges):
            text = texts[place] if place < len(texts) else ""
            spec = specs[place] if place < len(specs) - 1 else None
            if edge is not None:
                below = _owner(edge)
                items.append(Item(below, text if _is_leaf(below) else self.origins.name(below) or text))
            elif spec is not None and hasattr(spec, "shape"):
                items.append(Item(None, self._named(saved.get(place), text), tuple(spec.shape)))
        return items


def _is_same(tensor: Tensor, value: Tensor) -> bool:
    return tensor is value or (
        tensor.storage is not None and tensor.storage is value.storage and tensor.offset == value.offset and tensor.spec is value.spec
    )


def result_shape(node: Any) -> tuple[int, ...] | None:
    """The shape of what a node made; None for several results and for nodes that do not say."""
    if hasattr(node, "base_spec"):
        return tuple(node.base_spec.shape)
    specs = getattr(node, "specs", None)
    return tuple(specs[-1].shape) if specs and hasattr(specs[-1], "shape") else None


def _owner(node: Any) -> Any:
    """The node that runs: of an output of a multi-output node the whole node."""
    return getattr(node, "owner", node)


def _is_leaf(node: Any) -> bool:
    return bool(node.label == _LEAF)


def _below(node: Any) -> list[Any]:
    return [_owner(edge) for edge in node.edges if edge is not None]


def _reached(root: Any) -> list[Any]:
    """Every node of the graph, the root first."""
    found, seen = [root], {root}
    for node in found:
        for each in _below(node):
            if each not in seen:
                seen.add(each)
                found.append(each)
    return found


@dataclass(frozen=True, slots=True)
class Dot:
    """The whole graph for drawing: (identity, name, shape, label, kind) of each value, and (from, to) in the direction of the computation."""

    nodes: list[tuple[int, str, tuple[int, ...] | None, str, str]]
    edges: list[tuple[int, int]]


def dot_of_graph(tensor: Tensor, name: str, variables: Mapping[str, object], trail: Trail) -> Dot:
    """Every node behind `tensor`, with leaves and the inputs that need no gradient."""
    graph = _Graph(tensor, name, variables, trail)
    if graph.root is None or _is_leaf(graph.root):
        row = graph._leaf_row(tensor, name)
        return Dot([(0, name, row.shape, "", row.kind)], [])
    places = {node: place for place, node in enumerate(graph.nodes)}
    nodes: list[tuple[int, str, tuple[int, ...] | None, str, str]] = []
    edges: list[tuple[int, int]] = []
    extra = len(places)
    for node, place in places.items():
        if _is_leaf(node):
            leaf = node.variable
            nodes.append((place, graph.origins.names.get(id(node), ""), None if leaf is None else tuple(leaf.shape), "", "leaf"))
            continue
        nodes.append((place, name if node is graph.root else graph.origins.name(node), result_shape(node), node.label, "op"))
        for item in graph._inputs(node):
            if item.node is not None:
                edges.append((places[item.node], place))
            elif item.name or item.shape is not None:
                nodes.append((extra, item.name, item.shape, "", "constant"))
                edges.append((extra, place))
                extra += 1
    return Dot(nodes, edges)
