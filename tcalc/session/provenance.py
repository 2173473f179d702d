"""Which of the earlier commands had to do with an error, with the line in it: exactly where observed, else read off their text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .reading import calls_in, first_line, last_word, of_library, own_parts, statements_of, text_of, words_of
from .targets import assigned, root_name, unpacked
from .tensors import is_tensor, memory_of, named_tensors, node_of
from .trail import Past, Trail

MAX_NODES = 10_000
# the ops that an operator of Python may run as
OPERATORS: dict[type[ast.operator | ast.unaryop], tuple[str, ...]] = {
    ast.Add: ("add",), ast.Sub: ("sub", "rsub"), ast.Mult: ("mul",), ast.Div: ("div", "reciprocal", "mul"), ast.Pow: ("pow",),
    ast.MatMult: ("matmul", "mm", "mv", "bmm", "dot"), ast.FloorDiv: ("floor_divide",), ast.Mod: ("remainder",), ast.USub: ("neg",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Related:
    """An earlier command that has to do with the error, and what it did.

    `line` of the input reads `text`: the part of the command that did it; 0 and empty for its first line. `here` marks
    the one to look at. When `command` defines a function, `caller` is the command that called it.
    """

    command: Past
    what: str
    line: int = 0
    text: str = ""
    here: bool = False
    caller: Past | None = None


def related(past: Past, what: str, statement: ast.stmt | None = None, *, here: bool = False, caller: Past | None = None) -> Related:
    """What a command did, in one statement of it."""
    if statement is None:
        return Related(past, what, here=here)
    text = first_line(text_of(past.source, statement))
    return Related(past, what, past.line + statement.lineno - 1, text, here, caller)


def op_of(node: Any) -> str:
    """What the user called to make a node: `exp` for ExpBackward0."""
    op = getattr(node, "op", None)
    return str(node.label) if op is None else str(op.public)


def at_op(trail: Trail, past: Past, op: str, what: str, *, here: bool = False) -> Related:
    """What a command did in the one statement that applies `op`, in a function it calls too; else in its first line."""
    found = _applying(past.source, op)
    if len(found) == 1:
        return related(past, what, found[0], here=here)
    for function in functions_of(definitions(trail), past) if not found else ():
        inner = _applying(function.source, op)
        if len(inner) == 1:
            return related(function, what, inner[0], here=here, caller=past)
    return Related(past, what, here=here)


def _applying(source: str, op: str) -> list[ast.stmt]:
    return [each for each in statements_of(source) if any(_applies(node, op) for node in own_parts(each))]


def _applies(node: ast.AST, op: str) -> bool:
    if isinstance(node, ast.Call):
        return last_word(node.func).rstrip("_") == op
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.UnaryOp)):
        return op in OPERATORS.get(type(node.op), ())
    return False


def definitions(trail: Trail) -> dict[str, Past]:
    """The functions of the program, each with the command that defines it."""
    return {
        statement.name: past
        for past in trail.commands
        if "def " in past.source
        for statement in statements_of(past.source)
        if isinstance(statement, ast.FunctionDef)
    }


def functions_of(defined: Mapping[str, Past], past: Past) -> list[Past]:
    """The commands that define the functions which a command calls, and those that these call."""
    found: list[Past] = []
    waiting = [past]
    while waiting and defined:
        source = waiting.pop().source
        words = words_of(source) & defined.keys()
        if not words:
            continue
        called = {last_word(call.func) for each in statements_of(source) for call in calls_in(list(own_parts(each)))}
        new = [defined[name] for name in sorted(called & words) if defined[name] not in found]
        found += new
        waiting += new
    return found


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that writes in place; `sure` when it surely writes to the storage asked for."""

    command: Past
    statement: ast.stmt
    sure: bool
    caller: Past | None = None


def name_of(storage: Any, variables: Mapping[str, object]) -> str | None:
    """A name whose tensor lies in `storage`, whole tensors before views."""
    names = [(name, tensor) for name, tensor in named_tensors(variables) if tensor.storage is storage]
    names.sort(key=lambda each: each[1].base is not None)
    return names[0][0] if names else None


def writers(trail: Trail, storage: Any, maker: Past | None, variables: Mapping[str, object]) -> Iterator[Write]:
    """The statements since `maker` that write in place, also those of functions that were called since."""
    defined = definitions(trail)
    for caller in trail.since(maker):
        for past in (caller, *functions_of(defined, caller)):
            if _IN_PLACE.search(past.source) is None or (past is caller and "def " in past.source):
                continue
            for statement in statements_of(past.source):
                for name in _written(statement):
                    value = variables.get(name)
                    if not is_tensor(value) or _same_memory(value, storage):
                        yield Write(past, statement, is_tensor(value), None if past is caller else caller)


# What a text must have in it to write in place: `add_(`, `+=`, `x[0] =`, `out=`, an optimiser's step.
_IN_PLACE = re.compile(r"_\(|[-+*/@%&|^<>]=|\]\s*=|\bout\s*=|\binplace\s*=|\bstep\(")


def _same_memory(tensor: Any, storage: Any) -> bool:
    return tensor.get_storage() is storage or memory_of(tensor) is storage


def _written(statement: ast.stmt) -> Iterator[str]:
    """The names through which a statement itself writes in place."""
    for target in assigned(statement):
        for part in unpacked(target):
            if isinstance(part, ast.Subscript) or isinstance(statement, ast.AugAssign):
                yield root_name(part) or ""
    for call in calls_in(list(own_parts(statement))):
        word = last_word(call.func)
        if word.endswith("_") and not word.endswith("__") and word != "requires_grad_":
            if isinstance(call.func, ast.Attribute) and not of_library(call.func):
                yield root_name(call.func.value) or ""
            elif call.args:
                yield root_name(call.args[0]) or ""
        elif word == "step":
            yield ""
        for keyword in call.keywords:
            if keyword.arg == "out":
                yield root_name(keyword.value) or ""
            elif keyword.arg == "inplace" and call.args:
                yield root_name(call.args[0]) or ""


def freers(trail: Trail, node: object, maker: Past | None, variables: Mapping[str, object]) -> list[tuple[Past, Past]]:
    """The commands since `maker` whose text runs backward, those whose tensors lead to `node` first, the failed one last.

    Each comes with the command that called it: itself, unless it defines a function.
    """
    sure: list[tuple[Past, Past]] = []
    possible: list[tuple[Past, Past]] = []
    last: list[tuple[Past, Past]] = []
    leading = {name.partition(".")[0] for name, tensor in named_tensors(variables) if graph_has(tensor, node)}
    defined = definitions(trail)
    for caller in trail.since(maker):
        for place in (caller, *functions_of(defined, caller)):
            if {"backward", "grad"}.isdisjoint(words_of(place.source)) or (place is caller and "def " in place.source):
                continue
            group = last if caller is trail.failed else sure if leading & words_of(caller.source) else possible
            group.append((place, caller))
    return sure + possible + last


def graph_has(tensor: Any, node: object) -> bool:
    """Whether a tensor's history goes through `node`, as far as MAX_NODES lead."""
    seen: set[int] = set()
    waiting = [node_of(tensor)]
    while waiting and len(seen) < MAX_NODES:
        each = waiting.pop()
        if each is node:
            return True
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            waiting.extend(each.edges)
    return False
