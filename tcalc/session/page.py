"""What a help page holds, and how its example is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SEE = 4


@dataclass(frozen=True, slots=True)
class HelpPage:
    """All that is said of one name. Empty parts are left out; `example` is a session, `>>>` before what is typed.

    `grad` pairs inputs with what they get (no input: of all); `cuda` says what is special there; `keywords` are arguments that a whole family of ops takes;
    `lists` are headed lists of names.
    """

    name: str
    heads: tuple[str, ...]
    summary: str
    also: tuple[str, ...] = ()
    details: str = ""
    keywords: tuple[str, ...] = ()
    shapes: str = ""
    storage: str = ""
    grad: tuple[tuple[str, str], ...] = ()
    cuda: str = ""
    example: str = ""
    see: tuple[str, ...] = ()
    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()


def see_of(fields: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(_split(fields["see"])) if "see" in fields else ()


def _split(text: str) -> list[str]:
    """The items of a list with commas outside brackets."""
    items, depth = [""], 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            items.append("")
        else:
            items[-1] += char
    return [item.strip() for item in items if item.strip()]


def phrases(text: str) -> tuple[tuple[str, str], ...]:
    """`input: grad; other: -grad` as pairs, any other text as what all inputs get."""
    parts = [part.partition(": ") for part in text.split("; ")]
    if len(parts) > 1 and all(name.isidentifier() for name, _, _ in parts):
        return tuple((name, phrase) for name, _, phrase in parts)
    return (("", text),) if text else ()


def around(names: Sequence[str], name: str) -> tuple[str, ...]:
    """The names next to one in a list, nearest first."""
    at = names.index(name)
    near = sorted((abs(i - at), i) for i in range(len(names)) if i != at)[:_SEE]
    return tuple(names[i] for _, i in near)


def session_of(*sources: str) -> str:
    """Statements as a session, with what they print."""
    return "".join(f">>> {source}\n{printed}" for source, printed in zip(sources, run_lines(sources), strict=True)).rstrip("\n")


def run_lines(sources: Sequence[str]) -> list[str]:
    """What each statement prints in a session of its own."""
    from ..lang.compile import compile_statement
    from ..lang.parse import parse
    from ..lang.run import Environment
    from ..lang.text import echo_repr
    from .notes import heard

    environment, all_printed = Environment(), []
    for source in sources:
        printed: list[str] = []

        def echo(value: object, printed: list[str] = printed) -> None:
            if value is not None:
                printed.append(echo_repr(value) + "\n")

        for statement in parse(source):
            environment.run(compile_statement(statement), echo, printed.append)
        all_printed.append("".join(printed))
    heard()  # what the engine remarked on the example is no concern of the user's
    return all_printed
