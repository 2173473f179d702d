"""One call made on the CPU and again on a cuda device, and everything that a user can see of the results compared."""

from __future__ import annotations

import doctest
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from recorded import tensors_in

from tcalc.engine import autograd, backend
from tcalc.engine.namespace import manual_seed
from tcalc.engine.registry import OPS
from tcalc.engine.spec import spec_of
from tcalc.engine.storage import Storage
from tcalc.engine.tensor import Tensor, make, on_storage
from tcalc.lang.compile import compile_statement
from tcalc.lang.parse import parse
from tcalc.lang.run import Environment
from tcalc.lang.text import echo_repr

SEED = 11
ROUNDING = {"float64": 1e-12, "complex128": 1e-12, "float32": 2e-5, "complex64": 2e-5, "float16": 4e-3, "bfloat16": 3e-2}
PLACE = re.compile(r"cuda:\d+|cpu|0x[0-9a-f]+")
LABEL = re.compile(r"(?:_cpu|_cuda|CPUTensor|CUDATensor|torch\.cuda\.|torch\.(?=\w+Tensor))")


def moved(value: Any, where: backend.device, memo: dict[int, Any]) -> Any:
    """The same value with its tensors on another device: same geometry, same sharing of memory, same leaves."""
    if isinstance(value, Tensor):
        if id(value) not in memo:
            memo[id(value)] = _moved(value, where, memo)
        return memo[id(value)]
    if type(value) in (list, tuple):
        return type(value)([moved(v, where, memo) for v in value])
    return where if value is backend.CPU or value == "cpu" else value


def _moved(t: Tensor, where: backend.device, memo: dict[int, Any]) -> Tensor:
    if t.spec.device is backend.META:
        return t
    if t.spec.lazy:
        below = _moved(OPS[f"{t.spec.lazy}_view"].call(t.detach()), where, {})
        copy = OPS[f"{t.spec.lazy}_view"].call(below).detach()
    else:
        source = t.get_storage()
        key = -1 - (id(source.raw) if source.raw is not None else 0)
        if key not in memo:
            memo[key] = Storage(backend.transfer(source.raw, where), source.nbytes, where, source.itemsize), source  # which keeps the id
        storage = memo[key][0]
        spec = spec_of(t.spec.dtype, where, tuple(t.shape), t.spec.strides)
        copy = make(on_storage(storage, spec, t.offset), spec)
        copy.storage, copy.offset = storage, t.offset
    return copy.requires_grad_() if t.requires_grad else copy


def elsewhere() -> None:
    """Leave CuPy on the first device, as another tensor's op might have."""
    if backend.simulated():
        backend.gpu().cuda.runtime.setDevice(0)


class Failed:
    """An error that a call ended in."""

    def __init__(self, error: Exception):
        self.error, self.text = error, LABEL.sub("", PLACE.sub("DEVICE", str(error).strip().split("\n")[0]))

    def __repr__(self) -> str:
        return f"{type(self.error).__name__}: {self.text}"


def attempt(call: Callable[[], Any]) -> Any:
    """The result, or Failed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call()
        except Exception as error:  # any exception is an outcome to compare
            return Failed(error)


def differences(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], where: backend.device, exact: bool = True
) -> list[str]:
    """What differs between the call on the CPU and on `where`: results, aliasing, gradients, errors."""
    memo: dict[int, Any] = {}
    there, named = moved(list(args), where, memo), {key: moved(value, where, memo) for key, value in kwargs.items()}
    outcomes = []
    for given, words, device in ((args, kwargs, backend.CPU), (there, named, where)):
        manual_seed(SEED)
        elsewhere()
        with device:  # type: ignore[attr-defined]  # a method of the namespace's
            outcomes.append(attempt(lambda given=given, words=words: function(*given, **words)))  # type: ignore[misc]  # bound in the loop
    here, gone = outcomes
    if isinstance(here, Failed) or isinstance(gone, Failed):
        if isinstance(here, Failed) and isinstance(gone, Failed) and type(here.error) is type(gone.error) and here.text == gone.text:
            return []
        if isinstance(gone, Failed) and not isinstance(here, Failed):
            raise gone.error
        return [f"cpu {here!r}, cuda {gone!r}"]
    given, taken = tensors_in([list(args), kwargs]), tensors_in([there, named])
    found = compared(here, gone, given, taken, where, exact)
    return found or gradients(here, gone, given, taken, where, exact)


def compared(
    here: Any, gone: Any, given: Sequence[Tensor], taken: Sequence[Tensor], where: backend.device, exact: bool = True
) -> list[str]:
    """What differs between two results."""
    if isinstance(here, (list, tuple)):
        if not isinstance(gone, (list, tuple)) or len(here) != len(gone):
            return [f"cpu {here!r}, cuda {gone!r}"]
        return [text for a, b in zip(here, gone, strict=True) for text in compared(a, b, given, taken, where, exact)]
    if not isinstance(here, Tensor):
        return [] if here == gone or here != here or (here is backend.CPU and gone is where) else [f"cpu {here!r}, cuda {gone!r}"]
    if not isinstance(gone, Tensor):
        return [f"cpu {here!r}, cuda {gone!r}"]
    meta = here.spec.device is backend.META
    facts = [
        (
            t.dtype.name,
            tuple(t.shape),
            t.spec.strides,
            t.offset,
            t.requires_grad,
            None if t.grad_fn is None else t.grad_fn.name(),
            t._base is None,
        )
        for t in (here, gone)
    ]
    found = [f"cpu {facts[0]}, cuda {facts[1]}"] if facts[0] != facts[1] else []
    if not meta and gone.spec.device is not where:
        found.append(f"on {gone.spec.device}")
    shares = [[_same_memory(t, other) for other in others] for t, others in ((here, given), (gone, taken))]
    if shares[0] != shares[1]:
        found.append(f"shares memory with inputs: cpu {shares[0]}, cuda {shares[1]}")
    if not found and not meta and not same_values(here, gone, exact):
        found.append(f"values: cpu {here!r}, cuda {gone!r}")
    return found


def _same_memory(t: Tensor, other: Tensor) -> bool:
    a, b = t.storage, other.storage
    return t is other or (a is not None and b is not None and (a is b or (a.raw is not None and a.raw is b.raw)))


def same_values(here: Tensor, gone: Tensor, exact: bool = True) -> bool:
    """Whether the values agree: to the bit, or as far as the dtype's rounding allows."""
    a, b = np.asarray(here.a), backend.to_host(gone.a)
    if a.dtype.name == "bfloat16":
        a, b = a.astype("float32"), b.astype("float32")
    if np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"):
        return True
    tolerance = ROUNDING.get(here.dtype.name)
    return not exact and tolerance is not None and np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)


def gradients(here: Any, gone: Any, given: Sequence[Tensor], taken: Sequence[Tensor], where: backend.device, exact: bool) -> list[str]:
    """What differs among the gradients of the leaves, first plain, then with a graph of their own."""
    outs, away = ([t for t in tensors_in(r) if t.grad_fn is not None] for r in (here, gone))
    leaves = [(a, b) for a, b in zip(given, taken, strict=True) if a.requires_grad and a.is_leaf]
    if not outs or not leaves:
        return []
    weights = [OPS["ones_like"].call(t) * 0.75 for t in outs]
    others = [OPS["ones_like"].call(t) * 0.75 for t in away]
    for keep in (False, True):
        elsewhere()
        results = [
            attempt(lambda o=o, i=i, w=w: autograd.grad(o, i, w, retain_graph=True, create_graph=keep, allow_unused=True))  # noqa: B023  # type: ignore[misc]  # bound in the loop
            for o, i, w in ((outs, [a for a, _ in leaves], weights), (away, [b for _, b in leaves], others))
        ]
        if any(isinstance(r, Failed) for r in results):
            if isinstance(results[1], Failed) and not isinstance(results[0], Failed):
                raise results[1].error
            if repr(results[0]) != repr(results[1]):
                return [f"backward: cpu {results[0]!r}, cuda {results[1]!r}"]
            continue
        for a, b in zip(*results, strict=True):
            if (a is None) != (b is None):
                return [f"gradient: cpu {a!r}, cuda {b!r}"]
            if a is None:
                continue
            if b.spec.device is not where or a.dtype is not b.dtype or a.shape != b.shape or not same_values(a, b, exact):
                return [f"{'second ' * keep}gradient: cpu {a!r}, cuda {b!r}"]
    return []


def printed(doc: str) -> Iterator[tuple[str, str]]:
    """(printed, expected) of each line of the example in a docstring."""
    environment = Environment()
    for example in doctest.DocTestParser().get_examples(doc):
        lines: list[str] = []

        def echo(value: object, lines: list[str] = lines) -> None:
            if value is not None:
                lines.append(echo_repr(value) + "\n")

        for statement in parse(example.source):
            environment.run(compile_statement(statement), echo, lines.append)
        yield "".join(lines), example.want


def plain(text: str, where: backend.device) -> str:
    """Printed text without the device and the breaks that it leads to."""
    return re.sub(r"\s+", " ", re.sub(rf",\s+device='{where}'", "", text).replace("torch.cuda.", "torch.")).replace("[ ", "[")
