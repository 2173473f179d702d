"""One command in, one Record out: results, numbers, silence, errors, the last value."""

from __future__ import annotations

import pytest

from tcalc.lang.errors import Exit
from tcalc.session.record import Item, Printed, Result
from tcalc.session.session import Session


def test_results_and_text_keep_their_order() -> None:
    session = Session()
    [record] = session.run("for i in range(2):\n    i\n    print('at', i)")
    assert record.items == [Result(None, 0, True), Printed("at 0\n"), Result(None, 1, True), Printed("at 1\n")]
    assert record.output == "at 0\nat 1\n"
    assert [result.value for result in record.results] == [0, 1]


def test_each_statement_has_a_number() -> None:
    session = Session()
    assert [record.number for record in session.run("x = 1; y = 2\nx + y")] == [1, 2, 3]
    assert session.number == 4


def test_a_failed_command_uses_up_its_number_and_stops_the_source() -> None:
    session = Session()
    records = session.run("1\n1/0\n2")
    assert [record.number for record in records] == [1, 2]
    assert records[1].error is not None
    assert session.run("5")[0].number == 3
    [record] = session.run("1 +")
    assert record.error is not None
    assert record.error.kind == "syntax"
    assert session.number == 5


def test_items_go_to_emit_as_they_come() -> None:
    session = Session()
    seen: list[Item] = []
    [record] = session.run("print('a'); 'b'", emit=seen.append)[:1]
    assert record.items == []
    assert seen == [Printed("a\n"), Result(None, "b", True)]


def test_none_is_no_result_and_silence_keeps_the_last_value() -> None:
    session = Session()
    assert session.run("None")[0].items == []
    [record] = session.run("42;")
    assert record.silent
    assert record.items == []
    assert session.run("_ + 1")[0].results[0].value == 43


def test_a_users_underscore_wins() -> None:
    session = Session()
    records = session.run("for _ in range(3): 'x'\n\n_")
    assert records[-1].results[0].value == 2


def test_assigned_values_on_request() -> None:
    session = Session(show_assigned=True)
    records = session.run("a = b = 1\n(c, [d, *e]) = 2, (3, 4)\na += 1\ne[0] = 5\nfor f in e: pass\n")
    names = [[(result.name, result.value) for result in record.results] for record in records]
    assert names == [[("a", 1), ("b", 1)], [("c", 2), ("d", 3), ("e", [5])], [("a", 2)], [("e", [5])], []]


def test_leaving_passes_through() -> None:
    with pytest.raises(Exit):
        Session().run("exit(3)")


def test_places_are_those_of_the_whole_input() -> None:
    [record] = Session().run("\n\nx = [1]\n\nx + 1 // 0", line=10)[1:]
    assert record.error is not None
    assert (record.error.line, record.error.text) == (14, "x + 1 // 0")
    assert (record.line, record.source) == (14, "x + 1 // 0")


def test_a_reset_forgets_names_only() -> None:
    session = Session()
    session.run("x = 1")
    session.reset()
    assert not session.env.variables
    assert session.run("1")[0].number == 2


def test_what_is_remembered_holds_no_values() -> None:
    session = Session()
    session.run("x = [1]\nx\n1/0")
    assert [(past.number, past.source, past.ok) for past in session.records] == [
        (1, "x = [1]", True),
        (2, "x", True),
        (3, "1/0", False),
    ]


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("1/0", "error", "ZeroDivisionError: division by zero"),
        ("{}['k']", "error", "KeyError: 'k'"),
        ("raise ValueError('a\\nb')", "error", "ValueError: a"),
        ("raise ValueError", "error", "ValueError"),
        ("assert 0", "error", "assertion failed"),
        ("assert 0, 'why'", "error", "assertion failed: why"),
        ("def f(): return f()\n\nf()", "error", "recursion is too deep"),
        ("ones(2).shape[5]", "error", "IndexError: tuple index out of range"),
        ("ones(2).shape()", "error", "shape is an attribute, not a method: leave out the ()"),
        ("print(1, foo=2)", "error", "TypeError: print() got an unexpected keyword argument 'foo'"),
        ("print(*5)", "error", "TypeError: print() argument after * must be an iterable, not int"),
        ("enumerate()", "error", "TypeError: enumerate() missing 1 required positional argument: 'values'"),
        ("no_grad(1)", "error", "TypeError: no_grad() takes 0 positional arguments but 1 was given"),
        ("nn.Linear(2)", "error", "TypeError: Linear() missing 1 required positional argument: 'out_features'"),
        ("with no_grad: pass", "error", "TypeError: 'type' object does not support the context manager protocol"),
        ("torch(1)", "error", "TypeError: 'module' object is not callable"),
        ("tensor(range(10**12))", "limit", None),
        ("x = ones(2)\ndel x[0]", "error", "TypeError: Tensor does not support deleting items"),
        ("x = (1,)\ndel x[0]", "error", "TypeError: 'tuple' object doesn't support item deletion"),
        ("raise ValueError(10 ** 5000)", "error", None),
        ("bmm(ones(2, 3), ones(2, 3))", "error", "batch1 must be a 3D tensor"),
        ("import os", "refused", None),
        ("x.__dict__", "refused", None),
        ("(", "syntax", None),
    ],
)
def test_errors(source: str, kind: str, message: str | None) -> None:
    error = Session().run(source)[-1].error
    assert error is not None
    assert error.kind == kind
    assert message is None or error.message == message
    assert "\n" not in error.message
    assert error.trace.startswith("Traceback")


def test_an_error_in_a_function_of_an_earlier_statement_is_shown_there() -> None:
    session = Session()
    session.run("def f(a):\n    b = ones(4)\n    return a @ b", filename="first")
    error = session.run("x = ones(2, 3)\ny = f(x)", filename="second")[-1].error
    assert error is not None
    assert (error.filename, error.line, error.column, error.text) == ("first", 3, 13, "    return a @ b")
    assert error.message == "matmul: inner sizes differ, 3 (a dim 1) and 4 (b dim 0)"
    assert [operand.name for operand in error.operands] == ["a", "b"]
    assert [(call.filename, call.line, call.text) for call in error.calls] == [("second", 2, "y = f(x)")]


def test_an_error_in_an_expression_of_several_lines_names_its_operands() -> None:
    error = Session().run("x = ones(2, 3)\nz = torch.matmul(x,\n    x)")[-1].error
    assert error is not None
    assert error.message == "matmul: inner sizes differ, 3 (x dim 1) and 2 (x dim 0)"
    error = Session().run("x = ones(2, 3)\nz = (x\n    @ x)")[-1].error
    assert error is not None
    assert (error.line, error.column, error.text) == (3, 4, "    @ x)")
    assert [operand.name for operand in error.operands] == ["x", "x"]


def test_an_interrupt_is_an_error_and_earlier_effects_stay() -> None:
    def emit(item: Item) -> None:
        raise KeyboardInterrupt

    session = Session()
    [record] = session.run("for i in range(5):\n    x = i\n    i", emit=emit)
    assert record.error is not None
    assert record.error.kind == "interrupt"
    assert session.env.variables["x"] == 0


def test_a_session_that_does_not_observe_makes_no_facts() -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom tcalc.session.session import Session\nsession = Session(show_assigned=True)\n"
        "record = session.run('x = 1\\nx')[0]\nassert record.delta is None\n"
        "assert not {'tcalc.session.facts', 'tcalc.session.delta', 'tcalc.session.errors', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
