"""One sentence with the user's names and sizes for the errors where torch names neither."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .tensors import is_tensor

if TYPE_CHECKING:
    from ..engine.tensor import Tensor

_MATMUL = frozenset(("matmul", "mm", "bmm", "mv"))
# A wrong number of dims or a wrong dtype is said by torch itself.
_ABOUT_SIZES = re.compile(r"shapes cannot be multiplied|size mismatch|Expected size for first two dimensions")
MAX_LABEL = 24


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand of the failed operation. `bad` lists the dims that do not fit; `why` says what they must be."""

    name: str
    shape: tuple[int, ...]
    bad: tuple[int, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """The explanation. `aligned` says that the operands' sizes are read from the right, as broadcasting does."""

    text: str
    operands: list[Operand] = field(default_factory=list)
    aligned: bool = False


def sentence_for(
    op: str | None,
    operands: Mapping[str, object],
    torch_sentence: str,
    node: ast.expr | None,
    variables: Mapping[str, object],
) -> Sentence | None:
    """The sentence for a failed `op` on `operands`, None when torch's own is as good.

    `node` is the failed expression, from which operands without a name take theirs.
    """
    tensors = [(key, value) for key, value in operands.items() if is_tensor(value)]
    if op is None or not tensors:
        return None
    names = names_of(tensors, node, variables)
    values = [value for _, value in tensors]
    if torch_sentence.startswith("view size is not compatible"):
        return _view(op, operands, names[0], values[0])
    if len(values) < 2:
        return None
    if op in _MATMUL and _ABOUT_SIZES.search(torch_sentence):
        called = _called(op, node)
        return None if called is None else _matmul(called, names, values)
    if torch_sentence.startswith("The size of tensor a"):
        return _broadcast(op, names, values)
    return None


def _called(op: str, node: ast.expr | None) -> str | None:
    """The op under the name the user wrote (`matmul` runs as mm or bmm); None when that is another function."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return "matmul"
    if isinstance(node, ast.Call):
        word = ast.unparse(node.func).rpartition(".")[2]
        return word if word in _MATMUL else None
    return op


def _matmul(op: str, names: Sequence[str], values: Sequence[Tensor]) -> Sentence | None:
    a, b = tuple(values[0].shape), tuple(values[1].shape)
    if not a or not b:
        return None
    dim_a, dim_b = len(a) - 1, max(len(b) - 2, 0)
    if a[dim_a] == b[dim_b]:
        return None
    text = f"{op}: inner sizes differ, {a[dim_a]} ({names[0]} dim {dim_a}) and {b[dim_b]} ({names[1]} dim {dim_b})"
    return Sentence(text, [Operand(names[0], a, (dim_a,)), Operand(names[1], b, (dim_b,))])


def _broadcast(op: str, names: Sequence[str], values: Sequence[Tensor]) -> Sentence | None:
    a, b = tuple(values[0].shape), tuple(values[1].shape)
    for back in range(1, min(len(a), len(b)) + 1):
        size_a, size_b = a[-back], b[-back]
        if size_a == size_b or 1 in (size_a, size_b):
            continue
        dim_a, dim_b = len(a) - back, len(b) - back
        text = f"{op}: sizes {size_a} ({names[0]} dim {dim_a}) and {size_b} ({names[1]} dim {dim_b}) do not broadcast"
        return Sentence(
            text,
            [Operand(names[0], a, (dim_a,)), Operand(names[1], b, (dim_b,), f"must be {size_a} or 1")],
            aligned=True,
        )
    return None


def _view(op: str, operands: Mapping[str, object], name: str, tensor: Tensor) -> Sentence | None:
    size = operands.get("size", operands.get("shape"))
    if isinstance(size, int):
        size = (size,)
    if not isinstance(size, (tuple, list)) or not all(isinstance(part, int) for part in size):
        return None
    wanted, shape, stride = tuple(size), tuple(tensor.shape), tensor.spec.strides
    return Sentence(f"{op}: {name} {shape} with stride {stride} cannot become {wanted} without a copy")


def names_of(tensors: Sequence[tuple[str, Tensor]], node: ast.expr | None, variables: Mapping[str, object]) -> list[str]:
    """What to call each tensor: its variable, else its source text, else the parameter's name."""
    written = _written(node)
    names = []
    for position, (key, tensor) in enumerate(tensors):
        text = written[position] if len(written) >= len(tensors) else ""
        if text.isidentifier():
            names.append(text)
            continue
        variable = next((name for name, value in variables.items() if value is tensor and name != "_"), None)
        names.append(variable or (text if 0 < len(text) <= MAX_LABEL else key))
    return names


def _written(node: ast.expr | None) -> list[str]:
    """The source text of the operands of a failed expression, in order, numbers and strings left out."""
    parts: list[Any] = []
    if isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    elif isinstance(node, ast.Compare):
        parts = [node.left, node.comparators[0]]
    elif isinstance(node, ast.Call):
        receiver = [node.func.value] if isinstance(node.func, ast.Attribute) and not _is_namespace(node.func) else []
        parts = [*receiver, *node.args]
    return [ast.unparse(part) for part in parts if not isinstance(part, ast.Constant)]


def _is_namespace(function: ast.Attribute) -> bool:
    root: ast.expr = function
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in ("torch", "np", "nn", "F", "autograd")
