"""Cases of gradient_cases.py for networks: attention, images of other sizes, patches, grids, pools, losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tcalc
from tcalc.engine.registry import OPS


def network_calls(s: Any) -> dict[str, list[tuple[Callable[..., Any], list[Any]]]]:
    """Calls and inputs by op, the inputs drawn by `s`."""
    rows = tcalc.tensor([2, 0, 2])
    places = tcalc.tensor([[[0, 3, 1], [2, 2, 0]]])
    mask = tcalc.tensor([[True, False, True, False]] * 3)
    fixed = s(1, 1, 3, 2).detach()
    ops = {name: op.call for name, op in OPS.items()}
    x34 = lambda: s(3, 4)  # noqa: E731 - short names keep the table readable
    at = lambda *values: tcalc.tensor(values, dtype=tcalc.float64)  # noqa: E731
    distinct = s.distinct
    return {
        "safe_softmax": [(lambda x: ops["safe_softmax"](tcalc.where(mask, x, -float("inf"))), [s(2, 3, 4)])],
        "attention_of_heads": [
            (
                lambda q, k, v: ops["attention_of_heads"](q, k, v, tcalc.where(mask[:2, :3], 0.0, -1.5), 0.7),
                [s(1, 2, 2, 4), s(1, 2, 3, 4), s(1, 2, 3, 4)],
            ),
            (lambda q, k, v: ops["attention_of_heads"](q, k, v, None, 0.7), [s(2, 2, 4), s(2, 3, 4), s(2, 3, 4)]),
            (lambda k: ops["attention_of_heads"](fixed, k, fixed[..., :2, :] + 1, None, 0.7), [s(1, 1, 2, 2)]),
            (lambda q: ops["attention_of_heads"](q, fixed, fixed + 1, None, 0.7), [s(1, 1, 3, 2)]),
        ],
        **{
            name: [(lambda x, name=name, ways=ways: ops[name](x, ways), [s(1, 2, *[way[1] for way in ways])])]
            for name, ways in {
                "upsample_nearest1d": (("nearest", 3, 5, False, None, False),),
                "upsample_nearest2d": (("nearest", 3, 6, False, None, True), ("nearest", 3, 2, False, 0.7, True)),
                "upsample_nearest3d": (("nearest", 2, 3, False, None, False),) * 3,
                "upsample_nearest_exact1d": (("nearest", 3, 5, True, None, False),),
                "upsample_nearest_exact2d": (("nearest", 3, 5, True, None, True), ("nearest", 3, 2, True, None, True)),
                "upsample_nearest_exact3d": (("nearest", 2, 3, True, None, False),) * 3,
                "upsample_linear1d": (("linear", 3, 5, True, None, np.float64),),
                "upsample_bilinear2d": (("linear", 3, 5, False, 1.7, np.float64), ("linear", 3, 2, True, None, np.float64)),
                "upsample_trilinear3d": (("linear", 2, 3, False, None, np.float64),) * 3,
                "upsample_bicubic2d": (("cubic", 3, 5, False, 1.7, np.float64), ("cubic", 3, 2, True, None, np.float64)),
                "upsample_bilinear2d_aa": (
                    ("smooth", 5, 2, False, None, np.float64, "linear"),
                    ("smooth", 3, 4, True, None, np.float64, "linear"),
                ),
                "upsample_bicubic2d_aa": (
                    ("smooth", 5, 2, False, None, np.float64, "cubic"),
                    ("smooth", 3, 4, True, None, np.float64, "cubic"),
                ),
                "upsample_lanczos2d_aa": (
                    ("smooth", 5, 2, False, None, np.float64, "lanczos"),
                    ("smooth", 3, 4, False, None, np.float64, "lanczos"),
                ),
            }.items()
        },
        "resampled": [
            (lambda x, b=b, n=n: ops["resampled"](x, (("linear", 4, 3, False, None, np.float64),), b), [s(2, n)])
            for b, n in ((False, 4), (True, 3))
        ],
        "im2col": [(lambda x, n=n: ops["im2col"](x, (2, 2), (1, 2), (1, 0), (1, 2)), [s(*n)]) for n in ((2, 3, 4, 5), (3, 4, 5))],
        "col2im": [(lambda x: ops["col2im"](x, (3, 4), (2, 2), (1, 2), (1, 0), (2, 1)), [s(4, 4)])],
        "pixel_shuffle": [(lambda x: tcalc.pixel_shuffle(x, 2), [s(1, 8, 2, 3)])],
        "pixel_unshuffle": [(lambda x: tcalc.pixel_unshuffle(x, 2), [s(1, 2, 4, 2)])],
        "channel_shuffle": [(lambda x, n=n: tcalc.channel_shuffle(x, n), [s(1, 6, 2)]) for n in (3, 6)],
        "grid_weights": [
            (
                lambda g, m=m: ops["grid_weights"](g, (3, 4), m, 0, False, (1, 0)),
                [at(0.13, -0.31, 0.52, 0.27).reshape(1, 1, 2, 2).requires_grad_()],
            )
            for m in (0, 2)
        ],
        "grid_sums": [(lambda x, w: ops["grid_sums"](x, w, places, (3,)), [s(1, 2, 4), s(1, 2, 3)])],
        "grid_spread": [(lambda p, w: ops["grid_spread"](p, w, places, (4,)), [s(1, 2, 3), s(1, 2, 3)])],
        "grid_products": [(lambda x, p: ops["grid_products"](x, p, places), [s(1, 2, 4), s(1, 2, 3)])],
        "grid_sampler_2d": [
            (
                lambda x, g, m=m, p=p, a=a: tcalc.grid_sampler_2d(x, g, m, p, a),
                [s(1, 2, 3, 4), at(0.13, -0.31, 0.52, 1.27, -1.41, 0.11).reshape(1, 1, 3, 2).requires_grad_()],
            )
            for m in (0, 1, 2)
            for p in (0, 1, 2)
            for a in (False, True)
        ],
        "grid_sampler_3d": [
            (
                lambda x, g, p=p: tcalc.grid_sampler_3d(x, g, 0, p, False),
                [s(1, 2, 3, 2, 3), at(0.13, -0.31, 0.52, 1.27, -0.41, 0.11).reshape(1, 1, 1, 2, 3).requires_grad_()],
            )
            for p in (0, 2)
        ],
        "affine_grid_generator": [
            (lambda t, n=n, a=a: tcalc.affine_grid_generator(t, n, a), [s(1, len(n) - 2, len(n) - 1)])
            for n in ((1, 1, 2, 3), (1, 1, 2, 1, 3))
            for a in (False, True)
        ],
        "affine_grid_backward": [(lambda g: ops["affine_grid_backward"](g, (1, 1, 2, 3), True), [s(1, 2, 3, 2)])],
        "fractional_maxima2d": [
            (
                lambda x: ops["fractional_maxima2d"](x, at(0.3, 0.6).reshape(1, 1, 2), (2, 2), (2, 3)),
                [distinct().detach()[None].requires_grad_()],
            )
        ],
        "fractional_maxima3d": [
            (
                lambda x: ops["fractional_maxima3d"](x, at(0.3, 0.6, 0.2).reshape(1, 1, 3), (1, 2, 2), (1, 1, 2)),
                [distinct().detach()[None, None].expand(1, 2, 3, 4).clone().requires_grad_()],
            )
        ],
        "adaptive_max_pool3d_with_indices": [
            (lambda x: ops["adaptive_max_pool3d_with_indices"](x, (1, 2, 3)), [distinct().detach()[None, None].requires_grad_()])
        ],
        "unpooled2d": [(lambda x: ops["unpooled2d"](x, tcalc.tensor([[[1, 3], [8, 6]]]), (3, 3)), [s(1, 2, 2)])],
        "unpooled3d": [(lambda x: ops["unpooled3d"](x, tcalc.tensor([[[[1, 3]]]]), (1, 2, 3)), [s(1, 1, 1, 2)])],
        "multi_margin": [
            (lambda x, r=r, p=p, w=w: ops["multi_margin"](x, tcalc.tensor([1, 0, 3]), w, p, 0.7, r), [x34()])
            for r in ("mean", "sum", "none")
            for p, w in ((1, None), (2, at(0.5, 1.0, 2.0, 3.0)))
        ],
        "multilabel_margin_loss": [
            (
                lambda x, r=r: ops["multilabel_margin_loss"](x, tcalc.tensor([[0, 2, -1, 0], [3, -1, 1, 1], [-1, 0, 0, 0]]), reduction=r),
                [x34()],
            )
            for r in ("mean", "sum", "none")
        ],
        "ctc_losses": [
            (lambda x: ops["ctc_losses"](tcalc.log_softmax(x, 2), tcalc.tensor([[1, 1], [2, 0]]), (4, 3), (2, 1), 0), [s(4, 2, 3)])
        ],
        "bag_sums": [
            (lambda w, p: ops["bag_sums"](w, p, rows, tcalc.tensor([0, 1, 1]), at(0.5, 1.0, 2.0), None, 2), [x34(), s(3)]),
            (lambda w: ops["bag_sums"](w, None, rows, tcalc.tensor([0, 1, 1]), at(0.5, 1.0, 2.0), None, 2), [x34()]),
        ],
        "bag_maxima": [(lambda w: ops["bag_maxima"](w, tcalc.tensor([0, 2, 1]), tcalc.tensor([0, 1, 1]), 3), [distinct()])],
    }
