"""What a finished run left goes into the store whole or not at all, and comes out of it on another machine."""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, storages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmark.models import BenchmarkVersion, Submission
from benchmark.services.benchmark_files import plan_import
from benchmark.services.importing import import_benchmark
from medes_site.kit.jobs.core import run_job
from medes_site.kit.jobs.errors import JobError, TransientJobError
from medes_site.kit.jobs.models import Job
from tests.benchmark.cast import write_benchmark
from training.errors import WrongState
from training.models import Run
from training.queries.model_folders import base_models, run_folder
from training.queries.models_page import model_rows
from training.services.artefact_store import (
    ELSEWHERE,
    Damaged,
    fetch_artefacts,
    fetch_base_model,
    key_of,
    listed_files,
)
from training.services.tuning_runs import has_model, promote_run, tuned_model
from training.tasks import launch_answering, launch_storing

pytestmark = pytest.mark.django_db(transaction=True)
FILES = {
    "model/config.json": b"{}",
    "model/model.safetensors": bytes(range(256)) * 9000,
    "README.md": b"# Card\n",
}


@pytest.fixture
def store(tmp_path: Path, settings: Any) -> Path:
    """A folder in another place as the store, and this machine's own folder of artefacts."""
    settings.MEDES_ARTEFACTS = tmp_path / "here"
    use(
        settings,
        "django.core.files.storage.FileSystemStorage",
        location=tmp_path / "store",
        allow_overwrite=True,
    )
    return tmp_path / "store"


def use(settings: Any, backend: str, **options: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "artefacts": {"BACKEND": backend, "OPTIONS": options}}


@pytest.fixture
def run(store: Path) -> Run:
    made = Run.objects.create(kind="sft", name="stored", version="1", finished_at=timezone.now())
    Run.objects.filter(pk=made.pk).update(folder=f"runs/{made.pk}")
    made.refresh_from_db()
    folder = run_folder(made)
    for name, content in FILES.items():
        (folder / "artefact" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "artefact" / name).write_bytes(content)
    manifest = {name: {"bytes": len(c), "sha256": hashlib.sha256(c).hexdigest()} for name, c in FILES.items()}
    (folder / "artefact" / "manifest.json").write_text(json.dumps({"files": manifest}), "utf-8")
    (folder / "report.json").write_text("{}", "utf-8")
    (folder / "engine.log").write_text("finished\n", "utf-8")
    return made


def store_it(run: Run) -> Job:
    job = launch_storing(run, wake=False)
    run_job(job.pk)
    run.refresh_from_db()
    job.refresh_from_db()
    return job


def test_all_of_it_is_stored_once(run: Run, store: Path) -> None:
    assert store_it(run).state == Job.State.SUCCEEDED
    names = {*(f"artefact/{name}" for name in FILES), "artefact/manifest.json", "report.json", "engine.log"}
    assert set(run.stored["files"]) == names
    for name, told in run.stored["files"].items():
        content = (store / key_of(run, name)).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (told["bytes"], told["sha256"])
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    Run.objects.filter(pk=run.pk).update(stored={})  # as if the worker had died before it could say so
    job = store_it(run)
    assert run.stored["files"]
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before
    assert not job.log_lines.filter(text__startswith="stored ").exists()


def test_an_upload_that_was_broken_off_goes_on(run: Run, store: Path) -> None:
    half, done = (
        store / key_of(run, f"artefact/{name}") for name in ("model/model.safetensors", "README.md")
    )
    half.parent.mkdir(parents=True)
    half.write_bytes(FILES["model/model.safetensors"][:1000])
    done.write_bytes(FILES["README.md"])
    old = done.stat().st_mtime_ns
    job = store_it(run)
    assert job.state == Job.State.SUCCEEDED
    assert half.read_bytes() == FILES["model/model.safetensors"]
    assert done.stat().st_mtime_ns == old
    assert not job.log_lines.filter(text__startswith="stored artefact/README.md").exists()
    assert sorted(path.name for path in half.parent.iterdir()) == ["config.json", "model.safetensors"]


def test_a_file_that_is_not_what_the_manifest_says_is_refused(run: Run, store: Path) -> None:
    (run_folder(run) / "artefact" / "model" / "config.json").write_bytes(b"[]")
    job = store_it(run)
    assert job.state == Job.State.FAILED
    assert "config.json is not what the manifest says" in job.error
    assert run.stored == {}
    manifest = run_folder(run) / "artefact" / "manifest.json"
    manifest.write_text(json.dumps({"files": {"../../other": {"bytes": 1, "sha256": ""}}}), "utf-8")
    with pytest.raises(Damaged, match="outside its folder"):
        listed_files(run_folder(run))


def test_a_store_that_does_not_answer_is_asked_again_later(run: Run, tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    use(settings, "django.core.files.storage.FileSystemStorage", location=tmp_path / "file" / "below")
    job = store_it(run)
    assert job.state == Job.State.QUEUED
    assert job.not_before is not None
    assert "does not answer" in job.error
    assert run.stored == {}


class Thief(FileSystemStorage):
    """While the last file is on its way, somebody else takes the job over."""

    def _save(self, name: str, content: Any) -> str:
        if name.endswith("engine.log"):
            Job.objects.filter(kind="store_artefacts").update(fence=1_000, pid=1)
        return super()._save(name, content)  # type: ignore[misc,no-any-return]


def test_who_lost_the_job_says_nothing_of_the_run(run: Run, store: Path, settings: Any) -> None:
    use(settings, f"{__name__}.Thief", location=store, allow_overwrite=True)
    store_it(run)
    assert run.stored == {}
    assert (store / key_of(run, "engine.log")).is_file()


def test_another_machine_fetches_it_and_checks_it(
    run: Run, store: Path, tmp_path: Path, settings: Any
) -> None:
    store_it(run)
    settings.MEDES_ARTEFACTS = tmp_path / "elsewhere"
    base = str(run_folder(run) / "artefact" / "model")
    assert has_model(run)
    assert (base, "SFT stored 1") in base_models()
    (row,) = model_rows()
    assert (row.folder, row.problem, row.parameters) == (base, "", None)
    weights = store / key_of(run, "artefact/model/model.safetensors")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + b"!")
    with pytest.raises(JobError, match="not what the run left"):
        tuned_model(run)
    assert not Path(base, "model.safetensors").exists()
    assert not list(Path(base).glob(".fetching-*"))
    weights.write_bytes(whole)
    assert tuned_model(run) == Path(base)
    assert Path(base, "model.safetensors").read_bytes() == whole
    assert not (run_folder(run) / "engine.log").exists()  # only what is needed to use the model
    Path(base, "config.json").unlink()
    fetch_base_model(base)
    assert Path(base, "config.json").read_bytes() == b"{}"
    weights.unlink()
    Path(base, "model.safetensors").unlink()
    with pytest.raises(TransientJobError, match="does not answer"):
        fetch_artefacts(run)


def test_the_newest_runs_are_offered_by_few_columns(run: Run) -> None:
    copies = [Run(kind="dpo", name="many", version=str(n), finished_at=timezone.now()) for n in range(201)]
    Run.objects.bulk_create(copies)
    with CaptureQueriesContext(connection) as seen:
        assert base_models() == []  # the one that left a model is not among the newest 200
    assert len(seen) == 1
    assert not {"config", "recipe", "progress", "libraries"} & set(re.findall(r'"(\w+)"', seen[0]["sql"]))
    Run.objects.filter(pk__in=Run.objects.order_by("pk").values("pk")[1:3]).delete()
    with CaptureQueriesContext(connection) as seen:
        assert [name for _folder, name in base_models()] == ["SFT stored 1"]
    assert len(seen) == 1
    with CaptureQueriesContext(connection) as seen:
        assert len(model_rows()) == 200
    assert len(seen) < 6


def test_a_model_that_is_on_its_way_into_the_store_is_waited_for(
    run: Run, tmp_path: Path, settings: Any, researcher: Any
) -> None:
    write_benchmark(tmp_path / "open", "open")
    import_benchmark(plan_import(str(tmp_path / "open"), freeze=True))
    version = BenchmarkVersion.objects.get(benchmark__slug="open")
    submission = promote_run(actor=researcher, run=run, version=version)
    job = launch_answering(submission, actor=researcher, wake=False)
    settings.MEDES_ARTEFACTS = tmp_path / "elsewhere"
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED and job.not_before is not None and job.error == ELSEWHERE
    Run.objects.filter(pk=run.pk).update(stored={"files": {"report.json": {"bytes": 2, "sha256": ""}}})
    job = launch_answering(promote_again(run, submission), actor=researcher, wake=False)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED and job.error == "This run has left no model."


def promote_again(run: Run, submission: Submission) -> Submission:
    return Submission.objects.create(
        entry=submission.entry, version=submission.version, method=Submission.Method.CHECKPOINT
    )


def test_a_run_that_left_nothing_anywhere(run: Run, tmp_path: Path, settings: Any) -> None:
    settings.MEDES_ARTEFACTS = tmp_path / "elsewhere"
    assert not has_model(run)
    with pytest.raises(WrongState):
        tuned_model(run)
    job = store_it(run)
    assert job.state == Job.State.QUEUED
    assert "another machine" in job.error


@pytest.mark.skipif(
    "MEDES_TEST_S3" not in os.environ, reason="needs an S3 server: set MEDES_TEST_S3 to its address"
)
def test_an_s3_compatible_store(run: Run, tmp_path: Path, settings: Any) -> None:
    """Credentials as boto3 finds them; the bucket `medes-test` is there."""
    use(
        settings, "storages.backends.s3.S3Storage", bucket_name="medes-test", location=uuid.uuid4().hex,
        endpoint_url=os.environ["MEDES_TEST_S3"], region_name="us-east-1", file_overwrite=True,
    )  # fmt: skip
    assert store_it(run).state == Job.State.SUCCEEDED
    Run.objects.filter(pk=run.pk).update(stored={})
    again = store_it(run)
    assert not again.log_lines.filter(text__startswith="stored ").exists()
    settings.MEDES_ARTEFACTS = tmp_path / "elsewhere"
    assert (tuned_model(run) / "model.safetensors").read_bytes() == FILES["model/model.safetensors"]
    store, key = storages["artefacts"], key_of(run, "artefact/model/model.safetensors")
    with store.open(key, "wb") as file:
        file.write(b"something else")
    Run.objects.filter(pk=run.pk).update(stored={})
    settings.MEDES_ARTEFACTS = tmp_path / "here"
    assert store_it(run).state == Job.State.SUCCEEDED  # what was overwritten is sent again
    with store.open(key) as file:
        assert file.read() == FILES["model/model.safetensors"]
