"""Hooks in backward: what users' functions see and may replace, and the sentences for what they must not return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .errors import TensorError, TensorTypeError
from .graph import AccumulateGrad, Node, Output
from .signature import contiguous_format
from .tensor import Tensor


def before(node: Node, grad: Any, level: Any, *, runs: bool = True) -> Any:
    """The gradient (a list for a node of several outputs) that reaches `node`, after the hooks on its tensors, then kept by those
    that retain it, then, when the node `runs`, after the node's own pre-hooks. An Output that ends its path stands for its owner."""
    alone = node.index if isinstance(node, Output) else None
    if alone is not None:
        node = node.owner  # type: ignore[attr-defined]  # an Output
    several = isinstance(grad, list)
    grads = list(grad) if several else [grad]
    for index, table in node.tensor_hooks:
        if alone is None or index == alone:
            at = 0 if alone is not None else index
            for hook in list(table.values()):
                grads[at] = _replaced(hook, hook(_exposed(grads[at], level)), grads[at], level)
    for index, ref in node.retained or ():
        t = ref()
        if t is not None and (alone is None or index == alone):
            _retain(t, grads[0 if alone is not None else index], level)
    if runs:
        for hook in list((node.pre_hooks or {}).values()):
            given = hook(tuple([_exposed(g, level) for g in grads]))
            if given is not None:
                grads = _all_replaced(hook, given, grads, level)
    return grads if several else grads[0]


def _retain(t: Tensor, grad: Any, level: Any) -> None:
    if grad is not None:
        seen = level.expose(grad)
        t._grad = seen.clone(memory_format=contiguous_format) if t._grad is None else t._grad + seen


def after(node: Node, grads: Sequence[Any], grad: Any, level: Any) -> Sequence[Any]:
    """The gradients a node computed, after its hooks saw them beside the gradient it was given."""
    outs = tuple([_exposed(g, level) for g in (grad if isinstance(grad, list) else [grad])])
    for hook in list((node.hooks or {}).values()):
        given = hook(tuple([_exposed(g, level) for g in grads]), outs)
        if given is not None:
            grads = _all_replaced(hook, given, grads, level)
    return grads


def after_leaf(node: AccumulateGrad, leaf: Tensor, grad: Any, level: Any) -> None:
    """Call a leaf's hooks now that `grad` was added to its `.grad`.

    Raises RuntimeError for one that returns something.
    """
    for hook in list((node.post_hooks or {}).values()):
        if hook(leaf) is not None:
            raise TensorError("Tensor post accumulate grad hooks should return None.", "backward", {"self": leaf})
    if node.hooks:
        after(node, (), grad, level)


def _exposed(grad: Any, level: Any) -> Tensor | None:
    return None if grad is None else level.expose(grad)


def _name(hook: Callable[..., Any]) -> str:
    return str(getattr(hook, "__name__", "<unknown>"))


def _replaced(hook: Callable[..., Any], given: Any, grad: Any, level: Any) -> Any:
    """What a hook returned in place of `grad`; None leaves it.

    Raises TypeError or RuntimeError with torch's sentences for another type, dtype, device or size.
    """
    return grad if given is None else _checked(hook, given, grad, level)


def _all_replaced(hook: Callable[..., Any], given: Any, grads: Sequence[Any], level: Any) -> list[Any]:
    if not isinstance(given, tuple):
        raise TensorTypeError(f"expected tuple, but hook returned '{type(given).__name__}'", "backward")
    if len(given) != len(grads):
        raise TensorError(
            f"hook '{_name(hook)}' has returned an incorrect number of values (got {len(given)}, but expected {len(grads)})", "backward"
        )
    return [None if new is None else _checked(hook, new, old, level) for new, old in zip(given, grads, strict=True)]


def _checked(hook: Callable[..., Any], given: Any, grad: Any, level: Any) -> Any:
    if grad is None:
        raise TensorError("can't replace a None gradient with a non-None value", "backward")
    if not isinstance(given, Tensor):
        raise TensorTypeError(f"expected Variable, but hook returned '{type(given).__name__}'", "backward")
    seen = level.expose(grad).spec
    if given.spec.dtype is not seen.dtype or given.spec.device.type != seen.device.type:
        raise TensorError(
            f"hook '{_name(hook)}' has changed the type of value (was {seen.type_name} got {given.spec.type_name})", "backward", {"grad": given}
        )
    if given.spec.shape != seen.shape:
        raise TensorError(f"hook '{_name(hook)}' has changed the size of value", "backward", {"grad": given})
    return level.enter(given)
