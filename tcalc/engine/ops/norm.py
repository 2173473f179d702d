"""Normalisations: of layers, groups, batches and instances, by the root mean square; and the dropouts of whole channels."""

from __future__ import annotations

import math

from .. import dtypes, random
from ..backend import META, np
from ..dtypes import FLOAT
from ..errors import TensorError, TensorValueError
from ..families.common import no_kernel, not_implemented, refuse_grad_of
from ..families.structural import composite, structural
from ..layout import is_channels_last
from ..modes import no_grad
from ..notices import notice
from ..rows import dots, mapped, sums, width_of
from ..spec import spec_of
from ..tensor import allocate

NN = "torch.nn.functional"
_ALPHA = 1.7580993408473766  # what selu tends to at minus infinity, negated


def _wide(xp, a):
    """16-bit floats computed in float32."""
    return a.astype("float32") if a is not None and a.dtype.itemsize == 2 else a


def _moments(xp, self, dims):
    """(distance from the mean, variance) along `dims`, dims kept."""
    count = math.prod([self.shape[d] for d in dims])
    centred = self - xp.add.reduce(self, dims, keepdims=True) / self.dtype.type(max(count, 1))
    return centred, xp.add.reduce(xp.square(centred), dims, keepdims=True) / self.dtype.type(max(count, 1))


def _centred(rows, eps, out):
    """Rows less their means into `out`, and the root of their variance."""
    count = rows.dtype.type(rows.shape[-1])
    np.subtract(rows, sums(rows) / count, out=out)
    return np.sqrt(dots(out, out) / count + rows.dtype.type(eps))


def _normalised(xp, self, dims, eps, weight=None, bias=None):
    """Mean 0 and variance 1 along `dims`, times a weight and plus a bias of one row."""
    width = width_of(dims, self)
    if width:

        def normalise(rows, out):
            out *= 1 / _centred(rows, eps, out)
            _scaled(np, out, weight, bias, (width,))

        return mapped(normalise, width, self)
    centred, variance = _moments(xp, self, dims)
    centred /= xp.sqrt(variance + self.dtype.type(eps))
    return _scaled(xp, centred, weight, bias, self.shape[dims[0] :])


def _scaled(xp, values, weight, bias, shape):
    """`values * weight + bias`, both reshaped to stand beside the channels."""
    if weight is not None:
        values *= _wide(xp, weight).reshape(shape)
    if bias is not None:
        values += _wide(xp, bias).reshape(shape)
    return values


def _slopes(grad, self, weight, dims, eps, F):
    """(gradient of the input, normalised input) for a mean and a variance taken along `dims`."""
    centred = self - F.mean_dim(self, dims, True)
    rate = F.rsqrt(F.mean_dim(centred * centred, dims, True) + eps)
    units = centred * rate
    grad = grad if weight is None else grad * weight
    return rate * (grad - F.mean_dim(grad, dims, True) - units * F.mean_dim(grad * units, dims, True)), units


def _check_dtypes(self, *params):
    """Refuse parameters of other dtypes than the input's, but for those of float32 beside 16-bit floats.

    Raises RuntimeError with torch's sentences.
    """
    given = [param.dtype for param in params if param is not None]
    if not given or self.device is META:
        return
    wanted = self.dtype
    if given[0] is not wanted:
        if given[0] is not dtypes.float32:
            raise TensorError("mixed dtype (CPU): expect parameter to have scalar type of Float")
        if wanted not in dtypes.REDUCED:
            raise TensorError("mixed dtype (CPU): all inputs must share same datatype.")
        wanted = dtypes.float32
    for d in given[1:]:
        if d is not wanted:
            raise TensorError(f"expected scalar type {wanted.kernel_name} but found {d.kernel_name}")


# --- layers and groups ------------------------------------------------------------------------------------------------


def _check_layer(self, normalized_shape, weight, bias, star="*, "):
    sizes = list(normalized_shape)
    if not sizes:
        raise TensorError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []"
        )
    for name, given in (("weight", weight), ("bias", bias)):
        if given is not None and list(given.shape) != sizes:
            raise TensorError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(given.shape)} and normalized_shape = {sizes}"
            )
    if self.ndim < len(sizes) or list(self.shape[self.ndim - len(sizes) :]) != sizes:
        wanted = star + ", ".join(map(str, sizes))
        raise TensorError(f"Given normalized_shape={sizes}, expected input with shape [{wanted}], but got input of size{list(self.shape)}")


def _plan_layer_norm(self, normalized_shape, weight, bias, eps):
    _check_layer(self, normalized_shape, weight, bias)
    if self.dtype.category < FLOAT:
        raise not_implemented("LayerNormKernelImpl", self.dtype)
    _check_dtypes(self, weight, bias)
    return spec_of(self.dtype, self.device, self.shape)


def _layer_norm_in_rows(grad, self, weight, normalized_shape, eps, needs):
    """The formula by blocks of rows, with sums as products and the factors of a whole row put together before they meet it."""
    first = self.ndim - len(normalized_shape)
    width = width_of(tuple(range(first, self.ndim)), grad, self)
    if not width or (weight is not None and weight.dtype is not self.dtype):
        return None
    count = self.dtype.type(width)
    by_weight, by_bias = (np.zeros(self.shape[first:], self.dtype) if need else None for need in needs[1:])
    row = np.ones(width, self.dtype) if weight is None else weight.reshape(width)

    def slopes(grad, rows, out):
        rate = 1 / _centred(rows, eps, out)
        products = grad * out  # with the centred rows: what is a factor of a whole row waits until rows are added up
        for total, rates, part in ((by_weight, rate, products), (by_bias, np.ones_like(rate), grad)):
            if total is not None:
                total += (rates.T @ part).reshape(total.shape)
        if needs[0]:
            out *= dots(products, row) * rate * rate / count  # in this order, for rates far from 1
            out += dots(grad, row) / count
            np.subtract(grad if weight is None else np.multiply(grad, row, out=products), out, out=out)
            out *= rate

    slope = mapped(slopes, width, grad, self, apart=False)
    return [slope if needs[0] else None, by_weight, by_bias]


def _layer_norm_grads(grad, self, weight, normalized_shape, eps, needs, F):
    dims = tuple(range(len(self.shape) - len(normalized_shape), len(self.shape)))
    slope, units = _slopes(grad, self, weight, dims, eps, F)
    return [
        slope if needs[0] else None,
        F.sum_to(grad * units, tuple(normalized_shape)) if needs[1] else None,
        F.sum_to(grad, tuple(normalized_shape)) if needs[2] else None,
    ]


@structural(
    plan=_plan_layer_norm, node="NativeLayerNormBackward", namespace=NN, method=False, out=False, grads=_layer_norm_grads, in_rows=_layer_norm_in_rows, real_only=no_kernel("LayerNormKernelImpl"),
)
def layer_norm(xp, self, normalized_shape: Ints, weight: Tensor | None = None, bias: Tensor | None = None, eps: Float = 1e-5):
    """The last dims, of shape `normalized_shape`, brought to mean 0 and variance 1, then scaled and moved (Ba et al. 2016).

    Shapes: (..., n), normalized_shape (n)  ->  (..., n)
    Grad: rate * (g - mean(g) - xn * mean(g * xn)), g = grad * weight, xn the normalised input; weight: grad * xn; bias: grad, summed
    See: nn.LayerNorm, nn.functional.rms_norm, nn.functional.batch_norm, var

    >>> nn.functional.layer_norm(tensor([[1., 3.]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    dims = tuple(range(self.ndim - len(normalized_shape), self.ndim))
    found = _normalised(xp, _wide(xp, self), dims, eps, weight, bias)
    return found if weight is None or bias is not None else found + 0  # torch adds a bias of 0, which leaves no -0


@composite(namespace=NN, method=False)
def rms_norm(F, self, normalized_shape: Ints, weight: Tensor | None = None, eps: Float | None = None):
    """The last dims over the root of their mean square, times `weight` (Zhang and Sennrich 2019); eps is that of the dtype by default.

    Shapes: (..., n), normalized_shape (n)  ->  (..., n)
    Grad: rate * (g - xn * mean(g * xn)), g = grad * weight, xn the normalised input; weight: grad * xn, summed
    See: nn.RMSNorm, nn.functional.layer_norm

    >>> nn.functional.rms_norm(tensor([[3., 3.]]), (2,))
    tensor([[1., 1.]])
    """
    _check_layer(self.spec, normalized_shape, None if weight is None else weight.spec, None, "*")
    if self.dtype.category < FLOAT:
        raise not_implemented("rms_norm", self.dtype)
    eps = {8: 2.0**-52, 4: 2.0**-23}.get(self.dtype.itemsize, 2.0**-23) if eps is None else eps
    dims = tuple(range(len(self.shape) - len(normalized_shape), len(self.shape)))
    result = self * F.rsqrt(F.mean_dim(F.pow_scalar(self, 2), dims, True) + eps)
    result = result if weight is None else result * weight
    return F.contiguous(result if result.dtype is self.dtype else F.cast(result, self.dtype))


def _plan_group_norm(self, num_groups, weight, bias, eps):
    if self.ndim < 2:
        raise TensorError("Expected at least 2 dimensions for input tensor but received " + str(self.ndim))
    channels = self.shape[1]
    if num_groups <= 0:
        raise TensorError(f"Expected num groups to be greater than 0, got {num_groups}")
    if channels % num_groups:
        raise TensorError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape {list(self.shape)} and num_groups={num_groups}"
        )
    for name, given in (("weight", weight), ("bias", bias)):
        if given is not None and (given.ndim != 1 or given.numel != channels):
            raise TensorError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape {list(given.shape)}"
                f" and input of shape {list(self.shape)}"
            )
    if self.dtype.category < FLOAT:
        raise not_implemented("GroupNormKernelImpl", self.dtype)
    _check_dtypes(self, weight, bias)
    return spec_of(self.dtype, self.device, self.shape)


def _beside_channels(shape):
    """The shape in which a vector of channels stands beside (n, channels, ...)."""
    return (1, shape[1], *(1,) * (len(shape) - 2))


def _group_norm_grads(grad, self, weight, num_groups, eps, self_spec, needs, F):
    shape = self_spec.sizes
    rows = (shape[0], num_groups, math.prod(shape[1:]) // num_groups)
    beside = _beside_channels(shape)
    scaled = grad if weight is None else grad * F.reshape(weight, beside)
    slope, units = _slopes(F.reshape(scaled, rows), F.reshape(self, rows), None, (2,), eps, F)
    return [
        F.reshape(slope, shape) if needs[0] else None,
        F.reshape(F.sum_to(grad * F.reshape(units, shape), beside), (shape[1],)) if needs[1] else None,
        F.reshape(F.sum_to(grad, beside), (shape[1],)) if needs[2] else None,
    ]


@structural(
    plan=_plan_group_norm, node="NativeGroupNormBackward", namespace=NN, method=False, out=False, grads=_group_norm_grads, real_only=no_kernel("GroupNormKernelImpl"),
)
def group_norm(xp, self, num_groups: Int, weight: Tensor | None = None, bias: Tensor | None = None, eps: Float = 1e-5):
    """The channels (dim 1) in groups, each group of a sample brought to mean 0 and variance 1 (Wu and He 2018).

    Shapes: (n, c, ...)  ->  (n, c, ...)
    Grad: as layer_norm's, over each group
    See: nn.GroupNorm, nn.functional.layer_norm, nn.functional.instance_norm

    >>> nn.functional.group_norm(tensor([[1., 3., 5., 9.]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    rows = (self.shape[0], num_groups, math.prod(self.shape[1:]) // num_groups)
    units = _normalised(xp, _wide(xp, self).reshape(rows), (2,), eps).reshape(self.shape)
    return _scaled(xp, units, weight, bias, _beside_channels(self.shape))


# --- batches ----------------------------------------------------------------------------------------------------------


def _plan_batch_norm(self, weight, bias, mean, var, training, eps):
    if self.ndim < 2:
        raise TensorError(f"Expected at least 2 dimensions for input tensor but received {self.ndim}")
    for name, given in (("running_mean", mean), ("running_var", var), ("weight", weight), ("bias", bias)):
        if given is not None and given.numel != self.shape[1]:
            raise TensorError(f"{name} should contain {self.shape[1]} elements not {given.numel}")
    if not training and (mean is None or var is None):
        raise TensorError("Expected running_mean and running_var to be defined when training=False")
    if self.dtype.category < FLOAT:
        raise not_implemented("batch_norm", self.dtype)
    _check_dtypes(self, weight, bias, mean, var)
    kept = self.strides if is_channels_last(self.shape, self.strides) else None
    return spec_of(self.dtype, self.device, self.shape, kept)


def _batch_norm_grads(grad, self, weight, mean, var, training, eps, self_spec, needs, F):
    shape = self_spec.sizes
    beside = _beside_channels(shape)
    dims = (0, *range(2, len(shape)))
    weight = None if weight is None else F.reshape(weight, beside)
    if training:
        slope, units = _slopes(grad, self, weight, dims, eps, F)
    else:
        rate = F.rsqrt(F.reshape(var, beside) + eps)
        units = (self - F.reshape(mean, beside)) * rate
        slope = grad * rate if weight is None else grad * weight * rate
    return [
        slope if needs[0] else None,
        F.reshape(F.sum_to(grad * units, beside), (shape[1],)) if needs[1] else None,
        F.reshape(F.sum_to(grad, beside), (shape[1],)) if needs[2] else None,
        None,
        None,
    ]


@structural(
    plan=_plan_batch_norm, node="NativeBatchNormBackward", grads=_batch_norm_grads, function=False, method=False, out=False, real_only=no_kernel("batch_norm")
)
def batch_norm_values(
    xp, self, weight: Tensor | None, bias: Tensor | None, mean: Tensor | None, var: Tensor | None, training: Bool, eps: Float
):
    """batch_norm without the update of the running statistics."""
    wide, beside = _wide(xp, self), _beside_channels(self.shape)
    if training:
        units = _normalised(xp, wide, (0, *range(2, self.ndim)), eps)
    else:
        mean, var = (_wide(xp, stat).reshape(beside) for stat in (mean, var))
        units = (wide - mean) / xp.sqrt(var + wide.dtype.type(eps))
    return _scaled(xp, units, weight, bias, beside)


def refuse_moving(mean, var):
    """Refuse running statistics that require grad, with torch's sentence."""
    refuse_grad_of("native_batch_norm: running_mean", mean)
    refuse_grad_of("native_batch_norm: running_var", var)


def remember(self, mean, var, momentum):
    """Move running statistics towards those of the batch; the variance is the unbiased one, as torch keeps it."""
    dims = [0, *range(2, len(self.shape))]
    count = math.prod([self.shape[d] for d in dims])
    with no_grad():
        here = self.detach()
        if mean is not None:
            mean.mul_(1 - momentum).add_(here.mean(dims), alpha=momentum)
        if var is not None:
            var.mul_(1 - momentum).add_(here.var(dims, correction=1 if count > 1 else 0), alpha=momentum)


@composite(namespace=NN, method=False)
def batch_norm(
    F,
    self,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: Bool = False,
    momentum: Float = 0.1,
    eps: Float = 1e-5,
):
    """Each channel (dim 1) brought to mean 0 and variance 1 over the batch in training, by the running statistics else
    (Ioffe and Szegedy 2015). In training these move `momentum` of the way to the batch's.

    Shapes: (n, c, ...)  ->  (n, c, ...)
    Grad: in training as layer_norm's, over each channel; else grad * weight / sqrt(running_var + eps)
    See: nn.BatchNorm1d, nn.BatchNorm2d, nn.functional.layer_norm

    >>> nn.functional.batch_norm(tensor([[1.], [3.]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    if training and len(self.shape) >= 2 and self.spec.numel == self.shape[1]:
        raise TensorValueError(f"Expected more than 1 value per channel when training, got input size {self.shape!r}")
    if not self.spec.numel:
        result = F.clone(self) if weight is None else F.clone(self) * weight[0]
        return result if bias is None else result + bias[0]
    refuse_moving(running_mean, running_var)
    result = F.batch_norm_values(self, weight, bias, *(None, None) if training else (running_mean, running_var), training, eps)
    if training and self.a is not None and not (running_mean is None and running_var is None):
        remember(self, running_mean, running_var, momentum)
    return result


@composite(namespace=NN, method=False)
def instance_norm(
    F,
    self,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: Bool = True,
    momentum: Float = 0.1,
    eps: Float = 1e-5,
):
    """Each channel of each sample brought to mean 0 and variance 1 (Ulyanov et al. 2016).

    Shapes: (n, c, ...)  ->  (n, c, ...)
    Grad: as batch_norm's, over each channel of each sample
    See: nn.functional.group_norm, nn.functional.batch_norm

    >>> nn.functional.instance_norm(tensor([[[1., 3.]]]))
    tensor([[[-1.0000,  1.0000]]])
    """
    sizes = self.shape[2:]
    if use_input_stats and math.prod(sizes) == 1:
        raise TensorValueError(f"Expected more than 1 spatial element when training, got input size {self.shape!r}")
    n, c = self.size(0), self.size(1)
    repeated = [None if t is None else t.repeat(n) for t in (running_mean, running_var, weight, bias)]
    rows = F.view(F.contiguous(self), (1, n * c, *sizes))
    result = F.batch_norm(rows, *repeated, use_input_stats, momentum, eps)
    if use_input_stats:
        with no_grad():
            for kept, seen in ((running_mean, repeated[0]), (running_var, repeated[1])):
                if kept is not None and seen is not None:
                    kept.copy_(seen.view(n, c).mean(0))
    return F.view(result, (n, c, *sizes))


# --- dropouts of channels, and those that keep selu's mean and variance --------------------------------------------------


def _dropped(F, self, p, training, inplace, feature, alpha):
    """torch's dropouts: one draw an element or, with `feature`, a channel; with `alpha` dropped means selu's limit, and
    mean and variance are put back."""
    if not 0 <= p <= 1:
        raise TensorValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0 or not self.spec.numel:
        return self
    if p == 1:
        return self.mul_(0) if inplace else self * F.zeros_like(self)
    if feature and len(self.shape) < 2:
        raise TensorError("Feature dropout requires at least 2 dimensions in the input")
    shape = (*self.shape[:2], *(1,) * (len(self.shape) - 2)) if feature else None
    spec = self.spec if shape is None else spec_of(self.dtype, self.spec.device, shape)
    noise = F.empty_like(self) if shape is None else allocate(spec)
    if noise.a is not None:
        samplers, source = random.drawing(None, self.spec.device)
        random.put(samplers.bernoulli(source, noise.spec.numel, self.dtype, 1 - p), noise.a)
    if not alpha:
        noise = noise.div_(1 - p)
        return self.mul_(noise) if inplace else self * noise
    scale = 1 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
    moved = noise.add(-1).mul_(_ALPHA * scale).add_(_ALPHA * scale * p)
    noise.mul_(scale)
    return self.mul_(noise).add_(moved) if inplace else self * noise + moved


def _in_a_batch(F, self, p, training, inplace):
    """The dropout of channels of one sample without a dim for the batch."""
    batch = self.unsqueeze_(0) if inplace else F.unsqueeze(self, 0)
    result = _dropped(F, batch, p, training, inplace, True, False)
    return result.squeeze_(0) if inplace else F.squeeze_dim(result, 0)


@composite(namespace=NN, method=False)
def alpha_dropout(F, self, p: Float = 0.5, training: Bool = False, inplace: Bool = False):
    """dropout for selu: dropped elements become selu's limit, and mean and variance stay (Klambauer et al. 2017).

    Shapes: any; kept
    Grad: grad * the same mask, scaled
    See: nn.functional.dropout, nn.functional.selu

    Storage: always new in training, else the tensor itself

    >>> nn.functional.alpha_dropout(ones(2))
    tensor([1., 1.])
    """
    return _dropped(F, self, p, training, inplace, False, True)


@composite(namespace=NN, method=False)
def feature_alpha_dropout(F, self, p: Float = 0.5, training: Bool = False, inplace: Bool = False):
    """alpha_dropout of whole channels (dim 1).

    Shapes: (n, c, ...); kept
    Grad: grad * the same mask, scaled
    See: nn.functional.alpha_dropout, nn.functional.dropout2d

    Storage: always new in training, else the tensor itself

    >>> nn.functional.feature_alpha_dropout(ones(1, 2))
    tensor([[1., 1.]])
    """
    return _dropped(F, self, p, training, inplace, True, True)


@composite(namespace=NN, method=False)
def dropout1d(F, self, p: Float = 0.5, training: Bool = True, inplace: Bool = False):
    """dropout of whole channels of (n, c, length) or (c, length).

    Shapes: (n, c, l) or (c, l); kept
    Grad: grad * the same mask over 1 - p
    See: nn.functional.dropout, nn.functional.dropout2d

    Storage: always new in training, else the tensor itself

    >>> nn.functional.dropout1d(ones(1, 2), training=False)
    tensor([[1., 1.]])
    """
    ndim = len(self.shape)
    if ndim not in (2, 3):
        raise TensorError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. Note that dropout1d exists to provide channel-wise dropout on"
            " inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    if ndim == 3:
        return _dropped(F, self, p, training, inplace, True, False)
    return _in_a_batch(F, self, p, training, inplace)


@composite(namespace=NN, method=False)
def dropout2d(F, self, p: Float = 0.5, training: Bool = True, inplace: Bool = False):
    """dropout of whole channels of images (n, c, height, width).

    Shapes: (n, c, h, w); kept
    Grad: grad * the same mask over 1 - p
    See: nn.Dropout2d, nn.functional.dropout

    Storage: always new in training, else the tensor itself

    >>> nn.functional.dropout2d(ones(1, 1, 1, 2), training=False)
    tensor([[[[1., 1.]]]])
    """
    return _dropped(F, self, p, training, inplace, True, False)


@composite(namespace=NN, method=False)
def dropout3d(F, self, p: Float = 0.5, training: Bool = True, inplace: Bool = False):
    """dropout of whole channels of volumes (n, c, depth, height, width) or (c, depth, height, width).

    Shapes: (n, c, d, h, w) or (c, d, h, w); kept
    Grad: grad * the same mask over 1 - p
    See: nn.Dropout3d, nn.functional.dropout, nn.functional.dropout2d

    Storage: always new in training, else the tensor itself

    >>> nn.functional.dropout3d(ones(1, 1, 1, 1, 2), training=False)
    tensor([[[[[1., 1.]]]]])
    """
    ndim = len(self.shape)
    if not 0 <= p <= 1:
        raise TensorValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if ndim not in (4, 5):
        notice(
            "dropout-dims",
            f"dropout3d: Received a {ndim}-D input to dropout3d, which is deprecated and will result in an error in a future release. To retain the"
            " behavior and silence this warning, please use dropout instead. Note that dropout3d exists to provide channel-wise dropout on inputs"
            " with 3 spatial dimensions, a channel dimension, and an optional batch dimension (i.e. 4D or 5D inputs).",
            input=self,
        )
    return _dropped(F, self, p, training, inplace, True, False) if ndim == 5 else _in_a_batch(F, self, p, training, inplace)
