"""Ten seconds to take a label back, unless somebody has used it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from annotation.errors import NotFound, UndoRefused
from annotation.models import Campaign, Draft, Label, Membership, Slot, SlotEvent, Task
from annotation.services import events
from annotation.services.barring import has_seen
from annotation.services.claiming import give_back
from annotation.services.clock import UNDO_WINDOW, lease_of
from annotation.services.consensus import lock_task, settle
from medes_site.kit.jobs.clock import database_now, from_now


@transaction.atomic
def undo_label(*, actor: Any, label_id: int) -> Slot:
    """Takes the label back: the seat is in the actor's hand again with a new fence, and the draft is refilled.

    The label's row stays, with `undone_at`. What the actor had in hand comes after it, what was claimed
    ahead goes back. Doing it twice is no mistake. Raises NotFound, and UndoRefused: later than ten seconds
    by the database's clock, after a seat opened by a disagreement used the label, after a ruling or a reveal.
    """
    found = Label.objects.filter(pk=label_id, expert=actor).values_list("task_id", "slot_id").first()
    if found is None:
        raise NotFound()
    task = lock_task(found[0])
    label = Label.objects.get(pk=label_id)
    slot = Slot.objects.select_related("campaign", "task__item", "task__response").get(pk=found[1])
    if label.undone_at is not None and slot.state == Slot.State.LEASED and slot.expert_id == actor.pk:
        return slot
    _refuse_if_used(label, slot, task)
    _make_room(actor, slot.campaign)
    Label.objects.filter(pk=label.pk).update(current=False, undone_at=Now())
    Slot.objects.filter(pk=slot.pk).update(
        state=Slot.State.LEASED,
        ahead=False,
        fence=slot.fence + 1,
        lease_until=from_now(lease_of(slot.campaign, ahead=False)),
        finished_at=None,
    )
    events.note(SlotEvent.Kind.UNDONE, slot_id=slot.pk, fence=slot.fence + 1, expert=actor)
    _refill_draft(actor, slot, label)
    settle(task, slot.campaign)
    slot.refresh_from_db(fields=["state", "ahead", "fence", "lease_until", "finished_at"])
    return slot


def _refuse_if_used(label: Label, slot: Slot, task: Task) -> None:
    if (
        not label.current
        or label.extra
        or not label.blind
        or label.revision
        or slot.state != Slot.State.LABELLED
    ):
        raise UndoRefused(_("This label cannot be taken back; you can still change it."))
    if database_now() > label.submitted_at + UNDO_WINDOW:
        raise UndoRefused(_("The ten seconds are over; you can still change the label."))
    if task.state == Task.State.RULED:
        raise UndoRefused(_("A referee has already ruled on this task."))
    if slot.campaign.state == Campaign.State.CLOSED or hasattr(label, "reveal"):
        raise UndoRefused(_("This label has been used already."))
    if has_seen(label.expert_id, task):
        raise UndoRefused(_("The verdict on this answer has been shown to you."))
    if slot.queue == Slot.Queue.QUALIFICATION:
        raise UndoRefused(_("The explanation of this task has been shown."))
    member = Membership.objects.filter(campaign=slot.campaign_id, expert=label.expert_id).first()
    if member is None or member.state == Membership.State.REMOVED:
        raise UndoRefused(_("You no longer take part in this campaign."))
    later = Label.objects.filter(
        task=task, blind=True, extra=False, undone_at=None, slot__ordinal__gt=slot.campaign.first_experts
    ).exclude(slot=slot)
    if not task.is_gold and later.filter(pk__gt=label.pk).exists():
        raise UndoRefused(_("Another expert's label already builds on this one."))


def _make_room(actor: Any, campaign: Campaign) -> None:
    """One seat in hand, one ahead: the present one moves back by a place."""
    held = Slot.objects.filter(campaign=campaign, expert=actor, state=Slot.State.LEASED)
    in_hand = held.filter(ahead=False).first()
    if in_hand is None:
        return
    ahead = held.filter(ahead=True).first()
    if ahead is not None:
        give_back(ahead.pk, actor, ahead.fence)
    held.filter(pk=in_hand.pk).update(ahead=True)


def _refill_draft(actor: Any, slot: Slot, label: Label) -> None:
    content = {
        "answers": as_shown(label, slot.task),
        "rationale": label.rationale,
        "evidence": label.evidence,
        **({"correction": label.correction} if label.correction else {}),
    }
    draft, made = Draft.objects.get_or_create(
        slot=slot, expert=actor, defaults={"content": content, "updated_at": Now()}
    )
    if not made:
        Draft.objects.filter(pk=draft.pk).update(content=content, version=draft.version + 1, updated_at=Now())


def as_shown(label: Label, task: Task) -> dict[str, Any]:
    """The answers as the page gives them: of a pair, in the order it was shown in."""
    answers = label.said
    if answers.get("better") in ("a", "b"):
        first = (answers["better"] == "a") != task.swapped
        answers["better"] = "first" if first else "second"
    return answers
