"""The two levels a formula runs on in backward: raw arrays, or Tensors when the gradients' own graph is kept."""

from __future__ import annotations

from typing import Any

from . import backend
from .backend import META, ndarray
from .layout import broadcast_shapes
from .record import OpNode
from .registry import OPS, TENSOR_OPS, RawOps, raw_ops
from .spec import Spec, row_major
from .tensor import Plain, Tensor, allocate, make, new_tensor, wrap


class RawLevel:
    """Plain backward: gradients are raw arrays, formulas run on kernels, nothing is recorded."""

    keeps_graph = False
    numpy_ops = raw_ops(backend.np)
    direct_ops = RawOps(backend.np, as_is=True)

    @staticmethod
    def ops(grad: Any) -> RawOps:
        return raw_ops(backend.module_of(grad[0] if isinstance(grad, list) else grad))

    @staticmethod
    def unpack(node: OpNode, place: int, value: Tensor) -> Any:
        array = value.a
        if node.op.cast_saved:
            wanted = node.specs[-1].numpy
            if array.dtype is not wanted and array.dtype != wanted:
                return array.astype(wanted)
        return array

    @staticmethod
    def expose(grad: Any) -> Tensor:
        """A raw gradient as a Tensor that a user may look at."""
        return wrap(grad)

    @staticmethod
    def enter(value: Tensor) -> Any:
        return value.a

    @staticmethod
    def zeros(spec: Spec) -> Any:
        return backend.xp_of(spec.device).zeros(spec.shape, spec.numpy)

    @staticmethod
    def store(leaf: Tensor, grad: Any, owned: bool, spec: Spec) -> None:
        """First gradient of a leaf that was of this spec, or one more: stolen when `owned` and laid out so, else copied or added in place."""
        held = leaf._grad
        if held is not None:
            if grad.__class__ is not ndarray:
                backend.on_device(grad)
            try:
                held.a += grad
            except ValueError:  # only after `.data = ` of another shape
                broadcast_shapes(tuple(held.shape), tuple(grad.shape))
                raise
            held.get_storage().version += 1
            return
        if owned and spec.contiguous and grad.__class__ is ndarray and grad.flags.c_contiguous:
            leaf._grad = make(grad, spec.plain or row_major(spec))
        else:
            leaf._grad = _settle(spec, grad)


class TensorLevel:
    """Backward with create_graph: gradients are Tensors, formulas run on the public ops and are recorded."""

    keeps_graph = True
    numpy_ops = TENSOR_OPS

    @staticmethod
    def ops(grad: Any) -> Any:
        return TENSOR_OPS

    @staticmethod
    def unpack(node: OpNode, place: int, value: Tensor) -> Tensor:
        wanted = node.source(place, value)
        if value.node is wanted:
            return value
        t = new_tensor(Plain)
        t.a, t.spec, t.storage, t.offset, t.node = value.a, value.spec, value.storage, value.offset, wanted
        return t

    @staticmethod
    def expose(grad: Tensor) -> Tensor:
        return grad

    @staticmethod
    def enter(value: Tensor) -> Tensor:
        return value

    @staticmethod
    def zeros(spec: Spec) -> Tensor:
        return make(None if spec.device is META else RawLevel.zeros(spec), row_major(spec))

    @staticmethod
    def store(leaf: Tensor, grad: Tensor, owned: bool, spec: Spec) -> None:
        held = leaf._grad
        if held is None:
            fresh = allocate(_grad_spec(spec))
            leaf._grad = OPS["copy"].call(fresh, grad)
        else:
            leaf._grad = held.add(grad)


def _grad_spec(spec: Spec) -> Spec:
    """The layout contract: a gradient takes its leaf's strides when they are dense, else row-major."""
    return spec if spec.dense else row_major(spec)


def _settle(spec: Spec, grad: Any) -> Tensor:
    """A copy of a raw gradient, laid out for a leaf of this spec."""
    spec = _grad_spec(spec)
    if spec.contiguous:
        return make(backend.copy_of(grad), spec if 0 in grad.strides and not spec.lazy else row_major(spec))
    fresh = allocate(spec)  # which makes its device current
    fresh.a[...] = grad
    return fresh


RAW, TENSOR = RawLevel(), TensorLevel()
