"""Elementwise ops: broadcasting, promotion and layout planned once per pair of specs, the kernel, sum-to-shape of gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

from .. import backend, blocks, dtypes, inplace
from ..backend import META, asarray, ndarray
from ..dtypes import BOOL, COMPLEX, FLOAT, INT, check_long, dtype
from ..errors import EngineError, TensorError
from ..layout import broadcast_shapes, elementwise_strides, like_strides
from ..modes import inferring, is_grad_enabled
from ..record import Applied, attach, record
from ..registry import Op
from ..signature import OUT, REQUIRED, Mismatch, Param, refusal
from ..spec import Spec, spec_of
from ..tensor import Plain, Tensor, allocate, make, mark, new_tensor
from .common import (
    adopt,
    check_cast,
    check_no_partial_overlap,
    check_out_dtype,
    check_writable,
    differs,
    fit_grad,
    fitting,
    not_implemented,
    opmath,
    refuse_grad_for_out,
    same_device,
    sorted_out,
    underivable,
    write_out,
)

LIMIT = 4096
NUMBERS_KEPT = 64
NUMBERS = (bool, int, float, complex)
ANY = (BOOL, INT, FLOAT, COMPLEX)


class Plan:
    """What one combination of operand specs leads to. `direct` means: one call on the arrays as they are (of the ufunc,
    or of a kernel of one operand) gives the result."""

    __slots__ = ("applied", "by_default", "casts", "common", "compute", "direct", "numbers", "op", "spec", "specs", "ufunc", "xp")

    def __init__(self, op: Elementwise, specs: Sequence[Spec | type]):
        count = len(op.inputs)
        tensors = [s for s in specs[:count] if isinstance(s, Spec)]
        if not tensors:  # a signature that takes a number for either operand
            raise refusal(op.public, [op.signature], [kind() for kind in specs], {}, Mismatch(""), False)  # type: ignore[operator]  # types of numbers
        device = same_device(op.public, tensors)
        shape = tensors[0].shape if len(tensors) == 1 else broadcast_shapes(*[s.shape for s in tensors])
        voters = [s for i, s in enumerate(specs) if i not in op.free]
        common = dtypes.result_type(
            [s.dtype for s in voters if isinstance(s, Spec) and s.ndim],
            [s.dtype for s in voters if isinstance(s, Spec) and not s.ndim],
            [s for s in voters if not isinstance(s, Spec)],
        )
        op.check(common, specs)
        # a result that only the default dtype decides is planned anew each time: the default may change
        self.by_default = common.category >= FLOAT > max([s.dtype.category for s in voters if isinstance(s, Spec)], default=-1) or (
            op.promote == "float" and common.category < FLOAT
        )
        if op.promote == "float" and common.category < FLOAT:
            common = dtypes.get_default_dtype()
        self.common = common
        self.compute = opmath(common)
        result = op.returns or (op.gives(common) if op.gives else common)
        # torch casts an operand before it looks at strides, and the cast of one with gaps or shared slots lies dense
        geometry = tuple(
            (s.sizes, s.strides if s.dense or s.dtype is common or i in op.free else like_strides(s.sizes, s.strides))
            for i, s in enumerate(specs[:count])
            if isinstance(s, Spec)
        )
        if len(tensors) < count:
            geometry += (((), ()),)
        self.spec = spec_of(result, device, tuple(shape), None if op.row_major else elementwise_strides(tuple(shape), geometry))
        backend.check_fits(self.spec.nbytes, device)
        self.specs = (*[s if isinstance(s, Spec) else None for s in specs[:count]], self.spec)
        self.xp = None if device is META else backend.xp_of(device)
        wanted = backend.NUMPY[self.compute]
        self.casts = tuple(
            wanted if isinstance(s, Spec) and s.dtype is not self.compute and i not in op.free else None
            for i, s in enumerate(specs[:count])
        )
        self.ufunc = None if op.ufunc is None or self.xp is None else getattr(self.xp, op.ufunc)
        self.direct = (
            (self.ufunc is not None or len(specs) == 1)
            and device is backend.CPU
            and all(s.contiguous for s in tensors)
            and not any(self.casts)
            and common is self.compute
            and common.category < COMPLEX
            and not any(s.lazy for s in tensors)
            and self.spec.contiguous
            and (len(tensors) == len(specs) or common.category == FLOAT)
        )
        self.op: Op = op
        if self.direct and self.spec.numel >= blocks.LARGE and all(s.shape == self.spec.shape for s in tensors):
            if op.formulas:
                self.op = op.blockwise
            if self.ufunc is not None:
                self.ufunc = blocks.threaded(self.ufunc, self.spec.numpy)
            elif blocks.worth_blocks(op.kernel):
                self.ufunc = blocks.kernel(op.kernel, self.spec.numpy)
        elif self.direct and self.ufunc is not None and count == len(tensors) == 2:
            self.ufunc = blocks.tiled(self.ufunc, tensors, self.spec) or self.ufunc
        self.applied = Applied(self.op, [*[None] * count, *op.signature.defaults[count:]], self.specs)
        self.numbers: dict[Any, Any] = {}

    def number(self, value: Any) -> Any:
        """A number beside tensors as a 0-dim array, which ufuncs take sooner, kept for the next call; a zero, of which there are two, as it is.

        Raises OverflowError for an int beyond 64 bits.
        """
        if not value or value != value:
            return value
        if value.__class__ is int:
            check_long(value)
        if len(self.numbers) >= NUMBERS_KEPT:
            self.numbers.clear()
        found = self.numbers[value] = asarray(value, backend.NUMPY[self.compute])
        return found


class Elementwise(Op):
    """An op on each element. `promote="float"` computes ints in the default dtype; `returns` fixes the result's dtype;
    `ufunc` names the array library's function that the kernel equals when all other parameters have their defaults;
    `only` are the categories taken, `label` torch's name of the kernel in the sentence that refuses others.
    Operands in `free` (a condition, a mask) have no say in the dtype; numbers given for the parameters in `joins` have.
    `out_rule` words what out= must be (see common.OUT_SENTENCES); a `row_major` result has no use for the operands' strides.
    `fits` says by which rule numbers must fit the result's dtype, by parameter (of an op with a `ufunc`: no operand); by the strict one,
    so must 0-dim tensors.
    An in-place form that is `in_c` names the dtype it cannot write as C++ does.
    `gives` maps the operands' dtype to the result's. `check(common dtype, specs)` refuses what torch refuses. `overlap_ok` ops write even where several indices share a slot."""

    family = "elementwise"
    cast_saved = True

    @property
    def memoised(self) -> bool:  # type: ignore[override]  # derived here
        """Whether there is one operand, always a Tensor."""
        return len(self.inputs) == 1 and self.signature.params[0].kind.name == "Tensor" and type(self) is Elementwise

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        promote: str = "same",
        returns: dtype | None = None,
        ufunc: str | None = None,
        only: Sequence[int] = (BOOL, INT, FLOAT),
        label: str | None = None,
        operator: str | None = None,
        inplace: bool = True,
        out: bool = True,
        out_rule: str = "cast",
        row_major: bool = False,
        free: Sequence[int] = (),
        joins: Sequence[str] = (),
        check: Callable[[dtype, Sequence[Any]], None] | None = None,
        overlap_ok: bool = False,
        gives: Callable[[dtype], dtype] | None = None,
        inplace_derivative: bool = True,
        fits: dict[str, Callable[[Any, dtype], Any]] | None = None,
        in_c: bool = False,
        **rest: Any,
    ):
        self.fits, self.in_c = fits or {}, in_c
        self.overlap_ok, self.gives, self.inplace_derivative = overlap_ok, gives, inplace_derivative
        self.cast_saved = gives is None
        self.also_check, self.out_rule, self.row_major = check, out_rule, row_major
        self.free, self.joins = frozenset(free), tuple(joins)
        self.promote, self.returns, self.ufunc, self.only, self.label, self.operator = promote, returns, ufunc, only, label, operator
        self.plans: dict[Any, Plan] = {}
        self.takes_out = out
        self.operate: Callable[[Any, Any], Any] | None = None  # the operator's form, for ops that are a ufunc
        super().__init__(kernel, inplace=inplace, **rest)

    def check(self, common: dtype, specs: Sequence[Spec | type]) -> None:
        """Refuse dtypes the kernel does not take."""
        if self.also_check is not None:
            self.also_check(common, specs)
        if self.real_only is not None and common.is_complex:
            raise self.real_only(common)
        if common.category not in self.only:
            raise not_implemented(self.label or f"{self.name}_cpu", common)

    def plan(self, operands: Sequence[Any], joined: Sequence[Any] = ()) -> Plan:
        """The plan for these operands (Tensors and Python numbers) and joining parameters; pure ints, cached."""
        key = tuple([o.spec if isinstance(o, Tensor) else type(o) for o in (*operands, *joined)])
        found = self.plans.get(key)
        if found is None:
            if len(self.plans) >= LIMIT:
                self.plans.clear()
            found = Plan(self, key)
            if not found.by_default:
                self.plans[key if len(key) > 1 else key[0]] = found
        return found

    def run(self, values: list[Any]) -> Tensor:
        out = values.pop() if self.takes_out else None
        count = len(self.inputs)
        operands, params = _plain(values[:count]), values[count:]
        plan = self._planned(operands, values)
        if out is not None:
            refuse_grad_for_out(self.public, [*operands, out])
            check_no_partial_overlap(out, operands)
            rule = "cast" if self.gives is not None and plan.common.is_complex else self.out_rule
            check_out_dtype(plan.spec.dtype, out.spec.dtype, self.public, rule)
            return write_out(out, self.compute(plan, operands, params), self.public, rule)
        result = self.compute(plan, operands, params)
        beside = plan.spec.device.type == "cuda" and any([isinstance(o, Tensor) and o.spec.device is backend.CPU for o in operands])
        record(self.beside_cpu if beside else plan.op, operands, values, result, plan.specs)
        return result

    def prepare(self, values: list[Any]) -> Any:
        values = values[: len(values) - self.takes_out]
        plan = self._planned(values[:1], values)
        if plan.by_default or plan.spec.device is not backend.CPU:
            return None
        whole = plan.ufunc is not None and self._default(values[1:])
        if whole and not (plan.spec.contiguous and values[0].spec.contiguous):
            return None
        values = [values[0], *self.fitted(plan, values[:1], values[1:])[1]]
        kernel: Any = plan.ufunc
        if not whole:
            count = self.positional - 1
            named = dict(zip(self.named, values[1 + count :], strict=True))
            kernel = _after(self.kernel, plan.xp, values[1 : 1 + count], named)
        return ElementwiseCall(self, plan, kernel, self.kept(values)).of_one

    def _planned(self, operands: Sequence[Any], values: Sequence[Any]) -> Plan:
        if self.joins:
            given = [values[self.signature.positions[name]] for name in self.joins]
            return self.plan(operands, [v for v in given if v is not None])
        if len(operands) == 1:
            found = self.plans.get(operands[0].spec)
            if found is not None:
                return found
        return self.plan(operands)

    def compute(self, plan: Plan, operands: Sequence[Any], params: Sequence[Any]) -> Tensor:
        """The result, without history."""
        if plan.xp is None:
            return make(None, plan.spec)
        whole = plan.ufunc is not None and self._default(params)
        if self.fits and not whole:
            operands, params = self.fitted(plan, operands, params)
        if plan.spec.device.type == "cuda":
            xp = backend.xp_of(plan.spec.device)
            if xp is not plan.xp:  # stand-ins came or went
                plan.xp, plan.ufunc = xp, self.ufunc and getattr(xp, self.ufunc)
        arrays = [
            (o.a if cast is None else o.a.astype(cast)) if isinstance(o, Tensor) else fit(o, plan.compute)
            for o, cast in zip(operands, plan.casts, strict=True)
        ]
        if plan.xp is not backend.np:
            arrays = [backend.transfer(a, plan.spec.device) if a.__class__ is ndarray else a for a in arrays]
        if whole and plan.ufunc is not None:  # which whole implies
            if plan.spec.contiguous and all(s is None or s.contiguous for s in plan.specs):
                return adopt(plan.ufunc(*arrays), plan.spec)
            t = allocate(plan.spec)
            if backend.NUMPY[plan.compute] == plan.spec.numpy or self.returns is not None:
                plan.ufunc(*arrays, out=t.a)
            else:
                t.a[...] = plan.ufunc(*arrays)
            return t
        if len(plan.casts) > 1:  # kernels of several steps see numbers as 0-dim arrays
            arrays = [plan.xp.asarray(a, backend.NUMPY[plan.compute]) if a.__class__ in NUMBERS else a for a in arrays]
        result = self.invoke([plan.xp], [*arrays, *params])
        if any(result is a for a in arrays):
            result = result.copy()
        return adopt(result, plan.spec)

    def fitted(self, plan: Plan, operands: Sequence[Any], params: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The arguments, with numbers as the result's dtype holds them.

        Raises RuntimeError for those that it cannot hold, also in a tensor that stands for a number: only a look at it tells.
        """
        values = [*operands, *params]
        for name, rule in self.fits.items():
            place = self.signature.positions[name]
            value = values[place]
            if not isinstance(value, Tensor):
                values[place] = value if value is None else rule(value, plan.common)
            elif rule is fitting and value.spec.dtype is not plan.common and not value.spec.ndim:
                fitting(value.item(), plan.common)
        return values[: len(operands)], values[len(operands) :]

    def _default(self, params: Sequence[Any]) -> bool:
        count = len(self.inputs)
        return all(v is p.default for v, p in zip(params, self.signature.params[count:], strict=False))

    def raw(self, xp: Any, *args: Any, **kwargs: Any) -> Any:
        if self.ufunc is not None and not kwargs and len(args) == len(self.inputs):
            return getattr(xp, self.ufunc)(*args)
        return self.kernel(xp, *args, **kwargs)

    @cached_property
    def blockwise(self) -> Op:
        """This op as nodes of large results keep it: its formulas run a block of elements at a time."""
        twin = self.twin()
        twin.blocked, twin.vjps = True, {}
        return twin

    def on(self, xp: Any) -> Callable[..., Any]:
        return partial(self.kernel if self.ufunc is None else self.raw, xp)

    def direct(self, xp: Any) -> Callable[..., Any]:
        alone = self.ufunc is not None and len(self.inputs) == self.arguments
        return getattr(xp, self.ufunc) if alone else self.on(xp)  # type: ignore[arg-type]  # alone has one

    finish, finishes = staticmethod(fit_grad), staticmethod(differs)

    # --- the callables --------------------------------------------------------------------------------------------

    def extra_params(self) -> Sequence[Param]:
        return [OUT] if self.takes_out else []

    def build(self, method: bool = False) -> Callable[..., Any]:
        general = super().build(method)
        if len(self.inputs) == 2 and self.ufunc:
            return self._binary(general)
        if len(self.inputs) == 1 and REQUIRED not in self._defaults():
            return self._unary(general)
        return general

    def _defaults(self) -> list[Any]:
        return self.signature.defaults[len(self.inputs) :]

    def _unary(self, general: Callable[..., Any]) -> Callable[..., Any]:
        plans, records = self.plans, self.differentiable

        def call(self: Any = None, *args: Any, **kwargs: Any) -> Any:
            try:
                plan = plans[self.spec]
            except (AttributeError, KeyError):
                return general(*((self,) if self is not None else ()), *args, **kwargs)
            if args or kwargs or not plan.direct:
                return general(self, *args, **kwargs)
            if plan.ufunc is None:
                array = op.kernel(plan.xp, self.a)
                t = adopt(array.copy() if array is self.a else array, plan.spec)
            else:
                array = plan.ufunc(self.a)
                t = make(array if array.__class__ is ndarray else asarray(array), plan.spec)
            if records:
                node = self.node
                if node is not None and is_grad_enabled():
                    attach(plan.applied, (node,), (self,), t)
            return t

        op = self
        call.__name__ = self.public
        return call

    def _binary(self, general: Callable[..., Any]) -> Callable[..., Any]:
        plans, records = self.plans, self.differentiable

        def operate(self: Any, other: Any) -> Any:
            """The operator form; NotImplemented for what is neither Tensor nor number, so that Python raises its own TypeError."""
            kind = other.__class__
            if kind is float or kind is int:
                return beside(self, other)
            try:
                plan = plans[self.spec, other.spec]
            except (AttributeError, KeyError):
                return beside(self, other)
            if not plan.direct:
                return general(self, other)
            array = plan.ufunc(self.a, other.a)  # type: ignore[misc]  # a direct plan has one
            t = new_tensor(Plain)
            t.a = array if array.__class__ is ndarray else asarray(array)
            t.spec, t.storage, t.offset, t.node = plan.spec, None, 0, None
            if inferring:
                mark(t)
            if records:
                left, right = self.node, other.node
                if (left is not None or right is not None) and is_grad_enabled():
                    attach(plan.applied, (left, right), (self, other), t)
            return t

        def beside(self: Any, other: Any) -> Any:
            """The same beside a number."""
            if other.__class__ in NUMBERS and isinstance(self, Tensor):
                plan = plans.get((self.spec, other.__class__))
                if plan is None or not plan.direct:
                    return general(self, other)
                number = plan.numbers.get(other)
                array = plan.ufunc(self.a, plan.number(other) if number is None else number)  # type: ignore[misc]  # a direct plan has one
                t = new_tensor(Plain)
                t.a = array if array.__class__ is ndarray else asarray(array)
                t.spec, t.storage, t.offset, t.node = plan.spec, None, 0, None
                if inferring:
                    mark(t)
                if records:
                    node = self.node
                    if node is not None and is_grad_enabled():
                        attach(plan.applied, (node, None), (self, other), t)
                return t
            if isinstance(other, (Tensor, int, float, complex, backend.np.generic)):
                return general(self, other)
            return NotImplemented

        def call(*args: Any, **kwargs: Any) -> Any:
            if kwargs or len(args) != 2:
                return general(*args, **kwargs)
            result = operate(*args)
            return general(*args) if result is NotImplemented else result

        call.__name__ = self.public
        self.operate = operate
        return call

    def inplace_call(self, operator: bool = False) -> Callable[..., Any]:
        """`NAME_`: the result written over the first operand. As an `operator` it leaves wrong types to Python's own TypeError."""
        plans, op = self.plans, self

        def call_(self: Tensor, other: Any = REQUIRED, *args: Any, **kwargs: Any) -> Any:
            try:
                plan = plans[self.spec, other.spec]
            except (AttributeError, KeyError):
                plan = None
            if (
                plan is not None
                and plan.direct
                and plan.spec is self.spec
                and not (args or kwargs or inferring)
                and (self.storage is None or self.storage is not other.storage)
                and (not is_grad_enabled() or (self.base is None and self.node is None and other.node is None))
            ):
                plan.ufunc(self.a, other.a, self.a)  # type: ignore[misc]  # a direct plan has one
                storage = self.storage
                if storage is None:
                    storage = self.get_storage()
                storage.version += 1
                return self
            given = (self,) if other is REQUIRED else (self, other, *args)
            try:
                return op.run_inplace(self, op.signature.bind(given, kwargs))
            except Mismatch as mismatch:
                if operator:
                    return NotImplemented
                raise refusal(op.public + "_", [op.signature], given, kwargs, mismatch, True) from None
            except EngineError as error:
                raise op.explained(error, given, kwargs) from None

        call_.__name__ = self.public + "_"
        return call_

    def run_inplace(self, target: Tensor, values: list[Any]) -> Tensor:
        """Compute, then write over `target`; nothing is written when anything is refused."""
        if self.takes_out:
            values = values[:-1]
        count = len(self.inputs)
        operands, params = _plain(values[:count]), values[count:]
        recording = inplace.admit(self, target, operands)
        if not self.overlap_ok:
            check_writable(target)
        check_no_partial_overlap(target, operands)
        plan = self._planned(operands, values)
        if plan.spec.shape != target.spec.shape:
            raise TensorError(f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(plan.spec.shape)}")
        if self.gives is not None and plan.common.is_complex:
            raise TensorError(f"In-place {self.public} is not supported for complex tensors.")
        check_cast(plan.spec.dtype, target.spec.dtype, self.in_c)

        def write() -> None:
            target.a[...] = self.compute(plan, operands, params).a

        specs = (*plan.specs[:-1], plan.spec if plan.spec.dtype is target.spec.dtype else target.spec)
        return inplace.write(self.in_place_op, target, operands, values, specs, write, recording)

    @cached_property
    def in_place_op(self) -> Op:
        """The op whose history an in-place write leaves: this one, unless torch has no derivative for the in-place form."""
        if self.inplace_derivative:
            return self
        form = self.twin()
        form.node_name = self.node_name.rstrip("0123456789") + "1"
        form.vjps, form.masks, form.formulas = {}, {}, dict.fromkeys(self.formulas, underivable(f"inplace version of {self.name}", f"{self.name}_"))
        return form


class ElementwiseCall:
    """An op on one tensor of a given spec, the other arguments being given."""

    __slots__ = ("applied", "cast", "kernel", "recorded", "target")

    def __init__(self, op: Elementwise, plan: Plan, kernel: Callable[[Any], Any], params: list[Any]):
        self.target, self.cast, self.kernel = plan.spec, plan.casts[0], kernel
        self.applied = Applied(plan.op if plan.spec.dtype.as_is else op.form_for(plan.spec.dtype), params, plan.specs)
        self.recorded = op.differentiable and plan.spec.dtype.continuous

    def of_one(self, operand: Tensor) -> Tensor:
        """The result."""
        array = operand.a if self.cast is None else operand.a.astype(self.cast)
        made = self.kernel(array)
        result = adopt(made.copy() if made is array else made, self.target)
        if self.recorded:
            node = operand.node
            if node is not None and is_grad_enabled():
                attach(self.applied, (node,), (operand,), result)
        return result


def _after(kernel: Callable[..., Any], xp: Any, rest: Sequence[Any], named: dict[str, Any]) -> Callable[[Any], Any]:
    """A kernel that waits for its array alone."""
    return lambda array: kernel(xp, array, *rest, **named)


def _plain(operands: Sequence[Any]) -> list[Any]:
    """numpy scalars as Python numbers."""
    return [o.item() if isinstance(o, backend.np.generic) else o for o in operands]


def fit(value: Any, d: dtype) -> Any:
    """A Python number as an operand beside arrays of dtype `d`; ints wrap as torch's do.

    Raises OverflowError for an int beyond 64 bits.
    """
    if isinstance(value, complex):
        return fitting(value, d)
    if d.category == INT and type(value) is int:
        info = dtypes.iinfo(d)
        if not info.min <= value <= info.max:
            check_long(value)
            span = 1 << info.bits
            value = (value - info.min) % span + info.min
        return value
    if d.category >= FLOAT:
        return float(value) if d.category == FLOAT else complex(value)
    return bool(value) if d.category == BOOL else value


def elementwise(**options: Any) -> Callable[[Callable[..., Any]], Elementwise]:
    """Declare an elementwise op. Keywords that name a parameter of the function are its derivative formulas."""
    return lambda kernel: Elementwise(kernel, **sorted_out(kernel, options))
