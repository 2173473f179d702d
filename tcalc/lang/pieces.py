"""Source text as pieces (words, texts, numbers, brackets, ...), also while it is being typed: for colours, brackets and completion."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tcalc.lang.scan import STRING_END

_PIECE = re.compile(
    r"""(?P<space>[ \t\r\n\\]+)|(?P<comment>\#[^\n]*)|(?P<text>(?:[rRfFbBuU]{1,2}(?=["']))?(?:\"\"\"|'''|"|'))"""
    r"""|(?P<number>(?:0[xXoObB]\w+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d+)?)\w*)|(?P<name>[^\W\d]\w*)"""
    r"""|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<sign>->|:=|[-+*/%@&|^<>=!]=|\*\*=?|//=?|<<=?|>>=?|[^\w\s])"""
)
_PAIRS = {"(": ")", "[": "]", "{": "}"}
WORDS = frozenset(keyword.kwlist)


class Piece(NamedTuple):
    """One piece of a source. `kind`: space, comment, text, number, name, word (a keyword), open, close or sign.

    `closed` is False for a text whose end is not there yet.
    """

    kind: str
    start: int
    end: int
    text: str
    closed: bool = True


def pieces(source: str) -> list[Piece]:
    """The pieces of a source from its first character to its last; no text is refused."""
    return list(_pieces(source))


def _pieces(source: str) -> Iterator[Piece]:
    position = 0
    while position < len(source):
        match = _PIECE.match(source, position)
        if match is None:  # a character that no program has
            yield Piece("sign", position, position + 1, source[position])
            position += 1
            continue
        kind, end, closed = str(match.lastgroup), match.end(), True
        if kind == "text":
            quote = match.group().lstrip("rRfFbBuU")
            end, closed = _end_of_text(source, end, quote)
        elif kind == "name" and match.group() in WORDS:
            kind = "word"
        yield Piece(kind, position, end, source[position:end], closed)
        position = end


def _end_of_text(source: str, start: int, quote: str) -> tuple[int, bool]:
    """Where a text ends, and whether its closing quote is there; one of a single quote ends with its line."""
    position = start
    while True:
        line_end = source.find("\n", position)
        line_end = len(source) if line_end < 0 else line_end
        match = STRING_END[quote].match(source[position:line_end])
        if match is not None and match.group(1):
            return position + match.end(), True
        goes_on = len(quote) == 3 or source[position:line_end].endswith("\\")
        if line_end == len(source) or not goes_on:
            return line_end, False
        position = line_end + 1


def partner(found: Sequence[Piece], position: int) -> tuple[int, int] | None:
    """The places of the bracket at or just before `position` and of the one it belongs to; None without either."""
    opened: list[Piece] = []
    pairs: dict[int, int] = {}
    for piece in found:
        if piece.kind == "open":
            opened.append(piece)
        elif piece.kind == "close" and opened and _PAIRS[opened[-1].text] == piece.text:
            start = opened.pop().start
            pairs[start], pairs[piece.start] = piece.start, start
    for place in (position, position - 1):
        if place in pairs:
            return place, pairs[place]
    return None


class OpenCall(NamedTuple):
    """The innermost bracket that is open at a place. `callee` is the dotted name before it, empty for none; `before` tells that the dotted
    name hangs on an expression (a call, an index); `place` counts the positional arguments so far, `keyword` names the one being written."""

    start: int
    bracket: str
    callee: tuple[str, ...]
    hangs: bool
    place: int
    keyword: str
    given: frozenset[str]


def open_bracket(found: Sequence[Piece], position: int) -> OpenCall | None:
    """What is being written inside the innermost open bracket before `position`; None outside all brackets."""
    inside = [piece for piece in found if piece.start < position and piece.kind not in ("space", "comment")]
    stack: list[int] = []
    for index, piece in enumerate(inside):
        if piece.kind == "open":
            stack.append(index)
        elif piece.kind == "close" and stack:
            stack.pop()
    if not stack:
        return None
    at = stack[-1]
    callee, hangs = chain_before(inside, at)
    return OpenCall(inside[at].start, inside[at].text, callee, hangs, *_arguments(inside[at + 1 :]))


def _arguments(inside: Sequence[Piece]) -> tuple[int, str, frozenset[str]]:
    """(positional arguments before this one, keyword of this one, keywords so far) of what stands inside an open bracket."""
    depth, place, current = 0, 0, ""
    given: set[str] = set()
    start = True
    for index, piece in enumerate(inside):
        depth += (piece.kind == "open") - (piece.kind == "close")
        if depth:
            start = False
        elif piece.text == ",":
            place += not current
            current, start = "", True
            continue
        if start and piece.kind == "name" and index + 1 < len(inside) and inside[index + 1].text == "=":
            current = piece.text
            given.add(current)
        start = False
    return place, current, frozenset(given)


def chain_before(found: Sequence[Piece], index: int) -> tuple[tuple[str, ...], bool]:
    """The dotted name that ends just before piece `index`, and whether it hangs on an expression: `a.b` of `a.b(`, `sum` of `f(x).sum(`."""
    names: list[str] = []
    index -= 1
    while index >= 0 and found[index].kind == "name":
        names.insert(0, found[index].text)
        if index == 0 or found[index - 1].text != ".":
            return tuple(names), False
        index -= 2
    return tuple(names), bool(names)
