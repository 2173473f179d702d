"""Inputs and calls for the derivative of every differentiable op: float64, not row-major, away from kinks."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

from complex_cases import complex_calls
from gradient_cases_nn import network_calls

import tcalc
from tcalc.engine.random import Generator
from tcalc.engine.registry import OPS

SHAPE = (3, 4)


class Samples:
    """Random inputs, each with a layout that is not row-major: transposed memory."""

    def __init__(self, seed: int = 0):
        self.generator = Generator().manual_seed(seed)

    def __call__(self, *shape: int, domain: str | None = None) -> Any:
        n = 1
        for size in shape:
            n *= size
        values = tcalc.rand(n, generator=self.generator, dtype=tcalc.float64, device="cpu").to(tcalc.get_default_device())
        if domain in ("positive", "nonzero other", "probability"):
            values = values * 0.8 + (0.6 if domain != "probability" else 0.1)
        elif domain == "unit":
            values = values * 1.6 - 0.8
        elif domain == "above one":
            values = values + 1.2
        else:  # away from the kinks at whole numbers and 0
            values = (values * 0.8 + 0.1) * tcalc.tensor([1.0, -1.0], dtype=tcalc.float64).repeat(n)[:n]
        t = values.reshape(tuple(shape[::-1])).permute(tuple(range(len(shape)))[::-1])
        return t.detach().clone(memory_format=tcalc.preserve_format).requires_grad_()

    def distinct(self) -> Any:
        """Numbers of which no two are equal, (3, 4)."""
        order = tcalc.randperm(12, generator=self.generator, device="cpu").to(tcalc.get_default_device())
        return (order.double().reshape(4, 3).t() / 7).detach().requires_grad_()


Case = tuple[str, Callable[..., Any], list[Any]]


def _calls() -> dict[str, list[Case]]:
    s = Samples()
    index = tcalc.tensor([[0, 2, 1, 0], [2, 2, 0, 1]])
    rows = tcalc.tensor([2, 0, 2])
    mask = tcalc.tensor([[True, False, True, False]] * 3)
    classes = tcalc.tensor([1, 0, 3])
    ops = {name: op.call for name, op in OPS.items()}
    x34 = lambda: s(3, 4)  # noqa: E731 - short names keep the table readable
    at = lambda *values: tcalc.tensor(values, dtype=tcalc.float64)  # noqa: E731
    distinct = s.distinct
    definite = lambda x: x @ x.mT + tcalc.eye(3, dtype=tcalc.float64)  # noqa: E731
    table: dict[str, list[tuple[Callable[..., Any], list[Any]]]] = {
        "pow_scalar": [(lambda x, e=e: ops["pow_scalar"](x, e), [s(3, 4, domain="positive")]) for e in (2, 3, 0.5, -1.5, 0, 1)],
        "pow_base": [(lambda x: ops["pow_base"](2.5, x), [x34()]), (lambda x: ops["pow_base"](0.0, x), [s(3, 4, domain="positive")])],
        "pow_tensor": [
            (tcalc.pow, [s(3, 4, domain="positive"), s(4)]),
            (lambda x: tcalc.pow(x, at(0.0, 1.0, 2.5)), [at(0.0, 1.5, 2.0).requires_grad_()]),
            (lambda e: tcalc.pow(at(0.0, 0.0, 2.0, 1.0), e), [at(1.5, 0.5, -1.0, 3.0).requires_grad_()]),
        ],
        "aminmax": [(lambda x: tcalc.aminmax(x, dim=1), [distinct()]), (tcalc.aminmax, [distinct()])],
        "logcumsumexp": [(lambda x: tcalc.logcumsumexp(x, 1), [x34()])],
        "slice_scatter": [
            (lambda x, v: tcalc.slice_scatter(x, v, 1, 1, 4, 2), [x34(), s(3, 2)]),
            (lambda x, v: tcalc.slice_scatter(x, v, 1, None, -2), [x34(), s(3, 2)]),
        ],
        "linalg_det": [(lambda x: tcalc.linalg.det(x), [s(2, 3, 3)])],
        "cofactors": [(lambda x: ops["cofactors"](x), [s(3, 3)])],
        "linalg_slogdet": [(lambda x: tcalc.linalg.slogdet(x), [s(3, 3)])],
        "slogdet": [(lambda x: tcalc.slogdet(x), [s(3, 3)])],
        "linalg_inv_ex": [(lambda x: tcalc.linalg.inv_ex(x)[0], [s(2, 3, 3)])],
        "linalg_cholesky_ex": [(lambda x, u=u: tcalc.linalg.cholesky_ex(definite(x), upper=u)[0], [s(3, 3)]) for u in (False, True)],
        "cholesky": [(lambda x, u=u: tcalc.cholesky(definite(x), u), [s(3, 3)]) for u in (False, True)],
        "linalg_qr": [(lambda x, m=m: tcalc.linalg.qr(x, m), [s(*n)]) for m, n in (("reduced", (4, 3)), ("reduced", (2, 2, 4)), ("complete", (3, 3)), ("complete", (2, 4)))],
        "qr": [(lambda x: tcalc.qr(x), [s(4, 3)]), (lambda x: tcalc.qr(x, False), [s(2, 4)])],
        "linalg_eigh": [(lambda x: tcalc.linalg.eigh(definite(x)), [s(3, 3)])],
        "linalg_svd": [(lambda x: tcalc.linalg.svd(x, False), [s(*n)]) for n in ((3, 3), (2, 4, 3), (2, 2, 4))],
        "linalg_solve_ex": [
            (lambda a: tcalc.linalg.solve_ex(a, at(1.0, 2.0, 3.0))[0], [s(3, 3)]),
            (lambda a, b: tcalc.linalg.solve_ex(a, b)[0], [s(2, 3, 3), s(3, 2)]),
            (lambda a, b: tcalc.linalg.solve_ex(a, b)[0], [s(2, 3, 3), s(3)]),
            (lambda a, b: tcalc.linalg.solve_ex(a, b, left=False)[0], [s(3, 3), s(2, 2, 3)]),
        ],
        "linalg_solve_triangular": [
            (lambda a: tcalc.linalg.solve_triangular(a, at(1.0, 2.0, 3.0).reshape(3, 1), upper=True), [s(3, 3, domain="positive")]),
            *[
                (lambda a, b, k=k: tcalc.linalg.solve_triangular(a, b, **k), [s(3, 3, domain="positive"), s(2, 3, 3)])
                for k in ({"upper": True}, {"upper": False}, {"upper": True, "left": False}, {"upper": False, "unitriangular": True}, {"upper": True, "unitriangular": True})
            ],
        ],
        "triangular_solve": [
            (lambda b: tcalc.triangular_solve(b, at(1.0, 2.0, 3.0).diag()), [s(3, 2)]),
            *[
                (lambda b, a, k=k: tcalc.triangular_solve(b, a, *k), [s(3, 2), s(3, 3, domain="positive")])
                for k in ((True, False, False), (False, False, False), (True, True, False), (False, False, True), (True, False, True))
            ],
        ],
        "cholesky_solve": [
            (lambda b: tcalc.cholesky_solve(b, at(1.0, 2.0, 3.0).diag()), [s(3, 2)]),
            *[
                (lambda b, a, u=u: tcalc.cholesky_solve(b, tcalc.triu(a) if u else tcalc.tril(a), u), [s(3, 2), s(3, 3, domain="positive")])
                for u in (False, True)
            ],
        ],
        "cholesky_inverse": [(lambda a, u=u: tcalc.cholesky_inverse(tcalc.triu(a) if u else tcalc.tril(a), u), [s(3, 3, domain="positive")]) for u in (False, True)],
        "linalg_lu_factor_ex": [(lambda x: tcalc.linalg.lu_factor_ex(x)[0], [s(*n)]) for n in ((3, 3), (4, 2), (2, 4))],
        "linalg_lu": [(lambda x: tcalc.linalg.lu(x)[1:], [s(*n)]) for n in ((3, 3), (4, 2), (2, 2, 4))],
        "lu_unpack": [
            (lambda x: tcalc.lu_unpack(x, tcalc.tensor([[2, 2]] * 2, dtype=tcalc.int32))[1:], [s(2, *n)]) for n in ((2, 2), (4, 2), (2, 4))
        ],
        "linalg_lu_solve": [
            (lambda a, b, k=k, j=j: tcalc.linalg.lu_solve(a, tcalc.tensor([2, 3, 3], dtype=tcalc.int32), b, left=k, adjoint=j), [s(3, 3, domain="positive"), s(3, 3)])
            for k in (True, False) for j in (True, False)
        ],
        "linalg_pinv": [(lambda x: tcalc.linalg.pinv(x), [s(*n)]) for n in ((2, 4), (4, 3))],
        "linalg_lstsq": [
            (lambda a, b: tcalc.linalg.lstsq(a, b)[0], [s(2, 4, 3), s(2, 4, 2)]),
            (lambda a, b: tcalc.linalg.lstsq(a, b)[0], [s(2, 4), s(2, 2)]),
            (lambda a, b: tcalc.linalg.lstsq(a, b)[0], [s(2, 4, 3), s(2, 4)]),
            (lambda a, b: tcalc.linalg.lstsq(a, b, driver="gelsd")[:2], [s(2, 4, 2), s(2, 4, 1)]),
            (lambda a, b: tcalc.linalg.lstsq(a, b, driver="gelsd")[:2], [s(4, 2), s(4, 2)]),
            (lambda b: tcalc.linalg.lstsq(at(1.0, 2.0, 3.0).diag(), b)[0], [s(3, 2)]),
            (lambda a: tcalc.linalg.lstsq(a, at(1.0, 2.0, 3.0).reshape(3, 1))[0], [s(3, 2)]),
        ],
        "linalg_matrix_exp": [(lambda x: tcalc.linalg.matrix_exp(x), [s(3, 3)])],
        "addr": [(lambda c, a, b: tcalc.addr(c, a, b, beta=0.5, alpha=2), [s(3, 1), s(3), s(4)])],
        "addbmm": [(lambda c, a, b: tcalc.addbmm(c, a, b, beta=0.5, alpha=2), [s(3, 1), s(2, 3, 4), s(2, 4, 2)])],
        "vdot": [(lambda a, b: tcalc.vdot(a, b), [s(4), s(4)])],
        "linalg_cross": [(lambda a, b: tcalc.linalg.cross(a, b), [s(4, 3), s(1, 3)])],
        "cummax": [(lambda x: tcalc.cummax(x, 1), [distinct()])],
        "cummin": [(lambda x: tcalc.cummin(x, 0), [distinct()])],
        "rot90": [(lambda x, k=k: tcalc.rot90(x, k, (1, 0)), [x34()]) for k in (1, 2)],
        "select_scatter": [(lambda x, v: tcalc.select_scatter(x, v, 1, 2), [x34(), s(3)])],
        "diagonal_scatter": [(lambda x, v, o=o: tcalc.diagonal_scatter(x, v, o), [x34(), s(3 if o == 1 else 2)]) for o in (1, -1)],
        "block_diag": [(lambda a, b, c: tcalc.block_diag(a, b, c), [x34(), s(2), s(2, 1)])],
        "frexp": [(tcalc.frexp, [x34()])],
        "fmax": [(tcalc.fmax, [x34(), s(4)])],
        "fmin": [(tcalc.fmin, [x34(), s(4)])],
        "div_number": [(lambda x: ops["div_number"](x, 3.0), [x34()])],
        "mul_number": [(lambda x: ops["mul_number"](x, 3.0), [x34()])],
        "add": [(tcalc.add, [x34(), s(4)]), (lambda a, b: tcalc.add(a, b, alpha=2), [x34(), s(4)])],
        "sub": [(tcalc.sub, [x34(), s(4)]), (lambda a, b: tcalc.sub(a, b, alpha=2), [x34(), s(4)])],
        "rsub_tensor": [(tcalc.rsub, [x34(), s(4)]), (lambda a, b: tcalc.rsub(a, b, alpha=2), [x34(), s(4)])],
        "addcmul": [(lambda a, b, c, v=v: tcalc.addcmul(a, b, c, value=v), [x34(), s(4), x34()]) for v in (1, 0.7)],
        "addcdiv": [(lambda a, b, c, v=v: tcalc.addcdiv(a, b, c, value=v), [x34(), s(4), s(3, 4, domain="positive")]) for v in (1, 0.7)],
        "softplus": [(lambda x: tcalc.nn.functional.softplus(x, 2.5, 0.4), [x34()])],
        "nanmedian": [(tcalc.nanmedian, [distinct()])],
        "nanmedian_dim": [(lambda x: tcalc.nanmedian(x, 1), [distinct()])],
        "mode": [(lambda x: tcalc.mode(x, 1), [distinct()])],
        "dist": [(lambda a: tcalc.dist(a, at(0.3, 0.1, 0.2, 0.5)), [x34()]), *[(lambda a, b, p=p: tcalc.dist(a, b, p), [distinct() + 0.1, s(4)]) for p in (0, 1, 1.5, 2, 3, float("inf"))]],
        "rows_apart": [
            *[(lambda a, p=p: tcalc.cdist(a, at(0.3, 0.1, 0.2, 0.5).reshape(1, 4), p), [s(3, 4)]) for p in (2, 3)],
            *[(lambda a, b, p=p: tcalc.cdist(a, b, p), [s(2, 3, 4), s(2, 2, 4)]) for p in (0, 1, 1.5, 2, 3, float("inf"))],
        ],
        "euclidean_dist": [
            (lambda a: ops["euclidean_dist"](a, at(0.3, 0.1, 0.2, 0.5).reshape(1, 4)), [s(3, 4)]),
            (lambda a, b: ops["euclidean_dist"](a, b), [s(2, 3, 4), s(2, 2, 4)]),
        ],
        "pdist": [(lambda x, p=p: tcalc.nn.functional.pdist(x, p), [s(4, 3)]) for p in (1, 2, 3)],
        "renorm": [(lambda x, p=p: tcalc.renorm(x, p, 1, 1.0), [s(3, 4)]) for p in (1, 2, 3)],
        "var_mean": [(lambda x, k=k: tcalc.var_mean(x, **k), [x34()]) for k in ({}, {"dim": 1, "correction": 2}, {"dim": (0,), "keepdim": True})],
        "std_mean": [(lambda x, k=k: tcalc.std_mean(x, **k), [x34()]) for k in ({}, {"dim": 1, "correction": 2}, {"dim": (0,), "keepdim": True})],
        "linalg_householder_product": [
            (tcalc.linalg.householder_product, [s(4, 3), s(3)]),
            (tcalc.linalg.householder_product, [s(2, 4, 3), s(2, 2)]),
            (lambda v: tcalc.linalg.householder_product(v, at(0.7)), [s(3, 1)]),
        ],
        "ormqr": [
            *[
                (lambda v, t, c, k=k, j=j: tcalc.ormqr(v, t, c, k, j), [s(4, 3), s(3), s(4, 2) if k else s(2, 4)])
                for k in (True, False) for j in (True, False)
            ],
            (lambda v: tcalc.ormqr(v, at(0.7, 0.4), at(1.0, 2.0, 3.0).reshape(3, 1)), [s(3, 2)]),
            (lambda t: tcalc.ormqr(at(1.0, 2.0, 3.0).reshape(3, 1), t, at(1.0, 2.0, 3.0).reshape(3, 1)), [s(1)]),
            (lambda c: tcalc.ormqr(at(1.0, 2.0, 3.0).reshape(3, 1), at(0.7), c), [s(3, 1)]),
        ],
        "special_xlog1py": [
            (tcalc.special.xlog1py, [x34(), s(3, 4, domain="positive")]),
            (tcalc.special.xlog1py, [at(0.0, 0.0, 2.0).requires_grad_(), at(-0.5, 3.0, 2.0).requires_grad_()]),
        ],
        "special_i1": [(ops["special_i1"], [x34()]), (ops["special_i1"], [at(0.0, 1.0, -2.0).requires_grad_()])],
        "special_i1e": [(ops["special_i1e"], [x34()]), (ops["special_i1e"], [at(1.0, -2.0).requires_grad_()])],
        "mvlgamma": [(lambda x: tcalc.mvlgamma(x, 3), [s(3, 4, domain="above one")])],
        "igamma": [(lambda x: tcalc.igamma(at(0.7, 1.5, 2.0, 3.0), x), [s(3, 4, domain="positive")])],
        "igammac": [(lambda x: tcalc.igammac(at(0.7, 1.5, 2.0, 3.0), x), [s(3, 4, domain="positive")])],
        "special_zeta": [(lambda x: tcalc.special.zeta(at(2.0, 1.5, 4.0, 3.0), x), [s(3, 4, domain="positive")])],
        "rsub": [(lambda x, a=a: ops["rsub"](x, 3.0, a), [x34()]) for a in (1, 2)],
        "div_mode": [],
        "div_unrounded": [(lambda a, b: tcalc.div(a, b, rounding_mode=None), [x34(), s(4, domain="positive")])],
        "where": [(lambda a, b: tcalc.where(mask, a, b), [x34(), s(4)])],
        "clamp": [(lambda x: tcalc.clamp(x, -0.35, 0.45), [x34()]), (lambda x: tcalc.clamp(x, min=0.25), [x34()])],
        "clamp_min": [(lambda x: tcalc.clamp_min(x, 0.05), [x34()])],
        "clamp_max": [(lambda x: tcalc.clamp_max(x, 0.05), [x34()])],
        "masked_fill": [(lambda x: tcalc.masked_fill(x, mask, 2.0), [x34()])],
        "lerp": [(lambda a, b: tcalc.lerp(a, b, 0.3), [x34(), s(3, 1)])],
        "nan_to_num": [(lambda x: tcalc.nan_to_num(x), [x34()])],
        **{n: [(lambda x, n=n: ops[n](x, 2), [s(3, 4, domain="positive")])] for n in ("polygamma_of", "polygamma_here")},
        "logit": [(lambda x: tcalc.logit(x), [s(3, 4, domain="probability")]), (lambda x: tcalc.logit(x, 0.3), [s(3, 4, domain="probability")])],
        "prod": [(lambda x: tcalc.prod(x), [x34()])],
        "prod_dim": [(lambda x: tcalc.prod(x, 1), [x34()]), (lambda x: tcalc.prod(x, 0, keepdim=True), [x34()])],
        "logsumexp": [(lambda x: tcalc.logsumexp(x, 1), [x34()]), (lambda x: tcalc.logsumexp(x, (0, 1), keepdim=True), [x34()])],
        "vector_norm": [(lambda x, p=p: ops["vector_norm"](x, p, (1,)), [distinct() + 0.1]) for p in (1, 2, 3, float("inf"))],
        "cumsum": [(lambda x: tcalc.cumsum(x, 1), [x34()])],
        "cumprod": [(lambda x: tcalc.cumprod(x, 1), [x34()])],
        "view": [(lambda x: x.contiguous().view(2, 6), [x34()])],
        "permute": [(lambda x: tcalc.permute(x, (2, 0, 1)), [s(2, 3, 4)])],
        "transpose": [(lambda x: tcalc.transpose(x, 0, 2), [s(2, 3, 4)])],
        "scatter_reduce": [
            (lambda x, y, r=r, k=k: tcalc.scatter_reduce(x, 0, index, y, r, include_self=k), [distinct(), s(2, 4, domain="positive")])
            for r in ("sum", "prod", "mean", "amax", "amin")
            for k in (True, False)
        ]
        + [(lambda x, y: tcalc.scatter_reduce(x, 0, index[:1, :3], y, "mean", include_self=False), [x34(), x34()])]
        + [(lambda x, y: tcalc.scatter_reduce(x, 0, index[:1, :3], y, "amax"), [distinct(), s(3, 4, domain="positive")])]
        + [(lambda x: tcalc.scatter_reduce(at(2.0, 3.0), 0, tcalc.tensor([0, 0, 0, 1]), x, "prod"), [at(4.0, 0.0, 5.0, 0.5).requires_grad_()])],
        "index_reduce": [
            (lambda x, y, r=r, k=k: tcalc.index_reduce(x, 0, rows, y, r, include_self=k), [distinct(), s(3, 4, domain="positive")])
            for r in ("prod", "mean", "amax", "amin")
            for k in (True, False)
        ],
        "put": [
            (lambda x, y, k=k: tcalc.put(x, tcalc.tensor([[7, 2, -1]]), y, k), [x34(), s(1, 3)]) for k in (True, False)
        ],
        "masked_scatter": [(lambda x, y: tcalc.masked_scatter(x, mask, y), [x34(), s(3, 3)])],
        "masked_scatter_backward": [(lambda x: ops["masked_scatter_backward"](x, mask, (2, 4)), [x34()])],
        "fill_number": [(lambda x: tcalc.fill(x, 2.5), [x34()])],
        "fill_with": [(tcalc.fill, [x34(), s()])],
        "unsafe_split": [(lambda x: tcalc.unsafe_split(x, 3, 1), [x34()])],
        "unsafe_split_with_sizes": [(lambda x: tcalc.unsafe_split_with_sizes(x, (1, 3), 1), [x34()])],
        "alias_copy": [(tcalc.alias_copy, [x34()])],
        "as_strided_copy": [(lambda x: tcalc.as_strided_copy(x, (2, 3), (1, 2), 1), [x34()])],
        "diagonal_copy": [(lambda x: tcalc.diagonal_copy(x, 1), [x34()]), (lambda x: tcalc.diag(x, -1), [x34()])],
        "expand_copy": [(lambda x: tcalc.expand_copy(x, (2, 3, 4)), [s(3, 1)])],
        "narrow_copy": [(lambda x: tcalc.narrow_copy(x, 1, -3, 2), [x34()]), (lambda x: tcalc.narrow_copy(x, 0, 1, 2), [x34()])],
        "permute_copy": [(lambda x: tcalc.permute_copy(x, (2, 0, 1)), [s(2, 3, 4)])],
        "select_copy": [(lambda x: tcalc.select_copy(x, 1, 2), [x34()])],
        "slice_copy": [(lambda x: tcalc.slice_copy(x, 1, 1, 4, 2), [x34()])],
        "split_copy": [(lambda x: tcalc.split_copy(x, 3, 1), [x34()])],
        "split_with_sizes_copy": [(lambda x: tcalc.split_with_sizes_copy(x, (1, 3), 1), [x34()])],
        "squeeze_copy": [(tcalc.squeeze_copy, [s(1, 3, 1)])],
        "squeeze_dim_copy": [(lambda x: tcalc.squeeze_copy(x, 0), [s(1, 3, 1)])],
        "squeeze_dims_copy": [(lambda x: tcalc.squeeze_copy(x, (0, 2)), [s(1, 3, 1)])],
        "t_copy": [(tcalc.t_copy, [x34()])],
        "transpose_copy": [(lambda x: tcalc.transpose_copy(x, 0, 2), [s(2, 3, 4)])],
        "unbind_copy": [(lambda x: tcalc.unbind_copy(x, 1), [x34()])],
        "unfold_copy": [(lambda x: tcalc.unfold_copy(x, 1, 2, 1), [x34()])],
        "unsqueeze_copy": [(lambda x: tcalc.unsqueeze_copy(x, 1), [x34()])],
        "view_as_real_copy": [(lambda x, y: tcalc.view_as_real_copy(tcalc.complex(x, y)), [x34(), x34()])],
        "view_copy": [(lambda x: tcalc.view_copy(x, (2, 6)), [x34()])],
        "squeeze": [(lambda x: tcalc.squeeze(x), [s(3, 1, 4)])],
        "squeeze_dim": [(lambda x: tcalc.squeeze(x, 1), [s(3, 1, 4)])],
        "squeeze_dims": [(lambda x: tcalc.squeeze(x, (1, 2)), [s(3, 1, 1)])],
        "unsqueeze": [(lambda x: tcalc.unsqueeze(x, 1), [x34()])],
        "expand": [(lambda x: x.expand(2, 3, 4), [s(3, 1)])],
        "select": [(lambda x: tcalc.select(x, 1, 2), [x34()])],
        "slice": [(lambda x: ops["slice"](x, 1, 1, 4, 2), [x34()])],
        "unfold": [(lambda x: x.unfold(1, 3, 1), [x34()])],
        "as_strided": [(lambda x: tcalc.as_strided(x, (2, 3), (1, 2), 1), [x34()]), (lambda x: tcalc.as_strided(x, (3, 3), (1, 1)), [x34()])],
        "diagonal": [(lambda x: tcalc.diagonal(x, 1), [x34()])],
        "split": [(lambda x: tcalc.split(x, 3, 1), [x34()])],
        "split_sizes": [(lambda x: tcalc.split(x, [1, 3], 1), [x34()])],
        "unbind": [(lambda x: tcalc.unbind(x, 1), [x34()])],
        "unsafe_view": [(lambda x: ops["unsafe_view"](x.contiguous(), (12,)), [x34()])],
        "cat": [
            (lambda a, b: tcalc.cat([a, b, a], 1), [x34(), s(3, 2)]),
            (lambda a, b: tcalc.cat([a, b, a]), [x34(), s(0)]),  # torch lets an empty vector stand beside anything
            (lambda a, b, c: tcalc.cat([a, b, c]), [s(1), s(3), s(0)]),
            (lambda a, b: tcalc.cat([a, b]), [s(0, 4), s(2, 4)]),
        ],
        "stack": [(lambda a, b: tcalc.stack([a, b], 1), [x34(), x34()])],
        "flip": [(lambda x: tcalc.flip(x, (0, 1)), [x34()])],
        "roll": [(lambda x: tcalc.roll(x, (1, 2), (0, 1)), [x34()]), (lambda x: tcalc.roll(x, 3), [x34()])],
        "repeat": [(lambda x: x.repeat(2, 1, 3), [x34()])],
        "tril": [(lambda x: tcalc.tril(x, 1), [x34()])],
        "triu": [(lambda x: tcalc.triu(x), [x34()])],
        "diag_embed": [(lambda x: tcalc.diag_embed(x, 1), [x34()])],
        "sum_to": [(lambda x: ops["sum_to"](x, (3, 1)), [s(2, 3, 4)])],
        "select_backward": [(lambda g: ops["select_backward"](g, (3, 4), 1, 2), [s(3)])],
        "slice_backward": [(lambda g: ops["slice_backward"](g, (3, 6), 1, 1, 6, 2), [s(3, 3)])],
        "diagonal_backward": [(lambda g: ops["diagonal_backward"](g, (3, 4), 1, 0, 1), [s(3)])],
        "unfold_backward": [(lambda g: ops["unfold_backward"](g, (3, 4), 1, 3, 1), [s(3, 2, 3)])],
        "restride": [(lambda g: ops["restride"](g, (3, 4), (4, 1), (2, 2), (1, 3), -1), [s(2, 2)])],
        "as_strided_scatter": [(lambda a, b, o=o: tcalc.as_strided_scatter(a, b, (2, 2), (1, 4), o), [x34(), s(2, 2)]) for o in (1, None)],
        "xlogy": [(tcalc.xlogy, [x34(), s(3, 4, domain="positive")]), (tcalc.xlogy, [at(0.0, 0.0, 2.0).requires_grad_(), at(0.5, 3.0, 2.0).requires_grad_()])],
        "index": [(lambda x: x[rows, [0, 1, 3]], [x34()]), (lambda x: x[:, index], [x34()])],
        "index_backward": [(lambda g: ops["index_backward"](g, (3, 4), [rows]), [x34()])],
        "index_put": [
            (lambda x, v: tcalc.index_put(x, (tcalc.tensor([0, 2]),), v), [x34(), s(2, 4)]),
            (lambda x, v: tcalc.index_put(x, (rows,), v, accumulate=True), [x34(), s(4)]),
        ],
        "gather": [(lambda x: tcalc.gather(x, 0, index), [x34()])],
        "scatter_add_to": [(lambda v: ops["scatter_add_to"]((3, 4), 0, index, v), [s(2, 4)])],
        "scatter": [(lambda x, v: tcalc.scatter(x, 0, tcalc.tensor([[0, 2, 1, 0], [2, 1, 0, 1]]), v), [x34(), x34()])],
        "scatter_value": [(lambda x: tcalc.scatter(x, 0, index, 2.0), [x34()])],
        "scatter_add": [(lambda x, v: tcalc.scatter_add(x, 0, index, v), [x34(), x34()])],
        "index_select": [(lambda x: tcalc.index_select(x, 0, rows), [x34()])],
        "index_add_to": [(lambda v: ops["index_add_to"]((4, 4), 0, rows, v), [x34()])],
        "index_add": [(lambda x, v: tcalc.index_add(x, 0, rows, v, alpha=2), [x34(), x34()])],
        "index_fill": [(lambda x: tcalc.index_fill(x, 0, rows, 1.0), [x34()])],
        "index_copy": [(lambda x, v: tcalc.index_copy(x, 0, tcalc.tensor([2, 0]), v), [x34(), s(2, 4)])],
        "masked_pick": [(lambda x: tcalc.masked_select(x, mask), [x34()])],
        "round_decimals": [(lambda x: tcalc.round(x, decimals=1), [tcalc.tensor([[0.13, 0.58]], dtype=tcalc.float64, requires_grad=True)])],
        "masked_fill_tensor": [(lambda x, v: tcalc.masked_fill(x, mask, v), [x34(), s()])],
        "sum_dim": [(lambda x: tcalc.sum(x, 1), [x34()]), (lambda x: tcalc.sum(x, (0, 1), keepdim=True), [x34()])],
        "mean_dim": [(lambda x: tcalc.mean(x, 1), [x34()])],
        "reshape_alias": [(lambda x: ops["reshape_alias"](x.contiguous(), (2, 6)), [x34()])],
        "index_fill_tensor": [(lambda x, v: tcalc.index_fill(x, 0, rows, v), [x34(), s()])],
        "take": [(lambda x: tcalc.take(x, index), [x34()])],
        "sort_stable": [(lambda x: tcalc.sort(x, dim=1, stable=True), [distinct()])],
        "copy": [(lambda a, b: (a * 1).copy_(b), [x34(), s(4)])],
        "mm": [(lambda a, b: tcalc.mm(a, b), [x34(), s(4, 2)])],
        "bmm": [(lambda a, b: tcalc.bmm(a, b), [s(2, 3, 4), s(2, 4, 2)])],
        "mv": [(lambda a, b: tcalc.mv(a, b), [x34(), s(4)])],
        "dot": [(lambda a, b: tcalc.dot(a, b), [s(4), s(4)])],
        "addmm": [(lambda c, a, b, k=k: tcalc.addmm(c, a, b, beta=k, alpha=2), [s(2), x34(), s(4, 2)]) for k in (0.5, 2)],
        "addmv": [(lambda c, a, b: tcalc.addmv(c, a, b, beta=0.5, alpha=2), [s(3), x34(), s(4)])],
        "baddbmm": [(lambda c, a, b: tcalc.baddbmm(c, a, b, beta=0.5, alpha=2), [s(3, 1), s(2, 3, 4), s(2, 4, 2)])],
        "softmax": [(lambda x: tcalc.softmax(x, 1), [x34()]), (lambda x: tcalc.softmax(x, 0), [s()])],
        "log_softmax": [(lambda x: tcalc.log_softmax(x, 0), [x34()]), (lambda x: tcalc.log_softmax(x, 0), [s()])],
        "embedding_rows": [(lambda w: ops["embedding_rows"](index, w, None), [x34()])],
        "embedding_backward": [(lambda g, f=f: ops["embedding_backward"](g, index, (3, 2), None, f), [s(2, 4, 2)]) for f in (False, True)],
        "embedding_shares": [(lambda w, f=f: ops["embedding_shares"](w, index, 1, f), [x34()]) for f in (False, True)],
        "mse_loss": [(lambda a, b, r=r: ops["mse_loss"](a, b, reduction=r), [x34(), x34()]) for r in ("mean", "sum", "none")],
        "nll_loss_rows": [(lambda x, r=r: tcalc.nn.functional.nll_loss(x, classes, reduction=r), [x34()]) for r in ("mean", "sum", "none")],
        "nll_loss_images": [
            (lambda x, r=r: tcalc.nn.functional.nll_loss(x, tcalc.tensor([[1, 0], [2, -100], [0, 2]]), tcalc.tensor([1.0, 2.0, 3.0]).double(), reduction=r), [s(3, 4, 2)])
            for r in ("mean", "none")
        ],
        "nll_loss_backward": [(lambda g: ops["nll_loss_backward"](g, classes, None, (3, 4), "mean", -100), [s()])],
        "binary_cross_entropy": [
            (ops["binary_cross_entropy"], [s(3, 4, domain="probability"), s(3, 4, domain="probability")]),
            (lambda b: ops["binary_cross_entropy"](at(1e-60, 1.0, 0.3), b), [s(3, domain="probability")]),  # where the log is cut off at -100
        ],
        "binary_cross_entropy_with_logits": [
            (ops["binary_cross_entropy_with_logits"], [x34(), s(3, 4, domain="probability")]),
            (lambda a, b: ops["binary_cross_entropy_with_logits"](a, b, None, at(0.5, 1.0, 2.0, 3.0)), [x34(), s(3, 4, domain="probability")]),
        ],
        "elu": [(lambda x, a=a: ops["elu"](x, a), [x34()]) for a in (1.0, 2.5)],
        "celu": [(lambda x: ops["celu"](x, 2.5), [x34()])],
        "hardtanh": [(lambda x: ops["hardtanh"](x, -0.35, 0.45), [x34()])],
        "relu6": [(ops["relu6"], [at(-1.5, 0.5, 3.0, 5.5, 6.5, 8.0).requires_grad_()])],
        "hardsigmoid": [(ops["hardsigmoid"], [at(-4.5, -3.5, -2.5, 0.5, 2.5, 3.5).requires_grad_()])],
        "hardswish": [(ops["hardswish"], [at(-4.5, -3.5, -2.5, 0.5, 2.5, 3.5).requires_grad_()])],
        "hardshrink": [(lambda x: ops["hardshrink"](x, 0.3), [x34()])],
        "softshrink": [(lambda x: ops["softshrink"](x, 0.3), [x34()])],
        "threshold": [(lambda x: ops["threshold"](x, 0.05, 0.2), [x34()])],
        "glu": [(lambda x: ops["glu"](x, 1), [x34()]), (lambda x: ops["glu"](x, 0), [s(2, 3)])],
        "rrelu_with_noise": [(lambda x: ops["rrelu_with_noise"](at(0.3, 1.0, 0.2, 1.0), x), [x34()])],
        "norm_dim": [(lambda x, p=p: ops["norm_dim"](x, p, (1,)), [distinct() + 0.1]) for p in (1, 2, 3, float("inf"))],
        "layer_norm": [
            (lambda x, w, b: ops["layer_norm"](x, (3, 4), w, b, 0.3), [s(2, 3, 4), x34(), x34()]),
            (lambda x: ops["layer_norm"](x, (4,)), [x34()]),
            (lambda w: ops["layer_norm"](at(1.0, 2.0, 4.0), (3,), w), [s(3)]),
            (lambda b: ops["layer_norm"](at(1.0, 2.0, 4.0), (3,), None, b), [s(3)]),
        ],
        "group_norm": [
            (lambda x, w, b: ops["group_norm"](x, 2, w, b, 0.3), [s(2, 4, 3), s(4), s(4)]),
            (lambda x: ops["group_norm"](x, 2), [s(2, 4, 3)]),
            (lambda w: ops["group_norm"](at(1.0, 2.0, 4.0, 3.0).reshape(1, 4), 2, w), [s(4)]),
        ],
        "batch_norm_values": [
            (lambda x, w, b: ops["batch_norm_values"](x, w, b, None, None, True, 0.3), [s(3, 2, 4), s(2), s(2)]),
            (lambda w: ops["batch_norm_values"](at(1.0, 2.0, 4.0, 3.0).reshape(2, 2), w, None, None, None, True, 0.3), [s(2)]),
            (lambda x, w, b: ops["batch_norm_values"](x, w, b, at(0.5, -0.2), at(1.5, 0.7), False, 0.3), [s(3, 2, 4), s(2), s(2)]),
            (lambda x: ops["batch_norm_values"](x, None, None, at(0.5, -0.2), at(1.5, 0.7), False, 0.3), [s(3, 2)]),
        ],
        "convolution": [
            (lambda x, w, b: ops["convolution"](x, w, b, (2, 1), (1, 0), (1, 2), 2), [s(2, 4, 4, 5), s(2, 2, 3, 2), s(2)]),
            (lambda x, w: ops["convolution"](x, w, None, (1,), (1,), (1,), 1), [s(1, 2, 4), s(3, 2, 3)]),
        ],
        "conv_input": [(lambda y, w, b: ops["conv_input"](y, w, b, (5, 5), (2, 1), (1, 0), (1, 2), 2), [s(2, 2, 2, 3), s(2, 2, 3, 2), s(4)])],
        "conv_weight": [(lambda x, g: ops["conv_weight"](x, g, (3, 2), (2, 1), (1, 0), (1, 2), 2), [s(2, 4, 4, 5), s(2, 2, 2, 3)])],
        "constant_pad_nd": [(lambda x: ops["constant_pad_nd"](x, (1, 2, -1, 1), 0.5), [x34()])],
        "max_pool2d_with_indices": [(lambda x: ops["max_pool2d_with_indices"](x, (2, 2), (1, 1), (1, 1), (1, 1), True), [distinct().detach()[None].requires_grad_()])],
        "max_pool3d_with_indices": [
            (lambda x: ops["max_pool3d_with_indices"](x, (1, 2, 2), (1, 1, 1), (0, 1, 1), (1, 1, 1), False), [distinct().detach()[None, None].requires_grad_()])
        ],
        "adaptive_max_pool2d_with_indices": [(lambda x: ops["adaptive_max_pool2d_with_indices"](x, (2, 3)), [distinct().detach()[None].requires_grad_()])],
        **{
            name: [(lambda x, name=name: ops[name](x, (("average", 3, 2, 2, 2, 1, False, None), ("adaptive", 4, 3))), [s(2, 3, 4)])]
            for name in ("avg_pool_of", "avg_pool3d_of", "adaptive_avg_pool2d_of", "adaptive_avg_pool3d_of")
        },
        **network_calls(s),
        "smooth_l1": [(lambda a, b, r=r: ops["smooth_l1"](a, b, r, 0.7), [x34(), s(3, 1)]) for r in ("mean", "sum", "none")],
        "huber_loss": [(lambda a, b, r=r: ops["huber_loss"](a, b, reduction=r, delta=0.7), [x34(), s(3, 1)]) for r in ("mean", "sum", "none")],
        "soft_margin_loss": [(lambda a, r=r: ops["soft_margin_loss"](a, at(1.0, -1.0, 1.0, -1.0), reduction=r), [x34()]) for r in ("mean", "sum", "none")],
        "to_copy": [(lambda x: ops["to_copy"](x, tcalc.float64, None, None), [x34()])],
        "kthvalue": [(lambda x: tcalc.kthvalue(x, 2, 1), [distinct()])],
        "topk": [(lambda x: tcalc.topk(x, 2, 1), [distinct()])],
        "max_dim": [(lambda x: tcalc.max(x, 1), [distinct()])],
        "min_dim": [(lambda x: tcalc.min(x, 0, keepdim=True), [distinct()])],
        "median_dim": [(lambda x: tcalc.median(x, 1), [distinct()])],
    }
    for name, more in complex_calls(s).items():
        table[name] = [*table.get(name, []), *more]
    named = {name: [(f"{name}[{i}]", f, xs) for i, (f, xs) in enumerate(cases)] for name, cases in table.items()}
    for name in ("max", "min", "amax", "amin", "median", "sort", "nansum", "var", "std"):
        named[name] = [(name, OPS[name].call, [distinct()])]
    return named


RANDOM_OR_FLAT = {
    **dict.fromkeys("bernoulli poisson normal_tensors normal_mean normal_std".split(), "its result does not move with its input"),
    **dict.fromkeys("floor_divide scatter_by scatter_value_by heaviside geqrf ctc_backward".split(), "torch has no derivative for it"),
    **dict.fromkeys("unique_elements unique_slices unique_runs weighed_counts".split(), "torch has no derivative for it"),
    **dict.fromkeys("histogram histogram_edges histogramdd_hist histogramdd_edges".split(), "torch has no derivative for it"),
    **dict.fromkeys("linalg_ldl_factor_ex linalg_ldl_solve".split(), "torch has no derivative for it"),
}

# torch's formulas, which these are, divide 0 by 0 there when they are differentiated again
FIRST_ONLY = {"ctc_losses[0]", "pow_tensor[1]", "pow_tensor[2]"}


def cases() -> Iterator[Case]:
    """Every case: those of the table, and a plain call for the other ops by the number of their inputs."""
    table = _calls()
    for name, op in OPS.items():
        if not op.differentiable or name in RANDOM_OR_FLAT or (op.family == "mutation" and name not in table):
            continue
        if name in table:
            yield from table[name]
            continue
        samples = Samples(zlib.crc32(name.encode()))  # its own, whatever other ops there are
        inputs = [samples(*(SHAPE if i != 1 else (4,)), domain=op.domain) for i in range(len(op.inputs))]
        yield name, op.call, inputs


ALL = list(cases())
