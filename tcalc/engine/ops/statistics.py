"""Statistics of samples: covariance, correlation, sorted rows."""

from __future__ import annotations

from .. import dtypes
from ..dtypes import FLOAT
from ..errors import TensorError
from ..families.structural import composite
from ..tensor import Tensor


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
    if (norm.item() if isinstance(norm, Tensor) else norm) <= 0:
        norm = 0  # too few observations: inf or nan, as torch has it
    centred = x - F.unsqueeze(mean, 1)
    other = F.t(centred * weights if weights is not None else centred)
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
    spread = F.sqrt(F.diagonal(c, 0, 0, 1))
    return F.clamp(c / F.unsqueeze(spread, 1) / F.unsqueeze(spread, 0), -1, 1)
