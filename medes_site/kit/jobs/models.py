"""The job row: the truth about one piece of background work. The broker only wakes workers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from medes_site.kit.sentences import in_words


class Job(models.Model):
    """One run of one handler on one subject.

    Every claim raises `fence`; a write is accepted only from the holder of the current fence, so a
    worker that was thought dead cannot overwrite its successor. `lease_until` passes when heartbeats
    stop; the reconciler then queues the job again until `max_attempts`.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("finished")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    ACTIVE = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    queue = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    fence = models.PositiveBigIntegerField(default=0)
    host = models.CharField(max_length=120, blank=True, help_text="Host name and process-id namespace.")
    pid = models.PositiveIntegerField(null=True)
    pid_started = models.FloatField(null=True, help_text="Start of the process, seconds since the epoch.")
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(default=0)
    stage = models.CharField(max_length=80, blank=True)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, help_text="By the database's clock.")
    sent_at = models.DateTimeField(null=True, help_text="When the broker was last asked to wake a worker.")
    not_before = models.DateTimeField(null=True, help_text="A retry waits until then.")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_type", "subject_id"],
                condition=models.Q(state__in=["queued", "running"]),
                name="one_active_job_per_subject",
            )
        ]
        indexes = [
            models.Index(fields=["state", "lease_until"], name="job_reconcile"),
            models.Index(fields=["subject_type", "subject_id", "-id"], name="job_of_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_type}:{self.subject_id} ({self.state})"

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def error_message(self) -> str:
        """`error` in the reader's language, be it the core's own sentence or a handler's."""
        return in_words(self.error)

    @property
    def is_silent(self) -> bool:
        """Its worker has not been heard of for longer than its lease: the reconciler will hand it on."""
        return (
            self.state == self.State.RUNNING
            and self.lease_until is not None
            and self.lease_until < timezone.now()
        )

    @property
    def share_done(self) -> float | None:
        """Between 0 and 1, or None while the total is unknown."""
        return min(1.0, self.progress_done / self.progress_total) if self.progress_total else None


class JobLogLine(models.Model):
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_lines")
    at = models.DateTimeField()
    attempt = models.PositiveSmallIntegerField(default=0)
    text = models.TextField()

    class Meta:
        verbose_name = _("job log line")
        verbose_name_plural = _("job log lines")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text
