"""Images of another size: interpolate and its older names, each interpolation a node of its own."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..backend import np
from ..dtypes import FLOAT
from ..errors import TensorError, TensorNotImplemented, TensorTypeError, TensorValueError
from ..families.common import not_implemented
from ..families.structural import composite, structural
from ..notices import notice
from .resampling import plan_resampled, resample

NN = "torch.nn.functional"


# --- the nodes --------------------------------------------------------------------------------------------------------


def _plan_resized(self, ways, label):
    """The result's Spec.

    Raises RuntimeError with torch's sentences for sizes of 0, NotImplementedError for a dtype without a kernel.
    """
    n, names = len(ways), "DHW"[3 - len(ways) :]
    have, want = (", ".join(f"{name}: {size}" for name, size in zip(names, sizes, strict=True)) for sizes in (self.shape[2:], [w[2] for w in ways]))
    if min(self.shape[2:]) <= 0 or min(w[2] for w in ways) <= 0:
        words = f"input ({have}) and output ({want})" if n != 2 else f"input ({have}) output ({want})"
        raise TensorError(f"Input and output sizes should be greater than 0, but got {words}")
    if 0 in self.shape[1:]:
        raise TensorError(f"Non-empty {n + 2}D data tensor expected but got a tensor with sizes {list(self.shape)}")
    if self.dtype.category != FLOAT and not (self.dtype.name == "uint8" and (n == 2 or ways[0][0] == "nearest")):
        raise not_implemented(label, self.dtype)
    return plan_resampled(self, ways, label)


def _resize(xp, self, ways):
    """The weighted sums; bytes are rounded and cut."""
    if self.dtype.kind != "u" or ways[0][0] == "nearest":
        return resample(xp, self, ways)
    return xp.clip(xp.rint(resample(xp, self.astype("float32"), ways)), 0, 255).astype(self.dtype)


_resizing = partial(structural, self=lambda grad, ways, F: F.resampled(grad, ways, True), function=False, method=False, out=False)
_NEAREST, _LINEAR = "compute_indices_weights_nearest", "compute_indices_weights_linear"


@_resizing(
    plan=lambda self, ways: _plan_resized(self, ways, _NEAREST),
    node="UpsampleNearest1DBackward",
)
def upsample_nearest1d(xp, self, ways: Any):
    """The nearest element of (n, c, l)."""
    return _resize(xp, self, ways)


@_resizing(
    plan=lambda self, ways: _plan_resized(self, ways, "upsample_nearest2d_channels_last"),
    node="UpsampleNearest2DBackward",
)
def upsample_nearest2d(xp, self, ways: Any):
    """The nearest element of (n, c, h, w)."""
    return _resize(xp, self, ways)


@_resizing(
    plan=lambda self, ways: _plan_resized(self, ways, _NEAREST),
    node="UpsampleNearest3DBackward",
)
def upsample_nearest3d(xp, self, ways: Any):
    """The nearest element of (n, c, d, h, w)."""
    return _resize(xp, self, ways)


@_resizing(
    plan=lambda self, ways: _plan_resized(self, ways, _NEAREST), node="UpsampleNearestExact1DBackward"
)
def upsample_nearest_exact1d(xp, self, ways: Any):
    """The element of (n, c, l) whose middle is nearest."""
    return _resize(xp, self, ways)


@_resizing(
    plan=lambda self, ways: _plan_resized(self, ways, "upsample_nearest2d_channels_last"),
    node="UpsampleNearestExact2DBackward",
)
def upsample_nearest_exact2d(xp, self, ways: Any):
    """The element of (n, c, h, w) whose middle is nearest."""
    return _resize(xp, self, ways)


@_resizing(
    plan=lambda self, ways: _plan_resized(self, ways, _NEAREST), node="UpsampleNearestExact3DBackward"
)
def upsample_nearest_exact3d(xp, self, ways: Any):
    """The element of (n, c, d, h, w) whose middle is nearest."""
    return _resize(xp, self, ways)


@_resizing(
    plan=lambda self, ways: _plan_resized(self, ways, _LINEAR), node="UpsampleLinear1DBackward"
)
def upsample_linear1d(xp, self, ways: Any):
    """Straight lines between the elements of (n, c, l)."""
    return _resize(xp, self, ways)


@_resizing(
    plan=lambda self, ways: _plan_resized(self, ways, "upsample_bilinear2d_channels_last"),
    node="UpsampleBilinear2DBackward",
)
def upsample_bilinear2d(xp, self, ways: Any):
    """Straight lines between the elements of (n, c, h, w), both ways."""
    return _resize(xp, self, ways)


@_resizing(
    plan=lambda self, ways: _plan_resized(self, ways, _LINEAR), node="UpsampleTrilinear3DBackward"
)
def upsample_trilinear3d(xp, self, ways: Any):
    """Straight lines between the elements of (n, c, d, h, w), all three ways."""
    return _resize(xp, self, ways)


@_resizing(
    plan=lambda self, ways: _plan_resized(self, ways, "compute_indices_weights_cubic"),
    node="UpsampleBicubic2DBackward",
)
def upsample_bicubic2d(xp, self, ways: Any):
    """Cubic curves through the elements of (n, c, h, w), both ways."""
    return _resize(xp, self, ways)


_smoothing = partial(_resizing, plan=lambda self, ways: _plan_resized(self, ways, "compute_index_ranges_weights"))


@_smoothing(node="UpsampleBilinear2DAaBackward")
def upsample_bilinear2d_aa(xp, self, ways: Any):
    """upsample_bilinear2d with a filter as wide as the step."""
    return _resize(xp, self, ways)


@_smoothing(node="UpsampleBicubic2DAaBackward")
def upsample_bicubic2d_aa(xp, self, ways: Any):
    """upsample_bicubic2d with a filter as wide as the step."""
    return _resize(xp, self, ways)


@_smoothing(node="UpsampleLanczos2DAaBackward")
def upsample_lanczos2d_aa(xp, self, ways: Any):
    """A windowed sinc as wide as the step over (n, c, h, w)."""
    return _resize(xp, self, ways)


# --- the public names -------------------------------------------------------------------------------------------------

_DIMS = {"linear": 3, "bilinear": 4, "trilinear": 5}  # the dims of input that these modes are for
_WITHOUT_CORNERS = ("nearest", "area", "nearest-exact")


def _whole(value):
    return isinstance(value, (int, np.integer))


def _asked(self, size, scale_factor, recompute):
    """(size of the result, factors): exactly one way to say it.

    Raises ValueError and TypeError with torch's sentences.
    """
    dims, have = len(self.shape) - 2, list(self.shape[2:])
    if size is not None and scale_factor is not None:
        raise TensorValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise TensorValueError("either size or scale_factor should be defined")
    if size is not None:
        several = isinstance(size, (list, tuple))
        if several and len(size) != dims:
            raise TensorValueError(
                f"Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of {have} and output"
                f" size of {size}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        wanted = list(size) if several else [size] * dims
        if not all(map(_whole, wanted)):
            raise TensorTypeError(
                f"expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got size with types {[type(n) for n in wanted]}"
            )
        if recompute:
            raise TensorValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return [int(n) for n in wanted], [None] * dims
    several = isinstance(scale_factor, (list, tuple))
    if several and len(scale_factor) != dims:
        raise TensorValueError(
            f"Input and scale_factor must have the same number of spatial dimensions, but got input with spatial dimensions of {have} and"
            f" scale_factor of shape {scale_factor}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2,"
            " ...,sK) format."
        )
    factors = [float(f) for f in (scale_factor if several else [scale_factor] * dims)]
    return [int(n * f) for n, f in zip(have, factors, strict=True)], [None] * dims if recompute else factors


def _kind(self):
    """The numbers torch finds places in: float64 for float64, else float32."""
    return np.float64 if self.dtype.itemsize == 8 else np.float32


def _ways(self, mode, wanted, factors, corners, antialias):
    """One way a dim, for the ops above."""
    kind, short = _kind(self), len(wanted) == 2
    steps = list(zip(self.shape[2:], wanted, factors, strict=True))
    if antialias:
        name = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
        return tuple([("smooth", have, want, corners, factor, kind, name) for have, want, factor in steps])
    if mode.startswith("nearest"):
        return tuple([("nearest", have, want, mode != "nearest", factor, short) for have, want, factor in steps])
    name = "cubic" if mode == "bicubic" else "linear"
    return tuple([(name, have, want, corners, factor, kind) for have, want, factor in steps])


@composite(namespace=NN, method=False)
def interpolate(
    F,
    self,
    size: Any = None,
    scale_factor: Any = None,
    mode: Str = "nearest",
    align_corners: Bool | None = None,
    recompute_scale_factor: Bool | None = None,
    antialias: Bool = False,
):
    """The input at another size, or times a factor: by mode the nearest element, straight lines (linear, bilinear, trilinear), cubic
    curves (bicubic) or means (area). align_corners lays the outermost elements on each other; antialias widens the filter with the step.

    Shapes: (n, c, l), (n, c, h, w) or (n, c, d, h, w)  ->  (n, c, *size)
    Grad: grad by the same weights, back to the elements it was made of
    See: nn.Upsample, nn.functional.adaptive_avg_pool2d, nn.functional.grid_sample

    >>> nn.functional.interpolate(tensor([[[1., 3.]]]), scale_factor=2, mode="linear")
    tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    if mode in _WITHOUT_CORNERS and align_corners is not None:
        raise TensorValueError("align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear")
    ndim, corners = len(self.shape), bool(align_corners)
    wanted, factors = _asked(self, size, scale_factor, recompute_scale_factor or (mode == "area" and size is None))
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and ndim == 4):
        raise TensorValueError("Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input")
    if mode == "area" and ndim in (3, 4, 5):
        pool = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[ndim - 3]
        return pool(self, tuple(wanted))
    if ndim == 4 and mode == "lanczos" and corners:
        raise TensorValueError("Lanczos mode does not support align_corners=True")
    if ndim == 4 and mode == "lanczos" and not antialias:
        raise TensorValueError("Lanczos mode requires antialias=True")
    fits = ndim in (3, 4, 5) if mode.startswith("nearest") and mode in _WITHOUT_CORNERS else ndim == {"bicubic": 4, "lanczos": 4, **_DIMS}.get(mode)
    if not fits:
        if mode in _DIMS and ndim in (3, 4, 5):
            raise TensorNotImplemented(f"Got {ndim}D input, but {mode} mode needs {_DIMS[mode]}D input")
        raise TensorNotImplemented(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {ndim}D) for the modes: nearest | linear | bilinear | bicubic | trilinear |"
            f" lanczos | area | nearest-exact (got {mode})"
        )
    return _node(F, mode, ndim, antialias)(self, _ways(self, mode, wanted, factors, corners, antialias))


def _node(F, mode, ndim, antialias):
    """The op of a mode."""
    if antialias:
        return {"bilinear": F.upsample_bilinear2d_aa, "bicubic": F.upsample_bicubic2d_aa, "lanczos": F.upsample_lanczos2d_aa}[mode]
    if mode == "nearest":
        return (F.upsample_nearest1d, F.upsample_nearest2d, F.upsample_nearest3d)[ndim - 3]
    if mode == "nearest-exact":
        return (F.upsample_nearest_exact1d, F.upsample_nearest_exact2d, F.upsample_nearest_exact3d)[ndim - 3]
    return {"linear": F.upsample_linear1d, "bilinear": F.upsample_bilinear2d, "trilinear": F.upsample_trilinear3d, "bicubic": F.upsample_bicubic2d}[mode]


def _deprecated(name):
    notice("deprecated-upsample", f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.")


@composite(namespace=NN, method=False)
def upsample(F, self, size: Any = None, scale_factor: Any = None, mode: Str = "nearest", align_corners: Bool | None = None):
    """interpolate by its older name.

    Shapes: (n, c, ...)  ->  (n, c, *size)
    Grad: as interpolate's
    See: nn.functional.interpolate, nn.Upsample

    >>> nn.functional.upsample(tensor([[[1., 3.]]]), 4)
    tensor([[[1., 1., 3., 3.]]])
    """
    _deprecated("upsample")
    return F.interpolate(self, size, scale_factor, mode, align_corners)


@composite(namespace=NN, method=False)
def upsample_nearest(F, self, size: Any = None, scale_factor: Any = None):
    """interpolate to the nearest element, by its older name.

    Shapes: (n, c, ...)  ->  (n, c, *size)
    Grad: as interpolate's
    See: nn.functional.interpolate, nn.UpsamplingNearest2d

    >>> nn.functional.upsample_nearest(tensor([[[1., 3.]]]), 4)
    tensor([[[1., 1., 3., 3.]]])
    """
    _deprecated("upsample_nearest")
    return F.interpolate(self, size, scale_factor, "nearest")


@composite(namespace=NN, method=False)
def upsample_bilinear(F, self, size: Any = None, scale_factor: Any = None):
    """interpolate by straight lines with aligned corners, by its older name.

    Shapes: (n, c, h, w)  ->  (n, c, *size)
    Grad: as interpolate's
    See: nn.functional.interpolate, nn.UpsamplingBilinear2d

    >>> nn.functional.upsample_bilinear(tensor([[[[1., 3.]]]]), (1, 3))
    tensor([[[[1., 2., 3.]]]])
    """
    _deprecated("upsample_bilinear")
    return F.interpolate(self, size, scale_factor, "bilinear", True)
