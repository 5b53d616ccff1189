"""How an expert's labels stand against gold answers, colleagues and rulings: for that expert and researchers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.models import Membership
from annotation.names import criteria_of
from annotation.policies import can_manage_campaigns, can_see_record
from annotation.queries.dashboard import stored_figures
from annotation.queries.figures import is_large, kind_of, record_of
from annotation.queries.progress import expert_progress
from annotation.rules.expert_record import AGAINST, MINIMUM, RecordFigure


@never_cache
@login_required
@require_safe
def expert_record(request: HttpRequest, pk: int, pseudonym: str) -> HttpResponse:
    member = (
        Membership.objects.select_related("campaign__version__benchmark", "expert")
        .filter(campaign=pk, pseudonym=pseudonym)
        .first()
    )
    if member is None or not can_see_record(request.user, member.expert):
        raise Http404
    figures, at = _figures(member)
    by_place = {(figure.criterion, figure.against): figure for figure in figures}
    criteria = criteria_of(kind_of(member.campaign))
    rows = [
        (name, [by_place.get((name, against)) for against in AGAINST])
        for name in criteria
    ]  # fmt: skip
    context = {
        "member": member,
        "campaign": member.campaign,
        "own": member.expert_id == request.user.pk,
        "manages": can_manage_campaigns(request.user),
        "progress": expert_progress(user=member.expert, campaign=member.campaign),
        "minimum": MINIMUM,
        "rows": rows,
        "figures_at": at,
    }
    return render(request, "annotation/campaigns/expert.html", context)


def _figures(member: Membership) -> tuple[list[RecordFigure], datetime | None]:
    """Computed now; in a large campaign those computed last, with their time."""
    kept = stored_figures(member.campaign) if is_large(member.campaign) else None
    if kept is None:
        return record_of(member.campaign, member.expert), None
    return kept[1].records.get(member.expert_id, []), kept[0].computed_at


@never_cache
@login_required
@require_safe
def own_records(request: HttpRequest) -> HttpResponse:
    """The campaigns one takes or took part in, each with the way to one's own record."""
    user: Any = request.user
    members = (
        Membership.objects.filter(expert=user)
        .select_related("campaign__version__benchmark")
        .order_by("-campaign_id")
    )
    rows = [(member, expert_progress(user=user, campaign=member.campaign)) for member in members[:100]]
    return render(request, "annotation/campaigns/own.html", {"rows": rows})
