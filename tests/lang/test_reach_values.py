"""Every registered function called on samples, every attribute read: all that comes back is of a closed set of inert kinds."""

from __future__ import annotations

import itertools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import pytest

from tcalc.lang import gate, library, namespaces
from tcalc.lang.bounded import BigRange
from tcalc.lang.check import MODULES
from tcalc.lang.errors import Exit, LangError
from tcalc.lang.functions import Quit
from tcalc.lang.iterators import Items, Lazy
from tcalc.lang.namespaces import Namespace
from tcalc.lang.tokens import TypeToken

pytest.importorskip("numpy")

# Kinds by exact type; the library's are those with a list of attributes, and these, which have none.
PYTHON = {
    int, float, complex, bool, str, list, tuple, dict, set, range, slice, type(None), type(NotImplemented), type(...), OrderedDict,
    FunctionType, MethodType, type({}.keys()), type({}.values()),
}  # fmt: skip
LANGUAGE = {TypeToken, Namespace, Quit, Lazy, Items, BigRange}
WITHOUT_ATTRIBUTES = {
    "tcalc.engine.signature.Layout", "tcalc.engine.signature.MemoryFormat", "tcalc.lang.arrays.numpy.ndarray", "tcalc.lang.arrays.numpy.dtype",
    *(f"torch.autograd.grad_mode.{name}" for name in ("no_grad", "enable_grad", "set_grad_enabled", "inference_mode")),
    *(f"torch.autograd.anomaly_mode.{name}" for name in ("detect_anomaly", "set_detect_anomaly")),
    *(f"builtins.{name}" for name in ("GradOnly", "GradAndValue", "Rows", "Columns", "Pullback")),
}  # fmt: skip

SAMPLES = """
seen = []
hook = lambda *a, **k: seen.append((a, k))
samples = [0, 2.5, 1j, True, None, 'a', [1., 2.], (2, 3), {'a': 1}, float32, tensor([[1., 2.], [3., 4.]], requires_grad=True),
  tensor([0, 1]), tensor([1+2j, 3.]), tensor([True, False]), rand(1, 2, 4, 4), hook, nn.Linear(2, 2), zip([1], [2]), np.ones(2), ValueError('x'), torch, Tensor, len]
"""
OBJECTS = [
    "tensor([[1., 2.], [3., 4.]], requires_grad=True)", "tensor([1., 2.])", "tensor([0, 1])", "tensor([1+2j]).conj()", "nn.Parameter(ones(2))", "ones(2, requires_grad=True).view(2)",
    "(tensor([1.], requires_grad=True) * 2).grad_fn", "ones(1, requires_grad=True).exp().grad_fn.next_functions[0][0]", "ones(2, 3).max(dim=0)", "linalg.svd(ones(2, 2))",
    "ones(2, 3).shape", "float32", "device('cpu')", "Generator()", "finfo(float32)", "iinfo(int32)", "ones(2, requires_grad=True).register_hook(lambda g: g)",
    "nn.Linear(2, 2)", "nn.LSTM(2, 3)", "nn.MultiheadAttention(4, 2)", "nn.Sequential(nn.Linear(2, 2), nn.ReLU())", "nn.ModuleDict({'a': nn.Linear(2, 2)})", "nn.BatchNorm1d(2)",
    "nn.ParameterList([nn.Parameter(ones(2))])", "optim.SGD([ones(2, requires_grad=True)], lr=0.1)", "optim.Adam([ones(2, requires_grad=True)], lr=0.1)",
    "optim.lr_scheduler.StepLR(optim.SGD([ones(2, requires_grad=True)], lr=0.1), 1)", "nn.Linear(2, 2).state_dict()", "func.grad(lambda x: x.sum())", "np.ones(2)",
]  # fmt: skip
ENDLESS = {"exit", "quit"}


def is_closed(value: object) -> bool:
    """Whether a value is of a kind that is known to be inert."""
    kind = type(value)
    if kind is BuiltinFunctionType:
        owner = value.__self__  # type: ignore[attr-defined]
        return owner is None or type(owner) in PYTHON or isinstance(owner, tuple) or value.__module__ in ("math", "builtins")
    listed = kind in PYTHON or kind in LANGUAGE or kind in library.attributes() or isinstance(value, Exception)
    return listed or f"{kind.__module__}.{kind.__name__}" in WITHOUT_ATTRIBUTES


class Walk:
    """Calls things and looks at what comes back; `found` are the kinds that are not closed, with how they were reached."""

    def __init__(self, program: Any) -> None:
        self.program = program
        self.found: dict[str, str] = {}
        self.calls = 0
        self.fresh()

    def fresh(self) -> None:
        """New samples, since calls change them."""
        self.program(SAMPLES)
        self.samples = self.program.env.variables["samples"]

    def look(self, value: Any, how: str, depth: int = 3) -> None:
        """Note a value that is not closed; look into containers and iterators."""
        if not is_closed(value):
            self.found.setdefault(f"{type(value).__module__}.{type(value).__name__}", how)
        elif depth:
            for each in self.inside(value):
                self.look(each, how, depth - 1)

    def inside(self, value: Any) -> Iterator[Any]:
        """The first things in a value."""
        if isinstance(value, (list, tuple, set)):
            yield from itertools.islice(value, 5)
        elif isinstance(value, dict):
            yield from itertools.islice(itertools.chain.from_iterable(value.items()), 10)
        elif type(value) is Lazy and value.name == "generator":
            try:
                yield from itertools.islice(value, 3)
            except (RuntimeError, TypeError, ValueError):
                return  # an argument of the generator shows only now to be wrong

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], how: str) -> None:
        """Call it; the result, or the exception's args as a program reads them, must be closed."""
        self.calls += 1
        try:
            result = function(*args)
        except (LangError, Exit):
            return
        except Exception as error:
            self.look(gate.get(error, "args"), f"{how} raises {type(error).__name__}")
            return
        self.look(result, how)

    def around(self, value: Any, how: str) -> None:
        """Call a value on nothing, on each sample and on some pairs."""
        self.call(value, (), f"{how}()")
        for index, sample in enumerate(self.samples):
            self.call(value, (sample,), f"{how}(sample {index})")
        for pair in ((10, 10), (10, 0), (11, 11), (10, 15), (14, 14), (0, 5), (15, 10), (12, 12)):
            self.call(value, tuple(self.samples[index] for index in pair), f"{how}{pair}")
        self.call(value, (self.samples[10], 0, self.samples[11]), f"{how}(x, 0, index)")

    def callbacks(self) -> None:
        """What was handed to a function of the program must be closed too."""
        for args, named in self.program.env.variables["seen"]:
            for each in (*args, *named.values()):
                self.look(each, "an argument of a hook")
        self.program.env.variables["seen"].clear()


@pytest.fixture
def walk(program: Any) -> Iterator[Walk]:
    """A walk whose warnings and mode switches stay inside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = program.value("torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_rng_state()")
        yield Walk(program)
        program.env.variables["state"] = state
        program("torch.set_default_dtype(state[0]); torch.set_grad_enabled(state[1]); torch.set_rng_state(state[2])")
        program("torch.set_default_device('cpu'); torch.set_printoptions(profile='default'); torch.autograd.set_detect_anomaly(False)")
        program("torch.use_deterministic_algorithms(False); torch.set_float32_matmul_precision('highest')")


@pytest.mark.parametrize("path", sorted(MODULES))
def test_functions_on_samples(walk: Walk, path: str) -> None:
    space = namespaces.namespace(path)
    for name in space.names():
        try:
            value = space.member(name)
        except LangError:
            continue
        walk.look(value, f"{path}.{name}")
        if callable(value) and name not in ENDLESS:
            walk.around(value, f"{path}.{name}")
    walk.callbacks()
    assert walk.found == {}


@pytest.mark.parametrize("text", OBJECTS)
def test_methods_on_samples(walk: Walk, text: str) -> None:
    value = walk.program.value(text)
    for name in gate.known(value):
        try:
            found = gate.get(value, name)
        except (AttributeError, RuntimeError, TypeError, ValueError):
            continue
        walk.look(found, f"{text}.{name}")
        if callable(found):
            walk.around(found, f"{text}.{name}")
        if walk.calls % 50 == 0:
            walk.fresh()
    walk.callbacks()
    assert walk.found == {}


@pytest.mark.parametrize("text", ["np.abs('a')", "np.add(ones(2), 'x')", "np.zeros(-1)", "np.ones(2).sum(axis=5)", "np.linalg.inv(np.ones((2, 3)))"])
def test_exceptions_of_numpy_give_text_only(program: Any, text: str) -> None:
    program(f"kept = None\ntry: {text}\nexcept Exception as e: kept = e")
    args = program.value("kept.args")
    assert type(args) is tuple
    assert all(type(each) in (str, int, type(None)) for each in args)


@pytest.mark.parametrize(
    "text",
    [
        "x.apply_(len)", "x.apply_(torch)", "x.apply_(Tensor)", "x.apply_(nn.Linear(1, 1))", "x.apply_('a')", "x.map_(x, open)", "x.apply_(x)", "x.map_(x, type)",
        "x.apply_(lambda v: x.resize_(1))", "x.apply_(lambda v: 'a')", "x.apply_(lambda v: torch)",
    ],
)  # fmt: skip
def test_what_apply_calls_is_the_programs(program: Any, text: str) -> None:
    program("x = ones(3)")
    with pytest.raises((TypeError, RuntimeError, ValueError, LangError, AttributeError, NotImplementedError)):
        program(text)


def test_functions_given_to_apply_can_be_interrupted(program: Any) -> None:
    calls: list[float] = []

    def interrupt(value: float) -> float:
        calls.append(value)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return value

    program.env.variables["interrupt"] = interrupt
    program("x = ones(10)")
    with pytest.raises(KeyboardInterrupt):
        program("x.apply_(interrupt)")
    assert len(calls) == 3
