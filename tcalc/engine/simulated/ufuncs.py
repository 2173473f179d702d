"""The stand-in's ufuncs: numpy's, computed in the types that CuPy's have, with the methods and keywords that CuPy's have."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ..backend import NUMPY, np
from ..dtypes import bfloat16
from .array import HOST, ndarray, refuse_race, scatter, taken, wrapped

WEAK = (bool, int, float, complex)


@lru_cache(maxsize=256)
def kind_of(char: str) -> Any:
    """The dtype of a character in CuPy's lists; E is bfloat16."""
    return NUMPY[bfloat16] if char == "E" else np.dtype(char)


class Ufunc:
    """A function on each element that computes in the first of `loops` that its operands can be cast to."""

    def __init__(self, name: str, function: Callable[..., Any], loops: str):
        self.name, self.__name__, self.function = f"cupy_{name}", name, function
        self.types = loops.split()
        pairs = [loop.split("->") for loop in self.types]
        self.nin, self.nout = len(pairs[0][0]), len(pairs[0][1])
        self.nargs = self.nin + self.nout
        self.loops = pairs
        self._chosen: dict[Any, tuple[list[Any], list[Any]]] = {}

    def __repr__(self) -> str:
        return f"<ufunc '{self.name}'>"

    def __call__(self, *args: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind") -> Any:
        if not self.nin <= len(args) <= self.nargs:
            raise TypeError(f"Wrong number of arguments for '{self.name}'. It must be {self.nin} or {self.nargs}, but given {len(args)}.")
        outs = list(args[self.nin :]) or list(out if isinstance(out, tuple) else (out,) if out is not None else ())
        given = [taken(a) for a in args[: self.nin]]
        for a in given:
            if not isinstance(a, (HOST, np.generic, *WEAK)):
                raise TypeError(f"Unsupported type {type(a)}")
        into, gives = self._loop(given, dtype)
        found = self.function(
            *[
                a.astype(kind, copy=False) if isinstance(a, (HOST, np.generic)) else kind.type(a)
                for a, kind in zip(given, into, strict=True)
            ]
        )
        parts = [
            np.asarray(part).astype(kind, copy=False)
            for part, kind in zip(found if isinstance(found, tuple) else (found,), gives, strict=True)
        ]
        if outs:
            return self._written(parts, outs, args[: self.nin], casting)
        fresh = [wrapped(part, []) for part in parts]
        return fresh[0] if self.nout == 1 else tuple(fresh)

    def _loop(self, given: list[Any], dtype: Any) -> tuple[list[Any], list[Any]]:
        """(dtypes of the operands, dtypes of the results).

        Raises TypeError when there is no loop for the operands.
        """
        key = (*[type(a) if isinstance(a, WEAK) and not isinstance(a, np.generic) else a.dtype for a in given], dtype)
        if key in self._chosen:
            return self._chosen[key]
        strong = [a.dtype for a in given if isinstance(a, (HOST, np.generic))]
        kinds = [a.dtype if isinstance(a, (HOST, np.generic)) else np.result_type(*strong, a) for a in given]
        for into, gives in self.loops:
            wanted, results = [kind_of(c) for c in into], [kind_of(c) for c in gives]
            fits = results[0] == dtype if dtype is not None else all(np.can_cast(k, w) for k, w in zip(kinds, wanted, strict=True))
            if fits:
                self._chosen[key] = wanted, results
                return wanted, results
        raise TypeError(f"Wrong type ({', '.join(map(str, kinds))}) of arguments for {self.name}")

    def _written(self, parts: list[Any], outs: list[Any], inputs: tuple[Any, ...], casting: str) -> Any:
        for part, out in zip(parts, outs, strict=True):
            target = taken(out)
            if target.shape != part.shape:
                raise ValueError("Out shape is mismatched")
            for source in inputs:
                refuse_race(source, target)
            np.copyto(target, part, casting=casting)  # type: ignore[arg-type]  # a kind of casting
        return outs[0] if self.nout == 1 else tuple(outs)

    def reduce(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        """Sums and products along axes; CuPy has no others."""
        return getattr(array, self._one_of("reduce", {"add": "sum", "multiply": "prod"}))(
            axis=axis, dtype=dtype, out=out, keepdims=keepdims
        )

    def accumulate(self, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        """Running sums and products; CuPy has no others."""
        return getattr(array, self._one_of("accumulate", {"add": "cumsum", "multiply": "cumprod"}))(axis=axis, dtype=dtype, out=out)

    def at(self, a: ndarray, indices: Any, b: Any = None) -> None:
        """The function in place at some elements, each as often as it is named."""
        scatter(self._one_of("at", {name: name for name in ("add", "maximum", "minimum")}), a, indices, b)

    def outer(self, a: Any, b: Any, **kwargs: Any) -> Any:
        """The function on all pairs."""
        return self(a.reshape(a.shape + (1,) * b.ndim), b, **kwargs)

    def _one_of(self, what: str, names: dict[str, str]) -> str:
        if self.__name__ not in names:
            raise NotImplementedError(f"{self.__name__}.{what} is not supported yet")
        return names[self.__name__]


def install(ufuncs: dict[str, Ufunc], matmul: Callable[[Any, Any], Any]) -> None:
    """Give the array its operators."""

    def operators(name: str, function: Callable[..., Any]) -> None:
        setattr(ndarray, f"__{name}__", lambda self, other: function(self, other))
        setattr(ndarray, f"__r{name}__", lambda self, other: function(other, self))

    binary = {
        "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide", "mod": "remainder", "pow": "power",
        "lshift": "left_shift", "rshift": "right_shift", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "divmod": "divmod",
    }  # fmt: skip
    for name, of in binary.items():
        operators(name, ufuncs[of])
        if name != "divmod":
            setattr(ndarray, f"__i{name}__", _in_place(ufuncs[of]))
    operators("matmul", matmul)
    for name, of in {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal"}.items():
        setattr(ndarray, f"__{name}__", lambda self, other, function=ufuncs[of]: function(self, other))
    for name, of in {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}.items():
        setattr(ndarray, f"__{name}__", lambda self, function=ufuncs[of]: function(self))


def _in_place(ufunc: Ufunc) -> Callable[[ndarray, Any], ndarray]:
    def operate(self: ndarray, other: Any) -> ndarray:
        return ufunc(self, other, self)  # type: ignore[no-any-return]  # what it was given

    return operate
