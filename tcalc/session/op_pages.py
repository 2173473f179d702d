"""Help pages of ops: from the declaration, its family and its docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .page import HelpPage, around, phrases, see_of, session_of

if TYPE_CHECKING:
    from ..engine.registry import Op, Public

NO_GRADIENT = "0 everywhere"
_ELEMENTWISE_FILES = frozenset("pointwise whole_numbers exponentials trigonometry choosing rectifiers compare special numbers".split())


def op_page(public: Public) -> HelpPage:
    """The page of an op, all of its overloads."""
    from ..engine.describe import op_arguments, operators, read_docstring, result_text

    shown = sorted((op for op in public.ops if op.function or op.method), key=lambda op: op.family == "composite")
    op = shown[0]
    text = read_docstring(op.doc)
    method = not any(each.function for each in shown)
    heads = dict.fromkeys(
        f"{_signature(each, method)} -> {result_text(each)}" for each in public.ops if each in shown and (method or each.function)
    )
    fields: dict[str, str] = {}
    for each in shown:
        fields = {**read_docstring(each.doc).fields, **fields}
    keywords = dict.fromkeys(a.name for each in shown for a in op_arguments(each) if a.common)
    return HelpPage(
        _title(op, method),
        tuple(heads),
        _named(text.summary),
        also=(*operators(public.name), *_other_names(public), *_forms(public, method)),
        details=_named(text.details),
        keywords=tuple(keywords),
        shapes=fields.get("shapes", "") or _shapes(shown),
        storage=fields.get("storage", "") or _storage(op),
        grad=phrases(fields.get("grad", "")) or _grad(shown),
        cuda="; ".join(dict.fromkeys(f"computed on the CPU: {each.host}" for each in public.ops if each.host)),
        example=text.example,
        see=see_of(fields) or _beside(public),
    )


def _named(text: str) -> str:
    """The text of an op with its first tensor called as its signature does."""
    return re.sub(r"\bself\b", "input", text)


def _title(op: Op, method: bool) -> str:
    return f"Tensor.{op.public}" if method else f"{op.namespace}.{op.short}".removeprefix("torch.")


def _signature(op: Op, method: bool) -> str:
    from ..engine.describe import head, op_arguments

    return head(_title(op, method), op_arguments(op, method))


def in_place_page(public: Public) -> HelpPage:
    """The page of `x.NAME_`."""
    from ..engine.describe import head, overloads

    page = op_page(public)
    name = f"{public.name}_"
    if public.ops[0].family == "view":
        storage = "the same memory, the tensor itself is laid out anew"
    else:
        storage = "written in place, so every view of it changes; version + 1"
    return replace(
        page,
        name=f"Tensor.{name}",
        heads=tuple(dict.fromkeys(f"{head(f'Tensor.{name}', each)} -> the tensor itself" for each in overloads(public, method=True))),
        also=(),
        summary=f"In place: {page.summary[:1].lower()}{page.summary[1:]}",
        keywords=(),
        shapes="kept; the arguments broadcast to it" if public.ops[0].family == "elementwise" else page.shapes,
        storage=storage,
        example=in_place_example(public),
        see=(public.name, "in-place", "version"),
    )


def _other_names(public: Public) -> list[str]:
    return [alias for op in public.ops for alias in op.aliases if not alias.startswith(("linalg_", "inner_"))]


def _forms(public: Public, method: bool) -> list[str]:
    """The method and the in-place form."""
    from ..engine.tensor import Tensor

    found = [f"x.{public.name}()"] if not method and any(op.method for op in public.ops) else []
    return found + ([f"x.{public.name}_()"] if hasattr(Tensor, f"{public.name}_") else [])


def _shapes(ops: Sequence[Op]) -> str:
    """The rule that a family has for all of its ops."""
    op = ops[0]
    if op.family == "elementwise" or (op.file in _ELEMENTWISE_FILES and op.family in ("composite", "structural")):
        return "any; kept" if len(op.inputs) == 1 else "broadcast: (a, 1), (b)  ->  (a, b)"
    if op.family == "reduction":
        if not any("dim" in each.signature.positions for each in ops):
            return "any  ->  ()"
        keep = ", keepdim=True: (1, b)" if any("keepdim" in each.signature.positions for each in ops) else ""
        return f"(a, b)  ->  (), dim=0: (b){keep}"
    if op.family == "mutation":
        return "kept; arguments broadcast to it"
    if op.family == "creation":
        if "size" in op.signature.positions:
            return "as given"
        if getattr(op, "like", "") == "like":
            return "input's"
    return ""


def _storage(op: Op) -> str:
    return {"view": "shares input's, nothing copied", "mutation": "written in place, so every view of it changes; version + 1"}.get(
        op.family, "always new"
    )


def _grad(ops: Sequence[Op]) -> tuple[tuple[str, str], ...]:
    """What each input receives: formulas where they read as expressions of public names."""
    op = next((each for each in ops if each.differentiable), ops[0])
    if not op.differentiable:
        if op.family == "creation":
            return phrases("none: a new leaf (requires_grad=True records what follows)")
        result = getattr(op, "returns", None) or {"bool": "bool", "index": "int64"}.get(getattr(op, "result", ""))
        if result is not None:
            return phrases(f"none: the result is {str(result).removeprefix('torch.')}")
        return phrases("through the ops it is made of" if op.family == "composite" else "none: it has no derivative")
    from ..engine.formulas import gradient_text
    from ..engine.signature import shown

    texts = [(shown(name), readable(gradient_text(op, name))) for name in op.inputs if name in op.formulas]
    if not texts or any(not text for _, text in texts):
        return ()
    if len({text for _, text in texts}) == 1 and (len(op.inputs) == 1 or texts[0][1] == NO_GRADIENT):
        return phrases(texts[0][1])
    if op.family == "elementwise" and len(op.inputs) > 1:
        texts.append(("", "summed back to the input's shape where that was broadcast"))
    return tuple(texts)


def readable(formula: str | None) -> str:
    """A formula in public names; empty when it needs others."""
    from ..engine.namespace import table
    from ..engine.registry import OPS

    if formula is None:
        return ""
    tree = ast.parse(formula, mode="eval").body
    if formula == "grad * 0" or (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "zeros_of"):
        return NO_GRADIENT
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            op = OPS.get(node.func.id)
            if op is not None and (op.function or op.method):
                node.func.id = op.public
            elif node.func.id not in table("torch") and node.func.id not in ("tuple", "min", "max", "log", "sqrt"):
                return ""
        if isinstance(node, ast.Name) and node.id == "self":
            node.id = "input"
    return ast.unparse(tree)


def _beside(public: Public) -> tuple[str, ...]:
    """Ops declared next to one: same file, same family."""
    from ..engine.registry import OPS

    op = public.ops[0]
    near = dict.fromkeys(
        _title(each, False)
        for each in OPS.values()
        if each.file == op.file and each.family == op.family and (each.function or each.method)
    )
    return around([*near], _title(op, False))


def in_place_example(public: Public) -> str:
    """The example of an op as one of its in-place form: the first tensor gets a name, then it is written."""
    from ..engine.describe import read_docstring
    from ..engine.errors import EngineError

    typed = [line[4:] for op in public.ops for line in read_docstring(op.doc).example.split("\n") if line.startswith(">>> ")]
    for source in typed:
        parts = _call_parts(source, public.name)
        if parts is None:
            continue
        first, rest = parts
        for start in (first, f"{first}.float()"):  # integers do not hold every result
            try:
                return session_of(f"x = {start}", f"x.{public.name}_({rest})")
            except EngineError:
                continue
    return ""


def _call_parts(source: str, name: str) -> tuple[str, str] | None:
    """The tensor and the other arguments of the call of `name` in a statement, as text."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        function, arguments = call.func, list(call.args)
        if isinstance(function, ast.Attribute) and function.attr == name and not isinstance(function.value, (ast.Name, ast.Attribute)):
            first: ast.expr = function.value
        elif getattr(function, "attr", getattr(function, "id", None)) == name and arguments:
            first = arguments.pop(0)
        else:
            continue
        return ast.unparse(first), ", ".join(ast.unparse(each) for each in (*arguments, *call.keywords))
    return None
