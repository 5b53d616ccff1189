"""Calibration and thresholds from margins of answers that were kept from the training, for any kind of model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.guardians.base import CRITERIA, RISK_CRITERIA, JudgeFailed, Verdict
from benchmark.guardians.manifest import Manifest
from training.engine.guardian_run import Config, TrainingRow
from training.rules.calibration import Calibration, logit, platt, prior_shift
from training.rules.guardian_targets import stated_priors, taught
from training.rules.guardian_thresholds import agreement_threshold, cost_threshold

MIN_JUDGED = 20
"""With fewer held-out judgements a language model's own confidence is taken as it is."""


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


def uncalibrated(config: Config, **settings: Any) -> Manifest:
    """Of a language model whose confidence is taken as it is, each criterion decided at one half."""
    thresholds = dict.fromkeys(CRITERIA, 0.5)
    return Manifest("generative", "", "", thresholds, config.prior, config.miss_cost, {}, {}, settings)


def calibrate_judge(
    outcomes: Sequence[Verdict | JudgeFailed], rows: Sequence[TrainingRow], config: Config
) -> tuple[Calibrated, int]:
    """From what an `uncalibrated` judge said of the rows: its log odds against the labels, and how many it judged.

    Where those are too few, its plain confidence stays, with a note that says so.
    """
    margins, judged = [], []
    for outcome, row in zip(outcomes, rows, strict=True):
        if isinstance(outcome, Verdict):
            margins.append([math.log(outcome.p[name] / (1 - outcome.p[name])) for name in CRITERIA])
            judged.append(row)
    if len(judged) >= MIN_JUDGED:
        return calibrate(np.array(margins), judged, config), len(judged)
    note = f"only {len(judged)} held-out answers were judged: the model's own confidence stands uncalibrated"
    ones, zeros = [1.0] * len(CRITERIA), [0.0] * len(CRITERIA)
    halves = dict.fromkeys(CRITERIA, 0.5)
    return Calibrated(ones, zeros, halves, {}, dict.fromkeys(CRITERIA, note)), len(judged)
