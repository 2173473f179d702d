"""The stand-in for the modules `cupy` and `cupyx.scipy`: the names that these have, over numpy and scipy, on simulated memory."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from .. import backend
from ..backend import np
from . import devices, names
from .array import HOST, arrays_in, ndarray, scatter, taken, wrapped
from .devices import STATE
from .ufuncs import Ufunc, install

UPLOADS = frozenset(("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray"))  # these take arrays of the host
KEEPS = frozenset(
    ("array", "asarray", "asanyarray", "asfortranarray", "copy", "zeros_like", "ones_like", "empty_like", "full_like", "ravel", "reshape")
)
WAITS = frozenset(
    (
        "nonzero",
        "flatnonzero",
        "argwhere",
        "unique",
        "bincount",
        "extract",
        "histogram",
        "histogramdd",
        "histogram2d",
        "delete",
        "trim_zeros",
    )
)
PLAIN = frozenset(
    "result_type promote_types can_cast issubdtype isscalar iscomplexobj isrealobj ndim shape size broadcast_shapes isdtype min_scalar_type".split()
)  # these answer from dtypes and shapes, in Python's values


class Function:
    """A function of numpy or scipy that takes what CuPy's of the same name takes: its parameters, and arrays of the current device."""

    def __init__(self, name: str, function: Callable[..., Any], parameters: str):
        self.__name__, self.function = name, function
        words = parameters.split()
        self.positional = words[: next((i for i, word in enumerate(words) if word.startswith("*")), len(words))]
        self.known = {word for word in words if not word.startswith("*")}
        self.spread = any(len(word) > 1 and word[0] == "*" != word[1] for word in words)
        self.any_word = any(word.startswith("**") for word in words)

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"

    def _made(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.function(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (not self.any_word and set(kwargs) - self.known) or (len(args) > len(self.positional) and not self.spread):
            raise TypeError(f"{self.__name__}() takes {sorted(self.known)}, got {len(args)} arguments and {sorted(kwargs)}")
        if self.__name__ in WAITS:
            STATE.waited(self.__name__)
        out = kwargs.pop("out", None)
        if self.__name__ in UPLOADS and args and isinstance(args[0], HOST):
            return wrapped(self.function(np.array(args[0]), *args[1:], **kwargs), [], keep=True)
        sources = arrays_in([*args, *kwargs.values()])
        found = self._made(tuple([taken(a) for a in args]), {name: taken(value) for name, value in kwargs.items()})
        if self.__name__ in PLAIN:
            return found
        if isinstance(found, bool):
            found = np.asarray(found)
        if out is None:
            return wrapped(found, sources, keep=self.__name__ in KEEPS)
        out[...] = wrapped(found, [])
        return out


class Decomposition(Function):
    """A function of cupy.linalg: it waits for the device to know how it went, and unless told to raise it gives anything when it went wrong."""

    def _made(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.__name__ == "solve" and args[1].ndim > 1 and args[0].shape[:-1] != args[1].shape[:-1]:
            raise ValueError("a must have (..., M, M) shape and b must have (..., M, K) for multidimensional b")
        if STATE.linalg == "raise":
            STATE.waited(self.__name__)
        try:
            return self.function(*args, **kwargs)
        except np.linalg.LinAlgError:
            if STATE.linalg == "raise":
                raise
            return np.full_like(args[-1], np.nan)


class Taking(Function):
    """`take` and `take_along_axis`, which wrap what is out of range, as CuPy's do without a word."""

    def _made(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        array, places, *rest = args
        axis = rest[0] if rest else kwargs.get("axis")
        size = array.size if axis is None else array.shape[axis]
        return self.function(array, places % size if size else places, *rest, **kwargs)


class Repeat(Function):
    """`repeat`, for which CuPy must know the numbers on the host."""

    def _made(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(args[1], HOST):
            STATE.waited("repeat")
        return self.function(*args, **kwargs)


KINDS = {
    "take": Taking, "take_along_axis": Taking, "repeat": Repeat,
    **dict.fromkeys("cholesky det eig eigh eigvals eigvalsh inv lstsq pinv qr slogdet solve svd".split(), Decomposition),
}  # fmt: skip


class Module:
    """A module of CuPy by its tables of names; what is in neither is no attribute, as in CuPy."""

    def __init__(
        self, name: str, ufuncs: dict[str, str], functions: dict[str, str], values: tuple[str, ...], load: Callable[[], Any], **own: Any
    ):
        self._name, self._ufuncs, self._functions, self._values, self._load = name, ufuncs, functions, values, load
        vars(self).update(own)

    def __repr__(self) -> str:
        return f"<module '{self._name}' (simulated)>"

    def __getattr__(self, name: str) -> Any:
        found: Any
        if name in self._ufuncs:
            found = Ufunc(name, getattr(self._load(), name), self._ufuncs[name])
        elif name in self._functions:
            found = KINDS.get(name, Function)(name, getattr(self._load(), name), self._functions[name])
        elif name in self._values:
            found = getattr(self._load(), name)
        else:
            raise AttributeError(f"module '{self._name}' has no attribute '{name}'")
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted({*self._ufuncs, *self._functions, *self._values, *(name for name in vars(self) if not name.startswith("_"))})


class Grid:
    """`ogrid` and `mgrid`."""

    def __init__(self, of: Any):
        self.of = of

    def __getitem__(self, key: Any) -> Any:
        return wrapped(self.of[key], [])


def _copyto(dst: ndarray, src: Any, casting: Any = "same_kind", where: Any = None) -> None:
    np.copyto(taken(dst), taken(src), casting, where=True if where is None else taken(where))


def _put_along_axis(arr: ndarray, indices: ndarray, values: Any, axis: int | None) -> None:
    if axis is None:
        raise NotImplementedError("put_along_axis with axis=None")
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis] = indices
    arr[tuple(wrapped(each, []) if isinstance(each, HOST) else each for each in grid)] = values


def _scipy(name: str) -> Module:
    ufuncs = getattr(names, f"SCIPY_{name.upper()}_UFUNCS", {})
    return Module(f"cupyx.scipy.{name}", ufuncs, getattr(names, f"SCIPY_{name.upper()}"), (), lambda: backend.scipy_module(name, np))


def _as_strided(x: ndarray, shape: Any = None, strides: Any = None) -> ndarray:
    return wrapped(np.lib.stride_tricks.as_strided(taken(x), shape, strides), [x])  # type: ignore[no-any-return]  # an array gives an array


linalg = Module("cupy.linalg", {}, names.LINALG, (), lambda: np.linalg, LinAlgError=np.linalg.LinAlgError)
fft = Module("cupy.fft", {}, names.FFT, (), lambda: np.fft)
xp = Module(
    "cupy",
    names.UFUNCS,
    names.FUNCTIONS,
    names.VALUES,
    lambda: np,
    ndarray=ndarray,
    newaxis=None,
    linalg=linalg,
    fft=fft,
    lib=SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=_as_strided)),
    cuda=devices.cuda,
    ogrid=Grid(np.ogrid),
    mgrid=Grid(np.mgrid),
    copyto=_copyto,
    put_along_axis=_put_along_axis,
    get_default_memory_pool=lambda: devices.POOL,
    asnumpy=lambda a, **_: a.get(),
)
cupyx = SimpleNamespace(
    seterr=lambda linalg: setattr(STATE, "linalg", linalg),
    scatter_add=lambda a, slices, value: scatter("add", a, slices, value),
    scatter_max=lambda a, slices, value: scatter("maximum", a, slices, value),
    scatter_min=lambda a, slices, value: scatter("minimum", a, slices, value),
)
SCIPY = {name: _scipy(name) for name in ("special", "linalg", "fft")}
install({name: getattr(xp, name) for name in names.UFUNCS}, lambda a, b: xp.matmul(a, b))


def simulate(count: int) -> None:
    """Have `count` stand-in devices from now on, all empty of counts; none with 0."""
    STATE.count = count
    STATE.syncs.clear()
    STATE.peak.clear()
    STATE.linalg = "ignore"
    STATE.local.device = 0
