"""Datasets drawn by a worker, because there is more to read than a page should wait for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import translation

from benchmark.errors import BenchmarkError
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.errors import JobError
from training.models import Drawing
from training.queries.tuning_material import how_many_opinions
from training.services.tuning_data import build_tuning_dataset, check_tuning_recipe

AT_ONCE = 10_000
"""Labels and judgements up to which a page draws a dataset while it is waited for: a few seconds."""


def takes_long() -> bool:
    """Whether drawing belongs to a worker."""
    return how_many_opinions() > AT_ONCE


def plan_drawing(*, actor: Any, kind: str, recipe: Mapping[str, Any] | None = None) -> Drawing:
    """A checked wish, to be launched. Raises NotAllowed, BadInput."""
    asked = check_tuning_recipe(actor, kind, recipe or {})
    return Drawing.objects.create(kind=kind, recipe=asked.as_json(), created_by=actor)


def draw_dataset(context: JobContext) -> None:
    """Subject: a drawing. A second attempt draws anew: the same rows are the same dataset."""
    drawing = Drawing.objects.select_related("created_by").get(pk=context.subject_id)
    if drawing.dataset_id is not None:
        return
    try:
        with translation.override("en"):  # a job's words are kept in English; the page translates them
            made = build_tuning_dataset(
                actor=drawing.created_by, kind=drawing.kind, recipe=drawing.recipe, progress=context.progress
            )
    except BenchmarkError as error:
        raise JobError(str(error)) from error
    with context.fenced():
        Drawing.objects.filter(pk=drawing.pk).update(dataset=made)
    context.log(f"{made}: {made.rows} rows")
