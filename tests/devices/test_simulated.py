"""The stand-in is as strict as CuPy, and worse where CuPy promises nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tcalc.engine import backend
from tcalc.engine.simulated import SCIPY, STATE, cupyx, ndarray, xp

pytestmark = pytest.mark.usefixtures("two_devices")


@pytest.mark.parametrize(
    "look", [np.asarray, np.array, lambda a: np.ones(3) + a, lambda a: np.add(a, 1), memoryview, lambda a: np.frombuffer(a)],
    ids=["asarray", "array", "operator", "ufunc", "memoryview", "frombuffer"],
)  # fmt: skip
def test_the_host_cannot_look_in(look) -> None:  # type: ignore[no-untyped-def]  # any function of an array
    """No route of numpy's or Python's leads to the values."""
    with pytest.raises(TypeError):
        look(xp.ones(3))


@pytest.mark.parametrize(
    "use", [lambda a: xp.add(a, np.ones(3)), lambda a: a + np.ones(3), lambda a: xp.where(a > 0, np.ones(3), a), lambda a: xp.concatenate([a, np.ones(3)])],
    ids=["ufunc", "operator", "where", "list"],
)  # fmt: skip
def test_arrays_of_the_host_are_refused(use) -> None:  # type: ignore[no-untyped-def]  # as above
    """Only array, asarray and the like take them."""
    with pytest.raises(TypeError):
        use(xp.ones(3))
    assert xp.asarray(np.ones(3)).get().tolist() == [1, 1, 1]


def test_what_makes_the_host_wait_is_counted() -> None:
    """Conversions, copies to the host, and functions whose result's size hangs on values."""
    a = xp.arange(4)
    for wait in (
        a.get,
        a.tolist,
        a[0].item,
        lambda: float(a[1]),
        lambda: int(a[1]),
        lambda: bool(a[1]),
        lambda: xp.nonzero(a),
        lambda: a[a > 1],
        lambda: repr(a),
    ):
        STATE.syncs.clear()
        wait()
        assert sum(STATE.syncs.values()) == 1
    STATE.syncs.clear()
    a = xp.sqrt(a.astype("float32")) @ xp.ones(4, "float32") + xp.where(a > 1, a, 0).sum()
    a[...] = 3
    assert not STATE.syncs


def test_results_are_arrays() -> None:
    """0-dim ones, too: numpy gives scalars."""
    a = xp.arange(6.0).reshape(2, 3)
    for result in (a.sum(), a[0, 0], xp.add.reduce(a, axis=None), xp.maximum(a, 1).max(), xp.all(a > 0), xp.allclose(a, a), a.mean()):
        assert type(result) is ndarray
        assert result.shape == ()


def test_results_lie_row_by_row() -> None:
    """Fresh results do, whatever the operands' strides; astype and K copies keep the order."""
    a = xp.arange(6.0).reshape(2, 3).T
    assert not a.flags.c_contiguous
    for result in (a + 1, xp.exp(a), xp.where(a > 1, a, 0), a.copy(), xp.sort(a, axis=0)):
        assert result.flags.c_contiguous
    assert a.astype("float32").flags.f_contiguous
    assert xp.array(a, order="K").flags.f_contiguous


def test_places_out_of_range_wrap() -> None:
    """CuPy does not check index arrays."""
    a = xp.arange(4)
    assert a[xp.asarray([5, -6])].tolist() == [1, 2]
    assert xp.take(a, xp.asarray([9])).tolist() == [1]
    assert xp.take_along_axis(a, xp.asarray([4]), 0).tolist() == [0]


def test_a_place_named_twice_gets_either_value() -> None:
    """Not always the last, as numpy has it."""
    kept = set()
    for _ in range(64):
        a = xp.zeros(1)
        a[xp.asarray([0, 0, 0])] = xp.asarray([1.0, 2.0, 3.0])
        kept.add(float(a[0]))
    assert kept == {1.0, 2.0, 3.0}


def test_ufuncs_have_cupys_types() -> None:
    """Their loops, not numpy's; methods and keywords likewise."""
    whole = xp.arange(3)
    assert xp.sqrt(whole).dtype == "float64"
    assert SCIPY["special"].erf(whole.astype("float32")).dtype == "float32"
    with pytest.raises(TypeError, match="Wrong type"):
        xp.logical_and(whole.astype("complex64"), whole.astype("complex64"))
    with pytest.raises(NotImplementedError):
        xp.maximum.reduce(whole)
    with pytest.raises(TypeError):
        xp.add(whole, whole, where=whole > 1)
    with pytest.raises(TypeError):
        whole.max(initial=3)


def test_atomic_operations_have_cudas_dtypes() -> None:
    """ufunc.at does not take all."""
    with pytest.raises(TypeError, match="only supports"):
        xp.add.at(xp.zeros(2, "int64"), xp.asarray([0]), 1)
    a = xp.zeros(2)
    cupyx.scatter_add(a, xp.asarray([1, 1]), xp.ones(2))
    assert a.tolist() == [0, 2]


def test_arrays_belong_to_devices() -> None:
    """Those of two devices do not meet, nor does a kernel touch one of a device that is not current."""
    here = xp.ones(2)
    with xp.cuda.Device(1):
        there = xp.ones(2)
        with pytest.raises(ValueError, match="different from the current device"):
            here + 1
        copied = here.copy()
    assert (here.device.id, there.device.id, copied.device.id) == (0, 1, 1)
    with pytest.raises(ValueError, match="different from the current device"):
        here + there
    assert there.reshape(1, 2).T.shape == (2, 1)  # views need no kernel
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        xp.cuda.Device(2).use()


def test_memory_is_counted_by_device() -> None:
    """In blocks of 512 bytes; views take none; what nobody holds is given back."""
    before = STATE.used[0]
    a = xp.ones(200, "float32")
    view = a[10:].reshape(19, 10)
    assert STATE.used[0] - before == 1024
    del a
    assert STATE.used[0] - before == 1024
    del view
    assert STATE.used[0] == before
    assert STATE.peak[0] >= before + 1024


def test_views_are_by_pointer() -> None:
    """As the engine makes them, and never outside the block."""
    a = xp.arange(6.0)
    b = ndarray((2,), "float64", memptr=a.data + 16, strides=(8,))
    b[...] = 9
    assert a.tolist() == [0, 1, 9, 9, 4, 5]
    with pytest.raises((ValueError, TypeError)):
        ndarray((4,), "float64", memptr=a.data + 32, strides=(8,))


def test_a_kernel_does_not_read_what_it_writes_elsewhere() -> None:
    """On a GPU nothing says which comes first."""
    a = xp.arange(6.0)
    with pytest.raises(ValueError, match="reads memory that it writes"):
        a[1:] = a[:-1]
    a += a
    assert a.tolist() == [0, 2, 4, 6, 8, 10]


def test_failed_decompositions_are_told_only_when_asked() -> None:
    """CuPy's default is to say nothing."""
    assert np.isnan(xp.linalg.inv(xp.zeros((2, 2))).get()).all()
    cupyx.seterr(linalg="raise")
    with pytest.raises(xp.linalg.LinAlgError):
        xp.linalg.inv(xp.zeros((2, 2)))


def test_names_that_cupy_lacks_are_not_there() -> None:
    """numpy has them."""
    for name in ("nditer", "busday_count", "vectorize", "ElementwiseKernel"):
        assert not hasattr(xp, name)
    assert not hasattr(SCIPY["linalg"], "lstsq")
    assert hasattr(xp, "where")


def test_cupy_is_not_imported() -> None:
    """The stand-in runs where there is no CuPy."""
    source = "import sys; sys.modules['cupy'] = None; import tcalc; tcalc.cuda.simulate(1); print((tcalc.ones(2, device='cuda') * 3).sum().item())"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout == "6.0\n"


def test_it_ends() -> None:
    """simulate(0) leaves the machine's own devices."""
    backend.simulate(0)
    assert not backend.simulated()
    assert STATE.count == 0
