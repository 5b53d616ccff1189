"""Stores what is computed about a campaign."""

from __future__ import annotations

import time

from django.db.models.functions import Now

from annotation.models import Campaign, CampaignFigures
from annotation.queries.figures import Figures, compute_figures, figures_watermark, to_json


def refresh_figures(campaign: Campaign) -> Figures:
    """Computes the figures and keeps them. The mark is taken first: what comes meanwhile makes them old again."""
    mark, begin = figures_watermark(campaign), time.monotonic()
    figures = compute_figures(campaign)
    keep_figures(campaign, figures, mark, time.monotonic() - begin)
    return figures


def keep_figures(campaign: Campaign, figures: Figures, watermark: str, seconds: float) -> None:
    CampaignFigures.objects.update_or_create(
        campaign=campaign,
        defaults={
            "content": to_json(figures),
            "watermark": watermark,
            "computed_at": Now(),
            "seconds": seconds,
        },
    )
