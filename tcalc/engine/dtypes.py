"""Element types: dtype objects, their categories, torch's promotion rules and the default dtype."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple

from .errors import TensorError, TensorTypeError

BOOL, INT, FLOAT, COMPLEX = range(4)


class dtype:  # noqa: N801 - torch's own spelling
    """One element type. `itemsize` in bytes; `category` is BOOL, INT, FLOAT or COMPLEX, the order of promotion; tensors of
    `continuous` types (FLOAT and COMPLEX) can require grad.

    See: dtype-promotion, Tensor.dtype, float32, get_default_dtype

    >>> ones(2).dtype
    torch.float32
    >>> float16.itemsize
    2
    """

    __slots__ = ("alias", "as_is", "category", "continuous", "is_complex", "is_floating_point", "is_signed", "itemsize", "kernel_name", "kind", "name")

    def __init__(self, name: str, itemsize: int, category: int, signed: bool, kernel_name: str, alias: str):
        self.name, self.itemsize, self.category, self.is_signed = name, itemsize, category, signed
        self.is_floating_point = category == FLOAT
        self.is_complex = category == COMPLEX
        self.continuous = category >= FLOAT
        self.as_is = not self.is_complex and not (self.continuous and itemsize == 2)  # nodes keep ops as they are: see Op.form_for
        self.kind = "bifc"[category] if signed or not category else "u"  # as numpy's dtypes have it, for formulas that run on both
        self.kernel_name = kernel_name  # torch's name in error sentences: "Float", "Long"
        self.alias = alias

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def to_real(self) -> dtype:
        """The dtype of the real part: float32 for complex64; any other is its own.

        >>> complex64.to_real()
        torch.float32
        """
        return REAL.get(self, self)

    def to_complex(self) -> dtype:
        """The complex dtype whose parts are of this one.

        Raises RuntimeError for ints and bool.

        >>> float64.to_complex()
        torch.complex128
        """
        if self.category < FLOAT:
            raise TensorError(f"Unknown Complex ScalarType for {self.kernel_name}", "to_complex")
        return self if self.is_complex else complex128 if self is float64 else complex64

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name


bool_ = dtype("bool", 1, BOOL, False, "Bool", "bool")
uint8 = dtype("uint8", 1, INT, False, "Byte", "uint8")
int8 = dtype("int8", 1, INT, True, "Char", "int8")
int16 = dtype("int16", 2, INT, True, "Short", "short")
int32 = dtype("int32", 4, INT, True, "Int", "int")
int64 = dtype("int64", 8, INT, True, "Long", "long")
float16 = dtype("float16", 2, FLOAT, True, "Half", "half")
bfloat16 = dtype("bfloat16", 2, FLOAT, True, "BFloat16", "bfloat16")
float32 = dtype("float32", 4, FLOAT, True, "Float", "float")
float64 = dtype("float64", 8, FLOAT, True, "Double", "double")
complex64 = dtype("complex64", 8, COMPLEX, True, "ComplexFloat", "cfloat")
complex128 = dtype("complex128", 16, COMPLEX, True, "ComplexDouble", "cdouble")

ALL = (uint8, int8, int16, int32, int64, float16, float32, float64, bfloat16, bool_, complex64, complex128)
REAL = {complex64: float32, complex128: float64}
BY_NAME = {d.name: d for d in ALL} | {d.alias: d for d in ALL}
REDUCED = frozenset((float16, bfloat16))  # computed in float32, rounded once

_default: ContextVar[dtype] = ContextVar("default_dtype", default=float32)


def get_default_dtype() -> dtype:
    """The dtype of new floating-point tensors, torch.float32 until changed.

    >>> get_default_dtype()
    torch.float32
    """
    return _default.get()


def set_default_dtype(d: dtype) -> None:
    """Set the dtype of new floating-point tensors.

    Raises TypeError unless `d` is a floating-point dtype.

    See: get_default_dtype, dtype-promotion, tensor

    >>> set_default_dtype(float64)
    >>> tensor([1.]).dtype
    torch.float64
    >>> set_default_dtype(float32)
    """
    if not isinstance(d, dtype):
        raise TensorTypeError(f"invalid dtype object: only floating-point types are supported as the default type, got {d!r}")
    if not d.is_floating_point:
        raise TensorTypeError("only floating-point types are supported as the default type")
    _default.set(d)


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest dtype of torch's lattice that both `a` and `b` convert to.

    Rule: the higher category wins; within floats the wider, float16 with bfloat16 gives float32; within ints the
    wider, and uint8 with a signed type of the same width gives the next wider signed one. A complex dtype is as wide as its parts.

    See: result_type, can_cast, dtype-promotion

    >>> promote_types(int64, float16)
    torch.float16
    """
    if a is b:
        return a
    if a.is_complex or b.is_complex:
        return complex128 if {a.to_real(), b.to_real()} & {float64} else complex64
    if a.category != b.category:
        return a if a.category > b.category else b
    if a.category == FLOAT:
        if a.itemsize == b.itemsize:
            return float32
        return a if a.itemsize > b.itemsize else b
    if a.itemsize == b.itemsize:  # uint8 with int8
        return int16
    return a if a.itemsize > b.itemsize else b


def scalar_dtype(kind: type) -> dtype:
    """Dtype a Python scalar type has on its own: bool, int64, the default dtype, or the complex dtype of that."""
    if kind is bool:
        return bool_
    if kind is complex:
        return _default.get().to_complex()
    return int64 if kind is int else _default.get()


def result_type(dims: list[dtype], zeros: list[dtype], numbers: list[type]) -> dtype:
    """Promotion over dimensioned tensors, 0-dim tensors and Python numbers.

    A weaker group takes part only when its category is higher than that of all stronger ones
    (torch's rule, "Tensor Attributes: type promotion"); a complex one that joins floats is as wide as they are.
    `numbers` holds Python types (bool, int, float, complex).
    """
    result: dtype | None = None
    for group in (dims, zeros, [scalar_dtype(k) for k in numbers]):
        if not group:
            continue
        best = group[0]
        for d in group[1:]:
            best = promote_types(best, d)
        if result is None:
            result = best
        elif best.category > result.category:
            result = best if result.category < FLOAT else result.to_complex()
    assert result is not None, "result_type needs at least one operand"
    return result


class FloatInfo(NamedTuple):
    """Limits of a floating-point dtype, as torch.finfo gives them."""

    bits: int
    max: float
    min: float
    eps: float
    tiny: float
    smallest_normal: float
    resolution: float
    dtype: str

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g},"
            f" smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class IntInfo(NamedTuple):
    """Limits of an integer dtype, as torch.iinfo gives them."""

    bits: int
    max: int
    min: int
    dtype: str

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


def iinfo(d: dtype) -> IntInfo:
    """Limits of an integer dtype.

    Raises TypeError for a floating-point or bool dtype.

    >>> iinfo(int8).max
    127
    """
    if d.category != INT:
        raise TensorTypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{d!r}'")
    bits = d.itemsize * 8
    if d.is_signed:
        return IntInfo(bits, 2 ** (bits - 1) - 1, -(2 ** (bits - 1)), d.name)
    return IntInfo(bits, 2**bits - 1, 0, d.name)


_MANTISSA = {"float16": (10, -14, 0.001), "bfloat16": (7, -126, 0.01), "float32": (23, -126, 1e-6), "float64": (52, -1022, 1e-15)}


def finfo(d: dtype | None = None) -> FloatInfo:
    """Limits of a floating-point dtype (the default one when none is given), from its IEEE 754 layout; of a complex one's parts.

    Raises TypeError for an integer or bool dtype.

    >>> finfo(float32).eps
    1.1920928955078125e-07
    >>> finfo(float16).max
    65504.0
    """
    d = (d or _default.get()).to_real()
    if not d.is_floating_point:
        raise TensorTypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{d!r}'")
    digits, low, resolution = _MANTISSA[d.name]
    top = (2.0 - 2.0**-digits) * 2.0 ** (1 - low)
    return FloatInfo(d.itemsize * 8, top, -top, 2.0**-digits, 2.0**low, 2.0**low, resolution, d.name)


def check_long(value: int) -> None:
    """Refuse an int that is neither a signed nor an unsigned one of 64 bits.

    Raises OverflowError with Python's sentences, which torch passes on.
    """
    if value < -(2**63):
        raise OverflowError("can't convert negative int to unsigned")
    if value >= 2**64:
        raise OverflowError("int too big to convert")
