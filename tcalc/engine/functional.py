"""Derivatives of functions of tensors: torch.autograd.functional's jacobian, hessian, vjp, jvp, hvp and vhp on our backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .autograd import grad
from .errors import TensorAssertion, TensorError, TensorNotImplemented, TensorTypeError
from .forward import check_rows, columns
from .modes import enable_grad
from .registry import OPS
from .tensor import Tensor

Function = Callable[..., Any]
Tensors = tuple[Tensor, ...]
FORWARD, REVERSE = "forward-mode", "reverse-mode"
OUTPUTS = "outputs of the user-provided function"


def _tuple(value: Any, what: str, name: str) -> tuple[bool, Tensors]:
    """(was a tuple, the Tensors).

    Raises TypeError with torch's sentence for anything but Tensors.
    """
    several = isinstance(value, tuple)
    items: Tensors = value if several else (value,)
    for i, item in enumerate(items):
        if not isinstance(item, Tensor):
            which = f"value at index {i}" if several else f"given {what}"
            raise TensorTypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the {which} has type {type(item)}."
            )
    return several, items


def _fresh(inputs: Tensors, create_graph: bool) -> Tensors:
    """Tensors to differentiate by: views that keep their history when the results must, else detached leaves.

    New ones in any case, so that the same tensor captured by the function counts as a constant.
    """
    return tuple(OPS["view_as"].call(t, t) if create_graph and t.requires_grad else t.detach().requires_grad_() for t in inputs)


def _unpack(several: bool, values: Sequence[Any]) -> Any:
    return tuple(values) if several else values[0]


def _settled(values: Tensors, create_graph: bool) -> Tensors:
    """Results as the caller gets them: without history unless it was asked for."""
    return values if create_graph else tuple(t.detach() for t in values)


def _grad(
    outputs: Sequence[Tensor | None], inputs: Tensors, weights: Sequence[Any] | None, create_graph: bool, retain: bool | None = None
) -> Any:
    """autograd.grad of those outputs that require grad; None for each input that none of them depends on."""
    given = [None] * len(outputs) if weights is None else weights
    live = [(y, v) for y, v in zip(outputs, given, strict=True) if y is not None and y.requires_grad]
    if not live:
        return (None,) * len(inputs)
    return grad([y for y, _ in live], inputs, [v for _, v in live], retain, create_graph, allow_unused=True)


_NO_HISTORY = {
    "outputs": "Output {} of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner"
    " from the input when running in strict mode.",
    "grad_inputs": "The gradient with respect to input {} is independent of the inputs of the user-provided function. This is not allowed in"
    " strict mode.",
    "jacobian": "While computing the hessian, found that the jacobian of the user-provided function with respect to input {} is independent"
    " of the input. This is not allowed in strict mode. You should ensure that your function is twice differentiable and that the jacobian"
    " depends on the inputs (this would be violated by a linear function for example).",
    "hessian": "The hessian of the user-provided function with respect to input {} is independent of the input. This is not allowed in strict"
    " mode. You should ensure that your function is thrice differentiable and that the hessian depends on the inputs.",
}
_INDEPENDENT = "The output of the user-provided function is independent of input {}. This is not allowed in strict mode."
_MISSING = {
    "back": _INDEPENDENT,
    "back_trick": "The gradient with respect to the input is independent of entry {} in the grad_outputs when using the double backward trick"
    " to compute forward mode gradients. This is not allowed in strict mode.",
    "double_back": "The jacobian of the user-provided function is independent of input {}. This is not allowed in strict mode.",
    "double_back_trick": "The hessian of the user-provided function is independent of entry {} in the grad_jacobian. This is not allowed in"
    " strict mode as it prevents from using the double backward trick to replace forward mode AD.",
}


def _need_history(values: Sequence[Tensor | None], what: str, strict: bool) -> None:
    """In strict mode, refuse values that do not depend on the inputs.

    Raises RuntimeError with torch's sentence for `what` these are.
    """
    for i, value in enumerate(values if strict else ()):
        if value is None:
            raise TensorError(_INDEPENDENT.format(i))
        if not value.requires_grad:
            raise TensorError(_NO_HISTORY[what].format(i))


def _filled(grads: Sequence[Tensor | None], like: Tensors, strict: bool, create_graph: bool, stage: str) -> Tensors:
    """The gradients with zeros in place of missing ones, which strict mode refuses.

    Raises RuntimeError with torch's sentence for the `stage` at which one is missing or has no history of its own.
    """
    found = []
    for i, (g, t) in enumerate(zip(grads, like, strict=True)):
        if strict and g is None:
            raise TensorError(_MISSING[stage].format(i))
        if strict and create_graph and g is not None and not g.requires_grad:
            which = "hessian" if "double" in stage else "jacobian"
            raise TensorError(
                f"The {which} of the user-provided function is independent of input {i}. This is not allowed in strict mode when"
                " create_graph=True."
            )
        found.append(OPS["zeros_like"].call(t) if g is None else g)
    return tuple(found)


def _vector(v: Any, like: Tensors, several: bool, name: str) -> Tensors | None:
    """`v` as Tensors without history of the shapes of `like`; None, which stands for 1, for one element.

    Raises RuntimeError for a wrong number or shape, and for a None that is not enough.
    """
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            source = "user-provided function returns" if name == "vjp" else "input to the user-provided function is"
            raise TensorError(f"The vector v can only be None if the {source} a single Tensor with a single element.")
        return None
    _, given = _tuple(v, "v", name)
    if len(given) != len(like):
        if several:
            raise TensorError(f"v is a tuple of invalid length: should be {len(like)} but got {len(given)}.")
        raise TensorError("The given v should contain a single Tensor.")
    for i, (w, t) in enumerate(zip(given, like, strict=True)):
        if w.shape != t.shape:
            prefix = f"Entry {i} in " if several else ""
            raise TensorError(f"{prefix}v has invalid size: should be {t.shape} but got {w.shape}.")
    return given


def _kept(v: Any, create_graph: bool) -> Any:
    """`v` with its history when the results keep theirs, else detached."""
    if isinstance(v, tuple):
        return tuple(_kept(w, create_graph) for w in v)
    if not isinstance(v, Tensor):
        return v
    return OPS["view_as"].call(v, v) if create_graph and v.requires_grad else v.detach()


def _called(func: Function, inputs: Tensors, strict: bool, name: str) -> tuple[bool, Tensors]:
    several, outputs = _tuple(func(*inputs), OUTPUTS, name)
    _need_history(outputs, "outputs", strict)
    return several, outputs


def _called_for_scalar(func: Function, inputs: Tensors, strict: bool, name: str) -> Tensor:
    """The function's result.

    Raises RuntimeError unless it is one Tensor of one element.
    """
    several, outputs = _called(func, inputs, strict, name)
    if several:
        raise TensorError(f"The function given to {name} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise TensorError(f"The Tensor returned by the function given to {name} should contain a single element")
    return outputs[0]


def vjp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), v times the jacobian): one backward. `v` has the shapes of the outputs and may be left out for a single element.

    Raises RuntimeError when v is missing or of another shape, and in strict mode for what does not depend on the inputs.

    >>> torch.autograd.functional.vjp(lambda x: x * x, tensor([1., 2.]), tensor([1., 10.]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with enable_grad():
        several_in, given = _tuple(inputs, "inputs", "vjp")
        ins = _fresh(given, create_graph)
        several_out, outputs = _called(func, ins, strict, "vjp")
        weights = _vector(_kept(v, create_graph), outputs, several_out, "vjp")
    found = _filled(_grad(outputs, ins, weights, create_graph), ins, strict, create_graph, "back")
    return _unpack(several_out, _settled(outputs, create_graph)), _unpack(several_in, _settled(found, create_graph))


def jvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), the jacobian times v) by backward through backward. `v` has the shapes of the inputs.

    Source: J. Townsend, "A new trick for calculating Jacobian vector products" (2017).
    Raises RuntimeError when v is missing or of another shape, and in strict mode for what does not depend on the inputs.

    >>> torch.autograd.functional.jvp(lambda x: x * x, tensor([1., 2.]), tensor([1., 10.]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with enable_grad():
        several_in, given = _tuple(inputs, "inputs", "jvp")
        ins = _fresh(given, create_graph)
        weights = _vector(_kept(v, create_graph), ins, several_in, "jvp")
        several_out, outputs = _called(func, ins, strict, "jvp")
        dummies = tuple(OPS["zeros_like"].call(t, requires_grad=True) for t in outputs)
        first = _grad(outputs, ins, dummies, True)
        _need_history(first, "grad_inputs", strict)
    found = _filled(_grad(first, dummies, weights, create_graph), outputs, strict, create_graph, "back_trick")
    return _unpack(several_out, _settled(outputs, create_graph)), _unpack(several_out, _settled(found, create_graph))


def vhp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), v times the hessian of a scalar function); v has the shapes of the inputs.

    Raises RuntimeError when func does not return one element, or v is missing or of another shape.

    >>> torch.autograd.functional.vhp(lambda x: (x ** 3).sum(), tensor([1., 2.]), tensor([1., 10.]))
    (tensor(9.), tensor([  6., 120.]))
    """
    return _second("vhp", func, inputs, v, create_graph, strict)


def hvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), the hessian of a scalar function times v), by one backward more than vhp, whose values are the same.

    Raises RuntimeError when func does not return one element, or v is missing or of another shape.

    >>> torch.autograd.functional.hvp(lambda x: (x ** 3).sum(), tensor([1., 2.]), tensor([1., 10.]))
    (tensor(9.), tensor([  6., 120.]))
    """
    return _second("hvp", func, inputs, v, create_graph, strict)


def _second(name: str, func: Function, inputs: Any, v: Any, create_graph: bool, strict: bool) -> tuple[Any, Any]:
    """vhp, and hvp, which differentiates the linear map that vhp is by its vector."""
    with enable_grad():
        several, given = _tuple(inputs, "inputs", name)
        ins = _fresh(given, create_graph)
        weights = _vector(_kept(v, create_graph), ins, several, name)
        output = _called_for_scalar(func, ins, strict, name)
        first = _grad((output,), ins, None, True)
        _need_history(first, "jacobian", strict)
        by, stage = ins, "double_back"
        if name == "hvp":
            by, stage = tuple(OPS["zeros_like"].call(t).requires_grad_() for t in ins), "double_back_trick"
            last = _grad(first, ins, by, True)
            _need_history(first, "hessian", strict)
            first = last
    found = _filled(_grad(first, by, weights, create_graph), ins, strict, create_graph, stage)
    return _settled((output,), create_graph)[0], _unpack(several, _settled(found, create_graph))


def jacobian(
    func: Function, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False, strategy: str = REVERSE
) -> Any:
    """d func / d inputs: for each output and each input a tensor of shape (*output shape, *input shape).

    Tuples of outputs or inputs give tuples of results. `vectorize` changes nothing but what torch refuses with it.
    Raises TypeError when func does not return Tensors, RuntimeError in strict mode for what does not depend on the inputs, and
    NotImplementedError for strategy="forward-mode" without `vectorize` or with `create_graph`, as torch does.

    >>> torch.autograd.functional.jacobian(lambda x: x * x, tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in (FORWARD, REVERSE):
        raise TensorAssertion(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than inputs,'
            ' "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == FORWARD:
        return _forward(func, inputs, create_graph, strict, vectorize)
    with enable_grad():
        several_in, given = _tuple(inputs, "inputs", "jacobian")
        ins = _fresh(given, create_graph)
        several_out, outputs = _called(func, ins, strict, "jacobian")
        if vectorize and strict:
            raise TensorError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. Please either set"
                " `strict=False` or `vectorize=False`."
            )
        rows = [_settled(_rows(i, y, ins, create_graph, strict, vectorize), create_graph) for i, y in enumerate(outputs)]
    return _unpack(several_out, [_unpack(several_in, row) for row in rows])


def _rows(at: int, output: Tensor, inputs: Tensors, create_graph: bool, strict: bool, empty_ok: bool) -> Tensors:
    """The blocks of output number `at`, by one backward for each of its elements."""
    blocks: list[list[Tensor]] = [[] for _ in inputs]
    check_rows(output.numel(), inputs)
    for k in range(output.numel()):
        found = _grad((OPS["reshape"].call(output, (-1,))[k],), inputs, None, create_graph, True)
        for i, (g, t) in enumerate(zip(found, inputs, strict=True)):
            if strict and g is None:
                raise TensorError(
                    f"Output {at} of the user-provided function is independent of input {i}. This is not allowed in strict mode."
                )
            if strict and create_graph and not g.requires_grad:
                raise TensorError(
                    f"The jacobian of the user-provided function is independent of input {at}. This is not allowed in strict mode when"
                    " create_graph=True."
                )
            blocks[i].append(OPS["zeros_like"].call(t) if g is None else g)
    if not output.numel() and empty_ok:
        return tuple(OPS["new_zeros"].call(t, (*output.shape, *t.shape)) for t in inputs)
    return tuple(OPS["view"].call(OPS["stack"].call(rows, 0), (*output.shape, *t.shape)) for rows, t in zip(blocks, inputs, strict=True))


def _forward(func: Function, inputs: Any, create_graph: bool, strict: bool, vectorize: bool) -> Any:
    """The jacobian column by column."""
    if create_graph:
        raise TensorNotImplemented(
            'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not supported together (yet). Please'
            ' either set `create_graph=False` or `strategy="reverse-mode"`.'
        )
    if strict:
        raise TensorError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not supported together (yet). Please either'
            ' set `strict=False` or `strategy="reverse-mode"`.'
        )
    several_in, given = _tuple(inputs, "inputs", "jacobian")
    if not vectorize:
        raise TensorNotImplemented(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for `vectorize=True`."
        )
    shape: list[bool] = []

    def flat(*values: Tensor) -> Tensors:
        several_out, outputs = _tuple(func(*values), "outputs", "jacobian")
        shape.append(several_out)
        return outputs

    stacked, _, _ = columns(flat, given, list(range(len(given))), False)
    blocks = [_from_columns(y, given) for y in stacked]
    rows = blocks if several_in else tuple(row[0] for row in blocks)  # lists where torch gives lists
    return rows if shape[0] else rows[0]


def _from_columns(stacked: Tensor, inputs: Tensors) -> list[Tensor]:
    """Stacked columns, (input elements, *output shape), as one block of (*output shape, *input shape) for each input."""
    order = (*range(1, stacked.ndim), 0)
    parts = OPS["split_sizes"].call(stacked, tuple(t.numel() for t in inputs), 0)
    return [
        OPS["reshape"].call(OPS["permute"].call(part, order), (*stacked.shape[1:], *t.shape)) for part, t in zip(parts, inputs, strict=True)
    ]


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = REVERSE,
) -> Any:
    """Second derivatives of a scalar function: the jacobian of its jacobian, of shape (*input shape, *input shape).

    Several inputs give a tuple of tuples. Raises RuntimeError when func does not return one element.

    >>> torch.autograd.functional.hessian(lambda x: (x ** 3).sum(), tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    several, given = _tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in (FORWARD, REVERSE):
        raise TensorAssertion('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def scalar(*ins: Tensor) -> Tensor:
        return OPS["squeeze"].call(_called_for_scalar(func, ins, strict, "hessian"))  # type: ignore[no-any-return]  # an op

    def first(*ins: Tensor) -> Any:
        found = jacobian(scalar, ins, create_graph=True)
        _need_history(found, "jacobian", strict)
        return found

    found = jacobian(first, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found if several else found[0][0]
