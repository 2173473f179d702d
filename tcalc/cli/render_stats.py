"""Numbers about a tensor's elements with a histogram, durations, and the list of devices."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from .layout import flow, number_text, sentence, size_text
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from ..session.devices import Devices
    from ..session.distribution import Distribution
    from ..session.timing import Timing
    from .terminal import Screen

MAX_BAR = 40


def stats_lines(found: Distribution, dtype: str, floating: bool, screen: Screen) -> list[Line]:
    """Counts and moments, then ten bins from the least to the greatest value."""
    pairs = [("dtype", dtype), ("count", str(found.count))]
    if found.low is not None and found.high is not None and found.mean is not None:
        largest = max(abs(found.low), abs(found.high))
        ends = [number_text(end, largest) if floating else str(int(end)) for end in (found.low, found.high)]
        pairs += [("min", ends[0]), ("max", ends[1]), ("mean", number_text(found.mean, largest))]
        pairs += [] if found.std is None else [("std", number_text(found.std, largest))]
    pairs += [("nan", str(found.nan)), ("inf", str(found.inf))] if floating else []
    pairs.append(("zeros", str(found.zeros)))
    if screen.plain:
        lines: list[Line] = [[Segment("word", f"{label}: "), Segment("text", said)] for label, said in pairs]
    else:
        odd = {"nan": found.nan, "inf": found.inf}
        items = [Segment("unusual" if odd.get(label) else "text", said if label == "dtype" else f"{label} {said}") for label, said in pairs]
        lines = flow(items, screen.width)
    return lines + _bars(found, screen)


def _bars(found: Distribution, screen: Screen) -> list[Line]:
    if len(found.bins) < 2 or found.low is None or found.high is None:
        return []
    heads = _heads(found.low, found.high, found)
    most, pad = max(found.bins), max(map(len, heads))
    room = max(min(MAX_BAR, screen.width - pad - 8 - len(str(most))), 5)
    glyph = "█" if screen.unicode else "#"
    lines: list[Line] = []
    for head, count in zip(heads, found.bins, strict=True):
        if screen.plain:
            lines.append([Segment("word", f"{' '.join(head.split())}: "), Segment("text", str(count))])
            continue
        bar = glyph * max(round(count / most * room), 1 if count else 0)
        lines.append(
            [Segment("usual", f"  {head.rjust(pad)}  "), Segment("shape", bar), Segment("text", ("  " if bar else "") + str(count))]
        )
    return lines


def _heads(low: float, high: float, found: Distribution) -> list[str]:
    """The value, or the ends of the part, that each bin counts."""
    if found.each:
        return [str(int(low) + place) for place in range(len(found.bins))]
    largest = max(abs(low), abs(high))
    parts = len(found.bins)
    edges = [number_text(low * (1 - place / parts) + high * (place / parts), largest) for place in range(parts + 1)]
    pad = max(map(len, edges))
    return [f"{start.rjust(pad)} to {end.rjust(pad)}" for start, end in pairwise(edges)]


def timing_lines(found: Timing, screen: Screen) -> list[Line]:
    """`3.2 us a run, best of 5 x 100000 runs`."""
    runs = "1 run" if found.runs == 1 else f"{found.runs} runs"
    said = f"best of {found.batches} times {runs}" if found.batches > 1 or found.runs > 1 else "one run"
    return sentence([Segment("word", f"{duration(found.seconds)} a run")], f", {said}", screen.width, 2)


def duration(seconds: float) -> str:
    """Seconds as `12 ns`, `3.2 us`, `41 ms`, `2.5 s`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def device_lines(found: Devices, screen: Screen) -> list[Line]:
    """One line for each device, the default marked by a word; then why there is no other."""
    lines: list[Line] = []
    pad = max(len(each.name) for each in found.found)
    for each in found.found:
        said = [each.about]
        if each.total is not None:
            said.append(f"{size_text(each.total)} memory" + ("" if each.free is None else f", {size_text(each.free)} free"))
        if each.name == found.default:
            said.append("default")
        if screen.plain:
            lines.append(text(f"{each.name}: {', '.join(said)}"))
        else:
            lines += sentence([Segment("name", each.name.ljust(pad)), Segment("text", "  ")], "  ".join(said), screen.width, pad + 2)
    if found.problem is not None:
        lines += sentence([Segment("word", "no cuda: " if screen.plain else "no cuda  ")], found.problem.splitlines()[0], screen.width, 2)
    return lines
