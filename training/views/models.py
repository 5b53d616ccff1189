"""The models on this machine, untuned and tuned, and the act that makes an untuned one an entry."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from benchmark.errors import BenchmarkError
from training.queries.models_page import model_rows, policy_job
from training.services.base_entries import promote_base
from training.tasks import launch_answering
from training.tuning_forms import PromoteBaseForm
from training.views.access import researchers_only


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@researchers_only
def models(request: HttpRequest) -> HttpResponse:
    """A post makes an untuned model an entry, which then answers the benchmark in a worker."""
    rows = model_rows()
    form = PromoteBaseForm(request.POST) if request.method == "POST" else PromoteBaseForm()
    if request.method == "POST" and form.is_valid():
        try:
            submission = promote_base(
                actor=request.user,
                folder=form.cleaned_data["folder"],
                version=form.cleaned_data["version"],
                name=form.cleaned_data["name"],
            )
        except BenchmarkError as error:
            name = error.details.get("field")
            form.add_error(name if name in form.fields else None, str(error))
        else:
            launch_answering(submission, actor=request.user)
            messages.success(
                request,
                _("The model is an entry now. It answers the questions in a worker and is then scored."),
            )
            return redirect("training:models")
    context = {
        "untuned": [row for row in rows if row.run is None],
        "tuned": [row for row in rows if row.run is not None],
        "waiting": any(row.answering for row in rows),
        "policy": policy_job(),
        "form": form,
        "trail": [(_("Training"), reverse("training:guardians"))],
    }
    return render(request, "training/models/list.html", context, status=422 if form.errors else 200)
