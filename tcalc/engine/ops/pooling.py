"""Pooling: maxima, means and norms of windows and of parts."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from ..dtypes import FLOAT
from ..errors import TensorError, TensorValueError
from ..families.common import no_kernel, not_implemented
from ..families.structural import composite, structural
from .maxima import check_pool, pooled_sizes
from .resampling import plan_resampled, resample

NN = "torch.nn.functional"


# --- means ------------------------------------------------------------------------------------------------------------


def _plan_parts(self, ways):
    if self.dtype.category < FLOAT:
        raise not_implemented("adaptive_avg_pool3d_cpu", self.dtype)
    return plan_resampled(self, ways, "")


_averages = partial(structural, self=lambda grad, ways, F: F.resampled(grad, ways, True), function=False, method=False, out=False)


@_averages(
    plan=lambda self, ways: plan_resampled(self, ways, "avg_pool2d"), node="AvgPool2DBackward", real_only=no_kernel("avg_pool2d"),
)
def avg_pool_of(xp, self, ways: Any):
    """Means of windows of the last 2 dims, one way a dim: see resampled."""
    return resample(xp, self, ways)


@_averages(
    plan=lambda self, ways: plan_resampled(self, ways, "avg_pool3d_out_frame"), node="AvgPool3DBackward",
    real_only=no_kernel("avg_pool3d_out_frame"),
)
def avg_pool3d_of(xp, self, ways: Any):
    """avg_pool_of as a node of three dims."""
    return resample(xp, self, ways)


@_averages(
    plan=lambda self, ways: plan_resampled(self, ways, "adaptive_avg_pool2d", FLOAT),
    node="AdaptiveAvgPool2DBackward",
    real_only=no_kernel("adaptive_avg_pool2d"),
)
def adaptive_avg_pool2d_of(xp, self, ways: Any):
    """avg_pool_of as a node of parts."""
    return resample(xp, self, ways)


@_averages(
    plan=lambda self, ways: _plan_parts(self, ways),
    node="AdaptiveAvgPool3DBackward",
    real_only=no_kernel("adaptive_avg_pool3d_cpu"),
)
def adaptive_avg_pool3d_of(xp, self, ways: Any):
    """avg_pool_of as a node of parts of three dims."""
    return resample(xp, self, ways)


# --- the public names -------------------------------------------------------------------------------------------------


def _steps(n, kernel_size, stride, padding, dilation=(1,)):
    """(kernel, stride, padding, dilation), one number a dim; no stride means the kernel's."""
    kernel = kernel_size * n if len(kernel_size) == 1 else kernel_size
    stride = kernel if not stride else stride * n if len(stride) == 1 else stride
    return kernel, stride, *(v * n if len(v) == 1 else v for v in (padding, dilation))


def _refuse_dims(self, n, name):
    if len(self.shape) not in (n + 1, n + 2):
        raise TensorError(f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input")
    if 0 in self.shape[len(self.shape) - n - 1 :]:
        raise TensorError(
            f"{name}: Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size for input, but got:{list(self.shape)}"
        )


@composite(namespace=NN, method=False)
def max_pool1d(
    F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), dilation: Ints = (1,), ceil_mode: Bool = False, return_indices: Bool = False
):
    """The largest element of each window; with return_indices also where it lies.

    Shapes: (n, c, l)  ->  (n, c, l_out)
    Grad: grad at the place of each maximum, summed
    See: nn.functional.max_pool2d, nn.functional.avg_pool1d

    >>> nn.functional.max_pool1d(tensor([[1., 3., 2., 0.]]), 2)
    tensor([[3., 2.]])
    """
    if len(self.shape) not in (2, 3) or 0 in self.shape[len(self.shape) - 2 :]:
        raise TensorError(f"max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:{list(self.shape)}")
    kernel, stride, padding, dilation = _steps(1, kernel_size, stride, padding, dilation)
    if stride[0] <= 0:
        raise TensorError(f"max_pool1d() stride must be greater than zero, but got {stride[0]}")
    if padding[0] > kernel[0] // 2:
        raise TensorError(f"max_pool1d() padding should be at most half of kernel size, but got padding={padding[0]} and kernel_size={kernel[0]}")
    if pooled_sizes(self.shape[-1:], kernel, stride, padding, dilation, ceil_mode)[0] <= 0:
        raise TensorError("max_pool1d() Invalid computed output size: 0")
    found = F.max_pool2d_with_indices(F.unsqueeze(self, -2), (1, *kernel), (1, *stride), (0, *padding), (1, *dilation), ceil_mode)
    values = F.squeeze_dim(found[0], -2)
    return (values, F.squeeze_dim(found[1], -2)) if return_indices else values


@composite(namespace=NN, method=False)
def max_pool2d(
    F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), dilation: Ints = (1,), ceil_mode: Bool = False, return_indices: Bool = False
):
    """The largest element of each window; with return_indices also where it lies, counted over height and width.

    Shapes: (n, c, h, w)  ->  (n, c, h_out, w_out)
    Grad: grad at the place of each maximum, summed
    See: nn.MaxPool2d, nn.functional.avg_pool2d, nn.functional.conv2d

    >>> nn.functional.max_pool2d(tensor([[[1., 3.], [2., 0.]]]), 2)
    tensor([[[3.]]])
    """
    _refuse_dims(self, 2, "max_pool2d")
    found = F.max_pool2d_with_indices(self, *_steps(2, kernel_size, stride, padding, dilation), ceil_mode)
    return (found[0], found[1]) if return_indices else found[0]


@composite(namespace=NN, method=False)
def max_pool3d(
    F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), dilation: Ints = (1,), ceil_mode: Bool = False, return_indices: Bool = False
):
    """The largest element of each window of volumes; with return_indices also where it lies.

    Shapes: (n, c, d, h, w)  ->  (n, c, d_out, h_out, w_out)
    Grad: grad at the place of each maximum, summed
    See: nn.functional.max_pool2d

    >>> nn.functional.max_pool3d(ones(1, 1, 2, 2, 2), 2)
    tensor([[[[[1.]]]]])
    """
    _refuse_dims(self, 3, "max_pool3d")
    found = F.max_pool3d_with_indices(self, *_steps(3, kernel_size, stride, padding, dilation), ceil_mode)
    return (found[0], found[1]) if return_indices else found[0]


def _averaged(F, op, self, n, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    kernel, stride, padding, _ = _steps(n, kernel_size, stride, padding)
    out = check_pool(self, n, kernel, stride, padding, (1,) * n, ceil_mode)
    fixed = [divisor_override] + [None if divisor_override is None else 1] * (n - 1)
    steps = zip(self.shape[-n:], out, kernel, stride, padding, [count_include_pad] * n, fixed, strict=True)
    return op(self, tuple([("average", *step) for step in steps]))


@composite(namespace=NN, method=False)
def avg_pool1d(F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), ceil_mode: Bool = False, count_include_pad: Bool = True):
    """The mean of each window.

    Shapes: (n, c, l)  ->  (n, c, l_out)
    Grad: grad over the window's size, spread over the window
    See: nn.functional.avg_pool2d, nn.functional.max_pool1d

    >>> nn.functional.avg_pool1d(tensor([[1., 3., 2., 0.]]), 2)
    tensor([[2., 1.]])
    """
    if len(self.shape) not in (2, 3):
        raise TensorError(f"Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:{list(self.shape)}")
    kernel, stride, padding, _ = _steps(1, kernel_size, stride, padding)
    image = F.unsqueeze(self, -2)
    result = _averaged(F, F.avg_pool_of, image, 2, (1, *kernel), (1, *stride), (0, *padding), ceil_mode, count_include_pad, None)
    return F.squeeze_dim(result, -2)


@composite(namespace=NN, method=False)
def avg_pool2d(
    F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), ceil_mode: Bool = False, count_include_pad: Bool = True, divisor_override: Int | None = None
):
    """The mean of each window; divisor_override divides the sums by another number.

    Shapes: (n, c, h, w)  ->  (n, c, h_out, w_out)
    Grad: grad over the window's size, spread over the window
    See: nn.AvgPool2d, nn.functional.max_pool2d, nn.functional.adaptive_avg_pool2d

    >>> nn.functional.avg_pool2d(tensor([[[1., 3.], [2., 0.]]]), 2)
    tensor([[[1.5000]]])
    """
    if divisor_override == 0:
        raise TensorError("divisor must be not zero")
    _refuse_dims(self, 2, "avg_pool2d")
    return _averaged(F, F.avg_pool_of, self, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@composite(namespace=NN, method=False)
def avg_pool3d(
    F, self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = (0,), ceil_mode: Bool = False, count_include_pad: Bool = True, divisor_override: Int | None = None
):
    """The mean of each window of volumes; divisor_override divides the sums by another number.

    Shapes: (n, c, d, h, w)  ->  (n, c, d_out, h_out, w_out)
    Grad: grad over the window's size, spread over the window
    See: nn.functional.avg_pool2d

    >>> nn.functional.avg_pool3d(ones(1, 1, 2, 2, 2), 2)
    tensor([[[[[1.]]]]])
    """
    if divisor_override == 0:
        raise TensorError("divisor must be not zero")
    _refuse_dims(self, 3, "avg_pool3d")
    return _averaged(F, F.avg_pool3d_of, self, 3, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


# --- norms of windows -------------------------------------------------------------------------------------------------


def _normed(F, self, norm_type, kernel_size, stride, ceil_mode, n):
    """The p-norm of each window, from the mean of the powers."""
    largest = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[n - 1]
    if math.isinf(norm_type):
        sizes = F.abs(self)
        return largest(sizes, kernel_size, stride, 0, 1, ceil_mode) if norm_type > 0 else -largest(-sizes, kernel_size, stride, 0, 1, ceil_mode)
    means = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[n - 1](self**norm_type, kernel_size, stride, 0, ceil_mode)
    count = kernel_size[0] ** n if len(kernel_size) == 1 else math.prod(kernel_size)
    return (F.sign(means) * F.relu(F.abs(means)) * count) ** (1.0 / norm_type)


@composite(namespace=NN, method=False)
def lp_pool1d(F, self, norm_type: Scalar, kernel_size: Ints, stride: Ints | None = None, ceil_mode: Bool = False):
    """The p-norm of each window, `norm_type` being p.

    Shapes: (n, c, l)  ->  (n, c, l_out)
    Grad: that of the norm, spread over the window
    See: nn.LPPool1d, nn.functional.avg_pool1d

    >>> nn.functional.lp_pool1d(tensor([[3., 4., 0., 1.]]), 2, 2)
    tensor([[5., 1.]])
    """
    return _normed(F, self, norm_type, kernel_size, stride, ceil_mode, 1)


@composite(namespace=NN, method=False)
def lp_pool2d(F, self, norm_type: Scalar, kernel_size: Ints, stride: Ints | None = None, ceil_mode: Bool = False):
    """The p-norm of each window, `norm_type` being p.

    Shapes: (n, c, h, w)  ->  (n, c, h_out, w_out)
    Grad: that of the norm, spread over the window
    See: nn.LPPool2d, nn.functional.avg_pool2d

    >>> nn.functional.lp_pool2d(tensor([[[3., 4.]]]), 2, (1, 2))
    tensor([[[5.]]])
    """
    return _normed(F, self, norm_type, kernel_size, stride, ceil_mode, 2)


@composite(namespace=NN, method=False)
def lp_pool3d(F, self, norm_type: Scalar, kernel_size: Ints, stride: Ints | None = None, ceil_mode: Bool = False):
    """The p-norm of each window of volumes, `norm_type` being p.

    Shapes: (n, c, d, h, w)  ->  (n, c, d_out, h_out, w_out)
    Grad: that of the norm, spread over the window
    See: nn.LPPool3d, nn.functional.avg_pool3d

    >>> nn.functional.lp_pool3d(tensor([[[[3., 4.]]]]), 2, (1, 1, 2))
    tensor([[[[5.]]]])
    """
    return _normed(F, self, norm_type, kernel_size, stride, ceil_mode, 3)


# --- parts ------------------------------------------------------------------------------------------------------------


def _sized(self, n, output_size, name, wrong):
    """The sizes asked for, None meaning the input's.

    Raises RuntimeError with torch's sentences for another count or sizes below 0, ValueError for too few dims.
    """
    output_size = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * n
    if len(output_size) != n:
        raise TensorError(wrong)
    if len(self.shape) <= n:
        raise TensorValueError(f"Input dimension should be at least {n + 1}")
    if any(size is not None and size < 0 for size in output_size):
        *first, last = map(str, output_size)
        sizes = f"{', '.join(first)}{',' if n == 3 and 'avg' in name else ', '}{last}"
        if "max" in name:
            least = min(output_size)
            raise TensorError(f"Trying to create tensor with negative dimension {least}: [{', '.join(map(str, self.shape[:-n]))}, {sizes}]")
        raise TensorError(f"{name}: elements of output_size must be greater than or equal to 0 but received {{{sizes}}}")
    return tuple([have if want is None else want for have, want in zip(self.shape[-n:], output_size, strict=True)])


def _one(output_size, name):
    if len(output_size) != 1:
        raise TensorError(f"{name}() argument 'output_size' should contain one int (got {len(output_size)})")
    return output_size


def _parts(self, output_size):
    return tuple(("adaptive", size, out) for size, out in zip(self.shape[-len(output_size) :], output_size, strict=True))


@composite(namespace=NN, method=False)
def adaptive_avg_pool1d(F, self, output_size: Ints):
    """Means of `output_size` parts of about equal length.

    Shapes: (n, c, l)  ->  (n, c, output_size)
    Grad: grad over the part's size, spread over the part
    See: nn.functional.avg_pool1d, nn.functional.adaptive_avg_pool2d

    >>> nn.functional.adaptive_avg_pool1d(tensor([[1., 3., 2., 0.]]), 2)
    tensor([[2., 1.]])
    """
    image = F.unsqueeze(self, -2)
    sizes = _sized(image, 2, (1, *_one(output_size, "adaptive_avg_pool1d")), "adaptive_avg_pool2d", "")
    return F.squeeze_dim(F.adaptive_avg_pool2d_of(image, _parts(image, sizes)), -2)


@composite(namespace=NN, method=False)
def adaptive_avg_pool2d(F, self, output_size: Any):
    """Means of as many parts of height and width as asked for; None keeps a size.

    Shapes: (n, c, h, w)  ->  (n, c, *output_size)
    Grad: grad over the part's size, spread over the part
    See: nn.AdaptiveAvgPool2d, nn.functional.avg_pool2d

    >>> nn.functional.adaptive_avg_pool2d(tensor([[[1., 3.], [2., 0.]]]), 1)
    tensor([[[1.5000]]])
    """
    sizes = _sized(self, 2, output_size, "adaptive_avg_pool2d", "adaptive_avg_pool2d: output_size must be 2")
    if sizes == (1, 1):
        return F.mean_dim(self, (-1, -2), True)
    return F.adaptive_avg_pool2d_of(self, _parts(self, sizes))


@composite(namespace=NN, method=False)
def adaptive_avg_pool3d(F, self, output_size: Any):
    """Means of as many parts of depth, height and width as asked for; None keeps a size.

    Shapes: (n, c, d, h, w)  ->  (n, c, *output_size)
    Grad: grad over the part's size, spread over the part
    See: nn.AdaptiveAvgPool3d, nn.functional.avg_pool3d

    >>> nn.functional.adaptive_avg_pool3d(ones(1, 1, 2, 2, 2), 1)
    tensor([[[[[1.]]]]])
    """
    sizes = _sized(self, 3, output_size, "adaptive_avg_pool3d", "adaptive_avg_pool3d: output_size must be 3")
    if sizes == (1, 1, 1):
        return F.mean_dim(self, (-1, -2, -3), True)
    return F.adaptive_avg_pool3d_of(self, _parts(self, sizes))


@composite(namespace=NN, method=False)
def adaptive_max_pool1d(F, self, output_size: Ints, return_indices: Bool = False):
    """Maxima of `output_size` parts of about equal length; with return_indices also where they lie.

    Shapes: (n, c, l)  ->  (n, c, output_size)
    Grad: grad at the place of each maximum, summed
    See: nn.functional.max_pool1d, nn.functional.adaptive_avg_pool1d

    >>> nn.functional.adaptive_max_pool1d(tensor([[1., 3., 2., 0.]]), 2)
    tensor([[3., 2.]])
    """
    image = F.unsqueeze(self, -2)
    sizes = _sized(image, 2, (1, *_one(output_size, "adaptive_max_pool1d")), "adaptive_max_pool2d", "")
    found = F.adaptive_max_pool2d_with_indices(image, sizes)
    values = F.squeeze_dim(found[0], -2)
    return (values, F.squeeze_dim(found[1], -2)) if return_indices else values


@composite(namespace=NN, method=False)
def adaptive_max_pool2d(F, self, output_size: Any, return_indices: Bool = False):
    """Maxima of as many parts of height and width as asked for; None keeps a size.

    Shapes: (n, c, h, w)  ->  (n, c, *output_size)
    Grad: grad at the place of each maximum, summed
    See: nn.functional.max_pool2d, nn.functional.adaptive_avg_pool2d

    >>> nn.functional.adaptive_max_pool2d(tensor([[[1., 3.], [2., 0.]]]), 1)
    tensor([[[3.]]])
    """
    sizes = _sized(self, 2, output_size, "adaptive_max_pool2d", "adaptive_max_pool2d(): internal error: output_size.size() must be 2")
    found = F.adaptive_max_pool2d_with_indices(self, sizes)
    return (found[0], found[1]) if return_indices else found[0]


@composite(namespace=NN, method=False)
def adaptive_max_pool3d(F, self, output_size: Any, return_indices: Bool = False):
    """Maxima of as many parts of depth, height and width as asked for; None keeps a size.

    Shapes: (n, c, d, h, w)  ->  (n, c, *output_size)
    Grad: grad at the place of each maximum, summed
    See: nn.functional.max_pool3d, nn.functional.adaptive_avg_pool3d

    >>> nn.functional.adaptive_max_pool3d(tensor([[[[1., 3.], [2., 0.]]]]), 1)
    tensor([[[[3.]]]])
    """
    sizes = _sized(self, 3, output_size, "adaptive_max_pool3d", "adaptive_max_pool3d(): internal error: output_size.size() must be 3")
    found = F.adaptive_max_pool3d_with_indices(self, sizes)
    return (found[0], found[1]) if return_indices else found[0]
