"""What a handler is given, and the thread that keeps its job alive."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, IntegrityError, close_old_connections, connection, transaction
from django.utils import timezone

from medes_site.kit.jobs import shutdown
from medes_site.kit.jobs.errors import JobCancelled, JobInterrupted, LeaseLost
from medes_site.kit.jobs.models import Job, JobLogLine
from medes_site.kit.jobs.states import Claim, heartbeat, held

logger = logging.getLogger(__name__)
TICK_SECONDS = 1.0
LOG_LINE_CHARACTERS = 20_000

ProgressObserver = Callable[[int, int, str], None]


class JobContext:
    """A handler's view of its job. Its methods are cheap: the database is written by the keeper's thread."""

    def __init__(self, holder: Claim, observer: ProgressObserver | None = None) -> None:
        self.job_id = holder.job_id
        self.subject_type = holder.subject_type
        self.subject_id = holder.subject_id
        self.attempt = holder.attempt
        self._holder = holder
        self._observer = observer
        self._lock = threading.Lock()
        self._progress: tuple[int, int, str] = (0, 0, "")
        self._progress_changed = False
        self._lines: list[tuple[datetime, str]] = []
        self._cancelled = False
        self._lost = False

    @property
    def in_foreground(self) -> bool:
        """Somebody watches: a command runs the job itself, so work it launches need wake no worker."""
        return self._observer is not None

    def progress(self, done: int, total: int | None = None, stage: str = "") -> None:
        """Notes how far the work is; written at most once a second, and only while the job is held.

        `total` and `stage` keep their former value when not given. Checks like `check`.
        """
        with self._lock:
            self._progress = (done, self._progress[1] if total is None else total, stage or self._progress[2])
            self._progress_changed = True
            now = self._progress
        if self._observer:
            self._observer(*now)
        self.check()

    def log(self, text: str) -> None:
        """Adds a line to the job's log, which is kept for good, also by an attempt that fails."""
        with self._lock:
            self._lines.append((timezone.now(), text[:LOG_LINE_CHARACTERS].replace("\0", "\ufffd")))

    def check(self) -> None:
        """Raises LeaseLost, JobCancelled or JobInterrupted if the work should end here. No database."""
        if self._lost:
            raise LeaseLost
        if self._cancelled:
            raise JobCancelled
        if shutdown.is_announced():
            raise JobInterrupted

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """A transaction for the handler's writes, entered only if this worker holds the job, else LeaseLost.

        The job's row stays locked until the commit (PostgreSQL by FOR UPDATE, SQLite by the write lock that
        every transaction takes at its BEGIN), so nobody can take the job over in between. Keep it short.
        """
        with transaction.atomic():
            if Job.objects.select_for_update().filter(held(self._holder)).values("pk").first() is None:
                self._lost = True
                raise LeaseLost
            yield

    def _flush_lines(self) -> None:
        """Log lines are not fenced: what a worker did before it lost the job is worth knowing too."""
        with self._lock:
            lines, self._lines = self._lines, []
        if not lines:
            return
        try:
            JobLogLine.objects.bulk_create(
                [
                    JobLogLine(job_id=self.job_id, at=at, attempt=self.attempt, text=text)
                    for at, text in lines
                ],
                batch_size=500,
            )
        except IntegrityError:
            logger.warning("job %s is deleted; %s log lines go with it", self.job_id, len(lines))
        except DatabaseError:
            with self._lock:
                self._lines = lines + self._lines
            raise

    def _take_progress(self) -> dict[str, int | str]:
        with self._lock:
            if not self._progress_changed:
                return {}
            self._progress_changed = False
            done, total, stage = self._progress
        return {"progress_done": max(0, done), "progress_total": max(0, total), "stage": stage[:80]}


class Keeper:
    """While it is entered, a thread with a database connection of its own keeps the job's row fresh.

    Every second it writes changed progress and new log lines and looks for a cancel; every quarter of a
    lease it renews the lease. It survives a database that does not answer: if that lasts longer than the
    lease, the job is given up as lost, because by then somebody else may have it.
    """

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"job-{context.job_id}", daemon=True)
        self._renewed = time.monotonic()

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        try:
            while not self._over.wait(min(TICK_SECONDS, settings.MEDES_JOB_LEASE_SECONDS / 8)):
                try:
                    self._tick()
                except DatabaseError as error:
                    logger.warning("job %s: no heartbeat this time: %s", self._context.job_id, error)
                    close_old_connections()
                    if time.monotonic() - self._renewed > settings.MEDES_JOB_LEASE_SECONDS:
                        self._context._lost = True
                if self._context._lost:
                    return
        finally:
            connection.close()

    def _tick(self) -> None:
        context = self._context
        changed = context._take_progress()
        begun = time.monotonic()
        if changed or begun - self._renewed > settings.MEDES_JOB_LEASE_SECONDS / 4:
            if not heartbeat(context._holder, **changed):
                context._lost = True
            self._renewed = begun
        row = Job.objects.filter(held(context._holder)).values("cancel_requested_at").first()
        if row is None:
            context._lost = True
        elif row["cancel_requested_at"] is not None:
            context._cancelled = True
        context._flush_lines()
