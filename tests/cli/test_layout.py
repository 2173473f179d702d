"""Wrapping, cutting and short numbers."""

import pytest

from tcalc.cli.layout import cells, cut, flow, number_text, ordinal, sentence, size_text
from tcalc.cli.theme import Segment, plain_text

FACTS = [Segment("text", word) for word in ("float32 (2, 3)", "stride (3, 1)", "cpu", "contiguous", "offset 3 of 9")]


def test_facts_wrap_only_between_facts() -> None:
    assert (
        plain_text(flow(FACTS, 62))
        == "  float32 (2, 3)  stride (3, 1)  cpu  contiguous  offset 3 of 9\n"[:48] + "\n  offset 3 of 9\n"
    )
    assert plain_text(flow(FACTS, 80)) == "  float32 (2, 3)  stride (3, 1)  cpu  contiguous  offset 3 of 9\n"


def test_narrow_screens_get_one_fact_a_line() -> None:
    assert plain_text(flow(FACTS, 59)).splitlines() == [f"  {fact.text}" for fact in FACTS]


def test_a_sentence_wraps_at_words_behind_its_head() -> None:
    lines = sentence([Segment("error", "error: ")], "one two three four five six", 27, 7)
    assert plain_text(lines) == "error: one two three four\n       five six\n"


def test_a_word_longer_than_the_line_stays_whole() -> None:
    assert plain_text(sentence([], "a " + "b" * 50, 30, 2)) == "a\n  " + "b" * 50 + "\n"


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (24, "24 B"),
        (999, "999 B"),
        (1000, "0.977 KiB"),
        (460992, "450 KiB"),
        (10**9, "954 MiB"),
        (10**14, "93132 GiB"),
    ],
)
def test_sizes(count: int, expected: str) -> None:
    assert size_text(count) == expected


@pytest.mark.parametrize(
    ("value", "largest", "expected"),
    [
        (0.0, None, "0.00"),
        (-4.291, None, "-4.29"),
        (1e-5, None, "1e-05"),
        (123456.0, None, "1.23e+05"),
        (1e-5, 3.0, "0.00"),
    ],
)
def test_numbers(value: float, largest: float | None, expected: str) -> None:
    assert number_text(value, largest) == expected


def test_ordinals() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21, 102, 111)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "21st",
        "102nd",
        "111th",
    ]


def test_wide_characters_take_two_cells() -> None:
    assert cells("aé漢") == 4


def test_cut() -> None:
    assert (cut("abcdef", 6), cut("abcdefg", 6)) == ("abcdef", "abc...")
