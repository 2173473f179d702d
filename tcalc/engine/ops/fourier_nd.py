"""torch.fft over several dims: discrete Fourier transforms of complex, real and Hermitian signals."""

from __future__ import annotations

from ..families.structural import composite
from .fourier import SPACE, _axes, _doubled, _fitted, _promoted, _refuse_none, _refuse_whole, _scale


def _several(F, x, s, dim, norm, forward):
    dims, sizes = _axes(x, s, dim)
    return F.fft_c2c(_fitted(F, _promoted(F, x, True), dims, sizes), dims, _scale(norm, forward), forward)


def _several_of_reals(F, x, s, dim, norm):
    _refuse_whole(x, "rfftn expects a real-valued input tensor, but got {}")
    dims, sizes = _axes(x, s, dim)
    _refuse_none(dims, "rfftn")
    return F.fft_r2c(_fitted(F, _promoted(F, x), dims, sizes), dims, _scale(norm, True), True)


def _several_to_reals(F, x, s, dim, norm):
    dims, sizes = _axes(x, s, dim, _doubled)
    _refuse_none(dims, "irfftn")
    x = _fitted(F, _promoted(F, x, True), dims, [*sizes[:-1], sizes[-1] // 2 + 1])
    return F.fft_c2r(x, dims, _scale(norm, False), sizes[-1])


def _several_of_hermitians(F, x, s, dim, norm):
    dims, sizes = _axes(x, s, dim, _doubled)
    _refuse_none(dims, "hfftn")
    x, scale = _fitted(F, _promoted(F, x, True), dims, [*sizes[:-1], sizes[-1] // 2 + 1]), _scale(norm, True)
    x = F.fft_c2c(x, dims[:-1], scale, True) if len(dims) > 1 else x
    return F.fft_c2r(F.conj(x), dims[-1:], scale, sizes[-1])


def _several_to_hermitians(F, x, s, dim, norm):
    _refuse_whole(x, "Only supports floating-point dtypes, but found: {}")
    dims, sizes = _axes(x, s, dim)
    _refuse_none(dims, "ihfftn")
    scale = _scale(norm, False)
    half = F.fft_r2c(_fitted(F, _promoted(F, x), dims, sizes), dims[-1:], scale, True)
    if len(dims) == 1:
        return F.conj(half)
    return F.fft_c2c(F.conj_physical(half), dims[:-1], scale, False)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_fftn(F, self, s: Ints | None = None, dim: Dims | None = None, norm: Str | None = None):
    """The Fourier transform over several dims, all unless told; `s` cuts the signal or fills it up with zeros.

    Shapes: (a, b)  ->  (a, b), complex
    Grad: the inverse transform of grad, not divided
    See: fft.fft, fft.ifftn, fft.rfftn

    >>> fft.fftn(tensor([[1., 0.], [0., 0.]]))
    tensor([[1.+0.j, 1.+0.j],
            [1.+0.j, 1.+0.j]])
    """
    return _several(F, self, s, dim, norm, True)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_ifftn(F, self, s: Ints | None = None, dim: Dims | None = None, norm: Str | None = None):
    """The inverse of fft.fftn.

    Shapes: (a, b)  ->  (a, b), complex
    Grad: the transform of grad, divided by the number of elements
    See: fft.fftn, fft.ifft

    >>> fft.ifftn(tensor([[4., 0.], [0., 0.]]))
    tensor([[1.+0.j, 1.+0.j],
            [1.+0.j, 1.+0.j]])
    """
    return _several(F, self, s, dim, norm, False)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_rfftn(F, self, s: Ints | None = None, dim: Dims | None = None, norm: Str | None = None):
    """The Fourier transform of a real signal over several dims, the last without the half that the rest decides.

    Raises RuntimeError for a complex input.

    Shapes: (a, b)  ->  (a, b // 2 + 1), complex
    Grad: the real part of the inverse transform of grad, not divided
    See: fft.irfftn, fft.fftn

    >>> fft.rfftn(tensor([[1., 0.], [0., 0.]]))
    tensor([[1.+0.j, 1.+0.j],
            [1.+0.j, 1.+0.j]])
    """
    return _several_of_reals(F, self, s, dim, norm)


@composite(namespace=SPACE, method=False, out=True, out_rule="signal")
def fft_irfftn(F, self, s: Ints | None = None, dim: Dims | None = None, norm: Str | None = None):
    """The inverse of fft.rfftn: real numbers, 2 * (m - 1) along the last dim unless `s` tells.

    Shapes: (a, m)  ->  (a, 2 * (m - 1))
    Grad: fft.rfftn of grad, divided by the number of elements, what stands for two frequencies doubled
    See: fft.rfftn, fft.irfft

    >>> fft.irfftn(tensor([[4., 0.], [0., 0.]]))
    tensor([[1., 1.],
            [1., 1.]])
    """
    return _several_to_reals(F, self, s, dim, norm)


@composite(namespace=SPACE, method=False, out=True, out_rule="signal")
def fft_hfftn(F, self, s: Ints | None = None, dim: Dims | None = None, norm: Str | None = None):
    """fft.hfft over several dims: the real transform of a signal that is Hermitian along the last.

    Shapes: (a, m)  ->  (a, 2 * (m - 1))
    Grad: transformed back, conjugated, what stands for two places doubled
    See: fft.hfft, fft.ihfftn

    >>> fft.hfftn(tensor([[1., 0.], [0., 0.]]))
    tensor([[1., 1.],
            [1., 1.]])
    """
    return _several_of_hermitians(F, self, s, dim, norm)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_ihfftn(F, self, s: Ints | None = None, dim: Dims | None = None, norm: Str | None = None):
    """The inverse of fft.hfftn: one half, along the last dim, of the signal of a real spectrum.

    Raises RuntimeError for a complex input.

    Shapes: (a, b)  ->  (a, b // 2 + 1), complex
    Grad: the real part of grad transformed again, divided by the number of elements
    See: fft.hfftn, fft.ihfft

    >>> fft.ihfftn(tensor([[4., 4.], [4., 4.]])).real
    tensor([[4., 0.],
            [0., 0.]])
    """
    return _several_to_hermitians(F, self, s, dim, norm)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_fft2(F, self, s: Ints | None = None, dim: Dims = (-2, -1), norm: Str | None = None):
    """fft.fftn over two dims, the last ones unless told.

    Shapes: (..., a, b); kept, complex
    Grad: the inverse transform of grad, not divided
    See: fft.fftn, fft.ifft2

    >>> fft.fft2(tensor([[1., 0.], [0., 0.]]))
    tensor([[1.+0.j, 1.+0.j],
            [1.+0.j, 1.+0.j]])
    """
    return _several(F, self, s, dim, norm, True)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_ifft2(F, self, s: Ints | None = None, dim: Dims = (-2, -1), norm: Str | None = None):
    """fft.ifftn over two dims, the last ones unless told.

    Shapes: (..., a, b); kept, complex
    Grad: the transform of grad, divided by the number of elements
    See: fft.ifftn, fft.fft2

    >>> fft.ifft2(tensor([[4., 0.], [0., 0.]]))
    tensor([[1.+0.j, 1.+0.j],
            [1.+0.j, 1.+0.j]])
    """
    return _several(F, self, s, dim, norm, False)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_rfft2(F, self, s: Ints | None = None, dim: Dims = (-2, -1), norm: Str | None = None):
    """fft.rfftn over two dims, the last ones unless told.

    Shapes: (..., a, b)  ->  (..., a, b // 2 + 1), complex
    Grad: the real part of the inverse transform of grad, not divided
    See: fft.rfftn, fft.irfft2

    >>> fft.rfft2(tensor([[1., 0.], [0., 0.]]))
    tensor([[1.+0.j, 1.+0.j],
            [1.+0.j, 1.+0.j]])
    """
    return _several_of_reals(F, self, s, dim, norm)


@composite(namespace=SPACE, method=False, out=True, out_rule="signal")
def fft_irfft2(F, self, s: Ints | None = None, dim: Dims = (-2, -1), norm: Str | None = None):
    """fft.irfftn over two dims, the last ones unless told.

    Shapes: (..., a, m)  ->  (..., a, 2 * (m - 1))
    Grad: fft.rfft2 of grad, divided by the number of elements, what stands for two frequencies doubled
    See: fft.irfftn, fft.rfft2

    >>> fft.irfft2(tensor([[4., 0.], [0., 0.]]))
    tensor([[1., 1.],
            [1., 1.]])
    """
    return _several_to_reals(F, self, s, dim, norm)


@composite(namespace=SPACE, method=False, out=True, out_rule="signal")
def fft_hfft2(F, self, s: Ints | None = None, dim: Dims = (-2, -1), norm: Str | None = None):
    """fft.hfftn over two dims, the last ones unless told.

    Shapes: (..., a, m)  ->  (..., a, 2 * (m - 1))
    Grad: transformed back, conjugated, what stands for two places doubled
    See: fft.hfftn, fft.ihfft2

    >>> fft.hfft2(tensor([[1., 0.], [0., 0.]]))
    tensor([[1., 1.],
            [1., 1.]])
    """
    return _several_of_hermitians(F, self, s, dim, norm)


@composite(namespace=SPACE, method=False, out=True, out_rule="spectrum")
def fft_ihfft2(F, self, s: Ints | None = None, dim: Dims = (-2, -1), norm: Str | None = None):
    """fft.ihfftn over two dims, the last ones unless told.

    Shapes: (..., a, b)  ->  (..., a, b // 2 + 1), complex
    Grad: the real part of grad transformed again, divided by the number of elements
    See: fft.ihfftn, fft.hfft2

    >>> fft.ihfft2(tensor([[4., 4.], [4., 4.]])).real
    tensor([[4., 0.],
            [0., 0.]])
    """
    return _several_to_hermitians(F, self, s, dim, norm)
