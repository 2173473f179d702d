"""Convolutions of one to three dims and their transposes: windows of the input laid out as columns, then one matrix product."""

from __future__ import annotations

from itertools import product
from math import prod

from .. import dtypes
from ..dtypes import BOOL
from ..errors import TensorError
from ..families.common import C_NAMES, element, not_implemented
from ..families.structural import composite, structural
from ..spec import spec_of

NN = "torch.nn.functional"


# --- windows ----------------------------------------------------------------------------------------------------------


def padded(xp, a, padding, value=0):
    """The array with `padding` elements of `value` before and after each of its last dims."""
    if not any(padding):
        return a
    wide = xp.full((*a.shape[: a.ndim - len(padding)], *[n + 2 * p for n, p in zip(a.shape[a.ndim - len(padding) :], padding, strict=True)]), value, a.dtype)
    wide[(..., *[slice(p, n - p) for n, p in zip(wide.shape[a.ndim - len(padding) :], padding, strict=True)])] = a
    return wide


def windows(xp, a, kernel, stride, dilation, out):
    """A view (..., *kernel, *out) of the last dims: what each place of the kernel sees, by place of the output."""
    lead = a.ndim - len(kernel)
    steps = a.strides[lead:]
    strides = [*a.strides[:lead], *[s * d for s, d in zip(steps, dilation, strict=True)], *[s * t for s, t in zip(steps, stride, strict=True)]]
    return xp.lib.stride_tricks.as_strided(a, (*a.shape[:lead], *kernel, *out), strides)


def folded(xp, columns, kernel, stride, dilation, padding, out, sizes):
    """Columns (..., *kernel, *out) added up where they came from: (..., *sizes)."""
    lead = columns.shape[: columns.ndim - 2 * len(kernel)]
    wide = xp.zeros((*lead, *[n + 2 * p for n, p in zip(sizes, padding, strict=True)]), columns.dtype)
    for place in product(*map(range, kernel)):
        spots = [slice(k * d, k * d + t * (o - 1) + 1, t) for k, d, t, o in zip(place, dilation, stride, out, strict=True)]
        wide[(..., *spots)] += columns[(*[slice(None)] * len(lead), *place)]
    return wide[(..., *[slice(p, p + n) for n, p in zip(sizes, padding, strict=True)])]


def _columns(xp, x, kernel, stride, padding, dilation, groups, out):
    """(n, groups, channels of a group * kernel, places of the output)."""
    seen = windows(xp, padded(xp, x, padding), kernel, stride, dilation, out)
    return seen.reshape(x.shape[0], groups, x.shape[1] // groups * prod(kernel), prod(out))


def _by_group(a, groups):
    """(n, c, ...) as (n, groups, c / groups, all the rest)."""
    return a.reshape(a.shape[0], groups, a.shape[1] // groups, prod(a.shape[2:]))


def out_sizes(sizes, kernel, stride, padding, dilation):
    """Places a kernel can stand on, dim by dim."""
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True))


def _shifted(bias, ndim):
    return bias.reshape(-1, *(1,) * (ndim - 2))


def _widened(xp, *arrays):
    """16-bit floats as float32, in which the products are added up."""
    return [a.astype("float32") if a is not None and a.dtype.itemsize == 2 and a.dtype.kind not in "iu" else a for a in arrays]


# --- the three products, each the others' derivative --------------------------------------------------------------------


def _channels_innermost(self):
    """Whether torch takes a tensor of images for one with the channels innermost (its rule, which looks at sizes of 1 too)."""
    least = 0
    for dim in (1, 3, 2, 0) if self.ndim == 4 and self.strides[1] else ():
        if not self.shape[dim] or self.strides[dim] < least or (dim == 0 and least == self.strides[1]):
            return False
        least = self.strides[dim] * max(self.shape[dim], 1)
    return self.ndim == 4 and self.strides[1] != 0


def laid_out(self, shape):
    """Row-major, or the channels innermost where the input has them there."""
    if len(shape) == 4 and _channels_innermost(self):
        _, c, h, w = shape
        return spec_of(self.dtype, self.device, shape, (h * w * c, 1, w * c, c))
    return spec_of(self.dtype, self.device, shape)


def _plan_conv(self, weight, bias, stride, padding, dilation, groups, places):
    _check_conv(self, weight, bias, stride, padding, dilation, groups)
    out = places or out_sizes(self.sizes[2:], weight.sizes[2:], stride, padding, dilation)
    return laid_out(self, (self.shape[0], weight.shape[0], *out))


def _check_kinds(self, weight, bias, kernel="slow_conv{}d_cpu"):
    if weight.dtype is not self.dtype:
        raise TensorError(f"expected scalar type {self.dtype.kernel_name} but found {weight.dtype.kernel_name}")
    if bias is not None and bias.dtype is not self.dtype:
        raise TensorError(f"Input type ({C_NAMES[self.dtype.name]}) and bias type ({C_NAMES[bias.dtype.name]}) should be the same")
    if self.dtype.category == BOOL:
        raise not_implemented(kernel.format(max(self.ndim - 2, 2)), dtypes.bool_)


def _check_geometry(stride, padding, dilation):
    if any(s <= 0 for s in stride):
        raise TensorError("non-positive stride is not supported")
    if any(p < 0 for p in padding):
        raise TensorError("negative padding is not supported")
    if any(d <= 0 for d in dilation):
        raise TensorError("dilation should be greater than zero")


def _uneven(shape, sizes, gap):
    """torch's sentence for a weight and an input of different dims."""
    n = len(shape)
    return f"Expected {n}-dimensional input for {n}-dimensional weight{gap}{shape}, but got {len(sizes)}-dimensional input of size {sizes} instead"


def _check_conv(self, weight, bias, stride, padding, dilation, groups):
    shape, sizes = list(weight.shape), list(self.shape)
    if groups <= 0:
        raise TensorError("non-positive groups is not supported")
    _check_geometry(stride, padding, dilation)
    if len(shape) != len(sizes):
        raise TensorError(_uneven(shape, sizes, " "))
    if shape[0] < groups:
        raise TensorError(f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size {shape} instead")
    if shape[0] % groups:
        raise TensorError(f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size [{shape}] instead")
    if sizes[1] != shape[1] * groups:
        raise TensorError(
            f"Given groups={groups}, weight of size {shape}, expected input{sizes} to have {shape[1] * groups} channels, but got {sizes[1]} channels instead"
        )
    if bias is not None and (bias.ndim != 1 or bias.shape[0] != shape[0]):
        raise TensorError(f"Given weight of size {shape}, expected bias to be 1-dimensional with {shape[0]} elements, but got bias of size {list(bias.shape)} instead")
    seen = [n + 2 * p for n, p in zip(sizes[2:], padding, strict=True)]
    kernel = [d * (k - 1) + 1 for k, d in zip(shape[2:], dilation, strict=True)]
    if any(k > n for k, n in zip(kernel, seen, strict=True)):
        per, sized = (" x ".join(map(str, each)) for each in (seen, kernel))
        raise TensorError(f"Calculated padded input size per channel: ({per}). Kernel size: ({sized}). Kernel size can't be greater than actual input size")
    _check_kinds(self, weight, bias)


def _bias_grad(grad, F):
    return F.sum_dim(grad, (0, *range(2, len(grad.shape))), False)


@structural(
    plan=_plan_conv,
    node="ConvolutionBackward",
    self=lambda grad, weight, self_spec, stride, padding, dilation, groups, F: F.conv_input(
        grad, weight, None, self_spec.sizes[2:], stride, padding, dilation, groups
    ),
    weight=lambda grad, self, weight_spec, stride, padding, dilation, groups, F: F.conv_weight(
        self, grad, weight_spec.sizes[2:], stride, padding, dilation, groups
    ),
    bias=lambda grad, F: _bias_grad(grad, F),
    function=False,
    method=False,
    out=False,
)
def convolution(
    xp, self, weight, bias: Tensor | None, stride: Ints, padding: Ints, dilation: Ints, groups: Int, places: Ints | None = None
):
    """The product of each window with the kernels: (n, c, *sizes), (m, c / groups, *kernel) -> (n, m, *out), at most `places`."""
    x, w, b = _widened(xp, self, weight, bias)
    out = places or out_sizes(x.shape[2:], w.shape[2:], stride, padding, dilation)
    columns = _columns(xp, x, w.shape[2:], stride, padding, dilation, groups, out)
    found = xp.matmul(w.reshape(groups, w.shape[0] // groups, columns.shape[2]), columns).reshape(x.shape[0], w.shape[0], *out)
    return found if b is None else found + _shifted(b, found.ndim)


@structural(
    plan=lambda self, weight, bias, sizes, stride, padding, dilation, groups: laid_out(self, (self.shape[0], weight.shape[1] * groups, *sizes)),
    node="ConvolutionBackward",
    self=lambda grad, weight, self_spec, stride, padding, dilation, groups, F: F.convolution(
        grad, weight, None, stride, padding, dilation, groups, self_spec.sizes[2:]
    ),
    weight=lambda grad, self, weight_spec, stride, padding, dilation, groups, F: F.conv_weight(
        grad, self, weight_spec.sizes[2:], stride, padding, dilation, groups
    ),
    bias=lambda grad, F: _bias_grad(grad, F),
    function=False,
    method=False,
    out=False,
)
def conv_input(xp, self, weight, bias: Tensor | None, sizes: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: Int):
    """What a convolution's input gets back from its output, which is the transposed convolution: (n, m, *out) -> (n, c, *sizes)."""
    y, w, b = _widened(xp, self, weight, bias)
    kernel, out = w.shape[2:], y.shape[2:]
    rows = w.reshape(groups, w.shape[0] // groups, w.shape[1] * prod(kernel))
    columns = xp.matmul(xp.swapaxes(rows, 1, 2), _by_group(y, groups)).reshape(y.shape[0], w.shape[1] * groups, *kernel, *out)
    found = folded(xp, columns, kernel, stride, dilation, padding, out, sizes)
    return found if b is None else found + _shifted(b, found.ndim)


@structural(
    plan=lambda self, grad, kernel, stride, padding, dilation, groups: spec_of(
        self.dtype, self.device, (grad.shape[1], self.shape[1] // groups, *kernel)
    ),
    self=lambda grad, grad_out, self_spec, stride, padding, dilation, groups, F: F.conv_input(
        grad_out, grad, None, self_spec.sizes[2:], stride, padding, dilation, groups
    ),
    grad_out=lambda grad, self, grad_out_spec, stride, padding, dilation, groups, F: F.convolution(
        self, grad, None, stride, padding, dilation, groups, grad_out_spec.sizes[2:]
    ),
    function=False,
    method=False,
    out=False,
)
def conv_weight(xp, self, grad_out, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: Int):
    """What a convolution's kernels get: each window times the gradient of its place, added up."""
    x, y = _widened(xp, self, grad_out)
    columns = _columns(xp, x, kernel, stride, padding, dilation, groups, y.shape[2:])
    found = xp.matmul(_by_group(y, groups), xp.swapaxes(columns, 2, 3)).sum(0)
    return found.reshape(y.shape[1], x.shape[1] // groups, *kernel)


# --- the public names -------------------------------------------------------------------------------------------------


def listed(value, n, name, what="match the convolution dimensions"):
    """One number for each of `n` dims.

    Raises RuntimeError with torch's sentence for another count.
    """
    if len(value) == 1:
        return value * n
    if len(value) != n:
        raise TensorError(f"expected {name} to be a single integer value or a list of {n} values to {what}, but got {name}={list(value)}")
    return value


def _batched(F, self, n, name):
    if len(self.shape) not in (n + 1, n + 2):
        raise TensorError(f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input of size: {list(self.shape)}")
    return self if len(self.shape) == n + 2 else F.unsqueeze(self, 0)


def _by_parts(F, x, weight, bias, convolve):
    """A convolution; one of complex numbers as torch takes it apart, by three of real ones (Gauss)."""
    if not (x.dtype.is_complex and weight.dtype.is_complex):
        return convolve(x, weight, bias)
    own, turned = (F.real(x), F.real(weight)), (F.imag(x), F.imag(weight))
    both = convolve(own[0] + turned[0], own[1] + turned[1], None if bias is None else F.real(bias) + F.imag(bias))
    first, second = convolve(*own, None if bias is None else F.real(bias)), convolve(*turned, None)
    return first - second + (both - first - second) * 1j


def _convolved(F, self, weight, bias, stride, padding, dilation, groups, n):
    name = f"conv{n}d"
    x = _batched(F, self, n, name)
    stride, dilation = listed(stride, n, "stride"), listed(dilation, n, "dilation")
    if len(weight.shape) != len(x.shape):
        raise TensorError(_uneven(list(weight.shape), list(x.shape), "" if isinstance(padding, str) else " "))
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise TensorError(f"Invalid padding string: '{padding}'")
        if padding == "same" and any(s != 1 for s in stride):
            raise TensorError("padding='same' is not supported for strided convolutions")
        total = [d * (k - 1) if padding == "same" else 0 for k, d in zip(weight.shape[2:], dilation, strict=True)]
        if any(t % 2 for t in total):  # one more element after than before
            x = F.constant_pad_nd(x, tuple(v for t in reversed(total) for v in (0, t % 2)), 0)
        padding = tuple(t // 2 for t in total)
    around = listed(padding, n, "padding")
    result = _by_parts(F, x, weight, bias, lambda x, w, b: F.convolution(x, w, b, stride, around, dilation, groups))
    return result if x is self or len(self.shape) == n + 2 else F.squeeze_dim(result, 0)


@composite(namespace=NN, method=False)
def conv1d(F, self, weight, bias: Tensor | None = None, stride: Ints = (1,), padding: Padding = (0,), dilation: Ints = (1,), groups: Int = 1):
    """Kernels slid along sequences: the sum of products at each place. padding="same" keeps the length.

    Shapes: (n, c, l), weight (m, c / groups, k), bias (m)  ->  (n, m, l_out)
    Grad: input: the transposed convolution of grad; weight: windows times grad, summed; bias: grad summed
    See: nn.Conv1d, nn.functional.conv2d, nn.functional.conv_transpose1d

    >>> nn.functional.conv1d(tensor([[[1., 2., 4.]]]), tensor([[[1., 1.]]]))
    tensor([[[3., 6.]]])
    """
    return _convolved(F, self, weight, bias, stride, padding, dilation, groups, 1)


@composite(namespace=NN, method=False)
def conv2d(F, self, weight, bias: Tensor | None = None, stride: Ints = (1,), padding: Padding = (0,), dilation: Ints = (1,), groups: Int = 1):
    """Kernels slid over images: the sum of products at each place. padding="same" keeps the size.

    Shapes: (n, c, h, w), weight (m, c / groups, kh, kw), bias (m)  ->  (n, m, h_out, w_out)
    Grad: input: the transposed convolution of grad; weight: windows times grad, summed; bias: grad summed
    See: nn.Conv2d, nn.functional.max_pool2d, nn.functional.conv_transpose2d

    >>> nn.functional.conv2d(ones(1, 1, 3, 3), ones(1, 1, 2, 2))
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    return _convolved(F, self, weight, bias, stride, padding, dilation, groups, 2)


@composite(namespace=NN, method=False)
def conv3d(F, self, weight, bias: Tensor | None = None, stride: Ints = (1,), padding: Padding = (0,), dilation: Ints = (1,), groups: Int = 1):
    """Kernels slid through volumes: the sum of products at each place. padding="same" keeps the size.

    Shapes: (n, c, d, h, w), weight (m, c / groups, kd, kh, kw), bias (m)  ->  (n, m, d_out, h_out, w_out)
    Grad: input: the transposed convolution of grad; weight: windows times grad, summed; bias: grad summed
    See: nn.functional.conv2d

    >>> nn.functional.conv3d(ones(1, 1, 2, 2, 2), ones(1, 1, 2, 2, 2))
    tensor([[[[[8.]]]]])
    """
    return _convolved(F, self, weight, bias, stride, padding, dilation, groups, 3)


def _transposed(F, self, weight, bias, stride, padding, output_padding, groups, dilation, n):
    x = _batched(F, self, n, f"conv_transpose{n}d")
    stride, dilation = listed(stride, n, "stride"), listed(dilation, n, "dilation")
    padding, extra = listed(padding, n, "padding"), listed(output_padding, n, "output_padding")
    _check_geometry(stride, padding, dilation)
    if any(e < 0 for e in extra):
        raise TensorError("negative output_padding is not supported")
    shape = list(weight.shape)
    if x.shape[1] != shape[0]:
        raise TensorError(
            f"Given transposed=1, weight of size {shape}, expected input{list(x.shape)} to have {shape[0]} channels, but got {x.shape[1]} channels instead"
        )
    if bias is not None and tuple(bias.shape) != (shape[1] * groups,):
        raise TensorError(
            f"Given transposed=1, weight of size {shape}, expected bias to be 1-dimensional with {shape[1] * groups} elements, but got bias of size"
            f" {list(bias.shape)} instead"
        )
    _check_kinds(x.spec, weight.spec, None if bias is None else bias.spec, "slow_conv_transpose{}d_out_cpu")
    sizes = tuple(
        (i - 1) * s - 2 * p + d * (k - 1) + e + 1 for i, s, p, d, k, e in zip(x.shape[2:], stride, padding, dilation, shape[2:], extra, strict=True)
    )
    if any(e >= s and e >= d for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise TensorError(_too_much(extra, stride, dilation))
    result = _by_parts(F, x, weight, bias, lambda x, w, b: F.conv_input(x, w, b, sizes, stride, padding, dilation, groups))
    return result if len(self.shape) == n + 2 else F.squeeze_dim(result, 0)


def _too_much(extra, stride, dilation):
    """torch's sentence for output padding beyond what a step or a gap leaves open."""
    sides = ("depth", "height", "width")[-max(len(extra), 2) :]
    triples = [(0, 1, 1)] * (len(sides) - len(extra)) + list(zip(extra, stride, dilation, strict=True))
    words = [f"{name}_{side}: {triple[i]}" for i, name in enumerate(("output_padding", "stride", "dilation")) for side, triple in zip(sides, triples, strict=True)]
    return f"output padding must be smaller than either stride or dilation, but got {' '.join(words)}"


@composite(namespace=NN, method=False)
def conv_transpose1d(
    F, self, weight, bias: Tensor | None = None, stride: Ints = (1,), padding: Ints = (0,), output_padding: Ints = (0,), groups: Int = 1, dilation: Ints = (1,)
):
    """conv1d backwards: each element spreads the kernels around its place.

    Shapes: (n, c, l), weight (c, m / groups, k), bias (m)  ->  (n, m, l_out)
    Grad: input: the convolution of grad; weight: windows of grad times input, summed; bias: grad summed
    See: nn.functional.conv1d, nn.functional.conv_transpose2d

    >>> nn.functional.conv_transpose1d(tensor([[[1., 2.]]]), tensor([[[1., 1.]]]))
    tensor([[[1., 3., 2.]]])
    """
    return _transposed(F, self, weight, bias, stride, padding, output_padding, groups, dilation, 1)


@composite(namespace=NN, method=False)
def conv_transpose2d(
    F, self, weight, bias: Tensor | None = None, stride: Ints = (1,), padding: Ints = (0,), output_padding: Ints = (0,), groups: Int = 1, dilation: Ints = (1,)
):
    """conv2d backwards: each element spreads the kernels around its place.

    Shapes: (n, c, h, w), weight (c, m / groups, kh, kw), bias (m)  ->  (n, m, h_out, w_out)
    Grad: input: the convolution of grad; weight: windows of grad times input, summed; bias: grad summed
    See: nn.ConvTranspose2d, nn.functional.conv2d

    >>> nn.functional.conv_transpose2d(ones(1, 1, 1, 2), ones(1, 1, 1, 2))
    tensor([[[[1., 2., 1.]]]])
    """
    return _transposed(F, self, weight, bias, stride, padding, output_padding, groups, dilation, 2)


@composite(namespace=NN, method=False)
def conv_transpose3d(
    F, self, weight, bias: Tensor | None = None, stride: Ints = (1,), padding: Ints = (0,), output_padding: Ints = (0,), groups: Int = 1, dilation: Ints = (1,)
):
    """conv3d backwards: each element spreads the kernels around its place.

    Shapes: (n, c, d, h, w), weight (c, m / groups, kd, kh, kw), bias (m)  ->  (n, m, d_out, h_out, w_out)
    Grad: input: the convolution of grad; weight: windows of grad times input, summed; bias: grad summed
    See: nn.functional.conv3d, nn.functional.conv_transpose2d

    >>> nn.functional.conv_transpose3d(ones(1, 1, 1, 1, 2), ones(1, 1, 1, 1, 2))
    tensor([[[[[1., 2., 1.]]]]])
    """
    return _transposed(F, self, weight, bias, stride, padding, output_padding, groups, dilation, 3)


# --- padding ----------------------------------------------------------------------------------------------------------


def _padded_shape(shape, pad):
    if len(pad) % 2:
        raise TensorError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * len(shape):
        raise TensorError(
            f"Length of pad should be no more than twice the number of dimensions of the input. Pad length is {len(pad)} while the input has"
            f" {len(shape)} dimensions."
        )
    sizes = list(shape)
    for i in range(len(pad) // 2):
        at = len(shape) - 1 - i
        sizes[at] += pad[2 * i] + pad[2 * i + 1]
        if sizes[at] < 0:
            raise TensorError(
                f"The input size {shape[at]}, plus negative padding {pad[2 * i]} and {pad[2 * i + 1]} resulted in a negative output size, which is"
                f" invalid. Check dimension {at} of your input."
            )
    return tuple(sizes)


@structural(
    plan=lambda self, pad, value: laid_out(self, _padded_shape(self.sizes, pad)),
    self=lambda grad, pad, F: F.constant_pad_nd(grad, tuple([-p for p in pad]), 0),
    method=False,
    out=False,
)
def constant_pad_nd(xp, self, pad: Ints, value: Scalar = 0):
    """`value` before and after the last dims, first the last one; negative numbers cut.

    Shapes: (a, b), pad (l, r)  ->  (a, l + b + r); pad (l, r, t, u)  ->  (t + a + u, l + b + r)
    Grad: grad without what was added
    See: nn.functional.pad

    >>> constant_pad_nd(tensor([[1., 2.]]), (1, 0), 7)
    tensor([[7., 1., 2.]])
    """
    wide = xp.full(_padded_shape(self.shape, pad), element(value, self.dtype), self.dtype)
    to, source = [slice(None)] * self.ndim, [slice(None)] * self.ndim
    for i in range(len(pad) // 2):
        at, before, after = self.ndim - 1 - i, pad[2 * i], pad[2 * i + 1]
        to[at] = slice(max(before, 0), wide.shape[at] - max(after, 0))
        source[at] = slice(max(-before, 0), self.shape[at] - max(-after, 0))
    wide[tuple(to)] = self[tuple(source)]
    return wide
