"""The result block of a terminal: value, facts, where it comes from, what changed, notes."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from ..session.facts import statistics
from ..session.reading import first_line
from ..session.record import Printed, Result
from ..session.tensors import is_tensor
from .paint import paint
from .render_delta import delta_lines, note_lines
from .render_facts import facts_lines, plain_facts, source_line, statistics_lines
from .render_value import value_block
from .terminal import Screen
from .theme import Line
from .view import View

if TYPE_CHECKING:
    from ..session.delta import Delta
    from ..session.facts import Facts
    from ..session.record import Item, Record


class PanelView(View):
    """Blocks in the style `lines`, `card` or `min`."""

    observes = True

    def __init__(self, screen: Screen, errors: Screen, style: str = "lines", *, at_prompt: bool, debug: bool) -> None:
        super().__init__("panel", screen, errors, at_prompt=at_prompt, debug=debug)
        self.style = style
        self._assigned: list[Result] = []
        self._wrote = False

    def show(self, item: Item) -> None:
        """Write printed text and echoed values at once; assigned values wait for what became of the command."""
        if isinstance(item, Printed):
            self._write((item.text,))
            self._wrote = True
        elif item.echo:
            self._paint(self.result_lines(item, with_source=True))
        else:
            self._assigned.append(item)

    def finish(self, record: Record) -> None:
        """Write the assigned values, the changes and the notes of a command."""
        lines: list[Line] = []
        fresh = {view.name for view in record.delta.views} if record.delta else set()
        for result in self._assigned:
            lines += self.result_lines(
                result, with_source=result.name in fresh or bool(result.facts and result.facts.same_as)
            )
        self._assigned.clear()
        if not record.silent:
            if record.delta:
                lines += self.delta_lines(record.delta)
            lines += note_lines(self.heard(record), self.screen.width)
        self._paint(lines)
        if self.at_prompt and self._wrote:
            self._paint([[]])
        self._wrote = False

    def result_lines(self, result: Result, *, with_source: bool) -> list[Line]:
        """The block of one result; each part of a tuple has its own."""
        if result.parts:
            return [line for part in result.parts for line in self.result_lines(part, with_source=with_source)]
        facts, width = result.facts, self.screen.width
        if facts is None or result.repeated or self.style == "min":
            return value_block(result.value, result.name, width)[0]
        if self.style == "card" and not self.screen.plain:
            return self._card(result, facts, with_source=with_source)
        lines, elided = value_block(result.value, result.name, width)
        lines += plain_facts(facts) if self.screen.plain else facts_lines(facts, width)
        lines += self._numbers(result.value, facts, elided, width)
        if with_source:
            lines += source_line(facts, width, self.screen.plain)
        return lines

    def _card(self, result: Result, facts: Facts, *, with_source: bool) -> list[Line]:
        """The same in a frame, which says the name when the command does not."""
        from .render_card import BORDER, card_lines

        inner = self.screen.width - BORDER
        named = result.name is not None and re.match(rf"(?:\d+> )?{re.escape(result.name)}(?:\[[^]]*\])? *\W{{0,2}}=", self.heading)
        name = None if named else result.name
        value, elided = value_block(result.value, name, inner)
        below = self._numbers(result.value, facts, elided, inner)
        return card_lines(first_line(self.heading) or result.name or "", value, facts, below, self.screen, with_source=with_source)

    def _numbers(self, value: object, facts: Facts, elided: bool, width: int) -> list[Line]:
        """The lines about the elements, when some were left out or are nan or inf."""
        numbers = statistics(value) if is_tensor(value) and (elided or facts.floating) else None
        return [] if numbers is None else statistics_lines(numbers, facts, elided, width)

    def delta_lines(self, delta: Delta) -> list[Line]:
        """The lines of what changed."""
        return delta_lines(delta, self.screen.width, self.screen.plain)

    def _paint(self, lines: list[Line]) -> None:
        paint(lines, self.screen, sys.stdout)
        self._wrote = self._wrote or bool(lines)
