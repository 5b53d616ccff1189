"""Which of the labelled rows a guardian of the neural kinds learns from, and which its calibration comes from."""

from __future__ import annotations

import random
from collections.abc import Sequence

from training.engine.guardian_run import Config, RunRefused, TrainingRow
from training.rules.guardian_folds import group_folds
from training.rules.guardian_targets import risk_of


def learning_and_held(
    rows: Sequence[TrainingRow], config: Config
) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """One fold of norm groups is kept from the training: what is found on it is honest about new norms.

    Raises RunRefused where one of the two would be empty.
    """
    folds = _folds(rows, config)
    learning = [row for row, fold in zip(rows, folds, strict=True) if fold != 0]
    held = [row for row, fold in zip(rows, folds, strict=True) if fold == 0]
    if not learning or not held:
        raise RunRefused("All training rows belong to one norm group: at least two are needed.")
    return learning, held


def fold_after_fold(rows: Sequence[TrainingRow], config: Config) -> list[TrainingRow]:
    """All rows, those of one fold together, within it in a seeded order: so any beginning has about its share of the
    risky ones."""
    drawn = random.Random(config.seed)
    ranked = [(fold, drawn.random(), row) for fold, row in zip(_folds(rows, config), rows, strict=True)]
    return [row for _fold, _rank, row in sorted(ranked, key=lambda entry: entry[:2])]


def _folds(rows: Sequence[TrainingRow], config: Config) -> list[int]:
    strata = ["risky" if risk_of(row.target) >= 0.5 else "safe" for row in rows]
    return group_folds([row.group for row in rows], strata, config.folds, config.seed)
