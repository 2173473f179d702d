"""Counts of values in bins: of one vector, with its edges, and of points in several dims."""

from __future__ import annotations

import math

from ..backend import CPU, dtype_of, module_of
from ..dtypes import FLOAT, bool_
from ..errors import TensorError, TensorNotImplemented
from ..families.common import C_NAMES, not_implemented, without_formula
from ..families.structural import composite, structural
from ..spec import spec_of
from ..tensor import Tensor
from .create import even_steps


def _check_bins(bins, dim=0):
    if bins <= 0:
        raise TensorError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {dim}")


def _plan_histc(self, bins, min, max):
    if self.dtype.category != FLOAT:
        raise not_implemented("linspace_cpu" if self.dtype is bool_ else "histogram_cpu", self.dtype)
    _check_bins(bins)
    return spec_of(self.dtype, self.device, (bins,))


@structural(plan=_plan_histc, out_rule="hist")
def histc(xp, self, bins: Int = 100, min: Scalar = 0, max: Scalar = 0):
    """How many values lie in each of `bins` equal parts of [min, max], by default of the range of the values.

    Shapes: any  ->  (bins)
    Grad: none
    See: histogram, bincount

    >>> histc(tensor([1., 2., 1.]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    values, kind = self.reshape(-1), self.dtype.type
    low, high = kind(min), kind(max)
    if low == high and values.size:
        low, high = values.min(), values.max()
    if low == high:
        low, high = low - kind(1), high + kind(1)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise TensorError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise TensorError("torch.histc: max must be larger than min")
    inside = values[(values >= low) & (values <= high)]
    places = ((inside - low) * kind(bins) / (high - low)).astype("int64")
    return xp.bincount(xp.minimum(places, bins - 1), minlength=bins).astype(self.dtype)


def _range_of(xp, values, given, dim):
    """The outermost edges: as given, or those of the values; half to either side of one value alone.

    Raises RuntimeError with torch's sentences.
    """
    kind = values.dtype.type
    if given is not None:
        low, high = map(kind, given)
    else:
        low, high = (values.min(), values.max()) if values.size else (kind(0), kind(1))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise TensorError(f"torch.histogramdd: dimension {dim}'s range [{low:g}, {high:g}] is not finite")
    if low > high:
        raise TensorError(f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {dim}")
    return (low - kind(0.5), high + kind(0.5)) if low == high else (low, high)


def _edges(xp, values, bins, given, dim):
    """The edges of `bins` equal bins."""
    low, high = _range_of(xp, values, given, dim)
    spec = spec_of(dtype_of(values.dtype), CPU, (bins + 1,))
    return even_steps(xp, spec, float(low), float(high), bins + 1)


def _counted(xp, points, edges, weight, density):
    """How many of `points` (n, dims) lie in each cell between the edges, or the sum of their weights; the last edge belongs to its bin."""
    sizes = [each.size - 1 for each in edges]
    cell = xp.zeros(points.shape[0], "int64")
    inside = xp.ones(points.shape[0], bool)
    for d, each in enumerate(edges):
        values = xp.ascontiguousarray(points[:, d])
        inside &= (values >= each[0]) & (values <= each[-1])
        place = xp.minimum(xp.searchsorted(each, values, side="right") - 1, sizes[d] - 1)
        cell = cell * sizes[d] + place
    weights = None if weight is None else weight.reshape(-1)[inside]
    found = xp.bincount(cell[inside], weights, math.prod(sizes)).astype(points.dtype).reshape(sizes)
    if density:
        found = found / found.sum()
        for d, each in enumerate(edges):
            found = found / xp.diff(each).reshape([-1 if i == d else 1 for i in range(len(edges))])
    return found


def _check_values(self, weight, points):
    """Refuse weights that do not fit `points`, the shape of the values with their last dim."""
    name = "torch.histogramdd"
    if weight is not None and weight.dtype is not self.dtype:
        raise TensorError(
            f"{name}: if weight tensor is provided, input tensor and weight tensor should have the same dtype, but got input({C_NAMES[self.dtype.name]}), and"
            f" weight({C_NAMES[weight.dtype.name]})"
        )
    if weight is not None and tuple(weight.shape) != points[:-1]:
        raise TensorError(
            f"{name}: if weight tensor is provided it should have the same shape as the input tensor excluding its innermost dimension, but got input with"
            f" shape {list(points)} and weight with shape {list(weight.shape)}"
        )
    if self.dtype.category != FLOAT:
        raise not_implemented("histogramdd", self.dtype)


def _flat_weight(self, weight):
    """The spec of the weights as one row, as histogram reads them."""
    return weight if weight is None else spec_of(weight.dtype, weight.device, (weight.numel,))


def _plan_histogram(self, bins, range, weight, density):
    _check_values(self, _flat_weight(self, weight), (self.numel, 1))
    _check_bins(bins)
    return [spec_of(self.dtype, self.device, (bins,)), spec_of(self.dtype, self.device, (bins + 1,))]


@structural(plan=_plan_histogram, fields=("hist", "bin_edges"), out_rule=("hist", "bin_edges"), **without_formula("histogram"))
def histogram(xp, self, bins: Int = 100, *, range: Any = None, weight: Tensor | None = None, density: Bool = False):
    """How many values lie in each of `bins` equal bins, and the edges of these; `weight` counts for values, `density` makes the area 1.

    Shapes: any  ->  (bins), (bins + 1)
    Grad: none: torch has no derivative here and refuses backward
    See: histc, histogramdd, bucketize

    >>> histogram(tensor([1., 2., 1.]), bins=2, range=(0., 2.))
    torch.return_types.histogram(
    hist=tensor([0., 3.]),
    bin_edges=tensor([0., 1., 2.]))
    """
    values = self.reshape(-1)
    edges = _edges(xp, values, bins, range, 0)
    return _counted(xp, values[:, None], [edges], weight, density), edges


def _plan_histogram_edges(self, bins, weight, density):
    _check_values(self, _flat_weight(self, weight), (self.numel, 1))
    if bins.dtype is not self.dtype:
        raise TensorError(
            f"torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype {self.dtype.kernel_name} and bins for"
            f" dimension 0 with dtype {bins.dtype.kernel_name}"
        )
    if bins.ndim != 1:
        raise TensorError(f"torch.histogramdd: bins tensor should have one dimension, but got {bins.ndim} dimensions in the bins tensor for dimension 0")
    if not bins.numel:
        raise TensorError("torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the bins tensor for dimension 0")
    return [spec_of(self.dtype, self.device, (bins.numel - 1,)), spec_of(self.dtype, self.device, (bins.numel,))]


@structural(
    public="histogram", plan=_plan_histogram_edges, fields=("hist", "bin_edges"), out_rule=("hist", "bin_edges"), **without_formula("histogram")
)
def histogram_edges(xp, self, bins, *, weight: Tensor | None = None, density: Bool = False):
    """How many values lie between the edges `bins`.

    Grad: none: torch has no derivative here and refuses backward

    >>> histogram(tensor([1., 2., 1.]), tensor([0., 1.5, 4.])).hist
    tensor([2., 1.])
    """
    return _counted(xp, self.reshape(-1)[:, None], [bins], weight, density), bins.copy()


@composite(method=False, fields=("hist", "bin_edges"))
def histogramdd(F, self, bins: Any, *, range: Any = None, weight: Tensor | None = None, density: Bool = False):
    """How many points, in the last dim, lie in each cell of a grid of `bins` (numbers of bins, or edges) a dim, and the edges.

    Shapes: (..., n)  ->  (bins of the first dim, ..., of the n-th), n vectors of edges
    Grad: none: torch has no derivative here and refuses backward
    See: histogram

    >>> histogramdd(tensor([[0., 1.], [1., 0.]]), [2, 2]).hist
    tensor([[0., 1.],
            [1., 0.]])
    """
    if self.a is None:
        raise TensorNotImplemented("aten::histogramdd: attempted to run this operator with Meta tensors")
    if len(self.shape) < 2:
        raise TensorError("torch.histogramdd: input tensor should have at least 2 dimensions")
    count = self.shape[-1]
    given = [bins] * count if isinstance(bins, int) else list(bins)
    if len(given) != count:
        raise TensorError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    _check_values(self, weight, tuple(self.shape))
    xp = module_of(self.a)
    points = self.a.reshape(-1, count)
    edges = []
    for d, each in enumerate(given):
        if isinstance(each, Tensor):
            edges.append(xp.asarray(each.a))
        else:
            _check_bins(each, d)
            edges.append(_edges(xp, points[:, d], each, None if range is None else range[2 * d : 2 * d + 2], d))
    hist = _counted(xp, points, edges, None if weight is None else weight.a, density)
    return F.histogramdd_hist(self, weight, hist), tuple([F.histogramdd_edges(self, weight, each.copy()) for each in edges])


def _plan_found(self, weight, found):
    return spec_of(self.dtype, self.device, found.shape)


@structural(plan=_plan_found, function=False, method=False, out=False, **without_formula("_histogramdd_from_bin_cts"))
def histogramdd_hist(xp, self, weight: Tensor | None, found: Any):
    """The counts that histogramdd found."""
    return found


@structural(plan=_plan_found, function=False, method=False, out=False, **without_formula("_histogramdd_bin_edges"))
def histogramdd_edges(xp, self, weight: Tensor | None, found: Any):
    """The edges of one dim that histogramdd found."""
    return found
