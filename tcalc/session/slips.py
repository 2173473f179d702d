"""Stories of everyday slips: a dim or an index that is not there, dtypes that clash, lists that are ragged, an attribute called."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from .hints import Hint, verified
from .reading import bounds, bracketed, calls_in, last_word, own_parts, text_of
from .rewrites import out_of_place
from .scene import Scene, Story
from .sentences import Operand
from .tensors import is_tensor

MAX_SHOWN = 8  # operands of cat and the like that are listed


def slip_of(scene: Scene) -> Story | None:
    """The story of an engine error that a slip led to; None when torch's sentence says all there is."""
    for pattern, tell in _TELLERS:
        match = pattern.search(scene.sentence)
        if match is not None:
            return tell(scene, match)
    return None


# --- pieces -----------------------------------------------------------------------------------------------------------


def _gives(scene: Scene, hint: Hint | None) -> Hint | None:
    """The hint with what it gives, when it works on mirrors."""
    if hint is None:
        return None
    result = verified(hint.text, scene.variables)
    if result is None:
        return None
    said = f"-> {result}" if result else ""
    return Hint(hint.text, f"{hint.remark}   {said}".strip(), hint.source, hint.where, hint.line, hint.earlier)


def _those(hints: Sequence[Hint | None]) -> list[Hint]:
    return [hint for hint in hints if hint is not None]


def _dims(tensor: Any) -> str:
    n = tensor.ndim
    if n == 0:
        return "it has no dims"
    return f"its dims are 0 to {n - 1}, or -{n} to -1 from the end" if n > 1 else "its only dim is 0, or -1"


def _called(scene: Scene) -> str:
    word = last_word(scene.node.func) if isinstance(scene.node, ast.Call) else ""
    return word or str(scene.exc.op or "").removesuffix("_backward")


# --- tellers ----------------------------------------------------------------------------------------------------------


def _wrong_dim(scene: Scene, match: re.Match[str]) -> Story | None:
    got = int(match[1])
    name, tensor = scene.operand("self")
    if not is_tensor(tensor):
        listed = next((v for v in scene.exc.operands.values() if isinstance(v, (list, tuple)) and v and is_tensor(v[0])), None)
        if listed is None:
            return None
        name, tensor = "the first tensor", listed[0]
    text = f"{_called(scene)}: {name} {tuple(tensor.shape)} has no dim {got}; {_dims(tensor)}"
    call = scene.expression
    numbers = _numbers(call, got) if isinstance(call, ast.Call) else []
    if len(numbers) != 1 or call is None or not tensor.ndim:
        return Story(text)
    last = "-1" if got > 0 else "0"
    hint = scene.instead(scene.changed(call, {numbers[0]: last}), call, "the last dim" if got > 0 else "the first dim")
    return Story(text, hints=_those([_gives(scene, hint)]))


def _numbers(node: ast.expr, value: int) -> list[ast.expr]:
    """The places in an expression where the whole number `value` is written."""
    found: list[ast.expr] = []
    for each in ast.walk(node):
        if isinstance(each, ast.UnaryOp) and isinstance(each.op, ast.USub) and isinstance(each.operand, ast.Constant):
            written = each.operand.value
            if type(written) is int and -written == value:
                found.append(each)
        elif isinstance(each, ast.Constant) and type(each.value) is int and each.value == value:
            found.append(each)
    return found


def _indexed(scene: Scene) -> tuple[str, Any, ast.Subscript] | None:
    """The failed `x[...]`, with the name and value of x."""
    node = scene.expression
    if isinstance(node, ast.Assign):
        node = node.targets[0]
    if not isinstance(node, ast.Subscript) and scene.statement is not None:
        found = [each for each in own_parts(scene.statement) if isinstance(each, ast.Subscript)]
        node = found[0] if len(found) == 1 else None
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
        return None
    value = scene.variables.get(node.value.id)
    return (node.value.id, value, node) if is_tensor(value) else None


def _wrong_index(scene: Scene, match: re.Match[str]) -> Story | None:
    got, dim, size = int(match[1]), int(match[2]), int(match[3])
    found = _indexed(scene)
    name, tensor = (found[0], found[1]) if found is not None else scene.operand("self")
    if not is_tensor(tensor) or dim >= tensor.ndim or tensor.shape[dim] != size:
        return None
    valid = f"0 to {size - 1}, or -{size} to -1 from the end" if size > 1 else "only 0, or -1" if size else "nothing"
    text = f"index {got}: dim {dim} of {name} has size {size}; valid is {valid}"
    operands = [Operand(name, tuple(tensor.shape), (dim,))]
    if found is None or not size:
        return Story(text, operands=operands)
    node = found[2]
    numbers = _numbers(node.slice, got)
    hint = scene.instead(scene.changed(node, {numbers[0]: "-1" if got > 0 else "0"}), node) if len(numbers) == 1 else None
    return Story(text, hints=_those([_gives(scene, hint)]), operands=operands)


def _too_many(scene: Scene, match: re.Match[str]) -> Story | None:
    found = _indexed(scene)
    if found is None:
        return None
    name, tensor, node = found
    given = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    count = sum(not (isinstance(each, ast.Constant) and each.value in (None, Ellipsis)) for each in given)
    text = f"{name} {tuple(tensor.shape)} has {_many(tensor.ndim, 'dim')}, and {_many(count, 'index', 'indices')} were given"
    return Story(text)


def _many(count: int, word: str, more: str = "") -> str:
    return f"{count} {word if count == 1 else more or word + 's'}"


def _dtypes(scene: Scene, match: re.Match[str]) -> Story | None:
    tensors = [(key, value) for key, value in scene.exc.operands.items() if is_tensor(value)]
    if len(tensors) < 2:
        return None
    names = [scene.operand(key)[0] for key, _ in tensors[:2]]
    (_, a), (_, b) = tensors[:2]
    if a.dtype is b.dtype:
        return None
    operator = isinstance(scene.node, ast.BinOp) and isinstance(scene.node.op, ast.MatMult)
    op = "matmul" if operator else _called(scene)
    text = f"{op}: dtypes differ, {a.dtype.name} ({names[0]}) and {b.dtype.name} ({names[1]})"
    node = scene.expression
    parts = [node.left, node.right] if isinstance(node, ast.BinOp) else []
    if isinstance(node, ast.Call):
        receiver = [node.func.value] if isinstance(node.func, ast.Attribute) and len(node.args) == 1 else []
        parts = [*receiver, *node.args][:2]
    hints: list[Hint | None] = []
    if len(parts) == 2 and node is not None:
        wider, narrow = (a, 1) if (a.dtype.category, a.dtype.itemsize) >= (b.dtype.category, b.dtype.itemsize) else (b, 0)
        method = {"float32": "float()", "float64": "double()", "int64": "long()"}.get(wider.dtype.name, f"to({wider.dtype.name})")
        text_of_part = f"{scene.written(parts[narrow])}.{method}"
        hints.append(_gives(scene, scene.instead(scene.changed(node, {parts[narrow]: text_of_part}), node)))
    return Story(text, hints=_those(hints))


def _listed(scene: Scene) -> list[tuple[str, Any]] | None:
    """The tensors of a list argument, by the text they were written as."""
    values = next((v for v in scene.exc.operands.values() if isinstance(v, (list, tuple)) and v and is_tensor(v[0])), None)
    if values is None:
        return None
    node = scene.expression
    written: list[str] = []
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], (ast.List, ast.Tuple)):
        written = [text_of(scene.source, each) for each in node.args[0].elts]
    names = written if len(written) == len(values) else [f"tensor {i}" for i in range(len(values))]
    return list(zip(names, values, strict=True))


def _joined(scene: Scene, match: re.Match[str]) -> Story | None:
    """cat and stack of tensors whose numbers of dims or sizes differ."""
    tensors = _listed(scene)
    if tensors is None:
        return None
    op, (first, model) = _called(scene), tensors[0]
    odd = next(((name, t) for name, t in tensors if t.ndim != model.ndim), None)
    joined = _joined_dim(scene, model.ndim)
    if odd is not None:
        text = f"{op}: {first} has {_many(model.ndim, 'dim')}, {odd[0]} has {odd[1].ndim}"
    else:
        odd = next(
            ((name, t) for name, t in tensors if any(d != joined and n != m for d, (n, m) in enumerate(zip(t.shape, model.shape, strict=True)))),
            None,
        )
        if odd is None:
            return None
        dim = next(d for d, (n, m) in enumerate(zip(odd[1].shape, model.shape, strict=True)) if n != m and d != joined)
        text = f"{op}: sizes differ in dim {dim}, {model.shape[dim]} ({first}) and {odd[1].shape[dim]} ({odd[0]})"
        text += f"; only dim {joined} may differ" if op in ("cat", "concat", "concatenate") else ""
    operands = [Operand(name, tuple(t.shape)) for name, t in tensors[:MAX_SHOWN]]
    return Story(text, hints=_rejoined(scene, odd[1]), operands=operands)


def _joined_dim(scene: Scene, ndim: int) -> int | None:
    """The dim along which tensors are joined; None for stack, which makes a new one."""
    if _called(scene) == "stack":
        return None
    dim = scene.exc.operands.get("dim", 0)
    return dim % ndim if isinstance(dim, int) and ndim else 0


def _rejoined(scene: Scene, odd: Any) -> list[Hint]:
    """cat along another dim, or with the odd one given a dim more."""
    node = scene.expression
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], (ast.List, ast.Tuple)):
        return []
    hints: list[Hint | None] = []
    values = next(v for v in scene.exc.operands.values() if isinstance(v, (list, tuple)))
    place = next(i for i, value in enumerate(values) if value is odd)
    part = node.args[0].elts[place]
    for index in ("[None]", "[:, None]", ".T"):
        hints.append(_gives(scene, scene.instead(scene.changed(node, {part: scene.written(part) + index}), node)))
    if len(node.args) == 1 and not node.keywords:
        source = text_of(scene.source, node)
        hints += [_gives(scene, scene.instead(f"{source[:-1]}, dim={dim})", node)) for dim in range(1, odd.ndim)]
    return _those(hints)[:2]


def _wrong_count(scene: Scene, match: re.Match[str]) -> Story | None:
    """view and reshape to a shape of another number of elements."""
    name, tensor = scene.operand("self")
    wanted = [int(n) for n in match[1].split(",") if n.strip()]
    if not is_tensor(tensor):
        return None
    have, shape = prod(tensor.shape), tuple(wanted)
    op = _called(scene)
    if -1 in wanted:
        rest = prod(n for n in wanted if n != -1)
        text = f"{op}: {name} {tuple(tensor.shape)} has {_many(have, 'element')}, no multiple of {rest} for {shape}"
    else:
        text = f"{op}: {name} {tuple(tensor.shape)} has {_many(have, 'element')}, {shape} would have {prod(wanted)}"
    call = scene.expression
    hints: list[Hint | None] = []
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and len(wanted) > 1 and -1 not in wanted:
        function = text_of(scene.source, call.func)
        for place in range(len(wanted)):
            if prod(wanted[:place] + wanted[place + 1 :]) not in (0,) and have % prod(wanted[:place] + wanted[place + 1 :]) == 0:
                sizes = ", ".join("-1" if i == place else str(n) for i, n in enumerate(wanted))
                hints.append(_gives(scene, scene.instead(f"{function}({sizes})", call)))
    return Story(text, hints=_those(hints)[:2])


def _scalar(scene: Scene, match: re.Match[str]) -> Story | None:
    """item(), int() and float() of several elements."""
    name, tensor = scene.operand("self")
    if not is_tensor(tensor):
        return None
    op = _called(scene) or "item"
    text = f"{op}: {name} {tuple(tensor.shape)} has {_many(prod(tensor.shape), 'element')}, not one"
    call = scene.expression
    if not isinstance(call, ast.Call):
        return Story(text)
    method = isinstance(call.func, ast.Attribute) and not call.args
    inner = scene.written(call.func.value) if method and isinstance(call.func, ast.Attribute) else scene.written(call.args[0]) if call.args else ""
    hints = [scene.instead(f"{inner}.tolist()", call, "all of them, as a list"), scene.instead(f"{inner}.sum().item()", call, "their sum")]
    return Story(text, hints=scene.checked(hints, on_host=True))


def _truth(scene: Scene, match: re.Match[str]) -> Story | None:
    name, tensor = scene.operand("self")
    if not is_tensor(tensor):
        return None
    text = f"is {name} {tuple(tensor.shape)} true? it has {_many(prod(tensor.shape), 'element')}"
    node = scene.node if isinstance(scene.node, ast.expr) else None
    written = "" if node is None else bracketed(ast.unparse(node), node)
    said = {"any": "some element is", "all": "every element is"}
    hints = [Hint(f"{written}.{word}()", remark) for word, remark in said.items() if written and verified(f"{written}.{word}()", scene.variables)]
    return Story(text, hints=hints)


def _whole_numbers(scene: Scene, match: re.Match[str]) -> Story | None:
    name, tensor = scene.operand("self")
    if not is_tensor(tensor):
        return None
    op, call = _called(scene), scene.expression
    text = f"{op}: {name} is {tensor.dtype.name}, and the {op} of whole numbers is none"
    hints: list[Hint | None] = []
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        part = call.args[0] if call.args and is_tensor(scene.exc.operands.get("input")) else call.func.value
        hints.append(_gives(scene, scene.instead(scene.changed(call, {part: f"{scene.written(part)}.float()"}), call)))
    return Story(text, hints=_those(hints))


def _unpacked(scene: Scene, match: re.Match[str]) -> Story | None:
    """`cat(x, x)` where `cat((x, x))` is meant."""
    call = scene.expression
    if not isinstance(call, ast.Call) or len(call.args) < 2:
        return None
    op, source = _called(scene), scene.source
    start, end = bounds(source, call.args[0])[0], bounds(source, call.args[-1])[1]
    whole = bounds(source, call)
    text = f"{source[whole[0] : start]}[{source[start:end]}]{source[end : whole[1]]}"
    return Story(f"{op}: it takes one list of tensors", hints=_those([_gives(scene, scene.instead(text, call))]))


def _missing(scene: Scene, match: re.Match[str]) -> Story | None:
    """A call without the dim it needs."""
    call = scene.expression
    if match[1] != "dim" or not isinstance(call, ast.Call):
        return None
    source = text_of(scene.source, call)
    comma = ", " if call.args or call.keywords else ""
    hint = scene.instead(f"{source[:-1]}{comma}dim=-1)", call, "along the last dim")
    return Story(f"{_called(scene)}: along which dim?", hints=_those([_gives(scene, hint)]))


def _ragged(scene: Scene, match: re.Match[str]) -> Story | None:
    """A nested list whose rows are not of one length: which row."""
    lists = [node for node in own_parts(scene.statement) if isinstance(node, (ast.List, ast.Tuple))] if scene.statement is not None else []
    for node in sorted(lists, key=lambda each: (each.lineno, each.col_offset)):
        rows = [len(each.elts) if isinstance(each, (ast.List, ast.Tuple)) else None for each in node.elts]
        odd = next((i for i, n in enumerate(rows) if n != rows[0]), None)
        if odd is not None and rows[0] is not None:
            kind = _many(rows[odd] or 0, "element") if rows[odd] is not None else "is no list"
            has = "" if rows[odd] is None else "has "
            return Story(f"{_called(scene) or 'tensor'}: row {odd} {has}{kind}, row 0 has {_many(rows[0], 'element')}")
    return None


def _unknown_keyword(scene: Scene, match: re.Match[str]) -> Story | None:
    return _no_keyword(scene, match[1], match[2], _parameters(match[1]))


def _combination(scene: Scene, match: re.Match[str]) -> Story | None:
    """torch lists every form of a function; what is wrong may be a keyword that none of them has."""
    names = _parameters(match[1])
    given = [each.arg for each in scene.expression.keywords if each.arg] if isinstance(scene.expression, ast.Call) else []
    odd = next((each for each in given if each not in {*names, *_OTHER_KEYWORDS}), None)
    return _no_keyword(scene, match[1], odd, names) if odd is not None else None


_OTHER_KEYWORDS = ("input", "axis", "keepdims")  # torch takes them for self, dim and keepdim


def _no_keyword(scene: Scene, function: str, given: str, names: list[str]) -> Story | None:
    """A keyword that a function does not have: which ones it has."""
    from difflib import get_close_matches

    if not names:
        return None
    close = get_close_matches(given, names, n=1, cutoff=0.6)
    known = "" if close else f"; it has {', '.join(names)}"
    text = f"{function}: no argument '{given}'" + (f". Did you mean {close[0]}?" if close else known)
    call = scene.expression
    hints: list[Hint | None] = []
    if close and isinstance(call, ast.Call) and scene.owner is not None:
        keyword = next((each for each in call.keywords if each.arg == given), None)
        if keyword is not None:
            source = scene.source
            (start, end), first = bounds(source, call), bounds(source, keyword.value)[0]
            head = source[start:first]
            at = head.rfind(given)
            hints.append(_gives(scene, scene.instead(head[:at] + close[0] + head[at + len(given) :] + source[first:end], call)))
    return Story(text, hints=_those(hints))


def _parameters(name: str) -> list[str]:
    from ..engine.registry import PUBLIC

    record = PUBLIC.get(name.removesuffix("_")) or PUBLIC.get(name)
    if record is None:
        return []
    return list(dict.fromkeys(param.name for op in record.ops for param in op.signature.params if param.name != "self"))


def _permuted(scene: Scene, match: re.Match[str]) -> Story | None:
    name, tensor = scene.operand("self")
    if not is_tensor(tensor):
        return None
    text = f"permute: {name} {tuple(tensor.shape)} has {_many(tensor.ndim, 'dim')}, the new order has {match[1]}; it must name each once"
    return Story(text)


def _expanded(scene: Scene, match: re.Match[str]) -> Story | None:
    name, tensor = scene.operand("self")
    if not is_tensor(tensor) or scene.exc.op != "expand":
        return None
    wanted, have, dim = int(match[1]), int(match[2]), int(match[3])
    back = len([n for n in match[4].split(",") if n.strip()]) - tensor.ndim
    text = f"expand: dim {dim - back} of {name} has size {have}, and only a size of 1 can grow to {wanted}"
    return Story(text, operands=[Operand(name, tuple(tensor.shape), (dim - back,))] if dim >= back else [])


def _overlapping(scene: Scene, match: re.Match[str]) -> Story | None:
    """A write into a tensor of which several elements are one slot; out of place it works."""
    name, tensor = scene.operand("self")
    statement = scene.statement
    if not is_tensor(tensor) or 0 not in tensor.stride() or statement is None or hasattr(statement, "body"):
        return None
    rewrite = out_of_place(scene.source, statement)
    if rewrite is None:
        return None
    op = f"{scene.exc.op}".rstrip("_")
    text = f"{op}_: {name} is expanded, stride {tensor.stride()}: one slot shows at several indices"
    hint = scene.instead(rewrite.text, statement, "a new tensor")
    return Story(text, hints=scene.checked([hint]))


_TELLERS: tuple[tuple[re.Pattern[str], Callable[[Scene, re.Match[str]], Story | None]], ...] = (
    (re.compile(r"Dimension out of range \(expected to be in range of \[.*\], but got (-?\d+)\)"), _wrong_dim),
    (re.compile(r"index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)"), _wrong_index),
    (re.compile(r"too many indices for tensor of dimension"), _too_many),
    (re.compile(r"expected scalar type \w+ but found|must have the same dtype|expected .* to have the same dtype|same dtype, but"), _dtypes),
    (re.compile(r"Tensors must have same number of dimensions|Sizes of tensors must match except|stack expects each tensor to be equal size"), _joined),
    (re.compile(r"shape '\[([-\d, ]*)\]' is invalid for input of size"), _wrong_count),
    (re.compile(r"cannot be converted to Scalar|only one element tensors can be converted"), _scalar),
    (re.compile(r"Boolean value of Tensor with more than one value is ambiguous"), _truth),
    (re.compile(r"could not infer output dtype. Input dtype must be either a floating point"), _whole_numbers),
    (re.compile(r"argument 'tensors' \(position 1\) must be tuple of Tensors, not Tensor"), _unpacked),
    (re.compile(r'missing 1 required positional arguments?: "(\w+)"'), _missing),
    (re.compile(r"expected sequence of length \d+ at dim|not a sequence"), _ragged),
    (re.compile(r"^(\w+)\(\) got an unexpected keyword argument '(\w+)'"), _unknown_keyword),
    (re.compile(r"^(\w+)\(\) received an invalid combination of arguments"), _combination),
    (re.compile(r"more than one element of the written-to tensor refers to a single memory location"), _overlapping),
    (re.compile(r"is not equal to len\(dims\) = (\d+)"), _permuted),
    (re.compile(r"The expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\) at non-singleton dimension (\d+)\.  Target sizes: \[([\d, ]*)\]"), _expanded),
)  # fmt: skip


# --- errors of Python itself ------------------------------------------------------------------------------------------


def python_slip(scene: Scene) -> Story | None:
    """The story of a TypeError or AttributeError of Python's own that a habit from elsewhere led to; None for others."""
    for tell in (_called_attribute, _list_habit):
        story = tell(scene)
        if story is not None:
            return story
    return None


def _called_attribute(scene: Scene) -> Story | None:
    """`x.shape()`: an attribute that is no method was called."""
    if not isinstance(scene.exc, TypeError) or not scene.sentence.endswith("object is not callable") or scene.statement is None:
        return None
    for call in calls_in(list(own_parts(scene.statement))):
        word = last_word(call.func)
        if isinstance(call.func, ast.Attribute) and word in _ATTRIBUTES and not call.keywords:
            attribute = text_of(scene.source, call.func)
            index = f"[{text_of(scene.source, call.args[0])}]" if len(call.args) == 1 and word == "shape" else ""
            hint = scene.instead(attribute + index, call)
            works = None if hint is None else verified(hint.text, scene.variables)
            return Story(f"{word} is an attribute, not a method: leave out the ()", hints=[hint] if works is not None and hint is not None else [])
    return None


_ATTRIBUTES = frozenset("shape T mT ndim dtype device grad grad_fn is_leaf requires_grad data itemsize nbytes is_cuda layout retains_grad".split())


def _list_habit(scene: Scene) -> Story | None:
    """Methods that lists and arrays have and tensors have not."""
    match = re.search(r"'Tensor' object has no attribute '(\w+)'", scene.sentence)
    if not isinstance(scene.exc, AttributeError) or match is None or match[1] not in _HABITS:
        return None
    word = match[1]
    instead, why = _HABITS[word]
    hints: list[Hint | None] = []
    for call in calls_in(list(own_parts(scene.statement))) if scene.statement is not None else ():
        if isinstance(call.func, ast.Attribute) and call.func.attr == word:
            inner = scene.written(call.func.value)
            arguments = ", ".join(text_of(scene.source, each) for each in call.args)
            hint = scene.instead(instead.format(x=inner, a=arguments), call)
            hints.append(_gives(scene, hint))
    return Story(f"Tensor has no '{word}': {why}", hints=_those(hints))


_HABITS = {
    "append": ("cat([{x}, tensor([{a}])])", "a tensor does not grow; cat makes a longer one"),
    "extend": ("cat([{x}, {a}])", "a tensor does not grow; cat makes a longer one"),
    "astype": ("{x}.to({a})", "the dtype is changed by to()"),
    "copy": ("{x}.clone()", "a copy is made by clone()"),
    "tonumpy": ("{x}.numpy()", "the array is given by numpy()"),
    "concat": ("cat([{x}, {a}])", "tensors are joined by cat()"),
    "swapaxis": ("{x}.transpose({a})", "dims are swapped by transpose()"),
    "mod": ("{x}.remainder({a})", "it is remainder(), or %"),
    "length": ("len({x})", "it is len(x), or x.numel()"),
    "len": ("len({x})", "it is len(x), or x.numel()"),
    "to_numpy": ("{x}.numpy()", "the array is given by numpy()"),
    "average": ("{x}.mean({a})", "it is mean()"),
}  # fmt: skip
