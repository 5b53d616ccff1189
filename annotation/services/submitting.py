"""A label comes in: once, whoever sends it how often; in time, or late and kept all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from annotation.errors import BadAnswers, NotFound, WrongState
from annotation.models import Campaign, Draft, Label, Membership, Slot, SlotEvent, Task
from annotation.rules.answers import RATIONALE_MAX, plain_text
from annotation.services import events
from annotation.services.answering import label_columns
from annotation.services.barring import has_seen
from annotation.services.claiming import was_given
from annotation.services.consensus import lock_task, settle
from annotation.services.members import decide_qualification
from annotation.services.quick import submit_quickly

MAX_DURATION_MS = 24 * 3600 * 1000
KEY_LENGTH = 64
_Event = SlotEvent.Kind


@dataclass(frozen=True, slots=True)
class Submission:
    """What a page sends: answers, rationale, evidence, the client's idempotency key, the time it took.

    `correction`: a better answer, written by the expert.
    """

    answers: Mapping[str, Any]
    key: str
    rationale: str = ""
    evidence: Mapping[str, Any] | None = None
    duration_ms: int | None = None
    correction: str = ""


def submit_label(*, actor: Any, slot_id: int, fence: int, sent: Submission) -> Label:
    """Stores the label and decides the task; the same key again gives the same label and changes nothing.

    The fence decides: with the newest one the label takes the seat, also after the lease ran out, if nobody
    else took it. Otherwise it is kept as an extra (`extra`), outside cap and consensus. A second label for
    a seat that has one (another tab) becomes its next revision. Raises NotFound for a seat that was never
    the actor's, BadAnswers.
    """
    check_key(sent.key)
    try:
        with transaction.atomic():
            return _submit_quickly(actor, slot_id, fence, sent) or _submit(actor, slot_id, fence, sent)
    except IntegrityError:
        known = label_with_key(actor, sent.key)  # sent twice at once
        if known is None:
            raise
        return known


def _submit_quickly(actor: Any, slot_id: int, fence: int, sent: Submission) -> Label | None:
    rationale = plain_text(sent.rationale)
    if len(rationale) > RATIONALE_MAX or sent.correction:
        return None  # the rare label with a correction goes step by step
    return submit_quickly(
        actor=actor,
        slot_id=slot_id,
        fence=fence,
        answers=sent.answers,
        rationale=rationale,
        evidence=sent.evidence or {},
        duration_ms=known_duration(sent.duration_ms),
        key=sent.key,
    )


def known_duration(duration: Any) -> int | None:
    known = isinstance(duration, int) and not isinstance(duration, bool) and 0 <= duration <= MAX_DURATION_MS
    return duration if known else None


def check_key(key: str) -> None:
    if not 0 < len(key) <= KEY_LENGTH or "\0" in key:
        raise BadAnswers(_("The request has no key by which a repetition would be known."), field="key")


def label_with_key(actor: Any, key: str) -> Label | None:
    return Label.objects.filter(expert=actor, key=key).select_related("task", "slot").first()


def _submit(actor: Any, slot_id: int, fence: int, sent: Submission) -> Label:
    slot = _seat(actor, slot_id)
    if slot is None:
        raise NotFound()
    in_hand = slot.expert_id == actor.pk and slot.fence == fence and slot.state == Slot.State.LEASED
    if not in_hand:
        known = label_with_key(actor, sent.key)
        if known is not None:
            return known
        if not was_given(slot_id, actor, fence):
            raise NotFound()
    task = lock_task(slot.task_id)
    if not in_hand:  # what was read before the lock may be old
        slot = _seat(actor, slot_id) or slot
        if slot.expert_id == actor.pk and slot.state == Slot.State.LABELLED:
            return _second(actor, task, slot, sent)
    columns = columns_of(slot, sent)
    if not (_counts(slot) and _sit_down(actor, slot, fence)):
        return _too_late(actor, task, slot, fence, columns, sent)
    label = _store(actor, slot, columns, sent)
    events.note(_Event.SUBMITTED, slot_id=slot.pk, fence=fence, expert=actor)
    Draft.objects.filter(slot=slot.pk, expert=actor).delete()
    settle(task, slot.campaign)
    if slot.queue == Slot.Queue.QUALIFICATION:
        member = Membership.objects.select_for_update().get(campaign=slot.campaign_id, expert=actor)
        decide_qualification(member, slot.campaign)
    return label


def columns_of(slot: Slot, sent: Submission) -> dict[str, Any]:
    """As `label_columns`, of what was sent for this seat."""
    return label_columns(
        slot.task,
        slot.campaign,
        answers=sent.answers,
        rationale=sent.rationale,
        evidence=sent.evidence or {},
        correction=sent.correction,
    )


def _seat(actor: Any, slot_id: int) -> Slot | None:
    """The slot with all that storing a label reads; `removed`: the actor was removed from its campaign."""
    gone = Membership.objects.filter(
        campaign=OuterRef("campaign"), expert=actor, state=Membership.State.REMOVED
    )
    found = Slot.objects.select_related("campaign", "task__item", "task__response").filter(pk=slot_id)
    seat: Slot | None = found.annotate(removed=Exists(gone)).order_by().first()
    return seat


def _counts(slot: Slot) -> bool:
    """After the end of a campaign, or from somebody removed from it, a label is kept but no longer counts."""
    removed: bool = getattr(slot, "removed", False)
    return slot.campaign.state != Campaign.State.CLOSED and not removed


def _too_late(
    actor: Any, task: Task, slot: Slot, fence: int, columns: dict[str, Any], sent: Submission
) -> Label:
    """The seat is not to be had. If another tab of the actor labelled it meanwhile, this is its next version."""
    present = _seat(actor, slot.pk)
    if present is not None and present.expert_id == actor.pk and present.state == Slot.State.LABELLED:
        known = label_with_key(actor, sent.key)
        return known if known is not None else _second(actor, task, present, sent)
    return _store_extra(actor, task, present or slot, fence, columns, sent)


def _sit_down(actor: Any, slot: Slot, fence: int) -> bool:
    """Turns the lease into a labelled seat; one given back and still free is taken again.

    Whoever holds the seat may also send from an older page of theirs (from before an undo, say).
    """
    done = {"state": Slot.State.LABELLED, "lease_until": None, "ahead": False, "finished_at": Now()}
    seat = Slot.objects.filter(pk=slot.pk)
    if seat.filter(expert=actor, state=Slot.State.LEASED).update(**done):
        return True
    if Slot.objects.filter(task=slot.task_id, expert=actor).exists():
        return False
    return bool(seat.filter(fence=fence, state=Slot.State.OPEN).update(expert=actor, **done))


def _store(actor: Any, slot: Slot, columns: dict[str, Any], sent: Submission, **fields: Any) -> Label:
    return Label.objects.create(
        task_id=slot.task_id,
        slot=slot,
        campaign_id=slot.campaign_id,
        expert=actor,
        guideline_id=slot.campaign.guideline_id,
        duration_ms=known_duration(sent.duration_ms),
        key=sent.key,
        **columns,
        **fields,
    )


def _store_extra(
    actor: Any, task: Task, slot: Slot, fence: int, columns: dict[str, Any], sent: Submission
) -> Label:
    """Keeps a late label under the expert's own seat on the task: the one they have, else one made for it.

    Such a seat bars the expert from being given the task again.
    """
    own = Slot.objects.select_related("campaign").filter(task=task, expert=actor).first()
    if own is None:
        own = Slot.objects.create(
            task=task,
            campaign_id=slot.campaign_id,
            ordinal=slot.ordinal,
            queue=slot.queue,
            position=slot.position,
            state=Slot.State.LATE,
            expert=actor,
            fence=fence,
            finished_at=Now(),
        )
        own.campaign = slot.campaign
    elif own.pk == slot.pk and own.state == Slot.State.LEASED:
        # The campaign is closed, or the expert was removed: the seat is done with.
        Slot.objects.filter(pk=own.pk).update(state=Slot.State.LATE, lease_until=None, finished_at=Now())
    label = _store(actor, own, columns, sent, extra=True)
    events.note(_Event.LATE, slot_id=slot.pk, fence=fence, expert=actor)
    Draft.objects.filter(slot=slot.pk, expert=actor).delete()
    return label


def _second(actor: Any, task: Task, slot: Slot, sent: Submission) -> Label:
    label = Label.objects.filter(slot=slot, current=True, extra=False, blind=True).first()
    if label is not None and revisable(label, task, slot):
        return store_revision(actor, task, slot, label, sent)
    columns = columns_of(slot, sent)
    return _store_extra(actor, task, slot, slot.fence, columns, sent)


def revise_label(*, actor: Any, label_id: int, sent: Submission) -> Label:
    """A new version of one's own label; the earlier ones are kept, and the task is decided again.

    The same key again gives the same label. Raises NotFound, BadAnswers, and WrongState once the task is
    ruled, the campaign closed, a verdict or another's label shown, or the gold answers are known.
    """
    check_key(sent.key)
    known = label_with_key(actor, sent.key)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            found = Label.objects.filter(pk=label_id, expert=actor, extra=False, undone_at=None).first()
            if found is None:
                raise NotFound()
            task = lock_task(found.task_id)
            slot = Slot.objects.select_related("campaign", "task__item", "task__response").get(
                pk=found.slot_id
            )
            label = Label.objects.filter(
                slot=slot, current=True, extra=False, blind=True, expert=actor
            ).first()
            if label is None or not found.blind or not revisable(label, task, slot):
                raise WrongState(_("This label can no longer be changed."))
            return store_revision(actor, task, slot, label, sent)
    except IntegrityError:
        known = label_with_key(actor, sent.key)
        if known is None:
            raise
        return known


def revisable(label: Label, task: Task, slot: Slot) -> bool:
    """Whether a blind label may get another version."""
    shown = hasattr(label, "reveal") or slot.queue == Slot.Queue.QUALIFICATION
    over = task.state == Task.State.RULED or slot.campaign.state == Campaign.State.CLOSED
    return not shown and not over and not has_seen(label.expert_id, task)


def store_revision(actor: Any, task: Task, slot: Slot, label: Label, sent: Submission) -> Label:
    """The next version of `label`, in the caller's transaction, with the task locked."""
    columns = columns_of(slot, sent)
    series = Label.objects.filter(slot=slot, blind=label.blind, extra=False, undone_at=None)
    last = series.aggregate(last=Max("revision"))["last"]
    series.filter(current=True).update(current=False)
    revised = _store(actor, slot, columns, sent, blind=label.blind, revision=last + 1)
    events.note(_Event.REVISED, slot_id=slot.pk, fence=slot.fence, expert=actor)
    Draft.objects.filter(slot=slot.pk, expert=actor).delete()
    if label.blind:
        settle(task, slot.campaign)
    return revised


def store_after_reveal(actor: Any, slot: Slot, columns: dict[str, Any], sent: Submission) -> Label:
    """The first label that was given knowing the guardian's verdict."""
    label = _store(actor, slot, columns, sent, blind=False)
    events.note(_Event.REVEALED, slot_id=slot.pk, fence=slot.fence, expert=actor)
    return label
