"""Orthogonal polynomials by their recurrences, with the edges that torch gives them; torch has no derivatives for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..families.elementwise import Elementwise
from .bessel import bessel, no_halves


def polynomial(label: str) -> Callable[[Callable[..., Any]], Elementwise]:
    """The decorator of one of torch's polynomials."""
    return bessel(label=f"{label}_cpu", check=no_halves(f"{label}_cpu"))


def _degrees(xp, n):
    """Degrees as whole numbers towards 0; what is no number of 64 bits counts as negative."""
    return xp.where(xp.abs(n) < 2.0**63, xp.trunc(n), n.dtype.type(-1))


def _recurrence(xp, n, first, second, step, given):
    """The degrees `n` from those of 0 and 1 by `step(k, p of degree k, p of degree k - 1)`; where `given` holds another rule decides."""
    n = xp.where(given, 0, n)
    below, here = first, second
    result = xp.where(n == 0, first, second)
    last = int(n.max()) if n.size else 0
    for k in range(1, last):
        below, here = here, step(k, here, below)
        result = xp.where(n > k, here, result)
        if xp.isnan(xp.where(n > k, here, xp.nan)).all():
            break  # nothing but nan follows
    return result


def _chebyshev(xp, x, n, ends, second, angle, many):
    """Degrees n of a Chebyshev family with the value of degree 1 given: `ends(n, at the right)` at |x| = 1, `angle(n, arccos x)` inside
    above degree `many`, else the recurrence."""
    n = _degrees(xp, n)
    one = xp.ones_like(x)
    edge = xp.abs(x) == 1
    inside = (n > many) & (xp.abs(x) < 1)
    found = _recurrence(xp, n, one, second, lambda k, here, below: (x + x) * here - below, edge | inside | (n < 0))
    found = xp.where(inside, angle(n, xp.arccos(x)), found)
    found = xp.where(edge, ends(n, x > 0), found)
    return xp.where(n < 0, 0, found).astype(x.dtype)


def _sign(xp, n):
    return xp.where(n % 2 == 0, n.dtype.type(1), n.dtype.type(-1))


def _first_kind(xp, x, n, many):
    return _chebyshev(xp, x, n, lambda n, right: xp.where(right, 1, _sign(xp, n)), x, lambda n, t: xp.cos(n * t), many)


def _second_kind(xp, x, n, many):
    def angle(n, t):
        low = xp.sin(t)
        return xp.where(low != 0, xp.sin((n + 1) * t) / low, (n + 1) * xp.cos((n + 1) * t) / x)

    return _chebyshev(xp, x, n, lambda n, right: xp.where(right, 1, _sign(xp, n)) * (n + 1), x + x, angle, many)


def _third_kind(xp, x, n, many):
    half = x.dtype.type(0.5)

    def angle(n, t):
        ends = _sign(xp, n) * (n + n + 1)
        return xp.where(xp.sin(t * half) != 1, xp.cos((n + half) * t) / xp.cos(t * half), ends)

    return _chebyshev(xp, x, n, lambda n, right: xp.where(right, 1, _sign(xp, n) * (n + n + 1)), x + x - 1, angle, many)


def _fourth_kind(xp, x, n, many):
    half = x.dtype.type(0.5)

    def angle(n, t):
        ends = xp.where(x > 0, n + n + 1, _sign(xp, n))
        return xp.where(xp.cos(t * half) != 1, xp.sin((n + half) * t) / xp.sin(t * half), ends)

    return _chebyshev(xp, x, n, lambda n, right: xp.where(right, n + n + 1, _sign(xp, n)), x + x + 1, angle, many)


@polynomial("chebyshev_polynomial_t")
def special_chebyshev_polynomial_t(xp, x: Either, n: Either):
    """The Chebyshev polynomial of the first kind of degree `n`: cos(n * arccos(x)).

    See: special.chebyshev_polynomial_u, special.legendre_polynomial_p

    >>> special.chebyshev_polynomial_t(tensor([0.5, 2.]), 2)
    tensor([-0.5000,  7.0000])
    """
    return _first_kind(xp, x, n, 6)


@polynomial("chebyshev_polynomial_u")
def special_chebyshev_polynomial_u(xp, x: Either, n: Either):
    """The Chebyshev polynomial of the second kind of degree `n`.

    See: special.chebyshev_polynomial_t

    >>> special.chebyshev_polynomial_u(tensor([0.5, 2.]), 2)
    tensor([ 0., 15.])
    """
    return _second_kind(xp, x, n, 8)


@polynomial("chebyshev_polynomial_v")
def special_chebyshev_polynomial_v(xp, x: Either, n: Either):
    """The Chebyshev polynomial of the third kind of degree `n`.

    See: special.chebyshev_polynomial_t

    >>> special.chebyshev_polynomial_v(tensor([0.5, 2.]), 2)
    tensor([-1., 11.])
    """
    return _third_kind(xp, x, n, 8)


@polynomial("chebyshev_polynomial_w")
def special_chebyshev_polynomial_w(xp, x: Either, n: Either):
    """The Chebyshev polynomial of the fourth kind of degree `n`.

    See: special.chebyshev_polynomial_t

    >>> special.chebyshev_polynomial_w(tensor([0.5, 2.]), 2)
    tensor([ 1., 19.])
    """
    return _fourth_kind(xp, x, n, 8)


@polynomial("shifted_chebyshev_polynomial_t")
def special_shifted_chebyshev_polynomial_t(xp, x: Either, n: Either):
    """The Chebyshev polynomial of the first kind at 2 * x - 1.

    See: special.chebyshev_polynomial_t

    >>> special.shifted_chebyshev_polynomial_t(tensor([0.5, 2.]), 2)
    tensor([-1., 17.])
    """
    return _first_kind(xp, x + x - 1, n, 6)


@polynomial("shifted_chebyshev_polynomial_u")
def special_shifted_chebyshev_polynomial_u(xp, x: Either, n: Either):
    """The Chebyshev polynomial of the second kind at 2 * x - 1.

    See: special.chebyshev_polynomial_u

    >>> special.shifted_chebyshev_polynomial_u(tensor([0.5, 2.]), 2)
    tensor([-1., 35.])
    """
    return _second_kind(xp, x + x - 1, n, 6)


@polynomial("shifted_chebyshev_polynomial_v")
def special_shifted_chebyshev_polynomial_v(xp, x: Either, n: Either):
    """The Chebyshev polynomial of the third kind at 2 * x - 1.

    See: special.chebyshev_polynomial_v

    >>> special.shifted_chebyshev_polynomial_v(tensor([0.5, 2.]), 2)
    tensor([-1., 29.])
    """
    return _third_kind(xp, x + x - 1, n, 6)


@polynomial("shifted_chebyshev_polynomial_w")
def special_shifted_chebyshev_polynomial_w(xp, x: Either, n: Either):
    """The Chebyshev polynomial of the fourth kind at 2 * x - 1.

    See: special.chebyshev_polynomial_w

    >>> special.shifted_chebyshev_polynomial_w(tensor([0.5, 2.]), 2)
    tensor([-1., 41.])
    """
    return _fourth_kind(xp, x + x - 1, n, 4)


HERMITE_LIMIT = {4: 128, 8: 512}  # the highest degree torch computes, by the bytes of a number


def _hermite(xp, x, n, second, step):
    n = _degrees(xp, n)
    high = n > HERMITE_LIMIT[x.dtype.itemsize]
    found = _recurrence(xp, n, xp.ones_like(x), second, step, high | (n < 0))
    return xp.where(n < 0, 0, xp.where(high, xp.nan, found)).astype(x.dtype)


@polynomial("hermite_polynomial_h")
def special_hermite_polynomial_h(xp, x: Either, n: Either):
    """The Hermite polynomial of degree `n`, of the physicists: with the weight exp(-x ** 2).

    See: special.hermite_polynomial_he

    >>> special.hermite_polynomial_h(tensor([0.5, 2.]), 2)
    tensor([-1., 14.])
    """
    return _hermite(xp, x, n, x + x, lambda k, here, below: (x + x) * here - 2 * k * below)


@polynomial("hermite_polynomial_he")
def special_hermite_polynomial_he(xp, x: Either, n: Either):
    """The Hermite polynomial of degree `n`, of the probabilists: with the weight exp(-x ** 2 / 2).

    See: special.hermite_polynomial_h

    >>> special.hermite_polynomial_he(tensor([0.5, 2.]), 2)
    tensor([-0.7500,  3.0000])
    """
    return _hermite(xp, x, n, x, lambda k, here, below: x * here - k * below)


@polynomial("laguerre_polynomial_l")
def special_laguerre_polynomial_l(xp, x: Either, n: Either):
    """The Laguerre polynomial of degree `n`.

    See: special.hermite_polynomial_h

    >>> special.laguerre_polynomial_l(tensor([0.5, 2.]), 2)
    tensor([ 0.1250, -1.0000])
    """
    n = _degrees(xp, n)
    low = 1 - x
    found = _recurrence(
        xp, n, xp.ones_like(x), low, lambda k, here, below: ((2 * k + low) * here - k * below) / x.dtype.type(k + 1), (n < 0) | (x == 0)
    )
    return xp.where(n < 0, 0, found).astype(x.dtype)


@polynomial("legendre_polynomial_p")
def special_legendre_polynomial_p(xp, x: Either, n: Either):
    """The Legendre polynomial of degree `n`.

    See: special.chebyshev_polynomial_t

    >>> special.legendre_polynomial_p(tensor([0.5, 2.]), 2)
    tensor([-0.1250,  5.5000])
    """
    n = _degrees(xp, n)
    edge = xp.abs(x) == 1
    found = _recurrence(
        xp, n, xp.ones_like(x), x, lambda k, here, below: ((2 * k + 1) * x * here - k * below) / x.dtype.type(k + 1), (n < 0) | edge
    )
    return xp.where(n < 0, 0, xp.where(edge, xp.where(x > 0, 1, _sign(xp, n)), found)).astype(x.dtype)
