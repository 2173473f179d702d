"""One line that asks for too much memory or work is refused, with the size, before anything is allocated."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from tcalc import budget
from tcalc.lang.errors import LangError

pytest.importorskip("numpy")

TOO_MUCH_MEMORY = [
    "zeros(10 ** 12)",
    "ones(10 ** 5, 10 ** 5) @ ones(10 ** 5, 10 ** 5)",
    "ones(10 ** 5, 1) @ ones(1, 10 ** 5)",
    "ones(10 ** 5, 1) + ones(10 ** 5)",
    "torch.empty(10 ** 12)",
    "torch.full((10 ** 12,), 1)",
    "torch.arange(10 ** 12)",
    "torch.linspace(0, 1, 10 ** 12)",
    "torch.eye(10 ** 6)",
    "torch.randperm(10 ** 12)",
    "rand(10 ** 12)",
    "torch.normal(0., 1., (10 ** 12,))",
    "torch.randint(0, 2, (10 ** 12,))",
    "torch.multinomial(ones(3), 10 ** 12, replacement=True)",
    "ones(2).new_zeros(10 ** 12)",
    "torch.Tensor(10 ** 12)",
    "torch.FloatTensor(10 ** 6, 10 ** 6)",
    "cdist(ones(10 ** 5, 1), ones(10 ** 5, 1))",
    "F.pdist(ones(10 ** 6, 1))",
    "torch.cov(ones(10 ** 5, 2))",
    "outer(ones(10 ** 6), ones(10 ** 6))",
    "torch.histogram(rand(3), 10 ** 12)",
    "torch.histc(rand(3), bins=10 ** 12)",
    "bincount(tensor([10 ** 12]))",
    "bincount(tensor([1]), minlength=10 ** 12)",
    "F.unfold(ones(1, 100, 300, 300), 50)",
    "fft.fft(ones(2), n=10 ** 12)",
    "fft.fft2(ones(2, 2), s=(10 ** 6, 10 ** 6))",
    "fft.irfft(ones(2), n=10 ** 12)",
    "fft.fftfreq(10 ** 12)",
    "F.interpolate(ones(1, 1, 2, 2), size=(10 ** 6, 10 ** 6))",
    "F.interpolate(ones(1, 1, 2, 2), size=(10 ** 6, 10 ** 6), mode='bilinear')",
    "F.interpolate(ones(1, 1, 2, 2), scale_factor=10 ** 6)",
    "nn.Upsample(size=10 ** 12)(ones(1, 1, 2))",
    "F.adaptive_avg_pool1d(ones(1, 1, 2), 10 ** 12)",
    "F.affine_grid(ones(1, 2, 3), (1, 1, 10 ** 6, 10 ** 6))",
    "tril_indices(10 ** 6, 10 ** 6)",
    "triu_indices(10 ** 6, 10 ** 6)",
    "nonzero_static(ones(3), size=10 ** 12)",
    "combinations(ones(10 ** 4), 3)",
    "combinations(ones(50), 25)",
    "combinations(ones(3), 10 ** 9, with_replacement=True)",
    "kron(ones(10 ** 4, 10 ** 2), ones(10 ** 4, 10 ** 2))",
    "block_diag(ones(10 ** 6, 1), ones(1, 10 ** 6))",
    "F.one_hot(tensor([10 ** 12]))",
    "F.one_hot(tensor([1]), 10 ** 12)",
    "ones(2).resize_(10 ** 12)",
    "torch.empty_strided((10 ** 6,), (10 ** 9,))",
    "torch.empty_strided((2, 2), (10 ** 18, 1))",
    "torch.hann_window(10 ** 12)",
    "torch.kaiser_window(10 ** 12)",
    "signal.windows.hann(10 ** 12)",
    "signal.windows.general_cosine(10 ** 12, a=[1, 2])",
    "ones(3).repeat(10 ** 12)",
    "ones(3).tile(10 ** 12)",
    "F.pad(ones(3), (10 ** 12, 0))",
    "ones(10 ** 6).diag()",
    "torch.diag_embed(ones(10 ** 6))",
    "torch.vander(ones(10), 10 ** 12)",
    "torch.cat([ones(10 ** 6)] * 1000)",
    "torch.stack([ones(10 ** 6)] * 1000)",
    "torch.tensordot(ones(10 ** 5), ones(10 ** 5), dims=0)",
    "F.conv_transpose1d(ones(1, 1, 10), ones(1, 1, 3), stride=10 ** 9)",
    "F.conv1d(ones(1, 1, 10), ones(1, 1, 3), padding=10 ** 11)",
    "nn.Linear(10 ** 6, 10 ** 6)",
    "nn.Embedding(10 ** 9, 10 ** 3)",
    "nn.LSTM(10 ** 5, 10 ** 5)",
    "nn.TransformerEncoder(nn.TransformerEncoderLayer(2, 1, 2), 2 ** 70)",
    "nn.TransformerDecoder(nn.TransformerDecoderLayer(2, 1, 2), 10 ** 9)",
    "x + 1",
    "x.tolist()",
    "x.unbind()",
    "[v for v in x]",
    "x.split(1)",
    "x.chunk(10 ** 14)",
    "x.tensor_split(10 ** 14)",
    "x.apply_(lambda v: v)",
    "torch.jacobian if 0 else func.jacrev(lambda v: v * 2)(ones(10 ** 5))",
    "func.jacfwd(lambda v: v * 2)(ones(10 ** 5))",
    "torch.autograd.functional.jacobian(lambda v: v * 2, ones(10 ** 6))",
    "torch.set_printoptions(threshold=inf); str(x)",
    "zeros(2 ** 61)",
]
TOO_MUCH_WORK = [
    "x.sum()",
    "x.max()",
    "x.sort()",
    "x.cumsum(0)",
    "x.median()",
    "x.std()",
    "x.norm()",
    "x.clone()",
    "x.equal(x)",
    "x.dot(x)",
    "x.nonzero()",
    "torch.where(x > 0) if 0 else torch.where(m)",
    "torch.argwhere(x)",
    "torch.masked_select(x, m)",
    "m.long() if 0 else i.bincount()",
    "x.unique()",
    "x.fill_(1)",
    "x.zero_()",
    "cartesian_prod(*[ones(100)] * 8)",
    "ones(2)[i]",
    "ones(2).gather(0, i)",
    "torch.take(ones(2), i)",
    "torch.bernoulli(x)",
    "torch.linalg.inv(zeros(1).expand(10 ** 6, 10 ** 6))",
    "zeros(1, requires_grad=True).expand(10 ** 15).backward(x)",
    "ones(10 ** 6).as_strided((10 ** 6, 10 ** 6), (1, 0)).sum()",
    "F.mse_loss(x, x)",
    "zeros(1).expand(10 ** 8, 10 ** 8).mv(x[:10 ** 8])",
    "torch.mvlgamma(ones(2), 2 ** 62)",
    "torch.special.multigammaln(ones(2), 10 ** 15)",
]
UNCOUNTABLE = [
    "zeros(1).expand(10 ** 30)",
    "zeros(2).expand(2 ** 62, 2)",
    "zeros(2 ** 62, 4)",
    "zeros(1).as_strided((2 ** 40, 2 ** 40), (0, 0))",
    "zeros(1, device='meta').expand(2 ** 62, 4)",
]
ARRAYS = ["a.sum()", "np.sum(a)", "a.fill(1)", "np.add(x, 1)", "list(a)"]


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    """A quarter of a GiB."""
    budget.limit_memory(1 << 28)
    yield
    budget.limit_memory(None)


@pytest.fixture
def calculator(program: Any) -> Iterator[Any]:
    """A program with vectors of 10**15 elements that take none of it."""
    program("x = zeros(1).expand(10 ** 15); i = zeros(1, dtype=int64).expand(10 ** 15); m = tensor(True).expand(10 ** 15)")
    yield program
    program("torch.set_printoptions(profile='default')")


def refused(program: Any, text: str) -> str:
    """The one line that refuses a text, soon and without much memory."""
    tracemalloc.start()
    start = time.perf_counter()
    try:
        with pytest.raises((RuntimeError, TypeError, LangError)) as caught:
            program(text)
        assert time.perf_counter() - start < 10
        assert tracemalloc.get_traced_memory()[1] < 1 << 29
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("text", TOO_MUCH_MEMORY)
def test_memory(calculator: Any, text: str) -> None:
    message = refused(calculator, text)
    assert "you tried to allocate" in message or "overflow" in message


@pytest.mark.parametrize("text", TOO_MUCH_WORK)
def test_work(calculator: Any, text: str) -> None:
    assert "elements, more than this machine could visit" in refused(calculator, text)


@pytest.mark.parametrize("text", UNCOUNTABLE)
def test_sizes_that_cannot_be_counted(program: Any, text: str) -> None:
    assert "overflow" in refused(program, text).lower()


@pytest.mark.parametrize("text", ARRAYS)
def test_arrays_that_show_few_bytes_often(calculator: Any, text: str) -> None:
    with pytest.raises(LangError, match="an array of 1000000000000000 elements"):
        calculator(f"a = x.numpy(); {text}")


@pytest.mark.parametrize(
    "text", ["torch.set_printoptions(precision=10 ** 9)", "torch.set_printoptions(precision=True)", "torch.set_printoptions(edgeitems=-1)"]
)
def test_print_options(program: Any, text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        program(text)


OUT_OF_BOUNDS = [
    "t.as_strided((5,), (2,))",
    "t.as_strided((2,), (10 ** 18,))",
    "t.as_strided((1,), (1,), 6)",
    "t.as_strided((2,), (1,), -1)",
    "t.as_strided((2,), (-1,))",
    "t.as_strided((2,), (2 ** 62,))",
    "torch.as_strided_copy(t, (7,), (1,))",
    "zeros(2).set_(t, 0, (7,), (1,))",
    "zeros(2).set_(t, 5, (2,), (1,))",
    "zeros(2).set_(t, -1, (2,), (1,))",
    "zeros(2).set_(t, 0, (2,), (10 ** 18,))",
    "t.resize_(-1)",
    "t.unfold(0, 7, 1)",
    "t.unfold(0, 2, 0)",
    "t.unfold(0, -1, 1)",
    "t.unfold(0, 2, -1)",
    "t[6]",
    "t[-7]",
    "t[tensor([6])]",
    "t[tensor([-7])]",
    "t[[0, 6]]",
    "t[tensor([True])]",
    "t.gather(0, tensor([6]))",
    "t.gather(0, tensor([-1]))",
    "t.scatter(0, tensor([6]), 1.)",
    "t.scatter_(0, tensor([-1]), 1.)",
    "t.scatter_add_(0, tensor([6]), ones(1))",
    "t.scatter_reduce_(0, tensor([6]), ones(1), 'sum')",
    "t.index_add_(0, tensor([6]), ones(1))",
    "t.index_copy_(0, tensor([6]), ones(1))",
    "t.index_fill_(0, tensor([6]), 1.)",
    "t.index_select(0, tensor([6]))",
    "t.index_put_((tensor([6]),), tensor(1.))",
    "t.put_(tensor([6]), tensor([1.]))",
    "t.put_(tensor([-7]), tensor([1.]))",
    "t.take(tensor([6]))",
    "t.take(tensor([-7]))",
    "t.narrow(0, 5, 2)",
    "t.select(0, 6)",
    "t[::-1]",
    "F.embedding(tensor([6]), ones(2, 2))",
    "F.one_hot(tensor([3]), 2)",
    "F.nll_loss(ones(1, 2), tensor([5]))",
    "F.cross_entropy(ones(1, 2), tensor([5]))",
    "F.max_unpool1d(ones(1, 1, 1), tensor([[[9]]]), 2)",
    "t.as_strided_((7,), (1,))",
    "t.diagonal_scatter(ones(9))",
    "t.masked_scatter_(tensor([True] * 6), ones(2))",
    "t.repeat_interleave(tensor([-1] * 6))",
    "t.view(7)",
    "t.view(int16).view(5)",
]


@pytest.mark.parametrize("text", OUT_OF_BOUNDS)
def test_out_of_bounds_is_refused_and_changes_nothing(program: Any, text: str) -> None:
    program("t = arange(6.)")
    with pytest.raises((RuntimeError, IndexError, ValueError, TypeError)) as caught:
        program(text)
    assert str(caught.value)
    assert program("t.tolist()") == "[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]\n"


@pytest.mark.parametrize(
    "text",
    [
        "empty(1000)",
        "torch.empty_like(ones(1000))",
        "torch.empty_strided((1000,), (1,))",
        "ones(2).new_empty(1000)",
        "zeros(1).resize_(1000)",
        "torch.Tensor(1000)",
    ],
)
def test_fresh_memory_is_zero(program: Any, text: str) -> None:
    assert program(f"({text} == 0).all().item()") == "True\n"
