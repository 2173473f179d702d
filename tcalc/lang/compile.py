"""Rewrites a checked statement so that attributes, risky operators and echoes pass our gates, and compiles it.

The gates are globals whose names no program can write (they start with a dot), so nothing shadows or reads them.
Every new node takes the place of the text it stands for: carets come from `code.co_positions()`.
"""

from __future__ import annotations

import ast
import itertools
import opcode
from collections.abc import Callable
from types import CodeType
from typing import TypedDict

from tcalc.lang.check import check
from tcalc.lang.errors import LangError
from tcalc.lang.names import Names, names_of
from tcalc.lang.parse import Compiling, Source, Statement
from tcalc.lang.places import remember
from tcalc.lang.tokens import USER_CODE

_LOAD, _STORE = ast.Load(), ast.Store()
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: ".add",
    ast.Mult: ".mul",
    ast.Mod: ".mod",
    ast.Pow: ".pow",
    ast.LShift: ".lshift",
}
_INPLACE: dict[type[ast.operator], str] = {
    ast.Add: ".iadd",
    ast.Mult: ".imul",
    ast.Mod: ".imod",
    ast.Pow: ".ipow",
    ast.LShift: ".ilshift",
    # these cannot grow anything, but tensors take NumPy's numbers only from the helper
    ast.Sub: ".isub",
    ast.Div: ".itruediv",
    ast.FloorDiv: ".ifloordiv",
}
_NEVER_GROW = (ast.Sub, ast.Div, ast.FloorDiv)
_FORBIDDEN = frozenset(
    number
    for name, number in opcode.opmap.items()
    if name.endswith("_ATTR")
    or name.startswith(("IMPORT", "LOAD_METHOD", "LOAD_BUILD_CLASS", "YIELD", "GET_AWAITABLE"))
)
_serial = itertools.count()


class _Place(TypedDict):
    lineno: int
    col_offset: int
    end_lineno: int | None
    end_col_offset: int | None


class Code:
    """A compiled statement: the code object, the global names it loads with the nodes that do, and the text it came from."""

    def __init__(self, code: CodeType, filename: str, statement: Statement, found: Names) -> None:
        self.code = code
        self.filename = filename
        self.statement = statement
        self.names = found.loaded
        self.deleted = found.deleted
        self.imported = found.imported

    @property
    def origin(self) -> Source:
        """The text that the positions of `code` count in."""
        return self.statement.origin


def compile_statement(statement: Statement, filename: str = "<input>") -> Code:
    """Check, rewrite and compile; raises LangError for anything that is not the language's.

    A line that came before is compiled once.
    """
    if statement.compiled:
        code, found = statement.compiled
    else:
        code, found = _compiled(statement)
        # a function in it would outlive the run, and its frames would be looked for on the wrong line
        if statement.again and not any(isinstance(constant, CodeType) for constant in code.co_consts):
            statement.compiled += code, found
    remember(code, filename, statement)
    return Code(code, filename, statement, found)


def _compiled(statement: Statement) -> tuple[CodeType, Names]:
    inside = check(statement)
    origin = statement.origin
    found: Names = names_of(statement.node, inside)
    label = f"{USER_CODE}{next(_serial)}>"
    try:
        with Compiling():
            quiet = frozenset() if statement.silent else statement.quiet_lines
            body = Rewriter(quiet).top(statement.take_node())
            code = compile(ast.Module(body=body, type_ignores=[]), label, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise _from_syntax_error(error, origin) from None
    except (RecursionError, MemoryError):
        raise LangError("nested too deeply to run", origin.node_span(statement.node), "limit") from None
    except (ValueError, OverflowError, UnicodeError) as error:
        raise LangError(str(error).split("\n", 1)[0], origin.node_span(statement.node)) from None
    _verify(code)
    return code, found


def _verify(code: CodeType) -> None:
    """Hold the result to the promise: no instruction that reaches an attribute or imports has come through."""
    if not _FORBIDDEN.isdisjoint(code.co_code[::2]):
        raise AssertionError("the rewriter left an attribute access or an import")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _verify(constant)


def _from_syntax_error(error: SyntaxError, origin: Source) -> LangError:
    line, col = error.lineno or 1, max((error.offset or 1) - 1, 0)
    end_line, end_col = error.end_lineno or line, (error.end_offset or 0) - 1
    if (end_line, end_col) <= (line, col):
        end_line, end_col = line, col + 1
    return LangError(error.msg, origin.span(line, col, end_line, end_col))


def _place(node: ast.expr | ast.stmt | ast.ExceptHandler) -> _Place:
    return {
        "lineno": node.lineno,
        "col_offset": node.col_offset,
        "end_lineno": node.end_lineno,
        "end_col_offset": node.end_col_offset,
    }


def _call(helper: str, args: list[ast.expr], at: ast.expr | ast.stmt) -> ast.Call:
    place = _place(at)
    return ast.Call(func=ast.Name(id=helper, ctx=_LOAD, **place), args=args, keywords=[], **place)


def _text(value: str, at: ast.expr | ast.stmt) -> ast.Constant:
    return ast.Constant(value=value, **_place(at))


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _is_float(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is float


def _harmless(node: ast.BinOp) -> bool:
    """Whether an operator of the risky kind cannot grow anything here: one operand is a literal that forbids it."""
    left, right, kind = node.left, node.right, type(node.op)
    if kind is ast.Add:
        return _is_number(left) or _is_number(right)
    if kind is ast.Mult:
        return _is_float(left) or _is_float(right)
    if kind is ast.Mod:
        return _is_number(left)
    return kind is ast.Pow and (_is_float(left) or _is_float(right))


def _never_tuple(node: ast.expr) -> bool:
    """Whether an expression certainly is no tuple, so that a tuple around it nests no deeper."""
    return isinstance(node, (ast.Constant, ast.Compare, ast.JoinedStr, ast.ListComp, ast.List, ast.Dict, ast.Set)) or (
        isinstance(node, ast.UnaryOp) and _never_tuple(node.operand)
    )


class Rewriter:
    """Turns one statement's tree into the tree that runs."""

    def __init__(self, quiet_lines: frozenset[int]) -> None:
        self.quiet_lines = quiet_lines

    def top(self, node: ast.stmt) -> list[ast.stmt]:
        """The statements for one top-level statement, with its bare expressions echoed."""
        if isinstance(node, ast.Expr):
            return [self._echo(node)]
        return self._statement(node, True)

    # statements

    def _block(self, body: list[ast.stmt], echo: bool) -> list[ast.stmt]:
        return [new for node in body for new in self._statement(node, echo)]

    def _statement(self, node: ast.stmt, echo: bool) -> list[ast.stmt]:
        if isinstance(node, ast.Expr) and echo and node.end_lineno not in self.quiet_lines:
            return [self._echo(node)]
        special = _STATEMENTS.get(type(node))
        if special is not None:
            return special(self, node, echo)
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(node, name, self.expr(value))
            elif isinstance(value, list) and value:
                is_block = isinstance(value[0], ast.stmt)
                setattr(node, name, self._block(value, echo) if is_block else [self.expr(each) for each in value])
        return [node]

    def _names(self, node: ast.Global | ast.Nonlocal, echo: bool) -> list[ast.stmt]:
        return [node]

    def _echo(self, node: ast.Expr) -> ast.stmt:
        return ast.Expr(value=_call(".echo", [self.expr(node.value)], node.value), **_place(node))

    def _assign(self, node: ast.Assign, echo: bool) -> list[ast.stmt]:
        wide = any(map(_is_wide, node.targets))
        if isinstance(node.value, ast.Tuple) and all(isinstance(target, (ast.Tuple, ast.List)) for target in node.targets):
            # `a, b = b, a`: the tuple is taken apart at once.
            node.value.elts = self._items(node.value.elts)
        else:
            node.value = self.expr(node.value)
        if wide:
            node.value = _call(".spread", [node.value], node.value)
        node.targets = [self.expr(target) for target in node.targets]
        return [node]

    def _annotated(self, node: ast.AnnAssign, echo: bool) -> list[ast.stmt]:
        if node.value is None:
            return [ast.Pass(**_place(node))]
        return self._assign(ast.Assign(targets=[node.target], value=node.value, **_place(node)), echo)

    def _augmented(self, node: ast.AugAssign, echo: bool) -> list[ast.stmt]:
        target, helper = node.target, _INPLACE.get(type(node.op))
        node.value = self.expr(node.value)
        plain = type(node.op) in _NEVER_GROW and (_is_number(node.value) or isinstance(target, ast.Subscript))
        number = type(node.op) is ast.Add and _is_number(node.value)
        if helper is None or plain or number or isinstance(target, ast.Attribute):
            node.target = self.expr(target)  # type: ignore[assignment]
            return [node]
        if isinstance(target, ast.Name):
            old = ast.Name(id=target.id, ctx=_LOAD, **_place(target))
            return [ast.Assign(targets=[target], value=_call(helper, [old, node.value], node), **_place(node))]
        assert isinstance(target, ast.Subscript)
        target.value = _call(".cell", [self.expr(target.value)], target)
        target.slice = self._index(target.slice)
        return [node]

    def _for(self, node: ast.For, echo: bool) -> list[ast.stmt]:
        node.iter = self.expr(node.iter)
        node.target = self.expr(node.target)
        node.body = self._block(node.body, echo)
        node.orelse = self._block(node.orelse, echo)
        return [node]

    def _with(self, node: ast.With, echo: bool) -> list[ast.stmt]:
        for item in node.items:
            item.context_expr = self.expr(item.context_expr)
            if item.optional_vars is not None:
                item.optional_vars = self.expr(item.optional_vars)
        node.body = self._block(node.body, echo)
        return [node]

    def _try(self, node: ast.Try, echo: bool) -> list[ast.stmt]:
        node.body = self._block(node.body, echo)
        for handler in node.handlers:
            at = handler.type or node
            kinds = self.expr(handler.type) if handler.type else ast.Constant(value=None, **_place(handler))
            handler.type = _call(".catch", [kinds], at)
            handler.body = self._block(handler.body, echo)
        if node.handlers:
            # Interrupts, limits and lack of memory go past every handler of the program.
            place = _place(node.handlers[0])
            barrier = ast.Name(id=".uncatchable", ctx=_LOAD, **place)
            node.handlers.insert(0, ast.ExceptHandler(type=barrier, name=None, body=[ast.Raise(**place)], **place))
        node.orelse = self._block(node.orelse, echo)
        node.finalbody = self._block(node.finalbody, echo)
        return [node]

    def _raise(self, node: ast.Raise, echo: bool) -> list[ast.stmt]:
        if node.exc is not None:
            node.exc = _call(".exception", [self.expr(node.exc)], node.exc)
        if node.cause is not None:
            node.cause = _call(".exception", [self.expr(node.cause)], node.cause)
        return [node]

    def _function(self, node: ast.FunctionDef, echo: bool) -> list[ast.stmt]:
        node.returns, node.type_comment = None, None
        for index, decorator in enumerate(node.decorator_list):
            new = self.expr(decorator)
            # `@no_grad` is `@no_grad()`
            bare = not isinstance(decorator, ast.Call)
            node.decorator_list[index] = ast.Call(func=new, args=[], keywords=[], **_place(decorator)) if bare else new
        self._arguments(node.args)
        node.body = self._block(node.body, False)
        if node.args.vararg is not None:
            node.body.insert(0, ast.Expr(value=_vararg_check(node.args.vararg, node), **_place(node)))
        return [node]

    def _import(self, node: ast.Import, echo: bool) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for alias in node.names:
            top = alias.name.split(".")[0]
            path = alias.name if alias.asname else top
            found.append(_bind(alias.asname or top, _call(".module", [_text(path, node)], node), node))
        return found

    def _import_from(self, node: ast.ImportFrom, echo: bool) -> list[ast.stmt]:
        if node.module == "__future__":
            return [ast.Pass(**_place(node))]
        module = node.module or ""
        return [
            _bind(
                alias.asname or alias.name, _call(".member", [_text(module, node), _text(alias.name, node)], node), node
            )
            for alias in node.names
        ]

    # expressions

    def expr(self, node: ast.expr) -> ast.expr:
        """The expression that stands for `node` in the running tree."""
        kind = type(node)
        if kind is ast.Name or kind is ast.Constant:
            return node
        special = _EXPRESSIONS.get(kind)
        if special is not None:
            return special(self, node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(node, name, self.expr(value))
            elif isinstance(value, list):
                self._list(value)
        return node

    def _list(self, values: list[ast.expr | ast.comprehension | None]) -> None:
        for index, each in enumerate(values):
            if isinstance(each, ast.expr):
                values[index] = self.expr(each)
            elif isinstance(each, ast.comprehension):
                each.iter = self.expr(each.iter)
                each.target = self.expr(each.target)
                each.ifs = [self.expr(test) for test in each.ifs]

    def _attribute(self, node: ast.Attribute) -> ast.expr:
        value, name = self.expr(node.value), _text(node.attr, node)
        if isinstance(node.ctx, ast.Load):
            return _call(".get", [value, name], node)
        return ast.Subscript(value=_call(".put", [value], node), slice=name, ctx=node.ctx, **_place(node))

    def _binary(self, node: ast.BinOp) -> ast.expr:
        # Down the left spine and up again, without recursion: long sums lean to the left.
        spine = [node]
        while isinstance(node.left, ast.BinOp):
            node = node.left
            spine.append(node)
        result = self.expr(node.left)
        for each in reversed(spine):
            each.left, each.right = result, self.expr(each.right)
            helper = None if _harmless(each) else _OPERATORS.get(type(each.op))
            result = each if helper is None else _call(helper, [each.left, each.right], each)
        return result

    def _compare(self, node: ast.Compare) -> ast.expr:
        node.left = self.expr(node.left)
        for index, (operator, each) in enumerate(zip(node.ops, node.comparators, strict=True)):
            new = self.expr(each)
            if not isinstance(operator, (ast.Is, ast.IsNot)) and not isinstance(each, ast.Constant):
                if isinstance(operator, (ast.In, ast.NotIn)):
                    new = _call(".member_of", [new], each)
                elif not isinstance(node.left, ast.Constant):
                    new = _call(".comparable", [new], each)
            node.comparators[index] = new
        return node

    def _tuple(self, node: ast.Tuple) -> ast.expr:
        checked = isinstance(node.ctx, ast.Load) and not all(map(_never_tuple, node.elts))
        node.elts = self._items(node.elts)
        return _call(".tuple", [node], node) if checked else node

    def _display(self, node: ast.List | ast.Set) -> ast.expr:
        node.elts = self._items(node.elts)
        return node

    def _subscript(self, node: ast.Subscript) -> ast.expr:
        node.value = self.expr(node.value)
        if isinstance(node.ctx, ast.Store) and isinstance(node.slice, ast.Slice):
            node.value = _call(".roomy", [node.value], node)
        if isinstance(node.ctx, ast.Del):
            node.value = _call(".deletable", [node.value], node)
        node.slice = self._index(node.slice)
        return node

    def _index(self, node: ast.expr) -> ast.expr:
        """The text between the brackets; a tuple with slices in it cannot stand anywhere else."""
        if not (isinstance(node, ast.Tuple) and any(isinstance(each, ast.Slice) for each in node.elts)):
            return self.expr(node)
        for index, (each, new) in enumerate(zip(node.elts, self._items(node.elts), strict=True)):
            plain = isinstance(each, (ast.Slice, ast.Starred)) or _never_tuple(each)
            node.elts[index] = new if plain else _call(".shallow", [new], each)
        return node

    def _items(self, values: list[ast.expr]) -> list[ast.expr]:
        """The parts of a display or call; what a star expands is told how many stars share the room."""
        stars = sum(isinstance(each, ast.Starred) for each in values)
        found = []
        for each in values:
            new = self.expr(each)
            if isinstance(new, ast.Starred) and isinstance(new.ctx, ast.Load):
                share = ast.Constant(value=stars, **_place(each))
                new.value = _call(".spread", [new.value, share], new.value)
            found.append(new)
        return found

    def _call(self, node: ast.Call) -> ast.expr:
        node.func = self.expr(node.func)
        node.args = self._items(node.args)
        for keyword in node.keywords:
            keyword.value = self.expr(keyword.value)
            if keyword.arg is None:
                keyword.value = _call(".keywords", [keyword.value], keyword.value)
            elif keyword.arg == "dtype":
                keyword.value = _call(".dtype", [keyword.value], keyword.value)
        return node

    def _fstring(self, node: ast.JoinedStr) -> ast.expr:
        return _call(".text", [self._part(each) for each in node.values], node)

    def _part(self, node: ast.expr) -> ast.expr:
        if not isinstance(node, ast.FormattedValue):
            return node
        conversion = ast.Constant(value=node.conversion, **_place(node))
        args = [self.expr(node.value), conversion]
        if node.format_spec is not None:
            args.append(self.expr(node.format_spec))
        # CPython 3.11 places the parts of an f-string loosely; the value itself has its true place.
        return _call(".formatted", args, node.value)

    def _generator(self, node: ast.GeneratorExp) -> ast.expr:
        listed = ast.ListComp(elt=node.elt, generators=node.generators, **_place(node))
        return _call(".generated", [self.expr(listed)], node)

    def _lambda(self, node: ast.Lambda) -> ast.expr:
        self._arguments(node.args)
        node.body = self.expr(node.body)
        if node.args.vararg is not None:
            place = _place(node.body)
            both = ast.Tuple(elts=[_vararg_check(node.args.vararg, node.body), node.body], ctx=_LOAD, **place)
            node.body = ast.Subscript(value=both, slice=ast.Constant(value=1, **place), ctx=_LOAD, **place)
        return node

    def _arguments(self, node: ast.arguments) -> None:
        every = [*node.posonlyargs, *node.args, *node.kwonlyargs, node.vararg, node.kwarg]
        for each in every:
            if each is not None:
                each.annotation = None
        node.defaults = [self.expr(each) for each in node.defaults]
        node.kw_defaults = [each and self.expr(each) for each in node.kw_defaults]


def _bind(name: str, value: ast.expr, at: ast.stmt) -> ast.stmt:
    return ast.Assign(targets=[ast.Name(id=name, ctx=_STORE, **_place(at))], value=value, **_place(at))


def _vararg_check(vararg: ast.arg, at: ast.expr | ast.stmt) -> ast.expr:
    """`*args` makes a tuple that no display made: its depth is checked when the function starts."""
    return _call(".shallow", [ast.Name(id=vararg.arg, ctx=_LOAD, **_place(at))], at)


def _is_wide(target: ast.expr) -> bool:
    """Whether assigning to the target may expand what is assigned: `a, *b = v` and `a[:] = v`."""
    if isinstance(target, (ast.Tuple, ast.List)):
        return any(isinstance(each, ast.Starred) or _is_wide(each) for each in target.elts)
    return isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice)


_STATEMENTS: dict[type[ast.stmt], Callable[..., list[ast.stmt]]] = {
    ast.Global: Rewriter._names,
    ast.Nonlocal: Rewriter._names,
    ast.Assign: Rewriter._assign,
    ast.AnnAssign: Rewriter._annotated,
    ast.AugAssign: Rewriter._augmented,
    ast.For: Rewriter._for,
    ast.With: Rewriter._with,
    ast.Try: Rewriter._try,
    ast.Raise: Rewriter._raise,
    ast.FunctionDef: Rewriter._function,
    ast.Import: Rewriter._import,
    ast.ImportFrom: Rewriter._import_from,
}
_EXPRESSIONS: dict[type[ast.expr], Callable[..., ast.expr]] = {
    ast.Attribute: Rewriter._attribute,
    ast.BinOp: Rewriter._binary,
    ast.Compare: Rewriter._compare,
    ast.Tuple: Rewriter._tuple,
    ast.Subscript: Rewriter._subscript,
    ast.List: Rewriter._display,
    ast.Set: Rewriter._display,
    ast.Call: Rewriter._call,
    ast.JoinedStr: Rewriter._fstring,
    ast.GeneratorExp: Rewriter._generator,
    ast.Lambda: Rewriter._lambda,
}
