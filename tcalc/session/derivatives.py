"""What a graph node does to a gradient, as a formula in the user's names or, where it is no formula, in words."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

MAX_FORMULA = 60
MAX_NAME = 24
# Nodes whose derivative is plainer in words than as a formula, or is a function of its own; {grad} {shape} {dims} {x} are filled in.
_WORDS = {
    "sum": "spreads {grad} over {shape}",
    "mean": "spreads {grad} / {count} over {shape}",
    "sum_dim": "spreads grad over the dims that were summed, back to {shape}",
    "mean_dim": "spreads grad / the number of values over the dims that were averaged, back to {shape}",
    "nansum": "spreads grad over {shape}, 0 where {x} is nan",
    "var": "d/d{x} = grad * 2 * ({x} - mean) / (n - correction)",
    "std": "d/d{x} = grad * ({x} - mean) / (std * (n - correction))",
    "prod": "d/d{x} = grad * the product of the other values",
    "prod_dim": "d/d{x} = grad * the product of the other values",
    "logsumexp": "d/d{x} = grad * exp({x} - result)",
    "max": "hands grad to the largest value, in equal parts where several are",
    "min": "hands grad to the smallest value, in equal parts where several are",
    "amax": "hands grad to the largest values, in equal parts where several are",
    "amin": "hands grad to the smallest values, in equal parts where several are",
    "max_dim": "hands grad to the value that was chosen, 0 to the others",
    "min_dim": "hands grad to the value that was chosen, 0 to the others",
    "median": "hands grad to the values equal to the median, in equal parts where several are",
    "median_dim": "hands grad to the value that was chosen, 0 to the others",
    "kthvalue": "hands grad to the value that was chosen, 0 to the others",
    "topk": "hands grad back to the places the values came from, 0 to the others",
    "sort": "puts grad back into the order before sorting",
    "sort_stable": "puts grad back into the order before sorting",
    "vector_norm": "d/d{x} = grad * {x} / result (for the 2-norm)",
    "cumsum": "d/d{x} = the sum of grad from each place to the end",
    "cumprod": "d/d{x} = for each place the later products without it, times grad",
    "permute": "puts the dims of grad back in their old order",
    "repeat": "sums grad over the copies, back to {shape}",
    "select_backward": "puts grad into zeros of {shape}",
    "select": "puts grad into zeros of {shape}, at the place that was selected",
    "slice": "puts grad into zeros of {shape}, at the places that were sliced",
    "index": "puts grad into zeros of {shape}, at the places that were indexed; the same place adds up",
    "expand": "sums grad over the dims that were expanded, back to {shape}",
    "as_strided": "puts grad into zeros of the base, at the slots of the view",
    "as_strided_scatter": "hands on grad outside the slots, and grad at the slots",
    "unfold": "adds grad up where windows overlap",
    "cat": "hands each input its slice of grad",
    "stack": "hands each input its slice of grad",
    "split": "joins the gradients of the parts",
    "split_sizes": "joins the gradients of the parts",
    "unbind": "joins the gradients of the parts",
    "scatter": "hands on grad outside the places, and grad at the places",
    "scatter_add": "hands on grad, and to the source grad at the places",
    "addmm": "d/dmat1 = grad @ mat2.T, d/dmat2 = mat1.T @ grad, grad itself to what is added",
    "addmv": "d/dmat = outer(grad, vec), d/dvec = mat.T @ grad, grad itself to what is added",
    "baddbmm": "d/dbatch1 = grad @ batch2.mT, d/dbatch2 = batch1.mT @ grad, grad itself to what is added",
    "mse_loss": "d/d{x} = grad * 2 * ({x} - {y}), / count for a mean",
    "nll_loss_rows": "hands -grad * weight to the target's place in each row, / the total weight for a mean",
    "nll_loss_images": "hands -grad * weight to the target's place at each pixel, / the total weight for a mean",
    "binary_cross_entropy": "d/d{x} = grad * ({x} - {y}) / ({x} * (1 - {x})), / count for a mean",
    "binary_cross_entropy_with_logits": "d/d{x} = grad * (sigmoid({x}) - {y}), / count for a mean",
    "clamp": "hands on grad where {x} is inside the bounds, 0 elsewhere",
    "maximum": "hands grad to the larger one, half to each where equal",
    "minimum": "hands grad to the smaller one, half to each where equal",
    "relu": "hands on grad where result > 0, 0 elsewhere",
    "floor_divide": "0 everywhere: steps have no slope",
    "heaviside": "0 everywhere: steps have no slope",
    "atan2": "d/d{x} = grad * {y} / ({x}**2 + {y}**2), d/d{y} = -grad * {x} / ({x}**2 + {y}**2)",
    "gelu": "d/d{x} = grad * the slope of gelu at {x}",
    "sinc": "d/d{x} = grad * the slope of sinc at {x}",
    "softmax": "d/d{x} = result * (grad - sum(grad * result))",
    "log_softmax": "d/d{x} = grad - exp(result) * sum(grad)",
    "trace": "puts grad on the diagonal of zeros of {shape}",
    "clone": "hands on grad as it is",
    "alias": "hands on grad as it is",
}  # fmt: skip
_COPY_SLICES = "takes the written part of grad out and sends it through the write; the rest passes"
HELPERS = frozenset(_WORDS)


def rule_of(node: Any, names: Sequence[str]) -> str:
    """What a node does with the gradient that reaches it; `names` are what its inputs are called."""
    op = getattr(node, "op", None)
    if op is None:
        return _COPY_SLICES if node.label == "CopySlices" else "runs its own derivative"
    words = _WORDS.get(op.name)
    if words is not None:
        return _filled_in(words, node, names)
    if op.grads is not None:
        return documented(op) or f"the derivatives of {op.public} times grad"
    said = []
    for place, name in enumerate(op.inputs):
        called = _called(names, place, op.inputs)
        if place < len(node.edges) and node.edges[place] is None:
            if hasattr(node.specs[place], "shape") and name in op.formulas:
                said.append(f"d/d{called} is not needed")
        elif name in op.formulas:
            text = _formula(node, name, names)
            said.append(f"d/d{called} = {text}" + _back_to(node, place))
    return ", ".join(said) or "hands on grad"


def _called(names: Sequence[str], place: int, parameters: Sequence[str]) -> str:
    """The user's name of an input, in brackets when it is an expression; where that is long, its place among the inputs."""
    name = names[place] if place < len(names) else ""
    if not name or len(name) > MAX_NAME or name == "input":
        places = {"self": "left", "other": "right"} if list(parameters) == ["self", "other"] else {"self": "input"}
        return places.get(parameters[place], parameters[place])
    return name if name.replace(".", "").replace("_", "").isalnum() else f"({name})"


def _filled_in(words: str, node: Any, names: Sequence[str]) -> str:
    shape = tuple(node.specs[0].shape) if node.specs and hasattr(node.specs[0], "shape") else ()
    count = node.specs[0].numel if node.specs and hasattr(node.specs[0], "numel") else 0
    inputs = [*node.op.inputs, "target"]
    x, y = _called(names, 0, inputs), _called(names, 1, inputs)
    return words.format(grad="grad", shape=shape, count=count, x=x, y=y)


def _back_to(node: Any, place: int) -> str:
    """That a gradient is summed to the size of an input that was broadcast."""
    own, out = node.specs[place], node.specs[-1]
    if node.op.family != "elementwise" or not hasattr(own, "shape") or not hasattr(out, "shape") or tuple(own.shape) == tuple(out.shape):
        return ""
    return f" summed to {tuple(own.shape)}"


def _formula(node: Any, name: str, names: Sequence[str]) -> str:
    """The formula of one input with the user's names and the arguments of the call in it."""
    from ..engine.formulas import gradient_text

    text = gradient_text(node.op, name)
    if text is None:
        return documented(node.op) or f"the derivative of {node.op.public} times grad"
    tree = _Named(node, names).visit(ast.parse(text, mode="eval").body)
    written = ast.unparse(tree)
    return written if len(written) <= MAX_FORMULA else written[: MAX_FORMULA - 3] + "..."


def documented(op: Any) -> str:
    """What the op's own page says of its gradient, empty when it says nothing."""
    from ..engine.describe import read_docstring

    return read_docstring(op.doc).fields.get("grad", "")


class _Named(ast.NodeTransformer):
    """Writes the user's names and plain arguments in place of parameters, and decides what they decide."""

    def __init__(self, node: Any, names: Sequence[str]) -> None:
        self.node, self.names = node, names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        op = self.node.op
        if node.id in op.inputs:
            return ast.Name(_called(self.names, op.inputs.index(node.id), op.inputs))
        place = op.signature.positions.get(node.id)
        if place is not None and place < len(self.node.params):
            value = self.node.params[place]
            if value is None or isinstance(value, (bool, int, float, str)):
                return ast.Constant(value)
            if isinstance(value, tuple) and all(isinstance(each, int) for each in value):
                return ast.Tuple([ast.Constant(int(each)) for each in value], ast.Load())
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """mm(a, t(b)) as a @ b.T."""
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("mm", "bmm", "matmul", "mv") and len(node.args) == 2:
            return ast.BinOp(node.args[0], ast.MatMult(), node.args[1])
        if name == "t" and len(node.args) == 1:
            turned = node.args[0]
            again = isinstance(turned, ast.Name) and turned.id.endswith(".T")
            return ast.Name(turned.id.removesuffix(".T")) if isinstance(turned, ast.Name) and again else ast.Attribute(turned, "T")
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        decided = _decided(node.test)
        return node if decided is None else node.body if decided else node.orelse

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant) and isinstance(node.op, (ast.Add, ast.Sub)):
            left, right = node.left.value, node.right.value
            if isinstance(left, (int, float)) and isinstance(right, (int, float)):
                return ast.Constant(left + right if isinstance(node.op, ast.Add) else left - right)
        one = isinstance(node.right, ast.Constant) and node.right.value == 1 and isinstance(node.op, (ast.Mult, ast.Div, ast.Pow))
        return node.left if one else node


def _decided(test: ast.expr) -> bool | None:
    """The outcome of a comparison of constants; None when it is none."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    left, right = test.left, test.comparators[0]
    if not isinstance(left, ast.Constant) or not isinstance(right, ast.Constant):
        return None
    if isinstance(test.ops[0], (ast.Eq, ast.Is)):
        return bool(left.value == right.value)
    return bool(left.value != right.value) if isinstance(test.ops[0], (ast.NotEq, ast.IsNot)) else None
