"""A real worker killed in the middle of an encoder's training: taken up from the checkpoint, ended once, the same weights."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from benchmark.models import Guardian
from medes_site.kit.jobs.core import run_job
from medes_site.kit.jobs.models import Job, JobLogLine
from medes_site.kit.jobs.reconcile import reconcile
from tests.kit.processes import ROOT, start, wait_for
from tests.training.scene import Scene
from tests.training.workers import Census, Worker, is_over
from training.engine.guardian_checkpoint import FILE
from training.models import Dataset, Run
from training.queries.model_folders import run_folder
from training.readers.child_environment import child_environment
from training.services.runs import plan_guardian_run
from training.tasks import launch_run

torch = pytest.importorskip("torch")

from tests.guardians.checkpoints import tiny_encoder  # noqa: E402

pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    pytest.mark.one_database,  # what the job core promises on SQLite its own tests hold it to
    pytest.mark.timeout(600),
    pytest.mark.django_db(transaction=True),
]
# Some four hundred steps: long enough that it is killed somewhere in the middle however busy the machine is.
SETTINGS = {"max_length": 128, "epochs": 60, "batch_size": 8, "learning_rate": 3e-3, "checkpoint_seconds": 0}


@pytest.fixture
def planned(labelled: Scene) -> Iterator[Run]:
    """A run of a tiny encoder on 72 answers, labelled twice."""
    base = Path(settings.MEDES_MODEL_ROOTS[0]) / "kills-encoder"
    tiny_encoder(base)
    config = {"kind": "encoder", "base_model": str(base), "settings": SETTINGS}
    run = plan_guardian_run(actor=labelled.researcher, config=config)
    yield run
    shutil.rmtree(run_folder(run), ignore_errors=True)
    shutil.rmtree(base)


def said(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "progress.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def losses(folder: Path) -> dict[int, float]:
    return {line["step"]: line["loss"] for line in said(folder) if line["phase"] == "train"}


def undisturbed(run: Run, folder: Path) -> Path:
    """The same run directory, done in one go."""
    folder.mkdir()
    for name in ("config.json", "rows.jsonl", "audit.jsonl"):
        shutil.copy(run_folder(run) / name, folder / name)
    command = [sys.executable, "-m", "training.engine.guardian", str(folder)]
    environment = {**child_environment(), "OMP_NUM_THREADS": "1"}  # as the worker starts it
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stderr=subprocess.DEVNULL)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_run_goes_on_from_its_checkpoint_and_ends_once(
    planned: Run, worker: Worker, tmp_path: Path
) -> None:
    run, folder = planned, run_folder(planned)
    census = Census("guardian", folder)
    census.start()
    job = launch_run(run)
    wait_for((folder / FILE).exists, 180)
    (engine,) = census.engines()
    holder = Job.objects.get(pk=job.pk).pid
    worker.kill()
    wait_for(lambda: is_over(engine), 10)  # with its worker, and before anybody looks for it
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.RUNNING, 1)
    # However long the new worker takes to come: its lease is not what tells that the old one is lost.
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() + timedelta(hours=1))
    newest = torch.load(folder / FILE, weights_only=True)["step"]  # whole: it can be read
    assert newest > 0 and not (folder / "report.json").exists() and not Guardian.objects.exists()

    worker.start_again()  # its beat asks the reconciler, as in any installation
    wait_for(lambda: not Job.objects.get(pk=job.pk).is_active, 300)
    census.over.set()
    census.join()
    job.refresh_from_db()
    run.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.SUCCEEDED, 2), job.error
    assert census.most == 1
    logged = list(JobLogLine.objects.filter(job=job).order_by("id").values_list("attempt", "text"))
    assert logged.count((1, f"the worker was lost: process {holder} is gone")) == 1
    assert logged.count((2, f"resume: from the checkpoint of step {newest}")) == 1
    assert run.finished_at is not None and run.guardian == Guardian.objects.get()
    assert Dataset.objects.count() == 1
    assert_as_undisturbed(run, newest, undisturbed(run, tmp_path / "undisturbed"))


def assert_as_undisturbed(run: Run, newest: int, whole: Path) -> None:
    """Weights, predictions and report byte for byte; the losses told after the kill; no checkpoint left behind."""
    folder = run_folder(run)
    assert run.guardian is not None
    made = files_of(whole / "artefact")
    assert {"head.safetensors", "model/model.safetensors", "guardian.json"} <= made.keys()
    assert files_of(folder / "artefact") == made
    assert files_of(Path(settings.MEDES_ARTEFACTS) / run.guardian.folder) == made
    for name in ("predictions.jsonl", "report.json"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
    expected, found = losses(whole), losses(folder)
    last = max(expected)
    assert min(found) == newest + 1 <= last == max(found) and found[last] == expected[last]
    assert all(found[step] == expected[step] for step in found.keys() & expected.keys())
    kept = {row.step: row.values["loss"] for row in run.metrics.filter(phase="train", values__has_key="loss")}
    assert kept.items() >= found.items()
    assert not (folder / FILE).exists() and not (folder / FILE).with_suffix(".partial").exists()


def test_killed_while_it_is_measured_it_is_not_trained_again(
    planned: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What took the time is there: the next attempt begins with the finished weights."""
    run, folder = planned, run_folder(planned)
    Run.objects.filter(pk=run.pk).update(config={**run.config, "settings": {**SETTINGS, "epochs": 1}})
    job = launch_run(run, wake=False)
    child = start("-m", "tests.training.child", str(job.pk), "tests.engine.held_audit", OMP_NUM_THREADS="1")
    try:
        wait_for(lambda: (folder / "progress.jsonl").exists() and phases(folder)[-1:] == ["audit"], 180)
    finally:
        child.kill()
        child.wait()
    weights = {path: path.stat().st_mtime_ns for path in (folder / "artefact").rglob("*.safetensors")}
    assert len(weights) == 2 and not (folder / "report.json").exists()

    assert reconcile(resend_all=True).requeued == (job.pk,)
    assert run_job(job.pk) == Job.State.SUCCEEDED
    run.refresh_from_db()
    assert run.guardian is not None and (folder / "report.json").exists()
    assert [line["message"] for line in said(folder) if line["phase"] == "resume"] == [
        "from the finished weights"
    ]
    assert "train" not in phases(folder)
    assert {path: path.stat().st_mtime_ns for path in weights} == weights


def phases(folder: Path) -> list[str]:
    return [line["phase"] for line in said(folder)]
