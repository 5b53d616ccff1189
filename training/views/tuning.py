"""SFT and DPO runs: their form, a tuned model's promotion."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from benchmark.errors import BenchmarkError
from training.models import Dataset, TrainingKind
from training.services.tuning_runs import plan_tuning_run, promote_run
from training.tasks import launch_answering, launch_run
from training.tuning_forms import PromoteRunForm, TuningForm
from training.views.access import researchers_only
from training.views.runs import run_or_404, run_page


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@researchers_only
def run_new(request: HttpRequest) -> HttpResponse:
    """The form of a tuning run; `?dataset=` chooses one, of which the kind follows."""
    if request.method == "POST":
        form = TuningForm(request.POST)
        if form.is_valid():
            data = form.cleaned_data
            try:
                run = plan_tuning_run(
                    actor=request.user,
                    kind=data["kind"],
                    dataset=data["dataset"],
                    config=form.config(),
                    name=data["name"],
                )
            except BenchmarkError as error:
                name = error.details.get("field")
                form.add_error(name if name in form.fields else None, str(error))
            else:
                launch_run(run, actor=request.user)
                return redirect("training:run", pk=run.pk)
    else:
        wanted = request.GET.get("dataset", "")
        chosen = (
            Dataset.objects.filter(pk=int(wanted)).first()
            if wanted.isdecimal() and len(wanted) < 10
            else None
        )
        form = TuningForm(initial={"dataset": chosen.pk, "kind": chosen.kind} if chosen else None)
    context = {"form": form, "trail": [(_("Runs"), reverse("training:runs"))]}
    return render(request, "training/runs/new.html", context, status=422 if form.errors else 200)


@require_POST
@researchers_only
def promote(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes the tuned model an entry; it answers the benchmark in a worker and is then scored like any other."""
    found = run_or_404(request, pk)
    form = PromoteRunForm(request.POST)
    if found.kind == TrainingKind.GUARDIAN or not form.is_valid():
        return run_page(request, found, status=422, promote_form=form)
    try:
        submission = promote_run(
            actor=request.user,
            run=found,
            version=form.cleaned_data["version"],
            name=form.cleaned_data["name"],
        )
    except BenchmarkError as error:
        form.add_error(None, str(error))
        return run_page(request, run_or_404(request, pk), status=error.status, promote_form=form)
    launch_answering(submission, actor=request.user)
    messages.success(
        request, _("The model is an entry now. It answers the questions in a worker and is then scored.")
    )
    return redirect("training:run", pk=pk)
