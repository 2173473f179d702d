"""Wrong arguments to the library's own functions are told as torch tells them; real bugs stay bugs."""

from __future__ import annotations

from typing import Any

import pytest

from tcalc.session.errors import Error
from tcalc.session.session import Session

pytest.importorskip("numpy")


def error_of(source: str) -> Error:
    """Why a program fails."""
    error = Session().run(source)[-1].error
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("source", "said"),
    [
        # torch's own sentences
        ("torch.is_signed(...)", "is_signed(): argument 'input' (position 1) must be Tensor, not ellipsis"),
        ("torch.detach(0)", "detach(): argument 'input' (position 1) must be Tensor, not int"),
        ("torch.can_cast(ones(2), 3)", "can_cast(): argument 'from_' (position 1) must be torch.dtype, not Tensor"),
        ("nn.init.ones_(...)", "AttributeError: 'ellipsis' object has no attribute 'fill_'"),
        ("ones(2).apply_(np.ones(2))", "TypeError: 'numpy.ndarray' object is not callable"),
        ("ones(2).apply_(ones(2))", "TypeError: 'Tensor' object is not callable"),
        ("tensor([True]) + 2 ** 70", "OverflowError: "),
        ("tensor([1, 2]) << 2 ** 70", "OverflowError: "),
        ("torch.func.vjp(lambda v: v)", "TypeError: <lambda>() missing 1 required positional argument: 'v'"),
        # torch says something else of them, or something similar
        ("nn.BatchNorm1d('a')", "BatchNorm1d(): argument 'num_features' (position 1) must be int, not str"),
        ("nn.BatchNorm1d(num_features=[])", "BatchNorm1d(): argument 'num_features' (position 1) must be int, not list"),
        ("optim.Adadelta(ones(2), ...)", "Adadelta(): argument 'lr' (position 2) must be float, not ellipsis"),
        ("nn.ModuleList(...)", "ModuleList(): argument 'modules' (position 1) must be Iterable[Module], not ellipsis"),
        ("nn.Parameter(3)", "Parameter(): argument 'data' (position 1) must be Tensor or None, not int"),
        ("broadcast_tensors(ones(2), filter)", "broadcast_tensors(): argument 'tensors' (position 2) must be Tensor, not function"),
        ("torch.meshgrid(3)", "expected Tensor as element 0 in argument 0, but got int"),
        ("func.vjp(...)", "vjp(): argument 'func' (position 1) must be Function, not ellipsis"),
        ("nn.utils.parameters_to_vector('a')", "AttributeError: 'str' object has no attribute 'view'"),
        ("F.hardshrink(ones(2), tensor(1j))", "value cannot be converted to type float without overflow"),
        ("torch.combinations(ones(2), 2 ** 70)", "Overflow when unpacking long long"),
    ],
)
def test_a_wrong_argument_is_the_callers(source: str, said: str) -> None:
    error = error_of(source)
    assert error.kind == "error"
    assert error.message.startswith(said)
    assert (error.trace == "") or "Traceback" in error.trace


def broken(function: Any) -> Any:
    """A function that the program can call as one of the engine's."""
    source = function + "\nbroken.__module__ = __name__"
    from tcalc.engine import namespace

    names = vars(namespace)
    exec(compile(source, namespace.__file__, "exec"), names)
    return names.pop("broken")


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("def broken(x: Tensor) -> Any: return x.nothing_such", "f(ones(2))"),  # a tensor is what it takes
        ("def broken(x: Tensor) -> Any: return None + x", "f(ones(2))"),
        ("def broken(x: Tensor, y: int) -> Any: return None.size", "f(ones(2), 3)"),  # the None is the engine's
        ("def broken(x: Tensor, y: int) -> Any: return [][y]()", "f(ones(2), 0)"),
        ("def broken(x: Tensor, y: str) -> Any: return {}[y]", "f(ones(2), 'a')"),
        ("def broken(*x: Any, **y: Any) -> Any: return (lambda: 0)(1)", "f(ones(2), a=ones(1))"),
        ("def broken(x: int) -> Any: raise OSError('the disk')", "f(ones(2))"),  # no kind of argument does that
        ("def broken(x: Any) -> Any: return 2.0 ** 10000 * x", "f(ones(1))"),
    ],
)
def test_a_right_argument_leaves_it_a_bug(function: str, call: str) -> None:
    session = Session()
    session.run("ones(1)")
    session.bind({"f": broken(function)}, "here")
    error = session.run(call)[-1].error
    assert error is not None
    assert error.kind == "internal", error.message


def test_what_the_engine_hands_on_counts_only_if_the_program_handed_it_over() -> None:
    session = Session()
    session.run("ones(1)")
    session.bind({"f": broken("def broken(x: Tensor) -> Any: return numel(math)")}, "here")
    error = session.run("f(ones(1))")[-1].error
    assert error is not None
    assert error.kind == "internal"
