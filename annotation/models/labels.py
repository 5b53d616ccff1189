"""What experts and referees said: drafts, labels in all their versions, reveals, skips, flags, rulings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotation.models.campaigns import Campaign, GuidelineVersion
from annotation.models.tasks import Slot, Task
from benchmark.models import Judgement, Scorer
from benchmark.rules.rubric import CRITERIA


class Draft(models.Model):
    """What an expert has typed so far. `version` rises with every write; a write names the one it knew."""

    slot = models.ForeignKey(Slot, on_delete=models.CASCADE, related_name="drafts", db_index=False)
    expert = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts", db_index=False
    )
    content = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints = [models.UniqueConstraint(fields=["slot", "expert"], name="draft_once")]

    def __str__(self) -> str:
        return f"draft {self.version} of {self.slot_id}"


class Label(models.Model):
    """One version of what one expert said on one task. Rows are never deleted and their answers never change.

    Rubric answers stand in r1…q4 as in benchmark.rules.rubric, those on items and pairs in `answers`.
    `evidence`: for each failed criterion {"clause": text, "spans": [[start, end], …]} in characters of the
    response. `correction`: the answer the expert would rather have read, "" for none.
    `blind`: given before the guardian was shown; the label after it is a series of its own.
    `revision` counts from 0 within (slot, blind); `current`: the newest of its series, None in `undone_at`.
    `extra`: came too late for its seat; kept, but outside cap and consensus. `key`: the client's
    idempotency key. `duration_ms`: as the page measured it, None if unknown.
    """

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="labels", db_index=False)
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="labels", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="labels", db_index=False)
    expert = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="labels", db_index=False
    )
    r1 = models.SmallIntegerField(null=True)
    r2 = models.SmallIntegerField(null=True)
    q1 = models.SmallIntegerField(null=True)
    q2 = models.SmallIntegerField(null=True)
    q3 = models.SmallIntegerField(null=True)
    q4 = models.SmallIntegerField(null=True)
    answers = models.JSONField(null=True, blank=True)
    rationale = models.TextField(_("rationale"), blank=True)
    # A default of the database: the functions of migration 0006 store labels that have no correction.
    correction = models.TextField(_("better answer"), blank=True, default="", db_default="")
    evidence = models.JSONField(default=dict, blank=True)
    blind = models.BooleanField(default=True)
    extra = models.BooleanField(default=False)
    revision = models.PositiveSmallIntegerField(default=0)
    current = models.BooleanField(default=True)
    guideline = models.ForeignKey(
        GuidelineVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="labels",
        db_index=False,
    )
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    key = models.CharField(max_length=64)
    submitted_at = models.DateTimeField(db_default=Now())  # the database's time
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["expert", "key"], name="label_key_once"),
            models.UniqueConstraint(
                fields=["slot", "blind"],
                condition=models.Q(current=True, extra=False),
                name="one_current_label",
            ),
            models.CheckConstraint(
                condition=models.Q(current=False) | models.Q(undone_at__isnull=True),
                name="undone_label_not_current",
            ),
            models.CheckConstraint(
                condition=models.Q(answers__isnull=False)
                | models.Q(
                    models.Q(r1=0, r2=0, q1__in=(0, 1), q2__in=(0, 1), q3__in=(0, 1), q4__in=(0, 1))
                    | models.Q(
                        models.Q(r1=-1) | models.Q(r2=-1),
                        r1__in=(-1, 0),
                        r2__in=(-1, 0),
                        q1=None,
                        q2=None,
                        q3=None,
                        q4=None,
                    )
                ),
                name="label_on_the_scale",
            ),
        ]
        indexes = [
            models.Index(fields=["task"], name="label_by_task"),
            models.Index(fields=["slot"], name="label_by_slot"),
            models.Index(fields=["campaign", "expert", "submitted_at"], name="label_by_day"),
        ]

    def __str__(self) -> str:
        return f"label {self.pk} on task {self.task_id}"

    @property
    def said(self) -> dict[str, Any]:
        """The answers, whatever the kind: {"r1": 0, …} or those on an item or a pair."""
        if self.answers is not None:
            return dict(self.answers)
        return {name: getattr(self, name) for name in CRITERIA}


class Reveal(models.Model):
    """What of a guardian was shown after a blind label, and what the expert then said.

    Kept apart from task and label, so that a blind label serves every later guardian. `shown`: the verdict
    and rationale as they stood. `holds`: per criterion whether the guardian's reasoning holds.
    """

    label = models.OneToOneField(Label, on_delete=models.PROTECT, related_name="reveal")
    after = models.OneToOneField(
        Label, on_delete=models.PROTECT, null=True, blank=True, related_name="revealed_from"
    )
    judgement = models.ForeignKey(
        Judgement, on_delete=models.SET_NULL, null=True, blank=True, related_name="reveals"
    )
    scorer = models.ForeignKey(Scorer, on_delete=models.PROTECT, related_name="reveals")
    shown = models.JSONField()
    shown_at = models.DateTimeField()
    holds = models.JSONField(default=dict, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("reveal")
        verbose_name_plural = _("reveals")

    def __str__(self) -> str:
        return f"reveal after label {self.label_id}"


class Skip(models.Model):
    """An expert passed: non-response, with its reason."""

    class Reason(models.TextChoices):
        UNSURE = "unsure", _("I am not sure")
        NOT_MY_FIELD = "not_my_field", _("not my field")
        CONFLICT = "conflict", _("conflict of interest")
        UNREADABLE = "unreadable", _("cannot be read or understood")
        DISTRESSING = "distressing", _("distressing")
        OTHER = "other", _("other")

    slot = models.OneToOneField(Slot, on_delete=models.PROTECT, related_name="skip")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="skips")
    expert = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="skips")
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    note = models.TextField(_("note"), blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("skip")
        verbose_name_plural = _("skips")

    def __str__(self) -> str:
        return f"{self.slot_id}: {self.reason}"


class Flag(models.Model):
    """Something is wrong with the task, or (later) somebody contests its outcome."""

    class Kind(models.TextChoices):
        PROBLEM = "problem", _("problem")
        CONTEST = "contest", _("contested")

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="flags")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, null=True, blank=True, related_name="flags")
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="flags")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PROBLEM)
    note = models.TextField(_("note"))
    at = models.DateTimeField()
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("flag")
        verbose_name_plural = _("flags")

    def __str__(self) -> str:
        return f"flag on task {self.task_id}"


class Ruling(models.Model):
    """A referee's last word on a disputed task. `answers` is None where the norm is silent.

    `correction`: the answer the referee would rather have read, "" for none."""

    class Decision(models.TextChoices):
        ACCEPT = "accept", _("accept a label")
        OVERRULE = "overrule", _("overrule")
        NORM_SILENT = "norm_silent", _("norm silent")

    task = models.OneToOneField(Task, on_delete=models.PROTECT, related_name="ruling")
    referee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rulings")
    referee_pseudonym = models.CharField(max_length=16)
    decision = models.CharField(_("decision"), max_length=11, choices=Decision.choices)
    label = models.ForeignKey(Label, on_delete=models.PROTECT, null=True, blank=True, related_name="rulings")
    answers = models.JSONField(null=True, blank=True)
    rationale = models.TextField(_("rationale"))
    correction = models.TextField(_("better answer"), blank=True, default="", db_default="")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("ruling")
        verbose_name_plural = _("rulings")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(decision="accept", label__isnull=False, answers__isnull=False)
                | models.Q(decision="overrule", label__isnull=True, answers__isnull=False)
                | models.Q(decision="norm_silent", label__isnull=True, answers__isnull=True),
                name="ruling_fits_its_decision",
            )
        ]

    def __str__(self) -> str:
        return f"{self.decision} on task {self.task_id}"
