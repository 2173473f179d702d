"""What a command changed, as lines that begin with a word: changed, filled, added, zeroed, cleared, freed; and the notes on it."""

from __future__ import annotations

from collections.abc import Sequence

from ..session.delta import Changed, Delta, Freed, GradChange
from ..session.record import Note
from .layout import ordinal, sentence
from .render_value import MIN_WIDTH, value_text
from .theme import Line, Segment

INDENT = 11
NOTE_INDENT = 8
MAX_NAMES = 6
MAX_GRAD_VALUES = 3


def delta_lines(delta: Delta, width: int, plain: bool) -> list[Line]:
    """All changes; values are shown for few gradients only."""
    lines: list[Line] = []
    for changed in delta.changed[:MAX_NAMES]:
        lines += _changed(changed, width, plain)
    lines += _more(len(delta.changed) - MAX_NAMES, plain)
    for grad in delta.grads[:MAX_NAMES]:
        lines += _grad(grad, width, plain, len(delta.grads) <= MAX_GRAD_VALUES)
    lines += _more(len(delta.grads) - MAX_NAMES, plain)
    for freed in delta.freed[:MAX_NAMES]:
        lines += _freed(freed, width, plain)
    return lines


def note_lines(notes: Sequence[Note], width: int) -> list[Line]:
    """Remarks, each with its details below; what is longer than the line goes on under its beginning."""
    lines: list[Line] = []
    for note in notes:
        for head, words in (("  note: ", note.text), *((" " * NOTE_INDENT, detail) for detail in note.details)):
            lines += sentence([Segment("text", head)], words, width, NOTE_INDENT)
    return lines


def _head(word: str, plain: bool) -> Line:
    return [Segment("word", f"{word}: ")] if plain else [Segment("text", "  "), Segment("word", word.ljust(INDENT - 2))]


def _said(word: str, text: str, width: int, plain: bool) -> list[Line]:
    return sentence(_head(word, plain), text, width, 0 if plain else INDENT)


def _more(count: int, plain: bool) -> list[Line]:
    return [[Segment("text", ("" if plain else " " * INDENT) + f"and {count} more")]] if count > 0 else []


def _changed(changed: Changed, width: int, plain: bool) -> list[Line]:
    names = ", ".join(changed.names[:MAX_NAMES])
    if len(changed.names) > MAX_NAMES:
        names += f" and {len(changed.names) - MAX_NAMES} more"
    how = f"through storage #{changed.storage}, version {changed.before} -> {changed.after}"
    if changed.before == changed.after:
        how = f"through storage #{changed.storage}, unseen by autograd (version stays {changed.after})"
    return _line("changed", names, how, width, plain)


def _line(word: str, what: str, how: str, width: int, plain: bool) -> list[Line]:
    gap = ", " if plain else "  "
    return sentence(
        [*_head(word, plain), Segment("name", what), Segment("text", gap)], how, width, 0 if plain else INDENT
    )


def _grad(change: GradChange, width: int, plain: bool, with_value: bool) -> list[Line]:
    name, grad = f"{change.name}.grad", change.grad
    if grad is None:
        return _line(change.kind, name, "is None now", width, plain)
    how = f"{grad.dtype.name} {tuple(grad.shape)}"
    if change.kind == "filled":
        how += ", was None"
    elif change.kind == "added":
        how += (
            f", {ordinal(change.count)} backward since None or zero" if change.count else ", on top of the old values"
        )
    lines = _line(change.kind, name, how, width, plain)
    if with_value and change.kind != "zeroed":
        indent = 0 if plain else INDENT
        shown = value_text(grad, max(width - indent, MIN_WIDTH))
        lines += [[Segment("text", " " * indent + line if line else "")] for line in shown.lines]
    return lines


def _freed(freed: Freed, width: int, plain: bool) -> list[Line]:
    count = f"more than {freed.nodes}" if freed.more else str(freed.nodes)
    nodes = f"{count} node" if count == "1" else f"{count} nodes"
    return _said("freed", f"graph of {freed.name}, {nodes} (a second backward needs retain_graph=True)", width, plain)
