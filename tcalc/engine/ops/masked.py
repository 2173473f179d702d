"""torch.masked: reductions and normalizations that leave out the elements where a mask is False."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import dtypes
from ..dtypes import FLOAT
from ..errors import TensorAssertion, TensorError, TensorIndexError, TensorNotImplemented, TensorValueError
from ..families.structural import Composite, composite
from ..tensor import Tensor


def masked(**options: Any) -> Callable[[Callable[..., Any]], Composite]:
    """The decorator of a function of torch.masked."""
    return composite(namespace="torch.masked", method=False, **options)


def _identity(name, self, ord=2):
    """The value that changes nothing in a reduction of that name.

    Raises NotImplementedError with torch's sentence for a dtype that has none.
    """
    d = self.dtype
    if name in ("sum", "norm"):
        return math.inf if ord == -math.inf else 0
    if name == "prod":
        return 1
    if name == "median":
        return math.nan
    low = name in ("amax", "argmax", "logaddexp", "logsumexp")
    if d.category == FLOAT or (d.is_complex and name in ("logaddexp", "logsumexp")):
        return -math.inf if low else math.inf
    if d.category == dtypes.INT:
        info = dtypes.iinfo(d)
        return info.min if low else info.max
    raise TensorNotImplemented(f"identity of {name} on {d!r} input")


def _mask_of(F, self, mask):
    """The mask as bools of the shape of `self`.

    Raises IndexError with torch's sentence for a mask of more dims.
    """
    if tuple(mask.shape) != tuple(self.shape):
        if len(mask.shape) > len(self.shape):
            raise TensorIndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
        mask = F.expand(F.clone(mask), tuple(self.shape))
    return mask.to(dtype=dtypes.bool_)


def _left_out(F, name, self, mask, ord=2):
    """The tensor with the identity of the reduction where the mask is False."""
    if mask is None:
        return self
    mask = _mask_of(F, self, mask)
    return F.where(mask, self, F.full((), _identity(name, self, ord), dtype=self.dtype, device=self.device))


def _dims(dim, ndim):
    """Dims in order; None and () mean all.

    Raises RuntimeError and IndexError with torch's sentences.
    """
    if dim is None or dim == ():
        return tuple(range(ndim))
    ndim = max(ndim, 1)
    found = []
    for d in dim if isinstance(dim, tuple) else (dim,):
        if d in found:
            raise TensorError(f"dim={d} appears multiple times in the list of dims")
        if not -ndim <= d < ndim:
            raise TensorIndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {d})")
        found.append(d % ndim)
    return tuple(sorted(found))


def _whole(self, dtype):
    """The dtype of a sum or a product: whole numbers add up in int64."""
    return dtype or (dtypes.int64 if self.dtype.category < FLOAT else self.dtype)


@masked()
def masked_sum(F, self, dim: Dims | None = None, *, keepdim: Bool = False, dtype: DType | None = None, mask: Tensor | None = None):
    """The sum along `dim` of the elements where `mask` holds.

    Shapes: (a, b)  ->  (), dim=0: (b)
    See: sum, masked.mean

    >>> masked.sum(tensor([1., 2., 4.]), mask=tensor([True, False, True]))
    tensor(5.)
    """
    return F.sum_dim(_left_out(F, "sum", self, mask), _dims(dim, len(self.shape)), keepdim, dtype=_whole(self, dtype))


@masked()
def masked_prod(F, self, dim: Dims | None = None, *, keepdim: Bool = False, dtype: DType | None = None, mask: Tensor | None = None):
    """The product along `dim` of the elements where `mask` holds.

    Shapes: (a, b)  ->  (), dim=0: (b)
    See: prod, masked.sum

    >>> masked.prod(tensor([3., 2., 4.]), mask=tensor([True, False, True]))
    tensor(12.)
    """
    result = _left_out(F, "prod", self, mask).to(dtype=_whole(self, dtype))
    for d in reversed(_dims(dim, len(self.shape))):
        result = F.prod_dim(result, d, keepdim)
    return result


@masked()
def masked_cumsum(F, self, dim: Dim, *, dtype: DType | None = None, mask: Tensor | None = None):
    """The running sum along `dim` of the elements where `mask` holds.

    Shapes: any; kept
    See: cumsum, masked.sum

    >>> masked.cumsum(tensor([1., 2., 4.]), 0, mask=tensor([True, False, True]))
    tensor([1., 1., 5.])
    """
    dtype = dtype or self.dtype
    return F.cumsum(_left_out(F, "sum", self, mask), _dims(dim, len(self.shape))[0], dtype=dtype).to(dtype=dtype)


@masked()
def masked_cumprod(F, self, dim: Dim, *, dtype: DType | None = None, mask: Tensor | None = None):
    """The running product along `dim` of the elements where `mask` holds.

    Shapes: any; kept
    See: cumprod, masked.prod

    >>> masked.cumprod(tensor([3., 2., 4.]), 0, mask=tensor([True, False, True]))
    tensor([ 3.,  3., 12.])
    """
    dtype = dtype or self.dtype
    return F.cumprod(_left_out(F, "prod", self, mask), _dims(dim, len(self.shape))[0], dtype=dtype).to(dtype=dtype)


@masked()
def masked_amax(F, self, dim: Dims | None = None, *, keepdim: Bool = False, dtype: DType | None = None, mask: Tensor | None = None):
    """The largest along `dim` of the elements where `mask` holds.

    Shapes: (a, b)  ->  (), dim=0: (b)
    See: amax, masked.amin

    >>> masked.amax(tensor([1., 5., 4.]), mask=tensor([True, False, True]))
    tensor(4.)
    """
    return F.amax(_left_out(F, "amax", self, mask), _dims(dim, len(self.shape)), keepdim).to(dtype=dtype or self.dtype)


@masked()
def masked_amin(F, self, dim: Dims | None = None, *, keepdim: Bool = False, dtype: DType | None = None, mask: Tensor | None = None):
    """The smallest along `dim` of the elements where `mask` holds.

    Shapes: (a, b)  ->  (), dim=0: (b)
    See: amin, masked.amax

    >>> masked.amin(tensor([3., 1., 4.]), mask=tensor([True, False, True]))
    tensor(3.)
    """
    return F.amin(_left_out(F, "amin", self, mask), _dims(dim, len(self.shape)), keepdim).to(dtype=dtype or self.dtype)


@masked()
def masked_argmax(F, self, dim: Dim | None = None, *, keepdim: Bool = False, dtype: DType | None = None, mask: Tensor | None = None):
    """Where the largest of the elements is at which `mask` holds, in the dtype of the input.

    Shapes: (a, b)  ->  (), dim=0: (b)
    See: argmax, masked.amax

    >>> masked.argmax(tensor([1., 5., 4.]), mask=tensor([True, False, True]))
    tensor(2.)
    """
    return F.argmax(_left_out(F, "argmax", self, mask), dim, keepdim).to(dtype=dtype or self.dtype)


@masked()
def masked_argmin(F, self, dim: Dim | None = None, *, keepdim: Bool = False, dtype: DType | None = None, mask: Tensor | None = None):
    """Where the smallest of the elements is at which `mask` holds, in the dtype of the input.

    Shapes: (a, b)  ->  (), dim=0: (b)
    See: argmin, masked.amin

    >>> masked.argmin(tensor([3., 1., 4.]), mask=tensor([True, False, True]))
    tensor(0.)
    """
    return F.argmin(_left_out(F, "argmin", self, mask), dim, keepdim).to(dtype=dtype or self.dtype)


def _counted(F, self, dim, keepdim, mask):
    """How many elements a reduction meets."""
    if mask is None:
        return F.masked_sum(F.ones(tuple(self.shape), dtype=dtypes.int64, device=self.device), dim, keepdim=keepdim)
    return F.sum(mask) if dim is None and not keepdim else F.sum_dim(mask, dim, keepdim)


@masked()
def masked_mean(F, self, dim: Dims | None = None, *, keepdim: Bool = False, dtype: DType | None = None, mask: Tensor | None = None):
    """The average along `dim` of the elements where `mask` holds; nan where there is none.

    Shapes: (a, b)  ->  (), dim=0: (b)
    See: mean, masked.sum

    >>> masked.mean(tensor([1., 2., 4.]), mask=tensor([True, False, True]))
    tensor(2.5000)
    """
    found = dtype or self.dtype
    if found.category < FLOAT:
        source = "Input" if dtype is None else "Optional"
        raise TensorValueError(
            f"mean(): Could not infer output dtype. {source} dtype must be either a floating point or complex dtype. Got: {found!r}"
        )
    mask = None if mask is None else _mask_of(F, self, mask)
    count = _counted(F, self, dim, keepdim, mask)
    return F.masked_sum(self, dim, keepdim=keepdim, dtype=found, mask=mask) / count


@masked()
def masked_median(F, self, dim: Dim = -1, *, keepdim: Bool = False, dtype: DType | None = None, mask: Tensor | None = None):
    """The middle along `dim` of the elements where `mask` holds, the lower of two; nan where there is none.

    Shapes: (a, b)  ->  (a)
    See: nanmedian, masked.mean

    >>> masked.median(tensor([3., 1., 4.]), mask=tensor([True, False, True]))
    tensor(3.)
    """
    where = _dims(dim, len(self.shape))[0]
    floating = self.dtype.category == FLOAT
    values = self if floating else self.to(dtype=dtypes.float32)
    found = F.nanmedian_dim(_left_out(F, "median", values, mask), where, keepdim)[0]
    if floating:
        return found
    if bool(F.isnan(found).any()):
        raise TensorValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return found.to(dtype=dtype or self.dtype)


@masked()
def masked_logsumexp(F, self, dim: Dims | None = None, *, keepdim: Bool = False, dtype: DType | None = None, mask: Tensor | None = None):
    """`log(sum(exp(self)))` along `dim` over the elements where `mask` holds.

    Shapes: (a, b)  ->  (), dim=0: (b)
    See: logsumexp, masked.sum

    >>> masked.logsumexp(tensor([0., 9., 0.]), mask=tensor([True, False, True]))
    tensor(0.6931)
    """
    found = F.logsumexp(_left_out(F, "logsumexp", self, mask), _dims(dim, len(self.shape)), keepdim)
    return found.to(dtype=dtype or self.dtype)


@masked()
def masked_logaddexp(F, self, other, *, dtype: DType | None = None, input_mask: Tensor | None = None, other_mask: Tensor | None = None):
    """`log(exp(self) + exp(other))`, each counted only where its mask holds.

    Shapes: any two that broadcast
    See: logaddexp, masked.logsumexp

    >>> masked.logaddexp(tensor([0., 1.]), tensor([0., 5.]), other_mask=tensor([True, False]))
    tensor([0.6931, 1.0000])
    """
    found = F.logaddexp(_left_out(F, "logaddexp", self, input_mask), _left_out(F, "logaddexp", other, other_mask))
    return found.to(dtype=dtype or self.dtype)


@masked()
def masked_norm(
    F, self, ord: Scalar | None = 2.0, dim: Dims | None = None, *, keepdim: Bool = False, dtype: DType | None = None, mask: Tensor | None = None
):
    """The `ord`-norm along `dim` of the elements where `mask` holds.

    Shapes: (a, b)  ->  (), dim=0: (b)
    See: linalg.vector_norm, masked.normalize

    >>> masked.norm(tensor([3., 1., 4.]), mask=tensor([True, False, True]))
    tensor(5.)
    """
    ord = 2.0 if ord is None else ord
    if ord == -math.inf and mask is not None and self.dtype.category < FLOAT:
        raise TensorAssertion(f"input must be floating point, got {self.dtype!r}")
    if self.dtype.category < FLOAT:
        raise TensorError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {self.dtype.kernel_name}")
    values = _left_out(F, "norm", self, mask, ord)
    return F.vector_norm(values, ord, _dims(dim, len(self.shape)), keepdim, dtype=dtype or self.dtype)


def _spread(F, self, dim, unbiased, correction, keepdim, dtype, mask, root):
    """The variance or its root, by torch's steps."""
    if unbiased is not None and correction is not None:
        raise TensorAssertion("Only one of unbiased and correction may be given")
    correction = 1.0 if unbiased is None and correction is None else float(correction if unbiased is None else unbiased)
    dtype = dtype or (dtypes.float32 if self.dtype.category < FLOAT else self.dtype)
    compute = dtypes.float32 if dtype.category < FLOAT else dtype
    mask = None if mask is None else _mask_of(F, self, mask)
    count = _counted(F, self, dim, True, mask)
    centred = self - F.masked_sum(self, dim, keepdim=True, dtype=dtype, mask=mask) / count
    total = F.masked_sum(centred * F.conj(centred), dim, keepdim=keepdim, dtype=compute, mask=mask)
    if not keepdim:
        count = F.reshape(count, tuple(total.shape))
    if correction != 0:
        real = compute.to_real()
        count = F.maximum(count.to(dtype=real) - correction, F.zeros((), dtype=real, device=self.device))
    found = (total / count).to(dtype=dtype)
    return F.sqrt(found) if root else found


@masked()
def masked_var(
    F, self, dim: Dims | None = None, unbiased: Bool | None = None, *, correction: Scalar | None = None, keepdim: Bool = False,
    dtype: DType | None = None, mask: Tensor | None = None,
):
    """The variance along `dim` of the elements where `mask` holds.

    Shapes: (a, b)  ->  (), dim=0: (b)
    See: var, masked.std

    >>> masked.var(tensor([1., 9., 3.]), mask=tensor([True, False, True]))
    tensor(2.)
    """
    return _spread(F, self, dim, unbiased, correction, keepdim, dtype, mask, False)


@masked()
def masked_std(
    F, self, dim: Dims | None = None, unbiased: Bool | None = None, *, correction: Scalar | None = None, keepdim: Bool = False,
    dtype: DType | None = None, mask: Tensor | None = None,
):
    """The standard deviation along `dim` of the elements where `mask` holds.

    Shapes: (a, b)  ->  (), dim=0: (b)
    See: std, masked.var

    >>> masked.std(tensor([1., 9., 3.]), mask=tensor([True, False, True]))
    tensor(1.4142)
    """
    return _spread(F, self, dim, unbiased, correction, keepdim, dtype, mask, True)


@masked()
def masked_softmax(F, self, dim: Dim, *, dtype: DType | None = None, mask: Tensor | None = None):
    """softmax along `dim` of the elements where `mask` holds, 0 elsewhere.

    Shapes: any; kept
    See: softmax, masked.log_softmax

    >>> masked.softmax(tensor([0., 9., 0.]), 0, mask=tensor([True, False, True]))
    tensor([0.5000, 0.0000, 0.5000])
    """
    return F.softmax(_left_out(F, "amax", self, mask), _dims(dim, len(self.shape))[0], dtype=dtype or self.dtype)


@masked()
def masked_log_softmax(F, self, dim: Dim, *, dtype: DType | None = None, mask: Tensor | None = None):
    """log_softmax along `dim` of the elements where `mask` holds, -inf elsewhere.

    Shapes: any; kept
    See: log_softmax, masked.softmax

    >>> masked.log_softmax(tensor([0., 9., 0.]), 0, mask=tensor([True, False, True]))
    tensor([-0.6931,    -inf, -0.6931])
    """
    return F.log_softmax(_left_out(F, "amax", self, mask), _dims(dim, len(self.shape))[0], dtype=dtype or self.dtype)


@masked()
def masked_softmin(F, self, dim: Dim, *, dtype: DType | None = None, mask: Tensor | None = None):
    """softmin along `dim` of the elements where `mask` holds, 0 elsewhere.

    Shapes: any; kept
    See: nn.functional.softmin, masked.softmax

    >>> masked.softmin(tensor([0., -9., 0.]), 0, mask=tensor([True, False, True]))
    tensor([0.5000, 0.0000, 0.5000])
    """
    return F.softmax(-_left_out(F, "amin", self, mask), _dims(dim, len(self.shape))[0], dtype=dtype or self.dtype)


@masked()
def masked_normalize(F, self, ord: Scalar, dim: Dim, *, eps: Float = 1e-12, dtype: DType | None = None, mask: Tensor | None = None):
    """The elements where `mask` holds over their `ord`-norm along `dim`, or over eps where that is larger.

    Shapes: any; kept
    See: nn.functional.normalize, masked.norm

    >>> masked.normalize(tensor([3., 1., 4.]), 2, 0, mask=tensor([True, False, True]))
    tensor([0.6000, 0.0000, 0.8000])
    """
    size = F.masked_norm(self, ord, (dim,), keepdim=True, dtype=dtype or self.dtype, mask=mask)
    return F.div(_left_out(F, "sum", self, mask), F.maximum(size, F.full((), eps, dtype=size.dtype, device=size.device)))
