"""Jobs in the foreground: what a management command does unless it is given --queue."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from django.db import connection
from tqdm import tqdm

from medes_site.kit.jobs.core import request_cancel, run_held
from medes_site.kit.jobs.errors import JobBusy
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.states import claim

RETRY_POLL_SECONDS = 0.5


class _Bar:
    """A progress bar on a terminal, nothing anywhere else."""

    def __init__(self, stream: TextIO) -> None:
        self._bar = tqdm(file=stream, unit="", disable=not stream.isatty(), dynamic_ncols=True)

    def show(self, done: int, total: int, stage: str) -> None:
        if total and self._bar.total != total:
            self._bar.total = total
        if stage and not self._bar.disable:
            self._bar.set_description_str(stage, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


def run_in_foreground(job: Job, stream: TextIO | None = None) -> Job:
    """Runs a job that `launch(…, wake=False)` gave, here and now; the row as it is afterwards.

    Same claim and same fences as in a worker. Ctrl-C cancels the job. Raises JobBusy if another has it.
    """
    if connection.in_atomic_block:
        raise RuntimeError("a job needs to commit by itself: run it outside of any transaction")
    bar = _Bar(stream or sys.stderr)
    try:
        while True:
            holder = claim(job.pk)
            if holder is not None:
                run_held(holder, bar.show)
            job = Job.objects.get(pk=job.pk)
            if not job.is_active:
                return job
            if job.state == Job.State.RUNNING:
                raise JobBusy(f"Job {job.pk} ({job.kind}) is being done by process {job.pid} on {job.host}.")
            time.sleep(RETRY_POLL_SECONDS)  # a failure that may pass put it back for a while
    except KeyboardInterrupt:
        request_cancel(job.pk)
        raise
    finally:
        bar.close()
