"""torch.func in the language: reachable by every way of writing it, inert, and what is not there refused in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tcalc.lang import gate
from tcalc.lang.compile import compile_statement
from tcalc.lang.errors import LangError
from tcalc.lang.parse import parse

pytest.importorskip("numpy")


@pytest.mark.parametrize(
    "text",
    [
        "from torch.func import grad, jacrev\ngrad(f)(x)",
        "from torch import func\nfunc.grad(f)(x)",
        "import torch.func as tf\ntf.grad(f)(x)",
        "torch.func.grad(f)(x)",
        "func.grad(f)(x)",
        "func.jacrev(f)(x)",
        "torch.autograd.functional.jacobian(f, x)",
        "func.vjp(f, x)[1](tensor(1.))[0]",
    ],
)
def test_ways_to_write_it(program: Any, text: str) -> None:
    program("x = tensor([1., 2.])\ndef f(x): return (x ** 3).sum()")
    assert program(text) == "tensor([ 3., 12.])\n"


RESULTS = [
    "func.grad(sin)",
    "func.grad_and_value(sin)",
    "func.jacrev(sin)",
    "func.jacfwd(sin)",
    "func.hessian(sin)",
    "func.vjp(sin, ones(1))[1]",
]


@pytest.mark.parametrize("text", RESULTS)
def test_results_are_inert(program: Any, text: str) -> None:
    value = program.value(text)
    assert gate.known(value) == []
    for name in ("_func", "_level", "_outputs", "_argnums", "__call__", "__class__", "released", "x"):
        with pytest.raises(AttributeError):
            gate.get(value, name)
    assert program(f"type({text})") == "<class 'function'>\n"
    assert program(text).startswith("<function ")
    with pytest.raises(AttributeError):
        program(f"r = {text}; r.x = 1")


def test_nodes_of_stand_ins_are_as_inert_as_others(program: Any) -> None:
    program("x = tensor([2.], requires_grad=True); n = func.grad(lambda x: (x ** 3).sum())(x).grad_fn")
    program("while n.name() != 'AliasBackward0': n = [a for a, _ in n.next_functions if a is not None][-1]")
    node = program.env.variables["n"]
    assert set(gate.known(node)) == {"name", "next_functions", "register_hook", "register_prehook"}
    assert program("n.next_functions[0][0]").startswith("<AccumulateGrad object")


@pytest.mark.parametrize("text", ["torch.vmap", "vmap", "func.vmap", "from torch.func import vmap", "from torch import vmap"])
def test_vmap_is_refused(program: Any, text: str) -> None:
    with pytest.raises(LangError, match=r"^vmap is not part of tcalc: ") as caught:
        program(text)
    assert caught.value.kind == "refused"
    assert program("hasattr(torch, 'vmap')") == "False\n"


MY_EXP = """
class MyExp({base}):
    @staticmethod
    def forward(ctx, i):
        result = i.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        (result,) = ctx.saved_tensors
        return grad_output * result
"""
CUSTOM = r"^autograd\.Function is not part of the language: .*docs/extending\.md"


@pytest.mark.parametrize("base", ["torch.autograd.Function", "autograd.Function", "Function", "nn.Module, torch.autograd.Function"])
def test_a_pasted_function_points_to_declaring_an_op(base: str) -> None:
    with pytest.raises(LangError, match=CUSTOM) as caught:
        for statement in parse(MY_EXP.format(base=base)):
            compile_statement(statement)
    assert caught.value.kind == "refused"
    assert caught.value.span is not None
    assert (caught.value.span.line, caught.value.span.col) == (2, 0)


@pytest.mark.parametrize(
    "text", ["torch.autograd.Function", "from torch.autograd import Function", "from torch.autograd.function import Function"]
)
def test_the_name_function_is_refused_alike(program: Any, text: str) -> None:
    with pytest.raises(LangError, match=CUSTOM):
        program(text)


def test_other_classes_are_refused_as_before(program: Any) -> None:
    with pytest.raises(LangError, match=r"^class is not part of the language; use def, and the modules of nn$"):
        program("class Net(nn.Module): pass")


def test_examples_of_the_docstrings(program: Any) -> None:
    """Each public function shows itself, as ops do."""
    import doctest

    from tcalc.engine.namespace import table

    functions = [*table("torch.func").values(), *table("torch.autograd.functional").values()]
    functions += [table("torch.autograd")[name] for name in ("gradcheck", "gradgradcheck")]
    for function in functions:
        examples = doctest.DocTestParser().get_examples(function.__doc__)
        assert examples, function
        for example in examples:
            assert program(example.source) == example.want, function


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("torch.save(ones(2), 'x')", "-o FILE or :save"),
        ("torch.load('x')", "-l NAME=FILE or :load"),
        ("np.load('x')", "-l NAME=FILE or :load"),
        ("np.savetxt('x', ones(2))", "-o FILE or :save"),
        ("torch.compile(abs)", "compiles nothing"),
        ("torch.jit.script", "compiles nothing"),
        ("torch.sparse_coo_tensor([[0]], [1.])", "write the dense one"),
        ("torch.quantize_per_tensor(ones(2), 1., 0, 1)", "float16, bfloat16 or float32"),
        ("torch.autocast('cpu')", "dtype="),
        ("torch.utils.data", "split"),
        ("torch.distributed.all_gather_object([], 1)", "pickled objects could run code"),
        ("torch.multiprocessing.spawn(1)", "mpiexec -n 2"),
        ("torch.set_num_interop_threads(1)", "set_num_threads"),
    ],
)
def test_what_is_not_here_is_refused_with_what_there_is(program: Any, text: str, instead: str) -> None:
    with pytest.raises(LangError) as caught:
        program(text)
    assert instead in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "instead"), [("to_sparse", "dense"), ("q_scale", "quantized"), ("tofile", ":save"), ("symeig", "torch.linalg")])
def test_attributes_that_are_not_here_say_what_there_is(program: Any, name: str, instead: str) -> None:
    with pytest.raises(AttributeError) as caught:
        program(f"ones(2).{name}()")
    assert instead in str(caught.value)
