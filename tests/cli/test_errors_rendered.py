"""Errors as text, at the prompt and in scripts."""

import pytest

from tcalc.cli.render_error import prompt_error, script_error
from tcalc.cli.terminal import Screen
from tcalc.cli.theme import plain_text
from tcalc.cli.view import View
from tcalc.session.carets import Mark, marks_of
from tcalc.session.errors import Call, Error
from tcalc.session.hints import Hint
from tcalc.session.provenance import Related
from tcalc.session.sentences import Operand
from tcalc.session.trail import Past


def matmul() -> Error:
    """The error of `c = x @ v`."""
    text = "c = x @ v"
    return Error(
        "matmul: inner sizes differ, 3 (x dim 1) and 2 (v dim 0)",
        line=2,
        column=6,
        filename="<stdin>",
        text=text,
        marks=marks_of([text], 4, 9).marks,
        operands=[Operand("x", (2, 3), (1,)), Operand("v", (2, 3), (0,))],
        hints=[Hint("x @ v.T", "(2, 3) @ (3, 2) -> (2, 2)", "c = x @ v.T")],
        torch="mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)",
    )


def here(name: str, line: int) -> tuple[str, int]:
    """A file that is called what it is called."""
    return name, line


def test_matmul_at_the_prompt() -> None:
    assert plain_text(prompt_error(matmul(), 80)) == (
        "error: matmul: inner sizes differ, 3 (x dim 1) and 2 (v dim 0)\n"
        "    c = x @ v\n"
        "        ~ ^ ~\n"
        "    x  (2, [3])\n"
        "    v  ([2], 3)\n"
        "  hint  x @ v.T   (2, 3) @ (3, 2) -> (2, 2)\n"
        "  torch: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)\n"
    )


def test_matmul_in_a_script_names_the_place() -> None:
    first = plain_text(script_error(matmul(), here)).splitlines()[0]
    assert first == "tcalc: <stdin>:2:7: matmul: inner sizes differ, 3 (x dim 1) and 2 (v dim 0)"


def test_broadcast_is_aligned_from_the_right() -> None:
    error = Error(
        "add: sizes 3 and 2 do not broadcast",
        operands=[Operand("x", (2, 3), (1,)), Operand("b", (2,), (0,), "must be 3 or 1")],
        aligned=True,
        torch="The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 1",
    )
    assert plain_text(prompt_error(error, 80)) == (
        "error: add: sizes 3 and 2 do not broadcast\n"
        "       dim 0  dim 1\n"
        "    x      2      3\n"
        "    b      -      2    <- must be 3 or 1\n"
        "  torch: The size of tensor a (3) must match the size of tensor b (2) at\n"
        "         non-singleton dimension 1\n"
    )


def test_narrow_screens_wrap_the_sentence() -> None:
    lines = plain_text(prompt_error(matmul(), 40)).splitlines()
    assert lines[:2] == ["error: matmul: inner sizes differ, 3 (x", "       dim 1) and 2 (v dim 0)"]
    assert max(map(len, lines)) <= 44


def overwritten() -> Error:
    """The error of UX: a saved value was overwritten."""
    commands = [(9, "y = x.exp()"), (10, "y.add_(1)"), (12, "loss.backward()")]
    saver, writer, failed = (Past(number, source, "a.tc", number, True, 0) for number, source in commands)
    return Error(
        "backward: y was overwritten after exp saved it",
        line=12,
        column=5,
        filename="a.tc",
        text=failed.source,
        related=[
            Related(saver, "ExpBackward0 saved y, version 0"),
            Related(writer, "version 1", here=True),
            Related(failed, "needs version 0"),
        ],
        hints=[Hint("y = y + 1", "a new tensor; the saved one stays", "y = y + 1", writer, earlier=True)],
    )


def test_earlier_commands_are_named_with_a_hint() -> None:
    assert plain_text(prompt_error(overwritten(), 80)) == (
        "error: backward: y was overwritten after exp saved it\n"
        "    [9]  y = x.exp()        ExpBackward0 saved y, version 0\n"
        "    [10] y.add_(1)          version 1                        <- here\n"
        "    [12] loss.backward()    needs version 0\n"
        "  hint  in [10] write y = y + 1 (a new tensor; the saved one stays)\n"
    )


def test_earlier_lines_of_a_script_are_named() -> None:
    assert plain_text(script_error(overwritten(), here)) == (
        "tcalc: a.tc:12:6: backward: y was overwritten after exp saved it\n"
        "    a.tc:9  y = x.exp()        ExpBackward0 saved y, version 0\n"
        "    a.tc:10 y.add_(1)          version 1                        <- here\n"
        "    a.tc:12 loss.backward()    needs version 0\n"
        "  hint  in a.tc:10 write y = y + 1 (a new tensor; the saved one stays)\n"
    )


def test_a_line_of_a_function_says_who_called_it() -> None:
    maker, caller = Past(1, "def f(v):\n    return v.exp()", "a.tc", 1, True, 0), Past(2, "y = f(x)", "a.tc", 4, True, 0)
    error = Error("no", related=[Related(maker, "saved y", 2, "return v.exp()", caller=caller)])
    assert "    [1] return v.exp()    saved y (called in [2])\n" in plain_text(prompt_error(error, 80))
    assert "    a.tc:2 return v.exp()    saved y (called in a.tc:4)\n" in plain_text(script_error(error, here))


def test_code_of_a_hint_is_never_broken() -> None:
    lines = plain_text(prompt_error(matmul(), 30)).splitlines()
    start = lines.index("  hint  x @ v.T")
    assert lines[start + 1 : start + 3] == ["          (2, 3) @ (3, 2) ->", "          (2, 2)"]
    error = Error("no", hints=[Hint("a hint in words is broken where the line ends")])
    assert plain_text(prompt_error(error, 30)).splitlines()[1:] == [
        "  hint  a hint in words is",
        "        broken where the line",
        "        ends",
    ]


def test_hints_stand_in_columns() -> None:
    error = Error("no", hints=[Hint("y.reshape(6)", "copies"), Hint("y.contiguous().view(6)", "copies")])
    assert plain_text(prompt_error(error, 80)).splitlines()[1:] == [
        "  hint  y.reshape(6)             copies",
        "  hint  y.contiguous().view(6)   copies",
    ]


def test_a_long_line_is_cut_around_the_carets() -> None:
    text = "x = " + "a + " * 100 + "b @ c" + " + d" * 100
    start = text.index("b @ c")
    error = Error("no", line=1, column=start, text=text, marks=marks_of([text], start, start + 5).marks)
    lines = plain_text(prompt_error(error, 80)).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1][lines[2].index("^")] == "@"


def test_wide_characters_keep_carets_in_place() -> None:
    error = Error("no", line=1, column=4, text="'漢' + x", marks=[Mark(0, 3, "~"), Mark(4, 5, "^")])
    assert plain_text(prompt_error(error, 80)).splitlines()[2] == "    ~~~~ ^"


def test_control_characters_cannot_reach_the_terminal() -> None:
    error = Error("bad \x1b[31m\nsecond", line=1, column=0, text="'\x1b]0;x\x07'", marks=[Mark(0, 4, "^")], torch="\x9b2J")
    said = plain_text(prompt_error(error, 80))
    assert not set(said) & set("\x1b\x07\x9b")
    assert "\\x1b[31m\\nsecond" in said


def test_long_messages_are_cut() -> None:
    assert len(plain_text(script_error(Error("x" * 5000), here))) < 600


def test_debug_adds_the_traceback() -> None:
    error = Error("no", trace="Traceback ...\n  File\nValueError: no\n")
    assert plain_text(script_error(error, here, debug=True)).endswith("Traceback ...\n  File\nValueError: no\n")
    assert "Traceback" not in plain_text(script_error(error, here))


def test_an_interrupt_is_one_word() -> None:
    assert plain_text(prompt_error(Error("interrupted", kind="interrupt"), 80)) == "interrupted\n"
    assert plain_text(script_error(Error("interrupted", kind="interrupt"), here)) == "tcalc: interrupted\n"


def test_a_sentence_of_several_lines_keeps_them() -> None:
    error = Error("clamp() received an invalid combination", torch="got (str), but expected one of:\n * (Tensor min)\n * (Number min)\n")
    assert plain_text(prompt_error(error, 80)) == (
        "error: clamp() received an invalid combination\n"
        "  torch: got (str), but expected one of:\n"
        "         * (Tensor min)\n"
        "         * (Number min)\n"
    )


def test_calls_at_the_prompt_and_in_a_script() -> None:
    error = Error("no", line=1, text="a", calls=[Call("<stdin>", 7, "y = f(x)")])
    assert plain_text(prompt_error(error, 80)) == "error: no\n    called from  y = f(x)\n"
    assert "    called from <stdin>:7  y = f(x)\n" in plain_text(script_error(error, here))


def test_an_interrupt_stands_below_the_terminals_echo(capsys: pytest.CaptureFixture[str]) -> None:
    pipe = Screen(tty=False, colour=False, unicode=True, plain=False, width=80, height=24)
    for errors, written in ((pipe, "tcalc: interrupted\n"), (pipe._replace(tty=True), "\ntcalc: interrupted\n")):
        View("repr", pipe, errors, at_prompt=False, debug=False).fail(Error("interrupted", kind="interrupt"))
        assert capsys.readouterr().err == written
