"""Small programs with complex numbers: creation and casts, views by conjugation and by parts, writes, gradients, refusals, transforms."""

COMPLEX = """
# --- creation, casts, numbers
tensor: tensor([1+2j, 3-4j])
tensor: tensor([[1, 2], [3j, 4.]])
tensor: tensor(1j, dtype=complex128)
tensor: tensor([1+2j], dtype=float32)
tensor: tensor([1+2j], dtype=int64)
tensor: tensor([1+2j], requires_grad=True)
zeros: zeros(2, dtype=cfloat)
full: full((2,), 1j)
full: full((2,), 1j, dtype=float32)
eye: eye(2, dtype=complex128)
arange: arange(3, dtype=complex64)
arange: arange(0, 3j)
linspace: linspace(0, 1j, 3)
linspace: linspace(0, 1, 3, dtype=complex64)
randn: manual_seed(0); randn(3, dtype=complex64)
randn: manual_seed(0); randn(20, dtype=complex128)
rand: manual_seed(0); rand(3, dtype=complex64)
to: tensor([1+2j]).to(float64)
to: tensor([1., 2.]).to(complex64)
to: tensor([1+2j, 0j]).bool()
to: tensor([1+2j]).cdouble()
to: tensor([1., 2.]).cfloat()
type: tensor([1+2j]).type()
item: tensor(1+2j).item()
tolist: tensor([1+2j]).tolist()
result_type: torch.result_type(tensor([1.], dtype=float64), 1j)
result_type: torch.result_type(tensor([1]), 1j)
promote_types: torch.promote_types(complex64, float64)
can_cast: torch.can_cast(complex64, float64)
dtype: (complex128.to_real(), float32.to_complex(), complex64.is_complex, complex64.itemsize)
dtype: int64.to_complex()
finfo: torch.finfo(complex128).eps
is_complex: (tensor(1j).is_complex(), torch.is_complex(ones(1)), torch.is_conj(tensor(1j).conj()), torch.is_neg(tensor(1j).conj().imag))

# --- arithmetic with numbers
add: tensor([1., 2.]) + 1j
add: tensor([1]) + 1j
add: torch.add(ones(2, dtype=complex64), ones(2), alpha=2j)
add: torch.add(ones(2), ones(2), alpha=2j)
sub: 1j - ones(2)
mul: tensor([1, 2]) * 1j
mul: x = ones(2); x.mul_(1j)
div: 1j / tensor([1., 2.])
pow: tensor([1+1j, 2.]) ** 2
pow: 2j ** tensor([1., 2.])
eq: tensor([1j, 2.]) == 1j
lt: tensor([1j]) < 1
where: torch.where(tensor([True, False]), tensor([1., 2.]), 1j)
masked_fill: ones(2).masked_fill(tensor([True, False]), 1j)
max: tensor([1j]).max()
min: tensor([1j]).min(0)
sort: tensor([1j]).sort()

# --- views by conjugation
conj: x = tensor([1+2j, 3-4j]); c = x.conj(); [c, c.is_conj(), c.data_ptr() == x.data_ptr(), c.resolve_conj().is_conj()]
conj: x = tensor([1+2j, 3-4j]); c = x.conj(); c[0] = 5+1j; [x, c, x._version]
conj: x = tensor([1+2j, 3-4j]); c = x.conj(); c.mul_(2j); [x, c]
conj: x = tensor([1+2j, 3-4j]); c = x.conj(); x.add_(1j); [x, c]
conj: x = tensor([1+2j, 3-4j]); c = x.conj(); c.imag.add_(1); [x, c, c.imag.is_neg()]
conj: x = tensor([[1+2j, 3-4j]]); [v.is_conj() for v in (x.conj().t(), x.conj()[0], x.mH, x.H.mT, x.conj().clone(), x.conj() * 1, x.conj().expand(2, 2), x.conj().detach())]
conj: x = tensor([1+2j], requires_grad=True); c = x.conj(); [c, c.grad_fn.name()]
conj: x = ones(2); x.conj() is x
conj: tensor([1j]).conj().numpy()
conj: x = tensor([1+2j], requires_grad=True); w = x * 1; w.conj().mul_(2j); (w * w).sum().abs().backward(); x.grad
conj: x = tensor([1+2j, 2.], requires_grad=True); w = x * 1; c = w.conj(); w.mul_(2j); y = [c, c.grad_fn.name()]; c.real.sum().backward(); [x.grad, *y]
conj: o = zeros(2, dtype=complex64); c = o.conj(); torch.add(tensor([1j, 2.]), 1, out=c); [o, c]
adjoint: torch.adjoint(tensor([[1+2j, 3j]]))
adjoint: torch.adjoint(ones(2))
adjoint: tensor([[1+2j, 3j]]).mH
adjoint: tensor([1j]).mH
adjoint: tensor([[1+2j, 3j]]).H
adjoint: ones(2, 2, 2).H
adjoint: tensor(1j).H

# --- views by parts
real: x = tensor([1+2j, 3-4j]); x.real.mul_(2); x
real: x = tensor([1+2j, 3-4j]); x.real = tensor([5., 6.]); x
real: x = tensor([1+2j, 3-4j], requires_grad=True); w = x * 1; w.real.mul_(3); (w * w).sum().abs().backward(); x.grad
real: x = tensor([1+2j, 3-4j], requires_grad=True); w = x * 1; r = w.real; w.mul_(2j); r.sum().backward(); x.grad
real: x = tensor([[1+2j, 3-4j]]); [x.real.stride(), x.imag.storage_offset(), x[:, 1:].imag.storage_offset()]
imag: x = tensor([1+2j, 3-4j]); x.imag = 3; x
imag: ones(2).imag
view_as_real: torch.view_as_real(tensor([1+2j]).conj())
view_as_real: x = tensor([1+2j]); torch.view_as_real(x)[0, 1] = 7; x
view_as_complex: torch.view_as_complex(ones(3))
view_as_complex: torch.view_as_complex(ones(2, 2).t())
view_as_complex: x = arange(6.).reshape(3, 2); torch.view_as_complex(x).mul_(1j); x
view_as_complex: x = arange(6., requires_grad=True); w = (x * 1).view(3, 2); torch.view_as_complex(w).mul_(1j); w.sum().backward(); x.grad

# --- gradients
abs: x = tensor([3+4j, 0j], requires_grad=True); x.abs().sum().backward(); x.grad
sum: x = tensor([3+4j], requires_grad=True); (x * x).sum().backward()
mul: x = tensor([2.], requires_grad=True); (x * (3+4j)).backward(tensor([1+1j])); x.grad.tolist()

# --- transforms
fft_fft: torch.fft.fft(arange(5.))
fft_fft: torch.fft.fft(arange(5.), 0)
fft_fft: torch.fft.fft(arange(5.), norm='both')
fft_fft: torch.fft.fft(tensor(1.))
fft_fft: torch.fft.fft(arange(5).to(float16))
fft_rfft: torch.fft.rfft(tensor([1j]))
fft_fftn: torch.fft.fftn(ones(2, 3), dim=(0, 0))
fft_fftn: torch.fft.fftn(ones(2, 3), s=(1, 2, 3))
fft_fftfreq: torch.fft.fftfreq(5)
fft_fftfreq: torch.fft.fftfreq(4, 0.5)
fft_fftfreq: torch.fft.fftfreq(4, 0)
fft_fftfreq: torch.fft.fftfreq(0)
fft_fftfreq: torch.fft.fftfreq(4, dtype=int64)
fft_fftfreq: torch.fft.fftfreq(4, dtype=complex64)
fft_fftfreq: torch.fft.fftfreq(4, requires_grad=True)
fft_fftfreq: torch.fft.fftfreq(-1)
fft_rfftfreq: torch.fft.rfftfreq(5)
fft_rfftfreq: torch.fft.rfftfreq(6, d=2., dtype=float64)
stft: torch.stft(arange(16.), 4)
stft: torch.stft(arange(16.), 4, window=ones(3), return_complex=True)
istft: torch.istft(arange(16.), 4)
linalg_eig: torch.linalg.eig(ones(2, 3))
linalg_eig: torch.linalg.eig(ones(2, 2, dtype=int64))
linalg_eig: torch.linalg.eig(tensor([[1., float('nan')], [0., 1.]]))
linalg_eigvals: torch.linalg.eigvals(tensor([[0., 1.], [-1., 0.]]))
"""
