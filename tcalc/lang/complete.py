"""What Tab offers at a place in source text: names, attributes, keyword arguments and their values. Nothing is run for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from types import BuiltinFunctionType, FunctionType
from typing import Any, NamedTuple

from tcalc.lang import gate, library, namespaces
from tcalc.lang.calls import SOME_TENSOR, call_at, expression_before, is_tensor
from tcalc.lang.check import MODULES
from tcalc.lang.namespaces import NOTHING, Namespace
from tcalc.lang.pieces import WORDS, Piece, pieces
from tcalc.lang.run import Environment
from tcalc.lang.tokens import type_of

_META = 40
_UNUSED_WORDS = frozenset(("async", "await", "class", "nonlocal", "yield"))
_IMPORT = re.compile(r"\s*(?:import|from)\s+(?P<module>[\w.]*)")
_FROM = re.compile(r"\s*from\s+(?P<module>[\w.]+)\s+import\s+(?:\w+\s*,\s*)*(?P<name>\w*)")
_DEVICES = ("'cpu'", "'cuda'", "'meta'")


class Offer(NamedTuple):
    """One way to go on: what comes in the place of the word at the cursor, how the menu shows it, and what is said beside it."""

    insert: str
    display: str
    meta: str


class Offers(NamedTuple):
    """All ways to go on from the word that begins at `start`."""

    start: int
    offers: list[Offer]


def complete(source: str, cursor: int, environment: Environment) -> Offers:
    """The offers at a place in an entry that is being written; none inside texts and comments."""
    found = pieces(source[:cursor])
    last = found[-1] if found else None
    if last is not None and (last.kind in ("comment", "number") or (last.kind == "text" and not last.closed)):
        return Offers(cursor, [])
    line = source[:cursor].rpartition("\n")[2]
    if (match := _FROM.fullmatch(line)) and match["module"] in MODULES:
        return _matching(match["name"], cursor, _members(namespaces.namespace(match["module"])))
    if match := _IMPORT.fullmatch(line):
        return _matching(match["module"], cursor, [Offer(name, name, "") for name in sorted(MODULES)])
    prefix = last.text if last is not None and last.kind in ("name", "word") else ""
    before = [piece for piece in (found[:-1] if prefix else found) if piece.kind not in ("space", "comment")]
    if before and before[-1].text == ".":
        return _matching(prefix, cursor, _attributes(expression_before(before, len(before) - 1, environment)))
    if before and before[-1].text in ("def", "as", "for", "lambda", "global", "nonlocal"):
        return Offers(cursor, [])
    return _matching(prefix, cursor, _words(source, found, cursor, prefix, before, environment))


def _matching(prefix: str, cursor: int, offers: Iterable[Offer]) -> Offers:
    """Those that begin with the prefix, in their own order; those that do but for capitals, if there are no others."""
    every = [offer for offer in offers if prefix.startswith("_") or not offer.insert.startswith("_")]
    chosen = [offer for offer in every if offer.insert.startswith(prefix)]
    if not chosen:
        chosen = [offer for offer in every if offer.insert.lower().startswith(prefix.lower())]
    first: dict[str, Offer] = {}
    for offer in chosen:
        first.setdefault(offer.insert, offer)
    return Offers(cursor - len(prefix), [*first.values()])


def _words(
    source: str, found: Sequence[Piece], cursor: int, prefix: str, before: Sequence[Piece], environment: Environment
) -> Iterator[Offer]:
    """Names that can stand here. Without a prefix only what the place suggests: arguments, and the session's own names."""
    open_call = call_at(found, cursor - len(prefix), environment)
    if open_call is not None:
        call, signatures = open_call
        arguments = {a.name: a for each in signatures for a in each.arguments}
        if call.keyword:
            if call.keyword in arguments:
                yield from _values(arguments[call.keyword])
        elif before and before[-1].text in ("(", ","):
            positional = {a.name for each in signatures[:1] for a in each.arguments[: call.place]}
            for name, a in arguments.items():
                if not a.spread and name not in call.given and name not in positional:
                    yield Offer(f"{name}=", f"{name}=", "" if a.default is None else f"default {a.default}"[:_META])
    if not prefix and not before:
        return
    yield from (Offer(name, name, "local") for name in _locals(source, cursor, prefix) if name not in environment.variables)
    yield from (Offer(name, name, about(value)) for name, value in environment.variables.items() if name != "__builtins__")
    if prefix:
        names = [name for name in environment.known_names() if name not in environment.variables and name.startswith(prefix[:1])]
        yield from (Offer(name, name, about(environment.original(name))) for name in names or environment.known_names())
        yield from (Offer(word, word, "") for word in sorted(WORDS - _UNUSED_WORDS))


def _values(argument: Any) -> list[Offer]:
    """Values that a keyword argument takes, where they can be listed."""
    if argument.kind == "DType" or argument.name == "dtype":
        return [Offer(name, name, "dtype") for name in library.describe().dtype_names()]
    if argument.kind == "Device" or argument.name == "device":
        return [Offer(name, name, "device") for name in _DEVICES]
    if argument.kind == "Bool" or argument.default in ("True", "False"):
        return [Offer(name, name, "") for name in ("True", "False")]
    return []


def _attributes(owner: Any) -> list[Offer]:
    if owner is NOTHING:
        return []
    if type(owner) is Namespace:
        return _members(owner)
    if is_tensor(owner):
        describe = library.describe()
        return [Offer(name, name, describe.attribute_text(name)[:_META]) for name in describe.tensor_names()]
    return [Offer(name, name, "") for name in gate.known(owner)]


def _members(owner: Namespace) -> list[Offer]:
    return [Offer(name, name, about(owner.original(name))) for name in owner.names()]


def about(value: Any) -> str:
    """A few words on a value: a tensor's dtype and shape, a function's arguments, else the type."""
    if value is NOTHING or value is None:
        return ""
    if type(value) is Namespace:
        return "namespace"
    if is_tensor(value) and value is not SOME_TENSOR:
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    if isinstance(value, type) and not value.__module__.startswith(("tcalc.engine.nn.", "tcalc.engine.optim")):
        return "class"
    if isinstance(value, (FunctionType, BuiltinFunctionType, type)):
        lists = library.describe().overloads(value) if library.loaded() else []
        shown = f"({', '.join(str(a) for a in lists[0] if not a.common)})"[:_META] if lists else ""
        return shown if shown not in ("", "(*args)") else "function"
    if isinstance(value, (list, tuple, dict, set, str)):
        return f"{type(value).__name__} of {len(value)}"
    return f"{type_of(value).name.rpartition('.')[2]}"


def _locals(source: str, cursor: int, prefix: str) -> list[str]:
    """Names that the entry itself gives: assigned, looped over, imported, arguments of its functions."""
    found = [piece for piece in pieces(source) if piece.kind not in ("space", "comment") and not piece.start < cursor <= piece.end]
    names: dict[str, None] = {}
    depth, inside = 0, ""  # inside: the word that makes the names after it local
    for index, piece in enumerate(found):
        after = found[index + 1].text if index + 1 < len(found) else ""
        before = found[index - 1].text if index else ""
        depth += (piece.kind == "open") - (piece.kind == "close")
        if piece.text in ("for", "def", "lambda", "as", "import"):
            inside = piece.text
        elif piece.text in ("in", ":") and inside in ("for", "lambda", "def"):
            inside = ""
        elif piece.kind == "name":
            argument = inside in ("def", "lambda") and before in ("def", "lambda", "(", ",", "*", "**")
            assigned = not depth and before != "." and (after in ("=", ":=") or (after == "," and before in ("", ",", ";")))
            if argument or assigned or inside in ("for", "as", "import"):
                names[piece.text] = None
            if inside in ("as", "import"):
                inside = ""
    return [*names]
