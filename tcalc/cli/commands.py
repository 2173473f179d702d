"""The `:` commands of the prompt: their names, what they take, and what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ..session.facts import statistics
from ..session.tensors import is_tensor, named_tensors
from .escape import safe_line
from .render_value import value_block
from .render_vars import info_lines, vars_lines
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from ..session.session import Session
    from .terminal import Screen


class CommandError(Exception):
    """A `:` command that cannot be carried out; the text is one line."""


class Quit(Exception):
    """The user asked to leave."""


@dataclass(frozen=True, slots=True)
class Call:
    """A `:` command as it was typed."""

    name: str
    argument: str


@dataclass(frozen=True, slots=True)
class Command:
    """One `:` command. `argument` describes what follows the name, empty when nothing may."""

    name: str
    argument: str
    summary: str
    run: Callable[[Session, Screen, str], list[Line]]
    aliases: tuple[str, ...] = ()
    optional: bool = False


def parse_call(line: str) -> Call:
    """`:info x` as a Call."""
    name, _, argument = line.strip()[1:].partition(" ")
    return Call(name, argument.strip())


def run_call(call: Call, session: Session, screen: Screen) -> list[Line]:
    """Carry out a command.

    Raises CommandError for one that does not exist or whose argument is wrong, Quit when it asks to leave.
    """
    command = find(call.name)
    if call.argument and not command.argument:
        raise CommandError(f":{command.name} takes no argument")
    if not call.argument and command.argument and not command.optional:
        raise CommandError(f":{command.name} needs {command.argument}")
    return command.run(session, screen, call.argument)


def find(name: str) -> Command:
    """The command with this name or alias.

    Raises CommandError with a suggestion.
    """
    for command in COMMANDS:
        if name == command.name or name in command.aliases:
            return command
    names = [word for command in COMMANDS for word in (command.name, *command.aliases)]
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f"Did you mean :{close[0]}?" if close else "Type :help for the list."
    raise CommandError(f"no command :{safe_line(name)}. {hint}")


def _help(session: Session, screen: Screen, argument: str) -> list[Line]:
    if argument:
        command = find(argument.removeprefix(":"))
        return [text(f"{_usage(command)}  {command.summary}")]
    width = max(len(_usage(command)) for command in COMMANDS)
    lines = [text("Type expressions as in Python with PyTorch; the prefix torch. may be left out.")]
    lines.append(text("A line that ends in ; prints nothing. _ is the last value."))
    lines += [
        [Segment("word", f"  {_usage(command).ljust(width)}"), Segment("text", f"  {command.summary}")]
        for command in COMMANDS
    ]
    lines.append(text("Enter runs, Alt-Enter starts a new line, Ctrl-C stops, Ctrl-D leaves."))
    return lines


def _usage(command: Command) -> str:
    argument = f"[{command.argument}]" if command.optional else command.argument
    return f":{command.name} {argument}".rstrip()


def _vars(session: Session, screen: Screen, argument: str) -> list[Line]:
    return vars_lines(session, screen)


def _info(session: Session, screen: Screen, argument: str) -> list[Line]:
    value = _variable(session, argument)
    facts = session.facts(value, argument)
    if facts is None or not is_tensor(value):
        raise CommandError(f"{argument} is no tensor but a value of type {type(value).__name__}")
    return info_lines(facts, statistics(value))


def _show(session: Session, screen: Screen, argument: str) -> list[Line]:
    return value_block(_variable(session, argument), argument, screen.width, None)[0]


def _reset(session: Session, screen: Screen, argument: str) -> list[Line]:
    count = sum(name != "_" for name in session.env.variables)
    session.reset()
    return [text(f"forgot {count} name{'' if count == 1 else 's'}")]


def _quit(session: Session, screen: Screen, argument: str) -> list[Line]:
    raise Quit


def _variable(session: Session, name: str) -> object:
    """The value of a variable, or of a parameter of a module (`model.weight`).

    Raises CommandError with a suggestion.
    """
    variables = session.env.variables
    if name in variables:
        return variables[name]
    tensors = dict(named_tensors(variables))
    if name in tensors:
        return tensors[name]
    close = get_close_matches(name, [*variables, *tensors], n=1, cutoff=0.6)
    raise CommandError(f"no variable {safe_line(name)!r}." + (f" Did you mean {close[0]}?" if close else ""))


COMMANDS = (
    Command("help", "COMMAND", "this list, or one command", _help, ("h",), optional=True),
    Command("vars", "", "all variables with shape, stride, storage and grad", _vars),
    Command("info", "NAME", "all facts about one tensor", _info),
    Command("show", "NAME", "all elements of one value", _show),
    Command("reset", "", "forget all variables", _reset),
    Command("quit", "", "leave (also Ctrl-D, exit, quit, :q)", _quit, ("q", "exit")),
)
