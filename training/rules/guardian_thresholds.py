"""From which probability on a guardian says so: chosen out of fold, by what an error costs.

For the rare risks re-weighting classes or resampling would spoil the calibration (van den Goorbergh et al.,
JAMIA 29 (2022) 1525-1534); a threshold does the same work on calibrated probabilities.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SHRINK = 50.0
"""So many positives count as much as the belief that the probabilities are calibrated."""


def cost_threshold(
    p: ArrayLike, targets: ArrayLike, weights: ArrayLike, *, prior: float, miss_cost: float
) -> float:
    """The threshold with the lowest expected cost at the prior, in false alarms an answer:

        miss_cost * prior * missed share + (1 - prior) * false alarm share.

    `p` (n,) out-of-fold probabilities at that prior, soft `targets` (n,) in [0, 1]. Between two neighbouring
    probabilities the cost is the same, so each candidate stands in the middle of such a gap (in log odds); of
    equally cheap ones the nearest to 1 / (1 + miss_cost), where perfectly calibrated probabilities would be
    cut. Twenty positives tell little about where to cut, so the tuned threshold is drawn, in log odds, towards that
    same point with the weight of SHRINK positives; without positives or negatives it is the answer. Raises
    ValueError for a prior outside (0, 1) or a cost that is not positive.
    """
    if not 0 < prior < 1 or not miss_cost > 0:
        raise ValueError(
            f"a prior within 0 and 1 and a positive cost are needed, not {prior} and {miss_cost}"
        )
    ideal = 1.0 / (1.0 + miss_cost)
    p, y, w = (np.asarray(part, dtype=np.float64) for part in (p, targets, weights))
    positive, negative = float(w @ y), float(w @ (1 - y))
    if positive <= 0 or negative <= 0:
        return ideal
    cuts = np.unique(p)
    # Cutting below the smallest flags all, above the largest none.
    missed = np.array([w[p < cut] @ y[p < cut] for cut in cuts] + [positive]) / positive
    alarms = np.array([w[p >= cut] @ (1 - y[p >= cut]) for cut in cuts] + [0.0]) / negative
    costs = miss_cost * prior * missed + (1 - prior) * alarms
    lows = np.concatenate([[cuts[0] / 2], cuts])
    highs = np.concatenate([cuts, [1.0]])
    best = np.flatnonzero(costs <= costs.min() + 1e-12)
    middles = _middle(lows[best], highs[best])
    aim = float(_log_odds(np.array(ideal)))
    odds = _log_odds(middles)
    tuned = float(odds[int(np.argmin(np.abs(odds - aim)))])
    share = positive / (positive + SHRINK)
    return float(1.0 / (1.0 + np.exp(-(share * tuned + (1 - share) * aim))))


def agreement_threshold(p: ArrayLike, targets: ArrayLike, weights: ArrayLike) -> float:
    """The threshold with the highest weighted Cohen's kappa between p >= t and the targets; of equal ones the
    nearest to 0.5; 0.5 where there is only one class.

    Kappa, not accuracy: it falls when the share of positives found drifts from the true one, and boards show shares.
    """
    p, y, w = (np.asarray(part, dtype=np.float64) for part in (p, targets, weights))
    total = float(w.sum())
    share = float(w @ y) / total if total else 0.0
    if share <= 0 or share >= 1:
        return 0.5
    cuts = np.unique(p)
    middles = np.concatenate([_middle(cuts[:-1], cuts[1:]), [0.5]])
    kappas = []
    for cut in middles:
        said = p >= cut
        agree = (w[said] @ y[said] + w[~said] @ (1 - y[~said])) / total
        found = w[said].sum() / total
        chance = found * share + (1 - found) * (1 - share)
        kappas.append((agree - chance) / (1 - chance))
    best = np.flatnonzero(np.array(kappas) >= max(kappas) - 1e-9)
    return float(middles[best[int(np.argmin(np.abs(middles[best] - 0.5)))]])


def _middle(low: Floats, high: Floats) -> Floats:
    """The middle in log odds, so that a gap between 0.001 and 0.1 is not cut at 0.05."""
    mean = (_log_odds(low) + _log_odds(high)) / 2
    return 1.0 / (1.0 + np.exp(-mean))


def _log_odds(p: Floats) -> Floats:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))
