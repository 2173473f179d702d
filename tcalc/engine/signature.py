"""Argument parsing as torch does it: kinds of parameters read off annotations, overloads tried in order, torch's TypeErrors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from . import backend, dtypes
from .errors import TensorTypeError, TensorValueError
from .generator import Generator
from .layout import Size
from .tensor import Tensor

REQUIRED = object()
LONG = "Overflow when unpacking long long"  # torch's sentence for an int beyond 64 bits


class Kind(NamedTuple):
    """One kind of parameter: torch's name for it in error sentences, the test for a value, and its conversion (or None)."""

    name: str
    accepts: Callable[[Any], bool]
    convert: Callable[[Any], Any] | None = None


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _is_plain_number(value: Any) -> bool:
    """Whether it is a number, not in a tensor; OverflowError for an int beyond 64 bits, which torch refuses whatever it is for."""
    if value.__class__ is int:
        dtypes.check_long(value)
    return isinstance(value, (int, float, complex, backend.np.number))


def _stands_for_number(value: Any) -> bool:
    return _is_tensor(value) and value.spec.ndim == 0 and value.node is None


def _is_number(value: Any) -> bool:
    return _is_plain_number(value) or _stands_for_number(value)


def _is_real(value: Any) -> bool:
    if isinstance(value, Tensor):
        return _stands_for_number(value) and not value.spec.dtype.is_complex
    return isinstance(value, (int, float, backend.np.integer, backend.np.floating))


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, (Tensor, backend.np.generic)) else value


def _is_int(value: Any) -> bool:
    if type(value) is int:
        return True
    if isinstance(value, bool):
        return False
    if isinstance(value, Tensor):
        return value.spec.numel == 1 and value.spec.dtype.category == dtypes.INT
    return isinstance(value, (int, backend.np.integer))


def _is_one_int(value: Any) -> bool:
    """Whether it is an int, or a tensor without dims that holds one; for sizes, one with dims will do."""
    return _is_int(value) and not (isinstance(value, Tensor) and value.spec.ndim)


def _is_long(value: int) -> bool:
    return -(2**63) <= value < 2**63


def _int(value: Any) -> int:
    """The int that is given.

    Raises ValueError with torch's sentence for one beyond 64 bits.
    """
    found = value if type(value) is int else int(value)
    if not _is_long(found):
        raise TensorValueError(LONG)
    return found


def _is_ints(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(_is_int(v) for v in value)


def _ints(value: Any) -> tuple[int, ...]:
    if not isinstance(value, (tuple, list)):
        return (_int(value),)
    try:
        return tuple([_int(v) for v in value])
    except TensorValueError:
        at = next(i for i, v in enumerate(value) if not _is_long(int(v)))
        raise Mismatch(f'failed to unpack the object at pos {at + 1} with error "{LONG}"') from None


def _places(value: Any) -> list[Any]:
    """Index tensors one a dim, a mask taken apart into the places where it holds."""
    from .ops.index import nonzero_places

    places: list[Any] = []
    for index in value:
        masks = isinstance(index, Tensor) and index.spec.dtype is dtypes.bool_ and index.a is not None
        places += nonzero_places(index) if masks else [index]  # type: ignore[no-untyped-call]  # ops are declared without types
    return places


def _is_tensors(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all([isinstance(v, Tensor) for v in value])


KINDS = {
    "Tensor": Kind("Tensor", _is_tensor),
    "Operand": Kind("Tensor", lambda v: _is_tensor(v) or _is_plain_number(v), None),  # torch makes a 0-dim tensor of a number
    "Either": Kind("Tensor", lambda v: _is_tensor(v) or _is_plain_number(v), None),  # torch has an overload for each
    "Tensors": Kind("tuple of Tensors", _is_tensors, tuple),
    "Spread": Kind("tuple of Tensors", _is_tensors, tuple),  # also as the rest of the positional arguments: einsum("ij,jk", a, b)
    "Scalar": Kind("Number", _is_number, _number),
    "Number": Kind("Number", _is_plain_number, _number),  # where another overload takes the 0-dim tensors
    "Int": Kind("int", _is_int, _int),
    "Count": Kind("int", _is_one_int, _int),  # where torch has an int, not one that may be symbolic
    "Dim": Kind("int", _is_one_int, _int),
    "Place": Kind("int", lambda v: _is_int(v) or _is_tensor(v)),  # torch has an overload for tensors
    "Ints": Kind("tuple of ints", lambda v: _is_ints(v) or _is_int(v), _ints),
    "Padding": Kind("tuple of ints", lambda v: isinstance(v, str) or _is_ints(v) or _is_int(v), lambda v: v if isinstance(v, str) else _ints(v)),
    "Size": Kind("tuple of ints", _is_ints, _ints),
    "Dims": Kind("tuple of ints", lambda v: _is_ints(v) or _is_int(v), _ints),
    "Indices": Kind("tuple of Tensors or None", lambda v: isinstance(v, (tuple, list)), _places),
    "Bool": Kind("bool", lambda v: isinstance(v, (bool, backend.np.bool_)), bool),
    "Float": Kind("float", _is_real, lambda v: float(_number(v))),
    "Str": Kind("str", lambda v: isinstance(v, str)),
    "DType": Kind("torch.dtype", lambda v: isinstance(v, dtypes.dtype) or (isinstance(v, type) and v in _PYTHON_TYPES), lambda v: _PYTHON_TYPES.get(v, v)),
    "Device": Kind("torch.device", lambda v: isinstance(v, (str, backend.device)) or _is_int(v), backend.device),
    "Generator": Kind("torch.Generator", lambda v: isinstance(v, Generator)),
    "Format": Kind("torch.memory_format", lambda v: isinstance(v, MemoryFormat)),
    "Layout": Kind("torch.layout", lambda v: isinstance(v, Layout)),
    "Nothing": Kind("None", lambda v: False),  # only the None of `| None`
    "Any": Kind("object", lambda v: True),
}


class MemoryFormat:
    """How a copy is laid out: torch.contiguous_format, torch.preserve_format or torch.channels_last.

    See: contiguous, clone, Tensor.is_contiguous

    >>> ones(1, 2, 2, 2).contiguous(memory_format=channels_last).stride()
    (8, 1, 4, 2)
    """

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"


class Layout:
    """Storage scheme of a tensor; torch.strided is the only one here.

    See: Tensor.layout, stride

    >>> ones(2).layout
    torch.strided
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "torch.strided"


contiguous_format, preserve_format, channels_last = (MemoryFormat(n) for n in ("contiguous_format", "preserve_format", "channels_last"))
strided = Layout()
_PYTHON_TYPES: dict[Any, dtypes.dtype] = {float: dtypes.float64, int: dtypes.int64, bool: dtypes.bool_, complex: dtypes.complex128}
ALIASES = {
    "input": "self",
    "axis": "dim",
    "keepdims": "keepdim",
    "x": "self",
    "x1": "self",
    "x2": "other",
}  # numpy's words, which torch takes too


class Param(NamedTuple):
    """One parameter of a signature."""

    name: str
    kind: Kind
    optional: bool
    default: Any
    keyword_only: bool
    swallow: bool  # takes the rest of the positional ints, as `view(2, 3)`, or Tensors

    def begins(self, value: Any) -> bool:
        """Whether `value` is the first of those that this parameter takes one by one."""
        return self.swallow and (_is_tensor(value) if self.kind is KINDS["Spread"] else _is_int(value))

    def accepts(self, value: Any) -> bool:
        """Whether a given value fits."""
        return (value is None and self.optional) or self.kind.accepts(value)

    def convert(self, value: Any) -> Any:
        """The value as the op wants it."""
        if value is None or self.kind.convert is None:
            return value
        try:
            return self.kind.convert(value)
        except Mismatch as error:
            raise Mismatch(f"argument '{shown(self.name)}' {error.text}") from None


OUT = Param("out", KINDS["Tensor"], True, None, True, False)
OUTS = Param("out", KINDS["Tensors"], True, None, True, False)  # of several results


class Mismatch(Exception):
    """Arguments that do not fit one signature. `text` follows the name in torch's sentence, `{position}`, `{takes}` and `{given}` in it
    count from the first argument that a user wrote, so that they differ for functions and methods."""

    def __init__(self, text: str, **counts: int):
        super().__init__(text)
        self.text, self.counts = text, counts

    def sentence(self, name: str, method: bool) -> str:
        """torch's sentence for a function, or for a method, whose self is not counted."""
        if self.counts.get("takes") == 1 and method:
            return f"TensorBase.{name}() takes no arguments ({self.counts['given'] - 1} given)"
        counts = {key: count - method for key, count in self.counts.items()}
        text = self.text.format(**counts, s="" if counts.get("takes") == 1 else "s") if counts else self.text
        if text.startswith("expected Tensor as element"):
            return text
        return f"{name}(): {text}" if text.startswith("argument") else f"{name}() {text}"


class Signature:
    """The parameters of one op, from its function's code, defaults and annotations. `skip` leaves out the leading xp or F, `lead` stands in its place."""

    def __init__(self, function: Any, skip: int = 1, lead: Sequence[Param] = ()):
        code = function.__code__
        count = code.co_argcount
        names = code.co_varnames[: count + code.co_kwonlyargcount]
        defaults = dict(zip(names[count - len(function.__defaults__ or ()) : count], function.__defaults__ or (), strict=True))
        defaults |= function.__kwdefaults__ or {}
        notes = function.__annotations__
        self.params: list[Param] = list(lead)
        for i, name in enumerate(names):
            if i < skip:
                continue
            note = str(notes.get(name, "Tensor"))
            kind, _, rest = note.partition(" | ")
            swallows = kind in ("Size", "Spread") and i == count - 1
            optional = rest == "None" or defaults.get(name, 0) is None
            self.params.append(Param(name, KINDS[kind], optional, defaults.get(name, REQUIRED), i >= count, swallows))
        self.positional = sum(not p.keyword_only for p in self.params)

    def extend(self, more: Sequence[Param]) -> None:
        """Add keyword-only parameters that the kernel does not see, such as out=; from here on arguments can be bound."""
        self.params += more
        self.positions = {p.name: i for i, p in enumerate(self.params)}
        self.defaults = [() if p.kind is KINDS["Spread"] else p.default for p in self.params]  # of those there may be none

    def bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        """Values in the order of `params`, converted.

        Raises Mismatch when they do not fit.
        """
        values = list(self.defaults)
        params = self.params
        if len(args) > self.positional:
            last = params[self.positional - 1] if self.positional else None
            if last is None or not last.begins(args[self.positional - 1]):
                raise Mismatch("takes {takes} positional argument{s} but {given} were given", takes=self.positional, given=len(args))
        for i, value in enumerate(args):
            p = params[i]
            if p.swallow and p.begins(value):
                values[i] = _unpacked(p, args[i:] if i == self.positional - 1 else args[i : i + 1])
                break
            if not p.accepts(value):
                raise _refused(p, value, i)
            values[i] = p.convert(value)
        for key, value in kwargs.items():
            at = self.positions.get(key)
            if at is None:
                at = self.positions.get(ALIASES.get(key, ""))
                if at is None:
                    raise Mismatch(f"got an unexpected keyword argument '{key}'")
            p = params[at]
            if at < len(args) and not p.keyword_only:
                raise Mismatch(f"got multiple values for argument '{key}'")
            if p.begins(value):
                value = (value,)
            if not p.accepts(value):
                raise _refused(p, value, None)
            values[at] = p.convert(value)
        missing = [f'"{shown(p.name)}"' for p, v in zip(params, values, strict=True) if v is REQUIRED]
        if missing:
            raise Mismatch(f"missing {len(missing)} required positional arguments: {', '.join(missing)}")
        return values

    def text(self, method: bool = False) -> str:
        """The signature as torch lists it: `(Tensor input, tuple of ints dim, bool keepdim = False, *, torch.dtype dtype = None)`."""
        parts: list[str] = []
        for p in self.params[1 if method else 0 :]:
            if p.keyword_only and "*" not in parts:
                parts.append("*")
            default = "" if p.default is REQUIRED else f" = {p.default}"
            parts.append(f"{p.kind.name} {shown(p.name)}{default}")
        return f"({', '.join(parts)})"

    @property
    def either(self) -> bool:
        """Whether torch has an overload for tensors and one for numbers where this signature takes both."""
        return any(p.kind is KINDS["Either"] for p in self.params)

    def texts(self, method: bool = False) -> list[str]:
        """The signature as torch lists it, once for each of its overloads."""
        tensors = self.text(method)
        names = [shown(p.name) for p in self.params if p.kind is KINDS["Either"]]
        return [tensors, *[tensors.replace(f"Tensor {name}", f"Number {name.replace('input', 'self')}") for name in names]]

    def plain(self) -> str:
        """The signature as Python users write it: `self, dim, keepdim=False`."""
        parts: list[str] = []
        for p in self.params:
            if p.keyword_only and "*" not in parts:
                parts.append("*")
            parts.append(shown(p.name) if p.default is REQUIRED else f"{shown(p.name)}={p.default!r}")
        return ", ".join(parts)


def _refused(p: Param, value: Any, at: int | None) -> Mismatch:
    """Why a value is not taken for a parameter."""
    if p.kind.name == "tuple of Tensors" and isinstance(value, (tuple, list)):
        bad = next(i for i, v in enumerate(value) if not _is_tensor(v))
        return Mismatch(f"expected Tensor as element {bad} in argument {at or 0}, but got {type(value[bad]).__name__}")
    found = f", not {type_name(value)}"
    if p.kind.name == "tuple of ints" and isinstance(value, (tuple, list)):
        bad = next((i for i, v in enumerate(value) if not _is_int(v)), 0)
        if bad:
            return _unpackable(p, bad, value[bad])
        found = f", but found element of type {type(value[0]).__name__} at pos 0" if value else found
    if at is None:
        return Mismatch(f"argument '{shown(p.name)}' must be {p.kind.name}{found}")
    return Mismatch(f"argument '{shown(p.name)}' (position {{position}}) must be {p.kind.name}{found}", position=at + 1)


def _unpackable(p: Param, at: int, value: Any) -> Mismatch:
    """Why one of several ints is not taken."""
    return Mismatch(f"argument '{p.name}' failed to unpack the object at pos {at + 1} with error \"type must be tuple of ints,but got {type(value).__name__}\"")


def _unpacked(p: Param, given: Sequence[Any]) -> tuple[Any, ...]:
    """Sizes written one after the other, as in `view(2, 3)`, or Tensors."""
    if p.kind is KINDS["Spread"]:
        if not _is_tensors(given):
            raise _refused(p, tuple(given), None)
        return tuple(given)
    for i, value in enumerate(given):
        if not _is_int(value):
            raise _unpackable(p, i, value)
    return p.convert(tuple(given))  # type: ignore[no-any-return]  # ints


def shown(name: str) -> str:
    """A parameter's name as torch's functions spell it."""
    return "input" if name == "self" else name


_TORCHS_OWN: dict[type, str] = {
    dtypes.dtype: "torch.dtype", backend.device: "torch.device", MemoryFormat: "torch.memory_format", Layout: "torch.layout", Size: "torch.Size",
}  # fmt: skip


def type_name(value: Any) -> str:
    """A value's type as torch's TypeErrors spell it."""
    if isinstance(value, Tensor):
        return "Tensor"
    if value.__class__ in _TORCHS_OWN:
        return _TORCHS_OWN[value.__class__]
    if isinstance(value, (tuple, list)):
        inner = ", ".join(type_name(v) for v in value)
        return f"{type(value).__name__} of {'[' if isinstance(value, list) else '('}{inner}{']' if isinstance(value, list) else ')'}"
    return type(value).__name__


def refusal(
    name: str, signatures: Sequence[Signature], args: Sequence[Any], kwargs: dict[str, Any], last: Mismatch, method: bool
) -> TensorTypeError:
    """torch's TypeError when no signature fits: the reason when there is one signature, else what was given and what is expected."""
    if len(signatures) == 1 and not signatures[0].either:
        return TensorTypeError(last.sentence(name, method), name)
    words = [f"{key}={type_name(value)}" for key, value in kwargs.items()]
    given = ", ".join([*map(type_name, args[method:]), *words]) + (", " if words and not args[method:] else "")
    listing = "".join(f"\n * {text}" for s in signatures for text in s.texts(method))
    return TensorTypeError(f"{name}() received an invalid combination of arguments - got ({given}), but expected one of:{listing}\n", name)
