"""Known escapes from Python sandboxes, each refused; and a walk that proves the values of the language closed."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import pytest

from tcalc.lang import gate, namespaces
from tcalc.lang.check import MODULES
from tcalc.lang.compile import compile_statement
from tcalc.lang.errors import LangError
from tcalc.lang.functions import FUNCTIONS, Quit
from tcalc.lang.iterators import Lazy
from tcalc.lang.methods import BUILTIN_ATTRIBUTES
from tcalc.lang.namespaces import Namespace
from tcalc.lang.parse import parse
from tcalc.lang.tokens import TypeToken

REFUSED_BY_TEXT = [
    # attributes, in every position
    "().__class__",
    "x.__class__.__bases__[0].__subclasses__()",
    "(lambda: 0).__globals__",
    "f.__code__",
    "x.__dict__",
    "x._version",
    "x.gi_frame",
    "x.f_back",
    "x.tb_frame",
    "x.cr_frame",
    "x.ag_frame",
    "x.func_globals",
    "x.mro",
    "x.__class__ = 1",
    "x.__class__ += 1",
    "x.__class__: int = 1",
    "del x.data",
    "del x.__class__",
    "for x.__class__ in y: pass",
    "with y as x.__class__: pass",
    "[0 for x.__class__ in y]",
    "[0 for a in y if a.__class__]",
    "{a.__class__: 1 for a in y}",
    "(a, x.__class__), b = y",
    "x[y.__class__] = 1",
    "x[y.__class__] += 1",
    "def f(a=x.__class__): pass",
    "def f(*, a=x.__class__): pass",
    "lambda a=x.__class__: a",
    "def f(a: x.__class__): pass",
    "f(**x.__dict__)",
    "f(*x.__dict__)",
    "assert x, y.__class__",
    "raise x.__class__",
    "try: pass\nexcept x.__class__: pass",
    "while x.__class__: pass",
    "x if y.__class__ else z",
    "(a := x.__class__)",
    "return_ = x[1:y.__class__]",
    "f'{x.__class__}'",
    "f'{x!r:{y.__class__}}'",
    "f'{x:>{y.__class__.__len__()}}'",
    "'{0.__class__}'.format(x)",
    "'{}'.format_map(x)",
    "str.format",
    # homoglyphs: the parser itself normalises them
    "x.__ｃlass__",
    "x._＿class__",
    "＿＿import＿＿",
    "__𝒷𝓊𝒾𝓁𝓉𝒾𝓃𝓈__",
    # names
    "__import__('os')",
    "__builtins__",
    "__name__",
    "__debug__",
    "__x = 1",
    "def __f(): pass",
    "lambda __x: 1",
    "f(__x=1)",
    "f(_x=1)",
    "try: pass\nexcept E as __e: pass",
    "import math as __m",
    "global __x",
    "for __i in x: pass",
    # statements and expressions that are not offered
    "import os",
    "import sys, torch",
    "import torch.utils",
    "from os import path",
    "from torch import *",
    "from . import x",
    "from torch import __path__",
    "from torch import _C",
    "import numpy.ctypeslib",
    "class A: pass",
    "class A(metaclass=x): pass",
    "@f\ndef g(): pass",
    "@nn.no_grad()\ndef g(): pass",
    "@torch.set_grad_enabled\ndef g(): pass",
    "@torch.no_grad().__call__\ndef g(): pass",
    "@torch.nn.no_grad\ndef g(): pass",
    "@no_grad()()\ndef g(): pass",
    "async def f(): pass",
    "def f(): yield 1",
    "def f(): x = yield",
    "def f(): yield from x",
    "lambda: (yield)",
    "await x",
    "match x:\n  case 1: pass",
    "try: pass\nexcept* E: pass",
    "b'bytes'",
    "try: pass\nexcept f(): pass",
    "try: pass\nexcept (lambda: E)(): pass",
    # class bodies and type forms
    "class A(Exception): pass",
    "class A:\n  x = open",
    "type('A', (object,), {'f': 1}).__subclasses__",
    "type(x).__mro__",
    "type(x).mro()",
    "type(type).__call__",
    # frames and code by other ways round
    "e.__traceback__.tb_frame",
    "e.__context__",
    "e.__cause__",
    "f.__closure__[0].cell_contents",
    "f.__defaults__",
    "f.__wrapped__",
    "f.__self__",
    "x.append.__self__",
    "(i for i in x).gi_code",
    "[c for c in ().__class__.__base__.__subclasses__()]",
    # walrus and comprehension scopes
    "[__x := 1 for i in y]",
    "[i for __i in y]",
    "[(x.__class__ := 1) for i in y]",
    "{k.__dict__: v for k, v in y}",
    "(lambda: (__builtins__ := 1))",
    # namespace objects
    "torch.__dict__",
    "torch._C",
    "torch.__builtins__",
    "torch.sys" ".__name__",
    "np.__config__",
    "np.ctypeslib.__class__",
    "math.__loader__",
    "from numpy import *",
    "from torch.utils import *",
    "import torch._C",
    # a jump out of finally swallows interrupts
    "def f():\n  try: pass\n  finally: return 1",
    "while 1:\n  try: pass\n  finally: break",
    "while 1:\n  try: pass\n  finally:\n    if x: continue",
]


@pytest.mark.parametrize("text", REFUSED_BY_TEXT)
def test_refused_before_it_runs(text: str) -> None:
    with pytest.raises(LangError) as caught:
        for statement in parse(text):
            compile_statement(statement)
    assert caught.value.span is not None
    assert "\n" not in caught.value.message


NAMES = [
    "open",
    "eval",
    "exec",
    "compile",
    "globals",
    "locals",
    "vars",
    "dir",
    "getattr",
    "setattr",
    "delattr",
    "input",
    "breakpoint",
    "super",
    "object",
    "bytes",
    "bytearray",
    "memoryview",
    "classmethod",
    "staticmethod",
    "property",
]


@pytest.mark.parametrize("name", NAMES)
def test_refused_by_name(program: Any, name: str) -> None:
    with pytest.raises(LangError, match=f"{name} is not part of the language") as caught:
        program(f"x = 1; {name}('x')")
    assert caught.value.kind == "refused"
    assert caught.value.span is not None
    assert caught.value.span.col == 7
    with pytest.raises(LangError, match="is not part of the language"):
        program(f"def f(): return {name}")


def test_a_refused_name_may_be_a_variable(program: Any) -> None:
    assert program("input = 3; input + 1\ndef f(vars): return vars\nf(2)") == "4\n2\n"
    assert program("_list = [1]; _list") == "[1]\n"


REFUSED_WHEN_RUN = [
    "torch.sys",
    "torch.os",
    "np.os",
    "math.sys",
    "torch.nn.modules",
    "type(torch)('x')",
    "type(len)(1)",
    "type(lambda: 0)(1, 2)",
    "x = ValueError('a'); x.args = 1",
    "try: [][1]\nexcept IndexError as e: e.with_traceback(None)",
    "f'{1:{\"x\" * 50}}'",
    "f'{torch:10}'",
    "f'{type(1):10}'",
    "f'{(lambda: 0):10}'",
    "type('A', (), {})",
    "type(1)(2).real.imag.foo",
    "type(type(1))('A', (), {})",
    "int.real",
    "int.from_bytes",
    "dict.fromkeys",
    "str.join",
    "print.x",
    "len.x",
    "ValueError.with_traceback",
    "(1).to_bytes",
    "'a'.encode",
    "'a'.translate",
    "[].append.x",
    "[].pop = 1",
    "[].pop += 1",
    "for [].pop in [1]: pass",
    "[0 for [].pop in [1]]",
    "(1).real = 2",
    "math.pi = 3",
    "math.sin.x",
    "f = lambda: 0; f.x = 1",
    "f = lambda: 0; f.x",
    "def f(): pass\nf.x",
    "hasattr(1, 2)",
    "raise int",
    "raise 'text'",
    "raise type(1)",
    "isinstance(1, 2)",
    "isinstance(1, [int])",
    "iter(lambda: 1, 2)",
    "next([1])",
    "print(1, file=2)",
    "slice([1])",
    "exit.x",
    "range(3).x",
    "slice(1).indices",
    "zip([1]).x",
    "(i for i in [1]).x",
    "dict(**{'_x': 1})",
    "(lambda **k: k)(**{'__x': 1})",
    "'%s' % 1",
    "x = '%1000d'; x %= 1",
    "d = {'a': '%d'}; d['a'] %= 1",
    "f'{[1]:5}'",
    "f'{print:5}'",
    "f'{1:5 }'",
]


@pytest.mark.parametrize("text", REFUSED_WHEN_RUN)
def test_refused_when_run(program: Any, text: str) -> None:
    with pytest.raises((AttributeError, TypeError, ValueError)):
        program(text)


def test_exceptions_have_args_and_text_only(program: Any) -> None:
    program("try: 1 / 0\nexcept Exception as e: kept = e")
    assert program("kept; kept.args; print(kept); type(kept); str(kept); repr(kept)") == (
        "ZeroDivisionError('division by zero')\n('division by zero',)\ndivision by zero\n"
        "<class 'ZeroDivisionError'>\n'division by zero'\n\"ZeroDivisionError('division by zero')\"\n"
    )
    for name in ("with_traceback", "add_note", "name", "obj"):
        with pytest.raises(AttributeError):
            program(f"kept.{name}")


def test_functions_inherit_only_our_builtins(program: Any) -> None:
    program("def f():\n  def g(): return lambda: len\n  return g")
    f = program.env.variables["f"]
    inner = f()
    for function in (f, inner, inner()):
        assert function.__builtins__ is program.env._builtins
    assert "__import__" not in f.__builtins__
    assert set(program.env.variables) == {"f"}


def test_attributes_are_stored_only_where_listed(program: Any, engine: Any) -> None:
    program("t = tensor(1.); t.grad = 3; t.requires_grad = True; (t.grad, b) = (t.grad + 1, 2); t.grad += 1")
    tensor = program.env.variables["t"]
    assert (tensor.grad, tensor.requires_grad) == (5, True)
    for text in ("t.number = 2", "t.item = 2", "t.secret = 1", "t.grad.x = 1", "torch.pi = 3", "Tensor.x = 1"):
        with pytest.raises(AttributeError):
            program(text)
    for text in ("t.secret", "t.number", "Tensor.item", "torch.nothing", "ones.x", "t.item.x", "torch.nn.torch"):
        with pytest.raises(AttributeError):
            program(text)
    assert program("hasattr(t, 'item'); hasattr(t, 'secret'); hasattr(t, '_x'); hasattr(t, '__class__')") == (
        "True\nFalse\nFalse\nFalse\n"
    )


def test_no_program_catches_interrupts_or_limits(program: Any) -> None:
    program("def f(g):\n  try: g()\n  except: return 'bare'")
    program("def f2(g):\n  try: g()\n  except BaseException: return 'base'\n  finally: 1")
    for raised in (KeyboardInterrupt, SystemExit, MemoryError, LangError("limit")):

        def fail(raised: Any = raised) -> None:
            raise raised

        program.env.variables["fail"] = fail
        kind = raised if isinstance(raised, type) else type(raised)
        for text in ("f(fail)", "f2(fail)", "try: fail()\nexcept Exception: 'caught'"):
            with pytest.raises(kind):
                program(text)
    assert program("f(lambda: 1 / 0); f2(lambda: 1 / 0)") == "'bare'\n'base'\n"


_ALLOWED_VALUES = (
    types.FunctionType, types.BuiltinFunctionType, TypeToken, Namespace, Quit, Lazy, int, float, complex, str, list,
    tuple, dict, set, range, slice, type(None), Exception,
)  # fmt: skip
_SAMPLES: list[Any] = [1, True, 1.5, 1j, "a", [1], (1,), {1: 2}, {1}, range(3), slice(1), ValueError("x"), None, len]


def _reached(value: Any) -> Iterator[Any]:
    """Everything one dot away."""
    if type(value) is Namespace:
        yield from (value.member(name) for name in value.names())
        return
    for names in [*BUILTIN_ATTRIBUTES.values(), dict.fromkeys(("args", "real", "__class__", "__self__"), True)]:
        for name in names:
            try:
                yield gate.get(value, name)
            except AttributeError:
                continue


@pytest.mark.usefixtures("engine")
def test_the_reachable_values_are_closed() -> None:
    waiting = [*FUNCTIONS.values(), *_SAMPLES]
    waiting += [namespaces.namespace(path) for path in ("math", "numpy", "numpy.linalg", "numpy.random", "torch")]
    seen: set[int] = set()
    kept = []
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        kept.append(value)
        kind = type(value)
        allowed = _ALLOWED_VALUES if kind.__module__ != "tcalc.lang.arrays" else (kind,)
        assert isinstance(value, allowed), value
        assert not isinstance(value, type), value
        if len(kept) < 5_000 and not (isinstance(value, types.BuiltinFunctionType) and value.__self__ is not None):
            waiting.extend(_reached(value))
    assert len(kept) > 300


def test_modules_name_nothing_that_is_imported() -> None:
    assert not {"os", "sys", "builtins", "importlib"} & {path.split(".")[0] for path in MODULES}
