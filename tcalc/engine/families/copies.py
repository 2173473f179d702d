"""The `NAME_copy` forms of view ops: the view's geometry, formulas and node, in memory of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from ..backend import copy_of, xp_of
from ..layout import Geometry, contiguous_strides
from ..modes import no_grad
from ..spec import Spec, spec_of
from .structural import Structural
from .view import SELF, Reading, ViewOp


class ViewCopy(Structural):
    """What a view op shows, row by row in fresh memory. The node is the view's with `_copy` behind its name, as torch's code generator has it."""

    def __init__(self, shown: ViewOp, declared: Callable[..., Any], **rest: Any):
        self.shown, self.several = shown, shown.grads is not None
        code: Any = shown.kernel
        kernel = FunctionType(code.__code__, code.__globals__, declared.__name__, code.__defaults__, code.__closure__)
        kernel.__annotations__, kernel.__kwdefaults__, kernel.__doc__ = code.__annotations__, code.__kwdefaults__, declared.__doc__
        kernel.__module__ = declared.__module__
        options: dict[str, Any] = {"public": f"{shown.public}_copy", "node": f"{shown.node_name}_copy", "method": False} | rest
        super().__init__(
            kernel, plan=self._planned, skip=1 + shown.absolute, lead=(SELF,), overload=None, formulas=shown.formulas, grads=shown.grads, **options
        )

    def _planned(self, spec: Spec, *values: Any) -> Spec | list[Spec]:
        geometry = Geometry(tuple(spec.shape), contiguous_strides(tuple(spec.shape)))  # any shape can be copied, whatever the strides
        result = geometry._replace(shape=tuple(values[0])) if self.shown.absolute else self.shown.kernel(geometry, *values)
        if isinstance(self.shown, Reading):
            read = self.shown.reads(spec, result)
            return spec_of(read.dtype, read.device, read.shape)
        parts = result if isinstance(result, list) else [result]
        specs = [spec_of(spec.dtype, spec.device, part.shape) for part in parts]
        return specs if isinstance(result, list) else specs[0]

    def compute(self, values: list[Any], planned: Spec) -> Any:
        if not self.shown.absolute:
            return self.raw(xp_of(planned.device), values[0].a, *values[1:])
        with no_grad():
            return copy_of(self.shown.run(values).a)

    def raw(self, xp: Any, array: Any, *args: Any) -> Any:
        seen = self.shown.raw(xp, array, *args)
        return [copy_of(part) for part in seen] if isinstance(seen, list) else copy_of(seen)

    def kept(self, values: Sequence[Any]) -> list[Any]:
        params = super().kept(values)
        if self.shown.absolute:  # the formula counts from where the input's own elements begin
            start = values[0].offset
            params[3] = (start if params[3] is None else params[3]) - start
        return params


def copies(shown: ViewOp, **options: Any) -> Callable[[Callable[..., Any]], ViewCopy]:
    """Declare the `_copy` form of a view op; the decorated function gives the name and the documentation."""
    return lambda declared: ViewCopy(shown, declared, **options)
