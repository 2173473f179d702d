"""Writes random programs on autograd, views and in-place writes, one statement a step, in the language that torch and tcalc share."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import torch

SIZES = [(), (1,), (2,), (3,), (4,), (2, 2), (2, 3), (3, 2), (1, 3), (3, 1), (2, 1, 3), (2, 2, 2), (0,), (0, 3), (2, 0)]
POOL = [f"t{i}" for i in range(10)]
UNARY = ["exp", "sin", "neg", "abs", "sqrt", "sigmoid", "tanh", "clone", "square", "contiguous", "reciprocal", "log1p", "floor"]
REDUCE = ["sum", "mean", "max", "min", "logsumexp", "cumsum", "softmax"]
BINARY = ["add", "sub", "mul", "div", "maximum", "atan2"]
OPERATORS = ["+", "-", "*", "/"]
INPLACE = ["exp_", "sqrt_", "zero_", "sigmoid_", "neg_", "abs_", "tanh_"]
DTYPES = ["T.float32", "T.float64", "T.int64", "T.bool"]
MODES = [
    "with T.no_grad(): ",
    "with T.inference_mode(): ",
    "with T.no_grad(), T.enable_grad(): ",
    "with T.inference_mode(), T.enable_grad(): ",
]

LAID = ["contiguous", "reshape", "flatten", "view(", "view_as_complex", "as_strided"]  # strides decide what these do

Maker = Callable[["Writer"], "str | None"]
KINDS: dict[str, tuple[int, Maker]] = {}


def kind(weight: int) -> Callable[[Maker], Maker]:
    """Declare a kind of step and how often it comes."""

    def declare(make: Maker) -> Maker:
        KINDS[make.__name__] = weight, make
        return make

    return declare


class Writer:
    """Chooses the next statement, looking at the names as they stand in torch."""

    def __init__(self, numbers: random.Random, names: dict[str, Any]):
        self.numbers, self.names = numbers, names
        self.one_of, self.chance = numbers.choice, lambda p: numbers.random() < p
        self._kinds, self._weights = [*KINDS], [weight for weight, _ in KINDS.values()]
        self._hooks = 0
        self._last = ""
        self._returned: list[Any] = []  # the memory of gradients that autograd.grad returned
        # torch runs the hooks of nodes that autograd.grad reaches without needing them; that is tested apart
        self.kind = "create"
        self.blind = False  # whether to write without looking at the nodes of views, since to look is to remake them
        self.hooking = self.chance(0.5)

    def step(self) -> tuple[str, str]:
        """The kind of the next step and its statement."""
        self._note_returned()
        while True:
            self.kind = name = self.numbers.choices(self._kinds, self._weights)[0] if len(self.tensors()) > 1 else "create"
            text = KINDS[name][1](self)
            if text is not None:
                if self.chance(0.14) and name not in ("forget", "inplace_view") and not (self.blind and "view" in name):
                    text = self.numbers.choices(MODES, (8, 6, 1, 1))[0] + text
                shown = [n for n in self.tensors() if f"{n}.d" in text and self.names[n].is_inference()]
                if shown and ("detach()" in text or "data" in text):
                    continue  # outside inference mode torch counts writes of these, but not of their views
                if self._returned and any(f".{word}" in text for word in LAID):
                    continue  # gradients lie as formulas left them, and so does what is computed from them
                if "inference_mode" in text and any(
                    word in text for word in ("requires_grad", "deepcopy", "autograd", "backward", "grad =", "data =")
                ):
                    continue  # of inference tensors that require grad, torch records what also has other operands, and only that
                self._last = text
                return name, text

    def _note_returned(self) -> None:
        """Keep the memory of gradients, if the last step was autograd.grad."""
        if "autograd.grad" in self._last:
            self._returned += [self.names[n].untyped_storage() for n in self.tensors() if f"{n}," in self._last.partition("=")[0]]

    def gradient(self, t: str) -> bool:
        """Whether a tensor lies in the memory of a gradient that autograd.grad returned."""
        start = self.names[t].untyped_storage().data_ptr()
        return any(memory.data_ptr() == start for memory in self._returned)

    # --- choosing -------------------------------------------------------------------------------------------------

    def tensors(self) -> list[str]:
        """Names that hold tensors now."""
        return [n for n in POOL if isinstance(self.names.get(n), torch.Tensor)]

    def root(self) -> str | None:
        """A name that may be differentiated or differentiated by: any but those whose gradient leads nowhere."""
        names = [n for n in self.tensors() if not self.dangling(self.names[n])]
        wanted = [n for n in names if self.names[n].requires_grad]
        return self.one_of(wanted if wanted and self.chance(0.96) else names) if names else None

    def tensor(self, test: Callable[[torch.Tensor], bool] = lambda t: True, often: float = 0.9) -> str | None:
        """A name, mostly of a tensor that passes a test."""
        names = self.tensors()
        if self.kind not in ("unary", "leave", "retain") and not self.blind:  # of two reasons to refuse a step, either may come first
            names = [n for n in names if not dangling(self.names[n])]
        if self.chance(often):
            names = [n for n in names if test(self.names[n])]
        return self.one_of(names) if names else None

    def hookable(self) -> str | None:
        """A name of a tensor to hook: torch crashes at a view whose base was written since its node was looked at."""
        return self.tensor(recorded, 1 if self.blind else 0.9)

    def target(self) -> str:
        """A name to assign to: a free one, or one that is in use."""
        free = [n for n in POOL if n not in self.names]
        return free[0] if free and self.chance(0.9) else self.one_of(POOL)

    def fellow(self, t: str, broadcast: bool = True) -> str | None:
        """A name whose shape mostly goes with that of another."""
        shape = self.names[t].shape

        def fits(other: torch.Tensor) -> bool:
            if not broadcast or other.shape == shape:
                return bool(other.shape == shape)
            return other.dim() <= len(shape) and all(m in (1, n) for m, n in zip(other.shape[::-1], shape[::-1], strict=False))

        return self.tensor(fits, 0.93)

    def dangling(self, t: torch.Tensor) -> bool:
        """Whether a gradient of the tensor may lead nowhere."""
        return t._base is not None and t.requires_grad if self.blind else dangling(t)

    def hidden(self, t: str) -> bool:
        """Whether a tensor is a view of what no name holds, or on memory that gradients share: those may be views of buffers of torch's
        own and of one another, made under no_grad."""
        base = self.names[t]._base
        return base is not None and (self.gradient(t) or not any(self.names[n] is base for n in self.tensors()))

    def solid(self, t: str) -> bool:
        """Whether neither a tensor nor its base has gaps: torch leaves what lies there in gradients as it finds it."""
        base = self.names[t]._base
        return self.names[t].is_contiguous() and (base is None or base.is_contiguous())

    def sharing(self, t: str) -> bool:
        """Whether another name looks at the memory of a tensor, or it is a view."""
        mine = self.names[t]
        start = mine.untyped_storage().data_ptr()
        return mine._base is not None or any(
            self.names[n] is not mine and self.names[n].untyped_storage().data_ptr() == start for n in self.tensors()
        )

    def clean(self, t: str) -> bool:
        """Whether no two elements share a slot, or all do along an expanded dim: else the order of writes decides."""
        value = self.names[t]
        if self.gradient(t) and 0 in value.stride():
            return False  # whether gradients are expanded is the formulas' own affair
        if any(s == 0 and n > 1 for s, n in zip(value.stride(), value.shape, strict=True)):
            return True
        places = {0}
        for n, s in zip(value.shape, value.stride(), strict=True):
            places = {p + i * s for p in places for i in range(n)}
        return len(places) == value.numel()

    def apart(self, t: str, other: str) -> bool:
        """Whether writing one while reading the other has one meaning: torch looks for no overlap of memory with gaps."""
        a, b = self.names[t], self.names[other]
        if (
            not self.clean(t)
            or self.hidden(t)
            or self.names[other].is_inference()
            or (self.names[other].requires_grad and not self.names[t].is_floating_point())
        ):
            return False
        same = a.data_ptr() == b.data_ptr() and a.stride() == b.stride() and a.shape == b.shape
        return same or a.untyped_storage().data_ptr() != b.untyped_storage().data_ptr()

    def number(self) -> str:
        """A small number."""
        return self.one_of(["2", "0.5", "3.", "-1.", "1"])

    def dim(self, t: str) -> int:
        """Mostly a dim of a tensor."""
        n = self.names[t].dim()
        if self.dangling(self.names[t]):
            return self.numbers.randrange(-n, n) if n else 0  # of two reasons to refuse a step, either may come first
        return self.numbers.randrange(-n, n) if n and self.chance(0.97) else self.one_of([0, 1, -1])

    def literal(self, shape: tuple[int, ...], whole: bool = False) -> str:
        """Nested lists of that shape."""
        if not shape:
            return str(self.numbers.randrange(1, 5) if whole else self.numbers.randrange(-4, 9) / 4)
        return "[" + ", ".join(self.literal(shape[1:], whole) for _ in range(shape[0])) + "]"

    def hook(self) -> str:
        """A function of a gradient that looks, replaces or raises."""
        self._hooks += 1
        name = f"h{self._hooks}"
        return self.numbers.choices(
            [
                f"lambda g: out('{name}', g)",
                f"lambda g: out('{name}', g) or g * 2",
                "lambda g: 1 / 0",
                f"lambda g: out('{name}', g) or g.sum()",
                "lambda g: 3",
            ],
            (10, 5, 1, 1, 0.5),
        )[0]


def floating(t: torch.Tensor) -> bool:
    """Whether a tensor can require grad."""
    return t.is_floating_point()


def recorded(t: torch.Tensor) -> bool:
    """Whether a tensor requires grad and its gradient surely leads somewhere."""
    return t.requires_grad and (t._base is None or not t._base.requires_grad)


def leaf(t: torch.Tensor) -> bool:
    """Whether a tensor keeps its gradient by itself."""
    return t.requires_grad and t._base is None and t.is_leaf


def writable(t: torch.Tensor) -> bool:
    """Whether autograd lets a tensor be written."""
    return not t.requires_grad or (t._base is not None and not t._base.is_leaf) or (t._base is None and not t.is_leaf)


def dangling(t: torch.Tensor) -> bool:
    """Whether a view only seems to require grad, since its base does: made under no_grad, or stale."""
    if not t.requires_grad or t._base is None:
        return False
    try:
        return t.grad_fn is None
    except RuntimeError:
        return True


def scalar(t: torch.Tensor) -> bool:
    """Whether backward needs no weights."""
    return t.requires_grad and t.numel() == 1


# --- making tensors ---------------------------------------------------------------------------------------------------


@kind(9)
def create(w: Writer) -> str:
    shape = w.one_of(SIZES)
    dtype = w.numbers.choices(["", "dtype=T.float64", "dtype=T.int64"], (12, 3, 2))[0]
    wants = "requires_grad=True" if w.chance(0.55 if "int" not in dtype else 0.05) else ""
    options = "".join(f", {o}" for o in (dtype, wants) if o)
    if 0 in shape:
        return f"{w.target()} = T.zeros({shape}{options})"
    if shape and w.chance(0.12):  # one that lies with gaps, or with its dims turned, and is no view to autograd
        way, lies = w.one_of([("[..., ::2]", (*shape[:-1], 2 * shape[-1])), (".mT", (*shape[:-2], *shape[-1:], *shape[-2:-1]))][: len(shape)])
        wide = w.literal(lies, "int" in dtype)
        return f"{w.target()} = T.tensor({wide}{dtype and ', '}{dtype}){way}.detach(){'.requires_grad_()' if wants else ''}"
    return f"{w.target()} = T.tensor({w.literal(shape, 'int' in dtype)}{options})"


@kind(2)
def lone_leaf(w: Writer) -> str:
    """A leaf of one element that lies with gaps."""
    shape = w.one_of([(1,), (1, 1), (1, 1, 1)])
    return f"{w.target()} = T.tensor({w.literal((*shape[:-1], 2))})[..., {w.one_of(['::2', '1:', ':1'])}].detach().requires_grad_()"


@kind(10)
def unary(w: Writer) -> str:
    return f"{w.target()} = {w.tensor(floating)}.{w.one_of(UNARY)}()"


@kind(14)
def binary(w: Writer) -> str | None:
    t = w.tensor()
    other = w.number() if t and w.chance(0.35) else t and w.fellow(t)
    if (
        other
        and other[0] == "t"
        and t
        and w.names[t].shape != w.names[other].shape
        and (w.names[t].is_inference() or w.names[other].is_inference())
    ):
        return None
    if any(n in w.names and w.names[n].dtype is torch.int32 for n in (t, other)):
        return None  # torch's formulas multiply the bits of floats as they are, and wrap
    if w.chance(0.6):
        return other and f"{w.target()} = {t} {w.one_of(OPERATORS)} {other}"
    return other and f"{w.target()} = {t}.{w.one_of([*BINARY[:4], 'pow'] if other[0] != 't' else BINARY)}({other})"


@kind(7)
def reduce(w: Writer) -> str:
    t, op = w.tensor(floating, 1), w.one_of(REDUCE)
    if t is None:
        return create(w)
    if op in ("softmax", "cumsum", "logsumexp"):
        return f"{w.target()} = {t}.{op}({w.dim(t)})"
    if w.chance(0.5) and op in ("sum", "mean"):
        return f"{w.target()} = {t}.{op}()"
    if op in ("max", "min"):
        return f"{w.target()}, {w.target()} = {t}.{op}({w.dim(t)}{', keepdim=True' if w.chance(0.3) else ''})"
    return f"{w.target()} = {t}.{op}({w.dim(t)}{', keepdim=True' if w.chance(0.3) else ''})"


@kind(6)
def several_inputs(w: Writer) -> str | None:
    a = w.tensor(floating)
    b, c = (a and w.fellow(a, False), a and w.fellow(a))
    if a and b and w.names[a].dtype != w.names[b].dtype:
        return None
    if a is None or b is None or c is None or any(w.names[n].is_inference() for n in (a, b, c)):
        return None  # of two reasons to refuse a step (what is saved, what shapes fit), either may come first
    return f"{w.target()} = " + w.one_of(
        [
            f"T.cat(({a}, {b}))", f"T.stack(({a}, {b}), {w.dim(a)})", f"T.where({a}.gt({b}), {a}, {c})", f"{a} @ {b}", f"T.matmul({a}, {b}.{'mT' if w.names[b].dim() > 1 else 'view(-1)'})",
            f"{a}[{b} > 1]", f"{a}[T.tensor([0, {w.one_of([0, -1, 1])}])]" if w.names[a].numel() else f"{a}[{b} > 1]", f"{a}.masked_fill({a} > 1, 0.5)",
            f"T.addcmul({a}, {b}, {c})", f"T.minimum({a}, {b})",
        ]
    )  # fmt: skip


@kind(3)
def cast(w: Writer) -> str | None:
    t = w.tensor()
    return (
        None
        if t is None or w.dangling(w.names[t])
        else f"{w.target()} = {t}" + w.one_of([f".to({w.one_of(DTYPES[:3])})", ".double()", ".float()", ".to(T.float32, copy=True)"])
    )


# --- views ------------------------------------------------------------------------------------------------------------


def shape_like(w: Writer, t: str) -> str:
    """A size with as many elements, mostly."""
    n = w.names[t].numel()
    choices = [(n,), (-1,), (1, n), (n, 1)] + ([(2, n // 2), (n // 2, 2)] if n % 2 == 0 and n else []) + [(3,)]
    return ", ".join(map(str, w.one_of(choices)))


def index(w: Writer, t: str) -> str:
    """An index made of ints and slices."""
    items = []
    for n in w.names[t].shape[: w.numbers.randrange(1, 3)] or [1]:
        i = w.numbers.randrange(-n, n) if n and w.names[t].dim() and w.chance(0.97) else 0
        items.append(w.one_of([str(i), str(i), ":", "1:", "::2", ":1", ":-1", "...", "None"]))
    if items.count("...") > 1:
        items = items[:1]
    return ", ".join(items)


def view_text(w: Writer, t: str) -> str:
    """A view of a tensor."""
    d = w.dim(t)
    shape = tuple(w.names[t].shape)
    options = [
        f"{t}[{index(w, t)}]", f"{t}[{index(w, t)}]", f"{t}.view({shape_like(w, t)})", f"{t}.reshape({shape_like(w, t)})", f"{t}.T" if len(shape) == 2 else f"{t}.permute(*range({len(shape)})[::-1])",
        f"{t}.transpose(0, {d})", f"{t}.select({d}, 0)", f"{t}.unsqueeze({d})", f"{t}.squeeze()", f"{t}.squeeze({d})", f"{t}.narrow({d}, 0, 1)",
        f"{t}.expand(2, {', '.join(map(str, shape)) or '2'})" if len(shape) < 3 else f"{t}[0]", f"{t}.view_as({t})", f"{t}.detach()", f"{t}.diagonal()", f"{t}.flatten()",
        f"{t}.unfold({d}, 2, {w.one_of([1, 2])})", f"{t}.as_strided((2,), (1,))" if w.names[t].numel() and not w.hidden(t) and w.solid(t) else f"{t}[...]", f"{t}.movedim(0, {d})",
        f"{t}.expand_as({t})", f"{t}.permute({', '.join(map(str, range(len(shape))[::-1])) or '()'})",
    ]  # fmt: skip
    return w.one_of(options)


@kind(22)
def view(w: Writer) -> str | None:
    t = w.tensor()
    return t and f"{w.target()} = {view_text(w, t)}"


@kind(3)
def retyped(w: Writer) -> str | None:
    """The same memory as numbers of another dtype: bits of floats, pairs of numbers as complex ones."""
    t = w.tensor()
    if t is None:
        return None
    if w.names[t].is_complex():
        return f"{w.target()} = T.view_as_real({t})"
    pairs = w.names[t].is_floating_point() and w.names[t].dim() and w.names[t].shape[-1] == 2
    if pairs and w.chance(0.7):
        return f"{w.target()} = T.view_as_complex({t})"
    same = str(w.names[t].dtype).replace("torch", "T")
    return f"{w.target()} = {t}.view({w.one_of(['T.int32', 'T.float32', same]) if w.names[t].itemsize == 4 else same})"


@kind(4)
def several_views(w: Writer) -> str | None:
    t = w.tensor(lambda t: t.dim() > 0, 1)
    if t is None:
        return None
    d = w.dim(t)
    n = w.names[t].shape[d] if -w.names[t].dim() <= d < w.names[t].dim() else 1
    text, count = w.one_of([(f"{t}.unbind({d})", n), (f"{t}.split(1, {d})", n), (f"{t}.chunk(2, {d})", min(2, n))])
    if not 1 <= count <= 3:
        return None
    return "".join(f"{w.target()}, " for _ in range(count)).rstrip(" ") + f" = {text}"


@kind(3)
def data(w: Writer) -> str | None:
    t = w.tensor()
    return f"{w.target()} = {t}.data" if t and not w.hidden(t) else None


# --- writing ----------------------------------------------------------------------------------------------------------


def written(w: Writer) -> str | None:
    """What to write: a name, or a view of one."""
    t = w.tensor(writable, 0.85)
    if t is None or w.chance(0.8):
        return t
    text = view_text(w, t)
    return text if "as_strided" not in text and "unfold" not in text else t  # several elements in one slot: the order of writes decides


@kind(14)
def write(w: Writer) -> str | None:
    t = written(w)
    name = t and t.split(".")[0].split("[")[0]
    other = name and w.fellow(name)
    if (
        name is None
        or other is None
        or (
            not w.apart(name, other)
            or (t != name and w.names[other].untyped_storage().data_ptr() == w.names[name].untyped_storage().data_ptr())
        )
    ):
        return None
    return f"{t}." + w.one_of(
        [
            f"add_({other})", f"mul_({other})", f"sub_({other})", f"copy_({other})", f"fill_({w.number()})", "clamp_(min=0)", f"div_({other})", f"pow_({w.one_of('23')})",
            f"add_({w.number()})", f"mul_({w.number()})", f"masked_fill_({name} > 1, 0.5)", f"addcmul_({other}, {other})", f"{w.one_of(INPLACE)}()", f"{w.one_of(INPLACE)}()",
        ]
    )  # fmt: skip


@kind(6)
def set_item(w: Writer) -> str | None:
    t = w.tensor(lambda t: writable(t) and t.dim() > 0, 0.9)
    if t is None or not w.clean(t) or w.hidden(t) or 0 in w.names[t].stride() or not w.names[t].numel():
        return None
    value = w.number() if w.chance(0.5) else w.tensor(lambda o: o.dim() < 2)
    if value and value[0] == "t" and not w.apart(t, value):
        return None
    if value and value[0] == "t" and w.names[value].untyped_storage().data_ptr() == w.names[t].untyped_storage().data_ptr():
        return None
    place = w.one_of([index(w, t), f"{t} > 1", "T.tensor([0, 0])", "..."])
    if w.chance(0.3):
        return f"{t}[{place}] {w.one_of(['+=', '*='])} {value}"
    return f"{t}[{place}] = {value}"


@kind(4)
def augmented(w: Writer) -> str | None:
    t = w.tensor(writable, 0.85)
    other = t and (w.number() if w.chance(0.4) else w.fellow(t))
    if t and other and not w.apart(t, other if other[0] == "t" else t):
        return None
    return other and f"{t} {w.one_of(['+=', '*=', '-=', '/='])} {other}"


@kind(2)
def inplace_view(w: Writer) -> str | None:
    t = w.tensor(lambda t: not t.retains_grad, 1)  # torch runs into an internal assertion there
    if t and w.gradient(t):
        return None  # which gradients share memory, and so a count of writes, is the formulas' own affair
    if t and any(w.names[n]._base is w.names[t] and w.names[n].dtype != w.names[t].dtype for n in w.tensors()):
        return None  # torch makes such views again by their own ops, which may refuse the new geometry
    return t and f"{t}." + w.one_of(["squeeze_()", "unsqueeze_(0)", f"transpose_(0, {w.dim(t)})"])


@kind(3)
def write_through_data(w: Writer) -> str | None:
    t = w.tensor()
    other = t and w.fellow(t)
    if t and other and not w.apart(t, other):
        return None
    return other and f"{t}.{w.one_of(['data', 'detach()'])}.{w.one_of([f'add_({other})', 'mul_(2)', 'zero_()'])}"


# --- autograd's switches ----------------------------------------------------------------------------------------------


@kind(3)
def detach_in_place(w: Writer) -> str | None:
    t = w.tensor()
    if t is None or w.hidden(t) or (leaf(w.names[t]) and w.sharing(t)):
        return None  # torch crashes when a view of such a leaf is then given a hook
    if w.names[t].retains_grad or (w.hooking and w.chance(0.5) and floating(w.names[t])):
        return f"{t}.detach_().requires_grad_()"  # one that retained its gradient may not be written: torch runs into an internal assertion
    return f"{t}.detach_()"


@kind(4)
def requires_grad(w: Writer) -> str | None:
    t = w.tensor()
    if t is None or w.hidden(t):
        return None
    if w.names[t].is_complex() and w.names[t]._base is not None:
        return None  # torch runs into an internal assertion when such a view's base is written
    value = "True" if w.names[t].retains_grad or (w.hooking and w.sharing(t)) else w.numbers.choices(["True", "False"], (2, 1))[0]
    return f"{t}.requires_grad_({value})" if w.chance(0.6) else f"{t}.requires_grad = {value}"


@kind(2)
def set_data(w: Writer) -> str | None:
    t = w.tensor(often=1)
    other = t and w.fellow(t, False)
    if t is None or other is None or w.sharing(t):
        return None  # torch keeps one count of writes for two memories
    a, b = w.names[t], w.names[other]
    if a.dtype != b.dtype or a.is_inference() or b.is_inference() or (a.requires_grad and (not a.is_leaf or a.shape != b.shape)):
        return None  # what breaks the graph is found elsewhere, or nowhere
    return f"{t}.data = {other}{w.one_of(['', '.clone()', ' * 2'])}"


@kind(4)
def set_grad(w: Writer) -> str | None:
    t = w.tensor(leaf)
    if t is None:
        return None
    other = w.fellow(t, False) if w.chance(0.85) else w.tensor()
    value = w.one_of(["None", "None", f"{other}.clone()", f"{other}.clone().detach()", f"T.ones_like({t})", f"T.ones_like({t})", "1.0"])
    return f"{t}.grad = {value}"


@kind(3)
def write_grad(w: Writer) -> str | None:
    t = w.tensor(lambda t: t.grad is not None and leaf(t))
    if t and w.names[t].numel() == 1 and set(w.names[t].stride()) - {1}:
        return None  # such gradients lie as formulas left them, or as the leaf
    return t and (
        f"{t}.grad.{w.one_of(['zero_()', 'mul_(2)', 'detach_()', 'requires_grad_(False)'])}"
        if w.chance(0.7)
        else f"{w.target()} = {t}.grad.clone()"
    )


@kind(4)
def retain(w: Writer) -> str | None:
    return None if not w.hooking else f"{w.hookable()}.retain_grad()"


@kind(5)
def hook(w: Writer) -> str | None:
    return None if not w.hooking else f"{w.one_of(['k0', 'k1'])} = {w.hookable()}.register_hook({w.hook()})"


@kind(2)
def post_hook(w: Writer) -> str | None:
    t = w.tensor(leaf) if w.hooking else None
    action = w.numbers.choices([f"out('p', {t}.grad)", "out('p', p.grad)", "1 / 0", "setattr(p, 'grad', None)"], (3, 3, 0.4, 1))[0]
    return t and f"{w.one_of(['k0', 'k1'])} = {t}.register_post_accumulate_grad_hook(lambda p: {action})"


@kind(2)
def remove_hook(w: Writer) -> str | None:
    k = w.one_of(["k0", "k1"])
    return f"{k}.remove()" if k in w.names else None


# --- running the graph ------------------------------------------------------------------------------------------------


def options(w: Writer) -> str:
    """retain_graph and create_graph."""
    given = []
    if w.chance(0.45):
        given.append(f"retain_graph={w.one_of(['True', 'True', 'False'])}")
    if w.chance(0.18):
        given.append("create_graph=True")
    return "".join(f", {o}" for o in given)


@kind(12)
def backward(w: Writer) -> str | None:
    t = w.root()
    if t is None:
        return None
    more = options(w)
    if w.chance(0.12) and not w.hooking and any(recorded(w.names[n]) for n in w.tensors()):
        inputs = [w.tensor(recorded, 1) for _ in range(w.one_of([1, 1, 2]))]
        more += f", inputs=[{', '.join(filter(None, inputs))}]" if all(inputs) else ""
    if scalar(w.names[t]) and w.chance(0.7):
        return f"{t}.backward({more[2:]})"
    if w.chance(0.8):
        return f"{t}.sum().backward({more[2:]})"
    weight = w.one_of(
        [f"T.ones_like({t})", f"T.ones_like({t})", f"{w.fellow(t, False)}.detach().clone()", f"{w.tensor()}.detach().clone()"]
    )
    return f"{t}.backward({weight}{more})"


@kind(2)
def several_roots(w: Writer) -> str | None:
    a, b = w.root(), w.root()
    if a is None or b is None or leaf(w.names[a]) or leaf(w.names[b]):
        return None
    return (
        f"T.autograd.backward(({a}, {b}), (T.ones_like({a}), {w.one_of([f'T.ones_like({b})', f'T.ones_like({b})', 'None'])}){options(w)})"
    )


@kind(8)
def grad(w: Writer) -> str | None:
    t = None if w.hooking else w.root()
    inputs = [*dict.fromkeys(w.root() for _ in range(w.one_of([1, 1, 2])))]
    if t is None or None in inputs:
        return None
    more = (
        options(w)
        + w.numbers.choices(
            ["", ", allow_unused=True", ", materialize_grads=True", ", allow_unused=False, materialize_grads=True"], (4, 8, 3, 0.4)
        )[0]
    )
    targets = "".join(f"{w.target()}, " for _ in inputs).rstrip(" ")
    root = t if scalar(w.names[t]) else f"{t}.sum()"
    if w.chance(0.2):
        weight = w.one_of([f"T.ones_like({t})", f"{w.fellow(t, False)}.detach().clone()"])
        root, more = t, f", {weight}{more}"
    return f"{targets} = T.autograd.grad({root}, ({', '.join(map(str, inputs))},){more})"


# --- the rest ---------------------------------------------------------------------------------------------------------


@kind(3)
def forget(w: Writer) -> str:
    return f"del {w.one_of(w.tensors())}"


@kind(2)
def rebind(w: Writer) -> str:
    return f"{w.target()} = {w.tensor()}"


@kind(3)
def leave(w: Writer) -> str:
    t = w.tensor()
    return w.one_of(
        [f"out('n', {t}.numpy().tolist())", f"{w.target()} = copy.deepcopy({t})", f"out('i', {t}.item())", f"out('l', {t}.tolist())", f"{w.target()} = T.empty_like({t}).zero_()"]
    )  # fmt: skip
