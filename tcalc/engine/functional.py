"""Derivatives of functions: torch.autograd.functional's jacobian, hessian, vjp, jvp, hvp and vhp on our backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import backend
from .autograd import grad
from .errors import TensorError, TensorTypeError
from .modes import enable_grad
from .registry import OPS
from .spec import spec_of
from .tensor import Tensor, make

Function = Callable[..., Any]


def _tuple(value: Any, what: str, name: str) -> tuple[bool, tuple[Tensor, ...]]:
    """(was a tuple, the Tensors).

    Raises TypeError with torch's sentence for anything but Tensors.
    """
    several = isinstance(value, tuple)
    items = tuple(value) if several else (value,)
    for i, item in enumerate(items):
        if not isinstance(item, Tensor):
            where = f"Value at index {i}" if several else "given"
            raise TensorTypeError(
                f"The {what} {name} must be either a Tensor or a tuple of Tensors but the {where.lower()} has type {type(item)}."
            )
    return several, items


def _fresh(inputs: Sequence[Tensor], create_graph: bool) -> tuple[Tensor, ...]:
    """Inputs to differentiate by: views that keep their history when the result must, else detached leaves."""
    if create_graph:
        return tuple(t.view_as(t) if t.requires_grad else t.detach().requires_grad_() for t in inputs)
    return tuple(t.detach().requires_grad_() for t in inputs)


def _zeros(*shapes: Sequence[int], like: Tensor) -> Tensor:
    shape = tuple(n for s in shapes for n in s)
    return make(backend.full(shape, 0, like.spec.numpy, like.spec.device), spec_of(like.spec.dtype, like.spec.device, shape))


def _unpack(several: bool, values: Sequence[Any]) -> Any:
    return tuple(values) if several else values[0]


def jacobian(
    func: Function, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False, strategy: str = "reverse-mode"
) -> Any:
    """d func / d inputs: for each output and input a tensor of shape (*output shape, *input shape).

    Tuples of outputs or inputs give tuples of results. Raises TypeError when func does not return Tensors.
    """
    with enable_grad():
        several_in, given = _tuple(inputs, "inputs given to", "jacobian")
        ins = _fresh(given, create_graph)
        several_out, outs = _tuple(func(*ins), "outputs of the user-provided function given to", "jacobian")
        rows = [_rows(out, ins, create_graph, strict) for out in outs]
    return _unpack(several_out, [_unpack(several_in, row) for row in rows])


def _rows(out: Tensor, ins: Sequence[Tensor], create_graph: bool, strict: bool) -> list[Tensor]:
    """The blocks of one output, one backward for each of its elements."""
    if out.node is None:
        if strict:
            raise TensorError(
                "Output 0 of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner from the input when running in strict mode."
            )
        return [_zeros(out.shape, t.shape, like=out) for t in ins]
    flat = OPS["reshape"].call(out, (-1,))
    blocks: list[list[Tensor]] = [[] for _ in ins]
    for k in range(flat.numel()):
        found = grad(flat[k], ins, retain_graph=True, create_graph=create_graph, allow_unused=True)
        for i, (value, t) in enumerate(zip(found, ins, strict=True)):
            if value is None and strict:
                raise TensorError(
                    f"Output {0} of the user-provided function is independent of input {i}. This is not allowed in strict mode."
                )
            blocks[i].append(_zeros(t.shape, like=out) if value is None else value)
    return [
        OPS["reshape"].call(OPS["stack"].call(rows, 0), (*out.shape, *t.shape)) if rows else _zeros(out.shape, t.shape, like=out)
        for rows, t in zip(blocks, ins, strict=True)
    ]


def _scalar_function(func: Function, name: str) -> Function:
    def checked(*inputs: Tensor) -> Tensor:
        out = func(*inputs)
        if not isinstance(out, Tensor):
            raise TensorTypeError(
                f"The outputs of the user-provided function given to {name} must be either a Tensor or a tuple of Tensors but the given outputs has type {type(out)}."
            )
        if out.numel() != 1:
            raise TensorError(f"The Tensor returned by the function given to {name} should contain a single element")
        return out.squeeze()  # type: ignore[no-any-return]  # an op

    return checked


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Second derivatives of a scalar function: the jacobian of its jacobian, shape (*input shape, *input shape).

    Raises RuntimeError when func does not return one element.
    """
    several, _ = _tuple(inputs, "inputs given to", "hessian")
    checked = _scalar_function(func, "hessian")

    def first(*ins: Tensor) -> Any:
        return jacobian(checked, ins if several else ins[0], create_graph=True)

    return jacobian(first, inputs, create_graph=create_graph, strict=strict)


def vjp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), v times the jacobian); v has the shape of the output and may be left out for a scalar.

    Raises RuntimeError when v is missing or of another shape.
    """
    with enable_grad():
        several_in, given = _tuple(inputs, "inputs given to", "vjp")
        ins = _fresh(given, create_graph)
        several_out, outs = _tuple(func(*ins), "outputs of the user-provided function given to", "vjp")
        weights = _weights(v, outs, "v", "function output")
        found = (
            grad(
                [o for o in outs if o.node is not None],
                ins,
                [w for o, w in zip(outs, weights, strict=True) if o.node is not None],
                retain_graph=True,
                create_graph=create_graph,
                allow_unused=True,
            )
            if any(o.node is not None for o in outs)
            else [None] * len(ins)
        )
    values = [_zeros(t.shape, like=t) if g is None else g for g, t in zip(found, ins, strict=True)]
    results = outs if create_graph else tuple(o.detach() for o in outs)
    return _unpack(several_out, results), _unpack(several_in, values)


def _weights(v: Any, outs: Sequence[Tensor], name: str, of: str) -> tuple[Tensor, ...]:
    if v is None:
        if len(outs) != 1 or outs[0].numel() != 1:
            raise TensorError(
                f"The vector {name} can only be None if the user-provided function returns a single Tensor with a single element."
            )
        return (OPS["ones_like"].call(outs[0]),)
    _, given = _tuple(v, "v given to", "vjp")
    if len(given) != len(outs):
        raise TensorError(f"{name} is a tuple of invalid length: should be {len(outs)} but got {len(given)}.")
    for i, (w, o) in enumerate(zip(given, outs, strict=True)):
        if w.shape != o.shape:
            raise TensorError(
                f"Entry {i} in {name} has invalid size: should be {o.shape} but got {w.shape}."
                if len(outs) > 1
                else f"{name} has invalid size: should be {o.shape} but got {w.shape}."
            )
    return given


def jvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), jacobian times v) by the double-backward trick; v has the shape of the inputs.

    Source of the trick: J. Townsend, "A new trick for calculating Jacobian vector products" (2017).
    Raises RuntimeError when v is missing or of another shape.
    """
    with enable_grad():
        _, given = _tuple(inputs, "inputs given to", "jvp")
        ins = _fresh(given, create_graph)
        weights = _weights(v, ins, "v", "user-provided input")
        several_out, outs = _tuple(func(*ins), "outputs of the user-provided function given to", "jvp")
        dummies = tuple(OPS["zeros_like"].call(o).requires_grad_() for o in outs)
        live = [(o, d) for o, d in zip(outs, dummies, strict=True) if o.node is not None]
        backward = (
            grad([o for o, _ in live], ins, [d for _, d in live], create_graph=True, allow_unused=True) if live else [None] * len(ins)
        )
        used = [(g, w) for g, w in zip(backward, weights, strict=True) if g is not None and g.node is not None]
        found = (
            grad([g for g, _ in used], dummies, [w for _, w in used], create_graph=create_graph, allow_unused=True)
            if used
            else [None] * len(dummies)
        )
    values = [_zeros(o.shape, like=o) if g is None else g for g, o in zip(found, outs, strict=True)]
    results = outs if create_graph else tuple(o.detach() for o in outs)
    return _unpack(several_out, results), _unpack(several_out, values)


def vhp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), v times the hessian of a scalar function).

    Raises RuntimeError when func does not return one element, or v has another shape than the inputs.
    """
    with enable_grad():
        several, given = _tuple(inputs, "inputs given to", "vhp")
        ins = _fresh(given, create_graph)
        weights = _weights(v, ins, "v", "input")
        out = _scalar_function(func, "vhp")(*ins)
        first = grad(out, ins, create_graph=True, allow_unused=True)
        used = [(g, w) for g, w in zip(first, weights, strict=True) if g is not None and g.node is not None]
        found = (
            grad([g for g, _ in used], ins, [w for _, w in used], create_graph=create_graph, allow_unused=True)
            if used
            else [None] * len(ins)
        )
    values = [_zeros(t.shape, like=t) if g is None else g for g, t in zip(found, ins, strict=True)]
    return (out if create_graph else out.detach()), _unpack(several, values)


def hvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), the hessian of a scalar function times v); the hessian is symmetric, so this is vhp.

    Raises RuntimeError when func does not return one element, or v has another shape than the inputs.
    """
    return vhp(func, inputs, v, create_graph, strict)
