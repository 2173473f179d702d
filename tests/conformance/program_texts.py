"""Small programs for what op_db has no samples of: creation, random numbers, indexing, in-place writes, views, aliases, errors.

One program a line, `NAME: program`; statements are parted by `; `, the last is an expression whose value is compared. `#` opens a comment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from program_texts_complex import COMPLEX
from program_texts_nn import NETWORKS

from tcalc.engine import namespace

TEXT = """
# --- creation
zeros: zeros(2, 3)
zeros: zeros((2, 3), dtype=int64)
zeros: zeros([0, 3])
zeros: zeros(())
zeros: zeros(2, requires_grad=True)
zeros: zeros(2, dtype=int64, requires_grad=True)
zeros: zeros(-1)
zeros: zeros(2.5)
zeros: zeros('a')
zeros: zeros(2, 3, device='meta')
zeros: o = ones(5); zeros(2, 3, out=o); o
zeros: zeros(2, dtype=bfloat16)
ones: ones(2, 3)
ones: ones(3, dtype=bool)
ones: ones(torch.Size([2]), dtype=float16)
ones: ones(2, -3)
empty: empty(2, 3).shape
empty: empty(2, dtype=uint8).dtype
full: full((2, 2), 7)
full: full((2,), 7.5)
full: full((2,), True)
full: full((2, 2), 7, dtype=float32)
full: full((), 3)
full: full(2, 3)
full: full((2,), tensor(4.))
eye: eye(3)
eye: eye(2, 4, dtype=int64)
eye: eye(0)
eye: eye(-1)
eye: eye(2, -1)
arange: arange(5)
arange: arange(5.)
arange: arange(1, 10, 3)
arange: arange(1., 2., 0.3)
arange: arange(10, 0, -3)
arange: arange(0)
arange: arange(5, dtype=float32)
arange: arange(3, requires_grad=True)
arange: arange(3., requires_grad=True)
arange: arange(0, 1, 0.1, dtype=float64)
arange: arange(5, 1)
arange: arange(1, 5, 0)
arange: arange(1, 5, -1)
arange: arange(start=2, end=6)
arange: arange(0, 3, 1.5, dtype=int64)
arange: arange(float('inf'))
linspace: linspace(0, 1, 5)
linspace: linspace(0, 10, 7, dtype=float64)
linspace: linspace(3, -3, 4)
linspace: linspace(0, 1, 1)
linspace: linspace(0, 1, 0)
linspace: linspace(0, 10, 4, dtype=int64)
linspace: linspace(start=1, end=2, steps=3)
linspace: linspace(0, 1, -1)
logspace: logspace(0, 2, 3)
logspace: logspace(0, 3, 4, base=2)
logspace: logspace(-1, 1, 5, dtype=float64)
zeros_like: zeros_like(ones(3, 2).t())
zeros_like: zeros_like(ones(3, 2).t(), memory_format=contiguous_format)
zeros_like: zeros_like(ones(4, 6)[:, ::2])
zeros_like: zeros_like(ones(3, 1).expand(3, 4))
ones_like: ones_like(ones(2, 3), dtype=int64)
ones_like: ones_like(tensor([True]), dtype=float32, requires_grad=True)
full_like: full_like(ones(2, 3).t(), 5)
full_like: full_like(tensor([1, 2]), 2.5)
empty_like: empty_like(ones(2, 3).t()).stride()
empty_like: empty_like(ones(2, 4)[:, ::2]).stride()
new_zeros: ones(1, dtype=float64).new_zeros(2, 3)
new_zeros: tensor([1]).new_zeros((2,), dtype=float32, requires_grad=True)
new_ones: ones(1).new_ones(2)
new_full: tensor([1]).new_full((2, 2), 3)
new_full: tensor([1.]).new_full((2,), 3, dtype=int64)
new_empty: ones(1).new_empty(2, 3).shape
new_zeros: ones(2).new_tensor([1, 2])
zeros: tensor([[1, 2], [3, 4]])
zeros: tensor([1.5, 2, True])
zeros: tensor([])
zeros: tensor([[], []])
zeros: tensor(3)
zeros: tensor([1, 2], dtype=float64, requires_grad=True)
zeros: tensor([[1, 2], [3]])
zeros: tensor([1, 'a'])
zeros: tensor([1, 2], requires_grad=True)
zeros: tensor([300], dtype=uint8)
zeros: tensor(tensor([1., 2.]))
zeros: tensor([tensor(1), tensor(2)])
zeros: as_tensor([1, 2])
zeros: x = ones(2); as_tensor(x) is x
zeros: scalar_tensor(3)
zeros: complex(1, 2) if False else ones(1)
# --- random: torch's streams
rand: manual_seed(1); rand(3)
rand: manual_seed(1); rand(20)
rand: manual_seed(1); rand(2, 3, dtype=float64)
rand: manual_seed(1); rand(2, dtype=int64)
rand: manual_seed(1); rand(17, dtype=float16)
rand: manual_seed(1); rand(3, requires_grad=True)
randn: manual_seed(1); randn(3)
randn: manual_seed(1); randn(16)
randn: manual_seed(1); randn(33)
randn: manual_seed(1); randn(4, 5, dtype=float64)
randn: manual_seed(1); randn(2, 3, requires_grad=True)
randint: manual_seed(1); randint(10, (5,))
randint: manual_seed(1); randint(-5, 5, (2, 3))
randint: manual_seed(1); randint(0, 2**40, (4,))
randint: manual_seed(1); randint(3, 3, (2,))
randint: manual_seed(1); randint(0, 10, (4,), dtype=float32)
randperm: manual_seed(1); randperm(10)
randperm: manual_seed(1); randperm(0)
randperm: manual_seed(1); randperm(5, dtype=float32)
rand_like: manual_seed(1); rand_like(ones(3, 2).t())
randn_like: manual_seed(1); randn_like(ones(5, 4).t())
randint_like: manual_seed(1); randint_like(ones(4), 10)
randint_like: manual_seed(1); randint_like(ones(4), 3, 10)
normal: manual_seed(1); normal(0., 2., (5,))
normal: manual_seed(1); normal(tensor([1., 2.]), tensor([0.5, 1.]))
normal: manual_seed(1); normal(tensor([1., 2.]), 2.)
normal: manual_seed(1); normal(1., tensor([1., 2.]))
normal: manual_seed(1); normal(0., -1., (2,))
bernoulli: manual_seed(1); bernoulli(full((5,), 0.5))
bernoulli: manual_seed(1); bernoulli(full((20,), 0.3, dtype=float64))
bernoulli: manual_seed(1); bernoulli(full((3,), 1.5))
multinomial: manual_seed(1); multinomial(tensor([0.1, 0.2, 0.7]), 5, replacement=True)
multinomial: manual_seed(1); multinomial(tensor([0.1, 0.2, 0.7]), 2)
multinomial: manual_seed(1); multinomial(tensor([[0.5, 0.5], [1., 0.]]), 1)
multinomial: multinomial(tensor([0.1, 0.2]), 5)
multinomial: multinomial(tensor([-1., 2.]), 1)
poisson: manual_seed(1); poisson(tensor([1., 5., 20.]))
poisson: poisson(tensor([-1.]))
binomial: manual_seed(1); binomial(tensor([5., 30.]), tensor([0.2, 0.7]))
binomial: binomial(tensor([5]), tensor([0.2]))
svd_lowrank: manual_seed(1); x = rand(4, 3, dtype=float64); u, s, v = svd_lowrank(x, q=2); s, u @ diag(s) @ v.mT, u.shape, v.shape
svd_lowrank: manual_seed(1); x = rand(2, 3, 4, dtype=float64); u, s, v = svd_lowrank(x, q=3, M=ones(1, 4, dtype=float64)); s, u @ diag_embed(s) @ v.mT
pca_lowrank: manual_seed(1); x = rand(4, 3, dtype=float64, requires_grad=True); u, s, v = pca_lowrank(x); s.sum().backward(); s, u @ diag(s) @ v.mT, x.grad
pca_lowrank: manual_seed(1); pca_lowrank(rand(4, 3, dtype=float64), q=2, center=False, niter=1)[1]
pca_lowrank: pca_lowrank(ones(3, 2), q=5)
pca_lowrank: pca_lowrank(ones(3, 2), niter=-1)
_lu_with_info: lu(tensor([[0., 2.], [4., 0.]]), get_infos=True)
orgqr: a, tau = geqrf(tensor([[3., 1.], [4., 5.]])); orgqr(a, tau), a.orgqr(tau)
bartlett_window: bartlett_window(5), bartlett_window(6, False, dtype=float64), bartlett_window(0), bartlett_window(1)
bartlett_window: bartlett_window(-1)
blackman_window: blackman_window(6, dtype=float64), blackman_window(7, False, dtype=float16)
hamming_window: hamming_window(5), hamming_window(6, False, 0.3, 0.2), hamming_window(4, dtype=bfloat16)
hann_window: hann_window(5), hann_window(6, periodic=False, dtype=float64), hann_window(3, requires_grad=True)
hann_window: hann_window(4, dtype=int64)
kaiser_window: kaiser_window(5, dtype=float64), kaiser_window(6, False, 3.0, dtype=float64)
uniform_: manual_seed(1); zeros(4).uniform_(-1, 1)
uniform_: manual_seed(1); zeros(3, 2).t().uniform_()
uniform_: zeros(2).uniform_(1, 0)
uniform_: zeros(2, dtype=int64).uniform_()
normal_: manual_seed(1); zeros(5).normal_(1, 2)
normal_: manual_seed(1); zeros(20).normal_()
normal_: manual_seed(1); zeros(4, 5).t().normal_()
normal_: zeros(3).normal_(0, -1)
random_: manual_seed(1); zeros(5).random_(10)
random_: manual_seed(1); zeros(5, dtype=int64).random_()
random_: manual_seed(1); zeros(5, dtype=int32).random_(2, 9)
random_: zeros(2).random_(5, 2)
bernoulli_: manual_seed(1); zeros(6).bernoulli_(0.4)
bernoulli_: manual_seed(1); zeros(3).bernoulli_(tensor([0.1, 0.9, 0.5]))
bernoulli_: zeros(2).bernoulli_(2)
exponential_: manual_seed(1); zeros(5).exponential_(2.)
exponential_: zeros(2).exponential_(-1)
geometric_: manual_seed(1); zeros(5).geometric_(0.3)
geometric_: zeros(2).geometric_(0)
cauchy_: manual_seed(1); zeros(5).cauchy_()
log_normal_: manual_seed(1); zeros(5).log_normal_()
dropout: manual_seed(1); nn.functional.dropout(ones(10), 0.5)
dropout: manual_seed(1); nn.functional.dropout(ones(3, 4).t(), 0.2)
dropout: x = ones(3, requires_grad=True); manual_seed(1); nn.functional.dropout(x, 0.5)
dropout: x = ones(3, requires_grad=True); nn.functional.dropout(x, 0.5, training=False) is x
dropout: nn.functional.dropout(ones(3), 1.5)
dropout: nn.functional.dropout(ones(3), 1.0)
dropout2d: manual_seed(1); nn.functional.dropout2d(ones(2, 3, 2, 2), 0.4)
dropout2d: manual_seed(1); x = ones(2, 3, 1, 2, requires_grad=True); y = nn.functional.dropout2d(x, 0.4); y.sum().backward(); y, x.grad
dropout2d: manual_seed(1); x = ones(2, 3, 1, 2); nn.functional.dropout2d(x, 0.4, True, True); x
dropout2d: nn.functional.dropout2d(ones(2, 3), 1.5)
dropout1d: manual_seed(1); nn.functional.dropout1d(ones(5, 2), 0.4)
dropout1d: manual_seed(1); nn.functional.dropout1d(ones(2, 5, 2), 0.4)
dropout1d: nn.functional.dropout1d(ones(2))
alpha_dropout: manual_seed(1); nn.functional.alpha_dropout(ones(6), 0.3, True)
alpha_dropout: manual_seed(1); x = ones(2, 3, requires_grad=True); y = nn.functional.alpha_dropout(x, 0.3, True); y.sum().backward(); y, x.grad
alpha_dropout: manual_seed(1); x = ones(6); nn.functional.alpha_dropout(x, 0.3, True, True); x
feature_alpha_dropout: manual_seed(1); nn.functional.feature_alpha_dropout(ones(2, 3, 2), 0.3, True)
feature_alpha_dropout: nn.functional.feature_alpha_dropout(ones(2), 0.3, True)
rrelu: manual_seed(1); nn.functional.rrelu(tensor([-1., 2., -3., 0.]), training=True)
rrelu: manual_seed(1); x = (arange(12.) - 6).reshape(3, 4).t().requires_grad_(); y = nn.functional.rrelu(x, 0.1, 0.9, True); y.backward(ones(4, 3)); y, x.grad
rrelu: x = tensor([-1., 2., -3.], requires_grad=True); y = nn.functional.rrelu(x); y.sum().backward(); y, x.grad
rrelu: x = tensor([-1., 2.]); nn.functional.rrelu(x, 0.25, 0.75, False, True); x
rrelu: nn.functional.rrelu(tensor([-1., 2.]), 0.75, 0.25, True)
rrelu: nn.functional.rrelu(tensor([1, 2]))
dropout: manual_seed(1); x = ones(4); nn.functional.dropout(x, 0.5, inplace=True); x
# --- writes
copy_: zeros(2, 3).copy_(ones(3))
copy_: zeros(2, dtype=int64).copy_(tensor([1.7, -2.7]))
copy_: x = zeros(3, requires_grad=True); y = x.clone(); y.copy_(ones(3)); y
copy_: x = ones(3, requires_grad=True); zeros(3).copy_(x)
copy_: x = ones(2, 1, requires_grad=True); zeros(2, 3).copy_(x)
copy_: x = ones(3, requires_grad=True); zeros(3, dtype=float64).copy_(x)
copy_: zeros(2).copy_(ones(3))
copy_: zeros(2).copy_(ones(2, 2))
copy_: ones(3, requires_grad=True).copy_(zeros(3))
copy_: zeros(1).expand(3).copy_(ones(3))
copy_: x = arange(6.).view(2, 3); x.t().copy_(x.t() + 1); x
fill_: zeros(2, 3).fill_(3)
fill_: zeros(2, dtype=int64).fill_(3.7)
fill_: zeros(2).fill_(tensor(4.))
fill_: x = ones(3, requires_grad=True); y = x * 2; y.fill_(1); y
fill_: x = ones(3, requires_grad=True); y = x * 2; y[0].fill_(5); y
fill_: ones(3, requires_grad=True).fill_(1)
fill_: zeros(1).expand(3).fill_(2)
fill_: zeros(3).fill_(ones(3))
zero_: ones(2, 3).zero_()
zero_: x = ones(3, requires_grad=True); y = x * 2; y.zero_(); y
zero_: x = ones(3, requires_grad=True); y = x * 2; y[1:].zero_(); y
zero_: ones(2, requires_grad=True).zero_()
add: x = ones(3, requires_grad=True); y = x * 2; y += 1; y
add: x = ones(3, requires_grad=True); y = x * 2; y[0] += 1; y
add: x = ones(3, requires_grad=True); y = (x * 2).view(3, 1); z = y[0]; z.mul_(3); y
add: x = ones(3, requires_grad=True); y = x.clone(); z = y[1:]; z.add_(1); (y, z)
add: x = ones(3, requires_grad=True); y = x.clone(); z = y[1:]; y.add_(1); z
add: x = ones(2, 3, requires_grad=True); y = x.clone(); a, b = y.unbind(); a.add_(1)
add: x = ones(3, requires_grad=True); x.add_(1)
add: x = ones(3, requires_grad=True); x[0].add_(1)
add: x = ones(3); x += 1.5; x
add: x = tensor([1, 2]); x += 1.5; x
add: x = tensor([1, 2]); x /= 2; x
add: x = ones(2); x += ones(3, 2); x
add: ones(3) + 'a'
add: ones(3) + None
add: ones(3) + [1, 2, 3]
add: ones(3) + ones(2)
add: add(1, 2)
add: add(ones(2))
add: add(ones(2), 1, 2)
add: add(ones(2), 1, beta=2)
add: add(ones(2), 'x')
add: 1 + ones(2)
add: add(ones(2), ones(2), alpha=3)
add: add(tensor([1]), tensor([2]), alpha=1.5)
add: add(tensor([True]), tensor([True]))
add: tensor([True]) + True
add: tensor([1]) + tensor(1.5)
add: tensor(1) + tensor([1.5], dtype=float16)
add: tensor([1], dtype=uint8) + tensor([1], dtype=int8)
add: tensor([250], dtype=uint8) + 10
add: tensor([1.], dtype=bfloat16) + tensor([1.], dtype=float16)
add: ones(2, dtype=float64) + tensor(1., dtype=float32)
sub: 5 - arange(3)
sub: tensor([True]) - tensor([True])
sub: tensor([True]) - 1
sub: 1 - tensor([True])
mul: 3 * ones(2)
mul: tensor([1, 2]) * 2.5
mul: tensor([True, False]) * 3
div: 1 / arange(1, 4)
div: 7 // tensor([2, -2])
div: tensor([7, -7]) // 2
div: tensor([7., -7.]) // 2
div: tensor([7]) // 0
div: tensor([1]) / 0
div: tensor([7, -7]) % 3
div: -7 % tensor([3])
div: 2 ** tensor([1., 2.])
div: 2 ** tensor([1, 2])
pow: tensor([1, 2]) ** -1
pow: tensor([2., 3.], requires_grad=True) ** 2
pow: tensor([2., 3.]) ** 0.5
pow: x = tensor([0., 2.], requires_grad=True); x ** 3
pow: x = tensor([0., 2.], requires_grad=True); x ** 0
pow: x = tensor([1., 2.], requires_grad=True); 3 ** x
pow: x = tensor([1., 2.], requires_grad=True); x ** x
pow: pow(2, tensor([1., 2.]))
pow: tensor([2]) ** 2.5
eq: ones(2) == ones(2)
eq: ones(2) == 'a'
eq: ones(2) != None
eq: (ones(2) == 1).sum()
lt: tensor([1, 2]) < 1.5
lt: ones(2) < 'a'
lt: ones(2) < ones(3)
bitwise_and: tensor([6, 5]) & 4
bitwise_and: tensor([True]) & tensor([False])
bitwise_and: tensor([6.]) & 4
bitwise_not: ~tensor([True, False])
bitwise_not: ~tensor([1.5])
neg: -tensor([1, -2])
neg: -tensor([True])
positive: +tensor([1, -2])
abs: abs(tensor([-1., 2.])) if False else tensor([-1., 2.]).abs()
# --- indexing
select: x = arange(12.).view(3, 4); x[0]
select: x = arange(12.).view(3, 4); x[-1, 2]
select: x = arange(12.).view(3, 4); x[3]
select: x = arange(12.).view(3, 4); x[0, 4]
select: x = arange(12.).view(3, 4); x[0, 0, 0]
select: tensor(1.)[0]
select: tensor(1.)[...]
select: tensor(1.)[None]
select: x = arange(12.).view(3, 4); x[1:]
select: x = arange(12.).view(3, 4); x[:, 1:3]
select: x = arange(12.).view(3, 4); x[::2, ::3]
select: x = arange(12.).view(3, 4); x[::-1]
select: x = arange(12.).view(3, 4); x[5:]
select: x = arange(12.).view(3, 4); x[2:1]
select: x = arange(12.).view(3, 4); x[..., 0]
select: x = arange(12.).view(3, 4); x[..., None]
select: x = arange(12.).view(3, 4); x[None, :, None]
select: x = arange(12.).view(3, 4); x[..., ...]
select: x = arange(12.).view(3, 4); x[[0, 2]]
select: x = arange(12.).view(3, 4); x[[0, 2], [1, 3]]
select: x = arange(12.).view(3, 4); x[tensor([0, 2])]
select: x = arange(12.).view(3, 4); x[tensor([[0, 2], [1, 1]])]
select: x = arange(12.).view(3, 4); x[:, tensor([3, 0])]
select: x = arange(12.).view(3, 4); x[tensor([0, 1]), 1:]
select: x = arange(24.).view(2, 3, 4); x[tensor([0, 1]), :, tensor([1, 2])]
select: x = arange(24.).view(2, 3, 4); x[:, tensor([0, 1]), tensor([1, 2])]
select: x = arange(24.).view(2, 3, 4); x[0, tensor([0, 1])]
select: x = arange(24.).view(2, 3, 4); x[tensor([0, 1]), 0, tensor([1, 2])]
select: x = arange(24.).view(2, 3, 4).transpose(0, 2); x[tensor([0, 1])]
select: x = arange(24.).view(2, 3, 4).transpose(0, 2); x[:, :, tensor([0, 1])]
select: x = arange(12.).view(3, 4); x[x > 5]
select: x = arange(12.).view(3, 4); x[tensor([True, False, True])]
select: x = arange(12.).view(3, 4); x[:, tensor([True, False, True, True])]
select: x = arange(12.).view(3, 4); x[tensor([True, False])]
select: x = arange(12.).view(3, 4); x[tensor([3])]
select: x = arange(12.).view(3, 4); x[tensor([-4])]
select: x = arange(12.).view(3, 4); x[tensor([0, 1]), tensor([0, 1, 2])]
select: x = arange(12.).view(3, 4); x[tensor([1.])]
select: x = arange(12.).view(3, 4); x[1.5]
select: x = arange(12.).view(3, 4); x['a']
select: x = arange(12.).view(3, 4); x[True]
select: x = arange(12.).view(3, 4); x[False]
select: x = arange(12.).view(3, 4); x[tensor(1)]
select: x = arange(12.).view(3, 4); x[tensor(1), tensor(2)]
select: x = arange(12.).view(3, 4); x[tensor(True)]
select: x = arange(12.).view(3, 4); x[()]
select: x = arange(12.).view(3, 4); x[tensor([], dtype=int64)]
select: x = arange(12.).view(3, 4); x[tensor([0, 1], dtype=uint8)]
select: x = arange(12.).view(3, 4); x[tensor([0, 1], dtype=int32)]
select: x = arange(12.).view(3, 4); x[0][1:][::2]
select: x = arange(12., requires_grad=True); x[2]
select: x = ones(3, 4, requires_grad=True); x[1]
select: x = ones(3, 4, requires_grad=True); x[1:, 2]
select: x = ones(3, 4, requires_grad=True); x[1, 2:]
select: x = ones(3, 4, requires_grad=True); x[tensor([0, 0, 1])]
select: x = ones(3, 4, requires_grad=True); x[x > 0]
select: x = ones(3, 4, requires_grad=True); x[None]
select: x = ones(3, 4, requires_grad=True); x[...]
select: x = ones(3, 4, requires_grad=True); x[:]
select: x = ones(3, 4, requires_grad=True); x[:, :]
select: x = ones(3, 4, requires_grad=True); x[1:2, None, ..., ::2]
select: x = ones(3, 4, requires_grad=True); x[:, [0, 0]]
slice: x = arange(12.).view(3, 4); x[0:2, 1:]
slice: x = arange(5); x[-3:-1]
slice: x = arange(5); x[1:100:2]
slice: x = arange(5); x[:0]
slice: x = arange(5); x[tensor(1):tensor(3)]
slice: x = arange(5); x[1.5:]
slice: x = arange(5); x[::0]
index_put: x = zeros(3, 4); x[0] = 1; x
index_put: x = zeros(3, 4); x[0, 1] = 5; x
index_put: x = zeros(3, 4); x[:, 1] = tensor([1., 2., 3.]); x
index_put: x = zeros(3, 4); x[1:] = ones(4); x
index_put: x = zeros(3, 4); x[...] = 7; x
index_put: x = zeros(3, 4); x[:] = arange(4); x
index_put: x = zeros(3, 4); x[tensor([0, 2])] = 5; x
index_put: x = zeros(3, 4); x[[0, 1], [2, 3]] = tensor([1., 2.]); x
index_put: x = zeros(3, 4); x[x == 0] = 3; x
index_put: x = zeros(3, 4); x[tensor([True, False, True])] = arange(4.); x
index_put: x = zeros(3, 4); x[:, tensor([0, 1])] = ones(3, 1); x
index_put: x = zeros(3, 4); x[0] = ones(3); x
index_put: x = zeros(3, 4); x[5] = 1
index_put: x = zeros(3, 4); x[0, 0, 0] = 1
index_put: x = zeros(3, 4); x[tensor([0, 1])] = ones(3, 4)
index_put: x = zeros(3, 4); x[tensor([7])] = 1
index_put: x = zeros(3, 4); x[0] = 'a'
index_put: x = zeros(3, dtype=int64); x[0] = 2.7; x
index_put: x = zeros(3); x[0] = True; x
index_put: x = zeros(3); x[0] = tensor(4); x
index_put: x = zeros(3); x[0] = tensor([4.]); x
index_put: x = zeros(3); x[0] = tensor([4., 5.]); x
index_put: x = zeros(3); x[0] = [1., 2.]; x
index_put: x = zeros(3); x[tensor([0, 1])] = tensor([1, 2]); x
index_put: x = zeros(3); x[tensor([0, 0])] += 1; x
index_put: x = ones(3, requires_grad=True); x[0] = 2
index_put: x = ones(3, requires_grad=True); y = x * 2; y[0] = 2; y
index_put: x = ones(3, requires_grad=True); y = x * 2; y[tensor([0, 2])] = 5; y
index_put: x = ones(3, requires_grad=True); y = zeros(3); y[1] = x[0]; y
index_put: x = ones(2, requires_grad=True); y = zeros(2, 2); y[0] = x; y
index_put: x = ones(2, requires_grad=True); y = zeros(3); y[tensor([0, 2])] = x; y
index_put: x = ones(3, requires_grad=True); y = x * 2; y[y > 1] = 0; y
index_put: x = zeros(2, 3); y = x.t(); y[1] = 4; x
index_put: x = zeros(1).expand(3); x[0] = 1; x
index_put: x = zeros(3); x.index_put_((tensor([0]),), tensor(1.)); x
# --- views
view: x = arange(6.); x.view(2, 3)
view: x = arange(6.); x.view(-1, 2)
view: x = arange(6.); x.view(4)
view: x = arange(6.); x.view(-1, -1)
view: x = arange(6.); x.view(-1, 4)
view: x = arange(6.).view(2, 3).t(); x.view(6)
view: x = arange(6.); x.view(2, -3)
view: x = zeros(0); x.view(-1, 0)
view: x = ones(6, requires_grad=True); x.view(2, 3)
view: x = ones(6, requires_grad=True); x.view((2, 3))
view: x = arange(4.); x.view('a')
view: x = arange(4.); x.view(2, 2.5)
reshape: x = arange(6.).view(2, 3).t(); x.reshape(6)
reshape: x = ones(2, 3, requires_grad=True); x.t().reshape(6)
reshape: x = ones(2, 3, requires_grad=True); x.reshape(6)
reshape: x = ones(2, 3, requires_grad=True); x.t().reshape(3, 2, 1)
reshape: reshape(arange(6.), (7,))
flatten: x = ones(2, 3, 4, requires_grad=True); x.flatten(1)
flatten: x = ones(2, 3, 4, requires_grad=True); x.flatten(0, 1)
flatten: x = ones(3, requires_grad=True); x.flatten() is x
flatten: x = ones(2, 3, requires_grad=True); x.t().flatten()
flatten: ones(2, 3).flatten(1, 0)
permute: x = ones(2, 3, 4, requires_grad=True); x.permute(2, 0, 1)
permute: x = ones(2, 3, 4); x.permute(0, 1)
permute: x = ones(2, 3, 4); x.permute(0, 0, 1)
permute: x = ones(2, 3, 4); x.permute(0, 1, 3)
permute: x = ones(2, 3, requires_grad=True); x.T
permute: x = ones(2, 3, requires_grad=True); x.mT
permute: ones(2).mT
t: ones(2, 3, 4).t()
transpose: x = ones(2, 3, requires_grad=True); x.transpose(0, 1)
transpose: ones(2, 3).transpose(0, 2)
squeeze: ones(1, 3, 1, requires_grad=True).squeeze()
squeeze: ones(1, 3, 1).squeeze(1)
squeeze: ones(1, 3, 1).squeeze((0, 2))
squeeze: ones(1, 3, 1).squeeze(5)
unsqueeze: ones(3, requires_grad=True).unsqueeze(-1)
unsqueeze: ones(3).unsqueeze(3)
expand: ones(3, 1, requires_grad=True).expand(3, 4)
expand: ones(3, 1).expand(2, 3, 4)
expand: ones(3, 1).expand(-1, 4)
expand: ones(3, 1).expand(4, 4)
expand: ones(3, 1).expand(4)
expand: ones(3, 1).expand(-1, 3, 4)
as_strided: arange(6.).as_strided((2, 2), (2, 1))
as_strided: arange(6.).as_strided((2, 2), (1, 1), 1)
as_strided: arange(6.).as_strided((4, 4), (2, 1))
as_strided: arange(6.).as_strided((2,), (1, 1))
as_strided: arange(6.).as_strided((2,), (-1,))
as_strided: ones(6, requires_grad=True).as_strided((2, 2), (1, 1))
as_strided: x = ones(6, requires_grad=True); x[1:].as_strided((2,), (2,))
as_strided: as_strided(arange(6.), [3], [2])
narrow: arange(6.).narrow(0, 1, 2)
narrow: arange(6.).narrow(0, -2, 2)
narrow: arange(6.).narrow(0, 4, 4)
narrow: ones(6, requires_grad=True).narrow(0, 1, 2)
unfold: ones(5, requires_grad=True).unfold(0, 3, 1)
unfold: arange(5.).unfold(0, 6, 1)
diagonal: ones(3, 3, requires_grad=True).diagonal()
diagonal: arange(9.).view(3, 3).diagonal(1)
diagonal: arange(9.).view(3, 3).diagonal(0, 1, 1)
split: arange(5.).split(2)
split: ones(5, requires_grad=True).split(2)
split: ones(5, requires_grad=True).split([2, 3])
split: arange(5.).split([2, 2])
split: arange(5.).split(0)
split: arange(5.).split(-1)
chunk: ones(5, requires_grad=True).chunk(2)
chunk: arange(5.).chunk(0)
unbind: ones(2, 3, requires_grad=True).unbind()
unbind: ones(2, 3).unbind(1)
unbind: tensor(1.).unbind()
unbind: [r.sum() for r in arange(6.).view(2, 3)]
alias: x = ones(3, requires_grad=True); y = x[...]; y.add(1)
clone: ones(2, 3, requires_grad=True).t().clone()
clone: ones(2, 3).t().clone(memory_format=contiguous_format)
clone: ones(2, 4)[:, ::2].clone()
contiguous: x = ones(2, 3, requires_grad=True); x.t().contiguous()
contiguous: x = ones(2, 3); x.contiguous() is x
# --- dtypes and devices
to_copy: x = ones(2, requires_grad=True); x.to(float64)
to_copy: x = ones(2, requires_grad=True); x.double().float()
to_copy: x = ones(2); x.to(float32) is x
to_copy: x = ones(2, 3).t(); x.to(float64)
to_copy: tensor([1.7, -1.7]).long()
to_copy: tensor([0., 2.]).bool()
to_copy: tensor([300, -1]).to(uint8)
to_copy: tensor([1.5]).half()
to_copy: tensor([1.005859375, 3.14159]).bfloat16()
to_copy: ones(2).type(int64)
to_copy: ones(2).type()
to_copy: ones(2).to('cpu')
to_copy: ones(2).to(tensor([1]))
to_copy: ones(2, 4)[:, ::2].to(float64)
cast: x = ones(2, requires_grad=True); x + ones(2, dtype=float64)
move: ones(2, 3).to('meta')
# --- the rest
where: where(tensor([True, False]), 1., 0.)
where: where(tensor([True, False]), tensor([1, 2]), 0.5)
where: x = ones(2, requires_grad=True); where(tensor([True, False]), x, 0.)
where: where(tensor([True, False]))
where: where(tensor([1, 0]), 1, 0)
cat: cat([ones(2), zeros(1, dtype=int64)])
cat: cat((ones(2, 3), ones(2, 2)), 1)
cat: cat([ones(2, 3), ones(3, 2)])
cat: cat([ones(2, 3), ones(2)])
cat: cat([])
cat: cat([tensor(1.), tensor(2.)])
cat: cat(ones(2))
cat: x = ones(2, requires_grad=True); cat([x, x * 2])
cat: x = ones(2, requires_grad=True); y = ones(1, dtype=float64, requires_grad=True); cat([x, y])
cat: cat([ones(2, 3).t(), ones(2, 3).t()])
cat: cat([ones(0), ones(2, 2)])
stack: stack([ones(2), zeros(2)], 1)
stack: stack([ones(2), zeros(3)])
stack: stack([])
stack: x = ones(2, requires_grad=True); stack([x, x])
concat: concat([ones(1), ones(1)])
row_stack: row_stack([ones(2), ones(2)])
inner_vectors: dot(ones(2), ones(2))
linalg_matmul: matmul(ones(2, 2), ones(2))
inverse: inverse(tensor([[2., 0.], [0., 4.]], requires_grad=True))
inverse: tensor([[2., 1.], [1., 4.]]).inverse()
inverse: inverse(zeros(2, 2))
inverse: inverse(ones(2, 3))
linalg_inv: linalg.inv(stack([eye(2), zeros(2, 2)]))
linalg_solve: linalg.solve(zeros(2, 2), ones(2))
linalg_cholesky: linalg.cholesky(-eye(2))
cholesky: cholesky(tensor([[1., 2.], [2., 1.]]))
linalg_lu_factor: linalg.lu_factor(zeros(2, 2))
linalg_matrix_exp: linalg.matrix_exp(tensor([[0., 1.], [0., 0.]], requires_grad=True))
linalg_matrix_exp: linalg.matrix_exp(ones(2, 3))
linalg_matrix_exp: linalg.matrix_exp(ones(2, 2, dtype=int64))
chain_matmul: chain_matmul(ones(2, 3), ones(3, 4), ones(4, 1))
matmul: ones(2, 3) @ ones(4, 5)
matmul: ones(2, 3) @ ones(3)
matmul: ones(2, 3) @ ones(2)
matmul: ones(2, 3) @ 5
matmul: tensor(1.) @ ones(2)
matmul: ones(2, dtype=int64) @ ones(2)
matmul: ones(2, 3, dtype=float64) @ ones(3, 2)
matmul: x = ones(2, 3, requires_grad=True); x @ x.T
matmul: x = ones(2, 2, 3, requires_grad=True); w = ones(3, 2, requires_grad=True); x @ w
matmul: x = ones(2, 2, 3, requires_grad=True); w = ones(3, requires_grad=True); x @ w
matmul: x = ones(2, 2, 3, requires_grad=True); w = ones(2, 3, 2, requires_grad=True); x @ w
matmul: x = ones(3, requires_grad=True); w = ones(3, 2, requires_grad=True); x @ w
matmul: ones(2, 2, 3) @ ones(3, 3, 2)
mm: mm(ones(2, 3), ones(2, 3))
mm: mm(ones(2), ones(2, 3))
bmm: bmm(ones(2, 3), ones(2, 3))
bmm: bmm(ones(2, 3, 4), ones(2, 3, 4))
mv: mv(ones(2, 3), ones(2))
dot: dot(ones(2), ones(3))
dot: dot(ones(2, 2), ones(2))
dot: dot(ones(2), ones(2, dtype=float64))
outer: outer(ones(2), ones(2, 2))
addmm: addmm(ones(3), ones(2, 3), ones(2, 3))
sum: ones(2, 3, requires_grad=True).sum()
sum: ones(2, 3, requires_grad=True).sum(0)
sum: ones(2, 3).sum(dim=(0, 1), keepdim=True)
sum: ones(2, 3).sum(2)
sum: ones(2, 3).sum((0, 0))
sum: tensor([True, True]).sum()
sum: tensor([1, 2], dtype=uint8).sum()
sum: tensor([1., 2.]).sum(dtype=float64)
sum: tensor([1.5]).sum(dtype=int64)
sum: zeros(0).sum()
sum: sum(ones(2), axis=0)
sum: ones(2, 3).sum('a')
mean: tensor([1, 2]).mean()
mean: zeros(0).mean()
mean: ones(2, 3, requires_grad=True).mean(1, keepdim=True)
max: ones(2, 3, requires_grad=True).max()
max: tensor([[1., 5.], [7., 2.]], requires_grad=True).max(1)
max: zeros(0).max()
max: zeros(0, 2).max(0)
max: zeros(0, 2).max(1)
max: ones(2, 3).max(5)
max: max(ones(2), tensor([0., 3.]))
min: tensor([float('nan'), 1.]).min()
argmax: tensor([1, 5, 5]).argmax()
argmax: zeros(0).argmax()
argmax: zeros(2, 0).argmax(1)
argmax: tensor([[1, 5], [7, 2]]).argmax(1, keepdim=True)
argmin: zeros(0).argmin()
argmin: zeros(2, 0).argmin(1)
any: tensor([0, 1]).any()
all: tensor([[True, False]]).all(1)
sort: tensor([3., 1., 2.]).sort()
sort: tensor([3., 1., 2.], requires_grad=True).sort(descending=True)
sort: ones(2, 3).sort(2)
topk: tensor([3., 1., 2.], requires_grad=True).topk(2)
topk: ones(3).topk(4)
cumsum: ones(3, requires_grad=True).cumsum(0)
cumsum: ones(3).cumsum(1)
cumsum: tensor([True, True]).cumsum(0)
gather: gather(ones(2, 2), 1, tensor([[0], [2]]))
gather: gather(ones(2, 2), 1, tensor([0]))
gather: gather(ones(2, 2), 1, ones(2, 2))
gather: gather(ones(2, 2), 2, tensor([[0]]))
scatter: zeros(3).scatter(0, tensor([5]), ones(1))
scatter: zeros(3).scatter(0, tensor([1]), ones(1, dtype=float64))
index_select: index_select(ones(2, 2), 0, tensor([3]))
index_select: index_select(ones(2, 2), 0, tensor([[0]]))
index_select: index_select(ones(2, 2), 3, tensor([0]))
softmax: softmax(ones(3), 0)
softmax: softmax(ones(3), 1)
softmax: softmax(tensor([1, 2]), 0)
softmax: softmax(ones(3))
softmax: nn.functional.softmax(ones(3, requires_grad=True), dim=0)
relu: relu(tensor([-1., 0., 2.], requires_grad=True))
relu: relu(tensor([-1, 2]))
relu: relu(tensor([True]))
relu: tensor([-1., 2.]).relu_()
relu: x = ones(3, requires_grad=True); y = x - 1; y.relu_(); y
relu: nn.functional.relu(tensor([-1., 2.]))
relu: nn.functional.relu(tensor([-1., 2.]), inplace=True)
cross_entropy: nn.functional.cross_entropy(zeros(2, 3, requires_grad=True), tensor([0, 2]))
cross_entropy: nn.functional.cross_entropy(zeros(2, 3), tensor([0, 3]))
cross_entropy: nn.functional.cross_entropy(zeros(2, 3), tensor([0, 1, 2]))
cross_entropy: nn.functional.cross_entropy(zeros(2, 3), tensor([0., 1.]))
mse_loss: nn.functional.mse_loss(zeros(3, requires_grad=True), ones(3))
mse_loss: nn.functional.mse_loss(zeros(3), ones(2))
mse_loss: nn.functional.mse_loss(zeros(3), ones(3), reduction='x')
linear: nn.functional.linear(ones(2, 3, requires_grad=True), ones(4, 3), ones(4))
linear: nn.functional.linear(ones(2, 3), ones(4, 2), ones(4))
clamp: tensor([-1., 0.5, 2.], requires_grad=True).clamp(0, 1)
clamp: clamp(ones(2))
clamp: tensor([1, 5]).clamp(max=2.5)
masked_fill: ones(3).masked_fill(tensor([True, False, True]), 0)
masked_fill: ones(3).masked_fill(tensor([1, 0, 1]), 0)
masked_select: masked_select(arange(3.), tensor([1, 0, 1]))
allclose_tensor: allclose(ones(2), ones(2) + 1e-9)
allclose_tensor: allclose(ones(2), ones(2, dtype=float64))
allclose_tensor: allclose(tensor([1, 2]), tensor([1, 3]))
equal_tensor: equal(ones(2), ones(2))
equal_tensor: equal(ones(2), ones(3))
equal_tensor: ones(2).equal(ones(2, dtype=float64))
allclose_tensor: ones(1).item()
allclose_tensor: ones(2).item()
allclose_tensor: bool(ones(2))
allclose_tensor: float(ones(2))
allclose_tensor: len(tensor(1.))
allclose_tensor: ones(2, 2).tolist()
allclose_tensor: ones(2).size(1)
allclose_tensor: ones(2, 3).size(-1)
allclose_tensor: ones(2).stride(0)
allclose_tensor: is_floating_point(ones(1))
allclose_tensor: can_cast(float32, int64)
allclose_tensor: result_type(tensor([1]), 2.5)
allclose_tensor: promote_types(uint8, int8)
allclose_tensor: broadcast_shapes((2, 1), (3,))
allclose_tensor: broadcast_tensors(ones(2, 1), ones(3))
allclose_tensor: meshgrid(arange(2), arange(3), indexing='ij')
allclose_tensor: std_mean(tensor([1., 3.]))
allclose_tensor: numel(ones(2, 3))
allclose_tensor: finfo(float32).eps
allclose_tensor: iinfo(int8).max
allclose_tensor: 1 in ones(2)
allclose_tensor: x = ones(2, requires_grad=True); x.numpy()
allclose_tensor: x = ones(2, requires_grad=True); x.sum().backward(); x.sum().backward(); x.grad
allclose_tensor: x = ones(2, requires_grad=True); y = (x * x).sum(); y.backward(); y.backward()
allclose_tensor: x = ones(2, requires_grad=True); y = x * x; y.backward()
allclose_tensor: x = ones(2, requires_grad=True); y = x * x; x.detach().add_(1); y.sum().backward()
allclose_tensor: x = ones(2, requires_grad=True); y = x.exp(); y.add_(1); y.sum().backward()
allclose_tensor: ones(2).backward()
allclose_tensor: x = ones(2, requires_grad=True); y = x * 2; autograd.grad(y.sum(), x)
allclose_tensor: x = ones(2, requires_grad=True); z = ones(2, requires_grad=True); autograd.grad((x * 2).sum(), z)
median: median(tensor([1., float('nan'), 2.]))
median: median(tensor([], dtype=int64)), median(tensor([], dtype=bfloat16))
median: x = tensor([3., 1., 2.], requires_grad=True); median(x).backward(); x.grad
median: median(tensor([1., float('nan'), 2., 5.], dtype=bfloat16)), nanmedian(tensor([float('nan'), 2., 1., 5.], dtype=bfloat16))
sort: sort(tensor([float('nan'), 2., 1., float('nan'), 5.], dtype=bfloat16))
topk: topk(tensor([1., float('nan'), 2.], dtype=bfloat16), 2)
matmul: x = ones(2, 2, dtype=float16, requires_grad=True); (x @ x).sum().backward(); x.grad + x.grad
lgamma: x = tensor([1.1, 2.2], dtype=float16, requires_grad=True); torch.autograd.grad(lgamma(x).sum(), x)
histogramdd: histogramdd(ones(2, 3).t(), (tensor([0., 1., 2.]), tensor([0., 1., 2.]))).hist
istft: istft(stft(ones(8), 4, window=ones(4), return_complex=True), 4, window=full((4,), float('nan')))
istft: istft(stft(ones(8), 4, window=ones(4), return_complex=True), 4, window=zeros(4))
dist: dist(arange(3000, dtype=float16) * 0.01, zeros(3000, dtype=float16))
cdist: cdist(ones(2, 2, dtype=float16), ones(2, 2, dtype=float16))
pdist: nn.functional.pdist(ones(3, 2, dtype=float16))
polar: polar(ones(2, dtype=float16), ones(2, dtype=float16))
put: put(zeros(3), tensor([5, -7]), ones(2))
scatter_add: scatter_add(ones(3, dtype=float16) * 1000, 0, zeros(2000, dtype=int64), ones(2000, dtype=float16))
scatter_reduce: scatter_reduce(ones(3, dtype=float16), 0, zeros(30, dtype=int64), full((30,), 1.1, dtype=float16), 'prod')
scatter_reduce: scatter_reduce(zeros(2, dtype=bfloat16), 0, tensor([0, 0]), tensor([1., 2.], dtype=bfloat16), 'mean')
scatter_reduce: scatter_reduce(zeros(2, dtype=complex64), 0, tensor([0, 0]), ones(2, dtype=complex64), 'amax')
index_reduce: index_reduce(zeros(2, 2, dtype=complex64), 0, tensor([0, 0]), ones(2, 2, dtype=complex64), 'amin')
heaviside: x = ones(3, requires_grad=True); heaviside(x, ones(3)).sum().backward()
apply_: x = zeros(2, 3).t(); x.map_(tensor([10., 20.]), lambda a, b: a + b), x._version
select_copy: x = arange(6., requires_grad=True).reshape(2, 3); select_copy(x, 1, -1)
slice_copy: x = arange(6., requires_grad=True); slice_copy(x, 0, 1, 6, 2)
split_copy: x = arange(3., requires_grad=True); split_copy(x, 2)
view_as_real_copy: view_as_real_copy(tensor([1+2j, 3j]))
unsafe_split_with_sizes: x = arange(3., requires_grad=True); a, b = unsafe_split_with_sizes(x * 1, (1, 2)); a.mul_(2); a, b
unsafe_split_with_sizes: unsafe_split_with_sizes(arange(3), (1, 1))
empty_strided: empty_strided((2, 3), (1, 2)).stride(), empty_strided((2, 3), (1, 2), dtype=float64).dtype
empty_strided: empty_strided((2, 3), (1,))
new_empty_strided: ones(1, dtype=float64).new_empty_strided((2, 3), (1, 2)).stride()
empty_permuted: empty_permuted((2, 3, 4), (2, 0, 1)).stride()
empty_permuted: empty_permuted((2, 3), (1, 1))
square_: x = tensor([1., -2.]); x.square_(), x._version
square_: x = tensor([1., -2.], requires_grad=True); (x * 1).square_()
float_power_: tensor([2., 3.], dtype=float64).float_power_(2)
float_power_: tensor([2.], dtype=float64).float_power_(2j)
float_power_: tensor([2.]).float_power_(2)
fill_diagonal_: zeros(7, 3).fill_diagonal_(5, wrap=True)
fill_diagonal_: x = ones(3, 3, requires_grad=True); (x * 1).fill_diagonal_(5.)
fill_diagonal_: zeros(2, 3, 3).fill_diagonal_(5)
map_: tensor([1., 2.]).map_(tensor([10., 20.]), lambda a, b: a + b)
map_: tensor([1., 2.]).map_(ones(2, 2), lambda a, b: a + b)
map_: tensor([1., 2.]).map_(ones(3), lambda a, b: a + b)
set_: x, y = zeros(2), tensor([1., 2., 3.]); x.set_(y), x.data_ptr() == y.data_ptr()
set_: zeros(2).set_(arange(6.), 2, (2, 2), (1, 2))
set_: zeros(2).set_(ones(3, dtype=float64))
lgamma: lgamma(tensor([0., -1., float('inf'), -float('inf')])), mvlgamma(tensor([-float('inf'), 3.]), 2)
trapezoid: trapezoid(ones(3), ones(2))
"""


def programs() -> list[tuple[str, str]]:
    """(name, program) of every line."""
    lines = (line.strip() for line in (TEXT + NETWORKS + COMPLEX).splitlines())
    return [(name, text) for name, _, text in (line.partition(": ") for line in lines if line and not line.startswith("#"))]


def covered() -> set[str]:
    """Names that programs stand for."""
    return {name for name, _ in programs()}


class _Home:
    """tcalc's names as attributes of `torch`."""

    def __getattr__(self, name: str) -> Any:
        return namespace.lookup(name)


def own_names() -> dict[str, Any]:
    """tcalc's torch namespace as a program's globals."""
    table = namespace.table("torch")
    return {name: namespace.lookup(name) if isinstance(v, namespace.Sub) else v for name, v in table.items()} | {"torch": _Home()}


def player(text: str, names: dict[str, Any]) -> tuple[Callable[[], Any], Callable[[], dict[str, Any]]]:
    """(run the program and give its value, its variables) with `names` as globals; Python's float and bool stay Python's."""
    known = {*names, "__builtins__", "float"}
    names["float"] = float
    names["bool"] = names["bool"] if "dtype=bool" in text else bool
    *statements, last = text.split("; ")

    def play() -> Any:
        for statement in statements:
            exec(statement, names)  # our own text, above
        try:
            return eval(last, names)
        except SyntaxError:
            return exec(last, names)

    return play, lambda: {k: v for k, v in names.items() if k not in known}
