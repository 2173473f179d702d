"""The plan of an expression as blocks of aligned sizes, one for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .escape import safe_line
from .layout import cells, cut, sentence
from .render_error import prompt_error
from .theme import Line, Segment, text

if TYPE_CHECKING:
    from ..session.explain import Explanation
    from ..session.lessons import Lesson, TableRow
    from .terminal import Screen

GAP = 2
MIN_NAME, MAX_NAME, NOTE = 7, 24, 15


def explain_lines(found: Explanation, screen: Screen, debug: bool = False) -> list[Line]:
    """The steps, numbered where there are several, and the error in which they would end."""
    lines: list[Line] = []
    first = found.left_out + 1
    if found.left_out:
        lines.append(text(f"{found.left_out} inner steps left out", "quiet"))
    for number, lesson in enumerate(found.lessons, start=first):
        numbered = len(found.lessons) + found.left_out > 1 or found.error is not None
        lines += [[]] if number > first else []
        lines += _lesson(lesson, number if numbered else 0, screen)
    if found.error is not None:
        lines += [[]] if lines else []
        lines += prompt_error(found.error, screen.width, debug)
    return lines


def _lesson(lesson: Lesson, number: int, screen: Screen) -> list[Line]:
    if not lesson.op:
        return sentence([], lesson.what, screen.width, 0)
    head: Line = []
    if number:
        head = [Segment("quiet", f"step {number}  "), Segment("name", cut(safe_line(lesson.text), max(screen.width - 9, MAX_NAME)))]
    lines = [head] if head else []
    label = f"{lesson.op}: " if screen.plain else f"{lesson.op.ljust(4)}  "
    lines += sentence([Segment("word", label)], lesson.what, screen.width, 6)
    if screen.plain:
        lines += [_plain_row(lesson, row) for row in lesson.rows]
        return lines + [[Segment("word", f"{name}: "), Segment("text", said)] for name, said in lesson.notes]
    lines += _table(lesson, screen.width)
    for name, said in lesson.notes:
        lines += sentence([Segment("text", "  "), Segment("word", name.ljust(NOTE - 2))], said, screen.width, NOTE)
    return lines


def _plain_row(lesson: Lesson, row: TableRow) -> Line:
    parts = [f"{head} {cell}" for head, cell in zip(lesson.heads, row.cells, strict=True) if cell not in ("", "-")]
    return [Segment("word", f"{safe_line(row.name)}: "), Segment("text", ", ".join(parts + [row.remark] * bool(row.remark)))]


def _table(lesson: Lesson, width: int) -> list[Line]:
    """The rows under their heads; remarks that do not fit go on lines of their own, heads that do not fit are shortened."""
    names = [cut(safe_line(row.name), MAX_NAME) for row in lesson.rows]
    pad = max([MIN_NAME, *map(cells, names)])
    heads = lesson.heads
    if _wide(lesson, heads, pad) > width:
        heads = tuple(head.removeprefix("dim ").removeprefix("batch ") for head in heads)
    widths = _widths(lesson, heads)
    lines: list[Line] = []
    if heads:
        body = "".join(" " * GAP + head.rjust(size) for head, size in zip(heads, widths, strict=True))
        lines.append([Segment("usual", " " * (2 + pad) + body)])
    for name, row in zip(names, lesson.rows, strict=True):
        empty = not any(row.cells)
        body = "" if empty else "".join(" " * GAP + cell.rjust(size) for cell, size in zip(row.cells, widths, strict=True))
        line: Line = [Segment("text", "  "), Segment("name", name), Segment("text", " " * (pad - cells(name)) + body)]
        used = 2 + pad + len(body)
        remark = safe_line(row.remark)
        gap = GAP if empty else 2 * GAP
        if remark and used + gap + cells(remark) > width and not empty:
            lines.append(line)
            lines += sentence([Segment("text", " " * 6)], remark, width, 6, "shape")
        elif remark:
            lines += sentence([*line, Segment("text", " " * gap)], remark, width, used + gap if used + gap < width // 2 else 6, "shape")
        else:
            lines.append([*line[:-1], Segment("text", line[-1].text.rstrip())])
    return lines


def _widths(lesson: Lesson, heads: tuple[str, ...]) -> list[int]:
    return [max([cells(head), *(cells(row.cells[column]) for row in lesson.rows)]) for column, head in enumerate(heads)]


def _wide(lesson: Lesson, heads: tuple[str, ...], pad: int) -> int:
    return 2 + pad + sum(GAP + size for size in _widths(lesson, heads))
