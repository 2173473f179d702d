"""Recorded answers that tcalc does not give, each with its reason; the test fails when one agrees."""

CALLS: dict[str, str] = {}
PROGRAMS: dict[str, str] = {}
