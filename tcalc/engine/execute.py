"""Running a graph backward: a heap of nodes by descending sequence number, each run once all of its gradient is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

from . import hooks, observing
from .anomaly import Looked
from .backend import ndarray, on_device
from .blocks import LARGE, added, sparing
from .errors import TensorError
from .graph import AccumulateGrad, Node, Output, RemovableHandle, place_of
from .record import OpNode
from .spec import Spec, spec_of
from .tensor import Tensor


def execute(
    roots: Sequence[tuple[Node, Any]], retain: bool, level: Any, captures: dict[Node, int] | None = None, accumulate: bool = True
) -> list[Any]:
    """Run the graph below `roots` (node, gradient), adding to the `.grad` of leaves.

    With `captures` only nodes on a path to them run; unless `accumulate`, the gradients that reach them are returned in their order.
    """
    pending: dict[Node, Any] = {}
    owned: set[Node] = set()  # pending gradients that no one else sees, so that more may be added in place
    heap: list[tuple[int, Node]] = []
    only: Node | None = None  # the one pending node of a chain, kept out of the heap and of what is pending
    coming: Any = None  # its gradient
    mine = False  # whether that is owned
    ends: list[Node] = []  # leaves that wait until all else is done
    ready = Readiness(roots) if RemovableHandle.made else None
    if len(roots) == 1:
        only, coming = roots[0]
    else:
        for node, grad in roots:
            known = node in pending
            pending[node] = _sum(pending[node], grad) if known else grad
            if ready is not None and isinstance(node, AccumulateGrad):
                ready.arrived(node, heap)
            elif not known:
                heappush(heap, (-node.seq, node))
    needed = None if captures is None else _leading_to([node for node, _ in roots], captures, accumulate)
    captured: list[Any] = [None] * len(captures or ())
    grads: Any
    observer = observing.observer() if Looked.ever else None
    plain = captures is None and not Node.watching and ready is None  # nobody looks at what happens on the way
    unseen = plain and observer is None  # nor at the order in which leaves are filled
    while True:
        if only is not None:
            node, grad = only, coming
            only = coming = None
        else:
            if heap:
                node = heappop(heap)[1]
            elif ends:
                node = ends.pop()
            else:
                break
            grad, mine = pending.pop(node), node in owned
        kind = node.__class__
        if needed is not None and captures is not None:
            mine = False
            at = captures.get(node)
            if node not in needed:
                if node.watched:
                    grad = hooks.before(node, grad, level, runs=False)
                if at is not None:
                    captured[at] = grad
                continue
            if at is not None and not accumulate:
                captured[at] = grad
        if kind is Output:
            _deliver(node, grad, pending, heap)  # type: ignore[arg-type]  # kind says so
            continue
        if not plain and node.watched:
            grad = hooks.before(node, grad, level)
            mine = False
        if kind is AccumulateGrad:
            leaf = node.leaf()  # type: ignore[attr-defined]  # kind says so
            if leaf is None:
                leaf = node.variable  # type: ignore[attr-defined]  # as above
            if leaf is not None and grad is not None and ((leaf.base is None and leaf.node is node) or _is_still(leaf, node)):
                spec = leaf.spec if node.expects is None else _expected(node, grad, roots)  # type: ignore[attr-defined,arg-type]
                level.store(leaf, grad, mine, spec)
                if observer is not None:
                    observer(node, grad, (), level)
            if not plain and leaf is not None and (node.hooks or node.post_hooks):  # type: ignore[attr-defined]  # kind says so
                hooks.after_leaf(node, leaf, grad, level)  # type: ignore[arg-type]  # kind says so; also where nothing was added, as in torch
            continue
        try:
            spared = False
            if grad.__class__ is not ndarray:
                grads = _apply(node, grad, level)
            elif grad.size >= LARGE and mine and observer is None:
                grads, spared = sparing(node.apply, grad, level)
            elif kind is OpNode:
                grads = node.vjp.run(node, grad, level)  # type: ignore[attr-defined]  # kind says so
            else:
                grads = node.apply(grad, level)
            if not plain and node.hooks:
                grads = hooks.after(node, grads, grad, level)
            if not retain and (kind is not OpNode or node.vjp.frees):  # type: ignore[attr-defined]  # as above
                node.release()
            if observer is not None:
                observer(node, grad, grads, level)
        except BaseException as error:
            if ready is None:
                _fill_finished(node, pending, level)
            if isinstance(error, ValueError) and isinstance(node, OpNode):
                node.refuse_reshaped(grad)
            raise
        if ready is not None:
            _spread(node, grads, pending, heap, ready, needed, captures)
            continue
        i = 0
        for edge in node.edges:
            g = grads[i]
            i += 1
            if edge is None or g is None or (needed is not None and edge not in needed and edge not in captures):  # type: ignore[operator]
                continue
            last = unseen and edge.__class__ is AccumulateGrad
            if only is not None and not last:  # it is not the only one
                pending[only] = coming
                if mine:
                    owned.add(only)
                heappush(heap, (-only.seq, only))
                only = coming = None
            held = pending.get(edge)
            if held is None:
                fresh = (g is not grad or spared) and g.__class__ is ndarray and g.base is None
                if last:
                    ends.append(edge)
                elif heap:
                    heappush(heap, (-edge.seq, edge))
                else:
                    only, coming, mine = edge, g, fresh
                    continue
                pending[edge] = g
                if fresh:
                    owned.add(edge)
            elif edge in owned:
                if held.size < LARGE:
                    held += g
                else:
                    added(held, g)
            else:
                pending[edge] = held = held + g if g.__class__ is ndarray else _sum(held, g)
                if held.__class__ is ndarray:  # a sum of 0-dim arrays is a number of numpy's, which nothing is added to in place
                    owned.add(edge)
        grads = g = held = None  # so that an array is freed as soon as its last reader ran
    return captured


class Readiness:
    """Which leaves have all of their gradient. They take it, and call their hooks, before anything else runs, as in torch's queue.

    Counting costs a walk over the graph, so it is done only once hooks exist; without them nobody sees in which order leaves are filled.
    """

    FIRST = -(1 << 62)

    def __init__(self, roots: Sequence[tuple[Node, Any]]):
        nodes = [node for node, _ in roots]
        edges = [*nodes, *(edge for node in below(nodes) for edge in node.edges)]
        self.missing = Counter(edge for edge in edges if isinstance(edge, AccumulateGrad))
        self.done = 0

    def arrived(self, leaf: AccumulateGrad, heap: list[tuple[int, Node]]) -> None:
        """One more of the leaf's gradients is known; with the last one the leaf goes to the front of the queue."""
        self.missing[leaf] -= 1
        if not self.missing[leaf]:
            self.done += 1
            heappush(heap, (self.FIRST + self.done, leaf))


def _spread(
    node: Node,
    grads: Sequence[Any],
    pending: dict[Node, Any],
    heap: list[tuple[int, Node]],
    ready: Readiness,
    needed: set[Node] | None,
    captures: dict[Node, int] | None,
) -> None:
    """Hand a node's gradients on. One that is None is handed on too, so that the hooks further down are called with it."""
    for edge, grad in zip(node.edges, grads, strict=False):
        if edge is None or (needed is not None and edge not in needed and edge not in (captures or ())):
            continue
        if edge not in pending:
            pending[edge] = grad
            if not isinstance(edge, AccumulateGrad):
                heappush(heap, (-edge.seq, edge))
        elif grad is not None:
            held = pending[edge]
            pending[edge] = grad if held is None else _sum(held, grad)
        if isinstance(edge, AccumulateGrad):
            ready.arrived(edge, heap)


def _fill_finished(failed: Node, pending: dict[Node, Any], level: Any) -> None:
    """Fill the leaves that nothing below the failed and the waiting nodes leads to: torch has filled them by now."""
    left = below([failed, *(node for node in pending if not isinstance(node, AccumulateGrad))])
    for node, grad in pending.items():
        leaf = node.variable if isinstance(node, AccumulateGrad) and node not in left else None
        if leaf is not None and _is_still(leaf, node):
            level.store(leaf, grad, False, leaf.spec if node.expects is None else node.expects)  # type: ignore[attr-defined]  # these have a leaf


def _is_still(leaf: Tensor, node: Node) -> bool:
    """Whether the leaf that a gradient was meant for still wants it.

    Raises RuntimeError when it has a history by now, or, as a view, should have.
    """
    if leaf.grad_fn is not None or leaf.interior:
        raise TensorError("leaf variable has been moved into the graph interior", "backward", {"self": leaf})
    return leaf.node is not None


def _expected(end: AccumulateGrad, grad: Any, roots: Sequence[tuple[Node, Any]]) -> Spec:
    """The spec that a gradient takes whose leaf was given another spec since its place in the graph was made.

    Raises RuntimeError with torch's sentence, which names the node the gradient comes from, for a shape the old one does not broadcast to.
    """
    expected: Spec = end.expects  # type: ignore[assignment]  # asked for only where there is one
    shape = tuple(grad.shape)
    if shape == expected.sizes:
        return expected
    if len(shape) >= expected.ndim and all(old in (1, new) for old, new in zip(expected.sizes[::-1], shape[::-1], strict=False)):
        return spec_of(expected.dtype, expected.device, shape)
    found = [(node, i) for node in below([node for node, _ in roots]) for i, edge in enumerate(node.edges) if edge is end]
    maker, place = max(found, key=lambda item: item[0].seq)
    raise TensorError(
        f"Function {maker.name()} returned an invalid gradient at index {place} - got {list(grad.shape)} but expected shape compatible with"
        f" {list(expected.shape)}",
        "backward",
        node=maker,
    )


def below(roots: Sequence[Node]) -> set[Node]:
    """All nodes that can be reached from `roots`, themselves included; found without recursion."""
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend([edge for edge in node.edges if edge is not None])
    return seen


def _apply(node: Node, grad: Any, level: Any) -> Sequence[Any]:
    """The node's gradients when its own may be a list, one for each output, or nothing because a hook took it away."""
    if isinstance(grad, list):
        if all([g is None for g in grad]):
            grad = None
        else:
            specs = node.specs[-1]  # type: ignore[attr-defined]  # an OpNode
            grad = [level.zeros(spec) if g is None else g for g, spec in zip(grad, specs, strict=True)]
    if grad is None:
        return [None] * len(node.edges)
    on_device(grad[0] if isinstance(grad, list) else grad)
    return node.apply(grad, level)


def _deliver(port: Output, grad: Any, pending: dict[Node, Any], heap: list[tuple[int, Node]]) -> None:
    """Put one output's gradient into its place among those of a multi-output node."""
    owner: Any = port.owner
    box = pending.get(owner)
    if box is None:
        box = pending[owner] = [None] * len(owner.specs[-1])
        heappush(heap, (-owner.seq, owner))
    held = box[port.index]  # a result that was saved is reached through an Output of its own
    box[port.index] = grad if held is None else _sum(held, grad)


def _sum(held: Any, more: Any) -> Any:
    """Two gradients of one place added, where they are."""
    on_device(held)
    return held + more


def _leading_to(roots: list[Node], captures: dict[Node, int], accumulate: bool) -> set[Node]:
    """Nodes below `roots` that run: from which a captured node can be reached, and, to `accumulate`, the captured ones as well.

    Found oldest first.
    """
    needed: set[Node] = set()
    ends = {place_of(node)[0] for node in captures}.union(captures)  # torch stops at nodes: any output of one leads there
    for node in sorted(below(roots), key=lambda n: n.seq):
        if any(edge in needed or edge in captures or place_of(edge)[0] in ends for edge in node.edges if edge is not None):
            needed.add(node)
        elif accumulate and node in captures:
            needed.update((node, place_of(node)[0]))
    return needed
