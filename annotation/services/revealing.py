"""After a blind label the guardian's verdict is shown, and the expert keeps or changes their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from annotation.errors import BadAnswers, NotFound, NothingToReveal, WrongState
from annotation.models import Campaign, Label, Reveal, Slot, SlotEvent
from annotation.services import events
from annotation.services.barring import bar_elsewhere
from annotation.services.consensus import lock_task
from annotation.services.submitting import (
    Submission,
    check_key,
    columns_of,
    label_with_key,
    store_after_reveal,
    store_revision,
)
from benchmark.models import Judgement
from benchmark.rules.rubric import CRITERIA
from benchmark.services.seeing import note_seen


@transaction.atomic
def reveal_judgement(*, actor: Any, label_id: int) -> Reveal:
    """Shows the judgement of the campaign's guardian on the response of one's own blind label; once and for good.

    From then on the blind label stands, and so do the actor's others on this response, in whatever campaign; the
    actor is asked for no other, and does not rule on it. Raises
    NotFound, WrongState (no guardian campaign), NothingToReveal.
    """
    found = Label.objects.filter(pk=label_id, expert=actor, blind=True, undone_at=None).first()
    if found is None:
        raise NotFound()
    lock_task(found.task_id)
    label = Label.objects.select_related("task", "campaign", "slot").get(pk=label_id)
    if not label.current:
        raise NotFound()
    known = Reveal.objects.filter(label=label).first()
    if known is not None:
        return known
    campaign = label.campaign
    if campaign.kind != Campaign.Kind.GUARDIAN or campaign.scorer_id is None:
        raise WrongState(_("Nothing is revealed in this campaign."))
    judged = Judgement.objects.filter(outcome=Judgement.Outcome.JUDGED)
    judgement = judged.filter(response=label.task.response_id, scorer=campaign.scorer_id).first()
    if judgement is None:
        raise NothingToReveal(_("The guardian has not judged this answer."))
    shown = {name: getattr(judgement, name) for name in CRITERIA}
    note_seen(actor, [judgement.response_id])
    bar_elsewhere(actor, label.task)
    events.note(SlotEvent.Kind.REVEALED, slot_id=label.slot_id, fence=label.slot.fence, expert=actor)
    return Reveal.objects.create(
        label=label,
        judgement=judgement,
        scorer_id=campaign.scorer_id,
        shown={**shown, "rationale": judgement.rationale},
        shown_at=Now(),
    )


def submit_reveal(*, actor: Any, reveal_id: int, sent: Submission, holds: Mapping[str, bool | None]) -> Label:
    """The label after the reveal, kept beside the blind one; `holds`: whether the guardian's reasoning holds.

    Another answer later becomes the next revision. The same key gives the same label. Raises NotFound,
    BadAnswers.
    """
    check_key(sent.key)
    known = label_with_key(actor, sent.key)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return _submit(actor, reveal_id, sent, _checked(holds))
    except IntegrityError:
        known = label_with_key(actor, sent.key)
        if known is None:
            raise
        return known


def _submit(actor: Any, reveal_id: int, sent: Submission, holds: dict[str, bool | None]) -> Label:
    found = (
        Reveal.objects.filter(pk=reveal_id, label__expert=actor).values_list("label__task", flat=True).first()
    )
    if found is None:
        raise NotFound()
    task = lock_task(found)
    reveal = Reveal.objects.select_related("label", "after").get(pk=reveal_id)
    slot = Slot.objects.select_related("campaign", "task__item", "task__response").get(
        pk=reveal.label.slot_id
    )
    if reveal.after is not None:
        label = store_revision(actor, task, slot, reveal.after, sent)
    else:
        label = store_after_reveal(actor, slot, columns_of(slot, sent), sent)
    Reveal.objects.filter(pk=reveal.pk).update(after=label, holds=holds, answered_at=Now())
    return label


def _checked(holds: Mapping[str, bool | None]) -> dict[str, bool | None]:
    for name, value in holds.items():
        if name not in CRITERIA or not (value is None or isinstance(value, bool)):
            raise BadAnswers(_("This answer is not one of those offered."), field="holds", code="off_scale")
    return dict(holds)
