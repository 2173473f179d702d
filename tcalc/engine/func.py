"""Function transforms: torch.func's grad, vjp, jvp, jacrev, jacfwd and hessian, over trees of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .errors import TensorError, TensorTypeError, TensorValueError
from .forward import JVP, Pushforward, check_rows, columns, float_or_refuse
from .modes import enable_grad
from .registry import OPS
from .standins import Level, entering, gradients, one_hot, split_aux, tensors_of
from .tensor import Tensor
from .tree import Structure, flatten, unflatten

Function = Callable[..., Any]


def _chosen(argnums: Any, count: int) -> list[int]:
    """The places that `argnums` means among `count` positional arguments.

    Raises RuntimeError with torch's sentences.
    """
    if not isinstance(argnums, (int, tuple)):
        raise TensorError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    places = []
    for n in argnums if isinstance(argnums, tuple) else (argnums,):
        if not isinstance(n, int):
            raise TensorError(f"argnum must be int, got: {type(n)}")
        if not -count <= n < count:
            raise TensorError(f"Got argnum={n}, but only {count} positional inputs")
        places.append(n % count)
    if not places:
        raise TensorError("argnums must be non-empty")
    if len(set(places)) != len(places):
        raise TensorError(f"argnums elements must be unique, got {tuple(places)}")
    return places


class Transformed:
    """A function that a transform returned."""

    __slots__ = ("_argnums", "_func", "_has_aux")

    def __init__(self, func: Function, argnums: Any, has_aux: bool):
        self._func, self._argnums, self._has_aux = func, argnums, has_aux

    def __repr__(self) -> str:
        return f"<function {_name_of(self._func)} at {id(self):#x}>"


def _name_of(func: Any) -> str:
    while isinstance(func, Transformed):
        func = func._func
    return getattr(func, "__name__", type(func).__name__)


class GradAndValue(Transformed):
    """What grad_and_value returns."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        level = Level()
        with enable_grad():
            try:
                given, inside, structure = entering(level, args, _chosen(self._argnums, len(args)), True)
                output, aux = split_aux(self._func(*given, **kwargs), self._has_aux, "grad_and_value(f)(*args)")
            finally:
                level.leave()
            if not isinstance(output, Tensor):
                raise TensorError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}")
            if output.ndim:
                raise TensorError(
                    f"grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with {output.ndim} dims. Maybe you"
                    " wanted to use the vjp or jacrev APIs instead?"
                )
            keeps = level.keeps([output])  # then the graph is also part of the history outside
            found = gradients([output], inside, None, keeps, keeps)
        grads = unflatten([level.released(g) for g in found], structure)
        value = level.released(output)
        if self._has_aux:
            value = (value, level.released_tree(aux))
        return (grads if isinstance(self._argnums, tuple) else grads[0]), value


class GradOnly(GradAndValue):
    """What grad returns."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        grads, value = super().__call__(*args, **kwargs)
        return (grads, value[1]) if self._has_aux else grads


def grad(func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> GradOnly:
    """The function that gives the gradient of a scalar function by the arguments `argnums`, each a tree of tensors.

    With `has_aux` the function returns (output, aux), and the new one (gradient, aux).

    See: func.grad_and_value, func.jacrev, func.hessian, autograd.grad

    >>> torch.func.grad(lambda x: (x ** 3).sum())(tensor([1., 2.]))
    tensor([ 3., 12.])
    """
    return GradOnly(func, argnums, has_aux)


def grad_and_value(func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> GradAndValue:
    """As grad, but the new function returns (gradient, value), or (gradient, (value, aux)).

    >>> torch.func.grad_and_value(lambda x: (x ** 3).sum())(tensor([1., 2.]))
    (tensor([ 3., 12.]), tensor(9.))
    """
    return GradAndValue(func, argnums, has_aux)


class Pullback:
    """What vjp returns beside the output: maps weights of the outputs, in their structure, to gradients of the inputs."""

    __slots__ = ("_inside", "_level", "_outputs", "_structure", "_weights")

    def __init__(self, level: Level, outputs: list[Tensor], weights: Structure, inside: list[Tensor], structure: Structure):
        self._level, self._outputs, self._weights = level, outputs, weights
        self._inside, self._structure = inside, structure

    def __repr__(self) -> str:
        return f"<function _vjp_with_argnums.<locals>.wrapper at {id(self):#x}>"

    def __call__(self, cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        leaves, structure = flatten(cotangents)
        if structure != self._weights:
            raise TensorError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function."
                f" cotangents: {structure.shown()}, primal output: {self._weights.shown()}"
            )
        after = Level()  # the caller's grad mode may be another by now
        keeps = after.keeps(self._outputs)  # then the graph is also part of the history outside
        create = (after.records if create_graph is None else create_graph) and (keeps or after.keeps(leaves))
        found = gradients(self._outputs, self._inside, leaves, retain_graph or keeps, create)
        return unflatten([after.released(g) for g in found], self._structure)


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """(func(*primals), vjp_fn): `vjp_fn(v)` is the tuple of v times the jacobian by each primal, as often as you like.

    With `has_aux` the function returns (output, aux), and vjp (output, vjp_fn, aux).
    Raises RuntimeError for an output that is no float tensor.

    >>> y, vjp_fn = torch.func.vjp(lambda x: x * x, tensor([1., 2.]))
    >>> vjp_fn(tensor([1., 10.]))
    (tensor([ 2., 40.]),)
    """
    level, results, pullback, aux = _pulled_back(func, primals, list(range(len(primals))), has_aux)
    return (results, pullback, level.released_tree(aux)) if has_aux else (results, pullback)


def _pulled_back(func: Function, args: Sequence[Any], places: list[int], has_aux: bool) -> tuple[Level, Any, Pullback, Any]:
    level = Level()
    with enable_grad():
        try:
            given, inside, structure = entering(level, args, places, True)
            result, aux = split_aux(func(*given), has_aux, "vjp(f, *primals)")
        finally:
            level.leave()
        outputs, shape = tensors_of(result, "vjp(f, *primals)")
        for y in outputs:
            if not y.spec.dtype.continuous:
                raise TensorError(
                    f"vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype {y.dtype}"
                )
    results = unflatten([level.released(y) for y in outputs], shape)
    return level, results, Pullback(level, outputs, shape, inside, structure), aux


def _refuse_complex(name: str, all_of: str, tensors: Sequence[Any]) -> None:
    """Refuse complex numbers, between which a matrix of numbers is no jacobian.

    Raises RuntimeError with torch's sentence.
    """
    for i, t in enumerate(tensors):
        if isinstance(t, Tensor) and t.spec.dtype.is_complex:
            raise TensorError(f"{name}: Expected all {all_of} to be real but received complex tensor at flattened input idx: {i}")


class Rows(Transformed):
    """What jacrev returns."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        _refuse_keywords(self._func, kwargs)
        places = _chosen(self._argnums, len(args))
        primals, inner = flatten(tuple(args[i] for i in places))
        _refuse_complex("jacrev", "inputs", primals)
        level, _, pullback, aux = _pulled_back(self._func, args, places, self._has_aux)
        outputs = pullback._outputs
        _refuse_complex("jacrev", "outputs", outputs)
        blocks = [_rows(pullback, at, primals) for at in range(len(outputs))]
        found = [unflatten(block, inner) for block in blocks]
        if not isinstance(self._argnums, tuple):
            found = [each[0] for each in found]
        result = unflatten(found, pullback._weights)
        return (result, level.released_tree(aux)) if self._has_aux else result


def _rows(pullback: Pullback, at: int, primals: Sequence[Tensor]) -> list[Tensor]:
    """The blocks of output number `at`, one backward for each of its elements."""
    outputs = pullback._outputs
    rows: list[list[Tensor]] = [[] for _ in primals]
    check_rows(outputs[at].numel(), primals)
    for k in range(outputs[at].numel()):
        basis = [OPS["zeros_like"].call(y.detach()) for y in outputs]
        basis[at] = one_hot(outputs[at], k)
        found, _ = flatten(pullback(unflatten(basis, pullback._weights)))
        for row, g in zip(rows, found, strict=True):
            row.append(g)
    shape = outputs[at].shape
    return [
        OPS["view"].call(OPS["stack"].call(row, 0), (*shape, *t.shape)) if row else OPS["new_zeros"].call(t, (*shape, *t.shape))
        for row, t in zip(rows, primals, strict=True)
    ]


def _refuse_keywords(func: Any, kwargs: dict[str, Any]) -> None:
    for name in kwargs:
        raise TensorTypeError(f"{_name_of(func)}() got an unexpected keyword argument '{name}'")


def jacrev(func: Function, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, chunk_size: int | None = None) -> Rows:
    """The function that gives the jacobian of `func` by the arguments `argnums`, row by row: tensors of (*output shape, *input shape).

    `chunk_size` changes nothing. Raises ValueError unless it is greater than 0.

    >>> torch.func.jacrev(lambda x: x * x)(tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if not (chunk_size is None or chunk_size > 0):
        raise TensorValueError("jacrev: `chunk_size` should be greater than 0.")
    return Rows(func, argnums, has_aux)


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> tuple[Any, ...]:
    """(func(*primals), the jacobian times the tangents); `primals` is the tuple of arguments, `tangents` has its structure.

    With `has_aux` the function returns (output, aux), and jvp (output, tangents of the output, aux).
    Raises RuntimeError when the structures or sizes differ, and when `strict` for an output that does not depend on the inputs.

    >>> torch.func.jvp(lambda x: x * x, (tensor([1., 2.]),), (tensor([1., 10.]),))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    if not isinstance(primals, tuple):
        raise TensorError(f"{JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    leaves, structure = flatten(primals)
    directions, given = flatten(tangents)
    if structure != given:
        raise TensorError(
            f"{JVP}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple of 3 tensors,"
            f" tangents also must be. Got primals with structure {structure} and tangents with structure {given}"
        )
    for what, each in (("primals", leaves), ("tangents", directions)):
        if not each:
            raise TensorError(f"{JVP}: Expected {what} to contain at least one Tensor.")
        for t in each:
            if not isinstance(t, Tensor):
                raise TensorError(f"{JVP}: Expected {what} to only contain Tensors, got {type(t)}")
    float_or_refuse(leaves, "primal")
    float_or_refuse(directions, "tangent")
    for x, v in zip(leaves, directions, strict=True):
        if x.shape != v.shape:
            raise TensorError(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported."
                f" Tensor is of size {list(x.shape)} while the given forward gradient is of size {list(v.shape)}."
            )
    push = Pushforward(func, primals, list(range(len(primals))), has_aux)
    found = push(directions)
    if strict and any(t is None for t in found):
        raise TensorError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed with strict=True."
        )
    results = unflatten([push.level.released(y) for y in push.outputs], push.structure), unflatten(push.filled(found), push.structure)
    return (*results, push.level.released_tree(push.aux)) if has_aux else results


def _from_columns(stacked: Tensor, primals: Sequence[Tensor]) -> list[Tensor]:
    """Stacked columns, (input elements, *output shape), as one block of (*output shape, *input shape) for each input."""
    parts = OPS["split_sizes"].call(OPS["movedim"].call(stacked, 0, -1), tuple(t.numel() for t in primals), -1)
    return [
        OPS["unflatten"].call(part, -1, tuple(t.shape)) if t.ndim else OPS["squeeze_dim"].call(part, -1)
        for part, t in zip(parts, primals, strict=True)
    ]


class Columns(Transformed):
    """What jacfwd returns."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        _refuse_keywords(self._func, kwargs)
        places = list(range(len(args))) if self._argnums is None else _chosen(self._argnums, len(args))
        primals, inner = flatten(tuple(args[i] for i in places))
        _refuse_complex("jacfwd", "inputs", primals)
        stacked, structure, aux = columns(self._func, args, places, self._has_aux)
        _refuse_complex("jacfwd", "outputs", stacked)
        found = [unflatten(_from_columns(each, primals), inner) for each in stacked]
        if isinstance(self._argnums, int):
            found = [each[0] for each in found]
        result = unflatten(found, structure)
        return (result, aux) if self._has_aux else result


def jacfwd(func: Function, argnums: int | tuple[int, ...] | None = 0, has_aux: bool = False, *, randomness: str = "error") -> Columns:
    """As jacrev, but column by column, which is less work for more outputs than inputs; `randomness` changes nothing.

    >>> torch.func.jacfwd(lambda x: x * x)(tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    return Columns(func, argnums, has_aux)


def hessian(func: Function, argnums: int | tuple[int, ...] = 0) -> Columns:
    """The function that gives the second derivatives of `func`: `jacfwd(jacrev(func))`.

    See: func.jacfwd, func.jacrev, func.grad, autograd.functional.hessian

    >>> torch.func.hessian(lambda x: (x ** 3).sum())(tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


for _kind in (GradOnly, GradAndValue, Pullback, Rows, Columns):
    _kind.__module__, _kind.__qualname__ = "builtins", "function"  # what type() of one shows
