"""Percentile bootstrap over units or clusters for figures that are made of sums.

A resample draws as many units (or clusters) as there are, with replacement. Units that are alike add the same
to every sum, so a resample need not visit them one by one: how often each *kind* of unit is drawn is
multinomial, and the sums of all resamples are one matrix product. Source: Efron and Tibshirani, An
Introduction to the Bootstrap (1993), chapters 6 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from annotation.rules.agreement import UnitSums, labels_given, pair_cells, unit_sums
from annotation.rules.ratings import FloatArray, IntArray, Ratings

BLOCK = 1 << 21
"""Weights made at a time (16 MiB of them), however many kinds and resamples there are."""

FEW_KINDS = 10
"""With this many units a kind, drawing the kinds' multinomial numbers beats drawing every unit."""

MAX_UNDEFINED = 0.05
"""A figure that is undefined in more than this share of the resamples gets no interval."""

NO_SPREAD = 1e-12
"""An interval narrower than this claims a certainty that the data cannot give: no interval."""

NoInterval = Literal["few_clusters", "undefined", "no_spread"]


@dataclass(frozen=True, slots=True)
class Interval:
    """`low` and `high`, both None where `missing` says why there is no interval."""

    low: float | None
    high: float | None
    missing: NoInterval | None


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A sample by kinds: T of them, of which kind t is there `times[t]` times.

    `sums` has a row for each kind; `given` (T, R*q) says how often its labels are of a rater and value;
    `shared` lists, for each pair of raters, which kinds (rows) they share and how many units in each.
    """

    sums: UnitSums
    times: IntArray
    given: FloatArray
    shared: tuple[tuple[IntArray, FloatArray], ...]


def sample_of(
    ratings: Ratings, pairs: Sequence[tuple[int, int]], clusters: tuple[IntArray, int] | None = None
) -> Sample:
    """Units gathered by kind: by identical row of labels, or by cluster (its number per unit, and how many).

    Clusters are not compared with each other: each is a kind of its own.
    """
    if clusters is None:
        _, first, times = np.unique(ratings.codes, axis=0, return_index=True, return_counts=True)
        ratings = ratings.keep(first)
        number, groups = np.arange(len(first), dtype=np.int64), len(first)
    else:
        number, groups = clusters
        times = np.ones(groups, dtype=np.int64)
    sums = unit_sums(ratings.counts)
    given = labels_given(ratings).reshape(len(ratings.codes), -1)
    return Sample(
        sums=UnitSums(_gathered(sums.columns, number, groups), sums.q),
        times=times.astype(np.int64),
        given=_gathered(given, number, groups),
        shared=tuple(_shared(ratings, pair, number) for pair in pairs),
    )


def resample_weights(times: IntArray, resamples: int, seed: int) -> Iterator[FloatArray]:
    """How often each kind (T,) is drawn, in blocks of (b, T) that add up to `resamples` rows.

    Each row adds up to the number of units, sum(times). The same seed gives the same rows.
    """
    generator = np.random.default_rng(seed)
    draws, kinds = int(times.sum()), len(times)
    few = kinds * FEW_KINDS <= draws
    block = max(1, BLOCK // (kinds if few else draws))
    kind_of = np.repeat(np.arange(kinds), times)
    for first in range(0, resamples, block):
        rows = min(block, resamples - first)
        if few:
            weights = generator.multinomial(draws, times / draws, size=rows)
        else:
            drawn = kind_of[generator.integers(draws, size=(rows, draws))]
            drawn += np.arange(0, rows * kinds, kinds)[:, None]
            weights = np.bincount(drawn.ravel(), minlength=rows * kinds).reshape(rows, kinds)
        yield weights.astype(np.float64)


def shared_units(sample: Sample, weights: FloatArray) -> FloatArray:
    """(b, P) how many units each pair of raters shares in each resample, weights (b, T)."""
    result = np.empty((len(weights), len(sample.shared)))
    for number, (kinds, units) in enumerate(sample.shared):
        result[:, number] = (weights if len(kinds) == weights.shape[1] else weights[:, kinds]) @ units
    return result


def percentile_interval(values: FloatArray, confidence: float) -> Interval:
    """The central share `confidence` of resampled values (B,), NaN where a resample has no such figure.

    No interval where more than `MAX_UNDEFINED` of the values are NaN (the rest would be a biased choice), or
    where all are alike: a resample can only repeat what was seen, so that figure's error cannot be told.
    """
    defined = values[~np.isnan(values)]
    if len(values) - len(defined) > MAX_UNDEFINED * len(values) or not len(defined):
        return Interval(None, None, "undefined")
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    if high - low <= NO_SPREAD:
        return Interval(None, None, "no_spread")
    return Interval(float(low), float(high), None)


def _gathered(columns: FloatArray, number: IntArray, groups: int) -> FloatArray:
    """Sums of rows (U, k) by their number (U,) in 0..groups-1, each of which occurs: (groups, k)."""
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.arange(groups))
    return np.add.reduceat(columns[order], starts, axis=0)


def _shared(ratings: Ratings, pair: tuple[int, int], number: IntArray) -> tuple[IntArray, FloatArray]:
    kinds, units = np.unique(number[pair_cells(ratings, pair)[0]], return_counts=True)
    return kinds, units.astype(np.float64)
