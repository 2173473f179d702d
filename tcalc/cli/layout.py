"""Placing text in lines: wrapping between items or words, cutting, sizes and numbers in few characters."""

from __future__ import annotations

from unicodedata import east_asian_width

from .theme import Line, Segment

NARROW = 60
BELOW = 6  # indent of what a term is about, under it


def cells(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    return len(text) if text.isascii() else sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def flow(items: list[Segment], width: int, indent: int = 2, narrow: int = NARROW) -> list[Line]:
    """Items two blanks apart, wrapped only between items; one a line below `narrow` columns."""
    lines: list[Line] = []
    used = 0
    for item in items:
        if lines and width >= narrow and used + 2 + cells(item.text) <= width:
            lines[-1] += [Segment("text", "  "), item]
            used += 2 + cells(item.text)
        else:
            lines.append([Segment("text", " " * indent), item])
            used = indent + cells(item.text)
    return lines


def wrap(text: str, width: int, first: int, indent: int) -> list[str]:
    """Words of `text` in lines of at most `width` columns; the first starts at column `first`, others at `indent`.

    Words are never split. Only the text is returned, without the indent of its lines.
    """
    room = max(width - first, 20)
    if cells(text) <= room:
        return [text]
    lines: list[str] = [""]
    for word in text.split():
        if lines[-1] and cells(lines[-1]) + 1 + cells(word) > room:
            lines.append(word)
            room = max(width - indent, 20)
        else:
            lines[-1] += (" " if lines[-1] else "") + word
    return lines


def sentence(head: Line, text: str, width: int, indent: int, style: str = "text") -> list[Line]:
    """`head`, then `text` wrapped behind it with further lines at `indent`."""
    first = sum(cells(segment.text) for segment in head)
    pieces = wrap(text, width, first, indent)
    lines = [[*head, Segment(style, pieces[0])]]
    lines += [[Segment("text", " " * indent), Segment(style, piece)] for piece in pieces[1:]]
    return lines


def described(term: Line, about: str, width: int, style: str = "text") -> list[Line]:
    """A row of a list: `term`, then what it is about behind it; below it on screens narrower than NARROW."""
    if width < NARROW:
        return [term, *sentence([Segment("text", " " * BELOW)], about, width, BELOW, style)]
    gap = [*term, Segment("text", "  ")]
    return sentence(gap, about, width, sum(cells(segment.text) for segment in gap), style)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last three dots when something is missing."""
    return text if len(text) <= limit else text[: max(limit - 3, 0)] + "..."


def size_text(count: int) -> str:
    """Bytes as `24 B`, `450 KiB`, `1.5 MiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1000 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"


def number_text(value: float, largest: float | None = None) -> str:
    """A number in few characters: two decimals where `largest`, the size of its neighbours, fits them; else three digits."""
    size = abs(value) if largest is None else largest
    text = f"{value:.2f}" if value == 0 or 0.1 <= size < 1e5 else f"{value:.3g}"
    return "0.00" if text == "-0.00" else text


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
