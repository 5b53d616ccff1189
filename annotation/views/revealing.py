"""After a blind label in a guardian campaign: the verdict is shown, kept or changed, and its reasoning marked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.errors import BadAnswers, NotFound
from annotation.models import Campaign, Label, Reveal
from annotation.queries.desk import may_undo
from annotation.services.revealing import reveal_judgement, submit_reveal
from annotation.services.undoing import as_shown
from annotation.views.answers import act, offers_reveal, page, step, wants_json
from annotation.views.sheets import Filled, from_content, from_post, make_sheet, submission_of
from benchmark.rules.rubric import CRITERIA

_RELATED = (
    "task__item__scenario",
    "task__item__norm__source",
    "task__response",
    "task__other",
    "slot",
    "campaign",
)
_HOLDS = {"yes": True, "no": False}


def stored_html(request: HttpRequest, label: Label) -> str:
    return render_to_string("annotation/annotate/_stored.html", _stored_context(label), request)


def _stored_context(label: Label) -> dict[str, Any]:
    return {"stored": label, "campaign": label.campaign, "may_undo": may_undo(label)}


@never_cache
@login_required
@require_safe
def stored(request: HttpRequest, slug: str, label: int) -> HttpResponse:
    """Between the label and the verdict: the last moment in which the label can be taken back."""
    campaign = get_object_or_404(
        Campaign.objects.visible_to(request.user).select_related("guideline"), slug=slug
    )
    found = get_object_or_404(
        Label.objects.select_related(*_RELATED),
        pk=label,
        campaign=campaign,
        expert=request.user,
        current=True,
    )
    if not offers_reveal(found):
        raise Http404
    return page(request, campaign, "annotation/annotate/_stored.html", _stored_context(found))


@act
def reveal(request: HttpRequest, campaign: Campaign, label: int) -> HttpResponse:
    """Shows the guardian's verdict; from here on the blind label stands."""
    if not Label.objects.filter(pk=label, campaign=campaign, expert=request.user.pk).exists():
        raise NotFound()
    shown = reveal_judgement(actor=request.user, label_id=label)
    if not wants_json(request):
        return redirect("annotation:label", slug=campaign.slug)
    html = render_to_string(
        "annotation/annotate/_reveal.html", reveal_context(_found(campaign, shown.pk)), request
    )
    return step(request, campaign, instead=html)


@act
def answer_reveal(request: HttpRequest, campaign: Campaign, reveal: int) -> HttpResponse:
    """The label that was given knowing the verdict. Every criterion the guardian judged needs its mark."""
    found = _found(campaign, reveal)
    if found.label.expert_id != request.user.pk:
        raise NotFound()
    filled = from_post(found.label.slot, request.POST)
    marks = {name: request.POST.get(f"holds_{name}", "") for name in CRITERIA}
    try:
        holds = _holds(found, marks)
        sent = submission_of(found.label.slot, filled, request.POST)
        submit_reveal(actor=request.user, reveal_id=reveal, sent=sent, holds=holds)
    except BadAnswers as error:
        if wants_json(request):
            raise
        context = reveal_context(found, filled=filled, marks=marks, error=error)
        return page(request, campaign, "annotation/annotate/_reveal.html", context, status=422)
    return step(request, campaign)


def _found(campaign: Campaign, number: int) -> Reveal:
    related = [f"label__{name}" for name in _RELATED]
    found: Reveal | None = (
        Reveal.objects.select_related(*related).filter(pk=number, label__campaign=campaign).first()
    )
    if found is None:
        raise NotFound()
    return found


def _holds(reveal: Reveal, marks: Mapping[str, str]) -> dict[str, bool | None]:
    judged = [name for name in CRITERIA if reveal.shown.get(name) is not None]
    for name in judged:
        if marks.get(name) not in _HOLDS:
            raise BadAnswers(
                _("Say whether the guardian's reasoning holds."), field=f"holds_{name}", code="missing"
            )
    return {name: _HOLDS[marks[name]] for name in judged}


def reveal_context(
    reveal: Reveal,
    *,
    filled: Filled | None = None,
    marks: Mapping[str, str] | None = None,
    error: BadAnswers | None = None,
) -> dict[str, Any]:
    """Filled with the blind answers: the expert keeps or changes each."""
    label = reveal.label
    if filled is None:
        said = {
            "answers": as_shown(label, label.task),
            "rationale": label.rationale,
            "evidence": label.evidence,
        }
        filled = from_content(label.slot, said)
    sheet = make_sheet(label.slot, filled, error=error, shown=reveal.shown, holds=marks)
    return {"sheet": sheet, "campaign": label.campaign, "reveal": reveal, "key": uuid.uuid4().hex}
