"""Background work of the training app: thin shells around services, and the only places that launch them."""

from __future__ import annotations

from typing import Any

from benchmark.tasks import launch_shadow
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.core import launch
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.registry import job_handler
from training.models import Run
from training.services.guardian_training import train_guardian

TRAIN = "train"
QUEUE = "train"


@job_handler(kind=TRAIN, queue=QUEUE, max_attempts=3)
def train(context: JobContext) -> None:
    """Subject: a run. Its guardian then scores everything in the shadow."""
    guardian = train_guardian(context)
    if guardian.shadowed_at is None:
        launch_shadow(guardian, wake=not context.in_foreground)


def launch_run(run: Run, *, actor: Any = None, wake: bool = True) -> Job:
    return launch(TRAIN, subject_type="run", subject_id=run.pk, created_by=actor, wake=wake)
