"""Backward: a heap of nodes by descending sequence number, on raw arrays or, to keep their graph, on Tensors."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

from . import backend
from .backend import META, ndarray
from .errors import TensorError, TensorTypeError, TensorValueError
from .graph import AccumulateGrad, Node, Output
from .modes import _enabled
from .record import OpNode
from .registry import OPS, TENSOR_OPS, RawOps, raw_ops
from .spec import Spec, row_major
from .tensor import Tensor, allocate, make, new_tensor, wrap


class RawLevel:
    """Plain backward: gradients are raw arrays, formulas run on kernels, nothing is recorded."""

    keeps_graph = False
    numpy_ops = raw_ops(backend.np)

    @staticmethod
    def ops(grad: Any) -> RawOps:
        return raw_ops(backend.module_of(grad[0] if isinstance(grad, list) else grad))

    @staticmethod
    def unpack(node: OpNode, place: int, value: Tensor) -> Any:
        array = value.a
        if node.op.cast_saved:
            wanted = node.specs[-1].numpy
            if array.dtype is not wanted and array.dtype != wanted:
                return array.astype(wanted)
        return array

    @staticmethod
    def expose(grad: Any) -> Tensor:
        """A raw gradient as a Tensor that a user may look at."""
        return wrap(grad)

    @staticmethod
    def enter(value: Tensor) -> Any:
        return value.a

    @staticmethod
    def zeros(spec: Spec) -> Any:
        return backend.xp_of(spec.device).zeros(spec.shape, spec.numpy)

    @staticmethod
    def store(leaf: Tensor, grad: Any, owned: bool) -> None:
        """First gradient of a leaf, or one more: stolen when `owned` and laid out as the leaf, else copied or added in place."""
        held = leaf._grad
        if held is not None:
            held.a += grad
            held.get_storage().version += 1
            return
        spec = leaf.spec
        if owned and spec.contiguous and grad.__class__ is ndarray and grad.flags.c_contiguous:
            leaf._grad = make(grad, spec.plain or row_major(spec))
        else:
            leaf._grad = _settle(spec, grad)


class TensorLevel:
    """Backward with create_graph: gradients are Tensors, formulas run on the public ops and are recorded."""

    keeps_graph = True
    numpy_ops = TENSOR_OPS

    @staticmethod
    def ops(grad: Any) -> Any:
        return TENSOR_OPS

    @staticmethod
    def unpack(node: OpNode, place: int, value: Tensor) -> Tensor:
        wanted = node if place >= len(node.op.inputs) else node.edges[place]
        if value.node is wanted:
            return value
        t = new_tensor(Tensor)
        t.a, t.spec, t.storage, t.offset, t.node = value.a, value.spec, value.storage, value.offset, wanted
        return t

    @staticmethod
    def expose(grad: Tensor) -> Tensor:
        return grad

    @staticmethod
    def enter(value: Tensor) -> Tensor:
        return value

    @staticmethod
    def zeros(spec: Spec) -> Tensor:
        return make(None if spec.device is META else RawLevel.zeros(spec), row_major(spec))

    @staticmethod
    def store(leaf: Tensor, grad: Tensor, owned: bool) -> None:
        held = leaf._grad
        if held is None:
            fresh = allocate(_grad_spec(leaf.spec))
            leaf._grad = OPS["copy"].call(fresh, grad)
        else:
            leaf._grad = held.add(grad)


def _grad_spec(spec: Spec) -> Spec:
    """The layout contract: a gradient takes its leaf's strides when they are dense, else row-major."""
    return spec if spec.dense else row_major(spec)


def _settle(spec: Spec, grad: Any) -> Tensor:
    """A copy of a raw gradient, laid out for a leaf of this spec."""
    spec = _grad_spec(spec)
    if spec.contiguous:
        return make(backend.copy_of(grad), row_major(spec))
    fresh = allocate(spec)
    fresh.a[...] = grad
    return fresh


RAW, TENSOR = RawLevel(), TensorLevel()


def execute(
    roots: Sequence[tuple[Node, Any]], retain: bool, level: Any, captures: dict[Node, int] | None = None, accumulate: bool = True
) -> list[Any]:
    """Run the graph below `roots` (node, gradient). With `captures`, only nodes on a path to them run, and the gradients that
    reach them are returned in their order (added to `.grad` instead for leaves when `accumulate`)."""
    pending: dict[Node, Any] = {}
    owned: set[Node] = set()  # pending gradients that no one else sees, so that more may be added in place
    heap: list[tuple[int, Node]] = []
    only: Node | None = None  # the one pending node of a chain, kept out of the heap
    if len(roots) == 1:
        only, grad = roots[0]
        pending[only] = grad
    else:
        for node, grad in roots:
            if node in pending:
                pending[node] = pending[node] + grad
            else:
                pending[node] = grad
                heappush(heap, (-node.seq, node))
    needed = None if captures is None else _leading_to([node for node, _ in roots], captures)
    captured: list[Any] = [None] * len(captures or ())
    grads: Any
    while heap or only is not None:
        if only is None:
            node = heappop(heap)[1]
        else:
            node, only = only, None
        grad = pending.pop(node)
        if node.watched:
            grad = _look(node, grad, level)
            owned.discard(node)
        kind = node.__class__
        if captures is not None and needed is not None:
            at = captures.get(node)
            if at is not None and not (accumulate and kind is AccumulateGrad):
                captured[at] = grad
                owned.discard(node)
            if node not in needed:
                continue
        if kind is AccumulateGrad:
            if captures is None or accumulate:
                leaf = node.leaf()  # type: ignore[attr-defined]  # kind says so
                if leaf is not None:
                    level.store(leaf, grad, node in owned)
                    if node.post_hooks:  # type: ignore[attr-defined]  # kind says so
                        _run_post_hooks(node, leaf)  # type: ignore[arg-type]  # kind says so
            continue
        if kind is Output:
            _deliver(node, grad, pending, heap)  # type: ignore[arg-type]  # kind says so
            continue
        if grad.__class__ is list:
            grad = [level.zeros(spec) if g is None else g for g, spec in zip(grad, node.specs[-1], strict=True)]  # type: ignore[attr-defined]
        grads = node.apply(grad, level)
        if node.hooks:
            grads = _run_hooks(node, grads, grad, level)
        if not retain:
            node.release()
        i = 0
        for edge in node.edges:
            g = grads[i]
            i += 1
            if edge is None or g is None or (needed is not None and edge not in needed and edge not in captures):  # type: ignore[operator]
                continue
            held = pending.get(edge)
            if held is None:
                pending[edge] = g
                if only is not None:
                    heappush(heap, (-only.seq, only))
                    only = None
                    heappush(heap, (-edge.seq, edge))
                elif heap:
                    heappush(heap, (-edge.seq, edge))
                else:
                    only = edge
                if g is not grad and g.__class__ is ndarray and g.base is None:
                    owned.add(edge)
            elif edge in owned:
                held += g
            else:
                pending[edge] = held = held + g
                if held.__class__ is ndarray:
                    owned.add(edge)
        grads = g = held = None  # so that an array is freed as soon as its last reader ran
    return captured


def _deliver(port: Output, grad: Any, pending: dict[Node, Any], heap: list[tuple[int, Node]]) -> None:
    """Put one output's gradient into its place among those of a multi-output node."""
    owner: Any = port.owner
    box = pending.get(owner)
    if box is None:
        box = pending[owner] = [None] * len(owner.specs[-1])
        heappush(heap, (-owner.seq, owner))
    box[port.index] = grad


def _leading_to(roots: list[Node], captures: dict[Node, int]) -> set[Node]:
    """Nodes below `roots` from which a captured node can be reached, found without recursion, oldest first."""
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(edge for edge in node.edges if edge is not None)
    needed: set[Node] = set()
    for node in sorted(seen, key=lambda n: n.seq):
        if any(edge in needed or edge in captures for edge in node.edges if edge is not None):
            needed.add(node)
        elif node in captures and isinstance(node, AccumulateGrad):
            needed.add(node)
    return needed


def _run_post_hooks(node: AccumulateGrad, leaf: Tensor) -> None:
    for hook in list((node.post_hooks or {}).values()):
        hook(leaf)


def _look(node: Node, grad: Any, level: Any) -> Any:
    """Show a gradient to the hooks and tensors that asked for it before its node runs."""
    if node.pre_hooks:
        grad = _run_pre_hooks(node, grad, level)
    if node.retained:
        _keep(node, grad, level)
    return grad


def _run_pre_hooks(node: Node, grad: Any, level: Any) -> Any:
    for hook in list((node.pre_hooks or {}).values()):
        seen = level.expose(grad)
        given = hook(seen)
        if given is None:
            continue
        if not isinstance(given, Tensor):
            raise TensorTypeError(f"expected Variable, but hook returned '{type(given).__name__}'")
        if given.shape != seen.shape:
            raise TensorError(f"hook '{hook.__name__}' has changed the size of value")
        grad = level.enter(given)
    return grad


def _run_hooks(node: Node, grads: Sequence[Any], grad: Any, level: Any) -> Sequence[Any]:
    for hook in list((node.hooks or {}).values()):
        ins = tuple(None if g is None else level.expose(g) for g in grads)
        outs = tuple(level.expose(g) for g in (grad if isinstance(grad, list) else [grad]))
        given = hook(ins, outs)
        if given is not None:
            given = given if isinstance(given, tuple) else (given,)
            grads = [None if g is None else level.enter(g) for g in given]
    return grads


def _keep(node: Node, grad: Any, level: Any) -> None:
    for ref in node.retained or ():
        t = ref()
        if t is not None:
            seen = level.expose(grad)
            t._grad = seen.clone() if t._grad is None else t._grad + seen


def _root_grad(output: Tensor, grad: Tensor | None, level: Any, index: int) -> Any:
    """The gradient to start from: the one given, or 1 for a one-element output."""
    spec = output.spec
    if grad is None:
        if spec.numel != 1:
            raise TensorError("grad can be implicitly created only for scalar outputs", "backward", {"self": output})
        if spec.device is META:
            return make(None, row_major(spec))
        if spec.one is None:  # read only: nobody owns it, so nobody writes it
            spec.one = backend.full(spec.shape, 1, spec.numpy, spec.device)
        return spec.one if level is RAW else make(spec.one, row_major(spec))
    if not isinstance(grad, Tensor):
        raise TensorTypeError(f"gradients can be either Tensors or None, but got {type(grad).__name__}")
    if grad.shape != spec.shape:
        raise TensorError(
            f"Mismatch in shape: grad_output[{index}] has a shape of {grad.shape} and output[{index}] has a shape of {spec.shape}.",
            "backward",
            {"self": output, "gradient": grad},
        )
    if grad.spec.dtype is not spec.dtype:
        grad = grad.to(spec.dtype)
    return level.enter(grad)


def _roots(outputs: Sequence[Tensor], grads: Sequence[Tensor | None], level: Any) -> list[tuple[Node, Any]]:
    roots = []
    for i, (output, grad) in enumerate(zip(outputs, grads, strict=True)):
        node = output.node
        if node is None:
            raise TensorError(f"element {i} of tensors does not require grad and does not have a grad_fn", "backward", {"self": output})
        roots.append((node, _root_grad(output, grad, level, i)))
    return roots


def _level(outputs: Sequence[Tensor], create_graph: bool) -> Any:
    """Tensors when the gradients' own graph is wanted or there are no arrays (meta), else raw arrays."""
    return TENSOR if create_graph or any(t.a is None for t in outputs) else RAW


def _many(value: Any, count: int) -> list[Any]:
    """One or several Tensors as a list; None stands for `count` of them.

    Raises TypeError with Python's sentence for anything else.
    """
    if value is None:
        return [None] * count
    if isinstance(value, Tensor):
        return [value]
    if not isinstance(value, (tuple, list)):
        raise TensorTypeError(f"'{type(value).__name__}' object is not iterable")
    for item in value:
        if item is not None and not isinstance(item, Tensor):
            raise TensorTypeError(f"expected Tensors, but got {type(item).__name__}")
    return list(value)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of `tensors`, weighed by `grad_tensors`, to `.grad` of the leaves (of `inputs` only, when given).

    Raises RuntimeError when an output does not require grad, is no scalar and has no weights, or its graph was freed.
    """
    outputs = _many(tensors, 1)
    weights = _many(grad_tensors, len(outputs))
    captures: dict[Node, int] | None = None
    wanted: list[Tensor] = []
    if inputs is not None:
        wanted = _many(inputs, 1)
        if not wanted:
            raise TensorError("`inputs` argument to `backward()` cannot be empty.")
        captures = {}
        for t in wanted:
            if t.node is None:
                raise TensorError("One of the differentiated Tensors does not require grad")
            captures.setdefault(t.node, len(captures))
    retain = create_graph if retain_graph is None else retain_graph
    level = _level(outputs, create_graph)
    token = _enabled.set(create_graph)
    try:
        found = execute(_roots(outputs, weights, level), retain, level, captures)
    finally:
        _enabled.reset(token)
    for t in wanted:
        if t.node is not None and not isinstance(t.node, AccumulateGrad) and captures is not None:
            grad = found[captures[t.node]]
            if grad is not None:
                level.store(t, grad, False)


def tensor_backward(
    self: Tensor, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
) -> None:
    """Add d self / d leaf to `.grad` of every leaf that self depends on.

    `gradient` has self's shape and weighs its elements; a one-element self needs none.
    Raises RuntimeError when self does not require grad, is not a scalar, or its graph was freed.
    """
    if create_graph or inputs is not None or self.a is None:
        backward(self, gradient, retain_graph, create_graph, inputs)
        return
    node, start = self.node, self.spec.one
    roots = [(node, start)] if node is not None and gradient is None and start is not None else _roots((self,), (gradient,), RAW)
    token = _enabled.set(False)
    try:
        execute(roots, bool(retain_graph), RAW)
    finally:
        _enabled.reset(token)


tensor_backward.__name__, tensor_backward.__qualname__ = "backward", "Tensor.backward"


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    is_grads_batched: bool = False,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """Gradients of `outputs` with respect to `inputs`, one per input; nothing is added to `.grad`.

    Raises RuntimeError when an input does not require grad, or was not used and `allow_unused` is not True.
    """
    if is_grads_batched:
        raise TensorError("grad: is_grads_batched=True needs vmap, which tcalc does not have; call grad once per row", "grad")
    outs, ins = _many(outputs, 1), _many(inputs, 1)
    weights = _many(grad_outputs, len(outs))
    if materialize_grads and allow_unused is False:
        raise TensorValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.")
    retain = create_graph if retain_graph is None else retain_graph
    captures: dict[Node, int] = {}

    def roots(level: Any) -> list[tuple[Node, Any]]:
        started = _roots(outs, weights, level)
        for t in ins:
            if t.node is None:
                raise TensorError("One of the differentiated Tensors does not require grad", "grad", {"input": t})
            captures.setdefault(t.node, len(captures))
        return started

    level = _level(outs, create_graph)
    token = _enabled.set(create_graph)
    try:
        found = execute(roots(level), retain, level, captures, accumulate=False)
    finally:
        _enabled.reset(token)
    results: list[Tensor | None] = []
    for i, t in enumerate(ins):
        value = found[captures[t.node]]
        if value is not None:
            results.append(level.expose(value))
        elif materialize_grads:
            results.append(make(RawLevel.zeros(t.spec), row_major(t.spec)))
        elif allow_unused:
            results.append(None)
        else:
            raise TensorError(
                f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True if this is the"
                " desired behavior.",
                "grad",
                {"input": t},
            )
    return tuple(results)
