"""Complex numbers: made of parts, seen by parts, conjugated, and their size and angle."""

from __future__ import annotations

from .. import dtypes
from ..dtypes import FLOAT, dtype
from ..errors import TensorError
from ..families.common import not_implemented
from ..families.elementwise import ANY, elementwise
from ..families.structural import composite
from ..families.view import reading
from ..spec import spec_of

# --- from parts -------------------------------------------------------------------------------------------------------


def _check_parts(common, specs):
    first, second = (s.dtype for s in specs[:2])
    if any(d.category != FLOAT or d is dtypes.bfloat16 for d in (first, second)):
        raise TensorError(
            f"Expected both inputs to be Half, Float or Double tensors but got {first.kernel_name} and {second.kernel_name}"
        )
    if first is not second:
        raise TensorError(f"Expected object of scalar type {first.kernel_name} but got scalar type {second.kernel_name} for second argument")


NO_COMPLEX32 = "tcalc has no complex32, the complex dtype of float16"


def _check_complex(common, specs):
    _check_parts(common, specs)
    if common is dtypes.float16:
        raise TensorError(NO_COMPLEX32)


def _check_polar(common, specs):
    _check_parts(common, specs)
    if common is dtypes.float16:
        raise not_implemented("polar_cpu", common)


def _joined(xp, real, imag):
    """Complex numbers of two parts; no arithmetic, which would make nan of infinities."""
    shape = xp.broadcast_shapes(real.shape, imag.shape)
    result = xp.empty(shape, "complex128" if real.dtype.itemsize == 8 else "complex64")
    result.real, result.imag = real, imag
    return result


@elementwise(
    real=lambda grad, F: F.real(grad),
    imag=lambda grad, F: F.imag(grad),
    holomorphic=False,
    gives=dtype.to_complex,
    check=_check_complex,
    out_rule="object",
    method=False,
    inplace=False,
)
def complex_(xp, real, imag):
    """Complex numbers with the given real and imaginary parts.

    Raises RuntimeError unless both are floats of one dtype.

    See: polar, view_as_complex, Tensor.real, Tensor.imag

    >>> torch.complex(tensor([1., 2.]), tensor([3., -4.]))
    tensor([1.+3.j, 2.-4.j])
    """
    return _joined(xp, real, imag)


@elementwise(
    abs=lambda grad, result, F: F.real(grad * F.conj(F.sgn(result))),
    angle=lambda grad, result, F: F.real(grad * F.conj(result * 1j)),
    holomorphic=False,
    gives=dtype.to_complex,
    check=_check_polar,
    out_rule="object",
    method=False,
    inplace=False,
)
def polar(xp, abs, angle):
    """Complex numbers of a size and an angle in radians: `abs * (cos(angle) + i sin(angle))`.

    Raises RuntimeError unless both are floats of one dtype.

    See: complex, angle, abs

    >>> polar(tensor([1., 2.]), tensor([0., 0.]))
    tensor([1.+0.j, 2.+0.j])
    """
    return _joined(xp, abs * xp.cos(angle), abs * xp.sin(angle))


# --- parts as views ---------------------------------------------------------------------------------------------------


def _check_pairs(spec):
    if spec.dtype not in (dtypes.float16, dtypes.float32, dtypes.float64):
        raise TensorError(
            f"view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: {spec.dtype.kernel_name}"
        )
    if not spec.ndim:
        raise TensorError("Input tensor must have one or more dimensions")
    if spec.shape[-1] != 2:
        raise TensorError("Tensor must have a last dimension of size 2")
    if spec.strides[-1] != 1:
        raise TensorError("Tensor must have a last dimension with stride 1")
    if any(stride % 2 for size, stride in zip(spec.shape[:-1], spec.strides[:-1], strict=True) if size != 1):
        raise TensorError("Tensor must have a stride divisible by 2 for all but last dimension")
    if spec.dtype is dtypes.float16:
        raise TensorError(NO_COMPLEX32)


def _as_complex(spec, geom):
    return spec_of(spec.dtype.to_complex(), spec.device, spec.shape[:-1], tuple([s // 2 for s in spec.strides[:-1]]))


def _as_real(spec, geom):
    if not spec.dtype.is_complex:
        raise TensorError("view_as_real is only supported for complex tensors")
    if spec.lazy:
        raise TensorError(
            "view_as_real doesn't work on unresolved conjugated tensors.  To resolve the conjugate tensor so you can view it as real, use"
            " self.resolve_conj(); however, be warned that the resulting tensor will NOT alias the original."
        )
    return spec_of(spec.dtype.to_real(), spec.device, (*spec.shape, 2), (*[2 * s for s in spec.strides], 1))


def _raw_as_real(xp, array):
    return xp.ascontiguousarray(array).reshape(array.shape)[..., None].view(array.real.dtype)


def _raw_as_complex(xp, array):
    joined = "complex64" if array.dtype.itemsize < 8 else "complex128"
    return xp.ascontiguousarray(array).reshape(array.shape).view(joined)[..., 0]


@reading(
    self=lambda grad, F: F.view_as_complex(F.resolve_conj(F.contiguous(grad))), reads=_as_real, raw_kernel=_raw_as_real, method=False, node="ViewAsRealBackward"
)
def view_as_real(geom):
    """The real and imaginary parts as a new last dim of size 2, sharing storage.

    Raises RuntimeError for what is not complex, and for a conjugated view, whose memory holds other parts.

    Shapes: (a, b)  ->  (a, b, 2)
    Grad: read as complex numbers again
    See: view_as_complex, Tensor.real, Tensor.imag, resolve_conj

    >>> view_as_real(tensor([1+2j, 3-4j]))
    tensor([[ 1.,  2.],
            [ 3., -4.]])
    """
    return geom


@reading(
    self=lambda grad, F: F.view_as_real(F.resolve_conj(grad)), reads=lambda spec, geom: _check_pairs(spec) or _as_complex(spec, geom),
    raw_kernel=_raw_as_complex, method=False, node="ViewAsComplexBackward",
)
def view_as_complex(geom):
    """Pairs of floats along the last dim as complex numbers, sharing storage.

    Raises RuntimeError unless the last dim has size 2 and stride 1, and all others even strides.

    Shapes: (a, b, 2)  ->  (a, b)
    Grad: read as pairs again
    See: view_as_real, complex

    >>> view_as_complex(tensor([[1., 2.], [3., -4.]]))
    tensor([1.+2.j, 3.-4.j])
    """
    return geom


def _lazily(bit):
    """The same geometry with `bit` set where it was not and not where it was."""
    return lambda spec, geom: spec_of(spec.dtype, spec.device, spec.shape, spec.strides, "" if spec.lazy == bit else bit)


@reading(
    self=lambda grad, F: F.conj(grad), reads=_lazily("conj"), raw_kernel=lambda xp, array: xp.conjugate(array), function=False, method=False,
    node="ConjBackward",
)
def conj_view(geom):
    """Complex conjugates, worked out when they are looked at."""
    return geom


@reading(
    self=lambda grad, F: F.neg(grad), reads=_lazily("neg"), raw_kernel=lambda xp, array: xp.negative(array), function=False, method=False,
    node="NegViewBackward",
)
def neg_view(geom):
    """Real numbers with their sign turned, worked out when they are looked at."""
    return geom


def _lazy(self):
    """The bit of a view that is worked out when it is looked at; raw arrays have none."""
    return self.spec.lazy if hasattr(self, "spec") else ""


@composite(method=False)
def real(F, self):
    """The real parts as a view; a real tensor itself.

    Shapes: any; kept
    Storage: shares the tensor's, nothing copied
    Grad: grad as the real part, 0 as the imaginary one
    See: imag, view_as_real, abs

    >>> real(tensor([1+2j, 3-4j]))
    tensor([1., 3.])
    """
    if self.dtype.kind != "c":
        return self
    return F.select(F.view_as_real(F.conj_view(self) if _lazy(self) else self), -1, 0)


@composite(method=False)
def imag(F, self):
    """The imaginary parts as a view.

    Raises RuntimeError for a real tensor.

    Shapes: any; kept
    Storage: shares the tensor's, nothing copied
    Grad: grad as the imaginary part, 0 as the real one
    See: real, view_as_real, angle

    >>> imag(tensor([1+2j, 3-4j]))
    tensor([ 2., -4.])
    """
    if self.dtype.kind != "c":
        raise TensorError("imag is not implemented for tensors with non-complex dtypes.")
    pairs = F.neg_view(F.view_as_real(F.conj_view(self))) if _lazy(self) else F.view_as_real(self)
    return F.select(pairs, -1, 1)


# --- conjugates -------------------------------------------------------------------------------------------------------


@composite()
def conj(F, self):
    """Complex conjugates as a view: the memory is shared, and read with the sign of the imaginary parts turned; a real tensor itself.

    Shapes: any; kept
    Storage: shares the tensor's, nothing copied
    Grad: the conjugate of grad
    See: resolve_conj, is_conj, conj_physical, mH

    >>> conj(tensor([1+2j, 3-4j]))
    tensor([1.-2.j, 3.+4.j])
    """
    return F.conj_view(self) if self.dtype.kind == "c" else self


@composite(out=True, out_rule="found")
def conj_physical(F, self):
    """Complex conjugates in memory of their own; a real tensor itself.

    Shapes: any; kept
    Grad: the conjugate of grad
    See: conj (a view), resolve_conj

    >>> conj_physical(tensor([1+2j, 3-4j]))
    tensor([1.-2.j, 3.+4.j])
    """
    return F.conjugate(self) if self.dtype.kind == "c" else self


@elementwise(
    public="conj_physical", node="ConjPhysicalBackward", self=lambda grad, F: F.conj_physical(grad), holomorphic=False, ufunc="conjugate", only=ANY, out=False,
    function=False,
)
def conjugate(xp, self):
    """Complex conjugates in memory of their own, of complex numbers only.

    >>> conj_physical(tensor([1+2j]))
    tensor([1.-2.j])
    """
    return xp.conjugate(self)


@composite()
def resolve_conj(F, self):
    """A copy of a conjugated view with the values it shows; any other tensor itself.

    Shapes: any; kept
    See: conj, is_conj, resolve_neg

    >>> resolve_conj(tensor([1+2j]).conj()).is_conj()
    False
    """
    return F.clone(self) if _lazy(self) == "conj" else self


@composite()
def resolve_neg(F, self):
    """A copy of a negated view with the values it shows; any other tensor itself.

    Shapes: any; kept
    See: is_neg, resolve_conj

    >>> resolve_neg(tensor([1+2j]).conj().imag).is_neg()
    False
    """
    return F.clone(self) if _lazy(self) == "neg" else self


def _swapped_conjugate(F, self):
    return F.conj(F.transpose(self, -2, -1))


@composite()
def adjoint(F, self):
    """Matrices transposed and conjugated, as a view.

    Raises RuntimeError below 2 dims.

    Shapes: (b, n, m)  ->  (b, m, n)
    Storage: shares the tensor's, nothing copied
    Grad: transposed and conjugated
    See: mH, mT, conj

    >>> adjoint(tensor([[1+2j, 3j]]))
    tensor([[1.-2.j],
            [0.-3.j]])
    """
    if len(self.shape) < 2:
        raise TensorError(f"tensor.adjoint() is only supported on matrices or batches of matrices. Got {len(self.shape)}-D tensor.")
    return _swapped_conjugate(F, self)


@composite(function=False, method=False)
def mH(F, self):  # noqa: N802 - what torch calls it
    """Matrices transposed and conjugated; a single number is its own transpose."""
    if len(self.shape) == 1:
        raise TensorError("tensor.mH is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return F.conj(self) if not len(self.shape) else _swapped_conjugate(F, self)


# --- size and angle ---------------------------------------------------------------------------------------------------


def _turning(grad, self, self_spec, F):
    """d angle of complex numbers: i z / |z|^2; that of real ones never moves."""
    if self_spec.dtype.kind != "c":
        return F.zeros_of(self_spec)
    square = F.square(F.abs(self))
    return grad * F.where(square == 0, 0.0, self * 1j / square)


@elementwise(
    self=lambda grad, self, self_spec, F: _turning(grad, self, self_spec, F), holomorphic=False, promote="float", gives=dtype.to_real, only=ANY, inplace=False,
)
def angle(xp, self):
    """The angle in radians to the positive real axis: for real numbers 0, or pi where they are negative.

    Grad: grad * i * input / |input|^2, 0 at 0; 0 for a real input
    See: abs, polar, atan2

    >>> angle(tensor([1+1j, -1+0j]))
    tensor([0.7854, 3.1416])
    """
    if self.dtype.kind == "c":
        return xp.angle(self)
    return xp.where(xp.isnan(self), self, xp.where(self < 0, self.dtype.type(xp.pi), self.dtype.type(0)))


def _along(grad, self, self_spec, result, F):
    """d sgn: grad less its part along the number itself, over the number's size."""
    if self_spec.dtype.kind != "c":
        return F.zeros_of(self_spec)
    size = F.abs(self)
    rest = grad - result * F.real(F.conj(grad) * result)
    return F.where(size == 0, 0.0, rest / size)


@elementwise(self=lambda grad, self, self_spec, result, F: _along(grad, self, self_spec, result, F), holomorphic=False, only=ANY, out_rule="found")
def sgn(xp, self):
    """The number over its size, 0 at 0: the sign of a real one.

    Grad: grad less its part along result, over |input|; 0 for a real input
    See: sign, abs, angle

    >>> sgn(tensor([3+4j, 0j]))
    tensor([0.6000+0.8000j, 0.0000+0.0000j])
    """
    if self.dtype.kind == "c":
        size = xp.absolute(self)
        return xp.where(size == 0, self.dtype.type(0), self / xp.where(size == 0, size.dtype.type(1), size))
    return self.copy() if self.dtype == bool else xp.subtract(self > 0, self < 0, dtype=self.dtype)  # 0 for nan, unlike NumPy's
