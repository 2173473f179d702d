"""Images looked up at places between their elements: grid_sample, and the grids of affine maps."""

from __future__ import annotations

import math
from itertools import product

from .. import dtypes
from ..at import add_at
from ..dtypes import FLOAT
from ..errors import TensorError, TensorNotImplemented, TensorValueError
from ..families.common import no_kernel, not_implemented
from ..families.structural import composite, structural
from ..notices import notice
from ..spec import spec_of

NN = "torch.nn.functional"
MODES, PADDINGS = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")
# the weight of each neighbour along one dim, as a polynomial of the distance from the first one behind, highest power first
POLYNOMIALS = (
    ((-1.0, 1.0), (1.0, 0.0)),
    ((1.0,),),
    ((-0.75, 1.5, -0.75, 0.0), (1.25, -2.25, 0.0, 1.0), (-1.25, 1.5, 0.75, 0.0), (0.75, -0.75, 0.0, 0.0)),  # Keys' kernel (1981) at -3/4
)


# --- where, and with which weights ------------------------------------------------------------------------------------


def _reflected(xp, where, slope, low, high):
    """Places mirrored at both ends until they lie between, and their slopes."""
    if low == high:
        return xp.zeros_like(where), xp.zeros_like(where)
    span = high - low
    slope = xp.where(where < low, -slope, slope)
    where = xp.absolute(where - low)
    turns, rest = xp.floor(where / span), xp.fmod(where, span)
    even = xp.fmod(turns, 2) == 0
    return xp.where(even, rest + low, span - rest + low), xp.where(even, slope, -slope)


def _padded_places(xp, where, slope, size, padding, corners):
    """Places outside brought inside, and their slopes."""
    if padding == 2:
        low, high = (0, size - 1) if corners else (-0.5, size - 0.5)
        where, slope = _reflected(xp, where, slope, low, high)
    if padding:
        slope = xp.where((where > 0) & (where < size - 1), slope, where.dtype.type(0))
        where = xp.clip(xp.nan_to_num(where), 0, size - 1)
    return where, slope


def _along(xp, x, size, mode, padding, corners):
    """(places, whether inside, distance from the first place behind, slope) along one dim; places for every neighbour."""
    scale = x.dtype.type((size - 1) / 2 if corners else size / 2)
    where = (x + 1) * scale if corners else ((x + 1) * size - 1) / 2
    slope = xp.full_like(where, scale)
    if mode != 2:
        where, slope = _padded_places(xp, where, slope, size, padding, corners)
    first = xp.rint(where) if mode == 1 else xp.floor(where)
    found = []
    for shift in {0: (0, 1), 1: (0,), 2: (-1, 0, 1, 2)}[mode]:
        spot = first + shift
        if mode == 2:
            spot, _ = _padded_places(xp, spot, slope, size, padding, corners)
        inside = (spot >= 0) & (spot < size)
        found.append((xp.where(inside, spot, 0).astype("int64"), inside))
    return found, where - first, slope


def _polynomial(coefficients, t, order):
    """The derivative of that order of a polynomial."""
    degree = len(coefficients) - 1
    total = t * 0
    for i, c in enumerate(coefficients[: max(degree + 1 - order, 0)]):
        total = total * t + c * math.perm(degree - i, order)
    return total


def _neighbours(xp, grid, sizes, mode, padding, corners, orders):
    """(weights, places), each (n, neighbours, points): derivatives of the weights of that order along each dim."""
    points = grid.reshape(grid.shape[0], math.prod(grid.shape[1:-1]), len(sizes))
    dims = [_along(xp, points[..., -1 - i], size, mode, padding, corners) for i, size in enumerate(sizes)]
    weights, places = [], []
    spreads = len(sizes) == 2 and mode != 1  # for images torch multiplies the zeros outside, too, so that a point of nan gives nan
    for taps in product(range(len(POLYNOMIALS[mode])), repeat=len(sizes)):
        weight, place = 1, 0
        for tap, size, order, (found, t, slope) in zip(taps, sizes, orders, dims, strict=True):
            spot, inside = found[tap]
            weight = weight * xp.where(inside | xp.isnan(t) if spreads else inside, _polynomial(POLYNOMIALS[mode][tap], t, order) * slope**order, t.dtype.type(0))
            place = place * size + spot
        weights.append(weight)
        places.append(place)
    return xp.stack(weights, 1), xp.stack(places, 1)


def _plan_neighbours(grid, sizes, mode, d=None):
    count = len(POLYNOMIALS[mode]) ** len(sizes)
    return spec_of(d or grid.dtype, grid.device, (grid.shape[0], count, math.prod(grid.shape[1:-1])))


def _to_grid(found, grid, sizes, mode, padding, corners, orders, F):
    """Gradients of the weights as gradients of the points: times the next derivative along each dim, x first."""
    parts = []
    for dim in range(len(sizes) - 1, -1, -1):
        higher = tuple([order + (i == dim) for i, order in enumerate(orders)])
        parts.append(F.sum_dim(found * F.grid_weights(grid, sizes, mode, padding, corners, higher), (1,), False))
    return F.reshape(F.stack(parts, -1), tuple(grid.shape))


@structural(
    plan=lambda grid, sizes, mode, padding, corners, orders: _plan_neighbours(grid, sizes, mode),
    grid=lambda grad, grid, sizes, mode, padding, corners, orders, F: _to_grid(grad, grid, sizes, mode, padding, corners, orders, F),
    function=False,
    method=False,
    out=False,
)
def grid_weights(xp, grid, sizes: Ints, mode: Int, padding: Int, corners: Bool, orders: Ints):
    """The weights of each point's neighbours, or their derivatives of these orders along the dims: (n, neighbours, points)."""
    return _neighbours(xp, grid, sizes, mode, padding, corners, orders)[0]


@structural(plan=lambda grid, sizes, mode, padding, corners: _plan_neighbours(grid, sizes, mode, dtypes.int64), function=False, method=False, out=False)
def grid_places(xp, grid, sizes: Ints, mode: Int, padding: Int, corners: Bool):
    """The places of each point's neighbours, counted over all dims: (n, neighbours, points)."""
    return _neighbours(xp, grid, sizes, mode, padding, corners, (0,) * len(sizes))[1]


# --- the three sums, each the others' derivative ----------------------------------------------------------------------


def _flat(self):
    return self.reshape(*self.shape[:2], math.prod(self.shape[2:]))


def _picked(xp, self, places, tap):
    return xp.take_along_axis(_flat(self), places[:, None, tap], 2)


def _weighted(xp, self, weights, places):
    return sum(_picked(xp, self, places, tap) * weights[:, None, tap] for tap in range(places.shape[1]))


@structural(
    plan=lambda self, weights, places, sizes: spec_of(self.dtype, self.device, (*self.shape[:2], *sizes)),
    self=lambda grad, weights, places, self_spec, F: F.grid_spread(grad, weights, places, self_spec.sizes[2:]),
    weights=lambda grad, self, places, F: F.grid_products(self, grad, places),
    function=False,
    method=False,
    out=False,
)
def grid_sums(xp, self, weights, places, sizes: Ints):
    """The weighted sum of each point's neighbours: (n, c, ...), (n, neighbours, points) -> (n, c, *sizes)."""
    return _weighted(xp, self, weights, places).reshape(*self.shape[:2], *sizes)


@structural(
    plan=lambda points, weights, places, sizes: spec_of(points.dtype, points.device, (*points.shape[:2], *sizes)),
    points=lambda grad, weights, places, points_spec, F: F.grid_sums(grad, weights, places, points_spec.sizes[2:]),
    weights=lambda grad, points, places, F: F.grid_products(grad, points, places),
    function=False,
    method=False,
    out=False,
)
def grid_spread(xp, points, weights, places, sizes: Ints):
    """Each point's value times its weights, added to its neighbours: (n, c, ...) -> (n, c, *sizes)."""
    n, c = points.shape[:2]
    found, values = xp.zeros((n, c, math.prod(sizes)), points.dtype), _flat(points)
    beside = xp.arange(n).reshape(n, 1, 1), xp.arange(c).reshape(1, c, 1)
    for tap in range(places.shape[1]):
        add_at(xp, found, (*beside, places[:, None, tap]), values * weights[:, None, tap])
    return found.reshape(n, c, *sizes)


@structural(
    plan=lambda self, points, places: spec_of(self.dtype, self.device, places.shape),
    self=lambda grad, points, places, self_spec, F: F.grid_spread(points, grad, places, self_spec.sizes[2:]),
    points=lambda grad, self, places, points_spec, F: F.grid_sums(self, grad, places, points_spec.sizes[2:]),
    function=False,
    method=False,
    out=False,
)
def grid_products(xp, self, points, places):
    """Each point's values times those of each neighbour, summed over the channels: (n, neighbours, points)."""
    values = _flat(points)
    return xp.stack([xp.add.reduce(_picked(xp, self, places, tap) * values, 1) for tap in range(places.shape[1])], 1)


# --- the public names -------------------------------------------------------------------------------------------------


def _check_grid(self, grid):
    if not self.ndim or not grid.ndim or self.shape[0] != grid.shape[0]:
        raise TensorError(
            f"grid_sampler(): expected grid and input to have same batch size, but got input with sizes {list(self.shape)} and grid with sizes"
            f" {list(grid.shape)}"
        )
    if grid.shape[-1] != self.ndim - 2:
        raise TensorError(f"grid_sampler(): expected grid to have size {self.ndim - 2} in last dimension, but got grid with sizes {list(grid.shape)}")
    for dim in range(2, self.ndim):
        if not self.shape[dim]:
            raise TensorError(
                f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {list(self.shape)} with dimension {dim} being empty"
            )


def _plan_grid_sampler(self, grid, mode, padding, n):
    _check_grid(self, grid)
    if not self.ndim == grid.ndim == n + 2:
        raise TensorError(
            f"grid_sampler(): expected {n + 2}D input and grid with same number of dimensions, but got input with sizes {list(self.shape)} and grid"
            f" with sizes {list(grid.shape)}"
        )
    if n == 3 and mode == 2:
        raise TensorError("grid_sampler(): bicubic interpolation only supports 4D input")
    if not (0 <= mode < len(MODES) and 0 <= padding < len(PADDINGS)):
        raise TensorError(f"grid_sampler(): no such interpolation or padding mode: {mode}, {padding}")
    if self.dtype.category < FLOAT:
        raise not_implemented("grid_sampler_2d_cpu_kernel_impl" if n == 2 else "grid_sampler3d_cpu", self.dtype)
    if self.dtype is not grid.dtype:
        raise TensorError(f"expected scalar type {self.dtype.kernel_name} but found {grid.dtype.kernel_name}")
    return spec_of(self.dtype, self.device, (*self.sizes[:2], *grid.sizes[1:-1]))


def _to_image(grad, grid, self_spec, mode, padding, corners, F):
    sizes = self_spec.sizes[2:]
    weights = F.grid_weights(grid, sizes, mode, padding, corners, (0,) * len(sizes))
    return F.grid_spread(grad, weights, F.grid_places(grid, sizes, mode, padding, corners), sizes)


def _to_points(grad, self, grid, self_spec, mode, padding, corners, F):
    sizes = self_spec.sizes[2:]
    products = F.grid_products(self, grad, F.grid_places(grid, sizes, mode, padding, corners))
    return _to_grid(products, grid, sizes, mode, padding, corners, (0,) * len(sizes), F)


def _sampled(xp, self, grid, mode, padding, corners):
    wide = [a.astype("float32") if a.dtype.itemsize == 2 else a for a in (self, grid)]
    weights, places = _neighbours(xp, wide[1], self.shape[2:], mode, padding, corners, (0,) * (self.ndim - 2))
    return _weighted(xp, wide[0], weights, places).reshape(*self.shape[:2], *grid.shape[1:-1])


@structural(
    method=False,
    out=False,
    plan=lambda self, grid, interpolation_mode, padding_mode, align_corners: _plan_grid_sampler(self, grid, interpolation_mode, padding_mode, 2),
    node="GridSampler2DBackward",
    self=lambda grad, grid, self_spec, interpolation_mode, padding_mode, align_corners, F: _to_image(
        grad, grid, self_spec, interpolation_mode, padding_mode, align_corners, F
    ),
    grid=lambda grad, self, grid, self_spec, interpolation_mode, padding_mode, align_corners, F: _to_points(
        grad, self, grid, self_spec, interpolation_mode, padding_mode, align_corners, F
    ),
    real_only=no_kernel("grid_sampler_2d_cpu_kernel_impl"),
)
def grid_sampler_2d(xp, self, grid, interpolation_mode: Int, padding_mode: Int, align_corners: Bool):
    """nn.functional.grid_sample of images, with numbers for its modes: 0 bilinear, 1 nearest, 2 bicubic; 0 zeros, 1 border, 2 reflection.

    Shapes: (n, c, h, w), grid (n, *out, 2)  ->  (n, c, *out)
    Grad: input: grad spread over the neighbours; grid: grad times the slope between them
    See: nn.functional.grid_sample, grid_sampler_3d

    >>> grid_sampler_2d(tensor([[[[1., 3.]]]]), zeros(1, 1, 1, 2), 0, 0, False)
    tensor([[[[2.]]]])
    """
    return _sampled(xp, self, grid, interpolation_mode, padding_mode, align_corners)


@structural(
    method=False,
    out=False,
    plan=lambda self, grid, interpolation_mode, padding_mode, align_corners: _plan_grid_sampler(self, grid, interpolation_mode, padding_mode, 3),
    node="GridSampler3DBackward",
    self=lambda grad, grid, self_spec, interpolation_mode, padding_mode, align_corners, F: _to_image(
        grad, grid, self_spec, interpolation_mode, padding_mode, align_corners, F
    ),
    grid=lambda grad, self, grid, self_spec, interpolation_mode, padding_mode, align_corners, F: _to_points(
        grad, self, grid, self_spec, interpolation_mode, padding_mode, align_corners, F
    ),
    real_only=no_kernel("grid_sampler3d_cpu"),
)
def grid_sampler_3d(xp, self, grid, interpolation_mode: Int, padding_mode: Int, align_corners: Bool):
    """nn.functional.grid_sample of volumes, with numbers for its modes: 0 bilinear, 1 nearest; 0 zeros, 1 border, 2 reflection.

    Shapes: (n, c, d, h, w), grid (n, *out, 3)  ->  (n, c, *out)
    Grad: input: grad spread over the neighbours; grid: grad times the slope between them
    See: nn.functional.grid_sample, grid_sampler_2d

    >>> grid_sampler_3d(tensor([[[[[1., 3.]]]]]), zeros(1, 1, 1, 1, 3), 0, 0, False)
    tensor([[[[[2.]]]]])
    """
    return _sampled(xp, self, grid, interpolation_mode, padding_mode, align_corners)


@composite(method=False)
def grid_sampler(F, self, grid, interpolation_mode: Int, padding_mode: Int, align_corners: Bool):
    """nn.functional.grid_sample with numbers for its modes: 0 bilinear, 1 nearest, 2 bicubic; 0 zeros, 1 border, 2 reflection.

    Shapes: (n, c, h, w), grid (n, *out, 2); or a dim more  ->  (n, c, *out)
    Grad: input: grad spread over the neighbours; grid: grad times the slope between them
    See: nn.functional.grid_sample

    >>> grid_sampler(tensor([[[[1., 3.]]]]), zeros(1, 1, 1, 2), 0, 0, False)
    tensor([[[[2.]]]])
    """
    _check_grid(self.spec, grid.spec)
    sampler = F.grid_sampler_3d if self.spec.ndim == 5 else F.grid_sampler_2d
    return sampler(self, grid, interpolation_mode, padding_mode, align_corners)


CORNERS = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify align_corners=True if the old"
    " behavior is desired. See the documentation of grid_sample for details."
)


@composite(namespace=NN, method=False)
def grid_sample(F, self, grid, mode: Str = "bilinear", padding_mode: Str = "zeros", align_corners: Bool | None = None):
    """The image looked up at the points of a grid, whose last dim holds x and y (and z) from -1 to 1; between elements by mode, outside
    by padding_mode. align_corners puts -1 and 1 on the middles of the outermost elements, else they are the image's edges.

    Shapes: (n, c, h, w), grid (n, *out, 2); or (n, c, d, h, w), grid (n, *out, 3)  ->  (n, c, *out)
    Grad: input: grad spread over the neighbours; grid: grad times the slope between them
    See: nn.functional.affine_grid, nn.functional.interpolate

    >>> nn.functional.grid_sample(tensor([[[[1., 3.]]]]), zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[2.]]]])
    """
    if mode not in MODES:
        raise TensorValueError(f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'")
    if padding_mode not in PADDINGS:
        raise TensorValueError(f"nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '{padding_mode}'")
    if align_corners is None:
        notice("align-corners", CORNERS, input=self)
    return F.grid_sampler(self, grid, MODES.index(mode), PADDINGS.index(padding_mode), bool(align_corners))


# --- grids of affine maps ---------------------------------------------------------------------------------------------


def _base(xp, size, corners, d):
    """The points (x, y, 1) or (x, y, z, 1) of a grid, row by row."""
    lines = []
    for n in size[2:]:
        line = xp.linspace(-1, 1, n, dtype=d) if n > 1 else xp.zeros(n, d)
        lines.append(line if corners else line * d.type(n - 1) / d.type(n))
    axes = xp.meshgrid(*lines, indexing="ij")
    return xp.stack([axis.ravel() for axis in [*reversed(axes), xp.ones(size[2:], d)]], -1)


def _plan_affine(theta, size, align_corners):
    if theta.shape[0] != size[0]:
        raise TensorError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{size[0]}, {theta.shape[2]}] but got: [{theta.shape[0]}, {theta.shape[2]}]."
        )
    return spec_of(theta.dtype, theta.device, (size[0], *size[2:], len(size) - 2))


@structural(
    method=False,
    out=False,
    plan=_plan_affine,
    theta=lambda grad, size, align_corners, F: F.affine_grid_backward(grad, size, align_corners),
)
def affine_grid_generator(xp, theta, size: Size, align_corners: Bool):
    """nn.functional.affine_grid, its checks left out.

    Shapes: (n, 2, 3), size (n, c, h, w)  ->  (n, h, w, 2)
    Grad: grad's points times those of the plain grid
    See: nn.functional.affine_grid

    >>> affine_grid_generator(tensor([[[1., 0., 5.], [0., 1., 0.]]]), (1, 1, 1, 2), True)
    tensor([[[[4., 0.],
              [6., 0.]]]])
    """
    found = xp.matmul(_base(xp, size, align_corners, theta.dtype), xp.swapaxes(theta, 1, 2))
    return found.reshape(size[0], *size[2:], len(size) - 2)


@structural(
    plan=lambda points, size, corners: spec_of(points.dtype, points.device, (size[0], len(size) - 2, len(size) - 1)),
    points=lambda grad, size, corners, F: F.affine_grid_generator(grad, size, corners),
    function=False,
    method=False,
    out=False,
)
def affine_grid_backward(xp, points, size: Size, corners: Bool):
    """What the maps get back from their grids: (n, h, w, 2) -> (n, 2, 3)."""
    rows = points.reshape(size[0], math.prod(size[2:]), len(size) - 2)
    return xp.matmul(xp.swapaxes(rows, 1, 2), _base(xp, size, corners, points.dtype))


@composite(namespace=NN, method=False)
def affine_grid(F, theta, size: Size, align_corners: Bool | None = None):
    """The points that an affine map makes of a plain grid: where grid_sample is to look to turn, move or stretch an image.

    Shapes: theta (n, 2, 3), size (n, c, h, w)  ->  (n, h, w, 2); theta (n, 3, 4), size (n, c, d, h, w)  ->  (n, d, h, w, 3)
    Grad: grad's points times those of the plain grid
    See: nn.functional.grid_sample

    >>> nn.functional.affine_grid(tensor([[[1., 0., 5.], [0., 1., 0.]]]), (1, 1, 1, 2), align_corners=True)
    tensor([[[[4., 0.],
              [6., 0.]]]])
    """
    if align_corners is None:
        notice("align-corners", CORNERS, theta=theta)
    if not theta.dtype.is_floating_point:
        raise TensorValueError(f"Expected theta to have floating point type, but got {theta.dtype!r}")
    n = len(size) - 2
    if n not in (2, 3):
        raise TensorNotImplemented(f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {size}.")
    if len(theta.shape) != 3 or tuple(theta.shape[1:]) != (n, n + 1):
        raise TensorValueError(f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {size}. Got {theta.shape!r}.")
    if align_corners and min(size[2:]) == 1:
        notice(
            "unit-grid",
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This is not an intended use case of"
            " affine_grid. See the documentation of affine_grid for details.",
            theta=theta,
        )
    elif min(size) <= 0:
        raise TensorValueError(f"Expected non-zero, positive output size. Got {size}")
    return F.affine_grid_generator(theta, tuple(size), bool(align_corners))
