"""The list of runs and the page of one: live progress, log, curves, cancel and resume."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import reswap, retarget

from medes_site.kit.jobs.core import request_cancel
from training.models import Run, TrainingKind
from training.queries.answering import answering_of
from training.queries.run_comparison import run_differences
from training.queries.runs import metric_curves, run_rows, run_view
from training.queries.tuning_pages import curves_of, samples_of
from training.tasks import launch_run
from training.tuning_forms import PromoteRunForm
from training.views.access import researchers_only

PAGE_SIZE = 30


@never_cache
@require_safe
@researchers_only
def runs(request: HttpRequest) -> HttpResponse:
    found = Run.objects.visible_to(request.user).select_related(
        "dataset", "guardian__scorer", "entry", "created_by"
    )
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    tuning = sum(run.kind != TrainingKind.GUARDIAN for run in page)
    context = {"page": page, "rows": run_rows(list(page)), "comparing": tuning > 1}
    return render(request, "training/runs/list.html", context)


def run_or_404(request: HttpRequest, pk: int) -> Run:
    rows = Run.objects.visible_to(request.user).select_related(
        "dataset", "guardian__scorer", "entry", "created_by", "copied_from__dataset"
    )
    found: Run = get_object_or_404(rows, pk=pk)
    return found


@never_cache
@require_safe
@researchers_only
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """While it works, the page asks for `_progress.html` every second; at the end it gets all of `_live.html`."""
    return run_page(request, run_or_404(request, pk))


def run_page(
    request: HttpRequest, found: Run, *, status: int = 200, promote_form: PromoteRunForm | None = None
) -> HttpResponse:
    """Also what a refused promotion answers with."""
    view = run_view(found)
    context: dict[str, Any] = {"run": found, "view": view, "curves": metric_curves(found)}
    if found.kind != TrainingKind.GUARDIAN:
        context |= {
            "curves": curves_of(context["curves"]),
            "samples": samples_of(found),
            "promote_form": promote_form or PromoteRunForm(),
            "submissions": answering_of(found),
            "differences": run_differences(found.copied_from, found) if found.copied_from else (),
        }
    if request.htmx and request.htmx.target == "run-progress":  # type: ignore[attr-defined]
        if view.active:
            return render(request, "training/runs/_progress.html", {**context, "polled": True})
        return reswap(retarget(render(request, "training/runs/_live.html", context), "#live"), "outerHTML")
    context["trail"] = [
        (_("Guardians"), reverse("training:guardians")),
        (_("Runs"), reverse("training:runs")),
    ]
    if request.method == "POST":
        context["here"] = reverse("training:run", args=[found.pk])
    return render(request, "training/runs/run.html", context, status=status)


@require_POST
@researchers_only
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    view = run_view(run_or_404(request, pk))
    if view.job is not None and request_cancel(view.job.pk):
        messages.success(request, _("The training stops."))
    else:
        messages.warning(request, _("Nothing is being trained here now."))
    return redirect("training:run", pk=pk)


@require_POST
@researchers_only
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    view = run_view(run_or_404(request, pk))
    if view.may_resume:
        launch_run(view.run, actor=request.user)
        messages.success(request, _("The run is taken up again."))
    else:
        messages.warning(request, _("This run is under way or finished."))
    return redirect("training:run", pk=pk)
