"""The `np` facade: NumPy's own answers through a handle that shares memory and gives nothing else away."""

from __future__ import annotations

import code
import contextlib
import io
from typing import Any

import pytest

from tcalc.lang.errors import LangError

np = pytest.importorskip("numpy")

PROGRAMS = [
    "np.array([[1.0, 3.8], [2, 3]])",
    "n = np.ones(3); n[0] = 7; n",
    "n = np.arange(6).reshape(2, 3); n; n.T; n[1]; n[1, 2]; n[:, 1:]; n[n > 2]; n[..., None].shape; n[[0, 1], [1, 2]]",
    "a = np.array([1., 2.]); a + 1; 1 + a; a - a; 2 / a; a ** 2; 2 ** a; a @ a; -a; abs(-a); a % 2; a // 2; a == a; a < 2; ~(a < 2)",
    "a = np.array([1., 2.]); a += 1; a; a *= a; a; a[0] += 5; a",
    "a = np.eye(2); a.sum(); a.mean(axis=0); a.max(); a.dtype; a.ndim; a.size; a.shape; a.tolist(); a.copy(); a.astype(np.int32)",
    "a = np.array([1.5]); float(a[0]); int(a[0]); a[0]; a.item(); a[0] + 1; 1 + a[0]; f'{a[0]:.3f}'; print(a[0], a)",
    "np.float32(2); np.float64; np.dtype('int32'); np.zeros(2, dtype=float).dtype; np.zeros(1).dtype == np.float64",
    "np.linspace(0, 1, 3); np.sqrt(np.array([4.])); np.concatenate([np.ones(1), np.zeros(1)]); np.pi; np.nan; np.inf",
    "np.linalg.inv(np.array([[2., 0.], [0., 4.]])); np.linalg.qr(np.eye(2))[1]; np.linalg.norm(np.ones(4))",
    "np.random.seed(0); np.random.rand(2); np.random.randn(2, 2); np.random.randint(0, 10, (3,))",
    "len(np.ones(3)); [v for v in np.arange(2)]; 1 in np.arange(3); bool(np.array(1)); list(np.arange(2))",
    "a = np.ones((2, 2)); b = a[0]; b[:] = 5; a",
    "np.where(np.array([True, False]), 1, 2); np.stack([np.ones(1)] * 2); np.argsort(np.array([3, 1])); np.unique(np.array([1, 1]))",
]


@pytest.mark.parametrize("text", PROGRAMS)
def test_as_numpy(program: Any, text: str) -> None:
    console, written = code.InteractiveInterpreter({"np": np}), io.StringIO()
    with contextlib.redirect_stdout(written):
        for each in text.split("; "):
            console.runsource(each, symbol="single")
    assert program(text) == written.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "n.tofile('x')", "n.ctypes", "n.data", "n.base", "n.view('O')", "n.dump('x')", "n.setflags", "n.flags", "n.dtype.type",
        "n.strides = 1", "n.shape = 1", "np.load('x')", "np.save('x', n)", "np.lib", "np.ctypeslib", "np.memmap", "np.frompyfunc",
        "np.vectorize", "np.array([print])", "np.array([[1], 'a'])", "np.array(['a'])", "np.zeros(2, dtype='O')",
        "np.zeros(2, dtype='U5')", "np.array([None])", "n.astype('O')", "np.dtype('O')", "np.array([torch])", "np.float64.mro",
        "np.fromfile('x')", "np.genfromtxt('x')", "np.random.RandomState", "np.core", "n[0].data", "np.sin.reduce",
    ],
)  # fmt: skip
def test_refused(program: Any, text: str) -> None:
    program("n = np.ones(3)")
    with pytest.raises((AttributeError, TypeError, ValueError, LangError)):
        program(text)


@pytest.mark.parametrize(
    "text",
    [
        "np.zeros(10 ** 12)", "np.ones((10 ** 6, 10 ** 6))", "np.arange(10 ** 12)", "np.linspace(0, 1, 10 ** 12)", "np.eye(10 ** 6)",
        "np.full((10 ** 12,), 1)", "np.tile(n, 10 ** 12)", "np.repeat(n, 10 ** 12)", "np.outer(np.ones(10 ** 5), np.ones(10 ** 5))",
        "np.ones((10 ** 5, 1)) + np.ones(10 ** 5)", "np.ones((10 ** 5, 1)) @ np.ones((1, 10 ** 5))", "np.empty(10 ** 12)",
        "np.add(np.ones((10 ** 5, 1)), np.ones(10 ** 5))", "np.array([np.ones(10 ** 6)] * 1000)", "np.random.rand(10 ** 6, 10 ** 6)",
        "np.random.normal(0, 1, 10 ** 12)", "np.random.randint(0, 2, size=(10 ** 12,))", "np.broadcast_to(n, (10 ** 12, 3))",
        "np.array(range(10 ** 12))",
    ],
)  # fmt: skip
def test_too_large(program: Any, text: str) -> None:
    program("n = np.ones(3)")
    with pytest.raises(LangError) as caught:
        program(text)
    assert caught.value.kind == "limit"


def test_infinities_do_not_reach_lapack(program: Any) -> None:
    with pytest.raises(ValueError, match="infs or NaNs"):
        program("np.linalg.svd(np.array([[np.inf, 1.], [1., np.nan]]))")


def test_types_and_the_absence_of_raw_arrays(program: Any) -> None:
    program("n = np.ones(2); m = n.T; s = n[0]; t = n.nonzero()")
    assert program("type(n); type(s); type(n) == type(m); type(n.dtype)").startswith(
        "<class 'numpy.ndarray'>\n<class 'numpy.float64'>\nTrue\n"
    )
    for value in program.env.variables.values():
        assert not isinstance(value, (np.ndarray, np.generic))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x + a", "tensor([3., 3.], dtype=torch.float64)"),
        ("x * s", "tensor([2., 2.])"),
        ("s * x", "tensor([2., 2.])"),
        ("a / x", "tensor([2., 2.], dtype=torch.float64)"),
        ("x @ a", "tensor(4., dtype=torch.float64)"),
        ("q * s", "tensor([2., 2.], grad_fn=<MulBackward0>)"),
        ("s + q", "tensor([3., 3.], grad_fn=<AddBackward0>)"),
        ("np.int64(3) << tensor([1, 2])", "tensor([ 6, 12])"),
        ("tensor([True, True]) & np.array([True, False])", "tensor([1, 0], dtype=torch.uint8)"),
        ("a == x", "tensor([False, False])"),
        ("s < x", "tensor([False, False])"),
        ("y = x; y += s; x", "tensor([3., 3.])"),
        ("y = x; y -= s; x", "tensor([-1., -1.])"),
        ("y = x; y -= a; y", "tensor([-1., -1.], dtype=torch.float64)"),
        ("a /= x; a", "tensor([2., 2.], dtype=torch.float64)"),
        ("tensor([np.float32(1)])", "tensor([1.])"),
        ("tensor([np.float64(1)])", "tensor([1.], dtype=torch.float64)"),
        ("tensor([1, np.float32(2)])", "tensor([1., 2.])"),
        ("tensor([a, a])", "tensor([[2., 2.],\n        [2., 2.]], dtype=torch.float64)"),
        ("torch.Tensor(a)", "tensor([2., 2.])"),
        ("torch.Tensor([s])", "tensor([2.])"),
    ],
)
def test_with_tensors_as_torch(program: Any, text: str, shown: str) -> None:
    program("x = ones(2); q = ones(2, requires_grad=True); a = np.ones(2) * 2; s = np.float32(2)")
    assert program(text) == shown + "\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a + x", "Concatenation operation is not implemented for NumPy arrays, use np.concatenate"),
        ("a * x", r"unsupported operand type\(s\) for \*: 'numpy.ndarray' and 'Tensor'"),
        ("a *= x", r"unsupported operand type\(s\) for \*=: 'numpy.ndarray' and 'Tensor'"),
        ("x < a", "'<' not supported between instances of 'Tensor' and 'numpy.ndarray'"),
        ("q + a", r"Can't call numpy\(\) on Tensor that requires grad. Use tensor.detach\(\).numpy\(\) instead."),
        ("a / q", r"Can't call numpy\(\) on Tensor that requires grad. Use tensor.detach\(\).numpy\(\) instead."),
    ],
)
def test_refused_with_tensors_as_torch(program: Any, text: str, message: str) -> None:
    program("x = ones(2); q = ones(2, requires_grad=True); a = np.ones(2) * 2")
    with pytest.raises((TypeError, RuntimeError), match=message):
        program(text)
