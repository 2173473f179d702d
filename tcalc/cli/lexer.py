"""Colours and matching brackets for what is being typed, from the language's own pieces."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from prompt_toolkit.application import get_app
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import split_lines
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.lexers import Lexer

if TYPE_CHECKING:
    from ..lang.pieces import Piece

# Sixteen-colour names, none of the four that vanish on some background.
STYLES = {
    "word": "bold",
    "text": "ansigreen",
    "number": "ansicyan",
    "comment": "dim",
    "command": "bold",
}
MATCHING = "bold underline"


class EntryLexer(Lexer):
    """Colours an entry by kinds of pieces, a `:` command by its name."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """A function that gives the styled text of a line."""
        text = document.text
        if text.startswith((":", "?")) and "\n" not in text:
            word, blank, rest = text.partition(" ")
            lines: list[StyleAndTextTuples] = [[(STYLES["command"], word), ("", blank + rest)]]
        else:
            fragments: StyleAndTextTuples = [(STYLES.get(piece.kind, ""), piece.text) for piece in _pieces(text)]
            lines = [list(line) for line in split_lines(fragments)]
        return lambda number: lines[number] if number < len(lines) else []


class MatchingBrackets(Processor):
    """Marks the bracket at the cursor and the one it belongs to; brackets inside texts and comments are none."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """The line with its part of a pair marked."""
        document, number = transformation_input.document, transformation_input.lineno
        fragments = transformation_input.fragments
        if get_app().is_done or not any(bracket in document.text for bracket in "([{"):
            return Transformation(fragments)
        from ..lang.pieces import partner

        pair = partner(_pieces(document.text), document.cursor_position)
        if pair is None:
            return Transformation(fragments)
        fragments = explode_text_fragments(fragments)
        for place in pair:
            row, column = document.translate_index_to_position(place)
            column = transformation_input.source_to_display(column)
            if row == number and column < len(fragments):
                style, text, *_ = fragments[column]
                fragments[column] = (f"{style} {MATCHING}", text)
        return Transformation(fragments)


@lru_cache(maxsize=4)
def _pieces(text: str) -> tuple[Piece, ...]:
    from ..lang.pieces import pieces  # at the first key, not at the first prompt

    return tuple(pieces(text)) if text else ()
