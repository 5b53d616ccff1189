"""Calibration and thresholds from margins of answers that were kept from the training, for any kind of model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.guardians.base import CRITERIA, RISK_CRITERIA
from training.engine.guardian_run import Config, TrainingRow
from training.rules.calibration import Calibration, logit, platt, prior_shift
from training.rules.guardian_targets import stated_priors, taught
from training.rules.guardian_thresholds import agreement_threshold, cost_threshold


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Six slopes, offsets and thresholds in the order of the criteria (thresholds by name)."""

    slopes: list[float]
    offsets: list[float]
    thresholds: dict[str, float]
    priors: dict[str, float]
    notes: dict[str, str]


def calibrate(margins: np.ndarray, rows: Sequence[TrainingRow], config: Config) -> Calibrated:
    """`margins` (n, 6) of the rows. A criterion with one class only gets a constant and a note."""
    priors = stated_priors([row.target for row in rows], [row.weight for row in rows], config.prior)
    slopes, offsets, thresholds, notes = [], [], {}, {}
    for column, name in enumerate(CRITERIA):
        learnt = [taught(row.target, row.weight, name) for row in rows]
        y, w = np.array([t for t, _w in learnt]), np.array([w for _t, w in learnt])
        usable = w > 0
        x, y, w = margins[usable, column], y[usable], w[usable]
        seen = float(w @ y + 0.5) / (float(w.sum()) + 1.0)
        if float(w @ y) <= 0 or float(w @ (1 - y)) <= 0:
            notes[name] = "one class only among the held-out labels: a constant"
            slopes.append(0.0)
            offsets.append(logit(priors.get(name, seen)))
            thresholds[name] = 1 / (1 + config.miss_cost) if name in RISK_CRITERIA else 0.5
            continue
        found = platt(x, y, w)
        if name in RISK_CRITERIA:
            found = Calibration(found.slope, found.offset + prior_shift(seen, priors[name]))
            thresholds[name] = cost_threshold(
                found.apply(x), y, w, prior=priors[name], miss_cost=config.miss_cost
            )
        else:
            thresholds[name] = agreement_threshold(found.apply(x), y, w)
        slopes.append(found.slope)
        offsets.append(found.offset)
    return Calibrated(slopes, offsets, thresholds, priors, notes)
