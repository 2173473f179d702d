"""The `:` commands of the prompt: their names, what they take, and what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from ..session.facts import statistics
from ..session.tensors import is_tensor, named_tensors
from .escape import safe_line
from .layout import NARROW, described, sentence
from .render_value import value_block
from .render_vars import info_lines, vars_lines
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from ..session.session import Session
    from .repl import Repl
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


@dataclass(frozen=True, slots=True)
class PromptCommand:
    """A `:` command that acts on the prompt itself: its settings, entries or files. The fields are those of Command."""

    name: str
    argument: str
    summary: str
    run: Callable[[Repl, str], list[Line]]
    aliases: tuple[str, ...] = ()
    optional: bool = False


def parse_call(line: str) -> Call:
    """`:info x` as a Call."""
    name, _, argument = line.strip()[1:].partition(" ")
    return Call(name, argument.strip())


def run_call(call: Call, session: Session, screen: Screen, repl: Repl) -> list[Line]:
    """Carry out a command of the prompt `repl`.

    Raises CommandError for one that does not exist or whose argument is wrong, Quit when it asks to leave.
    """
    command = find(call.name)
    if call.argument and not command.argument:
        raise CommandError(f":{command.name} takes no argument")
    if not call.argument and command.argument and not command.optional:
        raise CommandError(f":{command.name} needs {command.argument}")
    if isinstance(command, PromptCommand):
        return command.run(repl, call.argument)
    return command.run(session, screen, call.argument)


def find(name: str) -> Command | PromptCommand:
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


_HELP_FIRST = (
    "Type expressions as in Python with PyTorch; the prefix torch. may be left out.",
    "A line that ends in ; prints nothing. _ is the last value.",
)
_HELP_LAST = (
    "?NAME explains a function, a method or a word; ? alone lists them.",
    "Enter runs, Alt-Enter starts a new line, Ctrl-C stops, Ctrl-D leaves.",
)


def _help(session: Session, screen: Screen, argument: str) -> list[Line]:
    if argument:
        return _explained(session, screen, argument)
    pad = max(len(usage(command)) for command in COMMANDS) if screen.width >= NARROW else 0
    lines = [line for words in _HELP_FIRST for line in sentence([], words, screen.width, 0)]
    for command in COMMANDS:
        lines += described([Segment("word", f"  {usage(command).ljust(pad)}")], command.summary, screen.width)
    for words in _HELP_LAST:
        lines += sentence([], words, screen.width, 0)
    return lines


def _explained(session: Session, screen: Screen, name: str) -> list[Line]:
    """The pages on a name, and the command of that name."""
    from ..session.help import UnknownName, pages
    from .render_help import help_lines

    try:
        lines = [] if name.startswith(":") else help_lines(pages(name.removeprefix("?"), session.env.variables), screen)
    except UnknownName as unknown:
        if not any(name in (command.name, *command.aliases) for command in COMMANDS):
            raise CommandError(safe_line(str(unknown))) from None
        lines = []
    try:
        command = find(name.removeprefix(":"))
    except CommandError:
        if not lines:
            raise
        return lines
    return [*lines, text(f"{usage(command)}  {command.summary}")]


def usage(command: Command | PromptCommand) -> str:
    """A command with what it takes: `:help [NAME]`."""
    argument = f"[{command.argument}]" if command.optional else command.argument
    return f":{command.name} {argument}".rstrip()


def _vars(session: Session, screen: Screen, argument: str) -> list[Line]:
    return vars_lines(session, screen)


def _info(session: Session, screen: Screen, argument: str) -> list[Line]:
    value = variable(session, argument)
    facts = session.facts(value, argument)
    if facts is None or not is_tensor(value):
        raise CommandError(f"{argument} is no tensor but a value of type {type(value).__name__}")
    return info_lines(facts, statistics(value), screen)


def _show(session: Session, screen: Screen, argument: str) -> list[Line]:
    return value_block(variable(session, argument), argument, screen.width, None)[0]


def _reset(session: Session, screen: Screen, argument: str) -> list[Line]:
    count = sum(name != "_" for name in session.env.variables)
    session.reset()
    return [text(f"forgot {count} name{'' if count == 1 else 's'}")]


def _quit(session: Session, screen: Screen, argument: str) -> list[Line]:
    raise Quit


def variable(session: Session, name: str) -> object:
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


def _teaching(name: str) -> Callable[[Session, Screen, str], list[Line]]:
    """A command of teaching.py, which is loaded when one of them is first used."""

    def run(session: Session, screen: Screen, argument: str) -> list[Line]:
        from .teaching import COMMANDS as TEACHING

        return TEACHING[name](session, screen, argument)

    return run


def _prompting(module: str, name: str) -> Callable[[Repl, str], list[Line]]:
    """A command of the prompt itself, whose module is loaded when it is first used."""

    def run(repl: Repl, argument: str) -> list[Line]:
        function: Callable[[Repl, str], list[Line]] = getattr(import_module(f".{module}", __package__), name)
        return function(repl, argument)

    return run


COMMANDS: tuple[Command | PromptCommand, ...] = (
    Command("help", "NAME", "this list, or what a command, function or word means", _help, ("h",), optional=True),
    Command("vars", "", "all variables with shape, stride, storage and grad", _vars),
    Command("info", "NAME", "all facts about one tensor", _info),
    Command("show", "NAME", "all elements of one value", _show),
    Command("stats", "NAME", "all elements in numbers, with a histogram", _teaching("stats")),
    Command("graph", "NAME [--dot FILE]", "how a value was computed, as a tree or as DOT text", _teaching("graph")),
    Command("storage", "NAME", "the memory under a tensor and each name's index", _teaching("storage")),
    Command("explain", "EXPRESSION", "what it would do with sizes and memory; runs nothing", _teaching("explain")),
    PromptCommand("trace", "STATEMENT", "run it and tell its backward node by node", _prompting("teaching", "trace")),
    Command("time", "STATEMENT", "best of many runs; only in-place writes stay", _teaching("time")),
    Command("device", "", "the devices and their memory", _teaching("device")),
    PromptCommand("save", "[NAME...] FILE", "commands that worked to FILE.tc, or tensors", _prompting("file_commands", "save")),
    PromptCommand("load", "FILE | NAME=FILE", "run the commands of FILE.tc, or read a tensor", _prompting("file_commands", "load")),
    PromptCommand("torch", "FILE", "the session as a PyTorch script", _prompting("file_commands", "torch"), optional=True),
    PromptCommand("set", "KEY VALUE [--save]", "list or change settings", _prompting("set_command", "change"), optional=True),
    PromptCommand("history", "N", "the last commands with their numbers", _prompting("history_commands", "history"), optional=True),
    PromptCommand("edit", "N", "the last entry, or command N, in $EDITOR; runs it when saved", _prompting("history_commands", "edit"), optional=True),
    Command("reset", "", "forget all variables", _reset),
    Command("quit", "", "leave (also Ctrl-D, exit, quit, :q)", _quit, ("q", "exit")),
)
