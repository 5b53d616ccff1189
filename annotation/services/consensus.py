"""Decides, after every change to a task's labels, whether they agree, and how many seats the task needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models.functions import Now

from annotation.models import Campaign, Label, Skip, Slot, SlotEvent, Task
from annotation.rules.answers import values_of
from annotation.rules.consensus import majority
from annotation.services.clock import queue_time

_State = Task.State


def lock_task(task_id: int) -> Task:
    """The task, locked till the end of the transaction: whoever changes its labels or seats holds this."""
    return Task.objects.select_for_update(no_key=True).get(pk=task_id)


def settle(task: Task, campaign: Campaign) -> None:
    """Writes the state that follows from the counted labels of a locked task; a ruling stands above it.

    Enough labels and a majority: agreed, and seats still open or leased are withdrawn. Enough labels and
    none: disputed, with one more seat up to the cap. Too few: open, or exhausted when nobody is to come.
    """
    if task.is_gold or task.state == _State.RULED:
        return
    seats = list(Slot.objects.filter(task=task, state__in=Slot.LIVE).order_by("ordinal"))
    waiting = [slot for slot in seats if slot.state != Slot.State.LABELLED]
    labels = counted_labels(task)
    place = majority([values_of(label.said) for label in labels], first=campaign.first_experts)
    if place is not None:
        withdraw(waiting)
        _write(task, _State.AGREED, wanted=len(labels), consensus=labels[place].said)
    elif len(labels) >= campaign.first_experts:
        if not waiting and len(labels) < campaign.cap and not _given_up(task, campaign):
            # Its number tells a seat asked for by a disagreement from those of the start.
            last = max(campaign.first_experts, *(slot.ordinal for slot in seats))
            waiting.append(open_seat(task, ordinal=last + 1))
        _write(task, _State.DISPUTED, wanted=len(labels) + len(waiting))
    else:
        _back_to_open(task, campaign, seats, len(labels))


def counted_labels(task: Task) -> list[Label]:
    """The labels that consensus is about: current, blind, in time; by seat."""
    found = Label.objects.filter(task=task, current=True, blind=True, extra=False)
    return list(found.order_by("slot__ordinal"))


def _back_to_open(task: Task, campaign: Campaign, seats: list[Slot], labels: int) -> None:
    """Too few labels: at the start, after a skip or an undo. A seat opened by a disagreement goes unless taken."""
    needless = [
        slot for slot in seats if slot.state == Slot.State.OPEN and slot.ordinal > campaign.first_experts
    ]
    withdraw(needless)
    live = len(seats) - len(needless)
    missing = campaign.first_experts - live
    if missing > 0 and not _given_up(task, campaign):
        used = {slot.ordinal for slot in seats}
        free = [number for number in range(1, campaign.first_experts + 1) if number not in used]
        for ordinal in free[:missing]:
            open_seat(task, ordinal=ordinal)
        live += missing
    _write(task, _State.OPEN if live > labels else _State.EXHAUSTED, wanted=live)


def _given_up(task: Task, campaign: Campaign) -> bool:
    return Skip.objects.filter(task=task).count() >= campaign.max_skips


def open_seat(task: Task, *, ordinal: int) -> Slot:
    """One more seat, at the end of the returned ones, so that everybody still comes to it."""
    slot = Slot.objects.create(
        task=task,
        campaign_id=task.campaign_id,
        ordinal=ordinal,
        queue=Slot.Queue.RETURNED,
        position=queue_time(),
    )
    SlotEvent.objects.bulk_create([SlotEvent(slot=slot, kind=SlotEvent.Kind.OPENED, fence=0, at=Now())])
    return slot


def withdraw(slots: Iterable[Slot]) -> None:
    """Takes seats out of the queue. Whoever holds one may finish: the label is kept as an extra."""
    for slot in slots:
        taken = Slot.objects.filter(pk=slot.pk, state__in=(Slot.State.OPEN, Slot.State.LEASED)).update(
            state=Slot.State.WITHDRAWN, lease_until=None, finished_at=Now()
        )
        if taken:
            SlotEvent.objects.bulk_create(
                [SlotEvent(slot=slot, kind=SlotEvent.Kind.WITHDRAWN, fence=slot.fence, at=Now())]
            )


def _write(task: Task, state: str, *, wanted: int, consensus: dict[str, Any] | None = None) -> None:
    if (task.state, task.wanted, task.consensus) == (state, wanted, consensus):
        return
    task.state, task.wanted, task.consensus = state, wanted, consensus
    over = state in (_State.AGREED, _State.EXHAUSTED)
    Task.objects.filter(pk=task.pk).update(
        state=state, wanted=wanted, consensus=consensus, settled_at=Now() if over else None
    )
