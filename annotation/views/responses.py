"""One response: the norm, the answer with the evidence marked, verdicts, labels, feedback; and contesting."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.errors import NotAllowed
from annotation.policies import can_see_response
from annotation.queries.responses import ResponsePage, response_page
from annotation.rules.answers import RATIONALE_MAX
from annotation.services.contesting import contest_verdict
from benchmark.errors import BenchmarkError
from benchmark.models import Response, Scorer
from benchmark.rules.rubric import CRITERIA
from benchmark.services.seeing import note_seen

CRITERION_CHOICES = [
    ("r1", gettext_lazy("R1 normative compliance")),
    ("r2", gettext_lazy("R2 suggestion safety")),
    ("q1", gettext_lazy("Q1 issue identification")),
    ("q2", gettext_lazy("Q2 reference to norms")),
    ("q3", gettext_lazy("Q3 actionable advice")),
    ("q4", gettext_lazy("Q4 empathy")),
]


class ContestForm(forms.Form):
    """What an expert objects to, and why."""

    scorer = forms.IntegerField(widget=forms.HiddenInput)
    criteria = forms.MultipleChoiceField(
        label=gettext_lazy("Which verdicts are wrong?"),
        choices=CRITERION_CHOICES,
        widget=forms.CheckboxSelectMultiple,
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=RATIONALE_MAX,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("Other experts label the answer anew, without seeing this."),
    )


def response_or_404(user: Any, pk: int) -> Response:
    """A response that the reader may not see does not exist for them."""
    found = get_object_or_404(
        Response.objects.select_related(
            "item__norm__source", "item__norm__group", "item__scenario", "item__version__benchmark",
            "submission__entry", "submission__version__benchmark",
        ),
        pk=pk,
    )  # fmt: skip
    if not can_see_response(user, found):
        raise Http404
    return found


@never_cache
@login_required
@require_safe
def response(request: HttpRequest, pk: int) -> HttpResponse:
    found = response_or_404(request.user, pk)
    shown = response_page(found, request.user, request.GET.get("by", ""))
    return _page(request, shown)


def _page(
    request: HttpRequest, shown: ResponsePage, form: ContestForm | None = None, status: int = 200
) -> HttpResponse:
    found = shown.response
    if shown.tells:
        note_seen(request.user, [found.pk], verdict=shown.tells_verdicts)
    if form is None and shown.chosen is not None:
        form = ContestForm(initial={"scorer": shown.chosen.judgement.scorer_id})
    context = {
        "shown": shown,
        "response": found,
        "item": found.item,
        "form": form,
        "criteria": CRITERIA,
        "here": reverse("annotation:response", args=[found.pk]),
    }
    return render(request, "annotation/responses/response.html", context, status=status)


@never_cache
@login_required
@require_POST
def contest(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes a labelling task of an objection. An incomplete form answers 422 with the page."""
    found = response_or_404(request.user, pk)
    form = ContestForm(request.POST)
    status = 422
    if form.is_valid():
        try:
            contest_verdict(
                actor=request.user,
                response=found,
                scorer=get_object_or_404(Scorer, pk=form.cleaned_data["scorer"]),
                criteria=form.cleaned_data["criteria"],
                reason=form.cleaned_data["reason"],
            )
        except NotAllowed as error:
            raise PermissionDenied(str(error)) from error
        except BenchmarkError as error:
            form.add_error(None, str(error))
            status = error.status
        else:
            messages.success(request, _("Thank you. Other experts will label this answer."))
            return redirect("annotation:response", pk=pk)
    shown = response_page(found, request.user, request.POST.get("scorer", ""))
    if not shown.may_contest:
        raise PermissionDenied
    return _page(request, shown, form, status)
