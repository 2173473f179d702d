"""Everything on Tensor that is no declared op: operators, indexing, small properties, conversions; installed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import backend, data, indexing, waiting
from .autograd import tensor_backward
from .calling import MEMO_LIMIT
from .dtypes import check_long, dtype
from .errors import EngineError, TensorError, TensorIndexError, TensorTypeError
from .families.elementwise import Elementwise
from .families.mutation import inplace_structural, inplace_view
from .families.structural import Structural
from .families.view import ViewOp
from .layout import Size, is_channels_last, wrap_dim
from .modes import is_grad_enabled, is_inference_mode_enabled
from .ops.convert import METHODS
from .record import cut
from .registry import OPS, PUBLIC, Op, Public, on_reading, read, read_file
from .signature import Layout, Mismatch, channels_last, refusal, strided
from .spec import Spec
from .storage import Storage
from .tensor import Tensor
from .views import View

BINARY = {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "floordiv": "floor_divide", "mod": "remainder", "and": "bitwise_and",
    "or": "bitwise_or", "xor": "bitwise_xor", "eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge", "matmul": "matmul",
    "pow": "pow", "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
}  # fmt: skip
NUMBERS = (bool, int, float, complex)


def _operator(function: Callable[..., Any]) -> Callable[[Tensor, Any], Any]:
    """A binary operator: NotImplemented for what is neither Tensor nor number, so that Python raises its own TypeError."""
    op = OPS.get(function.__name__)
    if isinstance(op, Elementwise) and op.operate is not None:
        return op.operate

    def forward(self: Tensor, other: Any) -> Any:
        if isinstance(other, Tensor) or other.__class__ in NUMBERS or isinstance(other, (backend.np.generic, float, int, complex)):
            return function(self, other)
        return NotImplemented

    return forward


def _augmented(public: str) -> Callable[[Tensor, Any], Any]:
    """An augmented assignment; NotImplemented for what is neither Tensor nor number, so that Python raises its own TypeError."""
    ops = PUBLIC[public].ops
    if len(ops) == 1 and isinstance(ops[0], Elementwise):
        return ops[0].inplace_call(operator=True)
    function = getattr(Tensor, f"{public}_")

    def operate(self: Tensor, other: Any) -> Any:
        if isinstance(other, Tensor) or other.__class__ in NUMBERS or isinstance(other, (backend.np.generic, float, int, complex)):
            return function(self, other)
        return NotImplemented

    return operate


def _reflected(name: str) -> Callable[[Tensor, Any], Any]:
    """A reflected operator: a number on the left, which the functions themselves do not take, or a Tensor when it is called by name."""
    op = OPS[name]

    def operate(self: Tensor, other: Any) -> Any:
        if isinstance(other, Tensor):
            return PUBLIC[op.public].call(other, self)
        if not isinstance(other, (int, float, complex, backend.np.generic)):
            return NotImplemented
        if other.__class__ is int:
            check_long(other)
        return op.run([other, self, None])

    return operate


def _rtruediv(self: Tensor, other: Any) -> Any:
    return OPS["mul"].call(OPS["reciprocal"].call(self), other)


_products: dict[tuple[Spec, Spec], Callable[[Tensor, Tensor], Tensor]] = {}  # plans of x @ y for two matrices


def _matmul(self: Tensor, other: Any) -> Any:
    if not isinstance(other, Tensor):
        return NotImplemented
    if self.spec.ndim != 2 or other.spec.ndim != 2:
        return OPS["matmul"].call(self, other)
    plan: Any = _products.get((self.spec, other.spec))
    if plan is not None:
        return plan(self, other)
    try:  # two matrices: mm, with nothing to parse
        plan = OPS["mm"].prepare([self, other, None])
        if plan is None:
            return OPS["mm"].run([self, other, None])
    except EngineError as error:
        if is_grad_enabled():  # mm asks for histories first
            self.refuse_stale()
            other.refuse_stale()
        raise OPS["matmul"].explained(error, (self, other), {}) from None
    if len(_products) >= MEMO_LIMIT:
        _products.clear()
    _products[self.spec, other.spec] = plan
    return plan(self, other)


def _equality(function: Callable[..., Any]) -> Callable[[Tensor, Any], Any]:
    """`==` or `!=`; what is neither Tensor nor number is left to Python, which finds it different."""

    def compare(self: Tensor, other: Any) -> Any:
        if isinstance(other, Tensor) or other.__class__ in NUMBERS or isinstance(other, backend.np.generic):
            return function(self, other)
        return NotImplemented

    return compare


def _iterate(self: Tensor) -> Iterator[Tensor]:
    if not self.ndim:
        raise TensorTypeError("iteration over a 0-d tensor", "iter", {"self": self})
    return iter(OPS["unbind"].call(self, 0))


def _contains(self: Tensor, element: Any) -> bool:
    if not isinstance(element, (Tensor, *NUMBERS)):
        raise TensorError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")
    return bool(OPS["eq"].call(self, element).any())


def size(self: Tensor, dim: int | None = None) -> Size | int:
    """The shape, or the size of one dim.

    Raises IndexError for a dim out of range.

    See: shape, numel, dim

    >>> ones(2, 3).size()
    torch.Size([2, 3])
    >>> ones(2, 3).size(1)
    3
    """
    return self.spec.shape if dim is None else self.spec.shape[_wrap_strict(dim, self)]


def stride(self: Tensor, dim: int | None = None) -> tuple[int, ...] | int:
    """Elements between neighbours along each dim, or along one.

    Raises IndexError for a dim out of range.

    See: storage, view, is_contiguous, as_strided

    >>> ones(2, 3).stride()
    (3, 1)
    >>> ones(2, 3).T.stride()
    (1, 3)
    """
    return self.spec.strides if dim is None else self.spec.strides[_wrap_strict(dim, self, "stride")]


def _wrap_strict(dim: int, t: Tensor, op: str = "size") -> int:
    if not isinstance(dim, int):
        raise TensorTypeError(f"{op}(): argument 'dim' (position 1) must be int, not {type(dim).__name__}", op)
    if not t.ndim:
        raise TensorIndexError(f"Dimension specified as {dim} but tensor has no dimensions", "size", {"self": t})
    return wrap_dim(dim, t.ndim)


def is_contiguous(self: Tensor, memory_format: Any = None) -> bool:
    """Whether the elements lie in row-major order without gaps (or in the order of a memory format).

    See: contiguous, stride, view

    >>> x = ones(2, 3)
    >>> x.is_contiguous(), x.T.is_contiguous()
    (True, False)
    """
    if memory_format is channels_last:
        return is_channels_last(self.spec.shape, self.spec.strides)
    return self.spec.contiguous


def is_floating_point(self: Tensor) -> bool:
    """Whether the dtype is a float.

    >>> ones(2).is_floating_point()
    True
    """
    return self.spec.dtype.is_floating_point


def is_complex(self: Tensor) -> bool:
    """Whether the dtype is complex.

    >>> ones(2).is_complex()
    False
    """
    return self.spec.dtype.is_complex


def is_conj(self: Tensor) -> bool:
    """Whether the tensor is a view that shows its memory's values conjugated.

    See: conj, resolve_conj

    >>> tensor([1j]).conj().is_conj()
    True
    """
    return self.spec.lazy == "conj"


def is_neg(self: Tensor) -> bool:
    """Whether the tensor is a view that shows its memory's values with their sign turned, as the imaginary part of a conjugate does.

    See: resolve_neg, conj

    >>> tensor([1j]).conj().imag.is_neg()
    True
    """
    return self.spec.lazy == "neg"


def is_signed(self: Tensor) -> bool:
    """Whether the dtype has negative numbers.

    >>> tensor([1], dtype=uint8).is_signed()
    False
    """
    return self.spec.dtype.is_signed


def is_inference(self: Tensor) -> bool:
    """Whether the tensor was made in inference mode.

    See: inference_mode, no_grad

    >>> ones(2).is_inference()
    False
    """
    return self.inference


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both show the same memory in the same way.

    >>> x = ones(2)
    >>> x.is_set_to(x.detach())
    True
    """
    if not isinstance(tensor, Tensor):
        raise TensorTypeError(f"is_set_to(): argument 'tensor' (position 1) must be Tensor, not {type(tensor).__name__}", "is_set_to")
    return self.get_storage() is tensor.get_storage() and self.offset == tensor.offset and self.spec is tensor.spec


def is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape.

    >>> ones(2, 3).is_same_size(zeros(2, 3))
    True
    """
    _two_tensors("is_same_size", self, other)
    return self.spec.shape == other.spec.shape


def get_device(self: Tensor) -> int:
    """The number of the GPU the tensor is on, -1 on the host.

    >>> ones(2).get_device()
    -1
    """
    where = self.spec.device
    return -1 if where.index is None or where.type != "cuda" else where.index


def dim_order(self: Tensor) -> tuple[int, ...]:
    """The dims from the one with the largest stride to the one with the smallest.

    See: stride, permute

    >>> ones(2, 3, 4).permute(2, 0, 1).dim_order()
    (1, 2, 0)
    """
    strides = self.spec.strides
    return tuple(sorted(range(self.spec.ndim), key=lambda d: -strides[d]))


def _is_sparse(self: Tensor) -> bool:
    """False: there are no sparse tensors here.

    >>> ones(2).is_sparse
    False
    """
    return False


def detach_(self: Tensor) -> Tensor:
    """Cut the tensor off its history, in place.

    Raises RuntimeError for a view, as torch does.

    See: detach, requires_grad_, no_grad

    >>> y = ones(2, requires_grad=True) * 2
    >>> y.detach_().requires_grad
    False
    """
    if is_inference_mode_enabled():  # torch leaves autograd out of it altogether
        return self
    if isinstance(self, View) and not self.inference:
        raise TensorError(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and"
            " gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on these gradients."
            " To fix this error, please refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution."
        )
    if not self.is_leaf:
        self.__dict__.pop("interior", None)
        self.detached = True
        cut[:] = [None]
        self.node = None
        return self
    return self.requires_grad_(False)


def new_tensor(self: Tensor, values: Any, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new leaf from data, with this tensor's dtype and device unless given.

    See: tensor, new_zeros, new_full

    >>> ones(2, dtype=float64).new_tensor([1, 2])
    tensor([1., 2.], dtype=torch.float64)
    """
    return data.tensor(values, dtype=dtype or self.spec.dtype, device=device or self.spec.device, requires_grad=requires_grad)


def untyped_storage(self: Tensor) -> Storage:
    """The memory this tensor looks at."""
    return self.get_storage()


_reversed: dict[Spec, Callable[[Tensor], Tensor]] = {}  # plans of x.T


def _transposed(self: Tensor) -> Tensor:
    """All dims reversed, sharing storage.

    Storage: shares the tensor's, nothing copied
    Grad: transposed back
    See: mT, t, permute, transpose

    >>> tensor([[1, 2], [3, 4]]).T
    tensor([[1, 3],
            [2, 4]])
    """
    plan = _reversed.get(self.spec)
    if plan is None:
        if len(_reversed) >= MEMO_LIMIT:
            _reversed.clear()
        plan = _reversed[self.spec] = OPS["permute"].prepare([self, tuple(range(self.spec.ndim))[::-1]])
    return plan(self)


def _matrix_transposed(self: Tensor) -> Tensor:
    """The last two dims swapped, sharing storage.

    Raises RuntimeError below 2 dims.

    Storage: shares the tensor's, nothing copied
    Grad: transposed back
    See: T, transpose, permute

    >>> ones(5, 2, 3).mT.shape
    torch.Size([5, 3, 2])
    """
    if self.ndim < 2:
        raise TensorError(
            f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.", "mT", {"self": self}
        )
    return OPS["transpose"].call(self, -2, -1)  # type: ignore[no-any-return]  # the registry holds functions


def _conjugate_transposed(self: Tensor) -> Tensor:
    """A matrix transposed and conjugated, sharing storage.

    Raises RuntimeError above 2 dims.

    Storage: shares the tensor's, nothing copied
    Grad: transposed and conjugated
    See: mH, T, adjoint

    >>> tensor([[1+2j, 3j]]).H
    tensor([[1.-2.j],
            [0.-3.j]])
    """
    if self.ndim not in (0, 2):
        raise TensorError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if self.ndim > 2 else ""),
            "H",
            {"self": self},
        )
    return OPS["mH"].call(self)  # type: ignore[no-any-return]  # the registry holds functions


def _adjoint(self: Tensor) -> Tensor:
    """The last two dims swapped and the values conjugated, sharing storage.

    Raises RuntimeError for 1 dim.

    Storage: shares the tensor's, nothing copied
    Grad: transposed and conjugated
    See: mT, H, adjoint

    >>> ones(5, 2, 3).mH.shape
    torch.Size([5, 3, 2])
    """
    return OPS["mH"].call(self)  # type: ignore[no-any-return]  # the registry holds functions


def _real(self: Tensor) -> Tensor:
    """The real parts, sharing storage; assigning writes them. A real tensor itself.

    Storage: shares the tensor's, nothing copied
    Grad: grad as the real part, 0 as the imaginary one
    See: imag, view_as_real, complex

    >>> tensor([1+2j, 3-4j]).real
    tensor([1., 3.])
    """
    return OPS["real"].call(self)  # type: ignore[no-any-return]  # the registry holds functions


def _set_real(self: Tensor, value: Any) -> None:
    OPS["copy"].call(_real(self), value if isinstance(value, Tensor) else data.tensor(value, dtype=self.spec.dtype.to_real()))


def _imag(self: Tensor) -> Tensor:
    """The imaginary parts, sharing storage; assigning writes them.

    Raises RuntimeError for a real tensor.

    Storage: shares the tensor's, nothing copied
    Grad: grad as the imaginary part, 0 as the real one
    See: real, view_as_real, complex

    >>> tensor([1+2j, 3-4j]).imag
    tensor([ 2., -4.])
    """
    return OPS["imag"].call(self)  # type: ignore[no-any-return]  # the registry holds functions


def _set_imag(self: Tensor, value: Any) -> None:
    OPS["copy"].call(_imag(self), value if isinstance(value, Tensor) else data.tensor(value, dtype=self.spec.dtype.to_real()))


def _layout(self: Tensor) -> Layout:
    """Always torch.strided.

    See: stride, is_contiguous

    >>> ones(2).layout
    torch.strided
    """
    return strided


def allclose(self: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all elements are close: `|self - other| <= atol + rtol * |other|`.

    Raises RuntimeError when shapes do not broadcast or dtypes differ.

    >>> allclose(tensor([1.]), tensor([1.0000001]))
    True
    """
    _two_tensors("allclose", self, other)
    if self.spec.dtype is not other.spec.dtype:
        raise TensorError(
            f"{self.spec.dtype.kernel_name} did not match {other.spec.dtype.kernel_name}", "allclose", {"self": self, "other": other}
        )
    return bool(OPS["allclose_tensor"].call(self, other, rtol, atol, equal_nan))


def _two_tensors(op: str, self: Any, other: Any) -> None:
    """Refuse what is no Tensor.

    Raises TypeError with torch's sentence.
    """
    for i, (name, value) in enumerate((("input", self), ("other", other))):
        if not isinstance(value, Tensor):
            raise TensorTypeError(f"{op}(): argument '{name}' (position {i + 1}) must be Tensor, not {type(value).__name__}", op)


def equal(self: Tensor, other: Tensor) -> bool:
    """Whether shape and all elements agree.

    >>> equal(tensor([1, 2]), tensor([1, 2]))
    True
    """
    _two_tensors("equal", self, other)
    return bool(OPS["equal_tensor"].call(self, other))


def is_nonzero(self: Tensor) -> bool:
    """Whether the one element is not 0.

    Raises RuntimeError when there is not exactly one.

    >>> is_nonzero(tensor(3))
    True
    """
    return bool(self)


def where(self: Tensor, condition: Tensor, other: Any) -> Any:
    """`self` where the condition holds, `other` elsewhere, broadcast.

    >>> tensor([1., 2.]).where(tensor([True, False]), 0.)
    tensor([1., 0.])
    """
    return OPS["where"].call(condition, self, other)


OWN: dict[str, Any] = {
    "where": where,
    "size": size, "stride": stride, "is_contiguous": is_contiguous, "is_floating_point": is_floating_point, "is_complex": is_complex,
    "is_signed": is_signed, "is_conj": is_conj, "is_neg": is_neg, "is_inference": is_inference,
    "is_same_size": is_same_size, "get_device": get_device, "dim_order": dim_order, "is_set_to": is_set_to, "detach_": detach_, "new_tensor": new_tensor,
    "untyped_storage": untyped_storage, "backward": tensor_backward, "allclose": allclose, "equal": equal, "is_nonzero": is_nonzero, **METHODS,
}  # fmt: skip
PROPERTIES = {"T": _transposed, "mT": _matrix_transposed, "H": _conjugate_transposed, "mH": _adjoint, "layout": _layout, "is_sparse": _is_sparse}
PARTS = {"real": (_real, _set_real), "imag": (_imag, _set_imag)}


def install() -> None:
    """Put ops, in-place forms, operators and the rest on Tensor."""
    for name, function in OWN.items():
        setattr(Tensor, name, function)
    for name, getter in PROPERTIES.items():
        setattr(Tensor, name, property(getter))
    for name, accessors in PARTS.items():
        setattr(Tensor, name, property(*accessors))
    for name, public in PUBLIC.so_far():
        _install_op(name, public)
    for name, file in waiting.FILE_OF["methods"].items():
        if file not in read and name not in Tensor.__dict__:
            setattr(Tensor, name, Waiting(name, file))
    on_reading.append(_install_ops)
    _operators()


def _install_ops(names: list[str]) -> None:
    """The methods of some public names."""
    for name in names:
        _install_op(name, PUBLIC[name])


def _install_op(name: str, public: Public) -> None:
    """The method of a public name and its in-place form, unless there is one of that name."""
    if any(op.method for op in public.ops):
        for attribute, make in ((name, lambda _: public.method()), (f"{name}_", inplace_form)):
            if attribute not in Tensor.__dict__ or Tensor.__dict__[attribute].__class__ is Waiting:
                found = make(public.ops)
                if found is not None:
                    setattr(Tensor, attribute, found)


class Waiting:
    """Stands for a method whose file waits to be read."""

    def __init__(self, name: str, file: str):
        self.name, self.file = name, file

    def __get__(self, tensor: Tensor | None, cls: type[Tensor]) -> Any:
        read_file(self.file)
        return getattr(cls if tensor is None else tensor, self.name)


def inplace_form(overloads: list[Op]) -> Callable[..., Any] | None:
    """The `NAME_` of a public name, or None when it has none."""
    forms = [_form(op) for op in overloads]
    found = [(op, form) for op, form in zip(overloads, forms, strict=True) if form is not None]
    if not found:
        return None
    if len(found) == 1:
        return found[0][1]

    def call_(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        for op, form in found:
            try:
                op.signature.bind((self, *args), kwargs)
            except Mismatch as error:
                mismatch = error.with_traceback(None)  # which would keep this frame alive, in a cycle
                continue
            return form(self, *args, **kwargs)
        raise refusal(overloads[0].public + "_", [op.signature for op, _ in found], (self, *args), kwargs, mismatch, True)

    call_.__name__ = overloads[0].public + "_"
    return call_



def _form(op: Op) -> Callable[..., Any] | None:
    if isinstance(op, Elementwise):
        return op.inplace_call() if op.inplace else None
    if isinstance(op, ViewOp):
        return None if op.inplace_overload is None else inplace_view(op)
    return inplace_structural(op) if isinstance(op, Structural) and op.inplace else None


def _operators() -> None:
    calls = {name: PUBLIC[public].call for name, public in BINARY.items()}
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "and", "or", "xor", "pow", "lshift", "rshift", "lt", "le", "gt", "ge"):
        setattr(Tensor, f"__{name}__", _operator(calls[name]))
    for name in ("add", "mul", "and", "or", "xor"):
        setattr(Tensor, f"__r{name}__", _operator(calls[name]))
    setattr(Tensor, "__rmod__", _reflected("remainder"))
    setattr(Tensor, "__rsub__", _operator(PUBLIC["rsub"].call))
    setattr(Tensor, "__rtruediv__", _operator(_rtruediv))
    setattr(Tensor, "__rfloordiv__", _reflected("floor_divide"))
    setattr(Tensor, "__rpow__", _reflected("pow_base"))
    setattr(Tensor, "__rlshift__", _reflected("bitwise_left_shift"))
    setattr(Tensor, "__rrshift__", _reflected("bitwise_right_shift"))
    setattr(Tensor, "__matmul__", _matmul)
    setattr(Tensor, "__rmatmul__", lambda self, other: _matmul(other, self) if isinstance(other, Tensor) else NotImplemented)
    setattr(Tensor, "__eq__", _equality(calls["eq"]))
    setattr(Tensor, "__ne__", _equality(calls["ne"]))
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"):
        setattr(Tensor, f"__i{name}__", _augmented(BINARY[name]))
    setattr(Tensor, "__neg__", PUBLIC["neg"].call)
    setattr(Tensor, "__pos__", PUBLIC["positive"].call)
    setattr(Tensor, "__abs__", PUBLIC["abs"].call)
    setattr(Tensor, "__invert__", PUBLIC["bitwise_not"].call)
    setattr(Tensor, "__iter__", _iterate)
    setattr(Tensor, "__contains__", _contains)
    setattr(Tensor, "__getitem__", indexing.getitem)
    setattr(Tensor, "__setitem__", indexing.setitem)


install()
