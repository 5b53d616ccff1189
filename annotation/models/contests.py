"""An expert says that a guardian's verdict is wrong."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotation.models.tasks import Task
from benchmark.models import Response, Scorer


class Contest(models.Model):
    """One expert's objection to one scorer's verdict on one response, and the task that it made.

    `criteria`: those the expert objects to. `shown`: the verdict as it stood. The task is for others: whoever
    contests has seen the verdict, so a label of theirs would not be blind.
    """

    response = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="contests", db_index=False)
    scorer = models.ForeignKey(Scorer, on_delete=models.PROTECT, related_name="contests")
    expert = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="contests")
    criteria = models.JSONField(_("criteria"), default=list)
    reason = models.TextField(_("reason"))
    shown = models.JSONField(default=dict)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="contests")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("contested verdict")
        verbose_name_plural = _("contested verdicts")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["response", "scorer", "expert"], name="contest_once")]

    def __str__(self) -> str:
        return f"{self.response_id} by {self.scorer_id}"
