"""Recorded answers that tcalc does not give, each with its reason; the test fails when one agrees."""

CALLS = {
    "as_strided_scatter": "torch's gradient of self keeps the slots that were written and drops the others",
    "kthvalue": "the place among equal values comes from torch's quickselect",
    "linalg_eigh": "the signs of eigenvectors are LAPACK's own choice",
    "logcumsumexp": "float32: logs of sums that cancel, in another order of addition",
    "pad": "reflect, replicate and circular pick their elements by index_select, whose node they show",
}
PROGRAMS = {
    "add(1, 2)": "a sum of two numbers is no tensor here",
    "add(ones(2))": "torch lists the one signature in a sentence of its own",
    "add(ones(2), 1, 2)": "the deprecated add(x, alpha, y)",
    "arange(0, 3, 1.5, dtype=int64)": "start, end and step are not cut to dtype= before the count",
    "~tensor([1.5])": "the operator has a TypeError of its own in torch",
    "x = arange(4.); x.view('a')": "torch lists view(dtype) as an overload",
}
