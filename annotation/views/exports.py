"""The export of a campaign as a download from its page: researchers only."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBadRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from annotation.downloads import download
from annotation.models import Campaign
from annotation.policies import can_export
from annotation.services.exporting import FORMATS, TABLES


@require_safe
@login_required
def campaign_export(request: HttpRequest, pk: int, ending: str) -> HttpResponseBase:
    """`?table=tasks` for the tasks with their rulings; of a manifest `?of=csv` says which files it is about."""
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), pk=pk)
    if not can_export(request.user):
        raise PermissionDenied
    table, of = request.GET.get("table", "labels"), request.GET.get("of", "jsonl")
    if table not in TABLES or of not in FORMATS:
        return HttpResponseBadRequest()
    return download(request.user, campaign, ending, table=table, of=of)
