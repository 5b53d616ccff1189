"""The page of a seat is closed: what was not touched is soon free for others, what was begun keeps its time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from annotation.errors import NotFound
from annotation.models import Draft, Slot
from annotation.services.claiming import give_back, was_given
from medes_site.kit.jobs.clock import database_now

# Long enough to come back after a reload, which looks the same as a closed tab.
GRACE = timedelta(seconds=45)


@transaction.atomic
def leave_seat(*, actor: Any, slot_id: int, fence: int) -> None:
    """Gives a seat that was claimed ahead back; shortens the lease of one in hand that nothing was written on.

    One in hand is not given back at once: a reload would then deal another task, and whoever reloads often
    enough could choose. Raises NotFound for a seat that was never the actor's.
    """
    if not was_given(slot_id, actor, fence):
        raise NotFound()
    slot = Slot.objects.filter(pk=slot_id, expert=actor, fence=fence, state=Slot.State.LEASED).first()
    if slot is None:
        return
    if slot.ahead:
        give_back(slot_id, actor, fence)
        return
    if Draft.objects.filter(slot=slot, expert=actor).exists():
        return
    end = database_now() + GRACE
    held = Slot.objects.filter(pk=slot_id, expert=actor, fence=fence, state=Slot.State.LEASED, ahead=False)
    held.filter(lease_until__gt=end).update(lease_until=end)
