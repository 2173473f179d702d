"""Tab at the prompt: the offers as prompt_toolkit wants them, and what the key does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

if TYPE_CHECKING:
    from ..session.session import Session


class TabCompleter(Completer):
    """The offers for a session; made anew at each Tab, since names and types change."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """What can come in the place of the word at the cursor."""
        from .offers import offers_for  # what it needs is loaded at the first Tab

        start, offers = offers_for(document.text, document.cursor_position, self._session.env)
        for offer in offers:
            yield Completion(offer.insert, start - document.cursor_position, display=offer.display, display_meta=offer.meta)


def tab(buffer: Buffer) -> None:
    """Tab where offers come in a menu: what all of them begin with goes in at once; where that is nothing the menu opens, and moves on.

    prompt_toolkit would look for the common part in the background, and drop it when the next key is already there.
    """
    if buffer.complete_state is not None:
        buffer.complete_next()
        return
    event = CompleteEvent(completion_requested=True)
    found = [] if buffer.completer is None else list(buffer.completer.get_completions(buffer.document, event))
    if not found:
        return
    typed = buffer.document.text_before_cursor[buffer.cursor_position + found[0].start_position :]
    common = _common([each.text for each in found])
    if len(found) == 1 or (len(common) > len(typed) and common.startswith(typed)):
        buffer.delete_before_cursor(len(typed))
        buffer.insert_text(common)
    if len(found) > 1:
        buffer.start_completion(select_first=False)


def _common(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    first, last = min(texts), max(texts)
    return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]
