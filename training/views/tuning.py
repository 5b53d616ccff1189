"""Datasets for SFT and DPO: their list and form, their rows; a tuned model's promotion and its answers."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from benchmark.errors import BenchmarkError
from benchmark.models import Submission
from benchmark.queries.submissions import submission_answering
from training.models import Dataset, TrainingKind
from training.queries.tuning_pages import dataset_rows
from training.services.tuning_data import build_tuning_dataset
from training.services.tuning_runs import promote_run
from training.tasks import launch_answering
from training.tuning_forms import PromoteRunForm, RecipeForm
from training.views.access import researchers_only
from training.views.runs import run_or_404, run_page

PAGE_SIZE = 30
ROWS = 10


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@researchers_only
def datasets(request: HttpRequest) -> HttpResponse:
    """The list, and the form that draws a dataset at once: some seconds for some ten thousand judgements."""
    form = RecipeForm(request.POST) if request.method == "POST" else RecipeForm()
    if form.is_bound and form.is_valid():
        try:
            made = build_tuning_dataset(
                actor=request.user, kind=form.cleaned_data["kind"], recipe=form.recipe()
            )
        except BenchmarkError as error:
            name = error.details.get("field")
            form.add_error(name if name in form.fields else None, str(error))
        else:
            messages.success(request, _("The dataset is drawn."))
            return redirect("training:dataset", pk=made.pk)
    page = Paginator(Dataset.objects.visible_to(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "form": form}
    return render(request, "training/datasets/list.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
@researchers_only
def rows(request: HttpRequest, pk: int) -> HttpResponse:
    """Ten rows a page; of a pair, what differs is marked."""
    found = get_object_or_404(
        Dataset.objects.visible_to(request.user).exclude(kind=TrainingKind.GUARDIAN), pk=pk
    )
    page = Paginator(range(found.rows), ROWS).get_page(request.GET.get("page"))
    context = {
        "dataset": found,
        "page": page,
        "rows": dataset_rows(found, page.start_index() - 1 if found.rows else 0, ROWS),
        "trail": [
            (_("Datasets"), reverse("training:datasets")),
            (str(found), reverse("training:dataset", args=[pk])),
        ],
    }
    return render(request, "training/datasets/rows.html", context)


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


@require_POST
@researchers_only
def answer_again(request: HttpRequest, pk: int) -> HttpResponse:
    """A tuned model whose answering failed or was stopped answers from the beginning."""
    submission = get_object_or_404(
        Submission.objects.select_related("entry__run"), pk=pk, method=Submission.Method.CHECKPOINT
    )
    if submission.responses_count or submission_answering(submission).active:
        messages.warning(request, _("The model answers already, or has answered."))
    else:
        launch_answering(submission, actor=request.user)
        messages.success(request, _("The model answers the questions in a worker."))
    return redirect("benchmark:submission", pk=pk)
