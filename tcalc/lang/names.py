"""Which names a statement loads from outside itself, so that only these are looked up in the libraries."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import NamedTuple

# Fields that hold no nodes, or operators and contexts, which hold nothing and are all part of the language.
PLAIN_FIELDS = frozenset({"ctx", "op", "ops", "id", "attr", "asname", "module", "level", "kind", "conversion", "is_async", "simple", "type_comment"})
_PARTS: dict[type[ast.AST], tuple[str, ...]] = {ast.Constant: ()}  # the other fields of the types met so far
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one, without operators and contexts. `ast`'s own iterator takes most of the time of a short line."""
    parts = _PARTS.get(type(node))
    if parts is None:
        parts = _PARTS[type(node)] = tuple(name for name in node._fields if name not in PLAIN_FIELDS)
    found: list[ast.AST] = []
    for name in parts:
        value = getattr(node, name, None)
        if value.__class__ is list:
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


class Names(NamedTuple):
    """`loaded` maps a name to the first node that loads it; `deleted` and `imported` are names unbound or imported."""

    loaded: dict[str, ast.Name]
    deleted: frozenset[str]
    imported: frozenset[str]


_NONE: frozenset[str] = frozenset()


def _is_plain(statement: ast.stmt) -> bool:
    """Whether it binds nothing before it has loaded all it loads."""
    return type(statement) is ast.Expr or (type(statement) is ast.Assign and all([type(target) is ast.Name for target in statement.targets]))


def names_of(statement: ast.stmt, inside: list[ast.Name] | None = None) -> Names:
    """The global names of one top-level statement; `inside` are all of its names where none has a scope of its own.

    A name that the statement surely assigns first (a loop variable in its body) does not count as loaded: looking it up
    would only load the tensor library for nothing.
    """
    if inside is not None and _is_plain(statement):
        loaded: dict[str, ast.Name] = {}
        for node in inside:
            if type(node.ctx) is ast.Load:
                loaded.setdefault(node.id, node)
        return Names(loaded, _NONE, _NONE)
    finder = _Finder()
    finder.block([statement], frozenset(), set())
    return Names(finder.loaded, frozenset(finder.deleted), frozenset(finder.imported))


def loads_of(statement: ast.stmt, defined: Iterable[str]) -> list[ast.Name]:
    """Every node of a statement that loads a name from outside it which is not among those `defined` before it."""
    finder = _EveryLoad()
    finder.block([statement], frozenset(), set(defined))
    return finder.nodes


class _Finder:
    def __init__(self) -> None:
        self.loaded: dict[str, ast.Name] = {}
        self.deleted: set[str] = set()
        self.imported: set[str] = set()

    def block(self, body: list[ast.stmt], local: frozenset[str], assigned: set[str]) -> None:
        """Visit statements in order; `assigned` grows with what they surely bind."""
        for node in body:
            self.statement(node, local, assigned)

    def statement(self, node: ast.stmt, local: frozenset[str], assigned: set[str]) -> None:
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            if node.value is not None:
                self.expression(node.value, local, assigned)
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(node, ast.AugAssign) and isinstance(target, ast.Name):
                    self.load(target, local, assigned)
                self.expression(target, local, assigned)
        elif isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                self.expression(decorator, local, assigned)
            self.function(node.args, node.body, local, assigned | {node.name})
            assigned.add(node.name)
        elif isinstance(node, ast.For):
            self.expression(node.iter, local, assigned)
            inner = set(assigned)
            self.expression(node.target, local, inner)
            self.block(node.body, local, inner)
            self.block(node.orelse, local, set(assigned))
        elif isinstance(node, ast.With):
            for item in node.items:
                self.expression(item.context_expr, local, assigned)
                if item.optional_vars is not None:
                    self.expression(item.optional_vars, local, assigned)
            self.block(node.body, local, assigned)
        elif isinstance(node, (ast.If, ast.While)):
            self.expression(node.test, local, assigned)
            self.block(node.body, local, set(assigned))
            self.block(node.orelse, local, set(assigned))
        elif isinstance(node, ast.Try):
            self.block(node.body, local, set(assigned))
            for handler in node.handlers:
                if handler.type is not None:
                    self.expression(handler.type, local, assigned)
                bound = {handler.name} if handler.name else set()
                self.deleted.update(bound)
                self.block(handler.body, local, assigned | bound)
            self.block(node.orelse, local, set(assigned))
            self.block(node.finalbody, local, set(assigned))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound = {alias.asname or alias.name.split(".")[0] for alias in node.names}
            self.imported.update(bound)
            assigned.update(bound)
        else:
            for child in children(node):
                self.expression(child, local, assigned)

    def function(
        self, arguments: ast.arguments, body: list[ast.stmt] | ast.expr, local: frozenset[str], assigned: set[str]
    ) -> None:
        for default in [*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)]:
            self.expression(default, local, assigned)
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        inner = local | {each.arg for each in every if each is not None}
        if isinstance(body, ast.expr):
            self.expression(body, inner, set(assigned))
        else:
            self.block(body, inner | bound_in(body), set(assigned))

    def expression(self, node: ast.AST, local: frozenset[str], assigned: set[str]) -> None:
        right: list[ast.expr] = []
        while isinstance(node, ast.BinOp):
            right.append(node.right)
            node = node.left
        self.operand(node, local, assigned)
        for each in reversed(right):
            self.expression(each, local, assigned)

    def operand(self, node: ast.AST, local: frozenset[str], assigned: set[str]) -> None:
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                self.load(node, local, assigned)
            elif isinstance(node.ctx, ast.Store):
                assigned.add(node.id)
            else:
                self.deleted.add(node.id)
                assigned.discard(node.id)
        elif isinstance(node, ast.Lambda):
            self.function(node.args, node.body, local, assigned)
        elif isinstance(node, _COMPREHENSIONS):
            self.comprehension(node, local, assigned)
        elif isinstance(node, ast.NamedExpr):
            self.expression(node.value, local, assigned)
            self.expression(node.target, local, assigned)
        else:
            for child in children(node):
                self.expression(child, local, assigned)

    def comprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        local: frozenset[str],
        assigned: set[str],
    ) -> None:
        inner, scratch = local, set(assigned)
        for generator in node.generators:
            self.expression(generator.iter, inner, assigned)
            targets: set[str] = set()
            self.expression(generator.target, inner, targets)
            inner = inner | targets
            for test in generator.ifs:
                self.expression(test, inner, scratch)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for part in parts:
            self.expression(part, inner, scratch)

    def load(self, node: ast.Name, local: frozenset[str], assigned: set[str]) -> None:
        if node.id not in local and node.id not in assigned:
            self.loaded.setdefault(node.id, node)


class _EveryLoad(_Finder):
    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[ast.Name] = []

    def load(self, node: ast.Name, local: frozenset[str], assigned: set[str]) -> None:
        if node.id not in local and node.id not in assigned:
            self.nodes.append(node)


def bound_in(body: list[ast.stmt]) -> frozenset[str]:
    """The names that the body of a function makes local."""
    bound: set[str] = set()
    outer: set[str] = set()
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            bound.add(node.id)
        elif isinstance(node, ast.FunctionDef):
            bound.add(node.name)
            continue
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            outer.update(node.names)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, (ast.Lambda, *_COMPREHENSIONS)):
            # Their own variables are theirs; only a walrus inside reaches out.
            bound.update(each.target.id for each in ast.walk(node) if isinstance(each, ast.NamedExpr))
            continue
        stack.extend(ast.iter_child_nodes(node))
    return frozenset(bound - outer)
