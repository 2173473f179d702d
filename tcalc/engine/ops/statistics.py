"""Statistics of samples: covariance, correlation, sorted rows."""

from __future__ import annotations

from .. import dtypes
from ..dtypes import FLOAT
from ..errors import TensorError
from ..families.structural import composite, structural
from ..layout import reduced_shape, wrap_dims
from ..spec import spec_of
from ..tensor import Tensor
from .reduce import count, folded, spread, var_grad, variance


@composite()
def msort(F, self):
    """Rows sorted along dim 0, in ascending order.

    Shapes: any; kept
    See: sort, argsort

    >>> msort(tensor([[3, 1], [2, 4]]))
    tensor([[2, 1],
            [3, 4]])
    """
    return F.sort(self, 0)[0]


@composite()
def cov(F, self, *, correction: Int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None):
    """The covariance matrix of variables in rows with observations in columns; weights count or weigh the observations.

    Shapes: (a, n)  ->  (a, a); (n)  ->  ()
    See: corrcoef, var

    >>> cov(tensor([[0., 1., 2.], [2., 1., 0.]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if len(self.shape) > 2:
        raise TensorError(f"cov(): expected input to have two or fewer dimensions but got an input with {len(self.shape)} dimensions")
    if self.dtype is dtypes.bool_:
        raise TensorError("cov(): bool dtype is not supported for input")
    x = F.reshape(self, (1, -1)) if len(self.shape) < 2 else self
    n = x.shape[1]
    weights = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        if len(given.shape) > 1:
            raise TensorError(f"cov(): expected {name} to have one or fewer dimensions but got {name} with {len(given.shape)} dimensions")
        if name == "fweights" and given.dtype.category == FLOAT:
            raise TensorError(f"cov(): expected fweights to have integral dtype but got fweights with {given.dtype.kernel_name} dtype")
        if name == "aweights" and given.dtype.category != FLOAT:
            raise TensorError(f"cov(): expected aweights to have floating point dtype but got aweights with {given.dtype.kernel_name} dtype")
        if given.numel() != n:
            raise TensorError(
                f"cov(): expected {name} to have the same numel as there are observations in the input but got {given.numel()} != {n}"
            )
        if n and given.min().item() < 0:
            raise TensorError(f"cov(): {name} cannot be negative")
        weights = given if weights is None else weights * given
    total = F.sum(weights) if weights is not None else n
    if weights is not None and n and total.item() == 0:
        raise TensorError("cov(): weights sum to zero, can't be normalized")
    mean = (F.sum_dim(x * weights, (1,), False) if weights is not None else F.sum_dim(x, (1,), False)) / total
    if weights is None:
        norm = n - correction
    elif not correction:
        norm = total
    elif aweights is None:
        norm = total - correction
    else:
        norm = total - F.sum(weights * aweights) / total * correction
    if (norm.item() if isinstance(norm, Tensor) else norm) <= 0:  # type: ignore[operator]  # a real number
        norm = 0  # too few observations: inf or nan, as torch has it
    centred = x - F.unsqueeze(mean, 1)
    other = F.conj(F.t(centred * weights if weights is not None else centred))
    return F.squeeze(F.div(F.mm(centred, other), norm))


@composite()
def corrcoef(F, self):
    """The correlation matrix of variables in rows with observations in columns, clamped to [-1, 1].

    Shapes: (a, n)  ->  (a, a); (n)  ->  ()
    See: cov

    >>> corrcoef(tensor([[0., 1., 2.], [2., 1., 0.]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if len(self.shape) > 2:
        raise TensorError(f"corrcoef(): expected input to have two or fewer dimensions but got an input with {len(self.shape)} dimensions")
    c = F.cov(self)
    if not c.shape:
        return c / c
    spread = F.sqrt(F.real(F.diagonal(c, 0, 0, 1)))
    found = c / F.unsqueeze(spread, 1) / F.unsqueeze(spread, 0)
    if found.dtype.is_complex:
        return F.complex(F.clamp(F.real(found), -1, 1), F.clamp(F.imag(found), -1, 1))
    return F.clamp(found, -1, 1)


# --- a variance and its mean ------------------------------------------------------------------------------------------


def _plan_moments(self, dim, correction, keepdim, name):
    if self.dtype.category < FLOAT:
        raise TensorError(f"{name} only support floating point and complex dtypes")
    axes = wrap_dims(dim, self.ndim) if dim else tuple(range(self.ndim))
    shape = reduced_shape(tuple(self.shape), axes if self.ndim else (), keepdim)
    real = self.dtype.to_real()
    return [spec_of(real, self.device, shape), spec_of(self.dtype, self.device, shape)]


def _all_dims(self, dim):
    """The dims from 0 of a spec or an array; all where none is given."""
    return tuple([d % self.ndim for d in dim]) if dim and self.ndim else tuple(range(self.ndim))


def _moments_grad(grad, self, self_spec, dim, correction, keepdim, F):
    axes = _all_dims(self_spec, dim)
    return var_grad(grad[0], self, self_spec, axes, keepdim, correction, F) + spread(grad[1], self_spec, axes, keepdim, F) / count(self_spec, axes)


def _moments(xp, self, dim, correction, keepdim):
    axes = _all_dims(self, dim)
    wide = self.astype("float32") if self.dtype.itemsize == 2 else self
    mean = xp.add.reduce(wide, axes, keepdims=keepdim) / wide.dtype.type(folded(wide, axes))
    return variance(xp, wide, axes, keepdim, correction), mean


@structural(
    plan=lambda self, dim, correction, keepdim: _plan_moments(self, dim, correction, keepdim, "var_mean"), method=False, out=False,
    grads=lambda grad, self, self_spec, dim, correction, keepdim, F: [_moments_grad(grad, self, self_spec, dim, correction, keepdim, F)],
    holomorphic=False,
)
def var_mean(xp, self, dim: Dims | None = None, *, correction: Scalar | None = None, keepdim: Bool = False):
    """The variance along `dim` and the mean.

    Shapes: (a, b)  ->  (), (), dim=0: (b), (b)
    Grad: 2 / (n - correction) * (input - mean) * grad of the variance + grad of the mean / n
    See: var, mean, std_mean

    >>> var_mean(tensor([1., 2., 3.]))
    (tensor(1.), tensor(2.))
    """
    return _moments(xp, self, dim, correction, keepdim)


@composite(public="var_mean", method=False)
def var_mean_unbiased(F, self, unbiased: Bool):
    """The variance, over n - 1 when unbiased, else over n, and the mean.

    >>> var_mean(tensor([1., 3.]), False)
    (tensor(1.), tensor(2.))
    """
    return F.var_mean(self, None, correction=int(unbiased), keepdim=False)


@composite(public="var_mean", method=False)
def var_mean_dim_unbiased(F, self, dim: Dims | None, unbiased: Bool = True, keepdim: Bool = False):
    """The variance along `dim`, over n - 1 when unbiased, else over n, and the mean.

    >>> var_mean(tensor([1., 3.]), 0, False)
    (tensor(1.), tensor(2.))
    """
    return F.var_mean(self, dim, correction=int(unbiased), keepdim=keepdim)


def _std_mean_grad(grad, self, result, self_spec, dim, correction, keepdim, F):
    halved = F.where(result == 0, 0.0, grad[0] / (result * 2))
    return _moments_grad([halved, grad[1]], self, self_spec, dim, correction, keepdim, F)


@structural(
    plan=lambda self, dim, correction, keepdim: _plan_moments(self, dim, correction, keepdim, "std_mean"), method=False, out=False,
    grads=lambda grad, self, result, self_spec, dim, correction, keepdim, F: [
        _std_mean_grad(grad, self, result, self_spec, dim, correction, keepdim, F)
    ],
    holomorphic=False,
)
def std_mean(xp, self, dim: Dims | None = None, *, correction: Scalar | None = None, keepdim: Bool = False):
    """The standard deviation along `dim` and the mean.

    Shapes: (a, b)  ->  (), (), dim=0: (b), (b)
    Grad: (input - mean) / ((n - correction) * result) * grad of the deviation + grad of the mean / n
    See: std, mean, var_mean

    >>> std_mean(tensor([1., 3.]), correction=0)
    (tensor(1.), tensor(2.))
    """
    found, mean = _moments(xp, self, dim, correction, keepdim)
    return xp.sqrt(found), mean


@composite(public="std_mean", method=False)
def std_mean_unbiased(F, self, unbiased: Bool):
    """The standard deviation, over n - 1 when unbiased, else over n, and the mean.

    >>> std_mean(tensor([1., 3.]), False)
    (tensor(1.), tensor(2.))
    """
    return F.std_mean(self, None, correction=int(unbiased), keepdim=False)


@composite(public="std_mean", method=False)
def std_mean_dim_unbiased(F, self, dim: Dims | None, unbiased: Bool = True, keepdim: Bool = False):
    """The standard deviation along `dim`, over n - 1 when unbiased, else over n, and the mean.

    >>> std_mean(tensor([1., 3.]), 0, False)
    (tensor(1.), tensor(2.))
    """
    return F.std_mean(self, dim, correction=int(unbiased), keepdim=keepdim)
