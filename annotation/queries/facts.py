"""Labels as facts for the agreement figures (annotation.rules)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from annotation.models import Campaign, Label, Ruling, Task
from annotation.rules.answers import values_of
from annotation.rules.blind_labels import LabelFact, TaskId, Values
from benchmark.rules.rubric import CRITERIA


def label_facts(campaign: Campaign, *, beside: Any = None) -> Iterator[LabelFact]:
    """Every stored version of every label that was not taken back, streamed; task and expert are ids.

    `beside`: only tasks that this expert labelled. Plain tuples are read, and equal answers are one object:
    200,000 labels as model instances would take minutes and gigabytes.
    """
    labels = Label.objects.filter(campaign=campaign, undone_at=None).order_by("id")
    if beside is not None:
        own = Label.objects.filter(campaign=campaign, expert=beside, undone_at=None)
        labels = labels.filter(task__in=own.values("task"))
    rows = labels.values_list(
        "task_id",
        "expert_id",
        "blind",
        "extra",
        "revision",
        "slot__ordinal",
        "task__purpose",
        "answers",
        *CRITERIA,
    )
    known: dict[tuple[int | None, ...], Values] = {}
    for task, expert, blind, extra, revision, ordinal, purpose, answers, *verdict in rows.iterator(2000):
        if answers is not None:
            values: Values = values_of(answers)
        else:
            given = tuple(verdict)
            values = known.setdefault(given, dict(zip(CRITERIA, given, strict=True)))
        yield LabelFact(
            task=task,
            expert=expert,
            values=values,
            blind=blind,
            gold=purpose != Task.Purpose.REAL,
            ordinal=ordinal,
            extra=extra,
            revision=revision,
        )


def gold_values(campaign: Campaign) -> dict[TaskId, Values]:
    """Task id → gold answers."""
    tasks = Task.objects.filter(campaign=campaign).exclude(purpose=Task.Purpose.REAL)
    return {pk: values_of(answers or {}) for pk, answers in tasks.values_list("pk", "gold_answers")}


def ruled_values(campaign: Campaign) -> dict[TaskId, Values]:
    """Task id → the referee's answers; tasks whose norm is silent have none."""
    rulings = Ruling.objects.filter(task__campaign=campaign, answers__isnull=False)
    return {task: values_of(answers or {}) for task, answers in rulings.values_list("task_id", "answers")}


def pseudonyms(campaign: Campaign) -> dict[int, str]:
    """Expert id → pseudonym, of all members."""
    return dict(campaign.memberships.values_list("expert_id", "pseudonym"))
