"""Stories of calls that autograd refuses outright, told from the failed statement alone, with what may be written instead."""

from __future__ import annotations

import ast

from .hints import Hint
from .provenance import op_of
from .reading import bracketed, calls_in, last_word, own_parts, replaced, text_of, with_part
from .rewrites import Rewrite, as_floats, as_method, out_of_place, with_keyword
from .scene import Scene, Story
from .sentences import Operand
from .tensors import is_tensor
from .trail import Past


def not_scalar(scene: Scene) -> Story:
    name, tensor = scene.operand("self")
    call, owner = scene.call("backward", "grad"), scene.owner
    op = last_word(call.func) if call is not None else "backward"
    text = f"{op}: {name} is {tuple(tensor.shape)}, no scalar: sum it, or weigh its elements"
    if call is None or owner is None:
        return Story(text)
    if isinstance(call.func, ast.Attribute) and last_word(call.func) == "backward" and not call.args:
        output = text_of(owner.source, call.func.value)
        inner = f"({output})" if isinstance(call.func.value, (ast.BinOp, ast.UnaryOp)) else output
        rest = text_of(owner.source, call)[len(text_of(owner.source, call.func)) :]
        keywords = rest[1:-1].strip()
        more = f", {keywords}" if keywords else ""
        ones = scene.library("ones_like")
        hints = [scene.instead(f"{inner}.sum().backward{rest}", call, "the sum of all elements")]
        if not any(isinstance(node, ast.Call) for node in ast.walk(call.func)):  # else it would be computed twice
            hints.append(scene.instead(f"{inner}.backward({ones}({output}){more})", call, "the same gradients"))
        return Story(text, hints=scene.checked(hints, history=True))
    return Story(text, hints=_weighed(scene, owner, call))


def _weighed(scene: Scene, owner: Past, call: ast.Call) -> list[Hint]:
    """`autograd.grad(y.sum(), x)` and `autograd.grad(y, x, ones_like(y))` for `autograd.grad(y, x)`."""
    if not call.args or isinstance(call.args[0], (ast.Tuple, ast.List)):
        return []
    output = text_of(owner.source, call.args[0])
    ones = scene.library("ones_like")
    name = "grad_outputs" if last_word(call.func) == "grad" else "grad_tensors"
    texts = {
        with_part(owner.source, call, call.args[0], f"{output}.sum()"): "the sum of all elements",
        with_keyword(owner.source, call, name, f"{ones}({output})"): "the same gradients",
    }
    rewrites = [Rewrite(replaced(owner.source, call, text), text, call.lineno, "", said) for text, said in texts.items()]
    return [hint for hint, _ in scene.replayed(owner, rewrites)]


def integers(scene: Scene) -> Story:
    _, tensor = scene.operand("self")
    kind = tensor.dtype.name if is_tensor(tensor) else scene.exc.data.get("dtype")
    text = f"requires_grad: {kind or 'integer'} tensors have no gradient, only floating point ones have"
    owner, statement = scene.owner, scene.statement
    if owner is None or statement is None:
        return Story(text)
    hints: list[Hint | None] = []
    for call in calls_in(list(own_parts(statement))):
        if any(keyword.arg == "requires_grad" for keyword in call.keywords):
            hints += [scene.instead(each, call) for each in as_floats(text_of(owner.source, call))]
        elif last_word(call.func) == "requires_grad_" and isinstance(call.func, ast.Attribute):
            inner = text_of(owner.source, call.func.value)
            floats = f"{inner}.float().requires_grad_()"
            alone = isinstance(statement, ast.Expr) and statement.value is call and inner.isidentifier()
            hints.append(scene.instead(f"{inner} = {floats}", statement) if alone else scene.instead(floats, call))
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute):
        inner = text_of(owner.source, statement.targets[0].value)
        hints.append(scene.instead(f"{inner} = {inner}.float().requires_grad_()", statement))
    return Story(text, hints=scene.checked(hints))


def _in_place(scene: Scene, why: str, *, unrecorded: bool, owned: bool = False) -> Story:
    """A write that autograd refuses: the same without recording, and out of place."""
    name, _ = scene.operand("self")
    owner, statement = scene.owner, scene.statement
    if name == "this tensor" and owner is not None and isinstance(statement, ast.Assign):
        name = text_of(owner.source, statement.targets[0])
    op = str(scene.exc.op).rstrip("_") + "_"
    text = f"{'write' if op == 'copy_' else op}: {name} {why}"
    if owner is None or statement is None or hasattr(statement, "body"):
        return Story(text)
    hints = []
    if unrecorded:
        block = "with torch.no_grad()" if "torch" in owner.source else "with no_grad()"
        method = as_method(owner.source, statement) if isinstance(statement, ast.AugAssign) else None
        write = method or text_of(owner.source, statement)
        hints.append(scene.instead(f"{block}: {write}", statement, "not recorded"))
    rewrite = out_of_place(owner.source, statement)
    if rewrite is not None:
        hints.append(scene.instead(rewrite.text, statement, "a new tensor" + (", no leaf" if owned else "")))
    return Story(text, hints=scene.checked(hints, history=not unrecorded))  # of views it decides what may be read at all


def leaf(scene: Scene) -> Story:
    return _in_place(scene, "is a leaf that requires grad; a recorded write would end that", unrecorded=True, owned=True)


def leaf_view(scene: Scene) -> Story:
    _, tensor = scene.operand("self")
    leaf = next((name for name, value in scene.variables.items() if name != "_" and value is tensor.base), "")
    return _in_place(scene, f"is a view of {leaf or 'a leaf'}, a leaf that requires grad".replace("  ", " "), unrecorded=True)


def no_grad_view(scene: Scene) -> Story:
    return _in_place(scene, "is a view that was made under no_grad", unrecorded=False)


def many_views(scene: Scene) -> Story:
    _, tensor = scene.operand("self")
    node = getattr(tensor, "held", None)  # looking at grad_fn may itself be refused
    of = f" that {op_of(getattr(node, 'owner', node))} returned" if node is not None else ""
    return _in_place(scene, f"is one of several views{of}", unrecorded=False)


def inference(scene: Scene) -> Story:
    return _in_place(scene, "was made in inference mode", unrecorded=False)


def unused(scene: Scene) -> Story:
    name, _ = scene.operand("input")
    text = f"grad: {name} was not used in the graph of the output"
    owner, call = scene.owner, scene.call("grad")
    if owner is None or call is None:
        return Story(text)
    new = with_keyword(owner.source, call, "allow_unused", "True")
    rewrite = Rewrite(replaced(owner.source, call, new), new, call.lineno)
    return Story(text, hints=[hint for hint, _ in scene.replayed(owner, [rewrite], f"None for {name}")])


def numpy(scene: Scene) -> Story:
    name, tensor = scene.operand("self")
    text = f"numpy: {name} requires grad, and a numpy array has no history"
    owner, statement = scene.owner, scene.statement
    hints: list[Hint | None] = []
    for call in calls_in(list(own_parts(statement))) if owner is not None and statement is not None else ():
        if last_word(call.func) == "numpy" and isinstance(call.func, ast.Attribute) and owner is not None:
            inner = text_of(owner.source, call.func.value)
            hints.append(scene.instead(f"{inner}.detach().numpy()", call))
            continue
        for argument in call.args:
            if isinstance(argument, ast.Name) and scene.variables.get(argument.id) is tensor and owner is not None:
                hints.append(scene.instead(with_part(owner.source, call, argument, f"{argument.id}.detach()"), call))
    return Story(text, hints=scene.checked(hints, on_host=True))


def fixed(scene: Scene) -> Story:
    """An operand that requires grad where PyTorch's function has no derivative for it."""
    function, argument = str(scene.exc).split("'")[1:4:2]
    tensor = scene.exc.operands.get(argument)
    op = function.removeprefix("native_").removesuffix("_forward")
    text = f"{op}: {argument} requires grad, and there is no derivative for it, in PyTorch neither"
    owner, statement = scene.owner, scene.statement
    hints: list[Hint | None] = []
    for call in calls_in(list(own_parts(statement))) if owner is not None and statement is not None else ():
        for value in (*call.args, *(keyword.value for keyword in call.keywords)):
            given = isinstance(value, ast.Name) and scene.variables.get(value.id) is tensor
            if owner is not None and (given or any(keyword.arg == argument and keyword.value is value for keyword in call.keywords)):
                detached = f"{bracketed(text_of(owner.source, value), value)}.detach()"
                hints.append(scene.instead(with_part(owner.source, call, value, detached), call))
    return Story(text, hints=scene.checked(hints))


def computed(scene: Scene) -> Story:
    name, tensor = scene.operand("self")
    text = f"requires_grad: {name} was computed ({tensor.grad_fn.label}); only a leaf can be switched off"
    hint = scene.instead(f"{name} = {name}.detach()") if name.isidentifier() else None
    return Story(text, hints=scene.checked([hint]))


def weights(scene: Scene) -> Story:
    (name, output), (given, weights) = scene.operand("self"), scene.operand("gradient")
    text = f"{scene.exc.op}: a gradient {tuple(weights.shape)} was given for {name} {tuple(output.shape)}"
    operands = [Operand(name, tuple(output.shape)), Operand("gradient" if given == name else given, tuple(weights.shape))]
    owner, call = scene.owner, scene.call("backward")
    if owner is None or call is None or not isinstance(call.func, ast.Attribute) or not call.args:
        return Story(text, operands=operands)
    inner = text_of(owner.source, call.func.value)
    ones = scene.library("ones_like")
    hints = [scene.instead(with_part(owner.source, call, call.args[0], f"{ones}({inner})"), call)]
    return Story(text, operands=operands, hints=scene.checked(hints, history=True))


def assigned_grad(scene: Scene) -> Story | None:
    statement, owner = scene.statement, scene.owner
    (name, leaf), (_, given) = scene.operand("self"), scene.operand("grad")
    if not isinstance(statement, ast.Assign) or owner is None or not is_tensor(leaf) or not is_tensor(given):
        return None
    target = statement.targets[0]
    name = text_of(owner.source, target.value) if isinstance(target, ast.Attribute) else name
    mine, other = leaf.spec, given.spec
    text = f"grad: {other.dtype.name} {tuple(other.shape)} does not fit {name}, {mine.dtype.name} {tuple(mine.shape)}"
    value = text_of(owner.source, statement.value)
    value = bracketed(value, statement.value)
    changes = [f"{value}.to({name}.dtype)", f"{value}.expand_as({name})", f"{value}.reshape({name}.shape)"]
    hints = [scene.instead(f"{text_of(owner.source, target)} = {change}", statement) for change in changes]
    return Story(text, hints=scene.checked(hints)[:1])


def inference_leaf(scene: Scene) -> Story:
    call = scene.call("requires_grad_")
    owner = scene.owner
    text = "requires_grad: this tensor was made in inference mode, and can never be part of a graph"
    if call is None or owner is None or not isinstance(call.func, ast.Attribute):
        return Story(text)
    inner = text_of(owner.source, call.func.value)
    hint = scene.instead(f"{inner} = {inner}.clone().requires_grad_()") if inner.isidentifier() else None
    return Story(text, hints=scene.checked([hint]))
