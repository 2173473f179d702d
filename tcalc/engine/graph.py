"""The recorded graph: nodes, the leaves' AccumulateGrad, outputs of multi-output nodes, and hook handles."""

from __future__ import annotations

import gc
import itertools
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .spec import Spec
    from .tensor import Tensor

# A graph is a long chain of young objects without cycles; at CPython's default of 700 the collector would walk it again and again
# (a chain of 300 000 ops took three times as long).
if 0 < gc.get_threshold()[0] < 50_000:
    gc.set_threshold(50_000, 20, 50)

next_seq = itertools.count(1).__next__
Hook = Callable[..., Any]
Hooks = dict[int, Hook]
Grad = Any  # a raw array in plain backward, a Tensor when the graph of the gradients is kept


class Node:
    """One recorded operation. `edges` are the nodes that receive the gradients of its inputs (None where none is wanted).

    `seq` grows with creation, so a consumer is always newer than its producer.
    """

    __slots__ = ("__dict__", "__weakref__", "edges", "seq")
    edges: Sequence[Node | None]
    seq: int
    freed = False
    constant: Sequence[int] = ()  # outputs without a gradient, by number
    watching = False  # whether any node ever was watched: until then backward asks none
    watched = False  # any of the three below is set
    tensor_hooks: Sequence[tuple[int, Hooks]] = ()  # (number of the output, hooks on its gradient) of each tensor that has some, first of all
    retained: list[tuple[int, weakref.ref[Tensor]]] | None = None  # outputs that keep their gradient (retain_grad), next
    pre_hooks: Hooks | None = None  # on the tuple of its results' gradients, right before the node runs
    hooks: Hooks | None = None  # on (grad_inputs, grad_outputs), after the node

    def __init__(self, edges: Sequence[Node | None]):
        self.edges = edges
        self.seq = next_seq()

    def name(self) -> str:
        """torch's name of the node, such as MulBackward0."""
        return type(self).__name__

    @property
    def label(self) -> str:
        """The name as torch prints it: without a namespace in front."""
        return self.name().rpartition(":")[2]

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes the gradients go to, each with the number of the output it stands for."""
        return tuple((None, 0) if edge is None else edge.shown() for edge in self.edges)

    def shown(self) -> tuple[Node, int]:
        """The node and the number of its output that a user sees for an edge that leads here."""
        return self, 0

    def apply(self, grad: Grad, level: Any) -> Sequence[Grad | None]:
        """Gradients for `edges` from the gradient of the result, computed on `level` (raw arrays or Tensors)."""
        raise TypeError(f"{self.name()} has no derivative")

    def kept(self) -> Iterable[tuple[int, Any, int]]:
        """(place, value, version when saved) of each value that was saved for backward."""
        return ()

    def release(self) -> None:
        """Drop what was saved for backward."""

    def watch(self) -> None:
        """Have backward look for what is to be done before this node runs."""
        self.watched = Node.watching = True

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after this node ran; a tuple it returns takes the place of grad_inputs."""
        if self.hooks is None:
            self.hooks = {}
        return RemovableHandle(self.hooks, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_outputs)` before this node runs; a tuple it returns takes the place of grad_outputs."""
        self.watch()
        if self.pre_hooks is None:
            self.pre_hooks = {}
        return RemovableHandle(self.pre_hooks, hook)

    def __repr__(self) -> str:
        return f"<{self.label} object at {id(self):#x}>"


class Output(Node):
    """Stands between a multi-output node and the consumers of one of its outputs."""

    __slots__ = ("index", "owner")

    def __init__(self, owner: Node, index: int):
        super().__init__((owner,))
        self.owner, self.index = owner, index

    @property
    def number(self) -> int:
        """Which of the owner's outputs that have a gradient it is: the number torch shows."""
        return self.index - sum([place < self.index for place in self.owner.constant])

    def shown(self) -> tuple[Node, int]:
        return self.owner, self.number

    def name(self) -> str:
        return self.owner.name()


def place_of(node: Node) -> tuple[Node, int]:
    """The node that runs and the number of the output of it that `node` stands for: where a tensor's hooks are kept."""
    return (node.owner, node.index) if isinstance(node, Output) else (node, 0)


def grad_fn_of(node: Node | None) -> Node | None:
    """What a user sees as grad_fn: nothing for a leaf, the whole node for one of several outputs."""
    if node is None or isinstance(node, AccumulateGrad):
        return None
    return node.owner if isinstance(node, Output) else node


NOT_IMPLEMENTED = "torch::autograd::NotImplemented"  # torch's name of the node of ops for which it lists no derivative


class AccumulateGrad(Node):
    """Adds what reaches it to the `.grad` of its leaf.

    The graph owns its leaves, as torch's does. A leaf holds this node; so that the two are no cycle, this node holds the leaf weakly, and a
    `twin` of it, from which the leaf comes back when it is asked for after its last name has gone.
    """

    __slots__ = ("leaf", "twin")
    leaf: Callable[[], Tensor | None]
    twin: Tensor | None
    post_hooks: Hooks | None = None
    expects: Spec | None = None  # the spec its leaf had, once it was given another

    def __init__(self, leaf: Tensor):
        super().__init__(())
        self.leaf, self.twin = weakref.ref(leaf), leaf.twin(None)

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    @property
    def variable(self) -> Tensor | None:
        """The leaf; None for an end of the graph that belongs to no tensor."""
        leaf = self.leaf()
        if leaf is None and self.twin is not None:
            leaf = self.twin.twin(None if self.twin.switched_off else self)
            self.leaf = weakref.ref(leaf)
        return leaf


def nobody() -> None:
    """The leaf of a gradient that no tensor keeps, in place of a weak reference."""


def nowhere() -> AccumulateGrad:
    """The end of a gradient that no tensor keeps."""
    end = AccumulateGrad.__new__(AccumulateGrad)
    Node.__init__(end, ())
    end.leaf, end.twin = nobody, None
    return end


class RemovableHandle:
    """What registering a hook returns; `remove()` takes the hook out again."""

    _ids = itertools.count()
    made = False  # whether any hook was ever registered: backward is more exact about its order from then on

    def __init__(self, hooks: dict[int, Any], hook: Any):
        RemovableHandle.made = True
        self.id = next(RemovableHandle._ids)
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook out; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def __repr__(self) -> str:
        return f"<torch.utils.hooks.RemovableHandle object at {id(self):#x}>"
