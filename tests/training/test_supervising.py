"""Engines as child processes: followed, cancelled, timed out, killed with their workers, never two at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.db import connection

from benchmark.models import Guardian
from medes_site.kit.jobs import reconcile
from medes_site.kit.jobs.core import request_cancel, run_job
from medes_site.kit.jobs.models import Job, JobLogLine
from medes_site.kit.jobs.processes import this_host
from tests.kit.processes import start, wait_for
from tests.training.scene import Scene, queued_run
from training.engine.leash import TAKEN
from training.models import Dataset, Run
from training.queries.model_folders import run_folder
from training.services import guardian_training

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
PATIENT = "tests.engine.patient_guardian"


def log_of(job: Job) -> str:
    return "\n".join(JobLogLine.objects.filter(job=job).order_by("id").values_list("text", flat=True))


def engine_at_work(run: Run) -> bool:
    """Whether the engine of the run has begun to train."""
    run.refresh_from_db()
    progress = run_folder(run) / "progress.jsonl"
    return run.engine_pid is not None and progress.exists() and '"train"' in progress.read_text("utf-8")


def test_a_run_ends_with_a_guardian_in_the_shadow(labelled: Scene) -> None:
    run, job = queued_run(labelled)
    assert run_job(job.pk) == Job.State.SUCCEEDED, log_of(job)
    run.refresh_from_db()
    guardian = run.guardian
    assert guardian is not None and guardian.state == Guardian.State.SHADOW
    assert str(guardian.scorer) == "medes-linear 1" == str(run)
    assert (run.engine_pid, run.engine_host) == (None, "") and run.finished_at
    assert guardian.manifest["training"]["data_hash"] and guardian.manifest["training"]["config"]["seed"] == 1
    assert guardian.reliability["criteria"]["q2"]["n"] > 0
    assert run.progress["phase"] == "done"
    assert "train: " in log_of(job)
    shadow = Job.objects.get(kind="shadow", subject_id=guardian.pk)
    assert run_job(shadow.pk) == Job.State.SUCCEEDED

    again, second = queued_run(labelled)
    assert run_job(second.pk) == Job.State.SUCCEEDED
    again.refresh_from_db()
    assert again.version == "2" and again.dataset_id == run.dataset_id
    first, other = (run_folder(row) / "artefact" for row in (run, again))
    weights = sorted(path.name for path in first.iterdir() if path.name != "guardian.json")
    assert weights and all((first / name).read_bytes() == (other / name).read_bytes() for name in weights)


def test_a_worker_killed_midway_takes_its_engine_along_and_the_run_is_finished(
    labelled: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, job = queued_run(labelled)
    worker = start("-m", "tests.training.child", str(job.pk), PATIENT)
    wait_for(lambda: engine_at_work(run))
    engine = psutil.Process(run.engine_pid or 0)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    wait_for(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE, 10)
    assert Job.objects.get(pk=job.pk).state == Job.State.RUNNING and not Guardian.objects.exists()

    sent: list[int] = []
    monkeypatch.setattr(reconcile, "send", lambda pk, queue: sent.append(pk) or True)
    assert reconcile.reconcile(resend_all=True).requeued == (job.pk,) and sent == [job.pk]
    assert run_job(job.pk) == Job.State.SUCCEEDED, log_of(job)
    job.refresh_from_db()
    run.refresh_from_db()
    assert job.attempt == 2 and run.guardian is not None
    assert Guardian.objects.count() == 1 == Dataset.objects.count()
    assert "the worker was lost" in log_of(job)


def test_an_engine_left_behind_is_ended_before_another_begins(labelled: Scene) -> None:
    run, job = queued_run(labelled)
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    process = psutil.Process(orphan.pid)
    Run.objects.filter(pk=run.pk).update(
        engine_host=this_host(), engine_pid=orphan.pid, engine_started=process.create_time()
    )
    try:
        assert run_job(job.pk) == Job.State.SUCCEEDED, log_of(job)
        assert orphan.wait(timeout=5) == -signal.SIGKILL
        assert f"ended the training program {orphan.pid}" in log_of(job)
    finally:
        if orphan.poll() is None:
            orphan.kill()


def test_a_process_that_only_inherited_the_number_is_left_alone(labelled: Scene) -> None:
    run, job = queued_run(labelled)
    innocent = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True
    )
    Run.objects.filter(pk=run.pk).update(engine_host=this_host(), engine_pid=innocent.pid, engine_started=1.0)
    try:
        assert run_job(job.pk) == Job.State.SUCCEEDED, log_of(job)
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_a_cancel_ends_the_engine_and_keeps_the_log(labelled: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guardian_training, "ENGINE", PATIENT)
    run, job = queued_run(labelled)
    seen: list[int] = []

    def cancel() -> None:
        try:
            wait_for(lambda: engine_at_work(run))
            seen.append(run.engine_pid or 0)
            assert request_cancel(job.pk)
        finally:
            connection.close()

    thread = threading.Thread(target=cancel)
    thread.start()
    assert run_job(job.pk) == Job.State.CANCELLED
    thread.join()
    assert not psutil.pid_exists(seen[0])
    assert "asking the training program to stop" in log_of(job) and "Stopped on request." in log_of(job)
    assert not Guardian.objects.exists()


def test_a_run_that_takes_too_long_is_stopped(labelled: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guardian_training, "ENGINE", PATIENT)
    run, job = queued_run(labelled)
    Run.objects.filter(pk=run.pk).update(time_limit=1)
    assert run_job(job.pk) == Job.State.FAILED
    job.refresh_from_db()
    assert job.error == "The training took longer than its limit of 1 seconds and was stopped."


def test_the_engines_own_sentence_is_the_reason(labelled: Scene) -> None:
    run, job = queued_run(labelled)
    Run.objects.filter(pk=run.pk).update(config={**run.config, "kind": "encoder", "base_model": "/nowhere"})
    assert run_job(job.pk) == Job.State.FAILED
    job.refresh_from_db()
    assert job.error and "Traceback" not in job.error and job.error in log_of(job)


def test_too_few_labels_are_a_reason(scene: Scene) -> None:
    run, job = queued_run(scene)
    assert run_job(job.pk) == Job.State.FAILED
    job.refresh_from_db()
    assert "0" in job.error and "20" in job.error
    assert not Dataset.objects.exists() and not list(
        (Path(settings.MEDES_ARTEFACTS) / "datasets").glob(".draft-*")
    )


@pytest.mark.one_database
def test_two_engines_never_share_a_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.engine.leash", str(os.getpid()), "timeit", str(tmp_path)]
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, os, sys, time; f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT); "
            "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(60)",
            str(tmp_path / ".engine.lock"),
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == TAKEN and "Another training program" in done.stderr
    finally:
        holder.kill()
        holder.wait()
    (tmp_path / "config.json").write_text(json.dumps({"kind": "none"}), "utf-8")
    command[4] = "training.engine.guardian"
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "config.json" in done.stderr
