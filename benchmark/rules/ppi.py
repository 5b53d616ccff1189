"""A score anchored on experts: what a guardian says of all answers, corrected by what experts say of a random few.

Prediction-powered inference, PPI++ (Angelopoulos, Duchi and Zrnic, arXiv 2311.01453), for a random sample of norm
groups with known inclusion probabilities. With guardian scores f_i for all N answers, expert scores y_i for the
labelled sample S and weights w_i = 1 / probability (times the non-response adjustment of its class):

    estimate = lambda * mean(f) + sum_S w_i (y_i - lambda f_i) / sum_S w_i

Unbiased, up to the ratio, whatever the guardian is worth and for every lambda; lambda in [0, 1] is the one with the
least estimated variance, so a useless guardian costs nothing. The variance is that of the linearised estimate summed
by norm group over all groups, sampled or not: a sampled group adds both its terms (Binder, Int. Stat. Rev. 51
(1983) 279-292), and the t interval has the number of labelled groups less one as degrees of freedom.

Non-response: within each class the weights of the answers that were labelled are raised to stand for those that
were drawn and not labelled (weighting-class adjustment; Little and Rubin, Statistical Analysis with Missing Data).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmark.rules.intervals import MIN_CLUSTERS, FloatArray, check_level, cluster_codes, t_quantile


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the population. `predicted`: the guardian's score. `probability`: that its norm group was drawn,
    in (0, 1], None where it was not drawn. `labelled`: the experts' mean score, None where there is none.
    `response_class`: within it, labelled answers stand for drawn ones that were not labelled."""

    cluster: Hashable
    predicted: float
    probability: float | None = None
    labelled: float | None = None
    response_class: Hashable = ""


@dataclass(frozen=True, slots=True)
class Anchored:
    """`estimate` None without labels. `low`, `high` None below `MIN_CLUSTERS` labelled groups (then `reliable` is
    False). `trust` is lambda. `plain` is the guardian's own mean; `classical` the labels' weighted mean alone.
    `labelled`, `clusters`: labelled answers and their groups; `drawn`: answers of drawn groups; `n`: all."""

    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    trust: float | None
    plain: float | None
    classical: float | None
    n: int
    drawn: int
    labelled: int
    clusters: int
    reliable: bool


def anchored_mean(
    answers: Sequence[Answer],
    *,
    level: float = 0.95,
    bounds: tuple[float, float] | None = (-1.0, 1.0),
    trust: float | None = None,
) -> Anchored:
    """The anchored mean of all answers. `trust` fixes lambda (0: labels alone, weighted; 1: plain PPI).

    `bounds` clips the interval and the estimate. Raises ValueError for a number that is not finite, a probability
    outside (0, 1], a label on an answer that was not drawn, or a class that was drawn and has no label at all.
    """
    check_level(level)
    if trust is not None and not 0 <= trust <= 1:
        raise ValueError(f"trust lies between 0 and 1, not {trust}")
    _check(answers)
    n = len(answers)
    sample = [i for i, answer in enumerate(answers) if answer.labelled is not None]
    clusters = len({answers[i].cluster for i in sample})
    plain = math.fsum(answer.predicted for answer in answers) / n if n else None
    unanchored = Anchored(
        estimate=None,
        se=None,
        low=None,
        high=None,
        trust=None,
        plain=plain,
        classical=None,
        n=n,
        drawn=sum(answer.probability is not None for answer in answers),
        labelled=len(sample),
        clusters=clusters,
        reliable=False,
    )
    if plain is None or not sample:
        return unanchored
    classical, difference, from_labels, from_guardian = _linearised(answers, sample, plain)
    if trust is None:
        power = float(from_guardian @ from_guardian)
        trust = min(1.0, max(0.0, -float(from_labels @ from_guardian) / power)) if power > 1e-18 else 0.0
    estimate = classical + trust * difference
    point = replace(unanchored, estimate=_clip(estimate, bounds), trust=trust, classical=classical)
    if clusters < 2:
        return point
    influence: FloatArray = from_labels + trust * from_guardian
    se = math.sqrt(clusters / (clusters - 1) * float(influence @ influence))
    if clusters < MIN_CLUSTERS:
        return replace(point, se=se)
    half = t_quantile(level, clusters - 1) * se
    low, high = (_clip(end, bounds) for end in (estimate - half, estimate + half))
    return replace(point, se=se, low=low, high=high, reliable=True)


def _linearised(
    answers: Sequence[Answer], sample: Sequence[int], plain: float
) -> tuple[float, float, FloatArray, FloatArray]:
    """The labels' weighted mean; how far the guardian's mean of all answers lies above its weighted mean of the sample;
    and each norm group's share in the linearised variance of the first and of the second, (groups,) both."""
    codes, groups = cluster_codes([answer.cluster for answer in answers])
    f = np.array([answer.predicted for answer in answers])
    chosen = np.array(sample)
    y = np.array([answers[i].labelled for i in sample], dtype=np.float64)
    w = _weights(answers, sample)
    w = w / w.sum()
    classical, rectified = float(w @ y), float(w @ f[chosen])
    labelled = codes[chosen]
    from_labels = np.bincount(labelled, weights=w * (y - classical), minlength=groups).astype(np.float64)
    of_all = np.bincount(codes, weights=(f - plain) / len(f), minlength=groups).astype(np.float64)
    of_sample = np.bincount(labelled, weights=w * (f[chosen] - rectified), minlength=groups).astype(
        np.float64
    )
    return classical, plain - rectified, from_labels, of_all - of_sample


def _weights(answers: Sequence[Answer], sample: Sequence[int]) -> FloatArray:
    """1 / probability, raised within each class for those drawn and not labelled."""
    drawn: dict[Hashable, float] = defaultdict(float)
    labelled: dict[Hashable, float] = defaultdict(float)
    for answer in answers:
        if answer.probability is not None:
            drawn[answer.response_class] += 1 / answer.probability
            if answer.labelled is not None:
                labelled[answer.response_class] += 1 / answer.probability
    silent = [name for name in drawn if name not in labelled]
    if silent:
        raise ValueError(f"nothing drawn of class {silent[0]!r} was labelled: merge it with another")
    weights = []
    for i in sample:
        answer = answers[i]
        assert answer.probability is not None
        weights.append(drawn[answer.response_class] / labelled[answer.response_class] / answer.probability)
    return np.array(weights)


def _check(answers: Sequence[Answer]) -> None:
    for position, answer in enumerate(answers):
        if not math.isfinite(answer.predicted) or not math.isfinite(answer.labelled or 0.0):
            raise ValueError(f"answer {position} has a score that is not finite")
        if answer.probability is not None and not 0 < answer.probability <= 1:
            raise ValueError(f"answer {position} has the inclusion probability {answer.probability}")
        if answer.labelled is not None and answer.probability is None:
            raise ValueError(
                f"answer {position} is labelled but was not drawn: its label cannot anchor anything"
            )


def _clip(value: float, bounds: tuple[float, float] | None) -> float:
    return value if bounds is None else min(max(value, bounds[0]), bounds[1])
