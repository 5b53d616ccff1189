"""What is typed is kept on the server: it survives a closed tab, a second tab and a lost network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from annotation.errors import BadAnswers, DraftConflict, NotFound
from annotation.models import Draft, Slot
from annotation.services.claiming import was_given

DRAFT_BYTES = 64 * 1024


@transaction.atomic
def save_draft(*, actor: Any, slot_id: int, fence: int, content: Mapping[str, Any], version: int) -> int:
    """Stores `content` over draft `version` (0: there is none yet) and returns the new version.

    Raises DraftConflict (details: `version`, `content`) if the draft was changed since: the page shows both,
    or writes again over the newer version. Also for a seat that was lost: what was typed stays. Raises
    NotFound for a seat that was never the actor's, BadAnswers for one that is too large.
    """
    if len(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")) > DRAFT_BYTES:
        raise BadAnswers(_("This text is too long."), field="rationale", code="too_long")
    if not was_given(slot_id, actor, fence):
        raise NotFound()
    if version == 0:
        try:
            with transaction.atomic():
                return Draft.objects.create(
                    slot_id=slot_id, expert=actor, content=dict(content), version=1, updated_at=Now()
                ).version
        except IntegrityError:
            pass  # a second tab was first
    written = Draft.objects.filter(slot=slot_id, expert=actor, version=version).update(
        content=dict(content), version=F("version") + 1, updated_at=Now()
    )
    if written:
        return version + 1
    newest = Draft.objects.filter(slot=slot_id, expert=actor).first()
    if newest is None:  # submitted in another tab, and the draft went with it
        submitted = Slot.objects.filter(pk=slot_id, expert=actor).exclude(state=Slot.State.LEASED).exists()
        raise DraftConflict(
            _("This task was finished in another window.") if submitted else _("The draft is gone."),
            version=0,
            content={},
        )
    raise DraftConflict(
        _("The draft was changed in another window."), version=newest.version, content=newest.content
    )


def draft_of(*, actor: Any, slot: Slot) -> Draft | None:
    return Draft.objects.filter(slot=slot, expert=actor).first()
