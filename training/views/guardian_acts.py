"""What can be done with guardians: small POST views. Success redirects; a refusal shows the page with its reason."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from benchmark.errors import BenchmarkError
from benchmark.services.guardians import begin_shadow, retire_guardian
from benchmark.tasks import launch_shadow
from training.errors import GateClosed
from training.forms import PromoteForm, SuggestForm
from training.guardian_forms import TrainForm
from training.services.guardian_promotion import suggest_campaign
from training.services.runs import plan_guardian_run
from training.tasks import launch_run
from training.tasks import promote as promote_and_rank
from training.views.access import researchers_only
from training.views.guardians import guardian_or_404, guardian_page, guardians_page


@require_POST
@researchers_only
def train(request: HttpRequest) -> HttpResponse:
    """Starts a run; the bare button posts nothing but its token and trains with the settings as they are."""
    form = TrainForm.filled(request.POST)
    if not form.is_valid():
        return guardians_page(request, status=422, form=form)
    try:
        run = plan_guardian_run(actor=request.user, **form.plan())
    except BenchmarkError as error:
        form.refuse(str(error), error.details.get("field", ""))
        return guardians_page(request, status=422, form=form)
    launch_run(run, actor=request.user)
    address = reverse("training:run", args=[run.pk])
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)  # type: ignore[attr-defined]


@require_POST
@researchers_only
def shadow(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts a candidate into the shadow, or has one that is there judge what it has not judged."""
    found = guardian_or_404(pk)
    try:
        found = begin_shadow(actor=request.user, guardian=found)
    except BenchmarkError as error:
        return guardian_page(request, guardian_or_404(pk), status=error.status, act_error=str(error))
    launch_shadow(found, actor=request.user)
    messages.success(request, _("It judges everything in the shadow now."))
    return redirect("training:guardian", pk=pk)


@require_POST
@researchers_only
def promote(request: HttpRequest, pk: int) -> HttpResponse:
    found = guardian_or_404(pk)
    form = PromoteForm(request.POST)
    if not form.is_valid():
        return guardian_page(request, found, status=422, promote_form=form)
    try:
        promote_and_rank(actor=request.user, guardian=found, reason=form.cleaned_data["reason"])
    except GateClosed as error:
        form.add_error("reason", str(error))
        return guardian_page(request, guardian_or_404(pk), status=422, promote_form=form)
    except BenchmarkError as error:
        return guardian_page(request, guardian_or_404(pk), status=error.status, act_error=str(error))
    messages.success(request, _("It is the active guardian now; the boards follow it."))
    return redirect("training:guardian", pk=pk)


@require_POST
@researchers_only
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    found = guardian_or_404(pk)
    try:
        retire_guardian(actor=request.user, guardian=found)
    except BenchmarkError as error:
        return guardian_page(request, guardian_or_404(pk), status=error.status, act_error=str(error))
    messages.success(request, _("It is retired; its boards stay as they are."))
    return redirect("training:guardian", pk=pk)


@require_POST
@researchers_only
def suggest(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft campaign on what the guardian is least sure of."""
    found = guardian_or_404(pk)
    form = SuggestForm(request.POST)
    if not form.is_valid():
        return guardian_page(request, found, status=422, suggest_form=form)
    try:
        campaign = suggest_campaign(
            actor=request.user,
            guardian=found,
            version=form.cleaned_data["version"],
            size=form.cleaned_data["size"],
        )
    except BenchmarkError as error:
        name = error.details.get("field")
        form.add_error(name if name in form.fields else None, str(error))
        return guardian_page(request, found, status=422, suggest_form=form)
    messages.success(
        request, _("Drawn as a draft: %(name)s. Open it when it suits you.") % {"name": campaign.slug}
    )
    try:
        return redirect(reverse("annotation:campaign", args=[campaign.pk]))
    except NoReverseMatch:
        return redirect("training:guardian", pk=pk)
