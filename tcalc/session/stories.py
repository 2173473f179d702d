"""Errors of backward told by the commands that led to them: who saved a value, who overwrote it, who freed the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .tensors import is_tensor
from .trail import Past, Trail


@dataclass(frozen=True, slots=True)
class Related:
    """An earlier command that has to do with the error, and what it did."""

    command: Past
    what: str


@dataclass(frozen=True, slots=True)
class Story:
    """What went wrong in one sentence, and the commands behind it."""

    text: str
    related: list[Related]


def story_of(data: Mapping[str, Any], variables: Mapping[str, object], trail: Trail) -> Story | None:
    """The story behind an error of backward; None for other errors.

    `data` comes with the engine's error: `node` is the graph node that could not run, and for a value that was
    overwritten `storage`, `saved_version` and `version`.
    """
    node = data.get("node")
    if node is None:
        return None
    if "saved_version" in data:
        return _overwritten(node, data["storage"], data["saved_version"], data["version"], variables, trail)
    return _freed(node, trail)


def _overwritten(
    node: Any, storage: object, saved: int, now: int, variables: Mapping[str, object], trail: Trail
) -> Story:
    name = _name_of(storage, variables)
    related = []
    maker = trail.maker(node)
    if maker is not None:
        related.append(Related(maker, f"{node.name()} saved {name}, version {saved}"))
    writer = trail.writer(storage, saved)
    if writer is not None:
        related.append(Related(writer, f"overwrote it, version is {now} now"))
    return Story(f"backward: {name} was overwritten after {node.name()} saved it", related)


def _freed(node: Any, trail: Trail) -> Story:
    related = []
    maker, freer = trail.maker(node), trail.freer(node)
    if maker is not None:
        related.append(Related(maker, f"{node.name()} saved its values"))
    if freer is not None:
        related.append(Related(freer, "freed them; retain_graph=True there keeps them"))
    return Story(f"backward: the values that {node.name()} saved are freed already", related)


def _name_of(storage: object, variables: Mapping[str, object]) -> str:
    for name, value in variables.items():
        if name != "_" and is_tensor(value) and value.get_storage() is storage:
            return name
    return "a value"
