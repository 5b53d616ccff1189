"""Rows of datasets tell what experts and guardians said: whoever reads them is asked for no blind label there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from benchmark.models import Sighting
from medes_site.kit.roles import Role
from tests.training.scene import Scene
from tests.training.tuning_scene import make_open_scene
from training.models import Dataset
from training.queries.model_folders import dataset_folder
from training.services.guardian_data import build_guardian_dataset
from training.services.tuning_data import build_tuning_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(tmp_path: Path, researcher: Any, make_user: Callable[..., Any], settings: Any) -> Scene:
    settings.MEDES_ARTEFACTS = tmp_path / "artefacts"
    experts = (make_user("label-one", Role.EXPERT), make_user("label-two", Role.EXPERT))
    return make_open_scene(tmp_path / "open", researcher, experts)


def seen_by(user: Any) -> set[int]:
    return set(Sighting.objects.filter(user=user).values_list("response_id", flat=True))


def told(dataset: Dataset, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (dataset_folder(dataset) / name).read_bytes().split(b"\n") if line]


def test_a_page_of_pairs_tells_of_both_answers(scene: Scene, client_of: Callable[[Any], Client]) -> None:
    made = build_tuning_dataset(actor=None, kind="dpo", recipe={"length_bias": 10})
    page = client_of(scene.researcher).get(reverse("training:dataset_rows", args=[made.pk]))
    assert page.status_code == 200
    shown = [row["lineage"] for row in told(made, "train.jsonl")[:10]]
    assert len(shown) == 10
    assert seen_by(scene.researcher) == {pk for row in shown for pk in (row["chosen"], row["rejected"])}


@pytest.mark.parametrize("way", ["training:dataset_file", "training:api-dataset-files"])
def test_a_download_tells_of_every_row_and_a_manifest_of_none(
    scene: Scene, client_of: Callable[[Any], Client], way: str
) -> None:
    made = build_guardian_dataset(actor=None, recipe={})
    client = client_of(scene.researcher)
    assert client.get(reverse(way, args=[made.pk, "manifest.json"])).status_code == 200
    assert seen_by(scene.researcher) == set()
    page = client.get(reverse(way, args=[made.pk, "rows.jsonl"]))
    assert b"".join(page.streaming_content) == (dataset_folder(made) / "rows.jsonl").read_bytes()  # type: ignore[attr-defined]
    wanted = {row["id"] for row in told(made, "rows.jsonl")}
    assert wanted and seen_by(scene.researcher) == wanted
