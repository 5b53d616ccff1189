"""The form of a tuning run: empty, for one dataset, or a copy of a run; checked before it is started."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from benchmark.errors import BenchmarkError
from training.models import Dataset, Run, TrainingKind
from training.run_forms import TuningForm, copy_of
from training.services.tuning_estimates import RunEstimate, estimate_of
from training.services.tuning_runs import check_tuning_config, plan_tuning_run
from training.tasks import launch_run
from training.views.access import researchers_only


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@researchers_only
def run_new(request: HttpRequest) -> HttpResponse:
    """`?dataset=` chooses one, of which the kind follows; `?from=` copies a run's settings.

    A POST with `check` tells what the run would need and starts nothing.
    """
    if request.method != "POST":
        return _page(request, TuningForm(initial=_initial(request)))
    form = TuningForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    estimate = _estimate(form)
    if estimate is None or estimate.refusal or "check" in request.POST:
        return _page(request, form, estimate)
    try:
        run = plan_tuning_run(actor=request.user, **form.plan())
    except BenchmarkError as error:
        form.refuse(str(error), error.details.get("field", ""))
        return _page(request, form, estimate)
    launch_run(run, actor=request.user)
    address = reverse("training:run", args=[run.pk])
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)  # type: ignore[attr-defined]


def _estimate(form: TuningForm) -> RunEstimate | None:
    """None where the configuration itself is refused; the form then says why."""
    plan = form.plan()
    if plan["dataset"].kind != plan["kind"]:
        form.refuse(_("A dataset for %(kind)s is needed.") % {"kind": plan["kind"].upper()}, "dataset")
        return None
    try:
        config = check_tuning_config(plan["kind"], plan["config"])
    except BenchmarkError as error:
        form.refuse(str(error), error.details.get("field", ""))
        return None
    return estimate_of(plan["kind"], config, plan["dataset"].rows, plan["processes"])


def _page(request: HttpRequest, form: TuningForm, estimate: RunEstimate | None = None) -> HttpResponse:
    refused = bool(form.errors or (estimate and estimate.refusal))
    context: dict[str, Any] = {
        "form": form,
        "estimate": estimate,
        "refused": refused,
        "origin": _origin(form),
        "trail": [(_("Runs"), reverse("training:runs"))],
    }
    template = "_new_form.html" if request.htmx else "new.html"  # type: ignore[attr-defined]
    return render(request, f"training/runs/{template}", context, status=422 if refused else 200)


def _origin(form: TuningForm) -> Run | None:
    value = str(form["copied_from"].value() or "")
    return Run.objects.filter(pk=int(value)).first() if _is_number(value) else None


def _initial(request: HttpRequest) -> dict[str, Any] | None:
    source, dataset = request.GET.get("from", ""), request.GET.get("dataset", "")
    if _is_number(source):
        run = Run.objects.exclude(kind=TrainingKind.GUARDIAN).filter(pk=int(source)).first()
        if run is not None:
            return copy_of(run)
    if _is_number(dataset):
        chosen = Dataset.objects.exclude(kind=TrainingKind.GUARDIAN).filter(pk=int(dataset)).first()
        if chosen is not None:
            return {"dataset": chosen.pk, "kind": chosen.kind}
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10
