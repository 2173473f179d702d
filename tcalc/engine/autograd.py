"""Gradients on demand: backward, autograd.grad and what they refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import backend
from .anomaly import Looked
from .backend import META, check_work
from .errors import TensorError, TensorTypeError, TensorValueError
from .execute import execute
from .graph import AccumulateGrad, Node, RemovableHandle, nobody
from .levels import RAW, TENSOR
from .modes import _enabled
from .registry import OPS
from .spec import row_major
from .tensor import Tensor, make, wrap


def _root_grad(output: Tensor, grad: Tensor | None, level: Any, index: int) -> Any:
    """The gradient to start from: the one given, or 1 for a one-element output."""
    spec = output.spec
    if grad is None:
        if spec.numel != 1:
            raise TensorError("grad can be implicitly created only for scalar outputs", "backward", {"self": output})
        if spec.dtype.is_complex:
            raise TensorError(f"grad can be implicitly created only for real scalar outputs but got {spec.dtype!r}", "backward", {"self": output})
        one = None if spec.device is META else backend.full(spec.shape, 1, spec.numpy, spec.device)
        return one if level is RAW else make(one, row_major(spec))
    if not isinstance(grad, Tensor):
        raise TensorTypeError(f"gradients can be either Tensors or None, but got {type(grad).__name__}")
    if grad.shape != spec.shape:
        raise TensorError(
            f"Mismatch in shape: grad_output[{index}] has a shape of {grad.shape} and output[{index}] has a shape of {spec.shape}.",
            "backward",
            {"self": output, "gradient": grad},
        )
    check_work(spec.numel, "backward")
    if grad.spec.dtype.is_complex is not spec.dtype.is_complex:
        raise TensorError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype:"
            f" grad_output[{index}] has a dtype of {grad.spec.dtype!r} and output[{index}] has a dtype of {spec.dtype!r}.",
            "backward",
            {"self": output, "gradient": grad},
        )
    if grad.spec.dtype is not spec.dtype:
        grad = grad.to(spec.dtype)
    return level.enter(grad)


def _roots(outputs: Sequence[Tensor], grads: Sequence[Tensor | None], level: Any, kept: bool = False) -> list[tuple[Node, Any]]:
    """(node, gradient to start from) of each output; torch looks at all gradients before it looks at the outputs.

    Where they may be `kept` as the gradients of leaves, dims of one element lie in no order of their own, so that they take the leaf's.
    """
    starts: list[Any] = [
        None if grad is None and not output.requires_grad else _root_grad(output, grad, level, i)
        for i, (output, grad) in enumerate(zip(outputs, grads, strict=True))
    ]
    nodes = []
    for i, output in enumerate(outputs):
        node = output.history
        if node is None or _leads_nowhere(node):
            output.refuse_stale()
            raise TensorError(f"element {i} of tensors does not require grad and does not have a grad_fn", "backward", {"self": output})
        nodes.append(node)
        if kept and level is RAW and node.__class__ is AccumulateGrad and 1 in output.spec.sizes:
            starts[i] = starts[i].squeeze()[tuple([None if n == 1 else slice(None) for n in output.spec.sizes])]
    return list(zip(nodes, starts, strict=True))


def _leads_nowhere(node: Node) -> bool:
    """Whether it is the end that a view made without history has in place of its own."""
    return isinstance(node, AccumulateGrad) and node.leaf is nobody


def _wanted(inputs: Sequence[Tensor]) -> dict[Node, int]:
    """The nodes to stop at, numbered.

    Raises RuntimeError for an input that does not require grad.
    """
    captures: dict[Node, int] = {}
    for t in inputs:
        node = t.history
        if node is None:
            t.refuse_stale()
            raise TensorError("One of the differentiated Tensors does not require grad", "grad", {"input": t})
        if not _leads_nowhere(node):
            captures.setdefault(node, len(captures))
    return captures


def _level(outputs: Sequence[Tensor], create_graph: bool) -> Any:
    """Tensors when the gradients' own graph is wanted or there are no arrays (meta), else raw arrays."""
    return TENSOR if create_graph or any(t.a is None for t in outputs) else RAW


def _many(value: Any) -> list[Any]:
    """One or several Tensors as a list.

    Raises TypeError with Python's sentence for what is neither, and for what is no Tensor in a sequence.
    """
    if isinstance(value, Tensor):
        return [value]
    if not isinstance(value, (tuple, list)):
        raise TensorTypeError(f"'{type(value).__name__}' object is not iterable")
    for item in value:
        if not isinstance(item, Tensor):
            raise TensorTypeError(f"expected Tensors, but got {type(item).__name__}")
    return list(value)


def _weights(value: Any, count: int) -> list[Any]:
    """The gradients to start from, one for each of `count` outputs; None stands for one None each.

    Raises RuntimeError for another number of them.
    """
    if value is None:
        return [None] * count
    given = [value] if isinstance(value, Tensor) else list(value) if isinstance(value, (tuple, list)) else _many(value)
    if len(given) != count:
        raise TensorError(f"got {count} tensors and {len(given)} gradients", "backward")
    return given


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of `tensors`, weighed by `grad_tensors`, to `.grad` of the leaves (of `inputs` only, when given).

    Raises RuntimeError when an output does not require grad, is no scalar and has no weights, or its graph was freed.

    See: Tensor.backward, autograd.grad, Tensor.grad

    >>> w = tensor([1., 2.], requires_grad=True)
    >>> autograd.backward([(w * w).sum()])
    >>> w.grad
    tensor([2., 4.])
    """
    outputs = _many(tensors)
    weights = _weights(grad_tensors, len(outputs))
    wanted = None if inputs is None else _many(inputs)
    if wanted is not None and not wanted:
        raise TensorError("`inputs` argument to `backward()` cannot be empty.")
    level = _level(outputs, create_graph)
    token = _enabled.set(create_graph)
    try:
        roots = _roots(outputs, weights, level, kept=True)
        captures = None
        if wanted is not None:
            for t in wanted:
                t.retain_grad()  # torch leaves it so
            captures = _wanted(wanted)
        execute(roots, create_graph if retain_graph is None else retain_graph, level, captures)
    finally:
        _enabled.reset(token)


def tensor_backward(
    self: Tensor, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
) -> None:
    """Add d self / d leaf to `.grad` of every leaf that self depends on.

    `gradient` has self's shape and weighs its elements; a one-element self needs none.
    Raises RuntimeError when self does not require grad, is not a scalar, or its graph was freed.

    See: autograd.grad, Tensor.grad, Tensor.retain_grad, leaf

    >>> w = tensor([1., 2.], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> w.grad
    tensor([2., 4.])
    """
    if create_graph or inputs is not None or self.a is None:
        backward(self, gradient, retain_graph, create_graph, inputs)
        return
    node, start = self.node if self.base is None else self.history, self.spec.one
    if node is None or gradient is not None or self.spec.numel != 1 or RemovableHandle.made or node.__class__ is AccumulateGrad:
        roots = _roots((self,), _weights(gradient, 1), RAW, kept=True)
    else:
        if start is None:  # one for all: nobody but formulas sees it, and they do not write it
            start = self.spec.one = _root_grad(self, None, RAW, 0)
        roots = [(node, start)]
        if not Looked.ever:  # no hooks and nobody looking on: no code runs that could record anything
            execute(roots, bool(retain_graph), RAW)
            return
    token = _enabled.set(False)
    try:
        execute(roots, bool(retain_graph), RAW)
    finally:
        _enabled.reset(token)


tensor_backward.__name__, tensor_backward.__qualname__ = "backward", "Tensor.backward"


def _beside(grad: Any, memory: dict[int, Tensor]) -> Tensor:
    """A raw gradient as a Tensor. One on memory that another gradient looks at shares its storage, and so its count of writes."""
    result, owner = wrap(grad), backend.owner_of(grad)
    first = memory.setdefault(id(owner), result if grad is owner else wrap(owner))
    if first is not result and not result.inference:
        storage = first.get_storage()
        result.storage, result.offset = storage, (backend.address(grad) - storage.data_ptr()) // result.itemsize
    return result


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

    See: Tensor.backward, func.grad, autograd.functional.jacobian

    >>> w = tensor([1., 2.], requires_grad=True)
    >>> autograd.grad((w * w).sum(), w)
    (tensor([2., 4.]),)
    """
    if is_grads_batched:
        raise TensorError("grad: is_grads_batched=True needs vmap, which tcalc does not have; call grad once per row", "grad")
    outs, ins = _many(outputs), _many(inputs)
    weights = _weights(grad_outputs, len(outs))
    if not ins:
        raise TensorError("`inputs` argument to `grad()` cannot be empty.")
    if materialize_grads and allow_unused is False:
        raise TensorValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.")
    level = _level(outs, create_graph)
    token = _enabled.set(create_graph)
    try:
        roots = _roots(outs, weights, level)
        captures = _wanted(ins)
        found = execute(roots, create_graph if retain_graph is None else retain_graph, level, captures, accumulate=False)
    finally:
        _enabled.reset(token)
    known = {id(w.a): w for w in weights if w is not None}  # a gradient that came through untouched is the tensor that was given
    memory = {id(backend.owner_of(w.a)): w for w in known.values() if level is RAW}
    results: list[Tensor | None] = []
    for i, t in enumerate(ins):
        value = found[captures[t.history]] if t.history in captures else None
        if value is not None:
            if id(value) not in known:
                known[id(value)] = _beside(value, memory) if level is RAW else value
            results.append(known[id(value)])
        elif materialize_grads:
            results.append(OPS["zeros_like"].call(t, requires_grad=create_graph))
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
