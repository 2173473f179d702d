"""Padding: elements added around a tensor, a value or its own ones in another order."""

from __future__ import annotations

from .. import dtypes
from ..data import tensor
from ..dtypes import BOOL
from ..errors import TensorError, TensorNotImplemented
from ..families.common import not_implemented
from ..families.structural import composite

NN = "torch.nn.functional"


def _places(size, before, after, mode, dim, shape, pad):
    """Where the elements along one dim come from.

    Raises RuntimeError with torch's sentences for more than the dim can give.
    """
    if mode == "reflect":
        if before >= size or after >= size:
            raise TensorError(
                f"Argument #{2 * len(pad)}: Padding size should be less than the corresponding input dimension, but got: padding ({before}, {after})"
                f" at dimension {dim} of input {list(shape)}"
            )
        return [abs(i) if i < size else 2 * (size - 1) - i for i in range(-before, size + after)]
    if mode == "replicate":
        return [min(max(i, 0), size - 1) for i in range(-before, size + after)]
    if before > size or after > size:
        raise TensorError("Padding value causes wrapping around more than once.")
    first, last = max(-before, 0), size - max(-after, 0)  # a negative number cuts before the rest goes round
    return [first + i % (last - first) for i in range(-max(before, 0), last - first + max(after, 0))]


@composite(namespace=NN, method=False)
def pad(F, self, pad: Size, mode: Str = "constant", value: Float | None = None):
    """Elements added before and after the last dims, first the last one: `value`, or by mode reflect, replicate or circular the
    tensor's own.

    Shapes: (a, b), pad (l, r)  ->  (a, l + b + r); pad (l, r, t, u)  ->  (t + a + u, l + b + r)
    Grad: grad without what was added; what a mode repeated is summed back
    See: cat, narrow

    >>> nn.functional.pad(tensor([[1., 2.]]), (1, 0))
    tensor([[0., 1., 2.]])
    """
    ndim, shape = len(self.shape), tuple(self.shape)
    if len(pad) % 2:
        raise TensorError("Padding length must be divisible by 2")
    if len(pad) > 2 * ndim:
        raise TensorError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length {len(pad)} and input of dimension {ndim}"
        )
    if mode == "constant":
        return F.constant_pad_nd(self, tuple(pad), 0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise TensorNotImplemented(f"Unrecognised padding mode {mode}")
    if value is not None:
        raise TensorError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if len(pad) // 2 not in (ndim - 1, ndim - 2):
        raise TensorNotImplemented("Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now")
    if mode != "circular" and self.dtype.category == BOOL:
        raise not_implemented(f"{'reflection' if mode == 'reflect' else 'replication'}_pad{len(pad) // 2}d", self.dtype)
    result = self
    for i in range(len(pad) // 2):
        dim, before, after = ndim - 1 - i, pad[2 * i], pad[2 * i + 1]
        places = _places(shape[dim], before, after, mode, dim, shape, pad)
        result = F.index_select(result, dim, tensor(places, dtype=dtypes.int64, device=self.device))
    return result
