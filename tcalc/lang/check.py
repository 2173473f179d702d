"""The allow-list over a statement's tree: nodes, names, literals and nesting; everything not listed is refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

from tcalc.lang.errors import Kind, LangError
from tcalc.lang.names import children
from tcalc.lang.parse import Source, Statement

MAX_DEPTH = 200
MAX_TERMS = 5_000
MAX_LITERAL_BITS = 1_000_000

# What `import` may name. Nothing is imported: the names are bound to tcalc's own tables.
MODULES = frozenset(
    {
        "torch", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.utils", "torch.optim",
        "torch.optim.lr_scheduler", "torch.distributed", "torch.nn.parallel", "torch.autograd", "torch.autograd.functional", "torch.cuda", "torch.linalg",
        "torch.fft", "torch.special", "torch.masked", "torch.signal", "torch.signal.windows", "torch.random", "torch.func", "math", "numpy", "numpy.linalg", "numpy.random",
    }
)  # fmt: skip

_ALLOWED: frozenset[type[ast.AST]] = frozenset(
    {
        # statements
        ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.If, ast.For, ast.While, ast.With, ast.Try,
        ast.Raise, ast.Assert, ast.FunctionDef, ast.Return, ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal,
        ast.Import, ast.ImportFrom,
        # expressions
        ast.BoolOp, ast.NamedExpr, ast.BinOp, ast.UnaryOp, ast.Lambda, ast.IfExp, ast.Dict, ast.Set, ast.ListComp,
        ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Compare, ast.Call, ast.FormattedValue, ast.JoinedStr,
        ast.Constant, ast.Attribute, ast.Subscript, ast.Starred, ast.Name, ast.List, ast.Tuple, ast.Slice,
        # parts
        ast.comprehension, ast.ExceptHandler, ast.arguments, ast.arg, ast.keyword, ast.alias, ast.withitem,
        ast.Load, ast.Store, ast.Del, ast.And, ast.Or,
        ast.Add, ast.Sub, ast.Mult, ast.MatMult, ast.Div, ast.Mod, ast.Pow, ast.LShift, ast.RShift, ast.BitOr,
        ast.BitXor, ast.BitAnd, ast.FloorDiv, ast.Invert, ast.Not, ast.UAdd, ast.USub,
        ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn,
    }
)  # fmt: skip

_REFUSED = {
    "ClassDef": "class is not part of the language; use def, and the modules of nn",
    "AsyncFunctionDef": "async is not part of the language",
    "AsyncFor": "async is not part of the language",
    "AsyncWith": "async is not part of the language",
    "Await": "await is not part of the language",
    "Yield": "yield is not part of the language; build a list",
    "YieldFrom": "yield is not part of the language; build a list",
    "Match": "match is not part of the language; use if and elif",
    "TryStar": "except* is not part of the language; use except",
    "TypeAlias": "type statements are not part of the language",
    "TemplateStr": "template strings are not part of the language; use an f-string",
}
CUSTOM_DERIVATIVE = (
    "autograd.Function is not part of the language: custom derivatives are declared from Python, as an op with a formula"
    " (docs/extending.md)"
)
_HIDDEN_ATTRIBUTE = re.compile(r"_|(?:gi|cr|ag|f|tb|func|co)_|mro$")
_FORMATTING = {"format", "format_map"}
GRAD_MODES = frozenset({"no_grad", "enable_grad", "inference_mode"})
_LOOPS = (ast.For, ast.While)
_SCOPES = frozenset({ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.NamedExpr})


def check(statement: Statement) -> list[ast.Name] | None:
    """Refuse, with a LangError at the place, whatever the language does not offer.

    The names in it, in order, unless some part has a scope or a binding of its own.
    """
    origin = statement.origin
    names: list[ast.Name] = []
    plain = True
    stack: list[tuple[ast.AST, int, int]] = [(statement.node, 0, 0)]
    while stack:
        node, depth, terms = stack.pop()
        kind = type(node)
        if kind not in _ALLOWED:
            name = kind.__name__
            custom = isinstance(node, ast.ClassDef) and any(map(_is_autograd_function, node.bases))
            raise _refusal(origin, node, CUSTOM_DERIVATIVE if custom else _REFUSED.get(name, f"{name} is not part of the language"))
        if depth > MAX_DEPTH:
            raise _refusal(origin, node, f"nested more than {MAX_DEPTH} deep", "limit")
        if terms > MAX_TERMS:
            raise _refusal(origin, node, f"an expression of more than {MAX_TERMS} terms", "limit")
        special = _SPECIAL.get(kind)
        if special is not None:
            special(origin, node)
        if isinstance(node, ast.Name):
            names.append(node)
        elif isinstance(node, ast.BinOp):
            # A sum leans to the left: its terms nest without brackets and do not count as depth.
            stack += (node.left, depth, terms + 1), (node.right, depth + 1, 0)
        elif kind is not ast.Constant:
            plain = plain and kind not in _SCOPES
            stack += [(child, depth + 1, 0) for child in children(node)]
    return names[::-1] if plain else None


def _refusal(origin: Source, node: ast.AST, message: str, kind: Kind = "refused") -> LangError:
    return LangError(message, origin.node_span(node), kind)


def _is_autograd_function(base: ast.expr) -> bool:
    """`Function`, `autograd.Function`, `torch.autograd.Function`: whatever comes before the name."""
    return (base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")) == "Function"


def check_name(origin: Source, node: ast.AST, name: str | None) -> None:
    """Refuse dunder names; a variable may open with one underscore, since no name behind one resolves to anything."""
    if name is None:
        return
    if not name.isascii():
        import unicodedata

        if unicodedata.normalize("NFKC", name) != name:
            raise _refusal(origin, node, "this name is not in Unicode's normal form")
    if name.startswith("__"):
        raise _refusal(origin, node, f"names that start with two underscores are not part of the language: {name}")


def _name(origin: Source, node: ast.Name) -> None:
    check_name(origin, node, node.id)


def _attribute(origin: Source, node: ast.Attribute) -> None:
    if node.attr in _FORMATTING:
        raise _refusal(origin, node, f".{node.attr} is not part of the language; use an f-string")
    if _HIDDEN_ATTRIBUTE.match(node.attr):
        raise _refusal(origin, node, f"attributes like .{node.attr} are not part of the language")
    if isinstance(node.ctx, ast.Del) and node.attr != "grad":
        raise _refusal(origin, node, "attributes other than .grad cannot be deleted")


def _constant(origin: Source, node: ast.Constant) -> None:
    value = node.value
    if isinstance(value, bytes):
        raise _refusal(origin, node, "bytes are not part of the language")
    if type(value) is int and value.bit_length() > MAX_LITERAL_BITS:
        raise _refusal(origin, node, f"an integer of more than {MAX_LITERAL_BITS} bits", "limit")


def _function(origin: Source, node: ast.FunctionDef) -> None:
    check_name(origin, node, node.name)
    for decorator in node.decorator_list:
        if not _is_grad_mode(decorator):
            message = "the only decorators of the language are the grad modes of torch, such as @torch.no_grad()"
            raise _refusal(origin, decorator, message)


def _is_grad_mode(decorator: ast.expr) -> bool:
    """`torch.no_grad()` and its kin, without the prefix too; set_grad_enabled needs its argument."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "torch":
        name = called.attr
    else:
        name = called.id if isinstance(called, ast.Name) else ""
    return name in GRAD_MODES or (name == "set_grad_enabled" and called is not decorator)


def _argument(origin: Source, node: ast.arg) -> None:
    check_name(origin, node, node.arg)


def _keyword(origin: Source, node: ast.keyword) -> None:
    if node.arg is not None and node.arg.startswith("_"):
        raise _refusal(origin, node, f"keywords that start with an underscore are not part of the language: {node.arg}")
    check_name(origin, node, node.arg)


def _comprehension(origin: Source, node: ast.comprehension) -> None:
    if node.is_async:
        raise _refusal(origin, node.iter, "async is not part of the language")


def _scope(origin: Source, node: ast.Global | ast.Nonlocal) -> None:
    for name in node.names:
        check_name(origin, node, name)


def _handler(origin: Source, node: ast.ExceptHandler) -> None:
    check_name(origin, node, node.name)
    types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
    for each in types:
        if not isinstance(each, (ast.Name, ast.Attribute)):
            raise _refusal(origin, each, "except takes the name of an exception, or a tuple of names")


def _try(origin: Source, node: ast.Try) -> None:
    """A jump out of `finally` swallows the exception on its way, an interrupt too."""
    for jump in _jumps(node.finalbody, in_loop=False):
        word = type(jump).__name__.lower()
        raise _refusal(origin, jump, f"{word} may not leave a finally block")


def _jumps(body: list[ast.stmt], in_loop: bool) -> Iterator[ast.stmt]:
    """The statements of a block that would jump out of it."""
    for node in body:
        if isinstance(node, ast.Return) or (isinstance(node, (ast.Break, ast.Continue)) and not in_loop):
            yield node
        elif not isinstance(node, ast.FunctionDef):
            looping = in_loop or isinstance(node, _LOOPS)
            yield from _jumps(getattr(node, "body", []), looping)
            yield from _jumps(getattr(node, "orelse", []), in_loop)
            yield from _jumps(getattr(node, "finalbody", []), in_loop)
            for handler in getattr(node, "handlers", []):
                yield from _jumps(handler.body, in_loop)


def _import(origin: Source, node: ast.Import) -> None:
    for alias in node.names:
        _alias(origin, alias)
        if alias.name not in MODULES:
            raise _unknown_module(origin, alias, alias.name)


def _import_from(origin: Source, node: ast.ImportFrom) -> None:
    if node.module == "__future__":
        return
    if node.module == "torch.autograd.function":
        raise _refusal(origin, node, CUSTOM_DERIVATIVE)
    if node.level or node.module not in MODULES:
        raise _unknown_module(origin, node, "." * node.level + (node.module or ""))
    for alias in node.names:
        if alias.name == "*":
            raise _refusal(origin, alias, f"import the names you want: from {node.module} import ...")
        if alias.name.startswith("_"):
            raise _refusal(origin, alias, f"names like {alias.name} are not part of the language")
        _alias(origin, alias)


def _alias(origin: Source, alias: ast.alias) -> None:
    check_name(origin, alias, alias.asname)


def _unknown_module(origin: Source, node: ast.AST, name: str) -> LangError:
    return _refusal(origin, node, f"cannot import {name}: only torch, numpy and math can be imported")


_SPECIAL: dict[type[ast.AST], Callable[[Source, Any], None]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Constant: _constant,
    ast.FunctionDef: _function,
    ast.arg: _argument,
    ast.keyword: _keyword,
    ast.comprehension: _comprehension,
    ast.Global: _scope,
    ast.Nonlocal: _scope,
    ast.ExceptHandler: _handler,
    ast.Try: _try,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
}
