"""The graph behind a tensor as a tree of lines, as labelled lines, and as DOT text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .escape import safe_line
from .layout import cells, cut
from .theme import Line, Segment

if TYPE_CHECKING:
    from ..session.graph_tree import Dot, GraphTree, Row
    from .terminal import Screen

_GLYPHS = {True: ("├── ", "└── ", "│   ", "    "), False: ("|-- ", "`-- ", "|   ", "    ")}
_NARROW = {True: ("├ ", "└ ", "│ ", "  "), False: ("|-", "`-", "| ", "  ")}
MIN_TEXT = 24
MIN_NAME = 6
MAX_LABELS = 4


def graph_lines(tree: GraphTree, screen: Screen) -> list[Line]:
    """The tree, remarks in a column of their own where they fit; without art for `plain`."""
    if screen.plain:
        return [_plain(row) for row in tree.rows]
    deepest = max(len(row.levels) for row in tree.rows)
    glyphs = (_GLYPHS if 4 * deepest <= min(screen.width // 2, screen.width - MIN_TEXT) else _NARROW)[screen.unicode]
    arts = [_art(row, glyphs, screen.width) for row in tree.rows]
    heads = [_fitted(_head(row), screen.width - cells(art)) for row, art in zip(tree.rows, arts, strict=True)]
    ends = [cells(art) + _width(head) for art, head in zip(arts, heads, strict=True)]
    remarks = [_remark(row) for row in tree.rows]
    column = max((end for end, remark in zip(ends, remarks, strict=True) if remark), default=0) + 3
    aligned = all(column + cells(remark) <= screen.width for remark in remarks)
    lines: list[Line] = []
    for row, art, head, end, remark in zip(tree.rows, arts, heads, ends, remarks, strict=True):
        line: Line = [Segment("quiet", art), *head]
        lines.append(line)
        if remark and (aligned or end + 2 + cells(remark) <= screen.width):
            line += [Segment("text", " " * (column - end if aligned else 2)), Segment("autograd", remark)]
        elif remark:
            under = _beneath(row, art, glyphs)
            lines.append([Segment("quiet", under), Segment("autograd", cut(remark, max(screen.width - cells(under), MIN_TEXT)))])
    return lines


def _art(row: Row, glyphs: tuple[str, ...], width: int) -> str:
    tee, corner, bar, blank = glyphs
    if not row.levels:
        return ""
    art = "".join(bar if goes_on else blank for goes_on in row.levels[:-1]) + (tee if row.levels[-1] else corner)
    room = max(width - MIN_TEXT, len(tee))
    return art if len(art) <= room else art[len(art) - room :]


def _beneath(row: Row, art: str, glyphs: tuple[str, ...]) -> str:
    """What stands left of a remark on a line of its own."""
    _, _, bar, blank = glyphs
    return (art[: -len(bar)] + (bar if row.levels[-1] else blank) if row.levels else "") + "  "


def _width(line: Line) -> int:
    return sum(cells(segment.text) for segment in line)


def _fitted(line: Line, width: int) -> Line:
    """The line with its name cut where it would be too long, or else its last piece."""
    for place in [place for place, segment in enumerate(line) if segment.style == "name"] + [len(line) - 1]:
        over, segment = _width(line) - width, line[place]
        if over > 0 and len(segment.text) > MIN_NAME:
            line[place] = segment._replace(
                text=cut(segment.text.rstrip(), max(len(segment.text) - over - 1, MIN_NAME)) + (" " if segment.text.endswith(" ") else "")
            )
    return line


def _head(row: Row) -> Line:
    if row.kind == "folded":
        return [Segment("quiet", _left_out(row))]
    pieces: Line = []
    if row.number and row.kind == "op":
        pieces.append(Segment("quiet", f"({row.number}) "))
    if row.name:
        pieces.append(Segment("name", f"{safe_line(row.name)} "))
    if row.kind == "seen":
        return [*pieces, Segment("quiet", f"(see {row.number} above)")]
    if row.shape is not None:
        pieces.append(Segment("shape", f"{row.shape} "))
    words = {"op": row.label, "leaf": "leaf", "constant": "needs no grad"}[row.kind]
    return [*pieces, Segment("autograd" if row.kind == "op" else "text", words)]


def _left_out(row: Row) -> str:
    total, labels = row.labels.total(), row.labels.most_common()
    if not labels[0][0]:
        return f"... {total} more nodes"
    if len(labels) == 1:
        return f"... {total} more {labels[0][0]}"
    shown = ", ".join(f"{count} {label}" for label, count in labels[:MAX_LABELS])
    return f"... {total} more nodes: {shown}" + (", ..." if len(labels) > MAX_LABELS else "")


def _remark(row: Row) -> str:
    remarks = []
    if row.saved:
        remarks.append("saved: " + ", ".join(safe_line(name) for name in row.saved))
    elif row.freed:
        remarks.append("freed")
    if row.keeps_grad:
        remarks.append(f"grad kept {row.grad}" if row.grad is not None else "grad will be kept")
    elif row.grad is not None:
        remarks.append(f"grad {row.grad}")
    elif row.kind == "leaf":
        remarks.append("grad None")
    return "  ".join(remarks)


def _plain(row: Row) -> Line:
    """`level 2: x, shape (2, 3), needs no grad`."""
    parts = [f"level {len(row.levels)}: {safe_line(row.name)}" if row.name else f"level {len(row.levels)}"]
    if row.kind == "folded":
        return [Segment("text", f"{parts[0]}: {_left_out(row).removeprefix('... ')} not shown")]
    if row.kind == "seen":
        return [Segment("text", f"{parts[0]}, the same as number {row.number} above")]
    if row.shape is not None:
        parts.append(f"shape {row.shape}")
    parts.append({"op": f"made by {row.label}", "leaf": "leaf", "constant": "needs no grad"}[row.kind])
    if row.number:
        parts.append(f"number {row.number}")
    remark = _remark(row)
    return [Segment("text", ", ".join(parts + ([remark] if remark else [])))]


def dot_text(dot: Dot) -> str:
    """The graph in the DOT language: values as boxes, ops named in them, arrows in the direction of the computation."""
    lines = ["digraph tcalc {", '  node [shape=box, fontname="monospace"];']
    for place, name, shape, label, kind in dot.nodes:
        words = [name, "" if shape is None else str(shape), label or {"leaf": "leaf", "constant": "needs no grad"}.get(kind, "")]
        text = "\\n".join(safe_line(word).replace("\\", "\\\\").replace('"', '\\"') for word in words if word)
        style = {"leaf": ', style="bold"', "constant": ', style="dashed"'}.get(kind, "")
        lines.append(f'  n{place} [label="{text}"{style}];')
    lines += [f"  n{start} -> n{end};" for start, end in dot.edges]
    return "\n".join([*lines, "}", ""])
