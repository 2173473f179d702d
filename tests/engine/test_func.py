"""Calls of torch.func, torch.autograd.functional and gradcheck: each gives what torch gave, or is refused in torch's words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tcalc
from tcalc.engine import notices

GOLDEN = Path(__file__).parent / "golden" / "functions.json"
SETUP = """
x = T.tensor([1., 2.])
xr = T.tensor([1., 2.], requires_grad=True)
w = T.tensor([3., 4.], requires_grad=True)
d = T.tensor([1., 2.], dtype=T.float64)
z = T.ones(2, 3)
s = T.tensor(2.)
e = T.ones(0)
i = T.tensor([1, 2])
m = T.tensor([[1., 2.], [3., 4.]])
square = lambda x: x ** 2
cube = lambda x: (x ** 3).sum()
two = lambda x, y: (x * y, (x + y).sum())
mixed = lambda x, y: (x * x * y).sum()
p = T.tensor([1., 2.], dtype=T.float64, requires_grad=True)
q = T.tensor([[.5], [.25]], dtype=T.float64, requires_grad=True)
half = lambda x: x * x.detach()
"""


def names(library: Any) -> dict[str, Any]:
    """What the calls may name: the tensors of SETUP, a module of known weights, and functional_call on it."""
    linear = library.nn.Linear(2, 1)
    with library.no_grad():
        linear.weight.copy_(library.tensor([[0.5, -1.0]]))
        linear.bias.fill_(2.0)
    found: dict[str, Any] = {"T": library, "F": library.func, "A": library.autograd.functional, "linear": linear}
    found["call"] = lambda *args, **kwargs: library.func.functional_call(linear, *args, **kwargs)
    exec(SETUP, found)
    return found


def shown(value: Any) -> Any:
    """A result with all that a user can see of its tensors but strides."""
    if isinstance(value, (tuple, list)):
        return [type(value).__name__, *map(shown, value)]
    if isinstance(value, dict):
        return {name: shown(part) for name, part in value.items()}
    if hasattr(value, "requires_grad"):
        return [repr(value), str(value.dtype), value.requires_grad]
    return re.sub("0x[0-9a-f]+", "0x", repr(value))


def outcome(call: str, library: Any) -> Any:
    """What a call gives, or the builtin type and the text of its error."""
    try:
        return shown(eval(call, names(library)))
    except Exception as error:
        builtin = next(c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins")
        return re.sub(r"<class '[\w.]*Tensor'>", "<class Tensor>", f"{builtin}: {error}")


OPTIONS = ("", ", create_graph=True", ", strict=True", ", create_graph=True, strict=True")
JACOBIANS = """
A.jacobian(square, x{}) | A.jacobian(square, xr{}) | A.jacobian(two, (x, xr){}) | A.jacobian(two, (x, d){}) | A.jacobian(square, z{})
A.jacobian(square, e{}) | A.jacobian(square, s{}) | A.jacobian(square, i{}) | A.jacobian(square, [x]{}) | A.jacobian(square, (x, 3){})
A.jacobian(lambda x: 3, x{}) | A.jacobian(lambda x: [x], x{}) | A.jacobian(lambda x: (x, 3), x{}) | A.jacobian(lambda x: w, x{})
A.jacobian(lambda x: T.ones(2), x{}) | A.jacobian(lambda x: x.long(), x{}) | A.jacobian(lambda x, y: x, (x, z){}) | A.jacobian(lambda x: w * x, x{})
A.jacobian(lambda x: x * 2, x{}) | A.jacobian(lambda x: (x,), x{}) | A.jacobian(square, (x,){}) | A.jacobian(3, x{}) | A.jacobian(square, (x, x){})
A.hessian(cube, x{}) | A.hessian(cube, xr{}) | A.hessian(mixed, (x, xr){}) | A.hessian(square, x{}) | A.hessian(lambda x: (cube(x),), x{})
A.hessian(lambda x: 3, x{}) | A.hessian(lambda x: x.sum(), x{}) | A.hessian(lambda x: (x * x).sum(), x{}) | A.hessian(cube, e{}) | A.hessian(cube, i{})
A.hessian(lambda x, y: cube(x), (x, x){}) | A.hessian(lambda x: cube(x).reshape(1, 1), x{}) | A.hessian(lambda x: T.tensor(1.), x{})
A.hessian(lambda x: x ** 3, s{}) | A.hessian(cube, 3.{})
"""
PRODUCTS = """
A.vjp(square, x, x{}) | A.vjp(square, xr, x{}) | A.vjp(square, x, xr{}) | A.vjp(square, x{}) | A.vjp(cube, x{}) | A.vjp(two, (x, xr), (x, s){})
A.vjp(two, (x, xr), x{}) | A.vjp(square, x, (x, x){}) | A.vjp(square, x, z{}) | A.vjp(two, (x, x), (x, x){}) | A.vjp(square, x, 3{})
A.vjp(two, (x, x), (x, 3){}) | A.vjp(lambda x, y: x, (x, z), x{}) | A.vjp(lambda x: T.ones(2), x, x{}) | A.vjp(square, i, x{})
A.vjp(lambda x: (x * 2,), x, x{}) | A.vjp(square, x, d{}) | A.vjp(lambda x: x * 2, x, x{}) | A.vjp(lambda x: x.long(), x, x{})
A.vjp(lambda x: (x, x.long()), x, (x, i){}) | A.vjp(square, e, e{}) | A.vjp(lambda x: (x * 2, T.ones(2)), x, (x, x){})
A.jvp(square, x, x{}) | A.jvp(square, xr, x{}) | A.jvp(square, x, xr{}) | A.jvp(square, x{}) | A.jvp(square, s{}) | A.jvp(two, (x, xr), (x, x){})
A.jvp(two, (x, xr), x{}) | A.jvp(square, x, (x, x){}) | A.jvp(square, x, z{}) | A.jvp(two, (x, x), (x, z){}) | A.jvp(lambda x, y: x, (x, z), (x, z){})
A.jvp(lambda x: T.ones(2), x, x{}) | A.jvp(lambda x: x * 2, x, x{}) | A.jvp(lambda x: x.long(), x, x{}) | A.jvp(square, x, d{})
A.jvp(lambda x: (x * 2, T.ones(2)), x, x{}) | A.jvp(lambda x: w * x, x, x{}) | A.jvp(square, e, e{})
"""
SECOND = """
(cube, x, x{}) | (cube, xr, x{}) | (cube, x, xr{}) | (cube, x{}) | (lambda x: x ** 3, s{}) | (mixed, (x, xr), (x, x){}) | (mixed, (x, xr), x{})
(square, x, x{}) | (lambda x: (cube(x),), x, x{}) | (lambda x: x.sum(), x, x{}) | (lambda x: (x * x).sum(), x, x{}) | (cube, 3, x{}) | (cube, x, z{})
(lambda x, y: cube(x), (x, z), (x, z){}) | (lambda x: T.tensor(1.), x, x{}) | (lambda x: 3, x, x{}) | (lambda x, y: cube(x) + y.sum(), (x, z), (x, z){})
(lambda x, y: (x ** 3 * y).sum(), (x, x), (x, x){})
"""
JACOBIAN_OPTIONS = """
A.jacobian(square, x, vectorize=True) | A.jacobian(square, xr, vectorize=True, create_graph=True) | A.jacobian(square, x, vectorize=True, strict=True)
A.jacobian(two, (x, xr), vectorize=True) | A.hessian(cube, x, vectorize=True) | A.jacobian(square, x, strategy="forward-mode")
A.jacobian(square, x, strategy="forward-mode", vectorize=True) | A.jacobian(square, x, strategy="sideways")
A.jacobian(two, (x, x), strategy="forward-mode", vectorize=True) | A.jacobian(two, (x, d), strategy="forward-mode", vectorize=True)
A.jacobian(square, (x,), strategy="forward-mode", vectorize=True) | A.jacobian(lambda x: (x, x * 2), x, strategy="forward-mode", vectorize=True)
A.jacobian(square, x, strategy="forward-mode", create_graph=True) | A.jacobian(square, x, strategy="forward-mode", strict=True)
A.hessian(cube, x, outer_jacobian_strategy="forward-mode") | A.hessian(cube, x, outer_jacobian_strategy="sideways")
A.jacobian(square, i, strategy="forward-mode", vectorize=True) | A.jacobian(lambda x: x.long(), x, strategy="forward-mode", vectorize=True)
"""
TRANSFORMS = """
F.grad(cube)(x) | F.grad(cube)(xr) | F.grad(lambda x: (w * x).sum())(x) | F.grad(lambda x: (w * x * x).sum())(x) | F.grad(cube)(3.) | F.grad(cube)(i)
F.grad(cube, argnums=1)(x) | F.grad(cube, argnums="a")(x) | F.grad(cube, argnums=())(x) | F.grad(cube, argnums=(0, 0))(x) | F.grad(cube, argnums=[0])(x)
F.grad(cube, argnums=(0, "a"))(x) | F.grad(square)(x) | F.grad(lambda x: 3)(x) | F.grad(cube)() | F.grad(cube)(x=x) | F.grad(3)(x) | F.grad(cube)
F.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(x, xr) | F.grad(lambda x, y: (x * y).sum(), argnums=-1)(x, xr)
F.grad(lambda x: z.add_(1).sum())(x) | F.grad(lambda x: d.zero_().sum() * x.sum())(x) | F.vjp(lambda x: d.mul_(x), x) | F.jacrev(lambda x: d.mul_(x))(x)
F.jvp(lambda x: d.mul_(x), (x,), (x,)) | F.hessian(lambda x: z.view(6).add_(1).sum() * x.sum())(x) | F.grad(lambda x: x.mul_(2).sum())(x) | F.grad(lambda x: x.clone().mul_(2).sum())(x)
F.grad(lambda x: T.zeros(2).add_(x).sum())(x) | F.grad(lambda x: z[0, :2].clone().add_(x).sum())(x) | F.grad(lambda a: F.grad(lambda b: (a * 2).add_(b).sum())(a).sum())(x)
F.grad(lambda a: F.grad(lambda b, c=a * 2: c.add_(b).sum())(a).sum())(x)
F.grad(lambda x, *, k: (x * k).sum())(x, k=x) | F.grad(lambda x: x.sum(), has_aux=True)(x) | F.grad(lambda x: (x.sum(), x), has_aux=True)(x)
F.grad(lambda x: (x.sum(), 3), has_aux=True)(x) | F.grad(lambda x: (x.sum(), (x * 2, xr * 2)), has_aux=True)(x)
F.grad(lambda t: (t["a"] * t["b"][0]).sum())({"a": x, "b": [x, x]}) | F.grad(lambda t: (t["a"] * t["b"][0]).sum())({"a": x, "b": [x, 3]})
F.grad_and_value(cube)(x) | F.grad_and_value(cube)(xr) | F.grad_and_value(lambda x: (cube(x), x * 2), has_aux=True)(x)
F.grad(lambda x: (x * x.detach()).sum())(x) | F.grad(lambda x: w.sum())(x) | F.grad(lambda x: x.sum().long())(x)
F.grad(lambda x: x.add_(1).sum())(x) | F.grad(lambda x: x.add_(1).sum())(xr) | F.grad(lambda x: cube(x).backward())(x)
F.grad(lambda x: T.autograd.grad(cube(x), x, create_graph=True)[0].sum())(x) | F.grad(lambda x: T.autograd.grad(cube(x), x)[0].sum())(x)
F.grad(T.no_grad()(cube))(x) | T.no_grad()(F.grad(cube))(xr) | T.no_grad()(F.grad(lambda x: (w * x * x).sum()))(x)
F.grad(F.grad(F.grad(lambda x: x ** 4)))(s) | F.grad(lambda x: F.grad(cube)(x).sum())(xr) | F.grad(lambda x: F.grad(lambda y: (x * y * y).sum())(x).sum())(x)
F.vjp(square, x)[0] | F.vjp(square, xr)[0] | F.vjp(square, x)[1](x) | F.vjp(square, x)[1](xr) | F.vjp(square, xr)[1](x) | F.vjp(lambda x: w * x * x, x)[1](x)
F.vjp(square, x)[1]((x,)) | F.vjp(square, x)[1]({"a": x, "b": (x, [x])}) | F.vjp(square, x)[1](T.ones(3)) | F.vjp(square, x)[1](None)
F.vjp(square, 3.) | F.vjp(square, i) | F.vjp(lambda x: 3, x) | F.vjp(lambda x: None, x) | F.vjp(lambda x: (), x) | F.vjp(lambda x: x.long(), x)
F.vjp(lambda x: {"a": x * 2, "b": [x]}, x)[0] | F.vjp(lambda x: {"a": x * 2}, x)[1]({"a": x}) | F.vjp(two, x, x)[1]((x, s)) | F.vjp(lambda: x)[0]
F.vjp(square, x, has_aux=True) | F.vjp(lambda x: (x * 2, x), x, has_aux=True)[::2] | F.vjp(lambda x: x.max(0), x) | F.vjp(lambda x: w, x)[0]
F.vjp(lambda y: F.vjp(square, x)[1](y)[0], x)[1](x) | F.vjp(lambda x: F.vjp(cube, x)[1](s)[0], x)[1](x) | F.vjp(square, x)
(lambda v: (v(x), v(x), v(x, retain_graph=False)))(F.vjp(square, x)[1]) | (lambda v: (v(x, retain_graph=False), v(x)))(F.vjp(square, x)[1])
F.jvp(square, (x,), (x,)) | F.jvp(square, (x,), (xr,)) | F.jvp(square, x, x) | F.jvp(square, (x,), x) | F.jvp(square, (x,), (x, x)) | F.jvp(square, (x,), [x])
F.jvp(square, (x,), (T.ones(3),)) | F.jvp(square, (i,), (i,)) | F.jvp(square, (x,), (i,)) | F.jvp(square, (3.,), (3.,)) | F.jvp(square, (), ())
F.jvp(lambda x: 3, (x,), (x,)) | F.jvp(lambda x: (x, {"a": x * 2}), (x,), (x,)) | F.jvp(lambda x: (x * 2, x), (x,), (x,), has_aux=True)
F.jvp(square, (x,), (x,), has_aux=True) | F.jvp(lambda x: T.ones(2), (x,), (x,)) | F.jvp(lambda x: T.ones(2), (x,), (x,), strict=True)
F.jvp(lambda x: x.long(), (x,), (x,)) | F.jvp(lambda x: (x * 2, 3), (x,), (x,)) | F.jvp(lambda t: t["a"] * 2, ({"a": x},), ({"a": x},))
F.jvp(square, (x,), ({"a": x},)) | F.jvp(lambda x: F.jvp(square, (x,), (x,))[1], (x,), (x,)) | F.jvp(lambda x: x.add_(1), (x.clone(),), (x,))
F.jvp(F.grad(cube), (x,), (x,)) | F.grad(lambda x: F.jvp(cube, (x,), (x,))[1])(x) | F.jvp(lambda x, y: x @ y, (m, x), (m, x))
F.jacrev(square)(x) | F.jacrev(square)(xr) | F.jacrev(lambda x: w * x * x)(x) | F.jacrev(square, argnums=1)(x) | F.jacrev(square)(i) | F.jacrev(square)(3.)
F.jacrev(lambda x: 3)(x) | F.jacrev(lambda x: (x * 2, {"a": x.sum()}))(x) | F.jacrev(lambda x, y: x * y, argnums=(0, 1))(x, x) | F.jacrev(square)(e)
F.jacrev(lambda t: t["a"] * t["b"])({"a": x, "b": x}) | F.jacrev(square, chunk_size=0) | F.jacrev(square, chunk_size=1)(x) | F.jacrev(square)(s)
F.jacrev(lambda x: (x * 2, x), has_aux=True)(x) | F.jacrev(square, has_aux=True)(x) | F.jacrev(lambda x: x.sum(1))(z) | F.jacrev(square)(x=x)
F.jacrev(lambda x: x.long())(x) | F.jacrev(lambda x: T.ones(2))(x) | F.jacrev(F.grad(cube))(x) | F.jacrev(F.jacrev(cube))(xr) | F.jacrev(square, None)(x)
F.jacfwd(square)(x) | F.jacfwd(square)(xr) | F.jacfwd(square, argnums=1)(x) | F.jacfwd(square)(i) | F.jacfwd(lambda x: 3)(x) | F.jacfwd(square, None)(x)
F.jacfwd(lambda x: (x * 2, {"a": x.sum()}))(x) | F.jacfwd(lambda x, y: x * y, argnums=(0, 1))(x, x) | F.jacfwd(lambda t: t["a"] * t["b"])({"a": x, "b": x})
F.jacfwd(lambda x: (x * 2, x), has_aux=True)(x) | F.jacfwd(square, has_aux=True)(x) | F.jacfwd(lambda x: x.sum(1))(z) | F.jacfwd(square)(e) | F.jacfwd(square)(s)
F.jacfwd(lambda a, b: (a.sum(), b.sum()), argnums=(0, 1))(x, d) | F.jacfwd(lambda x: x.long())(x) | F.jacfwd(F.jacfwd(cube))(x) | F.jacfwd(square, argnums=[0])(x)
F.hessian(cube)(x) | F.hessian(cube)(xr) | F.hessian(mixed, argnums=(0, 1))(x, x) | F.hessian(square)(x) | F.jacrev(F.hessian(cube))(x) | F.hessian(square)
"""
MODULES = """
call({"weight": T.ones(1, 2), "bias": T.zeros(1)}, x) | call({"weight": T.ones(1, 2)}, (x,)) | call({}, (x,)) | call({"nope": x}, x) | call(3, x)
call({"nope": x}, x, strict=True) | call({"weight": T.ones(1, 2)}, x, strict=True) | call([{"bias": x}, {"bias": x}], x) | call([3], x)
call([{"bias": T.ones(1)}, {"weight": T.ones(1, 2)}], x) | call({"weight": 3}, x) | call({"bias.deep": x}, x) | call({"there.weight": x}, x)
F.grad(lambda p: call(p, x).sum())({"weight": T.ones(1, 2), "bias": T.zeros(1)}) | [F.functional_call(linear, {"bias": T.ones(1)}, x), linear.bias]
"""

CHECKS = """
(lambda x: x ** 3, (p,){}) | (half, (p,){}) | (lambda x, y: (x * y, x.sum()), (p, q){}) | (lambda x, y: (x.exp(), half(y)), [p, q]{})
(lambda x: x.detach(), p{}) | (lambda x: T.ones(2), p{}) | (lambda x: x.max(0), q{}) | (lambda x: x.sort(), p{}) | (lambda x: x[:0] * 1, p{})
"""
CHECK_OPTIONS = (
    "",
    ", raise_exception=False",
    ", check_undefined_grad=False",
    ", atol=1e3",
    ", eps=1e-2",
    ", nondet_tol=1.",
    ", masked=True",
    ", check_grad_dtypes=True",
)
MORE_CHECKS = """
T.autograd.gradcheck(lambda x: x, T.ones(2)) | T.autograd.gradcheck(lambda x: x, 3) | T.autograd.gradcheck(lambda x: x, q.expand(2, 2))
T.autograd.gradcheck(lambda x: x * 2, T.ones(0, dtype=T.float64, requires_grad=True)) | T.autograd.gradcheck(lambda x: x, p, check_backward_ad=False)
T.autograd.gradcheck(lambda x: x, p, check_batched_grad=True, check_backward_ad=False, check_forward_ad=True) | T.autograd.gradcheck(lambda x: (x, 3), p)
T.autograd.gradcheck(lambda x: x, p, check_batched_forward_grad=True) | T.autograd.gradcheck(lambda x: x, p, nope=1)
T.autograd.gradgradcheck(lambda x: x ** 3, p) | T.autograd.gradgradcheck(lambda x: x ** 3, p, p.detach().clone().requires_grad_())
T.autograd.gradgradcheck(lambda x: x ** 3, p, p.detach().clone()) | T.autograd.gradgradcheck(half, p, p.detach().clone().requires_grad_())
T.autograd.gradgradcheck(half, p, raise_exception=False) | T.autograd.gradgradcheck(lambda x: x ** 3, q, gen_non_contig_grad_outputs=True)
T.autograd.gradgradcheck(lambda x: x, T.ones(2)) | T.autograd.gradgradcheck(lambda x: x, p, check_rev_over_rev=False)
T.autograd.gradgradcheck(lambda x: x, p, check_rev_over_rev=False, check_fwd_over_rev=True) | T.autograd.gradgradcheck(lambda x: x, p, check_backward_ad=True)
T.autograd.gradgradcheck(lambda x: x, p, check_rev_over_rev=False, check_fwd_over_rev=True, check_undefined_grad=False, check_batched_grad=True)
T.autograd.gradgradcheck(mixed, (p, q), fast_mode=True) | T.autograd.gradcheck(mixed, (p, q), fast_mode=True) | T.autograd.gradcheck(half, p, fast_mode=True, raise_exception=False)
"""


def listed(text: str) -> list[str]:
    """The calls of a table."""
    return [call.strip() for line in text.strip().splitlines() for call in line.split(" | ")]


def calls() -> Iterator[str]:
    """Every call."""
    for call in [*listed(JACOBIANS), *listed(PRODUCTS), *(f"A.{name}{each}" for name in ("vhp", "hvp") for each in listed(SECOND))]:
        yield from (call.replace("{}", option) for option in OPTIONS)
    for call in listed(CHECKS):
        yield from ("T.autograd.gradcheck" + call.replace("{}", option) for option in CHECK_OPTIONS)
    for text in (JACOBIAN_OPTIONS, TRANSFORMS, MODULES, MORE_CHECKS):
        yield from listed(text)


def record(library: Any) -> None:
    """Write what `library`, which is torch, gives (scripts/record_functions.py)."""
    GOLDEN.write_text(json.dumps({call: outcome(call, library) for call in calls()}, indent=0) + "\n")


def recorded() -> dict[str, Any]:
    """What torch gave."""
    found: dict[str, Any] = json.loads(GOLDEN.read_text())
    return found


@pytest.mark.parametrize("part", range(8))
def test_calls_give_what_torch_gave(part: int) -> None:
    truth = recorded()
    assert list(truth) == list(dict.fromkeys(calls()))
    for call in list(truth)[part::8]:
        assert outcome(call, tcalc) == truth[call], call


@pytest.mark.filterwarnings("ignore")  # torch warns of its own internals
def test_recording_is_what_torch_gives_now() -> None:
    torch = pytest.importorskip("torch")
    truth = recorded()
    assert {call: outcome(call, torch) for call in truth} == truth


SETTINGS = names(tcalc)


def test_fast_mode_shows_both_modes() -> None:
    torch = tcalc.autograd
    with pytest.raises(
        RuntimeError, match=r"(?s)Jacobian mismatch for output 0 with respect to input 0,\nnumerical:3.31.*slow mode.*Analytical"
    ) as caught:
        torch.gradcheck(SETTINGS["half"], SETTINGS["p"], fast_mode=True)
    assert type(caught.value).__name__ == "GradcheckError"


@pytest.mark.parametrize("option", ["check_forward_ad", "check_batched_grad"])
def test_checks_that_tcalc_does_not_have_are_refused(option: str) -> None:
    with pytest.raises(NotImplementedError, match=f"{option}=True needs .*, which tcalc does not have"):
        tcalc.autograd.gradcheck(SETTINGS["square"], SETTINGS["p"], **{option: True})
    with pytest.raises(NotImplementedError, match="check_fwd_over_rev=True needs forward-mode derivatives"):
        tcalc.autograd.gradgradcheck(SETTINGS["square"], SETTINGS["p"], check_fwd_over_rev=True)


def test_float32_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "collected", None)  # a session in this process would take it for a note
    with pytest.warns(UserWarning, match="Input #0 requires gradient and is not a double precision"):
        assert tcalc.autograd.gradcheck(SETTINGS["square"], SETTINGS["xr"], eps=1e-2, atol=1e-2)


def test_gradcheck_leaves_its_inputs_alone() -> None:
    p = tcalc.tensor([1.0, 2.0], dtype=tcalc.float64, requires_grad=True)
    with pytest.raises(ZeroDivisionError):
        tcalc.autograd.gradcheck(lambda x: 1 / 0 if x[0] != 1 else x * 2, p)
    assert p.tolist() == [1, 2]
    assert (p.grad, p._version) == (None, 0)


def test_gradients_reach_tensors_outside() -> None:
    """What a transform returns is part of the history outside, through arguments and through captured tensors."""
    x, w = (tcalc.tensor(value, requires_grad=True) for value in (2.0, 3.0))
    tcalc.func.grad(lambda t: w * t**3)(x).backward()
    assert (x.grad.item(), w.grad.item()) == (6 * 3 * 2, 3 * 2**2)
    _, pullback = tcalc.func.vjp(lambda t: w * t**2, x)
    v = tcalc.tensor(1.0, requires_grad=True)
    (found,) = pullback(v)
    assert [g.item() for g in tcalc.autograd.grad(found, (x, w, v))] == [2 * 3, 2 * 2, 2 * 3 * 2]
    _, tangent = tcalc.func.jvp(lambda t: w * t**2, (x,), (v,))
    assert [g.item() for g in tcalc.autograd.grad(tangent, (x, w, v))] == [2 * 3, 2 * 2, 2 * 3 * 2]


def test_nothing_is_added_to_grad() -> None:
    x, w = (tcalc.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    for transform in (tcalc.func.grad, tcalc.func.jacrev, tcalc.func.jacfwd, tcalc.func.hessian):
        transform(lambda t: (w * t**2).sum())(x)
    assert (x.grad, w.grad) == (None, None)


@pytest.mark.parametrize("outer", ["jacrev", "jacfwd"])
@pytest.mark.parametrize("middle", ["jacrev", "jacfwd", "hessian"])
@pytest.mark.parametrize("inner", ["jacrev", "jacfwd", "grad"])
def test_transforms_of_transforms(outer: str, middle: str, inner: str) -> None:
    """Third and fourth derivatives of a sum of x^5, whichever way they are taken: diagonals of 60 x^2 and 120 x."""
    F = tcalc.func
    x = tcalc.tensor([1.0, -0.5], dtype=tcalc.float64)
    found = getattr(F, outer)(getattr(F, middle)(getattr(F, inner)(lambda t: (t**5).sum())))(x)
    order = 4 if middle == "hessian" else 3
    expected = tcalc.zeros((2,) * order, dtype=tcalc.float64)
    for i in range(2):
        expected[(i,) * order] = 60 * x[i] ** 2 if order == 3 else 120 * x[i]
    assert tcalc.allclose(found, expected)


def test_the_module_comes_back_after_an_error() -> None:
    linear = tcalc.nn.Linear(2, 1)
    kept = linear.weight
    with pytest.raises(RuntimeError):
        tcalc.func.functional_call(linear, {"weight": tcalc.ones(1, 2)}, tcalc.ones(3))
    assert linear.weight is kept
    assert isinstance(linear.weight, tcalc.nn.Parameter)


def test_tied_parameters_are_replaced_together() -> None:
    first, second = (tcalc.nn.Linear(2, 2, bias=False) for _ in range(2))
    first.weight.data = tcalc.eye(2)
    second.weight = first.weight
    both = tcalc.nn.Sequential(first, second)
    x = tcalc.tensor([1.0, 2.0])
    assert tcalc.func.functional_call(both, {"0.weight": 2 * tcalc.eye(2)}, x).tolist() == [4, 8]
    assert tcalc.func.functional_call(both, {"0.weight": 2 * tcalc.eye(2)}, x, tie_weights=False).tolist() == [2, 4]
