"""Which help page answers a question: variables, public names, words and notes."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from ..lang.suggest import nearest
from .name_pages import SEARCHED, class_attribute_page, foreign_page, near, page_of, python_page
from .op_pages import in_place_page, op_page
from .page import HelpPage, phrases, see_of
from .topics import TOPICS, Topic

NAMESPACES = {
    "nn": "torch.nn", "F": "torch.nn.functional", "optim": "torch.optim", "linalg": "torch.linalg", "special": "torch.special", "fft": "torch.fft",
    "masked": "torch.masked", "signal": "torch.signal", "windows": "torch.signal.windows",
    "func": "torch.func", "autograd": "torch.autograd", "cuda": "torch.cuda", "random": "torch.random", "init": "torch.nn.init", "utils": "torch.nn.utils",
    "functional": "torch.nn.functional", "distributed": "torch.distributed", "parallel": "torch.nn.parallel",
}  # fmt: skip


_GROUPS = {
    module: label
    for label, modules in {
        "new tensors": "create windows",
        "random numbers": "random_ops",
        "dtype and device": "convert",
        "shape, joining, repeating": "shape arranging joining assembly copies memory diagonals strided replacing",
        "indexing": "index gathering scattering placing",
        "each element": "pointwise whole_numbers exponentials trigonometry choosing rectifiers numbers in_place",
        "complex numbers": "complex_numbers",
        "special functions": "special bessel gamma polynomials",
        "comparisons and logic": "compare",
        "reductions": "reduce extremes vector_norms masked",
        "running along a dim": "running slopes",
        "statistics": "statistics quantiles histograms distances counting",
        "sorting": "sort",
        "matrices": "linalg matrices products contraction decompositions determinants eigenvalues solvers lu ldl lowrank reflections",
        "signals": "fourier fourier_nd spectrograms",
        "neural networks": "nn activation conv pooling maxima padding norm natives common_losses losses margins sequences attention patches resampling resize sampling relaxed",
    }.items()
    for module in modules.split()
}


_MISSING = object()


class UnknownName(LookupError):
    """There is no page for a name; the text is one sentence with a suggestion where there is one."""


def pages(target: str, variables: Mapping[str, object]) -> list[HelpPage]:
    """The pages for what follows a `?`: a variable, a public name, a word, in this order; the contents for nothing.

    Raises UnknownName.
    """
    name = target.strip().removesuffix("()").removeprefix("torch.")
    if not name:
        return [contents()]
    found = [_variable(name, variables[name])] if name in variables else []
    found += _library(name, variables)
    topic = TOPICS.get(_topic_name(name))
    if topic is not None:
        found.append(topic_page(topic))
    if not found:
        raise UnknownName(_unknown(name))
    return found


def contents() -> HelpPage:
    """What `?` alone shows."""
    words = tuple(sorted({t.name for t in TOPICS.values() if not t.note}))
    notes = tuple(sorted({t.name for t in TOPICS.values() if t.note}))
    return HelpPage(
        "?",
        ("?NAME or NAME?",),
        "Explains a function, a method, a word or a note: ?cat, ?x.view, ?nn.Linear, ?stride, ?broadcast-grow.",
        lists=(*_groups(), ("words", words), ("notes", notes)),
        see=(":help (the commands)",),
    )


def topic_page(topic: Topic) -> HelpPage:
    """The page of a word or note."""
    return HelpPage(
        topic.name,
        (f"note[{topic.name}]" if topic.note else topic.name,),
        topic.text,
        also=topic.also,
        example=topic.example,
        see=topic.see,
    )


def _topic_name(name: str) -> str:
    return name.lower().replace(" ", "-") if name.lower().replace(" ", "-") in TOPICS else name.lower().replace(" ", "_").replace("-", "_")


def _groups() -> tuple[tuple[str, tuple[str, ...]], ...]:
    from ..engine import namespace
    from ..engine.registry import OPS

    found: dict[str, dict[str, None]] = {label: {} for label in _GROUPS.values()}
    for op in OPS.values():
        home = namespace.table(op.namespace)
        if op.namespace in ("torch", "torch.nn.functional"):
            if op.method or op.short in home:
                file = op.file if op.namespace == "torch" else "nn"
                found.setdefault(_GROUPS.get(file, "others"), {})[op.short] = None
        elif op.short in home:
            found.setdefault(f"{op.namespace.removeprefix('torch.')}.NAME", {})[op.short] = None
    for name in namespace.table("torch.nn"):
        if name[0].isupper():
            found["neural networks"][f"nn.{name}"] = None
    found["neural networks"]["optim.SGD"] = None
    found["dtype and device"] |= dict.fromkeys(("to", "type", "type_as", "cpu", "cuda", "device", "float32"))
    found["new tensors"]["tensor"] = None
    return (
        *((label, tuple(sorted(names))) for label, names in found.items() if names),
        ("gradients", ("backward", "autograd.grad", *(f"func.{n}" for n in namespace.table("torch.func")))),
    )


def _unknown(name: str) -> str:
    from ..engine import namespace

    known = [*namespace.table("torch"), *namespace.tensor_attributes(), *TOPICS, *(n for path in SEARCHED for n in namespace.table(path))]
    known = [each for each in known if not each.startswith("_")]
    last = name.rpartition(".")[2]
    near = nearest(last, known) or next(iter(get_close_matches(last, known, n=1, cutoff=0.7)), None)
    return f"nothing is known of {name!r}." + (f" Did you mean ?{near}?" if near else " ? lists what there is.")


def _variable(name: str, value: Any) -> HelpPage:
    from ..lang.tokens import type_of
    from .tensors import is_tensor

    kind = type_of(value).name.rpartition(".")[2]
    if is_tensor(value):
        kind = f"{kind}, {str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
        return HelpPage(name, (name,), f"A variable of this session: {kind}.", see=(f":info {name}", f"?{name}.view"))
    head = name
    if kind == "function":
        from ..engine.describe import head as head_of
        from ..engine.describe import overloads

        head = next((head_of(name, each) for each in overloads(value)), name)
    see = (f":show {name}", *([f"?nn.{kind}"] if _member("torch.nn", kind) else []))
    return HelpPage(name, (head,), f"A variable of this session: {kind}.", see=see)


def _library(name: str, variables: Mapping[str, object]) -> list[HelpPage]:
    """The page of a public name, or none."""
    from ..lang import namespaces
    from ..lang.functions import FUNCTIONS

    first, _, rest = name.partition(".")
    if any(part.startswith("_") for part in name.split(".")):
        return []
    if rest:
        if first == "Tensor" or (first not in variables and first not in NAMESPACES and first not in ("np", "numpy", "math")):
            return _attribute(rest) or _of_class(first, rest)
        if first in variables:
            return _attribute_of_value(variables[first], rest)
        path = NAMESPACES.get(first, "numpy" if first == "np" else first)
        middle, _, last = rest.rpartition(".")
        return _member(f"{path}.{middle}" if middle else path, last) or _of_class(last and middle.rpartition(".")[2], last)
    if name in NAMESPACES or name in ("torch", "np", "numpy", "math"):
        path = {"np": "numpy"}.get(name, NAMESPACES.get(name, name))
        return [HelpPage(path, (path,), "A namespace.", lists=(("names", tuple(namespaces.namespace(path).names())),))]
    found = _member("torch", name) or _attribute(name)
    for path in SEARCHED:
        found = found or _member(path, name)
    if not found and name in FUNCTIONS:
        own = getattr(builtins, name)
        found = [replace(python_page(name, own, call=FUNCTIONS[name]), details="")]
    return found


def _member(path: str, name: str) -> list[HelpPage]:
    """The page of a member of a namespace."""
    if path.partition(".")[0] in ("numpy", "math"):
        return foreign_page(path, name)
    from ..engine import namespace

    try:
        raw = namespace.table(path).get(name, _MISSING)
    except KeyError:
        return []
    if raw is _MISSING or name.startswith("_"):
        return []
    if path == "torch" and name.endswith("_"):
        return _attribute(name)  # a method that torch has as a function, too
    return [page_of(f"{path}.{name}".removeprefix("torch."), raw)]


def _of_class(cls: str, name: str) -> list[HelpPage]:
    """`Linear.forward`: an attribute of a class."""
    from ..engine import namespace

    for path in ("torch", *SEARCHED):
        found = namespace.table(path).get(cls)
        if isinstance(found, type) and name in namespace.attributes().get(found, ()):
            return class_attribute_page(found, name)
    return []


def _attribute_of_value(value: Any, name: str) -> list[HelpPage]:
    from ..lang.gate import known
    from ..lang.namespaces import Namespace
    from .tensors import is_tensor

    if is_tensor(value):
        return _attribute(name)
    if type(value) is Namespace:
        path = repr(value).split("'")[1]
        middle, _, last = name.rpartition(".")
        return _member(f"{path}.{middle}" if middle else path, last)
    return class_attribute_page(type(value), name) if name in known(value) else []


def _attribute(name: str) -> list[HelpPage]:
    """The page of an attribute of tensors."""
    from ..engine import namespace
    from ..engine.describe import attribute, read_docstring
    from ..engine.registry import Public

    if name.startswith("_") or name not in namespace.tensor_attributes():
        return []
    own, in_place = attribute(name)
    if isinstance(own, Public):
        return [in_place_page(own) if in_place else op_page(own)]
    title = f"Tensor.{name}"
    if isinstance(own, property):
        text = read_docstring(own.fget.__doc__)
        grad = phrases(text.fields.get("grad", ""))
        return [
            HelpPage(
                title,
                (title,),
                text.summary,
                details=text.details,
                storage=text.fields.get("storage", ""),
                grad=grad,
                example=text.example,
                see=see_of(text.fields) or near(own),
            )
        ]
    return [python_page(title, own, method=True)]
