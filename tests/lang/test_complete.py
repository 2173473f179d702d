"""What Tab offers, place by place; nothing of the program is run for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest

from tcalc.engine import backend
from tcalc.lang.calls import best, call_at
from tcalc.lang.complete import Offer, complete
from tcalc.lang.pieces import pieces
from tcalc.session.session import Session

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
x = ones(2, 3)
xs = [1, 2]
count = 3
model = nn.Linear(2, 3)
def scale(alpha, beta=2):
    return alpha
import torch as tt
word = "text"
array = np.zeros(2)
"""


@pytest.fixture(scope="module")
def session() -> Session:
    """A session with values of several types."""
    session = Session()
    assert all(record.error is None for record in session.run(PROGRAM))
    return session


def offers(session: Session, marked: str) -> list[str]:
    """What is offered at the `|` of a text; without one, at its end."""
    before, _, after = marked.partition("|")
    return [offer.insert for offer in complete(before + after, len(before), session.env).offers]


@pytest.mark.parametrize(
    ("source", "offered"),
    [
        ("cou", ["count", "count_nonzero"]),
        ("on", ["ones", "ones_like"]),
        ("x + xs", ["xs"]),
        ("x.requires_grad", ["requires_grad", "requires_grad_"]),
        ("x.unsq", ["unsqueeze", "unsqueeze_"]),
        ("x.T.unsq", ["unsqueeze", "unsqueeze_"]),
        ("x[0].unsq", ["unsqueeze", "unsqueeze_"]),
        ("ones(2).unsq", ["unsqueeze", "unsqueeze_"]),
        ("x.sum(0).unsq", ["unsqueeze", "unsqueeze_"]),
        ("model.weight.unsq", ["unsqueeze", "unsqueeze_"]),
        ("x.split(1).unsq", []),
        ("xs[0].rea", []),
        ("unknown.unsq", []),
        ("xs.app", ["append"]),
        ("word.upp", ["upper"]),
        ("count.bit_l", ["bit_length"]),
        ("array.asty", ["astype"]),
        ("model.in_", ["in_features"]),
        ("model.nothing.x", []),
        ("torch.nn.Lin", ["Linear", "LinearCrossEntropyLoss"]),
        ("nn.Lin", ["Linear", "LinearCrossEntropyLoss"]),
        ("tt.nn.functional.cross", ["cross_entropy"]),
        ("F.cross", ["cross_entropy"]),
        ("np.zeros_", ["zeros_like"]),
        ("math.fact", ["factorial"]),
        ("torch.float1", ["float16"]),
        ("cat([x], dim", ["dim="]),
        ("x.sum(keep", ["keepdim="]),
        ("x.sum(0, keepdim=True, keep", []),
        ("scale(be", ["beta=", "bernoulli"]),
        ("scale(1, al", ["alias_copy", "all", "allclose", "alpha_dropout"]),
        ("nn.Linear(2, 3, bia", ["bias="]),
        ("model(inp", ["input="]),
        ("optim.SGD(model.parameters(), mom", ["momentum="]),
        ("ones(2, dtype=float3", ["float32"]),
        ("ones(2, device=", ["'cpu'", "'cuda'", "'meta'", "x", "xs", "count", "model", "scale", "tt", "word", "array"]),
        ("x.sum(0, keepdim=Tr", ["True"]),
        ("import mat", ["math"]),
        ("import torch.nn.", ["torch.nn.functional", "torch.nn.init", "torch.nn.parallel", "torch.nn.utils"]),
        ("from torch.nn import Lin", ["Linear", "LinearCrossEntropyLoss"]),
        ("from torch import zeros, ones_", ["ones_like"]),
        ("impo", ["import"]),
        ("contin", ["continue"]),
        ("LIN", []),
        ("nn.lin", ["Linear", "LinearCrossEntropyLoss"]),
        ("x.__cl", []),
        ("x._ver", []),
        ("'on", []),
        ("f'{on", []),
        ('"""on', []),
        ("# on", []),
        ("x = 1  # on", []),
        ("1.", []),
        ("1.5e", []),
        ("def sc", []),
        ("on|(2)", ["ones", "ones_like"]),
        ("x.unsq|.sum()", ["unsqueeze", "unsqueeze_"]),
        ("", []),
        ("    ", []),
        ("for thing in xs:\n    thi", ["thing"]),
        ("def area(width, height=2):\n    return wid", ["width"]),
        ("value = 1\nval", ["value"]),
        ("first, second = 1, 2\nsec", ["second"]),
        ("lambda zeta: zet", ["zeta"]),
        ("with no_grad() as guard:\n    gua", ["guard"]),
    ],
)
def test_offers(session: Session, source: str, offered: list[str]) -> None:
    assert offers(session, source) == offered


def test_without_a_word_the_session_is_offered(session: Session) -> None:
    """After an operator the variables; in a call the arguments before them."""
    assert offers(session, "x + ") == ["x", "xs", "count", "model", "scale", "tt", "word", "array"]
    assert offers(session, "cat(")[:3] == ["tensors=", "dim=", "out="]


def test_what_is_said_beside(session: Session) -> None:
    def meta(source: str) -> Offer:
        return complete(source, len(source), session.env).offers[0]

    assert meta("x").meta == "float32 (2, 3)"
    assert meta("xs").meta == "list of 2"
    assert meta("count").meta == "int"
    assert meta("model").meta == "Linear"
    assert meta("scale(be").meta == "default 2"
    assert meta("unsque").meta == "(input, dim)"
    assert meta("x.unsque").meta == "(dim)"
    assert meta("x.requires_g").meta == "attribute"
    assert meta("float32").meta == "dtype"
    assert meta("linal").meta == "namespace"


def test_nothing_is_run(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a kernel, not a function of the program, not a statement."""

    def refuse(*args: object) -> None:
        raise AssertionError("something was run")

    monkeypatch.setattr(backend, "lens", refuse)
    monkeypatch.setattr(type(session.env), "run", refuse)
    for source in ("x.T.", "x[0].", "scale(1).", "x.sum(0).me", "cat([x, x.T], ", "model.weight.gr", "model(x).", "(x @ x).", "x.grad."):
        complete(source, len(source), session.env)


def test_a_tab_takes_less_than_50_ms(session: Session) -> None:
    """The second time, when everything is loaded."""
    for source in ("x.", "a", "torch.", "cat(", "np.", "x + "):
        complete(source, len(source), session.env)
        start = perf_counter()
        complete(source, len(source), session.env)
        assert perf_counter() - start < 0.05, source


def test_the_engine_is_loaded_at_the_first_tab_only() -> None:
    """What is imported for it does not import NumPy; Python's own values need none."""
    code = (
        "import sys; from tcalc.lang.complete import complete; from tcalc.lang.run import Environment; e = Environment();"
        "e.variables['xs'] = [1]; assert complete('xs.app', 6, e).offers; assert 'numpy' not in sys.modules;"
        "assert complete('one', 3, e).offers; assert 'numpy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


@pytest.mark.parametrize(
    ("source", "signature", "current"),
    [
        ("cat(", "cat", "tensors"),
        ("cat([x], ", "cat", "dim=0"),
        ("x.sum(", "sum", "dim"),
        ("x.sum(0, ", "sum", "keepdim=False"),
        ("x.sum(dtype=", "sum", "dtype=None"),
        ("zeros(2, 3, ", "zeros", "*size"),
        ("zeros(2, dtype=", "zeros", "dtype=None"),
        ("scale(1, ", "scale", "beta=2"),
        ("nn.Linear(2, ", "Linear", "out_features"),
        ("model(", "forward", "input"),
        ("x.add_(", "add_", "other"),
        ("sum(x, ", "sum", "dim"),
        ("len(", "len", "value"),
        ("print(1, ", "print", "*values"),
    ],
)
def test_signatures(session: Session, source: str, signature: str, current: str) -> None:
    found = call_at(pieces(source), len(source), session.env)
    assert found is not None
    chosen = best(*found)
    assert chosen is not None
    assert chosen.current is not None
    assert str(chosen.arguments[chosen.current]) == current


@pytest.mark.parametrize("source", ["unknown(", "x.unknown(", "xs.append(", "(", "[1, ", "def f(", "x.shape("])
def test_no_signature(session: Session, source: str) -> None:
    found = call_at(pieces(source), len(source), session.env)
    assert found is None or best(*found) is None
