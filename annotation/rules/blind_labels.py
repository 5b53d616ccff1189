"""Which labels agreement, expert records and the guardian's yardsticks may be computed from.

Only the first blind ones: a label given after seeing a guardian's verdict is no longer the expert's own, one
that was changed later may answer a colleague, a third label exists only because two disagreed (so it would
make agreement look worse than it is), a gold task was chosen for having a known answer, and a late extra
stands outside the plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from annotation.rules.ratings import FloatArray

TaskId = int | str
ExpertId = int | str
Values = Mapping[str, int | None]
"""What was said per criterion, such as {"r1": 0, "q1": 1}; None or absent where there is no finding."""

FIRST_SLOTS = 2
"""Slots that every task has from the start; the ones after are opened by a disagreement."""

Reason = Literal["gold", "extra", "later_slot", "not_blind", "revised"]


@dataclass(frozen=True, slots=True)
class LabelFact:
    """One stored version of one expert's label on one task.

    `blind`: given before any verdict or other label was shown. `gold`: the task has a known answer.
    `ordinal`: which slot of the task, from 1. `extra`: came after its lease had gone to somebody else.
    `revision`: 0 for the version first submitted, then 1, 2, … (a label taken back by undo is no version).
    Raises ValueError for an ordinal below 1 or a revision below 0.
    """

    task: TaskId
    expert: ExpertId
    values: Values
    blind: bool = True
    gold: bool = False
    ordinal: int = 1
    extra: bool = False
    revision: int = 0

    def __post_init__(self) -> None:
        if self.ordinal < 1 or self.revision < 0:
            raise ValueError(f"no slot {self.ordinal} or revision {self.revision}: these start at 1 and 0")


@dataclass(frozen=True, slots=True)
class FirstBlind:
    """The labels that count, by task and slot, and how many others were left out for which first reason."""

    labels: tuple[LabelFact, ...]
    left_out: Mapping[Reason, int]

    @property
    def tasks(self) -> tuple[TaskId, ...]:
        """The tasks with a label that counts, in order: the rows of `matrix`."""
        return tuple(dict.fromkeys(label.task for label in self.labels))

    @property
    def experts(self) -> tuple[ExpertId, ...]:
        """The experts with a label that counts, in order: the columns of `matrix`."""
        return tuple(sorted({label.expert for label in self.labels}, key=order_key))

    def matrix(self, criterion: str) -> FloatArray:
        """(tasks, experts) values of a criterion, NaN where missing: units for `agreement_report`.

        A risky answer has no quality, so agreement on q1 to q4 is about answers that both experts call safe.
        """
        row = {task: number for number, task in enumerate(self.tasks)}
        column = {expert: number for number, expert in enumerate(self.experts)}
        matrix = np.full((len(row), len(column)), np.nan)
        for label in self.labels:
            value = label.values.get(criterion)
            if value is not None:
                matrix[row[label.task], column[label.expert]] = value
        return matrix


def first_blind_pairs(labels: Iterable[LabelFact], *, slots: int = FIRST_SLOTS) -> FirstBlind:
    """The first blind labels of ordinary tasks: at most one for each of a task's first `slots` slots.

    Takes every stored version in any order; the result is sorted by task and slot. Raises ValueError where
    two labels that count are of one slot, or of one expert on one task: then the facts are wrong, and to
    choose between them would be to make agreement up.
    """
    kept: dict[tuple[TaskId, int], LabelFact] = {}
    seen: set[tuple[TaskId, ExpertId]] = set()
    left_out: Counter[Reason] = Counter()
    for label in labels:
        reason = _left_out_for(label, slots)
        if reason is not None:
            left_out[reason] += 1
            continue
        if (label.task, label.ordinal) in kept:
            raise ValueError(f"two first labels for slot {label.ordinal} of task {label.task}")
        if (label.task, label.expert) in seen:
            raise ValueError(f"two first labels of expert {label.expert} on task {label.task}")
        seen.add((label.task, label.expert))
        kept[label.task, label.ordinal] = label
    ordered = sorted(kept.values(), key=lambda label: (order_key(label.task), label.ordinal))
    return FirstBlind(tuple(ordered), dict(left_out))


def gold_labels(labels: Iterable[LabelFact]) -> tuple[LabelFact, ...]:
    """The first blind version of every label on a gold task, whatever its slot, sorted by task and expert.

    Late extras count here: nobody else's label is involved. Raises ValueError for two of one expert on one
    task.
    """
    kept: dict[tuple[TaskId, ExpertId], LabelFact] = {}
    for label in labels:
        if not label.gold or not label.blind or label.revision:
            continue
        if (label.task, label.expert) in kept:
            raise ValueError(f"two first labels of expert {label.expert} on gold task {label.task}")
        kept[label.task, label.expert] = label
    return tuple(sorted(kept.values(), key=lambda label: (order_key(label.task), order_key(label.expert))))


def order_key(name: TaskId | ExpertId) -> tuple[int, int, str]:
    """Numbers by size, then names by letter, so that ids of either kind have one order."""
    return (0, name, "") if isinstance(name, int) else (1, 0, name)


def _left_out_for(label: LabelFact, slots: int) -> Reason | None:
    if label.gold:
        return "gold"
    if label.extra:
        return "extra"
    if label.ordinal > slots:
        return "later_slot"
    if not label.blind:
        return "not_blind"
    return "revised" if label.revision else None
