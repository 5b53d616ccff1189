"""Student's t distribution: the tail that tests need and the quantile that intervals need.

Written out because `scipy.special`, which has both, is a sixth of a web process's memory and pages need nothing else
of it. Source: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.5.8 and 26.7.1:

    P(T <= -t) = I_x(df/2, 1/2) / 2 with x = df / (df + t^2),

with the regularised incomplete beta function from its continued fraction, evaluated by the modified Lentz method
(Thompson and Barnett, Journal of Computational Physics 64 (1986) 490-509).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

TINY = 1e-300
CLOSE = 4e-15
LARGEST = 1e150
SERIES_FROM = 50.0
LOG_SQRT_PI = math.log(math.pi) / 2
BLOCK = 4_096
MAX_TERMS = 10_000
"""Some five times the square root of the larger parameter are needed: enough for millions of degrees of freedom."""


def t_tail(df: ArrayLike, t: ArrayLike) -> Floats:
    """P(T >= t) for t >= 0 and df > 0, broadcast; relative error below 1e-10 up to 100,000 degrees of freedom.

    0 for a t so large (infinity too) that its square is no number. Raises ValueError for a t below 0 or a df that is
    not positive.
    """
    freedom, at = np.broadcast_arrays(np.asarray(df, dtype=np.float64), np.asarray(t, dtype=np.float64))
    if not (np.all(at >= 0) and np.all(freedom > 0)):
        raise ValueError("t is at least 0 and the degrees of freedom are positive")
    tail = np.zeros(at.shape)
    finite = at < LARGEST
    v, square = freedom[finite], at[finite] ** 2
    parts = [
        _half(v[first : first + BLOCK], square[first : first + BLOCK]) for first in range(0, len(v), BLOCK)
    ]
    tail[finite] = np.concatenate(parts) / 2 if parts else 0.0
    return tail


def _half(v: Floats, square: Floats) -> Floats:
    """I_x(df/2, 1/2) of a block that stays in the processor's cache, and that stops with its own slowest member."""
    found = np.empty(v.shape)
    # The fraction converges quickly on one side of its mean only; the other side is 1 minus the mirrored one.
    low = v / (v + square) < (v / 2 + 1) / (v / 2 + 2.5)
    found[low] = _beta(v[low] / 2, 0.5, v[low] / (v[low] + square[low]), square[low] / (v[low] + square[low]))
    high = ~low
    found[high] = 1 - _beta(
        0.5, v[high] / 2, square[high] / (v[high] + square[high]), v[high] / (v[high] + square[high])
    )
    return found


@lru_cache(maxsize=4096)
def t_quantile(p: float, df: int) -> float:
    """t with P(T <= t) = p, for p in [0.5, 1) and df >= 1: 2.262157 for 0.975 and 9. Raises ValueError."""
    if not 0.5 <= p < 1 or df < 1:
        raise ValueError(f"p lies in [0.5, 1) and df is at least 1, not {p} and {df}")
    wanted = 1 - p
    low, high = 0.0, 1.0
    while float(t_tail(df, high)) > wanted:
        low, high = high, high * 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if float(t_tail(df, middle)) > wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta(a: ArrayLike, b: ArrayLike, x: Floats, rest: Floats) -> Floats:
    """I_x(a, b) by the continued fraction, where x lies below its mean; `rest` is 1 - x, kept apart for its digits.

    One of a and b is 1/2.
    """
    a, b, x = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64), x)
    with np.errstate(divide="ignore"):
        front = np.exp(_half_step(np.maximum(a, b)) - LOG_SQRT_PI + a * np.log(x) + b * np.log(rest)) / a
    c = np.ones(x.shape)
    d = 1 / _away(1 - (a + b) * x / (a + 1))
    h = d.copy()
    for m in range(1, MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / _away(1 + even * d), _away(1 + even / c)
        h *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / _away(1 + odd * d), _away(1 + odd / c)
        step = d * c
        h *= step
        if m % 4 == 0 and np.all(np.abs(step - 1) < CLOSE):
            break
    return front * h


def _away(value: Floats) -> Floats:
    return np.where(np.abs(value) < TINY, TINY, value)


def _half_step(value: Floats) -> Floats:
    """ln Γ(v + 1/2) - ln Γ(v) for v >= 1/2. Of large v by its series, since the difference of two large numbers loses digits."""
    distinct, places = np.unique(value, return_inverse=True)
    inverse = 1 / distinct
    series = 0.5 * np.log(distinct) - inverse / 8 + inverse**3 / 192 - inverse**5 / 640
    exact = [math.lgamma(v + 0.5) - math.lgamma(v) if v < SERIES_FROM else 0.0 for v in distinct]
    found: Floats = np.where(distinct < SERIES_FROM, exact, series)[places].reshape(value.shape)
    return found
