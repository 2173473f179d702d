"""From an exception to places in the source: one for each frame of the program that it passed through."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import islice
from types import CodeType, FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from tcalc.lang.errors import Span
from tcalc.lang.parse import Source, Statement

if TYPE_CHECKING:
    from dis import Instruction, Positions

MAX_SPOTS = 4
_COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_Position = tuple[int, int, int, int]

# The statement that a living code object came from, by the code's identity (code compares by content).
_STATEMENTS: dict[int, tuple[object, str, Statement]] = {}


class Spot(NamedTuple):
    """Where one frame was: `names` are the variables it saw, its own first."""

    filename: str
    source: Source
    span: Span
    names: Mapping[str, object]


def remember(code: CodeType, filename: str, statement: Statement) -> None:
    """Let the frames of a code object, and of the functions in it, be found in the text; forgotten with the code."""
    key, forget = id(code), _STATEMENTS.pop
    _STATEMENTS[key] = ref(code, lambda _: forget(key, None)), filename, statement
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            remember(constant, filename, statement)


def spots(error: BaseException) -> list[Spot]:
    """The program's frames that an exception passed through, innermost first, at most MAX_SPOTS.

    A comprehension counts with the frame around it, a recursion once.
    """
    frames = [(frame, last) for frame, last in _frames(error.__traceback__) if id(frame.f_code) in _STATEMENTS]
    found: list[Spot] = []
    inner: dict[str, object] = {}
    waiting: tuple[str, Source, Span] | None = None
    for frame, last in reversed(frames):
        _, filename, statement = _STATEMENTS[id(frame.f_code)]
        place = _span(frame.f_code, last, statement)
        if waiting is None and place is not None:
            waiting = filename, statement.origin, place
        inner = {**inner, **{name: value for name, value in frame.f_locals.items() if name not in inner}}
        if frame.f_code.co_name in _COMPREHENSIONS or waiting is None:
            continue
        if found and (found[-1].source, found[-1].span) == waiting[1:]:
            inner, waiting = {}, None
            continue
        if len(found) == MAX_SPOTS:
            break
        outside = {name: value for name, value in frame.f_globals.items() if name not in inner}
        found.append(Spot(*waiting, {**inner, **outside}))
        inner, waiting = {}, None
    return found


def _frames(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lasti
        trace = trace.tb_next


def _span(code: CodeType, instruction: int, statement: Statement) -> Span | None:
    position = next(islice(code.co_positions(), instruction // 2, None), None)
    if position is None or None in position:
        return None
    line, end_line, col, end_col = position
    here: Any = (line, col, end_line, end_col)
    narrow = _tested(code, instruction, here, statement)
    return statement.origin.node_span(narrow) if narrow is not None else statement.origin.span(*here)


def _tested(code: CodeType, instruction: int, position: _Position, statement: Statement) -> ast.expr | None:
    """What CPython was testing or iterating over where it only says which statement or expression that was for."""
    for node in ast.walk(statement.node):
        if _position(node) != position:
            continue
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            return _in_comprehension(code, instruction, node)
        if isinstance(node, ast.For):
            return node.iter
        if isinstance(node, ast.With):
            return node.items[0].context_expr
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return node.operand
        if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            return _leaf(code, instruction, position, [node.test]) or node.test
        if isinstance(node, ast.BoolOp):
            return _leaf(code, instruction, position, node.values[:-1])
    return None


def _in_comprehension(
    code: CodeType, instruction: int, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
) -> ast.expr | None:
    """The iterable or condition of a comprehension; the first iterable belongs to the code around it."""
    if code.co_name not in _COMPREHENSIONS:
        return node.generators[0].iter
    ops = [each.opname for each in _instructions(code) if each.offset <= instruction]
    if ops and ops[-1] == "GET_ITER":
        return node.generators[min(ops.count("GET_ITER"), len(node.generators) - 1)].iter
    tests = [test for each in node.generators for test in each.ifs]
    return _leaf(code, instruction, _position(node), tests)


def _leaf(code: CodeType, instruction: int, position: _Position | None, tests: list[ast.expr]) -> ast.expr | None:
    """The part of the tests that a conditional jump decides on; constants have none. From Python 3.13 on an instruction of its own before
    the jump asks for the truth of a value."""
    leaves = [leaf for test in tests for leaf in _leaves(test)]
    asking, jump = -1, 0
    for each in _instructions(code):
        if _ordered(each.positions) != position:
            continue
        if each.opname == "TO_BOOL":
            asking = each.offset
        elif "JUMP" in each.opname and "_IF_" in each.opname:
            if leaves and instruction in (asking, each.offset):
                return leaves[jump % len(leaves)]
            jump += 1
    return None


def _instructions(code: CodeType) -> Iterator[Instruction]:
    from dis import get_instructions  # only errors need it

    return get_instructions(code)


def _ordered(position: Positions | None) -> _Position | None:
    if position is None or None in position:
        return None
    line, end_line, col, end_col = position
    return line, col, end_line, end_col  # type: ignore[return-value]  # none is None


def _position(node: ast.AST) -> _Position | None:
    if not isinstance(node, (ast.stmt, ast.expr)):
        return None
    return node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0


def _leaves(test: ast.expr) -> Iterator[ast.expr]:
    """The parts of a condition that are tested one by one, in order."""
    if isinstance(test, ast.BoolOp):
        for each in test.values:
            yield from _leaves(each)
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from _leaves(test.operand)
    elif not isinstance(test, ast.Constant):
        yield test
