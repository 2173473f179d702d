"""From a call's arguments to an op: the overload that takes them, and plans that are kept for the next call like it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .dtypes import dtype
from .errors import EngineError
from .signature import MemoryFormat, Mismatch, refusal
from .tensor import Tensor

if TYPE_CHECKING:
    from .registry import Op

MEMO_LIMIT = 4096
PLAIN_ARGUMENTS = frozenset((int, bool, type(None)))


def _plain(value: Any) -> bool:
    """Whether a plan may be kept by an argument: equal ones of one type mean the same, which 0.0 and -0.0 do not."""
    return type(value) in PLAIN_ARGUMENTS or (type(value) is float and value != 0)


_spec_of = attrgetter("spec")
KEYS = frozenset((int, bool, str, type(None), dtype, MemoryFormat))  # classes of arguments that are, with their class, what a plan is kept by
LONGEST, DEEPEST = 1 << 8, 2  # elements of a list, and lists within lists, that a plan is kept by


def recognised(values: Iterable[Any], key: list[Any], tensors: list[Tensor], depth: int = 0) -> bool:
    """Add to `key` what a call with these arguments is known by, to `tensors` those among them; whether that is all there is to them."""
    for value in values:
        kind = value.__class__
        if kind in KEYS:
            key += kind, value
        elif isinstance(value, Tensor):
            key.append(value.spec)
            tensors.append(value)
        elif kind is float:
            key += kind, value or str(value)  # two zeros are equal
        elif isinstance(value, (tuple, list)) and len(value) <= LONGEST >= len(key) and depth < DEEPEST:
            key += kind, len(value)
            if value and isinstance(value[0], Tensor):
                try:
                    key += map(_spec_of, value)
                except AttributeError:  # not all of them are tensors
                    return False
                tensors += value
            elif not recognised(value, key, tensors, depth + 1):
                return False
        else:
            return False
    return True


class Bound:
    """An op on arguments that were bound before, called with the tensors among them."""

    __slots__ = ("op", "places", "values")

    def __init__(self, op: Op, values: Sequence[Any]):
        self.op, self.values = op, [*values]
        self.places: list[tuple[int, Any]] = []  # (place, None for a tensor or the list there, which has `Tensor` where tensors are)
        for place, value in enumerate(values):
            if isinstance(value, Tensor):
                self.places.append((place, None))
            elif isinstance(value, (tuple, list)) and tensors_in(value):
                self.places.append((place, [Tensor if isinstance(v, Tensor) else v for v in value]))
        for place, _ in self.places:
            self.values[place] = None  # the plan keeps no tensor alive

    def __call__(self, *tensors: Tensor) -> Any:
        values, following = self.values.copy(), iter(tensors)
        for place, listed in self.places:
            values[place] = next(following) if listed is None else [next(following) if v is Tensor else v for v in listed]
        return self.op.run(values)


def owned(value: Any) -> Any:
    """A bound value as a plan may keep it: a list that is the caller's own may have other elements another time."""
    if value.__class__ is list or value.__class__ is tuple:
        return value.__class__([owned(each) for each in value])
    return value


def decided_by_specs(ops: Sequence[Op], values: Sequence[Any], tensors: Sequence[Tensor], kwargs: dict[str, Any]) -> bool:
    """Whether a call with other tensors of these specs binds to the same op, these values and those tensors in this order.

    One element may stand for a number, which depends on its history, or be looked into. Named arguments may come in any order, and
    tensors that come twice do not tell which.
    """
    given = [*map(id, tensors_in(values))]
    if given != [*map(id, tensors)] or (kwargs and len({*given}) < len(given)):
        return False
    return len(ops) == 1 or all([t.spec.numel != 1 for t in tensors])


def flat(values: Iterable[Any]) -> list[Any]:
    """The values, and in place of a list what is in it."""
    found: list[Any] = []
    for value in values:
        found.extend(value) if isinstance(value, (tuple, list)) else found.append(value)
    return found


def tensors_in(values: Iterable[Any]) -> list[Tensor]:
    """The tensors among bound values, those in lists, too."""
    return [value for value in flat(values) if isinstance(value, Tensor)]


def calling(name: str, ops: Sequence[Op], method: bool = False) -> Callable[..., Any]:
    """The function behind a name: the first overload whose signature takes the arguments runs.

    Plans are kept: a second call with equal specs and equal arguments binds nothing, and where the op is memoised it decides nothing
    either. The two commonest kinds of call, one tensor with plain arguments and tensors alone, are known by shorter keys.
    """
    memo: dict[Any, Any] = {}
    bound: dict[Any, Callable[..., Any]] = {}
    memoised = [op for op in ops if op.memoised]

    def keep(kept: dict[Any, Any], key: Any, plan: Any) -> None:
        if len(kept) >= MEMO_LIMIT:
            kept.clear()
        kept[key] = plan

    def parse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        key: list[Any] = [*kwargs]
        tensors: list[Tensor] = []
        known = recognised(args, key, tensors) and (not kwargs or recognised(kwargs.values(), key, tensors))
        if known:
            plan = bound.get(tuple(key))
            if plan is not None:
                try:
                    return plan(*tensors)
                except EngineError as error:
                    raise explained(error, args, kwargs) from None
        for op in ops:
            try:
                values = op.signature.bind(args, kwargs)
            except Mismatch as error:
                mismatch = error.with_traceback(None)  # which would keep this frame alive, in a cycle
                continue
            try:
                if values[-1] is not None and op.signature.params[-1].name == "out":
                    return op.run(values)
                if known:
                    values = [*map(owned, values)]
                plan = op.prepare(values) if op in memoised and not tensors_in(op.kept(values)) else None
                if plan is None:
                    if known and decided_by_specs(ops, values, tensors, kwargs):
                        keep(bound, tuple(key), Bound(op, values))
                    return op.run(values)
                if op.single and not kwargs and all(map(_plain, args[1:])):
                    kinds: Any = [*map(type, args[1:])] or None
                    keep(memo, (values[0].spec, args[1:]), (plan, int if kinds in ([int], [int, int]) else kinds))
                elif known and decided_by_specs(ops, values, tensors, kwargs):
                    if chosen is recall_several and not kwargs and len(tensors) == len(args):
                        keep(memo, tuple(key), plan)
                    else:
                        keep(bound, tuple(key), plan)
                return plan(*tensors_in(values))
            except EngineError as error:
                raise op.explained(error, args, kwargs) from None
        raise refusal(name, [op.signature for op in ops], args, kwargs, mismatch, method)

    def explained(error: EngineError, args: tuple[Any, ...], kwargs: dict[str, Any]) -> EngineError:
        """The error of a plan, with the name and operands of the op that was planned."""
        for op in ops:
            try:
                op.signature.bind(args, kwargs)
            except Mismatch:
                continue
            return op.explained(error, args, kwargs)
        return error

    def call(*args: Any, **kwargs: Any) -> Any:
        return parse(args, kwargs)

    def recall(self: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            try:
                plan, kinds = memo[self.spec, args]
            except (AttributeError, KeyError, TypeError):  # no Tensor, not met before, an argument that cannot be a key
                kinds = plan = None
            # 1, 1.0 and True are equal keys; one or two ints are what most calls give
            if plan is not None and (
                kinds is None or (args[0].__class__ is int and args[-1].__class__ is int if kinds is int else [*map(type, args)] == kinds)
            ):
                try:
                    return plan(self)
                except EngineError as error:
                    raise explained(error, (self, *args), kwargs) from None
        return parse((self, *args) if self is not None or args else (), kwargs)

    def recall_several(*args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            try:
                plan = memo[tuple([t.spec for t in args])]
            except (AttributeError, KeyError):  # no Tensor, not met before
                plan = None
            if plan is not None:
                try:
                    return plan(*args)
                except EngineError as error:
                    raise explained(error, args, kwargs) from None
        return parse(args, kwargs)

    chosen = call if not memoised else recall if any([op.single for op in memoised]) else recall_several
    chosen.__name__ = name
    return chosen
