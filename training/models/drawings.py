"""Drawings of datasets that take longer than a page should: what was asked for, and the dataset that came of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from training.models.datasets import Dataset, TrainingKind
from training.querysets import ResearchQuerySet


class Drawing(models.Model):
    """One wish for a dataset; how far it is, its job says (kind "draw_dataset", subject "drawing")."""

    kind = models.CharField(_("kind"), max_length=10, choices=TrainingKind.choices)
    recipe = models.JSONField(_("recipe"), default=dict)
    dataset = models.ForeignKey(
        Dataset,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="drawings",
        verbose_name=_("dataset"),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="drawings"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ResearchQuerySet.as_manager()

    class Meta:
        verbose_name = _("drawing of a dataset")
        verbose_name_plural = _("drawings of datasets")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"
