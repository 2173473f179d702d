"""Inputs and calls for the derivative of every differentiable op: float64, not row-major, away from kinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

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
        values = tcalc.rand(n, generator=self.generator, dtype=tcalc.float64)
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
    distinct = lambda: (tcalc.randperm(12, generator=s.generator).double().reshape(4, 3).t() / 7).detach().requires_grad_()  # noqa: E731
    table: dict[str, list[tuple[Callable[..., Any], list[Any]]]] = {
        "pow_scalar": [(lambda x, e=e: ops["pow_scalar"](x, e), [s(3, 4, domain="positive")]) for e in (2, 3, 0.5, -1.5, 0, 1)],
        "pow_base": [(lambda x: ops["pow_base"](2.5, x), [x34()]), (lambda x: ops["pow_base"](0.0, x), [s(3, 4, domain="positive")])],
        "pow_tensor": [
            (tcalc.pow, [s(3, 4, domain="positive"), s(4)]),
            (lambda x: tcalc.pow(x, at(0.0, 1.0, 2.5)), [at(0.0, 1.5, 2.0).requires_grad_()]),
            (lambda e: tcalc.pow(at(0.0, 0.0, 2.0, 1.0), e), [at(1.5, 0.5, -1.0, 3.0).requires_grad_()]),
        ],
        "div_number": [(lambda x: ops["div_number"](x, 3.0), [x34()])],
        "mul_number": [(lambda x: ops["mul_number"](x, 3.0), [x34()])],
        "add": [(tcalc.add, [x34(), s(4)]), (lambda a, b: tcalc.add(a, b, alpha=2), [x34(), s(4)])],
        "sub": [(tcalc.sub, [x34(), s(4)]), (lambda a, b: tcalc.sub(a, b, alpha=2), [x34(), s(4)])],
        "rsub_tensor": [(tcalc.rsub, [x34(), s(4)]), (lambda a, b: tcalc.rsub(a, b, alpha=2), [x34(), s(4)])],
        "addcmul": [(lambda a, b, c, v=v: tcalc.addcmul(a, b, c, value=v), [x34(), s(4), x34()]) for v in (1, 0.7)],
        "addcdiv": [(lambda a, b, c, v=v: tcalc.addcdiv(a, b, c, value=v), [x34(), s(4), s(3, 4, domain="positive")]) for v in (1, 0.7)],
        "softplus": [(lambda x: tcalc.nn.functional.softplus(x, 2.5, 0.4), [x34()])],
        "bessel_i1": [(ops["bessel_i1"], [x34()]), (ops["bessel_i1"], [at(0.0, 1.0, -2.0).requires_grad_()])],
        "rsub": [(lambda x, a=a: ops["rsub"](x, 3.0, a), [x34()]) for a in (1, 2)],
        "div_mode": [],
        "where": [(lambda a, b: tcalc.where(mask, a, b), [x34(), s(4)])],
        "clamp": [(lambda x: tcalc.clamp(x, -0.35, 0.45), [x34()]), (lambda x: tcalc.clamp(x, min=0.25), [x34()])],
        "clamp_min": [(lambda x: tcalc.clamp_min(x, 0.05), [x34()])],
        "clamp_max": [(lambda x: tcalc.clamp_max(x, 0.05), [x34()])],
        "masked_fill": [(lambda x: tcalc.masked_fill(x, mask, 2.0), [x34()])],
        "lerp": [(lambda a, b: tcalc.lerp(a, b, 0.3), [x34(), s(3, 1)])],
        "nan_to_num": [(lambda x: tcalc.nan_to_num(x), [x34()])],
        "polygamma_of": [(lambda x: ops["polygamma_of"](x, 2), [s(3, 4, domain="positive")])],
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
        "diagonal_copy": [(lambda x: tcalc.diag(x, -1), [x34()])],
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
        "embedding": [(lambda w: ops["embedding"](index, w), [x34()])],
        "embedding_backward": [(lambda g: ops["embedding_backward"](g, index, (3, 2), None), [s(2, 4, 2)])],
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
        "to_copy": [(lambda x: ops["to_copy"](x, tcalc.float64, None, None), [x34()])],
        "kthvalue": [(lambda x: tcalc.kthvalue(x, 2, 1), [distinct()])],
        "topk": [(lambda x: tcalc.topk(x, 2, 1), [distinct()])],
        "max_dim": [(lambda x: tcalc.max(x, 1), [distinct()])],
        "min_dim": [(lambda x: tcalc.min(x, 0, keepdim=True), [distinct()])],
        "median_dim": [(lambda x: tcalc.median(x, 1), [distinct()])],
    }
    named = {name: [(f"{name}[{i}]", f, xs) for i, (f, xs) in enumerate(cases)] for name, cases in table.items()}
    for name in ("max", "min", "amax", "amin", "median", "sort", "nansum", "var", "std"):
        named[name] = [(name, OPS[name].call, [distinct()])]
    return named


RANDOM_OR_FLAT = {
    "bernoulli": "its result does not move with its input",
    "poisson": "its result does not move with its input",
    "floor_divide": "torch has no derivative for it",
    "heaviside": "torch has no derivative for it",
}

# torch's formulas, which these are, divide 0 by 0 there when they are differentiated again
FIRST_ONLY = {"pow_tensor[1]", "pow_tensor[2]", "bessel_i1[1]"}


def cases() -> Iterator[Case]:
    """Every case: those of the table, and a plain call for the other ops by the number of their inputs."""
    table = _calls()
    samples = Samples(1)
    for name, op in OPS.items():
        if not op.differentiable or name in RANDOM_OR_FLAT or (op.family == "mutation" and name not in table):
            continue
        if name in table:
            yield from table[name]
            continue
        inputs = [samples(*(SHAPE if i != 1 else (4,)), domain=op.domain) for i in range(len(op.inputs))]
        yield name, op.call, inputs


ALL = list(cases())
