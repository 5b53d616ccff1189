"""Training in Django's admin: runs and datasets to look at, and retraining as an action."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from benchmark.admin import Readable
from benchmark.errors import BenchmarkError
from benchmark.models import Guardian
from medes_site.kit.jobs.core import request_cancel
from training.models import Dataset, Run, TrainingKind
from training.policies import can_train
from training.queries.runs import run_view
from training.services.guardian_config import DEFAULTS
from training.services.runs import plan_guardian_run
from training.services.tuning_runs import copy_run
from training.tasks import launch_run


@admin.register(Dataset)
class DatasetAdmin(Readable):
    list_display = ["content_hash", "kind", "rows", "created_by", "created_at"]
    list_filter = ["kind"]
    search_fields = ["content_hash"]
    actions = ["tune"]

    @admin.action(description=_("Tune a model on the chosen dataset"), permissions=["view"])
    def tune(self, request: HttpRequest, queryset: QuerySet[Dataset]) -> HttpResponse | None:
        """To the form of a run with the dataset chosen and the usual settings filled in."""
        chosen = list(queryset.exclude(kind=TrainingKind.GUARDIAN)[:2])
        if len(chosen) != 1:
            self.message_user(request, _("Choose one dataset for SFT or DPO."), messages.WARNING)
            return None
        if not can_train(request.user):
            self.message_user(request, _("Only researchers tune models."), messages.ERROR)
            return None
        return redirect(f"{reverse('training:run_new')}?dataset={chosen[0].pk}")


@admin.register(Run)
class RunAdmin(Readable):
    list_display = ["__str__", "kind", "dataset", "guardian", "created_by", "created_at", "finished_at"]
    list_filter = ["kind"]
    list_select_related = ["dataset", "guardian__scorer", "created_by"]
    search_fields = ["name", "version"]
    actions = ["train_again", "tune_again", "cancel"]

    @admin.action(
        description=_("Train again with the same settings, on the labels of now"), permissions=["view"]
    )
    def train_again(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        started = 0
        for run in queryset.filter(kind=TrainingKind.GUARDIAN).order_by("pk"):
            started += _start(self, request, run.name, run.config, run.recipe)
        _said(self, request, started)

    @admin.action(
        description=_("Start the same SFT or DPO run again, on the same dataset"), permissions=["view"]
    )
    def tune_again(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        started = 0
        for run in queryset.exclude(kind=TrainingKind.GUARDIAN).select_related("dataset").order_by("pk"):
            try:
                again = copy_run(actor=request.user, run=run)
            except BenchmarkError as error:
                self.message_user(request, f"{run}: {error}", messages.ERROR)
            else:
                launch_run(again, actor=request.user)
                started += 1
        _said(self, request, started)

    @admin.action(description=_("Stop the chosen runs"), permissions=["view"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        for run in queryset.order_by("pk"):
            view = run_view(run)
            if view.job is None or not request_cancel(view.job.pk):
                self.message_user(request, _("%(run)s is not under way.") % {"run": run}, messages.WARNING)


@admin.register(Guardian)
class GuardianAdmin(Readable):
    """The registry. Promotion is on a guardian's own page, where its report and the gate are."""

    list_display = ["scorer", "kind", "state", "created_at", "promoted_at", "promoted_by"]
    list_filter = ["state", "kind"]
    list_select_related = ["scorer", "promoted_by"]
    exclude = ["reliability", "manifest"]
    actions = ["retrain"]

    @admin.action(description=_("Retrain the chosen guardians on the labels of now"), permissions=["view"])
    def retrain(self, request: HttpRequest, queryset: QuerySet[Guardian]) -> None:
        """With the settings of its run; one that came from elsewhere, with those that are usual for its kind."""
        started = 0
        for guardian in queryset.select_related("scorer").order_by("pk"):
            run = Run.objects.filter(guardian=guardian).first()
            config = run.config if run else {**DEFAULTS, "kind": guardian.kind}
            started += _start(self, request, guardian.scorer.name, config, run.recipe if run else {})
        _said(self, request, started)


def _start(
    page: admin.ModelAdmin, request: HttpRequest, name: str, config: dict[str, Any], recipe: dict[str, Any]
) -> int:
    try:
        run = plan_guardian_run(actor=request.user, name=name, config=config, recipe=recipe)
    except BenchmarkError as error:
        page.message_user(request, f"{name}: {error}", messages.ERROR)
        return 0
    launch_run(run, actor=request.user)
    return 1


def _said(page: admin.ModelAdmin, request: HttpRequest, started: int) -> None:
    if started:
        text = ngettext("%(n)s training started.", "%(n)s trainings started.", started) % {"n": started}
        page.message_user(request, text, messages.SUCCESS)
