"""Labelling in Django's admin: for looking. Campaigns change on their own pages, labels never."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from annotation.models import (
    Campaign,
    CampaignFigures,
    Flag,
    GuidelineVersion,
    Label,
    Membership,
    Pseudonym,
    Reveal,
    Ruling,
    Skip,
    Slot,
    Task,
)
from benchmark.admin import Editable, Readable
from benchmark.services.seeing import note_seen


class Telling(Readable):
    """What others said about an answer, seen on the page of one row: who reads it gives no blind label there."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            task = found if isinstance(found, Task) else getattr(found, "task", None) or found.label.task
            if not (isinstance(found, Label) and found.expert_id == request.user.pk):
                note_seen(request.user, task.answers_shown, verdict=isinstance(found, Reveal))
        return found


@admin.register(Campaign)
class CampaignAdmin(Editable):
    list_display = ["slug", "title_zh", "title_en", "kind", "state", "version", "created_at"]
    list_filter = ["kind", "state"]
    list_select_related = ["version__benchmark"]
    search_fields = ["slug", "title_zh", "title_en"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The titles may be put right; everything else has an act on the campaign's page."""
        names = [field.name for field in (*Campaign._meta.fields, *Campaign._meta.many_to_many)]
        return [name for name in names if name not in ("title_zh", "title_en")]


@admin.register(GuidelineVersion)
class GuidelineVersionAdmin(Readable):
    list_display = ["campaign", "number", "created_by", "created_at"]
    list_select_related = ["campaign", "created_by"]


@admin.register(Membership)
class MembershipAdmin(Readable):
    list_display = ["campaign", "pseudonym", "expert", "state", "joined_at"]
    list_filter = ["state"]
    list_select_related = ["campaign", "expert"]
    search_fields = ["pseudonym", "campaign__slug"]


@admin.register(Pseudonym)
class PseudonymAdmin(Readable):
    list_display = ["code", "user"]
    list_select_related = ["user"]
    search_fields = ["code"]


@admin.register(Task)
class TaskAdmin(Telling):
    list_display = ["pk", "campaign", "item", "purpose", "stratum", "state", "position"]
    list_filter = ["state", "purpose"]
    list_select_related = ["campaign", "item"]
    raw_id_fields = ["item", "response", "other"]


@admin.register(Slot)
class SlotAdmin(Readable):
    list_display = ["pk", "campaign", "task", "ordinal", "state", "expert", "lease_until"]
    list_filter = ["state", "queue"]
    list_select_related = ["campaign", "task", "expert"]


@admin.register(Label)
class LabelAdmin(Telling):
    list_display = ["pk", "campaign", "task", "expert", "blind", "revision", "current", "submitted_at"]
    list_filter = ["blind", "current", "extra"]
    list_select_related = ["campaign", "task", "expert"]


@admin.register(Reveal)
class RevealAdmin(Telling):
    list_display = ["pk", "label", "scorer", "shown_at", "answered_at"]
    list_select_related = ["label", "scorer"]


@admin.register(Skip)
class SkipAdmin(Readable):
    list_display = ["pk", "task", "expert", "reason", "at"]
    list_filter = ["reason"]
    list_select_related = ["task", "expert"]


@admin.register(Flag)
class FlagAdmin(Readable):
    list_display = ["pk", "task", "kind", "raised_by", "at", "resolved_at"]
    list_filter = ["kind"]
    list_select_related = ["task", "raised_by"]


@admin.register(Ruling)
class RulingAdmin(Telling):
    list_display = ["pk", "task", "decision", "referee_pseudonym", "at"]
    list_filter = ["decision"]
    list_select_related = ["task"]


@admin.register(CampaignFigures)
class CampaignFiguresAdmin(Readable):
    list_display = ["campaign", "computed_at", "seconds"]
    list_select_related = ["campaign"]
