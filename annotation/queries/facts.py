"""Labels as facts for the agreement figures (annotation.rules)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import F

from annotation.models import Campaign, Label, Ruling, Task
from annotation.rules.answers import values_of
from annotation.rules.blind_labels import LabelFact, Values


def label_facts(campaign: Campaign, *, every: int = 1, beside: Any = None) -> Iterator[LabelFact]:
    """Every stored version of every label that was not taken back, streamed; task and expert are ids.

    `every`: only one task in so many, chosen by its id. `beside`: only tasks that this expert labelled.
    """
    labels = (
        Label.objects.filter(campaign=campaign, undone_at=None)
        .select_related("slot", "task")
        .only(
            "task_id",
            "expert_id",
            "r1",
            "r2",
            "q1",
            "q2",
            "q3",
            "q4",
            "answers",
            "blind",
            "extra",
            "revision",
            "slot__ordinal",
            "task__purpose",
        )  # fmt: skip
        .order_by("id")
    )
    if every > 1:
        labels = labels.annotate(rest=F("task_id") % every).filter(rest=0)
    if beside is not None:
        own = Label.objects.filter(campaign=campaign, expert=beside, undone_at=None)
        labels = labels.filter(task__in=own.values("task"))
    for label in labels.iterator(chunk_size=2000):
        yield LabelFact(
            task=label.task_id,
            expert=label.expert_id,
            values=values_of(label.said),
            blind=label.blind,
            gold=label.task.is_gold,
            ordinal=label.slot.ordinal,
            extra=label.extra,
            revision=label.revision,
        )


def gold_values(campaign: Campaign) -> dict[int, Values]:
    """Task id → gold answers."""
    tasks = Task.objects.filter(campaign=campaign).exclude(purpose=Task.Purpose.REAL)
    return {pk: values_of(answers) for pk, answers in tasks.values_list("pk", "gold_answers")}


def ruled_values(campaign: Campaign) -> dict[int, Values]:
    """Task id → the referee's answers; tasks whose norm is silent have none."""
    rulings = Ruling.objects.filter(task__campaign=campaign, answers__isnull=False)
    return {task: values_of(answers) for task, answers in rulings.values_list("task_id", "answers")}


def pseudonyms(campaign: Campaign) -> dict[int, str]:
    """Expert id → pseudonym, of all members."""
    return dict(campaign.memberships.values_list("expert_id", "pseudonym"))
