"""A session as a PyTorch script: bare names get their prefix, echoes become prints, the rest of the text stays as it was."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from ..lang.errors import LangError
from ..lang.functions import FUNCTIONS
from ..lang.names import loads_of
from ..lang.parse import Statement, parse
from .reading import bounds, tree_of, words_of
from .trail import Aside, Past
from .transcript import Bound, worked

if TYPE_CHECKING:
    from .session import Session

# Names that Python and torch share: Python's on Python's values, torch's on tensors.
SHARED = ("abs", "all", "any", "max", "min", "pow", "round", "sum")
_IMPORTS = {
    "torch": "import torch",
    "nn": "from torch import nn",
    "F": "import torch.nn.functional as F",
    "optim": "from torch import optim",
    "np": "import numpy as np",
    "numpy": "import numpy",
    "math": "import math",
}
_GIVE_NOTHING = frozenset(("print", "backward", "set_default_dtype", "set_default_device", "set_printoptions"))
_BLOCKS = (ast.For, ast.While, ast.If, ast.With, ast.Try)

_SHOW = '''
def {show}(value):
    """Print a value as Python's prompt does."""
    if value is not None:
        print(repr(value))
'''
_SHOW_LAST = '''
def {show}(value, quiet=False):
    """Print a value as Python's prompt does; `_` is the last one."""
    if value is not None:
        builtins._ = value
        if not quiet:
            print(repr(value))
'''
_EITHER = '''
def {either}(name):
    """Python's function of this name on Python's values, torch's on tensors."""

    def call(*args, **kwargs):
        home = torch if args and isinstance(args[0], torch.Tensor) else builtins
        return getattr(home, name)(*args, **kwargs)

    return call

'''


class ExportError(Exception):
    """Something of the session has no PyTorch form; the text is one line."""


@dataclass
class _Script:
    """What the translated commands need above them."""

    words: set[str]
    reads_last: bool
    imports: dict[str, None] = field(default_factory=lambda: {"torch": None})
    bare: dict[str, None] = field(default_factory=dict)
    shared: dict[str, None] = field(default_factory=dict)
    shows: bool = False

    @property
    def show(self) -> str:
        """What the function that prints is called: no word of the session."""
        return self._free("show")

    def _free(self, name: str) -> str:
        while name in self.words:
            name += "_"
        return name

    def head(self, first: Sequence[str]) -> str:
        """Imports, the functions that the commands call, and the lines to run first."""
        lines = ['"""A session of tcalc, exported: runs under PyTorch."""', ""]
        imports = [_IMPORTS[name] for name in self.imports]
        if self.shared or (self.shows and self.reads_last):
            imports.append("import builtins")
        if self.bare:
            imports.append(f"from torch import {', '.join(sorted(self.bare))}")
        lines += sorted(imports, key=lambda line: (line.startswith("from"), line))
        text = "\n".join(lines) + "\n"
        if self.shared:
            either = self._free("either")
            text += "\n" + _EITHER.format(either=either)
            text += "".join(f'{name} = {either}("{name}")\n' for name in self.shared)
        if self.shows:
            text += "\n" + (_SHOW_LAST if self.reads_last else _SHOW).format(show=self.show) + "\n"
        return text + "\n" + "".join(line + "\n" for line in first)


def torch_script(session: Session, first: Sequence[str] = ()) -> str:
    """The commands of a session that worked, as a PyTorch script; failed ones are named in comments.

    `first` are lines for its start: what the options of the command line set. Raises ExportError.
    """
    steps: list[Past | Aside] = sorted(
        [*worked(session), *(past for past in session.trail.commands if not past.ok)],
        key=lambda step: step.number if isinstance(step, Past) else step.before - 0.5,
    )
    return translated(steps, first if any("manual_seed" in line for line in first) else [*first, *_starting_seed(steps)])


def translated_source(source: str) -> str:
    """A program of the language as a PyTorch script.

    Raises LangError for what is not in the language, ExportError for what has no PyTorch form.
    """
    return translated([_past(statement) for statement in parse(source)], [])


def _past(statement: Statement) -> Past:
    return Past(0, statement.source, "", statement.line, True, 0, end=statement.end)


def translated(steps: Iterable[Past | Aside], first: Sequence[str]) -> str:
    """The script that does what `steps` did, after the lines `first`."""
    steps = list(steps)
    sources = [step.source for step in steps if isinstance(step, Past)]
    words = set().union(*map(words_of, sources)) if sources else set()
    script = _Script(words, "_" in words)
    bound = Bound()
    lines: list[str] = []
    for step in steps:
        if isinstance(step, Aside):
            lines += _aside(step, bound, script)
        elif step.ok:
            lines.append(_command(step, bound, script))
        else:
            lines.append(f"# [{step.number}] failed: {step.source.splitlines()[0] if step.source.strip() else ''}".rstrip())
    return script.head(first) + "".join(line + "\n" for line in lines)


def _starting_seed(steps: Sequence[Past | Aside]) -> list[str]:
    """The line that makes the random numbers the session's, when it drew some without saying from which seed."""
    module = sys.modules.get("tcalc.engine.generator")
    if module is None or "words" not in vars(module.default_generator.own):
        return []
    seeds = {"manual_seed", "seed", "set_rng_state"}
    if any(isinstance(step, Past) and step.ok and seeds & words_of(step.source) for step in steps):
        return []
    return [f"torch.manual_seed({module.default_generator.initial_seed()})  # where this session's random numbers started"]


def _aside(aside: Aside, bound: Bound, script: _Script) -> list[str]:
    if not aside.path:
        gone = bound.forget(aside)
        return [f"del {', '.join(gone)}"] if gone else []
    bound.names.update(aside.names)
    suffix = PurePath(aside.path).suffix.lower()
    if suffix not in (".npy", ".npz"):
        raise ExportError(f"{', '.join(aside.names)} came from {aside.path}, which PyTorch cannot read: save it as .npy and load that")
    script.imports["np"] = None
    script.words.add("np")
    if suffix == ".npy":
        return [f"{name} = torch.from_numpy(np.load({aside.path!r}))" for name in aside.names]
    lines = [f"with np.load({aside.path!r}) as arrays:"]
    if len(aside.names) == 1:
        (name,) = aside.names
        return [
            *lines,
            f"    {name} = {{each: torch.from_numpy(arrays[each]) for each in arrays}}",
            f"{name} = {name}[{name!r}] if {name!r} in {name} else {name} if len({name}) > 1 else {name}.popitem()[1]",
        ]
    return lines + [f"    {name} = torch.from_numpy(arrays[{name!r}])" for name in aside.names]


def _command(past: Past, bound: Bound, script: _Script) -> str:
    """The text of one command with its changes; kept as written everywhere else."""
    tree = tree_of(past.source)
    if tree is None:
        raise ExportError(f"command {past.number} cannot be read again")
    quiet = _quiet_lines(past.source + past.end)
    edits: list[tuple[int, int, str]] = []
    for statement in tree.body:
        in_text = {id(node) for each in ast.walk(statement) if isinstance(each, ast.JoinedStr) for node in ast.walk(each)}
        for node in loads_of(statement, bound.names):
            change = _prefix(node, id(node) in in_text, script)
            if change:
                start = bounds(past.source, node)[0]
                edits.append((start, start, change))
        for echo in _echoes(statement, past.source, quiet, script):
            edits += echo
        bound.follow(statement)
    text = past.source
    # from the end on; an insertion at the same place that was found later stands before
    for start, end, new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _prefix(node: ast.Name, in_text: bool, script: _Script) -> str:
    """`torch.` for a name of torch that stands without it; what other names need goes to the head of the script."""
    name = node.id
    if name in SHARED:
        script.shared[name] = None
    elif name in _IMPORTS:
        script.imports[name] = None
    elif name not in FUNCTIONS and name != "_" and _in_torch(name):
        if not in_text:
            return "torch."
        script.bare[name] = None  # Python 3.11 does not say where in an f-string a name stands
    return ""


def _in_torch(name: str) -> bool:
    from ..lang import namespaces

    try:
        return namespaces.namespace("torch").find(name) is not namespaces.NOTHING
    except LangError:
        return False


def _quiet_lines(source: str) -> frozenset[int]:
    try:
        statements = parse(source)
    except LangError:
        return frozenset()
    return frozenset().union(*(statement.quiet_lines for statement in statements))


def _echoes(statement: ast.stmt, source: str, quiet: frozenset[int], script: _Script) -> Iterable[list[tuple[int, int, str]]]:
    """The edits that make each bare expression of a statement print, in blocks too but not in functions."""
    if isinstance(statement, ast.Expr):
        silent = statement.end_lineno in quiet
        if (silent and not script.reads_last) or _gives_nothing(statement.value):
            return
        script.shows = True
        start, end = bounds(source, statement.value)
        bare = _is_bare_tuple(statement.value, source[start:end])
        close = (")" if bare else "") + (", quiet=True)" if silent else ")")
        yield [(start, start, f"{script.show}(" + ("(" if bare else "")), (end, end, close)]
    elif isinstance(statement, _BLOCKS):
        for inner in ast.iter_child_nodes(statement):
            if isinstance(inner, ast.stmt):
                yield from _echoes(inner, source, quiet, script)
            elif isinstance(inner, ast.ExceptHandler):
                for each in inner.body:
                    yield from _echoes(each, source, quiet, script)


def _gives_nothing(value: ast.expr) -> bool:
    """Whether an expression is known to give None, so that nothing has to be printed."""
    if isinstance(value, ast.Constant):
        return value.value is None
    if not isinstance(value, ast.Call):
        return False
    function = value.func
    word = function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    return word in _GIVE_NOTHING


def _is_bare_tuple(value: ast.expr, text: str) -> bool:
    """Whether an expression is a tuple without brackets of its own."""
    if not isinstance(value, ast.Tuple):
        return False
    call = ast.parse(f"f({text})", mode="eval").body
    arguments = call.args if isinstance(call, ast.Call) else []
    return len(arguments) != 1 or not isinstance(arguments[0], ast.Tuple)
