"""A tuned model's promotion and its answers."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from benchmark.errors import BenchmarkError
from benchmark.models import Submission
from benchmark.queries.submissions import submission_answering
from training.models import TrainingKind
from training.services.tuning_runs import promote_run
from training.tasks import launch_answering
from training.tuning_forms import PromoteRunForm
from training.views.access import researchers_only
from training.views.runs import run_or_404, run_page


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
