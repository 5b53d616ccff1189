"""Guardians that are neural networks or stand behind an endpoint: trained, measured and shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation

from benchmark.models import Guardian
from medes_site.kit.jobs.core import run_job
from medes_site.kit.jobs.models import Job
from tests.guardians.scripted import completion, diligent, serving
from tests.training.guardian_models import endpoint, english, form, text
from tests.training.scene import Scene, queued_run
from training.models import Run
from training.queries.model_folders import run_folder
from training.services.guardian_config import judge_variables
from training.services.runs import plan_guardian_run
from training.tasks import launch_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


def finish(run: Run) -> Job:
    job = launch_run(run, wake=False)
    run_job(job.pk)
    job.refresh_from_db()
    return job


def test_an_endpoint_becomes_a_guardian_beside_the_active_one(
    labelled: Scene,
    client_of: Callable[[Any], Client],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The engine sees the allow-list and the key although it is told nothing else of the site; the answers are known
    when the run is taken up again."""
    secret = "sk-the-judges-key"
    monkeypatch.setenv("MEDES_JUDGE_KEY", secret)
    monkeypatch.setenv("MEDES_JUDGE_KEY_OTHER", "another")
    call_command("train_guardian", "--override", "the first one of this house", "--json")

    def moody(number: int, body: dict[str, Any]) -> Any:
        broken = (
            body["messages"][1]["content"].count("直接替病人签字") and "第3" in body["messages"][1]["content"]
        )
        return (200, {}, completion("没有 JSON"), 0.0) if broken else diligent(number, body)

    with serving(moody) as state:
        monkeypatch.setenv("MEDES_JUDGE_ENDPOINTS", state.url)
        settings.MEDES_JUDGE_ENDPOINTS = [state.url]
        run = plan_guardian_run(
            actor=labelled.researcher,
            config=endpoint(url=state.url, key_name="MEDES_JUDGE_KEY", tries=1, wait=0),
        )
        assert finish(run).state == Job.State.SUCCEEDED
        run.refresh_from_db()
        guardian = run.guardian
        assert guardian is not None and (guardian.kind, guardian.state) == ("generative", "shadow")
        assert {headers["Authorization"] for headers in state.headers} == {f"Bearer {secret}"}
        asked = len(state.requests)
        assert (run_folder(run) / "answers.jsonl").is_file()
        assert asked == 54 + 18, "each labelled answer once: to calibrate, and to measure"
        job = Job.objects.filter(kind="shadow", state="queued").first()
        assert job is None or run_job(job.pk) == Job.State.SUCCEEDED
    assert secret not in json.dumps(guardian.manifest) + json.dumps(run.config)
    client = english(client_of, labelled.researcher)
    page = text(client.get(reverse("training:guardian", args=[guardian.pk])))
    assert "Mean κ of medes-linear 1, the active one" in page and "κ of medes-linear 1" in page
    assert "No learning curve: behind an endpoint nothing is trained." in page
    assert state.url in page and "behind an endpoint" in page and secret not in page
    failed, rows = guardian.reliability["n"]["failed"], guardian.reliability["n"]["rows"]
    assert 0 < failed < rows
    assert (
        f"On {failed} of the {rows} audit answers ({100 * failed / rows:.1f}%) it came to no judgement"
        in page
    )
    registry = text(client.get(reverse("training:guardians")))
    assert "behind an endpoint" in registry and f"no judgement on {failed} of {rows} answers" in registry


@pytest.mark.parametrize("status", [200, 503])
def test_an_endpoint_that_judges_nothing_makes_no_guardian(
    labelled: Scene,
    client_of: Callable[[Any], Client],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    with serving(lambda _number, _body: (status, {}, completion("最终评分：0,0"), 0.0)) as state:
        monkeypatch.setenv("MEDES_JUDGE_ENDPOINTS", state.url)
        settings.MEDES_JUDGE_ENDPOINTS = [state.url]
        run = plan_guardian_run(
            actor=labelled.researcher, config=endpoint(url=state.url, tries=2, wait=0, calibrate_on=10)
        )
        job = finish(run)
    assert job.state == Job.State.FAILED and job.error_message.startswith(
        "None of the 10 answers was judged: "
    )
    assert not Guardian.objects.exists()
    page = text(english(client_of, labelled.researcher).get(reverse("training:run", args=[run.pk])))
    assert "The training failed." in page and "None of the 10 answers was judged" in page
    with translation.override("zh-hans"):
        client = client_of(labelled.researcher)
        assert "10 个回答无一得到判定" in text(client.get(reverse("training:run", args=[run.pk])))


@pytest.mark.train
@pytest.mark.one_database
def test_an_encoder_is_trained_from_the_page_and_reported(
    labelled: Scene, client_of: Callable[[Any], Client], models: Path
) -> None:
    from_scratch = pytest.importorskip("tests.guardians.checkpoints")
    base = from_scratch.tiny_encoder(models / "tiny", positions=128)
    client = english(client_of, labelled.researcher)
    answer = client.post(
        reverse("training:guardian_train"),
        form(
            "encoder", base_model=str(base), encoder_max_length="96", encoder_epochs="1", learning_curve="on"
        ),
    )
    assert answer.status_code == 302, text(answer)
    run = Run.objects.get()
    assert finish(run).state == Job.State.SUCCEEDED
    run.refresh_from_db()
    assert (
        run.guardian is not None
        and run.guardian.state == "shadow"
        and run.metrics.filter(phase="train").exists()
    )
    page = text(client.get(answer["Location"]))
    assert 'id="to-report"' in page and "svg" in page and "epoch 1" in page and "%|" not in page
    report = text(client.get(reverse("training:guardian", args=[run.guardian.pk])))
    assert str(base) in report and "held-out answer" in report
    points = json.loads((run_folder(run) / "report.json").read_text("utf-8"))["learning_curve"]
    assert [point["groups"] for point in points] == [2, 4, 5, 7, 9] and points[-1]["rows"] == 54
    assert "No learning curve" not in report and "of the norm groups" in page


@pytest.mark.train
@pytest.mark.one_database
def test_a_language_model_that_only_babbles_is_reported_and_stays_out_of_the_shadow(
    labelled: Scene, client_of: Callable[[Any], Client], models: Path
) -> None:
    """A training may have taken hours, so its weights and its report stay; but nothing more is judged with them."""
    base = pytest.importorskip("tests.guardians.checkpoints").tiny_causal(models / "tiny")
    client = english(client_of, labelled.researcher)
    answer = client.post(
        reverse("training:guardian_train"),
        form(
            "generative",
            base_model=str(base),
            generative_lora_r="0",
            generative_calibrate_on="1",
            generative_max_length="2048",
            generative_epochs="1",
        ),
    )
    assert answer.status_code == 302, text(answer)
    run = Run.objects.get()
    assert finish(run).state == Job.State.SUCCEEDED
    run.refresh_from_db()
    guardian = run.guardian
    assert guardian is not None and guardian.state == "candidate"
    assert guardian.reliability["n"]["failed"] == guardian.reliability["n"]["rows"] > 0
    assert not Job.objects.filter(kind="shadow").exists()
    assert "judged none of the audit answers. It stays out of the shadow" in text(
        client.get(answer["Location"])
    )
    report = text(client.get(reverse("training:guardian", args=[guardian.pk])))
    assert "It came to no judgement on any of the" in report and "Into the shadow" in report
    assert "so it was not put into the shadow" in report
    assert report.count("only 0 held-out answers were judged") == 1, "once for all criteria"


def test_a_run_of_the_linear_kind_needs_nothing_of_this(scene: Scene) -> None:
    run, _job = queued_run(scene)
    assert run.config["kind"] == "linear" and judge_variables(run.config) == ()
