"""A run on two processes under the job core: to its end, and cancelled with nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection

from medes_site.kit.jobs.core import request_cancel, run_job
from medes_site.kit.jobs.models import Job, JobLogLine
from medes_site.kit.roles import Role
from tests.kit.processes import wait_for
from tests.training.scene import Scene
from tests.training.test_tuning import SMALL, build_model
from tests.training.tuning_scene import make_open_scene
from training.models import Run
from training.services.tuning_data import build_tuning_dataset
from training.services.tuning_runs import plan_tuning_run
from training.tasks import launch_run

pytestmark = [pytest.mark.train, pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(tmp_path: Path, researcher: Any, make_user: Callable[..., Any], settings: Any) -> Scene:
    settings.MEDES_ARTEFACTS = tmp_path / "artefacts"
    settings.MEDES_MODEL_ROOTS = [tmp_path / "models"]
    experts = (make_user("label-one", Role.EXPERT), make_user("label-two", Role.EXPERT))
    return make_open_scene(tmp_path / "open", researcher, experts)


def log_of(job: Job) -> str:
    return "\n".join(JobLogLine.objects.filter(job=job).order_by("id").values_list("text", flat=True))


def engines(run: Run) -> list[psutil.Process]:
    run.refresh_from_db()
    if run.engine_pid is None or not psutil.pid_exists(run.engine_pid):
        return []
    first = psutil.Process(run.engine_pid)
    return [
        first,
        *(part for part in first.children(recursive=True) if "training.engine.rank" in part.cmdline()),
    ]


def test_to_its_end_and_cancelled(scene: Scene, tmp_path: Path) -> None:
    build_model(tmp_path / "models" / "tiny", tmp_path)
    made = build_tuning_dataset(actor=scene.researcher, kind="sft")
    config = {**SMALL, "base_model": str(tmp_path / "models" / "tiny")}
    run = plan_tuning_run(actor=None, kind="sft", dataset=made, config=config, processes=2)
    job = launch_run(run, wake=False)
    assert run_job(job.pk) == Job.State.SUCCEEDED, log_of(job)
    assert run.metrics.filter(phase="train", values__has_key="loss").count() == 4

    long = {**config, "max_steps": 5000, "save_every": 0}
    run = plan_tuning_run(actor=None, kind="sft", dataset=made, config=long, processes=2)
    job = launch_run(run, wake=False)
    seen: list[psutil.Process] = []

    def cancel() -> None:
        try:
            wait_for(lambda: run.metrics.filter(phase="train", values__has_key="loss").exists(), 300)
            seen.extend(engines(run))
        finally:
            request_cancel(job.pk)
            connection.close()

    other = threading.Thread(target=cancel)
    other.start()
    assert run_job(job.pk) == Job.State.CANCELLED
    other.join()
    assert len(seen) == 3
    _gone, alive = psutil.wait_procs(seen, timeout=30)
    assert not [part for part in alive if part.status() != psutil.STATUS_ZOMBIE]
    assert "Stopped on request." in log_of(job)
    run.refresh_from_db()
    assert (tmp_path / "artefacts" / run.folder / "checkpoints").is_dir()
