"""Forward mode by backward through backward: a function at a point as a linear map, and the columns of its jacobian."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .autograd import grad
from .backend import CPU, check_fits, check_handles
from .errors import TensorValueError
from .modes import enable_grad
from .registry import OPS
from .standins import Level, entering, one_hot, split_aux, tensors_of
from .tensor import Tensor, alias
from .tree import Structure, flatten

Function = Callable[..., Any]
JVP = "jvp(f, primals, tangents)"


class Pushforward:
    """A function at a point as a linear map from tangents of its inputs to tangents of its outputs.

    The gradients of the outputs, weighed by variables u, are linear in u; their derivative by u, weighed by tangents, is what a pass
    forward would give (J. Townsend, "A new trick for calculating Jacobian vector products", 2017).
    """

    def __init__(self, func: Function, args: Sequence[Any], places: list[int], has_aux: bool):
        self.level = Level()
        with enable_grad():
            try:
                given, inside, _ = entering(self.level, args, places, False)
                holders = [alias(t) for t in inside]  # the function may write over the stand-ins
                for holder, t in zip(holders, inside, strict=True):
                    holder.node = t.node
                result, self.aux = split_aux(func(*given), has_aux, JVP)
            finally:
                self.level.leave()
            self.outputs, self.structure = tensors_of(result, JVP)
            self.weights = [OPS["zeros_like"].call(y.detach()).requires_grad_() if y.node is not None else None for y in self.outputs]
            live = [(y, u) for y, u in zip(self.outputs, self.weights, strict=True) if u is not None]
            self.linear: Sequence[Tensor | None] = [None] * len(holders)
            if live:
                self.linear = grad([y for y, _ in live], holders, [u for _, u in live], create_graph=True, allow_unused=True)
        self.keeps = self.level.keeps(self.outputs)

    def __call__(self, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
        """The tangents of the outputs; None in place of zeros, given and returned."""
        used = [(g, v) for g, v in zip(self.linear, tangents, strict=True) if g is not None and g.node is not None and v is not None]
        by = [u for u in self.weights if u is not None]
        if not used:
            return [None] * len(self.outputs)
        create = self.keeps or self.level.keeps([v for _, v in used])
        found = iter(grad([g for g, _ in used], by, [v for _, v in used], True, create, allow_unused=True))
        pushed = [None if u is None else next(found) for u in self.weights]
        return [None if t is None else self.level.released(t) for t in pushed]

    def filled(self, tangents: Sequence[Tensor | None]) -> list[Tensor]:
        """The tangents, with zeros where there are none."""
        return [OPS["zeros_like"].call(y.detach()) if t is None else t for t, y in zip(tangents, self.outputs, strict=True)]


def float_or_refuse(leaves: Sequence[Any], what: str) -> None:
    for t in leaves:
        if not t.spec.dtype.continuous:
            raise TensorValueError(f"Expected {what} to be floating point or complex, but got: {t.dtype}")


def check_rows(count: int, tensors: Sequence[Tensor]) -> None:
    """Refuse a jacobian of `count` rows (or columns) like `tensors` that cannot be held, before the first one is worked out.

    Raises OutOfMemory.
    """
    check_handles(count)
    check_fits(count * sum(t.spec.nbytes for t in tensors), CPU)


def columns(func: Function, args: Sequence[Any], places: list[int], has_aux: bool) -> tuple[list[Tensor], Structure, Any]:
    """(the columns of the jacobian stacked, (input elements, *output shape) for each output; the outputs' structure; aux)."""
    primals, _ = flatten(tuple(args[i] for i in places))
    float_or_refuse([t for t in primals if isinstance(t, Tensor)], "primal")
    push = Pushforward(func, args, places, has_aux)
    stacks: list[list[Tensor]] = [[] for _ in push.outputs]
    check_rows(sum(t.numel() for t in primals), push.outputs)
    for at, t in enumerate(primals):
        for k in range(t.numel()):
            basis: list[Tensor | None] = [None] * len(primals)
            basis[at] = one_hot(t, k)
            for stack, column in zip(stacks, push.filled(push(basis)), strict=True):
                stack.append(column)
    found = [
        OPS["stack"].call(stack, 0) if stack else OPS["new_zeros"].call(y, (0, *y.shape))
        for stack, y in zip(stacks, push.outputs, strict=True)
    ]
    return found, push.structure, push.level.released_tree(push.aux) if has_aux else None
