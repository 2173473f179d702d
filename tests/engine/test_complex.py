"""Complex numbers: conjugate views and what they share, writes through parts, gradients by torch's convention, refusals, printing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tcalc as torch
from tcalc.engine.errors import TensorError


def z() -> Any:
    return torch.tensor([1 + 2j, 3 - 4j])


def names(tensor: Any) -> list[str]:
    """The nodes from a tensor's history down its first edges."""
    found, node = [], tensor.grad_fn
    while node is not None:
        found.append(node.name().rpartition(":")[2])
        node = next((edge for edge, _ in node.next_functions if edge is not None), None)
    return found


# --- conjugate and negative views -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "lazy"),
    [
        (lambda c: c, "conj"),
        (lambda c: c[0], "conj"),
        (lambda c: c[-1:], "conj"),
        (lambda c: c.view(2, 1).t(), "conj"),
        (lambda c: c.split(1)[1], "conj"),
        (lambda c: c.unbind()[0], "conj"),
        (lambda c: c.expand(3, 2), "conj"),
        (lambda c: c.as_strided((2,), (1,)), "conj"),
        (lambda c: c.detach(), "conj"),
        (lambda c: c.contiguous(), "conj"),
        (lambda c: c.conj(), ""),
        (lambda c: c.real, ""),
        (lambda c: c.imag, "neg"),
        (lambda c: c.imag.conj(), "neg"),
        (lambda c: c.view(2, 1).mH, ""),
        (lambda c: c.clone(), ""),
        (lambda c: c + 1, ""),
        (lambda c: c.resolve_conj(), ""),
        (lambda c: c.imag.resolve_neg(), ""),
    ],
)
def test_which_views_carry_the_bit(view: Callable[[Any], Any], lazy: str) -> None:
    shown = view(z().conj())
    assert (shown.is_conj(), shown.is_neg()) == (lazy == "conj", lazy == "neg")
    assert view(torch.tensor([1 - 2j, 3 + 4j])).tolist() == shown.tolist()


def test_a_conjugate_is_a_view_both_ways() -> None:
    x = z()
    c = x.conj()
    assert c.data_ptr() == x.data_ptr()
    assert c._base is x
    c[0] = 5 + 1j
    assert x.tolist() == [5 - 1j, 3 - 4j]
    c.mul_(2j)
    assert x.tolist() == [-2 - 10j, -8 - 6j]
    c.imag.add_(1)
    assert x.tolist() == [-2 - 11j, -8 - 7j]
    x.real = torch.tensor([9.0, 8.0])
    x.imag = 3
    assert (x.tolist(), c.tolist()) == ([9 + 3j, 8 + 3j], [9 - 3j, 8 - 3j])
    torch.add(x, 1, out=c)
    assert c.tolist() == [10 + 3j, 9 + 3j]
    assert x._version == 6


def test_numpy_refuses_what_the_memory_does_not_hold() -> None:
    with pytest.raises(TensorError, match=r"conjugate bit set\. Use tensor\.resolve_conj\(\)\.numpy\(\)"):
        z().conj().numpy()
    with pytest.raises(TensorError, match=r"negative bit set\. Use tensor\.resolve_neg\(\)\.numpy\(\)"):
        z().conj().imag.numpy()
    assert z().conj().numpy(force=True).tolist() == [1 - 2j, 3 + 4j]


def test_a_real_tensor_is_its_own_conjugate() -> None:
    x = torch.ones(2)
    assert all(same is x for same in (x.conj(), x.real, x.resolve_conj(), x.resolve_neg(), x.conj_physical()))
    with pytest.raises(TensorError, match="imag is not implemented for tensors with non-complex dtypes"):
        torch.imag(x)


# --- gradients --------------------------------------------------------------------------------------------------------


def test_the_gradient_is_the_conjugate_of_the_derivative() -> None:
    x = z().requires_grad_()
    (x * x).sum().abs().backward()
    total = (1 + 2j) ** 2 + (3 - 4j) ** 2
    for got, value in zip(x.grad.tolist(), (1 + 2j, 3 - 4j), strict=True):
        assert abs(got - total / abs(total) * (2 * value).conjugate()) < 1e-5


def test_a_real_operand_gets_the_real_part() -> None:
    r = torch.tensor([2.0], requires_grad=True)
    (r * (3 + 4j)).backward(torch.tensor([1 + 1j]))
    assert r.grad.tolist() == [7.0]


def test_only_real_scalars_start_by_themselves() -> None:
    with pytest.raises(TensorError, match=r"only for real scalar outputs but got torch\.complex64"):
        z().requires_grad_().sum().backward()


def test_writes_through_conjugates_and_parts_are_history() -> None:
    """Gradients as torch 2.13 gave them."""
    x = z().requires_grad_()
    w = x * 1
    c = w.conj()
    c.mul_(2j)
    assert names(w)[0] == "CopySlices"
    assert names(c)[:2] == ["ConjBackward0", "CopySlices"]
    (w * w).sum().abs().backward()
    assert close(x.grad, [-17.8885 + 0j, 17.8885 - 35.7771j])

    x = z().requires_grad_()
    w = x * 1
    w.real.mul_(3)
    (w * w).sum().abs().backward()
    assert close(x.grad, [5.8571 - 6.9418j, 56.6189 - 5.6402j])

    x = z().requires_grad_()
    w = x * 1
    part, turned = w.real, w.conj()
    w.mul_(2j)
    part.sum().backward(retain_graph=True)
    assert close(x.grad, [-2j, -2j])
    turned.real.sum().backward()
    assert close(x.grad, [-4j, -4j])


def close(tensor: Any, values: list[complex]) -> bool:
    return all(abs(a - b) < 1e-3 for a, b in zip(tensor.tolist(), values, strict=True))


def test_two_ways_to_a_saved_result_add_up() -> None:
    """sign is used by log and saved by slogdet itself: both lead to one place among the gradients of slogdet."""
    a = torch.tensor([[1 + 1j, 2j], [0.5 + 0j, 1 - 1j]], dtype=torch.complex128, requires_grad=True)
    assert torch.autograd.gradgradcheck(torch.logdet, (a,))


def test_phases_are_refused() -> None:
    a = torch.tensor([[2 + 0j, 1j], [-1j, 3 + 0j]], requires_grad=True)
    with pytest.raises(TensorError, match=r"eigenvectors in the complex case are specified up to multiplication by e\^\{i phi\}"):
        torch.linalg.eigh(a)[1].imag.sum().backward()


@pytest.mark.parametrize(("name", "inverse"), [("fft", "ifft"), ("ifft", "fft"), ("rfft", "irfft"), ("ihfft", "hfft")])
@pytest.mark.parametrize("over", ["", "2", "n"])
@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_a_transform_and_its_inverse(name: str, inverse: str, over: str, norm: str) -> None:
    x = torch.arange(12.0).reshape(3, 4)
    there = getattr(torch.fft, name + over)(x, norm=norm)
    assert there.dtype is torch.complex64
    back = getattr(torch.fft, inverse + over)(there, norm=norm)
    assert torch.allclose(back.real, x, atol=1e-4)


# --- printing, as torch 2.13 gave it ----------------------------------------------------------------------------------

PRINTED = [
    ("dict()", "torch.tensor(1+2j)", "tensor(1.+2.j)"),
    ("dict()", "torch.tensor([1+2j, -3.5j])", "tensor([1.+2.0000j, -0.-3.5000j])"),
    (
        "dict()",
        "torch.tensor([[1e-5+2j, 100-1e9j], [0j, -1-1j]])",
        "tensor([[ 1.0000e-05+2.0000e+00j,  1.0000e+02-1.0000e+09j],\n        [ 0.0000e+00+0.0000e+00j, -1.0000e+00-1.0000e+00j]])",
    ),
    ("dict()", "torch.zeros(2, 0, dtype=torch.complex64)", "tensor([], size=(2, 0), dtype=torch.complex64)"),
    (
        "dict()",
        "torch.tensor([complex('nan'), complex(1e10, 1e-9), complex(0, float('inf'))])",
        "tensor([       nan+0.0000e+00j, 1.0000e+10+1.0000e-09j, 0.0000e+00+infj])",
    ),
    ("dict()", "torch.tensor([1+1j], dtype=torch.complex128)", "tensor([1.+1.j], dtype=torch.complex128)"),
    ("dict()", "torch.arange(6).reshape(2, 3) * (1-1j)", "tensor([[0.+0.j, 1.-1.j, 2.-2.j],\n        [3.-3.j, 4.-4.j, 5.-5.j]])"),
    (
        "dict()",
        "torch.arange(1200) * (1+0.5j)",
        "tensor([0.0000e+00+0.0000e+00j, 1.0000e+00+5.0000e-01j, 2.0000e+00+1.0000e+00j,\n         ..., 1.1970e+03+5.9850e+02j, 1.1980e+03+5.9900e+02j,\n        1.1990e+03+5.9950e+02j])",
    ),
    ("dict()", "torch.tensor([complex(-0.0, -0.0)])", "tensor([-0.-0.j])"),
    ("dict()", "torch.tensor([1+2j]).conj()", "tensor([1.-2.j])"),
    ("dict(precision=2)", "torch.tensor([1.23456+2j])", "tensor([1.23+2.j])"),
    ("dict(sci_mode=True)", "torch.tensor([1.5+20j, 300-4j])", "tensor([1.5000e+00+2.0000e+01j, 3.0000e+02-4.0000e+00j])"),
    ("dict(sci_mode=False)", "torch.tensor([1e-5+2j, 1e6j])", "tensor([0.0000+2.j, 0.0000+1000000.j])"),
    (
        "dict(linewidth=40)",
        "torch.arange(6) * (1.5+1j)",
        "tensor([0.0000+0.j, 1.5000+1.j, 3.0000+2.j,\n        4.5000+3.j, 6.0000+4.j, 7.5000+5.j])",
    ),
    (
        "dict(edgeitems=1, threshold=3)",
        "torch.arange(8).reshape(2, 4) * 1j",
        "tensor([[0.+0.j,  ..., 0.+3.j],\n        [0.+4.j,  ..., 0.+7.j]])",
    ),
]


@pytest.fixture
def default_printing() -> Iterator[None]:
    torch.set_printoptions(profile="default")
    yield
    torch.set_printoptions(profile="default")


@pytest.mark.usefixtures("default_printing")
@pytest.mark.parametrize(("options", "source", "text"), PRINTED)
def test_printed_form(options: str, source: str, text: str) -> None:
    torch.set_printoptions(**eval(options))
    assert repr(eval(source)) == text
