"""The text of a tensor, character for character what torch 2.13 prints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import ceil, isfinite, prod
from typing import Any, NamedTuple

from .backend import CPU, check_fits, np, to_host
from .dtypes import get_default_dtype
from .errors import TensorError, TensorTypeError, TensorValueError

MAX_PRECISION = 1_000  # digits after the point
TEXT_BYTES = 100  # what the text of one element takes beside those digits, roughly


class PrintOptions(NamedTuple):
    """How tensors are written; the fields are the arguments of `torch.set_printoptions`.

    `precision`: digits after the point; `threshold`: the element count past which a tensor is summarised;
    `edgeitems`: elements kept at each end of a summarised dimension; `linewidth`: characters per line;
    `sci_mode`: True/False forces scientific notation on/off, None decides by the values.
    """

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=float("inf")),
}

_options: ContextVar[PrintOptions] = ContextVar("print_options", default=PROFILES["default"])


def get_printoptions() -> dict[str, Any]:
    """The options in force, under torch's names."""
    return _options.get()._asdict()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed from now on.

    `profile` ("default", "short" or "full") is applied first, then the single options; None leaves an option as it
    is, except `sci_mode`, which None sets back to automatic (torch does the same). Unlike torch, a value that could
    only fail at the next print (a negative precision, an unknown profile) is refused here.
    Raises ValueError or TypeError; nothing is changed then.

    See: Tensor.tolist, Tensor.item

    >>> set_printoptions(precision=2)
    >>> tensor([3.14159])
    tensor([3.14])
    >>> set_printoptions(precision=4)
    """
    _options.set(_changed(_options.get(), precision, threshold, edgeitems, linewidth, profile, sci_mode))


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """A `with` block inside which `set_printoptions(**options)` is in force."""
    token = _options.set(_changed(_options.get(), **options))
    try:
        yield
    finally:
        _options.reset(token)


def _changed(
    old: PrintOptions,
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> PrintOptions:
    if profile is not None:
        if profile not in PROFILES:
            raise TensorValueError(f"unknown profile {profile!r}: use 'default', 'short' or 'full'", "set_printoptions")
        old = PROFILES[profile]
    given: dict[str, Any] = {"precision": precision, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, value in given.items():
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise TensorTypeError(f"{name} must be an int, not {type(value).__name__}", "set_printoptions")
        if name == "precision" and value is not None and value > MAX_PRECISION:
            raise TensorValueError(f"precision must be at most {MAX_PRECISION}, got {value}", "set_printoptions")
        if value is not None and name != "linewidth" and value < 0:
            raise TensorValueError(f"{name} must not be negative, got {value}", "set_printoptions")
    if threshold is not None and not isinstance(threshold, (int, float)):
        raise TensorTypeError(f"threshold must be a number, not {type(threshold).__name__}", "set_printoptions")
    given["threshold"] = threshold
    new = old._replace(**{name: value for name, value in given.items() if value is not None})
    return new._replace(sci_mode=sci_mode)


def tensor_repr(t: Any, prefix: str = "", options: PrintOptions | None = None) -> str:
    """The text torch prints for the tensor `t` of any shape, dtype and device.

    `prefix` is put before it ("Parameter containing:\\n" for nn.Parameter). `options` replaces the options in force.
    A summarised tensor costs only its visible elements. Source of the rules: observed torch 2.13 output.
    """
    opts = options or _options.get()
    shape = tuple(t.shape)
    count = prod(shape)
    if t.a is None:
        body = "..."
    elif count == 0:
        body = "[]"
    else:
        body = _body(t.a, t.dtype.is_floating_point, count > opts.threshold, opts)
    # torch leaves the size out wherever the elements show it
    shown = (count != 0 and opts.edgeitems != 0) or (count == 0 and len(shape) == 1)
    suffixes = []
    if t.device.type != "cpu":
        suffixes.append(f"device='{t.device}'")
    if t.a is None or not shown:
        suffixes.append(f"size={shape}")
    if not _dtype_is_implied(t, count):
        suffixes.append(f"dtype={t.dtype!r}")
    try:
        node = t.grad_fn
    except TensorError:  # a view whose base was written where that is forbidden: torch prints it all the same
        suffixes.append("grad_fn=<Invalid>")
        return prefix + _with_suffixes("tensor(" + body, suffixes, opts.linewidth)
    if node is not None:
        suffixes.append(f"grad_fn=<{node.label}>")
    elif t.requires_grad:
        suffixes.append("requires_grad=True")
    return prefix + _with_suffixes("tensor(" + body, suffixes, opts.linewidth)


def format_scalar(t: Any, spec: str, plain: bool = True) -> str:
    """What `format(t, spec)` gives: a 0-dim tensor formats as its Python number, any other only with an empty spec.

    `plain` is False for subclasses (nn.Parameter), which torch never formats as numbers.
    Raises TypeError for a spec on anything else, ValueError for a spec the number does not know.
    """
    if plain and t.a is not None and len(t.shape) == 0:
        return format(t.item(), spec)
    if spec:
        raise TensorTypeError(f"unsupported format string passed to {type(t).__name__}.__format__")
    return str(t)


def _dtype_is_implied(t: Any, count: int) -> bool:
    """Whether reading the printed values back would give the same dtype."""
    if t.dtype.to_real().name == get_default_dtype().name:
        return (count != 0 and t.a is not None) or not t.dtype.is_complex
    return t.dtype.name in ("int64", "bool") and count != 0 and t.a is not None


def _with_suffixes(text: str, suffixes: list[str], linewidth: int) -> str:
    """`text` followed by the suffixes and ')'; a suffix that does not fit goes to a line of its own."""
    parts = [text]
    # one more than the characters after the last line break: torch keeps room for the closing parenthesis
    used = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > linewidth:
            parts.append(",\n" + " " * len("tensor(") + suffix)
            used = len("tensor(") + len(suffix)
        else:
            parts.append(", " + suffix)
            used += len(suffix) + 2
    return "".join(parts) + ")"


def _body(array: Any, is_float: bool, summarise: bool, opts: PrintOptions) -> str:
    """The bracketed columns of a non-empty array, after 'tensor('."""
    edge = opts.edgeitems
    if summarise and edge == 0 and array.ndim > 0:
        return "[...]"
    cut = tuple(summarise and size > 2 * edge for size in array.shape)
    count = prod(min(size, 2 * edge) for size in array.shape) if summarise else array.size
    check_fits(count * (TEXT_BYTES + opts.precision), CPU)
    visible = _corners(array, edge) if summarise else to_host(array)
    if visible.dtype.kind == "c":
        texts, width = _complex_texts(visible.reshape(-1), opts)
        return _Layout(texts, visible.shape, cut, width, opts).render()
    if is_float:
        if visible.dtype != "float64":
            visible = visible.astype("float64")
        texts, width = _float_texts(visible.reshape(-1).tolist(), opts)
    else:
        texts = [str(value) for value in visible.reshape(-1).tolist()]
        width = max(map(len, texts))
    texts = [text.rjust(width) for text in texts]
    return _Layout(texts, visible.shape, cut, width, opts).render()


def _corners(array: Any, edge: int, axis: int = 0) -> Any:
    """The elements a summary shows, on the host: `edge` at each end of every dimension longer than 2 * edge."""
    if axis == array.ndim:
        return to_host(array)
    if array.shape[axis] <= 2 * edge:
        return _corners(array, edge, axis + 1)
    before = (slice(None),) * axis
    head, tail = array[(*before, slice(edge))], array[(*before, slice(-edge, None))]
    return np.concatenate((_corners(head, edge, axis + 1), _corners(tail, edge, axis + 1)), axis)


def _float_texts(values: list[float], opts: PrintOptions) -> tuple[list[str], int]:
    """The texts of `values`, not yet aligned, and the column width torch takes for them.

    Zeros, infinities and nans have no part in the choice of notation, nor in the width.
    """
    measured = [abs(value) for value in values if value and isfinite(value)]
    if not measured:
        return [_whole(value) for value in values], 1
    low, high = min(measured), max(measured)
    whole = all(value == ceil(value) for value in measured)
    scientific = high / low > 1000.0 or high > 1.0e8 or (not whole and low < 1.0e-4)
    if opts.sci_mode is not None:
        scientific = opts.sci_mode
    write = _writer(whole, scientific, opts.precision)
    texts = [write(value) for value in values]
    if len(measured) == len(values):
        return texts, max(map(len, texts))
    return texts, max(len(text) for text, value in zip(texts, values, strict=True) if value and isfinite(value))


def _complex_texts(values: Any, opts: PrintOptions) -> tuple[list[str], int]:
    """The texts of complex numbers and the width torch takes for them: each part has a notation and a width of its own, and the
    imaginary part, which stands right behind its sign, is not aligned."""
    parts = [_float_texts(part.astype("float64").tolist(), opts) for part in (values.real, values.imag)]
    (reals, width), (imaginaries, after) = parts
    texts = [
        f"{real.rjust(width)}{'' if imaginary[0] in '+-' else '+'}{imaginary}j" for real, imaginary in zip(reals, imaginaries, strict=True)
    ]
    return texts, width + after + 1


def _writer(whole: bool, scientific: bool, precision: int) -> Any:
    if scientific:
        return f"{{:.{precision}e}}".format
    return _whole if whole else f"{{:.{precision}f}}".format


def _whole(value: float) -> str:
    return f"{value:.0f}." if isfinite(value) else str(value)


class _Layout:
    """Brackets, commas and line breaks around aligned texts in row-major order.

    `shape` is that of the visible elements; `cut[i]` says that dimension i lost its middle.
    """

    def __init__(self, texts: list[str], shape: tuple[int, ...], cut: tuple[bool, ...], width: int, opts: PrintOptions) -> None:
        self.texts, self.shape, self.cut, self.edge = texts, shape, cut, opts.edgeitems
        room = opts.linewidth - len("tensor(") - max(len(shape) - 1, 0)
        self.per_line = max(1, int(room // (width + 2)))

    def render(self) -> str:
        return self._block(0, 0, len(self.texts)) if self.shape else self.texts[0]

    def _block(self, axis: int, start: int, stop: int) -> str:
        indent = "\n" + " " * (len("tensor(") + axis + 1)
        if axis == len(self.shape) - 1:
            row = self.texts[start:stop]
            if self.cut[axis]:
                row.insert(self.edge, " ...")
            lines = [", ".join(row[i : i + self.per_line]) for i in range(0, len(row), self.per_line)]
            return "[" + ("," + indent).join(lines) + "]"
        size = self.shape[axis]
        step = (stop - start) // size
        blocks = [self._block(axis + 1, i, i + step) for i in range(start, stop, step)]
        if self.cut[axis]:
            blocks.insert(self.edge, "...")
        separator = "," + "\n" * (len(self.shape) - 2 - axis) + indent
        return "[" + separator.join(blocks) + "]"
