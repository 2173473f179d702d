"""What one step of an expression does with sizes, strides and memory: the table and the sentences of `:explain`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

from .reading import last_word
from .tensors import is_tensor, memory_of

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of a table: a name, a cell for each head, and what is said behind them."""

    name: str
    cells: tuple[str, ...] = ()
    remark: str = ""


@dataclass(slots=True)
class Lesson:
    """One step. `op` is its name, `text` the part of the expression, `what` says what it does; `notes` are (label, sentence)."""

    op: str
    text: str
    what: str
    heads: tuple[str, ...] = ()
    rows: list[TableRow] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was planned: its operands with their names, its result, the items of an index, and a way to plan it for another tensor."""

    node: ast.expr
    text: str
    operands: list[tuple[str, Any]]
    result: Any
    index: list[tuple[str, Any]]
    probe: Callable[[Any], Any]

    @property
    def tensors(self) -> list[tuple[str, Tensor]]:
        """The operands that are tensors."""
        return [(name, value) for name, value in self.operands if is_tensor(value)]

    @property
    def parts(self) -> list[Tensor]:
        """The tensors of the result."""
        given = self.result if isinstance(self.result, (tuple, list)) else [self.result]
        return [each for each in given if is_tensor(each)]


_OPERATORS = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow", ast.MatMult: "matmul", ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder", ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or", ast.BitXor: "bitwise_xor",
    ast.LShift: "bitwise_left_shift", ast.RShift: "bitwise_right_shift", ast.USub: "neg", ast.UAdd: "positive",
    ast.Invert: "bitwise_not", ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge",
}  # fmt: skip
_RESHAPES = frozenset(("view", "reshape", "flatten", "unflatten", "ravel", "view_as", "reshape_as"))
_ORDERS = frozenset(("permute", "transpose", "t", "T", "mT", "movedim", "swapaxes", "swapdims", "moveaxis"))
_EXPANDS = frozenset(("expand", "expand_as", "broadcast_to"))
_PRODUCTS = frozenset(("matmul", "mm", "bmm", "mv", "dot"))
_REDUCERS = frozenset(("argmax", "argmin", "median", "norm", "max_dim", "min_dim", "var_mean", "std_mean"))


def op_name(node: ast.expr) -> str:
    """The op of a step, under the name that help knows it by."""
    if isinstance(node, (ast.BinOp, ast.UnaryOp)):
        return _OPERATORS.get(type(node.op), "")
    if isinstance(node, ast.Compare):
        return _OPERATORS.get(type(node.ops[0]), "")
    if isinstance(node, ast.Subscript):
        return "index"
    if isinstance(node, ast.Attribute):
        return node.attr
    return last_word(node.func) if isinstance(node, ast.Call) else ""


def _families(op: str) -> tuple[str, set[str]]:
    """(public name of the op behind a name, the families of its overloads)."""
    from ..engine.registry import PUBLIC

    public = PUBLIC.get(op)
    return (op, set()) if public is None else (public.name, {each.family for each in public.ops})


def lesson_of(step: Step) -> Lesson:
    """The lesson of one step."""
    op = op_name(step.node)
    public, families = _families(op)
    lesson = Lesson(op, step.text, "")
    tell = _plain
    if isinstance(step.node, ast.Subscript):
        tell = _index if is_tensor(step.operands[0][1]) else _plain
    elif step.tensors and step.parts and ("reduction" in families or public in _REDUCERS) and len(step.tensors) == 1:
        tell = _reduced
    elif not step.tensors or not is_tensor(step.result):
        tell = _plain
    elif public in _PRODUCTS and len(step.tensors) == 2:
        tell = _product
    elif public in ("cat", "stack") or op in ("cat", "stack"):
        tell = _joined
    elif public in _RESHAPES:
        tell = _reshaped
    elif public in _ORDERS:
        tell = _reordered
    elif public in _EXPANDS:
        tell = _expanded
    elif "elementwise" in families or isinstance(step.node, (ast.BinOp, ast.Compare)):
        tell = _elementwise
    tell(step, lesson)
    return lesson


def _dims(dims: Sequence[int]) -> str:
    return f"dim{'' if len(dims) == 1 else 's'} {', '.join(map(str, dims))}"


def _aligned(shape: Shape, count: int) -> tuple[str, ...]:
    """The sizes in `count` cells, aligned from the right."""
    return ("-",) * (count - len(shape)) + tuple(map(str, shape))


def _shared(step: Step, part: Tensor) -> str | None:
    """The operand whose memory a result shares."""
    return next((name for name, tensor in step.tensors if memory_of(tensor) is memory_of(part)), None)


def _result(step: Step, part: Tensor, *, stride: bool = False) -> str:
    """dtype and memory of a result: `float32, new storage`, `float32, stride (1, 3), view of x`."""
    words = [part.dtype.name]
    if stride or not part.spec.contiguous:
        words.append(f"stride {part.spec.strides}")
    source = _shared(step, part)
    same = next((name for name, tensor in step.tensors if tensor is part), None)
    if same is not None:
        words.append(f"{same} itself, nothing copied")
    elif source is not None:
        tensor = dict(step.tensors)[source]
        if part.storage_offset() != tensor.storage_offset():
            words.append(f"offset {part.storage_offset()}")
        words.append(f"view of {source}, no copy")
    else:
        words.append("new storage")
    return ", ".join(words)


def _differentiable(tensor: Tensor, result: Tensor) -> bool:
    return bool(tensor.dtype.continuous and result.dtype.continuous)


def _backward(lesson: Lesson, step: Step, said: Sequence[tuple[str, Tensor, str]]) -> None:
    """The notes about the gradients of the operands that can have one."""
    for name, tensor, words in said:
        if _differentiable(tensor, step.parts[0]):
            lesson.notes.append(("backward", f"{name} would get {words}"))


def _promotion(lesson: Lesson, step: Step) -> None:
    operands = step.tensors[1:] if lesson.op == "where" else step.tensors  # a condition decides no dtype
    dtypes = list(dict.fromkeys(tensor.dtype.name for _, tensor in operands))
    result = step.parts[0].dtype.name
    if len(dtypes) > 1 or (dtypes and dtypes[0] != result and result != "bool"):
        lesson.notes.append(("dtype", f"{' with '.join(dtypes)} gives {result}"))


def _summed(shape: Shape, result: Shape) -> list[int]:
    """The dims of the result over which a broadcast operand's gradient is summed."""
    lead = len(result) - len(shape)
    return [dim for dim, size in enumerate(result) if dim < lead or (shape[dim - lead] == 1 and size != 1)]


def _spread_stride(tensor: Tensor, to: Shape) -> Shape:
    """The strides with which a broadcast operand is read."""
    lead = len(to) - tensor.spec.ndim
    own = [
        0 if size == 1 and to[lead + dim] != 1 else step
        for dim, (size, step) in enumerate(zip(tensor.spec.shape, tensor.spec.strides, strict=True))
    ]
    return (0,) * lead + tuple(own)


def _elementwise(step: Step, lesson: Lesson) -> None:
    shape = tuple(step.result.shape)
    several = len(step.tensors) > 1
    lesson.what = "element by element, sizes aligned from the right" if several else "each element by itself"
    lesson.heads = tuple(f"dim {dim}" for dim in range(len(shape)))
    back = []
    for name, value in step.operands:
        if not is_tensor(value):
            if (
                isinstance(value, (int, float))
                and not isinstance(value, bool)
                and len(step.operands) == 2
                and not isinstance(step.node, ast.Call)
            ):
                lesson.rows.append(TableRow(name, ("-",) * len(shape), "number, fits any size"))
            continue
        own = tuple(value.shape)
        remark = str(own)
        if own != shape:
            remark += f"  -> stride {_spread_stride(value, shape)}, no copy"
            dims = _summed(own, shape)
            if dims:
                back.append((name, value, f"the sum over {_dims(dims)}, back to {own}"))
        lesson.rows.append(TableRow(name, _aligned(own, len(shape)), remark))
    lesson.rows.append(TableRow("result", tuple(map(str, shape)), _result(step, step.result)))
    _promotion(lesson, step)
    _backward(lesson, step, back)


def _product(step: Step, lesson: Lesson) -> None:
    (left_name, left), (right_name, right) = step.tensors[:2]
    a, b, shape = tuple(left.shape), tuple(right.shape), tuple(step.result.shape)
    inner = a[-1] if a else 1
    batch = max(len(a) - 2, len(b) - 2, 0)
    lesson.what = f"rows of {left_name} times columns of {right_name}, summed over the inner size {inner}"
    if len(a) == 1 and len(b) == 1:
        lesson.what = f"products of the {inner} pairs, summed"
    elif batch:
        lesson.what += "; batch dims aligned from the right"
    lesson.heads = (*(f"batch {dim}" for dim in range(batch)), "rows", "inner", "cols")
    first = (str(a[-2]) if len(a) > 1 else "-", str(inner), "-")
    second = ("-", str(inner), str(b[-1]) if len(b) > 1 else "-")
    out = (first[0], "-", second[2])
    lesson.rows = [
        TableRow(left_name, (*_aligned(a[:-2], batch), *first), str(a)),
        TableRow(right_name, (*_aligned(b[:-2], batch), *second), str(b)),
        TableRow(
            "result",
            (*_aligned(shape[: len(shape) - (first[0] != "-") - (second[2] != "-")], batch), *out),
            f"{shape}  {_result(step, step.result)}",
        ),
    ]
    if len(a) > 1 and len(b) > 1:
        said = []
        for name, tensor, own, formula in (
            (left_name, left, a, f"grad @ {right_name}.mT"),
            (right_name, right, b, f"{left_name}.mT @ grad"),
        ):
            dims = _summed(own[:-2], shape[:-2])
            said.append((name, tensor, formula + (f", summed over {_dims(dims)}, back to {own}" if dims else "")))
        _backward(lesson, step, said)


def _joined(step: Step, lesson: Lesson) -> None:
    shape, shapes = tuple(step.result.shape), [tuple(tensor.shape) for _, tensor in step.tensors]
    lesson.heads = tuple(f"dim {dim}" for dim in range(len(shape)))
    stacked = len(shapes[0]) < len(shape)
    dim = _joined_dim(step, len(shape))
    lesson.what = (
        f"a new dim {dim}, one place for each; all sizes must be equal"
        if stacked
        else f"one after the other along dim {dim}; all other sizes must be equal"
    )
    start, said = 0, []
    for place, ((name, tensor), own) in enumerate(zip(step.tensors, shapes, strict=True)):
        if stacked:
            cells = (*map(str, own[:dim]), "-", *map(str, own[dim:]))
            where = f"[{place}]"
        else:
            count = own[dim] if len(own) == len(shape) else 0
            cells = tuple(map(str, own)) if len(own) == len(shape) else ("-",) * len(shape)
            where, start = f"[{start}:{start + count}]", start + count
        lesson.rows.append(TableRow(name, cells, f"goes to {where} of dim {dim}"))
        said.append((name, tensor, f"its slice {where} of dim {dim}"))
    lesson.rows.append(TableRow("result", tuple(map(str, shape)), _result(step, step.result)))
    _promotion(lesson, step)
    _backward(lesson, step, said[:4])


def _joined_dim(step: Step, ndim: int) -> int:
    """The dim along which tensors are joined: the one argument that is a number, 0 by default."""
    given = next((value for _, value in step.operands if isinstance(value, int)), 0)
    return given % ndim if ndim else 0


def _reshaped(step: Step, lesson: Lesson) -> None:
    name, tensor = step.tensors[0]
    old, stride, new = tuple(tensor.shape), tensor.spec.strides, tuple(step.result.shape)
    lesson.what = f"the same {prod(old)} values in row-major order, read as {new}"
    lesson.heads = ("dims", "sizes", "become")
    for dims, sizes in reshape_groups(old, new) if 0 not in old else ():
        lesson.rows.append(
            TableRow(
                name,
                (", ".join(map(str, dims)) or "-", _product_text([old[dim] for dim in dims]), _product_text(sizes)),
                _run_text(old, stride, dims),
            )
        )
    lesson.rows.append(TableRow("result", ("", "", ""), _result(step, step.result, stride=True)))
    if _shared(step, step.result) is None:
        lesson.notes.append(("copy", f"strides cannot say this order, so {prod(new)} values are copied (view would refuse)"))
    _backward(lesson, step, [(name, tensor, f"the gradient reshaped back to {old}")])


def _product_text(sizes: Sequence[int]) -> str:
    return " * ".join(map(str, sizes)) or "1"


def reshape_groups(old: Shape, new: Shape) -> list[tuple[list[int], list[int]]]:
    """The runs of dims of `old` that turn into runs of sizes of `new` with as many elements: a row-major reshape, piece by piece."""
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        dims, sizes = [], []
        if i < len(old):
            dims.append(i)
            i += 1
        if j < len(new):
            sizes.append(new[j])
            j += 1
        while (have := prod(old[dim] for dim in dims)) != (want := prod(sizes)):
            if have < want:
                dims.append(i)
                i += 1
            else:
                sizes.append(new[j])
                j += 1
        groups.append((dims, sizes))
    return groups


def _run_text(shape: Shape, stride: Shape, dims: Sequence[int]) -> str:
    """Whether dims that merge lie in memory as one run."""
    kept = [dim for dim in dims if shape[dim] != 1]
    if len(kept) < 2:
        return ""
    steps = ", ".join(str(stride[dim]) for dim in kept)
    whole = all(stride[dim] == stride[after] * shape[after] for dim, after in pairwise(kept))
    return f"strides {steps} are one run" if whole else f"strides {steps} are no single run"


def _reordered(step: Step, lesson: Lesson) -> None:
    name, tensor = step.tensors[0]
    shape, stride = tuple(tensor.shape), tensor.spec.strides
    lesson.what = "the dims in another order; only the strides change"
    sizes = _distinct(len(shape))
    came = [sizes.index(size) for size in step.probe(_meta(sizes, tensor)).shape]
    lesson.heads = tuple(f"dim {dim}" for dim in range(len(shape)))
    lesson.rows = [
        TableRow(name, tuple(map(str, shape)), f"stride {stride}"),
        TableRow("result", tuple(map(str, step.result.shape)), _result(step, step.result, stride=True)),
        TableRow("was dim", tuple(map(str, came)), ""),
    ]
    _backward(lesson, step, [(name, tensor, "the gradient with the dims put back")])


def _distinct(count: int) -> list[int]:
    """Sizes that tell dims apart."""
    return list(range(2, count + 2))


def _meta(sizes: Sequence[int], like: Tensor) -> Any:
    """A tensor without memory."""
    from ..engine.backend import META
    from ..engine.spec import spec_of
    from ..engine.tensor import allocate

    return allocate(spec_of(like.dtype, META, tuple(sizes)))


def _expanded(step: Step, lesson: Lesson) -> None:
    name, tensor = step.tensors[0]
    shape, own = tuple(step.result.shape), tuple(tensor.shape)
    lesson.what = "sizes of 1 repeat by stride 0, new dims come in front; nothing is copied"
    lesson.heads = tuple(f"dim {dim}" for dim in range(len(shape)))
    lesson.rows = [
        TableRow(name, _aligned(own, len(shape)), f"{own}  stride {tensor.spec.strides}"),
        TableRow("result", tuple(map(str, shape)), _result(step, step.result, stride=True)),
    ]
    dims = _summed(own, shape)
    if dims:
        lesson.notes.append(("memory", f"all elements along {_dims(dims)} are the same memory: clone() before writing"))
        _backward(lesson, step, [(name, tensor, f"the sum over {_dims(dims)}, back to {own}")])


_SPREAD = {
    "sum": "grad spread over {}", "mean": "grad / {count} spread over {}", "amax": "grad at the largest, shared where several are equal",
    "amin": "grad at the smallest, shared where several are equal", "max": "grad at the largest", "min": "grad at the smallest",
    "prod": "grad times the product of the others", "nansum": "grad spread over {}, 0 where it is nan", "median": "grad at the median",
}  # fmt: skip


def _reduced(step: Step, lesson: Lesson) -> None:
    name, tensor = step.tensors[0]
    result, *others = step.parts
    shape, out = tuple(tensor.shape), tuple(result.shape)
    sizes = _distinct(len(shape))
    left = step.probe(_meta(sizes, tensor))
    left = tuple((left if is_tensor(left) else left[0]).shape)
    kept = len(left) == len(sizes) and bool(left)
    gone = [dim for dim, size in enumerate(sizes) if (left[dim] == 1 if kept else size not in left)]
    lesson.what = f"the values along {_dims(gone)} become one" if gone else "nothing to reduce"
    if gone and len(gone) == len(shape):
        lesson.what = f"all {prod(shape)} values become one"
    lesson.heads = tuple(f"dim {dim}" for dim in range(len(shape)))
    cells = list(map(str, shape))
    for dim in gone:
        cells[dim] = "1" if kept else "-"
    lesson.rows = [TableRow(name, tuple(map(str, shape)), str(shape)), TableRow("result", tuple(cells), f"{out}  {_result(step, result)}")]
    lesson.rows += [TableRow("positions", tuple(cells), f"{tuple(each.shape)}  {_result(step, each)}") for each in others]
    if gone:
        stays = ("stay", "with size 1 (keepdim)") if kept else ("vanish", "(keepdim=True would keep size 1)")
        verb = stays[0] if len(gone) > 1 else {"stay": "stays", "vanish": "vanishes"}[stays[0]]
        lesson.notes.append(("dims", f"{_dims(gone)} {verb} {stays[1]}"))
    _promotion(lesson, step)
    words = _SPREAD.get(_families(lesson.op)[0])
    if words is not None and gone and lesson.op in ("max", "min", "median") and not others:
        words += ", shared where several are equal"
    if words is not None and gone:
        count = prod(shape[dim] for dim in gone)
        _backward(lesson, step, [(name, tensor, words.format(_dims(gone), count=count) + f", back to {shape}")])


def _index(step: Step, lesson: Lesson) -> None:
    name, tensor = step.operands[0]
    shape = tuple(tensor.shape)
    lesson.what = "each item takes dims of the tensor and makes dims of the result"
    lesson.heads = ("takes", "makes")
    items = step.index
    taken = sum(_takes(value) for _, value in items if value is not Ellipsis)
    if not any(value is Ellipsis for _, value in items):
        items = [*items, ("", Ellipsis)]
    picks = [place for place, (_, value) in enumerate(items) if _is_pick(value)]
    picked = _picked_dims(step, items, shape)
    together = picks and picks[-1] - picks[0] == len(picks) - 1
    dim, out = 0, 0 if together or not picks else picked
    for place, (text, value) in enumerate(items):
        count = len(shape) - taken if value is Ellipsis else _takes(value)
        if value is Ellipsis and not count:
            continue
        takes = ", ".join(f"dim {each} ({shape[each]})" for each in range(dim, dim + count)) or "nothing"
        made, remark = 0, ""
        if _is_pick(value):
            remark = f"picks by {'a mask' if _is_mask(value) else 'positions'}"
            if place == picks[0] and together:
                made = picked
            elif place == picks[0]:
                remark += ", its dims come first"
            else:
                remark += ", in step with the first"
        elif value is None:
            made, remark = 1, "a new dim of size 1"
        elif isinstance(value, slice):
            made = 1
        elif value is Ellipsis:
            made, remark = count, "" if text else "the rest, as it is"
        else:
            remark = "one position"
        sizes = tuple(step.result.shape)[out : out + made]
        if not together and picks and place == picks[0]:
            sizes = tuple(step.result.shape)[:picked]
        makes = (
            ", ".join(
                f"dim {(0 if not together and picks and place == picks[0] else out) + each} ({size})" for each, size in enumerate(sizes)
            )
            or "nothing"
        )
        lesson.rows.append(TableRow(text or "(rest)", (takes, makes), remark))
        dim, out = dim + count, out + made
    lesson.rows.append(TableRow("result", ("", ""), f"{tuple(step.result.shape)}  {_result(step, step.result, stride=True)}"))
    if picks:
        lesson.notes.append(("copy", "picking by a tensor or list copies: writing to the result leaves the tensor as it is"))
        words = "zeros with grad put at the places; a place picked twice gets the sum"
    else:
        words = "zeros with grad put at the places"
    _backward(lesson, step, [(name, tensor, words)])


def _is_mask(value: Any) -> bool:
    return isinstance(value, bool) or (is_tensor(value) and value.dtype.name == "bool")


def _is_pick(value: Any) -> bool:
    return is_tensor(value) or isinstance(value, (list, tuple, range, bool))


def _takes(value: Any) -> int:
    """How many dims an item of an index takes."""
    if value is None or isinstance(value, bool):
        return 0
    return len(value.shape) if _is_mask(value) else 1


def _picked_dims(step: Step, items: Sequence[tuple[str, Any]], shape: Shape) -> int:
    """How many dims the picking items make together."""
    others = sum(1 for _, value in items if value is None or isinstance(value, slice))
    rest = len(shape) - sum(_takes(value) for _, value in items if value is not Ellipsis)
    return len(step.result.shape) - others - rest


def _plain(step: Step, lesson: Lesson) -> None:
    """Shapes, strides and memory of a step that has no lesson of its own."""
    views = bool(step.parts) and all(_shared(step, part) is not None for part in step.parts)
    lesson.what = "another view of the same memory" if views else "a new tensor" if len(step.parts) == 1 else f"{len(step.parts)} tensors"
    lesson.heads = ("shape", "stride")
    lesson.rows = [TableRow(name, (str(tuple(tensor.shape)), str(tensor.spec.strides)), tensor.dtype.name) for name, tensor in step.tensors]
    for place, part in enumerate(step.parts[:6]):
        name = "result" if len(step.parts) == 1 else f"result[{place}]"
        memory = _result(step, part).removesuffix(f", stride {part.spec.strides}").replace(f"stride {part.spec.strides}, ", "")
        lesson.rows.append(TableRow(name, (str(tuple(part.shape)), str(part.spec.strides)), memory))
    if len(step.parts) > 6:
        lesson.notes.append(("more", f"{len(step.parts) - 6} more tensors"))
