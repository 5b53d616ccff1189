"""A real Celery worker that can be killed or held, and a look at the engines of a run: for tests of what outlives what."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.conf import settings
from django.db import DatabaseError, transaction

from medes_site.kit.jobs.models import Job
from tests.kit.processes import start, wait_for
from training.models import Run


class Worker:
    """`celery worker` with its beat, on the test's database and a Redis of its own."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return start(
            "-m", "celery", "-A", "medes_site", "worker", "--beat", "--queues", "default,train", "--concurrency", "2",
            "--loglevel", "ERROR", "--schedule", str(settings.MEDES_HOME / "beat"),
            REDIS_URL=self._redis_url, MEDES_JOB_LEASE_SECONDS="20", OMP_NUM_THREADS="1",
        )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL to all of it at once; the engine is in a group of its own."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def start_again(self) -> None:
        self.process = self._start()

    @contextmanager
    def standing_still(self, job: Job) -> Iterator[None]:
        """While it is entered all of it is stopped, at a moment when it locks neither the job nor the job's run.

        Stopped inside a transaction it would keep its locks for as long as it stands, and nobody could take the
        job over: no machine that loses a worker like this keeps its connections to the database.
        """
        wait_for(lambda: self._stopped_without_a_lock(job), 60)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def _stopped_without_a_lock(self, job: Job) -> bool:
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            with transaction.atomic():
                list(Job.objects.select_for_update(nowait=True).filter(pk=job.pk))
                list(Run.objects.select_for_update(nowait=True, of=("self",)).filter(pk=job.subject_id))
        except DatabaseError:
            os.killpg(self.process.pid, signal.SIGCONT)
            return False
        return True


def is_over(process: psutil.Process) -> bool:
    """Whether it has ended, be it that nobody has reaped it yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Census(threading.Thread):
    """Counts the engines of a run, all the time."""

    def __init__(self, kind: str, folder: Path) -> None:
        super().__init__(daemon=True)
        self._words = (f"training.engine.{kind}", str(folder))
        self.most = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.most = max(self.most, len(self.engines()))

    def engines(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
                if (
                    self._words[0] in words
                    and self._words[1] in words
                    and "training.engine.leash" not in words
                ):
                    found.append(process)
            except psutil.Error:
                continue
        return found
