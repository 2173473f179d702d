"""Recorded answers that tcalc does not give, each with its reason; the test fails when one agrees."""

CALLS = {
    "as_strided_scatter": "torch's gradient of self keeps the slots that were written and drops the others",
    "linalg_eigh": "the signs of eigenvectors are LAPACK's own choice",
    "native_group_norm": "torch marks two outputs that have no derivative",
    **dict.fromkeys(("special_bessel_j0", "special_bessel_j1", "special_bessel_y1"), "torch's rational approximation is off by up to 9e-7 beyond 5"),
    "logcumsumexp": "float32: logs of sums that cancel, in another order of addition",
    "pad": "reflect, replicate and circular pick their elements by index_select, whose node they show",
}
PROGRAMS = {
    "add(1, 2)": "a sum of two numbers is no tensor here",
    "add(ones(2))": "torch lists the one signature in a sentence of its own",
    "add(ones(2), 1, 2)": "the deprecated add(x, alpha, y)",
    "arange(0, 3, 1.5, dtype=int64)": "start, end and step are not cut to dtype= before the count",
    "x = arange(4.); x.view(2, 2.5)": "torch names the kinds of what was given and lists its overloads",
    "t = tensor([[[1., 0.5, 0.2], [-0.3, 2., 0.1]]], requires_grad=True); nn.functional.affine_grid(t, (1, 1, 3, 4), align_corners=True)": "the last bit of a number near 0",
    "2j ** tensor([1., 2.])": "torch rounds the logarithm of 2j in complex64 first",
    "~tensor([1.5])": "the operator has a TypeError of its own in torch",
}
