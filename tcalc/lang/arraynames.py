"""The names of `np`: functions that take and give handles, refused before they allocate too much, and dtypes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import cache
from typing import Any

from tcalc.lang import gate, library, text
from tcalc.lang.arrays import KINDS, Array, DType, check_size, result_size, unwrap, wrap
from tcalc.lang.bounded import spread
from tcalc.lang.tokens import answers, named, register

np = library.numpy()

_PRODUCTS = (np.dot, np.matmul)


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    """A NumPy function that takes and gives handles."""

    def call(*args: Any, **kwargs: Any) -> Any:
        values = [unwrap(spread(each)) for each in args]
        if function in _PRODUCTS:
            check_size(result_size(operator.matmul, values))
        elif isinstance(function, np.ufunc):
            check_size(result_size(function, values))
        return wrap(function(*values, **{name: unwrap(each) for name, each in kwargs.items()}))

    call.__name__ = getattr(function, "__name__", "function")
    return call


def _sized(function: Callable[..., Any], count: Callable[..., int]) -> Callable[..., Any]:
    """The same, refused when `count` of the arguments is too much."""
    inner = _called(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        check_size(count(*args, **kwargs))
        return inner(*args, **kwargs)

    call.__name__ = function.__name__
    return call


def _shape_count(shape: Any = (), *args: Any, **kwargs: Any) -> int:
    sizes = kwargs.get("shape", kwargs.get("size", shape))
    return math.prod(operator.index(each) for each in (sizes if type(sizes) in (tuple, list) else (sizes,)))


def _arange_count(start: Any, stop: Any = None, step: Any = 1, **kwargs: Any) -> int:
    first, last, by = (0, start, 1) if stop is None else (start, stop, step)
    return max(0, math.ceil((float(last) - float(first)) / float(by))) if float(by) else 0


def _count_of(start: Any, stop: Any, num: Any = 50, *args: Any, **kwargs: Any) -> int:
    return operator.index(num)


def _eye_count(rows: Any, columns: Any = None, *args: Any, **kwargs: Any) -> int:
    return operator.index(rows) * operator.index(rows if columns is None else columns)


def _product_count(a: Any, b: Any, *args: Any, **kwargs: Any) -> int:
    return int(np.size(unwrap(a))) * int(np.size(unwrap(b)))


def _repeat_count(a: Any, repeats: Any, *args: Any, **kwargs: Any) -> int:
    times = unwrap(repeats)
    return int(np.size(unwrap(a))) * (math.prod(times) if type(times) in (tuple, list) else int(np.max(times)))


def _expand_count(a: Any, shape: Any) -> int:
    return _shape_count(shape)


def _dtype(value: Any) -> DType:
    """`np.dtype(...)`."""
    dtype = np.dtype(unwrap(value))
    if dtype.kind not in KINDS:
        raise TypeError(f"NumPy arrays of {dtype} are not part of the language")
    return DType(dtype, is_type=False)


_FUNCTIONS = (
    "abs absolute add all allclose amax amin any arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin "
    "argsort argwhere array array_equal asarray atleast_1d atleast_2d average ceil clip concatenate copy cos cosh "
    "count_nonzero cross cumprod cumsum deg2rad diag diagonal diff divide divmod dot empty_like equal exp exp2 expand_dims "
    "expm1 fabs flatnonzero flip fliplr flipud floor floor_divide fmod greater greater_equal hstack hypot isclose isfinite "
    "isinf isnan less less_equal log log10 log1p log2 logical_and logical_not logical_or logical_xor matmul max maximum "
    "mean median min minimum mod moveaxis multiply nan_to_num nanmax nanmean nanmin nansum negative nonzero not_equal "
    "ones_like percentile power prod quantile rad2deg ravel reciprocal remainder reshape rint roll rot90 round "
    "searchsorted shape sign sin sinh size sort split sqrt square squeeze stack std subtract sum swapaxes take tan tanh "
    "trace transpose tril triu trunc unique var vstack where zeros_like"
)
_TYPES = "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128"
_LINALG = "cholesky cond det eigh eigvalsh inv lstsq matrix_rank norm pinv qr slogdet solve svd"


@cache
def table(path: str) -> dict[str, Any]:
    """The names of `numpy` and of `numpy.linalg`; KeyError for other paths."""
    return _TABLES[path]()


def _numpy_table() -> dict[str, Any]:
    sized: dict[str, tuple[Any, Callable[..., int]]] = {
        **{name: (getattr(np, name), _shape_count) for name in ("zeros", "ones", "full")},
        "arange": (np.arange, _arange_count),
        **{name: (getattr(np, name), _count_of) for name in ("linspace", "logspace", "geomspace")},
        **{name: (getattr(np, name), _eye_count) for name in ("eye", "identity")},
        **{name: (getattr(np, name), _product_count) for name in ("outer", "kron")},
        **{name: (getattr(np, name), _repeat_count) for name in ("repeat", "tile")},
        "broadcast_to": (np.broadcast_to, _expand_count),
    }
    return {
        **{name: _called(getattr(np, name)) for name in _FUNCTIONS.split()},
        **{name: _sized(function, count) for name, (function, count) in sized.items()},
        "empty": _sized(np.zeros, _shape_count),  # never what memory happens to hold
        "dtype": _dtype,
        **{name: DType(np.dtype(getattr(np, name)), is_type=True) for name in _TYPES.split()},
        "pi": math.pi,
        "e": math.e,
        "inf": math.inf,
        "nan": math.nan,
        "newaxis": None,
    }


def _finite(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of LAPACK, which may not return when given infinities."""
    inner = _called(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        for each in args:
            if type(each) in (Array, list, tuple) and not np.all(np.isfinite(unwrap(each))):
                raise ValueError("array must not contain infs or NaNs")
        return inner(*args, **kwargs)

    call.__name__ = function.__name__
    return call


def _linalg_table() -> dict[str, Any]:
    return {name: _finite(getattr(np.linalg, name)) for name in _LINALG.split()}


def _dims_count(*sizes: Any) -> int:
    return _shape_count(sizes)


def _third_count(first: Any = 0, second: Any = 0, size: Any = None, *args: Any, **kwargs: Any) -> int:
    return _shape_count(size or ())


def _choice_count(values: Any, size: Any = None, *args: Any, **kwargs: Any) -> int:
    return _shape_count(size or ())


def _permutation_count(values: Any) -> int:
    return values if type(values) is int else 0


def _random_table() -> dict[str, Any]:
    """NumPy's global generator: the same numbers as NumPy gives for the same seed."""
    sized: dict[str, Callable[..., int]] = {
        **dict.fromkeys(("rand", "randn"), _dims_count),
        **dict.fromkeys(("normal", "uniform", "randint"), _third_count),
        "random": _shape_count,
        "permutation": _permutation_count,
        "choice": _choice_count,
    }
    return {
        **{name: _sized(getattr(np.random, name), count) for name, count in sized.items()},
        "seed": _called(np.random.seed),
    }


_TABLES: dict[str, Callable[[], dict[str, Any]]] = {
    "numpy": _numpy_table,
    "numpy.linalg": _linalg_table,
    "numpy.random": _random_table,
}


def _method(name: str) -> Callable[[Array], Any]:
    return lambda handle: _called(getattr(handle._array, name))


def _property(name: str) -> Callable[[Array], Any]:
    return lambda handle: wrap(getattr(handle._array, name))


def _dtype_property(name: str) -> Callable[[DType], Any]:
    return lambda handle: getattr(handle.dtype, name)


_METHODS = (
    "all any argmax argmin argsort astype clip conj copy cumprod cumsum diagonal dot fill flatten item max mean min "
    "nonzero prod ravel repeat reshape round sort squeeze std sum swapaxes take tolist trace transpose var"
)
_PROPERTIES = "T dtype imag itemsize nbytes ndim real shape size strides"

gate.allow(
    Array,
    {**{name: _method(name) for name in _METHODS.split()}, **{name: _property(name) for name in _PROPERTIES.split()}},
)
gate.allow(DType, {name: _dtype_property(name) for name in ("name", "kind", "itemsize")})
register(Array, None, "numpy.ndarray")
answers(Array, lambda value: named(f"numpy.{value._array.dtype.name}" if value._scalar else "numpy.ndarray", Array))
text.AS_NUMBER[Array] = lambda handle: handle._array.item() if handle._array.ndim == 0 else handle
