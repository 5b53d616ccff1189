"""The registry of guardians, and which submissions each of them has judged."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from benchmark.models.scoring import Scorer
from benchmark.models.submissions import Submission


class Guardian(models.Model):
    """An artefact directory that judges, with its way: candidate → shadow → active → retired.

    `folder` is relative to MEDES_HOME/artefacts. `manifest` is the artefact's `guardian.json`. `reliability`:
    how good it is on blind labels of the audit groups, written by whoever measured it. `shadowed_at`: when it
    had scored everything beside the active guardian. `override_reason`: why it was promoted although it did
    not pass the gate; it stays visible. At most one guardian is active.
    """

    class Kind(models.TextChoices):
        LINEAR = "linear", _("linear")
        ENCODER = "encoder", _("encoder")
        GENERATIVE = "generative", _("generative")

    class State(models.TextChoices):
        CANDIDATE = "candidate", _("candidate")
        SHADOW = "shadow", _("in the shadow")
        ACTIVE = "active", pgettext_lazy("guardian", "active")
        RETIRED = "retired", _("retired")

    scorer = models.OneToOneField(Scorer, on_delete=models.PROTECT, related_name="guardian")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.CANDIDATE)
    folder = models.CharField(_("folder"), max_length=200)
    manifest = models.JSONField(default=dict, blank=True)
    reliability = models.JSONField(default=dict, blank=True)
    override_reason = models.TextField(_("reason of the override"), blank=True)
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    shadowed_at = models.DateTimeField(null=True, blank=True)
    promoted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    promoted_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("guardian")
        verbose_name_plural = _("guardians")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="active"), name="one_active_guardian"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="active") | models.Q(promoted_at__isnull=False),
                name="active_guardian_was_promoted",
            ),
        ]

    def __str__(self) -> str:
        return str(self.scorer)


class Judging(models.Model):
    """One guardian's work on one submission: the subject of a job "judge". `finished_at`: its scores stand."""

    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="judgings", db_index=False
    )
    scorer = models.ForeignKey(Scorer, on_delete=models.PROTECT, related_name="judgings")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("judging")
        verbose_name_plural = _("judgings")
        constraints = [models.UniqueConstraint(fields=["submission", "scorer"], name="judging_once")]

    def __str__(self) -> str:
        return f"{self.submission_id} by {self.scorer_id}"
