"""What referees see: disputed tasks with the labels side by side, nobody's name, no guardian."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from annotation.errors import NotFound
from annotation.models import Campaign, Label, Ruling, Slot, Task
from annotation.rules.answers import values_of
from benchmark.models import Norm

LETTERS = "ABCDEFGHI"


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One label on a disputed task. `letter` A, B, … stands for the expert; letters follow no order of people."""

    letter: str
    label_id: int
    answers: dict[str, Any]
    rationale: str
    correction: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DisputedTask:
    """`differing`: the criteria on which the labels differ. `pending`: seats that may still bring a label."""

    task: Task
    labels: tuple[SideBySide, ...]
    differing: tuple[str, ...]
    pending: int


@dataclass(frozen=True, slots=True)
class SilentNorm:
    """A norm that referees found silent, with their rulings, newest first; `norm` None: items without one."""

    norm: Norm | None
    rulings: tuple[Ruling, ...]


def adjudication_list(*, user: Any, campaign: Campaign | None = None) -> QuerySet[Task]:
    """Disputed tasks this referee may rule on, those first to which no further label will come.

    Each has `pending`, the seats still open or leased.
    """
    tasks = Task.objects.to_adjudicate(user).select_related("campaign", "item__norm__source")
    if campaign is not None:
        tasks = tasks.filter(campaign=campaign)
    waiting = Q(slots__state__in=(Slot.State.OPEN, Slot.State.LEASED))
    found: QuerySet[Task] = tasks.annotate(pending=Count("slots", filter=waiting)).order_by("pending", "id")
    return found


def disputed_task(*, user: Any, task_id: int) -> DisputedTask:
    """Raises NotFound for a task this referee may not rule on."""
    task = (
        Task.objects.to_adjudicate(user)
        .select_related("campaign", "item__norm__source", "item__scenario", "response", "other")
        .filter(pk=task_id)
        .first()
    )
    if task is None:
        raise NotFound()
    found = sorted(Label.objects.filter(task=task, current=True, blind=True, extra=False), key=_shuffled)
    labels = tuple(
        SideBySide(letter, label.pk, label.said, label.rationale, label.correction, label.evidence)
        for letter, label in zip(LETTERS, found, strict=False)
    )
    pending = Slot.objects.filter(task=task, state__in=(Slot.State.OPEN, Slot.State.LEASED)).count()
    return DisputedTask(task, labels, differing_criteria(labels), pending)


def _shuffled(label: Label) -> bytes:
    """An order that stays as it is, also after a revision, and says nothing about who was first."""
    return hashlib.sha256(f"{label.task_id}:{label.slot_id}".encode()).digest()


def next_disputed(*, user: Any, campaign: Campaign, after: int) -> int | None:
    """The disputed task of this campaign that follows `after` by id, round to the first; None if it is alone."""
    tasks = Task.objects.to_adjudicate(user).filter(campaign=campaign).exclude(pk=after)
    ids = tasks.order_by("pk").values_list("pk", flat=True)
    found: int | None = ids.filter(pk__gt=after).first() or ids.first()
    return found


def disputed_counts(user: Any) -> list[tuple[Campaign, int]]:
    """Campaigns in which this referee may rule, with the number of disputed tasks; newest first."""
    counts = dict(Task.objects.to_adjudicate(user).order_by().values_list("campaign").annotate(n=Count("pk")))
    campaigns = Campaign.objects.filter(pk__in=counts).select_related("version__benchmark")
    return [(campaign, counts[campaign.pk]) for campaign in campaigns]


def shown_answers(answers: dict[str, Any], task: Task) -> dict[str, Any]:
    """Answers in the order of the page: of a pair "first" and "second" instead of a and b."""
    if answers.get("better") in ("a", "b"):
        first = (answers["better"] == "a") != task.swapped
        return {**answers, "better": "first" if first else "second"}
    return answers


def differing_criteria(labels: tuple[SideBySide, ...]) -> tuple[str, ...]:
    """Names of the criteria with more than one value among the labels, in their order."""
    values = [values_of(label.answers) for label in labels]
    names = dict.fromkeys(name for row in values for name in row)
    return tuple(name for name in names if len({row.get(name) for row in values}) > 1)


def silent_counts(campaign: Campaign, limit: int) -> list[tuple[Norm | None, int]]:
    """The norms most often found silent in this campaign, with the number of rulings."""
    rulings = Ruling.objects.filter(decision=Ruling.Decision.NORM_SILENT, task__campaign=campaign)
    counts = rulings.order_by().values_list("task__item__norm").annotate(n=Count("pk")).order_by("-n")[:limit]
    found = list(counts)
    norms = Norm.objects.select_related("source").in_bulk([pk for pk, _n in found if pk is not None])
    return [(norms.get(pk), n) for pk, n in found]


def silent_norms(campaign: Campaign | None = None) -> list[SilentNorm]:
    """ "Norm silent" rulings by norm, the norms with the most first: for whoever keeps the guidelines."""
    rulings = Ruling.objects.filter(decision=Ruling.Decision.NORM_SILENT).select_related(
        "task__item__norm__source", "task__campaign"
    )
    if campaign is not None:
        rulings = rulings.filter(task__campaign=campaign)
    by_norm: dict[int | None, list[Ruling]] = {}
    for ruling in rulings.order_by("-id"):
        by_norm.setdefault(ruling.task.item.norm_id, []).append(ruling)
    groups = [SilentNorm(rows[0].task.item.norm, tuple(rows)) for rows in by_norm.values()]
    return sorted(groups, key=lambda group: -len(group.rulings))
