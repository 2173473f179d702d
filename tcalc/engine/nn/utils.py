"""What torch.nn.utils has for gradients and parameters: clipping, and parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..data import tensor
from ..errors import TensorError, TensorTypeError
from ..modes import no_grad
from ..registry import PUBLIC
from ..tensor import Tensor


def _held(parameters: Any) -> list[Any]:
    """One tensor or several as a list."""
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def get_total_norm(tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None) -> Any:
    """The norm of all elements of several tensors together.

    Raises RuntimeError when `error_if_nonfinite` and it is nan or infinite.

    See: nn.utils.clip_grad_norm_, linalg.vector_norm

    >>> nn.utils.get_total_norm([tensor([3.]), tensor([4.])])
    tensor(5.)
    """
    given, norm = _held(tensors), PUBLIC["vector_norm"].call
    with no_grad():
        if not given:
            return tensor(0.0)
        total = norm(PUBLIC["stack"].call([norm(each, float(norm_type)) for each in given]), float(norm_type))
        if error_if_nonfinite and not total.isfinite().item():
            raise TensorError(
                f"The total norm of order {float(norm_type)} for gradients from `parameters` is non-finite, so it cannot be clipped. To disable this"
                " error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
            )
        return total


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Any, foreach: bool | None = None) -> None:
    """Gradients scaled in place so that a total norm becomes at most max_norm.

    See: nn.utils.clip_grad_norm_, nn.utils.get_total_norm

    >>> w = ones(1, requires_grad=True)
    >>> (4 * w).sum().backward()
    >>> nn.utils.clip_grads_with_norm_([w], 1.0, tensor(2.))
    >>> w.grad
    tensor([2.0000])
    """
    with no_grad():
        share = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for each in _held(parameters):
            if each.grad is not None:
                each.grad.mul_(share)


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Any:
    """Gradients of all parameters scaled in place so that their norm together is at most max_norm; returns the norm before (Pascanu et al. 2013).

    Raises RuntimeError when `error_if_nonfinite` and the norm is nan or infinite.

    See: nn.utils.clip_grad_value_, optim.SGD

    >>> w = ones(2, requires_grad=True)
    >>> (tensor([3., 4.]) * w).sum().backward()
    >>> nn.utils.clip_grad_norm_([w], 1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    given = _held(parameters)
    total = get_total_norm([each.grad for each in given if each.grad is not None], norm_type, error_if_nonfinite)
    clip_grads_with_norm_(given, max_norm, total)
    return total


def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Each element of the gradients cut to [-clip_value, clip_value], in place.

    See: nn.utils.clip_grad_norm_, clamp

    >>> w = ones(2, requires_grad=True)
    >>> (tensor([3., -0.5]) * w).sum().backward()
    >>> nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad
    tensor([ 1.0000, -0.5000])
    """
    bound = float(clip_value)
    with no_grad():
        for each in _held(parameters):
            if each.grad is not None:
                each.grad.clamp_(min=-bound, max=bound)


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """All elements of several parameters behind one another.

    See: nn.utils.vector_to_parameters, cat

    >>> nn.utils.parameters_to_vector([ones(1, 2), zeros(1)])
    tensor([1., 1., 0.])
    """
    return PUBLIC["cat"].call([each.view(-1) for each in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """The elements of a vector as the data of several parameters, in order.

    Raises TypeError for anything but a tensor.

    See: nn.utils.parameters_to_vector

    >>> w = zeros(1, 2)
    >>> nn.utils.vector_to_parameters(tensor([3., 4.]), [w])
    >>> w
    tensor([[3., 4.]])
    """
    if not isinstance(vec, Tensor):
        raise TensorTypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    whole: Any = vec
    start = 0
    for each in parameters:
        end = start + each.numel()
        each.data = whole[start:end].view_as(each).data
        start = end
