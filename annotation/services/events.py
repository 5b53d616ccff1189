"""The history of slots: rows are only ever added."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now

from annotation.models import SlotEvent


def note(kind: SlotEvent.Kind, *, slot_id: int, fence: int, expert: Any = None) -> None:
    """Writes one event, in the caller's transaction and with its time."""
    SlotEvent.objects.bulk_create(
        [SlotEvent(slot_id=slot_id, expert=expert, kind=kind, fence=fence, at=Now())]
    )
