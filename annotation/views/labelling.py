"""/annotate/: the expert's desk, and the page on which one task after another is labelled.

Whatever brings the text of tasks is sent compressed: Django varies its length, and a form's token differs every time,
so that nothing secret can be guessed from sizes.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_safe

from annotation.errors import BadAnswers, CampaignNotOpen, NotFound
from annotation.models import Campaign, Label, Membership, Slot
from annotation.policies import can_join
from annotation.queries.desk import desk
from annotation.services.claiming import claim_next, renew_lease, was_seated
from annotation.services.drafts import save_draft
from annotation.services.leaving import leave_seat
from annotation.services.members import join_campaign
from annotation.services.setting_aside import flag_task, skip_task
from annotation.services.submitting import submit_label
from annotation.services.undoing import undo_label
from annotation.views.answers import (
    act,
    offers_reveal,
    open_reveal,
    page,
    seat_context,
    state_context,
    step,
    wants_json,
)
from annotation.views.explaining import explained_html, explanation
from annotation.views.revealing import reveal_context, stored_html
from annotation.views.sheets import content_of, from_post, make_sheet, seat_sheet, submission_of
from medes_site.kit.roles import Role, has_role, is_researcher

_OF_LABEL = ("slot", "campaign", "task__item", "task__response", "task__other")


@never_cache
@login_required
@require_safe
def annotate(request: HttpRequest) -> HttpResponse:
    """My campaigns, and those I may join."""
    rows = desk(request.user)
    context = {
        "own": [row for row in rows if row.member is not None],
        "others": [row for row in rows if row.member is None],
        "is_expert": has_role(request.user, Role.EXPERT),
    }
    return render(request, "annotation/annotate/desk.html", context)


@act
def join(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    join_campaign(actor=request.user, campaign=campaign)
    return redirect("annotation:label", slug=campaign.slug)


@gzip_page
@never_cache
@login_required
@require_GET
def label(request: HttpRequest, slug: str) -> HttpResponse:
    """The seat in hand (claimed if there is none), a verdict that waits for an answer, or why there is nothing."""
    campaigns = Campaign.objects.visible_to(request.user).select_related(
        "version__benchmark", "guideline", "scorer"
    )
    campaign = get_object_or_404(campaigns, slug=slug)
    if not _is_member(request.user, campaign):
        if campaign.state == Campaign.State.DRAFT:
            raise Http404
        context = {**state_context(request, campaign), "may_join": can_join(request.user, campaign)}
        return page(request, campaign, "annotation/annotate/_state.html", context)
    waiting = open_reveal(request, campaign)
    if waiting is not None:
        return page(request, campaign, "annotation/annotate/_reveal.html", reveal_context(waiting))
    try:
        slot = claim_next(actor=request.user, campaign=campaign)
    except (CampaignNotOpen, NotFound):
        slot = None
    if slot is None:
        return page(request, campaign, "annotation/annotate/_state.html", state_context(request, campaign))
    sheet = seat_sheet(request.user, slot)
    return page(request, campaign, "annotation/annotate/_seat.html", seat_context(sheet))


def _is_member(user: Any, campaign: Campaign) -> bool:
    members = Membership.objects.filter(campaign=campaign, expert=user)
    return members.exclude(state=Membership.State.REMOVED).exists()


@gzip_page
@act
def take_next(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """Looks for a task again: after an explanation, or where everything was leased a while ago."""
    if not _is_member(request.user, campaign):
        raise NotFound()
    return step(request, campaign)


@gzip_page
@act
def submit(request: HttpRequest, campaign: Campaign, slot: int) -> HttpResponse:
    """Stores the label and goes on. Refused answers come back as they were written, with 422."""
    seat = _seat(request, campaign, slot)
    filled = from_post(seat, request.POST)
    fence = _number(request, "fence")
    try:
        sent = submission_of(seat, filled, request.POST)
        stored = submit_label(actor=request.user, slot_id=slot, fence=fence, sent=sent)
    except BadAnswers as error:
        if wants_json(request) or seat.expert_id != request.user.pk:
            raise
        sheet = make_sheet(seat, filled, version=_number(request, "version"), error=error)
        context = seat_context(sheet)
        return page(request, campaign, "annotation/annotate/_seat.html", context, status=422)
    # Read again: what the service returns has seen the seat before it was decided.
    return _after_submit(request, campaign, Label.objects.select_related(*_OF_LABEL).get(pk=stored.pk))


def _after_submit(request: HttpRequest, campaign: Campaign, stored: Label) -> HttpResponse:
    if stored.extra:
        return step(request, campaign, label=stored, notice=_late(stored))
    if explanation(request.user, stored) is not None:
        if not wants_json(request):
            return redirect("annotation:explain", slug=campaign.slug, label=stored.pk)
        return step(request, campaign, label=stored, instead=explained_html(request, stored))
    if campaign.kind == Campaign.Kind.GUARDIAN and offers_reveal(stored):
        if not wants_json(request):
            return redirect("annotation:stored", slug=campaign.slug, label=stored.pk)
        return step(request, campaign, label=stored, instead=stored_html(request, stored))
    return step(request, campaign, label=stored)


def _late(stored: Label) -> str:
    if stored.slot.state == Slot.State.WITHDRAWN and stored.slot.ordinal == 0:  # as `bar` leaves it
        return _(
            "You have read what a guardian or others think of this answer in the meantime. Your label is kept, "
            "outside the count of blind labels. Nothing is lost; thank you."
        )
    return _(
        "Somebody else had taken this task over in the meantime. Your label is kept beside theirs, "
        "outside the count. Nothing is lost; thank you."
    )


@act
def draft(request: HttpRequest, campaign: Campaign, slot: int) -> HttpResponse:
    """Keeps what is typed. 409 with `version` and `content` if another window wrote in between."""
    seat = _seat(request, campaign, slot)
    content = content_of(seat, from_post(seat, request.POST))
    version = save_draft(
        actor=request.user,
        slot_id=slot,
        fence=_number(request, "fence"),
        content=content,
        version=_number(request, "version"),
    )
    if wants_json(request):
        return JsonResponse({"version": version})
    messages.success(request, _("The draft is kept."))
    return redirect("annotation:label", slug=campaign.slug)


@act
def renew(request: HttpRequest, campaign: Campaign, slot: int) -> HttpResponse:
    seat = _seat(request, campaign, slot)
    until = renew_lease(actor=request.user, slot_id=seat.pk, fence=_number(request, "fence"))
    return JsonResponse({"until": until.isoformat()})


@act
def leave(request: HttpRequest, campaign: Campaign, slot: int) -> HttpResponse:
    """Sent while the page closes; nobody reads the answer."""
    leave_seat(actor=request.user, slot_id=_seat(request, campaign, slot).pk, fence=_number(request, "fence"))
    return HttpResponse(status=204)


@gzip_page
@act
def skip(request: HttpRequest, campaign: Campaign, slot: int) -> HttpResponse:
    skip_task(
        actor=request.user,
        slot_id=_seat(request, campaign, slot).pk,
        fence=_number(request, "fence"),
        reason=request.POST.get("reason", ""),
        note=request.POST.get("note", "")[:2000],
    )
    return step(request, campaign, notice=_("Skipped. Another expert will be asked."))


@act
def flag(request: HttpRequest, campaign: Campaign, slot: int) -> HttpResponse:
    """The seat stays in hand: a flagged task is labelled as far as it can be, or skipped."""
    flag_task(
        actor=request.user, slot_id=_seat(request, campaign, slot).pk, note=request.POST.get("note", "")
    )
    said = _("The researchers have been told. You can still label or skip this task.")
    if wants_json(request):
        return JsonResponse({"notice": said})
    messages.success(request, said)
    return redirect("annotation:label", slug=campaign.slug)


@gzip_page
@act
def undo(request: HttpRequest, campaign: Campaign, label: int) -> HttpResponse:
    known = Label.objects.filter(pk=label, campaign=campaign, expert=request.user.pk).exists()
    if not known:
        raise NotFound()
    undo_label(actor=request.user, label_id=label)
    return step(request, campaign, notice=_("Taken back. Your answers are filled in again."))


def _seat(request: HttpRequest, campaign: Campaign, number: int) -> Slot:
    """The slot, if it is in this campaign and is or was the actor's; whether it still is the services decide.

    Asked before the form is read: what is said of a passage or an option would tell about the task.
    """
    related = (
        "campaign",
        "task__item__scenario",
        "task__item__norm__source",
        "task__response",
        "task__other",
    )
    slot: Slot | None = Slot.objects.select_related(*related).filter(pk=number, campaign=campaign).first()
    user = request.user
    if slot is None or not (slot.expert_id == user.pk or is_researcher(user) or was_seated(number, user)):
        raise NotFound()
    return slot


def _number(request: HttpRequest, name: str) -> int:
    """A number of the form; 0, which is nobody's, for anything else."""
    written = request.POST.get(name, "")
    return int(written) if written.isdecimal() and len(written) < 10 else 0
