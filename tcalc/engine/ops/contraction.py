"""Sums of products over chosen dims: einsum and tensordot, laid out as batches of matrix products."""

from __future__ import annotations

from math import prod

from ..dtypes import BOOL, result_type
from ..errors import TensorError, TensorValueError
from ..families.common import not_implemented
from ..families.structural import composite, structural
from ..layout import broadcast_shapes, wrap_dim
from ..spec import spec_of


def contracted(F, a, b, over_a, over_b):
    """The sum of products over the dims `over_a` of a and `over_b` of b: the other dims of a, then those of b, by one mm."""
    left = [d for d in range(len(a.shape)) if d not in over_a]
    right = [d for d in range(len(b.shape)) if d not in over_b]
    shape = (*[a.shape[d] for d in left], *[b.shape[d] for d in right])
    inside = prod(a.shape[d] for d in over_a)
    rows = F.reshape(F.permute(a, (*left, *over_a)), (prod(a.shape[d] for d in left), inside))
    columns = F.reshape(F.permute(b, (*over_b, *right)), (inside, prod(b.shape[d] for d in right)))
    return F.reshape(F.mm(rows, columns), shape)


@composite(method=False)
def tensordot(F, a, b, dims: Any = 2):
    """The sum of products over `dims`: so many last dims of a with first dims of b, or two lists of dims.

    Shapes: (a, n, m), (n, m, b)  ->  (a, b)
    See: einsum, matmul, inner

    >>> tensordot(tensor([1., 2.]), tensor([3., 4.]), 1)
    tensor(11.)
    """
    if isinstance(dims, int):
        if dims < 0:
            raise TensorError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(len(a.shape), len(b.shape)):
            raise TensorError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        over_a, over_b = list(range(len(a.shape) - dims, len(a.shape))), list(range(dims))
    else:
        over_a, over_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(over_a) != len(over_b):
        raise TensorError("both dimension lists should have same length")
    over_a = [wrap_dim(d, len(a.shape)) for d in over_a]
    over_b = [wrap_dim(d, len(b.shape)) for d in over_b]
    for i, j in zip(over_a, over_b, strict=True):
        if a.shape[i] != b.shape[j]:
            if a.shape[i] == 1:
                b = F.sum_dim(b, (j,), True)
            elif b.shape[j] == 1:
                a = F.sum_dim(a, (i,), True)
            else:
                raise TensorError(
                    f"contracted dimensions need to match, but first has size {a.shape[i]} in dim {i} and second has size {b.shape[j]} in dim {j}"
                )
    return contracted(F, a, b, tuple(over_a), tuple(over_b))


def _plan_cross(self, other, dim):
    given, dim = dim, wrap_dim(dim, max(self.ndim, other.ndim))
    if self.ndim != other.ndim:
        raise TensorError("linalg.cross: inputs must have the same number of dimensions.")
    if self.shape[dim] != 3 or other.shape[dim] != 3:
        raise TensorError(f"linalg.cross: inputs dimension {given} must have length 3. Got {self.shape[dim]} and {other.shape[dim]}")
    shape = broadcast_shapes(tuple(self.shape), tuple(other.shape))
    if self.dtype.category == BOOL:
        raise not_implemented("cross", self.dtype)
    return spec_of(result_type([self.dtype, other.dtype], [], []), self.device, shape)


@structural(
    namespace="torch.linalg",
    method=False,
    plan=_plan_cross,
    self=lambda grad, other, self_spec, dim, F: F.sum_to(F.linalg_cross(other, grad, dim=dim), self_spec.sizes),
    other=lambda grad, self, other_spec, dim, F: F.sum_to(F.linalg_cross(grad, self, dim=dim), other_spec.sizes),
)
def linalg_cross(xp, self, other, *, dim: Dim = -1):
    """The vector product of three-vectors along `dim`, broadcast.

    Shapes: (a, 3), (a, 3)  ->  (a, 3)
    Grad: input: cross(other, grad); other: cross(grad, input)
    See: dot, outer

    >>> linalg.cross(tensor([1., 0., 0.]), tensor([0., 1., 0.]))
    tensor([0., 0., 1.])
    """
    a, b = xp.broadcast_arrays(self, other)
    a0, a1, a2 = (xp.take(a, i, axis=dim) for i in range(3))
    b0, b1, b2 = (xp.take(b, i, axis=dim) for i in range(3))
    return xp.stack((a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0), axis=dim)


# --- einsum -----------------------------------------------------------------------------------------------------------


@composite(method=False)
def einsum(F, equation: Str, operands: Spread):
    """Products of tensors summed over the indices that the equation does not keep: "ij,jk->ik" is a matrix product.

    Shapes: "ij,jk->ik" (a, n), (n, b)  ->  (a, b); "...ij->...ji" swaps the last two dims
    See: tensordot, matmul, permute

    >>> einsum("ij,jk->ik", tensor([[1., 2.]]), tensor([[3.], [4.]]))
    tensor([[11.]])
    """
    inputs, kept, names = _labels(equation, operands)
    aligned = [_aligned(F, x, labels, names) for x, labels in zip(operands, inputs, strict=True)]
    sizes: dict[str, int] = {}
    for x in aligned:
        for d, name in enumerate(names):
            if x.shape[d] != 1 and sizes.setdefault(name, x.shape[d]) != x.shape[d]:
                raise TensorError(
                    "einsum(): operands do not broadcast with remapped shapes [original->remapped]:"
                    + "".join(f" {list(o.shape)}->{list(r.shape)}" for o, r in zip(operands, aligned, strict=True))
                )
    result = aligned[0]
    for i, x in enumerate(aligned[1:], start=1):
        later = {name for labels in inputs[i + 1 :] for name in labels}
        gone = [d for d, name in enumerate(names) if name not in kept and name not in later]
        result = _product(F, result, x, gone)
    left = tuple(d for d, name in enumerate(names) if name not in kept and result.shape[d] != 1)
    if left:
        result = F.sum_dim(result, left, True)
    out = [names.index(name) for name in kept]
    rest = [d for d in range(len(names)) if d not in out]
    turned = F.permute(result, (*out, *rest)) if [*out, *rest] != list(range(len(names))) else result
    return F.reshape(turned, tuple(turned.shape[: len(out)])) if rest else turned


def _labels(equation, operands):
    """The labels of each operand's dims, those of the result, and all of them in the order they are aligned in."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    for c in text.replace("->", "").replace(",", "").replace("...", ""):
        if not c.isalpha() or not c.isascii():
            raise TensorError(f"einsum(): invalid subscript given at index {text.index(c)} in the equation string, subscripts must be in [a-zA-Z]")
    if not operands:
        raise TensorValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts list"
        )
    if len(parts) < len(operands):
        raise TensorError("einsum(): more operands were provided than specified in the equation")
    if len(parts) > len(operands):
        raise TensorError("einsum(): fewer operands were provided than specified in the equation")
    dots = max((x.ndim - len(part.replace("...", "")) for part, x in zip(parts, operands, strict=True) if "..." in part), default=0)
    inputs = []
    for i, (part, x) in enumerate(zip(parts, operands, strict=True)):
        own = len(part.replace("...", ""))
        if ("..." in part and own > x.ndim) or ("..." not in part and own != x.ndim):
            more = " at least" if "..." in part else ""
            raise TensorError(
                f"einsum(): the number of subscripts in the equation ({own}) {'is more than' if more else 'does not match'} the number of dimensions"
                f" ({x.ndim}) for operand {i}{'' if more else ' and no ellipsis was given'}"
            )
        head, _, tail = part.partition("...")
        inputs.append([*head, *(f".{dots - (x.ndim - own) + k}" for k in range(x.ndim - own)), *tail] if "..." in part else list(part))
    ellipsis = [f".{k}" for k in range(dots)]
    flat = [name for labels in inputs for name in labels]
    if arrow:
        head, dotted, tail = right.partition("...")
        kept = [*head, *(ellipsis if dotted else []), *tail]
        for name in kept:
            if kept.count(name) > 1:
                raise TensorError(f"einsum(): output subscript {name} appears more than once in the output")
            if name not in flat and name not in ellipsis:
                raise TensorError(f"einsum(): output subscript {name} does not appear in the equation for any input operand")
    else:
        kept = [*ellipsis, *sorted((n for n in set(flat) if n[0] != "." and flat.count(n) == 1), key=lambda c: (c.islower(), c))]
    return inputs, kept, [*kept, *sorted(set(flat) - set(kept))]


def _aligned(F, x, labels, names):
    """The operand with one dim for each name, in their order, size 1 where it has none; repeated labels become a diagonal."""
    labels = list(labels)
    for name in dict.fromkeys(labels):
        while labels.count(name) > 1:
            first = labels.index(name)
            second = labels.index(name, first + 1)
            if x.shape[first] != x.shape[second]:
                raise TensorError(
                    f"einsum(): subscript {name} is repeated for operand 0 but the sizes don't match, {x.shape[second]} != {x.shape[first]}"
                )
            x = F.diagonal(x, 0, first, second)
            labels = [each for d, each in enumerate(labels) if d not in (first, second)] + [name]
    order = [labels.index(name) for name in names if name in labels]
    x = F.permute(x, tuple(order)) if order != list(range(len(order))) else x
    for d, name in enumerate(names):
        if name not in labels:
            x = F.unsqueeze(x, d)
    return x


def _product(F, a, b, gone):
    """The product of two aligned operands summed over `gone` where both have them: one bmm."""
    n = len(a.shape)
    both = [d for d in range(n) if a.shape[d] != 1 and b.shape[d] != 1]
    for d in gone:
        if d not in both:
            a = F.sum_dim(a, (d,), True) if a.shape[d] != 1 else a
            b = F.sum_dim(b, (d,), True) if b.shape[d] != 1 else b
    inside = [d for d in gone if d in both]
    if not inside:
        return a * b
    batch = [d for d in both if d not in inside]
    left = [d for d in range(n) if d not in both and a.shape[d] != 1]
    right = [d for d in range(n) if d not in both and d not in left]
    size = lambda x, dims: prod(x.shape[d] for d in dims)  # noqa: E731 - the size of a run of dims
    rows = F.reshape(F.permute(a, (*batch, *left, *inside, *right)), (size(a, batch), size(a, left), size(a, inside)))
    columns = F.reshape(F.permute(b, (*batch, *inside, *right, *left)), (size(b, batch), size(b, inside), size(b, right)))
    shape = (*[a.shape[d] for d in batch], *[a.shape[d] for d in left], *[b.shape[d] for d in right], *[1 for _ in inside])
    order = [*batch, *left, *right, *inside]
    found = F.reshape(F.bmm(rows, columns), shape)
    return F.permute(found, tuple(order.index(d) for d in range(n)))
