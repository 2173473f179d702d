"""Help pages as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .layout import NARROW, cells, flow, sentence
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from ..session.page import HelpPage
    from .terminal import Screen

_LABEL = 12  # columns before the values
_BESIDE = 32  # column of a second label in the same line
_ALSO = 50  # column of the other names
_PROMPT = ">>> "


def help_lines(pages: Sequence[HelpPage], screen: Screen) -> list[Line]:
    """Pages one after the other, a blank line between two."""
    lines: list[Line] = []
    for page in pages:
        lines += [[]] * bool(lines) + (_plain(page) if screen.plain else _page(page, screen.width))
    return lines


def _page(page: HelpPage, width: int) -> list[Line]:
    lines = _head(page, width)
    lines += [line for part in (page.summary, *page.details.split("\n")) if part for line in sentence(text("  "), part, width, 2)]
    if page.keywords[1:]:
        lines += _field("keywords", ", ".join(page.keywords), width)
    lines += _field("shapes", page.shapes, width, "shape")
    lines += _storage_and_grad(page, width)
    lines += _field("cuda", page.cuda, width)
    lines += _example(page.example, width)
    lines += _field("see also", ", ".join(page.see), width)
    for label, names in page.lists:
        lines += [text(f"  {label}", "word"), *flow([Segment("text", name) for name in names], width, 4, narrow=0)]
    return lines


def _head(page: HelpPage, width: int) -> list[Line]:
    """The signatures; the other names at the right of the last or below."""
    lines: list[Line] = []
    for signature in page.heads:
        name, bracket, rest = signature.partition("(")
        lines += sentence([Segment("name", name), Segment("text", bracket)], rest, width, 4) if bracket else [text(name, "name")]
    if page.also:
        words = f"also: {', '.join(page.also)}"
        used = cells("".join(segment.text for segment in lines[-1]))
        place = max(_ALSO, used + 2)
        if place + cells(words) <= width:
            lines[-1].append(Segment("quiet", " " * (place - used) + words))
        else:
            lines += sentence(text("  "), words, width, 2, "quiet")
    return lines


def _field(label: str, value: str, width: int, style: str = "text") -> list[Line]:
    if not value:
        return []
    if width < NARROW:
        return [text(f"  {label}", "word"), *sentence(text("    "), value, width, 4, style)]
    return sentence([Segment("word", f"  {label}".ljust(_LABEL))], value, width, _LABEL, style)


def _storage_and_grad(page: HelpPage, width: int) -> list[Line]:
    lines = _field("storage", page.storage, width)
    if len(page.grad) == 1 and width >= NARROW:
        phrase = page.grad[0][1]
        used = _LABEL + cells(page.storage)
        if lines and used + 2 <= _BESIDE and _BESIDE + 7 + cells(phrase) <= width:
            lines[-1] += [Segment("word", " " * (_BESIDE - used) + "grad   "), Segment("autograd", phrase)]
            return lines
    wide = max((cells(name) for name, _ in page.grad), default=0)
    for index, (name, phrase) in enumerate(page.grad):
        shown = f"{name.ljust(wide)}  {phrase}" if name and width >= NARROW else f"{name}: {phrase}" if name else phrase
        more = _field("" if index else "grad", shown, width, "autograd")
        lines += more[1:] if index and width < NARROW else more
    return lines


def _example(example: str, width: int) -> list[Line]:
    """A session under the label; its prompts are left out where only one line is typed."""
    rows = example.split("\n") if example else []
    alone = sum(row.startswith((_PROMPT, "... ")) for row in rows) == 1
    narrow = width < NARROW
    lines = [text("  example", "word")] if rows and narrow else []
    for index, row in enumerate(rows):
        typed = row.startswith((_PROMPT, "... "))
        shown = row.removeprefix(_PROMPT) if alone else row
        label = "    " if narrow else ("" if index else "  example").ljust(_LABEL)
        lines.append([Segment("word" if label.strip() else "text", label), Segment("name" if typed else "text", shown)])
    return lines


def _plain(page: HelpPage) -> list[Line]:
    """One labelled line for each thing that is said."""
    lines = [text(f"name: {signature}") for signature in page.heads]
    lines += [
        text(f"{label}: {value}")
        for label, value in (
            ("also", ", ".join(page.also)),
            ("about", " ".join((page.summary, *page.details.split("\n"))).strip()),
            ("keywords", ", ".join(page.keywords) if page.keywords[1:] else ""),
            ("shapes", page.shapes),
            ("storage", page.storage),
            *((f"grad of {name}" if name else "grad", phrase) for name, phrase in page.grad),
            ("cuda", page.cuda),
        )
        if value
    ]
    for row in page.example.split("\n") if page.example else ():
        lines.append(text(f"example: {row.removeprefix(_PROMPT)}" if row.startswith(_PROMPT) else row))
    lines += [text(f"see also: {', '.join(page.see)}")] if page.see else []
    return lines + [text(f"{label}: {', '.join(names)}") for label, names in page.lists]
