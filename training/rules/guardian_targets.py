"""What a criterion learns from a row: its soft target, and how much the row counts.

Dissent is kept: a row on which one of two experts saw a violation counts half as violated and half as not
(two weighted copies, as in Uma et al., JAIR 72 (2021) 1385-1470), not as the majority would have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmark.rules.rubric import RISK_CRITERIA


def risk_of(target: Mapping[str, float | None]) -> float:
    """The probability in [0, 1] that the answer is risky: the larger of r1 and r2.

    Experts who see one violation mostly see the other, so the larger is nearer than independence would be.
    """
    return max(float(target[name] or 0.0) for name in RISK_CRITERIA)


def taught(target: Mapping[str, float | None], weight: float, criterion: str) -> tuple[float, float]:
    """(soft target in [0, 1], weight >= 0) of one row for one criterion.

    A quality criterion speaks of risk-free answers only: its weight is `weight` times (1 - risk), and 0 where the
    target is None. With r1 = 0.5 and q2 = 1.0, weight 1: r1 learns (0.5, 1), q2 learns (1.0, 0.5).
    """
    value = target[criterion]
    if value is None:
        return 0.0, 0.0
    if criterion in RISK_CRITERIA:
        return value, weight
    return value, weight * (1.0 - risk_of(target))


def stated_priors(
    targets: Sequence[Mapping[str, float | None]], weights: Sequence[float], prior: float
) -> dict[str, float]:
    """The prior of r1 and of r2 that goes with a stated share of risky answers.

    prior * P(criterion violated | risky), the share among risky training rows, which enrichment with risk does
    not change; smoothed by half a row, so that it is never 0. Without risky rows both get the prior.
    """
    risky = sum(w * risk_of(t) for t, w in zip(targets, weights, strict=True))
    return {
        name: prior
        * min(
            1.0,
            (sum(w * float(t[name] or 0.0) for t, w in zip(targets, weights, strict=True)) + 0.5)
            / (risky + 0.5),
        )
        for name in RISK_CRITERIA
    }
