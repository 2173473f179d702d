"""Calls with complex numbers for the derivatives that say conj themselves; gradcheck sees both parts of every number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tcalc
from tcalc.engine.registry import OPS

Calls = dict[str, list[tuple[Callable[..., Any], list[Any]]]]


def complex_calls(s: Any) -> Calls:
    """By op: functions and complex inputs; `s(*shape)` gives random float64 leaves."""
    ops = {name: op.call for name, op in OPS.items()}

    def z(*shape: int) -> Any:
        return tcalc.complex(s(*shape).detach(), s(*shape).detach()).requires_grad_()

    def definite(x: Any) -> Any:
        return x @ x.mH + tcalc.eye(3, dtype=tcalc.float64)

    def settled(vectors: Any) -> Any:
        """What of vectors no phase can turn: their outer products."""
        return vectors.unsqueeze(-2) * vectors.unsqueeze(-3).conj()

    def parts(values: Any, *vectors: Any) -> Any:
        return (values, *map(settled, vectors))

    fixed = [z(3, 3).detach(), z(3).detach(), z(3, 3).detach()]
    return {
        "complex": [(tcalc.complex, [s(3, 4), s(4)])],
        "polar": [(tcalc.polar, [s(3, 4, domain="positive"), s(4)])],
        "view_as_real": [(tcalc.view_as_real, [z(3, 4)])],
        "view_as_complex": [(lambda x: tcalc.view_as_complex(x.contiguous()), [s(3, 4, 2)])],
        "conj_view": [(tcalc.conj, [z(3, 4)]), (lambda x: (x.conj() * x).conj() * x, [z(3)])],
        "neg_view": [(lambda x: x.conj().imag * x.real, [z(3, 4)]), (lambda x: ops["neg_view"](x), [s(3)])],
        "conjugate": [(tcalc.conj_physical, [z(3, 4)])],
        "angle": [(tcalc.angle, [z(3, 4)])],
        "sgn": [(tcalc.sgn, [z(3, 4)])],
        "abs": [(tcalc.abs, [s(3, 4)]), (tcalc.abs, [z(3, 4)])],
        "vdot": [(tcalc.vdot, [s(4), s(4)]), (tcalc.vdot, [z(4), z(4)])],
        "vector_norm": [(lambda x, p=p: tcalc.linalg.vector_norm(x, p), [z(3, 4)]) for p in (1, 2, 3)],
        "logcumsumexp": [(lambda x: tcalc.logcumsumexp(x, 1), [z(2, 3)])],
        "pow_base": [(lambda x: tcalc.pow(1.5 + 0.5j, x), [z(3)])],
        "cofactors": [(lambda x: ops["cofactors"](x), [z(3, 3)])],
        "linalg_slogdet": [(tcalc.linalg.slogdet, [z(3, 3)])],
        "slogdet": [(tcalc.slogdet, [z(3, 3)])],
        "linalg_cholesky_ex": [(lambda x, u=u: tcalc.linalg.cholesky_ex(definite(x), upper=u)[0], [z(3, 3)]) for u in (False, True)],
        "linalg_qr": [(lambda x: tcalc.linalg.qr(x), [z(*n)]) for n in ((4, 3), (2, 4))],
        "linalg_eigh": [(lambda x: parts(*tcalc.linalg.eigh(definite(x))), [z(3, 3)])],
        "linalg_svd": [(lambda x: _svd_parts(x), [z(*n)]) for n in ((3, 3), (4, 3), (2, 4))],
        "linalg_eig": [(lambda x: parts(*tcalc.linalg.eig(x)), [z(3, 3)]), (lambda x: parts(*tcalc.linalg.eig(x)), [s(3, 3)])],
        "cholesky_solve": [
            (lambda b, a, u=u: tcalc.cholesky_solve(b, tcalc.triu(a) if u else tcalc.tril(a), u), [z(3, 2), z(3, 3)]) for u in (False, True)
        ],
        "cholesky_inverse": [
            (lambda a, u=u: tcalc.cholesky_inverse(tcalc.triu(a) if u else tcalc.tril(a), u), [z(3, 3)]) for u in (False, True)
        ],
        "linalg_lu_solve": [
            (
                lambda a, b, k=k, j=j: tcalc.linalg.lu_solve(a, tcalc.tensor([2, 3, 3], dtype=tcalc.int32), b, left=k, adjoint=j),
                [z(3, 3), z(3, 3)],
            )
            for k in (True, False)
            for j in (True, False)
        ],
        "linalg_pinv": [(tcalc.linalg.pinv, [z(*n)]) for n in ((3, 3), (4, 2), (2, 4))],
        "linalg_lstsq": [(lambda a, b: tcalc.linalg.lstsq(a, b, driver="gelsd")[:2], [z(4, 2), z(4, 2)])],
        "linalg_householder_product": [(tcalc.linalg.householder_product, [z(*n), z(k)]) for n, k in (((4, 3), 2), ((3, 1), 1))],
        "ormqr": [
            (lambda a, t, c, m=m, k=k: tcalc.ormqr(a, t, c, m, k), [z(3, 3), z(3), z(3, 3)]) for m in (True, False) for k in (True, False)
        ]
        + [(tcalc.ormqr, [z(3, 1), z(1), z(3, 2)])]
        + [(lambda x, i=i: tcalc.ormqr(*fixed[:i], x, *fixed[i + 1 :]), [fixed[i].clone().requires_grad_()]) for i in range(3)],
        "var_mean": [(tcalc.var_mean, [z(3, 4)])],
        "std_mean": [(tcalc.std_mean, [z(3, 4)])],
        "dist": [(lambda a, b, p=p: tcalc.dist(a, b, p), [z(3, 4), z(4)]) for p in (1, 2, 3)],
        "renorm": [(lambda x: tcalc.renorm(x, 2, 0, 0.5), [z(3, 4)])],
        "fft_c2c": [(lambda x, k=k: ops["fft_c2c"](x, (0, 1), k, k != 1), [z(3, 4)]) for k in (0, 1, 2)],
        "fft_r2c": [
            *[(lambda x, k=k: ops["fft_r2c"](x, (0, 1), k, True), [s(3, 4)]) for k in (0, 1, 2)],
            (lambda x: ops["fft_r2c"](x, (0,), 0, True), [s(5, 2)]),
            (lambda x: ops["fft_r2c"](x, (1, 0), 0, False), [s(3, 4)]),
        ],
        "fft_c2r": [(lambda x, k=k: ops["fft_c2r"](x, (0, 1), k, 4 + k % 2), [z(3, 3)]) for k in (0, 1, 2)]
        + [(lambda x: ops["fft_c2r"](x, (0,), 0, 1), [z(1, 2)])],
    }


def _svd_parts(x: Any) -> Any:
    """Singular values, and of the vectors what no phase that U and V share can turn."""
    u, values, vh = tcalc.linalg.svd(x, False)
    return values, u.unsqueeze(-2) * vh.mT.unsqueeze(-3), u.unsqueeze(-2) * u.unsqueeze(-3).conj()
