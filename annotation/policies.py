"""Who may do what: can_<verb>(user, obj) -> bool. Views, API and services all ask here."""

from __future__ import annotations

from typing import Any

from annotation.models import Campaign, Label, Membership, Ruling, Slot, Task
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


def can_see_record(user: Any, expert: Any) -> bool:
    """How an expert stands against gold, peers and rulings: that expert and researchers."""
    return is_researcher(user) or user.pk == expert.pk


def can_export(user: Any) -> bool:
    return is_researcher(user)
