"""The form of a tuning run, its estimate, copies and comparisons; the admin's actions; answers that are on their way."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation

from benchmark.models import BenchmarkVersion, Submission
from benchmark.services.entries import create_entry
from medes_site.kit.jobs.models import Job
from medes_site.kit.roles import Role
from tests.training.scene import Scene
from tests.training.tuning_scene import make_open_scene
from training.errors import BadInput, NotAllowed
from training.models import Dataset, Run, RunMetric
from training.names import sentence
from training.queries.model_folders import run_folder
from training.queries.run_comparison import compare_runs, run_differences
from training.readers.child_environment import child_environment
from training.services.engine_process import engine_arguments
from training.services.tuning_data import build_tuning_dataset
from training.services.tuning_estimates import estimate_of
from training.services.tuning_runs import comes_from_a_hub, copy_run, plan_tuning_run
from training.tasks import launch_answering

pytestmark = pytest.mark.django_db
SHAPE = {
    "architectures": ["Qwen3ForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128,
    "vocab_size": 500, "num_attention_heads": 4, "num_key_value_heads": 2,
}  # fmt: skip
HUGE = {
    **SHAPE, "hidden_size": 16384, "num_hidden_layers": 120, "intermediate_size": 53248, "vocab_size": 152064,
    "num_attention_heads": 128, "num_key_value_heads": 8,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def scene(tmp_path: Path, researcher: Any, make_user: Callable[..., Any], settings: Any) -> Scene:
    settings.MEDES_ARTEFACTS = tmp_path / "artefacts"
    settings.MEDES_MODEL_ROOTS = [tmp_path / "models"]
    experts = (make_user("label-one", Role.EXPERT), make_user("label-two", Role.EXPERT))
    scene = make_open_scene(tmp_path / "open", researcher, experts)
    model(tmp_path / "models" / "small", SHAPE)
    return scene


@pytest.fixture
def made(scene: Scene) -> Dataset:
    return build_tuning_dataset(actor=None, kind="sft", recipe={"held_out": 0})


@pytest.fixture
def client(scene: Scene, client_of: Callable[[Any], Client]) -> Client:
    found = client_of(scene.researcher)
    found.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return found


def model(folder: Path, config: dict[str, Any]) -> Path:
    """A folder that looks like a model, with one empty tensor."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "tokenizer.json").write_text("{}", "utf-8")
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    return folder


def form(made: Dataset, base: Path | str, **more: Any) -> dict[str, Any]:
    return {
        "kind": made.kind, "dataset": made.pk, "base_model": str(base), "processes": 1, "time_limit": 1, "lora_r": 8,
        "lora_targets": "all-linear", "epochs": 1, "batch_size": 2, "accumulation": 2, "max_length": 256, "beta": 0.1,
        "loss_type": ["sigmoid"], "precision": "auto", "seed": 1, "merge": "on", "extra": "eval_every: 20\noptim: sgd", **more,
    }  # fmt: skip


def planned(made: Dataset, base: Path, **config: Any) -> Run:
    return plan_tuning_run(
        actor=None, kind=made.kind, dataset=made, config={"base_model": str(base), "lora_r": 4, **config}
    )


def words(page: Any) -> str:
    return page.content.decode()


def test_what_a_run_needs_is_told_before_it_starts(made: Dataset, client: Client, tmp_path: Path) -> None:
    address = reverse("training:run_new")
    sent = form(made, tmp_path / "models" / "small", processes=2, check="1")
    page = client.post(address, sent)
    assert page.status_code == 200
    estimate = page.context["estimate"]
    # On two processes 2 rows at a time, twice a step: 8 rows a step.
    assert (estimate.rows_a_step, estimate.steps) == (8, -(-made.rows // 8))
    # 2 blocks of 2·64·64 + 2·64·32 + 3·64·128 + 2·64, tables of 2·500·64, a norm of 64.
    assert estimate.parameters == 2 * (8192 + 4096 + 24576 + 128) + 64000 + 64
    assert 'id="estimate"' in words(page) and "refuses within seconds" in words(page)
    assert not Run.objects.exists()
    part = client.post(address, sent, headers={"HX-Request": "true"})
    assert words(part).lstrip().startswith('<form id="run-form"') and 'id="estimate"' in words(part)


def test_a_run_that_cannot_fit_is_refused_on_the_page(
    made: Dataset, client: Client, tmp_path: Path, settings: Any
) -> None:
    huge = model(tmp_path / "models" / "huge", HUGE)
    page = client.post(reverse("training:run_new"), form(made, huge, lora_r=0))
    assert page.status_code == 422 and "The disk has too little room" in words(page)
    settings.MEDES_TRAIN_MEMORY = 80 * 2**30
    page = client.post(reverse("training:run_new"), form(made, huge, lora_r=0, check="1"))
    assert page.status_code == 422
    assert "even with one row at a time" in words(page) and "80.0 GiB" in words(page)
    with translation.override("zh-hans"):
        refused = estimate_of("sft", {"base_model": str(huge), "lora_r": 0}, 10).refusal
        assert "显存" in refused or "内存" in refused
    with pytest.raises(BadInput, match="even with one row"):
        planned(made, huge)
    assert not Run.objects.exists()


def test_an_empty_dataset_is_refused(made: Dataset, client: Client, tmp_path: Path) -> None:
    empty = Dataset.objects.create(kind="sft", content_hash="0" * 64, folder="datasets/none", rows=0)
    page = client.post(reverse("training:run_new"), form(empty, tmp_path / "models" / "small"))
    assert page.status_code == 422 and "The dataset is empty." in words(page)
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("change", "field", "english", "chinese"),
    [
        ({"extra": "eval_every: ["}, "extra", "This is no YAML", "YAML"),
        ({"extra": "output_dir: /etc"}, "extra", "“output_dir” is not among the allowed settings", "output_dir"),
        ({"extra": "epochs: 3"}, "extra", "has a field of its own", "epochs"),
        ({"extra": "eval_every: often"}, "extra", "eval_every must be: whole number", "eval_every"),
        ({"extra": "scheduler: never"}, "extra", "scheduler must be one of", "scheduler"),
        ({"extra": "a: &x 1\nb: *x"}, "extra", "Anchors and aliases are not allowed", "锚"),
        ({"extra": "x" * 10_001}, "extra", "at most 10000 characters", "10000"),
        ({"batch_size": 0}, "batch_size", "greater than or equal to 1", "1"),
        ({"learning_rate": 7}, "learning_rate", "less than or equal to 1", "1"),
        ({"max_steps": 0}, "max_steps", "greater than or equal to 1", "1"),
        ({"processes": 65}, "processes", "less than or equal to 64", "64"),
        ({"lora_targets": " , "}, "lora_targets", "This field is required|Name modules", "必填|模块"),
        ({"name": "a b"}, "name", "letters, digits", "字母"),
        ({"kind": "dpo"}, "dataset", "A dataset for DPO is needed.", "DPO"),
        ({"base_model": "/etc"}, "base_model", "Select a valid choice", "有效"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_at_its_place(
    made: Dataset,
    client: Client,
    tmp_path: Path,
    change: dict[str, Any],
    field: str,
    english: str,
    chinese: str,
) -> None:
    sent = {**form(made, tmp_path / "models" / "small"), **change}
    for language, expected in (("en", english), ("zh-hans", chinese)):
        client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
        with translation.override(language):
            page = client.post(reverse("training:run_new"), sent)
            assert page.status_code == 422
            found = " ".join(page.context["form"].errors.get(field, []))
        assert re.search(expected, found), (language, found)
        assert any("一" <= sign <= "鿿" for sign in found) == (language == "zh-hans"), found
    assert not Run.objects.exists()


def test_a_base_model_that_broke_meanwhile_is_said_at_its_field(
    made: Dataset, client: Client, tmp_path: Path
) -> None:
    base = model(tmp_path / "models" / "other", SHAPE)
    (base / "model.safetensors").unlink()
    page = client.post(reverse("training:run_new"), form(made, base))
    assert page.status_code == 422
    assert "holds no weights" in page.context["form"].errors["base_model"][0]


def test_a_run_is_started_with_what_the_form_said(made: Dataset, client: Client, tmp_path: Path) -> None:
    sent = form(
        made,
        tmp_path / "models" / "small",
        processes=2,
        lora_targets="q_proj, v_proj",
        packing="on",
        max_steps=7,
    )
    page = client.post(reverse("training:run_new"), sent, headers={"HX-Request": "true"})
    run = Run.objects.get()
    assert page.headers["HX-Redirect"] == reverse("training:run", args=[run.pk])
    assert (run.processes, run.time_limit) == (2, 3600)
    assert run.config["lora_targets"] == ["q_proj", "v_proj"]
    assert run.config["packing"] is True and run.config["merge"] is True and run.config["max_steps"] == 7
    assert run.config["gradient_checkpointing"] is False
    assert run.config["eval_every"] == 20 and run.config["extra"] == {"optim": "sgd"}
    assert "beta" not in run.config and "processes" not in run.config
    assert "accelerate launch" in words(client.get(reverse("training:run", args=[run.pk])))


def test_a_copy_begins_with_everything_the_run_had(made: Dataset, client: Client, tmp_path: Path) -> None:
    address = reverse("training:run_new")
    sent = form(
        made,
        tmp_path / "models" / "small",
        processes=3,
        lora_targets="q_proj",
        max_steps=7,
        learning_rate=0.002,
    )
    client.post(address, sent)
    first = Run.objects.get()
    page = client.get(address, {"from": first.pk})
    assert f'name="copied_from" value="{first.pk}"' in words(page)
    again = {
        field.name: field.value() for field in page.context["form"] if field.value() not in (None, False, "")
    }
    client.post(address, {**again, "seed": 5, "extra": "eval_every: 10\noptim: sgd"})
    second = Run.objects.latest("pk")
    assert second.copied_from == first and second.version == "2"
    assert {key: value for key, value in second.config.items() if first.config.get(key) != value} == {
        "seed": 5, "eval_every": 10,
    }  # fmt: skip
    assert [(row.name, row.first, row.second) for row in run_differences(first, second)] == [
        ("eval_every", "20", "10"), ("seed", "1", "5"),
    ]  # fmt: skip
    shown = words(client.get(reverse("training:run", args=[second.pk])))
    assert 'id="compare-origin"' in shown and "eval_every" in shown
    assert client.get(address, {"from": "x"}).status_code == 200
    assert client.get(address, {"from": 10**8}).status_code == 200


def test_a_copy_does_not_quietly_take_another_base_model(
    made: Dataset, client: Client, tmp_path: Path, settings: Any
) -> None:
    gone = model(tmp_path / "models" / "gone", SHAPE)
    run = planned(made, gone)
    gone.rename(tmp_path / "elsewhere")
    page = client.get(reverse("training:run_new"), {"from": run.pk})
    assert "not there any more" in words(page)
    assert page.context["form"]["base_model"].value() == ""
    settings.MEDES_MODEL_HUBS = ["Qwen"]
    Run.objects.filter(pk=run.pk).update(config={"base_model": "Qwen/Qwen3-8B"})
    page = client.get(reverse("training:run_new"), {"from": run.pk})
    assert (
        "not there any more" not in words(page)
        and page.context["form"]["hub_model"].value() == "Qwen/Qwen3-8B"
    )
    settings.MEDES_MODEL_HUBS = []
    assert "not there any more: Qwen/Qwen3-8B" in words(
        client.get(reverse("training:run_new"), {"from": run.pk})
    )


def tell(run: Run, losses: list[float], answers: dict[str, str], **report: Any) -> None:
    for step, loss in enumerate(losses, 1):
        RunMetric.objects.create(
            run=run, phase="train", step=step, values={"loss": loss}, at=datetime.now(UTC)
        )
    folder = run_folder(run)
    folder.mkdir(parents=True)
    rows = [
        {"step": len(losses), "id": item, "prompt": "问？", "answer": text} for item, text in answers.items()
    ]
    (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    Run.objects.filter(pk=run.pk).update(progress={"report": report})
    run.refresh_from_db()


def test_two_runs_side_by_side(made: Dataset, client: Client, tmp_path: Path) -> None:
    base = tmp_path / "models" / "small"
    first, second = planned(made, base), planned(made, base, learning_rate=0.5)
    tell(first, [3.0, 2.0, 1.0], {"a": "甲答", "b": "乙答"}, final={"loss": 1.0}, seconds=4.5)
    tell(second, [3.0, 4.0], {"b": "另答"}, final={"loss": 4.0}, evaluation={"loss": 5.0})
    found = compare_runs(first, second)
    assert [(row.name, row.first, row.second) for row in found.differences] == [
        ("learning_rate", "0.0001", "0.5")
    ]
    (overlay,) = found.overlays
    assert overlay.table == [(1, 3.0, 3.0), (2, 2.0, 4.0), (3, 1.0, None)]
    assert [(row.phase, row.name, row.first, row.second) for row in found.finals] == [
        ("train", "loss", 1.0, 4.0), ("eval", "loss", None, 5.0), ("", "seconds", 4.5, None),
    ]  # fmt: skip
    assert [(row.item, row.first, row.second) for row in found.samples] == [
        ("a", (3, "甲答"), None), ("b", (3, "乙答"), (2, "另答")),
    ]  # fmt: skip
    page = client.get(reverse("training:run_compare"), {"a": first.pk, "b": second.pk})
    assert page.status_code == 200
    assert words(page).count("<polyline") == 2 and 'class="curve second"' in words(page)
    assert "另答" in words(page)


def test_runs_to_compare_are_chosen_on_the_list(
    made: Dataset, client: Client, tmp_path: Path, submitter: Any, client_of: Callable[[Any], Client]
) -> None:
    base, address = tmp_path / "models" / "small", reverse("training:run_compare")
    first = planned(made, base)
    assert 'id="compare-runs"' not in words(client.get(reverse("training:runs")))
    planned(made, base)
    assert f'name="b" value="{first.pk}"' in words(client.get(reverse("training:runs")))
    assert client.get(address).status_code == 200
    same = client.get(address, {"a": first.pk, "b": first.pk})
    assert "Choose two different runs." in words(same)
    assert client.get(address, {"a": first.pk, "b": 10**8}).status_code == 404
    assert client.get(address, {"a": "x", "b": "²"}).status_code == 404
    assert client_of(submitter).get(address).status_code == 403


def test_the_api_starts_and_estimates(made: Dataset, client: Client, tmp_path: Path) -> None:
    asked = {
        "kind": "sft",
        "dataset": made.pk,
        "processes": 2,
        "config": {"base_model": str(tmp_path / "models" / "small")},
    }
    found = client.post("/api/v1/tuning-runs/estimate/", asked, content_type="application/json")
    assert found.status_code == 200, found.content
    assert found.json()["processes"] == 2 and found.json()["steps"] >= 1 and found.json()["refusal"] == ""
    bad = client.post(
        "/api/v1/tuning-runs/estimate/",
        {**asked, "config": {"base_model": "/none"}},
        content_type="application/json",
    )
    assert bad.status_code == 400
    started = client.post(
        "/api/v1/tuning-runs/", {**asked, "time_limit": 60}, content_type="application/json"
    )
    assert started.status_code == 201
    assert (started.json()["processes"], started.json()["time_limit"]) == (2, 60)


def test_the_command_estimates_and_takes_processes(made: Dataset, tmp_path: Path, capsys: Any) -> None:
    base = str(tmp_path / "models" / "small")
    call_command(
        "launch_run", "sft", base_model=base, processes=4, estimate=True, json=True, config="eval_every: 5"
    )
    told = json.loads(capsys.readouterr().out)
    assert told["estimate"]["processes"] == 4 and not Run.objects.exists()
    call_command(
        "launch_run", "sft", base_model=base, processes=4, queue=True, json=True, lora_targets="q_proj,v_proj"
    )
    run = Run.objects.get()
    assert run.processes == 4 and run.config["lora_targets"] == ["q_proj", "v_proj"]
    with pytest.raises(CommandError, match="processes"):
        call_command("launch_run", "sft", base_model=base, processes=0)
    with pytest.raises(CommandError, match="said twice"):
        call_command("launch_run", "sft", base_model=base, config="a: 1\na: 2")


def test_the_command_starts_from_what_another_run_left(
    made: Dataset, tmp_path: Path, capsys: Any, settings: Any
) -> None:
    small = tmp_path / "models" / "small"
    former = planned(made, small)
    with pytest.raises(CommandError, match="has left no model"):
        call_command("launch_run", "sft", base_run=former.pk, queue=True)
    adapter = run_folder(former) / "artefact" / "adapter"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(small)}), "utf-8")
    (adapter / "adapter_model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    call_command("launch_run", "sft", base_run=former.pk, queue=True)
    assert Run.objects.latest("pk").config["base_model"] == str(adapter)
    model(run_folder(former) / "artefact" / "model", SHAPE)
    call_command("launch_run", "sft", base_run=former.pk, queue=True)
    assert Run.objects.latest("pk").config["base_model"] == str(adapter.with_name("model"))
    with pytest.raises(CommandError, match="no run 0|no run 999"):
        call_command("launch_run", "sft", base_run=999_999, queue=True)


def test_several_processes_are_started_by_the_launcher() -> None:
    alone = engine_arguments("training.engine.sft", Path("/run"), ["--resume"], 1)
    assert alone == ["training.engine.sft", "/run", "--resume"]
    several = engine_arguments("training.engine.sft", Path("/run"), ["--resume"], 2)
    assert several == ["training.engine.launch", "/run", "2", "training.engine.sft", "--resume"]


def test_only_an_allowed_hub_id_lets_the_engine_online(
    made: Dataset, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("SECRET_KEY", "key")
    offline, online = child_environment(), child_environment(hub=True)
    assert offline["HF_HUB_OFFLINE"] == offline["TRANSFORMERS_OFFLINE"] == "1" and "HF_TOKEN" not in offline
    assert online["HF_TOKEN"] == "secret" and "HF_HUB_OFFLINE" not in online and "SECRET_KEY" not in online
    settings.MEDES_MODEL_HUBS = ["Qwen"]
    assert comes_from_a_hub("Qwen/Qwen2.5-7B-Instruct")
    assert not comes_from_a_hub("other/model")
    assert not comes_from_a_hub("/models/Qwen")
    settings.MEDES_MODEL_HUBS = []
    assert not comes_from_a_hub("Qwen/Qwen2.5-7B-Instruct")


def test_a_model_of_the_hub_is_offered_where_hubs_are_allowed(
    made: Dataset, client: Client, settings: Any, tmp_path: Path
) -> None:
    address = reverse("training:run_new")
    assert 'name="hub_model"' not in words(client.get(address))
    settings.MEDES_MODEL_HUBS = ["Qwen"]
    assert 'name="hub_model"' in words(client.get(address))
    for base, hub, field in (
        ("", "other/model", "hub_model"),
        ("", "/etc", "hub_model"),
        (str(tmp_path / "models" / "small"), "Qwen/Qwen3-8B", "hub_model"),
        ("", "", "base_model"),
    ):
        page = client.post(address, form(made, base, hub_model=hub))
        assert page.status_code == 422 and field in page.context["form"].errors
    page = client.post(address, form(made, "", hub_model="Qwen/Qwen3-8B", check="1"))
    assert page.status_code == 200 and "cannot be told before" in words(page)
    client.post(address, form(made, "", hub_model="Qwen/Qwen3-8B"))
    run = Run.objects.get()
    assert run.config["base_model"] == "Qwen/Qwen3-8B"
    copy = client.get(address, {"from": run.pk})
    assert 'value="Qwen/Qwen3-8B"' in words(copy)


def test_the_same_run_again_and_a_dataset_in_the_admin(
    made: Dataset, tmp_path: Path, make_user: Callable[..., Any], client_of: Callable[[Any], Client]
) -> None:
    run = planned(made, tmp_path / "models" / "small", epochs=3)
    staff = make_user("chief", Role.RESEARCHER, is_staff=True, is_superuser=True)
    admin = client_of(staff)
    runs, datasets = reverse("admin:training_run_changelist"), reverse("admin:training_dataset_changelist")
    admin.post(runs, {"action": "tune_again", "_selected_action": [run.pk]})
    again = Run.objects.latest("pk")
    assert (again.copied_from, again.version, again.config) == (run, "2", run.config)
    assert Job.objects.filter(subject_type="run", subject_id=again.pk, state="queued").exists()
    answer = admin.post(datasets, {"action": "tune", "_selected_action": [made.pk]})
    assert answer.url == f"{reverse('training:run_new')}?dataset={made.pk}"
    other = Dataset.objects.create(kind="sft", content_hash="0" * 64, folder="datasets/none", rows=0)
    answer = admin.post(datasets, {"action": "tune", "_selected_action": [made.pk, other.pk]})
    assert answer.url == datasets
    clerk = make_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_run", "view_dataset"]))
    count = Run.objects.count()
    answer = client_of(clerk).post(runs, {"action": "tune_again", "_selected_action": [run.pk]}, follow=True)
    assert answer.status_code == 403 or "Only researchers tune models." in words(answer)
    assert Run.objects.count() == count
    with pytest.raises(NotAllowed):
        copy_run(actor=clerk, run=run)


def promoted(run: Run, version: BenchmarkVersion, researcher: Any) -> Submission:
    entry = create_entry(actor=None, name="tuned", type="medical")
    Run.objects.filter(pk=run.pk).update(entry=entry, finished_at=datetime.now(UTC))
    return Submission.objects.create(
        entry=entry, version=version, method=Submission.Method.CHECKPOINT, submitted_by=researcher
    )


def test_a_promoted_model_is_seen_answering(
    scene: Scene, made: Dataset, client: Client, tmp_path: Path
) -> None:
    run = planned(made, tmp_path / "models" / "small")
    submission = promoted(run, scene.version, scene.researcher)
    own, theirs = (
        reverse("training:run", args=[run.pk]),
        reverse("benchmark:submission", args=[submission.pk]),
    )
    again = reverse("training:answer_again", args=[submission.pk])
    job = launch_answering(submission, actor=scene.researcher)
    assert "waits for a worker" in words(client.get(own))
    assert "waits for a worker to answer" in words(client.get(theirs))
    assert "The scoring has not begun" not in words(client.get(theirs))
    Job.objects.filter(pk=job.pk).update(state="running", progress_done=7, progress_total=28, attempt=1)
    assert "7/28" in words(client.get(own)) and "7 of 28 questions answered" in words(client.get(theirs))
    polled = client.get(theirs, headers={"HX-Request": "true", "HX-Target": "progress"})
    assert words(polled).lstrip().startswith('<section id="progress"')
    assert "is still" not in words(client.post(again, follow=True))
    assert Job.objects.filter(kind="answer").count() == 1
    Job.objects.filter(pk=job.pk).update(
        state="failed", error="Out of memory.", finished_at=datetime.now(UTC)
    )
    assert 'id="answer-again"' in words(client.get(theirs)) and "could not answer" in words(client.get(own))
    failed = "The answering program ended with code 3."
    Job.objects.filter(pk=job.pk).update(error=failed)
    client.cookies["django_language"] = "zh-hans"
    for address in (own, theirs):
        shown = words(client.get(address))
        assert "作答程序以代码 3 结束。" in shown and failed not in shown
    client.cookies["django_language"] = "en"
    client.post(again)
    assert Job.objects.filter(kind="answer", state="queued").count() == 1
    submission.responses_count = 28
    submission.save()
    Job.objects.filter(kind="answer").update(state="succeeded")
    assert (
        "28 answers" in words(client.get(own))
        and "answering" not in words(client.get(theirs)).lower().split("</main>")[0]
    )


@pytest.mark.parametrize(
    "text",
    [
        "learning_rate must lie between 0 and 1, not 7.",
        "There is no base model /x.",
        "The hub model a/b is not among the allowed ones (none are allowed).",
        "The run needs about 200.0 GiB even with one row at a time (300.0 GiB for the whole batch), and the device has "
        "79.0 GiB; most of it, 150.0 GiB, are the weights.",
        "The disk is full: checkpoints and weights need about 2.00 GiB, and 1.00 are free.",
    ],
)
def test_what_the_engine_says_is_said_in_chinese_too(text: str) -> None:
    with translation.override("zh-hans"):
        assert sentence(text) != text and any("一" <= sign <= "鿿" for sign in sentence(text))
