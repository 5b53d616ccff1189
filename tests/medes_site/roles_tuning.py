"""Rows of the roles table: datasets and tuning runs are for researchers alone."""

from __future__ import annotations

from typing import Any

from tests.benchmark.cast import Cast
from tests.medes_site.roles_table import Row, page, submission
from tests.medes_site.roles_training import API_NO, INVALID, READ, act, closed, run
from training.models import Dataset

API_WRONG = "401 403 403 403 403 400 400"


def pairs(cast: Cast) -> list[Any]:
    """A dataset of pairs whose files are not there."""
    fields = {"folder": "datasets/none", "rows": 0}
    return [Dataset.objects.get_or_create(kind="dpo", content_hash="1" * 64, defaults=fields)[0].pk]


ROWS: list[Row] = [
    page("training:datasets", get=READ, post=INVALID),
    page("training:dataset", pairs, note="of pairs", get=READ),
    page("training:dataset_rows", pairs, get=READ),
    page("training:run_new", get=READ, post=INVALID),
    page("training:models", get=READ, post=INVALID),
    closed("training:api-model-list", json=True, post=API_WRONG),
    page("training:run_compare", get=READ),
    act("training:answer_again", submission("public"), note="of a file", post="302 403 403 403 403 404 404"),
    closed("training:api-tuning-estimate", json=True, get=API_NO, post=API_WRONG),
    act("training:run_promote", run, note="of a guardian", post=INVALID),
    closed("training:api-dataset-list", json=True, post=API_WRONG),
    closed("training:api-dataset-detail", pairs),
    closed("training:api-tuning-list", json=True, get=API_NO, post=API_WRONG),
    closed("training:api-tuning-promote", run, note="of a guardian", json=True, get=API_NO, post=API_WRONG),
]
