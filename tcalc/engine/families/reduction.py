"""Reductions: dims normalised, result planned, kernel over a tuple of axes, in torch's dtypes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import backend, blocks, dtypes
from ..backend import META
from ..dtypes import FLOAT, dtype
from ..errors import TensorError, TensorIndexError
from ..layout import reduced_shape, wrap_dims
from ..modes import is_grad_enabled
from ..record import Applied, attach
from ..registry import Op
from ..signature import OUT, Param
from ..spec import Spec, spec_of
from ..tensor import Tensor, make
from .common import adopt, cast_grad, from_default, opmath, refuse_grad_for_out, write_out


class Reduction(Op):
    """An op that folds dims away. `result`: "same", "sum" (ints and bools add up in int64), "float" (ints are refused),
    "promote" (ints are computed in the default dtype), "bool" or "index". `only_float` is torch's sentence for ints, where it has
    one of its own. Complex numbers are folded as such by ops that give real numbers (`gives_real`). A kernel with `dim` gets it as a tuple of wrapped dims; one without folds all.
    `empty_ok` is False where an empty dim has no answer."""

    family = "reduction"
    memoised = True

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        result: str = "same",
        empty_ok: bool = True,
        out: bool = True,
        only_float: str = "",
        out_rule: str = "cast",
        gives_real: bool = False,
        **rest: Any,
    ):
        self.out_rule, self.gives_real = out_rule, gives_real
        self.result, self.empty_ok, self.takes_out, self.only_float = result, empty_ok, out, only_float
        super().__init__(kernel, **rest)

    def extra_params(self) -> Sequence[Param]:
        return [OUT] if self.takes_out else []

    @property
    def places(self) -> dict[str, int]:
        """Where each parameter stands among the bound values."""
        return self.signature.positions

    def dtype_for(self, spec: Spec, wanted: dtype | None) -> dtype:
        """Result dtype; `wanted` is the dtype= argument.

        Raises RuntimeError where torch refuses ints.
        """
        if self.result == "bool":
            return dtypes.uint8 if spec.dtype is dtypes.uint8 else dtypes.bool_
        if self.result == "index":
            return dtypes.int64
        if wanted is not None:
            if self.result == "float" and wanted.category < FLOAT:
                raise TensorError(
                    f"{self.public}(): could not infer output dtype. Optional dtype must be either a floating point or complex dtype. Got: {wanted.kernel_name}"
                )
            return wanted
        if self.result == "sum" and spec.dtype.category < FLOAT:
            return dtypes.int64
        if self.result in ("float", "promote") and spec.dtype.category < FLOAT:
            if self.result == "promote":
                return dtypes.get_default_dtype()
            if self.only_float:
                raise TensorError(self.only_float.format(spec.dtype.kernel_name))
            raise TensorError(
                f"{self.public}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {spec.dtype.kernel_name}"
            )
        return spec.dtype

    def axes(self, spec: Spec, dim: Any) -> tuple[int, ...]:
        """Wrapped dims to fold; None and () mean all."""
        if dim is None or dim == ():
            return tuple(range(spec.ndim))
        wrapped = wrap_dims(dim if isinstance(dim, tuple) else (dim,), spec.ndim)
        return wrapped if spec.ndim else ()

    def run(self, values: list[Any]) -> Tensor:
        result = self.plan(values).of_one(values[0])
        out = values[self.places["out"]] if self.takes_out else None
        if out is None:
            return result
        refuse_grad_for_out(self.public, [values[0], out])
        return write_out(out, result, self.public, self.out_rule)

    def prepare(self, values: list[Any]) -> Callable[[Tensor], Tensor] | None:
        plan = self.plan(values)
        return None if from_default(plan.target, [values[0].spec]) else plan.of_one

    def plan(self, values: list[Any]) -> ReductionPlan:
        """How to fold tensors like the first of the values."""
        spec, places = values[0].spec, self.places
        dim = values[places["dim"]] if "dim" in places else None
        axes = self.axes(spec, dim)
        if self.real_only is not None and spec.dtype.is_complex:
            raise self.real_only(spec.dtype)
        keepdim = values[places["keepdim"]] if "keepdim" in places else False
        wanted = values[places["dtype"]] if "dtype" in places else None
        result_dtype = self.dtype_for(spec, wanted)
        if not self.empty_ok:
            self._refuse_empty(spec, axes, dim)
        whole, result_dtype = result_dtype, result_dtype.to_real() if self.gives_real else result_dtype
        target = spec_of(result_dtype, spec.device, reduced_shape(spec.shape, axes, keepdim))
        params = [None, *values[1:]]
        if "dim" in places:
            params[places["dim"]] = axes
        named = {p.name: v for p, v in zip(self.signature.params, params, strict=False) if p.name not in ("self", "dtype", "out")}
        compute = spec.dtype if self.result in ("bool", "index") else opmath(whole)
        return ReductionPlan(self, spec, target, None if compute is spec.dtype else spec_of(compute).numpy, named, params)

    def _refuse_empty(self, spec: Spec, axes: tuple[int, ...], dim: Any) -> None:
        if not any(spec.shape[d] == 0 for d in axes):
            return
        if dim is None or dim == ():
            raise TensorError(
                f"{self.public}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
            )
        bad = next(d for d in (dim if isinstance(dim, tuple) else (dim,)) if spec.shape[d] == 0)
        raise TensorIndexError(f"{self.public}(): Expected reduction dim {bad} to have non-zero size.")

    finish = staticmethod(cast_grad)

    def raw(self, xp: Any, array: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
        if "dim" in self.places:
            kwargs["dim"] = tuple(range(array.ndim)) if dim is None else dim
        if "keepdim" in self.places:
            kwargs["keepdim"] = keepdim
        return self.kernel(xp, array, **kwargs)


class ReductionPlan:
    """What to fold on tensors of one spec, in which dtype, into which result."""

    __slots__ = ("applied", "cast", "differentiable", "fold", "recorded", "target")

    def __init__(self, op: Reduction, spec: Spec, target: Spec, cast: Any, named: dict[str, Any], params: list[Any]):
        self.applied = Applied(op if target.dtype.as_is else op.form_for(target.dtype), params, (spec, target))
        on_cuda = spec.device.type == "cuda"
        kernel = _after_cast(op.kernel, cast) if on_cuda and cast is not None else op.kernel  # a cast, too, works on the current device
        self.target, self.cast = target, None if on_cuda else cast
        self.differentiable, self.recorded = op.differentiable, op.differentiable and target.dtype.continuous
        backend.check_fits(target.nbytes, spec.device)
        backend.check_work(spec.numel if spec.device is not META else 0, op.public)
        fold: Any = None if spec.device is META else partial(backend.starting(kernel, spec.device), **named)
        if spec.numel >= blocks.SHARED and spec.device is backend.CPU and spec.contiguous and "dim" in op.places:
            fold = blocks.folded(fold, named["dim"], target.ndim == spec.ndim, spec.sizes)
        self.fold = fold

    def of_one(self, source: Tensor) -> Tensor:
        """The folded tensor."""
        target = self.target
        if self.fold is None:
            result = make(None, target)
        else:
            result = adopt(self.fold(source.a if self.cast is None else source.a.astype(self.cast)), target)
        if self.differentiable:
            node = source.node
            if node is not None and self.recorded and is_grad_enabled():
                attach(self.applied, (node,), (source,), result)
        return result


def _after_cast(kernel: Callable[..., Any], d: Any) -> Callable[..., Any]:
    """A kernel on arrays of another dtype."""
    return lambda xp, array, **named: kernel(xp, array.astype(d), **named)


def reduction(**options: Any) -> Callable[[Callable[..., Any]], Reduction]:
    """Declare a reduction; `self=` is its derivative formula."""
    formulas = {k: options.pop(k) for k in ("self",) if k in options}
    return lambda kernel: Reduction(kernel, formulas=formulas, **options)
