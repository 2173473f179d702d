"""Hints, and how one is verified: it runs in a throw-away environment, on mirrors that share nothing with the user's values."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from .tensors import is_tensor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from _typeshed import TraceFunction

    from ..engine.spec import Spec
    from ..engine.tensor import Tensor
    from .trail import Past

MAX_HINTS = 3
MAX_DEPTH = 5
MAX_SECONDS = 0.5
MAX_COPIED = 100_000  # elements of a tensor that is copied with its values
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hint:
    """What to write instead.

    `text` is shown, `remark` says what comes of it. `source` is the whole command `where` as it would read then, empty
    for a hint that is no code; `line` is the line of the input that changes. `earlier` says that `where` is not the
    command that failed.
    """

    text: str
    remark: str = ""
    source: str = ""
    where: Past | None = None
    line: int = 0
    earlier: bool = False


def verified(source: str, variables: Mapping[str, object], *, on_host: bool = False) -> str | None:
    """What `source` (one expression or statement) gives on mirrors of `variables`, None when it fails.

    The mirrors have the shapes, strides, dtypes and requires_grad of the user's tensors and no memory; with `on_host`
    one element of memory each, for what needs a numpy array. A tensor is described by its shape, anything else by its
    type, a statement by "".
    """
    def attempt() -> str:
        shown = _shown([source], variables, Mirrors("cpu" if on_host else "meta"))
        return described(shown[-1]) if shown else ""

    return apart(attempt, "cpu" if on_host else "meta")


def on_mirrors(sources: Sequence[str], variables: Mapping[str, object]) -> list[object] | None:
    """What expressions give on meta mirrors of `variables`, one tensor for what is one tensor; None when one of them fails."""
    return apart(lambda: _shown(sources, variables, Mirrors("meta")), "meta")


def _shown(sources: Sequence[str], variables: Mapping[str, object], mirrors: Mirrors) -> list[object]:
    """The values that statements show, run one after the other on the mirrors."""
    from ..lang.compile import compile_statement
    from ..lang.parse import parse
    from ..lang.run import Environment
    from .reading import words_of

    environment = Environment()
    words = words_of("\n".join(sources))
    for name, value in variables.items():
        if name in words:
            mirrors.put(environment.variables, name, value)
    shown: list[object] = []
    for source in sources:
        for statement in parse(source):
            environment.run(compile_statement(statement), shown.append, lambda text: None)
    return shown


def described(value: object) -> str:
    """A tensor by its shape, anything else by its type."""
    return str(tuple(value.shape)) if is_tensor(value) else type(value).__name__


def apart(action: Callable[[], T], device: str | None) -> T | None:
    """What `action` returns, run so that modes, default dtype, default device and random stream are as before; None when it raises.

    New tensors are made on `device`. Ctrl-C ends the attempt, not the session, and so do MAX_SECONDS: a changed program
    may not end by itself.
    """
    try:
        with _guarded(device), _deadline(perf_counter() + MAX_SECONDS):
            return copy_context().run(action)
    except (Exception, KeyboardInterrupt):  # any failure says the same: this is no hint
        return None


@contextmanager
def _deadline(stop: float) -> Iterator[None]:
    """Raise what no program can catch at the first line of a program that begins after `stop`."""
    from ..lang.errors import LangError
    from ..lang.tokens import USER_CODE

    def look(frame: FrameType, event: str, argument: object) -> TraceFunction | None:
        if not frame.f_code.co_filename.startswith(USER_CODE):
            return None
        if perf_counter() > stop:
            raise LangError("it takes too long", None, "limit")
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)


@contextmanager
def _guarded(device: str | None) -> Iterator[None]:
    """Put back the process-wide state of the engine that a program can change, and keep to itself what it remarks."""
    from ..engine.backend import resolve
    from ..engine.families.creation import default_devices
    from ..engine.generator import default_generator, kept_gpus, put_back_gpus
    from ..engine.notices import unheard

    random = default_generator.own
    devices, state, gpus = default_devices.get(), dict(vars(random)), kept_gpus()
    drawn = random.state() if "_twister" in state else None
    if device is not None:
        default_devices.set((*devices, resolve(device)))
    try:
        with unheard():
            yield
    finally:
        default_devices.set(devices)
        if drawn is not None:
            random.restore(drawn)
        for name in vars(random).keys() - state.keys():
            del vars(random)[name]
        random._seed, random.cached = state["_seed"], state["cached"]
        put_back_gpus(gpus)


class Mirrors:
    """Stand-ins for values: a tensor once, so that what was one tensor or one memory stays one.

    On "meta" they have no memory, on "cpu" one element each; with device None they are copies with the values.
    """

    def __init__(self, device: str | None) -> None:
        self.device = device
        self._made: dict[int, Tensor] = {}

    def put(self, variables: dict[str, Any], name: str, value: object) -> None:
        """Define `name` as the mirror of `value`; a value that cannot be mirrored (a function, a module) stays undefined."""
        try:
            variables[name] = self._mirror(value, 0)
        except TypeError:
            variables.pop(name, None)

    def _mirror(self, value: object, depth: int) -> object:
        if is_tensor(value):
            return self._tensor(value)
        if value is None or isinstance(value, (bool, int, float, complex, str, slice, range)):
            return value
        if depth < MAX_DEPTH:
            if type(value) is dict:
                return {key: self._mirror(each, depth + 1) for key, each in value.items()}
            if type(value) is list or type(value) is tuple:
                return type(value)([self._mirror(each, depth + 1) for each in value])
        if type(value).__name__ in ("Size", "dtype", "device"):
            return value
        raise TypeError(f"{type(value).__name__} has no mirror")

    def _tensor(self, tensor: Tensor) -> Tensor:
        made = self._made.get(id(tensor))
        if made is None:
            made = self._made[id(tensor)] = self._new(tensor)
            grad = tensor._grad
            if grad is not None:
                made._grad = self._tensor(grad)
        return made

    def _new(self, tensor: Tensor) -> Tensor:
        from ..engine import backend
        from ..engine.graph import AccumulateGrad
        from ..engine.modes import no_grad

        base, spec = tensor.base, tensor.spec
        if base is not None:
            of_base = self._tensor(base)
            view: Tensor = of_base.as_strided(tuple(spec.shape), spec.strides, tensor.offset)
            return view
        leaf = isinstance(tensor.node, AccumulateGrad)
        if self.device is None:
            if spec.numel > MAX_COPIED or spec.device is not backend.CPU:
                raise TypeError("too large to copy")
            with no_grad():
                copy: Tensor = tensor.detach().clone()
        else:
            copy = _empty(spec, self.device)
        if tensor.node is not None:
            copy.requires_grad_()
        return copy if leaf or tensor.node is None else copy.clone()


def _empty(spec: Spec, device: str) -> Tensor:
    """A tensor as `spec` says; on the host all of its elements are one."""
    from ..engine import backend
    from ..engine.spec import spec_of
    from ..engine.tensor import allocate

    where = backend.resolve(device)
    if device == "meta":
        return allocate(spec_of(spec.dtype, where, tuple(spec.shape), spec.strides))
    one = allocate(spec_of(spec.dtype, where, ()))
    one.a[...] = 0
    expanded: Tensor = one.expand(tuple(spec.shape))
    return expanded.detach()
