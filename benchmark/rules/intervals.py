"""Error bars for scores whose items come in clusters.

Items that examine the same norm are not independent, so the cluster (the norm group, or the question text
where there is no norm) is the sampling unit. Sources: arXiv 2411.00640 ("Adding Error Bars to Evals"),
which gives the clustered standard error used here, and arXiv 2503.01747, which shows why an interval from
the normal limit must not be trusted with few units and near 0 or 1; Wilson, JASA 22 (1927) 209-212, for the
score interval.

Every result is plain Python floats and ints, so it can be stored or written as JSON as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.rules import student

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Clusters = Sequence[Hashable] | NDArray[np.generic]

MIN_CLUSTERS = 10
"""Below this many clusters no interval is given and no pair is told apart (project rule)."""

NEAR_EDGE = 0.1
"""A proportion below this, or above one minus this, takes the Wilson interval."""

RELATIVE_ZERO = 1e-12
"""Sums smaller than this share of the summed magnitudes are rounding noise and count as 0."""


@dataclass(frozen=True, slots=True)
class MeanEstimate:
    """A mean with its cluster-robust error bar.

    `mean` is None for no items. `se` is None with fewer than two clusters. `low` and `high` are None with
    fewer than `MIN_CLUSTERS` clusters; then `reliable` is False. `n` counts items, `clusters` counts
    clusters, and `df` is clusters - 1 (0 for no items).
    """

    mean: float | None
    se: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    df: int
    reliable: bool


@dataclass(frozen=True, slots=True)
class ProportionEstimate(MeanEstimate):
    """A share in [0, 1] with its interval.

    `method` says how the interval was made: "wilson", "cluster-t", or "none" where there is no interval.
    `n_effective` is the number of independent items that carry as much information (None unless "wilson").
    """

    method: str
    n_effective: float | None


def cluster_codes(clusters: Clusters) -> tuple[IntArray, int]:
    """Number the clusters 0..G-1.

    Takes n integers or n strings (any hashables; a missing name, None or NaN, is refused, since it would
    silently tie strangers together). Returns an (n,) int array and G. Raises ValueError.
    """
    if isinstance(clusters, np.ndarray):
        if clusters.ndim != 1:
            raise ValueError(f"clusters must have one dimension, not {clusters.ndim}")
        if clusters.dtype.kind in "iu":
            names, codes = np.unique(clusters, return_inverse=True)
            return codes.astype(np.int64, copy=False), len(names)
        clusters = clusters.tolist()
    # A dictionary, not np.unique: an array of question texts takes the width of the longest for each.
    seen: dict[Hashable, int] = {}
    codes = np.empty(len(clusters), dtype=np.int64)
    for position, name in enumerate(clusters):
        if name is None or name != name:
            raise ValueError(f"item {position} has no cluster")
        codes[position] = seen.setdefault(name, len(seen))
    return codes, len(seen)


def check_level(level: float, name: str = "level") -> None:
    """Refuse (ValueError, naming the argument) a level outside the open interval from 0 to 1."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"{name} must lie between 0 and 1, not {level}")


def t_quantile(level: float, df: int) -> float:
    """The two-sided t quantile for a confidence level in (0, 1): 2.262 for 0.95 and 9 degrees of freedom."""
    return student.t_quantile(0.5 + level / 2, df)


def clustered_moments(
    values: FloatArray, codes: IntArray, groups: int, scale: float
) -> tuple[float, float | None]:
    """Mean and clustered variance of the mean: values (n,), n >= 1, and codes in 0..groups-1, all used.

    se^2 = G/(G-1) * sum_g (sum_{i in g} (x_i - mean))^2 / n^2; None with one cluster. `scale` is the
    magnitude of the numbers that the values were made from: a mean or a cluster sum within rounding
    distance of 0 at that scale is 0, so that equal things are not told apart by their last bit.
    """
    n = len(values)
    mean = float(values.mean())
    if abs(mean) <= RELATIVE_ZERO * scale:
        mean = 0.0
    if groups < 2:
        return mean, None
    sizes = np.bincount(codes, minlength=groups)
    sums = np.bincount(codes, weights=values - mean, minlength=groups)
    sums[np.abs(sums) <= RELATIVE_ZERO * scale * sizes] = 0.0
    return mean, groups / (groups - 1) * float(sums @ sums) / n**2


def cluster_mean(
    values: ArrayLike,
    clusters: Clusters,
    *,
    level: float = 0.95,
    bounds: tuple[float, float] | None = None,
) -> MeanEstimate:
    """Mean of values (n,) with cluster-robust standard error and a t interval on G-1 degrees of freedom.

    se^2 = G/(G-1) * sum_g (sum_{i in g} (x_i - mean))^2 / n^2 (the clustered error of arXiv 2411.00640,
    with the usual small-sample factor). Clusters of one item each give the ordinary s/sqrt(n).

    n = 0: everything None, 0 clusters. One cluster: mean, no se. 2 to 9 clusters: mean and se, no interval.
    All clusters alike: se is 0 and, from 10 clusters on, low = mean = high. `bounds` (lowest, highest
    possible value) clips the interval; a value outside is refused. Raises ValueError for NaN, infinity,
    unequal lengths, a missing cluster or a level outside (0, 1).
    """
    check_level(level)
    array = _checked(values, len(clusters))
    codes, groups = cluster_codes(clusters)
    n = len(array)
    if n == 0:
        return MeanEstimate(None, None, None, None, 0, 0, 0, False)
    lowest, highest = float(array.min()), float(array.max())
    if bounds is not None and (lowest < bounds[0] or highest > bounds[1]):
        raise ValueError(f"values must lie within {bounds[0]} and {bounds[1]}")
    mean, variance = clustered_moments(array, codes, groups, max(abs(lowest), abs(highest)))
    mean = min(max(mean, lowest), highest)
    df = groups - 1
    se = None if variance is None else math.sqrt(variance)
    if se is None or groups < MIN_CLUSTERS:
        return MeanEstimate(mean, se, None, None, n, groups, df, False)
    half = t_quantile(level, df) * se
    low, high = mean - half, mean + half
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return MeanEstimate(mean, se, low, high, n, groups, df, True)


def wilson_clustered(successes: ArrayLike, clusters: Clusters, level: float = 0.95) -> ProportionEstimate:
    """Share of ones among successes (n,) of 0 and 1, with Wilson's score interval at the effective sample
    size.

    With c = t^2 / n_eff: (p + c/2 -+ sqrt(p(1-p)c + c^2/4)) / (1 + c) (Wilson 1927), where
    n_eff = p(1-p) / se^2 with the clustered se, at most n (a design effect below 1 is taken for luck).

    Two choices. The quantile is t with G-1 degrees of freedom, not the normal one: the same as shrinking
    n_eff by (z/t)^2 (Korn and Graubard, Survey Methodology 24 (1998) 193-201), and needed since se itself
    is estimated from G clusters. And where all answers are alike (p = 0 or 1) the data say nothing about
    dependence within clusters, so each cluster counts as one answer, n_eff = G (design effect n/G, the
    average cluster size): the cautious end. One odd answer among many therefore can have a narrower
    interval than none.

    Always 0 <= low <= p <= high <= 1. Below 10 clusters no interval, method "none". Raises ValueError for
    values other than 0 and 1 and as `cluster_mean` does.
    """
    return _wilson(_binary_mean(successes, clusters, level), level)


def proportion(values: ArrayLike, clusters: Clusters, *, level: float = 0.95) -> ProportionEstimate:
    """Share of ones among values (n,) of 0 and 1, with the interval that suits it, named in `method`.

    Wilson with the effective sample size where the share is below 0.1 or above 0.9, and where the clusters
    do not differ at all (the t interval would claim certainty); else the cluster t interval, clipped to [0,
    1]. Below 10 clusters none. Raises as `wilson_clustered` does.
    """
    estimate = _binary_mean(values, clusters, level)
    if estimate.mean is None or not estimate.reliable:
        return _with_method(estimate, "none")
    if estimate.mean < NEAR_EDGE or estimate.mean > 1 - NEAR_EDGE or estimate.se == 0:
        return _wilson(estimate, level)
    return _with_method(estimate, "cluster-t")


def _binary_mean(values: ArrayLike, clusters: Clusters, level: float) -> MeanEstimate:
    array = _checked(values, len(clusters))
    if not np.isin(array, (0.0, 1.0)).all():
        raise ValueError("a proportion takes values 0 and 1 only")
    return cluster_mean(array, clusters, level=level, bounds=(0.0, 1.0))


def _wilson(estimate: MeanEstimate, level: float) -> ProportionEstimate:
    p, se = estimate.mean, estimate.se
    if p is None or se is None or not estimate.reliable:
        return _with_method(estimate, "none")
    if p in (0.0, 1.0):
        n_effective = float(estimate.clusters)
    elif se == 0:
        n_effective = float(estimate.n)
    else:
        n_effective = min(p * (1 - p) / se**2, float(estimate.n))
    c = t_quantile(level, estimate.df) ** 2 / n_effective
    half = math.sqrt(p * (1 - p) * c + c * c / 4)
    # The formula gives exactly 0 and 1 at the edges; min and max only take off the rounding.
    low = 0.0 if p == 0 else min(max((p + c / 2 - half) / (1 + c), 0.0), p)
    high = 1.0 if p == 1 else max(min((p + c / 2 + half) / (1 + c), 1.0), p)
    return ProportionEstimate(
        p, se, low, high, estimate.n, estimate.clusters, estimate.df, True, "wilson", n_effective
    )


def _with_method(estimate: MeanEstimate, method: str) -> ProportionEstimate:
    return ProportionEstimate(**asdict(estimate), method=method, n_effective=None)


def _checked(values: ArrayLike, expected: int) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"values must have one dimension, not {array.ndim}")
    if len(array) != expected:
        raise ValueError(f"{len(array)} values but {expected} clusters")
    if not np.isfinite(array).all():
        raise ValueError("values must be finite: leave missing ones out, or score them, before averaging")
    return array
