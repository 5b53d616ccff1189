"""Rows of the roles table: training is for researchers alone, since its reports quote experts' labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmark.models import Guardian, Scorer
from tests.benchmark.cast import Cast
from tests.medes_site.roles_table import Row, api, page
from training.models import Dataset, Drawing, Run


def run(cast: Cast) -> list[Any]:
    return [Run.objects.get_or_create(kind="guardian", name="roles", version="1")[0].pk]


def dataset(cast: Cast) -> list[Any]:
    fields = {"folder": "datasets/none", "rows": 0}
    return [Dataset.objects.get_or_create(kind="guardian", content_hash="0" * 64, defaults=fields)[0].pk]


def drawing(cast: Cast) -> list[Any]:
    return [Drawing.objects.get_or_create(kind="sft")[0].pk]


def guardian(state: str) -> Callable[[Cast], list[Any]]:
    """One in this state, that came from elsewhere."""

    def make(cast: Cast) -> list[Any]:
        scorer = Scorer.objects.get_or_create(type="guardian", name="roles", version=state)[0]
        known = Guardian.objects.get_or_create(
            scorer=scorer, defaults={"kind": "linear", "state": state, "folder": "none"}
        )
        return [known[0].pk]

    return make


READ = "302 403 403 403 403 200 200"
ACT = "302 403 403 403 403 302 302"
NOT_NOW = "302 403 403 403 403 409 409"
INVALID = "302 403 403 403 403 422 422"
API_READ = "401 403 403 403 403 200 200"
API_GONE = "401 403 403 403 403 404 404"
API_NO = "401 403 403 403 403 405 405"


def act(view: str, *args: Any, post: str = ACT, **more: Any) -> Row:
    return page(view, *args, get="405 405 405 405 405 405 405", post=post, **more)


def closed(view: str, *args: Any, get: str = API_READ, post: str = API_NO, **more: Any) -> Row:
    return api(view, *args, get=get, post=post, patch=API_NO, delete=API_NO, **more)


ROWS = [
    page("training:guardians", get=READ),
    page("training:guardian", guardian("candidate"), get=READ),
    page("training:guardian_report", guardian("candidate"), get="302 403 403 403 403 404 404"),
    page("training:runs", get=READ),
    page("training:run", run, get=READ),
    page("training:dataset", dataset, get=READ),
    page("training:dataset_file", lambda cast: [*dataset(cast), "manifest.json"], get=READ),
    page(
        "training:dataset_file",
        lambda cast: [*dataset(cast), "none.jsonl"],
        note="a file that it lacks",
        get="302 403 403 403 403 404 404",
    ),
    page("training:drawing", drawing, get=READ),
    act("training:drawing_act", drawing),
    closed("training:api-drawing-detail", drawing),
    closed("training:api-dataset-files", lambda cast: [*dataset(cast), "manifest.json"]),
    act("training:guardian_train"),
    act("training:guardian_train", note="off the scale", data=lambda cast: {"prior": "2"}, post=INVALID),
    act("training:guardian_shadow", guardian("candidate")),
    act("training:guardian_shadow", guardian("retired"), note="of a retired one", post=NOT_NOW),
    act("training:guardian_promote", guardian("shadow"), note="without labels", post=INVALID),
    act("training:guardian_retire", guardian("shadow")),
    act("training:guardian_suggest", guardian("shadow"), note="without a benchmark", post=INVALID),
    act("training:run_cancel", run),
    act("training:run_resume", run),
    closed("training:api-run-list", json=True, post="401 403 403 403 403 201 201"),
    closed("training:api-run-detail", run),
    closed("training:api-run-cancel", run, json=True, get=API_NO, post="401 403 403 403 403 409 409"),
    closed("training:api-guardian-list"),
    closed("training:api-guardian-detail", guardian("candidate")),
    closed("training:api-guardian-report", guardian("candidate"), get=API_GONE),
    closed(
        "training:api-guardian-promote",
        guardian("shadow"),
        json=True,
        get=API_NO,
        post="401 403 403 403 403 422 422",
    ),
]
