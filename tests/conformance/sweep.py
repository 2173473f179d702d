"""One call made in torch and in tcalc, and everything a user can see of the results compared, aspect by aspect."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from mirror import Unsupported, close, identical, mirror

from tcalc.engine import autograd
from tcalc.engine.tensor import Tensor

Call = Callable[..., Any]
ADDRESS = re.compile(r"0x[0-9a-f]+")


class Report:
    """What agreed and what did not, by aspect: counts, and the first few descriptions of disagreement."""

    def __init__(self) -> None:
        self.agreed: defaultdict[str, int] = defaultdict(int)
        self.disagreed: defaultdict[str, list[str]] = defaultdict(list)

    def note(self, aspect: str, good: bool, text: Callable[[], str]) -> bool:
        """Count one comparison."""
        if good:
            self.agreed[aspect] += 1
        else:
            self.disagreed[aspect].append(text())
        return good

    def failures(self) -> set[str]:
        """Aspects with at least one disagreement."""
        return set(self.disagreed)


class Failed:
    """An exception that a call ended in."""

    def __init__(self, error: Exception):
        self.error = error
        self.text = str(error).strip().split("\n")[0]

    def __repr__(self) -> str:
        return f"{type(self.error).__name__}: {self.text}"


def attempt(call: Call, *args: Any, **kwargs: Any) -> Any:
    """The call's result, or Failed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call(*args, **kwargs)
        except Exception as error:  # any exception is an outcome to compare
            return Failed(error)


def show(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, (torch.Tensor, Tensor)):
        text = f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
        if tuple(value.stride()) != _row_major(tuple(value.shape)):
            text += f"/{tuple(value.stride())}"
        return text + ("*" if value.requires_grad else "")
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        return f"[{', '.join(show(v) for v in value)}]"
    return repr(value)


def _row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def describe(args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    """A call's arguments in a few words."""
    return ", ".join([show(a) for a in args] + [f"{k}={show(v)}" for k, v in kwargs.items()])


def tensors_in(value: Any) -> list[Any]:
    """All tensors of either library in nested lists and tuples, in order."""
    if isinstance(value, (torch.Tensor, Tensor)):
        return [value]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in tensors_in(v)]
    if isinstance(value, dict):
        return [t for v in value.values() for t in tensors_in(v)]
    return []


def refusals(report: Report, theirs: Any, mine: Any, about: str, prefix: str = "") -> bool:
    """Compare how two calls ended; True when both gave results."""
    if isinstance(theirs, Failed) and isinstance(mine, Failed):
        kinds = [t for t in type(theirs.error).__mro__ if t.__module__ == "builtins"]
        report.note(prefix + "error type", isinstance(mine.error, kinds[0]), lambda: f"{about}: torch {theirs!r}, tcalc {mine!r}")
        same = ADDRESS.sub("", theirs.text) == ADDRESS.sub("", mine.text)
        report.note(prefix + "error text", same, lambda: f"{about}:\n      torch {theirs.text}\n      tcalc {mine.text}")
        return False
    if isinstance(theirs, Failed):
        report.note(prefix + "refuses", False, lambda: f"{about}: torch {theirs!r}, tcalc {show(mine)}")
        return False
    return report.note(prefix + "runs", not isinstance(mine, Failed), lambda: f"{about}: tcalc {mine!r}")


def compare(
    report: Report, theirs: Any, mine: Any, given: Sequence[Any], taken: Sequence[Any], about: str, prefix: str = "", loose: float = 1
) -> bool:
    """Compare two results: structure, then every aspect of every tensor. `given` and `taken` are the inputs of both calls."""
    if isinstance(theirs, torch.Tensor):
        if not report.note(prefix + "structure", isinstance(mine, Tensor), lambda: f"{about}: torch {show(theirs)}, tcalc {show(mine)}"):
            return False
        return _compare_tensors(report, theirs, mine, given, taken, about, prefix, loose)
    if isinstance(theirs, (list, tuple)):
        same = isinstance(mine, (list, tuple)) and len(mine) == len(theirs)
        if not report.note(prefix + "structure", same, lambda: f"{about}: torch {show(theirs)}, tcalc {show(mine)}"):
            return False
        good = [compare(report, a, b, given, taken, about, prefix, loose) for a, b in zip(theirs, mine, strict=True)]
        fields = getattr(theirs, "_fields", None) or [n for n in dir(theirs) if n in ("values", "indices")]
        if fields:
            good.append(
                report.note(prefix + "structure", all(hasattr(mine, f) for f in fields), lambda: f"{about}: tcalc lacks fields {fields}")
            )
        return all(good)
    same = (type(theirs) is type(mine) and (theirs == mine or theirs != theirs)) or str(theirs) == str(mine)
    return report.note(prefix + "value", same, lambda: f"{about}: torch {theirs!r}, tcalc {mine!r}")


def _compare_tensors(
    report: Report, theirs: Any, mine: Tensor, given: Sequence[Any], taken: Sequence[Any], about: str, prefix: str, loose: float
) -> bool:
    good = report.note(
        prefix + "dtype", str(theirs.dtype) == repr(mine.dtype), lambda: f"{about}: torch {theirs.dtype}, tcalc {mine.dtype!r}"
    )
    good &= report.note(
        prefix + "shape", tuple(theirs.shape) == tuple(mine.shape), lambda: f"{about}: torch {list(theirs.shape)}, tcalc {list(mine.shape)}"
    )
    if not good:
        return False
    report.note(
        prefix + "stride",
        theirs.stride() == mine.stride(),
        lambda: f"{about}: shape {list(theirs.shape)} torch {theirs.stride()}, tcalc {mine.stride()}",
    )
    with torch.no_grad():
        good = theirs.is_meta or report.note(
            prefix + "value", close(theirs, mine, loose), lambda: f"{about}:\n      torch {_short(theirs)}\n      tcalc {_short(mine)}"
        )
    report.note(
        prefix + "requires_grad",
        theirs.requires_grad == mine.requires_grad,
        lambda: f"{about}: torch {theirs.requires_grad}, tcalc {mine.requires_grad}",
    )
    a, b = (t.grad_fn.name().rpartition(":")[2] if t.grad_fn is not None else None for t in (theirs, mine))
    report.note(prefix + "grad_fn", a == b, lambda: f"{about}: torch {a}, tcalc {b}")
    places = [_shares(theirs, t) for t in given], [_shares(mine, t) for t in taken]
    report.note(
        prefix + "alias", places[0] == places[1], lambda: f"{about}: shares memory with inputs: torch {places[0]}, tcalc {places[1]}"
    )
    if any(places[0]) and places[0] == places[1]:
        report.note(
            prefix + "alias",
            theirs.storage_offset() == mine.storage_offset() and (theirs._base is None) == (mine._base is None),
            lambda: (
                f"{about}: offset, is view: torch {theirs.storage_offset(), theirs._is_view()},"
                f" tcalc {mine.storage_offset(), mine._base is not None}"
            ),
        )
    if good and theirs.numel() < 200 and not theirs.is_meta and identical(theirs, mine):
        report.note(prefix + "repr", repr(theirs) == repr(mine), lambda: f"{about}: torch {theirs!r}, tcalc {mine!r}")
    return good


def _short(t: Any) -> str:
    return " ".join(repr(t).split())[:240]


def _shares(t: Any, other: Any) -> bool:
    if t is other:
        return True
    if not t.numel() or not other.numel() or t.is_meta:
        return False
    if isinstance(t, Tensor):
        return (t.storage is not None and t.storage is other.storage) or _same_raw(t.storage, other.storage)
    return bool(t.untyped_storage().data_ptr() == other.untyped_storage().data_ptr())


def _same_raw(a: Any, b: Any) -> bool:
    return a is not None and b is not None and a.raw is not None and a.raw is b.raw


def weights_for(outputs: Sequence[Any], seed: int = 7) -> list[Any]:
    """Random gradients for torch outputs, the same in every run."""
    numbers = np.random.default_rng(seed)
    return [torch.tensor(_drawn(numbers, o), dtype=o.dtype) for o in outputs]


def _drawn(numbers: np.random.Generator, output: Any) -> Any:
    real = np.asarray(numbers.standard_normal(tuple(output.shape)) + 0.1)
    return real + 1j * np.asarray(numbers.standard_normal(tuple(output.shape))) if output.dtype.is_complex else real


def leaves_of(given: Sequence[Any]) -> list[Any]:
    """Those inputs that gradients are asked for, each once."""
    seen: dict[int, Any] = {}
    for t in given:
        if t.requires_grad and t.is_leaf:
            seen.setdefault(id(t), t)
    return list(seen.values())


def gradients(
    report: Report, theirs: Any, mine: Any, given: Sequence[Any], taken: Sequence[Any], about: str, prefix: str = "", loose: float = 1
) -> None:
    """Compare `.grad` of all leaves after a backward with random weights."""
    outs = [t for t in tensors_in(theirs) if t.requires_grad and t.grad_fn is not None]
    ours = [t for t in tensors_in(mine) if t.requires_grad and t.grad_fn is not None]
    if not outs or len(outs) != len(ours):
        return
    weights = weights_for(outs)
    for leaf in leaves_of(given):
        leaf.grad = None
    a = attempt(torch.autograd.backward, outs, weights)
    b = attempt(autograd.backward, ours, [mirror(w) for w in weights])
    if not refusals(report, a, b, about + " backward", prefix + "grad "):
        return
    for x, y in zip(leaves_of(given), leaves_of(taken), strict=True):
        if (x.grad is None) != (y.grad is None):
            report.note(prefix + "grad", False, lambda x=x, y=y: f"{about}: grad of {show(x)}: torch {x.grad}, tcalc {y.grad}")  # type: ignore[misc]
            continue
        if x.grad is None:
            continue
        good = x.grad.shape == tuple(y.grad.shape) and str(x.grad.dtype) == repr(y.grad.dtype) and close(x.grad, y.grad, loose)
        report.note(
            prefix + "grad",
            good,
            lambda x=x, y=y: f"{about}: grad of {show(x)}\n      torch {_short(x.grad)}\n      tcalc {_short(y.grad)}",  # type: ignore[misc]
        )
        report.note(
            prefix + "grad stride",
            _laid_out(x.grad) == _laid_out(y.grad),
            lambda x=x, y=y: f"{about}: grad of {show(x)}: torch {x.grad.stride()}, tcalc {y.grad.stride()}",  # type: ignore[misc]
        )


def _laid_out(grad: Any) -> list[int]:
    """Strides of a gradient where they matter: plain backward works on raw arrays, which do not keep torch's on sizes 0 and 1."""
    return [stride for size, stride in zip(grad.shape, grad.stride(), strict=True) if size > 1] if grad.numel() else []


def second_gradients(
    report: Report, call: Call, own: Call, args: Sequence[Any], kwargs: dict[str, Any], about: str, seed: int | None = None
) -> None:
    """Compare gradients of gradients with random weights."""
    memo: dict[int, Any] = {}
    if seed is not None:
        torch.manual_seed(seed)
        seed_own(seed)
    try:
        taken, named = mirror(list(args), memo), {k: mirror(v, memo) for k, v in kwargs.items()}
    except Unsupported:
        return
    theirs, mine = attempt(call, *args, **kwargs), attempt(own, *taken, **named)
    if isinstance(theirs, Failed) or isinstance(mine, Failed):
        return
    leaves = leaves_of(tensors_in([list(args), kwargs]))
    own_leaves = [memo[id(t)] for t in leaves]
    outs, ours = ([t for t in tensors_in(r) if t.grad_fn is not None] for r in (theirs, mine))
    if not outs or len(outs) != len(ours):
        return
    weights = weights_for(outs)
    for w in weights:
        w.requires_grad_()
    own_weights = [mirror(w) for w in weights]
    a = attempt(torch.autograd.grad, outs, leaves, weights, create_graph=True, allow_unused=True)
    b = attempt(autograd.grad, ours, own_leaves, own_weights, create_graph=True, allow_unused=True)
    if isinstance(a, Failed):
        return
    if not refusals(report, a, b, about + " create_graph", "second grad "):
        return
    kept = [g is not None and g.requires_grad for g in a]
    if kept != [g is not None and g.requires_grad for g in b]:
        report.note(
            "second grad",
            False,
            lambda: f"{about}: gradients that require grad: torch {kept}, tcalc {[g is not None and g.requires_grad for g in b]}",
        )
        return
    if not any(kept):
        return
    first, own_first = [g for g, k in zip(a, kept, strict=True) if k], [g for g, k in zip(b, kept, strict=True) if k]
    again = weights_for(first, 11)
    c = attempt(torch.autograd.grad, first, [*leaves, *weights], again, allow_unused=True)
    d = attempt(autograd.grad, own_first, [*own_leaves, *own_weights], [mirror(w) for w in again], allow_unused=True)
    if isinstance(c, Failed) or not refusals(report, c, d, about + " second backward", "second grad "):
        return
    for x, y in zip(c, d, strict=True):
        if x is None and y is None:
            continue
        zero = (x is None and not np.any(y.a)) or (y is None and not x.any())
        good = zero or (x is not None and y is not None and close(x, y, 10))
        report.note("second grad", good, lambda x=x, y=y: f"{about}:\n      torch {_short(x)}\n      tcalc {_short(y)}")  # type: ignore[misc]


def one_call(
    report: Report,
    call: Call,
    own: Call,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    about: str,
    seed: int | None = None,
    loose: float = 1,
) -> bool:
    """Make one call in both libraries and compare everything. Returns whether torch gave a result."""
    memo: dict[int, Any] = {}
    try:
        taken_args = mirror(list(args), memo)
        taken_kwargs = {k: mirror(v, memo) for k, v in kwargs.items()}
    except Unsupported:
        return False
    if seed is not None:
        torch.manual_seed(seed)
        seed_own(seed)
    theirs, mine = attempt(call, *args, **kwargs), attempt(own, *taken_args, **taken_kwargs)
    about = f"({about or describe(args, kwargs)})"
    if refusals(report, theirs, mine, about):
        given = tensors_in([list(args), kwargs])
        taken = [memo[id(t)] for t in given]
        if compare(report, theirs, mine, given, taken, about, loose=loose):
            gradients(report, theirs, mine, given, taken, about, loose=loose)
    return not isinstance(theirs, Failed)


def seed_own(seed: int) -> None:
    """tcalc's manual_seed."""
    from tcalc.engine.namespace import manual_seed

    manual_seed(seed)


def in_place(report: Report, call: Call, own: Call, args: Sequence[Any], kwargs: dict[str, Any], about: str) -> None:
    """Compare the in-place form on a copy of the first argument (a computed one when it requires grad)."""
    memo: dict[int, Any] = {}
    try:
        taken = mirror(list(args), memo)
        taken_kwargs = {k: mirror(v, memo) for k, v in kwargs.items()}
    except Unsupported:
        return
    target, own_target = args[0].clone(), taken[0].clone()
    theirs, mine = attempt(call, target, *args[1:], **kwargs), attempt(own, own_target, *taken[1:], **taken_kwargs)
    about = f"({about or describe(args, kwargs)})"
    if not refusals(report, theirs, mine, about, "in-place "):
        return
    report.note("in-place identity", mine is own_target, lambda: f"{about}: not the tensor itself")
    report.note(
        "in-place version", target._version == own_target._version, lambda: f"{about}: torch {target._version}, tcalc {own_target._version}"
    )
    given = tensors_in([list(args), kwargs])
    own_given = [memo[id(t)] for t in given]
    if compare(report, target, own_target, given, own_given, about, "in-place "):
        gradients(report, target, own_target, given, own_given, about, "in-place ")


def with_out(report: Report, call: Call, own: Call, args: Sequence[Any], kwargs: dict[str, Any], about: str) -> None:
    """Compare out= of the right shape, laid out otherwise, of a wrong shape, and of a dtype it cannot take."""
    plain = [a.detach() if isinstance(a, torch.Tensor) else [x.detach() for x in a] if tensors_in(a) else a for a in args]
    named = {k: v.detach() if isinstance(v, torch.Tensor) else v for k, v in kwargs.items()}
    expected = attempt(call, *plain, **named)
    if isinstance(expected, tuple) and expected and all(isinstance(t, torch.Tensor) for t in expected):
        _with_outs(report, call, own, plain, named, expected, f"({about or describe(args, kwargs)})")
    if not isinstance(expected, torch.Tensor):
        return
    about = f"({about or describe(args, kwargs)})"
    for kind, out in _outs(expected):
        if out is None:
            continue
        try:
            taken, own_named, own_out = mirror(plain), {k: mirror(v) for k, v in named.items()}, mirror(out)
        except Unsupported:
            return
        theirs, mine = attempt(call, *plain, **named, out=out), attempt(own, *taken, **own_named, out=own_out)
        if isinstance(theirs, Failed) and isinstance(theirs.error, TypeError):
            return
        if refusals(report, theirs, mine, f"{about} out {kind} {show(out)}", "out "):
            report.note("out identity", mine is own_out, lambda kind=kind: f"{about} out {kind}: not the tensor given")  # type: ignore[misc]
            compare(report, out, own_out, [], [], f"{about} out {kind}", "out ", loose=300 if expected.dtype is torch.float32 else 1)


def _with_outs(report: Report, call: Call, own: Call, plain: list[Any], named: dict[str, Any], expected: Any, about: str) -> None:
    """Compare a tuple out= of fitting tensors, of empty ones, and of one dtype that is wrong at each place."""
    kinds = [("fitting", [torch.zeros_like(t) for t in expected]), ("empty", [torch.zeros(0, dtype=t.dtype) for t in expected])]
    for i, t in enumerate(expected):
        wrong = torch.float32 if t.dtype is not torch.float32 else torch.float64
        kinds.append((f"wrong {i}", [torch.zeros(u.shape, dtype=wrong if u is t else u.dtype) for u in expected]))
    for kind, outs in kinds:
        try:
            taken, own_named, own_outs = mirror(plain), {k: mirror(v) for k, v in named.items()}, mirror(outs)
        except Unsupported:
            return
        theirs, mine = attempt(call, *plain, **named, out=tuple(outs)), attempt(own, *taken, **own_named, out=tuple(own_outs))
        if isinstance(theirs, Failed) and isinstance(theirs.error, TypeError):
            return
        if refusals(report, theirs, mine, f"{about} out {kind}", "out "):
            report.note("out identity", mine is None or all(a is b for a, b in zip(mine, own_outs, strict=True)), lambda kind=kind: f"{about} out {kind}: not the tensors given")  # type: ignore[misc]
            same = type(theirs).__name__ == type(mine).__name__
            report.note("out structure", same, lambda kind=kind, theirs=theirs, mine=mine: f"{about} out {kind}: {type(theirs)} {type(mine)}")  # type: ignore[misc]
            compare(report, outs, own_outs, [], [], f"{about} out {kind}", "out ", loose=3000 if plain[0].dtype in (torch.float32, torch.complex64) else 1)


def _outs(expected: Any) -> list[tuple[str, Any]]:
    shape = list(expected.shape)
    turned = torch.zeros(shape[::-1], dtype=expected.dtype).permute(*range(len(shape))[::-1]) if len(shape) > 1 else None
    lower = torch.zeros(shape, dtype=torch.int32 if expected.dtype.is_floating_point else torch.bool)
    return [
        ("fitting", torch.zeros_like(expected)),
        ("turned", turned),
        ("empty", torch.zeros(0, dtype=expected.dtype)),
        ("wide", torch.zeros(shape, dtype=torch.float64)),
        ("low", lower),
    ]


def layouts(args: Sequence[Any], kwargs: dict[str, Any]) -> list[tuple[str, list[Any], dict[str, Any]]]:
    """The same call with its tensors laid out otherwise: last dims turned, and with gaps between elements."""
    found = []
    for kind, lay in (("turned", _turned), ("gaps", _gaps)):
        memo: dict[int, Any] = {}

        def again(value: Any, lay: Call = lay, memo: dict[int, Any] = memo) -> Any:
            if isinstance(value, torch.Tensor):
                if id(value) not in memo:
                    memo[id(value)] = lay(value.detach()).requires_grad_(value.requires_grad)
                return memo[id(value)]
            if type(value) in (list, tuple) and tensors_in(value):
                return type(value)(again(v) for v in value)
            return value

        found.append((kind, [again(a) for a in args], {k: again(v) for k, v in kwargs.items()}))
    return found


def _turned(t: Any) -> Any:
    if t.ndim < 2:
        return t.clone()
    return _no_view(t.transpose(0, -1).contiguous().transpose(0, -1))


def _gaps(t: Any) -> Any:
    if not t.ndim:
        return t.clone()
    part = torch.zeros(*t.shape[:-1], t.shape[-1] * 2 + 1, dtype=t.dtype)[..., 1::2]
    part.copy_(t)
    return _no_view(part)


def _no_view(t: Any) -> Any:
    """The same geometry on the same memory, but no view of another tensor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.empty(0, dtype=t.dtype).set_(t.untyped_storage(), t.storage_offset(), t.shape, t.stride())
