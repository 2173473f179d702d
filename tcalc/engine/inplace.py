"""In-place writes: torch's checks before, version and history after, CopySlices for writes through views, stale views remade."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import backend
from .errors import TensorError
from .graph import Grad, Node, Output, grad_fn_of, next_seq
from .modes import is_grad_enabled
from .record import OpNode, attach, new_node
from .registry import OPS
from .spec import spec_of
from .tensor import MULTI_VIEW, NO_GRAD_VIEW, Tensor, View, allocate, make

if TYPE_CHECKING:
    from .registry import Op

_NO_GRAD_VIEW = (
    "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case is ambiguous and"
    " error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the no_grad block"
    " (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
)


def check(target: Tensor, op: str) -> None:
    """Whether autograd lets `target` be written while history is recorded.

    Raises RuntimeError with torch's sentences for leaves, views of leaves, views made under no_grad or of several outputs.
    """
    operands = {"self": target}
    if isinstance(target, View):
        if target.made == NO_GRAD_VIEW:
            raise TensorError(_NO_GRAD_VIEW, op, operands)
        if target.made == MULTI_VIEW:
            node = target.held
            number = node.index if isinstance(node, Output) else 0
            maker = grad_fn_of(node)
            whose = f"Output {number} of {maker.name().rstrip('0123456789').removesuffix('Backward')}" if maker else "This view"
            raise TensorError(
                f"{whose} is a view and is being modified inplace. This view is the output of a function that returns multiple views. Such"
                " functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.",
                op,
                operands,
            )
        if target.node is not None and target.base.is_leaf:
            raise TensorError("a view of a leaf Variable that requires grad is being used in an in-place operation.", op, operands)
    if target.node is not None and target.is_leaf:
        raise TensorError("a leaf Variable that requires grad is being used in an in-place operation.", op, operands)


def bump(target: Tensor) -> None:
    """Count one write to the target's storage."""
    storage = target.storage
    if storage is None:
        storage = target.get_storage()
    storage.version += 1


def write(
    op: Op, target: Tensor, inputs: Sequence[Any], params: Sequence[Any], specs: Sequence[Any], perform: Callable[[], None]
) -> Tensor:
    """Check, `perform()` the write, and make `op` (whose first input is `target`) the target's history.

    A formula that needs the old values gets a copy of them, taken before the write.
    """
    edges = [t.node if isinstance(t, Tensor) else None for t in inputs]
    recording = is_grad_enabled() and any(e is not None for e in edges)
    if recording:
        check(target, op.public + "_")
        recording = op.differentiable and target.spec.dtype.is_floating_point
    if target.inference and is_grad_enabled():
        raise TensorError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor before doing"
            " inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details.",
            op.public + "_",
        )
    given = list(inputs)
    if recording and target.a is not None:
        mask = sum(1 << i for i, e in enumerate(edges) if e is not None)
        if 0 in op.saves(mask):
            given[0] = make(backend.copy_of(target.a), spec_of(target.spec.dtype, target.spec.device, target.spec.shape))
    before = target._version
    if target.a is not None:
        perform()
    bump(target)
    if recording:
        retained = _give_up_retained(target)
        node = attach_to(op, edges, given, params, target, specs)
        # an operand on the memory that was just written was saved as it was before
        node.saved = [
            (place, value, before if value is not given[0] and place < len(given) and _shares(value, target) else version)
            for place, value, version in node.saved or ()
        ]
        rebase(target, node)
        if retained:
            target.retain_grad()
    return target


def _shares(value: Any, target: Tensor) -> bool:
    return isinstance(value, Tensor) and value.storage is target.storage


def _give_up_retained(target: Tensor) -> bool:
    """Whether the target keeps its gradient; its old node forgets that, since the new one takes over."""
    node = target.node
    if node is None or not target.retains_grad:
        return False
    node.retained = [ref for ref in node.retained or () if ref() is not target]
    return True


def attach_to(
    op: Op, edges: Sequence[Node | None], inputs: Sequence[Any], params: Sequence[Any], target: Tensor, specs: Sequence[Any]
) -> OpNode:
    """The op's node, made on a stand-in that shares the target's memory so that the target's own history is set by `rebase`."""
    stand_in = make(target.a, target.spec)
    stand_in.storage, stand_in.offset = target.get_storage(), target.offset
    return attach(op, edges, inputs, params, stand_in, specs)


def rebase(target: Tensor, node: Node) -> None:
    """Make `node` the history of a written tensor; for a view, of the part of its base that it shows."""
    if not isinstance(target, View):
        target.node = node
        return
    base = target.base
    base.node = CopySlices(base, target, node)
    target.seen = -1
    regenerate(target)


def regenerate(view: View) -> None:
    """The node of a view whose memory was written since: AsStridedBackward0 of what its base is now."""
    base = view.base
    view.seen = view._version
    edge = base.node
    if edge is None:
        view.held = None
        return
    node = new_node(OpNode)
    node.op = OPS["as_strided"]
    node.edges, node.seq, node.saved, node.mask = (edge,), next_seq(), (), 1
    node.params = [None, tuple(view.spec.shape), view.spec.strides, view.offset - base.offset]
    node.specs = (base.spec, view.spec)
    view.held = node


class CopySlices(Node):
    """History of a base that was written through a view: the view's part goes through `inner`, the rest passes."""

    __slots__ = ("base_spec", "inner", "shift", "view_spec")

    def __init__(self, base: Tensor, view: Tensor, inner: Node):
        super().__init__((base.node, *inner.edges[1:]))
        self.inner, self.base_spec, self.view_spec, self.shift = inner, base.spec, view.spec, view.offset - base.offset

    @property
    def freed(self) -> bool:  # type: ignore[override]  # derived here
        """Whether the inner node's saved values are gone."""
        return self.inner.freed

    def release(self) -> None:
        self.inner.release()

    def apply(self, grad: Grad, level: Any) -> Sequence[Grad | None]:
        if isinstance(grad, Tensor):
            return self._on_tensors(grad, level)
        spec = self.base_spec
        whole = allocate(spec if spec.dense else spec_of(spec.dtype, spec.device, spec.shape))
        whole.a[...] = grad
        part = backend.lens(
            whole.get_storage().raw,
            self.view_spec.shape,
            self.view_spec.numpy,
            self.shift * spec.dtype.itemsize,
            self.view_spec.byte_strides,
        )
        inner = self.inner.apply(backend.copy_of(part), level)
        part[...] = 0 if inner[0] is None else inner[0]
        return (whole.a, *inner[1:])

    def _on_tensors(self, grad: Tensor, level: Any) -> Sequence[Tensor | None]:
        view = self.view_spec
        spec = self.base_spec
        dense = spec if spec.dense else spec_of(spec.dtype, spec.device, spec.shape)
        geometry = (tuple(view.shape), view.strides, self.shift)
        whole = OPS["copy"].call(allocate(dense), grad)
        inner = self.inner.apply(OPS["as_strided"].call(whole, *geometry).clone(), level)
        part = inner[0] if inner[0] is not None else OPS["zeros_like"].call(OPS["as_strided"].call(whole, *geometry))
        return (OPS["as_strided_scatter"].call(whole, part, *geometry), *inner[1:])
