"""Who has read a verdict on an answer is asked for no blind label on it any more, in whatever campaign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from annotation.models import Campaign, Label, Membership, Reveal, Slot, Task
from annotation.policies import can_see_response_verdicts
from annotation.services.claiming import give_back
from benchmark.models import Response, Sighting
from benchmark.services.seeing import tell_when_seen
from medes_site.kit.roles import Role, has_role

BATCH = 2000


def bar(expert: Any, task: Task) -> None:
    """A seat that is withdrawn from the start: no second seat on the task can be this expert's.

    A seat in hand goes back first: a label that is sent from its page all the same is kept as an extra. Nothing
    happens where the expert has done with the task.
    """
    held = Slot.objects.filter(task=task, expert=expert, state=Slot.State.LEASED).first()
    if held is not None:
        give_back(held.pk, expert, held.fence)
    if Slot.objects.filter(task=task, expert=expert).exists():
        return
    try:
        with transaction.atomic():
            Slot.objects.create(
                task=task,
                campaign_id=task.campaign_id,
                ordinal=0,
                position=task.position,
                state=Slot.State.WITHDRAWN,
                expert=expert,
                finished_at=Now(),
            )
    except IntegrityError:  # claimed in another tab at this moment
        bar(expert, task)


def bar_elsewhere(expert: Any, task: Task) -> None:
    """From the other tasks not ruled yet on the responses of `task`, in every campaign that gives out seats."""
    if not task.answers_shown:
        return
    for other in _dealt_out(_about(task.answers_shown)).exclude(pk=task.pk):
        bar(expert, other)


def bar_seen(person: Any, responses: Sequence[int]) -> None:
    """From the tasks on answers whose verdicts or labels the person is about to read.

    Does nothing for who has never labelled: should they come to, joining a campaign looks their sightings up.
    """
    if has_role(person, Role.EXPERT) or Membership.objects.filter(expert=person).exists():
        _withdraw(person, _dealt_out(_about(responses)))


def bar_newcomer(expert: Any, campaign: Campaign) -> None:
    """When somebody joins a campaign: from its tasks on answers they have read verdicts or labels of."""
    seen = Sighting.objects.filter(user=expert).values("response")
    _withdraw(expert, _about(seen).filter(campaign=campaign))


def _withdraw(person: Any, tasks: QuerySet[Task]) -> None:
    """As `bar` for many tasks at once: nearly all of them have no seat of this person's."""
    found = list(tasks.order_by("pk").values_list("pk", "campaign", "position"))
    for first in range(0, len(found), BATCH):
        part = found[first : first + BATCH]
        slots = [
            Slot(
                task_id=task,
                campaign_id=campaign,
                ordinal=0,
                position=position,
                state=Slot.State.WITHDRAWN,
                expert=person,
                finished_at=Now(),
            )
            for task, campaign, position in part
        ]
        Slot.objects.bulk_create(slots, batch_size=BATCH, ignore_conflicts=True)
        held = Slot.objects.filter(task__in=[row[0] for row in part], expert=person, state=Slot.State.LEASED)
        for slot in held.select_related("task"):
            bar(person, slot.task)


def bar_from_new_tasks(campaign: Campaign) -> None:
    """When a campaign opens: everybody who labels and was shown a verdict or a label on one of its answers."""
    tasks = Task.objects.filter(campaign=campaign, purpose=Task.Purpose.REAL, wanted__gt=0)
    about = tasks.exclude(response=None).values("response")
    others = tasks.exclude(other=None).values("other")
    pairs = set(
        Reveal.objects.filter(label__task__response__in=about).values_list(
            "label__expert", "label__task__response"
        )
    )
    pairs.update(
        Sighting.objects.filter(
            Q(response__in=about) | Q(response__in=others), user__in=_labellers().values("pk")
        ).values_list("user", "response")
    )
    barred: dict[int, set[int]] = {}
    for expert, response in pairs:
        barred.setdefault(response, set()).add(expert)
    answers = sorted(barred)
    for first in range(0, len(answers), BATCH):
        part = answers[first : first + BATCH]
        # A pair whose answers lie in two parts comes twice, the second time for nothing.
        slots = [
            Slot(
                task_id=task,
                campaign=campaign,
                ordinal=0,
                position=position,
                state=Slot.State.WITHDRAWN,
                expert_id=expert,
                finished_at=campaign.opened_at,
            )
            for task, position, *responses in tasks.filter(
                Q(response__in=part) | Q(other__in=part)
            ).values_list("pk", "position", "response", "other")
            for expert in set().union(*(barred.get(response, set()) for response in responses))
        ]
        Slot.objects.bulk_create(slots, batch_size=BATCH, ignore_conflicts=True)


def informed_experts(response: Response) -> list[Any]:
    """Who read a verdict or a label on the response, and experts who labelled it and may read the verdict by now."""
    labelled = Label.objects.filter(task__response=response, task__other=None, undone_at=None)
    people: Iterable[Any] = get_user_model().objects.filter(pk__in=labelled.values("expert"))
    saw = Sighting.objects.filter(response=response).values("user")
    return [
        *_labellers().filter(pk__in=saw),
        *(person for person in people if can_see_response_verdicts(person, response)),
    ]


def has_seen(person: int, task: Task) -> bool:
    """Whether a verdict or another's label on what the task asks about was shown to the person."""
    return Sighting.objects.filter(user=person, response__in=task.answers_shown).exists()


def _labellers() -> QuerySet[Any]:
    """Whoever holds the role of an expert, as `has_role` sees it."""
    return get_user_model().objects.filter(Q(groups__name=Role.EXPERT) | Q(is_superuser=True)).distinct()


def _dealt_out(tasks: QuerySet[Task]) -> QuerySet[Task]:
    return tasks.exclude(campaign__state__in=(Campaign.State.DRAFT, Campaign.State.CLOSED))


def _about(responses: Any) -> QuerySet[Task]:
    """Tasks that may want a label: one that is agreed on opens again when a label of it is revised."""
    tasks = Task.objects.filter(Q(response__in=responses) | Q(other__in=responses), purpose=Task.Purpose.REAL)
    return tasks.exclude(state=Task.State.RULED)


# Whatever serves pages imports this module, through the views of labelling.
tell_when_seen(bar_seen)
