"""Calls of the library's own Python functions with something that they are not declared to take: said as torch says it of its own.

The functions do not look at their arguments, since the right ones are not to pay for that. When one fails, their annotations tell whether
it was the call's fault or tcalc's.
"""

from __future__ import annotations

import ast
import builtins
import re
import traceback
from collections import abc
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FrameType, FunctionType
from typing import Any, get_origin

from .tensors import is_tensor

_VARIADIC, _KEYWORDS = 0x04, 0x08  # of CodeType.co_flags: it has *args, it has **kwargs
_WORD = re.compile(r"\w+")
MAX_PARTS = 100  # of a range that are looked at
_COMMON = (int, bool, float, str, tuple, list, dict, type(None))  # the engine has such ones of its own
PLAIN_ERRORS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)  # what Python raises for the wrong kind of thing
_MAKING = ("__init__", "__new__")
_INDEXED = {"tuple", "list", "dict", "Sequence", "Iterable", "Mapping", "Iterator", "OrderedDict", "Callable"}


def misuse(exc: BaseException, text: str) -> str | None:
    """What is wrong with the arguments of a call into the engine that ended in `exc`, which reads `text`; None when they are right.

    Further in, only what the program itself handed over counts: anything else was the engine's choice.
    """
    if not isinstance(exc, PLAIN_ERRORS):
        return None
    handed: list[object] | None = None
    for frame in _engine_frames(exc):
        given = list(_arguments(frame))
        for position, name, kind, value in given:
            if not _fits(value, kind, frame.f_globals) and (handed is None or any(value is each for each in handed)):
                where = f"argument '{'input' if name == 'self' else name}' (position {position})"
                return f"{_called(frame)}(): {where} must be {_shown(kind)}, not {type(value).__name__}"
        if handed is None:
            handed = [each for *_, value in given for each in (value, *_parts(value))]
    return f"{type(exc).__name__}: {text}" if _of_what_was_handed(exc, text, handed or []) else None


def _of_what_was_handed(exc: BaseException, text: str, handed: list[object]) -> bool:
    """Whether Python refuses to do something with an object that the program handed over, and that is no thing of the engine's."""
    outside = [each for each in handed if not is_tensor(each)]
    if isinstance(exc, OverflowError):
        return any(isinstance(each, int) and each.bit_length() > 63 for each in outside)
    if isinstance(exc, AttributeError):
        return any(exc.obj is each or (type(exc.obj) is type(each) and _is_made_of_such(each)) for each in outside)
    if not isinstance(exc, TypeError):
        return False
    if "positional argument" in text:  # it went on to a function of the program
        return any(isinstance(each, FunctionType) and text.startswith(f"{each.__qualname__}(") for each in outside)
    suspects = handed if "is not callable" in text else [each for each in outside if type(each) not in _COMMON]
    names = {type(each).__name__.rpartition(".")[2] for each in suspects}
    if any(is_tensor(each) and each.dtype.is_complex for each in handed):
        names.add("complex")  # the number that was in it
    return not names.isdisjoint(_WORD.findall(text))


def _is_made_of_such(value: object) -> bool:
    """Whether its elements are of its own type: texts and arrays."""
    return isinstance(value, str) or type(value).__module__ == "tcalc.lang.arrays"


def _engine_frames(exc: BaseException) -> list[FrameType]:
    """The engine's frames below the last one of the program or the language, the outermost first."""
    found: list[FrameType] = []
    for frame, _ in traceback.walk_tb(exc.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("tcalc.engine"):
            found.append(frame)
        elif module.startswith("tcalc.") or frame.f_code.co_filename.startswith("<"):
            found.clear()
    return found


def _arguments(frame: FrameType) -> Iterator[tuple[int, str, str, object]]:
    """Position (from 1), name, annotation and value of what a frame's function was called with, where it is still there."""
    code = frame.f_code
    function = _function(frame)
    kinds = {} if function is None else function.__annotations__
    unseen = code.co_name in _MAKING  # the object itself, which the call does not name
    at = code.co_argcount + code.co_kwonlyargcount
    for position, name in enumerate(code.co_varnames[:at], start=1 - unseen):
        kind = _owner(code) if name == "self" and position == 1 and function is not None else "Any"
        if name in frame.f_locals:
            yield position, name, str(kinds.get(name, kind)), frame.f_locals[name]
    if code.co_flags & _VARIADIC:
        name = code.co_varnames[at]
        at += 1
        for position, value in enumerate(frame.f_locals.get(name, ()), start=code.co_argcount + 1 - unseen):
            yield position, name, str(kinds.get(name, "Any")), value
    if code.co_flags & _KEYWORDS:
        kind = str(kinds.get(code.co_varnames[at], "Any"))
        for name, value in frame.f_locals.get(code.co_varnames[at], {}).items():
            yield at, name, kind, value


def _function(frame: FrameType) -> FunctionType | None:
    """The function that a frame runs, found by its qualified name."""
    found: Any = None
    for part in frame.f_code.co_qualname.split("."):
        found = frame.f_globals.get(part) if found is None else vars(found).get(part) if isinstance(found, type) else None
        if isinstance(found, (staticmethod, classmethod)):
            found = found.__func__
        found = getattr(found, "__wrapped__", found)
    return found if isinstance(found, FunctionType) and found.__code__ is frame.f_code else None


def _owner(code: CodeType) -> str:
    """The class whose method it is; Any for a function."""
    path = code.co_qualname.split(".")
    return path[-2] if len(path) > 1 else "Any"


def _called(frame: FrameType) -> str:
    """What the program called: a class by its name, where one of its objects was made."""
    code = frame.f_code
    if code.co_name not in _MAKING:
        return code.co_name
    made = frame.f_locals.get(code.co_varnames[0])
    return (made if isinstance(made, type) else type(made)).__name__


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, range):
        return value[:MAX_PARTS]
    return value.values() if isinstance(value, dict) else ()


def _fits(value: object, annotation: str, names: Mapping[str, Any]) -> bool:
    """Whether a value is of an annotated kind, as far as that can be told; the elements of containers are looked at, too."""
    try:
        tree = ast.parse(annotation, mode="eval").body
    except SyntaxError:
        return True
    return _matches(value, tree, names)


def _matches(value: object, kind: ast.expr, names: Mapping[str, Any]) -> bool:
    if isinstance(kind, ast.BinOp):
        return _matches(value, kind.left, names) or _matches(value, kind.right, names)
    if isinstance(kind, ast.Constant):
        return value is kind.value or isinstance(kind.value, str)
    if isinstance(kind, ast.Subscript):
        base = kind.value.id if isinstance(kind.value, ast.Name) else ""
        if base not in _INDEXED:
            return True
        return _matches(value, kind.value, names) and (base == "Callable" or _elements_match(value, kind.slice, names))
    if isinstance(kind, ast.Attribute):
        module = names.get(kind.value.id) if isinstance(kind.value, ast.Name) else None
        return _is_a(value, getattr(module, kind.attr, None))
    if not isinstance(kind, ast.Name) or kind.id in ("Any", "object"):
        return True
    if kind.id == "Callable":
        return callable(value)
    if kind.id == "float":
        return _is_a(value, (int, float))
    if kind.id in ("Iterable", "Iterator", "Sequence"):
        return isinstance(value, Iterable)
    if kind.id == "Mapping":
        return isinstance(value, Mapping)
    found = names.get(kind.id, getattr(builtins, kind.id, None))
    return callable(value) if get_origin(found) is abc.Callable else _is_a(value, found)


def _is_a(value: object, kind: Any) -> bool:
    """isinstance, and True for what is not known as a class."""
    return isinstance(value, kind) if isinstance(kind, (type, tuple)) else True


def _elements_match(value: object, kind: ast.expr, names: Mapping[str, Any]) -> bool:
    parts = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    wanted = parts[-1] if isinstance(value, dict) else parts[0]
    alike = len(parts) == 1 or isinstance(value, dict) or (isinstance(parts[1], ast.Constant) and parts[1].value is ...)
    return not alike or all(_matches(each, wanted, names) for each in _parts(value))


def _shown(kind: str) -> str:
    """An annotation in torch's words."""
    return kind.replace(" | ", " or ").replace("dtypes.", "torch.")
