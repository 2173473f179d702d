"""nan and infinity in matrices: LAPACK never sees them, so that it neither prints nor fails in ways of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy")

from tcalc.engine.errors import LinAlgError
from tcalc.engine.namespace import table

ROOT = Path(__file__).parents[2]
TORCH, LINALG = table("torch"), table("torch.linalg")
NAN, INF = float("nan"), float("inf")
SENTENCE = "contained non-finite values"


def matrix(n: int, value: float) -> Any:
    """A symmetric matrix with one odd element on the diagonal."""
    found = TORCH["arange"](float(n * n)).view(n, n).remainder(7)
    found = found + found.T
    found[1, 1] = value
    return found


@pytest.mark.parametrize("n", [2, 3, 60])
@pytest.mark.parametrize(
    ("name", "more"),
    [("svd", ()), ("svdvals", ()), ("matrix_rank", ()), ("cond", ()), ("pinv", ()), ("matrix_norm", ("nuc",)), ("matrix_norm", (2,))],
)
def test_singular_values_of_nan_are_refused_in_torchs_words(n: int, name: str, more: tuple[object, ...]) -> None:
    with pytest.raises(LinAlgError, match=rf"^linalg\.svd: The algorithm failed to converge because the input matrix {SENTENCE}\.$"):
        LINALG[name](matrix(n, NAN), *more)
    batch = TORCH["stack"]([TORCH["eye"](n), matrix(n, NAN)])
    with pytest.raises(LinAlgError, match=r"^linalg\.svd: \(Batch element 1\): The algorithm"):
        LINALG[name](batch, *more)


@pytest.mark.parametrize("n", [2, 3, 60])
def test_singular_values_of_infinity_are_nan(n: int) -> None:
    batch = TORCH["stack"]([TORCH["eye"](n), matrix(n, INF)])
    u, s, vh = LINALG["svd"](batch)
    for part in (u, s, vh):
        assert part.isnan().flatten(1).all(1).tolist() == [False, True]
        assert not part[0].isnan().any()
    assert s[0].tolist() == [1.0] * n
    assert LINALG["matrix_rank"](batch).tolist() == [n, 0]
    assert LINALG["pinv"](batch)[1].isnan().all()
    assert LINALG["cond"](matrix(n, INF)).isnan()


@pytest.mark.parametrize("n", [2, 3, 60])
@pytest.mark.parametrize("value", [NAN, INF])
def test_eigenvalues_are_nan(n: int, value: float) -> None:
    batch = TORCH["stack"]([TORCH["eye"](n), matrix(n, value)])
    values, vectors = LINALG["eigh"](batch)
    assert values.isnan().all(1).tolist() == [False, True]
    assert vectors.isnan().flatten(1).all(1).tolist() == [False, True]
    assert LINALG["eigvalsh"](matrix(n, value)).isnan().all()


def test_the_triangle_that_is_not_read_may_hold_anything() -> None:
    odd = TORCH["tensor"]([[2.0, NAN], [0.0, 1.0]])
    assert LINALG["eigh"](odd)[0].tolist() == [1.0, 2.0]
    assert LINALG["eigh"](odd.T, "U")[0].tolist() == [1.0, 2.0]
    assert LINALG["eigh"](odd, "U")[0].isnan().all()


@pytest.mark.parametrize("driver", ["gels", "gelsy", "gelsd", "gelss"])
@pytest.mark.parametrize("value", [NAN, INF])
def test_least_squares(driver: str, value: float) -> None:
    found = LINALG["lstsq"](matrix(3, value), TORCH["ones"](3, 2), driver=driver)
    assert found[0].isnan().all()
    sides = TORCH["tensor"]([[1.0, 1.0], [2.0, value], [3.0, 1.0]])
    found = LINALG["lstsq"](TORCH["eye"](3), sides, driver=driver)
    assert found[0].isnan().all(0).tolist() == [False, True]
    assert found[0][:, 0].tolist() == pytest.approx([1.0, 2.0, 3.0])
    batch = LINALG["lstsq"](TORCH["stack"]([TORCH["eye"](3), matrix(3, value)]), TORCH["ones"](2, 3, 1), driver=driver)[0]
    assert batch.isnan().flatten(1).all(1).tolist() == [False, True]


CALLS = (
    "svd(x)", "svdvals(x)", "pinv(x)", "matrix_rank(x)", "cond(x)", "eigh(x)", "eigvalsh(x)", "eig(x)", "qr(x)", "lu(x)", "cholesky(x)", "inv(x)",
    "solve(x, x)", "det(x)", "slogdet(x)", "matrix_exp(x)", "ldl_factor(x)", "lstsq(x, x)", "lstsq(x, x, driver='gels')", "lstsq(x, x, driver='gelsd')",
    "lstsq(x, x, driver='gelss')", "householder_product(x, x[0])", "solve_triangular(x, x, upper=True)", "matrix_power(x, -2)", "tensorinv(x.view(6, 10, 60))",
)  # fmt: skip


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_nothing_reaches_the_terminal(value: str) -> None:
    """LAPACK writes to file descriptors of its own, which only another process sees; each call ends in a value or one sentence."""
    lines = ["x = torch.arange(3600.).view(60, 60).remainder(7)", "x = x + x.T", f"x[1, 1] = {value}"]
    for call in CALLS:
        lines += ["try:", f"    r = linalg.{call}", "except RuntimeError as e:", "    print(e)"]
    lines += ["y = x.clone().requires_grad_()", "linalg.det(y).backward()", "'done'"]
    result = subprocess.run(
        [sys.executable, "-m", "tcalc"], input="\n".join(lines), capture_output=True, text=True, cwd=ROOT, timeout=100, check=False
    )
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1] == '"done"'
    assert "On entry" not in result.stdout


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("select_scatter", lambda c: (TORCH["ones"](3), c, 0, 0), [0.0, 1.0, 1.0]),
        ("slice_scatter", lambda c: (TORCH["ones"](3), c.view(1), 0, 0, 1), [0.0, 1.0, 1.0]),
        ("diagonal_scatter", lambda c: (TORCH["ones"](1, 1), c.view(1)), [[0.0]]),
        ("as_strided_scatter", lambda c: (TORCH["ones"](3), c.view(1), (1,), (1,)), [0.0, 1.0, 1.0]),
        ("fill", lambda c: (TORCH["zeros"](2), c), [0.0, 0.0]),
    ],
)
def test_complex_numbers_in_real_tensors_lose_their_imaginary_part_without_a_word(name: str, arguments: Any, expected: list[float]) -> None:
    """As in torch, which warns of it once."""
    assert TORCH[name](*arguments(TORCH["tensor"](1j))).tolist() == expected
