"""Datasets: immutable, hashed snapshots of training rows."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from training.querysets import ResearchQuerySet


class TrainingKind(models.TextChoices):
    """What is trained: the same words for datasets and for runs."""

    GUARDIAN = "guardian", _("guardian")
    SFT = "sft", "SFT"
    DPO = "dpo", "DPO"


class Dataset(models.Model):
    """Rows as they were drawn once, in files that never change again.

    `recipe` is what was asked for, `content_hash` the SHA-256 over names and bytes of the files: the same rows are
    the same dataset. `folder` is relative to MEDES_HOME/artefacts. `manifest`: {"files": {name: {"rows", "bytes",
    "sha256"}}, "counts", "lineage"}, where lineage names the labels and rulings it was made of. `card`: Markdown
    for people.
    """

    kind = models.CharField(_("kind"), max_length=10, choices=TrainingKind.choices)
    recipe = models.JSONField(_("recipe"), default=dict)
    content_hash = models.CharField(_("content hash"), max_length=64)
    folder = models.CharField(_("folder"), max_length=200)
    rows = models.PositiveIntegerField(_("rows"))
    manifest = models.JSONField(default=dict)
    card = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="datasets"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ResearchQuerySet.as_manager()

    class Meta:
        verbose_name = _("dataset")
        verbose_name_plural = _("datasets")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["kind", "content_hash"], name="dataset_content_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.short_hash}"

    @property
    def short_hash(self) -> str:
        return self.content_hash[:12]
