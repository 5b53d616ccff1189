"""Who may do what: can_<verb>(user, obj) -> bool. Views, API and services all ask here."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.models import Campaign, Label, Membership, Ruling, Slot, Task
from benchmark.models import Response
from benchmark.policies import can_manage_submission, can_see_split
from medes_site.kit.roles import Role, has_role, is_researcher


def can_manage_campaigns(user: Any) -> bool:
    return is_researcher(user)


def can_join(user: Any, campaign: Campaign) -> bool:
    """Experts join campaigns that are open to all of them; into others a researcher puts them."""
    return has_role(user, Role.EXPERT) and campaign.open_to_experts and campaign.state == Campaign.State.OPEN


def can_claim(membership: Membership) -> bool:
    """A member who was not removed, in an open campaign, who is still an expert. Reads `campaign`, `expert`."""
    return (
        membership.state != Membership.State.REMOVED
        and membership.campaign.state == Campaign.State.OPEN
        and has_role(membership.expert, Role.EXPERT)
    )


def can_see_task(user: Any, task: Task) -> bool:
    """Through a seat of one's own; researchers always; referees what they may adjudicate."""
    found = Task.objects.filter(pk=task.pk)
    return found.visible_to(user).exists() or found.to_adjudicate(user).exists()


def can_see_label(user: Any, label: Label) -> bool:
    """One's own; a researcher's; a referee's on a task they may adjudicate. Never another expert's."""
    if is_researcher(user) or label.expert_id == getattr(user, "pk", None):
        return True
    return can_rule(user, label.task)


def can_see_judgement(user: Any, slot: Slot) -> bool:
    """An expert meets a guardian's verdict only by a reveal that follows a blind label of their own."""
    if is_researcher(user):
        return True
    return Label.objects.filter(
        slot=slot, expert=user, blind=True, undone_at=None, reveal__isnull=False
    ).exists()


def can_see_gold(user: Any, slot: Slot) -> bool:
    """The gold answers of a qualification task, once it is answered; of gold tasks in between, never."""
    if is_researcher(user):
        return True
    answered = slot.expert_id == getattr(user, "pk", None) and slot.state == Slot.State.LABELLED
    return answered and slot.queue == Slot.Queue.QUALIFICATION


def can_rule(user: Any, task: Task) -> bool:
    """A referee, on a disputed task, who has no seat on it. Nobody rules on a label of their own."""
    return Task.objects.filter(pk=task.pk).to_adjudicate(user).exists()


def can_see_ruling(user: Any, ruling: Ruling) -> bool:
    if is_researcher(user) or ruling.referee_id == getattr(user, "pk", None):
        return True
    # Whoever labelled the task may read what became of it: the label is given and can no longer change.
    return Label.objects.filter(task=ruling.task_id, expert=user, undone_at=None).exists()


def can_see_response(user: Any, response: Response) -> bool:
    """The page of a response: researchers; whoever submitted it, if the item is open; experts who labelled it."""
    if is_researcher(user):
        return True
    if can_manage_submission(user, response.submission) and can_see_split(user, response.item.split):
        return True
    return has_role(user, Role.EXPERT, Role.REFEREE) and _own_labels(user, response).exists()


def can_see_response_verdicts(user: Any, response: Response) -> bool:
    """Researchers; the submitter of an open item; of experts only those whose labels on it are given for good.

    For an expert that means: a label of theirs exists, none of theirs can still be revised, and no running
    campaign could ask them for another one on the same response, which would then not be blind.
    """
    if is_researcher(user):
        return True
    if not has_role(user, Role.EXPERT, Role.REFEREE):
        return can_manage_submission(user, response.submission) and can_see_split(user, response.item.split)
    labels = _own_labels(user, response)
    if not labels.exists():
        return False
    over = Q(campaign__state=Campaign.State.CLOSED) | Q(task__state=Task.State.RULED)
    if labels.filter(current=True, blind=True, extra=False, reveal=None).exclude(over).exists():
        return False
    if has_role(user, Role.REFEREE) and _unsettled(response).exists():
        return False
    return not may_be_asked(user, response)


def _unsettled(response: Response) -> QuerySet[Task]:
    """What a referee may still have to rule on: referees see no guardian before."""
    tasks = Task.objects.filter(Q(response=response.pk) | Q(other=response.pk))
    return tasks.filter(state__in=(Task.State.OPEN, Task.State.DISPUTED))


def _own_labels(user: Any, response: Response) -> QuerySet[Label]:
    """Of the rubric: what an expert says of a pair is no label on either answer."""
    return Label.objects.filter(task__response=response.pk, task__other=None, expert=user, undone_at=None)


def may_be_asked(user: Any, response: Response) -> bool:
    """An unfinished task of a campaign that is not closed, on which the expert has no seat yet or a leased one."""
    seats = Slot.objects.filter(task=OuterRef("pk"), expert=user)
    tasks = Task.objects.filter(Q(response=response.pk) | Q(other=response.pk), state=Task.State.OPEN)
    tasks = tasks.exclude(campaign__state=Campaign.State.CLOSED)
    return tasks.filter(~Exists(seats) | Exists(seats.filter(state=Slot.State.LEASED))).exists()


def can_contest(user: Any, response: Response) -> bool:
    """Experts, once they may see the verdict."""
    return has_role(user, Role.EXPERT) and can_see_response_verdicts(user, response)


def can_see_record(user: Any, expert: Any) -> bool:
    """How an expert stands against gold, peers and rulings: that expert and researchers."""
    return is_researcher(user) or user.pk == expert.pk


def can_export(user: Any) -> bool:
    return is_researcher(user)
