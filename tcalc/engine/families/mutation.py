"""In-place ops that are no elementwise op's second form: copy_, fill_, index_put_, random fills; and installing `NAME_` forms."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from .. import backend, inplace
from ..backend import xp_of
from ..errors import EngineError, TensorError
from ..layout import has_overlap
from ..record import Vjp
from ..registry import Op
from ..signature import Mismatch, refusal
from ..spec import Spec
from ..tensor import Tensor
from .common import C_NAMES, check_cast, check_no_overlap, check_writable, differs, fit_grad, sorted_out
from .structural import Structural
from .view import ViewOp


class Mutation(Op):
    """An op that writes its first input: the kernel `(xp, array, *arguments)` writes in place, `check(target, *arguments)` refuses first.

    Its public name ends in an underscore; its node is named without.
    """

    family = "mutation"

    def __init__(self, kernel: Callable[..., Any], *, check: Callable[..., Any] | None = None, overlap_ok: bool = False, **rest: Any):
        self.check, self.overlap_ok = check, overlap_ok
        super().__init__(kernel, function=rest.pop("function", False), **rest)

    def run(self, values: list[Any]) -> Tensor:
        target: Tensor = values[0]
        inputs = values[: len(self.inputs)]
        recording = inplace.admit(self, target, inputs)
        if self.real_only is not None and target.spec.dtype.is_complex:
            raise self.real_only(target.spec.dtype)
        if self.check:
            self.check(target, *values[1:])
        if not self.overlap_ok and not any(_same_elements(v, target) for v in inputs[1:]):
            check_writable(target)
        specs = [v.spec if isinstance(v, Tensor) else None for v in inputs]

        def perform() -> None:
            where = target.spec.device
            arrays = [v.a if isinstance(v, Tensor) else v for v in values]
            if where.type == "cuda":
                arrays = [backend.transfer(a, where) if a.__class__ is backend.ndarray else a for a in arrays]
            self.invoke([xp_of(where)], arrays)

        return inplace.write(self, target, inputs, values, [*specs, target.spec], perform, recording)

    finish, finishes = staticmethod(fit_grad), staticmethod(differs)


def _same_elements(value: Any, target: Tensor) -> bool:
    """Whether writing `value` over the target changes nothing, so that torch does not ask whether slots are shared."""
    if value is target:
        return True
    if not isinstance(value, Tensor) or value.storage is None or target.storage is None:
        return False
    return value.storage.raw is target.storage.raw is not None and (value.offset, value.spec) == (target.offset, target.spec)


def mutation(**options: Any) -> Callable[[Callable[..., Any]], Mutation]:
    """Declare an in-place op. Keywords that name a tensor parameter of the function are its derivative formulas."""
    return lambda kernel: Mutation(kernel, **sorted_out(kernel, options))


def inplace_view(op: ViewOp) -> Callable[..., Tensor]:
    """`NAME_` of a view op (`t_`, `squeeze_`): the tensor itself takes the view's geometry."""

    form = copy(op)
    form.node_name = f"{op.node_name.rstrip('0123456789')}{op.inplace_overload}"

    def call_(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        try:
            values = op.signature.bind((self, *args), kwargs)
            recording = inplace.admit(op, self, (self,))
            shown = op.run(values)
        except Mismatch as mismatch:
            raise refusal(op.public + "_", [op.signature], (self, *args), kwargs, mismatch, True) from None
        except EngineError as error:
            raise op.explained(error, (self, *args), kwargs) from None
        node = shown.node if recording else None
        if node is not None:
            node.vjp = Vjp(form, node.mask, node.params, node.specs)
        self.keep_expected(shown.spec)
        self.become(shown.a, shown.spec, shown.storage, shown.offset)
        inplace.bump(self)
        if node is not None:
            self.node = node  # the tensor's hooks stay where they are, as torch's do, and more are added to them
        return self

    call_.__name__ = op.public + "_"
    return call_


def _check_structured(target: Spec, planned: Spec) -> None:
    """Refuse a result of another shape or dtype in the words of torch's structured kernels."""
    if planned.shape != target.shape:
        raise TensorError(
            f"Bad in-place call: input tensor size {list(target.shape)} and output tensor size {list(planned.shape)} should match", data_kind="in-place"
        )
    if planned.dtype is not target.dtype:
        a, b = C_NAMES[target.dtype.name], C_NAMES[planned.dtype.name]
        raise TensorError(f"Bad in-place call: input tensor dtype {a} and output tensor dtype {b} should match")


def inplace_structural(op: Structural) -> Callable[..., Tensor]:
    """`NAME_` of an op whose result has the shape of its first input: planned, computed, then written over it."""

    def call_(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        try:
            values = op.signature.bind((self, *args), kwargs)[: op.arguments]
            inputs = op.inputs_of(values)
            recording = inplace.admit(op, self, inputs)
            if op.apart:
                check_no_overlap(self, inputs[1:])
            planned = op.planned(values)
            if op.structured:
                _check_structured(self.spec, planned)
            if planned.shape != self.spec.shape:
                raise TensorError(f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(planned.shape)}")
            check_cast(planned.dtype, self.spec.dtype)
            if not op.apart:  # index_put_ writes even where several indices share a slot
                check_writable(self)

            def perform() -> None:
                if op.write_over(values, planned):
                    return
                new = op.compute(values, planned)
                if op.apart and has_overlap(self.spec.shape, self.spec.strides):
                    xp_of(self.spec.device).copyto(self.a, new, where=new != self.a)  # what was picked, wherever else its slot is shown
                else:
                    self.a[...] = new

            specs = [*[v.spec if isinstance(v, Tensor) else v for v in inputs], planned]
            return inplace.write(op, self, inputs, values, specs, perform, recording)
        except Mismatch as mismatch:
            raise refusal(op.public + "_", [op.signature], (self, *args), kwargs, mismatch, True) from None
        except EngineError as error:
            raise op.explained(error, (self, *args), kwargs) from None

    call_.__name__ = op.public + "_"
    return call_
