"""A researcher's way: labels, a run, its report, the gate, the boards, new labels, doubts; and who counts what."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from annotation.models import Campaign, Task
from benchmark.models import Board, Guardian, Response
from medes_site.kit.jobs.core import run_job
from medes_site.kit.jobs.models import Job
from tests.training.scene import Scene, queued_run
from training.models import Dataset, Run
from training.queries.labels import new_labels
from training.queries.reports import gate_of
from training.services.guardian_data import build_guardian_dataset

pytestmark = pytest.mark.django_db(transaction=True)


def finish(kind: str) -> None:
    """Runs the jobs of a kind that wait, as a worker would."""
    for job in Job.objects.filter(kind=kind, state=Job.State.QUEUED).order_by("pk"):
        assert run_job(job.pk) == Job.State.SUCCEEDED, job.log_lines.order_by("-id").first()


def lines(dataset: Dataset, name: str) -> list[dict[str, Any]]:
    path = Path(settings.MEDES_ARTEFACTS) / dataset.folder / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_dataset_keeps_audit_groups_apart(labelled: Scene) -> None:
    dataset = build_guardian_dataset(actor=labelled.researcher)
    rows, audit = lines(dataset, "rows.jsonl"), lines(dataset, "audit.jsonl")
    assert len(rows) == dataset.rows and len(rows) + len(audit) == 72
    assert audit and {row["group"] for row in rows}.isdisjoint({row["group"] for row in audit})
    flags = dict(Response.objects.values_list("pk", "item__norm__group__audit"))
    assert not any(flags[row["id"]] for row in rows) and all(flags[row["id"]] for row in audit)
    assert {row["origin"] for row in rows} == {"consensus", "dissent"}
    assert all(row["random"] for row in rows), "a campaign in random order draws at random"
    assert all(len(row["labels"]) == 2 for row in audit)
    dissent = next(row for row in rows if row["origin"] == "dissent")
    assert dissent["target"]["q1"] == 0.5

    again = build_guardian_dataset(actor=labelled.researcher)
    assert again.pk == dataset.pk and Dataset.objects.count() == 1
    assert f"{len(rows)} responses to learn from" in dataset.card


def test_from_labels_to_the_board(labelled: Scene, client_of: Callable[[Any], Client]) -> None:
    client = client_of(labelled.researcher)
    client.cookies["django_language"] = "en"
    page = client.get(reverse("training:guardians")).content.decode()
    assert "There are 144 labels to begin with" in page

    answer = client.post(reverse("training:guardian_train"))
    run = Run.objects.get()
    assert answer.status_code == 302 and answer["Location"] == reverse("training:run", args=[run.pk])
    assert "waits for a worker" in client.get(answer["Location"]).content.decode()
    finish("train")
    page = client.get(answer["Location"]).content.decode()
    assert "Read the report" in page and "registered medes-linear 1" in page
    guardian = Guardian.objects.get()
    assert new_labels().total == 0

    address = reverse("training:guardian", args=[guardian.pk])
    assert "2 submissions are not judged yet" in client.get(address).content.decode()
    refused = client.post(
        reverse("training:guardian_promote", args=[guardian.pk]), {"reason": "no time to wait"}
    )
    assert refused.status_code in (409, 422) and Guardian.objects.get().state == "shadow"
    finish("shadow")
    guardian.refresh_from_db()
    gate = gate_of(guardian)
    document = client.get(reverse("training:guardian_report", args=[guardian.pk])).json()
    assert document["n"]["rows"] == guardian.reliability["n"]["rows"] > 0
    q2 = [
        (abs(label["q2"]), int(row["p"]["q2"] >= document["manifest"]["thresholds"]["q2"]))
        for row in document["rows"]
        for label in row["labels"]
        if label["q2"] is not None
    ]
    part = document["criteria"]["q2"]
    assert len(q2) == part["n"] and sum(truth for truth, _said in q2) == part["positives"]
    accuracy = part["figures"]["accuracy"]["value"]
    assert accuracy is None or abs(accuracy - sum(a == b for a, b in q2) / len(q2)) < 1e-12
    assert document["gate"]["open"] == gate["open"] and document["manifest"]["prior"] == 0.02

    reason = "第一个评审模型，标注还太少，先用着。"
    if not gate["open"]:
        without = client.post(reverse("training:guardian_promote", args=[guardian.pk]))
        assert without.status_code == 422 and Guardian.objects.get().state == "shadow"
    done = client.post(reverse("training:guardian_promote", args=[guardian.pk]), {"reason": reason})
    assert done.status_code == 302
    guardian.refresh_from_db()
    assert guardian.state == "active" and guardian.promoted_by == labelled.researcher
    assert guardian.override_reason == ("" if gate["open"] else reason)
    assert (reason in client.get(address).content.decode()) is not gate["open"]
    assert guardian.reliability["gate"]["open"] == gate["open"]
    board = Board.objects.get(scorer=guardian.scorer)
    assert board.slug == "subjective" and board.scores.filter(designated=True).count() == 2

    drawn = client.post(
        reverse("training:guardian_suggest", args=[guardian.pk]),
        {"version": labelled.version.pk, "size": "10"},
    )
    assert drawn.status_code == 302
    campaign = Campaign.objects.get(slug=f"doubts-{guardian.pk}-1")
    assert campaign.state == "draft" and campaign.size_limit == 10
    priorities = set(Task.objects.filter(campaign=campaign).values_list("priority", flat=True))
    assert len(priorities) > 1 and min(priorities) >= 0 and max(priorities) <= 2


def test_the_command_trains_in_the_foreground(labelled: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("train_guardian", "--json", "--override", "the first one of this house", "--seed", "3")
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == "active" and found["guardian"] == "medes-linear 1"
    assert Run.objects.get().config["seed"] == 3 and not Job.objects.filter(state="queued").exists()
    assert new_labels().total == 0


def test_a_run_in_the_queue_waits(labelled: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("train_guardian", "--json", "--queue")
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == "queued" and Run.objects.get().pk == found["run"]
    _run, job = queued_run(labelled)
    assert job.pk != found["job"] and Run.objects.count() == 2
