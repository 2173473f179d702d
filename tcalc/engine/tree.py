"""Trees of tuples, lists and dicts: flattened to their leaves and built up again, as torch.func takes and returns them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

CONTAINERS = (tuple, list, dict, OrderedDict)


class Structure(NamedTuple):
    """A tree without its leaves: `kind` is None for a leaf, `context` a dict's keys."""

    kind: type | None
    context: Any
    parts: tuple[Structure, ...]

    def shown(self) -> str:
        """Written as Python writes the tree, `*` for leaves."""
        if self.kind is None:
            return "*"
        parts = [part.shown() for part in self.parts]
        if self.kind is list:
            return f"[{', '.join(parts)}]"
        if self.context is not None:
            text = ", ".join(f"{key!r}: {part}" for key, part in zip(self.context, parts, strict=True))
            return f"{{{text}}}" if self.kind is dict else f"{self.kind.__name__}({{{text}}})"
        return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"

    def indented(self, indent: int = 0) -> str:
        """torch's repr of a TreeSpec."""
        if self.kind is None:
            return "*"
        indent += 2
        parts = (",\n" + " " * indent).join([part.indented(indent) for part in self.parts])
        return f"TreeSpec({self.kind.__name__}, {self.context}, [{parts}])"

    def __str__(self) -> str:
        return self.indented()


LEAF = Structure(None, None, ())


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """(the leaves from left to right, the structure); anything that is no tuple, list or dict is a leaf, None as well."""
    leaves: list[Any] = []
    return leaves, _flatten(tree, leaves)


def _flatten(tree: Any, leaves: list[Any]) -> Structure:
    kind = type(tree)
    fields = getattr(kind, "fields", None)  # torch.return_types
    if kind not in CONTAINERS and not (fields and issubclass(kind, tuple)):
        leaves.append(tree)
        return LEAF
    keyed = issubclass(kind, dict)
    parts = tuple([_flatten(part, leaves) for part in (tree.values() if keyed else tree)])
    return Structure(kind, list(tree) if keyed else None, parts)


def unflatten(leaves: Sequence[Any], structure: Structure) -> Any:
    """The tree of this structure with these leaves."""
    return _build(iter(leaves), structure)


def _build(leaves: Any, structure: Structure) -> Any:
    kind = structure.kind
    if kind is None:
        return next(leaves)
    parts = [_build(leaves, part) for part in structure.parts]
    if structure.context is not None:
        return kind(zip(structure.context, parts, strict=True))
    return kind(*parts) if hasattr(kind, "fields") else kind(parts)
