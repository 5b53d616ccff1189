"""Which entries of a board really differ, and what that leaves of a rank.

Each pair of entries is compared on the items that both have a value for, by a paired t-test whose standard
error is clustered (arXiv 2411.00640: paired differences are far less noisy than two separate means). All
pairs of a board are one family, corrected by Holm's step-down rule (Holm, Scand. J. Statist. 6 (1979)
65-70). A rank is then an interval: 1 + how many are significantly better, up to N - how many are
significantly worse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.rules.intervals import (
    MIN_CLUSTERS,
    RELATIVE_ZERO,
    Clusters,
    FloatArray,
    IntArray,
    check_level,
    cluster_codes,
    clustered_moments,
    t_quantile,
)
from benchmark.rules.student import t_tail

CANCELLED = 1e-8
"""A sum of squares this small beside the squares it is the difference of is computed again, directly."""

ROWS = 64
"""Entries per block: a block of pairs stays in the processor's cache while the clusters pass by."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """Rank intervals of E entries and the pairwise tests behind them.

    `low` <= `high`, (E,) ints in 1..E. The others are (E, E): `p` Holm-adjusted, symmetric, 1 on the
    diagonal and for a pair that cannot be told apart; `difference[a, b]` the mean of value a - value b over
    shared items (NaN where none); `se` its clustered standard error (NaN with fewer than two shared
    clusters); `clusters` the number of shared clusters.
    """

    low: IntArray
    high: IntArray
    p: FloatArray
    difference: FloatArray
    se: FloatArray
    clusters: IntArray


@dataclass(frozen=True, slots=True)
class PairEstimate:
    """Two entries compared: mean of a - b on the `n` items both have, in `clusters` clusters.

    `p` is two-sided and not corrected for other comparisons. With fewer than `MIN_CLUSTERS` shared clusters
    `low`, `high` and `p` are None and `reliable` is False; `se` is None with fewer than two, `difference`
    with no item.
    """

    difference: float | None
    se: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    clusters: int
    df: int
    reliable: bool


def pairwise(
    values_a: ArrayLike, values_b: ArrayLike, clusters: Clusters, *, level: float = 0.95
) -> PairEstimate:
    """Paired clustered comparison of two entries over the same items: values (n,), NaN where left out.

    t = mean / se with (shared clusters - 1) degrees of freedom. A difference that is the same in every
    cluster has se 0: p is 1 if it is 0, and 0 if it is not. Raises ValueError for infinity, unequal
    lengths, a missing cluster or a level outside (0, 1).
    """
    check_level(level)
    both = _checked_matrix(
        [np.asarray(values_a, np.float64), np.asarray(values_b, np.float64)], len(clusters)
    )
    codes, _ = cluster_codes(clusters)
    shared = ~np.isnan(both).any(axis=0)
    a, b = both[:, shared]
    if not len(a):
        return PairEstimate(None, None, None, None, None, 0, 0, 0, False)
    shared_codes, groups = cluster_codes(codes[shared])
    mean, variance = clustered_moments(a - b, shared_codes, groups, float(np.abs(both[:, shared]).max()))
    n, df = len(a), groups - 1
    se = None if variance is None else math.sqrt(variance)
    if se is None or groups < MIN_CLUSTERS:
        return PairEstimate(mean, se, None, None, None, n, groups, df, False)
    half = t_quantile(level, df) * se
    if se > 0:
        p = float(2 * t_tail(df, abs(mean) / se))
    else:
        p = 1.0 if mean == 0 else 0.0
    return PairEstimate(mean, se, mean - half, mean + half, p, n, groups, df, True)


def holm(p: ArrayLike) -> FloatArray:
    """Holm-adjusted p values of m tests (m,), in the order given (Holm 1979).

    Sorted ascending, the j-th becomes max over i <= j of (m - i + 1) p_(i), at most 1. Rejecting what is <=
    alpha keeps the chance of any false rejection at alpha or below, however the tests depend on each other.
    Raises ValueError for a p outside [0, 1].
    """
    raw = np.asarray(p, dtype=np.float64)
    if not ((raw >= 0) & (raw <= 1)).all():
        raise ValueError("p values must lie between 0 and 1")
    order = np.argsort(raw, kind="stable")
    stepped = np.minimum(np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1)), 1.0)
    adjusted = np.empty_like(raw)
    adjusted[order] = stepped
    return adjusted


def rank_intervals(values: ArrayLike, clusters: Clusters, *, alpha: float = 0.05) -> Ranks:
    """Rank intervals of E entries over I items: values (E, I), NaN for an item left out of an entry's score.

    Higher is better. Every pair is tested as in `pairwise`, on shared items with (shared clusters - 1)
    degrees of freedom; all E(E-1)/2 pairs are Holm-corrected, also those that cannot be tested (p = 1),
    which only errs on the cautious side. Below 10 shared clusters a pair is never separated (p = 1). A
    constant difference other than 0 has p = 0 from 10 shared clusters on; no difference has p = 1. An entry
    better at adjusted p <= alpha counts towards `low`, one worse towards `high`. Without left-out items an
    entry's plain rank lies within.

    Time grows with E^2 x clusters (a matrix product where nothing is left out), memory with E x I + E^2; a
    pair without spread that is not simply a copy is computed by itself (0.1 ms at 6,000 items). Raises
    ValueError for infinity, a wrong shape, a missing cluster or an alpha outside (0, 1).
    """
    check_level(alpha, "alpha")
    matrix = _checked_matrix(values, len(clusters))
    moments = _pair_moments(matrix, clusters)
    entries = len(matrix)
    upper = np.triu_indices(entries, 1)
    adjusted = holm(_raw_p(moments, upper))
    p = np.ones((entries, entries))
    p[upper] = adjusted
    p.T[upper] = adjusted
    found = p <= alpha
    low = 1 + np.count_nonzero(found & (moments.difference < 0), axis=1)
    high = entries - np.count_nonzero(found & (moments.difference > 0), axis=1)
    return Ranks(low, high, p, moments.difference, moments.se, moments.clusters)


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """(E, E) matrices of all pairs, as in `Ranks`."""

    difference: FloatArray
    se: FloatArray
    clusters: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Items sorted by cluster: `start[g]` to `start[g + 1]` are the columns of cluster g."""

    start: IntArray
    whole: NDArray[np.bool_]
    """(G,) True where no entry leaves out an item of the cluster."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Sums over shared items of a block of rows against all entries, each (rows, E).

    With D_g the sum of differences in cluster g and C_g the number of shared items in it: `d` = sum D_g,
    `n` = sum C_g, `dd` = sum D_g^2, `dc` = sum D_g C_g, `cc` = sum C_g^2, `g` = clusters with C_g > 0, and
    `size` = the magnitude of what `dd` was the difference of.
    """

    d: FloatArray
    n: FloatArray
    dd: FloatArray
    dc: FloatArray
    cc: FloatArray
    g: FloatArray
    size: FloatArray


def _checked_matrix(values: ArrayLike, items: int) -> FloatArray:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] != items:
        raise ValueError(f"values must have shape (entries, {items}), not {matrix.shape}")
    if np.isinf(matrix).any():
        raise ValueError("values must be finite, or NaN where an item is left out")
    return matrix


def _raw_p(moments: _Moments, upper: tuple[IntArray, IntArray]) -> FloatArray:
    difference, se, clusters = moments.difference[upper], moments.se[upper], moments.clusters[upper]
    p = np.ones(len(difference))
    tested = clusters >= MIN_CLUSTERS
    p[tested & (se == 0) & (difference != 0)] = 0.0
    noisy = tested & (se > 0)
    t = np.abs(difference[noisy]) / se[noisy]
    p[noisy] = 2 * t_tail(clusters[noisy] - 1, t)
    return p


def _pair_moments(values: FloatArray, clusters: Clusters) -> _Moments:
    """Differences, standard errors and shared clusters of all pairs, by blocks of rows.

    sum_g (D_g - mean C_g)^2 is expanded into sums that add up over clusters, so no pair is visited by itself.
    """
    codes, groups = cluster_codes(clusters)
    order = np.argsort(codes, kind="stable")
    start = np.concatenate(([0], np.cumsum(np.bincount(codes, minlength=groups)))).astype(np.int64)
    values = values[:, order]
    entries = len(values)
    present = ~np.isnan(values)
    filled = np.where(present, values, 0.0)
    complete = present.all(axis=0)
    whole = np.logical_and.reduceat(complete, start[:-1]) if groups else np.zeros(0, dtype=bool)
    layout = _Layout(start, whole)
    alike = _alike(values)
    scale = float(np.abs(filled).max(initial=0.0))
    result = _Moments(
        np.full((entries, entries), np.nan),
        np.full((entries, entries), np.nan),
        np.zeros((entries, entries), dtype=np.int64),
    )
    if not groups:
        return result
    cluster_sums = np.add.reduceat(filled, start[:-1], axis=1)[:, whole]
    for first in range(0, entries, ROWS):
        rows = slice(first, min(first + ROWS, entries))
        sums = _whole_sums(cluster_sums, np.diff(start)[whole], rows)
        _add_partial(sums, filled, present, layout, rows)
        _finish(result, sums, scale, rows)
        _repair(result, sums, values, layout, alike, rows)
    # A mirror image, so that both sides agree to the last bit.
    upper = np.triu_indices(entries, 1)
    result.difference.T[upper] = -result.difference[upper]
    result.se.T[upper] = result.se[upper]
    result.clusters.T[upper] = result.clusters[upper]
    return result


def _alike(values: FloatArray) -> IntArray:
    """(E,) class numbers: entries that agree in every bit share one, so copies of a file cost nothing."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(row.tobytes(), len(seen)) for row in values], dtype=np.int64)


def _whole_sums(cluster_sums: FloatArray, sizes: IntArray, rows: slice) -> _Sums:
    """Clusters that nobody left anything out of: sum D_g^2 is a Gram matrix of the entries' cluster sums."""
    block = cluster_sums[rows]
    squares = np.einsum("eg,eg->e", cluster_sums, cluster_sums)
    size = squares[rows, None] + squares[None, :]
    total = cluster_sums.sum(axis=1)
    weighted = cluster_sums @ sizes
    shape = size.shape
    return _Sums(
        d=total[rows, None] - total[None, :],
        n=np.full(shape, float(sizes.sum())),
        dd=size - 2 * (block @ cluster_sums.T),
        dc=weighted[rows, None] - weighted[None, :],
        cc=np.full(shape, float((sizes**2).sum())),
        g=np.full(shape, float(len(sizes))),
        size=size.copy(),
    )


def _add_partial(
    sums: _Sums, filled: FloatArray, present: NDArray[np.bool_], layout: _Layout, rows: slice
) -> None:
    """Clusters in which somebody left out an item: what is shared differs from pair to pair."""
    for g in np.flatnonzero(~layout.whole):
        columns = slice(layout.start[g], layout.start[g + 1])
        x, m = filled[:, columns], present[:, columns].astype(np.float64)
        shared = m[rows] @ m.T
        difference = x[rows] @ m.T
        difference -= m[rows] @ x.T
        np.add(sums.d, difference, out=sums.d)
        np.add(sums.n, shared, out=sums.n)
        np.add(sums.g, shared > 0, out=sums.g)
        product = difference * shared
        np.add(sums.dc, product, out=sums.dc)
        np.multiply(difference, difference, out=product)
        np.add(sums.dd, product, out=sums.dd)
        np.multiply(shared, shared, out=shared)
        np.add(sums.cc, shared, out=sums.cc)


def _finish(result: _Moments, sums: _Sums, scale: float, rows: slice) -> None:
    n = np.where(sums.n > 0, sums.n, np.nan)
    mean = sums.d / n
    spread = sums.dd - 2 * mean * sums.dc + mean**2 * sums.cc
    # What the spread was left over from, or may be in the last bits of the values: for `_repair`.
    sums.size[:] += sums.dd + (mean**2 + RELATIVE_ZERO * scale**2) * sums.cc
    factor = np.where(sums.g > 1, sums.g / np.maximum(sums.g - 1, 1), np.nan)
    result.difference[rows] = mean
    result.se[rows] = np.sqrt(factor * np.maximum(spread, 0.0)) / n
    result.clusters[rows] = sums.g
    np.copyto(sums.dd, spread)


def _repair(
    result: _Moments, sums: _Sums, values: FloatArray, layout: _Layout, alike: IntArray, rows: slice
) -> None:
    """Compute again the pairs whose spread is lost in rounding: (nearly) equal, or apart by a constant."""
    for offset, a in enumerate(range(rows.start, rows.stop)):
        same = alike == alike[a]
        tested = result.clusters[a] > 0
        result.difference[a, same & tested] = 0.0
        result.se[a, same & (result.clusters[a] > 1)] = 0.0
        lost = ~same & tested & (sums.dd[offset] <= CANCELLED * sums.size[offset])
        lost[: a + 1] = False
        others = np.flatnonzero(lost)
        for first in range(0, len(others), ROWS):
            _repair_rows(result, values, layout, a, others[first : first + ROWS])


def _repair_rows(result: _Moments, values: FloatArray, layout: _Layout, a: int, others: IntArray) -> None:
    difference = values[a] - values[others]
    shared = ~np.isnan(difference)
    scale = np.where(shared, np.maximum(np.abs(values[a]), np.abs(values[others])), 0.0).max(axis=1)
    n = shared.sum(axis=1)
    mean = np.where(shared, difference, 0.0).sum(axis=1) / n
    mean[np.abs(mean) <= RELATIVE_ZERO * scale] = 0.0
    deviation = np.where(shared, difference - mean[:, None], 0.0)
    sums = np.add.reduceat(deviation, layout.start[:-1], axis=1)
    sizes = np.add.reduceat(shared.astype(np.int64), layout.start[:-1], axis=1)
    sums[np.abs(sums) <= RELATIVE_ZERO * scale[:, None] * sizes] = 0.0
    groups = (sizes > 0).sum(axis=1)
    factor = np.where(groups > 1, groups / np.maximum(groups - 1, 1), np.nan)
    result.difference[a, others] = mean
    result.se[a, others] = np.sqrt(factor * (sums**2).sum(axis=1)) / n
