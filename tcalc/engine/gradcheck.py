"""Derivatives checked against differences of the function itself, first and second order, by random projection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import random
from .autograd import grad
from .dtypes import float64
from .errors import TensorError
from .modes import enable_grad, no_grad
from .registry import OPS
from .spec import row_major
from .tensor import Tensor, make


def _direction(t: Tensor, generator: random.Generator) -> Tensor:
    """A random tensor of t's shape."""
    flat = random.normal(generator, t.spec.numel, t.spec.dtype)
    return make(flat.reshape(t.spec.sizes), row_major(t.spec))


def _dot(a: Tensor, b: Tensor) -> Any:
    return OPS["sum"].call(OPS["mul"].call(a, b))


def _outputs(func: Callable[..., Any], inputs: Sequence[Any]) -> list[Tensor]:
    """The function's results that can have a gradient."""
    found = func(*inputs)
    several = found if isinstance(found, (tuple, list)) else (found,)
    return [t for t in several if isinstance(t, Tensor) and t.spec.dtype.is_floating_point]


def _moved(inputs: Sequence[Any], at: int, step: Tensor, size: float) -> list[Any]:
    """The inputs, one of them moved by `size` along `step`, its layout kept."""
    moved = list(inputs)
    source = inputs[at].detach()
    shifted = OPS["add"].call(source, step, alpha=size)
    moved[at] = source.clone().copy_(shifted)
    return moved


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    seed: int = 0,
    raise_exception: bool = True,
) -> bool:
    """Whether backward agrees with central differences of `func` at `inputs`, in one random direction per input.

    For outputs y weighed by random v, and a random direction u of each float64 input x that requires grad, the two numbers
    <v, (f(x + eps u) - f(x - eps u)) / (2 eps)> and <grad_x <v, y>, u> must agree within `atol + rtol * |number|`.
    Raises RuntimeError that names the input (or returns False with raise_exception=False), and when no input can be checked.
    """
    given = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    places = [i for i, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad]
    if not places:
        raise TensorError("gradcheck expects at least one input tensor to require gradient, but none of the them have requires_grad=True.")
    for i in places:
        if given[i].spec.dtype is not float64:
            raise TensorError(f"gradcheck: input {i} is {given[i].spec.dtype!r}; differences need float64")
    generator = random.Generator().manual_seed(seed)
    outputs = _outputs(func, given)
    weights = [_direction(t, generator) for t in outputs]
    live = [(y, v) for y, v in zip(outputs, weights, strict=True) if y.requires_grad]
    if live:
        found = grad([y for y, _ in live], [given[i] for i in places], [v for _, v in live], allow_unused=True, retain_graph=True)
    else:
        found = (None,) * len(places)
    for i, analytic in zip(places, found, strict=True):
        step = _direction(given[i], generator)
        with no_grad():
            above = _outputs(func, _moved(given, i, step, eps))
            below = _outputs(func, _moved(given, i, step, -eps))
            numeric = sum([float(_dot(v, a - b)) for v, a, b in zip(weights, above, below, strict=True)]) / (2 * eps)
            exact = 0.0 if analytic is None else float(_dot(analytic, step))
        if not abs(numeric - exact) <= atol + rtol * abs(numeric):
            if raise_exception:
                raise TensorError(
                    f"gradcheck: derivative by input {i} is {exact:.9g} by backward and {numeric:.9g} by differences", "gradcheck"
                )
            return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    seed: int = 0,
    raise_exception: bool = True,
) -> bool:
    """gradcheck of the gradients of `func`: whether second derivatives are right.

    Raises RuntimeError that names the input, or returns False.
    """
    given = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    places = [i for i, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad]
    generator = random.Generator().manual_seed(seed + 1)
    outputs = [y for y in _outputs(func, given) if y.requires_grad]
    weights = [_direction(t, generator).requires_grad_() for t in outputs]
    count = len(given)

    def first(*values: Any) -> tuple[Tensor, ...]:
        xs, vs = list(values[:count]), list(values[count:])
        for i in places:
            xs[i] = xs[i] if xs[i].requires_grad else xs[i].detach().requires_grad_()
        vs = [v if v.requires_grad else v.detach().requires_grad_() for v in vs]
        with enable_grad():
            results = [y for y in _outputs(func, xs) if y.requires_grad]
        found = grad(results, [xs[i] for i in places], vs, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(first, [*given, *weights], eps=eps, atol=atol, rtol=rtol, seed=seed, raise_exception=raise_exception)
