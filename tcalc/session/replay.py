"""Runs the commands that led to an error once more, apart from the session, with one of them changed, to see whether it works then."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from enum import Enum
from time import process_time
from typing import TYPE_CHECKING, Any

from .hints import MAX_SECONDS, Mirrors, apart
from .reading import calls_in, last_word, names_in, tree_of, words_of
from .targets import root_name
from .tensors import memory_of, named_tensors
from .trail import Past, Trail

if TYPE_CHECKING:
    from ..lang.run import Environment

MAX_COMMANDS = 200
SAME = 40  # characters of the sentence that say that it is the same error


class Outcome(Enum):
    """What became of the failed command: it succeeded, failed as before, or was refused by torch for another reason."""

    PASSED = 1
    SAME = 2
    OTHER = 3


class Replay:
    """The commands behind a failed one.

    They run on meta tensors, so they cost what planning costs; where a program looks at values, on copies instead. A
    replay counts only after it has failed as the session did.
    """

    def __init__(self, trail: Trail, exc: BaseException, variables: Mapping[str, object]) -> None:
        self.exc, self.variables = exc, variables
        self.commands = _behind(trail, variables)
        self._left = MAX_SECONDS
        self._device: str | None = None
        self._faithful: bool | None = None

    @property
    def faithful(self) -> bool:
        """Whether the replay fails as the session did."""
        if self._faithful is None:
            self._faithful = False
            if self.commands and sum(past.elapsed for past in self.commands) <= MAX_SECONDS:
                for self._device in ("meta", None):
                    if self._run({}) is Outcome.SAME:
                        self._faithful = True
                        break
        return self._faithful

    def passes(self, change: Past, source: str) -> bool:
        """Whether the failed command succeeds when command `change` reads `source`."""
        return self.outcome({change.number: source}) is Outcome.PASSED

    def outcome(self, changes: Mapping[int, str]) -> Outcome | None:
        """What becomes of the failed command when the commands of these numbers read so; None when that is unknown."""
        return self._run(changes) if self.faithful and self._left > 0 else None

    def _run(self, changes: Mapping[int, str]) -> Outcome | None:
        start = process_time()
        found = apart(lambda: self._attempt(changes), self._device)
        self._left -= process_time() - start
        return found

    def _attempt(self, changes: Mapping[int, str]) -> Outcome | None:
        from ..engine.errors import EngineError
        from ..lang.run import Environment

        environment = Environment()
        self._bind_strangers(environment.variables)
        *before, failed = self.commands
        for past in before:
            try:
                _execute(environment, changes.get(past.number, past.source))
            except Exception:
                if past.ok:
                    raise
        try:
            _execute(environment, changes.get(failed.number, failed.source))
        except Exception as exc:
            same = type(exc) is type(self.exc) and str(exc)[:SAME] == str(self.exc)[:SAME]
            if not same and not isinstance(exc, EngineError):
                return None  # the changed text makes no sense
            return Outcome.SAME if same else Outcome.OTHER
        return Outcome.PASSED

    def _bind_strangers(self, variables: dict[str, Any]) -> None:
        """Mirrors of what no command made: values that were loaded, and what older commands left."""
        made = {name for past in self.commands for name in _bound(past.source)}
        used = {word for past in self.commands for word in words_of(past.source)}
        mirrors = Mirrors(self._device)
        for name, value in self.variables.items():
            if name in used and name not in made:
                mirrors.put(variables, name, value)


def _execute(environment: Environment, source: str) -> None:
    from ..lang.compile import compile_statement
    from ..lang.parse import parse

    for statement in parse(source):
        environment.run(compile_statement(statement), lambda value: _keep(environment, value), lambda text: None)


def _keep(environment: Environment, value: object) -> None:
    if value is not None:
        environment.last = value


def _behind(trail: Trail, variables: Mapping[str, object]) -> list[Past]:
    """The failed command and those before it that have to do with its names, oldest first; empty when there are too many."""
    if trail.failed is None:
        return []
    chosen: set[int] = set()
    names = _names(trail.failed.source)
    known = -1
    while known < len(names):  # a command that is found late may bring names that an even later one writes to
        names |= _aliases(names, variables)
        known = len(names)
        derived = _derived(names, trail)
        for past in reversed(trail.commands):
            if past.number in chosen or not (_matters(past.source, names) or _runs_backward(past.source, derived)):
                continue
            names |= _names(past.source)
            chosen.add(past.number)
            if len(chosen) > MAX_COMMANDS:
                return []
    return [*(past for past in trail.commands if past.number in chosen), trail.failed]


def _derived(names: set[str], trail: Trail) -> set[str]:
    """The names that something was computed for from `names`: backward from there frees their graph too."""
    found = set(names)
    for past in trail.commands:
        if not found.isdisjoint(words_of(past.source)):
            found |= _bound(past.source)
    return found


def _runs_backward(source: str, derived: set[str]) -> bool:
    words = words_of(source)
    return not words.isdisjoint(("backward", "grad")) and not words.isdisjoint(derived)


def _aliases(names: set[str], variables: Mapping[str, object]) -> set[str]:
    """The names of tensors on the same memory as one of `names`."""
    tensors = list(named_tensors(variables))
    shared = {id(memory_of(tensor)) for name, tensor in tensors if name in names}
    return {name for name, tensor in tensors if id(memory_of(tensor)) in shared}


def _names(source: str) -> set[str]:
    tree = tree_of(source)
    return set() if tree is None else {*names_in(tree), *_bound(source)}


_MODES = frozenset(("set_grad_enabled", "set_default_dtype", "set_default_device", "import"))
_EFFECTS = frozenset(("backward", "grad", "step", "zero_grad", "retain_grad", "register_hook", "append", "extend"))
_IDLE = frozenset(("print", "len", "type", "range", "float", "int", "sum", "list", "tuple"))


def _matters(source: str, names: set[str]) -> bool:
    """Whether a command can have changed what `names` stand for; one that only shows a value has not."""
    words = words_of(source)
    if not _MODES.isdisjoint(words):
        return True
    if names.isdisjoint(words):
        return False
    if not names.isdisjoint(_bound(source)):
        return True
    tree = tree_of(source)
    return tree is not None and not names.isdisjoint(names_in(tree)) and any(_has_effect(call) for call in calls_in(list(ast.walk(tree))))


def _has_effect(call: ast.Call) -> bool:
    """Whether a call may change its operands: `x.add_()`, `loss.backward()`, a function of the program."""
    word = last_word(call.func)
    if isinstance(call.func, ast.Name):
        return word not in _IDLE
    return word.endswith("_") or word in _EFFECTS or any(keyword.arg == "out" for keyword in call.keywords)


def _bound(source: str) -> set[str]:
    """The names that a command itself binds or writes into, anywhere in it."""
    tree = tree_of(source)
    found: set[str] = set()
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            found.add(root_name(node) or "")
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
    return found
