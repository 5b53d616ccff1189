"""Whether an expert may be given real tasks: agreement with gold answers, decided with reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from annotation.rules.blind_labels import TaskId, Values

ReasonCode = Literal["too_few_tasks", "below_bound", "criterion_below_bound", "criterion_not_tested"]


@dataclass(frozen=True, slots=True)
class QualificationPolicy:
    """What it takes to pass.

    At least `minimum` gold tasks answered, agreement over all criteria of at least `bound`, and for each
    criterion in `criterion_bounds` agreement of at least that: overall agreement says little about a
    criterion whose answer is nearly always the same. Raises ValueError for a bound outside [0, 1] or a
    minimum below 1.
    """

    bound: float
    minimum: int
    criterion_bounds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.minimum < 1:
            raise ValueError(f"minimum must be 1 or more, not {self.minimum}")
        for bound in (self.bound, *self.criterion_bounds.values()):
            if not 0.0 <= bound <= 1.0:
                raise ValueError(f"a bound must lie between 0 and 1, not {bound}")


@dataclass(frozen=True, slots=True)
class QualificationReason:
    """Why not (yet): `reached` (a share, or a number of tasks) where `required` was needed.

    `reached` is None where nothing could be compared; `criterion` is None where the reason is about all.
    """

    code: ReasonCode
    criterion: str | None
    reached: float | None
    required: float


@dataclass(frozen=True, slots=True)
class QualificationDecision:
    """`passed` exactly when there is no reason against.

    `tasks` counts gold tasks answered, `hits` of `compared` criteria agree, `agreement` is their share (None
    with none), `per_criterion` the same for each criterion as (hits, compared). `missed` lists the tasks
    with a criterion that differs from gold, in the order of `gold`, for the explanations.
    """

    passed: bool
    tasks: int
    hits: int
    compared: int
    agreement: float | None
    per_criterion: Mapping[str, tuple[int, int]]
    missed: tuple[TaskId, ...]
    reasons: tuple[QualificationReason, ...]


def qualify(
    answers: Mapping[TaskId, Values], gold: Mapping[TaskId, Values], policy: QualificationPolicy
) -> QualificationDecision:
    """Compare an expert's first answers with gold, criterion by criterion, and decide.

    Every criterion with a gold value on an answered task is compared. An expert who gives none there (the
    quality of an answer wrongly called risky) misses it; where gold has none (quality of a risky answer)
    nothing is compared, the risk criteria have counted it. Answers to other tasks are ignored.
    """
    hits: Counter[str] = Counter()
    compared: Counter[str] = Counter()
    missed: list[TaskId] = []
    answered = [task for task in gold if task in answers]
    for task in answered:
        wrong = False
        for criterion, value in gold[task].items():
            if value is None:
                continue
            compared[criterion] += 1
            right = answers[task].get(criterion) == value
            hits[criterion] += right
            wrong = wrong or not right
        if wrong:
            missed.append(task)
    per_criterion = {criterion: (hits[criterion], count) for criterion, count in compared.items()}
    total = compared.total()
    agreement = hits.total() / total if total else None
    reasons = _reasons(len(answered), agreement, per_criterion, policy)
    return QualificationDecision(
        not reasons, len(answered), hits.total(), total, agreement, per_criterion, tuple(missed), reasons
    )


def _reasons(
    tasks: int,
    agreement: float | None,
    per_criterion: Mapping[str, tuple[int, int]],
    policy: QualificationPolicy,
) -> tuple[QualificationReason, ...]:
    reasons = []
    if tasks < policy.minimum:
        reasons.append(QualificationReason("too_few_tasks", None, tasks, policy.minimum))
    if agreement is None or agreement < policy.bound:
        reasons.append(QualificationReason("below_bound", None, agreement, policy.bound))
    for criterion, bound in policy.criterion_bounds.items():
        hits, compared = per_criterion.get(criterion, (0, 0))
        if not compared:
            reasons.append(QualificationReason("criterion_not_tested", criterion, None, bound))
        elif hits / compared < bound:
            reasons.append(QualificationReason("criterion_below_bound", criterion, hits / compared, bound))
    return tuple(reasons)
