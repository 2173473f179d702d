"""What Tab offers at the prompt: the language's offers, and those of `:` commands and of `?`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..lang.complete import Offer, Offers, about, complete
from ..session.topics import TOPICS
from .commands import COMMANDS, CommandError, find
from .preferences import BY_NAME, PREFERENCES, UNSET

if TYPE_CHECKING:
    from ..lang.run import Environment

NOTES = [topic.name for topic in TOPICS.values() if topic.note]


def offers_for(entry: str, cursor: int, environment: Environment) -> Offers:
    """The offers at a place in an entry: a statement, a `:` command or a question."""
    line = entry[:cursor]
    if line.lstrip().startswith(":") and "\n" not in entry:
        return _of_command(line, environment)
    if line.startswith("?") and "\n" not in entry:
        return _of_question(line, environment)
    return complete(entry, cursor, environment)


def _of_command(line: str, environment: Environment) -> Offers:
    """Names of commands, then what the command takes."""
    word, blank, argument = line.lstrip().partition(" ")
    if not blank:
        offers = [Offer(f":{c.name}", f":{c.name}", c.summary) for c in COMMANDS if f":{c.name}".startswith(word)]
        return Offers(len(line) - len(word), offers)
    try:
        command = find(word[1:])
    except CommandError:
        return Offers(len(line), [])
    return _of_argument(command.name, command.argument, line, argument.lstrip(), environment)


def _of_argument(command: str, takes: str, line: str, argument: str, environment: Environment) -> Offers:
    last = argument.rpartition(" ")[2]
    if command == "help":
        return _of_question(line, environment)
    if command == "set":
        return _settings(argument, last, len(line))
    if any(kind in takes for kind in ("EXPR", "STATEMENT")):
        inner = complete(argument, len(argument), environment)
        return Offers(len(line) - len(argument) + inner.start, inner.offers)
    offers: list[Offer] = []
    if "NAME" in takes and command != "load":
        offers += [Offer(name, name, about(value)) for name, value in environment.variables.items() if name.startswith(last)]
    path = last.rpartition("=")[2]
    if "FILE" in takes and ("--" not in takes or argument.startswith("--") or " --" in argument):
        offers += _paths(path)
    return Offers(len(line) - len(path if "FILE" in takes else last), offers)


def _settings(argument: str, last: str, end: int) -> Offers:
    """Names of settings, then the values of the one that is named."""
    name, blank, _ = argument.partition(" ")
    if not blank:
        names = [Offer(each.name, each.name, each.summary) for each in PREFERENCES if each.name.startswith(name)]
        return Offers(end - len(name), names)
    preference = BY_NAME.get(name)
    if preference is None:
        return Offers(end, [])
    words = {"switch": ("on", "off"), "word": preference.choices, "list": tuple(NOTES)}.get(preference.kind, ())
    every = (*words, *[UNSET] * preference.optional, "--save")
    return Offers(end - len(last), [Offer(word, word, "") for word in every if word.startswith(last) and word not in argument.split(" ")[1:-1]])


def _of_question(line: str, environment: Environment) -> Offers:
    """Names as in a statement, and the words and notes that have a page."""
    begin = max(line.rfind("?"), line.rfind(" ")) + 1
    typed = line[begin:]
    if typed.startswith(":"):
        found = _of_command(typed, environment)
        return Offers(begin + found.start, found.offers)
    names = complete(typed, len(typed), environment) if "-" not in typed else Offers(0, [])
    topics = [Offer(name, name, "note" if topic.note else "word") for name, topic in TOPICS.items() if typed and name.startswith(typed)]
    shown = {offer.insert for offer in names.offers}
    if topics:
        return Offers(begin, [*names.offers, *(topic for topic in topics if topic.insert not in shown)])
    return Offers(begin + names.start, names.offers)


def _paths(typed: str) -> list[Offer]:
    """Files and folders that begin with what is typed; folders end in a slash, and a blank asks for quotes."""
    folder, slash, stem = typed.rpartition("/")
    names = [name for name in sorted(_entries(Path(folder + slash or ".").expanduser())) if name.startswith(stem) and (stem or name[0] != ".")]
    paths = [(name, f"{folder}{slash}{name}") for name in names]
    return [Offer(f'"{path}"' if " " in path else path, name, "") for name, path in paths]


def _entries(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield f"{entry.name}/" if entry.is_dir() else entry.name
    except OSError:  # no such folder, or not ours to read: nothing to offer
        return
