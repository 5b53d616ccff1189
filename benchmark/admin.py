"""The benchmark in Django's admin: for looking, mostly. What changes here goes through the services.

Researchers with access to the admin see it; answer keys, and what tells them, are for superusers alone.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet, URLField
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from benchmark.errors import BenchmarkError
from benchmark.models import (
    AnswerKey,
    Benchmark,
    BenchmarkVersion,
    Board,
    Corpus,
    Entry,
    Extraction,
    Item,
    Judgement,
    Norm,
    Response,
    Scenario,
    Score,
    Scorer,
    Source,
    Submission,
    Succession,
    Trace,
)
from benchmark.services.entries import EDITABLE, update_entry
from benchmark.services.seeing import note_seen
from benchmark.services.submissions import publish_submission
from benchmark.tasks import launch_ranking
from medes_site.kit.roles import is_researcher


class Readable(admin.ModelAdmin):
    """Researchers read; nobody adds, changes or deletes."""

    show_full_result_count = False
    list_per_page = 50

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_researcher(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Confidential(Readable):
    """Rows that tell closed answers."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)


class Editable(Readable):
    """Researchers may change the fields that are not read-only."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)


@admin.register(Benchmark)
class BenchmarkAdmin(Editable):
    list_display = ["slug", "name_zh", "name_en", "licence"]
    readonly_fields = ["slug", "corpus"]


@admin.register(BenchmarkVersion)
class BenchmarkVersionAdmin(Readable):
    list_display = ["benchmark", "label", "state", "content_hash", "frozen_at"]
    list_filter = ["benchmark", "state"]
    list_select_related = ["benchmark"]


@admin.register(Scenario)
class ScenarioAdmin(Editable):
    list_display = ["slug", "name_zh", "name_en"]
    search_fields = ["slug", "name_zh", "name_en"]
    readonly_fields = ["slug"]


@admin.register(Corpus)
class CorpusAdmin(Readable):
    list_display = ["slug", "name_zh", "jurisdiction", "language", "version"]


@admin.register(Source)
class SourceAdmin(Readable):
    list_display = ["title", "version_date", "kind", "issuer", "in_force", "status"]
    list_filter = ["kind", "status"]
    search_fields = ["title", "title_en", "number"]


@admin.register(Norm)
class NormAdmin(Readable):
    list_display = ["pk", "source"]
    list_select_related = ["source"]
    search_fields = ["text"]


@admin.register(Trace)
class TraceAdmin(Readable):
    list_display = ["norm", "article", "level", "score", "state", "decided_by", "decided_at"]
    list_filter = ["state", "level"]
    list_select_related = ["norm", "article", "decided_by"]
    raw_id_fields = ["norm", "article"]


@admin.register(Succession)
class SuccessionAdmin(Readable):
    list_display = ["newer", "older", "reason", "state", "decided_by", "decided_at"]
    list_filter = ["state", "reason"]
    list_select_related = ["newer", "older", "decided_by"]


@admin.register(Item)
class ItemAdmin(Readable):
    list_display = ["code", "version", "kind", "split", "dimension", "scenario"]
    list_filter = ["version", "kind", "split", "dimension"]
    list_select_related = ["version__benchmark", "scenario"]
    search_fields = ["code", "question"]
    exclude = ["search_terms"]


@admin.register(AnswerKey)
class AnswerKeyAdmin(Confidential):
    list_display = ["item", "letters"]
    list_select_related = ["item"]
    search_fields = ["item__code"]


@admin.register(Entry)
class EntryAdmin(Editable):
    """Name, address and owner stay: boards and links quote them."""

    list_display = ["name", "organisation", "type", "parameters_b", "owner", "created_at"]
    list_filter = ["type"]
    list_select_related = ["owner"]
    search_fields = ["name", "organisation"]
    readonly_fields = ["name", "slug", "owner", "created_at"]
    formfield_overrides = {URLField: {"assume_scheme": "https"}}

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name in EDITABLE}
        update_entry(actor=request.user, entry=obj, **changes)


@admin.register(Submission)
class SubmissionAdmin(Readable):
    list_display = ["pk", "entry", "version", "state", "method", "submitted_by", "created_at", "evaluated_at"]
    list_filter = ["state", "method", "version"]
    list_select_related = ["entry", "version__benchmark", "submitted_by"]
    search_fields = ["entry__name", "submitted_by__username", "file_sha256"]
    actions = ["publish"]
    exclude = ["file"]

    @admin.action(description=_("Publish the chosen submissions"), permissions=["view"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Submission]) -> None:
        """The same step as on the submission's page; what cannot be published is named and left as it is."""
        published = 0
        for submission in queryset.order_by("pk"):
            try:
                _submission, boards = publish_submission(actor=request.user, submission=submission)
            except BenchmarkError as error:
                self.message_user(request, f"#{submission.pk}: {error}", messages.ERROR)
                continue
            launch_ranking(boards, actor=request.user)
            published += 1
        if published:
            text = ngettext("%(n)s submission published.", "%(n)s submissions published.", published)
            self.message_user(request, text % {"n": published}, messages.SUCCESS)


@admin.register(Response)
class ResponseAdmin(Readable):
    list_display = ["pk", "submission", "item", "cut_off"]
    list_select_related = ["submission", "item"]
    raw_id_fields = ["submission", "item"]
    search_fields = ["=submission__id", "=item__code"]


@admin.register(Extraction)
class ExtractionAdmin(Confidential):
    list_display = ["response", "scorer", "outcome", "letters", "right"]
    list_filter = ["outcome", "scorer"]
    list_select_related = ["response", "scorer"]


@admin.register(Judgement)
class JudgementAdmin(Readable):
    """Reading here counts as reading elsewhere: no blind label on these answers afterwards."""

    list_display = ["response", "scorer", "r1", "r2", "q1", "q2", "q3", "q4"]
    list_filter = ["scorer"]
    list_select_related = ["response", "scorer"]

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        shown = super().get_changelist_instance(request)
        judged = Judgement.Outcome.JUDGED
        note_seen(request.user, [row.response_id for row in shown.result_list if row.outcome == judged])
        return shown

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None and found.outcome == Judgement.Outcome.JUDGED:
            note_seen(request.user, [found.response_id])
        return found


@admin.register(Scorer)
class ScorerAdmin(Readable):
    list_display = ["name", "version", "type"]


@admin.register(Board)
class BoardAdmin(Readable):
    list_display = ["slug", "version", "kind", "split", "scorer", "ranks_stale"]
    list_filter = ["version", "kind", "split"]
    list_select_related = ["version__benchmark", "scorer"]


@admin.register(Score)
class ScoreAdmin(Readable):
    list_display = ["entry", "board", "origin", "designated", "value", "rank_low", "rank_high", "n"]
    list_filter = ["board", "origin", "designated"]
    list_select_related = ["entry", "board"]
    search_fields = ["entry__name"]
