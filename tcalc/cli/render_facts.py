"""Facts of a tensor as lines: usual ones dim, unusual ones bold, wrapped only between facts."""

from __future__ import annotations

from ..session.facts import Facts, Statistics
from .layout import flow, number_text, sentence, size_text
from .theme import Line, Segment

NOT_KEPT = "grad is not kept here: not a leaf (retain_grad() keeps it)"


def facts_lines(facts: Facts, width: int) -> list[Line]:
    """The two lines of facts, and the one that says when no gradient will be kept."""
    lines = flow(_geometry(facts), width) + flow(_autograd(facts), width)
    if not facts.grad_kept:
        lines += sentence([Segment("text", "  ")], NOT_KEPT, width, 2, "autograd")
    return lines


def plain_facts(facts: Facts) -> list[Line]:
    """Labelled lines without layout, for screen readers."""
    pairs = [
        ("dtype", facts.dtype),
        ("shape", _plain_sizes(facts.shape)),
        ("stride", _plain_sizes(facts.stride)),
        ("device", facts.device),
        ("contiguous", _yes(facts.contiguous)),
        ("leaf", _yes(facts.is_leaf)),
        ("requires_grad", str(facts.requires_grad)),
        ("grad_fn", facts.grad_fn or "None"),
        ("grad", f"{facts.grad.dtype}, shape {_plain_sizes(facts.grad.shape)}" if facts.grad else "None"),
    ]
    if facts.offset:
        pairs.insert(3, ("offset", str(facts.offset)))
    if not facts.grad_kept:
        pairs.append(("note", "grad is not kept here: not a leaf, retain_grad() keeps it"))
    return [[Segment("word", f"{label}: "), Segment("text", content)] for label, content in pairs]


def statistics_lines(statistics: Statistics, facts: Facts, elided: bool, width: int) -> list[Line]:
    """Numbers about the elements when not all were shown, and a warning whenever nan or inf are among them."""
    odd = [Segment("unusual", f"{count} {word}") for count, word in _odd(statistics) if count]
    if not elided:
        return flow(odd, width)
    items = [Segment("usual", f"{statistics.count} values"), Segment("usual", size_text(facts.nbytes))]
    items += [Segment("usual", f"{word} {number}") for word, number in _numbers(statistics, facts.floating)]
    if facts.floating:
        items += odd or [Segment("usual", "no nan/inf")]
    return flow(items, width)


def range_text(statistics: Statistics, floating: bool) -> str:
    """`-4.29 to 4.21`, empty when there are no finite elements."""
    numbers = dict(_numbers(statistics, floating))
    return f"{numbers['min']} to {numbers['max']}" if numbers else ""


def _numbers(statistics: Statistics, floating: bool) -> list[tuple[str, str]]:
    low, high, mean, std = statistics.low, statistics.high, statistics.mean, statistics.std
    if low is None or high is None or mean is None or std is None:
        return []
    largest = max(abs(low), abs(high))
    ends = [number_text(end, largest) if floating else str(int(end)) for end in (low, high)]
    return [
        ("min", ends[0]),
        ("max", ends[1]),
        ("mean", number_text(mean, largest)),
        ("std", number_text(std, largest)),
    ]


def source_of(facts: Facts) -> tuple[str, str] | None:
    """Whose memory or whose tensor this is, as words and names; None for a tensor of its own."""
    if facts.same_as:
        return "same tensor as", _names(facts.same_as)
    if facts.view_of:
        return "view of" if facts.is_view else "shares memory with", facts.view_of[0]
    return None


def source_line(facts: Facts, width: int, plain: bool) -> list[Line]:
    """The line that says whose memory this is; none for a tensor of its own."""
    source = source_of(facts)
    if source is None:
        return []
    words = " ".join(source)
    detail = "" if facts.same_as else f"(storage #{facts.storage}, nothing copied)"
    if plain:
        return [[Segment("word", words), Segment("text", f" {detail}".rstrip())]]
    return flow([Segment("word", words), Segment("text", detail)] if detail else [Segment("word", words)], width)


def _names(names: tuple[str, ...], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _odd(statistics: Statistics) -> tuple[tuple[int, str], tuple[int, str]]:
    return (statistics.nan, "nan"), (statistics.inf, "inf")


def _geometry(facts: Facts) -> list[Segment]:
    usual_stride = facts.contiguous and not facts.expanded
    items = [
        Segment("shape", f"{facts.dtype} {facts.shape}"),
        Segment("usual" if usual_stride else "unusual", f"stride {facts.stride}"),
        _device(facts),
        Segment("usual", "contiguous") if facts.contiguous else Segment("unusual", "NOT contiguous"),
    ]
    if facts.offset:
        items.append(Segment("unusual", f"offset {facts.offset}"))
    return items


def _device(facts: Facts) -> Segment:
    return Segment("usual" if facts.device == "cpu" else "unusual", facts.device)


def _autograd(facts: Facts) -> list[Segment]:
    grad = f"{facts.grad.shape}" if facts.grad else "None"
    return [
        Segment("usual" if facts.is_leaf else "autograd", "leaf" if facts.is_leaf else "not leaf"),
        Segment("autograd" if facts.requires_grad else "usual", f"requires_grad {facts.requires_grad}"),
        Segment("autograd" if facts.grad_fn else "usual", f"grad_fn {facts.grad_fn}"),
        Segment("autograd" if facts.grad else "usual", f"grad {grad}"),
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _plain_sizes(sizes: tuple[int, ...]) -> str:
    return ", ".join(map(str, sizes)) if sizes else "none (a scalar)"
