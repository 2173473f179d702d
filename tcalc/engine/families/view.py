"""View ops: pure integers decide the geometry, the lens shows it, autograd learns whose memory it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any

from .. import backend
from ..backend import in_bytes, ndarray
from ..errors import TensorError
from ..graph import Output
from ..layout import Geometry, contiguous_strides
from ..modes import is_grad_enabled, is_inference_mode_enabled
from ..record import Applied, attach
from ..registry import Op
from ..signature import KINDS, REQUIRED, Param
from ..spec import Spec, spec_of
from ..tensor import Tensor, alias, new_tensor, on_storage
from ..views import INFERENCE_VIEW, MULTI_VIEW, NO_GRAD_VIEW, LazyView, View

LIMIT = 4096
SELF = Param("self", KINDS["Tensor"], False, REQUIRED, False, False)


Way = Callable[[Any], Any] | tuple[int, ...]  # NumPy's way from an array to what a view of it shows; a shape to give it


class ViewOp(Op):
    """An op that shares storage; `inplace_overload` numbers the node of its `NAME_` form, where it has one.

    The kernel maps a Geometry (offset 0 unless `absolute`) and the parameters to a Geometry,
    or to a list of them for an op with several outputs. `array` is the view on raw arrays, where they have it themselves.
    Outputs that are not `tracked` are no views to autograd, though they share memory."""

    family = "view"

    memoised = True

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        absolute: bool = False,
        inplace_overload: int | None = None,
        tracked: bool = True,
        array: Callable[..., Any] | None = None,
        **rest: Any,
    ):
        self.absolute, self.inplace_overload, self.tracked, self.array = absolute, inplace_overload, tracked, array
        self.memoised = not absolute
        self._windows: dict[Any, Any] = {}
        super().__init__(kernel, skip=1 + absolute, lead=(SELF,), **rest)

    def run(self, values: list[Any]) -> Any:
        return self.prepare(values)(values[0])

    def prepare(self, values: list[Any]) -> Callable[[Tensor], Any]:
        source: Tensor = values[0]
        spec = source.spec
        params = [None, *values[1:]]
        if self.absolute:
            result = self.kernel(Geometry(tuple(spec.shape), spec.strides, source.offset), source, *values[1:])
            params[3:] = [result.offset - source.offset]
            result = result._replace(offset=result.offset - source.offset)
        else:
            result = self.kernel(Geometry(tuple(spec.shape), spec.strides), *values[1:])
        if isinstance(result, list):
            return SeveralViews(self, spec, result, params)
        shown = spec_of(spec.dtype, spec.device, result.shape, result.strides, spec.lazy)
        applied = Applied(self, params, (spec, shown))
        return partial(show_lazy if spec.lazy else show, shown, result.offset, applied, _shortcut(spec, shown, result.offset))

    def on(self, xp: Any) -> Callable[..., Any]:
        return self.array or super().on(xp)

    def raw(self, xp: Any, array: Any, *args: Any) -> Any:
        if array.__class__ is not ndarray:
            array = array.a if isinstance(array, Tensor) else xp.asarray(array)
        if not array.flags.c_contiguous:
            array = xp.ascontiguousarray(array)
        key = array.shape, array.itemsize, args
        parts = self._windows.get(key)
        if parts is None:
            if len(self._windows) >= LIMIT:
                self._windows.clear()
            result = self.kernel(Geometry(array.shape, contiguous_strides(array.shape)), *args)
            parts = [in_bytes(g, array.itemsize) for g in result] if isinstance(result, list) else in_bytes(result, array.itemsize)
            self._windows[key] = parts
        if parts.__class__ is list:
            return [backend.window(array, *part) for part in parts]
        return backend.window(array, *parts)


class SeveralViews:
    """The specs and shifts of a multi-output view op on tensors of one spec."""

    __slots__ = ("applied", "shifts", "show", "specs", "tracked")

    def __init__(self, op: ViewOp, source: Spec, parts: Sequence[Geometry], params: list[Any]):
        self.tracked = op.tracked
        self.specs = [spec_of(source.dtype, source.device, g.shape, g.strides, source.lazy) for g in parts]
        self.show = show_lazy if source.lazy else show
        self.shifts = [g.offset for g in parts]
        self.applied = Applied(op, params, (source, self.specs))

    def __call__(self, source: Tensor) -> tuple[Tensor, ...]:
        show = self.show
        views = tuple(show(spec, shift, None, None, source) for spec, shift in zip(self.specs, self.shifts, strict=True))
        if is_grad_enabled():
            for view in views:
                view.made = INFERENCE_VIEW if view.made == INFERENCE_VIEW else MULTI_VIEW
        if views and source.node is not None and is_grad_enabled():
            owner = attach(self.applied, (source.node,), (source,), views[0])
            for i, view in enumerate(views):
                view.node = Output(owner, i)
        return views if self.tracked else tuple([_plain(view) for view in views])


def _plain(view: View) -> Tensor:
    """A view as a tensor of its own on the same memory."""
    t = alias(view)
    t.node = view.held
    return t


def _shortcut(source: Spec, shown: Spec, shift: int) -> Way | None:
    """NumPy's own way from one array to a view of it, where it has one that is quicker than to build the view."""
    if source.lazy or not shown.numel:
        return None
    if shown.strides == source.strides and shown.sizes[1:] == source.sizes[1:] and source.ndim and source.strides[0]:
        first, past = divmod(shift, source.strides[0])
        if not past and 0 <= first <= source.sizes[0] - shown.sizes[0]:
            return itemgetter(slice(first, first + shown.sizes[0]))
    if shift:
        return None
    if source.contiguous and shown.contiguous and shown.numel == source.numel:
        return shown.sizes
    return attrgetter("T") if (shown.sizes, shown.strides) == (source.sizes[::-1], source.strides[::-1]) else None


def show(
    spec: Spec, shift: int, applied: Applied | None, way: Way | None, source: Tensor, array: Any = None
) -> View:
    """A view of `source` with another spec, `shift` elements further on, recorded as `applied`. Where NumPy is quicker to what it shows, that
    is `array`, or `way` of the source's."""
    storage = source.storage
    if storage is None:
        storage = source.get_storage()
    t = new_tensor(View)
    offset = source.offset + shift
    if array is not None:
        t.a = array
    elif way is not None and source.a.__class__ is ndarray:
        t.a = source.a.reshape(way) if way.__class__ is tuple else way(source.a)  # type: ignore[operator]  # a function
    else:
        raw = storage.raw
        if raw.__class__ is ndarray and spec.numel:
            t.a = ndarray(spec.sizes, spec.numpy, raw, offset * spec.itemsize, spec.byte_strides)
        else:
            t.a = on_storage(storage, spec, offset)
    base = source.base
    t.base = source if base is None else base
    t.spec, t.storage, t.offset, t.held, t.seen = spec, storage, offset, None, storage.version
    if not is_grad_enabled():
        inferred = is_inference_mode_enabled() or (base is not None and source.made == INFERENCE_VIEW)
        t.made = INFERENCE_VIEW if inferred else NO_GRAD_VIEW
        return t
    t.made = None if base is None else source.made
    node = source.node
    if node is not None and applied is not None:
        attach(applied, (node,), (source,), t)
    return t


def show_lazy(spec: Spec, shift: int, applied: Applied | None, way: Way | None, source: Tensor) -> View:
    """A view whose values are worked out when they are looked at."""
    t = show(spec, shift, applied, way, source)
    t.__class__ = LazyView
    return t


class Reading(ViewOp):
    """A view op that reads the same memory otherwise: `reads(Spec, Geometry) -> Spec` gives the dtype and `lazy` of what is shown.

    `kernel` is as a view's, `raw_kernel(xp, array)` the op on raw arrays, for formulas. Nothing of it depends on values."""

    def __init__(self, kernel: Callable[..., Any], *, reads: Callable[[Spec, Geometry], Spec], raw_kernel: Callable[..., Any], **rest: Any):
        self.reads, self.raw_kernel = reads, raw_kernel
        super().__init__(kernel, **rest)

    def prepare(self, values: list[Any]) -> Callable[[Tensor], Any]:
        spec = values[0].spec
        shown = self.reads(spec, self.kernel(Geometry(tuple(spec.shape), spec.strides), *values[1:]))
        return partial(self._show, shown, Applied(self, [None, *values[1:]], (spec, shown)))

    def _show(self, spec: Spec, applied: Applied, source: Tensor) -> View:
        start = source.offset * source.spec.itemsize
        if start % spec.itemsize:
            raise TensorError("Tensor must have a storage_offset divisible by 2", self.public)
        shift = start // spec.itemsize - source.offset
        return (show_lazy if spec.lazy else show)(spec, shift, applied, None, source)

    def raw(self, xp: Any, array: Any, *args: Any) -> Any:
        return self.raw_kernel(xp, array, *args)


def reading(**options: Any) -> Callable[[Callable[..., Any]], Reading]:
    """Declare a view op that changes what the memory is read as; `self=` is its derivative formula."""
    formulas = {k: options.pop(k) for k in ("self",) if k in options}
    return lambda kernel: Reading(kernel, formulas=formulas, **options)


def view(**options: Any) -> Callable[[Callable[..., Any]], ViewOp]:
    """Declare a view op; `self=` is its derivative formula."""
    formulas = {k: options.pop(k) for k in ("self",) if k in options}
    return lambda kernel: ViewOp(kernel, formulas=formulas, **options)
