"""The Error of code that a command of the prompt planned or timed: told in the same words as if it had been run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .trail import Past

if TYPE_CHECKING:
    from .errors import Error
    from .session import Session

FILENAME = "<command>"
_NO_NODE = 1 << 62  # later than any: such code made no node that is remembered


def failure_of(exc: BaseException, source: str, session: Session, variables: Mapping[str, object]) -> Error:
    """The Error for an exception of `source`, which ran as FILENAME over `variables`."""
    from ..lang.errors import LangError
    from ..lang.places import spots
    from .errors import Place, error_of

    trail = session.trail
    trail.failed = Past(session.number, source, FILENAME, 1, False, _NO_NODE)
    try:
        found = spots(exc)
        span = found[0].span if found else exc.span if isinstance(exc, LangError) else None
        return error_of(exc, Place(FILENAME, source), span, variables, trail)
    finally:
        trail.failed = None
