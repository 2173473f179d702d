"""Everyday slips: what is said of them, and that every hint given works. x is arange(6.).view(2, 3), e is ones(3).expand(2, 3), w a leaf."""

from __future__ import annotations

import pytest

from tcalc.session.session import Session

BEFORE = "x = arange(6.).view(2, 3); e = ones(3).expand(2, 3); w = ones(3, requires_grad=True)"
CASES: list[tuple[str, str, list[str]]] = [
    ('x.mean(dim=5)', 'mean: x (2, 3) has no dim 5; its dims are 0 to 1, or -2 to -1 from the end', ['x.mean(dim=-1)']),
    ('x.shape()', 'shape is an attribute, not a method: leave out the ()', ['x.shape']),
    ('x.T()', 'T is an attribute, not a method: leave out the ()', ['x.T']),
    ('x.ndim()', 'ndim is an attribute, not a method: leave out the ()', ['x.ndim']),
    ('tensor([[1, 2], [3]])', 'tensor: row 1 has 1 element, row 0 has 2 elements', []),
    ('x @ arange(3)', 'matmul: dtypes differ, float32 (x) and int64 (arange(3))', ['x @ arange(3).float()']),
    ('x[5]', 'index 5: dim 0 of x has size 2; valid is 0 to 1, or -2 to -1 from the end', ['x[-1]']),
    ('x[0, 7]', 'index 7: dim 1 of x has size 3; valid is 0 to 2, or -3 to -1 from the end', ['x[0, -1]']),
    ('x[0, 0, 0]', 'x (2, 3) has 2 dims, and 3 indices were given', []),
    ('x.transpose(0, 3)', 'transpose: x (2, 3) has no dim 3; its dims are 0 to 1, or -2 to -1 from the end', ['x.transpose(0, -1)']),
    ('cat([x, ones(2)])', 'cat: x has 2 dims, ones(2) has 1', []),
    ('cat([x, ones(3, 3)], dim=2)', 'cat: the first tensor (2, 3) has no dim 2; its dims are 0 to 1, or -2 to -1 from the end', []),
    ('stack([x, ones(3, 2)])', 'stack: sizes differ in dim 0, 2 (x) and 3 (ones(3, 2))', ['stack([x, ones(3, 2).T])']),
    ('x.view(4)', 'view: x (2, 3) has 6 elements, (4,) would have 4', []),
    ('x.expand(3, 3)', 'expand: dim 0 of x has size 2, and only a size of 1 can grow to 3', []),
    ('zeros(2, 3).item()', 'item: zeros(2, 3) (2, 3) has 6 elements, not one', ['zeros(2, 3).tolist()', 'zeros(2, 3).sum().item()']),
    ('F.softmax(x)', 'softmax: along which dim?', ['F.softmax(x, dim=-1)']),
    ('x.add(3, y=2)', "add: no argument 'y'; it has other, alpha, out", []),
    ('tensor([1, 2]).mean()', 'mean: tensor([1, 2]) is int64, and the mean of whole numbers is none', ['tensor([1, 2]).float().mean()']),
    ('int(x)', 'int: x (2, 3) has 6 elements, not one', []),
    ('if x: pass', 'is x (2, 3) true? it has 6 elements', ['x.any()', 'x.all()']),
    ('x.squeeze(3)', 'squeeze: x (2, 3) has no dim 3; its dims are 0 to 1, or -2 to -1 from the end', ['x.squeeze(-1)']),
    ('x.permute(0)', 'permute: x (2, 3) has 2 dims, the new order has 1; it must name each once', []),
    ('x.append(3)', "Tensor has no 'append': a tensor does not grow; cat makes a longer one", []),
    ('x.reshape(4, 2)', 'reshape: x (2, 3) has 6 elements, (4, 2) would have 8', ['x.reshape(-1, 2)']),
    ('concat(x, x)', 'concat: it takes one list of tensors', ['concat([x, x])']),
    ('x.sum(dims=0)', "sum: no argument 'dims'. Did you mean dim?", ['x.sum(dim=0)']),
    ('e += 1', 'add_: e is expanded, stride (0, 1): one slot shows at several indices', ['e = e + 1']),
    ('(x * 2).requires_grad_().backward()', 'backward: (x * 2).requires_grad_() is (2, 3), no scalar: sum it, or weigh its elements', ['(x * 2).requires_grad_().sum().backward()']),
    ('(w * 2).backward()', 'backward: w * 2 is (3,), no scalar: sum it, or weigh its elements', ['(w * 2).sum().backward()', '(w * 2).backward(ones_like(w * 2))']),
    ('e.mul_(2)', 'mul_: e is expanded, stride (0, 1): one slot shows at several indices', ['e = e * 2']),
    ('torch.cat(x, x)', 'cat: it takes one list of tensors', ['torch.cat([x, x])']),
]


@pytest.mark.parametrize(("failing", "message", "hints"), CASES, ids=[case[0] for case in CASES])
def test_slip(failing: str, message: str, hints: list[str]) -> None:
    session = Session()
    session.run(BEFORE)
    error = session.run(failing)[-1].error
    assert error is not None
    assert error.message == message
    assert [hint.text for hint in error.hints] == hints
    assert error.torch
    for hint in error.hints:
        fresh = Session()
        fresh.run(BEFORE)
        assert fresh.run(hint.source or hint.text)[-1].error is None


def test_a_slip_inside_a_function_uses_its_names() -> None:
    session = Session()
    session.run("def f(a):\n    return a.sum(dim=4)")
    error = session.run("f(ones(2, 3))")[-1].error
    assert error is not None
    assert error.message == "sum: a (2, 3) has no dim 4; its dims are 0 to 1, or -2 to -1 from the end"
    assert [hint.text for hint in error.hints] == ["a.sum(dim=-1)"]


def test_an_error_of_the_program_itself_is_left_alone() -> None:
    session = Session()
    error = session.run("raise TypeError(\"'Tensor' object is not callable\")")[-1].error
    assert error is not None
    assert error.torch is None
    assert error.hints == []
