"""Recording: the graph node of an op's application, what it saves, and the checks when backward reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .anomaly import is_anomaly_enabled
from .backend import ndarray
from .errors import TensorError
from .graph import NOT_IMPLEMENTED, AccumulateGrad, Grad, Node, Output, grad_fn_of, next_seq
from .layout import broadcast_shapes
from .modes import entered, is_grad_enabled
from .spec import Spec
from .tensor import Tensor, alias, nobody

if TYPE_CHECKING:
    from .registry import Op

Formula = Callable[..., Any]

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved"
    " intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to"
    " backward through the graph a second time or if you need to access saved tensors after calling backward."
)
_LOOK_ABOVE = (
    "the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in there or"
    " anywhere later. Good luck!"
)


def names_of(formula: Formula) -> tuple[str, ...]:
    """Parameter names of a formula."""
    code = formula.__code__
    return code.co_varnames[: code.co_argcount]


class OpNode(Node):
    """The node of one op's application.

    `saved` holds (place among the inputs and the result, value, storage version when saved), None once freed.
    `specs` are the inputs' specs and, last, the result's. `params` are the op's bound arguments.
    """

    __slots__ = ("mask", "op", "params", "saved", "specs")
    op: Op
    mask: int  # which inputs want a gradient, bit by bit
    saved: Sequence[tuple[int, Any, int]] | None
    params: Sequence[Any]
    specs: Sequence[Any]

    @property
    def freed(self) -> bool:  # type: ignore[override]  # derived here
        """Whether the saved values are gone."""
        return self.saved is None

    @property
    def constant(self) -> Sequence[int]:  # type: ignore[override]  # the op says which
        """Outputs without a gradient, by number."""
        return self.op.constant

    def name(self) -> str:
        op = self.op
        return op.scalar_nodes[self.specs.index(None)] if op.scalar_nodes and None in self.specs else op.node_name

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        op = self.op
        if op.formulas and len(self.edges) == len(op.inputs):  # torch lists the inputs that have a derivative: not a condition
            return tuple([shown(edge) for name, edge in zip(op.inputs, self.edges, strict=True) if name in op.formulas])
        return tuple([shown(edge) for edge in self.edges if edge is not None or op.node_name != NOT_IMPLEMENTED])

    def release(self) -> None:
        if self.saved or self.op.keeps_indices:
            self.saved = None

    def apply(self, grad: Grad, level: Any) -> Sequence[Grad | None]:
        op, specs = self.op, self.specs
        values = self.unpacked(level) if self.saved else self.saved
        if values is None:
            if self.narrowed():
                return self.apply(grad, level)
            raise TensorError(FREED, "backward", node=self)
        F = level.numpy_ops if grad.__class__ is ndarray else level.ops(grad)
        vjps = op.vjps.get(self.mask) or op.compile(self.mask)
        needs = None if op.grads is None else [edge is not None for edge in self.edges]
        grads = vjps(grad, values, self.params, specs, needs, F)
        return grads if op.finish_grads is None else op.finish_grads(grads, specs, F)

    def unpacked(self, level: Any) -> list[Any]:
        """The saved values as the level computes with them.

        Raises RuntimeError with torch's sentence for one that was written in place since.
        """
        values: list[Any] = []
        direct = not (self.op.cast_saved or level.keeps_graph)
        if cut:
            self._refuse_detached()
        for place, value, version in self.saved or ():
            if isinstance(value, Tensor):
                storage = value.storage
                if storage is not None and storage.version != version:
                    if self.narrowed():
                        return self.unpacked(level)
                    raise self._first_overwritten()
                value = value.a if direct else level.unpack(self, place, value)
            values.append(value)
        return values

    def narrowed(self) -> bool:
        """Leave out the inputs whose gradients go nowhere, and what was saved for them alone, which torch does not save. Whether that was
        anything, and what is left is there."""
        mask = _leading_somewhere(self.edges)
        kept = {*self.op.saves(mask), *self.op.always_saves()}
        if mask == self.mask or (kept and self.saved is None):
            return False
        self.mask, self.saved = mask, [item for item in self.saved or () if item[0] in kept]
        return True

    def source(self, place: int, value: Tensor) -> Node | None:
        """The history of a saved value: that of the input, or this node, which has outputs where there are several results."""
        first = len(self.op.inputs)
        if place < first:
            return self.edges[place]
        if not isinstance(self.specs[-1], list):
            return self if place == first else None
        return Output(self, place - first) if value.spec.dtype.continuous and place - first not in self.constant else None

    def refuse_reshaped(self, grad: Any) -> None:
        """Refuse a gradient that does not go with what was saved: `.data = ` gave that another shape since.

        Raises RuntimeError, with torch's sentence where the two do not broadcast.
        """
        for place, value, _ in self.saved or ():
            saved = self.specs[place] if place < len(self.op.inputs) else None
            if isinstance(value, Tensor) and isinstance(saved, Spec) and saved.shape != value.shape:
                broadcast_shapes(tuple(grad.shape), tuple(value.shape))
                raise TensorError(
                    f"a tensor of shape {list(saved.shape)} was saved for backward, and its .data has been given the shape {list(value.shape)} since",
                    "backward",
                    {"saved": value},
                    node=self,
                )

    def _by_name(self) -> list[tuple[int, Tensor, int]]:
        """The saved tensors in the order in which torch reads them: inputs by name, then the result."""
        names = self.op.inputs
        found = [(place, value, version) for place, value, version in self.saved or () if isinstance(value, Tensor)]
        return sorted(found, key=lambda item: names[item[0]] if item[0] < len(names) else "~")

    def _refuse_detached(self) -> None:
        """Refuse to use a saved input that was computed when it was saved, and detached in place since, unless one that is read before
        it was written."""
        for place, value, version in self._by_name():
            if place < len(self.edges) and grad_fn_of(self.edges[place]) is not None and value.detached and value.is_leaf:
                raise TensorError(
                    "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This is not supported, please use"
                    " out-of-place `.detach()` instead",
                    "backward",
                    {"saved": value},
                    node=self,
                )
            if value.storage is not None and value.storage.version != version:
                return

    def _first_overwritten(self) -> TensorError:
        """The error of the first value written since, in the order in which torch reads them."""
        place, value, version = next(item for item in self._by_name() if item[1].storage is not None and item[1].storage.version != item[2])
        value.refuse_stale()  # a view that may have no new history is refused before that
        return overwritten(self, place, value, version)


cut: list[None] = []  # not empty once detach_() was called on a computed tensor: only then a saved one may have lost its history


def forward_name(node: Node) -> str:
    """What torch's sentences call a node: Add for AddBackward0, Pow1 for PowBackward1."""
    stem, backward, number = node.name().partition("Backward")
    return stem + number.removesuffix("0") if backward and number.isdigit() else node.name()


def overwritten(node: OpNode, place: int, value: Tensor, version: int) -> TensorError:
    """torch's sentence for a saved value that was changed in place, with the node and versions as data."""
    if place < len(node.op.inputs):
        maker, number = shown(value.node)[0], 0  # torch notes the number of results alone
    else:
        later = value.__dict__.get("maker")
        maker, number = shown((later and later()) or node.source(place, value))
    whose = ""
    if maker is not None and not isinstance(maker, AccumulateGrad):
        whose = f", which is output {number} of {forward_name(maker)},"
    now = value._version
    hint = _LOOK_ABOVE if is_anomaly_enabled() else "enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
    return TensorError(
        "one of the variables needed for gradient computation has been modified by an inplace operation:"
        f" [{value.spec.type_name} {list(value.shape)}]{whose} is at version {now}; expected version {version} instead. Hint: {hint}",
        "backward",
        {"saved": value},
        node=node,
        storage=value.storage,
        saved_version=version,
        version=now,
    )


new_node = OpNode.__new__


def attach(
    op: Op, edges: Sequence[Node | None], inputs: Sequence[Any], params: Sequence[Any], result: Tensor, specs: Sequence[Any]
) -> OpNode:
    """Record one application of an op as the history of `result`, saving what its formulas need."""
    node = new_node(OpNode)
    node.op, node.edges, node.params, node.specs, node.seq = op, edges, params, specs, next_seq()
    if len(edges) == 1:
        mask = 1
    elif len(edges) == 2:
        mask = (edges[0] is not None) + 2 * (edges[1] is not None)
    else:
        mask = sum([1 << i for i, edge in enumerate(edges) if edge is not None])
    node.mask = mask
    places = op.masks.get(mask)
    if places is None:
        places = op.saves(mask)
    if not places:
        if entered:
            refuse_inference(op, edges, inputs, params)
        node.saved = ()
        result.node = node
        return node
    saved: list[tuple[int, Any, int]] = []
    for place in places:
        if place < len(inputs):
            value = inputs[place]
            storage = value.storage if isinstance(value, Tensor) else None
            saved.append((place, value, 0 if storage is None else storage.version))
        else:
            kept = alias(result)
            saved.append((place, kept, kept._version))
    if entered:
        refuse_inference(op, edges, inputs, params)
    node.saved = saved
    result.node = node
    return node


def refuse_inference(op: Op, edges: Sequence[Node | None], inputs: Sequence[Any], params: Sequence[Any]) -> None:
    """Refuse to keep inference tensors for backward.

    Raises RuntimeError with torch's sentence.
    """
    mask = _leading_somewhere(edges)
    kept = [inputs[place] for place in {*op.saves(mask), *op.always_saves()} if place < len(inputs)]
    if mask and "indices" in op.signature.positions:
        kept += params[op.signature.positions["indices"]]
    if any(isinstance(value, Tensor) and value.inference for value in kept):
        raise TensorError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by"
            " autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use `torch.no_grad()`"
            " instead of `torch.inference_mode()`."
        )


def _leading_somewhere(edges: Sequence[Node | None]) -> int:
    """The mask of the inputs whose gradients some tensor gets."""
    return sum([1 << i for i, edge in enumerate(edges) if shown(edge)[0] is not None])


def keep_indices(node: OpNode, indices: Sequence[Any]) -> None:
    """Have a node notice, as torch's do, when the places it remembers are overwritten."""
    kept = [(len(node.op.inputs) + 1, t, t._version) for t in indices if isinstance(t, Tensor)]
    node.saved = [*(node.saved or ()), *kept]


def shown(edge: Node | None) -> tuple[Node | None, int]:
    """An edge as next_functions shows it: one that leads to no tensor is none."""
    return (None, 0) if edge is None or (isinstance(edge, AccumulateGrad) and edge.leaf is nobody) else edge.shown()


def record(op: Op, inputs: Sequence[Any], params: Sequence[Any], result: Any, specs: Sequence[Any]) -> None:
    """Give `result` (a Tensor, or several from one op) a node when grad mode is on and an input requires grad.

    Integer results get none: they have no gradient, and nobody asks for the history of what they were computed from, which may be refused.
    """
    if not op.differentiable or (isinstance(result, Tensor) and not result.spec.dtype.continuous):
        return
    edges = [t.node if isinstance(t, Tensor) else None for t in inputs]
    for edge in edges:
        if edge is not None:
            break
    else:
        return
    if not is_grad_enabled():
        return
    if isinstance(result, Tensor):
        attach(op if result.spec.dtype.as_is else op.form_for(result.spec.dtype), edges, inputs, op.kept(params), result, specs)
        return
    for part in result:
        if not part.spec.dtype.as_is:
            op = op.form_for(part.spec.dtype)
            break
    owner = attach(op, edges, inputs, op.kept(params), result[0], specs)
    for i, part in enumerate(result):
        part.node = Output(owner, i) if part.spec.dtype.continuous else None
