"""The two Celery tasks of the job core. Messages carry an id and nothing else."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from medes_site.kit.jobs import shutdown
from medes_site.kit.jobs.core import RUN_TASK, run_job
from medes_site.kit.jobs.reconcile import reconcile


@shared_task(name=RUN_TASK, ignore_result=True)
def run(job_id: int) -> None:
    run_job(job_id)


@shared_task(name="jobs.reconcile", ignore_result=True)
def reconcile_jobs() -> None:
    reconcile()


@worker_shutting_down.connect(weak=False)
def _tell_children(**_: Any) -> None:
    """Celery offers no other way to learn of a shutdown in the main process of a worker."""
    shutdown.announce()
