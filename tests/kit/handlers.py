"""Handlers that exist in tests only; child processes of the tests import this module too."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.models import JobLogLine
from medes_site.kit.jobs.registry import job_handler

ITEM = "item "
# What the handler of "test.script" does for a subject; in this process only.
scripts: dict[int, Callable[[JobContext], None]] = {}


@job_handler(kind="test.script", queue="evaluate", max_attempts=3)
def run_script(context: JobContext) -> None:
    scripts[context.subject_id](context)


@job_handler(kind="test.items", queue="evaluate", max_attempts=3)
def write_items(context: JobContext) -> None:
    """Writes one row for each of `subject_id` items, going on where an earlier attempt ended.

    Nothing in the table keeps a row from being written twice, so a doubled write would show.
    """
    pause = float(os.environ.get("MEDES_TEST_PAUSE", "0"))
    done = written_items(context.job_id)
    for number in range(len(done), context.subject_id):
        with context.fenced():
            JobLogLine.objects.create(
                job_id=context.job_id, at="2026-01-01T00:00Z", attempt=context.attempt, text=f"{ITEM}{number}"
            )
        context.progress(number + 1, context.subject_id, "items")
        time.sleep(pause)


def written_items(job_id: int) -> list[str]:
    return list(
        JobLogLine.objects.filter(job_id=job_id, text__startswith=ITEM).values_list("text", flat=True)
    )
