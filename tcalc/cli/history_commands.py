"""The commands of the prompt about earlier commands: `:history`, `:edit`."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from typing import TYPE_CHECKING

from .commands import CommandError
from .escape import safe_line
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from ..session.trail import Past
    from .repl import Repl

SHOWN = 20


def history(repl: Repl, argument: str) -> list[Line]:
    """`:history [N]`: the last N commands with their numbers."""
    commands = list(repl.session.records)
    if not argument.isdecimal() and argument:
        raise CommandError(":history takes a number of commands")
    if not commands:
        return [text("no commands yet")]
    count = int(argument[:9]) if argument else SHOWN
    shown = commands[max(len(commands) - count, 0) :]
    lines = [line for past in shown for line in _command_lines(past)]
    left = len(commands) - len(shown)
    if left:
        lines.insert(0, text(f"{left} earlier, :history {len(commands)} shows all", "quiet"))
    return lines


def _command_lines(past: Past) -> list[Line]:
    """One command as it was typed, with its prompts; the word `failed` behind one that did."""
    head = f"{past.number}> "
    first, *others = (past.source + past.end).split("\n")
    lines = [[Segment("usual", head), Segment("text", first)]]
    lines += [[Segment("usual", ".. ".rjust(len(head))), Segment("text", line)] for line in others]
    if not past.ok:
        lines[-1].append(Segment("error", "   failed"))
    return lines


def edit(repl: Repl, argument: str) -> list[Line]:
    """`:edit [N]`: the last entry, or command N, in the editor; what is saved there is run."""
    source = _numbered(repl, argument) if argument else repl.last_entry
    if not source:
        raise CommandError("there is no command to edit yet")
    edited = _edited(source)
    if edited is None:
        return [text("not saved, not run", "quiet")]
    if not edited.strip():
        return [text("nothing to run", "quiet")]
    if edited.lstrip().startswith(":"):
        raise CommandError(":commands are not run from the editor")
    repl.say([text(line) for line in edited.split("\n")])
    repl.remember(edited)
    repl.enter(edited)
    return []


def _numbered(repl: Repl, argument: str) -> str:
    for past in repl.session.records:
        if argument.isdecimal() and past.number == int(argument[:9]):
            return past.source + past.end
    raise CommandError(f"no command {safe_line(argument)}; :history lists them")


def _edited(source: str) -> str | None:
    """What the user made of `source`, without newlines at the end; None when the file was not saved.

    Raises CommandError when there is no editor, or it fails.
    """
    handle, path = tempfile.mkstemp(prefix="tcalc-", suffix=".tc")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(source.rstrip("\n") + "\n")
        before = os.stat(path)
        _run_editor(path)
        after = os.stat(path)
        if (before.st_mtime_ns, before.st_ino, before.st_size) == (after.st_mtime_ns, after.st_ino, after.st_size):
            return None
        with open(path, encoding="utf-8") as file:
            return file.read().rstrip("\n")
    except UnicodeDecodeError:
        raise CommandError("the editor did not leave UTF-8 text") from None
    except OSError as error:
        raise CommandError(f"nothing to edit in: {error.strerror}") from None
    finally:
        if os.path.exists(path):
            os.unlink(path)


def _run_editor(path: str) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise CommandError("no editor: set $VISUAL or $EDITOR")
    try:
        status = subprocess.call([*shlex.split(editor), path])
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"cannot start {safe_line(editor)}: {reason}") from None
    if status:
        raise CommandError(f"{safe_line(editor)} ended with status {status}; nothing was run")
