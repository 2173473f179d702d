"""View ops: pure integers decide the geometry, the lens shows it, autograd learns whose memory it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import backend
from ..backend import CPU, ndarray
from ..errors import EngineError
from ..graph import Output
from ..layout import Geometry, contiguous_strides
from ..modes import is_grad_enabled
from ..record import attach
from ..registry import Op
from ..signature import KINDS, REQUIRED, Param
from ..spec import Spec, spec_of
from ..tensor import MULTI_VIEW, NO_GRAD_VIEW, Tensor, View, new_tensor, on_storage

LIMIT = 4096
SELF = Param("self", KINDS["Tensor"], False, REQUIRED, False, False)


class ViewOp(Op):
    """An op that shares storage. The kernel maps a Geometry (offset 0 unless `absolute`) and the parameters to a Geometry,
    or to a list of them for an op with several outputs."""

    family = "view"

    def __init__(self, kernel: Callable[..., Any], *, absolute: bool = False, **rest: Any):
        self.absolute = absolute
        self.plans: dict[Any, tuple[Spec, int]] = {}
        super().__init__(kernel, skip=1 + absolute, lead=(SELF,), **rest)

    def build(self) -> Callable[..., Any]:
        plans, op, general = self.plans, self, super().build()

        def call(self: Any = None, *args: Any, **kwargs: Any) -> Any:
            if not kwargs:
                try:
                    spec, shift, params = plans[self.spec, args]
                except (AttributeError, KeyError, TypeError):
                    pass
                else:
                    return show(op, self, spec, shift, params)
            return general(*(() if self is None else (self,)), *args, **kwargs)

        call.__name__ = self.public
        return call

    def run(self, values: list[Any]) -> Any:
        source: Tensor = values[0]
        spec = source.spec
        offset = source.offset if self.absolute else 0
        geometry = Geometry(tuple(spec.shape), spec.strides, offset)
        params = [None, *values[1:]]
        if self.absolute:
            result = self.kernel(geometry, source, *values[1:])
            params[3:] = [result.offset - offset]
        else:
            result = self.kernel(geometry, *values[1:])
        if isinstance(result, list):
            return self._several(source, result, params)
        target = spec_of(spec.dtype, spec.device, result.shape, result.strides)
        shift = result.offset - offset
        if not self.absolute and spec.device is CPU and target.numel:
            key = tuple(values[1:])
            if len(self.plans) >= LIMIT:
                self.plans.clear()
            if len(key) == 1 and isinstance(key[0], tuple):
                self.plans[spec, key[0]] = target, shift, params  # called as view(2, 3)
            self.plans[spec, key] = target, shift, params
        return show(self, source, target, shift, params)

    def _several(self, source: Tensor, parts: list[Geometry], params: list[Any]) -> tuple[Tensor, ...]:
        spec = source.spec
        specs = [spec_of(spec.dtype, spec.device, g.shape, g.strides) for g in parts]
        views = tuple(show(self, source, s, g.offset, params, record=False) for s, g in zip(specs, parts, strict=True))
        for view in views:
            view.made = view.made or MULTI_VIEW
        if views and source.node is not None and is_grad_enabled():
            owner = attach(self, (source.node,), (source,), params, views[0], (spec, specs))
            for i, view in enumerate(views):
                view.node = Output(owner, i)
        return views

    def raw(self, xp: Any, array: Any, *args: Any, **kwargs: Any) -> Any:
        array = xp.ascontiguousarray(array).reshape(array.shape)
        result = self.kernel(Geometry(array.shape, contiguous_strides(array.shape), 0), *args, **kwargs)
        if isinstance(result, list):
            return [backend.window(array, g.shape, g.strides, g.offset) for g in result]
        return backend.window(array, result.shape, result.strides, result.offset)


def show(op: Op, source: Tensor, spec: Spec, shift: int, params: Sequence[Any], record: bool = True) -> View:
    """A view of `source` with another spec, `shift` elements further on, recorded as `op`."""
    storage = source.storage
    if storage is None:
        storage = source.get_storage()
    t = new_tensor(View)
    offset = source.offset + shift
    raw = storage.raw
    if raw.__class__ is ndarray and spec.numel:
        t.a = ndarray(spec.shape, spec.numpy, raw, offset * spec.dtype.itemsize, spec.byte_strides)
    else:
        t.a = on_storage(storage, spec, offset)
    t.spec, t.storage, t.offset, t.held, t.seen = spec, storage, offset, None, storage.version
    t.base = source if source.base is None else source.base
    if is_grad_enabled():
        t.made = source.made if isinstance(source, View) else None
        node = source.node
        if node is not None and record:
            attach(op, (node,), (source,), params, t, (source.spec, spec))
    else:
        t.made = NO_GRAD_VIEW
    return t


def view(**options: Any) -> Callable[[Callable[..., Any]], ViewOp]:
    """Declare a view op; `self=` is its derivative formula."""
    formulas = {k: options.pop(k) for k in ("self",) if k in options}
    return lambda kernel: ViewOp(kernel, formulas=formulas, **options)
