"""The Op record and the table of all ops: what one declaration becomes, looked up by calls, help and completion."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from functools import cached_property, partial
from importlib import import_module
from threading import RLock
from typing import Any, TypeVar

from . import backend, blocks, waiting
from .calling import calling
from .dtypes import dtype
from .errors import EngineError
from .modes import is_grad_enabled
from .notices import notice_once
from .record import Formula, names_of
from .signature import KINDS, Param, Signature
from .spec import Spec
from .tensor import Tensor

Entry = TypeVar("Entry")


class Names(dict[str, Entry]):
    """A table of ops by name. Files of ops that few programs use are read when one of their names is asked for (waiting.py says
    which names those are); whoever goes through the whole table has all of them read."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind

    def __missing__(self, name: str) -> Entry:
        file = waiting.FILE_OF[self.kind].get(name)
        if file is None:
            raise KeyError(name)
        read_file(file)
        return dict.__getitem__(self, name)

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return dict.__contains__(self, name) or name in waiting.FILE_OF[self.kind]

    def declared(self, name: str) -> Entry | None:
        """The entry, if its file was read."""
        return dict.get(self, name)

    def whole(self) -> dict[str, Entry]:
        """All entries, file by file, in whichever order they were read."""
        read_all()
        return dict(sorted(dict.items(self), key=lambda entry: entry[1].file))  # type: ignore[attr-defined]  # ops and their names have one

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole())

    def __len__(self) -> int:
        read_all()
        return dict.__len__(self)

    def keys(self) -> Any:
        return self.whole().keys()

    def values(self) -> Any:
        return self.whole().values()

    def items(self) -> Any:
        return self.whole().items()

    def so_far(self) -> Iterable[tuple[str, Entry]]:
        """The entries of the files that were read."""
        return [*dict.items(self)]


OPS: Names[Op] = Names("ops")  # by declaration name: sum, sum_dim, ...
PUBLIC: Names[Public] = Names("names")  # by public name: sum
read: set[str] = set()  # the files of waiting.py that are not waiting any more
_reading = RLock()  # a file is in sys.modules before its ops are declared, so that another thread has to wait
on_reading: list[Callable[[list[str]], None]] = []  # called with the public names of a file that was read


def read_file(file: str) -> None:
    """Read a file of ops, and those that it needs itself, and make its names known everywhere."""
    with _reading:
        import_module(f"tcalc.engine.ops.{file}")
        for each in waiting.FILES:
            if each not in read and f"tcalc.engine.ops.{each}" in sys.modules:
                read.add(each)
                for tell in on_reading:
                    tell(waiting.FILES[each].names.split())


def read_all() -> None:
    """Read every file of ops."""
    for file in waiting.FILES:
        if file not in read:
            read_file(file)


class Op:
    """One declaration: kernel, plan, formulas and the names it goes by.

    `inputs` are the tensor parameters, in order; a formula's parameter names say what is saved for it: an input or
    `result` (values), `NAME_spec` (dtype, shape, strides only), a plain parameter, `needs` (which inputs want a
    gradient) and `F` (the ops at the level the formula runs on). Formulas of `holomorphic` ops say nothing of conjugation: see
    `conjugating`. Others give torch's gradient of complex numbers themselves. `real_only` ops refuse complex numbers with the error it makes. `node` is torch's name of the graph node without its
    number when it does not follow from the public name, `overload` that number (None for a name without one),
    `scalar_overload` the number when an operand is a Python number, or a pair for a number on either side. `host` says why the op, on a
    GPU, computes on the CPU all the same: always, or when `host_when` holds of the kernel's arguments; with `never` the kernel itself
    calls `on_host`.
    """

    family = "op"
    constant: Sequence[int] = ()  # results without a gradient, by number
    memoised = False  # the plan follows from the specs of the tensors and plain arguments, so it is kept for the next call
    finish: Callable[[Any, Spec, Spec, Any], Any] | None = None  # (grad, spec, result's, F): to an input's shape, dtype and device
    rounds = False  # this is the form that nodes of 16-bit results keep
    cast_saved = False  # elementwise formulas see saved values in the result's dtype
    conjugates = False  # this is the form that nodes of complex results keep
    blocked = False  # this is the form that nodes of large results keep
    moves = False  # this is the form that nodes keep where a 0-dim CPU tensor met others on cuda

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
        host: str = "",
        host_when: Callable[..., bool] | None = None,
    ):
        self.file: str = kernel.__module__.rpartition(".")[2]  # where it is declared
        self.kernel, self.holomorphic, self.real_only, self.host = kernel, holomorphic, real_only, host
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
        self.differentiable = bool(formulas or grads)  # whether any input has a formula
        self.function, self.method, self.inplace, self.aliases, self.namespace = function, method, inplace, tuple(aliases), namespace
        self.keeps_indices = any(param.name == "indices" for param in self.signature.params)  # torch saves these too: once freed, there is no second backward
        self.arguments, self.positional = len(self.signature.params), self.signature.positional
        self.named = [param.name for param in self.signature.params[self.positional :]]
        self.input_places = [i for i, param in enumerate(self.signature.params) if param.name in self.inputs]
        self.signature.extend(self.extra_params())
        if host and host_when is not never:
            self.kernel = through_host(self.name, kernel, host_when)
        self.vjps: dict[int, Callable[..., Any]] = {}
        self.masks: dict[int, tuple[int, ...]] = {}
        self.call = self.build()
        if OPS.declared(self.name) is not None:
            raise ValueError(f"two ops are declared as {self.name}")
        OPS[self.name] = self
        public_record = PUBLIC.declared(self.public)
        if public_record is None:
            public_record = PUBLIC[self.public] = Public(self.public)
        public_record.ops.append(self)
        for alias in self.aliases:
            PUBLIC[alias] = public_record

    @property
    def short(self) -> str:
        """The name in its own namespace: linalg_det is det in torch.linalg, as torch's sentences and nodes have it, too."""
        return self.public.removeprefix(f"{self.namespace.rpartition('.')[2]}_")

    @property
    def one_by_one(self) -> bool:
        """Whether each tensor has a parameter of its own."""
        return all([self.signature.params[place].kind is KINDS["Tensor"] for place in self.input_places])

    @property
    def single(self) -> bool:
        """Whether there is one tensor."""
        return len(self.inputs) == 1 and self.one_by_one

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
            if self.differentiable and is_grad_enabled():
                for value in args:
                    for t in value if isinstance(value, (list, tuple)) else (value,):
                        if isinstance(t, Tensor):
                            t.refuse_stale()
            names = [p.name for p in self.signature.params]
            error.op, error.operands = self.public, dict(zip(names, args, strict=False)) | kwargs
        return error

    def run(self, values: list[Any]) -> Any:
        """The op on bound values, in the order of the signature: what makes a family."""
        raise TypeError(f"{self.name} is of no family")

    def prepare(self, values: list[Any]) -> Any:
        """A plan, called with the tensors: all that their specs and the other arguments decide (`memoised` families). None where
        that is not all that decides."""
        raise TypeError(f"{self.name} makes no plans")

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

    def taking(self, places: Sequence[int], lead: Any, values: Sequence[Any]) -> Callable[..., Any]:
        """The kernel as a function of what comes to some places, its leading argument and the other values given."""
        params = self.signature.params
        if [*places] == [*range(len(places))] and len(places) <= self.positional:
            return partial(self.kernel, lead, **{params[i].name: values[i] for i in range(len(places), self.arguments)})

        def run(*given: Any) -> Any:
            filled = [*values[: self.arguments]]
            for place, value in zip(places, given, strict=True):
                filled[place] = value
            return self.invoke((lead,), filled)

        return run

    def raw(self, xp: Any, *args: Any, **kwargs: Any) -> Any:
        """The op on raw arrays, for formulas in plain backward."""
        return self.kernel(xp, *args, **kwargs)

    def on(self, xp: Any) -> Callable[..., Any]:
        """`raw` for one array module."""
        return partial(self.kernel if type(self).raw is Op.raw else self.raw, xp)

    def direct(self, xp: Any) -> Callable[..., Any]:
        """`on` for arrays whose dtypes kernels compute in as they are: where it can, a function of the library's own."""
        return self.on(xp)

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

    def always_saves(self) -> frozenset[int]:
        """Places whose values torch keeps whoever wants a gradient: results, and inputs that several formulas need, or the only one."""
        needs = [names_of(formula) for formula in ([self.grads] if self.grads else self.formulas.values())]
        alone = 1 if len(needs) > 1 else 0
        return frozenset([i for i, name in enumerate(self.pool) if sum(name in names for names in needs) > alone * (i < len(self.inputs))])

    @staticmethod
    def finishes(spec: Spec | None, result: Spec) -> bool:
        """Whether a gradient that formulas made for an input, where the result is so, is for `finish` to look at."""
        return spec is not None and spec.dtype is not result.dtype

    def calls(self, mask: int, values: Sequence[str], needs: str) -> tuple[dict[str, Any], list[str] | str]:
        """(functions by name, the text that calls them): for each input the call of the formula that `mask` needs, or one call that lists
        all gradients. `values` are texts of the saved values, in the order of `saves`; `needs` is that of which inputs want a gradient."""
        if self.more_than_formulas:
            vjps = self.vjps.get(mask) or self.compile(mask)
            return {"vjps": vjps}, f"vjps(grad, [{', '.join(values)}], params, specs, {needs}, F)"
        return self._calls(mask, values, needs)

    @property
    def more_than_formulas(self) -> bool:
        """Whether backward on raw arrays does more than to call the formulas."""
        return self.blocked

    def _calls(self, mask: int, values: Sequence[str], needs: str) -> tuple[dict[str, Any], list[str] | str]:
        """`calls` of the formulas, whose parameter names are resolved to places here, so that backward makes plain calls."""
        saved = dict(zip(self.saves(mask), values, strict=True))
        if self.grads:
            return {"f": self.grads}, self._call("f", self.grads, saved, needs)
        wanted = {f"f{i}": self.formulas[name] for i, name in enumerate(self.inputs) if name in self.formulas and mask >> i & 1}
        texts = [f"f{i}" for i in range(len(self.inputs))]
        return wanted, [self._call(text, wanted[text], saved, needs) if text in wanted else "None" for text in texts]

    def compile(self, mask: int) -> Callable[..., Any]:
        """The formulas that `mask` needs as one function of (grad, saved values, params, specs, needs, F) that lists the gradients."""
        formulas, calls = self._calls(mask, [f"saved[{i}]" for i in range(len(self.saves(mask)))], "needs")
        body = calls if isinstance(calls, str) else f"[{', '.join(calls)}]"
        # the text holds nothing but our own parameter names
        found = eval(f"lambda {', '.join(formulas)}: lambda grad, saved, params, specs, needs, F: {body}")(**formulas)
        if self.conjugates and any(map(self._uses_values, formulas.values())):
            found = conjugated(found)
        if self.moves:
            found = moved(found)
        if self.blocked:
            found = blocks.blockwise(found, any(map(blocks.worth_blocks, formulas.values())))
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
        twin.rounds = True
        return twin

    @cached_property
    def beside_cpu(self) -> Op:
        """This op as nodes keep it where a 0-dim CPU tensor met others on cuda: its saved value goes to the gradient's device."""
        twin = self.twin()
        twin.moves, twin.vjps = True, {}
        return twin

    def form_for(self, d: dtype) -> Op:
        """This op as nodes of results of a dtype keep it that is not `as_is`."""
        return self.conjugating if d.is_complex else self.rounding

    def twin(self) -> Op:
        """A copy that shares none of the forms above."""
        twin = copy(self)
        for form in ("blockwise", "conjugating", "rounding", "beside_cpu"):
            vars(twin).pop(form, None)
        return twin

    def _uses_values(self, formula: Formula) -> bool:
        """Whether a formula has anything in it that may be complex, apart from grad."""
        kinds = {param.name: param.kind.name for param in self.signature.params}
        return any(name in self.pool or kinds.get(name) in ("Number", "object") for name in names_of(formula))

    def _call(self, function: str, formula: Formula, saved: dict[int, str], needs: str) -> str:
        """The text of one formula's call, its names resolved; `saved` are the texts of saved values, by place."""
        pool = self.pool
        words = []
        for name in names_of(formula):
            stem = name.removesuffix("_spec")
            if name in ("grad", "F", "specs"):
                words.append(name)
            elif name == "needs":
                words.append(needs)
            elif name in pool:
                words.append(saved[pool.index(name)])
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


def moved(vjps: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled formulas that get saved values on the device of the gradient."""

    def run(grad: Any, saved: Any, params: Any, specs: Any, needs: Any, F: Any) -> Any:
        return vjps(grad, [F.move(value, specs[-1].device) for value in saved], params, specs, needs, F)

    return run


def never() -> bool:
    """For `host_when`: the kernel itself says when."""
    return False


def on_host(name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function makes of arrays (in lists and tuples, too) on the CPU, on the device they came from; op `name` says why, once a session."""
    op = OPS[name]
    shown = f"{op.namespace}.{op.short}".removeprefix("torch.")
    notice_once(f"host {name}", "device-copy", f"{shown} ran on the CPU, and its arrays went there and back: {op.host}")
    homes = [array for value in (*args, *kwargs.values()) for array in _arrays_in(value)]
    found = function(*[_at_home(value) for value in args], **{key: _at_home(value) for key, value in kwargs.items()})
    if not homes:
        return found
    where = backend.device_of(homes[0])
    return [backend.transfer(part, where) for part in found] if isinstance(found, (tuple, list)) else backend.transfer(found, where)


def through_host(name: str, kernel: Callable[..., Any], when: Callable[..., bool] | None) -> Callable[..., Any]:
    """A kernel that computes on the CPU what is on another device."""

    def run(xp: Any, *args: Any, **kwargs: Any) -> Any:
        if xp is backend.np or (when is not None and not when(*args, **kwargs)):
            return kernel(xp, *args, **kwargs)
        return on_host(name, partial(kernel, backend.np), *args, **kwargs)

    run.__annotations__ = kernel.__annotations__  # help reads them
    return run


def _arrays_in(value: Any) -> list[Any]:
    """The arrays of a GPU in an argument."""
    if isinstance(value, (tuple, list)):
        return [array for item in value for array in _arrays_in(item)]
    return [value] if backend.is_away(value) else []


def _at_home(value: Any) -> Any:
    """An argument with its arrays on the host."""
    if isinstance(value, (tuple, list)):
        return type(value)([_at_home(item) for item in value])
    return backend.to_host(value) if backend.is_away(value) else value


class Public:
    """A public name and its overloads, tried in the order of their declaration."""

    def __init__(self, name: str):
        self.name = name
        self.ops: list[Op] = []
        self._call: Callable[..., Any] | None = None

    @property
    def file(self) -> str:
        """Where its first overload is declared."""
        return self.ops[0].file

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


class TensorOps:
    """`F` for formulas that run on Tensors, so that their own history is recorded."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = OPS[name].call
        setattr(self, name, function)
        return function


class RawOps:
    """`F` for formulas that run on the raw arrays of one array module; with `as_is`, of dtypes in which kernels compute as they are."""

    def __init__(self, xp: Any, as_is: bool = False):
        self.xp, self.as_is = xp, as_is

    def __getattr__(self, name: str) -> Callable[..., Any]:
        op = OPS[name]
        call = op.direct(self.xp) if self.as_is else op.on(self.xp)
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
