"""The form that draws a dataset, drawings in a worker, and the command, where nothing is there yet to be learnt."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation
from tqdm import tqdm

from medes_site.kit.jobs.models import Job
from training.errors import BadInput, TrainingError
from training.management.commands.build_dataset import advance
from training.models import Drawing
from training.names import LEFT_OUT, sentence
from training.services.dataset_files import DatasetDraft
from training.services.drawings import plan_drawing
from training.services.tuning_data import check_tuning_recipe
from training.tasks import launch_dataset
from training.tuning_forms import RecipeForm

SENT: dict[str, Any] = {
    "kind": "sft", "sources": ["labels"], "quality": 0.6, "margin": 0.1, "per_prompt": 4, "length_bias": 0.25,
    "seed": 1,
}  # fmt: skip


def test_a_kind_needs_a_source_of_its_own() -> None:
    """Comparisons are for DPO; without a source a recipe would be drawn from all of them."""
    form = RecipeForm({**SENT, "sources": ["pairs"]})
    assert list(form.errors) == ["sources"]
    assert RecipeForm({**SENT, "kind": "dpo", "sources": ["pairs"]}).is_valid()
    both = RecipeForm({**SENT, "sources": ["pairs", "labels"]})
    assert both.is_valid()
    assert both.recipe()["sources"] == ["labels"]
    assert "sources" in RecipeForm({**SENT, "sources": []}).errors
    assert "kind" in RecipeForm({**SENT, "kind": "none"}).errors


def test_the_form_refuses_what_the_rule_refuses() -> None:
    assert list(RecipeForm({**SENT, "seed": 2**31}).errors) == ["seed"]
    form = RecipeForm({**SENT, "seed": 2**31 - 1})
    assert form.is_valid()
    assert check_tuning_recipe(None, "sft", form.recipe()).seed == 2**31 - 1


@pytest.mark.parametrize(
    "recipe",
    [
        {"seed": -1},
        {"quality": 2},
        {"longest": 1.5},
        {"qality": 1},
        {"sources": ["pairs"]},
        {"sources": "labels"},
        {"guardian": 3},
        {"format": "csv"},
        {"kind": "dpo"},
    ],
)
def test_a_wrong_recipe_is_refused_in_the_readers_language(recipe: dict[str, Any]) -> None:
    said = []
    for language in ("en", "zh-hans"):
        with translation.override(language), pytest.raises(BadInput) as error:
            check_tuning_recipe(None, "sft", recipe)
        said.append(str(error.value))
    assert said[0] != said[1]


def test_reasons_are_told_in_words() -> None:
    """Also where the sentence was stored in English; every reason has a title that is found again."""
    with translation.override("en"):
        titles = [str(title) for title in LEFT_OUT.values()]
    stored = f"No row is left. Left out: {', '.join(f'{title} (3)' for title in titles)}."
    assert sentence(stored) == stored or translation.get_language() != "en"
    with translation.override("zh-hans"):
        told = sentence(stored)
        assert [title for title in LEFT_OUT.values() if f"{title} (3)" not in told] == []
    assert not [title for title in titles if title in told]


@pytest.mark.django_db
def test_stop_and_again_are_two_acts(researcher: Any, client_of: Callable[[Any], Client]) -> None:
    """A second click on Stop arrives when the drawing has stopped, and must not begin it anew."""
    client, drawing = client_of(researcher), plan_drawing(actor=researcher, kind="sft")
    path = reverse("training:drawing_act", args=[drawing.pk])
    launch_dataset(drawing, actor=researcher, wake=False)

    def send(act: str) -> list[str]:
        assert client.post(path, {"act": act}).status_code == 302
        return list(Job.objects.filter(subject_id=drawing.pk).order_by("pk").values_list("state", flat=True))

    assert send("again") == ["queued"]
    assert b'value="stop"' in client.get(reverse("training:drawing", args=[drawing.pk])).content
    assert send("stop") == ["cancelled"]
    assert send("stop") == ["cancelled"]
    assert send("") == ["cancelled"]
    assert b'value="again"' in client.get(reverse("training:drawing", args=[drawing.pk])).content
    assert send("again") == ["cancelled", "queued"]
    assert send("again") == ["cancelled", "queued"]


def test_rows_that_parquet_cannot_hold_are_refused_in_words(tmp_path: Path, settings: Any) -> None:
    """One row's answer is a text and another's is none: no column holds both."""
    settings.MEDES_ARTEFACTS = tmp_path
    with DatasetDraft("sft", "parquet") as draft:
        draft.write("train", [{"item": "a", "margin": 1.0}, {"item": "b", "margin": {"of": "another kind"}}])
        with translation.override("en"), pytest.raises(TrainingError) as error:
            draft.finish()
    assert str(error.value).startswith("The rows could not be written as Parquet: ")
    with translation.override("zh-hans"):
        assert not sentence(str(error.value)).startswith("The rows")
    assert list((tmp_path / "datasets").iterdir()) == []


@pytest.mark.django_db
def test_the_command_leaves_a_dataset_to_a_worker(researcher: Any) -> None:
    out = io.StringIO()
    call_command(
        "build_dataset", "dpo", "--queue", "--json", "--seed", "3", "--user", "researcher", stdout=out
    )
    told = json.loads(out.getvalue())
    drawing = Drawing.objects.get(pk=told["drawing"])
    assert (drawing.kind, drawing.recipe["seed"], drawing.created_by) == ("dpo", 3, researcher)
    assert Job.objects.get(pk=told["job"]).subject_id == drawing.pk
    with pytest.raises(CommandError, match="at once"):
        call_command("build_dataset", "guardian", "--queue")
    with pytest.raises(CommandError, match="seed must be"):
        call_command("build_dataset", "sft", "--queue", "--seed", "-1")


def test_the_bar_shows_stage_after_stage() -> None:
    out = io.StringIO()
    with tqdm(file=out, mininterval=0, miniters=1) as bar:
        advance(bar, 0, 10, "reading judgements")
        advance(bar, 5, 10, "reading judgements")
        assert (bar.n, bar.total) == (5, 10)
        advance(bar, 0, 4, "writing rows")
        advance(bar, 2, 4, "writing rows")
        assert (bar.n, bar.total) == (2, 4)
    assert "reading judgements:  50%" in out.getvalue()
    assert "writing rows:  50%" in out.getvalue()
    with tqdm(disable=True) as silent:
        advance(silent, 5, 10, "reading judgements")
    assert silent.n == 0
