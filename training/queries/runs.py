"""What pages show of runs: their job, the log, the engine's figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.queries import LogLine, latest_job, latest_jobs
from training.models import Run, RunMetric, TrainingKind

SUBJECT = "run"
LOG_LINES = 200
PATIENCE = timedelta(seconds=20)
MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its newest job. `waits_long`: no worker has taken it for a while."""

    run: Run
    job: Job | None
    log: tuple[LogLine, ...] = ()

    @property
    def active(self) -> bool:
        return self.job is not None and self.job.state in Job.ACTIVE

    @property
    def stopping(self) -> bool:
        return self.active and self.job is not None and self.job.cancel_requested_at is not None

    @property
    def waits_long(self) -> bool:
        job = self.job
        return bool(
            job
            and job.state == Job.State.QUEUED
            and not job.attempt
            and timezone.now() - job.created_at > PATIENCE
        )

    @property
    def may_resume(self) -> bool:
        """It ended without a product, so it can be taken up again."""
        return not self.active and self.run.finished_at is None

    @property
    def state(self) -> str:
        return self.job.state if self.job is not None else ""

    @property
    def seconds(self) -> float | None:
        """How long it has worked, or worked in all."""
        job = self.job
        if job is None or job.started_at is None:
            return None
        return ((job.finished_at or timezone.now()) - job.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class MetricCurve:
    """One figure of a run over its steps, at most 400 of them, evenly chosen."""

    phase: str
    name: str
    points: tuple[tuple[int, float], ...]


def run_view(run: Run) -> RunView:
    job = latest_job(SUBJECT, run.pk)
    return RunView(run, job, tuple(log_tail(job.pk)) if job else ())


def log_tail(job_id: int) -> list[LogLine]:
    """The last 200 lines of a job's log, in order, however long the log is."""
    rows = Job.objects.get(pk=job_id).log_lines.order_by("-id")[:LOG_LINES]
    return [LogLine(row.pk, row.at, row.attempt, row.text) for row in reversed(rows)]


def run_rows(runs: QuerySet[Run] | list[Run]) -> list[RunView]:
    found = list(runs)
    jobs = latest_jobs(SUBJECT, [run.pk for run in found])
    return [RunView(run, jobs.get(run.pk)) for run in found]


def active_runs(kind: str = TrainingKind.GUARDIAN) -> list[RunView]:
    """Runs that wait or work now, newest first."""
    subjects = Job.objects.filter(subject_type=SUBJECT, state__in=Job.ACTIVE).values("subject_id")
    return run_rows(Run.objects.filter(kind=kind, pk__in=subjects).order_by("-pk"))


def metric_curves(run: Run) -> list[MetricCurve]:
    """Every figure that has at least two steps, by phase and name."""
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    rows: Any = (
        RunMetric.objects.filter(run=run).order_by("phase", "step").values_list("phase", "step", "values")
    )
    for phase, step, values in rows.iterator(chunk_size=2000):
        for name, value in values.items():
            found.setdefault((phase, name), []).append((step, float(value)))
    return [
        MetricCurve(phase, name, tuple(_thinned(points)))
        for (phase, name), points in sorted(found.items())
        if len(points) > 1
    ]


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    if len(points) <= MOST_POINTS:
        return points
    every = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(place * every)] for place in range(MOST_POINTS)]
