"""All agreement figures of one criterion with their intervals, and the refusal to give any on too little.

Labels must be the first blind ones (`annotation.rules.blind_labels`): an agreement computed from third labels
that were asked for because of a disagreement, or from labels given after seeing another's, measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from annotation.rules.agreement import (
    Metric,
    UnitSums,
    ac1_of,
    alpha_of,
    conger_of,
    conger_value,
    figure,
    percent_of,
    place_of,
    positive_of,
    prevalence_of,
    rarest_place,
    rater_pairs,
    total,
    unit_sums,
)
from annotation.rules.bootstrap import (
    NoInterval,
    percentile_interval,
    resample_weights,
    sample_of,
    shared_units,
)
from annotation.rules.ratings import FloatArray, IntArray, Ratings, Units, read_pairable
from benchmark.rules.intervals import (
    MIN_CLUSTERS,
    Clusters,
    check_level,
    cluster_codes,
    wilson_clustered,
)

MINIMUM = 30
"""Below this many units with two labels no figure is given (project rule)."""

Refusal = Literal["too_few_units", "one_class"]
Name = Literal["alpha", "kappa", "ac1", "prevalence", "positive_agreement", "percent_agreement"]

NAMES: tuple[Name, ...] = ("alpha", "kappa", "ac1", "prevalence", "positive_agreement", "percent_agreement")
MEANINGFUL_IN_ONE_CLASS: tuple[Name, ...] = ("prevalence", "percent_agreement")
"""What one class alone can still tell: how common it is, and that nobody left it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its interval.

    `value` is None where the figure is refused or undefined. `low` and `high` are None together, and then
    `missing` says why there is no interval ("few_clusters", "undefined" in too many resamples, "no_spread":
    every resample gives the same), or is None where there is no value either.
    """

    value: float | None
    low: float | None
    high: float | None
    missing: NoInterval | None


NOTHING = Figure(None, None, None, None)


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """Agreement on one criterion over its `n` units with two labels or more.

    `labels` counts the labels on these units, `clusters` what was resampled (units where no clusters were
    given), `pairs` the pairs of raters who share a unit. `positive` is the value that prevalence and
    positive agreement are about: the one asked for, else the rarest. `refused` is None, "too_few_units" (no
    figure at all; fewer than `minimum`) or "one_class" (all labels alike: only the figures named in
    `meaningful` are given). `meaningful` names the figures that may be read.
    """

    n: int
    labels: int
    clusters: int
    pairs: int
    positive: float | None
    refused: Refusal | None
    meaningful: tuple[Name, ...]
    alpha: Figure
    kappa: Figure
    ac1: Figure
    prevalence: Figure
    positive_agreement: Figure
    percent_agreement: Figure
    metric: Metric
    minimum: int
    confidence: float
    resamples: int
    seed: int


def agreement_report(
    units: Units,
    *,
    clusters: Clusters | None = None,
    categories: Sequence[float] | None = None,
    positive: float | None = None,
    metric: Metric = "nominal",
    minimum: int = MINIMUM,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> AgreementReport:
    """Every figure over the units that have two labels or more, with percentile bootstrap intervals.

    Units (U, R) or ragged, see `Units`; `clusters` (U,) names what is not independent (the norm group) and
    is then what gets resampled; below 10 of them no interval. `categories` are all possible values: a value
    that nobody gave can then be the rarest one. `metric` concerns alpha only. Kappa is Cohen's for two
    raters and its extension to many who share a few units each (`conger_kappa`).

    Where all resamples give the same (perfect agreement) there is no bootstrap interval; the percent
    agreement, and both figures of a one-class report, then take Wilson's interval, each cluster counting as
    one observation. Percentile intervals are a little narrow where the rarer value occurs in few units.

    The same seed gives the same report; without clusters the order of the units does not matter, with
    clusters their order of appearance does. Without `categories`, a `positive` that nobody gave counts as one. Raises
    ValueError as `read_ratings` and `alpha_of` do, for a `positive` outside `categories`, unequal lengths, a
    missing cluster, a confidence outside (0, 1), or resamples < 1.
    """
    check_level(confidence, "confidence")
    if resamples < 1:
        raise ValueError(f"resamples must be 1 or more, not {resamples}")
    if clusters is not None and len(clusters) != len(units):
        raise ValueError(f"{len(units)} units but {len(clusters)} clusters")
    ratings, chosen = read_pairable(units, categories)
    if categories is None and positive is not None:
        ratings = ratings.with_value(positive)
    place = rarest_place(ratings.counts) if positive is None else place_of(ratings.values, positive)
    if place is None and positive is not None:
        raise ValueError(f"{positive:g} is none of the categories")
    groups = None if clusters is None else _codes_of(clusters, chosen)
    n = len(ratings.codes)
    request = _Request(metric, confidence, resamples, seed)
    pairs: list[tuple[int, int]] = []
    refused: Refusal | None = None
    meaningful = NAMES
    if n < max(minimum, 1):
        refused, meaningful, figures = "too_few_units", (), dict.fromkeys(NAMES, NOTHING)
    elif (ratings.counts.sum(axis=0) > 0).sum() < 2:
        refused, meaningful = "one_class", MEANINGFUL_IN_ONE_CLASS
        figures = _one_class(ratings, place or 0, groups, request)
    else:
        pairs = rater_pairs(ratings)
        figures = _figures(ratings, place or 0, groups, pairs, request)
        meaningful = tuple(name for name in NAMES if figures[name].value is not None)
    return AgreementReport(
        n=n,
        labels=int(ratings.counts.sum()),
        clusters=n if groups is None else groups[1],
        pairs=len(pairs),
        positive=None if place is None else float(ratings.values[place]),
        refused=refused,
        meaningful=meaningful,
        metric=metric,
        minimum=minimum,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        **figures,
    )


@dataclass(frozen=True, slots=True)
class _Request:
    metric: Metric
    confidence: float
    resamples: int
    seed: int


Groups = tuple[IntArray, int]


def _codes_of(clusters: Clusters, chosen: NDArray[np.bool_]) -> Groups:
    """The clusters of the chosen units, numbered in order of appearance."""
    return cluster_codes([cluster for cluster, kept in zip(clusters, chosen, strict=True) if kept])


def _values_of(
    sums: UnitSums, kappa: FloatArray, values: FloatArray, place: int, metric: Metric
) -> dict[Name, FloatArray]:
    """Every figure of one sample or of many, NaN where undefined."""
    return {
        "alpha": alpha_of(sums, values, metric),
        "kappa": kappa,
        "ac1": ac1_of(sums),
        "prevalence": prevalence_of(sums, place),
        "positive_agreement": positive_of(sums, place),
        "percent_agreement": percent_of(sums),
    }


def _figures(
    ratings: Ratings, place: int, groups: Groups | None, pairs: list[tuple[int, int]], request: _Request
) -> dict[Name, Figure]:
    sums, kappa = total(unit_sums(ratings.counts)), conger_value(ratings, pairs)
    values = _values_of(sums, kappa, ratings.values, place, request.metric)
    resampled = _resampled(ratings, place, groups, pairs, request)
    figures = {name: _figure(values[name], resampled.get(name), request) for name in NAMES}
    if values["percent_agreement"] == 1.0:
        figures["percent_agreement"] = _unanimous(len(ratings.codes), True, groups, request)
    return figures


def _resampled(
    ratings: Ratings, place: int, groups: Groups | None, pairs: list[tuple[int, int]], request: _Request
) -> dict[Name, FloatArray]:
    """(B,) values of each figure over the resamples; empty below `MIN_CLUSTERS`."""
    if (len(ratings.codes) if groups is None else groups[1]) < MIN_CLUSTERS:
        return {}
    sample = sample_of(ratings, pairs, groups)
    raters, q = ratings.codes.shape[1], len(ratings.values)
    blocks = []
    for weights in resample_weights(sample.times, request.resamples, request.seed):
        sums = UnitSums(weights @ sample.sums.columns, q)
        given = (weights @ sample.given).reshape(-1, raters, q)
        kappa = conger_of(sums.same.sum(axis=-1) / 2, shared_units(sample, weights), given, pairs)
        blocks.append(_values_of(sums, kappa, ratings.values, place, request.metric))
    return {name: np.concatenate([block[name] for block in blocks]) for name in NAMES}


def _figure(value: FloatArray, resampled: FloatArray | None, request: _Request) -> Figure:
    plain = figure(value)
    if plain is None:
        return NOTHING
    if resampled is None:
        return Figure(plain, None, None, "few_clusters")
    interval = percentile_interval(resampled, request.confidence)
    return Figure(plain, interval.low, interval.high, interval.missing)


def _one_class(ratings: Ratings, place: int, groups: Groups | None, request: _Request) -> dict[Name, Figure]:
    n = len(ratings.codes)
    everywhere = bool(ratings.counts[:, place].any())
    return {
        **dict.fromkeys(NAMES, NOTHING),
        "prevalence": _unanimous(n, everywhere, groups, request),
        "percent_agreement": _unanimous(n, True, groups, request),
    }


def _unanimous(n: int, everywhere: bool, groups: Groups | None, request: _Request) -> Figure:
    """A share that is 1 (or 0) in every unit, where resampling shows no error: Wilson's interval."""
    outcomes = np.full(n, float(everywhere))
    codes = np.arange(n) if groups is None else groups[0]
    estimate = wilson_clustered(outcomes, codes, request.confidence)
    missing: NoInterval | None = "few_clusters" if estimate.low is None else None
    return Figure(estimate.mean, estimate.low, estimate.high, missing)
