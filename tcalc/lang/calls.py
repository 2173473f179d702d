"""What is known of names in source text without running it: the value of a dotted name, the type of an expression, the signature of a call."""

from __future__ import annotations

from collections.abc import Sequence
from types import FunctionType
from typing import Any, NamedTuple

from tcalc.lang import gate, library
from tcalc.lang.namespaces import NOTHING, Namespace
from tcalc.lang.pieces import OpenCall, Piece, chain_before, open_bracket
from tcalc.lang.run import Environment
from tcalc.lang.tokens import TypeToken

_TENSORS = frozenset(("T", "mT", "H", "mH", "real", "imag", "grad", "data"))  # attributes of a tensor that are tensors


class SomeTensor:
    """Stands for a tensor that an expression would give."""


SOME_TENSOR = SomeTensor()


class Signature(NamedTuple):
    """A function's name and arguments (engine.describe.Argument); `current` is the place of the one being written, None past the last."""

    name: str
    arguments: Sequence[Any]
    current: int | None


def is_tensor(value: object) -> bool:
    """Whether a value is a tensor, or stands for one."""
    return value is SOME_TENSOR or (library.loaded() and isinstance(value, library.tensor_type()))


def value_of(names: Sequence[str], environment: Environment) -> Any:
    """The value of a dotted name, NOTHING where finding it would run something."""
    value = environment.original(names[0])
    for name in names[1:]:
        value = member(value, name)
    return value


def member(owner: Any, name: str) -> Any:
    """The value of `owner.name` as far as it is plain data."""
    if type(owner) is Namespace:
        return owner.original(name)
    if is_tensor(owner):
        return SOME_TENSOR if name in _TENSORS else NOTHING
    if _is_module(owner) and name in gate.known(owner):
        return vars(owner).get(name, NOTHING)
    return NOTHING


def _is_module(value: Any) -> bool:
    return library.loaded() and isinstance(value, library.table("torch.nn")["Module"])


def expression_before(found: Sequence[Piece], index: int, environment: Environment) -> Any:
    """The value of the expression that ends before piece `index`, SOME_TENSOR where it can only be a tensor, NOTHING if it is not known."""
    if index and found[index - 1].kind == "name":
        names, hangs = chain_before(found, index)
        if not hangs:
            return value_of(names, environment)
        owner = expression_before(found, index - 2 * len(names), environment)
        for name in names:
            owner = member(owner, name)
        return owner
    if not index or found[index - 1].kind != "close":
        return NOTHING
    depth = 0
    for at in range(index - 1, -1, -1):
        depth += (found[at].kind == "close") - (found[at].kind == "open")
        if not depth:
            indexed = found[at].text == "[" and at and is_tensor(expression_before(found, at, environment))
            called = found[at].text == "(" and _gives_tensor(found, at, environment)
            return SOME_TENSOR if indexed or called else NOTHING
    return NOTHING


def _gives_tensor(found: Sequence[Piece], at: int, environment: Environment) -> bool:
    """Whether the call whose bracket is piece `at` gives a tensor."""
    names, hangs = chain_before(found, at)
    if not names:
        return False
    return bool(library.describe().gives_tensor(*_callee(found, at, names, hangs, environment)))


def _callee(found: Sequence[Piece], at: int, names: Sequence[str], hangs: bool, environment: Environment) -> tuple[Any, bool]:
    """The function or class that a call names (of a method, what the class holds), and whether it is a method of tensors."""
    if hangs or len(names) > 1:
        owner = expression_before(found, at - 2, environment)
        if is_tensor(owner):
            return library.describe().attribute_of_tensors(names[-1]), True
        if type(owner) is not Namespace:
            return NOTHING, False
    value = value_of(names, environment) if not hangs else NOTHING
    if type(value) is TypeToken:
        value = value.cls
    if _is_module(value):
        kind: Any = type(value)
        return kind.forward, True
    return (value, False) if callable(value) else (NOTHING, False)


def call_at(found: Sequence[Piece], position: int, environment: Environment) -> tuple[OpenCall, list[Signature]] | None:
    """The innermost call that is open at a place, with the signatures of what it calls; None outside of calls.

    The tensor library is loaded when the name is neither a variable nor one of Python's functions.
    """
    call = open_bracket(found, position)
    if call is None or call.bracket != "(" or not call.callee:
        return None
    inside = [piece for piece in found if piece.kind not in ("space", "comment") and piece.start < position]
    at = next(index for index, piece in enumerate(inside) if piece.start == call.start)
    if at > len(call.callee) and inside[at - 2].text == "def":
        return None
    function, method = _callee(inside, at, call.callee, call.hangs, environment)
    if function is NOTHING:
        return call, []
    lists = library.describe().overloads(_constructed(function), method)
    return call, [Signature(call.callee[-1], arguments, _current(call, arguments)) for arguments in lists]


def _constructed(function: Any) -> Any:
    """What is called when a class is."""
    return library.constructor(function) if isinstance(function, type) and not isinstance(function, FunctionType) else function


def _current(call: OpenCall, arguments: Sequence[Any]) -> int | None:
    """The place of the argument that is being written."""
    for index, argument in enumerate(arguments):
        if call.keyword:
            if argument.name == call.keyword:
                return index
        elif argument.spread or (index == call.place and not argument.keyword_only):
            return index
    return None


def best(call: OpenCall, signatures: Sequence[Signature]) -> Signature | None:
    """The first signature that has a place for what is being written and takes what was written before, else the first."""
    for each in signatures:
        positional = sum(not argument.keyword_only for argument in each.arguments)
        room = call.place <= positional or any(argument.spread for argument in each.arguments)
        if each.current is not None and room and call.given <= {argument.name for argument in each.arguments}:
            return each
    return signatures[0] if signatures else None
