"""Which part of which command made a graph node: the op call in its text, and the text of each of its inputs."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .provenance import OPERATORS, definitions, functions_of
from .reading import last_word, of_library, own_parts, statements_of, text_of
from .targets import assigned
from .tensors import named_tensors, node_of

if TYPE_CHECKING:
    from .trail import Past, Trail

MAX_LABEL = 32
MAX_NODES = 10_000  # nodes of one command that are looked for in its text
_INDEXING = ("index", "select", "slice", "unsqueeze", "alias", "index_put", "copy", "fill")
_TURNED = {"T": ("permute", "t", "numpy_T"), "mT": ("transpose",), "H": ("transpose",), "mH": ("transpose",)}
Part = ast.expr | ast.stmt


@dataclass(frozen=True, slots=True)
class Origin:
    """The command that made a node, and in it the part that did: its text, the text of each of the op's inputs.

    `text` is empty where the part is not known, and so is that of an input. `inner` says that the node is one of several
    that the call of `text` made, and not the one of its result.
    """

    command: Past | None
    text: str = ""
    inputs: tuple[str, ...] = ()
    inner: bool = False


class Origins:
    """Finds origins for the nodes of one graph."""

    def __init__(self, trail: Trail, nodes: Iterable[Any], variables: Mapping[str, object]) -> None:
        self._trail, self._variables = trail, variables
        self._found: dict[Any, Origin] = {}
        self._made: dict[int, list[Any]] = {}
        self._functions = definitions(trail)
        self._used: set[Part] = set()  # parts that some node was matched with
        self.names = names_of_nodes(variables)
        pasts: dict[int, Past] = {}
        for node in nodes:
            past = trail.maker(node)
            if past is not None:
                pasts[past.number] = past
                self._made.setdefault(past.number, []).append(node)
        for number, made in self._made.items():
            self._settle(pasts[number], made)

    def of(self, node: Any) -> Origin:
        """The origin of a node, with nothing in it but the command when the part cannot be told."""
        return self._found.get(node) or Origin(self._trail.maker(node))

    def name(self, node: Any) -> str:
        """The variable that holds the node's result, else the text that made it, empty when neither is known."""
        origin = self.of(node)
        return self.names.get(id(node)) or ("" if origin.inner else origin.text)

    def _settle(self, past: Past, made: list[Any]) -> None:
        """Match the nodes of one command, newest first: the newest is the outermost call of the last statement."""
        if len(made) > MAX_NODES:
            return
        sources = [past, *functions_of(self._functions, past)]
        parts = [(each.source, statement) for each in sources for statement in reversed(statements_of(each.source))]
        tops = [(source, top) for source, statement in parts for top in _tops(statement)]
        inner = [(source, part) for source, top in tops for part in _ops_in(top)]
        members = set(made)
        for node in sorted(made, key=lambda each: -each.seq):
            if node in self._found:
                continue
            fits = [(source, top) for source, top in tops if applies(top, node)]
            if not fits:
                fits = [(source, part) for source, part in inner if applies(part, node)]
                fits = _only(fits) or _only([each for each in fits if each[1] not in self._used])
            if not fits and len(tops) == 1 and isinstance(tops[0][1], ast.Call) and len(sources) == 1:
                fits = tops
            if fits:
                self._match(past, *fits[0], node, members)

    def _match(self, past: Past, source: str, part: Part, node: Any, members: set[Any]) -> None:
        """Give a node its part of the text, and those behind it the parts of the operands."""
        waiting = [(part, node, False)]
        while waiting:
            part, node, inner = waiting.pop()
            if node not in members or node in self._found:
                continue
            exact = applies(part, node)
            if not exact and (not isinstance(part, ast.Call) or last_word(part.func) in self._functions):
                continue  # what a function of the program made is looked for in its own text
            operands = operands_of(part)
            inputs = _in_order(part, operands, node) if exact else []
            texts = tuple(_short(text_of(source, each)) if each is not None else "" for each in inputs)
            if exact:
                self._used.add(part)
            self._found[node] = Origin(past, _short(text_of(source, part)), texts, inner)
            for place, edge in enumerate(node.edges):
                below = None if edge is None else getattr(edge, "owner", edge)
                if below is None:
                    continue
                given = inputs[place] if place < len(inputs) else None
                if given is not None:
                    waiting.append((given, below, False))
                else:  # one op of several that the call runs: what is behind is an operand's, or the call's as well
                    operand = next((each for each in operands if applies(each, below)), None)
                    waiting.append((part, below, True) if operand is None else (operand, below, False))


def _only(fits: list[tuple[str, Part]]) -> list[tuple[str, Part]]:
    """The parts when they all read the same, else none."""
    return fits if len({text_of(source, part) for source, part in fits}) == 1 else []


def names_of_nodes(variables: Mapping[str, object]) -> dict[int, str]:
    """The names of variables by the identity of the node that made them; of several names the first."""
    names: dict[int, str] = {}
    for name, tensor in named_tensors(variables):
        node = node_of(tensor)
        if node is not None:
            names.setdefault(id(node), name)
            names.setdefault(id(getattr(node, "owner", node)), name)
    return names


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 3] + "..."


def _tops(statement: ast.stmt) -> list[Part]:
    """What a statement computes, outermost."""
    if isinstance(statement, ast.AugAssign):
        return [statement, statement.value]
    if isinstance(statement, ast.Assign) and any(isinstance(target, ast.Subscript) for target in assigned(statement)):
        return [statement, statement.value]
    value = getattr(statement, "value", None)
    if isinstance(value, (ast.Tuple, ast.List)):
        return list(reversed(value.elts))
    return [_shown(value)] if isinstance(value, ast.expr) else []


def _shown(value: ast.expr) -> ast.expr:
    """The expression without what ends a trace and makes no node: `.backward()`, `.item()`."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in ("backward", "item", "retain_grad"):
        value = value.func.value
    return value


def _ops_in(part: Part) -> list[Part]:
    kinds = (ast.Call, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.Attribute)
    if isinstance(part, ast.stmt):
        return [each for each in own_parts(part) if isinstance(each, kinds)]
    return [each for each in ast.walk(part) if isinstance(each, kinds)]


def applies(part: Part, node: Any) -> bool:
    """Whether a part of a command's text is a call of the op that made a node."""
    op = getattr(node, "op", None)
    if op is None:
        return isinstance(part, (ast.AugAssign, ast.Assign)) and node.label == "CopySlices"
    if isinstance(part, ast.Assign):
        return op.public in _INDEXING
    if isinstance(part, ast.Call):
        word = last_word(part.func)
        return op.public in {word, word.rstrip("_"), _public(word)}
    if isinstance(part, (ast.BinOp, ast.AugAssign)):
        return op.public in OPERATORS.get(type(part.op), ())
    if isinstance(part, ast.UnaryOp):
        return isinstance(part.op, ast.USub) and op.public == "neg"
    if isinstance(part, ast.Subscript):
        return op.public in _INDEXING
    return isinstance(part, ast.Attribute) and op.public in _TURNED.get(part.attr, ())


def _public(word: str) -> str:
    """The op behind an alias: add for `torch.Tensor.add_`, mul for multiply."""
    from ..engine.registry import PUBLIC

    public = PUBLIC.get(word) or PUBLIC.get(word.rstrip("_"))
    return "" if public is None else public.ops[0].public


def operands_of(part: Part) -> list[ast.expr]:
    """The operands of an op call as written, the receiver first; a list of tensors counts as its members."""
    if isinstance(part, ast.BinOp):
        return [part.left, part.right]
    if isinstance(part, ast.AugAssign):
        return [part.target, part.value]
    if isinstance(part, ast.Compare):
        return [part.left, *part.comparators]
    if isinstance(part, ast.UnaryOp):
        return [part.operand]
    if isinstance(part, (ast.Subscript, ast.Attribute)):
        return [part.value]
    if not isinstance(part, ast.Call):
        return []
    receiver = [part.func.value] if isinstance(part.func, ast.Attribute) and not of_library(part.func) else []
    given = [*receiver, *part.args, *(keyword.value for keyword in part.keywords)]
    first = given[0] if given else None
    return [*first.elts, *given[1:]] if isinstance(first, (ast.Tuple, ast.List)) else given


def _in_order(part: Part, operands: Sequence[ast.expr], node: Any) -> list[ast.expr | None]:
    """The operand for each edge of a node; None where that is not sure."""
    op = getattr(node, "op", None)
    count = len(node.edges)
    if op is None:
        return [None] * count
    found: list[ast.expr | None] = list(operands)
    if isinstance(part, ast.BinOp) and count <= 2:
        right_first = op.name.startswith("rsub") or (isinstance(part.left, ast.Constant) and op.name not in ("pow_base", "where"))
        if right_first:
            found = [part.right, part.left]
    if isinstance(part, ast.Call) and part.keywords and not isinstance(part.func, ast.Lambda):
        by_name = {keyword.arg: keyword.value for keyword in part.keywords}
        positional = [each for each in operands if all(each is not value for value in by_name.values())]
        if count == len(op.inputs):
            found = [by_name.get(name) or (positional[place] if place < len(positional) else None) for place, name in enumerate(op.inputs)]
    if len(found) >= count:
        places = getattr(op, "input_places", range(count))
        if isinstance(part, ast.Call) and not part.keywords and len(places) == count and max(places, default=0) < len(found):
            return [found[place] for place in places]  # where(condition, a, b), masked_fill(mask, value)
        return found[:count]
    return [*found, *[None] * (count - len(found))]
