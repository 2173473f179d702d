"""Control, C1 and bidirectional characters made visible, so that no value or file name can steer the terminal."""

from __future__ import annotations

import re

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSAFE = f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}\ud800-\udfff]"
_UNSAFE_LINE = f"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029{_BIDI}\ud800-\udfff]"


def _escaped(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")


def safe(text: str) -> str:
    """`text` with all but line breaks and tabs among the control characters written as escapes."""
    return re.sub(_UNSAFE, _escaped, text)


def safe_line(text: str) -> str:
    """`text` as one line: line breaks are escaped too."""
    return re.sub(_UNSAFE_LINE, _escaped, text)
