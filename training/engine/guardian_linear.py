"""Training of the kind `linear`: a vocabulary, six logistic regressions, calibration and thresholds out of fold.

Everything that is chosen from data (how much the n-grams may say, regularisation, calibration, thresholds) is
chosen on answers that the model in question had not seen: once with whole norm groups left out, once with
whole models (entries) left out, since a guardian will meet both new norms and new models.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from benchmark.guardians import linear
from benchmark.guardians.base import CRITERIA, RISK_CRITERIA
from benchmark.guardians.ngrams import Floats, Vocabulary, learn
from benchmark.rules.answer_signs import BEARING, NAMES, SIGNS_VERSION, signs_of
from training.engine.guardian_run import Config, RunRefused, TrainingRow
from training.rules.calibration import Calibration, logit, platt, prior_shift
from training.rules.guardian_folds import group_folds
from training.rules.guardian_targets import risk_of, stated_priors, taught
from training.rules.guardian_thresholds import agreement_threshold, cost_threshold

VOCABULARY_SIZE = 20_000
MIN_GROUPS = 3
TERM_SCALES = (0.0, 1.0, 2.0, 4.0)
"""How loudly the n-grams speak beside the signs; 0: not at all."""

STRENGTHS = (0.1, 0.5, 2.0)
"""Inverse regularisation, scikit-learn's C."""

LOUD_FROM = 1_000
"""With fewer rows a vocabulary twice as wide as the text can only learn who writes: the loudest choices, scale times
strength above 1, are then not on offer, whatever the folds say about the few writers at hand."""

MAX_ENTRY_FOLDS = 5
MIN_ENTRIES = 3
CHOOSING_ROWS = 2_000

Say = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """How one criterion is fitted."""

    scale: float
    strength: float


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A trained judge: weights, thresholds, what was chosen, and the out-of-fold probabilities (n, 6)."""

    weights: linear.Weights
    thresholds: dict[str, float]
    choices: dict[str, Choice]
    priors: dict[str, float]
    seen: dict[str, float]
    notes: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Rows as matrices: `terms` (n, V) sparse, `signs` (n, S), and per criterion soft targets and weights (n, 6)."""

    vocabulary: Vocabulary
    terms: csr_matrix
    signs: Floats
    targets: Floats
    weights: Floats
    groups: list[str]
    entries: list[str]

    def take(self, chosen: np.ndarray) -> Material:
        return Material(
            self.vocabulary,
            self.terms[chosen],
            self.signs[chosen],
            self.targets[chosen],
            self.weights[chosen],
            [self.groups[i] for i in chosen],
            [self.entries[i] for i in chosen],
        )


def material_of(rows: Sequence[TrainingRow]) -> Material:
    """Reads the texts. The vocabulary comes from the training rows alone, with no label involved."""
    groups = [row.group for row in rows]
    distinct = len(set(groups))
    vocabulary = learn(
        [row.response for row in rows], groups, size=VOCABULARY_SIZE, min_groups=min(MIN_GROUPS, distinct)
    )
    found = [vocabulary.row(row.response) for row in rows]
    lengths = np.cumsum([0] + [len(row.terms) for row in found])
    terms = csr_matrix(
        (np.concatenate([r.values for r in found]), np.concatenate([r.terms for r in found]), lengths),
        shape=(len(rows), len(vocabulary.codes)),
    )
    learnt = [[taught(row.target, row.weight, name) for name in CRITERIA] for row in rows]
    return Material(
        vocabulary=vocabulary,
        terms=terms,
        signs=np.array([signs_of(row.norm, row.question, row.response) for row in rows]),
        targets=np.array([[target for target, _weight in row] for row in learnt]),
        weights=np.array([[weight for _target, weight in row] for row in learnt]),
        groups=groups,
        entries=[row.entry for row in rows],
    )


def train(
    rows: Sequence[TrainingRow], config: Config, say: Say, choices: dict[str, Choice] | None = None
) -> Fitted:
    """Trains on all rows. `choices` spares the choosing (for learning curves). The same input, the same result.

    Raises RunRefused where there is nothing to tell apart: fewer than two norm groups.
    """
    if len({row.group for row in rows}) < 2:
        raise RunRefused("All training rows belong to one norm group: at least two are needed.")
    with threadpool_limits(1):  # sums in one order
        say("reading", 0, 1)
        material = material_of(rows)
        schemes = _schemes(rows, config)
        priors = stated_priors([row.target for row in rows], [row.weight for row in rows], config.prior)
        chosen: dict[str, Choice] = {}
        parts = []
        for column, name in enumerate(CRITERIA):
            say(name, column, len(CRITERIA))
            chosen[name] = choices[name] if choices else _choose(material, column, rows, config, say)
            parts.append(_fit_criterion(material, column, chosen[name], schemes, config, priors))
        say("done", len(CRITERIA), len(CRITERIA))
    weights = linear.Weights(
        vocabulary=material.vocabulary,
        terms=np.column_stack([part.terms for part in parts]).astype(np.float32).astype(np.float64),
        signs=np.column_stack([part.signs for part in parts]),
        intercepts=np.array([part.intercept for part in parts]),
        slopes=np.array([part.calibration.slope for part in parts]),
        offsets=np.array([part.calibration.offset for part in parts]),
    )
    return Fitted(
        weights,
        {name: part.threshold for name, part in zip(CRITERIA, parts, strict=True)},
        chosen,
        priors,
        {name: part.seen for name, part in zip(CRITERIA, parts, strict=True)},
        {name: part.note for name, part in zip(CRITERIA, parts, strict=True) if part.note},
    )


def settings_of(fitted: Fitted) -> dict[str, object]:
    """What the artefact says about itself beyond the common manifest."""
    return {
        "signs_version": SIGNS_VERSION,
        "signs": list(NAMES),
        "bearing": {name: list(signs) for name, signs in BEARING.items()},
        "terms": len(fitted.weights.vocabulary.codes),
        "choices": {name: {"scale": c.scale, "strength": c.strength} for name, c in fitted.choices.items()},
        "priors": fitted.priors,
        "seen": fitted.seen,
        "notes": fitted.notes,
    }


def write(folder: Path, fitted: Fitted) -> None:
    linear.save(folder, fitted.weights)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    terms: Floats
    signs: Floats
    intercept: float
    calibration: Calibration
    threshold: float
    seen: float
    note: str


def _schemes(rows: Sequence[TrainingRow], config: Config) -> list[np.ndarray]:
    """Fold numbers (n,) by norm group and, where at least three entries answered, by entry."""
    groups = [row.group for row in rows]
    strata = ["risky" if risk_of(row.target) >= 0.5 else "safe" for row in rows]
    schemes = [np.array(group_folds(groups, strata, config.folds, config.seed))]
    entries = [row.entry for row in rows]
    if len(set(entries)) >= MIN_ENTRIES:
        schemes.append(np.array(group_folds(entries, strata, MAX_ENTRY_FOLDS, config.seed)))
    return schemes


def _choose(material: Material, column: int, rows: Sequence[TrainingRow], config: Config, say: Say) -> Choice:
    """The simplest choice whose out-of-fold log loss is within one standard error of the best one's.

    Breiman's rule (Classification and Regression Trees, 1984), with the error of the paired difference between norm
    groups: a few hundred labels often cannot tell a loud vocabulary from a quiet one, and the quiet one travels.
    """
    usable = np.flatnonzero(material.weights[:, column] > 0)
    if len(usable) > CHOOSING_ROWS:
        usable = np.sort(np.array(random.Random(config.seed).sample(usable.tolist(), CHOOSING_ROWS)))
    small = material.take(usable)
    if not _both_classes(small, column):
        return Choice(0.0, STRENGTHS[0])
    schemes = _schemes([rows[int(i)] for i in usable], config)
    choices = [
        Choice(scale, strength)
        for scale in TERM_SCALES
        for strength in STRENGTHS
        if scale * strength <= 1.0 or len(usable) >= LOUD_FROM
    ]
    losses = []
    for choice in choices:
        say(CRITERIA[column], column, len(CRITERIA))
        losses.append(
            sum(_losses(_out_of_fold(small, column, choice, folds), small, column) for folds in schemes)
        )
    _names, codes = np.unique(small.groups, return_inverse=True)
    by_group = np.array([np.bincount(codes, weights=loss) for loss in losses])
    best = by_group[int(np.argmin(by_group.sum(axis=1)))]
    for choice, sums in zip(choices, by_group, strict=True):
        worse = sums - best
        spread = float(np.sqrt(len(worse) / max(1, len(worse) - 1) * ((worse - worse.mean()) ** 2).sum()))
        if worse.sum() <= spread + 1e-9:
            return choice
    raise AssertionError("the best choice is within its own error")


def _fit_criterion(
    material: Material,
    column: int,
    choice: Choice,
    schemes: list[np.ndarray],
    config: Config,
    priors: dict[str, float],
) -> _Part:
    name = CRITERIA[column]
    y, w = material.targets[:, column], material.weights[:, column]
    usable = np.flatnonzero(w > 0)
    total = float(w.sum())
    seen = float(w @ y + 0.5) / (total + 1.0)
    prior = priors.get(name, seen)
    if not _both_classes(material.take(usable), column):
        blank = np.zeros(len(material.vocabulary.codes)), np.zeros(len(NAMES))
        threshold = 1.0 / (1.0 + config.miss_cost) if name in RISK_CRITERIA else 0.5
        note = "one class only among the labels: the guardian says what it saw, and has learnt nothing"
        return _Part(*blank, 0.0, Calibration(0.0, logit(prior)), threshold, seen, note)
    margins = [_out_of_fold(material, column, choice, folds) for folds in schemes]
    # Both ways of leaving out count half, so that rows are not counted twice.
    x = np.concatenate([m[usable] for m in margins])
    targets = np.tile(y[usable], len(schemes))
    weights = np.tile(w[usable] / len(schemes), len(schemes))
    calibration = platt(x, targets, weights)
    if name in RISK_CRITERIA:
        calibration = Calibration(calibration.slope, calibration.offset + prior_shift(seen, prior))
        p = calibration.apply(x)
        threshold = cost_threshold(p, targets, weights, prior=prior, miss_cost=config.miss_cost)
    else:
        threshold = agreement_threshold(calibration.apply(x), targets, weights)
    terms, signs, intercept = _fit(material, column, choice, np.arange(len(y)))
    return _Part(terms, signs, intercept, calibration, threshold, seen, "")


def _both_classes(material: Material, column: int) -> bool:
    y, w = material.targets[:, column], material.weights[:, column]
    return float(w @ y) > 0 and float(w @ (1 - y)) > 0


def _out_of_fold(material: Material, column: int, choice: Choice, folds: np.ndarray) -> Floats:
    """Margins (n,) of every row by a model that had not seen its fold."""
    margins = np.zeros(len(folds))
    for fold in range(int(folds.max()) + 1):
        held = np.flatnonzero(folds == fold)
        terms, signs, intercept = _fit(material, column, choice, np.flatnonzero(folds != fold))
        margins[held] = material.terms[held] @ terms + material.signs[held] @ signs + intercept
    return margins


def _losses(margins: Floats, material: Material, column: int) -> Floats:
    """Weighted log loss (n,) of calibrated margins; calibrated, since over-regularised margins still order well."""
    y, w = material.targets[:, column], material.weights[:, column]
    p = np.clip(platt(margins, y, w).apply(margins), 1e-6, 1 - 1e-6)
    return -w * (y * np.log(p) + (1 - y) * np.log(1 - p))


def _fit(material: Material, column: int, choice: Choice, chosen: np.ndarray) -> tuple[Floats, Floats, float]:
    """Weights of terms (V,) and signs (S,), and the intercept, of one logistic regression with soft labels."""
    y, w = material.targets[chosen, column], material.weights[chosen, column]
    bearing = [NAMES.index(name) for name in BEARING[CRITERIA[column]]]
    terms, signs = np.zeros(material.terms.shape[1]), np.zeros(len(NAMES))
    ones, zeros = np.flatnonzero(w * y > 0), np.flatnonzero(w * (1 - y) > 0)
    if not len(ones) or not len(zeros):
        share = (float(w @ y) + 0.5) / (float(w.sum()) + 1.0)
        return terms, signs, logit(share)
    features = csr_matrix(material.signs[chosen][:, bearing])
    if choice.scale:
        features = hstack([features, material.terms[chosen] * choice.scale], format="csr")
    both = np.concatenate([ones, zeros])
    labels = np.concatenate([np.ones(len(ones)), np.zeros(len(zeros))])
    weights = np.concatenate([(w * y)[ones], (w * (1 - y))[zeros]])
    model = LogisticRegression(C=choice.strength, max_iter=2000, tol=1e-6)
    model.fit(features[both], labels, sample_weight=weights)
    found = model.coef_[0]
    signs[bearing] = found[: len(bearing)]
    if choice.scale:
        terms = found[len(bearing) :] * choice.scale
    return terms, signs, float(model.intercept_[0])
