"""The live sweep: every public name against real torch, aspect by aspect; known disagreements stand in xfail.txt, which only shrinks."""

from __future__ import annotations

import random
import warnings
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import geometry
    import opdb
    import program_texts
    import programs
    import torch

from sweep import Report

from tcalc.engine import namespace  # noqa: F401 - declares every op
from tcalc.engine.registry import OPS, PUBLIC

XFAIL = Path(__file__).with_name("xfail.txt")
INTERNAL = "runs inside other ops or inside formulas only: no name of its own in torch's namespaces"
INSIDE = {
    "unsafe_view": INTERNAL, "reshape_alias": INTERNAL, "sum_to": INTERNAL, "select_backward": INTERNAL, "slice_backward": INTERNAL,
    "diagonal_backward": INTERNAL, "unfold_backward": INTERNAL, "restride": INTERNAL, "index": INTERNAL, "index_backward": INTERNAL,
    "zeros_of": INTERNAL, "scatter_add_to": INTERNAL, "index_add_to": INTERNAL, "masked_pick": INTERNAL, "embedding_backward": INTERNAL,
    "prelu_kernel": INTERNAL, "rrelu_with_noise": INTERNAL, "norm_dim": INTERNAL, "batch_norm_values": INTERNAL, "smooth_l1": INTERNAL,
    "convolution": INTERNAL, "conv_input": INTERNAL, "conv_weight": INTERNAL,
    "max_pool2d_with_indices": INTERNAL, "max_pool3d_with_indices": INTERNAL, "adaptive_max_pool2d_with_indices": INTERNAL, "avg_pool_of": INTERNAL,
    "avg_pool3d_of": INTERNAL, "adaptive_avg_pool2d_of": INTERNAL, "nll_loss_backward": INTERNAL, "nll_loss_rows": INTERNAL,
    "nll_loss_images": INTERNAL, "rows_apart": INTERNAL, "euclidean_dist": INTERNAL, "div_number": INTERNAL, "mul_number": INTERNAL, "one_hot_of": INTERNAL, "cofactors": INTERNAL,
    "conj_view": INTERNAL, "neg_view": INTERNAL, "mH": INTERNAL, "free_of_phases": INTERNAL, "fft_c2c": INTERNAL, "fft_r2c": INTERNAL, "fft_c2r": INTERNAL,
    "safe_softmax": INTERNAL, "attention_of_heads": INTERNAL, "embedding_rows": INTERNAL, "embedding_shares": INTERNAL,
    "multi_margin": INTERNAL, "label_pairs": INTERNAL, "resampled": INTERNAL, "adaptive_max_pool3d_with_indices": INTERNAL,
    "fractional_maxima2d": INTERNAL, "fractional_maxima3d": INTERNAL, "unpooled2d": INTERNAL, "unpooled3d": INTERNAL, "im2col": INTERNAL,
    "col2im": INTERNAL, "adaptive_avg_pool3d_of": INTERNAL, "upsample_nearest1d": INTERNAL, "upsample_nearest2d": INTERNAL,
    "upsample_nearest3d": INTERNAL, "upsample_nearest_exact1d": INTERNAL, "upsample_nearest_exact2d": INTERNAL,
    "upsample_nearest_exact3d": INTERNAL, "upsample_linear1d": INTERNAL, "upsample_bilinear2d": INTERNAL, "upsample_trilinear3d": INTERNAL,
    "upsample_bicubic2d": INTERNAL, "upsample_bilinear2d_aa": INTERNAL, "upsample_bicubic2d_aa": INTERNAL,
    "upsample_lanczos2d_aa": INTERNAL, "grid_weights": INTERNAL, "grid_places": INTERNAL, "grid_sums": INTERNAL, "grid_spread": INTERNAL,
    "grid_products": INTERNAL, "affine_grid_backward": INTERNAL, "ctc_losses": INTERNAL, "ctc_backward": INTERNAL, "bag_sums": INTERNAL,
    "bag_winners": INTERNAL, "bag_maxima": INTERNAL, "masked_scatter_backward": INTERNAL,
    "weighed_counts": INTERNAL, "unique_elements": INTERNAL, "unique_slices": INTERNAL, "unique_runs": INTERNAL, "histogramdd_hist": INTERNAL,
    "histogramdd_edges": INTERNAL,
}  # fmt: skip


@cache
def expected_failures() -> dict[str, dict[str, str]]:
    """xfail.txt: name -> aspect -> reason. A reason that begins with (full) is seen with --full only."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for line in XFAIL.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, aspect, reason = line.split(None, 2)
            found[name][aspect.replace("-", " ").replace("in place", "in-place")] = reason
    return found


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """torch on one core, so that the sweep leaves room for others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def settle(name: str, report: Report, full: bool) -> None:
    """Hold a report against xfail.txt: nothing unlisted may fail, nothing listed may pass."""
    listed = expected_failures().get(name, {})
    new = {aspect: texts for aspect, texts in report.disagreed.items() if aspect not in listed}
    text = "\n".join(f"{name} {aspect} ({len(t)} of {len(t) + report.agreed[aspect]}): {t[0]}" for aspect, t in new.items())
    assert not new, text
    stale = [a for a, reason in listed.items() if a not in report.disagreed and (full or not reason.startswith("(full)"))]
    assert not stale, f"{name}: {', '.join(stale)} agrees with torch now: take it out of xfail.txt"


@pytest.mark.parametrize("name", opdb.other_names())
def test_samples_of_what_is_no_op(name: str, pytestconfig: pytest.Config) -> None:
    """Operators called by name, casts, attributes and plain functions."""
    settle(name, opdb.sweep_other(name), pytestconfig.getoption("--full"))


@pytest.mark.parametrize("name", opdb.swept_names())
def test_samples_of_torch(name: str, full: bool) -> None:
    """torch's own samples: values, dtypes, strides, aliasing, graphs, gradients, in-place, out=, errors."""
    settle(name, opdb.sweep(name, full), full)


@pytest.mark.parametrize("name", sorted(program_texts.covered()))
def test_programs(name: str, full: bool) -> None:
    """Small programs for creation, random numbers, indexing, writes, views and errors."""
    report = Report()
    for covered, text in program_texts.programs():
        if covered == name:
            programs.run_program(report, text)
    settle(f"program:{name}", report, full)


@pytest.mark.parametrize("name", sorted(geometry.CASES))
def test_random_geometry(name: str, full: bool) -> None:
    """Random shapes and strides through one kind of op."""
    report = Report()
    numbers = random.Random(f"geometry {name}")
    for _ in range(1500 if full else 150):
        geometry.CASES[name](report, numbers)
    settle(f"geometry:{name}", report, full)


def test_every_name_is_covered() -> None:
    """Each registered op is swept, stands in a program, or is internal with a stated reason."""
    swept = set(opdb.swept_names()) | program_texts.covered()
    public = {name for name, record in PUBLIC.items() if name in swept}
    missing = [name for name in PUBLIC if name not in public and PUBLIC[name].name not in public and name not in INSIDE]
    assert not missing
    assert not [name for name in INSIDE if name not in OPS], "a reason for an op that is not there"


def test_expected_failures_name_something() -> None:
    """Every line of xfail.txt belongs to a test and gives a reason."""
    names = {*opdb.swept_names(), *opdb.other_names()} | {f"program:{n}" for n in program_texts.covered()} | {f"geometry:{n}" for n in geometry.CASES}
    assert not [name for name in expected_failures() if name not in names]
