"""Who has read a verdict on an answer is asked for no blind label on it any more, in whatever campaign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from annotation.models import Campaign, Label, Reveal, Slot, Task
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
    """From the other unfinished tasks on the responses of `task`, in every campaign that gives out seats."""
    responses = [pk for pk in (task.response_id, task.other_id) if pk is not None]
    if not responses:
        return
    for other in _dealt_out(_about(responses)).exclude(pk=task.pk):
        bar(expert, other)


def bar_seen(person: Any, responses: Sequence[int]) -> None:
    """From the unfinished tasks on answers whose verdicts or labels the person is about to read.

    Does nothing for who neither labels nor rules: should they come to, joining a campaign looks their sightings up.
    """
    if has_role(person, Role.EXPERT, Role.REFEREE):
        _withdraw(person, list(_dealt_out(_about(responses))))


def bar_newcomer(expert: Any, campaign: Campaign) -> None:
    """When somebody joins a campaign: from its unfinished tasks on answers they have read verdicts of."""
    seen = Sighting.objects.filter(user=expert).values("response")
    _withdraw(expert, list(_about(seen).filter(campaign=campaign)))


def _withdraw(person: Any, tasks: Sequence[Task]) -> None:
    """As `bar` for many tasks at once: nearly all of them have no seat of this person's."""
    slots = [
        Slot(
            task=task,
            campaign_id=task.campaign_id,
            ordinal=0,
            position=task.position,
            state=Slot.State.WITHDRAWN,
            expert=person,
            finished_at=Now(),
        )
        for task in tasks
    ]
    Slot.objects.bulk_create(slots, batch_size=BATCH, ignore_conflicts=True)
    for first in range(0, len(tasks), BATCH):
        held = Slot.objects.filter(
            task__in=tasks[first : first + BATCH], expert=person, state=Slot.State.LEASED
        )
        for slot in held.select_related("task"):
            bar(person, slot.task)


def bar_from_new_tasks(campaign: Campaign) -> None:
    """When a campaign opens: everybody who was shown a verdict on one of its answers."""
    tasks = Task.objects.filter(campaign=campaign, purpose=Task.Purpose.REAL, wanted__gt=0)
    about = tasks.exclude(response=None).values("response")
    others = tasks.exclude(other=None).values("other")
    pairs = set(
        Reveal.objects.filter(label__task__response__in=about).values_list(
            "label__expert", "label__task__response"
        )
    )
    labellers = get_user_model().objects.filter(groups__name__in=(Role.EXPERT, Role.REFEREE))
    pairs.update(
        Sighting.objects.filter(
            Q(response__in=about) | Q(response__in=others), user__in=labellers.values("pk")
        ).values_list("user", "response")
    )
    barred: dict[int, set[int]] = {}
    for expert, response in pairs:
        barred.setdefault(response, set()).add(expert)
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
            Q(response__in=list(barred)) | Q(other__in=list(barred))
        ).values_list("pk", "position", "response", "other")
        for expert in set().union(*(barred.get(response, set()) for response in responses))
    ]
    Slot.objects.bulk_create(slots, batch_size=2000, ignore_conflicts=True)


def informed_experts(response: Response) -> list[Any]:
    """Who read a verdict or a label on the response, and experts who labelled it and may read the verdict by now."""
    labelled = Label.objects.filter(task__response=response, task__other=None, undone_at=None)
    people: Iterable[Any] = get_user_model().objects.filter(pk__in=labelled.values("expert"))
    saw = Sighting.objects.filter(response=response).values("user")
    labellers = get_user_model().objects.filter(groups__name__in=(Role.EXPERT, Role.REFEREE))
    readers = labellers.filter(pk__in=saw).distinct()
    return [*readers, *(person for person in people if can_see_response_verdicts(person, response))]


def has_seen(person: int, task: Task) -> bool:
    """Whether a verdict or another's label on what the task asks about was shown to the person."""
    responses = [pk for pk in (task.response_id, task.other_id) if pk is not None]
    return Sighting.objects.filter(user=person, response__in=responses).exists()


def _dealt_out(tasks: QuerySet[Task]) -> QuerySet[Task]:
    return tasks.exclude(campaign__state__in=(Campaign.State.DRAFT, Campaign.State.CLOSED))


def _about(responses: Any) -> QuerySet[Task]:
    unfinished = (Task.State.OPEN, Task.State.DISPUTED)
    return Task.objects.filter(
        Q(response__in=responses) | Q(other__in=responses), purpose=Task.Purpose.REAL, state__in=unfinished
    )


# Whatever serves pages imports this module, through the views of labelling.
tell_when_seen(bar_seen)
