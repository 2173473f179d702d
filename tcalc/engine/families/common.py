"""What every family does around a kernel: find the array module, fit a result to its planned spec, write into out=."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .. import backend, dtypes
from ..backend import CPU, asarray, ndarray, np
from ..dtypes import FLOAT, check_long, dtype
from ..errors import TensorError, TensorNotImplemented, TensorTypeError
from ..graph import NOT_IMPLEMENTED
from ..layout import has_overlap
from ..modes import is_grad_enabled
from ..spec import Spec, spec_of
from ..tensor import Tensor, allocate, make
from ..views import LazyView


def adopt(array: Any, spec: Spec) -> Tensor:
    """A kernel's fresh result as a Tensor laid out exactly as planned, copied only where the kernel laid it out otherwise."""
    if array.__class__ is not ndarray and spec.device.type == "cpu":
        array = asarray(array)
    if array.dtype is spec.numpy and spec.contiguous and array.shape == spec.shape and array.flags.c_contiguous:
        return make(array, spec)
    if array.dtype != spec.numpy:
        array = array.astype(spec.numpy)
    if array.shape != spec.shape:
        if array.size != spec.numel:
            array = backend.module_of(array).broadcast_to(array, spec.shape)
        else:
            array = array.reshape(spec.shape)
    if lies_as(array, spec):
        return make(array, spec)
    t = allocate(spec)
    t.a[...] = array
    return t


def lies_as(array: Any, spec: Spec) -> bool:
    """Whether an array's strides are the spec's, sizes below 2 left out."""
    if spec.contiguous:
        return bool(array.flags.c_contiguous)
    item = array.itemsize
    return all(n < 2 or have == want * item for n, have, want in zip(spec.shape, array.strides, spec.strides, strict=True))


def differs(spec: Spec | None, result: Spec) -> bool:
    """Whether the gradient for an operand has another shape, dtype or device than that of an elementwise result."""
    return spec is not None and spec is not result and (spec.shape, spec.dtype, spec.device) != (result.shape, result.dtype, result.device)


def fit_grad(grad: Any, spec: Spec, result: Spec, F: Any) -> Any:
    """A gradient as elementwise formulas make it, in the result's shape and dtype, brought to those of an operand."""
    if spec is not result:
        if grad.shape != spec.shape:
            grad = F.sum_to(grad, spec.sizes)
        if spec.dtype is not result.dtype:
            grad = F.cast(grad, spec.dtype)
        if spec.device is not result.device:
            grad = F.move(grad, spec.device)
    elif isinstance(grad, Tensor) and grad.spec.dtype is not spec.dtype:
        grad = F.cast(grad, spec.dtype)  # a wider operand was written into it; raw formulas read operands in the result's dtype
    return grad


def from_default(planned: Spec | Sequence[Spec], specs: Sequence[Any]) -> bool:
    """Whether a result of floats may have its dtype from set_default_dtype, so that the next one may have another."""
    if any([isinstance(spec, Spec) and spec.dtype.category >= FLOAT for spec in specs]):
        return False
    return any([spec.dtype.category >= FLOAT for spec in ([planned] if isinstance(planned, Spec) else planned)])


def cast_grad(grad: Any, spec: Spec, result: Spec, F: Any) -> Any:
    """A gradient in the result's dtype, where there is one, brought to that of an input."""
    return grad if grad is None or spec.dtype is result.dtype else F.cast(grad, spec.dtype)


def same_device(op: str, specs: Sequence[Spec]) -> backend.device:
    """The one device of several operands; a 0-dim CPU tensor goes along with any.

    Raises RuntimeError with torch's sentence.
    """
    if not specs:
        return CPU
    common = next((s.device for s in specs if s.device is not CPU), CPU)
    for s in specs:
        if s.device is not common and (s.ndim or s.device is not CPU):
            raise TensorError(f"Expected all tensors to be on the same device, but found at least two devices, {common} and {s.device}!", op)
    return common


def not_implemented(label: str, d: dtype) -> TensorNotImplemented:
    """torch's sentence for a dtype that a kernel does not take."""
    return TensorNotImplemented(f"\"{label}\" not implemented for '{d.kernel_name}'")


def no_kernel(label: str) -> Callable[[dtype], TensorNotImplemented]:
    """For `real_only`: torch's sentence that its kernel does not take the dtype."""
    return lambda d: not_implemented(label, d)


def no_complex(sentence: str) -> Callable[[dtype], TensorNotImplemented]:
    """For `real_only`: a NotImplementedError with a sentence of its own."""
    return lambda d: TensorNotImplemented(sentence)


def refuses(sentence: str) -> Callable[[dtype], TensorError]:
    """For `real_only`: a RuntimeError with a sentence of its own, `{}` standing for the dtype."""
    return lambda d: TensorError(sentence.format(d.kernel_name))


def check_cast(result: dtype, target: dtype, in_c: bool = False) -> None:
    """Refuse to write a result into a tensor of a lower category; `in_c` names that as C++ does.

    Raises RuntimeError with torch's sentence.
    """
    if result.category > target.category:
        name = C_NAMES[target.name] if in_c else target.kernel_name
        raise TensorError(f"result type {result.kernel_name} can't be cast to the desired output type {name}")


def check_writable(t: Tensor) -> None:
    """Refuse to write where two indices share a slot.

    Raises RuntimeError with torch's sentence.
    """
    refuse_shared_slots(t.spec)


def refuse_shared_slots(spec: Spec) -> None:
    """Refuse to write into memory laid out so that two indices share a slot.

    Raises RuntimeError with torch's sentence.
    """
    if has_overlap(spec.shape, spec.strides):
        raise TensorError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the"
            " tensor before performing the operation.",
            data_kind="overlap",
        )


def sorted_out(kernel: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    """The options of a declaration, those that are named as a parameter of the kernel gathered as its `formulas`."""
    code = kernel.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {k: v for k, v in options.items() if k not in names} | {"formulas": {k: v for k, v in options.items() if k in names}}


def underivable(name: str, op: str | None = None) -> Callable[[Any], Any]:
    """A formula that refuses, where torch lists a derivative as missing; `op` is the error's when it is not `name`.

    Raises NotImplementedError with torch's sentence.
    """

    def formula(grad: Any) -> Any:
        raise TensorNotImplemented(f"the derivative for '{name}' is not implemented.", op or name)

    return formula


def no_derivative(name: str) -> Callable[[Any], Any]:
    """A formula that refuses, where torch lists nothing and records the op all the same.

    Raises RuntimeError with torch's sentence.
    """

    def formula(grad: Any) -> Any:
        raise TensorError(f"derivative for aten::{name} is not implemented", name)

    return formula


def refuse_grad_of(shown: str, value: Any) -> None:
    """Refuse an operand that requires grad where torch's function has no derivative for it; both are named in `shown`: "function: argument".

    Raises RuntimeError with torch's sentence.
    """
    if isinstance(value, Tensor) and value.requires_grad and is_grad_enabled():
        function, _, argument = shown.partition(": ")
        raise TensorError(
            f"The function '{function}' is not differentiable with respect to argument '{argument}'. This input cannot have requires_grad True."
        )


def without_formula(name: str) -> dict[str, Any]:
    """How to declare an op that torch records though it lists no derivative for it."""
    return {"node": NOT_IMPLEMENTED, "overload": None, "grads": no_derivative(name)}


C_NAMES = {
    "float64": "double", "float32": "float", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "int64": "long int", "int32": "int",
    "int16": "short int", "int8": "signed char", "uint8": "unsigned char", "bool": "bool", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def _transform(op: str) -> str:
    """What torch calls a transform of torch.fft: those over two dims are fftn, rfftn, ..."""
    return op.removeprefix("fft_").replace("2", "n").replace("ifftn", "fftn")


SCALAR_NAMES = {"int64": "int64_t", "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t"}


def _type_name(d: dtype) -> str:
    """torch's oldest name of a CPU tensor of the dtype."""
    return f"torch.{d.kernel_name}Tensor"


def _uncastable(op: str, name: str, have: dtype, want: dtype) -> str:
    return f"{op}: Expected {name} to be safely castable from {want.kernel_name} dtype, but got {name} with dtype {have.kernel_name}"


CASTABLE = frozenset(("castable", "lstsq", "lstsq rank", "lstsq values", "geqrf a", "geqrf tau", "orgqr"))  # rules that take any dtype of the result's category or above
OUT_SENTENCES: dict[str, Callable[[str, dtype, dtype], str]] = {
    "found": lambda op, have, want: f"Found dtype {have.kernel_name} but expected {want.kernel_name}",
    "expected": lambda op, have, want: f"Expected out tensor to have dtype {C_NAMES[want.name]}, but got {C_NAMES[have.name]} instead",
    "searchsorted": lambda op, have, want: (
        "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on whether out_int32 flag is"
        f" True, but we got output tensor's dtype {have.kernel_name} and out_int32 flag is {want.name == 'int32'}"
    ),
    "take": lambda op, have, want: (
        f"take(): self and out expected to have the same dtype, but got self.dtype = {want.kernel_name} and out.dtype = {have.kernel_name}"
    ),
    "floating": lambda op, have, want: f"{op}(): Expected floating point type for result tensor, but got: {have.kernel_name}",
    "decides": lambda op, have, want: OUT_SENTENCES["expected"](op, have, want),
    "same": lambda op, have, want: (
        f"Expected the dtype for input and out to match, but got {want.kernel_name} for input's dtype and {have.kernel_name} for out's dtype."
    ),
    "scalar_type": lambda op, have, want: f"expected scalar_type {want.kernel_name} but found {have.kernel_name}",
    "boolean": lambda op, have, want: f"{op} does not support non-boolean outputs.",
    "bool": lambda op, have, want: f"{op} only supports bool tensor for result, got: {have.kernel_name}",
    "castable": lambda op, have, want: f"{op}: Expected result to be safely castable from {want.kernel_name} dtype, but got result with dtype {have.kernel_name}",
    "scalar kind": lambda op, have, want: f"expected scalar type {want.kernel_name} but found {have.kernel_name}",
    "scalar type": lambda op, have, want: f"{op}(): self and result must have the same scalar type",
    "eigenvalues": lambda op, have, want: (
        f"torch.linalg.eigvals: Expected eigenvalues to be safely castable from {want.kernel_name} dtype, but got eigenvalues with dtype {have.kernel_name}"
    ),
    "spectrum": lambda op, have, want: f"{_transform(op)} expects a complex output tensor, but got {have.kernel_name}",
    "signal": lambda op, have, want: f"{_transform(op)} expects a floating point output tensor, but got {have.kernel_name}",
    "object": lambda op, have, want: f"Expected object of scalar type {want.kernel_name} but got scalar type {have.kernel_name} for argument 'out'",
    "result": lambda op, have, want: f"result dtype {have.kernel_name} does not match input dtype {want.kernel_name}",
    "addmv": lambda op, have, want: (
        f"addmv input tensors must have the same dtype, but got {have.kernel_name}, {want.kernel_name}, and {want.kernel_name}"
    ),
    "heaviside": lambda op, have, want: "heaviside is not yet implemented for tensors with different dtypes.",
    "nan_to_num": lambda op, have, want: f"nan_to_num: dtype of out: {have.kernel_name} should be same as input: {want.kernel_name}",
    "median values": lambda op, have, want: (
        f"Expected tensor for 'values' to have the same type as tensor for argument #2 'self'; but type {_type_name(have)} does not equal"
        f" {_type_name(want)} (while checking arguments for median)"
    ),
    "median indices": lambda op, have, want: (
        f"Expected tensor for argument #1 'indices' to have scalar type Long; but got {_type_name(have)} instead (while checking arguments for median)"
    ),
    "mode values": lambda op, have, want: f"expected scalar type '{want.kernel_name}' but got '{have.kernel_name}' for values output",
    "mode indices": lambda op, have, want: f"expected scalar type '{want.kernel_name}' but got '{have.kernel_name}' for indices output",
    "kth values": lambda op, have, want: "output values must be of same type as input",
    "kth indices": lambda op, have, want: "output indices must be of scalar type Long",
    "quantile": lambda op, have, want: "quantile() out tensor must be same dtype as the input tensor",
    "hist": lambda op, have, want: (
        f"torch.histogram: input tensor and hist tensor should have the same dtype, but got input {C_NAMES[want.name]} and hist {C_NAMES[have.name]}"
    ),
    "bin_edges": lambda op, have, want: (
        f"torch.histogram: input tensor and bin_edges tensor should have the same dtype, but got input {C_NAMES[want.name]} and bin_edges"
        f" {C_NAMES[have.name]} for dimension 0"
    ),
    "lstsq": lambda op, have, want: _uncastable("torch.linalg.lstsq", "solution", have, want),
    "lstsq rank": lambda op, have, want: _uncastable("torch.linalg.lstsq", "rank", have, want),
    "lstsq values": lambda op, have, want: _uncastable("torch.linalg.lstsq", "singular_values", have, want),
    "geqrf a": lambda op, have, want: _uncastable("torch.geqrf", "a", have, want),
    "geqrf tau": lambda op, have, want: _uncastable("torch.geqrf", "tau", have, want),
    "orgqr": lambda op, have, want: _uncastable("torch.linalg.householder_product", "result", have, want),
    "ormqr": lambda op, have, want: (
        f"torch.ormqr: Expected input and result to have the same dtype, but input has dtype{want.kernel_name} and result has dtype {have.kernel_name}"
    ),
    "mantissa": lambda op, have, want: f"torch.frexp() expects mantissa to have dtype {C_NAMES[want.name]} but got {C_NAMES[have.name]}",
    "exponent": lambda op, have, want: f"torch.frexp() expects exponent to have int dtype but got {C_NAMES[have.name]}",
    "out type": lambda op, have, want: f"Expected out type to be {want.kernel_name} but got {have.kernel_name}",
}  # how torch words that out= must have exactly the result's dtype, by kind of kernel


def check_out_dtype(result: dtype, out: dtype, op: str, rule: str) -> None:
    """Refuse a dtype of out=: one of a lower category ("cast"), or any but the result's own (the other rules).

    Raises RuntimeError with torch's sentence.
    """
    if rule == "cast":
        check_cast(result, out)
    elif rule in ("floating", "signal") and out.is_floating_point:
        return
    elif rule in ("spectrum", "eigenvalues") and out.is_complex:
        return
    elif rule in CASTABLE and out.category >= result.category:
        return
    elif result is not out:
        raise TensorError(OUT_SENTENCES[rule](op, out, result))


def check_no_partial_overlap(target: Tensor, operands: Sequence[Any]) -> None:
    """Refuse an operand that shares some but not all of the memory that is about to be written (both dense, as torch checks).

    Raises RuntimeError with torch's sentence.
    """
    for o in operands:
        if o is target or not isinstance(o, Tensor):
            continue
        same = _bytes_of(o) == _bytes_of(target)
        if overlap(o, target) and (not same or o.spec.strides != target.spec.strides):
            raise _overlapping()


def check_no_overlap(target: Tensor, operands: Sequence[Any]) -> None:
    """Refuse an operand that shares any of the memory that is about to be written (both dense, as torch checks).

    Raises RuntimeError with torch's sentence.
    """
    for o in operands:
        if isinstance(o, Tensor) and overlap(o, target):
            raise _overlapping()


def overlap(one: Tensor, other: Tensor) -> bool:
    """Whether two dense tensors share memory; torch does not look at others."""
    here, there = one.storage, other.storage
    if one is not other and (here is None or there is None or (here is not there and (here.raw is None or here.raw is not there.raw))):
        return False  # `.data` has a storage of its own, with versions of its own, on the same memory
    (start, end), (first, last) = _bytes_of(one), _bytes_of(other)
    return one.spec.dense and other.spec.dense and one.spec.numel != 0 and start < last and first < end


def _bytes_of(t: Tensor) -> tuple[int, int]:
    """Where a dense tensor begins and ends in its storage."""
    size = t.spec.dtype.itemsize
    return t.offset * size, (t.offset + t.spec.numel) * size


def _overlapping() -> TensorError:
    return TensorError(
        "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location."
        " Please clone() the tensor before performing the operation.",
        data_kind="overlap",
    )


def write_out(out: Tensor, result: Tensor, op: str, rule: str = "cast") -> Tensor:
    """Put a computed result into `out=`, resized when its shape differs.

    Raises RuntimeError when `out` requires grad, is on another device or has a dtype of a lower category.
    """
    if out.node is not None:
        raise TensorError(
            f"{op}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.", op
        )
    if out.spec.device is not result.spec.device:
        raise TensorError(f"Expected out tensor to be on the same device, {result.spec.device}, but found {out.spec.device}", op)
    check_out_dtype(result.spec.dtype, out.spec.dtype, op, rule)
    if out.spec.shape != result.spec.shape:
        resize(out, result.spec)
    check_writable(out)
    if isinstance(out, LazyView):
        out.written(lambda: np.copyto(out.a, result.a, "unsafe"))
    elif out.a is not None:
        if out.a.__class__ is not ndarray:
            backend.on_device(out.a)
        out.a[...] = result.a
    out.get_storage().version += 1
    return out


def write_outs(outs: Sequence[Tensor], results: Sequence[Tensor], inputs: Sequence[Any], op: str, rules: Sequence[str]) -> None:
    """Put several computed results into the tensors of `out=`, all of which are checked before one is written. One of another shape
    gets memory laid out as the result.

    Raises TypeError for a wrong number of them, RuntimeError as `write_out` does.
    """
    if len(outs) != len(results):
        raise TensorTypeError(f"expected tuple of {len(results)} elements but got {len(outs)}", op)
    refuse_grad_for_out(op, [*inputs, *outs])
    for out, result, rule in zip(outs, results, rules, strict=True):
        if out.spec.device is result.spec.device:
            check_out_dtype(result.spec.dtype, out.spec.dtype, op, rule)
    for out, result, rule in zip(outs, results, rules, strict=True):
        if out.spec.shape != result.spec.shape:
            resize(out, result.spec, result.spec.strides)
        write_out(out, result, op, rule)


def resize(out: Tensor, like: Spec, strides: tuple[int, ...] | None = None) -> None:
    """Give `out` new memory of another shape, row-major or of the given strides, as torch does for out= of the wrong shape."""
    fresh = allocate(spec_of(out.spec.dtype, out.spec.device, like.shape, strides))
    out.become(fresh.a, fresh.spec, fresh.storage, 0)


def refuse_grad_for_out(op: str, tensors: Sequence[Any]) -> None:
    """out= cannot be recorded.

    Raises RuntimeError with torch's sentence.
    """
    if is_grad_enabled() and any(isinstance(t, Tensor) and t.node is not None for t in tensors):
        raise TensorError(
            f"{op}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.", op
        )


def fitting(value: Any, d: dtype) -> Any:
    """A number as a tensor of dtype `d` holds it: cut to a whole one by integers, negative ones modulo 2^bits by unsigned integers.

    Raises RuntimeError with torch's sentence for one beyond the dtype's range and for a complex one where that is real, OverflowError for an
    int that is neither a signed nor an unsigned one of 64 bits.
    """
    if value.__class__ is int:
        check_long(value)
    if value.__class__ is bool:
        return value
    if d.is_complex:
        parts = (value.real, value.imag)
        if d is dtypes.complex64 and any(math.isfinite(part) and abs(part) > dtypes.finfo(dtypes.float32).max for part in parts):
            raise _overflow(d)
        return value
    if d.category == dtypes.BOOL:
        return bool(value)
    if isinstance(value, complex):
        if value.imag:
            raise _overflow(d)
        value = value.real
    if d.category == dtypes.FLOAT:
        if d is not dtypes.float64 and math.isfinite(value) and abs(value) > dtypes.finfo(d).max:
            raise _overflow(d)
        return float(value) if d is dtypes.bfloat16 else value  # ml_dtypes takes no ints beyond 64 bits
    info = dtypes.iinfo(d)
    least = info.min if info.min or isinstance(value, float) else -info.max  # negative integers wrap, negative floats do not
    if not math.isfinite(value) or not least <= value <= info.max:
        raise _overflow(d)
    return int(value) if info.min else int(value) % (info.max + 1)


def fitting_loosely(value: Any, d: dtype) -> Any:
    """The same, but that real numbers too large for 16-bit floats become infinite there."""
    if d in dtypes.REDUCED and not isinstance(value, complex):
        if value.__class__ is int:
            check_long(value)
        return float(value)
    return fitting(value, d)


def fitting_computed(value: Any, d: dtype) -> Any:
    """The same for kernels that compute 16-bit floats in float32, and take numbers in that."""
    return fitting(value, opmath(d))


def element(value: Any, kind: Any, rule: Callable[[Any, dtype], Any] = fitting) -> Any:
    """A number as an element of arrays of a NumPy dtype.

    Raises RuntimeError with torch's sentence for one that does not fit.
    """
    return kind.type(rule(value, backend.dtype_of(kind)))


def _overflow(d: dtype) -> TensorError:
    return TensorError(f"value cannot be converted to type {SCALAR_NAMES.get(d.name, C_NAMES[d.name])} without overflow")


def real_for(values: Any, target: Any) -> Any:
    """An array's elements as `target` takes them: complex ones leave their imaginary parts behind where it is real, as torch's do."""
    return values.real if values.dtype.kind == "c" != target.dtype.kind else values


def opmath(d: dtype) -> dtype:
    """The dtype a kernel computes in: float32 for the 16-bit floats, so that several steps round once."""
    return dtypes.float32 if d in dtypes.REDUCED else d


