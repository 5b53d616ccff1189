"""Which blind labels anchor the score of a submission, with what chance each answer was drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, QuerySet

from annotation.models import Campaign, Label, Task
from benchmark.models import Board, Kind, Score
from benchmark.rules.rubric import CRITERIA, RubricVerdict, final

KINDS = (Campaign.Kind.RESPONSES, Campaign.Kind.GUARDIAN)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One answer that chance chose for labelling: `probability` in (0, 1] among the audit groups' answers, and the
    mean final score (weighted scheme) of its first blind labels, None where nobody labelled it."""

    probability: float
    labelled: float | None
    labels: int


def random_tasks(board: Board) -> QuerySet[Task]:
    """Tasks on the board's items in audit groups that a campaign drew at random.

    A campaign that asks for the oldest first reaches a random part of its tasks only once it has reached all:
    until then its tasks are left out. One that is about some scenarios could never draw the others.
    """
    unfinished = Task.objects.filter(campaign=OuterRef("campaign"), state=Task.State.OPEN, purpose="real")
    tasks = Task.objects.filter(
        campaign__kind__in=KINDS,
        campaign__version=board.version_id,
        campaign__scenarios=None,
        purpose=Task.Purpose.REAL,
        other=None,
        item__kind=Kind.SUBJECTIVE,
        item__split=board.split,
        item__norm__group__audit=True,
        inclusion_probability__isnull=False,
    )
    return tasks.exclude(Exists(unfinished), campaign__order=Campaign.Order.OLDEST)


def drawn_answers(score: Score) -> dict[int, Drawn]:
    """Item id → what is known of its answer; only those that were drawn.

    First blind labels in time, of the first seats: no revision, no third label asked for because two differed.
    An answer drawn by two campaigns has the chance of being drawn by either.
    """
    tasks = random_tasks(score.board).filter(response__submission=score.submission_id)
    missed: dict[int, float] = {}
    items: dict[int, int] = {}
    for task, item, probability in tasks.values_list("pk", "item_id", "inclusion_probability"):
        missed[item] = missed.get(item, 1.0) * (1 - (probability or 0.0))
        items[task] = item
    finals = _finals(items)
    return {
        item: Drawn(
            1 - chance,
            sum(finals[item]) / len(finals[item]) if finals.get(item) else None,
            len(finals.get(item, ())),
        )
        for item, chance in missed.items()
    }


def _finals(items: Mapping[int, int]) -> dict[int, list[float]]:
    labels = Label.objects.filter(
        task__in=list(items),
        blind=True,
        extra=False,
        revision=0,
        undone_at=None,
        slot__ordinal__lte=F("campaign__first_experts"),
    )
    found: dict[int, list[float]] = defaultdict(list)
    for task, *values in labels.order_by("pk").values_list("task_id", *CRITERIA):
        value = final(RubricVerdict(**dict(zip(CRITERIA, values, strict=True))))
        if value is not None:
            found[items[task]].append(value)
    return found


def newest_label(board: Board) -> int:
    """The id of the newest label that could change an anchored score of the board; 0 without any."""
    campaigns = Campaign.objects.filter(version=board.version_id, kind__in=KINDS)
    labels = Label.objects.filter(campaign__in=list(campaigns.values_list("pk", flat=True)), blind=True)
    return labels.order_by("-pk").values_list("pk", flat=True).first() or 0
