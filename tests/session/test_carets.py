"""Where carets go under a failing expression."""

import pytest

from tcalc.session.carets import Mark, marks_of


def drawn(line: str, marks: list[Mark]) -> str:
    """The marks as the line under `line`."""
    under = [" "] * max(mark.end for mark in marks)
    for mark in marks:
        under[mark.start : mark.end] = mark.char * (mark.end - mark.start)
    return "".join(under)


@pytest.mark.parametrize(
    ("line", "part", "under"),
    [
        ("x @ x", "x @ x", "~ ^ ~"),
        ("c = x @ v", "x @ v", "    ~ ^ ~"),
        ("(a+b) // (c)", "(a+b) // (c)", " ~~~  ^^  ~"),
        ("y.view(6)", "y.view(6)", "  ^^^^"),
        ("z = a.b.view(6)", "a.b.view(6)", "        ^^^^"),
        ("cat([a, b])", "cat([a, b])", "^^^"),
        ("onse(2)", "onse", "^^^^"),
        ("x[5]", "x[5]", "~^^^"),
        ("x += ones(4)", "x += ones(4)", "~ ^^ ~~~~~~~"),
        ("a < b < c", "a < b < c", "~ ^ ~"),
        ("f(1, x . shapes)", "x . shapes", "         ^^^^^^"),
        ("é + x", "é + x", "~ ^ ~"),
        ("1 +", " ", " ^"),
    ],
)
def test_marks(line: str, part: str, under: str) -> None:
    start = line.index(part)
    assert drawn(line, marks_of([line], start, start + len(part)).marks) == under


def test_a_range_past_the_end_marks_one_character() -> None:
    assert marks_of(["ab"], 2, 2).marks == [Mark(2, 3, "^")]
