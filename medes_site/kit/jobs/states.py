"""The steps between the states of a job. Each is one guarded UPDATE, so two processes cannot both take it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Now

from medes_site.kit.jobs.clock import from_now, lease_length
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.processes import ProcessIdentity, this_process

NO_HOLDER: dict[str, Any] = {"host": "", "pid": None, "pid_started": None, "lease_until": None}


@dataclass(frozen=True, slots=True)
class Claim:
    """Proof of holding a job: a write counts only while the row still shows this fence."""

    job_id: int
    kind: str
    subject_type: str
    subject_id: int
    attempt: int
    max_attempts: int
    fence: int


def claim(job_id: int, process: ProcessIdentity | None = None) -> Claim | None:
    """Takes a queued job that is due, or a running one whose lease is over, else None.

    It costs one attempt and gives a new fence. A job whose attempts are used up is left to the reconciler.
    """
    holder = process or this_process()
    free = Q(state=Job.State.QUEUED) & (Q(not_before=None) | Q(not_before__lte=Now()))
    expired = Q(state=Job.State.RUNNING, lease_until__lt=Now())
    with transaction.atomic():
        taken = Job.objects.filter(
            free | expired, pk=job_id, cancel_requested_at=None, attempt__lt=F("max_attempts")
        ).update(
            state=Job.State.RUNNING,
            attempt=F("attempt") + 1,
            fence=F("fence") + 1,
            host=holder.host,
            pid=holder.pid,
            pid_started=holder.started,
            lease_until=from_now(lease_length()),
            heartbeat_at=Now(),
            started_at=Coalesce("started_at", Now()),
            not_before=None,
            error="",
        )
        if not taken:
            return None
        row = Job.objects.get(pk=job_id)  # our own UPDATE keeps the row locked until we have read the fence
    return Claim(row.pk, row.kind, row.subject_type, row.subject_id, row.attempt, row.max_attempts, row.fence)


def held(holder: Claim) -> Q:
    """The condition under which `holder` may write."""
    return Q(pk=holder.job_id, state=Job.State.RUNNING, fence=holder.fence)


def heartbeat(holder: Claim, **fields: Any) -> bool:
    """Renews the lease and writes `fields` (progress) with it; False if the job is no longer ours."""
    return bool(
        Job.objects.filter(held(holder)).update(
            lease_until=from_now(lease_length()), heartbeat_at=Now(), **fields
        )
    )


def finish(holder: Claim, state: Job.State, error: str = "", **fields: Any) -> bool:
    """The last write of a holder; False if the job is no longer ours."""
    return bool(
        Job.objects.filter(held(holder)).update(
            state=state, error=error, finished_at=Now(), lease_until=None, **fields
        )
    )


def put_back(holder: Claim, *, delay: timedelta = timedelta(0), count_attempt: bool, error: str = "") -> bool:
    """Back to the queue, due after `delay`; a cancel that came meanwhile is obeyed instead."""
    return requeue(
        held(holder),
        delay=delay,
        attempt=holder.attempt if count_attempt else holder.attempt - 1,
        error=error,
    )


def requeue(condition: Q, *, delay: timedelta, attempt: int, error: str) -> bool:
    """Running → queued (or cancelled, if that was asked for) with a new fence, where `condition` holds."""
    asked = Q(cancel_requested_at__isnull=False)
    return bool(
        Job.objects.filter(condition, state=Job.State.RUNNING).update(
            state=Case(When(asked, then=Value(Job.State.CANCELLED)), default=Value(Job.State.QUEUED)),
            finished_at=Case(When(asked, then=Now()), default=None),
            not_before=from_now(delay) if delay else None,
            sent_at=None,
            attempt=attempt,
            error=error,
            fence=F("fence") + 1,
            **NO_HOLDER,
        )
    )


def request_cancel(job_id: int) -> bool:
    """Cancels a queued job at once and asks a running one to stop; False if the job is over or unknown.

    One statement for both, since a job may change from one to the other at any moment.
    """
    queued = Q(state=Job.State.QUEUED)
    return bool(
        Job.objects.filter(pk=job_id, state__in=Job.ACTIVE).update(
            cancel_requested_at=Coalesce("cancel_requested_at", Now()),
            finished_at=Case(When(queued, then=Now()), default=F("finished_at")),
            state=Case(When(queued, then=Value(Job.State.CANCELLED)), default=F("state")),
        )
    )
