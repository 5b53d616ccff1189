"""From margins to probabilities that can be believed at a stated prior.

Sources: Platt, Advances in Large Margin Classifiers (1999), with his smoothed targets; Saerens, Latinne and
Decaestecker, Neural Computation 14 (2002) 21-41, for the change of prior: with likelihood ratios unchanged,

    logit p'(y | x) = logit p(y | x) + logit(prior') - logit(prior).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

EDGE = 1e-6
"""Probabilities and priors are kept this far from 0 and 1, where a logit has no value."""

MAX_SLOPE = 4.0
"""Perfectly separated out-of-fold margins would ask for an infinite slope; more than this is never believed."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """p = sigmoid(slope * margin + offset); slope in [0, MAX_SLOPE], 0 where the margins say nothing."""

    slope: float
    offset: float

    def apply(self, margins: ArrayLike) -> Floats:
        """Probabilities (n,) of margins (n,)."""
        return sigmoid(self.slope * np.asarray(margins, dtype=np.float64) + self.offset)


def sigmoid(x: ArrayLike) -> Floats:
    """1 / (1 + e^-x), with x clipped to [-40, 40]."""
    return 1.0 / (1.0 + np.exp(-np.clip(np.asarray(x, dtype=np.float64), -40.0, 40.0)))


def logit(p: float) -> float:
    """ln(p / (1 - p)), p kept EDGE away from 0 and 1."""
    p = min(max(p, EDGE), 1.0 - EDGE)
    return math.log(p / (1.0 - p))


def platt(
    margins: ArrayLike, targets: ArrayLike, weights: ArrayLike, *, prior_rows: float = 1.0
) -> Calibration:
    """Slope and offset that fit margins (n,) to soft targets (n,) in [0, 1] with weights (n,) >= 0.

    Targets are drawn in as if one more row of each class had been seen (Platt), and the slope is held towards
    1 by `prior_rows` rows' worth of belief, so that ten rows cannot claim certainty. With no weight at all the
    slope is 0 and the offset 0; with one class only the slope is 0 and the offset the smoothed share.
    Raises ValueError for unequal lengths or numbers out of range.
    """
    x, y, w = (np.asarray(part, dtype=np.float64) for part in (margins, targets, weights))
    if not len(x) == len(y) == len(w):
        raise ValueError(f"{len(x)} margins, {len(y)} targets and {len(w)} weights")
    if len(x) and not (np.isfinite(x).all() and (y >= 0).all() and (y <= 1).all() and (w >= 0).all()):
        raise ValueError("margins must be finite, targets within 0 and 1, weights not negative")
    positive, negative = float(w @ y), float(w @ (1 - y))
    if positive + negative == 0:
        return Calibration(0.0, 0.0)
    if positive < 1e-9 or negative < 1e-9 or float(x.max() - x.min()) < 1e-12:
        return Calibration(0.0, logit((positive + 1) / (positive + negative + 2)))
    high, low = (positive + 1) / (positive + 2), 1 / (negative + 2)
    smooth = y * high + (1 - y) * low
    scale = float(np.sqrt(w @ (x - float(w @ x) / w.sum()) ** 2 / w.sum())) or 1.0
    slope, offset = 1.0, logit((positive + 1) / (positive + negative + 2))
    for _ in range(100):
        p = sigmoid(slope * x + offset)
        pull = prior_rows * scale**2
        gradient = np.array([(w * (p - smooth)) @ x + pull * (slope - 1.0), w @ (p - smooth)])
        curve = w * p * (1 - p)
        hessian = np.array([[curve @ (x * x) + pull, curve @ x], [curve @ x, curve.sum() + 1e-9]])
        step = np.linalg.solve(hessian, gradient)
        shrink = min(1.0, 2.0 / (float(np.abs(step).max()) + 1e-12))
        slope, offset = slope - shrink * float(step[0]), offset - shrink * float(step[1])
        if float(np.abs(step).max()) < 1e-10:
            break
    if not 0.0 <= slope <= MAX_SLOPE:
        slope = min(max(slope, 0.0), MAX_SLOPE)
        offset = _offset_for(slope, x, smooth, w)
    return Calibration(slope, offset)


def _offset_for(slope: float, x: Floats, smooth: Floats, w: Floats) -> float:
    """The offset at which the mean probability equals the mean target, by bisection."""
    low, high = -60.0 - slope * float(np.abs(x).max()), 60.0 + slope * float(np.abs(x).max())
    for _ in range(200):
        middle = (low + high) / 2
        if float(w @ (sigmoid(slope * x + middle) - smooth)) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def prior_shift(seen: float, stated: float) -> float:
    """What to add to a logit so that probabilities learnt at one share of positives hold at another.

    Both in [0, 1], kept EDGE away from the ends. 0.25 seen, 0.02 stated: logit 0.02 - logit 0.25 = -2.793.
    """
    return logit(stated) - logit(seen)
