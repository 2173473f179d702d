"""An engine error with all that is known about it: where it happened, in which command, on which values; and the story told of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .hints import MAX_HINTS, Hint, verified
from .provenance import Related
from .reading import bounds, bracketed, calls_in, last_word, own_parts, replaced, statement_at, text_of
from .replay import Replay
from .rewrites import Rewrite
from .sentences import Operand, names_of
from .tensors import is_tensor
from .trail import Past, Trail


@dataclass(frozen=True, slots=True)
class Story:
    """What went wrong in one sentence, the commands behind it, the sizes that matter, and what to write instead.

    `placed` says that the failed command is among the related ones, so that its source need not be shown again.
    """

    text: str
    related: list[Related] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    operands: list[Operand] = field(default_factory=list)
    placed: bool = False


@dataclass
class Scene:
    """An engine error and all that is known about it.

    `node` is the failed expression, `variables` the names seen there, `globals` the session's. `owner` is the command
    whose text holds the failed expression (not the failed command when that called a function), `line` and `column`
    (1-based and 0-based) its place there.
    """

    exc: Any
    node: ast.expr | None
    variables: Mapping[str, object]
    globals: Mapping[str, object]
    trail: Trail
    owner: Past | None = None
    line: int = 1
    column: int | None = None

    @property
    def sentence(self) -> str:
        """torch's sentence."""
        return str(self.exc).strip()

    @cached_property
    def replay(self) -> Replay:
        """The commands that led here, to be run again."""
        return Replay(self.trail, self.exc, self.globals)

    @cached_property
    def statement(self) -> ast.stmt | None:
        """The innermost statement that failed."""
        return None if self.owner is None else statement_at(self.owner.source, self.line, self.column)

    @property
    def source(self) -> str:
        """The text that holds the failed expression."""
        return self.owner.source if self.owner is not None else ""

    def written(self, node: ast.expr) -> str:
        """The text of an operand, ready to be followed by an attribute or an index."""
        return bracketed(text_of(self.source, node), node)

    def changed(self, whole: ast.expr | ast.stmt, changes: Mapping[ast.expr, str]) -> str:
        """The text of `whole` with some parts of it written otherwise."""
        text = self.source
        start, end = bounds(text, whole)
        for part in sorted(changes, key=lambda each: bounds(self.source, each), reverse=True):
            first, last = bounds(self.source, part)
            text = text[:first] + changes[part] + text[last:]
            end += len(changes[part]) - (last - first)
        return text[start:end]

    def library(self, name: str) -> str:
        """A function of torch as the program spells them: with the prefix or without."""
        return f"torch.{name}" if "torch" in self.source else name

    def operand(self, key: str) -> tuple[str, Any]:
        """The name and value of one operand; Python's None when the engine did not hand it over."""
        value = self.exc.operands.get(key)
        tensors = [(each, given) for each, given in self.exc.operands.items() if is_tensor(given)]
        names = dict(zip([each for each, _ in tensors], names_of(tensors, self.node, self.variables), strict=True))
        name = names.get(key, key)
        return "this tensor" if name == "self" else name, value

    @cached_property
    def expression(self) -> ast.expr | ast.stmt | None:
        """The failed expression in the text of the owner; the whole statement for `a += b`."""
        if self.statement is None or self.node is None or self.owner is None:
            return None
        if isinstance(self.statement, ast.AugAssign) and isinstance(self.node, ast.BinOp):
            return self.statement
        wanted = ast.dump(self.node)
        same = [each for each in own_parts(self.statement) if isinstance(each, ast.expr) and ast.dump(each) == wanted]
        return same[0] if same else None

    def call(self, *words: str) -> ast.Call | None:
        """The failed call in the text of the owner, when it is one of `words`."""
        if self.statement is None or self.owner is None:
            return None
        calls = [call for call in calls_in(list(own_parts(self.statement))) if last_word(call.func) in words]
        if self.column is not None and len(calls) > 1:
            calls = [call for call in calls if self._holds(call)] or calls
        return calls[0] if calls else None

    def _holds(self, call: ast.Call) -> bool:
        source = self.owner.source if self.owner else ""
        function = call.func
        if function.end_lineno != self.line:
            return False
        start = bounds(source, function)[1] - len(last_word(function))
        lines = source.split("\n")
        return start == sum(len(each) + 1 for each in lines[: self.line - 1]) + (self.column or 0)

    def instead(self, text: str, node: ast.expr | ast.stmt | None = None, remark: str = "", line: int = 0) -> Hint | None:
        """The hint to write `text` for a node of the failed statement (by default all of it)."""
        owner, whole = self.owner, node or self.statement
        if owner is None or whole is None:
            return None
        source = replaced(owner.source, whole, text)
        return Hint(text, remark, source, owner, owner.line + (line or whole.lineno) - 1, owner is not self.trail.failed)

    def checked(self, hints: Sequence[Hint | None], *, on_host: bool = False, history: bool = False) -> list[Hint]:
        """Those hints that work: on mirrors of the names, or else in a replay.

        Where the graph behind a tensor decides (`history`), the replay has the first word.
        """
        return [h for h in hints if h is not None and self._works(h, on_host, history)][:MAX_HINTS]

    def _works(self, hint: Hint, on_host: bool, history: bool) -> bool:
        if history and self.replay.faithful:
            return hint.where is not None and self.replay.passes(hint.where, hint.source)
        if verified(hint.text, self.variables, on_host=on_host) is not None:
            return True
        return hint.where is not None and self.replay.passes(hint.where, hint.source)

    def replayed(self, past: Past, rewrites: Iterator[Rewrite] | Sequence[Rewrite], remark: str = "") -> Iterator[tuple[Hint, str]]:
        """Those changes of a command after which the failed one succeeds, each with what it undoes."""
        for rewrite in rewrites:
            if self.replay.passes(past, rewrite.source):
                yield self.hint(past, rewrite, remark), rewrite.what

    def hint(self, past: Past, rewrite: Rewrite, remark: str = "") -> Hint:
        """The hint to change a command so."""
        line, earlier = past.line + rewrite.line - 1, past is not self.trail.failed
        return Hint(rewrite.text, rewrite.remark or remark, rewrite.source, past, line, earlier)
