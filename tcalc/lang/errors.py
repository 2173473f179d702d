"""What the language raises: one error class with a place in the source, and the signal that leaves tcalc."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["syntax", "refused", "name", "limit"]


class Span(NamedTuple):
    """A piece of source: lines count from 1 over the whole text, columns from 0 in characters, the end is exclusive."""

    line: int
    col: int
    end_line: int
    end_col: int


class LangError(Exception):
    """A program the language cannot or will not run; `message` is one line, `span` the place to underline.

    `kind` says why: 'syntax' (not the language's grammar), 'refused' (grammar or a name it does not offer),
    'name' (nothing has that name) or 'limit' (a bound on size, depth or length). No `try` of the language catches it.
    """

    def __init__(
        self, message: str, span: Span | None = None, kind: Kind = "syntax", hints: list[str] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.kind: Kind = kind
        self.hints: list[str] = hints or []


class Exit(BaseException):
    """`exit()` or `quit()` was called: the session ends with this exit code."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


def limit(message: str) -> LangError:
    """The error for a bound that a value or a computation would pass."""
    return LangError(message, kind="limit")
