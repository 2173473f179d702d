"""Runs compiled statements over one set of variables, and finds the place in the source where an exception arose."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from tcalc.lang import gate, library, namespaces
from tcalc.lang.bounded import HELPERS
from tcalc.lang.compile import Code
from tcalc.lang.errors import LangError, Span
from tcalc.lang.functions import FUNCTIONS, publish
from tcalc.lang.iterators import generated
from tcalc.lang.places import spots
from tcalc.lang.suggest import CONSTANTS, nearest
from tcalc.lang.text import formatted, joined, written
from tcalc.lang.tokens import USER_CODE, as_dtype, catchable, raisable

Echo = Callable[[object], None]
Out = Callable[[str], None]

# No `try` of a program stops these. (KeyboardInterrupt, SystemExit and Exit are no `Exception` to begin with.)
_UNCATCHABLE = (LangError, MemoryError)


class Environment:
    """The variables of a session, and the names that its statements found in the libraries.

    `variables` holds what the program defined, nothing else. Library names live apart, in the dict that the running
    code has as its builtins; they are looked up when a statement first loads them.
    """

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self._echo: Echo = _ignore
        self._out: Out = _ignore
        self._functions = {**FUNCTIONS, "print": self._print()}
        self._builtins: dict[str, Any] = {
            **HELPERS,
            ".get": gate.get,
            ".put": gate.Put,
            ".echo": self._echoed,
            ".text": joined,
            ".formatted": formatted,
            ".generated": generated,
            ".module": namespaces.module,
            ".member": namespaces.member,
            ".catch": catchable,
            ".exception": raisable,
            ".dtype": as_dtype,
            ".uncatchable": _UNCATCHABLE,
        }

    @property
    def last(self) -> object:
        """The value that `_` reads, unless the program has a variable of that name."""
        return self._builtins.get("_")

    @last.setter
    def last(self, value: object) -> None:
        self._builtins["_"] = value

    def run(self, code: Code, echo: Echo, out: Out) -> None:
        """Run one statement. `echo` gets the value of each bare expression, None too; `out` what `print` writes.

        Exceptions of the program pass through unchanged, except that a NameError which nothing caught becomes a
        LangError with the nearest name; every LangError leaves with its place.
        """
        before = self._echo, self._out
        self._echo, self._out = echo, out
        try:
            self._look_up(code)
            self._function(code.code)()
        except LangError as error:
            error.span = error.span or where(error)
            raise
        except NameError as error:
            if isinstance(error, UnboundLocalError) or not _raised_by_program(error):
                raise
            raise self._unknown(error).with_traceback(error.__traceback__) from error
        finally:
            self._echo, self._out = before
            self._forget_imports(code)

    def known_names(self) -> list[str]:
        """Every name that a program can use now."""
        return sorted({*self.variables, *namespaces.bare_names(self._functions)})

    def original(self, name: str) -> Any:
        """What a name stands for now, a library's function as the library has it, or NOTHING; to be asked about, not to be called."""
        if name in self.variables:
            return self.variables[name]
        if name in self._functions:
            own = namespaces.original(name) if library.loaded() else None
            return own if isinstance(own, FunctionType) else self._functions[name]  # torch's sum says more than Python's
        return namespaces.original(name)

    def _function(self, code: CodeType) -> Callable[[], object]:
        """The statement as a function over the variables; functions it makes inherit its builtins from the frame."""
        variables = self.variables
        variables["__builtins__"] = self._builtins
        try:
            return FunctionType(code, variables)
        finally:
            del variables["__builtins__"]

    def _look_up(self, code: Code) -> None:
        for name, node in code.names.items():
            if name in self._builtins or (name in self.variables and name not in code.deleted):
                continue
            try:
                self._find(name)
            except LangError as error:
                error.span = code.origin.node_span(node)
                raise
        for name in code.deleted - code.names.keys() - self._builtins.keys() - namespaces.REFUSED.keys():
            # The library's meaning comes back, for functions that load the name; not worth loading a library for.
            if library.loaded() or name in self._functions:
                self._find(name)

    def _find(self, name: str) -> None:
        value = namespaces.resolve(name, self._functions)
        if value is not namespaces.NOTHING:
            self._builtins[name] = value

    def _forget_imports(self, code: Code) -> None:
        """`import torch` leaves no variable behind where the name means the same without it."""
        for name in code.imported & self.variables.keys():
            value = self.variables[name]
            if name not in self._functions and value is namespaces.standard(name):
                self._builtins[name] = value
                del self.variables[name]

    def _unknown(self, error: NameError) -> LangError:
        name = error.name or ""
        near = CONSTANTS.get(name.lower()) or nearest(name, self.known_names()) if name else None
        message = f"no name '{name}'" + (f". Did you mean {near}?" if near else "") if name else str(error)
        return LangError(message, where(error), "name", [near] if near else [])

    def _echoed(self, value: object) -> None:
        self._echo(value)

    def _print(self) -> Callable[..., None]:
        def print_(*values: Any, sep: Any = None, end: Any = None, flush: Any = None) -> None:
            self._out(written(values, sep, end))

        return publish(print_, "print")


def _ignore(value: object) -> None:
    """Where echoes and prints go while nothing runs (a function called back later)."""


def _raised_by_program(error: BaseException) -> bool:
    """Whether the innermost frame is the program's: an error below it is not about the program's names."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename.startswith(USER_CODE)


def where(error: BaseException) -> Span | None:
    """The place of an exception: in the innermost frame of the program, in the text of that frame."""
    found = spots(error)
    return found[0].span if found else None
