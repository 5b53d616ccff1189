"""What has been computed about a campaign, kept so that a page need not count a hundred thousand labels."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from annotation.models.campaigns import Campaign


class CampaignFigures(models.Model):
    """The newest figures of one campaign (annotation.queries.figures). Derived: deleting the row loses nothing.

    `watermark`: how far the histories of the site had gone when `content` was computed.
    """

    campaign = models.OneToOneField(
        Campaign, on_delete=models.CASCADE, related_name="figures", primary_key=True
    )
    content = models.JSONField()
    watermark = models.CharField(max_length=80)
    computed_at = models.DateTimeField()
    seconds = models.FloatField(help_text="How long the computing took.")

    class Meta:
        verbose_name = _("figures of a campaign")
        verbose_name_plural = _("figures of campaigns")

    def __str__(self) -> str:
        return f"figures of {self.campaign_id}"
