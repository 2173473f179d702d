"""The Op record and the table of all ops: what one declaration becomes, looked up by calls, help and completion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import cached_property, partial
from typing import Any

from .dtypes import dtype
from .errors import EngineError
from .modes import is_grad_enabled
from .record import Formula, names_of
from .signature import Mismatch, Param, Signature, refusal
from .tensor import Tensor

OPS: dict[str, Op] = {}  # by declaration name: sum, sum_dim, ...
PUBLIC: dict[str, Public] = {}  # by public name: sum


class Op:
    """One declaration: kernel, plan, formulas and the names it goes by.

    `inputs` are the tensor parameters, in order; a formula's parameter names say what is saved for it: an input or
    `result` (values), `NAME_spec` (dtype, shape, strides only), a plain parameter, `needs` (which inputs want a
    gradient) and `F` (the ops at the level the formula runs on). Formulas of `holomorphic` ops say nothing of conjugation: see
    `conjugating`. Others give torch's gradient of complex numbers themselves. `real_only` ops refuse complex numbers with the error it makes. `node` is torch's name of the graph node without its
    number when it does not follow from the public name, `overload` that number (None for a name without one),
    `scalar_overload` the number when an operand is a Python number, or a pair for a number on either side.
    """

    family = "op"
    constant: Sequence[int] = ()  # results without a gradient, by number
    memoised = False  # the plan follows from the first input's spec and plain arguments, so it is kept for the next call
    finish_grads: Callable[[Sequence[Any], Sequence[Any], Any], Sequence[Any]] | None = (
        None  # (grads, specs, F): to the inputs' shapes, dtypes
    )
    cast_saved = False  # elementwise formulas see saved values in the result's dtype
    conjugates = False  # this is the form that nodes of complex results keep

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        public: str | None = None,
        node: str | None = None,
        overload: int | None = 0,
        scalar_overload: int | tuple[int, int] | None = None,
        grads: Formula | None = None,
        function: bool = True,
        method: bool = True,
        inplace: bool = False,
        aliases: Sequence[str] = (),
        domain: Any = None,
        formulas: dict[str, Formula] | None = None,
        namespace: str = "torch",
        skip: int = 1,
        lead: Sequence[Param] = (),
        holomorphic: bool = True,
        real_only: Callable[[dtype], EngineError] | None = None,
    ):
        self.kernel, self.holomorphic, self.real_only = kernel, holomorphic, real_only
        self.name: str = kernel.__name__.strip("_")
        self.public = public or self.name
        self.doc = kernel.__doc__ or ""
        self.signature = Signature(kernel, skip, lead)
        self.inputs = [p.name for p in self.signature.params if p.kind.name in ("Tensor", "Operand", "tuple of Tensors")]
        self.pool = [*self.inputs, "result"]  # what formulas may save, by name
        stem = node or "".join(part[:1].upper() + part[1:] for part in self.public.split("_")) + "Backward"
        self.node_name = stem if overload is None else f"{stem}{overload}"
        sides = scalar_overload if isinstance(scalar_overload, tuple) else (scalar_overload, scalar_overload)
        self.scalar_nodes = None if scalar_overload is None else tuple([f"{stem}{number}" for number in sides])
        self.formulas, self.grads, self.domain = formulas or {}, grads, domain
        self.function, self.method, self.inplace, self.aliases, self.namespace = function, method, inplace, tuple(aliases), namespace
        self.keeps_indices = any(param.name == "indices" for param in self.signature.params)  # torch saves these too: once freed, there is no second backward
        self.arguments, self.positional = len(self.signature.params), self.signature.positional
        self.named = [param.name for param in self.signature.params[self.positional :]]
        self.input_places = [i for i, param in enumerate(self.signature.params) if param.name in self.inputs]
        self.signature.extend(self.extra_params())
        self.vjps: dict[int, Callable[..., Any]] = {}
        self.masks: dict[int, tuple[int, ...]] = {}
        self.call = self.build()
        if self.name in OPS:
            raise ValueError(f"two ops are declared as {self.name}")
        OPS[self.name] = self
        public_record = PUBLIC.get(self.public)
        if public_record is None:
            public_record = PUBLIC[self.public] = Public(self.public)
        public_record.ops.append(self)
        for alias in self.aliases:
            PUBLIC[alias] = public_record

    @property
    def differentiable(self) -> bool:
        """Whether any input has a formula."""
        return bool(self.formulas or self.grads)

    @property
    def short(self) -> str:
        """The name in its own namespace: linalg_det is det in torch.linalg, as torch's sentences and nodes have it, too."""
        return self.public.removeprefix(f"{self.namespace.rpartition('.')[2]}_")

    @property
    def example(self) -> str:
        """The runnable example of the docstring (`>>>` lines and their output), empty when there is none."""
        lines = [line.strip() for line in self.doc.splitlines()]
        start = next((i for i, line in enumerate(lines) if line.startswith(">>> ")), None)
        return "" if start is None else "\n".join(lines[start:]).rstrip()

    def extra_params(self) -> Sequence[Param]:
        """Parameters that the family adds to those of the kernel."""
        return ()

    def build(self, method: bool = False) -> Callable[..., Any]:
        """The plain function that users call (or the method: errors count its arguments without self); families with a short path
        build their own around it."""
        return calling(self.public, [self], method)

    def explained(self, error: EngineError, args: Sequence[Any], kwargs: dict[str, Any]) -> EngineError:
        """The error with this op's name and operands attached, unless it carries its own; first of all comes what is wrong with an
        operand's history, which torch asks for before shapes."""
        if error.op is None:
            if is_grad_enabled():
                for t in args:
                    if isinstance(t, Tensor):
                        t.refuse_stale()
            names = [p.name for p in self.signature.params]
            error.op, error.operands = self.public, dict(zip(names, args, strict=False)) | kwargs
        return error

    def run(self, values: list[Any]) -> Any:
        """The op on bound values, in the order of the signature."""
        return self.prepare(values)(values[0])

    def prepare(self, values: list[Any]) -> Callable[[Tensor], Any]:
        """A plan that only waits for its tensor: all that the first input's spec and the other arguments decide (`memoised` families)."""
        raise TypeError(f"{self.name} cannot run")

    def kept(self, values: Sequence[Any]) -> list[Any]:
        """The bound values a node keeps: all but the inputs, which live on only where a formula saved them."""
        params = list(values)
        for place in self.input_places:
            params[place] = None
        return params

    def invoke(self, lead: Sequence[Any], values: Sequence[Any]) -> Any:
        """The kernel on its leading arguments and on values in the order of the signature."""
        count = self.positional
        if not self.named:
            return self.kernel(*lead, *values)
        return self.kernel(*lead, *values[:count], **dict(zip(self.named, values[count:], strict=True)))

    def raw(self, xp: Any, *args: Any, **kwargs: Any) -> Any:
        """The op on raw arrays, for formulas in plain backward."""
        return self.kernel(xp, *args, **kwargs)

    # --- formulas -------------------------------------------------------------------------------------------------

    def saves(self, mask: int) -> tuple[int, ...]:
        """Places in (*inputs, result) whose values the formulas need when the inputs in bit mask `mask` want gradients."""
        found = self.masks.get(mask)
        if found is None:
            wanted: set[str] = set(names_of(self.grads)) if self.grads else set()
            for i, name in enumerate(self.inputs):
                if mask >> i & 1 and name in self.formulas:
                    wanted |= set(names_of(self.formulas[name]))
            found = self.masks[mask] = tuple(i for i, name in enumerate(self.pool) if name in wanted)
        return found

    def compile(self, mask: int) -> Callable[..., Any]:
        """The formulas that `mask` needs as one function of (grad, saved values, params, specs, needs, F) that lists the gradients.

        Their parameter names are resolved to places once, so that backward makes plain calls.
        """
        places = {place: i for i, place in enumerate(self.saves(mask))}
        if self.grads:
            formulas, body = [self.grads], self._call("f0", self.grads, places)
        else:
            formulas, calls = [], []
            for i, name in enumerate(self.inputs):
                if name in self.formulas and mask >> i & 1:
                    calls.append(self._call(f"f{len(formulas)}", self.formulas[name], places))
                    formulas.append(self.formulas[name])
                else:
                    calls.append("None")
            body = f"[{', '.join(calls)}]"
        names = ", ".join(f"f{i}" for i in range(len(formulas)))
        # the text holds nothing but our own parameter names
        found = eval(f"lambda {names}: lambda grad, saved, params, specs, needs, F: {body}")(*formulas)
        if self.conjugates and any(map(self._uses_values, formulas)):
            found = conjugated(found)
        self.vjps[mask] = found
        return found  # type: ignore[no-any-return]  # eval does not say

    @cached_property
    def conjugating(self) -> Op:
        """This op as nodes of complex results keep it.

        torch's gradient of a complex number is the conjugate of the derivative: grad * conj(f'(z)) for a holomorphic f. A formula
        is linear in grad, so that its conjugate, taken of the conjugate of grad, is just that, whatever it makes of its values.
        """
        if not self.holomorphic or not self.differentiable:
            return self
        twin = self.twin()
        twin.conjugates, twin.vjps = True, {}
        return twin

    @cached_property
    def rounding(self) -> Op:
        """This op as nodes of 16-bit results keep it: kernels compute these in float32, and so may a formula on raw arrays."""
        if not self.differentiable:
            return self
        twin = self.twin()
        twin.finish_grads = rounded(self.finish_grads)
        return twin

    def form_for(self, d: dtype) -> Op:
        """This op as nodes of results of a dtype keep it that is not `as_is`."""
        return self.conjugating if d.is_complex else self.rounding

    def twin(self) -> Op:
        """A copy that shares none of the forms above."""
        twin = copy(self)
        for form in ("conjugating", "rounding"):
            vars(twin).pop(form, None)
        return twin

    def _uses_values(self, formula: Formula) -> bool:
        """Whether a formula has anything in it that may be complex, apart from grad."""
        kinds = {param.name: param.kind.name for param in self.signature.params}
        return any(name in self.pool or kinds.get(name) in ("Number", "object") for name in names_of(formula))

    def _call(self, function: str, formula: Formula, places: dict[int, int]) -> str:
        """The text of one formula's call, its names resolved."""
        pool = self.pool
        words = []
        for name in names_of(formula):
            stem = name.removesuffix("_spec")
            if name in ("grad", "needs", "F", "specs"):
                words.append(name)
            elif name in pool:
                words.append(f"saved[{places[pool.index(name)]}]")
            elif stem != name:
                words.append(f"specs[{-1 if stem == 'result' else pool.index(stem)}]")
            elif name == "indices" and name not in self.signature.positions:
                words.append("params[-1]")  # where the values of sort, max, ... came from
            else:
                words.append(f"params[{self.signature.positions[name]}]")
        return f"{function}({', '.join(words)})"


def conjugated(vjps: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled formulas between two conjugations."""

    def run(grad: Any, saved: Any, params: Any, specs: Any, needs: Any, F: Any) -> list[Any]:
        conj = F.conj_physical
        turned = [conj(g) for g in grad] if isinstance(grad, list) else conj(grad)
        return [None if g is None else conj(g) for g in vjps(turned, saved, params, specs, needs, F)]

    return run


def rounded(finish: Callable[..., Sequence[Any]] | None) -> Callable[..., Sequence[Any]]:
    """`finish_grads` that also brings each gradient to the dtype of its input."""

    def run(grads: Sequence[Any], specs: Sequence[Any], F: Any) -> list[Any]:
        if finish is not None:
            grads = finish(grads, specs, F)
        given = specs[0] if len(specs) == 2 and isinstance(specs[0], list) else specs
        return [
            g if g is None or s is None or g.dtype is s.numpy or g.dtype is s.dtype else F.cast(g, s.dtype)
            for g, s in zip(grads, given, strict=False)
        ]

    return run


class Public:
    """A public name and its overloads, tried in the order of their declaration."""

    def __init__(self, name: str):
        self.name = name
        self.ops: list[Op] = []
        self._call: Callable[..., Any] | None = None

    @property
    def call(self) -> Callable[..., Any]:
        """The function behind the name."""
        if self._call is None:
            own = [op for op in self.ops if op.function] or self.ops
            self._call = own[0].call if len(own) == 1 else calling(self.name, own)
        return self._call

    def method(self) -> Callable[..., Any]:
        """The method of that name on Tensor."""
        own = [op for op in self.ops if op.method]
        return own[0].build(method=True) if len(own) == 1 else calling(self.name, own, method=True)

    @property
    def doc(self) -> str:
        """The docstring of the first overload."""
        return self.ops[0].doc

    @property
    def signature(self) -> str:
        """The first overload's signature as Python users write it."""
        return self.ops[0].signature.plain()


MEMO_LIMIT = 4096
PLAIN_ARGUMENTS = frozenset((int, bool, tuple, type(None)))


def calling(name: str, ops: Sequence[Op], method: bool = False) -> Callable[..., Any]:
    """The function behind a name: the first overload whose signature takes the arguments runs.

    Plans of memoised ops are kept: a second call with an equal spec and equal arguments parses nothing.
    """
    memo: dict[Any, tuple[Callable[[Tensor], Any], Any]] = {}

    def parse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for op in ops:
            try:
                values = op.signature.bind(args, kwargs)
            except Mismatch as error:
                mismatch = error.with_traceback(None)  # which would keep this frame alive, in a cycle
                continue
            try:
                if not op.memoised or (values[-1] is not None and op.signature.params[-1].name == "out"):
                    return op.run(values)
                plan = op.prepare(values)
                if not kwargs and all([type(a) in PLAIN_ARGUMENTS for a in args[1:]]):
                    if len(memo) >= MEMO_LIMIT:
                        memo.clear()
                    memo[values[0].spec, args[1:]] = plan, [*map(type, args[1:])] or None
                return plan(values[0])
            except EngineError as error:
                raise op.explained(error, args, kwargs) from None
        raise refusal(name, [op.signature for op in ops], args, kwargs, mismatch, method)

    def call(*args: Any, **kwargs: Any) -> Any:
        return parse(args, kwargs)

    def recall(self: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            try:
                plan, kinds = memo[self.spec, args]
            except (AttributeError, KeyError, TypeError):  # no Tensor, not met before, an argument that cannot be a key
                kinds = plan = None
            if plan is not None and (kinds is None or [*map(type, args)] == kinds):  # 1, 1.0 and True are equal keys
                return plan(self)
        return parse((self, *args) if self is not None or args else (), kwargs)

    chosen = recall if any(op.memoised for op in ops) else call
    chosen.__name__ = name
    return chosen


class TensorOps:
    """`F` for formulas that run on Tensors, so that their own history is recorded."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = OPS[name].call
        setattr(self, name, function)
        return function


class RawOps:
    """`F` for formulas that run on the raw arrays of one array module."""

    def __init__(self, xp: Any):
        self.xp = xp

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = partial(OPS[name].raw, self.xp)
        setattr(self, name, call)
        return call


TENSOR_OPS = TensorOps()
_raw_ops: dict[Any, RawOps] = {}


def raw_ops(xp: Any) -> RawOps:
    """`F` for the raw arrays of an array module."""
    found = _raw_ops.get(xp)
    if found is None:
        found = _raw_ops[xp] = RawOps(xp)
    return found
