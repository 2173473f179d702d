"""`x[...]` and `x[...] = value`: an index taken apart into views and, where tensors pick elements, one gather."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import backend, dtypes, inplace
from .backend import ndarray
from .calling import MEMO_LIMIT
from .data import tensor
from .errors import TensorError, TensorIndexError, TensorTypeError, TensorValueError
from .families.common import fitting, fitting_loosely
from .families.view import show, show_lazy
from .modes import is_grad_enabled
from .ops.index import nonzero_places
from .record import Applied
from .registry import OPS
from .spec import Spec, spec_of
from .tensor import Tensor

SELECT, SLICE, UNSQUEEZE, ALIAS = OPS["select"], OPS["slice"], OPS["unsqueeze"], OPS["alias"]


def getitem(self: Tensor, index: Any) -> Tensor:
    """The elements an index names: a view for ints, slices, None and Ellipsis, a copy for tensors, lists and masks.

    Raises IndexError with torch's sentences.
    """
    if type(index) is int:
        return _row(self, index)
    if type(index) is slice:
        return _some_rows(self, index)
    view, picks = _walk(self, index if isinstance(index, tuple) else (index,), isinstance(index, tuple))
    if picks:
        return OPS["index"].call(view, picks)  # type: ignore[no-any-return]  # the registry holds functions
    return ALIAS.call(view) if view is self else view


def _sliceable(t: Tensor) -> None:
    if not t.spec.ndim:
        if is_grad_enabled():
            t.refuse_stale()
        raise TensorIndexError("slice() cannot be applied to a 0-dim tensor.", "slice", {"self": t})


_slices: dict[tuple[Spec, int | None, int | None], Any] = {}  # plans of x[start:stop]


def _some_rows(t: Tensor, index: slice) -> Tensor:
    """x[start:stop:step]; the plan of one without step is kept for the next tensor of that spec."""
    start, stop = index.start, index.stop
    plain = index.step is None and (start is None or start.__class__ is int) and (stop is None or stop.__class__ is int)  # not 1.0, nor True
    key = t.spec, start, stop
    plan = _slices.get(key) if plain else None
    if plan is not None:
        return plan(t)  # type: ignore[no-any-return]  # a view's plan
    _sliceable(t)
    if not plain:
        return _sliced(t, 0, index, skip=False)
    if len(_slices) >= MEMO_LIMIT:
        _slices.clear()
    first, last, _ = index.indices(t.spec.sizes[0])
    plan = _slices[key] = SLICE.prepare([t, 0, first, max(first, last), 1])
    return plan(t)  # type: ignore[no-any-return]  # a view's plan


def _no_row(t: Tensor, index: int) -> TensorIndexError:
    """torch's sentences for an int that picks from a 0-dim tensor."""
    if index:
        return TensorIndexError(f"index {index} is out of bounds for dimension 0 with size 0", "select", {"self": t}, dim=0)
    return TensorIndexError(
        "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number",
        "select",
        {"self": t},
    )


def _row(t: Tensor, index: int) -> Tensor:
    """x[i]: select along dim 0, without argument parsing."""
    spec = t.spec
    shape = spec.shape
    if not shape:
        raise _no_row(t, index)
    size = shape[0]
    if not -size <= index < size:
        raise TensorIndexError(f"index {index} is out of bounds for dimension 0 with size {size}", "select", {"self": t}, dim=0)
    row = spec.rows
    if row is None:
        row = spec_of(spec.dtype, spec.device, tuple(shape[1:]), spec.strides[1:], spec.lazy)
        if spec.lazy:
            return show_lazy(row, index % size * spec.strides[0], Applied(SELECT, (None, 0, index % size), (spec, row)), None, t)
        spec.rows = row
    if index < 0:
        index += size
    applied = None if t.node is None else Applied(SELECT, (None, 0, index), (spec, row))
    array = t.a
    if array.__class__ is ndarray:
        return show(row, index * spec.strides[0], applied, None, t, array[index] if len(shape) > 1 else array[index, ...])  # which is no number
    return show(row, index * spec.strides[0], applied, None, t)


def _walk(t: Tensor, index: Sequence[Any], skip: bool) -> tuple[Tensor, list[Tensor | None]]:
    """The view that ints, slices, None and Ellipsis lead to, and the index tensors left to apply to it, one a dim."""
    items = [_as_item(i) for i in index]
    used = sum(_dims_of(i) for i in items)
    if used > t.ndim:
        if t.ndim == 0 and len(items) == 1 and isinstance(items[0], int):
            raise _no_row(t, items[0])
        raise TensorIndexError(f"too many indices for tensor of dimension {t.ndim}", "index", {"self": t})
    view, dim = t, 0
    picks: list[Tensor | None] = []
    for place, item in enumerate(items):
        if item is Ellipsis:
            dim += t.ndim - used
        elif item is None:
            view = UNSQUEEZE.call(view, dim)
            dim += 1
        elif isinstance(item, bool):
            view = UNSQUEEZE.call(view, dim)
            _pick(picks, dim, [tensor([0] if item else [], dtype=dtypes.int64, device=view.spec.device)])
            dim += 1
        elif isinstance(item, int):
            view = _selected(view, dim, item, place)
        elif isinstance(item, slice):
            view = _sliced(view, dim, item, skip)
            dim += 1
        else:
            dim += _pick_tensor(picks, view, dim, item)
    return view, picks


def _as_item(i: Any) -> Any:
    if i is None or i is Ellipsis or isinstance(i, (bool, int, slice)):
        return i
    if isinstance(i, Tensor):
        if i.spec.dtype is dtypes.uint8:
            i = OPS["cast"].call(i, dtypes.bool_)
        if not i.ndim and i.spec.dtype is dtypes.bool_ and i.a is not None:
            return bool(i.item())
        if i.spec.dtype.continuous:
            raise TensorIndexError("tensors used as indices must be long, int, byte or bool tensors", "index")
        if not i.ndim and i.spec.dtype is not dtypes.bool_ and i.a is not None:
            return int(i.item())
        return i
    if isinstance(i, (list, tuple, range)):
        return tensor(list(i), dtype=None if i else dtypes.int64, device=backend.CPU)
    if isinstance(i, backend.ndarray):
        return tensor(i, device=backend.CPU)
    if hasattr(i, "__index__"):
        return i.__index__()
    if isinstance(i, str):
        raise TensorTypeError("new(): invalid data type 'str'", "index")
    raise TensorIndexError(
        f"only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {type(i).__name__})",
        "index",
    )


def _dims_of(item: Any) -> int:
    """How many dims of the tensor an item stands for."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.ndim if isinstance(item, Tensor) and item.spec.dtype is dtypes.bool_ else 1


def _selected(view: Tensor, dim: int, index: int, named: int) -> Tensor:
    """One index along a dim; errors name the place in the index, as torch's do."""
    size = view.shape[dim]
    if not -size <= index < size:
        raise TensorIndexError(
            f"index {index} is out of bounds for dimension {named} with size {size}", "select", {"self": view}, dim=named
        )
    return SELECT.call(view, dim, index)  # type: ignore[no-any-return]  # the registry holds functions


def _sliced(view: Tensor, dim: int, item: slice, skip: bool) -> Tensor:
    """A slice along `dim`; one that takes in all is left out where torch leaves it out (`skip`)."""
    start, stop, step = (_whole(v) for v in (item.start, item.stop, item.step))
    step = 1 if step is None else step
    if step <= 0:
        sentence = "slice step cannot be zero" if step == 0 else "step must be greater than zero"
        raise TensorValueError(sentence, "slice", {"self": view})
    size = view.shape[dim]
    first, last, _ = slice(start, stop).indices(size)
    if skip and not start and step == 1 and (stop is None or stop >= size):  # as torch tests it: x[-size:] stays a slice
        return view
    return SLICE.call(view, dim, first, max(first, last), step)  # type: ignore[no-any-return]  # the registry holds functions


def _whole(value: Any) -> int | None:
    if value is None or type(value) is int:
        return value
    try:
        return int(value.__index__())
    except AttributeError:
        raise TensorTypeError("slice indices must be integers or None or have an __index__ method") from None


def _pick(picks: list[Tensor | None], dim: int, found: list[Tensor]) -> None:
    picks.extend([None] * (dim - len(picks)))
    picks.extend(found)


def _beside(item: Tensor, view: Tensor) -> Tensor:
    """An index tensor where the indexed one is: one of the CPU goes there.

    Raises RuntimeError with torch's sentence for one of another device.
    """
    where = view.spec.device
    if item.spec.device is where or where is backend.META:
        return item
    if item.spec.device is not backend.CPU:
        raise TensorError(
            f"indices should be either on cpu or on the same device as the indexed tensor ({where})",
            "index",
            {"self": view, "indices": item},
        )
    return OPS["move"].call(item, where)  # type: ignore[no-any-return]  # the registry holds functions


def _pick_tensor(picks: list[Tensor | None], view: Tensor, dim: int, item: Tensor) -> int:
    """Note an index tensor for `dim`; a mask counts as one place tensor a dim. Returns the dims it stands for."""
    item = _beside(item, view)
    if item.spec.dtype is not dtypes.bool_:
        _pick(picks, dim, [_planned(item, view)])
        return 1
    for i, size in enumerate(item.shape):
        if view.shape[dim + i] != size:
            raise TensorIndexError(
                f"The shape of the mask {list(item.shape)} at index {i} does not match the shape of the indexed tensor {list(view.shape)} at index {dim + i}",
                "index",
                {"self": view, "mask": item},
            )
    if item.a is None:
        raise TensorError("a mask on the meta device has no values, so the number of elements it picks is unknown", "index")
    if not item.ndim:
        raise TensorIndexError("a 0-dim mask is written x[None][mask.reshape(1)]", "index")
    _pick(picks, dim, [_planned(places, view) for places in nonzero_places(item)])  # type: ignore[no-untyped-call]  # ops are declared without types
    return item.ndim


def _planned(places: Tensor, view: Tensor) -> Tensor:
    """Places to pick from a tensor without values need none either; what a mask picks was counted before."""
    if view.spec.device is not backend.META or places.spec.device is backend.META:
        return places
    return OPS["move"].call(places, backend.META)  # type: ignore[no-any-return]  # the registry holds functions


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """Write `value` (a number or a tensor that broadcasts) where an index points.

    Raises IndexError for a bad index, RuntimeError with torch's sentences for a value that does not fit.
    """
    given = _as_value(value, self)
    if type(index) is slice:
        _sliceable(self)
    target, picks = _walk(self, index if isinstance(index, tuple) else (index,), True)
    if picks:
        sliced = _without_lead(given.shape)
        if sliced != given.shape:
            given = given.view(sliced)
        tensors = [item for item in (index if isinstance(index, tuple) else (index,)) if isinstance(item, (Tensor, list))]
        lone_mask = len(tensors) == 1 and _is_mask(tensors[0])
        if not sliced and given.spec.dtype is not target.spec.dtype:
            inplace.admit(OPS["index_put"], target, (target, given))
            if not lone_mask:
                raise TensorError(
                    f"Index put requires the source and destination dtypes match, got {target.spec.dtype.kernel_name} for the destination and"
                    f" {given.spec.dtype.kernel_name} for the source.",
                    "index_put",
                    {"self": target, "values": given},
                )
            if given.a is not None:
                fitting(given.item(), target.spec.dtype)  # a mask alone takes one value of any dtype that fits
        target.index_put_(picks, given)
        return
    if given.ndim == 0 and target.ndim:
        target.fill_(given)
        return
    if given.shape != target.shape and is_grad_enabled():
        given.refuse_stale()  # which torch's view of the value does
    _fits(target.spec, given.spec)
    if given.shape != target.shape:
        given = given.view(_without_lead(given.shape))
        if given.shape != target.shape:
            given = given.expand(target.shape)
    target.copy_(given)


def _is_mask(item: Any) -> bool:
    return isinstance(item, Tensor) and item.spec.dtype in (dtypes.bool_, dtypes.uint8) and item.ndim > 0


def _without_lead(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape without the 1s in front."""
    lead = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    return tuple(shape[lead:])


def _as_value(value: Any, view: Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (bool, int, float, complex)):
        d = view.spec.dtype
        if value.__class__ is int and not -(2**63) <= value < 2**63:
            raise TensorValueError("Overflow when unpacking long long", "setitem", {"self": view})
        return tensor(fitting_loosely(value, d), dtype=d, device=backend.CPU)
    if isinstance(value, (backend.ndarray, backend.np.generic)):
        return tensor(value, dtype=view.spec.dtype, device=backend.CPU)
    raise TensorTypeError(
        f"can't assign a {type(value).__name__} to a torch.{view.spec.dtype.kernel_name}Tensor", "setitem", {"self": view}
    )


def _fits(target: Spec, given: Spec) -> None:
    sizes = list(given.shape if given.shape == target.shape else _without_lead(given.shape))
    if len(sizes) > target.ndim:
        raise TensorError(
            f"expand({given.type_name}{{{sizes}}}, size={list(target.shape)}): the number of sizes provided ({target.ndim}) must be"
            f" greater or equal to the number of dimensions in the tensor ({len(sizes)})"
        )
    for i in range(1, len(sizes) + 1):
        if sizes[-i] not in (1, target.shape[-i]):
            raise TensorError(
                f"The expanded size of the tensor ({target.shape[-i]}) must match the existing size ({sizes[-i]}) at non-singleton dimension"
                f" {target.ndim - i}.  Target sizes: {list(target.shape)}.  Tensor sizes: {sizes}",
                "setitem",
            )
