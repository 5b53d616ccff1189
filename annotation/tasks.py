"""Background work of the annotation app: thin shells around services, and the only places that launch them."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from annotation.models import Campaign
from annotation.services.anchoring import anchor_everything
from annotation.services.campaigns import open_campaign
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.core import launch
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.registry import job_handler

OPEN = "open_campaign"


@job_handler(kind=OPEN, queue="default")
def open_in_background(context: JobContext) -> None:
    """Subject: a campaign. Opening a very large one takes minutes; an earlier attempt may have done it."""
    campaign = Campaign.objects.select_related("created_by").get(pk=context.subject_id)
    if campaign.state not in (Campaign.State.DRAFT, Campaign.State.PAUSED):
        return
    opener = Job.objects.select_related("created_by").get(pk=context.job_id).created_by or campaign.created_by
    with context.fenced():
        open_campaign(actor=opener, campaign=campaign)
    context.log(f"opened campaign {campaign.slug}")


def launch_opening(campaign: Campaign, *, actor: Any, wake: bool = True) -> Job:
    return launch(OPEN, subject_type="campaign", subject_id=campaign.pk, created_by=actor, wake=wake)


@shared_task(name="annotation.anchor_scores")
def anchor_scores() -> int:
    """Corrects scores by the labels that came since the last time; writes nothing where nothing is new."""
    return anchor_everything()
