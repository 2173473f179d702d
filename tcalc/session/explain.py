"""What an expression would do, planned step by step from the inside out on tensors without memory; nothing of it is evaluated."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .failed import FILENAME, failure_of
from .hints import Mirrors, apart
from .lessons import Lesson, Step, lesson_of
from .origins import operands_of
from .reading import last_word, names_in, of_library, text_of
from .tensors import is_tensor, named_tensors

if TYPE_CHECKING:
    from ..engine.tensor import Tensor
    from ..lang.parse import Statement
    from .errors import Error
    from .session import Session

MAX_LESSONS = 8
MAX_NAME = 16


class Refused(Exception):
    """An expression that is not planned; the text is one line."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A tensor that would come out."""

    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int


@dataclass(slots=True)
class Explanation:
    """The lessons, innermost first; `left_out` of the inner ones are not among them. `error`: why it would fail there.

    `results` are the tensors that would come out, none when it fails.
    """

    lessons: list[Lesson] = field(default_factory=list)
    results: list[Planned] = field(default_factory=list)
    left_out: int = 0
    error: Error | None = None


def explain(source: str, session: Session) -> Explanation:
    """The plan of one expression.

    Raises Refused for what has effects, calls functions of the program, or depends on values; LangError for what is not in the
    language.
    """
    from ..lang.parse import parse

    statements = parse(source)
    expression = statements[0].node.value if len(statements) == 1 and isinstance(statements[0].node, ast.Expr) else None
    if expression is None:
        raise Refused("one expression is explained; an assignment or another statement would change something")
    variables = {**session.env.variables, "_": session.env.last}
    _refuse(expression, source, variables)
    from ..engine import namespace  # noqa: F401  # the names that the expression may use

    planner = _Planner(source, variables)
    found = apart(lambda: planner.plan(statements[0], expression), "meta")
    if found is None:
        raise Refused("it cannot be planned without the values")
    explanation, failure = found
    if isinstance(failure, Refused):
        raise failure
    if failure is not None:
        if _needs_values(failure):
            raise Refused(f"what comes out depends on values, and none are looked at ({str(failure).splitlines()[0]})")
        explanation.error = failure_of(failure, source, session, planner.environment.variables)
    explanation.left_out = max(len(explanation.lessons) - MAX_LESSONS, 0)
    del explanation.lessons[: explanation.left_out]
    return explanation


_ALLOWED = (
    ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.Slice, ast.Attribute, ast.Call, ast.Tuple, ast.List,
    ast.keyword, ast.Starred, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context,
)  # fmt: skip
_EFFECTS = {
    "backward": "runs backward", "grad": "runs backward", "print": "prints", "step": "changes parameters", "zero_grad": "changes gradients",
    "retain_grad": "changes the tensor", "register_hook": "changes the tensor", "manual_seed": "changes the random stream",
    "seed": "changes the random stream", "append": "changes the list", "extend": "changes the list", "insert": "changes the list",
    "pop": "changes the list", "clear": "changes the list", "update": "changes the dict", "set_grad_enabled": "changes a mode",
    "set_default_dtype": "changes a default", "set_default_device": "changes a default", "set_printoptions": "changes how tensors print",
    "set_rng_state": "changes the random stream",
}  # fmt: skip
_READERS = frozenset(
    ("item", "tolist", "numpy", "nonzero", "argwhere", "masked_select", "unique", "equal", "allclose", "bincount", "float", "int", "bool")
)


def _refuse(expression: ast.expr, source: str, variables: Mapping[str, object]) -> None:
    """Refuse what has effects or cannot be known beforehand.

    Raises Refused.
    """
    for node in ast.walk(expression):
        if not isinstance(node, _ALLOWED):
            what = text_of(source, node) if isinstance(node, ast.expr) else type(node).__name__
            raise Refused(f"{_cut(what)} is not planned: only operations on tensors are")
        if not isinstance(node, ast.Call):
            continue
        word, text = last_word(node.func), _cut(text_of(source, node.func))
        if isinstance(node.func, ast.Name) and word in variables:
            raise Refused(f"{word} is the program's own: what it would do is not planned")
        if not word:
            raise Refused(f"{text} is called, which is not planned")
        if word in _EFFECTS:
            raise Refused(f"{text}() {_EFFECTS[word]}, and nothing is run here")
        if word.endswith("_") and not word.endswith("__"):
            raise Refused(f"{text}() writes in place, and nothing is run here")
        if any(keyword.arg == "out" or (keyword.arg == "inplace" and not _is_false(keyword.value)) for keyword in node.keywords):
            raise Refused(f"{text}() would write to one of its arguments, and nothing is run here")
        if word in _READERS and not (isinstance(node.func, ast.Attribute) and word in ("float", "int", "bool")):
            raise Refused(f"{text}() depends on the values, and none are looked at")


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "..."


def _needs_values(failure: BaseException) -> bool:
    from ..engine.errors import EngineError

    return isinstance(failure, EngineError) and ("meta" in str(failure) or isinstance(failure, NotImplementedError))


class _Planner:
    """Plans an expression on mirrors of the variables."""

    def __init__(self, source: str, variables: Mapping[str, object]) -> None:
        from ..lang.run import Environment

        self.source, self.variables = source, variables
        self.environment = Environment()
        self.lessons: list[Lesson] = []
        self.numbers: dict[ast.expr, int] = {}
        self._parts: list[str] = []

    def plan(self, statement: Statement, expression: ast.expr) -> tuple[Explanation, BaseException | None]:
        """The lessons, and the exception where the plan ends."""
        failure: BaseException | None = None
        results: list[Planned] = []
        try:
            self._mirror(expression)
            value = self._value(expression)
            results = [_planned(each) for each in (value if isinstance(value, (tuple, list)) else [value]) if is_tensor(each)]
            if not self.lessons:
                self.lessons.append(Lesson("", "", _plain_value(value)))
        except Refused as exc:
            failure = exc
        except Exception as exc:
            failure = exc
            for name in self._parts:
                del self.environment.variables[name]
            try:  # once more as a whole, so that the place in the text is known
                self._run(statement)
            except Exception as again:
                failure = again
        return Explanation(self.lessons, results), failure

    def _mirror(self, expression: ast.expr) -> None:
        mirrors = Mirrors("meta")
        parameters = dict(named_tensors(self.variables))
        for name in names_in(expression):
            if name not in self.variables:
                continue
            mirrors.put(self.environment.variables, name, self.variables[name])
            if name not in self.environment.variables:
                kind = type(self.variables[name]).__name__
                more = " (name a parameter's tensor first)" if any(each.startswith(f"{name}.") for each in parameters) else ""
                raise Refused(f"{name} is a {kind}, which has no plan{more}")
        for name in self.variables:  # names that are near a wrong one
            self.environment.variables.setdefault(name, None)
        if "_" in self.environment.variables:
            self.environment.last = self.environment.variables.pop("_")

    def _value(self, node: ast.expr) -> Any:
        """What a part of the expression gives on the mirrors; a lesson is kept of every step with tensors."""
        if isinstance(node, (ast.Constant, ast.Name)):
            return self._evaluated(node)
        children = _children(node)
        values = {child: self._value(child) for child in children}
        names = {child: self._bind(value) for child, value in values.items() if not isinstance(child, ast.Constant)}
        written = _with_names(node, names)
        value = self._evaluated(written)
        tensors = {child: each for child, each in values.items() if is_tensor(each)}
        if isinstance(node, (ast.Tuple, ast.List, ast.Starred)):
            return value
        if _has_tensor(value) and (tensors or any(_has_tensor(each) for each in values.values())):
            self._teach(node, values, names, value)
        return value

    def _teach(self, node: ast.expr, values: Mapping[ast.expr, Any], names: Mapping[ast.expr, str], value: Any) -> None:
        operands: list[tuple[str, Any]] = []
        for operand in operands_of(node):
            given = values[operand] if operand in values else self._evaluated(_with_names(operand, names))
            operands.append((self._name(operand), given))
        if (
            isinstance(node, ast.Call)
            and len(node.args) == 1
            and isinstance(node.args[0], ast.Name)
            and isinstance(values.get(node.args[0]), (tuple, list))
        ):
            listed = values[node.args[0]]  # cat(parts)
            operands = [*operands[:-1], *((f"{node.args[0].id}[{place}]", each) for place, each in enumerate(listed))]

        def probe(given: Any) -> Any:
            """The same step with another tensor in place of the first operand."""
            first = next(child for child in operands_of(node) if is_tensor(values.get(child)))
            return self._evaluated(_with_names(node, {**names, first: self._bind(given)}))

        step = Step(node, " ".join(text_of(self.source, node).split()), operands, value, self._index(node, names), probe)
        self.lessons.append(lesson_of(step))
        self.numbers[node] = len(self.lessons)

    def _index(self, node: ast.expr, names: Mapping[ast.expr, str]) -> list[tuple[str, Any]]:
        """The items of an index, each with its text and value."""
        if not isinstance(node, ast.Subscript):
            return []
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        found = []
        for item in items:
            written = _with_names(item, names)
            value = self._slice(written) if isinstance(written, ast.Slice) else self._evaluated(written)
            found.append((_cut(text_of(self.source, item)), value))
        return found

    def _slice(self, node: ast.Slice) -> slice:
        return slice(*(None if part is None else self._evaluated(part) for part in (node.lower, node.upper, node.step)))

    def _name(self, node: ast.expr) -> str:
        """What to call an operand: its text when that is short, else the number of the step that gave it."""
        text = " ".join(text_of(self.source, node).split())
        if len(text) <= MAX_NAME or node not in self.numbers:
            return _cut(text)
        return f"step {self.numbers[node]}"

    def _bind(self, value: Any) -> str:
        name = f"part_{len(self._parts)}"
        while name in self.variables:
            name += "_"
        self._parts.append(name)
        self.environment.variables[name] = value
        return name

    def _evaluated(self, node: ast.expr) -> Any:
        from ..lang.parse import parse

        return self._run(parse(ast.unparse(node))[0])

    def _run(self, statement: Statement) -> Any:
        from ..lang.compile import compile_statement

        shown: list[object] = []
        self.environment.run(compile_statement(statement, FILENAME), shown.append, lambda text: None)
        return shown[-1] if shown else None


def _children(node: ast.expr) -> list[ast.expr]:
    """The parts of an expression that have values of their own: not what is called, not a slice, not a displayed tuple."""
    if isinstance(node, ast.Call):
        receiver = [node.func.value] if isinstance(node.func, ast.Attribute) and not of_library(node.func) else []
        return _flat([*receiver, *node.args, *(keyword.value for keyword in node.keywords)])
    if isinstance(node, ast.Subscript):
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        parts: list[ast.expr] = []
        for item in items:
            parts += [each for each in (item.lower, item.upper, item.step) if each is not None] if isinstance(item, ast.Slice) else [item]
        return _flat([node.value, *parts])
    if isinstance(node, ast.Attribute):
        return [] if of_library(node) else [node.value]
    return _flat([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)])


def _flat(nodes: list[ast.expr]) -> list[ast.expr]:
    found: list[ast.expr] = []
    for node in nodes:
        if isinstance(node, (ast.Tuple, ast.List)):
            found += _flat(list(node.elts))
        elif isinstance(node, ast.Starred):
            found += _flat([node.value])
        else:
            found.append(node)
    return found


class _Renamed(ast.NodeTransformer):
    """Writes names in place of parts that have been planned."""

    def __init__(self, names: Mapping[ast.expr, str]) -> None:
        self.names = names

    def visit(self, node: ast.AST) -> Any:
        name = self.names.get(node) if isinstance(node, ast.expr) else None
        if name is not None:
            return ast.Name(name, ast.Load())
        copy = type(node)(**{key: self._copied(value) for key, value in ast.iter_fields(node)})
        return copy

    def _copied(self, value: Any) -> Any:
        if isinstance(value, ast.AST):
            return self.visit(value)
        return [self._copied(each) for each in value] if isinstance(value, list) else value


def _with_names(node: ast.expr, names: Mapping[ast.expr, str]) -> Any:
    return _Renamed(names).visit(node)


def _has_tensor(value: object) -> bool:
    return is_tensor(value) or (isinstance(value, (tuple, list)) and any(map(_has_tensor, value)))


def _planned(tensor: Tensor) -> Planned:
    return Planned(tensor.dtype.name, tuple(tensor.shape), tensor.spec.strides, tensor.storage_offset())


def _plain_value(value: object) -> str:
    if is_tensor(value):
        return f"a tensor {tuple(value.shape)} {value.dtype.name}, stride {value.stride()}"
    from ..lang.text import echo_repr

    return f"a Python value: {_cut(echo_repr(value))}"
