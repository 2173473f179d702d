"""Help pages of public names that are no ops: functions, classes, dtypes, constants, NumPy's and Python's own."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from ..lang import library
from .op_pages import op_page
from .page import HelpPage, around, phrases, see_of, session_of

SEARCHED = (
    "torch.nn.functional",
    "torch.nn",
    "torch.optim",
    "torch.linalg",
    "torch.fft",
    "torch.func",
    "torch.autograd.functional",
    "torch.autograd",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.special",
    "torch.masked",
    "torch.signal.windows",
    "torch.cuda",
    "torch.nn.parallel",
    "torch.distributed",
)


_CONSTANTS = {
    "pi": ("e", "sin"),
    "e": ("pi", "exp"),
    "inf": ("nan", "isinf"),
    "nan": ("inf", "isnan", "nan_to_num"),
    "newaxis": ("unsqueeze", "dim"),
    "cuda.default_generators": ("Generator", "cuda.manual_seed"),
}


_RESULTS = frozenset(("Tensor", "bool", "int", "float", "str", "Size", "dtype", "tuple of Tensors"))


_MADE_SEE = ("to", "tensor", "dtype-promotion")


def page_of(name: str, raw: Any) -> HelpPage:
    from ..engine.describe import public_of
    from ..engine.dtypes import dtype
    from ..engine.namespace import Sub
    from ..lang import namespaces

    if isinstance(raw, Sub):
        return HelpPage(raw.path, (raw.path,), "A namespace.", lists=(("names", tuple(namespaces.namespace(raw.path).names())),))
    public = public_of(raw)
    if public is not None:
        return op_page(public)
    if isinstance(raw, dtype):
        return _dtype_page(name, raw)
    if isinstance(raw, type):
        page = python_page(name, raw, call=library.constructor(raw))
        return (
            page if name.startswith(("nn.", "optim.")) and "__init__" in vars(raw) else replace(page, details="")
        )  # others speak of internals
    return python_page(name, raw) if callable(raw) else _constant(name, raw)


def _constant(name: str, value: Any) -> HelpPage:
    about = {
        "pi": "The ratio of a circle's circumference to its diameter.", "e": "Euler's number, the base of the natural logarithm.",
        "inf": "Positive infinity.", "nan": "Not a number: what 0/0 gives; it equals nothing, itself included.",
        "newaxis": "None, as an index: a new dim of size 1.",
        "cuda.default_generators": "The generators that the GPUs draw from, in the order of the devices; none without a GPU.",
    }  # fmt: skip
    if name in about:
        shown = {"newaxis": "ones(3)[:, newaxis].shape", "cuda.default_generators": "len(cuda.default_generators) == cuda.device_count()"}
        source = shown.get(name, name)
        return HelpPage(name, (name,), about[name], example=session_of(source), see=_CONSTANTS[name])
    from ..engine.describe import read_docstring

    text = read_docstring(type(value).__doc__)
    return HelpPage(name, (name,), text.summary, details=text.details, example=text.example, see=see_of(text.fields))


def _dtype_page(name: str, d: Any) -> HelpPage:
    from ..engine import dtypes

    own = str(d).removeprefix("torch.")
    kind = ["truth values", "integers", "floating-point numbers", "complex numbers"][d.category]
    bounds = ""
    if d.is_complex:
        bounds = f"Both parts are {d.to_real().name}."
    elif d.is_floating_point:
        floats = dtypes.finfo(d)
        bounds = f"From {floats.min:g} to {floats.max:g}, eps {floats.eps:g}."
    elif d.category == dtypes.INT:
        integers = dtypes.iinfo(d)
        bounds = f"From {integers.min} to {integers.max}."
    also = tuple(sorted({alias for alias, each in dtypes.BY_NAME.items() if each is d} - {own}))
    see = ("dtype-promotion", "to", *(["complex-numbers"] if d.is_complex else []), "iinfo" if d.category < dtypes.FLOAT else "finfo", "set_default_dtype")
    return HelpPage(
        own,
        (own,),
        f"The dtype of {kind}, {d.itemsize} byte{'s' * (d.itemsize > 1)} each.",
        also=also,
        details=bounds,
        example=session_of(f"tensor([0, 1], dtype={own})"),
        see=see,
    )


def python_page(name: str, function: Any, method: bool = False, call: Any = None) -> HelpPage:
    """The page of a function or class that is no op."""
    from ..engine.describe import head, overloads, read_docstring

    text = read_docstring(function.__doc__)
    returns = str(getattr(call or function, "__annotations__", {}).get("return", ""))
    lists = overloads(call or function, method)
    returns = "tuple of Tensors" if returns.startswith("tuple[Tensor") else returns
    arrow = f" -> {returns}" if returns in _RESULTS and not isinstance(function, type) else ""
    return HelpPage(
        name,
        tuple(head(name, each) + arrow for each in lists) or (name,),
        text.summary,
        details=text.details,
        shapes=text.fields.get("shapes", ""),
        storage=text.fields.get("storage", ""),
        grad=phrases(text.fields.get("grad", "")),
        example=text.example or _made_example(name),
        see=see_of(text.fields) or (near(function) if text.example else _MADE_SEE if _made_example(name) else ()),
    )


def _made_example(name: str) -> str:
    """The example of functions that are made in a loop, one a dtype."""
    from ..engine.ops.convert import METHODS

    last = name.rpartition(".")[2]
    if last.endswith("Tensor") and last != "Tensor":
        return session_of(f"{last}([0, 1])")
    return session_of(f"tensor([0, 1]).{last}()") if last in METHODS and name.startswith("Tensor.") else ""


@cache
def _definitions() -> dict[str, list[tuple[int, str]]]:
    """(line, name) of the public functions that are no ops, by the file they are defined in."""
    from ..engine import namespace
    from ..engine.describe import public_of

    members = [
        (f"{path}.{name}", raw) for path in ("torch", *SEARCHED) for name, raw in namespace.table(path).items() if public_of(raw) is None
    ]
    members += [(name, getattr(library.tensor_type(), name)) for name in sorted(namespace.tensor_attributes())]
    found: dict[str, dict[str, int]] = {}
    for name, raw in members:
        code = _code_of(raw)
        if code is not None:
            shown = name.removeprefix("torch.")
            if shown.rpartition(".")[2] not in [each.rpartition(".")[2] for each in found.get(code.co_filename, ())]:
                found.setdefault(code.co_filename, {})[shown] = code.co_firstlineno
    return {file: sorted((line, name) for name, line in names.items()) for file, names in found.items()}


def _code_of(function: Any) -> Any:
    return getattr(function.fget if isinstance(function, property) else function, "__code__", None)


def near(function: Any) -> tuple[str, ...]:
    """Public names defined next to a function."""
    code = _code_of(function)
    if code is None:
        return ()
    beside = _definitions().get(code.co_filename, [])
    lines = [line for line, _ in beside]
    return around([name for _, name in beside], beside[lines.index(code.co_firstlineno)][1]) if code.co_firstlineno in lines else ()


def foreign_page(path: str, name: str) -> list[HelpPage]:
    """A page on one of NumPy's or Python's math functions."""
    import math

    from ..engine.describe import head, overloads
    from ..lang import namespaces

    if namespaces.namespace(path).find(name) is namespaces.NOTHING:
        return []
    owner: Any = math if path == "math" else library.numpy()
    for part in [*path.split(".")[1:], name]:
        owner = getattr(owner, part, None)
    lines = [line.strip() for line in (getattr(owner, "__doc__", None) or "").strip().split("\n\n")]
    summary = next((" ".join(line.split()) for line in lines if line and "(" not in line.split(" ")[0]), "A constant.")
    heads = tuple(head(f"{path}.{name}", each) for each in overloads(owner)) if callable(owner) else ()
    return [HelpPage(f"{path}.{name}", heads or (f"{path}.{name}",), summary if callable(owner) else f"The number {owner!r}.")]


def class_attribute_page(cls: type, name: str) -> list[HelpPage]:
    own = getattr(cls, name, None)
    title = f"{cls.__name__}.{name}"
    if own is None or not callable(own):
        return [HelpPage(title, (title,), f"An attribute of {cls.__name__}.")]
    return [python_page(title, own, method=True)]
