"""What a tensor is apart from its values: dtype, device, shape and strides, interned so that equal specs are one object."""

from __future__ import annotations

from math import prod
from typing import Any

from . import backend
from .backend import CPU, device
from .dtypes import dtype
from .errors import TensorError
from .layout import Ints, Size, contiguous_strides, is_contiguous, is_dense

MAX_BYTES = 2**63 - 1  # what torch and the array libraries count with


def _overflow(numel: int, shape: Ints) -> TensorError:
    return TensorError(
        "numel: integer multiplication overflow" if numel > MAX_BYTES else f"Storage size calculation overflowed with sizes={list(shape)}"
    )


class Spec:
    """dtype, device, shape, strides (in elements) and what follows from them. A plan's result, and all of a meta tensor.

    `lazy` is "conj" or "neg" for a view that shows the memory's values conjugated or with their sign turned, else empty.
    """

    __slots__ = (
        "byte_strides",
        "contiguous",
        "dense",
        "device",
        "dtype",
        "itemsize",
        "lazy",
        "ndim",
        "numel",
        "numpy",
        "one",
        "plain",
        "rows",
        "shape",
        "sizes",
        "strides",
    )

    def __init__(self, d: dtype, where: device, shape: Ints, strides: Ints, lazy: str = ""):
        self.lazy = lazy
        self.dtype, self.device, self.shape, self.strides = d, where, Size(shape), strides
        self.sizes = tuple(shape)  # numpy reads a plain tuple faster than a Size
        self.ndim, self.numel = len(shape), prod(shape)
        if self.numel * d.itemsize > MAX_BYTES:
            raise _overflow(self.numel, shape)
        self.contiguous = is_contiguous(shape, strides)
        self.dense = self.contiguous or is_dense(shape, strides)
        self.numpy = backend.NUMPY[d]
        item = self.itemsize = d.itemsize
        self.byte_strides = tuple(s * item for s in strides)
        self.rows: Spec | None = None  # the spec of x[i], made when first asked for
        self.plain: Spec | None = None  # the same in row-major order: row_major(spec)
        self.one: Any = None  # an array of ones of this spec, the start of backward

    @property
    def nbytes(self) -> int:
        """Bytes of the values, gaps and repeats not counted."""
        return self.numel * self.dtype.itemsize

    @property
    def type_name(self) -> str:
        """The kind of tensor as torch's sentences name it: torch.FloatTensor, but CPUComplexFloatType."""
        if self.dtype.is_complex:
            return f"{self.device.type.upper()}{self.dtype.kernel_name}Type"
        return self.legacy_type

    @property
    def legacy_type(self) -> str:
        """torch's oldest name of the kind of tensor: torch.FloatTensor, torch.cuda.LongTensor."""
        return f"torch.{'cuda.' if self.device.type == 'cuda' else ''}{self.dtype.kernel_name}Tensor"

    @property
    def geometry(self) -> tuple[Size, Ints]:
        """(shape, strides)."""
        return self.shape, self.strides

    def __repr__(self) -> str:
        return f"Spec({self.dtype.name} {tuple(self.shape)} stride {self.strides} {self.device})"


_specs: dict[tuple[Any, ...], Spec] = {}
LIMIT = 8192


def spec_of(d: dtype, where: device = CPU, shape: Ints = (), strides: Ints | None = None, lazy: str = "") -> Spec:
    """The one Spec for these facts; row-major when no strides are given."""
    if strides is None:
        strides = contiguous_strides(shape)
    key = d, where, tuple(shape), strides, lazy
    found = _specs.get(key)
    if found is None:
        if len(_specs) >= LIMIT:
            _specs.clear()
        found = _specs[key] = Spec(d, where, tuple(shape), strides, lazy)
    return found


def row_major(spec: Spec) -> Spec:
    """The same dtype, device and shape in row-major order."""
    plain = spec.plain
    if plain is None:
        plain = spec.plain = spec_of(spec.dtype, spec.device, spec.shape)
    return plain
