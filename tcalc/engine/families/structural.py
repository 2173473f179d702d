"""Ops with a shape rule of their own (matmul, cat, sort, index, ...): planned specs, kernel on arrays, results adopted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any

from .. import backend
from ..backend import CPU, META, xp_of
from ..calling import MEMO_LIMIT, flat
from ..graph import Output
from ..layout import has_overlap
from ..modes import is_grad_enabled
from ..record import Applied, OpNode, Vjp, attach, keep_indices, record
from ..registry import TENSOR_OPS, Op, raw_ops
from ..signature import OUT, OUTS, Param
from ..spec import Spec
from ..tensor import Tensor, alias, make
from .common import (
    adopt,
    cast_grad,
    check_no_overlap,
    check_out_dtype,
    from_default,
    refuse_grad_for_out,
    refuse_grad_of,
    resize,
    same_device,
    sorted_out,
    write_out,
    write_outs,
)

PLAN_KEYS = frozenset((Spec, int, str, type(None)))  # arguments that a plan may be kept by as they are; bools equal ints


class Structural(Op):
    """An op planned by `plan(*arguments with Specs for Tensors) -> Spec` (or several Specs, named by `fields`).

    The kernel gets arrays where the arguments are Tensors, lists of arrays for lists of Tensors. The in-place form and the tuple
    out= of an op whose inputs must lie `apart` take none that shares memory with a tensor that is written. Formulas may save any of several results by
    its field's name; those named in `constant` have no gradient. An out= of another shape gets memory laid out as the result or,
    with `out_rows`, row by row. `fixed` operands may not require grad; it names them as torch does: "function: argument".
    `in_rows` gives the gradients of large arrays in rows (rows.py) faster than the formulas; its parameters are named as theirs, and it
    answers None for other arrays. `ufunc` names the array library's function that the kernel equals where dtypes are as they are.
    `over` is the in-place form's own kernel, which writes over the first of its arrays once it has looked at all others.
    """

    family = "structural"
    several = False  # results without names

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        plan: Callable[..., Any],
        fields: Sequence[str] = (),
        out: bool = True,
        out_rule: str | Sequence[str] = "expected",
        out_rows: bool = False,
        mixed: bool = False,
        apart: bool = False,
        constant: Sequence[str] = (),
        fixed: dict[str, str] | None = None,
        in_rows: Callable[..., Sequence[Any] | None] | None = None,
        structured: bool = False,
        ufunc: str | None = None,
        over: Callable[..., None] | None = None,
        **rest: Any,
    ):
        self.ufunc, self.over = ufunc, over
        self.plan, self.fields, self.takes_out, self.mixed, self.apart = plan, tuple(fields), out, mixed, apart
        self.out_rows = out_rows
        self.out_rules = [out_rule] * max(len(fields), 1) if isinstance(out_rule, str) else list(out_rule)
        self.out_rule = self.out_rules[0]
        self.structured = structured
        self.fixed, self.in_rows = fixed or {}, in_rows
        self.constant = [self.fields.index(name) for name in constant]
        self._plans: dict[Any, Any] = {}
        super().__init__(kernel, **rest)
        self.pool += [field for field in self.fields[1:] if field != "indices"]
        self.keeps_indices = self.keeps_indices or "indices" in self.fields
        self.result_type = result_type(self.public, self.fields) if fields else None

    @property
    def memoised(self) -> bool:  # type: ignore[override]  # derived here
        """Whether there is one result, from tensors that each have a parameter of their own or from one list of them."""
        alike = self.one_by_one or len(self.inputs) == 1
        return type(self) is Structural and bool(self.inputs) and alike and not (self.fields or self.several or "indices" in self.signature.positions)

    def prepare(self, values: list[Any]) -> Any:
        specs = [_spec(values[place]) for place in self.input_places]
        if not any(specs):
            return None
        planned = self.planned(values[: len(values) - self.takes_out])
        if not isinstance(planned, Spec) or planned.device is not CPU or from_default(planned, flat(specs)):
            return None
        plan = StructuralPlan(self, values, specs, planned)
        if isinstance(specs[0], list):
            return plan.of_list
        if len(specs) > 2 or None in specs or plan.fixed:
            return plan.of_many
        return plan.of_two if len(specs) == 2 else plan.of_one

    def direct(self, xp: Any) -> Callable[..., Any]:
        return self.on(xp) if self.ufunc is None else getattr(xp, self.ufunc)

    @property
    def more_than_formulas(self) -> bool:
        return super().more_than_formulas or self.in_rows is not None

    def compile(self, mask: int) -> Callable[..., Any]:
        found = super().compile(mask)
        if self.in_rows is not None:
            call = self._call("rows", self.in_rows, {place: f"saved[{i}]" for i, place in enumerate(self.saves(mask))}, "needs")
            text = f"(grad.__class__ is ndarray and {call}) or plain(grad, saved, params, specs, needs, F)"
            # the text holds nothing but our own parameter names
            build = eval(f"lambda rows, plain: lambda grad, saved, params, specs, needs, F: {text}", {"ndarray": backend.ndarray})
            found = self.vjps[mask] = build(self.in_rows, found)
        return found

    def extra_params(self) -> Sequence[Param]:
        return [OUTS if self.fields or self.several else OUT] if self.takes_out else []

    def run(self, values: list[Any]) -> Any:
        out = values.pop() if self.takes_out else None
        if out is not None and self.out_rule == "decides":
            self._dtype_of_out(values, out)
        planned = self.planned(values)
        for name, shown in self.fixed.items():
            refuse_grad_of(shown, values[self.signature.positions[name]])
        inputs = self.inputs_of(values)
        if isinstance(planned, list):
            return self._several(values, planned, inputs, out)
        result = make(None, planned) if planned.device is META else adopt(self.compute(values, planned), planned)
        if out is not None:
            refuse_grad_for_out(self.public, [*flat(inputs), out])
            if self.apart:
                check_no_overlap(out, flat(inputs))
            check_out_dtype(result.spec.dtype, out.spec.dtype, self.public, self.out_rule)
            if not self.out_rows and out.spec.shape != result.spec.shape and out.spec.device is result.spec.device:
                resize(out, result.spec, result.spec.strides)
            return write_out(out, result, self.public, self.out_rule)
        self._record(inputs, values, result, planned)
        return result

    def _dtype_of_out(self, values: list[Any], out: Tensor) -> None:
        """Compute in the dtype of out= when no dtype= is given."""
        place = self.signature.positions["dtype"]
        if values[place] is None:
            values[place] = out.spec.dtype

    def planned(self, values: list[Any]) -> Any:
        """The result's Spec, or a list of them; refuses what torch refuses."""
        given = [_spec(v) for v in values]
        key: Any = self._key(given)
        planned = self._plans.get(key)
        if planned is None:
            if not self.mixed:
                same_device(self.public, [s for s in flat(given) if isinstance(s, Spec)])
            planned = self.plan(*given)
            if self.real_only is not None:
                for spec in flat(given):
                    if isinstance(spec, Spec) and spec.dtype.is_complex:
                        raise self.real_only(spec.dtype)
            for spec in flat(given):
                if isinstance(spec, Spec) and spec.device is not META:
                    backend.check_work(spec.numel, self.public)
            for spec in planned if isinstance(planned, list) else [planned]:
                backend.check_fits(spec.nbytes, spec.device)
            if key is not None and not from_default(planned, flat(given)):
                if len(self._plans) >= MEMO_LIMIT:
                    self._plans.clear()
                self._plans[key] = planned
        return planned

    def _key(self, given: list[Any]) -> Any:
        """What the plan is kept by; None where an argument may mean something else another time."""
        key: list[Any] = []
        for i, v in enumerate(given):
            kind = type(v)
            if kind in PLAN_KEYS:
                key.append(v)
            elif kind in (tuple, list) and v and (all([type(each) is Spec for each in v]) or all([type(each) is int for each in v])):
                key.append(tuple(v))
            elif kind is float and v == v and v != 0 and self.signature.params[i].kind.name == "float":
                key.append((float, v))
            else:
                return None
        return tuple(key)

    def inputs_of(self, values: list[Any]) -> list[Any]:
        """Those arguments that are tensors or lists of them."""
        return [values[i] for i in self.input_places]

    def compute(self, values: list[Any], planned: Spec) -> Any:
        """The kernel's result on the arrays."""
        arrays = [_array(v) for v in values]
        if planned.device.type == "cuda" and not self.mixed:
            arrays = [backend.transfer(a, planned.device) if a.__class__ is backend.ndarray else a for a in arrays]  # 0-dim CPU tensors
        return self.invoke([xp_of(planned.device)], arrays)

    def write_over(self, values: list[Any], planned: Spec) -> bool:
        """Have `over` write the first argument, if the op has it and nothing stands against that."""
        target = values[0].spec
        if self.over is None or planned.device is not CPU or has_overlap(target.shape, target.strides):
            return False
        self.over(backend.np, *[_array(v) for v in values])
        return True

    def _several(self, values: list[Any], planned: Sequence[Spec], inputs: list[Any], out: Any) -> Any:
        if not planned:
            return ()
        if planned[0].device is META:
            results = [make(None, s) for s in planned]
        else:
            results = [adopt(a, s) for a, s in zip(self.compute(values, planned[0]), planned, strict=True)]
        if out is not None:
            for each in out if self.apart else ():
                check_no_overlap(each, flat(inputs))
            rules = self.out_rules if self.fields else self.out_rules * len(results)
            write_outs(out, results, flat(inputs), self.public, rules)
            return out_type(self.public, self.fields)(*out) if self.fields else None
        floats = [r for r in results if r.spec.dtype.continuous]
        if len(floats) == 1 and floats[0] is results[0]:
            self._record(inputs, values, results[0], planned[0])
            node = results[0].node
            if isinstance(node, OpNode) and "indices" in self.fields:
                node.vjp = Vjp(node.op, node.mask, [*self.kept(values), results[1]], node.specs)
                keep_indices(node, results[1:2])
        elif floats:
            record(self, flat(inputs), values, results, [*_input_specs(inputs), list(planned)])
            for place in self.constant:
                results[place].node = None
        if len(self.pool) > len(self.inputs) + 1:
            self._keep_results(results)
        return self.result_type(*results) if self.result_type else tuple(results)

    def _keep_results(self, results: Sequence[Tensor]) -> None:
        """Save those further results that formulas ask for by name: recording knows of the first only."""
        first = len(self.inputs)
        node = next((r.node for r in results if r.node is not None), None)
        node = node.owner if isinstance(node, Output) else node
        if isinstance(node, OpNode):
            node.keep([entry if entry[0] < first else (entry[0], alias(results[entry[0] - first]), 0) for entry in node.kept()])

    def _record(self, inputs: list[Any], values: list[Any], result: Tensor, planned: Spec) -> None:
        if any(isinstance(v, (tuple, list)) for v in inputs):
            if not (self.differentiable and result.spec.dtype.continuous and is_grad_enabled()):
                return
            edges = [t.node for t in flat(inputs)]
            if any([e is not None for e in edges]):
                form = self if result.spec.dtype.as_is else self.form_for(result.spec.dtype)
                attach(Applied(form, self.kept(values), [*_input_specs(inputs), planned]), edges, (), result)
            return
        record(self, inputs, values, result, [*_input_specs(inputs), planned])
        if "indices" in self.signature.positions and result.node is not None:
            keep_indices(result.node, values[self.signature.positions["indices"]])  # type: ignore[arg-type]  # an OpNode

    finish = staticmethod(cast_grad)


class StructuralPlan:
    """How to compute one result from tensors of given specs, the other arguments being given."""

    __slots__ = ("applied", "fixed", "kernel", "missing", "recorded", "target")

    def __init__(self, op: Structural, values: Sequence[Any], specs: list[Any], planned: Spec):
        form = op if planned.dtype.as_is else op.form_for(planned.dtype)
        self.target = planned
        values = op.kept(values[: len(values) - op.takes_out])
        self.applied = Applied(form, values, (*specs, planned))
        self.recorded = op.differentiable and planned.dtype.continuous
        self.missing = [i for i, spec in enumerate(specs) if spec is None]
        self.fixed = [(op.inputs.index(name), shown) for name, shown in op.fixed.items() if name in op.inputs]
        given = [place for place, spec in zip(op.input_places, specs, strict=True) if spec is not None]
        alone = len(given) == op.arguments and planned.dtype.as_is
        self.kernel = op.direct(backend.np) if alone else op.taking(given, backend.np, values)

    def of_one(self, source: Tensor) -> Tensor:
        """The result of one tensor."""
        result = adopt(self.kernel(source.a), self.target)
        if self.recorded:
            edge = source.node
            if edge is not None and is_grad_enabled():
                attach(self.applied, (edge,), (source,), result)
        return result

    def of_two(self, left: Tensor, right: Tensor) -> Tensor:
        """The result of two tensors."""
        result = adopt(self.kernel(left.a, right.a), self.target)
        if self.recorded:
            one, other = left.node, right.node
            if (one is not None or other is not None) and is_grad_enabled():
                attach(self.applied, (one, other), (left, right), result)
        return result

    def of_list(self, *tensors: Tensor) -> Tensor:
        """The result of a list of tensors."""
        result = adopt(self.kernel([*map(_array_of, tensors)]), self.target)
        if self.recorded:
            edges = [*map(_node_of, tensors)]
            for edge in edges:
                if edge is not None:
                    if is_grad_enabled():
                        attach(self.applied, edges, (), result)
                    break
        return result

    def of_many(self, *tensors: Tensor) -> Tensor:
        """The result of any number of tensors, those that are not given left out."""
        inputs: Sequence[Any] = tensors
        if self.missing:
            inputs = [*tensors]
            for place in self.missing:
                inputs.insert(place, None)
        for place, shown in self.fixed:
            refuse_grad_of(shown, inputs[place])
        result = adopt(self.kernel(*[t.a for t in tensors]), self.target)
        if self.recorded:
            edges = [None if t is None else t.node for t in inputs]
            for edge in edges:
                if edge is not None:
                    if is_grad_enabled():
                        attach(self.applied, edges, inputs, result)
                    break
        return result


_spec_of, _array_of, _node_of = attrgetter("spec"), attrgetter("a"), attrgetter("node")


def _seen(value: Any, look: Callable[[Any], Any]) -> Any:
    """What `look` gives of a Tensor, or of each in a list of them; other values as they are."""
    if isinstance(value, Tensor):
        return look(value)
    if isinstance(value, (tuple, list)) and value and (isinstance(value[0], Tensor) or any([isinstance(v, Tensor) for v in value])):
        try:
            return [*map(look, value)]
        except AttributeError:  # not all of them are
            return [look(v) if isinstance(v, Tensor) else v for v in value]
    return value


def _spec(value: Any) -> Any:
    return _seen(value, _spec_of)


def _array(value: Any) -> Any:
    return _seen(value, _array_of)


def _input_specs(inputs: Sequence[Any]) -> list[Any]:
    return [_spec(v) for v in inputs]


@lru_cache(maxsize=256)
def result_type(name: str, fields: tuple[str, ...]) -> type:
    """A tuple type with named fields that prints as torch.return_types.NAME(...)."""

    def show(self: Any) -> str:
        parts = ",\n".join(f"{f}={v!r}" for f, v in zip(fields, self, strict=True))
        return f"torch.return_types.{name}(\n{parts})"

    def build(cls: Any, *values: Any) -> Any:
        return tuple.__new__(cls, values)

    body: dict[str, Any] = {"__slots__": (), "__repr__": show, "__new__": build, "fields": fields}
    for i, field in enumerate(fields):
        body[field] = property(itemgetter(i))
    return type(name, (tuple,), body)


def out_type(name: str, fields: tuple[str, ...]) -> type:
    """The type of several results that were written into out=."""
    return result_type(f"{name}_out", fields)


def structural(**options: Any) -> Callable[[Callable[..., Any]], Structural]:
    """Declare an op with its own plan. Keywords that name a tensor parameter of the function are its derivative formulas."""
    return lambda kernel: Structural(kernel, **sorted_out(kernel, options))


class Composite(Op):
    """An op written in other ops: the kernel gets `F` and Tensors, and runs on raw arrays as well. `fields` name several results."""

    family = "composite"

    def __init__(self, kernel: Callable[..., Any], *, out: bool = False, out_rule: str = "cast", fields: Sequence[str] = (), **rest: Any):
        self.takes_out, self.out_rule, self.fields = out, out_rule, tuple(fields)
        super().__init__(kernel, **rest)
        self.result_type = result_type(self.public, self.fields) if fields else None

    @property
    def memoised(self) -> bool:  # type: ignore[override]  # derived here
        """Whether there is one result, from tensors that each have a parameter of their own."""
        return type(self) is Composite and bool(self.inputs) and self.one_by_one and not self.fields

    def prepare(self, values: list[Any]) -> Any:
        given = [place for place in self.input_places if values[place] is not None]
        return self.taking(given, TENSOR_OPS, self.kept(values)) if given else None

    def extra_params(self) -> Sequence[Param]:
        return [OUTS if self.fields else OUT] if self.takes_out else []

    def run(self, values: list[Any]) -> Any:
        out = values.pop() if self.takes_out else None
        result = self.invoke([TENSOR_OPS], values)
        if out is None:
            return result if self.result_type is None else self.result_type(*result)
        if self.fields:
            write_outs(out, result, flat(values), self.public, ["expected"] * len(self.fields))
            return out_type(self.public, self.fields)(*out)
        refuse_grad_for_out(self.public, [*flat(values), out])
        return write_out(out, result, self.public, self.out_rule)

    def raw(self, xp: Any, *args: Any, **kwargs: Any) -> Any:
        return self.kernel(raw_ops(xp), *args, **kwargs)


def composite(**options: Any) -> Callable[[Callable[..., Any]], Composite]:
    """Declare an op made of other ops; torch records no node of its own for it."""
    return lambda kernel: Composite(kernel, **options)
