"""Hints for sizes that do not fit: what they say, and that they work."""

from __future__ import annotations

import pytest

from tcalc.session.session import Session

CASES = [
    ("x = ones(2, 3)\nv = ones(2, 3)", "c = x @ v", [("x @ v.T", "(2, 3) @ (3, 2) -> (2, 2)"), ("x.T @ v", "(3, 2) @ (2, 3) -> (3, 3)")]),
    ("x = ones(2, 3)\nv = ones(2)", "x @ v", [("x.T @ v", "(3, 2) @ (2,) -> (3,)")]),
    ("x = ones(2, 3)", "x.mm(x + 1)", [("x.mm((x + 1).T)", "(2, 3) @ (3, 2) -> (2, 2)"), ("x.T.mm(x + 1)", "(3, 2) @ (2, 3) -> (3, 3)")]),
    (
        "x = ones(4, 2, 3)",
        "torch.matmul(x, x)",
        [("torch.matmul(x, x.mT)", "(4, 2, 3) @ (4, 3, 2) -> (4, 2, 2)"), ("torch.matmul(x.mT, x)", "(4, 3, 2) @ (4, 2, 3) -> (4, 3, 3)")],
    ),
    ("x = ones(3, 2)\nv = ones(4, 2)", "x.T @ v.T", [("x @ v.T", "(3, 2) @ (2, 4) -> (3, 4)")]),
    ("x = ones(2, 3)\nv = ones(4, 5)", "x @ v", []),
    ("x = ones(2, 3)\nb = ones(2)", "x + b", [("x + b[:, None]", "b as (2, 1) -> (2, 3)")]),
    ("x = ones(2, 3)\nb = ones(2)", "x += b", [("x += b[:, None]", "b as (2, 1) -> (2, 3)")]),
    ("x = ones(2, 3)\nb = ones(2)", "torch.where(x > 0, x.mul(b * 2), x)", [("x.mul((b * 2)[:, None])", "b * 2 as (2, 1) -> (2, 3)")]),
    ("x = ones(2, 3)\ny = ones(3, 2)", "x < y", [("x < y.T", "y as (2, 3) -> (2, 3)"), ("x.T < y", "x as (3, 2) -> (3, 2)")]),
    ("x = ones(3)\ny = ones(2)", "x - y", [("x - y[:, None]", "y as (2, 1) -> (2, 3)"), ("x[:, None] - y", "x as (3, 1) -> (3, 2)")]),
    ("y = ones(2, 3).T", "y.view(6)", [("y.reshape(6)", "copies 6 values"), ("y.contiguous().view(6)", "copies 6 values")]),
    (
        "y = ones(2, 3, 4)",
        "z = y.transpose(0, 1).view(-1, 4)",
        [("y.transpose(0, 1).reshape(-1, 4)", "copies 24 values"), ("y.transpose(0, 1).contiguous().view(-1, 4)", "copies 24 values")],
    ),
]


@pytest.mark.parametrize(("before", "failing", "hints"), CASES, ids=[case[1] for case in CASES])
def test_hints_for_sizes(before: str, failing: str, hints: list[tuple[str, str]]) -> None:
    session = Session()
    session.run(before)
    error = session.run(failing)[-1].error
    assert error is not None
    assert [(hint.text, hint.remark) for hint in error.hints] == hints
    for hint in error.hints:
        fresh = Session()
        fresh.run(before)
        record = fresh.run(hint.source)[-1]
        assert record.error is None
        name = hint.source.partition(" ")[0] if "= " in hint.source else None
        value = record.results[0].value if record.results else fresh.env.variables[name or ""]
        result = hint.remark.rpartition("-> ")[2]
        if result.startswith("(") and hint.source == hint.text:
            assert str(tuple(value.shape)) == result  # type: ignore[attr-defined]


def test_hints_inside_a_function_use_its_names() -> None:
    session = Session()
    session.run("def f(a, b):\n    c = a * 2\n    return c @ b")
    error = session.run("f(ones(2, 3), ones(2, 3))")[-1].error
    assert error is not None
    assert [hint.text for hint in error.hints] == ["c @ b.T", "c.T @ b"]
    assert error.hints[0].where is not None
    assert (error.hints[0].where.number, error.hints[0].earlier, error.hints[0].line) == (1, True, 3)
    assert error.hints[0].source == "def f(a, b):\n    c = a * 2\n    return c @ b.T"
