"""Untuned models: listed with what is wrong with them, made entries once, and answering like a tuned one."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation

from benchmark.models import Entry, Submission
from medes_site.kit.jobs.models import Job
from medes_site.kit.roles import Role
from tests.training.scene import Scene
from tests.training.test_tuning import build_model
from tests.training.tuning_scene import make_open_scene
from training.errors import BadInput, NotAllowed
from training.models import BaseEntry
from training.queries.models_page import model_rows
from training.services.base_entries import promote_base
from training.tasks import launch_demo_policy

URL = "training:models"


@pytest.fixture
def scene(tmp_path: Path, researcher: Any, make_user: Callable[..., Any], settings: Any) -> Scene:
    settings.MEDES_ARTEFACTS = tmp_path / "artefacts"
    settings.MEDES_MODEL_ROOTS = [tmp_path / "models"]
    experts = (make_user("label-one", Role.EXPERT), make_user("label-two", Role.EXPERT))
    return make_open_scene(tmp_path / "open", researcher, experts)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A folder with a config.json of 1,696 parameters and no weights."""
    folder = tmp_path / "models" / "broken"
    folder.mkdir(parents=True)
    shape = {
        "hidden_size": 8,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "intermediate_size": 16,
        "vocab_size": 64,
    }
    (folder / "config.json").write_text(json.dumps(shape), "utf-8")
    return str(folder)


@pytest.mark.django_db
def test_a_model_that_cannot_be_used_says_why(
    scene: Scene, broken: str, client_of: Callable[[Any], Client]
) -> None:
    (row,) = model_rows()
    assert row.name == "broken" and "model.safetensors is missing" in row.problem
    with translation.override("zh-hans"), pytest.raises(BadInput, match=r"缺少 model\.safetensors"):
        promote_base(actor=scene.researcher, folder=broken, version=scene.version)
    page = client_of(scene.researcher).post(reverse(URL), {"folder": broken, "version": scene.version.pk})
    told = page.content.decode()
    assert page.status_code == 422 and "is missing" not in told
    assert told.count("缺少 model.safetensors") == 2  # in the table and at the form
    assert not Entry.objects.filter(name="broken").exists() and not BaseEntry.objects.exists()


@pytest.mark.django_db
def test_only_what_is_offered_becomes_an_entry(scene: Scene, submitter: Any, tmp_path: Path) -> None:
    with translation.override("en"), pytest.raises(BadInput, match="none of the base models"):
        promote_base(actor=scene.researcher, folder=str(tmp_path), version=scene.version)
    with pytest.raises(NotAllowed):
        promote_base(actor=submitter, folder=str(tmp_path), version=scene.version)
    with pytest.raises(CommandError, match="none of the base models"):
        call_command("promote_model", "/etc", "--benchmark", "open")


@pytest.mark.django_db
def test_an_empty_registry_is_a_page_too(scene: Scene, client_of: Callable[[Any], Client]) -> None:
    page = client_of(scene.researcher).get(reverse(URL))
    assert page.status_code == 200
    assert 'id="promote-base"' not in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "error", "told"),
    [
        ("queued", "", ("演示模型正在等待工作进程", "The demo's model waits for a worker")),
        ("running", "", ("正在制作演示模型", "The demo's model is being made")),
        (
            "failed",
            "The tiny policy could not be built.",
            ("演示模型未能制作完成", "The demo's model could not be made"),
        ),
    ],
)
def test_the_demos_model_is_on_its_way(
    scene: Scene, client_of: Callable[[Any], Client], state: str, error: str, told: tuple[str, str]
) -> None:
    """In the demo's first minute; its worker may be slow, or fail."""
    job = launch_demo_policy(wake=False)
    Job.objects.filter(pk=job.pk).update(state=state, error=error)
    client = client_of(scene.researcher)
    for language, title, none in (("zh-hans", told[0], "还没有模型"), ("en", told[1], "No models here yet")):
        client.cookies["django_language"] = language
        page = html.unescape(client.get(reverse(URL)).content.decode())
        assert title in page and none not in page
        assert ('hx-select="#models-page"' in page) is (state != "failed")
        assert error in page if language == "en" else not error or error not in page
    Job.objects.filter(pk=job.pk).update(state="succeeded")
    assert "No models here yet" in client.get(reverse(URL)).content.decode()


@pytest.mark.django_db
def test_models_stand_in_the_room_of_training(scene: Scene, client_of: Callable[[Any], Client]) -> None:
    client = client_of(scene.researcher)
    for language, room in (("zh-hans", "训练"), ("en", "Training")):
        client.cookies["django_language"] = language
        crumbs = client.get(reverse(URL)).content.decode().split('class="crumbs"')[1].split("</nav>")[0]
        assert f'<a href="{reverse("training:guardians")}">{room}</a>' in crumbs


@pytest.mark.train
@pytest.mark.timeout(600)
@pytest.mark.django_db(transaction=True)
def test_an_untuned_model_answers_and_is_evaluated(
    scene: Scene, client_of: Callable[[Any], Client], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "models" / "tiny"
    build_model(folder, tmp_path)
    call_command("promote_model", "tiny", "--benchmark", "open", "--user", "researcher", "--json")
    said = json.loads(capsys.readouterr().out)
    submission = Submission.objects.get(pk=said["submission"])
    assert said["state"] == "finished" and submission.responses_count == 28
    assert Job.objects.get(kind="evaluate", subject_id=submission.pk).state == Job.State.SUCCEEDED
    (row,) = model_rows()
    assert row.entry == submission.entry and row.submission == submission and not row.answering
    # Asked again it is the same entry, and the page says that it answers.
    client = client_of(scene.researcher)
    sent = client.post(reverse(URL), {"folder": str(folder), "version": scene.version.pk, "name": "other"})
    assert sent.status_code == 302
    assert list(Entry.objects.filter(base_entry__isnull=False)) == [submission.entry]
    assert submission.entry.submissions.count() == 2
    assert model_rows()[0].answering
    assert 'hx-trigger="every 3s"' in client.get(reverse(URL)).content.decode()
