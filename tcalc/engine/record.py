"""Recording: the graph node of an op's application, what it saves, and the checks when backward reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .anomaly import is_anomaly_enabled
from .backend import CPU, ndarray
from .errors import TensorError
from .graph import NOT_IMPLEMENTED, AccumulateGrad, Grad, Node, Output, grad_fn_of, next_seq, nobody
from .layout import broadcast_shapes
from .modes import entered, is_grad_enabled
from .spec import Spec
from .tensor import Tensor, alias

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


class Applied(dict[int, "Vjp"]):
    """An op on inputs of certain specs with certain arguments: what the nodes of all such applications share. Its items are the Vjps, by mask.

    `specs` are the inputs' specs and, last, the result's. `params` are the op's bound arguments.
    """

    __slots__ = ("op", "params", "specs")

    def __init__(self, op: Op, params: Sequence[Any], specs: Sequence[Any]):
        self.op, self.params, self.specs = op, params, specs

    def __missing__(self, mask: int) -> Vjp:
        found = self[mask] = Vjp(self.op, mask, self.params, self.specs)
        return found


class Vjp:
    """How the gradients of those inputs that `mask` names, bit by bit, follow from the gradient of the result.

    `places` are those of the values that are saved for it among the inputs and the result. `run(node, grad, level)` is the way from one raw
    array on the CPU: from the second time on one that was compiled for these specs. After that a node `frees` what it saved, or notes that
    it has run.
    """

    __slots__ = ("frees", "mask", "op", "params", "places", "run", "specs")
    run: Callable[[OpNode, Any, Any], Sequence[Any]]

    def __init__(self, op: Op, mask: int, params: Sequence[Any], specs: Sequence[Any]):
        self.op, self.mask, self.params, self.specs = op, mask, params, specs
        self.places = op.saves(mask)
        self.frees = bool(self.places) or op.keeps_indices
        self.run = _at_first

    def compiled(self, F: Any) -> Callable[[OpNode, Any, Any], Sequence[Any]]:
        """`run` for these specs: one Python function that looks at the versions, calls the formulas and finishes what has to be."""
        op, specs, places = self.op, self.specs, self.places
        result = specs[-1]
        if op.keeps_indices or not all([spec is None or (isinstance(spec, Spec) and spec.device is CPU) for spec in specs]) or not result.dtype.as_is:
            return OpNode.apply
        checks, values, given = [], [], {"apply": OpNode.apply, "cut": cut, "params": self.params, "specs": specs, "F": F}
        for i, place in enumerate(places):
            value = f"v{i}"
            spec = specs[place] if place < len(op.inputs) else result
            if spec is not None:
                checks.append(f"(v{i}.storage is not None and v{i}.storage.version != n{i})")
                value += ".a"
                if op.cast_saved:
                    given[f"s{i}"] = spec
                    checks.append(f"v{i}.spec is not s{i}")
                    if spec.numpy is not result.numpy:
                        given["wanted"] = result.numpy
                        value += ".astype(wanted)"
            values.append(value)
        formulas, calls = op.calls(self.mask, values, "[edge is not None for edge in node.edges]")
        given |= formulas
        open_ends = [op.finish is not None and op.finishes(spec, result) for spec in specs[:-1]]
        if isinstance(calls, list):
            for i in [i for i, call in enumerate(calls) if call != "None" and open_ends[i]]:
                given |= {"finish": op.finish, f"spec{i}": specs[i], "result": result}
                calls[i] = f"finish({calls[i]}, spec{i}, result, F)"
            calls = f"{', '.join(calls)},"
        elif any(open_ends):
            given |= {"finished": finished, "op": op}
            calls = f"finished(op, specs, {calls}, F)"
        made = _made(tuple(given), len(places), " or ".join(["cut", *checks]), calls)
        return made(**given)  # type: ignore[no-any-return]  # made of text


def finished(op: Op, specs: Sequence[Any], grads: Sequence[Any], F: Any) -> Sequence[Any]:
    """The gradients as the inputs have them: brought to their shapes, dtypes and devices as far as the op's formulas leave that open."""
    result = specs[-1][0] if isinstance(specs[-1], list) else specs[-1]
    given = specs[0] if len(specs) == 2 and isinstance(specs[0], list) else specs[:-1]
    if op.finish is not None and len(given) == len(grads) and any([op.finishes(spec, result) for spec in given]):
        grads = [g if g is None or spec is None else op.finish(g, spec, result, F) for g, spec in zip(grads, given, strict=True)]
    if op.rounds:
        return [
            g if g is None or spec is None or g.dtype is spec.numpy or g.dtype is spec.dtype else F.cast(g, spec.dtype)
            for g, spec in zip(grads, given, strict=False)
        ]
    return grads


@lru_cache(maxsize=4096)
def _made(names: tuple[str, ...], saved: int, refused: str, body: str) -> Callable[..., Any]:
    """What makes a Vjp's `run`, from the values of `names`. Where something is `refused`, apply() finds out why and says so."""
    lines = []
    if saved:
        parts = ", ".join([f"_, v{i}, n{i}" for i in range(saved)])
        general = "return apply(node, grad, level)"
        lines = ["saved = node.saved", "if saved is None:", f" {general}", f"{parts} = saved", f"if {refused}:", f" {general}"]
    text = "\n  ".join([f"def made({', '.join(names)}):\n def run(node, grad, level):", *lines, f"return {body}"])
    space: dict[str, Any] = {}
    exec(f"{text}\n return run", space)  # the text holds nothing but our own parameter names
    return space["made"]  # type: ignore[no-any-return]  # exec does not say


def _at_first(node: OpNode, grad: Any, level: Any) -> Sequence[Any]:
    """`run` of a Vjp the first time, which for most that no plan holds is the only one."""
    node.vjp.run = _compiling
    return node.apply(grad, level)


def _compiling(node: OpNode, grad: Any, level: Any) -> Sequence[Any]:
    """`run` of a Vjp the second time."""
    vjp = node.vjp
    run = vjp.run = vjp.compiled(level.direct_ops)
    return run(node, grad, level)


class OpNode(Node):
    """The node of one op's application, of which `vjp` says all that is not its own.

    `saved` holds, one after the other, the place among the inputs and the result, the value and its storage's version of all that is saved;
    None once freed.
    """

    __slots__ = ("saved", "vjp")
    vjp: Vjp
    saved: Sequence[Any] | None

    @property
    def op(self) -> Op:
        """The op that was applied."""
        return self.vjp.op

    @property
    def mask(self) -> int:
        """Which inputs want a gradient, bit by bit."""
        return self.vjp.mask

    @property
    def params(self) -> Sequence[Any]:
        """The op's bound arguments."""
        return self.vjp.params

    @property
    def specs(self) -> Sequence[Any]:
        """The inputs' specs and, last, the result's."""
        return self.vjp.specs

    def kept(self) -> Iterable[tuple[int, Any, int]]:
        saved = self.saved or ()
        return zip(saved[::3], saved[1::3], saved[2::3], strict=True)

    def keep(self, kept: Iterable[tuple[int, Any, int]]) -> None:
        """Have these as the saved values."""
        self.saved = [part for entry in kept for part in entry]

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
        if self.vjp.frees:
            self.saved = None

    def apply(self, grad: Grad, level: Any) -> Sequence[Grad | None]:
        vjp = self.vjp
        op = vjp.op
        values = self.unpacked(level) if self.saved else self.saved
        if values is None:
            if self.narrowed():
                return self.apply(grad, level)
            raise TensorError(FREED, "backward", node=self)
        F = level.numpy_ops if grad.__class__ is ndarray else level.ops(grad)
        vjps = op.vjps.get(vjp.mask) or op.compile(vjp.mask)
        needs = None if op.grads is None else [edge is not None for edge in self.edges]
        return finished(op, vjp.specs, vjps(grad, values, vjp.params, vjp.specs, needs, F), F)

    def unpacked(self, level: Any) -> list[Any]:
        """The saved values as the level computes with them.

        Raises RuntimeError with torch's sentence for one that was written in place since.
        """
        values: list[Any] = []
        direct = not (self.op.cast_saved or level.keeps_graph)
        if cut:
            self._refuse_detached()
        for place, value, version in self.kept():
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
        self.vjp = Vjp(self.op, mask, self.params, self.specs)
        wanted = self.vjp.places  # these first, as formulas find them; of the others only the version is looked at
        self.keep(sorted([item for item in self.kept() if item[0] in kept], key=lambda item: item[0] not in wanted))
        self.vjp.frees |= bool(self.saved)
        self.vjp.run = OpNode.apply
        return True

    def source(self, place: int, value: Tensor) -> Node | None:
        """The history of a saved value: that of the input, or this node, which has outputs where there are several results.

        As torch keeps the input itself, one that was a leaf is what it has been made since: `requires_grad_` counts.
        """
        first = len(self.op.inputs)
        if place < first:
            edge = self.edges[place]
            return value.node if edge is None or isinstance(edge, AccumulateGrad) else edge
        if not isinstance(self.specs[-1], list):
            return self if place == first else None
        return Output(self, place - first) if value.spec.dtype.continuous and place - first not in self.constant else None

    def refuse_reshaped(self, grad: Any) -> None:
        """Refuse a gradient that does not go with what was saved: `.data = ` gave that another shape since.

        Raises RuntimeError, with torch's sentence where the two do not broadcast.
        """
        for place, value, _ in self.kept():
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
        found = [(place, value, version) for place, value, version in self.kept() if isinstance(value, Tensor)]
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
        maker, number = shown(value.history)[0], 0  # torch notes the number of results alone
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


def attach(applied: Applied, edges: Sequence[Node | None], inputs: Sequence[Any], result: Tensor) -> OpNode:
    """Record one application of an op as the history of `result`, saving what its formulas need."""
    node = new_node(OpNode)
    count = len(edges)
    if count == 1:
        vjp = applied[1]
    elif count == 2:
        vjp = applied[1 if edges[1] is None else 2 if edges[0] is None else 3]
    else:
        vjp = applied[sum([1 << i for i, edge in enumerate(edges) if edge is not None])]
    node.vjp, node.edges, node.seq = vjp, edges, next_seq()
    saved: Any = ()
    if vjp.places:
        saved = []
        for place in vjp.places:
            if place < len(inputs):
                value = inputs[place]
                storage = value.storage if isinstance(value, Tensor) else None
                saved += place, value, 0 if storage is None else storage.version
            else:
                kept = alias(result)
                saved += place, kept, kept.storage.version  # type: ignore[union-attr]  # an alias has one
    if entered:
        refuse_inference(applied.op, edges, inputs, applied.params)
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
    node.keep([*node.kept(), *[(len(node.op.inputs) + 1, t, t._version) for t in indices if isinstance(t, Tensor)]])


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
        form = op if result.spec.dtype.as_is else op.form_for(result.spec.dtype)
        attach(Applied(form, op.kept(params), specs), edges, inputs, result)
        return
    for part in result:
        if not part.spec.dtype.as_is:
            op = op.form_for(part.spec.dtype)
            break
    owner = attach(Applied(op, op.kept(params), specs), edges, inputs, result[0])
    for i, part in enumerate(result):
        part.node = Output(owner, i) if part.spec.dtype.continuous else None
