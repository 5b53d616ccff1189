"""Finds what was lost: jobs never sent, messages never delivered, workers that died."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from medes_site.kit.jobs import errors
from medes_site.kit.jobs.clock import database_now
from medes_site.kit.jobs.core import send
from medes_site.kit.jobs.models import Job, JobLogLine
from medes_site.kit.jobs.processes import ProcessIdentity, is_alive, this_host
from medes_site.kit.jobs.states import NO_HOLDER, requeue

# A job just launched is about to be sent by whoever launched it.
GRACE = timedelta(seconds=5)
# A message this old waits behind others or is lost. A second one does no harm; many would cost room.
SENT_LONG_AGO = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """Ids of the jobs that were sent again, put back into the queue, given up, or ended as cancelled."""

    sent: tuple[int, ...] = ()
    requeued: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    cancelled: tuple[int, ...] = ()
    broker_down: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.sent or self.requeued or self.failed or self.cancelled)


def reconcile(now: datetime | None = None, *, resend_all: bool = False) -> ReconcileReport:
    """Puts right what was lost and says what it did. Safe to run anywhere, at any time, several at once.

    `now` is the database's clock unless a test gives another. `resend_all` also sends queued jobs that were
    sent a moment ago: for a start with an empty broker.
    """
    moment = now or database_now()
    outcome: dict[str, list[int]] = {"requeued": [], "failed": [], "cancelled": []}
    host = this_host()
    running = Job.objects.filter(state=Job.State.RUNNING).filter(Q(lease_until__lt=moment) | Q(host=host))
    for job in running.iterator(chunk_size=500):
        expired = job.lease_until is None or job.lease_until < moment
        if expired or not _holder_lives(job):
            result = _take_up(job, moment, expired=expired)
            if result:
                outcome[result].append(job.pk)
    sent, broker_down = _send(_waiting(moment, resend_all=resend_all))
    return ReconcileReport(
        sent=tuple(sent),
        requeued=tuple(outcome["requeued"]),
        failed=tuple(outcome["failed"]),
        cancelled=tuple(outcome["cancelled"]),
        broker_down=broker_down,
    )


def _holder_lives(job: Job) -> bool:
    if job.pid is None or job.pid_started is None:
        return True
    return is_alive(ProcessIdentity(job.host, job.pid, job.pid_started))


def _take_up(seen: Job, moment: datetime, *, expired: bool) -> str | None:
    """Takes the job from its dead holder; None if it was alive after all (renewed, finished, writing)."""
    with transaction.atomic():
        rows = Job.objects.select_for_update(skip_locked=True).filter(
            pk=seen.pk, state=Job.State.RUNNING, fence=seen.fence
        )
        # A row locked by a fenced write belongs to somebody alive: skipped, not waited for.
        job = (rows.filter(lease_until__lt=moment) if expired else rows).first()
        if job is None:
            return None
        reason = "its lease ran out" if expired else f"process {seen.pid} is gone"
        JobLogLine.objects.create(
            job_id=job.pk, at=database_now(), attempt=job.attempt, text=f"the worker was lost: {reason}"
        )
        if job.cancel_requested_at is None and job.attempt >= job.max_attempts:
            Job.objects.filter(pk=job.pk).update(
                state=Job.State.FAILED,
                error=errors.WORKER_DIED,
                finished_at=Now(),
                fence=F("fence") + 1,
                **NO_HOLDER,
            )
            return "failed"
        requeue(Q(pk=job.pk, fence=seen.fence), delay=timedelta(0), attempt=job.attempt, error="")
        return "requeued" if job.cancel_requested_at is None else "cancelled"


def _waiting(moment: datetime, *, resend_all: bool) -> list[tuple[int, str]]:
    """Queued jobs that are due and of which no fresh message is under way, oldest first."""
    due = Q(not_before=None) | Q(not_before__lte=moment)
    # A job put back has no `sent_at` but an old `created_at`, so it is sent at once.
    lost = Q(sent_at=None, created_at__lt=moment - GRACE) | Q(sent_at__lt=moment - SENT_LONG_AGO)
    queued = Job.objects.filter(due, state=Job.State.QUEUED)
    if not resend_all:
        queued = queued.filter(lost)
    return list(queued.order_by("id").values_list("pk", "queue"))


def _send(jobs: Iterable[tuple[int, str]]) -> tuple[list[int], bool]:
    sent: list[int] = []
    for job_id, queue in jobs:
        if not send(job_id, queue):
            return sent, True  # the others would only wait for the same silent broker
        sent.append(job_id)
    return sent, False
