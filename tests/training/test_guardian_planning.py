"""What is refused before there is a run of a guardian: base models, settings, endpoints, and the form of it all."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from medes_site.kit.roles import Role
from tests.training.guardian_models import URL, endpoint, english, form, model, text
from training.errors import BadInput, NotAllowed
from training.guardian_forms import TrainForm
from training.models import Run
from training.queries.model_folders import run_folder
from training.services.guardian_config import check_config, judge_variables
from training.services.guardian_reports import judged_any
from training.services.runs import plan_guardian_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


def broken(models: Path, how: str) -> str:
    """The address of a folder with which no guardian can begin."""
    place = models / how
    if how == "outside":
        return str(model(models.parent / "elsewhere"))
    if how == "missing":
        return str(place)
    if how == "hub":
        return "Qwen/Qwen3-8B"
    model(place, chat=how != "no-chat")
    if how == "pickle":
        (place / "model.safetensors").rename(place / "pytorch_model.bin")
    elif how == "cut-off":
        (place / "model.safetensors").write_bytes(b"\x09")
    elif how == "no-tokenizer":
        (place / "tokenizer.json").unlink()
    elif how == "adapter":
        (place / "config.json").unlink()
        (place / "adapter_config.json").write_text(
            json.dumps({"base_model_name_or_path": str(models / "small")}), "utf-8"
        )
        (place / "adapter_model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    return str(place)


BROKEN = [
    ("generative", "outside", "does not lie in one of the allowed folders"),
    ("encoder", "outside", "does not lie in one of the allowed folders"),
    ("encoder", "missing", "There is no base model"),
    ("encoder", "pickle", "are not safetensors: convert them first"),
    ("encoder", "cut-off", "is missing or cut off"),
    ("generative", "no-tokenizer", "holds no tokenizer"),
    ("generative", "no-chat", "has no chat template"),
    ("encoder", "adapter", "holds an adapter alone"),
    ("encoder", "hub", "is a folder on this machine, not a model of a hub"),
]


@pytest.mark.parametrize(("part", "taken"), [("model", True), ("adapter", False), ("modle", False)])
def test_of_a_run_in_the_store_the_merged_weights_may_be_a_base(
    models: Path, researcher: Any, part: str, taken: bool
) -> None:
    """Also while they are not on this machine; a worker fetches them. An adapter alone is refused as anywhere."""
    stored = {"files": {f"artefact/{name}/model.safetensors": {"bytes": 1} for name in ("model", "adapter")}}
    run = Run.objects.create(kind="sft", name="far", version="1", created_by=researcher, stored=stored)
    base = str(run_folder(run) / "artefact" / part)
    if taken:
        assert check_config({"kind": "encoder", "base_model": base})["base_model"] == base
    else:
        with pytest.raises(BadInput) as caught:
            check_config({"kind": "encoder", "base_model": base})
        assert caught.value.details["field"] == "base_model"


@pytest.mark.parametrize(
    ("n", "settings", "judged"),
    [
        ({"rows": 4, "failed": 4}, {"held_out_judged": 9}, False),
        ({"rows": 4, "failed": 3}, {"held_out_judged": 0}, True),
        ({"rows": 0, "failed": 0}, {"held_out_judged": 0}, False),
        ({"rows": 0, "failed": 0}, {"held_out_judged": 1}, True),
        ({"rows": 0, "failed": 0}, {}, True),
    ],
)
def test_who_has_judged_nothing_is_known(n: dict[str, int], settings: dict[str, int], judged: bool) -> None:
    """By the audit answers; by those of the calibration where there were none; the linear kind never fails."""
    assert judged_any({"n": n}, settings) is judged


@pytest.mark.parametrize(("kind", "how", "sentence"), BROKEN)
def test_a_base_model_that_cannot_be_used_is_refused_everywhere(
    models: Path, researcher: Any, client_of: Callable[[Any], Client], kind: str, how: str, sentence: str
) -> None:
    """By the service, the API and the command alike, before there is a run, in one sentence."""
    base = broken(models, how)
    with pytest.raises(BadInput, match=re.escape(sentence)) as caught:
        plan_guardian_run(actor=researcher, config={"kind": kind, "base_model": base})
    assert caught.value.details["field"] == "base_model"
    with pytest.raises(CommandError, match=re.escape(sentence)):
        call_command("train_guardian", "--kind", kind, "--base-model", base, "--queue")
    client = english(client_of, researcher)
    answer = client.post(
        reverse("training:api-run-list"),
        {"config": {"kind": kind, "base_model": base}},
        content_type="application/json",
    )
    assert answer.status_code == 400 and sentence in answer.json()["detail"]
    assert not Run.objects.exists()
    with translation.override("zh-hans"), pytest.raises(BadInput) as chinese:
        plan_guardian_run(actor=researcher, config={"kind": kind, "base_model": base})
    assert re.search(r"[\u4e00-\u9fff]", str(chinese.value))


@pytest.mark.parametrize(
    ("config", "field", "sentence"),
    [
        ({"kind": "encoder", "settings": {"epochs": 0}}, "epochs", "The setting epochs lies between 1 and 100"),
        ({"kind": "encoder", "settings": {"max_length": 5000}}, "max_length", "reads 4096 tokens"),
        ({"kind": "encoder", "settings": {"arithmetic": "int4"}}, "arithmetic", "is one of float, int8, auto"),
        ({"kind": "encoder", "settings": []}, "settings", "Settings of a kind are a JSON object."),
        ({"kind": "linear", "settings": {"epochs": 2}}, "epochs", "A linear guardian has no setting"),
        ({"kind": "encoder", "base_model": ""}, "base_model", "This kind of guardian needs a base model."),
        ({"kind": "encoder", "base_model": 7}, "base_model", "This kind of guardian needs a base model."),
        (endpoint(url="https://evil.example/v1"), "url", "is not among those allowed in MEDES_JUDGE_ENDPOINTS."),
        (endpoint(model=""), "model", "Name the model"),
        (endpoint(key_name="SECRET_KEY"), "key_name", "must be called MEDES_JUDGE_KEY"),
        (endpoint(epochs=1), "epochs", "A guardian behind an endpoint has no setting"),
        ({"kind": "encoder", "learning_curve": "yes"}, "learning_curve", "is true or false."),
        ({**endpoint(), "learning_curve": True}, "learning_curve", "so there is no learning curve."),
    ],
)  # fmt: skip
def test_settings_are_checked_when_a_run_is_planned(
    models: Path, researcher: Any, config: dict[str, Any], field: str, sentence: str
) -> None:
    whole = {"base_model": str(models / "small"), **config}
    with pytest.raises(BadInput, match=re.escape(sentence)) as caught:
        plan_guardian_run(actor=researcher, config=whole)
    assert caught.value.details["field"] == field


def test_an_endpoint_run_is_told_its_key_and_allow_list_and_no_other_run_anything(models: Path) -> None:
    assert judge_variables(check_config(endpoint(key_name="MEDES_JUDGE_KEY_LAB"))) == (
        "MEDES_JUDGE_ENDPOINTS",
        "MEDES_JUDGE_KEY_LAB",
    )
    assert judge_variables(check_config(endpoint())) == ("MEDES_JUDGE_ENDPOINTS",)
    assert judge_variables(check_config({"kind": "encoder", "base_model": str(models / "small")})) == ()
    assert judge_variables(check_config({})) == ()


def test_the_chat_template_may_stand_in_the_tokenizer_s_own_file(models: Path, researcher: Any) -> None:
    place = model(models / "inside", chat=False)
    (place / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}), "utf-8")
    run = plan_guardian_run(actor=researcher, config={"kind": "generative", "base_model": str(place)})
    assert (run.name, run.config["base_model"]) == ("medes-generative", str(place))
    assert plan_guardian_run(actor=researcher, config=endpoint()).name == "medes-endpoint"


def test_what_earlier_runs_left_may_be_a_base_model(models: Path, researcher: Any, settings: Any) -> None:
    left = model(Path(settings.MEDES_ARTEFACTS) / "runs" / "7" / "artefact" / "model")
    run = plan_guardian_run(actor=researcher, config={"kind": "encoder", "base_model": str(left)})
    assert run.config["base_model"] == str(left)


def test_a_model_that_is_still_being_made_is_not_offered(models: Path) -> None:
    """The demo's is made in a hidden folder beside its place, and then renamed."""
    model(models / ".small.7")
    offered = [name for _folder, name in TrainForm().fields["base_model"].choices]  # type: ignore[attr-defined]
    assert offered == ["small"]


def test_an_earlier_run_s_model_is_offered_and_an_adapter_alone_is_not(models: Path) -> None:
    for name, part in (("merged", "model"), ("lora", "adapter")):
        run = Run.objects.create(
            kind="sft", name=name, version="1", config={}, recipe={}, finished_at=timezone.now()
        )
        (run_folder(run) / "artefact" / part).mkdir(parents=True)
    offered = [name for _folder, name in TrainForm().fields["base_model"].choices]  # type: ignore[attr-defined]
    assert offered == ["SFT merged 1", "small"]


@pytest.mark.parametrize("role", [Role.EXPERT, Role.REFEREE, Role.SUBMITTER])
def test_nobody_but_researchers_plans_them(
    models: Path, make_user: Callable[..., Any], client_of: Callable[[Any], Client], role: Role
) -> None:
    other = make_user("other", role)
    with pytest.raises(NotAllowed):
        plan_guardian_run(actor=other, config=endpoint())
    answer = client_of(other).post(reverse("training:guardian_train"), form("endpoint"))
    assert answer.status_code == 403 and not Run.objects.exists()


def four_posts(base: str) -> list[dict[str, Any]]:
    """One form of each kind, with nonsense in the fields of the others."""
    nonsense = {"encoder_epochs": "no", "generative_max_length": "", "tries": "999"}
    return [
        form("linear", **nonsense, base_model="/nowhere", extra="]["),
        form(
            "encoder", base_model=base, encoder_epochs="2", encoder_lora_r="4", generative_epochs="x", tries="0",
            extra="warmup: 0.2\narithmetic: float", learning_curve="on", name="mine", time_limit="0.5",
        ),
        form(
            "generative", base_model=base, generative_calibrate_on="7", encoder_epochs="",
            url="https://gone.example",
        ),
        form(
            "endpoint", base_model="/nowhere", parallel="2", extra="wait: 0.5", key_name="MEDES_JUDGE_KEY",
            learning_curve="on",
        ),
    ]  # fmt: skip


def test_each_kind_is_planned_by_its_own_fields(
    models: Path, researcher: Any, client_of: Callable[[Any], Client]
) -> None:
    """What belongs to another kind counts for nothing, not even where it makes no sense."""
    client, address = english(client_of, researcher), reverse("training:guardian_train")
    base = str(models / "small")
    for data in four_posts(base):
        answer = client.post(address, data)
        assert answer.status_code == 302, text(answer)
    linear, encoder, generative, behind = Run.objects.order_by("pk")
    assert "settings" not in linear.config and "base_model" not in linear.config
    curves = [run.config.get("learning_curve") for run in (linear, encoder, generative, behind)]
    assert curves == [None, True, None, None], "a curve is asked for where there is one to ask for"
    assert (encoder.name, encoder.time_limit, encoder.config["base_model"]) == (
        "mine",
        1800,
        base,
    )
    assert encoder.config["settings"] == {
        "epochs": 2, "learning_rate": 2e-5, "batch_size": 16, "max_length": 512, "lora_r": 4, "warmup": 0.2,
        "arithmetic": "float",
    }  # fmt: skip
    assert (
        generative.config["settings"]["calibrate_on"] == 7 and "backend" not in generative.config["settings"]
    )
    assert behind.config["kind"] == "generative" and "base_model" not in behind.config
    assert behind.config["settings"] == {
        "backend": "endpoint", "url": URL, "model": "judge-1", "key_name": "MEDES_JUDGE_KEY", "timeout": 60,
        "tries": 4, "parallel": 2, "wait": 0.5, "calibrate_on": 200,
    }  # fmt: skip
    page = text(client.get(reverse("training:run", args=[behind.pk])))
    assert "judge-1" in page and "medes-endpoint 1" in page


@pytest.mark.parametrize(
    ("data", "field", "sentence"),
    [
        (form("encoder"), "base_model", "Choose a base model."),
        (form("encoder", base_model="/etc"), "base_model", "is not one of the available choices"),
        (form("encoder", base_model="SMALL", encoder_epochs="0"), "encoder_epochs", "greater than or equal to 1"),
        (form("encoder", base_model="SMALL", encoder_max_length="9000"), "encoder_max_length", "reads 4096 tokens"),
        (form("encoder", base_model="SMALL", extra="epochs: 3"), "extra", "“epochs” has a field of its own above."),
        (form("encoder", base_model="SMALL", extra="dtype: float8"), "extra", "is one of float32, bfloat16"),
        (form("encoder", base_model="SMALL", extra="nothing: 1"), "extra", "An encoder has no setting"),
        (form("encoder", base_model="SMALL", extra="url: x"), "extra", "An encoder has no setting"),
        (form("encoder", base_model="SMALL", extra="seed: 3"), "extra", "An encoder has no setting"),
        (form("encoder", base_model="SMALL", extra="warmup: 1" + 400 * "0"), "extra", "lies between 0 and 1"),
        (form("generative", base_model="SMALL", extra="a: &x 1"), "extra", "Anchors and aliases are not allowed here."),
        (form("endpoint", url=""), "url", "Choose an endpoint."),
        (form("endpoint", url="https://evil.example/v1"), "url", "is not one of the available choices"),
        (form("endpoint", model=""), "model", "Name the model that the endpoint is to answer with."),
        (form("endpoint", key_name="PATH"), "key_name", "must be called MEDES_JUDGE_KEY"),
        (form("endpoint", extra="backend: local"), "extra", "“backend” has a field of its own above."),
        (form("endpoint", name="a b"), "name", "letters, digits, dots, dashes or underscores"),
        (form("linear", time_limit="0"), "time_limit", "greater than or equal to 0.01"),
    ],
)  # fmt: skip
def test_a_refusal_stands_at_its_place_and_nothing_typed_is_lost(
    models: Path,
    researcher: Any,
    client_of: Callable[[Any], Client],
    data: dict[str, Any],
    field: str,
    sentence: str,
) -> None:
    data = {**data, "note": "kept as it was"}
    if data.get("base_model") == "SMALL":
        data["base_model"] = str(models / "small")
    answer = english(client_of, researcher).post(reverse("training:guardian_train"), data)
    page = text(answer)
    assert answer.status_code == 422 and not Run.objects.exists()
    assert sentence in " ".join(answer.context["form"].errors[field]), answer.context["form"].errors
    assert list(answer.context["form"].errors) == [field]
    assert page.count('<details class="more" open>') == 1 and "kept as it was" in page
    assert f'<option value="{data["kind"]}" selected>' in page


def test_where_there_is_nothing_to_choose_it_says_how_to_get_it(
    models: Path, researcher: Any, client_of: Callable[[Any], Client], settings: Any
) -> None:
    client = english(client_of, researcher)
    page = text(client.get(reverse("training:guardians")))
    assert "The settings suit a tiny checkpoint" in page and 'value="0.0005"' in page
    settings.MEDES_MODEL_ROOTS, settings.MEDES_JUDGE_ENDPOINTS = [models / "none"], []
    page = text(client.get(reverse("training:guardians")))
    assert "There is no base model yet" in page and "No endpoint is allowed yet" in page
    assert "The settings suit" not in page and 'name="url"' not in page
    for kind in ("encoder", "endpoint"):
        refused = client.post(reverse("training:guardian_train"), {"kind": kind})
        assert refused.status_code == 422
