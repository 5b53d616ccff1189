"""A real worker and a Redis of its own, killed in the middle of SFT and DPO: the run ends by itself, as if undisturbed."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings
from django.db import connection

from medes_site.demo.private_redis import PrivateRedis
from medes_site.kit.jobs.context import TICK_SECONDS
from medes_site.kit.jobs.core import request_cancel, run_job, send
from medes_site.kit.jobs.models import Job, JobLogLine
from medes_site.kit.jobs.reconcile import reconcile
from medes_site.kit.roles import Role
from tests.engine.tuning_scene import curve, run_here
from tests.kit.processes import wait_for
from tests.training.test_tuning import build_model
from tests.training.tuning_scene import make_open_scene
from tests.training.workers import Census, Worker, is_over
from training.engine.tuning_checkpoints import newest_whole
from training.models import Run
from training.queries.model_folders import run_folder
from training.services import supervising
from training.services.supervising import ASK_SECONDS, POLL_SECONDS
from training.services.tuning_data import build_tuning_dataset
from training.services.tuning_runs import plan_tuning_run
from training.tasks import launch_run

pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    pytest.mark.one_database,  # what the job core promises on SQLite its own tests hold it to
    pytest.mark.timeout(600),
    pytest.mark.django_db(transaction=True),
]
STEPS = 60
CONFIG: dict[str, Any] = {
    "max_length": 200, "batch_size": 4, "accumulation": 2, "max_steps": STEPS, "save_every": 4, "keep_checkpoints": 2,
    "gradient_checkpointing": False, "device": "cpu", "sample_tokens": 4, "eval_every": 10, "learning_rate": 1e-3,
}  # fmt: skip


@pytest.fixture
def planned(
    request: pytest.FixtureRequest, tmp_path: Path, researcher: Any, make_user: Callable[..., Any]
) -> Iterator[Run]:
    """A run of SFT with all weights, or of DPO with LoRA, on a tiny model."""
    kind = str(request.param)
    experts = (make_user("label-one", Role.EXPERT), make_user("label-two", Role.EXPERT))
    make_open_scene(tmp_path / "open", researcher, experts)
    model = Path(settings.MEDES_MODEL_ROOTS[0]) / f"kills-{kind}"
    build_model(model, tmp_path)
    recipe = {"length_bias": 10} if kind == "dpo" else {}
    dataset = build_tuning_dataset(actor=None, kind=kind, recipe=recipe)
    config = {**CONFIG, "base_model": str(model), "lora_r": 4 if kind == "dpo" else 0}
    run = plan_tuning_run(actor=None, kind=kind, dataset=dataset, config=config)
    yield run
    shutil.rmtree(run_folder(run), ignore_errors=True)
    shutil.rmtree(model)


def step_of(run: Run) -> int:
    return max(curve(run_folder(run)), default=0)


def goes_on_to(run: Run, step: int) -> None:
    """Until the run has told of this step; it is then still at work, or the test could not do to it what it is for."""
    wait_for(lambda: step_of(run) >= step, 180)
    assert step_of(run) < STEPS, "it came to its end before it could be disturbed"


def undisturbed(run: Run, folder: Path) -> dict[int, float]:
    """The curve of the same run directory, done in one go."""
    folder.mkdir()
    for name in ("config.json", "train.jsonl", "eval.jsonl"):
        if (run_folder(run) / name).exists():
            shutil.copy(run_folder(run) / name, folder / name)
    assert run_here(run.kind, folder) == 0
    return curve(folder)


@pytest.mark.parametrize("planned", ["sft", pytest.param("dpo", marks=pytest.mark.exhaustive)], indirect=True)
def test_redis_engine_and_worker_are_killed_and_the_run_ends_as_if_nothing_had_been(
    planned: Run, redis: PrivateRedis, worker: Worker, tmp_path: Path
) -> None:
    run = planned
    census = Census(run.kind, run_folder(run))
    census.start()
    job = launch_run(run)
    assert send(job.pk, job.queue)  # a second message for the same job

    goes_on_to(run, 6)
    assert redis.process is not None
    redis.process.kill()
    redis.process.wait()

    goes_on_to(run, step_of(run) + 7)
    (engine,) = census.engines()
    engine.send_signal(signal.SIGKILL)
    wait_for(lambda: Job.objects.get(pk=job.pk).state == Job.State.QUEUED, 20)
    assert "ended by signal 9" in Job.objects.get(pk=job.pk).error
    newest, _broken = newest_whole(run_folder(run) / "checkpoints")
    assert newest is not None
    redis.start()  # empty: it keeps nothing

    wait_for(lambda: f"going on from {newest.name}" in said(run), 180)
    goes_on_to(run, step_of(run) + 5)
    (engine,) = census.engines()
    worker.kill()
    wait_for(lambda: is_over(engine), 10)
    assert Job.objects.get(pk=job.pk).state == Job.State.RUNNING
    worker.start_again()

    wait_for(lambda: not Job.objects.get(pk=job.pk).is_active, 300)
    census.over.set()
    census.join()
    job.refresh_from_db()
    run.refresh_from_db()
    assert job.state == Job.State.SUCCEEDED, job.error
    assert job.attempt == 3 and run.finished_at is not None
    assert census.most == 1
    assert_whole(run, job, undisturbed(run, tmp_path / "undisturbed"))


def assert_whole(run: Run, job: Job, expected: dict[int, float]) -> None:
    """The same losses; every step once in the file and in the database; every line of the engine in the job's log."""
    folder = run_folder(run)
    lines = [json.loads(line) for line in (folder / "progress.jsonl").read_text("utf-8").splitlines()]
    steps = [line["step"] for line in lines if line["phase"] == "train" and "loss" in line]
    assert steps == list(range(1, STEPS + 1))
    assert curve(folder) == expected
    kept = {row.step: row.values["loss"] for row in run.metrics.filter(phase="train", values__has_key="loss")}
    assert kept == expected
    samples = [json.loads(line) for line in (folder / "samples.jsonl").read_text("utf-8").splitlines()]
    assert max(Counter((sample["step"], sample["id"]) for sample in samples).values()) == 1
    logged = set(JobLogLine.objects.filter(job=job).values_list("text", flat=True))
    engine_log = (folder / "engine.log").read_text("utf-8").splitlines()
    assert not [line for line in engine_log if line.strip() and line not in logged]


def said(run: Run) -> str:
    path = run_folder(run) / "progress.jsonl"
    return path.read_text("utf-8") if path.exists() else ""


@pytest.mark.parametrize("planned", ["sft"], indirect=True)
def test_a_worker_that_only_stands_still_loses_the_run_to_another(
    planned: Run, redis: PrivateRedis, worker: Worker
) -> None:
    """Its heartbeat goes stale, its engine works on: whoever takes the run up ends that engine first."""
    run = planned
    job = launch_run(run)
    goes_on_to(run, 6)
    holder = psutil.Process(Job.objects.get(pk=job.pk).pid or 0)
    census = Census(run.kind, run_folder(run))
    census.start()
    engines = census.engines()
    assert len(engines) == 1
    with worker.standing_still(job):
        other = Worker(redis.url)
        try:
            Job.objects.filter(pk=job.pk).update(lease_until="2001-01-01T00:00:00Z")
            assert job.pk in reconcile(resend_all=True).requeued
            # The frozen worker may have been handed that message; it takes no second one. (By itself the reconciler
            # sends a message again after two minutes.)
            reconcile(resend_all=True)
            wait_for(lambda: not Job.objects.get(pk=job.pk).is_active, 300)
        finally:
            other.kill()
            census.over.set()
    assert holder.is_running()
    assert Job.objects.get(pk=job.pk).state == Job.State.SUCCEEDED
    assert census.most == 1
    logged = JobLogLine.objects.filter(job=job)
    ended = logged.filter(text__contains=f"ended the training program {engines[0].pid}")
    assert ended.count() == 1 or is_over(engines[0])
    # The worker that stood still wakes, notices, and writes nothing more than that.
    wait_for(logged.filter(attempt=1, text__startswith="stopped: the job has another holder").exists, 60)
    lines = [json.loads(line) for line in said(run).splitlines()]
    steps = [line["step"] for line in lines if line["phase"] == "train" and "loss" in line]
    assert steps == list(range(1, STEPS + 1))


def cancelled_after(job: Job, happened: Callable[[], Any], act: Callable[[], Any]) -> float:
    """Runs the job here; once `happened`, does `act` and cancels. Seconds from the cancel to the end."""
    asked: list[float] = []

    def cancel() -> None:
        try:
            wait_for(happened, 120)
            act()
            asked.append(time.monotonic())
            assert request_cancel(job.pk)
        finally:
            connection.close()

    thread = threading.Thread(target=cancel)
    thread.start()
    assert run_job(job.pk) == Job.State.CANCELLED
    ended = time.monotonic()
    thread.join()
    return ended - asked[0]


@pytest.mark.parametrize("planned", ["dpo"], indirect=True)
def test_a_cancel_is_over_within_ten_seconds_whatever_the_engine_does(
    planned: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading, the reference's log-probabilities, training; and an engine that hears nothing at all.

    That one is waited for in vain: the waiting, the look for a cancel and the signals come to less than nine seconds, and
    are cut short here, so that what a busy machine adds is not taken for theirs.
    """
    assert ASK_SECONDS + 1 + TICK_SECONDS + 2 * POLL_SECONDS < 9
    run = planned
    Run.objects.filter(pk=run.pk).update(
        config={**run.config, "max_steps": 10 * STEPS}
    )  # it is never over before
    folder = run_folder(run)
    log = folder / "engine.log"
    for phase in ("prepare: memory estimated", "train: training", "train: step 5 ", "sample: answered"):
        job = launch_run(run, wake=False)
        shutil.rmtree(folder, ignore_errors=True)
        seconds = cancelled_after(
            job, lambda phase=phase: log.exists() and phase in log.read_text("utf-8"), lambda: None
        )
        assert seconds < 10
        assert not Census(run.kind, folder).engines()
    job = launch_run(run, wake=False)
    engines: list[psutil.Process] = []

    def stand_still() -> None:
        engines.extend(Census(run.kind, folder).engines())
        engines[0].suspend()

    shutil.rmtree(folder)
    monkeypatch.setattr(supervising, "ASK_SECONDS", 2.0)
    assert cancelled_after(job, lambda: step_of(run) >= 3, stand_still) < 10
    assert not engines[0].is_running()
    assert JobLogLine.objects.filter(job=job, text__startswith="train: step 3 ").exists()


@pytest.mark.parametrize("planned", ["sft"], indirect=True)
def test_what_cannot_run_ends_in_seconds_with_one_sentence(planned: Run) -> None:
    run = planned
    folder = run_folder(run)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way", "utf-8")
    assert sentence_of(run).startswith("The run's folder ")
    folder.unlink()
    model = Path(run.config["base_model"])
    weights = model / "model.safetensors"
    weights.rename(model / "aside")
    assert "holds no weights" in sentence_of(run)
    weights.write_bytes((model / "aside").read_bytes()[:-1000])
    assert "missing or cut off" in sentence_of(run)
    (model / "aside").replace(weights)
    shutil.rmtree(folder)
    Run.objects.filter(pk=run.pk).update(config={**run.config, "extra": {"optim": "none such"}})
    assert "The trainer refuses the configuration" in sentence_of(run)
    shutil.rmtree(folder)
    Run.objects.filter(pk=run.pk).update(config={**run.config, "base_model": str(model / "nowhere")})
    assert sentence_of(run) == f"There is no base model {model / 'nowhere'}."


def sentence_of(run: Run) -> str:
    """The error of a job that has failed in the time of importing torch, which a busy machine draws out."""
    job = launch_run(run, wake=False)
    begun = time.monotonic()
    assert run_job(job.pk) == Job.State.FAILED
    assert time.monotonic() - begun < 300  # seconds; nobody waits for another half an hour
    job.refresh_from_db()
    assert job.error and "\n" not in job.error and "Traceback" not in job.error
    assert JobLogLine.objects.filter(job=job).exists()
    return str(job.error)
