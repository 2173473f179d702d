"""Slopes of sampled functions, and the area under them by torch's older name."""

from __future__ import annotations

from .. import dtypes
from ..errors import TensorError
from ..families.structural import composite
from ..layout import wrap_dim
from ..tensor import Tensor


def _listed(value):
    return list(value) if isinstance(value, (tuple, list)) else [value]


def _check_gradient(self, spacing, dim, edge_order):
    """The dims that slopes are taken along, with torch's checks before anything is computed."""
    if self.dtype is dtypes.uint8:
        raise TensorError("torch.gradient does not support uint8 input.")
    count = None if spacing is None else len(spacing)
    ndim = len(self.shape)
    if count is not None and dim is None and count not in (1, ndim):
        raise TensorError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to 'self.dim() = "
            f"{ndim}', since dim argument was not given, but got a list of length {count}"
        )
    if count is not None and dim is not None and count != len(dim):
        raise TensorError(
            "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the same length, but got a spacing argument"
            f" of length {count} and a dim argument of length {len(dim)}."
        )
    if edge_order not in (1, 2):
        raise TensorError("torch.gradient only supports edge_order=1 and edge_order=2.")
    dims = [wrap_dim(d, ndim) for d in (range(ndim) if dim is None else dim)]
    for place, d in enumerate(dims):
        if d in dims[:place]:
            raise TensorError(f"dim {d} appears multiple times in the list of dims")
    for d in dims:
        if self.shape[d] <= edge_order:
            raise TensorError("torch.gradient expected each dimension size to be at least edge_order+1")
    return dims


def _even_slope(F, self, dim, step, edge_order):
    """The slope along `dim` of values that lie `step` apart."""
    n = self.shape[dim]
    at = lambda start, end: F.slice(self, dim, start, end, 1)  # noqa: E731 - slices along the dim
    if edge_order == 1:
        first, last = at(1, 2) - at(0, 1), at(n - 1, n) - at(n - 2, n - 1)
    else:
        times = F.mul_number if self.dtype.category >= dtypes.FLOAT else F.mul
        first = times(at(0, 1), -1.5) + times(at(1, 2), 2.0) - times(at(2, 3), 0.5)
        last = times(at(n - 3, n - 2), 0.5) - times(at(n - 2, n - 1), 2.0) + times(at(n - 1, n), 1.5)
    middle = F.div_number(F.div_number(at(2, n) - at(0, n - 2), 2.0), step)
    return F.cat([F.div_number(first, step), middle, F.div_number(last, step)], dim)


def _slope(F, self, dim, places, edge_order):
    """The slope along `dim` of values at `places`, from the parabola through each three of them."""
    if len(places.shape) != 1:
        raise TensorError(f"torch.gradient expected each element of spacing to have one dimension, but got an element with {len(places.shape)} dimensions!")
    n = self.shape[dim]
    at = lambda start, end: F.slice(self, dim, start, end, 1)  # noqa: E731 - slices along the dim
    steps = F.diff(places)
    shape = tuple(-1 if d == dim else 1 for d in range(len(self.shape)))
    left, right = (F.reshape(F.slice(steps, 0, a, n - 2 + a, 1), shape) for a in (0, 1))
    middle = -right / (left * (left + right)) * at(0, n - 2) + (right - left) / (left * right) * at(1, n - 1) + left / (right * (left + right)) * at(2, n)
    a, b = F.select(steps, 0, 0), F.select(steps, 0, min(1, n - 2))
    y, z = F.select(steps, 0, max(n - 3, 0)), F.select(steps, 0, n - 2)
    if edge_order == 1:
        first, last = (at(1, 2) - at(0, 1)) / a, (at(n - 1, n) - at(n - 2, n - 1)) / z
    else:
        first = -(2.0 * a + b) / (a * (a + b)) * at(0, 1) + (a + b) / (a * b) * at(1, 2) + -a / (b * (a + b)) * at(2, 3)
        last = z / (y * (z + y)) * at(n - 3, n - 2) + -(z + y) / (z * y) * at(n - 2, n - 1) + (2 * z + y) / (z * (z + y)) * at(n - 1, n)
    return F.cat([first, middle, last], dim)


@composite(method=False)
def gradient(F, self, *, spacing: Any = None, dim: Any = None, edge_order: Int = 1):
    """The slope of sampled values along each dim (or `dim`): from both neighbours inside, one-sided at the ends. `spacing` is the step, a
    step for each dim, or for each dim the places of the samples.

    Shapes: (a, b)  ->  (a, b), (a, b)
    See: diff, trapezoid

    >>> gradient(tensor([1., 4., 9.]))
    (tensor([3., 4., 5.]),)
    """
    given = list(spacing) if isinstance(spacing, (tuple, list)) else None
    for step in given or ():
        if isinstance(step, Tensor) and step.device is not self.device:
            raise TensorError(f"torch.gradient expected each tensor to be on the same device, but got devices {self.device} and {step.device}!")
    dims = _check_gradient(self, given, None if dim is None else _listed(dim), edge_order)
    given = [1.0 if spacing is None else spacing] * len(dims) if given is None else given * len(dims) if len(given) == 1 else given
    return tuple(
        [
            _slope(F, self, d, step, edge_order) if isinstance(step, Tensor) and step.shape else _even_slope(F, self, d, float(step), edge_order)
            for d, step in zip(dims, given, strict=True)
        ]
    )


@composite(method=False)
def trapz(F, y, x, *, dim: Dim = -1):
    """`trapezoid` with the places `x`, by torch's older name.

    Shapes: (..., n)  ->  (...)
    See: trapezoid

    >>> trapz(tensor([1., 3., 5.]), tensor([0., 1., 3.]))
    tensor(10.)
    """
    return F.trapezoid(y, x, dim=dim)


@composite(public="trapz", method=False)
def trapz_even(F, y, *, dx: Float = 1, dim: Dim = -1):
    """The area under points `dx` apart along `dim`.

    >>> trapz(tensor([1., 3., 5.]))
    tensor(6.)
    """
    return F.trapezoid(y, dx=dx, dim=dim)
