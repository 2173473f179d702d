"""A storage as a table: slots across, values under them, and under those the index by which each name reaches the slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .escape import safe_line
from .layout import cells, sentence, size_text
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from ..session.memory_map import MemoryMap, NamedView, Place
    from .terminal import Screen

LETTERS = "ijklmn"
GAP = 2
MAX_PLAIN = 64


def storage_lines(found: MemoryMap, screen: Screen) -> list[Line]:
    """The storage and all of its names; beyond the slots that are shown whole, its first and last ones."""
    slots = f"{found.count} slot{'' if found.count == 1 else 's'}"
    facts = [f"storage #{found.number}", found.dtype, slots, size_text(found.nbytes), found.device, f"version {found.version}"]
    if screen.plain:
        return [text(", ".join(facts)), *_plain(found)]
    lines = sentence([Segment("word", facts[0]), Segment("text", "  ")], "  ".join(facts[1:]), screen.width, 2)
    names = [safe_line(view.name) for view in found.views]
    pad = max([5, *(cells(name) for name in names)]) + 2
    values = _values(found)
    places = [[_index(view.places.get(slot)) for slot in found.slots] for view in found.views]
    wide = max((len(cell) for row in [values, *places, [str(slot) for slot in found.slots]] for cell in row), default=1) + GAP
    room = max((screen.width - 2 - pad) // wide, 1)
    chunks = [range(start, min(start + room, len(found.slots))) for start in range(0, len(found.slots), room)]
    if not found.whole:
        half = min(room, len(found.slots) // 2)
        chunks = [range(half), range(len(found.slots) - half, len(found.slots))]
    formulas = [_formula(view) for view in found.views]
    beside = len(chunks) == 1 and all(2 + pad + wide * len(chunks[0]) + 4 + len(formula) <= screen.width for formula in formulas)
    for count, chunk in enumerate(chunks):
        if count and not found.whole:
            lines.append([Segment("text", "  "), Segment("quiet", f"... {found.count - 2 * len(chunk)} more slots")])
        rows = [("slot", [str(slot) for slot in found.slots], "usual"), ("value", values, "text")]
        rows += [(name, row, "name") for name, row in zip(names, places, strict=True)]
        for place, (head, row, style) in enumerate(rows):
            if head == "value" and found.values is None:
                continue
            body = "".join(row[column].rjust(wide) for column in chunk)
            line: Line = [Segment("text", "  "), Segment(style, head), Segment("text", " " * (pad - cells(head) - GAP) + body)]
            if beside and place >= 2:
                line += [Segment("text", "    "), Segment("shape", formulas[place - 2])]
            lines.append(_trimmed(line))
    if not beside:
        for name, formula in zip(names, formulas, strict=True):
            head_line: Line = [Segment("text", "  "), Segment("name", name), Segment("text", " " * (pad - cells(name)))]
            lines += sentence(head_line, formula, screen.width, 2 + pad, "shape")
    return lines + _remarks(found, screen.width)


def _trimmed(line: Line) -> Line:
    last = line[-1]
    return [*line[:-1], last._replace(text=last.text.rstrip())]


def _values(found: MemoryMap) -> list[str]:
    """The values as torch writes them."""
    if found.values is None or not found.slots:
        return ["" for _ in found.slots]
    from ..engine.printing import PrintOptions, tensor_repr

    written = tensor_repr(found.values, options=PrintOptions(threshold=float("inf"), linewidth=1 << 30))
    return [piece.strip() for piece in written[written.index("[") + 1 : written.index("]")].split(",")]


def _index(place: Place | None) -> str:
    if place is None:
        return "-"
    index = ",".join("*" if each is None else str(each) for each in place.index) or "()"
    return index + "+" if place.more else index


def _formula(view: NamedView) -> str:
    """`stride (3, 1): slot = 3*i + 1*j`."""
    if 0 in view.shape:
        return f"shape {view.shape}: no elements, no slots"
    letters = LETTERS if len(view.shape) <= len(LETTERS) else ""
    terms = [f"{step}*{letters[dim] if letters else f'i{dim}'}" for dim, step in enumerate(view.stride)]
    terms = [str(view.offset)] * bool(view.offset or not terms) + terms
    return f"stride {view.stride}: slot = {' + '.join(terms)}"


def _remarks(found: MemoryMap, width: int) -> list[Line]:
    lines: list[Line] = []
    for view in found.views:
        name = safe_line(view.name)
        if view.expanded:
            dims = ", ".join(map(str, view.expanded))
            said = f"{name} has stride 0 in dim{'' if len(view.expanded) == 1 else 's'} {dims}: * stands for any index there, the slot is the same"
            lines += sentence([Segment("text", "  ")], said, width, 4)
        if any(place.more for place in view.places.values()):
            lines += sentence([Segment("text", "  ")], f"{name} reaches a slot marked + by more than one index", width, 4)
    if found.more_names:
        lines.append(text(f"  and {found.more_names} more names"))
    if found.values is None:
        lines.append(text("  no memory, so no values (device meta)"))
    return lines


def _plain(found: MemoryMap) -> list[Line]:
    """`slot 3: value 9., x 1,0, y 0,1`, then the formula of each name."""
    values = _values(found)
    lines: list[Line] = []
    for column, slot in enumerate(found.slots[:MAX_PLAIN]):
        if column and slot != found.slots[column - 1] + 1:
            lines.append(text(f"{found.count - len(found.slots)} slots left out"))
        parts = [] if found.values is None else [f"value {values[column]}"]
        parts += [f"{safe_line(view.name)} {_index(view.places[slot])}" for view in found.views if slot in view.places]
        lines.append(text(f"slot {slot}: {', '.join(parts)}"))
    lines += [text(f"{safe_line(view.name)}: {_formula(view)}") for view in found.views]
    return lines + [
        [Segment("text", segment.text.strip()) for segment in line if segment.text.strip()] for line in _remarks(found, 1 << 30)
    ]
