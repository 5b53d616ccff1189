"""Datasets for SFT and DPO, runs on them in a real child process, and a tuned model that becomes an entry."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from benchmark.models import Submission
from medes_site.kit.jobs.foreground import run_in_foreground
from medes_site.kit.jobs.models import Job
from medes_site.kit.roles import Role
from tests.training.scene import Scene
from tests.training.tuning_scene import COPY, make_open_scene, question
from training.errors import BadInput, NotAllowed, NothingToLearn
from training.models import Dataset, Run
from training.queries.model_folders import dataset_folder, run_folder
from training.queries.tuning_pages import dataset_rows, row_view, samples_of
from training.services.tuning_data import build_tuning_dataset
from training.services.tuning_runs import plan_tuning_run, promote_run
from training.tasks import launch_answering, launch_run

SMALL = {"lora_r": 0, "max_length": 300, "batch_size": 2, "accumulation": 1, "max_steps": 4, "save_every": 2,
         "gradient_checkpointing": False, "device": "cpu", "sample_tokens": 4}  # fmt: skip


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Sentences are compared here as they are written."""
    with translation.override("en"):
        yield


@pytest.fixture
def scene(tmp_path: Path, researcher: Any, make_user: Callable[..., Any], settings: Any) -> Scene:
    settings.MEDES_ARTEFACTS = tmp_path / "artefacts"
    settings.MEDES_MODEL_ROOTS = [tmp_path / "models"]
    store = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "store"},
    }
    settings.STORAGES = {**settings.STORAGES, "artefacts": store}
    experts = (make_user("label-one", Role.EXPERT), make_user("label-two", Role.EXPERT))
    return make_open_scene(tmp_path / "open", researcher, experts)


def lines(dataset: Dataset, name: str = "train.jsonl") -> list[dict[str, Any]]:
    path = dataset_folder(dataset) / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.django_db
def test_sft_rows_are_good_open_answers(scene: Scene) -> None:
    made = build_tuning_dataset(actor=scene.researcher, kind="sft", recipe={"held_out": 0})
    rows = lines(made)
    assert made.rows == len(rows) > 20
    # Of the four kinds of replies (scene.reply) the risky one (-1) and the cold one (0.7 without empathy and steps)
    # differ: quality 1.0, 0.7, 0.7, risky.
    assert not [row for row in rows if "直接替病人签字" in row["completion"][0]["content"]]
    codes = {row["item"] for row in rows}
    assert codes <= {f"sub-{n:04}" for n in range(1, COPY)}
    assert made.manifest["counts"]["left_out"]["question: repeats a question of a closed split"] == 1
    assert made.manifest["counts"]["left_out"]["risky"] > 0
    assert all(row["lineage"]["said"] for row in rows)
    again = build_tuning_dataset(actor=None, kind="sft", recipe={"held_out": 0.0, "seed": 1})
    assert again.pk == made.pk
    other = build_tuning_dataset(actor=None, kind="sft", recipe={"held_out": 0, "quality": 0.9})
    assert 0 < other.rows < made.rows
    assert other.content_hash != made.content_hash


@pytest.mark.django_db
def test_dpo_pairs_prefer_what_experts_prefer(scene: Scene) -> None:
    made = build_tuning_dataset(actor=None, kind="dpo", recipe={"held_out": 0.3, "length_bias": 10})
    rows, held = lines(made), lines(made, "eval.jsonl")
    assert rows and held
    assert not {row["group"] for row in rows} & {row["group"] for row in held}
    assert not [row for row in rows + held if "直接替病人签字" in row["chosen"][0]["content"]]
    assert not [row for row in rows + held if row["item"] in (f"sub-{COPY:04}", "sub-0025")]
    assert question(25) not in json.dumps(rows + held, ensure_ascii=False)
    assert made.manifest["counts"]["length_difference"]["pairs"] == len(rows) + len(held)
    seen = [row_view(row) for row in dataset_rows(made, 0, 3)]
    assert len(seen) == min(3, len(rows))
    assert "".join(piece.text for piece in seen[0].chosen) == rows[0]["chosen"][0]["content"]
    assert "".join(piece.text for piece in seen[0].rejected) == rows[0]["rejected"][0]["content"]


@pytest.mark.django_db
def test_what_cannot_be_drawn_is_said(scene: Scene, submitter: Any) -> None:
    with pytest.raises(NotAllowed):
        build_tuning_dataset(actor=submitter, kind="sft")
    with pytest.raises(BadInput, match="no setting"):
        build_tuning_dataset(actor=None, kind="sft", recipe={"qality": 1})
    with pytest.raises(NothingToLearn, match="No row is left"):
        build_tuning_dataset(actor=None, kind="dpo", recipe={"sources": ["pairs"]})
    with pytest.raises(BadInput):
        build_tuning_dataset(actor=None, kind="dpo", recipe={"guardian": "nobody 1"})


@pytest.mark.django_db
def test_a_run_is_refused_before_it_starts(scene: Scene, submitter: Any, tmp_path: Path) -> None:
    made = build_tuning_dataset(actor=None, kind="sft")
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    for config, words in (
        ({"base_model": str(outside)}, "does not lie in one of the allowed folders"),
        ({"base_model": str(tmp_path / "models" / "none")}, "There is no base model"),
        ({"base_model": "Qwen/Qwen2.5-7B-Instruct"}, "not among the allowed ones"),
        ({}, "names no base model"),
        ({"base_model": "x", "learning_rate": 7}, "learning_rate must lie between"),
    ):
        with pytest.raises(BadInput, match=words):
            plan_tuning_run(actor=None, kind="sft", dataset=made, config=config)
    with pytest.raises(NotAllowed):
        plan_tuning_run(actor=submitter, kind="sft", dataset=made, config={"base_model": "x"})
    with pytest.raises(BadInput, match="dataset for DPO"):
        plan_tuning_run(actor=None, kind="dpo", dataset=made, config={"base_model": "x"})
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_the_pages(scene: Scene, client_of: Callable[[Any], Client], tmp_path: Path) -> None:
    client = client_of(scene.researcher)
    page = client.post(reverse("training:datasets"), {"kind": "dpo", "sources": ["pairs"], "quality": 0.6, "margin": 0.1,
                                                      "per_prompt": 4, "length_bias": 0.25, "seed": 1})  # fmt: skip
    assert page.status_code == 422
    page = client.post(reverse("training:datasets"), {"kind": "dpo", "sources": ["labels", "guardian"], "quality": 0.6,
                                                      "margin": 0.1, "per_prompt": 4, "length_bias": 10, "seed": 1})  # fmt: skip
    made = Dataset.objects.get(kind="dpo")
    assert page.url == reverse("training:dataset", args=[made.pk])
    assert client.get(page.url).status_code == 200
    rows = client.get(reverse("training:dataset_rows", args=[made.pk]))
    assert rows.status_code == 200
    assert "<ins>" in rows.content.decode()
    assert client.get(reverse("training:datasets")).status_code == 200
    form = client.get(reverse("training:run_new"), {"dataset": made.pk})
    assert form.status_code == 200
    assert f'value="{made.pk}" selected' in form.content.decode()
    sent = client.post(reverse("training:run_new"), {"kind": "dpo", "dataset": made.pk, "base_model": "/etc"})
    assert sent.status_code == 422
    assert not Run.objects.exists()


@pytest.mark.train
@pytest.mark.timeout(600)
@pytest.mark.django_db(transaction=True)
def test_from_labels_to_an_entry_on_a_real_model(
    scene: Scene, client_of: Callable[[Any], Client], tmp_path: Path
) -> None:
    build_model(tmp_path / "models" / "tiny", tmp_path)
    made = build_tuning_dataset(actor=scene.researcher, kind="sft", recipe={"format": "parquet"})
    assert "train.parquet" in made.manifest["files"]
    config = {**SMALL, "base_model": str(tmp_path / "models" / "tiny")}
    run = plan_tuning_run(actor=scene.researcher, kind="sft", dataset=made, config=config)
    job = run_in_foreground(launch_run(run, actor=scene.researcher, wake=False))
    assert job.state == Job.State.SUCCEEDED, job.error
    run.refresh_from_db()
    assert run.finished_at is not None
    assert run.metrics.filter(phase="train", values__has_key="loss").count() == 4
    manifest = json.loads((run_folder(run) / "artefact" / "manifest.json").read_text("utf-8"))
    assert manifest["lineage"]["dataset"] == made.content_hash
    assert len(samples_of(run)) == 10
    assert run.has_stored("model")
    assert "engine.log" in run.stored["files"]
    page = client_of(scene.researcher).get(reverse("training:run", args=[run.pk]))
    assert 'id="promote-run"' in page.content.decode()
    submission = promote_run(actor=scene.researcher, run=run, version=scene.version)
    job = run_in_foreground(launch_answering(submission, actor=scene.researcher, wake=False))
    assert job.state == Job.State.SUCCEEDED, job.error
    submission = Submission.objects.get(pk=submission.pk)
    assert submission.responses_count == submission.responses.count() == 28
    assert Job.objects.filter(kind="evaluate", subject_id=submission.pk).count() == 1
    run.refresh_from_db()
    assert run.entry == submission.entry


def build_model(target: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("医师应当尊重患者的知情同意权。" * 30 + "\n" + question(1) + "\n", "utf-8")
    subprocess.run(
        [sys.executable, "-m", "training.engine.tiny_policy", str(target), "--corpus", str(corpus), "--steps", "2",
         "--hidden", "32", "--layers", "1", "--vocabulary", "500"],
        check=True, capture_output=True,
    )  # fmt: skip
