"""Base models that were made entries as they are, so that a tuned model has something to be compared with."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from benchmark.models import Entry


class BaseEntry(models.Model):
    """`folder`: absolute path of an untuned model in one of MEDES_MODEL_ROOTS, as it was when it became an entry."""

    entry = models.OneToOneField(
        Entry, on_delete=models.PROTECT, related_name="base_entry", verbose_name=_("entry")
    )
    folder = models.CharField(_("folder"), max_length=500, unique=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="base_entries"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("base model as an entry")
        verbose_name_plural = _("base models as entries")
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(self.entry)
