"""Pure-integer geometry: sizes, strides and every rule by which torch lays out a result. No arrays here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import zip_longest
from math import prod
from typing import NamedTuple, SupportsIndex, overload

from .errors import TensorError, TensorIndexError

Ints = tuple[int, ...]


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of ints that prints as torch.Size([2, 3]).

    See: Tensor.shape, Tensor.numel

    >>> ones(2, 3).shape
    torch.Size([2, 3])
    >>> Size([2, 3]).numel()
    6
    """

    __slots__ = ()

    def numel(self) -> int:
        """Number of elements a tensor of this shape has."""
        return prod(self)

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Size: ...
    def __getitem__(self, index: SupportsIndex | slice) -> int | Size:
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(item, tuple) else item

    def __add__(self, other: tuple[int, ...]) -> Size:  # type: ignore[override]  # torch keeps Size where tuple would not
        return Size(tuple.__add__(self, tuple(other)))


def contiguous_strides(shape: Sequence[int]) -> Ints:
    """Row-major strides in elements; a size-0 dim counts as 1, as torch counts it."""
    strides = [1] * len(shape)
    for i in range(len(shape) - 2, -1, -1):
        strides[i] = strides[i + 1] * max(shape[i + 1], 1)
    return tuple(strides)


def is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether elements lie in row-major order without gaps; strides of size-1 dims do not matter."""
    expected = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size == 0:
            return True
        if size != 1 and stride != expected:
            return 0 in shape
        expected *= size
    return True


def is_dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements fill their storage range exactly once (torch's non-overlapping and dense)."""
    if 0 in shape:
        return True
    if len(shape) == 1:
        return shape[0] < 2 or strides[0] == 1
    expected = 1
    for stride, size in sorted((st, sz) for sz, st in zip(shape, strides, strict=True) if sz >= 2):
        if stride != expected:
            return False
        expected *= size
    return True


def is_channels_last(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether a 4-dim tensor lies dense in the order channel, column, row, batch from the innermost."""
    expected = 1
    for dim in (1, 3, 2, 0) if len(shape) == 4 else ():
        if shape[dim] != 1 and strides[dim] != expected:
            return False
        expected *= shape[dim]
    return len(shape) == 4


def suggests_channels_last(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether torch takes a 4-dim tensor, gaps or not, to lie channels last by the order of its strides; not where it may be row by row, too."""
    if len(shape) != 4 or 0 in shape or not strides[1]:
        return False
    least = 0
    for dim in (1, 3, 2, 0):
        if strides[dim] < least or (dim == 0 and least == strides[1]):
            return False
        least = strides[dim] * shape[dim]
    return True


def has_overlap(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether two indices certainly reach one slot: some dim of size > 1 has stride 0."""
    return 0 not in shape and any(stride == 0 and size > 1 for size, stride in zip(shape, strides, strict=True))


def extent(shape: Sequence[int], strides: Sequence[int]) -> int:
    """Slots from the first to the last element, both included; 0 for an empty tensor."""
    if 0 in shape:
        return 0
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))


def broadcast_shapes(*shapes: Sequence[int]) -> Ints:
    """The common shape, sizes aligned from the right.

    Raises RuntimeError with torch's sentence when two sizes differ and neither is 1.
    """
    result: tuple[int, ...] = tuple(shapes[0]) if shapes else ()
    for shape in shapes[1:]:
        ndim = max(len(result), len(shape))
        sizes = []
        for i, (a, b) in enumerate(zip_longest(reversed(result), reversed(shape), fillvalue=1)):
            if a != b and a != 1 and b != 1:
                raise TensorError(
                    f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension {ndim - 1 - i}",
                    data_kind="broadcast",
                )
            sizes.append(b if a == 1 else a)
        result = tuple(reversed(sizes))
    return result


def broadcast_strides(shape: Sequence[int], strides: Sequence[int], to: Sequence[int]) -> Ints:
    """Strides that make (shape, strides) look like `to`: 0 where a dim is new or grown."""
    lead = len(to) - len(shape)
    grown = (0 if size == 1 and new != 1 else stride for size, stride, new in zip(shape, strides, to[lead:], strict=True))
    return (0,) * lead + tuple(grown)


def _inner_first(shape: Ints, operands: list[Ints]) -> list[int]:
    """Order of dims from innermost outward by the operands' strides (torch's TensorIterator, see elementwise_strides)."""

    def outward(a: int, b: int) -> int:
        """1 when dim `a`, now inside of `b`, belongs outside of it, -1 when it is right, 0 when undecided."""
        for strides in operands:
            if strides[a] == 0 or strides[b] == 0:
                continue
            if strides[a] != strides[b]:
                return 1 if strides[a] > strides[b] else -1
            if shape[a] > shape[b]:
                return 1
        return 0

    order = list(range(len(shape)))[::-1]
    for i in range(1, len(order)):
        at = i
        for j in range(i - 1, -1, -1):
            verdict = outward(order[j], order[at])
            if verdict > 0:
                order[j], order[at] = order[at], order[j]
                at = j
            elif verdict < 0:
                break
    return order


def strides_in_order(shape: Sequence[int], order: Sequence[int]) -> Ints:
    """Dense strides whose dims grow outward in `order` (innermost first)."""
    strides, step = [0] * len(shape), 1
    for dim in order:
        strides[dim] = step
        step *= shape[dim]
    return tuple(strides)


@lru_cache(maxsize=4096)
def elementwise_strides(shape: Ints, operands: tuple[tuple[Ints, Ints], ...]) -> Ints:
    """Strides of a fresh elementwise result of `shape` over operands given as (shape, strides).

    Rule (torch's TensorIterator): equal shapes, all contiguous: contiguous; all dense with the same strides: those.
    Else broadcast dims get stride 0 and dims are insertion-sorted from the innermost, operands asked in order; the
    natural order gives contiguous strides, any other dense strides in that order.
    """
    if all(s == shape for s, _ in operands):
        if all(is_contiguous(s, st) for s, st in operands):
            return contiguous_strides(shape)
        if all(is_channels_last(s, st) for s, st in operands):
            return strides_in_order(shape, (1, 3, 2, 0))
        first = operands[0][1]
        if all(st == first for _, st in operands) and is_dense(shape, first):
            return first
    order = _inner_first(shape, [broadcast_strides(s, st, shape) for s, st in operands])
    if order == list(range(len(shape)))[::-1]:
        return contiguous_strides(shape)
    return strides_in_order(shape, order)


def like_strides(shape: Ints, strides: Ints) -> Ints:
    """Strides of `empty_like`: kept when dense, else dense ones in the same dim order."""
    return strides if is_dense(shape, strides) else elementwise_strides(tuple(shape), ((tuple(shape), tuple(strides)),))


def view_strides(shape: Ints, strides: Ints, new: Ints) -> Ints | None:
    """Strides that show the same elements as `new` without a copy, or None when there are none.

    Neighbouring dims merge into a run when stepping the outer one equals walking the whole inner one; the new sizes
    must tile each run exactly. Expects equal element counts.
    """
    if 0 in shape:
        return strides if shape == new else contiguous_strides(new)
    runs: list[tuple[int, int]] = []  # (elements, innermost stride), innermost run first
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if runs and (size == 1 or stride == runs[-1][0] * runs[-1][1]):
            runs[-1] = (runs[-1][0] * size, runs[-1][1])
        else:
            runs.append((size, stride))
    result: list[int] = []
    pending = list(reversed(new))
    for elements, step in runs or [(1, 1)]:
        filled = 1
        while pending and (filled < elements or pending[0] == 1):
            result.append(filled * step)
            filled *= pending.pop(0)
        if filled != elements:
            return None
    return tuple(reversed(result)) if not pending else None


def infer_size(sizes: Sequence[int], numel: int) -> Ints:
    """Fill in a single -1.

    Raises RuntimeError with torch's sentences for a second -1, a negative size or a count that does not fit.
    """
    known, hole = 1, None
    for i, size in enumerate(sizes):
        if size == -1:
            if hole is not None:
                raise TensorError("only one dimension can be inferred")
            hole = i
        elif size < 0:
            raise TensorError(f"invalid shape dimension {size} at index {i} of shape {list(sizes)}")
        else:
            known *= size
    if hole is None:
        if known == numel:
            return tuple(sizes)
    elif known > 0 and numel % known == 0:
        return (*sizes[:hole], numel // known, *sizes[hole + 1 :])
    elif known == 0 and numel == 0:
        shown = list(sizes)
        raise TensorError(
            f"cannot reshape tensor of 0 elements into shape {shown} because the unspecified dimension size -1 can be any value and is ambiguous"
        )
    raise TensorError(f"shape '{list(sizes)}' is invalid for input of size {numel}", data_kind="numel")


def wrap_dim(dim: int, ndim: int) -> int:
    """A dim in 0..ndim-1; a 0-dim tensor counts as having one.

    Raises IndexError with torch's sentence.
    """
    span = ndim or 1
    if -span <= dim < span:
        return dim % span
    raise TensorIndexError(f"Dimension out of range (expected to be in range of [{-span}, {span - 1}], but got {dim})", dim=dim, ndim=ndim)


def wrap_dims(dims: Iterable[int], ndim: int) -> Ints:
    """Several dims in 0..ndim-1.

    Raises IndexError when one is out of range, RuntimeError when one appears twice.
    """
    result: list[int] = []
    for dim in dims:
        wrapped = wrap_dim(dim, ndim)
        if wrapped in result:
            raise TensorError(f"dim {wrapped} appears multiple times in the list of dims")
        result.append(wrapped)
    return tuple(result)


def reduced_shape(shape: Sequence[int], dims: Sequence[int], keepdim: bool) -> Ints:
    """Shape after reducing `dims` (already wrapped)."""
    if keepdim:
        return tuple(1 if i in dims else size for i, size in enumerate(shape))
    return tuple(size for i, size in enumerate(shape) if i not in dims)


class Geometry(NamedTuple):
    """How a tensor lies in its storage: sizes, strides and offset in elements. Each method returns the view's geometry."""

    shape: Ints
    strides: Ints
    offset: int = 0

    @property
    def ndim(self) -> int:
        """Number of dims."""
        return len(self.shape)

    def permuted(self, dims: Sequence[int]) -> Geometry:
        """Dims reordered: result dim i is dim dims[i]."""
        return Geometry(tuple(self.shape[d] for d in dims), tuple(self.strides[d] for d in dims), self.offset)

    def selected(self, dim: int, index: int) -> Geometry:
        """One slice along `dim`, which goes away.

        Raises IndexError with torch's sentences.
        """
        if not self.shape:
            raise TensorIndexError("select() cannot be applied to a 0-dim tensor.")
        dim = wrap_dim(dim, self.ndim)
        size = self.shape[dim]
        if not -size <= index < size:
            raise TensorIndexError(f"select(): index {index} out of range for tensor of size {list(self.shape)} at dimension {dim}")
        at = self.offset + (index % size) * self.strides[dim]
        return Geometry(self.shape[:dim] + self.shape[dim + 1 :], self.strides[:dim] + self.strides[dim + 1 :], at)

    def sliced(self, dim: int, start: int | None, stop: int | None, step: int = 1) -> Geometry:
        """Elements start, start + step, ... below stop along `dim`, ends clamped as Python clamps them."""
        dim = wrap_dim(dim, self.ndim)
        if step <= 0:
            raise TensorError("slice step must be positive")
        first, last, _ = slice(start, stop).indices(self.shape[dim])
        count = max(0, (last - first + step - 1) // step)
        at = self.offset + first * self.strides[dim]
        return self._with(dim, count, self.strides[dim] * step, at)

    def _with(self, dim: int, size: int, stride: int, offset: int) -> Geometry:
        shape, strides = self.shape, self.strides
        return Geometry((*shape[:dim], size, *shape[dim + 1 :]), (*strides[:dim], stride, *strides[dim + 1 :]), offset)

    def unsqueezed(self, dim: int) -> Geometry:
        """A new dim of size 1 at `dim`."""
        dim = wrap_dim(dim, self.ndim + 1)
        stride = self.shape[dim] * self.strides[dim] if dim < self.ndim else 1
        return Geometry((*self.shape[:dim], 1, *self.shape[dim:]), (*self.strides[:dim], stride, *self.strides[dim:]), self.offset)

    def squeezed(self, dims: Sequence[int]) -> Geometry:
        """Without those of `dims` that have size 1."""
        keep = [i for i, size in enumerate(self.shape) if size != 1 or i not in dims]
        return self.permuted(keep)

    def expanded(self, sizes: Sequence[int]) -> Geometry:
        """Size-1 dims repeated without a copy (stride 0); -1 keeps a size.

        Raises RuntimeError with torch's sentences.
        """
        lead = len(sizes) - self.ndim
        if lead < 0:
            raise TensorError(
                f"The number of sizes provided ({len(sizes)}) must be greater or equal to the number of dimensions in the tensor ({self.ndim})"
            )
        shape, strides = list(sizes), [0] * len(sizes)
        for i in range(len(sizes) - 1, -1, -1):
            new = sizes[i]
            old = self.shape[i - lead] if i >= lead else 1
            stride = self.strides[i - lead] if i >= lead else (shape[i + 1] * strides[i + 1] if self.shape else 0)
            if new == -1:
                if i < lead:
                    raise TensorError(f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {i}")
                new = old
            elif new < 0:
                raise TensorError(f"expand: invalid size {new} at dim {i}")
            if new != old:
                if old != 1:
                    raise TensorError(
                        f"The expanded size of the tensor ({new}) must match the existing size ({old}) at non-singleton dimension {i}."
                        f"  Target sizes: {list(sizes)}.  Tensor sizes: {list(self.shape)}"
                    )
                stride = 0
            shape[i], strides[i] = new, stride
        return Geometry(tuple(shape), tuple(strides), self.offset)

    def viewed(self, sizes: Sequence[int]) -> Geometry:
        """The same elements in another shape, no copy.

        Raises RuntimeError with torch's sentence when the strides do not allow it.
        """
        new = infer_size(sizes, prod(self.shape))
        strides = view_strides(self.shape, self.strides, new)
        if strides is None:
            raise TensorError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across two"
                " contiguous subspaces). Use .reshape(...) instead.",
                data_kind="view",
            )
        return Geometry(new, strides, self.offset)

    def unfolded(self, dim: int, size: int, step: int) -> Geometry:
        """Windows of `size` every `step` along `dim`; the window becomes the last dim.

        Raises RuntimeError with torch's sentences.
        """
        dim = wrap_dim(dim, self.ndim)
        length = self.shape[dim] if self.shape else 1
        stride = self.strides[dim] if self.shape else 1
        if size < 0:
            raise TensorError(f"size is {size} but must be >= 0")
        if size > length:
            raise TensorError(f"maximum size for tensor at dimension {dim} is {length} but size is {size}")
        if step <= 0:
            raise TensorError(f"step is {step} but must be > 0")
        if not self.shape:
            return Geometry((size,), (1,), self.offset)
        windows = self._with(dim, (length - size) // step + 1, stride * step, self.offset)
        return Geometry((*windows.shape, size), (*windows.strides, stride), self.offset)

    def diagonal(self, offset: int, dim1: int, dim2: int) -> Geometry:
        """The diagonal of dims dim1, dim2 as a new last dim.

        Raises RuntimeError when both dims are one.
        """
        d1, d2 = wrap_dim(dim1, self.ndim), wrap_dim(dim2, self.ndim)
        if d1 == d2:
            raise TensorError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
        rows, cols = self.shape[d1], self.shape[d2]
        size = max(0, min(rows, cols - offset) if offset >= 0 else min(rows + offset, cols))
        shift = (offset * self.strides[d2] if offset >= 0 else -offset * self.strides[d1]) if size else 0
        keep = [i for i in range(self.ndim) if i not in (d1, d2)]
        base = self.permuted(keep)
        step = self.strides[d1] + self.strides[d2]
        return Geometry((*base.shape, size), (*base.strides, step), self.offset + shift)

    def strided(self, size: Sequence[int], stride: Sequence[int], offset: int | None, nbytes: int, itemsize: int) -> Geometry:
        """Any geometry inside a storage of so many bytes (`as_strided`), bounds checked in exact integers.

        Raises RuntimeError with torch's sentences.
        """
        at = self.offset if offset is None else offset
        if len(size) != len(stride):
            raise TensorError("mismatch in length of strides and shape")
        if any(s < 0 for s in size):
            raise TensorError(f"Trying to create tensor with negative dimension {next(s for s in size if s < 0)}: {list(size)}")
        if any(s < 0 for s in stride):
            raise TensorError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
        if at < 0:
            raise TensorError(f"Tensor: invalid storage offset {at}")
        need = extent(size, stride)
        if need and (at + need) * itemsize > nbytes:
            raise TensorError(
                f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {at}, and itemsize {itemsize} requiring a storage size of"
                f" {(at + need) * itemsize} are out of bounds for storage of size {nbytes}"
            )
        return Geometry(tuple(size), tuple(stride), at)
