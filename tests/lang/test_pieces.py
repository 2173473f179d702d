"""Source text in pieces, also while it is being typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcalc.lang.pieces import open_bracket, partner, pieces


def kinds(source: str) -> list[tuple[str, str]]:
    """(kind, text) of all pieces but blanks."""
    return [(piece.kind, piece.text) for piece in pieces(source) if piece.kind != "space"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = 1", [("name", "x"), ("sign", "="), ("number", "1")]),
        ("for i in x:", [("word", "for"), ("name", "i"), ("word", "in"), ("name", "x"), ("sign", ":")]),
        (
            "1.5e-3 + .5 + 0x1F + 1_000j",
            [("number", "1.5e-3"), ("sign", "+"), ("number", ".5"), ("sign", "+"), ("number", "0x1F"), ("sign", "+"), ("number", "1_000j")],
        ),
        (
            "a.b(c)[0]",
            [
                ("name", "a"),
                ("sign", "."),
                ("name", "b"),
                ("open", "("),
                ("name", "c"),
                ("close", ")"),
                ("open", "["),
                ("number", "0"),
                ("close", "]"),
            ],
        ),
        ("'a # b' # c", [("text", "'a # b'"), ("comment", "# c")]),
        ("rb'\\'x'", [("text", "rb'\\'x'")]),
        ('f"{x}" + y', [("text", 'f"{x}"'), ("sign", "+"), ("name", "y")]),
        ("'''a\nb''' + c", [("text", "'''a\nb'''"), ("sign", "+"), ("name", "c")]),
        ("'open", [("text", "'open")]),
        ("'open\nx", [("text", "'open"), ("name", "x")]),
        (
            "x ** 2 // 3 != y",
            [("name", "x"), ("sign", "**"), ("number", "2"), ("sign", "//"), ("number", "3"), ("sign", "!="), ("name", "y")],
        ),
        ("größe", [("name", "größe")]),
        ("\x00?", [("sign", "\x00"), ("sign", "?")]),
    ],
)
def test_kinds(source: str, found: list[tuple[str, str]]) -> None:
    assert kinds(source) == found


@given(st.text(alphabet=st.sampled_from("ab1.'\"#()[]{}\\\n =,*fr\x00é"), max_size=40))
def test_pieces_are_the_text(source: str) -> None:
    """Nothing is left out, nothing comes twice."""
    found = pieces(source)
    assert "".join(piece.text for piece in found) == source
    assert [piece.start for piece in found[1:]] == [piece.end for piece in found[:-1]]


@pytest.mark.parametrize(
    ("source", "cursor", "pair"),
    [
        ("f(x)", 1, (1, 3)),
        ("f(x)", 3, (3, 1)),
        ("f(x)", 4, (3, 1)),
        ("f(x)", 0, None),
        ("f([x])", 5, (5, 1)),
        ("f(')')", 6, (5, 1)),
        ("f(')')", 3, None),
        ("(]", 2, None),
        ("f(", 2, None),
    ],
)
def test_partner(source: str, cursor: int, pair: tuple[int, int] | None) -> None:
    assert partner(pieces(source), cursor) == pair


@pytest.mark.parametrize(
    ("source", "callee", "place", "keyword"),
    [
        ("cat(", ("cat",), 0, ""),
        ("cat([a, b], ", ("cat",), 1, ""),
        ("cat([a, b], dim=", ("cat",), 1, "dim"),
        ("f(a, k=g(1, 2), ", ("f",), 1, ""),
        ("f(a == b, ", ("f",), 1, ""),
        ("x.view(2, ", ("x", "view"), 1, ""),
        ("f(')', ", ("f",), 1, ""),
        ("f(x)[0].g(", ("g",), 0, ""),
        ("f(x); g(", ("g",), 0, ""),
        ("(", (), 0, ""),
    ],
)
def test_open_bracket(source: str, callee: tuple[str, ...], place: int, keyword: str) -> None:
    call = open_bracket(pieces(source), len(source))
    assert call is not None
    assert (call.callee, call.place, call.keyword) == (callee, place, keyword)


@pytest.mark.parametrize("source", ["", "x", "f(x)", "'('", "# ("])
def test_no_open_bracket(source: str) -> None:
    assert open_bracket(pieces(source), len(source)) is None
