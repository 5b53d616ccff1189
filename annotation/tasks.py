"""Background work of the annotation app: thin shells around services, and the only places that launch them."""

from __future__ import annotations

import time
from typing import Any

from celery import shared_task

from annotation.models import Campaign
from annotation.queries.figures import compute_figures, figures_watermark
from annotation.services.anchoring import anchor_everything
from annotation.services.campaigns import draw_campaign, open_campaign
from annotation.services.figures import keep_figures
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.core import launch
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.registry import job_handler

OPEN = "open_campaign"
DRAW = "draw_campaign"
FIGURES = "campaign_figures"
DRAWING, SEATING, ESTIMATING = "drawing the tasks", "making the seats", "computing the figures"


@job_handler(kind=OPEN, queue="default")
def open_in_background(context: JobContext) -> None:
    """Subject: a campaign. Opening a very large one takes minutes; an earlier attempt may have done it.

    Two transactions, so that heartbeats come through in between and a second attempt need not draw again.
    """
    campaign, actor = _campaign(context)
    if campaign.state not in (Campaign.State.DRAFT, Campaign.State.PAUSED):
        return
    if campaign.state == Campaign.State.DRAFT and not campaign.tasks.real().exists():
        context.progress(0, 2, DRAWING)
        with context.fenced():
            drawn = draw_campaign(actor=actor, campaign=campaign)
        context.log(f"drew {drawn} tasks")
    context.progress(1, 2, SEATING)
    with context.fenced():
        open_campaign(actor=actor, campaign=campaign)
    context.progress(2, 2, SEATING)
    context.log(f"opened campaign {campaign.slug}")


@job_handler(kind=DRAW, queue="default")
def draw_in_background(context: JobContext) -> None:
    """Subject: a draft, whose tasks are drawn so that priorities can be given before it opens."""
    campaign, actor = _campaign(context)
    if campaign.state != Campaign.State.DRAFT or campaign.tasks.real().exists():
        return
    context.progress(0, 1, DRAWING)
    with context.fenced():
        drawn = draw_campaign(actor=actor, campaign=campaign)
    context.progress(1, 1, DRAWING)
    context.log(f"drew {drawn} tasks")


@job_handler(kind=FIGURES, queue="default")
def compute_in_background(context: JobContext) -> None:
    """Subject: a campaign whose labels are too many to be counted while a page is waited for."""
    campaign, _actor = _campaign(context)
    context.progress(0, 1, ESTIMATING)
    mark, begin = figures_watermark(campaign), time.monotonic()
    figures = compute_figures(campaign)
    with context.fenced():
        keep_figures(campaign, figures, mark, time.monotonic() - begin)
    context.progress(1, 1, ESTIMATING)


def _campaign(context: JobContext) -> tuple[Campaign, Any]:
    """The campaign and who asked for the job, else who made the campaign."""
    campaign = Campaign.objects.select_related("created_by").get(pk=context.subject_id)
    asked = Job.objects.select_related("created_by").get(pk=context.job_id).created_by
    return campaign, asked or campaign.created_by


def launch_opening(campaign: Campaign, *, actor: Any, wake: bool = True) -> Job:
    return launch(OPEN, subject_type="campaign", subject_id=campaign.pk, created_by=actor, wake=wake)


def launch_drawing(campaign: Campaign, *, actor: Any, wake: bool = True) -> Job:
    return launch(DRAW, subject_type="campaign", subject_id=campaign.pk, created_by=actor, wake=wake)


def launch_figures(campaign: Campaign, *, actor: Any = None, wake: bool = True) -> Job:
    return launch(FIGURES, subject_type="campaign", subject_id=campaign.pk, created_by=actor, wake=wake)


@shared_task(name="annotation.anchor_scores")
def anchor_scores() -> int:
    """Corrects scores by the labels that came since the last time; writes nothing where nothing is new."""
    return anchor_everything()
