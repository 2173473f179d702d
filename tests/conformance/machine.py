"""Runs one program statement by statement in torch and in tcalc, compares all tensors after each, and shortens a program that disagrees."""

from __future__ import annotations

import copy
import random
import re
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any, NamedTuple

import numpy as np
import torch
from machine_steps import POOL, Writer

import tcalc
from tcalc.engine.tensor import Tensor

LENGTH = 40  # steps of a program
BITS = (bool, np.int32)  # integers of this dtype are the bits of floats
TOO_LARGE = 1e5  # beyond this, rounding alone makes two libraries differ: the program ends

VERSIONS = re.compile(r"at version (\d+); expected version (\d+)")


def _writes_since(versions: re.Match[str]) -> str:
    """How often a saved value was written: torch's kernels write their fresh results themselves, and count it after inference tensors."""
    return f"written {int(versions[1]) - int(versions[2])} times since"


class Disagreement(NamedTuple):
    """What differs first: after which statement, which fact of which name, and both values."""

    line: int
    name: str
    fact: str
    torch: Any
    tcalc: Any

    def __str__(self) -> str:
        return f"{self.name} {self.fact}: torch {self.torch!r}, tcalc {self.tcalc!r}"


class Side:
    """One library's run of a program: its names, what its hooks showed and the last error."""

    def __init__(self, library: Any, kind: type, values: Callable[[Any], np.ndarray]):
        self.kind, self.values = kind, values
        self.shown: list[Any] = []
        self.loose = False  # gradients that are returned lie as formulas left them: strides and bases are not compared from then on
        self.deep = (
            False  # torch's backward formulas are kernels of their own: the graph of a graph is compared by values and gradients only
        )
        self.paired = False  # torch makes views through complex numbers again by their own ops, tcalc by strides
        self.births: dict[int, tuple[Any, int]] = {}  # the version each tensor had when it was first seen
        self.names: dict[str, Any] = {"T": library, "copy": copy, "out": self._out}

    def _out(self, name: str, value: Any) -> None:
        if isinstance(value, self.kind):
            self.shown.append((name, str(value.dtype), tuple(value.shape), self.deep or value.requires_grad))
            self.shown.append(self.values(value).copy())
        elif isinstance(value, (float, list)):
            self.shown.append(np.asarray(value, np.float32))
        else:
            self.shown.append((name, value))

    def run(self, code: CodeType) -> str:
        """Run one statement; the error's class and first line, or nothing."""
        self.loose = self.loose or "autograd" in code.co_names
        self.paired = self.paired or "view_as_complex" in code.co_names
        self.deep = self.deep or any(isinstance(c, tuple) and "create_graph" in c for c in code.co_consts)
        try:
            exec(code, self.names)
        except Exception as error:
            builtin = next(c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins")
            return VERSIONS.sub(_writes_since, f"{builtin}: {(str(error).splitlines() or [''])[0]}")
        return ""

    def strides(self, t: Any) -> tuple[int, ...]:
        """The strides, unless `loose`."""
        return () if self.loose else t.stride()

    def writes(self, t: Any) -> Any:
        """How often a tensor was written since it was first seen, or the sentence that refuses `_version`.

        How many writes fill a fresh result is the kernel's own affair: torch counts the copy into a new gradient, for instance.
        """
        try:
            version = t._version
        except RuntimeError as error:
            return str(error)
        ref, birth = self.births.get(id(t), (None, 0))
        if ref is None or ref() is not t:
            birth = version
            self.births[id(t)] = weakref.ref(t), birth
        return version - birth

    def live(self) -> dict[str, Any]:
        """Names that hold tensors."""
        names = self.names
        return {n: names[n] for n in POOL if isinstance(names.get(n), self.kind)}


def theirs_of(t: torch.Tensor) -> np.ndarray:
    """torch's values, without a copy."""
    return t.detach().numpy()


def ours_of(t: Tensor) -> np.ndarray:
    """tcalc's values."""
    return t.a


def sides() -> tuple[Side, Side]:
    """torch and tcalc, at the start of a program."""
    return Side(torch, torch.Tensor, theirs_of), Side(tcalc, Tensor, ours_of)


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal up to rounding; NaN equals NaN."""
    if a.tobytes() == b.tobytes():
        return True
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype == np.int32:  # whose bits differ where nan has another sign
        return close(a.view(np.float32), b.view(np.float32))
    if a.dtype.kind == "c":
        finite = np.isfinite(a)  # torch's kernels multiply by 1, too, which makes nan of an infinite part
        return bool((np.isfinite(b) == finite).all()) and bool(np.allclose(a[finite], b[finite], rtol=1e-3, atol=1e-3))
    return bool(np.allclose(a, b, rtol=1e-3, atol=1e-3, equal_nan=True))


def align(a: np.ndarray, b: np.ndarray) -> None:
    """Give tcalc torch's last bits and signs of zero, so that what rounds otherwise does not end on another branch of the next op."""
    if a.dtype.kind in "fc" and b.flags.writeable and a.tobytes() != b.tobytes():
        b[...] = a


def named(t: Any, live: dict[str, Any]) -> str | None:
    """The name of a tensor, if it has one."""
    return None if t is None else next((n for n, other in live.items() if other is t), "without a name")


# the nodes of views that are made again: those of another dtype are so by their own ops in torch, by strides in tcalc
REMADE = ("AsStridedBackward0", "ViewAsComplexBackward0", "ViewAsRealBackward0")


def named_node(node: Any) -> str:
    """The name of a node, one for all of REMADE."""
    name: str = node.name()
    return REMADE[0] if name in REMADE else name


def facts(side: Side, t: Any, live: dict[str, Any]) -> tuple[Any, ...]:
    """All that is compared but values and memory, in the order of FACTS."""
    gradient = t.grad
    try:
        node, stale = t.grad_fn, False
    except RuntimeError:  # a view whose base was written where that is forbidden: the sentence is compared when a program meets it
        node, stale = None, True
    replayed = side.paired and node is not None and node.name() in REMADE
    return (
        str(t.dtype),
        tuple(t.shape),
        side.strides(t),
        side.loose or t.storage_offset(),
        t.is_inference(),
        side.writes(t),
        t.requires_grad,
        stale or t.is_leaf,
        None if node is None else side.deep or named_node(node),
        () if node is None or side.deep or replayed else tuple([(None if n is None else named_node(n), i) for n, i in node.next_functions]),
        stale or t.output_nr,
        stale or t.retains_grad,
        None if side.loose or t.is_inference() else named(t._base, live),
        None if gradient is None else grad_facts(side, gradient, live),
    )


FACTS = (
    "dtype shape stride offset is_inference _version requires_grad is_leaf grad_fn next_functions output_nr retains_grad _base grad".split()
)


def grad_facts(side: Side, g: Any, live: dict[str, Any]) -> tuple[Any, ...]:
    """What is compared of a gradient."""
    try:
        node = g.grad_fn
    except RuntimeError:
        node = None
    name = next((n for n, other in live.items() if other is g), None)
    strides = tuple([s for n, s in zip(g.shape, side.strides(g), strict=False) if n > 1 and g.numel()])
    history = () if side.deep else (g.requires_grad, None if node is None else node.name())
    return (name, str(g.dtype), tuple(g.shape), strides, side.writes(g), *history, g.is_inference())


def starts(live: dict[str, Any], address: Callable[[Any], int]) -> dict[str, str]:
    """For each tensor and gradient with memory, the first name whose storage starts at the same address."""
    first: dict[int, str] = {}
    found = {}
    for name, t in live.items():
        for label, part in ((name, t), (f"{name}.grad", t.grad)):
            if part is not None and part.numel():
                start = address(part) - part.storage_offset() * part.itemsize
                found[label] = first.setdefault(start, label)
    return found


def our_address(t: Tensor) -> int:
    """Where an array lies; asks for no storage, which would make one."""
    return int(t.a.__array_interface__["data"][0])


def compare(theirs: Side, ours: Side, line: int) -> Disagreement | None:
    """The first fact in which the two sides differ."""
    if len(theirs.shown) != len(ours.shown):
        return Disagreement(line, "hooks", "calls", theirs.shown, ours.shown)
    for a, b in zip(theirs.shown, ours.shown, strict=True):
        if (isinstance(a, tuple) and a != b) or (not isinstance(a, tuple) and not close(a, b)):
            return Disagreement(line, "hooks", "saw", a, b)
    theirs.shown.clear()
    ours.shown.clear()
    given, taken = theirs.live(), ours.live()
    if [*given] != [*taken]:
        return Disagreement(line, "names", "bound", [*given], [*taken])
    for name, t in given.items():
        other = taken[name]
        a, b = facts(theirs, t, given), facts(ours, other, taken)
        if a != b:
            fact, x, y = next((f, x, y) for f, x, y in zip(FACTS, a, b, strict=True) if x != y)
            return Disagreement(line, name, fact, x, y)
        if not close(theirs_of(t), other.a):
            return Disagreement(line, name, "values", t.tolist(), other.a.tolist())
        align(theirs_of(t), other.a)
        if t.grad is not None and not close(theirs_of(t.grad), other.grad.a):
            return Disagreement(line, f"{name}.grad", "values", t.grad.tolist(), other.grad.a.tolist())
    if theirs.loose:
        return None  # gradients that are returned may share buffers
    shared, mine = starts(given, torch.Tensor.data_ptr), starts(taken, our_address)
    if shared != mine:
        name = next(n for n in shared if shared[n] != mine[n])
        return Disagreement(line, name, "shares memory with", shared[name], mine[name])
    return None


def without_memory(theirs: Side, error: str) -> bool:
    """Whether torch made a zero without memory, as the gradient of sgn is: no backward can add to it, nobody can read it, a fault of torch's."""
    grads = [t.grad for t in theirs.live().values() if t.grad is not None]
    return "ZeroTensors are immutable" in error or any(t._is_zerotensor() for t in [*theirs.live().values(), *grads])


def too_large(theirs: Side) -> bool:
    """Whether a value has grown beyond what two libraries round alike, or a complex one is not finite."""
    for t in theirs.live().values():
        values = theirs_of(t)
        if t.is_complex() and not np.isfinite(values).all():
            return True
        if values.size and values.dtype not in BITS and np.abs(values, where=np.isfinite(values), out=np.zeros(values.shape)).max() > TOO_LARGE:
            return True
    return False


def play(lines: Sequence[str], looks: Sequence[bool] | None = None) -> Disagreement | None:
    """Run a program on both sides; the first disagreement. `looks` says after which lines all tensors are compared (all)."""
    theirs, ours = sides()
    for i, text in enumerate(lines):
        code = compile(text, f"line {i + 1}", "exec")
        a, b = theirs.run(code), ours.run(code)
        if without_memory(theirs, a):
            return None
        if a != b:
            return Disagreement(i, "statement", "error", a, b)
        if looks is None or looks[i]:
            found = compare(theirs, ours, i)
            if found is not None:
                return found
    return None


class Run:
    """Many programs from one seed: how many steps ran, of which kinds, with how many errors, and the first failing program."""

    def __init__(self, seed: int):
        self.numbers = random.Random(seed)
        self.kinds: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.steps = 0

    def program(self) -> tuple[list[str], list[bool], Disagreement | None]:
        """Write and run one program; its lines, where it was looked at, and what disagreed.

        Looking remakes the nodes of written views, so a part of the programs is looked at here and there only.
        """
        theirs, ours = sides()
        writer = Writer(self.numbers, theirs.names)
        rarely = writer.blind = self.numbers.random() < 0.3
        lines: list[str] = []
        looks: list[bool] = []
        for i in range(LENGTH):
            kind, text = writer.step()
            code = compile(text, f"line {i + 1}", "exec")
            lines.append(text)
            looks.append(not rarely or self.numbers.random() < 0.2 or i == LENGTH - 1)
            a, b = theirs.run(code), ours.run(code)
            self.steps += 1
            self.kinds[kind] += 1
            if a:
                self.errors[a.partition(":")[0]] += 1
            if without_memory(theirs, a):
                break
            if a != b:
                return lines, looks, Disagreement(i, "statement", "error", a, b)
            if looks[-1]:
                found = compare(theirs, ours, i)
                if found is not None:
                    return lines, looks, found
            if too_large(theirs):
                break
        return lines, looks, None


def alike(one: Disagreement, other: Disagreement) -> bool:
    """Whether a shortened program shows the same disagreement: the same fact, or the same two sentences but for numbers and names."""
    if one.fact != other.fact:
        return False
    if one.fact == "_base":
        return bool(one.torch == "without a name") == bool(other.torch == "without a name")
    return one.fact != "error" or [s[:40] for s in one[3:]] == [s[:40] for s in other[3:]]


def shorten(lines: list[str], looks: list[bool], found: Disagreement) -> tuple[list[str], Disagreement]:
    """The program without the lines that the disagreement does not need, and without `with` where that does not matter."""

    def still(candidate: list[tuple[str, bool]]) -> Disagreement | None:
        again = play([text for text, _ in candidate], [look for _, look in candidate])
        return again if again is not None and alike(again, found) else None

    rest, last = list(zip(lines, looks, strict=True))[: found.line + 1], found
    size = max(len(rest) // 2, 1)
    while size:
        i, before = 0, len(rest)
        while i < len(rest):
            candidate = rest[:i] + rest[i + size :]
            again = still(candidate) if candidate else None
            if again is not None:
                rest, last = candidate[: again.line + 1], again
            else:
                i += size
        if size > 1 or len(rest) == before:  # one line gone may let go of another above it
            size //= 2
    for i, (text, look) in enumerate(rest):
        for shorter in ((text.partition(": ")[2] if text.startswith("with") else text, look), (text, False)):
            candidate = [*rest[:i], shorter, *rest[i + 1 :]]
            if shorter != (text, look) and (again := still(candidate)) is not None:
                rest, last = candidate, again
                break
    return [text for text, _ in rest], last


def report(lines: Sequence[str], found: Disagreement) -> str:
    """A failing program as text to paste, and what disagreed after its last line."""
    return "\n".join([*lines[: found.line + 1], f"# {found}"])
