"""What the library says about its own names: signatures, docstrings taken apart, and which op stands behind a function."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from . import dtypes
from .methods import BINARY, OWN
from .registry import PUBLIC, Op, Public
from .signature import REQUIRED, Param
from .signature import shown as shown_name
from .tensor import Tensor

_FIELD = re.compile(r"(Shapes|Storage|Grad|See): (.+)")
_SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "and": "&", "or": "|", "xor": "^", "eq": "==",
    "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "matmul": "@", "pow": "**", "lshift": "<<", "rshift": ">>",
}  # fmt: skip


class Argument(NamedTuple):
    """One argument of a call. `default` is its text, None for a required one; `spread` takes all that is left, as `*size`;
    `kind` is the name of its kind in `signature.KINDS`, empty where there is none; `common` marks what a whole family takes."""

    name: str
    default: str | None = None
    keyword_only: bool = False
    spread: bool = False
    kind: str = ""
    common: bool = False

    def __str__(self) -> str:
        return f"{'*' * self.spread}{self.name}" + ("" if self.default is None else f"={self.default}")


class Text(NamedTuple):
    """A docstring: its first sentence, the rest, the fields (`Shapes: ...`), and the example as it stands (`>>>` and output)."""

    summary: str
    details: str
    fields: dict[str, str]
    example: str


def read_docstring(doc: str | None) -> Text:
    """The parts of a docstring."""
    body, mark, example = (doc or "").partition(">>> ")
    lines = [line.strip() for line in body.strip().split("\n")]
    fields: dict[str, str] = {}
    kept: list[str] = []
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match:
            fields[match[1].lower()] = match[2]
        else:
            kept.append(line)
    summary, details = _first_sentence(re.sub(r"\n\n+", "\n\n", "\n".join(kept)).strip())
    return Text(summary, details, fields, _dedented(mark + example))


_SENTENCE_END = re.compile(r"\.(?=\s+[A-Z`(0-9])")


def _first_sentence(text: str) -> tuple[str, str]:
    paragraph, _, rest = text.partition("\n\n")
    paragraph = paragraph.replace("\n", " ")
    match = _SENTENCE_END.search(paragraph)
    if match is None:
        return paragraph, rest.replace("\n\n", "\n").strip()
    more = paragraph[match.end() :].strip()
    return paragraph[: match.end()], "\n".join(part for part in (more, rest.replace("\n\n", "\n").strip()) if part)


def _dedented(example: str) -> str:
    lines = example.rstrip().split("\n")
    indent = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    return "\n".join([lines[0], *(line[indent:] for line in lines[1:])])


def public_of(function: object) -> Public | None:
    """The op behind a function of a namespace."""
    name = getattr(function, "__name__", None)
    public = PUBLIC.get(name) if isinstance(name, str) else None
    return public if public is not None and public.call is function else None


def op_arguments(op: Op, method: bool = False) -> list[Argument]:
    """The arguments of one overload; a method's without its tensor."""
    params = op.signature.params
    found = [_argument(p, method, common=i >= op.arguments) for i, p in enumerate(params)]
    return found[1:] if method else found


def _argument(p: Param, method: bool, common: bool) -> Argument:
    default = None if p.default is REQUIRED else repr(p.default)
    return Argument(p.name if method else shown_name(p.name), default, p.keyword_only, p.swallow, p.kind.name, common)


def overloads(function: Any, method: bool = False) -> list[list[Argument]]:
    """The argument lists that a function, a class or a Public takes; empty when it does not say.

    A `method` is given as the class holds it, its first argument left out.
    """
    public = function if isinstance(function, Public) else public_of(function)
    if public is not None:
        ops = [op for op in public.ops if (op.method if method else op.function)] or public.ops
        return _distinct([op_arguments(op, method) for op in ops])
    return [found] if (found := _python_arguments(function, method)) is not None else []


def _distinct(lists: list[list[Argument]]) -> list[list[Argument]]:
    found: dict[str, list[Argument]] = {}
    for each in lists:
        found.setdefault(", ".join(f"{a.keyword_only}{a}" for a in each), each)
    return list(found.values())


def _python_arguments(function: Any, method: bool) -> list[Argument] | None:
    import inspect

    try:
        parameters = [*inspect.signature(function).parameters.values()][method:]
    except (TypeError, ValueError):
        return None
    found = []
    for p in parameters:
        if p.kind is p.VAR_KEYWORD:
            continue
        default = None if p.default is p.empty else repr(p.default)
        found.append(Argument(p.name, default, p.kind is p.KEYWORD_ONLY, p.kind is p.VAR_POSITIONAL))
    return found


def attribute(name: str) -> tuple[Any, bool]:
    """What stands behind an attribute of a Tensor: a Public, a plain function or a property; and whether it is an op's in-place form.

    Raises AttributeError when there is none.
    """
    own = getattr(Tensor, name)
    if name in OWN or isinstance(own, property) or getattr(own, "__qualname__", "").startswith("Tensor."):
        return own, False
    public = PUBLIC.get(name)
    return (public, False) if public is not None else (PUBLIC[name.removesuffix("_")], True)


def attribute_of_tensors(name: str) -> Any:
    """What stands behind an attribute of tensors, as `overloads` takes it; None where there is none."""
    return attribute(name)[0] if hasattr(Tensor, name) and not name.startswith("_") else None


def gives_tensor(function: Any, method: bool) -> bool:
    """Whether calling a function gives one tensor, as far as is known without a call."""
    public = function if isinstance(function, Public) else public_of(function)
    if public is None:
        return getattr(function, "__annotations__", {}).get("return") == "Tensor"
    return all(result_text(op) == "Tensor" for op in public.ops if (op.method if method else op.function))


def result_text(op: Op) -> str:
    """What an op gives, in a word or as the names of its parts."""
    fields: Sequence[str] = getattr(op, "fields", ())
    annotated = str(op.kernel.__annotations__.get("return", "Tensor"))
    return f"({', '.join(fields)})" if fields else {"Tensors": "tuple of Tensors"}.get(annotated, annotated)


def head(name: str, arguments: list[Argument]) -> str:
    """`cat(tensors, dim=0)`: what the family adds to every op is left out."""
    words: list[str] = []
    for a in arguments:
        if a.common:
            continue
        if a.keyword_only and "*" not in words and not any(each.spread for each in arguments):
            words.append("*")
        words.append(str(a))
    return f"{name}({', '.join(words)})"


def operators(public: str) -> list[str]:
    """The operators that call an op: `+` for add."""
    found = [_SYMBOLS[dunder] for dunder, name in BINARY.items() if name == public]
    return found + {"neg": ["-x"], "bitwise_not": ["~x"]}.get(public, [])


def dtype_names() -> list[str]:
    """The names of all dtypes, Python's left out."""
    return [*sorted(name for name in dtypes.BY_NAME if name not in ("bool", "int", "float")), "bool"]


def tensor_names() -> list[str]:
    """The attributes of tensors that a program may read."""
    from .namespace import tensor_attributes

    return sorted(name for name in tensor_attributes() if not name.startswith("_"))


@cache
def attribute_text(name: str) -> str:
    """The arguments of a method of tensors, or `attribute`."""
    own, _ = attribute(name)
    if isinstance(own, property):
        return "attribute"
    lists = overloads(own, method=True)
    return f"({', '.join(str(a) for a in lists[0] if not a.common)})" if lists else "()"
