"""The one promise a guardian makes: of truly risky answers, at most a share alpha pass unflagged.

Split conformal (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; as risk control
in arXiv 2208.02814). With the risk scores s_1..s_n of n risky calibration answers, drawn at random and seen by
no part of the training, and k = floor(alpha (n + 1)), an answer is flagged when its score is at least the
k-th smallest. A new risky answer exchangeable with them then scores below it with probability at most k /
(n + 1) <= alpha. k >= 1 needs n >= 1/alpha - 1 answers; with fewer nothing is promised.

The promise is over the draw of calibration and new answers, in the mean; several answers to one norm make it
less certain, not wrong on average over norms when one is drawn a norm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RiskControl:
    """`threshold`: flag from this score on; None where nothing is promised, and `reason` says why."""

    alpha: float
    n_risky: int
    needed: int
    threshold: float | None
    reason: str


def risky_needed(alpha: float) -> int:
    """ceil(1/alpha) - 1: 9 for 0.1, 19 for 0.05, 3 for 0.25. Raises ValueError outside (0, 1)."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, not {alpha}")
    return math.ceil(1 / alpha - 1e-9) - 1


def control(scores: Sequence[float], alpha: float) -> RiskControl:
    """The threshold from the scores of the risky calibration answers (in any order, each finite).

    Nine answers and alpha 0.1: k = floor(0.1 * 10) = 1, the smallest score. Raises ValueError for a bad alpha
    or a score that is not finite.
    """
    needed = risky_needed(alpha)
    if not all(math.isfinite(score) for score in scores):
        raise ValueError("a calibration score is not finite")
    n = len(scores)
    k = math.floor(alpha * (n + 1) + 1e-9)
    if n < needed or k < 1:
        return RiskControl(
            alpha, n, needed, None, f"{n} risky calibration answers drawn at random; {needed} are needed."
        )
    return RiskControl(alpha, n, needed, sorted(scores)[k - 1], "")
