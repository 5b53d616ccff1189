"""Lost messages, dead workers, a silent broker; with real processes that are really killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from medes_site.demo.private_redis import PrivateRedis
from medes_site.kit.jobs import errors, reconcile
from medes_site.kit.jobs.core import launch, request_cancel, run_job, send
from medes_site.kit.jobs.models import Job, JobLogLine
from medes_site.kit.jobs.processes import ProcessIdentity, is_alive, this_process
from medes_site.kit.jobs.states import claim
from tests.kit import handlers
from tests.kit.processes import start, use_broker, wait_for

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(hours=1)
ELSEWHERE = ProcessIdentity("another host/1", 1, 0.0)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    ids: list[int] = []

    def remember(job_id: int, queue: str) -> bool:
        ids.append(job_id)
        return True

    monkeypatch.setattr(reconcile, "send", remember)
    return ids


def items_job(number: int = 3, *, wake: bool = False) -> Job:
    return launch("test.items", subject_type="items", subject_id=number, wake=wake)


def test_a_job_never_sent_is_sent_after_a_moment_of_grace(sent: list[int]) -> None:
    job = items_job()
    assert not reconcile.reconcile().changed
    report = reconcile.reconcile(job.created_at + timedelta(seconds=6))
    assert report.sent == (job.pk,) and sent == [job.pk]


def test_a_job_sent_long_ago_is_sent_again_and_a_fresh_one_only_if_asked(sent: list[int]) -> None:
    job = items_job()
    Job.objects.update(sent_at=timezone.now())
    assert reconcile.reconcile(timezone.now() + timedelta(seconds=100)).sent == ()
    assert reconcile.reconcile(timezone.now() + timedelta(seconds=125)).sent == (job.pk,)
    assert reconcile.reconcile(resend_all=True).sent == (job.pk,)


def test_a_worker_elsewhere_is_given_up_only_after_its_lease(sent: list[int]) -> None:
    job = items_job()
    assert claim(job.pk, ELSEWHERE)
    assert not reconcile.reconcile().changed
    report = reconcile.reconcile(timezone.now() + LATER)
    assert report.requeued == (job.pk,) == report.sent
    job.refresh_from_db()
    assert (job.state, job.attempt, job.host, job.pid) == (Job.State.QUEUED, 1, "", None)
    assert JobLogLine.objects.get(job=job).text == "the worker was lost: its lease ran out"


def test_a_job_that_keeps_killing_workers_is_given_up(sent: list[int]) -> None:
    job = items_job()
    for _ in range(3):
        assert claim(job.pk, ELSEWHERE)
        report = reconcile.reconcile(timezone.now() + LATER)
    assert report.failed == (job.pk,)
    job.refresh_from_db()
    assert (job.state, job.error, job.attempt) == (Job.State.FAILED, errors.WORKER_DIED, 3)
    assert job.finished_at and run_job(job.pk) == Job.State.FAILED


def test_a_cancelled_job_of_a_dead_worker_ends_as_cancelled(sent: list[int]) -> None:
    job = items_job()
    assert claim(job.pk, ELSEWHERE)
    assert request_cancel(job.pk)
    assert reconcile.reconcile(timezone.now() + LATER).cancelled == (job.pk,)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED and job.finished_at


def test_processes_are_told_apart_by_pid_and_start() -> None:
    own = this_process()
    assert is_alive(own)
    assert not is_alive(ProcessIdentity(own.host, own.pid, own.started - 100))
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    gone = ProcessIdentity(own.host, child.pid, time.time())
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended and nobody has reaped it
    assert not is_alive(gone)  # a zombie does no work
    child.wait()
    assert not is_alive(gone)


def test_a_broker_that_is_down_loses_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_broker(monkeypatch, f"redis+socket://{tmp_path}/nobody.sock")
    begun = time.monotonic()
    with transaction.atomic():
        job = items_job(wake=True)
    assert time.monotonic() - begun < 5
    assert not send(job.pk, job.queue)
    job.refresh_from_db()
    assert (job.state, job.sent_at) == (Job.State.QUEUED, None)
    report = reconcile.reconcile(timezone.now() + LATER)
    assert report.broker_down and report.sent == ()
    assert run_job(job.pk) == Job.State.SUCCEEDED


def test_killed_in_the_middle_it_goes_on_elsewhere_and_doubles_nothing(sent: list[int]) -> None:
    job = items_job(30)
    child = start("-m", "tests.kit.child", str(job.pk), MEDES_TEST_PAUSE="0.1")
    try:
        wait_for(lambda: len(handlers.written_items(job.pk)) >= 5)
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    job.refresh_from_db()
    assert (job.state, job.pid) == (Job.State.RUNNING, child.pid)
    before = len(handlers.written_items(job.pk))
    assert before < 30
    assert run_job(job.pk) == Job.State.RUNNING  # the lease still protects it

    assert reconcile.reconcile().requeued == (job.pk,)  # at once: this host can see that the process is gone
    assert run_job(job.pk) == Job.State.SUCCEEDED
    assert handlers.written_items(job.pk) == [f"item {number}" for number in range(30)]
    job.refresh_from_db()
    assert (job.attempt, job.progress_done) == (2, 30)


def test_stopped_for_longer_than_its_lease_it_wakes_up_to_find_the_job_taken(sent: list[int]) -> None:
    job = items_job(30)
    child = start("-m", "tests.kit.child", str(job.pk), MEDES_TEST_PAUSE="0.1")
    try:
        wait_for(lambda: len(handlers.written_items(job.pk)) >= 3)
        wait_for(lambda: stopped_between_writes(child.pid, job))
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        assert reconcile.reconcile().requeued == (job.pk,)
        assert run_job(job.pk) == Job.State.SUCCEEDED
        os.killpg(child.pid, signal.SIGCONT)
        assert child.wait(60) == 0
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    assert handlers.written_items(job.pk) == [f"item {number}" for number in range(30)]
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.SUCCEEDED, 2)


def stopped_between_writes(pid: int, job: Job) -> bool:
    """Stops the process unless it has the job or, on SQLite, the database locked: nobody could take the job over then."""
    os.killpg(pid, signal.SIGSTOP)
    with nobody_waits():
        try:
            with transaction.atomic():
                list(Job.objects.select_for_update(nowait=True).filter(pk=job.pk))
                Job.objects.filter(pk=job.pk).update(pid=F("pid"))
        except DatabaseError:
            os.killpg(pid, signal.SIGCONT)
            return False
    return True


@contextmanager
def nobody_waits() -> Iterator[None]:
    """SQLite says at once that the database is locked."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before}")


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with PrivateRedis(tmp_path) as server:
        use_broker(monkeypatch, server.url)
        yield server.url


@pytest.mark.slow
def test_a_real_worker_is_woken_stops_in_good_order_and_the_next_one_finishes(broker: str) -> None:
    command = ["-m", "celery", "-A", "medes_site", "worker", "-I", "tests.kit.handlers"]
    command += ["-Q", "default,evaluate", "-c", "1"]
    environment = {"REDIS_URL": broker, "MEDES_TEST_PAUSE": "0.2"}
    with transaction.atomic():
        job = items_job(25, wake=True)
    assert Job.objects.get(pk=job.pk).sent_at
    first = start(*command, **environment)
    try:
        wait_for(lambda: len(handlers.written_items(job.pk)) >= 3)
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0
    finally:
        _kill(first)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.QUEUED, 0)
    assert 3 <= len(handlers.written_items(job.pk)) < 25

    second = start(*command, REDIS_URL=broker)
    try:
        assert reconcile.reconcile(resend_all=True).sent == (job.pk,)
        wait_for(lambda: Job.objects.get(pk=job.pk).state == Job.State.SUCCEEDED)
        second.send_signal(signal.SIGTERM)
        assert second.wait(60) == 0
    finally:
        _kill(second)
    assert handlers.written_items(job.pk) == [f"item {number}" for number in range(25)]


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
