"""In-place writes: torch's checks before, version and history after, CopySlices for writes through views, stale views remade."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import backend
from .errors import TensorError
from .families.common import refuse_shared_slots
from .graph import Grad, Node, Output, grad_fn_of, next_seq, place_of
from .modes import enable_grad, entered, inferring, is_grad_enabled, transform_depth
from .record import FREED, Applied, OpNode, Vjp, attach, forward_name, keep_indices, new_node, refuse_inference, shown
from .registry import OPS
from .spec import Spec, spec_of
from .tensor import Tensor, allocate, make
from .views import INFERENCE_VIEW, MULTI_VIEW, NO_GRAD_VIEW, TURNED, LazyView, View

if TYPE_CHECKING:
    from .registry import Op

_AMBIGUOUS = (
    " Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace"
    " either both inside the {} block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
)
_WHY = {
    NO_GRAD_VIEW: _AMBIGUOUS.format("no_grad"),
    INFERENCE_VIEW: _AMBIGUOUS.format("inference_mode"),
    MULTI_VIEW: " This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified"
    " inplace. You should replace the inplace operation by an out-of-place one.",
}


def admit(op: Op, target: Tensor, inputs: Sequence[Any]) -> bool:
    """Whether a write of `inputs` into `target` belongs to its history: what torch asks first, before shapes and dtypes.

    Raises RuntimeError when the history may not be changed.
    """
    if inferring:
        _refuse_captured(op, target)
    if not is_grad_enabled() or not any([isinstance(t, Tensor) and t.requires_grad for t in inputs]):
        return False
    check(target, op.public + "_")
    return True


def _refuse_captured(op: Op, target: Tensor) -> None:
    """Refuse to write, inside a function that a transform runs, a tensor that was made outside.

    Raises RuntimeError with torch's sentence.
    """
    depth = transform_depth.get()
    root = target.base if isinstance(target, View) else target
    if root.__dict__.get("made_in", 0) < depth:
        overload = ".Tensor" if op.family == "elementwise" and len(op.inputs) == 2 else ""
        raise TensorError(
            f"During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call in-place operation (aten::{op.public.rstrip('_')}_{overload})"
            " that would mutate a captured Tensor. This is not supported; please rewrite the function being transformed to explicitly accept the mutated"
            " Tensor(s) as inputs.",
            op.public.rstrip("_") + "_",
            {"self": target},
        )


def check(target: Tensor, op: str) -> None:
    """Whether autograd lets `target` be written while history is recorded.

    Raises RuntimeError with torch's sentences for leaves, views of leaves, views made under no_grad or of several outputs.
    """
    operands = {"self": target}
    if isinstance(target, View) and not target.inference:
        refuse_made(target, op, "is being")
        if target.requires_grad and target.base.is_leaf:
            raise TensorError("a view of a leaf Variable that requires grad is being used in an in-place operation.", op, operands)
    if target.requires_grad and grad_fn_of(target._known()) is None:
        raise TensorError("a leaf Variable that requires grad is being used in an in-place operation.", op, operands)


def refuse_made(view: View, op: str, event: str) -> None:
    """Refuse to give a view a new history when it was made under no_grad, in inference mode, or as one of several.

    Raises RuntimeError with torch's sentences.
    """
    made, node = view.made, view.held
    if made is None:
        return
    maker = grad_fn_of(node)
    whose = "A view was created in"
    if maker is not None:
        number = node.index if isinstance(node, Output) else 0
        whose = f"Output {number} of {forward_name(maker)} is a view"
    if made == MULTI_VIEW and maker is not None:
        head = f"{whose} and {event} modified inplace."
    else:
        if maker is not None:
            whose += " of a view which was created in"
        how = "inference mode and {} modified inplace in normal mode." if made == INFERENCE_VIEW else "no_grad mode and {} modified inplace with grad mode enabled."
        head = f"{whose} {how.format(event)}"
    raise TensorError(head + _WHY[made], op, {"self": view})


def bump(target: Tensor) -> None:
    """Count one write to the target's storage."""
    storage = target.storage
    if storage is None:
        storage = target.get_storage()
    storage.version += 1


def write(
    op: Op,
    target: Tensor,
    inputs: Sequence[Any],
    params: Sequence[Any],
    specs: Sequence[Any],
    perform: Callable[[], None],
    recording: bool,
) -> Tensor:
    """`perform()` the write, and when `recording` make `op` (whose first input is `target`) the target's history.

    A formula that needs the old values gets a copy of them, taken before the write.
    """
    if recording:
        edges = [t.node if isinstance(t, Tensor) else None for t in inputs]
        recording = op.differentiable and target.spec.dtype.continuous
    given = list(inputs)
    if recording and not target.spec.dtype.as_is:
        op = op.form_for(target.spec.dtype)
    if recording and target.a is not None:
        mask = sum(1 << i for i, e in enumerate(edges) if e is not None)
        if 0 in op.saves(mask):
            given[0] = make(backend.copy_of(target.a), spec_of(target.spec.dtype, target.spec.device, target.spec.shape))
    if recording and entered:
        refuse_inference(op, edges, given, params)
    before = 0 if target.storage is None else target.storage.version
    if isinstance(target, LazyView):
        target.written(perform)
    elif target.a is not None:
        perform()
    bump(target)
    if recording:
        node = attach_to(op, edges, given, params, target, specs)
        if op.keeps_indices:
            keep_indices(node, params[op.signature.positions["indices"]])
        # an operand on the memory that was just written was saved as it was before
        node.keep([
            (place, value, before if place < len(given) and _shares(value, target) else version) for place, value, version in node.kept()
        ])
        rebase(target, node)
        if isinstance(target, View):
            _name_after(target, node)
    return target


def _shares(value: Any, target: Tensor) -> bool:
    return isinstance(value, Tensor) and value.storage is target.storage


def _succeed(node: Node, t: Tensor) -> None:
    """Have a tensor's new node keep its gradient, if that was asked for, in place of the old one."""
    old = t._known()
    if old is None or not t.retaining:
        return
    owner, _ = place_of(old)
    owner.retained = [(index, ref) for index, ref in owner.retained or () if ref() is not t]
    t.retain_in(node)


def _again(node: OpNode) -> OpNode:
    """A node that stands for the same application of an op."""
    twin = new_node(OpNode)
    twin.vjp, twin.edges, twin.seq, twin.saved = node.vjp, node.edges, node.seq, node.saved
    return twin


def _name_after(view: View, node: OpNode) -> None:
    """Errors call a result that was saved after what is then the view's node, for as long as that lives, as torch's do."""
    for place, value, _ in node.kept():
        if place >= len(node.op.inputs) and isinstance(value, Tensor) and view.held is not None:
            value.__dict__["maker"] = weakref.ref(view.held)


def attach_to(
    op: Op, edges: Sequence[Node | None], inputs: Sequence[Any], params: Sequence[Any], target: Tensor, specs: Sequence[Any]
) -> OpNode:
    """The op's node, made on a stand-in that shares the target's memory so that the target's own history is set by `rebase`."""
    stand_in = make(target.a, target.spec)
    stand_in.storage, stand_in.offset = target.get_storage(), target.offset
    return attach(Applied(op, op.kept(params), specs), edges, inputs, stand_in)


def rebase(target: Tensor, node: OpNode) -> None:
    """Make `node` the history of a written tensor; for a view, of the part of its base that it shows."""
    target.__dict__.pop("gradient_hooks", None)  # they stay with the old node, and new ones go to the new
    if target.switched_off is not None:
        target.interior = True
    if not isinstance(target, View):
        _succeed(node, target)
        target.node = node
        return
    base = target.base
    base.__dict__.pop("gradient_hooks", None)
    whole = CopySlices(base, target, node)
    _succeed(whole, base)
    base.node = whole
    target.seen = -1
    regenerate(target)


def regenerate(view: View) -> None:
    """The node of a view whose memory was written since: AsStridedBackward0 of what its base is now."""
    base = view.base
    edge = base.node
    refuse_made(view, "grad_fn", "its base or another view of its base has been")
    view.seen = 0 if view.storage is None else view.storage.version
    if view.spec.lazy or view.spec.dtype is not base.spec.dtype:
        with enable_grad():
            part = _part(base, view.spec, _elements_apart(base, view)).node
        if part is not None:
            _succeed(part, view)
        view.held = part
        return
    node = new_node(OpNode)
    params = [None, tuple(view.spec.shape), view.spec.strides, view.offset - base.offset]
    node.vjp = Vjp(OPS["as_strided"], 1, params, (base.spec, view.spec))
    node.edges, node.seq, node.saved = (edge,), next_seq(), ()
    _succeed(node, view)
    view.held = node


def _elements_apart(base: Tensor, view: Tensor) -> int:
    """How far behind the base's first element the view's begins, in elements of the view."""
    return view.offset - base.offset * base.spec.itemsize // view.spec.itemsize


def _part(whole: Tensor, view: Spec, shift: int) -> Tensor:
    """What a view with this spec shows of a base, `shift` of its elements further on, made anew by recorded ops."""
    shape, strides = tuple(view.shape), view.strides
    if view.dtype is whole.spec.dtype:
        same = (shape, strides, shift) == (tuple(whole.spec.shape), whole.spec.strides, 0)
        part = whole if same and view.lazy else OPS["as_strided"].call(whole, shape, strides, shift)
    elif view.dtype.is_complex:
        sizes, steps = (*shape, 2), (*[2 * s for s in strides], 1)
        same = (sizes, steps, shift) == (tuple(whole.spec.shape), whole.spec.strides, 0)
        pairs = whole if same else OPS["as_strided"].call(whole, sizes, steps, 2 * shift)
        part = OPS["view_as_complex"].call(pairs)
    else:
        part = OPS["as_strided"].call(OPS["view_as_real"].call(whole), shape, strides, shift)
    return OPS[f"{view.lazy}_view"].call(part) if view.lazy else part


class CopySlices(Node):
    """History of a base that was written through a view: the view's part goes through `inner`, the rest passes."""

    __slots__ = ("base_spec", "before", "freed", "inner", "shift", "view_spec")
    freed: bool
    before: Node | None  # the view's own node when it was written

    def __init__(self, base: Tensor, view: Tensor, inner: OpNode):
        super().__init__((base.node, *inner.edges[1:]))
        own = inner.edges[0]
        if all(place for place, _, _ in inner.kept()):
            inner.edges = self.edges  # the view's own history is that of the base
        elif isinstance(own, OpNode):
            inner.edges = (_again(own), *self.edges[1:])  # that of an old value that was saved
        self.freed, self.before = False, own
        self.inner, self.base_spec, self.view_spec, self.shift = inner, base.spec, view.spec, _elements_apart(base, view)

    def name(self) -> str:
        return "torch::autograd::CopySlices"

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        return (shown(self.edges[0]), *self.inner.next_functions[1:])

    def release(self) -> None:
        self.freed = True  # a second run is refused whatever the inner node saved
        self.before = None  # as in torch, the view's own node may go from then on
        self.inner.release()

    def apply(self, grad: Grad, level: Any) -> Sequence[Grad | None]:
        if self.freed:
            raise TensorError(FREED, "backward", node=self)
        if self.edges[0] is not None:  # as torch, which writes the view's part into what passes
            refuse_shared_slots(self.view_spec)
        refuse_shared_slots(self.base_spec)  # the gradient is laid out as the base, so that the view's part of it is found
        if isinstance(grad, Tensor):
            return self._on_tensors(grad, level)
        whole = allocate(self.base_spec)
        whole.a[...] = grad
        part = backend.lens(
            whole.get_storage().raw,
            self.view_spec.shape,
            self.view_spec.numpy,
            self.shift * self.view_spec.itemsize,
            self.view_spec.byte_strides,
        )
        turned = TURNED.get(self.view_spec.lazy, backend.copy_of)
        inner = self.inner.apply(turned(part), level)
        part[...] = 0 if inner[0] is None else turned(inner[0])
        return (whole.a, *inner[1:])

    def _on_tensors(self, grad: Tensor, level: Any) -> Sequence[Tensor | None]:
        whole = OPS["copy"].call(allocate(self.base_spec), grad)
        part = _part(whole, self.view_spec, self.shift)
        inner = self.inner.apply(part.clone(), level)
        if inner[0] is None:
            part.zero_()
        else:
            part.copy_(inner[0])
        return (whole, *inner[1:])
