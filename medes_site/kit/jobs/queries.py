"""What pages show of jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from medes_site.kit.jobs.models import Job, JobLogLine


@dataclass(frozen=True, slots=True)
class LogLine:
    """`number` grows along the log: give the last one seen as `after` to read on."""

    number: int
    at: datetime
    attempt: int
    text: str


def latest_job(subject_type: str, subject_id: int, *, kind: str | None = None) -> Job | None:
    """The newest job on a subject, of one kind or of any."""
    jobs = Job.objects.filter(subject_type=subject_type, subject_id=subject_id)
    if kind is not None:
        jobs = jobs.filter(kind=kind)
    return jobs.order_by("-id").first()


def latest_jobs(subject_type: str, subject_ids: list[int]) -> dict[int, Job]:
    """The newest job of each subject that has one; one query for a whole page."""
    jobs = Job.objects.filter(subject_type=subject_type, subject_id__in=subject_ids).order_by("id")
    return {job.subject_id: job for job in jobs}


def read_log(job_id: int, *, after: int = 0, limit: int = 500) -> list[LogLine]:
    """Up to `limit` lines behind line number `after`, in order."""
    rows = JobLogLine.objects.filter(job_id=job_id, pk__gt=after).order_by("id")[:limit]
    return [LogLine(row.pk, row.at, row.attempt, row.text) for row in rows]


def count_by_state() -> dict[tuple[str, str], int]:
    """(queue, state) → number of jobs; for `/metrics`."""
    rows = Job.objects.order_by().values_list("queue", "state").annotate(number=Count("id"))
    return {(queue, state): number for queue, state, number in rows}
