"""In-place methods that are no elementwise op's second form: powers of composite ops, diagonals, Python functions of each element."""

from __future__ import annotations

from ..data import tensor as tensor_of
from ..errors import TensorError
from ..families.common import check_writable
from ..families.structural import composite
from ..tensor import Tensor
from ..views import LazyView


@composite(public="square_", function=False)
def square_in_place(F, self):
    """`self ** 2`, written over the tensor.

    Shapes: any; kept
    Grad: 2 * input * grad
    See: square, pow

    >>> tensor([1., -2.]).square_()
    tensor([1., 4.])
    """
    return self.pow_(2)


@composite(public="float_power_", function=False)
def float_power_in_place(F, self, exponent: Operand):
    """`self ** exponent` in float64, written over a tensor that is float64.

    Raises RuntimeError for a tensor of another dtype.

    Shapes: any; kept
    Grad: that of pow
    See: float_power, pow

    >>> tensor([2., 3.], dtype=float64).float_power_(2)
    tensor([4., 9.], dtype=torch.float64)
    """
    power_is_complex = exponent.dtype.is_complex if isinstance(exponent, Tensor) else isinstance(exponent, complex)
    wide = "ComplexDouble" if self.dtype.is_complex or power_is_complex else "Double"
    if self.dtype.kernel_name != wide:
        raise TensorError(
            f"the base given to float_power_ has dtype {self.dtype.kernel_name} but the operation's result requires dtype {wide}", "float_power_"
        )
    return self.pow_(exponent)


@composite(public="fill_diagonal_", function=False)
def fill_diagonal(F, self, fill_value: Scalar, wrap: Bool = False):
    """`fill_value` written on the main diagonal; with `wrap` it begins again below in a tall matrix.

    Raises RuntimeError for a vector, and for more than two dims that are not of one size.

    Shapes: (a, b), or (n, n, n)
    Grad: 0 at what was written
    See: diagonal, diag_embed, fill_

    >>> zeros(3, 2).fill_diagonal_(5)
    tensor([[5., 0.],
            [0., 5.],
            [0., 0.]])
    """
    shape = tuple(self.shape)
    if len(shape) < 2:
        raise TensorError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise TensorError("all dimensions of input must be of equal length")
    step, count, offset = sum(self.stride()), min(shape), self.storage_offset()
    F.as_strided(self, (count,), (step,), offset).fill_(fill_value)
    if wrap and len(shape) == 2 and shape[0] > shape[1] + 1 and shape[1]:
        below = shape[0] - shape[1] - 1
        start = offset + self.stride(0) * (shape[1] + 1)
        for first in range(0, below, shape[1] + 1):
            run = min(shape[1], below - first)
            F.as_strided(self, (run,), (step,), start + first * self.stride(0)).fill_(fill_value)
    return self


@composite(public="apply_", function=False)
def apply_each(F, self, callable: Any):
    """Each element replaced by `callable(element)`, a Python function of one number: slow, as in torch.

    Raises RuntimeError for a tensor that requires grad.

    Shapes: any; kept
    Grad: none: refused for what requires grad
    See: map_, where

    >>> tensor([1., 2.]).apply_(lambda v: v + 2)
    tensor([3., 4.])
    """
    if self.requires_grad:
        raise TensorError("Can't call apply_() on Variable that requires grad. Use var.detach().apply_() instead.")
    return _written(self, [callable(v) for v in self.flatten().tolist()])


@composite(public="map_", function=False)
def map_each(F, self, tensor, callable: Any):
    """Each element replaced by `callable(element, other)`, where `other` is the element of `tensor`, broadcast, at the same place.

    Raises RuntimeError for a tensor that requires grad.

    Shapes: any; tensor broadcasts to it
    Grad: none: refused for what requires grad
    See: apply_

    >>> tensor([1., 2.]).map_(tensor([10., 20.]), lambda a, b: a + b)
    tensor([11., 22.])
    """
    if self.requires_grad:
        raise TensorError("Can't call map_() on Variable that requires grad. Use var.detach().map_() instead.")
    others = F.expand(tensor, self.spec.sizes).flatten().tolist()
    return _written(self, [callable(a, b) for a, b in zip(self.flatten().tolist(), others, strict=True)])


def _written(self, values):
    """New values put into the tensor's own memory, in the order of its elements."""
    check_writable(self)
    new = tensor_of(values, dtype=self.dtype, device=self.device).a.reshape(self.spec.sizes)

    def write():
        self.a[...] = new

    self.written(write) if isinstance(self, LazyView) else write()
    return self
