"""Changes to the text of a command that a hint may propose. Whether one helps is for a replay to say."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from textwrap import dedent
from typing import NamedTuple

from .reading import bounds, bracketed, calls_in, last_word, of_library, own_parts, replaced, statements_of, text_of, tree_of
from .targets import assigned, unpacked
from .tensors import is_tensor

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@", ast.FloorDiv: "//", ast.Mod: "%",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
_METHOD_OPERATORS = {"add_": "+", "sub_": "-", "mul_": "*", "div_": "/", "pow_": "**"}
_CREATION = frozenset(("tensor", "ones", "zeros", "full", "rand", "randn", "empty", "arange", "linspace", "logspace", "eye"))
_GRAD_BLOCKS = frozenset(("no_grad", "inference_mode", "set_grad_enabled"))


class Rewrite(NamedTuple):
    """A command as it would read: `text` is the part to show, on line `line` of the command.

    `what` says what was there, `remark` what the text alone does not say.
    """

    source: str
    text: str
    line: int
    what: str = ""
    remark: str = ""


def _rewrite(source: str, statement: ast.stmt, text: str, what: str = "") -> Rewrite:
    return Rewrite(replaced(source, statement, text), text, statement.lineno, what)


def out_of_place(source: str, statement: ast.stmt) -> Rewrite | None:
    """A statement that writes in place, as one that makes a new tensor under the same name; None when there is none."""
    if isinstance(statement, ast.AugAssign):
        target, value = text_of(source, statement.target), text_of(source, statement.value)
        if isinstance(statement.target, ast.Name):
            operator = _OPERATORS[type(statement.op)]
            return _rewrite(source, statement, f"{target} = {target} {operator} {bracketed(value, statement.value, operator=True)}")
        return _on_a_clone(source, statement, statement.target)
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
        return _on_a_clone(source, statement, statement.targets[0])
    for call in calls_in(list(own_parts(statement))):
        found = _call_out_of_place(source, statement, call)
        if found is not None:
            return found
    return None


def as_method(source: str, statement: ast.AugAssign) -> str | None:
    """`m.weight.add_(1)` for `m.weight += 1`: the attributes of a module cannot be assigned."""
    names = {symbol: word for word, symbol in _METHOD_OPERATORS.items()}
    word = names.get(_OPERATORS[type(statement.op)])
    if word is None or not isinstance(statement.target, ast.Attribute):
        return None
    return f"{text_of(source, statement.target)}.{word}({text_of(source, statement.value)})"


def _on_a_clone(source: str, statement: ast.stmt, target: ast.expr) -> Rewrite | None:
    """`y = y.clone(); y[0] = 1` for `y[0] = 1`."""
    while isinstance(target, ast.Subscript):
        target = target.value
    if not isinstance(target, ast.Name):
        return None
    return _rewrite(source, statement, f"{target.id} = {target.id}.clone(); {text_of(source, statement)}")


def _call_out_of_place(source: str, statement: ast.stmt, call: ast.Call) -> Rewrite | None:
    word = last_word(call.func)
    whole = isinstance(statement, ast.Expr) and statement.value is call
    for keyword in call.keywords:
        if keyword.arg == "out" and whole and isinstance(keyword.value, ast.Name):
            return _rewrite(source, statement, f"{keyword.value.id} = {_without(source, call, keyword)}")
        if keyword.arg == "inplace" and whole and call.args and isinstance(call.args[0], ast.Name):
            return _rewrite(source, statement, f"{call.args[0].id} = {_without(source, call, keyword)}")
    if not word.endswith("_") or word.endswith("__") or word == "requires_grad_":
        return None
    if isinstance(call.func, ast.Attribute) and not of_library(call.func):
        target = call.func.value
        if isinstance(target, ast.Subscript) and whole:
            return _on_a_clone(source, statement, target)
        if not isinstance(target, ast.Name):
            return None
        new = _method_out_of_place(source, call, target.id, word)
    elif call.args and isinstance(call.args[0], ast.Name):
        new, target = text_of(source, call).replace(word, word[:-1], 1), call.args[0]
    else:
        return None
    if whole:
        return _rewrite(source, statement, f"{target.id} = {new}")
    text = text_of(source, statement)
    start = bounds(source, call)[0] - bounds(source, statement)[0]
    return _rewrite(source, statement, text[:start] + new + text[start + len(text_of(source, call)) :])


def _method_out_of_place(source: str, call: ast.Call, name: str, word: str) -> str:
    argument = call.args[0] if len(call.args) == 1 and not call.keywords else None
    if word in _METHOD_OPERATORS and argument is not None and not isinstance(argument, ast.Starred):
        return f"{name} {_METHOD_OPERATORS[word]} {bracketed(text_of(source, argument), argument, operator=True)}"
    if word == "zero_":
        return f"zeros_like({name})"
    if word == "fill_" and argument is not None:
        return f"full_like({name}, {text_of(source, argument)})"
    if word == "copy_" and argument is not None:
        return f"{bracketed(text_of(source, argument), argument)}.expand_as({name}).clone()"
    return name + "." + word[:-1] + text_of(source, call)[len(text_of(source, call.func)) :]


def _without(source: str, call: ast.Call, keyword: ast.keyword) -> str:
    """The text of a call without one of its keywords."""
    arguments: list[ast.expr | ast.keyword] = [*call.args, *(each for each in call.keywords if each is not keyword)]
    return f"{text_of(source, call.func)}({', '.join(_argument(source, each) for each in arguments)})"


def _argument(source: str, node: ast.expr | ast.keyword) -> str:
    if isinstance(node, ast.keyword):
        return f"{node.arg}={text_of(source, node.value)}" if node.arg else f"**{text_of(source, node.value)}"
    return text_of(source, node)


def with_keyword(source: str, call: ast.Call, name: str, value: str) -> str:
    """The text of a call with `name=value` among its keywords."""
    new = f"{name}={value}"
    arguments = [_argument(source, each) for each in call.args]
    arguments += [new if each.arg == name else _argument(source, each) for each in call.keywords]
    arguments += [] if new in arguments else [new]
    return f"{text_of(source, call.func)}({', '.join(arguments)})"


def retaining(source: str) -> Iterator[tuple[ast.Call, Rewrite]]:
    """Each backward of a command with `retain_graph=True`, the last one first."""
    for statement in reversed(statements_of(source)):
        for call in calls_in(list(own_parts(statement))):
            if last_word(call.func) not in ("backward", "grad") or not isinstance(call.func, ast.Attribute):
                continue
            if any(keyword.arg in ("retain_graph", "create_graph") for keyword in call.keywords):
                continue
            text = with_keyword(source, call, "retain_graph", "True")
            shown = text_of(source, statement).replace(text_of(source, call), text, 1) if _is_simple(statement) else text
            yield call, Rewrite(replaced(source, call, text), shown, call.lineno)


def _is_simple(statement: ast.stmt) -> bool:
    return not hasattr(statement, "body") and statement.lineno == statement.end_lineno


def recorded(source: str, variables: Mapping[str, object]) -> Iterator[Rewrite]:
    """Changes after which a command may leave history where it left none: cuts taken out, then leaves that require grad."""
    for statement in statements_of(source):
        if isinstance(statement, ast.With):
            yield from _unblocked(source, statement)
    for statement in statements_of(source):
        for node in own_parts(statement):
            if isinstance(node, ast.expr):
                for text, what in _uncut(source, node):
                    new = replaced(source, node, text)
                    shown = _shown(source, statement, node, text)
                    yield Rewrite(new, shown, statement.lineno, what)
    tree = tree_of(source)
    for statement in tree.body if tree is not None else ():
        yield from leaves(source, statement, variables)


def _shown(source: str, statement: ast.stmt, node: ast.expr, text: str) -> str:
    """A statement with one part replaced; the part alone where the statement has blocks."""
    if not _is_simple(statement):
        return text
    start, end = bounds(source, node)
    first, last = bounds(source, statement)
    return source[first:start] + text + source[end:last]


def _unblocked(source: str, block: ast.With) -> Iterator[Rewrite]:
    for item in block.items:
        expression = item.context_expr
        word = last_word(expression.func) if isinstance(expression, ast.Call) else ""
        if word not in _GRAD_BLOCKS or len(block.items) > 1:
            continue
        start, end = bounds(source, block.body[0])[0], bounds(source, block.body[-1])[1]
        body = dedent(" " * block.body[0].col_offset + source[start:end])
        yield Rewrite(replaced(source, block, body), body, block.body[0].lineno, f"made under {word}", f"outside {word}")


def _uncut(source: str, node: ast.expr) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Attribute) and node.attr == "data" and isinstance(node.ctx, ast.Load):
        yield text_of(source, node.value), ".data has no history"
    if not isinstance(node, ast.Call):
        return
    word = last_word(node.func)
    if isinstance(node.func, ast.Attribute) and not of_library(node.func):
        inner = text_of(source, node.func.value)
        if word in ("detach", "detach_", "item", "tolist", "numpy") and not node.args:
            yield inner, f"{word}() cut off the history"
        if word == "requires_grad_" and (node.args or node.keywords):
            yield f"{inner}.requires_grad_()", "requires_grad_(False) stopped recording"
    elif len(node.args) == 1 and word in ("tensor", "float", "from_numpy", "as_tensor") and not node.keywords:
        argument = node.args[0]
        if not isinstance(argument, (ast.Constant, ast.List, ast.Tuple, ast.UnaryOp, ast.ListComp)):
            yield text_of(source, argument), f"{word}() copied the values without history"
    elif word == "set_grad_enabled":
        yield f"{text_of(source, node.func)}(True)", "grad mode was switched off"
    if any(keyword.arg == "requires_grad" for keyword in node.keywords):
        yield with_keyword(source, node, "requires_grad", "True"), "made with requires_grad=False"


def leaves(source: str, statement: ast.stmt, variables: Mapping[str, object]) -> Iterator[Rewrite]:
    """An assignment of a value that no tensor went into, as a leaf that requires grad."""
    targets = assigned(statement)
    value = getattr(statement, "value", None)
    if not isinstance(statement, ast.Assign) or len(targets) != 1 or not isinstance(value, ast.expr):
        return
    names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    if any(is_tensor(variables.get(name)) for name in names) or not isinstance(targets[0], ast.Name):
        return
    for text in requiring_grad(source, value):
        what = f"{next(ast.unparse(part) for part in unpacked(targets[0]))} does not require grad"
        yield Rewrite(replaced(source, value, text), _shown(source, statement, value, text), statement.lineno, what)


def requiring_grad(source: str, value: ast.expr) -> Iterator[str]:
    """An expression that makes a tensor, with requires_grad and, where its numbers are integers, as floats."""
    if isinstance(value, ast.Call) and last_word(value.func) in _CREATION:
        text = with_keyword(source, value, "requires_grad", "True")
        yield text
        yield from as_floats(text)
    elif isinstance(value, (ast.Call, ast.Name, ast.Subscript, ast.Attribute)):
        yield f"{text_of(source, value)}.requires_grad_()"
        yield f"{text_of(source, value)}.float().requires_grad_()"


def as_floats(text: str) -> Iterator[str]:
    """A call that makes an integer tensor, making a float one: with decimal points, then with a dtype."""
    tree = tree_of(text)
    call = tree.body[0].value if tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) else None
    if not isinstance(call, ast.Call):
        return
    dtyped = any(keyword.arg == "dtype" for keyword in call.keywords)
    if not dtyped and last_word(call.func) in ("tensor", "arange", "full"):
        parts = call.args[-1:] if last_word(call.func) == "full" else call.args
        numbers = [node for part in parts for node in ast.walk(part) if isinstance(node, ast.Constant) and type(node.value) is int]
        pointed = text
        for number in sorted(numbers, key=lambda node: bounds(text, node), reverse=True):
            pointed = replaced(pointed, number, f"{text_of(text, number)}.")
        if numbers:
            yield pointed
    prefix = "torch." if of_library(call.func) else ""
    yield with_keyword(text, call, "dtype", f"{prefix}float32")
