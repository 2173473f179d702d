"""Derivatives checked against differences of the function itself, first and second order: torch.autograd's gradcheck and gradgradcheck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .autograd import grad
from .dtypes import complex128, float64
from .errors import TensorAssertion, TensorError, TensorNotImplemented, TensorTypeError, TensorValueError
from .notices import notice
from .random import Generator
from .registry import OPS
from .tensor import Tensor

Function = Callable[..., Any]
OPTIONS = frozenset(  # of gradcheck that gradgradcheck takes as well
    "eps atol rtol raise_exception nondet_tol check_undefined_grad check_grad_dtypes check_batched_grad fast_mode masked".split()
)


class GradcheckError(TensorError):
    """The two derivatives differ; the sentence says for which output and input, and shows both."""


class _Tolerance(NamedTuple):
    eps: float
    atol: float
    rtol: float
    nondet: float
    dtypes: bool


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def gradcheck(
    func: Function,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether backward agrees with central differences of `func`, by every input that requires grad (float64 for the accuracy needed).

    Each element of an input is moved by +-eps; the jacobians must agree within `atol + rtol * |number|`. `fast_mode` compares one random
    projection of each jacobian. `masked` concerns sparse tensors only. Raises GradcheckError (a RuntimeError; False is returned instead
    with raise_exception=False), ValueError when no input requires grad, and NotImplementedError for checks of forward mode and vmap.

    >>> x = tensor([1., 2.], dtype=float64, requires_grad=True)
    >>> torch.autograd.gradcheck(lambda x: x ** 3, (x,))
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise TensorAssertion("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise TensorAssertion("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise TensorAssertion("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    if check_forward_ad:
        raise TensorNotImplemented("gradcheck: check_forward_ad=True needs forward-mode derivatives, which tcalc does not have")
    if check_batched_grad:
        raise TensorNotImplemented("gradcheck: check_batched_grad=True needs vmap, which tcalc does not have")
    given = _several(inputs)
    _check_inputs(given)
    func, given = _on_reals(func, given)
    tolerance = _Tolerance(eps, atol, rtol, nondet_tol, check_grad_dtypes)
    try:
        results = _several(func(*given))
        outputs = [y for y in results if y.requires_grad]
        if not outputs:
            _check_constant(func, given, results, eps)
        elif fast_mode:
            _compare_projections(func, given, outputs, tolerance)
        else:
            _compare_jacobians(func, given, outputs, tolerance)
        if outputs:
            _check_zeros(func, given, range(len(outputs)) if check_undefined_grad and len(outputs) > 1 else ())
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Function,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    gen_non_contig_grad_outputs: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    **options: Any,
) -> bool:
    """gradcheck of the gradients of `func`, by its inputs and by the weights of its outputs (random ones unless `grad_outputs` are given).

    `options` are gradcheck's, without those for forward mode. Raises what gradcheck raises.

    >>> x = tensor([1., 2.], dtype=float64, requires_grad=True)
    >>> torch.autograd.gradgradcheck(lambda x: x ** 3, (x,))
    True
    """
    for option in options:
        if option not in OPTIONS:
            raise TensorTypeError(f"gradgradcheck() got an unexpected keyword argument '{option}'")
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise TensorAssertion("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    for option in ("check_undefined_grad", "check_batched_grad"):
        if options.get(option, option == "check_undefined_grad") and not check_rev_over_rev:
            raise TensorAssertion(f"Setting {option}=True requires check_rev_over_rev to be True")
    if check_fwd_over_rev:
        raise TensorNotImplemented("gradgradcheck: check_fwd_over_rev=True needs forward-mode derivatives, which tcalc does not have")
    given = _several(inputs)
    if grad_outputs is None:
        generator = Generator()
        outputs = [y for y in _several(func(*given)) if y.requires_grad]
        weights = tuple(_weight(y, generator, gen_non_contig_grad_outputs) for y in outputs)
    else:
        weights = _several(grad_outputs)
    places = [i for i, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad]
    weighed = [i for i, v in enumerate(weights) if v.requires_grad]
    count = len(given)

    def first(*values: Any) -> tuple[Tensor, ...]:
        xs, vs = list(values[:count]), list(values[count:])
        for items, wanted in ((xs, places), (vs, weighed)):
            for i in wanted:
                items[i] = items[i].requires_grad_()
        outputs = [y for y in _several(func(*xs)) if y.requires_grad]
        found = grad(outputs, [xs[i] for i in places], vs, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(first, given + weights, **options)


def _weight(y: Tensor, generator: Generator, spread: bool) -> Tensor:
    """Random numbers in [-1, 1) of y's shape, every second element of their memory when `spread`."""
    n = y.numel()
    values = OPS["rand"].call(n * (1 + spread), generator=generator, dtype=y.dtype, device=y.device) * 2 - 1
    return (values[:: 1 + spread].view(y.shape) if n else values.view(y.shape)).requires_grad_()  # type: ignore[no-any-return]  # ops


def _check_inputs(given: Sequence[Any]) -> None:
    wanted = [(i, t) for i, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad]
    for i, t in wanted:
        if t.dtype not in (float64, complex128):
            notice(
                "gradcheck-dtype",
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check will likely fail if all the"
                " inputs are not of double precision floating point or complex. ",
                input=t,
            )
        if any(stride == 0 and size > 1 for stride, size in zip(t.spec.strides, t.shape, strict=True)):
            raise TensorError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping to be able to compute"
                " the numerical gradients correctly. You should call .contiguous on the input before passing it to gradcheck."
            )
    if not wanted:
        raise TensorValueError("gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True.")


def _on_reals(func: Function, given: tuple[Any, ...]) -> tuple[Function, tuple[Any, ...]]:
    """The same function between real numbers: complex inputs and results as pairs. Its jacobian holds all that torch's convention says."""
    whole = [i for i, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad and t.dtype.is_complex]

    def between_reals(*values: Any) -> tuple[Any, ...]:
        taken = [OPS["view_as_complex"].call(v) if i in whole else v for i, v in enumerate(values)]
        return tuple(OPS["view_as_real"].call(y.resolve_conj()) if isinstance(y, Tensor) and y.dtype.is_complex else y for y in _several(func(*taken)))

    pairs = [OPS["view_as_real"].call(t.detach().resolve_conj()).clone().requires_grad_() if i in whole else t for i, t in enumerate(given)]
    return between_reals, tuple(pairs)


def _differentiated(given: Sequence[Any]) -> list[tuple[int, Tensor]]:
    return [(i, t) for i, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad]


# --- differences ------------------------------------------------------------------------------------------------------


def _difference(func: Function, given: Sequence[Any], at: int, step: Tensor, size: float) -> list[Tensor | None]:
    """(f(x + step) - f(x - step)) / (2 size), flat, for each result that is a float tensor."""
    below, above = (_several(func(*_moved(given, at, step, sign))) for sign in (-1, 1))
    found: list[Tensor | None] = []
    for a, b in zip(below, above, strict=True):
        for what, left, right in (("shape", a.shape, b.shape), ("dtype", a.dtype, b.dtype)):
            if left != right:
                raise TensorAssertion(
                    f"Expected `func` to return outputs with the same {what} when inputs are perturbed by {size}, but got: {what}s {left}"
                    f" and {right}."
                )
        floats = a.dtype.is_floating_point
        found.append(((b.detach() - a.detach()) / (2 * size)).reshape(-1) if floats else None)
    return found


def _moved(given: Sequence[Any], at: int, step: Tensor, sign: int) -> list[Any]:
    """The inputs, one of them moved by `sign * step`, its layout kept."""
    source = given[at].detach()
    moved = list(given)
    moved[at] = source.clone().copy_(OPS["add"].call(source, step, alpha=sign)).requires_grad_()
    return moved


def _numerical(func: Function, given: Sequence[Any], at: int, eps: float) -> list[Tensor | None]:
    """For each result the jacobian by input number `at`, (input elements, output elements); None for integers."""
    x = given[at]
    rows = []
    for k in range(x.numel()):
        step = OPS["zeros"].call(x.shape, dtype=x.dtype, device=x.device)
        step.view(-1)[k] = eps
        rows.append(_difference(func, given, at, step, eps))
    return [None if column[0] is None else OPS["stack"].call(list(column), 0) for column in zip(*rows, strict=True)]


def _check_constant(func: Function, given: Sequence[Any], results: Sequence[Any], eps: float) -> None:
    """Results without history may not move with the inputs."""
    for at, _ in _differentiated(given):
        for found in _numerical(func, given, at, eps):
            if found is not None and bool(OPS["ne"].call(found, 0).any()):
                raise GradcheckError("Numerical gradient for function expected to be zero")


# --- comparisons --------------------------------------------------------------------------------------------------------


def _analytical(output: Tensor, inputs: Sequence[Tensor], weights: Sequence[Tensor], tolerance: _Tolerance) -> list[list[Tensor]]:
    """Gradients by each input of the output weighed by each of `weights`, flat, computed twice to see that they come out the same."""
    found: list[list[Tensor]] = [[] for _ in inputs]
    for weight in weights:
        first, second = (grad(output, inputs, weight, retain_graph=True, allow_unused=True) for _ in range(2))
        for column, g, again, x in zip(found, first, second, inputs, strict=True):
            if g is None or again is None:
                column.append(OPS["zeros"].call(x.numel(), dtype=x.dtype, device=x.device))
                continue
            if tolerance.dtypes and g.dtype is not x.dtype:
                raise GradcheckError("Gradient has dtype mismatch")
            if g.shape != x.shape:
                raise GradcheckError("Analytical gradient has incorrect size")
            if x.numel() and bool(((g - again).abs() > tolerance.nondet).any()):
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different values,"
                    f" although analytical gradient matches numerical gradient.The tolerance for nondeterminism was {tolerance.nondet}."
                )
            column.append(g.reshape(-1))
    return found


def _mismatch(analytical: Any, numerical: Any, output: int, input: int) -> str:
    return f"Jacobian mismatch for output {output} with respect to input {input},\nnumerical:{numerical}\nanalytical:{analytical}\n"


def _close(a: Tensor, b: Tensor, atol: float, rtol: float) -> bool:
    return bool(OPS["allclose_tensor"].call(a.to(b.dtype), b, rtol, atol, False))


def _jacobians(func: Function, given: Sequence[Any], outputs: Sequence[Tensor], tolerance: _Tolerance) -> list[list[tuple[Tensor, Tensor]]]:
    """(by backward, by differences) for each output and input, both (input elements, output elements)."""
    wanted = _differentiated(given)
    live = [y.requires_grad for y in _several(func(*given))]
    numerical = [[n for n, kept in zip(_numerical(func, given, at, tolerance.eps), live, strict=False) if kept] for at, _ in wanted]
    pairs: list[list[tuple[Tensor, Tensor]]] = []
    for o, y in enumerate(outputs):
        basis = [w.view(y.shape) for w in OPS["eye"].call(y.numel(), dtype=y.dtype, device=y.device)]
        columns = _analytical(y, [t for _, t in wanted], basis, tolerance)
        row = []
        for column, found, (_, x) in zip(columns, numerical, wanted, strict=True):
            size = (x.numel(), y.numel())
            exact = OPS["stack"].call(column, 1) if column else OPS["zeros"].call(size, dtype=x.dtype, device=x.device)
            n = found[o] if found else None
            row.append((exact, OPS["zeros"].call(size, dtype=y.dtype, device=y.device) if n is None else n))
        pairs.append(row)
    return pairs


def _compare_jacobians(func: Function, given: Sequence[Any], outputs: Sequence[Tensor], tolerance: _Tolerance) -> None:
    for o, row in enumerate(_jacobians(func, given, outputs, tolerance)):
        for i, (exact, numerical) in enumerate(row):
            if not _close(exact, numerical, tolerance.atol, tolerance.rtol):
                raise GradcheckError(_mismatch(exact, numerical, o, i))


def _compare_projections(func: Function, given: Sequence[Any], outputs: Sequence[Tensor], tolerance: _Tolerance) -> None:
    """v . J . u for random u and v of length 1; the tolerance grows with their sums, as in torch."""
    generator = Generator()
    wanted = _differentiated(given)
    us = [_unit(t, generator) for _, t in wanted]
    vs = [_unit(y, generator) for y in outputs]
    live = [y.requires_grad for y in _several(func(*given))]
    exact = [_analytical(y, [t for _, t in wanted], [v.view(y.shape)], tolerance) for y, v in zip(outputs, vs, strict=True)]
    for i, ((at, x), u) in enumerate(zip(wanted, us, strict=True)):
        moved = _difference(func, given, at, u.view(x.shape) * tolerance.eps, tolerance.eps)
        for o, (column, v) in enumerate(zip([m for m, kept in zip(moved, live, strict=True) if kept], vs, strict=True)):
            numerical = (OPS["zeros_like"].call(v) if column is None else column).dot(v)
            a = exact[o][i][0].dot(u)
            if not _close(a, numerical, tolerance.atol * float(u.sum()) * float(v.sum()), tolerance.rtol):
                slow_exact, slow_numerical = _jacobians(func, given, outputs, tolerance)[o][i]
                raise GradcheckError(
                    _mismatch(a, numerical, o, i)
                    + "\nThe above quantities relating the numerical and analytical jacobians are computed in fast mode. Below, we recompute"
                    f" numerical and analytical jacobians in slow mode:\n\nNumerical:\n {slow_numerical}\nAnalytical:\n{slow_exact}\n"
                )


def _unit(t: Tensor, generator: Generator) -> Tensor:
    values = OPS["rand"].call(t.numel(), generator=generator, device="cpu").to(t.device, t.dtype)
    return values / OPS["vector_norm"].call(values)  # type: ignore[no-any-return]  # an op


def _check_zeros(func: Function, given: Sequence[Any], left_out: Sequence[int]) -> None:
    """Zero weights must give zero gradients, also when one of several outputs, those of `left_out` in turn, has none at all."""
    inputs = [t for _, t in _differentiated(given)]
    for without in (None, *left_out):
        outputs = [y for y in _several(func(*given)) if y.requires_grad]
        chosen = [y for k, y in enumerate(outputs) if k != without]
        for g, x in zip(grad(chosen, inputs, [OPS["zeros_like"].call(y) for y in chosen], allow_unused=True), inputs, strict=True):
            if g is not None:
                if bool(OPS["ne"].call(g, 0).any()):
                    raise GradcheckError("backward not multiplied by grad_output")
                if g.dtype is not x.dtype:
                    raise GradcheckError("grad is incorrect type")
