"""torch.fft: discrete Fourier transforms of complex, real and Hermitian signals over one dim; frequencies and shifts."""

from __future__ import annotations

from .. import dtypes
from ..backend import scipy_module
from ..dtypes import FLOAT
from ..errors import TensorError, TensorIndexError
from ..families.common import not_implemented
from ..families.creation import creation
from ..families.structural import composite, structural
from ..layout import wrap_dim
from ..spec import spec_of

SPACE = "torch.fft"

# --- the three transforms that all others are made of -----------------------------------------------------------------

UNSCALED, BY_ROOT, BY_COUNT = range(3)  # what a transform is divided by
_FORWARD, _BACKWARD = ("backward", "ortho", "forward"), ("forward", "ortho", "backward")  # SciPy's names of the same


def _laid(spec, dims, sizes, d):
    """Spec of a transform over `dims` as torch's kernel leaves it: those innermost in their order, around them the rest by falling strides."""
    rest = sorted((i for i in range(spec.ndim) if i not in dims), key=lambda i: -spec.strides[i])
    strides, step = [0] * spec.ndim, 1
    for i in reversed((*rest, *dims)):
        strides[i] = step
        step *= sizes[i]
    return spec_of(d, spec.device, tuple(sizes), tuple(strides))


def _by_strides(spec, dims):
    """Dims in the order in which the kernel runs over them."""
    return tuple(sorted(dims, key=lambda i: -spec.strides[i]))


def _plan_c2c(self, dim, scale, forward):
    return _laid(self, _by_strides(self, dim), self.shape, self.dtype) if dim else spec_of(self.dtype, self.device, self.shape)


@structural(
    plan=_plan_c2c, node="FftC2CBackward", function=False, method=False, out=False, holomorphic=False,
    self=lambda grad, dim, scale, forward, F: F.fft_c2c(grad, dim, scale, not forward),
)  # fmt: skip
def fft_c2c(xp, self, dim: Dims, scale: Int, forward: Bool):
    """A transform of complex numbers over `dim`."""
    if not dim:
        return self.copy()
    scipy = scipy_module("fft", xp)
    return scipy.fftn(self, axes=dim, norm=_FORWARD[scale]) if forward else scipy.ifftn(self, axes=dim, norm=_BACKWARD[scale])


def _plan_r2c(self, dim, scale, onesided):
    *others, last = dim
    sizes = list(self.shape)
    if onesided:
        sizes[last] = sizes[last] // 2 + 1
    return _laid(self, (*_by_strides(self, others), last), sizes, self.dtype.to_complex())


def _r2c_grad(grad, self_spec, dim, scale, onesided, F):
    """The half that was left out had no say: zeros in its place, transformed back."""
    if onesided:
        last = dim[-1]
        missing = self_spec.shape[last] - grad.shape[last]
        grad = F.constant_pad_nd(grad, (0,) * (2 * (self_spec.ndim - 1 - last)) + (0, missing), 0)
    return F.real(F.fft_c2c(grad, dim, scale, False))


@structural(
    plan=_plan_r2c, node="FftR2CBackward", function=False, method=False, out=False, holomorphic=False,
    self=lambda grad, self_spec, dim, scale, onesided, F: _r2c_grad(grad, self_spec, dim, scale, onesided, F),
)  # fmt: skip
def fft_r2c(xp, self, dim: Dims, scale: Int, onesided: Bool):
    """A transform of real numbers over `dim`; `onesided` leaves out the half that the other decides."""
    half = scipy_module("fft", xp).rfftn(self, axes=dim, norm=_FORWARD[scale])
    return half if onesided else _with_mirror(xp, half, dim, self.shape[dim[-1]])


def _with_mirror(xp, half, dim, size):
    """A transform with the half that was left out: the conjugates, from the last frequency to the first in every dim."""
    found = xp.empty((*half.shape[: dim[-1]], size, *half.shape[dim[-1] + 1 :]), half.dtype)
    kept: list[object] = [slice(None)] * half.ndim
    here, source = list(kept), list(kept)
    here[dim[-1]], source[dim[-1]] = slice(half.shape[dim[-1]], None), slice(size - half.shape[dim[-1]], 0, -1)
    kept[dim[-1]] = slice(half.shape[dim[-1]])
    found[tuple(kept)] = half
    other = half[tuple(source)]
    for d in dim[:-1]:
        other = xp.take(other, -xp.arange(other.shape[d]) % other.shape[d], axis=d)
    found[tuple(here)] = xp.conjugate(other)
    return found


def _plan_c2r(self, dim, scale, size):
    *others, last = dim
    between = _plan_c2c(self, tuple(others), scale, False) if others else self
    sizes = list(self.shape)
    sizes[last] = size
    return _laid(between, (last,), sizes, self.dtype.to_real())


def _c2r_grad(grad, dim, scale, F):
    """Transformed again; what stands for two frequencies counts twice."""
    found, last = F.fft_r2c(grad, dim, scale, True), dim[-1]
    half = found.shape[last]
    double = grad.shape[last] - half
    if not double:
        return found
    middle = F.slice(found, last, 1, 1 + double, 1) * 2
    return F.cat([F.slice(found, last, 0, 1, 1), middle, F.slice(found, last, 1 + double, half, 1)], last)


@structural(
    plan=_plan_c2r, node="FftC2RBackward", function=False, method=False, out=False, holomorphic=False,
    self=lambda grad, dim, scale, F: _c2r_grad(grad, dim, scale, F),
)  # fmt: skip
def fft_c2r(xp, self, dim: Dims, scale: Int, size: Int):
    """The real numbers, `size` of them along the last of `dim`, whose transform begins with these."""
    sizes = [*[self.shape[i] for i in dim[:-1]], size]
    return scipy_module("fft", xp).irfftn(self, s=sizes, axes=dim, norm=_BACKWARD[scale])


# --- arguments --------------------------------------------------------------------------------------------------------


def _scale(norm, forward):
    """What to divide by, for torch's name of it.

    Raises RuntimeError for another name.
    """
    if norm in (None, "backward"):
        return UNSCALED if forward else BY_COUNT
    if norm == "forward":
        return BY_COUNT if forward else UNSCALED
    if norm == "ortho":
        return BY_ROOT
    raise TensorError(f'Invalid normalization mode: "{norm}"')


def _promoted(F, x, whole=False):
    """Floats, or complex numbers where the transform is of such.

    Raises RuntimeError for 16-bit floats, which torch transforms on GPUs only.
    """
    d = dtypes.get_default_dtype() if x.dtype.category < FLOAT else x.dtype
    if d in dtypes.REDUCED:
        raise TensorError(f"Unsupported dtype {d.kernel_name}")
    d = d.to_complex() if whole else d
    return x if d is x.dtype else F.to_copy(x, d, None, None)


def _dim_of(x, dim):
    if not len(x.shape):
        raise TensorIndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, len(x.shape))


def _check_count(count):
    if count < 1:
        raise TensorError(f"Invalid number of data points ({count}) specified")


def _fitted(F, x, dims, sizes):
    """The signal cut, or filled up with zeros, to `sizes` along `dims`."""
    pad = [0] * (2 * len(x.shape))
    for d, size in zip(dims, sizes, strict=True):
        if x.shape[d] < size:
            pad[-2 * d - 1] = size - x.shape[d]
        elif x.shape[d] > size:
            x = F.slice(x, d, 0, size, 1)
    return F.constant_pad_nd(x, tuple(pad), 0) if any(pad) else x


def _axes(x, s, dim, last=None):
    """(dims, sizes) of a transform over several dims; `last` makes the last size where none is given.

    Raises RuntimeError with torch's sentences.
    """
    ndim = len(x.shape)
    if dim is not None:
        dims = tuple(_dim_of(x, d) for d in dim)
        if len(set(dims)) < len(dims):
            raise TensorError("FFT dims must be unique")
    if s is not None:
        if dim is not None and len(dim) != len(s):
            raise TensorError("When given, dim and shape arguments must have the same length")
        if len(s) > ndim:
            raise TensorError(f"Got shape with {len(s)} values but input tensor only has {ndim} dimensions.")
        dims = dims if dim is not None else tuple(range(ndim - len(s), ndim))
        sizes = [x.shape[d] if size == -1 else size for d, size in zip(dims, s, strict=True)]
        if last is not None and s and s[-1] == -1:
            sizes[-1] = last(x.shape[dims[-1]])
    else:
        dims = dims if dim is not None else tuple(range(ndim))
        sizes = [x.shape[d] for d in dims]
        if last is not None and sizes:
            sizes[-1] = last(sizes[-1])
    for size in sizes:
        _check_count(size)
    return dims, sizes


def _doubled(size):
    """How many real numbers have a transform of `size` onesided ones, unless told otherwise."""
    return 2 * (size - 1)


def _refuse_whole(x, sentence):
    if x.dtype.is_complex:
        raise TensorError(sentence.format(x.dtype.kernel_name))


def _refuse_none(dims, name):
    if not dims:
        raise TensorError(f"{name} must transform at least one axis")


# --- over one dim -----------------------------------------------------------------------------------------------------


def _one(F, x, n, dim, norm, forward):
    x, d, scale = _promoted(F, x), _dim_of(x, dim), _scale(norm, forward)
    _check_count(x.shape[d] if n is None else n)
    x = x if n is None else _fitted(F, x, (d,), (n,))
    if x.dtype.is_complex:
        return F.fft_c2c(x, (d,), scale, forward)
    found = F.fft_r2c(x, (d,), scale, False)
    return found if forward else F.conj(found)


def _one_of_reals(F, name, x, n, dim, norm, forward):
    _refuse_whole(x, name + " expects a real input tensor, but got {}")
    x, d, scale = _promoted(F, x), _dim_of(x, dim), _scale(norm, forward)
    _check_count(x.shape[d] if n is None else n)
    found = F.fft_r2c(x if n is None else _fitted(F, x, (d,), (n,)), (d,), scale, True)
    return found if forward else F.conj(found)


def _one_to_reals(F, x, n, dim, norm, forward):
    x, d, scale = _promoted(F, x, True), _dim_of(x, dim), _scale(norm, forward)
    n = _doubled(x.shape[d]) if n is None else n
    _check_count(n)
    x = _fitted(F, x, (d,), (n // 2 + 1,))
    return F.fft_c2r(F.conj(x) if forward else x, (d,), scale, n)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_fft(F, self, n: Int | None = None, dim: Dim = -1, norm: Str | None = None):
    """The discrete Fourier transform along `dim`: element k is the sum of x[j] * exp(-2 pi i j k / n).

    `n` cuts the signal or fills it up with zeros. `norm`: "backward" (as it is), "ortho" (over sqrt(n)) or "forward" (over n).
    Raises RuntimeError for 16-bit floats.

    Shapes: (..., m)  ->  (..., n), complex
    Grad: the inverse transform of grad, not divided
    See: fft.ifft, fft.rfft, fft.fftn, fft.fftfreq

    >>> fft.fft(tensor([1., 2., 3.]))
    tensor([ 6.0000+0.0000j, -1.5000+0.8660j, -1.5000-0.8660j])
    """
    return _one(F, self, n, dim, norm, True)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_ifft(F, self, n: Int | None = None, dim: Dim = -1, norm: Str | None = None):
    """The inverse of fft.fft along `dim`: the sum of x[k] * exp(2 pi i j k / n), over n.

    Shapes: (..., m)  ->  (..., n), complex
    Grad: the transform of grad, over n
    See: fft.fft, fft.irfft

    >>> fft.ifft(tensor([1+0j, 1j]))
    tensor([0.5000+0.5000j, 0.5000-0.5000j])
    """
    return _one(F, self, n, dim, norm, False)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_rfft(F, self, n: Int | None = None, dim: Dim = -1, norm: Str | None = None):
    """The Fourier transform of a real signal along `dim`, without the half of it that is the conjugate of the other.

    Raises RuntimeError for a complex input.

    Shapes: (..., n)  ->  (..., n // 2 + 1), complex
    Grad: the real part of the inverse transform of grad, not divided
    See: fft.irfft, fft.fft, fft.rfftfreq

    >>> fft.rfft(tensor([1., 0., 0., 0.]))
    tensor([1.+0.j, 1.+0.j, 1.+0.j])
    """
    return _one_of_reals(F, "rfft", self, n, dim, norm, True)


@composite(namespace=SPACE, method=False, out=True, out_rule="signal")
def fft_irfft(F, self, n: Int | None = None, dim: Dim = -1, norm: Str | None = None):
    """The inverse of fft.rfft along `dim`: `n` real numbers, 2 * (m - 1) unless told.

    Shapes: (..., m)  ->  (..., n)
    Grad: fft.rfft of grad, over n, what stands for two frequencies doubled
    See: fft.rfft, fft.ifft

    >>> fft.irfft(tensor([4., 0., 0.]))
    tensor([1., 1., 1., 1.])
    """
    return _one_to_reals(F, self, n, dim, norm, False)


@composite(namespace=SPACE, method=False, out=True, out_rule="signal")
def fft_hfft(F, self, n: Int | None = None, dim: Dim = -1, norm: Str | None = None):
    """The Fourier transform of a Hermitian signal, of which one half is given: `n` real numbers, 2 * (m - 1) unless told.

    Shapes: (..., m)  ->  (..., n)
    Grad: fft.rfft of grad, conjugated, what stands for two places doubled
    See: fft.ihfft, fft.irfft

    >>> fft.hfft(tensor([1., 0., 0.]))
    tensor([1., 1., 1., 1.])
    """
    return _one_to_reals(F, self, n, dim, norm, True)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_ihfft(F, self, n: Int | None = None, dim: Dim = -1, norm: Str | None = None):
    """The inverse of fft.hfft along `dim`: one half of the Hermitian signal of a real spectrum.

    Raises RuntimeError for a complex input.

    Shapes: (..., n)  ->  (..., n // 2 + 1), complex
    Grad: the real part of the inverse transform of the conjugate of grad
    See: fft.hfft, fft.rfft

    >>> fft.ihfft(tensor([4., 4., 4., 4.])).real
    tensor([4., 0., 0.])
    """
    return _one_of_reals(F, "ihfft", self, n, dim, norm, False)


# --- frequencies and shifts -------------------------------------------------------------------------------------------


def _frequencies(xp, name, spec, counts, n, d):
    if spec.dtype.is_complex:
        raise not_implemented("arange_cpu", spec.dtype)
    if spec.dtype.category < FLOAT:
        raise TensorError(f"{name} requires a floating point or complex dtype")
    return xp.asarray(counts, spec.numpy) * spec.numpy.type(xp.float64(1) / xp.float64(n * d))


@creation(namespace=SPACE, plan=lambda n, d: ((n,), None), out=True)
def fft_fftfreq(xp, spec, n: Int, d: Float = 1.0):
    """The frequency of each element of fft.fft of `n` samples, `d` apart: 0, 1, ..., then the negative ones, over n * d.

    Raises RuntimeError for an integer dtype.

    Shapes: (n)
    See: fft.fft, fft.rfftfreq, fft.fftshift

    >>> fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    places = xp.arange(n)
    return _frequencies(xp, "fftfreq", spec, xp.where(places < (n + 1) // 2, places, places - n), n, d)


@creation(namespace=SPACE, plan=lambda n, d: ((n // 2 + 1,), None), out=True)
def fft_rfftfreq(xp, spec, n: Int, d: Float = 1.0):
    """The frequency of each element of fft.rfft of `n` samples, `d` apart: 0, 1, ..., n // 2, over n * d.

    Raises RuntimeError for an integer dtype.

    Shapes: (n // 2 + 1)
    See: fft.rfft, fft.fftfreq

    >>> fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    return _frequencies(xp, "rfftfreq", spec, xp.arange(n // 2 + 1), n, d)


@composite(namespace=SPACE, method=False)
def fft_fftshift(F, self, dim: Dims | None = None):
    """Frequency 0 moved to the middle, along all dims unless told.

    Shapes: any; kept
    Grad: grad moved back
    See: fft.ifftshift, fft.fftfreq, roll

    >>> fft.fftshift(fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    dims = tuple(range(len(self.shape))) if dim is None else tuple(wrap_dim(d, len(self.shape)) for d in dim)
    return F.roll(self, tuple(self.shape[d] // 2 for d in dims), dims)


@composite(namespace=SPACE, method=False)
def fft_ifftshift(F, self, dim: Dims | None = None):
    """The inverse of fft.fftshift: frequency 0 moved from the middle to the front.

    Shapes: any; kept
    Grad: grad moved back
    See: fft.fftshift, roll

    >>> fft.ifftshift(tensor([-2, -1, 0, 1]))
    tensor([ 0,  1, -2, -1])
    """
    dims = tuple(range(len(self.shape))) if dim is None else tuple(wrap_dim(d, len(self.shape)) for d in dim)
    return F.roll(self, tuple((self.shape[d] + 1) // 2 for d in dims), dims)
