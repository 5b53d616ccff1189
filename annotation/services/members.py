"""Who takes part in a campaign: joining, qualifying, being removed; and the gold seats each member gets."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from annotation.errors import CampaignNotOpen, NotAllowed, NotFound, WrongState
from annotation.models import Campaign, Label, Membership, Pseudonym, Slot, Task
from annotation.policies import can_join, can_manage_campaigns
from annotation.rules.answers import values_of
from annotation.rules.blind_labels import TaskId, Values
from annotation.rules.qualification import QualificationPolicy, qualify
from annotation.services.barring import bar_newcomer
from medes_site.kit.roles import Role, has_role

_State = Membership.State
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is misread for something else


def pseudonym_of(user: Any) -> str:
    """The person's pseudonym, drawn at random the first time."""
    found = Pseudonym.objects.filter(user=user).first()
    while found is None:
        code = "E-" + "".join(secrets.choice(ALPHABET) for _place in range(6))
        try:
            with transaction.atomic():
                found = Pseudonym.objects.create(user=user, code=code)
        except IntegrityError:  # drawn at the same time, or the code is somebody else's
            found = Pseudonym.objects.filter(user=user).first()
    return found.code


@transaction.atomic
def join_campaign(*, actor: Any, campaign: Campaign) -> Membership:
    """The actor's membership; made the first time, with a qualification round where the campaign asks for one.

    Raises NotFound for a campaign the actor may not see, CampaignNotOpen, NotAllowed.
    """
    known = Membership.objects.filter(campaign=campaign, expert=actor).first()
    if known is not None:
        if known.state == _State.REMOVED:
            raise NotAllowed()
        return known
    if not Campaign.objects.visible_to(actor).filter(pk=campaign.pk).exists():
        raise NotFound()
    if campaign.state != Campaign.State.OPEN:
        raise CampaignNotOpen(_("This campaign is not open."))
    if not can_join(actor, campaign):
        raise NotAllowed(_("A researcher chooses the experts of this campaign."))
    return _enter(campaign, actor)


@transaction.atomic
def add_member(*, actor: Any, campaign: Campaign, expert: Any, qualified: bool = False) -> Membership:
    """A researcher puts an expert into a campaign, or back; `qualified` spares the qualification round."""
    if not can_manage_campaigns(actor):
        raise NotAllowed()
    if not has_role(expert, Role.EXPERT):
        raise WrongState(_("Only experts can be put into a campaign."))
    member = Membership.objects.select_for_update().filter(campaign=campaign, expert=expert).first()
    if member is None:
        member = _enter(campaign, expert)
    if member.state != _State.ACTIVE and (
        qualified or member.qualified_at or not campaign.qualification_tasks
    ):
        _admit(member)
    elif member.state == _State.REMOVED:
        member.state = _State.QUALIFYING
        member.save(update_fields=["state"])
    return member


@transaction.atomic
def remove_member(*, actor: Any, membership: Membership) -> None:
    """No more tasks for this expert. Leases run out by themselves; labels and history stay."""
    if not can_manage_campaigns(actor):
        raise NotAllowed()
    Membership.objects.filter(pk=membership.pk).update(state=_State.REMOVED)


def _enter(campaign: Campaign, expert: Any) -> Membership:
    qualifying = campaign.qualification_tasks > 0
    member, made = Membership.objects.get_or_create(
        campaign=campaign,
        expert=expert,
        defaults={
            "state": _State.QUALIFYING if qualifying else _State.ACTIVE,
            "pseudonym": pseudonym_of(expert),
        },
    )
    if made:
        tasks = Task.objects.filter(campaign=campaign).exclude(purpose=Task.Purpose.REAL)
        reserve_gold_seats([member], tasks)
        bar_newcomer(expert, campaign)
    return member


def _admit(member: Membership) -> None:
    member.state = _State.ACTIVE
    member.save(update_fields=["state"])
    Membership.objects.filter(pk=member.pk, qualified_at=None).update(qualified_at=Now())


def reserve_gold_seats(members: Iterable[Membership], tasks: Iterable[Task]) -> None:
    """A seat of its own for every member on every gold or qualification task, each member in another order."""
    chosen = list(tasks)
    slots = [
        Slot(
            task=task,
            campaign_id=task.campaign_id,
            ordinal=1,
            queue=Slot.Queue.GOLD if task.purpose == Task.Purpose.GOLD else Slot.Queue.QUALIFICATION,
            position=_shuffled(member, task),
            reserved_for_id=member.expert_id,
        )
        for member in members
        for task in chosen
    ]
    Slot.objects.bulk_create(slots, batch_size=2000, ignore_conflicts=True)


def _shuffled(member: Membership, task: Task) -> int:
    digest = hashlib.sha256(f"{member.campaign_id}:{member.pseudonym}:{task.pk}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def decide_qualification(membership: Membership, campaign: Campaign) -> None:
    """After an answer to a qualification task: enough right ones let the expert in.

    Decided when `qualification_tasks` are answered, and again after each further one. Otherwise the expert
    goes on qualifying, as long as there are qualification tasks left; a researcher may let them in.
    """
    labels = Label.objects.filter(
        campaign=campaign,
        expert_id=membership.expert_id,
        task__purpose=Task.Purpose.QUALIFICATION,
        blind=True,
        undone_at=None,
        revision=0,
    ).select_related("task")
    answers: dict[TaskId, Values] = {label.task_id: values_of(label.said) for label in labels}
    gold: dict[TaskId, Values] = {label.task_id: values_of(label.task.gold_answers or {}) for label in labels}
    policy = QualificationPolicy(
        bound=campaign.qualification_bound, minimum=max(1, campaign.qualification_tasks)
    )
    decision = qualify(answers, gold, policy)
    membership.qualification = {
        "passed": decision.passed,
        "tasks": decision.tasks,
        "agreement": decision.agreement,
        "reasons": [reason.code for reason in decision.reasons],
    }
    membership.save(update_fields=["qualification"])
    if decision.passed and membership.state == _State.QUALIFYING:
        _admit(membership)
