"""What is echoed and printed is what Python's own interactive prompt shows, program by program."""

from __future__ import annotations

import code
import contextlib
import io
import re
from typing import Any

import pytest

PROGRAMS = [
    "1 + 1\n'a' 'b'\nNone\n...\nTrue\n1.0\n1e100\n-0.0\n1j",
    "x = 3\nx; x + 1\ny = x; y",
    "for i in range(3):\n    i\n    'in'\nelse:\n    'else'",
    "if 1:\n    2\nelse:\n    3",
    "while True:\n    1\n    break",
    "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    e\n    e.args\n    print(e)\nelse:\n    'else'\nfinally:\n    'finally'",
    "def f(x):\n    x + 1\n    return x\nf(2)\n[f(3), f(4)]",
    "(lambda x, *y, z=2, **k: (x, y, z, k))(1, 2, 3, a=4)",
    "print('a', 1, [1.5, None], sep='-', end='!\\n')\nprint()",
    "[1, [2, (3,), {}], {'a': {1: 'x'}}, set(), (), '']\n{1}\n[True]",
    "a = [1]; a.append(a); a\nd = {}; d['d'] = d; d\nt = ([],); t[0].append(t); t",
    "f'{3.14159:.2f}|{5:>4}|{5:<4}|{5:^5}|{True}|{None}|{\"x\"!r:>5}|{1_000_000:,}|{255:#x}|{0.5:%}|{[1]}|{1:{4}}'",
    "x = 7; f'{x=} {x = } {x!s} {x:03}'; f'{{}}'; f''; f'a' 'b'",
    "sum([1, 2.5]); max(1, 3); min([4, 2]); abs(-3); round(2.5); round(2.675, 2); pow(2, 5); pow(3, 4, 5); divmod(7, 2)",
    "sum([[1], [2]], []); max('ab', 'b', key=len); min([], default=0); any([0, 1]); all([]); sorted([3, 1, 2], reverse=True)",
    "list('ab'); tuple([1]); dict(a=1); set([1]); str(1.0); int('7'); float('1e3'); bool([]); complex(1, 2); list(range(3))",
    "list(zip([1, 2], 'ab')); list(enumerate('ab', 1)); list(map(str, [1])); list(filter(None, [0, 1])); list(reversed([1, 2]))",
    "range(3); range(10**20); slice(1, 2); range(0, 10, 3)[1:]; 5 in range(10**15); len(range(10)); range(5) == range(0, 5)",
    "type(1); type('a'); type(None); type([]); type(type(1)); type(range(3)); type(ValueError('x')); int; ValueError; KeyError('k')",
    "type(1) == int, type(1) is int, type(True) == int, isinstance(True, int), isinstance(1, (str, float)), type(1) != str",
    "x = [1, 2, 3]; x[0] += 5; x[1:] = [7]; x; x += [1]; x *= 2; x; del x[0]; x; x[-1], x[::2]",
    "d = {'n': 1}\ndef bump():\n    d['n'] += 10\n    return 1\nd['n'] += bump(); d",
    "a, (b, *c) = 1, (2, 3, 4); a, b, c\na = b = 5; a, b\n[x, y] = 1, 2; y, x = x, y; x, y",
    "(n := 4) + n; [m := 1, m ** 2]; n",
    "[i * j for i in range(3) for j in range(i) if j]; {i: i for i in 'ab'}; {i % 2 for i in range(5)}; sum(i for i in range(4))",
    "x = 5\ndef f():\n    global x\n    x += 1\nf(); x",
    "def f():\n    k = 1\n    def g():\n        nonlocal k\n        k += 1\n        return k\n    return g() + g()\nf()",
    "def fib(n: int) -> int:\n    'doc'\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(10)",
    "x: int = 3\nx\ny: int",
    "import math\nmath.sqrt(2), math.pi, math.floor(2.5), math.factorial(5), math.comb(5, 2), math.prod([1, 2, 3])",
    "from math import sqrt as root, pi\nroot(4), pi",
    "'a,b'.split(','); ' x '.strip(); '-'.join(['a', 'b']); 'ab'.upper(); 'aXa'.replace('a', 'b'); 'x'.ljust(3); 'abc'[::-1]",
    "d = {'a': 1}; d.get('b', 2); list(d.items()); d.pop('a'); d; d.setdefault('z', []).append(1); d; d.update(q=1); d",
    "d = {'a': 1}; d.items(); d.keys(); d.values(); ('a', 1) in d.items(); len(d.items()); [k for k, v in d.items()]; type(d.items())",
    "s = {1}; s.add(2); s | {3}; s & {1}; s - {1}; 1 in s; x = [3, 1]; x.sort(); x; x.index(3); x.count(1); x.extend('ab'); x",
    "1 < 2 < 3; 1 in [1]; 'a' not in 'b'; [1, [2]] == [1, [2]]; (1, 2) < (1, 3); None is None; not 1; 1 and 2; 0 or 'x'",
    "7 // 2; -7 % 3; 2 ** 10; 2 ** -1; 1 << 4; 5 & 3; 5 | 3; 5 ^ 3; ~5; 7 / 2; 'a' * 3; 3 * [1]; [1] + [2]; 'a' + 'b'; 1 + True",
    "x = 2; x **= 3; x; x <<= 1; x; x %= 7; x; x -= 1; x; x /= 2; x; s = 'a'; s += 'b'; s *= 2; s",
    "raise ValueError",
    "try:\n    raise ValueError('a', 1) from None\nexcept (TypeError, ValueError) as e:\n    str(e); e.args; repr(e)",
    "try:\n    try:\n        {}['k']\n    except KeyError:\n        raise\nexcept LookupError as e:\n    print(e); e",
    "try:\n    assert 1 == 2, 'no'\nexcept AssertionError as e:\n    e",
    "it = iter([1, 2]); next(it); next(it); next(it, 'end')",
    "def f(*a, **k): return a, k\nf(*[1, 2], **{'x': 3}); f(*'ab', 1, *(2,))",
    "with_ = 1; hex(255); bin(5); oct(8); chr(97); ord('a'); callable(len); repr('a'); len('abc'); hasattr([], 'append')",
    "'é', '\\x1b', '\\n', \"it's\"",
    "(1).bit_length(); 1.5.is_integer(); (3).real; 2.0.as_integer_ratio()",
    "pass\n# comment\n\n'end'",
    "[print(i) for i in range(2)]",
    "x = [5]\nfor x[0] in range(3): x\nfor i, (a, b) in enumerate([(1, 2)]): i, a, b",
    "def f(a, /, b=2, *, c=3): return a, b, c\nf(1), f(1, 5, c=6)",
]  # fmt: skip


def _prompt(text: str) -> str:
    """What Python's prompt prints for a text, statement by statement as tcalc splits it."""
    from tcalc.lang.parse import parse

    console = code.InteractiveInterpreter({})
    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(io.StringIO()):
        for statement in parse(text):
            console.runsource(statement.source + "\n", symbol="single")
    return written.getvalue()


def _plain(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x...", text)


@pytest.mark.parametrize("text", PROGRAMS)
def test_as_pythons_prompt(program: Any, text: str) -> None:
    with contextlib.suppress(ValueError):
        program(text)
    assert _plain("".join(program.shown)) == _plain(_prompt(text))


def test_quiet_lines_in_blocks(program: Any) -> None:
    assert program("for i in range(2):\n    i;\n    -i  # ; no\n    'x'; # yes") == "0\n-1\n"


def test_huge_integers_are_named_not_printed(program: Any) -> None:
    assert program("x = 10 ** 5000; x; [x]; {1: (x,)}").count("<integer of 16610 bits>") == 3
    for text in ("print(x)", "f'{x}'", "f'{x:d}'", "str(x)", "repr([x])"):
        with pytest.raises(ValueError, match=r"^Exceeds the limit \(4300 digits\) for integer string conversion$"):
            program(text)
    assert program("-(10 ** 4299)") == f"-1{'0' * 4299}\n"


def test_shared_and_deep_structure_prints_in_bounds(program: Any) -> None:
    assert len(program("a = [0]\nfor i in range(60): a = [a, a]\nlen(str(a)) > 1000")) == 5
    assert program("a = []\nfor i in range(5000): a = [a]\nlen(repr(a)) < 1000") == "True\n"


def test_functions_print_as_python_and_torch_print_them(program: Any, engine: Any) -> None:
    shown = _plain(program("def f(): pass\nf; print; ones; [].append; lambda: 1; torch; Tensor; type(f); type(torch)"))
    assert shown.split("\n")[:-1] == [
        "<function f at 0x...>",
        "<built-in function print>",
        "<built-in method ones of type object at 0x...>",
        "<built-in method append of list object at 0x...>",
        "<function <lambda> at 0x...>",
        "<module 'torch'>",
        "<class 'torch.Tensor'>",
        "<class 'function'>",
        "<class 'module'>",
    ]
