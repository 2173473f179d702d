"""Ops of your own: the decorators of the op families for modules outside tcalc, as `tcalc.declare` (docs/extending.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .families import creation as _creation
from .families import elementwise as _elementwise
from .families import reduction as _reduction
from .families import structural as _structural
from .families import view as _view
from .layout import Geometry
from .methods import inplace_form
from .namespace import forget_names, table
from .registry import OPS, PUBLIC, Op
from .spec import Spec, spec_of
from .tensor import Tensor

__all__ = ["Geometry", "Spec", "composite", "creation", "elementwise", "reduction", "spec_of", "structural", "view"]

Declared = TypeVar("Declared", bound=Op)
Kernel = Callable[..., Any]


def _declaring(family: Callable[..., Callable[[Kernel], Declared]], options: dict[str, Any]) -> Callable[[Kernel], Declared]:
    """The family's decorator, which refuses names that exist and makes the new op's known."""

    def declare(kernel: Kernel) -> Declared:
        own = kernel.__name__.strip("_")
        for name in (own, options.get("public", own), *options.get("aliases", ())):
            if name in OPS or name in PUBLIC or hasattr(Tensor, name) or hasattr(Tensor, f"{name}_") or name in table("torch"):
                raise ValueError(f"tcalc already has the name '{name}'; declare your op under another one")
        op = family(**options)(kernel)
        _publish(op)
        return op

    return declare


def _publish(op: Op) -> None:
    """Put an op on Tensor and let the namespaces read the registry anew."""
    for name in (op.public, *op.aliases):
        public = PUBLIC[name]
        if op.method:
            setattr(Tensor, name, public.method())
        form = inplace_form(public.ops)
        if form is not None:
            setattr(Tensor, f"{name}_", form)
    forget_names()


def elementwise(**options: Any) -> Callable[[Kernel], _elementwise.Elementwise]:
    """Declare an op on each element: `kernel(xp, self, ...)`. Broadcasting, promotion, `out=` and the in-place form come with it.

    Keywords named as the kernel's tensors are its derivative formulas; `promote="float"` computes integers in the default dtype.
    Raises ValueError for a name that exists.
    """
    return _declaring(_elementwise.elementwise, options)


def reduction(**options: Any) -> Callable[[Kernel], _reduction.Reduction]:
    """Declare an op that folds dims away: `kernel(xp, self, dim: Dims | None = None, keepdim: Bool = False)`, `dim` a tuple by then.

    Raises ValueError for a name that exists.
    """
    return _declaring(_reduction.reduction, options)


def view(**options: Any) -> Callable[[Kernel], _view.ViewOp]:
    """Declare an op that shares its input's memory: `kernel(geometry, ...) -> Geometry`, integers only.

    Raises ValueError for a name that exists.
    """
    return _declaring(_view.view, options)


def structural(**options: Any) -> Callable[[Kernel], _structural.Structural]:
    """Declare an op with a shape rule of its own: `plan(*Specs) -> Spec` decides, `kernel(xp, *arrays)` computes.

    Raises ValueError for a name that exists.
    """
    return _declaring(_structural.structural, options)


def composite(**options: Any) -> Callable[[Kernel], _structural.Composite]:
    """Declare an op written in other ops: `kernel(F, ...)`; its derivative is theirs.

    Raises ValueError for a name that exists.
    """
    return _declaring(_structural.composite, options)


def creation(**options: Any) -> Callable[[Kernel], _creation.Creation]:
    """Declare an op that makes a tensor: `plan(*arguments) -> (shape, dtype or None)`, `kernel(xp, spec, *arguments)` fills it.

    Raises ValueError for a name that exists.
    """
    return _declaring(_creation.creation, options)
