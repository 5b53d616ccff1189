"""An expert passes a task, with a reason, or says that something is wrong with it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from annotation.errors import BadAnswers, LeaseLost, NotAllowed, NotFound, WrongState
from annotation.models import Draft, Flag, Label, Skip, Slot, SlotEvent, Task
from annotation.policies import can_manage_campaigns
from annotation.services import events
from annotation.services.answering import required
from annotation.services.claiming import was_given
from annotation.services.consensus import lock_task, settle


@transaction.atomic
def skip_task(*, actor: Any, slot_id: int, fence: int, reason: str, note: str = "") -> Skip:
    """Passes: another expert gets the seat. The actor is not given the task again. Twice is once.

    Raises NotFound, LeaseLost (somebody else has the seat anyway), BadAnswers for an unknown reason.
    """
    found = Slot.objects.filter(pk=slot_id).values_list("task_id", flat=True).first()
    if found is None or not was_given(slot_id, actor, fence):
        raise NotFound()
    if reason not in Skip.Reason.values:
        raise BadAnswers(_("Choose a reason."), field="reason", code="missing")
    task = lock_task(found)
    known = Skip.objects.filter(slot=slot_id, expert=actor).first()
    if known is not None:
        return known
    skipped = Slot.objects.filter(pk=slot_id, expert=actor, fence=fence, state=Slot.State.LEASED).update(
        state=Slot.State.SKIPPED, lease_until=None, ahead=False, finished_at=Now()
    )
    if not skipped:
        raise LeaseLost
    skip = Skip.objects.create(
        slot_id=slot_id, task=task, expert=actor, reason=reason, note=note.replace("\0", "").strip(), at=Now()
    )
    events.note(SlotEvent.Kind.SKIPPED, slot_id=slot_id, fence=fence, expert=actor)
    Draft.objects.filter(slot=slot_id, expert=actor).delete()
    settle(task, Slot.objects.select_related("campaign").get(pk=slot_id).campaign)
    return skip


@transaction.atomic
def flag_task(*, actor: Any, slot_id: int, note: str) -> Flag:
    """Tells the researchers what is wrong with the task. The seat stays as it is; the same note is kept once."""
    slot = Slot.objects.visible_to(actor).filter(pk=slot_id).first()
    if slot is None:
        raise NotFound()
    text = required(note, _("Say what is wrong."))
    lock_task(slot.task_id)  # two clicks are one flag
    known = Flag.objects.filter(slot=slot, raised_by=actor, note=text, kind=Flag.Kind.PROBLEM).first()
    if known is not None:
        return known
    events.note(SlotEvent.Kind.FLAGGED, slot_id=slot.pk, fence=slot.fence, expert=actor)
    return Flag.objects.create(task_id=slot.task_id, slot=slot, raised_by=actor, note=text, at=Now())


@transaction.atomic
def contest_task(*, actor: Any, task: Task, note: str) -> Flag:
    """Somebody who labelled the task, or a researcher, contests how it ended. Raises NotFound, WrongState."""
    labelled = Label.objects.filter(task=task, expert=actor, undone_at=None).exists()
    if not labelled and not can_manage_campaigns(actor):
        raise NotFound()
    if task.state not in (Task.State.AGREED, Task.State.RULED):
        raise WrongState(_("This task is not decided yet."))
    return Flag.objects.create(
        task=task, raised_by=actor, kind=Flag.Kind.CONTEST, note=required(note), at=Now()
    )


@transaction.atomic
def resolve_flag(*, actor: Any, flag: Flag) -> None:
    if not can_manage_campaigns(actor):
        raise NotAllowed()
    Flag.objects.filter(pk=flag.pk, resolved_at=None).update(resolved_by=actor, resolved_at=Now())
