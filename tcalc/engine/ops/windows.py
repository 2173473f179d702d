"""Window functions: torch.hann_window and its kin, and those of torch.signal.windows, step by step as torch rounds them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import dtypes
from ..backend import scipy_module
from ..dtypes import FLOAT
from ..errors import TensorError, TensorTypeError, TensorValueError
from ..families.common import C_NAMES, not_implemented
from ..families.creation import creation
from ..families.structural import Composite, composite


def _plan_window(name):
    def plan(window_length, *rest):
        if window_length < 0:
            raise TensorError(f"{name} requires non-negative window_length, got window_length={window_length}")
        return (window_length,), None

    return plan


def _steps(xp, spec, name, window_length, periodic, *steps):
    """0, 1, ... put through `steps(n, array)`, each rounded to the dtype, in a window of n points: one more where it is periodic."""
    d = spec.dtype
    if d.category < FLOAT:
        raise TensorError(
            f"{name} expects floating point dtypes, got: TensorOptions(dtype={C_NAMES[d.name]}, device={spec.device}, layout=Strided (default),"
            " requires_grad=false (default), pinned_memory=false, memory_format=(nullopt))"
        )
    if window_length < 2:
        return xp.ones(spec.shape, spec.numpy)
    if d.is_complex:
        raise not_implemented("arange_cpu", d)
    n = window_length + periodic
    wide = "float32" if d.itemsize == 2 else spec.numpy
    array = xp.arange(n).astype(spec.numpy)
    for step in steps:
        array = step(n, array.astype(wide)).astype(spec.numpy)
    return array[:window_length]


def _factor(spec, value):
    """A number that torch cuts to the dtype before it computes with it."""
    return spec.numpy.type(value).astype("float32") if spec.itemsize == 2 else value


def _bartlett(n, a):
    half = ((n - 1) >> 1) + 1
    a[half:] = 2 - a[half:]
    return a


@creation(plan=_plan_window("bartlett_window"))
def bartlett_window(xp, spec, window_length: Int, periodic: Bool = True):
    """A triangle from 0 to 1 and back.

    Shapes: (window_length)
    See: hann_window, signal.windows.bartlett

    >>> bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _steps(xp, spec, "bartlett_window", window_length, periodic, lambda n, a: a * _factor(spec, 2.0 / (n - 1)), _bartlett)


@creation(plan=_plan_window("hamming_window"))
def hamming_window(xp, spec, window_length: Int, periodic: Bool = True, alpha: Float = 0.54, beta: Float = 0.46):
    """`alpha - beta * cos(2 pi k / n)`.

    Shapes: (window_length)
    See: hann_window, signal.windows.hamming

    >>> hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    return _cosine(xp, spec, "hamming_window", window_length, periodic, alpha, beta)


@creation(plan=_plan_window("hann_window"))
def hann_window(xp, spec, window_length: Int, periodic: Bool = True):
    """`(1 - cos(2 pi k / n)) / 2`.

    Shapes: (window_length)
    See: hamming_window, signal.windows.hann

    >>> hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _cosine(xp, spec, "hann_window", window_length, periodic, 0.5, 0.5)


def _cosine(xp, spec, name, window_length, periodic, alpha, beta):
    return _steps(
        xp,
        spec,
        name,
        window_length,
        periodic,
        lambda n, a: a * _factor(spec, math.pi * 2.0 / (n - 1)),
        lambda n, a: xp.cos(a),
        lambda n, a: a * _factor(spec, -beta),
        lambda n, a: a + _factor(spec, alpha),
    )


@creation(plan=_plan_window("blackman_window"))
def blackman_window(xp, spec, window_length: Int, periodic: Bool = True):
    """`0.42 - 0.5 * cos(2 pi k / n) + 0.08 * cos(4 pi k / n)`.

    Shapes: (window_length)
    See: hann_window, signal.windows.blackman

    >>> blackman_window(4)[1:]
    tensor([0.3400, 1.0000, 0.3400])
    """

    def mixed(n, a):
        kind = spec.numpy
        wide = a.dtype
        step = lambda x: x.astype(kind).astype(wide)  # noqa: E731 - rounds to the dtype
        high, low = (step(step(xp.cos(step(a * times))) * _factor(spec, weight)) for times, weight in ((4, 0.08), (2, 0.5)))
        return step(high - low) + _factor(spec, 0.42)

    return _steps(xp, spec, "blackman_window", window_length, periodic, lambda n, a: a * _factor(spec, math.pi / (n - 1)), mixed)


@creation(plan=_plan_window("kaiser_window"))
def kaiser_window(xp, spec, window_length: Int, periodic: Bool = True, beta: Float = 12.0):
    """The Bessel function i0 along half an ellipse of width `beta`, 1 at the middle (Kaiser 1966).

    Shapes: (window_length)
    See: i0, signal.windows.kaiser

    >>> kaiser_window(4)[1:]
    tensor([0.2157, 1.0000, 0.2157])
    """
    i0 = scipy_module("special", xp).i0

    def bell(n, a):
        beta_ = a.dtype.type(beta)
        return i0(beta_ * xp.sqrt(1 - xp.square(a * a.dtype.type(2.0 / (n - 1)) - 1))) / i0(beta_)

    return _steps(xp, spec, "kaiser_window", window_length, periodic, bell)


# --- torch.signal.windows ---------------------------------------------------------------------------------------------


def window(**options: Any) -> Callable[[Callable[..., Any]], Composite]:
    """The decorator of a function of torch.signal.windows."""
    return composite(namespace="torch.signal.windows", method=False, **options)


def _checked(name, M, dtype):
    """The dtype, after torch's checks."""
    dtype = dtype or dtypes.get_default_dtype()
    if M < 0:
        raise TensorValueError(f"{name} requires non-negative window length, got M={M}")
    if dtype not in (dtypes.float32, dtypes.float64):
        raise TensorValueError(f"{name} expects float32 or float64 dtypes, got: {dtype!r}")
    return dtype


def _few(F, M, dtype, device, requires_grad):
    """A window of no point or of one."""
    return F.ones((M,), dtype=dtype, device=device, requires_grad=requires_grad)


@window()
def windows_exponential(
    F, M: Int, *, center: Float | None = None, tau: Scalar = 1.0, sym: Bool = True, dtype: DType | None = None, layout: Layout | None = None,
    device: Device | None = None, requires_grad: Bool = False,
):
    """exp(-|k - center| / tau): falling off from the middle, or from `center` of a periodic window.

    Shapes: (M)
    See: signal.windows.gaussian

    >>> signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    dtype = _checked("exponential", M, dtype)
    if tau <= 0:
        raise TensorValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise TensorValueError("Center must be None for symmetric windows")
    if M == 0:
        return _few(F, M, dtype, device, requires_grad)
    if center is None:
        center = (M if not sym and M > 1 else M - 1) / 2.0
    constant = 1 / tau
    k = F.linspace(-center * constant, (-center + (M - 1)) * constant, M, dtype=dtype, device=device, requires_grad=requires_grad)
    return F.exp(-F.abs(k))


@window()
def windows_cosine(
    F, M: Int, *, sym: Bool = True, dtype: DType | None = None, layout: Layout | None = None, device: Device | None = None, requires_grad: Bool = False
):
    """Half a sine.

    Shapes: (M)
    See: signal.windows.hann

    >>> signal.windows.cosine(3)
    tensor([0.5000, 1.0000, 0.5000])
    """
    dtype = _checked("cosine", M, dtype)
    if M == 0:
        return _few(F, M, dtype, device, requires_grad)
    constant = math.pi / (M + 1 if not sym and M > 1 else M)
    return F.sin(F.linspace(0.5 * constant, (0.5 + (M - 1)) * constant, M, dtype=dtype, device=device, requires_grad=requires_grad))


@window()
def windows_gaussian(
    F, M: Int, *, std: Scalar = 1.0, sym: Bool = True, dtype: DType | None = None, layout: Layout | None = None, device: Device | None = None,
    requires_grad: Bool = False,
):
    """The bell curve of standard deviation `std`, 1 at the middle.

    Shapes: (M)
    See: signal.windows.exponential

    >>> signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    dtype = _checked("gaussian", M, dtype)
    if std <= 0:
        raise TensorValueError(f"Standard deviation must be positive, got: {std} instead.")
    if M == 0:
        return _few(F, M, dtype, device, requires_grad)
    start = -(M if not sym and M > 1 else M - 1) / 2.0
    constant = 1 / (std * math.sqrt(2))
    k = F.linspace(start * constant, (start + (M - 1)) * constant, M, dtype=dtype, device=device, requires_grad=requires_grad)
    return F.exp(-F.pow_scalar(k, 2))


@window()
def windows_kaiser(
    F, M: Int, *, beta: Scalar = 12.0, sym: Bool = True, dtype: DType | None = None, layout: Layout | None = None, device: Device | None = None,
    requires_grad: Bool = False,
):
    """The Bessel function i0 along half an ellipse of width `beta`, 1 at the middle (Kaiser 1966).

    Shapes: (M)
    See: kaiser_window, i0

    >>> signal.windows.kaiser(3)
    tensor([5.2773e-05, 1.0000e+00, 5.2773e-05])
    """
    dtype = _checked("kaiser", M, dtype)
    if beta < 0:
        raise TensorValueError(f"beta must be non-negative, got: {beta} instead.")
    if M < 2:
        return _few(F, M, dtype, device, requires_grad)
    width = F.full((), beta, dtype=dtype, device=device)
    start = -width
    end = F.minimum(width, start + (M - 1) * (2.0 * width / (M if not sym else M - 1)))
    k = F.linspace(float(start), float(end), M, dtype=dtype, device=device, requires_grad=requires_grad)
    return F.i0(F.sqrt(width * width - F.pow_scalar(k, 2))) / F.i0(width)


@window()
def windows_bartlett(
    F, M: Int, *, sym: Bool = True, dtype: DType | None = None, layout: Layout | None = None, device: Device | None = None, requires_grad: Bool = False
):
    """A triangle from 0 to 1 and back.

    Shapes: (M)
    See: bartlett_window

    >>> signal.windows.bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    dtype = _checked("bartlett", M, dtype)
    if M < 2:
        return _few(F, M, dtype, device, requires_grad)
    constant = 2 / (M if not sym else M - 1)
    return 1 - F.abs(F.linspace(-1, -1 + (M - 1) * constant, M, dtype=dtype, device=device, requires_grad=requires_grad))


def _cosines(F, M, a, sym, dtype, device, requires_grad):
    """The sum of the cosines of 0, 1, ... turns with the weights `a`, of changing sign."""
    dtype = _checked("general_cosine", M, dtype)
    if M < 2:
        return _few(F, M, dtype, device, requires_grad)
    if not isinstance(a, (list, tuple)):
        raise TensorTypeError("Coefficients must be a list/tuple")
    if not a:
        raise TensorValueError("Coefficients cannot be empty")
    constant = 2 * math.pi / (M if not sym else M - 1)
    k = F.linspace(0, (M - 1) * constant, M, dtype=dtype, device=device, requires_grad=requires_grad)
    weights = F.stack([F.full((), float((-1) ** i * w), dtype=dtype, device=k.device) for i, w in enumerate(a)]).detach().requires_grad_(requires_grad)
    turns = F.arange(len(a), dtype=dtype, device=k.device, requires_grad=requires_grad)
    return F.sum_dim(F.unsqueeze(weights, -1) * F.cos(F.unsqueeze(turns, -1) * k), (0,), False)


@window()
def windows_general_cosine(
    F, M: Int, *, a: Any, sym: Bool = True, dtype: DType | None = None, layout: Layout | None = None, device: Device | None = None,
    requires_grad: Bool = False,
):
    """`a[0] - a[1] * cos(x) + a[2] * cos(2 x) - ...` over one turn.

    Shapes: (M)
    See: signal.windows.general_hamming, signal.windows.nuttall

    >>> signal.windows.general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])
    """
    return _cosines(F, M, a, sym, dtype, device, requires_grad)


@window()
def windows_general_hamming(
    F, M: Int, *, alpha: Float = 0.54, sym: Bool = True, dtype: DType | None = None, layout: Layout | None = None, device: Device | None = None,
    requires_grad: Bool = False,
):
    """`alpha - (1 - alpha) * cos(x)` over one turn.

    Shapes: (M)
    See: signal.windows.hamming, signal.windows.hann

    >>> signal.windows.general_hamming(3, alpha=0.6)
    tensor([0.2000, 1.0000, 0.2000])
    """
    return _cosines(F, M, [alpha, 1.0 - alpha], sym, dtype, device, requires_grad)


@window()
def windows_hamming(
    F, M: Int, *, sym: Bool = True, dtype: DType | None = None, layout: Layout | None = None, device: Device | None = None, requires_grad: Bool = False
):
    """`0.54 - 0.46 * cos(x)` over one turn.

    Shapes: (M)
    See: hamming_window

    >>> signal.windows.hamming(3)
    tensor([0.0800, 1.0000, 0.0800])
    """
    return _cosines(F, M, [0.54, 1.0 - 0.54], sym, dtype, device, requires_grad)


@window()
def windows_hann(
    F, M: Int, *, sym: Bool = True, dtype: DType | None = None, layout: Layout | None = None, device: Device | None = None, requires_grad: Bool = False
):
    """`(1 - cos(x)) / 2` over one turn.

    Shapes: (M)
    See: hann_window

    >>> signal.windows.hann(3)
    tensor([0., 1., 0.])
    """
    return _cosines(F, M, [0.5, 0.5], sym, dtype, device, requires_grad)


@window()
def windows_blackman(
    F, M: Int, *, sym: Bool = True, dtype: DType | None = None, layout: Layout | None = None, device: Device | None = None, requires_grad: Bool = False
):
    """`0.42 - 0.5 * cos(x) + 0.08 * cos(2 x)` over one turn.

    Shapes: (M)
    See: blackman_window

    >>> signal.windows.blackman(5)[1:4]
    tensor([0.3400, 1.0000, 0.3400])
    """
    _checked("blackman", M, dtype)
    return _cosines(F, M, [0.42, 0.5, 0.08], sym, dtype, device, requires_grad)


@window()
def windows_nuttall(
    F, M: Int, *, sym: Bool = True, dtype: DType | None = None, layout: Layout | None = None, device: Device | None = None, requires_grad: Bool = False
):
    """The minimum four-term cosine window of Nuttall (1981).

    Shapes: (M)
    See: signal.windows.blackman

    >>> signal.windows.nuttall(5)[1:4]
    tensor([0.2270, 1.0000, 0.2270])
    """
    return _cosines(F, M, [0.3635819, 0.4891775, 0.1365995, 0.0106411], sym, dtype, device, requires_grad)
