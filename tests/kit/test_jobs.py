"""The job core on a real database: claims, fences, failures, cancels, retries."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone, translation

from medes_site.kit.jobs import core, errors, queries, reconcile, shutdown
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.core import launch, request_cancel, run_job
from medes_site.kit.jobs.foreground import run_in_foreground
from medes_site.kit.jobs.models import Job, JobLogLine
from medes_site.kit.jobs.registry import handler_for, job_handler
from medes_site.kit.jobs.states import claim, finish, heartbeat, put_back
from tests.kit import handlers
from tests.kit.processes import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
Script = Callable[[JobContext], None]


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the jobs for which the broker was asked to wake a worker."""
    ids: list[int] = []

    def send(job_id: int, queue: str) -> bool:
        ids.append(job_id)
        Job.objects.filter(pk=job_id, state=Job.State.QUEUED).update(sent_at=timezone.now())
        return True

    monkeypatch.setattr(core, "send", send)
    monkeypatch.setattr(reconcile, "send", send)
    return ids


@pytest.fixture(autouse=True)
def _no_scripts() -> Iterator[None]:
    yield
    handlers.scripts.clear()


def scripted(script: Script, subject: int = 1) -> Job:
    handlers.scripts[subject] = script
    return launch("test.script", subject_type="thing", subject_id=subject)


def log_of(job: Job) -> str:
    return "\n".join(line.text for line in queries.read_log(job.pk))


def test_a_job_runs_once_and_ends_with_progress_and_log(sent: list[int]) -> None:
    def script(context: JobContext) -> None:
        context.log("hello \0 there")
        context.progress(1, 4, "counting")
        context.progress(4)

    job = scripted(script)
    assert sent == [job.pk]
    assert run_job(job.pk) == Job.State.SUCCEEDED
    job.refresh_from_db()
    assert (job.attempt, job.progress_done, job.progress_total, job.stage) == (1, 4, 4, "counting")
    assert job.share_done == 1.0
    assert job.started_at and job.finished_at and job.lease_until is None and job.error == ""
    assert "hello \ufffd there" in log_of(job)


def test_second_delivery_returns_at_once() -> None:
    calls: list[int] = []

    def script(context: JobContext) -> None:
        calls.append(context.attempt)
        assert run_job(context.job_id) == Job.State.RUNNING  # delivered again while it runs

    job = scripted(script)
    run_job(job.pk)
    assert run_job(job.pk) == Job.State.SUCCEEDED  # and again afterwards
    assert calls == [1]
    assert run_job(job.pk + 1000) is None


def test_launch_gives_the_active_job_and_a_new_one_after_its_end() -> None:
    first = scripted(lambda context: None)
    assert launch("test.script", subject_type="thing", subject_id=1).pk == first.pk
    assert launch("test.script", subject_type="thing", subject_id=2).pk != first.pk
    run_job(first.pk)
    assert launch("test.script", subject_type="thing", subject_id=1).pk != first.pk


def test_launch_inside_a_transaction_survives_the_constraint_and_sends_after_the_commit(
    sent: list[int],
) -> None:
    with transaction.atomic():
        first = scripted(lambda context: None)
        assert launch("test.script", subject_type="thing", subject_id=1).pk == first.pk
        assert Job.objects.count() == 1  # the transaction is still usable
        assert sent == []
    assert sent == [first.pk]
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        scripted(lambda context: None, subject=2)
        raise ZeroDivisionError
    assert sent == [first.pk]


def test_launches_at_the_same_moment_make_one_job() -> None:
    barrier = threading.Barrier(6)
    found: list[int] = []

    def work() -> None:
        try:
            barrier.wait(10)
            found.append(launch("test.script", subject_type="thing", subject_id=7, wake=False).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1
    assert Job.objects.count() == 1


def test_claims_at_the_same_moment_give_one_holder() -> None:
    job = scripted(lambda context: None)
    barrier = threading.Barrier(6)
    claims: list[object] = []

    def work() -> None:
        try:
            barrier.wait(10)
            claims.append(claim(job.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in claims) == 1 and len(claims) == 6
    job.refresh_from_db()
    assert (job.attempt, job.fence) == (1, 1)


def test_the_old_holder_of_a_lost_job_can_write_nothing() -> None:
    seen: list[str] = []

    def script(context: JobContext) -> None:
        if context.attempt == 1:
            Job.objects.filter(pk=context.job_id).update(lease_until=timezone.now() - timedelta(seconds=1))
            successor = claim(context.job_id)  # as another worker would
            assert successor is not None and successor.attempt == 2
            try:
                with context.fenced():
                    seen.append("written")
            finally:
                assert finish(successor, Job.State.SUCCEEDED)

    job = scripted(script)
    assert run_job(job.pk) == Job.State.SUCCEEDED
    assert seen == []
    job.refresh_from_db()
    assert job.attempt == 2
    assert "another holder" in log_of(job)


def test_every_write_of_a_former_holder_is_refused() -> None:
    job = scripted(lambda context: None)
    old = claim(job.pk)
    assert old is not None
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    new = claim(job.pk)
    assert new is not None and new.fence > old.fence
    assert not heartbeat(old, progress_done=99)
    assert not put_back(old, count_attempt=True)
    assert not finish(old, Job.State.FAILED, "too late")
    with pytest.raises(errors.LeaseLost), JobContext(old).fenced():
        raise AssertionError("entered")
    assert heartbeat(new, progress_done=3)
    job.refresh_from_db()
    assert (job.state, job.progress_done, job.error) == (Job.State.RUNNING, 3, "")


def test_a_fenced_block_rolls_back_with_its_exception() -> None:
    def script(context: JobContext) -> None:
        with context.fenced():
            JobLogLine.objects.create(job_id=context.job_id, at=timezone.now(), text="half a write")
            raise errors.JobError("no more")

    job = scripted(script)
    assert run_job(job.pk) == Job.State.FAILED
    job.refresh_from_db()
    assert job.error == "no more"
    assert "half a write" not in [line.text for line in queries.read_log(job.pk)]


def test_an_unexpected_error_ends_the_job_with_a_sentence_and_a_traceback_in_the_log() -> None:
    def script(context: JobContext) -> None:
        raise ValueError("answer key: BD")

    job = scripted(script)
    assert run_job(job.pk) == Job.State.FAILED
    job.refresh_from_db()
    assert job.error == errors.UNEXPECTED
    assert job.attempt == 1
    assert "ValueError: answer key: BD" in log_of(job)
    with translation.override("en"):
        assert job.error_message == errors.UNEXPECTED


@pytest.mark.parametrize(
    "raised", [errors.TransientJobError("the endpoint is busy"), OperationalError("gone")]
)
def test_a_transient_error_is_tried_again_later_and_then_given_up(raised: Exception, sent: list[int]) -> None:
    def script(context: JobContext) -> None:
        raise raised

    job = scripted(script)
    for attempt in (1, 2):
        assert run_job(job.pk) == Job.State.QUEUED
        job.refresh_from_db()
        assert job.attempt == attempt and job.error
        assert run_job(job.pk) == Job.State.QUEUED  # not due yet
        sent.clear()
        reconcile.reconcile()
        assert sent == []
        assert job.not_before is not None
        reconcile.reconcile(job.not_before + timedelta(minutes=5))
        assert sent == [job.pk]
        Job.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    assert run_job(job.pk) == Job.State.FAILED
    job.refresh_from_db()
    assert job.attempt == 3 and job.finished_at


def test_retry_delays_double() -> None:
    delays = [core.retry_delay(attempt).total_seconds() for attempt in (1, 2, 3, 40)]
    assert delays == [10.0, 20.0, 40.0, 3600.0]  # for the lease of 60 s that is the default


def test_cancel_before_the_start() -> None:
    job = scripted(lambda context: None)
    assert request_cancel(job.pk)
    assert run_job(job.pk) == Job.State.CANCELLED
    assert not request_cancel(job.pk)
    job.refresh_from_db()
    assert job.attempt == 0 and job.finished_at


def test_cancel_reaches_a_running_handler_even_through_except_exception() -> None:
    running = threading.Event()

    def script(context: JobContext) -> None:
        running.set()
        while True:
            try:
                context.check()
            except Exception:  # a careless handler
                continue

    job = scripted(script)

    def cancel() -> None:
        try:
            running.wait(10)
            request_cancel(job.pk)
        finally:
            connection.close()

    other = threading.Thread(target=cancel)
    other.start()
    assert run_job(job.pk) == Job.State.CANCELLED
    other.join()


def test_a_worker_that_shuts_down_puts_its_job_back_without_counting_the_attempt(sent: list[int]) -> None:
    def script(context: JobContext) -> None:
        if not over:
            over.append(True)
            shutdown.announce()
            context.check()

    over: list[bool] = []
    job = scripted(script)
    try:
        assert run_job(job.pk) == Job.State.QUEUED
    finally:
        shutdown.withdraw()
    job.refresh_from_db()
    assert (job.attempt, job.pid, job.sent_at) == (0, None, None)
    sent.clear()
    reconcile.reconcile(timezone.now() + timedelta(seconds=10))
    assert sent == [job.pk]
    assert run_job(job.pk) == Job.State.SUCCEEDED


def test_heartbeats_renew_the_lease_and_show_progress_while_the_handler_works(settings) -> None:
    settings.MEDES_JOB_LEASE_SECONDS = 8

    def script(context: JobContext) -> None:
        row = Job.objects.get(pk=context.job_id)
        context.progress(5, 10, "half")
        context.log("on the way")
        wait_for(lambda: Job.objects.get(pk=context.job_id).progress_done == 5)
        first = row.lease_until
        wait_for(lambda: Job.objects.get(pk=context.job_id).lease_until > first + timedelta(seconds=1))
        wait_for(lambda: "on the way" in log_of(row))
        assert not reconcile.reconcile().changed

    job = scripted(script)
    assert run_job(job.pk) == Job.State.SUCCEEDED, log_of(job)


def test_a_kind_that_no_worker_knows_fails_clearly() -> None:
    with pytest.raises(errors.UnknownJobKind):
        launch("nobody knows", subject_type="thing", subject_id=1)
    job = Job.objects.create(kind="nobody knows", subject_type="thing", subject_id=1, queue="default")
    assert run_job(job.pk) == Job.State.FAILED
    job.refresh_from_db()
    assert job.error == errors.UNKNOWN_KIND


def test_a_kind_has_one_handler() -> None:
    with pytest.raises(ValueError, match="handled by"):
        job_handler(kind="test.script")(lambda context: None)
    assert handler_for("test.script").run is handlers.run_script


def test_a_job_is_refused_inside_a_transaction() -> None:
    job = scripted(lambda context: None)
    with transaction.atomic(), pytest.raises(RuntimeError, match="outside of any transaction"):
        run_job(job.pk)


def test_foreground_waits_for_the_retry_and_says_who_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medes_site.kit.jobs.core.retry_delay", lambda attempt: timedelta(milliseconds=100))

    def script(context: JobContext) -> None:
        context.progress(1, 1)
        if context.attempt < 3:
            raise errors.TransientJobError("not yet")

    stream = io.StringIO()
    job = run_in_foreground(scripted(script), stream)
    assert (job.state, job.attempt, stream.getvalue()) == (Job.State.SUCCEEDED, 3, "")
    busy = scripted(script)
    assert claim(busy.pk)
    with pytest.raises(errors.JobBusy, match="process"):
        run_in_foreground(busy)


def test_ctrl_c_in_the_foreground_cancels() -> None:
    def script(context: JobContext) -> None:
        raise KeyboardInterrupt

    job = scripted(script)
    with pytest.raises(KeyboardInterrupt):
        run_in_foreground(job, io.StringIO())
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED


def test_queries_show_the_newest_job_and_read_the_log_on() -> None:
    first = scripted(lambda context: context.log("one"))
    run_job(first.pk)
    second = scripted(lambda context: None)
    assert queries.latest_job("thing", 1) == second
    assert queries.latest_job("thing", 1, kind="other") is None
    assert queries.latest_jobs("thing", [1, 2]) == {1: second}
    lines = queries.read_log(first.pk)
    assert [line.text for line in queries.read_log(first.pk, after=lines[0].number)] == ["one", "finished"]
    assert queries.count_by_state() == {("evaluate", "queued"): 1, ("evaluate", "succeeded"): 1}
