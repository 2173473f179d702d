"""Errors of autograd told by the commands that led to them: who saved, overwrote, freed or cut off, and what to write instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import refusals
from .hints import Hint
from .provenance import Related, Write, at_op, freers, name_of, op_of, related, writers
from .reading import first_line, statement_at, text_of
from .replay import Outcome
from .rewrites import out_of_place, recorded, retaining
from .scene import Scene, Story
from .tensors import is_tensor
from .trail import Past


def story_of(scene: Scene) -> Story | None:
    """The story behind an error of autograd; None for other errors, and where torch's sentence says all there is."""
    data = scene.exc.data
    if data.get("anomaly"):
        return _anomaly(scene, data["node"])
    if "saved_version" in data:
        return _overwritten(scene, data)
    if data.get("node") is not None:
        return _freed(scene, data["node"])
    for part, tell in _TELLERS.items():
        if part in scene.sentence:
            return tell(scene)
    return None


def _here(scene: Scene, what: str) -> list[Related]:
    failed = scene.trail.failed
    return [] if failed is None else [Related(failed, what, *_inner(scene))]


def _inner(scene: Scene) -> tuple[int, str]:
    """The line of the input and the text where the failed command stood."""
    failed = scene.trail.failed
    if failed is None or scene.owner is not failed or scene.statement is None:
        return (0, "")
    return failed.line + scene.statement.lineno - 1, first_line(text_of(failed.source, scene.statement))


def _overwritten(scene: Scene, data: Mapping[str, Any]) -> Story:
    node, storage, saved, now = data["node"], data["storage"], data["saved_version"], data["version"]
    op = op_of(node)
    name = name_of(storage, scene.variables) or ("the result of " + op if data.get("result") else "a value")
    maker = scene.trail.maker(node)
    lines = []
    if maker is not None:
        lines.append(at_op(scene.trail, maker, op, f"{node.label} saved {name}, version {saved}"))
    observed = scene.trail.writer(storage, saved)
    candidates = list(writers(scene.trail, storage, maker, scene.variables))
    if observed is not None:
        candidates = [each for each in candidates if observed[0] in (each.command, each.caller)]
    hint, write = _mended(scene, candidates, name)
    if write is None:
        write = next((each for each in candidates if each.sure), candidates[0] if len(candidates) == 1 else None)
    version = observed[1] if observed is not None else now if len(candidates) == 1 else saved + 1
    if write is not None:
        lines.append(related(write.command, f"version {version}", write.statement, here=True, caller=write.caller))
    elif observed is not None:
        lines.append(related(observed[0], f"version {version}", here=True))
    lines += _here(scene, f"needs version {saved}")
    hints = [hint] if hint is not None else []
    return Story(f"backward: {name} was overwritten after {op} saved it", lines, hints, placed=bool(lines))


def _mended(scene: Scene, candidates: Sequence[Write], name: str) -> tuple[Hint | None, Write | None]:
    """The first write without which backward works, and what to write instead."""
    for write in candidates:
        rewrite = out_of_place(write.command.source, write.statement)
        found = None if rewrite is None else next(scene.replayed(write.command, [rewrite]), None)
        if found is not None:
            return _stays(found[0], name), write
    return None, None


def _stays(hint: Hint, name: str) -> Hint:
    what = "the saved one" if name.isidentifier() else "what was saved"
    return Hint(hint.text, f"a new tensor; {what} stays", hint.source, hint.where, hint.line, hint.earlier)


def _freed(scene: Scene, node: Any) -> Story:
    op, trail = op_of(node), scene.trail
    maker = trail.maker(node)
    lines = []
    if maker is not None:
        lines.append(at_op(trail, maker, op, f"{node.label} saved its values"))
    observed = trail.freer(node)
    candidates = freers(trail, node, maker, scene.variables)
    if observed is not None:
        candidates = [each for each in candidates if observed in each]
    found = _kept(scene, candidates)
    by_failed = False
    if found is not None:
        (place, caller), call, _ = found
        by_failed = trail.failed in (place, caller)
        what = "freed them, then needed them again" if by_failed else "freed them"
        other = None if caller is place else caller
        lines.append(related(place, what, statement_at(place.source, call.lineno), here=True, caller=other))
    elif observed is not None or candidates:
        lines.append(related(observed or candidates[0][1], "freed them", here=True))
    lines += [] if by_failed else _here(scene, "needs them again")
    text = f"backward: the values that {op} saved are freed already"
    return Story(text, lines, [] if found is None else [found[2]], placed=trail.failed is not None and bool(lines))


def _kept(scene: Scene, candidates: Sequence[tuple[Past, Past]]) -> tuple[tuple[Past, Past], ast.Call, Hint] | None:
    """The backward that must keep the graph for the failed one to work: whose it is, the call, and what to write."""
    for place, caller in candidates:
        for call, rewrite in retaining(place.source):
            for hint, _ in scene.replayed(place, [rewrite], "keeps them"):
                return (place, caller), call, hint
    return None


def _anomaly(scene: Scene, node: Any) -> Story:
    op = op_of(node)
    maker = scene.trail.maker(node)
    number = re.search(r"its (\d+)th output", scene.sentence)
    lines = []
    if maker is not None:
        lines.append(at_op(scene.trail, maker, op, f"made {node.label}", here=True))
    lines += _here(scene, f"gradient {number[1] if number else 0} of {node.label} is nan")
    return Story(f"backward: {op} gave a gradient with nan in it", lines, placed=bool(lines))


def _no_history(scene: Scene, key: str, op: str) -> Story:
    """Why a tensor does not require grad, found by changing the commands behind it one by one."""
    name, tensor = scene.operand(key)
    what = f"{op}: {name} does not require grad"
    if is_tensor(tensor) and not tensor.spec.dtype.continuous:
        what += f": it is {tensor.dtype.name}, and only floating point and complex tensors can"
    found = _cuts(scene)
    if found is None:
        return Story(what)
    cuts, hint = found
    hints = [] if hint is None else [hint]
    if len(cuts) == 1 and cuts[0].command is scene.trail.failed:
        return Story(f"{what}: {cuts[0].what}", hints=hints)
    return Story(what, [*cuts, *_here(scene, "needs its history")], hints, placed=True)


def _cuts(scene: Scene) -> tuple[list[Related], Hint | None] | None:
    """The commands that cut the history off, oldest first, and what to write in the one that did.

    The one without which all is well; else one without which the failure is another; else the fewest of the last ones
    that have to be changed together.
    """
    other: tuple[list[Related], Hint | None] | None = None
    together: list[Related] = []
    enough = False
    changes: dict[int, str] = {}
    for past in reversed(scene.replay.commands if scene.replay.faithful else []):
        for index, rewrite in enumerate(recorded(past.source, scene.globals)):
            line = past.line + rewrite.line - 1
            cut = Related(past, rewrite.what, line, _text_on(past, line))
            outcome = scene.replay.outcome({past.number: rewrite.source})
            if outcome is Outcome.PASSED:
                return [replace(cut, here=True)], scene.hint(past, rewrite)
            if outcome is Outcome.OTHER and other is None:
                other = [replace(cut, here=True)], None
            if index == 0 and not enough:
                together.insert(0, cut)
                changes[past.number] = rewrite.source
                enough = scene.replay.outcome(changes) in (Outcome.PASSED, Outcome.OTHER)
    return other or ((together, None) if enough else None)


def _text_on(past: Past, line: int) -> str:
    lines = past.source.split("\n")
    index = line - past.line
    return lines[index].strip() if 0 <= index < len(lines) else first_line(past.source)


def _given_up(scene: Scene) -> Story | None:
    """A view whose history cannot follow a write to its memory."""
    name, view = scene.operand("self")
    node = getattr(view, "held", None)
    if not is_tensor(view):
        return None
    maker = None if node is None else scene.trail.maker(node)
    lines = [] if maker is None else [related(maker, f"made the view {name}")]
    candidates = list(writers(scene.trail, view.get_storage(), maker, scene.variables))
    hint, write = _mended(scene, candidates, name)
    write = write or next((each for each in candidates if each.sure), None)
    if write is not None:
        lines.append(related(write.command, "wrote to its memory", write.statement, here=True, caller=write.caller))
    lines += _here(scene, f"needs the history of {name}")
    hints = [] if hint is None else [replace(hint, remark="a new tensor")]
    return Story(f"{name}: its memory was written, and autograd cannot follow this view", lines, hints, placed=bool(lines))


def _not_required(scene: Scene) -> Story:
    return _no_history(scene, "input" if "input" in scene.exc.operands else "self", scene.exc.op or "grad")


def _not_recorded(scene: Scene) -> Story:
    return _no_history(scene, "self", scene.exc.op or "backward")


_TELLERS: dict[str, Callable[[Scene], Story | None]] = {  # by a part of torch's sentence
    "does not require grad and does not have a grad_fn": _not_recorded,
    "One of the differentiated Tensors does not require grad": _not_required,
    "can't retain_grad on Tensor that has requires_grad=False": _not_recorded,
    "cannot register a hook on a tensor that doesn't require gradient": _not_recorded,
    "grad can be implicitly created only for scalar outputs": refusals.not_scalar,
    "nly Tensors of floating point": refusals.integers,
    "a view of a leaf Variable that requires grad": refusals.leaf_view,
    "a leaf Variable that requires grad is being used in an in-place operation": refusals.leaf,
    "A view was created in no_grad mode": refusals.no_grad_view,
    "is a view and is being modified inplace": refusals.many_views,
    "its base or another view of its base has been modified": _given_up,
    "Inplace update to inference tensor": refusals.inference,
    "Setting requires_grad=True on inference tensor": refusals.inference_leaf,
    "The differentiated Tensor at index": refusals.unused,
    "Can't call numpy() on Tensor that requires grad": refusals.numpy,
    "you can only change requires_grad flags of leaf variables": refusals.computed,
    "Mismatch in shape: grad_output": refusals.weights,
    "attempting to assign a gradient": refusals.assigned_grad,
    "is not differentiable with respect to argument": refusals.fixed,
}
