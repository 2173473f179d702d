"""Values combined at places named several times: CuPy's few atomic operations give what numpy's ufunc.at gives, in every dtype."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tcalc
from tcalc.engine import at, backend, dtypes, notices

pytestmark = pytest.mark.usefixtures("two_devices")
PLACES = np.array([0, 2, 2, 1, 2, 0])
DTYPES = [d.name for d in dtypes.ALL]


def arrays(name: str) -> tuple[np.ndarray, np.ndarray]:
    """(target, values) of a dtype; small whole numbers, so that 16-bit sums are exact."""
    d = backend.NUMPY[dtypes.BY_NAME[name]]
    target, values = np.array([3, -2, 5]), np.array([1, 4, -6, 2, 7, -1])
    if d.kind in "bu":
        target, values = abs(target), abs(values)
    return target.astype(d), (values * (1 + 2j) if d.kind == "c" else values).astype(d)


@pytest.mark.parametrize("name", DTYPES)
def test_sums(name: str) -> None:
    """In every dtype, whole numbers wrapping."""
    target, values = arrays(name)
    if name in ("int8", "uint8", "int16"):
        target[0] = np.iinfo(target.dtype).max
    there = backend.gpu().asarray(target)
    at.add_at(backend.gpu(), there, (backend.gpu().asarray(PLACES),), backend.gpu().asarray(values))
    at.add_at(np, target, (PLACES,), values)
    assert there.dtype == target.dtype
    assert (there.get() == target).all()


@pytest.mark.parametrize("ufunc", ["maximum", "minimum"])
@pytest.mark.parametrize("name", [name for name in DTYPES if "complex" not in name])
def test_extremes(name: str, ufunc: str) -> None:
    """In every dtype that has an order; nan wins."""
    target, values = arrays(name)
    if target.dtype.kind not in "biu":
        values[1] = np.nan
    there = backend.gpu().asarray(target)
    at.extreme_at(backend.gpu(), ufunc, there, (backend.gpu().asarray(PLACES),), backend.gpu().asarray(values))
    at.extreme_at(np, ufunc, target, (PLACES,), values)
    assert there.dtype == target.dtype
    np.testing.assert_array_equal(there.get().astype("float64"), target.astype("float64"))


def test_largest_and_smallest_of_8_bytes() -> None:
    """Those are compared as unsigned numbers."""
    info = np.iinfo("int64")
    target, values = np.zeros(2, "int64"), np.array([info.min, info.max])
    there = backend.gpu().asarray(target)
    at.extreme_at(backend.gpu(), "minimum", there, (backend.gpu().asarray(np.array([0, 1])),), backend.gpu().asarray(values))
    assert there.tolist() == [info.min, 0]


def test_products_go_through_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """And say so, in the name of the op, the first time."""
    monkeypatch.setattr(notices, "collected", None)  # as where no session was: as a warning
    notices._made.clear()
    x, places, factors = (t.cuda(1) for t in (tcalc.ones(3), tcalc.tensor([0, 2, 2]), tcalc.tensor([2.0, 3.0, 4.0])))
    with pytest.warns(UserWarning, match="^scatter_reduce ran on the CPU, and its arrays went there and back: CUDA has no operation"):
        found = x.scatter_reduce(0, places, factors, "prod")
    assert (str(found.device), found.tolist()) == ("cuda:1", [2, 1, 12])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x.scatter_reduce(0, places, factors, "prod")
        x.scatter_reduce(0, places, factors, "sum")
