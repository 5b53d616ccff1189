"""/campaigns/: the list, a new campaign, and one campaign with everything that tells how far to trust its labels."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from annotation.campaign_forms import CampaignForm, GuidelineForm, MemberForm, SettingsForm
from annotation.errors import BenchmarkError
from annotation.models import Campaign
from annotation.policies import can_manage_campaigns
from annotation.queries.adjudication import silent_counts
from annotation.queries.dashboard import (
    FLAGS_SHOWN,
    divided_rows,
    listed_progress,
    member_rows,
    open_flags,
    record_tables,
    stored_figures,
)
from annotation.queries.figures import Figures, criteria_of, figures_watermark, is_large, kind_of
from annotation.services.campaigns import CampaignPlan, create_campaign
from annotation.services.figures import refresh_figures
from annotation.tasks import DRAW, FIGURES, OPEN, launch_figures
from benchmark.queries.versions import find_version
from benchmark.services.seeing import note_seen
from medes_site.kit.jobs.models import Job

PAGE_SIZE = 30
SILENT_SHOWN = 5
REFRESH_AFTER = timedelta(seconds=60)  # figures of a large campaign are computed at most so often


@dataclass(frozen=True, slots=True)
class FiguresState:
    """The figures there are, from when, and the job that computes newer ones; `error`: why the last one failed."""

    figures: Figures | None
    at: datetime | None
    job: Job | None
    error: str = ""


def check_manager(request: HttpRequest) -> None:
    if not can_manage_campaigns(request.user):
        raise PermissionDenied


def managed_campaign(request: HttpRequest, pk: int) -> Campaign:
    """For researchers; to anybody else no campaign has a page of its own here."""
    found = Campaign.objects.select_related("version__benchmark", "scorer", "guideline").filter(pk=pk).first()
    if found is None or not can_manage_campaigns(request.user):
        raise Http404
    return found


@never_cache
@login_required
@require_safe
def campaigns(request: HttpRequest) -> HttpResponse:
    check_manager(request)
    found = Campaign.objects.select_related("version__benchmark").order_by("-pk")
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": listed_progress(list(page.object_list)), "query": ""}
    return render(request, "annotation/campaigns/list.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def campaign_new(request: HttpRequest) -> HttpResponse:
    check_manager(request)
    if request.method != "POST":
        form = CampaignForm(initial=_wished(request.GET))
        return render(request, "annotation/campaigns/new.html", {"form": form})
    form = CampaignForm(request.POST)
    if form.is_valid():
        try:
            campaign = create_campaign(actor=request.user, plan=_plan(form))
            return redirect("annotation:campaign", pk=campaign.pk)
        except BenchmarkError as error:
            name = error.details.get("field")
            form.add_error(name if name in form.fields else None, str(error))
    return render(request, "annotation/campaigns/new.html", {"form": form}, status=422)


def _wished(query: QueryDict) -> dict[str, Any]:
    """What a link asks for beforehand: `kind`, `benchmark` with `version`, `outdated=1`. Nonsense is passed over."""
    wished: dict[str, Any] = {"outdated_only": query.get("outdated") == "1"}
    if query.get("kind") in Campaign.Kind.values:
        wished["kind"] = query["kind"]
    if query.get("benchmark"):
        with suppress(BenchmarkError):
            wished["version"] = find_version(str(query["benchmark"]), str(query.get("version", "")))
    return wished


def _plan(form: CampaignForm) -> CampaignPlan:
    data = form.cleaned_data
    return CampaignPlan(
        title_zh=data["title_zh"],
        title_en=data["title_en"],
        kind=data["kind"],
        version=data["version"],
        slug=data["slug"],
        scenarios=tuple(data["scenarios"]),
        entries=tuple(data["entries"]),
        scorer=data.get("scorer"),
        text_zh=data["text_zh"].strip(),
        text_en=data["text_en"].strip(),
        settings=form.settings,
    )


@login_required
@require_POST
def guideline_preview(request: HttpRequest) -> HttpResponse:
    """The guidelines as experts will read them: a part for htmx, else a page (in a tab of its own)."""
    check_manager(request)
    texts = [request.POST.get(name, "").replace("\0", "")[:40_000] for name in ("text_zh", "text_en")]
    template = "_preview.html" if request.htmx else "preview.html"  # type: ignore[attr-defined]
    return render(request, f"annotation/campaigns/{template}", {"texts": texts})


@never_cache
@login_required
@require_safe
def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """The dashboard. While a job works for it, the page asks for `_work.html` and is loaded anew at its end."""
    found = managed_campaign(request, pk)
    if request.htmx and request.htmx.target == "work":  # type: ignore[attr-defined]
        job = active_job(found)
        if job is None:
            return HttpResponseClientRefresh()
        return render(request, "annotation/campaigns/_work.html", {"campaign": found, "work": job})
    return campaign_page(request, found)


def campaign_page(
    request: HttpRequest, campaign: Campaign, *, status: int = 200, **more: Any
) -> HttpResponse:
    """`more`: forms that were refused, and `act_error`, in place of the page's own."""
    state = figures_state(campaign, request.user)
    figures = state.figures
    flags, flags_total = open_flags(campaign)
    divided = divided_rows(campaign, figures.divided) if figures else []
    note_seen(request.user, [pk for row in divided for pk in row.task.answers_shown], verdict=False)
    context = {
        "campaign": campaign,
        "scenarios": list(campaign.scenarios.all()),
        "entries": list(campaign.entries.all()),
        "figures": figures,
        "figures_at": state.at,
        "figures_error": state.error,
        "work": active_job(campaign),
        "opening": latest_job(campaign, OPEN, DRAW) if campaign.state == Campaign.State.DRAFT else None,
        "drawn": campaign.state != Campaign.State.DRAFT or campaign.tasks.real().exists(),
        "criteria": criteria_of(kind_of(campaign)),
        "members": member_rows(campaign, figures),
        "divided": divided,
        "tables": record_tables(campaign, figures) if figures else [],
        "flags": flags,
        "more_flags": max(0, flags_total - FLAGS_SHOWN),
        "silent": silent_counts(campaign, SILENT_SHOWN),
        "member_form": MemberForm(campaign=campaign),
        "settings_form": SettingsForm(instance=campaign),
        "guideline_form": GuidelineForm(initial=_texts(campaign)),
        **more,
    }
    return render(request, "annotation/campaigns/detail.html", context, status=status)


def _texts(campaign: Campaign) -> dict[str, str]:
    guideline = campaign.guideline
    return {"text_zh": guideline.text_zh, "text_en": guideline.text_en} if guideline else {}


def latest_job(campaign: Campaign, *kinds: str) -> Job | None:
    jobs = Job.objects.filter(subject_type="campaign", subject_id=campaign.pk, kind__in=kinds)
    return jobs.order_by("-pk").first()


def active_job(campaign: Campaign) -> Job | None:
    """What works for this campaign now; opening comes before counting."""
    jobs = Job.objects.filter(
        subject_type="campaign", subject_id=campaign.pk, kind__in=(OPEN, DRAW, FIGURES), state__in=Job.ACTIVE
    )
    return sorted(jobs, key=lambda job: job.kind == FIGURES)[0] if jobs else None


def figures_state(campaign: Campaign, actor: Any) -> FiguresState:
    """Up to date for a small campaign; for a large one what is stored, with a job under way where it is old."""
    kept = stored_figures(campaign)
    if kept is not None and kept[0].watermark == figures_watermark(campaign):
        return FiguresState(kept[1], kept[0].computed_at, None)
    if not is_large(campaign):
        return FiguresState(refresh_figures(campaign), None, None)
    row, figures = kept or (None, None)
    at = row.computed_at if row else None
    now = timezone.now()
    if at is not None and now - at < REFRESH_AFTER:
        return FiguresState(figures, at, None)
    last = latest_job(campaign, FIGURES)
    if last is not None and last.state == Job.State.FAILED and now - last.created_at < REFRESH_AFTER:
        return FiguresState(figures, at, None, last.error_message)
    return FiguresState(figures, at, launch_figures(campaign, actor=actor))
