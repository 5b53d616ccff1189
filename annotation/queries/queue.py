"""Why an expert has no task at the moment: everything is leased (until when), all is done, or only for others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Exists, Min, OuterRef

from annotation.models import Campaign, Membership, Slot
from medes_site.kit.jobs.clock import database_now


class QueueCase(StrEnum):
    """`tasks`: a claim is worth trying. `leased`: others hold all that is left, until `until`."""

    TASKS = "tasks"
    LEASED = "leased"
    DONE = "done"
    NOTHING_FOR_YOU = "nothing_for_you"
    WAITING_FOR_ADMISSION = "waiting_for_admission"
    NOT_OPEN = "not_open"
    NOT_A_MEMBER = "not_a_member"


@dataclass(frozen=True, slots=True)
class QueueState:
    """`until`: the earliest end of a lease that would bring this expert a task, aware; only with `leased`."""

    case: QueueCase
    until: datetime | None = None


def queue_state(*, user: Any, campaign: Campaign) -> QueueState:
    """What a page says after a claim that gave nothing."""
    member = Membership.objects.filter(campaign=campaign, expert=user).exclude(state="removed").first()
    if member is None:
        return QueueState(QueueCase.NOT_A_MEMBER)
    if campaign.state != Campaign.State.OPEN:
        return QueueState(QueueCase.NOT_OPEN)
    slots = Slot.objects.filter(campaign=campaign)
    own = slots.filter(expert=user, state=Slot.State.LEASED)
    if own.exists():
        return QueueState(QueueCase.TASKS)
    if member.state == Membership.State.QUALIFYING:
        left = slots.filter(reserved_for=user, queue=Slot.Queue.QUALIFICATION, state=Slot.State.OPEN)
        return QueueState(QueueCase.TASKS if left.exists() else QueueCase.WAITING_FOR_ADMISSION)
    mine = Exists(Slot.objects.filter(task=OuterRef("task"), expert=user))
    shared = slots.filter(reserved_for=None)
    leased = shared.filter(~mine, state=Slot.State.LEASED)
    until = leased.aggregate(until=Min("lease_until"))["until"]
    # Leases are few, open seats may be many: the cursor says where those begin that this expert may take.
    waiting = shared.filter(state=Slot.State.OPEN)
    fresh = waiting.filter(~mine, queue=Slot.Queue.FRESH, position__gte=member.cursor)
    back = waiting.filter(~mine, queue=Slot.Queue.RETURNED, position__gte=member.returned_cursor)
    if fresh.exists() or back.exists():
        return QueueState(QueueCase.TASKS)
    if until is not None:
        return QueueState(QueueCase.LEASED, max(until, database_now()))
    others = waiting.exists() or shared.filter(state=Slot.State.LEASED).exists()
    return QueueState(QueueCase.NOTHING_FOR_YOU if others else QueueCase.DONE)
