"""The commands of the prompt that write and read files: `:save`, `:load`, `:torch`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..session.export import ExportError, torch_script
from ..session.tensors import is_tensor
from ..session.transcript import command_text, forgotten
from .commands import CommandError, variable
from .escape import safe_line
from .files import write_file
from .inputs import chosen
from .layout import sentence
from .render_delta import NOTE_INDENT
from .script import Unreadable, statements_of
from .sources import StreamLines
from .tensor_files import SEVERAL, SUFFIXES, save_tensors
from .tensor_reading import READ_SUFFIXES, load_tensors
from .theme import Line, Segment, text
from .torch_script import first_lines
from .trouble import FileTrouble

if TYPE_CHECKING:
    from ..engine.tensor import Tensor
    from .repl import Repl

COMMAND_SUFFIX = ".tc"
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")
_BINDING = re.compile(r"([^\W\d]\w*)\s*=\s*(.+)", re.DOTALL)


def words_of(argument: str) -> list[str]:
    """The words of a command's argument; quotes keep blanks together, and a backslash is an ordinary character.

    Raises CommandError for a quote that is not closed.
    """
    found = _WORD.findall(argument)
    if _WORD.sub("", argument).strip():
        raise CommandError(f"a quote is not closed in {safe_line(argument)}")
    return [re.sub(r""""([^"]*)"|'([^']*)'""", r"\1\2", word) for word in found]


def save(repl: Repl, argument: str) -> list[Line]:
    """`:save FILE.tc` for the commands, `:save NAME... FILE` for tensors."""
    *names, path = words_of(argument)
    if names:
        return _save_tensors(repl, names, path)
    if Path(path).suffix.lower() != COMMAND_SUFFIX:
        known = path in repl.session.env.variables
        hint = f":save {path} {path}.npy" if known else f"commands go into a file.tc, tensors by :save NAME {path}"
        raise CommandError(f"{safe_line(path)} does not end in {COMMAND_SUFFIX}: {hint}")
    content = command_text(repl.session)
    _write(path, content)
    missing = forgotten(repl.session)
    remark = f" (the first {missing} are no longer remembered)" if missing else ""
    return [text(f"saved {_count(len(content.splitlines()), 'line')} to {safe_line(path)}{remark}")]


def _save_tensors(repl: Repl, names: list[str], path: str) -> list[Line]:
    if Path(path).suffix.lower() == COMMAND_SUFFIX:
        raise CommandError(f"{COMMAND_SUFFIX} files hold commands; tensors go into {', '.join(SUFFIXES)}")
    tensors: dict[str, Tensor] = {}
    for name in names:
        value = variable(repl.session, name)
        if not is_tensor(value):
            raise CommandError(f"{name} is no tensor but a value of type {type(value).__name__}; tensor({name}) makes one")
        tensors[name] = value
    try:
        lost = save_tensors(tensors, path)
    except FileTrouble as trouble:
        raise CommandError(str(trouble)) from None
    lines = [text(f"saved {_all_described(tensors)} to {safe_line(path)}")]
    return [*lines, *sentence([Segment("text", "  note: ")], lost, repl.view.screen.width, NOTE_INDENT)] if lost else lines


def load(repl: Repl, argument: str) -> list[Line]:
    """`:load FILE.tc` runs commands, `:load NAME=FILE` binds a tensor (a dict of several), `:load FILE.npz` each by its own name."""
    binding = _BINDING.fullmatch(argument)
    words = words_of(binding[2] if binding else argument)
    if len(words) != 1:
        raise CommandError(":load takes one file; write a name with blanks in quotes")
    (path,) = words
    if binding:
        return _bind(repl, binding[1], path)
    suffix = Path(path).suffix.lower()
    if suffix in SEVERAL:
        return _bind_all(repl, path)
    if suffix in READ_SUFFIXES:
        raise CommandError(f"a tensor needs a name: :load x={safe_line(argument)}")
    return _run(repl, path)


def _bind(repl: Repl, name: str, path: str) -> list[Line]:
    value = chosen(_load(path), name)
    repl.session.bind({name: value}, path)
    if isinstance(value, dict):
        return [text(f"loaded {name}, a dict of {_all_described(value)}, from {safe_line(path)}")]
    return [text(f"loaded {_described(name, value)} from {safe_line(path)}")]


def _bind_all(repl: Repl, path: str) -> list[Line]:
    found = _load(path)
    odd = next((name for name in found if not name.isidentifier() or name.startswith("__")), None)
    if odd is not None:
        raise CommandError(f"{safe_line(odd)!r} in {safe_line(path)} is no name for a variable")
    repl.session.bind(found, path)
    return [text(f"loaded {_all_described(found)} from {safe_line(path)}")]


def _load(path: str) -> dict[str, Tensor]:
    try:
        return load_tensors(path)
    except FileTrouble as trouble:
        raise CommandError(str(trouble)) from None


def _run(repl: Repl, path: str) -> list[Line]:
    """Run a file's statements as commands of the session until one fails."""
    try:
        with Path(path).expanduser().open("rb") as file:
            statements = list(statements_of(StreamLines(path, file)))
    except (OSError, ValueError, RuntimeError) as error:
        raise CommandError(f"{safe_line(path)}: {_reason(error)}") from None
    for index, statement in enumerate(statements, start=1):
        left = len(statements) - index
        if isinstance(statement, Unreadable):
            record = repl.session.unreadable(statement.error, statement.text, statement.first, path)
            repl.fail(record, left)
            return []
        if not repl.run_statement(statement, left, path):
            return []
    return [text(f"ran {_count(len(statements), 'command')} of {safe_line(path)}")]


def torch(repl: Repl, argument: str) -> list[Line]:
    """`:torch` prints the session as a PyTorch script, `:torch FILE` writes it."""
    words = words_of(argument)
    if len(words) > 1:
        raise CommandError(":torch takes one file; write a name with blanks in quotes")
    try:
        script = torch_script(repl.session, first_lines(repl.settings))
    except ExportError as error:
        raise CommandError(safe_line(str(error))) from None
    if not words:
        return [text(line) for line in script.splitlines()]
    _write(words[0], script)
    return [text(f"wrote {_count(len(script.splitlines()), 'line')} to {safe_line(words[0])}")]


def _write(path: str, content: str) -> None:
    try:
        write_file(path, content)
    except (OSError, ValueError, RuntimeError) as error:
        raise CommandError(f"{safe_line(path)}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or safe_line(str(error))


def _described(name: str, tensor: Tensor) -> str:
    return f"{safe_line(name)} {tensor.dtype.name} {tuple(tensor.shape)}"


def _all_described(tensors: Mapping[str, Tensor]) -> str:
    return ", ".join(_described(name, tensor) for name, tensor in tensors.items())


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
