"""How the labelling page answers: a page to a form, JSON with ready pieces of HTML to its script."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from annotation.errors import CampaignNotOpen, NotFound
from annotation.models import Campaign, Label, Reveal, Slot
from annotation.queries.desk import decided_share, has_verdict, may_undo, pending_reveal, undoable_label
from annotation.queries.progress import expert_progress
from annotation.queries.queue import QueueState, queue_state
from annotation.services.claiming import claim_next, prefetch_next
from annotation.views.questions import SKIP_REASONS
from annotation.views.sheets import Sheet, seat_sheet
from benchmark.errors import BenchmarkError

Act = Callable[..., HttpResponse]


def wants_json(request: HttpRequest) -> bool:
    """The script says so in a header, or in the form where it cannot: while the page closes."""
    return "application/json" in request.headers.get("Accept", "") or request.POST.get("as") == "json"


def act(view: Act) -> Callable[..., HttpResponseBase]:
    """A POST about a campaign: `view(request, campaign, …)`. What a service refuses is said in words.

    The campaign is looked up for everybody: whether somebody may act on a seat the services decide by the
    seat, so that a label of somebody who was removed meanwhile still arrives. To others all of it is 404.
    """

    @never_cache
    @require_POST
    @wraps(view)
    def answer(request: HttpRequest, slug: str, **numbers: int) -> HttpResponse:
        if not request.user.is_authenticated:
            if wants_json(request):
                return JsonResponse({"error": _("Please log in again.")}, status=401)
            return redirect_to_login(reverse("annotation:label", args=[slug]))
        if request.POST.get("user", str(request.user.pk)) != str(request.user.pk):
            # The page of somebody else at this computer: it keeps what it wanted to send until they are back.
            return JsonResponse({"error": _("Please log in again.")}, status=401)
        campaigns = Campaign.objects.select_related("version__benchmark", "guideline", "scorer")
        campaign = campaigns.filter(slug=slug).first()
        try:
            if campaign is None:
                raise NotFound()
            return view(request, campaign, **numbers)
        except NotFound as error:
            return refused(request, slug, error, status=404)
        except BenchmarkError as error:
            return refused(request, slug, error)

    return answer


def refused(
    request: HttpRequest, slug: str, error: BenchmarkError, status: int | None = None
) -> HttpResponse:
    status = status or error.status
    if wants_json(request):
        return JsonResponse({"error": str(error), **error.details}, status=status)
    if status in (403, 404):
        return render(request, f"{status}.html", status=status)
    messages.warning(request, str(error))
    return redirect("annotation:label", slug=slug)


def step(
    request: HttpRequest,
    campaign: Campaign,
    *,
    label: Label | None = None,
    notice: str = "",
    instead: str = "",
) -> HttpResponse:
    """What comes after an act: to the script the next seat and the one after it, to a form the page anew.

    `instead`: HTML to show before the next seat (an explanation, a verdict); no seat is claimed then.
    """
    if not wants_json(request):
        if notice:
            messages.info(request, notice)
        return redirect("annotation:label", slug=campaign.slug)
    current: dict[str, Any] = {"slot": None, "html": instead}
    ahead = None
    if not instead:
        current, ahead = _next_two(request, campaign)
    progress = expert_progress(user=request.user, campaign=campaign)
    said = None if label is None else {"id": label.pk, "late": label.extra, "may_undo": may_undo(label)}
    return JsonResponse(
        {
            "current": current,
            "ahead": ahead,
            "progress": {"today": progress.today, "goal": progress.goal, "total": progress.total},
            "label": said,
            "notice": notice,
        }
    )


def _next_two(request: HttpRequest, campaign: Campaign) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The seat in hand and the one ahead, each with its HTML unless the page says in `have` that it has it."""
    have = set(request.POST.get("have", "").split(","))
    slot = ahead = None
    try:
        slot = claim_next(actor=request.user, campaign=campaign)
        if slot is not None:
            ahead = prefetch_next(actor=request.user, campaign=campaign)
    except (CampaignNotOpen, NotFound):
        pass
    if slot is None:
        return {"slot": None, "html": state_html(request, campaign), "wait": True}, None
    return _piece(request, slot, have), None if ahead is None else _piece(request, ahead, have)


def _piece(request: HttpRequest, slot: Slot, have: set[str]) -> dict[str, Any]:
    known = f"{slot.pk}:{slot.fence}" in have
    html = None if known else seat_html(request, seat_sheet(request.user, slot))
    return {"slot": slot.pk, "fence": slot.fence, "html": html}


def seat_html(request: HttpRequest, sheet: Sheet) -> str:
    return render_to_string("annotation/annotate/_seat.html", seat_context(sheet), request)


def seat_context(sheet: Sheet) -> dict[str, Any]:
    """`key`: by it a form that is sent twice is known again."""
    return {
        "sheet": sheet,
        "campaign": sheet.campaign,
        "skip_reasons": SKIP_REASONS,
        "key": uuid.uuid4().hex,
    }


def state_html(request: HttpRequest, campaign: Campaign) -> str:
    return render_to_string("annotation/annotate/_state.html", state_context(request, campaign), request)


def state_context(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    state: QueueState = queue_state(user=request.user, campaign=campaign)
    return {
        "campaign": campaign,
        "state": state,
        "progress": expert_progress(user=request.user, campaign=campaign),
    }


def page(
    request: HttpRequest, campaign: Campaign, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The whole page around one piece (`template`)."""
    guideline = campaign.guideline
    return render(
        request,
        "annotation/annotate/label.html",
        {
            "campaign": campaign,
            "piece": template,
            "guideline": guideline,
            "progress": expert_progress(user=request.user, campaign=campaign),
            "share": decided_share(campaign),
            "undoable": undoable_label(user=request.user, campaign=campaign),
            "here": reverse("annotation:label", args=[campaign.slug]),
            **context,
        },
        status=status,
    )


def open_reveal(request: HttpRequest, campaign: Campaign) -> Reveal | None:
    """A verdict that was shown and is still to be answered comes before the next task."""
    if campaign.kind != Campaign.Kind.GUARDIAN:
        return None
    return pending_reveal(user=request.user, campaign=campaign)


def offers_reveal(label: Label) -> bool:
    return has_verdict(label)
