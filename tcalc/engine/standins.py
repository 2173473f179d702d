"""One call of a function transform: stand-ins for its tensors, and what of their history stays inside.

A stand-in shares its tensor's memory and has an `Entry` as its node, where this transform's own backward stops; behind it lies the
tensor's own history, so that transforms nest and gradients reach tensors outside. What a transform returns keeps its history only where
that leads to such a tensor.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextvars import Token
from typing import Any

from .autograd import grad
from .errors import TensorError, TensorValueError
from .graph import AccumulateGrad, Grad, Node
from .modes import inferring, is_grad_enabled, transform_depth
from .registry import OPS
from .tensor import Tensor, alias
from .tree import Structure, flatten, unflatten


class Entry(Node):
    """Stands for a tensor that entered a transform; its one edge is the tensor's own node. `live` while the function runs."""

    live = True

    def __init__(self, before: Node | None):
        Node.__init__(self, (before,))  # a LeafEntry has two bases

    def name(self) -> str:
        return "AliasBackward0"

    def apply(self, grad: Grad, level: Any) -> Sequence[Grad]:
        if self.live:
            raise TensorError(
                "backward() called inside a functorch transform. This is not supported, please use functorch.grad or functorch.vjp instead"
                " or call backward() outside of functorch transforms."
            )
        return (grad,)


class LeafEntry(Entry, AccumulateGrad):
    """An Entry whose stand-in is a leaf to the function: it may not be written in place."""

    def __init__(self, before: Node | None, leaf: Tensor):
        super().__init__(before)
        self.leaf, self.twin = weakref.ref(leaf), None


class Level:
    """One call of a transform's function: which stand-ins went in for which tensors."""

    def __init__(self) -> None:
        self.records = is_grad_enabled()  # outside: whether results may have history at all
        self.depth = transform_depth.get() + 1
        self._within: Token[int] | None = None
        self.entries: list[Entry] = []
        self.originals: list[tuple[Tensor, Tensor]] = []

    def enter(self, leaves: Sequence[Any], as_leaf: bool) -> list[Tensor]:
        """Stand-ins for these tensors; the function begins, and what it makes from here on it may write."""
        self._within = transform_depth.set(self.depth)
        inferring.append(None)
        return [self._enter(t, as_leaf) for t in leaves]

    def _enter(self, t: Any, as_leaf: bool) -> Tensor:
        if not isinstance(t, Tensor):
            raise TensorValueError(f"Thing passed to transform API must be Tensor, got {type(t)}")
        if not t.spec.dtype.continuous:
            raise TensorError("only Tensors of floating point dtype can require gradients", "requires_grad_", {"self": t})
        inside = alias(t)
        inside.__dict__["made_in"] = self.depth
        before = t.node if self.records else None
        entry = inside.node = LeafEntry(before, inside) if as_leaf else Entry(before)
        self.entries.append(entry)
        self.originals.append((inside, t))
        return inside

    def leave(self) -> None:
        """The function has returned: from here on gradients may pass."""
        if self._within is not None:
            transform_depth.reset(self._within)
            inferring.pop()
            self._within = None
        for entry in self.entries:
            entry.live = False

    def keeps(self, tensors: Sequence[Any]) -> bool:
        """Whether anything outside this transform that requires grad lies behind one of the tensors."""
        return self.records and any([isinstance(t, Tensor) and _leads_out(t.node) for t in tensors])

    def released(self, value: Any) -> Any:
        """A tensor of the function as the caller gets it: the original of a stand-in, and without history that ends here."""
        if not isinstance(value, Tensor):
            raise TensorError(f"Expected tensors, got unsupported type {type(value)}")
        for inside, original in self.originals:
            if value is inside:
                return original
        node = value.node
        if node is None or (node.__class__ is AccumulateGrad) or (self.records and _leads_out(node)):
            return value
        return value.detach()

    def released_tree(self, tree: Any) -> Any:
        """`released` for each leaf of a tree."""
        leaves, structure = flatten(tree)
        return unflatten([self.released(t) for t in leaves], structure)


def _leads_out(node: Node | None) -> bool:
    """Whether a leaf that requires grad, or a stand-in of a transform that still runs, lies behind the node."""
    stack: list[Node | None] = [node]
    seen: set[Node] = set()
    while stack:
        at = stack.pop()
        if at is None or at in seen:
            continue
        seen.add(at)
        if isinstance(at, Entry):
            if at.live:
                return True
        elif isinstance(at, AccumulateGrad):
            return True
        stack.extend(at.edges)
    return False


def gradients(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], weights: Sequence[Any] | None, retain: bool, create: bool
) -> list[Tensor]:
    """Gradients by `inputs` of those outputs that have history; zeros where there are none."""
    given = [None] * len(outputs) if weights is None else weights
    live = [(y, v) for y, v in zip(outputs, given, strict=True) if y.node is not None]
    if not live:
        return [OPS["zeros_like"].call(t.detach()) for t in inputs]
    found = grad([y for y, _ in live], inputs, [v for _, v in live], retain, create, allow_unused=True)
    return [OPS["zeros_like"].call(t.detach()) if g is None else g for g, t in zip(found, inputs, strict=True)]


def entering(level: Level, args: Sequence[Any], places: Sequence[int], as_leaf: bool) -> tuple[list[Any], list[Tensor], Structure]:
    """(the arguments, stand-ins at `places`; the stand-ins flat; their structure, a tuple of the arguments')."""
    leaves, structure = flatten(tuple(args[i] for i in places))
    inside = level.enter(leaves, as_leaf)
    given = list(args)
    for i, value in zip(places, unflatten(inside, structure), strict=True):
        given[i] = value
    return given, inside, structure


def split_aux(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TensorError(f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result


def tensors_of(result: Any, name: str) -> tuple[list[Tensor], Structure]:
    """A result's tensors and structure.

    Raises RuntimeError with torch's sentence for an empty result and for what is no Tensor.
    """
    leaves, structure = flatten(result)
    if not leaves or (len(leaves) == 1 and leaves[0] is None):
        raise TensorError(f"{name}: Expected f to be a function that has non-empty output (got output = {leaves})")
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise TensorError(f"{name}: expected f(*primals) to return only tensors, got unsupported type {type(leaf)}")
    return leaves, structure


def one_hot(like: Tensor, k: int) -> Tensor:
    """1 in element number k, else 0, in the shape and dtype of `like`."""
    flat = OPS["new_zeros"].call(like, (like.numel(),))
    flat[k] = 1
    return OPS["view"].call(flat, tuple(like.shape))  # type: ignore[no-any-return]  # an op


def attributes() -> dict[type, frozenset[str]]:
    """Attributes of nodes that a program may read here, by the exact type of the value."""
    from .namespace import NODE_ATTRIBUTES

    return {Entry: NODE_ATTRIBUTES, LeafEntry: NODE_ATTRIBUTES}
