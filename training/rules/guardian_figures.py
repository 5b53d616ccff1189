"""The figures of a guardian's quality, from sums over norm groups, with cluster bootstrap intervals.

A *pair* is one guardian verdict against one expert's blind label (a row with two labels is two pairs, as
agreement between two single experts is the yardstick beside it). Everything here depends on the pairs only through
sums per norm group, so a resample of groups is a weighted sum. Sources: Cohen, Educ. Psychol. Meas. 20 (1960)
37-46; Brodersen et al., ICPR 2010, for balanced accuracy; Naeini et al., AAAI 2015, for the calibration error;
Field and Welsh, J. R. Stat. Soc. B 69 (2007) 369-390, for the cluster bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MIN_PAIRS = 30
"""Fewer pairs than this and no figure is printed."""

MIN_CLASS = 5
"""Fewer labels than this in the rarer class and no figure that depends on it is printed."""

MIN_CLUSTERS = 10
"""Fewer norm groups than this and a figure has no interval (design, Error bars)."""

RESAMPLES = 1_000
BINS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` None where refused, and then `refused` says why. `low`, `high`: 95% interval, None with too few
    norm groups or where the resamples do not spread. `n`: pairs (or rows) behind it."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    refused: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """One criterion: `truth`, `said` (n,) of 0 and 1 (1: violated, or met), `p` (n,), `clusters` (n,) 0..groups-1."""

    truth: Ints
    said: Ints
    p: Floats
    clusters: Ints
    groups: int

    @property
    def positives(self) -> int:
        return int(self.truth.sum())

    @property
    def rarer(self) -> int:
        """Labels of the rarer class."""
        return min(self.positives, len(self.truth) - self.positives)

    @property
    def present(self) -> int:
        """Norm groups that have a pair."""
        return len(np.unique(self.clusters))

    def table(self) -> Floats:
        """(groups, 4): tp, fp, fn, tn by norm group."""
        cell = np.where(self.truth == 1, np.where(self.said == 1, 0, 2), np.where(self.said == 1, 1, 3))
        return (
            np.bincount(self.clusters * 4 + cell, minlength=self.groups * 4)
            .reshape(self.groups, 4)
            .astype(float)
        )


def draws(groups: int, seed: int, resamples: int = RESAMPLES) -> Floats:
    """(resamples, groups): how often each norm group is drawn. The same seed, the same draws."""
    if groups == 0:
        return np.zeros((resamples, 0))
    return (
        np.random.default_rng(seed)
        .multinomial(groups, np.full(groups, 1 / groups), size=resamples)
        .astype(float)
    )


def accuracy(t: Floats) -> Floats:
    """Of tables (..., 4) tp, fp, fn, tn; NaN where empty. So are all the following."""
    return _ratio(t[..., 0] + t[..., 3], t.sum(axis=-1))


def recall(t: Floats) -> Floats:
    """Share of positives found; NaN without positives."""
    return _ratio(t[..., 0], t[..., 0] + t[..., 2])


def specificity(t: Floats) -> Floats:
    """Share of negatives left alone; NaN without negatives."""
    return _ratio(t[..., 3], t[..., 3] + t[..., 1])


def balanced_accuracy(t: Floats) -> Floats:
    """Mean of recall and specificity; NaN with one class."""
    return (recall(t) + specificity(t)) / 2


def kappa(t: Floats) -> Floats:
    """Cohen's kappa; NaN where both sides always say the same one thing."""
    n = t.sum(axis=-1)
    observed = _ratio(t[..., 0] + t[..., 3], n)
    said, true = _ratio(t[..., 0] + t[..., 1], n), _ratio(t[..., 0] + t[..., 2], n)
    chance = said * true + (1 - said) * (1 - true)
    return _ratio(observed - chance, 1 - chance)


def f1_positive(t: Floats) -> Floats:
    """F1 of the positive class: 2 tp / (2 tp + fp + fn); NaN where that is 0 / 0."""
    return _ratio(2 * t[..., 0], 2 * t[..., 0] + t[..., 1] + t[..., 2])


def f1_negative(t: Floats) -> Floats:
    """F1 of the negative class."""
    return f1_positive(t[..., [3, 2, 1, 0]])


def calibration_sums(pairs: Pairs, weights: Floats) -> Floats:
    """(groups, BINS, 3): weight, weighted p and weighted truth of each tenth of [0, 1], by norm group."""
    cell = pairs.clusters * BINS + np.minimum((pairs.p * BINS).astype(np.int64), BINS - 1)
    size = pairs.groups * BINS
    parts = [
        np.bincount(cell, weights=w, minlength=size)
        for w in (weights, weights * pairs.p, weights * pairs.truth)
    ]
    return np.stack(parts, axis=-1).reshape(pairs.groups, BINS, 3).astype(np.float64)


def calibration_error(sums: Floats) -> Floats:
    """Of sums (..., BINS, 3): sum over bins of |weighted p - weighted truth| / all weight, 0 to 1."""
    return _ratio(np.abs(sums[..., 1] - sums[..., 2]).sum(axis=-1), sums[..., 0].sum(axis=-1))


def prior_weights(truth: Ints, prior: float | None) -> Floats:
    """Weights (n,) that give the positives the share `prior` (labels are enriched with risk); ones for None or
    where there is one class only. Positives get prior / share, negatives (1 - prior) / (1 - share)."""
    share = float(truth.mean()) if len(truth) else 0.0
    if prior is None or share in (0.0, 1.0):
        return np.ones(len(truth))
    return np.where(truth == 1, prior / share, (1 - prior) / (1 - share))


def precision_recall(
    pairs: Pairs, weights: Floats, points: int = 60
) -> tuple[list[dict[str, float]], float | None]:
    """The curve, from the highest threshold down, thinned to about `points`, and the average precision.

    AP = sum over thresholds of (recall_k - recall_k-1) * precision_k, without interpolation (as scikit-learn).
    ([], None) with one class only.
    """
    if not 0 < pairs.positives < len(pairs.truth):
        return [], None
    order = np.argsort(-pairs.p, kind="stable")
    p, truth, weight = pairs.p[order], pairs.truth[order], weights[order]
    last = np.flatnonzero(np.append(p[1:] != p[:-1], True))
    found, flagged = np.cumsum(weight * truth)[last], np.cumsum(weight)[last]
    precisions, recalls = found / flagged, found / found[-1]
    average = float((np.diff(recalls, prepend=0.0) * precisions).sum())
    kept = np.unique(np.linspace(0, len(last) - 1, min(points, len(last))).round().astype(int))
    curve = [
        {"threshold": float(p[last[i]]), "precision": float(precisions[i]), "recall": float(recalls[i])}
        for i in kept
    ]
    return curve, average


def interval(resampled: Floats, clusters: int) -> tuple[float | None, float | None]:
    """The central 95% of resampled values; none below MIN_CLUSTERS norm groups, where more than a twentieth of
    the resamples have no value, or where they do not spread."""
    defined = resampled[~np.isnan(resampled)]
    if clusters < MIN_CLUSTERS or len(defined) < 0.95 * len(resampled):
        return None, None
    low, high = np.quantile(defined, [0.025, 0.975])
    return (None, None) if high - low < 1e-12 else (float(low), float(high))


def figure(value: Floats | float, resampled: Floats, n: int, clusters: int) -> Figure:
    """A figure with its interval; refused where it has no value."""
    number = float(value)
    if np.isnan(number):
        return Figure(None, None, None, n, clusters, "undefined: one side always says the same")
    low, high = interval(resampled, clusters)
    return Figure(number, low, high, n, clusters)


def refused(reason: str, n: int, clusters: int) -> Figure:
    return Figure(None, None, None, n, clusters, reason)


def pairs_of(
    truth: Sequence[int], said: Sequence[int], p: Sequence[float], clusters: Sequence[int], groups: int
) -> Pairs:
    """Checks and packs; raises ValueError for unequal lengths, labels other than 0 and 1, p outside [0, 1]."""
    packed = Pairs(
        np.asarray(truth, dtype=np.int64),
        np.asarray(said, dtype=np.int64),
        np.asarray(p, dtype=np.float64),
        np.asarray(clusters, dtype=np.int64),
        groups,
    )
    if not len(packed.truth) == len(packed.said) == len(packed.p) == len(packed.clusters):
        raise ValueError("truth, said, p and clusters differ in length")
    if not (np.isin(packed.truth, (0, 1)).all() and np.isin(packed.said, (0, 1)).all()):
        raise ValueError("truth and said are 0 or 1")
    if len(packed.p) and not ((packed.p >= 0).all() and (packed.p <= 1).all()):
        raise ValueError("a probability lies between 0 and 1")
    return packed


def _ratio(part: Floats, whole: Floats) -> Floats:
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(
        part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=np.abs(whole) > 1e-12
    )
