"""Entries (language models somebody submitted), their submissions, and the responses in them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from benchmark.models.items import BenchmarkVersion, Item
from benchmark.querysets import EntryQuerySet, SubmissionQuerySet


class Entry(models.Model):
    """A language model. A name belongs to whoever registered it; `owner` None: the platform itself."""

    class Type(models.TextChoices):
        GENERAL = "general", _("general")
        MEDICAL = "medical", _("medical")
        REASONING = "reasoning", _("reasoning")
        BASELINE = "baseline", _("baseline")

    slug = models.SlugField(unique=True, max_length=120)
    name = models.CharField(_("name"), max_length=120, unique=True)
    organisation = models.CharField(_("organisation"), max_length=160, blank=True)
    parameters_b = models.DecimalField(
        _("parameters (billions)"), max_digits=8, decimal_places=2, null=True, blank=True
    )
    type = models.CharField(_("type"), max_length=10, choices=Type.choices, default=Type.GENERAL)
    licence = models.CharField(_("licence"), max_length=120, blank=True)
    link = models.URLField(_("link"), blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="entries"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Submission(models.Model):
    """One attempt of an entry at a benchmark version: private, then in review, then public."""

    class Method(models.TextChoices):
        FILE = "file", _("predictions file")
        ENDPOINT = "endpoint", _("endpoint")
        CHECKPOINT = "checkpoint", _("checkpoint")
        IMPORTED = "imported", _("imported by the platform")

    class State(models.TextChoices):
        PRIVATE = "private", _("private")
        IN_REVIEW = "in_review", _("in review")
        PUBLIC = "public", pgettext_lazy("submission", "public")
        REJECTED = "rejected", _("returned")
        WITHDRAWN = "withdrawn", _("withdrawn")

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="submissions")
    version = models.ForeignKey(BenchmarkVersion, on_delete=models.PROTECT, related_name="submissions")
    method = models.CharField(_("method"), max_length=10, choices=Method.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PRIVATE)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="submissions"
    )
    note = models.TextField(_("note"), blank=True)
    file = models.FileField(upload_to="submissions/%Y/%m/", blank=True, max_length=255)
    file_name = models.CharField(_("file name"), max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    responses_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    evaluated_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="reviews"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review_note = models.TextField(_("reviewer's note"), blank=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        ordering = ["-id"]
        indexes = [models.Index(fields=["submitted_by", "created_at"], name="submission_quota")]
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "version", "file_sha256"],
                condition=~models.Q(file_sha256="") & ~models.Q(state="withdrawn"),
                name="same_file_once_per_entry",
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.entry_id}"


class Response(models.Model):
    """The entry's answer to one item. `cut_off`: the file says the reply hit its length limit."""

    # The unique constraint below is the index of this foreign key too; so in the tables of scoring.
    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="responses", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="responses")
    text = models.TextField(_("response"), blank=True)
    text_hash = models.CharField(max_length=64)
    cut_off = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("response")
        verbose_name_plural = _("responses")
        constraints = [models.UniqueConstraint(fields=["submission", "item"], name="response_once_per_item")]

    def __str__(self) -> str:
        return f"{self.submission_id}/{self.item_id}"
