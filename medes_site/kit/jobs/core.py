"""Launch a job, wake a worker for it, run it. `docs/jobs.md` tells the whole life of a job."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models.functions import Now
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from medes_site.kit.jobs import errors
from medes_site.kit.jobs.clock import database_now, lease_length
from medes_site.kit.jobs.context import JobContext, Keeper, ProgressObserver
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.registry import handler_for
from medes_site.kit.jobs.states import Claim, claim, finish, heartbeat, put_back, request_cancel

__all__ = ["launch", "request_cancel", "run_job", "send"]

logger = logging.getLogger(__name__)
RUN_TASK = "jobs.run"


def launch(
    kind: str, *, subject_type: str, subject_id: int, created_by: Any = None, wake: bool = True
) -> Job:
    """The new job of this kind on this subject, or the one that is queued or running already.

    After the commit a worker is woken, unless `wake` is False (a command that runs the job itself). A broker
    that is down does no harm: the reconciler sends the job later. Raises UnknownJobKind.
    """
    handler = handler_for(kind)
    subject = {"kind": kind, "subject_type": subject_type, "subject_id": subject_id}
    for tries_left in (4, 3, 2, 1, 0):
        try:
            with transaction.atomic():
                job = Job.objects.create(
                    **subject,
                    queue=handler.queue,
                    max_attempts=handler.max_attempts,
                    created_by=created_by,
                    created_at=database_now(),
                )
            break
        except IntegrityError:
            active = Job.objects.filter(**subject, state__in=Job.ACTIVE).first()
            if active is not None:
                return active
            if not tries_left:  # it did not just end between the two statements: the row itself is at fault
                raise
    if wake:
        transaction.on_commit(partial(send, job.pk, job.queue))
    return job


def send(job_id: int, queue: str) -> bool:
    """Asks the broker to wake a worker of `queue`; False, and a warning, if the broker does not answer."""
    try:
        current_app.send_task(RUN_TASK, args=[job_id], queue=queue, retry=False, ignore_result=True)
    except (KombuError, RedisError, OSError) as error:
        logger.warning("job %s waits: the broker does not answer (%s)", job_id, error)
        return False
    Job.objects.filter(pk=job_id, state=Job.State.QUEUED).update(sent_at=Now())
    return True


def run_job(job_id: int, *, observer: ProgressObserver | None = None) -> Job.State | None:
    """Claims the job and runs its handler to the end; the state afterwards, None if there is no such job.

    Returns at once if the job is not there to be taken, so a message may come twice, late or for nothing.
    Must not be called inside a transaction: heartbeats come over a second connection.
    """
    if connection.in_atomic_block:
        raise RuntimeError("a job needs to commit by itself: run it outside of any transaction")
    holder = claim(job_id)
    if holder is not None:
        run_held(holder, observer)
    state = Job.objects.filter(pk=job_id).values_list("state", flat=True).first()
    return None if state is None else Job.State(state)


def run_held(holder: Claim, observer: ProgressObserver | None = None) -> None:
    """Does a job that this process has just claimed, and brings its row to whatever state follows."""
    try:
        handler = handler_for(holder.kind)
    except errors.UnknownJobKind:
        finish(holder, Job.State.FAILED, errors.UNKNOWN_KIND)
        return
    context = JobContext(holder, observer)
    context.log(f"attempt {holder.attempt} of {holder.max_attempts} begins")
    try:
        with Keeper(context):
            handler.run(context)
    except Exception as error:
        context.log(traceback.format_exc())
        _close(context, partial(_record_failure, holder, error))
    except errors.LeaseLost:
        context.log("stopped: the job has another holder by now, or none")
        _close(context, lambda: False)
    except errors.JobCancelled:
        context.log("cancelled on request")
        _close(context, partial(finish, holder, Job.State.CANCELLED))
    except errors.JobInterrupted:
        context.log("the worker shuts down; back to the queue")
        _close(context, partial(put_back, holder, count_attempt=False))
    except KeyboardInterrupt:
        context.log("stopped from the keyboard")
        _close(context, partial(finish, holder, Job.State.CANCELLED))
        raise
    except BaseException:  # SystemExit from a pool that is being torn down
        context.log(traceback.format_exc())
        _close(context, partial(put_back, holder, count_attempt=True))
        raise
    else:
        context.log("finished")
        _close(context, partial(finish, holder, Job.State.SUCCEEDED))
    logger.info("job %s (%s) attempt %s ended", holder.job_id, holder.kind, holder.attempt)


def _record_failure(holder: Claim, error: Exception) -> bool:
    """What an exception makes of the job: another try later, or the end with one clear sentence."""
    if isinstance(error, OperationalError):  # the database went away, or was locked for too long
        error = errors.TransientJobError(errors.STILL_FAILING)
    if not isinstance(error, errors.JobError):
        return finish(holder, Job.State.FAILED, errors.UNEXPECTED)
    sentence = str(error) or errors.UNEXPECTED
    if isinstance(error, errors.TransientJobError) and holder.attempt < holder.max_attempts:
        return put_back(holder, count_attempt=True, delay=retry_delay(holder.attempt), error=sentence)
    return finish(holder, Job.State.FAILED, sentence)


def retry_delay(attempt: int) -> timedelta:
    """A sixth of a lease after the first attempt, twice as long after each further one, at most an hour."""
    return min(lease_length() / 6 * 2 ** min(attempt - 1, 12), timedelta(hours=1))


def _close(context: JobContext, step: Callable[[], bool]) -> None:
    """Last progress, then the log, then the change of state, so that a job seen as over has its whole log."""
    connection.close_if_unusable_or_obsolete()
    last = context._take_progress()
    if last:
        heartbeat(context._holder, **last)
    context._flush_lines()
    if not step():
        logger.warning("job %s: attempt %s no longer holds it", context.job_id, context.attempt)
